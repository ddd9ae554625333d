//! `frontend check`.

use nova_sandbox::cluster::DeploymentFault;
use nova_sandbox::live::Mode;

use super::{cluster, say_all, steady};
use crate::support::{Nova, world};

#[tokio::test]
async fn a_front_end_that_is_well_and_one_that_is_not() {
    let mut nova = Nova::start().await;
    let mut replies = say_all(&mut nova, &["frontend check"]).await;
    let pods = cluster(&nova).pods_of("novacron", "novacron-frontend");
    cluster(&nova).log("novacron", &pods[0], "GET / 200");
    cluster(&nova).log("novacron", &pods[0], "TypeError: Cannot read properties of undefined");
    cluster(&nova).break_deployment("novacron", "novacron-frontend", DeploymentFault::Unready);
    nova.sandbox("break api-gateway").await;
    nova.world.live().set(Mode::Closes);
    replies += &say_all(&mut nova, &["frontend check"]).await;
    let end = pods[0].rsplit('-').next().unwrap_or_default();
    let replies = replies.replace(&format!(" {end} "), " POD ");
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn every_fault_of_the_websocket_is_told_from_the_others() {
    // Short: some of them never answer, and each is waited for.
    let edit = |text: String| text + "[limits]\ndeadline = \"700ms\"\n";
    let mut nova = Nova::on(world(false).await, edit).await;
    let mut replies = String::new();
    for mode in [
        Mode::Quiet,
        Mode::Dead,
        Mode::Closes,
        Mode::Page,
        Mode::Status(401),
        Mode::Status(404),
        Mode::Status(502),
    ] {
        nova.world.live().set(mode);
        let reply = nova.say("frontend check").await;
        let lines: Vec<&str> = reply.lines().collect();
        let at = lines.iter().position(|line| line.contains(" WebSocket  ")).unwrap_or_default();
        let shown: Vec<&str> = lines[at..].iter().take(3).map(|line| line.trim()).collect();
        replies += &format!("{mode:?}\n  {}\n", shown.join("\n  "));
    }
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn what_the_installation_does_not_have_is_not_asked() {
    let edit = |text: String| {
        let kept = text.lines().filter(|line| !line.starts_with("websocket"));
        let text: Vec<&str> = kept.collect();
        let text = text.join("\n").replace("[frontend]", "[frontend]\nwebsocket = \"\"\nworkload = \"deployment/web\"");
        text + "\n[limits]\ndeadline = \"30s\"\n"
    };
    let mut nova = Nova::on(world(false).await, edit).await;
    let reply = nova.say("frontend check").await;
    let shown: Vec<&str> = reply.lines().take_while(|line| !line.contains("To ask")).collect();
    steady(|| insta::assert_snapshot!(shown.join("\n"), @""));
}
