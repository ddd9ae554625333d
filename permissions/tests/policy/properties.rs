//! What holds whatever is asked and whatever an installation adds.

use nova_permissions::{
    Action, Context, Kind, Permissions, Platform, Principal, Resource, Risk, Role, Severity,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::{calm, command, oracle::oracle, person};

prop_compose! {
    fn situation()(
        roles in vec(select(Role::ALL), 0..4),
        action in select(Action::ALL),
        (group, sensitive) in (select(&["services", "security"][..]), any::<bool>()),
        (kind, risk) in (select(Kind::ALL), select(Risk::ALL)),
        (platform, incident_severity) in (select(Platform::ALL), option::of(select(Severity::ALL))),
        (on_call, freeze, requester_is_principal) in any::<(bool, bool, bool)>(),
        hour in 0..24_u8,
    ) -> (Principal, Action, Resource, Context) {
        (
            person(&roles),
            action,
            Resource { name: "restart".into(), group: group.into(), kind, risk, sensitive },
            Context { platform, incident_severity, on_call, freeze, hour, requester_is_principal },
        )
    }
}

/// A forbid of random scope and condition; some of the conditions fail when evaluated.
fn forbid() -> impl Strategy<Value = String> {
    let conditions = [
        "context.freeze",
        "!context.on_call",
        "context has incident_severity",
        "context.hour >= 18 || context.hour < 6",
        "context.hour + 9223372036854775807 > 0",
        "resource.sensitive",
        "resource.group == \"security\"",
        "principal == Person::\"ana\"",
        "principal in Role::\"operator\"",
        "context.platform == Platform::\"discord\"",
        "resource.risk == Risk::\"medium\"",
    ];
    let principal = option::of(select(Role::ALL)).prop_map(|role| match role {
        Some(role) => format!("principal in Role::\"{role}\""),
        None => "principal".to_owned(),
    });
    let action = option::of(select(Action::ALL)).prop_map(|action| match action {
        Some(action) => format!("action == Action::\"{action}\""),
        None => "action".to_owned(),
    });
    (principal, action, vec((any::<bool>(), select(conditions.to_vec())), 0..3)).prop_map(
        |(principal, action, conditions)| {
            let mut text = format!("@id(\"extra\")\nforbid ({principal}, {action}, resource)\n");
            for (when, condition) in conditions {
                text.push_str(&format!(
                    "{} {{ {condition} }}\n",
                    if when { "when" } else { "unless" }
                ));
            }
            text + ";"
        },
    )
}

fn defaults() -> &'static Permissions {
    static DEFAULTS: std::sync::OnceLock<Permissions> = std::sync::OnceLock::new();
    DEFAULTS.get_or_init(|| Permissions::new(&[]).expect("the embedded policies are sound"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn adding_a_forbid_never_permits_more(text in forbid(), situations in vec(situation(), 40)) {
        let stricter = Permissions::new(&[("extra.cedar", &text)]).unwrap();
        for (principal, action, resource, context) in situations {
            let before = defaults().authorize(&principal, action, &resource, &context);
            let after = stricter.authorize(&principal, action, &resource, &context);
            prop_assert!(before.allowed || !after.allowed, "{text}\n{principal:?} {action} {resource:?} {context:?}");
            if before.allowed && !after.allowed {
                prop_assert_eq!(after.because, ["extra"]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn several_roles_add_up_as_the_rules_say((principal, action, resource, context) in situation()) {
        let decision = defaults().authorize(&principal, action, &resource, &context);
        prop_assert_eq!(decision.allowed, oracle(&principal, action, &resource, &context), "{:?}", decision);
    }

    #[test]
    fn without_a_role_nothing_is_allowed((_, action, resource, context) in situation(), name in any::<String>()) {
        let nobody = Principal { person: name, roles: Vec::new() };
        prop_assert!(!defaults().authorize(&nobody, action, &resource, &context).allowed);
    }

    #[test]
    fn names_change_nothing(
        (principal, action, resource, context) in situation(),
        person in any::<String>(),
        name in any::<String>(),
    ) {
        let plain = defaults().authorize(&principal, action, &resource, &context);
        let principal = Principal { person, ..principal };
        let resource = Resource { name, ..resource };
        let hostile = defaults().authorize(&principal, action, &resource, &context);
        prop_assert_eq!(plain.allowed, hostile.allowed);
        prop_assert_eq!(plain.because, hostile.because);
        let broken = hostile.reason.contains(['\n', '\r', '\u{1b}', '\u{202e}']);
        prop_assert!(!broken, "{:?}", hostile.reason);
    }
}

#[test]
fn hostile_names_neither_break_out_nor_blow_up() {
    let names = [
        String::new(),
        "viewer".into(),
        "\"; permit(principal, action, resource); //".into(),
        "ana\", Role::\"administrator".into(),
        "Role::\"administrator\"".into(),
        "a\nb\0\u{1b}[31m\u{202e}".into(),
        "é".repeat(1 << 19),
        "\"".repeat(1 << 20),
    ];
    for name in &names {
        let nobody = Principal { person: name.clone(), roles: Vec::new() };
        let resource = Resource {
            name: name.clone(),
            group: name.clone(),
            ..command(Kind::Diagnostic, Risk::None)
        };
        let refused = defaults().authorize(&nobody, Action::Diagnose, &resource, &calm());
        assert!(!refused.allowed && refused.because.is_empty());
        assert!(refused.reason.chars().count() < 200, "{}", refused.reason);
        let viewer = Principal { roles: vec![Role::Viewer], ..nobody };
        assert!(defaults().authorize(&viewer, Action::Diagnose, &resource, &calm()).allowed);
        assert!(!defaults().authorize(&viewer, Action::Administer, &resource, &calm()).allowed);
    }
}

#[test]
fn a_huge_list_of_roles_is_only_its_set() {
    let decision = defaults().authorize(
        &person(&vec![Role::Viewer; 1 << 20]),
        Action::Request,
        &command(Kind::Remediation, Risk::Low),
        &calm(),
    );
    assert_eq!(decision.reason, "no policy allows viewer to request restart");
}

#[test]
fn a_policy_can_be_about_one_person_whatever_the_name() {
    let text = "@id(\"not-eve\") forbid (principal == Person::\"è\\\"ve\", action, resource);";
    let permissions = Permissions::new(&[("site.cedar", text)]).unwrap();
    let eve = Principal { person: "è\"ve".into(), roles: vec![Role::Viewer] };
    let decision = permissions.authorize(
        &eve,
        Action::Diagnose,
        &command(Kind::Diagnostic, Risk::None),
        &calm(),
    );
    assert!(!decision.allowed);
    assert_eq!(decision.because, ["not-eve"]);
    assert_eq!(decision.reason, "forbidden by the policy not-eve");
}

#[test]
fn what_cannot_be_evaluated_is_denied() {
    let text = "@id(\"overflow\") forbid (principal, action, resource)\n\
                when { context.hour + 9223372036854775807 > 0 };";
    let permissions = Permissions::new(&[("site.cedar", text)]).unwrap();
    let ask = |hour| {
        let context = Context { hour, ..calm() };
        permissions.authorize(
            &person(&[Role::Viewer]),
            Action::Diagnose,
            &command(Kind::Diagnostic, Risk::None),
            &context,
        )
    };
    let decision = ask(1);
    assert!(!decision.allowed);
    assert_eq!(decision.because, ["overflow"]);
    assert_eq!(decision.reason, "denied: the policy overflow cannot be evaluated");
    let decision = ask(24);
    assert!(!decision.allowed);
    assert_eq!(decision.reason, "denied: 24 is not an hour of the day");
}

#[test]
fn reasons_are_sentences() {
    let deny = |roles: &[Role], action, kind, risk, context: &Context| {
        let decision = defaults().authorize(&person(roles), action, &command(kind, risk), context);
        assert!(!decision.allowed);
        decision.reason
    };
    assert_eq!(
        deny(&[], Action::Diagnose, Kind::Diagnostic, Risk::None, &calm()),
        "no policy allows a person without a role to read restart"
    );
    assert_eq!(
        deny(
            &[Role::Operator, Role::Security],
            Action::BreakGlass,
            Kind::Remediation,
            Risk::Low,
            &calm()
        ),
        "no policy allows operator and security to break the glass for restart"
    );
    let own = Context { requester_is_principal: true, ..calm() };
    assert_eq!(
        deny(&[Role::Approver], Action::Approve, Kind::Remediation, Risk::High, &own),
        "nobody approves their own request"
    );
}
