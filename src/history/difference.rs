//! What changed between two documents of one resource, member by member.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use utoipa::ToSchema;

use crate::http::body::escape;

/// What of a resource differs between any two versions, or follows from what else differs.
const LEFT_OUT: &[&str] = &["version", "updated_at", "body_html", "similar"];
/// From how many characters on a text is long enough to be compared word by word.
const LONG: usize = 80;
/// How many unchanged words stand on each side of a change; those in between are left out.
const CONTEXT: usize = 6;
/// How long one text is compared before the comparison becomes coarser.
const PATIENCE: Duration = Duration::from_millis(200);

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = MemberChange)]
pub struct Change {
    /// Where, as a JSON pointer into the later version; for what is no more, into the earlier one.
    #[schema(example = "/title")]
    pub pointer: String,
    /// What stood there in the earlier version; null for what is new.
    #[schema(value_type = serde_json::Value, example = "Army gains weight")]
    pub was: Value,
    /// What stands there in the later version; null for what is no more.
    #[schema(value_type = serde_json::Value, example = "The army gains weight")]
    pub is: Value,
    /// For long text, what changed in it, to be read: `[-…-]` is gone, `{+…+}` is new. Null for everything else.
    #[schema(example = json!(null))]
    pub text: Option<String>,
}

/// What changed between two documents, in the order of their members.
#[must_use]
pub fn between(was: &Value, is: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", was, is, &mut changes);
    changes
}

fn compare(pointer: &str, was: &Value, is: &Value, changes: &mut Vec<Change>) {
    match (was, is) {
        (was, is) if was == is => {}
        (Value::Object(before), Value::Object(after)) => {
            let gone = before.keys().filter(|name| !after.contains_key(*name));
            let left_out: &[&str] = if after.contains_key("id") { LEFT_OUT } else { &[] };
            for name in after.keys().chain(gone).filter(|name| !left_out.contains(&name.as_str())) {
                let (was, is) = (before.get(name), after.get(name));
                compare(
                    &format!("{pointer}/{}", escape(name)),
                    was.unwrap_or(&Value::Null),
                    is.unwrap_or(&Value::Null),
                    changes,
                );
            }
        }
        (Value::Array(before), Value::Array(after)) if before.iter().chain(after).all(Value::is_object) => {
            compare_items(pointer, before, after, changes);
        }
        (was, is) => {
            let text = was.as_str().zip(is.as_str()).filter(|(was, is)| is_long(was) || is_long(is));
            let text = text.map(|(was, is)| readable(was, is));
            changes.push(Change { pointer: pointer.to_owned(), was: was.clone(), is: is.clone(), text });
        }
    }
}

/// Compares lists of objects: the items that are the same thing in both, then what is gone, what is new, and the order.
fn compare_items(pointer: &str, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let (old, new) = (identities(before), identities(after));
    for (index, (item, identity)) in after.iter().zip(&new).enumerate() {
        let place = format!("{pointer}/{index}");
        match old.iter().position(|other| other == identity).and_then(|place| before.get(place)) {
            Some(earlier) => compare(&place, earlier, item, changes),
            None => changes.push(Change { pointer: place, was: Value::Null, is: item.clone(), text: None }),
        }
    }
    for (index, (item, _)) in before.iter().zip(&old).enumerate().filter(|(_, (_, identity))| !new.contains(identity)) {
        let place = format!("{pointer}/{index}");
        changes.push(Change { pointer: place, was: item.clone(), is: Value::Null, text: None });
    }
    let stayed = |list: &[String], other: &[String]| -> Vec<String> {
        list.iter().filter(|identity| other.contains(identity)).cloned().collect()
    };
    let (order_before, order_after) = (stayed(&old, &new), stayed(&new, &old));
    if order_before != order_after {
        let (was, is) = (order_before.into(), order_after.into());
        changes.push(Change { pointer: pointer.to_owned(), was, is, text: None });
    }
}

/// What makes each item of a list the one that it is: its id or slug, or else what it names and how. Items that say the
/// same are told apart by their number.
fn identities(items: &[Value]) -> Vec<String> {
    let mut identities: Vec<String> = Vec::new();
    for item in items {
        let named = identity(item);
        let mut numbered = named.clone();
        let mut number = 2;
        while identities.contains(&numbered) {
            numbered = format!("{named} ({number})");
            number += 1;
        }
        identities.push(numbered);
    }
    identities
}

