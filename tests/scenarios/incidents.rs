//! Conversations about incidents: the whole reply of each.

use std::collections::{BTreeSet, HashMap};

use nova::config::Config;
use nova::engine::{Change, Changed, Engine, Invocation, Taken};
use nova::store::{Ending, IncidentNumber, Kind, NewCard, Verification};
use nova_adapters::chat::{Account, Conversation, MessageRef, Platform};
use nova_adapters::message::{Action, Mark};
use nova_commands::command::Step;
use nova_commands::incident::Order;
use nova_commands::platform::Secrets;
use nova_permissions::Role;
use tokio::sync::watch;

use crate::support::{Nova, install_tls, patient, stable, world};

/// Says the lines and returns the conversation.
async fn talk(nova: &mut Nova, lines: &[&str]) -> String {
    let mut replies = String::new();
    for line in lines {
        let asked: String = line.chars().filter(|c| !c.is_control()).take(60).collect();
        replies += &format!("> {asked}\n{}\n", nova.say(line).await);
    }
    replies
}

/// A snapshot of a conversation, whenever it took place.
fn snapshot(replies: &str, name: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME UTC");
    settings.add_filter(r"/\S+/nova\.db", "NOVA.DB");
    settings.bind(|| stable(|| insta::assert_snapshot!(name, replies)));
}

fn number(text: &str) -> IncidentNumber {
    text.parse().expect("the tests write it as people do")
}

fn slack(id: &str) -> Conversation {
    Conversation { platform: Platform::Slack, id: id.to_owned() }
}

/// The same line, said in a Slack channel.
fn in_channel(nova: &mut Nova, channel: &str, line: &str) -> Invocation {
    let mut invocation = nova.invocation(line);
    invocation.speaker.account = Account { platform: Platform::Slack, id: "U1".to_owned() };
    invocation.speaker.platform = nova_permissions::Platform::Slack;
    invocation.conversation = channel.to_owned();
    invocation
}

async fn answered(engine: &Engine, invocation: &Invocation) -> nova::engine::Answer {
    match engine.take(invocation).await {
        Taken::Answered(answer) => *answer,
        Taken::Duplicate => panic!("{} was taken for a duplicate", invocation.line.text()),
        Taken::Running(_) => panic!("{} is no diagnostic", invocation.line.text()),
    }
}

#[tokio::test]
async fn an_incident_from_its_opening_to_its_end() {
    let mut nova = Nova::start().await;
    let lines = [
        "incident list",
        "incident show",
        "incident declare critical \"checkout is down\"",
        "incident list",
        "incident ack",
        "incident ack INC-1",
        "incident note the disk of db-1 is full, cleaning up",
        "incident note --incident 1 95 % free again",
        "incident show inc-1",
        "incident resolve",
        "incident show INC-1",
        "incident note --incident 1 it was the log rotation",
        "incident ack 1",
        "incident resolve 1",
        "incident list",
    ];
    let replies = talk(&mut nova, &lines).await;
    snapshot(&replies, "an_incident_from_its_opening_to_its_end");
    let verified = nova.store.verify(None).await.expect("the store answers");
    assert!(matches!(verified, Verification::Intact { .. }), "{verified:?}");
}

#[tokio::test]
async fn which_one_is_meant() {
    let mut nova = Nova::start().await;
    for (severity, impact) in [("low", "slow search"), ("critical", "checkout"), ("high", "login")]
    {
        nova.say(&format!("incident declare {severity} {impact}")).await;
    }
    let lines = [
        "incident ack",
        "incident note who is on it?",
        "incident ack INC-9",
        "incident show 9",
        "incident resolve seven",
        "incident ack 0",
        "incident show --incident 1",
        "incident list",
    ];
    let replies = talk(&mut nova, &lines).await;
    snapshot(&replies, "which_one_is_meant");

    // In an incident's room, and in a thread there, nobody has to say which.
    nova.engine.set_room(number("INC-2"), &slack("C2"), None).await.expect("it is there");
    for (channel, awaited) in [("C2", "INC-2 acknowledged"), ("C2/1.5", "already acknowledged")] {
        let here = in_channel(&mut nova, channel, "incident ack");
        let answer = answered(&nova.engine, &here).await;
        assert!(answer.message.headline.contains(awaited), "{}", answer.message.headline);
    }
    // A room stays its incident's when that is over.
    let here = in_channel(&mut nova, "C2", "incident resolve");
    answered(&nova.engine, &here).await;
    let here = in_channel(&mut nova, "C2", "incident show");
    let shown = answered(&nova.engine, &here).await;
    assert!(shown.message.headline.starts_with("INC-2"), "{}", shown.message.headline);
    let here = in_channel(&mut nova, "C2", "incident ack");
    let late = answered(&nova.engine, &here).await;
    assert!(late.message.headline.contains("already resolved"), "{}", late.message.headline);
    // A channel that two share does not tell.
    for one in ["1", "3"] {
        nova.engine.set_room(number(one), &slack("C0"), None).await.expect("it is there");
    }
    let here = in_channel(&mut nova, "C0", "incident ack");
    let asked = answered(&nova.engine, &here).await;
    assert!(asked.message.headline.starts_with("which one"), "{}", asked.message.headline);
    let unknown = nova.engine.set_room(number("9"), &slack("C0"), None).await;
    assert_eq!(
        unknown.expect_err("there is none").to_string(),
        "there is no INC-9; `incident list` shows the open ones"
    );
}

