//! Whether Slack accepts the tokens, and whether they may do what nova needs.

use std::time::Duration;

use nova_adapters::slack::api::{Slack, SlackOptions};
use nova_commands::platform::Secrets;
use nova_commands::report::{Finding, Status};

use super::explain;
use crate::config::SlackSection;

/// Shorter than while serving: somebody sits at the terminal, and nothing is lost by an end.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) async fn check(section: &SlackSection, secrets: &Secrets) -> Vec<Finding> {
    let finding = |status, subject: &str, text: String| {
        Finding::new(status, subject, text, section.api_url.as_str())
    };
    let resolve = |reference| secrets.resolve(reference).map_err(|error| error.to_string());
    let mut findings = Vec::new();
    if let Some(Err(text)) = section.signing_secret.as_ref().map(resolve) {
        findings.push(finding(Status::Fail, "Slack signing secret", text));
    }
    let app_token = section.app_token.as_ref().map(resolve);
    let bot_token = match resolve(&section.bot_token) {
        Ok(token) => token,
        Err(text) => {
            findings.push(finding(Status::Fail, "Slack", text));
            return findings;
        }
    };
    let options = SlackOptions {
        api_url: section.api_url.clone(),
        bot_token,
        app_token: app_token.clone().and_then(Result::ok),
        deadline: DEADLINE,
    };
    let slack = match Slack::new(options) {
        Ok(slack) => slack,
        Err(error) => {
            findings.push(finding(Status::Fail, "Slack", error.to_string()));
            return findings;
        }
    };
    match slack.identity().await {
        Ok(us) => {
            let missing: Vec<String> = us
                .missing_scopes()
                .map(|(scope, purpose)| format!("{scope} ({purpose})"))
                .collect();
            let accepted = format!("team {}, as {}", us.team, us.user);
            findings.push(match missing.is_empty() {
                true => finding(Status::Ok, "Slack", accepted),
                false => {
                    let text = format!("{accepted}; missing scopes: {}", missing.join(", "));
                    finding(Status::Fail, "Slack", text)
                        .hint("update the app from deploy/slack/manifest.yaml and install it again")
                }
            });
        }
        Err(error) => findings.push(finding(Status::Fail, "Slack", explain(&error))),
    }
    match app_token {
        None => {}
        Some(Err(text)) => findings.push(finding(Status::Fail, "Slack Socket Mode", text)),
        Some(Ok(_)) => findings.push(match slack.open_socket().await {
            Ok(_) => finding(Status::Ok, "Slack Socket Mode", "may be opened".to_owned()),
            Err(error) => finding(Status::Fail, "Slack Socket Mode", explain(&error)),
        }),
    }
    findings
}
