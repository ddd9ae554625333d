//! The members of the federation and what each says of itself.
//!
//! Every member is asked for its own account, because the one answer that a load balancer picks cannot
//! show that two members disagree. Field names differ between installations, so several are known.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::Value;

use super::config::FederationConfig;
use super::home::workload;
use super::http::MAX_BODY;
use super::kube::{Cluster, Pod, WorkloadKind};
use super::{Cause, Platform, PlatformError};
use crate::command::UserError;
use crate::report::Finding;
use crate::text::Untrusted;

/// The most members that are asked in one cluster.
const MEMBERS: usize = 20;

/// What one member was asked and answered.
#[derive(Debug)]
pub struct Account {
    pub cluster: String,
    /// The pod's name; the cluster's where its members share a URL.
    pub member: String,
    pub source: String,
    pub answer: Result<Value, PlatformError>,
}

/// What a member says of raft. `None` where it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RaftStatus {
    pub id: Option<String>,
    pub role: Option<Role>,
    pub term: Option<u64>,
    /// Whom it takes for the leader, by id or address.
    pub leader: Option<String>,
    /// The last log entry that it knows to be committed.
    pub commit: Option<u64>,
    pub applied: Option<u64>,
}

/// What a member takes itself for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Leader,
    Follower,
    Candidate,
    /// A learner or an observer.
    Other,
}

impl Role {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Other => "no voter",
        }
    }
}

/// The members that one member knows, by id, each with its address or "".
pub type Peers = BTreeMap<String, String>;

impl Platform {
    /// The clusters that take part.
    ///
    /// # Errors
    /// When the configuration names one that there is not.
    pub fn federated(&self) -> Result<Vec<&Cluster>, UserError> {
        match &self.federation.clusters {
            Some(names) => names.iter().map(|name| self.cluster(name)).collect(),
            None => Ok(self.clusters.iter().collect()),
        }
    }

    /// The namespace, kind, name and selector of the members' workload.
    ///
    /// # Errors
    /// When the configuration does not say what the federation's service is.
    pub fn federation_home(&self) -> Result<(&str, WorkloadKind, &str, Option<&str>), UserError> {
        let service = self.service(&self.federation.service)?;
        let place = service.workload.as_deref().and_then(workload);
        let (kind, name) = place.ok_or_else(|| {
            UserError::new(format!("`{}` has no `workload` in the configuration", service.name))
        })?;
        Ok((&service.namespace, kind, name, service.selector.as_deref()))
    }

    /// Asks every member at once. A cluster whose members cannot be found is one account that failed.
    ///
    /// # Errors
    /// When the configuration does not say what the federation is.
    pub async fn accounts(&self, path: &str) -> Result<Vec<Account>, UserError> {
        let home = self.federation_home();
        let clusters = self.federated()?;
        let config = &self.federation;
        // A cluster that only its URL is known of is asked, too.
        let elsewhere: Vec<&String> = config
            .urls
            .keys()
            .filter(|name| !clusters.iter().any(|cluster| cluster.name() == *name))
            .collect();
        if clusters.iter().any(|cluster| !config.urls.contains_key(cluster.name())) {
            home.as_ref().map_err(Clone::clone)?;
        }
        let inside = clusters.iter().map(|cluster| async {
            match (config.urls.get(cluster.name()), &home) {
                (Some(url), _) => vec![self.by_url(cluster.name(), url, path).await],
                (None, Ok(home)) => through_pods(cluster, config, *home, path).await,
                (None, Err(_)) => Vec::new(),
            }
        });
        let outside = elsewhere.iter().map(|name| self.by_url(name, &config.urls[*name], path));
        let (inside, outside) = futures_util::join!(join_all(inside), join_all(outside));
        Ok(inside.into_iter().flatten().chain(outside).collect())
    }

    async fn by_url(&self, cluster: &str, url: &str, path: &str) -> Account {
        let url = format!("{}{path}", url.trim_end_matches('/'));
        let source = format!("GET {url}");
        let failed = |cause| Err(PlatformError::new(source.as_str(), cause));
        let answer = match self.http.get(&url, None).await {
            Ok(answer) => match answer.status {
                200 if answer.truncated => failed(Cause::TooLarge(MAX_BODY)),
                200 => serde_json::from_slice(&answer.body).or_else(|_| failed(Cause::Malformed)),
                401 => failed(Cause::Unauthenticated),
                403 => failed(Cause::Forbidden),
                404 => failed(Cause::NotFound),
                429 | 503 => failed(Cause::Busy),
                code => failed(Cause::Http(code)),
            },
            Err(error) => Err(error),
        };
        Account { cluster: cluster.to_owned(), member: cluster.to_owned(), source, answer }
    }
}

