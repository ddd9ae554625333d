//! What could be meant, while somebody fills a command in.

use nova_adapters::event::{Ack, Event};
use nova_commands::incident::Order;

use super::ChatInbox;
use crate::store::Incident;

/// What every platform shows.
const MOST: usize = 25;

impl ChatInbox {
    /// Nothing is recorded of it, and who is not served learns nothing.
    pub(super) async fn complete(&self, event: &Event, words: &[String], typed: &str) -> Ack {
        let Ok(speaker) = self.speaker(&event.actor).await else {
            return Ack::Choices(Vec::new());
        };
        let incidents = match self.engine.may(&speaker, &Order::List) {
            Ok(()) => self.engine.open_incidents().await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        // By number where a number is typed: both are understood.
        let bare = typed.starts_with(|c: char| c.is_ascii_digit());
        let name = |one: &Incident| match bare {
            true => one.number.get().to_string(),
            false => one.number.to_string(),
        };
        let incidents: Vec<String> = incidents.iter().map(name).collect();
        let live = |name: &str| match name {
            "INCIDENT" => incidents.clone(),
            name => self.engine.live(name),
        };
        let line = format!("{} {typed}", words.join(" "));
        let mut choices = self.engine.grammar.complete(&line, live);
        choices.truncate(MOST);
        Ack::Choices(choices)
    }
}
