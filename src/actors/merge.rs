//! Merging duplicates: what named one actor names another, which is called by both names from then on.

use diesel::prelude::*;

use super::input::MOST_ALIASES;
use super::model::{ActorRow, NameRow, PositionRow};
use super::store;
use crate::access::Moment;
use crate::db::schema::{actor_positions, actors};
use crate::db::types::Id;
use crate::events;
use crate::journal::Write;
use crate::problem::Problem;
use crate::trends;

/// Puts `target` in the place of `duplicate` wherever that is named, and gives it its names.
///
/// # Errors
/// 403 when something published names it and the writer is no publisher.
pub fn merge(write: &mut Write<'_>, duplicate: &ActorRow, target: &ActorRow) -> Result<(), Problem> {
    events::store::move_actor(write, duplicate.id, target.id)?;
    trends::store::move_actor(write, duplicate.id, target.id)?;
    let mut concerned = named_by(write, duplicate.id)?;
    concerned.push(target.id);
    concerned.sort_unstable();
    concerned.dedup();
    concerned.retain(|id| *id != duplicate.id);
    for id in concerned {
        let additional = if id == target.id {
            store::names_of(write.connection, Moment::Head, &[duplicate.id])?
        } else {
            Vec::new()
        };
        rename_in(write, id, duplicate.id, target.id, additional)?;
    }
    Ok(())
}

/// A list in which one has taken the place of another, each once.
#[must_use]
pub fn moved(list: &[Id], from: Id, to: Id) -> Vec<Id> {
    let mut moved: Vec<Id> = Vec::new();
    for id in list.iter().map(|id| if *id == from { to } else { *id }) {
        if !moved.contains(&id) {
            moved.push(id);
        }
    }
    moved
}

/// The actors that belong to one or hold a post there.
fn named_by(write: &mut Write<'_>, id: Id) -> Result<Vec<Id>, Problem> {
    let mut naming: Vec<Id> = actors::table
        .filter(actors::until.is_null())
        .filter(actors::parent_id.eq(id))
        .select(actors::id)
        .load(write.connection)?;
    let holders: Vec<Id> = actor_positions::table
        .filter(actor_positions::until.is_null())
        .filter(actor_positions::organisation_id.eq(id))
        .select(actor_positions::actor_id)
        .load(write.connection)?;
    naming.extend(holders);
    Ok(naming)
}

/// Writes an actor anew that named the duplicate, with further names if it is the one that takes its place.
fn rename_in(write: &mut Write<'_>, id: Id, from: Id, to: Id, additional: Vec<NameRow>) -> Result<(), Problem> {
    let living = actors::table.filter(actors::until.is_null()).filter(actors::id.eq(id));
    let existing: ActorRow = living.select(ActorRow::as_select()).first(write.connection)?;
    let parent_id = existing.parent_id.map(|parent| if parent == from { to } else { parent });
    let row = ActorRow {
        since: write.since(),
        version: write.version_after(existing.version, existing.since),
        updated_at: write.at(),
        // What belonged to its own duplicate belongs to nothing.
        parent_id: parent_id.filter(|parent| *parent != id),
        ..existing
    };
    let mut names = store::names_of(write.connection, Moment::Head, &[id])?;
    for name in additional {
        if names.iter().all(|known| known.folded != name.folded) {
            names.push(name);
        }
    }
    if names.len() > MOST_ALIASES + 1 {
        let detail = format!("Together they have more than {MOST_ALIASES} other names; take some out first.");
        return Err(Problem::conflict(detail));
    }
    let names = (0..).zip(names).map(|(ordinal, name)| NameRow { actor_id: id, ordinal, since: row.since, ..name });
    let positions = store::positions_of(write.connection, Moment::Head, &[id])?.into_iter();
    let positions = positions.map(|position| PositionRow {
        organisation_id: if position.organisation_id == from { to } else { position.organisation_id },
        ..position
    });
    // Nor does it hold a post in itself.
    let positions = (0..).zip(positions.filter(|position| position.organisation_id != id));
    let positions = positions.map(|(ordinal, position)| PositionRow { ordinal, since: row.since, ..position });
    let (names, positions) = (names.collect(), positions.collect());
    store::replace(write, row, names, positions)
}