async fn through_pods(
    cluster: &Cluster,
    config: &FederationConfig,
    (namespace, kind, name, selector): (&str, WorkloadKind, &str, Option<&str>),
    path: &str,
) -> Vec<Account> {
    let account = |member: &str, source: String, answer| Account {
        cluster: cluster.name().to_owned(),
        member: member.to_owned(),
        source,
        answer,
    };
    let place = format!("{kind} {namespace}/{name} in {}", cluster.name());
    let mut pods = match cluster.deployed((namespace, kind, name), selector).await {
        Ok((_, pods)) => pods,
        Err(error) => {
            // Told apart from an endpoint that is not there.
            let error = match error.cause {
                Cause::NotFound => PlatformError { cause: Cause::Misconfigured, ..error }
                    .detail(format!("no {place}"))
                    .hint("see [federation] `service` and `clusters`"),
                _ => error,
            };
            return vec![account(cluster.name(), place, Err(error))];
        }
    };
    pods.retain(|pod| pod.counts() && pod.phase != "Terminating");
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    pods.truncate(MEMBERS);
    if pods.is_empty() {
        let error = PlatformError::new(place.as_str(), Cause::Refused).detail("no pods");
        return vec![account(cluster.name(), place, Err(error))];
    }
    let account = &account;
    let asked = pods.iter().map(|Pod { name: pod, .. }| async move {
        let place = (namespace, pod.as_str(), config.port);
        let source =
            format!("GET {path} of {namespace}/{pod}:{} in {}", config.port, cluster.name());
        let answer = cluster.get_from_pod(place, path, MAX_BODY).await.and_then(|body| {
            serde_json::from_slice(&body)
                .map_err(|_| PlatformError::new(source.as_str(), Cause::Malformed))
        });
        account(pod, source, answer)
    });
    join_all(asked).await
}

impl RaftStatus {
    /// What a body says, whatever its fields are called. `None`: nothing about raft.
    #[must_use]
    pub fn read(body: &Value) -> Option<Self> {
        let fields = Fields::of(body);
        let role = fields.text(&["state", "role", "raft_state", "status"]).and_then(|role| {
            Some(match role.to_ascii_lowercase().as_str() {
                "leader" => Role::Leader,
                "follower" => Role::Follower,
                "candidate" | "precandidate" | "pre-candidate" => Role::Candidate,
                "learner" | "observer" | "nonvoter" | "witness" => Role::Other,
                _ => return None,
            })
        });
        let claims = fields.truth(&["is_leader"]).map(|leads| match leads {
            true => Role::Leader,
            false => Role::Follower,
        });
        let leader = fields.text(&["leader_id", "leader", "leader_addr", "leader_address"]);
        let status = Self {
            id: fields.text(&["node_id", "id", "server_id", "local_id", "node"]),
            role: role.or(claims),
            term: fields.number(&["term", "current_term"]),
            leader: leader.filter(|leader| !leader.is_empty()),
            commit: fields.number(&["commit_index", "committed_index", "commit"]),
            applied: fields.number(&["applied_index", "last_applied", "applied"]),
        };
        (status.role.is_some() || status.term.is_some() || status.leader.is_some())
            .then_some(status)
    }
}

/// Whom a body names as members: a list of ids or of objects, or a map of ids to addresses. The
/// member's own id stands beside them where it says so.
#[must_use]
pub fn peers(body: &Value) -> Option<(Option<String>, Peers)> {
    let own = Fields::of(body).text(&["node_id", "id", "server_id", "local_id"]);
    let list = match body {
        Value::Object(map) => ["peers", "servers", "members", "nodes", "data"]
            .iter()
            .find_map(|key| map.get(*key))
            .unwrap_or(body),
        body => body,
    };
    let list = match list {
        Value::Object(map) => map.get("peers").unwrap_or(list),
        list => list,
    };
    let mut found = Peers::new();
    match list {
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::String(id) => drop(found.insert(id.clone(), String::new())),
                    item => {
                        let fields = Fields::of(item);
                        let address = fields.text(&["address", "addr", "url", "endpoint"]);
                        let id = fields.text(&["id", "node_id", "server_id", "name"]);
                        let id = id.or_else(|| address.clone())?;
                        found.insert(id, address.unwrap_or_default());
                    }
                }
            }
        }
        Value::Object(map) if map.values().all(Value::is_string) => {
            for (id, address) in map {
                found.insert(id.clone(), address.as_str().unwrap_or_default().to_owned());
            }
        }
        _ => return None,
    }
    Some((own, found))
}

