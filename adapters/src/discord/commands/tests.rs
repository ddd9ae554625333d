use serde_json::json;

use super::*;
use crate::event::Deed;
use crate::menu::{Argument, Item, Takes};

fn argument(name: &str, takes: Takes) -> Argument {
    Argument {
        name: name.into(),
        summary: format!("the {name}"),
        required: false,
        takes,
        option: None,
        many: false,
    }
}

fn option(name: &str, takes: Takes) -> Argument {
    Argument { option: Some(name.into()), ..argument(name, takes) }
}

fn item(path: &str, arguments: Vec<Argument>) -> Item {
    let words = path.split(' ').map(str::to_owned).collect();
    Item { words, summary: format!("do {path}"), arguments }
}

fn menu() -> Menu {
    let severities = ["critical", "high"].map(str::to_owned).to_vec();
    let required = |argument: Argument| Argument { required: true, ..argument };
    let many = |argument: Argument| Argument { many: true, ..argument };
    Menu {
        name: "nova".into(),
        summary: "Ask NovaCron".into(),
        groups: vec![("incident".into(), "Incidents".into())],
        items: vec![
            item(
                "health",
                vec![
                    many(argument("service", Takes::Live)),
                    option("cluster", Takes::Live),
                    option("full", Takes::Flag),
                ],
            ),
            item("ping", vec![]),
            item(
                "incident declare",
                vec![
                    required(argument("severity", Takes::Choice(severities))),
                    required(many(argument("impact", Takes::Text))),
                    option("page", Takes::Number { min: Some(1), max: Some(5) }),
                ],
            ),
            item(
                "incident show",
                vec![argument("incident", Takes::Live), argument("part", Takes::Text)],
            ),
        ],
    }
}

#[test]
fn the_tree_is_declared() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&declare(&menu(), Scope::Guild).unwrap()).unwrap(), @r#"
    [
      {
        "type": 1,
        "name": "nova",
        "description": "Ask NovaCron",
        "options": [
          {
            "type": 2,
            "name": "incident",
            "description": "Incidents",
            "options": [
              {
                "type": 1,
                "name": "declare",
                "description": "do incident declare",
                "options": [
                  {
                    "type": 3,
                    "name": "severity",
                    "description": "the severity",
                    "required": true,
                    "choices": [
                      {
                        "name": "critical",
                        "value": "critical"
                      },
                      {
                        "name": "high",
                        "value": "high"
                      }
                    ]
                  },
                  {
                    "type": 3,
                    "name": "impact",
                    "description": "the impact",
                    "required": true
                  },
                  {
                    "type": 4,
                    "name": "page",
                    "description": "the page",
                    "min_value": 1,
                    "max_value": 5
                  }
                ]
              },
              {
                "type": 1,
                "name": "show",
                "description": "do incident show",
                "options": [
                  {
                    "type": 3,
                    "name": "incident",
                    "description": "the incident",
                    "autocomplete": true
                  },
                  {
                    "type": 3,
                    "name": "part",
                    "description": "the part"
                  }
                ]
              }
            ]
          },
          {
            "type": 1,
            "name": "health",
            "description": "do health",
            "options": [
              {
                "type": 3,
                "name": "service",
                "description": "the service",
                "autocomplete": true
              },
              {
                "type": 3,
                "name": "cluster",
                "description": "the cluster",
                "autocomplete": true
              },
              {
                "type": 5,
                "name": "full",
                "description": "the full"
              }
            ]
          },
          {
            "type": 1,
            "name": "ping",
            "description": "do ping"
          }
        ]
      },
      {
        "type": 3,
        "name": "Add to incident"
      }
    ]
    "#);
}

type Change = fn(&mut Menu);

