//! The home pages that somebody may be looking at, drawn again when an incident changes. Run by the
//! composition root beside the platform's way in.
//!
//! Invariant: at most [`KEPT`] accounts, each for an hour; whoever it is, they are asked for anew each
//! time, so that a page shows nothing that its reader may not read any more.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use nova_adapters::chat::{Account, ChatError};
use nova_adapters::event::Actor;
use nova_adapters::message::{Mark, Message};
use tokio::time::{Instant, sleep};

use super::ChatInbox;

const KEPT: usize = 50;
const LOOKING: Duration = Duration::from_secs(3_600);
/// However often incidents change, the pages are drawn again no sooner than this.
const PACE: Duration = Duration::from_secs(3);
/// So many pages are drawn at once.
const AT_ONCE: usize = 4;

/// Whoever opened the home page, the latest last.
#[derive(Debug, Default)]
pub(super) struct Homes(VecDeque<(Account, Instant)>);

impl Homes {
    pub(super) fn opened(&mut self, account: &Account) {
        self.0.retain(|(known, _)| known != account);
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back((account.clone(), Instant::now()));
    }

    fn recent(&mut self) -> Vec<Account> {
        self.0.retain(|(_, at)| at.elapsed() < LOOKING);
        self.0.iter().map(|(account, _)| account.clone()).collect()
    }
}

impl ChatInbox {
    /// Draws the home pages of late again after each change of an incident, until dropped.
    pub async fn keep_homes(&self) {
        let mut changes = self.rooms.changes();
        while changes.changed().await.is_ok() {
            let recent = self.homes().recent();
            let drawing = |account: Account| async move {
                let actor = Actor { account, foreign: false, profile: None };
                if let Err(error) = self.draw_home(&actor).await {
                    tracing::warn!(%error, "a home page could not be drawn again");
                }
            };
            stream::iter(recent).for_each_concurrent(AT_ONCE, drawing).await;
            sleep(PACE).await;
        }
    }

    /// Draws the home page of whoever opened it, in a task of its own.
    pub(super) async fn show_home(&self, actor: &Actor) {
        self.homes().opened(&actor.account);
        let page = self.home_page(actor).await;
        let (delivery, workspace) = (self.delivery.clone(), Arc::clone(&self.workspace));
        let account = actor.account.id.clone();
        self.tasks.spawn(async move {
            if let Err(error) = delivery.persist(|| workspace.home(&account, &page)).await {
                tracing::error!(%error, "a home page could not be drawn");
            }
        });
    }

    async fn draw_home(&self, actor: &Actor) -> Result<(), ChatError> {
        let page = self.home_page(actor).await;
        self.delivery.persist(|| self.workspace.home(&actor.account.id, &page)).await
    }

    /// The home page of one person as it is now.
    async fn home_page(&self, actor: &Actor) -> Message {
        match self.speaker(actor).await {
            Err(unserved) => Message::new(Mark::Info, unserved.told()),
            Ok(speaker) => self.engine.home(&speaker).await,
        }
    }

    fn homes(&self) -> MutexGuard<'_, Homes> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use nova_adapters::chat::Platform;

    use super::*;

    fn account(number: usize) -> Account {
        Account { platform: Platform::Slack, id: format!("U{number}") }
    }

    #[tokio::test(start_paused = true)]
    async fn the_latest_are_kept_for_an_hour() {
        let mut homes = Homes::default();
        for number in 0..KEPT {
            homes.opened(&account(number));
        }
        homes.opened(&account(0));
        homes.opened(&account(KEPT));
        let recent = homes.recent();
        assert_eq!((recent.len(), &recent[KEPT - 2..]), (KEPT, &[account(0), account(KEPT)][..]));
        assert!(!recent.contains(&account(1)), "the one that was longest ago is forgotten");
        tokio::time::advance(LOOKING / 2).await;
        homes.opened(&account(7));
        tokio::time::advance(LOOKING / 2).await;
        assert_eq!(homes.recent(), [account(7)]);
    }
}
