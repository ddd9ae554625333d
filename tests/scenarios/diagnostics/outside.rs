//! What lies around the platform: the network, the cloud providers, security, recovery, contacts.

mod network;
mod providers;
mod recovery;
mod security;

use nova_sandbox::cluster::{Cluster, Rule};

use crate::support::{Nova, stable};

/// Times and what else differs from run to run, and with it the width of columns.
fn masked(body: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    for (pattern, replacement) in [
        (r"· (now|\d+ (s|min) ago)\b", "· AGE"),
        (r"\b\d+(\.\d+)? (µs|ms|s|min|h|d)\b", "TIME"),
        (r"\b\d+(\.\d+)? req/s", "N req/s"),
        (r"127\.0\.0\.1[: ](-p )?\d+", "127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?", "DATE"),
        (r"[▁▂▃▄▅▆▇█ ]{4,} now .*", "SPARKLINE"),
        (r"─{3,}", "───"),
        (r" {2,}", "  "),
        (r"\s+\n", "\n"),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings.bind(|| stable(body));
}

/// The findings of a reply, without tables and what follows them.
fn findings(reply: &str) -> String {
    let kept = reply.lines().take_while(|line| !line.contains('─'));
    kept.collect::<Vec<_>>().join("\n")
}

/// From now on nova's account may do anything in this cluster.
fn trust(nova: &Nova, cluster: &str) {
    let everything = Rule::new(&["*"], &["*"], &["*"], &["*"]);
    the(nova, cluster).user("reader", vec![everything]);
}

fn the<'a>(nova: &'a Nova, cluster: &str) -> &'a Cluster {
    nova.world.cluster(cluster).expect("the world has it")
}

#[tokio::test]
async fn contacts_are_the_guides_until_somebody_writes_others() {
    let mut nova = Nova::start().await;
    let guide = nova.say("contacts").await;
    let other = "[contacts]\nvendors = []\nlinks = [{ name = \"Status\", reach = \"https://s.example\" }]\n\
                 severities = [{ severity = \"critical\", response = \"5m\", primary = \"Ana\", secondary = \"Bo\" }]\n";
    let mut nova =
        Nova::on(crate::support::world(false).await, |text| crate::support::patient(text) + other)
            .await;
    let own = nova.say("contacts").await;
    stable(|| insta::assert_snapshot!(format!("{guide}\n{own}")));
}
