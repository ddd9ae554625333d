//! Prometheus as it answers, and what only looks like it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use nova_commands::platform::Cause;
use nova_commands::platform::config::PrometheusConfig;
use nova_commands::platform::http::{Http, MAX_BODY};
use nova_commands::platform::prometheus::Prometheus;
use nova_sandbox::process;
use secrecy::SecretString;

use super::raw::{self, Raw};
use super::{HASTY, PATIENT, TOO_LATE, refused, told};
use crate::support::install_tls;

const TOKEN: &str = "b3arer-t0ken-of-a-test";

fn client(url: &str) -> Result<Prometheus> {
    install_tls();
    let config = PrometheusConfig { url: url.to_owned(), bearer: None };
    Ok(Prometheus::new(&config, Some(SecretString::from(TOKEN)), Http::new(PATIENT)?))
}

#[tokio::test]
async fn queries_are_answered() -> Result<()> {
    let server = process::Prometheus::start::<&str, &str>(&[]).await?;
    // The trailing slash is a person's; the token is one that this server does not want.
    let prometheus = client(&format!("{}/", server.url()))?;
    prometheus.ready().await?;
    let at: Timestamp = "2024-02-29T12:00:00.123Z".parse()?;
    let one = prometheus.query("vector(1) + 1", Some(at)).await?;
    ensure!(one.len() == 1 && one[0].labels.is_empty(), "{one:?}");
    ensure!(one[0].value.to_bits() == 2.0_f64.to_bits() && one[0].at == at, "{one:?}");
    let scalar = prometheus.query("6 * 7", None).await?;
    ensure!(scalar.len() == 1 && (scalar[0].value - 42.0).abs() < f64::EPSILON, "{scalar:?}");
    let odd = "label_replace(vector(1), \"who\", \"a & b+c é\", \"\", \"\") unless vector(0) > 1";
    let labelled = prometheus.query(odd, None).await?;
    ensure!(labelled[0].labels["who"].raw() == "a & b+c é", "{}", labelled[0].labels["who"].raw());
    for nothing in ["no_such_metric", "vector(1) > 2", "sum(no_such_metric)"] {
        ensure!(prometheus.query(nothing, None).await?.is_empty(), "{nothing}");
    }
    for (query, expected) in [
        ("0 / 0", f64::NAN),
        ("vector(0) / 0", f64::NAN),
        ("1 / 0", f64::INFINITY),
        ("-1 / 0", f64::NEG_INFINITY),
    ] {
        let value = prometheus.query(query, None).await?[0].value;
        let same = value.is_nan() && expected.is_nan() || value.total_cmp(&expected).is_eq();
        ensure!(same, "{query} is {value}");
    }
    let range = (at, at + SignedDuration::from_secs(60));
    let series = prometheus.query_range("vector(3)", range, 15).await?;
    let points: Vec<_> = series[0].points.iter().map(|(at, value)| (*at, *value)).collect();
    ensure!(series.len() == 1 && points.len() == 5, "{series:?}");
    ensure!(points[0] == (at, 3.0) && points[4].0 == range.1, "{points:?}");
    let empty = prometheus.query_range("no_such_metric", range, 15).await?;
    ensure!(empty.is_empty(), "{empty:?}");
    Ok(())
}

#[tokio::test]
async fn what_it_scrapes_can_be_asked() -> Result<()> {
    let server = process::Prometheus::start(&[("nobody", "127.0.0.1:1")]).await?;
    let prometheus = client(&server.url())?;
    let mut look = tokio::time::interval(Duration::from_millis(100));
    let up = tokio::time::timeout(PATIENT.deadline, async {
        loop {
            look.tick().await;
            let up = prometheus.query("up", None).await?;
            if !up.is_empty() {
                break anyhow::Ok(up);
            }
        }
    });
    let up = up.await.context("waited for a scrape")??;
    ensure!(up[0].labels["job"].raw() == "nobody" && up[0].value.abs() < f64::EPSILON, "{up:?}");
    Ok(())
}

#[tokio::test]
async fn refused_queries_come_with_its_words() -> Result<()> {
    let server = process::Prometheus::start::<&str, &str>(&[]).await?;
    let prometheus = client(&server.url())?;
    for query in ["sum(", "", "rate(up)"] {
        let error = refused(prometheus.query(query, None).await, Cause::Invalid)?;
        ensure!(!error.detail.is_empty() && !told(&error).contains(TOKEN), "{}", told(&error));
    }
    let now = Timestamp::now();
    let day = (now - SignedDuration::from_hours(24), now);
    let error = refused(prometheus.query_range("up", day, 1).await, Cause::Invalid)?;
    ensure!(error.detail.raw().contains("resolution"), "{}", told(&error));
    let backwards = prometheus.query_range("up", (day.1, day.0), 15).await;
    refused(backwards, Cause::Invalid)?;
    // A matrix is no answer to an instant query.
    refused(prometheus.query("up[5m]", None).await, Cause::Malformed)?;
    server.stop();
    refused(prometheus.query("up", None).await, Cause::Refused)?;
    refused(prometheus.ready().await, Cause::Refused)?;
    Ok(())
}

#[tokio::test]
async fn what_is_not_prometheus_is_told_from_it() -> Result<()> {
    let vector = |result: &str| {
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}}}"#)
    };
    for (status, media_type, body, cause) in [
        ("404 Not Found", "text/html", "<html>".to_owned(), Cause::NotFound),
        ("200 OK", "text/html", "<html>a login page</html>".to_owned(), Cause::Malformed),
        ("302 Found", "text/html", String::new(), Cause::Http(302)),
        ("401 Unauthorized", "text/plain", "no".to_owned(), Cause::Unauthenticated),
        ("403 Forbidden", "text/plain", "no".to_owned(), Cause::Forbidden),
        ("503 Service Unavailable", "text/plain", "starting".to_owned(), Cause::Busy),
        ("200 OK", "application/json", "{}".to_owned(), Cause::Malformed),
        ("200 OK", "application/json", vector("7"), Cause::Malformed),
        (
            "200 OK",
            "application/json",
            vector(r#"[{"metric":{},"value":[1,"x"]}]"#),
            Cause::Malformed,
        ),
        (
            "200 OK",
            "application/json",
            vector(r#"[{"metric":{},"value":[1e300,"1"]}]"#),
            Cause::Malformed,
        ),
        ("200 OK", "application/json", vector(&"[".repeat(10_000)), Cause::Malformed),
        ("200 OK", "application/json", " ".repeat(MAX_BODY + 1), Cause::TooLarge(MAX_BODY)),
        (
            "200 OK",
            "application/json",
            r#"{"status":"error","errorType":"internal","error":"broken","data":null}"#.to_owned(),
            Cause::Malformed,
        ),
    ] {
        let server = Raw::http(status, media_type, &body).await?;
        let prometheus = client(&server.url())?;
        let shown = || format!("{status} {}", &body[..body.len().min(80)]);
        let error = refused(prometheus.query("up", None).await, cause).with_context(shown)?;
        ensure!(!told(&error).contains(TOKEN), "{}", told(&error));
    }
    let (_silence, port) = raw::silent()?;
    let config = PrometheusConfig { url: format!("http://127.0.0.1:{port}"), bearer: None };
    let silent = Prometheus::new(&config, None, Http::new(HASTY)?);
    refused(silent.ready().await, TOO_LATE)?;
    refused(client("no url at all")?.query("up", None).await, Cause::Misconfigured)?;
    Ok(())
}
