//! Briefs as the index holds them: one document for each set of callers who see the same of a brief.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::links;
use super::model::{BriefRow, NOT_YET_PUBLISHED};
use super::views;
use crate::access::{Audience, Moment, Sight};
use crate::db::schema::{briefs, event_participants, events, trend_actors, trends};
use crate::db::types::Id;
use crate::db::{Connection, among, grouped, in_chunks};
use crate::markdown;
use crate::natively;
use crate::problem::Problem;
use crate::search::document::{Document, Tag, joined, ways_seen};
use crate::search::lists::Searchable;
use crate::search::permits::Permits;
use crate::trends::documents::{Judgement, tag_with};
use crate::vocabulary::{Assessment, Direction, EventKind, Kind};

/// The documents of these briefs.
///
/// # Errors
/// When a query fails.
pub fn of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Vec<Document>, Problem> {
    let rows = in_chunks::<_, BriefRow, Problem>(ids, |ids| {
        natively!(connection, |native| briefs::table
            .filter(moment.stands(briefs::since, briefs::until))
            .filter(among(briefs::id, ids))
            .select(BriefRow::as_select())
            .load(native))
    })?;
    let permits = Permits::of(connection, moment, &rows.iter().map(|row| row.id).collect::<Vec<_>>())?;
    let mut contents = contents(connection, moment, &rows.iter().map(|row| row.id).collect::<Vec<_>>())?;
    Ok(rows
        .iter()
        .flat_map(|row| {
            let parts = contents.remove(&row.id).unwrap_or_default();
            let audience = row.audience & permits.to_see(row.id);
            let content = audience & row.audience_of_content() & permits.to_read(row.id);
            as_seen(row, audience, content, &parts)
        })
        .collect())
}

/// Everything that a brief says beside its title.
fn text_of<'t>(row: &BriefRow, statements: impl Iterator<Item = &'t str>) -> String {
    let body = row.body.as_deref().map(markdown::plain);
    let statements: Vec<&str> = statements.collect();
    joined([row.summary.as_deref(), body.as_deref()].into_iter().chain(statements.into_iter().map(Some)))
}

/// What is searched in these briefs, for one caller: as in their documents, with one query.
///
/// # Errors
/// When a query fails.
pub fn texts(connection: &mut Connection, sight: Sight, rows: &[BriefRow]) -> Result<Vec<Searchable>, Problem> {
    let withheld = views::withheld(connection, sight, rows)?;
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let statements = in_chunks::<_, (Id, String), Problem>(&ids, |ids| {
        natively!(connection, |native| trends::table
            .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
            .filter(among(trends::brief_id, ids))
            .order((trends::brief_id, trends::position))
            .select((trends::brief_id, trends::statement))
            .load(native))
    })?;
    let mut of_brief: HashMap<Id, Vec<String>> = HashMap::new();
    for (brief, statement) in statements {
        of_brief.entry(brief).or_default().push(statement);
    }
    let text = |row: &BriefRow| {
        let statements = of_brief.get(&row.id).map(Vec::as_slice).unwrap_or_default();
        text_of(row, statements.iter().map(String::as_str))
    };
    let shown = |row: &BriefRow| if withheld.contains(&row.id) { String::new() } else { text(row) };
    Ok(rows.iter().map(|row| Searchable { id: row.id, title: row.title.clone(), text: shown(row) }).collect())
}

/// What a brief shows beside its own words, each for those who may see it.
#[derive(Default)]
struct Parts {
    events: Vec<EventPart>,
    trends: Vec<TrendPart>,
}

#[derive(Clone)]
struct EventPart {
    kind: EventKind,
    audience: Audience,
    actors: Vec<Id>,
}

struct TrendPart {
    statement: String,
    judgement: Judgement,
    audience: Audience,
    actors: Vec<Id>,
}

fn as_seen(row: &BriefRow, audience: Audience, content: Audience, parts: &Parts) -> Vec<Document> {
    let mut limits = vec![content];
    limits.extend(parts.events.iter().map(|event| event.audience & content));
    limits.extend(parts.trends.iter().map(|trend| trend.audience & content));
    limits.dedup();
    ways_seen(audience, &limits)
        .into_iter()
        .map(|way| if way.meets(content) { whole(row, way, parts) } else { withheld(row, way) })
        .collect()
}

/// What is left to see of a brief whose content is withheld.
fn withheld(row: &BriefRow, way: Audience) -> Document {
    let mut document = Document::new(Kind::Brief, row.id, way, row.slug.clone(), row.title.clone(), row.updated_at);
    document.place = row.listed_at.micros();
    document.categories = vec![row.category_id];
    document.tag(Tag::Language, [row.language.as_str()]);
    document.tag(Tag::Country, row.country.as_deref());
    document.tag(Tag::State, [row.state.as_str()]);
    document.tag(Tag::Marking, [row.marking.as_str()]);
    match day_of(row) {
        Some(day) => document.on((day, day), day),
        None => document,
    }
}

