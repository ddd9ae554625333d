//! Which extension APIs a cluster offers, such as those that metrics come from.
//!
//! An API that is not registered is not there (`None`); one that is registered and does not answer is
//! there and down. The two are told apart because only the second one is a failure.

use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1;
use kube::api::Api;
use serde::Deserialize;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::super::{Cause, PlatformError};
use super::Cluster;
use super::quantity::milli;
use crate::text::Untrusted;

/// What the cluster says of an API that another server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiService {
    pub available: bool,
    /// Who answers, as `namespace/service`.
    pub service: String,
    /// Why it is not available.
    pub message: Untrusted,
}

#[derive(Deserialize)]
struct Values {
    items: Vec<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawValue {
    described_object: Described,
    value: Quantity,
}

#[derive(Deserialize)]
struct Described {
    name: String,
}

impl Cluster {
    /// The preferred version of each API group, such as `metrics.k8s.io/v1beta1`.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn api_groups(&self) -> Result<Vec<String>, PlatformError> {
        let list = self.call("list api groups", async |c| c.list_api_groups().await).await?;
        let preferred = list.groups.into_iter().filter_map(|group| {
            let first = group.versions.into_iter().next();
            group.preferred_version.or(first).map(|version| version.group_version)
        });
        Ok(preferred.collect())
    }

    /// The names of what an API version serves.
    ///
    /// # Errors
    /// [`Cause::Busy`] when whoever answers for it does not.
    pub async fn api_resources(&self, group_version: &str) -> Result<Vec<String>, PlatformError> {
        let what = format!("list resources of {group_version}");
        let list = self
            .call(&what, async |client| client.list_api_group_resources(group_version).await)
            .await?;
        Ok(list.resources.into_iter().map(|resource| resource.name).collect())
    }

    /// What the cluster says of an API version, or `None` where it is not registered.
    ///
    /// # Errors
    /// When the server cannot be asked or does not allow it.
    pub async fn api_service(
        &self,
        group_version: &str,
    ) -> Result<Option<ApiService>, PlatformError> {
        let (group, version) = group_version.split_once('/').unwrap_or((group_version, "v1"));
        let name = format!("{version}.{group}");
        let what = format!("get apiservice {name}");
        let found = self
            .call(&what, async |client| Api::<v1::APIService>::all(client).get(&name).await)
            .await;
        let found = match found {
            Err(error) if error.cause == Cause::NotFound => return Ok(None),
            found => found?,
        };
        let status = found.status.unwrap_or_default().conditions.unwrap_or_default();
        let condition = status.into_iter().find(|condition| condition.type_ == "Available");
        let service = found.spec.and_then(|spec| spec.service).unwrap_or_default();
        let part = |part: Option<String>| part.unwrap_or_default();
        Ok(Some(ApiService {
            available: condition.as_ref().is_some_and(|condition| condition.status == "True"),
            service: format!("{}/{}", part(service.namespace), part(service.name)),
            message: condition.and_then(|condition| condition.message).unwrap_or_default().into(),
        }))
    }

    /// The values of one custom metric of the pods of a namespace, by pod, in thousandths.
    ///
    /// # Errors
    /// [`Cause::NotFound`] when there is no such metric.
    pub async fn custom_metric(
        &self,
        group_version: &str,
        namespace: &str,
        metric: &str,
    ) -> Result<Vec<(String, Option<u64>)>, PlatformError> {
        let uri = format!("/apis/{group_version}/namespaces/{namespace}/pods/*/{metric}");
        let values: Values = self
            .call("custom metric", async |client| {
                let request =
                    http::Request::get(uri).body(Vec::new()).map_err(kube::Error::HttpError)?;
                client.request(request).await
            })
            .await?;
        let items = values.items.into_iter();
        Ok(items.map(|item| (item.described_object.name, milli(&item.value))).collect())
    }
}
