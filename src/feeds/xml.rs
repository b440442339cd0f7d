//! What Atom and RSS have in common as XML.

use super::format::Written;
use crate::problem::Problem;

const HEAD: &str =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<?xml-stylesheet type=\"text/css\" href=\"/feeds/style.css\"?>\n";

/// What an entry adds to an empty document that ends so.
///
/// # Errors
/// When the entry does not stand at the end of its document, as it does in both formats.
pub fn added(empty: &[u8], with_entry: Vec<u8>, ending: &str) -> Result<String, Problem> {
    let text = String::from_utf8(with_entry).map_err(Problem::internal)?;
    let entry = text.strip_suffix(ending).and_then(|text| text.get(empty.len() - ending.len()..));
    Ok(known_to_xml(entry.ok_or_else(|| Problem::internal("an entry is not the last of its document"))?))
}

/// A document with the style by which a person reads it: what stands around the entries, and ends so, with them before its end.
///
/// # Errors
/// When the frame does not end so, as it does.
pub fn document(frame: Vec<u8>, ending: &str, entries: &[Written]) -> Result<Vec<u8>, Problem> {
    let text = String::from_utf8(frame).map_err(Problem::internal)?;
    let body = text.split_once("?>").map_or(text.as_str(), |(_, body)| body).trim_start();
    let opening = body.strip_suffix(ending).ok_or_else(|| Problem::internal("a feed does not end as it should"))?;
    let opening = known_to_xml(opening);
    let mut parts = vec![HEAD.as_bytes(), opening.as_bytes()];
    parts.extend(entries.iter().map(Written::text));
    parts.push(ending.as_bytes());
    Ok(parts.concat())
}

/// A text without the characters that XML does not know.
fn known_to_xml(text: &str) -> String {
    text.chars().filter(|letter| is_xml(*letter)).collect()
}

fn is_xml(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
