//! The health answers of the stand-ins, in the shapes seen on real installations.
//!
//! Invariant: a healthy answer is 200, and a failed database is 503, whatever the shape. Called by
//! the server for each request of a health path.

use serde_json::{Value, json};

use super::fault::Fault;

/// How a service words its health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `checks` with one object a check.
    Checks,
    /// Only a `status`.
    Bare,
    /// `services` with one word a service.
    Services,
    /// The plain text `OK`.
    Text,
    /// `components` as a list.
    Components,
    /// One key a check, beside `status`.
    Flat,
}

const SHAPES: [Shape; 6] =
    [Shape::Checks, Shape::Bare, Shape::Services, Shape::Text, Shape::Components, Shape::Flat];

impl Shape {
    /// The shape of a service: the guide's services have theirs by name, the others in turn.
    pub(super) fn of(name: &str, number: usize) -> Self {
        let known = super::NOVACRON.iter().position(|(known, _)| *known == name);
        SHAPES[known.unwrap_or(number) % SHAPES.len()]
    }
}

/// A whole HTTP answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(status: u16, body: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.as_bytes().to_vec() }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "every caller builds the value for this one call"
    )]
    fn json(status: u16, body: Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string().into_bytes() }
    }
}

/// The health answer of a service of this shape with this fault. Faults of the transport (slow,
/// hanging, huge, cut off) are the server's; here they give the healthy body.
pub(super) fn health(shape: Shape, fault: Fault) -> Answer {
    match fault {
        Fault::Degraded => degraded(shape),
        Fault::Unhealthy => unhealthy(shape),
        Fault::StorageWarning => Answer::json(
            200,
            json!({"status": "healthy", "database": "ok", "storage": "warning: 91% full"}),
        ),
        Fault::NotFound => Answer::text(404, "404 page not found\n"),
        Fault::NotJson => Answer {
            status: 200,
            content_type: "text/html; charset=utf-8",
            body: b"<!doctype html><html><head><title>Sign in</title></head>\
                    <body><h1>Sign in to NovaCron</h1></body></html>"
                .to_vec(),
        },
        Fault::Garbage => Answer {
            status: 200,
            content_type: "application/json",
            body: b"{\"status\":\"heal\xff\xfe\x00thy\",,\"checks\":{]\xc3\x28".to_vec(),
        },
        Fault::Ok
        | Fault::Slow(_)
        | Fault::Refused
        | Fault::Hanging
        | Fault::Absent
        | Fault::Huge
        | Fault::DropMidBody => healthy(shape),
    }
}

fn healthy(shape: Shape) -> Answer {
    let body = match shape {
        Shape::Checks => json!({"status": "healthy", "checks": {
            "database": {"status": "healthy"}, "cache": {"status": "healthy"}}}),
        Shape::Bare => json!({"status": "ok"}),
        Shape::Services => json!({"status": "healthy", "services": {"db": "ok"}}),
        Shape::Text => return Answer::text(200, "OK"),
        Shape::Components => {
            json!({"status": "ok", "components": [{"name": "queue", "status": "up"}]})
        }
        Shape::Flat => json!({"status": "healthy", "database": "ok", "storage": "ok"}),
    };
    Answer::json(200, body)
}

fn degraded(shape: Shape) -> Answer {
    let body = match shape {
        Shape::Checks => json!({"status": "degraded", "checks": {
            "database": {"status": "healthy"},
            "cache": {"status": "degraded", "error": "hit rate 12%"}}}),
        Shape::Bare | Shape::Text => {
            json!({"status": "degraded", "checks": {"cache": {"status": "degraded"}}})
        }
        Shape::Services => {
            json!({"status": "degraded", "services": {"db": "ok", "cache": "degraded"}})
        }
        Shape::Components => json!({"status": "degraded", "components": [
            {"name": "queue", "status": "degraded"}]}),
        Shape::Flat => json!({"status": "degraded", "database": "ok", "storage": "degraded"}),
    };
    Answer::json(200, body)
}

fn unhealthy(shape: Shape) -> Answer {
    let why = "connection refused";
    let body = match shape {
        Shape::Checks | Shape::Bare | Shape::Text => json!({"status": "unhealthy", "checks": {
            "database": {"status": "unhealthy", "error": why}}}),
        Shape::Services => {
            json!({"status": "unhealthy", "services": {"db": format!("error: {why}")}})
        }
        Shape::Components => json!({"status": "unhealthy", "components": [
            {"name": "queue", "status": "up"},
            {"name": "database", "status": "down", "message": why}]}),
        Shape::Flat => {
            json!({"status": "unavailable", "database": format!("error: {why}"), "storage": "ok"})
        }
    };
    Answer::json(503, body)
}