#[tokio::test]
async fn hostile_words_are_only_words() {
    let mut nova = Nova::start().await;
    let long = format!("incident declare low {}", "x".repeat(3_900));
    let lines = [
        "incident declare high <!channel> *bold* `code` @everyone [link](https://evil.example)",
        "incident declare low \u{202e}nwod si ipa\u{200b}",
        "incident declare low \u{200b}\u{200b} \u{2060}",
        "incident declare high \u{1b}[31mred",
        "incident declare high password=hunter22xyz leaked",
        "incident declare Medium -50 % capacity",
        "incident declare P1 down",
        "incident declare high",
        "incident note --incident 1 AKIAIOSFODNN7EXAMPLE <@U1> | & > \"quoted",
        "incident note --incident 1 AKIAIOSFODNN7EXAMPLE <@U1> | & >",
        "incident show 1",
        "incident show \u{202e}1",
        "incident show 99999999999999999999999999",
        &long,
        "incident show 5",
        "incident list",
    ];
    let replies = talk(&mut nova, &lines).await;
    snapshot(&replies, "hostile_words_are_only_words");
    let kept: String = nova.timeline().await.iter().map(|entry| entry.body.to_string()).collect();
    let shown: String = replies.lines().filter(|line| !line.starts_with("> ")).collect();
    for secret in ["hunter22xyz", "AKIAIOSFODNN7EXAMPLE"] {
        assert!(!kept.contains(secret), "on the timeline: {secret}");
        assert!(!shown.contains(secret), "in a reply: {secret}");
    }
}

#[tokio::test]
async fn a_form_may_send_anything() {
    let mut nova = Nova::start().await;
    let orders = [
        Order::Declare { severity: "P1".to_owned(), impact: "down".into() },
        Order::Declare { severity: "hi`gh\n".to_owned(), impact: "down".into() },
        Order::Declare { severity: "high".to_owned(), impact: " \u{200b}\n ".into() },
        Order::Declare { severity: "high".to_owned(), impact: "line\0one\nline two".into() },
        Order::Declare {
            severity: "low".to_owned(),
            impact: "x".repeat(1_000_000).as_str().into(),
        },
        Order::Note { incident: Some("1".to_owned()), text: "- one\n- two \"quoted\"".into() },
        Order::Note { incident: Some("1".to_owned()), text: "".into() },
        Order::Note { incident: Some("1; --".repeat(1_000)), text: "x".into() },
        Order::Show { incident: Some("1".to_owned()) },
    ];
    let mut replies = String::new();
    for order in orders {
        let invocation = nova.invocation("(a form)");
        match nova.engine.order(&invocation, order).await {
            Taken::Answered(answer) => {
                let message = &answer.message;
                assert!(message.headline.chars().count() < 400, "{}", message.headline);
                replies += &format!("{} {}\n", message.tone.symbol(), message.headline);
            }
            _ => panic!("an order is answered at once"),
        }
    }
    snapshot(&replies, "a_form_may_send_anything");
    // Sent twice, done once; and nobody without the right.
    let mut again = nova.invocation("(a form)");
    for duplicate in [false, true] {
        let order = Order::Note { incident: Some("1".to_owned()), text: "once".into() };
        let taken = nova.engine.order(&again, order).await;
        assert_eq!(matches!(taken, Taken::Duplicate), duplicate);
    }
    again.dedupe = "another".to_owned();
    again.speaker.roles = vec![Role::Viewer];
    let order = Order::Resolve { incident: Some("1".to_owned()) };
    let Taken::Answered(refused) = nova.engine.order(&again, order).await else {
        panic!("an order is answered at once");
    };
    assert_eq!(refused.ending, Ending::Refused);
    assert_eq!(nova.engine.open_incidents().await.expect("the store answers").len(), 2);
}

