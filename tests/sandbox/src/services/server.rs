//! The HTTP server of one stand-in: a listener, its connections, and the orders that break it.
//!
//! Plain HTTP/1.1 on a socket, because half of the faults (a closed port, silence, a body cut off)
//! lie below what an HTTP library lets through. Invariant: the port belongs to the service for life;
//! when it is closed a bound socket that does not listen keeps others from taking it. Run by
//! `Services`, which owns the task; the task owns its connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::Service;
use super::bodies::{self, Answer};
use super::fault::Fault;

/// Connections one service holds at a time; more are closed at once.
const MAX_CONNECTIONS: usize = 256;
/// Longest request head in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// How long an idle or half-written request is kept.
const IDLE: Duration = Duration::from_secs(60);
/// Size of the endless body in bytes.
const HUGE: usize = 50 * 1024 * 1024;
const BACKLOG: u32 = 512;

/// A wish to change the fault, answered when it is in effect.
pub(super) struct Order {
    pub(super) fault: Fault,
    pub(super) done: oneshot::Sender<io::Result<()>>,
}

/// The service's port: open, or closed but still reserved.
pub(super) enum Door {
    Open(TcpListener),
    Closed(TcpSocket),
    /// Only after a failed change; the next order tries again.
    Lost(SocketAddr),
}

impl Door {
    /// Opens a free port on loopback.
    pub(super) async fn open() -> io::Result<(Self, u16)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        Ok((Self::Open(listener), port))
    }

    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Open(listener) => listener.local_addr(),
            Self::Closed(socket) => socket.local_addr(),
            Self::Lost(address) => Ok(*address),
        }
    }

    /// Closes or opens the port, on the same number.
    fn set_open(&mut self, open: bool) -> io::Result<()> {
        if open == matches!(self, Self::Open(_)) && !matches!(self, Self::Lost(_)) {
            return Ok(());
        }
        let address = self.address()?;
        let socket = match std::mem::replace(self, Self::Lost(address)) {
            Self::Closed(socket) => socket,
            // The listener goes first: a port that is listened on cannot be bound again.
            Self::Open(listener) => {
                drop(listener);
                reserve(address)?
            }
            Self::Lost(address) => reserve(address)?,
        };
        *self = if open { Self::Open(socket.listen(BACKLOG)?) } else { Self::Closed(socket) };
        Ok(())
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        match self {
            Self::Open(listener) => listener.accept().await.map(|(stream, _)| stream),
            Self::Closed(_) | Self::Lost(_) => std::future::pending().await,
        }
    }
}

/// A socket bound to the address that does not listen: connecting to it is refused.
fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves until the task is aborted or nobody can send orders any more.
pub(super) async fn run(service: Arc<Service>, mut door: Door, mut orders: mpsc::Receiver<Order>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(Order { fault, done }) = order else { return };
                if fault.closes_port() {
                    connections.shutdown().await;
                }
                let changed = door.set_open(!fault.closes_port());
                if changed.is_ok() {
                    service.fault.send_replace(fault);
                }
                // Whoever asked may have gone; the change stands.
                let _asker = done.send(changed);
            }
            accepted = door.accept() => match accepted {
                Ok(stream) if connections.len() < MAX_CONNECTIONS => {
                    connections.spawn(converse(stream, Arc::clone(&service)));
                }
                Ok(too_many) => drop(too_many),
                // Out of descriptors, most likely: give the others time to close some.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// One connection; errors of the peer's end it.
async fn converse(mut stream: TcpStream, service: Arc<Service>) {
    let mut unread = Vec::with_capacity(1024);
    // A client that goes away or talks nonsense ends its own connection and nothing else.
    while let Ok(Some(request)) = read_request(&mut stream, &mut unread).await {
        if !matches!(answer(&mut stream, &service, &request).await, Ok(true)) {
            return;
        }
    }
}

struct Request {
    method: String,
    path: String,
    /// Of the `Authorization` header.
    bearer: String,
    /// The peer asked to close, or sent a body that this server does not read.
    last: bool,
}

/// Reads one request head; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<Option<Request>> {
    loop {
        if let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = unread.split_off(end + 4);
            let head = std::mem::replace(unread, rest);
            return Ok(Some(parse(&String::from_utf8_lossy(&head))));
        }
        if unread.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let read = tokio::time::timeout(IDLE, stream.read_buf(unread)).await??;
        if read == 0 {
            return Ok(None);
        }
    }
}

