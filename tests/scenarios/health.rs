//! Conversations with `health`: the whole reply of each.

use nova_commands::grammar::MAX_LINE;
use nova_sandbox::cluster::{DeploymentFault, Fault};

use crate::support::{Nova, patient, stable, world};

#[tokio::test]
async fn all_is_well_on_the_real_databases() {
    let mut nova = Nova::on(world(true).await, patient).await;
    let reply = nova.say("health").await;
    stable(|| insta::assert_snapshot!(reply));
}

#[tokio::test]
async fn every_fault_of_an_endpoint_is_told_from_the_others() {
    // `slow` takes 700 ms, which is more than half of this; `hanging` never answers.
    let edit = |text: String| text + "[limits]\ndeadline = \"1399ms\"\n";
    let mut nova = Nova::on(world(false).await, edit).await;
    let mut replies = String::new();
    for fault in [
        "unhealthy",
        "slow",
        "degraded",
        "storage-warning",
        "refused",
        "hanging",
        "not-found",
        "huge",
        "not-json",
        "garbage",
        "drop-mid-body",
    ] {
        nova.sandbox(&format!("break backup-service {fault}")).await;
        let reply = nova.say("health backup-service").await;
        // The workload's line stands in other snapshots.
        let about = |line: &&str| line.contains("backup-service  ") && !line.contains("ready");
        let shown: Vec<&str> = reply.lines().filter(about).map(str::trim).collect();
        replies += &format!("{fault}: {}\n", shown.join("\n"));
        nova.sandbox("heal backup-service").await;
    }
    stable(|| insta::assert_snapshot!(replies));
}

#[tokio::test]
async fn a_broken_service_an_absent_one_and_a_crash_loop() {
    let mut nova = Nova::start().await;
    nova.sandbox("break vm-service").await;
    nova.sandbox("break ml-service absent").await;
    let cluster = nova.world.cluster("us-east").expect("it is there");
    cluster.break_deployment("novacron", "backup-service", DeploymentFault::CrashLoop);
    let reply = until(&mut nova, "health", "CrashLoopBackOff").await;
    let reply = reply.replace("just now", "0 min ago");
    let restarts = regex_free(&reply, " restarts");
    stable(|| insta::assert_snapshot!(restarts));
    nova.sandbox("heal").await;
    let cluster = nova.world.cluster("us-east").expect("it is there");
    cluster.heal("novacron", "backup-service");
    cluster.settled("novacron", "backup-service").await.expect("it rolls out");
    let healed = nova.say("health vm-service").await;
    assert!(healed.contains("exit 0"), "{healed}");
}

/// Replaces the number before every `word`, which grows while the test looks.
fn regex_free(text: &str, word: &str) -> String {
    let mut parts = text.split(word).map(str::to_owned).collect::<Vec<_>>();
    let last = parts.len() - 1;
    for part in &mut parts[..last] {
        let kept = part.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        part.replace_range(kept.., "N");
    }
    parts.join(word)
}

/// Asks again until the reply shows what was broken: the cluster's controllers take their steps.
async fn until(nova: &mut Nova, line: &str, awaited: &str) -> String {
    for _ in 0..500 {
        let reply = nova.say(line).await;
        if reply.contains(awaited) {
            return reply;
        }
        tokio::task::yield_now().await;
    }
    panic!("{awaited} was awaited in the reply to {line}");
}

