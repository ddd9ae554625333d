//! What was read of Discord, to the neutral [`crate::intake`] and back, for both transports.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::warn;

use super::answer;
use super::{Answer, Identity, Inbound, Refusal, Route};
use crate::event::Ack;
use crate::intake::{self, Answers, Beside, Place, UNKNOWN};

const ELSEWHERE: &str = "nova does not serve this server";

/// The way in, shared by both transports of one server.
pub type Intake = intake::Intake<Discord>;

/// Discord's answers.
#[derive(Debug)]
pub enum Discord {}

impl Answers for Discord {
    type Identity = Identity;
    type Route = Route;
    type Answer = Answer;

    fn answer(ack: Ack, route: &Route) -> (Answer, Option<Beside>) {
        answer::answer(ack, *route)
    }

    fn trouble(route: &Route, line: &str) -> Ack {
        answer::trouble(*route, line)
    }

    /// Choices that come late are of no use to anybody.
    fn unheard(route: &Route) -> Route {
        match route {
            Route::Event | Route::Complete => *route,
            _ => Route::Late,
        }
    }
}

impl Intake {
    /// Answers what was read, by `by` at the latest. Without a place the person is asked to try again.
    ///
    /// # Errors
    /// What Discord would not send; everything else is answered.
    pub async fn answer(
        self: &Arc<Self>,
        read: Result<Inbound, Refusal>,
        place: Option<Place>,
        by: Instant,
    ) -> Result<Answer, Refusal> {
        match read {
            Ok(Inbound::Event(event, route)) => Ok(self.take(*event, route, place, by).await),
            Ok(Inbound::Ignored) => Ok(Answer::Nothing),
            Ok(Inbound::Ping) => Ok(answer::pong()),
            Ok(Inbound::Question(message)) => Ok(answer::question(*message)),
            Err(Refusal::UnknownAction { from, route, why }) => {
                warn!(account = from.account.id, "an action was used that nova does not know");
                let line = why.map_or_else(|| UNKNOWN.to_owned(), |why| why.to_string());
                Ok(self.said(answer::trouble(route, &line), &route, &from))
            }
            Err(Refusal::Elsewhere) => {
                warn!("an interaction of another server or application was refused");
                // A line to the person: the same for all kinds that show one.
                Ok(answer::answer(answer::trouble(Route::Press, ELSEWHERE), Route::Press).0)
            }
            Err(refusal @ Refusal::Malformed(_)) => Err(refusal),
        }
    }
}
