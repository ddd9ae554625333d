//! `net loss SERVICE`: lost packets and jitter on the way to a service, by TCP connects from nova's own
//! pod: an ICMP echo needs rights that nova does not have.

use std::time::Duration;

use clap::{Args as _, FromArgMatches as _};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::Cause;
use crate::platform::probe::Address;
use crate::platform::tcp::{self, Tries};
use crate::report::{Chart, ChartLine, Finding, Provenance, Report, Status};
use crate::text::human;

#[derive(clap::Args)]
struct Args {
    /// The service to connect to
    #[arg(value_name = "SERVICE", required = true)]
    service: String,
}

pub(crate) const COMMAND: Command = Command {
    path: "net loss",
    summary: "Packet loss to a service",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G51"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// As many as the guide's `ping -c 10`, closer together.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(50);

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let platform = &*call.platform;
    let service = platform.service(&args.service)?;
    let name = service.name.as_str();
    let mut report = Report::new(format!("The way to {name}"));
    let Some(address) = service.base_url().and_then(|base| Address::of(&base, "/")) else {
        let text = "no address configured";
        let finding = Finding::new(Status::Unsupported, name, text, "configuration");
        report.findings.push(finding.hint("give the service a `url` or a `port`"));
        return Ok(report);
    };
    let to = (address.host.as_str(), address.port);
    let source = format!(
        "TCP connect ×{TRIES} to {}:{} from nova's own pod; one that takes {} lost a packet",
        address.host,
        address.port,
        human::seconds(tcp::REPEATED.as_secs_f64())
    );
    match tcp::connect(to, TRIES, PAUSE, platform.deadline).await {
        Ok(tries) => {
            report.findings = judge(name, &tries, &source, platform.net.slow.as_secs_f64());
            report.charts.extend(chart(&tries, source));
        }
        Err(error) => report.findings.push(error.finding(name, source)),
    }
    report.sort();
    Ok(report
        .then("Measure again", format!("net loss {name}"))
        .then("All services", "net services"))
}

fn judge(name: &str, tries: &Tries, source: &str, slow: f64) -> Vec<Finding> {
    let finding = |status, subject: &str, measured: String| {
        Finding::new(status, format!("{name} {subject}"), measured, source)
    };
    let (lost, times) = (tries.lost(), tries.times());
    let refused = tries.tries.iter().filter(|one| one.took == Err(Cause::Refused)).count();
    let share = human::percent(lost as f64 / tries.tries.len() as f64);
    let measured = format!("{share}, {lost} of {} packets", tries.tries.len());
    let status = match lost {
        0 => Status::Ok,
        lost if lost == tries.tries.len() => Status::Fail,
        _ => Status::Warn,
    };
    let loss = finding(status, "loss", measured);
    let mut findings = vec![if lost > 0 { loss.expected("0 %") } else { loss }];
    if refused > 0 {
        let measured = format!("connection refused {refused} times of {}", tries.tries.len());
        let closed = finding(Status::Fail, "port", measured);
        findings.push(closed.hint("packets arrive, and nothing listens there"));
    }
    if let (Some(median), [first, .., last]) = (tries.median(), &times[..]) {
        let seconds = |time: Duration| human::seconds(time.as_secs_f64());
        let jitter =
            tries.jitter().map_or_else(String::new, |j| format!(", jitter {}", seconds(j)));
        let measured = format!(
            "{} at best, {} in the middle, {} at worst{jitter}",
            seconds(*first),
            seconds(median),
            seconds(*last)
        );
        let limit = human::seconds(slow);
        findings.push(match median.as_secs_f64() > slow {
            true => finding(Status::Warn, "time", measured).expected(format!("below {limit}")),
            false => finding(Status::Ok, "time", measured),
        });
    }
    findings
}

/// A gap is where nothing answered.
fn chart(tries: &Tries, source: String) -> Option<Chart> {
    let millis = |took: Result<Duration, Cause>| took.map_or(f64::NAN, |t| t.as_secs_f64() * 1e3);
    let points = tries.tries.iter().map(|one| (one.at, millis(one.took))).collect();
    (!tries.times().is_empty()).then(|| Chart {
        title: "Time to connect".into(),
        unit: "ms",
        lines: vec![ChartLine { name: tries.address.to_string().into(), points }],
        limit: None,
        provenance: Provenance::now(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::tcp::Try;
    use jiff::Timestamp;

    #[test]
    fn loss_a_closed_port_and_slowness_are_different_findings() {
        let slow = Cause::Timeout(Duration::from_secs(1));
        let took = [Ok(150), Err(slow), Ok(250), Err(Cause::Refused)];
        let one = |took: Result<u64, Cause>| Try {
            at: Timestamp::UNIX_EPOCH,
            took: took.map(Duration::from_millis),
        };
        let tries = Tries { address: "10.0.0.1:80".parse().unwrap(), tries: took.map(one).into() };
        let shown: Vec<_> = judge("vm", &tries, "x", 0.1)
            .iter()
            .map(|f| format!("{} {}: {}", f.status.word(), f.subject.raw(), f.measured.raw()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        warn vm loss: 25 %, 1 of 4 packets
        fail vm port: connection refused 1 times of 4
        warn vm time: 150 ms at best, 250 ms in the middle, 250 ms at worst, jitter 100 ms
        ");
    }
}
