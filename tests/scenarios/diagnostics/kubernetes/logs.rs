//! `logs`.

use std::time::Duration;

use nova_sandbox::cluster::DeploymentFault;
use nova_sandbox::{World, WorldOptions};

use super::{cluster, forbid, say_all, steady};
use crate::support::{Nova, patient};

/// The pods of a service, in order, and their names' ends as `POD1`, `POD2` in a text.
fn named(nova: &Nova, service: &str, text: &str) -> String {
    let pods = cluster(nova).pods_of("novacron", service);
    let ends =
        pods.iter().enumerate().map(|(n, pod)| (n + 1, pod.rsplit('-').next().unwrap_or(pod)));
    // Only where it names a line: the whole names are masked by `steady`.
    ends.fold(text.to_owned(), |text, (n, end)| {
        text.replace(&format!(" {end} "), &format!(" POD{n} "))
    })
}

#[tokio::test]
async fn the_lines_of_all_pods_in_the_order_of_time() {
    let mut nova = Nova::start().await;
    let pods = cluster(&nova).pods_of("novacron", "vm-service");
    for n in 0..6 {
        let pod = &pods[n % pods.len()];
        let level = if n == 3 { "ERROR" } else { "info" };
        let line =
            format!("{level} request {n} from \u{1b}[31mtenant\u{1b}[0m password=hunter2{n}");
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
    steady(|| {
        insta::assert_snapshot!(replies, @r#"
        > logs vm-service
        ✓ log of vm-service: 1 ok

        ─ 1 ok
          ✓ vm-service  3 pods · 6 lines  logs of deployment novacron/vm-service in us-east · AGE

        ─ Last 6 lines, logs of deployment novacron/vm-service in us-east · AGE
          TIME POD1 info request 0 from tenant password=[secret]
          TIME POD2 info request 1 from tenant password=[secret]
          TIME POD3 info request 2 from tenant password=[secret]
          TIME POD1 ERROR request 3 from tenant password=[secret]
          TIME POD2 info request 4 from tenant password=[secret]
          TIME POD3 info request 5 from tenant password=[secret]

        [1] Errors only   [2] Rollout
          N ms
        exit 0

        > logs vm-service --tail 2
        ✓ log of vm-service: 1 ok

        ─ 1 ok
          ✓ vm-service  3 pods · 2 lines  logs of deployment novacron/vm-service in us-east · AGE

        ─ Last 2 lines, logs of deployment novacron/vm-service in us-east · AGE
          TIME POD2 info request 4 from tenant password=[secret]
          TIME POD3 info request 5 from tenant password=[secret]

        [1] Errors only   [2] Rollout
          N ms
        exit 0

        > logs vm-service --since 15m --grep (?i)^error
        ✓ log of vm-service: 1 ok

        ─ 1 ok
          ✓ vm-service  3 pods · 1 of 6 lines match, 511 B read  logs of deployment novacron/vm-service in us-east, since TIME, lines that match (?i)^error · AGE

        ─ Last 1 line, logs of deployment novacron/vm-service in us-east, since TIME, lines that match (?i)^error · AGE
          TIME POD1 ERROR request 3 from tenant password=[secret]

        [1] Rollout
          N ms
        exit 0

        > logs vm-service --since 2h --grep "request [45]"
        ✓ log of vm-service: 1 ok

        ─ 1 ok
          ✓ vm-service  3 pods · 2 of 6 lines match, 511 B read  logs of deployment novacron/vm-service in us-east, since TIME, lines that match request [45] · AGE

        ─ Last 2 lines, logs of deployment novacron/vm-service in us-east, since TIME, lines that match request [45] · AGE
          TIME POD2 info request 4 from tenant password=[secret]
          TIME POD3 info request 5 from tenant password=[secret]

        [1] Rollout
          N ms
        exit 0

        > logs vm-service --grep nothing-like-it
        ? log of vm-service: 1 without data
          ? vm-service  3 pods · 0 of 6 lines match, 511 B read  logs of deployment novacron/vm-service in us-east, lines that match nothing-like-it · AGE
            → no line matches: look further back with a larger `--since`

        [1] Rollout
          N ms
        exit 0

        > logs backup-service
        ? log of backup-service: 1 without data
          ? backup-service  2 pods · 0 lines  logs of deployment novacron/backup-service in us-east · AGE
            → nothing was written in this time

        [1] Errors only   [2] Rollout
          N ms
        exit 0
        "#);
    });
}

#[tokio::test]
async fn the_lines_before_a_restart() {
    // One crash and no second one while the test looks.
    let options = WorldOptions {
        clusters: vec!["us-east".to_owned()],
        step: Duration::from_secs(3_600),
        databases: false,
    };
    let world = World::start(options).await.expect("the sandbox starts");
    let mut nova = Nova::on(world, patient).await;
    let none = say_all(&mut nova, &["logs ml-service --previous"]).await;
    steady(|| {
        insta::assert_snapshot!(none, @r"
> logs ml-service --previous
? log of ml-service: 2 without data
  ? ml-service-TEMPLATE-PODID  has not restarted  logs of deployment novacron/ml-service in us-east, previous · AGE
  ? ml-service-TEMPLATE-PODID  has not restarted  logs of deployment novacron/ml-service in us-east, previous · AGE

[1] Errors only   [2] Rollout
  N ms
exit 0
");
    });
    let pods = cluster(&nova).pods_of("novacron", "ml-service");
    for pod in &pods {
        cluster(&nova).log("novacron", pod, "panic: model file is missing");
    }
    cluster(&nova).break_deployment("novacron", "ml-service", DeploymentFault::CrashLoop);
    let found = nova.say("logs ml-service --previous --grep panic").await;
    assert_eq!(found.matches("panic: model file is missing").count(), pods.len(), "{found}");
    let offered = nova.say("logs ml-service").await;
    assert!(offered.contains("Before the restart"), "{offered}");
}

#[tokio::test]
async fn pods_that_cannot_be_read_are_said_and_the_others_shown() {
    let mut nova = Nova::start().await;
    forbid(cluster(&nova), &["pods/log"]);
    let mut replies = say_all(&mut nova, &["logs orchestration-service"]).await;
    forbid(cluster(&nova), &[]);
    nova.sandbox("break orchestration-service absent").await;
    replies += &say_all(&mut nova, &["logs orchestration-service"]).await;
    steady(|| {
        insta::assert_snapshot!(replies, @r#"
        > logs orchestration-service
        ? log of orchestration-service: 1 without data
          ? orchestration-service  not permitted: pods "orchestration-service-TEMPLATE-PODID" is forbidden: User "reader" cannot get resource "pods/log" in API group "" in the namespace "novacron"
            └ logs of deployment novacron/orchestration-service in us-east · AGE
            → grant nova's account `get` on `pods/log`

        [1] Errors only   [2] Rollout
          N ms
        exit 0

        > logs orchestration-service
        ○ orchestration-service: 1 absent
          ○ orchestration-service  no deployment novacron/orchestration-service in us-east
            └ deployment novacron/orchestration-service in us-east · AGE
            → removed, or named differently here: see the service's `workload`

          N ms
        exit 1
        "#);
    });
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
    steady(|| {
        insta::assert_snapshot!(replies, @r"
    logs
      ✗ `logs` needs `<SERVICE>`; see `help logs`
      exit 2
    logs vm-servic
      ✗ no service `vm-servic`; did you mean `vm-service`?
      exit 2
    logs vm-service --tail 0
      ✗ `0` does not fit `--tail <1-100000>`: 0 is not in 1..=100000
      exit 2
    logs vm-service --tail 100001
      ✗ `100001` does not fit `--tail <1-100000>`: 100001 is not in 1..=100000
      exit 2
    logs vm-service --since yesterday
      ✗ `--since yesterday`: give a duration such as 15m, 2h or 3d, or a time such as TIME
      exit 2
    logs vm-service --since TIME
      ✗ `--since` lies in the future
      exit 2
    logs vm-service --grep (
      ✗ `--grep`: unclosed group
      exit 2
    logs vm-service --grep (\w{100}){100}
      ✗ `--grep`: the pattern is too large
      exit 2
    logs vm-service --cluster eu
      ✗ no cluster `eu`; there are us-east
      exit 2
    logs monitoring
      ✗ no service `monitoring`; there are api-gateway, vm-service, orchestration-service, ml-service, federation-service, backup-service
      exit 2
    ");
    });
}
