//! Trends as they are served: rows become documents, with a fixed number of queries however many they are.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::{EventLink, TrendRow, TrendView};
use super::store::{actors_of, evidence_of};
use crate::access::Sight;
use crate::actors;
use crate::actors::model::ActorSummary;
use crate::actors::store::Summaries;
use crate::briefs;
use crate::briefs::model::BriefLink;
use crate::db::schema::events;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks};
use crate::natively;
use crate::problem::Problem;
use crate::reference::{Link, deleted_beside};

/// How trends show these events to this caller: those that it may see, and those deleted that it could once see.
///
/// # Errors
/// When a query fails.
pub fn event_links(
    connection: &mut Connection,
    sight: Sight,
    ids: &[Id],
) -> Result<HashMap<Id, Link<EventLink>>, Problem> {
    let living = in_chunks::<_, EventLink, Problem>(ids, |ids| {
        natively!(connection, |native| events::table
            .filter(sight.sees(events::id, events::since, events::until, events::audience))
            .filter(among(events::id, ids))
            .select((events::id, events::slug, events::title, events::occurred))
            .load(native))
    })?;
    let mut links: HashMap<Id, _> = living.into_iter().map(|link| (link.id, Link::Living(link))).collect();
    let deleted = deleted_beside(connection, sight, ids, &links)?;
    links.extend(deleted.into_iter().map(|id| (id, Link::deleted(id))));
    Ok(links)
}

/// These trends as they are served, in their order, each with a link to its brief.
///
/// # Errors
/// When a query fails.
pub fn views(connection: &mut Connection, sight: Sight, rows: Vec<TrendRow>) -> Result<Vec<TrendView>, Problem> {
    let brief_ids: Vec<Id> = rows.iter().map(|row| row.brief_id).collect();
    let briefs = briefs::store::links(connection, sight, &brief_ids)?;
    let links: Vec<Option<BriefLink>> = rows.iter().map(|row| briefs.get(&row.brief_id).cloned()).collect();
    let mut views = embedded_views(connection, sight, rows, &mut Summaries::new())?;
    for (view, link) in views.iter_mut().zip(links) {
        view.brief = link;
    }
    Ok(views)
}

/// These trends as their brief shows them, in their order, with four queries however many they are. Actors that are known
/// already are not looked up again.
///
/// # Errors
/// When a query fails.
pub fn embedded_views(
    connection: &mut Connection,
    sight: Sight,
    rows: Vec<TrendRow>,
    known: &mut Summaries,
) -> Result<Vec<TrendView>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let (mut actor_ids, mut event_ids) =
        (actors_of(connection, sight.moment, &ids)?, evidence_of(connection, sight.moment, &ids)?);
    let all_events: Vec<Id> = event_ids.values().flatten().copied().collect();
    actors::store::learn(connection, sight.moment, known, actor_ids.values().flatten().copied())?;
    let links = event_links(connection, sight, &all_events)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let actors = actor_ids.remove(&row.id).unwrap_or_default();
            let evidence = event_ids.remove(&row.id).unwrap_or_default();
            let actors = actors
                .into_iter()
                .map(|id| known.get(&id).cloned().map_or_else(|| Link::deleted(id), Link::Living))
                .collect();
            let evidence = evidence.into_iter().filter_map(|id| links.get(&id).cloned()).collect();
            view(row, actors, evidence)
        })
        .collect())
}

fn view(row: TrendRow, actors: Vec<Link<ActorSummary>>, evidence: Vec<Link<EventLink>>) -> TrendView {
    TrendView {
        id: row.id,
        slug: row.slug,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        brief: None,
        position: row.position,
        statement: row.statement,
        direction: row.direction,
        assessment: row.assessment,
        series: row.series,
        likelihood: row.likelihood,
        probability: row.probability,
        confidence: row.confidence,
        limits: row.limits,
        horizon: row.horizon,
        outcome: row.outcome,
        outcome_note: row.outcome_note,
        actors,
        evidence,
    }
}
