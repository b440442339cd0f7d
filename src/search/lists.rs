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
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ask::Ask;
use super::counts::{self, FacetName, Facets};
use super::document::Document;
use super::gather::Wish;
use super::ranking::{Key, Order, Page};
use super::snippet::Marker;
use super::tally::Facet;
use super::wanted::Wanted;
use super::{Finder, documents};
use crate::access::{Audience, Caller, Sight};
use crate::actors::resolve;
use crate::app::AppState;
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, once_there};
use crate::http::answer;
use crate::http::body::Invalid;
use crate::http::page::{self, Extras, JsonPage, JsonRows, Listed, Rows, Window};
use crate::http::query::{Limit, ListQuery, Many, SearchText, Unfiltered};
use crate::journal::{self, Head};
use crate::problem::Problem;
use crate::projections::Ready;
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

    /// How often the values of these facets occur in what is asked for.
    ///
    /// # Errors
    /// When the index or the database cannot be read.
    fn counted(
        connection: &mut Connection,
        sight: Sight,
        finder: &Finder,
        ask: &Ask,
        names: &[FacetName],
        limit: usize,
    ) -> Result<Facets, Problem> {
        facets(connection, sight, finder, ask, names, limit, Self::KIND == Kind::Actor)
    }

    /// The same as JSON, of which some may be ready.
    ///
    /// # Errors
    /// When a query fails.
    fn rows_as_json(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        ids: &[Id],
        _: &mut Ready,
    ) -> Result<JsonPage, Problem> {
        JsonPage::of(&self.rows(connection, sight, extras, ids)?)
    }

    /// What is searched in these of its rows, as far as the caller sees it.
    ///
    /// # Errors
    /// When a query fails.
    fn texts(connection: &mut Connection, sight: Sight, ids: &[Id], _: &mut Ready) -> Result<Vec<Searchable>, Problem> {
        let class = Audience::only(&sight.caller);
        let documents = documents(connection, Self::KIND, sight.moment, ids)?;
        let seen = documents.into_iter().filter(|document| document.audience.meets(class));
        Ok(seen.map(|Document { id, title, text, .. }| Searchable { id, title, text }).collect())
    }
}

/// What is searched in a resource.
#[derive(Debug, Clone)]
pub struct Searchable {
    /// Which one.
    pub id: Id,
    /// What it is called.
    pub title: String,
    /// Everything else that is searched.
    pub text: String,
}

impl Searchable {
    /// It as it is kept ready. No text has a zero byte in it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.id.0.as_bytes(), self.title.as_bytes(), b"\0", self.text.as_bytes()].concat()
    }

    /// It as it was kept.
    ///
    /// # Errors
    /// 500 when it was not kept so.
    pub fn of_bytes(kept: &[u8]) -> Result<Self, Problem> {
        let read = || {
            let (id, words) = kept.split_first_chunk()?;
            let (title, text) = std::str::from_utf8(words).ok()?.split_once('\0')?;
            Some(Self { id: Id(Uuid::from_bytes(*id)), title: title.to_owned(), text: text.to_owned() })
        };
        read().ok_or_else(|| Problem::internal("what is searched was not kept well"))
    }
}

/// How a row matches what was searched for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Match {
    /// The row's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// How well, higher is better; only comparable within one query. Null where the order is another one.
    #[schema(example = 7.31)]
    pub score: Option<f64>,
    /// What it is called, as HTML with the matches in `mark` elements and no other markup.
    #[schema(example = "<mark>Border</mark> guards get a new deputy chairman")]
    pub title: String,
    /// An extract of the text where the most is found, as the title is; null if only the title matches.
    #[schema(example = "… appointed Deputy Chairman of the State <mark>Border</mark> <mark>Committee</mark> …")]
    pub snippet: Option<String>,
}

/// The index that a question goes to: that of now or, as of a time, one of what passes the filter, made when it is first
/// needed and kept while the question lasts.
#[derive(Clone)]
pub struct Standing {
    finder: Arc<OnceLock<Arc<Finder>>>,
    of_the_past: bool,
}

impl Standing {
    /// The index of now.
    #[must_use]
    pub fn now(finder: Arc<Finder>) -> Self {
        Self { finder: Arc::new(OnceLock::from(finder)), of_the_past: false }
    }

    /// One that is made of the past.
    #[must_use]
    pub fn past() -> Self {
        Self { finder: Arc::default(), of_the_past: true }
    }

