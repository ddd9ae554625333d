//! Tests of the rooms against [`land::Town`], a chat platform that does as it is told, with a real store.
//! What real platforms make of the same calls is asked in `tests/scenarios`.

pub(crate) mod land;

use nova_adapters::chat::{Conversation, Platform};
use nova_adapters::message::{Action, Message};

use crate::store::IncidentNumber;
use land::{Does, LONG, Land, ROOM, Town};

fn one() -> IncidentNumber {
    "1".parse().unwrap()
}

fn links(message: &Message) -> Vec<String> {
    let link = |action: &Action| match action {
        Action::Link { url } => Some(url.clone()),
        _ => None,
    };
    message.buttons.iter().filter_map(|button| link(&button.action)).collect()
}

#[tokio::test]
async fn an_incident_has_a_room_and_a_card_on_every_platform() {
    let land = Land::new().await;
    land.says("incident declare high login hangs").await;
    land.settled().await;
    for town in [&land.slack, &land.discord] {
        assert_eq!(town.calls("create "), [ROOM], "{:?}", town.platform);
        assert_eq!(town.calls("pin "), [ROOM]);
        let cards = town.messages(ROOM);
        assert_eq!(cards.len(), 1, "{cards:#?}");
        // Each leads to both.
        let both =
            [format!("https://discord.example/{ROOM}"), format!("https://slack.example/{ROOM}")];
        assert_eq!(links(&cards[0]), both);
    }
    assert_eq!(
        (land.slack.calls("invite "), land.discord.calls("invite ").len()),
        (vec!["U1".to_owned()], 0)
    );
}

#[tokio::test]
async fn a_change_is_drawn_on_every_platform() {
    let land = Land::new().await;
    land.says("incident declare high login hangs").await;
    for town in [&land.slack, &land.discord] {
        town.until("a pinned card", |town| !town.calls("pin ").is_empty()).await;
    }
    land.says("incident ack").await;
    land.says("incident note it was the cache").await;
    land.says("incident resolve").await;
    land.settled().await;
    for town in [&land.slack, &land.discord] {
        let cards = town.messages(ROOM);
        assert_eq!(cards.len(), 1, "{cards:#?}");
        let shown = format!("{cards:?}");
        assert!(shown.contains("resolved") && shown.contains("it was the cache"), "{shown}");
    }
}

#[tokio::test]
async fn a_room_is_closed_when_its_incident_is_over() {
    let land = Land::new().await;
    land.says("incident declare high login hangs").await;
    for town in [&land.slack, &land.discord] {
        town.until("a pinned card", |town| !town.calls("pin ").is_empty()).await;
    }
    let place = |platform, id: &str| Conversation { platform, id: id.to_owned() };
    assert!(!land.rooms.is_archived(&place(Platform::Slack, ROOM)).await, "it goes on");
    land.says("incident resolve").await;
    land.settled().await;
    assert_eq!(land.slack.calls("archive "), [ROOM]);
    assert_eq!(land.discord.calls("archive ").len(), 0, "there nothing is archived");
    assert!(land.rooms.is_archived(&place(Platform::Slack, ROOM)).await);
    for elsewhere in [place(Platform::Discord, ROOM), place(Platform::Slack, "C0")] {
        assert!(!land.rooms.is_archived(&elsewhere).await, "{elsewhere:?}");
    }
}

#[tokio::test]
async fn a_platform_that_fails_does_not_hold_the_other() {
    for does in [Does::Hang, Does::Refuse, Does::Gone, Does::Panic] {
        let land = Land::new().await;
        land.discord.fault("create", does);
        land.says("incident declare high login hangs").await;
        let pinned = |town: &Town| !town.calls("pin ").is_empty();
        land.slack.until("a pinned card", pinned).await;
        land.says("incident ack").await;
        let taken = |town: &Town| {
            let cards = town.messages(ROOM);
            cards.iter().any(|card| format!("{card:?}").contains("acknowledged"))
        };
        land.slack.until("the card drawn anew", taken).await;
        if does == Does::Refuse {
            let told = "no channel could be made on discord for INC-1: \
                        the platform refused the message: no";
            let heard = |town: &Town| town.messages("C0").iter().any(|m| m.headline == told);
            land.slack.until("a word about it", heard).await;
        }
        assert_eq!(land.discord.messages(ROOM).len(), 0);
    }
}

