//! `security token`: what a suspect token claims, and whether the service takes it.
//!
//! Invariant: the token is asked for in private and is in no finding, row or source: only what it claims
//! comes out. It goes to the configured service, which it is meant for, and nowhere else.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::{ServiceConfig, TokenConfig};
use crate::platform::http::Answer;
use crate::platform::jwt::{self, Claims, Moment, Token};
use crate::platform::{Cause, Platform};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "security token",
    summary: "Claims of a suspect token, asked for in private",
    kind: Kind::Diagnostic { sensitive: true },
    guide: &["G53"],
    args: |c| c,
    run: Run::Secret { question: "Suspect token", run: |call| Box::pin(run(call)) },
};

/// Clocks differ by so many seconds before a time in a token is wrong.
const SKEW: f64 = 60.0;
/// Characters of a claim that are shown.
const SHOWN: usize = 200;

const READ: &str = "the token's own words; its signature is not checked here";

async fn run(call: Call) -> Result<Report, UserError> {
    let Some(secret) = call.secret else {
        return Err(UserError::new("nova asks for the token itself: say `security token` alone"));
    };
    // People copy the whole header.
    let text = secret.expose_secret().trim();
    let text = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(UserError::new("that is no token: it has no spaces and no line breaks"));
    }
    let token = SecretString::from(text);
    let platform = &*call.platform;
    let config = &platform.security.token;
    let mut report = Report::new("Suspect token");
    match jwt::read(token.expose_secret()) {
        Token::Signed(claims) => {
            report.findings = judge(&claims, config, Timestamp::now());
            report.tables.push(table(&claims));
            report.next.clear();
            if let Some(user) = claims.subject.as_ref().map(Untrusted::raw).filter(|u| is_plain(u))
            {
                report = report
                    .then("Rate limit", format!("security rate-limit {user}"))
                    .then("End the sessions", format!("security revoke-sessions {user}"));
            }
        }
        Token::Encrypted => {
            let text = "encrypted (JWE): its claims are for its receiver only";
            report.findings.push(Finding::new(Status::NoData, "claims", text, READ));
        }
        Token::Opaque => {
            let text = "not a JWT: there are no claims to read";
            report.findings.push(Finding::new(Status::NoData, "claims", text, READ));
        }
    }
    report.findings.push(ask(platform, config, &token).await);
    report.sort();
    Ok(report.then("Failed logins", "security auth-failures"))
}

fn judge(claims: &Claims, config: &TokenConfig, now: Timestamp) -> Vec<Finding> {
    let finding = |status, subject: &str, text: String| Finding::new(status, subject, text, READ);
    let mut findings = Vec::new();
    findings.push(match claims.algorithm.as_ref().map(Untrusted::raw) {
        None => finding(Status::Fail, "algorithm", "none is named".to_owned()),
        Some(none) if none.eq_ignore_ascii_case("none") => {
            finding(Status::Fail, "algorithm", "`none`: anybody could have written it".to_owned())
        }
        Some(name) => finding(Status::Ok, "algorithm", name.chars().take(20).collect()),
    });
    let from_now = |at: Timestamp| at.duration_since(now).as_secs_f64();
    findings.push(match claims.expires {
        None => finding(Status::Warn, "expiry", "it never ends (no `exp`)".to_owned()),
        Some(Moment::Unreadable) => {
            finding(Status::Fail, "expiry", "`exp` is no number of seconds".to_owned())
        }
        Some(Moment::At(at)) if from_now(at) < -SKEW => {
            finding(Status::Fail, "expiry", format!("ended {} ago", human::span(-from_now(at))))
        }
        Some(Moment::At(at)) => {
            finding(Status::Ok, "expiry", format!("ends in {}", human::span(from_now(at).max(0.0))))
        }
    });
    for (name, moment) in [("not before", claims.not_before), ("issued", claims.issued)] {
        let Some(moment) = moment else { continue };
        findings.push(match moment {
            Moment::Unreadable => {
                finding(Status::Fail, name, "it is no number of seconds".to_owned())
            }
            Moment::At(at) if from_now(at) > SKEW => {
                let text = format!("only in {}: a clock is wrong", human::span(from_now(at)));
                finding(Status::Fail, name, text)
            }
            Moment::At(at) => {
                finding(Status::Ok, name, format!("{} ago", human::span((-from_now(at)).max(0.0))))
            }
        });
    }
    let is = |wanted: &str, found: &[&Untrusted]| found.iter().any(|one| one.raw() == wanted);
    let issuer: Vec<&Untrusted> = claims.issuer.iter().collect();
    let audience: Vec<&Untrusted> = claims.audience.iter().collect();
    for (name, wanted, found) in
        [("issuer", &config.issuer, issuer), ("audience", &config.audience, audience)]
    {
        let Some(wanted) = wanted else { continue };
        let shown: Vec<&str> = found.iter().map(|one| one.raw()).collect();
        let shown = if shown.is_empty() { "none".to_owned() } else { cut(&shown.join(", ")) };
        findings.push(match is(wanted, &found) {
            true => finding(Status::Ok, name, shown),
            false => finding(Status::Fail, name, shown).expected(wanted.as_str()),
        });
    }
    findings
}