#[tokio::test]
async fn who_may_only_read_cannot_change() {
    let mut nova = Nova::start().await;
    nova.say("incident declare high login is slow").await;
    nova.speaker.roles = vec![Role::Viewer];
    let lines = [
        "incident list",
        "incident declare high x",
        "incident ack 1",
        "incident note --incident 1 x",
        "incident resolve 1",
    ];
    let viewer = talk(&mut nova, &lines).await;
    nova.speaker.roles = Vec::new();
    let nobody = talk(&mut nova, &["incident list", "incident show 1", "incident ack 1"]).await;
    nova.speaker.roles = vec![Role::Responder];
    let responder = talk(&mut nova, &["incident ack 1"]).await;
    snapshot(&format!("viewer\n{viewer}nobody\n{nobody}responder\n{responder}"), "who_may");
    let declared = nova.timeline().await.iter().filter(|e| e.kind == Kind::Declared).count();
    assert_eq!(declared, 1);
}

#[tokio::test]
async fn an_answer_says_what_it_changed() {
    let mut nova = Nova::start().await;
    let one = number("INC-1");
    for (line, change) in [
        ("incident declare high x", Some(Change::Declared)),
        ("incident list", None),
        ("incident ack", Some(Change::Acknowledged)),
        ("incident ack", None),
        ("incident note x", Some(Change::Noted)),
        ("incident resolve", Some(Change::Resolved)),
        ("incident show 1", None),
    ] {
        let invocation = nova.invocation(line);
        let answer = answered(&nova.engine, &invocation).await;
        assert_eq!(answer.incident, change.map(|what| Changed { number: one, what }), "{line}");
        // Again and again, and nothing more comes of it.
        let before = nova.timeline().await.len();
        for _ in 0..3 {
            assert!(matches!(nova.engine.take(&invocation).await, Taken::Duplicate), "{line}");
        }
        assert_eq!(nova.timeline().await.len(), before, "{line}");
    }
}

#[tokio::test]
async fn the_card_follows_the_state() {
    let mut nova = Nova::start().await;
    let one = number("INC-1");
    let lines = |message: &nova_adapters::message::Message| -> Vec<String> {
        let line = |action: &Action| match action {
            Action::Run { line } => line.clone(),
            Action::Form { form, argument, line } => format!("{form}({argument}) or {line}"),
            Action::Link { url } => url.clone(),
        };
        message.buttons.iter().map(|button| line(&button.action)).collect()
    };
    nova.say("incident declare high x").await;
    let room = slack("C1");
    nova.engine.set_room(one, &room, None).await.expect("it is there");
    let bare = nova.engine.incident_card(one).await.expect("it is there");
    assert!(!format!("{bare:?}").contains("room"), "a room without a card is being made: {bare:?}");
    let discord = Conversation { platform: Platform::Discord, id: "77".to_owned() };
    let link = "https://example.slack.com/archives/C1/p15";
    let card = NewCard { id: "1.5", link: Some(link) };
    nova.engine.set_room(one, &room, Some(card)).await.expect("it is there");
    let unlinked = NewCard { id: "78", link: None };
    nova.engine.set_room(one, &discord, Some(unlinked)).await.expect("it is there");
    let incident = nova.engine.incident(one).await.expect("it is there");
    let on_slack = incident.room_on(Platform::Slack).expect("it has one");
    let card = MessageRef { conversation: room.clone(), id: "1.5".to_owned() };
    assert_eq!((&on_slack.place, &on_slack.card), (&room, &Some(card)));
    assert_eq!(incident.room_on(Platform::Discord).expect("it has one").place, discord);

    let open = nova.engine.incident_card(one).await.expect("it is there");
    assert_eq!(open.tone, Mark::Fail);
    let note = "incident-note(1) or incident note --incident INC-1";
    let rest = [note, "incident resolve INC-1", "health", link];
    let fields = format!("{:?}", open.sections[0]);
    assert!(fields.contains("\"Discord 77, Slack\""), "{fields}");
    assert_eq!(lines(&open), [&["incident ack INC-1"], &rest[..]].concat());
    assert!(open.buttons[2].confirm.is_some(), "resolving asks first");
    for text in 1..=7 {
        nova.say(&format!("incident note note {text}")).await;
    }
    nova.say("incident ack").await;
    let taken = nova.engine.incident_card(one).await.expect("it is there");
    assert_eq!((taken.tone, lines(&taken)), (Mark::Warn, rest.map(str::to_owned).to_vec()));
    let notes = taken.sections.last().expect("the notes");
    assert!(notes.folded);
    let drawn = format!("{notes:?}");
    assert!(drawn.contains("note 7") && drawn.contains("note 3") && !drawn.contains("note 2"));
    nova.say("incident resolve").await;
    let over = nova.engine.incident_card(one).await.expect("it is there");
    assert_eq!((over.tone, lines(&over)), (Mark::Ok, vec![link.to_owned()]));
    let missing = nova.engine.incident_card(number("2")).await.expect_err("there is none");
    assert_eq!(missing.to_string(), "there is no INC-2; `incident list` shows the open ones");
}

