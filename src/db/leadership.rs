//! The leadership: what one process of all that share a database does at a time.
//!
//! It is held by a lock that ends with its holder, however that ends: on PostgreSQL an advisory lock of a session, on SQLite a
//! lock on a file beside the database. So nobody has to wait for a dead holder's time to run out.

use std::fs::{self, File, TryLockError};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{DbError, Location, dialect};

/// The leadership, held or sought.
pub struct Leadership {
    location: Location,
    state: State,
}

enum State {
    /// It has no lock to try.
    Apart,
    Candidate(Lock),
    Leader(Lock),
}

enum Lock {
    File(File),
    Session(Box<PgConnection>),
}

/// That the server's end is not waited for in vain when it is gone without a word.
const DEAD_PEERS: &str =
    "connect_timeout=10&keepalives_idle=5&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=20000";
/// The same for the server, which then ends the session and with it the lock.
const DEAD_LEADERS: &str = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
    SET tcp_user_timeout = 20000";

/// The same URL, with which a server that is gone without a word is noticed soon.
pub(super) fn with_dead_peers(url: &str) -> String {
    format!("{url}{}{DEAD_PEERS}", if url.contains('?') { '&' } else { '?' })
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

impl Leadership {
    pub(super) fn of(location: Location) -> Self {
        Self { location, state: State::Apart }
    }

    /// Whether this process leads. It takes the leadership when nobody has it, and loses it with its session.
    ///
    /// # Errors
    /// When the database, or the file, cannot be reached: then it does not lead.
    pub fn hold(&mut self) -> Result<bool, DbError> {
        let state = match std::mem::replace(&mut self.state, State::Apart) {
            State::Leader(mut lock) => {
                lock.check()?;
                State::Leader(lock)
            }
            State::Candidate(lock) => lock.try_take()?,
            State::Apart => Lock::open(&self.location)?.try_take()?,
        };
        self.state = state;
        Ok(matches!(self.state, State::Leader(_)))
    }
}

impl Lock {
    fn open(location: &Location) -> Result<Self, DbError> {
        match location {
            Location::Postgres(url) => {
                let session = PgConnection::establish(&with_dead_peers(url)).and_then(|mut session| {
                    session.batch_execute(DEAD_LEADERS).map_err(ConnectionError::CouldntSetupConfiguration)?;
                    Ok(session)
                });
                session
                    .map(|session| Self::Session(Box::new(session)))
                    .map_err(|error| DbError::Unavailable(error.to_string()))
            }
            Location::Sqlite(path) => {
                // The same file has the same lock, whatever leads to it.
                let path = fs::canonicalize(path).map_err(|error| DbError::Unavailable(format!("{path}: {error}")))?;
                let path = format!("{}-leader", path.display());
                let file = File::options().create(true).truncate(false).write(true).open(&path);
                file.map(Self::File).map_err(|error| DbError::Unavailable(format!("{path}: {error}")))
            }
        }
    }

    fn try_take(mut self) -> Result<State, DbError> {
        let is_taken = match &mut self {
            Self::File(file) => match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => false,
                Err(TryLockError::Error(error)) => return Err(DbError::Unavailable(error.to_string())),
            },
            Self::Session(session) => {
                diesel::sql_query(dialect::LEADERSHIP_LOCK).get_result::<Taken>(&mut **session)?.taken
            }
        };
        Ok(if is_taken { State::Leader(self) } else { State::Candidate(self) })
    }

    /// A file stays locked; a session may have ended, and its lock with it.
    fn check(&mut self) -> Result<(), DbError> {
        match self {
            Self::File(_) => Ok(()),
            Self::Session(session) => Ok(session.batch_execute("SELECT 1")?),
        }
    }
}
