//! The connection enum, in a module of its own: what is derived for it wants names that its neighbours use otherwise.

use diesel::{PgConnection, SqliteConnection};

/// A connection to either database. Never `establish` one: [`super::connect`] dispatches on the URL's scheme.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// PostgreSQL, through the bundled libpq.
    Postgres(PgConnection),
    /// The embedded SQLite file.
    Sqlite(SqliteConnection),
}
