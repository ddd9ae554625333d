//! [`Exchange`] as slack-morphism's connector, and what Slack's answers mean.
//!
//! The library's own connector has no deadline, reads bodies of any length and puts them into its
//! errors.
//!
//! Invariant: an answer that cannot be read is never taken for a refusal.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use slack_morphism::multipart_form::FileMultipartData;
use slack_morphism::{
    ClientResult, SlackApiToken, SlackClientApiCallContext, SlackClientHttpConnector,
    SlackClientId, SlackClientSecret,
};

use super::error::{CallError, Refusal};
use crate::rest::exchange::Exchange;

const SCOPES: HeaderName = HeaderName::from_static("x-oauth-scopes");

/// The way to Slack.
pub(super) struct Connector {
    exchange: Exchange,
    api: String,
}

/// An answer, whatever its status.
pub(super) struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    /// The scopes of the token that was used, comma-separated.
    pub(super) scopes: Option<String>,
    body: Vec<u8>,
}

/// What every answer of the Web API begins with.
#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    needed: Option<String>,
}

/// Where the details of a refusal are; read apart, so that an unexpected form loses only them.
#[derive(Default, Deserialize)]
struct Details {
    response_metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    messages: Vec<String>,
}

impl Connector {
    /// `api` is the checked address in front of a method's name.
    ///
    /// # Errors
    /// When the TLS roots of the machine cannot be used.
    pub(super) fn new(api: &str, deadline: Duration) -> Result<Self, CallError> {
        let exchange = Exchange::new(concat!("nova/", env!("CARGO_PKG_VERSION")), deadline)?;
        Ok(Self { exchange, api: api.to_owned() })
    }

    /// GETs a method without arguments.
    ///
    /// # Errors
    /// When there was no answer; any status is an [`Answer`].
    pub(super) async fn get(
        &self,
        method: &str,
        token: &SlackApiToken,
    ) -> Result<Answer, CallError> {
        let request = self.exchange.client.get(format!("{}/{method}", self.api));
        self.exchange(authorised(request, Some(token))).await
    }

    /// POSTs JSON to an address that is itself the permission (`response_url`).
    ///
    /// # Errors
    /// As [`Answer::decode`], but the answer may be any word.
    pub(super) async fn post_to(&self, url: Url, body: &impl Serialize) -> Result<(), CallError> {
        self.exchange(self.json_post(url, body)?).await?.accepted()
    }

    fn json_post(&self, url: Url, body: &impl Serialize) -> Result<RequestBuilder, CallError> {
        let json = serde_json::to_vec(body)
            .map_err(|_| CallError::NotSent("the request is no JSON".into()))?;
        let request = self.exchange.client.post(url);
        Ok(request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(json))
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Answer, CallError> {
        let answer = self.exchange.send(request).await?;
        Ok(Answer {
            status: answer.status,
            retry_after: seconds(answer.header(&RETRY_AFTER)),
            scopes: answer.header(&SCOPES).map(Into::into),
            body: answer.body,
        })
    }

    async fn api_call<R: DeserializeOwned>(&self, request: RequestBuilder) -> ClientResult<R> {
        Ok(self.exchange(request).await?.decode()?)
    }
}

impl Answer {
    /// The answer of an API method.
    ///
    /// # Errors
    /// [`CallError`]; an answer that is not what Slack's API sends is [`CallError::Lost`].
    pub(super) fn decode<R: DeserializeOwned>(&self) -> Result<R, CallError> {
        self.check_status()?;
        let envelope: Envelope = self.json()?;
        if !envelope.ok {
            return Err(self.refusal(envelope));
        }
        self.json()
    }

    /// The answer of an address that answers with a word (`response_url`, uploads).
    ///
    /// # Errors
    /// As [`Answer::decode`].
    fn accepted(&self) -> Result<(), CallError> {
        self.check_status()?;
        match self.json::<Envelope>() {
            Ok(envelope) if !envelope.ok => Err(self.refusal(envelope)),
            _ => Ok(()),
        }
    }

