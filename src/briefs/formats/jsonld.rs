//! A brief as schema.org JSON-LD: an `AnalysisNewsArticle`.

use serde_json::{Map, Value, json};

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
    let mut article = Map::new();
    let mut say = |name: &str, value: Value| {
        if value != Value::Null && value != json!([]) {
            article.insert(name.to_owned(), value);
        }
    };
    let here = |slug: &str| page_url(config, slug, None);
    let statements = brief.trends.iter().flatten().map(|trend| trend.statement.as_str()).collect::<Vec<_>>().join(" ");
    let summary = brief.summary.clone().unwrap_or(statements);
    say("@context", json!("https://schema.org"));
    say("@type", json!("AnalysisNewsArticle"));
    say("@id", json!(brief.id.urn()));
    say("url", json!(page_url(config, &brief.slug, brief.canonical_url.as_deref())));
    say("version", json!(brief.version));
    say("headline", json!(brief.title));
    say("articleSection", json!(brief.category.name));
    say(
        "keywords",
        brief.category_status.map_or(Value::Null, |status| {
            json!([{
                "@type": "DefinedTerm",
                "name": status,
                "termCode": status,
                "inDefinedTermSet": vocabulary_url(config, "Assessment"),
            }])
        }),
    );
    say("inLanguage", json!(brief.language));
    say("datePublished", json!(brief.published_at));
    say("dateModified", json!(brief.updated_at));
    say("temporalCoverage", brief.period.map_or(Value::Null, |period| json!(format!("{}/{}", period.from, period.to))));
    say(
        "spatialCoverage",
        brief.country.as_ref().map_or(Value::Null, |code| json!({"@type": "Country", "identifier": code})),
    );
    say("author", brief.authors.iter().map(|name| json!({"@type": "Organization", "name": name})).collect());
    say(
        "license",
        brief.license.as_ref().map_or(Value::Null, |license| {
            if license.starts_with("http") { json!(license) } else { json!({"@type": "CreativeWork", "name": license}) }
        }),
    );
    say(
        "image",
        brief.image.as_ref().map_or(Value::Null, |image| {
            compact(json!({
                "@type": "ImageObject", "url": image.url, "caption": image.alt, "creditText": image.credit,
            }))
        }),
    );
    say("abstract", if summary.is_empty() { Value::Null } else { json!(summary) });
    say("articleBody", brief.body.iter().flatten().map(|body| json!(plain(body))).next().unwrap_or_default());
    say("mentions", actors.iter().map(|actor| mention(config, actor)).collect());
    say("citation", brief.sources.iter().map(citation).collect());
    say("relatedLink", brief.similar.iter().flatten().map(|link| json!(here(&link.slug))).collect());
    say(
        "workTranslation",
        brief
            .translations
            .iter()
            .map(|translation| {
                json!({
                    "@type": "AnalysisNewsArticle",
                    "@id": translation.id.urn(),
                    "inLanguage": translation.language,
                    "url": here(&translation.slug),
                })
            })
            .collect(),
    );
    say("correction", brief.corrections.iter().map(|correction| {
        json!({"@type": "CorrectionComment", "text": correction.note, "datePublished": correction.at})
    }).collect());
    Value::Object(article)
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
