use serde_json::Value;

use super::*;
use crate::message::{Button, ButtonStyle, Column, Field, Line, Section, Select, Table};

/// A drawn message as a person reads it: what it is made of, a bar, the text as it is sent.
fn shown(drawn: &Drawn) -> String {
    let mut out = Vec::new();
    let mut say = |kind: &str, text: &str| {
        out.push(format!("{kind:11} | {}", text.replace('\n', "\n            | ")));
    };
    say("content", &drawn.body.content);
    for embed in &drawn.body.embeds {
        say("embed", embed.description.as_deref().unwrap_or(""));
        for field in &embed.fields {
            let kind = if field.inline { "beside" } else { "field" };
            say(kind, &format!("{}: {}", field.name, field.value));
        }
        if let Some(footer) = &embed.footer {
            say("footer", &footer.text);
        }
    }
    for row in &drawn.body.components {
        let row = serde_json::to_value(row).unwrap();
        let elements = row["components"].as_array().unwrap().iter();
        say("row", &elements.map(element).collect::<Vec<_>>().join("\n"));
    }
    for file in &drawn.files {
        let text = String::from_utf8_lossy(&file.bytes);
        say(&file.name, text.trim_end());
    }
    out.iter().flat_map(|part| part.lines()).map(|line| format!("{}\n", line.trim_end())).collect()
}

fn element(element: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    if element["type"] == 3 {
        let options = element["options"].as_array().unwrap().iter();
        let options: Vec<_> =
            options.map(|o| format!("{} = {}", text(&o["label"]), text(&o["value"]))).collect();
        let (asked, id) = (text(&element["placeholder"]), text(&element["custom_id"]));
        return format!("<{asked}> {id} {}", options.join("; "));
    }
    let does = element.get("custom_id").or(element.get("url")).unwrap();
    format!("[{}] {} {}", text(&element["label"]), element["style"], text(does))
}

fn ok(subject: &str) -> Line {
    Line::new(Mark::Ok, subject, "200 · 3 ms · 3/3 ready · image:1.8.2")
        .detail("GET http://127.0.0.1:8080/health · now")
}

