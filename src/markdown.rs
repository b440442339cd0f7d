//! CommonMark in, safe HTML out.

use pulldown_cmark::{Parser, html};

/// Renders CommonMark, and removes whatever could run or load in a page that shows it.
#[must_use]
pub fn to_safe_html(markdown: &str) -> String {
    let mut rendered = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut rendered, Parser::new(markdown));
    ammonia::clean(&rendered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_stays_and_scripts_go() {
        let html = to_safe_html("**bold** <script>alert(1)</script> [x](javascript:alert(1)) <b onclick=\"x()\">y</b>");
        assert!(html.contains("<strong>bold</strong>") && html.contains("<b>y</b>"), "{html}");
        assert!(!html.contains("script") && !html.contains("onclick"), "{html}");
    }
}
