//! What the store promises about incidents, on SQLite and PostgreSQL alike.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nova::store::{
    Begun, Ending, Entry, Incident, IncidentChange, IncidentNumber, IncidentRefusal, IncidentRoom,
    IncidentState, Kind, NewCard, NewInvocation, Outcome, Store, StoreError,
};
use nova_adapters::chat::{Conversation, MessageRef, Platform};
use nova_permissions::Severity;
use nova_sandbox::process::Postgres;
use serde_json::json;
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tokio::task::JoinSet;

use super::database::{Database, HANGS, NEWEST, START_MS, answered, begin_new, health, intact};

pub(super) type Attempt = Result<Incident, IncidentRefusal>;

/// Does it as the person of [`health`]. `None`: delivered before.
pub(super) async fn change(
    store: &Store,
    dedupe: &str,
    change: &IncidentChange,
) -> Result<Option<Attempt>, StoreError> {
    let new = NewInvocation { command: "/nova incident".to_owned(), ..health(dedupe) };
    store
        .change_incident(new, change, |attempt| {
            let ending = if attempt.is_ok() { Ending::Answered } else { Ending::Refused };
            let detail = json!({ "done": attempt.is_ok() });
            (attempt.clone(), Outcome { ending, exit_status: 0, detail })
        })
        .await
}

async fn done(store: &Store, dedupe: &str, what: &IncidentChange) -> Result<Incident> {
    let attempt = change(store, dedupe, what).await?.context("it was taken for a duplicate")?;
    attempt.map_err(|refusal| anyhow::anyhow!("refused: {refusal:?}"))
}

async fn refused(store: &Store, dedupe: &str, what: &IncidentChange) -> Result<IncidentRefusal> {
    let attempt = change(store, dedupe, what).await?.context("it was taken for a duplicate")?;
    attempt.err().context("it was done")
}

fn declare(severity: Severity, impact: &str) -> IncidentChange {
    IncidentChange::Declare { severity, impact: impact.to_owned() }
}

fn number(text: &str) -> IncidentNumber {
    text.parse().expect("the tests write it as people do")
}

/// The timeline, oldest first, as "kind incident actor".
fn story(rows: &[Entry]) -> Vec<String> {
    let line = |row: &Entry| {
        let incident = row.incident.as_ref().map_or("-", |incident| incident.as_str());
        format!("{} {incident} {}", row.kind.as_str(), row.actor)
    };
    rows.iter().rev().map(line).collect()
}

async fn an_incident_from_its_opening_to_its_end(db: Database) -> Result<()> {
    let store = db.open().await?;
    let opened = done(&store, "d-1", &declare(Severity::High, "checkout is down")).await?;
    ensure!(opened.number == number("INC-1") && opened.revision == 1, "{opened:?}");
    ensure!(opened.state == IncidentState::Open && opened.impact.raw() == "checkout is down");
    ensure!(opened.declared.by.as_str() == "person-ana" && opened.acknowledged.is_none());

    db.clock.advance(60_000);
    let taken = done(&store, "d-2", &IncidentChange::Acknowledge(opened.number)).await?;
    ensure!(taken.state == IncidentState::Acknowledged && taken.revision == 2, "{taken:?}");
    let noted = IncidentChange::Note(opened.number, "disk is full".to_owned());
    ensure!(done(&store, "d-3", &noted).await?.revision == 3);
    let over = done(&store, "d-4", &IncidentChange::Resolve(opened.number)).await?;
    ensure!(over.state == IncidentState::Resolved && over.revision == 4, "{over:?}");
    ensure!(over.acknowledged == taken.acknowledged && over.declared == opened.declared);
    if db.is_sqlite() {
        let resolved = over.resolved.as_ref().map(|stamp| stamp.at_ms);
        ensure!((opened.declared.at_ms, resolved) == (START_MS, Some(START_MS + 60_000)));
    }
    ensure!(store.incident(opened.number).await? == Some(over));
    ensure!(store.incident(number("INC-2")).await?.is_none());
    ensure!(store.open_incidents().await?.is_empty());

    let rows = store.timeline(NEWEST).await?;
    let mut expected = Vec::new();
    for effect in ["declared", "acknowledged", "note", "resolved"] {
        let effect = format!("{effect} INC-1 person-ana");
        expected.extend(["invoked - person-ana".to_owned(), effect, "answered - nova".to_owned()]);
    }
    ensure!(story(&rows) == expected, "{:?}", story(&rows));
    ensure!(rows[10].body == json!({ "severity": "high", "impact": "checkout is down" }));
    ensure!(rows[4].body == json!({ "text": "disk is full" }));
    for three in rows.chunks(3) {
        ensure!(three.iter().all(|row| row.invocation == three[0].invocation));
    }
    intact(&store).await?;
    ensure!(db.number("SELECT count(running_since_ms) FROM invocations").await? == 0);
    Ok(())
}

