//! Label selectors (text and structured) and field selectors. Invariant: a selector that cannot be
//! read is refused, never taken as "everything". Called by lists, watches and controllers.

use serde_json::Value;

use super::json::{items, text};
use super::status::Refusal;

/// One requirement on a key.
#[derive(Debug, Clone)]
struct Term {
    key: String,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

/// A conjunction of requirements on labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels(Vec<Term>);

impl Labels {
    /// Reads `a=b,c!=d,e in (x,y),f notin (z),g,!h`.
    ///
    /// # Errors
    /// 400, when the text is not a selector.
    pub(crate) fn parse(selector: &str) -> Result<Self, Refusal> {
        let bad = || {
            Refusal::bad_request(&format!(
                "unable to parse requirement: found '{selector}', expected: a label selector"
            ))
        };
        let mut terms = Vec::new();
        for part in split_outside_parentheses(selector) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let (key, rule) = if let Some(key) = part.strip_prefix('!') {
                (key.trim(), Rule::Absent)
            } else if let Some((key, value)) = part.split_once("!=") {
                (key.trim(), Rule::NotIn(vec![value.trim().to_owned()]))
            } else if let Some((key, value)) = part.split_once('=') {
                let value = value.strip_prefix('=').unwrap_or(value).trim();
                (key.trim(), Rule::In(vec![value.to_owned()]))
            } else if let Some((head, rest)) = part.split_once('(') {
                let list = rest.trim_end().strip_suffix(')').ok_or_else(bad)?;
                let values = list.split(',').map(|v| v.trim().to_owned()).collect();
                match head.split_whitespace().collect::<Vec<_>>().as_slice() {
                    [key, "in"] => (*key, Rule::In(values)),
                    [key, "notin"] => (*key, Rule::NotIn(values)),
                    _ => return Err(bad()),
                }
            } else {
                (part, Rule::Exists)
            };
            let legal = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            if key.is_empty() || !key.chars().all(legal) {
                return Err(bad());
            }
            terms.push(Term { key: key.to_owned(), rule });
        }
        Ok(Labels(terms))
    }

    /// Reads a LabelSelector object (`matchLabels`, `matchExpressions`).
    pub(crate) fn of(selector: &Value) -> Self {
        let mut terms = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            terms.push(Term { key: key.clone(), rule: Rule::In(vec![value]) });
        }
        for expression in items(selector, "/matchExpressions") {
            let values = items(expression, "/values")
                .iter()
                .filter_map(|v| v.as_str().map(str::to_owned))
                .collect();
            let rule = match text(expression, "/operator") {
                "In" => Rule::In(values),
                "NotIn" => Rule::NotIn(values),
                "Exists" => Rule::Exists,
                _ => Rule::Absent,
            };
            terms.push(Term { key: text(expression, "/key").to_owned(), rule });
        }
        Labels(terms)
    }

    /// Reads the plain map of a Service's selector.
    pub(crate) fn of_map(map: &Value) -> Self {
        Self::of(&serde_json::json!({ "matchLabels": map }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a map of labels fulfils every requirement.
    pub(crate) fn matches(&self, labels: &Value) -> bool {
        self.0.iter().all(|term| {
            let label = labels[term.key.as_str()].as_str();
            match &term.rule {
                Rule::In(values) => label.is_some_and(|l| values.iter().any(|v| v == l)),
                Rule::NotIn(values) => label.is_none_or(|l| values.iter().all(|v| v != l)),
                Rule::Exists => label.is_some(),
                Rule::Absent => label.is_none(),
            }
        })
    }
}

impl std::fmt::Display for Labels {
    /// The text form, as `status.selector` of a Scale has it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, Term { key, rule }) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match rule {
                Rule::In(values) if values.len() == 1 => write!(f, "{key}={}", values[0])?,
                Rule::In(values) => write!(f, "{key} in ({})", values.join(","))?,
                Rule::NotIn(values) => write!(f, "{key} notin ({})", values.join(","))?,
                Rule::Exists => f.write_str(key)?,
                Rule::Absent => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

fn split_outside_parentheses(selector: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (index, c) in selector.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&selector[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&selector[start..]);
    parts
}

/// A conjunction of equalities on fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, bool, String)>);

impl Fields {
    /// Reads `metadata.name=x,status.phase!=Running`.
    ///
    /// # Errors
    /// 400, for anything unreadable and for fields that the resource is not indexed by.
    pub(crate) fn parse(selector: &str, plural: &str) -> Result<Self, Refusal> {
        let mut terms = Vec::new();
        for part in selector.split(',').filter(|p| !p.is_empty()) {
            let (key, equal, value) = if let Some((key, value)) = part.split_once("!=") {
                (key, false, value)
            } else if let Some((key, value)) = part.split_once('=') {
                (key, true, value.strip_prefix('=').unwrap_or(value))
            } else {
                let message = format!("invalid selector: '{selector}'; can't understand '{part}'");
                return Err(Refusal::bad_request(&message));
            };
            let known = match key {
                "metadata.name" | "metadata.namespace" => true,
                "status.phase" => matches!(plural, "pods" | "namespaces"),
                "spec.nodeName" => plural == "pods",
                "type" => matches!(plural, "secrets" | "events"),
                "reason" => plural == "events",
                _ => plural == "events" && key.starts_with("involvedObject."),
            };
            if !known {
                return Err(Refusal::bad_request(&format!("field label not supported: {key}")));
            }
            terms.push((format!("/{}", key.replace('.', "/")), equal, value.to_owned()));
        }
        Ok(Fields(terms))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(pointer, equal, value)| (text(object, pointer) == value) == *equal)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_are_read_and_written_as_kubernetes_does() {
        let labels = json!({ "app": "web", "tier": "front" });
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier in (front, back)", true),
            ("tier notin (front)", false),
            ("app!=web", false),
            ("absent!=web", true),
            ("app,!absent", true),
            ("absent", false),
        ] {
            assert_eq!(Labels::parse(selector).unwrap().matches(&labels), expected, "{selector}");
        }
        assert!(Labels::parse("app in (web").is_err());
        assert!(Labels::parse("a b").is_err());
        let structured = json!({ "matchLabels": { "app": "web" },
            "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["a", "b"] }] });
        assert_eq!(Labels::of(&structured).to_string(), "app=web,tier in (a,b)");
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(Fields::parse("spec.replicas=1", "deployments").is_err());
        let running = Fields::parse("status.phase!=Running", "pods").unwrap();
        assert!(running.matches(&json!({ "status": { "phase": "Pending" } })));
    }
}
