//! What was read of Slack, to the neutral [`crate::intake`] and back, for both transports.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::warn;

use super::answer;
use super::{Answer, Identity, Inbound, Refusal, Route};
use crate::event::Ack;
use crate::intake::{self, Answers, Beside, Place, UNKNOWN};

const ELSEWHERE: &str = "nova does not serve this workspace";

/// The way in, shared by all transports of one workspace.
pub type Intake = intake::Intake<Slack>;

/// Slack's answers.
#[derive(Debug)]
pub enum Slack {}

impl Answers for Slack {
    type Identity = Identity;
    type Route = Route;
    type Answer = Answer;

    fn answer(ack: Ack, route: &Route) -> (Answer, Option<Beside>) {
        answer::answer(ack, route)
    }

    fn trouble(route: &Route, line: &str) -> Ack {
        answer::trouble(route, line)
    }

    /// All but an event is like a click: what is said goes beside it.
    fn unheard(route: &Route) -> Route {
        match route {
            Route::Event => Route::Event,
            _ => Route::Click,
        }
    }
}

impl Intake {
    /// Answers what was read, by `by` at the latest. Without a place the person is asked to try again.
    ///
    /// # Errors
    /// The refusal again when it is for whoever sent the payload and not for a person.
    pub async fn answer(
        self: &Arc<Self>,
        read: Result<Inbound, Refusal>,
        place: Option<Place>,
        by: Instant,
    ) -> Result<Answer, Refusal> {
        match read {
            Ok(Inbound::Event(event, route)) => Ok(self.take(*event, route, place, by).await),
            // A challenge belongs to HTTP, which answers it itself.
            Ok(Inbound::Ignored | Inbound::Challenge(_)) => Ok(Answer::Empty),
            Err(Refusal::UnknownAction(from)) => {
                warn!(account = from.account.id, "an action was used that nova does not know");
                let ack = answer::trouble(&Route::Click, UNKNOWN);
                Ok(self.said(ack, &Route::Click, &from))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// What a command is told that was sent in another workspace.
    pub(in crate::slack) fn elsewhere(route: &Route) -> Answer {
        match route {
            Route::Command => answer::answer(answer::trouble(route, ELSEWHERE), route).0,
            _ => Answer::Empty,
        }
    }
}
