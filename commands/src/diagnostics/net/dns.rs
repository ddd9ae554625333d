//! `net dns NAME [--expect ADDRESS]`: what a name resolves to, how fast, for how long, and whether every
//! name server says the same: after a failover an old answer lives as long as its TTL.

use std::collections::BTreeSet;
use std::net::IpAddr;

use clap::{Args as _, FromArgMatches as _};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::dns::{self, Said, Told};
use crate::platform::{Cause, Platform};
use crate::report::{Finding, Report, Status};
use crate::text::human;

#[derive(clap::Args)]
struct Args {
    /// A host's name, such as novacron.com
    #[arg(value_name = "NAME", required = true)]
    name: String,
    /// Where it should point
    #[arg(long, value_name = "ADDRESS")]
    expect: Option<IpAddr>,
}

pub(crate) const COMMAND: Command = Command {
    path: "net dns",
    summary: "What a name resolves to, and how fast",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G50", "G77"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Questions to the machine's own resolver.
const TRIES: usize = 3;
/// Addresses that are named.
const SHOWN: usize = 6;

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let name = args.name.as_str();
    if !dns::is_name(name) {
        let wrong = "a host's name has letters, digits, `-` and dots, such as novacron.com";
        return Err(UserError::new(wrong));
    }
    let platform = &*call.platform;
    let servers = dns::servers(name, &platform.net.nameservers, platform.deadline);
    let (own, servers) = futures_util::join!(own(platform, name), servers);
    let mut report = Report::new(name);
    report.findings.push(own);
    match servers {
        Ok(told) => {
            report.findings.extend(told.iter().map(|told| finding(name, told)));
            report.findings.extend(disagreement(name, &told));
            report.findings.extend(args.expect.map(|address| expected(name, address, &told)));
        }
        Err(error) => {
            let source = "/etc/resolv.conf";
            let finding = Finding::new(Status::NoData, "name servers", error.measured(), source);
            report.findings.push(finding.hint("name some as `nameservers` in [net]"));
        }
    }
    report.sort();
    let again = match args.expect {
        Some(address) => format!("net dns {name} --expect {address}"),
        None => format!("net dns {name}"),
    };
    Ok(report.bounded().then("Ask again", again))
}

/// As every program on this machine sees it.
async fn own(platform: &Platform, name: &str) -> Finding {
    const SUBJECT: &str = "this machine";
    let source = format!("getaddrinfo {name} ×{TRIES}");
    let mut times = Vec::with_capacity(TRIES);
    let mut found = Vec::new();
    for _ in 0..TRIES {
        match dns::system(name, platform.deadline).await {
            Ok((addresses, took)) => {
                times.push(took.as_secs_f64());
                found = addresses;
            }
            Err(error) => {
                let measured = match error.cause {
                    Cause::UnknownHost => "no such name, or no address".to_owned(),
                    Cause::Busy => "its name servers do not answer".to_owned(),
                    cause => cause.to_string(),
                };
                return Finding::new(Status::Fail, SUBJECT, measured, source);
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let measured = format!(
        "{} · {} to {}",
        listed(&found),
        human::seconds(times[0]),
        human::seconds(times[TRIES - 1])
    );
    let slow = platform.net.slow.as_secs_f64();
    if times[TRIES / 2] > slow {
        let finding = Finding::new(Status::Warn, SUBJECT, measured, source);
        return finding.expected(format!("below {}", human::seconds(slow)));
    }
    Finding::new(Status::Ok, SUBJECT, measured, source)
}

fn finding(name: &str, told: &Told) -> Finding {
    let took = human::seconds(told.took.as_secs_f64());
    let (status, measured) = match &told.said {
        Said::Addresses { addresses, ttl, chain } => {
            let alias = chain.last().map_or_else(String::new, |end| format!(" by way of {end}"));
            let kept = human::span(f64::from(*ttl));
            (Status::Ok, format!("{}{alias} · kept {kept} · {took}", listed(addresses)))
        }
        Said::NoSuchName => (Status::Fail, format!("no such name (NXDOMAIN) · {took}")),
        Said::NoAddress => (Status::Warn, format!("the name is there and has no address · {took}")),
        Said::Refused(code) => (Status::Fail, format!("{code} · {took}")),
        Said::Silent => (Status::Fail, "no answer in time".to_owned()),
        Said::Broken(words) => (Status::Fail, words.clone()),
    };
    let source = format!("dig @{} -p {} {name} A AAAA", told.server.ip(), told.server.port());
    Finding::new(status, format!("name server {}", told.server), measured, source)
}

/// That not all who answer say the same.
fn disagreement(name: &str, told: &[Told]) -> Option<Finding> {
    let answers: BTreeSet<&Vec<IpAddr>> = told.iter().filter_map(addresses).collect();
    let lists: Vec<String> = answers.iter().map(|list| listed(list)).collect();
    (answers.len() > 1).then(|| {
        let text = format!("the name servers disagree: {}", lists.join(" or "));
        let finding = Finding::new(Status::Warn, name, text, "the answers of all of them");
        finding.hint("an older answer is kept until its time is over")
    })
}

fn expected(name: &str, address: IpAddr, told: &[Told]) -> Finding {
    let answered: Vec<_> = told.iter().filter_map(addresses).collect();
    let there = answered.iter().filter(|list| list.contains(&address)).count();
    let status = match (there, answered.len()) {
        (_, 0) => Status::NoData,
        (there, all) if there == all => Status::Ok,
        _ => Status::Fail,
    };
    let measured = format!("{there} of {} name servers point to {address}", answered.len());
    let subject = format!("{name} → {address}");
    Finding::new(status, subject, measured, "the answers of all name servers")
}

fn addresses(told: &Told) -> Option<&Vec<IpAddr>> {
    match &told.said {
        Said::Addresses { addresses, .. } => Some(addresses),
        _ => None,
    }
}

fn listed(addresses: &[IpAddr]) -> String {
    let mut text: Vec<String> = addresses.iter().take(SHOWN).map(ToString::to_string).collect();
    if addresses.len() > SHOWN {
        text.push(format!("{} more", addresses.len() - SHOWN));
    }
    text.join(", ")
}
