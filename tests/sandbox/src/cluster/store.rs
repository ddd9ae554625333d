//! The objects, their versions and the history that watches read. Invariants: resourceVersion grows
//! by one with each change of anything; an update that changes nothing is no change; uid and
//! creationTimestamp never change; generation counts changes of the spec. The history is bounded:
//! who asks for more is told that it expired. Called under the cluster's one lock.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use serde_json::{Value, json};

use super::json::{name, namespace, now, object, text, uid};

/// How many changes the history keeps.
const HISTORY: usize = 4096;

/// Resources whose spec has a generation.
const GENERATIONS: &[&str] = &[
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "networkpolicies",
    "poddisruptionbudgets",
    "pods",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Added,
    Modified,
    Deleted,
}

/// One change: the object after it (for a deletion: as it last was) and before it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) verb: Verb,
    pub(crate) resource: &'static str,
    pub(crate) object: Arc<Value>,
    pub(crate) before: Option<Arc<Value>>,
}

type Key = (&'static str, String, String);

#[derive(Debug)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    version: u64,
    history: VecDeque<Change>,
    seed: RandomState,
    minted: u64,
}

impl Store {
    pub(crate) fn new() -> Self {
        Store {
            objects: BTreeMap::new(),
            version: 1,
            history: VecDeque::new(),
            seed: RandomState::new(),
            minted: 0,
        }
    }

    /// The version of the newest change.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The oldest version from which a watch can still be continued.
    pub(crate) fn oldest(&self) -> u64 {
        self.history.front().map_or(self.version, |c| c.version - 1)
    }

    /// Changes after `version`, oldest first.
    pub(crate) fn since(&self, version: u64) -> impl Iterator<Item = &Change> {
        let start = self.history.partition_point(|c| c.version <= version);
        self.history.range(start..)
    }

    /// Forgets the whole history, as etcd's compaction does: every older watch and list expires.
    pub(crate) fn compact(&mut self) {
        self.history.clear();
    }

    /// A fresh suffix for a generated name: five letters that are safe in a DNS label.
    pub(crate) fn suffix(&mut self) -> String {
        letters(self.random(), 5)
    }

    fn random(&mut self) -> u64 {
        self.minted += 1;
        self.seed.hash_one(self.minted)
    }

    fn new_uid(&mut self) -> String {
        let (a, b) = (self.random(), self.random());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }

    pub(crate) fn get(&self, resource: &'static str, ns: &str, name: &str) -> Option<Arc<Value>> {
        self.objects.get(&(resource, ns.to_owned(), name.to_owned())).cloned()
    }

