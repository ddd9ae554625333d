//! Socket Mode's own life: sockets that Slack wants closed, and sockets that break.

use nova_sandbox::slack::{Disconnect, Slack};

use crate::chat::{Office, Platform, one_answer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_come_back_and_overlap() {
    let office = Office::open(Platform::SlackSockets).await;
    let slack = office.slack();
    let both = |slack: &Slack| (slack.sockets() == 2).then_some(());
    for reason in [Disconnect::Warning, Disconnect::RefreshRequested] {
        let before = opened(slack);
        slack.disconnect(reason, 1);
        let fresh = |slack: &Slack| (before < opened(slack)).then_some(());
        slack.until("a new socket", fresh).await.expect("nova opens one");
        slack.until("two sockets", both).await.expect("the old one goes");
    }
    let before = opened(slack);
    slack.drop_sockets();
    let fresh = |slack: &Slack| (opened(slack) >= before + 2).then_some(());
    slack.until("two new sockets", fresh).await.expect("nova comes back");
    slack.until("two sockets again", both).await.expect("nova comes back");
    one_answer(&office, "incidents", 0).await;
    office.close().await;
}

fn opened(slack: &Slack) -> usize {
    slack.journal().iter().filter(|call| call.method == "apps.connections.open").count()
}
