//! Turns a question into Cedar's terms: entities, a request, a context.
//!
//! Invariant: text from outside becomes the id or the attribute of a value and is never formatted
//! into Cedar source, so that no name can change what is asked. Caller: `decide.rs`.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context as CedarContext, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request,
    RestrictedExpression, Schema,
};

use crate::{
    role::Principal,
    words::{Action, Context, Resource},
};

/// The names of the schema's types, parsed once.
#[derive(Debug, Clone)]
pub(crate) struct Types {
    person: EntityTypeName,
    role: EntityTypeName,
    command: EntityTypeName,
    kind: EntityTypeName,
    risk: EntityTypeName,
    severity: EntityTypeName,
    platform: EntityTypeName,
    action: EntityTypeName,
}

impl Types {
    pub(crate) fn new() -> Self {
        let name =
            |text: &str| text.parse().expect("the schema's type names are plain identifiers");
        Self {
            person: name("Person"),
            role: name("Role"),
            command: name("Command"),
            kind: name("Kind"),
            risk: name("Risk"),
            severity: name("Severity"),
            platform: name("Platform"),
            action: name("Action"),
        }
    }

    /// The request and the entities it speaks of, both checked against `schema`.
    ///
    /// # Errors
    /// What Cedar has against it; with values made from the crate's own enums there is nothing, so
    /// that an error means that schema and code have drifted apart.
    pub(crate) fn ask(
        &self,
        schema: &Schema,
        principal: &Principal,
        action: Action,
        resource: &Resource,
        context: &Context,
    ) -> Result<(Request, Entities), Box<dyn std::error::Error>> {
        let person = uid(&self.person, &principal.person);
        let command = uid(&self.command, &resource.name);
        let roles: HashSet<_> =
            principal.held().into_iter().map(|role| uid(&self.role, role.as_str())).collect();
        let attributes = HashMap::from([
            ("name".to_owned(), RestrictedExpression::new_string(resource.name.clone())),
            ("group".to_owned(), RestrictedExpression::new_string(resource.group.clone())),
            ("kind".to_owned(), word(&self.kind, resource.kind.as_str())),
            ("risk".to_owned(), word(&self.risk, resource.risk.as_str())),
            ("sensitive".to_owned(), RestrictedExpression::new_bool(resource.sensitive)),
        ]);
        let entities = Entities::from_entities(
            [
                Entity::new_no_attrs(person.clone(), roles),
                Entity::new(command.clone(), attributes, HashSet::new())?,
            ],
            Some(schema),
        )?;
        let mut circumstances = vec![
            ("platform".to_owned(), word(&self.platform, context.platform.as_str())),
            ("on_call".to_owned(), RestrictedExpression::new_bool(context.on_call)),
            ("freeze".to_owned(), RestrictedExpression::new_bool(context.freeze)),
            ("hour".to_owned(), RestrictedExpression::new_long(context.hour.into())),
            (
                "requester_is_principal".to_owned(),
                RestrictedExpression::new_bool(context.requester_is_principal),
            ),
        ];
        if let Some(severity) = context.incident_severity {
            circumstances
                .push(("incident_severity".to_owned(), word(&self.severity, severity.as_str())));
        }
        let request = Request::new(
            person,
            uid(&self.action, action.as_str()),
            command,
            CedarContext::from_pairs(circumstances)?,
            Some(schema),
        )?;
        Ok((request, entities))
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn word(kind: &EntityTypeName, word: &str) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid(kind, word))
}
