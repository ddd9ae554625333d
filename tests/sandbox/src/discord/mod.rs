//! A stand-in until the server is merged.
mod gateway;
