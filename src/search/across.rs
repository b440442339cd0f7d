//! One search across all kinds of resources.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Finder;
use super::ask::Ask;
use super::counts::{FacetName, Facets};
use super::document::{Document, Naming, Tag};
use super::gather::Wish;
use super::lists::{DEFAULT_FACET_LIMIT, facets, hundredths};
use super::ranking::{Key, Order, Page};
use super::snippet::Marker;
use super::source::documents;
use super::wanted::Wanted;
use crate::access::{Audience, Moment, Reader, Sight};
use crate::actors::names;
use crate::app::AppState;
use crate::categories;
use crate::db::schema::resources;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks};
use crate::http::body::Invalid;
use crate::http::dates::{Span, When};
use crate::http::page::{self, Extras, Listed, Rows, Window};
use crate::http::query::{Limit, ListQuery, ListView, Many, NameOrSlug, Repeated, SearchText};
use crate::openapi::PageOf;
use crate::problem::Problem;
use crate::scalars::{CountryCode, Day, LanguageCode};
use crate::vocabulary::Kind;

/// The route of the search across kinds.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(search);
}

/// What to search for, and among what.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct SearchFilter {
    /// Words to find, all of them: "a phrase" in quotes, -without this, and the last word may be a beginning.
    #[param(value_type = String, max_length = 1000, example = "border committ")]
    pub q: SearchText,
    /// What to search among; any of several, all of them unless given.
    #[deserr(default, rename = "type")]
    #[param(rename = "type", value_type = Option<Vec<Kind>>, style = Form, explode = false, example = json!(["brief", "event"]))]
    pub kind: Many<Kind>,
    /// What names any of these actors: an id, a slug or any known name.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, example = json!(["alyaksandr-lukashenka"]))]
    pub actor: Repeated,
    /// What belongs to this category, by id or slug; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["security"]))]
    pub category: Many<NameOrSlug>,
    /// What is of this country, ISO 3166-1; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["BY"]))]
    pub country: Many<CountryCode>,
    /// Briefs and trends in this language, BCP 47; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["en"]))]
    pub language: Many<LanguageCode>,
    /// What is dated on this day or later: briefs by their publication, events and trends as their lists.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-07-01")]
    pub from: Option<When>,
    /// What is dated on this day or earlier.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-10-31")]
    pub to: Option<When>,
    /// What is dated on this day.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = Date, example = "2017-07-25")]
    pub on: Option<Day>,
    /// What to count the values of: any of several, with commas.
    #[deserr(default)]
    #[param(value_type = Option<Vec<FacetName>>, style = Form, explode = false, example = json!(["type", "year"]))]
    pub facets: Many<FacetName>,
    /// How many values each facet has at most, the most frequent first.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20, example = 20)]
    pub facet_limit: Option<Limit>,
}

/// What was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Hit {
    /// What it is.
    pub r#type: Kind,
    /// The resource's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "sergey-novikov-appointed-deputy-chairman-2017-07-07")]
    pub slug: String,
    /// What it is called.
    #[schema(example = "Border guards get a new deputy chairman")]
    pub title: String,
    /// The day of a brief's publication, the first day of an event, the last of the period of a trend.
    #[schema(example = "2017-07-07")]
    pub date: Option<NaiveDate>,
    /// How well it matches, higher is better; only comparable within one query.
    #[schema(example = 7.31)]
    pub score: f64,
    /// The title as HTML, with the matches in `mark` elements and no other markup.
    #[schema(example = "<mark>Border</mark> guards get a new deputy chairman")]
    pub title_html: String,
    /// An extract of the text where the most is found, as the title is; null if only the title matches.
    #[schema(example = "… appointed Deputy Chairman of the State <mark>Border</mark> <mark>Committee</mark> …")]
    pub snippet: Option<String>,
}

const FACETS: &[FacetName] = &[
    FacetName::Type,
    FacetName::Category,
    FacetName::Country,
    FacetName::Kind,
    FacetName::Actor,
    FacetName::Direction,
    FacetName::Assessment,
    FacetName::CategoryStatus,
    FacetName::Language,
    FacetName::Year,
    FacetName::Month,
];

