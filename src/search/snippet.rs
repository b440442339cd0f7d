//! What was found, in its words: an extract of a text with the matches marked, safe to put into a page.

use std::cell::RefCell;
use std::collections::HashSet;

use rustc_hash::FxHashMap;

use super::wanted::Wanted;
use super::words::{Stems, may_have_stem, spans, word};

/// How long an extract is at most, in words.
const LENGTH: usize = 30;
/// How many extracts are compared.
const MOST_COMPARED: usize = 300;
/// How many words stand before the first match of an extract.
const LEAD: usize = 5;

/// Marks matches in texts.
pub struct Marker<'w> {
    stems: Stems,
    wanted: HashSet<&'w str>,
    beginning: Option<&'w str>,
    /// The bytes with which anything that may match begins.
    firsts: [bool; 256],
    /// What words of plain letters have turned out to match: a few come again and again.
    known: RefCell<FxHashMap<String, Option<&'w str>>>,
}

/// A text that has been read: where its words are, and which of them match what.
struct Read<'t, 'w> {
    text: &'t str,
    words: Vec<(usize, usize)>,
    matches: Vec<(usize, &'w str)>,
}

impl<'w> Marker<'w> {
    /// Of what is searched for.
    #[must_use]
    pub fn of(wanted: &'w Wanted) -> Self {
        let (stems, beginning) = (wanted.stems(), wanted.beginning());
        // A `y` may have become an `i` in a stem.
        let like = |first: u8| if matches!(first, b'i' | b'y') { [b'i', b'y'] } else { [first; 2] };
        let begun_with = stems.iter().copied().chain(beginning).filter_map(|word| word.bytes().next());
        let begun_with: HashSet<u8> = begun_with.flat_map(like).collect();
        // A letter beyond ASCII may be a plain one when it is folded.
        let may_begin = |byte: u8| !byte.is_ascii() || begun_with.contains(&byte.to_ascii_lowercase());
        let firsts = std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(may_begin));
        Self { firsts, stems: Stems::default(), wanted: stems, beginning, known: RefCell::default() }
    }

    /// The whole text as HTML, with its matches in `mark` elements.
    #[must_use]
    pub fn whole(&self, text: &str) -> String {
        self.read(text).marked(0, text.len())
    }

    /// The part of a text with the most different matches, as HTML; None where nothing matches.
    #[must_use]
    pub fn extract(&self, text: &str) -> Option<String> {
        self.read(text).extract()
    }

    fn read<'t>(&self, text: &'t str) -> Read<'t, 'w> {
        let words = spans(text);
        // Most words need no closer look.
        let may_match = |from: usize| text.as_bytes().get(from).is_some_and(|byte| self.may_begin(*byte));
        let looked_at = words.iter().enumerate().filter(|(_, (from, _))| may_match(*from));
        let matches = looked_at.filter_map(|(place, (from, to))| Some((place, self.match_of(text, *from, *to)?)));
        Read { text, matches: matches.collect(), words }
    }

    fn may_begin(&self, byte: u8) -> bool {
        self.firsts.get(usize::from(byte)).copied().unwrap_or_default()
    }

    /// The stem or the beginning that a word matches.
    fn match_of(&self, text: &str, from: usize, to: usize) -> Option<&'w str> {
        let raw = text.get(from..to)?;
        if !raw.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return self.match_of_folded(&word(text, from, to)?.folded);
        }
        if !self.wanted.iter().any(|stem| may_have_stem(raw, stem)) {
            return self.beginning.filter(|letters| begins_with(raw, letters));
        }
        if let Some(known) = self.known.borrow().get(raw) {
            return *known;
        }
        let matched = self.match_of_folded(&word(text, from, to)?.folded);
        self.known.borrow_mut().insert(raw.to_owned(), matched);
        matched
    }

    fn match_of_folded(&self, folded: &str) -> Option<&'w str> {
        let stem = self.wanted.get(self.stems.stem(folded).as_ref()).copied();
        stem.or_else(|| self.beginning.filter(|letters| folded.starts_with(*letters)))
    }
}

