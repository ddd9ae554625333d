//! Asks the policies about one command.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nova_commands::command::{Command, Kind, Run, UserError};
use nova_permissions::{Action, Context, Decision, Kind as Sort, Principal, Resource, Risk};

use super::{Engine, Speaker};

impl Engine {
    /// Refuses a person who may not use this command now.
    pub(super) fn permitted(&self, speaker: &Speaker, command: &Command) -> Result<(), UserError> {
        match self.authorise(speaker, command) {
            Some(decision) if !decision.allowed => {
                let text = format!("you may not run `{}`: {}", command.path, decision.reason);
                Err(UserError::new(text))
            }
            _ => Ok(()),
        }
    }

    /// Whether this person may use this command now. `None`: it needs no permission.
    fn authorise(&self, speaker: &Speaker, command: &Command) -> Option<Decision> {
        let action = match (command.kind, &command.run) {
            // Help and whoami are for everybody, the person without a role first of all.
            (Kind::Bot, Run::Bot) => return None,
            (Kind::Bot, _) => Action::Administer,
            (Kind::Diagnostic { .. } | Kind::Incident { reads: true }, _) => Action::Diagnose,
            (Kind::Remediation { .. } | Kind::Incident { reads: false }, _) => Action::Request,
        };
        let principal = Principal { person: speaker.person.clone(), roles: speaker.roles.clone() };
        Some(self.permissions.authorize(&principal, action, &resource(command), &context(speaker)))
    }
}

fn resource(command: &Command) -> Resource {
    let group = command.path.split_once(' ').map_or("", |(group, _)| group);
    let kind = match command.kind {
        Kind::Diagnostic { .. } => Sort::Diagnostic,
        Kind::Remediation { .. } => Sort::Remediation,
        Kind::Incident { .. } => Sort::Incident,
        Kind::Bot => Sort::Admin,
    };
    let risk = command.kind.risk().and_then(|risk| risk.word().parse().ok());
    Resource {
        name: command.path.to_owned(),
        group: group.to_owned(),
        kind,
        risk: risk.unwrap_or(Risk::None),
        sensitive: matches!(command.kind, Kind::Diagnostic { sensitive: true }),
    }
}

fn context(speaker: &Speaker) -> Context {
    let hour = Timestamp::now().to_zoned(TimeZone::UTC).hour();
    Context {
        platform: speaker.platform,
        incident_severity: None,
        on_call: false,
        freeze: false,
        hour: u8::try_from(hour).unwrap_or(0),
        requester_is_principal: false,
    }
}
