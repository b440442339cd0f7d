//! Writing: briefs through the server, one brief in each transaction without it, and an import.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::machine::{LOAD_CORE, SERVER_CORE};
use crate::report::{Import, Writes};
use crate::servers::{self, Server};
use crate::{bare, load, median};

/// So many clients each create one brief after another, with trends, events and links.
const CLIENTS: u32 = 32;
const SCRIPT: &str = r#"
local number, key, run = 0, os.getenv("KEY"), os.getenv("RUN")
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
"#;

/// Creates briefs in the archive that is measured.
pub fn in_archive(database: &str, directory: &Path, time: Duration, rounds: usize) -> io::Result<Writes> {
    let [created, with_little_said] = created(database, &directory.join("index"), directory, time, rounds, || Ok(()))?;
    Ok(Writes { created, with_little_said, one_commit_each: None })
}

/// Creates briefs in a copy of an SQLite archive, so that it can be measured again as it is.
pub fn in_copy(file: &Path, directory: &Path, time: Duration, rounds: usize) -> io::Result<Writes> {
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
    let mut alone = Vec::new();
    let database = format!("sqlite://{}", copy.display());
    let [created, with_little_said] = created(&database, &index, place.path(), time, rounds, || {
        let loop_of_its_own = place.path().join(alone.len().to_string());
        alone.push(bare::one_commit_each(&loop_of_its_own, time).map_err(io::Error::other)?);
        Ok(())
    })?;
    Ok(Writes { created, with_little_said, one_commit_each: Some(median(alone)) })
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

/// How many briefs are created a second where each is answered whole, and where its writer prefers to be told little; before each
/// round something else may be measured.
fn created(
    database: &str,
    index: &Path,
    directory: &Path,
    time: Duration,
    rounds: usize,
    mut before_each: impl FnMut() -> io::Result<()>,
) -> io::Result<[f64; 2]> {
    let key = servers::run(&["keys", "create", "--role", "publisher", "--name", "bench"], database)?;
    let server = Server::briefwire(database, index, 64)?;
    let script = directory.join("write.lua");
    fs::write(&script, [SCRIPT, load::REPORT].concat())?;
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        before_each()?;
        let mut forms = [(0, "representation"), (1, "minimal")];
        // By turns, since the archive has grown for who comes second.
        forms.rotate_left(round % 2);
        for (form, wanted) in forms {
            // A database may hold what an earlier run wrote.
            let run = format!("{}-{round}-{wanted}", std::process::id());
            let environment = [("KEY", key.as_str()), ("RUN", &run), ("RETURN", wanted)];
            rates[form].push(load::wrk(&server.url, &script, CLIENTS, time, &environment)?.rate);
        }
    }
    Ok(rates.map(median))
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
