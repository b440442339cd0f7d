//! The connections behind [`Db`], and the threads that read.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use tokio::sync::{Semaphore, oneshot, watch};

use super::replicas::{Replicas, head};
use super::writer::{self, AtCommit, Pace, Writer, usable};
use super::{Connection, DbError, Leadership, Location, connect, dialect};

/// How many long reads are made on SQLite at the same time: as many as there are cores, within these bounds. With fewer, short ones of
/// them would wait long behind long ones; more would take much memory.
const SCANS: RangeInclusive<usize> = 4..=16;
/// How many connections to PostgreSQL those have to themselves who follow what is written: one each for the heads of the journal, what is
/// kept ready, and the index.
const FOLLOWERS: usize = 3;

pub(super) type ReadJob = Box<dyn FnOnce(&mut Connection) -> Health + Send>;

/// Whether a connection may be used again.
#[derive(PartialEq, Eq)]
pub(super) enum Health {
    Good,
    Lost,
}

/// A database, shared by everything that serves from it. Cheap to clone; its threads end with the last clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

/// From where a read can be answered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// The position of the journal that it has to have come to.
    pub at_least: i64,
    /// Another that it is known to have come to, where it is written: a replica has to have come to it too.
    pub known: i64,
    /// Whether the read takes long, and on SQLite must not hold the worker that calls.
    pub is_long: bool,
}

struct Inner {
    /// Tells this database's thread-local connections from those of another in the same process.
    number: u64,
    location: Location,
    pace: Pace,
    writer: Writer,
    /// How many groups of writes this process has ended, failed ones too: a commit whose answer was lost may stand.
    commits: watch::Receiver<u64>,
    /// PostgreSQL only: the threads that read.
    readers: Option<Readers>,
    /// PostgreSQL only: the replicas that are read too.
    replicas: Option<Arc<Replicas>>,
    /// SQLite only: how many long reads are made at the same time. Each takes a thread, and each thread a connection.
    scans: Arc<Semaphore>,
    to_purge: AtomicBool,
}

/// The ways to the threads that read.
struct Readers {
    requests: Sender<ReadJob>,
    /// Requests wait for those who follow what is written, so these do not wait in one line with requests.
    followers: Sender<ReadJob>,
}

thread_local! {
    static READER: RefCell<Option<(u64, Connection)>> = const { RefCell::new(None) };
}

impl Db {
    /// Opens the database and starts its threads: one that writes and, on PostgreSQL, `readers` that read. `at_commit` runs at the end
    /// of each group of writes, in its transaction.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when it cannot be reached now, or no thread can be started.
    pub fn open(location: &Location, readers: usize, at_commit: AtCommit) -> Result<Self, DbError> {
        Self::paced(location, readers, Pace::SERVING, &[], at_commit)
    }

    /// The same, with streaming replicas that are read from where they have what is asked for; so many connections to each.
    ///
    /// # Errors
    /// As [`Db::open`]; a replica that cannot be reached is no error.
    pub fn open_with_replicas(
        location: &Location,
        readers: usize,
        replicas: &[Location],
        at_commit: AtCommit,
    ) -> Result<Self, DbError> {
        Self::paced(location, readers, Pace::SERVING, replicas, at_commit)
    }

