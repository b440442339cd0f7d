//! Erasure: the one exception to the rule that nothing is lost. It destroys the content of a resource in every version, or in
//! some, with whatever was kept of it elsewhere; that there was something, and when, stays in the journal.
//!
//! The rows are deleted, not marked. What reads them afterwards finds nothing, and looks into the tombstones and the erasures
//! to tell 410 from 404.

use diesel::prelude::*;

use crate::access::{Audience, Sight, visible};
use crate::db::schema::{erasures, journal, redirects, resources, tombstones};
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, among, in_chunks};
use crate::http::body::Fault;
use crate::http::conditional::Precondition;
use crate::http::idempotency;
use crate::journal::Write;
use crate::natively;
use crate::problem::Problem;
use crate::reference::{self, Reference};
use crate::removal::Removal;
use crate::resource::{self, Resource};
use crate::scalars::Prose;
use crate::vocabulary::{Change, Kind};

/// A stored version: its number, where it stands, and who could see it.
#[derive(Debug, Clone, Queryable)]
pub struct Stored {
    /// Its number.
    pub version: i32,
    /// The position from which it stands.
    pub since: i64,
    /// The position at which it ended, if it did.
    pub until: Option<i64>,
    /// Who could see it.
    pub audience: Audience,
    /// Its slug.
    pub slug: String,
}

impl Stored {
    /// The versions of what everyone may see.
    #[must_use]
    pub fn public(versions: Vec<(i32, i64, Option<i64>, String)>) -> Vec<Self> {
        let public = |(version, since, until, slug)| Self { version, since, until, audience: Audience::EVERYONE, slug };
        versions.into_iter().map(public).collect()
    }
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
#[diesel(table_name = erasures, treat_none_as_default_value = false)]
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
    // What was merged into another is erased for itself, and a redirect never leads an erasure to the other.
    let id = match (&living, reference::buried(write.connection, &caller, R::KIND, reference)?) {
        (Some(row), _) => row.id(),
        (None, Some(buried)) => buried,
        (None, None) => super::revisions::identity::<R>(write.connection, &caller, reference)?,
    };
    match versions {
        None => erase_whole(write, id, living, reason),
        Some(versions) => erase_versions::<R>(write, id, living.as_ref(), reason, versions),
    }
}

