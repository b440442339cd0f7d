//! CommonMark in, safe HTML out.

use pulldown_cmark::{Event, Parser, TagEnd, html};

/// How deep blocks and spans of CommonMark, and tags of raw HTML, may stand in one another. Cleaning costs the square of the
/// depth: without a bound, one text of a writer could hold up all others.
const DEPTH: usize = 100;
const RAW_DEPTH: usize = 1000;

/// Whether a text nests deeper than any writer means to.
#[must_use]
pub fn nests_too_deeply(markdown: &str) -> bool {
    let (mut depth, mut raw) = (0_usize, 0_usize);
    for event in Parser::new(markdown) {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Html(tags) | Event::InlineHtml(tags) => {
                raw = (raw + opened_tags(&tags)).saturating_sub(tags.matches("</").count());
            }
            _ => {}
        }
        if depth > DEPTH || raw > RAW_DEPTH {
            return true;
        }
    }
    false
}

/// How many tags a piece of raw HTML opens, those that hold nothing left out.
fn opened_tags(html: &str) -> usize {
    let opened = html.match_indices('<').filter(|(place, _)| {
        let name = html.get(place + 1..).unwrap_or_default();
        let is_void = ["br", "hr", "img", "wbr"].iter().any(|void| name.starts_with(void));
        name.starts_with(|first: char| first.is_ascii_alphabetic()) && !is_void
    });
    opened.count()
}

/// Renders CommonMark, and removes whatever could run or load in a page that shows it.
#[must_use]
pub fn to_safe_html(markdown: &str) -> String {
    let mut rendered = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut rendered, Parser::new(markdown));
    ammonia::clean(&rendered)
}

/// What a CommonMark text says, without its markup and without the addresses of its links.
#[must_use]
pub fn plain(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    for event in Parser::new(markdown) {
        match event {
            Event::Text(text) | Event::Code(text) => plain.push_str(&text),
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link | TagEnd::Image) => {}
            Event::SoftBreak | Event::HardBreak | Event::End(_) if !plain.ends_with(' ') => plain.push(' '),
            _ => {}
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_without_end_is_found_out() {
        assert!(nests_too_deeply(&">".repeat(101)));
        assert!(nests_too_deeply(&"<div>".repeat(1001)));
        assert!(!nests_too_deeply(&"> quoted\n\n- one\n  - two\n\n<b>bold</b> <br>\n\n".repeat(2000)));
    }

    #[test]
    fn a_plain_text_has_its_words_alone() {
        let text = "# Title\n\nOn **11 July**, the [committee](https://example.org/x)\nmet.\n\n- one\n- `two`\n";
        assert_eq!(plain(text), "Title On 11 July, the committee met. one two");
    }

    #[test]
    fn markup_stays_and_scripts_go() {
        let html = to_safe_html("**bold** <script>alert(1)</script> [x](javascript:alert(1)) <b onclick=\"x()\">y</b>");
        assert!(html.contains("<strong>bold</strong>") && html.contains("<b>y</b>"), "{html}");
        assert!(!html.contains("script") && !html.contains("onclick"), "{html}");
    }
}
