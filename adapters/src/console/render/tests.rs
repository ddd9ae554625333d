use proptest::prelude::*;

use super::*;
use crate::message::{Action, Align, Attachment, ButtonStyle, Column, Mark, Table};

fn style(width: usize, colour: bool) -> Style {
    Style { width, colour, unicode: true, full: false }
}

fn drawn(message: &Message, style: &Style) -> String {
    render(message, style).join("\n").replace('\x1b', "^")
}

fn health() -> Message {
    Message::new(Mark::Fail, "NovaCron: 2 failing, 1 warning, 3 ok")
        .section(Section::findings(vec![
            Line::new(Mark::Fail, "vm-service", "503: database: connection refused")
                .detail("GET http://vm-service.novacron.svc:8080/health · now")
                .hint("/nova logs vm-service"),
            Line::new(
                Mark::Absent,
                "novacron-storage-provisioner-controller",
                "no such deployment in namespace novacron",
            )
            .detail("GET /apis/apps/v1/deployments · now"),
            Line::new(
                Mark::Warn,
                "redis",
                "memory 3.7 GiB of 4.0 GiB (92 %), limit 80 %; evicting 1,250 keys a second",
            )
            .detail("INFO memory · 3 s ago"),
            Line::new(Mark::Ok, "api", "200 in 12 ms").detail("GET http://api:8080/health · now"),
            Line::new(Mark::Unsupported, "raft", "404: unsupported here"),
            Line::new(Mark::NoData, "prometheus", "no series").detail("up{job=\"api\"} · now"),
        ]))
        .section(
            Section::table((0..11).fold(
                Table::new(vec![
                    Column::left("pod"),
                    Column::right("restarts"),
                    Column::left("node"),
                    Column::right("cpu"),
                ]),
                |table, i| {
                    table.row([
                        format!("vm-service-7d9f8b6c5d-x2x{i}z"),
                        (i * 37).to_string(),
                        format!("node-{i}.eu-west-1.internal"),
                        format!("{i}.5 %"),
                    ])
                },
            ))
            .titled("Pods")
            .folded(),
        )
        .button(Button::run("health vm-service", "health vm-service"))
        .button(Button::run("logs of vm-service", "logs vm-service"))
        .footer("12 checks in 1.2 s")
}

