//! The schema is the same on both databases: tables, columns, what may be null, and the names of the indexes.

use briefwire::db::Connection;
use diesel::RunQueryDsl;
use diesel::sql_types::Text;

use crate::support::Database;

#[derive(diesel::QueryableByName)]
struct Said {
    #[diesel(sql_type = Text)]
    said: String,
}

/// What a query says, a text a row, in order.
fn said(connection: &mut Connection, query: &str) -> Vec<String> {
    let rows: Vec<Said> = diesel::sql_query(query).load(connection).unwrap();
    let mut texts: Vec<String> = rows.into_iter().map(|row| row.said).collect();
    texts.sort();
    texts
}

const SQLITE_COLUMNS: &str = "SELECT m.name || '.' || c.name || ' ' || \
    CASE WHEN c.\"notnull\" THEN 'required' ELSE 'optional' END AS said \
    FROM sqlite_schema m, pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'";
const POSTGRES_COLUMNS: &str = "SELECT table_name || '.' || column_name || ' ' || \
    CASE WHEN is_nullable = 'NO' THEN 'required' ELSE 'optional' END AS said \
    FROM information_schema.columns \
    WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'";
const SQLITE_INDEXES: &str = "SELECT name || CASE WHEN sql LIKE 'CREATE UNIQUE%' THEN ' unique' ELSE '' END AS said \
    FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%'";
const POSTGRES_INDEXES: &str = "SELECT indexname || CASE WHEN indexdef LIKE 'CREATE UNIQUE%' THEN ' unique' ELSE '' END \
    AS said FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%\\_pkey'";

/// The indexes by which PostgreSQL reads the living rows of a link table in order. SQLite reads them along the table's own
/// key, since there the table is the index.
const OF_POSTGRES_ALONE: [&str; 3] = ["brief_actors_living", "event_participants_living", "trend_actors_living"];

#[test]
fn both_databases_have_the_same_schema() {
    let Some(postgres) = Database::on_postgres() else { return };
    let (mut sqlite, mut postgres) = (Database::on_sqlite().connect(), postgres.connect());
    let columns = said(&mut sqlite, SQLITE_COLUMNS);
    assert!(columns.len() > 150, "{columns:?}");
    assert_eq!(columns, said(&mut postgres, POSTGRES_COLUMNS));
    let mut indexes = said(&mut postgres, POSTGRES_INDEXES);
    indexes.retain(|name| !OF_POSTGRES_ALONE.contains(&name.as_str()));
    assert_eq!(said(&mut sqlite, SQLITE_INDEXES), indexes);
}