async fn what_is_over_stays_over(db: Database) -> Result<()> {
    let store = db.open().await?;
    let one = done(&store, "d-1", &declare(Severity::Low, "slow")).await?.number;
    let acknowledge = IncidentChange::Acknowledge(one);
    let taken = done(&store, "d-2", &acknowledge).await?;
    let again = refused(&store, "d-3", &acknowledge).await?;
    ensure!(again == IncidentRefusal::Acknowledged(Box::new(taken)), "{again:?}");

    let over = done(&store, "d-4", &IncidentChange::Resolve(one)).await?;
    for (dedupe, change) in [("d-5", acknowledge), ("d-6", IncidentChange::Resolve(one))] {
        let late = refused(&store, dedupe, &change).await?;
        ensure!(late == IncidentRefusal::Resolved(Box::new(over.clone())), "{late:?}");
    }
    ensure!(store.incident(one).await? == Some(over));
    // What is remembered late belongs on the timeline all the same.
    done(&store, "d-7", &IncidentChange::Note(one, "it was the cache".to_owned())).await?;

    let nine = number("INC-9");
    for (dedupe, change) in [
        ("d-8", IncidentChange::Acknowledge(nine)),
        ("d-9", IncidentChange::Resolve(nine)),
        ("d-10", IncidentChange::Note(nine, "?".to_owned())),
    ] {
        ensure!(refused(&store, dedupe, &change).await? == IncidentRefusal::Unknown(nine));
    }
    // A refusal is two rows: what was asked and that it was refused.
    let rows = store.timeline(NEWEST).await?;
    ensure!(rows.len() == 4 * 3 + 6 * 2, "{:?}", story(&rows));
    ensure!(rows.iter().filter(|row| row.kind == Kind::Refused).count() == 6);
    // Resolved without anybody having taken it.
    let two = done(&store, "d-11", &declare(Severity::Low, "gone by itself")).await?.number;
    ensure!(done(&store, "d-12", &IncidentChange::Resolve(two)).await?.acknowledged.is_none());
    intact(&store).await?;
    Ok(())
}

async fn declared_by_many_at_once_without_gaps(db: Database) -> Result<()> {
    let stores = [db.open().await?, db.open().await?];
    let mut declaring = JoinSet::new();
    // Each of 20 is delivered three times.
    for i in 0..60 {
        let store = stores[i % 2].clone();
        let dedupe = format!("d-{}", i / 3);
        declaring.spawn(async move {
            let what = declare(Severity::Critical, &dedupe);
            change(&store, &dedupe, &what).await
        });
    }
    let (mut numbers, mut duplicates) = (BTreeSet::new(), 0);
    while let Some(attempt) = declaring.join_next().await {
        match attempt?? {
            None => duplicates += 1,
            Some(attempt) => {
                let incident = attempt.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
                ensure!(numbers.insert(incident.number.get()), "a number was given twice");
            }
        }
    }
    ensure!(duplicates == 40 && numbers.into_iter().eq(1..=20), "{duplicates} duplicates");
    ensure!(intact(&stores[0]).await?.seq == 60);
    let rows = stores[0].timeline(NEWEST).await?;
    let told: BTreeSet<_> = rows.iter().filter_map(|row| row.incident.clone()).collect();
    ensure!(told.len() == 20, "{told:?}");
    Ok(())
}

