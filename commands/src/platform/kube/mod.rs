//! Kubernetes, one [`Cluster`] for each kubeconfig context.
//!
//! Only what a diagnostic needs is read, reduced to small structs at once; a Secret's values are
//! never read. The connection is made at the first call, so that a bad kubeconfig is that call's
//! error and not the process's.

mod apis;
mod autoscalers;
mod connect;
mod error;
mod events;
mod exec;
mod lines;
mod logs;
mod metrics;
mod nodes;
mod pods;
mod proxy;
mod quantity;
mod rollout;
mod scale;
mod secrets;
mod tail;
mod usage;
mod workloads;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, ListParams, PostParams};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use connect::Connection;

pub use apis::ApiService;
pub use autoscalers::{Autoscaler, Condition, Target};
pub use events::Event;
pub use exec::ExecOutput;
pub use lines::{Filter, Line};
pub use logs::{LogOptions, Logs};
pub use metrics::{NodeMetrics, PodMetrics};
pub use nodes::Node;
pub use pods::{Pod, Resources, Restart};
pub use rollout::Rollout;
pub use scale::Precondition;
pub use secrets::{CERTIFICATE, Certificate, SecretFacts};
pub use tail::{End, Tail, TailOptions};
pub use usage::PodUsage;
pub use workloads::{Workload, WorkloadKind};

use super::config::{ClusterConfig, Limits};
use super::{Cause, PlatformError};

/// Calls and watches under way at once to one API server. A watch lasts, so that it would keep a
/// short call waiting if it took its place.
const CONCURRENCY: usize = 16;
const WATCHES: usize = 64;
/// Objects on one page of a list, and the most pages that are read.
const PAGE: u32 = 500;
const PAGES: usize = 20;

/// One cluster. Cheap to clone.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    config: ClusterConfig,
    connection: Connection,
    permits: Semaphore,
    watches: Semaphore,
    deadline: Duration,
}

impl Cluster {
    /// A cluster that is not connected yet.
    #[must_use]
    pub fn new(config: &ClusterConfig, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            config: config.clone(),
            connection: Connection::default(),
            permits: Semaphore::new(CONCURRENCY),
            watches: Semaphore::new(WATCHES),
            deadline: limits.deadline,
        }))
    }

    /// Its name in nova's configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.config.name
    }

    /// The API server's version, such as `v1.33.1`.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn version(&self) -> Result<String, PlatformError> {
        let info = self.call("version", async |client| client.apiserver_version().await).await?;
        Ok(info.git_version)
    }

    /// Whether our account may do this, by the server's own answer.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn can_i(
        &self,
        verb: &str,
        group: &str,
        resource: &str,
        namespace: &str,
    ) -> Result<bool, PlatformError> {
        let attributes = ResourceAttributes {
            verb: Some(verb.to_owned()),
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let answer = self
            .call("access review", async |client| {
                Api::all(client).create(&PostParams::default(), &review).await
            })
            .await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// One call within the deadline, connecting first where that has not been done.
    async fn call<T>(
        &self,
        what: &str,
        ask: impl AsyncFnOnce(Client) -> kube::Result<T>,
    ) -> Result<T, PlatformError> {
        self.call_within((&self.0.permits, self.0.deadline), what, ask).await
    }

    /// The same with places and a deadline of its own, for what is slow by nature.
    async fn call_within<T>(
        &self,
        (permits, deadline): (&Semaphore, Duration),
        what: &str,
        ask: impl AsyncFnOnce(Client) -> kube::Result<T>,
    ) -> Result<T, PlatformError> {
        let target = format!("{what} in cluster {}", self.name());
        let asked = async {
            let _place = permits.acquire().await.map_err(|_| (Cause::Busy, String::new()))?;
            let client = self.0.connection.client(&self.0.config).await;
            let client = client.map_err(|words| (Cause::Misconfigured, words))?;
            ask(client).await.map_err(|error| error::classify(&error))
        };
        let failed = match tokio::time::timeout(deadline, asked).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err((cause, words))) => PlatformError::new(target, cause).detail(words),
            Err(_) => PlatformError::new(target, Cause::Timeout(deadline)),
        };
        Err(error::advise(failed))
    }

    /// A whole list, page by page, each page within the deadline.
    async fn list<K>(
        &self,
        what: &str,
        namespace: Option<&str>,
        selector: Option<&str>,
    ) -> Result<Vec<K>, PlatformError>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Scoped,
    {
        let mut params = ListParams::default().limit(PAGE);
        if let Some(selector) = selector {
            params = params.labels(selector);
        }
        let mut items = Vec::new();
        for _ in 0..PAGES {
            let page = self
                .call(&format!("list {what}"), async |client| {
                    K::api(client, namespace).list(&params).await
                })
                .await?;
            items.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                None => return Ok(items),
                Some(token) => params = params.continue_token(&token),
            }
        }
        let target = format!("list {what} in cluster {}", self.name());
        let words = format!("more than {} of them", PAGE as usize * PAGES);
        Err(PlatformError::new(target, Cause::TooMany).detail(words))
    }
}

/// The two ways to name a collection, so that one `list` serves both.
trait Scoped: Sized {
    fn api(client: Client, namespace: Option<&str>) -> Api<Self>;
}

macro_rules! namespaced {
    ($($kind:ty),+) => {$(
        impl Scoped for $kind {
            fn api(client: Client, namespace: Option<&str>) -> Api<Self> {
                match namespace {
                    Some(namespace) => Api::namespaced(client, namespace),
                    None => Api::all(client),
                }
            }
        }
    )+};
}

namespaced!(
    k8s_openapi::api::apps::v1::DaemonSet,
    k8s_openapi::api::apps::v1::Deployment,
    k8s_openapi::api::apps::v1::StatefulSet,
    k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler,
    k8s_openapi::api::core::v1::Event,
    k8s_openapi::api::core::v1::Pod
);

impl Scoped for k8s_openapi::api::core::v1::Node {
    fn api(client: Client, _: Option<&str>) -> Api<Self> {
        Api::all(client)
    }
}
