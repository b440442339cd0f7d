//! Writing: briefs through the server, one brief in each transaction without it, and an import.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::load::{self, Measure};
use crate::machine::{LOAD_CORE, SERVER_CORE};
use crate::report::{Import, Writes};
use crate::servers::{self, Server};
use crate::{CONNECTIONS, median};

/// So many clients each create one brief after another, with trends, events and links.
const CLIENTS: u32 = 32;
const SCRIPT: &str = r#"
local number, key, run, pause = 0, os.getenv("KEY"), os.getenv("RUN"), tonumber(os.getenv("PAUSE"))
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. key,
  ["Prefer"] = "return=" .. os.getenv("RETURN")}
local text = string.rep("word ", 150)
request = function()
  number = number + 1
  local slug = "written-" .. run .. "-" .. number
  local body = string.format([[{"slug":"%s","title":"What happened in week %d","category":"category-1","language":"en",
    "summary":"In short.","body":"%s","state":"published","published_at":"2025-01-05T10:00:00Z",
    "trends":[{"statement":"It goes on in %d.","direction":"stable","actors":["actor-00001"]},
      {"statement":"It grows in %d.","direction":"increasing","actors":["actor-00002"]}],
    "events":["event-%07d-0","event-%07d-1",
      {"title":"They met in %d","kind":"meeting","occurred":"2025-01-03","participants":[{"actor":"actor-00003"}]}]}]],
    slug, number, text, number, number, number % 1000, number * 7 % 1000, number)
  return wrk.format("POST", "/v1/briefs", headers, body)
end
if pause > 0 then delay = function() return pause end end
"#;
/// One client who creates a brief after each such pause, in milliseconds, while others read.
const PAUSE: u32 = 100;
/// How long briefs are created before it is measured: the first are written into pages that have to be read from the disk.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long it is measured at least how fast others read meanwhile.
const MEANWHILE: Duration = Duration::from_secs(3);

/// Creates briefs in the archive that is measured; `hot` are requests that others make meanwhile.
pub fn in_archive(database: &str, directory: &Path, hot: &Path, time: Duration, rounds: usize) -> io::Result<Writes> {
    created(database, &directory.join("index"), directory, hot, time, rounds, || Ok(()))
}

/// Creates briefs in a copy of an SQLite archive, so that it can be measured again as it is.
pub fn in_copy(file: &Path, directory: &Path, hot: &Path, time: Duration, rounds: usize) -> io::Result<Writes> {
    let place = tempfile::tempdir_in(directory)?;
    let copy = place.path().join("briefwire.db");
    fs::copy(file, &copy)?;
    // A server that was ended leaves its log.
    let log = |file: &Path| file.with_extension("db-wal");
    if log(file).exists() {
        fs::copy(log(file), log(&copy))?;
    }
    let index = place.path().join("index");
    copied(&directory.join("index"), &index)?;
    // Or the first commits would wait until all of it is on disk.
    File::open(&copy)?.sync_all()?;
    let mut alone = Vec::new();
    let database = format!("sqlite://{}", copy.display());
    let created = created(&database, &index, place.path(), hot, time, rounds, || {
        let loop_of_its_own = place.path().join(alone.len().to_string());
        alone.push(one_commit_each(&loop_of_its_own, time).map_err(io::Error::other)?);
        Ok(())
    })?;
    Ok(Writes { one_commit_each: Some(median(alone)), ..created })
}

