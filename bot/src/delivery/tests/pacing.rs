//! How fast things go out, and who waits for whom.

use futures_util::future::join_all;
use tokio::time::interval;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_updates_in_a_second_become_one_a_second_and_the_last_is_shown() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let at = script.seed("C1", "card");
    let mut ticks = interval(Duration::from_millis(1));
    for number in 1..=1_000 {
        ticks.tick().await;
        delivery.update(&chat, &at, working(format!("{number} of 1000"))).unwrap();
    }
    delivery.settled(&at).await.unwrap();
    assert_eq!(script.headlines("C1"), ["1000 of 1000"]);
    assert_eq!(script.seconds(Op::Update), [0.0, 1.0], "one at once, the newest a second later");
    assert_eq!(delivery.counts().collapsed, 998);
    finish(&delivery, 1_000).await;
}

#[tokio::test(start_paused = true)]
async fn posts_keep_their_order_and_the_pace() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    script.plan(Op::Post, "C1", [Does::It, Does::Down, Does::It, Does::ItSilently, Does::Limit(7)]);
    let to = conversation("C1");
    let texts: Vec<String> = (0..8).map(|number| format!("post {number}")).collect();
    let posts = texts.iter().map(|text| delivery.post(&chat, &to, info(text)));
    for posted in join_all(posts).await {
        posted.unwrap();
    }
    assert_eq!(script.headlines("C1"), texts);
    let times = script.seconds(Op::Post);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 1.0), "{times:?}");
    finish(&delivery, 8).await;
}

#[tokio::test(start_paused = true)]
async fn a_thread_goes_at_the_pace_of_its_channel() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let places = ["C1", "C1/1.000001", "C1/2.000002", "C1"].map(conversation);
    let posts = places.iter().map(|to| delivery.post(&chat, to, info("hello")));
    for (posted, to) in join_all(posts).await.into_iter().zip(&places) {
        assert_eq!(posted.unwrap().conversation, *to);
    }
    let times = script.seconds(Op::Post);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 1.0), "{times:?}");
    finish(&delivery, 4).await;
}

#[tokio::test(start_paused = true)]
async fn only_the_limited_conversation_waits() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    script.plan(Op::Post, "C1", [Does::Limit(30)]);
    let (limited, free) = (conversation("C1"), conversation("C2"));
    let waits = delivery.post(&chat, &limited, info("waits"));
    let goes = async {
        for number in 0..5 {
            delivery.post(&chat, &free, info(format!("{number}"))).await.unwrap();
        }
        script.start.elapsed()
    };
    let (waited, went) = tokio::join!(waits, goes);
    waited.unwrap();
    assert!(went < Duration::from_secs(5), "{went:?}");
    let waited = script.start.elapsed().as_secs_f64();
    assert!((30.0..34.0).contains(&waited), "{waited}");
    finish(&delivery, 6).await;
}

#[tokio::test(start_paused = true)]
async fn the_pause_a_platform_asks_for_holds_for_posts_and_updates_and_is_capped() {
    let script = Script::fast();
    let (delivery, chat) = start(&script);
    let at = script.seed("C1", "card");
    script.plan(Op::Update, "C1", [Does::Limit(86_400)]);
    delivery.update(&chat, &at, info("later")).unwrap();
    until("the first attempt", || script.seconds(Op::Update) == [0.0]).await;
    delivery.post(&chat, &conversation("C1"), info("post")).await.unwrap();
    assert_eq!(script.seconds(Op::Post), [60.0]);
    delivery.settled(&at).await.unwrap();
    assert_eq!(script.seconds(Op::Update).len(), 2);
    finish(&delivery, 2).await;
}

#[tokio::test(start_paused = true)]
async fn updates_share_the_platforms_budget_and_posts_do_not() {
    let pace = Pace { updates: Duration::from_secs(2), burst: 3, ..Pace::default() };
    let script = Script::new(pace);
    let (delivery, chat) = start(&script);
    let cards: Vec<_> = (0..6).map(|n| script.seed(&format!("C{n}"), "card")).collect();
    for at in &cards {
        delivery.update(&chat, at, info("new")).unwrap();
    }
    delivery.post(&chat, &conversation("C5"), info("a post")).await.unwrap();
    assert_eq!(script.start.elapsed(), Duration::ZERO, "the post waited for updates");
    for at in &cards {
        delivery.settled(at).await.unwrap();
    }
    assert_eq!(script.seconds(Op::Update), [0.0, 0.0, 0.0, 2.0, 4.0, 6.0]);
    finish(&delivery, 7).await;
}

#[tokio::test(start_paused = true)]
async fn posts_go_before_updates() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let at = script.seed("C1", "card");
    let to = conversation("C1");
    delivery.post(&chat, &to, info("first")).await.unwrap();
    delivery.update(&chat, &at, info("update")).unwrap();
    let posts = ["second", "third"].map(|text| delivery.post(&chat, &to, info(text)));
    join_all(posts).await;
    delivery.settled(&at).await.unwrap();
    let order: Vec<String> = script.came().into_iter().map(|came| came.text).collect();
    assert_eq!(order, ["first", "second", "third", "update"]);
    finish(&delivery, 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_ended_is_made_again_and_keeps_the_pace() {
    let pace = Pace { conversation: Duration::from_secs(45), ..Pace::default() };
    let script = Script::new(pace);
    let (delivery, chat) = start(&script);
    let to = conversation("C1");
    delivery.post(&chat, &to, info("one")).await.unwrap();
    // Longer than a lane lingers, but not than its pace.
    for _ in 0..40 {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    delivery.post(&chat, &to, info("two")).await.unwrap();
    tokio::time::advance(Duration::from_secs(1_000)).await;
    delivery.post(&chat, &to, info("three")).await.unwrap();
    assert_eq!(script.seconds(Op::Post), [0.0, 45.0, 1_045.0]);
    finish(&delivery, 3).await;
}
