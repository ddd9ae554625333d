//! The Python that has the vendors' packages, which `tests/run` installs. Invariant: a program ends within
//! [`LIMIT`], and with whoever started it. Called by the scenarios of Slack's and Discord's packages.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// How long a program may take, on a machine that builds at the same time.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Where the scenarios are.
pub(crate) fn scenarios() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios")
}

/// A script of the scenarios, by its path among them.
pub(crate) fn script(path: &str) -> Command {
    let python = std::env::var_os("NOVA_TEST_PYTHON").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/test-venv/bin/python"),
        PathBuf::from,
    );
    assert!(
        python.exists(),
        "there is no Python with the vendors' packages at {}: run tests/run once, which installs them",
        python.display()
    );
    let mut command = Command::new(python);
    // Nothing is to be written beside the scripts.
    command.arg("-B").arg(scenarios().join(path)).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// Runs a script on this input and gives what it printed.
///
/// # Panics
/// When it fails or does not end in time.
pub(crate) async fn run(mut command: Command, input: &str) -> String {
    let shown = format!("{command:?}");
    let done = tokio::time::timeout(LIMIT, async {
        let mut child = command.spawn().expect("Python starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        // A script that does not read has failed, which its status tells.
        stdin.write_all(input.as_bytes()).await.ok();
        drop(stdin);
        child.wait_with_output().await.expect("Python can be waited for")
    });
    let done = done.await.unwrap_or_else(|_| panic!("{shown} did not end within {LIMIT:?}"));
    assert!(done.status.success(), "{shown}: {}", done.status);
    String::from_utf8(done.stdout).expect("it prints text")
}
