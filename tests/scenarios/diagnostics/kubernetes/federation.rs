//! `federation status`, `raft`, `peers` in the guide's three regions.

use std::time::Duration;

use nova_sandbox::cluster::{Fault, Workload};
use nova_sandbox::raft::Raft;
use nova_sandbox::{World, WorldOptions};

use super::{forbid, say_all, steady};
use crate::support::{Nova, patient};

const REGIONS: [&str; 3] = ["us-east", "us-west", "eu-central"];

async fn regions() -> World {
    let options = WorldOptions {
        clusters: REGIONS.map(str::to_owned).into(),
        step: Duration::from_millis(10),
        databases: false,
    };
    World::start(options).await.expect("the sandbox starts")
}

/// One member in each region, whose account is asked through the API servers.
async fn with_raft(nova: &Nova) -> Raft {
    let raft = Raft::start(&REGIONS).await.expect("a port is free");
    for region in REGIONS {
        let cluster = nova.world.cluster(region).expect("it is there");
        forbid(cluster, &[]);
        let name = "federation-service";
        let one = Workload { name: name.into(), port: 8084, replicas: 1, ..Workload::default() };
        cluster.deploy(&one);
        cluster.settled("novacron", name).await.expect("it settles");
        for pod in cluster.pods_of("novacron", name) {
            cluster.backend(&pod, 8084, Some(raft.url(region)));
        }
    }
    raft
}

#[tokio::test]
async fn every_region_is_shown_and_the_one_that_is_gone() {
    let mut nova = Nova::on(regions().await, patient).await;
    let mut replies = say_all(&mut nova, &["federation status"]).await;
    nova.world.cluster("us-west").expect("it is there").fault(Fault::Refuse(true));
    let central = nova.world.cluster("eu-central").expect("it is there");
    central.remove("deployments", "novacron", "federation-service");
    replies += &say_all(&mut nova, &["federation status"]).await;
    // The rows of the table come in the order of random names.
    let kept: Vec<&str> = replies.lines().filter(|line| !line.contains("-service-")).collect();
    steady(|| insta::assert_snapshot!(kept.join("\n"), @""));
}

#[tokio::test]
async fn members_that_agree_and_members_that_do_not() {
    let mut nova = Nova::on(regions().await, patient).await;
    let raft = with_raft(&nova).await;
    let mut replies = say_all(&mut nova, &["federation raft", "federation peers"]).await;
    raft.change("eu-central", |member| {
        member.state = "leader".to_owned();
        member.leader = "eu-central".to_owned();
        member.term = 8;
        member.commit = 3_000;
        member.peers.retain(|peer| peer != "us-west");
    });
    replies += &say_all(&mut nova, &["federation raft", "federation peers"]).await;
    raft.change("eu-central", |member| member.state = "follower".to_owned());
    raft.change("us-east", |member| member.term = 8);
    replies += &say_all(&mut nova, &["federation raft"]).await;
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn members_that_cannot_be_asked_or_have_no_such_endpoint() {
    let mut nova = Nova::on(regions().await, patient).await;
    // As it is: an account that may not use the proxy.
    let mut replies = say_all(&mut nova, &["federation raft"]).await;
    for region in REGIONS {
        forbid(nova.world.cluster(region).expect("it is there"), &[]);
    }
    replies += &say_all(&mut nova, &["federation raft", "federation peers"]).await;
    let raft = with_raft(&nova).await;
    let west = nova.world.cluster("us-west").expect("it is there");
    let pod = west.pods_of("novacron", "federation-service").remove(0);
    west.backend(&pod, 8084, None);
    west.backend("federation-service", 8084, None);
    replies += &say_all(&mut nova, &["federation raft"]).await;
    drop(raft);
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn members_with_addresses_of_their_own_are_asked_there() {
    let raft = Raft::start(&REGIONS).await.expect("a port is free");
    let urls: Vec<String> =
        REGIONS.iter().map(|region| format!("{region} = \"{}\"\n", raft.url(region))).collect();
    let edit = |text: String| patient(text + "[federation.urls]\n" + &urls.concat());
    let mut nova = Nova::on(regions().await, edit).await;
    let replies = say_all(&mut nova, &["federation raft", "federation peers"]).await;
    steady(|| insta::assert_snapshot!(replies, @""));
}
