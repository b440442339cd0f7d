//! Rows of the change feed: what the journal says, with each resource as it stands now.

use std::collections::{HashMap, HashSet};

use diesel::dsl::max;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Caller, Sight, visible};
use crate::actors::input::ActorFilter;
use crate::actors::model::ActorView;
use crate::briefs::filter::BriefFilter;
use crate::briefs::model::BriefView;
use crate::briefs::views::EXTRAS;
use crate::categories::input::CategoryFilter;
use crate::categories::model::CategoryView;
use crate::db::schema::{journal, resources};
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, among, in_chunks};
use crate::events::filter::EventFilter;
use crate::events::model::EventView;
use crate::http::page::Extras;
use crate::journal::last_seen;
use crate::problem::Problem;
use crate::search::lists::Searched;
use crate::trends::filter::TrendFilter;
use crate::trends::model::TrendView;
use crate::vocabulary::{Change, Kind};

/// One change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangeRow {
    /// Its place in the journal; later ones are higher.
    #[schema(example = 17)]
    pub position: i64,
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub at: Timestamp,
    /// The kind of what changed.
    pub resource: Kind,
    /// What changed.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths as it is now; null if it is removed.
    #[schema(example = "security-2017-07-31")]
    pub slug: Option<String>,
    /// The version that was written, or that stood when something changed which it shows; null if it is removed.
    #[schema(example = 3)]
    pub version: Option<i32>,
    /// What happened. `removed` is whatever the caller may no longer see: it comes once, and tells nothing more.
    pub change: Change,
    /// Through what it changed, if its own version stayed: an event that a brief shows.
    pub via: Option<Via>,
    /// It as the caller sees it now, whole but for `similar`; null if it is removed.
    pub current: Option<Current>,
}

/// Through what something changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Via {
    /// Its kind.
    pub resource: Kind,
    /// Which one.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
}

/// A resource of any kind.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Current {
    /// A brief.
    Brief(Box<BriefView>),
    /// An event.
    Event(Box<EventView>),
    /// An actor.
    Actor(Box<ActorView>),
    /// A trend.
    Trend(Box<TrendView>),
    /// A category.
    Category(Box<CategoryView>),
}

impl Current {
    fn named(&self) -> (Id, &str) {
        match self {
            Self::Brief(it) => (it.id, &it.slug),
            Self::Event(it) => (it.id, &it.slug),
            Self::Actor(it) => (it.id, &it.slug),
            Self::Trend(it) => (it.id, &it.slug),
            Self::Category(it) => (it.id, &it.slug),
        }
    }
}

/// Changes, and where to go on.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The rows in order.
    pub rows: Vec<ChangeRow>,
    /// The last position that was looked at.
    pub next: i64,
    /// Whether there may be more after it.
    pub more: bool,
}

/// How many rounds one look takes at most, should it meet nothing but what was removed since.
const ROUNDS: usize = 20;
/// How many rows of the journal a further round takes.
const ROUND: usize = 200;

#[derive(Queryable, Selectable)]
#[diesel(table_name = journal)]
struct Entry {
    position: i64,
    at: Timestamp,
    kind: Kind,
    resource_id: Id,
    version: i32,
    change: Change,
    via_id: Option<Id>,
}

/// What was written after a position that this caller may know of, so many rows of it. Of what it no longer may see there is
/// one row, the last.
///
/// # Errors
/// When a query fails.
pub fn changes_after(
    connection: &mut Connection,
    caller: &Caller,
    since: i64,
    limit: usize,
) -> Result<Changes, Problem> {
    let mut changes = Changes { rows: Vec::new(), next: since, more: true };
    for round in 0..ROUNDS {
        let wanted = if round == 0 { limit } else { ROUND };
        let entries: Vec<Entry> = journal::table
            .filter(journal::position.gt(changes.next))
            .filter(visible(journal::audience, caller))
            .order(journal::position)
            .limit(i64::try_from(wanted).unwrap_or(i64::MAX))
            .select(Entry::as_select())
            .load(connection)?;
        changes.more = entries.len() == wanted;
        changes.next = entries.last().map_or(changes.next, |entry| entry.position);
        changes.rows.extend(rows(connection, caller, entries)?);
        if changes.rows.len() > limit {
            changes.rows.truncate(limit);
            changes.next = changes.rows.last().map_or(changes.next, |row| row.position);
            changes.more = true;
        }
        if changes.rows.len() >= limit || !changes.more {
            break;
        }
    }
    if !changes.more {
        // The last rows of a write may be hidden, while its others are not.
        changes.next = changes.next.max(last_seen(connection, caller)?.position);
    }
    Ok(changes)
}

