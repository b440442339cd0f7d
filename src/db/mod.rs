//! The database: one enum over both kinds, and the two ways in.
//!
//! [`Db::read`] runs a closure on a connection that cannot write. On SQLite that is this very thread, through a
//! connection of its own (a get costs microseconds; handing it to another thread would double it). On PostgreSQL it is
//! one of a fixed set of connection threads. [`Db::scan`] is the same for long work, which must not hold a worker.
//!
//! [`Db::write`] runs a closure inside a transaction. On both databases one writer thread collects what is waiting and
//! commits it as a group: one disk sync (and on PostgreSQL one hold of the journal's lock) serves many callers. Each
//! closure has a savepoint of its own, so one that fails takes nothing with it, and nobody is answered before the
//! commit.
//!
//! Every query above this module is written once, against [`Connection`]; what the two databases do differently
//! stands in [`dialect`].

mod among;
mod conditions;
mod connection;
pub mod dialect;
mod leadership;
mod pool;
mod prepared;
mod replicas;
pub mod schema;
pub mod types;
mod union;
mod writer;

use std::collections::HashMap;

use diesel::connection::{Connection as _, SimpleConnection};
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub use among::{Among, among};
pub use conditions::{All, Ordered};
pub(crate) use connection::MultiRawValue;
pub use connection::{AnyConnection as Connection, MultiBackend};
pub use leadership::Leadership;
pub use pool::{Db, Needs, WritesUnderWay, once_there};
pub use prepared::update;
pub(crate) use replicas::head;
use types::Id;
pub use union::UnionAll;
pub use writer::AtCommit;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// What can go wrong below the handlers. Callers see none of it: the HTTP layer logs it and answers a bare 500 or 503.
#[derive(Debug)]
pub enum DbError {
    /// A statement failed.
    Query(diesel::result::Error),
    /// No connection could be had, or it was lost: worth trying again.
    Unavailable(String),
    /// The journal has not come to where an answer has to be from.
    NotThere,
    /// The URL names no database that Briefwire knows.
    UnknownScheme(String),
    /// A replica was named that can be none.
    NoReplica,
    /// A migration failed.
    Migration(String),
}

impl std::fmt::Display for DbError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Query(error) => write!(f, "query failed: {error}"),
            Self::Unavailable(cause) => write!(f, "database unavailable: {cause}"),
            Self::NotThere => f.write_str("the journal has not come to this position"),
            Self::UnknownScheme(url) => {
                write!(f, "`{url}` names no database: give sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE")
            }
            Self::NoReplica => write!(f, "a read URL is for a streaming replica of a PostgreSQL database"),
            Self::Migration(cause) => write!(f, "migration failed: {cause}"),
        }
    }
}

impl std::error::Error for DbError {}

impl From<diesel::result::Error> for DbError {
    fn from(error: diesel::result::Error) -> Self {
        if dialect::lost_or_busy(&error) { Self::Unavailable(error.to_string()) } else { Self::Query(error) }
    }
}

/// Where the data lives, parsed from a database URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// The path of an SQLite file.
    Sqlite(String),
    /// A libpq connection URL.
    Postgres(String),
}

impl std::str::FromStr for Location {
    type Err = DbError;

    fn from_str(url: &str) -> Result<Self, DbError> {
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| is_file_path(path)) {
            Ok(Self::Sqlite(path.to_owned()))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(url.to_owned()))
        } else {
            Err(DbError::UnknownScheme(scheme_only(url)))
        }
    }
}

/// Each connection to a database in memory would have one of its own, and options after a `?` are not understood.
fn is_file_path(path: &str) -> bool {
    !path.is_empty() && !path.starts_with(':') && !path.contains('?')
}

/// A URL may carry a password: an error message shows its scheme alone.
fn scheme_only(url: &str) -> String {
    url.split_once("://").map_or_else(|| url.to_owned(), |(scheme, _)| format!("{scheme}://…"))
}

/// Opens a connection that may write.
///
/// # Errors
/// [`DbError::Unavailable`] when the file or the server cannot be reached.
pub fn connect(location: &Location) -> Result<Connection, DbError> {
    match location {
        Location::Postgres(url) => PgConnection::establish(url)
            .map(Connection::Postgres)
            .map_err(|error| DbError::Unavailable(error.to_string())),
        Location::Sqlite(path) => {
            let mut sqlite =
                SqliteConnection::establish(path).map_err(|error| DbError::Unavailable(format!("{path}: {error}")))?;
            sqlite.batch_execute(dialect::SQLITE_SETTINGS)?;
            Ok(Connection::Sqlite(sqlite))
        }
    }
}

/// Brings the schema up to date; returns how many migrations ran.
///
/// # Errors
/// [`DbError::Migration`] with the failing migration's own words.
pub fn migrate(location: &Location) -> Result<usize, DbError> {
    let mut connection = connect(location)?;
    dialect::lock_migrations(&mut connection)?;
    let ran = match &mut connection {
        Connection::Sqlite(sqlite) => sqlite.run_pending_migrations(SQLITE_MIGRATIONS).map(|ran| ran.len()),
        Connection::Postgres(postgres) => postgres.run_pending_migrations(POSTGRES_MIGRATIONS).map(|ran| ran.len()),
    };
    let ran = ran.map_err(|error| DbError::Migration(error.to_string()))?;
    // An index that was made anew has none, and without them some lists are read along the wrong one.
    if let Err(error) = dialect::refresh_statistics(&mut connection) {
        tracing::warn!(%error, "the statistics could not be gathered");
    }
    Ok(ran)
}

/// Opens a connection for one long read in one snapshot, for the command line.
///
/// # Errors
/// What `read` returns, or [`DbError::Unavailable`].
pub fn read_once<T, E: From<DbError>>(
    location: &Location,
    read: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    pool::read_once(location, read)
}

/// How many values one `IN` lists at most, below the bound on a statement's parameters of either database.
const CHUNK: usize = 1000;

/// Runs a query for a long list of values, so many at a time, and gathers the rows.
///
/// # Errors
/// The first failure.
pub fn in_chunks<V, T, E>(values: &[V], mut query: impl FnMut(&[V]) -> QueryResult<Vec<T>>) -> Result<Vec<T>, E>
where
    E: From<diesel::result::Error>,
{
    let mut rows = Vec::new();
    for chunk in values.chunks(CHUNK) {
        rows.append(&mut query(chunk)?);
    }
    Ok(rows)
}

/// What belongs together, by its owner, in order.
#[must_use]
pub fn grouped<K: Eq + std::hash::Hash, V>(pairs: impl IntoIterator<Item = (K, V)>) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (owner, owned) in pairs {
        groups.entry(owner).or_default().push(owned);
    }
    groups
}

/// Rows in the order of their ids, each once; what has no row is left out.
#[must_use]
pub fn in_order_of<T>(ids: &[Id], rows: Vec<T>, id_of: impl Fn(&T) -> Id) -> Vec<T> {
    let mut rows: HashMap<Id, T> = rows.into_iter().map(|row| (id_of(&row), row)).collect();
    ids.iter().filter_map(|id| rows.remove(id)).collect()
}
