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

use super::pool::{Health, ReadJob, read_in, spawn, start_readers};
use super::schema::journal;
use super::types::Timestamp;
use super::{Connection, DbError, Location, connect};

/// How often is looked where the primary and the replicas are.
const TICK: Duration = Duration::from_millis(50);
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
        spawn("primary-head".into(), move || keep_looking(&primary, &weak, Heads::remember))?;
        let mut all = Vec::new();
        for (number, location) in (1..).zip(replicas) {
            let location = with_dead_peers(location);
            let standing = Arc::new(Mutex::new(None));
            let jobs = start_readers(&location, connections, &format!("replica-{number}"))?;
            let (weak, seen) = (Arc::downgrade(&heads), Arc::clone(&standing));
            spawn(format!("replica-{number}-head"), move || {
                keep_looking(&location, &weak, |heads, _, head| heads.judge(&mut locked(&seen), head));
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
        let replica = self.choose(at_least)?;
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |connection| {
            if answer.is_closed() {
                return Health::Good;
            }
            let (outcome, health) = read_in(connection, read);
            drop(answer.send(outcome));
            health
        });
        replica.jobs.send(job).ok()?;
        tokio::time::timeout(PATIENCE, answered).await.ok()?.ok()?.ok()
    }

    fn choose(&self, at_least: i64) -> Option<&Replica> {
        let position = at_least.max(self.written.load(Ordering::Acquire));
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

    /// How far a replica has come whose own head is this: as far as the primary was when it had that head, or one before it. One
    /// that has something else at a position is a replica of another archive.
    fn judge(&self, standing: &mut Option<Standing>, head: Head) {
        let heads = locked(&self.0);
        let Some((as_of, reached)) = heads.iter().rev().find(|(_, (position, _))| *position <= head.0) else {
            return;
        };
        if reached.0 == head.0 && reached.1 != head.1 {
            tracing::error!(position = head.0, "a replica is one of another archive: it is not read");
            *standing = None;
        } else {
            *standing = Some(Standing { position: head.0, as_of: *as_of });
        }
    }
}

/// Reads the head of a journal again and again, as long as anyone watches, and tells when it was asked for.
fn keep_looking(location: &Location, heads: &Weak<Heads>, tell: impl Fn(&Heads, Instant, Head)) {
    let mut connection = None;
    while let Some(watched) = heads.upgrade() {
        let asked = Instant::now();
        match connection.take().map_or_else(|| connect(location), Ok).and_then(|mut open| Ok((head(&mut open)?, open)))
        {
            Ok((head, open)) => {
                tell(&watched, asked, head);
                connection = Some(open);
            }
            Err(error) => tracing::warn!(%error, "a database that is read from does not say how far it has come"),
        }
        drop(watched);
        thread::sleep(TICK);
    }
}

/// The journal's head, whoever may see it.
pub(super) fn head(connection: &mut Connection) -> QueryResult<Head> {
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
        let (heads, mut standing) = (Heads::default(), None);
        let (earlier, later) = (Instant::now(), Instant::now());
        heads.remember(earlier, head_at(10, 100));
        heads.remember(later, head_at(12, 120));
        heads.judge(&mut standing, head_at(11, 110));
        assert_eq!(standing.map(|it| (it.position, it.as_of)), Some((11, earlier)));
        heads.judge(&mut standing, head_at(12, 120));
        assert_eq!(standing.map(|it| (it.position, it.as_of)), Some((12, later)));
    }

    #[test]
    fn a_replica_of_another_archive_has_no_standing() {
        let (heads, mut standing) = (Heads::default(), None);
        heads.remember(Instant::now(), head_at(10, 100));
        heads.judge(&mut standing, head_at(10, 101));
        assert!(standing.is_none());
    }
}
