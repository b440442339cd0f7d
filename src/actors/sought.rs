//! Actors, as lists search and count them.

use std::collections::HashMap;

use diesel::prelude::*;

use super::input::{ActorFilter, ActorSort};
use super::model::{ActorRow, ActorView};
use super::store;
use crate::access::Sight;
use crate::db::schema::actors;
use crate::db::types::Id;
use crate::db::{Connection, in_chunks};
use crate::http::page::Extras;
use crate::journal;
use crate::problem::Problem;
use crate::search::ask::Ask;
use crate::search::counts::FacetName;
use crate::search::document::Tag;
use crate::search::gather::Order;
use crate::search::lists::Searched;
use crate::vocabulary::Kind;

impl Searched for ActorFilter {
    const KIND: Kind = Kind::Actor;
    const FACETS: &'static [FacetName] = &[FacetName::Kind, FacetName::Country];

    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem> {
        let holders = self.resolve(connection, sight)?.holders;
        let changed = self
            .updated_since
            .map(|time| journal::changed_since(sight, Kind::Actor, time).load(connection))
            .transpose()?;
        Ok(Ask::of(&[Kind::Actor])
            .tagged(Tag::Country, self.country.0.iter().map(|country| country.as_str()))
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
            ids.append(&mut resolved.query(part).select(actors::id).load(connection)?);
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
            actors::table
                .filter(sight.stands(actors::since, actors::until))
                .filter(actors::id.eq_any(ids))
                .select(ActorRow::as_select())
                .load(connection)
        })?;
        let mut rows: HashMap<Id, ActorRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        store::views(connection, sight.moment, ids.iter().filter_map(|id| rows.remove(id)).collect())
    }
}
