//! Redis as it is, and as it refuses.

use anyhow::{Result, ensure};
use nova_commands::platform::Cause;
use nova_commands::platform::config::{Limits, RedisConfig};
use nova_commands::platform::redis::Redis;
use nova_sandbox::process;
use secrecy::SecretString;

use super::raw;
use super::{HASTY, PATIENT, TOO_LATE, refused, told};

fn client(port: u16, user: Option<&str>, password: Option<&str>, limits: Limits) -> Result<Redis> {
    let here = RedisConfig::at(&format!("redis://127.0.0.1:{port}/0"));
    let config = RedisConfig { username: user.map(str::to_owned), ..here };
    Ok(Redis::new(&config, password.map(SecretString::from), limits)?)
}

#[tokio::test]
async fn the_info_makes_sense() -> Result<()> {
    let server = process::Redis::start().await?;
    server.command(&["CONFIG", "SET", "maxmemory", "64mb"]).await?;
    let redis = client(server.port(), None, Some(server.password()), PATIENT)?;
    let info = redis.info().await?;
    ensure!(info.version.starts_with("Redis ") && info.version.contains('.'), "{info:?}");
    ensure!(info.role == "master" && info.master_link_up.is_none(), "{info:?}");
    ensure!(info.maxmemory == 64 << 20 && info.used_memory > 100_000, "{info:?}");
    ensure!(info.connected_clients >= 1 && info.last_save_ok && !info.loading, "{info:?}");

    // A replica of a master that is not there.
    let (_socket, port) = raw::closed()?;
    server.command(&["REPLICAOF", "127.0.0.1", &port.to_string()]).await?;
    let info = redis.info().await?;
    ensure!(info.role == "slave" && info.master_link_up == Some(false), "{info:?}");
    Ok(())
}

#[tokio::test]
async fn refusals_are_told_apart_and_keep_the_password() -> Result<()> {
    let server = process::Redis::start().await?;
    let (port, wrong) = (server.port(), "wr0ng-passw0rd");
    for (user, password) in [(None, Some(wrong)), (None, None), (Some("who"), Some(wrong))] {
        let refusal = client(port, user, password, PATIENT)?.info().await;
        let error = refused(refusal, Cause::Unauthenticated)?;
        ensure!(error.hint.is_some_and(|hint| hint.contains("password")), "{}", told(&error));
        ensure!(!told(&error).contains(wrong), "{}", told(&error));
    }
    let password = "us3r-passw0rd";
    let rule = format!(">{password}");
    server.command(&["ACL", "SETUSER", "nova", "on", &rule, "+@connection", "-info"]).await?;
    let nova = client(port, Some("nova"), Some(password), PATIENT)?;
    let error = refused(nova.info().await, Cause::Forbidden)?;
    ensure!(error.hint.is_some_and(|hint| hint.contains("INFO")), "{}", told(&error));
    ensure!(!told(&error).contains(password), "{}", told(&error));
    server.command(&["ACL", "SETUSER", "nova", "+info"]).await?;
    nova.info().await?;
    let elsewhere = RedisConfig::at("http://127.0.0.1/0");
    let made = Redis::new(&elsewhere, None, PATIENT).map(|client| client.target());
    refused(made, Cause::Misconfigured)?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time() -> Result<()> {
    let server = process::Redis::start().await?;
    let redis = client(server.port(), None, Some(server.password()), PATIENT)?;
    redis.info().await?;
    server.stop();
    let error = refused(redis.info().await, Cause::Refused)?;
    ensure!(error.target.raw() == format!("Redis 127.0.0.1:{}", server.port()));
    server.start_again().await?;
    redis.info().await?;

    let (_silence, port) = raw::silent()?;
    let silent = client(port, None, None, HASTY)?;
    let calls = (0..8).map(|_| silent.info());
    for ended in futures_util::future::join_all(calls).await {
        refused(ended, TOO_LATE)?;
    }
    let unknown = RedisConfig::at("redis://name.invalid/0");
    refused(Redis::new(&unknown, None, PATIENT)?.info().await, Cause::UnknownHost)?;
    Ok(())
}
