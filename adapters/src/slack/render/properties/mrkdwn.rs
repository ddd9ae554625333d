//! A small reader of Slack's markup that shares nothing with the code it judges. It takes more for
//! markup than Slack does.

/// Everything in `text` that Slack would, or might, make something of.
pub(super) fn entities(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // What stands between `<` and `>` is an entity; these two are never text.
    found.extend(text.split('<').skip(1).map(|rest| format!("<{}", first(rest, 20))));
    found.extend(text.split('>').skip(1).map(|rest| format!(">{}", first(rest, 20))));
    for rest in text.split('&').skip(1) {
        if !["amp;", "lt;", "gt;"].iter().any(|entity| rest.starts_with(entity)) {
            found.push(format!("&{}", first(rest, 20)));
        }
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    for line in text.lines() {
        if line.trim_start().starts_with(['>', '•']) {
            found.push(format!("block: {line}"));
        }
        let chars: Vec<char> = line.chars().collect();
        for sign in ['*', '_', '~'] {
            found.extend(span(&chars, sign));
        }
        if line.contains('`') {
            found.push(format!("code: {line}"));
        }
        for word in line.split_whitespace() {
            found.extend(linked(word));
        }
    }
    found
}

fn first(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

/// A pair of `sign`, the first of which does not stand inside or at the end of a word.
fn span(line: &[char], sign: char) -> Option<String> {
    let opens = |at: usize| {
        let free = at == 0 || !line[at - 1].is_ascii_alphanumeric();
        line[at] == sign && free && line.get(at + 1).is_some_and(|c| !c.is_whitespace())
    };
    let open = (0..line.len()).find(|&at| opens(at))?;
    let close = (open + 2..line.len()).find(|&at| line[at] == sign)?;
    Some(line[open..=close].iter().collect())
}

/// Emoji, mentions, channels, addresses of pages and people.
fn linked(word: &str) -> Option<String> {
    let colons = word.match_indices(':').count();
    let emoji = colons > 1 && word.split(':').skip(1).take(colons - 1).any(|name| !name.is_empty());
    let scheme = ["://", "mailto:", "tel:"].iter().any(|scheme| word.contains(scheme));
    let named = ['@', '#']
        .iter()
        .any(|sign| word.split(*sign).skip(1).any(|rest| rest.starts_with(char::is_alphanumeric)));
    let labels: Vec<&str> = word.split('.').collect();
    let domain = labels.windows(2).any(|pair| {
        pair[0].ends_with(char::is_alphanumeric) && pair[1].starts_with(char::is_alphabetic)
    });
    (emoji || scheme || named || domain).then(|| word.to_owned())
}

#[test]
fn markup_is_found() {
    for text in [
        "<!channel>",
        "<@U1>",
        "a <http://x|y>",
        "&here",
        "*bold*",
        "x _it_ y",
        "(~no~)",
        "a `b` c",
        "&gt; quote",
        "  • item",
        ":tada:",
        "at:10:30",
        "https://x",
        "see www.example.com",
        "a@b",
        "@here",
        "#ops",
        "mailto:x",
        "```",
        "1*_x_",
    ] {
        assert_ne!(entities(text), Vec::<String>::new(), "{text}");
    }
    for text in
        ["plain words, 91 % of 4.0 GiB", "a_b_c", "2*3", "a &gt; b &amp; c", "note: this", "1.8.2"]
    {
        assert_eq!(entities(text), Vec::<String>::new(), "{text}");
    }
}
