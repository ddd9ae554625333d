//! A command that asks for a secret: by a form, which one person sees; and the secret is nowhere
//! afterwards.

use super::{Office, Platform, Said, on_discord, on_slack};

on_slack!(a_secret_is_asked_for_in_a_form, who_may_not_ask_is_not_asked, a_secret_in_a_line);
// Discord offers no place in the command for it.
on_discord!(a_secret_is_asked_for_in_a_form, who_may_not_ask_is_not_asked);

/// No JWT, and no pattern of secrets knows it.
const SECRET: &str = "plain-words-hunter2";

async fn guarded(platform: Platform) -> Office {
    let edit = |text: String| text.replace("roles = [\"operator\"]", "roles = [\"security\"]");
    Office::with(platform, edit).await
}

async fn nowhere(office: &Office) {
    let kept = office.timeline().await;
    let kept: Vec<String> = kept.into_iter().map(|entry| entry.body.to_string()).collect();
    assert!(!kept.join("\n").contains(SECRET), "{kept:?}");
    for room in office.chat().rooms() {
        for shown in office.ours(&room) {
            assert!(!shown.text.contains(SECRET), "{}", shown.text);
        }
    }
}

async fn a_secret_is_asked_for_in_a_form(platform: Platform) {
    let office = guarded(platform).await;
    office.says("ana", "incidents", "security token").await;
    office.form("ana").await;
    let sent = office.submits("ana", &[("value", SECRET)]).await;
    assert_eq!(sent, Ok(()));
    let told = |office: &Office| {
        let direct = office.chat().direct("ana").into_iter();
        let beside = office.chat().whispers("incidents", "ana").into_iter();
        direct.chain(beside).find(|shown| shown.text.contains("Suspect token"))
    };
    let told = office.until("the answer, to ana alone", told).await;
    assert!(told.text.contains("not a JWT") && !told.text.contains(SECRET), "{}", told.text);
    let aloud = office.ours("incidents").into_iter().map(|shown| shown.text);
    assert_eq!(aloud.collect::<Vec<_>>(), Vec::<String>::new(), "nobody else is told");
    nowhere(&office).await;
    office.close().await;
}

async fn a_secret_in_a_line(platform: Platform) {
    let office = guarded(platform).await;
    let said = office.says("ana", "incidents", &format!("security token {SECRET}")).await;
    let (Said::Privately(text) | Said::Publicly(text)) = said else { panic!("{said:?}") };
    assert!(text.contains("revoke it at once") && !text.contains(SECRET), "{text}");
    assert_eq!(office.chat().form("ana"), None);
    nowhere(&office).await;
    office.close().await;
}

async fn who_may_not_ask_is_not_asked(platform: Platform) {
    let office = guarded(platform).await;
    let refused = office.says("bo", "incidents", "security token").await;
    let (Said::Privately(text) | Said::Publicly(text)) = refused else { panic!("{refused:?}") };
    assert!(text.contains("may not"), "{text}");
    assert_eq!(office.chat().form("bo"), None);
    office.close().await;
}
