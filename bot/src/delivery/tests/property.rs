//! For any answers of a platform in any order: the last state shown is the last one wanted, each post
//! appears once or is marked, in order, and neither the pace nor a pause is broken.

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::task::JoinSet;

use super::*;

const ROOMS: [&str; 2] = ["C1", "C2"];

/// What the callers do.
#[derive(Clone, Copy, Debug)]
enum Want {
    Post { room: usize },
    Update { card: usize },
    Pass { ms: u64 },
}

fn want() -> impl Strategy<Value = Want> {
    prop_oneof![
        2 => (0..2usize).prop_map(|room| Want::Post { room }),
        3 => (0..4usize).prop_map(|card| Want::Update { card }),
        2 => (0..3_000u64).prop_map(|ms| Want::Pass { ms }),
    ]
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        6 => Just(Does::It),
        2 => (1..8u64).prop_map(Does::Late),
        2 => (0..8u64).prop_map(Does::Limit),
        2 => Just(Does::Down),
        3 => Just(Does::ItSilently),
        2 => Just(Does::NothingSilently),
        1 => Just(Does::Gone),
        1 => Just(Does::Revoked),
        1 => Just(Does::Refuse),
        1 => Just(Does::Panic),
        1 => Just(Does::ItAndPanic),
        1 => Just(Does::Hang),
    ]
}

/// For each of the operations in each of the rooms.
fn plans() -> impl Strategy<Value = Vec<Vec<Does>>> {
    vec(vec(does(), 0..12), 6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_wanted_is_what_stands_there(plans in plans(), wants in vec(want(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(check(plans, wants))?;
    }
}

async fn check(plans: Vec<Vec<Does>>, wants: Vec<Want>) -> Result<(), TestCaseError> {
    let pace = Pace {
        conversation: Duration::from_secs(1),
        updates: Duration::from_millis(1_200),
        burst: 3,
    };
    let script = Script::new(pace);
    let kinds = [Op::Post, Op::Update, Op::Find];
    let places = kinds.into_iter().flat_map(|op| ROOMS.map(|room| (op, room)));
    for ((op, room), plan) in places.zip(plans) {
        script.plan(op, room, plan);
    }
    let (delivery, chat) = start(&script);
    let cards: Vec<_> = (0..4).map(|card| script.seed(ROOMS[card % 2], "card")).collect();
    let mut last: Vec<Option<String>> = vec![None; cards.len()];
    let mut posts = JoinSet::new();
    let mut wanted = 0;
    for (number, want) in wants.into_iter().enumerate() {
        wanted += u64::from(!matches!(want, Want::Pass { .. }));
        match want {
            Want::Post { room } => {
                let (delivery, chat) = (delivery.clone(), Arc::clone(&chat));
                posts.spawn(async move {
                    let text = format!("post {number:03}");
                    let posted =
                        delivery.post(&chat, &conversation(ROOMS[room]), info(&text)).await;
                    (text, posted)
                });
                // So that the tasks hand over their posts in order.
                tokio::task::yield_now().await;
            }
            Want::Update { card } => {
                let text = format!("state {number:03}");
                delivery.update(&chat, &cards[card], info(&text)).unwrap();
                last[card] = Some(text);
            }
            Want::Pass { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
    }
    for (card, last) in cards.iter().zip(last) {
        let settled = delivery.settled(card).await;
        let shown = script.standing(&card.conversation.id);
        let shown = shown.into_iter().find(|standing| standing.at == *card);
        let shown = shown.map(|standing| standing.message.headline);
        if settled.is_ok() && last.is_some() {
            prop_assert_eq!(shown, last);
        }
    }
    while let Some(joined) = posts.join_next().await {
        let (text, posted) = joined.unwrap();
        appears_once(&script, &text, posted.as_ref())?;
    }
    in_order(&script)?;
    paced(&script)?;
    finish(&delivery, wanted).await;
    Ok(())
}

/// Anywhere: once, and perhaps once more marked as a possible duplicate.
fn appears_once(
    script: &Script,
    text: &str,
    posted: Result<&MessageRef, &ChatError>,
) -> Result<(), TestCaseError> {
    let places = ROOMS.iter().chain(&["F1"]).flat_map(|room| script.standing(room));
    let (marked, plain): (Vec<_>, Vec<_>) = places
        .filter(|standing| standing.message.headline == text)
        .partition(|standing| standing.message.footer.is_some());
    prop_assert!(plain.len() <= 1 && marked.len() <= 1, "{text}: {plain:?} {marked:?}");
    if let Ok(at) = posted {
        let stands = plain.iter().chain(&marked).any(|standing| standing.at == *at);
        prop_assert!(stands, "{text} does not stand where it was said to");
    }
    Ok(())
}

fn in_order(script: &Script) -> Result<(), TestCaseError> {
    for room in ROOMS {
        let posts = script.headlines(room).into_iter().filter(|text| text.starts_with("post"));
        let posts: Vec<String> = posts.collect();
        prop_assert!(posts.is_sorted(), "{posts:?}");
    }
    Ok(())
}

/// A send comes a second after the one before, and after the pause that it was told.
fn paced(script: &Script) -> Result<(), TestCaseError> {
    for room in ROOMS {
        let mut earliest = 0;
        for came in script.came().into_iter().filter(|came| came.to == room) {
            let looks = came.op == Op::Find;
            prop_assert!(looks || came.ms >= earliest, "{came:?} before {earliest} ms");
            let pause = match came.does {
                Does::Limit(seconds) => u128::from(seconds) * 1_000,
                _ => 0,
            };
            earliest = earliest.max(came.ms + pause);
            if !looks {
                earliest = earliest.max(came.ms + 1_000);
            }
        }
    }
    let updates = script.seconds(Op::Update);
    for window in updates.windows(4) {
        prop_assert!(window[3] - window[0] >= 1.199, "a burst of more than three: {updates:?}");
    }
    Ok(())
}
