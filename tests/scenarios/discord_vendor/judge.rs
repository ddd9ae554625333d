//! Holds everything that an app sent and everything that it got, as the sandbox's journal has it, against
//! Discord's published schemas. Invariant: nothing is passed over but what a fault of the test made.
//! Called at the end of the conversations and by the scenarios beside it.

use nova_sandbox::discord::{Caller, Discord, Outcome, Request};
use serde_json::{Value, json};

use super::contract::{Operation, Side, check};
use super::interaction;

/// # Panics
/// With every complaint, when there is one.
pub(crate) fn judge(discord: &Discord) {
    let found = verdict(discord);
    assert!(found.is_empty(), "against Discord's contract:\n{}", found.join("\n"));
}

/// Every complaint of what the guild has seen.
pub(super) fn verdict(discord: &Discord) -> Vec<String> {
    assert_eq!(discord.journal_dropped(), 0, "the journal has everything");
    let mut found = complaints(&discord.journal());
    found.extend(discord.interactions().iter().flat_map(interaction::complaints));
    found
}

/// What is wrong with each request and its answer, in words.
pub(crate) fn complaints(requests: &[Request]) -> Vec<String> {
    requests.iter().flat_map(complaints_of).collect()
}

fn complaints_of(request: &Request) -> Vec<String> {
    let subject = format!("{} {}", request.method, request.path);
    let Some(operation) = Operation::find(&request.method, &request.path) else {
        return vec![format!("{subject}: Discord has no such operation")];
    };
    let mut found = path(&operation, request);
    found.extend(query(&operation, request));
    found.extend(body(&operation, request));
    found.extend(answer(&operation, request));
    found.into_iter().map(|complaint| format!("{subject}: {complaint}")).collect()
}

/// The values of the path. Tokens are not kept, so they are not judged.
fn path(operation: &Operation, request: &Request) -> Vec<String> {
    let mut found = Vec::new();
    for (name, schema) in operation.parameters("path") {
        let given = request.parameters.iter().find(|(known, _)| *known == name);
        match given {
            Some((_, value)) if check(Side::App, &schema, &json!(value)).is_empty() => {}
            Some((_, value)) => found.push(format!("{name} of the path is wrong: {value}")),
            None if name.ends_with("_token") => {}
            None => found.push(format!("{name} of the path is missing")),
        }
    }
    found
}

fn query(operation: &Operation, request: &Request) -> Vec<String> {
    let known = operation.parameters("query");
    let mut found = Vec::new();
    for (name, value) in form_urlencoded::parse(request.query.as_bytes()) {
        match known.iter().find(|(known, _)| *known == name) {
            None => found.push(format!("unknown {name} in the query")),
            Some((_, schema)) if fits(schema, &value) => {}
            Some(_) => found.push(format!("{name} of the query is wrong: {value}")),
        }
    }
    found
}

/// Whether a text of a query can be read as what the schema asks for.
fn fits(schema: &str, text: &str) -> bool {
    // developers/reference, "Boolean Query Strings".
    let switch = match text {
        "True" | "true" | "1" => json!(true),
        "False" | "false" | "0" => json!(false),
        _ => Value::Null,
    };
    let number: Value = text.parse::<i64>().map_or(Value::Null, Value::from);
    let readings = [json!(text), number, switch];
    readings.iter().any(|one| !one.is_null() && check(Side::App, schema, one).is_empty())
}

fn body(operation: &Operation, request: &Request) -> Vec<String> {
    let Some(schema) = operation.body() else {
        let none = request.arguments.is_null() && request.files.is_empty();
        return if none { Vec::new() } else { vec!["takes no body".to_owned()] };
    };
    if !operation.takes(&request.content_type) {
        return vec![format!("takes no body of type {:?}", request.content_type)];
    }
    let mut found = Vec::new();
    if !request.files.is_empty() && !request.content_type.starts_with("multipart/form-data") {
        found.push("files come in a body of several parts only".to_owned());
    }
    let wrong = check(Side::App, &schema, &request.arguments);
    found.extend(wrong.into_iter().map(|wrong| format!("sent {wrong}")));
    found
}

fn answer(operation: &Operation, request: &Request) -> Vec<String> {
    let status = match request.outcome {
        // An interaction's answer over HTTP is not answered itself.
        _ if request.caller == Caller::Answer => return Vec::new(),
        Outcome::Faulted | Outcome::Spoilt => return Vec::new(),
        Outcome::Ok(status) | Outcome::Refused { status, .. } => status,
        Outcome::Limited => 429,
    };
    // What stands before the API locks an address out, not in JSON: developers/topics/rate-limits,
    // "Invalid Request Limit".
    if status == 429 && request.response.starts_with("error code: ") {
        return Vec::new();
    }
    let Some(schema) = operation.answer(status) else {
        return vec![format!("an answer with {status} is not published")];
    };
    let Some(schema) = schema else {
        let none = request.response.is_empty();
        return if none { Vec::new() } else { vec![format!("a body was answered with {status}")] };
    };
    let Ok(answered) = serde_json::from_str::<Value>(&request.response) else {
        return vec![format!("the answer with {status} is no JSON: {:?}", request.response)];
    };
    let wrong = check(Side::Discord, &schema, &answered);
    wrong.into_iter().map(|wrong| format!("was answered {status} {wrong}")).collect()
}
