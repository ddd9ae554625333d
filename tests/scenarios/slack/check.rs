//! `nova check` against a workspace: tokens, scopes, Socket Mode.

use std::collections::HashMap;

use nova::check::check;
use nova::config::{Config, Environment};
use nova_commands::platform::Secrets;
use nova_commands::report::Report;
use nova_sandbox::slack::{Slack, SlackOptions};

use crate::support::install_tls;

/// What `nova check` says of Slack, with these tokens.
async fn said(slack: &Slack, bot: &str, app: &str) -> String {
    let text = format!(
        "[slack]\nbot_token = {{ env = \"BOT\" }}\napp_token = {{ env = \"APP\" }}\napi_url = \"{}\"\n",
        slack.api_url()
    );
    let config = Config::parse("nova.toml", &text).expect("the configuration is sound");
    let given = [("BOT", bot), ("APP", app)].into_iter().filter(|(_, token)| !token.is_empty());
    let given: HashMap<_, _> = given.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = ("XDG_STATE_HOME".to_owned(), folder.path().display().to_string());
    let environment = Environment(HashMap::from([home]));
    aloud(&check(&config, &environment, &Secrets::new(given)).await, &slack.url())
}

fn aloud(report: &Report, url: &str) -> String {
    let about = report.findings.iter().filter(|f| f.subject.raw().starts_with("Slack"));
    let lines = about.map(|finding| {
        let text = finding.measured.raw().replace(url, "URL");
        let hint = finding.hint.as_ref().map_or(String::new(), |hint| format!(" → {}", hint.raw()));
        format!("{} {}: {text}{hint}", finding.status.word(), finding.subject.raw())
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn tokens_and_missing_scopes_are_told() {
    install_tls();
    let slack = Slack::start(SlackOptions::default()).await.expect("the workspace starts");
    let (bot, app) = (slack.bot_token(), slack.app().app_token.clone());
    let mut replies = format!("as it should be:\n{}\n", said(&slack, &bot, &app).await);
    slack.set_scope("files:write", false);
    slack.set_scope("usergroups:read", false);
    replies += &format!("\ntwo scopes are missing:\n{}\n", said(&slack, &bot, &app).await);
    replies += &format!("\nno token:\n{}\n", said(&slack, "", &app).await);
    replies += &format!("\nthe tokens are mixed up:\n{}\n", said(&slack, &app, &bot).await);
    replies += &format!("\nwrong tokens:\n{}\n", said(&slack, "xoxb-no", "xapp-no").await);
    slack.revoke_token();
    replies += &format!("\nrevoked:\n{}\n", said(&slack, &bot, &app).await);
    assert!(!replies.contains(&bot) && !replies.contains(&app), "{replies}");
    insta::assert_snapshot!("slack_check", replies);
}
