//! Every route of the sandbox's API once at least, and every way to be refused: each answer has the
//! published shape, and no route is invented.

use std::collections::BTreeSet;
use std::time::Duration;

use nova_sandbox::discord::{Discord, DiscordOptions, Fault, Outcome};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::judge::judge;

const ANA: &str = "1200000000000000001";

/// Without an answer that says yes: the list needs a privileged intent, which the app has not.
const REFUSED: &str = "GET /guilds/{guild_id}/members";

/// Calls to the API, as the bot.
struct Api {
    discord: Discord,
    /// The first channel.
    channel: String,
}

impl Api {
    async fn start() -> Self {
        let discord = Discord::start(DiscordOptions::default()).await.expect("the guild starts");
        let channel = discord.channel("incidents").id;
        Self { discord, channel }
    }

    /// The status and the answer; `{c}`, `{g}` and `{a}` in a path are the channel, the guild and the
    /// application.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let app = self.discord.app();
        let path = path.replace("{c}", &self.channel).replace("{g}", &app.guild_id);
        let path = path.replace("{a}", &app.application_id);
        let address = self.discord.url().replace("http://", "");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let content_type = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        // HTTP/1.0, so that the answer ends with its connection.
        let request = format!(
            "{method} /api/v10{path} HTTP/1.0\r\nHost: {address}\r\n{content_type}\
             Authorization: Bot {}\r\nUser-Agent: DiscordBot (https://example.com, 1)\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.discord.bot_token(),
            body.len(),
        );
        let mut stream = TcpStream::connect(&address).await.expect("the guild listens");
        stream.write_all(request.as_bytes()).await.expect("the guild reads");
        let mut raw = String::new();
        stream.read_to_string(&mut raw).await.expect("the guild answers");
        let (head, body) = raw.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("it has a status"), serde_json::from_str(body).unwrap_or_default())
    }

    /// A call that is taken.
    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, &body).await;
        assert!(status < 300, "{method} {path} {body}: {status} {answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, Value::Null).await
    }

    /// A call that is refused with this code.
    async fn refused(&self, method: &str, path: &str, body: Value, code: u64) {
        let (status, answer) = self.ask(method, path, &body).await;
        assert!(status >= 400 && answer["code"] == code, "{method} {path}: {status} {answer}");
    }

    /// Posts this and gives its path.
    async fn posted(&self, body: Value) -> String {
        let message = self.call("POST", "/channels/{c}/messages", body).await;
        format!("/channels/{{c}}/messages/{}", text(&message["id"]))
    }

    /// Opens an interaction, and gives the path of its callback and that of its webhook.
    async fn opened(&self, words: &[&str]) -> (String, String) {
        let delivery = self.discord.command_delivery("ana", "incidents", words, &[]);
        let delivery = delivery.expect("it is registered");
        // Nobody is connected, so that it is answered here.
        self.discord.deliver(&delivery).await;
        let (id, token) = (text(&delivery.payload["id"]), text(&delivery.payload["token"]));
        (format!("/interactions/{id}/{token}/callback"), format!("/webhooks/{{a}}/{token}"))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is a text")
}

fn rich() -> Value {
    let button = json!({ "type": 2, "style": 1, "label": "Go", "custom_id": "go", "url": null });
    let menu = json!({ "type": 3, "custom_id": "which", "required": true,
        "options": [{ "label": "A", "value": "a" }] });
    let row = |control: Value| json!({ "type": 1, "components": [control] });
    let embed = json!({ "title": "A", "description": null, "footer": { "text": "b" }, "color": 1,
        "timestamp": "2024-01-01T00:00:00Z", "fields": [{ "name": "a", "value": "b" }] });
    json!({ "content": "a <@1200000000000000001> <@&1150000000000000003>", "nonce": 7,
        "embeds": [embed], "components": [row(button), row(menu)] })
}

fn named(name: &str) -> Value {
    let options = json!([{ "type": 3, "name": "text", "description": "What", "autocomplete": true,
        "min_length": 1 }]);
    let say = json!({ "type": 1, "name": "say", "description": "Say it", "options": options });
    json!({ "name": name, "description": "Everything", "options": [say] })
}

