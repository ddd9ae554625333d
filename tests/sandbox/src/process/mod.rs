//! Real programs as throwaway processes: PostgreSQL, PgBouncer, Redis, Prometheus, Alertmanager.
//!
//! Each runs on a free loopback port with its files in a temporary directory of its own, is ready
//! when `start` returns, and is gone when its value is dropped. Invariant: a program never outlives
//! its owner, nor the process of its owner. A program that is not on the machine is an error which
//! names the Debian package. Used by the world and by tests.

mod alertmanager;
mod ask;
mod pgbouncer;
mod postgres;
mod program;
mod prometheus;
mod redis;
mod server;

pub use self::alertmanager::Alertmanager;
pub use self::pgbouncer::PgBouncer;
pub use self::postgres::Postgres;
pub use self::prometheus::Prometheus;
pub use self::redis::Redis;

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;

/// The first program of that name on the search path.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// A directory that goes with its owner; only the owner may look in.
fn directory(name: &str) -> anyhow::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("nova-{name}-"))
        .tempdir()
        .with_context(|| format!("no temporary directory for {name}"))
}

/// A password nobody can guess: 128 random bits in hex.
pub(crate) fn random_password() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("no randomness for a password")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests;
