//! Runs one diagnostic in a task of its own, so that a panic or an endless wait ends the command and
//! not the bot.

use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use futures_util::future::BoxFuture;
use nova_commands::command::{Call, Progress, Step, UserError};
use nova_commands::platform::Platform;
use nova_commands::report::Report;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The longest that any diagnostic may take. Each of its calls has a shorter deadline of its own.
pub(super) const LONGEST: Duration = Duration::from_secs(150);

/// What a diagnostic's function looks like.
pub(super) type Diagnostic = fn(Call) -> BoxFuture<'static, Result<Report, UserError>>;

/// A fault of ours.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("it panicked: {0}")]
    Panicked(String),
    #[error("it did not end within {} s", LONGEST.as_secs())]
    Endless,
}

/// Runs it and forwards its progress.
pub(super) async fn diagnostic(
    function: Diagnostic,
    args: ArgMatches,
    platform: &Arc<Platform>,
    secret: Option<SecretString>,
    progress: &watch::Sender<Step>,
) -> Result<Result<Report, UserError>, Fault> {
    let reporter = Progress::new(progress.clone());
    // The set aborts the task when this future is dropped: a cancelled command leaves nothing.
    let mut tasks = JoinSet::new();
    let platform = Arc::clone(platform);
    tasks.spawn(function(Call { args, platform, progress: reporter, secret }));
    match tokio::time::timeout(LONGEST, tasks.join_next()).await {
        Ok(Some(Ok(result))) => Ok(result),
        Ok(Some(Err(error))) => Err(Fault::Panicked(error.to_string())),
        Ok(None) | Err(_) => Err(Fault::Endless),
    }
}