/// The day on which it was published.
fn day_of(row: &BriefRow) -> Option<NaiveDate> {
    (row.listed_at.micros() < NOT_YET_PUBLISHED).then(|| row.listed_at.datetime().date_naive())
}

fn whole(row: &BriefRow, way: Audience, parts: &Parts) -> Document {
    let mut document = withheld(row, way);
    document.tag(Tag::CategoryStatus, row.category_status.map(Assessment::as_str));
    let events: Vec<&EventPart> = parts.events.iter().filter(|event| event.audience.meets(way)).collect();
    let trends: Vec<&TrendPart> = parts.trends.iter().filter(|trend| trend.audience.meets(way)).collect();
    document.tag(Tag::EventKind, events.iter().map(|event| event.kind.as_str()));
    for trend in &trends {
        tag_with(&mut document, &trend.judgement);
    }
    let actors = events.iter().flat_map(|event| &event.actors).chain(trends.iter().flat_map(|trend| &trend.actors));
    document.actors = actors.copied().collect();
    document.actors.sort_unstable();
    document.actors.dedup();
    document.text = text_of(row, trends.iter().map(|trend| trend.statement.as_str()));
    document
}

fn contents(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<HashMap<Id, Parts>, Problem> {
    let mut contents: HashMap<Id, Parts> = HashMap::new();
    let shown = links::events_of(connection, moment, ids)?;
    let event_ids: Vec<Id> = shown.values().flatten().copied().collect();
    let events = events_among(connection, moment, &event_ids)?;
    for (brief, shown) in shown {
        let parts = contents.entry(brief).or_default();
        parts.events.extend(shown.iter().filter_map(|event| events.get(event).cloned()));
    }
    for (brief, trend) in trends_of(connection, moment, ids)? {
        contents.entry(brief).or_default().trends.push(trend);
    }
    Ok(contents)
}

fn events_among(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<HashMap<Id, EventPart>, Problem> {
    let permits = Permits::of(connection, moment, ids)?;
    let participants = in_chunks::<_, (Id, Id), Problem>(ids, |ids| {
        natively!(connection, |native| event_participants::table
            .filter(moment.stands(event_participants::since, event_participants::until))
            .filter(among(event_participants::event_id, ids))
            .select((event_participants::event_id, event_participants::actor_id))
            .load(native))
    })?;
    let mut participants = grouped(participants);
    let rows = in_chunks::<_, (Id, EventKind, Audience), Problem>(ids, |ids| {
        natively!(connection, |native| events::table
            .filter(moment.stands(events::since, events::until))
            .filter(among(events::id, ids))
            .select((events::id, events::kind, events::audience))
            .load(native))
    })?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, audience)| {
            let actors = participants.remove(&id).unwrap_or_default();
            (id, EventPart { kind, audience: audience & permits.to_see(id), actors })
        })
        .collect())
}

type TrendColumns = (Id, Id, String, Direction, Option<Assessment>, Option<String>, Audience);

fn trends_of(connection: &mut Connection, moment: Moment, briefs: &[Id]) -> Result<Vec<(Id, TrendPart)>, Problem> {
    let rows = in_chunks::<_, TrendColumns, Problem>(briefs, |briefs| {
        natively!(connection, |native| trends::table
            .filter(moment.stands(trends::since, trends::until))
            .filter(among(trends::brief_id, briefs))
            .order((trends::brief_id, trends::position))
            .select((
                trends::id,
                trends::brief_id,
                trends::statement,
                trends::direction,
                trends::assessment,
                trends::series,
                trends::audience,
            ))
            .load(native))
    })?;
    let ids: Vec<Id> = rows.iter().map(|row| row.0).collect();
    let permits = Permits::of(connection, moment, &ids)?;
    let about = in_chunks::<_, (Id, Id), Problem>(&ids, |ids| {
        natively!(connection, |native| trend_actors::table
            .filter(moment.stands(trend_actors::since, trend_actors::until))
            .filter(among(trend_actors::trend_id, ids))
            .select((trend_actors::trend_id, trend_actors::actor_id))
            .load(native))
    })?;
    let mut about = grouped(about);
    Ok(rows
        .into_iter()
        .map(|(id, brief, statement, direction, assessment, series, audience)| {
            let actors = about.remove(&id).unwrap_or_default();
            let judgement = Judgement { direction, assessment, series };
            (brief, TrendPart { statement, judgement, audience: audience & permits.to_see(id), actors })
        })
        .collect())
}
