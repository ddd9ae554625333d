//! Slack: the Web API outward ([`api`]), HTTP and Socket Mode inward ([`http`], [`socket`]), both
//! drawn and read by the same code ([`render`], [`inbound`]).
//!
//! Invariant: nothing is parsed before it is authenticated, and no token, signature or `response_url`
//! is ever shown.

pub mod api;
pub mod http;
pub mod inbound;
pub mod render;
pub mod signature;
pub mod socket;
