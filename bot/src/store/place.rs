//! Where the store is: reads the configured URL, names it without its password, and prepares
//! SQLite's file so that nobody else can read it. Called when a store is opened.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use tokio::fs::{DirBuilder, OpenOptions};
use tokio::time::{Instant, sleep};

use super::error::StoreError;

/// Which database to open.
#[derive(Clone)]
pub struct StoreConfig {
    /// `sqlite:/path/to/file` or `postgres://user@host:5432/database?sslmode=verify-full`.
    pub url: String,
    /// PostgreSQL's password; wins over one in the URL.
    pub password: Option<SecretString>,
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place::parse(self);
        let url = place.as_ref().map_or_else(|_| "(unusable)".to_owned(), ToString::to_string);
        f.debug_struct("StoreConfig").field("url", &url).finish_non_exhaustive()
    }
}

pub(super) enum Place {
    File(PathBuf),
    Server { options: Box<PgConnectOptions>, password: Option<SecretString> },
}

impl Place {
    pub(super) fn parse(config: &StoreConfig) -> Result<Self, StoreError> {
        let url = config.url.as_str();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url)
                .map_err(|_| StoreError::Url("it is not a valid PostgreSQL URL".to_owned()))?;
            return Ok(Self::Server {
                options: Box::new(options),
                password: config.password.clone(),
            });
        }
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
        match path {
            None => {
                Err(StoreError::Url("it begins neither with sqlite: nor postgres://".to_owned()))
            }
            Some(path)
                if path.is_empty()
                    || path.ends_with('/')
                    || path.starts_with(":memory:")
                    || path.starts_with("file:")
                    || path.contains(['?', '\0']) =>
            {
                Err(StoreError::Url(
                    "after sqlite: it needs the path of a file, and no more".to_owned(),
                ))
            }
            Some(path) => Ok(Self::File(path.into())),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server { options, .. } => {
                let database = options.get_database().unwrap_or(options.get_username());
                match options.get_socket() {
                    Some(socket) => write!(f, "{}/{database}", socket.display()),
                    None => write!(f, "{}:{}/{database}", options.get_host(), options.get_port()),
                }
            }
        }
    }
}

/// SQLite's file, there and private; while this lives, no other process prepares it.
pub(super) struct PrivateFile {
    /// The file's directory. Not the file: closing it would drop the locks that SQLite holds on
    /// the same file in this process.
    _directory: File,
}

impl PrivateFile {
    /// Creates what is missing (directories 0700, file 0600; SQLite's own files beside it follow
    /// the file's mode) and takes the lock, waiting no longer than `patience`.
    pub(super) async fn prepare(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).await.map_err(refused)?;
        let directory = tokio::fs::File::open(directory).await.map_err(refused)?.into_std().await;
        let deadline = Instant::now() + patience;
        loop {
            match directory.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    sleep(Duration::from_millis(2)).await;
                }
                Err(error @ TryLockError::WouldBlock) => {
                    return Err(StoreError::busy(error));
                }
                Err(TryLockError::Error(error)) => return Err(refused(error)),
            }
        }
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await;
        match created {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(refused(error)),
            _ => Ok(Self { _directory: directory }),
        }
    }
}

fn refused(error: std::io::Error) -> StoreError {
    let place = String::new();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StoreError::Denied { place, source: Arc::new(error) }
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            StoreError::Full { place, source: Arc::new(error) }
        }
        _ => StoreError::Unreachable { place, source: Arc::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> StoreConfig {
        StoreConfig { url: url.to_owned(), password: Some("hunter2".into()) }
    }

    #[test]
    fn urls_name_a_place_without_the_password() {
        for (url, place) in [
            ("sqlite:/var/lib/nova/nova.db", "/var/lib/nova/nova.db"),
            ("sqlite:///var/lib/nova.db", "/var/lib/nova.db"),
            ("sqlite:nova.db", "nova.db"),
            ("postgres://bot:s3cret@db.example:5433/nova?sslmode=require", "db.example:5433/nova"),
            ("postgresql://bot@db.example/nova?password=s3cret", "db.example:5432/nova"),
        ] {
            assert_eq!(Place::parse(&config(url)).unwrap().to_string(), place);
            let debug = format!("{:?}", config(url));
            assert!(!debug.contains("s3cret") && !debug.contains("hunter2"), "{debug}");
        }
    }

    #[test]
    fn urls_that_cannot_hold_an_audit_log_are_refused() {
        for url in [
            "",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:/a/",
            "sqlite:/a?mode=ro",
            "sqlite:file:a",
            "mysql://x:s3cret@y/z",
            "/var/lib/nova.db",
            "postgres://bot:s3cret@h:notaport/nova",
        ] {
            let Err(error) = Place::parse(&config(url)) else { panic!("{url} was taken") };
            assert!(!format!("{error} {error:?} {:?}", config(url)).contains("s3cret"), "{url}");
        }
    }
}
