//! Events as the index holds them. They are found by the categories of the briefs that show them, so callers who see other
//! briefs may have a document of their own.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::EventRow;
use crate::access::{Audience, Moment};
use crate::db::schema::{brief_events, briefs, event_participants, events};
use crate::db::types::Id;
use crate::db::{Connection, among, grouped, in_chunks};
use crate::edtf::OPEN_START;
use crate::natively;
use crate::problem::Problem;
use crate::search::document::{Document, Tag, day_number, joined, ways_seen};
use crate::search::permits::Permits;
use crate::vocabulary::{BriefState, Kind};

/// The documents of these events.
///
/// # Errors
/// When a query fails.
pub fn of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Vec<Document>, Problem> {
    let rows = in_chunks::<_, EventRow, Problem>(ids, |ids| {
        natively!(connection, |native| events::table
            .filter(moment.stands(events::since, events::until))
            .filter(among(events::id, ids))
            .select(EventRow::as_select())
            .load(native))
    })?;
    let permits = Permits::of(connection, moment, ids)?;
    let mut participants = participants_of(connection, moment, ids)?;
    let categories = categories_of(connection, moment, ids)?;
    Ok(rows
        .iter()
        .flat_map(|row| {
            let shown_in = categories.get(&row.id).map(Vec::as_slice).unwrap_or_default();
            let limits: Vec<Audience> = shown_in.iter().map(|(_, audience)| *audience).collect();
            let actors = participants.remove(&row.id).unwrap_or_default();
            ways_seen(row.audience & permits.to_see(row.id), &limits)
                .into_iter()
                .map(|way| as_seen(row, way, &actors, shown_in))
                .collect::<Vec<_>>()
        })
        .collect())
}

fn as_seen(row: &EventRow, way: Audience, actors: &[Id], shown_in: &[(Id, Audience)]) -> Document {
    let mut document = Document::new(Kind::Event, row.id, way, row.slug.clone(), row.title.clone(), row.updated_at);
    let place = row.location.as_ref().and_then(|location| location.0.name.as_deref());
    document.text = joined([row.description.as_deref(), place]);
    document.place = day_number(row.occurred_from);
    document.actors = actors.to_vec();
    document.categories = shown_in.iter().filter(|(_, audience)| audience.meets(way)).map(|(id, _)| *id).collect();
    document.categories.sort_unstable();
    document.categories.dedup();
    document.tag(Tag::EventKind, [row.kind.as_str()]);
    document.tag(Tag::Country, row.country.as_deref());
    document.tag(Tag::State, [row.state.as_str()]);
    document.tag(Tag::Marking, [row.marking.as_str()]);
    // Counted under the first day that it can mean, where there is one.
    let counted = if row.occurred_from == OPEN_START { row.occurred_to } else { row.occurred_from };
    document.on((row.occurred_from, row.occurred_to), counted)
}

fn participants_of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<HashMap<Id, Vec<Id>>, Problem> {
    let mut rows = in_chunks::<_, (Id, Id), Problem>(ids, |ids| {
        natively!(connection, |native| event_participants::table
            .filter(moment.stands(event_participants::since, event_participants::until))
            .filter(among(event_participants::event_id, ids))
            .select((event_participants::event_id, event_participants::actor_id))
            .load(native))
    })?;
    rows.sort_unstable();
    rows.dedup();
    Ok(grouped(rows))
}

/// The categories of the briefs that show these events, each for those who may know that.
fn categories_of(
    connection: &mut Connection,
    moment: Moment,
    ids: &[Id],
) -> Result<HashMap<Id, Vec<(Id, Audience)>>, Problem> {
    let rows = in_chunks::<_, (Id, Id, Id, Audience, BriefState), Problem>(ids, |ids| {
        natively!(connection, |native| brief_events::table
            .inner_join(briefs::table.on(briefs::id.eq(brief_events::brief_id)))
            .filter(moment.stands(brief_events::since, brief_events::until))
            .filter(moment.stands(briefs::since, briefs::until))
            .filter(among(brief_events::event_id, ids))
            .select((brief_events::event_id, briefs::id, briefs::category_id, briefs::audience, briefs::state))
            .load(native))
    })?;
    let permits = Permits::of(connection, moment, &rows.iter().map(|row| row.1).collect::<Vec<_>>())?;
    let mut categories: HashMap<Id, Vec<(Id, Audience)>> = HashMap::new();
    for (event, brief, category, audience, state) in rows {
        let seen = audience & permits.to_see(brief);
        // What a retracted brief showed is withheld from readers.
        let withheld = moment == Moment::Head && state != BriefState::Published;
        let read = if withheld { Audience::NOBODY } else { seen.readers() & permits.to_read(brief) };
        categories.entry(event).or_default().push((category, seen.editors() | read));
    }
    Ok(categories)
}
