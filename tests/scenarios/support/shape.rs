//! Compares JSON by keys and types with a published sample. Called by the scenarios of Slack's samples and
//! of Discord's examples.

use serde_json::Value;

/// What may stand there although the sample has it not: where, the path, why.
pub(crate) type Exception = (&'static str, &'static str, &'static str);

/// What was found that no sample has.
pub(crate) struct Findings {
    allowed: &'static [Exception],
    used: Vec<bool>,
    found: Vec<String>,
}

impl Findings {
    pub(crate) fn new(allowed: &'static [Exception]) -> Self {
        Self { allowed, used: vec![false; allowed.len()], found: Vec::new() }
    }

    pub(crate) fn compare(&mut self, what: &str, ours: &Value, sample: &Value) {
        let mut paths = Vec::new();
        more(ours, &[sample], "", &mut paths);
        for path in paths {
            let fits =
                |(at, allowed, _): &Exception| (*at == what || *at == "*") && *allowed == path;
            match self.allowed.iter().position(fits) {
                Some(exception) => self.used[exception] = true,
                None => self.found.push(format!("{what} {path}")),
            }
        }
    }

    /// # Panics
    /// When something was found, and when an exception was needed nowhere.
    pub(crate) fn end(mut self) {
        self.found.sort();
        self.found.dedup();
        assert!(self.found.is_empty(), "not in the samples:\n{}", self.found.join("\n"));
        let unused: Vec<_> =
            self.allowed.iter().zip(&self.used).filter(|(_, used)| !**used).collect();
        assert!(unused.is_empty(), "exceptions that nothing needs: {unused:?}");
    }
}

/// The paths in `ours` that no sample has, or has with another type. Several samples are the elements
/// of one list. An empty object or list in a sample says nothing of what may stand in it.
fn more(ours: &Value, samples: &[&Value], path: &str, found: &mut Vec<String>) {
    match ours {
        Value::Null => {}
        Value::Object(fields) => {
            let objects: Vec<_> = samples.iter().filter_map(|sample| sample.as_object()).collect();
            if objects.iter().any(|object| object.is_empty()) {
                return;
            }
            if objects.is_empty() {
                return found.push(format!("{path}: no object there"));
            }
            for (key, value) in fields {
                let path = format!("{path}/{key}");
                let inside: Vec<&Value> =
                    objects.iter().filter_map(|object| object.get(key)).collect();
                if inside.is_empty() {
                    found.push(path);
                } else {
                    more(value, &inside, &path, found);
                }
            }
        }
        Value::Array(items) => {
            let lists: Vec<_> = samples.iter().filter_map(|sample| sample.as_array()).collect();
            let inside: Vec<&Value> = lists.iter().copied().flatten().collect();
            if lists.is_empty() {
                return found.push(format!("{path}: no list there"));
            }
            for item in items.iter().filter(|_| !inside.is_empty()) {
                more(item, &alike(item, &inside), &format!("{path}[]"), found);
            }
        }
        plain => {
            let fits = |sample: &&Value| sample.is_null() || kind(sample) == kind(plain);
            if !samples.iter().any(fits) {
                found.push(format!("{path}: no {} there", kind(plain)));
            }
        }
    }
}

/// The samples of the same type as a block or element, all where it says none.
fn alike<'a>(item: &Value, samples: &[&'a Value]) -> Vec<&'a Value> {
    let same = |sample: &&&Value| item["type"].is_string() && sample["type"] == item["type"];
    let found: Vec<&Value> = samples.iter().filter(same).copied().collect();
    if found.is_empty() { samples.to_vec() } else { found }
}

/// Takes away what a path of [`Findings`] leads to; says whether something was there.
pub(crate) fn without(value: &mut Value, path: &str) -> bool {
    let (first, rest) = match path.trim_start_matches('/').split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path.trim_start_matches('/'), None),
    };
    let (key, list) = first.strip_suffix("[]").map_or((first, false), |key| (key, true));
    let Some(rest) = rest else {
        return value.as_object_mut().is_some_and(|fields| fields.remove(key).is_some());
    };
    match value.get_mut(key) {
        Some(Value::Array(items)) if list => {
            let mut found = false;
            for item in items {
                found |= without(item, rest);
            }
            found
        }
        Some(inside) if !list => without(inside, rest),
        _ => false,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_no_sample_has_is_found() {
        let sample =
            json!({ "a": "", "open": {}, "list": [{ "type": "x", "b": 1 }, { "type": "y" }] });
        let paths = |ours: Value| {
            let mut found = Vec::new();
            more(&ours, &[&sample], "", &mut found);
            found
        };
        let sound = json!({ "a": "b", "open": { "c": 1 }, "list": [{ "type": "x", "b": 2 }] });
        assert_eq!(paths(sound), Vec::<String>::new());
        assert_eq!(paths(json!({ "a": null, "list": [] })), Vec::<String>::new());
        assert_eq!(paths(json!({ "c": 1 })), ["/c"]);
        assert_eq!(paths(json!({ "a": 1 })), ["/a: no number there"]);
        assert_eq!(paths(json!({ "a": {} })), ["/a: no object there"]);
        assert_eq!(paths(json!({ "a": [] })), ["/a: no list there"]);
        assert_eq!(paths(json!({ "list": [{ "type": "y", "b": 1 }] })), ["/list[]/b"]);
    }

    #[test]
    fn a_path_is_taken_away() {
        let mut value = json!({ "a": [{ "b": { "c": 1, "d": 2 } }, { "b": { "c": 3 } }], "e": 4 });
        assert!(without(&mut value, "/a[]/b/c"));
        assert_eq!(value, json!({ "a": [{ "b": { "d": 2 } }, { "b": {} }], "e": 4 }));
        assert!(!without(&mut value, "/a[]/b/c"));
        assert!(without(&mut value, "/e"));
        assert!(!without(&mut value, "/e/f"));
    }
}
