//! One of each kind of delivery, as they came over HTTP. Called by the scenarios that judge them all.

use nova_sandbox::slack::{Delivered, Slack};
use serde_json::{Value, json};

use super::listener::{Got, Listener, call};

/// Text that needs care in a form, in JSON and in UTF-8.
pub(super) const TEXT: &str = "grün ✓ & <b> 100% +1 \"a\" \\ =;";

/// Does everything that can be done in this workspace. The token is revoked at the end.
pub(super) async fn delivered(slack: &Slack) -> Vec<Got> {
    let listener = Listener::start(slack).await;
    let mut count = commands(slack).await;
    count += clicks(slack).await;
    count += forms(slack, &listener).await;
    count += conversations(slack).await;
    count += ends(slack).await;
    let kept = listener.kept();
    assert_eq!(kept.len(), count, "what was sent came");
    kept
}

/// How often it was sent; it was taken in the end.
fn sent(delivered: anyhow::Result<Delivered>) -> usize {
    let delivered = delivered.expect("the workspace has all that is named");
    assert!(delivered.acked && delivered.refused.is_none(), "{delivered:?}");
    delivered.attempts as usize
}

async fn commands(slack: &Slack) -> usize {
    let mut count = 0;
    for (channel, text) in [("incidents", TEXT), ("war-room", "health"), ("incidents", "")] {
        count += sent(slack.command("ana", channel, "/nova", text).await);
    }
    count
}

fn text(words: &str) -> Value {
    json!({ "type": "plain_text", "text": words })
}

fn controls() -> Value {
    let options = [("A", "a"), ("B", "b")].map(|(label, value)| {
        let label = text(label);
        json!({ "text": label, "value": value })
    });
    let button = json!({ "type": "button", "action_id": "go", "text": text("Go"), "value": TEXT });
    let menu = json!({ "type": "static_select", "action_id": "which", "options": options,
        "placeholder": text("Which?") });
    json!({ "type": "actions", "block_id": "controls", "elements": [button, menu] })
}

async fn clicks(slack: &Slack) -> usize {
    let message = json!({ "channel": "C0INCIDENT", "text": TEXT, "blocks": [controls()], "user": "U0ANA00001" });
    let posted = call(slack, "chat.postMessage", message.clone()).await;
    let ts = posted["ts"].as_str().expect("a message has a ts");
    let mut count = sent(slack.click("ana", "incidents", ts, "go").await);
    count += sent(slack.select("ana", "incidents", ts, "which", "b").await);
    count += sent(slack.message_shortcut("bo", "incidents", ts, "add_to_incident").await);
    let whispered = call(slack, "chat.postEphemeral", message).await;
    let ts = whispered["message_ts"].as_str().expect("so has an ephemeral one");
    count + sent(slack.click("ana", "incidents", ts, "go").await)
}

async fn forms(slack: &Slack, listener: &Listener) -> usize {
    let mut count = sent(slack.command("ana", "incidents", "/nova", "ask").await);
    let trigger = listener.kept().pop().expect("it came").payload()["trigger_id"].clone();
    let field = json!({ "type": "input", "block_id": "name", "label": text("Name"),
        "element": { "type": "plain_text_input", "action_id": "typed" } });
    let form = json!({ "type": "modal", "callback_id": "ask", "title": text("Ask"),
        "submit": text("Send"), "notify_on_close": true, "blocks": [field, controls()] });
    let opened =
        call(slack, "views.open", json!({ "trigger_id": trigger, "view": form.clone() })).await;
    let id = opened["view"]["id"].as_str().expect("a view has an id");
    count += sent(slack.click_view(id, "which", Some("a")).await);
    let trigger = listener.kept().pop().expect("it came").payload()["trigger_id"].clone();
    call(slack, "views.push", json!({ "trigger_id": trigger, "view": form })).await;
    let top = slack.open_views("ana").pop().expect("there are two now");
    let closed = slack.close_view(&top.id).await.expect("it is open");
    count += sent(Ok(closed.expect("the app is told")));
    count += sent(slack.submit(id, &[("name", TEXT)]).await);
    let home = json!({ "type": "home", "blocks": [controls()] });
    call(slack, "views.publish", json!({ "user_id": "U0ANA00001", "view": home })).await;
    count += sent(slack.open_home("ana").await);
    count + sent(slack.click_home("ana", "go", None).await)
}

async fn conversations(slack: &Slack) -> usize {
    let mut count = sent(slack.mention("ana", "incidents", TEXT).await);
    count += sent(slack.leave("gus", "incidents").await);
    count += sent(slack.archive("ana", "ops").await);
    count += sent(slack.change_user("bo", |bo| bo.real_name = TEXT.to_owned()).await);
    let left = slack.remove_bot("partners").await.expect("the bot is there");
    count + left.map(Ok).map(sent).into_iter().sum::<usize>()
}

async fn ends(slack: &Slack) -> usize {
    sent(Ok(slack.revoke_tokens().await)) + sent(Ok(slack.uninstall().await))
}
