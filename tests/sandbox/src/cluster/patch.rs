//! JSON merge patch (RFC 7386), JSON patch (RFC 6902) and Kubernetes' strategic merge patch.
//! Invariant: a patch either applies whole or is refused and leaves nothing behind. Called by the
//! patch verb.

use serde_json::{Map, Value, json};

use super::status::Refusal;

/// The most operations one JSON patch may have, as on a real server.
const OPERATIONS: usize = 10_000;

/// RFC 7386.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            if let Some(map) = target.as_object_mut() {
                map.remove(key);
            }
        } else {
            merge(&mut target[key.as_str()], value);
        }
    }
}

/// Strategic merge: like a merge patch, but lists of named things are merged item by item.
///
/// # Errors
/// 400, when an item of a merged list lacks its key.
pub(crate) fn strategic(target: &mut Value, patch: &Value) -> Result<(), Refusal> {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return Ok(());
    };
    if !target.is_object() {
        *target = json!({});
    }
    if patch.get("$patch") == Some(&json!("replace")) {
        *target = Value::Object(without_directives(patch));
        return Ok(());
    }
    for (key, value) in patch {
        if key.starts_with('$') {
            continue;
        }
        match value {
            Value::Null => {
                if let Some(map) = target.as_object_mut() {
                    map.remove(key);
                }
            }
            Value::Object(map) if map.get("$patch") == Some(&json!("delete")) => {
                if let Some(map) = target.as_object_mut() {
                    map.remove(key);
                }
            }
            Value::Array(list) => match merge_keys(key) {
                Some(keys) => merge_list(&mut target[key.as_str()], list, keys)?,
                None => target[key.as_str()] = value.clone(),
            },
            _ => strategic(&mut target[key.as_str()], value)?,
        }
    }
    Ok(())
}

fn without_directives(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter()
        .filter(|(key, _)| !key.starts_with('$'))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// By which key the items of a list are told apart: the `patchMergeKey` of the published types.
/// `ports` is containerPort in a container and port in a service; the first one present counts.
fn merge_keys(list: &str) -> Option<&'static [&'static str]> {
    Some(match list {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets" => &["name"],
        "ports" => &["containerPort", "port"],
        "volumeMounts" => &["mountPath"],
        "conditions" | "addresses" => &["type"],
        "ownerReferences" => &["uid"],
        "hostAliases" => &["ip"],
        "taints" => &["key"],
        "topologySpreadConstraints" => &["topologyKey"],
        _ => return None,
    })
}

fn merge_list(target: &mut Value, patch: &[Value], keys: &[&str]) -> Result<(), Refusal> {
    if patch.iter().any(|item| item == &json!({ "$patch": "replace" })) {
        *target = patch.iter().filter(|item| item.get("$patch").is_none()).cloned().collect();
        return Ok(());
    }
    if !target.is_array() {
        *target = json!([]);
    }
    let list = target.as_array_mut().expect("made a list just above");
    for item in patch {
        let Some(key) = keys.iter().find(|key| !item[**key].is_null()) else {
            let message = format!("map: {item} does not contain declared merge key: {}", keys[0]);
            return Err(Refusal::bad_request(&message));
        };
        let same = |other: &Value| other[*key] == item[*key];
        if item.get("$patch") == Some(&json!("delete")) {
            list.retain(|other| !same(other));
        } else if let Some(index) = list.iter().position(same) {
            strategic(&mut list[index], item)?;
        } else {
            let mut fresh = json!({});
            strategic(&mut fresh, item)?;
            list.push(fresh);
        }
    }
    Ok(())
}

/// RFC 6902.
///
/// # Errors
/// 400 for what is not a patch, 413 for too many operations, 422 for one that does not apply.
pub(crate) fn json_patch(target: &Value, patch: &Value) -> Result<Value, Refusal> {
    let operations = patch.as_array().ok_or_else(|| {
        Refusal::bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    })?;
    if operations.len() > OPERATIONS {
        return Err(Refusal::too_large());
    }
    let mut out = target.clone();
    for operation in operations {
        let path = pointer(operation, "path")?;
        match operation["op"].as_str() {
            Some("add") => add(&mut out, path, operand(operation)?)?,
            Some("replace") => *existing(&mut out, path)? = operand(operation)?,
            Some("remove") => {
                take(&mut out, path)?;
            }
            Some("move") => {
                let moved = take(&mut out, pointer(operation, "from")?)?;
                add(&mut out, path, moved)?;
            }
            Some("copy") => {
                let copied = existing(&mut out, pointer(operation, "from")?)?.clone();
                add(&mut out, path, copied)?;
            }
            Some("test") => {
                if out.pointer(path).unwrap_or(&Value::Null) != &operand(operation)? {
                    return Err(Refusal::unprocessable(&format!("testing path {path} failed")));
                }
            }
            _ => {
                return Err(Refusal::bad_request(
                    "Unexpected kind: unknown operation in a JSON patch",
                ));
            }
        }
    }
    Ok(out)
}

