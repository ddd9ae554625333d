//! What a failed connection means, whichever client library it happened in.
//!
//! The libraries wrap the same few causes in different types; what happened is at the end of the
//! chain of sources.

use std::error::Error;
use std::io::ErrorKind;

use super::Cause;
use super::error::KEPT;

/// The cause at the end of the chain.
pub(super) fn cause(error: &(dyn Error + 'static)) -> Cause {
    let mut io = None;
    let mut words = String::new();
    let mut current = Some(error);
    while let Some(inner) = current {
        if let Some(error) = inner.downcast_ref::<std::io::Error>() {
            io = Some(error.kind());
        }
        words.push_str(&inner.to_string().to_lowercase());
        words.push(' ');
        current = inner.source();
    }
    let says = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
    match io {
        Some(ErrorKind::ConnectionRefused) => Cause::Refused,
        _ if says(&["dns error", "lookup address", "name or service", "name resolution"]) => {
            Cause::UnknownHost
        }
        _ if says(&["certificate", "handshake", "tls", "corrupt message"]) => Cause::Tls,
        Some(_) => Cause::Broken,
        None if says(&["closed", "incomplete", "eof"]) => Cause::Broken,
        None => Cause::Malformed,
    }
}

/// The words worth showing beside a cause: none where the cause says it all.
pub(super) fn words(cause: Cause, error: &(dyn Error + 'static)) -> String {
    match cause {
        Cause::Refused | Cause::UnknownHost => String::new(),
        _ => innermost(error),
    }
}

/// The words at the end of the chain; the outer ones repeat them or name a URL.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut current = error;
    while let Some(inner) = current.source() {
        current = inner;
    }
    current.to_string().chars().take(KEPT).collect()
}
