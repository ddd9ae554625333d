//! Limits, faults and the end.

use futures_util::future::join_all;

use super::super::failures::KEPT;
use super::*;

fn small(script: &Arc<Script>) -> (Delivery, Arc<dyn Chat>) {
    let chat: Arc<dyn Chat> = Arc::clone(script) as _;
    (Delivery::new(DeliveryOptions { lanes: 2, posts: 3, updates: 2, ..options() }), chat)
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_bounded_and_the_rest_is_refused_clearly() {
    let script = Script::paced();
    let (delivery, chat) = small(&script);
    let to = conversation("C1");
    let posts = (0..5).map(|number| delivery.post(&chat, &to, info(format!("{number}"))));
    let posted = join_all(posts).await;
    let refused: Vec<String> =
        posted.into_iter().filter_map(|posted| Some(posted.err()?.to_string())).collect();
    let expected = "the platform refused the message: \
                    3 messages are waiting for C1 already, which is nova's limit";
    assert_eq!(refused, [expected; 2]);

    let cards = ["a", "b", "c"].map(|text| script.seed("C2", text));
    for (index, at) in cards.iter().chain(&cards).enumerate() {
        let taken = delivery.update(&chat, at, info("new"));
        assert_eq!(taken.is_err(), index % 3 == 2, "{index}: {taken:?}");
    }
    let crowded = delivery.post(&chat, &conversation("C3"), info("x")).await.unwrap_err();
    let text = "nova is sending to 2 conversations already, which is its limit";
    assert!(crowded.to_string().ends_with(text), "{crowded}");
    // Lanes that had nothing to do for a while make room.
    for at in &cards[..2] {
        delivery.settled(at).await.unwrap();
    }
    tokio::time::advance(Duration::from_secs(31)).await;
    until("the end of the lanes", || Arc::strong_count(&delivery.lanes) == 1).await;
    delivery.post(&chat, &conversation("C3"), info("x")).await.unwrap();
    finish(&delivery, 5 + 6 + 2).await;
}

#[tokio::test(start_paused = true)]
async fn failures_that_nobody_asks_about_do_not_pile_up() {
    let script = Script::fast();
    let (delivery, chat) = small(&script);
    script.plan(Op::Update, "C1", [Does::Gone; KEPT + 2]);
    let cards: Vec<_> = (0..KEPT + 2).map(|_| script.seed("C1", "card")).collect();
    for at in &cards {
        delivery.update(&chat, at, info("new")).unwrap();
        until("the attempt", || delivery.counts().waiting == 0).await;
    }
    // Longer than their lane stays.
    tokio::time::advance(Duration::from_secs(1_000)).await;
    for (index, at) in cards.iter().enumerate() {
        let settled = delivery.settled(at).await;
        assert_eq!(settled.is_err(), index >= 2, "{index}: only the oldest are forgotten");
    }
    finish(&delivery, KEPT as u64 + 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_or_a_hang_of_a_client_ends_no_lane() {
    struct Broken(Arc<Script>);
    impl Chat for Broken {
        fn platform(&self) -> Platform {
            Platform::Slack
        }
        fn pace(&self) -> Pace {
            panic!("no pace")
        }
        fn post<'a>(
            &'a self,
            _: &'a Conversation,
            _: &'a Message,
            _: &'a str,
        ) -> BoxFuture<'a, Result<MessageRef, ChatError>> {
            panic!("before there is a future")
        }
        fn update<'a>(
            &'a self,
            _: &'a MessageRef,
            _: &'a Message,
        ) -> BoxFuture<'a, Result<(), ChatError>> {
            std::future::pending().boxed()
        }
        fn find<'a>(
            &'a self,
            to: &'a Conversation,
            key: &'a str,
        ) -> BoxFuture<'a, Result<Option<MessageRef>, ChatError>> {
            self.0.find(to, key)
        }
        fn files(&self, _: &Message) -> Vec<Attachment> {
            panic!("no files")
        }
        fn attach<'a>(
            &'a self,
            at: &'a MessageRef,
            file: &'a Attachment,
        ) -> BoxFuture<'a, Result<(), ChatError>> {
            self.0.attach(at, file)
        }
    }
    let script = Script::fast();
    let (delivery, sound) = start(&script);
    let broken: Arc<dyn Chat> = Arc::new(Broken(Arc::clone(&script)));
    let to = conversation("C1");
    let error = delivery.post(&broken, &to, info("x")).await.unwrap_err();
    assert!(matches!(error, ChatError::Unanswered(_)), "{error:?}");
    let at = delivery.post(&sound, &to, info("sound")).await.unwrap();
    delivery.update(&broken, &at, info("hangs")).unwrap();
    let error = delivery.settled(&at).await.unwrap_err();
    assert!(matches!(error, ChatError::Unanswered(_)), "{error:?}");
    delivery.update(&sound, &at, info("sound again")).unwrap();
    delivery.settled(&at).await.unwrap();
    assert_eq!(script.headlines("C1"), ["sound again"]);
    finish(&delivery, 4).await;
}

