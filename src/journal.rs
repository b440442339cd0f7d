//! The one journal of every change, in commit order.
//!
//! Nothing is updated in place. A [`Write`] draws a run of positions inside its transaction; the versions that it makes
//! stand from the first of them (`since`), and the ones that they replace end there (`until`). So a read at any position
//! sees each write whole or not at all. Every resource that the write changed gets one row of the journal, at a position
//! of its own, and the time of a write is always later than that of the write before it.
//!
//! Positions are drawn under the write lock of the database ([`crate::db::Db::write`]), so no position ever becomes
//! visible after a higher one.
//!
//! [`last_seen`] is what validators are made of: for each class of callers, the last position that changed something
//! which that class may see.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::access::{Audience, Caller};
use crate::db::Connection;
use crate::db::schema::{heads, journal, resources};
use crate::db::types::{Id, Timestamp};
use crate::problem::Problem;
use crate::reference::Reference;
use crate::vocabulary::{Change, Kind};

/// A position with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Head {
    /// The journal's position.
    pub position: i64,
    /// When it was written.
    pub at: Timestamp,
}

#[derive(Insertable)]
#[diesel(table_name = journal)]
struct Entry {
    position: i64,
    since: i64,
    at: Timestamp,
    key_id: Option<Id>,
    kind: Kind,
    resource_id: Id,
    version: i32,
    change: Change,
    via_id: Option<Id>,
    audience: Audience,
}

#[derive(Insertable)]
#[diesel(table_name = resources)]
struct ResourceRow {
    id: Id,
    kind: Kind,
    created_at: Timestamp,
}

/// A write in progress: its place in the journal, and the connection that its transaction runs on.
pub struct Write<'c> {
    /// The connection, for the stores.
    pub connection: &'c mut Connection,
    caller: Caller,
    since: i64,
    at: Timestamp,
    entries: Vec<Entry>,
    promises: HashMap<(Kind, String), Id>,
}

