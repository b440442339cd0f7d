//! Briefs as they are served: rows become documents, with a fixed number of queries however many they are.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::links;
use super::model::{BriefLink, BriefRow, BriefView, Period, Translation};
use super::similar::{self, Neighbours};
use crate::access::{Sight, visible};
use crate::actors;
use crate::actors::model::ActorSummary;
use crate::actors::store::Summaries;
use crate::categories;
use crate::categories::model::CategoryLink;
use crate::db::schema::{
    brief_actors, brief_events, briefs, event_participants, events, resources, trend_actors, trends as trend_table,
};
use crate::db::types::{Id, Json};
use crate::db::{Connection, among, in_chunks};
use crate::events::model::{EventRow, EventView};
use crate::http::page::Extras;
use crate::natively;
use crate::problem::Problem;
use crate::reference::{Link, deleted_beside};
use crate::trends;
use crate::trends::model::TrendView;
use crate::vocabulary::BriefState;

/// What a list leaves out unless it is asked for.
pub const EXTRAS: &[&str] = &["body", "body_html", "trends", "events", "actors"];

/// A brief whole, with what is like it.
///
/// # Errors
/// When a query fails.
pub fn whole(connection: &mut Connection, sight: Sight, row: BriefRow) -> Result<BriefView, Problem> {
    let (mut view, neighbours) = page(connection, sight, row)?;
    view.similar = Some(neighbours.links);
    Ok(view)
}

/// The same in its two parts.
///
/// # Errors
/// When a query fails.
pub fn page(connection: &mut Connection, sight: Sight, row: BriefRow) -> Result<(BriefView, Neighbours), Problem> {
    let view = rows(connection, sight, vec![row.clone()], &Extras::all(EXTRAS))?
        .pop()
        .ok_or_else(|| Problem::internal("a brief has no view"))?;
    let neighbours = similar::neighbours_beside(connection, sight, &row, &view)?;
    Ok((view, neighbours))
}

/// Briefs as a list shows them, in their order, with the extras that were asked for.
///
/// # Errors
/// When a query fails.
pub fn rows(
    connection: &mut Connection,
    sight: Sight,
    rows: Vec<BriefRow>,
    extras: &Extras,
) -> Result<Vec<BriefView>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let withheld = withheld(connection, sight, &rows)?;
    let category_ids: HashSet<Id> = rows.iter().map(|row| row.category_id).collect();
    let categories = categories::store::links(connection, sight.moment, &category_ids.into_iter().collect::<Vec<_>>())?;
    let mut translations = translations(connection, sight, &ids)?;
    let mut related = related(connection, sight, &ids)?;
    // Who takes part in the events and trends is, nearly always, who takes part in the brief.
    let mut known = Summaries::new();
    let wanted = |extra| extras.has(extra).then_some(&ids);
    let mut actors = wanted("actors").map(|ids| actors_of(connection, sight, ids, &mut known)).transpose()?;
    let mut trends = wanted("trends").map(|ids| trends_of(connection, sight, ids, &mut known)).transpose()?;
    let mut events = wanted("events").map(|ids| events_of(connection, sight, ids, &mut known)).transpose()?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let id = row.id;
            let category = categories.get(&row.category_id).cloned().unwrap_or_else(missing_category);
            let mut view = view(row, category);
            view.translations = translations.remove(&id).unwrap_or_default();
            view.related = related.remove(&id).unwrap_or_default();
            view.trends = trends.as_mut().map(|trends| trends.remove(&id).unwrap_or_default());
            view.events = events.as_mut().map(|events| events.remove(&id).unwrap_or_default());
            view.actors = actors.as_mut().map(|actors| actors.remove(&id).unwrap_or_default());
            view.body = view.body.filter(|_| extras.has("body"));
            view.body_html = view.body_html.filter(|_| extras.has("body_html"));
            if withheld.contains(&id) {
                withhold(&mut view);
            }
            view
        })
        .collect())
}

/// Those of these briefs whose content this caller may not see: the retracted ones, whichever version is read.
///
/// # Errors
/// When the query fails.
pub fn withheld(connection: &mut Connection, sight: Sight, rows: &[BriefRow]) -> Result<HashSet<Id>, Problem> {
    let states: Vec<(Id, BriefState)> = rows.iter().map(|row| (row.id, row.state)).collect();
    withheld_of(connection, sight, &states)
}

/// The same by their states.
///
/// # Errors
/// When the query fails.
pub fn withheld_of(
    connection: &mut Connection,
    sight: Sight,
    briefs: &[(Id, BriefState)],
) -> Result<HashSet<Id>, Problem> {
    if sight.caller.is_editor() {
        return Ok(HashSet::new());
    }
    if sight.is_now() {
        return Ok(briefs.iter().filter(|(_, state)| *state == BriefState::Retracted).map(|(id, _)| *id).collect());
    }
    let ids: Vec<Id> = briefs.iter().map(|(id, _)| *id).collect();
    let open = in_chunks::<_, Id, Problem>(&ids, |ids| {
        natively!(connection, |native| resources::table
            .filter(among(resources::id, ids))
            .filter(visible(resources::content, &sight.caller))
            .select(resources::id)
            .load(native))
    })?;
    Ok(ids.into_iter().filter(|id| !open.contains(id)).collect())
}