    /// Opens the database for one who writes much by himself: larger commits and more memory.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn open_for_bulk(location: &Location, at_commit: AtCommit) -> Result<Self, DbError> {
        Self::paced(location, 1, Pace::BULK, &[], at_commit)
    }

    fn paced(
        location: &Location,
        readers: usize,
        pace: Pace,
        replicas: &[Location],
        at_commit: AtCommit,
    ) -> Result<Self, DbError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let (committed, commits) = watch::channel(0);
        let replicas = match replicas {
            [] => None,
            some => Some(Arc::new(Replicas::watch(location, some, readers)?)),
        };
        let writer = Writer::start(location, pace, at_commit, committed, replicas.clone())?;
        let readers = match location {
            Location::Sqlite(_) => None,
            Location::Postgres(_) => Some(Readers {
                requests: start_readers(location, readers, "reader")?,
                followers: start_readers(location, FOLLOWERS, "follower")?,
            }),
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let to_purge = AtomicBool::new(matches!(location, Location::Sqlite(_)));
        let cores = thread::available_parallelism().map_or(*SCANS.start(), NonZeroUsize::get);
        let (location, scans) = (location.clone(), Arc::new(Semaphore::new(cores.clamp(*SCANS.start(), *SCANS.end()))));
        Ok(Self(Arc::new(Inner { number, location, pace, writer, commits, readers, replicas, scans, to_purge })))
    }

    /// Whether short queries are made by the thread that wants them, as on SQLite, so that it waits for nobody.
    #[must_use]
    pub fn reads_here(&self) -> bool {
        self.0.readers.is_none()
    }

    /// Runs short queries in one snapshot.
    ///
    /// # Errors
    /// What `read` returns, or [`DbError::Unavailable`].
    pub async fn read<T, E, F>(&self, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        self.read_in_line(|readers| &readers.requests, read).await
    }

    /// The same for those who follow what is written, and for whom requests wait.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn read_following<T, E, F>(&self, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        self.read_in_line(|readers| &readers.followers, read).await
    }

    /// [`Db::read`], from any database that has what it needs: a replica if one has, and it answers. What a replica answers is less than a
    /// second old.
    ///
    /// # Errors
    /// As [`Db::read`], and [`DbError::NotThere`].
    pub async fn read_anywhere<T, E, F>(&self, needs: Needs, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Clone + Send + 'static,
    {
        let Needs { at_least, known, is_long } = needs;
        if let Some(replicas) = &self.0.replicas
            && let Some(answer) = replicas.ask(at_least.max(known), read.clone()).await
        {
            return Ok(answer);
        }
        let read = once_there(at_least, read);
        if is_long { self.scan(read).await } else { self.read(read).await }
    }

    /// [`Db::read`] for long queries, which on SQLite must not hold the worker that calls.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn scan<T, E, F>(&self, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        if let Some(readers) = &self.0.readers {
            return read_there(&readers.requests, read).await;
        }
        let turn = Arc::clone(&self.0.scans).acquire_owned().await;
        let turn = turn.map_err(|error| DbError::Unavailable(error.to_string()))?;
        let db = self.clone();
        let work = move || {
            // Until it is done, whether somebody still waits for it or not.
            let _turn = turn;
            db.read_here(read)
        };
        actix_web::rt::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|error| Err(DbError::Unavailable(error.to_string()).into()))
    }

    /// [`Db::read_following`] for a thread that has no executor.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T, E, F>(&self, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        match &self.0.readers {
            None => self.read_here(read),
            Some(readers) => {
                let (answer, answered) = crossbeam_channel::bounded(1);
                send_read(&readers.followers, read, move |outcome| drop(answer.send(outcome)))?;
                answered.recv().unwrap_or_else(|_| Err(reader_gone().into()))
            }
        }
    }

    /// Runs `write` in a transaction and answers after its commit: when this returns `Ok`, it is on disk.
    ///
    /// # Errors
    /// What `write` returns (and then nothing of it is kept), or [`DbError::Unavailable`].
    pub async fn write<T, E, F>(&self, write: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.0.writer.send(write, move |outcome| drop(answer.send(outcome)))?;
        answered.await.unwrap_or_else(|_| Err(writer::gone().into()))
    }

    /// [`Db::write`] for the command line, which has no executor.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T, E, F>(&self, write: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = crossbeam_channel::bounded(1);
        self.0.writer.send(write, move |outcome| drop(answer.send(outcome)))?;
        answered.recv().unwrap_or_else(|_| Err(writer::gone().into()))
    }

    /// Runs `write` for each of many items, each in a savepoint of its own, while the caller goes on. The savepoints stand side by
    /// side, not inside of one that spans them all: SQLite would keep a copy of every page for it.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when the writer is gone.
    pub fn begin_writing_each<I, T, E, F>(
        &self,
        items: impl IntoIterator<Item = I>,
        write: F,
    ) -> Result<WritesUnderWay<T, E>, E>
    where
        I: Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: Fn(&mut Connection, I) -> Result<T, E> + Clone + Send + 'static,
    {
        let (answer, answered) = crossbeam_channel::unbounded();
        let mut sent = 0;
        for item in items {
            let (answer, write) = (answer.clone(), write.clone());
            self.0.writer.send(move |connection| write(connection, item), move |outcome| drop(answer.send(outcome)))?;
            sent += 1;
        }
        Ok(WritesUnderWay { answered, sent })
    }

    /// How many times this process has committed: it has risen before whoever wrote is answered.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.0.commits.clone()
    }

    /// The leadership of all processes that share this database.
    #[must_use]
    pub fn leadership(&self) -> Leadership {
        Leadership::of(self.0.location.clone())
    }

    /// Sees to it that what was deleted is not left in files that the database no longer reads.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when the database cannot be reached.
    pub async fn purge(&self) -> Result<(), DbError> {
        self.0.to_purge.store(true, Ordering::Relaxed);
        let location = self.0.location.clone();
        let work = move || {
            let mut connection = connect(&location)?;
            Ok::<_, DbError>(dialect::purge(&mut connection)?)
        };
        let done = actix_web::rt::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|error| Err(DbError::Unavailable(error.to_string())))?;
        self.0.to_purge.store(!done, Ordering::Relaxed);
        Ok(())
    }

    /// Brings everything into the SQLite file itself, so that a copy of it is a copy of all. Nobody must be reading any more.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when the database cannot be reached.
    pub fn checkpoint(&self) -> Result<(), DbError> {
        if matches!(self.0.location, Location::Sqlite(_)) {
            dialect::purge(&mut connect(&self.0.location)?)?;
        }
        Ok(())
    }

    /// Whether a purge was not possible yet, or may have been cut off by the end of the last process.
    #[must_use]
    pub fn is_to_purge(&self) -> bool {
        self.0.to_purge.load(Ordering::Relaxed)
    }

    /// Reads in this thread or, on PostgreSQL, in one that takes its work from this line.
    async fn read_in_line<T, E, F>(&self, line: fn(&Readers) -> &Sender<ReadJob>, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        match &self.0.readers {
            None => self.read_here(read),
            Some(readers) => read_there(line(readers), read).await,
        }
    }

    fn read_here<T, E: From<DbError>>(&self, read: impl FnOnce(&mut Connection) -> Result<T, E>) -> Result<T, E> {
        READER.with(|reader| {
            let mut reader = reader.borrow_mut();
            let mine = reader.take().and_then(|(number, connection)| (number == self.0.number).then_some(connection));
            let mut connection = begin_snapshot(&self.0.location, self.0.pace, mine)?;
            let (answer, health) = read_in(&mut connection, read);
            if health == Health::Good {
                *reader = Some((self.0.number, connection));
            }
            answer
        })
    }
}

