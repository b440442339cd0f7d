//! A brief in the formats that other sites read: schema.org JSON-LD, IPTC ninjs, Markdown with front matter, and an HTML fragment.

pub mod html;
mod jsonld;
pub mod labels;
mod markdown;
mod ninjs;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use deserr::Deserr;
use serde_json::Value;
use utoipa::IntoParams;

use super::model::{BriefRow, BriefView};
use super::pages;
use crate::access::{Caller, Sight};
use crate::actors::input::ActorFilter;
use crate::actors::model::ActorView;
use crate::app::AppState;
use crate::config::Config;
use crate::db::Connection;
use crate::db::types::{Id, Timestamp};
use crate::http::answer::{self, SingleFormat, SingleQuery, as_json};
use crate::http::page::Extras;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource::{self, Resource};
use crate::search::lists::Searched;
use crate::vocabulary::{BriefState, Kind};

crate::vocabulary::vocabulary! {
    /// The formats of a brief: JSON, schema.org JSON-LD, IPTC ninjs 3.0, Markdown with front matter, an HTML fragment.
    BriefFormat { Json = "json", JsonLd = "jsonld", Ninjs = "ninjs", Markdown = "markdown", Html = "html" }
}

impl BriefFormat {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLd => "application/ld+json",
            Self::Ninjs => "application/ninjs+json",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// By which media types each format is asked for, the first where a client says nothing.
const OFFERS: &[(&str, BriefFormat)] = &[
    ("application/json", BriefFormat::Json),
    ("application/ld+json", BriefFormat::JsonLd),
    ("application/ninjs+json", BriefFormat::Ninjs),
    ("text/markdown", BriefFormat::Markdown),
    ("text/html", BriefFormat::Html),
];

/// What of a brief to show, and how.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BriefQuery {
    /// The members to show, with dots for members of members; everything else is left out. For JSON.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "slug,title")]
    pub fields: Option<String>,
    /// The time as of which to answer, not later than now: how the archive stood then, as far as the caller could see it then
    /// and may see it now.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2017-08-31T00:00:00Z")]
    pub as_of: Option<Timestamp>,
    /// The format, which is otherwise the one that `Accept` asks for.
    #[deserr(default)]
    #[param(inline)]
    pub format: Option<BriefFormat>,
}

/// Answers `GET` of a brief in the format that is asked for.
///
/// # Errors
/// As [`resource::answer_get`]; 410 for a retracted brief in a format that has no words for that.
pub async fn answer_get(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    id: &str,
    query: BriefQuery,
) -> Result<HttpResponse, Problem> {
    let BriefQuery { fields, as_of, format } = query;
    // To choose members is to ask for JSON, unless something else is asked for by name.
    let offers = if fields.is_some() { OFFERS.get(..1).unwrap_or_default() } else { OFFERS };
    let format = format.or_else(|| answer::accepted(request, offers)).ok_or_else(|| {
        Problem::not_acceptable(
            "application/json, application/ld+json, application/ninjs+json, text/markdown, text/html",
        )
    })?;
    if format == BriefFormat::Json && fields.is_none() && as_of.is_none() {
        return pages::answer_get(state, request, caller, id).await;
    }
    if format == BriefFormat::Json {
        let query = SingleQuery { fields, as_of, format: Some(SingleFormat::Json) };
        return resource::answer_get::<BriefRow>(state, request, caller, id, &query).await;
    }
    if fields.is_some() {
        return Err(Problem::parameter("fields", "is for `format=json`"));
    }
    let (reference, config) = (Reference::from_text(id), state.config.clone());
    let (head, (version, body)) = state
        .ask(request, caller, as_of, move |connection, sight| {
            let row: BriefRow = resource::find(connection, sight, &reference)?;
            let brief = BriefRow::view(connection, sight, row)?;
            Ok((brief.version, rendered(connection, sight, &config, &brief, format)?))
        })
        .await?;
    Ok(answer::rendered(request, caller, head, version, format.media_type(), body))
}

fn rendered(
    connection: &mut Connection,
    sight: Sight,
    config: &Config,
    brief: &BriefView,
    format: BriefFormat,
) -> Result<Vec<u8>, Problem> {
    match format {
        BriefFormat::Json => as_json(brief),
        BriefFormat::Ninjs => as_json(&ninjs::document(config, brief)),
        BriefFormat::Markdown => Ok(markdown::document(config, brief).into_bytes()),
        BriefFormat::Html => Ok(html::fragment(config, brief).into_string().into_bytes()),
        BriefFormat::JsonLd => {
            // A copy of it, found by a search engine, would go on as if nothing had happened.
            if brief.state == BriefState::Retracted {
                return Err(withdrawn(brief));
            }
            let actors = actors_of(connection, sight, brief)?;
            as_json(&jsonld::document(config, brief, &actors))
        }
    }
}

fn withdrawn(brief: &BriefView) -> Problem {
    let (at, reason, replacement) = match &brief.retraction {
        Some(retraction) => (retraction.at, Some(retraction.reason.clone()), retraction.replacement.clone()),
        None => (brief.updated_at, None, None),
    };
    Problem::gone(Kind::Brief.as_str(), "retracted")
        .with_member("retracted_at", at.to_string())
        .with_member("reason", reason)
        .with_member("replacement", replacement)
}

/// Those who take part, with all their names.
fn actors_of(connection: &mut Connection, sight: Sight, brief: &BriefView) -> Result<Vec<ActorView>, Problem> {
    let ids: Vec<Id> = brief.actors.iter().flatten().map(|actor| actor.id).collect();
    ActorFilter::default().rows(connection, sight, &Extras::all(&[]), &ids)
}

/// Where a person reads a brief: on the site that it comes from, or on the page that it has here.
#[must_use]
pub fn page_url(config: &Config, slug: &str, canonical: Option<&str>) -> String {
    canonical.map_or_else(|| format!("{}/v1/briefs/{slug}?format=html", config.public_url), ToOwned::to_owned)
}

/// Where the terms of a closed list are explained.
#[must_use]
pub fn vocabulary_url(config: &Config, name: &str) -> String {
    format!("{}/openapi.json#/components/schemas/{name}", config.public_url)
}

/// Without what says nothing.
fn compact(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| *member != Value::Null && *member != Value::Array(Vec::new()));
    }
    value
}
