//! What was filled in: the components of a modal that was sent, by their ids
//! (docs.discord.com/developers/components/reference).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Refusal, ids};

/// One component: a label with one component inside, a row with several (before labels there were
/// rows), a text, or a field itself.
#[derive(Deserialize)]
pub(super) struct Component {
    custom_id: Option<String>,
    /// Of a text input.
    value: Option<String>,
    /// Of a select.
    values: Option<Vec<String>>,
    component: Option<Box<Component>>,
    #[serde(default)]
    components: Vec<Component>,
}

/// The fields that were filled in. One that was left empty is missing.
pub(super) fn fields(components: Vec<Component>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut fields = BTreeMap::new();
    for component in components {
        component.read(&mut fields)?;
    }
    Ok(fields)
}

impl Component {
    /// Goes down as deep as the JSON does, which the reader bounds.
    fn read(self, fields: &mut BTreeMap<String, String>) -> Result<(), Refusal> {
        for inner in self.component.map(|inner| *inner).into_iter().chain(self.components) {
            inner.read(fields)?;
        }
        let chosen = || self.values.and_then(|values| values.into_iter().next());
        let answer = self.value.or_else(chosen).filter(|answer| !answer.is_empty());
        if let (Some(id), Some(answer)) = (self.custom_id, answer) {
            ids::text(&answer)?;
            if fields.insert(ids::text(&id)?.to_owned(), answer).is_some() {
                return Err(Refusal::Malformed("a field stands twice"));
            }
        }
        Ok(())
    }
}
