//! Everything people do but giving a command: forms, quotes, the home page; and what befalls the bot.

use std::sync::Arc;

use nova_adapters::chat::{ChatError, Conversation};
use nova_adapters::event::{Ack, Deed, Event, Press, Quote, Submission};
use nova_adapters::form::Form;
use nova_adapters::message::{Button, Mark, Message};
use nova_adapters::workspace::Workspace;
use nova_commands::incident::Order;
use secrecy::SecretString;

use super::who::WHO;
use super::{ChatInbox, forms, privately};
use crate::engine::{Invocation, Line, Taken};
use crate::store::Ending;

/// What a form says that comes a second time with the same contents.
pub(super) const SENT_BEFORE: &str =
    "this was sent before; if nothing came of it, open the form again";

impl ChatInbox {
    pub(super) async fn deed(&self, event: Event) -> Ack {
        match event.deed {
            Deed::Press { action: Press::Open { ref form, ref argument }, .. } => {
                let form = match form.as_str() {
                    forms::DECLARE => Some(forms::declare()),
                    forms::NOTE => Some(forms::note(argument)),
                    forms::SECRET => self.engine.question(argument).map(forms::secret),
                    _ => None,
                };
                match form {
                    Some(form) => match self.served(&event, &format!("(form {})", form.id)).await {
                        Ok(_) => self.open(&event, form),
                        Err(told) => privately(Mark::Fail, told),
                    },
                    None => {
                        privately(Mark::Fail, "that button is of an older nova; type the command")
                    }
                }
            }
            Deed::Submit(ref sent) => self.submitted(&event, sent).await,
            Deed::Quote(ref quote) => self.quoted(&event, quote).await,
            Deed::Home => {
                self.show_home(&event.actor).await;
                Ack::Received
            }
            Deed::Left => {
                let Some(place) = event.place else { return Ack::Received };
                if !self.rooms.is_archived(&place).await {
                    let id = place.id;
                    tracing::warn!(conversation = id, "nova is not in a conversation any more");
                }
                Ack::Received
            }
            Deed::Revoked => {
                self.workspace.stop("the workspace has revoked it");
                Ack::Received
            }
            Deed::Complete { ref words, ref typed } => self.complete(&event, words, typed).await,
            Deed::Command { .. }
            | Deed::Chosen { .. }
            | Deed::Press { action: Press::Run { .. }, .. } => Ack::Received,
        }
    }

    /// Opens a form for whoever caused the event: with the answer, or by a trigger that Slack gives
    /// three seconds for.
    pub(super) fn open(&self, event: &Event, form: Form) -> Ack {
        let Some(trigger) = event.reply.trigger.clone() else {
            return Ack::Form(Box::new(form));
        };
        let workspace = Arc::clone(&self.workspace);
        self.tasks.spawn(async move { open_form(&*workspace, &trigger, &form).await });
        Ack::Received
    }

    /// A form that was filled in is a command.
    async fn submitted(&self, event: &Event, sent: &Submission) -> Ack {
        if sent.form == forms::SECRET {
            return self.entrusted(event, sent).await;
        }
        let order = match forms::order(sent) {
            Ok(order) => order,
            Err(wrong) => return Ack::Wrong(wrong),
        };
        let at = forms::place_of_refusal(sent).to_owned();
        let speaker = match self.served(event, order.command().path).await {
            Ok(speaker) => speaker,
            Err(told) => return Ack::Wrong([(at, told)].into()),
        };
        let invocation = Invocation {
            speaker,
            conversation: direct(event).id,
            line: Line::typed(order.command().path, self.dialect),
            dedupe: event.id.clone(),
        };
        match self.engine.order(&invocation, order).await {
            Taken::Answered(answer) if answer.ending != Ending::Answered => {
                Ack::Wrong([(at, answer.message.headline)].into())
            }
            Taken::Answered(answer) => {
                self.follow_up(&answer, event);
                let private = answer.incident.is_none();
                Ack::Say { message: Box::new(answer.message), private }
            }
            // Perhaps its first answer was lost, perhaps it was refused and is sent again as it is.
            Taken::Duplicate => Ack::Wrong([(at, SENT_BEFORE.to_owned())].into()),
            Taken::Running(_) => Ack::Received,
        }
    }

    /// "Add to incident" on a message.
    async fn quoted(&self, event: &Event, quote: &Quote) -> Ack {
        let speaker = match self.served(event, "(add to incident)").await {
            Ok(speaker) => speaker,
            Err(told) => return privately(Mark::Fail, told),
        };
        // The form names what is open, which not everybody may read.
        if let Err(told) = self.engine.may(&speaker, &Order::List) {
            return privately(Mark::Fail, told);
        }
        let open = match self.engine.open_incidents().await {
            Ok(open) => open,
            Err(error) => {
                tracing::error!(%error, "the open incidents cannot be read");
                return privately(
                    Mark::Fail,
                    "the open incidents cannot be read; please try again",
                );
            }
        };
        let author = quote.author.as_ref().map_or("somebody", |author| &author.id);
        // The address comes first: the text may be cut.
        let link = match tokio::time::timeout(WHO, self.workspace.permalink(&quote.message)).await {
            Ok(Ok(link)) => link,
            _ => format!("message {} in {}", quote.message.id, quote.message.conversation.id),
        };
        match forms::quote(
            &open,
            &self.engine.sanitiser,
            &format!("{link}\n{author}: {}", quote.text),
        ) {
            Some(form) => self.open(event, form),
            None => {
                let mut message = Message::new(Mark::Info, "no incident is open");
                message =
                    message.button(Button::form("Declare", forms::DECLARE, "", "incident declare"));
                Ack::Say { message: Box::new(message), private: true }
            }
        }
    }
}

/// Where somebody is told something that happened in no channel.
pub(super) fn direct(event: &Event) -> Conversation {
    let account = &event.actor.account;
    event
        .place
        .clone()
        .unwrap_or_else(|| Conversation { platform: account.platform, id: account.id.clone() })
}

async fn open_form(workspace: &dyn Workspace, trigger: &SecretString, form: &Form) {
    match workspace.open_form(trigger, form).await {
        Ok(()) => {}
        // The person sees that nothing opened and presses again.
        Err(ChatError::Gone) => tracing::warn!(form = form.id, "too late to open a form"),
        Err(error) => tracing::error!(%error, form = form.id, "a form could not be opened"),
    }
}
