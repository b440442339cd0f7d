//! The two schemas are one: what differs is how a type is called, and the indexes that each database reads links by.

use std::collections::BTreeSet;

use briefwire::db::{Connection, migrate};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::Database;

#[test]
fn the_same_columns_hold_the_same_things() {
    let sqlite = r#"
        SELECT t.name || '.' || c.name || ': ' || c.type
            || CASE WHEN c."notnull" THEN ' not null' ELSE '' END AS line
        FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '\_\_%' ESCAPE '\'"#;
    let postgres = r"
        SELECT table_name || '.' || column_name || ': ' || data_type
            || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END AS line
        FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name NOT LIKE '\_\_%'";
    let Some((sqlite, postgres)) = on_each(sqlite, postgres) else { return };
    assert!(sqlite.len() > 150, "only {} columns were found", sqlite.len());
    let name = |line: &String| line.split(':').next().unwrap_or_default().to_owned();
    same(&sqlite.iter().map(name).collect(), &postgres.iter().map(name).collect());
    for (on_sqlite, on_postgres) in sqlite.iter().zip(&postgres) {
        let (column, sqlite_type) = on_sqlite.split_once(": ").expect("a type");
        let (_, postgres_type) = on_postgres.split_once(": ").expect("a type");
        let nullable = |kind: &str| !kind.ends_with(" not null");
        assert_eq!(nullable(sqlite_type), nullable(postgres_type), "{column}: {sqlite_type} and {postgres_type}");
        let (sqlite_type, postgres_type) =
            (sqlite_type.trim_end_matches(" not null"), postgres_type.trim_end_matches(" not null"));
        let alike = match sqlite_type {
            "BLOB" => &["uuid", "bytea"][..],
            "TEXT" => &["text"],
            "INTEGER" => &["bigint", "integer", "smallint", "timestamp with time zone"],
            "DATE" => &["date"],
            "BOOLEAN" => &["boolean"],
            _ => &[],
        };
        assert!(
            alike.contains(&postgres_type),
            "{column} is {sqlite_type} on SQLite and {postgres_type} on PostgreSQL"
        );
    }
}

#[test]
fn the_same_keys_are_unique() {
    let sqlite = r"
        SELECT t.name || ' (' || (
            SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk)
        ) || ') primary' AS line
        FROM sqlite_schema AS t WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '\_\_%' ESCAPE '\'
        UNION ALL
        SELECT t.name || ' (' || (
            SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)
        ) || ')' || CASE i.partial WHEN 1 THEN ' living' ELSE '' END
        FROM sqlite_schema AS t, pragma_index_list(t.name) AS i
        WHERE t.type = 'table' AND i.[unique] AND i.origin <> 'pk' AND t.name NOT LIKE '\_\_%' ESCAPE '\'";
    let postgres = r"
        SELECT t.relname || ' (' || (
            SELECT string_agg(a.attname, ', ' ORDER BY k.place)
            FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
            JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number
            WHERE k.place <= i.indnkeyatts
        ) || ')' || CASE WHEN i.indisprimary THEN ' primary' WHEN i.indpred IS NOT NULL THEN ' living' ELSE '' END AS line
        FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
        WHERE i.indisunique AND n.nspname = 'public' AND t.relname NOT LIKE '\_\_%'";
    let Some((sqlite, postgres)) = on_each(sqlite, postgres) else { return };
    assert!(sqlite.contains("briefs (slug) living") && sqlite.contains("briefs (id, since) primary"), "{sqlite:#?}");
    same(&sqlite, &postgres);
}

#[test]
fn the_same_columns_refer_to_the_same_tables() {
    let sqlite = r#"
        SELECT t.name || '.' || f."from" || ' -> ' || f."table" || '.' || coalesce(f."to", 'id') AS line
        FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table'"#;
    let postgres = r"
        SELECT c.conrelid::regclass || '.' || a.attname || ' -> ' || c.confrelid::regclass || '.' || f.attname AS line
        FROM pg_constraint AS c
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        JOIN pg_attribute AS f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1]
        WHERE c.contype = 'f'";
    let Some((sqlite, postgres)) = on_each(sqlite, postgres) else { return };
    assert!(sqlite.contains("briefs.category_id -> resources.id"), "{sqlite:#?}");
    same(&sqlite, &postgres);
}

