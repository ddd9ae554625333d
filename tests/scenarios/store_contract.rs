//! What the store promises, asked of SQLite and of a real PostgreSQL alike. A case is a function
//! over a [`Database`]; each runs as its own test on SQLite, and all of them in one test, a fresh
//! database each, on PostgreSQL.

mod backends;
mod batches;
mod database;
mod lost_answers;
mod tampering;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use nova::store::{
    Account, Begun, DedupeId, Ending, Fault, IncidentId, Kind, NewEntry, NewInvocation, Outcome,
    Page, PersonId, StoreError, Verification,
};
use nova_sandbox::process::Postgres;
use serde_json::json;
use tokio::task::JoinSet;

use batches::{
    a_bad_one_leaves_its_neighbours_alone, a_batch_takes_a_command_once,
    a_record_is_begun_and_ended_at_once, closing_writes_what_was_handed_in,
    everybody_keeps_their_order_on_two_stores, one_transaction_carries_all_that_waits,
    whoever_stops_waiting_takes_it_back,
};
use database::{Database, HANGS, NEWEST, START_MS, answered, begin_new, health, intact, note};
use tampering::{an_anchor_shows_what_the_database_cannot, tampering_is_located};

async fn begins_and_finishes_with_a_timeline(db: Database) -> Result<()> {
    let store = db.open().await?;
    store.ping().await?;
    let id = begin_new(&store, health("d-1")).await?;
    ensure!(store.begin(health("d-1")).await? == Begun::Duplicate(id.clone()), "taken twice");

    db.clock.advance(250);
    store.finish(&id, answered()).await?;
    ensure!(store.begin(health("d-1")).await? == Begun::Duplicate(id.clone()), "taken again");

    let rows = store.timeline(NEWEST).await?;
    let kinds: Vec<_> = rows.iter().map(|row| (row.seq, row.kind, row.actor.as_str())).collect();
    ensure!(kinds == [(2, Kind::Answered, "nova"), (1, Kind::Invoked, "person-ana")], "{kinds:?}");
    ensure!(rows.iter().all(|row| row.invocation.as_ref() == Some(&id)));
    ensure!(rows[0].body == json!({ "exit_status": 3, "detail": { "fail": 1 } }));
    ensure!(rows[1].body["command"] == "/nova health");
    let (began, ended) = (rows[1].at_ms, rows[0].at_ms);
    if db.is_sqlite() {
        ensure!((began, ended) == (START_MS, START_MS + 250));
        ensure!(store.now_ms().await? == START_MS + 250);
    } else {
        // The machine's clock and the server's are the same here, and not the manual one.
        ensure!(began > START_MS && ended >= began);
        ensure!(store.now_ms().await? >= began);
    }
    let head = intact(&store).await?;
    ensure!(head == store.head().await? && head.seq == 2 && head.hash == rows[0].hash);
    store.close().await;
    Ok(())
}

async fn a_command_delivered_100_times_is_one_command(db: Database) -> Result<()> {
    let stores = [db.open().await?, db.open().await?];
    let mut deliveries = JoinSet::new();
    for i in 0..100 {
        let store = stores[i % 2].clone();
        deliveries.spawn(async move { store.begin(health("same")).await });
    }
    let (mut new, mut seen) = (0, BTreeSet::new());
    while let Some(begun) = deliveries.join_next().await {
        match begun?? {
            Begun::New(id) => {
                new += 1;
                seen.insert(id);
            }
            Begun::Duplicate(found) => {
                seen.insert(found);
            }
        }
    }
    ensure!((new, seen.len()) == (1, 1), "{new} new of {seen:?}");
    ensure!(intact(&stores[0]).await?.seq == 1);
    Ok(())
}

async fn appends_from_many_writers_make_one_chain(db: Database) -> Result<()> {
    let stores = [db.open().await?, db.open().await?, db.open().await?];
    let mut writers = JoinSet::new();
    for i in 0..200 {
        let store = stores[i % 3].clone();
        writers.spawn(async move { store.append(note(&i.to_string())).await });
    }
    let mut seqs = BTreeSet::new();
    while let Some(entry) = writers.join_next().await {
        ensure!(seqs.insert(entry??.seq), "a seq was given twice");
    }
    ensure!(seqs.into_iter().eq(1..=200), "the seqs have gaps");
    for store in &stores {
        ensure!(intact(store).await?.seq == 200);
    }
    // Reading and writing at once is no reason to find fault.
    let mut writers = JoinSet::new();
    for i in 0..40 {
        let store = stores[i % 2].clone();
        writers.spawn(async move { store.append(note("more")).await });
    }
    while !writers.is_empty() {
        intact(&stores[2]).await?;
        while let Some(entry) = writers.try_join_next() {
            entry??;
        }
    }
    ensure!(intact(&stores[2]).await?.seq == 240);
    Ok(())
}

async fn many_can_open_a_new_database_at_once(db: Database) -> Result<()> {
    let opened = futures_util::future::try_join_all((0..8).map(|_| db.open())).await?;
    for store in &opened {
        store.append(note("here")).await?;
    }
    ensure!(intact(&opened[0]).await?.seq == 8);
    Ok(())
}

