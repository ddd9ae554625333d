//! What can go wrong with the store, sorted by what a person or a caller does about it. `Display`
//! can be shown to an operator: it says where and what to do, and never contains a password. The
//! database's own words are the `source`.

use std::error::Error;
use std::sync::Arc;

use sqlx::migrate::MigrateError;

use super::ids::InvocationId;

/// The underlying error, for logs. Shared: one failed transaction can be several callers' error.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why the store did not do what it was asked. After [`Self::Unreachable`] from a write it is
/// unknown whether the write was done: the answer to a commit may have been lost.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Nobody answers, or not in time.
    #[error(
        "the database {place} cannot be reached; check that it runs and that its address is right"
    )]
    Unreachable {
        /// Host and database, or the file's path.
        place: String,
        /// What was seen.
        source: Cause,
    },
    /// The connection went away at the commit: the write was done or not.
    #[error("the database {place} did not confirm the write, which may or may not have been done")]
    Unconfirmed {
        /// Host and database, or the file's path.
        place: String,
        /// What was seen.
        source: Cause,
    },
    /// Locked by others, or out of connections, for longer than the store waits.
    #[error("the database {place} is busy: others have held it for too long; try again")]
    Busy {
        /// Host and database, or the file's path.
        place: String,
        /// What was seen.
        source: Cause,
    },
    /// No space left.
    #[error("the database {place} has no space left; free some of its disk")]
    Full {
        /// Host and database, or the file's path.
        place: String,
        /// What was seen.
        source: Cause,
    },
    /// The account, the file's permissions or a read-only server say no.
    #[error(
        "the database {place} refuses: check the account, its rights and the file's permissions"
    )]
    Denied {
        /// Host and database, or the file's path.
        place: String,
        /// What was seen.
        source: Cause,
    },
    /// The contents are not what this program writes.
    #[error(
        "the database {place} is damaged or was edited ({what}); verify the timeline, then restore a backup"
    )]
    Corrupt {
        /// Host and database, or the file's path.
        place: String,
        /// What is wrong, where.
        what: String,
    },
    /// A rule of the schema was broken.
    #[error("the database {place} refuses a row that breaks one of its rules")]
    Constraint {
        /// Host and database, or the file's path.
        place: String,
        /// What was seen.
        source: Cause,
    },
    /// A newer version of this program has been here.
    #[error(
        "the database {place} belongs to a newer nova (it has migration {found}, this one knows up to {known}); run the newer version"
    )]
    NewerSchema {
        /// Host and database, or the file's path.
        place: String,
        /// The unknown migration's number.
        found: i64,
        /// The newest migration of this binary.
        known: i64,
    },
    /// A migration that was applied is not the one this binary carries.
    #[error(
        "the database {place} was prepared by another build of nova (migration {version} differs)"
    )]
    OtherSchema {
        /// Host and database, or the file's path.
        place: String,
        /// The migration's number.
        version: i64,
    },
    /// The timeline was written with another key.
    #[error(
        "the timeline in {place} was written with another key; give nova the key file that belongs to it"
    )]
    WrongKey {
        /// Host and database, or the file's path.
        place: String,
    },
    /// The configured URL cannot be used.
    #[error("the store's URL cannot be used: {0}")]
    Url(String),
    /// More text than one timeline row takes.
    #[error("a timeline entry of {bytes} bytes is too large (at most {limit})")]
    TooLarge {
        /// The size of its JSON.
        bytes: usize,
        /// What a row takes.
        limit: usize,
    },
    /// The invocation has ended before, for terminal states are final, or there is none.
    #[error("the invocation {0} is not running")]
    NotRunning(InvocationId),
    /// Anything else: a defect of this program or of the database.
    #[error("the database {place} failed")]
    Other {
        /// Host and database, or the file's path.
        place: String,
        /// What was seen.
        source: Cause,
    },
}

