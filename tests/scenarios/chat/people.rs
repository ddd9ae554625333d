//! Who is served.

use super::{Office, Platform, Said, on_every_platform};

on_every_platform!(
    only_members_are_served_and_everybody_else_is_recorded,
    incidents_are_shown_only_to_who_may_read_them,
);

async fn only_members_are_served_and_everybody_else_is_recorded(platform: Platform) {
    let office = Office::open(platform).await;
    let outsiders = office.chat().outsiders();
    let mut replies = String::new();
    for (user, channel) in outsiders {
        match office.says(user, channel, "health").await {
            Said::Privately(text) => replies += &format!("{user}: {text}\n"),
            said => panic!("{user}: {said:?}"),
        }
        assert!(office.ours(channel).is_empty(), "{user} was answered");
    }
    office.snapshot("not_served", &replies);
    assert_eq!(office.recorded().await, ["refused"].repeat(outsiders.len()));
    office.close().await;
}

async fn incidents_are_shown_only_to_who_may_read_them(platform: Platform) {
    let nobody = |text: String| text.replace("member_roles = [\"viewer\"]", "member_roles = []");
    let office = Office::with(platform, nobody).await;
    office.says("ana", "incidents", "incident declare high login hangs").await;
    let page = office.home("bo").await.text;
    assert!(page.contains("you may not run `incident list`"), "{page}");
    assert!(!page.contains("INC-") && !page.contains("login"), "{page}");
    assert!(office.home("ana").await.text.contains("login hangs"));
    let message = office.chat().writes("bo", "ops", "look here");
    office.quotes("bo", "ops", &message).await;
    let told = office.whisper("ops", "bo").await;
    assert!(told.contains("you may not run `incident list`"), "{told}");
    assert_eq!(office.chat().form("bo"), None, "no form names the incidents");
    office.close().await;
}
