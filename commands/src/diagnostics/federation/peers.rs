//! `federation peers`: whom each member counts as a member, and whether they count the same.

use std::collections::BTreeSet;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::Cause;
use crate::platform::federation::{Peers, everybody, peers};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "federation peers",
    summary: "Raft peers",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G30"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Whom one member knows.
struct Known {
    member: Untrusted,
    /// Its own id, where it says so.
    own: Option<String>,
    peers: Peers,
}

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let path = &platform.federation.peers_path;
    let source = format!("GET {path} of each member");
    let accounts = platform.accounts(path).await?;
    let mut report = Report::new("raft peers");
    let missing = accounts
        .iter()
        .filter(|account| matches!(&account.answer, Err(error) if error.cause == Cause::NotFound))
        .count();
    if missing == accounts.len() {
        let text = "no member has this endpoint";
        let finding = Finding::new(Status::Unsupported, "peers", text, source);
        report.findings.push(finding.hint("see [federation] `peers_path`"));
        return Ok(report.then("Who leads", "federation raft"));
    }
    let (mut all, mut closed) = (Vec::new(), BTreeSet::new());
    for account in &accounts {
        let asked = account.source.as_str();
        match account.answer.as_ref().map(peers) {
            Ok(Some((own, peers))) => all.push(Known { member: account.name(), own, peers }),
            Ok(None) => {
                let text = "names no peers in a way that is understood";
                report.findings.push(Finding::new(Status::NoData, account.name(), text, asked));
            }
            Err(error) if error.cause == Cause::NotFound => {
                let text = "has no such endpoint";
                report.findings.push(Finding::new(
                    Status::Unsupported,
                    account.name(),
                    text,
                    asked,
                ));
            }
            // What is forbidden is forbidden for all members of a cluster.
            Err(error) if error.cause == Cause::Forbidden => {
                if closed.insert(account.cluster.as_str()) {
                    report.findings.push(account.forbidden(error));
                }
            }
            Err(error) => report.findings.push(error.finding(account.name(), asked)),
        }
    }
    report.findings.extend(judge(&all, &source));
    if !all.is_empty() {
        report.tables.push(table(&all, &source));
    }
    report.sort();
    Ok(report.then("Who leads", "federation raft").then("Pods", "federation status").bounded())
}

/// Whether all know the same members. A list may leave its owner out.
fn judge(all: &[Known], source: &str) -> Vec<Finding> {
    if all.is_empty() {
        return Vec::new();
    }
    let mut members = everybody(all.iter().map(|known| &known.peers));
    members.extend(all.iter().filter_map(|known| known.own.as_deref()));
    let mut findings = Vec::new();
    for known in all {
        let own = known.own.as_deref();
        let lacking: Vec<&str> = members
            .iter()
            .copied()
            .filter(|id| !known.peers.contains_key(*id) && own != Some(*id))
            .collect();
        // Without its own id, the one that is missing is taken for itself.
        let itself = usize::from(own.is_none() && lacking.len() == 1);
        if lacking.len() > itself {
            let text = format!("does not know {}", lacking.join(", "));
            let finding = Finding::new(Status::Warn, known.member.clone(), text, source);
            findings.push(finding.hint("members that count differently can elect two leaders"));
        }
    }
    let count = members.len();
    let agree = if findings.is_empty() { Status::Ok } else { Status::Warn };
    let text = format!("{}: {}", human::count(count, "member"), list(&members));
    let finding = Finding::new(agree, "members", text, source);
    findings.push(match count {
        0 => Finding { status: Status::NoData, ..finding },
        count if count % 2 == 0 => {
            finding.hint("an even number survives no more failures than one member fewer")
        }
        _ => finding,
    });
    findings
}

fn list(members: &BTreeSet<&str>) -> String {
    members.iter().copied().collect::<Vec<_>>().join(", ")
}

fn table(all: &[Known], source: &str) -> Table {
    let mut rows: Vec<Vec<Untrusted>> = Vec::new();
    for known in all {
        for (id, address) in &known.peers {
            rows.push(vec![known.member.clone(), id.as_str().into(), address.as_str().into()]);
        }
    }
    Table {
        title: "Whom each member knows".into(),
        columns: vec!["member", "knows", "at"],
        rows,
        provenance: Provenance::now(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(member: &str, own: Option<&str>, peers: &[&str]) -> Known {
        let peers = peers.iter().map(|id| ((*id).to_owned(), String::new())).collect();
        Known { member: member.into(), own: own.map(str::to_owned), peers }
    }

    fn told(all: &[Known]) -> Vec<(Status, String)> {
        judge(all, "test").iter().map(|f| (f.status, f.measured.raw().to_owned())).collect()
    }

    #[test]
    fn a_list_may_leave_its_owner_out() {
        let expected = [(Status::Ok, "3 members: a, b, c".to_owned())];
        let named = [known("a", Some("a"), &["b", "c"]), known("b", Some("b"), &["a", "c"])];
        assert_eq!(told(&named), expected);
        let unnamed = [known("x", None, &["b", "c"]), known("y", None, &["a", "c"])];
        assert_eq!(told(&unnamed), expected);
        assert_eq!(told(&[known("x", None, &["a", "b", "c"])]), expected);
    }

    #[test]
    fn members_that_count_differently_are_named() {
        let all = [known("a", Some("a"), &["b", "c"]), known("b", Some("b"), &["a"])];
        assert_eq!(
            told(&all),
            [
                (Status::Warn, "does not know c".to_owned()),
                (Status::Warn, "3 members: a, b, c".to_owned())
            ]
        );
    }
}
