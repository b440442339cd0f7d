//! Events, as lists search and count them.

use diesel::prelude::*;

use super::filter::{Driving, EventFilter, EventSort};
use super::model::EventView;
use super::store;
use crate::access::Sight;
use crate::db::schema::events;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks};
use crate::http::answer::as_json;
use crate::http::page::{Extras, JsonPage};
use crate::journal;
use crate::natively;
use crate::problem::Problem;
use crate::projections::{Form, Ready};
use crate::search::ask::Ask;
use crate::search::counts::FacetName;
use crate::search::document::{Naming, Tag};
use crate::search::lists::Searched;
use crate::search::ranking::Order;
use crate::vocabulary::Kind;

impl Searched for EventFilter {
    const KIND: Kind = Kind::Event;
    const FACETS: &'static [FacetName] = &[
        FacetName::Category,
        FacetName::Country,
        FacetName::Kind,
        FacetName::Actor,
        FacetName::State,
        FacetName::Marking,
        FacetName::Year,
        FacetName::Month,
    ];

    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let changed = journal::changed_ids(connection, sight, Kind::Event, self.updated_since)?;
        Ok(Ask::of(&[Kind::Event])
            .naming(Naming::Actor, resolved.any_of)
            .naming(Naming::Category, resolved.categories)
            .tagged(Tag::Country, self.country.0.iter().map(super::super::scalars::CountryCode::as_str))
            .tagged(Tag::EventKind, self.kind.0.iter().map(|kind| kind.as_str()))
            .tagged(Tag::State, self.state.0.iter().map(|state| state.as_str()))
            .tagged(Tag::Marking, self.marking.0.iter().map(|marking| marking.as_str()))
            .between_days(resolved.span.first_day(), resolved.span.last_day())
            .naming_each(Naming::Actor, resolved.all_of)
            .among(changed))
    }

    fn order(&self) -> Result<Option<(&'static str, Order)>, Problem> {
        Ok(self.sort.map(|sort| {
            let order = match sort {
                EventSort::Relevance => Order::Relevance,
                EventSort::OccurredFrom => Order::Place { descending: false },
                EventSort::OccurredFromDescending => Order::Place { descending: true },
                EventSort::UpdatedAt => Order::Update { descending: false },
                EventSort::UpdatedAtDescending => Order::Update { descending: true },
            };
            (sort.as_str(), order)
        }))
    }

    fn ids(&self, connection: &mut Connection, sight: Sight) -> Result<Vec<Id>, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let mut ids = Vec::new();
        for part in sight.parts() {
            let found = events::table.filter(resolved.conditions(part, Driving::Nothing)).select(events::id);
            ids.append(&mut natively!(connection, |native| found.load(native))?);
        }
        Ok(ids)
    }

    fn rows(
        &self,
        connection: &mut Connection,
        sight: Sight,
        _: &Extras,
        ids: &[Id],
    ) -> Result<Vec<EventView>, Problem> {
        let seen = in_chunks::<_, Id, Problem>(ids, |ids| {
            natively!(connection, |native| events::table
                .filter(sight.sees(events::id, events::since, events::until, events::audience))
                .filter(among(events::id, ids))
                .select(events::id)
                .load(native))
        })?;
        let ids: Vec<Id> = ids.iter().copied().filter(|id| seen.contains(id)).collect();
        store::views_of(connection, sight.moment, &ids)
    }

    fn rows_as_json(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        ids: &[Id],
        ready: &mut Ready,
    ) -> Result<JsonPage, Problem> {
        ready.page(connection, Form::EventRow, ids, |connection, ids| {
            let rows = self.rows(connection, sight, extras, ids)?;
            rows.iter().map(|row| Ok((row.id, as_json(row)?))).collect()
        })
    }
}
