//! The rules of the gate in prose, written a second time as plain Rust, and compared with the
//! policies over every combination of what the rules look at.

use nova_permissions::{
    Action, Context, Kind, Permissions, Platform, Principal, Resource, Risk, Role, Severity,
};

/// What the rules say. Written from the design's text and the table of roles, not from the policies;
/// the role order is spelt out here again for the same reason.
pub(crate) fn oracle(
    principal: &Principal,
    action: Action,
    resource: &Resource,
    context: &Context,
) -> bool {
    use Role::{Administrator, Approver, Commander, Operator, Responder, Security};
    let any = |wanted: &[Role]| principal.roles.iter().any(|role| wanted.contains(role));
    let somebody = !principal.roles.is_empty();
    let responder = any(&[Responder, Operator, Commander, Administrator]);
    let operator = any(&[Operator, Commander, Administrator]);
    let approver = any(&[Approver, Commander]);
    let security = any(&[Security, Administrator]);
    let commander = any(&[Commander]);
    let incident = context.incident_severity.is_some();
    let changes = resource.kind == Kind::Remediation && resource.risk != Risk::None;

    let may_change = match resource.kind {
        Kind::Incident => responder,
        Kind::Remediation => {
            changes
                && (commander
                    || operator && resource.risk <= Risk::Medium
                    || responder && context.on_call && incident
                    || security && resource.group == "security")
        }
        Kind::Diagnostic | Kind::Admin => false,
    };
    match action {
        Action::Diagnose => {
            somebody
                && matches!(resource.kind, Kind::Diagnostic | Kind::Incident)
                && (security || !resource.sensitive)
        }
        Action::Request => may_change,
        Action::Execute => may_change && !(context.freeze && resource.kind == Kind::Remediation),
        Action::Approve => {
            approver && changes && resource.risk >= Risk::Medium && !context.requester_is_principal
        }
        Action::BreakGlass => {
            let grave =
                matches!(context.incident_severity, Some(Severity::High | Severity::Critical));
            changes
                && (commander && incident
                    || operator && context.on_call && grave && resource.risk != Risk::Critical)
        }
        Action::Administer => any(&[Administrator]) && resource.kind == Kind::Admin,
    }
}

#[test]
fn the_policies_say_what_the_rules_say_in_every_combination() {
    let permissions = Permissions::new(&[]).unwrap();
    let people: Vec<Principal> = std::iter::once(Vec::new())
        .chain(Role::ALL.iter().map(|role| vec![*role]))
        .map(|roles| Principal { person: "ana".into(), roles })
        .collect();
    let mut resources = Vec::new();
    for kind in Kind::ALL {
        for risk in Risk::ALL {
            for (group, sensitive) in
                [("services", false), ("services", true), ("security", false), ("security", true)]
            {
                resources.push(Resource {
                    name: "restart".into(),
                    group: group.into(),
                    kind: *kind,
                    risk: *risk,
                    sensitive,
                });
            }
        }
    }
    let mut contexts = Vec::new();
    for severities in [
        [None, None],
        // The rules tell grave incidents from others, and within a pair nothing: they take turns.
        [Some(Severity::Low), Some(Severity::Medium)],
        [Some(Severity::High), Some(Severity::Critical)],
    ] {
        for bits in 0..8_u8 {
            contexts.push(severities.map(|incident_severity| Context {
                // No default rule looks at the place or the hour: these take turns too.
                platform: Platform::ALL[contexts.len() % Platform::ALL.len()],
                incident_severity,
                on_call: bits & 1 != 0,
                freeze: bits & 2 != 0,
                hour: u8::try_from(contexts.len() % 24).unwrap(),
                requester_is_principal: bits & 4 != 0,
            }));
        }
    }
    let people = &people;
    let (resources, contexts, permissions) = (&resources, &contexts, &permissions);
    std::thread::scope(|scope| {
        for action in Action::ALL {
            scope.spawn(move || {
                for (turn, principal) in people.iter().enumerate() {
                    for (place, resource) in resources.iter().enumerate() {
                        for pair in contexts {
                            let context = &pair[(turn + place) % 2];
                            let decision =
                                permissions.authorize(principal, *action, resource, context);
                            assert_eq!(
                                decision.allowed,
                                oracle(principal, *action, resource, context),
                                "{principal:?} {action} {resource:?} {context:?}: {decision:?}"
                            );
                        }
                    }
                }
            });
        }
    });
}
