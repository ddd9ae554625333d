//! Incidents as threads of one channel.

use nova_sandbox::discord::Channel;

use crate::chat::{Office, Platform, on_discord};

on_discord!(an_incident_is_a_thread_where_it_is_configured);

async fn an_incident_is_a_thread_where_it_is_configured(platform: Platform) {
    let threads = |text: String| {
        let rooms = "incident_rooms = \"threads\"\nincidents_under = \"1300000000000000001\"\n\
                     archive_resolved = true\nmember_roles";
        text.replace("member_roles", rooms)
    };
    let office = Office::with(platform, threads).await;
    office.says("ana", "ops", "incident declare high login hangs").await;
    let thread = |office: &Office| {
        let all = office.discord().channels().into_iter();
        all.into_iter().find(Channel::is_thread).filter(|one| one.messages.iter().any(|m| m.pinned))
    };
    let thread = office.until("the thread with its pinned card", thread).await;
    assert_eq!(thread.parent.as_deref(), Some("1300000000000000001"));
    assert!(thread.name.contains("login"), "{}", thread.name);
    let ana = office.chat().id("ana");
    let put_in =
        |office: &Office| office.chat().room(&thread.id).members.contains(&ana).then_some(());
    office.until("ana in the thread", put_in).await;
    let card = office.answers(&thread.id, 1).await.remove(0);
    office.presses("ana", &card, "Acknowledge").await;
    let redrawn = |office: &Office| {
        let card = office.ours(&thread.id).into_iter().find(|shown| shown.id == card.id)?;
        card.text.contains("acknowledged").then_some(card)
    };
    let card = office.until("the card drawn anew", redrawn).await;
    // In its thread nobody has to say which incident, and the button asks before it ends it.
    office.presses("ana", &card, "Resolve").await;
    let archived = |office: &Office| office.chat().room(&thread.id).closed.then_some(());
    office.until("the thread archived", archived).await;
    office.close().await;
}
