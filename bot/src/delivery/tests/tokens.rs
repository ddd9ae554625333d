//! A token that is turned down, and a new one.

use super::*;

/// For `seconds` of looking for a new token twice a second.
fn revoked(seconds: usize) -> Vec<Does> {
    vec![Does::Revoked; 2 * seconds]
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_the_token_is_revoked_goes_out_with_the_next_one() {
    let script = Script::fast();
    let (delivery, chat) = start(&script);
    let at = script.seed("C2", "card");
    script.plan(Op::Post, "C1", revoked(10)).plan(Op::Update, "C2", revoked(10));
    script.plan(Op::Find, "C3", revoked(10)).plan(Op::Post, "C3", [Does::NothingSilently]);
    delivery.update(&chat, &at, info("new")).unwrap();
    let [one, three] = ["C1", "C3"].map(conversation);
    let (first, second, looked_for, settled) = tokio::join!(
        delivery.post(&chat, &one, info("first")),
        delivery.post(&chat, &one, info("second")),
        delivery.post(&chat, &three, info("looked for")),
        delivery.settled(&at),
    );
    for posted in [first, second, looked_for] {
        posted.unwrap();
    }
    settled.unwrap();
    assert_eq!(script.headlines("C1"), ["first", "second"]);
    assert_eq!((script.headlines("C2"), script.headlines("C3").len()), (vec!["new".to_owned()], 1));
    finish(&delivery, 4).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_new_token_in_time_everything_fails_and_later_things_at_once() {
    let script = Script::fast();
    let (delivery, chat) = start(&script);
    let at = script.seed("C2", "card");
    script.plan(Op::Post, "C1", revoked(100)).plan(Op::Post, "C2", [Does::Limit(60)]);
    let [one, two] = ["C1", "C2"].map(conversation);
    delivery.update(&chat, &at, info("new")).unwrap();
    let (told, behind, paused, settled) = tokio::join!(
        delivery.post(&chat, &one, info("is told")),
        delivery.post(&chat, &one, info("behind it")),
        delivery.post(&chat, &two, info("in its pause")),
        delivery.settled(&at),
    );
    for error in [told, behind, paused].map(|posted| posted.map(drop)) {
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "the platform does not accept nova's token: token_revoked");
    }
    assert!(matches!(settled, Err(ChatError::Unauthorised(_))), "{settled:?}");
    let waited = script.start.elapsed();
    assert!((30..32).contains(&waited.as_secs()), "{waited:?}");
    let late = delivery.post(&chat, &one, info("late")).await;
    assert!(matches!(late, Err(ChatError::Unauthorised(_))), "{late:?}");
    assert_eq!(script.start.elapsed(), waited, "it waited although there is no hope");
    // With a new token it goes on, also in the conversation that was asked to pause.
    delivery.post(&chat, &two, info("again")).await.unwrap();
    finish(&delivery, 6).await;
}

#[tokio::test(start_paused = true)]
async fn what_belongs_in_no_lane_is_repeated_by_the_same_rules() {
    let script = Script::fast();
    let (delivery, _) = start(&script);
    let to = conversation("C1");
    let attempt = |plan: Vec<Does>| {
        script.plan(Op::Post, "C1", plan);
        let call = || script.act((Op::Post, &to, "beside"), || ());
        delivery.persist(call)
    };
    let before = |came: usize| script.came().len() - came;
    attempt(vec![Does::Down, Does::Limit(5), Does::Down]).await.unwrap();
    assert_eq!(script.came().len(), 4);
    attempt(revoked(10)).await.unwrap();
    for (plan, calls) in [
        // Never twice what may have been done.
        (vec![Does::ItSilently], 1),
        (vec![Does::Refuse], 1),
        (vec![Does::Gone], 1),
        (vec![Does::Down; 4], 4),
        (vec![Does::Panic], 1),
        (vec![Does::Hang], 1),
    ] {
        let came = script.came().len();
        let told = format!("{plan:?}");
        assert!(attempt(plan).await.is_err(), "{told}");
        assert_eq!(before(came), calls, "{told}");
    }
    let start = script.start.elapsed();
    assert!(attempt(revoked(60)).await.is_err());
    assert_eq!((script.start.elapsed() - start).as_secs(), 30);
}
