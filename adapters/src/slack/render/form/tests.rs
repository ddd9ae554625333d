use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn incident() -> Form {
    Form {
        id: "incident-open".into(),
        argument: "C024BE91L".into(),
        title: "Open an incident & page".into(),
        submit: "Open".into(),
        intro: Some("Everybody on call is paged.".into()),
        fields: vec![
            Question {
                id: "summary".into(),
                label: "What is wrong?".into(),
                hint: Some("One line".into()),
                required: true,
                kind: QuestionKind::Text { lines: false, min: 3, max: 200, initial: "disk".into() },
            },
            Question {
                id: "severity".into(),
                label: "Severity".into(),
                hint: None,
                required: false,
                kind: QuestionKind::Choice {
                    choices: ["critical", "high"]
                        .map(|value| Choice { value: value.into(), label: value.to_uppercase() })
                        .to_vec(),
                    initial: Some("high".into()),
                },
            },
        ],
    }
}

#[test]
fn a_form_is_a_modal() {
    let view = serde_json::to_string_pretty(&form(&incident())).unwrap();
    insta::assert_snapshot!(view, @r#"
    {
      "type": "modal",
      "title": {
        "type": "plain_text",
        "text": "Open an incident &amp; …",
        "emoji": false
      },
      "blocks": [
        {
          "type": "rich_text",
          "elements": [
            {
              "type": "rich_text_section",
              "elements": [
                {
                  "type": "text",
                  "text": "Everybody on call is paged."
                }
              ]
            }
          ]
        },
        {
          "type": "input",
          "block_id": "summary",
          "label": {
            "type": "plain_text",
            "text": "What is wrong?",
            "emoji": false
          },
          "element": {
            "type": "plain_text_input",
            "action_id": "summary",
            "initial_value": "disk",
            "multiline": false,
            "min_length": 3,
            "max_length": 200
          },
          "hint": {
            "type": "plain_text",
            "text": "One line",
            "emoji": false
          },
          "optional": false
        },
        {
          "type": "input",
          "block_id": "severity",
          "label": {
            "type": "plain_text",
            "text": "Severity",
            "emoji": false
          },
          "element": {
            "type": "static_select",
            "action_id": "severity",
            "options": [
              {
                "text": {
                  "type": "plain_text",
                  "text": "CRITICAL",
                  "emoji": false
                },
                "value": "critical"
              },
              {
                "text": {
                  "type": "plain_text",
                  "text": "HIGH",
                  "emoji": false
                },
                "value": "high"
              }
            ],
            "initial_option": {
              "text": {
                "type": "plain_text",
                "text": "HIGH",
                "emoji": false
              },
              "value": "high"
            }
          },
          "optional": true
        }
      ],
      "close": {
        "type": "plain_text",
        "text": "Cancel",
        "emoji": false
      },
      "submit": {
        "type": "plain_text",
        "text": "Open",
        "emoji": false
      },
      "private_metadata": "C024BE91L",
      "callback_id": "incident-open"
    }
    "#);
}

#[test]
fn a_form_that_could_not_come_back_whole_is_not_asked() {
    let refused = |change: fn(&mut Form)| {
        let mut changed = incident();
        change(&mut changed);
        let view = serde_json::to_value(form(&changed)).unwrap();
        view.get("submit").is_none() && view.to_string().contains("too large for Slack")
    };
    assert!(!refused(|_| ()));
    assert!(refused(|form| form.argument = "x".repeat(3_001)));
    assert!(refused(|form| form.id = "x".repeat(256)));
    assert!(refused(|form| form.fields[0].id = "severity".into()));
    assert!(refused(|form| form.fields[0].id = String::new()));
    assert!(refused(|form| {
        form.fields[1].kind = QuestionKind::Choice { choices: Vec::new(), initial: None };
    }));
    assert!(refused(|form| {
        let initial = "x".repeat(9);
        form.fields[0].kind = QuestionKind::Text { lines: true, min: 0, max: 8, initial };
    }));
}

#[test]
fn errors_stand_beside_their_fields() {
    let wrong = BTreeMap::from([("summary".to_owned(), "too short".to_owned())]);
    let answer = serde_json::to_value(errors(&wrong)).unwrap();
    let wanted = json!({ "response_action": "errors", "errors": { "summary": "too short" } });
    assert_eq!(answer, wanted);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,9}", "[<>&*`é🦀\n]{0,90}", "(?s).{0,9}", "[a-z]{0,4000}"]
}

fn any_form() -> impl Strategy<Value = Form> {
    let choice = (text(), text()).prop_map(|(value, label)| Choice { value, label });
    let kind = prop_oneof![
        (any::<bool>(), any::<u16>(), any::<u16>(), text())
            .prop_map(|(lines, min, max, initial)| QuestionKind::Text { lines, min, max, initial }),
        (prop::collection::vec(choice, 0..4), prop::option::of(text()))
            .prop_map(|(choices, initial)| QuestionKind::Choice { choices, initial }),
    ];
    let question = (text(), text(), prop::option::of(text()), any::<bool>(), kind)
        .prop_map(|(id, label, hint, required, kind)| Question { id, label, hint, required, kind });
    let fields = prop::collection::vec(question, 0..3);
    let parts = (text(), text(), text(), text(), prop::option::of(text()), fields);
    parts.prop_map(|(id, argument, title, submit, intro, fields)| Form {
        id,
        argument,
        title,
        submit,
        intro,
        fields,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_form_is_inside_the_limits_and_carries_what_it_must(form in any_form()) {
        let view = serde_json::to_value(super::form(&form)).unwrap();
        let within = |value: &Value, max: usize| {
            (1..=max).contains(&value.as_str().map_or(0, |text| text.encode_utf16().count()))
        };
        prop_assert!(within(&view["title"]["text"], 24) && within(&view["close"]["text"], 24));
        let blocks = view["blocks"].as_array().unwrap();
        prop_assert!((1..=100).contains(&blocks.len()));
        let Some(submit) = view.get("submit") else { return Ok(()) };
        prop_assert!(within(&submit["text"], 24));
        prop_assert_eq!(&view["callback_id"], &json!(form.id));
        prop_assert_eq!(view["private_metadata"].as_str().unwrap_or(""), form.argument);
        let inputs = blocks.iter().filter(|block| block["type"] == "input");
        for (block, field) in inputs.zip(&form.fields) {
            prop_assert_eq!(&block["block_id"], &json!(field.id));
            let element = &block["element"];
            prop_assert_eq!(&element["action_id"], &json!(field.id));
            prop_assert!(within(&block["label"]["text"], 2_000), "{}", block);
            prop_assert!(block.get("hint").is_none_or(|hint| within(&hint["text"], 2_000)));
            let (min, max) = (element["min_length"].as_u64(), element["max_length"].as_u64());
            prop_assert!(min <= max && max <= Some(3_000), "{}", element);
            for option in element["options"].as_array().into_iter().flatten() {
                prop_assert!(within(&option["text"]["text"], 75), "{}", option);
                prop_assert!(within(&option["value"], 150), "{}", option);
            }
        }
    }
}
