//! Incidents, drawn: the card of one, the list of what is open, and the line that answers a change.
//! Everything that people wrote passes the sanitiser here.

use jiff::Timestamp;
use nova_adapters::chat::Platform;
use nova_adapters::message::{Button, ButtonStyle, Field, Line, Mark, Message, Section};
use nova_commands::text::{Sanitiser, Untrusted};
use nova_permissions::Severity;

use super::{age, limits};
use crate::store::{Incident, IncidentNote, IncidentRoom, IncidentState, Stamp, Store};

/// So many notes stand on a card; the timeline has them all.
pub(crate) const NOTES: u32 = 5;
/// So many incidents of a list are offered as buttons.
const OFFERED: usize = 5;
/// The longest impact that a card shows in full, in characters.
const IMPACT: usize = 1_500;
/// The longest impact where several incidents share a line.
const BRIEF: usize = 40;

/// What drawing an incident needs beside its state.
#[derive(Clone, Copy)]
pub struct IncidentView<'a> {
    pub sanitiser: &'a Sanitiser,
    pub now: Timestamp,
}

impl IncidentView<'_> {
    /// The card: all that there is to know at a glance, and what can be done. `notes`: newest first.
    #[must_use]
    pub fn card(&self, incident: &Incident, notes: &[IncidentNote]) -> Message {
        let mut message = Message::new(mark(incident.state), self.title(incident));
        if self.line(&incident.impact, IMPACT).chars().count() > limits::TEXT {
            message = message.section(Section::text(self.line(&incident.impact, IMPACT)));
        }
        message = message.section(Section::fields(self.fields(incident)));
        if !notes.is_empty() {
            let lines = notes.iter().map(|note| self.note(note)).collect();
            let title = if notes.len() == 1 { "Last note" } else { "Last notes" };
            message = message.section(Section::findings(lines).titled(title).folded());
        }
        message.buttons = buttons(incident);
        message
    }

    /// What is open, in the order given: worst first.
    #[must_use]
    pub fn list(&self, open: &[Incident]) -> Message {
        if open.is_empty() {
            return Message::new(Mark::Ok, "no open incident");
        }
        let all = u32::try_from(open.len()).is_ok_and(|count| count < Store::MAX_OPEN);
        let noun = if open.len() == 1 { "incident" } else { "incidents" };
        let headline = match all {
            true => format!("{} open {noun}: {}", open.len(), severities(open)),
            false => {
                format!("the worst {} of the open incidents: {}", open.len(), severities(open))
            }
        };
        let worst = if open.iter().any(untaken) { Mark::Fail } else { Mark::Warn };
        let lines = open.iter().map(|incident| self.entry(incident)).collect();
        let mut message = Message::new(worst, headline).section(Section::findings(lines));
        message.buttons = open.iter().take(OFFERED).map(show).collect();
        message
    }

    /// "INC-7 critical: checkout is down".
    #[must_use]
    pub fn title(&self, incident: &Incident) -> String {
        let Incident { number, severity, impact, .. } = incident;
        format!("{number} {severity}: {}", self.line(impact, limits::TEXT))
    }

    /// "INC-7 (critical: checkout is down)", for naming one among others.
    #[must_use]
    pub fn brief(&self, incident: &Incident) -> String {
        let Incident { number, severity, impact, .. } = incident;
        format!("{number} ({severity}: {})", self.line(impact, BRIEF))
    }

    /// The answer to whoever acknowledged it: the card under a line that says so.
    #[must_use]
    pub fn acknowledged(&self, incident: &Incident) -> Message {
        let by = incident.acknowledged.as_ref().map(|stamp| self.person(stamp)).unwrap_or_default();
        let impact = self.line(&incident.impact, limits::TEXT);
        let headline = format!("{} acknowledged by {by}: {impact}", incident.number);
        Message { headline, ..self.card(incident, &[]) }
    }

    /// The answer to whoever wrote a note.
    #[must_use]
    pub fn noted(&self, incident: &Incident, text: &Untrusted) -> Message {
        let over = if incident.state == IncidentState::Resolved { " (resolved)" } else { "" };
        let text = self.line(text, limits::TEXT);
        Message::new(Mark::Ok, format!("noted on {}{over}: {text}", incident.number))
            .button(show(incident))
    }

    /// The answer to whoever resolved it.
    #[must_use]
    pub fn resolved(&self, incident: &Incident) -> Message {
        let impact = self.line(&incident.impact, limits::TEXT);
        let end = incident.resolved.as_ref().map(|stamp| {
            let lasted = lasted(incident.declared.at_ms, stamp.at_ms);
            format!(" by {} after {lasted}", self.person(stamp))
        });
        let end = end.unwrap_or_default();
        Message::new(Mark::Ok, format!("{} resolved{end}: {impact}", incident.number))
    }

    /// "ana, 2026-08-01 12:00 UTC, 4 min ago".
    #[must_use]
    pub fn stamp(&self, stamp: &Stamp) -> String {
        let at = time(stamp.at_ms);
        let (clock, age) = (at.strftime("%Y-%m-%d %H:%M UTC"), age(at, self.now));
        format!("{}, {clock}, {age}", self.person(stamp))
    }

    fn fields(&self, incident: &Incident) -> Vec<Field> {
        let state = match incident.state {
            IncidentState::Open => "open, nobody has taken it",
            IncidentState::Acknowledged => "acknowledged",
            IncidentState::Resolved => "resolved",
        };
        let mut fields = vec![Field::new("state", state)];
        for (name, stamp) in [
            ("declared", Some(&incident.declared)),
            ("acknowledged", incident.acknowledged.as_ref()),
            ("resolved", incident.resolved.as_ref()),
        ] {
            fields.extend(stamp.map(|stamp| Field::new(name, self.stamp(stamp))));
        }
        if let (Some(Stamp { at_ms, .. }), declared) = (&incident.resolved, &incident.declared) {
            fields.push(Field::new("lasted", lasted(declared.at_ms, *at_ms)));
        }
        // One without a card is being made just now.
        let rooms = incident.rooms.iter().filter(|room| room.card.is_some());
        let rooms: Vec<String> = rooms.map(|room| self.room(room)).collect();
        if !rooms.is_empty() {
            fields.push(Field::new("room", rooms.join(", ")));
        }
        fields
    }

    /// "Slack": a button leads there. Without one, its id is all that there is to find it by.
    fn room(&self, room: &IncidentRoom) -> String {
        let platform = platform(room);
        match room.link {
            Some(_) => platform.to_owned(),
            None => {
                let id = self.line(&room.place.id.as_str().into(), limits::SUBJECT);
                format!("{platform} {id}")
            }
        }
    }

    fn entry(&self, incident: &Incident) -> Line {
        let Incident { number, severity, state, .. } = incident;
        let impact = self.line(&incident.impact, limits::TEXT);
        let taken = match &incident.acknowledged {
            Some(stamp) => format!("{} by {}", state.as_str(), self.person(stamp)),
            None => state.as_str().to_owned(),
        };
        Line::new(mark(*state), number.to_string(), format!("{severity}, {taken}: {impact}"))
            .detail(format!("declared by {}", self.stamp(&incident.declared)))
    }

    fn note(&self, note: &IncidentNote) -> Line {
        let text = self.line(&note.text, limits::TEXT);
        Line::new(Mark::Info, self.person(&note.stamp), text)
            .detail(age(time(note.stamp.at_ms), self.now))
    }

    fn person(&self, stamp: &Stamp) -> String {
        self.line(&stamp.by.as_str().into(), limits::SUBJECT)
    }

    fn line(&self, text: &Untrusted, max: usize) -> String {
        self.sanitiser.line(text, max)
    }
}