#[test]
fn all_is_well() {
    let services = ["PostgreSQL", "api-gateway", "vm-service"];
    let nodes =
        Table::new(vec![Column::left("node"), Column::right("cpu"), Column::right("cpu %")])
            .row(["us-east-node-1", "1020m", "12 %"])
            .row(["us-east-node-2", "700m", "8 %"]);
    let report = Message::new(Mark::Ok, "NovaCron: 3 ok")
        .section(Section::findings(services.map(ok).to_vec()).titled("3 ok").folded())
        .section(Section::table(nodes).titled("Busiest nodes, metrics.k8s.io · now").folded())
        .button(Button::run("Check again", "health"))
        .footer("412 ms");
    insta::assert_snapshot!(shown(&message(&report)), @r"
    content     | ✅ **NovaCron: 3 ok**
    embed       | **3 ok**
                | ✓ **PostgreSQL**  200 · 3 ms · 3/3 ready · image\:1.8.2
                | ✓ **api-gateway**  200 · 3 ms · 3/3 ready · image\:1.8.2
                | ✓ **vm-service**  200 · 3 ms · 3/3 ready · image\:1.8.2
                |
                | **Busiest nodes, metrics\.k8s\.io · now**
                | ```
                | node              cpu  cpu %
                | us-east-node-1  1020m   12 %
                | us-east-node-2   700m    8 %
                | ```
    footer      | 412 ms
    row         | [Check again] 2 r:health
    ");
}

#[test]
fn something_is_broken() {
    let report = Message::new(Mark::Fail, "NovaCron: 1 failing, 1 absent, 2 ok")
        .section(Section::findings(vec![
            Line::new(Mark::Fail, "vm-service", "503 · unhealthy · database: connection refused")
                .detail("GET http://127.0.0.1:8080/health · now"),
            Line::new(Mark::Absent, "ml-service", "no deployment novacron/ml-service in us-east")
                .hint("removed, or named differently here: see the service's `workload`"),
            Line::new(Mark::Unsupported, "not configured", "PostgreSQL, Redis, Prometheus")
                .hint("`nova check` says what to add"),
        ]))
        .section(Section::findings(vec![ok("api-gateway"), ok("us-east")]).titled("2 ok").folded())
        .section(Section::fields(vec![Field::new("region", "us-east"), Field::new("since", "")]))
        .section(Section::code("<@1> ``` # not a heading\n**").titled("log"))
        .button(
            Button::run("Restart", "restart vm-service")
                .style(ButtonStyle::Danger)
                .confirm("Restart vm-service?"),
        )
        .footer("1250 ms");
    insta::assert_snapshot!(shown(&message(&report)), @r"
    content     | ❌ **NovaCron: 1 failing, 1 absent, 2 ok**
    embed       | ❌ **vm-service** · failing
                | 503 · unhealthy · database: connection refused
                | -# GET http\://127.0.0.1\:8080/health · now
                | ⭕ **ml-service** · absent
                | no deployment novacron/ml-service in us-east
                | → removed, or named differently here: see the service's \`workload\`
                | – **not configured** · unsupported  PostgreSQL, Redis, Prometheus → \`nova check\` says what to add
                |
                | **2 ok**
                | ✓ **api-gateway**  200 · 3 ms · 3/3 ready · image\:1.8.2
                | ✓ **us-east**  200 · 3 ms · 3/3 ready · image\:1.8.2
    beside      | region: us-east
    beside      | since: –
    embed       | **log**
                | ```
                | <@1> ‵‵‵ # not a heading
                | **
                | ```
    footer      | 1250 ms
    row         | [Restart] 4 c:restart vm-service
    ");
}

#[test]
fn a_mistake_is_one_line() {
    let drawn = message(&Message::new(Mark::Warn, "no command `helth`: did you mean health?"));
    insta::assert_snapshot!(shown(&drawn), @r"content     | ⚠️ **no command \`helth\`: did you mean health?**");
    let small = message(&Message::new(Mark::Info, "pong").footer("reference 4711"));
    insta::assert_snapshot!(shown(&small), @r"
    content     | ℹ️ **pong**
                | -# reference 4711
    ");
}

#[test]
fn choices_and_forms() {
    let long = format!("incident note {}", "x".repeat(90));
    let select = Select {
        placeholder: "Another service".into(),
        options: vec![
            ("vm".into(), "health vm-service".into()),
            ("again".into(), "health vm-service".into()),
            ("long".into(), long.clone()),
        ],
    };
    let asked = Message::new(Mark::Info, "what now?")
        .button(Button::form("Declare", "declare", "C1", "incident declare"))
        .button(Button::form("Note", "note", long.as_str(), "incident note"))
        .button(Button::run("Health", "health").style(ButtonStyle::Primary))
        .button(Button::run("Health again", "health"))
        .button(Button::run("Long", long.as_str()))
        .button(Button::link("Runbook", "https://runbooks.example/db"))
        .button(Button::link("Bad", "javascript:alert(1)"))
        .select(select);
    insta::assert_snapshot!(shown(&message(&asked)), @r"
    content     | ℹ️ **what now?**
    embed       | **long** `/nova incident note xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`
                | **Long** `/nova incident note xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`
    footer      | Shortened: all of it is in details.txt.
    row         | [Declare] 2 f:declare:C1
                | [Note] 2 r:incident note
                | [Health] 1 r:health
                | [Runbook] 5 https://runbooks.example/db
    row         | <Another service> s:0 vm = r:health vm-service
    details.txt | i what now?
                |
                | To choose from:
                |   Declare: /nova incident declare
                |   Note: /nova incident note
                |   Health: /nova health
                |   Health again: /nova health
                |   Long: /nova incident note xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                |   Runbook: https://runbooks.example/db
                |   Bad: javascript:alert(1)
                |   vm: /nova health vm-service
                |   again: /nova health vm-service
                |   long: /nova incident note xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    ");
}

#[test]
fn more_buttons_than_fit_leave_room_for_selects() {
    let options = (0..60).map(|n| (n.to_string(), format!("show {n}"))).collect();
    let select = Select { placeholder: "which?".into(), options };
    let many = (0..30).fold(Message::new(Mark::Info, "many"), |message, n| {
        message.button(Button::run(format!("b{n}"), format!("run {n}")))
    });
    let drawn = message(&many.select(select));
    assert_eq!(drawn.body.components.len(), 5);
    let kinds: Vec<_> = drawn
        .body
        .components
        .iter()
        .map(|row| serde_json::to_value(row).unwrap()["components"][0]["type"].clone())
        .collect();
    assert_eq!(kinds, [2, 2, 2, 3, 3]);
    let typed = drawn.body.embeds[0].description.as_deref().unwrap();
    assert_eq!(typed.lines().count(), 15, "{typed}");
    assert_eq!(drawn.files.len(), 1, "the last ten options are there only");
}

#[test]
fn a_huge_message_is_short_and_whole_in_the_file() {
    let lines = (0..200).map(|n| Line::new(Mark::Fail, format!("pod-{n}"), "x".repeat(500)));
    let drawn = message(
        &Message::new(Mark::Fail, "200 failing")
            .section(Section::findings(lines.collect()))
            .footer("1 s"),
    );
    let whole = String::from_utf8(drawn.files[0].bytes.clone()).unwrap();
    assert!(whole.contains("pod-199 (failing)"));
    let footer = drawn.body.embeds.last().unwrap().footer.clone().unwrap();
    assert_eq!(footer.text, "Shortened: all of it is in details.txt. · 1 s");
}

#[test]
fn an_edit_takes_away_what_is_not_there_any_more() {
    let body = serde_json::to_value(message(&Message::new(Mark::Ok, "done")).body).unwrap();
    assert_eq!(body["embeds"], serde_json::json!([]));
    assert_eq!(body["components"], serde_json::json!([]));
    assert_eq!(body.get("flags"), None);
    let private = message(&Message::new(Mark::Ok, "done")).body.private(true);
    assert_eq!(private.flags, Some(64));
}