impl StoreError {
    pub(super) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { place: String::new(), what: what.into() }
    }

    pub(super) fn unreachable(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreachable { place: String::new(), source: Arc::new(source) }
    }

    /// What a commit's error means: whoever lost the connection does not know.
    pub(super) fn unconfirmed(self) -> Self {
        match self {
            Self::Unreachable { place, source } => Self::Unconfirmed { place, source },
            other => other,
        }
    }

    pub(super) fn busy(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Busy { place: String::new(), source: Arc::new(source) }
    }

    pub(super) fn other(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Other { place: String::new(), source: Arc::new(source) }
    }

    /// Whether one row may be the reason, and others would have been written.
    pub(super) fn is_about_a_row(&self) -> bool {
        matches!(self, Self::Constraint { .. } | Self::Corrupt { .. } | Self::Other { .. })
    }

    /// The same error, naming the database. Inner functions do not know it; the public ones do.
    pub(super) fn at(mut self, here: &str) -> Self {
        match &mut self {
            Self::Unreachable { place, .. }
            | Self::Unconfirmed { place, .. }
            | Self::Busy { place, .. }
            | Self::Full { place, .. }
            | Self::Denied { place, .. }
            | Self::Corrupt { place, .. }
            | Self::Constraint { place, .. }
            | Self::NewerSchema { place, .. }
            | Self::OtherSchema { place, .. }
            | Self::WrongKey { place }
            | Self::Other { place, .. } => here.clone_into(place),
            Self::Url(_) | Self::TooLarge { .. } | Self::NotRunning(_) => {}
        }
        self
    }

    /// Sorts what a migration ran into; `known` is the newest migration of this binary.
    pub(super) fn from_migration(error: MigrateError, known: i64) -> Self {
        let place = String::new();
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            MigrateError::VersionMissing(found) if found > known => {
                Self::NewerSchema { place, found, known }
            }
            MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) => {
                Self::OtherSchema { place, version }
            }
            other => Self::other(other),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let place = String::new();
        let class = match &error {
            E::Io(_)
            | E::Tls(_)
            | E::PoolTimedOut
            | E::PoolClosed
            | E::WorkerCrashed
            | E::BeginFailed => Class::Unreachable,
            E::ColumnDecode { .. } | E::Decode(_) | E::ColumnNotFound(_) => Class::Corrupt,
            E::Database(error) => error.code().map_or(Class::Other, |code| {
                match error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
                    Some(_) => of_postgres(&code),
                    None => of_sqlite(&code, error.message()),
                }
            }),
            _ => Class::Other,
        };
        match class {
            Class::Corrupt => Self::Corrupt { place, what: error.to_string() },
            Class::Unreachable => Self::Unreachable { place, source: Arc::new(error) },
            Class::Busy => Self::Busy { place, source: Arc::new(error) },
            Class::Full => Self::Full { place, source: Arc::new(error) },
            Class::Denied => Self::Denied { place, source: Arc::new(error) },
            Class::Constraint => Self::Constraint { place, source: Arc::new(error) },
            Class::Other => Self::Other { place, source: Arc::new(error) },
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Class {
    Unreachable,
    Busy,
    Full,
    Denied,
    Corrupt,
    Constraint,
    Other,
}

/// By SQLSTATE (PostgreSQL manual, appendix A).
fn of_postgres(code: &str) -> Class {
    match code {
        "53100" => Class::Full,
        // Shutting down, crashed, starting up, or the session was ended from the other side.
        "57P01" | "57P02" | "57P03" | "25P03" => Class::Unreachable,
        // Statement and lock timeouts, deadlock, serialisation.
        "57014" | "55P03" | "40P01" | "40001" => Class::Busy,
        // No right, no such database, a read-only server.
        "42501" | "3D000" | "25006" => Class::Denied,
        // A table or a column that the migrations made is gone.
        "42P01" | "42703" | "XX001" | "XX002" => Class::Corrupt,
        _ if code.starts_with("08") => Class::Unreachable,
        _ if code.starts_with("53") => Class::Busy,
        _ if code.starts_with("28") => Class::Denied,
        _ if code.starts_with("23") => Class::Constraint,
        _ => Class::Other,
    }
}

/// By SQLite's result code, of which the low byte is the primary one.
fn of_sqlite(code: &str, message: &str) -> Class {
    match code.parse::<i32>().map(|code| code & 0xff) {
        // A table or a column that the migrations made is gone.
        Ok(1) if message.contains("no such") => Class::Corrupt,
        Ok(3 | 8 | 23) => Class::Denied,
        Ok(5 | 6) => Class::Busy,
        Ok(10 | 14) => Class::Unreachable,
        Ok(11 | 26) => Class::Corrupt,
        Ok(13) => Class::Full,
        Ok(19) => Class::Constraint,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_to_do() {
        for (code, class) in [
            ("08006", Class::Unreachable),
            ("57P01", Class::Unreachable),
            ("53300", Class::Busy),
            ("53100", Class::Full),
            ("28P01", Class::Denied),
            ("23505", Class::Constraint),
            ("42P01", Class::Corrupt),
            ("22012", Class::Other),
        ] {
            assert_eq!(of_postgres(code), class, "{code}");
        }
        for (code, class) in [
            ("5", Class::Busy),
            ("517", Class::Busy),
            ("13", Class::Full),
            ("14", Class::Unreachable),
            ("1032", Class::Denied),
            ("26", Class::Corrupt),
            ("2067", Class::Constraint),
            ("1", Class::Other),
            ("?", Class::Other),
        ] {
            assert_eq!(of_sqlite(code, ""), class, "{code}");
        }
        assert_eq!(of_sqlite("1", "no such table: timeline"), Class::Corrupt);
    }
}
