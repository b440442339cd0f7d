//! What a list of trends can be asked, and the queries that answer it. A list by actor is read from `trend_actors`, every
//! other from `trends`, both along an index.

use chrono::NaiveDate;
use std::collections::HashSet;

use deserr::Deserr;
use diesel::dsl::exists;
use diesel::prelude::*;
use utoipa::IntoParams;

use super::model::{TrendRow, TrendView};
use super::views;
use crate::access::{Sight, Stands};
use crate::actors::names;
use crate::categories;
use crate::db::schema::{briefs, trend_actors, trends};
use crate::db::types::{Id, Timestamp};
use crate::db::{All, Among, Connection, among, in_chunks, in_order_of};
use crate::http::body::Invalid;
use crate::http::dates::{Span, When};
use crate::http::page::{self, Extras, Listed, Rows, SortKey, Window, merge_ordered};
use crate::http::query::{Many, NameOrSlug, Repeated};
use crate::journal::changed_since;
use crate::natively;
use crate::problem::Problem;
use crate::scalars::{CountryCode, Day, LanguageCode, Slug};
use crate::vocabulary::{Assessment, BriefState, Direction, Kind, Marking};
use crate::{in_order, one_of};

/// What a list of trends can be asked. Parameters narrow one another; several values of one widen it.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct TrendFilter {
    /// About any of these: an id, a slug or any known name of an actor.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, example = json!(["alyaksandr-lukashenka"]))]
    pub actor: Repeated,
    /// About all of these.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, example = json!(["belarus", "china"]))]
    pub all_actors: Repeated,
    /// Of briefs of this category; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["security"]))]
    pub category: Many<NameOrSlug>,
    /// Of briefs about this country, ISO 3166-1; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["BY"]))]
    pub country: Many<CountryCode>,
    /// Of briefs in this language, BCP 47; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["en"]))]
    pub language: Many<LanguageCode>,
    /// Of briefs whose period ends on this day or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-07-01")]
    pub from: Option<When>,
    /// Of briefs whose period begins on this day or earlier.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-10-31")]
    pub to: Option<When>,
    /// Of briefs whose period has this day.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = Date, example = "2017-07-25")]
    pub on: Option<Day>,
    /// Which way things move; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Direction>>, style = Form, explode = false, example = json!(["stable"]))]
    pub direction: Many<Direction>,
    /// What that means; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Assessment>>, style = Form, explode = false, example = json!(["progress"]))]
    pub assessment: Many<Assessment>,
    /// Of briefs with this status of their category; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Assessment>>, style = Form, explode = false, example = json!(["progress"]))]
    pub category_status: Many<Assessment>,
    /// Of this line of judgement; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["army-influence"]))]
    pub series: Many<Slug>,
    /// Of briefs in this state; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<BriefState>>, style = Form, explode = false, example = json!(["published"]))]
    pub state: Many<BriefState>,
    /// Of briefs with this marking; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Marking>>, style = Form, explode = false, example = json!(["TLP:CLEAR"]))]
    pub marking: Many<Marking>,
    /// Only what changed at this moment or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2017-07-01T00:00:00Z")]
    pub updated_since: Option<Timestamp>,
    /// The order; a leading hyphen turns it round. The latest period first unless given.
    #[deserr(default)]
    #[param(inline)]
    pub sort: Option<TrendSort>,
}

crate::vocabulary::vocabulary! {
    /// The orders of a list of trends; `period.to` is the last day of the brief's period, or the day of its publication.
    TrendSort {
        Relevance = "relevance",
        PeriodTo = "period.to",
        PeriodToDescending = "-period.to",
        UpdatedAt = "updated_at",
        UpdatedAtDescending = "-updated_at",
    }
}

/// A filter whose names have been led to what they mean.
pub(super) struct Resolved<'a> {
    filter: &'a TrendFilter,
    sight: Sight,
    pub(super) any_of: Vec<Id>,
    pub(super) all_of: Vec<Vec<Id>>,
    pub(super) categories: Vec<Id>,
    pub(super) span: Span,
}