/// A category cannot be deleted while briefs stand in it; should one be missing all the same, its briefs are still read.
fn missing_category() -> CategoryLink {
    CategoryLink { slug: String::new(), name: String::new(), names: HashMap::new().into_iter().collect() }
}

/// Of a retracted brief only its title, dates, picture and the notice are left to readers, and what tells it apart.
fn withhold(view: &mut BriefView) {
    view.category_status = None;
    view.authors.clear();
    view.corrections.clear();
    view.related.clear();
    view.summary = None;
    view.body = view.body.as_ref().map(|_| None);
    view.body_html = view.body_html.as_ref().map(|_| None);
    view.sources.clear();
    view.trends = view.trends.as_ref().map(|_| Vec::new());
    view.events = view.events.as_ref().map(|_| Vec::new());
    view.actors = view.actors.as_ref().map(|_| Vec::new());
}

fn view(row: BriefRow, category: CategoryLink) -> BriefView {
    BriefView {
        id: row.id,
        slug: row.slug,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        title: row.title,
        category,
        category_status: row.category_status,
        language: row.language,
        country: row.country,
        period: row.period_from.zip(row.period_to).map(|(from, to)| Period { from, to }),
        summary: row.summary,
        body: Some(row.body),
        body_html: Some(row.body_html),
        image: row.image.map(|Json(image)| image),
        authors: row.authors.0,
        sources: row.sources.0,
        marking: row.marking,
        license: row.license,
        canonical_url: row.canonical_url,
        state: row.state,
        published_at: row.published_at,
        embargo_until: row.embargo_until,
        scheduled_for: row.scheduled_for,
        trends: None,
        events: None,
        actors: None,
        translations: Vec::new(),
        corrections: row.corrections.0,
        retraction: row.retraction.map(|Json(retraction)| retraction),
        related: Vec::new(),
        similar: None,
    }
}

fn translations(
    connection: &mut Connection,
    sight: Sight,
    ids: &[Id],
) -> Result<HashMap<Id, Vec<Translation>>, Problem> {
    if links::stand_alone(connection, sight.moment, ids)? {
        return Ok(HashMap::new());
    }
    let groups = links::groups_of(connection, sight.moment, ids)?;
    let members = links::members_of(connection, sight.moment, &groups.values().copied().collect::<Vec<_>>())?;
    let everyone: Vec<Id> = members.values().flatten().copied().collect();
    let found = in_chunks::<_, (Id, String, String), Problem>(&everyone, |ids| {
        natively!(connection, |native| briefs::table
            .filter(sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience))
            .filter(among(briefs::id, ids))
            .select((briefs::id, briefs::language, briefs::slug))
            .load(native))
    })?;
    let found: HashMap<Id, Translation> =
        found.into_iter().map(|(id, language, slug)| (id, Translation { language, id, slug })).collect();
    Ok(groups
        .into_iter()
        .map(|(brief, group)| {
            let others = members.get(&group).into_iter().flatten().filter(|other| **other != brief);
            let mut others: Vec<Translation> = others.filter_map(|other| found.get(other).cloned()).collect();
            others.sort_by(|a, b| (&a.language, a.id).cmp(&(&b.language, b.id)));
            (brief, others)
        })
        .collect())
}

fn related(
    connection: &mut Connection,
    sight: Sight,
    ids: &[Id],
) -> Result<HashMap<Id, Vec<Link<BriefLink>>>, Problem> {
    let related = links::related_of(connection, sight.moment, ids)?;
    let mut everyone: Vec<Id> = related.values().flatten().copied().collect();
    everyone.sort_unstable();
    everyone.dedup();
    let mut found: HashMap<Id, Link<BriefLink>> =
        links(connection, sight, &everyone)?.into_iter().map(|(id, link)| (id, Link::Living(link))).collect();
    let deleted = deleted_beside(connection, sight, &everyone, &found)?;
    found.extend(deleted.into_iter().map(|id| (id, Link::deleted(id))));
    Ok(related
        .into_iter()
        .map(|(brief, others)| (brief, others.iter().filter_map(|other| found.get(other).cloned()).collect()))
        .collect())
}

/// How others name these briefs, as far as this caller may see them.
///
/// # Errors
/// When the query fails.
pub fn links(connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashMap<Id, BriefLink>, Problem> {
    type Columns = (Id, String, String, String, Option<crate::db::types::Timestamp>, Option<Json<super::model::Image>>);
    let rows = in_chunks::<_, Columns, Problem>(ids, |ids| {
        natively!(connection, |native| briefs::table
            .filter(sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience))
            .filter(among(briefs::id, ids))
            .select((briefs::id, briefs::slug, briefs::title, briefs::language, briefs::published_at, briefs::image))
            .load(native))
    })?;
    Ok(rows
        .into_iter()
        .map(|(id, slug, title, language, published_at, image)| {
            (id, BriefLink { id, slug, title, language, published_at, image: image.map(|Json(image)| image) })
        })
        .collect())
}

