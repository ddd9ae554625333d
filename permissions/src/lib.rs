//! Who may do what.
//!
//! [`Permissions::authorize`] answers one question: may this [`Principal`] do this [`Action`] with
//! this [`Resource`] in this [`Context`]? The rules are Cedar policies (`policies/default.cedar`)
//! over a schema (`policies/schema.cedarschema`), both embedded; an installation adds its own files.
//! [`GateTable`] says what a request needs on top: approvers, a confirmation, a time limit.
//!
//! This crate is pure. It reads no file, no clock and no network, and it knows neither the command
//! tree nor any chat nor the store: the caller brings all that a decision depends on.
//!
//! # Roles
//!
//! A role includes everything that stands below it:
//!
//! ```text
//!      commander            administrator
//!      /       \             /        \
//! approver     operator ────┘       security
//!     |            |                    |
//!     |        responder                |
//!     └──────── viewer ─────────────────┘
//! ```
//!
//! | role | may |
//! |---|---|
//! | viewer | run diagnostics and read incidents, except security diagnostics |
//! | responder | keep the incident's record; on call in an open incident, request and execute any remediation |
//! | operator | request and execute remediations of low and medium risk; on call in a high or critical incident, break the glass up to high risk |
//! | approver | approve remediations of medium risk or more, never their own request |
//! | security | read security diagnostics; request and execute remediations of the group security |
//! | commander | request and execute any remediation; break the glass in an open incident |
//! | administrator | administer the bot |
//!
//! To execute is to carry out what the gate let through: a permit for `execute` is asked on top of
//! the approvals, never instead of them.
//!
//! # What holds
//!
//! - Nothing is allowed unless a policy permits it; a forbid wins over every permit; adding a forbid
//!   never allows more; a policy that fails during evaluation is a denial.
//! - Nobody approves their own request, whatever other policies say. A freeze stops the execution of
//!   every remediation; breaking the glass is a question of its own and passes it.
//! - [`Permissions::new`] refuses files with any error or warning, the embedded ones included: there
//!   is no way to run with policies that were not validated.
//!
//! ```
//! use nova_permissions::{Action, Context, Kind, Permissions, Platform, Principal, Resource, Risk, Role};
//!
//! let permissions = Permissions::new(&[])?;
//! let ana = Principal { person: "ana".into(), roles: vec![Role::Viewer] };
//! let health = Resource {
//!     name: "health".into(),
//!     group: String::new(),
//!     kind: Kind::Diagnostic,
//!     risk: Risk::None,
//!     sensitive: false,
//! };
//! let now = Context {
//!     platform: Platform::Console,
//!     incident_severity: None,
//!     on_call: false,
//!     freeze: false,
//!     hour: 9,
//!     requester_is_principal: false,
//! };
//! assert!(permissions.authorize(&ana, Action::Diagnose, &health, &now).allowed);
//! let refused = permissions.authorize(&ana, Action::Request, &health, &now);
//! assert_eq!(refused.reason, "no policy allows viewer to request health");
//! # Ok::<(), nova_permissions::PolicyError>(())
//! ```

mod cedar;
mod decide;
mod gate;
mod limits;
mod policies;
mod role;
mod text;
mod words;

pub use decide::{Decision, Permissions};
pub use gate::{Confirmation, GateTable, Need};
pub use policies::{PolicyError, Problem};
pub use role::{Principal, Role};
pub use words::{Action, Context, Kind, Platform, Resource, Risk, Severity, UnknownWord};
