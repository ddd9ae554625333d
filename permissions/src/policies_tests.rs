//! What is refused, and how the refusal reads.

use super::*;
use crate::limits::{MAX_FILE_BYTES, MAX_NESTING, MAX_OPERATORS};
use crate::{Action, Kind, Platform, Risk, Role, Severity};

/// The lines that loading `text` as an extra file is refused with.
fn refused(text: &str) -> Vec<String> {
    let error = load(&[("site.cedar", text)]).expect_err("these policies should be refused");
    assert!(!error.problems().is_empty());
    error.to_string().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn the_embedded_policies_are_sound() {
    let loaded = load(&[]).unwrap();
    assert!(loaded.about.len() > 10);
    assert!(loaded.about.values().all(|about| about.reason.is_some()));
}

#[test]
fn the_schema_has_the_words_of_the_enums() {
    fn declared(entity: &str, words: &[&str]) {
        let line = format!("entity {entity} enum [\"{}\"];", words.join("\", \""));
        assert!(SCHEMA.1.contains(&line), "the schema lacks: {line}");
    }
    declared("Role", &Role::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>());
    declared("Kind", &Kind::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>());
    declared("Risk", &Risk::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>());
    declared("Severity", &Severity::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>());
    declared("Platform", &Platform::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>());
    let actions: Vec<_> = Action::ALL.iter().map(|word| word.as_str()).collect();
    assert!(SCHEMA.1.contains(&format!("action {} appliesTo", actions.join(", "))));
}

#[test]
fn a_syntax_error_is_placed() {
    let lines = refused("@id(\"é\")\npermit (principal, action, resource)\nwhen { é };\n");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].starts_with("site.cedar:3:8: "), "{lines:#?}");
}

#[test]
fn every_mistake_of_every_file_is_reported_where_it_is() {
    let first = "// one\n@id(\"a\")\nforbid (principal in Role::\"viwer\", action, resource);\n";
    let second = "@id(\"b\")\nforbid (principal, action, resource)\nwhen { context.weekday == 6 };\n\
                  @id(\"c\")\nforbid (principal, action == Action::\"excute\", resource);\n";
    let error = load(&[("one.cedar", first), ("two.cedar", second)]).unwrap_err();
    let places: Vec<_> =
        error.problems().iter().map(|p| (p.file.as_str(), p.line, p.reason.as_str())).collect();
    assert!(
        places.iter().any(|p| p.0 == "one.cedar" && p.1 == 3 && p.2.contains("viwer")),
        "{error}"
    );
    assert!(
        places.iter().any(|p| p.0 == "two.cedar" && p.1 == 3 && p.2.contains("weekday")),
        "{error}"
    );
    assert!(
        places.iter().any(|p| p.0 == "two.cedar" && p.1 == 5 && p.2.contains("excute")),
        "{error}"
    );
}

#[test]
fn a_wrong_word_is_an_error_and_not_a_rule_that_never_applies() {
    let lines = refused(
        "@id(\"no-high\") forbid (principal, action, resource)\nwhen { resource.risk == Risk::\"hihg\" };",
    );
    assert!(lines[0].starts_with("site.cedar:2:") && lines[0].contains("hihg"), "{lines:#?}");
    let lines = refused(
        "@id(\"no-high\") forbid (principal, action, resource)\nwhen { resource.risk == \"high\" };",
    );
    assert!(lines[0].starts_with("site.cedar:2:"), "{lines:#?}");
}

#[test]
fn a_policy_that_can_never_apply_is_refused() {
    let lines = refused(
        "@id(\"never\")\nforbid (principal, action, resource)\nwhen { false && context.freeze };",
    );
    assert!(
        lines[0].starts_with("site.cedar:2:") || lines[0].starts_with("site.cedar:1:"),
        "{lines:#?}"
    );
    assert!(lines[0].contains("never"), "{lines:#?}");
}

#[test]
fn an_optional_attribute_needs_its_guard() {
    let lines = refused(
        "@id(\"calm\") forbid (principal, action, resource)\n\
         when { context.incident_severity == Severity::\"low\" };",
    );
    assert!(lines[0].contains("incident_severity"), "{lines:#?}");
}

