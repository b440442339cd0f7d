//! Lines of judgement: what was said of one thing from week to week, and what became of it.

use std::collections::HashMap;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::filter::{TrendFilter, TrendSort};
use super::model::TrendView;
use crate::access::{Reader, Sight};
use crate::app::AppState;
use crate::db::Connection;
use crate::db::types::Id;
use crate::http::page::{self, Extras, Listed, Rows, Window};
use crate::http::query::{FilterOnly, ListQuery, ListView, Many, Unfiltered};
use crate::openapi::PageOf;
use crate::problem::Problem;
use crate::scalars::Slug;
use crate::search::Finder;
use crate::search::ask::Ask;
use crate::search::document::{Tag, day_of_number};
use crate::search::gather::Wish;
use crate::search::lists::{Searched, Standing};
use crate::search::ranking::{Key, Order, Page};
use crate::search::tally::{Counts, Facet, Value};
use crate::vocabulary::Outcome;

/// A line of judgement, as far as its statements pass the filter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Series {
    /// Its name, by which trends belong to it.
    #[schema(example = "army-influence")]
    pub slug: String,
    /// How many statements it has.
    #[schema(example = 12)]
    pub statements: u64,
    /// The last day of the period of its first statement.
    #[schema(example = "2017-05-28")]
    pub first: Option<NaiveDate>,
    /// The last day of the period of its latest statement.
    #[schema(example = "2017-10-01")]
    pub last: Option<NaiveDate>,
    /// What became of its statements.
    pub outcomes: Outcomes,
    /// Its latest statement.
    pub latest: Option<TrendView>,
}

/// How many statements came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Outcomes {
    /// Not judged yet.
    #[schema(example = 9)]
    pub pending: u64,
    /// Came true.
    #[schema(example = 2)]
    pub confirmed: u64,
    /// Did not.
    #[schema(example = 1)]
    pub refuted: u64,
    /// Came true in part.
    #[schema(example = 0)]
    pub mixed: u64,
}

impl Outcomes {
    fn of(counts: &Counts) -> Self {
        let count = |outcome: Outcome| {
            let of = counts.iter().find(|(value, _)| matches!(value, Value::Text(text) if text == outcome.as_str()));
            of.map_or(0, |(_, count)| *count)
        };
        Self {
            pending: count(Outcome::Pending),
            confirmed: count(Outcome::Confirmed),
            refuted: count(Outcome::Refuted),
            mixed: count(Outcome::Mixed),
        }
    }
}

/// List lines of judgement
///
/// Those with a statement that passes the filter, in the order of their names; what is said of each is said of such statements.
#[utoipa::path(
    tag = "trends", operation_id = "listSeries", params(FilterOnly<TrendFilter>, ListView),
    responses((status = 200, description = "A page of lines", body = PageOf<Series>))
)]
#[get("/v1/series")]
pub async fn list(
    state: Data<AppState>,
    caller: Reader,
    ListQuery { filter: FilterOnly(filter), view, rest }: ListQuery<FilterOnly<TrendFilter>>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let standing = if view.as_of.is_some() { Standing::past() } else { Standing::now(state.finder(&request).await?) };
    page::list(&state, &request, &caller, ListQuery { filter: Lines { filter, standing }, view, rest }).await
}

/// Read a line of judgement
///
/// Every statement of it, the earliest first, with its direction, likelihood, outcome and evidence.
#[utoipa::path(
    tag = "trends", operation_id = "getSeries", params(ListView),
    responses((status = 200, description = "A page of its statements", body = PageOf<TrendView>))
)]
#[get("/v1/series/{slug}")]
pub async fn get(
    state: Data<AppState>,
    caller: Reader,
    slug: Path<String>,
    ListQuery { filter: Unfiltered, view, rest }: ListQuery<Unfiltered>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let slug: Slug = slug.parse().map_err(|_| unknown())?;
    page::list(&state, &request, &caller, ListQuery { filter: Statements::of(slug), view, rest }).await
}

fn unknown() -> Problem {
    Problem::not_found("line of judgement")
}

/// The lines that statements belong to.
#[derive(Clone)]
struct Lines {
    filter: TrendFilter,
    standing: Standing,
}

