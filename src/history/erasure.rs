//! Erasure: the one exception to the rule that nothing is lost. It destroys the content of a resource in every version, or in
//! some, with whatever was kept of it elsewhere; that there was something, and when, stays in the journal.
//!
//! The rows are deleted, not marked. What reads them afterwards finds nothing, and looks into the tombstones and the erasures
//! to tell 410 from 404.

use diesel::prelude::*;

use crate::access::{Audience, Sight, visible};
use crate::db::Connection;
use crate::db::schema::{erasures, journal, redirects, tombstones};
use crate::db::types::{Id, Timestamp};
use crate::http::answer::Precondition;
use crate::http::body::Fault;
use crate::http::idempotency;
use crate::journal::Write;
use crate::problem::Problem;
use crate::reference::{self, Reference};
use crate::removal::Removal;
use crate::resource::{self, Resource};
use crate::scalars::Prose;
use crate::vocabulary::{Change, Kind};

/// A stored version: its number, where it stands, and who could see it.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct Stored {
    /// Its number.
    pub version: i32,
    /// The position from which it stands.
    pub since: i64,
    /// The position at which it ended, if it did.
    pub until: Option<i64>,
    /// Who could see it.
    pub audience: Audience,
}

/// The positions whose rows are to be destroyed.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// From this one.
    pub since: i64,
    /// Up to, and without, this one; all that follows if there is none.
    pub until: Option<i64>,
}

impl Stretch {
    /// Everything there ever was.
    pub const ALL: Self = Self { since: 0, until: None };
}

#[derive(Insertable)]
#[diesel(table_name = erasures)]
struct ErasureRow {
    resource_id: Id,
    version: i32,
    since: i64,
    until: Option<i64>,
    erased_at: Timestamp,
    reason: String,
    audience: Audience,
}

/// Destroys what belongs to `$id` in a table and stands within a stretch.
#[macro_export]
macro_rules! destroy_rows {
    ($connection:expr, $table:ident, $owner:ident, $id:expr, $stretch:expr) => {{
        let rows = $table::table.filter($table::$owner.eq($id)).filter($table::since.ge($stretch.since));
        match $stretch.until {
            None => diesel::delete(rows).execute($connection)?,
            Some(until) => diesel::delete(rows.filter($table::until.le(until))).execute($connection)?,
        };
    }};
}

/// Erases a resource, or some of its versions.
///
/// # Errors
/// 404 and 410 as for reading it, 409 for the version that stands, 412, 422 for versions that there are not.
pub fn erase<R: Resource>(
    write: &mut Write<'_>,
    reference: &Reference,
    reason: &Prose,
    versions: Option<&[i32]>,
    precondition: &Precondition,
) -> Result<(), Problem> {
    let caller = write.caller();
    let living: Option<R> = R::look_up(write.connection, Sight::now(&caller), reference)?;
    precondition.check(living.as_ref().map(Resource::version))?;
    let id = match &living {
        Some(row) => row.id(),
        None => super::revisions::identity::<R>(write.connection, &caller, reference)?,
    };
    match versions {
        None => erase_whole(write, id, living, reason),
        Some(versions) => erase_versions::<R>(write, id, living.as_ref(), reason, versions),
    }
}

fn erase_whole<R: Resource>(write: &mut Write<'_>, id: Id, living: Option<R>, reason: &Prose) -> Result<(), Problem> {
    let stored = R::stored(write.connection, id)?;
    let parts = R::parts(write.connection, id)?;
    match living {
        // It is deleted first, so that whatever names it is brought up to date. An actor may be named: its name goes, and what
        // names it shows that it is gone. But no brief is without a category.
        Some(row) => {
            if R::KIND == Kind::Category {
                R::demand_unused(write, &row)?;
            }
            R::remove(write, row, Removal::default())?;
        }
        None => note(write, R::KIND, id, &stored, Change::Removed)?,
    }
    for part in &parts {
        R::destroy_part(write, *part, Stretch::ALL, reason)?;
    }
    R::destroy(write, id, Stretch::ALL)?;
    leave_notes(write, id, &stored, reason)?;
    write.permit(id, Audience::NOBODY, Audience::NOBODY)?;
    bury_deeper(write, R::KIND, id, reason)?;
    let mut all = parts;
    all.push(id);
    idempotency::forget_about(write.connection, &all)
}

