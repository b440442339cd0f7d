//! A brief as schema.org JSON-LD: an `AnalysisNewsArticle`.

use serde_json::{Value, json};

use super::{compact, page_url, vocabulary_url};
use crate::actors::model::ActorView;
use crate::briefs::model::BriefView;
use crate::config::Config;
use crate::markdown::plain;
use crate::sources::Source;
use crate::vocabulary::ActorKind;

/// A brief whole, with those who take part under all their names.
#[must_use]
pub fn document(config: &Config, brief: &BriefView, actors: &[ActorView]) -> Value {
    let here = |slug: &str| page_url(config, slug, None);
    let statements = brief.trends.iter().flatten().map(|trend| trend.statement.as_str()).collect::<Vec<_>>().join(" ");
    let summary = brief.summary.clone().unwrap_or(statements);
    compact(json!({
        "@context": "https://schema.org",
        "@type": "AnalysisNewsArticle",
        "@id": brief.id.urn(),
        "url": page_url(config, &brief.slug, brief.canonical_url.as_deref()),
        "version": brief.version,
        "headline": brief.title,
        "articleSection": brief.category.name,
        "keywords": each(brief.category_status, |status| json!({
            "@type": "DefinedTerm",
            "name": status,
            "termCode": status,
            "inDefinedTermSet": vocabulary_url(config, "Assessment"),
        })),
        "inLanguage": brief.language,
        "datePublished": brief.published_at,
        "dateModified": brief.updated_at,
        "temporalCoverage": brief.period.map(|period| format!("{}/{}", period.from, period.to)),
        "spatialCoverage": brief.country.as_ref().map(|code| json!({"@type": "Country", "identifier": code})),
        "author": each(&brief.authors, |name| json!({"@type": "Organization", "name": name})),
        "license": brief.license.as_ref().map(license),
        "image": brief.image.as_ref().map(|image| compact(json!({
            "@type": "ImageObject", "url": image.url, "caption": image.alt, "creditText": image.credit,
        }))),
        "abstract": (!summary.is_empty()).then_some(summary),
        "articleBody": brief.body.as_ref().and_then(Option::as_deref).map(plain),
        "mentions": each(actors, |actor| mention(config, actor)),
        "citation": each(&brief.sources, citation),
        "relatedLink": each(brief.similar.iter().flatten(), |link| json!(here(&link.slug))),
        "workTranslation": each(&brief.translations, |translation| json!({
            "@type": "AnalysisNewsArticle",
            "@id": translation.id.urn(),
            "inLanguage": translation.language,
            "url": here(&translation.slug),
        })),
        "correction": each(&brief.corrections, |correction| json!({
            "@type": "CorrectionComment", "text": correction.note, "datePublished": correction.at,
        })),
    }))
}

fn each<T>(items: impl IntoIterator<Item = T>, said: impl FnMut(T) -> Value) -> Vec<Value> {
    items.into_iter().map(said).collect()
}

fn license(license: &String) -> Value {
    if license.starts_with("http") { json!(license) } else { json!({"@type": "CreativeWork", "name": license}) }
}

fn mention(config: &Config, actor: &ActorView) -> Value {
    let kind = match actor.kind {
        ActorKind::Person => "Person",
        ActorKind::State => "Country",
        ActorKind::Organisation | ActorKind::Group | ActorKind::International => "Organization",
    };
    let names: Vec<&str> = actor.aliases.iter().map(|alias| alias.name.as_str()).collect();
    let same = actor.identifiers.get("wikidata").map(|id| format!("http://www.wikidata.org/entity/{id}"));
    compact(json!({
        "@type": kind,
        "@id": actor.id.urn(),
        "url": format!("{}/v1/actors/{}", config.public_url, actor.slug),
        "name": actor.name,
        "alternateName": names,
        "sameAs": same,
    }))
}

fn citation(source: &Source) -> Value {
    compact(json!({
        "@type": "CreativeWork",
        "name": source.title,
        "url": source.url,
        "publisher": source.publisher.as_ref().map(|name| json!({"@type": "Organization", "name": name})),
        "datePublished": source.published_on,
    }))
}
