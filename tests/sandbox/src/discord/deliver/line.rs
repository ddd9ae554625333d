//! A plain line as somebody would fill in the command: a convenience for tests that speak in lines.
//! Words lead along the registered tree; `--name value` and `--name=value` fill an option by its name;
//! the others fill the required ones in their order, then the optional ones; what is left over belongs
//! to the last text. Used for what people type.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::options::{Given, descend};

/// Words, split at white space outside of double quotes.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut open) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                open = true;
            }
            c if c.is_whitespace() && !quoted => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            c => word.push(c),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

/// How many words lead along the command, and the values of the others.
///
/// # Errors
/// When a word leads nowhere, or a value has no option.
pub(super) fn fill<'c>(
    command: &'c Value,
    words: &[&str],
) -> anyhow::Result<(usize, Vec<Given<'c>>)> {
    let (leaf, used) = descend(command, words)?;
    let options = leaf["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (mut given, mut rest) = (Vec::<Given<'c>>::new(), Vec::new());
    let mut words = words[used..].iter().peekable();
    while let Some(word) = words.next() {
        let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) else {
            rest.push(*word);
            continue;
        };
        let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
        let option = options.iter().find(|option| option["name"] == name);
        let option = option.with_context(|| format!("there is no option `{name}`"))?;
        let value = match value {
            None if is_flag(option) => "true",
            None => words.next().copied().with_context(|| format!("`{name}` needs a value"))?,
            Some(value) => value,
        };
        given.push((name_of(option), typed(option, value)?));
    }
    let free: Vec<&Value> =
        options.iter().filter(|one| given.iter().all(|(name, _)| one["name"] != *name)).collect();
    let (required, optional): (Vec<&Value>, Vec<&Value>) =
        free.into_iter().partition(|option| option["required"] == true);
    let last_takes_all = required.last().is_some_and(|last| is_free_text(last));
    let mut places = required;
    if !last_takes_all {
        places.extend(optional.into_iter().filter(|option| !is_flag(option)));
    }
    ensure!(rest.is_empty() || !places.is_empty(), "{} takes no more words", leaf["name"]);
    for (at, option) in places.iter().enumerate() {
        if rest.is_empty() {
            break;
        }
        let all = at + 1 == places.len() && kind(option) == 3;
        let value = if all { rest.join(" ") } else { rest[0].to_owned() };
        rest.drain(..if all { rest.len() } else { 1 });
        given.push((name_of(option), typed(option, &value)?));
    }
    ensure!(rest.is_empty(), "{} takes no more words than these: left are {rest:?}", leaf["name"]);
    Ok((used, given))
}

fn kind(option: &Value) -> u64 {
    option["type"].as_u64().unwrap_or_default()
}

fn name_of(option: &Value) -> &str {
    option["name"].as_str().unwrap_or_default()
}

fn is_flag(option: &Value) -> bool {
    kind(option) == 5
}

/// A text without choices or completion: what somebody writes in words of their own.
fn is_free_text(option: &Value) -> bool {
    let choices = option["choices"].as_array().is_some_and(|choices| !choices.is_empty());
    kind(option) == 3 && !choices && option["autocomplete"] != true
}

fn typed(option: &Value, value: &str) -> anyhow::Result<Value> {
    Ok(match kind(option) {
        4 => json!(value.parse::<i64>().with_context(|| format!("`{value}` is no number"))?),
        10 => json!(value.parse::<f64>().with_context(|| format!("`{value}` is no number"))?),
        5 => json!(value.parse::<bool>().with_context(|| format!("`{value}` is no answer"))?),
        _ => json!(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, required: bool) -> Value {
        json!({ "type": 3, "name": name, "required": required })
    }

    fn filled(options: &[Value], line: &str) -> anyhow::Result<Vec<(String, Value)>> {
        let command = json!({ "name": "nova", "options": [
            { "type": 2, "name": "a", "options": [{ "type": 1, "name": "b", "options": options }] },
        ] });
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (used, given) = fill(&command, &words)?;
        assert_eq!(used, 2);
        Ok(given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    #[test]
    fn the_last_text_takes_the_rest() {
        let options = [
            json!({ "type": 3, "name": "level", "required": true, "choices": [{}] }),
            text("title", true),
            text("cluster", false),
            json!({ "type": 5, "name": "quiet" }),
        ];
        let given = filled(&options, "a b high \"api  is\" down --cluster=eu --quiet").unwrap();
        let value = |at: usize| (given[at].0.as_str(), &given[at].1);
        assert_eq!(value(0), ("cluster", &json!("eu")));
        assert_eq!(value(1), ("quiet", &json!(true)));
        assert_eq!(value(2), ("level", &json!("high")));
        assert_eq!(value(3), ("title", &json!("api  is down")));
    }

    #[test]
    fn optional_places_follow_a_required_one_that_is_chosen() {
        let service =
            json!({ "type": 3, "name": "service", "required": true, "autocomplete": true });
        let options = [service, json!({ "type": 4, "name": "lines" })];
        let given = filled(&options, "a b api 20").unwrap();
        assert_eq!(given[1], ("lines".to_owned(), json!(20)));
        assert!(filled(&options, "a b api many").is_err());
        assert!(filled(&options, "a b api 20 more").is_err());
        assert!(filled(&[], "a c").is_err());
        assert!(filled(&[], "a b --none").is_err());
    }
}
