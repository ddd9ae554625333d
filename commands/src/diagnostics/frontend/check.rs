//! `frontend check`: whatever keeps the dashboard from loading, from its pods to the browser.

use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};

use super::health::body::judge;
use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::{Filter, Pod, TailOptions, Workload};
use crate::platform::websocket::{self, First};
use crate::platform::{Cause, Home, Platform, PlatformError, no_cluster, workload};
use crate::report::{Excerpt, Finding, Provenance, Report, Status};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "frontend check",
    summary: "Frontend pods, gateway, WebSocket, browser checklist",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G37", "G38", "G39", "G42"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Error lines shown of all pods, and how much is kept of one pod's log for them, in bytes.
const ERRORS: u32 = 20;
const BYTES: usize = 256 * 1024;
/// How far back the pods' logs are searched, in minutes, and pods that are searched.
const MINUTES: i64 = 15;
const PODS: usize = 10;

/// What only the user's browser can say.
const CHECKLIST: [&str; 8] = [
    "1. Reload without the cache (Ctrl+Shift+R), then try a private window.",
    "2. Console (F12): note the first red line, with its file and line.",
    "3. Network: which request is red or pending? Note its status, address and time.",
    "4. Network, WS: does the socket show 101 and then messages? A close code other than 1000?",
    "5. \"Mixed content\" or CORS: is the page on https and an address in it on http?",
    "6. Signed in? 401 or 403 in Network means that the session has ended: sign in again.",
    "7. Extensions, VPN, company proxy: try without them, or another network.",
    "8. Does a colleague elsewhere see it, too? Since when, which browser and version?",
];

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let config = &platform.frontend;
    let (kind, name) = workload(&config.workload).ok_or_else(|| {
        UserError::new(
            "[frontend] `workload` is deployment/NAME, statefulset/NAME or daemonset/NAME",
        )
    })?;
    let errors = Filter::new(&config.errors)
        .map_err(|why| UserError::new(format!("[frontend] `errors`: {why}")))?;
    let cluster = config.cluster.as_deref().map(|name| platform.cluster(name)).transpose()?;
    let home = cluster.or(platform.clusters.first()).map(|cluster| Home {
        cluster,
        namespace: &config.namespace,
        kind,
        name,
        selector: Some(config.selector.as_str()).filter(|selector| !selector.is_empty()),
    });
    call.progress.total(3);
    let pods = async {
        let found = match &home {
            Some(home) => look(home, &errors).await,
            None => (vec![no_cluster()], None),
        };
        call.progress.done();
        found
    };
    let counted = async |asked: BoxFuture<'_, Finding>| {
        let finding = asked.await;
        call.progress.done();
        finding
    };
    let gateway = counted(Box::pin(gateway(platform)));
    let socket = counted(Box::pin(socket(platform)));
    let ((pods, lines), gateway, socket) = futures_util::join!(pods, gateway, socket);

    let mut report = Report::new("frontend");
    report.findings = pods;
    report.findings.extend([gateway, socket]);
    report.excerpts.extend(lines);
    report.excerpts.push(Excerpt {
        title: "To ask the user".into(),
        lines: CHECKLIST.map(Untrusted::from).into(),
        provenance: Provenance::now("the guide's browser checklist"),
    });
    report.sort();
    // The catalogue may know it as a service, and then its log can be asked for.
    if let Some(service) =
        platform.services.iter().find(|s| s.workload.as_deref() == Some(&config.workload))
    {
        report = report
            .then("Rollout", format!("rollout status {}", service.name))
            .then("Restart", format!("restart {}", service.name));
    }
    Ok(report
        .then("Purge the CDN", "frontend purge-cdn")
        .then("Check again", "frontend check")
        .bounded())
}

/// The pods, and the last lines of their logs that look like errors.
async fn look(home: &Home<'_>, errors: &Filter) -> (Vec<Finding>, Option<Excerpt>) {
    let (workload, pods) = match home.deployed().await {
        Ok(deployed) => deployed,
        Err(error) => {
            let finding = home.missing("pods", &error);
            let hint = "see [frontend] `workload` and `namespace`";
            return match error.cause {
                Cause::NotFound => (vec![finding.hint(hint)], None),
                _ => (vec![finding], None),
            };
        }
    };
    let mut findings = vec![judge_pods(home, &workload, &pods)];
    let since = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(MINUTES);
    let asked = pods.iter().take(PODS).map(|pod| async move {
        let options = TailOptions {
            container: pod.main_container.as_deref(),
            since: Some(since),
            previous: false,
            filter: Some(errors),
            lines: ERRORS,
            bytes: BYTES,
        };
        (pod, home.cluster.tail((home.namespace, &pod.name), &options).await)
    });
    let source = format!("logs of {}, last {MINUTES} min", home.place());
    let (mut lines, mut matched, mut read) = (Vec::new(), 0u64, 0);
    for (pod, tail) in join_all(asked).await {
        match tail {
            Ok(tail) => {
                read += 1;
                matched += tail.matched;
                lines.extend(tail.lines.into_iter().map(|line| (pod.name.as_str(), line)));
            }
            Err(error) => findings.push(unreadable(pod, &error, &source)),
        }
    }
    if read > 0 {
        let many = usize::try_from(matched).unwrap_or(usize::MAX);
        let (status, text) = match many {
            0 => (Status::Ok, format!("no errors in the last {MINUTES} min")),
            many => {
                let lines = human::count(many, "error line");
                (Status::Warn, format!("{lines} in the last {MINUTES} min"))
            }
        };
        findings.push(Finding::new(status, "log", text, source.as_str()));
    }
    lines.sort_by_key(|(_, line)| line.at);
    lines.drain(..lines.len().saturating_sub(ERRORS as usize));
    let shown = lines.iter().map(|(pod, line)| {
        let at = line.at.map_or_else(String::new, |at| format!("{} ", at.strftime("%H:%M:%S")));
        let short = pod.rsplit('-').next().unwrap_or(pod);
        format!("{at}{short} {}", line.text.raw()).into()
    });
    let lines: Vec<Untrusted> = shown.collect();
    let excerpt = (!lines.is_empty()).then(|| Excerpt {
        title: "Last errors".into(),
        lines,
        provenance: Provenance::now(source),
    });
    (findings, excerpt)
}