#[test]
fn ids_are_there_once_and_plain() {
    assert_eq!(
        refused("\n  permit (principal, action, resource);"),
        ["site.cedar:2:3: the policy has no @id(\"…\")"]
    );
    assert_eq!(
        refused("@id(\"Bad id\") permit (principal, action, resource);"),
        ["site.cedar:1:1: the id `Bad id` is not of small letters, digits and hyphens, at most 64"]
    );
    let twice = "@id(\"x\")\nforbid (principal, action, resource);\n@id(\"x\")\nforbid (principal, action, resource);\n";
    assert_eq!(refused(twice), ["site.cedar:3:1: another policy has the id `x`"]);
    assert_eq!(
        refused("@id(\"viewer-reads\") forbid (principal, action, resource);"),
        ["site.cedar:1:1: another policy has the id `viewer-reads`"]
    );
}

#[test]
fn positions_hold_for_more_policies_than_sort_by_name() {
    // The parser numbers policies, and "policy10" sorts before "policy2".
    let mut text = String::new();
    for n in 0..12 {
        text.push_str(&format!("@id(\"p{n}\") forbid (principal, action, resource);\n"));
    }
    text.push_str("forbid (principal, action, resource);\n");
    assert_eq!(refused(&text), ["site.cedar:13:1: the policy has no @id(\"…\")"]);
}

#[test]
fn reasons_are_one_bounded_line() {
    for reason in ["", "two\\nlines", "mark \\u{202e}", &"x".repeat(201)] {
        let lines = refused(&format!(
            "@id(\"x\") @reason(\"{reason}\") forbid (principal, action, resource);"
        ));
        assert!(lines[0].contains("the @reason of `x`"), "{lines:#?}");
    }
}

#[test]
fn templates_and_huge_files_are_refused() {
    let lines = refused("\n@id(\"t\") permit (principal == ?principal, action, resource);");
    assert_eq!(
        lines,
        ["site.cedar:2:1: templates are not supported: name the principal and the resource"]
    );
    let lines = refused(&" ".repeat(MAX_FILE_BYTES + 1));
    assert_eq!(lines, ["site.cedar:1:1: the file is larger than 256 KiB"]);
}

/// A policy with this condition.
fn when(condition: &str) -> String {
    format!("@id(\"x\") forbid (principal, action, resource) when {{ {condition} }};")
}

#[test]
fn depth_is_an_error_and_no_crash() {
    let nested =
        |depth: usize| when(&format!("{}context.freeze{}", "(".repeat(depth), ")".repeat(depth)));
    assert!(load(&[("site.cedar", &nested(MAX_NESTING - 1))]).is_ok());
    for depth in [MAX_NESTING, 100, 20_000] {
        let lines = refused(&nested(depth));
        assert!(lines[0].ends_with("brackets nest deeper than 16"), "{lines:#?}");
    }
    // What Cedar's lexer cannot read hides nothing behind it.
    for start in ["\"", "\"\\\n\" ", "'", "\u{0}", "/* \" */"] {
        let lines = refused(&format!("{start}{}", nested(20_000)));
        assert!(lines[0].starts_with("site.cedar:"), "{lines:#?}");
    }
}

#[test]
fn the_longest_chain_is_still_validated() {
    // `when` and the first `.` are two of the operators; the attribute does not exist.
    let chain = |accesses: usize| when(&format!("context{}", ".freeze".repeat(accesses)));
    assert!(
        refused(&chain(MAX_OPERATORS - 1))[0].contains("expected"),
        "{:#?}",
        refused(&chain(MAX_OPERATORS - 1))
    );
    for accesses in [MAX_OPERATORS, 150, 20_000] {
        let lines = refused(&chain(accesses));
        assert!(lines[0].ends_with("more than 64 operators in one policy: split it"), "{lines:#?}");
    }
    let ifs = |count: usize| {
        when(&format!("{}context.freeze", "if context.freeze then true else ".repeat(count)))
    };
    assert!(load(&[("site.cedar", &ifs(31))]).is_ok());
    assert!(refused(&ifs(1000))[0].contains("operators"));
}

#[test]
fn a_hostile_file_name_stays_on_its_line() {
    let lines = load(&[("a\nb.cedar", "permit \u{0}(\u{202e}")]).unwrap_err().to_string();
    assert!(lines.lines().all(|line| line.starts_with("a b.cedar:1:")), "{lines}");
}
