//! Cases in which somebody who owns the database, but not the key, rewrites the timeline.

use anyhow::{Context as _, Result, ensure};
use nova::store::{Fault, Verification};

use super::database::{Database, intact, note};

/// What can be done to twelve rows, and where and how it is found.
fn tamperings(db: &Database) -> Vec<(String, i64, Fault)> {
    const SHIFT: &str = "UPDATE timeline SET seq = seq + 1000 WHERE seq >= 5;
                         UPDATE timeline SET seq = seq - 999 WHERE seq >= 1005;";
    let swap = |a: i64, b: i64| {
        format!(
            "UPDATE timeline SET seq = 99 WHERE seq = {a};
             UPDATE timeline SET seq = {a} WHERE seq = {b};
             UPDATE timeline SET seq = {b} WHERE seq = 99"
        )
    };
    let forge = |seq: i64| {
        format!(
            "INSERT INTO timeline SELECT {seq}, at_ms, incident, kind, invocation, 'eve', body,
             hash, 'f' || substr(hash, 2) FROM timeline WHERE seq = {seq} - 1"
        )
    };
    let edit = |set: &str| (format!("UPDATE timeline SET {set} WHERE seq = 5"), 5, Fault::Edited);
    let mut all = vec![
        edit("body = '{}'"),
        edit("body = ''"),
        edit("actor = 'eve'"),
        edit("at_ms = at_ms - 1"),
        edit("kind = 'answered'"),
        edit("incident = NULL"),
        edit("invocation = ''"),
        edit("hash = upper(hash) || ' '"),
        edit("prev_hash = 'f' || prev_hash"),
        edit(&format!("body = '{}'", "x".repeat(100_000))),
        ("DELETE FROM timeline WHERE seq = 5".to_owned(), 5, Fault::Missing),
        ("DELETE FROM timeline WHERE seq = 1".to_owned(), 1, Fault::Missing),
        ("DELETE FROM timeline WHERE seq BETWEEN 3 AND 11".to_owned(), 3, Fault::Missing),
        (
            "DELETE FROM timeline WHERE seq = 5;
             UPDATE timeline SET seq = seq + 1000 WHERE seq > 5;
             UPDATE timeline SET seq = seq - 1001 WHERE seq > 1000"
                .to_owned(),
            5,
            Fault::Missing,
        ),
        (format!("{SHIFT} {}", forge(5)), 5, Fault::Inserted),
        (forge(13), 13, Fault::Inserted),
        (swap(5, 6), 5, Fault::Reordered),
        (swap(5, 9), 5, Fault::Reordered),
        (swap(1, 12), 1, Fault::Reordered),
        (
            "UPDATE timeline SET seq = 99 WHERE seq = 9;
                 UPDATE timeline SET seq = seq + 1000 WHERE seq BETWEEN 5 AND 8;
                 UPDATE timeline SET seq = seq - 999 WHERE seq > 1000;
                 UPDATE timeline SET seq = 5 WHERE seq = 99"
                .to_owned(),
            5,
            Fault::Reordered,
        ),
        ("DELETE FROM timeline WHERE seq > 8".to_owned(), 9, Fault::Cut),
        ("DELETE FROM timeline".to_owned(), 1, Fault::Cut),
        ("UPDATE timeline_head SET seq = 20".to_owned(), 13, Fault::Cut),
        ("UPDATE timeline_head SET seq = 8".to_owned(), 9, Fault::Inserted),
        ("UPDATE timeline_head SET hash = 'x'".to_owned(), 12, Fault::Forked),
    ];
    if db.is_sqlite() {
        all.push(edit("body = CAST(X'fffe00' AS TEXT)"));
    }
    all
}

pub(super) async fn tampering_is_located(db: Database) -> Result<()> {
    let store = db.open().await?;
    for i in 1..=12 {
        store.append(note(&i.to_string())).await?;
    }
    db.without_triggers().await?;
    db.raw(
        "CREATE TABLE spare AS SELECT * FROM timeline;
         CREATE TABLE spare_head AS SELECT * FROM timeline_head",
    )
    .await?;
    for (sql, seq, fault) in tamperings(&db) {
        let told: String = sql.chars().take(300).collect();
        db.raw(&sql).await.with_context(|| told.clone())?;
        let found = store.verify(None).await?;
        ensure!(found == Verification::Broken { seq, fault }, "{told}\n{found:?}");
        db.raw(
            "DELETE FROM timeline; INSERT INTO timeline SELECT * FROM spare;
             DELETE FROM timeline_head; INSERT INTO timeline_head SELECT * FROM spare_head",
        )
        .await?;
        ensure!(intact(&store).await?.seq == 12, "not restored after {told}");
    }
    Ok(())
}

pub(super) async fn an_anchor_shows_what_the_database_cannot(db: Database) -> Result<()> {
    let store = db.open().await?;
    for i in 1..=12 {
        store.append(note(&i.to_string())).await?;
    }
    let anchor = store.head().await?;
    let kept = Verification::Intact { head: anchor.clone() };
    ensure!(store.verify(Some(anchor.clone())).await? == kept);
    db.without_triggers().await?;
    db.raw(
        "CREATE TABLE spare AS SELECT * FROM timeline;
         DELETE FROM timeline WHERE seq > 8;
         UPDATE timeline_head SET seq = 8, hash = (SELECT hash FROM timeline WHERE seq = 8)",
    )
    .await?;
    // A cut that takes the head along leaves a chain that holds by itself.
    ensure!(intact(&store).await?.seq == 8);
    let found = store.verify(Some(anchor.clone())).await?;
    ensure!(found == Verification::Broken { seq: 9, fault: Fault::Cut }, "{found:?}");

    // And so does one that was then written on.
    for i in 9..=13 {
        store.append(note(&format!("another {i}"))).await?;
    }
    ensure!(intact(&store).await?.seq == 13);
    let found = store.verify(Some(anchor)).await?;
    ensure!(found == Verification::Broken { seq: 12, fault: Fault::Forked }, "{found:?}");

    // A genuine row of the old history does not fit into the new one.
    db.raw(
        "DELETE FROM timeline WHERE seq = 10;
         INSERT INTO timeline SELECT * FROM spare WHERE seq = 10",
    )
    .await?;
    let found = store.verify(None).await?;
    ensure!(found == Verification::Broken { seq: 10, fault: Fault::Forked }, "{found:?}");
    Ok(())
}