/// Search everything
///
/// Briefs, events, actors, trends and categories, the best first, each with the matches marked.
#[utoipa::path(
    tag = "search", operation_id = "search", params(SearchFilter, ListView),
    responses((status = 200, description = "A page of what was found", body = PageOf<Hit>))
)]
#[get("/v1/search")]
pub async fn search(
    state: Data<AppState>,
    caller: Reader,
    ListQuery { filter, view, rest }: ListQuery<SearchFilter>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    if view.as_of.is_some() {
        return Err(Problem::parameter("as_of", "is for lists: search the list of one kind as of a time"));
    }
    if let Some(other) = filter.facets.0.iter().find(|facet| !FACETS.contains(facet)) {
        let known: Vec<&str> = FACETS.iter().map(|facet| facet.as_str()).collect();
        let detail = format!("has `{other}`, by which this is not counted; it knows: {}", known.join(", "));
        return Err(Problem::parameter("facets", detail));
    }
    let finder = state.finder(&request).await?;
    let wanted = Arc::new(Wanted::read(&filter.q.0));
    let filter = Across { filter, wanted, finder };
    page::list(&state, &request, &caller, ListQuery { filter, view, rest }).await
}

/// A search with the index that answers it.
#[derive(Clone)]
struct Across {
    filter: SearchFilter,
    wanted: Arc<Wanted>,
    finder: Arc<Finder>,
}

impl Across {
    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem> {
        let SearchFilter { actor, category, country, language, from, to, on, .. } = &self.filter;
        let actors = names::meant_by(connection, sight, "actor", actor)?;
        let span = Span::of(*from, *to, *on)?;
        Ok(Ask::of(&self.filter.kind.0)
            .wanting(Some(Wanted::clone(&self.wanted)))
            .naming(Naming::Actor, actors.into_iter().flatten())
            .naming(Naming::Category, categories::store::meant_by(connection, sight, &category.0)?)
            .tagged(Tag::Country, country.0.iter().map(CountryCode::as_str))
            .tagged(Tag::Language, language.0.iter().map(LanguageCode::as_str))
            .between_days(span.first_day(), span.last_day()))
    }

    fn hits(&self, connection: &mut Connection, sight: Sight, keys: &[Key]) -> Result<Vec<Hit>, Problem> {
        let ids: Vec<Id> = keys.iter().map(|key| key.id).collect();
        let kinds = in_chunks::<_, (Kind, Id), Problem>(&ids, |ids| {
            resources::table.filter(among(resources::id, ids)).select((resources::kind, resources::id)).load(connection)
        })?;
        let class = Audience::only(&sight.caller);
        let mut found: HashMap<Id, Document> = HashMap::new();
        for kind in Kind::ALL {
            let ids: Vec<Id> = kinds.iter().filter(|(of, _)| of == kind).map(|(_, id)| *id).collect();
            if !ids.is_empty() {
                let documents = documents(connection, *kind, Moment::Head, &ids)?;
                let seen = documents.into_iter().filter(|document| document.audience.meets(class));
                found.extend(seen.map(|document| (document.id, document)));
            }
        }
        let marker = Marker::of(&self.wanted);
        Ok(keys.iter().filter_map(|key| Some(hit(&marker, found.remove(&key.id)?, key.value))).collect())
    }
}

fn hit(marker: &Marker<'_>, document: Document, score: i64) -> Hit {
    Hit {
        r#type: document.kind,
        id: document.id,
        slug: document.slug,
        date: document.counted,
        score: hundredths(score),
        title_html: marker.whole(&document.title),
        snippet: marker.extract(&document.text),
        title: document.title,
    }
}

const BY_RELEVANCE: &str = "relevance";

impl Listed for Across {
    type View = Hit;
    const EXTRAS: &'static [&'static str] = &[];

    fn included(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        _: &Extras,
        window: &Window,
    ) -> Result<Rows<Hit>, Problem> {
        let ask = self.ask(connection, sight)?;
        let after = window.after::<i64>(BY_RELEVANCE)?.map(|(value, id)| Key { value, id });
        let limit = usize::try_from(window.fetch()).unwrap_or_default();
        let wish = Wish::page(Page { order: Order::Relevance, after, limit });
        let keys = self.finder.gather(&sight.caller, &ask, wish)?.page;
        let keys = window.cut_sorted(BY_RELEVANCE, keys, |key| (key.value, key.id));
        keys.map(|keys| self.hits(connection, sight, &keys))
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        let ask = self.ask(connection, sight)?;
        let total = self.finder.gather(&sight.caller, &ask, Wish::default())?.total;
        Ok(i64::try_from(total).unwrap_or(i64::MAX))
    }

    fn is_long(&self) -> bool {
        true
    }

    fn fresh_to(&self) -> i64 {
        self.finder.position
    }

    fn facets(&self, connection: &mut Connection, sight: Sight) -> Result<Option<Facets>, Problem> {
        if self.filter.facets.0.is_empty() {
            return Ok(None);
        }
        let ask = self.ask(connection, sight)?;
        let limit = self.filter.facet_limit.map_or(DEFAULT_FACET_LIMIT, |limit| limit.0 as usize);
        facets(connection, sight, &self.finder, &ask, &self.filter.facets.0, limit, false).map(Some)
    }
}
