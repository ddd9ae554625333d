//! Hands everything that nova sent to Slack's own Python SDK and published schema.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use nova_sandbox::slack::Slack;

/// # Panics
/// With every complaint, when there is one.
pub(crate) fn judge(slack: &Slack, answers: &[Value]) {
    assert_eq!(slack.journal_dropped(), 0, "the journal has everything");
    let mut requests: Vec<Value> = slack
        .journal()
        .iter()
        .filter(|request| request.method != "socket")
        .map(|request| json!({ "method": request.method, "arguments": *request.arguments }))
        .collect();
    requests
        .extend(answers.iter().map(|answer| json!({ "method": "answer", "arguments": answer })));
    let count = requests.len();
    let printed = python(&Value::Array(requests).to_string());
    assert_eq!(printed, format!("judged {count}\n"));
}

fn python(input: &str) -> String {
    let python =
        std::env::var("NOVA_TEST_PYTHON").expect("tests/run names a Python with slack_sdk");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios");
    let mut child = Command::new(python)
        .arg(format!("{folder}/slack/judge.py"))
        .arg(format!("{folder}/contracts/slack/web_openapi_v2.bot.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("Python starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("the judge reads");
    drop(stdin);
    let done = child.wait_with_output().expect("the judge ends");
    assert!(done.status.success(), "the judge failed");
    String::from_utf8(done.stdout).expect("the judge writes text")
}
