//! The configuration that points nova at a world.
//!
//! Invariant: no secret stands in the text; each is in a file of its own that only the owner reads.
//! Called by whoever starts nova against the world.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

use crate::services::NOVACRON;

use super::seed::ROLE;
use super::{NAMESPACE, World};

/// The cluster user that nova gets; diagnostics need no more than reading.
const CLUSTER_USER: &str = "reader";

impl World {
    /// Writes kubeconfigs and passwords into `dir` (mode 0600; files of those names are replaced) and
    /// returns the text of a configuration that uses them and points at everything that runs.
    ///
    /// # Errors
    /// When a file cannot be written or the path of `dir` is not text.
    pub fn config_toml(&self, dir: &Path) -> anyhow::Result<String> {
        let mut text = String::new();
        if let Some(database) = &self.postgres {
            let file = secret(dir, "postgres.password", &database.role_password)?;
            let port = database.server.port();
            text += &format!(
                "[postgres]\nurl = \"postgres://{ROLE}@127.0.0.1:{port}/novacron\"\n\
                 password = {{ file = {file} }}\n\n"
            );
        }
        if let Some(redis) = &self.redis {
            let file = secret(dir, "redis.password", redis.password())?;
            let port = redis.port();
            text += &format!(
                "[redis]\nurl = \"redis://127.0.0.1:{port}/0\"\npassword = {{ file = {file} }}\n\n"
            );
        }
        if let Some(prometheus) = &self.prometheus {
            text += &format!("[prometheus]\nurl = \"{}\"\n\n", prometheus.url());
        }
        text += &format!(
            "[frontend]\nhealth = \"{}/api/v1/health\"\nwebsocket = \"{}\"\n\n",
            self.services.url("api-gateway"),
            self.live.url()
        );
        for (name, cluster) in &self.clusters {
            // Every JSON text is YAML too.
            let kubeconfig = cluster.kubeconfig(CLUSTER_USER);
            let context = kubeconfig["current-context"].as_str().unwrap_or(name);
            let context = quoted(context)?;
            let file = secret(dir, &format!("{name}.kubeconfig"), &kubeconfig.to_string())?;
            let name = quoted(name)?;
            text += &format!(
                "[[clusters]]\nname = {name}\nkubeconfig = {file}\ncontext = {context}\n\n"
            );
        }
        let first = self.clusters.first().context("a world has a cluster")?;
        let cluster = quoted(&first.0)?;
        for (name, port) in NOVACRON {
            let url = self.services.url(name);
            text += &format!(
                "[[services]]\nname = \"{name}\"\nurl = \"{url}\"\ncluster = {cluster}\n\
                 namespace = \"{NAMESPACE}\"\nworkload = \"deployment/{name}\"\n\
                 port = {port}\nhealth = \"/health\"\n\n"
            );
        }
        if let Some(prometheus) = &self.prometheus {
            text += &format!(
                "[[services]]\nname = \"monitoring\"\nurl = \"{}\"\n\
                 health = \"/-/healthy\"\nready = \"/-/ready\"\n",
                prometheus.url()
            );
        }
        Ok(text)
    }
}

/// Writes a file for its owner's eyes; its path as a TOML string.
fn secret(dir: &Path, name: &str, content: &str) -> anyhow::Result<String> {
    let path = dir.join(name);
    // Made anew: an older file could have been open to others, and would keep its mode.
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    quoted(path.to_str().context("the path is not text")?)
}

/// A TOML string: JSON quotes the same way.
fn quoted(text: &str) -> anyhow::Result<String> {
    Ok(serde_json::to_string(text)?)
}