    fn check_status(&self) -> Result<(), CallError> {
        match self.status {
            200..=299 => Ok(()),
            429 => Err(CallError::limited(self.retry_after)),
            408 | 500..=599 => Err(CallError::Lost(format!("HTTP {}", self.status))),
            status => Err(match self.json::<Envelope>() {
                Ok(envelope) if !envelope.ok => self.refusal(envelope),
                _ => CallError::Status(status),
            }),
        }
    }

    fn refusal(&self, envelope: Envelope) -> CallError {
        let code = envelope.error.unwrap_or_default();
        if matches!(code.as_str(), "ratelimited" | "rate_limited") {
            return CallError::limited(self.retry_after);
        }
        let details: Details = serde_json::from_slice(&self.body).unwrap_or_default();
        let messages = details.response_metadata.messages;
        CallError::Refusal(Refusal::new(code, envelope.needed, &messages))
    }

    fn json<R: DeserializeOwned>(&self) -> Result<R, CallError> {
        // Not the parser's words: they can repeat the body.
        let what = if self.body.first() == Some(&b'<') { "a web page" } else { "not its JSON" };
        serde_json::from_slice(&self.body)
            .map_err(|_| CallError::Lost(format!("HTTP {} with {what}", self.status)))
    }
}

fn seconds(text: Option<&str>) -> Option<Duration> {
    text?.parse().ok().map(Duration::from_secs)
}

fn authorised(request: RequestBuilder, token: Option<&SlackApiToken>) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(&token.token_value.0),
        None => request,
    }
}

impl SlackClientHttpConnector for Connector {
    fn create_method_uri_path(&self, method: &str) -> ClientResult<Url> {
        Ok(format!("{}/{method}", self.api).parse()?)
    }

    fn http_get_uri<'a, RS>(
        &'a self,
        uri: Url,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        let request = authorised(self.exchange.client.get(uri), context.token);
        self.api_call(request).boxed()
    }

    fn http_post_uri<'a, RQ, RS>(
        &'a self,
        uri: Url,
        body: &'a RQ,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RQ: Serialize + Send + Sync,
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        let request = self.json_post(uri, body);
        async move { self.api_call(authorised(request?, context.token)).await }.boxed()
    }

    /// For uploads. The address is the permission, so the token does not go along.
    fn http_post_uri_binary<'a, 'p, RS>(
        &'a self,
        uri: Url,
        content_type: String,
        data: &'a [u8],
        _context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        async move {
            let request = self.exchange.client.post(uri).header(CONTENT_TYPE, content_type);
            self.exchange(request.body(data.to_vec())).await?.accepted()?;
            Ok(nothing()?)
        }
        .boxed()
    }

    /// Slack has no method left that needs one: files go by [`Self::http_post_uri_binary`].
    fn http_post_uri_multipart_form<'a, 'p, RS, PT, TS>(
        &'a self,
        _uri: Url,
        _file: Option<FileMultipartData<'p>>,
        _params: &'p PT,
        _context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
        PT: IntoIterator<Item = (&'p str, Option<TS>)> + Clone,
        TS: AsRef<str> + 'p + Send,
    {
        not_offered("multipart forms")
    }

    /// nova is installed by hand or by manifest and takes no part in OAuth.
    fn http_get_with_client_secret<'a, RS>(
        &'a self,
        _uri: Url,
        _client_id: &'a SlackClientId,
        _client_secret: &'a SlackClientSecret,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        not_offered("OAuth")
    }
}

fn not_offered<'a, RS: Send + 'a>(what: &str) -> BoxFuture<'a, ClientResult<RS>> {
    let error = CallError::NotSent(format!("{what} are not used here"));
    std::future::ready(Err(error.into())).boxed()
}

/// The empty answer of an address that answers with a word.
fn nothing<R: DeserializeOwned>() -> Result<R, CallError> {
    serde_json::from_str("{}").map_err(|_| CallError::Lost("an empty answer".into()))
}
