//! Which addresses nova talks to when Slack hands one over. Called before an upload and before an
//! answer to a `response_url`.
//!
//! Invariant: a message of ours goes to Slack's own hosts over https only, or to this machine when the
//! API itself is on this machine (tests and demonstrations).

use reqwest::Url;

use crate::rest::address::{self, has_credentials, loopback};

/// Slack's domains: the public one and the one for the US government.
const DOMAINS: [&str; 2] = ["slack.com", "slack-gov.com"];

/// Where the Web API is, and what follows from that.
pub(super) struct Hosts {
    api: String,
    local: bool,
}

impl Hosts {
    /// `api_url` is the address in front of the method's name.
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

    /// `address` as a URL, if it is one that a message may go to.
    pub(super) fn allowed(&self, address: &str) -> Option<Url> {
        let url = Url::parse(address).ok()?;
        let fine = !has_credentials(&url) && (slack(&url) || self.local && plain_loopback(&url));
        fine.then_some(url)
    }
}

fn slack(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let ours = |domain: &str| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    url.scheme() == "https" && url.port().is_none() && DOMAINS.into_iter().any(ours)
}

fn plain_loopback(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && loopback(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_to_slack_only() {
        let hosts = Hosts::new("https://slack.com/api").unwrap();
        for fine in [
            "https://hooks.slack.com/commands/T1/2/abc",
            "https://files.slack.com/upload/v1/x",
            "https://slack.com/x",
            "https://HOOKS.slack.com:443/x",
            "https://hooks.slack-gov.com/x",
        ] {
            assert!(hosts.allowed(fine).is_some(), "{fine}");
        }
        for bad in [
            "http://hooks.slack.com/x",
            "https://hooks.slack.com:8443/x",
            "https://evilslack.com/x",
            "https://slack.com.evil.example/x",
            "https://hooks.slack.com@evil.example/x",
            "https://user@hooks.slack.com/x",
            "https://evil.example/#.slack.com",
            "https://evil.example\\.slack.com/",
            "http://127.0.0.1/x",
            "https://localhost/x",
            "javascript:alert(1)",
            "",
        ] {
            assert!(hosts.allowed(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_local_api_may_hand_over_local_addresses() {
        let hosts = Hosts::new("http://127.0.0.1:4000/api").unwrap();
        assert!(hosts.allowed("http://127.0.0.1:4000/commands/1").is_some());
        assert!(hosts.allowed("http://localhost:4001/upload").is_some());
        assert!(hosts.allowed("http://192.168.0.1/x").is_none());
        assert!(hosts.allowed("http://evil.example/x").is_none());
    }
}