/// A read that is only made where the journal has come to this position.
///
/// # Errors
/// [`DbError::NotThere`] when it has not.
pub fn once_there<T, E, F>(position: i64, read: F) -> impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static
where
    E: From<DbError>,
    F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
{
    move |connection| {
        if position > 0 && head(connection).map_err(DbError::from)?.0 < position {
            return Err(DbError::NotThere.into());
        }
        read(connection)
    }
}

/// Writes that were begun and are not committed yet.
pub struct WritesUnderWay<T, E> {
    answered: Receiver<Result<T, E>>,
    sent: usize,
}

impl<T, E: From<DbError>> WritesUnderWay<T, E> {
    /// Waits until all are committed, and returns their outcomes in their order.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when the writer is gone; what each write returned stands in its own outcome.
    pub fn wait(self) -> Result<Vec<Result<T, E>>, E> {
        let outcomes: Vec<Result<T, E>> = self.answered.iter().collect();
        if outcomes.len() == self.sent { Ok(outcomes) } else { Err(writer::gone().into()) }
    }
}

fn open_reader(location: &Location, pace: Pace) -> Result<Connection, DbError> {
    let mut connection = connect(location)?;
    dialect::make_read_only(&mut connection)?;
    if !pace.is_bulk {
        dialect::prepare_for_serving(&mut connection)?;
    }
    Ok(connection)
}

