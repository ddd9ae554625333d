//! `nova check`: every problem of the configuration, and every dependency that cannot be reached.

mod discord;
mod slack;

use nova_adapters::chat::ChatError;
use nova_commands::platform::{Platform, SecretRef, Secrets, reach};
use nova_commands::report::{Finding, Report, Status};

use crate::config::{Config, Environment};
use crate::engine;

/// Checks everything that a sound configuration points at.
pub async fn check(config: &Config, environment: &Environment, secrets: &Secrets) -> Report {
    let mut report = Report::new("configuration");
    report.findings.extend(unreadable(config, secrets));
    report.findings.push(policies(config));
    report.findings.push(store(config, environment, secrets).await);
    match Platform::new(&config.platform, secrets) {
        Ok(platform) => report.findings.extend(reach::check(&platform).await),
        Err(error) => report.findings.push(error.finding("HTTP", "configuration")),
    }
    if let Some(section) = &config.slack {
        report.findings.extend(slack::check(section, secrets).await);
    }
    if let Some(section) = &config.discord {
        report.findings.extend(discord::check(section, secrets).await);
    }
    report.sort();
    report
}

/// The secrets that nothing else would read before they are needed.
fn unreadable(config: &Config, secrets: &Secrets) -> Vec<Finding> {
    let platform = &config.platform;
    let references: [(&str, Option<&SecretRef>); 2] = [
        ("Prometheus", platform.prometheus.as_ref().and_then(|c| c.bearer.as_ref())),
        ("store", config.store.password.as_ref()),
    ];
    let broken = |(name, reference): (&str, Option<&SecretRef>)| {
        let error = secrets.resolve(reference?).err()?;
        Some(Finding::new(Status::Fail, name, error.to_string(), "configuration"))
    };
    references.into_iter().filter_map(broken).collect()
}

fn policies(config: &Config) -> Finding {
    match engine::permissions(config) {
        Ok(permissions) => {
            let count = permissions.policy_ids().count();
            Finding::new(Status::Ok, "policies", format!("{count} policies"), "configuration")
        }
        Err(error) => Finding::new(Status::Fail, "policies", format!("{error:#}"), "configuration"),
    }
}

/// The error with what is behind it, in one line.
fn explain(error: &ChatError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

async fn store(config: &Config, environment: &Environment, secrets: &Secrets) -> Finding {
    let source = config.store.url.as_deref().unwrap_or("the default place").to_owned();
    match engine::open_store(config, environment, secrets).await {
        Ok(store) => {
            let asked = store.ping().await;
            store.close().await;
            match asked {
                Ok(()) => Finding::new(Status::Ok, "store", "opens and answers", source),
                Err(error) => Finding::new(Status::Fail, "store", error.to_string(), source),
            }
        }
        Err(error) => Finding::new(Status::Fail, "store", format!("{error:#}"), source),
    }
}
