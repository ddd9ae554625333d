//! `recovery plan`: in which order the platform is brought back, and how fast, as the configuration says;
//! the guide's order without one. What the order forgets is a finding.

use jiff::SignedDuration;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::{RecoveryConfig, ServiceConfig};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "recovery plan",
    summary: "The recovery order and its time objectives",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G70"],
    args: |c| c,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

const SOURCE: &str = "[recovery] of the configuration";

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let mut report = plan(&platform.recovery, &platform.services);
    let regions = platform.regions();
    report.next.clear();
    for region in regions.iter().take(3) {
        let line = format!("recovery assess {}", region.name);
        report = report.then(&format!("Assess {}", region.name), line);
    }
    Ok(report)
}

fn plan(config: &RecoveryConfig, services: &[ServiceConfig]) -> Report {
    let mut report = Report::new("Recovery plan");
    for (at, step) in config.steps.iter().enumerate() {
        let mut parts = Vec::new();
        if !step.services.is_empty() {
            parts.push(step.services.join(", "));
        }
        parts
            .push(step.rto.map_or("no time objective".to_owned(), |rto| {
                format!("back within {}", span(rto))
            }));
        parts.extend(step.rpo.map(|rpo| format!("losing at most {} of data", span(rpo))));
        let subject = format!("{}. {}", at + 1, step.name);
        let unknown: Vec<&str> = step
            .services
            .iter()
            .map(String::as_str)
            .filter(|name| !services.iter().any(|service| service.name == *name))
            .collect();
        if unknown.is_empty() {
            report.findings.push(Finding::new(Status::Ok, subject, parts.join(" · "), SOURCE));
        } else {
            let measured =
                format!("{} · no such service: {}", parts.join(" · "), unknown.join(", "));
            let finding = Finding::new(Status::Warn, subject, measured, SOURCE);
            report.findings.push(finding.hint("the plan and the services do not agree"));
        }
    }
    let planned =
        |name: &str| config.steps.iter().any(|step| step.services.iter().any(|s| s == name));
    let forgotten: Vec<&str> = services
        .iter()
        .map(|service| service.name.as_str())
        .filter(|name| !planned(name))
        .collect();
    if !forgotten.is_empty() {
        let text = format!("in no step: {}", forgotten.join(", "));
        let finding = Finding::new(Status::Warn, "services", text, SOURCE);
        report.findings.push(finding.hint("add them to [[recovery.steps]]"));
    }
    if config.steps.is_empty() {
        let finding = Finding::new(Status::Unsupported, "plan", "no step is configured", SOURCE);
        report.findings.push(finding);
    }
    let row = |(at, step): (usize, &crate::platform::config::RecoveryStep)| -> Vec<Untrusted> {
        let time = |time: Option<SignedDuration>| time.map_or("-".to_owned(), span).into();
        let services = step.services.join(", ");
        vec![
            (at + 1).to_string().into(),
            step.name.as_str().into(),
            services.into(),
            time(step.rto),
            time(step.rpo),
        ]
    };
    report.tables.push(Table {
        title: "In this order".into(),
        columns: vec!["", "step", "services", "RTO", "RPO"],
        rows: config.steps.iter().enumerate().map(row).collect(),
        provenance: Provenance::now(SOURCE),
    });
    report.bounded()
}

fn span(time: SignedDuration) -> String {
    human::span(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::config::guide_services;

    #[test]
    fn the_guides_order_covers_the_guides_services() {
        let report = plan(&RecoveryConfig::default(), &guide_services());
        let shown: Vec<_> = report
            .findings
            .iter()
            .map(|f| format!("{} {}: {}", f.status.word(), f.subject.raw(), f.measured.raw()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        ok 1. Database restoration: back within 15 min
        ok 2. Core services: vm-service, orchestration-service, api-gateway · no time objective
        ok 3. Supporting services: ml-service, federation-service, backup-service · no time objective
        ok 4. Frontend and monitoring: monitoring · no time objective
        ");
    }

    #[test]
    fn a_plan_that_forgets_a_service_says_so() {
        let mut config = RecoveryConfig::default();
        config.steps[1].services = vec!["vm-servic".to_owned()];
        let report = plan(&config, &guide_services());
        assert_eq!(report.verdict(), Status::Warn);
        let said: String = report.findings.iter().map(|f| f.measured.raw()).collect();
        assert!(said.contains("no such service: vm-servic"), "{said}");
        assert!(said.contains("in no step: api-gateway, vm-service, orchestration"), "{said}");
    }
}
