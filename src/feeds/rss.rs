//! RSS 2.0, with the whole text in `content:encoded`.

use std::collections::BTreeMap;

use atom_syndication::Link;
use rss::extension::Extension;
use rss::extension::atom::AtomExtension;
use rss::extension::dublincore::DublinCoreExtension;
use rss::{Category, Channel, Guid};

use super::format::Written;
use super::item::{Entry, Frame, Item, Term, Withdrawn};
use super::source::Placed;
use super::xml;
use crate::briefs::model::Image;
use crate::db::types::{Id, Timestamp};
use crate::problem::Problem;

/// The vocabularies beside that of RSS itself.
const NAMESPACES: [(&str, &str); 5] = [
    ("atom", "http://www.w3.org/2005/Atom"),
    ("content", "http://purl.org/rss/1.0/modules/content/"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("media", "http://search.yahoo.com/mrss/"),
];
/// How every document ends.
const ENDING: &str = "</channel></rss>";

/// An item, or the notice that there is none any more.
///
/// # Errors
/// 500 when the library fails to write it.
pub fn entry(placed: &Placed) -> Result<Written, Problem> {
    let empty = blank().write_to(Vec::new()).map_err(Problem::internal)?;
    let channel = Channel { items: vec![item(placed)], ..blank() };
    let text = xml::added(&empty, &channel.write_to(Vec::new()).map_err(Problem::internal)?, ENDING)?;
    Ok(Written::new(placed.entry.language(), &text))
}

/// The document.
///
/// # Errors
/// 500 when the library fails to write it.
pub fn document(frame: &Frame, entries: &[Written]) -> Result<Vec<u8>, Problem> {
    let link = |rel: &str, href: &str| Link {
        href: href.to_owned(),
        rel: rel.to_owned(),
        mime_type: Some("application/rss+xml".into()),
        ..Link::default()
    };
    let mut links = vec![link("self", &frame.this), link("first", &frame.first)];
    links.extend(frame.next.as_deref().map(|next| link("next", next)));
    links.extend(frame.hub.as_deref().map(|hub| Link { mime_type: None, ..link("hub", hub) }));
    let channel = Channel {
        title: frame.title.clone(),
        link: frame.home.clone(),
        description: frame.description.clone(),
        last_build_date: Some(date(frame.updated)),
        generator: Some(concat!("Briefwire ", env!("CARGO_PKG_VERSION")).into()),
        docs: Some("https://www.rssboard.org/rss-specification".into()),
        language: language(entries),
        atom_ext: Some(AtomExtension { links }),
        ..blank()
    };
    xml::document(channel.write_to(Vec::new()).map_err(Problem::internal)?, ENDING, entries)
}

/// A channel that says nothing, in the words that items are in.
fn blank() -> Channel {
    let namespaces = NAMESPACES.map(|(prefix, address)| (prefix.to_owned(), address.to_owned()));
    Channel { namespaces: BTreeMap::from(namespaces), ..Channel::default() }
}

/// The language of the channel, which has one or none: that of all items that say one, if it is the same.
fn language(entries: &[Written]) -> Option<String> {
    let mut languages = entries.iter().filter_map(Written::language);
    let first = languages.next()?;
    languages.all(|other| other == first).then(|| first.to_owned())
}

fn item(placed: &Placed) -> rss::Item {
    let mut extensions = BTreeMap::new();
    let modified =
        Extension { name: "dcterms:modified".into(), value: Some(placed.at.to_string()), ..Extension::default() };
    extensions.insert("dcterms".into(), BTreeMap::from([("modified".into(), vec![modified])]));
    match &placed.entry {
        Entry::Item(item) => {
            if let Some(image) = &item.image {
                extensions.insert("media".into(), BTreeMap::from([("content".into(), vec![picture(image)])]));
            }
            rss::Item { extensions, ..full(placed, item) }
        }
        Entry::Withdrawn(withdrawn) => rss::Item { extensions, ..stub(placed, withdrawn) },
    }
}

fn full(placed: &Placed, item: &Item) -> rss::Item {
    let category = |term: &Term| Category {
        name: term.label.clone().unwrap_or_else(|| term.name.clone()),
        domain: Some(term.scheme.clone()),
    };
    rss::Item {
        title: Some(item.title.clone()),
        link: Some(item.url.clone()),
        guid: Some(guid(item.id)),
        pub_date: Some(date(item.published.unwrap_or(placed.at))),
        description: item.summary.as_deref().map(escaped),
        content: Some(item.html.clone()),
        categories: item.terms.iter().map(category).collect(),
        dublin_core_ext: Some(DublinCoreExtension {
            creators: item.authors.clone(),
            languages: item.language.iter().cloned().collect(),
            rights: item.license.iter().cloned().collect(),
            ..DublinCoreExtension::default()
        }),
        ..rss::Item::default()
    }
}

fn stub(placed: &Placed, withdrawn: &Withdrawn) -> rss::Item {
    rss::Item {
        title: Some(withdrawn.title.clone().unwrap_or_else(|| withdrawn.notice())),
        link: withdrawn.url.clone(),
        guid: Some(guid(withdrawn.id)),
        pub_date: Some(date(placed.at)),
        description: Some(escaped(&withdrawn.notice())),
        categories: vec![Category { name: withdrawn.status.to_owned(), domain: Some("urn:briefwire:status".into()) }],
        ..rss::Item::default()
    }
}

fn picture(image: &Image) -> Extension {
    let child = |name: &str, value: &Option<String>| {
        value
            .iter()
            .map(|value| Extension {
                name: format!("media:{name}"),
                value: Some(value.clone()),
                ..Extension::default()
            })
            .collect()
    };
    let mut children: BTreeMap<String, Vec<Extension>> = BTreeMap::from([
        ("credit".into(), child("credit", &image.credit)),
        ("description".into(), child("description", &image.alt)),
    ]);
    children.retain(|_, values| !values.is_empty());
    Extension {
        name: "media:content".into(),
        attrs: BTreeMap::from([("url".into(), image.url.clone()), ("medium".into(), "image".into())]),
        children,
        ..Extension::default()
    }
}

/// Readers take a description for HTML.
fn escaped(text: &str) -> String {
    maud::html! { (text) }.into_string()
}

fn guid(id: Id) -> Guid {
    Guid { value: id.urn(), permalink: false }
}

fn date(at: Timestamp) -> String {
    at.datetime().to_rfc2822()
}
