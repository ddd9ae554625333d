//! What the clusters say: nodes, pods, logs, rollouts, the federation, the front end, the capacity.

mod capacity;
mod federation;
mod frontend;
mod logs;
mod resources;

use nova_sandbox::cluster::{Cluster, Rule};

use crate::support::{Nova, stable};

/// The one cluster of the world.
fn cluster(nova: &Nova) -> &Cluster {
    nova.world.cluster("us-east").expect("it is there")
}

/// Takes the account of nova what it may, but for these resources.
fn forbid(cluster: &Cluster, forbidden: &[&str]) {
    let known = [
        "nodes",
        "pods",
        "pods/log",
        "pods/proxy",
        "events",
        "deployments",
        "statefulsets",
        "daemonsets",
        "horizontalpodautoscalers",
    ];
    let left: Vec<&str> =
        known.into_iter().filter(|resource| !forbidden.contains(resource)).collect();
    cluster.user("reader", vec![Rule::new(&["get", "list", "watch"], &["*"], &left, &["*"])]);
}

/// Replies one under the other, each under its line.
async fn say_all(nova: &mut Nova, lines: &[&str]) -> String {
    let mut replies = String::new();
    for line in lines {
        replies += &format!("> {line}\n{}\n", nova.say(line).await);
    }
    replies
}

/// [`stable`], with the times of lines and the ages of pods masked, too.
fn steady(body: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    for (pattern, replacement) in [
        (r"\b\d\d:\d\d:\d\d(\.\d{3})?\b", "TIME"),
        (r"since \d{4}-\d\d-\d\dT[0-9:.]+Z", "since TIME"),
        (r"\b\d+ s\b(  +)", "AGE "),
        (r"\b10\.\d+\.\d+\.\d+\b", "ADDRESS"),
        (r"\b\d+ s old", "AGE old"),
        (r"-[a-z0-9]{8,10}(-[a-z0-9]{5})\b", "-TEMPLATE-PODID"),
        // Which template and node a pod has, and how long its name is.
        (r"(-PODID) +[a-z0-9]{8,10} +(yes|no)", "$1 HASH $2"),
        (r"(AGE|to) us-east-node-\d\b *", "$1 NODE"),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings.bind(|| stable(body));
}