fn parse(head: &str) -> Request {
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default().to_owned();
    let old = words.next() == Some("HTTP/1.0");
    let field = |name: &str| {
        lines.clone().filter_map(|line| line.split_once(':')).find_map(|(field, value)| {
            field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let bearer = field("authorization").unwrap_or_default();
    let bearer = bearer.strip_prefix("Bearer ").unwrap_or_default().to_owned();
    let last = old
        || lines.any(|line| {
            let line = line.to_ascii_lowercase();
            line.starts_with("connection: close")
                || line.starts_with("transfer-encoding:")
                || (line.starts_with("content-length:") && !line.ends_with(": 0"))
        });
    Request { method, path, bearer, last }
}

/// Answers one request; `true` when the connection can carry another.
async fn answer(stream: &mut TcpStream, service: &Service, request: &Request) -> io::Result<bool> {
    let fault = *service.fault.borrow();
    if fault == Fault::Hanging {
        silence(stream, service).await;
        return Ok(false);
    }
    let head_only = request.method == "HEAD";
    if !head_only && request.method != "GET" {
        let refusal = Answer::text(405, "method not allowed\n");
        write(stream, &refusal, false, true).await?;
        return Ok(false);
    }
    let reply = match request.path.as_str() {
        "/metrics" => {
            let page = service.stats(|stats| stats.page(&service.name, fault));
            Answer {
                content_type: "text/plain; version=0.0.4; charset=utf-8",
                ..Answer::text(200, &page)
            }
        }
        "/health" => return health(stream, service, fault, request, head_only).await,
        "/api/v1/health" if service.name == "api-gateway" => {
            return health(stream, service, fault, request, head_only).await;
        }
        path => special(service, path, &request.bearer),
    };
    write(stream, &reply, head_only, request.last).await?;
    Ok(!request.last)
}

/// What a path that was given an answer says.
fn special(service: &Service, path: &str, bearer: &str) -> Answer {
    let Some(answer) = service.path(path) else {
        return Answer::text(404, "404 page not found\n");
    };
    let json = |status, body: String| Answer {
        content_type: "application/json",
        ..Answer::text(status, &body)
    };
    match answer.bearer {
        Some(wanted) if wanted != bearer => json(
            401,
            serde_json::json!({ "error": format!("not a valid token: {bearer}") }).to_string(),
        ),
        _ => json(answer.status, answer.body),
    }
}

async fn health(
    stream: &mut TcpStream,
    service: &Service,
    fault: Fault,
    request: &Request,
    head_only: bool,
) -> io::Result<bool> {
    let reply = bodies::health(service.shape, fault);
    match fault {
        Fault::Huge => {
            endless(stream).await?;
            return Ok(false);
        }
        Fault::DropMidBody => {
            let half = reply.body.len() / 2;
            let head = head(&reply, reply.body.len(), true);
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&reply.body[..half]).await?;
            stream.shutdown().await?;
            return Ok(false);
        }
        Fault::Slow(by) => tokio::time::sleep(by).await,
        _ => {}
    }
    write(stream, &reply, head_only, request.last).await?;
    Ok(!request.last)
}

/// Says nothing until the peer goes away or the service hangs no longer.
async fn silence(stream: &mut TcpStream, service: &Service) {
    let mut faults = service.fault.subscribe();
    let mut scrap = [0_u8; 512];
    let peer_leaves =
        async { while matches!(stream.read(&mut scrap).await, Ok(read) if read > 0) {} };
    tokio::select! {
        () = peer_leaves => {}
        _healed = faults.wait_for(|fault| *fault != Fault::Hanging) => {}
    }
}

fn head(answer: &Answer, length: usize, last: bool) -> String {
    let reason = match answer.status {
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        503 => "Service Unavailable",
        _ => "Status",
    };
    let Answer { status, content_type, .. } = answer;
    let connection = if last { "close" } else { "keep-alive" };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\nConnection: {connection}\r\n\r\n"
    )
}

async fn write(
    stream: &mut TcpStream,
    answer: &Answer,
    head_only: bool,
    last: bool,
) -> io::Result<()> {
    let mut bytes = head(answer, answer.body.len(), last).into_bytes();
    if !head_only {
        bytes.extend_from_slice(&answer.body);
    }
    stream.write_all(&bytes).await
}

/// Streams a JSON object that does not end; stops when the peer does or at the cap.
async fn endless(stream: &mut TcpStream) -> io::Result<()> {
    const START: &str = "{\"status\":\"healthy\",\"details\":\"";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{:x}\r\n{START}\r\n",
        START.len()
    );
    stream.write_all(head.as_bytes()).await?;
    let mut chunk = format!("{:x}\r\n", 64 * 1024).into_bytes();
    chunk.resize(chunk.len() + 64 * 1024, b'x');
    chunk.extend_from_slice(b"\r\n");
    let mut sent = 0;
    while sent < HUGE {
        stream.write_all(&chunk).await?;
        sent += 64 * 1024;
    }
    stream.write_all(b"0\r\n\r\n").await
}
