//! What the inbox leaves to tasks, against a platform that does as it is told.

use nova_adapters::chat::Account;
use nova_adapters::event::{Actor, Origin, Reply, Submission};
use nova_adapters::workspace::{Profile, Standing};

use super::*;
use crate::config::Config;
use crate::delivery::DeliveryOptions;
use crate::rooms::tests::land::{Does, LONG, Land, account};

fn inbox(land: &Land) -> ChatInbox {
    let people = People::new(&Config::parse("nova.toml", "").unwrap());
    ChatInbox::new(
        Arc::clone(&land.engine),
        Arc::clone(&land.slack) as _,
        Delivery::new(DeliveryOptions::default()),
        Arc::new(people),
        Arc::clone(&land.rooms),
    )
}

fn event(account: Account, deed: Deed) -> Event {
    Event {
        id: "slack:1".to_owned(),
        actor: Actor { account, foreign: false, profile: None },
        place: None,
        place_name: None,
        deed,
        reply: Reply::default(),
    }
}

#[tokio::test]
async fn home_pages_follow_the_incidents() {
    let land = Land::new().await;
    let inbox = inbox(&land);
    let ours = |count: usize| move |calls: &[String]| calls.len() == count;
    let keeping = inbox.keep_homes();
    let seeing = async {
        // Whoever never looked is not drawn for.
        assert_eq!(inbox.take(event(account(), Deed::Home)).await, Ack::Received);
        let first = ours(1);
        land.slack.until("the page", |town| first(&town.calls("home "))).await;
        land.says("incident declare high login hangs").await;
        let second = ours(2);
        land.slack.until("the page drawn again", |town| second(&town.calls("home "))).await;
        assert_eq!(land.slack.calls("home "), ["U1", "U1"]);
    };
    tokio::select! {
        () = keeping => panic!("it ends by itself"),
        () = seeing => {}
    }
    inbox.close(LONG).await;
}

#[tokio::test]
async fn what_is_said_beside_an_answer_is_tried_again() {
    let land = Land::new().await;
    let inbox = inbox(&land);
    land.slack.fault("answer", Does::Down);
    let origin = Origin::of(&event(account(), Deed::Home));
    let saying = Aside::say(&inbox, origin, Message::new(Mark::Info, "hello"), true);
    let healing = async {
        land.slack.until("an attempt", |town| !town.calls("answer ").is_empty()).await;
        land.slack.state().faults.clear();
    };
    tokio::join!(saying, healing);
    assert_eq!(land.slack.calls("answer ").len(), 2);
    // Where there is no way left to answer, the person is told directly.
    land.slack.fault("answer", Does::Gone);
    let origin = Origin::of(&event(account(), Deed::Home));
    Aside::say(&inbox, origin, Message::new(Mark::Info, "hello"), true).await;
    assert_eq!(land.slack.calls("whisper "), ["U1"]);
}

#[tokio::test]
async fn a_profile_that_comes_with_the_event_is_not_asked_for() {
    let land = Land::new().await;
    let inbox = inbox(&land);
    let line = || Deed::Command { line: "whoami".to_owned() };
    let mut vouched = event(account(), line());
    let guest = Profile { standing: Standing::Guest, ..Profile::default() };
    vouched.actor.profile = Some(Arc::new(guest));
    let Ack::Say { message, .. } = inbox.take(vouched).await else { panic!("it is answered") };
    assert!(message.headline.contains("guests cannot use nova"), "{}", message.headline);
    assert_eq!(land.slack.calls("profile ").len(), 0);
    inbox.take(event(account(), line())).await;
    assert_eq!(land.slack.calls("profile ").len(), 1);
}

#[tokio::test]
async fn a_form_that_was_taken_is_answered_with_its_acknowledgement() {
    let land = Land::new().await;
    let inbox = inbox(&land);
    let ana = "[[people]]\nname = \"ana\"\nslack = \"U1\"\nroles = [\"operator\"]\n";
    inbox.replace_people(Arc::new(People::new(&Config::parse("nova.toml", ana).unwrap())));
    let fields = [("severity", "high"), ("impact", "login hangs")];
    let fields = fields.map(|(id, text)| (id.to_owned(), text.to_owned())).into();
    let form = forms::DECLARE.to_owned();
    let sent = Submission { form, argument: String::new(), fields };
    let Ack::Say { message, private } = inbox.take(event(account(), Deed::Submit(sent))).await
    else {
        panic!("it is answered")
    };
    assert!(message.headline.contains("INC-1"), "{}", message.headline);
    assert!(!private, "it concerns everybody");
}

#[tokio::test]
async fn a_second_delivery_is_left_to_the_first() {
    let land = Land::new().await;
    let inbox = inbox(&land);
    let ping = || event(account(), Deed::Command { line: "ping".to_owned() });
    assert!(matches!(inbox.take(ping()).await, Ack::Say { .. }));
    assert_eq!(inbox.take(ping()).await, Ack::Repeated);
}
