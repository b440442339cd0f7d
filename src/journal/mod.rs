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
//! [`last_seen`] is what validators are made of: for each class of callers, the end of the last write that changed something
//! which that class may see, or left it a tombstone to find. It is moved once for each group of writes ([`move_heads`]).
//! [`Heads`] knows the same in memory.

mod heads;

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use crate::access::{Audience, Caller, Moment, Sight, Visible, visible};
use crate::db::schema::{self, journal, resources};
use crate::db::types::{Id, Timestamp};
use crate::db::{self, Connection, update};
use crate::insert_rows;
use crate::natively;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::vocabulary::{Change, Kind};

pub use heads::{Heads, heads, move_heads};

/// A position with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Head {
    /// The journal's position.
    pub position: i64,
    /// When it was written.
    pub at: Timestamp,
}

impl Head {
    /// Before the first position.
    #[must_use]
    pub fn start() -> Self {
        Self { position: 0, at: Timestamp::from_micros(0) }
    }
}

#[derive(Insertable)]
#[diesel(table_name = journal, treat_none_as_default_value = false)]
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
#[diesel(table_name = resources, treat_none_as_default_value = false)]
struct ResourceRow {
    id: Id,
    kind: Kind,
    created_at: Timestamp,
    audience: Audience,
    content: Audience,
}

/// A write in progress: its place in the journal, and the connection that its transaction runs on.
pub struct Write<'c> {
    /// The connection, for the stores.
    pub connection: &'c mut Connection,
    caller: Caller,
    since: i64,
    at: Timestamp,
    entries: Vec<Entry>,
    /// Who finds something of this write beside its entries.
    found_by: Audience,
    /// Where a resource's own entry is, and whether it has one through another.
    noted: HashMap<Id, usize>,
    promises: HashMap<(Kind, String), Id>,
    promised: HashSet<Id>,
    /// What slugs mean to the writer, so far as that was looked up ahead and nothing of the kind was changed since.
    foreseen: HashMap<(Kind, String), Id>,
}