/// The ids that any of them knows.
#[must_use]
pub fn everybody<'a>(lists: impl IntoIterator<Item = &'a Peers>) -> BTreeSet<&'a str> {
    lists.into_iter().flat_map(|peers| peers.keys().map(String::as_str)).collect()
}

/// The fields of an object and of those that it is wrapped in, by their names in lower case without
/// `_`, `-` and `.`.
struct Fields<'a>(BTreeMap<String, &'a Value>);

impl<'a> Fields<'a> {
    fn of(body: &'a Value) -> Self {
        let mut fields = BTreeMap::new();
        let wrapped = ["data", "raft", "status", "stats", "result"];
        let inner = wrapped.iter().filter_map(|key| body.get(*key));
        for object in inner.chain([body]) {
            for (key, value) in object.as_object().into_iter().flatten() {
                fields.entry(plain(key)).or_insert(value);
            }
        }
        Self(fields)
    }

    fn get(&self, names: &[&str]) -> impl Iterator<Item = &'a Value> {
        names
            .iter()
            .filter_map(|name| self.0.get(&plain(name)).copied())
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn text(&self, names: &[&str]) -> Option<String> {
        self.get(names).find_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    fn number(&self, names: &[&str]) -> Option<u64> {
        // Some libraries write every figure as text.
        self.get(names).find_map(|value| {
            value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
        })
    }

    fn truth(&self, names: &[&str]) -> Option<bool> {
        self.get(names).find_map(Value::as_bool)
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

impl Account {
    /// That nova may not ask the members of this one's cluster.
    #[must_use]
    pub fn forbidden(&self, error: &PlatformError) -> Finding {
        let finding = error.finding(format!("members in {}", self.cluster), self.source.as_str());
        finding.hint(
            "grant nova's account `get` on `pods/proxy`, or give the cluster a URL in [federation.urls]",
        )
    }

    /// A member's name beside others: with its cluster where the name does not hold it.
    #[must_use]
    pub fn name(&self) -> Untrusted {
        match self.member == self.cluster {
            true => self.member.as_str().into(),
            false => format!("{} in {}", self.member, self.cluster).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_known_shape_of_a_status_is_read() {
        let expected = RaftStatus {
            id: Some("a".into()),
            role: Some(Role::Leader),
            term: Some(7),
            leader: Some("a".into()),
            commit: Some(120),
            applied: Some(119),
        };
        for body in [
            json!({ "node_id": "a", "state": "leader", "term": 7, "leader_id": "a",
                    "commit_index": 120, "last_applied": 119 }),
            json!({ "nodeID": "a", "state": "Leader", "currentTerm": 7, "leader": "a",
                    "commitIndex": 120, "lastApplied": 119 }),
            json!({ "id": "a", "stats": { "state": "Leader", "term": "7", "commit_index": "120",
                    "applied_index": "119" }, "leader": "a" }),
            json!({ "data": { "id": "a", "is_leader": true, "term": 7, "leader": "a",
                    "commit_index": 120, "applied_index": 119 } }),
        ] {
            assert_eq!(RaftStatus::read(&body), Some(expected.clone()), "{body}");
        }
        assert_eq!(RaftStatus::read(&json!({ "status": "ok" })), None);
        assert_eq!(RaftStatus::read(&json!([1])), None);
    }

    #[test]
    fn every_known_shape_of_a_list_of_peers_is_read() {
        let expected = Peers::from([("a".into(), "a:1".into()), ("b".into(), "b:1".into())]);
        for body in [
            json!([{ "id": "a", "address": "a:1" }, { "id": "b", "address": "b:1" }]),
            json!({ "peers": [{ "node_id": "a", "addr": "a:1" }, { "node_id": "b", "addr": "b:1" }] }),
            json!({ "peers": { "a": "a:1", "b": "b:1" } }),
            json!({ "data": { "peers": { "a": "a:1", "b": "b:1" } } }),
            json!({ "a": "a:1", "b": "b:1" }),
        ] {
            assert_eq!(peers(&body).map(|(_, peers)| peers), Some(expected.clone()), "{body}");
        }
        let (own, list) = peers(&json!({ "node_id": "c", "peers": ["a"] })).unwrap();
        assert_eq!((own.as_deref(), list.len()), (Some("c"), 1));
        assert_eq!(peers(&json!({ "error": 5 })), None);
    }
}