#[tokio::test(start_paused = true)]
async fn closing_sends_what_waits_and_takes_on_nothing_more() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    script.plan(Op::Post, "C1", [Does::It, Does::Limit(5), Does::Gone]);
    let at = script.seed("C1", "card");
    let to = conversation("C1");
    let posts = async { join_all((0..4).map(|_| delivery.post(&chat, &to, info("x")))).await };
    let closing = async {
        delivery.update(&chat, &at, info("new")).unwrap();
        until("the first attempt", || !script.came().is_empty()).await;
        delivery.close(Duration::from_secs(60)).await
    };
    let (posted, left) = tokio::join!(posts, closing);
    assert_eq!(left, 0);
    assert!(posted.iter().all(Result::is_ok), "{posted:?}");
    assert_eq!(script.headlines("F1").len(), 1, "the fallback is used while closing");
    assert_eq!(script.headlines("C1"), ["new", "x", "x", "x"]);
    let late = delivery.post(&chat, &to, info("late")).await.unwrap_err().to_string();
    assert!(late.ends_with("nova is stopping and takes on nothing more"), "{late}");
    assert!(delivery.update(&chat, &at, info("late")).is_err());
    finish(&delivery, 7).await;
}

#[tokio::test(start_paused = true)]
async fn closing_is_bounded_and_says_what_was_left() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    script.plan(Op::Post, "C1", [Does::Hang]);
    let (card, stuck) = (script.seed("C1", "card"), conversation("C1"));
    delivery.update(&chat, &card, info("new")).unwrap();
    let (first, second, settled, left) = tokio::join!(
        delivery.post(&chat, &stuck, info("hangs")),
        delivery.post(&chat, &stuck, info("behind it")),
        delivery.settled(&card),
        async {
            delivery.post(&chat, &conversation("C2"), info("goes out")).await.unwrap();
            delivery.close(Duration::from_secs(5)).await
        },
    );
    assert_eq!(left, 3);
    assert_eq!(script.start.elapsed(), Duration::from_secs(5));
    for error in [first.map(drop), second.map(drop), settled] {
        let text = error.unwrap_err().to_string();
        assert!(text.ends_with("it was still waiting when nova stopped sending"), "{text}");
    }
    finish(&delivery, 4).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_ends_the_lanes() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    delivery.post(&chat, &conversation("C1"), info("x")).await.unwrap();
    drop(chat);
    let lanes = Arc::downgrade(&delivery.lanes);
    drop(delivery);
    until("the end of the lane", || lanes.strong_count() == 0).await;
    assert_eq!(Arc::strong_count(&script), 1);
}

#[test]
fn a_runtime_that_is_gone_hangs_nobody() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (script, delivery, chat) = runtime.block_on(async {
        let script = Script::fast();
        let (delivery, chat) = start(&script);
        (script, delivery, chat)
    });
    drop(runtime);
    let at = script.seed("C1", "card");
    delivery.update(&chat, &at, info("new")).unwrap();
    let settled = delivery.settled(&at).now_or_never();
    assert!(settled.is_some_and(|settled| settled.is_ok()), "it waits for a task that never runs");
    assert_eq!(delivery.counts().failed, 1);
}
