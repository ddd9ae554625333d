//! Calls that are no lane's: answers to one event, and what goes with an incident's room. They keep no
//! order and no pace, but are repeated by the same rules as everything else.

use nova_adapters::chat::ChatError;
use tokio::time::{Instant, sleep};

use super::Delivery;
use super::call::guarded;
use super::lane::NEW_TOKEN;
use super::tries::Tries;

impl Delivery {
    /// Makes the call until it succeeds or is given up: again only what surely did nothing, as often as
    /// [`DeliveryOptions::beside`](super::DeliveryOptions::beside) says, and for as long as there may be
    /// a new token.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn persist<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, ChatError>
    where
        F: Future<Output = Result<T, ChatError>>,
    {
        let options = &self.lanes.options;
        let mut tries = Tries::default();
        let start = Instant::now();
        loop {
            let error = match guarded(options.call, call()).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let pause = match error {
                ChatError::Unauthorised(_) => {
                    (start.elapsed() < options.token).then_some(NEW_TOKEN)
                }
                _ => tries.after(&error, &options.beside, Instant::now()),
            };
            let again = error.retryable() || matches!(error, ChatError::Unauthorised(_));
            let Some(pause) = pause.filter(|_| again) else { return Err(error) };
            sleep(pause).await;
        }
    }
}