/// A connection with an open snapshot: the one at hand or, if that turns out dead, a new one.
fn begin_snapshot(location: &Location, pace: Pace, connection: Option<Connection>) -> Result<Connection, DbError> {
    if let Some(mut connection) = connection {
        match dialect::begin_read(&mut connection) {
            Ok(()) => return Ok(connection),
            Err(error) => tracing::warn!(%error, "a reader's connection is lost, opening another"),
        }
    }
    let mut connection = open_reader(location, pace)?;
    dialect::begin_read(&mut connection)?;
    Ok(connection)
}

pub(super) fn read_once<T, E: From<DbError>>(
    location: &Location,
    read: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    let mut connection = begin_snapshot(location, Pace::BULK, None)?;
    read_in(&mut connection, read).0
}

pub(super) fn start_readers(location: &Location, count: usize, name: &str) -> Result<Sender<ReadJob>, DbError> {
    let (jobs, waiting) = unbounded();
    for number in 1..=count.max(1) {
        let (location, waiting) = (location.clone(), waiting.clone());
        spawn(format!("{name}-{number}"), move || serve_reads(&location, &waiting))?;
    }
    Ok(jobs)
}

pub(super) fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<(), DbError> {
    thread::Builder::new()
        .name(name)
        .spawn(work)
        .map(drop)
        .map_err(|error| DbError::Unavailable(format!("cannot start a thread: {error}")))
}

async fn read_there<T, E, F>(readers: &Sender<ReadJob>, read: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
    F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    send_read(readers, read, move |outcome| drop(answer.send(outcome)))?;
    answered.await.unwrap_or_else(|_| Err(reader_gone().into()))
}

fn send_read<T, E, F, A>(readers: &Sender<ReadJob>, read: F, answer: A) -> Result<(), E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
    F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    A: FnOnce(Result<T, E>) + Send + 'static,
{
    let job: ReadJob = Box::new(move |connection| {
        let (outcome, health) = read_in(connection, read);
        answer(outcome);
        health
    });
    readers.send(job).map_err(|_| DbError::Unavailable("no reader is left".into()).into())
}

/// Reads in the open snapshot and closes it, and tells whether the connection may be used again.
pub(super) fn read_in<T, E: From<DbError>>(
    connection: &mut Connection,
    read: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> (Result<T, E>, Health) {
    let answer = catch_unwind(AssertUnwindSafe(|| read(connection)))
        .unwrap_or_else(|_| Err(DbError::Unavailable("a query panicked".into()).into()));
    let closed = dialect::end_read(connection).map_err(DbError::from);
    let health = if closed.is_ok() && usable(connection) { Health::Good } else { Health::Lost };
    (answer.and_then(|answer| closed.map(|()| answer).map_err(E::from)), health)
}

fn reader_gone() -> DbError {
    DbError::Unavailable("no connection to read with".into())
}

fn serve_reads(location: &Location, waiting: &Receiver<ReadJob>) {
    let mut connection: Option<Connection> = None;
    while let Ok(job) = waiting.recv() {
        match begin_snapshot(location, Pace::SERVING, connection.take()) {
            Ok(mut open) => {
                if job(&mut open) == Health::Good {
                    connection = Some(open);
                }
            }
            Err(error) => tracing::error!(%error, "no connection to read with"),
        }
    }
}