fn judge_pods(home: &Home<'_>, workload: &Workload, pods: &[Pod]) -> Finding {
    let (ready, desired) = (workload.ready, workload.desired);
    let status = match (ready, desired) {
        (_, 0) => Status::Warn,
        (0, _) => Status::Fail,
        (ready, desired) if ready < desired => Status::Warn,
        _ => Status::Ok,
    };
    let mut facts = vec![format!("{ready}/{desired} ready")];
    if desired == 0 {
        facts.push("scaled to zero".to_owned());
    }
    let mut reasons: Vec<&str> =
        pods.iter().filter_map(|pod| pod.waiting_reason.as_deref()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    facts.extend(reasons.into_iter().map(str::to_owned));
    let restarts: u64 = pods.iter().map(|pod| u64::from(pod.restarts)).sum();
    if restarts > 0 {
        facts.push(format!("{restarts} restarts"));
    }
    let finding = Finding::new(status, "pods", facts.join(" · "), home.place());
    if pods.is_empty() && desired > 0 {
        return finding.hint("its selector selects no pod: see [frontend] `selector`");
    }
    finding
}

fn unreadable(pod: &Pod, error: &PlatformError, source: &str) -> Finding {
    let finding = error.finding(pod.name.as_str(), source);
    match error.cause {
        Cause::Invalid => Finding { status: Status::NoData, ..finding },
        Cause::Forbidden => finding.hint("grant nova's account `get` on `pods/log`"),
        _ => finding,
    }
}

async fn gateway(platform: &Platform) -> Finding {
    let url = platform.frontend.health.as_str();
    if url.is_empty() {
        return unasked("gateway", "health");
    }
    let source = format!("GET {url}");
    match platform.http.get(url, None).await {
        Ok(answer) => {
            let judgement = judge(&answer);
            let text = format!("{} · {} ms", judgement.measured, answer.took.as_millis());
            let slow = judgement.status == Status::Ok && answer.took > platform.http.slow();
            let status = if slow { Status::Warn } else { judgement.status };
            let finding = Finding::new(status, "gateway", text, source);
            match judgement.status {
                Status::Unsupported => finding.hint("see [frontend] `health`"),
                _ => finding,
            }
        }
        Err(error) => {
            let finding = error.finding("gateway", source);
            match error.cause {
                Cause::UnknownHost => finding.hint("see [frontend] `health`"),
                _ => finding,
            }
        }
    }
}

async fn socket(platform: &Platform) -> Finding {
    let url = platform.frontend.websocket.as_str();
    if url.is_empty() {
        return unasked("WebSocket", "websocket");
    }
    let source = format!("WebSocket {url}");
    let finding = |status, text: String| Finding::new(status, "WebSocket", text, source.as_str());
    let spoken = match websocket::visit(url, platform.deadline).await {
        Ok(spoken) => spoken,
        Err(error) => {
            let text = format!("no upgrade: {}", error.measured().raw());
            return match error.cause {
                Cause::NotFound => finding(Status::Unsupported, "no such endpoint here".to_owned())
                    .hint("see [frontend] `websocket`"),
                Cause::Unauthenticated | Cause::Forbidden => finding(Status::NoData, text)
                    .hint("it is there and wants a session, which nova has not"),
                Cause::Http(200) => finding(Status::Fail, "answers without an upgrade".to_owned())
                    .hint("a proxy between drops `Upgrade`: let it through"),
                Cause::UnknownHost => {
                    finding(Status::Fail, text).hint("see [frontend] `websocket`")
                }
                _ => finding(Status::Fail, text),
            };
        }
    };
    let ms = |time: Duration| format!("{} ms", time.as_millis());
    let mut text = format!("upgrade in {}", ms(spoken.upgrade));
    let (status, hint) = match &spoken.first {
        First::Message { after, bytes, text: said } => {
            text = format!("{text} · first message of {bytes} B after {}", ms(*after));
            if let Some(said) = said {
                text = format!("{text}: {}", said.raw());
            }
            (Status::Ok, None)
        }
        First::Quiet => {
            text = format!("{text} · no message within {}, answers pings", ms(platform.deadline));
            (Status::Warn, Some("nothing changed in that time, or updates do not flow"))
        }
        First::Dead => {
            text = format!("{text} · neither messages nor answers to pings");
            (Status::Fail, Some("it accepts connections and does nothing with them"))
        }
        First::Closed(why) => {
            text = format!("{text} · closed at once: {}", why.raw());
            (Status::Fail, Some("the code says why; 1008 and 44xx are refusals of the session"))
        }
    };
    if !spoken.closed {
        text = format!("{text} · did not answer the close");
    }
    let status = if spoken.closed { status } else { status.min(Status::Warn) };
    match hint {
        Some(hint) => finding(status, text).hint(hint),
        None => finding(status, text),
    }
}

fn unasked(subject: &str, key: &str) -> Finding {
    let finding = Finding::new(Status::Unsupported, subject, "not configured", "configuration");
    finding.hint(format!("see [frontend] `{key}`"))
}