fn rows(connection: &mut Connection, caller: &Caller, entries: Vec<Entry>) -> Result<Vec<ChangeRow>, Problem> {
    let current = current(connection, Sight::now(caller), &entries)?;
    let hidden = entries.iter().map(|entry| entry.resource_id).filter(|id| !current.contains_key(id));
    let last = last_rows(connection, caller, &hidden.collect::<Vec<_>>())?;
    let kinds = kinds(connection, caller, entries.iter().filter_map(|entry| entry.via_id).collect())?;
    let row = |entry: Entry| {
        let Entry { position, at, kind, resource_id: id, version, change, via_id } = entry;
        let Some(current) = current.get(&id) else {
            let removed = ChangeRow {
                position,
                at,
                resource: kind,
                id,
                slug: None,
                version: None,
                change: Change::Removed,
                via: None,
                current: None,
            };
            return (last.get(&id) == Some(&position)).then_some(removed);
        };
        // What was hidden and came back was not removed, as it stands now.
        let change = if change == Change::Removed { Change::Updated } else { change };
        let via = via_id.filter(|via| *via != id).and_then(|via| Some(Via { resource: *kinds.get(&via)?, id: via }));
        let (_, slug) = current.named();
        Some(ChangeRow {
            position,
            at,
            resource: kind,
            id,
            slug: Some(slug.to_owned()),
            version: Some(version),
            change,
            via,
            current: Some(current.clone()),
        })
    };
    Ok(entries.into_iter().filter_map(row).collect())
}

/// What the caller sees of these resources.
fn current(connection: &mut Connection, sight: Sight, entries: &[Entry]) -> Result<HashMap<Id, Current>, Problem> {
    let of = |kind| {
        let ids: HashSet<Id> =
            entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.resource_id).collect();
        ids.into_iter().collect::<Vec<_>>()
    };
    let mut all = views(connection, sight, &BriefFilter::default(), &of(Kind::Brief), Current::Brief)?;
    all.extend(views(connection, sight, &EventFilter::default(), &of(Kind::Event), Current::Event)?);
    all.extend(views(connection, sight, &ActorFilter::default(), &of(Kind::Actor), Current::Actor)?);
    all.extend(views(connection, sight, &TrendFilter::default(), &of(Kind::Trend), Current::Trend)?);
    all.extend(views(connection, sight, &CategoryFilter::default(), &of(Kind::Category), Current::Category)?);
    Ok(all.into_iter().map(|view| (view.named().0, view)).collect())
}

fn views<L: Searched>(
    connection: &mut Connection,
    sight: Sight,
    list: &L,
    ids: &[Id],
    make: impl Fn(Box<L::View>) -> Current,
) -> Result<Vec<Current>, Problem> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let views = list.rows(connection, sight, &Extras::all(EXTRAS), ids)?;
    Ok(views.into_iter().map(|view| make(Box::new(view))).collect())
}

/// The last rows of these resources that the caller may know of.
///
/// # Errors
/// When the query fails.
pub fn last_rows(connection: &mut Connection, caller: &Caller, ids: &[Id]) -> Result<HashMap<Id, i64>, Problem> {
    let last = in_chunks::<_, (Id, Option<i64>), Problem>(ids, |ids| {
        journal::table
            .filter(among(journal::resource_id, ids))
            .filter(visible(journal::audience, caller))
            .group_by(journal::resource_id)
            .select((journal::resource_id, max(journal::position)))
            .load(connection)
    })?;
    Ok(last.into_iter().filter_map(|(id, position)| Some((id, position?))).collect())
}

/// What these are, as far as the caller may know of them.
fn kinds(connection: &mut Connection, caller: &Caller, ids: HashSet<Id>) -> Result<HashMap<Id, Kind>, Problem> {
    let ids: Vec<Id> = ids.into_iter().collect();
    let kinds = in_chunks::<_, (Id, Kind), Problem>(&ids, |ids| {
        resources::table
            .filter(among(resources::id, ids))
            .filter(visible(resources::audience, caller))
            .select((resources::id, resources::kind))
            .load(connection)
    })?;
    Ok(kinds.into_iter().collect())
}
