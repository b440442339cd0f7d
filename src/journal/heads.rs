//! How far the journal has come for each class of callers: how that is written, and how it is known in memory, for validators that
//! cost no query and for those who wait.
//!
//! What this process writes is known before its writer is answered, since every look compares how often was committed. What
//! others write, another instance or the command line, is known after a tick.

use std::time::{Duration, Instant};

use diesel::backend::Backend;
use diesel::dsl::max;
use diesel::expression::AppearsOnTable;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, SmallInt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Head;
use crate::access::{Audience, CLASSES, Caller};
use crate::db::schema::{heads, journal};
use crate::db::types::Timestamp;
use crate::db::{Connection, Db, update};
use crate::natively;
use crate::problem::Problem;

/// How often is looked at what others write.
const TICK: Duration = Duration::from_millis(200);
/// How long what is known may be believed, should nobody have looked: less than a second, which is promised.
const TRUST: Duration = Duration::from_millis(700);

/// How long whoever wants to know waits until somebody has looked, before he looks himself.
const PATIENCE: Duration = Duration::from_millis(50);

/// The head of every class of callers.
pub struct Heads {
    db: Db,
    commits: watch::Receiver<u64>,
    known: watch::Sender<Known>,
}

#[derive(Clone, Copy)]
struct Known {
    heads: [Head; CLASSES],
    /// How often this process had committed before it was read.
    commits: u64,
    at: Instant,
}

impl Heads {
    /// Reads the heads, and follows them as long as the executor of this thread runs.
    ///
    /// # Errors
    /// When they cannot be read now.
    pub fn follow(db: Db) -> Result<Self, Problem> {
        let commits = db.commits();
        let known = db.read_blocking(read_after(*commits.borrow()))?;
        let (known, _) = watch::channel(known);
        actix_web::rt::spawn(keep_up(db.clone(), known.clone()));
        Ok(Self { db, commits, known })
    }

    /// The last position that changed something which this class of caller may see.
    ///
    /// # Errors
    /// 503 when it is not known and the database does not answer.
    pub async fn of(&self, caller: &Caller) -> Result<Head, Problem> {
        if let Some(known) = self.known(caller) {
            return Ok(known);
        }
        // Where to ask is to wait for another thread, one asks for all.
        if !self.db.reads_here()
            && let Some(known) = self.wait_for_look(caller).await
        {
            return Ok(known);
        }
        let commits = *self.commits.borrow();
        let read = self.db.read(read_after(commits)).await?;
        learn(&self.known, &read);
        Ok(read.of(caller))
    }

    /// The same, if nobody has to be asked.
    #[must_use]
    pub fn known(&self, caller: &Caller) -> Option<Head> {
        let commits = *self.commits.borrow();
        let known = self.known.borrow();
        known.may_be_believed_after(commits).then(|| known.of(caller))
    }

    /// The same, when they are read in a moment anyhow: once for all who wait.
    async fn wait_for_look(&self, caller: &Caller) -> Option<Head> {
        let commits = *self.commits.borrow();
        let mut known = self.known.subscribe();
        let is_read = known.wait_for(|known| known.may_be_believed_after(commits));
        timeout(PATIENCE, is_read).await.ok()?.ok().map(|known| known.of(caller))
    }

    /// Waits until something is written after a position that this class of caller may see, or until the time is up.
    pub async fn wait_beyond(&self, caller: &Caller, position: i64, patience: Duration) {
        let mut known = self.known.subscribe();
        let is_past = known.wait_for(|known| known.of(caller).position > position);
        // Whether it came or the time is up: whoever waits looks for himself.
        drop(timeout(patience, is_past).await);
    }
}

impl Known {
    fn may_be_believed_after(&self, commits: u64) -> bool {
        self.commits >= commits && self.at.elapsed() < TRUST
    }

    fn of(&self, caller: &Caller) -> Head {
        let class = usize::try_from(Audience::class_of(caller)).unwrap_or_default();
        self.heads.get(class).copied().unwrap_or_else(Head::start)
    }
}

