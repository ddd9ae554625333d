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
    steady(|| {
        insta::assert_snapshot!(replies, @r#"
        > frontend check
        ✓ frontend: 4 ok

        ─ 4 ok
          ✓ WebSocket  upgrade in N ms · first message of 54 B after N ms: {"type":"vm.status","id":"vm-0001","status":"running"}  WebSocket ws://127.0.0.1:PORT/ws/vms/tenant-123 · AGE
          ✓ gateway    200 · N ms  GET http://127.0.0.1:PORT/api/v1/health · AGE
          ✓ log        no errors in the last 15 min  logs of deployment novacron/novacron-frontend in us-east, last 15 min · AGE
          ✓ pods       2/2 ready  deployment novacron/novacron-frontend in us-east · AGE

        ─ To ask the user, the guide's browser checklist · AGE
          1. Reload without the cache (Ctrl+Shift+R), then try a private window.
          2. Console (F12): note the first red line, with its file and line.
          3. Network: which request is red or pending? Note its status, address and time.
          4. Network, WS: does the socket show 101 and then messages? A close code other than 1000?
          5. "Mixed content" or CORS: is the page on https and an address in it on http?
          6. Signed in? 401 or 403 in Network means that the session has ended: sign in again.
          7. Extensions, VPN, company proxy: try without them, or another network.
          8. Does a colleague elsewhere see it, too? Since when, which browser and version?

        [1] Check again
          N ms
        exit 0

        > frontend check
        ✗ frontend: 3 failing, 1 warning
          ✗ WebSocket  upgrade in N ms · closed at once: 1008 session expired
            └ WebSocket ws://127.0.0.1:PORT/ws/vms/tenant-123 · AGE
            → the code says why; 1008 and 44xx are refusals of the session
          ✗ gateway    503 · unhealthy · database: connection refused · N ms
            └ GET http://127.0.0.1:PORT/api/v1/health · AGE
          ✗ pods       0/2 ready
            └ deployment novacron/novacron-frontend in us-east · AGE
          ! log        1 error line in the last 15 min
            └ logs of deployment novacron/novacron-frontend in us-east, last 15 min · AGE

        ─ Last errors, logs of deployment novacron/novacron-frontend in us-east, last 15 min · AGE
          TIME POD TypeError: Cannot read properties of undefined

        ─ To ask the user, the guide's browser checklist · AGE
          1. Reload without the cache (Ctrl+Shift+R), then try a private window.
          2. Console (F12): note the first red line, with its file and line.
          3. Network: which request is red or pending? Note its status, address and time.
          4. Network, WS: does the socket show 101 and then messages? A close code other than 1000?
          5. "Mixed content" or CORS: is the page on https and an address in it on http?
          6. Signed in? 401 or 403 in Network means that the session has ended: sign in again.
          7. Extensions, VPN, company proxy: try without them, or another network.
          8. Does a colleague elsewhere see it, too? Since when, which browser and version?

        [1] Check again
          N ms
        exit 1
        "#);
    });
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
    steady(|| {
        insta::assert_snapshot!(replies, @r"
        Quiet
          ! WebSocket  upgrade in N ms · no message within N ms, answers pings
          └ WebSocket ws://127.0.0.1:PORT/ws/vms/tenant-123 · AGE
          → nothing changed in that time, or updates do not flow
        Dead
          ✗ WebSocket  upgrade in N ms · neither messages nor answers to pings · did not answer the close
          └ WebSocket ws://127.0.0.1:PORT/ws/vms/tenant-123 · AGE
          → it accepts connections and does nothing with them
        Closes
          ✗ WebSocket  upgrade in N ms · closed at once: 1008 session expired
          └ WebSocket ws://127.0.0.1:PORT/ws/vms/tenant-123 · AGE
          → the code says why; 1008 and 44xx are refusals of the session
        Page
          ✗ WebSocket  answers without an upgrade
          └ WebSocket ws://127.0.0.1:PORT/ws/vms/tenant-123 · AGE
          → a proxy between drops `Upgrade`: let it through
        Status(401)
          ? WebSocket  no upgrade: credentials refused  WebSocket ws://127.0.0.1:PORT/ws/vms/tenant-123 · AGE
          → it is there and wants a session, which nova has not
          
        Status(404)
          – WebSocket  no such endpoint here  WebSocket ws://127.0.0.1:PORT/ws/vms/tenant-123 · AGE
          → see [frontend] `websocket`
          
        Status(502)
          ✗ WebSocket  no upgrade: HTTP 502
          └ WebSocket ws://127.0.0.1:PORT/ws/vms/tenant-123 · AGE
        ");
    });
}

#[tokio::test]
async fn what_the_installation_does_not_have_is_not_asked() {
    let edit = |text: String| {
        let kept = text.lines().filter(|line| !line.starts_with("websocket"));
        let text: Vec<&str> = kept.collect();
        let text = text
            .join("\n")
            .replace("[frontend]", "[frontend]\nwebsocket = \"\"\nworkload = \"deployment/web\"");
        text + "\n[limits]\ndeadline = \"30s\"\n"
    };
    let mut nova = Nova::on(world(false).await, edit).await;
    let reply = nova.say("frontend check").await;
    let shown: Vec<&str> = reply.lines().take_while(|line| !line.contains("To ask")).collect();
    steady(|| {
        insta::assert_snapshot!(shown.join("\n"), @r"
    ○ frontend: 1 absent, 1 not available here, 1 ok
      ○ pods       no deployment novacron/web in us-east
        └ deployment novacron/web in us-east · AGE
        → see [frontend] `workload` and `namespace`
      – WebSocket  not configured  configuration · AGE
        → see [frontend] `websocket`

    ─ 1 ok
      ✓ gateway  200 · N ms  GET http://127.0.0.1:PORT/api/v1/health · AGE
    ");
    });
}
