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
use crate::db::Connection;
use crate::db::schema::webhook_carried;
use crate::db::types::Id;
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
    pub fn among(
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
        passing.extend(carried(connection, webhook, rows)?);
        let living = self.living(connection, sight)?;
        for kind in Kind::ALL {
            let ids: Vec<Id> = rows.iter().filter(|row| row.resource == *kind).map(|row| row.id).collect();
            if !ids.is_empty() {
                passing.extend(living.of_kind(connection, sight, *kind, &ids)?);
            }
        }
        Ok(passing)
    }

    /// It without those that are no more: what is narrowed to nobody lets nothing pass.
    fn living(&self, connection: &mut Connection, sight: Sight) -> Result<Living<'_>, Problem> {
        let mut living = Living { filter: self, actors: Vec::new(), categories: Vec::new() };
        for actor in &self.actor {
            living.actors.extend(bearers(connection, sight, &actor.to_string())?);
        }
        for category in &self.category {
            let row: Option<CategoryRow> = resource::lead(connection, sight, &Reference::from_id(*category))?;
            living.categories.extend(row.map(|row| row.id));
        }
        Ok(living)
    }
}

/// A filter with what its names lead to now.
struct Living<'a> {
    filter: &'a WebhookFilter,
    actors: Vec<Id>,
    categories: Vec<Id>,
}

impl Living<'_> {
    fn of_kind(
        &self,
        connection: &mut Connection,
        sight: Sight,
        kind: Kind,
        ids: &[Id],
    ) -> Result<HashSet<Id>, Problem> {
        let WebhookFilter { category: wanted_categories, actor: wanted_actors, marking, .. } = self.filter;
        let is_about_nobody = self.actors.is_empty() && !wanted_actors.is_empty()
            || self.categories.is_empty() && !wanted_categories.is_empty();
        if is_about_nobody {
            return Ok(HashSet::new());
        }
        let actor = Repeated(self.actors.iter().map(Id::to_string).collect());
        let category = Many(self.categories.iter().map(|id| NameOrSlug(Reference::from_id(*id))).collect());
        let marking = Many(marking.clone());
        let themselves = |wanted: &[Id], others_are_asked_for: bool| {
            ids.iter().copied().filter(|id| !others_are_asked_for && wanted.contains(id)).collect()
        };
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
            Kind::Actor => Ok(themselves(&self.actors, !wanted_categories.is_empty() || !marking.0.is_empty())),
            Kind::Category => Ok(themselves(&self.categories, !wanted_actors.is_empty() || !marking.0.is_empty())),
        }
    }
}

fn is_withdrawn(row: &ChangeRow) -> bool {
    match &row.current {
        None => true,
        Some(Current::Brief(brief)) => brief.state == BriefState::Retracted,
        Some(_) => false,
    }
}

fn carried(connection: &mut Connection, webhook: Id, rows: &[ChangeRow]) -> Result<Vec<Id>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    Ok(webhook_carried::table
        .filter(webhook_carried::webhook_id.eq(webhook))
        .filter(webhook_carried::resource_id.eq_any(ids))
        .select(webhook_carried::resource_id)
        .load(connection)?)
}