impl TrendFilter {
    /// Which of these pass the filter and are seen.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist.
    pub fn ids_among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let these = resolved.conditions(sight).and(among(trends::id, ids));
        let found = trends::table.filter(these).select(trends::id);
        Ok(natively!(connection, |native| found.load(native))?.into_iter().collect())
    }

    pub(super) fn resolve(&self, connection: &mut Connection, sight: Sight) -> Result<Resolved<'_>, Problem> {
        Ok(Resolved {
            filter: self,
            sight,
            any_of: names::meant_by(connection, sight, "actor", &self.actor)?.into_iter().flatten().collect(),
            all_of: names::meant_by(connection, sight, "all_actors", &self.all_actors)?,
            categories: categories::store::meant_by(connection, sight, &self.category.0)?,
            span: Span::of(self.from, self.to, self.on)?,
        })
    }

    fn asks_of_brief(&self) -> bool {
        !(self.category.0.is_empty()
            && self.country.0.is_empty()
            && self.language.0.is_empty()
            && self.category_status.0.is_empty()
            && self.state.0.is_empty()
            && self.marking.0.is_empty())
    }
}

impl<'a> Resolved<'a> {
    /// The conditions of every filter on a part of what is seen.
    pub(super) fn conditions(&self, part: Sight) -> All<'a, trends::table> {
        let sight = self.sight;
        let mut all = All::of(trends::table).and(part.sees(trends::id, trends::since, trends::until, trends::audience));
        if let Some(day) = self.span.first_day() {
            all = all.and(trends::period_to.ge(day));
        }
        if let Some(day) = self.span.last_day() {
            all = all.and(trends::period_from.le(day));
        }
        all = one_of!(all, trends::direction, self.filter.direction.0.iter().copied());
        all = one_of!(all, trends::assessment, self.filter.assessment.0.iter().copied());
        all = one_of!(all, trends::series, self.filter.series.0.iter().map(|series| series.as_str().to_owned()));
        if !self.any_of.is_empty() {
            all = all.and(exists(concerns(sight, self.any_of.clone())));
        }
        for bearers in &self.all_of {
            all = all.and(exists(concerns(sight, bearers.clone())));
        }
        if self.filter.asks_of_brief() {
            let brief = briefs::table.filter(self.conditions_on_brief()).filter(briefs::id.eq(trends::brief_id));
            all = all.and(exists(brief));
        }
        if let Some(time) = self.filter.updated_since {
            all = all.and(trends::id.eq_any(changed_since(sight, Kind::Trend, time)));
        }
        all
    }

    /// What the filter asks of a trend's brief.
    fn conditions_on_brief(&self) -> All<'a, briefs::table> {
        let mut all =
            All::of(briefs::table).and(self.sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience));
        all = one_of!(all, briefs::category_id, self.categories.iter().copied());
        all = one_of!(all, briefs::category_status, self.filter.category_status.0.iter().copied());
        all = one_of!(all, briefs::country, self.filter.country.0.iter().map(|code| code.as_str().to_owned()));
        all = one_of!(all, briefs::language, self.filter.language.0.iter().map(|code| code.as_str().to_owned()));
        all = one_of!(all, briefs::state, self.filter.state.0.iter().copied());
        one_of!(all, briefs::marking, self.filter.marking.0.iter().copied())
    }

    fn driving_actors(&self) -> &[Id] {
        self.all_of.first().unwrap_or(&self.any_of)
    }

    /// The keys of a page of one actor's trends, along the index that has just these rows in order.
    fn keys_of(
        &self,
        connection: &mut Connection,
        actor: Id,
        descending: bool,
        window: &Window,
        sort: &str,
    ) -> Result<Vec<(NaiveDate, Id)>, Problem> {
        use trend_actors::{actor_id, audience, period_from, period_to, since, trend_id, until};
        let trend = trends::table.filter(self.conditions(self.sight)).filter(trends::id.eq(trend_id));
        let mut all = All::of(trend_actors::table)
            .and(actor_id.eq(actor))
            .and(self.sight.sees(trend_id, since, until, audience))
            .and(exists(trend));
        if let Some(day) = self.span.first_day() {
            all = all.and(period_to.ge(day));
        }
        if let Some(day) = self.span.last_day() {
            all = all.and(period_from.le(day));
        }
        let (all, order) = if descending {
            in_order!(all, desc, period_to, trend_id, window, sort, NaiveDate)
        } else {
            in_order!(all, asc, period_to, trend_id, window, sort, NaiveDate)
        };
        let keys = trend_actors::table.filter(all).select((period_to, trend_id));
        Ok(natively!(connection, |native| keys.order_by(order).limit(window.fetch()).load(native))?)
    }

    fn page_by_actor(
        &self,
        connection: &mut Connection,
        descending: bool,
        window: &Window,
        sort: &str,
    ) -> Result<Rows<TrendView>, Problem> {
        let mut keys = Vec::new();
        for actor in self.driving_actors() {
            keys.push(self.keys_of(connection, *actor, descending, window, sort)?);
        }
        let keys = window.cut(sort, merge_ordered(keys, descending), |key| *key);
        keys.map(|keys| {
            let ids: Vec<Id> = keys.into_iter().map(|(_, id)| id).collect();
            let rows = in_chunks::<_, TrendRow, Problem>(&ids, |ids| {
                let these = trends::table
                    .filter(self.sight.stands(trends::since, trends::until))
                    .filter(among(trends::id, ids));
                natively!(connection, |native| these.select(TrendRow::as_select()).load(native))
            })?;
            views::views(connection, self.sight, in_order_of(&ids, rows, |row| row.id))
        })
    }
}

