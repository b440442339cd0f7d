//! Which briefs and events show what a write has changed.

use std::collections::HashSet;

use diesel::prelude::*;

use crate::briefs::links;
use crate::briefs::similar::strands::{self, Strand};
use crate::db::schema::{
    brief_actors, brief_related, brief_translations, briefs, event_participants, journal, trend_evidence, trends,
};
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks};
use crate::history::erasure::erased_among;
use crate::natively;
use crate::problem::Problem;
use crate::vocabulary::Kind;

/// What a part of the journal is about.
pub(super) enum Concerned {
    /// Some briefs and events.
    These {
        /// They, and those that show them.
        ids: HashSet<Id>,
        /// Where briefs stand along strands that were changed, or stood; None if they are many.
        touched: Option<Vec<(Strand, i64)>>,
    },
    /// So much that it is not worth telling apart.
    Everything,
}

/// So many rows of the journal, or resources, are looked at one by one.
const MOST: u16 = 10_000;
/// Of so many briefs at a time it is found out where they stand.
const MOST_PLACED: usize = 500;

/// The briefs and events that show anything that the journal names after a position.
///
/// # Errors
/// When a query fails.
pub(super) fn after(connection: &mut Connection, position: i64) -> Result<Concerned, Problem> {
    let rows: Vec<(Kind, Id, i32)> = natively!(connection, |native| journal::table
        .filter(journal::position.gt(position))
        .order(journal::position)
        .limit(MOST.into())
        .select((journal::kind, journal::resource_id, journal::version))
        .load(native))?;
    let named = |wanted: Kind| -> Vec<Id> {
        rows.iter().filter(|(kind, _, _)| *kind == wanted).map(|(_, id, _)| *id).collect()
    };
    // A category is in every brief of it, and changes hardly ever; one that is new is in none.
    let is_changed_category = |(kind, _, version): &(Kind, Id, i32)| *kind == Kind::Category && *version > 1;
    let resources: Vec<Id> = rows.iter().map(|(_, id, _)| *id).collect();
    // Nothing may be left of what was erased, and forgetting it leaves it in the file.
    if rows.len() >= usize::from(MOST) || rows.iter().any(is_changed_category) || erased_among(connection, &resources)?
    {
        return Ok(Concerned::Everything);
    }
    let (changed, mut events, actors) = (named(Kind::Brief), named(Kind::Event), named(Kind::Actor));
    let mut briefs = showing_events(connection, &events)?;
    briefs.extend(with_trends(connection, &named(Kind::Trend))?);
    briefs.extend(&changed);
    // What follows only shows what was changed: what it has in common with others, and where it stands, is the same.
    let touched = touched(connection, &briefs, position)?;
    briefs.extend(beside(connection, &changed)?);
    briefs.extend(with_actors(connection, &actors)?);
    events.extend(with_participants(connection, &actors)?);
    let ids: HashSet<Id> = briefs.into_iter().chain(events).collect();
    Ok(if ids.len() > usize::from(MOST) { Concerned::Everything } else { Concerned::These { ids, touched } })
}

/// Where these briefs stand, and stood at a position, if they are not many.
fn touched(connection: &mut Connection, ids: &[Id], position: i64) -> Result<Option<Vec<(Strand, i64)>>, Problem> {
    let briefs: HashSet<Id> = ids.iter().copied().collect();
    if briefs.len() > MOST_PLACED {
        return Ok(None);
    }
    strands::places(connection, &briefs.into_iter().collect::<Vec<_>>(), position).map(Some)
}

/// The briefs that report these events, or judge by them.
fn showing_events(connection: &mut Connection, events: &[Id]) -> Result<Vec<Id>, Problem> {
    let mut showing = links::showing(connection, events)?;
    showing.extend(in_chunks::<_, Id, Problem>(events, |events| {
        natively!(connection, |native| trend_evidence::table
            .inner_join(trends::table.on(trends::id.eq(trend_evidence::trend_id)))
            .filter(trend_evidence::until.is_null())
            .filter(trends::until.is_null())
            .filter(among(trend_evidence::event_id, events))
            .select(trends::brief_id)
            .load(native))
    })?);
    Ok(showing)
}

/// The briefs of these trends, living or not.
fn with_trends(connection: &mut Connection, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    in_chunks(ids, |ids| {
        natively!(connection, |native| trends::table
            .filter(among(trends::id, ids))
            .select(trends::brief_id)
            .load(native))
    })
}

/// The briefs that these are related to by an editor, or are or were translations of. Who joins a group takes others along, and each of
/// them leaves others behind, which say so in no row of the journal if nobody has published them: hence twice.
fn beside(connection: &mut Connection, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    let mut beside = in_chunks::<_, Id, Problem>(ids, |ids| {
        natively!(connection, |native| brief_related::table
            .filter(brief_related::until.is_null())
            .filter(among(brief_related::other_id, ids))
            .select(brief_related::brief_id)
            .load(native))
    })?;
    let companions = translations_ever(connection, ids)?;
    beside.extend(translations_ever(connection, &companions)?);
    beside.extend(companions);
    Ok(beside)
}

/// The briefs of every group that any of these is in or was in.
fn translations_ever(connection: &mut Connection, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    let mut groups = in_chunks::<_, Id, Problem>(ids, |ids| {
        natively!(connection, |native| brief_translations::table
            .filter(among(brief_translations::brief_id, ids))
            .select(brief_translations::group_id)
            .load(native))
    })?;
    // A group may have the id of the brief that founded it.
    groups.extend(ids);
    groups.sort_unstable();
    groups.dedup();
    let mut members = in_chunks::<_, Id, Problem>(&groups, |groups| {
        natively!(connection, |native| brief_translations::table
            .filter(brief_translations::until.is_null())
            .filter(among(brief_translations::group_id, groups))
            .select(brief_translations::brief_id)
            .load(native))
    })?;
    members.extend(in_chunks::<_, Id, Problem>(&groups, |groups| {
        natively!(connection, |native| briefs::table
            .filter(briefs::until.is_null())
            .filter(among(briefs::id, groups))
            .select(briefs::id)
            .load(native))
    })?);
    Ok(members)
}

/// The briefs in which these actors take part or took part.
fn with_actors(connection: &mut Connection, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    in_chunks(ids, |ids| {
        natively!(connection, |native| brief_actors::table
            .filter(among(brief_actors::actor_id, ids))
            .select(brief_actors::brief_id)
            .load(native))
    })
}

/// The events in which these actors take part or took part.
fn with_participants(connection: &mut Connection, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    in_chunks(ids, |ids| {
        natively!(connection, |native| event_participants::table
            .filter(among(event_participants::actor_id, ids))
            .select(event_participants::event_id)
            .load(native))
    })
}
