//! Who is behind an event, asked before anything else is done with it.
//!
//! Invariant: whoever is not served changes nothing and sees nothing, and that they tried is recorded.
//! A platform that is slow to say who somebody is costs that person one more try, not every try.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use nova_adapters::chat::ChatError;
use nova_adapters::event::{Actor, Deed, Event};
use nova_adapters::workspace::Profile;
use tokio::time::timeout;

use super::ChatInbox;
use crate::engine::Speaker;

/// The longest that a platform may take to say who somebody is: its own deadline is 3 s in all.
pub(super) const WHO: Duration = Duration::from_millis(1_200);
/// So many questions that took longer go on at once, for whoever asks next.
pub(super) const LOOKUPS: usize = 8;

const FOREIGN: &str = "people of other organisations cannot use nova";
const SLOW: &str = "it takes too long to find out who you are; please try again";

/// Why somebody is not served, in words for the person.
pub(super) enum Unserved {
    Never(&'static str),
    /// Nobody can tell who it is.
    NotNow(&'static str),
}

impl Unserved {
    pub(super) fn told(&self) -> String {
        match self {
            Self::Never(told) | Self::NotNow(told) => (*told).to_owned(),
        }
    }
}

impl ChatInbox {
    /// Whoever wants `line` done, or what they are told instead; then it is recorded.
    pub(super) async fn served(&self, event: &Event, line: &str) -> Result<Speaker, String> {
        let unserved = match self.speaker(&event.actor).await {
            Ok(speaker) => return Ok(speaker),
            Err(unserved) => unserved,
        };
        // A form that is sent again as it is has the same id: on record, it would never be taken.
        let again = matches!((&unserved, &event.deed), (Unserved::NotNow(_), Deed::Submit(_)));
        if !again {
            let place = event.place.as_ref().map_or("nowhere", |place| &place.id);
            self.engine.turn_away(&event.actor.account, place, line, &event.id).await;
        }
        Err(unserved.told())
    }

    /// Whoever did it, or what they are told instead.
    pub(super) async fn speaker(&self, actor: &Actor) -> Result<Speaker, Unserved> {
        if actor.foreign {
            return Err(Unserved::Never(FOREIGN));
        }
        let profile = match &actor.profile {
            Some(vouched) => Arc::clone(vouched),
            None => self.profile(&actor.account.id).await?,
        };
        let people = Arc::clone(&self.people.read().unwrap_or_else(PoisonError::into_inner));
        people.speaker(&actor.account, &profile).map_err(Unserved::Never)
    }

    async fn profile(&self, account: &str) -> Result<Arc<Profile>, Unserved> {
        let (workspace, account) = (Arc::clone(&self.workspace), account.to_owned());
        let mut asking = async move { workspace.profile(&account).await }.boxed();
        match timeout(WHO, &mut asking).await {
            Ok(Ok(profile)) => Ok(profile),
            Ok(Err(ChatError::Gone)) => Err(Unserved::Never("this account is not known here")),
            Ok(Err(error)) => {
                tracing::error!(%error, "the platform does not say who somebody is");
                Err(Unserved::NotNow("it cannot be told who you are just now; please try again"))
            }
            Err(_) => {
                tracing::warn!("the platform is slow to say who somebody is");
                // Given up, it would be asked from the start each time, and never be known.
                if let Ok(permit) = Arc::clone(&self.lookups).try_acquire_owned() {
                    self.tasks.spawn(async move {
                        drop(asking.await);
                        drop(permit);
                    });
                }
                Err(Unserved::NotNow(SLOW))
            }
        }
    }
}
