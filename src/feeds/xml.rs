//! What Atom and RSS have in common as XML.

use crate::problem::Problem;

const STYLE: &str = "<?xml-stylesheet type=\"text/css\" href=\"/feeds/style.css\"?>\n";

/// An XML document with the style by which a person reads it, without the characters that XML does not know.
///
/// # Errors
/// When it is no text, which it always is.
pub fn document_with_style(document: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let text = String::from_utf8(document).map_err(Problem::internal)?;
    let body = text.split_once("?>").map_or(text.as_str(), |(_, body)| body);
    let mut whole = String::with_capacity(text.len() + 200);
    whole.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    whole.push_str(STYLE);
    whole.extend(body.trim_start().chars().filter(|letter| is_xml(*letter)));
    Ok(whole.into_bytes())
}

fn is_xml(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
