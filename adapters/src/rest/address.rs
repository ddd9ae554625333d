//! The address of a web API, checked before anything is sent to it.
//!
//! Invariant: encrypted, or on this machine (tests and demonstrations).

use std::net::IpAddr;

use reqwest::Url;

/// `api_url` without a slash at its end, and whether it is on this machine.
///
/// # Errors
/// A sentence for whoever wrote the configuration.
pub(crate) fn api(api_url: &str) -> Result<(String, bool), String> {
    let url = Url::parse(api_url).map_err(|e| format!("the API's address is no URL: {e}"))?;
    let local = loopback(&url);
    if url.scheme() != "https" && !(local && url.scheme() == "http") {
        return Err("the API's address has to begin with https://".into());
    }
    if has_credentials(&url) || url.query().is_some() || url.fragment().is_some() {
        return Err("the API's address has no user, query or fragment".into());
    }
    Ok((url.as_str().trim_end_matches('/').to_owned(), local))
}

/// What is wrong with an API's address, if anything: the `bot` crate asks it of the configuration.
///
/// # Errors
/// A sentence for whoever wrote the configuration.
pub fn check(api_url: &str) -> Result<(), String> {
    api(api_url).map(drop)
}

pub(crate) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

pub(crate) fn loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_encrypted_or_on_this_machine() {
        for fine in ["https://slack.com/api", "http://127.0.0.1:80/api", "http://[::1]:3/api/"] {
            assert!(api(fine).is_ok(), "{fine}");
        }
        for bad in [
            "",
            "slack.com/api",
            "http://slack.com/api",
            "http://127.0.0.1.evil.example/api",
            "http://0.0.0.0/api",
            "ftp://localhost/api",
            "file:///etc/passwd",
            "https://user:pw@slack.com/api",
            "https://slack.com/api?x=y",
        ] {
            assert!(api(bad).is_err(), "{bad}");
        }
    }
}
