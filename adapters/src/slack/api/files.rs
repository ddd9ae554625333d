//! Files: asking for an address, sending the bytes there, sharing the file where the message is
//! (`files.getUploadURLExternal` and `files.completeUploadExternal`).
//!
//! Invariant: nobody sees anything before the last step, so only that one is in doubt when its answer
//! is lost. Bytes go to Slack's own hosts only.

use serde::Deserialize;
use slack_morphism::SlackFileUploadUrl;
use slack_morphism::prelude::{
    SlackApiFilesComplete, SlackApiFilesCompleteUploadExternalRequest,
    SlackApiFilesUploadViaUrlRequest,
};

use super::Slack;
use super::call::Done;
use super::error::{CallError, Repeat};
use super::messages::standing;
use super::token::for_library;
use crate::chat::{ChatError, MessageRef};
use crate::message::Attachment;

/// Where to send the bytes. The address is a permission, and is not shown.
#[derive(Deserialize)]
struct Place {
    upload_url: String,
    file_id: String,
}

impl Slack {
    /// In the message's thread.
    pub(super) async fn attach_file(
        &self,
        at: &MessageRef,
        file: &Attachment,
    ) -> Result<(), ChatError> {
        let (place, ts) = standing(at)?;
        if file.bytes.is_empty() {
            return Err(ChatError::Refused(format!("{} is empty", file.name)));
        }
        let id = self.upload(file).await?;
        let listed = SlackApiFilesComplete::new(id.into()).with_title(file.name.clone());
        let request = SlackApiFilesCompleteUploadExternalRequest::new(vec![listed])
            .with_channel_id(place.channel.into())
            .with_thread_ts(place.thread.unwrap_or(ts).into());
        let done: Result<Done, _> = self.write("files.completeUploadExternal", &request).await;
        done.map(|Done {}| ()).map_err(|error| error.into_chat(Repeat::Unsafe))
    }

    async fn upload(&self, file: &Attachment) -> Result<String, ChatError> {
        let safe = |error: CallError| error.into_chat(Repeat::Safe);
        let length = file.bytes.len().to_string();
        let spoken = format!("Picture: {}", file.name);
        let mut arguments = vec![("filename", file.name.as_str()), ("length", &length)];
        if file.media_type.starts_with("image/") {
            // For screen readers. What the picture shows is told by the message that it hangs on.
            arguments.push(("alt_txt", &spoken));
        }
        let place: Place =
            self.read("files.getUploadURLExternal", &arguments).await.map_err(safe)?;
        let Some(url) = self.inner.hosts.allowed(&place.upload_url) else {
            return Err(ChatError::Refused("Slack named a foreign host to upload to".into()));
        };
        let request = SlackApiFilesUploadViaUrlRequest {
            upload_url: SlackFileUploadUrl(url),
            content: file.bytes.clone(),
            content_type: file.media_type.into(),
        };
        let lent = self.inner.token.lend().map_err(|stopped| safe(stopped.into()))?;
        let token = for_library(&lent.token);
        let session = self.inner.client.open_session(&token);
        let sent = session.files_upload_via_url(&request).await;
        sent.map_err(|error| safe(CallError::from(error)))?;
        Ok(place.file_id)
    }
}
