//! One error for every call to the platform.

use std::fmt;
use std::time::Duration;

use crate::report::{Finding, Status};
use crate::text::Untrusted;

/// Longest words of another side that are kept, in characters. Far above what is shown: the
/// sanitiser cuts, after it has looked for secrets, or the start of one could come through.
pub(super) const KEPT: usize = 4096;

/// Why a call failed, in the words that a person acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nobody listens there.
    Refused,
    /// Too many other calls were under way: it was not asked at all.
    NotAsked,
    /// No answer within the deadline.
    Timeout(Duration),
    /// The name does not resolve.
    UnknownHost,
    /// The certificate or the handshake was not accepted.
    Tls,
    /// Our credentials are missing, wrong or expired.
    Unauthenticated,
    /// Our credentials are good but do not allow this.
    Forbidden,
    /// The thing asked for is not there.
    NotFound,
    /// It changed since it was read (a stale resourceVersion, an existing name).
    Conflict,
    /// The request was understood and refused.
    Invalid,
    /// It says that it is too busy, or its connections are used up.
    Busy,
    /// The answer is larger than this many bytes.
    TooLarge(usize),
    /// A list longer than we read.
    TooMany,
    /// The answer is not what the protocol says.
    Malformed,
    /// Any other HTTP status.
    Http(u16),
    /// Our own configuration is at fault: an unreadable file, a missing secret.
    Misconfigured,
    /// The connection broke in the middle.
    Broken,
}

/// A failed call: what was asked, why it failed, what the other side said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformError {
    /// What was called, for people: "PostgreSQL db.internal:5432", "GET http://…/health".
    pub target: Untrusted,
    pub cause: Cause,
    /// The other side's words, if any. Outside text.
    pub detail: Untrusted,
    /// What to do, where the cause alone does not say it.
    pub hint: Option<&'static str>,
}

impl PlatformError {
    /// An error without the other side's words.
    pub fn new(target: impl Into<Untrusted>, cause: Cause) -> Self {
        Self { target: target.into(), cause, detail: Untrusted::default(), hint: None }
    }

    /// With the other side's words.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Untrusted>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The failure as a finding about `subject`. What our rights forbid is no fact about the other
    /// side's health.
    pub fn finding(&self, subject: impl Into<Untrusted>, source: impl Into<Untrusted>) -> Finding {
        let status = match self.cause {
            Cause::Forbidden | Cause::NotAsked => Status::NoData,
            Cause::NotFound => Status::Absent,
            _ => Status::Fail,
        };
        let finding = Finding::new(status, subject, self.measured(), source);
        match self.hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        }
    }

    /// The cause and, after a colon, the other side's words: what a finding shows as measured.
    #[must_use]
    pub fn measured(&self) -> Untrusted {
        if self.detail.is_empty() {
            self.cause.to_string().into()
        } else {
            format!("{}: {}", self.cause, self.detail.raw()).into()
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked: too many other calls are waiting"),
            Self::Refused => f.write_str("connection refused"),
            Self::Timeout(after) => write!(f, "no answer within {}", seconds(*after)),
            Self::UnknownHost => f.write_str("name does not resolve"),
            Self::Tls => f.write_str("TLS handshake failed"),
            Self::Unauthenticated => f.write_str("credentials refused"),
            Self::Forbidden => f.write_str("not permitted"),
            Self::NotFound => f.write_str("not found"),
            Self::Conflict => f.write_str("changed in the meantime"),
            Self::Invalid => f.write_str("request refused"),
            Self::Busy => f.write_str("too busy"),
            Self::TooLarge(limit) => write!(f, "answer larger than {} KiB", limit / 1024),
            Self::TooMany => f.write_str("too many to list"),
            Self::Malformed => f.write_str("answer not understood"),
            Self::Http(code) => write!(f, "HTTP {code}"),
            Self::Misconfigured => f.write_str("not usable as configured"),
            Self::Broken => f.write_str("connection broke"),
        }
    }
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

impl fmt::Display for PlatformError {
    /// Only the trusted part: the target and the other side's words go through the sanitiser.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for PlatformError {}