#[tokio::test]
async fn a_cluster_in_trouble_leaves_the_rest_of_the_answer() {
    let mut nova = Nova::start().await;
    let mut replies = String::new();
    for (name, fault) in [
        ("credentials expired", Fault::Refuse(true)),
        ("server error", Fault::Error500(100)),
        ("not JSON", Fault::Malformed(100)),
        ("no metrics", Fault::MetricsApi(false)),
        ("a node is gone", Fault::NodeReady { node: "us-east-node-2".to_owned(), ready: false }),
        (
            "and memory pressure",
            Fault::NodeMemoryPressure { node: "us-east-node-1".to_owned(), pressure: true },
        ),
    ] {
        let cluster = nova.world.cluster("us-east").expect("it is there");
        cluster.fault(fault);
        let reply = nova.say("health").await;
        let about = ["cluster us-east", "nodes us-east", "metrics us-east", "NovaCron", "exit"];
        let lines: Vec<&str> = reply.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            if about.iter().any(|word| line.contains(word)) && !line.contains('└') {
                replies += &format!("{name}: {}\n", line.trim());
                for more in lines[at + 1..].iter().take_while(|more| more.starts_with("    ")) {
                    replies += &format!("{name}:   {}\n", more.trim());
                }
            }
        }
        let cluster = nova.world.cluster("us-east").expect("it is there");
        cluster.fault(Fault::Clear);
    }
    stable(|| insta::assert_snapshot!(replies));
}

#[tokio::test]
async fn databases_that_are_down_leave_the_rest_of_the_answer() {
    let world = world(true).await;
    let mut nova = Nova::on(world, patient).await;
    for name in ["postgres", "redis", "prometheus"] {
        nova.sandbox(&format!("break {name}")).await;
    }
    let down = nova.say("health").await;
    let shown: Vec<&str> = down.lines().take_while(|line| !line.starts_with('─')).collect();
    stable(|| insta::assert_snapshot!(shown.join("\n")));
}

#[tokio::test]
async fn wrong_passwords_are_said_and_never_shown() {
    let world = world(true).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wrong = folder.path().join("wrong");
    std::fs::write(&wrong, "wrong-hunter2-password").expect("written");
    let missing = folder.path().join("missing");
    let edit = |text: String| {
        let text = patient(text);
        let mut lines = Vec::new();
        let mut section = String::new();
        for line in text.lines() {
            if line.starts_with('[') {
                section = line.to_owned();
            }
            let path = if section == "[redis]" { &missing } else { &wrong };
            lines.push(match line.starts_with("password") {
                true => format!("password = {{ file = {:?} }}", path.display().to_string()),
                false => line.to_owned(),
            });
        }
        lines.join("\n")
    };
    let mut nova = Nova::on(world, edit).await;
    let reply = nova.say("health").await;
    assert!(!reply.contains("hunter2"), "{reply}");
    let reply = reply.replace(&folder.path().display().to_string(), "FOLDER");
    let shown: Vec<&str> = reply.lines().take_while(|line| !line.starts_with('─')).collect();
    stable(|| insta::assert_snapshot!(shown.join("\n")));
}

#[tokio::test]
async fn mistakes_get_one_line_that_says_what_to_do() {
    let mut nova = Nova::start().await;
    let long = format!("health {}", "x".repeat(100_000));
    assert!(long.len() > MAX_LINE);
    let mut replies = String::new();
    for line in [
        "helth",
        "health vm-servic",
        "health --clutser us-east",
        "health --cluster us-est",
        "health a b",
        "health \"vm",
        "health\u{0}",
        "oncall",
        "db",
        &long,
        "health \u{202e}ecivres-mv",
        "health `<!channel>`",
    ] {
        let reply = nova.say(line).await;
        let asked: String = line.chars().filter(|c| !c.is_control()).take(30).collect();
        let first = reply.lines().next().unwrap_or_default();
        let exit = reply.lines().last().unwrap_or_default();
        replies += &format!("{asked}\n  {first}\n  {exit}\n");
    }
    stable(|| insta::assert_snapshot!(replies));
}

#[tokio::test]
async fn help_at_every_level() {
    let mut nova = Nova::start().await;
    let mut replies = String::new();
    for line in ["help", "help health", "help security", "help recovery restore-database", "whoami"]
    {
        replies += &format!("> {line}\n{}\n", nova.say(line).await);
    }
    stable(|| insta::assert_snapshot!(replies));
}
