//! `db …` and `cache latency` on a real PostgreSQL, PgBouncer and Redis: as they should be, in the
//! trouble that the guide is about, and where something is missing or forbidden.

use std::fmt::Write as _;
use std::time::Duration;

use nova_sandbox::process::{PgBouncer, Postgres};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::support::{Nova, patient, stable, world};

const PASSWORD: &str = "r0le-passw0rd";
/// What nobody may see of a statement.
const HIDDEN: &str = "hunter2";

/// Numbers that differ from run to run, and with them the width of columns.
fn masked(body: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    for (pattern, replacement) in [
        (r"\b\d+(\.\d+)? (µs|ms|s|min|h|d)\b( \d+ (s|min|h)\b)?", "TIME"),
        (r"\b\d+(\.\d+)? ([KMG]i)?B\b", "SIZE"),
        (r"\b\d+(\.\d+)? ?%", "N %"),
        (r"\b\d+ of 97\b", "N of 97"),
        (r"\d+ active, \d+ idle, (\d+) idle in", "N active, N idle, $1 idle in"),
        (r"pid \d+", "pid N"),
        (r"backend\(\d+\)", "backend(N)"),
        (r"\d+ clients · \d+ commands/s", "N clients · N commands/s"),
        (r"[\d,]+ PINGs", "N PINGs"),
        (r"of [\d,]+ reads", "of N reads"),
        (r"is [\d,]+ transactions", "is N transactions"),
        (r"[▁▂▃▄▅▆▇█ ]{20,} now .*", "SPARKLINE"),
        (r"(?m)^(\s*)TIME +\d+ ", "$1TIME N "),
        (r"─{3,}", "───"),
        (r" {2,}", "  "),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings.bind(|| stable(body));
}

/// A limit that no PING reaches, however busy the machine is.
fn unhurried(text: String) -> String {
    patient(text) + "[redis.limits]\nlatency = \"30s\"\n"
}

/// Nova with no platform but this PostgreSQL, which it reaches on this port.
async fn nova_at(port: u16, more: &str) -> Nova {
    // The role's password is in a file of its own, as everywhere.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.keep().join("password");
    std::fs::write(&file, PASSWORD).expect("written");
    let section = format!(
        "[postgres]\nurl = \"postgres://nova@127.0.0.1:{port}/novacron\"\n\
         password = {{ file = {file:?} }}\n{more}\n"
    );
    Nova::on(world(false).await, |text| patient(text) + &section).await
}

/// A plain server with the role `nova`, which may log in and no more.
async fn plain() -> Postgres {
    let server = Postgres::start().await.expect("PostgreSQL is needed: run tests/run");
    let role = format!("CREATE ROLE nova LOGIN PASSWORD '{PASSWORD}'");
    server.execute(&role).await.expect("the superuser may");
    server
}

async fn said(nova: &mut Nova, lines: &[&str]) -> String {
    let mut replies = String::new();
    for line in lines {
        writeln!(replies, "> {line}\n{}", nova.say(line).await).expect("a string takes all");
    }
    replies
}

/// A session that calls itself by this name.
async fn session(url: &str, application: &str) -> PgConnection {
    let mut session = PgConnection::connect(url).await.expect("it connects");
    let name = format!("SET application_name = '{application}'");
    run(&mut session, &name).await;
    session
}

async fn run(session: &mut PgConnection, sql: &str) {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(session).await.expect("the statement runs");
}

/// Waits until the superuser's question is answered by `expected`.
async fn until(server: &Postgres, question: &str, expected: &str) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let seen = async {
        while server.execute(question).await.expect("the server answers").trim() != expected {
            look.tick().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), seen).await;
    waited.unwrap_or_else(|_| panic!("{expected} was awaited from {question}"));
}

