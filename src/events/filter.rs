//! What a list of events can be asked, and the queries that answer it.
//!
//! A list by actor is read from `event_participants`, which is ordered by actor and date and knows who may see each row;
//! every other list from `events`. Either way a page reads its own rows along an index.

use chrono::NaiveDate;
use std::collections::HashSet;

use deserr::Deserr;
use diesel::dsl::exists;
use diesel::prelude::*;
use utoipa::IntoParams;

use super::model::EventView;
use super::store;
use crate::access::{Sight, Stands};
use crate::actors::names;
use crate::categories;
use crate::db::schema::{brief_events, briefs, event_participants, events};
use crate::db::types::{Id, Timestamp};
use crate::db::{All, Among, Connection, among};
use crate::http::body::Invalid;
use crate::http::dates::{Span, When};
use crate::http::page::{self, Extras, JsonRows, Listed, Rows, SortKey, Window, merge_ordered};
use crate::http::query::{Many, NameOrSlug, Repeated};
use crate::journal::changed_since;
use crate::natively;
use crate::problem::Problem;
use crate::projections::Ready;
use crate::scalars::{CountryCode, Day};
use crate::search::lists::Searched;
use crate::vocabulary::{BriefState, EventKind, EventState, Kind, Marking};
use crate::{in_order, one_of};

/// What a list of events can be asked. Parameters narrow one another; several values of one widen it.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// In which any of these took part: an id, a slug or any known name of an actor.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, example = json!(["alyaksandr-lukashenka"]))]
    pub actor: Repeated,
    /// In which all of these took part.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, example = json!(["belarus", "china"]))]
    pub all_actors: Repeated,
    /// Shown by a brief of this category; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["security"]))]
    pub category: Many<NameOrSlug>,
    /// Where, ISO 3166-1; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["BY"]))]
    pub country: Many<CountryCode>,
    /// What may have happened on this day (or at this moment's day) or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-07-01")]
    pub from: Option<When>,
    /// What may have happened on this day (or at this moment's day) or earlier.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-10-31")]
    pub to: Option<When>,
    /// What may have happened on this day.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = Date, example = "2017-07-25")]
    pub on: Option<Day>,
    /// What sort of thing happened; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<EventKind>>, style = Form, explode = false, example = json!(["agreement"]))]
    pub kind: Many<EventKind>,
    /// Whether it is public; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<EventState>>, style = Form, explode = false, example = json!(["published"]))]
    pub state: Many<EventState>,
    /// How far it may travel; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Marking>>, style = Form, explode = false, example = json!(["TLP:CLEAR"]))]
    pub marking: Many<Marking>,
    /// Only what changed at this moment or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2017-07-01T00:00:00Z")]
    pub updated_since: Option<Timestamp>,
    /// The order; a leading hyphen turns it round. The latest first unless given.
    #[deserr(default)]
    #[param(inline)]
    pub sort: Option<EventSort>,
}

crate::vocabulary::vocabulary! {
    /// The orders of a list of events.
    EventSort {
        Relevance = "relevance",
        OccurredFrom = "occurred_from",
        OccurredFromDescending = "-occurred_from",
        UpdatedAt = "updated_at",
        UpdatedAtDescending = "-updated_at",
    }
}

/// A filter whose names have been led to what they mean.
pub(super) struct Resolved<'a> {
    filter: &'a EventFilter,
    sight: Sight,
    pub(super) any_of: Vec<Id>,
    pub(super) all_of: Vec<Vec<Id>>,
    pub(super) categories: Vec<Id>,
    pub(super) span: Span,
}

