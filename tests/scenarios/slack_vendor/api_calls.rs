//! One successful call at least of each method that there is a published sample for. Called by the
//! scenario that compares the answers.

use nova_sandbox::slack::Slack;
use serde_json::{Value, json};

use super::everything::TEXT;
use super::listener::{ask, call, post};

type Answers = Vec<(String, Value)>;

/// The methods and their answers, in their order.
pub(super) async fn all(slack: &Slack) -> Answers {
    let mut calls = Calls { slack, answers: Vec::new() };
    calls.itself().await;
    calls.people().await;
    calls.channels().await;
    calls.messages().await;
    calls.files().await;
    calls.views().await;
    calls.answers
}

struct Calls<'a> {
    slack: &'a Slack,
    answers: Answers,
}

impl Calls<'_> {
    async fn call(&mut self, method: &str, arguments: Value) -> Value {
        let answer = call(self.slack, method, arguments).await;
        self.answers.push((method.to_owned(), answer.clone()));
        answer
    }

    async fn itself(&mut self) {
        self.call("api.test", json!({ "foo": "bar" })).await;
        self.call("auth.test", json!({})).await;
        self.call("team.info", json!({})).await;
        self.call("bots.info", json!({ "bot": "B0NOVA0001" })).await;
        for method in ["auth.test", "apps.connections.open"] {
            let answer = ask(self.slack, &self.slack.app().app_token, method, &json!({})).await;
            assert_eq!(answer["ok"], true, "{method}: {answer}");
            self.answers.push((method.to_owned(), answer));
        }
    }

    async fn people(&mut self) {
        for user in ["U0ANA00001", "U0NOVA0001", "U0CON00001", "U0DORA0001"] {
            self.call("users.info", json!({ "user": user })).await;
        }
        self.call("users.list", json!({ "limit": 4 })).await;
        self.call("users.lookupByEmail", json!({ "email": "ana@example.com" })).await;
        self.call("users.conversations", json!({ "types": "public_channel,private_channel" }))
            .await;
        self.call("usergroups.list", json!({ "include_users": true })).await;
        self.call("usergroups.users.list", json!({ "usergroup": "S0OPS00001" })).await;
    }

    async fn channels(&mut self) {
        for channel in ["C0INCIDENT", "C0WARROOM1", "C0PARTNER1"] {
            let asked = json!({ "channel": channel, "include_num_members": true });
            self.call("conversations.info", asked).await;
        }
        let types = "public_channel,private_channel,im";
        for user in ["U0ANA00001", "U0ANA00001"] {
            let opened = self.call("conversations.open", json!({ "users": user })).await;
            self.call("conversations.info", json!({ "channel": opened["channel"]["id"] })).await;
        }
        self.call("conversations.list", json!({ "types": types, "limit": 200 })).await;
        self.call("conversations.members", json!({ "channel": "C0INCIDENT", "limit": 1 })).await;
        for _ in 0..2 {
            self.call("conversations.join", json!({ "channel": "C0RANDOM01" })).await;
        }
        let made = self.call("conversations.create", json!({ "name": "inc-1" })).await;
        let id = made["channel"]["id"].clone();
        let on = |key: &str, value: &str| json!({ "channel": id, key: value });
        self.call("conversations.setTopic", on("topic", TEXT)).await;
        self.call("conversations.setPurpose", on("purpose", TEXT)).await;
        self.call("conversations.invite", on("users", "U0ANA00001,U0BO000001")).await;
        self.call("conversations.kick", on("user", "U0BO000001")).await;
        self.call("conversations.rename", on("name", "inc-1-api")).await;
        self.call("conversations.info", json!({ "channel": id })).await;
        self.call("conversations.archive", json!({ "channel": id })).await;
        self.call("conversations.unarchive", json!({ "channel": id })).await;
        for _ in 0..2 {
            self.call("conversations.leave", json!({ "channel": id })).await;
        }
    }

    async fn messages(&mut self) {
        let channel = json!("C0INCIDENT");
        let section = json!({ "type": "section", "text": { "type": "mrkdwn", "text": TEXT } });
        let attachments = json!([{ "color": "#ff0000", "text": TEXT, "fallback": TEXT }]);
        let metadata = json!({ "event_type": "nova", "event_payload": { "outbox": "7" } });
        let first = json!({ "channel": channel, "text": TEXT, "blocks": [section],
            "attachments": attachments, "metadata": metadata });
        let first = self.call("chat.postMessage", first).await["ts"].clone();
        let reply = json!({ "channel": channel, "text": TEXT, "thread_ts": first });
        let reply = self.call("chat.postMessage", reply).await["ts"].clone();
        let plain = json!({ "channel": channel, "text": "a" }).to_string();
        let (token, path) = (self.slack.bot_token(), "/api/chat.postMessage");
        let warned = post(self.slack, &token, path, "application/json", &plain).await;
        let warned: Value = serde_json::from_str(&warned).expect("an answer is JSON");
        assert_eq!(warned["warning"], "missing_charset");
        self.answers.push(("chat.postMessage".to_owned(), warned));
        let whisper = json!({ "channel": channel, "text": TEXT, "user": "U0ANA00001" });
        self.call("chat.postEphemeral", whisper).await;
        let changed = json!({ "channel": channel, "ts": first, "text": TEXT });
        self.call("chat.update", changed).await;
        for ts in [&first, &reply] {
            let asked = json!({ "channel": channel, "message_ts": ts });
            self.call("chat.getPermalink", asked).await;
        }
        let at = json!({ "channel": channel, "timestamp": first });
        let reaction = json!({ "channel": channel, "timestamp": first, "name": "eyes" });
        self.call("reactions.add", reaction).await;
        self.call("pins.add", at.clone()).await;
        self.call("pins.list", json!({ "channel": channel })).await;
        self.slack.say("ana", "incidents", TEXT, None).expect("ana is there");
        let page = json!({ "channel": channel, "limit": 2, "include_all_metadata": true });
        self.call("conversations.history", page).await;
        let whole = json!({ "channel": channel, "include_all_metadata": true });
        self.call("conversations.history", whole).await;
        let thread = json!({ "channel": channel, "ts": first, "limit": 1 });
        self.call("conversations.replies", thread).await;
        let thread = json!({ "channel": channel, "ts": first });
        self.call("conversations.replies", thread).await;
        self.call("pins.remove", at).await;
        self.call("chat.delete", json!({ "channel": channel, "ts": reply })).await;
        let bookmark = json!({ "channel_id": channel, "title": TEXT, "type": "link",
            "link": "https://example.com/" });
        self.call("bookmarks.add", bookmark).await;
        self.slack.set_scope("bookmarks:read", true);
        self.call("bookmarks.list", json!({ "channel_id": channel })).await;
    }

    async fn files(&mut self) {
        let asked = json!({ "filename": "a.txt", "length": 3 });
        let place = self.call("files.getUploadURLExternal", asked).await;
        let url = place["upload_url"].as_str().expect("it is a URL");
        let path = url.strip_prefix(&self.slack.url()).expect("it is the workspace's own");
        post(self.slack, "", path, "application/octet-stream", "abc").await;
        let share = json!({ "files": [{ "id": place["file_id"], "title": "A" }],
            "channel_id": "C0INCIDENT", "initial_comment": TEXT });
        self.call("files.completeUploadExternal", share).await;
        self.call("conversations.history", json!({ "channel": "C0INCIDENT", "limit": 1 })).await;
    }

    async fn views(&mut self) {
        let text = |words: &str| json!({ "type": "plain_text", "text": words });
        let field = json!({ "type": "input", "block_id": "name", "label": text("Name"),
            "element": { "type": "plain_text_input", "action_id": "typed" } });
        let form = json!({ "type": "modal", "callback_id": "ask", "title": text("Ask"),
            "submit": text("Send"), "blocks": [field] });
        let asked = json!({ "trigger_id": self.trigger(), "view": form });
        let opened = self.call("views.open", asked).await;
        let asked = json!({ "trigger_id": self.trigger(), "view": form });
        self.call("views.push", asked).await;
        let changed = json!({ "view_id": opened["view"]["id"], "view": form });
        self.call("views.update", changed).await;
        let home = json!({ "type": "home", "blocks": [{ "type": "divider" }] });
        self.call("views.publish", json!({ "user_id": "U0ANA00001", "view": home })).await;
    }

    /// Of a command that ana types; nobody is told of it.
    fn trigger(&self) -> Value {
        let typed = self.slack.command_delivery("ana", "incidents", "/nova", "ask");
        typed.expect("ana is there").payload()["trigger_id"].clone()
    }
}
