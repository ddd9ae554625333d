//! Discord: its messages and forms drawn and read back by the same code ([`render`], [`commands`]), HTTP
//! and the gateway inward ([`http`], [`gateway`]), both read by the same code ([`inbound`]).
//!
//! Invariant: nothing is parsed before it is authenticated, and no token or signature is ever shown.

pub mod commands;
pub mod gateway;
pub mod http;
pub mod inbound;
pub mod render;
pub mod signature;
