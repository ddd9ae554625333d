//! `net …`: real ports and a real name server; what pods reach is the sandbox's cluster.

use std::net::IpAddr;
use std::time::Duration;

use nova_sandbox::cluster::Workload;
use nova_sandbox::dns::{NameServer, Zone};
use nova_sandbox::{World, WorldOptions};
use tokio::net::TcpSocket;

use super::{findings, masked, the, trust};
use crate::support::{Nova, patient, world};

/// A service that answers at once is never slow here, however busy the machine is.
fn unhurried(text: String) -> String {
    patient(text) + "[net]\nslow = \"30s\"\npeer = \"federation.{cluster}.invalid\"\n"
}

#[tokio::test]
async fn services_are_reached_from_here_or_not() {
    let mut nova = Nova::on(world(false).await, unhurried).await;
    let well = nova.say("net services").await;
    nova.sandbox("break vm-service refused").await;
    nova.sandbox("break ml-service unhealthy").await;
    nova.sandbox("break backup-service drop-mid-body").await;
    let broken = nova.say("net services").await;
    masked(|| insta::assert_snapshot!(format!("{}\n{}", findings(&well), findings(&broken))));
    assert!(well.contains("Slowest first") && well.contains("exit 0"), "{well}");
    assert!(broken.contains("Packet loss") && broken.contains("exit 1"), "{broken}");
}

#[tokio::test]
async fn a_service_looks_at_the_others_with_the_tool_that_it_has() {
    let mut nova = Nova::on(world(false).await, unhurried).await;
    let line = "net services --from api-gateway";
    let forbidden = findings(&nova.say(line).await);
    trust(&nova, "us-east");
    nova.sandbox("break vm-service refused").await;
    let curl = findings(&nova.say(line).await);
    let mut replies = format!("forbidden: {forbidden}\ncurl: {curl}\n");
    for (has, lacks) in [("wget", "curl"), ("nc", "curl wget"), ("nothing", "curl wget nc")] {
        let lacks = ("sandbox.nova/lacks".to_owned(), lacks.to_owned());
        let gateway = Workload {
            name: "api-gateway".to_owned(),
            annotations: [lacks].into(),
            ..Workload::default()
        };
        the(&nova, "us-east").deploy(&gateway);
        the(&nova, "us-east").settled("novacron", "api-gateway").await.expect("it rolls out");
        replies += &format!("{has}: {}\n", findings(&nova.say(line).await));
    }
    replies += &nova.say("net services --from api-gatewy").await;
    masked(|| insta::assert_snapshot!(replies));
}

#[tokio::test]
async fn clusters_reach_each_other_or_not_and_each_way_is_a_fact_of_its_own() {
    let clusters = ["us-east", "us-west", "eu-central"].map(str::to_owned).to_vec();
    let options = WorldOptions { clusters, step: Duration::from_millis(10), databases: false };
    let world = World::start(options).await.expect("the sandbox starts");
    let mut nova = Nova::on(world, unhurried).await;
    let url = nova.world.services().url("federation-service");
    for from in ["us-east", "us-west"] {
        trust(&nova, from);
        for to in ["us-east", "us-west"] {
            let host = format!("federation.{to}.invalid");
            the(&nova, from).host(&host, 8084, Some(url.clone()));
        }
    }
    // The port is closed from one side, the name is unknown on the other; eu-central forbids exec.
    the(&nova, "us-west").host("federation.eu-central.invalid", 8084, None);
    let reply = findings(&nova.say("net clusters").await);
    let mut alone = Nova::on(crate::support::world(false).await, unhurried).await;
    let one = findings(&alone.say("net clusters").await);
    masked(|| insta::assert_snapshot!(format!("{reply}\n{one}")));
}

#[tokio::test]
async fn names_resolve_or_the_reason_is_told() {
    let (one, other) = (NameServer::start().await, NameServer::start().await);
    let (mut one, mut other) = (one.expect("a port"), other.expect("a port"));
    // They are shown in the order of their addresses.
    if one.address().to_string() > other.address().to_string() {
        std::mem::swap(&mut one, &mut other);
    }
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    let local = Zone::Addresses(vec![address("127.0.0.1"), address("::1")], 60);
    for server in [&one, &other] {
        server.set("localhost", local.clone());
        server.set("broken.test", Zone::Broken);
        server.set("empty.test", Zone::Addresses(Vec::new(), 60));
        server.set("www.novacron.test", Zone::Alias("lb.novacron.test".to_owned(), 300));
    }
    let lb = |text: &str| Zone::Addresses(vec![address(text)], 30);
    one.set("lb.novacron.test", lb("203.0.113.7"));
    other.set("lb.novacron.test", lb("203.0.113.8"));
    other.set("silent.test", Zone::Silent);
    let servers = format!("nameservers = [\"{}\", \"{}\"]\n", one.address(), other.address());
    let edit =
        |text: String| text + "[limits]\ndeadline = \"3s\"\n[net]\nslow = \"30s\"\n" + &servers;
    let mut nova = Nova::on(world(false).await, edit).await;
    let mut replies = String::new();
    for line in [
        "net dns localhost",
        "net dns www.novacron.test",
        "net dns www.novacron.test --expect 203.0.113.7",
        "net dns nowhere.test",
        "net dns broken.test",
        "net dns empty.test",
        "net dns silent.test",
        "net dns $(reboot)",
        "net dns novacron.com --expect us-west",
    ] {
        let reply = nova.say(line).await;
        replies += &format!("> {line}\n{}\n", findings(&reply));
    }
    // The two servers differ in their ports only, which say nothing.
    let replies = replies.replace(&one.address().to_string(), "ONE");
    let replies = replies.replace(&other.address().to_string(), "OTHER");
    masked(|| insta::assert_snapshot!(replies));
}

#[tokio::test]
async fn lost_packets_are_counted_and_a_closed_port_is_none() {
    // Nobody accepts, and there is room for six connections: the kernel drops what comes after.
    let full = TcpSocket::new_v4().expect("a socket");
    full.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let full = full.listen(5).expect("it listens");
    let url = format!("http://{}", full.local_addr().expect("it is bound"));
    let edit = |text: String| {
        text + "[limits]\ndeadline = \"900ms\"\n[net]\nslow = \"30s\"\n"
            + &format!("[[services]]\nname = \"lossy\"\nurl = \"{url}\"\n")
            + "[[services]]\nname = \"nowhere\"\nworkload = \"deployment/nowhere\"\n"
    };
    let mut nova = Nova::on(world(false).await, edit).await;
    nova.sandbox("break vm-service refused").await;
    let mut replies = String::new();
    for service in ["api-gateway", "lossy", "vm-service", "nowhere", "nobody"] {
        let reply = nova.say(&format!("net loss {service}")).await;
        replies += &format!("{service}: {}\n", findings(&reply));
    }
    drop(full);
    masked(|| insta::assert_snapshot!(replies));
}
