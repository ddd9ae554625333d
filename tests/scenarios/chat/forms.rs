//! Forms, the home page, "Add to incident", and an incident's channel.

use super::{Call, Deed, Fault, Office, Platform, Shown, on_every_platform};

on_every_platform!(
    an_incident_by_form_has_its_channel,
    a_form_says_what_is_wrong_where_it_is_wrong,
    a_message_is_added_to_an_incident,
    an_incident_that_is_over_before_its_channel_stands_leaves_none_open,
    the_home_page_shows_what_is_open,
    an_incident_outlives_its_channel,
    a_card_that_was_deleted_is_posted_again_once,
);

/// Declares a critical incident by the form of ana's home page and gives its channel's name.
async fn declare(office: &Office, impact: &str) -> String {
    let page = office.home("ana").await;
    office.presses("ana", &page, "Declare an incident").await;
    office.form("ana").await;
    let sent = office.submits("ana", &[("severity", "critical"), ("impact", impact)]).await;
    assert_eq!(sent, Ok(()));
    let made =
        |office: &Office| office.chat().rooms().into_iter().find(|name| name.starts_with("inc-"));
    office.until("the incident's channel", made).await
}

async fn pinned(office: &Office, room: &str) {
    let look = |office: &Office| (office.chat().room(room).pins > 0).then_some(());
    office.until("the pinned card", look).await;
}

async fn an_incident_by_form_has_its_channel(platform: Platform) {
    let office = Office::open(platform).await;
    let room = declare(&office, "VMs in us-east do not start <!channel>").await;
    let with_room =
        |office: &Office| office.ours(&room).into_iter().find(|shown| shown.text.contains("room"));
    let card = office.until("the card with its room", with_room).await;
    pinned(&office, &room).await;
    office.snapshot("incident_card", &card.text);
    let channel = office.chat().room(&room);
    assert!(channel.topic.contains("INC-1"), "{}", channel.topic);
    assert!(channel.members.contains(&office.chat().id("ana")), "{:?}", channel.members);
    office.presses("ana", &card, "Acknowledge").await;
    let redrawn = |office: &Office| {
        let card = office.ours(&room).into_iter().find(|shown| shown.id == card.id)?;
        card.text.contains("acknowledged").then_some(())
    };
    office.until("the card drawn anew", redrawn).await;
    office.close().await;
}

async fn a_form_says_what_is_wrong_where_it_is_wrong(platform: Platform) {
    let people = |text: String| text.replace("roles = [\"operator\"]", "roles = [\"viewer\"]");
    let office = Office::with(platform, people).await;
    let page = office.home("ana").await;
    office.presses("ana", &page, "Declare an incident").await;
    let form = office.form("ana").await;
    let sent = office.submits("ana", &[("severity", "critical"), ("impact", "it is down")]).await;
    let wrong = sent.expect_err("a viewer may not");
    assert!(wrong["impact"].contains("you may not run `incident declare`"), "{wrong:?}");
    let stays = office.chat().keeps_wrong_forms();
    assert_eq!(office.chat().form("ana"), stays.then_some(form), "the form stays open");
    office.close().await;
}

async fn a_message_is_added_to_an_incident(platform: Platform) {
    let office = Office::open(platform).await;
    let message = office.chat().writes("bo", "incidents", "disk full on node-3 <!here>");
    office.quotes("ana", "incidents", &message).await;
    let told = office.whisper("incidents", "ana").await;
    assert!(told.contains("no incident is open"), "{told}");
    declare(&office, "disks fill up").await;
    office.quotes("ana", "incidents", &message).await;
    office.form("ana").await;
    assert_eq!(office.submits("ana", &[("text", "the cause?")]).await, Ok(()));
    let noted = async |office: &Office| {
        office.timeline().await.into_iter().find(|entry| entry.kind.as_str() == "note")
    };
    let note = office.until_kept("the note on the timeline", noted).await.body.to_string();
    for part in ["the cause?", "disk full on node-3", &office.chat().link("incidents")] {
        assert!(note.contains(part), "{part} in {note}");
    }
    office.close().await;
}

async fn the_home_page_shows_what_is_open(platform: Platform) {
    let office = Office::open(platform).await;
    let before = office.home("bo").await;
    declare(&office, "VMs do not start").await;
    let page = office.home("bo").await;
    office.snapshot("home", &format!("{}\n\n{}", before.text, page.text));
    office.presses("bo", &page, "Health").await;
    // Where the page is: in a channel, or with bo alone.
    let answered = |office: &Office| {
        let there = match &page.channel {
            Some(channel) => office.ours(channel),
            None => office.chat().direct("bo"),
        };
        there.into_iter().find(|shown| shown.text.contains("NovaCron"))
    };
    office.until("the answer", answered).await;
    let guest = office.home("gus").await.text;
    assert!(guest.contains("guests cannot use nova") && !guest.contains("INC-"), "{guest}");
    office.close().await;
}

async fn an_incident_outlives_its_channel(platform: Platform) {
    let office = Office::open(platform).await;
    let room = declare(&office, "VMs do not start").await;
    let card = office.answers(&room, 1).await.remove(0);
    let press = office.does("ana", Deed::Presses { on: &card, label: "Acknowledge" });
    office.does("ana", Deed::Closes { channel: &room }).deliver().await;
    press.deliver().await;
    drop(press);
    let told = |office: &Office| {
        let seen = office.driver.messages("ops").into_iter().map(|shown| shown.text);
        seen.into_iter().find(|text| text.contains("acknowledged"))
    };
    let told = office.until("the card in the fallback channel", told).await;
    assert!(told.contains("INC-1") && told.contains("This was meant for"), "{told}");
    office.close().await;
}

async fn a_card_that_was_deleted_is_posted_again_once(platform: Platform) {
    let office = Office::open(platform).await;
    let room = declare(&office, "VMs do not start").await;
    office.answers(&room, 1).await;
    pinned(&office, &room).await;
    office.fault(Call::Update, Some(&room), 1, Fault::Gone);
    office.says("ana", "ops", "incident note --incident 1 first").await;
    let second = |office: &Office| office.ours(&room).get(1).cloned();
    let again: Shown = office.until("a second card", second).await;
    let kept =
        async |office: &Office| office.card(1).await.filter(|card| *card == again.id).map(drop);
    office.until_kept("nova remembering the new card", kept).await;
    office.says("ana", "ops", "incident note --incident 1 afterwards").await;
    let drawn =
        |office: &Office| office.ours(&room).last()?.text.contains("afterwards").then_some(());
    office.until("the next state, drawn there", drawn).await;
    assert_eq!(office.ours(&room).len(), 2, "and on no third card");
    office.close().await;
}

async fn an_incident_that_is_over_before_its_channel_stands_leaves_none_open(platform: Platform) {
    let archives =
        |text: String| text.replace("member_roles", "archive_resolved = true\nmember_roles");
    let office = Office::with(platform, archives).await;
    office.fault(Call::SetTopic, None, 1, Fault::Hang);
    office.says("ana", "incidents", "incident declare low a typo").await;
    let room = "inc-1-a-typo";
    let begun = |office: &Office| office.chat().rooms().iter().any(|name| name == room);
    office.until("the channel", |office| begun(office).then_some(())).await;
    office.says("ana", "incidents", "incident resolve 1").await;
    office.chat().clear_faults();
    let archived = |office: &Office| office.chat().room(room).closed.then_some(());
    office.until("the channel archived", archived).await;
    office.close().await;
}