async fn one_of_many_takes_it(db: Database) -> Result<()> {
    let stores = [db.open().await?, db.open().await?];
    let one = done(&stores[0], "d", &declare(Severity::Critical, "down")).await?.number;
    let mut takers = JoinSet::new();
    for i in 0..20 {
        let store = stores[i % 2].clone();
        takers.spawn(async move {
            change(&store, &format!("d-{i}"), &IncidentChange::Acknowledge(one)).await
        });
    }
    let mut took = 0;
    while let Some(attempt) = takers.join_next().await {
        match attempt??.context("none is a duplicate")? {
            Ok(_) => took += 1,
            Err(IncidentRefusal::Acknowledged(_)) => {}
            Err(other) => anyhow::bail!("{other:?}"),
        }
    }
    ensure!(took == 1, "{took} took it");
    ensure!(store_revision(&stores[1], one).await? == 2);
    intact(&stores[0]).await?;
    Ok(())
}

async fn store_revision(store: &Store, one: IncidentNumber) -> Result<i64> {
    Ok(store.incident(one).await?.context("it is there")?.revision)
}

async fn what_fails_leaves_nothing_behind(db: Database) -> Result<()> {
    let store = db.open().await?;
    let too_large = |attempt: &Attempt| {
        let detail = json!("x".repeat(70_000));
        (attempt.is_ok(), Outcome { ending: Ending::Answered, exit_status: 0, detail })
    };
    let what = declare(Severity::High, "x");
    let error = store.change_incident(health("d-1"), &what, too_large).await;
    ensure!(matches!(error, Err(StoreError::TooLarge { .. })), "{error:?}");
    for table in [
        "SELECT count(*) FROM invocations",
        "SELECT count(*) FROM incidents",
        "SELECT count(*) FROM timeline",
        "SELECT last FROM incident_counter",
    ] {
        ensure!(db.number(table).await? == 0, "{table}");
    }
    // The same delivery again, and no number is missing.
    ensure!(done(&store, "d-1", &what).await?.number == number("1"));
    ensure!(change(&store, "d-1", &what).await?.is_none(), "it was done twice");
    // An ordinary command's id is one as well.
    store.begin(health("d-2")).await?;
    ensure!(change(&store, "d-2", &what).await?.is_none(), "it was done twice");
    ensure!(store.open_incidents().await?.len() == 1);
    Ok(())
}

async fn open_ones_come_worst_and_oldest_first(db: Database) -> Result<()> {
    use Severity::{Critical, High, Low, Medium};
    let store = db.open().await?;
    for (at, severity) in [Low, High, Critical, Medium, High, Critical, Low].iter().enumerate() {
        done(&store, &format!("d-{at}"), &declare(*severity, "x")).await?;
    }
    done(&store, "over", &IncidentChange::Resolve(number("5"))).await?;
    let open = store.open_incidents().await?;
    let order: Vec<i64> = open.iter().map(|incident| incident.number.get()).collect();
    ensure!(order == [3, 6, 2, 4, 1, 7], "{order:?}");
    Ok(())
}

