//! The files that go along with a message, put beside it once its final state stands there. A file
//! that cannot be attached costs no message: one line says so.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use nova_adapters::chat::{Chat, ChatError, MessageRef};
use nova_adapters::message::{Attachment, Mark, Message};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::call::guarded_now;
use super::lane::Lane;
use super::tries::Tries;

/// So many files are remembered. A message that is updated after as many others may get its file
/// again.
const REMEMBERED: usize = 4_096;

/// The files that stand beside their messages already, by [`digest`].
#[derive(Default)]
pub(super) struct Attached {
    known: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Attached {
    /// Whether it is new.
    pub(super) fn insert(&mut self, digest: [u8; 32]) -> bool {
        if !self.known.insert(digest) {
            return false;
        }
        self.order.push_back(digest);
        if self.order.len() > REMEMBERED {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.known.remove(&oldest));
        }
        true
    }
}

impl Lane {
    /// Attaches what is new, unless the message is still going to change.
    pub(super) async fn files(&mut self, chat: &Arc<dyn Chat>, at: &MessageRef, message: &Message) {
        if message.tone == Mark::Working {
            return;
        }
        let files = guarded_now(|| chat.files(message)).unwrap_or_else(|| message.files.clone());
        let mut missing = Vec::new();
        for file in files {
            if !self.lanes.attach(digest(at, &file)) {
                continue;
            }
            if let Err(error) = self.attach(chat, at, &file).await {
                tracing::warn!(conversation = %self.conversation.id, %error, "a file is missing");
                missing.push(format!("{} ({error})", file.name));
            }
        }
        if missing.is_empty() {
            return;
        }
        let line = format!("Not attached: {}", missing.join(", "));
        let told = self.stand(chat, &at.conversation, &mut Message::new(Mark::Warn, line)).await;
        if let Err(error) = told {
            tracing::warn!(conversation = %self.conversation.id, %error, "a file is missing untold");
        }
    }

    /// Repeats only what surely was not sent: a second copy of a file helps nobody.
    async fn attach(
        &mut self,
        chat: &Arc<dyn Chat>,
        at: &MessageRef,
        file: &Attachment,
    ) -> Result<(), ChatError> {
        let mut tries = Tries::default();
        loop {
            self.clear().await?;
            let error = match self.send(async { chat.attach(at, file).await }).await {
                Ok(()) => return Ok(()),
                Err(error) if self.awaits_token(&error) => continue,
                Err(error) => error,
            };
            let pause = tries.after(&error, &self.lanes.options.files, Instant::now());
            let Some(pause) = pause.filter(|_| error.retryable()) else { return Err(error) };
            self.hold(pause);
            self.lanes.count(|counts| counts.retried += 1);
        }
    }
}

/// One file of one message. Each part comes with its length, so that no two can be read alike.
fn digest(at: &MessageRef, file: &Attachment) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([at.conversation.platform as u8]);
    let parts =
        [at.conversation.id.as_bytes(), at.id.as_bytes(), file.name.as_bytes(), &file.bytes];
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_files_are_forgotten() {
        let mut attached = Attached::default();
        let digest = |number: usize| <[u8; 32]>::from(Sha256::digest(number.to_be_bytes()));
        for number in 0..=REMEMBERED {
            assert!(attached.insert(digest(number)));
        }
        assert!(!attached.insert(digest(REMEMBERED)) && !attached.insert(digest(1)));
        assert!(attached.insert(digest(0)), "the first was not forgotten");
        assert_eq!((attached.known.len(), attached.order.len()), (REMEMBERED, REMEMBERED));
    }
}
