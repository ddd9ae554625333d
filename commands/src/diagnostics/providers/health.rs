//! `providers health`: how the VM service finds each cloud provider.

use futures_util::future::join_all;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::Platform;
use crate::platform::providers::Provider;
use crate::report::{Finding, Report, Status};

use super::health::body::judge;

pub(crate) const COMMAND: Command = Command {
    path: "providers health",
    summary: "Health of aws, azure and gcp",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G19"],
    args: |c| c,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let service = platform.service(&platform.providers.service)?;
    let mut report = Report::new("Cloud providers");
    let Some(base) = service.base_url() else {
        let text = "no address configured";
        let finding =
            Finding::new(Status::Unsupported, service.name.as_str(), text, "configuration");
        report.findings.push(finding.hint("give the service a `url` or a `port`"));
        return Ok(report);
    };
    let asked = Provider::ALL.map(|provider| one(platform, &base, provider));
    report.findings = join_all(asked).await;
    report.sort();
    let broken = report.findings.iter().find(|finding| finding.status.needs_attention());
    let check = broken.map_or("aws", |finding| match finding.subject.raw() {
        "azure" => "azure",
        "gcp" => "gcp",
        _ => "aws",
    });
    let logs = format!("logs {} --tail 50", service.name);
    Ok(report
        .then("Credentials", "providers credentials")
        .then(&format!("Check {check}"), format!("providers check {check}"))
        .then("Logs", logs))
}

async fn one(platform: &Platform, base: &str, provider: Provider) -> Finding {
    let path = platform.providers.health.replace("{provider}", provider.word());
    let url = format!("{base}{path}");
    let source = format!("GET {url}");
    match platform.http.get(&url, None).await {
        Err(error) => error.finding(provider.word(), source),
        Ok(answer) => {
            let judged = judge(&answer);
            if judged.status == Status::Unsupported {
                let text = format!("{} · this version does not tell it", answer.status);
                let finding = Finding::new(Status::Unsupported, provider.word(), text, source);
                return finding.hint("see `health` in [providers], or ask by `providers check`");
            }
            let measured = format!("{} · {} ms", judged.measured, answer.took.as_millis());
            Finding::new(judged.status, provider.word(), measured, source)
        }
    }
}
