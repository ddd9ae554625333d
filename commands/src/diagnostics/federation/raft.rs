//! `federation raft`: who leads, by each member's own account, and whether they agree.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::Cause;
use crate::platform::federation::{Account, RaftStatus, Role};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::Untrusted;

pub(crate) const COMMAND: Command = Command {
    path: "federation raft",
    summary: "Who leads, by each member's own account",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G26"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// A member and what it says; `None` where it did not say it.
struct Member {
    name: Untrusted,
    cluster: String,
    said: Option<RaftStatus>,
}

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let path = &platform.federation.status_path;
    let accounts = platform.accounts(path).await?;
    let mut report = Report::new("raft");
    let members: Vec<Member> = accounts
        .iter()
        .map(|account| Member {
            name: account.name(),
            cluster: account.cluster.clone(),
            said: account.answer.as_ref().ok().and_then(RaftStatus::read),
        })
        .collect();
    if accounts.is_empty() {
        let text = "no member is known";
        let finding = Finding::new(Status::Unsupported, "raft", text, "configuration");
        report.findings.push(finding.hint("add [[clusters]], or [federation.urls]"));
        return Ok(report);
    }
    let source = format!("GET {path} of each member");
    report.findings = judge(&members, platform.federation.max_lag, &source);
    report.findings.extend(silent(&accounts, &members));
    if members.iter().any(|member| member.said.is_some()) {
        report.tables.push(table(&members, &source));
    }
    // The judgement of all of them comes first whatever its status.
    report.findings.sort_by_key(|finding| (finding.subject.raw() != "leader", finding.status));
    Ok(report
        .then("Peers", "federation peers")
        .then("Pods", "federation status")
        .then("Ask again", "federation raft")
        .bounded())
}

/// What those that answered say together.
fn judge(members: &[Member], max_lag: u64, source: &str) -> Vec<Finding> {
    let said: Vec<(&Member, &RaftStatus)> =
        members.iter().filter_map(|member| Some((member, member.said.as_ref()?))).collect();
    if said.is_empty() {
        return Vec::new();
    }
    let mut findings = vec![leadership(&said, members.len(), source)];
    let newest = said.iter().filter_map(|(_, status)| status.term).max();
    for (member, status) in &said {
        if let (Some(term), Some(newest)) = (status.term, newest)
            && term < newest
        {
            let text = format!("is in term {term}, others in {newest}");
            let finding = Finding::new(Status::Warn, member.name.clone(), text, source);
            findings.push(finding.hint("cut off from the others, or just back"));
        }
    }
    let commit = said.iter().filter_map(|(_, status)| status.commit).max();
    for (member, status) in &said {
        if let (Some(own), Some(newest)) = (status.commit, commit)
            && newest - own > max_lag
        {
            let text = format!("{} log entries behind", newest - own);
            let finding = Finding::new(Status::Warn, member.name.clone(), text, source);
            findings.push(finding.expected(format!("at most {max_lag}")));
        }
    }
    findings
}