async fn keep_up(db: Db, known: watch::Sender<Known>) {
    let mut commits = db.commits();
    loop {
        // Either way there may be something new; and the pace is bounded while much is written.
        drop(timeout(TICK, commits.changed()).await);
        let count = *commits.borrow_and_update();
        match db.read_following(read_after(count)).await {
            Ok(read) => learn(&known, &read),
            Err(error) => {
                tracing::warn!(%error, "how far the journal has come cannot be read");
                tokio::time::sleep(TICK).await;
            }
        }
    }
}

fn read_after(commits: u64) -> impl FnOnce(&mut Connection) -> Result<Known, Problem> + Send {
    move |connection| {
        let at = Instant::now();
        Ok(Known { heads: heads(connection)?, commits, at })
    }
}

/// Moves the heads to what was written since they were moved last, once for a whole group of writes: that of each class to the end of
/// the last write of which it may see anything.
///
/// # Errors
/// When a statement fails.
pub fn move_heads(connection: &mut Connection) -> QueryResult<()> {
    let mut left = Audience::EVERYONE;
    for (seen_by, end) in written_since_moved(connection)? {
        let moved = left & seen_by;
        if moved != Audience::NOBODY {
            left = left.without(moved);
            advance(connection, moved, end)?;
        }
    }
    Ok(())
}

/// Who may see what was written since the heads were moved, with the end of the write that it belongs to, the last first. Not gathered
/// by audience: PostgreSQL, which cannot know how few rows these are, would call other processes to its help.
fn written_since_moved(connection: &mut Connection) -> QueryResult<Vec<(Audience, Head)>> {
    let moved_to = heads::table.select(max(heads::position)).single_value();
    let written = journal::table
        .filter(journal::position.nullable().gt(moved_to))
        .order(journal::position.desc())
        .select((journal::audience, journal::since, (journal::position, journal::at)));
    let rows: Vec<(Audience, i64, Head)> = natively!(connection, |native| written.load(native))?;
    let ends = rows.into_iter().scan(None, |write, (seen_by, since, head)| {
        // The rows of a write begin at the same position, and its end is met first.
        let end = write.filter(|(of, _)| *of == since).map_or(head, |(_, end)| end);
        *write = Some((since, end));
        Some((seen_by, end))
    });
    Ok(ends.collect())
}

/// Moves the heads of these classes of callers to where the journal has come.
///
/// # Errors
/// When the statement fails.
pub(super) fn advance(connection: &mut Connection, seen_by: Audience, to: Head) -> QueryResult<usize> {
    let to = (heads::position.eq(to.position), heads::at.eq(to.at));
    let moved = update(heads::table, OfClasses(seen_by), to);
    natively!(connection, |native| moved.execute(native))
}

/// That a head is one of these classes of callers, in the same words however many they are.
struct OfClasses(Audience);

impl Expression for OfClasses {
    type SqlType = Bool;
}

impl AppearsOnTable<heads::table> for OfClasses {}

impl<DB> QueryFragment<DB> for OfClasses
where
    DB: Backend + HasSqlType<SmallInt>,
    Audience: ToSql<SmallInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("((1 << heads.class) & ");
        pass.push_bind_param::<SmallInt, _>(&self.0)?;
        pass.push_sql(") <> 0");
        Ok(())
    }
}

/// The last position that each class of callers may see something of, by the number of the class.
///
/// # Errors
/// When the query fails.
pub fn heads(connection: &mut Connection) -> QueryResult<[Head; CLASSES]> {
    let rows: Vec<(i16, i64, Timestamp)> =
        natively!(connection, |native| heads::table.select((heads::class, heads::position, heads::at)).load(native))?;
    let mut of = [Head::start(); CLASSES];
    for (class, position, at) in rows {
        if let Some(head) = usize::try_from(class).ok().and_then(|class| of.get_mut(class)) {
            *head = Head { position, at };
        }
    }
    Ok(of)
}

/// Puts what was read in the place of what was known, unless that is newer. Nobody is woken only because it was looked once more.
fn learn(known: &watch::Sender<Known>, read: &Known) {
    known.send_if_modified(|known| {
        if (read.commits, read.at) <= (known.commits, known.at) {
            return false;
        }
        let is_news = read.heads != known.heads || !known.may_be_believed_after(read.commits);
        *known = *read;
        is_news
    });
}
