//! What every conversation leaves on the timeline.

use nova::store::{Kind, Verification};
use nova_permissions::Role;
use tokio::sync::watch;

use crate::support::{Nova, install_tls, stable};

#[tokio::test]
async fn every_invocation_and_its_outcome_stand_on_an_intact_timeline() {
    let mut nova = Nova::start().await;
    nova.sandbox("break vm-service refused").await;
    for line in ["health vm-service", "helth", "help", "scale vm-service --replicas 3"] {
        nova.say(line).await;
    }
    let rows: Vec<String> = nova
        .timeline()
        .await
        .iter()
        .map(|entry| {
            format!("{} {} {} {}", entry.seq, entry.kind.as_str(), entry.actor, entry.body)
        })
        .collect();
    stable(|| insta::assert_snapshot!(rows.join("\n")));
    let verified = nova.store.verify(None).await.expect("the store answers");
    assert!(matches!(verified, Verification::Intact { .. }), "{verified:?}");
}

#[tokio::test]
async fn a_second_delivery_is_answered_once() {
    let mut nova = Nova::start().await;
    let invocation = nova.invocation("health");
    let (first, _) = nova.deliver(&invocation).await;
    assert_eq!(first.exit as u8, 0);
    for _ in 0..5 {
        let (_, shown) = nova.deliver(&invocation).await;
        assert!(shown.contains("already"), "{shown}");
    }
    assert_eq!(nova.timeline().await.len(), 2);
}

#[tokio::test]
async fn secrets_in_a_line_are_not_kept() {
    let mut nova = Nova::start().await;
    let secrets = ["hunter2xyz", "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"];
    let [password, key, token] = secrets;
    let replies = [
        nova.say(&format!("health password={password}")).await,
        nova.say(&format!("health {key}")).await,
        nova.say(&format!("health --cluster {token}")).await,
        nova.say(&format!("postgres://nova:{password}@db/x")).await,
    ];
    let kept: String = nova.timeline().await.iter().map(|entry| entry.body.to_string()).collect();
    for secret in secrets {
        assert!(!kept.contains(secret), "on the timeline: {secret}");
        assert!(!replies.concat().contains(secret), "in a reply: {secret}");
    }
}

#[tokio::test]
async fn without_a_role_nothing_is_shown() {
    let mut nova = Nova::start().await;
    nova.speaker.roles = Vec::new();
    let refused = nova.say("health").await;
    nova.speaker.roles = vec![Role::Viewer];
    let viewer = nova.say("health vm-service").await;
    assert!(viewer.ends_with("exit 0\n"), "{viewer}");
    nova.speaker.roles = Vec::new();
    let who = nova.say("whoami").await;
    stable(|| insta::assert_snapshot!(format!("{refused}{who}")));
    assert_eq!(nova.timeline().await[0].kind, Kind::Refused);
}

#[tokio::test]
async fn a_cancelled_command_ends_and_is_recorded() {
    let mut nova = Nova::start().await;
    nova.sandbox("break vm-service hanging").await;
    let invocation = nova.invocation("health vm-service");
    let (progress, _) = watch::channel(nova_commands::command::Step::default());
    let answer = nova.engine.answer(&invocation, &progress, async {}).await;
    assert_eq!(answer.message.headline, "cancelled");
    assert_eq!(nova.timeline().await[1].kind, Kind::Refused);
}

#[tokio::test]
async fn a_diagnostic_is_answered_without_a_store_and_says_so() {
    install_tls();
    let mut nova = Nova::start().await;
    nova.store.clone().close().await;
    let reply = nova.say("health vm-service").await;
    assert!(reply.contains("vm-service") && reply.contains("not on the timeline: "), "{reply}");
    assert!(reply.ends_with("exit 0\n"), "the answer itself is there: {reply}");
}
