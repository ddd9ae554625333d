//! Users by bearer token and what each may do. Invariant: what no rule allows is refused. Called for
//! every request, and by SelfSubjectAccessReview, which answers from the same rules.

use serde_json::{Value, json};

use super::json::text;
use super::resources::{Resource, TABLE};
use super::status::Refusal;

/// One permission; "*" in a list stands for everything.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// get, list, watch, create, update, patch, delete, impersonate.
    pub verbs: Vec<String>,
    /// API groups; "" is the core group.
    pub groups: Vec<String>,
    /// Plural names, subresources as `pods/log`.
    pub resources: Vec<String>,
    /// Namespaces; lists over all namespaces and cluster-wide resources need "*".
    pub namespaces: Vec<String>,
}

impl Rule {
    /// A rule from plain words.
    #[must_use]
    pub fn new(verbs: &[&str], groups: &[&str], resources: &[&str], namespaces: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Rule {
            verbs: owned(verbs),
            groups: owned(groups),
            resources: owned(resources),
            namespaces: owned(namespaces),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) rules: Vec<Rule>,
}

/// What a request wants to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    /// `pods` or `pods/log`.
    pub(crate) resource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl User {
    pub(crate) fn new(name: &str, token: String, rules: Vec<Rule>) -> Self {
        User { name: name.to_owned(), token, rules }
    }

    /// `admin` (everything), `reader` (reads everything but secrets, and logs) and `nobody`.
    pub(crate) fn presets(token: impl Fn(&str) -> String) -> Vec<User> {
        let mut readable: Vec<String> = vec!["pods/log".into()];
        for row in TABLE.iter().filter(|r| r.plural != "secrets") {
            readable.push(row.plural.to_owned());
            for sub in row.subs.iter().filter(|s| matches!(s.name, "scale" | "status")) {
                readable.push(format!("{}/{}", row.plural, sub.name));
            }
        }
        let reads = Rule {
            resources: readable,
            ..Rule::new(&["get", "list", "watch"], &["*"], &[], &["*"])
        };
        let groups = [super::extensions::CUSTOM, super::extensions::EXTERNAL];
        let metrics = Rule::new(&["get"], &groups, &["*"], &["*"]);
        let everything = Rule::new(&["*"], &["*"], &["*"], &["*"]);
        vec![
            User::new("admin", token("admin"), vec![everything]),
            User::new("reader", token("reader"), vec![reads, metrics]),
            User::new("nobody", token("nobody"), Vec::new()),
        ]
    }

    pub(crate) fn may(&self, wanted: Attributes<'_>) -> bool {
        let has = |list: &[String], word: &str| list.iter().any(|w| w == "*" || w == word);
        self.rules.iter().any(|rule| {
            has(&rule.verbs, wanted.verb)
                && has(&rule.groups, wanted.group)
                && has(&rule.resources, wanted.resource)
                && has(&rule.namespaces, wanted.namespace)
        })
    }

    /// # Errors
    /// 403, worded as a real server words it.
    pub(crate) fn check(
        &self,
        resource: Option<&Resource>,
        wanted: Attributes<'_>,
    ) -> Result<(), Refusal> {
        if self.may(wanted) {
            return Ok(());
        }
        let (base, _) = wanted.resource.split_once('/').unwrap_or((wanted.resource, ""));
        let mut subject = base.to_owned();
        if !wanted.group.is_empty() {
            subject = format!("{subject}.{}", wanted.group);
        }
        if !wanted.name.is_empty() {
            subject = format!("{subject} \"{}\"", wanted.name);
        }
        let place = if wanted.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{}\"", wanted.namespace)
        };
        let message = format!(
            "{subject} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {place}",
            self.name, wanted.verb, wanted.resource, wanted.group
        );
        Err(Refusal::forbidden(resource, wanted.name, &message))
    }

    /// Answers a SelfSubjectAccessReview.
    pub(crate) fn review(&self, mut review: Value) -> Value {
        let asked = &review["spec"]["resourceAttributes"];
        let allowed = if asked.is_object() {
            let mut resource = text(asked, "/resource").to_owned();
            let sub = text(asked, "/subresource");
            if !sub.is_empty() {
                resource = format!("{resource}/{sub}");
            }
            self.may(Attributes {
                verb: text(asked, "/verb"),
                group: text(asked, "/group"),
                resource: &resource,
                namespace: text(asked, "/namespace"),
                name: text(asked, "/name"),
            })
        } else {
            // Health, version and discovery are open to everybody who has a token.
            text(&review, "/spec/nonResourceAttributes/verb") == "get"
        };
        review["metadata"] = json!({});
        review["status"] = json!({ "allowed": allowed });
        review
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted<'a>(verb: &'a str, group: &'a str, resource: &'a str) -> Attributes<'a> {
        Attributes { verb, group, resource, namespace: "novacron", name: "x" }
    }

    #[test]
    fn presets_read_what_they_should() {
        let users = User::presets(str::to_owned);
        let [admin, reader, nobody] = users.as_slice() else {
            panic!("three presets, not {}", users.len())
        };
        assert!(admin.may(wanted("patch", "apps", "deployments/scale")));
        assert!(reader.may(wanted("list", "", "pods")));
        assert!(reader.may(wanted("get", "", "pods/log")));
        assert!(reader.may(wanted("get", "metrics.k8s.io", "nodes")));
        assert!(!reader.may(wanted("get", "", "secrets")));
        assert!(!reader.may(wanted("create", "", "pods/exec")));
        assert!(!nobody.may(wanted("get", "", "pods")));
        let refusal = reader.check(None, wanted("patch", "apps", "deployments/scale")).unwrap_err();
        assert_eq!(
            refusal.body["message"],
            "deployments.apps \"x\" is forbidden: User \"reader\" cannot patch resource \
             \"deployments/scale\" in API group \"apps\" in the namespace \"novacron\""
        );
    }
}
