//! What the formats of feeds have in common: an item, or the notice that there is none any more.

use serde_json::{Value, json};

use crate::briefs::formats::{html, labels::Labels, page_url, vocabulary_url};
use crate::briefs::model::{BriefView, Image};
use crate::config::Config;
use crate::db::types::{Id, Timestamp};
use crate::events::model::EventView;
use crate::reference::Link;
use crate::trends::model::TrendView;
use crate::vocabulary::BriefState;

/// What a feed says of itself.
pub struct Frame {
    pub title: String,
    pub description: String,
    /// A page for people.
    pub home: String,
    /// The first page, which is what there is to subscribe to.
    pub first: String,
    pub this: String,
    pub next: Option<String>,
    /// Where to subscribe to it, if it is one that a hub knows.
    pub hub: Option<String>,
    pub updated: Timestamp,
}

/// One place of a feed.
pub enum Entry {
    /// What is there.
    Item(Box<Item>),
    /// What was withdrawn.
    Withdrawn(Withdrawn),
}

impl Entry {
    /// The language that it says to be in.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        match self {
            Self::Item(item) => item.language.as_deref(),
            Self::Withdrawn(_) => None,
        }
    }
}

/// Something to read.
pub struct Item {
    pub id: Id,
    pub slug: String,
    pub version: i32,
    pub title: String,
    /// Where a person reads it.
    pub url: String,
    /// Where a program reads it.
    pub api_url: String,
    pub language: Option<String>,
    pub published: Option<Timestamp>,
    pub summary: Option<String>,
    /// Safe to put into a page.
    pub html: String,
    pub image: Option<Image>,
    pub authors: Vec<String>,
    pub license: Option<String>,
    pub terms: Vec<Term>,
    /// What goes with it: titles and addresses.
    pub related: Vec<(String, String)>,
    /// What no format of feeds has a word for.
    pub details: Value,
}

/// Something that an item belongs to.
pub struct Term {
    /// What it is one of.
    pub scheme: String,
    pub name: String,
    pub label: Option<String>,
}

/// What is no more to be shown.
pub struct Withdrawn {
    pub id: Id,
    pub status: &'static str,
    /// Of what is retracted, of which the page stays.
    pub title: Option<String>,
    pub reason: Option<String>,
    pub url: Option<String>,
}

impl Withdrawn {
    /// What was deleted, or is hidden now: nothing is told of it.
    #[must_use]
    pub fn removed(id: Id) -> Self {
        Self { id, status: "removed", title: None, reason: None, url: None }
    }

    /// What a copy shows in its place.
    #[must_use]
    pub fn notice(&self) -> String {
        match &self.reason {
            Some(reason) => format!("Retracted: {reason}"),
            None => "This has been removed.".to_owned(),
        }
    }
}

/// The entry of a brief.
#[must_use]
pub fn of_brief(config: &Config, brief: BriefView) -> Entry {
    let url = page_url(config, &brief.slug, brief.canonical_url.as_deref());
    if brief.state == BriefState::Retracted {
        let reason = brief.retraction.map(|retraction| retraction.reason);
        return Entry::Withdrawn(Withdrawn {
            id: brief.id,
            status: "retracted",
            title: Some(brief.title),
            reason,
            url: Some(url),
        });
    }
    let html = html::content(config, &brief).into_string();
    let mut terms = vec![Term {
        scheme: format!("{}/v1/categories", config.public_url),
        name: brief.category.slug.clone(),
        label: Some(brief.category.name.clone()),
    }];
    terms.extend(brief.category_status.map(|status| Term {
        scheme: vocabulary_url(config, "Assessment"),
        name: status.to_string(),
        label: Some(Labels::of(&brief.language).assessment(status).to_owned()),
    }));
    terms.extend(brief.country.clone().map(country));
    let actors = brief.actors.as_deref().unwrap_or_default();
    terms.extend(actors.iter().map(|actor| actor_term(config, &actor.slug, &actor.name)));
    let related = brief.related.iter().filter_map(Link::living);
    let related = related.map(|link| (link.title.clone(), page_url(config, &link.slug, None))).collect();
    let details = json!({
        "category": brief.category, "category_status": brief.category_status, "country": brief.country,
        "period": brief.period, "marking": brief.marking, "license": brief.license, "image": brief.image,
        "trends": brief.trends, "events": brief.events, "actors": brief.actors, "sources": brief.sources,
        "translations": brief.translations, "corrections": brief.corrections, "related": brief.related,
    });
    Entry::Item(Box::new(Item {
        id: brief.id,
        api_url: format!("{}/v1/briefs/{}", config.public_url, brief.slug),
        slug: brief.slug,
        version: brief.version,
        title: brief.title,
        url,
        language: Some(brief.language),
        published: brief.published_at,
        summary: brief.summary,
        html,
        image: brief.image,
        authors: brief.authors,
        license: brief.license,
        terms,
        related,
        details,
    }))
}