fn erase_versions<R: Resource>(
    write: &mut Write<'_>,
    id: Id,
    living: Option<&R>,
    reason: &Prose,
    versions: &[i32],
) -> Result<(), Problem> {
    let stored = R::stored(write.connection, id)?;
    let mut faults = Vec::new();
    let mut chosen: Vec<Stored> = Vec::new();
    for (index, number) in versions.iter().enumerate() {
        match stored.iter().find(|stored| stored.version == *number) {
            Some(version) if living.is_some_and(|row| row.version() == *number) => {
                let detail =
                    format!("Version {} stands. Put another in its place first, or erase everything.", version.version);
                let fault = Fault::at(format!("/versions/{index}"), "is the version that stands");
                return Err(Problem::conflict(detail).with_errors(vec![fault]));
            }
            Some(version) => chosen.push(*version),
            None => faults.push(Fault::at(format!("/versions/{index}"), "there is no such version")),
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let parts = R::parts(write.connection, id)?;
    for version in &chosen {
        let stretch = Stretch { since: version.since, until: version.until };
        for part in &parts {
            R::destroy_part(write, *part, stretch, reason)?;
        }
        R::destroy(write, id, stretch)?;
    }
    note(write, R::KIND, id, &chosen, Change::Updated)?;
    leave_notes(write, id, &chosen, reason)?;
    let mut all = parts;
    all.push(id);
    idempotency::forget_about(write.connection, &all)
}

/// Notes in the journal that something was erased, under the number of the last version.
fn note(write: &mut Write<'_>, kind: Kind, id: Id, erased: &[Stored], change: Change) -> Result<(), Problem> {
    let last: Option<i32> = journal::table
        .filter(journal::resource_id.eq(id))
        .filter(journal::via_id.is_null())
        .select(diesel::dsl::max(journal::version))
        .first(write.connection)?;
    let seen_by = erased.iter().fold(Audience::NOBODY, |all, version| all | version.audience);
    match change {
        Change::Removed => write.record(kind, id, last.unwrap_or_default(), change, seen_by),
        // The living version is what it was.
        _ => write.record_via(kind, id, last.unwrap_or_default(), id, seen_by),
    }
    Ok(())
}

/// Notes which versions there were, for those who could once see them.
///
/// # Errors
/// When the statement fails.
pub fn leave_notes(write: &mut Write<'_>, id: Id, erased: &[Stored], reason: &Prose) -> Result<(), Problem> {
    let rows: Vec<ErasureRow> = erased
        .iter()
        .map(|version| ErasureRow {
            resource_id: id,
            version: version.version,
            since: version.since,
            until: version.until,
            erased_at: write.at(),
            reason: reason.as_str().to_owned(),
            audience: version.audience,
        })
        .collect();
    for rows in rows.chunks(500) {
        crate::insert_rows!(write.connection, erasures::table, rows)?;
    }
    Ok(())
}

/// Makes the grave of what was deleted one of what was erased. Of the names that led there, which may tell what it was, a
/// digest stays: whoever has the name still learns that it is gone.
///
/// # Errors
/// When a statement fails.
pub fn bury_deeper(write: &mut Write<'_>, kind: Kind, id: Id, reason: &Prose) -> Result<(), Problem> {
    let slug: String = tombstones::table.find(id).select(tombstones::slug).first(write.connection)?;
    diesel::update(tombstones::table.find(id))
        .set((
            tombstones::erased.eq(true),
            tombstones::slug.eq(reference::veiled(&slug)),
            tombstones::reason.eq(reason.as_str()),
            tombstones::replacement.eq(None::<String>),
        ))
        .execute(write.connection)?;
    let led_there: Vec<(String, i64)> = redirects::table
        .filter(redirects::kind.eq(kind))
        .filter(redirects::resource_id.eq(id))
        .select((redirects::slug, redirects::since))
        .load(write.connection)?;
    for (slug, since) in led_there {
        diesel::update(redirects::table.find((kind, &slug, since)))
            .set(redirects::slug.eq(reference::veiled(&slug)))
            .execute(write.connection)?;
    }
    Ok(())
}

/// Finds out for a read of the past whether the version of that moment was erased.
///
/// # Errors
/// When the query fails.
pub fn was_erased_at<R: Resource>(
    connection: &mut Connection,
    sight: Sight,
    reference: &Reference,
) -> Result<bool, Problem> {
    let Some(position) = sight.moment.position() else {
        return Ok(false);
    };
    let present: Option<R> = resource::lead(connection, Sight::now(&sight.caller), reference)?;
    let Some(id) = present.map(|row| row.id()).or(reference.id) else {
        return Ok(false);
    };
    let erased = erasures::table
        .filter(erasures::resource_id.eq(id))
        .filter(erasures::since.le(position))
        .filter(erasures::until.gt(position).or(erasures::until.is_null()))
        .filter(visible(erasures::audience, &sight.caller));
    Ok(erased.count().get_result::<i64>(connection)? > 0)
}
