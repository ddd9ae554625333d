//! What a name resolves to: by the machine's own resolver, as every program here sees it, and by each
//! name server, with the records and how long they are kept.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::Resolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use tokio::net::lookup_host;

use super::{Cause, PlatformError, transport};

/// Longest name, in characters (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
/// Name servers that are asked.
const MAX_SERVERS: usize = 6;

/// What one name server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub server: SocketAddr,
    pub said: Said,
    pub took: Duration,
}

/// What there is behind a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Sorted. `ttl`: the seconds that the shortest-lived record may be kept; `chain`: the names that
    /// it is an alias of.
    Addresses { addresses: Vec<IpAddr>, ttl: u32, chain: Vec<String> },
    /// NXDOMAIN
    NoSuchName,
    /// The name is there, and has no address.
    NoAddress,
    /// Such as SERVFAIL or REFUSED.
    Refused(String),
    /// Nothing came in time.
    Silent,
    /// Anything else, in words of the library.
    Broken(String),
}

/// Whether this can be a host's name: labels of letters, digits, `-` and `_` (RFC 1123, section 2.1,
/// and the underscore that services use).
#[must_use]
pub fn is_name(name: &str) -> bool {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    bare.len() <= MAX_NAME && bare.split('.').all(label)
}

/// The addresses by the machine's own resolver, with its hosts file and search list, sorted.
///
/// # Errors
/// [`Cause::UnknownHost`] when it knows no such name; [`Cause::Busy`] when its name servers do not answer
/// it.
pub async fn system(
    name: &str,
    deadline: Duration,
) -> Result<(Vec<IpAddr>, Duration), PlatformError> {
    let target = format!("getaddrinfo {name}");
    let start = Instant::now();
    match tokio::time::timeout(deadline, lookup_host((name, 0))).await {
        Ok(Ok(found)) => {
            let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            addresses.sort();
            addresses.dedup();
            Ok((addresses, start.elapsed()))
        }
        Ok(Err(error)) => {
            let words = transport::innermost(&error);
            let again = ["temporary failure", "try again"];
            let cause = match again.iter().any(|again| words.to_lowercase().contains(again)) {
                true => Cause::Busy,
                false => Cause::UnknownHost,
            };
            Err(PlatformError::new(target, cause).detail(words))
        }
        Err(_) => Err(PlatformError::new(target, Cause::Timeout(deadline))),
    }
}

/// Asks each name server for itself: the given ones, or those of the machine with its search list.
///
/// # Errors
/// [`Cause::Misconfigured`] when the machine's configuration cannot be read or names no server.
pub async fn servers(
    name: &str,
    given: &[SocketAddr],
    deadline: Duration,
) -> Result<Vec<Told>, PlatformError> {
    let target = "name servers";
    let (whole, mut options) = match given {
        [] => read_system_conf().map_err(|error| {
            PlatformError::new(target, Cause::Misconfigured).detail(error.to_string())
        })?,
        _ => (ResolverConfig::default(), ResolverOpts::default()),
    };
    options.timeout = deadline;
    options.attempts = 0;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    let (domain, search, own) = whole.into_parts();
    let servers: Vec<SocketAddr> = match given {
        [] => own.iter().map(|server| SocketAddr::new(server.ip, port(server))).collect(),
        given => given.to_vec(),
    };
    let mut seen = Vec::new();
    for server in servers {
        if !seen.contains(&server) && seen.len() < MAX_SERVERS {
            seen.push(server);
        }
    }
    if seen.is_empty() {
        return Err(PlatformError::new(target, Cause::Misconfigured).detail("there are none"));
    }
    let asked = seen.into_iter().map(|server| {
        let config = ResolverConfig::from_parts(domain.clone(), search.clone(), vec![only(server)]);
        ask(name, server, config, options.clone(), deadline)
    });
    Ok(futures_util::future::join_all(asked).await)
}

fn port(server: &NameServerConfig) -> u16 {
    server.connections.first().map_or(53, |connection| connection.port)
}

/// Over UDP, and over TCP what does not fit.
fn only(server: SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = server.port();
    }
    NameServerConfig::new(server.ip(), true, connections)
}

async fn ask(
    name: &str,
    server: SocketAddr,
    config: ResolverConfig,
    options: ResolverOpts,
    deadline: Duration,
) -> Told {
    let start = Instant::now();
    let asked = async {
        let provider = TokioRuntimeProvider::default();
        let resolver = Resolver::builder_with_config(config, provider).with_options(options);
        let resolver = match resolver.build() {
            Ok(resolver) => resolver,
            Err(error) => return Said::Broken(error.to_string()),
        };
        let (four, six) = futures_util::join!(
            resolver.lookup(name, RecordType::A),
            resolver.lookup(name, RecordType::AAAA)
        );
        joined(four, six)
    };
    let said = tokio::time::timeout(deadline, asked).await.unwrap_or(Said::Silent);
    Told { server, said, took: start.elapsed() }
}

/// One answer of two: a name with one kind of address is there.
fn joined(four: Result<Lookup, NetError>, six: Result<Lookup, NetError>) -> Said {
    let (mut addresses, mut chain, mut ttl) = (Vec::new(), Vec::new(), u32::MAX);
    let records = [&four, &six].into_iter().flatten().flat_map(Lookup::answers);
    for record in records {
        ttl = ttl.min(record.ttl);
        match &record.data {
            RData::A(address) => addresses.push(IpAddr::V4(address.0)),
            RData::AAAA(address) => addresses.push(IpAddr::V6(address.0)),
            RData::CNAME(name) => {
                let name = name.0.to_string();
                if !chain.contains(&name) {
                    chain.push(name);
                }
            }
            _ => {}
        }
    }
    if !addresses.is_empty() {
        addresses.sort();
        addresses.dedup();
        return Said::Addresses { addresses, ttl, chain };
    }
    match (four, six) {
        (Err(error), _) | (_, Err(error)) => refusal(error),
        _ => Said::NoAddress,
    }
}

fn refusal(error: NetError) -> Said {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Said::NoSuchName,
            ResponseCode::NoError => Said::NoAddress,
            code => Said::Refused(word(code)),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => Said::Refused(word(code)),
        NetError::Timeout | NetError::NoConnections => Said::Silent,
        error => Said::Broken(error.to_string()),
    }
}

/// As dig writes it: SERVFAIL.
fn word(code: ResponseCode) -> String {
    format!("{code:?}").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_are_told_from_everything_else() {
        for name in ["novacron.com", "vm-service.novacron.svc.cluster.local.", "db", "_http._tcp.x"]
        {
            assert!(is_name(name), "{name}");
        }
        let long = ["a".repeat(64), "a.".repeat(127) + "ab"];
        for name in
            ["", ".", "a..b", "-a.b", "a b", "a;b", "ö.de", "http://x", "a/b", &long[0], &long[1]]
        {
            assert!(!is_name(name), "{name}");
        }
    }
}
