//! What somebody searches for: words, "phrases in quotes", and -excluded ones. Every word must be there; the last one
//! may be the beginning of one, since people search while they type. Whatever else is in a query is passed over, so that
//! none ever fails.

use std::collections::HashSet;

use super::words::{Stems, words};

/// How many words of a query count, those of phrases too.
const MOST: usize = 24;
/// The shortest beginning that is completed: fewer letters begin half of all words.
const SHORTEST_BEGINNING: usize = 2;

/// A query, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What must be there.
    pub required: Vec<Clause>,
    /// What must not.
    pub excluded: Vec<Clause>,
}

/// A part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clause {
    /// A word, by its stem.
    Word(String),
    /// A word by its stem, or any word that begins so.
    Beginning {
        /// The stem, should it be a whole word.
        stem: String,
        /// The letters that are there.
        letters: String,
    },
    /// Words that follow one another, by their stems: two at least.
    Phrase(Vec<String>),
}

impl Wanted {
    /// Reads a query.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let stems = Stems::default();
        let mut wanted = Self::default();
        let parts = Part::all_of(text);
        let mut left = MOST;
        for (place, part) in parts.iter().enumerate() {
            let is_open = !part.quoted && !part.excluded && place + 1 == parts.len() && ends_in_a_word(text);
            let clauses = part.clauses(&stems, is_open, &mut left);
            if part.excluded { wanted.excluded.extend(clauses) } else { wanted.required.extend(clauses) }
        }
        wanted
    }

    /// Whether nothing is searched for: such a query finds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.required.is_empty() && self.excluded.is_empty()
    }

    /// The stems that are searched for, those of phrases too.
    #[must_use]
    pub fn stems(&self) -> HashSet<&str> {
        let mut stems = HashSet::new();
        for clause in &self.required {
            match clause {
                Clause::Word(stem) | Clause::Beginning { stem, .. } => {
                    stems.insert(stem.as_str());
                }
                Clause::Phrase(phrase) => stems.extend(phrase.iter().map(String::as_str)),
            }
        }
        stems
    }

    /// The beginning that is searched for, if the last word is one.
    #[must_use]
    pub fn beginning(&self) -> Option<&str> {
        self.required.iter().find_map(|clause| match clause {
            Clause::Beginning { letters, .. } => Some(letters.as_str()),
            _ => None,
        })
    }
}

fn ends_in_a_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(char::is_alphanumeric)
}

/// What stands between spaces or between quotes.
struct Part<'a> {
    text: &'a str,
    quoted: bool,
    excluded: bool,
}

impl<'a> Part<'a> {
    fn all_of(text: &'a str) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let excluded = rest.strip_prefix('-').filter(|after| !after.starts_with([' ', '-']));
            let body = excluded.unwrap_or(rest);
            let (part, after) = match body.strip_prefix(is_quote) {
                Some(quoted) => {
                    let (inside, after) = quoted.split_once(is_quote).unwrap_or((quoted, ""));
                    (Self { text: inside, quoted: true, excluded: excluded.is_some() }, after)
                }
                None => {
                    let end = body.find(|character: char| character.is_whitespace() || is_quote(character));
                    let (word, after) = body.split_at(end.unwrap_or(body.len()));
                    (Self { text: word, quoted: false, excluded: excluded.is_some() }, after)
                }
            };
            parts.push(part);
            rest = after.trim_start();
        }
        parts
    }

    /// What it asks for: one word, or several in a row as a phrase; of an open one the last is a beginning.
    fn clauses(&self, stems: &Stems, is_open: bool, left: &mut usize) -> Vec<Clause> {
        let mut found = words(self.text);
        found.truncate(*left);
        *left -= found.len();
        let open = if is_open { found.pop() } else { None };
        let mut phrase: Vec<String> = found.iter().map(|word| stems.stem(&word.folded).into_owned()).collect();
        let closed = if phrase.len() > 1 { Some(Clause::Phrase(phrase)) } else { phrase.pop().map(Clause::Word) };
        let open = open.map(|word| match word.folded.chars().count() {
            ..SHORTEST_BEGINNING => Clause::Word(stems.stem(&word.folded).into_owned()),
            _ => Clause::Beginning { stem: stems.stem(&word.folded).into_owned(), letters: word.folded },
        });
        closed.into_iter().chain(open).collect()
    }
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '„' | '«' | '»')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(stem: &str) -> Clause {
        Clause::Word(stem.into())
    }

    fn beginning(stem: &str, letters: &str) -> Clause {
        Clause::Beginning { stem: stem.into(), letters: letters.into() }
    }

    #[test]
    fn the_last_word_may_be_a_beginning_unless_it_is_closed() {
        assert_eq!(Wanted::read("border commi").required, [word("border"), beginning("commi", "commi")]);
        assert_eq!(Wanted::read("border committee ").required, [word("border"), word("committe")]);
        assert_eq!(Wanted::read("a").required, [word("a")]);
    }

    #[test]
    fn quotes_make_phrases_and_a_hyphen_excludes() {
        let wanted = Wanted::read("\"State Border Committee\" -smuggling -\"great stone\"");
        assert_eq!(wanted.required, [Clause::Phrase(vec!["state".into(), "border".into(), "committe".into()])]);
        assert_eq!(wanted.excluded, [word("smuggl"), Clause::Phrase(vec!["great".into(), "stone".into()])]);
        assert_eq!(
            Wanted::read("counter-terrorism ").required,
            [Clause::Phrase(vec!["counter".into(), "terror".into()])]
        );
    }

    #[test]
    fn no_query_fails() {
        for text in
            ["", "\"", "-", "--", "- -", "\"\"", "*:* AND (", "\u{0}\u{feff}", "((((", "-\"", "💥 ~ ^2", "a\"b\"c"]
        {
            let _ = Wanted::read(text);
        }
        assert!(Wanted::read(" \"-\" * ").is_empty());
    }
}
