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
    steady(|| {
        insta::assert_snapshot!(kept.join("\n"), @r"
        > federation status
        ✓ federation: 6 ok

        ─ 6 ok
          ✓ federation eu-central  2/2 pods ready  deployment novacron/federation-service in eu-central · AGE
          ✓ federation us-east     2/2 pods ready  deployment novacron/federation-service in us-east · AGE
          ✓ federation us-west     2/2 pods ready  deployment novacron/federation-service in us-west · AGE
          ✓ nodes eu-central       3/3 ready  list nodes of eu-central · AGE
          ✓ nodes us-east          3/3 ready  list nodes of us-east · AGE
          ✓ nodes us-west          3/3 ready  list nodes of us-west · AGE

        ─ Federation pods, list pods in novacron of each cluster · AGE
          cluster     pod                                  ready  state    restarts  age  node

        [1] Who leads   [2] Peers   [3] Between clusters
          N ms
        exit 0

        > federation status
        ✗ federation: 1 failing, 1 absent, 3 ok
          ✗ cluster us-west        credentials refused: Unauthorized
            └ list nodes and pods of us-west · AGE
            → renew the credentials in the kubeconfig
          ○ federation eu-central  no deployment novacron/federation-service in eu-central
            └ deployment novacron/federation-service in eu-central · AGE
            → a cluster outside the federation: see [federation] `clusters`

        ─ 3 ok
          ✓ federation us-east  2/2 pods ready  deployment novacron/federation-service in us-east · AGE
          ✓ nodes eu-central    3/3 ready  list nodes of eu-central · AGE
          ✓ nodes us-east       3/3 ready  list nodes of us-east · AGE

        ─ Federation pods, list pods in novacron of each cluster · AGE
          cluster  pod                                  ready  state    restarts  age  node

        [1] Who leads   [2] Peers   [3] Between clusters
          N ms
        exit 1
        ");
    });
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
    steady(|| {
        insta::assert_snapshot!(replies, @r"
        > federation raft
        ✓ raft: 1 ok

        ─ 1 ok
          ✓ leader  federation-service-TEMPLATE-PODID in us-east (term 7); 3 of 3 members answered  GET /api/v1/raft/status of each member · AGE

        ─ Each member's own account, GET /api/v1/raft/status of each member · AGE
          member                                             cluster     role      term  leader   commit  applied  behind
          federation-service-TEMPLATE-PODID in us-east     us-east     leader       7  us-east    4200     4200       0
          federation-service-TEMPLATE-PODID in eu-central  eu-central  follower     7  us-east    4200     4200       0
          federation-service-TEMPLATE-PODID in us-west     us-west     follower     7  us-east    4200     4200       0

        [1] Peers   [2] Pods   [3] Ask again
          N ms
        exit 0

        > federation peers
        ✓ raft peers: 1 ok

        ─ 1 ok
          ✓ members  3 members: eu-central, us-east, us-west  GET /api/v1/raft/peers of each member · AGE

        ─ Whom each member knows, GET /api/v1/raft/peers of each member · AGE
          member                                             knows       at
          federation-service-TEMPLATE-PODID in us-east     eu-central  eu-central.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-east     us-east     us-east.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-east     us-west     us-west.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-west     eu-central  eu-central.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-west     us-east     us-east.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-west     us-west     us-west.novacron.internal:8084
          federation-service-TEMPLATE-PODID in eu-central  eu-central  eu-central.novacron.internal:8084
          federation-service-TEMPLATE-PODID in eu-central  us-east     us-east.novacron.internal:8084
          federation-service-TEMPLATE-PODID in eu-central  us-west     us-west.novacron.internal:8084

        [1] Who leads   [2] Pods
          N ms
        exit 0

        > federation raft
        ✗ raft: 1 failing, 3 warnings
          ✗ leader                                             SPLIT BRAIN: 2 members lead at once: federation-service-TEMPLATE-PODID in us-east (term 7), federation-service-TEMPLATE-PODID in eu-central
                                                               (term 8) (expected one leader that all agree on)
            └ GET /api/v1/raft/status of each member · AGE
            → change nothing on either side; check the network between them: `net clusters`
          ! federation-service-TEMPLATE-PODID in us-east     is in term 7, others in 8
            └ GET /api/v1/raft/status of each member · AGE
            → cut off from the others, or just back
          ! federation-service-TEMPLATE-PODID in us-west     is in term 7, others in 8
            └ GET /api/v1/raft/status of each member · AGE
            → cut off from the others, or just back
          ! federation-service-TEMPLATE-PODID in eu-central  1200 log entries behind (expected at most 100)
            └ GET /api/v1/raft/status of each member · AGE

        ─ Each member's own account, GET /api/v1/raft/status of each member · AGE
          member                                             cluster     role      term  leader      commit  applied  behind
          federation-service-TEMPLATE-PODID in eu-central  eu-central  leader       8  eu-central    3000     3000    1200
          federation-service-TEMPLATE-PODID in us-east     us-east     leader       7  us-east       4200     4200       0
          federation-service-TEMPLATE-PODID in us-west     us-west     follower     7  us-east       4200     4200       0

        [1] Peers   [2] Pods   [3] Ask again
          N ms
        exit 1

        > federation peers
        ! raft peers: 2 warnings
          ! federation-service-TEMPLATE-PODID in eu-central  does not know us-west
            └ GET /api/v1/raft/peers of each member · AGE
            → members that count differently can elect two leaders
          ! members                                            3 members: eu-central, us-east, us-west
            └ GET /api/v1/raft/peers of each member · AGE

        ─ Whom each member knows, GET /api/v1/raft/peers of each member · AGE
          member                                             knows       at
          federation-service-TEMPLATE-PODID in us-east     eu-central  eu-central.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-east     us-east     us-east.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-east     us-west     us-west.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-west     eu-central  eu-central.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-west     us-east     us-east.novacron.internal:8084
          federation-service-TEMPLATE-PODID in us-west     us-west     us-west.novacron.internal:8084
          federation-service-TEMPLATE-PODID in eu-central  eu-central  eu-central.novacron.internal:8084
          federation-service-TEMPLATE-PODID in eu-central  us-east     us-east.novacron.internal:8084

        [1] Who leads   [2] Pods
          N ms
        exit 1

        > federation raft
        ✗ raft: 1 failing, 2 warnings
          ✗ leader                                             SPLIT BRAIN: members disagree on the leader: federation-service-TEMPLATE-PODID in eu-central say eu-central;
                                                               federation-service-TEMPLATE-PODID in us-east say us-east (expected one leader that all agree on)
            └ GET /api/v1/raft/status of each member · AGE
            → change nothing on either side; check the network between them: `net clusters`
          ! federation-service-TEMPLATE-PODID in us-west     is in term 7, others in 8
            └ GET /api/v1/raft/status of each member · AGE
            → cut off from the others, or just back
          ! federation-service-TEMPLATE-PODID in eu-central  1200 log entries behind (expected at most 100)
            └ GET /api/v1/raft/status of each member · AGE

        ─ Each member's own account, GET /api/v1/raft/status of each member · AGE
          member                                             cluster     role      term  leader      commit  applied  behind
          federation-service-TEMPLATE-PODID in us-east     us-east     leader       8  us-east       4200     4200       0
          federation-service-TEMPLATE-PODID in eu-central  eu-central  follower     8  eu-central    3000     3000    1200
          federation-service-TEMPLATE-PODID in us-west     us-west     follower     7  us-east       4200     4200       0

        [1] Peers   [2] Pods   [3] Ask again
          N ms
        exit 1
        ");
    });
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
    steady(|| {
        insta::assert_snapshot!(replies, @r#"
        > federation raft
        ? raft: 3 without data
          ? members in us-east     not permitted: pods "federation-service-TEMPLATE-PODID" is forbidden: User "reader" cannot get resource "pods/proxy" in API group "" in the namespace "novacron"
            └ GET /api/v1/raft/status of novacron/federation-service-TEMPLATE-PODID:8084 in us-east · AGE
            → grant nova's account `get` on `pods/proxy`, or give the cluster a URL in [federation.urls]
          ? members in us-west     not permitted: pods "federation-service-TEMPLATE-PODID" is forbidden: User "reader" cannot get resource "pods/proxy" in API group "" in the namespace "novacron"
            └ GET /api/v1/raft/status of novacron/federation-service-TEMPLATE-PODID:8084 in us-west · AGE
            → grant nova's account `get` on `pods/proxy`, or give the cluster a URL in [federation.urls]
          ? members in eu-central  not permitted: pods "federation-service-TEMPLATE-PODID" is forbidden: User "reader" cannot get resource "pods/proxy" in API group "" in the namespace "novacron"
            └ GET /api/v1/raft/status of novacron/federation-service-TEMPLATE-PODID:8084 in eu-central · AGE
            → grant nova's account `get` on `pods/proxy`, or give the cluster a URL in [federation.urls]

        [1] Peers   [2] Pods   [3] Ask again
          N ms
        exit 0

        > federation raft
        ? raft: 1 not available here
          – raft  no member has this endpoint  GET /api/v1/raft/status of novacron/federation-service-TEMPLATE-PODID:8084 in us-east · AGE
            → see [federation] `status_path`

        [1] Peers   [2] Pods   [3] Ask again
          N ms
        exit 0

        > federation peers
        ? raft peers: 1 not available here
          – peers  no member has this endpoint  GET /api/v1/raft/peers of each member · AGE
            → see [federation] `peers_path`

        [1] Who leads
          N ms
        exit 0

        > federation raft
        ✗ raft: 1 failing, 1 warning
          ! leader                                          federation-service-TEMPLATE-PODID in us-east (term 7); 2 of 3 members answered (expected one leader that all agree on)
            └ GET /api/v1/raft/status of each member · AGE
          ✗ federation-service-TEMPLATE-PODID in us-west  too busy: error trying to reach service: dial tcp ADDRESS:8084: connect: connection refused
            └ GET /api/v1/raft/status of novacron/federation-service-TEMPLATE-PODID:8084 in us-west · AGE

        ─ Each member's own account, GET /api/v1/raft/status of each member · AGE
          member                                             cluster     role       term  leader   commit  applied  behind
          federation-service-TEMPLATE-PODID in us-east     us-east     leader     7     us-east  4200    4200     0
          federation-service-TEMPLATE-PODID in eu-central  eu-central  follower   7     us-east  4200    4200     0
          federation-service-TEMPLATE-PODID in us-west     us-west     no answer  –     –        –       –        –

        [1] Peers   [2] Pods   [3] Ask again
          N ms
        exit 1
        "#);
    });
}

#[tokio::test]
async fn members_with_addresses_of_their_own_are_asked_there() {
    let raft = Raft::start(&REGIONS).await.expect("a port is free");
    let urls: Vec<String> =
        REGIONS.iter().map(|region| format!("{region} = \"{}\"\n", raft.url(region))).collect();
    let edit = |text: String| patient(text + "[federation.urls]\n" + &urls.concat());
    let mut nova = Nova::on(regions().await, edit).await;
    let replies = say_all(&mut nova, &["federation raft", "federation peers"]).await;
    steady(|| {
        insta::assert_snapshot!(replies, @r"
        > federation raft
        ✓ raft: 1 ok

        ─ 1 ok
          ✓ leader  us-east (term 7); 3 of 3 members answered  GET /api/v1/raft/status of each member · AGE

        ─ Each member's own account, GET /api/v1/raft/status of each member · AGE
          member      cluster     role      term  leader   commit  applied  behind
          us-east     us-east     leader       7  us-east    4200     4200       0
          eu-central  eu-central  follower     7  us-east    4200     4200       0
          us-west     us-west     follower     7  us-east    4200     4200       0

        [1] Peers   [2] Pods   [3] Ask again
          N ms
        exit 0

        > federation peers
        ✓ raft peers: 1 ok

        ─ 1 ok
          ✓ members  3 members: eu-central, us-east, us-west  GET /api/v1/raft/peers of each member · AGE

        ─ Whom each member knows, GET /api/v1/raft/peers of each member · AGE
          member      knows       at
          us-east     eu-central  eu-central.novacron.internal:8084
          us-east     us-east     us-east.novacron.internal:8084
          us-east     us-west     us-west.novacron.internal:8084
          us-west     eu-central  eu-central.novacron.internal:8084
          us-west     us-east     us-east.novacron.internal:8084
          us-west     us-west     us-west.novacron.internal:8084
          eu-central  eu-central  eu-central.novacron.internal:8084
          eu-central  us-east     us-east.novacron.internal:8084
          eu-central  us-west     us-west.novacron.internal:8084

        [1] Who leads   [2] Pods
          N ms
        exit 0
        ");
    });
}
