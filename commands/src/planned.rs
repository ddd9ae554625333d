//! The part of the catalogue that this build does not run yet. A row moves into a file of its own
//! under `diagnostics/` or `remediations/` when its command is built.

use clap::Arg;

use crate::command::{Command, Kind, Risk, Run, number};

type Args = fn(clap::Command) -> clap::Command;

const fn planned(
    path: &'static str,
    summary: &'static str,
    kind: Kind,
    guide: &'static [&'static str],
    args: Args,
) -> Command {
    Command { path, summary, kind, guide, args, run: Run::NotYet }
}

const fn d(
    path: &'static str,
    summary: &'static str,
    guide: &'static [&'static str],
    args: Args,
) -> Command {
    planned(path, summary, Kind::Diagnostic { sensitive: false }, guide, args)
}

const fn r(
    path: &'static str,
    summary: &'static str,
    risk: Risk,
    reversible: bool,
    guide: &'static [&'static str],
    args: Args,
) -> Command {
    planned(path, summary, Kind::Remediation { risk, reversible }, guide, args)
}

const fn i(
    path: &'static str,
    summary: &'static str,
    guide: &'static [&'static str],
    args: Args,
) -> Command {
    planned(path, summary, Kind::Incident { reads: false }, guide, args)
}

/// Only reads an incident.
const fn ir(
    path: &'static str,
    summary: &'static str,
    guide: &'static [&'static str],
    args: Args,
) -> Command {
    planned(path, summary, Kind::Incident { reads: true }, guide, args)
}

const fn b(path: &'static str, summary: &'static str, args: Args) -> Command {
    planned(path, summary, Kind::Bot, &[], args)
}

fn none(command: clap::Command) -> clap::Command {
    command
}

/// A required argument by place.
fn needs(name: &'static str) -> Arg {
    Arg::new(name).value_name(name).required(true)
}

/// An optional argument by place.
fn may(name: &'static str) -> Arg {
    Arg::new(name).value_name(name)
}

/// `--name VALUE`.
fn option(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value)
}

/// The rest of the line, as words.
fn rest(name: &'static str) -> Arg {
    Arg::new(name).value_name(name).required(true).num_args(1..)
}

fn severity() -> Arg {
    Arg::new("SEVERITY").value_name("SEVERITY").value_parser(["critical", "high", "medium", "low"])
}

fn provider(command: clap::Command) -> clap::Command {
    command.arg(needs("PROVIDER").value_parser(["aws", "azure", "gcp"]))
}

fn replicas() -> Arg {
    number("replicas", 0..=1000).required(true)
}

use Risk::{Critical, High, Low, Medium};

