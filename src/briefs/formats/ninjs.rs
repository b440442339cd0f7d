//! A brief as IPTC ninjs 3.0, which agencies and newsrooms exchange. Its root is closed: what it has no member for is left out,
//! and our confidence in a judgement is no `confidence` of ninjs, which rates how well a subject was assigned.

use serde_json::{Value, json};

use super::compact;
use super::html;
use super::labels::{self, Labels};
use super::page_url;
use crate::actors::model::ActorSummary;
use crate::briefs::model::{BriefLink, BriefView, Image};
use crate::config::Config;
use crate::reference::Link;
use crate::sources::Source;
use crate::vocabulary::{ActorKind, BriefState};

/// A brief whole.
#[must_use]
pub fn document(config: &Config, brief: &BriefView) -> Value {
    let labels = Labels::of(&brief.language);
    let status = match brief.state {
        BriefState::Published => "usable",
        BriefState::Retracted => "canceled",
        BriefState::Draft | BriefState::InReview | BriefState::Scheduled => "withheld",
    };
    let is_person = |actor: &&ActorSummary| actor.kind == ActorKind::Person;
    let actors = brief.actors.as_deref().unwrap_or_default();
    let mut associations: Vec<Value> = brief.image.iter().map(picture).collect();
    associations.extend(brief.similar.iter().flatten().map(associated));
    compact(json!({
        "standard": {
            "name": "ninjs",
            "version": "3.0",
            "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.0.json",
        },
        "uri": brief.id.urn(),
        "type": "text",
        "representationType": if brief.state == BriefState::Retracted { "partial" } else { "full" },
        "profile": "brief",
        "version": brief.version.to_string(),
        "firstCreated": brief.published_at.unwrap_or(brief.created_at),
        "versionCreated": brief.updated_at,
        "embargoedUntil": brief.embargo_until,
        "pubStatus": status,
        "language": brief.language,
        "slugline": brief.slug,
        "headlines": [{"value": brief.title}],
        "by": (!brief.authors.is_empty()).then(|| brief.authors.join(", ")),
        "usageTerms": brief.license,
        "edNote": notes(brief, labels),
        "descriptions": brief.summary.iter().map(|summary| {
            json!({"role": "summary", "contentType": "text/plain", "value": summary})
        }).collect::<Vec<_>>(),
        "bodies": bodies(brief, labels),
        "subjects": subjects(config, brief),
        "people": actors.iter().filter(is_person).map(participant).collect::<Vec<_>>(),
        "organisations": actors.iter().filter(|actor| !is_person(actor)).map(participant).collect::<Vec<_>>(),
        "places": brief.country.iter().map(|code| json!({"rel": "subject", "literal": code})).collect::<Vec<_>>(),
        "events": brief.events.iter().flatten().filter_map(Link::living).map(|event| {
            json!({"name": event.title, "rel": "reported", "uri": event.id.urn()})
        }).collect::<Vec<_>>(),
        "infoSources": brief.sources.iter().map(source).collect::<Vec<_>>(),
        "renditions": [{
            "name": "web",
            "href": page_url(config, &brief.slug, brief.canonical_url.as_deref()),
            "contentType": "text/html",
        }],
        "associations": associations,
    }))
}

/// What happened to it after it was published, for those who put it on their pages.
fn notes(brief: &BriefView, labels: &'static Labels) -> Option<String> {
    let notices = labels::notices(brief, labels);
    let notes: Vec<String> =
        notices.map(|it| format!("{}, {}: {}", it.what, it.at.datetime().date_naive(), it.text)).collect();
    (!notes.is_empty()).then(|| notes.join("\n"))
}

fn bodies(brief: &BriefView, labels: &Labels) -> Vec<Value> {
    let trends = brief.trends.as_deref().filter(|trends| !trends.is_empty());
    let trends = trends.map(|trends| html::list_of_trends(trends, labels).into_string());
    let main = brief.body_html.clone().flatten();
    let body = |role: &str, value: String| json!({"role": role, "contentType": "text/html", "value": value});
    trends.into_iter().map(|it| body("trends", it)).chain(main.into_iter().map(|it| body("main", it))).collect()
}

fn subjects(config: &Config, brief: &BriefView) -> Vec<Value> {
    let category = json!({
        "name": brief.category.name,
        "rel": "category",
        "uri": format!("{}/v1/categories/{}", config.public_url, brief.category.slug),
        "literal": brief.category.slug,
    });
    let status = brief.category_status.map(|status| json!({"name": status, "rel": "status", "literal": status}));
    std::iter::once(category).chain(status).collect()
}

fn participant(actor: &ActorSummary) -> Value {
    json!({"name": actor.name, "rel": "participant", "uri": actor.id.urn(), "literal": actor.slug})
}

fn source(source: &Source) -> Value {
    compact(json!({"name": source.publisher.as_ref().or(source.title.as_ref()), "uri": source.url}))
}

fn picture(image: &Image) -> Value {
    compact(json!({
        "name": "image",
        "uri": image.url,
        "type": "picture",
        "by": image.credit,
        "descriptions": image.alt.iter().map(|alt| json!({"role": "alt", "value": alt})).collect::<Vec<_>>(),
        "renditions": [{"name": "main", "href": image.url, "contentType": image.media_type()}],
    }))
}

fn associated(link: &BriefLink) -> Value {
    compact(json!({
        "name": link.title,
        "uri": link.id.urn(),
        "type": "text",
        "representationType": "partial",
        "language": link.language,
        "firstCreated": link.published_at,
        "headlines": [{"value": link.title}],
    }))
}
