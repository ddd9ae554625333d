//! `providers …`: what the VM service says, what the Secrets are like, and what the providers' own tools
//! say; and that no value of a Secret is anywhere afterwards.

use std::fmt::Write as _;

use nova_sandbox::cluster::{Said, Workload};
use nova_sandbox::services::Path;
use serde_json::json;
use tokio::sync::watch;

use super::{findings, masked, the, trust};
use crate::support::{Nova, patient, world};

/// It ended at the beginning of 2021.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBIDCByAIBATAKBggqhkjOPQQDAjAdMRswGQYDVQQDDBJub3ZhLmF6dXJlLmV4
YW1wbGUwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAdMRswGQYDVQQD
DBJub3ZhLmF6dXJlLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASx
8EeItPfu86UKfOpcmLjLbaddARIWrh59m4sPGXfEuuQ1sFqa4tGILO1To8WjXeKP
C3OET62NpkZfqpn0ou5kMAoGCCqGSM49BAMCA0cAMEQCICgg4iT1HNRfUXKX37XI
uBn8iU8X56uWQQ2jYJKSbQKuAiAOj/I7uYVjsUCP1tLae4RDKbFCw4x9ldwypVxU
JKyNdA==
-----END CERTIFICATE-----
";

/// A value that must not be seen, as it is and as the API server sends it.
const VALUE: &str = "hunter2-of-the-cloud";
const ENCODED: &str = "aHVudGVyMi1vZi10aGUtY2xvdWQ=";

#[tokio::test]
async fn what_the_service_says_of_each_provider() {
    let mut nova = Nova::start().await;
    let none = findings(&nova.say("providers health").await);
    let say = |provider: &str, status, body: &str| {
        let path = format!("/api/v1/providers/{provider}/health");
        let answer = Path { status, body: body.to_owned(), bearer: None };
        nova.world.services().path("vm-service", &path, answer);
    };
    say("aws", 200, r#"{"status":"healthy"}"#);
    say("azure", 503, r#"{"status":"unhealthy","error":"AADSTS700016: application not found"}"#);
    let some = findings(&nova.say("providers health").await);
    nova.sandbox("break vm-service refused").await;
    let gone = findings(&nova.say("providers health").await);
    masked(|| insta::assert_snapshot!(format!("{none}\n{some}\n{gone}")));
}

#[tokio::test]
async fn credentials_are_judged_and_no_value_is_seen_anywhere() {
    let mut nova = Nova::start().await;
    let forbidden = findings(&nova.say("providers credentials").await);
    trust(&nova, "us-east");
    let absent = findings(&nova.say("providers credentials").await);
    let now = jiff::Timestamp::now().to_string();
    let set = |name: &str, at: &str, data: serde_json::Value| {
        let keys = data.as_object().expect("an object").keys();
        let fields: serde_json::Map<_, _> =
            keys.map(|key| (format!("f:{key}"), json!({}))).collect();
        the(&nova, "us-east").put(
            "secrets",
            json!({
                "metadata": {
                    "name": name, "namespace": "novacron", "creationTimestamp": "2024-01-01T00:00:00Z",
                    "managedFields": [{ "manager": "external-secrets", "operation": "Update",
                        "apiVersion": "v1", "time": at, "fieldsType": "FieldsV1",
                        "fieldsV1": { "f:data": fields } }],
                },
                "data": data, "type": "Opaque",
            }),
        );
    };
    set("aws-credentials", &now, json!({ "access_key_id": ENCODED, "secret_access_key": ENCODED }));
    set("gcp-credentials", "2024-02-01T00:00:00Z", json!({ "key.json": ENCODED }));
    let pem = base64(CERTIFICATE.as_bytes());
    set("azure-credentials", &now, json!({ "tls.crt": pem, "tls.key": ENCODED }));
    let reply = nova.say("providers credentials").await;
    let invocation = nova.invocation("providers credentials");
    let (progress, _) = watch::channel(nova_commands::command::Step::default());
    let answer = nova.engine.answer(&invocation, &progress, std::future::pending()).await;
    let mut everywhere = format!("{reply}{}{:?}", answer.json(), answer.message);
    for entry in nova.timeline().await {
        write!(everywhere, "{}", entry.body).expect("a String takes whatever is written");
    }
    for secret in [VALUE, ENCODED] {
        assert!(!everywhere.contains(secret), "{secret} in {everywhere}");
    }
    // But for the one with a certificate, the server was never asked for the data.
    for exchange in the(&nova, "us-east").exchanges() {
        let sent = exchange.response.map(|json| json.to_string()).unwrap_or_default();
        assert!(!sent.contains(ENCODED) || exchange.path.ends_with("azure-credentials"), "{sent}");
    }
    masked(|| insta::assert_snapshot!(format!("{forbidden}\n{absent}\n{reply}")));
}

#[tokio::test]
async fn a_providers_own_tool_tells_who_we_are() {
    let mut nova = Nova::start().await;
    let unsupported = findings(&nova.say("providers check aws").await);
    let with =
        |text: String| patient(text) + "[providers]\ntoolbox = \"deployment/cloud-toolbox\"\n";
    let mut nova = Nova::on(world(false).await, with).await;
    trust(&nova, "us-east");
    let absent = findings(&nova.say("providers check aws").await);
    let toolbox = Workload { name: "cloud-toolbox".to_owned(), ..Workload::default() };
    let cluster = the(&nova, "us-east");
    cluster.deploy(&toolbox);
    cluster.settled("novacron", "cloud-toolbox").await.expect("it rolls out");
    let program = |line: &str, stdout: &str| {
        let said = Said { stdout: stdout.to_owned(), ..Said::default() };
        cluster.program("cloud-toolbox", line, said);
    };
    program(
        "aws sts get-caller-identity --output json",
        r#"{"UserId":"AIDAEXAMPLE","Account":"123456789012","Arn":"arn:aws:iam::123456789012:user/nova"}"#,
    );
    program(
        "aws ec2 describe-instances --region us-east-1 --query length(Reservations[].Instances[]) --output json",
        "17\n",
    );
    let failed = Said {
        stderr: "ERROR: AADSTS7000222: the client secret keys are expired, secret=hunter2abc\n"
            .to_owned(),
        code: 1,
        ..Said::default()
    };
    cluster.program("cloud-toolbox", "az account show --output json", failed.clone());
    let line = "az vm list --resource-group novacron-rg --query length(@) --output json";
    cluster.program("cloud-toolbox", line, failed);
    let mut replies = format!("{unsupported}\n{absent}\n");
    for line in [
        "providers check aws",
        "providers check azure",
        "providers check gcp",
        "providers check ibm",
    ] {
        replies += &format!("{}\n", findings(&nova.say(line).await));
    }
    assert!(!replies.contains("hunter2abc"), "{replies}");
    masked(|| insta::assert_snapshot!(replies));
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        let group = group << (8 * (3 - chunk.len()));
        for at in 0..4 {
            match at <= chunk.len() {
                true => out.push(char::from(ALPHABET[(group >> (18 - 6 * at)) as usize & 63])),
                false => out.push('='),
            }
        }
    }
    out
}
