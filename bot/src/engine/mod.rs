//! The engine: takes invocations from any adapter and carries them out.
//!
//! Invariant: every invocation and its outcome stand on the timeline; when the store cannot be
//! written, a diagnostic is answered all the same and says so. What changes an incident is written
//! together with its invocation, or not done.

mod authorise;
mod converse;
mod incidents;
mod invoke;
mod key;
mod leftover;
mod line;
mod run;
mod setup;

use std::sync::Arc;

use nova_commands::grammar::Grammar;
use nova_commands::platform::Platform;
use nova_commands::text::Sanitiser;
use nova_permissions::{GateTable, Permissions};

use crate::config::Config;
use crate::store::Store;

pub use converse::{Outlet, converse, show};
pub use incidents::{Change, Changed, IncidentError};
pub use invoke::{Answer, Exit, Invocation, Question, Running, Speaker, Taken};
pub use line::Line;
pub(crate) use setup::permissions;
pub use setup::{sanitiser, store as open_store};

/// Everything that answering needs. One for the process.
pub struct Engine {
    pub grammar: Grammar,
    pub gate: GateTable,
    pub sanitiser: Sanitiser,
    platform: Arc<Platform>,
    permissions: Permissions,
    /// `Err`: why there is none. Diagnostics go on without it.
    store: anyhow::Result<Store>,
}

impl Engine {
    /// Joins what the configuration says with an opened store.
    ///
    /// # Errors
    /// When the policies cannot be used or no HTTP client can be had: without these nothing runs.
    pub fn new(
        config: &Config,
        secrets: &nova_commands::platform::Secrets,
        store: anyhow::Result<Store>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            grammar: Grammar::new(),
            gate: GateTable::default(),
            sanitiser: sanitiser(config, secrets),
            platform: Arc::new(setup::platform(config, secrets)?),
            permissions: permissions(config)?,
            store,
        })
    }

    /// The live values of an argument's value name, for completion.
    #[must_use]
    pub fn live(&self, value_name: &str) -> Vec<String> {
        match value_name {
            "SERVICE" => self.platform.services.iter().map(|s| s.name.clone()).collect(),
            "REGION" => self.platform.regions().into_iter().map(|region| region.name).collect(),
            "CLUSTER" => self.platform.clusters.iter().map(|c| c.name().to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the store answers, within three seconds.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn reach_store(&self) -> Result<(), String> {
        let store = self.store.as_ref().map_err(|error| format!("{error:#}"))?;
        invoke::in_time(store.ping()).await
    }

    /// Ends the store's work in good order.
    pub async fn close(&self) {
        if let Ok(store) = &self.store {
            store.clone().close().await;
        }
    }
}
