//! `logs`.

use nova_sandbox::cluster::DeploymentFault;

use super::{cluster, forbid, say_all, steady};
use crate::support::Nova;

/// The pods of a service, in order, and their names' ends as `POD1`, `POD2` in a text.
fn named(nova: &Nova, service: &str, text: &str) -> String {
    let pods = cluster(nova).pods_of("novacron", service);
    let ends = pods.iter().enumerate().map(|(n, pod)| (n + 1, pod.rsplit('-').next().unwrap_or(pod)));
    // Only where it names a line: the whole names are masked by `steady`.
    ends.fold(text.to_owned(), |text, (n, end)| text.replace(&format!(" {end} "), &format!(" POD{n} ")))
}

#[tokio::test]
async fn the_lines_of_all_pods_in_the_order_of_time() {
    let mut nova = Nova::start().await;
    let pods = cluster(&nova).pods_of("novacron", "vm-service");
    for n in 0..6 {
        let pod = &pods[n % pods.len()];
        let level = if n == 3 { "ERROR" } else { "info" };
        let line = format!("{level} request {n} from \u{1b}[31mtenant\u{1b}[0m password=hunter2{n}");
        cluster(&nova).log("novacron", pod, &line);
    }
    let lines = [
        "logs vm-service",
        "logs vm-service --tail 2",
        "logs vm-service --since 15m --grep (?i)^error",
        "logs vm-service --since 2h --grep \"request [45]\"",
        "logs vm-service --grep nothing-like-it",
        "logs backup-service",
    ];
    let replies = say_all(&mut nova, &lines).await;
    assert!(!replies.contains("hunter2"), "a secret is shown: {replies}");
    let replies = named(&nova, "vm-service", &replies);
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn the_lines_before_a_restart() {
    let mut nova = Nova::start().await;
    let none = say_all(&mut nova, &["logs ml-service --previous"]).await;
    for pod in cluster(&nova).pods_of("novacron", "ml-service") {
        cluster(&nova).log("novacron", &pod, "panic: model file is missing");
    }
    cluster(&nova).break_deployment("novacron", "ml-service", DeploymentFault::CrashLoop);
    let found = async {
        for _ in 0..500 {
            let reply = nova.say("logs ml-service --previous --grep panic").await;
            if reply.matches("model file is missing").count() == 2 {
                return reply;
            }
            tokio::task::yield_now().await;
        }
        panic!("the last words of both pods were awaited");
    };
    let found = found.await;
    let replies = named(&nova, "ml-service", &format!("{none}{found}"));
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn pods_that_cannot_be_read_are_said_and_the_others_shown() {
    let mut nova = Nova::start().await;
    forbid(cluster(&nova), &["pods/log"]);
    let mut replies = say_all(&mut nova, &["logs orchestration-service"]).await;
    forbid(cluster(&nova), &[]);
    nova.sandbox("break orchestration-service absent").await;
    replies += &say_all(&mut nova, &["logs orchestration-service"]).await;
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn a_long_log_is_bounded_and_a_long_line_cut() {
    let mut nova = Nova::start().await;
    let pod = cluster(&nova).pods_of("novacron", "api-gateway").remove(0);
    for n in 0..4_000 {
        cluster(&nova).log("novacron", &pod, &format!("line {n:04}"));
    }
    let reply = nova.say("logs api-gateway --tail 1500").await;
    assert_eq!(reply.matches(" line ").count(), 1_500, "{reply}");
    assert!(reply.contains("line 3999") && !reply.contains("line 2499"), "the newest are kept");
    cluster(&nova).log("novacron", &pod, &"x".repeat(3 << 20));
    let reply = nova.say("logs api-gateway --tail 1").await;
    assert!(reply.len() < 10_000, "{} bytes are shown of an endless line", reply.len());
}

#[tokio::test]
async fn mistakes_get_one_line_that_says_what_to_do() {
    let mut nova = Nova::start().await;
    let mut replies = String::new();
    for line in [
        "logs",
        "logs vm-servic",
        "logs vm-service --tail 0",
        "logs vm-service --tail 100001",
        "logs vm-service --since yesterday",
        "logs vm-service --since 2099-01-01T00:00:00Z",
        "logs vm-service --grep (",
        "logs vm-service --grep (\\w{100}){100}",
        "logs vm-service --cluster eu",
        "logs monitoring",
    ] {
        let reply = nova.say(line).await;
        let first = reply.lines().next().unwrap_or_default();
        let exit = reply.lines().last().unwrap_or_default();
        replies += &format!("{line}\n  {first}\n  {exit}\n");
    }
    let time = replies.find("such as 2").map(|at| replies[at + 8..at + 28].to_owned());
    let replies = replies.replace(&time.unwrap_or_default(), "TIME");
    steady(|| insta::assert_snapshot!(replies, @""));
}
