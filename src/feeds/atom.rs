//! Atom (RFC 4287), paged (RFC 5005), with tombstones (RFC 6721).

use std::collections::BTreeMap;

use atom_syndication::extension::Extension;
use atom_syndication::{Category, Content, Feed, FixedDateTime, Generator, Link, Person, Text};

use super::format::Written;
use super::item::{Entry, Frame, Item, Term, Withdrawn};
use super::source::Placed;
use super::xml;
use crate::db::types::Timestamp;
use crate::problem::Problem;

const TOMBSTONES: &str = "http://purl.org/atompub/tombstones/1.0";

/// How every document ends.
const ENDING: &str = "</feed>";

/// An entry, or the tombstone of one.
///
/// # Errors
/// 500 when the library fails to write it.
pub fn entry(placed: &Placed) -> Result<Written, Problem> {
    let empty = blank().write_to(Vec::new()).map_err(Problem::internal)?;
    let feed = match &placed.entry {
        Entry::Item(item) => Feed { entries: vec![full(placed, item)], ..blank() },
        Entry::Withdrawn(withdrawn) => {
            let graves = BTreeMap::from([("deleted-entry".into(), vec![grave(placed, withdrawn)])]);
            Feed { extensions: BTreeMap::from([("at".into(), graves)]), ..blank() }
        }
    };
    let text = xml::added(&empty, &feed.write_to(Vec::new()).map_err(Problem::internal)?, ENDING)?;
    Ok(Written::new(placed.entry.language(), &text))
}

/// The document.
///
/// # Errors
/// 500 when the library fails to write it.
pub fn document(frame: &Frame, entries: &[Written]) -> Result<Vec<u8>, Problem> {
    let mut links =
        vec![link("self", &frame.this, "application/atom+xml"), link("first", &frame.first, "application/atom+xml")];
    links.extend(frame.next.as_deref().map(|next| link("next", next, "application/atom+xml")));
    links.push(link("alternate", &frame.home, "text/html"));
    links.extend(frame.hub.as_deref().map(|hub| Link { mime_type: None, ..link("hub", hub, "") }));
    let feed = Feed {
        title: Text::plain(&frame.title),
        subtitle: Some(Text::plain(&frame.description)),
        id: frame.first.clone(),
        updated: date(frame.updated),
        authors: vec![person("Briefwire")],
        generator: Some(Generator {
            value: "Briefwire".into(),
            uri: None,
            version: Some(env!("CARGO_PKG_VERSION").into()),
        }),
        links,
        ..blank()
    };
    xml::document(feed.write_to(Vec::new()).map_err(Problem::internal)?, ENDING, entries)
}

/// A feed that says nothing, in the words that entries and tombstones are in.
fn blank() -> Feed {
    Feed { namespaces: BTreeMap::from([("at".into(), TOMBSTONES.into())]), ..Feed::default() }
}

fn full(placed: &Placed, item: &Item) -> atom_syndication::Entry {
    let text = |value: &str| Text { lang: item.language.clone(), ..Text::plain(value) };
    let mut links =
        vec![link("alternate", &item.url, "text/html"), link("alternate", &item.api_url, "application/json")];
    if item.api_url == item.url {
        // Readers take no link of the type of JSON for the page; the only one is it, whatever its type.
        links = vec![Link { mime_type: None, ..link("alternate", &item.url, "") }];
    }
    links.extend(
        item.image
            .iter()
            .map(|image| Link { title: image.credit.clone(), ..link("enclosure", &image.url, image.media_type()) }),
    );
    links.extend(
        item.related
            .iter()
            .map(|(title, url)| Link { title: Some(title.clone()), ..link("related", url, "text/html") }),
    );
    let category = |term: &Term| Category {
        term: term.name.clone(),
        scheme: Some(term.scheme.clone()),
        label: term.label.clone(),
    };
    atom_syndication::Entry {
        title: text(&item.title),
        id: item.id.urn(),
        updated: date(placed.at),
        published: item.published.map(date),
        authors: item.authors.iter().map(|name| person(name)).collect(),
        categories: item.terms.iter().map(category).collect(),
        links,
        rights: item.license.as_deref().map(Text::plain),
        summary: item.summary.as_deref().map(text),
        content: Some(Content {
            lang: item.language.clone(),
            value: Some(item.html.clone()),
            content_type: Some("html".into()),
            ..Content::default()
        }),
        ..atom_syndication::Entry::default()
    }
}

fn grave(placed: &Placed, withdrawn: &Withdrawn) -> Extension {
    let comment = Extension { name: "at:comment".into(), value: Some(withdrawn.notice()), ..Extension::default() };
    Extension {
        name: "at:deleted-entry".into(),
        attrs: BTreeMap::from([("ref".into(), withdrawn.id.urn()), ("when".into(), placed.at.to_string())]),
        children: BTreeMap::from([("comment".into(), vec![comment])]),
        ..Extension::default()
    }
}

fn link(rel: &str, href: &str, media_type: &str) -> Link {
    Link { href: href.to_owned(), rel: rel.to_owned(), mime_type: Some(media_type.to_owned()), ..Link::default() }
}

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), ..Person::default() }
}

fn date(at: Timestamp) -> FixedDateTime {
    at.datetime().fixed_offset()
}
