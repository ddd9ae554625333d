//! A plain HTTP/1.0 client, so that requests can be sent which no library would send. The answer ends
//! with its connection. Called by the contract scenarios.

use nova_sandbox::cluster::Cluster;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer: its code, and its body as text.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    /// The lines of a watch.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.body
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
            })
            .collect()
    }
}

/// Sends one request as a user ("" for nobody known); None when the connection was cut.
pub(crate) async fn send(
    cluster: &Cluster,
    user: &str,
    method: &str,
    path: &str,
    content: &str,
    body: &str,
) -> Option<Answer> {
    let address = cluster.url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.expect("the cluster listens");
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: {content}\r\nContent-Length: {}\r\n\r\n",
        cluster.token(user),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the cluster reads");
    // A server may refuse a large body before it has read it all.
    stream.write_all(body.as_bytes()).await.ok();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await.ok();
    let raw = String::from_utf8(raw).expect("answers are UTF-8");
    let (head, body) = raw.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

/// As `admin`, and answered.
pub(crate) async fn admin(
    cluster: &Cluster,
    method: &str,
    path: &str,
    content: &str,
    body: &Value,
) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(cluster, "admin", method, path, content, &body)
        .await
        .unwrap_or_else(|| panic!("{method} {path} was not answered"))
}

pub(crate) async fn get(cluster: &Cluster, path: &str) -> Answer {
    admin(cluster, "GET", path, "", &Value::Null).await
}
