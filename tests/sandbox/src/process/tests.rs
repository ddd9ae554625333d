//! Each real program is started, asked, stopped, started again, and gone after its owner.
//!
//! A program that is not on the machine cannot be tested; its start then has to say what to install.

use std::path::Path;

use super::*;

fn alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// The started program; `None`, with a look at the error, where it is not installed.
fn started<T>(found: Option<PathBuf>, result: anyhow::Result<T>) -> Option<T> {
    match (found, result) {
        (_, Ok(program)) => Some(program),
        (None, Err(error)) => {
            assert!(error.to_string().contains("install"), "{error}");
            None
        }
        (Some(path), Err(error)) => panic!("{} does not start: {error:#}", path.display()),
    }
}

#[tokio::test]
async fn postgres_keeps_its_data_over_a_restart_and_goes_with_its_owner() {
    let result = Postgres::start().await;
    let Some(postgres) = started(Postgres::find(), result) else {
        return;
    };
    let first = postgres.pid().unwrap();
    postgres.execute("CREATE TABLE t(n int); INSERT INTO t VALUES (7);").await.unwrap();
    let error = postgres.execute("SELECT nonsense").await.unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");

    let (port, url) = (postgres.port(), postgres.url());
    postgres.stop();
    assert!(!postgres.is_running() && !alive(first));
    assert!(postgres.execute("SELECT 1").await.is_err());
    postgres.start_again().await.unwrap();
    assert_eq!((postgres.port(), postgres.url()), (port, url));
    assert_eq!(postgres.execute("SELECT n FROM t").await.unwrap(), "7\n");

    postgres.restart().await.unwrap();
    let last = postgres.pid().unwrap();
    assert!(alive(last) && last != first);
    drop(postgres);
    assert!(!alive(last), "the process outlived its owner");
}

#[tokio::test]
async fn redis_wants_its_password_and_goes_with_its_owner() {
    let result = Redis::start().await;
    let Some(redis) = started(Redis::find(), result) else {
        return;
    };
    redis.command(&["SET", "a", "x y\r\nz"]).await.unwrap();
    assert_eq!(redis.command(&["GET", "a"]).await.unwrap(), "x y\r\nz");
    assert_eq!(redis.command(&["GET", "b"]).await.unwrap(), "");
    assert_eq!(redis.command(&["DBSIZE"]).await.unwrap(), "1");
    assert!(redis.command(&["NONSENSE"]).await.is_err());
    let wrong = ask::redis(redis.port(), "wrong", &[&["PING"]]).await;
    assert!(wrong.unwrap_err().to_string().contains("WRONGPASS"));

    let first = redis.pid().unwrap();
    redis.stop();
    assert!(!redis.is_running() && !alive(first));
    assert!(redis.command(&["PING"]).await.is_err());
    redis.start_again().await.unwrap();
    assert_eq!(redis.command(&["DBSIZE"]).await.unwrap(), "0");
    let last = redis.pid().unwrap();
    drop(redis);
    assert!(!alive(last), "the process outlived its owner");
}

#[tokio::test]
async fn prometheus_is_ready_and_goes_with_its_owner() {
    let result = Prometheus::start(&[("a", "127.0.0.1:1"), ("b", "127.0.0.1:2")]).await;
    let Some(prometheus) = started(Prometheus::find(), result) else {
        return;
    };
    let port = prometheus.port();
    assert!(ask::http_ok(port, "/-/healthy").await);
    assert!(ask::http_ok(port, "/api/v1/query?query=up").await);
    assert!(!ask::http_ok(port, "/health").await, "it has no such path");
    prometheus.stop();
    assert!(!ask::http_ok(port, "/-/ready").await);
    prometheus.start_again().await.unwrap();
    assert_eq!(prometheus.url(), format!("http://127.0.0.1:{port}"));
    assert!(ask::http_ok(port, "/-/ready").await);
    let last = prometheus.pid().unwrap();
    drop(prometheus);
    assert!(!alive(last), "the process outlived its owner");
}

#[tokio::test]
async fn alertmanager_is_ready_and_goes_with_its_owner() {
    let result = Alertmanager::start().await;
    let Some(alertmanager) = started(Alertmanager::find(), result) else {
        return;
    };
    assert!(ask::http_ok(alertmanager.port(), "/api/v2/alerts").await);
    alertmanager.stop();
    assert!(!alertmanager.is_running());
    alertmanager.start_again().await.unwrap();
    let last = alertmanager.pid().unwrap();
    drop(alertmanager);
    assert!(!alive(last), "the process outlived its owner");
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_an_error_with_its_last_words() {
    let dir = directory("test").unwrap();
    let run = |_port| {
        let conditions = program::Conditions { user: None, on_orphaned: Some("KILL") };
        let mut command = program::command(Path::new("/bin/sh"), conditions)?;
        command.args(["-c", "echo out of cheese >&2; exit 3"]);
        program::Program::spawn(command, &dir.path().join("log"))
    };
    let result = server::Server::start("sh", run, async |_port| false).await;
    let words = result.err().expect("it has ended").to_string();
    assert!(words.contains("out of cheese"), "{words}");
}

#[tokio::test]
async fn pgbouncer_stands_before_postgres_and_goes_with_its_owner() {
    let Some(postgres) = started(Postgres::find(), Postgres::start().await) else {
        return;
    };
    postgres.execute("CREATE ROLE someone LOGIN PASSWORD 'secret'").await.unwrap();
    let result = PgBouncer::start(&postgres, "someone", "secret").await;
    let Some(bouncer) = started(PgBouncer::find(), result) else {
        return;
    };
    let port = bouncer.port();
    assert_ne!(port, postgres.port());
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok());
    drop(bouncer);
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn a_standby_has_what_its_primary_has() {
    let Some(primary) = started(Postgres::find(), Postgres::start().await) else {
        return;
    };
    primary.execute("CREATE TABLE t(n int); INSERT INTO t VALUES (7);").await.unwrap();
    let standby = primary.standby().await.unwrap();
    assert_eq!(standby.execute("SELECT n FROM t").await.unwrap(), "7\n");
    assert_eq!(standby.execute("SELECT pg_is_in_recovery()").await.unwrap(), "t\n");
    assert!(standby.execute("INSERT INTO t VALUES (8)").await.is_err());
}
