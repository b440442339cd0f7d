//! Reading from streaming replicas of PostgreSQL.
//!
//! A replica is behind the primary, if only by milliseconds. So it is watched how far each has come, and one is read only if
//!
//! - it has come to the position of the journal that the answer has to be from: the last one that this process has written, or
//!   the one that the request names, so that nobody who wrote is answered as if he had not;
//! - and it had, a moment ago, all that the primary had a moment before, so that nobody at all is answered with what is a second
//!   old.
//!
//! Whatever a replica does not answer well and soon (it was ended, it hangs, it fails) is asked of the primary instead.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use diesel::prelude::*;
use tokio::sync::oneshot;

use super::pool::{ReadJob, read_in, spawn, start_readers};
use super::schema::journal;
use super::types::Timestamp;
use super::{Connection, DbError, Location, connect};

/// How often is looked where the primary and the replicas are.
const TICK: Duration = Duration::from_millis(50);
/// How long to wait after one could not be asked, or is not to be read.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the primary's heads are remembered: longer than any of them counts.
const MEMORY: Duration = Duration::from_secs(2);
/// What a replica lacks may be so old at most when it is chosen, and it may take so long to answer: together less than a second,
/// which is what is promised.
const LAG: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_millis(400);

/// The replicas of a database, and who looks after them.
pub(super) struct Replicas {
    all: Vec<Replica>,
    /// Which one is asked next.
    turn: AtomicUsize,
    /// The last position of the journal that this process has written.
    written: AtomicI64,
    /// While this is there, the threads that watch go on.
    _watched: Arc<Heads>,
}

struct Replica {
    jobs: Sender<ReadJob>,
    standing: Arc<Mutex<Option<Standing>>>,
}

/// How far a replica has come.
#[derive(Debug, Clone, Copy)]
struct Standing {
    position: i64,
    /// It has all that the primary had then.
    as_of: Instant,
}

/// The journal's head: its position and its time.
type Head = (i64, Timestamp);

/// The primary's heads of the last moments, each with a time at which nothing was after it.
#[derive(Default)]
struct Heads(Mutex<VecDeque<(Instant, Head)>>);

impl Replicas {
    /// Watches the replicas from now on, each with so many connections to read with.
    pub(super) fn watch(primary: &Location, replicas: &[Location], connections: usize) -> Result<Self, DbError> {
        let heads = Arc::new(Heads::default());
        let (weak, primary) = (Arc::downgrade(&heads), with_dead_peers(primary));
        spawn("primary-head".into(), move || keep_looking(&primary, &weak, look_at_primary))?;
        let mut all = Vec::new();
        for (number, location) in (1..).zip(replicas) {
            let location = with_dead_peers(location);
            let standing = Arc::new(Mutex::new(None));
            let jobs = start_readers(&location, connections, &format!("replica-{number}"))?;
            let (weak, seen) = (Arc::downgrade(&heads), Arc::clone(&standing));
            spawn(format!("replica-{number}-head"), move || {
                keep_looking(&location, &weak, |connection, heads| look_at_replica(connection, heads, &seen));
            })?;
            all.push(Replica { jobs, standing });
        }
        Ok(Self { all, turn: AtomicUsize::new(0), written: AtomicI64::new(0), _watched: heads })
    }

    /// Tells that this process has written everything up to a position: before whoever wrote it is answered.
    pub(super) fn has_written(&self, position: i64) {
        self.written.fetch_max(position, Ordering::AcqRel);
    }

    /// Asks a replica that may be asked, if there is one. What it does not answer, the primary has to.
    pub(super) async fn ask<T, E, F>(&self, at_least: i64, read: F) -> Option<T>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        let position = at_least.max(self.written.load(Ordering::Acquire));
        let replica = self.choose(position)?;
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |connection| {
            let (outcome, health) = read_in(connection, |connection| {
                // Nobody waits any more, or the replica was started anew and is behind what it was.
                if answer.is_closed() || head(connection).map_err(DbError::from)?.0 < position {
                    return Err(DbError::Unavailable("the replica is not asked any more".into()).into());
                }
                read(connection)
            });
            drop(answer.send(outcome));
            health
        });
        replica.jobs.send(job).ok()?;
        tokio::time::timeout(PATIENCE, answered).await.ok()?.ok()?.ok()
    }

    fn choose(&self, position: i64) -> Option<&Replica> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let may_be_asked = |replica: &&Replica| {
            locked(&replica.standing).is_some_and(|it| it.position >= position && it.as_of.elapsed() < LAG)
        };
        (0..self.all.len()).filter_map(|step| self.all.get((first + step) % self.all.len())).find(may_be_asked)
    }
}

