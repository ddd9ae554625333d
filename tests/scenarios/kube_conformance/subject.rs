//! What the suite runs on: a cluster with an administrator's kubeconfig, and a namespace in it.
//! Set-up and cleaning up go through the plain `kube` client, not through ours.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, DeleteParams, PostParams};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use nova_commands::platform::config::{ClusterConfig, Limits};
use nova_commands::platform::kube::Cluster;
use nova_sandbox::cluster as sandbox;
use serde_json::json;
use tempfile::TempDir;

/// The deployment that the suite works on, and what its container prints.
pub(super) const PROBE: &str = "probe";
pub(super) const LINE: &str = "nova-conformance";
/// Somebody without any right.
const NOBODY: &str = "nova-conformance-nobody";
/// How long a real cluster may take for anything; only one that hangs gets there.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);
const DEADLINE: Duration = Duration::from_secs(20);

pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) namespace: String,
    kubeconfig: PathBuf,
    context: Option<String>,
    image: String,
    plain: Client,
    /// Set for the sandbox, whose containers do not really print.
    sandbox: Option<sandbox::Cluster>,
    home: TempDir,
}

impl Subject {
    pub(super) async fn sandbox() -> Result<Self> {
        let cluster = sandbox::Cluster::start(sandbox::ClusterSpec::default()).await?;
        let home = tempfile::tempdir()?;
        let kubeconfig = home.path().join("kubeconfig");
        std::fs::write(&kubeconfig, cluster.kubeconfig("admin").to_string())?;
        let subject =
            Self::new("the sandbox", home, kubeconfig, None, "probe:1".to_owned()).await?;
        Ok(Self { sandbox: Some(cluster), ..subject })
    }

    /// The cluster that the environment names, if it does.
    pub(super) async fn real() -> Result<Option<Self>> {
        let Some(path) = std::env::var_os("NOVA_CONFORMANCE_KUBECONFIG") else {
            return Ok(None);
        };
        let context = std::env::var("NOVA_CONFORMANCE_CONTEXT").ok();
        let image = std::env::var("NOVA_CONFORMANCE_IMAGE")
            .unwrap_or_else(|_| "registry.k8s.io/e2e-test-images/busybox:1.36.1-1".to_owned());
        let home = tempfile::tempdir()?;
        Self::new("a real cluster", home, PathBuf::from(path), context, image).await.map(Some)
    }

    async fn new(
        name: &'static str,
        home: TempDir,
        kubeconfig: PathBuf,
        context: Option<String>,
        image: String,
    ) -> Result<Self> {
        let read = Kubeconfig::read_from(&kubeconfig)?;
        let options = KubeConfigOptions { context: context.clone(), ..<_>::default() };
        let plain = Client::try_from(Config::from_custom_kubeconfig(read, &options).await?)?;
        let mut random = [0_u8; 6];
        getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let mut namespace = "nova-conformance-".to_owned();
        for byte in random {
            write!(namespace, "{byte:02x}")?;
        }
        Ok(Self { name, namespace, kubeconfig, context, image, plain, sandbox: None, home })
    }

    /// The namespace and one small deployment in it.
    pub(super) async fn set_up(&self) -> Result<()> {
        let create = PostParams::default();
        let namespace: Namespace =
            serde_json::from_value(json!({ "metadata": { "name": self.namespace } }))?;
        Api::all(self.plain.clone()).create(&create, &namespace).await?;
        let container = json!({
            "name": "main", "image": self.image,
            "command": ["sh", "-c", format!("echo {LINE}; exec sleep 3600")],
            "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } },
            "securityContext": {
                "allowPrivilegeEscalation": false, "runAsNonRoot": true, "runAsUser": 65534,
                "capabilities": { "drop": ["ALL"] }, "seccompProfile": { "type": "RuntimeDefault" },
            },
        });
        let probe: Deployment = serde_json::from_value(json!({
            "metadata": { "name": PROBE },
            "spec": {
                "replicas": 1,
                "selector": { "matchLabels": { "app": PROBE } },
                "template": {
                    "metadata": { "labels": { "app": PROBE } },
                    "spec": { "terminationGracePeriodSeconds": 1, "containers": [container] },
                },
            },
        }))?;
        Api::namespaced(self.plain.clone(), &self.namespace).create(&create, &probe).await?;
        Ok(())
    }

    pub(super) async fn delete_namespace(&self) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.plain.clone());
        match namespaces.delete(&self.namespace, &DeleteParams::default()).await {
            // It failed before there was one.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    /// Our client as the administrator.
    pub(super) fn cluster(&self) -> Cluster {
        self.client(&self.kubeconfig)
    }

    /// Our client as somebody without any right.
    pub(super) fn nobody(&self) -> Result<Cluster> {
        let mut config = Kubeconfig::read_from(&self.kubeconfig)?;
        let context = self.context.clone().or(config.current_context.clone());
        let context = context.context("the kubeconfig has no current context")?;
        let named = config.contexts.iter().find(|known| known.name == context);
        let user = named.and_then(|named| named.context.as_ref()?.user.clone());
        let user = user.context("the context has no user")?;
        let found = config.auth_infos.iter_mut().find(|known| known.name == user);
        found.context("the user is not there")?.auth_info.get_or_insert_default().impersonate =
            Some(NOBODY.to_owned());
        let path = self.home.path().join("nobody");
        std::fs::write(&path, serde_json::to_string(&config)?)?;
        Ok(self.client(&path))
    }

    fn client(&self, kubeconfig: &Path) -> Cluster {
        let config = ClusterConfig {
            name: "subject".to_owned(),
            kubeconfig: Some(kubeconfig.to_owned()),
            context: self.context.clone(),
        };
        Cluster::new(&config, Limits { deadline: DEADLINE, concurrency: 16 })
    }

    /// Lets a pod have printed its line: a real one has done so by itself.
    pub(super) fn print(&self, pod: &str) {
        if let Some(sandbox) = &self.sandbox {
            sandbox.log(&self.namespace, pod, LINE);
        }
    }
}