/// The same page as the one that Slack shows when the app is opened.
#[tokio::test]
async fn the_home_page_is_a_command_everywhere() {
    let mut nova = Nova::start().await;
    let mut replies = talk(&mut nova, &["home"]).await;
    nova.say("incident declare high login is slow").await;
    replies += &talk(&mut nova, &["home", "home sweet home"]).await;
    nova.speaker.roles = Vec::new();
    replies += &talk(&mut nova, &["home"]).await;
    nova.store.clone().close().await;
    nova.speaker.roles = vec![Role::Viewer];
    replies += &talk(&mut nova, &["home"]).await;
    snapshot(&replies, "the_home_page_is_a_command_everywhere");
}

/// A button's line, where there are no forms, does not write an empty note.
#[tokio::test]
async fn a_note_without_text_is_asked_for() {
    let mut nova = Nova::start().await;
    nova.say("incident declare high x").await;
    let reply = nova.say("incident note --incident INC-1").await;
    assert_eq!(reply, "✗ `incident note` needs `<TEXT>...`; see `help incident note`\nexit 2\n");
}

#[tokio::test]
async fn twenty_declare_at_once() {
    let mut nova = Nova::start().await;
    let invocations: Vec<_> =
        (0..20).map(|i| nova.invocation(&format!("incident declare high problem {i}"))).collect();
    let progress = watch::channel(Step::default()).0;
    let declaring = invocations
        .iter()
        .map(|invocation| nova.engine.answer(invocation, &progress, std::future::pending()));
    let answers = futures_util::future::join_all(declaring).await;
    let numbers: BTreeSet<i64> = answers
        .iter()
        .map(|answer| answer.incident.expect(&answer.message.headline).number.get())
        .collect();
    assert!(numbers.into_iter().eq(1..=20));
    let told: BTreeSet<String> = nova
        .timeline()
        .await
        .iter()
        .filter(|entry| entry.kind == Kind::Declared)
        .filter_map(|entry| Some(entry.incident.as_ref()?.as_str().to_owned()))
        .collect();
    assert_eq!(told, (1..=20).map(|n| format!("INC-{n}")).collect());
    let verified = nova.store.verify(None).await.expect("the store answers");
    assert!(matches!(verified, Verification::Intact { head } if head.seq == 60));
}

#[tokio::test]
async fn without_the_store_nothing_is_promised() {
    let mut nova = Nova::start().await;
    nova.say("incident declare high x").await;
    nova.store.clone().close().await;
    let lines = ["incident declare high y", "incident list", "incident show 1", "incident ack"];
    let replies = talk(&mut nova, &lines).await;
    snapshot(&replies, "without_the_store_nothing_is_promised");
    assert!(nova.engine.open_incidents().await.is_err());
    let room = nova.engine.set_room(number("1"), &slack("C1"), None).await;
    assert!(room.is_err_and(|error| error.to_string().starts_with("incidents need the store: ")));

    // Nor when it could not be opened at all.
    install_tls();
    let config = Config::parse("nova.toml", "").expect("nothing is a configuration");
    let store = Err(anyhow::anyhow!("no such disk"));
    let engine = Engine::new(&config, &Secrets::new(HashMap::new()), store).expect("it starts");
    let invocation = nova.invocation("incident declare high z");
    let answer = answered(&engine, &invocation).await;
    assert_eq!((answer.ending, answer.incident), (Ending::Refused, None));
    assert_eq!(answer.message.headline, "incidents need the store: no such disk");
}

/// The database is held by somebody else for longer than a person waits.
#[tokio::test]
async fn a_store_that_does_not_answer_is_not_waited_for() {
    use sqlx::Connection as _;
    let mut url = String::new();
    let edit = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("url = \"sqlite:"));
        url = format!("sqlite:{}", line.expect("the store's").trim_end_matches('"'));
        patient(text)
    };
    let mut nova = Nova::on(world(false).await, edit).await;
    let mut other = sqlx::SqliteConnection::connect(&url).await.expect("it opens");
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.expect("it is locked");
    let invocation = nova.invocation("incident declare high x");
    let answer = answered(&nova.engine, &invocation).await;
    assert_eq!(answer.ending, Ending::Refused);
    assert!(answer.message.headline.starts_with("it may have been done or not"));
    sqlx::raw_sql("COMMIT").execute(&mut other).await.expect("it is free");
    // The platform delivers it again, and it is done once.
    let again = answered(&nova.engine, &invocation).await;
    assert!(again.incident.is_some(), "{}", again.message.headline);
    assert!(matches!(nova.engine.take(&invocation).await, Taken::Duplicate));
    assert_eq!(nova.engine.open_incidents().await.expect("the store answers").len(), 1);
}