impl Heads {
    fn remember(&self, asked: Instant, head: Head) {
        let mut heads = locked(&self.0);
        heads.push_back((asked, head));
        while heads.front().is_some_and(|(at, _)| at.elapsed() > MEMORY) {
            heads.pop_front();
        }
    }

    /// The primary's last head that is at a position or before it, and the time at which nothing was after that.
    fn reached_by(&self, position: i64) -> Option<(Instant, Head)> {
        locked(&self.0).iter().rev().find(|(_, head)| head.0 <= position).copied()
    }
}

/// Looks again and again, as long as anyone watches, and less often at what cannot be asked or read.
fn keep_looking(
    location: &Location,
    heads: &Weak<Heads>,
    look: impl Fn(&mut Connection, &Weak<Heads>) -> QueryResult<bool>,
) {
    let mut connection = None;
    while heads.strong_count() > 0 {
        let looked = connection.take().map_or_else(|| connect(location), Ok).and_then(|mut open| {
            let is_read = look(&mut open, heads)?;
            Ok((is_read, open))
        });
        let pause = match looked {
            Ok((is_read, open)) => {
                connection = Some(open);
                if is_read { TICK } else { PAUSE }
            }
            Err(error) => {
                tracing::warn!(%error, "a database that is read from does not say how far it has come");
                PAUSE
            }
        };
        thread::sleep(pause);
    }
}

fn look_at_primary(connection: &mut Connection, heads: &Weak<Heads>) -> QueryResult<bool> {
    let asked = Instant::now();
    let head = head(connection)?;
    if let Some(heads) = heads.upgrade() {
        heads.remember(asked, head);
    }
    Ok(true)
}

/// A replica has all that the primary had when it had the replica's head, or one before it. One that has something else at that
/// position is a replica of another archive.
fn look_at_replica(
    connection: &mut Connection,
    heads: &Weak<Heads>,
    standing: &Mutex<Option<Standing>>,
) -> QueryResult<bool> {
    let (position, _) = head(connection)?;
    let Some((as_of, reached)) = heads.upgrade().and_then(|heads| heads.reached_by(position)) else {
        return Ok(true);
    };
    let is_same = reached.0 == 0 || time_at(connection, reached.0)? == Some(reached.1);
    if !is_same {
        tracing::error!(position = reached.0, "a replica is one of another archive: it is not read");
    }
    *locked(standing) = is_same.then_some(Standing { position, as_of });
    Ok(is_same)
}

fn time_at(connection: &mut Connection, position: i64) -> QueryResult<Option<Timestamp>> {
    let time = journal::table.find(position).select(journal::at);
    crate::natively!(connection, |native| time.first(native)).optional()
}

/// The journal's head, whoever may see it; position 0 before the first.
pub(crate) fn head(connection: &mut Connection) -> QueryResult<Head> {
    let last = journal::table.order(journal::position.desc()).select((journal::position, journal::at));
    let head = crate::natively!(connection, |native| last.first(native));
    Ok(head.optional()?.unwrap_or((0, Timestamp::from_micros(0))))
}

/// The same location, from which an end without a word is noticed soon.
fn with_dead_peers(location: &Location) -> Location {
    match location {
        Location::Postgres(url) => Location::Postgres(super::leadership::with_dead_peers(url)),
        file @ Location::Sqlite(_) => file.clone(),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_at(position: i64, micros: i64) -> Head {
        (position, Timestamp::from_micros(micros))
    }

    #[test]
    fn a_replica_is_as_fresh_as_the_last_head_of_the_primary_that_it_has() {
        let heads = Heads::default();
        let (earlier, later) = (Instant::now(), Instant::now());
        heads.remember(earlier, head_at(10, 100));
        heads.remember(later, head_at(12, 120));
        assert_eq!(heads.reached_by(11), Some((earlier, head_at(10, 100))));
        assert_eq!(heads.reached_by(12), Some((later, head_at(12, 120))));
        assert_eq!(heads.reached_by(9), None);
    }
}
