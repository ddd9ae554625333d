//! The writer: one task that writes for everybody (group commit). Whoever wants to write hands their
//! work to it and waits; it takes all that waits and writes it in one transaction, so that a busy
//! store pays for a transaction once and an idle one answers at once. Owned by [`super::Store`].
//!
//! Invariant: nobody is answered before the commit, and nobody waits for a writer that is gone.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;

use super::batch::{Answer, Work};
use super::db::TURN_WAIT;
use super::error::StoreError;
use super::{Inner, OPERATION, within};

/// The most works that wait; whoever comes then waits for a place.
const QUEUE: usize = 256;
/// The most works in one transaction. More would save little and let the first wait for the last.
const MAX_BATCH: usize = 64;
/// As many as this are a crowd, and worth waiting [`MOMENT`] for; fewer never wait.
const CROWD: usize = 8;
/// The shortest time that the runtime's timer knows.
const MOMENT: Duration = Duration::from_millis(1);

/// A work, and who waits for it.
struct Job {
    work: Work,
    reply: oneshot::Sender<Answer>,
}

/// Why nothing is written any more.
#[derive(Debug, thiserror::Error)]
#[error("the store was closed, or its writer died")]
struct Gone;

/// The way to the writer task, and its owner.
pub(super) struct Writer {
    /// Taken out to close: the task ends when it has written what is in the queue.
    queue: RwLock<Option<mpsc::Sender<Job>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    abort: AbortHandle,
}

impl Writer {
    pub(super) fn start(store: Arc<Inner>) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let task = tokio::spawn(write_all(store, jobs));
        let abort = task.abort_handle();
        Self { queue: RwLock::new(Some(queue)), task: Mutex::new(Some(task)), abort }
    }

    /// Has `work` written. Whoever stops waiting before its turn takes it back.
    pub(super) async fn write(&self, work: Work) -> Answer {
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner).clone();
        let queue = queue.ok_or_else(|| StoreError::unreachable(Gone))?;
        let (reply, answer) = oneshot::channel();
        timeout(TURN_WAIT, queue.send(Job { work, reply }))
            .await
            .map_err(StoreError::busy)?
            .map_err(|_| StoreError::unreachable(Gone))?;
        drop(queue);
        answer.await.map_err(|_| StoreError::unreachable(Gone))?
    }

    /// Takes no more, and waits until everything taken is written.
    pub(super) async fn close(&self) {
        drop(self.queue.write().unwrap_or_else(PoisonError::into_inner).take());
        let mut task = self.task.lock().await;
        if let Some(running) = task.as_mut()
            && let Err(error) = running.await
            && error.is_panic()
        {
            tracing::error!(%error, "the store's writer died");
        }
        *task = None;
    }

    /// Ends the task in the middle of what it does; whoever waits hears that it is gone.
    pub(super) fn abort(&self) {
        self.abort.abort();
    }
}

async fn write_all(store: Arc<Inner>, mut queue: mpsc::Receiver<Job>) {
    let mut jobs = Vec::with_capacity(MAX_BATCH);
    let mut crowd = 0;
    while gather(&mut queue, &mut jobs, crowd).await {
        let written = jobs.len();
        write_and_answer(&store, &mut jobs).await;
        crowd = (written + queue.len()).min(MAX_BATCH);
    }
}

async fn write_and_answer(store: &Inner, jobs: &mut Vec<Job>) {
    jobs.retain(|job| !job.reply.is_closed());
    if jobs.is_empty() {
        return;
    }
    let (works, replies): (Vec<_>, Vec<_>) =
        jobs.drain(..).map(|job| (job.work, job.reply)).unzip();
    for (reply, answer) in replies.into_iter().zip(write_together(store, &works).await) {
        // An error means that nobody waits any more.
        drop(reply.send(answer));
    }
}

/// Waits for work and takes all that is there; false when there will be none. While a crowd writes,
/// those who were just answered come right back: a batch that waits for as many as there were last
/// time is twice as large as one that takes the half which is there already.
async fn gather(queue: &mut mpsc::Receiver<Job>, jobs: &mut Vec<Job>, crowd: usize) -> bool {
    if queue.recv_many(jobs, MAX_BATCH).await == 0 {
        return false;
    }
    if crowd >= CROWD {
        let everybody = async {
            while jobs.len() < crowd && queue.recv_many(jobs, MAX_BATCH - jobs.len()).await > 0 {}
        };
        drop(timeout(MOMENT, everybody).await);
    }
    true
}

/// Writes all works in one transaction; when one of them breaks it, each in its own.
async fn write_together(store: &Inner, works: &[Work]) -> Vec<Answer> {
    match write_once(store, works).await {
        Ok(answers) => answers,
        Err(Broken { error, alone: false }) => works.iter().map(|_| Err(error.clone())).collect(),
        Err(Broken { alone: true, .. }) => write_apart(store, works).await,
    }
}

/// One by one, until the database itself fails: then the rest would only wait for the same.
async fn write_apart(store: &Inner, works: &[Work]) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(works.len());
    for work in works {
        match write_once(store, std::slice::from_ref(work)).await {
            Ok(answer) => answers.extend(answer),
            Err(Broken { error, alone: true }) => answers.push(Err(error)),
            Err(Broken { error, alone: false }) => {
                answers.resize_with(works.len(), || Err(error.clone()));
                break;
            }
        }
    }
    answers
}

/// Why a transaction was not written.
struct Broken {
    error: StoreError,
    /// Whether each work would fare better alone: the database is well and refused one of them.
    alone: bool,
}

async fn write_once(store: &Inner, works: &[Work]) -> Result<Vec<Answer>, Broken> {
    let mut committing = false;
    let writing = async {
        let (tx, answers) = store.fill(works).await?;
        committing = true;
        tx.commit().await?;
        Ok(answers)
    };
    // Boxed: a batch's future is large, and it lives in a task that mostly waits.
    let written = within(OPERATION, Box::pin(writing)).await;
    written.map_err(|error| {
        // A commit whose answer was lost may have been done: it is not done again.
        let alone = !committing && error.is_about_a_row();
        Broken { error, alone }
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use serde_json::json;

    use super::super::{Clock, Kind, NewEntry, Store, StoreConfig, TimelineKey};
    use super::*;

    fn note() -> NewEntry {
        let actor = "ana".to_owned();
        NewEntry { incident: None, kind: Kind::Note, invocation: None, actor, body: json!({}) }
    }

    #[tokio::test]
    async fn a_dead_writer_is_an_error_for_whoever_waits_or_comes() {
        let home = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/nova.db", home.path().display());
        let key = TimelineKey::new(&[7; 32]).unwrap();
        let config = StoreConfig { url, password: None };
        let store = Store::open(&config, key, Clock::System).await.unwrap();
        let mut waiting = pin!(store.append(note()));
        assert!(poll!(&mut waiting).is_pending());
        store.1.abort();
        for hears in [waiting.await, store.append(note()).await] {
            let error = hears.expect_err("nobody writes any more");
            assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
        }
        store.clone().close().await;
    }
}
