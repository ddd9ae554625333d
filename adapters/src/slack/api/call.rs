//! How every call is made: with the token of the moment, through slack-morphism's session, with what
//! Slack says about the token remembered.
//!
//! Invariant: only reads are repeated here, twice at most and inside one deadline. What writes is sent
//! once; delivery in the `bot` crate decides about the rest.

use std::time::Duration;

use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use super::Slack;
use super::error::CallError;
use super::token::for_library;
use crate::rest::token::Lent;

/// A read is repeated so often.
const REPEATS: u32 = 2;
/// A longer pause is the caller's to wait for.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
/// The pause before a read is repeated that found nobody, the first time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What is read of an answer that only says "done".
#[derive(serde::Deserialize)]
pub(super) struct Done {}

impl Slack {
    /// GETs `method`, repeating it where that may help.
    pub(super) async fn read<R>(
        &self,
        method: &str,
        arguments: &[(&str, &str)],
    ) -> Result<R, CallError>
    where
        R: DeserializeOwned + Send,
    {
        let arguments: Vec<_> =
            arguments.iter().map(|(name, value)| (*name, Some(*value))).collect();
        let work = async {
            let mut repeats = 0;
            loop {
                let error = match self.read_once(method, &arguments).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                };
                match pause(&error, repeats) {
                    Some(pause) => sleep(pause).await,
                    None => return Err(error),
                }
                repeats += 1;
            }
        };
        let late = |_| CallError::Lost(format!("no answer within {:?}", self.inner.deadline));
        timeout(self.inner.deadline, work).await.map_err(late)?
    }

    async fn read_once<R>(
        &self,
        method: &str,
        arguments: &Vec<(&str, Option<&str>)>,
    ) -> Result<R, CallError>
    where
        R: DeserializeOwned + Send,
    {
        let lent = self.inner.token.lend()?;
        let token = for_library(&lent.token);
        let session = self.inner.client.open_session(&token);
        let result = session.http_session_api.http_get(method, arguments, None).await;
        self.judge(&lent, result.map_err(CallError::from))
    }

    /// POSTs `request` to `method`, once.
    pub(super) async fn write<R>(
        &self,
        method: &str,
        request: &(impl Serialize + Send + Sync),
    ) -> Result<R, CallError>
    where
        R: DeserializeOwned + Send,
    {
        let lent = self.inner.token.lend()?;
        let token = for_library(&lent.token);
        let session = self.inner.client.open_session(&token);
        let result = session.http_session_api.http_post(method, request, None).await;
        self.judge(&lent, result.map_err(CallError::from))
    }

    /// POSTs `request` to an address that needs no token, once. Not when nothing is to go out.
    pub(super) async fn write_to(
        &self,
        url: Url,
        request: &(impl Serialize + Send + Sync),
    ) -> Result<(), CallError> {
        self.inner.token.lend()?;
        self.inner.client.http_api.connector.post_to(url, request).await
    }

    /// Remembers when Slack turns the token down.
    pub(super) fn judge<R>(
        &self,
        lent: &Lent,
        result: Result<R, CallError>,
    ) -> Result<R, CallError> {
        if let Some(why) = result.as_ref().err().and_then(CallError::token_trouble) {
            self.inner.token.turned_down(lent, why);
        }
        result
    }
}

/// How long to wait before a read that ended so is made again; `None`: it is not.
fn pause(error: &CallError, repeats: u32) -> Option<Duration> {
    let pause = match error {
        CallError::Limited(pause) => Some(*pause).filter(|pause| *pause <= SHORT_PAUSE),
        CallError::NotSent(_) | CallError::Lost(_) => Some(FIRST_PAUSE * (repeats + 1)),
        CallError::Refusal(_) | CallError::Status(_) | CallError::Stopped(_) => None,
    };
    pause.filter(|_| repeats < REPEATS)
}