async fn an_ending_is_final(db: Database) -> Result<()> {
    let store = db.open().await?;
    let id = begin_new(&store, health("d-1")).await?;
    let mut enders = JoinSet::new();
    for _ in 0..10 {
        let (store, id) = (store.clone(), id.clone());
        enders.spawn(async move { store.finish(&id, answered()).await });
    }
    let mut ended = 0;
    while let Some(result) = enders.join_next().await {
        match result? {
            Ok(()) => ended += 1,
            Err(StoreError::NotRunning(which)) => ensure!(which == id),
            Err(other) => return Err(other.into()),
        }
    }
    ensure!(ended == 1, "ended {ended} times");
    ensure!(store.head().await?.seq == 2, "a refused ending left a timeline row");

    // Rolled back whole: the state does not change without its timeline row.
    let big = begin_new(&store, health("d-2")).await?;
    let detail = json!("x".repeat(70_000));
    let outcome = Outcome { ending: Ending::Failed, exit_status: 1, detail };
    let error = store.finish(&big, outcome).await.expect_err("70 kB are too much");
    ensure!(matches!(error, StoreError::TooLarge { limit: 65_536, .. }), "{error:?}");
    store.finish(&big, answered()).await?;

    db.raw("UPDATE invocations SET id = 'elsewhere'|| id").await?;
    let error = store.finish(&id, answered()).await.expect_err("it is gone");
    ensure!(matches!(error, StoreError::NotRunning(_)), "{error:?}");
    Ok(())
}

async fn pages_join_without_gap_or_overlap(db: Database) -> Result<()> {
    let store = db.open().await?;
    ensure!(store.timeline(NEWEST).await?.is_empty());
    for i in 1..=205 {
        store.append(note(&i.to_string())).await?;
    }
    let all = store.timeline(Page { before: None, limit: u32::MAX }).await?;
    ensure!(all.len() == 200 && all[0].seq == 205);
    ensure!(store.timeline(Page { before: None, limit: 0 }).await?.len() == 1);
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = store.timeline(Page { before, limit: 50 }).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        seen.extend(page.iter().map(|row| (row.seq, row.body["text"].clone())));
    }
    let expected = (1..=205).rev().map(|i| (i, json!(i.to_string())));
    ensure!(seen.into_iter().eq(expected));

    // Verification reads by pages of its own: a fault right behind one of their borders.
    db.without_triggers().await?;
    db.raw("DELETE FROM timeline WHERE seq = 129").await?;
    let found = store.verify(None).await?;
    ensure!(found == Verification::Broken { seq: 129, fault: Fault::Missing }, "{found:?}");
    Ok(())
}

async fn hostile_text_is_kept_and_bounded(db: Database) -> Result<()> {
    let store = db.open().await?;
    let nasty = "a\0b'; DROP TABLE timeline; --\u{202e}\u{1b}[2J\u{feff}\u{fffd}\"\\𝕏\r\n$1";
    let new = |dedupe: &str, text: &str| NewInvocation {
        dedupe: DedupeId::new(dedupe),
        account: Account { platform: text.to_owned(), id: text.to_owned() },
        person: Some(PersonId::new(text)),
        conversation: text.to_owned(),
        command: text.to_owned(),
    };
    let id = begin_new(&store, new(nasty, nasty)).await?;
    ensure!(store.begin(new(nasty, nasty)).await? == Begun::Duplicate(id), "not kept");
    let kept = store.timeline(NEWEST).await?.remove(0);
    let shown = nasty.replace('\0', "\u{fffd}");
    ensure!(kept.body["command"] == shown && kept.actor == shown, "{kept:?}");

    let huge = "é\0".repeat(1_000_000);
    let id = begin_new(&store, new(&huge, &huge)).await?;
    ensure!(store.begin(new(&huge, "")).await? == Begun::Duplicate(id), "not kept");
    let kept = store.timeline(NEWEST).await?.remove(0);
    let command = kept.body["command"].as_str().context("a command")?;
    ensure!(command.len() <= 8192 && command.ends_with('…'), "{} bytes", command.len());
    begin_new(&store, new(&format!("{huge}x"), "")).await?;

    let body =
        json!({ "\0key": nasty, "n": -0.1, "list": [null, true, 18_446_744_073_709_551_615_u64] });
    let entry = NewEntry {
        incident: Some(IncidentId::new(nasty)),
        actor: nasty.to_owned(),
        body: body.clone(),
        ..note("")
    };
    let written = store.append(entry).await?;
    ensure!(store.timeline(NEWEST).await?[0] == written && written.body == body);
    let error = store.append(note(&"x".repeat(65_536))).await.expect_err("it is too large");
    ensure!(matches!(error, StoreError::TooLarge { .. }), "{error:?}");
    ensure!(intact(&store).await?.seq == 4);
    Ok(())
}

