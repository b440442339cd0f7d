//! Where documents come from: the tables, by the slices that know them.

use std::collections::{BTreeSet, HashMap};

use diesel::dsl::max;
use diesel::prelude::*;

use super::document::Document;
use crate::access::{Audience, Moment};
use crate::db::schema::{brief_events, journal, resources, trends};
use crate::db::types::Id;
use crate::db::{Connection, among, grouped, in_chunks};
use crate::history::erasure::erased_among;
use crate::natively;
use crate::problem::Problem;
use crate::vocabulary::Kind;
use crate::{actors, briefs, categories, events};

/// The documents of these resources at a moment, for whoever could see them then and may see them now.
///
/// # Errors
/// When a query fails.
pub fn documents(
    connection: &mut Connection,
    kind: Kind,
    moment: Moment,
    ids: &[Id],
) -> Result<Vec<Document>, Problem> {
    match kind {
        Kind::Brief => briefs::documents::of(connection, moment, ids),
        Kind::Event => events::documents::of(connection, moment, ids),
        Kind::Trend => crate::trends::documents::of(connection, moment, ids),
        Kind::Actor => actors::documents::of(connection, moment, ids),
        Kind::Category => categories::documents::of(connection, moment, ids),
    }
}

/// The documents of the next so many resources of a kind, in the order of their ids, and where to go on.
///
/// # Errors
/// When a query fails.
pub(super) fn chunk(
    connection: &mut Connection,
    kind: Kind,
    after: Option<Id>,
    limit: i64,
) -> Result<(Option<Id>, Vec<Document>), Problem> {
    let mut next = resources::table
        .filter(resources::kind.eq(kind))
        .order(resources::id)
        .limit(limit)
        .select(resources::id)
        .into_boxed();
    if let Some(after) = after {
        next = next.filter(resources::id.gt(after));
    }
    let ids: Vec<Id> = next.load(connection)?;
    Ok((ids.last().copied(), present(connection, kind, &ids)?))
}

/// The documents of these resources as they are now. Those of which there are feeds know their last change, and are noticed by
/// those who saw what they see no more.
fn present(connection: &mut Connection, kind: Kind, ids: &[Id]) -> Result<Vec<Document>, Problem> {
    let documents = documents(connection, kind, Moment::Head, ids)?;
    match kind {
        Kind::Actor | Kind::Category => Ok(documents),
        Kind::Brief | Kind::Event | Kind::Trend => with_last_changes(connection, kind, ids, documents),
    }
}

fn with_last_changes(
    connection: &mut Connection,
    kind: Kind,
    ids: &[Id],
    documents: Vec<Document>,
) -> Result<Vec<Document>, Problem> {
    let changes = last_changes(connection, ids)?;
    let changes_of = |id: Id| changes.get(&id).map(Vec::as_slice).unwrap_or_default();
    let ever_seen_by = |id: Id| changes_of(id).iter().fold(Audience::NOBODY, |all, (_, known_to)| all | *known_to);
    let mut lost: HashMap<Id, Audience> = ids.iter().map(|id| (*id, ever_seen_by(*id))).collect();
    let mut all = Vec::with_capacity(ids.len());
    for document in documents {
        if let Some(lost) = lost.get_mut(&document.id) {
            *lost = lost.without(document.audience);
        }
        let changes = changes_of(document.id);
        all.extend(document.split_by_last_change(changes));
    }
    for (id, audience) in lost.into_iter().filter(|(_, audience)| *audience != Audience::NOBODY) {
        all.extend(Document::notice(kind, id, audience).split_by_last_change(changes_of(id)));
    }
    Ok(all)
}

/// At which positions these were changed last, and who knows of that, in the order of the positions: one for each set of those who
/// know of one, however often it was changed.
fn last_changes(connection: &mut Connection, ids: &[Id]) -> Result<HashMap<Id, Vec<(i64, Audience)>>, Problem> {
    let rows = in_chunks::<_, (Id, (Option<i64>, Audience)), Problem>(ids, |ids| {
        natively!(connection, |native| journal::table
            .filter(among(journal::resource_id, ids))
            .group_by((journal::resource_id, journal::audience))
            .select((journal::resource_id, (max(journal::position), journal::audience)))
            .load(native))
    })?;
    let mut changes =
        grouped(rows.into_iter().map(|(id, (position, known_to))| (id, (position.unwrap_or(0), known_to))));
    for changes in changes.values_mut() {
        changes.sort_unstable_by_key(|(position, _)| *position);
    }
    Ok(changes)
}

/// What a part of the journal is about.
pub(super) struct Change {
    /// The last position of it; None if there is nothing more.
    pub last: Option<i64>,
    /// Everything whose documents may have changed.
    pub concerned: BTreeSet<Id>,
    /// Their documents, as they are now.
    pub documents: Vec<Document>,
    /// Whether something of it was erased, so that nothing may be left of it.
    pub erases: bool,
}

/// What the next so many rows of the journal are about.
///
/// # Errors
/// When a query fails.
pub(super) fn changed_after(connection: &mut Connection, position: i64, limit: i64) -> Result<Change, Problem> {
    let rows: Vec<(i64, Kind, Id)> = natively!(connection, |native| journal::table
        .filter(journal::position.gt(position))
        .order(journal::position)
        .limit(limit)
        .select((journal::position, journal::kind, journal::resource_id))
        .load(native))?;
    let named = |wanted: Kind| -> BTreeSet<Id> {
        rows.iter().filter(|(_, kind, _)| *kind == wanted).map(|(_, _, id)| *id).collect()
    };
    let mut change = Change {
        last: rows.last().map(|(position, _, _)| *position),
        concerned: BTreeSet::new(),
        documents: Vec::new(),
        erases: erased_among(connection, &rows.iter().map(|(_, _, id)| *id).collect::<Vec<_>>())?,
    };
    for kind in Kind::ALL {
        let mut ids = named(*kind);
        match kind {
            Kind::Brief => ids.extend(briefs::links::showing(connection, &list(&named(Kind::Event)))?),
            Kind::Event => ids.extend(shown_by(connection, &named(Kind::Brief))?),
            Kind::Trend => ids.extend(judged_in(connection, &named(Kind::Brief))?),
            Kind::Actor | Kind::Category => {}
        }
        let list: Vec<Id> = ids.iter().copied().collect();
        change.documents.append(&mut present(connection, *kind, &list)?);
        change.concerned.append(&mut ids);
    }
    Ok(change)
}

/// The events that these briefs show or ever showed: they are found by the category of what shows them.
fn shown_by(connection: &mut Connection, briefs: &BTreeSet<Id>) -> Result<Vec<Id>, Problem> {
    in_chunks(&list(briefs), |briefs| {
        natively!(connection, |native| brief_events::table
            .filter(among(brief_events::brief_id, briefs))
            .select(brief_events::event_id)
            .load(native))
    })
}

/// The living trends of these briefs: they are found by what their brief is.
fn judged_in(connection: &mut Connection, briefs: &BTreeSet<Id>) -> Result<Vec<Id>, Problem> {
    in_chunks(&list(briefs), |briefs| {
        natively!(connection, |native| trends::table
            .filter(trends::until.is_null())
            .filter(among(trends::brief_id, briefs))
            .select(trends::id)
            .load(native))
    })
}

fn list(ids: &BTreeSet<Id>) -> Vec<Id> {
    ids.iter().copied().collect()
}
