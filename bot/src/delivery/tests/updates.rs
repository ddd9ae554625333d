//! What becomes of the wanted state of a message.

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_wanted_is_settled() {
    let script = Script::paced();
    let (delivery, _) = start(&script);
    delivery.settled(&script.seed("C1", "card")).await.unwrap();
    finish(&delivery, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_simply_repeated() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let at = script.seed("C1", "card");
    let plan = [Does::ItSilently, Does::Down, Does::Panic, Does::NothingSilently, Does::Limit(3)];
    script.plan(Op::Update, "C1", plan);
    delivery.update(&chat, &at, info("new")).unwrap();
    delivery.settled(&at).await.unwrap();
    assert_eq!(script.headlines("C1"), ["new"]);
    assert_eq!(delivery.counts().retried, 5);
    assert!(script.seconds(Op::Find).is_empty());
    finish(&delivery, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_shows_what_is_newest_by_then() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let at = script.seed("C1", "card");
    script.plan(Op::Update, "C1", [Does::Down, Does::Limit(5)]);
    delivery.update(&chat, &at, info("old")).unwrap();
    let newer = async {
        tokio::task::yield_now().await;
        delivery.update(&chat, &at, info("new")).unwrap();
    };
    let (settled, ()) = tokio::join!(delivery.settled(&at), newer);
    settled.unwrap();
    assert_eq!(script.headlines("C1"), ["new"]);
    finish(&delivery, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_state_on_its_way_does_not_settle_a_newer_one() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let at = script.seed("C1", "card");
    script.plan(Op::Update, "C1", [Does::Late(5), Does::Late(5)]);
    delivery.update(&chat, &at, info("old")).unwrap();
    until("the attempt", || script.came().len() == 1).await;
    let old = delivery.settled(&at);
    let new = async {
        delivery.update(&chat, &at, info("new")).unwrap();
        delivery.settled(&at).await.unwrap();
        (script.headlines("C1"), script.start.elapsed().as_secs())
    };
    let (old, new) = tokio::join!(async { (old.await, script.start.elapsed().as_secs()) }, new);
    assert!(matches!(old, (Ok(()), 5)), "{old:?}");
    assert_eq!(new, (vec!["new".to_owned()], 10));
    finish(&delivery, 2).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_shown_is_told_to_each_who_waits() {
    let plans: [(&[Does], &str); 3] = [
        (&[Does::Gone], "the conversation or the message is gone"),
        (&[Does::Refuse], "the platform refused the message: no"),
        (&[Does::Down; 100], "the platform cannot be reached"),
    ];
    for (plan, expected) in plans {
        let script = Script::paced();
        let (delivery, chat) = start(&script);
        let at = script.seed("C1", "card");
        script.plan(Op::Update, "C1", plan.iter().copied());
        delivery.update(&chat, &at, info("new")).unwrap();
        let (one, other) = tokio::join!(delivery.settled(&at), delivery.settled(&at));
        for settled in [one, other] {
            assert_eq!(settled.unwrap_err().to_string(), expected);
        }
        assert!(script.seconds(Op::Update).len() <= 8);
        assert!(script.headlines("F1").is_empty(), "an update has no fallback");
        finish(&delivery, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_kept_until_somebody_asks_or_wants_something_new() {
    let script = Script::fast();
    let (delivery, chat) = start(&script);
    let at = script.seed("C1", "card");
    script.plan(Op::Update, "C1", [Does::Gone, Does::Gone]);
    let pass = async || {
        delivery.update(&chat, &at, info("new")).unwrap();
        until("the attempt", || delivery.counts().waiting == 0).await;
    };
    pass().await;
    assert!(matches!(delivery.settled(&at).await, Err(ChatError::Gone)));
    delivery.settled(&at).await.unwrap();
    pass().await;
    pass().await;
    delivery.settled(&at).await.unwrap();
    assert_eq!(script.headlines("C1"), ["new"]);
    finish(&delivery, 3).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_refused_state_a_newer_one_has_its_chance() {
    let pace = Pace { conversation: Duration::from_secs(1), ..Pace::default() };
    let script = Script::new(pace);
    let (delivery, chat) = start(&script);
    let at = script.seed("C1", "card");
    script.plan(Op::Update, "C1", [Does::Hang, Does::Refuse]);
    delivery.update(&chat, &at, info("hangs")).unwrap();
    until("the attempt that hangs", || script.came().len() == 1).await;
    delivery.update(&chat, &at, info("refused")).unwrap();
    tokio::time::advance(DeliveryOptions::default().call).await;
    until("the end of the hanging", || delivery.counts().retried == 1).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    until("the attempt that is refused", || script.came().len() == 2).await;
    delivery.update(&chat, &at, info("fine")).unwrap();
    delivery.settled(&at).await.unwrap();
    assert_eq!(script.headlines("C1"), ["fine"]);
    finish(&delivery, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_chat_through_delivery_waits_for_the_final_state_only() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let through = delivery.through(chat);
    let at = through.post(&conversation("C1"), &working("0 of 9"), "").await.unwrap();
    for number in 1..9 {
        through.update(&at, &working(format!("{number} of 9"))).await.unwrap();
    }
    assert_eq!(script.start.elapsed(), Duration::ZERO, "progress was waited for");
    through.update(&at, &info("answer")).await.unwrap();
    assert_eq!(script.headlines("C1"), ["answer"]);
    script.plan(Op::Update, "C1", [Does::Gone]);
    let gone = through.update(&at, &info("too late")).await;
    assert!(matches!(gone, Err(ChatError::Gone)), "{gone:?}");
    finish(&delivery, 11).await;
}