/// Runs `work` as one write, and then writes its rows of the journal. Returns the last position together with what
/// `work` returns. To be called inside of [`crate::db::Db::write`].
///
/// # Errors
/// What `work` returns; the caller's transaction must then be rolled back.
pub fn write<T>(
    connection: &mut Connection,
    caller: &Caller,
    work: impl FnOnce(&mut Write<'_>) -> Result<T, Problem>,
) -> Result<(T, i64), Problem> {
    let head = head(connection)?;
    let mut write = Write {
        connection,
        caller: *caller,
        since: head.position + 1,
        at: Timestamp::now().strictly_after(head.at),
        entries: Vec::new(),
        promises: HashMap::new(),
    };
    let outcome = work(&mut write)?;
    let position = write.finish(head.position)?;
    Ok((outcome, position))
}

impl Write<'_> {
    /// Who writes.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// The position from which the versions of this write stand, and at which those that they replace end.
    #[must_use]
    pub fn since(&self) -> i64 {
        self.since
    }

    /// The time of this write.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Gives a new resource its identity.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn identify(&mut self, kind: Kind, id: Id) -> Result<(), Problem> {
        if self.promises.values().any(|promised| *promised == id) {
            return Ok(());
        }
        let row = ResourceRow { id, kind, created_at: self.at };
        diesel::insert_into(resources::table).values(&row).execute(self.connection)?;
        Ok(())
    }

    /// Promises that this write will create a resource of this slug, so that others in it can refer to it before.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn promise(&mut self, kind: Kind, slug: &str, id: Id) -> Result<(), Problem> {
        self.identify(kind, id)?;
        self.promises.insert((kind, slug.to_owned()), id);
        Ok(())
    }

    /// The identity of what was promised under this slug.
    #[must_use]
    pub fn promised(&self, kind: Kind, reference: &Reference) -> Option<Id> {
        self.promises.get(&(kind, reference.slug.clone()?)).copied()
    }

    /// The version that follows on one that stands since `since`. Two edits of one resource in one write are one version.
    #[must_use]
    pub fn version_after(&self, version: i32, since: i64) -> i32 {
        if since == self.since { version } else { version + 1 }
    }

    /// Whether this write has changed anything yet, and so may be about to change something a second time.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Notes that a resource has a new version. `audience` is all who could see it before or may see it now.
    pub fn record(&mut self, kind: Kind, id: Id, version: i32, change: Change, audience: Audience) {
        let earlier = self.entries.iter_mut().find(|entry| entry.resource_id == id && entry.via_id.is_none());
        if let Some(earlier) = earlier {
            earlier.audience = earlier.audience | audience;
            if matches!(change, Change::Published | Change::Removed) {
                earlier.change = change;
            }
            return;
        }
        self.entries.push(self.entry(kind, id, version, change, audience, None));
    }

    /// Notes that what a resource shows has changed through another one, while its own version stays; unless the resource
    /// itself is changed by this write.
    pub fn record_via(&mut self, kind: Kind, id: Id, version: i32, via: Id, audience: Audience) {
        if self.entries.iter().any(|entry| entry.resource_id == id) {
            return;
        }
        self.entries.push(self.entry(kind, id, version, Change::Updated, audience, Some(via)));
    }

    fn entry(
        &self,
        kind: Kind,
        resource_id: Id,
        version: i32,
        change: Change,
        audience: Audience,
        via_id: Option<Id>,
    ) -> Entry {
        let position = self.since + i64::try_from(self.entries.len()).unwrap_or_default();
        Entry {
            position,
            since: self.since,
            at: self.at,
            key_id: self.caller.key,
            kind,
            resource_id,
            version,
            change,
            via_id,
            audience,
        }
    }

    fn finish(self, before: i64) -> Result<i64, Problem> {
        let Some(last) = self.entries.last() else {
            return Ok(before);
        };
        let position = last.position;
        let seen_by = self.entries.iter().fold(Audience::NOBODY, |all, entry| all | entry.audience);
        crate::insert_rows!(self.connection, journal::table, &self.entries)?;
        let classes: Vec<i16> = seen_by.classes().collect();
        diesel::update(heads::table.filter(heads::class.eq_any(classes)))
            .set((heads::position.eq(position), heads::at.eq(self.at)))
            .execute(self.connection)?;
        Ok(position)
    }
}

fn head(connection: &mut Connection) -> QueryResult<Head> {
    journal::table
        .order(journal::position.desc())
        .select((journal::position, journal::at))
        .first(connection)
        .optional()
        .map(|head| head.unwrap_or(Head { position: 0, at: Timestamp::from_micros(0) }))
}

/// Ends the living versions of what belongs to `$id`. Those that this very write has made are undone instead: no position
/// ever showed them.
#[macro_export]
macro_rules! end_versions {
    ($write:expr, $table:ident, $owner:ident, $id:expr) => {{
        let since = $write.since();
        let living = $table::table.filter($table::$owner.eq($id)).filter($table::until.is_null());
        if $write.has_begun() {
            diesel::delete(living.filter($table::since.eq(since))).execute($write.connection)?;
        }
        diesel::update(living).set($table::until.eq(since)).execute($write.connection)?;
    }};
}

/// What the journal says of a new version by its audience and that of the one before it: to be seen by more is to be
/// published.
#[must_use]
pub fn change(before: Option<Audience>, after: Audience) -> Change {
    let readers_before = before.map_or(Audience::NOBODY, Audience::readers);
    let gained = (after.readers() | readers_before) != readers_before;
    match (before, gained) {
        (_, true) => Change::Published,
        (None, false) => Change::Created,
        (Some(_), false) => Change::Updated,
    }
}

/// The last position that changed something which this class of caller may see.
///
/// # Errors
/// When the query fails.
pub fn last_seen(connection: &mut Connection, caller: &Caller) -> Result<Head, Problem> {
    Ok(heads::table.find(Audience::class_of(caller)).select((heads::position, heads::at)).first(connection)?)
}
