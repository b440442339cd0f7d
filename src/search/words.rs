//! Words, as the index knows them: what a text is cut into, and what of a word is compared.
//!
//! A word is folded (case, accents, apostrophes) and then stemmed by its alphabet: Cyrillic as Russian, Latin as English.
//! So one rule serves texts in any language, mixed ones too, and a query needs no language of its own. Belarusian and
//! Ukrainian words lose fewer endings than Russian ones, but are folded alike on both sides.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A word longer than this is no word; the index keeps no longer terms anyway.
const LONGEST: usize = 100;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Where it begins, in bytes.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// Its letters and digits, folded.
    pub folded: String,
}

/// The words of a text, in order.
pub fn words(text: &str) -> Vec<Word> {
    spans(text).into_iter().filter_map(|(from, to)| word(text, from, to)).collect()
}

/// The stems of a text's words.
#[must_use]
pub fn stems_of(text: &str) -> HashSet<String> {
    let stems = Stems::default();
    words(text).iter().map(|word| stems.stem(&word.folded).into_owned()).collect()
}

/// Words shorter than this tell little.
const TELLING: usize = 5;

/// The words of these texts that may tell what they are about: all but the short ones, folded.
#[must_use]
pub fn telling_words<'t>(texts: impl IntoIterator<Item = &'t str>) -> BTreeSet<String> {
    let all = texts.into_iter().flat_map(words).map(|word| word.folded);
    all.filter(|word| word.chars().count() >= TELLING).collect()
}

/// Where the words of a text begin and end, in bytes.
pub fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::with_capacity(text.len() / 6);
    // Where a word began, and where its last letter ended: an apostrophe after it is none of it.
    let mut begun: Option<(usize, usize)> = None;
    let mut place = 0;
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        // Most of most texts are plain letters, for which no tables are needed.
        let plain = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        if plain > 0 {
            begun = Some((begun.map_or(place, |(from, _)| from), place + plain));
            place += plain;
            continue;
        }
        let Some(character) = rest.chars().next() else { break };
        let (end, is_plain) = (place + character.len_utf8(), character.is_ascii());
        if !is_plain && is_ideograph(character) {
            // Where nothing parts the words, each sign is one.
            found.extend(begun.take());
            found.push((place, end));
        } else if !is_plain && (character.is_alphanumeric() || (begun.is_some() && is_combining_mark(character))) {
            begun = Some((begun.map_or(place, |(from, _)| from), end));
        } else if !is_apostrophe(character) {
            found.extend(begun.take());
        }
        place = end;
    }
    found.extend(begun);
    found
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '’' | 'ʼ' | '`')
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The word in a span.
pub fn word(text: &str, from: usize, to: usize) -> Option<Word> {
    let mut folded = String::with_capacity(to - from);
    fold(text.get(from..to)?, &mut folded).then_some(Word { from, to, folded })
}

/// Case, accents and apostrophes folded, in the place of what was there; whether a word is left. The letters that Cyrillic
/// writes with a mark stay what they are, but for `ё`, which is often written without, and `ў`, which changes places with
/// `у`.
fn fold(word: &str, folded: &mut String) -> bool {
    folded.clear();
    let word = ["'s", "’s"].iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
    if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        folded.push_str(word);
        folded.make_ascii_lowercase();
    } else {
        fold_letters(word, folded);
    }
    !folded.is_empty() && folded.len() <= LONGEST
}

fn fold_letters(word: &str, folded: &mut String) {
    for character in word.nfc().flat_map(char::to_lowercase) {
        match character {
            'ё' => folded.push('е'),
            'ў' => folded.push('у'),
            'ł' => folded.push('l'),
            'ø' => folded.push('o'),
            'đ' => folded.push('d'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            _ if is_cyrillic(character) => folded.push(character),
            _ => folded.extend(
                std::iter::once(character).nfkd().filter(|part| part.is_alphanumeric() && !is_combining_mark(*part)),
            ),
        }
    }
}

fn is_cyrillic(character: char) -> bool {
    matches!(character, '\u{400}'..='\u{52f}') && !is_combining_mark(character)
}

/// Brings folded words to their stems.
#[derive(Clone)]
pub struct Stems {
    english: Stemmer,
    russian: Stemmer,
}

impl Default for Stems {
    fn default() -> Self {
        Self { english: Stemmer::new(Algorithm::English), russian: Stemmer::new(Algorithm::Russian) }
    }
}

impl Stems {
    /// The stem of a folded word.
    pub fn stem<'w>(&self, folded: &'w str) -> Cow<'w, str> {
        match folded.chars().next() {
            Some(first) if is_cyrillic(first) => self.russian.stem(folded),
            Some(first) if first.is_ascii_alphabetic() => self.english.stem(folded),
            _ => Cow::Borrowed(folded),
        }
    }
}