/// Runs `work` as one write, and then writes its rows of the journal. Returns the last position together with what
/// `work` returns. To be called inside of [`crate::db::Db::write`].
///
/// # Errors
/// What `work` returns; the caller's transaction must then be rolled back.
pub fn write<T, E: From<Problem>>(
    connection: &mut Connection,
    caller: &Caller,
    work: impl FnOnce(&mut Write<'_>) -> Result<T, E>,
) -> Result<(T, i64), E> {
    let head = head(connection).map_err(Problem::from)?;
    let mut write = Write {
        connection,
        caller: *caller,
        since: head.position + 1,
        at: Timestamp::now().strictly_after(head.at),
        entries: Vec::new(),
        found_by: Audience::NOBODY,
        noted: HashMap::new(),
        promises: HashMap::new(),
        promised: HashSet::new(),
        foreseen: HashMap::new(),
    };
    let outcome = work(&mut write)?;
    let position = write.finish()?;
    Ok((outcome, position))
}

impl Write<'_> {
    /// Who writes.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// What the writer sees.
    #[must_use]
    pub fn sight(&self) -> Sight {
        Sight::now(&self.caller)
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

    /// Gives a new resource its identity, and says who may see it and who may see what it says.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn identify(&mut self, kind: Kind, id: Id, audience: Audience, content: Audience) -> Result<(), Problem> {
        self.identify_all(kind, &[id], audience, content)
    }

    /// The same for several.
    ///
    /// # Errors
    /// When a statement fails.
    pub fn identify_all(
        &mut self,
        kind: Kind,
        ids: &[Id],
        audience: Audience,
        content: Audience,
    ) -> Result<(), Problem> {
        let (promised, new): (Vec<Id>, Vec<Id>) = ids.iter().partition(|id| self.promised.contains(id));
        for id in promised {
            self.permit(id, audience, content)?;
        }
        let row = |id: &Id| ResourceRow { id: *id, kind, created_at: self.at, audience, content };
        let rows: Vec<ResourceRow> = new.iter().map(row).collect();
        insert_rows!(self.connection, resources::table, &rows)?;
        Ok(())
    }

    /// Says who may see a resource from now on, at whatever moment it is read.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn permit(&mut self, id: Id, audience: Audience, content: Audience) -> Result<(), Problem> {
        let seen_by = (resources::audience.eq(audience), resources::content.eq(content));
        let permit = update(resources::table, resources::id.eq(id), seen_by);
        natively!(self.connection, |native| permit.execute(native))?;
        Ok(())
    }

    /// Promises that this write will create a resource of this slug, so that others in it can refer to it before.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn promise(&mut self, kind: Kind, slug: &str, id: Id) -> Result<(), Problem> {
        self.identify(kind, id, Audience::NOBODY, Audience::NOBODY)?;
        self.promises.insert((kind, slug.to_owned()), id);
        self.promised.insert(id);
        Ok(())
    }

    /// The identity of what was promised under this slug.
    #[must_use]
    pub fn promised(&self, kind: Kind, reference: &Reference) -> Option<Id> {
        self.promises.get(&(kind, reference.slug.clone()?)).copied()
    }

    /// Remembers what slugs of a kind mean to the writer, for as long as this write changes nothing of that kind.
    pub fn foresee(&mut self, kind: Kind, meant: Vec<(String, Id)>) {
        self.foreseen.extend(meant.into_iter().map(|(slug, id)| ((kind, slug), id)));
    }

    /// What a reference means that is a slug alone, if that was looked up ahead.
    #[must_use]
    pub fn foreseen(&self, kind: Kind, reference: &Reference) -> Option<Id> {
        if self.foreseen.is_empty() || reference.id.is_some() {
            return None;
        }
        self.foreseen.get(&(kind, reference.slug.clone()?)).copied()
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
        self.foreseen.retain(|(of, _), _| *of != kind);
        if let Some(earlier) = self.noted.get(&id).and_then(|place| self.entries.get_mut(*place)) {
            earlier.audience = earlier.audience | audience;
            // What was noted through another is its own from now on.
            if earlier.via_id.take().is_some() || !matches!(change, Change::Created | Change::Updated) {
                earlier.change = change;
                earlier.version = version;
            }
            return;
        }
        self.noted.insert(id, self.entries.len());
        self.entries.push(self.entry(kind, id, version, change, audience, None));
    }

    /// Notes that what a resource shows has changed through another one, while its own version stays; unless the resource
    /// itself is changed by this write.
    pub fn record_via(&mut self, kind: Kind, id: Id, version: i32, via: Id, audience: Audience) {
        if let Some(earlier) = self.noted.get(&id).and_then(|place| self.entries.get_mut(*place)) {
            if earlier.via_id.is_some() {
                earlier.audience = earlier.audience | audience;
            }
            return;
        }
        if audience == Audience::NOBODY {
            return;
        }
        self.noted.insert(id, self.entries.len());
        self.entries.push(self.entry(kind, id, version, Change::Updated, audience, Some(via)));
    }

    /// Notes that this write leaves something to be found by these, whoever may know of its entries: what they are answered is
    /// not the same any more.
    pub fn leave_to(&mut self, audience: Audience) {
        self.found_by = self.found_by | audience;
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

    fn finish(self) -> Result<i64, Problem> {
        let Some(last) = self.entries.last() else {
            // Nothing was written: the position is that of what its caller knows of, earlier writes of the same group included.
            move_heads(self.connection)?;
            return Ok(last_seen(self.connection, &self.caller)?.position);
        };
        let position = last.position;
        insert_rows!(self.connection, journal::table, &self.entries)?;
        if self.found_by != Audience::NOBODY {
            // What only a head says is said at once, when all that the journal says before it has been.
            move_heads(self.connection)?;
            heads::advance(self.connection, self.found_by, Head { position, at: self.at })?;
        }
        Ok(position)
    }
}

