//! The default policies as a whole, through the public interface: against a golden file, against an
//! oracle written from the rules in prose, and under random extra policies.

mod golden;
mod oracle;
mod properties;

use nova_permissions::{Context, Kind, Platform, Principal, Resource, Risk, Role};

fn person(roles: &[Role]) -> Principal {
    Principal { person: "ana".into(), roles: roles.to_vec() }
}

fn command(kind: Kind, risk: Risk) -> Resource {
    Resource { name: "restart".into(), group: "services".into(), kind, risk, sensitive: false }
}

fn calm() -> Context {
    Context {
        platform: Platform::Console,
        incident_severity: None,
        on_call: false,
        freeze: false,
        hour: 12,
        requester_is_principal: false,
    }
}
