//! `security auth-failures`: failed logins of the last two hours in the gateway's logs, by source and by
//! user, the last hour against the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::AuthFailuresConfig;
use crate::platform::kube::{LogOptions, Logs};
use crate::platform::{Home, Platform, configured, no_cluster};
use crate::report::{Chart, ChartLine, Excerpt, Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "security auth-failures",
    summary: "Authentication failures by source and user",
    kind: Kind::Diagnostic { sensitive: true },
    guide: &["G52"],
    args: |c| c,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Of the logs, in seconds: the hour that is judged and the one before.
const WINDOW: u32 = 7_200;
const HOUR: i64 = 3_600;
/// Seconds of one point of the chart.
const STEP: i64 = 300;
/// Pods whose logs are read, and lines of each.
const PODS: usize = 20;
const LINES: u32 = 50_000;
const BYTES: usize = 8 * 1024 * 1024;
/// Sources and users that are shown, and log lines.
const SHOWN: usize = 10;
const EXCERPT: usize = 5;
/// Fewer failures than this are people who mistype.
const FEW: usize = 10;

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let config = &platform.security.auth_failures;
    let service = platform.service(&platform.security.service)?;
    let name = service.name.as_str();
    let mut report = Report::new("Failed logins");
    let counted = counted(platform, config);
    let read = async {
        let Some(home) = platform.home(service, None)? else {
            return Ok(Err(no_cluster()));
        };
        Ok::<_, UserError>(read(&home, config, name).await)
    };
    let (read, counted) = futures_util::join!(read, counted);
    match read? {
        Ok((failures, notes)) => {
            let now = Timestamp::now();
            let source = format!("logs of {name}, lines with /{}/", config.pattern);
            report.findings.push(judge(&failures, config, now, &source));
            report.findings.extend(loudest(&failures, &source));
            report.findings.extend(notes);
            report.charts.extend(chart(&failures, now, &source));
            report.tables = tables(&failures, &source);
            report.excerpts.extend(excerpt(&failures, &source));
            report.next = Vec::new();
            report = steps(report, &failures);
        }
        Err(finding) => report.findings.push(finding),
    }
    report.findings.extend(counted);
    report.sort();
    let line = format!("logs {name} --since 1h --grep {}", config.pattern);
    let is_word = !config.pattern.contains(char::is_whitespace);
    Ok(if is_word { report.then("Logs", line) } else { report })
}

/// One failed login.
struct Failure {
    at: Timestamp,
    source: Option<String>,
    user: Option<String>,
    line: Untrusted,
}

type ReadLogs = Result<(Vec<Failure>, Vec<Finding>), Finding>;

async fn read(home: &Home<'_>, config: &AuthFailuresConfig, name: &str) -> ReadLogs {
    let patterns = [&config.pattern, &config.source, &config.user].map(|text| Regex::new(text));
    let [Ok(pattern), Ok(source), Ok(user)] = patterns else {
        let text = "a pattern of [security.auth_failures] is no regular expression";
        return Err(Finding::new(Status::Unsupported, name, text, "configuration"));
    };
    let (_, mut pods) = home.deployed().await.map_err(|error| home.missing(name, &error))?;
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    let more = pods.len().saturating_sub(PODS);
    pods.truncate(PODS);
    let logs = join_all(pods.iter().map(|pod| async {
        let options = LogOptions {
            container: pod.main_container.clone(),
            tail: Some(LINES),
            since_seconds: Some(WINDOW),
            timestamps: true,
            limit_bytes: BYTES,
            ..LogOptions::default()
        };
        home.cluster.logs(home.namespace, &pod.name, &options).await
    }))
    .await;
    let (mut failures, mut notes, mut read) = (Vec::new(), Vec::new(), 0);
    for (pod, logs) in pods.iter().zip(logs) {
        let place = format!("logs of {}/{} in {}", home.namespace, pod.name, home.cluster.name());
        match logs {
            Ok(Logs { lines, truncated }) => {
                read += 1;
                if truncated || lines.len() >= LINES as usize {
                    let text = "its log is longer than is read: there may be more failures";
                    notes.push(Finding::new(Status::NoData, pod.name.as_str(), text, place));
                }
                let found = lines.iter().filter_map(|line| failure(line, &pattern, &source, &user));
                failures.extend(found);
            }
            Err(error) => notes.push(error.finding(pod.name.as_str(), place)),
        }
    }
    if more > 0 {
        let text = format!("{} were not read", human::count(more, "more pod"));
        notes.push(Finding::new(Status::NoData, name, text, home.place()));
    }
    if read == 0 {
        let why = notes.into_iter().next();
        let none = || Finding::new(Status::NoData, name, "it has no pod to read", home.place());
        return Err(why.unwrap_or_else(none));
    }
    failures.sort_by_key(|failure| failure.at);
    Ok((failures, notes))
}

