//! What could come next on a half-typed line.

use clap::Arg;

use super::Grammar;

impl Grammar {
    /// The words that could stand at the end of `line`, which is what was typed up to the cursor.
    /// `live` gives the values of a value name such as `SERVICE`.
    #[must_use]
    pub fn complete(&self, line: &str, live: impl Fn(&str) -> Vec<String>) -> Vec<String> {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let typed =
            if line.ends_with(char::is_whitespace) { "" } else { words.pop().unwrap_or("") };
        if words.first() == Some(&"help") {
            words.remove(0);
        }
        let mut node = &self.root;
        let mut places = node.get_positionals();
        let mut waiting: Option<&Arg> = None;
        for word in words {
            if waiting.take().is_some() {
                continue;
            }
            if let Some(next) = node.find_subcommand(word) {
                node = next;
                places = node.get_positionals();
            } else if let Some(name) = word.strip_prefix("--") {
                waiting = option(node, name).filter(|arg| arg.get_action().takes_values());
            } else if places.next().is_none() {
                return Vec::new();
            }
        }
        let mut found: Vec<String> = match waiting {
            Some(arg) => values(arg, &live),
            None if typed.starts_with('-') => node
                .get_arguments()
                .filter_map(Arg::get_long)
                .map(|long| format!("--{long}"))
                .collect(),
            None => {
                let names = node.get_subcommands().map(|c| c.get_name().to_owned());
                names
                    .chain(places.next().map(|arg| values(arg, &live)).unwrap_or_default())
                    .collect()
            }
        };
        let goes_on = |word: &String| {
            word.get(..typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(typed))
        };
        found.retain(goes_on);
        found.sort();
        found
    }
}

fn option<'a>(node: &'a clap::Command, name: &str) -> Option<&'a Arg> {
    node.get_arguments().find(|arg| arg.get_long() == Some(name))
}

fn values(arg: &Arg, live: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    let fixed: Vec<String> =
        arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    if !fixed.is_empty() {
        return fixed;
    }
    arg.get_value_names().and_then(<[_]>::first).map(|name| live(name.as_str())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(line: &str) -> Vec<String> {
        Grammar::new().complete(line, |name| match name {
            "SERVICE" => vec!["vm-service".into(), "api-gateway".into()],
            "CLUSTER" => vec!["us-east".into()],
            _ => Vec::new(),
        })
    }

    #[test]
    fn commands_options_and_live_values() {
        assert_eq!(complete("hea"), ["health"]);
        assert_eq!(complete("health VM-"), ["vm-service"]);
        assert_eq!(complete("db s"), ["slow-queries", "status"]);
        assert_eq!(complete("health "), ["api-gateway", "vm-service"]);
        assert_eq!(complete("health vm-service --c"), ["--cluster"]);
        assert_eq!(complete("health --cluster "), ["us-east"]);
        assert_eq!(complete("top pods --sort c"), ["cpu"]);
        assert_eq!(complete("help db a"), ["access-patterns", "activity", "analyze"]);
        assert!(complete("nothing like it ").is_empty());
    }
}