impl Lines {
    /// Every line with a statement that passes, in order.
    fn slugs(&self, connection: &mut Connection, sight: Sight) -> Result<Vec<String>, Problem> {
        let finder = self.standing.finder(connection, sight, &self.filter, false)?;
        let ask = self.filter.ask(connection, sight)?;
        let counts = finder.count(&sight.caller, &ask, Facet::Tag(Tag::Series))?;
        let is_asked = |slug: &String| {
            let asked = &self.filter.series.0;
            asked.is_empty() || asked.iter().any(|other| other.as_str() == slug)
        };
        let slugs = counts.into_iter().filter_map(|(value, _)| match value {
            Value::Text(slug) => Some(slug).filter(is_asked),
            Value::Id(_) | Value::Number(_) => None,
        });
        Ok(slugs.collect())
    }

    fn described(&self, connection: &mut Connection, sight: Sight, slugs: &[String]) -> Result<Vec<Series>, Problem> {
        let finder = self.standing.finder(connection, sight, &self.filter, false)?;
        let ask = self.filter.ask(connection, sight)?;
        let mut lines = Vec::new();
        for slug in slugs {
            let line = ask.clone().tagged(Tag::Series, [slug.as_str()]);
            lines.push(described(&finder, sight, slug, &line)?);
        }
        let latest: Vec<Id> = lines.iter().filter_map(|(_, latest)| *latest).collect();
        let views = TrendFilter::default().rows(connection, sight, &Extras::default(), &latest)?;
        let mut views: HashMap<Id, TrendView> = views.into_iter().map(|view| (view.id, view)).collect();
        Ok(lines
            .into_iter()
            .map(|(line, latest)| Series { latest: latest.and_then(|id| views.remove(&id)), ..line })
            .collect())
    }
}

fn described(finder: &Finder, sight: Sight, slug: &str, line: &Ask) -> Result<(Series, Option<Id>), Problem> {
    let end = |descending| Page { order: Order::Place { descending }, after: None, limit: 1 };
    let last = Wish { page: Some(end(true)), facets: vec![Facet::Tag(Tag::Outcome)], ..Wish::default() };
    let last = finder.gather(&sight.caller, line, last)?;
    let first = finder.gather(&sight.caller, line, Wish::page(end(false)))?;
    let day = |key: Option<&Key>| key.and_then(|key| day_of_number(key.value));
    let series = Series {
        slug: slug.to_owned(),
        statements: last.total,
        first: day(first.page.first()),
        last: day(last.page.first()),
        outcomes: last.facets.first().map(Outcomes::of).unwrap_or_default(),
        latest: None,
    };
    Ok((series, last.page.first().map(|key| key.id)))
}

const BY_SLUG: &str = "slug";

impl Listed for Lines {
    type View = Series;
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
    ) -> Result<Rows<Series>, Problem> {
        let after = window.after::<String>(BY_SLUG)?.map(|(slug, _)| slug);
        let mut slugs = self.slugs(connection, sight)?;
        slugs.retain(|slug| after.as_ref().is_none_or(|after| slug > after));
        // A line has no identity but its name.
        let page = window.cut_sorted(BY_SLUG, slugs, |slug| (slug.clone(), Id(uuid::Uuid::nil())));
        page.map(|slugs| self.described(connection, sight, &slugs))
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        Ok(i64::try_from(self.slugs(connection, sight)?.len()).unwrap_or(i64::MAX))
    }

    fn fresh_to(&self) -> i64 {
        self.standing.fresh_to()
    }

    fn is_long(&self) -> bool {
        true
    }
}

/// The statements of one line.
#[derive(Clone)]
struct Statements(TrendFilter);

impl Statements {
    fn of(slug: Slug) -> Self {
        Self(TrendFilter { series: Many(vec![slug]), sort: Some(TrendSort::PeriodTo), ..TrendFilter::default() })
    }
}

impl Listed for Statements {
    type View = TrendView;
    const EXTRAS: &'static [&'static str] = TrendFilter::EXTRAS;

    fn included(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        window: &Window,
    ) -> Result<Rows<TrendView>, Problem> {
        let rows = self.0.page(connection, sight, extras, window)?;
        if rows.rows.is_empty() && self.0.count(connection, sight)? == 0 { Err(unknown()) } else { Ok(rows) }
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        self.0.count(connection, sight)
    }
}