#[test]
fn what_discord_would_refuse_is_named() {
    let wrong = |change: Change| {
        let mut menu = menu();
        change(&mut menu);
        declare(&menu, Scope::Guild).unwrap_err().to_string()
    };
    let cases: [(Change, &str); 8] = [
        (|m| m.items.push(item("Über", vec![])), "\"Über\" is no name"),
        (|m| m.items.push(item(&"x".repeat(33), vec![])), "is no name"),
        (|m| m.items.push(item("ping", vec![])), "\"nova ping\" is declared twice"),
        (|m| m.items.push(item("incident", vec![])), "\"nova incident\" is declared twice"),
        (|m| m.items.push(item("a b c", vec![])), "\"a b c\" is deeper"),
        (|m| m.items.push(item("team show", vec![])), "the group of \"team show\""),
        (
            |m| m.items.extend((0..30).map(|n| item(&format!("x{n}"), vec![]))),
            "\"nova\" has 33 parts",
        ),
        (
            |m| {
                let long = |n| argument(&format!("{n}{}", "x".repeat(28)), Takes::Text);
                m.items
                    .extend((0..20).map(|n| item(&format!("x{n}"), (0..25).map(long).collect())));
            },
            "characters together",
        ),
    ];
    for (change, words) in cases {
        let said = wrong(change);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn long_texts_are_cut_and_long_lists_are_suggested() {
    let many: Vec<String> = (0..26).map(|n| n.to_string()).collect();
    let mut menu = menu();
    menu.summary = "x".repeat(200);
    menu.items = vec![item("a", vec![argument("b", Takes::Choice(many))])];
    let declared = declare(&menu, Scope::Global).unwrap();
    assert_eq!(declared[0]["description"].as_str().unwrap().chars().count(), 100);
    assert_eq!(declared[0]["options"][0]["options"][0]["autocomplete"], true);
    assert_eq!(declared[1]["contexts"], json!([0, 1]));
}

#[test]
fn what_discord_adds_is_no_difference() {
    let wanted = declare(&menu(), Scope::Global).unwrap();
    let mut present: Vec<Value> = wanted.iter().rev().cloned().collect();
    for command in &mut present {
        command["id"] = "1".into();
        command["version"] = "2".into();
        command["nsfw"] = false.into();
        command["default_member_permissions"] = Value::Null;
        command["description_localizations"] = Value::Null;
    }
    present[0]["description"] = "".into();
    present[1]["options"][2]["options"] = json!([]);
    assert!(same(&wanted, &present));
    assert!(!same(&wanted, &present[1..]));
    present[1]["options"][0]["description"] = "other".into();
    assert!(!same(&wanted, &present));
}

#[test]
fn what_only_global_commands_say_is_no_difference_in_a_server() {
    let wanted = declare(&menu(), Scope::Guild).unwrap();
    let mut present = wanted.clone();
    for command in &mut present {
        command["contexts"] = Value::Null;
        command["integration_types"] = json!([0]);
    }
    assert!(same(&wanted, &present));
    for command in &mut present {
        // The other way round, as far as the order of fields is kept at all.
        let fields = command.as_object().unwrap().clone().into_iter().rev();
        *command = Value::Object(fields.collect());
    }
    assert!(same(&wanted, &present));
    assert!(!same(&declare(&menu(), Scope::Global).unwrap(), &present));
}

/// What `words` makes of a path and its options.
fn filled(path: &str, options: &Value) -> Result<Deed, WordsError> {
    words(&menu(), &given(path, options))
}

fn given(path: &str, options: &Value) -> Vec<Given> {
    let mut options = options.clone();
    for (index, word) in path.split(' ').rev().enumerate() {
        options = json!([{ "type": 1 + index, "name": word, "options": options }]);
    }
    serde_json::from_value(options).unwrap()
}

fn chosen(words: &[&str]) -> Result<Deed, WordsError> {
    Ok(Deed::Chosen { words: words.iter().map(|&word| word.to_owned()).collect() })
}

fn complete(words: &[&str], typed: &str) -> Result<Deed, WordsError> {
    let words = words.iter().map(|&word| word.to_owned()).collect();
    Ok(Deed::Complete { words, typed: typed.to_owned() })
}

#[test]
fn a_filled_in_command_is_what_would_have_been_typed() {
    assert_eq!(filled("ping", &json!([])), chosen(&["ping"]));
    let all = json!([
        { "type": 3, "name": "service", "value": "vm-service  api-gateway" },
        { "type": 5, "name": "full", "value": true },
        { "type": 3, "name": "cluster", "value": "us east" },
    ]);
    let words = ["health", "--cluster=us east", "--full", "vm-service", "api-gateway"];
    assert_eq!(filled("health", &all), chosen(&words));
    let declared = json!([
        { "type": 4, "name": "page", "value": 3 },
        { "type": 3, "name": "impact", "value": "API down" },
        { "type": 3, "name": "severity", "value": "high" },
    ]);
    let words = ["incident", "declare", "--page=3", "high", "API", "down"];
    assert_eq!(filled("incident declare", &declared), chosen(&words));
    let not = json!([{ "type": 5, "name": "full", "value": false }]);
    assert_eq!(filled("health", &not), chosen(&["health"]));
}

#[test]
fn no_value_becomes_an_option() {
    let hostile = json!([{ "type": 3, "name": "incident", "value": "--kubeconfig=/etc/x y" }]);
    let words = ["incident", "show", "--", "--kubeconfig=/etc/x y"];
    assert_eq!(filled("incident show", &hostile), chosen(&words));
    let hostile = json!([{ "type": 3, "name": "cluster", "value": "--full" }]);
    assert_eq!(filled("health", &hostile), chosen(&["health", "--cluster=--full"]));
}

#[test]
fn what_is_being_filled_in_comes_last() {
    let place = json!([
        { "type": 3, "name": "cluster", "value": "us" },
        { "type": 3, "name": "service", "value": "vm-service ap", "focused": true },
    ]);
    assert_eq!(filled("health", &place), complete(&["health", "--cluster=us", "vm-service"], "ap"));
    let option = json!([
        { "type": 3, "name": "service", "value": "vm-service" },
        { "type": 3, "name": "cluster", "value": "us-", "focused": true },
    ]);
    let words = ["health", "vm-service", "--cluster"];
    assert_eq!(filled("health", &option), complete(&words, "us-"));
    let nothing = json!([{ "type": 3, "name": "incident", "value": "", "focused": true }]);
    assert_eq!(filled("incident show", &nothing), complete(&["incident", "show"], ""));
    let dash = json!([{ "type": 3, "name": "incident", "value": "-1", "focused": true }]);
    assert_eq!(filled("incident show", &dash), complete(&["incident", "show", "--"], "-1"));
}

#[test]
fn what_is_no_command_is_refused() {
    let part = json!([{ "type": 3, "name": "part", "value": "x" }]);
    let gap = WordsError::Gap("incident".into(), "part".into());
    assert_eq!(filled("incident show", &part), Err(gap));
    let flag = json!([{ "type": 3, "name": "full", "value": "yes" }]);
    assert_eq!(filled("health", &flag), Err(WordsError::Value("full".into())));
    let long = json!([{ "type": 3, "name": "service", "value": "x".repeat(6_001) }]);
    assert_eq!(filled("health", &long), Err(WordsError::Value("service".into())));
    let other = json!([{ "type": 3, "name": "nothing", "value": "x" }]);
    for (path, options) in
        [("health", other), ("restart", json!([])), ("incident", json!([])), ("a b", json!([]))]
    {
        assert_eq!(filled(path, &options), Err(WordsError::Unknown), "{path}");
    }
    assert_eq!(words(&menu(), &[]), Err(WordsError::Unknown));
}
