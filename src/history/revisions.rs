//! The versions of one resource.

use std::collections::HashMap;
use std::marker::PhantomData;

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::difference::{self, Change as Difference};
use super::erasure;
use crate::access::{Caller, Moment, Sight, visible};
use crate::db::schema::{journal, keys, resources};
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, among, in_chunks};
use crate::http::page::{Extras, Listed, Rows, Window};
use crate::problem::{Problem, ProblemType};
use crate::reference::{self, Reference};
use crate::resource::{self, Resource};
use crate::vocabulary::Change;

/// One version of a resource, as its history lists it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Revision {
    /// Which version.
    #[schema(example = 2)]
    pub version: i32,
    /// When it was written.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub at: Timestamp,
    /// Who wrote it: shown to editors, null for others, and for what the server or its operator did.
    pub by: Option<Writer>,
    /// What it was.
    pub change: Change,
    /// Whether it is the version that stands.
    #[schema(example = true)]
    pub current: bool,
}

/// The key by which something was written.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Writer {
    /// The key's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Whom or what it is for.
    #[schema(example = "Newsroom CMS")]
    pub name: String,
}

/// What changed between two versions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DifferenceView {
    /// The earlier version, or the one that was asked for as such.
    #[schema(example = 1)]
    pub from: i32,
    /// The later version.
    #[schema(example = 2)]
    pub to: i32,
    /// What changed, in the order of the resource's members. What differs between any two versions (`version`,
    /// `updated_at`) or follows from other members (`body_html`, `similar`) is left out.
    pub changes: Vec<Difference>,
}

/// A version with the position from which it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Version {
    /// Its number.
    pub version: i32,
    /// The position of the journal.
    pub since: i64,
}

/// The list of a resource's versions, the latest first.
pub struct RevisionsOf<R> {
    reference: Reference,
    kind: PhantomData<fn() -> R>,
}

impl<R> RevisionsOf<R> {
    pub fn new(reference: Reference) -> Self {
        Self { reference, kind: PhantomData }
    }
}

impl<R> Clone for RevisionsOf<R> {
    fn clone(&self) -> Self {
        Self::new(self.reference.clone())
    }
}

const SORT: &str = "-version";

impl<R: Resource> Listed for RevisionsOf<R> {
    type View = Revision;
    const EXTRAS: &'static [&'static str] = &[];

    fn included(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        _: &Extras,
        window: &Window,
    ) -> Result<Rows<Revision>, Problem> {
        let id = identity::<R>(connection, &sight.caller, &self.reference)?;
        let before = window.after::<i32>(SORT)?.map_or(i32::MAX, |(version, _)| version);
        let mut versions = removal(connection, sight, id)?.into_iter().filter(|it| it.version < before).collect();
        Vec::append(
            &mut versions,
            &mut R::versions(connection, sight, id, before, usize::try_from(window.fetch()).unwrap_or_default())?,
        );
        let page = window.cut(SORT, versions, |version| (version.version, id));
        page.map(|versions| told(connection, sight, id, &versions))
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        let id = identity::<R>(connection, &sight.caller, &self.reference)?;
        let versions = R::versions(connection, sight, id, i32::MAX, usize::MAX)?.len();
        let all = versions + usize::from(removal(connection, sight, id)?.is_some());
        Ok(i64::try_from(all).unwrap_or(i64::MAX))
    }
}

/// Whose history is asked for: it may have been deleted, but not erased.
///
/// # Errors
/// As [`resource::find`], and 410 for what was erased.
pub(super) fn identity<R: Resource>(
    connection: &mut Connection,
    caller: &Caller,
    reference: &Reference,
) -> Result<Id, Problem> {
    // Under its id what was merged into another is still itself, though it is read as the other.
    if reference.id.is_some()
        && R::look_up(connection, Sight::now(caller), reference)?.is_none()
        && let Some(id) = reference::buried(connection, caller, R::KIND, reference)?
        && may_see_now(connection, caller, id)?
    {
        return Ok(id);
    }
    let found: Result<R, Problem> = resource::find(connection, Sight::now(caller), reference);
    match found {
        Ok(row) => Ok(row.id()),
        Err(problem) if problem.kind() == ProblemType::GONE => {
            let buried = reference::buried(connection, caller, R::KIND, reference)?;
            match buried {
                Some(id) if may_see_now(connection, caller, id)? => Ok(id),
                _ => Err(problem),
            }
        }
        Err(problem) => Err(problem),
    }
}

fn may_see_now(connection: &mut Connection, caller: &Caller, id: Id) -> Result<bool, Problem> {
    let permitted = resources::table.find(id).filter(visible(resources::audience, caller));
    Ok(permitted.count().get_result::<i64>(connection)? > 0)
}

/// The version number that a deletion took.
fn removal(connection: &mut Connection, sight: Sight, id: Id) -> Result<Option<Version>, Problem> {
    Ok(journal::table
        .filter(journal::resource_id.eq(id))
        .filter(journal::change.eq(Change::Removed))
        .filter(journal::position.le(sight.moment.upper_bound()))
        .filter(visible(journal::audience, &sight.caller))
        .select((journal::version, journal::since))
        .first(connection)
        .optional()?)
}

