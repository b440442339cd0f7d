//! A brief as Markdown with YAML front matter. The values of the front matter are JSON, which is YAML that needs no rules of
//! its own for quotes.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::labels::{self, Labels, Notice, sign};
use super::page_url;
use crate::briefs::model::BriefView;
use crate::config::Config;
use crate::events::model::EventView;
use crate::reference::Link;
use crate::sources::Source;
use crate::trends::model::TrendView;

/// A brief whole.
#[must_use]
pub fn document(config: &Config, brief: &BriefView) -> String {
    let labels = Labels::of(&brief.language);
    let mut text = front_matter(config, brief);
    let mut part = |part: String| {
        if !part.is_empty() {
            text.push('\n');
            text.push_str(part.trim_end());
            text.push('\n');
        }
    };
    part(format!("# {}", escaped(&brief.title)));
    part(notices(brief, labels));
    part(brief.image.as_ref().map_or_else(String::new, |image| {
        let credit = image.credit.as_deref().map(|credit| format!("\n\n*{}*", escaped(credit))).unwrap_or_default();
        format!("![{}](<{}>){credit}", escaped(image.alt.as_deref().unwrap_or_default()), address(&image.url))
    }));
    part(brief.summary.as_deref().map(escaped).unwrap_or_default());
    part(section(labels.trends, brief.trends.iter().flatten().map(|one| trend(one, labels))));
    part(section(labels.events, brief.events.iter().flatten().filter_map(Link::living).map(event)));
    part(section(labels.sources, brief.sources.iter().map(source)));
    // At the end, since what it leaves open would swallow what comes after it.
    part(brief.body.clone().flatten().map_or_else(String::new, |body| format!("## {}\n\n{body}", labels.analysis)));
    text
}

fn front_matter(config: &Config, brief: &BriefView) -> String {
    let mut text = String::from("---\n");
    let mut line = |name: &str, value: Value| {
        if value != Value::Null && value != json!([]) {
            text.extend([name, ": ", &printable(&value.to_string()), "\n"]);
        }
    };
    line("id", json!(brief.id));
    line("slug", json!(brief.slug));
    line("version", json!(brief.version));
    line("title", json!(brief.title));
    line("category", json!(brief.category.slug));
    line("category_status", json!(brief.category_status));
    line("language", json!(brief.language));
    line("country", json!(brief.country));
    line("period", json!(brief.period));
    line("published_at", json!(brief.published_at));
    line("updated_at", json!(brief.updated_at));
    line("authors", json!(brief.authors));
    line("license", json!(brief.license));
    line("canonical_url", json!(page_url(config, &brief.slug, brief.canonical_url.as_deref())));
    line("image", json!(brief.image));
    line("marking", json!(brief.marking));
    line("state", json!(brief.state));
    let actors = brief.actors.iter().flatten().map(|actor| json!({"slug": actor.slug, "name": actor.name}));
    line("actors", json!(actors.collect::<Vec<_>>()));
    line("translations", json!(brief.translations));
    line("corrections", json!(brief.corrections));
    line("retraction", json!(brief.retraction));
    text.push_str("---\n");
    text
}

/// JSON without the letters that YAML takes for no text or for the end of a line.
fn printable(json: &str) -> String {
    let mut printable = String::with_capacity(json.len());
    for letter in json.chars() {
        if matches!(letter, '\u{7F}'..='\u{9F}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}') {
            let _ = write!(printable, "\\u{:04x}", u32::from(letter));
        } else {
            printable.push(letter);
        }
    }
    printable
}

fn notices(brief: &BriefView, labels: &'static Labels) -> String {
    let notices = labels::notices(brief, labels);
    let line =
        |it: Notice<'_>| format!("> **{}**, {}: {}\n\n", it.what, it.at.datetime().date_naive(), escaped(it.text));
    notices.map(line).collect()
}

fn section(title: &str, items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.map(|item| format!("- {item}\n")).collect();
    if items.is_empty() { String::new() } else { format!("## {title}\n\n{}", items.concat()) }
}

fn trend(trend: &TrendView, labels: &Labels) -> String {
    let limits = trend.limits.as_deref().map(|limits| format!(" *{}: {}*", labels.limits, escaped(limits)));
    format!("{} {}{}", sign(trend.direction), escaped(&trend.statement), limits.unwrap_or_default())
}

fn event(event: &EventView) -> String {
    let description = event.description.as_deref().map(|text| format!(" {}", escaped(text))).unwrap_or_default();
    format!("{}: **{}**{description}", escaped(&event.occurred), escaped(&event.title))
}

fn source(source: &Source) -> String {
    let name = escaped(source.name());
    match &source.url {
        Some(url) => format!("[{name}](<{}>)", address(url)),
        None => name,
    }
}

/// A text of one line that says in Markdown what it says by itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for (place, letter) in text.trim().char_indices() {
        match letter {
            '\n' | '\r' => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '!' => escaped.extend(['\\', letter]),
            // Where a line begins, these would begin a list, a title or a rule.
            '#' | '+' | '-' | '=' if place == 0 => escaped.extend(['\\', letter]),
            '.' | ')' if !escaped.is_empty() && escaped.bytes().all(|byte| byte.is_ascii_digit()) => {
                escaped.extend(['\\', letter]);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// An address between angle brackets.
fn address(url: &str) -> String {
    url.replace('<', "%3C").replace('>', "%3E").replace('\n', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markdown::plain;

    #[test]
    fn an_escaped_text_says_what_it_said() {
        for text in ["1. not a list", "# no title", "a *b* _c_ [d](e) <f> `g` & &amp;", "- x", "~~no~~", "\\", "A|B"] {
            assert_eq!(plain(&escaped(text)), text, "{}", escaped(text));
        }
    }
}