fn failure(line: &Untrusted, pattern: &Regex, source: &Regex, user: &Regex) -> Option<Failure> {
    let (at, text) = line.raw().split_once(' ')?;
    if !pattern.is_match(text) {
        return None;
    }
    let group = |regex: &Regex| Some(regex.captures(text)?.get(1)?.as_str().to_owned());
    let (source, user) = (group(source), group(user));
    Some(Failure { at: at.parse().ok()?, source, user, line: text.into() })
}

/// How many in the last hour and in the one before.
fn hours(failures: &[Failure], now: Timestamp) -> (usize, usize) {
    let recent = |failure: &&Failure| now.duration_since(failure.at).as_secs() < HOUR;
    let last = failures.iter().filter(recent).count();
    (last, failures.len() - last)
}

fn judge(
    failures: &[Failure],
    config: &AuthFailuresConfig,
    now: Timestamp,
    source: &str,
) -> Finding {
    let (last, before) = hours(failures, now);
    let distinct = |of: fn(&Failure) -> Option<&String>| {
        failures.iter().filter_map(of).collect::<BTreeSet<_>>().len()
    };
    let sources = human::count(distinct(|failure| failure.source.as_ref()), "source");
    let users = human::count(distinct(|failure| failure.user.as_ref()), "user");
    let measured =
        format!("{last} in the last hour, {before} in the hour before · {sources}, {users}");
    let spike = last >= FEW && last >= before.max(1).saturating_mul(config.spike as usize);
    let status = match last {
        last if last >= config.limit as usize => Status::Fail,
        _ if spike => Status::Warn,
        _ => Status::Ok,
    };
    let finding = Finding::new(status, "failures", measured, source);
    if status == Status::Ok {
        return finding;
    }
    let expected = format!("below {} an hour and {} × the hour before", config.limit, config.spike);
    finding.expected(expected)
}

/// Failures grouped by one of their marks, most first.
fn grouped(
    failures: &[Failure],
    by: fn(&Failure) -> &Option<String>,
    other: fn(&Failure) -> &Option<String>,
) -> Vec<(&str, usize, usize, Timestamp)> {
    let mut groups: BTreeMap<&str, (usize, BTreeSet<&str>, Timestamp)> = BTreeMap::new();
    for failure in failures {
        let Some(key) = by(failure).as_deref() else { continue };
        let group = groups.entry(key).or_insert((0, BTreeSet::new(), failure.at));
        group.0 += 1;
        group.1.extend(other(failure).as_deref());
        group.2 = group.2.max(failure.at);
    }
    let flat = groups.into_iter().map(|(key, (count, others, at))| (key, count, others.len(), at));
    let mut flat: Vec<_> = flat.collect();
    flat.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    flat
}

fn by_source(failures: &[Failure]) -> Vec<(&str, usize, usize, Timestamp)> {
    grouped(failures, |failure| &failure.source, |failure| &failure.user)
}

fn by_user(failures: &[Failure]) -> Vec<(&str, usize, usize, Timestamp)> {
    grouped(failures, |failure| &failure.user, |failure| &failure.source)
}

/// The one source or user that most of it is about.
fn loudest(failures: &[Failure], source: &str) -> Option<Finding> {
    let (name, count, users, _) = *by_source(failures).first()?;
    if count < FEW || count * 2 < failures.len() {
        return None;
    }
    let how = match users {
        0 | 1 => "one user's password is guessed",
        _ => "many users are tried",
    };
    let text =
        format!("{count} of {} failures, {}: {how}", failures.len(), human::count(users, "user"));
    let subject = format!("source {name}");
    Some(Finding::new(Status::Warn, subject, text, source))
}

fn chart(failures: &[Failure], now: Timestamp, source: &str) -> Option<Chart> {
    let points = i64::from(WINDOW) / STEP;
    let start = now.checked_sub(SignedDuration::from_secs(i64::from(WINDOW))).ok()?;
    let mut counts = vec![0.0; usize::try_from(points).ok()?];
    for failure in failures {
        let at = failure.at.duration_since(start).as_secs() / STEP;
        if let Some(count) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
            *count += 1.0;
        }
    }
    let mut at = start;
    let mut line = Vec::with_capacity(counts.len());
    for count in counts {
        at = at.checked_add(SignedDuration::from_secs(STEP)).ok()?;
        line.push((at, count));
    }
    (!failures.is_empty()).then(|| Chart {
        title: "Failures, each 5 minutes".into(),
        unit: "",
        lines: vec![ChartLine { name: "failures".into(), points: line }],
        limit: None,
        provenance: Provenance::now(source),
    })
}

