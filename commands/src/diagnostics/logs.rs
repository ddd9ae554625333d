//! `logs SERVICE`: the log lines of all pods of a service, in the order in which they were written.
//!
//! Invariant: memory is bounded by the lines that are shown, whatever the containers write.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::command::{Call, Command, Kind, Progress, Run, UserError, number};
use crate::platform::kube::{End, Filter, Line, Pod, Tail, TailOptions};
use crate::platform::{Cause, Home, PlatformError, no_cluster};
use crate::report::{Excerpt, Finding, Provenance, Report, Status};
use crate::text::human;

pub(crate) const COMMAND: Command = Command {
    path: "logs",
    summary: "Log lines of a service's pods",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G18"],
    args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Lines without `--tail`.
const TAIL: u32 = 100;
/// Bytes kept of all pods together, and pods read at once and at most.
const BYTES: usize = 8 * 1024 * 1024;
const AT_ONCE: usize = 8;
const PODS: usize = 50;

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("SERVICE").value_name("SERVICE").required(true).help("Whose log"))
        .arg(number("tail", 1..=100_000).help("The last so many lines of all pods together"))
        .arg(option("since", "DURATION").help("Only lines since: 15m, 2h, 2026-11-25T10:00:00Z"))
        .arg(option("grep", "PATTERN").help("Only lines that match this regular expression"))
        .arg(
            Arg::new("previous")
                .long("previous")
                .action(ArgAction::SetTrue)
                .help("Of the containers before their last restart"),
        )
        .arg(option("cluster", "CLUSTER").help("In this cluster instead of the service's own"))
}

fn option(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value)
}

async fn run(call: Call) -> Result<Report, UserError> {
    let word = |name: &str| call.args.get_one::<String>(name).map(String::as_str);
    let service = call.platform.service(word("SERVICE").unwrap_or_default())?;
    let lines = call.args.get_one::<u32>("tail").copied().unwrap_or(TAIL);
    let since = word("since").map(|text| since(text, Timestamp::now())).transpose()?;
    let filter = word("grep").map(Filter::new).transpose();
    let filter = filter.map_err(|why| UserError::new(format!("`--grep`: {why}")))?;
    let previous = call.args.get_flag("previous");
    let Some(home) = call.platform.home(service, word("cluster"))? else {
        return Ok(Report::only(service.name.as_str(), no_cluster()));
    };
    let mut pods = match home.deployed().await {
        Ok((_, pods)) => pods,
        Err(error) => {
            return Ok(Report::only(service.name.as_str(), home.missing(&service.name, &error)));
        }
    };
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    let all = pods.len();
    pods.truncate(PODS);
    call.progress.total(pods.len());
    let bytes = BYTES / pods.len().max(1);
    let filter = filter.as_ref();
    let options = TailOptions { container: None, since, previous, filter, lines, bytes };
    let asked: Vec<BoxFuture<'_, Read<'_>>> =
        pods.iter().map(|pod| read_one(&home, pod, options, &call.progress).boxed()).collect();
    let read: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;

    let asked = Asked { service: &service.name, since, grep: word("grep"), previous, lines };
    let mut report = Report::new(format!("log of {}", service.name));
    let (findings, lines) = gather(&asked, &home, read);
    report.findings = findings;
    if all > PODS {
        let text = format!("{PODS} of {all} pods read");
        report.findings.push(Finding::new(Status::Warn, "pods", text, home.place()));
    }
    if !lines.is_empty() {
        report.excerpts.push(Excerpt {
            title: format!("Last {}", human::count(lines.len(), "line")).into(),
            lines,
            provenance: Provenance::now(asked.source(&home)),
        });
    }
    report.sort();
    let within = word("cluster").map_or_else(String::new, |name| format!(" --cluster {name}"));
    let line = |rest: &str| format!("logs {}{within}{rest}", service.name);
    if asked.grep.is_none() {
        report = report.then("Errors only", line(" --grep (?i)error|panic|fatal"));
    }
    if !previous && pods.iter().any(|pod| pod.restarts > 0) {
        report = report.then("Before the restart", line(" --previous"));
    }
    Ok(report.then("Rollout", format!("rollout status {}{within}", service.name)).bounded())
}