/// Ten thousand old incidents, and the plan with which the open ones are found.
async fn reading_what_is_open_does_not_read_what_is_over(db: Database) -> Result<()> {
    let store = db.open().await?;
    let rows = "
        INSERT INTO incidents (number, severity, impact, state, declared_ms, declared_by,
            resolved_ms, resolved_by, revision)
        SELECT n, 'low', 'x', 'resolved', 0, 'ana', 1, 'ana', 1 FROM ";
    let places = "
        INSERT INTO incident_rooms (incident, platform, room)
        SELECT number, 'slack', 'C' || number FROM incidents WHERE number > 1";
    let numbers = if db.is_sqlite() {
        "(WITH RECURSIVE count(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM count WHERE n < 10000)
          SELECT n FROM count)"
    } else {
        "generate_series(2, 10000) AS n"
    };
    let invocations = "
        INSERT INTO invocations (id, dedupe_id)
        SELECT 'i-' || number, 'old-' || number FROM incidents WHERE number > 1";
    let timeline = "
        INSERT INTO timeline (seq, at_ms, incident, kind, actor, body, prev_hash, hash)
        SELECT 1000 + number, 0, 'INC-' || number, 'note', 'ana', '{}', '', ''
        FROM incidents WHERE number > 1";
    done(&store, "d-1", &declare(Severity::High, "x")).await?;
    let history = [&format!("{rows} {numbers}"), places, invocations, timeline, "ANALYZE;"];
    db.raw(&history.join(";\n")).await?;
    let open = "SELECT impact FROM incidents WHERE resolved_ms IS NULL ORDER BY number LIMIT 200";
    let room = "SELECT max(incident) FROM incident_rooms WHERE platform = 'slack' AND room = 'C77'";
    let running = "SELECT id FROM invocations WHERE running_since_ms < 1
                   ORDER BY running_since_ms LIMIT 200";
    let notes = "SELECT body FROM timeline WHERE incident = 'INC-1' AND kind = 'note'
                 ORDER BY seq DESC LIMIT 5";
    for (query, index) in [
        (open, "incidents_open"),
        (room, "incident_rooms_room"),
        (notes, "timeline_incident"),
        (running, "invocations_running"),
    ] {
        let plan = plan(&db, query).await?;
        ensure!(plan.contains(index), "{query}: {plan}");
    }
    ensure!(store.open_incidents().await?.len() == 1);
    Ok(())
}

async fn plan(db: &Database, query: &str) -> Result<String> {
    let explained = |how: &str| sqlx::AssertSqlSafe(format!("{how} {query}"));
    let lines: Vec<String> = if db.is_sqlite() {
        let mut connection = SqliteConnection::connect(&db.url).await?;
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explained("EXPLAIN QUERY PLAN")).fetch_all(&mut connection).await?;
        rows.into_iter().map(|row| row.3).collect()
    } else {
        let mut connection = PgConnection::connect(&db.url).await?;
        sqlx::query_scalar(explained("EXPLAIN")).fetch_all(&mut connection).await?
    };
    Ok(lines.join("\n"))
}

async fn rooms_and_cards_are_found_again(db: Database) -> Result<()> {
    let store = db.open().await?;
    let room = |id: &str| Conversation { platform: Platform::Slack, id: id.to_owned() };
    let one = done(&store, "d-1", &declare(Severity::High, "x")).await?.number;
    ensure!(!store.place_incident(number("9"), &room("C1"), None).await?);
    ensure!(store.incident_of_room(&room("C1")).await?.is_none());

    for _ in 0..2 {
        ensure!(store.place_incident(one, &room("C1"), None).await?);
    }
    let link = Some("https://example.slack.com/archives/C1/p15");
    let card = Some(NewCard { id: "1.5", link });
    for card in [card, None, card] {
        ensure!(store.place_incident(one, &room("C1"), card).await?);
    }
    let placed = store.incident_of_room(&room("C1")).await?.context("it has a room")?;
    let shown = IncidentRoom {
        place: room("C1"),
        card: Some(MessageRef { conversation: room("C1"), id: "1.5".to_owned() }),
        link: link.map(str::to_owned),
    };
    ensure!(placed.rooms == [shown.clone()], "{placed:?}");
    ensure!(placed.revision == 3, "saying the same again is no change: {placed:?}");
    let elsewhere = Conversation { platform: Platform::Discord, id: "C1".to_owned() };
    ensure!(store.incident_of_room(&elsewhere).await?.is_none());

    // A room on each platform, whatever their ids, and each with a card of its own.
    ensure!(store.place_incident(one, &elsewhere, None).await?);
    let both = store.incident_of_room(&elsewhere).await?.context("it has two rooms")?;
    let bare = IncidentRoom { place: elsewhere.clone(), card: None, link: None };
    ensure!(both.rooms == [bare.clone(), shown] && both.revision == 4, "{both:?}");
    ensure!(store.open_incidents().await? == std::slice::from_ref(&both));
    let noted = done(&store, "d-n", &IncidentChange::Note(one, "both".to_owned())).await?;
    ensure!(noted.rooms == both.rooms);

    // The old card does not stand in the new room.
    ensure!(store.place_incident(one, &room("C2"), None).await?);
    let moved = store.incident(one).await?.context("it is there")?;
    let there = IncidentRoom { place: room("C2"), ..bare.clone() };
    ensure!(moved.rooms == [bare, there], "{moved:?}");
    ensure!(store.incident_of_room(&room("C1")).await?.is_none());
    let rows = store.timeline(NEWEST).await?;
    let moves: Vec<_> = rows.iter().filter(|row| row.kind == Kind::Moved).collect();
    ensure!(moves.len() == 3 && moves[0].body == json!({ "platform": "slack", "room": "C2" }));

    // A channel that many share: the newest.
    let two = done(&store, "d-2", &declare(Severity::Low, "y")).await?.number;
    store.place_incident(two, &room("C2"), None).await?;
    let newest = store.incident_of_room(&room("C2")).await?.context("there are two")?;
    ensure!(newest.number == two);
    intact(&store).await?;
    Ok(())
}