/// The headline: one leader that most agree on, or what is wrong with that.
fn leadership(said: &[(&Member, &RaftStatus)], asked: usize, source: &str) -> Finding {
    let leaders: Vec<&(&Member, &RaftStatus)> =
        said.iter().filter(|(_, status)| status.role == Some(Role::Leader)).collect();
    let in_term = |status: &RaftStatus| {
        status.term.map_or_else(String::new, |term| format!(" (term {term})"))
    };
    let finding = |status, text: String| {
        let finding = Finding::new(status, "leader", text, source);
        match status {
            Status::Ok => finding,
            _ => finding.expected("one leader that all agree on"),
        }
    };
    if leaders.len() > 1 {
        let names: Vec<String> = leaders
            .iter()
            .map(|(member, status)| format!("{}{}", member.name.raw(), in_term(status)))
            .collect();
        let text =
            format!("SPLIT BRAIN: {} members lead at once: {}", leaders.len(), names.join(", "));
        return finding(Status::Fail, text)
            .hint("change nothing on either side; check the network between them: `net clusters`");
    }
    // Whom the members of one term take for the leader.
    let mut named: BTreeMap<(Option<u64>, &str), BTreeSet<&str>> = BTreeMap::new();
    for (member, status) in said {
        if let Some(leader) = &status.leader {
            named.entry((status.term, leader)).or_default().insert(member.name.raw());
        }
    }
    let mut terms: BTreeMap<Option<u64>, usize> = BTreeMap::new();
    for (term, _) in named.keys() {
        *terms.entry(*term).or_default() += 1;
    }
    if terms.values().any(|leaders| *leaders > 1) {
        let torn = named.iter().filter(|((term, _), _)| terms[term] > 1);
        let parts = torn.map(|((_, leader), members)| {
            let members: Vec<&str> = members.iter().copied().collect();
            format!("{} say {leader}", members.join(", "))
        });
        let parts: Vec<String> = parts.collect();
        let text = format!("SPLIT BRAIN: members disagree on the leader: {}", parts.join("; "));
        return finding(Status::Fail, text)
            .hint("change nothing on either side; check the network between them: `net clusters`");
    }
    let majority = asked / 2 + 1;
    let agree = format!("{} of {asked} members answered", said.len());
    let leader = match (leaders.first(), named.keys().next_back()) {
        (Some((member, status)), _) => Some(format!("{}{}", member.name.raw(), in_term(status))),
        (None, Some((_, leader))) => Some((*leader).to_owned()),
        (None, None) => None,
    };
    match leader {
        _ if said.len() < majority => {
            finding(Status::Fail, format!("{agree}, fewer than the {majority} that decide"))
                .hint("without a majority nothing is committed")
        }
        None => finding(Status::Fail, format!("nobody leads; {agree}"))
            .hint("an election is under way, or no majority can be had: ask again"),
        Some(leader) if leaders.is_empty() => finding(
            Status::Warn,
            format!("{leader} by name, but no member says that it leads; {agree}"),
        ),
        Some(leader) if said.len() < asked => finding(Status::Warn, format!("{leader}; {agree}")),
        Some(leader) => finding(Status::Ok, format!("{leader}; {agree}")),
    }
}

/// Those that gave no account. An endpoint that is nowhere is one fact.
fn silent(accounts: &[Account], members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let missing = accounts
        .iter()
        .filter(|account| matches!(&account.answer, Err(error) if error.cause == Cause::NotFound));
    if missing.count() == accounts.len() {
        let text = "no member has this endpoint";
        let source = &accounts[0].source;
        let finding = Finding::new(Status::Unsupported, "raft", text, source.as_str());
        return vec![finding.hint("see [federation] `status_path`")];
    }
    let mut closed = BTreeSet::new();
    for (account, member) in accounts.iter().zip(members) {
        let source = account.source.as_str();
        match &account.answer {
            Ok(_) if member.said.is_some() => {}
            Ok(_) => findings.push(Finding::new(
                Status::NoData,
                account.name(),
                "says nothing about raft that is understood",
                source,
            )),
            // What is forbidden is forbidden for all members of a cluster.
            Err(error) if error.cause == Cause::Forbidden => {
                if closed.insert(account.cluster.as_str()) {
                    findings.push(account.forbidden(error));
                }
            }
            Err(error) if error.cause == Cause::NotFound => {
                let text = "has no such endpoint";
                let name = account.name();
                findings.push(Finding::new(Status::Unsupported, name, text, source));
            }
            Err(error) => findings.push(error.finding(account.name(), source)),
        }
    }
    findings
}

