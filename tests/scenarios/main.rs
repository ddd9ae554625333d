//! Every scenario of the project, in one test binary. Each module is one outside thing or one
//! conversation; the servers it talks to are real programs or the sandbox's.

mod chat;
mod diagnostics;
mod discord_vendor;
mod health;
mod incidents;
mod kube_conformance;
mod kube_contract;
mod platform_clients;
mod program;
mod slack;
mod slack_vendor;
mod store_contract;
mod support;
mod timeline;
