//! What the tests of the routes share: routes on a port of their own, spoken to byte by byte.

use std::net::SocketAddr;

use axum::Router;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::intake::fixtures::soon;

/// Routes on a port of their own; dropped, they end.
pub(crate) struct Served {
    pub(crate) at: SocketAddr,
    _tasks: JoinSet<()>,
}

pub(crate) async fn serve(router: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served { at, _tasks: tasks }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, body: String::new() }
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A POST; `headers` end with a line break each.
pub(crate) fn request(path: &str, content_type: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: nova\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
         content-length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Sends bytes and reads the reply. The server may close before it has read all of them.
pub(crate) async fn send(at: SocketAddr, bytes: &[u8]) -> Reply {
    let stream = TcpStream::connect(at).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let (_, text) = tokio::join!(
        async { to.write_all(bytes).await.is_ok() },
        soon("a reply", async {
            let mut text = Vec::new();
            // A reset after the reply, for what was not read, leaves what has come.
            let _ended = from.read_to_end(&mut text).await;
            String::from_utf8(text).unwrap()
        }),
    );
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, body: body.to_owned() }
}