fn trends_of(
    connection: &mut Connection,
    sight: Sight,
    ids: &[Id],
    known: &mut Summaries,
) -> Result<HashMap<Id, Vec<TrendView>>, Problem> {
    let rows = trends::store::rows_of_briefs(connection, sight, ids)?;
    let owners: Vec<Id> = rows.iter().map(|row| row.brief_id).collect();
    let views = trends::views::embedded_views(connection, sight, rows, known)?;
    let mut by_brief: HashMap<Id, Vec<TrendView>> = HashMap::new();
    for (owner, view) in owners.into_iter().zip(views) {
        by_brief.entry(owner).or_default().push(view);
    }
    Ok(by_brief)
}

fn events_of(
    connection: &mut Connection,
    sight: Sight,
    ids: &[Id],
    known: &mut Summaries,
) -> Result<HashMap<Id, Vec<Link<EventView>>>, Problem> {
    let by_brief = links::events_of(connection, sight.moment, ids)?;
    let mut everything: Vec<Id> = by_brief.values().flatten().copied().collect();
    everything.sort_unstable();
    everything.dedup();
    let rows = in_chunks::<_, EventRow, Problem>(&everything, |ids| {
        natively!(connection, |native| events::table
            .filter(sight.sees(events::id, events::since, events::until, events::audience))
            .filter(among(events::id, ids))
            .select(EventRow::as_select())
            .load(native))
    })?;
    let mut found: HashMap<Id, Link<EventView>> =
        crate::events::store::views_among(connection, sight.moment, rows, known)?
            .into_iter()
            .map(|view| (view.id, Link::Living(view)))
            .collect();
    let deleted = deleted_beside(connection, sight, &everything, &found)?;
    found.extend(deleted.into_iter().map(|id| (id, Link::deleted(id))));
    Ok(by_brief
        .into_iter()
        .map(|(brief, events)| (brief, events.iter().filter_map(|event| found.get(event).cloned()).collect()))
        .collect())
}

fn actors_of(
    connection: &mut Connection,
    sight: Sight,
    ids: &[Id],
    known: &mut Summaries,
) -> Result<HashMap<Id, Vec<ActorSummary>>, Problem> {
    let pairs = if sight.is_now() {
        in_chunks::<_, (Id, Id), Problem>(ids, |ids| {
            natively!(connection, |native| brief_actors::table
                .filter(sight.sees(
                    brief_actors::brief_id,
                    brief_actors::since,
                    brief_actors::until,
                    brief_actors::audience,
                ))
                .filter(among(brief_actors::brief_id, ids))
                .select((brief_actors::brief_id, brief_actors::actor_id))
                .load(native))
        })?
    } else {
        actors_of_the_past(connection, sight, ids)?
    };
    actors::store::learn(connection, sight.moment, known, pairs.iter().map(|(_, actor)| *actor))?;
    let mut by_brief: HashMap<Id, Vec<ActorSummary>> = HashMap::new();
    for (brief, actor) in pairs {
        by_brief.entry(brief).or_default().extend(known.get(&actor).cloned());
    }
    for actors in by_brief.values_mut() {
        actors.sort_by(|a, b| a.slug.cmp(&b.slug));
    }
    Ok(by_brief)
}

/// Who took part in what these briefs showed and this caller may still see. What is derived from that for the present may
/// rest on events and trends that were hidden since.
fn actors_of_the_past(connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<Vec<(Id, Id)>, Problem> {
    let mut pairs = in_chunks::<_, (Id, Id), Problem>(ids, |ids| {
        natively!(connection, |native| brief_events::table
            .inner_join(events::table.on(events::id.eq(brief_events::event_id)))
            .inner_join(event_participants::table.on(event_participants::event_id.eq(events::id)))
            .filter(sight.stands(brief_events::since, brief_events::until))
            .filter(sight.sees(events::id, events::since, events::until, events::audience))
            .filter(sight.stands(event_participants::since, event_participants::until))
            .filter(among(brief_events::brief_id, ids))
            .select((brief_events::brief_id, event_participants::actor_id))
            .load(native))
    })?;
    pairs.extend(in_chunks::<_, (Id, Id), Problem>(ids, |ids| {
        natively!(connection, |native| trend_table::table
            .inner_join(trend_actors::table.on(trend_actors::trend_id.eq(trend_table::id)))
            .filter(sight.sees(trend_table::id, trend_table::since, trend_table::until, trend_table::audience))
            .filter(sight.stands(trend_actors::since, trend_actors::until))
            .filter(among(trend_table::brief_id, ids))
            .select((trend_table::brief_id, trend_actors::actor_id))
            .load(native))
    })?);
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs)
}
