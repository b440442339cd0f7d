//! The thread that writes: it takes the writes that wait into one transaction, and answers them when that is committed.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use diesel::QueryResult;
use diesel::connection::TransactionManager;
use diesel::result::Error;
use tokio::sync::watch;

use super::pool::spawn;
use super::replicas::{self, Replicas};
use super::{Connection, DbError, Location, connect, dialect};

/// How the writer goes about what waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How many writes one commit takes along.
    size: usize,
    /// How long the first of them waits for the others at most.
    time: Duration,
    /// After how many commits without a pause another process may have the lock.
    stretch: u32,
    pub(super) is_bulk: bool,
}

impl Pace {
    /// Where many wait, each for its own answer.
    pub(super) const SERVING: Self = Self { size: 256, time: Duration::from_millis(50), stretch: 16, is_bulk: false };
    /// Where one writes much, and waits for the end of it.
    pub(super) const BULK: Self = Self { size: 2048, time: Duration::from_millis(400), stretch: 1, is_bulk: true };
}

/// After so many groups the statistics are gathered for the first time, and then again whenever their number has doubled.
const FEW_GROUPS: u64 = 256;
/// How long the lock is left after such a stretch: long enough for another writer, who looks for it every millisecond. SQLite has no queue for it, and
/// who asks for it again at once has it again.
const WAY: Duration = Duration::from_millis(3);