#[tokio::test]
async fn a_quiet_database_and_a_quiet_cache_are_well() {
    let mut nova = Nova::on(world(true).await, unhurried).await;
    let lines = ["db status", "db activity", "db integrity"];
    let replies = said(&mut nova, &lines).await;
    masked(|| {
        insta::assert_snapshot!(replies, @r"
        > db status
        ✓ PostgreSQL: 5 ok

        ─ 5 ok
          ✓ connections  N of 97 (N %) · N active, N idle, 0 idle in transaction (expected below N %)  pg_stat_activity at 127.0.0.1:PORT · AGE
          ✓ database novacron  SIZE · N % of reads from the cache · 0 deadlocks  pg_stat_database at 127.0.0.1:PORT · AGE
          ✓ replication  primary, without a standby  pg_stat_replication at 127.0.0.1:PORT · AGE
          ✓ server  PostgreSQL 1N.N · accepts connections · login and answer in TIME · up TIME  connect to 127.0.0.1:PORT · AGE
          ✓ transaction ids  the oldest is N transactions old, N % of the limit (expected below N %)  pg_database at 127.0.0.1:PORT · AGE

        ─ Connections by state, of 97 and 3 reserved, pg_stat_activity at 127.0.0.1:PORT · AGE
          state  connections  of the limit
          active  0  N %
          of these, waiting for a lock  0  N %
          idle  0  N %
          idle in transaction  0  N %
          other  0  N %

        [1] Check again  [2] Activity  [3] Slow queries
          TIME
        exit 0

        > db activity
        ✓ PostgreSQL activity: 2 ok

        ─ 2 ok
          ✓ connections  N of 97 (N %) · N active, N idle, 0 idle in transaction (expected below N %)  pg_stat_activity at 127.0.0.1:PORT · AGE
          ✓ statements  none runs  pg_stat_activity at 127.0.0.1:PORT · AGE

        [1] Look again  [2] Slow queries  [3] Status
          TIME
        exit 0

        > db integrity
        ! Database integrity: 1 warning, 1 not available here, 2 ok
          ! VMs  36 of 48 running or stopped (N %), 6 broken (expected none broken)
          └ vms at 127.0.0.1:PORT · AGE
          – checksums  off: damaged pages go unseen  pg_stat_database at 127.0.0.1:PORT · AGE
          → pg_checksums --enable, while PostgreSQL is stopped

        ─ 2 ok
          ✓ constraints  all are checked  pg_constraint at 127.0.0.1:PORT · AGE
          ✓ indexes  all are valid  pg_index at 127.0.0.1:PORT · AGE

        ─ VMs by status, vms at 127.0.0.1:PORT · AGE
          status  VMs  share
          running  30  N %
          creating  6  N %
          error  6  N %
          stopped  6  N %

        [1] Check again  [2] Recovery plan
          TIME
        exit 1
        ");
    });
    let replies = said(&mut nova, &["cache latency --seconds 1"]).await;
    masked(|| {
        insta::assert_snapshot!(replies, @r"
    > cache latency --seconds 1
    ✓ Redis latency: 1 without data, 1 not available here, 5 ok
      ? hit rate  no key has been read yet  INFO at 127.0.0.1:PORT · AGE
      – recorded delays  the monitor is off  LATENCY LATEST at 127.0.0.1:PORT · AGE
      → CONFIG SET latency-monitor-threshold 10

    ─ 5 ok
      ✓ evictions  none AGE, 0 since the start  INFO at 127.0.0.1:PORT · AGE
      ✓ latency  p99 TIME · min TIME · mean TIME · max TIME · N PINGs (expected p99 below TIME)  PING at 127.0.0.1:PORT · AGE
      ✓ memory  SIZE, without a limit  INFO at 127.0.0.1:PORT · AGE
      ✓ role  Redis 7.N.N, master · N clients · N commands/s  INFO at 127.0.0.1:PORT · AGE
      ✓ slow commands  none in the last TIME  SLOWLOG GET at 127.0.0.1:PORT · AGE

    ─ Slowest PING, PING at 127.0.0.1:PORT · AGE
      RedisSPARKLINE
      limit TIME

    [1] Measure TIME  [2] Health
      TIME
    exit 0
    ");
    });
    let wrong = said(&mut nova, &["cache latency --seconds 31", "cache latency 3"]).await;
    insta::assert_snapshot!(wrong, @r"
    > cache latency --seconds 31
    ✗ `31` does not fit `--seconds <1-30>`: 31 is not in 1..=30
    exit 2

    > cache latency 3
    ✗ `cache latency` does not take `3`; see `help cache latency`
    exit 2
    ");
}

#[tokio::test]
async fn who_waits_for_whom_is_told_and_no_value_of_a_statement() {
    let limits = "[postgres.limits]\nlong_statement = \"1ms\"\nidle_in_transaction = \"1ms\"\n";
    let mut nova = Nova::on(world(true).await, |text| patient(text) + limits).await;
    let server = nova.world.postgres().expect("it runs");
    let mut holder = session(&server.url(), "vm-service").await;
    let mut waiter = session(&server.url(), "api-gateway").await;
    run(&mut holder, "BEGIN").await;
    let update = format!("UPDATE vms SET name = '{HIDDEN}' WHERE id = 'vm-0001' -- {HIDDEN}");
    run(&mut holder, &update).await;
    let waiting = tokio::spawn(async move { run(&mut waiter, &update).await });
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    until(server, blocked, "1").await;
    let reply = nova.say("db activity").await;
    assert!(!reply.contains(HIDDEN), "{reply}");
    // The test's own looks may still be there.
    let reply: Vec<&str> = reply.lines().filter(|line| !line.contains("psql")).collect();
    let reply = reply.join("\n");
    masked(|| {
        insta::assert_snapshot!(reply, @r"
    ✗ PostgreSQL activity: 1 failing, 2 warnings, 1 ok
      ✗ locks  1 session waits for pid N (vm-service, idle in transaction), for up to TIME
      └ pg_blocking_pids at 127.0.0.1:PORT · AGE
      ! open transactions  1 does nothing; the longest for TIME: pid N (vm-service, idle in transaction) (expected below TIME)
      └ pg_stat_activity at 127.0.0.1:PORT · AGE
      → set idle_in_transaction_session_timeout, or restart its owner
      ! statements  1 runs; the longest for TIME: pid N (api-gateway, active) (expected below TIME)
      └ pg_stat_activity at 127.0.0.1:PORT · AGE
      → its owner may end it: SELECT pg_cancel_backend(N);

    ─ 1 ok
      ✓ connections  N of 97 (N %) · N active, N idle, 1 idle in transaction (expected below N %)  pg_stat_activity at 127.0.0.1:PORT · AGE

    ─ Not idle, longest first, pg_stat_activity at 127.0.0.1:PORT · AGE
      for  pid  state  application  user  client  waits for  statement
     N  idle in transaction  vm-service  postgres  127.0.0.1  Client ClientRead  UPDATE vms SET name = ? WHERE id = ?
     N  active  api-gateway  postgres  127.0.0.1  pid N  UPDATE vms SET name = ? WHERE id = ?

    ─ Connections by application, pg_stat_activity at 127.0.0.1:PORT · AGE
      total  application  user  client  active  idle  in transaction
      1  api-gateway  postgres  127.0.0.1  1  0  0
      1  vm-service  postgres  127.0.0.1  0  0  1

    [1] Look again  [2] Slow queries  [3] Status
      TIME
    exit 1
    ");
    });
    // The whole report, as a script takes it, holds no value either.
    let entries = format!("{:?}", nova.timeline().await);
    assert!(!entries.contains(HIDDEN), "{entries}");
    run(&mut holder, "ROLLBACK").await;
    waiting.await.expect("the waiting one goes on");
}

#[tokio::test]
async fn connections_run_out_and_that_is_said_before_and_after() {
    let server = plain().await;
    server.execute("GRANT pg_monitor TO nova").await.expect("granted");
    server.execute("ALTER SYSTEM SET max_connections = 13").await.expect("set");
    server.restart().await.expect("it comes back");
    let mut nova = nova_at(server.port(), "").await;
    // Ten are for everybody and three for superusers; nova needs one for its question.
    let url = server.url_as("nova", PASSWORD);
    let mut held = Vec::new();
    let mut replies = String::new();
    for (count, line) in
        [(7, "db activity"), (8, "db activity"), (9, "db activity"), (10, "db status")]
    {
        // The place of the last question is free again a moment after its answer.
        let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nova'";
        until(&server, ours, "0").await;
        while held.len() < count {
            held.push(session(&url, "vm-service").await);
        }
        let reply = nova.say(line).await;
        let about = |line: &&str| line.contains("connections  ") || line.contains("server  ");
        let shown = reply.lines().find(about).unwrap_or(&reply);
        writeln!(replies, "{count}: {}", shown.trim()).expect("a string takes all");
    }
    stable(|| {
        insta::assert_snapshot!(replies, @r"
    7: ✓ connections  7 of 10 (70 %) · 0 active, 7 idle, 0 idle in transaction (expected below 80 %)  pg_stat_activity at 127.0.0.1:PORT · AGE
    8: ! connections  8 of 10 (80 %) · 0 active, 8 idle, 0 idle in transaction (expected below 80 %)
    9: ! connections  9 of 10 (90 %) · 0 active, 9 idle, 0 idle in transaction (expected below 80 %)
    10: ✗ server  too busy: remaining connection slots are reserved for non-replication superuser connections
    ");
    });
}

#[tokio::test]
async fn what_is_missing_is_named_with_the_statement_that_brings_it() {
    let server = plain().await;
    let mut nova = nova_at(server.port(), "").await;
    let lines =
        ["db status", "db activity", "db slow-queries", "db access-patterns", "db integrity"];
    let replies = said(&mut nova, &lines).await;
    masked(|| {
        insta::assert_snapshot!(replies, @r"
        > db status
        ✓ PostgreSQL: 1 not available here, 5 ok
          – other roles' sessions  hidden: nova's role is not in pg_monitor  pg_stat_activity at 127.0.0.1:PORT · AGE
          → GRANT pg_monitor TO nova;

        ─ 5 ok
          ✓ connections  N of 97 (N %) (expected below N %)  pg_stat_activity at 127.0.0.1:PORT · AGE
          ✓ database novacron  SIZE · N % of reads from the cache · 0 deadlocks  pg_stat_database at 127.0.0.1:PORT · AGE
          ✓ replication  primary, without a standby  pg_stat_replication at 127.0.0.1:PORT · AGE
          ✓ server  PostgreSQL 1N.N · accepts connections · login and answer in TIME · up TIME  connect to 127.0.0.1:PORT · AGE
          ✓ transaction ids  the oldest is N transactions old, N % of the limit (expected below N %)  pg_database at 127.0.0.1:PORT · AGE

        [1] Check again  [2] Activity  [3] Slow queries
          TIME
        exit 0

        > db activity
        ✓ PostgreSQL activity: 1 not available here, 1 ok
          – other roles' sessions  hidden: nova's role is not in pg_monitor  pg_stat_activity at 127.0.0.1:PORT · AGE
          → GRANT pg_monitor TO nova;

        ─ 1 ok
          ✓ connections  N of 97 (N %) (expected below N %)  pg_stat_activity at 127.0.0.1:PORT · AGE

        [1] Look again  [2] Slow queries  [3] Status
          TIME
        exit 0

        > db slow-queries
        ? Slow queries: 2 not available here
          – statements  pg_stat_statements is not created; whether the server loads it is hidden  pg_stat_statements at 127.0.0.1:PORT · AGE
          → CREATE EXTENSION pg_stat_statements;
          – other roles' sessions  hidden: nova's role is not in pg_monitor  pg_stat_activity at 127.0.0.1:PORT · AGE
          → GRANT pg_monitor TO nova;

        [1] Running AGE  [2] Many rows
          TIME
        exit 0

        > db access-patterns
        ✓ Access patterns: 1 not available here, 1 ok
          – statements  pg_stat_statements is not created; whether the server loads it is hidden  pg_stat_statements at 127.0.0.1:PORT · AGE
          → CREATE EXTENSION pg_stat_statements;

        ─ 1 ok
          ✓ tables  none is read from end to end over 1,000 rows  pg_stat_user_tables at 127.0.0.1:PORT · AGE

        [1] Slow queries  [2] Running AGE  [3] Audit log
          TIME
        exit 0

        > db integrity
        ○ Database integrity: 1 absent, 1 not available here, 2 ok
          ○ VMs  no table `vms`
          └ vms at 127.0.0.1:PORT · AGE
          → name it in [postgres] `vms_table`
          – checksums  off: damaged pages go unseen  pg_stat_database at 127.0.0.1:PORT · AGE
          → pg_checksums --enable, while PostgreSQL is stopped

        ─ 2 ok
          ✓ constraints  all are checked  pg_constraint at 127.0.0.1:PORT · AGE
          ✓ indexes  all are valid  pg_index at 127.0.0.1:PORT · AGE

        [1] Check again  [2] Recovery plan
          TIME
        exit 1
        ");
    });

    // Each of them is the statement that helps.
    for (line, statement) in [
        ("db activity", "GRANT pg_monitor TO nova;"),
        ("db slow-queries", "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'"),
        ("db slow-queries", "CREATE EXTENSION pg_stat_statements;"),
    ] {
        let reply = nova.say(line).await;
        assert!(reply.contains(statement), "{statement} was awaited: {reply}");
        server.execute(statement).await.expect("it is SQL");
        server.restart().await.expect("it comes back");
    }
    server
        .execute("CREATE TABLE vms (state text); GRANT SELECT ON vms TO nova")
        .await
        .expect("made");
    let replies = said(&mut nova, &lines).await;
    for missing in ["→ GRANT", "→ CREATE EXTENSION", "→ ALTER SYSTEM"] {
        assert!(!replies.contains(missing), "{missing}: {replies}");
    }
    // Created and not loaded is another thing.
    server.execute("ALTER SYSTEM RESET shared_preload_libraries").await.expect("reset");
    server.restart().await.expect("it comes back");
    let reply = nova.say("db slow-queries").await;
    assert!(reply.contains("is not loaded") && !reply.contains("CREATE EXTENSION"), "{reply}");
}

#[tokio::test]
async fn slow_and_greedy_statements_are_found() {
    let limits = "[postgres.limits]\nslow_statement = \"1us\"\n";
    let mut nova = Nova::on(world(true).await, |text| patient(text) + limits).await;
    let server = nova.world.postgres().expect("it runs");
    server
        .execute("CREATE TABLE events AS SELECT n FROM generate_series(1, 5000) n")
        .await
        .expect("made");
    server.execute("SELECT pg_stat_statements_reset()").await.expect("reset");
    for n in 0..3 {
        let greedy = format!("SELECT n, '{HIDDEN}' FROM events WHERE n > {n}");
        server.execute(&greedy).await.expect("it runs");
    }
    // What is no query is recorded with its values.
    let secret = format!("CREATE ROLE someone PASSWORD '{HIDDEN}'");
    server.execute(&secret).await.expect("it runs");
    let slow = nova.say("db slow-queries").await;
    assert!(slow.contains("CREATE ROLE someone PASSWORD ?"), "{slow}");
    assert!(slow.contains("over the limit") && !slow.contains(HIDDEN), "{slow}");
    let patterns = nova.say("db access-patterns").await;
    assert!(!patterns.contains(HIDDEN), "{patterns}");
    masked(|| {
        insta::assert_snapshot!(patterns, @r"
        ! Access patterns: 1 warning, 1 ok
          ! statements  1 returns more than 1,000 rows a call; the most 4,999, 3 calls by postgres
          └ pg_stat_statements at 127.0.0.1:PORT · AGE
          → is each of them meant to read so much? A stolen account reads in bulk

        ─ 1 ok
          ✓ tables  1 read from end to end; most rows from events: 15,000 in 3 scans  pg_stat_user_tables at 127.0.0.1:PORT · AGE

        ─ Over 1,000 rows a call, most calls first, pg_stat_statements at 127.0.0.1:PORT · AGE
          calls  rows a call  mean  user  database  statement
          3  4,999  TIME  postgres  novacron  SELECT n, ? FROM events WHERE n > ?

        ─ Read from end to end, most rows first, pg_stat_user_tables at 127.0.0.1:PORT · AGE
          table  scans  rows read  rows a scan  by index  rows held
          events  3  15,000  5,000  0  5,000

        [1] Slow queries  [2] Running AGE  [3] Audit log
          TIME
        exit 1
        ");
    });
}

#[tokio::test]
async fn what_is_not_sound_in_a_database_is_told() {
    let server = plain().await;
    let mut nova = nova_at(server.port(), "").await;
    let machines = "CREATE TABLE vms (id int, state text); INSERT INTO vms VALUES
        (1, 'running'), (2, 'running'), (3, 'stopped'), (4, 'error'), (4, NULL);";
    server.execute(machines).await.expect("made");
    let mut replies = said(&mut nova, &["db integrity"]).await;
    server.execute("GRANT SELECT ON vms TO nova").await.expect("granted");
    // It fails for the double id, and stays behind.
    let index = "CREATE UNIQUE INDEX CONCURRENTLY vms_id ON vms (id)";
    server.execute(index).await.expect_err("an id is there twice");
    let check = "ALTER TABLE vms ADD CONSTRAINT named CHECK (state IS NOT NULL) NOT VALID";
    server.execute(check).await.expect("added");
    replies += &said(&mut nova, &["db integrity"]).await;
    server.execute("ALTER TABLE vms RENAME COLUMN state TO phase").await.expect("renamed");
    replies += &said(&mut nova, &["db integrity"]).await;
    masked(|| {
        insta::assert_snapshot!(replies, @r"
        > db integrity
        ✓ Database integrity: 1 without data, 1 not available here, 2 ok
          ? VMs  nova's role may not read `vms`  vms at 127.0.0.1:PORT · AGE
          → GRANT SELECT ON vms TO nova;
          – checksums  off: damaged pages go unseen  pg_stat_database at 127.0.0.1:PORT · AGE
          → pg_checksums --enable, while PostgreSQL is stopped

        ─ 2 ok
          ✓ constraints  all are checked  pg_constraint at 127.0.0.1:PORT · AGE
          ✓ indexes  all are valid  pg_index at 127.0.0.1:PORT · AGE

        [1] Check again  [2] Recovery plan
          TIME
        exit 0

        > db integrity
        ! Database integrity: 3 warnings, 1 not available here
          ! VMs  3 of 5 running or stopped (N %), 1 broken (expected none broken)
          └ vms at 127.0.0.1:PORT · AGE
          ! constraints  1 never checked: named on vms
          └ pg_constraint at 127.0.0.1:PORT · AGE
          → ALTER TABLE … VALIDATE CONSTRAINT …
          ! indexes  1 invalid: vms_id on vms
          └ pg_index at 127.0.0.1:PORT · AGE
          → rebuild them: db reindex
          – checksums  off: damaged pages go unseen  pg_stat_database at 127.0.0.1:PORT · AGE
          → pg_checksums --enable, while PostgreSQL is stopped

        ─ VMs by state, vms at 127.0.0.1:PORT · AGE
          status  VMs  share
          running  2  N %
          error  1  N %
          stopped  1  N %
          (none)  1  N %

        [1] Check again  [2] Recovery plan
          TIME
        exit 1

        > db integrity
        ! Database integrity: 2 warnings, 1 absent, 1 not available here
          ! constraints  1 never checked: named on vms
          └ pg_constraint at 127.0.0.1:PORT · AGE
          → ALTER TABLE … VALIDATE CONSTRAINT …
          ! indexes  1 invalid: vms_id on vms
          └ pg_index at 127.0.0.1:PORT · AGE
          → rebuild them: db reindex
          ○ VMs  `vms` has no column status or state
          └ vms at 127.0.0.1:PORT · AGE
          → name it in [postgres] `vms_status`
          – checksums  off: damaged pages go unseen  pg_stat_database at 127.0.0.1:PORT · AGE
          → pg_checksums --enable, while PostgreSQL is stopped

        [1] Check again  [2] Recovery plan
          TIME
        exit 1
        ");
    });

    let mut elsewhere =
        nova_at(server.port(), "vms_table = \"public.vms\"\nvms_status = \"phase\"").await;
    let reply = elsewhere.say("db integrity").await;
    assert!(reply.contains("3 of 5 running or stopped"), "{reply}");
}

#[tokio::test]
async fn behind_a_pooler_in_transaction_mode_all_answers_stay() {
    let server = plain().await;
    let setup = "GRANT pg_monitor TO nova; CREATE TABLE vms (status text);
        INSERT INTO vms VALUES ('running'); GRANT SELECT ON vms TO nova;";
    server.execute(setup).await.expect("made");
    let pooler = PgBouncer::start(&server, "nova", PASSWORD).await;
    let pooler = pooler.expect("PgBouncer is needed: run tests/run");
    let mut nova = nova_at(pooler.port(), "").await;
    // Several times: all share one connection of the server, with whatever was left on it.
    for line in ["db status", "db activity", "db integrity", "db access-patterns", "health"] {
        for _ in 0..2 {
            let reply = nova.say(line).await;
            let refused = [
                "prepared statement",
                "unsupported startup",
                "request refused",
                "connection broke",
            ];
            for words in refused {
                assert!(!reply.contains(words), "{line}: {reply}");
            }
        }
    }
    let status = nova.say("db status").await;
    assert!(status.contains("accepts connections") && status.contains("exit 0"), "{status}");
    // Nothing of ours stays on the connection that the platform gets next.
    let url = format!("postgres://nova:{PASSWORD}@127.0.0.1:{}/novacron", pooler.port());
    let options: sqlx::postgres::PgConnectOptions = url.parse().expect("a URL");
    let plain = options.extra_float_digits(None);
    let mut next = PgConnection::connect_with(&plain).await.expect("it connects");
    for (setting, expected) in [("statement_timeout", "0"), ("transaction_read_only", "off")] {
        let ask = sqlx::AssertSqlSafe(format!("SHOW {setting}"));
        let row =
            sqlx::query(ask).persistent(false).fetch_one(&mut next).await.expect("it answers");
        assert_eq!(row.get::<String, _>(0), expected, "{setting}");
    }
    let prepared = sqlx::query("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''");
    let row = prepared.persistent(false).fetch_one(&mut next).await.expect("it answers");
    assert_eq!(row.get::<i64, _>(0), 0);
}

#[tokio::test]
async fn a_standby_is_seen_from_both_sides_and_missed_when_it_is_gone() {
    let primary = plain().await;
    primary.execute("GRANT pg_monitor TO nova").await.expect("granted");
    let standby = primary.standby().await.expect("it follows");
    let streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    until(&primary, streaming, "1").await;
    let mut replies = String::new();
    let about = |line: &&str| line.contains("replication");
    let mut here = nova_at(primary.port(), "").await;
    let mut there = nova_at(standby.port(), "").await;
    for (name, nova) in [("primary", &mut here), ("standby", &mut there)] {
        let reply = nova.say("db status").await;
        let lines: Vec<&str> = reply.lines().filter(about).map(str::trim).collect();
        writeln!(replies, "{name}: {}", lines.join("\n")).expect("a string takes all");
    }
    primary.stop();
    let gone = "SELECT count(*) FROM pg_stat_wal_receiver";
    until(&standby, gone, "0").await;
    let reply = there.say("db status").await;
    let lines: Vec<&str> = reply.lines().filter(about).map(str::trim).collect();
    writeln!(replies, "alone: {}", lines.join("\n")).expect("a string takes all");
    standby.stop();
    primary.start_again().await.expect("it comes back");
    let reply = here.say("db status").await;
    let lines: Vec<&str> = reply.lines().filter(about).map(str::trim).collect();
    writeln!(replies, "left: {}", lines.join("\n")).expect("a string takes all");
    masked(|| {
        insta::assert_snapshot!(replies, @r"
    primary: ✓ replication  primary of 1; behind by up to TIME (expected below TIME)  pg_stat_replication at 127.0.0.1:PORT · AGE
    ─ Standbys, furthest behind first, pg_stat_replication at 127.0.0.1:PORT · AGE
    standby: ✓ replication  standby, behind by TIME and SIZE (expected below TIME)  pg_stat_wal_receiver at 127.0.0.1:PORT · AGE
    alone: ✗ replication  standby, behind by TIME and SIZE, not connected to its primary (expected below TIME)
    left: ! replication slot  `standby` is read by nobody; SIZE of log kept
    └ pg_replication_slots at 127.0.0.1:PORT · AGE
    ✓ replication  primary, without a standby  pg_stat_replication at 127.0.0.1:PORT · AGE
    ");
    });
}

#[tokio::test]
async fn a_database_that_is_down_or_not_configured_is_one_finding() {
    let mut nova = Nova::on(world(true).await, patient).await;
    nova.sandbox("break postgres").await;
    nova.sandbox("break redis").await;
    let lines = [
        "db status",
        "db activity",
        "db slow-queries",
        "db access-patterns",
        "db integrity",
        "cache latency --seconds 1",
    ];
    let down = said(&mut nova, &lines).await;
    masked(|| {
        insta::assert_snapshot!(down, @r"
        > db status
        ✗ PostgreSQL: 1 failing
          ✗ server  connection refused
          └ connect to 127.0.0.1:PORT · AGE

        [1] Check again  [2] Health
          TIME
        exit 1

        > db activity
        ✗ PostgreSQL activity: 1 failing
          ✗ PostgreSQL  connection refused
          └ pg_stat_activity at 127.0.0.1:PORT · AGE

        [1] Look again  [2] Status
          TIME
        exit 1

        > db slow-queries
        ✗ Slow queries: 1 failing
          ✗ statements  connection refused
          └ pg_stat_statements at 127.0.0.1:PORT · AGE

        [1] Running AGE  [2] Many rows
          TIME
        exit 1

        > db access-patterns
        ✗ Access patterns: 1 failing
          ✗ statements  connection refused
          └ pg_stat_statements at 127.0.0.1:PORT · AGE

        [1] Slow queries  [2] Running AGE  [3] Audit log
          TIME
        exit 1

        > db integrity
        ✗ Database integrity: 1 failing
          ✗ VMs  connection refused
          └ vms at 127.0.0.1:PORT · AGE

        [1] Check again  [2] Status
          TIME
        exit 1

        > cache latency --seconds 1
        ✗ Redis latency: 1 failing
          ✗ latency  connection refused
          └ PING at 127.0.0.1:PORT · AGE

        [1] Measure TIME  [2] Health
          TIME
        exit 1
        ");
    });
    let mut nova = Nova::start().await;
    for line in lines {
        let reply = nova.say(line).await;
        assert!(reply.contains("not configured") && reply.contains("exit 0"), "{line}: {reply}");
    }
}

#[tokio::test]
async fn a_full_cache_evicts_or_refuses() {
    let mut nova = Nova::on(world(true).await, unhurried).await;
    let redis = nova.world.redis().expect("it runs");
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await.expect("set");
    let refusing = nova.say("cache latency --seconds 1").await;
    let redis = nova.world.redis().expect("it runs");
    redis.command(&["CONFIG", "SET", "maxmemory", "3mb"]).await.expect("set");
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await.expect("set");
    // Filled while it is measured, until the answer is there.
    let invocation = nova.invocation("cache latency --seconds 1");
    let value = "x".repeat(50_000);
    let fill = async {
        let redis = nova.world.redis().expect("it runs");
        for n in 0_u32.. {
            redis.command(&["SET", &format!("key:{n}"), &value]).await.expect("set");
        }
    };
    let evicting = tokio::select! {
        (_, shown) = nova.deliver(&invocation) => shown,
        () = fill => unreachable!("it fills without end"),
    };
    let about = |line: &&str| line.contains("memory  ") || line.contains("evictions  ");
    let lines: Vec<&str> = refusing.lines().chain(evicting.lines()).filter(about).collect();
    let shown = lines.join("\n");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\b[\d,]+ (meanwhile|since)", "N $1");
    settings.bind(|| {
        masked(|| {
            insta::assert_snapshot!(shown, @r"
    ✗ memory  SIZE of SIZE (N %): writes are refused
    ✓ evictions  none AGE, N since the start  INFO at 127.0.0.1:PORT · AGE
    ! evictions  N meanwhile, N since the start
    ! memory  SIZE of SIZE (N %), allkeys-lru (expected below N %)
    ");
        });
    });
}

#[tokio::test]
async fn slow_commands_are_named_without_what_they_were_given() {
    let mut nova = Nova::on(world(true).await, unhurried).await;
    let redis = nova.world.redis().expect("it runs");
    redis.command(&["CONFIG", "SET", "latency-monitor-threshold", "1"]).await.expect("set");
    redis.command(&["CONFIG", "SET", "slowlog-log-slower-than", "1000"]).await.expect("set");
    // A command that takes long enough on any machine.
    let busy = "local n = 0 for i = 1, 20000000 do n = n + i end return n";
    redis.command(&["EVAL", busy, "1", &format!("session:token:{HIDDEN}")]).await.expect("it runs");
    redis.command(&["CONFIG", "SET", "slowlog-log-slower-than", "1000000"]).await.expect("set");
    redis.command(&["CONFIG", "SET", "latency-monitor-threshold", "100000"]).await.expect("set");
    let reply = nova.say("cache latency --seconds 1").await;
    assert!(!reply.contains(HIDDEN) && !reply.contains("local n"), "{reply}");
    let about = |line: &&str| {
        ["slow commands  ", "delays  ", "EVAL"].iter().any(|word| line.contains(word))
    };
    let lines: Vec<&str> = reply.lines().filter(about).collect();
    let shown = lines.join("\n");
    masked(|| {
        insta::assert_snapshot!(shown, @r"
    ! recorded delays  command: latest TIME, longest TIME; 1 kind in all
    ! slow commands  1 in the last TIME; the slowest EVAL: TIME
    TIME  EVAL  TIME ago
    ");
    });
}

#[tokio::test]
async fn what_the_user_of_redis_may_not_ask_is_no_failure() {
    let world = world(true).await;
    let redis = world.redis().expect("it runs");
    let rule = format!(">{PASSWORD}");
    redis.command(&["ACL", "SETUSER", "nova", "on", &rule, "+ping"]).await.expect("set");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    std::fs::write(&file, PASSWORD).expect("written");
    let port = redis.port();
    let edit = |text: String| {
        // In place of the world's own section, which is that of the superuser.
        let (before, rest) = text.split_once("[redis]").expect("it is there");
        let (_, after) = rest.split_once("\n\n").expect("sections are parted");
        let section = format!(
            "[redis]\nurl = \"redis://127.0.0.1:{port}/0\"\nusername = \"nova\"\n\
             password = {{ file = {file:?} }}\n\n"
        );
        unhurried(format!("{before}{section}{after}"))
    };
    let mut nova = Nova::on(world, edit).await;
    let reply = nova.say("cache latency --seconds 1").await;
    masked(|| {
        insta::assert_snapshot!(reply, @r"
    ✓ Redis latency: 3 without data, 1 ok
      ? memory  not permitted: this user has no permissions to run the 'info' command  INFO at 127.0.0.1:PORT · AGE
      → ACL SETUSER … +info
      ? recorded delays  not permitted: this user has no permissions to run the 'latency|latest' command  LATENCY LATEST at 127.0.0.1:PORT · AGE
      → ACL SETUSER … +latency|latest
      ? slow commands  not permitted: this user has no permissions to run the 'slowlog|get' command  SLOWLOG GET at 127.0.0.1:PORT · AGE
      → ACL SETUSER … +slowlog|get

    ─ 1 ok
      ✓ latency  p99 TIME · min TIME · mean TIME · max TIME · N PINGs (expected p99 below TIME)  PING at 127.0.0.1:PORT · AGE

    ─ Slowest PING, PING at 127.0.0.1:PORT · AGE
      RedisSPARKLINE
      limit TIME

    [1] Measure TIME  [2] Health
      TIME
    exit 0
    ");
    });
    // What is asked for is enough.
    let redis = nova.world.redis().expect("it runs");
    let rules = ["+info", "+slowlog|get", "+latency|latest", "+config|get"];
    for rule in rules {
        redis.command(&["ACL", "SETUSER", "nova", rule]).await.expect("set");
    }
    let reply = nova.say("cache latency --seconds 1").await;
    assert!(!reply.contains("not permitted") && !reply.contains("may not"), "{reply}");
}

#[tokio::test]
async fn a_cache_that_goes_in_the_middle_of_the_window_is_told_with_what_was_measured() {
    let mut nova = Nova::on(world(true).await, patient).await;
    let invocation = nova.invocation("cache latency --seconds 30");
    let redis = nova.world.redis().expect("it runs");
    redis.command(&["CONFIG", "RESETSTAT"]).await.expect("reset");
    let stop = async {
        let redis = nova.world.redis().expect("it runs");
        let mut look = tokio::time::interval(Duration::from_millis(20));
        let asked = async {
            while !redis
                .command(&["INFO", "commandstats"])
                .await
                .expect("INFO")
                .contains("_ping:calls=")
            {
                look.tick().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), asked).await;
        waited.expect("a PING was awaited");
        nova.sandbox("break redis").await;
    };
    let ((_, reply), ()) = tokio::join!(nova.deliver(&invocation), stop);
    let lines: Vec<&str> = reply.lines().filter(|line| line.contains("latency  ")).collect();
    assert_eq!(lines.len(), 2, "{reply}");
    assert!(reply.contains("p99") && reply.contains("exit 1"), "{reply}");
}
