//! The whole matrix, role by action by kind and risk, as a table that a person can review.
//! `UPDATE_GOLDEN=1` writes it anew.

use std::{collections::BTreeSet, path::Path};

use nova_permissions::{
    Action, Context, Decision, Kind, Permissions, Resource, Risk, Role, Severity,
};

use crate::{calm, command, person};

/// A title and what is changed in the calm situation.
type Situation = (&'static str, fn(&mut Resource, &mut Context));

const SITUATIONS: &[Situation] = &[
    ("no incident, not on call", |_, _| {}),
    ("on call, no incident", |_, context| context.on_call = true),
    ("a low incident, not on call", |_, context| context.incident_severity = Some(Severity::Low)),
    ("on call in a low incident", |_, context| {
        context.on_call = true;
        context.incident_severity = Some(Severity::Low);
    }),
    ("on call in a critical incident", |_, context| {
        context.on_call = true;
        context.incident_severity = Some(Severity::Critical);
    }),
    ("frozen, on call in a critical incident", |_, context| {
        context.freeze = true;
        context.on_call = true;
        context.incident_severity = Some(Severity::Critical);
    }),
    ("one's own request", |_, context| context.requester_is_principal = true),
    ("a sensitive command", |resource, _| resource.sensitive = true),
    ("a command of the group security", |resource, _| "security".clone_into(&mut resource.group)),
];

const HEADER: &str = "\
Who may do what, by the default policies. Columns: a person with no role, then one role each.
yes: permitted.  no: forbidden by a policy.  - : no policy permits it.
A row in which every cell is \"-\" is left out; the table is otherwise complete.
After the bar: the policies that made the answers of the row.
";

fn cell(decision: &Decision) -> &'static str {
    match (decision.allowed, decision.because.is_empty()) {
        (true, _) => "yes",
        (false, false) => "no",
        (false, true) => "-",
    }
}

/// The cells of one row and the policies behind them; these go into `used` too.
fn row(
    permissions: &Permissions,
    action: Action,
    resource: &Resource,
    context: &Context,
    used: &mut BTreeSet<String>,
) -> String {
    let (mut row, mut because) = (String::new(), BTreeSet::new());
    let columns = std::iter::once(None).chain(Role::ALL.iter().copied().map(Some));
    for role in columns {
        let decision = permissions.authorize(&person(role.as_slice()), action, resource, context);
        assert!(!decision.reason.is_empty());
        assert!(!decision.allowed || !decision.because.is_empty(), "a yes without a policy");
        let width = role.map_or(4, |role| role.as_str().len());
        row.push_str(&format!("{:width$} ", cell(&decision)));
        because.extend(decision.because);
    }
    row.push('|');
    for id in &because {
        row.push_str(&format!(" {id}"));
    }
    used.extend(because);
    row
}

/// The table, and the ids of all policies that made an answer in it.
fn matrix(permissions: &Permissions) -> (String, BTreeSet<String>) {
    let mut table = HEADER.to_owned();
    let mut used = BTreeSet::new();
    for (title, change) in SITUATIONS {
        table.push_str(&format!("\n## {title}\n{:11} {:11} {:24} none ", "action", "kind", "risk"));
        for role in Role::ALL {
            table.push_str(&format!("{role} "));
        }
        table.push_str("|\n");
        for action in Action::ALL {
            for kind in Kind::ALL {
                // Neighbouring risks with the same row share a line.
                let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
                for risk in Risk::ALL {
                    let (mut resource, mut context) = (command(*kind, *risk), calm());
                    change(&mut resource, &mut context);
                    let row = row(permissions, *action, &resource, &context, &mut used);
                    match rows.last_mut() {
                        Some((last, risks)) if *last == row => risks.push(risk.as_str()),
                        _ => rows.push((row, vec![risk.as_str()])),
                    }
                }
                for (row, risks) in rows.iter().filter(|(row, _)| row.contains(['y', 'n'])) {
                    let risks = if risks.len() == Risk::ALL.len() {
                        "any".to_owned()
                    } else {
                        risks.join(" ")
                    };
                    table.push_str(&format!("{action:11} {kind:11} {risks:24} {row}\n"));
                }
            }
        }
    }
    (table, used)
}

#[test]
fn the_matrix_is_the_reviewed_one_and_uses_every_policy() {
    let permissions = Permissions::new(&[]).unwrap();
    let (table, used) = matrix(&permissions);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy/matrix.golden");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&file, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&file).expect("the golden file is checked in");
    let differs = golden.lines().zip(table.lines()).position(|(old, new)| old != new);
    if let Some(line) = differs {
        panic!(
            "line {} of matrix.golden differs (UPDATE_GOLDEN=1 rewrites it)\nreviewed: {}\nnow:      {}",
            line + 1,
            golden.lines().nth(line).unwrap_or_default(),
            table.lines().nth(line).unwrap_or_default(),
        );
    }
    assert_eq!(golden.lines().count(), table.lines().count(), "matrix.golden has another length");

    let all: BTreeSet<String> = permissions.policy_ids().map(ToOwned::to_owned).collect();
    let unused: Vec<_> = all.difference(&used).collect();
    assert!(unused.is_empty(), "no cell of the matrix shows these policies: {unused:?}");
    assert!(used.is_subset(&all), "an unknown policy decided");
}
