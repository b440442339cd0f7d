//! Where documents come from: the tables, by the slices that know them.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::document::Document;
use crate::access::Moment;
use crate::db::schema::{brief_events, journal, resources, trends};
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks};
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
    Ok((ids.last().copied(), documents(connection, kind, Moment::Head, &ids)?))
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
        change.documents.append(&mut documents(connection, *kind, Moment::Head, &list)?);
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
