//! Roles, which of them include which, and the person who holds them.
//!
//! Invariant: inclusion has no cycle and every role includes [`Role::Viewer`]. The order of roles
//! lives here and only here; policies see a person's roles already expanded. Callers: whoever binds
//! people to roles, and `cedar.rs`.

use std::collections::BTreeSet;

use crate::words::words;

words! {
    /// What a person is trusted with. See the crate's documentation for the order.
    Role, "role" {
        /// Reads: diagnostics and incidents.
        Viewer = "viewer",
        /// Answers pages: keeps the incident and, on call in one, asks for changes.
        Responder = "responder",
        /// Runs the platform: changes of low and medium risk at any time.
        Operator = "operator",
        /// Votes for other people's requests. Does not include operator: voting and asking are
        /// different trusts.
        Approver = "approver",
        /// Sees security data and uses the commands of the group security.
        Security = "security",
        /// Leads an incident: asks for any change, votes, breaks the glass.
        Commander = "commander",
        /// Runs the bot. Operates and sees everything, yet does not vote: whoever can lift a freeze
        /// and hand out roles does not also wave changes through.
        Administrator = "administrator",
    }
}

impl Role {
    /// The roles that this one includes directly.
    const fn parents(self) -> &'static [Self] {
        match self {
            Self::Viewer => &[],
            Self::Responder | Self::Approver | Self::Security => &[Self::Viewer],
            Self::Operator => &[Self::Responder],
            Self::Commander => &[Self::Operator, Self::Approver],
            Self::Administrator => &[Self::Operator, Self::Security],
        }
    }

    /// Whether holding this role is holding `other`. Every role includes itself.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self == other || self.parents().iter().any(|parent| parent.includes(other))
    }
}

/// The person who asks, with the roles held at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The person's id. Any text: it is compared, never parsed.
    pub person: String,
    /// The roles bound to the person; order and repetition mean nothing.
    pub roles: Vec<Role>,
}

impl Principal {
    /// The roles held, with all that they include.
    pub(crate) fn held(&self) -> BTreeSet<Role> {
        let given: BTreeSet<Role> = self.roles.iter().copied().collect();
        Role::ALL
            .iter()
            .copied()
            .filter(|role| given.iter().any(|held| held.includes(*role)))
            .collect()
    }

    /// The roles for a sentence, without those that another one includes: "operator and security".
    pub(crate) fn described(&self) -> String {
        let held = self.held();
        let top: Vec<&str> = held
            .iter()
            .filter(|role| !held.iter().any(|other| other != *role && other.includes(**role)))
            .map(|role| role.as_str())
            .collect();
        if top.is_empty() { "a person without a role".to_owned() } else { top.join(" and ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(roles: &[Role]) -> Principal {
        Principal { person: "ana".into(), roles: roles.to_vec() }
    }

    #[test]
    fn every_role_includes_viewer_and_no_two_include_each_other() {
        for role in Role::ALL {
            assert!(role.includes(Role::Viewer), "{role}");
            for other in Role::ALL {
                assert!(
                    role == other || !(role.includes(*other) && other.includes(*role)),
                    "{role}, {other}"
                );
            }
        }
        assert!(!Role::Administrator.includes(Role::Approver));
        assert!(!Role::Approver.includes(Role::Responder));
        assert!(!Role::Commander.includes(Role::Security));
    }

    #[test]
    fn a_sentence_names_only_the_strongest_roles() {
        assert_eq!(person(&[]).described(), "a person without a role");
        assert_eq!(person(&[Role::Viewer, Role::Operator, Role::Viewer]).described(), "operator");
        assert_eq!(person(&[Role::Security, Role::Operator]).described(), "operator and security");
        assert_eq!(person(Role::ALL).described(), "commander and administrator");
    }
}
