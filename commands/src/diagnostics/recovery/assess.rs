//! `recovery assess REGION`: whether a region can serve, beside the others that could take over: clusters,
//! nodes, services, and the database's part and lag.

use clap::{Args as _, FromArgMatches as _};
use futures_util::future::{join, join_all};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::Region;
use crate::platform::kube::Cluster;
use crate::platform::postgres::Lag;
use crate::platform::{Platform, configured, no_cluster};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

#[derive(clap::Args)]
struct Args {
    /// The region to judge
    #[arg(value_name = "REGION", required = true)]
    region: String,
}

pub(crate) const COMMAND: Command = Command {
    path: "recovery assess",
    summary: "State of a region",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G75"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let platform = &*call.platform;
    let mut regions = platform.regions();
    if regions.is_empty() {
        return Ok(Report::only(args.region, no_cluster()));
    }
    let Some(at) = regions.iter().position(|region| region.name == args.region) else {
        let names = regions.iter().map(|region| region.name.as_str());
        return Err(UserError::no_such("region", &args.region, names));
    };
    // The one that is asked about comes first.
    regions[..=at].rotate_right(1);
    call.progress.total(regions.len() + 1);
    let states = join_all(regions.iter().map(|region| async {
        let state = assess(platform, region).await;
        call.progress.done();
        state
    }));
    let (states, database) = join(states, database(platform)).await;
    call.progress.done();
    let mut report = Report::new(format!("Region {}", args.region));
    let (asked, others) = states.split_first().expect("there is the region that was found");
    report.findings.push(asked.verdict());
    report.findings.extend(asked.findings.iter().cloned());
    report.findings.push(database);
    report.findings.extend(others.iter().map(State::verdict));
    report.sort();
    report.tables.push(table(&states));
    let mut report = report.bounded();
    if !asked.serves()
        && let Some(other) = others.iter().find(|other| other.serves())
    {
        let line = format!("recovery failover --to {}", other.name);
        report = report.then(&format!("Fail over to {}", other.name), line);
    }
    for other in others.iter().take(2) {
        let line = format!("recovery assess {}", other.name);
        report = report.then(&format!("Assess {}", other.name), line);
    }
    Ok(report.then("Recovery plan", "recovery plan"))
}

/// What can be said of one region.
#[derive(Default)]
struct State {
    name: String,
    clusters: (usize, usize),
    nodes: (usize, usize),
    /// Workloads that have all their pods, of those that are there.
    workloads: (usize, usize),
    pods: (u32, u32),
    /// One for each part that wants attention or could not be asked.
    findings: Vec<Finding>,
    /// Something could not be asked.
    unknown: bool,
}

impl State {
    fn serves(&self) -> bool {
        self.clusters.0 == self.clusters.1
            && self.nodes.0 > 0
            && self.workloads.1 > 0
            && self.pods.0 * 2 > self.pods.1
    }

    fn verdict(&self) -> Finding {
        let measured = format!(
            "{} of {} clusters answer · {} of {} nodes ready · {} of {} workloads complete · {} of {} pods ready",
            self.clusters.0,
            self.clusters.1,
            self.nodes.0,
            self.nodes.1,
            self.workloads.0,
            self.workloads.1,
            self.pods.0,
            self.pods.1
        );
        let whole = self.nodes.0 == self.nodes.1 && self.workloads.0 == self.workloads.1;
        let (status, can) = match () {
            () if self.serves() && whole => (Status::Ok, "can serve"),
            () if self.serves() => (Status::Warn, "can serve, with less"),
            () if self.unknown && self.clusters.0 > 0 => (Status::NoData, "cannot be judged"),
            () => (Status::Fail, "cannot serve"),
        };
        let source = format!("nodes and workloads of {}", self.name);
        Finding::new(status, self.name.as_str(), format!("{can}: {measured}"), source)
    }
}

async fn assess(platform: &Platform, region: &Region) -> State {
    let mut state = State { name: region.name.clone(), ..State::default() };
    let clusters = region.clusters.iter().map(|name| async move {
        match platform.clusters.iter().find(|cluster| cluster.name() == name) {
            Some(cluster) => Ok(one(platform, cluster).await),
            None => Err(name),
        }
    });
    for told in join_all(clusters).await {
        state.clusters.1 += 1;
        match told {
            Ok(told) => add(&mut state, told),
            Err(name) => {
                let subject = format!("cluster {name}");
                let text = "not configured";
                let finding = Finding::new(Status::Unsupported, subject, text, "configuration");
                state.findings.push(finding);
                state.unknown = true;
            }
        }
    }
    state
}

fn add(state: &mut State, told: State) {
    state.clusters.0 += told.clusters.0;
    state.nodes = (state.nodes.0 + told.nodes.0, state.nodes.1 + told.nodes.1);
    let (done, all) = told.workloads;
    state.workloads = (state.workloads.0 + done, state.workloads.1 + all);
    state.pods = (state.pods.0 + told.pods.0, state.pods.1 + told.pods.1);
    state.unknown |= told.unknown;
    state.findings.extend(told.findings);
}

