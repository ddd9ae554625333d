//! Cases in which many write at once, so that one transaction carries them together.

use std::future::Future;
use std::pin::pin;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::{join, join_all, join3};
use futures_util::poll;
use nova::store::{
    Begun, Ending, Entry, InvocationId, Kind, NewInvocation, Outcome, Page, Store, StoreError,
};
use serde_json::json;
use tokio::task::{JoinSet, unconstrained};

use super::database::{Database, NEWEST, answered, begin_new, health, intact, note};

/// Hands all calls over before the writer gets to run, in their order: it finds them together.
fn together<T>(
    calls: impl IntoIterator<Item = impl Future<Output = T>>,
) -> impl Future<Output = Vec<T>> {
    unconstrained(join_all(calls))
}

fn is_new(begun: &Result<Begun, StoreError>) -> bool {
    matches!(begun, Ok(Begun::New(_)))
}

/// The whole timeline, oldest first.
async fn oldest_first(store: &Store) -> Result<Vec<Entry>> {
    let (mut rows, mut before) = (Vec::new(), None);
    loop {
        let page = store.timeline(Page { before, limit: Page::MAX }).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        rows.extend(page);
    }
    rows.reverse();
    Ok(rows)
}

pub(super) async fn a_record_is_begun_and_ended_at_once(db: Database) -> Result<()> {
    let store = db.open().await?;
    let Begun::New(id) = store.record(health("d-1"), answered()).await? else {
        anyhow::bail!("a first delivery was taken for a second");
    };
    for again in [store.record(health("d-1"), answered()).await?, store.begin(health("d-1")).await?]
    {
        ensure!(again == Begun::Duplicate(id.clone()), "{again:?}");
    }
    let error = store.finish(&id, answered()).await.expect_err("it has ended");
    ensure!(matches!(error, StoreError::NotRunning(_)), "{error:?}");

    // What was begun is left to whoever began it.
    let running = begin_new(&store, health("d-2")).await?;
    let again = store.record(health("d-2"), answered()).await?;
    ensure!(again == Begun::Duplicate(running.clone()), "{again:?}");
    store.finish(&running, answered()).await?;

    let rows = oldest_first(&store).await?;
    let told: Vec<_> = rows.iter().map(|row| (row.kind, row.actor.as_str())).collect();
    let at_once = (Kind::Answered, "person-ana");
    let later = [(Kind::Invoked, "person-ana"), (Kind::Answered, "nova")];
    ensure!(told == [at_once, later[0], later[1]], "{told:?}");
    let asked =
        json!({ "account": "console:ana", "command": "/nova health", "conversation": "tty1" });
    let ended = json!({ "exit_status": 3, "detail": { "fail": 1 } });
    let whole = json!({
        "account": "console:ana", "command": "/nova health", "conversation": "tty1",
        "exit_status": 3, "detail": { "fail": 1 },
    });
    ensure!([whole, asked, ended].iter().eq(rows.iter().map(|row| &row.body)), "{rows:?}");
    ensure!(rows[0].invocation.as_ref() == Some(&id));
    ensure!(intact(&store).await?.seq == 3);
    Ok(())
}

pub(super) async fn one_transaction_carries_all_that_waits(db: Database) -> Result<()> {
    let store = db.open().await?;
    let records = (0..50).map(|i| {
        let new = NewInvocation { command: i.to_string(), ..health(&format!("d-{i}")) };
        store.record(new, answered())
    });
    let begun = together(records).await;
    ensure!(begun.iter().all(is_new), "{begun:?}");
    let rows = oldest_first(&store).await?;
    ensure!(rows.len() == 50, "{} rows", rows.len());
    for (i, (row, begun)) in rows.iter().zip(begun).enumerate() {
        let Begun::New(id) = begun? else { continue };
        ensure!(row.kind == Kind::Answered && row.body["command"] == json!(i.to_string()));
        ensure!(row.invocation.as_ref() == Some(&id));
    }
    if !db.is_sqlite() {
        // PostgreSQL tells which transaction wrote a row.
        let transactions = "SELECT count(DISTINCT xmin::text) FROM timeline";
        ensure!(db.number(transactions).await? == 1);
    }
    ensure!(intact(&store).await?.seq == 50);
    Ok(())
}