impl EventFilter {
    fn ids_of_page(&self, connection: &mut Connection, sight: Sight, window: &Window) -> Result<Rows<Id>, Problem> {
        use events::{id, occurred_from, updated_at};
        let resolved = self.resolve(connection, sight)?;
        let sort = self.sort.unwrap_or(EventSort::OccurredFromDescending);
        let name = sort.as_str();
        let by_date = matches!(sort, EventSort::OccurredFrom | EventSort::OccurredFromDescending);
        if by_date && resolved.driving() != Driving::Nothing {
            let descending = sort == EventSort::OccurredFromDescending;
            return resolved.page_by_actor(connection, descending, window, name);
        }
        let mut keys: Vec<(SortKey, Id)> = Vec::new();
        for part in sight.parts() {
            let all = resolved.conditions(part, Driving::Nothing);
            let (all, order) = match sort {
                EventSort::Relevance => return Err(page::relevance_needs_words()),
                EventSort::OccurredFrom => in_order!(all, asc, occurred_from, id, window, name, NaiveDate),
                EventSort::OccurredFromDescending => in_order!(all, desc, occurred_from, id, window, name, NaiveDate),
                EventSort::UpdatedAt => in_order!(all, asc, updated_at, id, window, name, Timestamp),
                EventSort::UpdatedAtDescending => in_order!(all, desc, updated_at, id, window, name, Timestamp),
            };
            let page = events::table.filter(all).order_by(order).limit(window.fetch());
            if by_date {
                let found: Vec<(NaiveDate, Id)> =
                    natively!(connection, |native| page.select((occurred_from, id)).load(native))?;
                keys.extend(found.into_iter().map(|(day, event)| (SortKey::Day(day), event)));
            } else {
                let found: Vec<(Timestamp, Id)> =
                    natively!(connection, |native| page.select((updated_at, id)).load(native))?;
                keys.extend(found.into_iter().map(|(time, event)| (SortKey::Time(time), event)));
            }
        }
        window.cut(name, keys, Clone::clone).map(|keys| Ok(keys.into_iter().map(|(_, event)| event).collect()))
    }

    /// Which of these pass the filter and are seen.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist.
    pub fn ids_among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let these = resolved.conditions(sight, Driving::Nothing).and(among(events::id, ids));
        let found = events::table.filter(these).select(events::id);
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
}

