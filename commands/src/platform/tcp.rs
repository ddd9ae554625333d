//! TCP connections from nova's own process: whether a port can be reached, and how long that takes.
//!
//! An ICMP echo needs rights that a bot should not have, so what `ping` would tell is told by connects:
//! one whose first packet is lost is repeated by the kernel after a second, so that it is late or fails.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::{TcpStream, lookup_host};

use super::{Cause, PlatformError, transport};

/// The kernel repeats the first packet of a connection after so long (RFC 6298, section 2).
pub const REPEATED: Duration = Duration::from_secs(1);

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    pub at: Timestamp,
    pub took: Result<Duration, Cause>,
}

/// Several attempts at one address, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tries {
    pub address: SocketAddr,
    pub tries: Vec<Try>,
}

impl Tries {
    /// How long those took that were accepted, shortest first.
    #[must_use]
    pub fn times(&self) -> Vec<Duration> {
        let mut times: Vec<_> = self.tries.iter().filter_map(|one| one.took.ok()).collect();
        times.sort();
        times
    }

    /// The middle one.
    #[must_use]
    pub fn median(&self) -> Option<Duration> {
        let times = self.times();
        times.get(times.len() / 2).copied()
    }

    /// How many lost a packet: no answer in time, or one that only came to a repetition.
    #[must_use]
    pub fn lost(&self) -> usize {
        let lost = |one: &&Try| match one.took {
            Ok(took) => took >= REPEATED,
            Err(cause) => matches!(cause, Cause::Timeout(_)),
        };
        self.tries.iter().filter(lost).count()
    }

    /// The mean difference between one time and the next.
    #[must_use]
    pub fn jitter(&self) -> Option<Duration> {
        let times: Vec<Duration> = self.tries.iter().filter_map(|one| one.took.ok()).collect();
        let steps = u32::try_from(times.len().checked_sub(1).filter(|n| *n > 0)?).ok()?;
        let sum: Duration = times.windows(2).map(|pair| pair[0].abs_diff(pair[1])).sum();
        Some(sum / steps)
    }

    /// Why the last one that failed did.
    #[must_use]
    pub fn failure(&self) -> Option<Cause> {
        self.tries.iter().rev().find_map(|one| one.took.err())
    }
}

/// Resolves a host once and connects to it `count` times, one after the other with `pause` between,
/// each within the deadline. Of several addresses the first one that accepts is used.
///
/// # Errors
/// When the name does not resolve. What becomes of each attempt is in the [`Tries`].
pub async fn connect(
    (host, port): (&str, u16),
    count: usize,
    pause: Duration,
    deadline: Duration,
) -> Result<Tries, PlatformError> {
    let target = format!("connect to {host}:{port}");
    let addresses = match tokio::time::timeout(deadline, lookup_host((host, port))).await {
        Ok(Ok(addresses)) => addresses.collect::<Vec<_>>(),
        Ok(Err(error)) => {
            let cause = transport::cause(&error);
            return Err(PlatformError::new(target, cause).detail(transport::words(cause, &error)));
        }
        Err(_) => {
            let error = PlatformError::new(target, Cause::Timeout(deadline));
            return Err(error.detail("the name was not resolved"));
        }
    };
    let Some(&first) = addresses.first() else {
        return Err(PlatformError::new(target, Cause::UnknownHost));
    };
    let mut tries = Tries { address: first, tries: vec![once(first, deadline).await] };
    for other in &addresses[1..] {
        if tries.tries[0].took.is_ok() {
            break;
        }
        let attempt = once(*other, deadline).await;
        if attempt.took.is_ok() {
            tries = Tries { address: *other, tries: vec![attempt] };
        }
    }
    while tries.tries.len() < count {
        tokio::time::sleep(pause).await;
        tries.tries.push(once(tries.address, deadline).await);
    }
    Ok(tries)
}

async fn once(address: SocketAddr, deadline: Duration) -> Try {
    let (at, start) = (Timestamp::now(), Instant::now());
    let took = match tokio::time::timeout(deadline, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(start.elapsed()),
        Ok(Err(error)) => Err(match error.kind() {
            ErrorKind::ConnectionRefused => Cause::Refused,
            ErrorKind::TimedOut => Cause::Timeout(deadline),
            _ => Cause::Broken,
        }),
        Err(_) => Err(Cause::Timeout(deadline)),
    };
    Try { at, took }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(millis: &[Result<u64, Cause>]) -> Tries {
        let one = |took: &Result<u64, Cause>| Try {
            at: Timestamp::UNIX_EPOCH,
            took: took.map(Duration::from_millis),
        };
        Tries { address: "127.0.0.1:1".parse().unwrap(), tries: millis.iter().map(one).collect() }
    }

    #[test]
    fn a_late_connection_is_a_lost_packet_and_a_refusal_is_none() {
        let seen = tries(&[
            Ok(2),
            Ok(4),
            Ok(1_003),
            Err(Cause::Timeout(REPEATED)),
            Err(Cause::Refused),
            Ok(3),
        ]);
        assert_eq!((seen.lost(), seen.failure()), (2, Some(Cause::Refused)));
        assert_eq!(seen.median(), Some(Duration::from_millis(4)));
        assert_eq!(tries(&[Ok(2), Ok(4), Ok(3)]).jitter(), Some(Duration::from_micros(1_500)));
        assert_eq!((tries(&[Ok(2)]).jitter(), tries(&[]).median()), (None, None));
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_told_from_a_closed_port() {
        let deadline = Duration::from_secs(30);
        let unknown = connect(("no.such.host.invalid", 80), 1, Duration::ZERO, deadline).await;
        assert_eq!(unknown.unwrap_err().cause, Cause::UnknownHost);
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = held.local_addr().unwrap().port();
        let open = connect(("127.0.0.1", port), 3, Duration::ZERO, deadline).await.unwrap();
        assert_eq!((open.times().len(), open.lost()), (3, 0));
        drop(held);
        let closed = connect(("127.0.0.1", port), 2, Duration::ZERO, deadline).await.unwrap();
        assert_eq!(closed.failure(), Some(Cause::Refused));
    }
}
