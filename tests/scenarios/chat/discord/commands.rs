//! The commands that Discord shows: registered when they differ, and completed while they are filled in.

use std::time::Duration;

use nova::menu::menu;
use nova_adapters::discord::api::{self, DiscordOptions, Rooms};
use nova_adapters::discord::commands::{Scope, register};
use nova_commands::grammar::Grammar;
use serde_json::Value;

use crate::chat::{Office, Platform, on_discord};

on_discord!(open_incidents_and_services_are_offered);

/// How often a list of commands was written.
fn written(office: &Office) -> usize {
    let calls = office.discord().journal();
    calls.iter().filter(|call| call.method == "PUT" && call.path.ends_with("/commands")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_registered_once_and_again_only_when_they_differ() {
    let office = Office::open(Platform::DiscordHttp).await;
    let names = |office: &Office| -> Vec<Value> {
        office.discord().commands().iter().map(|command| command["name"].clone()).collect()
    };
    assert_eq!(
        (written(&office), names(&office)),
        (1, vec!["nova".into(), "Add to incident".into()])
    );
    let ids = |office: &Office| -> Vec<Value> {
        office.discord().commands().iter().map(|command| command["id"].clone()).collect()
    };
    let first = ids(&office);
    office.another(&office.config).await.end().await;
    assert_eq!(written(&office), 1, "they are as they were");
    // As an older nova would have left them.
    let app = office.discord().app();
    let older = api::Discord::new(DiscordOptions {
        api_url: office.discord().api_url(),
        application_id: app.application_id.clone(),
        guild_id: app.guild_id.clone(),
        bot_token: office.discord().bot_token().into(),
        rooms: Rooms::Channels { category: None },
        deadline: Duration::from_secs(10),
    });
    let mut fewer = menu(&Grammar::new());
    fewer.items.retain(|item| item.words != ["whoami"]);
    let older = older.expect("the options are sound");
    let changed = register(&older, &fewer, Scope::Guild).await.expect("Discord takes them");
    assert!(changed && office.discord().typed_delivery("ana", "ops", "whoami").is_err());
    office.another(&office.config).await.end().await;
    assert_eq!(written(&office), 3, "one is missing");
    assert!(office.discord().typed_delivery("ana", "ops", "whoami").is_ok());
    assert_eq!(ids(&office), first, "people's shortcuts to them still lead there");
    // Whoever has them everywhere has them once.
    let everywhere = office.config.replacen("[discord]\n", "[discord]\ncommands = \"global\"\n", 1);
    office.another(&everywhere).await.end().await;
    assert_eq!(names(&office), ["nova", "Add to incident"], "none is shown twice");
    office.close().await;
}

/// What is offered for an option while this stands in it.
async fn offered(
    office: &Office,
    user: &str,
    words: &[&str],
    option: &str,
    typed: &str,
) -> Vec<String> {
    let words = [&["nova"], words].concat();
    let given = [(option, typed.into())];
    let asked = office.discord().autocomplete(user, "incidents", &words, &given, option).await;
    let asked = asked.expect("it is completed");
    assert!(asked.acked && !asked.late, "{asked:?}");
    let choices = asked.response["data"]["choices"].as_array().expect("there are choices").clone();
    choices.iter().map(|choice| choice["value"].as_str().expect("it is text").to_owned()).collect()
}

async fn open_incidents_and_services_are_offered(platform: Platform) {
    let office = Office::open(platform).await;
    for line in ["incident declare high login hangs", "incident declare low a typo"] {
        office.says("ana", "incidents", line).await;
    }
    // The incidents' rooms are made meanwhile, which is on record too.
    let asked = async |office: &Office| {
        office.recorded().await.into_iter().filter(|kind| *kind != "moved").count()
    };
    let before = asked(&office).await;
    let services = offered(&office, "bo", &["health"], "service", "").await;
    assert!(services.contains(&"vm-service".to_owned()), "{services:?}");
    assert_eq!(offered(&office, "bo", &["health"], "service", "vm").await, ["vm-service"]);
    assert_eq!(offered(&office, "bo", &["health"], "cluster", "us").await, ["us-east"]);
    let incidents = offered(&office, "bo", &["incident", "ack"], "incident", "").await;
    assert_eq!(incidents, ["INC-1", "INC-2"]);
    assert_eq!(offered(&office, "bo", &["incident", "ack"], "incident", "inc-2").await, ["INC-2"]);
    assert_eq!(offered(&office, "bo", &["incident", "ack"], "incident", "2").await, ["2"]);
    assert!(offered(&office, "bo", &["health"], "service", "@everyone \"").await.is_empty());
    let guest = offered(&office, "gus", &["incident", "ack"], "incident", "").await;
    assert!(guest.is_empty(), "who is not served learns nothing: {guest:?}");
    assert_eq!(asked(&office).await, before, "nothing of it is recorded");
    office.close().await;
}
