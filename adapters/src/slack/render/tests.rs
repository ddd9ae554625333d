use serde_json::{Value, json};
use slack_morphism::prelude::SlackBlock;

use super::*;
use crate::message::{
    Action, Align, Button, ButtonStyle, Column, Field, Line, Mark, Section, Select, Table,
};

/// Blocks as a person reads them: the kind, a bar, the text.
fn shown(drawn: &Drawn) -> String {
    let mut out = format!("text         | {}\n", drawn.text.replace('\n', "\n             | "));
    for block in &drawn.blocks {
        let block = serde_json::to_value(block).unwrap();
        let kind = block["type"].as_str().unwrap();
        let mut text = String::new();
        read(&block, &mut text);
        let text = text.trim_matches('\n').replace('\n', "\n             | ");
        out.push_str(&format!("{kind:12} | {text}\n"));
    }
    for file in &drawn.files {
        let text = String::from_utf8_lossy(&file.bytes);
        out.push_str(&format!("--- {}\n{text}", file.name));
    }
    out.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn read(value: &Value, out: &mut String) {
    let parts = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    match value["type"].as_str() {
        Some("emoji") => out.push_str(&format!(":{}:", value["name"].as_str().unwrap())),
        Some("text") => {
            let text = value["text"].as_str().unwrap();
            let bold = value["style"]["bold"] == json!(true);
            out.push_str(&if bold { format!("**{text}**") } else { text.to_owned() });
        }
        Some("plain_text" | "mrkdwn") => {
            out.push_str(&format!("{}\n", value["text"].as_str().unwrap()));
        }
        Some("button") => {
            let (label, does) = (&value["text"]["text"], value.get("value").or(value.get("url")));
            let style = value["style"].as_str().unwrap_or("");
            let ask = value["confirm"]["text"]["text"].as_str().unwrap_or("");
            let (label, does) = (label.as_str().unwrap(), does.unwrap());
            out.push_str(&format!("[{label}] {} {does} {style} {ask}\n", value["action_id"]));
        }
        Some("static_select") => {
            out.push_str(&format!("<{}> ", value["placeholder"]["text"].as_str().unwrap()));
            for option in parts("options") {
                out.push_str(&format!("{} = {}; ", option["text"]["text"], option["value"]));
            }
        }
        _ => {
            if value.get("text").is_some() {
                read(&value["text"], out);
            }
            for part in parts("elements").iter().chain(&parts("fields")) {
                read(part, out);
            }
            if value["type"] == "rich_text_section" {
                out.push('\n');
            }
        }
    }
}

fn ok(subject: &str) -> Line {
    Line::new(Mark::Ok, subject, "200 · 3 ms · 3/3 ready · image:1.8.2")
        .detail("GET http://127.0.0.1:8080/health · now; deployment novacron/x in us-east · now")
}

fn pods() -> Table {
    let columns = vec![Column::left("pod"), Column::right("cpu"), Column::right("memory")];
    Table::new(columns).row(["ml-service-7d9f8b6c5d-x2x1z", "400m", "1228 MiB"]).row([
        "api-gateway-58c7f9dd4b-q8w2e",
        "100m",
        "153 MiB",
    ])
}

#[test]
fn all_is_well() {
    let services = ["PostgreSQL", "Prometheus", "Redis", "api-gateway", "vm-service"];
    let nodes =
        Table::new(vec![Column::left("node"), Column::right("cpu"), Column::right("cpu %")])
            .row(["us-east-node-1", "1020m", "12 %"])
            .row(["us-east-node-2", "700m", "8 %"]);
    let report = Message::new(Mark::Ok, "NovaCron: 5 ok")
        .section(Section::findings(services.map(ok).to_vec()).titled("5 ok").folded())
        .section(Section::table(nodes).titled("Busiest nodes, metrics.k8s.io · now").folded())
        .button(Button::run("Check again", "health"))
        .footer("412 ms");
    insta::assert_snapshot!(shown(&message(&report)), @r#"
    text         | ✅ NovaCron: 5 ok
    header       | ✅ NovaCron: 5 ok
    rich_text    | **5 ok**
                 | ✓ **PostgreSQL**  200 · 3 ms · 3/3 ready · image:1.8.2
                 | ✓ **Prometheus**  200 · 3 ms · 3/3 ready · image:1.8.2
                 | ✓ **Redis**  200 · 3 ms · 3/3 ready · image:1.8.2
                 | ✓ **api-gateway**  200 · 3 ms · 3/3 ready · image:1.8.2
                 | ✓ **vm-service**  200 · 3 ms · 3/3 ready · image:1.8.2
    rich_text    | **Busiest nodes, metrics.k8s.io · now**
                 | node              cpu  cpu %
                 | us-east-node-1  1020m   12 %
                 | us-east-node-2   700m    8 %
    actions      | [Check again] "run:0" "health"
    context      | 412 ms
    "#);
}

#[test]
fn something_is_broken() {
    let report =
        Message::new(Mark::Fail, "NovaCron: 2 failing, 1 absent, 1 not available here, 2 ok")
            .section(Section::findings(vec![
                Line::new(
                    Mark::Fail,
                    "vm-service",
                    "503 · unhealthy · database: connection refused",
                )
                .detail("GET http://127.0.0.1:8080/health · now"),
                Line::new(
                    Mark::Absent,
                    "ml-service",
                    "no deployment novacron/ml-service in us-east",
                )
                .detail("deployment novacron/ml-service in us-east · now")
                .hint("removed, or named differently here: see the service's `workload`"),
                Line::new(Mark::Unsupported, "not configured", "PostgreSQL, Redis, Prometheus")
                    .detail("configuration · now")
                    .hint("`nova check` says what to add"),
            ]))
            .section(
                Section::findings(vec![ok("api-gateway"), ok("us-east")]).titled("2 ok").folded(),
            )
            .section(Section::table(pods()).titled("Busiest pods, metrics.k8s.io · now").folded())
            .button(Button::run("vm-service", "health vm-service"))
            .button(
                Button::run("Restart", "restart vm-service")
                    .style(ButtonStyle::Danger)
                    .confirm("Restart vm-service?"),
            )
            .footer("1250 ms");
    insta::assert_snapshot!(shown(&message(&report)), @r#"
    text         | ❌ NovaCron: 2 failing, 1 absent, 1 not available here, 2 ok
                 | vm-service failing: 503 · unhealthy · database: connection refused
                 | ml-service absent: no deployment novacron/ml-service in us-east
    header       | ❌ NovaCron: 2 failing, 1 absent, 1 not available here, 2 ok
    rich_text    | :x: **vm-service** · failing
                 | 503 · unhealthy · database: connection refused
    context      | GET http://127.0.0.1:8080/health · now
    rich_text    | :o: **ml-service** · absent
                 | no deployment novacron/ml-service in us-east
                 | → removed, or named differently here: see the service's `workload`
    context      | deployment novacron/ml-service in us-east · now
    rich_text    | – **not configured** · unsupported  PostgreSQL, Redis, Prometheus → `nova check` says what to add
    rich_text    | **2 ok**
                 | ✓ **api-gateway**  200 · 3 ms · 3/3 ready · image:1.8.2
                 | ✓ **us-east**  200 · 3 ms · 3/3 ready · image:1.8.2
    rich_text    | **Busiest pods, metrics.k8s.io · now**
                 | pod                        cpu    memory
                 | ml-service-7…b6c5d-x2x1z  400m  1228 MiB
                 | api-gateway-…9dd4b-q8w2e  100m   153 MiB
    actions      | [vm-service] "run:0" "health vm-service"
                 | [Restart] "run:1" "restart vm-service" danger Restart vm-service?
    context      | 1250 ms
    "#);
}

#[test]
fn help_and_a_mistake() {
    let help = Message::new(Mark::Info, "What is broken: services, workloads, databases, nodes")
        .section(Section::code("/nova health [OPTIONS] [SERVICE]"))
        .section(
            Section::fields(vec![
                Field::new("[SERVICE]", "Only this service"),
                Field::new("--cluster <CLUSTER>", "Only this cluster"),
                Field::new("empty", ""),
            ])
            .titled("Arguments"),
        )
        .section(Section::text("`help COMMAND` explains one"));
    insta::assert_snapshot!(shown(&message(&help)), @r#"
    text         | ℹ️ What is broken: services, workloads, databases, nodes
                 | ‵help COMMAND‵ explains one
    header       | ℹ️ What is broken: services, workloads, databases, nodes
    rich_text    | /nova health [OPTIONS] [SERVICE]
    section      | *Arguments*
                 | *[SERVICE]*
                 | Only this service
                 | *--cluster &lt;CLUSTER&gt;*
                 | Only this cluster
                 | *empty*
                 | –
    rich_text    | `help COMMAND` explains one
    "#);
    let mistake = Message::new(Mark::Fail, "no command `<!channel>`; did you mean `health`?");
    insta::assert_snapshot!(shown(&message(&mistake)), @r#"
    text         | ❌ no command ‵&lt;!channel&gt;‵; did you mean ‵health‵?
    header       | ❌ no command `&lt;!channel&gt;`; did you mean `health`?
    "#);
}

#[test]
fn choices_and_forms() {
    let card = Message::new(Mark::Warn, "Incident 7: disk of node-1")
        .button(Button::form("Close", "incident-close", "7", "incident close 7"))
        .button(Button::form("Add", "incident-add", "x".repeat(2_000), "incident add 7"))
        .button(Button::link("Dashboard", "https://grafana.example/d/7?a=1&b=2"))
        .button(Button::link("Bad", "javascript:alert(1)"))
        .button(Button::run("Long", "x".repeat(2_001)))
        .select(Select {
            placeholder: "Severity".into(),
            options: vec![
                ("Critical".into(), "incident severity 7 critical".into()),
                ("Long".into(), format!("incident note {}", "y".repeat(150))),
            ],
        });
    let mut drawn = message(&card);
    assert_eq!(drawn.files.len(), 1, "two buttons are missing");
    let details = String::from_utf8(drawn.files.remove(0).bytes).unwrap();
    assert!(details.contains(&format!("Long: /nova {}\n", "x".repeat(2_001))), "{details}");
    insta::assert_snapshot!(shown(&drawn), @r#"
    text         | ⚠️ Incident 7: disk of node-1
    header       | ⚠️ Incident 7: disk of node-1
    actions      | [Close] "open:0" "incident-close\n7"
                 | [Add] "run:1" "incident add 7"
                 | [Dashboard] "link:2" "https://grafana.example/d/7?a=1&b=2"
                 | [Long] "run:3" "incident note yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
    actions      | <Severity> "Critical" = "incident severity 7 critical";
    context      | Shortened: all of it is in details.txt.
    "#);
}

#[test]
fn a_huge_message_is_short_and_whole_in_the_file() {
    let lines =
        |i| Line::new(Mark::Fail, format!("pod-{i}"), "CrashLoopBackOff").detail("list pods");
    let message = message(
        &Message::new(Mark::Fail, "NovaCron: 10000 failing")
            .section(Section::findings((0..10_000).map(lines).collect()))
            .section(Section::text("The end.")),
    );
    let Drawn { blocks, files, .. } = message;
    let json = serde_json::to_string(&blocks).unwrap();
    assert!(json.len() < 12_000, "{}", json.len());
    assert!(json.contains("… 9960 more"), "{json}");
    assert!(json.contains("The end."), "{json}");
    assert!(json.contains("Shortened: all of it is in details.txt."), "{json}");
    let details = String::from_utf8(files[0].bytes.clone()).unwrap();
    assert_eq!(details.matches("CrashLoopBackOff\n    list pods\n").count(), 10_000);
}

#[test]
fn a_table_keeps_its_numbers_on_a_phone() {
    let many = Table {
        columns: vec![
            Column::left("pod"),
            Column { title: "restarts".into(), align: Align::Right },
            Column::left("node"),
            Column::right("bytes"),
        ],
        rows: vec![vec![
            "vm-service-7d9f8b6c5d-x2x1z".into(),
            "1234567".into(),
            "node-1.eu-west-1.internal".into(),
            "12345678901234567890".into(),
        ]],
    };
    let drawn = message(&Message::new(Mark::Info, "top").section(Section::table(many)));
    insta::assert_snapshot!(shown(&drawn), @r#"
    text         | ℹ️ top
    header       | ℹ️ top
    rich_text    | pod               restarts  node
                 | vm-servi…d-x2x1z   1234567  node-1.eu-w…
                 | … not shown: bytes
    context      | Shortened: all of it is in details.txt.
    --- details.txt
    i top

    pod                          restarts  node                                      bytes
    vm-service-7d9f8b6c5d-x2x1z   1234567  node-1.eu-west-1.internal  12345678901234567890
    "#);
}

#[test]
fn what_is_folded_is_short_and_says_how_much_is_missing() {
    let table = (0..12)
        .fold(Table::new(vec![Column::left("pod")]), |table, i| table.row([format!("pod-{i}")]));
    let drawn = message(
        &Message::new(Mark::Ok, "logs")
            .section(Section::code("line\n".repeat(20)).folded())
            .section(Section::table(table).folded())
            .section(Section::findings(vec![ok("x"); 15]).folded()),
    );
    let json = serde_json::to_string(&drawn.blocks).unwrap();
    for (text, times) in [("line\\n", 8), ("pod-", 10), ("3 ms", 12)] {
        assert_eq!(json.matches(text).count(), times, "{text} in {json}");
    }
    for more in ["… 12 more", "… 2 more", "… 3 more"] {
        assert!(json.contains(more), "{more} in {json}");
    }
    assert_eq!(drawn.files.len(), 1);
}

#[test]
fn a_long_headline_loses_nothing() {
    let headline = "disk full ".repeat(30);
    let drawn = message(&Message::new(Mark::Fail, headline.as_str()));
    assert!(drawn.files.is_empty());
    assert!(matches!(drawn.blocks[0], SlackBlock::RichText(_)));
    assert!(serde_json::to_string(&drawn.blocks).unwrap().contains(headline.trim()));
    assert!(drawn.text.contains(headline.trim()));
}

#[test]
fn files_of_the_message_pass_through() {
    let file = Attachment { name: "a.svg".into(), media_type: "image/svg+xml", bytes: vec![1] };
    let drawn = message(&Message::new(Mark::Ok, "done").file(file.clone()));
    assert_eq!(drawn.files, [file]);
}

#[test]
fn a_home_page_takes_more_and_promises_no_file() {
    let code = || Section::code("line\n".repeat(39));
    let page =
        (0..60).fold(Message::new(Mark::Info, "Open incidents"), |page, _| page.section(code()));
    let SlackView::Home(view) = home(&page) else { panic!("not a home page") };
    assert!(view.blocks.len() > 50 && view.blocks.len() <= 100, "{}", view.blocks.len());
    let long = page.section(Section::text("x".repeat(5_000)));
    let view = serde_json::to_string(&home(&long)).unwrap();
    assert!(view.contains("ask for it in a channel") && !view.contains("details.txt"));
}

#[test]
fn what_is_pressed_on_a_drawn_message_is_what_it_was_made_with() {
    let card = Message::new(Mark::Info, "x")
        .button(Button::run("a", "health \"a b\" <x> & y"))
        .button(Button::form("b", "incident-close", "", ""));
    let blocks = serde_json::to_value(message(&card).blocks).unwrap();
    let pressed: Vec<_> = blocks[1]["elements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|button| press(button["action_id"].as_str().unwrap(), button["value"].as_str()))
        .collect();
    assert_eq!(
        pressed,
        [
            Some(crate::event::Press::Run { line: "health \"a b\" <x> & y".into() }),
            Some(crate::event::Press::Open {
                form: "incident-close".into(),
                argument: String::new()
            }),
        ]
    );
    assert_eq!(action_id(3, &Action::Run { line: String::new() }), "run:3");
}
