//! JSON Feed 1.1.

use serde_json::{Value, json};

use super::item::{Entry, Frame, Item, Withdrawn};
use super::source::Placed;

/// The document.
///
/// # Errors
/// When it cannot be serialised, which it always can.
pub fn document(frame: &Frame, entries: &[Placed]) -> serde_json::Result<Vec<u8>> {
    let items: Vec<Value> = entries.iter().map(item).collect();
    let mut feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": frame.title,
        "description": frame.description,
        "home_page_url": frame.home,
        "feed_url": frame.this,
        "items": items,
    });
    if let (Some(feed), Some(next)) = (feed.as_object_mut(), &frame.next) {
        feed.insert("next_url".into(), json!(next));
    }
    if let (Some(feed), Some(hub)) = (feed.as_object_mut(), &frame.hub) {
        feed.insert("hubs".into(), json!([{"type": "WebSub", "url": hub}]));
    }
    serde_json::to_vec(&feed)
}

fn item(placed: &Placed) -> Value {
    match &placed.entry {
        Entry::Item(item) => full(placed, item),
        Entry::Withdrawn(withdrawn) => stub(placed, withdrawn),
    }
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
