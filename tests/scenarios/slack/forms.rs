//! Forms, the home page, the shortcut, and an incident's channel.

use nova_sandbox::slack::{Fault, Slack, SlackOptions};

use super::workspace::{blocks_aloud, read_aloud};
use super::{Office, Transport, on_both_transports};
use crate::support::stable;

on_both_transports!(
    an_incident_by_form_has_its_channel,
    a_form_says_what_is_wrong_where_it_is_wrong,
    a_message_is_added_to_an_incident,
    an_incident_that_is_over_before_its_channel_stands_leaves_none_open,
    the_home_page_shows_what_is_open,
    an_incident_outlives_its_channel,
    a_card_that_was_deleted_is_posted_again_once,
);

/// Opens the home page and gives its blocks as text.
pub(super) async fn home(office: &Office, user: &str) -> String {
    let before = version(&office.slack, user);
    let delivered = office.slack.open_home(user).await.expect("there is such a person");
    office.kept(delivered);
    let look = |slack: &Slack| (version(slack, user) != before).then(|| slack.home(user)).flatten();
    let view = office.slack.until("a home page", look).await.expect("nova draws it");
    blocks_aloud(view.view["blocks"].as_array().expect("it has blocks"))
}

fn version(slack: &Slack, user: &str) -> String {
    slack.home(user).map_or_else(String::new, |view| view.view["hash"].to_string())
}

/// The action id behind a label in a text read aloud.
pub(super) fn behind(shown: &str, label: &str) -> String {
    let start = shown.find(&format!("[{label}](")).unwrap_or_else(|| panic!("{label} in {shown}"));
    let rest = &shown[start + label.len() + 3..];
    rest[..rest.find(')').expect("it is closed")].to_owned()
}

/// The form that a person sees now.
async fn form(office: &Office, user: &str) -> String {
    let look = |slack: &Slack| slack.open_views(user).last().map(|view| view.id.clone());
    office.slack.until("a form", look).await.expect("nova opens it")
}

async fn declare(office: &Office, impact: &str) -> String {
    let page = home(office, "ana").await;
    let button = behind(&page, "Declare an incident");
    let clicked = office.slack.click_home("ana", &button, None).await.expect("it is there");
    office.kept(clicked);
    let view = form(office, "ana").await;
    let sent = office.slack.submit(&view, &[("severity", "critical"), ("impact", impact)]).await;
    let sent = office.kept(sent.expect("the form takes it"));
    assert!(!sent.response.is_object(), "{sent:?}");
    let made = |slack: &Slack| {
        let rooms = slack.channels();
        rooms.into_iter().map(|room| room.name).find(|name| name.starts_with("inc-"))
    };
    office.slack.until("the incident's channel", made).await.expect("nova makes it")
}

async fn an_incident_by_form_has_its_channel(transport: Transport) {
    let office = Office::open(transport).await;
    let room = declare(&office, "VMs in us-east do not start <!channel>").await;
    let with_room = |slack: &Slack| {
        let mut ours = slack.messages(&room).into_iter().filter(|message| message.by_bot);
        ours.find(|message| read_aloud(message).contains("*room*"))
    };
    let card = office.slack.until("the card with its room", with_room).await.expect("it is posted");
    let pinned = |slack: &Slack| (!slack.channel(&room).pins.is_empty()).then_some(());
    office.slack.until("the pinned card", pinned).await.expect("nova pins it");
    let shown = read_aloud(&card);
    stable(|| insta::assert_snapshot!("slack_incident_card", shown));
    let channel = office.slack.channel(&room);
    assert!(channel.topic.contains("INC-1"), "{}", channel.topic);
    assert!(channel.members.contains(&"U0ANA00001".to_owned()), "{:?}", channel.members);
    let acknowledge = behind(&shown, "Acknowledge");
    office.clicks("ana", &room, &card.ts, &acknowledge).await;
    let redrawn = |slack: &Slack| {
        let card = slack.messages(&room).into_iter().find(|message| message.ts == card.ts)?;
        read_aloud(&card).contains("acknowledged").then_some(())
    };
    office.slack.until("the card drawn anew", redrawn).await.expect("nova redraws it");
    office.close().await;
}

async fn a_form_says_what_is_wrong_where_it_is_wrong(transport: Transport) {
    let people = |text: String| text.replace("roles = [\"operator\"]", "roles = [\"viewer\"]");
    let office = Office::with(transport, SlackOptions::default(), people).await;
    let page = home(&office, "ana").await;
    let button = behind(&page, "Declare an incident");
    let clicked = office.slack.click_home("ana", &button, None).await.expect("it is there");
    office.kept(clicked);
    let view = form(&office, "ana").await;
    let sent =
        office.slack.submit(&view, &[("severity", "critical"), ("impact", "it is down")]).await;
    let sent = office.kept(sent.expect("the form takes it"));
    assert_eq!(sent.response["response_action"], "errors");
    let text = sent.response["errors"]["impact"].as_str().expect("it stands at its field");
    assert!(text.contains("you may not run `incident declare`"), "{text}");
    assert_eq!(form(&office, "ana").await, view, "the form stays open");
    office.close().await;
}

