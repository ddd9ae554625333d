use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn incident() -> Form {
    Form {
        id: "incident-open".into(),
        argument: "1290000000000000001".into(),
        title: "Open an incident & page".into(),
        submit: "Open".into(),
        intro: Some("Everybody on call is *paged*.".into()),
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
    insta::assert_snapshot!(serde_json::to_string_pretty(&modal(&incident())).unwrap(), @r#"
    {
      "custom_id": "f:incident-open:1290000000000000001",
      "title": "Open an incident & page",
      "components": [
        {
          "type": 10,
          "content": "Everybody on call is \\*paged\\*."
        },
        {
          "type": 18,
          "label": "What is wrong?",
          "description": "One line",
          "component": {
            "type": 4,
            "custom_id": "summary",
            "max_length": 200,
            "min_length": 3,
            "required": true,
            "style": 1,
            "value": "disk"
          }
        },
        {
          "type": 18,
          "label": "Severity",
          "component": {
            "type": 3,
            "options": [
              {
                "default": false,
                "label": "CRITICAL",
                "value": "critical"
              },
              {
                "default": true,
                "label": "HIGH",
                "value": "high"
              }
            ],
            "custom_id": "severity",
            "disabled": false,
            "min_values": 0,
            "required": false
          }
        }
      ]
    }
    "#);
}

#[test]
fn what_was_sent_finds_its_form() {
    let drawn = modal(&incident());
    let fields = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(id, value)| ((*id).to_owned(), (*value).to_owned())).collect()
    };
    let sent = read(&drawn.custom_id, fields(&[("summary", "disk full"), ("severity", "")]));
    let expected = Submission {
        form: "incident-open".into(),
        argument: "1290000000000000001".into(),
        fields: fields(&[("summary", "disk full")]),
    };
    assert_eq!(sent, Some(expected));
    for id in ["", "refused", "r:health", "f:", "f:x", &format!("f:x:{}", "y".repeat(100))] {
        assert_eq!(read(id, BTreeMap::new()), None, "{id}");
    }
}

#[test]
fn a_long_argument_is_a_field_of_its_own() {
    let quoted = "disk is full\n".repeat(50);
    let form = Form { argument: quoted.clone(), ..incident() };
    let drawn = modal(&form);
    assert_eq!(drawn.custom_id, "f:incident-open:");
    let Some(Component::Label(last)) = drawn.components.last() else { panic!("{drawn:?}") };
    let Component::TextInput(input) = &*last.component else { panic!("{last:?}") };
    assert_eq!((input.custom_id.as_str(), input.value.as_deref()), ("argument", Some(&*quoted)));
    let sent = read(&drawn.custom_id, BTreeMap::from([("argument".into(), quoted.clone())]));
    assert_eq!(sent.unwrap().argument, quoted);
}

#[test]
fn a_form_that_could_not_come_back_whole_is_not_asked() {
    let field = |id: &str| Question { id: id.into(), ..incident().fields[0].clone() };
    let fields =
        |ids: &[&str]| Form { fields: ids.iter().map(|id| field(id)).collect(), ..incident() };
    let cases = [
        Form { id: String::new(), ..incident() },
        Form { id: "a:b".into(), ..incident() },
        Form { id: "x".repeat(101), ..incident() },
        Form { argument: "x".repeat(4_001), ..incident() },
        fields(&[]),
        fields(&["a", "a"]),
        fields(&["argument"]),
        fields(&["1", "2", "3", "4", "5", "6"]),
        Form { argument: "x".repeat(200), ..fields(&["1", "2", "3", "4", "5"]) },
    ];
    for form in cases {
        let form = Form { intro: None, ..form };
        assert_eq!(modal(&form).custom_id, REFUSED, "{form:?}");
    }
    assert_ne!(modal(&fields(&["1", "2", "3", "4", "5"])).custom_id, REFUSED);
}

#[test]
fn errors_are_told_with_their_fields() {
    let wrong = BTreeMap::from([("summary".to_owned(), "too\nlong".to_owned())]);
    let said = crate::discord::render::message(&errors(&wrong)).body;
    assert_eq!(said.embeds[0].fields[0].name, "summary");
    assert_eq!(said.embeds[0].fields[0].value, "too long");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,20}", "(?s).{0,30}", "[a-z <@*é🦀]{90,300}"]
}

fn any_form() -> impl Strategy<Value = Form> {
    let choice = (text(), text()).prop_map(|(value, label)| Choice { value, label });
    let kind = prop_oneof![
        (any::<bool>(), any::<u16>(), any::<u16>(), text())
            .prop_map(|(lines, min, max, initial)| QuestionKind::Text { lines, min, max, initial }),
        (prop::collection::vec(choice, 0..30), prop::option::of(text()))
            .prop_map(|(choices, initial)| QuestionKind::Choice { choices, initial }),
    ];
    let question = ("[a-z]{1,9}|argument", text(), prop::option::of(text()), any::<bool>(), kind)
        .prop_map(|(id, label, hint, required, kind)| Question { id, label, hint, required, kind });
    let fields = prop::collection::vec(question, 0..7);
    ("[a-z:]{1,9}", text(), text(), text(), prop::option::of(text()), fields).prop_map(
        |(id, argument, title, submit, intro, fields)| Form {
            id,
            argument,
            title,
            submit,
            intro,
            fields,
        },
    )
}

proptest! {
    #[test]
    fn any_form_is_inside_the_limits_and_carries_what_it_must(form in any_form()) {
        let drawn = modal(&form);
        let json = serde_json::to_value(&drawn).unwrap();
        let within = |value: &Value, max: usize| {
            (1..=max).contains(&value.as_str().map_or(0, |text| text.encode_utf16().count()))
        };
        prop_assert!(within(&json["custom_id"], 100) && within(&json["title"], 45), "{}", json);
        let parts = json["components"].as_array().unwrap();
        prop_assert!((1..=5).contains(&parts.len()), "{}", json);
        let mut fields = BTreeMap::new();
        for part in parts {
            if part["type"] == 10 {
                prop_assert!(within(&part["content"], 4_000), "{}", part);
                continue;
            }
            prop_assert!(part["type"] == 18 && within(&part["label"], 45), "{}", part);
            prop_assert!(part.get("description").is_none_or(|d| within(d, 100)), "{}", part);
            let input = &part["component"];
            prop_assert!(within(&input["custom_id"], 100), "{}", part);
            if input["type"] == 4 {
                let (min, max) = (input["min_length"].as_u64(), input["max_length"].as_u64());
                prop_assert!(min <= max && max <= Some(4_000) && max >= Some(1), "{}", part);
            } else {
                let options = input["options"].as_array().unwrap();
                prop_assert!((1..=25).contains(&options.len()));
                let fine = |o: &Value| within(&o["label"], 100) && within(&o["value"], 100);
                prop_assert!(options.iter().all(fine), "{}", part);
            }
            let value = input["value"].as_str().unwrap_or("").to_owned();
            fields.insert(input["custom_id"].as_str().unwrap().to_owned(), value);
        }
        if drawn.custom_id != REFUSED {
            let sent = read(&drawn.custom_id, fields).unwrap();
            prop_assert_eq!((sent.form, sent.argument), (form.id, form.argument));
        }
    }
}
