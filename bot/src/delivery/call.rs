//! One call to a platform's client, with what a client must not do to its lane: hang, or panic.
//! `post.rs`, `update.rs` and `files.rs` make every call through [`guarded`].

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::FutureExt;
use nova_adapters::chat::ChatError;
use tokio::time::timeout;

/// The client did not do its part. Either way nobody knows whether the message went out.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the client panicked: {0}")]
    Panicked(String),
    #[error("the client did not return within {} s", .0.as_secs_f32())]
    Endless(Duration),
}

/// Awaits `call` for at most `longest`. A panic or an endless wait is [`ChatError::Unanswered`].
pub(super) async fn guarded<T>(
    longest: Duration,
    call: impl Future<Output = Result<T, ChatError>>,
) -> Result<T, ChatError> {
    let fault = match timeout(longest, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(Ok(result)) => return result,
        Ok(Err(panic)) => panicked(&*panic),
        Err(_) => Fault::Endless(longest),
    };
    tracing::error!(%fault, "a chat platform's client failed");
    Err(ChatError::Unanswered(Box::new(fault)))
}

/// The same for what a client answers without waiting; `None` after a panic.
pub(super) fn guarded_now<T>(call: impl FnOnce() -> T) -> Option<T> {
    let answer = catch_unwind(AssertUnwindSafe(call));
    answer
        .inspect_err(|panic| {
            let fault = panicked(&**panic);
            tracing::error!(%fault, "a chat platform's client failed");
        })
        .ok()
}

fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Fault::Panicked(text.unwrap_or("no text").to_owned())
}

/// The same error once more, for the next one who waits. Its sources become text.
pub(super) fn copy(error: &ChatError) -> ChatError {
    match error {
        ChatError::RateLimited { retry_after } => {
            ChatError::RateLimited { retry_after: *retry_after }
        }
        ChatError::Unavailable(source) => ChatError::Unavailable(chain(&**source).into()),
        ChatError::Unanswered(source) => ChatError::Unanswered(chain(&**source).into()),
        ChatError::Gone => ChatError::Gone,
        ChatError::Unauthorised(reason) => ChatError::Unauthorised(reason.clone()),
        ChatError::Refused(reason) => ChatError::Refused(reason.clone()),
    }
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// For whoever waits for something that ended with its lane.
pub(super) fn dropped() -> ChatError {
    ChatError::Refused("it was still waiting when nova stopped sending".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_says_the_same_as_the_original() {
        let source = std::io::Error::other(Fault::Endless(Duration::from_secs(2)));
        let error = ChatError::Unavailable(Box::new(source));
        let again = copy(&copy(&error));
        assert_eq!(again.to_string(), error.to_string());
        let why = again.source().unwrap().to_string();
        assert_eq!(why, "the client did not return within 2 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_hangs_or_panics_leaves_it_open_what_was_sent() {
        let hangs = guarded(Duration::from_secs(1), std::future::pending::<Result<(), _>>());
        let error = hangs.await.unwrap_err();
        assert!(matches!(error, ChatError::Unanswered(_)), "{error:?}");
        let panics = guarded(Duration::from_secs(1), async { panic!("no {}", "way") });
        let error: Result<(), _> = panics.await;
        assert_eq!(error.unwrap_err().source().unwrap().to_string(), "the client panicked: no way");
        assert_eq!(guarded_now(|| -> u8 { panic!("at once") }), None);
    }
}