fn begins_with(plain: &str, letters: &str) -> bool {
    plain.get(..letters.len()).is_some_and(|first| first.eq_ignore_ascii_case(letters))
}

impl Read<'_, '_> {
    fn extract(&self) -> Option<String> {
        // The first of the best, not far into a text that matches everywhere.
        let starts = (0..self.matches.len().min(MOST_COMPARED)).rev();
        let (best, _) = *self.matches.get(starts.max_by_key(|start| self.different_from(*start))?)?;
        let (first, last) = (best.saturating_sub(LEAD), self.words.len().min(best + LENGTH - LEAD) - 1);
        let from = if first == 0 { 0 } else { self.words.get(first)?.0 };
        let to = if last + 1 == self.words.len() { self.text.len() } else { self.words.get(last)?.1 };
        let extract = self.marked(from, to);
        let (before, after) = (if from > 0 { "… " } else { "" }, if to < self.text.len() { " …" } else { "" });
        Some(format!("{before}{}{after}", extract.trim()))
    }

    /// How many different matches there are in an extract that begins with this one.
    fn different_from(&self, first: usize) -> usize {
        let matches = self.matches.get(first..).unwrap_or_default();
        let end = matches.first().map_or(0, |(start, _)| start + LENGTH - LEAD);
        let mut different = Vec::new();
        for (_, matched) in matches.iter().take_while(|(place, _)| *place < end) {
            if !different.contains(matched) {
                different.push(*matched);
            }
        }
        different.len()
    }

    fn marked(&self, from: usize, to: usize) -> String {
        let mut html = String::with_capacity(to - from + 32);
        let mut done = from;
        let words = self.matches.iter().filter_map(|(place, _)| self.words.get(*place));
        for (begin, end) in words.filter(|(begin, end)| *begin >= from && *end <= to) {
            escape_into(&mut html, self.text.get(done..*begin).unwrap_or_default());
            html.push_str("<mark>");
            escape_into(&mut html, self.text.get(*begin..*end).unwrap_or_default());
            html.push_str("</mark>");
            done = *end;
        }
        escape_into(&mut html, self.text.get(done..to).unwrap_or_default());
        html
    }
}

/// Nothing of a text is markup any more, neither between tags nor inside of a quoted attribute.
fn escape_into(html: &mut String, text: &str) {
    let mut rest = text;
    loop {
        let (plain, after) = rest.split_at(rest.bytes().take_while(|byte| is_plain(*byte)).count());
        html.push_str(plain);
        let mut characters = after.chars();
        match characters.next() {
            None => return,
            Some('&') => html.push_str("&amp;"),
            Some('<') => html.push_str("&lt;"),
            Some('>') => html.push_str("&gt;"),
            Some('"') => html.push_str("&quot;"),
            Some('\'') => html.push_str("&#39;"),
            Some(character) if character.is_whitespace() => html.push(' '),
            Some(character) if character.is_control() => {}
            Some(character) => html.push(character),
        }
        rest = characters.as_str();
    }
}

/// What stays as it is, and is no part of a longer character.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_marked_and_nothing_else_is_markup() {
        let wanted = Wanted::read("officers <b>army</b> \"great stone\" commi");
        let marker = Marker::of(&wanted);
        assert_eq!(
            marker.whole("An Officer & <script>army</script>'s Committee"),
            "An <mark>Officer</mark> &amp; &lt;script&gt;<mark>army</mark>&lt;/script&gt;&#39;s <mark>Committee</mark>"
        );
    }

    #[test]
    fn an_extract_shows_where_the_most_is_found() {
        let wanted = Wanted::read("red blue ");
        let marker = Marker::of(&wanted);
        let filler = "word ".repeat(60);
        let text = format!("red first. {filler} then red and blue at once. {filler}");
        let extract = marker.extract(&text).unwrap();
        assert!(extract.contains("<mark>red</mark> and <mark>blue</mark> at once."), "{extract}");
        assert!(extract.starts_with("… ") && extract.ends_with(" …"), "{extract}");
        assert_eq!(marker.extract("nothing here"), None);
    }
}
