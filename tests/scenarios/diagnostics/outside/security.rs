//! `security …`: tokens, failed logins, rate limits, the audit log, access patterns; and that a token is
//! nowhere afterwards.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use nova::engine::Line;
use nova_permissions::Role;
use nova_sandbox::cluster::Rule;
use nova_sandbox::services::Path;
use secrecy::SecretString;

use super::{findings, masked, the, trust};
use crate::support::{Nova, patient, world};

/// `{"alg":"HS256","kid":"k1"}` and `{"sub":"user-42","iss":"https://auth.novacron.io","aud":"novacron",
/// "iat":1500000000,"exp":4102444800,"scope":"vm:read"}`
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiJ1c2VyLTQyIiwiaXNzIjoiaHR0cHM6Ly9hdXRoLm5vdmFjcm9uLmlvIiwiYXVkIjoibm92YWNyb24iLCJpYXQiOjE1MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMCwic2NvcGUiOiJ2bTpyZWFkIn0.c2lnbmF0dXJl";
/// One that no pattern of secrets knows.
const OPAQUE: &str = "plain-words-hunter2";

async fn guard(edit: impl FnOnce(String) -> String) -> Nova {
    let mut nova = Nova::on(world(false).await, edit).await;
    nova.speaker.roles = vec![Role::Security, Role::Viewer];
    nova
}

impl Nova {
    /// `security token`, with this for an answer to the question that it asks.
    async fn entrusts(&mut self, secret: &str) -> String {
        let mut invocation = self.invocation("security token");
        let question = self.engine.asks(&invocation.speaker, &invocation.line);
        let question = question.expect("it asks for the token");
        let secret = SecretString::from(secret);
        invocation.line = Line::Private { command: question.command, secret };
        self.deliver(&invocation).await.1
    }

    /// Everything that the store keeps of what happened.
    async fn kept(&self) -> String {
        let mut kept = String::new();
        for entry in self.timeline().await {
            write!(kept, "{}", entry.body).expect("a String takes whatever is written");
        }
        kept
    }
}