async fn hostile_words_are_kept_and_bounded(db: Database) -> Result<()> {
    let store = db.open().await?;
    let nasty = "a\0b'; DROP TABLE incidents; --\u{202e}\u{1b}[2J\u{feff}\"\\𝕏\r\n$1";
    let huge = "é\0".repeat(1_000_000);
    let kept = done(&store, nasty, &declare(Severity::High, nasty)).await?;
    ensure!(kept.impact.raw() == nasty.replace('\0', "\u{fffd}"));
    let one = kept.number;
    let cut = done(&store, &huge, &declare(Severity::High, &huge)).await?;
    ensure!(cut.impact.raw().len() <= 4096 && cut.impact.raw().ends_with('…'));
    for text in [nasty, &huge] {
        let dedupe = format!("note {}", text.len());
        done(&store, &dedupe, &IncidentChange::Note(one, text.to_owned())).await?;
        let room = Conversation { platform: Platform::Slack, id: text.to_owned() };
        let card = NewCard { id: text, link: Some(text) };
        ensure!(store.place_incident(one, &room, Some(card)).await?);
        let found = store.incident_of_room(&room).await?.context("it was put there")?;
        let kept = found.room_on(Platform::Slack).context("it has one")?;
        // Half of a link leads nowhere.
        ensure!(kept.card.is_some() && kept.link.is_some() == (text.len() < 512), "{kept:?}");
    }
    let notes = store.incident_notes(one, 5).await?;
    ensure!(notes.len() == 2 && notes[0].text.raw().len() <= 4096);
    ensure!(notes[1].text.raw() == nasty.replace('\0', "\u{fffd}"));
    ensure!(notes[1].stamp.by.as_str() == "person-ana");
    ensure!(store.incident_notes(one, 1).await?.len() == 1);
    ensure!(store.incident_notes(cut.number, 5).await?.is_empty());
    intact(&store).await?;
    Ok(())
}

