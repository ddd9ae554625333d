//! The limits at their edges: what Discord just takes, and what it just refuses, with its place and code.

use serde_json::json;

use super::*;
use crate::discord::multipart::Upload;

fn long(length: usize) -> String {
    "é".repeat(length)
}

/// `place.code` of each error.
fn wrong(refused: Result<(), Refusal>) -> Vec<String> {
    fn walk(at: &str, node: &Value, found: &mut Vec<String>) {
        for (key, inner) in node.as_object().into_iter().flatten() {
            match inner.as_array() {
                Some(errors) if key == "_errors" => found.extend(
                    errors.iter().map(|error| format!("{at} {}", error["code"].as_str().unwrap())),
                ),
                _ => walk(&join(at, key), inner, found),
            }
        }
    }
    let refusal = refused.unwrap_err();
    let mut found = Vec::new();
    walk("", &refusal.errors.unwrap_or_else(|| panic!("{}", refusal.message)), &mut found);
    found.sort();
    found
}

fn posted(body: &Value) -> Result<(), Refusal> {
    message(body, &[], Place::Channel)
}

fn button(id: &str) -> Value {
    json!({ "type": 2, "style": 1, "label": "Go", "custom_id": id })
}

fn rows(rows: &[Value]) -> Value {
    let rows: Vec<Value> =
        rows.iter().map(|controls| json!({ "type": 1, "components": controls })).collect();
    json!({ "content": "a", "components": rows })
}

#[test]
fn a_message_of_the_greatest_size_is_taken() {
    let field = json!({ "name": long(20), "value": long(60), "inline": true });
    let fields = vec![field; 25];
    let embed = json!({
        "title": long(256), "description": long(4096 - 456), "fields": fields,
        "footer": { "text": long(10) }, "color": 0xff_ffff, "timestamp": "2026-01-02T03:04:05Z",
    });
    let row = |n: usize| (0..5).map(|at| button(&format!("{n}:{at}"))).collect::<Value>();
    let mut body = rows(&(0..5).map(row).collect::<Vec<_>>());
    body["content"] = json!(long(2000));
    body["embeds"] = json!([embed]);
    body["nonce"] = json!("x".repeat(25));
    body["enforce_nonce"] = json!(true);
    body["allowed_mentions"] = json!({ "parse": [] });
    posted(&body).unwrap();
}

#[test]
fn texts_and_embeds_are_measured_in_characters() {
    let refused = wrong(posted(&json!({ "content": long(2001), "nonce": "x".repeat(26) })));
    assert_eq!(refused, ["content BASE_TYPE_MAX_LENGTH", "nonce BASE_TYPE_MAX_LENGTH"]);
    let embed = json!({
        "title": long(257), "description": long(4097), "color": 0x100_0000, "url": "ftp://a",
        "fields": [{ "name": "", "value": long(1025) }, { "name": "a" }],
        "footer": { "text": long(2049) },
    });
    let refused = wrong(posted(&json!({ "embeds": [embed] })));
    assert_eq!(
        refused,
        [
            "embeds MAX_EMBED_SIZE_EXCEEDED",
            "embeds.0.color NUMBER_TYPE_RANGE",
            "embeds.0.description BASE_TYPE_MAX_LENGTH",
            "embeds.0.fields.0.name BASE_TYPE_BAD_LENGTH",
            "embeds.0.fields.0.value BASE_TYPE_BAD_LENGTH",
            "embeds.0.fields.1.value BASE_TYPE_REQUIRED",
            "embeds.0.footer.text BASE_TYPE_BAD_LENGTH",
            "embeds.0.title BASE_TYPE_MAX_LENGTH",
            "embeds.0.url URL_TYPE_INVALID_SCHEME",
        ]
    );
    let three = json!({ "embeds": vec![json!({ "description": long(2001) }); 3] });
    assert_eq!(wrong(posted(&three)), ["embeds MAX_EMBED_SIZE_EXCEEDED"]);
    let many = json!({ "embeds": vec![json!({ "title": "a" }); 11] });
    assert_eq!(wrong(posted(&many)), ["embeds BASE_TYPE_MAX_LENGTH"]);
}

#[test]
fn components_stand_in_five_rows_of_five_or_one_menu() {
    let six = |n: usize| vec![json!([button(&n.to_string())]); 1].remove(0);
    let refused = wrong(posted(&rows(&(0..6).map(six).collect::<Vec<_>>())));
    assert_eq!(refused, ["components BASE_TYPE_MAX_LENGTH"]);
    let wide: Value = (0..6).map(|at| button(&at.to_string())).collect();
    assert_eq!(wrong(posted(&rows(&[wide]))), ["components.0.components BASE_TYPE_BAD_LENGTH"]);
    let twice = rows(&[json!([button("a")]), json!([button("a")])]);
    let at = "components.1.components.0.custom_id COMPONENT_CUSTOM_ID_DUPLICATED";
    assert_eq!(wrong(posted(&twice)), [at]);
    let option = json!({ "label": "a", "value": "1" });
    let menu = json!({ "type": 3, "custom_id": "m", "options": [option, option] });
    let refused = wrong(posted(&rows(&[json!([menu, button("a")])])));
    assert_eq!(
        refused,
        [
            "components.0.components COMPONENT_LAYOUT_WIDTH_EXCEEDED",
            "components.0.components.0.options.1.value SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
        ]
    );
    let mut bad = button(&"x".repeat(101));
    bad["label"] = json!(long(81));
    bad["url"] = json!("https://example.com");
    assert_eq!(wrong(posted(&rows(&[json!([bad])]))).len(), 3);
    let link = json!({ "type": 2, "style": 5, "url": "https://example.com", "label": "There" });
    posted(&rows(&[json!([link])])).unwrap();
}

