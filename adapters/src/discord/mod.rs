//! Discord: its REST API outward ([`api`]), HTTP and the gateway inward ([`http`], [`gateway`]), both read
//! by the same code ([`inbound`]); what is drawn or registered is read back where that is done
//! ([`render`], [`commands`]).
//!
//! Invariant: nothing is parsed before it is authenticated, and no token or signature is ever shown.

pub mod api;
pub mod commands;
pub mod gateway;
pub mod http;
pub mod inbound;
pub mod render;
pub mod signature;
