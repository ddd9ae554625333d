//! Something that is asked for and kept for a while: once at a time, however many want it.
//!
//! Invariant: a failure is not kept, and nothing older than its time is handed out.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// One kept value.
pub(crate) struct Kept<T> {
    place: Mutex<Option<(Instant, T)>>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { place: Mutex::new(None) }
    }
}

impl<T: Clone> Kept<T> {
    /// The value, asked for by `ask` when there is none that is younger than `time`. Whoever comes
    /// meanwhile waits for the same answer, and asks again when it is a failure.
    pub(crate) async fn get<E>(
        &self,
        time: Duration,
        ask: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut place = self.place.lock().await;
        if let Some((since, value)) = &*place
            && since.elapsed() < time
        {
            return Ok(value.clone());
        }
        let value = ask.await?;
        *place = Some((Instant::now(), value.clone()));
        Ok(value)
    }

    /// Whether it holds something that is young enough, or is being asked for.
    pub(crate) fn in_use(&self, time: Duration) -> bool {
        self.place
            .try_lock()
            .map_or(true, |place| place.as_ref().is_some_and(|(since, _)| since.elapsed() < time))
    }
}
