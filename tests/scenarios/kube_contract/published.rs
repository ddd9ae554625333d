//! The published Kubernetes OpenAPI as a judge: finds the operation behind an exchange and holds its
//! bodies against the schema. Invariant: objects are closed, so an unknown field is a violation.
//! Called by the contract scenarios.

use std::collections::HashMap;

use jsonschema::{Draft, Validator};
use nova_sandbox::cluster::Exchange;
use serde_json::{Map, Value, json};

const DOCUMENTS: [&str; 5] = [
    include_str!("../contracts/kubernetes/api_v1.openapi3.json"),
    include_str!("../contracts/kubernetes/apis_apps_v1.openapi3.json"),
    include_str!("../contracts/kubernetes/apis_authorization.k8s.io_v1.openapi3.json"),
    include_str!("../contracts/kubernetes/apis_autoscaling_v1.openapi3.json"),
    include_str!("../contracts/kubernetes/apis_batch_v1.openapi3.json"),
];

const STATUS: &str = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Status";

/// What became of one exchange.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// So many bodies were held against a schema, and fit.
    Fits(usize),
    /// The published set has no such path or verb.
    Unpublished,
}

pub(crate) struct Published {
    paths: Vec<(Vec<String>, Value)>,
    schemas: Map<String, Value>,
    validators: HashMap<String, Validator>,
}

impl Published {
    pub(crate) fn load() -> Self {
        let (mut paths, mut schemas) = (Vec::new(), Map::new());
        for document in DOCUMENTS {
            let mut document: Value =
                serde_json::from_str(document).expect("the published files are JSON");
            for (path, operations) in document["paths"].as_object().into_iter().flatten() {
                paths.push((split(path), operations.clone()));
            }
            let Value::Object(found) = document["components"]["schemas"].take() else {
                panic!("a published file has no schemas");
            };
            schemas.extend(found);
        }
        for schema in schemas.values_mut() {
            close(schema);
        }
        Published { paths, schemas, validators: HashMap::new() }
    }

    /// # Panics
    /// When a body violates its schema, or a status code is not published for the operation.
    pub(crate) fn judge(&mut self, exchange: &Exchange) -> Verdict {
        let subject = format!(
            "{} {}?{} -> {}",
            exchange.method, exchange.path, exchange.query, exchange.status
        );
        // An upgrade to WebSocket has no body; OpenAPI cannot describe it.
        if exchange.status == 101 {
            return Verdict::Fits(0);
        }
        // A refusal is a Status whatever the path, also where its code is not listed.
        if exchange.status >= 400 {
            return match &exchange.response {
                Some(body) => {
                    self.check(STATUS, body, &subject);
                    Verdict::Fits(1)
                }
                None => Verdict::Unpublished,
            };
        }
        let parts = split(&exchange.path);
        let verb = exchange.method.to_lowercase();
        let operation = self
            .paths
            .iter()
            .find(|(template, operations)| {
                fits(template, &parts) && operations.get(&verb).is_some()
            })
            .map(|(_, operations)| operations[&verb].clone());
        let Some(operation) = operation else {
            return Verdict::Unpublished;
        };
        let mut held = 0;
        let content = &operation["requestBody"]["content"];
        let wanted = content.get(&exchange.content_type).or_else(|| content.get("*/*"));
        if let (Some(schema), Ok(body)) =
            (reference(wanted), serde_json::from_slice::<Value>(&exchange.request))
        {
            // The published Patch is an object, although a JSON patch is a list.
            if !body.is_array() {
                self.check(&schema, &body, &format!("request of {subject}"));
                held += 1;
            }
        }
        let answers = &operation["responses"][exchange.status.to_string()];
        assert!(!answers.is_null(), "{subject}: the code is not published for this operation");
        if let (Some(schema), Some(body)) =
            (reference(answers["content"].get("application/json")), &exchange.response)
        {
            self.check(&schema, body, &subject);
            held += 1;
        }
        Verdict::Fits(held)
    }

    /// Holds an object against the schema of its own kind; false when that is not published.
    pub(crate) fn check_kind(&mut self, object: &Value, subject: &str) -> bool {
        let (group, version) = object["apiVersion"]
            .as_str()
            .map(|v| v.split_once('/').unwrap_or(("", v)))
            .unwrap_or_default();
        let kind = json!({ "group": group, "version": version, "kind": object["kind"] });
        let found = self.schemas.iter().find(|(_, schema)| {
            schema["x-kubernetes-group-version-kind"]
                .as_array()
                .is_some_and(|kinds| kinds.contains(&kind))
        });
        let Some((name, _)) = found else {
            return false;
        };
        self.check(&format!("#/components/schemas/{}", name.clone()), object, subject);
        true
    }

    fn check(&mut self, reference: &str, body: &Value, subject: &str) {
        let schemas = &self.schemas;
        let validator = self.validators.entry(reference.to_owned()).or_insert_with(|| {
            let document = json!({ "$ref": reference, "components": { "schemas": schemas } });
            jsonschema::options()
                .with_draft(Draft::Draft4)
                .should_validate_formats(true)
                .should_ignore_unknown_formats(true)
                .build(&document)
                .unwrap_or_else(|error| panic!("{reference} does not compile: {error}"))
        });
        let violations: Vec<String> = validator
            .iter_errors(body)
            .map(|error| format!("  {}: {error}", error.instance_path()))
            .collect();
        assert!(
            violations.is_empty(),
            "{subject} violates {reference}:\n{}\nin {body:#}",
            violations.join("\n")
        );
    }
}

fn split(path: &str) -> Vec<String> {
    path.trim_matches('/').split('/').map(str::to_owned).collect()
}

fn fits(template: &[String], parts: &[String]) -> bool {
    template.len() == parts.len()
        && template
            .iter()
            .zip(parts)
            .all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
}

fn reference(content: Option<&Value>) -> Option<String> {
    content?["schema"]["$ref"].as_str().map(str::to_owned)
}

/// An object with known properties takes no others.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".into(), json!(false));
            }
            map.values_mut().for_each(close);
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}
