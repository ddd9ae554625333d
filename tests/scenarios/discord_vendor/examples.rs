//! The examples of Discord's own documentation: the judge accepts each that is sent to Discord, and what
//! the sandbox delivers has all that the examples of interactions have.

use serde_json::{Value, json};

use super::broken::request;
use super::contract::{Side, check, named};
use super::everything::registered;
use super::judge::complaints;
use crate::support::shape::Findings;

const EXAMPLES: &str = include_str!("../contracts/discord/examples.json");

const CALLBACK: &str = "POST /interactions/{interaction_id}/{interaction_token}/callback";
const MESSAGES: &str = "POST /channels/{channel_id}/messages";
const COMMANDS: &str = "POST /applications/{application_id}/commands";

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

fn pages() -> Value {
    serde_json::from_str(EXAMPLES).expect("the examples are JSON")
}

#[test]
fn the_judge_accepts_what_the_documentation_shows() {
    let (pages, mut accepted) = (pages(), 0);
    for (page, examples) in pages.as_object().expect("pages by name") {
        for example in examples.as_array().expect("a page has a list") {
            let (heading, json) =
                (example["heading"].as_str().unwrap_or_default(), &example["json"]);
            let found = match used(page, heading, json) {
                None => continue,
                Some(Use::Body(operation)) => complaints(&[request(operation, json.clone())]),
                Some(Use::Answer(schema)) => check(Side::Discord, &named(schema), json),
            };
            assert_eq!(found, Vec::<String>::new(), "{page}, {heading}: {json:#}");
            accepted += 1;
        }
    }
    assert!(accepted >= 45, "only {accepted} examples were used");
}

/// The message of a command on one, which is named by its id.
fn take_message(payload: &mut Value) -> Value {
    let resolved = payload["data"]["resolved"].take();
    let messages = resolved["messages"].as_object().expect("there is a message");
    messages.values().next().expect("there is one").clone()
}

#[tokio::test]
async fn the_sandbox_delivers_all_that_the_documentation_shows() {
    let discord = registered().await;
    let said = discord.say("bo", "incidents", "a").expect("bo is there");
    // Nobody answers: it is only looked at what was sent.
    let words = ["nova", "say"];
    let text = [("text", json!("a"))];
    discord.command("ana", "incidents", &words, &text).await.expect("it is registered");
    discord.message_command("ana", "incidents", &said, "Keep it").await.expect("so is this");
    let typed = discord.autocomplete("ana", "incidents", &words, &text, "text").await;
    typed.expect("and this is completed");
    let mut sent = discord.interactions();
    let pages = pages();
    let example = |heading: &str, kind: u64| {
        let page = pages["developers/interactions/application-commands.mdx"].as_array();
        let mut fitting = page.expect("the page is there").iter().filter(|example| {
            let json = &example["json"];
            example["heading"] == heading && json["data"]["type"] == kind
        });
        fitting.next().expect("the example is there")["json"].clone()
    };
    let (mut command, mut keep) =
        (example("Example Interaction", 1), example("Example Interaction", 3));
    // Its option stands beside the command, ours in a subcommand.
    let option = command["data"]["options"].take();
    let mut findings = Findings::new(&[]);
    findings.compare("an option", &option, &sent[0]["data"]["options"][0]["options"]);
    findings.compare("a command", &command, &sent[0]);
    let (shown, ours) = (take_message(&mut keep), take_message(&mut sent[1]));
    findings.compare("a message", &shown, &ours);
    findings.compare("a command on a message", &keep, &sent[1]);
    let mut completion = example("Autocomplete", 1);
    let option = completion["data"]["options"].take();
    findings.compare("what is completed", &option, &sent[2]["data"]["options"][0]["options"]);
    findings.compare("a completion", &completion, &sent[2]);
    findings.end();
}
