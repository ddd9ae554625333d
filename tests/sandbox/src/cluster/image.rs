//! What a deployment's containers hold beyond the tools that every small image has: files, programs with
//! answers of their own, and the hosts outside the cluster that they can reach. Invariant: a program
//! answers exactly the arguments that it was given an answer for. Filled by the façade, read by exec.

use std::collections::HashMap;

use serde_json::Value;

use super::json::{namespace, text};
use super::proxy;
use super::state::State;

/// What a program says and how it ends.
#[derive(Debug, Clone, Default)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub code: u8,
}

#[derive(Debug, Default)]
pub(crate) struct Images {
    /// By deployment and path.
    files: HashMap<(String, String), String>,
    /// By deployment and whole command line.
    programs: HashMap<(String, String), Said>,
    /// By name and port: a URL, or nobody listens.
    hosts: HashMap<(String, u16), Option<String>>,
}

/// Where a host and port lead from inside a pod.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    To(String),
    Refused,
    UnknownHost,
}

impl Images {
    pub(crate) fn file(&mut self, deployment: &str, path: &str, content: &str) {
        self.files.insert((deployment.to_owned(), path.to_owned()), content.to_owned());
    }

    pub(crate) fn program(&mut self, deployment: &str, line: &str, said: Said) {
        self.programs.insert((deployment.to_owned(), line.to_owned()), said);
    }

    pub(crate) fn host(&mut self, name: &str, port: u16, url: Option<String>) {
        self.hosts.insert((name.to_owned(), port), url);
    }

    /// The last bytes of a file; `None` when there is none.
    pub(crate) fn tail(&self, deployment: &str, path: &str, bytes: usize) -> Option<Vec<u8>> {
        let content = self.files.get(&(deployment.to_owned(), path.to_owned()))?.as_bytes();
        Some(content[content.len().saturating_sub(bytes)..].to_vec())
    }

    /// The answer to this command line; a usage error when the program is there and other arguments
    /// were expected, `None` when it is not there.
    pub(crate) fn run(&self, deployment: &str, words: &[&str]) -> Option<Said> {
        let program = words.first()?;
        let line = words.join(" ");
        if let Some(said) = self.programs.get(&(deployment.to_owned(), line)) {
            return Some(said.clone());
        }
        let installed = self
            .programs
            .keys()
            .any(|(of, line)| of == deployment && line.split(' ').next() == Some(*program));
        installed.then(|| Said {
            stderr: format!("{program}: unknown options, see {program} help\n"),
            code: 2,
            ..Said::default()
        })
    }
}

/// Resolves a host as the cluster's DNS does (`NAME`, `NAME.NAMESPACE`, `….svc`, `….svc.cluster.local`)
/// and finds what is behind the port.
pub(crate) fn way(state: &State, pod: &Value, host: &str, port: u16) -> Way {
    if matches!(host, "localhost" | "127.0.0.1") {
        return proxy::backend(state, pod, port).map_or(Way::Refused, Way::To);
    }
    if let Some(url) = state.images.hosts.get(&(host.to_owned(), port)) {
        return url.clone().map_or(Way::Refused, Way::To);
    }
    if state.images.hosts.keys().any(|(name, _)| name == host) {
        return Way::Refused;
    }
    let bare = host.strip_suffix(".svc.cluster.local").or_else(|| host.strip_suffix(".svc"));
    let bare = bare.unwrap_or(host);
    let (name, ns) = bare.split_once('.').unwrap_or((bare, namespace(pod)));
    let Some(service) = state.store.get("services", ns, name) else { return Way::UnknownHost };
    proxy::behind(state, &service, port).map_or(Way::Refused, Way::To)
}

/// Whether a pod's image was built without this tool: `sandbox.nova/lacks: "curl wget"`.
pub(crate) fn lacks(pod: &Value, program: &str) -> bool {
    let lacks = text(pod, "/metadata/annotations/sandbox.nova~1lacks");
    lacks.split(' ').any(|word| word == program)
}
