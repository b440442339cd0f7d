//! What SQLite and PostgreSQL do differently. Every `match` on the backend outside of this module's parent is here.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};

use super::Connection;
use super::prepared::Words;

/// How a SQLite connection is set up: readers never wait for the writer (WAL), a commit is on disk before it is
/// answered (`synchronous=FULL`), references hold, and a second process waits its turn instead of failing.
pub(super) const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout=10000; PRAGMA journal_mode=WAL; \
    PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY; \
    PRAGMA secure_delete=ON;";

const SQLITE_READER_SETTINGS: &str = "PRAGMA query_only=ON; PRAGMA cache_size=-16384;";

/// Maps the file, all of it, instead of copying its pages. What is mapped counts as this process's memory for as long as nobody else
/// wants it, so only those do it who serve: an import's memory stays small however large the file grows.
const SQLITE_MAPPING: &str = "PRAGMA mmap_size=1099511627776;";

/// Begins a write under the journal's lock, in one journey. The numbers of the advisory locks are any that other software is unlikely to
/// use.
const BEGIN_WITH_JOURNAL_LOCK: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock(7260417001)";
const MIGRATION_LOCK: &str = "SELECT pg_advisory_lock(7260417002)";
/// Archives in several schemas of one database have a leader each.
pub(super) const LEADERSHIP_LOCK: &str = "SELECT pg_try_advisory_lock(726041703, hashtext(current_schema())) AS taken";

/// How long is waited for SQLite's lock, and how often is looked for it.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(1);

/// Opens a transaction that may write. SQLite takes the write lock at once, so that it never fails half-way because
/// another process wrote; PostgreSQL takes the journal's lock, so that positions become visible in their own order.
pub(super) fn begin_write(connection: &mut Connection) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(sqlite) => begin_immediately(sqlite),
        Connection::Postgres(postgres) => {
            AnsiTransactionManager::begin_transaction_sql(postgres, BEGIN_WITH_JOURNAL_LOCK)
        }
    }
}

/// SQLite itself looks ever more rarely for a lock that it does not get, at last ten times a second: beside an import, which leaves it
/// for moments, it would hardly ever come to it.
fn begin_immediately(sqlite: &mut SqliteConnection) -> QueryResult<()> {
    let begun = Instant::now();
    loop {
        match AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE") {
            Err(error) if is_locked(&error) && begun.elapsed() < PATIENCE => thread::sleep(LOOK),
            outcome => return outcome,
        }
    }
}

/// Leaves it to [`begin_write`] to wait for SQLite's lock, and lets SQLite copy its log into the file when the log's first table of
/// contents is full (4,062 pages): before, what is written again and again would be copied more often; after, pages would be looked for
/// in several tables. On PostgreSQL, nearly every statement of a writer looks at few rows by an index, whatever its parameters: to plan
/// it for these each time takes longer than to run it.
pub(super) fn prepare_for_writing(connection: &mut Connection) -> QueryResult<()> {
    connection.batch_execute(match connection {
        Connection::Sqlite(_) => "PRAGMA busy_timeout=0; PRAGMA wal_autocheckpoint=4000;",
        Connection::Postgres(_) => "SET plan_cache_mode=force_generic_plan; SET jit=off",
    })
}

/// Gives a connection that writes much more memory for the pages that it comes back to, and lets SQLite copy its log into the
/// file less often. What was committed is on disk all the same.
pub(super) fn prepare_for_bulk(connection: &mut Connection) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(sqlite) => {
            sqlite.batch_execute("PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=16384;")
        }
        Connection::Postgres(_) => Ok(()),
    }
}

/// Makes a connection refuse to write, so that a handler that only reads can do nothing else.
pub(super) fn make_read_only(connection: &mut Connection) -> QueryResult<()> {
    connection.batch_execute(match connection {
        Connection::Sqlite(_) => SQLITE_READER_SETTINGS,
        Connection::Postgres(_) => "SET default_transaction_read_only=on",
    })
}

/// Lets a connection that reads for many read as fast as it can. Nothing that is read runs so long that PostgreSQL should compile it,
/// however much it expects of a plan for unknown parameters.
pub(super) fn prepare_for_serving(connection: &mut Connection) -> QueryResult<()> {
    connection.batch_execute(match connection {
        Connection::Sqlite(_) => SQLITE_MAPPING,
        Connection::Postgres(_) => "SET jit=off",
    })
}

/// Opens a snapshot: the statements of one answer all see the same archive. For SQLite these words are prepared once: Diesel's
/// transactions have them read anew each time, which is a good part of a short read. They know nothing of this one, and none of theirs
/// may be begun inside of it.
pub(super) fn begin_read(connection: &mut Connection) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(sqlite) => Words("BEGIN").execute(sqlite).map(drop),
        Connection::Postgres(postgres) => AnsiTransactionManager::begin_transaction_sql(
            postgres,
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        ),
    }
}

/// Closes it.
pub(super) fn end_read(connection: &mut Connection) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(sqlite) => Words("ROLLBACK").execute(sqlite).map(drop),
        Connection::Postgres(postgres) => AnsiTransactionManager::rollback_transaction(postgres),
    }
}

