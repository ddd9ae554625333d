//! Embeds. Source: docs.discord.com/developers/resources/message, "Embed Limits".

use serde_json::Value;

use super::{Check, join};

/// Characters in all embeds of a message.
const TOGETHER: usize = 6_000;

impl Check {
    pub(super) fn embeds(&mut self, body: &Value) {
        let embeds = self.list("", body, "embeds", 0, 10);
        let mut together = 0;
        for (at, embed) in embeds.iter().enumerate() {
            let at = format!("embeds.{at}");
            if self.object(&at, embed).is_some() {
                self.embed(&at, embed);
                together += characters(embed);
            }
        }
        if together > TOGETHER {
            let message = "Embed size exceeds maximum size of 6000";
            self.say("embeds", "MAX_EMBED_SIZE_EXCEEDED", message);
        }
    }

    fn embed(&mut self, at: &str, embed: &Value) {
        self.optional(at, embed, "title", 0, 256);
        self.optional(at, embed, "description", 0, 4096);
        self.number(at, embed, "color", 0, 0xff_ffff);
        self.url(at, embed, "url", false);
        let time = embed["timestamp"].as_str();
        if time.is_some_and(|time| time.parse::<jiff::Timestamp>().is_err()) {
            let message = "Could not parse the value. Should be ISO8601.";
            self.say(&join(at, "timestamp"), "DATE_TIME_TYPE_PARSE", message);
        }
        for (at, field) in self
            .list(at, embed, "fields", 0, 25)
            .iter()
            .enumerate()
            .map(|(n, field)| (format!("{at}.fields.{n}"), field))
        {
            if self.object(&at, field).is_some() {
                self.text(&at, field, "name", 1, 256);
                self.text(&at, field, "value", 1, 1024);
                self.boolean(&at, field, "inline");
            }
        }
        if embed["footer"].is_object() {
            self.text(&join(at, "footer"), &embed["footer"], "text", 1, 2048);
            self.url(&join(at, "footer"), &embed["footer"], "icon_url", true);
        }
        if embed["author"].is_object() {
            self.text(&join(at, "author"), &embed["author"], "name", 1, 256);
            self.url(&join(at, "author"), &embed["author"], "url", false);
        }
        for key in ["image", "thumbnail"] {
            if embed[key].is_object() {
                self.url(&join(at, key), &embed[key], "url", true);
            }
        }
        for key in ["footer", "author", "image", "thumbnail"] {
            if !matches!(embed[key], Value::Null | Value::Object(_)) {
                self.object(&join(at, key), &embed[key]);
            }
        }
    }
}

/// The characters that count towards the limit of all embeds together.
fn characters(embed: &Value) -> usize {
    let count = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields = fields.iter().map(|field| count(&field["name"]) + count(&field["value"]));
    count(&embed["title"])
        + count(&embed["description"])
        + count(&embed["footer"]["text"])
        + count(&embed["author"]["name"])
        + fields.sum::<usize>()
}