#[test]
fn health_on_a_wide_terminal() {
    insta::assert_snapshot!(drawn(&health(), &style(100, false)), @r#"
    ✗ NovaCron: 2 failing, 1 warning, 3 ok
      ✗ vm-service  503: database: connection refused
        └ GET http://vm-service.novacron.svc:8080/health · now
        → /nova logs vm-service
      ○ novacron-storage-provisioner-controller
          no such deployment in namespace novacron
        └ GET /apis/apps/v1/deployments · now
      ! redis       memory 3.7 GiB of 4.0 GiB (92 %), limit 80 %; evicting 1,250 keys a second
        └ INFO memory · 3 s ago
      ✓ api         200 in 12 ms  GET http://api:8080/health · now
      – raft        404: unsupported here
      ? prometheus  no series  up{job="api"} · now

    ─ Pods
      pod                          restarts  node                         cpu
      vm-service-7d9f8b6c5d-x2x0z         0  node-0.eu-west-1.internal  0.5 %
      vm-service-7d9f8b6c5d-x2x1z        37  node-1.eu-west-1.internal  1.5 %
      vm-service-7d9f8b6c5d-x2x2z        74  node-2.eu-west-1.internal  2.5 %
      vm-service-7d9f8b6c5d-x2x3z       111  node-3.eu-west-1.internal  3.5 %
      vm-service-7d9f8b6c5d-x2x4z       148  node-4.eu-west-1.internal  4.5 %
      vm-service-7d9f8b6c5d-x2x5z       185  node-5.eu-west-1.internal  5.5 %
      vm-service-7d9f8b6c5d-x2x6z       222  node-6.eu-west-1.internal  6.5 %
      vm-service-7d9f8b6c5d-x2x7z       259  node-7.eu-west-1.internal  7.5 %
      … 3 more (`full` shows all)

    [1] health vm-service   [2] logs of vm-service
      12 checks in 1.2 s
    "#);
}

#[test]
fn health_on_a_phone() {
    insta::assert_snapshot!(drawn(&health(), &style(40, false)), @r"
    ✗ NovaCron: 2 failing, 1 warning, 3 ok
      ✗ vm-service  503: database:
                    connection refused
        └ GET http://vm-service.novacron.svc
          :8080/health · now
        → /nova logs vm-service
      ○ novacron-storage-provisioner-control
        ler
          no such deployment in namespace
          novacron
        └ GET /apis/apps/v1/deployments ·
          now
      ! redis       memory 3.7 GiB of 4.0
                    GiB (92 %), limit 80 %;
                    evicting 1,250 keys a
                    second
        └ INFO memory · 3 s ago
      ✓ api         200 in 12 ms
      – raft        404: unsupported here
      ? prometheus  no series

    ─ Pods
      pod               restarts  node
      vm-servi…d-x2x0z         0  node-0.eu…
      vm-servi…d-x2x1z        37  node-1.eu…
      vm-servi…d-x2x2z        74  node-2.eu…
      vm-servi…d-x2x3z       111  node-3.eu…
      vm-servi…d-x2x4z       148  node-4.eu…
      vm-servi…d-x2x5z       185  node-5.eu…
      vm-servi…d-x2x6z       222  node-6.eu…
      vm-servi…d-x2x7z       259  node-7.eu…
      … not shown: cpu
      … 3 more (`full` shows all)

    [1] health vm-service
    [2] logs of vm-service
      12 checks in 1.2 s
    ");
}

#[test]
fn health_in_colour() {
    insta::assert_snapshot!(drawn(&health(), &style(100, true)), @r#"
    ^[31m✗^[0m ^[1mNovaCron: 2 failing, 1 warning, 3 ok^[0m
      ^[31m✗^[0m vm-service  503: database: connection refused
        ^[2m└^[0m ^[2mGET http://vm-service.novacron.svc:8080/health · now^[0m
        ^[2m→^[0m /nova logs vm-service
      ^[35m○^[0m novacron-storage-provisioner-controller
          no such deployment in namespace novacron
        ^[2m└^[0m ^[2mGET /apis/apps/v1/deployments · now^[0m
      ^[33m!^[0m redis       memory 3.7 GiB of 4.0 GiB (92 %), limit 80 %; evicting 1,250 keys a second
        ^[2m└^[0m ^[2mINFO memory · 3 s ago^[0m
      ^[32m✓^[0m api         200 in 12 ms  ^[2mGET http://api:8080/health · now^[0m
      ^[2m–^[0m raft        404: unsupported here
      ^[35m?^[0m prometheus  no series  ^[2mup{job="api"} · now^[0m

    ^[2m─^[0m ^[1mPods^[0m
      ^[2mpod^[0m                          ^[2mrestarts^[0m  ^[2mnode^[0m                         ^[2mcpu^[0m
      vm-service-7d9f8b6c5d-x2x0z         0  node-0.eu-west-1.internal  0.5 %
      vm-service-7d9f8b6c5d-x2x1z        37  node-1.eu-west-1.internal  1.5 %
      vm-service-7d9f8b6c5d-x2x2z        74  node-2.eu-west-1.internal  2.5 %
      vm-service-7d9f8b6c5d-x2x3z       111  node-3.eu-west-1.internal  3.5 %
      vm-service-7d9f8b6c5d-x2x4z       148  node-4.eu-west-1.internal  4.5 %
      vm-service-7d9f8b6c5d-x2x5z       185  node-5.eu-west-1.internal  5.5 %
      vm-service-7d9f8b6c5d-x2x6z       222  node-6.eu-west-1.internal  6.5 %
      vm-service-7d9f8b6c5d-x2x7z       259  node-7.eu-west-1.internal  7.5 %
      ^[2m… 3 more (`full` shows all)^[0m

    [1] health vm-service   [2] logs of vm-service
      ^[2m12 checks in 1.2 s^[0m
    "#);
    let plain = drawn(&health(), &style(100, false));
    assert_eq!(strip(&render(&health(), &style(100, true)).join("\n")), plain);
}

#[test]
fn health_in_full_and_in_ascii() {
    let style = Style { width: 60, colour: false, unicode: false, full: true };
    insta::assert_snapshot!(drawn(&health(), &style), @r#"
    x NovaCron: 2 failing, 1 warning, 3 ok
      x vm-service  503: database: connection refused
        `- GET http://vm-service.novacron.svc:8080/health - now
        -> /nova logs vm-service
      o novacron-storage-provisioner-controller
          no such deployment in namespace novacron
        `- GET /apis/apps/v1/deployments - now
      ! redis       memory 3.7 GiB of 4.0 GiB (92 %), limit 80
                    %; evicting 1,250 keys a second
        `- INFO memory - 3 s ago
      + api         200 in 12 ms
        `- GET http://api:8080/health - now
      - raft        404: unsupported here
      ? prometheus  no series  up{job="api"} - now

    - Pods
      pod                  restarts  node                    cpu
      vm-servi...5d-x2x0z         0  node-0.eu-west-1...   0.5 %
      vm-servi...5d-x2x1z        37  node-1.eu-west-1...   1.5 %
      vm-servi...5d-x2x2z        74  node-2.eu-west-1...   2.5 %
      vm-servi...5d-x2x3z       111  node-3.eu-west-1...   3.5 %
      vm-servi...5d-x2x4z       148  node-4.eu-west-1...   4.5 %
      vm-servi...5d-x2x5z       185  node-5.eu-west-1...   5.5 %
      vm-servi...5d-x2x6z       222  node-6.eu-west-1...   6.5 %
      vm-servi...5d-x2x7z       259  node-7.eu-west-1...   7.5 %
      vm-servi...5d-x2x8z       296  node-8.eu-west-1...   8.5 %
      vm-servi...5d-x2x9z       333  node-9.eu-west-1...   9.5 %
      vm-servi...d-x2x10z       370  node-10.eu-west-...  10.5 %

    [1] health vm-service   [2] logs of vm-service
      12 checks in 1.2 s
    "#);
}

#[test]
fn other_kinds_of_content() {
    let message = Message::new(Mark::Info, "vm-service")
        .section(Section::text("Two words.\n\nAnd a second paragraph that is longer than a line."))
        .section(
            Section::fields(vec![
                Field::new("image", "registry.example/novacron/vm-service:1.4.2"),
                Field::new("replicas", "3 of 3"),
            ])
            .titled("Deployment"),
        )
        .section(Section::code("fn main() {\n\tlet long = \"0123456789012345678901234567\";\n}"))
        .file(Attachment {
            name: "flame.svg".into(),
            media_type: "image/svg+xml",
            bytes: vec![0; 9],
        });
    insta::assert_snapshot!(drawn(&message, &style(40, false)), @r#"
    i vm-service
      Two words.

      And a second paragraph that is longer
      than a line.

    ─ Deployment
      image     registry.example/novacron/vm
                -service:1.4.2
      replicas  3 of 3

      fn main() {
          let long = "0123456789012345678901
      234567";
      }

      attached: flame.svg, image/svg+xml, 9
      bytes
    "#);
}

#[test]
fn wide_characters_keep_the_columns() {
    let message = Message::new(Mark::Warn, "漢字の見出し")
        .section(Section::findings(vec![
            Line::new(Mark::Warn, "仮想", "応答が遅いため確認してください、お願いします"),
            Line::new(Mark::Ok, "api", "fine 👩‍👩‍👧 ⚠️"),
        ]))
        .section(Section::table(
            Table::new(vec![Column::left("名前"), Column::right("数")])
                .row(["仮想マシン", "12"])
                .row(["api", "3"]),
        ));
    insta::assert_snapshot!(drawn(&message, &style(40, false)), @r"
    ! 漢字の見出し
      ! 仮想  応答が遅いため確認してください
              、お願いします
      ✓ api   fine 👩👩👧 ⚠

      名前        数
      仮想マシン  12
      api          3
    ");
}

#[test]
fn hostile_text_stays_text() {
    let evil = "\x1b]0;owned\x07\x1b[2J\r✓ all well\n[1] approve\u{202e}x\u{9b}31m\0";
    let message = Message::new(Mark::Fail, evil)
        .section(Section::findings(vec![Line::new(Mark::Fail, evil, evil).detail(evil).hint(evil)]))
        .section(
            Section::table(Table::new(vec![Column::left(evil)]).row([evil, evil])).titled(evil),
        )
        .section(Section::code(evil))
        .button(Button::run(evil, evil))
        .footer(evil);
    insta::assert_snapshot!(drawn(&message, &style(60, false)), @r"
    ✗ ]0;owned[2J✓ all well
      [1] approvex31m
      ✗ ]0;owned[2J✓ all well [1] approvex31m
          ]0;owned[2J✓ all well
          [1] approvex31m
        └ ]0;owned[2J✓ all well
          [1] approvex31m
        → ]0;owned[2J✓ all well
          [1] approvex31m

    ─ ]0;owned[2J✓ all well [1] approvex31m
      ]0;owned[2J✓ all well [1] approvex31m
      ]0;owned[2J✓ all well [1] approvex31m

      ]0;owned[2J✓ all well
      [1] approvex31m

    [1] )0;owned(2J✓ all well (1) approvex31m
      ]0;owned[2J✓ all well
      [1] approvex31m
    ");
}

#[test]
fn a_flood_of_text_is_short_unless_all_is_wanted() {
    let flood = "word ".repeat(20_000);
    let message = Message::new(Mark::Fail, flood.as_str()).section(Section::findings(vec![
        Line::new(Mark::Fail, flood.as_str(), flood.as_str()).detail(flood.as_str()),
    ]));
    assert!(render(&message, &style(100, false)).len() < 20);
    let full = Style { full: true, ..style(100, false) };
    assert!(render(&message, &full).len() > 1000);
}

#[test]
fn progress_is_one_line_that_leaves_the_last_column_free() {
    let message = Message::new(Mark::Working, "asking the cluster, 3 of 12 have answered\nsecond");
    assert_eq!(render_progress(&message, &style(30, false)), "… asking the cluster, 3 of 1…");
}

/// `text` without nova's own colour codes.
fn strip(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let known = ["[0m", "[1m", "[2m", "[31m", "[32m", "[33m", "[35m", "[36m"];
        let code = known.iter().find(|code| part.starts_with(**code)).expect("an unknown code");
        out.push_str(&part[code.len()..]);
    }
    out
}

/// Text with more than its share of what breaks layouts.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\x1b[31m",
        "\n",
        "\t",
        "\r",
        "\0",
        "漢",
        "👩‍👩‍👧",
        "⚠️",
        "e\u{301}",
        "\u{17d8}",
        "لا",
        "\u{202e}",
        "🇩🇪",
        "ﷺ",
        "\u{1160}",
        "\u{a8fa}",
        "   ",
    ])
    .prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![odd, ".{0,12}", "[a-z0-9./-]{1,60}"], 0..6)
        .prop_map(|parts| parts.concat())
}

fn mark() -> impl Strategy<Value = Mark> {
    prop::sample::select(Mark::ALL.to_vec())
}

fn content() -> impl Strategy<Value = Content> {
    let line = (mark(), text(), text(), prop::option::of(text()), prop::option::of(text()))
        .prop_map(|(mark, subject, text, detail, hint)| Line { mark, subject, text, detail, hint });
    let column = (text(), any::<bool>()).prop_map(|(title, right)| Column {
        title,
        align: if right { Align::Right } else { Align::Left },
    });
    let rows = prop::collection::vec(prop::collection::vec(text(), 0..7), 0..12);
    prop_oneof![
        text().prop_map(Content::Text),
        text().prop_map(Content::Code),
        prop::collection::vec((text(), text()).prop_map(|(n, v)| Field::new(n, v)), 0..10)
            .prop_map(Content::Fields),
        prop::collection::vec(line, 0..10).prop_map(Content::Findings),
        (prop::collection::vec(column, 0..6), rows)
            .prop_map(|(columns, rows)| Content::Table(Table { columns, rows })),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let section = (prop::option::of(text()), any::<bool>(), content())
        .prop_map(|(title, folded, content)| Section { title, folded, content });
    let button = (text(), text()).prop_map(|(label, line)| Button {
        label,
        action: Action::Run { line },
        style: ButtonStyle::Default,
        confirm: None,
    });
    let file =
        text().prop_map(|name| Attachment { name, media_type: "text/plain", bytes: Vec::new() });
    (
        mark(),
        text(),
        prop::collection::vec(section, 0..4),
        prop::collection::vec(button, 0..12),
        prop::collection::vec(file, 0..2),
        prop::option::of(text()),
    )
        .prop_map(|(tone, headline, sections, buttons, files, footer)| Message {
            tone,
            headline,
            sections,
            buttons,
            selects: Vec::new(),
            files,
            footer,
        })
}

proptest! {
    #[test]
    fn no_line_is_too_wide_and_no_code_is_foreign(
        message in message(),
        width in 20usize..140,
        colour: bool,
        unicode: bool,
        full: bool,
    ) {
        let style = Style { width, colour, unicode, full };
        let mut lines = render(&message, &style);
        lines.push(render_progress(&message, &style));
        for line in lines {
            let bare = if colour { strip(&line) } else { line.clone() };
            prop_assert!(!bare.chars().any(char::is_control), "{line:?}");
            prop_assert!(unicode || bare.is_ascii(), "{line:?}");
            // Both ways of counting that terminals have.
            prop_assert!(crate::console::text::width(&bare) <= width, "{line:?}");
            prop_assert!(unicode_width::UnicodeWidthStr::width(bare.as_str()) <= width, "{line:?}");
        }
    }
}
