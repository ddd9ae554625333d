//! How every call is made: with the token of the moment and inside the limits that Discord has told.
//!
//! Invariant: only reads are repeated here, twice at most and inside one deadline. What writes is sent
//! once; delivery in the `bot` crate decides about the rest.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use super::Discord;
use super::ask::Ask;
use super::error::{CallError, TURNED_DOWN};

/// A read is repeated so often.
const REPEATS: u32 = 2;
/// A longer pause is the caller's to wait for.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
/// The pause before a read is repeated that found nobody, the first time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

impl Discord {
    /// Makes a call that changes nothing, repeating it where that may help.
    pub(super) async fn read<R: DeserializeOwned>(&self, ask: Ask) -> Result<R, CallError> {
        let work = async {
            let mut repeats = 0;
            loop {
                let error = match self.write(&ask).await {
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

    /// Makes a call once, and reads its answer.
    pub(super) async fn write<R: DeserializeOwned>(&self, ask: &Ask) -> Result<R, CallError> {
        let body = self.exchange(ask).await?;
        // Not the parser's words: they can repeat the body.
        serde_json::from_slice(&body)
            .map_err(|_| CallError::Lost("an answer that is not its JSON".into()))
    }

    /// Makes a call once whose answer says nothing but "done".
    pub(super) async fn settle(&self, ask: &Ask) -> Result<(), CallError> {
        self.exchange(ask).await.map(drop)
    }

    async fn exchange(&self, ask: &Ask) -> Result<Vec<u8>, CallError> {
        let lent = self.inner.token.lend()?;
        self.inner.limits.check(ask).map_err(CallError::Limited)?;
        let url = format!("{}{}", self.inner.hosts.api(), ask.path);
        let mut request = self.inner.exchange.client.request(ask.method.clone(), url);
        if !ask.by_path {
            let token = format!("Bot {}", lent.token.expose_secret());
            let mut value = HeaderValue::try_from(token)
                .map_err(|_| CallError::Stopped("the token cannot be one".into()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some((media_type, bytes)) = &ask.body {
            request = request.header(CONTENT_TYPE, media_type).body(bytes.clone());
        }
        let answer = self.inner.exchange.send(request).await?;
        if let Some(pause) = self.inner.limits.learn(ask, &answer) {
            return Err(CallError::Limited(pause));
        }
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        let error = CallError::told(answer.status, &answer.body, ask.needs);
        if error.is_token_trouble() && !ask.by_path {
            self.inner.token.turned_down(&lent, TURNED_DOWN);
        }
        Err(error)
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