async fn a_message_is_added_to_an_incident(transport: Transport) {
    let office = Office::open(transport).await;
    let ts = office.slack.say("bo", "incidents", "disk full on node-3 <!here>", None);
    let ts = ts.expect("bo is there");
    let none = office.slack.message_shortcut("ana", "incidents", &ts, "add_to_incident").await;
    office.kept(none.expect("it is there"));
    let told = |slack: &Slack| slack.ephemerals("incidents", "ana").pop();
    let told = office.slack.until("a line for ana", told).await.expect("nova says something");
    assert!(read_aloud(&told).contains("no incident is open"), "{told:?}");
    declare(&office, "disks fill up").await;
    let chosen = office.slack.message_shortcut("ana", "incidents", &ts, "add_to_incident").await;
    office.kept(chosen.expect("it is there"));
    let view = form(&office, "ana").await;
    let sent = office.slack.submit(&view, &[("text", "the cause?")]).await;
    office.kept(sent.expect("the form takes it"));
    let mut found = None;
    for _ in 0..1_000 {
        let timeline = office.timeline().await;
        found = timeline.into_iter().find(|entry| entry.kind.as_str() == "note");
        if found.is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let note = found.expect("the note is on the timeline").body.to_string();
    for part in ["the cause?", "disk full on node-3", "slack.com/archives/C0INCIDENT"] {
        assert!(note.contains(part), "{part} in {note}");
    }
    office.close().await;
}

async fn the_home_page_shows_what_is_open(transport: Transport) {
    let office = Office::open(transport).await;
    let mut pages = format!("{}\n\n", home(&office, "bo").await);
    declare(&office, "VMs do not start").await;
    pages += &home(&office, "bo").await;
    stable(|| insta::assert_snapshot!("slack_home", pages));
    let health = behind(&pages, "Health");
    let clicked = office.slack.click_home("bo", &health, None).await.expect("it is there");
    office.kept(clicked);
    let direct = |slack: &Slack| {
        let ours = slack.direct_messages("bo").into_iter().map(|message| read_aloud(&message));
        ours.into_iter().find(|text| text.contains("NovaCron"))
    };
    office.slack.until("the answer in a direct message", direct).await.expect("nova answers");
    let guest = home(&office, "gus").await;
    assert!(guest.contains("guests cannot use nova") && !guest.contains("INC-"), "{guest}");
    office.close().await;
}

async fn an_incident_outlives_its_channel(transport: Transport) {
    let office = Office::open(transport).await;
    let room = declare(&office, "VMs do not start").await;
    let card = office.answers(&room, 1).await.remove(0);
    let acknowledge = behind(&read_aloud(&card), "Acknowledge");
    let click = office.slack.click_delivery("ana", &room, &card.ts, &acknowledge, None);
    let click = click.expect("the button is there");
    let gone = office.slack.archive("ana", &room).await.expect("it is there");
    assert!(gone.acked, "{gone:?}");
    office.delivers(&click).await;
    let told = |slack: &Slack| {
        let ours = slack.messages("ops").into_iter().map(|message| read_aloud(&message));
        ours.into_iter().find(|text| text.contains("acknowledged"))
    };
    let told = office.slack.until("the card in the fallback channel", told).await;
    let told = told.expect("nova posts it there");
    assert!(told.contains("INC-1") && told.contains("This was meant for"), "{told}");
    office.close().await;
}

async fn a_card_that_was_deleted_is_posted_again_once(transport: Transport) {
    let office = Office::open(transport).await;
    let room = declare(&office, "VMs do not start").await;
    office.answers(&room, 1).await;
    let pinned = |slack: &Slack| (!slack.channel(&room).pins.is_empty()).then_some(());
    office.slack.until("the pinned card", pinned).await.expect("nova pins it");
    let gone = Fault::Error("message_not_found".to_owned());
    office.slack.fault("chat.update", Some(&room), 1, gone);
    office.says("ana", "ops", "incident note --incident 1 first").await;
    let cards = |slack: &Slack| -> Vec<_> {
        slack.messages(&room).into_iter().filter(|card| card.by_bot).collect()
    };
    let second = |slack: &Slack| cards(slack).get(1).cloned();
    let again = office.slack.until("a second card", second).await.expect("it is posted");
    let mut kept = None;
    for _ in 0..1_000 {
        kept = office.incident(1).await.card.map(|card| card.id);
        if kept.as_ref() == Some(&again.ts) {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(kept, Some(again.ts), "nova remembers the new card");
    office.says("ana", "ops", "incident note --incident 1 afterwards").await;
    let drawn =
        |slack: &Slack| read_aloud(cards(slack).last()?).contains("afterwards").then_some(());
    office.slack.until("the next state", drawn).await.expect("it is drawn there");
    assert_eq!(cards(&office.slack).len(), 2, "and on no third card");
    office.close().await;
}

async fn an_incident_that_is_over_before_its_channel_stands_leaves_none_open(transport: Transport) {
    let archives = |text: String| text.replace("[slack]", "[slack]\narchive_resolved = true");
    let office = Office::with(transport, SlackOptions::default(), archives).await;
    office.slack.fault("conversations.setTopic", None, 1, Fault::Hang);
    office.says("ana", "incidents", "incident declare low a typo").await;
    let begun = |slack: &Slack| {
        let rooms = slack.channels();
        rooms.iter().any(|room| room.name == "inc-1-a-typo").then_some(())
    };
    office.slack.until("the channel", begun).await.expect("nova makes it");
    office.says("ana", "incidents", "incident resolve 1").await;
    office.slack.clear_faults();
    let archived = |slack: &Slack| slack.channel("inc-1-a-typo").archived.then_some(());
    office.slack.until("the channel archived", archived).await.expect("nova archives it");
    office.close().await;
}