#[tokio::test]
async fn a_token_is_judged_by_its_claims_and_by_the_service() {
    let with = "[security.token]\nissuer = \"https://auth.novacron.io\"\naudience = \"billing\"\n";
    let mut nova = guard(|text| patient(text) + with).await;
    let unsupported = nova.entrusts(TOKEN).await;
    let judges = |bearer: &str, body: &str| {
        let answer = Path { status: 200, body: body.to_owned(), bearer: Some(bearer.to_owned()) };
        nova.world.services().path("api-gateway", "/debug/jwt/validate", answer);
    };
    judges(TOKEN, r#"{"valid":true}"#);
    let taken = findings(&nova.entrusts(&format!("Bearer {TOKEN}\n")).await);
    let refused = findings(&nova.entrusts(OPAQUE).await);
    let nonsense = nova.entrusts("two words").await;
    let replies = format!("{unsupported}\n{taken}\n{refused}\n{nonsense}");
    let kept = nova.kept().await;
    for secret in [TOKEN, OPAQUE, "two words"] {
        assert!(!replies.contains(secret) && !kept.contains(secret), "{replies}\n{kept}");
    }
    assert!(kept.contains("security token"), "{kept}");
    masked(|| insta::assert_snapshot!(replies));
}

#[tokio::test]
async fn a_token_in_a_line_is_refused_and_kept_nowhere() {
    let mut nova = guard(patient).await;
    let mut replies = String::new();
    for line in [
        format!("security token {OPAQUE}"),
        format!("security tokn {OPAQUE}"),
        format!("help security token {OPAQUE}"),
        format!("/nova \"security\" token -- {OPAQUE}"),
        "security token".to_owned(),
        "security token --help".to_owned(),
    ] {
        let first = nova.say(&line).await;
        replies += &format!("{}\n", first.lines().next().unwrap_or_default());
    }
    nova.speaker.roles = vec![Role::Operator];
    let line = Line::typed("security token", nova_commands::grammar::Dialect::Plain);
    assert_eq!(nova.engine.asks(&nova.speaker, &line), None, "it would be asked in vain");
    replies += &nova.say("security token").await;
    let kept = nova.kept().await;
    assert!(!replies.contains(OPAQUE) && !kept.contains("hunter2"), "{replies}\n{kept}");
    assert!(kept.contains("security token [secret]"), "{kept}");
    masked(|| insta::assert_snapshot!(replies));
}

#[tokio::test]
async fn failed_logins_are_counted_by_source_and_user() {
    let mut nova = guard(patient).await;
    let quiet = findings(&nova.say("security auth-failures").await);
    let pods = the(&nova, "us-east").pods_of("novacron", "api-gateway");
    for number in 0..120 {
        let (ip, user) = match number % 6 {
            0 => ("198.51.100.4", "ana".to_owned()),
            _ => ("203.0.113.9", format!("user-{}", number % 40)),
        };
        let line =
            format!("level=warn msg=auth_failure user={user} client_ip={ip} password=hunter2");
        the(&nova, "us-east").log("novacron", &pods[number % pods.len()], &line);
    }
    the(&nova, "us-east").log("novacron", &pods[0], "level=info msg=auth_success user=ana");
    let spike = nova.say("security auth-failures").await;
    assert!(!spike.contains("hunter2"), "{spike}");
    let pods = Rule::new(&["get", "list"], &["", "apps"], &["pods", "deployments"], &["*"]);
    the(&nova, "us-east").user("reader", vec![pods]);
    let forbidden = findings(&nova.say("security auth-failures").await);
    nova.sandbox("break api-gateway absent").await;
    let absent = findings(&nova.say("security auth-failures").await);
    masked(|| insta::assert_snapshot!(format!("{quiet}\n{spike}\n{forbidden}\n{absent}")));
}

#[tokio::test]
async fn a_users_rate_limit_is_read_in_every_form() {
    let with = "[security.rate_limit]\nlimit = 20\nkeys = [\"rate_limit:user:{user}\", \"window:{user}\"]\n";
    let world = world(true).await;
    let mut nova = Nova::on(world, |text| patient(text) + with).await;
    nova.speaker.roles = vec![Role::Security];
    let redis = nova.world.redis().expect("it runs");
    for words in [
        &["SET", "rate_limit:user:200", "25", "EX", "3600"][..],
        &["HSET", "rate_limit:user:201", "remaining", "3", "limit", "50"],
        &["ZADD", "window:201", "1", "a", "2", "b"],
    ] {
        redis.command(words).await.expect("it is set");
    }
    let mut replies = String::new();
    for user in ["101", "200", "201", "nobody", "*", "a b"] {
        let reply = nova.say(&format!("security rate-limit \"{user}\"")).await;
        replies += &format!("{user}: {}\n", findings(&reply));
    }
    nova.sandbox("break redis").await;
    replies += &findings(&nova.say("security rate-limit 101").await);
    masked(|| insta::assert_snapshot!(replies));
}

#[tokio::test]
async fn the_audit_log_is_searched_in_its_file_and_in_its_table() {
    let with = "[security.audit]\ntable = \"audit_logs\"\n";
    let mut nova = Nova::on(world(true).await, |text| patient(text) + with).await;
    nova.speaker.roles = vec![Role::Security];
    let forbidden = findings(&nova.say("security audit-log").await);
    trust(&nova, "us-east");
    let absent = findings(&nova.say("security audit-log").await);
    let log = "ts=1 action=login user=ana\n\
               ts=2 action=bulk_vm_access user=bo count=400\n\
               ts=3 action=bulk_vm_access user=bo count=401 token=hunter2hunter2\n\
               ts=4 action=privilege_escalation user=cy\n";
    the(&nova, "us-east").file("api-gateway", "/var/log/audit.log", log);
    let sql = "CREATE TABLE audit_logs (action text, user_id text, created_at timestamptz);
               INSERT INTO audit_logs SELECT 'large_data_export', 'dee', now() FROM generate_series(1, 7);
               INSERT INTO audit_logs VALUES ('login', 'ana', now()),
                   ('large_data_export', 'old', now() - interval '3 days');
               GRANT SELECT ON audit_logs TO nova;";
    nova.world.postgres().expect("it runs").execute(sql).await.expect("it is filled");
    let found = nova.say("security audit-log").await;
    assert!(!found.contains("hunter2"), "{found}");
    masked(|| insta::assert_snapshot!(format!("{forbidden}\n{absent}\n{found}")));
}

/// Asks until the rates are this: two scrapes make one.
async fn once(nova: &mut Nova, are: impl Fn(&str) -> bool) -> String {
    let by = Instant::now() + Duration::from_secs(60);
    loop {
        let reply = nova.say("security access-patterns").await;
        if are(&reply) || Instant::now() > by {
            return reply;
        }
    }
}

#[tokio::test]
async fn request_rates_are_held_against_the_limit() {
    let mut nova = Nova::on(world(true).await, patient).await;
    nova.speaker.roles = vec![Role::Security];
    let rates = |reply: &str| reply.contains("request rates") && !reply.contains("no series");
    let well = once(&mut nova, rates).await;
    assert!(rates(&well) && well.contains("exit 0"), "{well}");
    let well = findings(&well);
    let well = well.split(", method").next().unwrap_or_default();
    nova.sandbox("break prometheus").await;
    let down = findings(&nova.say("security access-patterns").await);
    let strict = "[security.access]\nlimit = 0.000001\n\
                  query = 'sum by (service) (rate(http_requests_total{service=~\"vm-service|nobody\"}[5m]))'\n";
    nova.sandbox("heal prometheus").await;
    let mut nova = Nova::on(nova.world, |text| patient(text) + strict).await;
    nova.speaker.roles = vec![Role::Security];
    let loud = once(&mut nova, |reply| reply.contains("service=vm-service")).await;
    let none = "[security.access]\nquery = \"rate(nobody_counts_this[5m])\"\n";
    let mut nova = Nova::on(nova.world, |text| patient(text) + none).await;
    nova.speaker.roles = vec![Role::Security];
    let none = findings(&nova.say("security access-patterns").await);
    masked(|| insta::assert_snapshot!(format!("{well}\n{down}\n{}\n{none}", findings(&loud))));
}