async fn an_edited_row_is_named(db: Database) -> Result<()> {
    let store = db.open().await?;
    let one = done(&store, "d-1", &declare(Severity::High, "x")).await?.number;
    // A state and a platform of another version.
    for edit in [
        "UPDATE incidents SET state = 'mitigated'",
        "UPDATE incidents SET state = 'open';
         INSERT INTO incident_rooms (incident, platform, room) VALUES (1, 'irc', '#ops')",
    ] {
        db.raw(edit).await?;
        for error in [store.incident(one).await.err(), store.open_incidents().await.err()] {
            let error = error.with_context(|| format!("taken after {edit}"))?;
            ensure!(matches!(&error, StoreError::Corrupt { what, .. } if what.contains("INC-1")));
        }
    }
    db.raw("DELETE FROM incident_rooms").await?;
    db.raw("DELETE FROM incident_counter").await?;
    let error = change(&store, "d-2", &declare(Severity::High, "y")).await;
    ensure!(matches!(error, Err(StoreError::Corrupt { .. })), "{error:?}");
    // What makes no sense is not even written.
    for edit in [
        "UPDATE incidents SET resolved_ms = 1",
        "UPDATE incidents SET state = 'resolved'",
        "UPDATE incidents SET severity = 'P1'",
        "INSERT INTO incident_rooms (incident, platform, room) VALUES (9, 'slack', 'C1')",
        "INSERT INTO incident_rooms (incident, platform, room, link) VALUES (1, 'slack', 'C1', 'x')",
    ] {
        ensure!(db.raw(edit).await.is_err(), "done: {edit}");
    }
    Ok(())
}

/// Makes the database as the first so many migrations left it.
async fn old(db: &Database, versions: &[&str]) -> Result<()> {
    let kind = if db.is_sqlite() { "sqlite" } else { "postgres" };
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
    let folder = tempfile::tempdir()?;
    for version in versions {
        let name = format!("{version}.sql");
        std::fs::copy(all.join(&name), folder.path().join(&name))?;
    }
    let migrator = Migrator::new(folder.path()).await?;
    if let Some(home) = &db.home {
        std::fs::create_dir(home.path().join("state"))?;
        let mut connection = SqliteConnection::connect(&format!("{}?mode=rwc", db.url)).await?;
        migrator.run_direct(None, &mut connection, false).await?;
        connection.close().await?;
    } else {
        let mut connection = PgConnection::connect(&db.url).await?;
        migrator.run_direct(None, &mut connection, false).await?;
        connection.close().await?;
    }
    Ok(())
}

/// What 0002 left behind, an incident's only room among it, is what 0005 finds.
async fn rooms_of_the_second_version_are_kept(db: Database) -> Result<()> {
    old(&db, &["0001_timeline", "0002_incidents"]).await?;
    db.raw(
        "INSERT INTO incidents (number, severity, impact, state, declared_ms, declared_by,
             acknowledged_ms, acknowledged_by, resolved_ms, resolved_by,
             room_platform, room, card, revision)
         VALUES
             (1, 'high', 'x', 'resolved', 1, 'ana', 2, 'bo', 3, 'cy', 'slack', 'C1', '1.5', 7),
             (2, 'low', 'y', 'acknowledged', 4, 'ana', 5, 'bo', NULL, NULL, 'slack', 'C2', NULL, 3),
             (3, 'critical', 'z', 'open', 6, 'ana', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1);
         UPDATE incident_counter SET last = 3",
    )
    .await?;
    let store = db.open().await?;
    let place = |id: &str| Conversation { platform: Platform::Slack, id: id.to_owned() };
    let one = store.incident(number("1")).await?.context("it was there")?;
    let card = MessageRef { conversation: place("C1"), id: "1.5".to_owned() };
    ensure!(one.rooms == [IncidentRoom { place: place("C1"), card: Some(card), link: None }]);
    let stamps = [Some(&one.declared), one.acknowledged.as_ref(), one.resolved.as_ref()];
    let stamps = stamps.map(|stamp| stamp.map(|stamp| (stamp.at_ms, stamp.by.as_str())));
    ensure!(stamps == [Some((1, "ana")), Some((2, "bo")), Some((3, "cy"))], "{stamps:?}");
    ensure!((one.revision, one.state) == (7, IncidentState::Resolved), "{one:?}");
    let open = store.open_incidents().await?;
    let rooms: Vec<_> = open.iter().map(|one| (one.number.get(), one.rooms.len())).collect();
    ensure!(rooms == [(3, 0), (2, 1)], "{rooms:?}");
    ensure!(store.incident_of_room(&place("C2")).await?.context("it was there")? == open[1]);
    ensure!(done(&store, "d-1", &declare(Severity::Low, "x")).await?.number == number("4"));
    // What made no sense before makes none now.
    for edit in ["UPDATE incidents SET state = 'resolved'", "UPDATE incidents SET severity = 'P1'"]
    {
        ensure!(db.raw(edit).await.is_err(), "done: {edit}");
    }
    intact(&store).await?;
    Ok(())
}

