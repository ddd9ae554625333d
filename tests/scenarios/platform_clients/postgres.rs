//! PostgreSQL as it is, and as it refuses.

use anyhow::{Context as _, Result, ensure};
use nova_commands::platform::Cause;
use nova_commands::platform::config::{Limits, PostgresConfig};
use nova_commands::platform::postgres::Postgres;
use nova_sandbox::process;
use secrecy::SecretString;
use sqlx::{Connection as _, PgConnection};

use super::raw::{self, After, Raw};
use super::{HASTY, PATIENT, TOO_LATE, refused, told};

const PASSWORD: &str = "r0le-passw0rd";

fn client(url: &str, password: &str, limits: Limits) -> Result<Postgres> {
    let config = PostgresConfig::at(url);
    Ok(Postgres::new(&config, Some(SecretString::from(password)), limits)?)
}

/// A server with the role `nova`, which may log in and no more.
async fn server() -> Result<process::Postgres> {
    let server = process::Postgres::start().await?;
    server.execute(&format!("CREATE ROLE nova LOGIN PASSWORD '{PASSWORD}'")).await?;
    Ok(server)
}

fn url(server: &process::Postgres, database: &str) -> String {
    format!("postgres://nova@127.0.0.1:{}/{database}", server.port())
}

#[tokio::test]
async fn the_status_makes_sense() -> Result<()> {
    let server = server().await?;
    let nova = client(&url(&server, "novacron"), PASSWORD, PATIENT)?;
    let status = nova.status().await?;
    ensure!(status.active.is_none(), "without pg_monitor it cannot be known: {status:?}");
    ensure!(!status.in_recovery && status.max == 100 && status.connections >= 1, "{status:?}");
    let version = server.execute("SHOW server_version").await?;
    let number = version.split_whitespace().next().context("it has a version")?;
    ensure!(status.version == format!("PostgreSQL {number}"), "{status:?}");

    server.execute("GRANT pg_monitor TO nova").await?;
    let mut other = PgConnection::connect(&server.url()).await?;
    let idle = nova.status().await?;
    ensure!(idle.active == Some(0) && idle.connections >= 2, "{idle:?}");
    // A lock makes a statement that lasts until it is let go.
    let mut holder = PgConnection::connect(&server.url()).await?;
    sqlx::raw_sql("SELECT pg_advisory_lock(1)").execute(&mut holder).await?;
    let waiting = tokio::spawn(async move {
        sqlx::raw_sql("SELECT pg_advisory_lock(1)").execute(&mut other).await
    });
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    let seen = async {
        while nova.status().await?.active != Some(1) {
            look.tick().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENT.deadline, seen).await.context("waited for one active")??;
    sqlx::raw_sql("SELECT pg_advisory_unlock(1)").execute(&mut holder).await?;
    waiting.await??;
    Ok(())
}

#[tokio::test]
async fn refusals_are_told_apart_and_keep_the_password() -> Result<()> {
    let server = server().await?;
    let here = url(&server, "novacron");
    let wrong = "wr0ng-passw0rd";
    for password in [wrong, ""] {
        let refusal = client(&here, password, PATIENT)?.status().await;
        let error = refused(refusal, Cause::Unauthenticated)?;
        ensure!(error.hint.is_some_and(|hint| hint.contains("password")), "{}", told(&error));
        ensure!(!told(&error).contains(wrong), "{}", told(&error));
    }
    let nobody = here.replace("nova@", "nobody@");
    refused(client(&nobody, PASSWORD, PATIENT)?.status().await, Cause::Unauthenticated)?;
    let nowhere = client(&url(&server, "nowhere"), PASSWORD, PATIENT)?;
    let error = refused(nowhere.status().await, Cause::NotFound)?;
    ensure!(error.detail.raw().contains("nowhere") && error.hint.is_some());
    server.execute("REVOKE CONNECT ON DATABASE novacron FROM PUBLIC").await?;
    let error = refused(client(&here, PASSWORD, PATIENT)?.status().await, Cause::Forbidden)?;
    ensure!(!told(&error).contains(PASSWORD), "{}", told(&error));
    for url in ["postgres://[", "prose", ""] {
        let config = PostgresConfig::at(url);
        let made = Postgres::new(&config, None, PATIENT).map(|client| client.target());
        refused(made, Cause::Misconfigured)?;
    }
    Ok(())
}

#[tokio::test]
async fn used_up_connections_are_busy() -> Result<()> {
    let server = server().await?;
    let nova = client(&url(&server, "novacron"), PASSWORD, PATIENT)?;
    server.execute("ALTER ROLE nova CONNECTION LIMIT 0").await?;
    refused(nova.status().await, Cause::Busy)?;
    server.execute("ALTER ROLE nova CONNECTION LIMIT -1").await?;
    // Three are kept for superusers, which leaves two.
    server.execute("ALTER SYSTEM SET max_connections = 5").await?;
    server.restart().await?;
    ensure!(nova.status().await?.max == 5);
    let holder = server.url_as("nova", PASSWORD);
    let _one = PgConnection::connect(&holder).await?;
    let _two = PgConnection::connect(&holder).await?;
    let error = refused(nova.status().await, Cause::Busy)?;
    ensure!(error.hint.is_some_and(|hint| hint.contains("connections")), "{}", told(&error));
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time() -> Result<()> {
    let server = server().await?;
    let here = url(&server, "novacron");
    let nova = client(&here, PASSWORD, PATIENT)?;
    server.stop();
    let error = refused(nova.status().await, Cause::Refused)?;
    ensure!(error.target.raw() == format!("PostgreSQL 127.0.0.1:{}", server.port()));
    server.start_again().await?;
    nova.status().await?;

    let (_silence, port) = raw::silent()?;
    let at = |port: u16| format!("postgres://nova@127.0.0.1:{port}/novacron");
    let silent = client(&at(port), PASSWORD, HASTY)?;
    // More calls than places: the deadline counts the waiting.
    let calls = (0..8).map(|_| silent.status());
    for ended in futures_util::future::join_all(calls).await {
        refused(ended, TOO_LATE)?;
    }
    let unknown = "postgres://nova@name.invalid/novacron";
    refused(client(unknown, PASSWORD, PATIENT)?.status().await, Cause::UnknownHost)?;
    Ok(())
}

#[tokio::test]
async fn what_has_no_tls_or_is_no_postgresql_is_told() -> Result<()> {
    crate::support::install_tls();
    let server = server().await?;
    let strict = format!("{}?sslmode=require", url(&server, "novacron"));
    refused(client(&strict, PASSWORD, PATIENT)?.status().await, Cause::Tls)?;
    // A web server is no PostgreSQL.
    let web = Raw::answering("HTTP/1.1 400 Bad Request\r\n\r\n", After::Close).await?;
    let there = format!("postgres://nova@127.0.0.1:{}/x?sslmode=disable", web.port);
    refused(client(&there, PASSWORD, PATIENT)?.status().await, Cause::Broken)?;
    Ok(())
}
