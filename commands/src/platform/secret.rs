//! Secrets by reference: a file or an environment variable, never a value in the configuration.

use std::collections::HashMap;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

/// Where a secret stands: `{ file = "/run/secrets/db" }` or `{ env = "NOVA_DB_PASSWORD" }`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretRef {
    File(PathBuf),
    Env(String),
}

/// Why a secret could not be read. Names the reference, never a value.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretError {
    #[error("cannot read the secret file {path}: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("the environment variable {0} is not set")]
    Env(String),
    #[error("the secret in {0} is empty")]
    Empty(String),
}

/// Resolves references against files and the environment that the process was started with.
#[derive(Clone, Default)]
pub struct Secrets {
    env: HashMap<String, String>,
}

/// Longest secret file that is read, in bytes.
const MAX_SECRET: u64 = 64 * 1024;

impl Secrets {
    /// With the environment as it was read once at start.
    #[must_use]
    pub fn new(env: HashMap<String, String>) -> Self {
        Self { env }
    }

    /// The value, without a final line feed.
    ///
    /// # Errors
    /// When the file cannot be read, the variable is not set, or there is nothing in it.
    pub fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretError> {
        let (value, place) = match reference {
            SecretRef::Env(name) => {
                let value = self.env.get(name).ok_or_else(|| SecretError::Env(name.clone()))?;
                (value.clone(), name.clone())
            }
            SecretRef::File(path) => (read(path)?, path.display().to_string()),
        };
        let value = value.trim_end_matches(['\n', '\r']);
        if value.is_empty() {
            return Err(SecretError::Empty(place));
        }
        Ok(SecretString::from(value))
    }
}

fn read(path: &PathBuf) -> Result<String, SecretError> {
    use std::io::Read;
    let failed = |reason: String| SecretError::File { path: path.clone(), reason };
    let file = std::fs::File::open(path).map_err(|e| failed(why(&e)))?;
    let mut text = String::new();
    let read = file.take(MAX_SECRET + 1).read_to_string(&mut text);
    match read.map_err(|e| failed(why(&e)))? {
        n if n as u64 > MAX_SECRET => Err(failed(format!("larger than {} KiB", MAX_SECRET / 1024))),
        _ => Ok(text),
    }
}

/// Why a file could not be read, in words that a person uses and without its path.
#[must_use]
pub fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "not text".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_missing_secret_names_its_place_only() {
        let secrets = Secrets::new(HashMap::from([("SET".into(), "value\n".into())]));
        let value = secrets.resolve(&SecretRef::Env("SET".into())).unwrap();
        assert_eq!(value.expose_secret(), "value");
        let error = secrets.resolve(&SecretRef::Env("UNSET".into())).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable UNSET is not set");
        let error = secrets.resolve(&SecretRef::File("/no/such/file".into())).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the secret file /no/such/file: no such file");
    }
}
