//! The least that can answer a platform in Rust: axum, one route, the platform's signature, a fixed
//! answer.
//!
//! What `nova-bench slack` and `nova-bench discord` hold nova against; nothing else calls it. Invariant:
//! the raw body is verified as nova has to, with the same window, and nothing else is done.

mod discord;
mod slack;

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;

/// Seconds that a signature is good for, both ways.
const WINDOW: u64 = 300;

/// As many threads as nova has.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let variable = |name| std::env::var(name).with_context(|| format!("{name} is not set"));
    let at: SocketAddr = variable("LISTEN")?.parse().context("LISTEN is no address")?;
    let key = variable("KEY")?;
    let routes = match std::env::args().nth(1).as_deref() {
        Some("slack") => slack::routes(&key),
        Some("discord") => discord::routes(&key)?,
        _ => bail!("say `slack` or `discord`"),
    };
    let routes = routes.route("/readyz", get(async || StatusCode::OK));
    let listener = tokio::net::TcpListener::bind(at).await.context("cannot listen")?;
    axum::serve(listener, routes).await.context("cannot serve")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `None` for what is no time or not within [`WINDOW`] of now.
fn fresh(timestamp: &str) -> Option<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let age = timestamp.parse::<u64>().ok()?.abs_diff(now);
    (age <= WINDOW).then_some(())
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let pairs = text.as_bytes().chunks_exact(2);
    (text.len() == 2 * N).then_some(())?;
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digit = |character: u8| char::from(character).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn now() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    pub(crate) fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_signature_has_two_digits_a_byte() {
        assert_eq!(unhex(&"0f".repeat(32)), Some([15; 32]));
        for text in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"é".repeat(32)] {
            assert_eq!(unhex::<32>(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_last_and_the_next_minutes_are_fresh() {
        for (at, expected) in [
            (now() - WINDOW + 10, Some(())),
            (now() + WINDOW - 10, Some(())),
            (now() - WINDOW - 10, None),
            (now() + WINDOW + 10, None),
        ] {
            assert_eq!(fresh(&at.to_string()), expected, "{at}");
        }
        assert_eq!(fresh("soon"), None);
    }
}
