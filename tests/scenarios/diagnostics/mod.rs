//! Conversations with the diagnostics, on the real programs and the sandbox's clusters.

mod databases;
mod kubernetes;
mod outside;
