//! Discord's published OpenAPI: finds an operation, and holds JSON against the schemas. Invariant: an
//! object takes no field that is not published, and whatever else is changed of the published text
//! names its source in [`corrected`]. Called by the judges beside it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Registry, RegistryBuilder, ValidationError, Validator};
use serde_json::{Value, json};

const PUBLISHED: &str = include_str!("../contracts/discord/openapi.bot.json");

/// Who wrote what is judged. Discord takes more than it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Side {
    App,
    Discord,
}

impl Side {
    fn document(self) -> &'static str {
        match self {
            Side::App => "urn:app",
            Side::Discord => "urn:discord",
        }
    }
}

struct Contract {
    published: Value,
    registry: Registry<'static>,
    /// Compiled when first needed: few of the schemas are, in one test.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let published: Value = serde_json::from_str(PUBLISHED).expect("the published file is JSON");
    let resource = |side| Draft::Draft202012.create_resource(corrected(&published, side));
    let registry = Registry::new()
        .add(Side::App.document(), resource(Side::App))
        .and_then(|both| both.add(Side::Discord.document(), resource(Side::Discord)))
        .and_then(RegistryBuilder::prepare)
        .expect("the published schemas refer to each other only");
    Contract { published, registry, validators: Mutex::default() }
});

/// The published text, made strict, and put right where the documentation says otherwise.
fn corrected(published: &Value, side: Side) -> Value {
    let mut document = published.clone();
    close(&mut document, side);
    let schemas = &mut document["components"]["schemas"];
    // Parts of another object: that one is closed as a whole.
    for whole in ["ErrorResponse", "RatelimitedResponse"] {
        schemas[whole]["unevaluatedProperties"] = json!(false);
        remove(&mut schemas[whole]["allOf"][1], "additionalProperties");
    }
    remove(&mut schemas["Error"], "additionalProperties");
    // A field's error has a name, not a number: developers/reference, "Error Messages".
    schemas["InnerErrors"]["properties"]["_errors"]["items"] = json!({
        "type": "object", "additionalProperties": false, "required": ["code", "message"],
        "properties": { "code": { "type": "string" }, "message": { "type": "string" } },
    });
    // `code` is optional there: developers/topics/rate-limits, "Rate Limit Response Structure".
    schemas["RatelimitedResponse"]["allOf"][0] = json!({
        "type": "object", "required": ["message"],
        "properties": { "code": { "type": "integer" }, "message": { "type": "string" } },
    });
    if side == Side::App {
        app(schemas);
    }
    document
}

/// What is known of an app's requests beyond the schemas.
fn app(schemas: &mut Value) {
    // discord.py sends ids as numbers, and Discord takes them.
    let id = schemas["SnowflakeType"].take();
    schemas["SnowflakeType"] = json!({ "anyOf": [id, { "type": "integer", "minimum": 0 }] });
    // Bots have no more: developers/resources/message, "Create Message".
    for message in ["MessageCreateRequest", "MessageEditRequestPartial"] {
        schemas[message]["properties"]["content"]["maxLength"] = json!(2000);
    }
    // developers/interactions/application-commands, "Naming": the pattern, in lower case where there is
    // one. Commands on users and messages (types 2 and 3) are named freely.
    let name = json!({
        "pattern": r"^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$", "not": { "pattern": r"\p{Lu}" },
    });
    let named = json!({ "properties": { "name": name } });
    let free = json!({ "required": ["type"], "properties": { "type": { "enum": [2, 3] } } });
    for (key, schema) in schemas.as_object_mut().into_iter().flatten() {
        let Some(kind) = key.strip_prefix("ApplicationCommand") else { continue };
        if kind.ends_with("Option") {
            schema["allOf"] = json!([named]);
        } else if matches!(kind, "CreateRequest" | "UpdateRequest") {
            schema["if"] = free.clone();
            schema["else"] = named.clone();
        }
    }
}

/// Lets objects with known properties take no others, and permissions come as texts.
fn close(schema: &mut Value, side: Side) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".into(), json!(false));
            }
            // developers/topics/permissions: "serialized as strings"; the schemas have only numbers.
            for key in ["allow", "deny", "default_member_permissions"] {
                let numbers = map.get_mut("properties").and_then(|known| known.get_mut(key));
                if let Some(numbers) = numbers.filter(|_| side == Side::App) {
                    let text = json!({ "type": "string", "pattern": "^[0-9]+$" });
                    *numbers = json!({ "anyOf": [numbers.take(), text] });
                }
            }
            map.values_mut().for_each(|inner| close(inner, side));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| close(inner, side)),
        _ => {}
    }
}

fn remove(schema: &mut Value, key: &str) {
    schema.as_object_mut().expect("it is a schema").remove(key);
}

