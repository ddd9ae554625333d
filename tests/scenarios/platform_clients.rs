//! The clients of PostgreSQL, Redis, Prometheus and plain HTTP against the real programs, and against
//! servers that do what no program should.

mod http;
mod postgres;
mod prometheus;
pub(crate) mod raw;
mod reach;
mod redis;

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use nova_commands::platform::config::Limits;
use nova_commands::platform::{Cause, PlatformError};

/// For calls that are answered: only one that hangs gets there.
pub(crate) const PATIENT: Limits = Limits { deadline: Duration::from_secs(20), concurrency: 8 };
/// For calls that are not.
pub(crate) const HASTY: Limits = Limits { deadline: Duration::from_millis(200), concurrency: 8 };
/// What a call under [`HASTY`] ends with.
pub(crate) const TOO_LATE: Cause = Cause::Timeout(HASTY.deadline);

/// Everything that an error tells, wherever it may be shown or logged.
pub(crate) fn told(error: &PlatformError) -> String {
    let (target, detail) = (error.target.raw(), error.detail.raw());
    let hint = error.hint.unwrap_or_default();
    format!("{error}: {detail} [{target}] ({hint}) {error:?} {}", error.measured().raw())
}

/// The error of a call that has to fail for this cause.
pub(crate) fn refused<T: Debug>(
    result: Result<T, PlatformError>,
    cause: Cause,
) -> Result<PlatformError> {
    match result {
        Ok(answer) => bail!("expected {cause:?}, got {answer:?}"),
        Err(error) => {
            ensure!(error.cause == cause, "expected {cause:?}: {}", told(&error));
            Ok(error)
        }
    }
}
