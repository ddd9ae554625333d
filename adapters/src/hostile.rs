//! Hostile messages: whatever text and shape may do harm on any platform. For the tests of the
//! renderers.

use proptest::prelude::*;

use crate::message::{
    Action, Align, Button, ButtonStyle, Column, Content, Field, Line, Mark, Message, Section,
    Select, Table,
};

/// Text with more than its share of what breaks messages.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "<!channel>",
        "<@U024BE7LH>",
        "<#C1|x>",
        "<https://evil.example|ok>",
        "&lt;!here&gt;",
        "&",
        "*bold*",
        "_it_",
        "~no~",
        "`code`",
        "```",
        ":tada:",
        ":+1:",
        "> quote",
        "• item",
        "@here",
        "#general",
        "<@!80351110224678912>",
        "<@&165511591545143296>",
        "<#103735883630395392>",
        "<t:1618953630:R>",
        "<:nova:41771983429993937>",
        "</nova:816437322781949972>",
        "<id:customize>",
        "@everyone",
        "||spoiler||",
        "**bold**",
        "__line__",
        "~~gone~~",
        "[ok](https://evil.example)",
        "# heading",
        "-# small",
        "- item",
        "+ item",
        "1. item",
        ">>> quote",
        "discord.gg/evil",
        "-",
        "#",
        "[",
        "](",
        "|",
        "https://evil.example",
        "www.evil.example",
        "a@evil.example",
        "mailto:a@b.c",
        "\n",
        "\t",
        "\0",
        "\x1b[31m",
        "漢",
        "👩‍👩‍👧",
        "⚠️",
        "e\u{301}",
        "لا",
        "\u{202e}",
        "\u{200b}",
        "🇩🇪",
        "ﷺ",
        "\u{1160}",
        "   ",
        "\"",
        "\\",
        "…",
        "*",
        "_",
        "~",
        "`",
        ":",
        ">",
        "<",
        "@",
        ".",
    ])
    .prop_map(str::to_owned);
    let long =
        (prop::sample::select(vec!["<", "x ", "漢", "🦀", "\"", "\u{301}", "\n"]), 0..4_000usize)
            .prop_map(|(part, times)| part.repeat(times));
    prop_oneof![
        20 => prop::collection::vec(prop_oneof![odd, ".{0,12}", "[a-z0-9./_*-]{1,60}"], 0..8)
            .prop_map(|parts| parts.concat()),
        1 => long,
    ]
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
    let rows = prop::collection::vec(prop::collection::vec(text(), 0..7), 0..30);
    prop_oneof![
        text().prop_map(Content::Text),
        text().prop_map(Content::Code),
        prop::collection::vec((text(), text()).prop_map(|(n, v)| Field::new(n, v)), 0..30)
            .prop_map(Content::Fields),
        prop::collection::vec(line, 0..60).prop_map(Content::Findings),
        (prop::collection::vec(column, 0..6), rows)
            .prop_map(|(columns, rows)| Content::Table(Table { columns, rows })),
    ]
}

fn button() -> impl Strategy<Value = Button> {
    let action = prop_oneof![
        text().prop_map(|line| Action::Run { line }),
        (text(), text(), text()).prop_map(|(form, argument, line)| Action::Form {
            form,
            argument,
            line
        }),
        "https?://[a-z.]{1,20}/[a-z<&>]{0,9}".prop_map(|url| Action::Link { url }),
        text().prop_map(|url| Action::Link { url }),
    ];
    let style =
        prop::sample::select(vec![ButtonStyle::Default, ButtonStyle::Primary, ButtonStyle::Danger]);
    (text(), action, style, prop::option::of(text()))
        .prop_map(|(label, action, style, confirm)| Button { label, action, style, confirm })
}

pub(crate) fn any_message() -> impl Strategy<Value = Message> {
    let section = (prop::option::of(text()), any::<bool>(), content())
        .prop_map(|(title, folded, content)| Section { title, folded, content });
    let select = (text(), prop::collection::vec((text(), text()), 0..120))
        .prop_map(|(placeholder, options)| Select { placeholder, options });
    (
        mark(),
        text(),
        prop::collection::vec(section, 0..8),
        prop::collection::vec(button(), 0..40),
        prop::collection::vec(select, 0..3),
        prop::option::of(text()),
    )
        .prop_map(|(tone, headline, sections, buttons, selects, footer)| Message {
            tone,
            headline,
            sections,
            buttons,
            selects,
            files: Vec::new(),
            footer,
        })
}

/// Messages far larger than any platform takes.
pub(crate) fn monsters() -> Vec<Message> {
    let huge = "<!channel> ".repeat(10_000);
    let line = || Line::new(Mark::Fail, "x", "y").detail("z").hint("w");
    let wide = Table {
        columns: vec![Column::right(huge.as_str()); 50],
        rows: vec![vec![huge.clone(); 3]; 4],
    };
    vec![
        Message::new(Mark::Fail, ""),
        Message::new(Mark::Fail, huge.as_str()).footer(huge.as_str()),
        Message::new(Mark::Fail, "f").section(Section::findings(vec![line(); 10_000])),
        Message::new(Mark::Fail, "t").section(Section::table(wide)),
        Message::new(Mark::Fail, "c").section(Section::code("\n".repeat(100_000)).titled("c")),
        Message::new(Mark::Fail, "d")
            .section(Section::fields(vec![Field::new("", huge.as_str()); 9])),
        (0..9_999).fold(Message::new(Mark::Fail, "s"), |message, _| {
            message.section(Section::text(huge.get(..99).unwrap_or("")).titled("t"))
        }),
    ]
}