/// A published operation.
pub(super) struct Operation {
    /// Where it stands in the document.
    pointer: String,
    of_path: &'static Value,
    value: &'static Value,
}

impl Operation {
    /// The operation of a method and a path's template.
    pub(super) fn find(method: &str, template: &str) -> Option<Self> {
        let of_path = CONTRACT.published["paths"].get(template)?;
        let method = method.to_ascii_lowercase();
        let value = of_path.get(&method)?;
        let pointer = format!("/paths/{}/{method}", template.replace('/', "~1"));
        Some(Operation { pointer, of_path, value })
    }

    /// The parameters of the path or of the query: name, and where the schema stands.
    pub(super) fn parameters(&self, place: &str) -> Vec<(&'static str, String)> {
        let path = self.pointer.rsplit_once('/').map_or("", |(path, _)| path);
        let both = [(path, self.of_path), (self.pointer.as_str(), self.value)];
        let mut found = Vec::new();
        for (pointer, holder) in both {
            let list = holder["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            for (at, one) in list.iter().enumerate().filter(|(_, one)| one["in"] == place) {
                let name = one["name"].as_str().expect("a parameter has a name");
                found.push((name, format!("{pointer}/parameters/{at}/schema")));
            }
        }
        found
    }

    /// Whether a body of this type is taken.
    pub(super) fn takes(&self, content_type: &str) -> bool {
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        self.value["requestBody"]["content"].get(content_type).is_some()
    }

    /// Where the body's schema stands; `None` when there is no body. The JSON of a body of several
    /// parts has the same one.
    pub(super) fn body(&self) -> Option<String> {
        let body = self.value.get("requestBody")?;
        body["content"]["application/json"].get("schema")?;
        Some(format!("{}/requestBody/content/application~1json/schema", self.pointer))
    }

    /// Where the schema of an answer stands: `Some(None)` when it has no body, `None` when the status
    /// is not published.
    pub(super) fn answer(&self, status: u16) -> Option<Option<String>> {
        let exact = status.to_string();
        let answers = &self.value["responses"];
        let class = format!("{}XX", status / 100);
        let key = if answers.get(&exact).is_some() { exact } else { class };
        let answer = answers.get(&key)?;
        let (pointer, answer) = match answer["$ref"].as_str() {
            None => (format!("{}/responses/{key}", self.pointer), answer),
            Some(named) => {
                let pointer = named.trim_start_matches('#').to_owned();
                let answer = CONTRACT.published.pointer(&pointer);
                (pointer, answer.expect("what the file refers to is in it"))
            }
        };
        let schema = answer["content"]["application/json"].get("schema");
        Some(schema.map(|_| format!("{pointer}/content/application~1json/schema")))
    }
}

/// Where a schema with a name stands.
pub(super) fn named(schema: &str) -> String {
    format!("/components/schemas/{schema}")
}

/// What is wrong with a value, each with its place in it.
///
/// # Panics
/// When there is no such schema.
pub(super) fn check(side: Side, pointer: &str, value: &Value) -> Vec<String> {
    let pointer = pointer.replace('{', "%7B").replace('}', "%7D");
    let reference = format!("{}#{pointer}", side.document());
    let mut validators = CONTRACT.validators.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = validators.entry(reference).or_insert_with_key(|reference| {
        let built = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(&CONTRACT.registry)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .build(&json!({ "$ref": reference }));
        Arc::new(built.unwrap_or_else(|error| panic!("{reference} does not compile: {error}")))
    });
    let validator = Arc::clone(validator);
    drop(validators);
    validator.iter_errors(value).flat_map(|error| said(&error)).collect()
}

/// The error in words; of alternatives that all fail, those of the one that was probably meant.
fn said(error: &ValidationError<'_>) -> Vec<String> {
    // Without the value, which may be the whole message.
    let plain = || vec![format!("{}: {}", error.instance_path(), error.masked())];
    let (ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context }) =
        error.kind()
    else {
        return plain();
    };
    let meant = context.iter().min_by_key(|errors| unlike(errors)).map_or(&[][..], Vec::as_slice);
    match meant {
        // One of the values of an enumeration says nothing.
        [] => plain(),
        [one] if matches!(one.kind(), ValidationErrorKind::Constant { .. }) => plain(),
        errors => errors.iter().flat_map(said).collect(),
    }
}

/// How unlike a value is to an alternative: of another kind first, then by how much is wrong.
fn unlike(errors: &[ValidationError<'_>]) -> (usize, usize) {
    let of_kind = |error: &&ValidationError<'_>| {
        matches!(error.kind(), ValidationErrorKind::Type { .. })
            || error.instance_path().as_str().ends_with("/type")
    };
    (errors.iter().filter(of_kind).count(), errors.len())
}
