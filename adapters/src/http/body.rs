//! Reads a request's raw body, bounded in size. Called by [`super`] under its deadline.
//!
//! Invariant: no more than the limit is ever held, and bodies larger than [`SMALL`] only a few at a
//! time, since whoever sends one has proved nothing yet.

use axum::body::{Body, Bytes, HttpBody};
use futures_util::StreamExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Denied;

/// Bytes that any request may send.
pub(crate) const SMALL: usize = 64 * 1024;

/// Refuses what `Content-Length` says is too large, before it is sent.
pub(super) fn promised(body: &Body, limit: usize) -> Result<(), Denied> {
    if body.size_hint().lower() > limit as u64 { Err(Denied::TooLarge(limit)) } else { Ok(()) }
}

/// The whole body. One that came in one piece, as most do, is not copied.
pub(super) async fn read(body: Body, limit: usize, large: &Semaphore) -> Result<Bytes, Denied> {
    let mut pieces = body.into_data_stream();
    let Some(first) = pieces.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|_| Denied::Broken)?;
    let mut permit = None;
    admit(first.len(), limit, large, &mut permit).await?;
    let Some(mut next) = pieces.next().await else { return Ok(first) };
    let mut whole = first.to_vec();
    drop(first);
    loop {
        let piece = next.map_err(|_| Denied::Broken)?;
        admit(whole.len() + piece.len(), limit, large, &mut permit).await?;
        whole.extend_from_slice(&piece);
        match pieces.next().await {
            Some(piece) => next = piece,
            None => return Ok(whole.into()),
        }
    }
}

async fn admit<'a>(
    length: usize,
    limit: usize,
    large: &'a Semaphore,
    permit: &mut Option<SemaphorePermit<'a>>,
) -> Result<(), Denied> {
    if length > limit {
        return Err(Denied::TooLarge(limit));
    }
    if length > SMALL && permit.is_none() {
        *permit = large.acquire().await.ok();
    }
    Ok(())
}