/// Whether a folded word, or one of plain letters in any case, may have this stem: a stem is the word's beginning but
/// for its last letter, and for `y`, which becomes `i`. Most words of a text may not, and need not be stemmed to see that.
pub fn may_have_stem(word: &str, stem: &str) -> bool {
    let alike = |of_word: u8, of_stem: u8| {
        let of_word = of_word.to_ascii_lowercase();
        of_word == of_stem || matches!((of_word, of_stem), (b'y', b'i') | (b'i', b'y'))
    };
    let begins = stem.char_indices().next_back().map_or(0, |(place, _)| place);
    let begins = stem.as_bytes().get(..begins).unwrap_or_default();
    word.len() >= begins.len() && word.bytes().zip(begins).all(|(of_word, of_stem)| alike(of_word, *of_stem))
}

/// Cuts a text into folded words.
#[derive(Clone)]
pub struct Folded;

impl Tokenizer for Folded {
    type TokenStream<'a> = Cut<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Cut<'a> {
        Cut::of(text, None)
    }
}

/// Cuts a text into the stems of its words.
#[derive(Clone, Default)]
pub struct Stemmed(Stems);

impl Tokenizer for Stemmed {
    type TokenStream<'a> = Cut<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Cut<'a> {
        Cut::of(text, Some(&self.0))
    }
}

/// A text that is cut word by word.
pub struct Cut<'a> {
    text: &'a str,
    spans: std::vec::IntoIter<(usize, usize)>,
    stems: Option<&'a Stems>,
    current: Token,
}

impl<'a> Cut<'a> {
    fn of(text: &'a str, stems: Option<&'a Stems>) -> Self {
        Self { text, spans: spans(text).into_iter(), stems, current: Token::default() }
    }

    /// Makes what is in a span the current word, if it is one.
    fn take(&mut self, from: usize, to: usize) -> bool {
        let word = self.text.get(from..to).unwrap_or_default();
        let is_word = fold(word, &mut self.current.text);
        if let Some(stems) = self.stems.filter(|_| is_word) {
            self.current.text = stems.stem(&self.current.text).into_owned();
        }
        is_word
    }
}

impl TokenStream for Cut<'_> {
    fn advance(&mut self) -> bool {
        while let Some((from, to)) = self.spans.next() {
            if self.take(from, to) {
                let position = self.current.position.wrapping_add(1);
                (self.current.offset_from, self.current.offset_to, self.current.position) = (from, to, position);
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        &self.current
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(text: &str) -> Vec<String> {
        let stems = Stems::default();
        words(text).iter().map(|word| stems.stem(&word.folded).into_owned()).collect()
    }

    #[test]
    fn words_are_compared_by_their_stems_whatever_their_alphabet() {
        assert_eq!(stems("Appointments of officers"), stems("appointment OF officer"));
        assert_eq!(stems("Назначение офицеров"), stems("назначения офицерам"));
        assert_eq!(stems("the army’s"), stems("The army"));
    }

    #[test]
    fn every_word_may_have_its_stem() {
        let stems = Stems::default();
        let irregular = "skis skies dying lying tying idly gently ugly early only singly icings using hoping agency ability \
            possibility relational generously owed beings happily cries enjoyed sky relativity digitizer operator \
            назначение офицерам пришедшими длиннейший";
        for word in words(irregular) {
            assert!(may_have_stem(&word.folded, &stems.stem(&word.folded)), "{word:?}");
        }
        assert!(!may_have_stem("officer", "armi"));
    }

    #[test]
    fn accents_and_apostrophes_do_not_part_words() {
        assert_eq!(stems("Łukašenka"), stems("lukasenka"));
        assert_eq!(stems("Е\u{301}лка"), stems("ёлка"));
        assert_eq!(stems("сям’я"), stems("сям'я"));
        assert_eq!(stems("ў Ўкраіне"), stems("у украіне"));
    }

    #[test]
    fn what_is_no_letter_and_no_digit_parts_words() {
        let cut: Vec<&str> = words("counter-terrorism, (G5): 习近平")
            .iter()
            .map(|word| &"counter-terrorism, (G5): 习近平"[word.from..word.to])
            .collect();
        assert_eq!(cut, ["counter", "terrorism", "G5", "习", "近", "平"]);
        assert_eq!(words("… \u{0} -- ' 💥"), []);
    }
}
