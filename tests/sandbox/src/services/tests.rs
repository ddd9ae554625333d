//! Each fault as a plain TCP client sees it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

const BOUND: Duration = Duration::from_secs(20);

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Asks once and reads to the end of the connection.
async fn get(port: u16, path: &str) -> Reply {
    let work = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        Reply { status: head[9..12].parse().unwrap(), head, body: all.split_off(end + 4) }
    };
    timeout(BOUND, work).await.expect("a whole answer")
}

async fn one(fault: Fault) -> (Services, Reply) {
    let services = Services::start(&["vm-service"]).await.unwrap();
    services.set("vm-service", fault).await.unwrap();
    assert_eq!(services.fault("vm-service"), fault);
    let reply = get(services.port("vm-service"), "/health").await;
    (services, reply)
}

#[tokio::test]
async fn the_six_services_are_healthy_each_in_its_own_words() {
    let names = NOVACRON.map(|(name, _)| name);
    let services = Services::start(&names).await.unwrap();
    assert_eq!(services.names(), names);
    let expected = [
        json!({"status": "healthy", "checks": {
            "database": {"status": "healthy"}, "cache": {"status": "healthy"}}}),
        json!({"status": "ok"}),
        json!({"status": "healthy", "services": {"db": "ok"}}),
        json!("OK"),
        json!({"status": "ok", "components": [{"name": "queue", "status": "up"}]}),
        json!({"status": "healthy", "database": "ok", "storage": "ok"}),
    ];
    for (name, expected) in names.iter().zip(expected) {
        let reply = get(services.port(name), "/health").await;
        assert_eq!(reply.status, 200, "{name}");
        let body: Value =
            serde_json::from_slice(&reply.body).unwrap_or_else(|_| reply.text().into());
        assert_eq!(body, expected, "{name}");
    }
    let gateway = services.port("api-gateway");
    assert_eq!(get(gateway, "/api/v1/health?x=1").await.status, 200);
    let other = services.port("vm-service");
    assert_eq!(get(other, "/api/v1/health").await.status, 404);
}

#[tokio::test]
async fn metrics_have_counters_and_a_histogram() {
    let (services, _) = one(Fault::NotFound).await;
    let reply = get(services.port("vm-service"), "/metrics").await;
    assert_eq!(reply.status, 200, "a missing health path leaves the metrics");
    assert!(reply.head.contains("version=0.0.4"), "{}", reply.head);
    let text = reply.text();
    for needle in [
        "novacron_service_up{service=\"vm-service\"} 1",
        "http_requests_total{service=\"vm-service\",method=\"GET\",status=\"200\"} ",
        "http_request_duration_seconds_bucket{service=\"vm-service\",le=\"+Inf\"} ",
    ] {
        assert!(text.contains(needle), "{needle} is not in {text}");
    }
}

#[tokio::test]
async fn answers_that_are_wrong() {
    let (_services, reply) = one(Fault::Degraded).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("\"status\":\"degraded\""));

    let (_services, reply) = one(Fault::StorageWarning).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("\"storage\":\"warning: 91% full\""));

    let (_services, reply) = one(Fault::Unhealthy).await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("\"database\""), "{}", reply.text());

    let (_services, reply) = one(Fault::NotFound).await;
    assert_eq!(reply.status, 404);

    let (_services, reply) = one(Fault::NotJson).await;
    assert_eq!(reply.status, 200);
    assert!(reply.head.contains("text/html"));

    let (_services, reply) = one(Fault::Garbage).await;
    assert_eq!(reply.status, 200);
    assert!(reply.head.contains("application/json"));
    assert!(String::from_utf8(reply.body).is_err(), "invalid UTF-8");
}

#[tokio::test]
async fn every_shape_shows_its_faults() {
    let names = NOVACRON.map(|(name, _)| name);
    let services = Services::start(&names).await.unwrap();
    for name in names {
        services.set(name, Fault::Unhealthy).await.unwrap();
        let reply = get(services.port(name), "/health").await;
        assert_eq!(reply.status, 503, "{name}");
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert!(body["status"].as_str().unwrap().starts_with("un"), "{body}");
        services.set(name, Fault::Degraded).await.unwrap();
        let reply = get(services.port(name), "/health").await;
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, &body["status"]), (200, &"degraded".into()));
    }
}

