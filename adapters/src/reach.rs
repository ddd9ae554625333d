//! Which addresses a WebSocket may be opened to when a platform hands one over. Called before every
//! connection.
//!
//! Invariant: nothing goes elsewhere than to the platform's own hosts, encrypted, or to this machine.

use std::net::IpAddr;

use tokio_tungstenite::tungstenite::http::Uri;

/// What kind of address one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `wss` to a host in the platform's domain.
    Encrypted,
    /// `ws` to this machine.
    Loopback,
}

/// What kind of address this is; `None`: neither.
pub(crate) fn scheme(uri: &Uri, domain: &str) -> Option<Scheme> {
    let authority = uri.authority()?;
    let host = authority.host();
    // A name before the host is only ever there to deceive.
    if authority.as_str().contains('@') {
        return None;
    }
    match uri.scheme_str()? {
        "wss" if is_in(host, domain) && matches!(uri.port_u16(), None | Some(443)) => {
            Some(Scheme::Encrypted)
        }
        "ws" if is_loopback(host) => Some(Scheme::Loopback),
        _ => None,
    }
}

fn is_in(host: &str, domain: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = host.strip_suffix(domain).and_then(|host| host.strip_suffix('.'));
    name.is_some_and(|name| !name.is_empty())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