    /// All objects of a resource in one namespace, or everywhere, in order of namespace and name.
    pub(crate) fn list(&self, resource: &'static str, ns: Option<&str>) -> Vec<Arc<Value>> {
        let start = (resource, ns.unwrap_or_default().to_owned(), String::new());
        self.objects
            .range(start..)
            .take_while(|((r, n, _), _)| *r == resource && ns.is_none_or(|ns| n == ns))
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    /// The same as [`Store::list`] as it was at an older version; None when that is forgotten.
    pub(crate) fn list_at(
        &self,
        resource: &'static str,
        ns: Option<&str>,
        version: u64,
    ) -> Option<Vec<Arc<Value>>> {
        if version < self.oldest() {
            return None;
        }
        let key = |object: &Value| (namespace(object).to_owned(), name(object).to_owned());
        let mut then: BTreeMap<(String, String), Arc<Value>> =
            self.list(resource, ns).into_iter().map(|object| (key(&object), object)).collect();
        let newer = self.history.iter().rev().take_while(|c| c.version > version);
        for change in newer.filter(|c| c.resource == resource) {
            if ns.is_some_and(|ns| ns != namespace(&change.object)) {
                continue;
            }
            match &change.before {
                Some(before) => then.insert(key(before), Arc::clone(before)),
                None => then.remove(&key(&change.object)),
            };
        }
        Some(then.into_values().collect())
    }

    /// Gives a new object its uid, creation time and generation. Nothing is stored yet.
    pub(crate) fn stamp(&mut self, resource: &'static str, value: &mut Value) {
        let uid = self.new_uid();
        let meta = object(value, "metadata");
        meta.insert("uid".into(), json!(uid));
        meta.insert("creationTimestamp".into(), json!(now()));
        for theirs in [
            "resourceVersion",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "selfLink",
        ] {
            meta.remove(theirs);
        }
        if GENERATIONS.contains(&resource) {
            meta.insert("generation".into(), json!(1));
        }
    }

    /// Stores a new object, stamped first; one of the same name is replaced as a new incarnation.
    pub(crate) fn insert(&mut self, resource: &'static str, mut value: Value) -> Arc<Value> {
        self.stamp(resource, &mut value);
        self.remove(resource, namespace(&value), name(&value));
        self.commit(resource, Verb::Added, value)
    }

    /// What the object will be when `new` replaces `old`: identity kept, generation counted.
    pub(crate) fn successor(resource: &'static str, old: &Value, mut new: Value) -> Value {
        let changed = old.get("spec") != new.get("spec");
        let meta = object(&mut new, "metadata");
        for kept in [
            "uid",
            "creationTimestamp",
            "resourceVersion",
            "generation",
            "name",
            "namespace",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generateName",
        ] {
            match old["metadata"].get(kept) {
                Some(value) => meta.insert(kept.into(), value.clone()),
                None => meta.remove(kept),
            };
        }
        if changed && GENERATIONS.contains(&resource) {
            let generation = old["metadata"]["generation"].as_i64().unwrap_or(1) + 1;
            meta.insert("generation".into(), json!(generation));
        }
        new
    }

    /// Replaces an object; without any difference nothing happens. An absent one is left absent.
    pub(crate) fn update(&mut self, resource: &'static str, new: Value) -> Option<Arc<Value>> {
        let old = self.get(resource, namespace(&new), name(&new))?;
        let new = Self::successor(resource, &old, new);
        if new == *old {
            return Some(old);
        }
        Some(self.commit(resource, Verb::Modified, new))
    }

    /// Changes an object in place.
    pub(crate) fn edit(
        &mut self,
        resource: &'static str,
        object: &Value,
        change: impl FnOnce(&mut Value),
    ) -> Option<Arc<Value>> {
        let mut new = (*self.get(resource, namespace(object), name(object))?).clone();
        change(&mut new);
        self.update(resource, new)
    }

    /// Starts a graceful deletion: the object stays until its controller has ended it.
    pub(crate) fn mark_deleted(
        &mut self,
        resource: &'static str,
        object: &Value,
        grace: i64,
    ) -> Option<Arc<Value>> {
        let old = self.get(resource, namespace(object), name(object))?;
        if !text(&old, "/metadata/deletionTimestamp").is_empty() {
            return Some(old);
        }
        let mut new = (*old).clone();
        new["metadata"]["deletionTimestamp"] = json!(now());
        if resource == "pods" {
            new["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        }
        Some(self.commit(resource, Verb::Modified, new))
    }

    pub(crate) fn remove(
        &mut self,
        resource: &'static str,
        ns: &str,
        name: &str,
    ) -> Option<Arc<Value>> {
        let old = self.get(resource, ns, name)?;
        Some(self.commit(resource, Verb::Deleted, (*old).clone()))
    }

    /// Removes the object if it still is the same incarnation.
    pub(crate) fn remove_object(&mut self, resource: &'static str, object: &Value) {
        let current = self.get(resource, namespace(object), name(object));
        if current.is_some_and(|c| uid(&c) == uid(object)) {
            self.remove(resource, namespace(object), name(object));
        }
    }

    fn commit(&mut self, resource: &'static str, verb: Verb, mut value: Value) -> Arc<Value> {
        self.version += 1;
        object(&mut value, "metadata")
            .insert("resourceVersion".into(), json!(self.version.to_string()));
        let key = (resource, namespace(&value).to_owned(), name(&value).to_owned());
        let stored = Arc::new(value);
        let before = match verb {
            Verb::Deleted => self.objects.remove(&key),
            Verb::Added | Verb::Modified => self.objects.insert(key, Arc::clone(&stored)),
        };
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(Change {
            version: self.version,
            verb,
            resource,
            object: Arc::clone(&stored),
            before,
        });
        stored
    }
}

/// `count` letters out of a number, from the alphabet Kubernetes uses (no vowels, no look-alikes).
pub(crate) fn letters(mut number: u64, count: usize) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut out = String::with_capacity(count);
    for _ in 0..count {
        let index = usize::try_from(number % 27).expect("a remainder of 27 fits");
        out.push(char::from(ALPHABET[index]));
        number /= 27;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(replicas: i64) -> Value {
        json!({ "metadata": { "name": "web", "namespace": "a" }, "spec": { "replicas": replicas } })
    }

    #[test]
    fn generation_counts_changes_of_the_spec_only() {
        let mut store = Store::new();
        let first = store.insert("deployments", deployment(1));
        let same = store.update("deployments", (*first).clone()).unwrap();
        assert_eq!(same["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
        let labelled = store
            .edit("deployments", &first, |d| d["metadata"]["labels"] = json!({"a": "b"}))
            .unwrap();
        assert_eq!(labelled["metadata"]["generation"], 1);
        assert_ne!(labelled["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
        let scaled =
            store.edit("deployments", &first, |d| d["spec"]["replicas"] = json!(2)).unwrap();
        assert_eq!(scaled["metadata"]["generation"], 2);
        assert_eq!(scaled["metadata"]["uid"], first["metadata"]["uid"]);
    }

    #[test]
    fn the_past_can_be_listed_until_it_is_forgotten() {
        let mut store = Store::new();
        let first = store.insert("deployments", deployment(1));
        let then = store.version();
        store.edit("deployments", &first, |d| d["spec"]["replicas"] = json!(2));
        store.remove("deployments", "a", "web");
        let past = store.list_at("deployments", None, then).unwrap();
        assert_eq!(past, vec![first]);
        assert!(store.list("deployments", None).is_empty());
        for _ in 0..=HISTORY {
            store.insert("deployments", deployment(1));
        }
        assert!(store.list_at("deployments", None, then).is_none());
        assert!(store.history.len() <= HISTORY);
    }
}
