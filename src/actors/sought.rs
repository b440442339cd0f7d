//! Actors, as lists search and count them.

use diesel::prelude::*;

use super::input::{ActorFilter, ActorSort};
use super::model::{ActorRow, ActorView};
use super::store;
use crate::access::Sight;
use crate::db::schema::actors;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks, in_order_of};
use crate::http::page::Extras;
use crate::journal;
use crate::natively;
use crate::problem::Problem;
use crate::search::ask::Ask;
use crate::search::counts::FacetName;
use crate::search::document::Tag;
use crate::search::lists::Searched;
use crate::search::ranking::Order;
use crate::vocabulary::Kind;

impl Searched for ActorFilter {
    const KIND: Kind = Kind::Actor;
    const FACETS: &'static [FacetName] = &[FacetName::Kind, FacetName::Country];

    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem> {
        let holders = self.resolve(connection, sight)?.holders;
        let changed = journal::changed_ids(connection, sight, Kind::Actor, self.updated_since)?;
        Ok(Ask::of(&[Kind::Actor])
            .tagged(Tag::Country, self.country.0.iter().map(super::super::scalars::CountryCode::as_str))
            .tagged(Tag::ActorKind, self.kind.0.iter().map(|kind| kind.as_str()))
            .among(changed)
            .among(holders))
    }

    fn order(&self) -> Result<Option<(&'static str, Order)>, Problem> {
        self.sort
            .map(|sort| match sort {
                ActorSort::Relevance => Ok((sort.as_str(), Order::Relevance)),
                ActorSort::UpdatedAt => Ok((sort.as_str(), Order::Update { descending: false })),
                ActorSort::UpdatedAtDescending => Ok((sort.as_str(), Order::Update { descending: true })),
                ActorSort::Slug | ActorSort::SlugDescending | ActorSort::Name | ActorSort::NameDescending => {
                    Err(Problem::parameter("sort", "with `q` is one of: relevance, updated_at, -updated_at"))
                }
            })
            .transpose()
    }

    fn ids(&self, connection: &mut Connection, sight: Sight) -> Result<Vec<Id>, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let mut ids = Vec::new();
        for part in sight.parts() {
            let found = actors::table.filter(resolved.conditions(part)).select(actors::id);
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
    ) -> Result<Vec<ActorView>, Problem> {
        let rows = in_chunks::<_, ActorRow, Problem>(ids, |ids| {
            natively!(connection, |native| actors::table
                .filter(sight.stands(actors::since, actors::until))
                .filter(among(actors::id, ids))
                .select(ActorRow::as_select())
                .load(native))
        })?;
        store::views(connection, sight.moment, in_order_of(ids, rows, |row| row.id))
    }
}