/// What was asked for.
struct Asked<'a> {
    service: &'a str,
    since: Option<Timestamp>,
    grep: Option<&'a str>,
    previous: bool,
    lines: u32,
}

impl Asked<'_> {
    /// As kubectl would be asked.
    fn source(&self, home: &Home<'_>) -> String {
        let mut source = format!("logs of {}", home.place());
        if self.previous {
            source += ", previous";
        }
        if let Some(since) = self.since {
            source += &format!(", since {since:.0}");
        }
        if let Some(pattern) = self.grep {
            source += &format!(", lines that match {pattern}");
        }
        source
    }
}

type Read<'a> = (&'a Pod, Result<Tail, PlatformError>);

async fn read_one<'a>(
    home: &Home<'_>,
    pod: &'a Pod,
    options: TailOptions<'_>,
    progress: &Progress,
) -> Read<'a> {
    let options = TailOptions { container: pod.main_container.as_deref(), ..options };
    let tail = home.cluster.tail((home.namespace, &pod.name), &options).await;
    progress.done();
    (pod, tail)
}

/// One finding for all that was read, one for each pod that could not be read or not to its end; and
/// the last lines of all of them in the order of time.
fn gather(
    asked: &Asked<'_>,
    home: &Home<'_>,
    read: Vec<Read<'_>>,
) -> (Vec<Finding>, Vec<crate::text::Untrusted>) {
    let source = asked.source(home);
    // What is forbidden is forbidden for all of them.
    if let Some((_, Err(error))) = read.first()
        && error.cause == Cause::Forbidden
        && read.iter().all(|(_, tail)| matches!(tail, Err(e) if e.cause == Cause::Forbidden))
    {
        return (vec![unreadable(asked.service, error, &source)], Vec::new());
    }
    let names = short_names(home.name, read.iter().map(|(pod, _)| pod.name.as_str()));
    let (mut findings, mut lines) = (Vec::new(), Vec::new());
    let (mut pods, mut total, mut matched, mut bytes) = (0usize, 0u64, 0u64, 0u64);
    for ((pod, tail), name) in read.into_iter().zip(&names) {
        let finding =
            |status, text: String| Finding::new(status, pod.name.as_str(), text, source.as_str());
        match tail {
            Ok(tail) => {
                pods += 1;
                total += tail.read.0;
                bytes += tail.read.1;
                matched += tail.matched;
                let got = human::bytes(tail.read.1 as f64);
                match tail.end {
                    End::Whole => {}
                    End::Early => findings.push(
                        finding(Status::Warn, format!("not read to its end: stopped after {got}"))
                            .hint("ask for less with `--since`"),
                    ),
                    End::Broken => findings.push(finding(
                        Status::Warn,
                        format!("not read to its end: the connection broke after {got}"),
                    )),
                }
                lines.extend(tail.lines.into_iter().map(|line| (name.as_str(), line)));
            }
            // There was no earlier container: it has not restarted.
            Err(error) if asked.previous && error.cause == Cause::Invalid => {
                findings.push(finding(Status::NoData, "has not restarted".to_owned()));
            }
            Err(error) => findings.push(unreadable(&pod.name, &error, &source)),
        }
    }
    // Stable: lines of one pod stay in their order where their times are the same.
    lines.sort_by_key(|(_, line)| line.at);
    let more = lines.len().saturating_sub(asked.lines as usize);
    lines.drain(..more);
    if pods == 0 && findings.is_empty() {
        let finding = Finding::new(Status::NoData, asked.service, "no pods", home.place());
        findings.push(finding.hint("scaled to zero, or its `selector` selects none"));
    } else if pods > 0 {
        findings.push(summary(asked, (pods, total, matched, bytes), &lines, &source));
    }
    let shown = lines.into_iter().map(|(name, line)| {
        let at = line.at.map_or_else(String::new, |at| format!("{} ", at.strftime("%H:%M:%S%.3f")));
        format!("{at}{name} {}", line.text.raw()).into()
    });
    (findings, shown.collect())
}