impl<'a> Resolved<'a> {
    /// The conditions of every filter on a part of what is seen, but for the actors in `driving`, which another query takes care
    /// of.
    pub(super) fn conditions(&self, part: Sight, driving: Driving) -> All<'a, events::table> {
        let mut all = All::of(events::table).and(part.sees(events::id, events::since, events::until, events::audience));
        if let Some(day) = self.span.first_day() {
            all = all.and(events::occurred_to.ge(day));
        }
        if let Some(day) = self.span.last_day() {
            all = all.and(events::occurred_from.le(day));
        }
        self.narrowed(all, driving)
    }

    /// And the conditions of the filters by anything but the time and the actors in `driving`.
    fn narrowed(&self, mut all: All<'a, events::table>, driving: Driving) -> All<'a, events::table> {
        let sight = self.sight;
        all = one_of!(all, events::kind, self.filter.kind.0.iter().copied());
        all = one_of!(all, events::state, self.filter.state.0.iter().copied());
        all = one_of!(all, events::marking, self.filter.marking.0.iter().copied());
        all = one_of!(all, events::country, self.filter.country.0.iter().map(|code| code.as_str().to_owned()));
        if !self.any_of.is_empty() && driving != Driving::AnyOf {
            all = all.and(exists(participates(sight, self.any_of.clone())));
        }
        for (place, bearers) in self.all_of.iter().enumerate() {
            if place > 0 || driving != Driving::AllOf {
                all = all.and(exists(participates(sight, bearers.clone())));
            }
        }
        if !self.categories.is_empty() {
            let showing = brief_events::table
                .inner_join(briefs::table.on(briefs::id.eq(brief_events::brief_id)))
                .filter(brief_events::event_id.eq(events::id))
                .filter(sight.stands(brief_events::since, brief_events::until))
                .filter(sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience))
                .filter(among(briefs::category_id, &self.categories));
            // What a retracted brief showed is withheld from readers.
            all = if sight.caller.is_editor() {
                all.and(exists(showing))
            } else if sight.is_now() {
                all.and(exists(showing.filter(briefs::state.eq(BriefState::Published))))
            } else {
                all.and(exists(showing.filter(sight.may_read(briefs::id))))
            };
        }
        if let Some(time) = self.filter.updated_since {
            all = all.and(events::id.eq_any(changed_since(sight, Kind::Event, time)));
        }
        all
    }

    /// Which of the filters a page is read along.
    fn driving(&self) -> Driving {
        if !self.all_of.is_empty() {
            Driving::AllOf
        } else if !self.any_of.is_empty() {
            Driving::AnyOf
        } else {
            Driving::Nothing
        }
    }

    fn driving_actors(&self) -> Vec<Id> {
        match self.driving() {
            Driving::AllOf => self.all_of.first().cloned().unwrap_or_default(),
            Driving::AnyOf => self.any_of.clone(),
            Driving::Nothing => Vec::new(),
        }
    }

    /// The keys of a page of one actor's events, along the index that has just these rows in order.
    fn keys_of(
        &self,
        connection: &mut Connection,
        actor: Id,
        descending: bool,
        window: &Window,
        sort: &str,
    ) -> Result<Vec<(NaiveDate, Id)>, Problem> {
        use event_participants::{actor_id, audience, event_id, occurred_from, occurred_to, since, until};
        let mut all = All::of(event_participants::table)
            .and(actor_id.eq(actor))
            .and(self.sight.sees(event_id, since, until, audience));
        // When an event was, and who sees it now, its participant says by itself.
        if !self.sight.is_now() || !self.narrowed(All::of(events::table), self.driving()).is_empty() {
            let event = events::table.filter(self.conditions(self.sight, self.driving()));
            all = all.and(exists(event.filter(events::id.eq(event_id))));
        }
        if let Some(day) = self.span.first_day() {
            all = all.and(occurred_to.ge(day));
        }
        if let Some(day) = self.span.last_day() {
            all = all.and(occurred_from.le(day));
        }
        let (all, order) = if descending {
            in_order!(all, desc, occurred_from, event_id, window, sort, NaiveDate)
        } else {
            in_order!(all, asc, occurred_from, event_id, window, sort, NaiveDate)
        };
        let keys = event_participants::table.filter(all).select((occurred_from, event_id)).distinct();
        Ok(natively!(connection, |native| keys.order_by(order).limit(window.fetch()).load(native))?)
    }

    fn page_by_actor(
        &self,
        connection: &mut Connection,
        descending: bool,
        window: &Window,
        sort: &str,
    ) -> Result<Rows<Id>, Problem> {
        let mut keys = Vec::new();
        for actor in self.driving_actors() {
            keys.push(self.keys_of(connection, actor, descending, window, sort)?);
        }
        let keys = window.cut(sort, merge_ordered(keys, descending), |key| *key);
        keys.map(|keys| Ok(keys.into_iter().map(|(_, id)| id).collect()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driving {
    AllOf,
    AnyOf,
    Nothing,
}

/// The participations of any of these actors in the event at hand, by the key of the table.
#[diesel::dsl::auto_type(no_type_alias)]
fn participates(sight: Sight, actors: Vec<Id>) -> _ {
    let of_these: Among<event_participants::actor_id> = among(event_participants::actor_id, &actors);
    let stands: Stands<event_participants::since, event_participants::until> =
        sight.stands(event_participants::since, event_participants::until);
    event_participants::table
        .filter(of_these)
        .filter(event_participants::occurred_from.eq(events::occurred_from))
        .filter(event_participants::event_id.eq(events::id))
        .filter(stands)
}

impl Listed for EventFilter {
    type View = EventView;
    const EXTRAS: &'static [&'static str] = &[];
    const IS_KEPT: bool = true;

    fn included(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        _: &Extras,
        window: &Window,
    ) -> Result<Rows<EventView>, Problem> {
        self.ids_of_page(connection, sight, window)?.map(|ids| store::views_of(connection, sight.moment, &ids))
    }

    fn json(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        window: &Window,
        ready: &mut Ready,
    ) -> Result<JsonRows, Problem> {
        self.ids_of_page(connection, sight, window)?
            .in_json(|ids| self.rows_as_json(connection, sight, extras, &ids, ready))
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        let resolved = self.resolve(connection, sight)?;
        page::sum(sight.parts(), |part| {
            let rows = events::table.filter(resolved.conditions(part, Driving::Nothing)).count();
            natively!(connection, |native| rows.get_result(native))
        })
    }
}
