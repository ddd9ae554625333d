//! What people see when they type and press.

use super::{Deed, Office, Platform, Said, on_console, on_every_platform, same};

on_every_platform!(
    health_in_an_incident_channel,
    quick_answers_come_with_the_acknowledgement,
    a_button_asks_the_next_question,
    an_incident_is_the_same_wherever_it_is_typed,
    a_diagnostic_is_seen_by_everybody,
    where_the_bot_is_no_member_the_event_itself_is_answered,
    a_long_answer_is_attached_whole,
    a_command_that_is_delivered_twice_runs_once,
);

on_console!(
    health_in_an_incident_channel,
    quick_answers_come_with_the_acknowledgement,
    a_button_asks_the_next_question,
    an_incident_is_the_same_wherever_it_is_typed,
);

/// That everybody sees the command, and its answer follows.
pub(super) fn follows() -> Said {
    Said::Publicly(String::new())
}

async fn health_in_an_incident_channel(platform: Platform) {
    let office = Office::open(platform).await;
    office.sandbox("break vm-service").await;
    office.says("ana", "incidents", "health vm-service").await;
    let messages = office.answers("incidents", 1).await;
    assert_eq!(messages.len(), 1, "one message, edited");
    office.snapshot("health", &messages[0].text);
    assert!(messages[0].notice.contains("vm-service"), "{}", messages[0].notice);
    assert_eq!(office.recorded().await, ["invoked", "answered"]);
    assert_eq!(office.timeline().await[0].actor, "ana");
    office.close().await;
}

async fn quick_answers_come_with_the_acknowledgement(platform: Platform) {
    let office = Office::open(platform).await;
    let mut replies = String::new();
    for line in ["ping", "whoami", "", "help health", "helth", "health “vm"] {
        let text = match office.says("ana", "incidents", line).await {
            Said::Privately(text) => text,
            // Where nothing has to be quoted, it is a service that is not there.
            said if said == follows() => {
                office.answers("incidents", 1).await.pop().expect("it is there").text
            }
            // Too long for the acknowledgement: it comes directly, and the channel says so.
            Said::Nothing => {
                let told = |office: &Office| {
                    let whispers = office.chat().whispers("incidents", "ana").into_iter();
                    let mut whispers = whispers.map(|shown| shown.text);
                    whispers.find(|text| text.contains("direct messages"))
                };
                let told = office.until("where the answer is", told).await;
                let direct = office.chat().direct("ana").pop().expect("it is there");
                format!("{told}\n{}", direct.text)
            }
            said => panic!("{line}: {said:?}"),
        };
        replies += &format!("> {line}\n{text}\n\n");
    }
    office.snapshot("quick_answers", &replies);
    office.close().await;
}

async fn a_button_asks_the_next_question(platform: Platform) {
    let office = Office::open(platform).await;
    office.sandbox("break vm-service").await;
    office.says("ana", "incidents", "health").await;
    let first = office.answers("incidents", 1).await.remove(0);
    let next = first.buttons.first().expect("the next sensible step is a button");
    office.presses("bo", &first, &next.label).await;
    let messages = office.answers("incidents", 2).await;
    assert!(messages[1].text.contains("vm-service"), "{}", messages[1].text);
    assert_eq!(messages[0].edits, first.edits, "the first answer stays as it was");
    office.close().await;
}

async fn an_incident_is_the_same_wherever_it_is_typed(platform: Platform) {
    let office = Office::open(platform).await;
    for (line, awaited) in [
        ("incident declare high checkout is down", "INC-1"),
        ("incident ack 1", "INC-1 acknowledged by ana"),
        ("incident note --incident=1 the disk of db-1 is full", "noted on INC-1"),
        ("incident resolve 1", "INC-1 resolved by ana"),
        ("incident ack 1", "INC-1 was already resolved by ana"),
        ("incident show 1", "the disk of db-1 is full"),
    ] {
        let (Said::Publicly(text) | Said::Privately(text)) = office.says("ana", "ops", line).await
        else {
            panic!("{line} was not answered");
        };
        assert!(text.contains(awaited), "{line}: {text}");
    }
    let mut rows = String::new();
    for mut entry in office.timeline().await {
        // Where it is told, and in which room, is the platform's.
        for key in ["account", "conversation"] {
            entry.body.as_object_mut().expect("it has parts").remove(key);
        }
        if entry.kind.as_str() != "moved" {
            rows += &format!("{} {} {}\n", entry.kind.as_str(), entry.actor, entry.body);
        }
    }
    same("an_incident", &rows);
    office.close().await;
}

async fn a_diagnostic_is_seen_by_everybody(platform: Platform) {
    let office = Office::open(platform).await;
    assert_eq!(office.says("ana", "incidents", "health vm-service").await, follows());
    office.answers("incidents", 1).await;
    office.close().await;
}

async fn where_the_bot_is_no_member_the_event_itself_is_answered(platform: Platform) {
    let office = Office::open(platform).await;
    for channel in ["random", "board"] {
        office.says("ana", channel, "health vm-service").await;
        let messages = office.answers(channel, 1).await;
        assert_eq!(messages.len(), 1);
        assert!(messages[0].text.contains("vm-service"), "{messages:?}");
    }
    office.close().await;
}

async fn a_long_answer_is_attached_whole(platform: Platform) {
    let names: Vec<String> = (0..80).map(|number| format!("extra-{number:02}")).collect();
    let services = |text: String| {
        let extra = names.iter().map(|name| format!("[[services]]\nname = \"{name}\"\nport = 1\n"));
        text + &extra.collect::<String>()
    };
    let office = Office::with(platform, services).await;
    office.says("ana", "incidents", "health").await;
    office.answers("incidents", 1).await;
    let shared = |office: &Office| office.chat().files().pop();
    let file = office.until("the whole answer as a file", shared).await;
    let whole = String::from_utf8(file).expect("it is text");
    for name in &names {
        assert!(whole.contains(name), "{whole}");
    }
    office.close().await;
}

async fn a_command_that_is_delivered_twice_runs_once(platform: Platform) {
    let office = Office::open(platform).await;
    let typed = Deed::Types { channel: "incidents", line: "health vm-service" };
    let twice = office.does("ana", typed);
    let (one, other) = tokio::join!(twice.deliver(), twice.deliver());
    let said = [one, other, twice.deliver().await];
    drop(twice);
    assert_eq!(said.iter().filter(|said| **said == follows()).count(), 1, "{said:?}");
    office.answers("incidents", 1).await;
    assert_eq!(office.ours("incidents").len(), 1);
    assert_eq!(office.recorded().await.len(), 2);
    office.close().await;
}
