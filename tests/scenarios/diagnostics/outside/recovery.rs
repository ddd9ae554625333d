//! `recovery …`: the plan, and whether a region can serve.

use std::time::Duration;

use nova_sandbox::cluster::DeploymentFault;
use nova_sandbox::{World, WorldOptions};

use super::{findings, masked, the};
use crate::support::{Nova, patient};

#[tokio::test]
async fn the_plan_is_the_configurations() {
    let mut nova = Nova::start().await;
    let guide = nova.say("recovery plan").await;
    let own = "[recovery]\nregions = [{ name = \"america\", clusters = [\"us-east\"] }]\n\
               [[recovery.steps]]\nname = \"Everything\"\nservices = [\"vm-service\", \"old-service\"]\n\
               rto = \"1h\"\nrpo = \"5m\"\n";
    let mut nova = Nova::on(crate::support::world(false).await, |text| patient(text) + own).await;
    let own = nova.say("recovery plan").await;
    masked(|| insta::assert_snapshot!(format!("{guide}\n{own}")));
}

// A crash loop at a quick step leaves one thread little time for anything else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_is_judged_beside_the_one_that_could_take_over() {
    let clusters = ["us-east", "us-west"].map(str::to_owned).to_vec();
    let options = WorldOptions { clusters, step: Duration::from_millis(100), databases: true };
    let world = World::start(options).await.expect("the sandbox starts");
    let mut nova = Nova::on(world, patient).await;
    let well = nova.say("recovery assess us-east").await;
    let cluster = the(&nova, "us-east");
    cluster.break_deployment("novacron", "vm-service", DeploymentFault::CrashLoop);
    let less = findings(&nova.say("recovery assess us-east").await);
    nova.sandbox("break us-east").await;
    let gone = nova.say("recovery assess us-east").await;
    let unknown = nova.say("recovery assess us-eest").await;
    masked(|| insta::assert_snapshot!(format!("{well}\n{less}\n{gone}\n{unknown}")));
}
