//! Reading policies: the embedded ones and an installation's own, parsed and validated strictly.
//!
//! Invariant: a set that leaves here has no error and no warning, every policy in it has its own id
//! and a reason fit to print. A warning counts as an error because the usual one, a policy that can
//! never apply, means a rule that its author believes in and nobody enforces. Caller: `decide.rs`.

use std::{collections::BTreeMap, fmt};

use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use crate::{limits::excess, text::one_line};

const SCHEMA: (&str, &str) = ("schema.cedarschema", include_str!("../policies/schema.cedarschema"));
const DEFAULTS: (&str, &str) = ("default.cedar", include_str!("../policies/default.cedar"));

/// The longest policy id, in bytes.
const MAX_ID_BYTES: usize = 64;
/// The longest reason, in characters.
const MAX_REASON_CHARS: usize = 200;

/// One thing wrong with a policy file. Prints as `file:line:column: reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, in one line.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", one_line(&self.file, 200), self.line, self.column, self.reason)
    }
}

/// Policies that cannot be used, with everything that is wrong with them, one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.problems))]
pub struct PolicyError {
    problems: Vec<Problem>,
}

impl PolicyError {
    /// What is wrong; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What a decision needs to know of a policy beside its rule.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// It is a forbid.
    pub(crate) forbids: bool,
    /// Its `@reason`, or nothing.
    pub(crate) reason: Option<String>,
}

/// Policies fit for use.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) schema: Schema,
    pub(crate) policies: PolicySet,
    pub(crate) about: BTreeMap<PolicyId, About>,
}

/// Reads the embedded policies and then `extra`, pairs of file name and text.
///
/// # Errors
/// Everything found wrong in any of the files.
pub(crate) fn load(extra: &[(&str, &str)]) -> Result<Loaded, PolicyError> {
    let schema = match Schema::from_cedarschema_str(SCHEMA.1) {
        Ok((schema, _)) => schema,
        Err(error) => {
            return Err(PolicyError { problems: vec![problem(SCHEMA, &error)] });
        }
    };
    let validator = Validator::new(schema.clone());
    let mut loaded = Loaded { schema, policies: PolicySet::new(), about: BTreeMap::new() };
    let mut problems = Vec::new();
    for file in std::iter::once(DEFAULTS).chain(extra.iter().copied()) {
        loaded.add(file, &validator, &mut problems);
    }
    if problems.is_empty() { Ok(loaded) } else { Err(PolicyError { problems }) }
}

impl Loaded {
    fn add(&mut self, file: (&str, &str), validator: &Validator, problems: &mut Vec<Problem>) {
        let text = file.1;
        if let Some((offset, reason)) = excess(text) {
            problems.push(at(file, offset, &reason));
            return;
        }
        let parsed: PolicySet = match text.parse() {
            Ok(parsed) => parsed,
            Err(errors) => {
                problems.extend(errors.iter().map(|error| problem(file, error)));
                return;
            }
        };
        for template in parsed.templates() {
            let offset = text.find(&template.to_cedar()).unwrap_or(0);
            problems.push(at(
                file,
                offset,
                "templates are not supported: name the principal and the resource",
            ));
        }
        // Only a file's own policies are validated with it, so that a position is a position in it.
        let mut own = PolicySet::new();
        let mut read = 0;
        for policy in parsed.policies() {
            // The parser keeps each policy's text and their order, not where they begin.
            let offset = policy.to_cedar().and_then(|source| {
                text.get(read..)?.find(&source).map(|found| (read + found, source.len()))
            });
            let (offset, length) = offset.unwrap_or((read, 0));
            read = offset + length;
            if let Err(reason) = self.adopt(policy, &mut own) {
                problems.push(at(file, offset, &reason));
            }
        }
        let result = validator.validate(&own, ValidationMode::Strict);
        problems.extend(result.validation_errors().map(|error| problem(file, error)));
        problems.extend(result.validation_warnings().map(|warning| problem(file, warning)));
    }

    /// Takes `policy` in under the id that it gives itself.
    fn adopt(&mut self, policy: &Policy, own: &mut PolicySet) -> Result<(), String> {
        let id = policy.annotation("id").unwrap_or_default();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if id.is_empty() {
            return Err("the policy has no @id(\"…\")".to_owned());
        }
        if id.len() > MAX_ID_BYTES || !id.bytes().all(plain) {
            return Err(format!(
                "the id `{}` is not of small letters, digits and hyphens, at most {MAX_ID_BYTES}",
                one_line(id, MAX_ID_BYTES)
            ));
        }
        let reason = policy.annotation("reason").map(ToOwned::to_owned);
        if let Some(reason) = &reason
            && (reason.is_empty() || *reason != one_line(reason, MAX_REASON_CHARS))
        {
            return Err(format!(
                "the @reason of `{id}` is not one line of 1 to {MAX_REASON_CHARS} characters"
            ));
        }
        let named = policy.new_id(PolicyId::new(id));
        let taken = |_| format!("another policy has the id `{id}`");
        self.policies.add(named.clone()).map_err(taken)?;
        own.add(named).map_err(taken)?;
        let forbids = policy.effect() == Effect::Forbid;
        self.about.insert(PolicyId::new(id), About { forbids, reason });
        Ok(())
    }
}

/// What Cedar says of `file`, at the place that it points to.
fn problem(file: (&str, &str), diagnostic: &dyn Diagnostic) -> Problem {
    let offset =
        diagnostic.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
    let mut reason = diagnostic.to_string();
    if let Some(help) = diagnostic.help() {
        reason = format!("{reason} ({help})");
    }
    at(file, offset, &reason)
}

/// A problem at a byte offset of a file, whatever the offset.
fn at((file, text): (&str, &str), offset: usize, reason: &str) -> Problem {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Problem {
        file: file.to_owned(),
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        reason: one_line(reason, 500),
    }
}

#[cfg(test)]
#[path = "policies_tests.rs"]
mod tests;