#[tokio::test]
async fn what_a_crash_left_out_is_made_up_for_at_the_start_once() {
    let mut land = Land::new().await;
    land.says_and_dies("incident declare high login hangs").await;
    land.says_and_dies("incident declare low a typo").await;
    land.says_and_dies("incident resolve 2").await;
    for _ in 0..3 {
        land.start_again().await;
        land.settled().await;
        for town in [&land.slack, &land.discord] {
            assert_eq!(town.calls("create "), [ROOM], "only what is open gets a room, once");
            assert_eq!(town.messages(ROOM).len(), 1);
        }
        assert_eq!(land.slack.calls("invite "), ["U1"], "the person's account is known");
    }
    // Killed between a change and its card.
    land.says_and_dies("incident ack 1").await;
    land.start_again().await;
    land.settled().await;
    for town in [&land.slack, &land.discord] {
        let card = format!("{:?}", town.messages(ROOM));
        assert!(card.contains("acknowledged"), "{card}");
    }
}

#[tokio::test]
async fn killed_after_any_call_there_is_one_room_and_one_card_in_the_end() {
    for call in ["topic", "invite", "permalink", "pin"] {
        let mut land = Land::new().await;
        land.slack.fault(call, Does::Hang);
        land.says("incident declare high login hangs").await;
        land.discord.until("a pinned card", |town| !town.calls("pin ").is_empty()).await;
        land.slack.until(call, |town| !town.calls(call).is_empty()).await;
        land.rooms.stop.cancel();
        land.rooms.close(LONG).await;
        land.slack.state().faults.clear();
        land.start_again().await;
        land.settled().await;
        assert_eq!(land.slack.calls("create "), [ROOM], "{call}");
        let incident = land.engine.incident(one()).await.unwrap();
        let card = incident.room_on(Platform::Slack).unwrap().card.clone();
        assert!(card.is_some(), "{call}");
        // Only between a post and its record may there be a second card.
        assert!(land.slack.messages(ROOM).len() <= 1 + usize::from(call == "permalink"), "{call}");
    }
}

#[tokio::test]
async fn many_changes_are_few_drawings_and_the_last_one_is_shown() {
    let land = Land::new().await;
    land.says("incident declare high login hangs").await;
    for town in [&land.slack, &land.discord] {
        town.until("a pinned card", |town| !town.calls("pin ").is_empty()).await;
    }
    land.slack.flows.send_replace(false);
    for number in 1..=40 {
        land.says(&format!("incident note number {number}")).await;
    }
    land.slack.flows.send_replace(true);
    land.settled().await;
    for town in [&land.slack, &land.discord] {
        let card = format!("{:?}", town.messages(ROOM));
        assert!(card.contains("number 40"), "{card}");
    }
    let drawn = land.slack.calls("update ").len();
    assert!(drawn < 15, "{drawn} drawings of 40 changes");
}

#[tokio::test]
async fn a_card_that_is_gone_is_replaced_by_the_next_change_and_not_by_a_start() {
    let mut land = Land::new().await;
    land.says("incident declare high login hangs").await;
    land.settled().await;
    land.slack.fault("update", Does::Gone);
    land.start_again().await;
    land.settled().await;
    assert_eq!(land.slack.messages(ROOM).len(), 1);
    land.start_again().await;
    land.says("incident note anything").await;
    land.slack.until("a second card", |town| town.messages(ROOM).len() == 2).await;
}
