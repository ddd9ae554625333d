//! What `nova check` says of a platform: everything answers, or exactly what is broken does not.

use std::collections::BTreeMap;
use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use nova::config::Config;
use nova_commands::platform::config::{ClusterConfig, ServiceConfig};
use nova_commands::platform::{Platform, PlatformConfig, Secrets, reach};
use nova_commands::report::{Finding, Status};
use nova_sandbox::World;
use nova_sandbox::cluster::Rule;
use tempfile::TempDir;

use super::{HASTY, PATIENT, raw};
use crate::support::{install_tls, world};

async fn checked(config: &PlatformConfig) -> Result<BTreeMap<String, Finding>> {
    install_tls();
    let platform = Platform::new(config, &Secrets::new(HashMap::new()))?;
    let findings = reach::check(&platform).await;
    let count = findings.len();
    let by_name: BTreeMap<_, _> =
        findings.into_iter().map(|found| (found.subject.raw().to_owned(), found)).collect();
    ensure!(by_name.len() == count, "a subject was told twice");
    Ok(by_name)
}

/// The configuration of a world, with a patient deadline.
fn configured(world: &World, home: &TempDir) -> Result<PlatformConfig> {
    let text = world.config_toml(home.path())?;
    let config = Config::parse("nova.toml", &text)?;
    Ok(PlatformConfig { limits: PATIENT, ..config.platform })
}

/// The names of all that is not well.
fn bad(findings: &BTreeMap<String, Finding>) -> Vec<(&str, Status)> {
    let bad = findings.iter().filter(|(_, found)| found.status != Status::Ok);
    bad.map(|(name, found)| (name.as_str(), found.status)).collect()
}

#[tokio::test]
async fn everything_answers_and_then_all_but_what_was_broken() -> Result<()> {
    let world = world(true).await;
    let home = tempfile::tempdir()?;
    let config = configured(&world, &home)?;
    let findings = checked(&config).await?;
    ensure!(bad(&findings).is_empty(), "{:?}", bad(&findings));
    for name in ["PostgreSQL", "Redis", "Prometheus", "cluster us-east", "service monitoring"] {
        let found = findings.get(name).with_context(|| format!("{name} was not asked"))?;
        ensure!(!found.measured.is_empty() && !found.provenance.source.is_empty(), "{name}");
    }
    ensure!(findings.len() == 4 + config.services.len(), "{:?}", findings.keys());

    for line in ["break postgres", "break us-east", "break vm-service refused"] {
        world.control(line).await.map_err(anyhow::Error::msg)?;
    }
    let findings = checked(&config).await?;
    let broken = ["PostgreSQL", "cluster us-east", "service vm-service"];
    ensure!(bad(&findings) == broken.map(|name| (name, Status::Fail)), "{:?}", bad(&findings));
    world.control("heal").await.map_err(anyhow::Error::msg)?;
    let findings = checked(&config).await?;
    ensure!(bad(&findings).is_empty(), "{:?}", bad(&findings));
    Ok(())
}

#[tokio::test]
async fn a_right_that_is_lacking_is_named() -> Result<()> {
    let world = world(false).await;
    let cluster = world.cluster("us-east").context("it is there")?;
    let read = ["get", "list", "watch"];
    let rule = Rule::new(
        &read,
        &["*"],
        &["pods", "nodes", "deployments", "statefulsets", "daemonsets", "horizontalpodautoscalers"],
        &["novacron"],
    );
    cluster.user("bound", vec![rule]);
    let home = tempfile::tempdir()?;
    let kubeconfig = home.path().join("bound");
    std::fs::write(&kubeconfig, cluster.kubeconfig("bound").to_string())?;
    let config = configured(&world, &home)?;
    let bound =
        ClusterConfig { name: "us-east".to_owned(), kubeconfig: Some(kubeconfig), context: None };
    let findings = checked(&PlatformConfig { clusters: vec![bound], ..config }).await?;
    let found = &findings["cluster us-east"];
    let measured = found.measured.raw();
    // Nodes are in no namespace, so what a namespace grants does not count.
    ensure!(found.status == Status::Warn && found.hint.is_some(), "{measured}");
    ensure!(measured.ends_with("but may not list nodes"), "{measured}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_configured_or_silent_is_told() -> Result<()> {
    let (_silence, port) = raw::silent()?;
    let config = Config::parse("nova.toml", "")?.platform;
    let service = config.services.first().context("the guide has services")?;
    let silent = ServiceConfig { url: Some(format!("http://127.0.0.1:{port}")), ..service.clone() };
    let nowhere =
        ServiceConfig { name: "nowhere".to_owned(), url: None, port: None, ..service.clone() };
    let name = format!("service {}", silent.name);
    let services = vec![silent, nowhere];
    let config = PlatformConfig { services, limits: HASTY, ..config };
    let findings = checked(&config).await?;
    ensure!(findings[&name].status == Status::Fail, "{:?}", bad(&findings));
    for name in ["PostgreSQL", "Redis", "Prometheus", "service nowhere"] {
        ensure!(findings[name].status == Status::Unsupported, "{:?}", bad(&findings));
    }
    Ok(())
}
