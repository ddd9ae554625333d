//! Which addresses nova talks to: the API's, and the gateway's that Discord hands over.
//!
//! Invariant: the token goes to Discord's own hosts over TLS only, or to this machine when the API
//! itself is on this machine (tests and demonstrations).

use reqwest::Url;

use crate::rest::address::{self, has_credentials, loopback};

/// The gateway's domains.
const DOMAINS: [&str; 2] = ["discord.gg", "discord.com"];

/// Where the API is, and what follows from that.
pub(super) struct Hosts {
    api: String,
    local: bool,
}

impl Hosts {
    /// `api_url` is the address in front of a path.
    ///
    /// # Errors
    /// A sentence for whoever wrote the configuration.
    pub(super) fn new(api_url: &str) -> Result<Self, String> {
        let (api, local) = address::api(api_url)?;
        Ok(Self { api, local })
    }

    /// The API's address, without a slash at its end.
    pub(super) fn api(&self) -> &str {
        &self.api
    }

    /// Whether the gateway may be at `address`.
    pub(super) fn is_gateway(&self, address: &str) -> bool {
        let Ok(url) = Url::parse(address) else { return false };
        let host = url.host_str().unwrap_or_default();
        let theirs = |domain: &str| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let discord = url.scheme() == "wss" && DOMAINS.into_iter().any(theirs);
        let here = self.local && matches!(url.scheme(), "ws" | "wss") && loopback(&url);
        !has_credentials(&url) && (discord || here)
    }

    pub(super) fn is_local(&self) -> bool {
        self.local
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_discords() {
        let hosts = Hosts::new("https://discord.com/api/v10").unwrap();
        assert!(hosts.is_gateway("wss://gateway.discord.gg"));
        assert!(hosts.is_gateway("wss://gateway-us-east1-b.discord.gg/"));
        for bad in [
            "ws://gateway.discord.gg",
            "wss://evil.example/discord.gg",
            "wss://evildiscord.gg",
            "wss://user@gateway.discord.gg",
            "ws://127.0.0.1:80",
            "",
        ] {
            assert!(!hosts.is_gateway(bad), "{bad}");
        }
        let local = Hosts::new("http://127.0.0.1:4000/api/v10").unwrap();
        assert!(local.is_gateway("ws://127.0.0.1:4000/gateway/"));
        assert!(!local.is_gateway("ws://192.168.0.1/"));
    }
}