/// What the journal tells of these versions.
fn told(connection: &mut Connection, sight: Sight, id: Id, versions: &[Version]) -> Result<Vec<Revision>, Problem> {
    type Row = (i32, Timestamp, Option<Id>, Change);
    let numbers: Vec<i32> = versions.iter().map(|version| version.version).collect();
    let rows = in_chunks::<_, Row, Problem>(&numbers, |numbers| {
        journal::table
            .filter(journal::resource_id.eq(id))
            .filter(journal::via_id.is_null())
            .filter(journal::version.eq_any(numbers))
            .select((journal::version, journal::at, journal::key_id, journal::change))
            .load(connection)
    })?;
    let latest = latest(connection, sight, id)?;
    let mut names = if sight.caller.is_editor() { names_of(connection, &rows)? } else { HashMap::new() };
    let mut rows: HashMap<i32, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
    Ok(numbers
        .into_iter()
        .filter_map(|number| rows.remove(&number))
        .map(|(version, at, key, change)| Revision {
            version,
            at,
            by: key.and_then(|id| names.get_mut(&id).map(|name| Writer { id, name: name.clone() })),
            change,
            current: latest == Some(version) && change != Change::Removed,
        })
        .collect())
}

/// The number of the last version of this moment, seen or not.
fn latest(connection: &mut Connection, sight: Sight, id: Id) -> Result<Option<i32>, Problem> {
    Ok(journal::table
        .filter(journal::resource_id.eq(id))
        .filter(journal::via_id.is_null())
        .filter(journal::position.le(sight.moment.upper_bound()))
        .select(diesel::dsl::max(journal::version))
        .first(connection)?)
}

fn names_of(
    connection: &mut Connection,
    rows: &[(i32, Timestamp, Option<Id>, Change)],
) -> Result<HashMap<Id, String>, Problem> {
    let mut writers: Vec<Id> = rows.iter().filter_map(|(_, _, key, _)| *key).collect();
    writers.sort_unstable();
    writers.dedup();
    let names = in_chunks::<_, (Id, String), Problem>(&writers, |ids| {
        keys::table.filter(among(keys::id, ids)).select((keys::id, keys::name)).load(connection)
    })?;
    Ok(names.into_iter().collect())
}

/// One version, whole.
///
/// # Errors
/// 404 for a version that is not there or not seen, 410 for one that is a deletion or was erased.
pub fn revision<R: Resource>(
    connection: &mut Connection,
    sight: Sight,
    reference: &Reference,
    number: i32,
) -> Result<R::View, Problem> {
    let id = identity::<R>(connection, &sight.caller, reference)?;
    let version = R::versions(connection, sight, id, number.saturating_add(1), 1)?;
    let Some(version) = version.into_iter().find(|version| version.version == number) else {
        return Err(absent::<R>(connection, sight, id, number)?);
    };
    let time: Timestamp = journal::table.find(version.since).select(journal::at).first(connection)?;
    let then = Sight { caller: sight.caller, moment: Moment::At { position: version.since, time } };
    match R::look_up(connection, then, &Reference::from_id(id))? {
        Some(row) => R::view(connection, then, row),
        None => Err(Problem::not_found("version of it")),
    }
}

fn absent<R: Resource>(connection: &mut Connection, sight: Sight, id: Id, number: i32) -> Result<Problem, Problem> {
    if let Some(erased) = erasure::erased_version::<R>(connection, sight, id, number)? {
        return Ok(erased);
    }
    let is_removal = removal(connection, sight, id)?.is_some_and(|version| version.version == number);
    Ok(if is_removal {
        reference::missing(connection, Sight::now(&sight.caller), R::KIND, &Reference::from_id(id))
    } else {
        Problem::not_found("version of it")
    })
}

/// What changed between two versions: from the one before, and to the latest, unless told otherwise.
///
/// # Errors
/// As [`revision`].
pub fn difference<R: Resource>(
    connection: &mut Connection,
    sight: Sight,
    reference: &Reference,
    from: Option<i32>,
    to: Option<i32>,
) -> Result<DifferenceView, Problem> {
    let id = identity::<R>(connection, &sight.caller, reference)?;
    let before = |connection: &mut Connection, number: i32| -> Result<Option<i32>, Problem> {
        let versions = R::versions(connection, sight, id, number, 1)?;
        Ok(versions.first().map(|version| version.version))
    };
    let to = match to {
        Some(to) => to,
        None => before(connection, i32::MAX)?.unwrap_or_default(),
    };
    let from = match from {
        Some(from) => from,
        None => before(connection, to)?.unwrap_or(to),
    };
    let id = Reference::from_id(id);
    let was = document(&revision::<R>(connection, sight, &id, from)?)?;
    let is = document(&revision::<R>(connection, sight, &id, to)?)?;
    Ok(DifferenceView { from, to, changes: difference::between(&was, &is) })
}

fn document(view: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(view).map_err(Problem::internal)
}
