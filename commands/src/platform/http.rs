//! Plain HTTP GET with a deadline, a bound on calls at once and a cap on the body.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::config::Limits;
use super::{Cause, PlatformError, transport};

/// Largest body that is read, in bytes. A health body has a few hundred.
pub const MAX_BODY: usize = 256 * 1024;

/// An HTTP client for the whole process. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    permits: Arc<Semaphore>,
    deadline: Duration,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// The media type without parameters, lower case.
    pub media_type: String,
    /// At most [`MAX_BODY`] bytes of the body.
    pub body: Vec<u8>,
    /// Whether the body was longer than that.
    pub truncated: bool,
    /// Time until the whole answer was read.
    pub took: Duration,
}

impl Http {
    /// A client with these bounds. Redirects are not followed: a health endpoint that sends us
    /// elsewhere (a login page, an internal address) is a finding, not a place to go.
    ///
    /// # Errors
    /// When the TLS roots of the machine cannot be used.
    pub fn new(limits: Limits) -> Result<Self, PlatformError> {
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            // What is asked is what the configuration says, not what a proxy variable makes of it.
            .no_proxy()
            .user_agent(concat!("nova/", env!("CARGO_PKG_VERSION")))
            // A kept connection may have died unseen, and would tell of a service that is well again.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|e| {
                PlatformError::new("HTTP client", Cause::Misconfigured)
                    .detail(transport::innermost(&e))
            })?;
        let permits = Arc::new(Semaphore::new(limits.concurrency.max(1)));
        Ok(Self { client, permits, deadline: limits.deadline })
    }

    /// An answer that takes longer than half the deadline is slow.
    #[must_use]
    pub fn slow(&self) -> Duration {
        self.deadline / 2
    }

    /// GETs `url` within the deadline. Waiting for a free place has the same deadline again, so that
    /// an outage of many does not make the others look broken.
    ///
    /// # Errors
    /// When there was no answer at all; any HTTP status is an [`Answer`].
    pub async fn get(
        &self,
        url: &str,
        bearer: Option<&SecretString>,
    ) -> Result<Answer, PlatformError> {
        let target = || format!("GET {url}");
        let waited = tokio::time::timeout(self.deadline, self.permits.acquire()).await;
        let Ok(Ok(_place)) = waited else {
            return Err(PlatformError::new(target(), Cause::NotAsked));
        };
        match tokio::time::timeout(self.deadline, self.fetch(url, bearer)).await {
            Ok(answer) => answer.map_err(|e| PlatformError { target: target().into(), ..e }),
            Err(_) => Err(PlatformError::new(target(), Cause::Timeout(self.deadline))),
        }
    }

    async fn fetch(
        &self,
        url: &str,
        bearer: Option<&SecretString>,
    ) -> Result<Answer, PlatformError> {
        let start = Instant::now();
        let mut request = self.client.get(url);
        if let Some(token) = bearer {
            request = request.bearer_auth(token.expose_secret());
        }
        let mut response = request.send().await.map_err(classify)?;
        let status = response.status().as_u16();
        let media_type = response.headers().get(CONTENT_TYPE).map(media_type).unwrap_or_default();
        let (mut body, mut truncated) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            let room = MAX_BODY - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                truncated = true;
                break;
            }
        }
        Ok(Answer { status, media_type, body, truncated, took: start.elapsed() })
    }
}

fn media_type(value: &HeaderValue) -> String {
    let text = value.to_str().unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn classify(error: reqwest::Error) -> PlatformError {
    // The cause is told by the words, and those of an address must not be among them.
    let error = error.without_url();
    let cause = match () {
        () if error.is_builder() => Cause::Misconfigured,
        () if error.is_body() || error.is_decode() => Cause::Broken,
        () => transport::cause(&error),
    };
    PlatformError::new("", cause).detail(transport::words(cause, &error))
}
