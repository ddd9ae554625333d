//! Secrets, without what is secret in them.
//!
//! Invariant: no value of a Secret is kept. Names of keys, age and owner come from the metadata alone,
//! which the API server sends without the data; of a certificate only its public part is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::api::Api;
use serde::Deserialize;
use x509_cert::Certificate as X509;
use x509_cert::time::Time;

use super::super::{Cause, PlatformError};
use super::Cluster;

/// The key of a certificate's public part in a Secret of the type `kubernetes.io/tls`.
pub const CERTIFICATE: &str = "tls.crt";

/// What can be said of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretFacts {
    /// Names only, sorted. `None`: the server does not tell who set which field.
    pub keys: Option<Vec<String>>,
    pub created: Option<Timestamp>,
    /// When a key was last set.
    pub changed: Option<Timestamp>,
    /// The object that it belongs to, or the program that sets it.
    pub owner: Option<String>,
}

/// The public part of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub subject: String,
    pub begins: Timestamp,
    pub ends: Timestamp,
}

/// A Secret of which everything but one key is skipped.
#[derive(Deserialize)]
struct OnlyCertificate {
    #[serde(default)]
    data: OnlyPublic,
}

#[derive(Default, Deserialize)]
struct OnlyPublic {
    #[serde(rename = "tls.crt")]
    certificate: Option<String>,
}

impl Cluster {
    /// What the metadata of a Secret says.
    ///
    /// # Errors
    /// [`Cause::NotFound`] when it is not there; [`Cause::Forbidden`] when our account may not get it.
    pub async fn secret_facts(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<SecretFacts, PlatformError> {
        let what = format!("metadata of secret {namespace}/{name}");
        let partial = self
            .call(&what, async |client| {
                Api::<v1::Secret>::namespaced(client, namespace).get_metadata(name).await
            })
            .await?;
        Ok(facts(partial.metadata))
    }

    /// The certificate in a Secret, read from its public part.
    ///
    /// # Errors
    /// [`Cause::Malformed`] when there is none, or it is none.
    pub async fn certificate(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Certificate, PlatformError> {
        let what = format!("{CERTIFICATE} of secret {namespace}/{name}");
        let target = format!("{what} in cluster {}", self.name());
        let uri = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        let secret = self
            .call(&what, async |client| {
                let request = http::Request::get(uri).body(Vec::new());
                let request = request.map_err(kube::Error::HttpError)?;
                client.request::<OnlyCertificate>(request).await
            })
            .await?;
        let malformed = || PlatformError::new(target, Cause::Malformed);
        let pem = secret.data.certificate.and_then(|text| STANDARD.decode(text).ok());
        pem.and_then(|pem| read(&pem)).ok_or_else(malformed)
    }
}

/// The first one of a chain is the one that is shown to others.
fn read(pem: &[u8]) -> Option<Certificate> {
    let chain = X509::load_pem_chain(pem).ok()?;
    let parts = chain.first()?.tbs_certificate();
    let time = |time: Time| {
        let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
        Timestamp::from_second(seconds).ok()
    };
    Some(Certificate {
        subject: parts.subject().to_string(),
        begins: time(parts.validity().not_before)?,
        ends: time(parts.validity().not_after)?,
    })
}

fn facts(meta: ObjectMeta) -> SecretFacts {
    let entries = meta.managed_fields.unwrap_or_default();
    let mut keys: Vec<String> = entries.iter().flat_map(data_keys).collect();
    keys.sort();
    keys.dedup();
    let last = entries
        .iter()
        .filter(|entry| data_keys(entry).next().is_some())
        .max_by_key(|entry| entry.time.as_ref().map(|time| time.0));
    let changed = last.and_then(|entry| entry.time.as_ref()).map(|time| time.0);
    let belongs = meta.owner_references.unwrap_or_default().into_iter().next();
    let labels = meta.labels.unwrap_or_default();
    let owner = belongs
        .map(|owner| format!("{}/{}", owner.kind, owner.name))
        .or_else(|| labels.get("app.kubernetes.io/managed-by").cloned())
        .or_else(|| last.and_then(|entry| entry.manager.clone()));
    SecretFacts {
        keys: (!entries.is_empty()).then_some(keys),
        created: meta.creation_timestamp.map(|time| time.0),
        changed,
        owner,
    }
}

/// The names of the keys that one manager has set: `f:data` holds `f:NAME` for each
/// (<https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>).
fn data_keys(entry: &ManagedFieldsEntry) -> impl Iterator<Item = String> {
    let fields = entry.fields_v1.as_ref().and_then(|fields| fields.0.get("f:data"));
    let keys = fields.and_then(serde_json::Value::as_object).into_iter().flat_map(|map| map.keys());
    keys.filter_map(|key| key.strip_prefix("f:").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_and_their_age_come_from_who_set_which_field() {
        let meta: ObjectMeta = serde_json::from_value(json!({
            "name": "aws-credentials", "creationTimestamp": "2025-01-01T00:00:00Z",
            "managedFields": [
                { "manager": "helm", "operation": "Update", "time": "2025-01-01T00:00:00Z",
                  "fieldsV1": { "f:data": { ".": {}, "f:region": {}, "f:key_id": {} }, "f:type": {} } },
                { "manager": "rotator", "operation": "Update", "time": "2025-06-01T00:00:00Z",
                  "fieldsV1": { "f:data": { "f:key_id": {} } } },
                { "manager": "labeller", "operation": "Update", "time": "2025-07-01T00:00:00Z",
                  "fieldsV1": { "f:metadata": { "f:labels": { "f:x": {} } } } },
            ],
        }))
        .unwrap();
        let facts = facts(meta);
        assert_eq!(facts.keys, Some(vec!["key_id".to_owned(), "region".to_owned()]));
        assert_eq!(facts.changed, Some("2025-06-01T00:00:00Z".parse().unwrap()));
        assert_eq!(facts.owner.as_deref(), Some("rotator"));
    }

    #[test]
    fn a_server_that_does_not_tell_the_keys_is_no_secret_without_keys() {
        assert_eq!(facts(ObjectMeta::default()), SecretFacts::default());
        assert_eq!(read(b"-----BEGIN PRIVATE KEY-----"), None);
    }
}