/// What a process that died left running is ended; what may still run is not.
async fn what_was_left_running_is_ended_once(db: Database) -> Result<()> {
    let stores = [db.open().await?, db.open().await?];
    let store = &stores[0];
    for i in 0..450 {
        store.begin(health(&format!("old {i}"))).await?;
    }
    store.record(health("ended"), answered()).await?;
    let age = Duration::from_secs(180);
    ensure!(store.end_leftovers(age).await? == 0, "they may still run");
    db.raw("UPDATE invocations SET running_since_ms = running_since_ms - 200000").await?;
    let young = begin_new(store, health("young")).await?;
    let (one, other) = tokio::join!(stores[0].end_leftovers(age), stores[1].end_leftovers(age));
    ensure!(one? + other? == 450);
    ensure!(store.end_leftovers(age).await? == 0, "they were ended twice");
    let failed = "SELECT count(*) FROM timeline WHERE kind = 'failed' AND actor = 'nova'";
    ensure!(db.number(failed).await? == 450);
    let row = store.timeline(NEWEST).await?.into_iter().find(|row| row.kind == Kind::Failed);
    let body = json!({ "exit_status": 2, "detail": { "verdict": "the process ended" } });
    ensure!(row.context("it is on the timeline")?.body == body);
    ensure!(db.number("SELECT count(running_since_ms) FROM invocations").await? == 1);
    store.finish(&young, answered()).await?;
    intact(store).await?;
    Ok(())
}

/// What 0001 left behind, rows and hashes, is what the later ones find.
async fn a_database_of_the_first_version_is_migrated(db: Database) -> Result<()> {
    old(&db, &["0001_timeline"]).await?;
    db.raw(include_str!("first_version.sql")).await?;

    let store = db.open().await?;
    ensure!(intact(&store).await?.seq == 3);
    let rows = store.timeline(NEWEST).await?;
    ensure!(rows[0].kind == Kind::Note && rows[0].body == json!({ "text": "before incidents" }));
    ensure!(matches!(store.begin(health("d-1")).await?, Begun::Duplicate(_)));
    // What it left running is found by its age, once.
    let Begun::Duplicate(running) = store.begin(health("d-0")).await? else {
        anyhow::bail!("a second delivery was taken as new");
    };
    ensure!(running.to_string() == "01HF7YAT00RUNN1NGRUNN1NG00", "{running}");
    db.clock.advance(200_000);
    let ended = store.end_leftovers(Duration::from_secs(180)).await?;
    ensure!(ended == 1, "{ended} were left running");
    ensure!(store.finish(&running, answered()).await.is_err(), "it was ended twice");
    ensure!(store.open_incidents().await?.is_empty());
    ensure!(done(&store, "d-2", &declare(Severity::Low, "x")).await?.number == number("INC-1"));
    ensure!(intact(&store).await?.seq == 7);
    Ok(())
}

contract!(
    an_incident_from_its_opening_to_its_end,
    what_is_over_stays_over,
    declared_by_many_at_once_without_gaps,
    one_of_many_takes_it,
    what_fails_leaves_nothing_behind,
    open_ones_come_worst_and_oldest_first,
    reading_what_is_open_does_not_read_what_is_over,
    rooms_and_cards_are_found_again,
    hostile_words_are_kept_and_bounded,
    an_edited_row_is_named,
    a_database_of_the_first_version_is_migrated,
    rooms_of_the_second_version_are_kept,
    what_was_left_running_is_ended_once,
);
