//! The timeline's key beside an embedded database: made once, private, never in the database.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::Context as _;

use crate::store::TimelineKey;

/// The key in `timeline.key` next to `database`, made if it is not there. Any number of processes
/// may start at once: the file appears whole, and only one of them makes it.
pub(super) fn beside(database: &Path) -> anyhow::Result<TimelineKey> {
    let path = database.with_file_name("timeline.key");
    let shown = path.display().to_string();
    match fs::read_to_string(&path) {
        Ok(text) => return parse(&text, &shown),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).context(format!("cannot read {shown}")),
    }
    if database.exists() {
        anyhow::bail!("{shown} is missing: put the key back that belongs to the database");
    }
    make(&path).with_context(|| format!("cannot make {shown}"))?;
    parse(&fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?, &shown)
}

fn make(path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut random = [0u8; 32];
    getrandom::fill(&mut random).context("no randomness")?;
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    // Written aside and linked into place: a reader never sees half a key, and the loser of a race
    // finds the winner's.
    let aside = path.with_extension(format!("key.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    let written = file.write_all(hex.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&aside, path));
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

fn parse(text: &str, shown: &str) -> anyhow::Result<TimelineKey> {
    TimelineKey::new(text.trim().as_bytes()).with_context(|| format!("{shown} is not a key"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("state/nova.db");
        beside(&database).unwrap();
        let path = folder.path().join("state/timeline.key");
        let made = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        beside(&database).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), made);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_lost_key_is_not_replaced_silently() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("nova.db");
        fs::write(&database, "rows").unwrap();
        let error = beside(&database).unwrap_err().to_string();
        assert!(error.contains("timeline.key is missing"), "{error}");
    }
}