fn erase_whole<R: Resource>(write: &mut Write<'_>, id: Id, living: Option<R>, reason: &Prose) -> Result<(), Problem> {
    let stored = R::stored(write.connection, id)?;
    let members = R::members(write.connection, id)?;
    match living {
        // It is deleted first, so that whatever names it is brought up to date. An actor may be named: its name goes, and what
        // names it shows that it is gone. But no brief is without a category.
        Some(row) => {
            if R::KIND == Kind::Category {
                R::demand_unused(write, &row)?;
            }
            R::remove(write, row, Removal::default())?;
        }
        None => {
            let last = last_version(write, id)?;
            write.record(R::KIND, id, last, Change::Removed, seen_by(&stored));
        }
    }
    for member in &members {
        R::destroy_member(write, *member, Stretch::ALL, reason)?;
    }
    R::destroy(write, id, Stretch::ALL)?;
    leave_notes(write, id, &stored, reason)?;
    bury_deeper(write, R::KIND, id, reason)?;
    forget(write, id, members, &stored)
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
        let pointer = format!("/versions/{index}");
        match stored.iter().find(|stored| stored.version == *number) {
            Some(version) if living.is_some_and(|row| row.version() == *number) => {
                let number = version.version;
                let detail = format!("Version {number} stands. Put another in its place first, or erase everything.");
                let fault = Fault::at(pointer, "is the version that stands");
                return Err(Problem::conflict(detail).with_errors(vec![fault]));
            }
            Some(version) => chosen.push(version.clone()),
            None => faults.push(Fault::at(pointer, "there is no such version")),
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let members = R::members(write.connection, id)?;
    leave_notes(write, id, &chosen, reason)?;
    for stretch in erased_stretches(write, id)? {
        for member in &members {
            R::destroy_member(write, *member, stretch, reason)?;
        }
        R::destroy(write, id, stretch)?;
    }
    // The living version is what it was.
    let last = last_version(write, id)?;
    write.record_via(R::KIND, id, last, id, seen_by(&chosen));
    let left = R::stored(write.connection, id)?;
    if left.is_empty() {
        bury_deeper(write, R::KIND, id, reason)?;
    }
    for version in chosen.iter().filter(|gone| left.iter().all(|other| other.slug != gone.slug)) {
        reference::veil_redirect(write, R::KIND, &version.slug)?;
    }
    forget(write, id, members, &chosen)
}

/// Forgets the answers that were kept of a resource, its members included.
fn forget(write: &mut Write<'_>, id: Id, members: Vec<Id>, erased: &[Stored]) -> Result<(), Problem> {
    let mut names: Vec<String> = members.iter().chain([&id]).map(ToString::to_string).collect();
    names.extend(erased.iter().map(|version| version.slug.clone()));
    idempotency::forget_about(write.connection, &names)
}

/// The number of the last version that the journal knows.
fn last_version(write: &mut Write<'_>, id: Id) -> Result<i32, Problem> {
    let last: Option<i32> = journal::table
        .filter(journal::resource_id.eq(id))
        .filter(journal::via_id.is_null())
        .select(diesel::dsl::max(journal::version))
        .first(write.connection)?;
    Ok(last.unwrap_or_default())
}

fn seen_by(versions: &[Stored]) -> Audience {
    versions.iter().fold(Audience::NOBODY, |all, version| all | version.audience)
}

/// The stretches of the journal in which every version of a resource is erased: what stood through several of them goes too.
fn erased_stretches(write: &mut Write<'_>, id: Id) -> Result<Vec<Stretch>, Problem> {
    let erased: Vec<(i64, Option<i64>)> = erasures::table
        .filter(erasures::resource_id.eq(id))
        .order(erasures::since)
        .select((erasures::since, erasures::until))
        .load(write.connection)?;
    let mut stretches: Vec<Stretch> = Vec::new();
    for (since, until) in erased {
        match stretches.last_mut() {
            Some(last) if last.until == Some(since) => last.until = until,
            _ => stretches.push(Stretch { since, until }),
        }
    }
    Ok(stretches)
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

/// Makes the grave of what was deleted one of what was erased, which nobody may see into. Of the names that led there, which
/// may tell what it was, a digest stays: whoever has the name still learns that it is gone.
///
/// # Errors
/// When a statement fails.
pub fn bury_deeper(write: &mut Write<'_>, kind: Kind, id: Id, reason: &Prose) -> Result<(), Problem> {
    write.permit(id, Audience::NOBODY, Audience::NOBODY)?;
    let slug: String = tombstones::table.find(id).select(tombstones::slug).first(write.connection)?;
    diesel::update(tombstones::table.find(id))
        .set((
            tombstones::erased.eq(true),
            tombstones::slug.eq(reference::veiled(&slug)),
            tombstones::reason.eq(reason.as_str()),
            tombstones::replacement.eq(None::<String>),
        ))
        .execute(write.connection)?;
    // Other graves may tell to read this instead.
    diesel::update(tombstones::table.filter(tombstones::replacement.eq(&slug)))
        .set(tombstones::replacement.eq(None::<String>))
        .execute(write.connection)?;
    let led_there: Vec<String> = redirects::table
        .filter(redirects::kind.eq(kind))
        .filter(redirects::resource_id.eq(id))
        .select(redirects::slug)
        .distinct()
        .load(write.connection)?;
    led_there.iter().try_for_each(|slug| reference::veil_redirect(write, kind, slug))
}

/// For a read of the past: the problem of a version that was erased, if that is what stood at that moment, and if the caller
/// could see it then and may see the resource now or could once see what was erased whole.
///
/// # Errors
/// When a query fails.
pub fn erased_then<R: Resource>(
    connection: &mut Connection,
    sight: Sight,
    reference: &Reference,
) -> Result<Option<Problem>, Problem> {
    let Some(position) = sight.moment.position() else {
        return Ok(None);
    };
    let mut candidates = reference::ever_led_to(connection, R::KIND, reference)?;
    candidates.extend(resource::lead::<R>(connection, Sight::now(&sight.caller), reference)?.map(|row| row.id()));
    candidates.extend(reference.id);
    for id in candidates {
        let erased_whole = tombstones::table
            .filter(tombstones::id.eq(resources::id))
            .filter(tombstones::erased.eq(true))
            .filter(visible(tombstones::audience, &sight.caller));
        let erased: Option<(Timestamp, String)> = erasures::table
            .inner_join(resources::table)
            .filter(resources::kind.eq(R::KIND))
            .filter(visible(resources::audience, &sight.caller).or(diesel::dsl::exists(erased_whole)))
            .filter(erasures::resource_id.eq(id))
            .filter(erasures::since.le(position))
            .filter(erasures::until.gt(position).or(erasures::until.is_null()))
            .filter(visible(erasures::audience, &sight.caller))
            .select((erasures::erased_at, erasures::reason))
            .first(connection)
            .optional()?;
        if let Some((at, reason)) = erased {
            return Ok(Some(reference::gone(R::KIND, at, Some(reason), None)));
        }
    }
    Ok(None)
}

/// The problem of a version of this number that was erased, so far as this caller could once see it.
///
/// # Errors
/// When the query fails.
pub fn erased_version<R: Resource>(
    connection: &mut Connection,
    sight: Sight,
    id: Id,
    version: i32,
) -> Result<Option<Problem>, Problem> {
    let erased: Option<(Timestamp, String)> = erasures::table
        .find((id, version))
        .filter(erasures::since.le(sight.moment.upper_bound()))
        .filter(visible(erasures::audience, &sight.caller))
        .select((erasures::erased_at, erasures::reason))
        .first(connection)
        .optional()?;
    Ok(erased.map(|(at, reason)| reference::gone(R::KIND, at, Some(reason), None)))
}

/// Who could ever see a resource: in any of its versions, erased ones included.
///
/// # Errors
/// When a query fails.
pub fn ever_seen_by<R: Resource>(connection: &mut Connection, id: Id) -> Result<Audience, Problem> {
    let erased: Vec<Audience> =
        erasures::table.filter(erasures::resource_id.eq(id)).select(erasures::audience).load(connection)?;
    let stored = seen_by(&R::stored(connection, id)?);
    Ok(erased.into_iter().fold(stored, |all, audience| all | audience))
}

/// Whether anything of these resources was erased, so that nothing may be left of it where it was copied to.
///
/// # Errors
/// When a query fails.
pub fn erased_among(connection: &mut Connection, ids: &[Id]) -> Result<bool, Problem> {
    let wholly = in_chunks::<_, Id, Problem>(ids, |ids| {
        let erased = tombstones::table.filter(tombstones::erased.eq(true)).filter(among(tombstones::id, ids));
        natively!(connection, |native| erased.select(tombstones::id).load(native))
    })?;
    let in_part = in_chunks::<_, Id, Problem>(ids, |ids| {
        let erased = erasures::table.filter(among(erasures::resource_id, ids));
        natively!(connection, |native| erased.select(erasures::resource_id).load(native))
    })?;
    Ok(!wholly.is_empty() || !in_part.is_empty())
}