/// A guild with commands, and nobody who answers.
pub(super) async fn registered() -> Discord {
    let api = Api::start().await;
    commands(&api).await;
    api.discord
}

async fn itself(api: &Api) {
    for path in [
        "/applications/@me",
        "/oauth2/applications/@me",
        "/gateway",
        "/gateway/bot",
        "/users/@me",
        "/users/1200000000000000001",
        "/guilds/{g}",
        "/guilds/{g}/channels",
        "/guilds/{g}/roles",
        "/guilds/{g}/members/1200000000000000001",
        "/guilds/{g}/members/search?query=a&limit=10",
    ] {
        api.get(path).await;
    }
    api.refused("GET", "/guilds/{g}/members", Value::Null, 50001).await;
}

async fn commands(api: &Api) {
    for base in ["/applications/{a}/commands", "/applications/{a}/guilds/{g}/commands"] {
        let made = api.call("POST", base, named("nova")).await;
        api.call("POST", base, named("nova")).await;
        let one = format!("{base}/{}", text(&made["id"]));
        api.get(&one).await;
        api.call("PATCH", &one, json!({ "default_member_permissions": "0" })).await;
        api.get(base).await;
        api.call("DELETE", &one, Value::Null).await;
        api.call("PUT", base, json!([named("nova"), { "type": 3, "name": "Keep it" }])).await;
    }
}

async fn channels(api: &Api) {
    let category =
        api.call("POST", "/guilds/{g}/channels", json!({ "name": "Inc", "type": 4 })).await;
    let quiet = json!({ "id": api.discord.app().guild_id, "type": 0, "deny": "64" });
    let room = json!({ "name": "inc 1", "topic": "a", "parent_id": category["id"],
        "permission_overwrites": [quiet] });
    let made = api.call("POST", "/guilds/{g}/channels", room).await;
    let one = format!("/channels/{}", text(&made["id"]));
    let overwrite = format!("{one}/permissions/{ANA}");
    api.call("PUT", &overwrite, json!({ "type": 1, "allow": "1024", "deny": "0" })).await;
    api.call("DELETE", &overwrite, Value::Null).await;
    api.call("PATCH", &one, json!({ "name": "inc-2", "topic": null })).await;
    api.get(&one).await;
    api.call("POST", &format!("{one}/typing"), Value::Null).await;
    api.call("DELETE", &one, Value::Null).await;
    let direct = api.call("POST", "/users/@me/channels", json!({ "recipient_id": ANA })).await;
    let direct = format!("/channels/{}", text(&direct["id"]));
    api.call("POST", &format!("{direct}/messages"), json!({ "content": "a" })).await;
    api.get(&direct).await;
    api.call("DELETE", &direct, Value::Null).await;
}

async fn messages(api: &Api) {
    let first = api.posted(rich()).await;
    let id = first.rsplit('/').next().expect("a path has an end");
    let reply =
        api.posted(json!({ "content": "b", "message_reference": { "message_id": id } })).await;
    api.get(&reply).await;
    api.call("PATCH", &first, json!({ "content": "c", "embeds": [] })).await;
    for pins in ["/channels/{c}/messages/pins", "/channels/{c}/pins"] {
        let one = format!("{pins}/{id}");
        api.call("PUT", &one, Value::Null).await;
        api.get(pins).await;
        api.call("DELETE", &one, Value::Null).await;
    }
    api.discord.say("ana", "incidents", "hello").expect("ana is there");
    api.get("/channels/{c}/messages?limit=100").await;
    api.call("DELETE", &reply, Value::Null).await;
    let thread = api.call("POST", &format!("{first}/threads"), json!({ "name": "Talk" })).await;
    let one = format!("/channels/{}", text(&thread["id"]));
    for who in [ANA, "@me"] {
        let member = format!("{one}/thread-members/{who}");
        api.call("PUT", &member, Value::Null).await;
        api.get(&format!("{one}/thread-members")).await;
        api.call("DELETE", &member, Value::Null).await;
    }
    let begun = json!({ "name": "Other", "type": 11, "auto_archive_duration": 1440 });
    api.call("POST", "/channels/{c}/threads", begun).await;
    api.get("/guilds/{g}/threads/active").await;
    api.get("/channels/{c}/messages").await;
    api.call("PATCH", &one, json!({ "archived": true })).await;
    api.refused("PUT", &format!("{one}/thread-members/@me"), Value::Null, 50083).await;
    api.call("DELETE", &one, Value::Null).await;
}

