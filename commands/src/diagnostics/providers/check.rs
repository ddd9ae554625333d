//! `providers check PROVIDER`: who the credentials are and how many machines they see, by the provider's
//! own tool in the toolbox's pod. The arguments are lists of ours; there is no shell.

use clap::{Args as _, FromArgMatches as _};
use futures_util::future::join;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::{ExecOutput, Pod};
use crate::platform::probe::last_line;
use crate::platform::providers::Provider;
use crate::platform::{Home, Platform, PlatformError, no_cluster, workload};
use crate::report::{Finding, Report, Status};

#[derive(clap::Args)]
struct Args {
    /// The provider to ask
    #[arg(value_name = "PROVIDER", required = true, value_parser = ["aws", "azure", "gcp"])]
    provider: String,
}

pub(crate) const COMMAND: Command = Command {
    path: "providers check",
    summary: "Identity and instances by a provider's own tools",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G22"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let provider = Provider::named(&args.provider)
        .ok_or_else(|| UserError::new("the providers are aws, azure and gcp"))?;
    let platform = &*call.platform;
    let mut report = Report::new(format!("{} by its own tool", provider.word()));
    match toolbox(platform)? {
        Err(finding) => report.findings.push(*finding),
        Ok(home) => match home.a_pod().await {
            Err(error) => report.findings.push(home.missing("toolbox", &error)),
            Ok(pod) => report.findings = ask(platform, provider, &home, &pod).await,
        },
    }
    report.sort();
    let again = format!("providers check {}", provider.word());
    Ok(report
        .then("Check again", again)
        .then("Credentials", "providers credentials")
        .then("Health", "providers health"))
}

/// Where the tools are, or that there are none.
fn toolbox(platform: &Platform) -> Result<Result<Home<'_>, Box<Finding>>, UserError> {
    let config = &platform.providers;
    let place = config.toolbox.as_deref().and_then(workload);
    let Some((kind, name)) = place else {
        let text = "no toolbox is configured";
        let finding = Finding::new(Status::Unsupported, "toolbox", text, "configuration");
        let advice = "name a workload that has the providers' tools as `toolbox` in [providers]";
        return Ok(Err(Box::new(finding.hint(advice))));
    };
    let cluster = match &config.cluster {
        Some(name) => platform.cluster(name)?,
        None => match platform.clusters.first() {
            Some(cluster) => cluster,
            None => return Ok(Err(Box::new(no_cluster()))),
        },
    };
    Ok(Ok(Home { cluster, namespace: &config.namespace, kind, name, selector: None }))
}

async fn ask(platform: &Platform, provider: Provider, home: &Home<'_>, pod: &Pod) -> Vec<Finding> {
    let (who, many) = (provider.identity(), provider.instances(&platform.providers));
    let time = platform.tool_time();
    let (identity, count) = join(home.run(pod, &who, time), home.run(pod, &many, time)).await;
    let tool = who[0];
    let identity = answered("identity", tool, home.command(pod, &who), identity, |output| {
        let found = provider.read_identity(&output.stdout)?;
        Some(format!("{} as {}", found.account.raw(), found.user.raw()))
    });
    if identity.status == Status::Unsupported {
        return vec![identity];
    }
    let instances = answered("instances", tool, home.command(pod, &many), count, |output| {
        Some(provider.read_instances(&output.stdout)?.to_string())
    });
    vec![identity, instances]
}

/// One answer of a tool, or what came in its place.
fn answered(
    subject: &str,
    tool: &str,
    source: String,
    output: Result<Option<ExecOutput>, PlatformError>,
    read: impl FnOnce(&ExecOutput) -> Option<String>,
) -> Finding {
    let output = match output {
        Ok(Some(output)) => output,
        Ok(None) => {
            let text = format!("the toolbox does not have `{tool}`");
            return Finding::new(Status::Unsupported, subject, text, source);
        }
        Err(error) => return error.finding(subject, source),
    };
    if output.exit_code != 0 {
        let text = format!("`{tool}` failed ({}): {}", output.exit_code, last_line(&output).raw());
        let finding = Finding::new(Status::Fail, subject, text, source);
        return finding.hint("the credentials may have ended: see `providers credentials`");
    }
    match read(&output) {
        Some(text) => Finding::new(Status::Ok, subject, text, source),
        None => {
            Finding::new(Status::NoData, subject, format!("`{tool}` said nothing usable"), source)
                .hint("nobody may be logged in there")
        }
    }
}
