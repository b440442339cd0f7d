//! What there is of an actor in one dated list: its events, the statements on it, and its posts.

use chrono::NaiveDate;
use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::model::{ActorRow, PositionRow, PositionView};
use super::positions::Tenure;
use super::store::{self, positions_of, summaries};
use crate::access::Sight;
use crate::db::schema::{event_participants, trend_actors};
use crate::db::types::Id;
use crate::db::{All, Connection};
use crate::edtf::OPEN_START;
use crate::events;
use crate::events::model::EventView;
use crate::http::body::Invalid;
use crate::http::dates::{Span, When};
use crate::http::page::{Extras, Listed, Rows, Window, merge_ordered};
use crate::in_order;
use crate::natively;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;
use crate::search::lists::Searched;
use crate::trends::filter::TrendFilter;
use crate::trends::model::TrendView;

/// Which part of an actor's timeline.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct TimelineFilter {
    /// What lies, or may lie, on this day or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-07-01")]
    pub from: Option<When>,
    /// What lies, or may lie, on this day or earlier.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-10-31")]
    pub to: Option<When>,
    /// The order: by the first day of events and posts, and the last of the period that a statement is on. The latest first
    /// unless given.
    #[deserr(default)]
    #[param(inline)]
    pub sort: Option<TimelineSort>,
}

crate::vocabulary::vocabulary! {
    /// The orders of an actor's timeline.
    TimelineSort { Date = "date", DateDescending = "-date" }
}

crate::vocabulary::vocabulary! {
    /// What an entry of a timeline is.
    EntryType { Event = "event", Position = "position", Trend = "trend" }
}

/// An entry of an actor's timeline: one of `event`, `position` and `trend`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// Which one.
    pub r#type: EntryType,
    /// The day by which it is ordered; null for a post of which nobody knows since when it is held.
    #[schema(example = "2017-07-07")]
    pub date: Option<NaiveDate>,
    /// Something that the actor took part in.
    pub event: Option<EventView>,
    /// A post of the actor.
    pub position: Option<PositionView>,
    /// A statement on the actor.
    pub trend: Option<TrendView>,
}

/// The timeline of one actor.
#[derive(Debug, Clone)]
pub struct TimelineOf {
    actor: Reference,
    filter: TimelineFilter,
}

impl TimelineOf {
    /// That of this one.
    #[must_use]
    pub fn new(actor: Reference, filter: TimelineFilter) -> Self {
        Self { actor, filter }
    }

    fn span(&self) -> Result<Span, Problem> {
        Span::of(self.filter.from, self.filter.to, None)
    }
}

/// Where an entry stands. Posts have no identity of their own: their number in the actor's list stands for it.
type Key = (NaiveDate, Id);

impl Listed for TimelineOf {
    type View = TimelineEntry;
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
    ) -> Result<Rows<TimelineEntry>, Problem> {
        let actor: ActorRow = resource::behind(connection, sight, &self.actor)?;
        let sort = self.filter.sort.unwrap_or(TimelineSort::DateDescending);
        let descending = sort == TimelineSort::DateDescending;
        let part = Part { actor: actor.id, sight, span: self.span()?, sort: sort.as_str(), descending, window };
        let events = part.events(connection)?;
        let trends = part.trends(connection)?;
        let posts = part.posts(connection)?;
        let post_keys: Vec<Key> = posts.iter().map(|(key, _)| *key).collect();
        let keys = merge_ordered(vec![events.clone(), trends.clone(), post_keys], descending);
        let page = window.cut_sorted(sort.as_str(), keys, |key| *key);
        page.map(|keys| entries(connection, sight, &keys, &events, &trends, posts))
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        let actor: ActorRow = resource::behind(connection, sight, &self.actor)?;
        let window = Window::first(u32::MAX);
        let part =
            Part { actor: actor.id, sight, span: self.span()?, sort: "date", descending: false, window: &window };
        let (events, trends) = (part.events(connection)?.len(), part.trends(connection)?.len());
        Ok(i64::try_from(events + trends + part.posts(connection)?.len()).unwrap_or(i64::MAX))
    }
}

/// The part of each source that may be on a page.
struct Part<'a> {
    actor: Id,
    sight: Sight,
    span: Span,
    sort: &'a str,
    descending: bool,
    window: &'a Window,
}