/// That any of these actors is among those of the trend at hand, by the key of the table.
#[diesel::dsl::auto_type(no_type_alias)]
fn concerns(sight: Sight, actors: Vec<Id>) -> _ {
    let of_these: Among<trend_actors::actor_id> = among(trend_actors::actor_id, &actors);
    let stands: Stands<trend_actors::since, trend_actors::until> =
        sight.stands(trend_actors::since, trend_actors::until);
    trend_actors::table
        .filter(of_these)
        .filter(trend_actors::period_to.eq(trends::period_to))
        .filter(trend_actors::trend_id.eq(trends::id))
        .filter(stands)
}

impl Listed for TrendFilter {
    type View = TrendView;
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
    ) -> Result<Rows<TrendView>, Problem> {
        use trends::{id, period_to, updated_at};
        let resolved = self.resolve(connection, sight)?;
        let sort = self.sort.unwrap_or(TrendSort::PeriodToDescending);
        let name = sort.as_str();
        let by_period = matches!(sort, TrendSort::PeriodTo | TrendSort::PeriodToDescending);
        if by_period && !resolved.driving_actors().is_empty() {
            return resolved.page_by_actor(connection, sort == TrendSort::PeriodToDescending, window, name);
        }
        let mut rows: Vec<TrendRow> = Vec::new();
        for part in sight.parts() {
            let all = resolved.conditions(part);
            let (all, order) = match sort {
                TrendSort::Relevance => return Err(page::relevance_needs_words()),
                TrendSort::PeriodTo => in_order!(all, asc, period_to, id, window, name, NaiveDate),
                TrendSort::PeriodToDescending => in_order!(all, desc, period_to, id, window, name, NaiveDate),
                TrendSort::UpdatedAt => in_order!(all, asc, updated_at, id, window, name, Timestamp),
                TrendSort::UpdatedAtDescending => in_order!(all, desc, updated_at, id, window, name, Timestamp),
            };
            let page = trends::table.filter(all).order_by(order).limit(window.fetch());
            rows.append(&mut natively!(connection, |native| page.select(TrendRow::as_select()).load(native))?);
        }
        let rows = window.cut(name, rows, |row| {
            let key = if by_period { SortKey::Day(row.period_to) } else { SortKey::Time(row.updated_at) };
            (key, row.id)
        });
        rows.map(|rows| views::views(connection, sight, rows))
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        let resolved = self.resolve(connection, sight)?;
        page::sum(sight.parts(), |part| {
            let rows = trends::table.filter(resolved.conditions(part)).count();
            natively!(connection, |native| rows.get_result(native))
        })
    }
}
