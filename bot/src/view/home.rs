//! The home page of one person: what is open, who they are here, and the ways in.

use nova_adapters::message::{Button, ButtonStyle, Field, Message, Section};
use nova_commands::text::Sanitiser;

use super::limits;
use crate::engine::Speaker;

/// The page; `open` is the list of open incidents as drawn for everybody.
#[must_use]
pub fn home(speaker: &Speaker, open: Message, sanitiser: &Sanitiser) -> Message {
    let roles: Vec<&str> = speaker.roles.iter().map(|role| role.as_str()).collect();
    let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    let who = sanitiser.line(&speaker.person.as_str().into(), limits::SUBJECT);
    let mut page = open;
    page.buttons = vec![
        Button::run("Health", "health").style(ButtonStyle::Primary),
        Button::form("Declare an incident", "incident-declare", "", "incident declare"),
        Button::run("Help", "help"),
    ];
    page.section(Section::fields(vec![Field::new("you", who), Field::new("roles", roles)]))
}