fn pointer<'a>(operation: &'a Value, key: &str) -> Result<&'a str, Refusal> {
    operation[key]
        .as_str()
        .ok_or_else(|| Refusal::bad_request(&format!("a JSON patch operation lacks \"{key}\"")))
}

fn operand(operation: &Value) -> Result<Value, Refusal> {
    let value = operation.get("value").cloned();
    value.ok_or_else(|| Refusal::bad_request("a JSON patch operation lacks \"value\""))
}

fn missing(path: &str) -> Refusal {
    Refusal::unprocessable(&format!("doc is missing path: {path}: missing value"))
}

fn existing<'a>(target: &'a mut Value, path: &str) -> Result<&'a mut Value, Refusal> {
    target.pointer_mut(path).ok_or_else(|| missing(path))
}

/// Splits a pointer into its parent and its last token, unescaped.
fn split(path: &str) -> Result<(&str, String), Refusal> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), Refusal> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (parent, last) = split(path)?;
    match existing(target, parent)? {
        Value::Object(map) => {
            map.insert(last, value);
        }
        Value::Array(list) => {
            let index =
                if last == "-" { list.len() } else { last.parse().map_err(|_| missing(path))? };
            if index > list.len() {
                return Err(missing(path));
            }
            list.insert(index, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn take(target: &mut Value, path: &str) -> Result<Value, Refusal> {
    let (parent, last) = split(path)?;
    let taken = match existing(target, parent)? {
        Value::Object(map) => map.remove(&last),
        Value::Array(list) => match last.parse::<usize>() {
            Ok(index) if index < list.len() => Some(list.remove(index)),
            _ => None,
        },
        _ => None,
    };
    taken.ok_or_else(|| missing(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategic_merges_named_lists_and_replaces_others() {
        let mut pod = json!({ "containers": [
            { "name": "a", "image": "a:1", "env": [{ "name": "X", "value": "1" }], "args": ["p", "q"] },
            { "name": "b", "image": "b:1" },
        ], "tolerations": [{ "key": "x" }] });
        let patch = json!({ "$setElementOrder/containers": [{ "name": "a" }], "containers": [
            { "name": "a", "image": "a:2", "env": [{ "name": "Y", "value": "2" }], "args": ["r"] },
            { "name": "b", "$patch": "delete" },
            { "name": "c", "image": "c:1" },
        ], "tolerations": [] });
        strategic(&mut pod, &patch).unwrap();
        assert_eq!(
            pod,
            json!({ "containers": [
            { "name": "a", "image": "a:2", "args": ["r"],
              "env": [{ "name": "X", "value": "1" }, { "name": "Y", "value": "2" }] },
            { "name": "c", "image": "c:1" },
        ], "tolerations": [] })
        );
        strategic(&mut pod, &json!({ "tolerations": null })).unwrap();
        assert!(pod.get("tolerations").is_none());
        assert!(strategic(&mut pod, &json!({ "containers": [{ "image": "x" }] })).is_err());
    }

    #[test]
    fn json_patch_is_all_or_nothing() {
        let doc = json!({ "a": { "b/c": 1 }, "l": [1, 2] });
        let patch = json!([
            { "op": "test", "path": "/a/b~1c", "value": 1 },
            { "op": "replace", "path": "/a/b~1c", "value": 2 },
            { "op": "add", "path": "/l/-", "value": 3 },
            { "op": "add", "path": "/l/0", "value": 0 },
            { "op": "move", "from": "/l/1", "path": "/m" },
            { "op": "copy", "from": "/m", "path": "/n" },
            { "op": "remove", "path": "/a" },
        ]);
        assert_eq!(json_patch(&doc, &patch).unwrap(), json!({ "l": [0, 2, 3], "m": 1, "n": 1 }));
        for (operation, code) in [
            (json!([{ "op": "test", "path": "/m", "value": 1 }]), 422),
            (json!([{ "op": "remove", "path": "/absent" }]), 422),
            (json!([{ "op": "add", "path": "/l/9", "value": 1 }]), 422),
            (json!([{ "op": "add", "path": "/l" }]), 400),
            (json!([{ "op": "explode", "path": "/l" }]), 400),
            (json!({}), 400),
        ] {
            assert_eq!(json_patch(&doc, &operation).unwrap_err().code, code, "{operation}");
        }
    }

    #[test]
    fn merge_follows_the_examples_of_rfc_7386() {
        for (before, patch, after) in [
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!({"c": 1}), json!({"c": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut target = before;
            merge(&mut target, &patch);
            assert_eq!(target, after);
        }
    }
}