#[test]
fn a_message_says_something_and_its_flags_fit_its_place() {
    for body in [json!({}), json!({ "content": " " }), rows(&[json!([button("a")])])] {
        let mut body = body;
        body["content"] = json!("");
        assert_eq!(posted(&body).unwrap_err().code, 50006);
    }
    let private = json!({ "content": "a", "flags": 64 });
    assert_eq!(wrong(posted(&private.clone())), ["flags BASE_TYPE_CHOICES"]);
    message(&private, &[], Place::Interaction).unwrap();
    let both =
        json!({ "content": "a", "allowed_mentions": { "parse": ["users"], "users": ["1"] } });
    assert_eq!(wrong(posted(&both)), ["allowed_mentions MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"]);
    let file = |number, size| Upload {
        number,
        name: "a".to_owned(),
        content_type: String::new(),
        content: vec![0; size],
    };
    let body = json!({ "attachments": [{ "id": 1, "description": "d" }] });
    let refused = message(&body, &[file(0, 1)], Place::Channel);
    assert_eq!(wrong(refused), ["attachments.0.id ATTACHMENT_NOT_FOUND"]);
    let large = message(&json!({}), &[file(0, (10 << 20) + 1)], Place::Channel);
    assert_eq!(large.unwrap_err().code, 40005);
}

#[test]
fn forms_have_five_labels_at_most() {
    let input = json!({ "type": 4, "custom_id": "a", "style": 1, "max_length": 5 });
    let label = |n: usize| {
        let mut input = input.clone();
        input["custom_id"] = json!(n.to_string());
        json!({ "type": 18, "label": long(45), "component": input })
    };
    let form = |count: usize| {
        let labels: Vec<Value> = (0..count).map(label).collect();
        json!({ "custom_id": "f", "title": long(45), "components": labels })
    };
    modal(&form(5)).unwrap();
    assert_eq!(wrong(modal(&form(6))), ["data.components BASE_TYPE_BAD_LENGTH"]);
    assert_eq!(wrong(modal(&json!({ "components": [] }))).len(), 3);
    let mut bad = form(1);
    bad["title"] = json!(long(46));
    bad["components"][0]["component"]["value"] = json!("longer");
    bad["components"][0]["component"]["style"] = json!(3);
    assert_eq!(
        wrong(modal(&bad)),
        [
            "data.components.0.component.style BASE_TYPE_CHOICES",
            "data.components.0.component.value BASE_TYPE_MAX_LENGTH",
            "data.title BASE_TYPE_BAD_LENGTH",
        ]
    );
}

fn with_options(options: &Value) -> Result<(), Refusal> {
    command(&json!({ "name": "nova", "description": "d", "options": options }))
}

#[test]
fn commands_are_three_words_deep_and_their_required_options_stand_first() {
    let text = |name: &str, required: bool| json!({ "type": 3, "name": name, "description": "d", "required": required });
    let sub = |name: &str, options: Value| json!({ "type": 1, "name": name, "description": "d", "options": options });
    let group =
        |options: Value| json!({ "type": 2, "name": "g", "description": "d", "options": options });
    let good = json!([group(json!([sub("a", json!([text("x", true), text("y", false)]))]))]);
    with_options(&good).unwrap();
    let order = with_options(&json!([text("x", false), text("y", true)]));
    assert_eq!(wrong(order), ["options.1 APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"]);
    let mixed = with_options(&json!([sub("a", json!([])), text("y", false)]));
    assert_eq!(wrong(mixed), ["options APPLICATION_COMMAND_OPTIONS_TYPE_MIXED"]);
    let deep = with_options(&json!([sub("a", json!([sub("b", json!([]))]))]));
    assert_eq!(wrong(deep), ["options.0.options.0.type APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"]);
    let many: Value = (0..26).map(|n| text(&format!("o{n}"), false)).collect();
    assert_eq!(wrong(with_options(&many)), ["options BASE_TYPE_MAX_LENGTH"]);
    let mut both = text("x", true);
    both["choices"] = json!([{ "name": "a", "value": "a" }]);
    both["autocomplete"] = json!(true);
    let both = with_options(&json!([both]));
    assert_eq!(wrong(both), ["options.0 APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE"]);
}

#[test]
fn names_are_plain_lower_case_words() {
    for good in ["nova", "größe", "ops-1_2", "日本", "it's"] {
        command(&json!({ "name": good, "description": "d" })).unwrap();
    }
    for bad in ["Nova", "a b", "a.b", "", &"x".repeat(33)] {
        assert_eq!(wrong(command(&json!({ "name": bad, "description": "d" }))).len(), 1, "{bad}");
    }
    command(&json!({ "name": "Add to incident", "type": 3 })).unwrap();
    let described = command(&json!({ "name": "A", "type": 3, "description": "d" }));
    assert_eq!(wrong(described), ["description APPLICATION_COMMAND_CONTEXT_MENU_FORBIDDEN"]);
    let twice =
        [json!({ "name": "a", "description": "d" }), json!({ "name": "a", "description": "e" })];
    assert_eq!(wrong(commands(&twice)), ["1.name APPLICATION_COMMANDS_DUPLICATE_NAME"]);
}

#[test]
fn a_command_has_eight_thousand_characters_in_all() {
    let sub = |n: usize| {
        let options: Vec<Value> = (0..3)
            .map(|at| json!({ "type": 3, "name": format!("o{at}"), "description": long(100) }))
            .collect();
        json!({ "type": 1, "name": format!("s{n}"), "description": long(100), "options": options })
    };
    with_options(&(0..19).map(sub).collect()).unwrap();
    let refused = wrong(with_options(&(0..20).map(sub).collect()));
    assert_eq!(refused, [" APPLICATION_COMMAND_TOO_LARGE"]);
}
