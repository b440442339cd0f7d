//! What Atom and RSS have in common as XML.

use super::format::Written;
use crate::problem::Problem;

const HEAD: &str =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<?xml-stylesheet type=\"text/css\" href=\"/feeds/style.css\"?>\n";

/// What an entry adds to an empty document that ends so: the libraries write whole documents only.
///
/// # Errors
/// When the document has anything else that the empty one has not, or the entry does not stand at its end.
pub fn added(empty: &[u8], with_entry: &[u8], ending: &str) -> Result<String, Problem> {
    let (empty, text) = (std::str::from_utf8(empty), std::str::from_utf8(with_entry));
    let (empty, text) = (empty.map_err(Problem::internal)?, text.map_err(Problem::internal)?);
    let opening = empty.strip_suffix(ending);
    let entry = opening.and_then(|opening| text.strip_suffix(ending)?.strip_prefix(opening));
    Ok(known_to_xml(entry.ok_or_else(|| Problem::internal("an entry adds more to its document than itself"))?))
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
