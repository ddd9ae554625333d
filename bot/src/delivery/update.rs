//! Showing the newest wanted state of one message. Idempotent, so that a lost answer needs no care:
//! it is simply shown again.

use tokio::time::sleep_until;

use super::lane::Lane;

impl Lane {
    /// One attempt at the update whose turn it is, unless a post comes first. The state is taken at
    /// the last moment, so that it is the newest.
    pub(super) async fn update(&mut self) {
        tokio::select! {
            biased;
            () = self.wake.notified() => return,
            () = self.clear_to_update() => {}
        }
        let Some(showing) = self.lanes.show(&self.conversation) else { return };
        let call = async { showing.chat.update(&showing.at, &showing.message).await };
        match self.send(call).await {
            Ok(()) if self.lanes.shown(&showing) => {
                self.files(&showing.chat, &showing.at, &showing.message).await;
            }
            Ok(()) => {}
            Err(error) if self.awaits_token(&error) => self.lanes.put_back(&showing),
            Err(error) => self.lanes.not_shown(&showing, error),
        }
    }

    /// Waits for the conversation first and for the platform last: a turn that is not used at once
    /// would be lost to the other conversations.
    async fn clear_to_update(&self) {
        sleep_until(self.clear_at).await;
        self.platform.update().await;
    }
}
