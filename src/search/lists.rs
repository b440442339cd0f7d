//! Lists that are searched: `q`, `facets`, and rows in the order of relevance.
//!
//! [`Sought`] is a list like any other, whose pages come from the index where words are searched for and from the database
//! where not.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use deserr::Deserr;
use serde::Serialize;
use tantivy::collector::Count;
use utoipa::{IntoParams, ToSchema};

use super::ask::Ask;
use super::counts::{self, FacetName, Facets};
use super::document::Document;
use super::gather::{Counts, Key, Order, Page};
use super::snippet::Marker;
use super::wanted::Wanted;
use super::{Finder, documents};
use crate::access::{Audience, Caller, Sight};
use crate::app::AppState;
use crate::db::Connection;
use crate::db::types::Id;
use crate::http::body::Invalid;
use crate::http::page::{self, Extras, Listed, Rows, Window};
use crate::http::query::{Limit, ListQuery, Many, SearchText, Unfiltered};
use crate::problem::Problem;
use crate::vocabulary::Kind;

/// What lists can be asked beside their filters: words, and counts.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct Finding {
    /// Words to find, all of them: "a phrase" in quotes, -without this, and the last word may be a beginning. The best come
    /// first unless `sort` says otherwise; `matches` says how well each row matches and where.
    #[deserr(default)]
    #[param(value_type = Option<String>, max_length = 1000, example = "border committ")]
    pub q: Option<SearchText>,
    /// What to count the values of, over all pages: any of several, with commas.
    #[deserr(default)]
    #[param(value_type = Option<Vec<FacetName>>, style = Form, explode = false, example = json!(["country", "year"]))]
    pub facets: Many<FacetName>,
    /// How many values each facet has at most, the most frequent first.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20, example = 20)]
    pub facet_limit: Option<Limit>,
}

/// How many values a facet has unless told otherwise.
pub const DEFAULT_FACET_LIMIT: usize = 20;

/// What a list says of itself so that it can be searched.
pub trait Searched: Listed {
    /// What it lists.
    const KIND: Kind;

    /// What it can be counted by.
    const FACETS: &'static [FacetName];

    /// Its filter, as the index understands it.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist.
    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem>;

    /// In which order it was asked for, if it was: by its name, and as the index understands it.
    ///
    /// # Errors
    /// 400 for an order that the index does not know.
    fn order(&self) -> Result<Option<(&'static str, Order)>, Problem>;

    /// Everything that passes its filter, as of a time: what a passing index is made of.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist.
    fn ids(&self, connection: &mut Connection, sight: Sight) -> Result<Vec<Id>, Problem>;

    /// These of its rows, as far as they are seen, in this order.
    ///
    /// # Errors
    /// When a query fails.
    fn rows(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        ids: &[Id],
    ) -> Result<Vec<Self::View>, Problem>;
}

/// How a row matches what was searched for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Match {
    /// The row's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// How well, higher is better; only comparable within one query.
    #[schema(example = 7.31)]
    pub score: f64,
    /// What it is called, as HTML with the matches in `mark` elements and no other markup.
    #[schema(example = "<mark>Border</mark> guards get a new deputy chairman")]
    pub title: String,
    /// An extract of the text where the most is found, as the title is; null if only the title matches.
    #[schema(example = "… appointed Deputy Chairman of the State <mark>Border</mark> <mark>Committee</mark> …")]
    pub snippet: Option<String>,
}

/// A list that is searched.
#[derive(Clone)]
pub struct Sought<L> {
    filter: L,
    finding: Finding,
    wanted: Option<Arc<Wanted>>,
    /// The index as of now; that of the past is made when it is first needed.
    finder: Arc<OnceLock<Arc<Finder>>>,
    of_the_past: bool,
}

/// Answers a list, with words and counts from the index if they are asked for.
///
/// # Errors
/// 400 for parameters that are wrong, 503 while the index is being built.
pub async fn list<L: Searched>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    ListQuery { filter, view, rest: finding }: ListQuery<L, Finding>,
) -> Result<HttpResponse, Problem> {
    if let Some(other) = finding.facets.0.iter().find(|facet| !L::FACETS.contains(facet)) {
        let known: Vec<&str> = L::FACETS.iter().map(|facet| facet.as_str()).collect();
        let detail = format!("has `{other}`, by which this list is not counted; it knows: {}", known.join(", "));
        return Err(Problem::parameter("facets", detail));
    }
    let wanted = finding.q.as_ref().map(|q| Arc::new(Wanted::read(&q.0)));
    let of_the_past = view.as_of.is_some();
    let finder = Arc::new(OnceLock::new());
    if (wanted.is_some() || !finding.facets.0.is_empty()) && !of_the_past {
        let _ = finder.set(state.finder().await?);
    }
    let sought = Sought { filter, finding, wanted, finder, of_the_past };
    page::list(state, request, caller, ListQuery { filter: sought, view, rest: Unfiltered }).await
}

impl<L: Searched> Sought<L> {
    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem> {
        Ok(self.filter.ask(connection, sight)?.wanting(self.wanted.as_deref().cloned()))
    }

    fn finder(&self, connection: &mut Connection, sight: Sight) -> Result<Arc<Finder>, Problem> {
        if let Some(finder) = self.finder.get() {
            return Ok(Arc::clone(finder));
        }
        let ids = self.filter.ids(connection, sight)?;
        let found = passing(connection, L::KIND, sight, &ids, self.wanted.is_some())?;
        Ok(Arc::clone(self.finder.get_or_init(|| Arc::new(found))))
    }