fn summary(
    asked: &Asked<'_>,
    (pods, total, matched, bytes): (usize, u64, u64, u64),
    lines: &[(&str, Line)],
    source: &str,
) -> Finding {
    let status = if lines.is_empty() { Status::NoData } else { Status::Ok };
    let mut facts = vec![human::count(pods, "pod")];
    let count = |many: u64, noun| human::count(usize::try_from(many).unwrap_or(usize::MAX), noun);
    facts.push(match asked.grep {
        Some(_) => format!(
            "{matched} of {} match, {} read",
            count(total, "line"),
            human::bytes(bytes as f64)
        ),
        None => count(lines.len() as u64, "line"),
    });
    let finding = Finding::new(status, asked.service, facts.join(" · "), source);
    let newest = lines.iter().filter_map(|(_, line)| line.at).max();
    match (newest, asked.grep) {
        (Some(at), _) => finding.at(at),
        (None, Some(_)) => {
            finding.hint("no line matches: look further back with a larger `--since`")
        }
        (None, None) => finding.hint("nothing was written in this time"),
    }
}

fn unreadable(subject: &str, error: &PlatformError, source: &str) -> Finding {
    let finding = error.finding(subject, source);
    match error.cause {
        // It has not started: that is how the pod is, and not a fault of reading.
        Cause::Invalid => Finding { status: Status::NoData, ..finding },
        Cause::Forbidden => finding.hint("grant nova's account `get` on `pods/log`"),
        _ => finding,
    }
}

/// The part of the pods' names that tells them apart: their own end, if it does.
fn short_names<'a>(workload: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<&str> = names.collect();
    let last = |name: &&str| name.rsplit('-').next().unwrap_or(name).to_owned();
    let short: Vec<String> = names.iter().map(last).collect();
    if short.iter().collect::<BTreeSet<_>>().len() == short.len() {
        return short;
    }
    let own = |name: &&str| {
        let rest = name.strip_prefix(workload).unwrap_or(name);
        rest.trim_start_matches('-').to_owned()
    };
    names.iter().map(own).collect()
}

/// `15m`, `2h30m`, `3d` before `now`, or a time.
fn since(text: &str, now: Timestamp) -> Result<Timestamp, UserError> {
    let wrong = || {
        UserError::new(format!(
            "`--since {text}`: give a duration such as 15m, 2h or 3d, or a time such as {}",
            now.strftime("%Y-%m-%dT%H:%M:%SZ")
        ))
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return if at < now { Ok(at) } else { Err(UserError::new("`--since` lies in the future")) };
    }
    let span: Span = text.parse().map_err(|_| wrong())?;
    let days = SpanRelativeTo::days_are_24_hours();
    let duration: SignedDuration = span.to_duration(days).map_err(|_| wrong())?;
    if duration <= SignedDuration::ZERO {
        return Err(wrong());
    }
    now.checked_sub(duration).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_duration_or_a_time() {
        let now: Timestamp = "2026-11-25T10:00:00Z".parse().unwrap();
        let at = |text| since(text, now).map(|at| at.to_string()).map_err(|e| e.0.raw().to_owned());
        assert_eq!(at("15m"), Ok("2026-11-25T09:45:00Z".to_owned()));
        assert_eq!(at("1h30m"), Ok("2026-11-25T08:30:00Z".to_owned()));
        assert_eq!(at("2d"), Ok("2026-11-23T10:00:00Z".to_owned()));
        assert_eq!(at("2026-11-25T11:59:00+02:00"), Ok("2026-11-25T09:59:00Z".to_owned()));
        assert_eq!(at("2026-11-25T11:59:00Z"), Err("`--since` lies in the future".to_owned()));
        for wrong in ["soon", "-5m", "0s", "", "15", "9999999999999h"] {
            assert!(at(wrong).unwrap_err().contains("give a duration"), "{wrong}");
        }
    }

    #[test]
    fn pods_are_named_by_what_tells_them_apart() {
        let names = |names: &[&str]| short_names("web", names.iter().copied());
        assert_eq!(names(&["web-6d4c9-aa", "web-6d4c9-bb"]), ["aa", "bb"]);
        assert_eq!(names(&["web-1-aa", "web-2-aa"]), ["1-aa", "2-aa"]);
        assert_eq!(names(&["web-0", "web-1"]), ["0", "1"]);
    }
}
