//! `providers credentials`: the providers' Secrets: names of keys, age, owner, and when a certificate ends.
//!
//! Invariant: no value is read. Everything but a certificate's end comes from the metadata, which the API
//! server sends without the data.

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::{CERTIFICATE, Certificate, Cluster, SecretFacts};
use crate::platform::providers::Provider;
use crate::platform::{Cause, Platform, no_cluster};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "providers credentials",
    summary: "Credential secrets: keys, age and expiry, never values",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G20"],
    args: |c| c,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

const DAY: f64 = 86_400.0;

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let config = &platform.providers;
    let cluster = match &config.cluster {
        Some(name) => Some(platform.cluster(name)?),
        None => platform.clusters.first(),
    };
    let mut report = Report::new("Cloud credentials");
    let Some(cluster) = cluster else {
        return Ok(Report { findings: vec![no_cluster()], ..report });
    };
    let asked = Provider::ALL.map(|provider| one(platform, cluster, provider));
    let mut rows = Vec::new();
    for (findings, row) in join_all(asked).await {
        report.findings.extend(findings);
        rows.extend(row);
    }
    report.sort();
    if !rows.is_empty() {
        report.tables.push(Table {
            title: "Secrets".into(),
            columns: vec!["secret", "keys", "made", "last changed", "owner"],
            rows,
            provenance: Provenance::now(format!("metadata of secrets in {}", config.namespace)),
        });
    }
    Ok(report.then("Health", "providers health").then("Check aws", "providers check aws"))
}

async fn one(
    platform: &Platform,
    cluster: &Cluster,
    provider: Provider,
) -> (Vec<Finding>, Option<Vec<Untrusted>>) {
    let config = &platform.providers;
    let (namespace, name) = (config.namespace.as_str(), provider.secret(config));
    let source = format!(
        "kubectl --context={} get secret {name} -n {namespace}, metadata only",
        cluster.name()
    );
    let subject = format!("{} {name}", provider.word());
    let facts = match cluster.secret_facts(namespace, name).await {
        Ok(facts) => facts,
        Err(error) if error.cause == Cause::NotFound => {
            let text = format!("no secret {namespace}/{name} in {}", cluster.name());
            let finding = Finding::new(Status::Absent, subject, text, source);
            return (
                vec![finding.hint("removed, or named differently here: see [providers]")],
                None,
            );
        }
        Err(error) if error.cause == Cause::Forbidden => {
            let finding = error.finding(subject, source);
            let advice = format!("grant nova `get` on the secret {name}, by its name");
            return (vec![finding.hint(advice)], None);
        }
        Err(error) => return (vec![error.finding(subject, source)], None),
    };
    let mut findings = vec![age(&facts, &subject, &source, config.max_age_days)];
    if facts.keys.as_ref().is_some_and(|keys| keys.iter().any(|key| key == CERTIFICATE)) {
        let source = format!("{CERTIFICATE} of secret {namespace}/{name} in {}", cluster.name());
        let subject = format!("{subject} certificate");
        findings.push(match cluster.certificate(namespace, name).await {
            Ok(found) => expiry(&found, subject, source, config.expires_within_days),
            Err(error) => error.finding(subject, source),
        });
    }
    (findings, Some(row(name, facts)))
}

fn age(facts: &SecretFacts, subject: &str, source: &str, limit: u32) -> Finding {
    let keys = match &facts.keys {
        None => "keys not told by the server".to_owned(),
        Some(keys) => human::count(keys.len(), "key"),
    };
    let empty = facts.keys.as_ref().is_some_and(Vec::is_empty);
    let Some(at) = facts.changed.or(facts.created) else {
        return Finding::new(Status::NoData, subject, format!("{keys} · age not told"), source);
    };
    let days = Timestamp::now().duration_since(at).as_secs_f64() / DAY;
    let measured = format!("{keys} · changed {} ago", human::span(days * DAY));
    if empty {
        return Finding::new(
            Status::Fail,
            subject,
            format!("{measured} · it holds nothing"),
            source,
        );
    }
    if days > f64::from(limit) {
        let finding = Finding::new(Status::Warn, subject, measured, source);
        let finding = finding.expected(format!("changed within {limit} d"));
        return finding.hint("change it with the provider, and in the secret");
    }
    Finding::new(Status::Ok, subject, measured, source)
}

fn expiry(found: &Certificate, subject: String, source: String, limit: u32) -> Finding {
    let left = found.ends.duration_since(Timestamp::now()).as_secs_f64();
    let (status, when) = match left {
        left if left <= 0.0 => (Status::Fail, format!("ended {} ago", human::span(-left))),
        left if left < f64::from(limit) * DAY => {
            (Status::Warn, format!("ends in {}", human::span(left)))
        }
        left => (Status::Ok, format!("ends in {}", human::span(left))),
    };
    let finding = Finding::new(status, subject, format!("{} · {when}", found.subject), source);
    match status {
        Status::Ok => finding,
        _ => finding.expected(format!("more than {limit} d")),
    }
}

fn row(name: &str, facts: SecretFacts) -> Vec<Untrusted> {
    let day = |at: Option<Timestamp>| -> Untrusted {
        at.map_or("-".to_owned(), |at| at.strftime("%Y-%m-%d").to_string()).into()
    };
    let keys = facts.keys.map_or("not told".to_owned(), |keys| keys.join(", "));
    let owner = facts.owner.unwrap_or_else(|| "-".to_owned());
    vec![name.into(), keys.into(), day(facts.created), day(facts.changed), owner.into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn ages_and_ends_are_judged() {
        let ago = |days: i64| Timestamp::now() - SignedDuration::from_hours(24 * days);
        let judged = |keys: Option<&[&str]>, changed: Option<Timestamp>| {
            let keys = keys.map(|keys| keys.iter().map(|&key| key.to_owned()).collect());
            let facts = SecretFacts { keys, changed, ..SecretFacts::default() };
            age(&facts, "aws", "x", 90).status
        };
        assert_eq!(judged(Some(&["id"]), Some(ago(3))), Status::Ok);
        assert_eq!(judged(Some(&["id"]), Some(ago(91))), Status::Warn);
        assert_eq!(judged(Some(&[]), Some(ago(3))), Status::Fail);
        assert_eq!(judged(None, None), Status::NoData);
        let ends = |days: i64| {
            let found = Certificate { subject: String::new(), begins: ago(300), ends: ago(-days) };
            expiry(&found, String::new(), String::new(), 30).status
        };
        assert_eq!([ends(-1), ends(29), ends(31)], [Status::Fail, Status::Warn, Status::Ok]);
    }
}
