//! A duty that one process has at a time, of all that serve from one database.
//!
//! It is held by a lock that ends with its holder, however that ends: on PostgreSQL an advisory lock of a session, on SQLite a
//! lock on a file beside the database. So nobody has to wait for a dead holder's time to run out.

use std::fs::{File, TryLockError};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{DbError, Location, dialect};

/// The duty, held or sought.
pub struct Duty {
    location: Location,
    post: Option<Post>,
    is_held: bool,
}

/// What the lock is on.
enum Post {
    File(File),
    Session(Box<PgConnection>),
}

#[derive(QueryableByName)]
struct Lock {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

impl Duty {
    pub(super) fn at(location: Location) -> Self {
        Self { location, post: None, is_held: false }
    }

    /// Whether this process has the duty. It takes it when nobody has it; and one that it had is lost with its session.
    ///
    /// # Errors
    /// When the database, or the file, cannot be reached: then it is not held.
    pub fn attend(&mut self) -> Result<bool, DbError> {
        let attended = self.attend_post();
        if attended.is_err() {
            self.post = None;
        }
        self.is_held = matches!(attended, Ok(true));
        attended
    }

    fn attend_post(&mut self) -> Result<bool, DbError> {
        let post = match self.post.take() {
            Some(post) => post,
            None => Post::at(&self.location)?,
        };
        match self.post.insert(post) {
            Post::File(_) if self.is_held => Ok(true),
            Post::File(file) => match file.try_lock() {
                Ok(()) => Ok(true),
                Err(TryLockError::WouldBlock) => Ok(false),
                Err(TryLockError::Error(error)) => Err(DbError::Unavailable(error.to_string())),
            },
            Post::Session(session) if self.is_held => Ok(session.batch_execute("SELECT 1").map(|()| true)?),
            Post::Session(session) => {
                Ok(diesel::sql_query(dialect::DUTY_LOCK).get_result::<Lock>(&mut **session).map(|lock| lock.taken)?)
            }
        }
    }
}

impl Post {
    fn at(location: &Location) -> Result<Self, DbError> {
        match location {
            Location::Postgres(url) => {
                let session = PgConnection::establish(url).map_err(|error| DbError::Unavailable(error.to_string()))?;
                Ok(Self::Session(Box::new(session)))
            }
            Location::Sqlite(path) => {
                let path = format!("{path}-duty");
                let file = File::options().create(true).truncate(false).write(true).open(&path);
                file.map(Self::File).map_err(|error| DbError::Unavailable(format!("{path}: {error}")))
            }
        }
    }
}