pub(super) async fn everybody_keeps_their_order_on_two_stores(db: Database) -> Result<()> {
    let stores = [db.open().await?, db.open().await?];
    let mut callers = JoinSet::new();
    for caller in 0..20 {
        let store = stores[caller % 2].clone();
        callers.spawn(async move {
            for turn in 0..10 {
                let dedupe = format!("{caller} {turn}");
                let new = NewInvocation { command: dedupe.clone(), ..health(&dedupe) };
                let id = match turn % 2 {
                    0 => store.record(new, answered()).await.map(|_| None)?,
                    _ => Some(begin_new(&store, new).await?),
                };
                if let Some(id) = id {
                    store.finish(&id, answered()).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    let rows = oldest_first(&stores[0]).await?;
    ensure!(rows.len() == 300 && rows.iter().map(|row| row.seq).eq(1..=300));
    for caller in 0..20 {
        let own = format!("{caller} ");
        let turns: Vec<_> = rows
            .iter()
            .filter_map(|row| row.body["command"].as_str()?.strip_prefix(&own))
            .collect();
        ensure!(
            turns == (0..10).map(|turn| turn.to_string()).collect::<Vec<_>>(),
            "{caller}: {turns:?}"
        );
    }
    for store in &stores {
        ensure!(intact(store).await?.seq == 300);
    }
    Ok(())
}

pub(super) async fn a_batch_takes_a_command_once(db: Database) -> Result<()> {
    let store = db.open().await?;
    let old = begin_new(&store, health("old")).await?;
    let dedupes = ["a", "b", "old", "a", "a", "c", "old", "b"];
    let begun = together(dedupes.map(|dedupe| store.record(health(dedupe), answered()))).await;
    let mut ids: Vec<(&str, InvocationId)> = vec![("old", old)];
    for (dedupe, begun) in dedupes.into_iter().zip(begun) {
        let first = ids.iter().find(|(known, _)| *known == dedupe).map(|(_, id)| id.clone());
        match (first, begun?) {
            (None, Begun::New(id)) => ids.push((dedupe, id)),
            (Some(id), Begun::Duplicate(found)) => ensure!(found == id, "{dedupe}: {found:?}"),
            (_, begun) => anyhow::bail!("{dedupe}: {begun:?}"),
        }
    }
    ensure!(ids.len() == 4 && intact(&store).await?.seq == 4);

    // Two endings in one batch: the first that came counts.
    let failed = Outcome { ending: Ending::Failed, ..answered() };
    let old = &ids[0].1;
    let ended = together([failed, answered()].map(|outcome| store.finish(old, outcome))).await;
    ensure!(matches!(ended[..], [Ok(()), Err(StoreError::NotRunning(_))]), "{ended:?}");
    ensure!(store.timeline(NEWEST).await?[0].kind == Kind::Failed);
    Ok(())
}

pub(super) async fn a_bad_one_leaves_its_neighbours_alone(db: Database) -> Result<()> {
    let store = db.open().await?;
    let [done, gone, open] = ["done", "gone", "open"].map(|name| begin_new(&store, health(name)));
    let (done, gone, open) = join3(done, gone, open).await;
    let (done, gone, open) = (done?, gone?, open?);
    store.finish(&done, answered()).await?;
    db.raw("DELETE FROM invocations WHERE dedupe_id = 'gone'").await?;
    let before = intact(&store).await?.seq;

    let large = Outcome { detail: json!("x".repeat(70_000)), ..answered() };
    let (records, endings) = join(
        together(
            [("1", answered()), ("2", large), ("3", answered())]
                .map(|(dedupe, outcome)| store.record(health(dedupe), outcome)),
        ),
        together([&done, &gone, &open].map(|id| store.finish(id, answered()))),
    )
    .await;
    ensure!(is_new(&records[0]) && is_new(&records[2]), "{records:?}");
    ensure!(matches!(records[1], Err(StoreError::TooLarge { .. })), "{records:?}");
    ensure!(
        matches!(
            endings[..],
            [Err(StoreError::NotRunning(_)), Err(StoreError::NotRunning(_)), Ok(())]
        ),
        "{endings:?}"
    );
    ensure!(intact(&store).await?.seq == before + 3);

    // One that the database itself refuses, and with it the transaction that it is in.
    db.raw(
        "CREATE UNIQUE INDEX once ON invocations ((substr(dedupe_id, 1, 4)))
         WHERE substr(dedupe_id, 1, 4) = 'once'",
    )
    .await?;
    let dedupes = ["a", "once b", "once c", "d", "e"];
    let records = together(dedupes.map(|dedupe| store.record(health(dedupe), answered()))).await;
    let new: Vec<_> = records.iter().map(is_new).collect();
    ensure!(new == [true, true, false, true, true], "{records:?}");
    ensure!(matches!(records[2], Err(StoreError::Constraint { .. })), "{records:?}");
    ensure!(intact(&store).await?.seq == before + 3 + 4);
    Ok(())
}

pub(super) async fn whoever_stops_waiting_takes_it_back(db: Database) -> Result<()> {
    let store = db.open().await?;
    {
        let given_up = pin!(store.record(health("d-1"), answered()));
        ensure!(poll!(given_up).is_pending(), "it was written before the writer ran");
    }
    ensure!(store.append(note("next")).await?.seq == 1);
    ensure!(is_new(&store.record(health("d-1"), answered()).await));
    Ok(())
}

pub(super) async fn closing_writes_what_was_handed_in(db: Database) -> Result<()> {
    let store = db.open().await?;
    let late = store.clone();
    let records = (0..100).map(|i| store.record(health(&format!("d-{i}")), answered()));
    let (begun, ()) = join(together(records), store.clone().close()).await;
    ensure!(begun.iter().all(is_new), "{begun:?}");
    let refused = late.append(note("too late")).await.err().context("a closed store wrote")?;
    ensure!(matches!(refused, StoreError::Unreachable { .. }), "{refused:?}");
    late.close().await;

    // What was answered is there for whoever opens it next.
    let store = db.open().await?;
    ensure!(intact(&store).await?.seq == 100);
    for begun in begun {
        let Begun::New(id) = begun? else { continue };
        let again = store.finish(&id, answered()).await.err();
        ensure!(matches!(again, Some(StoreError::NotRunning(_))), "{again:?}");
    }
    Ok(())
}
