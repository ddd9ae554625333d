//! The platform's Redis. One connection for each question: a manager that reconnects by itself takes
//! seconds to say that Redis is down.

mod latency;

pub use latency::{Pings, Slow, Worst};
mod counters;

pub use counters::{Counted, Counter};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, RedisError, ServerErrorKind,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::config::{Limits, RedisConfig, RedisLimits};
use super::error::KEPT;
use super::{Cause, PlatformError, transport};

/// Connections at once.
const CONCURRENCY: usize = 3;
/// Of connections that are measured for long, apart: they leave the short questions their places.
const WINDOWS: usize = 2;

/// A Redis server. Cheap to clone; connects for each question.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    limits: RedisLimits,
    permits: Arc<Semaphore>,
    windows: Arc<Semaphore>,
    deadline: Duration,
}

/// What `INFO` says, as far as it tells of health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisInfo {
    /// Such as `Redis 7.0.15`.
    pub version: String,
    /// `master` or `slave`, in Redis's words.
    pub role: String,
    /// Bytes.
    pub used_memory: u64,
    /// Bytes; 0 is no limit.
    pub maxmemory: u64,
    /// What happens when the memory is full, in Redis's words.
    pub policy: String,
    pub connected_clients: u64,
    /// Keys thrown out for want of memory, since the start.
    pub evicted_keys: u64,
    /// Reads that found their key, and those that did not, since the start.
    pub hits: u64,
    pub misses: u64,
    pub commands_per_second: u64,
    /// It still reads its data from disk.
    pub loading: bool,
    pub last_save_ok: bool,
    /// Whether a replica has its master; `None` on a master.
    pub master_link_up: Option<bool>,
}

impl Redis {
    /// A client. Opens nothing.
    ///
    /// # Errors
    /// When the URL is not one.
    pub fn new(
        config: &RedisConfig,
        password: Option<SecretString>,
        limits: Limits,
    ) -> Result<Self, PlatformError> {
        let unusable = |_| {
            PlatformError::new("Redis", Cause::Misconfigured).detail("`url` is not a Redis URL")
        };
        let info = config.url.as_str().into_connection_info().map_err(unusable)?;
        let mut settings = info.redis_settings().clone().set_skip_set_lib_name();
        if let Some(username) = &config.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = password {
            settings = settings.set_password(password.expose_secret());
        }
        let client = Client::open(info.set_redis_settings(settings)).map_err(unusable)?;
        Ok(Self {
            client,
            limits: config.limits,
            permits: Arc::new(Semaphore::new(CONCURRENCY)),
            windows: Arc::new(Semaphore::new(WINDOWS)),
            deadline: limits.deadline,
        })
    }

    /// Where it is, for provenance.
    #[must_use]
    pub fn target(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    /// From where on its numbers are a worry.
    #[must_use]
    pub fn limits(&self) -> RedisLimits {
        self.limits
    }

    /// Version, memory, clients, persistence and replication.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn info(&self) -> Result<RedisInfo, PlatformError> {
        let text = self
            .ask(async |connection| redis::cmd("INFO").query_async::<String>(connection).await)
            .await?;
        read(&text).ok_or_else(|| PlatformError::new(self.name(), Cause::Malformed))
    }

    /// What is called, for people.
    fn name(&self) -> String {
        format!("Redis {}", self.target())
    }

    /// One question on a connection of its own, within the deadline.
    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, PlatformError> {
        let asked = async {
            let _place = self.permits.acquire().await.map_err(|_| closed())?;
            question(&mut self.connect().await?).await
        };
        self.within(asked).await
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.deadline))
            .set_response_timeout(Some(self.deadline));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn within<T>(
        &self,
        asked: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, PlatformError> {
        let late = || PlatformError::new(self.name(), Cause::Timeout(self.deadline));
        match tokio::time::timeout(self.deadline, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_timeout() => Err(late()),
            Ok(Err(error)) => Err(classify(self.name(), &error)),
            Err(_) => Err(late()),
        }
    }
}

/// The semaphore is never closed; an error type is needed all the same.
fn closed() -> RedisError {
    RedisError::from((ErrorKind::Client, "no place"))
}

/// `None` for what is no answer to `INFO`.
fn read(text: &str) -> Option<RedisInfo> {
    let facts: HashMap<&str, &str> =
        text.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
    let text = |name: &str| facts.get(name).copied().unwrap_or_default();
    let number = |name: &str| text(name).parse().unwrap_or_default();
    Some(RedisInfo {
        version: format!("Redis {}", facts.get("redis_version")?),
        role: text("role").to_owned(),
        used_memory: number("used_memory"),
        maxmemory: number("maxmemory"),
        policy: text("maxmemory_policy").to_owned(),
        connected_clients: number("connected_clients"),
        evicted_keys: number("evicted_keys"),
        hits: number("keyspace_hits"),
        misses: number("keyspace_misses"),
        commands_per_second: number("instantaneous_ops_per_sec"),
        loading: text("loading") == "1",
        last_save_ok: facts.get("rdb_last_bgsave_status").is_none_or(|status| *status == "ok"),
        master_link_up: facts.get("master_link_status").map(|status| *status == "up"),
    })
}

fn classify(target: String, error: &RedisError) -> PlatformError {
    let words = error.detail().unwrap_or_default();
    let cause = match (error.code(), error.kind()) {
        // Said at the login, and no word about the password.
        _ if words.contains("max number of clients") => Cause::Busy,
        (Some("NOAUTH" | "WRONGPASS"), _) | (_, ErrorKind::AuthenticationFailed) => {
            Cause::Unauthenticated
        }
        (Some("NOPERM"), _) | (_, ErrorKind::Server(ServerErrorKind::NoPerm)) => Cause::Forbidden,
        (_, ErrorKind::Server(ServerErrorKind::BusyLoading)) => Cause::Busy,
        (_, ErrorKind::InvalidClientConfig) => Cause::Misconfigured,
        (_, ErrorKind::Io) if error.is_connection_refusal() => Cause::Refused,
        (_, ErrorKind::Io) => transport::cause(error),
        (_, ErrorKind::Parse | ErrorKind::UnexpectedReturnType) => Cause::Malformed,
        _ => Cause::Invalid,
    };
    let hint = match cause {
        Cause::Unauthenticated => Some("check the password of [redis]; the server itself answers"),
        Cause::Forbidden => Some("let nova's Redis user run INFO and PING"),
        _ => None,
    };
    let error =
        PlatformError::new(target, cause).detail(words.chars().take(KEPT).collect::<String>());
    PlatformError { hint, ..error }
}
