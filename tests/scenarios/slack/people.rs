//! Who is served, and as whom.

use nova_sandbox::slack::{Delivery, Fault, Slack, SlackOptions};

use super::forms::{behind, home};
use super::workspace::{blocks_aloud, read_aloud};
use super::{Office, Transport, on_both_transports};
use crate::support::stable;

on_both_transports!(
    only_members_are_served_and_everybody_else_is_recorded,
    groups_and_confirmed_addresses_give_roles,
    incidents_are_shown_only_to_who_may_read_them,
    a_click_from_another_organisation_is_refused_without_asking,
    a_slow_directory_costs_one_more_try,
);

async fn only_members_are_served_and_everybody_else_is_recorded(transport: Transport) {
    let office = Office::open(transport).await;
    let mut replies = String::new();
    for (user, channel) in [
        ("gus", "incidents"),
        ("sol", "incidents"),
        ("con", "partners"),
        ("deploybot", "ops"),
        ("dora", "ops"),
    ] {
        let delivered = office.says(user, channel, "health").await;
        let blocks = delivered.response["blocks"].as_array().expect("it has blocks");
        assert_eq!(delivered.response["response_type"], "ephemeral");
        replies += &format!("{user}: {}\n", blocks_aloud(blocks));
    }
    stable(|| insta::assert_snapshot!("slack_not_served", replies));
    assert!(office.slack.messages("incidents").iter().all(|message| !message.by_bot));
    let timeline = office.timeline().await;
    let kinds: Vec<&str> = timeline.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["invoked", "refused"].repeat(5));
    office.close().await;
}

async fn groups_and_confirmed_addresses_give_roles(transport: Transport) {
    let people = |text: String| {
        text.replace("member_roles = [\"viewer\"]", "link_by_email = [\"example.com\"]")
            + "groups = { oncall = [\"responder\"], S0OPS00001 = [\"approver\"] }\n"
            + "[[people]]\nname = \"bo\"\nemail = \"bo@example.com\"\nroles = [\"security\"]\n"
            + "[[people]]\nname = \"una\"\nemail = \"una@example.com\"\nroles = [\"security\"]\n"
    };
    let office = Office::with(transport, SlackOptions::default(), people).await;
    let mut replies = String::new();
    for user in ["ana", "bo", "una"] {
        for line in ["whoami", "health vm-service"] {
            let delivered = office.says(user, "incidents", line).await;
            let shown = match delivered.response["blocks"].as_array() {
                Some(blocks) => blocks_aloud(blocks),
                None => "runs".to_owned(),
            };
            replies += &format!("{user} {line}: {shown}\n");
        }
    }
    stable(|| insta::assert_snapshot!("slack_roles", replies));
    office.answers("incidents", 1).await;
    office.close().await;
}

async fn incidents_are_shown_only_to_who_may_read_them(transport: Transport) {
    let nobody = |text: String| text.replace("member_roles = [\"viewer\"]", "member_roles = []");
    let office = Office::with(transport, SlackOptions::default(), nobody).await;
    office.says("ana", "incidents", "incident declare high login hangs").await;
    let page = home(&office, "bo").await;
    assert!(page.contains("you may not run `incident list`"), "{page}");
    assert!(!page.contains("INC-") && !page.contains("login"), "{page}");
    assert!(home(&office, "ana").await.contains("login hangs"));
    let ts = office.slack.say("bo", "ops", "look here", None).expect("bo is there");
    let chosen = office.slack.message_shortcut("bo", "ops", &ts, "add_to_incident").await;
    office.kept(chosen.expect("it is there"));
    let told = |slack: &Slack| slack.ephemerals("ops", "bo").pop();
    let told = office.slack.until("a line for bo", told).await.expect("nova says something");
    assert!(read_aloud(&told).contains("you may not run `incident list`"), "{told:?}");
    assert!(office.slack.open_views("bo").is_empty(), "no form names the incidents");
    office.close().await;
}

async fn a_click_from_another_organisation_is_refused_without_asking(transport: Transport) {
    let office = Office::open(transport).await;
    office.says("ana", "incidents", "incident declare high login hangs").await;
    let room = "inc-1-login-hangs";
    let made = |slack: &Slack| slack.channels().iter().any(|one| one.name == room).then_some(());
    office.slack.until("the incident's channel", made).await.expect("nova makes it");
    let card = office.answers(room, 1).await.remove(0);
    let shown = read_aloud(&card);
    let button = behind(&shown, "Resolve");
    let delivery = office.slack.click_delivery("ana", room, &card.ts, &button, None);
    let Delivery::Interactive(mut payload) = delivery.expect("there is such a button") else {
        panic!("a click is an interaction");
    };
    payload["user"]["team_id"] = "T0ELSEWHERE".into();
    office.delivers(&Delivery::Interactive(payload)).await;
    let told = |slack: &Slack| slack.ephemerals(room, "ana").pop();
    let told = office.slack.until("a line", told).await.expect("nova says something");
    assert!(read_aloud(&told).contains("people of other organisations"), "{told:?}");
    let timeline = office.timeline().await;
    let count = |kind: &str| timeline.iter().filter(|entry| entry.kind.as_str() == kind).count();
    assert_eq!((count("refused"), count("resolved")), (1, 0), "{timeline:#?}");
    office.close().await;
}

async fn a_slow_directory_costs_one_more_try(transport: Transport) {
    let office = Office::open(transport).await;
    office.slack.fault("usergroups.list", None, 1, Fault::Hang);
    let told = office.says("ana", "incidents", "ping").await;
    let told = blocks_aloud(told.response["blocks"].as_array().expect("it has blocks"));
    assert!(told.contains("takes too long to find out who you are"), "{told}");
    office.slack.clear_faults();
    // Nobody asks again, and yet the answer is waited for.
    let asked = |slack: &Slack| {
        let calls = slack.journal();
        let answered = calls.iter().filter(|call| call.method == "usergroups.list");
        (answered.count() >= 2).then_some(())
    };
    office.slack.until("the groups read after all", asked).await.expect("nova goes on");
    let pong = office.says("ana", "incidents", "ping").await;
    let pong = blocks_aloud(pong.response["blocks"].as_array().expect("it has blocks"));
    assert!(pong.contains("pong"), "{pong}");
    office.close().await;
}
