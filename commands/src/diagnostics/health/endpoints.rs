//! The services' health endpoints.

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::body::judge;
use crate::command::Progress;
use crate::platform::config::ServiceConfig;
use crate::platform::{Cause, Platform, PlatformError};
use crate::report::{Finding, Status};

/// Asks every service at once; the client bounds how many calls are really under way.
pub(super) async fn check(
    platform: &Platform,
    services: &[&ServiceConfig],
    progress: &Progress,
) -> Vec<Finding> {
    let mut asked: FuturesUnordered<_> =
        services.iter().map(|service| one(platform, service)).collect();
    let mut findings = Vec::with_capacity(services.len());
    while let Some(found) = asked.next().await {
        progress.done();
        findings.extend(found);
    }
    findings
}

async fn one(platform: &Platform, service: &ServiceConfig) -> Vec<Finding> {
    if service.health.is_empty() {
        return Vec::new();
    }
    let Some(base) = service.base_url() else {
        let finding = Finding::new(
            Status::Unsupported,
            service.name.as_str(),
            "no address configured",
            "configuration",
        );
        return vec![finding.hint("give the service a `url` or a `port`")];
    };
    let mut findings = vec![path(platform, service, &base, &service.health).await];
    if let Some(ready) = &service.ready
        && findings[0].status == Status::Ok
    {
        let second = path(platform, service, &base, ready).await;
        if second.status != Status::Ok {
            findings = vec![second];
        }
    }
    findings
}

async fn path(platform: &Platform, service: &ServiceConfig, base: &str, path: &str) -> Finding {
    let url = format!("{base}{path}");
    let source = format!("GET {url}");
    let name = service.name.as_str();
    match platform.http.get(&url, None).await {
        Ok(answer) => {
            let judgement = judge(&answer);
            let measured = format!("{} · {} ms", judgement.measured, answer.took.as_millis());
            let finding = Finding::new(judgement.status, name, measured, source);
            let limit = platform.http.slow();
            if judgement.status == Status::Ok && answer.took > limit {
                let finding = Finding { status: Status::Warn, ..finding };
                return finding.expected(format!("below {} ms", limit.as_millis()));
            }
            match judgement.status {
                Status::Unsupported => finding.hint("set the service's `health` path"),
                Status::NoData => {
                    finding.hint("the endpoint wants credentials: give it an open health path")
                }
                _ => finding,
            }
        }
        Err(error) => unreachable(name, &error, source),
    }
}

fn unreachable(name: &str, error: &PlatformError, source: String) -> Finding {
    let finding = error.finding(name, source);
    match error.cause {
        Cause::UnknownHost | Cause::Misconfigured => finding.hint("check the service's `url`"),
        _ => finding,
    }
}