    /// The position up to which it knows everything.
    #[must_use]
    pub fn fresh_to(&self) -> i64 {
        let now = self.finder.get().filter(|_| !self.of_the_past);
        now.map_or(i64::MAX, |finder| finder.position)
    }

    /// It, if it is that of now.
    #[must_use]
    pub fn of_now(&self) -> Option<&Arc<Finder>> {
        self.finder.get().filter(|_| !self.of_the_past)
    }

    /// It.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist.
    pub fn finder<L: Searched>(
        &self,
        connection: &mut Connection,
        sight: Sight,
        filter: &L,
        with_texts: bool,
    ) -> Result<Arc<Finder>, Problem> {
        if let Some(finder) = self.finder.get() {
            return Ok(Arc::clone(finder));
        }
        let ids = filter.ids(connection, sight)?;
        if ids.len() > MOST_OF_THE_PAST {
            let detail = format!(
                "is too much to work out as of a time: {} rows, and at most {MOST_OF_THE_PAST} can be; narrow it",
                ids.len()
            );
            return Err(Problem::parameter("as_of", detail));
        }
        let made = passing(connection, L::KIND, sight, &ids, with_texts)?;
        Ok(Arc::clone(self.finder.get_or_init(|| Arc::new(made))))
    }
}

/// A list that is searched.
#[derive(Clone)]
pub struct Sought<L> {
    filter: L,
    finding: Finding,
    wanted: Option<Arc<Wanted>>,
    standing: Option<Standing>,
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
    let standing = match (wanted.is_some() || !finding.facets.0.is_empty(), view.as_of) {
        (false, _) => None,
        (true, None) => Some(Standing::now(state.finder(request).await?)),
        (true, Some(_)) => Some(Standing::past()),
    };
    let sought = Sought { filter, finding, wanted, standing };
    page::list(state, request, caller, ListQuery { filter: sought, view, rest: Unfiltered }).await
}

impl<L: Searched> Sought<L> {
    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem> {
        Ok(self.filter.ask(connection, sight)?.wanting(self.wanted.as_deref().cloned()))
    }

    fn finder(&self, connection: &mut Connection, sight: Sight) -> Result<Arc<Finder>, Problem> {
        let standing = self.standing.as_ref().ok_or_else(|| Problem::internal("nothing was searched for"))?;
        standing.finder(connection, sight, &self.filter, self.wanted.is_some())
    }

    /// The page of what is searched for, and how well each row of it matches if that is the order.
    fn found(&self, connection: &mut Connection, sight: Sight, window: &Window) -> Result<(Rows<Id>, Scores), Problem> {
        let (name, order) = self.filter.order()?.unwrap_or(("relevance", Order::Relevance));
        let (finder, ask) = (self.finder(connection, sight)?, self.ask(connection, sight)?);
        let after = window.after::<i64>(name)?.map(|(value, id)| Key { value, id });
        let limit = usize::try_from(window.fetch()).unwrap_or_default();
        let keys = finder.gather(&sight.caller, &ask, Wish::page(Page { order, after, limit }))?.page;
        let keys = window.cut_sorted(name, keys, |key| (key.value.to_string(), key.id));
        let scored = order == Order::Relevance;
        let found = keys.rows.iter().map(|key| (key.id, scored.then(|| hundredths(key.value)))).collect();
        Ok((keys.map(|keys| Ok::<_, Problem>(keys.into_iter().map(|key| key.id).collect()))?, found))
    }

