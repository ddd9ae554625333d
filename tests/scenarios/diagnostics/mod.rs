//! Conversations with the diagnostics, on the real programs and the sandbox's clusters.

mod outside;
