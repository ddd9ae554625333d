//! Who somebody is, as only Slack tells: user groups, confirmed addresses, other organisations, and a
//! directory that has to be asked.

use nova_sandbox::slack::{Delivery, Fault, Slack};

use crate::chat::{Office, Platform, Said, on_slack};

on_slack!(
    groups_and_confirmed_addresses_give_roles,
    a_click_from_another_organisation_is_refused_without_asking,
    a_slow_directory_costs_one_more_try,
);

async fn groups_and_confirmed_addresses_give_roles(platform: Platform) {
    let people = |text: String| {
        text.replace("member_roles = [\"viewer\"]", "link_by_email = [\"example.com\"]")
            + "groups = { oncall = [\"responder\"], S0OPS00001 = [\"approver\"] }\n"
            + "[[people]]\nname = \"bo\"\nemail = \"bo@example.com\"\nroles = [\"security\"]\n"
            + "[[people]]\nname = \"una\"\nemail = \"una@example.com\"\nroles = [\"security\"]\n"
    };
    let office = Office::with(platform, people).await;
    let mut replies = String::new();
    for user in ["ana", "bo", "una"] {
        for line in ["whoami", "health vm-service"] {
            let shown = match office.says(user, "incidents", line).await {
                Said::Privately(text) => text,
                Said::Publicly(text) if text.is_empty() => "runs".to_owned(),
                said => panic!("{user} {line}: {said:?}"),
            };
            replies += &format!("{user} {line}: {shown}\n");
        }
    }
    office.snapshot("roles", &replies);
    office.answers("incidents", 1).await;
    office.close().await;
}

async fn a_click_from_another_organisation_is_refused_without_asking(platform: Platform) {
    let office = Office::open(platform).await;
    office.says("ana", "incidents", "incident declare high login hangs").await;
    let room = "inc-1-login-hangs";
    let made = |office: &Office| office.chat().rooms().iter().any(|one| one == room).then_some(());
    office.until("the incident's channel", made).await;
    let card = office.answers(room, 1).await.remove(0);
    let button = card.handle("Resolve");
    let delivery = office.slack().click_delivery("ana", room, &card.id, button, None);
    let Delivery::Interactive(mut payload) = delivery.expect("there is such a button") else {
        panic!("a click is an interaction");
    };
    payload["user"]["team_id"] = "T0ELSEWHERE".into();
    assert_eq!(office.slack_sends(Delivery::Interactive(payload)).await, Said::Nothing);
    let told = office.whisper(room, "ana").await;
    assert!(told.contains("people of other organisations"), "{told}");
    let kinds = office.recorded().await;
    let count = |kind: &str| kinds.iter().filter(|one| **one == kind).count();
    assert_eq!((count("refused"), count("resolved")), (1, 0), "{kinds:?}");
    office.close().await;
}

async fn a_slow_directory_costs_one_more_try(platform: Platform) {
    let office = Office::open(platform).await;
    office.slack().fault("usergroups.list", None, 1, Fault::Hang);
    let ping = async || match office.says("ana", "incidents", "ping").await {
        Said::Privately(text) => text,
        said => panic!("{said:?}"),
    };
    let told = ping().await;
    assert!(told.contains("takes too long to find out who you are"), "{told}");
    office.slack().clear_faults();
    // Nobody asks again, and yet the answer is waited for.
    let asked = |slack: &Slack| {
        let calls = slack.journal();
        let answered = calls.iter().filter(|call| call.method == "usergroups.list");
        (answered.count() >= 2).then_some(())
    };
    office.slack().until("the groups read after all", asked).await.expect("nova goes on");
    let pong = ping().await;
    assert!(pong.contains("pong"), "{pong}");
    office.close().await;
}
