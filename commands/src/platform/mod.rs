//! The platform's clients: Kubernetes, Prometheus, PostgreSQL, Redis and plain HTTP.
//!
//! Every call has a deadline, each dependency a bound on calls at once, and every failure is one
//! [`PlatformError`] that says what was asked, what went wrong and what to do. Diagnostics use these
//! clients only; nothing else in the project talks to the platform.

pub mod config;
mod configured;
mod databases;
pub mod dns;
mod error;
pub mod federation;
mod home;
pub mod http;
mod hub;
pub mod jwt;
pub mod kube;
pub mod postgres;
pub mod probe;
pub mod prometheus;
pub mod providers;
pub mod reach;
pub mod redis;
mod regions;
mod secret;
pub mod tcp;
mod transport;
pub mod websocket;

pub use configured::{NOT_CONFIGURED, configured, not_configured};
pub use error::{Cause, PlatformError};
pub use home::{Home, no_cluster, workload};
pub use hub::{Optional, Platform, PlatformConfig};
pub use secret::{SecretError, SecretRef, Secrets, why};
