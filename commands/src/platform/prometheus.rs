//! Prometheus's HTTP API: instant and range queries.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::config::PrometheusConfig;
use super::error::KEPT;
use super::http::Http;
use super::{Cause, PlatformError};
use crate::text::Untrusted;

/// A Prometheus server. Cheap to clone.
#[derive(Clone)]
pub struct Prometheus {
    base: String,
    bearer: Option<SecretString>,
    http: Http,
}

/// One value of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub labels: BTreeMap<String, Untrusted>,
    /// May be NaN or infinite, as PromQL's arithmetic is.
    pub value: f64,
    pub at: Timestamp,
}

/// One series of a range query.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub labels: BTreeMap<String, Untrusted>,
    pub points: Vec<(Timestamp, f64)>,
}

#[derive(Deserialize)]
struct Envelope {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Value,
}

#[derive(Deserialize)]
struct RawSample {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

#[derive(Deserialize)]
struct RawSeries {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

impl Prometheus {
    /// A client; connects at the first call.
    #[must_use]
    pub fn new(config: &PrometheusConfig, bearer: Option<SecretString>, http: Http) -> Self {
        Self { base: config.url.trim_end_matches('/').to_owned(), bearer, http }
    }

    /// Where it is, for provenance.
    #[must_use]
    pub fn target(&self) -> String {
        self.base.clone()
    }

    /// Whether it serves queries.
    ///
    /// # Errors
    /// When it does not answer, or answers that it is not ready.
    pub async fn ready(&self) -> Result<(), PlatformError> {
        let url = format!("{}/-/ready", self.base);
        let answer = self.http.get(&url, self.bearer.as_ref()).await?;
        match answer.status {
            200..=299 => Ok(()),
            code => Err(PlatformError::new(format!("GET {url}"), by_code(code))),
        }
    }

    /// An instant query. No series is an empty list, which is "no data" and not zero.
    ///
    /// # Errors
    /// [`Cause::Invalid`] with Prometheus's words when it refuses the query.
    pub async fn query(
        &self,
        expr: &str,
        at: Option<Timestamp>,
    ) -> Result<Vec<Sample>, PlatformError> {
        let mut parameters = vec![("query", expr.to_owned())];
        parameters.extend(at.map(|at| ("time", seconds(at))));
        let (url, data) = self.ask("query", &parameters).await?;
        let malformed = || PlatformError::new(format!("GET {url}"), Cause::Malformed);
        match data.kind.as_str() {
            "vector" => {
                let raw: Vec<RawSample> =
                    serde_json::from_value(data.result).map_err(|_| malformed())?;
                raw.into_iter()
                    .map(|sample| {
                        let (at, value) = point(&sample.value).ok_or_else(malformed)?;
                        Ok(Sample { labels: labels(sample.metric), value, at })
                    })
                    .collect()
            }
            "scalar" => {
                let raw: (f64, String) =
                    serde_json::from_value(data.result).map_err(|_| malformed())?;
                let (at, value) = point(&raw).ok_or_else(malformed)?;
                Ok(vec![Sample { labels: BTreeMap::new(), value, at }])
            }
            _ => Err(malformed().detail("not a vector: ask for a range query")),
        }
    }

    /// A range query with `step` seconds between points.
    ///
    /// # Errors
    /// [`Cause::Invalid`] with Prometheus's words when it refuses the query.
    pub async fn query_range(
        &self,
        expr: &str,
        (start, end): (Timestamp, Timestamp),
        step: u32,
    ) -> Result<Vec<Series>, PlatformError> {
        let parameters = [
            ("query", expr.to_owned()),
            ("start", seconds(start)),
            ("end", seconds(end)),
            ("step", step.to_string()),
        ];
        let (url, data) = self.ask("query_range", &parameters).await?;
        let malformed = || PlatformError::new(format!("GET {url}"), Cause::Malformed);
        let raw: Vec<RawSeries> = serde_json::from_value(data.result).map_err(|_| malformed())?;
        raw.into_iter()
            .map(|series| {
                let points = series.values.iter().map(point).collect::<Option<_>>();
                Ok(Series { labels: labels(series.metric), points: points.ok_or_else(malformed)? })
            })
            .collect()
    }

    async fn ask(
        &self,
        what: &str,
        parameters: &[(&str, String)],
    ) -> Result<(String, Data), PlatformError> {
        let base = format!("{}/api/v1/{what}", self.base);
        let mut url = Url::parse(&base).map_err(|_| {
            PlatformError::new(base.as_str(), Cause::Misconfigured).detail("not a URL")
        })?;
        url.query_pairs_mut().extend_pairs(parameters);
        let url = url.to_string();
        let answer = self.http.get(&url, self.bearer.as_ref()).await?;
        let target = format!("GET {url}");
        if answer.truncated {
            return Err(PlatformError::new(target, Cause::TooLarge(answer.body.len())));
        }
        let Ok(envelope) = serde_json::from_slice::<Envelope>(&answer.body) else {
            let cause =
                if answer.status == 200 { Cause::Malformed } else { by_code(answer.status) };
            return Err(PlatformError::new(target, cause));
        };
        match envelope.data {
            Some(data) if envelope.status == "success" => Ok((url, data)),
            _ => {
                let cause =
                    if answer.status == 200 { Cause::Malformed } else { by_code(answer.status) };
                let words: String = envelope.error.chars().take(KEPT).collect();
                Err(PlatformError::new(target, cause).detail(words))
            }
        }
    }
}

fn by_code(code: u16) -> Cause {
    match code {
        400 | 422 => Cause::Invalid,
        401 => Cause::Unauthenticated,
        403 => Cause::Forbidden,
        404 => Cause::NotFound,
        429 | 503 => Cause::Busy,
        code => Cause::Http(code),
    }
}

fn seconds(at: Timestamp) -> String {
    format!("{}.{:03}", at.as_second(), at.subsec_millisecond())
}

/// Prometheus writes values as text, because JSON has no NaN.
fn point((at, value): &(f64, String)) -> Option<(Timestamp, f64)> {
    #[expect(clippy::cast_possible_truncation, reason = "from_millisecond refuses what is no date")]
    let at = Timestamp::from_millisecond((at * 1000.0).round() as i64).ok()?;
    Some((at, value.parse().ok()?))
}

fn labels(raw: BTreeMap<String, String>) -> BTreeMap<String, Untrusted> {
    raw.into_iter().map(|(name, value)| (name, value.into())).collect()
}
