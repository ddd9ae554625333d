//! Builds the programs that are measured.
//!
//! Invariant: always optimised, and the path is the one that Cargo itself gives: the target folder can be
//! configured. Called by `main`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

/// Builds one program with these options of `cargo build` and says where it is.
///
/// # Errors
/// When Cargo cannot be run or the program does not build.
pub(crate) async fn build(program: &str, options: &[&str]) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let built = Command::new(cargo)
        .args(["build", "--release"])
        .args(options)
        .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(manifest)
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot run cargo")?;
    ensure!(built.status.success(), "{program} does not build ({})", built.status);
    executable(&built.stdout, program)
        .with_context(|| format!("cargo built no program called {program}"))
}

/// The program of that name among cargo's messages.
fn executable(messages: &[u8], program: &str) -> Option<PathBuf> {
    messages.split(|byte| *byte == b'\n').find_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let path = message.get("executable")?.as_str()?;
        (message.get("target")?.get("name")? == program).then(|| path.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_the_binary_is() {
        let messages =
            br#"{"reason":"compiler-artifact","target":{"name":"nova"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/t/other"}
{"reason":"compiler-artifact","target":{"name":"nova"},"executable":"/t/nova"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable(messages, "nova"), Some("/t/nova".into()));
        assert_eq!(executable(b"not json\n", "nova"), None);
    }
}
