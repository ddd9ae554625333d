//! `security rate-limit USER`: how far a user is from being slowed down, and until when.

use clap::{Args as _, FromArgMatches as _};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::configured;
use crate::platform::redis::{Counted, Counter};
use crate::report::{Finding, Report, Status};
use crate::text::{Untrusted, human};

#[derive(clap::Args)]
struct Args {
    /// The user's id
    #[arg(value_name = "USER", required = true)]
    user: String,
}

pub(crate) const COMMAND: Command = Command {
    path: "security rate-limit",
    summary: "A user's rate-limit state",
    kind: Kind::Diagnostic { sensitive: true },
    guide: &["G54"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let user = args.user;
    // It becomes part of a key, and of the lines behind the buttons.
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.@+:|".contains(c);
    if user.len() > 128 || !user.chars().all(plain) || user.starts_with('-') {
        let wrong = "a user's id has letters, digits and `_-.@+:|`, and at most 128 of them";
        return Err(UserError::new(wrong));
    }
    let platform = &*call.platform;
    let config = &platform.security.rate_limit;
    let keys: Vec<String> = config.keys.iter().map(|key| key.replace("{user}", &user)).collect();
    let mut report = Report::new(format!("Rate limit of {user}"));
    report.findings = match configured("Redis", "redis", &platform.redis) {
        Err(finding) => vec![*finding],
        Ok(client) => match client.counters(&keys).await {
            Err(error) => {
                let source = format!("{} at {}", keys.join(", "), client.target());
                vec![error.finding("Redis", source)]
            }
            Ok(counters) => {
                let place = client.target();
                counters.iter().map(|counter| judge(counter, config.limit, &place)).collect()
            }
        },
    };
    report.sort();
    Ok(report
        .then("Check again", format!("security rate-limit {user}"))
        .then("Failed logins", "security auth-failures")
        .then("End the sessions", format!("security revoke-sessions {user}")))
}

fn judge(counter: &Counter, limit: Option<u64>, place: &str) -> Finding {
    let Counter { key, counted, expires } = counter;
    let number = |text: &Untrusted| text.raw().trim().parse::<f64>().ok().map(|n| n as u64);
    let (command, used, limit, said) = match counted {
        Counted::Absent => {
            let text = "no such key: nothing was counted in this window";
            let finding =
                Finding::new(Status::Absent, key.as_str(), text, format!("TYPE {key} at {place}"));
            return finding
                .hint("not limited; or it is named differently here: see [security.rate_limit]");
        }
        Counted::Number(count) => {
            let used = u64::try_from(*count).unwrap_or_default();
            ("GET", Some(used), limit, format!("{used} counted"))
        }
        Counted::Members(count) => ("ZCARD", Some(*count), limit, format!("{count} in the window")),
        Counted::Fields(fields) => {
            let get = |names: &[&str]| {
                fields
                    .iter()
                    .find(|(name, _)| names.contains(name))
                    .and_then(|(_, text)| number(text))
            };
            let limit = get(&["limit"]).or(limit);
            let left = get(&["remaining", "tokens"]);
            let used =
                get(&["count", "used", "requests"]).or_else(|| Some(limit?.saturating_sub(left?)));
            let said: Vec<String> =
                fields.iter().map(|(name, text)| format!("{name} {}", text.raw())).collect();
            let said = if said.is_empty() { "no known field".to_owned() } else { said.join(", ") };
            if left == Some(0) {
                ("HMGET", used.or(limit), limit.or(used).or(Some(0)), said)
            } else {
                ("HMGET", used, limit, said)
            }
        }
        Counted::Text(text) => ("GET", None, limit, format!("not a number: {}", text.raw())),
        Counted::Other(kind) => ("TYPE", None, limit, format!("a {kind}, which counts nothing")),
    };
    let source = format!("{command} and PTTL {key} at {place}");
    let ends = expires.map_or_else(
        || "it never ends".to_owned(),
        |left| format!("ends in {}", human::span(left.as_secs_f64())),
    );
    let finding = |status, text: String| Finding::new(status, key.as_str(), text, source.as_str());
    // The fields of a hash say the limit themselves.
    let of = |limit: u64| match counted {
        Counted::Fields(_) => String::new(),
        _ => format!(" of {limit}"),
    };
    match (used, limit) {
        (Some(used), Some(limit)) if used >= limit => {
            let text = format!("{said}{}: limited · {ends}", of(limit));
            finding(Status::Warn, text).expected(format!("below {limit}"))
        }
        _ if expires.is_none() => finding(Status::Warn, format!("{said} · {ends}"))
            .hint("a counter without an end limits for ever"),
        (Some(used), Some(limit)) => {
            finding(Status::Ok, format!("{said}{}, {} left · {ends}", of(limit), limit - used))
        }
        (Some(_), None) => finding(Status::Ok, format!("{said} · {ends}"))
            .hint("what is left is known with `limit` in [security.rate_limit]"),
        (None, _) => finding(Status::NoData, format!("{said} · {ends}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_kind_of_counter_is_judged() {
        let expires = Some(Duration::from_secs(40));
        let judged = |counted: Counted, expires, limit| {
            let counter = Counter { key: "k".to_owned(), counted, expires };
            let finding = judge(&counter, limit, "here");
            format!("{}: {}", finding.status.word(), finding.measured.raw())
        };
        let fields = |list: &[(&'static str, &str)]| {
            Counted::Fields(list.iter().map(|(name, text)| (*name, (*text).into())).collect())
        };
        let shown = [
            judged(Counted::Number(17), expires, None),
            judged(Counted::Number(17), expires, Some(100)),
            judged(Counted::Number(100), expires, Some(100)),
            judged(Counted::Number(5), None, Some(100)),
            judged(Counted::Members(120), expires, Some(100)),
            judged(fields(&[("remaining", "0"), ("limit", "50")]), expires, None),
            judged(fields(&[("tokens", "12.5"), ("limit", "50")]), expires, None),
            judged(fields(&[]), expires, None),
            judged(Counted::Text("x".into()), expires, None),
            judged(Counted::Other("stream".to_owned()), expires, None),
            judged(Counted::Absent, None, None),
        ];
        insta::assert_snapshot!(shown.join("\n"), @r"
        ok: 17 counted · ends in 40 s
        ok: 17 counted of 100, 83 left · ends in 40 s
        warn: 100 counted of 100: limited · ends in 40 s
        warn: 5 counted · it never ends
        warn: 120 in the window of 100: limited · ends in 40 s
        warn: remaining 0, limit 50: limited · ends in 40 s
        ok: tokens 12.5, limit 50, 12 left · ends in 40 s
        no data: no known field · ends in 40 s
        no data: not a number: x · ends in 40 s
        no data: a stream, which counts nothing · ends in 40 s
        absent: no such key: nothing was counted in this window
        ");
    }
}