fn identity(item: &Value) -> String {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let of_link = |name: &str| item.get(name).map(identity);
    if let Some(own) = text("id").or_else(|| text("slug")) {
        own.to_owned()
    } else if let (Some(actor), Some(role)) = (of_link("actor"), text("role")) {
        format!("{actor} as {role}")
    } else if let (Some(organisation), Some(title)) = (of_link("organisation"), text("title")) {
        format!("{title} of {organisation}")
    } else {
        ["url", "name", "at", "title"].into_iter().find_map(text).map_or_else(|| item.to_string(), ToOwned::to_owned)
    }
}

fn is_long(text: &str) -> bool {
    text.contains('\n') || text.chars().take(LONG).count() == LONG
}

/// A text with what is gone and what is new marked in it, and what stayed left out where it is long.
fn readable(was: &str, is: &str) -> String {
    let difference = TextDiff::configure().timeout(PATIENCE).diff_words(was, is);
    let mut runs: Vec<(ChangeTag, Vec<&str>)> = Vec::new();
    for change in difference.iter_all_changes() {
        match runs.last_mut() {
            Some((tag, words)) if *tag == change.tag() => words.push(change.value()),
            _ => runs.push((change.tag(), vec![change.value()])),
        }
    }
    let last = runs.len().saturating_sub(1);
    let mut text = String::new();
    for (index, (tag, words)) in runs.iter().enumerate() {
        match tag {
            ChangeTag::Delete => text.extend(["[-", &words.concat(), "-]"]),
            ChangeTag::Insert => text.extend(["{+", &words.concat(), "+}"]),
            ChangeTag::Equal => text.push_str(&shortened(words, index > 0, index < last)),
        }
    }
    text
}

/// What stayed, with its middle left out; at the beginning and the end of a text only the side towards a change is kept.
fn shortened(words: &[&str], after_a_change: bool, before_a_change: bool) -> String {
    // Words and the spaces between them both count.
    let room = 2 * CONTEXT;
    let (head, tail) = (if after_a_change { room } else { 0 }, if before_a_change { room } else { 0 });
    match (words.get(..head), words.get(words.len().saturating_sub(tail)..)) {
        (Some(head_words), Some(tail_words)) if words.len() > head + tail + 2 => {
            format!("{}…{}", head_words.concat(), tail_words.concat())
        }
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_compared_one_by_one_and_items_by_what_they_are() {
        let was = json!({
            "id": "0", "version": 1, "title": "A", "country": null,
            "trends": [{"id": "1", "statement": "x"}, {"id": "2", "statement": "y"}, {"id": "3", "statement": "z"}],
        });
        let is = json!({
            "id": "0", "version": 2, "title": "B", "country": "BY",
            "trends": [{"id": "3", "statement": "z"}, {"id": "1", "statement": "x!"}, {"id": "4", "statement": "new"}],
        });
        let found: Vec<(String, Value, Value)> =
            between(&was, &is).into_iter().map(|change| (change.pointer, change.was, change.is)).collect();
        let expected = [
            ("/title", json!("A"), json!("B")),
            ("/country", json!(null), json!("BY")),
            ("/trends/1/statement", json!("x"), json!("x!")),
            ("/trends/2", json!(null), json!({"id": "4", "statement": "new"})),
            ("/trends/1", json!({"id": "2", "statement": "y"}), json!(null)),
            ("/trends", json!(["1", "3"]), json!(["3", "1"])),
        ];
        let expected: Vec<(String, Value, Value)> =
            expected.into_iter().map(|(pointer, was, is)| (pointer.to_owned(), was, is)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn long_text_is_shown_with_its_changes_marked() {
        let was = "The army's influence grew through appointments in the course of a week that saw three of them made.";
        let is = "The army's influence grew through decrees in the course of a week that saw three of them made.";
        let changes = between(&json!({"body": was}), &json!({"body": is}));
        let text = changes[0].text.clone().unwrap();
        assert!(text.contains("through [-appointments-]{+decrees+} in the course of a week"), "{text}");
        assert!(text.ends_with('…'), "{text}");
    }
}