/// The entry of a trend statement.
#[must_use]
pub fn of_trend(config: &Config, trend: TrendView) -> Entry {
    let api_url = format!("{}/v1/trends/{}", config.public_url, trend.slug);
    let language = trend.brief.as_ref().map(|brief| brief.language.clone());
    let labels = Labels::of(language.as_deref().unwrap_or("en"));
    let html = maud::html! {
        (html::list_of_trends(std::slice::from_ref(&trend), labels))
        @if let Some(brief) = &trend.brief { p { a href=(page_url(config, &brief.slug, None)) { (brief.title) } } }
    };
    let mut terms =
        vec![Term { scheme: vocabulary_url(config, "Direction"), name: trend.direction.to_string(), label: None }];
    terms.extend(trend.series.iter().map(|series| Term {
        scheme: format!("{}/v1/series", config.public_url),
        name: series.clone(),
        label: None,
    }));
    terms
        .extend(trend.actors.iter().filter_map(Link::living).map(|actor| actor_term(config, &actor.slug, &actor.name)));
    let url = trend.brief.as_ref().map_or_else(|| api_url.clone(), |brief| page_url(config, &brief.slug, None));
    Entry::Item(Box::new(Item {
        id: trend.id,
        slug: trend.slug.clone(),
        version: trend.version,
        title: trend.statement.clone(),
        url,
        api_url,
        language,
        published: trend.brief.as_ref().and_then(|brief| brief.published_at),
        summary: Some(trend.statement.clone()),
        html: html.into_string(),
        image: None,
        authors: Vec::new(),
        license: None,
        terms,
        related: Vec::new(),
        details: json!({"trend": trend}),
    }))
}

/// The entry of an event.
#[must_use]
pub fn of_event(config: &Config, event: EventView) -> Entry {
    let api_url = format!("{}/v1/events/{}", config.public_url, event.slug);
    let html = maud::html! {
        ul { (html::event(&event)) }
        @if !event.sources.is_empty() { ul { @for source in &event.sources { li { (html::source(source)) } } } }
    };
    let mut terms =
        vec![Term { scheme: vocabulary_url(config, "EventKind"), name: event.kind.to_string(), label: None }];
    terms.extend(event.country.clone().map(country));
    let actors = event.participants.iter().filter_map(|participant| participant.actor.living());
    terms.extend(actors.map(|actor| actor_term(config, &actor.slug, &actor.name)));
    Entry::Item(Box::new(Item {
        id: event.id,
        slug: event.slug.clone(),
        version: event.version,
        title: event.title.clone(),
        url: api_url.clone(),
        api_url,
        language: None,
        published: Some(event.created_at),
        summary: event.description.clone(),
        html: html.into_string(),
        image: None,
        authors: Vec::new(),
        license: None,
        terms,
        related: Vec::new(),
        details: json!({"event": event}),
    }))
}

fn country(code: String) -> Term {
    Term { scheme: "urn:iso:std:iso:3166".to_owned(), name: code, label: None }
}

fn actor_term(config: &Config, slug: &str, name: &str) -> Term {
    Term { scheme: format!("{}/v1/actors", config.public_url), name: slug.to_owned(), label: Some(name.to_owned()) }
}