/// Has PostgreSQL plan each statement of the rest of this transaction once for whatever its parameters are, and keep that. For looking up
/// rows by their ids the plan is the same for all, and to make it takes ten times as long as to follow it.
///
/// # Errors
/// When the statement fails.
pub fn plan_once(connection: &mut Connection) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(_) => Ok(()),
        Connection::Postgres(postgres) => postgres.batch_execute("SET LOCAL plan_cache_mode=force_generic_plan"),
    }
}

/// Two instances that start together migrate one after the other. SQLite's own write lock sees to that already.
pub(super) fn lock_migrations(connection: &mut Connection) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(_) => Ok(()),
        Connection::Postgres(postgres) => postgres.batch_execute(MIGRATION_LOCK),
    }
}

/// Whether an error means that another connection to the SQLite file has its lock.
fn is_locked(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information) if information.message().contains("database is locked"))
}

/// Whether an error means that the database cannot be had now, rather than that the statement is wrong.
pub(super) fn lost_or_busy(error: &Error) -> bool {
    match error {
        Error::BrokenTransactionManager
        | Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _) => true,
        Error::DatabaseError(_, information) => {
            let message = information.message();
            is_locked(error)
                || message.contains("disk is full")
                || message.contains("server closed the connection")
                || message.contains("terminating connection")
                || message.contains("no connection to the server")
        }
        _ => false,
    }
}

/// Gathers the statistics that the planners choose indexes by; worth its time after a large import.
///
/// # Errors
/// When the statement fails.
pub fn analyze(connection: &mut Connection) -> QueryResult<()> {
    connection.batch_execute(match connection {
        Connection::Sqlite(_) => "PRAGMA analysis_limit=1000; ANALYZE;",
        Connection::Postgres(_) => "ANALYZE",
    })
}

/// Gathers the statistics anew that an SQLite file lacks, or has outgrown: PostgreSQL sees to that itself. It looks at a few hundred
/// rows of each index. No transaction may be open.
pub(super) fn refresh_statistics(connection: &mut Connection) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(sqlite) => sqlite.batch_execute("PRAGMA analysis_limit=400; PRAGMA optimize=0x10002;"),
        Connection::Postgres(_) => Ok(()),
    }
}

/// Rewrites what still holds deleted rows: SQLite's write-ahead log (the pages themselves are overwritten when rows are
/// deleted, see `secure_delete`), PostgreSQL's pages. Returns whether that was possible: SQLite cannot while someone reads what
/// the log still holds.
///
/// # Errors
/// When the statement fails.
pub(super) fn purge(connection: &mut Connection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Checkpoint {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        busy: i32,
    }
    match connection {
        Connection::Sqlite(sqlite) => {
            sqlite.batch_execute("PRAGMA busy_timeout=200")?;
            let done: Checkpoint = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(sqlite)?;
            Ok(done.busy == 0)
        }
        Connection::Postgres(postgres) => postgres.batch_execute("VACUUM").map(|()| true),
    }
}

/// Runs a query on the connection that is behind the enum, in the words of its database alone. The same through the enum puts the
/// words together three times over for each execution, which costs more than most queries do; a query that was boxed for both
/// databases has no other way.
#[macro_export]
macro_rules! natively {
    ($connection:expr, |$native:ident| $run:expr) => {
        match $connection {
            $crate::db::Connection::Sqlite($native) => $run,
            $crate::db::Connection::Postgres($native) => $run,
        }
    };
}

/// Inserts a row, with a statement that is prepared once.
#[macro_export]
macro_rules! insert_row {
    ($connection:expr, $table:expr, $row:expr) => {
        $crate::natively!($connection, |native| diesel::insert_into($table).values($row).execute(native))
    };
}

/// Inserts rows. PostgreSQL takes up to a thousand in one statement, which is prepared once for each small number of them. For SQLite,
/// where a statement costs no journey, each row is inserted by a statement that is prepared once.
#[macro_export]
macro_rules! insert_rows {
    ($connection:expr, $table:expr, $rows:expr) => {
        match $connection {
            $crate::db::Connection::Postgres(postgres) => {
                // No table is so wide that this many rows have more values than one statement may.
                let chunks = $rows.chunks(1000);
                let inserted = chunks.map(|rows| $crate::insert_together!(postgres, $table, rows, 1 2 3 4 5));
                inserted.sum::<diesel::QueryResult<usize>>()
            }
            $crate::db::Connection::Sqlite(sqlite) => {
                let inserted = $rows.iter().map(|row| diesel::insert_into($table).values(row).execute(sqlite));
                inserted.sum::<diesel::QueryResult<usize>>()
            }
        }
    };
}

/// Inserts rows with one statement, which Diesel keeps where their number is one of those given.
#[doc(hidden)]
#[macro_export]
macro_rules! insert_together {
    ($postgres:expr, $table:expr, $rows:expr, $($few:literal)*) => {
        $(if let Ok(rows) = <&[_; $few]>::try_from($rows) {
            diesel::insert_into($table).values(rows).execute($postgres)
        } else)* {
            diesel::insert_into($table).values($rows).execute($postgres)
        }
    };
}
