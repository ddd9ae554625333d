//! Conversations on Slack. Each runs twice, over HTTP and over Socket Mode, from one text; at its end
//! everything that went out is judged by Slack's own code (`judge.py`).

mod answers;
mod check;
mod faults;
mod forms;
mod hostile;
mod judge;
mod people;
mod workspace;

pub(crate) use workspace::{Office, Transport};

/// Makes a test for each transport of every named conversation.
macro_rules! on_both_transports {
    ($($name:ident),+ $(,)?) => {
        mod over_http {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::slack::Transport::Http).await;
            })+
        }
        mod over_sockets {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::slack::Transport::Sockets).await;
            })+
        }
    };
}
pub(crate) use on_both_transports;
