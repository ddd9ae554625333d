//! Whether Discord accepts the token, and whether nova may do in the server what it needs.

use std::time::Duration;

use nova_adapters::chat::ChatError;
use nova_adapters::discord::api::{Discord, invitation};
use nova_commands::platform::Secrets;
use nova_commands::report::{Finding, Status};

use super::explain;
use crate::config::DiscordSection;
use crate::serve::discord::{mismatch, options};

/// Shorter than while serving: somebody sits at the terminal, and nothing is lost by an end.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) async fn check(section: &DiscordSection, secrets: &Secrets) -> Vec<Finding> {
    let finding = |status, subject: &str, text: String| {
        Finding::new(status, subject, text, section.api_url.as_str())
    };
    let token = match secrets.resolve(&section.bot_token) {
        Ok(token) => token,
        Err(error) => return vec![finding(Status::Fail, "Discord", error.to_string())],
    };
    let options = options(section, token, DEADLINE);
    let invite = invitation(&section.application_id, &section.guild_id, &options.rooms);
    let discord = match Discord::new(options) {
        Ok(discord) => discord,
        Err(error) => return vec![finding(Status::Fail, "Discord", explain(&error))],
    };
    let us = match discord.identity().await {
        Ok(us) => us,
        Err(error) => {
            let finding = finding(Status::Fail, "Discord", explain(&error));
            // Not for a token that is wrong or an API that is away: no invitation mends these.
            return vec![match error {
                ChatError::Refused(_) => finding.hint(format!("invite the app: {invite}")),
                _ => finding,
            }];
        }
    };
    let accepted = format!("server {}, as {}", us.guild_name, us.user);
    let missing: Vec<String> = us
        .missing_permissions()
        .map(|(permission, purpose)| format!("{permission} ({purpose})"))
        .collect();
    let mut findings = vec![if missing.is_empty() {
        finding(Status::Ok, "Discord", accepted)
    } else {
        let text = format!("{accepted}; missing permissions: {}", missing.join(", "));
        finding(Status::Fail, "Discord", text).hint(format!("invite the app again: {invite}"))
    }];
    if let Some(problem) = mismatch(section, &us) {
        findings.push(finding(Status::Fail, "Discord interactions", problem.to_owned()));
    }
    if section.gateway {
        findings.push(match discord.gateway().await {
            Ok(address) => {
                let text = format!("{} sessions may be begun", address.remaining);
                finding(Status::Ok, "Discord gateway", text)
            }
            Err(error) => finding(Status::Fail, "Discord gateway", explain(&error)),
        });
    }
    findings
}
