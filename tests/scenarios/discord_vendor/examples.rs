//! The judge against the examples of Discord's own documentation: it accepts each, but for the few that
//! the published schemas contradict.

use serde_json::Value;

use super::broken::request;
use super::contract::{Side, check, named};
use super::judge::complaints;

const EXAMPLES: &str = include_str!("../contracts/discord/examples.json");

const CALLBACK: &str = "POST /interactions/{interaction_id}/{interaction_token}/callback";
const MESSAGES: &str = "POST /channels/{channel_id}/messages";
const COMMANDS: &str = "POST /applications/{application_id}/commands";

/// The page, the example's number there, and what the schema asks for that it has not.
const CONTRADICTED: &[(&str, usize, &str)] = &[];

/// How an example is used: as the body of a request, or as an answer.
enum Use {
    Body(&'static str),
    Answer(&'static str),
}

fn used(page: &str, heading: &str, example: &Value) -> Option<Use> {
    let page = page.strip_prefix("developers/")?.strip_suffix(".mdx")?;
    match (page.split_once('/').map_or("", |(folder, _)| folder), page, heading) {
        ("components", ..) if example["type"] == 9 => Some(Use::Body(CALLBACK)),
        ("components", ..) => Some(Use::Body(MESSAGES)),
        // What is delivered, not what is sent.
        (_, "interactions/application-commands", _) if example.get("data").is_some() => None,
        (_, "interactions/application-commands", _) => Some(Use::Body(COMMANDS)),
        (_, "resources/message", "Allowed Mentions Examples" | "Example Shared Client Theme") => {
            Some(Use::Body(MESSAGES))
        }
        (_, "resources/message", "Example Request Body (application/json)") => {
            Some(Use::Body(MESSAGES))
        }
        (_, "reference" | "topics/opcodes-and-status-codes", _) => {
            Some(Use::Answer("ErrorResponse"))
        }
        (_, "events/gateway", "Example Response") if example.get("shards").is_some() => {
            Some(Use::Answer("GatewayBotResponse"))
        }
        (_, "events/gateway", "Example Response") => Some(Use::Answer("GatewayResponse")),
        _ => None,
    }
}

#[test]
fn the_judge_accepts_what_the_documentation_shows() {
    let pages: Value = serde_json::from_str(EXAMPLES).expect("the examples are JSON");
    let (mut accepted, mut contradicted) = (0, Vec::new());
    for (page, examples) in pages.as_object().expect("pages by name") {
        for (at, example) in examples.as_array().expect("a page has a list").iter().enumerate() {
            let (heading, json) =
                (example["heading"].as_str().unwrap_or_default(), &example["json"]);
            let found = match used(page, heading, json) {
                None => continue,
                Some(Use::Body(operation)) => complaints(&[request(operation, json.clone())]),
                Some(Use::Answer(schema)) => check(Side::Discord, &named(schema), json),
            };
            if found.is_empty() {
                accepted += 1;
            } else {
                contradicted.push((page.as_str(), at, found.join("\n")));
            }
        }
    }
    let expected: Vec<_> =
        CONTRADICTED.iter().map(|(page, at, why)| (*page, *at, (*why).to_owned())).collect();
    assert_eq!(contradicted, expected);
    assert!(accepted >= 45, "only {accepted} examples were used");
}