/// Every row, in the order of the guide.
pub(crate) static PLANNED: &[Command] = &[
    d("perf latency", "P95 by service against the 1 s SLA", &["G07"], |c| c.arg(may("SERVICE"))),
    d("perf errors", "Error rate by service against 0.1 %", &["G17"], |c| c.arg(may("SERVICE"))),
    d("perf memory", "Memory trend of a service", &["G43"], |c| c.arg(needs("SERVICE"))),
    d("perf heap", "Heap profile of a service", &["G44"], |c| c.arg(needs("SERVICE"))),
    d("perf cpu", "CPU profile of a service", &["G47"], |c| {
        c.arg(needs("SERVICE")).arg(number("seconds", 1..=120))
    }),
    d("perf throttling", "CPU throttling against limits and requests", &["G48"], none),
    d("perf report", "Latency, errors and connections in one answer", &["G90"], none),
    d("monitoring targets", "Scrape targets that are not up", &["G61"], none),
    d("monitoring storage", "Prometheus storage", &["G62"], none),
    d("monitoring query", "Any PromQL query", &["G63"], |c| c.arg(rest("EXPR"))),
    d("monitoring grafana", "Grafana: up, its Prometheus, its errors", &["G64", "G65"], none),
    d("monitoring alertmanager", "Alertmanager status and configuration", &["G67"], none),
    d("monitoring alerts", "Active alerts", &["G68"], none),
    d("monitoring routes", "Where an alert with these labels would go", &["G69"], |c| {
        c.arg(rest("LABEL=VALUE"))
    }),
    r("scale", "Change a deployment's replicas", Medium, true, &["G13", "G36"], |c| {
        c.arg(needs("SERVICE")).arg(replicas())
    }),
    r(
        "restart",
        "Rolling restart of a service",
        Medium,
        false,
        &["G15", "G23", "G34", "G40", "G46", "G66"],
        |c| c.arg(needs("SERVICE")),
    ),
    r("cache flush", "Delete every key of the cache", High, false, &["G14"], none),
    r("db analyze", "ANALYZE", Low, false, &["G16"], none),
    r("db vacuum", "VACUUM ANALYZE", Medium, false, &["G16"], none),
    r("db terminate-idle", "End connections idle for long", Medium, false, &["G35"], |c| {
        c.arg(option("older", "DURATION"))
    }),
    r("db reindex", "Rebuild indexes", High, false, &["G73"], none),
    r("providers rotate", "Rotate a provider's credentials", High, false, &["G21"], provider),
    r("federation transfer-leadership", "Move the raft leader", Critical, false, &["G28"], none),
    r(
        "federation restart",
        "Restart federation cluster by cluster",
        Critical,
        false,
        &["G29"],
        none,
    ),
    r("frontend purge-cdn", "Purge the CDN cache", Medium, false, &["G41"], |c| {
        c.arg(option("url", "URL"))
    }),
    r("perf gc", "Force a garbage collection", Low, false, &["G45"], |c| c.arg(needs("SERVICE"))),
    r("security block-ip", "Block addresses at the gateway", High, true, &["G55"], |c| {
        c.arg(rest("CIDR"))
    }),
    r("security unblock-ip", "Lift a block", High, true, &["G55"], |c| c.arg(rest("CIDR"))),
    r("security rotate-jwt-keys", "Rotate the JWT signing keys", Critical, false, &["G56"], none),
    r("security revoke-sessions", "End a user's sessions", High, false, &["G57"], |c| {
        c.arg(needs("USER"))
    }),
    r(
        "recovery restore-database",
        "Restore the database from a backup",
        Critical,
        false,
        &["G71"],
        none,
    ),
    r(
        "recovery restore-services",
        "Bring services back in dependency order",
        Critical,
        false,
        &["G74"],
        none,
    ),
    r(
        "recovery failover",
        "Move to another region",
        Critical,
        false,
        &["G76", "G77", "G78", "G79"],
        |c| c.arg(option("to", "REGION").required(true)),
    ),
    i("oncall", "Who is on call", &["G01"], |c| {
        c.arg(may("ACTION").value_parser(["who", "schedule", "override", "swap"]))
    }),
    ir("escalation simulate", "Who would be paged, and when", &["G01"], |c| {
        c.arg(needs("INCIDENT"))
    }),
    i("escalation drill", "Rehearse an escalation", &["G01"], |c| c.arg(severity())),
    ir("incident timeline", "What happened, in order", &["G86", "G87"], |c| c.arg(may("INCIDENT"))),
    ir("incident report", "The incident report as a file", &["G88"], |c| c.arg(may("INCIDENT"))),
    ir("incident postmortem", "A post-mortem draft as a file", &["G88"], |c| {
        c.arg(may("INCIDENT"))
    }),
    i(
        "runbook",
        "Run a runbook, recorded step by step",
        &["G05", "G17", "G24", "G31", "G52", "G86"],
        |c| {
            c.arg(needs("RUNBOOK").value_parser([
                "response-time",
                "vm-operations",
                "federation",
                "database",
                "authentication",
            ]))
        },
    ),
    i("approve", "Approve a request", &[], |c| c.arg(needs("REQUEST"))),
    i("deny", "Deny a request", &[], |c| c.arg(needs("REQUEST")).arg(option("reason", "TEXT"))),
    i("undo", "Undo an execution", &[], |c| c.arg(needs("EXECUTION"))),
    b("admin freeze", "Stop every change: the kill switch", none),
    b("admin thaw", "Allow changes again", none),
    b("can", "Whether you may run a command, and why", |c| c.arg(rest("COMMAND"))),
];
