//! Runs a program in a container: an argument list, never a shell line of ours.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join, select};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{Api, AttachParams};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::super::{Cause, PlatformError};
use super::Cluster;

/// Most bytes that are kept of each stream.
const MAX_OUTPUT: u64 = 1024 * 1024;

/// Longest words of a container runtime that are kept, in bytes.
const MAX_WORDS: usize = 500;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOutput {
    /// At most 1 MiB.
    pub stdout: Vec<u8>,
    /// At most 1 MiB.
    pub stderr: Vec<u8>,
    pub exit_code: i32,
}

impl Cluster {
    /// Runs `argv` in a pod and waits for its end.
    ///
    /// # Errors
    /// [`Cause::Invalid`] when the container has no such program, as images from `scratch` have none.
    pub async fn exec(
        &self,
        place: (&str, &str),
        container: Option<&str>,
        argv: &[&str],
        stdin: &[u8],
    ) -> Result<ExecOutput, PlatformError> {
        self.exec_within(place, container, argv, stdin, self.0.deadline).await
    }

    /// The same with a deadline of its own, for a program that takes its time.
    ///
    /// # Errors
    /// As [`Cluster::exec`].
    pub async fn exec_within(
        &self,
        (namespace, pod): (&str, &str),
        container: Option<&str>,
        argv: &[&str],
        stdin: &[u8],
        within: Duration,
    ) -> Result<ExecOutput, PlatformError> {
        let what = format!("exec in {namespace}/{pod}");
        let target = what.clone();
        let mut params = AttachParams::default().stdin(!stdin.is_empty()).stderr(true);
        if let Some(container) = container {
            params = params.container(container);
        }
        let ended = self
            .call_within((&self.0.permits, within), &what, async |client| {
                let api: Api<Pod> = Api::namespaced(client, namespace);
                let mut process = api.exec(pod, argv.iter().copied(), &params).await?;
                let status = process.take_status();
                let (out, err, input) = (process.stdout(), process.stderr(), process.stdin());
                let write = async {
                    if let Some(mut input) = input {
                        // A program that does not read its input has ended or does not care.
                        if input.write_all(stdin).await.is_ok() {
                            input.shutdown().await.ok();
                        }
                    }
                };
                let status = async {
                    match status {
                        Some(status) => status.await,
                        None => None,
                    }
                };
                // The pipes do not close when the connection breaks: only the status tells, and a
                // program that has ended reads no more of its input.
                let told = async {
                    match select(pin!(status), pin!(write)).await {
                        Either::Left((status, _)) => status,
                        Either::Right(((), status)) => status.await,
                    }
                };
                let output = join(read(out), read(err));
                Ok(match select(pin!(output), pin!(told)).await {
                    Either::Left((output, told)) => (output, told.await),
                    Either::Right((Some(status), output)) => (output.await, Some(status)),
                    Either::Right((None, _)) => <_>::default(),
                })
            })
            .await?;
        let ((stdout, stderr), status) = ended;
        let failed = |cause, words: String| Err(PlatformError::new(target, cause).detail(words));
        match exit_code(status.as_ref()) {
            Some(126 | 127) if let Some(words) = never_ran(&stdout, &stderr) => {
                failed(Cause::Invalid, words)
            }
            Some(exit_code) => Ok(ExecOutput { stdout, stderr, exit_code }),
            None => match status {
                Some(status) => failed(Cause::Invalid, status.message.unwrap_or_default()),
                None => failed(Cause::Broken, "the program's end was not told".to_owned()),
            },
        }
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut stream) = stream {
        // What came before a broken stream is worth having; the missing status tells the rest.
        if (&mut stream).take(MAX_OUTPUT).read_to_end(&mut kept).await.is_ok() {
            drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
        }
    }
    kept
}

/// The words of a container runtime that could not start the program. Some runtimes write them to the
/// program's own streams and make up an exit code.
fn never_ran(stdout: &[u8], stderr: &[u8]) -> Option<String> {
    let said = |stream: &[u8]| {
        let text = String::from_utf8_lossy(&stream[..stream.len().min(MAX_WORDS)]).into_owned();
        text.starts_with("OCI runtime exec failed").then(|| text.trim_end().to_owned())
    };
    said(stderr).or_else(|| said(stdout))
}

/// The code in the status that ends an exec; `None` when the program never ran.
fn exit_code(status: Option<&Status>) -> Option<i32> {
    let status = status?;
    if status.status.as_deref() == Some("Success") {
        return Some(0);
    }
    let causes = status.details.as_ref()?.causes.as_ref()?;
    let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"))?;
    code.message.as_ref()?.parse().ok()
}
