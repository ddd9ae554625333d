//! The decision: may this person do this with that command, and why.
//!
//! Invariant: nothing is allowed without a permit, a forbid wins, and whatever cannot be evaluated
//! is a denial. Callers: every invocation (`diagnose`), and the gate at each request, vote and
//! execution.

use std::collections::BTreeSet;

use cedar_policy::{AuthorizationError, Authorizer, Decision as CedarDecision, PolicyId};

use crate::{
    cedar::Types,
    policies::{About, Loaded, PolicyError, load},
    role::Principal,
    text::one_line,
    words::{Action, Context, Resource},
};

/// The longest reason, in characters: many policies can agree, a message has little room.
const MAX_REASON_CHARS: usize = 500;

/// The answer to one question. Only [`Permissions::authorize`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The ids of the policies that made the answer, in order: the permits of a yes, the forbids of
    /// a no. Empty where no policy applies.
    pub because: Vec<String>,
    /// The same for a person to read: one line of bounded length. It may quote the command's name;
    /// like all text, it is escaped where a message is drawn.
    pub reason: String,
}

impl Decision {
    fn denied(because: Vec<String>, reason: String) -> Self {
        Self { allowed: false, because, reason }
    }
}

/// The policies in force.
#[derive(Debug, Clone)]
pub struct Permissions {
    loaded: Loaded,
    types: Types,
}

impl Permissions {
    /// Takes the embedded policies and adds `extra_policies`, pairs of file name and text. An extra
    /// policy may permit more or forbid more; none can replace a default.
    ///
    /// # Errors
    /// Any mistake in any file, with file, line and column: a syntax error, a word or an attribute
    /// that the schema does not have, a policy that can never apply, a missing or repeated `@id`.
    pub fn new(extra_policies: &[(&str, &str)]) -> Result<Self, PolicyError> {
        Ok(Self { loaded: load(extra_policies)?, types: Types::new() })
    }

    /// The ids of all policies in force, in order.
    pub fn policy_ids(&self) -> impl Iterator<Item = &str> {
        self.loaded.about.keys().map(AsRef::as_ref)
    }

    /// Decides whether `principal` may do `action` with `resource` in `context`.
    ///
    /// Never fails: what cannot be decided is denied. The ids and names may be any text of any size.
    pub fn authorize(
        &self,
        principal: &Principal,
        action: Action,
        resource: &Resource,
        context: &Context,
    ) -> Decision {
        if context.hour > 23 {
            return Decision::denied(
                Vec::new(),
                format!("denied: {} is not an hour of the day", context.hour),
            );
        }
        // The error may quote the whole of a hostile name, and it cannot come from the person asking:
        // nothing of it is shown.
        let Ok((request, entities)) =
            self.types.ask(&self.loaded.schema, principal, action, resource, context)
        else {
            return Decision::denied(
                Vec::new(),
                "denied: the question does not fit the policy schema".to_owned(),
            );
        };
        let response = Authorizer::new().is_authorized(&request, &self.loaded.policies, &entities);
        // Cedar leaves out a policy that fails while it is evaluated. Were that a forbid, the answer
        // would be a yes that nobody wrote.
        let failed: BTreeSet<&PolicyId> = response
            .diagnostics()
            .errors()
            .map(|AuthorizationError::PolicyEvaluationError(error)| error.policy_id())
            .collect();
        if !failed.is_empty() {
            let because = names(&failed);
            let reason = format!("denied: the policy {} cannot be evaluated", because.join(", "));
            return Decision::denied(because, one_line(&reason, MAX_REASON_CHARS));
        }
        let because: BTreeSet<&PolicyId> = response.diagnostics().reason().collect();
        let allowed = response.decision() == CedarDecision::Allow;
        let reason = if because.is_empty() {
            no_policy(principal, action, resource)
        } else {
            because.iter().map(|id| self.say(id)).collect::<Vec<_>>().join("; ")
        };
        Decision { allowed, because: names(&because), reason }
    }

    /// What a policy says for itself, or at least its name.
    fn say(&self, id: &PolicyId) -> String {
        match self.loaded.about.get(id) {
            Some(About { reason: Some(reason), .. }) => reason.clone(),
            Some(About { forbids: true, .. }) => format!("forbidden by the policy {id}"),
            _ => format!("allowed by the policy {id}"),
        }
    }
}

fn names(ids: &BTreeSet<&PolicyId>) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// The sentence for a default denial.
fn no_policy(principal: &Principal, action: Action, resource: &Resource) -> String {
    let verb = match action {
        Action::Diagnose => "read",
        Action::Request => "request",
        Action::Approve => "approve",
        Action::Execute => "execute",
        Action::BreakGlass => "break the glass for",
        Action::Administer => "administer",
    };
    let name = one_line(&resource.name, 64);
    let name = if name.is_empty() { "a command without a name" } else { &name };
    format!("no policy allows {} to {verb} {name}", principal.described())
}
