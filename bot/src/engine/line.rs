//! What somebody wants, as they gave it.

use std::borrow::Cow;

use nova_commands::grammar::{Dialect, MAX_LINE, TokenError, tokenise};
use secrecy::SecretString;

/// A command line.
#[derive(Clone, Debug)]
pub enum Line {
    /// Typed as one text.
    Typed { text: String, dialect: Dialect },
    /// Filled in word by word: nothing in a word separates it.
    Chosen(Vec<String>),
    /// A command that has asked for a secret in private; nothing of that is in the line.
    Private { command: &'static str, secret: SecretString },
}

impl Line {
    pub fn typed(text: impl Into<String>, dialect: Dialect) -> Self {
        Self::Typed { text: text.into(), dialect }
    }

    /// As people would type it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Typed { text, .. } => Cow::Borrowed(text),
            Self::Chosen(words) => Cow::Owned(words.join(" ")),
            Self::Private { command, .. } => Cow::Borrowed(command),
        }
    }

    /// Its words.
    ///
    /// # Errors
    /// As [`tokenise`].
    pub fn words(&self) -> Result<Cow<'_, [String]>, TokenError> {
        let words = match self {
            Self::Typed { text, dialect } => return Ok(Cow::Owned(tokenise(text, *dialect)?)),
            Self::Private { command, .. } => {
                return Ok(command.split(' ').map(str::to_owned).collect());
            }
            Self::Chosen(words) => words,
        };
        let bytes = words.iter().map(|word| word.len() + 1).sum();
        if bytes > MAX_LINE {
            return Err(TokenError::TooLong(bytes));
        }
        let control = |c: char| c.is_control() && !c.is_whitespace();
        if words.iter().any(|word| word.contains(control)) {
            return Err(TokenError::Control);
        }
        Ok(Cow::Borrowed(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_words_stay_as_they_are_within_the_same_limits() {
        let chosen = |words: &[&str]| Line::Chosen(words.iter().map(|&w| w.to_owned()).collect());
        let said = ["incident", "note", "--", "\"it's\" the  db"];
        assert_eq!(chosen(&said).words().unwrap().as_ref(), said);
        assert_eq!(chosen(&["a\0"]).words(), Err(TokenError::Control));
        let long = "x".repeat(MAX_LINE);
        assert_eq!(chosen(&[&long]).words(), Err(TokenError::TooLong(MAX_LINE + 1)));
    }
}
