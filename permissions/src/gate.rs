//! The gate by risk, as data: what a request needs, beyond its policy, before it is carried out.
//!
//! Invariant: wherever approvers are needed, the requester is not one of them. Callers: the engine,
//! which counts votes and checks confirmations against a [`Need`], and help, which prints
//! [`Need::describe`].

use std::time::Duration;

use crate::words::Risk;

/// How the requester confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// Not at all.
    None,
    /// By a click on the card, or a yes in a terminal.
    Click,
    /// By typing the target's name.
    TypedTarget,
}

/// What a request of one risk needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// How many people have to approve.
    pub approvers: u8,
    /// The requester does not count as an approver, from whichever account.
    pub distinct_from_requester: bool,
    /// How the requester confirms.
    pub confirmation: Confirmation,
    /// The requester has to give a reason.
    pub reason: bool,
    /// A one-time code is asked for where the installation has that set up.
    pub totp_where_configured: bool,
    /// Being on call in an open incident stands in for the approvers.
    pub on_call_suffices: bool,
    /// How long a request waits for all this before it is void.
    pub expires: Duration,
}

impl Need {
    /// The need as a sentence for help: `one approver who is not the requester; expires after 15
    /// minutes`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        let requester = match (self.distinct_from_requester, self.approvers) {
            (false, _) => "",
            (true, 1) => " who is not the requester",
            (true, 2) => ", neither of them the requester",
            (true, _) => ", none of them the requester",
        };
        let on_call =
            if self.on_call_suffices { ", or being on call in an open incident" } else { "" };
        parts.push(match self.approvers {
            0 => "no approval".to_owned(),
            1 => format!("one approver{requester}{on_call}"),
            2 => format!("two approvers{requester}{on_call}"),
            n => format!("{n} approvers{requester}{on_call}"),
        });
        match self.confirmation {
            Confirmation::None => {}
            Confirmation::Click => parts.push("a confirmation".to_owned()),
            Confirmation::TypedTarget => {
                parts.push("the target's name typed as confirmation".to_owned());
            }
        }
        if self.reason {
            parts.push("a reason".to_owned());
        }
        if self.totp_where_configured {
            parts.push("a one-time code where that is set up".to_owned());
        }
        parts.push(format!("expires after {}", duration(self.expires)));
        parts.join("; ")
    }
}

/// A duration in the largest unit that divides it, rounded up to whole seconds.
fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    let (count, unit) = match seconds {
        0 => (0, "second"),
        s if s % 3600 == 0 => (s / 3600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The need of each risk. The default is the table of the design; an installation may set its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateTable {
    /// For low risk.
    pub low: Need,
    /// For medium risk.
    pub medium: Need,
    /// For high risk.
    pub high: Need,
    /// For critical risk.
    pub critical: Need,
}

impl GateTable {
    /// What a command of this risk needs; `None` for one that changes nothing and has no gate.
    #[must_use]
    pub const fn need(&self, risk: Risk) -> Option<&Need> {
        match risk {
            Risk::None => None,
            Risk::Low => Some(&self.low),
            Risk::Medium => Some(&self.medium),
            Risk::High => Some(&self.high),
            Risk::Critical => Some(&self.critical),
        }
    }
}

impl Default for GateTable {
    fn default() -> Self {
        let low = Need {
            approvers: 0,
            distinct_from_requester: true,
            confirmation: Confirmation::None,
            reason: false,
            totp_where_configured: false,
            on_call_suffices: false,
            // The design fixes it for high risk; one figure for all is the easiest to remember.
            expires: Duration::from_mins(15),
        };
        let high = Need { approvers: 1, ..low };
        Self {
            low,
            medium: Need { on_call_suffices: true, confirmation: Confirmation::Click, ..high },
            high,
            critical: Need {
                approvers: 2,
                confirmation: Confirmation::TypedTarget,
                reason: true,
                totp_where_configured: true,
                ..high
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_table_reads_as_the_design_has_it() {
        let table = GateTable::default();
        let lines: Vec<String> = Risk::ALL
            .iter()
            .map(|risk| {
                format!(
                    "{risk}: {}",
                    table.need(*risk).map_or("no gate".to_owned(), Need::describe)
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "none: no gate",
                "low: no approval; expires after 15 minutes",
                "medium: one approver who is not the requester, or being on call in an open incident; \
                 a confirmation; expires after 15 minutes",
                "high: one approver who is not the requester; expires after 15 minutes",
                "critical: two approvers, neither of them the requester; the target's name typed as \
                 confirmation; a reason; a one-time code where that is set up; expires after 15 minutes",
            ]
        );
    }

    #[test]
    fn no_default_lets_the_requester_approve() {
        let table = GateTable::default();
        for risk in Risk::ALL {
            assert!(table.need(*risk).is_none_or(|need| need.distinct_from_requester), "{risk}");
        }
    }

    #[test]
    fn other_numbers_read_well() {
        let mut need = GateTable::default().high;
        need.approvers = 3;
        need.expires = Duration::from_hours(1);
        assert_eq!(
            need.describe(),
            "3 approvers, none of them the requester; expires after 1 hour"
        );
        need.distinct_from_requester = false;
        need.expires = Duration::from_millis(89_500);
        assert_eq!(need.describe(), "3 approvers; expires after 90 seconds");
        assert_eq!(duration(Duration::from_secs(90)), "90 seconds");
        assert_eq!(duration(Duration::from_mins(1)), "1 minute");
        assert_eq!(duration(Duration::ZERO), "0 seconds");
        assert_eq!(duration(Duration::MAX).chars().last(), Some('s'));
    }
}