    fn facets_of(&self, connection: &mut Connection, sight: Sight) -> Result<Facets, Problem> {
        let (finder, ask) = (self.finder(connection, sight)?, self.ask(connection, sight)?);
        let limit = self.finding.facet_limit.map_or(DEFAULT_FACET_LIMIT, |limit| limit.0 as usize);
        L::counted(connection, sight, &finder, &ask, &self.finding.facets.0, limit)
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
    let facets: Vec<Facet> = names.iter().map(|name| name.facet(of_actors)).collect();
    let wish = Wish { facets: facets.clone(), ..Wish::default() };
    let gathered = finder.gather(&sight.caller, ask, wish)?;
    let mut counted = Facets::new();
    for ((name, facet), counts) in names.iter().zip(facets).zip(gathered.facets) {
        counted.insert(*name, counts::ranked(connection, sight.moment, facet, counts, limit)?);
    }
    Ok(counted)
}

/// Asks the archive and its index one question, as of a time or now, and tells how fresh the answer is. The past, of which
/// there is no index, takes long.
///
/// # Errors
/// What `question` returns, 400 for a time to come, and 503 while the index is being built.
pub async fn asked<T: Send + 'static>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    as_of: Option<Timestamp>,
    question: impl FnOnce(&mut Connection, Sight, Standing) -> Result<T, Problem> + Send + 'static,
) -> Result<(Head, T), Problem> {
    let at_least = answer::at_least(request)?;
    state.settle(as_of).await?;
    let standing = match as_of {
        None => Standing::now(state.finder(request).await?),
        Some(_) => Standing::past(),
    };
    let (caller, fresh_to) = (*caller, standing.fresh_to());
    let work = move |connection: &mut Connection| {
        let sight = journal::sight(connection, &caller, as_of)?;
        let answer = question(connection, sight, standing)?;
        let seen = journal::last_seen(connection, &caller)?;
        Ok::<_, Problem>((journal::last_seen_up_to(connection, &caller, seen, fresh_to)?, answer))
    };
    let _turn = state.turn(as_of.is_some()).await?;
    match state.db.scan(once_there(at_least, work)).await {
        Ok(answer) => Ok(answer),
        Err(problem) => Err(resolve::with_candidates(state, &caller, problem).await),
    }
}

/// How many resources an index of the past has at most.
const MOST_OF_THE_PAST: usize = 200_000;
/// How many resources are made into documents at a time.
const CHUNK: usize = 1000;

/// An index of these resources as they stood at a moment of the past.
///
/// # Errors
/// When a query fails.
fn passing(
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
    const IS_KEPT: bool = L::IS_KEPT;

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
        let (ids, found) = self.found(connection, sight, window)?;
        let texts = L::texts(connection, sight, &ids.rows, &mut Ready::nothing())?;
        let rows = self.filter.rows(connection, sight, extras, &ids.rows)?;
        Ok(Rows { rows, next: ids.next, matches: Some(matches(wanted, found, texts)) })
    }

    fn json(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        window: &Window,
        ready: &mut Ready,
    ) -> Result<JsonRows, Problem> {
        let Some(wanted) = self.wanted.as_deref() else {
            return self.filter.json(connection, sight, extras, window, ready);
        };
        let (ids, found) = self.found(connection, sight, window)?;
        let texts = L::texts(connection, sight, &ids.rows, ready)?;
        let page = self.filter.rows_as_json(connection, sight, extras, &ids.rows, ready)?;
        Ok(JsonRows { page, next: ids.next, matches: Some(matches(wanted, found, texts)) })
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        if self.wanted.is_none() {
            return self.filter.count(connection, sight);
        }
        let (finder, ask) = (self.finder(connection, sight)?, self.ask(connection, sight)?);
        Ok(i64::try_from(finder.gather(&sight.caller, &ask, Wish::default())?.total).unwrap_or(i64::MAX))
    }

    fn facets(&self, connection: &mut Connection, sight: Sight) -> Result<Option<Facets>, Problem> {
        if self.finding.facets.0.is_empty() { Ok(None) } else { self.facets_of(connection, sight).map(Some) }
    }

    fn fresh_to(&self) -> i64 {
        self.standing.as_ref().map_or(i64::MAX, Standing::fresh_to)
    }

    fn is_long(&self) -> bool {
        self.standing.is_some()
    }
}

/// How well each row matches, if that is the order.
type Scores = Vec<(Id, Option<f64>)>;

/// How the rows of a page match, in their order.
fn matches(wanted: &Wanted, found: Scores, texts: Vec<Searchable>) -> Vec<Match> {
    let marker = Marker::of(wanted);
    let texts: HashMap<Id, Searchable> = texts.into_iter().map(|text| (text.id, text)).collect();
    found
        .into_iter()
        .filter_map(|(id, score)| {
            let found = texts.get(&id)?;
            let (title, snippet) = (marker.whole(&found.title), marker.extract(&found.text));
            Some(Match { id, score, title, snippet })
        })
        .collect()
}

/// A number of hundredths.
#[must_use]
pub fn hundredths(count: i64) -> f64 {
    i32::try_from(count).map_or(0.0, |count| f64::from(count) / 100.0)
}