fn tables(failures: &[Failure], source: &str) -> Vec<Table> {
    let table = |title: &str, first, second, groups: Vec<(&str, usize, usize, Timestamp)>| {
        let row = |&(key, count, others, at): &(&str, usize, usize, Timestamp)| {
            let at = at.strftime("%Y-%m-%d %H:%M UTC").to_string();
            vec![key.into(), count.to_string().into(), others.to_string().into(), at.into()]
        };
        let title = match groups.len() {
            all if all > SHOWN => format!("{title} ({SHOWN} of {all})"),
            _ => title.to_owned(),
        };
        Table {
            title: title.into(),
            columns: vec![first, "failures", second, "last"],
            rows: groups.iter().take(SHOWN).map(row).collect(),
            provenance: Provenance::now(source),
        }
    };
    let all = [
        table("By source", "source", "users", by_source(failures)),
        table("By user", "user", "sources", by_user(failures)),
    ];
    all.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn excerpt(failures: &[Failure], source: &str) -> Option<Excerpt> {
    let from = failures.len().saturating_sub(EXCERPT);
    (!failures.is_empty()).then(|| Excerpt {
        title: "The last ones".into(),
        lines: failures[from..].iter().map(|failure| failure.line.clone()).collect(),
        provenance: Provenance::now(source),
    })
}

fn steps(mut report: Report, failures: &[Failure]) -> Report {
    let worst = by_source(failures).first().filter(|worst| worst.1 >= FEW).map(|worst| worst.0);
    if let Some(address) = worst.and_then(|worst| worst.parse::<IpAddr>().ok()) {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let line = format!("security block-ip {address}/{bits}");
        report = report.then(&format!("Block {address}"), line);
    }
    let user = by_user(failures).first().map(|user| user.0.to_owned());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    if let Some(user) = user.filter(|u| u.chars().all(plain) && !u.starts_with('-') && u.len() < 65)
    {
        report = report.then("Rate limit", format!("security rate-limit {user}"));
    }
    report
}

/// The same by a counter in Prometheus, where the configuration names one.
async fn counted(platform: &Platform, config: &AuthFailuresConfig) -> Option<Finding> {
    let metric = config.metric.as_deref()?;
    let name = "failures counted";
    let client = match configured(name, "prometheus", &platform.prometheus) {
        Ok(client) => client,
        Err(finding) => return Some(*finding),
    };
    let last = format!("sum(increase({metric}[1h]))");
    let before = format!("sum(increase({metric}[1h] offset 1h))");
    let source = format!("{last} and {before} at {}", client.target());
    let asked = futures_util::join!(client.query(&last, None), client.query(&before, None));
    let (last, before) = match asked {
        (Ok(last), Ok(before)) => (last, before),
        (Err(error), _) | (_, Err(error)) => return Some(error.finding(name, source)),
    };
    let Some(last) = last.first().map(|sample| sample.value) else {
        let text = format!("no series of {metric}");
        return Some(Finding::new(Status::NoData, name, text, source));
    };
    let before = before.first().map_or(0.0, |sample| sample.value);
    let measured =
        format!("{} in the last hour, {} in the hour before", last.round(), before.round());
    let spike = last >= FEW as f64 && last >= before.max(1.0) * f64::from(config.spike);
    let status = match last {
        last if last >= f64::from(config.limit) => Status::Fail,
        _ if spike => Status::Warn,
        _ => Status::Ok,
    };
    Some(Finding::new(status, name, measured, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(Option<String>, Option<String>)> {
        let config = AuthFailuresConfig::default();
        let regex = |text: &str| Regex::new(text).unwrap();
        let line = format!("2026-01-01T00:00:00.000000000Z {text}").as_str().into();
        let found =
            failure(&line, &regex(&config.pattern), &regex(&config.source), &regex(&config.user))?;
        Some((found.source, found.user))
    }

    #[test]
    fn lines_of_several_formats_tell_who_and_whence() {
        let both = |source: &str, user: &str| Some((Some(source.into()), Some(user.into())));
        assert_eq!(
            parsed("level=warn msg=auth_failure user=ana ip=203.0.113.9 reason=expired"),
            both("203.0.113.9", "ana")
        );
        assert_eq!(
            parsed(r#"{"event":"auth_failure","user_id":"u-17","client_ip":"2001:db8::1"}"#),
            both("2001:db8::1", "u-17")
        );
        assert_eq!(parsed("auth_failure"), Some((None, None)));
        assert_eq!(parsed("auth_success user=ana"), None);
    }

    #[test]
    fn a_spike_is_many_and_more_than_before() {
        let now = Timestamp::now();
        let config = AuthFailuresConfig::default();
        let make = |last: usize, before: usize| -> Vec<Failure> {
            let ages = std::iter::repeat_n(60, last).chain(std::iter::repeat_n(4_000, before));
            let one = |age: i64| Failure {
                at: now - SignedDuration::from_secs(age),
                source: Some("203.0.113.9".into()),
                user: None,
                line: "x".into(),
            };
            ages.map(one).collect()
        };
        let status = |last, before| judge(&make(last, before), &config, now, "x").status;
        assert_eq!(status(0, 0), Status::Ok);
        assert_eq!(status(9, 0), Status::Ok);
        assert_eq!(status(30, 20), Status::Ok);
        assert_eq!(status(30, 10), Status::Warn);
        assert_eq!(status(100, 90), Status::Fail);
    }
}