impl Part<'_> {
    fn events(&self, connection: &mut Connection) -> Result<Vec<Key>, Problem> {
        use event_participants::{actor_id, audience, event_id, occurred_from, occurred_to, since, until};
        let (window, sort) = (self.window, self.sort);
        let mut all = All::of(event_participants::table)
            .and(actor_id.eq(self.actor))
            .and(self.sight.sees(event_id, since, until, audience));
        if let Some(day) = self.span.first_day() {
            all = all.and(occurred_to.ge(day));
        }
        if let Some(day) = self.span.last_day() {
            all = all.and(occurred_from.le(day));
        }
        let (all, order) = if self.descending {
            in_order!(all, desc, occurred_from, event_id, window, sort, NaiveDate)
        } else {
            in_order!(all, asc, occurred_from, event_id, window, sort, NaiveDate)
        };
        let keys = event_participants::table.filter(all).select((occurred_from, event_id)).distinct();
        Ok(natively!(connection, |native| keys.order_by(order).limit(window.fetch()).load(native))?)
    }

    fn trends(&self, connection: &mut Connection) -> Result<Vec<Key>, Problem> {
        use trend_actors::{actor_id, audience, period_from, period_to, since, trend_id, until};
        let (window, sort) = (self.window, self.sort);
        let mut all = All::of(trend_actors::table)
            .and(actor_id.eq(self.actor))
            .and(self.sight.sees(trend_id, since, until, audience));
        if let Some(day) = self.span.first_day() {
            all = all.and(period_to.ge(day));
        }
        if let Some(day) = self.span.last_day() {
            all = all.and(period_from.le(day));
        }
        let (all, order) = if self.descending {
            in_order!(all, desc, period_to, trend_id, window, sort, NaiveDate)
        } else {
            in_order!(all, asc, period_to, trend_id, window, sort, NaiveDate)
        };
        let keys = trend_actors::table.filter(all).select((period_to, trend_id));
        Ok(natively!(connection, |native| keys.order_by(order).limit(window.fetch()).load(native))?)
    }

    fn posts(&self, connection: &mut Connection) -> Result<Vec<(Key, PositionRow)>, Problem> {
        let after = self.window.after::<NaiveDate>(self.sort)?;
        let comes_after = |key: Key| match after {
            None => true,
            Some(last) if self.descending => key < last,
            Some(last) => key > last,
        };
        let mut posts = Vec::new();
        for row in positions_of(connection, self.sight.moment, &[self.actor])? {
            let (first, last) = Tenure::of(&row).days();
            let begins_in_time = self.span.last_day().is_none_or(|day| first <= day);
            let ends_in_time = self.span.first_day().is_none_or(|day| last >= day);
            let key = (first, Id(uuid::Uuid::from_u128(row.ordinal.unsigned_abs().into())));
            if begins_in_time && ends_in_time && comes_after(key) {
                posts.push((key, row));
            }
        }
        Ok(posts)
    }
}

fn entries(
    connection: &mut Connection,
    sight: Sight,
    keys: &[Key],
    events: &[Key],
    trends: &[Key],
    posts: Vec<(Key, PositionRow)>,
) -> Result<Vec<TimelineEntry>, Problem> {
    let among =
        |source: &[Key]| -> Vec<Id> { keys.iter().filter(|key| source.contains(key)).map(|key| key.1).collect() };
    let mut events = events::store::views_of(connection, sight.moment, &among(events))?;
    let mut trends = TrendFilter::default().rows(connection, sight, &Extras::default(), &among(trends))?;
    let bodies: Vec<Id> = posts.iter().map(|(_, row)| row.organisation_id).collect();
    let bodies = summaries(connection, sight.moment, &bodies)?;
    let mut posts = posts;
    Ok(keys
        .iter()
        .filter_map(|key| {
            let date = Some(key.0).filter(|date| *date != OPEN_START);
            let nothing = TimelineEntry { r#type: EntryType::Event, date, event: None, position: None, trend: None };
            if let Some(place) = posts.iter().position(|(other, _)| other == key) {
                let position = store::position_view(&bodies, posts.swap_remove(place).1);
                return Some(TimelineEntry { r#type: EntryType::Position, position: Some(position), ..nothing });
            }
            if let Some(place) = events.iter().position(|event| event.id == key.1) {
                return Some(TimelineEntry { event: Some(events.swap_remove(place)), ..nothing });
            }
            let place = trends.iter().position(|trend| trend.id == key.1)?;
            Some(TimelineEntry { r#type: EntryType::Trend, trend: Some(trends.swap_remove(place)), ..nothing })
        })
        .collect())
}