async fn reopening_keeps_everything(db: Database) -> Result<()> {
    let store = db.open().await?;
    let id = begin_new(&store, health("d-1")).await?;
    let (head, rows) = (store.head().await?, store.timeline(NEWEST).await?);
    store.close().await;

    let applied = "SELECT count(*) FROM _sqlx_migrations";
    let before = db.number(applied).await?;
    let store = db.open().await?;
    let again = db.open().await?;
    ensure!(db.number(applied).await? == before, "a migration was applied twice");
    ensure!(intact(&again).await? == head && store.timeline(NEWEST).await? == rows);
    store.finish(&id, answered()).await?;
    ensure!(intact(&again).await?.seq == 2);
    Ok(())
}

async fn another_schema_is_refused(db: Database) -> Result<()> {
    db.open().await?.close().await;
    db.raw(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
    )
    .await?;
    let error = db.open().await.err().context("a newer schema was opened")?;
    ensure!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error:?}");
    ensure!(error.to_string().contains("migration 9999"), "{error}");

    db.raw("DELETE FROM _sqlx_migrations WHERE version = 9999").await?;
    let other = if db.is_sqlite() { "X'00'" } else { "'x'" };
    db.raw(&format!("UPDATE _sqlx_migrations SET checksum = {other}")).await?;
    let error = db.open().await.err().context("a different schema was opened")?;
    ensure!(matches!(error, StoreError::OtherSchema { version: 1, .. }), "{error:?}");
    Ok(())
}

async fn another_key_is_refused(db: Database) -> Result<()> {
    let store = db.open().await?;
    for _ in 0..2 {
        let error = db.open_with(&[8; 32]).await.err().context("another key was taken")?;
        ensure!(matches!(error, StoreError::WrongKey { .. }), "{error:?}");
        store.append(note("the first key still works")).await?;
    }
    // Nor is an edited mark taken for another key's.
    db.raw("UPDATE timeline_head SET key_check = 'x'").await?;
    ensure!(db.open().await.is_err());
    Ok(())
}

async fn a_lost_head_is_not_begun_anew(db: Database) -> Result<()> {
    let store = db.open().await?;
    store.append(note("one")).await?;
    db.raw("DELETE FROM timeline_head").await?;
    let refused = [
        store.append(note("two")).await.err(),
        store.head().await.err(),
        store.verify(None).await.err(),
        db.open().await.err(),
    ];
    for error in refused {
        ensure!(matches!(error, Some(StoreError::Corrupt { .. })), "{error:?}");
    }
    Ok(())
}

async fn rows_cannot_be_changed_in_passing(db: Database) -> Result<()> {
    let store = db.open().await?;
    store.append(note("one")).await?;
    let mut attempts = vec!["UPDATE timeline SET actor = 'eve'", "DELETE FROM timeline"];
    attempts.push(if db.is_sqlite() {
        // The store's connections have this on.
        "PRAGMA recursive_triggers = ON;
         INSERT OR REPLACE INTO timeline SELECT seq, 0, incident, kind, invocation, actor, body,
         prev_hash, hash FROM timeline"
    } else {
        "TRUNCATE timeline"
    });
    for sql in attempts {
        let error = db.raw(sql).await.err().with_context(|| format!("done: {sql}"))?;
        ensure!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    ensure!(intact(&store).await?.seq == 1);
    Ok(())
}

/// Runs the cases: one test each on SQLite, one test for all on PostgreSQL.
macro_rules! contract {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() -> anyhow::Result<()> {
                    let db = super::Database::sqlite()?;
                    tokio::time::timeout(super::HANGS, super::$case(db)).await?
                }
            )+
        }

        #[tokio::test]
        async fn postgres_keeps_the_contract() -> Result<()> {
            let server = Postgres::start().await?;
            $(
                let name = stringify!($case);
                let db = Database::postgres(&server, name).await?;
                tokio::time::timeout(HANGS, $case(db))
                    .await
                    .with_context(|| format!("{name} did not end"))?
                    .with_context(|| format!("in {name}"))?;
            )+
            Ok(())
        }
    };
}

contract!(
    begins_and_finishes_with_a_timeline,
    a_command_delivered_100_times_is_one_command,
    appends_from_many_writers_make_one_chain,
    many_can_open_a_new_database_at_once,
    an_ending_is_final,
    pages_join_without_gap_or_overlap,
    hostile_text_is_kept_and_bounded,
    reopening_keeps_everything,
    another_schema_is_refused,
    another_key_is_refused,
    a_lost_head_is_not_begun_anew,
    rows_cannot_be_changed_in_passing,
    tampering_is_located,
    an_anchor_shows_what_the_database_cannot,
    a_record_is_begun_and_ended_at_once,
    one_transaction_carries_all_that_waits,
    everybody_keeps_their_order_on_two_stores,
    a_batch_takes_a_command_once,
    a_bad_one_leaves_its_neighbours_alone,
    whoever_stops_waiting_takes_it_back,
    closing_writes_what_was_handed_in,
);

// After the macro, which it uses.
mod incidents;