type Transactions = <Connection as diesel::Connection>::TransactionManager;
/// Runs one caller's work in its savepoint, and returns the step that answers the caller once the commit is decided.
type WriteJob = Box<dyn FnOnce(&mut Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(bool)>;
/// What is written at the end of each group, once for all of its writes.
pub type AtCommit = fn(&mut Connection) -> QueryResult<()>;

/// The way to the thread that writes, which ends with the last of them.
pub(super) struct Writer(Sender<WriteJob>);

impl Writer {
    /// Opens a connection and starts the thread. After each commit `commits` has risen before anyone is answered.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when the database cannot be reached now, or no thread can be started.
    pub(super) fn start(
        location: &Location,
        pace: Pace,
        at_commit: AtCommit,
        commits: watch::Sender<u64>,
        replicas: Option<Arc<Replicas>>,
    ) -> Result<Self, DbError> {
        let connection = Some(open(location, pace)?);
        let (jobs, waiting) = unbounded();
        let mut groups = Groups { location: location.clone(), pace, at_commit, commits, replicas, connection };
        spawn("writer".into(), move || groups.write(&waiting))?;
        Ok(Self(jobs))
    }

    /// Has `write` written, and `answer` told what came of it once that is decided.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when the thread is gone.
    pub(super) fn send<T, E, F, A>(&self, write: F, answer: A) -> Result<(), E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
        A: FnOnce(Result<T, E>) + Send + 'static,
    {
        let job: WriteJob = Box::new(move |connection| {
            let outcome = in_savepoint(connection, write);
            Box::new(move |committed| {
                answer(if committed { outcome } else { outcome.and_then(|_| Err(not_committed().into())) });
            })
        });
        self.0.send(job).map_err(|_| gone().into())
    }
}

pub(super) fn gone() -> DbError {
    DbError::Unavailable("the writer did not answer".into())
}

fn not_committed() -> DbError {
    DbError::Unavailable("the transaction could not be committed".into())
}

/// What the thread works with.
struct Groups {
    location: Location,
    pace: Pace,
    at_commit: AtCommit,
    /// How many groups were committed.
    commits: watch::Sender<u64>,
    replicas: Option<Arc<Replicas>>,
    connection: Option<Connection>,
}

impl Groups {
    /// Writes what waits until nobody can send any more.
    fn write(&mut self, waiting: &Receiver<WriteJob>) {
        let (mut groups, mut stretch) = (0_u64, 0);
        while let Ok(job) = waiting.recv() {
            let Some(mut open) = self.begin() else {
                drop(job);
                continue;
            };
            let answers = run_group(&mut open, self.pace, job, waiting);
            let committed = self.commit(&mut open);
            if let Err(error) = &committed {
                tracing::error!(%error, writes = answers.len(), "a group of writes could not be committed");
                // A connection that cannot even do that is not used again.
                drop(unwind_to(&mut open, 0));
            }
            self.commits.send_modify(|count| *count += 1);
            for answer in answers {
                answer(committed.is_ok());
            }
            if usable(&mut open) {
                groups += 1;
                refresh_statistics(&mut open, groups);
                self.connection = Some(open);
            }
            stretch = if waiting.is_empty() { 0 } else { stretch + 1 };
            if stretch >= self.pace.stretch && matches!(self.location, Location::Sqlite(_)) {
                thread::sleep(WAY);
                stretch = 0;
            }
        }
    }

    /// A connection with an open transaction: the one at hand or, if that turns out dead, a new one.
    fn begin(&mut self) -> Option<Connection> {
        if let Some(mut connection) = self.connection.take() {
            match dialect::begin_write(&mut connection) {
                Ok(()) => return Some(connection),
                Err(error) => tracing::warn!(%error, "the writer's connection is lost, opening another"),
            }
        }
        let opened = open(&self.location, self.pace).and_then(|mut connection| {
            dialect::begin_write(&mut connection)?;
            Ok(connection)
        });
        opened.inspect_err(|error| tracing::error!(%error, "no connection to write with")).ok()
    }

    fn commit(&self, connection: &mut Connection) -> QueryResult<()> {
        // This thread has to outlive it, as it outlives a write.
        catch_unwind(AssertUnwindSafe(|| (self.at_commit)(connection))).unwrap_or(Err(Error::RollbackTransaction))?;
        let Some(replicas) = &self.replicas else {
            return Transactions::commit_transaction(connection);
        };
        let (position, _) = replicas::head(connection)?;
        Transactions::commit_transaction(connection)?;
        replicas.has_written(position);
        Ok(())
    }
}

fn open(location: &Location, pace: Pace) -> Result<Connection, DbError> {
    let mut connection = connect(location)?;
    dialect::prepare_for_writing(&mut connection)?;
    if pace.is_bulk {
        dialect::prepare_for_bulk(&mut connection)?;
    }
    Ok(connection)
}

/// An archive that has grown much wants to be read along other indexes. Connections that only read learn of it when they are opened anew.
fn refresh_statistics(connection: &mut Connection, groups: u64) {
    if groups >= FEW_GROUPS
        && groups.is_power_of_two()
        && let Err(error) = dialect::refresh_statistics(connection)
    {
        tracing::warn!(%error, "the statistics could not be gathered");
    }
}

fn run_group(connection: &mut Connection, pace: Pace, first: WriteJob, waiting: &Receiver<WriteJob>) -> Vec<Answer> {
    let started = Instant::now();
    let mut answers = vec![first(connection)];
    while answers.len() < pace.size && started.elapsed() < pace.time {
        match waiting.try_recv() {
            Ok(job) => answers.push(job(connection)),
            Err(_) => break,
        }
    }
    answers
}

/// Runs one caller's work so that its failure, even a panic inside nested transactions, takes nothing else with it.
fn in_savepoint<T, E: From<DbError>>(
    connection: &mut Connection,
    write: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    let outer = depth(connection);
    Transactions::begin_transaction(connection).map_err(DbError::from)?;
    let outcome = catch_unwind(AssertUnwindSafe(|| write(connection)))
        .unwrap_or_else(|_| Err(DbError::Unavailable("a write panicked".into()).into()));
    if outcome.is_ok() {
        Transactions::commit_transaction(connection).map_err(DbError::from)?;
    } else {
        unwind_to(connection, outer)?;
    }
    outcome
}

fn unwind_to(connection: &mut Connection, outer: u32) -> Result<(), DbError> {
    while depth(connection) > outer {
        Transactions::rollback_transaction(connection)?;
    }
    Ok(())
}

fn depth(connection: &mut Connection) -> u32 {
    Transactions::transaction_manager_status_mut(connection)
        .transaction_depth()
        .ok()
        .flatten()
        .map_or(0, NonZeroU32::get)
}

/// Whether a connection has no transaction open, and may be used again.
pub(super) fn usable(connection: &mut Connection) -> bool {
    !Transactions::is_broken_transaction_manager(connection) && depth(connection) == 0
}
