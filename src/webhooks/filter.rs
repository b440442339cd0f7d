//! What a webhook is narrowed to.
//!
//! What was withdrawn passes whatever the content is narrowed to, since what it said is hidden; so does what was delivered
//! before, since who has the original must learn what became of it.

use std::collections::HashSet;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Sight;
use crate::actors::names::bearers;
use crate::briefs::filter::BriefFilter;
use crate::categories::model::CategoryRow;
use crate::changes::{ChangeRow, Current};
use crate::db::schema::webhook_told;
use crate::db::types::Id;
use crate::db::{Connection, among};
use crate::events::filter::EventFilter;
use crate::http::query::{Many, NameOrSlug, Repeated};
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;
use crate::trends::filter::TrendFilter;
use crate::vocabulary::{BriefState, Kind, Marking};

/// What a webhook is narrowed to. Its members narrow one another; several values of one widen it, none is any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookFilter {
    /// Only resources of these kinds.
    #[schema(example = json!(["brief"]))]
    pub kind: Vec<Kind>,
    /// Only what stands in these categories, and they themselves.
    #[schema(value_type = Vec<uuid::Uuid>, example = json!([]))]
    pub category: Vec<Id>,
    /// Only what any of these actors takes part in, and they themselves.
    #[schema(value_type = Vec<uuid::Uuid>, example = json!([]))]
    pub actor: Vec<Id>,
    /// Only what is marked so.
    #[schema(example = json!([]))]
    pub marking: Vec<Marking>,
}

impl WebhookFilter {
    /// Whether it asks for more than the kind.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        !(self.category.is_empty() && self.actor.is_empty() && self.marking.is_empty())
    }

    /// Whether resources of this kind pass.
    #[must_use]
    pub fn takes(&self, kind: Kind) -> bool {
        self.kind.is_empty() || self.kind.contains(&kind)
    }

    /// Which of these changed resources pass, whatever their kind.
    ///
    /// # Errors
    /// When a query fails.
    pub fn passing(
        &self,
        connection: &mut Connection,
        sight: Sight,
        webhook: Id,
        rows: &[ChangeRow],
    ) -> Result<HashSet<Id>, Problem> {
        if !self.is_narrow() {
            return Ok(rows.iter().map(|row| row.id).collect());
        }
        let mut passing: HashSet<Id> = rows.iter().filter(|row| is_withdrawn(row)).map(|row| row.id).collect();
        passing.extend(told(connection, webhook, rows)?);
        let resolved = self.resolve(connection, sight)?;
        for kind in Kind::ALL {
            let ids: Vec<Id> = rows.iter().filter(|row| row.resource == *kind).map(|row| row.id).collect();
            if !ids.is_empty() {
                passing.extend(resolved.passing(connection, sight, *kind, &ids)?);
            }
        }
        Ok(passing)
    }

    /// The filter without what was deleted; what was merged into another is the other.
    fn resolve(&self, connection: &mut Connection, sight: Sight) -> Result<ResolvedFilter<'_>, Problem> {
        let mut resolved = ResolvedFilter { filter: self, actors: Vec::new(), categories: Vec::new() };
        for actor in &self.actor {
            resolved.actors.extend(bearers(connection, sight, &actor.to_string())?);
        }
        for category in &self.category {
            let row: Option<CategoryRow> = resource::lead(connection, sight, &Reference::from_id(*category))?;
            resolved.categories.extend(row.map(|row| row.id));
        }
        Ok(resolved)
    }
}

/// A filter with what its names lead to now.
struct ResolvedFilter<'a> {
    filter: &'a WebhookFilter,
    actors: Vec<Id>,
    categories: Vec<Id>,
}

impl ResolvedFilter<'_> {
    fn passing(
        &self,
        connection: &mut Connection,
        sight: Sight,
        kind: Kind,
        ids: &[Id],
    ) -> Result<HashSet<Id>, Problem> {
        if self.names_only_what_was_deleted() {
            return Ok(HashSet::new());
        }
        let actor = Repeated(self.actors.iter().map(Id::to_string).collect());
        let category = Many(self.categories.iter().map(|id| NameOrSlug(Reference::from_id(*id))).collect());
        let marking = Many(self.filter.marking.clone());
        match kind {
            Kind::Brief => {
                BriefFilter { actor, category, marking, ..Default::default() }.ids_among(connection, sight, ids)
            }
            Kind::Event => {
                EventFilter { actor, category, marking, ..Default::default() }.ids_among(connection, sight, ids)
            }
            Kind::Trend => {
                TrendFilter { actor, category, marking, ..Default::default() }.ids_among(connection, sight, ids)
            }
            Kind::Actor if self.asks_for_actors_alone() => Ok(common(ids, &self.actors)),
            Kind::Category if self.asks_for_categories_alone() => Ok(common(ids, &self.categories)),
            Kind::Actor | Kind::Category => Ok(HashSet::new()),
        }
    }

    fn names_only_what_was_deleted(&self) -> bool {
        let WebhookFilter { actor, category, .. } = self.filter;
        self.actors.is_empty() && !actor.is_empty() || self.categories.is_empty() && !category.is_empty()
    }

    fn asks_for_actors_alone(&self) -> bool {
        self.filter.category.is_empty() && self.filter.marking.is_empty()
    }

    fn asks_for_categories_alone(&self) -> bool {
        self.filter.actor.is_empty() && self.filter.marking.is_empty()
    }
}

fn common(ids: &[Id], wanted: &[Id]) -> HashSet<Id> {
    ids.iter().copied().filter(|id| wanted.contains(id)).collect()
}

fn is_withdrawn(row: &ChangeRow) -> bool {
    match &row.current {
        None => true,
        Some(Current::Brief(brief)) => brief.state == BriefState::Retracted,
        Some(_) => false,
    }
}

/// Of which of these a webhook has told.
fn told(connection: &mut Connection, webhook: Id, rows: &[ChangeRow]) -> Result<Vec<Id>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    Ok(webhook_told::table
        .filter(webhook_told::webhook_id.eq(webhook))
        .filter(among(webhook_told::resource_id, &ids))
        .select(webhook_told::resource_id)
        .load(connection)?)
}
