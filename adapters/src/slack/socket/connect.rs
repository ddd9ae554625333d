//! Opens one WebSocket to an address that Slack gave.
//!
//! Invariant: only Slack's hosts are connected to, by TLS with ring and the system's roots; the address
//! holds a ticket and appears in no error and no log.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error as WsError};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::Reach;
use crate::reach::{Scheme, scheme};

/// Where Slack's sockets are.
const DOMAIN: &str = "slack.com";
/// Largest message, in bytes; Slack's are below a tenth of it.
pub(super) const MAX_MESSAGE: usize = 1024 * 1024;
/// Unwritten bytes after which a socket is given up.
const MAX_UNWRITTEN: usize = 4 * 1024 * 1024;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a socket could not be opened, or was lost.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConnectError {
    #[error("Slack gave an address that is not its own")]
    Address,
    #[error("not connected: {0}")]
    Io(String),
    #[error("Slack answered with HTTP status {0}")]
    Status(u16),
    #[error("Slack broke the WebSocket protocol")]
    Protocol,
    #[error("a message is larger than {} KiB", MAX_MESSAGE / 1024)]
    TooLarge,
    #[error("the connection was closed")]
    Closed,
    #[error("Slack was silent for too long")]
    Silent,
}

/// Makes connections, with the roots read once.
pub(super) struct Connector {
    reach: Reach,
    tls: Arc<ClientConfig>,
}

impl Connector {
    pub(super) fn new(reach: Reach) -> Self {
        let mut roots = RootCertStore::empty();
        // A root that cannot be read is like one that is not there: the handshake says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring offers TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { reach, tls: Arc::new(tls) }
    }

    /// Connects to `url` and shakes hands.
    pub(super) async fn connect(&self, url: &SecretString) -> Result<Socket, ConnectError> {
        let uri: Uri = url.expose_secret().parse().map_err(|_| ConnectError::Address)?;
        let tls = match (scheme(&uri, DOMAIN), self.reach) {
            (Some(Scheme::Encrypted), _) => {
                tokio_tungstenite::Connector::Rustls(Arc::clone(&self.tls))
            }
            (Some(Scheme::Loopback), Reach::Loopback) => tokio_tungstenite::Connector::Plain,
            _ => return Err(ConnectError::Address),
        };
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE))
            .read_buffer_size(16 * 1024)
            .max_write_buffer_size(MAX_UNWRITTEN);
        // Small frames at once: an acknowledgement must not wait for the next.
        let connected = connect_async_tls_with_config(uri, Some(limits), true, Some(tls)).await;
        connected.map(|(socket, _)| socket).map_err(|error| ConnectError::of(&error))
    }
}

impl ConnectError {
    /// What happened, in words without the address.
    pub(super) fn of(error: &WsError) -> Self {
        match error {
            WsError::ConnectionClosed | WsError::AlreadyClosed => Self::Closed,
            WsError::Io(error) => Self::Io(error.to_string()),
            WsError::Http(response) => Self::Status(response.status().as_u16()),
            WsError::Capacity(tungstenite::error::CapacityError::MessageTooLong { .. }) => {
                Self::TooLarge
            }
            WsError::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Closed
            }
            _ => Self::Protocol,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slack_and_where_allowed_this_machine_are_connected_to() {
        for (url, expected) in [
            ("wss://wss-primary.slack.com/link/?ticket=t", Some(Scheme::Encrypted)),
            ("wss://wss-primary.slack.com:443/link", Some(Scheme::Encrypted)),
            ("wss://WSS.SLACK.COM/", Some(Scheme::Encrypted)),
            ("ws://127.0.0.1:80/", Some(Scheme::Loopback)),
            ("ws://[::1]:80/", Some(Scheme::Loopback)),
            ("ws://localhost:80/", Some(Scheme::Loopback)),
            ("ws://wss.slack.com/", None),
            ("https://wss.slack.com/", None),
            ("wss://slack.com.example.org/", None),
            ("wss://evilslack.com/", None),
            ("wss://.slack.com/", None),
            ("wss://example.org/.slack.com", None),
            ("wss://wss.slack.com@example.org/", None),
            ("wss://user@wss.slack.com/", None),
            ("wss://wss.slack.com:8443/", None),
            ("ws://127.0.0.1.example.org/", None),
            ("ws://10.0.0.1/", None),
            ("wss://127.0.0.1/", None),
            ("/path", None),
        ] {
            let uri: Uri = url.parse().unwrap();
            assert_eq!(scheme(&uri, DOMAIN), expected, "{url}");
        }
    }

    #[tokio::test]
    async fn a_refused_address_is_not_repeated() {
        let connector = Connector::new(Reach::Slack);
        for url in ["ws://127.0.0.1:9/?ticket=tell-nobody", "no url, tell-nobody", ""] {
            let error = connector.connect(&SecretString::from(url)).await.unwrap_err();
            assert_eq!(error, ConnectError::Address);
            assert!(!format!("{error} {error:?}").contains("tell-nobody"));
        }
    }
}
