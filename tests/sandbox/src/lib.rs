//! The outer world as servers: a NovaCron platform for tests, the benchmark and the demo.
//!
//! Stand-ins on loopback where the real thing cannot run here ([`services`], [`cluster`], [`slack`],
//! [`discord`]), real programs where it can ([`process`]), and both as one platform ([`world`]) that is
//! broken and healed by words ([`control`]). Invariant: whatever is started has an owner, and dropping
//! the owner ends it. Nothing in the product depends on this crate.

mod clock;
pub mod cluster;
mod connection;
pub mod control;
pub mod discord;
pub mod dns;
mod exchange;
pub mod live;
pub mod process;
pub mod raft;
pub mod services;
pub mod slack;
pub mod world;

pub use world::{World, WorldOptions};
