//! A name server over UDP, for A, AAAA and CNAME (RFC 1035). Invariant: what it does not know is
//! NXDOMAIN, and it answers only what was asked. Started by scenarios; it ends when it is dropped.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// What there is behind a name.
#[derive(Clone, Debug)]
pub enum Zone {
    /// Addresses, and how many seconds they may be kept.
    Addresses(Vec<IpAddr>, u32),
    /// Another name for this one.
    Alias(String, u32),
    /// SERVFAIL
    Broken,
    /// No answer ever.
    Silent,
}

type Zones = Arc<Mutex<HashMap<String, Zone>>>;

/// A running name server.
pub struct NameServer {
    zones: Zones,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

const OK: u8 = 0;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const NOT_IMPLEMENTED: u8 = 4;

impl NameServer {
    /// Starts on a free port of the loopback, knowing nothing.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let zones = Zones::default();
        let task = tokio::spawn(serve(socket, Arc::clone(&zones)));
        Ok(Self { zones, address, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what is behind a name, from now on.
    pub fn set(&self, name: &str, zone: Zone) {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.insert(name.to_ascii_lowercase(), zone);
    }
}

async fn serve(socket: UdpSocket, zones: Zones) {
    let mut buffer = [0_u8; 1_500];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let answer = {
            let zones = zones.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&buffer[..length], &zones)
        };
        if let Some(answer) = answer {
            // Whoever asked may be gone.
            drop(socket.send_to(&answer, from).await);
        }
    }
}

/// The answer to one question; `None` where there is to be none.
fn answer(query: &[u8], zones: &HashMap<String, Zone>) -> Option<Vec<u8>> {
    // Twelve bytes of head: id, flags, four counts.
    let (name, end) = name_at(query, 12)?;
    let kind = u16::from_be_bytes([*query.get(end)?, *query.get(end + 1)?]);
    let question = query.get(12..end + 4)?;
    let mut records: Vec<(String, u16, u32, Vec<u8>)> = Vec::new();
    let (mut at, mut code) = (name, OK);
    for hop in 0..8 {
        match zones.get(&at) {
            None => {
                if hop == 0 {
                    code = NXDOMAIN;
                }
                break;
            }
            Some(Zone::Silent) => return None,
            Some(Zone::Broken) => {
                code = SERVFAIL;
                break;
            }
            Some(Zone::Alias(to, ttl)) => {
                records.push((at, CNAME, *ttl, written(to)));
                at = to.to_ascii_lowercase();
            }
            Some(Zone::Addresses(addresses, ttl)) => {
                for address in addresses {
                    match (address, kind) {
                        (IpAddr::V4(v4), A) => {
                            records.push((at.clone(), A, *ttl, v4.octets().to_vec()));
                        }
                        (IpAddr::V6(v6), AAAA) => {
                            records.push((at.clone(), AAAA, *ttl, v6.octets().to_vec()));
                        }
                        _ => {}
                    }
                }
                break;
            }
        }
    }
    if query.get(2)? & 0x78 != 0 {
        (code, records) = (NOT_IMPLEMENTED, Vec::new());
    }
    let mut out = query.get(..2)?.to_vec();
    // An answer, recursion was desired and is offered.
    out.extend([0x80 | (query.get(2)? & 0x01), 0x80 | code]);
    let count = u16::try_from(records.len()).ok()?;
    for count in [1, count, 0, 0] {
        out.extend(count.to_be_bytes());
    }
    out.extend(question);
    for (name, kind, ttl, data) in records {
        out.extend(written(&name));
        out.extend(kind.to_be_bytes());
        out.extend(1_u16.to_be_bytes());
        out.extend(ttl.to_be_bytes());
        out.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        out.extend(data);
    }
    Some(out)
}

/// The name at an offset, in lower case, and where it ends. A question has no pointers.
fn name_at(query: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        if length > 63 {
            return None;
        }
        let label = query.get(at..at + length)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += length;
    }
}

fn written(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).unwrap_or(63));
        out.extend(label.bytes().take(63));
    }
    out.push(0);
    out
}
