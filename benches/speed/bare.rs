//! The same questions in SQL: asked in a loop in one thread without a server around them, by `pgbench`, and through Datasette.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, params_from_iter};

use crate::corpus::Corpus;
use crate::machine::LOAD_CORE;
use crate::workloads::{DEEP_PAGE, WHOLE_BRIEF, Workload};

/// The statements of a workload. The first takes its parameters, each other the id that the first row of the first begins with.
fn statements(name: &str) -> Vec<String> {
    let statements: &[&str] = match name {
        WHOLE_BRIEF => &[
            "SELECT * FROM briefs WHERE slug = ?1 AND until IS NULL AND (audience & 1) <> 0",
            "SELECT e.* FROM brief_events AS l JOIN events AS e ON e.id = l.event_id AND e.until IS NULL
             WHERE l.brief_id = ?1 AND l.until IS NULL ORDER BY l.ordinal",
            "SELECT p.event_id, p.role, a.id, a.slug, a.name, a.kind FROM brief_events AS l
             JOIN event_participants AS p ON p.event_id = l.event_id AND p.until IS NULL
             JOIN actors AS a ON a.id = p.actor_id AND a.until IS NULL WHERE l.brief_id = ?1 AND l.until IS NULL",
            "SELECT * FROM trends WHERE brief_id = ?1 AND until IS NULL ORDER BY position",
            "SELECT t.id, a.id, a.slug, a.name, a.kind, a.country FROM trends AS t
             JOIN trend_actors AS l ON l.trend_id = t.id AND l.until IS NULL
             JOIN actors AS a ON a.id = l.actor_id AND a.until IS NULL WHERE t.brief_id = ?1 AND t.until IS NULL",
            "SELECT t.id, e.id, e.slug, e.title, e.occurred FROM trends AS t
             JOIN trend_evidence AS l ON l.trend_id = t.id AND l.until IS NULL
             JOIN events AS e ON e.id = l.event_id AND e.until IS NULL WHERE t.brief_id = ?1 AND t.until IS NULL",
            "SELECT a.id, a.slug, a.name, a.kind, a.country FROM brief_actors AS l
             JOIN actors AS a ON a.id = l.actor_id AND a.until IS NULL WHERE l.brief_id = ?1 AND l.until IS NULL",
        ],
        "latest 20 briefs" => &["SELECT * FROM briefs WHERE until IS NULL AND (audience & 1) <> 0
             ORDER BY listed_at DESC, id DESC LIMIT 20"],
        "20 briefs by actor and dates" => &["SELECT b.* FROM brief_actors AS l
             JOIN briefs AS b ON b.id = l.brief_id AND b.until IS NULL
             WHERE l.actor_id = (SELECT id FROM actors WHERE slug = ?1 AND until IS NULL)
             AND l.listed_at BETWEEN unixepoch(?2) * 1000000 AND unixepoch(?3) * 1000000
             AND l.until IS NULL AND (l.audience & 1) <> 0 ORDER BY l.listed_at DESC, l.brief_id DESC LIMIT 20"],
        "50 events by actor and dates" => &["SELECT e.* FROM event_participants AS p
             JOIN events AS e ON e.id = p.event_id AND e.until IS NULL
             WHERE p.actor_id = (SELECT id FROM actors WHERE slug = ?1 AND until IS NULL)
             AND p.occurred_from <= ?3 AND p.occurred_to >= ?2
             AND p.until IS NULL AND (p.audience & 1) <> 0 ORDER BY p.occurred_from DESC, p.event_id DESC LIMIT 50"],
        DEEP_PAGE => &["SELECT * FROM briefs WHERE until IS NULL AND (audience & 1) <> 0
             AND (listed_at, id) < (unixepoch(?1) * 1000000, x'ff') ORDER BY listed_at DESC, id DESC LIMIT 20"],
        _ => &[],
    };
    statements.iter().map(ToString::to_string).collect()
}

/// How often a second the questions of a workload are answered, if there are statements for it.
pub fn rate(database: &Path, corpus: Corpus, workload: &Workload, time: Duration) -> rusqlite::Result<Option<f64>> {
    let statements = statements(workload.name);
    if statements.is_empty() {
        return Ok(None);
    }
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
    Ok(Some(f64::from(asked) / started.elapsed().as_secs_f64()))
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
    let statements = statements(workload.name);
    if statements.is_empty() {
        return Ok(None);
    }
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
pub fn for_datasette(name: &str) -> Option<String> {
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
    let statement = match name {
        WHOLE_BRIEF => WHOLE.to_owned(),
        _ => statements(name).into_iter().next()?,
    };
    Some((1..=3).fold(statement, |statement, place| statement.replace(&format!("?{place}"), &format!(":p{place}"))))
}