#[test]
fn the_same_indexes_have_the_same_columns() {
    let sqlite = r"
        SELECT t.name || ' ' || i.name || ' (' || (
            SELECT group_concat(column, ', ') FROM (
                SELECT name || CASE [desc] WHEN 1 THEN ' desc' ELSE '' END AS column
                FROM pragma_index_xinfo(i.name) WHERE key AND name IS NOT NULL ORDER BY seqno
            )
        ) || ')' || CASE i.partial WHEN 1 THEN ' living' ELSE '' END AS line
        FROM sqlite_schema AS t, pragma_index_list(t.name) AS i
        WHERE t.type = 'table' AND i.origin = 'c'";
    let postgres = r"
        SELECT t.relname || ' ' || x.relname || ' (' || (
            SELECT string_agg(
                a.attname || CASE WHEN i.indoption[k.place - 1] & 1 = 1 THEN ' desc' ELSE '' END, ', ' ORDER BY k.place
            )
            FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
            JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number
            WHERE k.place <= i.indnkeyatts
        ) || ')' || CASE WHEN i.indpred IS NOT NULL THEN ' living' ELSE '' END AS line
        FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_class AS x ON x.oid = i.indexrelid
        JOIN pg_namespace AS n ON n.oid = t.relnamespace
        WHERE NOT i.indisprimary AND n.nspname = 'public' AND t.relname NOT LIKE '\_\_%'";
    let Some((sqlite, postgres)) = on_each(sqlite, postgres) else { return };
    assert!(
        sqlite.contains("briefs briefs_order (listed_at desc, id desc, since, until, audience) living"),
        "{sqlite:#?}"
    );
    // SQLite reads these links in the order of their key, for which PostgreSQL needs an index of its own.
    let read_by_key = ["event_participants ", "brief_actors ", "trend_actors "];
    let own_index =
        |line: &String| read_by_key.iter().any(|table| line.starts_with(table)) && line.contains(" (actor_id, ");
    same(&sqlite, &postgres.into_iter().filter(|line| !own_index(line)).collect());
}

#[test]
fn texts_are_ordered_by_their_bytes() {
    let Some(database) = Database::on_postgres() else { return };
    let unlike = r"
        SELECT DISTINCT t.relname || '.' || a.attname AS line
        FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey::int2[])
        WHERE n.nspname = 'public' AND t.relname NOT LIKE '\_\_%' AND a.attcollation <> 0
            AND a.attcollation <> (SELECT oid FROM pg_collation WHERE collname = 'C' AND collnamespace = 'pg_catalog'::regnamespace)";
    assert_eq!(lines(&database, unlike), BTreeSet::new(), "indexed, but ordered by the server's language");
}

#[test]
fn a_migrated_database_is_left_as_it_is() {
    for database in [Some(Database::on_sqlite()), Database::on_postgres()].into_iter().flatten() {
        assert_eq!(migrate(&database.location()).expect("the migrations run"), 0);
    }
}

#[test]
fn references_are_enforced() {
    for database in [Some(Database::on_sqlite()), Database::on_postgres()].into_iter().flatten() {
        let mut connection = database.connect();
        let id = match &connection {
            Connection::Sqlite(_) => "x'0190f2f47d3c7a538b0a3f1d6f6a0b1c'",
            Connection::Postgres(_) => "'0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c'",
        };
        let orphan = format!("INSERT INTO redirects (kind, slug, since, resource_id) VALUES ('brief', 'x', 1, {id})");
        let refused = diesel::sql_query(orphan).execute(&mut connection).expect_err("the resource does not exist");
        assert!(refused.to_string().to_lowercase().contains("foreign key"), "{refused}");
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The lines of each database; nothing where there is no PostgreSQL.
fn on_each(on_sqlite: &str, on_postgres: &str) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let postgres = Database::on_postgres()?;
    Some((lines(&Database::on_sqlite(), on_sqlite), lines(&postgres, on_postgres)))
}

fn lines(database: &Database, query: &str) -> BTreeSet<String> {
    let query = diesel::sql_query(query);
    let lines: QueryResult<Vec<Line>> = match database.connect() {
        Connection::Sqlite(mut sqlite) => query.load(&mut sqlite),
        Connection::Postgres(mut postgres) => query.load(&mut postgres),
    };
    lines.expect("the catalogue answers").into_iter().map(|Line { line }| line).collect()
}

#[track_caller]
fn same(sqlite: &BTreeSet<String>, postgres: &BTreeSet<String>) {
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>();
    let (on_sqlite, on_postgres) = (only(sqlite, postgres), only(postgres, sqlite));
    assert!(
        on_sqlite.is_empty() && on_postgres.is_empty(),
        "only on SQLite: {on_sqlite:#?}\nonly on PostgreSQL: {on_postgres:#?}"
    );
}
