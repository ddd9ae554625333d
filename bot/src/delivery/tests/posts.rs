//! What becomes of a post when something goes wrong.

use nova_adapters::message::Content;

use super::*;

/// Posts "hello" into C1 with this plan, and gives what came of it.
async fn hello(script: &Arc<Script>) -> Result<MessageRef, ChatError> {
    let (delivery, chat) = start(script);
    let posted = delivery.post(&chat, &conversation("C1"), info("hello")).await;
    finish(&delivery, 1).await;
    posted
}

fn footers(script: &Script, to: &str) -> Vec<Option<String>> {
    script.standing(to).into_iter().map(|standing| standing.message.footer).collect()
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_again() {
    let script = Script::paced();
    script.plan(Op::Post, "C1", [Does::ItSilently]);
    script.plan(Op::Find, "C1", [Does::Down, Does::Limit(3), Does::NothingSilently]);
    let at = hello(&script).await.unwrap();
    assert_eq!(at, script.standing("C1")[0].at);
    assert_eq!(footers(&script, "C1"), [None], "one, and not marked");
    assert_eq!(script.seconds(Op::Find).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_posted_again_with_the_same_key() {
    let script = Script::paced();
    script.plan(Op::Post, "C1", [Does::NothingSilently, Does::Panic, Does::Hang]);
    hello(&script).await.unwrap();
    assert_eq!(footers(&script, "C1"), [None]);
    let looked: Vec<_> = script.came().into_iter().filter(|came| came.op == Op::Find).collect();
    assert_eq!(looked.len(), 3);
    let key = &script.standing("C1")[0].key;
    assert!(looked.iter().all(|look| look.text == *key), "{looked:?}");
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_tell_the_second_one_is_marked() {
    for does in [Does::ItSilently, Does::ItAndPanic] {
        let script = Script::paced();
        script.plan(Op::Post, "C1", [does]).plan(Op::Find, "C1", [Does::Refuse]);
        hello(&script).await.unwrap();
        let footers = footers(&script, "C1");
        assert_eq!(footers[0], None);
        let marked = footers[1].as_deref().unwrap();
        assert_eq!(marked, "possible duplicate: the platform did not answer the first time");
        assert_eq!(footers.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_no_third_one() {
    let script = Script::paced();
    script.plan(Op::Post, "C1", [Does::ItSilently, Does::Limit(2), Does::Down, Does::ItSilently]);
    script.plan(Op::Find, "C1", [Does::Refuse, Does::Refuse]);
    let error = hello(&script).await.unwrap_err();
    assert!(matches!(error, ChatError::Unanswered(_)), "{error:?}");
    assert_eq!(footers(&script, "C1").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_stays_down_is_given_up_in_time() {
    let script = Script::paced();
    script.plan(Op::Post, "C1", [Does::Down; 100]);
    let error = hello(&script).await.unwrap_err();
    assert!(matches!(error, ChatError::Unavailable(_)), "{error:?}");
    let times = script.seconds(Op::Post);
    assert_eq!(times.len(), 8, "{times:?}");
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps[6] > 3.0 * gaps[1], "it does not back off: {gaps:?}");

    let script = Script::paced();
    script.plan(Op::Post, "C1", [Does::Limit(50); 100]);
    let error = hello(&script).await.unwrap_err();
    assert!(matches!(error, ChatError::RateLimited { .. }), "{error:?}");
    assert!(script.seconds(Op::Post).last().unwrap() <= &300.0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_post_is_not_repeated() {
    let script = Script::paced();
    script.plan(Op::Post, "C1", [Does::Refuse]);
    let error = hello(&script).await.unwrap_err();
    assert_eq!(error.to_string(), "the platform refused the message: no");
    assert_eq!(script.came().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn from_a_conversation_that_is_gone_it_goes_to_the_fallback_and_says_so() {
    let script = Script::paced();
    script.plan(Op::Post, "C1", [Does::Gone]).plan(Op::Post, "F1", [Does::Limit(5)]);
    let at = hello(&script).await.unwrap();
    assert_eq!(at.conversation.id, "F1");
    assert_eq!(script.headlines("F1"), ["hello"]);
    let sections = script.standing("F1")[0].message.sections.clone();
    let line = "This was meant for C1, which is gone or has removed nova.";
    assert_eq!(sections[0].content, Content::Text(line.into()));
    assert_eq!(sections.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_fallback_that_is_there_it_is_gone() {
    let script = Script::paced();
    script.plan(Op::Post, "C1", [Does::Gone]).plan(Op::Post, "F1", [Does::Gone]);
    assert!(matches!(hello(&script).await.unwrap_err(), ChatError::Gone));
    assert_eq!(script.came().len(), 2, "each is tried once");

    let script = Script::paced();
    script.plan(Op::Post, "C1", [Does::Gone]);
    let chat: Arc<dyn Chat> = Arc::clone(&script) as _;
    let delivery = Delivery::new(DeliveryOptions::default());
    let error = delivery.post(&chat, &conversation("C1"), info("hello")).await.unwrap_err();
    assert!(matches!(error, ChatError::Gone), "{error:?}");
    finish(&delivery, 1).await;
}

#[tokio::test(start_paused = true)]
async fn every_post_has_a_key_of_its_own() {
    let script = Script::fast();
    let (delivery, chat) = start(&script);
    for _ in 0..100 {
        delivery.post(&chat, &conversation("C1"), info("same")).await.unwrap();
    }
    let mut keys: Vec<String> = script.standing("C1").into_iter().map(|s| s.key).collect();
    assert!(keys.iter().all(|key| key.len() == 24 && key.is_ascii()), "{keys:?}");
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 100);
    finish(&delivery, 100).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_went_away_does_not_take_the_post_along() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let to = conversation("C1");
    delivery.post(&chat, &to, info("first")).await.unwrap();
    let short = Duration::from_millis(10);
    let left = tokio::time::timeout(short, delivery.post(&chat, &to, info("second"))).await;
    assert!(left.is_err(), "it did not keep the pace");
    finish(&delivery, 2).await;
    assert_eq!(script.headlines("C1"), ["first", "second"]);
}
