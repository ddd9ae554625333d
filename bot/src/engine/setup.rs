//! Builds the engine's parts from the configuration.

use std::path::Path;

use anyhow::Context as _;
use nova_commands::platform::{Platform, Secrets};
use nova_commands::text::Sanitiser;
use nova_permissions::Permissions;
use secrecy::ExposeSecret;

use super::key;
use crate::config::{Config, Environment, read_file};
use crate::store::{Clock, Store, StoreConfig, TimelineKey};

/// Opens the configured store; without one, SQLite in the user's state folder.
///
/// # Errors
/// When it cannot be reached, read or written, or the timeline's key cannot be had.
pub async fn store(
    config: &Config,
    environment: &Environment,
    secrets: &Secrets,
) -> anyhow::Result<Store> {
    let section = &config.store;
    let url = section
        .url
        .clone()
        .unwrap_or_else(|| format!("sqlite:{}", environment.state_dir().join("nova.db").display()));
    let password = section.password.as_ref().map(|reference| secrets.resolve(reference));
    let password = password.transpose()?;
    let key = match &section.timeline_key {
        Some(reference) => {
            TimelineKey::new(secrets.resolve(reference)?.expose_secret().as_bytes())?
        }
        None => {
            let path = url.trim_start_matches("sqlite://").trim_start_matches("sqlite:");
            key::beside(Path::new(path))?
        }
    };
    Ok(Store::open(&StoreConfig { url, password }, key, Clock::System).await?)
}

/// A sanitiser that knows every secret of the configuration that can be read.
#[must_use]
pub fn sanitiser(config: &Config, secrets: &Secrets) -> Sanitiser {
    let platform = &config.platform;
    let references = [
        config.store.password.as_ref(),
        config.store.timeline_key.as_ref(),
        platform.postgres.as_ref().and_then(|c| c.password.as_ref()),
        platform.redis.as_ref().and_then(|c| c.password.as_ref()),
        platform.prometheus.as_ref().and_then(|c| c.bearer.as_ref()),
        config.slack.as_ref().map(|c| &c.bot_token),
        config.slack.as_ref().and_then(|c| c.app_token.as_ref()),
        config.slack.as_ref().and_then(|c| c.signing_secret.as_ref()),
        config.discord.as_ref().map(|c| &c.bot_token),
    ];
    Sanitiser::new(references.into_iter().flatten().filter_map(|r| secrets.resolve(r).ok()))
}

pub(super) fn platform(config: &Config, secrets: &Secrets) -> anyhow::Result<Platform> {
    Platform::new(&config.platform, secrets).context("no HTTP client can be built")
}

/// The default policies and the configured files.
pub(crate) fn permissions(config: &Config) -> anyhow::Result<Permissions> {
    let mut files = Vec::new();
    for path in &config.policies {
        let name = path.display().to_string();
        let text = read_file(path)
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned()))
            .map_err(|reason| anyhow::anyhow!("cannot read the policy file {name}: {reason}"))?;
        files.push((name, text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    Ok(Permissions::new(&files)?)
}
