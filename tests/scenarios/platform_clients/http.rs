//! Plain HTTP against servers that are hostile, huge, slow or absent.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nova_commands::platform::Cause;
use nova_commands::platform::config::Limits;
use nova_commands::platform::http::{Http, MAX_BODY};
use nova_sandbox::services::{Fault, Services};
use secrecy::SecretString;

use super::raw::{self, After, Raw};
use super::{HASTY, PATIENT, TOO_LATE, refused, told};
use crate::support::install_tls;

fn client(limits: Limits) -> Result<Http> {
    install_tls();
    Ok(Http::new(limits)?)
}

#[tokio::test]
async fn any_status_is_an_answer() -> Result<()> {
    let http = client(PATIENT)?;
    for (line, status) in [("200 OK", 200), ("404 Not Found", 404), ("503 Oh", 503), ("599 X", 599)]
    {
        let server = Raw::http(line, "Application/JSON; charset=utf-8", "{\"a\":1}").await?;
        let answer = http.get(&format!("{}/health", server.url()), None).await?;
        ensure!(answer.status == status && answer.media_type == "application/json", "{answer:?}");
        ensure!(answer.body == b"{\"a\":1}" && !answer.truncated, "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_huge_body_is_cut() -> Result<()> {
    let http = client(PATIENT)?;
    let services = Services::start(&["huge"]).await?;
    services.set("huge", Fault::Huge).await?;
    let answer = http.get(&format!("{}/health", services.url("huge")), None).await?;
    ensure!(answer.truncated && answer.body.len() == MAX_BODY, "{} bytes", answer.body.len());
    for (length, truncated) in [(MAX_BODY, false), (MAX_BODY + 1, true)] {
        let server = Raw::http("200 OK", "text/plain", &"x".repeat(length)).await?;
        let answer = http.get(&server.url(), None).await?;
        ensure!(answer.body.len() == MAX_BODY && answer.truncated == truncated, "{length} bytes");
    }
    Ok(())
}

#[tokio::test]
async fn a_body_without_end_and_a_silent_server_are_given_up() -> Result<()> {
    let http = client(HASTY)?;
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nx: "] {
        let server = Raw::answering(head, After::Trickle).await?;
        let given_up = tokio::time::timeout(PATIENT.deadline, http.get(&server.url(), None)).await;
        refused(given_up.context("the deadline does not hold")?, TOO_LATE)?;
    }
    let (_silence, port) = raw::silent()?;
    refused(http.get(&format!("http://127.0.0.1:{port}"), None).await, TOO_LATE)?;
    Ok(())
}

#[tokio::test]
async fn a_call_that_finds_no_place_was_not_asked() -> Result<()> {
    // Long enough for the answer at the end on a busy machine.
    let limits = Limits { deadline: Duration::from_secs(2), concurrency: 1 };
    let http = client(limits)?;
    let (_silence, port) = raw::silent()?;
    let url = format!("http://127.0.0.1:{port}");
    let (one, two) = tokio::join!(http.get(&url, None), http.get(&url, None));
    let causes = [one, two].map(|answer| answer.err().map(|error| error.cause));
    let silent = Some(Cause::Timeout(limits.deadline));
    // The second may get its place in the last moment, when the first gives it back.
    ensure!(causes[0] == silent && (causes[1] == silent || causes[1] == Some(Cause::NotAsked)));
    // Whoever gives up gives its place back.
    let server = Raw::http("200 OK", "text/plain", "").await?;
    http.get(&server.url(), None).await?;
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() -> Result<()> {
    let http = client(PATIENT)?;
    let inside = Raw::http("200 OK", "text/plain", "internal").await?;
    let head = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        inside.url()
    );
    let server = Raw::answering(head, After::Close).await?;
    let answer = http.get(&server.url(), Some(&SecretString::from("t0ken"))).await?;
    ensure!(answer.status == 302 && inside.asked() == 0, "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn failures_are_told_apart() -> Result<()> {
    let http = client(PATIENT)?;
    let (_socket, port) = raw::closed()?;
    let error = http.get(&format!("http://127.0.0.1:{port}/health"), None).await;
    let error = refused(error, Cause::Refused)?;
    ensure!(error.target.raw() == format!("GET http://127.0.0.1:{port}/health"));
    refused(http.get("http://name.invalid/", None).await, Cause::UnknownHost)?;
    for url in ["", "no url", "http://", "file:///etc/passwd", "ftp://127.0.0.1/"] {
        let cause = http.get(url, None).await.err().map(|error| error.cause);
        ensure!(cause == Some(Cause::Misconfigured), "{url:?}: {cause:?}");
    }
    // Words of the address say nothing about the cause.
    for path in ["", "/certificate/handshake/tls", "/dns-error/eof/closed"] {
        for (bytes, cause) in [
            ("", Cause::Broken),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", Cause::Broken),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", Cause::Broken),
            ("220 mail.example ESMTP\r\n\r\n", Cause::Malformed),
        ] {
            let server = Raw::answering(bytes, After::Close).await?;
            let url = format!("{}{path}", server.url());
            let error = refused(http.get(&url, None).await, cause).context(bytes)?;
            ensure!(!error.detail.raw().contains(path) || path.is_empty(), "{}", told(&error));
        }
    }
    let plain = Raw::http("400 Bad Request", "text/plain", "").await?;
    refused(http.get(&plain.url().replace("http:", "https:"), None).await, Cause::Tls)?;
    Ok(())
}