/// The last position, whoever may see what was written there; 0 before the first.
///
/// # Errors
/// When the query fails.
pub fn head(connection: &mut Connection) -> QueryResult<Head> {
    db::head(connection).map(|(position, at)| Head { position, at })
}

/// What was written at a position, and when.
///
/// # Errors
/// When the query fails.
pub fn entry_at(connection: &mut Connection, position: i64) -> Result<Option<(Id, Timestamp)>, Problem> {
    Ok(natively!(connection, |native| journal::table
        .find(position)
        .select((journal::resource_id, journal::at))
        .first(native))
    .optional()?)
}

/// Ends the living versions of what belongs to `$id`. Those that this very write has made are undone instead: no position
/// ever showed them.
#[macro_export]
macro_rules! end_versions {
    ($write:expr, $table:ident, $owner:ident, $id:expr) => {{
        let since = $write.since();
        let living = $table::$owner.eq($id).and($table::until.is_null());
        if $write.has_begun() {
            let undone = $table::table.filter(living).filter($table::since.eq(since));
            $crate::natively!($write.connection, |native| diesel::delete(undone).execute(native))?;
        }
        let ended = $crate::db::update($table::table, living, $table::until.eq(since));
        $crate::natively!($write.connection, |native| ended.execute(native))?;
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

/// What changed at a time or later, itself or in what it shows, for those who may see that: the ids of such resources.
#[must_use]
#[diesel::dsl::auto_type(no_type_alias)]
pub fn changed_since(sight: Sight, kind: Kind, time: Timestamp) -> _ {
    let until: i64 = sight.moment.upper_bound();
    let seen: Visible<journal::audience> = visible(journal::audience, &sight.caller);
    journal::table
        .filter(journal::kind.eq(kind))
        .filter(journal::at.ge(time))
        .filter(journal::position.le(until))
        .filter(seen)
        .select(journal::resource_id)
}

/// The same as a list, if a time is given.
///
/// # Errors
/// When the query fails.
pub fn changed_ids(
    connection: &mut Connection,
    sight: Sight,
    kind: Kind,
    since: Option<Timestamp>,
) -> Result<Option<Vec<Id>>, Problem> {
    Ok(since.map(|time| natively!(connection, |native| changed_since(sight, kind, time).load(native))).transpose()?)
}

/// What a caller sees as of a time, or now.
///
/// # Errors
/// When the query fails.
pub fn sight(connection: &mut Connection, caller: &Caller, as_of: Option<Timestamp>) -> Result<Sight, Problem> {
    let Some(time) = as_of else {
        return Ok(Sight::now(caller));
    };
    let position: Option<i64> = natively!(connection, |native| journal::table
        .filter(journal::at.le(time))
        .order((journal::at.desc(), journal::position.desc()))
        .select(journal::position)
        .first(native))
    .optional()?;
    Ok(Sight { caller: *caller, moment: Moment::At { position: position.unwrap_or_default(), time } })
}

/// The end of the last write that changed something which this class of caller may see. Inside of a write: of those before its group.
///
/// # Errors
/// When the query fails.
pub fn last_seen(connection: &mut Connection, caller: &Caller) -> Result<Head, Problem> {
    let class = Audience::class_of(caller);
    Ok(natively!(connection, |native| schema::heads::table
        .find(class)
        .select((schema::heads::position, schema::heads::at))
        .first(native))?)
}

/// The same as far as a position, where it is known what the last is: what an answer may claim that knows of nothing later. Of an earlier
/// one only what the journal's rows say is known, and not that a tombstone was left to be found.
///
/// # Errors
/// When the query fails.
pub fn last_seen_up_to(
    connection: &mut Connection,
    caller: &Caller,
    last: Head,
    position: i64,
) -> Result<Head, Problem> {
    if last.position <= position {
        return Ok(last);
    }
    let earlier = natively!(connection, |native| journal::table
        .filter(journal::position.le(position))
        .filter(visible(journal::audience, caller))
        .order(journal::position.desc())
        .select((journal::position, journal::at))
        .first(native))
    .optional()?;
    Ok(earlier.unwrap_or_else(Head::start))
}