    fn facets_of(&self, connection: &mut Connection, sight: Sight) -> Result<Facets, Problem> {
        let (finder, ask) = (self.finder(connection, sight)?, self.ask(connection, sight)?);
        let limit = self.finding.facet_limit.map_or(DEFAULT_FACET_LIMIT, |limit| limit.0 as usize);
        facets(connection, sight, &finder, &ask, &self.finding.facets.0, limit, L::KIND == Kind::Actor)
    }
}

/// How often the values of these facets occur in what is asked for.
///
/// # Errors
/// When the index or the database cannot be read.
pub fn facets(
    connection: &mut Connection,
    sight: Sight,
    finder: &Finder,
    ask: &Ask,
    names: &[FacetName],
    limit: usize,
    of_actors: bool,
) -> Result<Facets, Problem> {
    let mut facets = Facets::new();
    for name in names {
        let facet = name.facet(of_actors);
        let counts = finder.gather(&sight.caller, ask, Counts::by(facet, ask))?;
        facets.insert(*name, counts::ranked(connection, sight.moment, facet, counts, limit)?);
    }
    Ok(facets)
}

/// How many resources are made into documents at a time.
const CHUNK: usize = 1000;

/// An index of these resources as they stood at a moment of the past.
///
/// # Errors
/// When a query fails.
pub fn passing(
    connection: &mut Connection,
    kind: Kind,
    sight: Sight,
    ids: &[Id],
    with_texts: bool,
) -> Result<Finder, Problem> {
    let class = Audience::only(&sight.caller);
    let mut failure = None;
    let chunks = ids.chunks(CHUNK).map_while(|ids| {
        documents(connection, kind, sight.moment, ids).map_err(|problem| failure = Some(problem)).ok()
    });
    let seen = chunks.flatten().filter(|document| document.audience.meets(class));
    let needed = seen.map(|document| if with_texts { document } else { document.without_texts() });
    let finder = Finder::passing(needed)?;
    failure.map_or(Ok(finder), Err)
}

impl<L: Searched> Listed for Sought<L> {
    type View = L::View;
    const EXTRAS: &'static [&'static str] = L::EXTRAS;
    const SINGLE_ONLY: &'static [&'static str] = L::SINGLE_ONLY;

    fn included(&self) -> Vec<&'static str> {
        self.filter.included()
    }

    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        window: &Window,
    ) -> Result<Rows<L::View>, Problem> {
        let Some(wanted) = self.wanted.as_deref() else {
            return self.filter.page(connection, sight, extras, window);
        };
        let (name, order) = self.filter.order()?.unwrap_or(("relevance", Order::Relevance));
        let (finder, ask) = (self.finder(connection, sight)?, self.ask(connection, sight)?);
        let after = window.after::<i64>(name)?.map(|(value, id)| Key { value, id });
        let limit = usize::try_from(window.fetch()).unwrap_or_default();
        let keys = finder.gather(&sight.caller, &ask, Page { order, after, limit })?;
        let keys = window.cut_sorted(name, keys, |key| (key.value.to_string(), key.id));
        let ids: Vec<Id> = keys.rows.iter().map(|key| key.id).collect();
        let found = documents(connection, L::KIND, sight.moment, &ids)?;
        let scores: HashMap<Id, i64> = match order {
            Order::Relevance => keys.rows.iter().map(|key| (key.id, key.value)).collect(),
            _ => HashMap::new(),
        };
        let rows = self.filter.rows(connection, sight, extras, &ids)?;
        let matches = matches(wanted, sight, &ids, &scores, &found);
        Ok(Rows { rows, next: keys.next, matches: Some(matches) })
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        if self.wanted.is_none() {
            return self.filter.count(connection, sight);
        }
        let (finder, ask) = (self.finder(connection, sight)?, self.ask(connection, sight)?);
        Ok(i64::try_from(finder.gather(&sight.caller, &ask, Count)?).unwrap_or(i64::MAX))
    }

    fn facets(&self, connection: &mut Connection, sight: Sight) -> Result<Option<Facets>, Problem> {
        if self.finding.facets.0.is_empty() { Ok(None) } else { self.facets_of(connection, sight).map(Some) }
    }

    fn is_long(&self) -> bool {
        self.of_the_past && (self.wanted.is_some() || !self.finding.facets.0.is_empty())
    }
}

/// How the rows of a page match, in their order.
fn matches(wanted: &Wanted, sight: Sight, ids: &[Id], scores: &HashMap<Id, i64>, found: &[Document]) -> Vec<Match> {
    let (marker, class) = (Marker::of(wanted), Audience::only(&sight.caller));
    let seen: HashMap<Id, &Document> = found
        .iter()
        .filter(|document| document.audience.meets(class))
        .map(|document| (document.id, document))
        .collect();
    ids.iter()
        .filter_map(|id| seen.get(id))
        .map(|document| marker.matched(document, scores.get(&document.id)))
        .collect()
}

impl Marker<'_> {
    /// How a document matches; the score is in hundredths.
    #[must_use]
    pub fn matched(&self, document: &Document, score: Option<&i64>) -> Match {
        #[expect(clippy::cast_precision_loss, reason = "scores are small")]
        let score = score.map_or(0.0, |score| *score as f64 / 100.0);
        Match { id: document.id, score, title: self.whole(&document.title), snippet: self.extract(&document.text) }
    }
}