async fn interactions(api: &Api) {
    let (callback, hook) = api.opened(&["nova", "say"]).await;
    let deferred = json!({ "type": 5, "data": { "flags": 64 } });
    api.call("POST", &format!("{callback}?with_response=true"), deferred.clone()).await;
    api.refused("POST", &callback, deferred, 40060).await;
    let original = format!("{hook}/messages/@original");
    api.call("PATCH", &original, rich_edit()).await;
    api.get(&original).await;
    let more = api.call("POST", &format!("{hook}?wait=true"), json!({ "content": "more" })).await;
    let more = format!("{hook}/messages/{}", text(&more["id"]));
    api.get(&more).await;
    api.call("PATCH", &more, json!({ "content": "less" })).await;
    api.call("DELETE", &more, Value::Null).await;
    api.call("DELETE", &original, Value::Null).await;
    let (callback, _) = api.opened(&["nova", "say"]).await;
    let said = json!({ "type": 4, "data": { "content": "a" } });
    api.call("POST", &callback, said).await;
}

/// What an edit takes: no nonce.
fn rich_edit() -> Value {
    let mut edit = rich();
    edit.as_object_mut().expect("it is an object").remove("nonce");
    edit
}

async fn refusals(api: &Api) {
    api.refused("GET", "/channels/1", Value::Null, 10003).await;
    api.refused("GET", "/channels/{c}/messages/1", Value::Null, 10008).await;
    api.refused("GET", "/users/1", Value::Null, 10013).await;
    api.refused("GET", "/guilds/1", Value::Null, 10004).await;
    let late = "/interactions/1/a/callback";
    api.refused("POST", late, json!({ "type": 6 }), 10062).await;
    api.refused("POST", "/webhooks/{a}/a", json!({ "content": "a" }), 50027).await;
    let path = "/channels/{c}/messages";
    // What the schemas do not say: 6,000 characters in all embeds, a control's id once.
    let long = json!({ "description": "x".repeat(4000) });
    api.refused("POST", path, json!({ "embeds": [long, long] }), 50035).await;
    let button = json!({ "type": 2, "style": 1, "label": "Go", "custom_id": "go" });
    let row = json!({ "type": 1, "components": [button, button] });
    api.refused("POST", path, json!({ "content": "a", "components": [row] }), 50035).await;
    api.refused("POST", path, json!({}), 50006).await;
    api.discord.fault("*", None, 1, Fault::TooMany(Duration::from_secs(1)));
    assert_eq!(api.ask("GET", path, &Value::Null).await.0, 429);
    api.discord.fault("*", None, 1, Fault::Global(Duration::from_secs(1)));
    assert_eq!(api.ask("GET", path, &Value::Null).await.0, 429);
    let hidden = format!("/channels/{}", api.discord.channel("board").id);
    api.refused("GET", &hidden, Value::Null, 50001).await;
    api.discord.set_permissions(1 << 4, false);
    api.refused("DELETE", "/channels/{c}", Value::Null, 50013).await;
    api.discord.revoke_token();
    api.refused("GET", "/users/@me", Value::Null, 0).await;
}

#[tokio::test]
async fn every_answer_of_the_api_has_the_published_shape() {
    let api = Api::start().await;
    itself(&api).await;
    commands(&api).await;
    channels(&api).await;
    messages(&api).await;
    interactions(&api).await;
    refusals(&api).await;
    judge(&api.discord);
    let journal = api.discord.journal();
    let taken = journal.iter().filter(|request| matches!(request.outcome, Outcome::Ok(_)));
    let taken: BTreeSet<_> =
        taken.map(|request| format!("{} {}", request.method, request.path)).collect();
    let missing: Vec<_> =
        Discord::routes().filter(|route| *route != REFUSED && !taken.contains(*route)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "routes that nothing called");
}
