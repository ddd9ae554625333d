//! Something that is asked for and kept for a while: once at a time, however many want it.
//!
//! Invariant: a failure is not kept, and nothing older than its time is handed out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// So many places are kept at most.
const MAX_PLACES: usize = 10_000;

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

    /// The value, if it is there, younger than `time`, and nobody is at it.
    pub(crate) fn at_hand(&self, time: Duration) -> Option<T> {
        let place = self.place.try_lock().ok()?;
        let (since, value) = place.as_ref()?;
        (since.elapsed() < time).then(|| value.clone())
    }

    /// Whether it holds something that is young enough, or is being asked for.
    pub(crate) fn in_use(&self, time: Duration) -> bool {
        self.place
            .try_lock()
            .map_or(true, |place| place.as_ref().is_some_and(|(since, _)| since.elapsed() < time))
    }
}

/// A kept value for each of many keys.
pub(crate) struct KeptEach<T> {
    places: SyncMutex<HashMap<String, Arc<Kept<T>>>>,
}

impl<T> Default for KeptEach<T> {
    fn default() -> Self {
        Self { places: SyncMutex::default() }
    }
}

impl<T: Clone> KeptEach<T> {
    /// The place of `key`; `time` is how long its value will be used.
    pub(crate) fn place(&self, key: &str, time: Duration) -> Arc<Kept<T>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = places.get(key) {
            return Arc::clone(kept);
        }
        if places.len() >= MAX_PLACES {
            places.retain(|_, kept| kept.in_use(time));
        }
        if places.len() >= MAX_PLACES {
            // All young: asking again costs a call each, more memory could cost the process.
            places.clear();
        }
        Arc::clone(places.entry(key.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn however_many_come_only_so_many_are_kept() {
        let each = KeptEach::default();
        let time = Duration::from_secs(300);
        for n in 0..=MAX_PLACES {
            let kept = each.place(&format!("U{n}"), time);
            assert_eq!(kept.get(time, async { Ok::<_, ()>(n) }).await, Ok(n));
        }
        assert_eq!(each.places.lock().unwrap().len(), 1);
    }
}