/// Copies a directory.
fn copied(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copied(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// How fast briefs are created where each is answered whole, and where its writer prefers to be told little, and how fast others read
/// while some are created; before each round something else may be measured.
fn created(
    database: &str,
    index: &Path,
    directory: &Path,
    hot: &Path,
    time: Duration,
    rounds: usize,
    mut before_each: impl FnMut() -> io::Result<()>,
) -> io::Result<Writes> {
    let key = servers::run(&["keys", "create", "--role", "publisher", "--name", "bench"], database)?;
    let server = Server::briefwire(database, index, 64)?;
    let script = directory.join("write.lua");
    fs::write(&script, [SCRIPT, load::REPORT].concat())?;
    let (mut measured, mut meanwhile) = ([Vec::new(), Vec::new()], Vec::new());
    let create = |clients: u32, time: Duration, run: &str, wanted: &str, pause: u32| {
        let (pause, run) = (pause.to_string(), format!("{}-{run}", std::process::id()));
        let environment = [("KEY", key.as_str()), ("RUN", &run), ("RETURN", wanted), ("PAUSE", &pause)];
        match load::wrk(&server.url, &script, clients, time, &environment) {
            Ok(measure) => Ok(Some(measure)),
            // Where memory does not hold the archive and its copy, or PostgreSQL shares the core.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(None),
            Err(error) => Err(error),
        }
    };
    create(CLIENTS, WARM_UP, "warm-up", "minimal", 0)?;
    for round in 0..rounds {
        before_each()?;
        let mut forms = [(0, "representation"), (1, "minimal")];
        // By turns, since the archive has grown for who comes second.
        forms.rotate_left(round % 2);
        for (form, wanted) in forms {
            measured[form].push(create(CLIENTS, time, &format!("{round}-{wanted}"), wanted, 0)?);
        }
        let time = time.max(MEANWHILE);
        // What is hot is in memory before anything is created beside it.
        load::full(&server.url, hot, CONNECTIONS, time)?;
        meanwhile.push(thread::scope(|scope| {
            let writer = scope.spawn(|| create(1, time, &format!("{round}-meanwhile"), "minimal", PAUSE));
            let read = load::full(&server.url, hot, CONNECTIONS, time)?;
            let written = writer.join().map_err(|_| io::Error::other("the writer panicked"))??;
            Ok::<_, io::Error>(written.map(|_| read))
        })?);
    }
    let of_all = |rounds: Vec<Option<Measure>>| {
        let rounds: Option<Vec<Measure>> = rounds.into_iter().collect();
        rounds.map(|rounds| Measure::median(&rounds))
    };
    let [created, minimal] = measured.map(of_all);
    Ok(Writes { created, minimal, read_meanwhile: of_all(meanwhile), one_commit_each: None })
}

/// How often a second a brief with its trends and links is written, each in a transaction of its own.
fn one_commit_each(place: &Path, time: Duration) -> rusqlite::Result<f64> {
    let mut connection = Connection::open(place.with_extension("db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE things (id BLOB PRIMARY KEY, kind TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE briefs (id BLOB PRIMARY KEY, slug TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
         CREATE TABLE links (brief_id BLOB, place INTEGER, other_id BLOB, PRIMARY KEY (brief_id, place)) WITHOUT ROWID;
         CREATE INDEX links_by_other ON links (other_id);",
    )?;
    let body = "word ".repeat(200);
    let (started, mut written) = (Instant::now(), 0_u32);
    while started.elapsed() < time {
        let id = u128::from(written).to_be_bytes();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.prepare_cached("INSERT INTO things VALUES (?1, 'brief')")?.execute([&id[..]])?;
        transaction.prepare_cached("INSERT INTO briefs VALUES (?1, ?2, ?3)")?.execute((
            &id[..],
            format!("brief-{written}"),
            &body,
        ))?;
        for place in 0..8 {
            let other = (u128::from(written) << 8 | place << 64).to_be_bytes();
            transaction.prepare_cached("INSERT INTO links VALUES (?1, ?2, ?3)")?.execute((
                &id[..],
                i64::try_from(place).unwrap_or_default(),
                &other[..],
            ))?;
        }
        transaction.commit()?;
        written += 1;
    }
    Ok(f64::from(written) / started.elapsed().as_secs_f64())
}

/// Imports a file, and watches how much memory that takes.
pub fn import(database: &str, index: &Path, file: &Path, lines: u64) -> io::Result<Import> {
    let started = Instant::now();
    // On both cores: nobody is served meanwhile.
    let mut child = Command::new("taskset")
        .args(["-c", &format!("{SERVER_CORE},{LOAD_CORE}"), env!("CARGO_BIN_EXE_briefwire"), "import"])
        .arg("--index-dir")
        .arg(index)
        .arg(file)
        .env("DATABASE_URL", database)
        .env("BRIEFWIRE_LOG", "warn")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut resident = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        resident = resident.max(crate::machine::resident(child.id()));
        std::thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        return Err(io::Error::other(format!("the import ended: {status}")));
    }
    let time = started.elapsed();
    Ok(Import { lines, rows: rows(database).map_err(io::Error::other)?, time, resident })
}

/// How many rows the tables of an SQLite file have in all.
fn rows(database: &str) -> rusqlite::Result<Option<i64>> {
    let Some(file) = database.strip_prefix("sqlite://") else { return Ok(None) };
    let connection = Connection::open(file)?;
    let mut tables =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let count =
        |table: String| connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
    tables.into_iter().map(count).sum::<rusqlite::Result<i64>>().map(Some)
}