fn table(claims: &Claims) -> Table {
    let time = |moment: Option<Moment>| {
        moment.map(|moment| match moment {
            Moment::At(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            Moment::Unreadable => "unreadable".to_owned(),
        })
    };
    let text = |value: &Option<Untrusted>| value.as_ref().map(|value| cut(value.raw()));
    let list = |list: &[Untrusted]| {
        let list: Vec<&str> = list.iter().map(Untrusted::raw).collect();
        (!list.is_empty()).then(|| cut(&list.join(", ")))
    };
    let rows = [
        ("subject (sub)", text(&claims.subject)),
        ("issuer (iss)", text(&claims.issuer)),
        ("audience (aud)", list(&claims.audience)),
        ("expires (exp)", time(claims.expires)),
        ("not before (nbf)", time(claims.not_before)),
        ("issued (iat)", time(claims.issued)),
        ("id (jti)", text(&claims.id)),
        ("algorithm (alg)", text(&claims.algorithm)),
        ("key (kid)", text(&claims.key)),
        ("other claims, names only", list(&claims.others)),
    ];
    let row = |(name, value): (&str, Option<String>)| {
        vec![name.into(), value.unwrap_or_else(|| "-".to_owned()).into()]
    };
    Table {
        title: "Claims".into(),
        columns: vec!["claim", "value"],
        rows: rows.into_iter().map(row).collect(),
        provenance: Provenance::now(READ),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// What the service says of it, where it has an opinion to ask for.
async fn ask(platform: &Platform, config: &TokenConfig, token: &SecretString) -> Finding {
    const SUBJECT: &str = "the service";
    if config.validate.is_empty() {
        return Finding::new(Status::Unsupported, SUBJECT, "is not asked here", "configuration");
    }
    let service = platform.services.iter().find(|one| one.name == platform.security.service);
    let Some(base) = service.and_then(ServiceConfig::base_url) else {
        let text = format!("no address of `{}` is configured", platform.security.service);
        return Finding::new(Status::Unsupported, SUBJECT, text, "configuration");
    };
    let url = format!("{base}{}", config.validate);
    let source = format!("GET {url}, with it as bearer");
    match platform.http.get(&url, Some(token)).await {
        Ok(answer) => verdict(SUBJECT, &answer, token, source),
        Err(error) if error.cause == Cause::Misconfigured => {
            Finding::new(Status::NoData, SUBJECT, "it cannot be sent in a header", source)
        }
        Err(error) => error.finding(SUBJECT, source),
    }
}

fn verdict(subject: &str, answer: &Answer, token: &SecretString, source: String) -> Finding {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let says = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str());
    let words = says(&["error", "message", "reason", "detail"]).unwrap_or_default();
    // A service may quote what it was sent.
    let words = cut(&words.replace(token.expose_secret(), "[secret]"));
    let words = if words.is_empty() { words } else { format!(": {words}") };
    let refused = body.get("valid").or_else(|| body.get("active")) == Some(&Value::Bool(false));
    let (status, text) = match answer.status {
        200..=299 if refused => (Status::Fail, format!("refuses it{words}")),
        200..=299 => (Status::Ok, "takes it".to_owned()),
        400 | 401 | 403 | 422 => (Status::Fail, format!("refuses it ({}){words}", answer.status)),
        404 | 405 | 501 => {
            (Status::Unsupported, format!("{}: this version does not judge tokens", answer.status))
        }
        code => (Status::NoData, format!("HTTP {code}{words}")),
    };
    Finding::new(status, subject, text, source)
}

/// A user's name that can stand in a command line as it is.
fn is_plain(user: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '+');
    (1..=128).contains(&user.len()) && user.chars().all(plain) && !user.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_claim_is_judged() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let at =
            |seconds: i64| Moment::At(Timestamp::from_second(1_700_000_000 + seconds).unwrap());
        let claims = Claims {
            algorithm: Some("none".into()),
            issuer: Some("https://evil.example".into()),
            audience: vec!["novacron".into()],
            expires: Some(at(-7_200)),
            not_before: Some(at(600)),
            issued: Some(Moment::Unreadable),
            ..Claims::default()
        };
        let config = TokenConfig {
            issuer: Some("https://auth.novacron.io".to_owned()),
            audience: Some("novacron".to_owned()),
            ..TokenConfig::default()
        };
        let shown: Vec<_> = judge(&claims, &config, now)
            .iter()
            .map(|f| format!("{} {}: {}", f.status.word(), f.subject.raw(), f.measured.raw()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        fail algorithm: `none`: anybody could have written it
        fail expiry: ended 2 h ago
        fail not before: only in 10 min: a clock is wrong
        fail issued: it is no number of seconds
        fail issuer: https://evil.example
        ok audience: novacron
        ");
        let never = judge(&Claims::default(), &TokenConfig::default(), now);
        assert_eq!(
            never.iter().map(|f| f.status).collect::<Vec<_>>(),
            [Status::Fail, Status::Warn]
        );
    }

    #[test]
    fn a_service_that_quotes_the_token_does_not_make_us_repeat_it() {
        let token = SecretString::from("opaque-hunter2");
        let answer = |status: u16, body: &str| Answer {
            status,
            media_type: "application/json".to_owned(),
            body: body.as_bytes().to_vec(),
            truncated: false,
            took: Duration::ZERO,
        };
        let said = |status, body| {
            let finding = verdict("s", &answer(status, body), &token, "x".to_owned());
            format!("{}: {}", finding.status.word(), finding.measured.raw())
        };
        assert_eq!(said(200, r#"{"valid":true}"#), "ok: takes it");
        assert_eq!(
            said(401, r#"{"error":"opaque-hunter2 is expired"}"#),
            "fail: refuses it (401): [secret] is expired"
        );
        assert_eq!(said(200, r#"{"valid":false}"#), "fail: refuses it");
        assert_eq!(said(404, "nope"), "unsupported: 404: this version does not judge tokens");
        assert_eq!(said(500, ""), "no data: HTTP 500");
    }
}
