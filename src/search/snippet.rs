//! What was found, in its words: an extract of a text with the matches marked, safe to put into a page.

use std::collections::HashSet;

use super::wanted::Wanted;
use super::words::{Stems, Word, words};

/// How long an extract is at most, in words.
const LENGTH: usize = 30;
/// How many words stand before the first match of an extract.
const LEAD: usize = 5;

/// Marks matches in texts.
pub struct Marker<'w> {
    stems: Stems,
    wanted: HashSet<&'w str>,
    beginning: Option<&'w str>,
}

impl<'w> Marker<'w> {
    /// Of what is searched for.
    #[must_use]
    pub fn of(wanted: &'w Wanted) -> Self {
        Self { stems: Stems::default(), wanted: wanted.stems(), beginning: wanted.beginning() }
    }

    /// The whole text as HTML, with its matches in `mark` elements.
    #[must_use]
    pub fn whole(&self, text: &str) -> String {
        self.marked(text, &words(text), 0, text.len())
    }

    /// The part of a text with the most different matches, as HTML; None where nothing matches.
    #[must_use]
    pub fn extract(&self, text: &str) -> Option<String> {
        let words = words(text);
        let matched: Vec<Option<String>> = words.iter().map(|word| self.match_of(word)).collect();
        let starts = (0..words.len()).filter(|place| matched.get(*place).is_some_and(Option::is_some));
        let different = |start: usize| {
            let end = words.len().min(start + LENGTH - LEAD);
            matched.get(start..end).into_iter().flatten().flatten().collect::<HashSet<_>>().len()
        };
        // The first of the best.
        let best = starts.rev().max_by_key(|start| different(*start))?;
        let (first, last) = (best.saturating_sub(LEAD), words.len().min(best + LENGTH - LEAD) - 1);
        let from = if first == 0 { 0 } else { words.get(first)?.from };
        let to = if last + 1 == words.len() { text.len() } else { words.get(last)?.to };
        let extract = self.marked(text, &words, from, to);
        let (before, after) = (if from > 0 { "… " } else { "" }, if to < text.len() { " …" } else { "" });
        Some(format!("{before}{}{after}", extract.trim()))
    }

    /// The stem or the beginning that a word matches.
    fn match_of(&self, word: &Word) -> Option<String> {
        let stem = self.stems.stem(&word.folded);
        if self.wanted.contains(stem.as_str()) {
            return Some(stem);
        }
        self.beginning.filter(|letters| word.folded.starts_with(*letters)).map(ToOwned::to_owned)
    }

    fn marked(&self, text: &str, words: &[Word], from: usize, to: usize) -> String {
        let mut html = String::with_capacity(to - from + 32);
        let mut done = from;
        for word in words.iter().filter(|word| word.from >= from && word.to <= to) {
            if self.match_of(word).is_some() {
                escape_into(&mut html, text.get(done..word.from).unwrap_or_default());
                html.push_str("<mark>");
                escape_into(&mut html, text.get(word.from..word.to).unwrap_or_default());
                html.push_str("</mark>");
                done = word.to;
            }
        }
        escape_into(&mut html, text.get(done..to).unwrap_or_default());
        html
    }
}

/// Nothing of a text is markup any more, neither between tags nor inside of a quoted attribute.
fn escape_into(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ if character.is_whitespace() => html.push(' '),
            _ if character.is_control() => {}
            _ => html.push(character),
        }
    }
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
