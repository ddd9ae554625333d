//! Conversations with the diagnostics, the whole reply of each, one module for each part of the
//! platform that they ask.

mod kubernetes;
