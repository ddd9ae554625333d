//! The Kubernetes client against a cluster: one suite of calls that runs unchanged against the
//! sandbox and, where one is named, against a real cluster.
//!
//! `NOVA_CONFORMANCE_KUBECONFIG` names the real one's kubeconfig; `NOVA_CONFORMANCE_CONTEXT` and
//! `NOVA_CONFORMANCE_IMAGE` (an image with `sh`) may be given too. The account has to be allowed to
//! create namespaces and to impersonate. Everything happens in a namespace of its own, which is
//! deleted at the end, also after a failure.

mod faults;
mod subject;
mod suite;

use std::panic::resume_unwind;

use anyhow::{Context as _, Result};

use crate::support::install_tls;
use subject::Subject;

#[tokio::test]
async fn the_client_conforms_on_the_sandbox_and_on_a_real_cluster() -> Result<()> {
    install_tls();
    on(Subject::sandbox().await?).await?;
    match Subject::real().await? {
        Some(real) => on(real).await,
        None => {
            println!("no real cluster: NOVA_CONFORMANCE_KUBECONFIG is not set");
            Ok(())
        }
    }
}

/// Runs the suite and cleans up, whatever came of it.
async fn on(subject: Subject) -> Result<()> {
    println!("conformance on {}", subject.name);
    let name = subject.name;
    let subject = std::sync::Arc::new(subject);
    let run = tokio::spawn({
        let subject = std::sync::Arc::clone(&subject);
        async move { suite::run(&subject).await }
    });
    let ran = run.await;
    let cleaned = subject.delete_namespace().await;
    match ran {
        Ok(ran) => ran.with_context(|| format!("on {name}"))?,
        Err(error) => resume_unwind(error.into_panic()),
    }
    cleaned.with_context(|| format!("cleaning up on {name}"))
}
