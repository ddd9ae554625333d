//! What is said of a dependency that the configuration does not name, or names in vain.

use super::Optional;
use crate::report::{Finding, Status};

/// What is measured of a dependency that the configuration does not name.
pub const NOT_CONFIGURED: &str = "not configured";

/// The client, or the finding that there is none.
///
/// # Errors
/// When `[section]` is not in the configuration or cannot be used.
pub fn configured<'a, T>(
    name: &str,
    section: &str,
    client: &'a Optional<T>,
) -> Result<&'a T, Box<Finding>> {
    match client {
        Some(Ok(client)) => Ok(client),
        Some(Err(error)) => Err(Box::new(error.finding(name, "configuration"))),
        None => Err(Box::new(not_configured(name, section))),
    }
}

/// A dependency that the configuration does not name.
#[must_use]
pub fn not_configured(name: &str, section: &str) -> Finding {
    Finding::new(Status::Unsupported, name, NOT_CONFIGURED, "configuration")
        .hint(format!("add [{section}] to the configuration"))
}
