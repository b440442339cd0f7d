//! JSON Feed 1.1.

use serde_json::{Value, json};

use super::format::Written;
use super::item::{Entry, Frame, Item, Withdrawn};
use super::source::Placed;
use crate::http::answer::as_json;
use crate::problem::Problem;

/// An item, or the notice that there is none any more.
pub fn entry(placed: &Placed) -> Written {
    let item = match &placed.entry {
        Entry::Item(item) => full(placed, item),
        Entry::Withdrawn(withdrawn) => stub(placed, withdrawn),
    };
    Written::new(placed.entry.language(), &item.to_string())
}

/// The document.
///
/// # Errors
/// When it cannot be serialised, which it always can.
pub fn document(frame: &Frame, entries: &[Written]) -> Result<Vec<u8>, Problem> {
    let mut feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": frame.title,
        "description": frame.description,
        "home_page_url": frame.home,
        "feed_url": frame.this,
    });
    if let Some(feed) = feed.as_object_mut() {
        feed.extend(frame.next.iter().map(|next| ("next_url".into(), json!(next))));
        feed.extend(frame.hub.iter().map(|hub| ("hubs".into(), json!([{"type": "WebSub", "url": hub}]))));
    }
    let mut document = as_json(&feed)?;
    // The items are JSON already, and come last.
    document.pop();
    document.extend_from_slice(b",\"items\":[");
    document.extend(entries.iter().map(Written::text).collect::<Vec<_>>().join(&b','));
    document.extend_from_slice(b"]}");
    Ok(document)
}

fn full(placed: &Placed, item: &Item) -> Value {
    let mut details = item.details.clone();
    if let Some(details) = details.as_object_mut() {
        details.insert("status".into(), json!("current"));
        details.insert("position".into(), json!(placed.position));
        details.insert("slug".into(), json!(item.slug));
        details.insert("version".into(), json!(item.version));
        details.insert("api_url".into(), json!(item.api_url));
    }
    let tags: Vec<&str> = item.terms.iter().map(|term| term.label.as_deref().unwrap_or(&term.name)).collect();
    let authors: Vec<Value> = item.authors.iter().map(|name| json!({"name": name})).collect();
    let mut value = json!({
        "id": item.id.urn(),
        "url": item.url,
        "title": item.title,
        "content_html": item.html,
        "date_modified": placed.at,
        "tags": tags,
        "_briefwire": details,
    });
    let optional = [
        ("summary", json!(item.summary)),
        ("image", json!(item.image.as_ref().map(|image| &image.url))),
        ("date_published", json!(item.published)),
        ("language", json!(item.language)),
        ("authors", if authors.is_empty() { Value::Null } else { json!(authors) }),
    ];
    if let Some(members) = value.as_object_mut() {
        members.extend(
            optional.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.into(), value)),
        );
    }
    value
}

fn stub(placed: &Placed, withdrawn: &Withdrawn) -> Value {
    let mut value = json!({
        "id": withdrawn.id.urn(),
        "content_text": withdrawn.notice(),
        "date_modified": placed.at,
        "_briefwire": {"status": withdrawn.status, "position": placed.position, "reason": withdrawn.reason},
    });
    if let Some(members) = value.as_object_mut() {
        members.extend(withdrawn.title.iter().map(|title| ("title".to_owned(), json!(title))));
        members.extend(withdrawn.url.iter().map(|url| ("url".to_owned(), json!(url))));
    }
    value
}
