//! `security access-patterns`: who sends more requests a second than anybody should.

use jiff::{SignedDuration, Timestamp};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::prometheus::{Prometheus, Sample, Series};
use crate::platform::{PlatformError, configured};
use crate::report::{Chart, ChartLine, Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "security access-patterns",
    summary: "Request rates above 100 a second",
    kind: Kind::Diagnostic { sensitive: true },
    guide: &["G60"],
    args: |c| c,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Sources that are shown.
const SHOWN: usize = 20;
/// Of the chart: an hour, a point a minute.
const SPAN: SignedDuration = SignedDuration::from_hours(1);
const STEP: u32 = 60;

async fn run(call: Call) -> Result<Report, UserError> {
    const NAME: &str = "Prometheus";
    let platform = &*call.platform;
    let config = &platform.security.access;
    let mut report = Report::new("Request rates");
    let client = match configured(NAME, "prometheus", &platform.prometheus) {
        Ok(client) => client,
        Err(finding) => return Ok(Report { findings: vec![*finding], ..report }),
    };
    let top = format!("topk({SHOWN}, {})", config.query);
    let source = format!("{top} at {}", client.target());
    let whole = format!("sum({})", config.query);
    let (top, history) = futures_util::join!(client.query(&top, None), hour(client, &whole));
    match top {
        Err(error) => report.findings.push(error.finding(NAME, source.as_str())),
        Ok(samples) => {
            let samples = sorted(samples);
            report.findings = judge(&samples, config.limit, &source);
            report.tables.extend(table(&samples, &source));
        }
    }
    let whole = format!("{whole} at {}", client.target());
    match history {
        Ok(series) => report.charts.extend(chart(series, whole)),
        Err(error) if report.findings.is_empty() => {
            report.findings.push(error.finding(NAME, whole));
        }
        // The question that matters was answered, or has said the same.
        Err(_) => {}
    }
    report.sort();
    let above = report.findings.iter().any(|finding| finding.status == Status::Warn);
    let report = report.bounded().then("Check again", "security access-patterns");
    Ok(if above { report.then("Failed logins", "security auth-failures") } else { report })
}

async fn hour(client: &Prometheus, expr: &str) -> Result<Vec<Series>, PlatformError> {
    let now = Timestamp::now();
    let start = now.checked_sub(SPAN).unwrap_or(now);
    client.query_range(expr, (start, now), STEP).await
}

/// Highest first; what is no number is no rate.
fn sorted(samples: Vec<Sample>) -> Vec<Sample> {
    let mut samples: Vec<_> = samples.into_iter().filter(|s| s.value.is_finite()).collect();
    samples.sort_by(|a, b| b.value.total_cmp(&a.value));
    samples
}

fn judge(samples: &[Sample], limit: f64, source: &str) -> Vec<Finding> {
    let Some(highest) = samples.first() else {
        let text = "no series: nothing is counted, or under another name";
        let finding = Finding::new(Status::NoData, "request rates", text, source);
        return vec![finding.hint("see `query` in [security.access]")];
    };
    let rate = |value: f64| format!("{} req/s", human::number(value));
    let above: Vec<Finding> = samples
        .iter()
        .filter(|sample| sample.value > limit)
        .map(|sample| {
            let finding = Finding::new(Status::Warn, name(sample), rate(sample.value), source);
            finding.expected(format!("below {}", rate(limit))).at(sample.at)
        })
        .collect();
    if !above.is_empty() {
        return above;
    }
    let text = format!("{} at most, {}", rate(highest.value), name(highest).raw());
    let finding = Finding::new(Status::Ok, "request rates", text, source);
    vec![finding.expected(format!("below {}", rate(limit))).at(highest.at)]
}

/// The labels that tell one source from another.
fn name(sample: &Sample) -> Untrusted {
    let labels = sample.labels.iter().filter(|(label, _)| *label != "__name__");
    let labels: Vec<String> =
        labels.map(|(label, value)| format!("{label}={}", value.raw())).collect();
    if labels.is_empty() { "all".into() } else { labels.join(" ").into() }
}

fn table(samples: &[Sample], source: &str) -> Option<Table> {
    let at = samples.iter().map(|sample| sample.at).min()?;
    let row = |sample: &Sample| -> Vec<Untrusted> {
        vec![name(sample), format!("{} req/s", human::number(sample.value)).into()]
    };
    Some(Table {
        title: "Highest first".into(),
        columns: vec!["source", "rate"],
        rows: samples.iter().map(row).collect(),
        provenance: Provenance { source: source.into(), at },
    })
}

fn chart(series: Vec<Series>, source: String) -> Option<Chart> {
    let points = series.into_iter().next()?.points;
    Some(Chart {
        title: "All requests".into(),
        unit: "req/s",
        lines: vec![ChartLine { name: "all".into(), points }],
        limit: None,
        provenance: Provenance::now(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(source: &str, value: f64) -> Sample {
        let labels = [("source".to_owned(), source.into())].into();
        Sample { labels, value, at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn only_what_is_above_the_limit_is_a_warning() {
        let shown = |samples| {
            let findings = judge(&sorted(samples), 100.0, "x");
            let one = |f: &Finding| {
                format!("{} {}: {}", f.status.word(), f.subject.raw(), f.measured.raw())
            };
            findings.iter().map(one).collect::<Vec<_>>().join("; ")
        };
        let loud = vec![sample("b", 12.0), sample("a", 240.5), sample("c", f64::NAN)];
        assert_eq!(shown(loud), "warn source=a: 240 req/s");
        let quiet = vec![sample("b", 12.0), sample("a", 100.0)];
        assert_eq!(shown(quiet), "ok request rates: 100 req/s at most, source=a");
        assert!(shown(vec![]).starts_with("no data"));
    }
}
