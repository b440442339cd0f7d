//! The same questions in SQL: asked in a loop in one thread without a server around them, by `pgbench`, and through Datasette.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, params_from_iter};

use crate::corpus::Corpus;
use crate::machine::LOAD_CORE;
use crate::workloads::{Sql, TEXTS, WHOLE_BRIEF, Workload};

/// The texts of the briefs of an archive, indexed for full text by SQLite, beside it.
pub fn texts(database: &Path) -> rusqlite::Result<PathBuf> {
    let file = database.with_file_name(TEXTS).with_extension("db");
    if file.exists() {
        return Ok(file);
    }
    let unfinished = file.with_extension("unfinished");
    drop(std::fs::remove_file(&unfinished));
    let connection = Connection::open(&unfinished)?;
    connection.execute("ATTACH ?1 AS archive", [database.to_string_lossy()])?;
    connection.execute_batch(
        "CREATE VIRTUAL TABLE texts USING fts5(slug UNINDEXED, title, summary, body, tokenize = 'porter unicode61');
         INSERT INTO texts SELECT slug, title, summary, body FROM archive.briefs
             WHERE until IS NULL AND (audience & 1) <> 0;
         INSERT INTO texts(texts) VALUES ('optimize');",
    )?;
    drop(connection);
    std::fs::rename(&unfinished, &file).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    Ok(file)
}

/// How often a second the questions of a workload are answered.
pub fn rate(database: &Path, corpus: Corpus, workload: &Workload, time: Duration) -> rusqlite::Result<f64> {
    let (database, statements) = match workload.sql {
        Sql::OfArchive(statements) => (database.to_owned(), statements),
        Sql::OfTexts(ref statement) => (texts(database)?, std::slice::from_ref(statement)),
    };
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA mmap_size=1099511627776; PRAGMA cache_size=-16384;")?;
    let (started, mut asked) = (Instant::now(), 0_u32);
    for parameters in workload.questions(corpus).take_while(|_| started.elapsed() < time) {
        let mut id: Option<Vec<u8>> = None;
        for (place, statement) in statements.iter().enumerate() {
            let mut statement = connection.prepare_cached(statement)?;
            let mut rows = match &id {
                Some(id) if place > 0 => statement.query([id])?,
                _ => statement.query(params_from_iter(&parameters))?,
            };
            while let Some(row) = rows.next()? {
                let first = row.get_ref(0)?;
                if place == 0 && id.is_none() {
                    id = first.as_blob().ok().map(ToOwned::to_owned);
                }
                std::hint::black_box(first);
            }
        }
        asked += 1;
    }
    Ok(f64::from(asked) / started.elapsed().as_secs_f64())
}

/// How many different questions `pgbench` asks in turn.
const QUESTIONS: usize = 200;

/// How often a second the same questions are answered to `pgbench`, over one connection and by prepared statements.
pub fn pgbench(
    url: &str,
    directory: &Path,
    corpus: Corpus,
    workload: &Workload,
    time: Duration,
) -> io::Result<Option<f64>> {
    let Sql::OfArchive(statements) = workload.sql else { return Ok(None) };
    let mut script = String::new();
    for parameters in workload.questions(corpus).take(QUESTIONS) {
        for (place, statement) in statements.iter().enumerate() {
            script.push_str(&in_postgres(statement, &parameters, place > 0));
            script.push_str(";\n");
        }
    }
    let file = directory.join("pgbench.sql");
    std::fs::write(&file, script)?;
    let output = Command::new("taskset")
        .args(["-c", LOAD_CORE, "pgbench", "--no-vacuum", "--protocol", "prepared"])
        .args(["--time", &time.as_secs().max(1).to_string(), "--file"])
        .arg(&file)
        .arg(url)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let scripts = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
    let scripts = scripts.ok_or_else(|| io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))?;
    Ok(Some(scripts * QUESTIONS as f64))
}

/// A statement with its values, as PostgreSQL understands it.
fn in_postgres(statement: &str, parameters: &[String], follows: bool) -> String {
    let mut statement = statement.replace("x'ff'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid");
    for (place, value) in (1..).zip(parameters) {
        let (placeholder, literal) = (format!("?{place}"), format!("'{value}'"));
        statement =
            statement.replace(&format!("unixepoch({placeholder}) * 1000000"), &format!("{literal}::timestamptz"));
        let literal =
            if follows { format!("(SELECT id FROM briefs WHERE slug = {literal} AND until IS NULL)") } else { literal };
        statement = statement.replace(&placeholder, &literal);
    }
    statement
}

/// A question as one statement with named parameters, which is what Datasette answers.
pub fn for_datasette(workload: &Workload) -> Option<String> {
    const WHOLE: &str = "SELECT b.*,
        (SELECT json_group_array(json_object('slug', e.slug, 'title', e.title, 'description', e.description, 'occurred', e.occurred,
            'sources', json(e.sources), 'participants', (SELECT json_group_array(json_object('slug', a.slug, 'name', a.name, 'role', p.role))
                FROM event_participants AS p JOIN actors AS a ON a.id = p.actor_id AND a.until IS NULL
                WHERE p.event_id = e.id AND p.until IS NULL)))
            FROM brief_events AS l JOIN events AS e ON e.id = l.event_id AND e.until IS NULL
            WHERE l.brief_id = b.id AND l.until IS NULL) AS events,
        (SELECT json_group_array(json_object('slug', t.slug, 'statement', t.statement, 'direction', t.direction,
            'actors', (SELECT json_group_array(json_object('slug', a.slug, 'name', a.name))
                FROM trend_actors AS l JOIN actors AS a ON a.id = l.actor_id AND a.until IS NULL
                WHERE l.trend_id = t.id AND l.until IS NULL)))
            FROM trends AS t WHERE t.brief_id = b.id AND t.until IS NULL) AS trends
        FROM briefs AS b WHERE b.slug = :p1 AND b.until IS NULL AND (b.audience & 1) <> 0";
    let statement = match workload.sql {
        _ if workload.name == WHOLE_BRIEF => WHOLE,
        Sql::OfArchive(statements) => statements.first()?,
        Sql::OfTexts(statement) => statement,
    };
    Some(
        (1..=3).fold(statement.to_owned(), |statement, place| {
            statement.replace(&format!("?{place}"), &format!(":p{place}"))
        }),
    )
}