async fn one(platform: &Platform, cluster: &Cluster) -> State {
    let name = cluster.name();
    let mut state = State::default();
    let workloads = platform
        .namespaces()
        .into_iter()
        .map(|namespace| async move { (namespace, cluster.workloads(namespace).await) });
    let (nodes, workloads) = join(cluster.nodes(), join_all(workloads)).await;
    match nodes {
        Ok(nodes) => {
            state.clusters.0 = 1;
            let usable = |node: &&crate::platform::kube::Node| node.ready && !node.unschedulable;
            state.nodes = (nodes.iter().filter(usable).count(), nodes.len());
            for node in nodes.iter().filter(|node| !usable(node)).take(5) {
                let why = if node.ready { "cordoned" } else { "not ready" };
                let source = format!("list nodes of {name}");
                let subject = format!("node {}", node.name);
                state.findings.push(Finding::new(Status::Warn, subject, why, source));
            }
        }
        Err(error) => {
            let source = format!("list nodes of {name}");
            state.findings.push(error.finding(format!("cluster {name}"), source));
            state.unknown = true;
        }
    }
    for (namespace, workloads) in workloads {
        let source = format!("list workloads in {namespace} of {name}");
        match workloads {
            Ok(workloads) => {
                state.clusters.0 = 1;
                for workload in workloads {
                    let (ready, desired) = (workload.ready, workload.desired);
                    state.workloads.1 += 1;
                    state.workloads.0 += usize::from(ready >= desired && desired > 0);
                    state.pods = (state.pods.0 + ready.min(desired), state.pods.1 + desired);
                    if ready < desired || desired == 0 {
                        let status = if ready == 0 { Status::Fail } else { Status::Warn };
                        let subject = format!("{} in {name}", workload.name);
                        let text = format!("{ready}/{desired} ready");
                        state.findings.push(Finding::new(status, subject, text, source.as_str()));
                    }
                }
            }
            // An unreachable cluster has been said.
            Err(_) if state.clusters.0 == 0 => {}
            Err(error) => {
                state.findings.push(error.finding(format!("cluster {name}"), source));
                state.unknown = true;
            }
        }
    }
    state
}

/// The database's part in replication.
async fn database(platform: &Platform) -> Finding {
    const NAME: &str = "PostgreSQL";
    let client = match configured(NAME, "postgres", &platform.postgres) {
        Ok(client) => client,
        Err(finding) => return *finding,
    };
    let source = format!("pg_is_in_recovery() and replication lag at {}", client.target());
    let limit = platform.recovery.max_lag.as_secs_f64();
    let behind = |seconds: f64| format!("{} behind", human::seconds(seconds.max(0.0)));
    let expected = format!("below {}", human::seconds(limit));
    match client.lag().await {
        Err(error) => error.finding(NAME, source),
        Ok(Lag::Primary { standbys: 0, .. }) => {
            let text = "primary · no standby follows it, as far as nova's role may see";
            let finding = Finding::new(Status::Warn, NAME, text, source);
            finding.hint("there is nothing to promote")
        }
        Ok(Lag::Primary { standbys, seconds }) => {
            let lag = seconds.map_or_else(|| "no lag known".to_owned(), behind);
            let text = format!("primary · {standbys} standbys · the slowest {lag}");
            match seconds.is_some_and(|seconds| seconds > limit) {
                true => Finding::new(Status::Warn, NAME, text, source).expected(expected),
                false => Finding::new(Status::Ok, NAME, text, source),
            }
        }
        Ok(Lag::Standby { bytes, seconds }) => {
            let waiting = bytes.map_or_else(String::new, |bytes| {
                format!(" · {} not replayed yet", human::bytes(bytes.max(0) as f64))
            });
            // A quiet primary looks like a lag: what counts then is that nothing waits to be replayed.
            let lag = seconds.filter(|_| bytes != Some(0));
            let text = format!("standby · {}{waiting}", behind(lag.unwrap_or_default()));
            match lag.is_some_and(|seconds| seconds > limit) {
                true => Finding::new(Status::Fail, NAME, text, source).expected(expected),
                false => Finding::new(Status::Ok, NAME, text, source),
            }
        }
    }
}

fn table(states: &[State]) -> Table {
    let of = |(part, all): (usize, usize)| -> Untrusted { format!("{part} of {all}").into() };
    let row = |state: &State| {
        let pods = format!("{} of {}", state.pods.0, state.pods.1).into();
        let verdict = if state.serves() { "yes" } else { "no" };
        let name = state.name.as_str().into();
        vec![name, verdict.into(), of(state.clusters), of(state.nodes), of(state.workloads), pods]
    };
    Table {
        title: "Side by side".into(),
        columns: vec!["region", "can serve", "clusters", "nodes", "workloads", "pods"],
        rows: states.iter().map(row).collect(),
        provenance: Provenance::now("nodes and workloads of every region"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(state: State) -> Status {
        State { name: "us-east".to_owned(), ..state }.verdict().status
    }

    #[test]
    fn a_region_serves_with_most_of_its_pods_and_is_not_judged_unseen() {
        let well = || State {
            clusters: (1, 1),
            nodes: (3, 3),
            workloads: (6, 6),
            pods: (12, 12),
            ..State::default()
        };
        assert_eq!(verdict(well()), Status::Ok);
        assert_eq!(verdict(State { nodes: (2, 3), ..well() }), Status::Warn);
        assert_eq!(verdict(State { workloads: (5, 6), pods: (10, 12), ..well() }), Status::Warn);
        assert_eq!(verdict(State { workloads: (1, 6), pods: (3, 12), ..well() }), Status::Fail);
        assert_eq!(verdict(State { clusters: (0, 1), unknown: true, ..well() }), Status::Fail);
        let blind = State { workloads: (0, 0), pods: (0, 0), unknown: true, ..well() };
        assert_eq!(verdict(blind), Status::NoData);
    }
}
