//! The Slack stand-in as a program of its own, for apps in other languages. It prints one line of
//! JSON with its URLs, tokens and secret, then obeys lines on stdin and answers each with one line of
//! JSON. It ends at the end of its input.
//!
//! ```text
//! http http://127.0.0.1:PORT/slack/events   deliver everything to this URL
//! sockets                                   deliver over Socket Mode again
//! connected 1                               wait for that many sockets
//! command ana incidents /nova health        a slash command
//! click ana incidents TS ACTION             a click (TS `last` is the newest message)
//! select ana incidents TS ACTION VALUE      a choice in a menu
//! shortcut ana incidents TS CALLBACK        a message shortcut
//! submit ana FIELD=VALUE …                  sends the modal that the person has open
//! home ana                                  opens the app's home page
//! mention ana incidents TEXT                mentions the bot
//! messages incidents                        what stands in a channel
//! private incidents ana                     what a person alone sees there
//! views ana                                 the modals that a person has open
//! published ana                             a person's home page
//! journal                                   method and outcome of every request
//! ```

use std::io::Write as _;

use anyhow::{Context as _, bail};
use nova_sandbox::slack::{Delivered, HttpTarget, Message, Slack, SlackOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let slack = Slack::start(SlackOptions::default()).await?;
    let app = slack.app();
    print(&json!({
        "url": slack.url(), "api_url": slack.api_url(), "bot_token": app.bot_token,
        "app_token": app.app_token, "signing_secret": app.signing_secret,
    }))?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = match obey(&slack, &line).await {
            Ok(answer) => answer,
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        print(&answer)?;
    }
    Ok(())
}

fn print(value: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush().context("cannot write the answer")
}

async fn obey(slack: &Slack, line: &str) -> anyhow::Result<Value> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let delivered = match words.as_slice() {
        ["http", url] => {
            slack.deliver_to(HttpTarget {
                commands_url: (*url).to_owned(),
                interactivity_url: (*url).to_owned(),
                events_url: (*url).to_owned(),
                signing_secret: slack.app().signing_secret.clone(),
            });
            return Ok(json!({}));
        }
        ["sockets"] => {
            slack.deliver_to_sockets();
            return Ok(json!({}));
        }
        ["connected", count] => {
            let count: usize = count.parse().context("how many sockets?")?;
            let enough = |slack: &Slack| (slack.sockets() >= count).then_some(());
            slack.until("the sockets", enough).await?;
            return Ok(json!({ "sockets": slack.sockets() }));
        }
        ["command", user, channel, command, text @ ..] => {
            slack.command(user, channel, command, &text.join(" ")).await?
        }
        ["click", user, channel, ts, action] => {
            slack.click(user, channel, &at(slack, channel, ts)?, action).await?
        }
        ["select", user, channel, ts, action, value] => {
            slack.select(user, channel, &at(slack, channel, ts)?, action, value).await?
        }
        ["shortcut", user, channel, ts, callback] => {
            slack.message_shortcut(user, channel, &at(slack, channel, ts)?, callback).await?
        }
        ["submit", user, values @ ..] => {
            let values: Vec<(&str, &str)> =
                values.iter().filter_map(|pair| pair.split_once('=')).collect();
            let view = slack.open_views(user).pop().context("no modal is open")?;
            slack.submit(&view.id, &values).await?
        }
        ["home", user] => slack.open_home(user).await?,
        ["mention", user, channel, text @ ..] => {
            slack.mention(user, channel, &text.join(" ")).await?
        }
        ["messages", channel] => {
            return Ok(slack.messages(channel).iter().map(shown).collect());
        }
        ["private", channel, user] => {
            return Ok(slack.ephemerals(channel, user).iter().map(shown).collect());
        }
        ["views", user] => return Ok(slack.open_views(user).into_iter().map(|v| v.view).collect()),
        ["published", user] => return Ok(json!(slack.home(user).map(|home| home.view))),
        ["journal"] => {
            let journal = slack.journal();
            let shown = journal.iter().map(|r| json!([r.method, format!("{:?}", r.outcome)]));
            return Ok(shown.collect());
        }
        _ => bail!("not understood: {line}"),
    };
    Ok(told(&delivered))
}

fn at(slack: &Slack, channel: &str, ts: &str) -> anyhow::Result<String> {
    if ts != "last" {
        return Ok(ts.to_owned());
    }
    let last = slack.messages(channel).pop().context("the channel is empty")?;
    Ok(last.ts)
}

fn shown(message: &Message) -> Value {
    json!({
        "ts": message.ts, "user": message.user, "text": message.text, "blocks": message.blocks,
        "edits": message.edits, "thread_ts": message.thread_ts, "files": message.files,
    })
}

fn told(delivered: &Delivered) -> Value {
    json!({
        "acked": delivered.acked, "status": delivered.status, "late": delivered.late,
        "attempts": delivered.attempts, "response": delivered.response,
        "refused": delivered.refused, "within_ms": delivered.within.as_millis() as u64,
    })
}