fn table(members: &[Member], source: &str) -> Table {
    let commit = members.iter().filter_map(|member| member.said.as_ref()?.commit).max();
    let row = |member: &Member| -> Vec<Untrusted> {
        let said = member.said.clone().unwrap_or_default();
        let number = |n: Option<u64>| n.map_or_else(|| "–".to_owned(), |n| n.to_string()).into();
        let behind = commit.zip(said.commit).map(|(newest, own)| newest - own);
        vec![
            member.name.clone(),
            member.cluster.as_str().into(),
            match (said.role, &member.said) {
                (Some(role), _) => role.word().into(),
                (None, Some(_)) => "–".into(),
                (None, None) => "no answer".into(),
            },
            number(said.term),
            said.leader.unwrap_or_else(|| "–".to_owned()).into(),
            number(said.commit),
            number(said.applied),
            number(behind),
        ]
    };
    let mut rows: Vec<_> = members.iter().map(row).collect();
    // The leaders first, then by cluster, as pods' names are made up.
    let place = |row: &Vec<Untrusted>| [1, 0].map(|column: usize| row[column].raw().to_owned());
    rows.sort_by_key(|row| (row[2].raw() != "leader", place(row)));
    Table {
        title: "Each member's own account".into(),
        columns: vec!["member", "cluster", "role", "term", "leader", "commit", "applied", "behind"],
        rows,
        provenance: Provenance::now(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, role: Role, term: u64, leader: &str, commit: u64) -> Member {
        let said = RaftStatus {
            role: Some(role),
            term: Some(term),
            leader: Some(leader.to_owned()).filter(|leader| !leader.is_empty()),
            commit: Some(commit),
            ..RaftStatus::default()
        };
        Member { name: name.into(), cluster: name.to_owned(), said: Some(said) }
    }

    fn silent(name: &str) -> Member {
        Member { name: name.into(), cluster: name.to_owned(), said: None }
    }

    fn headline(members: &[Member]) -> (Status, String) {
        let findings = judge(members, 10, "test");
        (findings[0].status, findings[0].measured.raw().to_owned())
    }

    use Role::{Follower, Leader};

    #[test]
    fn one_leader_that_all_agree_on_is_well() {
        let members = [
            member("a", Leader, 7, "a", 9),
            member("b", Follower, 7, "a", 9),
            member("c", Follower, 7, "", 8),
        ];
        assert_eq!(headline(&members), (Status::Ok, "a (term 7); 3 of 3 members answered".into()));
    }

    #[test]
    fn disagreement_is_a_split_brain() {
        let two = [
            member("a", Leader, 7, "a", 9),
            member("b", Leader, 8, "b", 9),
            member("c", Follower, 8, "b", 9),
        ];
        let (status, text) = headline(&two);
        assert_eq!(status, Status::Fail);
        assert_eq!(text, "SPLIT BRAIN: 2 members lead at once: a (term 7), b (term 8)");
        let named = [member("a", Leader, 7, "a", 9), member("b", Follower, 7, "c", 9), silent("c")];
        let (status, text) = headline(&named);
        assert_eq!(status, Status::Fail);
        assert_eq!(text, "SPLIT BRAIN: members disagree on the leader: a say a; b say c");
    }

    #[test]
    fn a_minority_decides_nothing_and_a_missing_leader_is_said() {
        let (status, text) = headline(&[member("a", Leader, 7, "a", 9), silent("b"), silent("c")]);
        assert_eq!(
            (status, text.as_str()),
            (Status::Fail, "1 of 3 members answered, fewer than the 2 that decide")
        );
        let (status, text) =
            headline(&[member("a", Follower, 7, "", 9), member("b", Role::Candidate, 8, "", 9)]);
        assert_eq!(
            (status, text.as_str()),
            (Status::Fail, "nobody leads; 2 of 2 members answered")
        );
    }

    #[test]
    fn who_is_behind_is_named() {
        let members = [
            member("a", Leader, 7, "a", 100),
            member("b", Follower, 6, "a", 89),
            member("c", Follower, 7, "a", 90),
        ];
        let findings = judge(&members, 10, "test");
        let told: Vec<_> =
            findings[1..].iter().map(|f| (f.subject.raw(), f.measured.raw())).collect();
        assert_eq!(told, [("b", "is in term 6, others in 7"), ("b", "11 log entries behind")]);
    }
}