#[tokio::test]
async fn a_slow_service_answers_in_the_end() {
    let (_services, reply) = one(Fault::Slow(Duration::from_millis(30))).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"status":"ok"}"#));
}

#[tokio::test]
async fn a_refused_port_opens_again_on_the_same_number() {
    let services = Services::start(&["vm-service"]).await.unwrap();
    let port = services.port("vm-service");
    let mut idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    for fault in [Fault::Refused, Fault::Absent, Fault::Refused] {
        services.set("vm-service", fault).await.unwrap();
        let error = TcpStream::connect(("127.0.0.1", port)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    let mut rest = Vec::new();
    let ended = timeout(BOUND, idle.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the old connection was to end");
    services.set("vm-service", Fault::Ok).await.unwrap();
    assert_eq!(services.port("vm-service"), port);
    assert_eq!(get(port, "/health").await.status, 200);
}

/// Asks without waiting for the answer.
async fn asked(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream
}

#[tokio::test]
async fn a_hanging_service_takes_the_request_and_says_nothing() {
    let services = Services::start(&["vm-service"]).await.unwrap();
    services.set("vm-service", Fault::Hanging).await.unwrap();
    let port = services.port("vm-service");
    // A client that says that it sends no more gets whatever answer there is, then the end.
    let mut stream = asked(port).await;
    stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    let read = timeout(BOUND, stream.read_to_end(&mut all)).await;
    read.expect("the connection was to end").unwrap();
    assert_eq!(all, b"");

    let mut waiting = asked(port).await;
    services.set("vm-service", Fault::Ok).await.unwrap();
    let read = timeout(BOUND, waiting.read(&mut [0; 4096])).await;
    assert!(read.is_ok(), "the silence was to end with the fault");
    assert_eq!(get(port, "/health").await.status, 200);
}

#[tokio::test]
async fn a_huge_body_is_streamed_and_can_be_left() {
    let services = Services::start(&["vm-service"]).await.unwrap();
    services.set("vm-service", Fault::Huge).await.unwrap();
    let port = services.port("vm-service");
    let mut stream = asked(port).await;
    let mut seen = 0;
    let mut buffer = vec![0; 64 * 1024];
    while seen < 2 * 1024 * 1024 {
        let read = timeout(BOUND, stream.read(&mut buffer)).await;
        seen += read.expect("more of the body").unwrap();
    }
    drop(stream);
    services.set("vm-service", Fault::Ok).await.unwrap();
    assert_eq!(get(port, "/health").await.status, 200);
}

#[tokio::test]
async fn a_cut_body_is_shorter_than_announced() {
    let (_services, reply) = one(Fault::DropMidBody).await;
    let announced =
        reply.head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    assert!(reply.body.len() < announced.parse().unwrap());
}

#[tokio::test]
async fn a_connection_carries_several_requests() {
    let services = Services::start(&["ml-service"]).await.unwrap();
    let port = services.port("ml-service");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream
        .write_all(
            b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n\
              GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await
        .unwrap();
    let mut all = String::new();
    let read = timeout(BOUND, stream.read_to_string(&mut all)).await;
    read.expect("both answers").unwrap();
    assert_eq!(all.matches("HTTP/1.1 200 OK").count(), 2, "{all}");
}

#[tokio::test]
async fn many_services_live_in_one_process_and_end_with_their_owner() {
    let services = Services::start_many(600).await.unwrap();
    let ports: Vec<u16> = services.names().iter().map(|n| services.port(n)).collect();
    for port in &ports {
        assert_eq!(get(*port, "/health").await.status, 200);
    }
    drop(services);
    let gone = async {
        for port in ports {
            while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                tokio::task::yield_now().await;
            }
        }
    };
    timeout(BOUND, gone).await.expect("all ports closed");
}

#[tokio::test]
async fn unknown_and_double_names_are_errors() {
    let services = Services::start(&["a"]).await.unwrap();
    assert!(services.set("b", Fault::Ok).await.is_err());
    assert!(Services::start(&["a", "a"]).await.is_err());
}
