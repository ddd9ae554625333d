//! From a kubeconfig to a client, once for each cluster.
//!
//! A kubeconfig may name a credential plugin, a program that takes its time. So that a call's
//! deadline does not throw its work away, connecting is a task of its own: calls wait for it, each up
//! to its own deadline, and the one that comes after it is done finds the client there.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use kube::Client;
use kube::client::AuthError;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::super::config::ClusterConfig;
use super::super::{transport, why};

/// The client, or why there is none, in words for people that name the file.
type Connecting = Shared<BoxFuture<'static, Result<Client, String>>>;

/// A connection that is made at the first call. A failure is forgotten, so the next call tries again.
#[derive(Default)]
pub(super) struct Connection(Mutex<Option<Connecting>>);

impl Connection {
    pub(super) async fn client(&self, config: &ClusterConfig) -> Result<Client, String> {
        let connecting = self.slot().get_or_insert_with(|| start(config.clone())).clone();
        let connected = connecting.clone().await;
        if connected.is_err() {
            let mut slot = self.slot();
            // Only this attempt: another call may have begun a new one.
            if slot.as_ref().is_some_and(|current| current.ptr_eq(&connecting)) {
                *slot = None;
            }
        }
        connected
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Connecting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the task. Its owner is the slot; the runtime ends it at shutdown.
fn start(config: ClusterConfig) -> Connecting {
    let task = tokio::spawn(async move { connect(&config).await });
    task.map(|ended| ended.unwrap_or_else(|_| Err("connecting was broken off".to_owned())))
        .boxed()
        .shared()
}

async fn connect(config: &ClusterConfig) -> Result<Client, String> {
    let options =
        KubeConfigOptions { context: config.context.clone(), ..KubeConfigOptions::default() };
    let read = match &config.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let mut loaded = match read {
        Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| unusable(config, &error))?,
        // Without any kubeconfig nova may run in a pod of the cluster itself.
        Err(error) if config.kubeconfig.is_none() && config.context.is_none() && absent(&error) => {
            Config::incluster().map_err(|_| {
                "neither a kubeconfig nor a pod's service account is here".to_owned()
            })?
        }
        Err(error) => return Err(unusable(config, &error)),
    };
    // A retry of ours would hide a 429 behind our deadline; the caller decides about repeats.
    loaded.default_retry = false;
    // A credential plugin is run here, and waited for.
    let built = tokio::task::spawn_blocking(move || Client::try_from(loaded)).await;
    match built {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(kube::Error::Auth(error))) => Err(refused(&error)),
        Ok(Err(error)) => Err(transport::innermost(&error)),
        Err(_) => Err("the client could not be built".to_owned()),
    }
}

fn absent(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(error, _) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn unusable(config: &ClusterConfig, error: &KubeconfigError) -> String {
    let reason = match error {
        KubeconfigError::ReadConfig(error, _) => why(error),
        // The parser's words may quote the file, which holds credentials.
        KubeconfigError::Parse(_) => "not a kubeconfig".to_owned(),
        error => error.to_string().chars().take(200).collect(),
    };
    let given = config.kubeconfig.as_ref().map(|path| path.display().to_string());
    match (given, error) {
        (Some(path), _) => format!("kubeconfig {path}: {reason}"),
        (None, KubeconfigError::ReadConfig(_, path)) => {
            format!("kubeconfig {}: {reason}", path.display())
        }
        (None, _) => format!("kubeconfig: {reason}"),
    }
}

/// kube's words for a failed credential plugin hold its whole command line and output, and so
/// perhaps a token: none of it is repeated.
pub(super) fn refused(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => {
            format!("the credential plugin cannot be started: {}", why(error))
        }
        AuthError::AuthExecRun { out, .. } => {
            format!("the credential plugin failed ({})", out.status)
        }
        _ => "the kubeconfig's credentials cannot be used".to_owned(),
    }
}