fn mark(state: IncidentState) -> Mark {
    match state {
        IncidentState::Open => Mark::Fail,
        IncidentState::Acknowledged => Mark::Warn,
        IncidentState::Resolved => Mark::Ok,
    }
}

fn untaken(incident: &Incident) -> bool {
    incident.state == IncidentState::Open
}

fn buttons(incident: &Incident) -> Vec<Button> {
    let mut buttons = Vec::new();
    if incident.state != IncidentState::Resolved {
        buttons.extend(changes(incident));
    }
    let links = incident.rooms.iter().filter_map(|room| {
        let link = room.link.as_ref()?;
        Some(Button::link(format!("Open in {}", platform(room)), link))
    });
    buttons.extend(links);
    buttons
}

fn changes(incident: &Incident) -> Vec<Button> {
    let number = incident.number;
    let mut buttons = Vec::new();
    if untaken(incident) {
        let take = Button::run("Acknowledge", format!("incident ack {number}"));
        buttons.push(take.style(ButtonStyle::Primary));
    }
    // Where there are no forms, the line without its text is answered with what it needs.
    let line = format!("incident note --incident {number}");
    buttons.push(Button::form("Add a note", "incident-note", number.get().to_string(), line));
    let resolve = Button::run("Resolve", format!("incident resolve {number}"));
    buttons.push(resolve.confirm(format!("Resolve {number}? That is final.")));
    buttons.push(Button::run("Health", "health"));
    buttons
}

/// The platform's name, as people write it.
fn platform(room: &IncidentRoom) -> &'static str {
    match room.place.platform {
        Platform::Console => "the console",
        Platform::Web => "the web",
        Platform::Slack => "Slack",
        Platform::Discord => "Discord",
    }
}

fn show(incident: &Incident) -> Button {
    let number = incident.number;
    Button::run(format!("Show {number}"), format!("incident show {number}"))
}

/// "2 critical, 1 low", worst first.
fn severities(open: &[Incident]) -> String {
    let count = |severity| open.iter().filter(|incident| incident.severity == severity).count();
    let counted = Severity::ALL.iter().rev().map(|severity| (count(*severity), severity));
    let parts: Vec<String> =
        counted.filter(|(n, _)| *n > 0).map(|(n, severity)| format!("{n} {severity}")).collect();
    parts.join(", ")
}

/// A row that was edited may hold any number.
fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// How long it took, in the largest unit that says enough.
fn lasted(from_ms: i64, to_ms: i64) -> String {
    match to_ms.saturating_sub(from_ms) / 1_000 {
        ..=119 => "less than 2 min".to_owned(),
        s @ 120..=7_199 => format!("{} min", s / 60),
        s @ 7_200..=172_799 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}
