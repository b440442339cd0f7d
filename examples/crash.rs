//! Kills the server at random moments under concurrent writes, again and again, and holds what is left against what was
//! answered. On PostgreSQL the server and the database are killed in turn.
//!
//! ```text
//! cargo run --release --example crash -- sqlite --rounds 200
//! cargo run --release --example crash -- postgres --rounds 50
//! ```
//!
//! After each kill everything is started again, and then it must be so: each write that was answered 2xx is there; each
//! brief is there whole, with its trends and events, or not at all; the journal and the tables say the same; and what was
//! scheduled for the time in between is published. The process ends with code 1 and says what is wrong if it is not.

use std::collections::HashMap;
use std::error::Error;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use briefwire::access::keys;
use briefwire::cli::Cli;
use briefwire::db::{self, Connection, Db, Location};
use briefwire::journal;
use briefwire::vocabulary::Role;
use clap::{Parser, ValueEnum};
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl};
use serde_json::{Value, json};
use ureq::Agent;

/// How many trends and events each brief is written with: it has all of them, or it is half written.
const PARTS: usize = 3;
/// How long everything may take to be there again.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Parser)]
#[command(about = "Kills Briefwire under load and looks what is left")]
struct Arguments {
    /// On which database
    database: Kind,
    /// How often to kill
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// How many write at once
    #[arg(long, default_value_t = 8)]
    writers: u64,
    /// Where the random moments start from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    // The server is this very program under another name, so that nothing else has to be built.
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|word| word == "serve") {
        return Cli::parse_from(arguments).run().unwrap_or(ExitCode::FAILURE);
    }
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("crash: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome<bool> {
    let directory = tempfile::tempdir()?;
    let mut postgres = match arguments.database {
        Kind::Sqlite => None,
        Kind::Postgres => Some(Postgres::start()?),
    };
    let url = match &postgres {
        None => format!("sqlite://{}", directory.path().join("crash.db").display()),
        Some(postgres) => postgres.url.clone(),
    };
    let location: Location = url.parse()?;
    db::migrate(&location)?;
    let key = make_key(&location)?;
    let mut server = Server::start(&url)?;
    server.write_ground(&key)?;

    let mut random = Random(arguments.seed);
    let mut ledger = Ledger::default();
    let (mut answered, mut unanswered, mut slowest) = (0, 0, Duration::ZERO);
    for round in 1..=arguments.rounds {
        let kills_database = postgres.is_some() && round % 2 == 0;
        let base = server.base.clone();
        let work = Work { base: &base, key: &key, round, stop: AtomicBool::new(false), number: AtomicU64::new(0) };
        let work = &work;
        let due = server.schedule(&key, round)?;
        let done: Vec<Writer> = thread::scope(|scope| {
            let writers: Vec<_> =
                (0..arguments.writers).map(|writer| scope.spawn(move || work.write(writer))).collect();
            thread::sleep(Duration::from_millis(30 + random.below(370)));
            match &mut postgres {
                Some(postgres) if kills_database => postgres.kill(),
                _ => server.kill(),
            }
            work.stop.store(true, Ordering::Relaxed);
            writers.into_iter().filter_map(|writer| writer.join().ok()).collect()
        });
        for writer in done {
            answered += writer.answered.len();
            unanswered += usize::from(writer.unanswered.is_some());
            ledger.enter(writer);
        }
        let started = Instant::now();
        server.kill();
        if let Some(postgres) = postgres.as_mut().filter(|_| kills_database) {
            postgres.restart()?;
        }
        server = Server::start(&url)?;
        slowest = slowest.max(started.elapsed());
        let mut faults = ledger.hold_against(&server, &key)?;
        faults.extend(server.catches_up(&due)?);
        faults.extend(contradictions(&location)?);
        if !faults.is_empty() {
            println!("round {round}: {} faults", faults.len());
            faults.iter().take(20).for_each(|fault| println!("  {fault}"));
            server.kill();
            return Ok(false);
        }
    }
    server.kill();
    println!(
        "{:?}: {} kills under {} writers; {answered} writes answered 2xx, all there; {unanswered} under way when it died, \
         each there whole or not at all; {} briefs, {} versions in the journal, no contradiction; everything scheduled \
         was published; ready again after {} ms at the latest",
        arguments.database,
        arguments.rounds,
        arguments.writers,
        ledger.0.len(),
        count(&location, "SELECT count(*) AS number FROM journal WHERE via_id IS NULL")?,
        slowest.as_millis(),
    );
    Ok(true)
}

fn make_key(location: &Location) -> Outcome<String> {
    let db = Db::open(location, 1, journal::move_heads)?;
    let (_, key) = db.write_blocking(|connection| keys::create(connection, "crash", Role::Publisher, None, None))?;
    Ok(key)
}

/// A small generator is enough for moments, and gives the same ones again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

// --- the server

struct Server {
    process: Child,
    base: String,
    agent: Agent,
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .max_redirects(0)
        .build()
        .new_agent()
}

impl Server {
    fn start(url: &str) -> Outcome<Self> {
        let port = free_port()?;
        let process = Command::new(std::env::current_exe()?)
            .args(["serve", "--database-url", url, "--rate-limit", "off", "--listen", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Self { process, base: format!("http://127.0.0.1:{port}"), agent: agent() };
        let deadline = Instant::now() + PATIENCE;
        while server.agent.get(format!("{}/health/ready", server.base)).call().map_or(true, |it| it.status() != 200) {
            if Instant::now() > deadline {
                server.kill();
                return Err("the server is not ready again".into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    fn kill(&mut self) {
        // SIGKILL: nothing is finished, nothing is flushed.
        self.process.kill().ok();
        self.process.wait().ok();
    }

    fn send(&self, key: &str, method: &str, path: &str, body: &Value) -> Outcome<(u16, Value)> {
        send(&self.agent, &self.base, key, method, path, body)
    }

    fn get(&self, key: &str, path: &str) -> Outcome<(u16, Value)> {
        self.send(key, "GET", path, &Value::Null)
    }

    /// What all briefs refer to.
    fn write_ground(&self, key: &str) -> Outcome<()> {
        self.send(key, "PUT", "/v1/categories/security", &json!({"name": "Security"}))?;
        for number in 0..5 {
            let body = json!({"name": format!("Actor {number}"), "kind": "person"});
            self.send(key, "PUT", &format!("/v1/actors/actor-{number}"), &body)?;
        }
        Ok(())
    }

    /// Schedules a brief for a time at which the server is going to be dead or just back; returns its slug.
    fn schedule(&self, key: &str, round: u32) -> Outcome<String> {
        let slug = format!("due-{round}");
        let body = json!({"title": "Due", "category": "security", "language": "en"});
        self.send(key, "PUT", &format!("/v1/briefs/{slug}"), &body)?;
        let at = (chrono::Utc::now() + chrono::TimeDelta::milliseconds(300)).to_rfc3339();
        match self.send(key, "POST", &format!("/v1/briefs/{slug}/schedule"), &json!({"at": at}))? {
            (200, _) => Ok(slug),
            (status, body) => Err(format!("scheduling was answered {status}: {body}").into()),
        }
    }

    fn catches_up(&self, slug: &str) -> Outcome<Vec<String>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.agent.get(format!("{}/v1/briefs/{slug}", self.base)).call()?;
            if answer.status() == 200 {
                return Ok(Vec::new());
            }
            if Instant::now() > deadline {
                return Ok(vec![format!("{slug} was scheduled and is not published")]);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn send(agent: &Agent, base: &str, key: &str, method: &str, path: &str, body: &Value) -> Outcome<(u16, Value)> {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{base}{path}"))
        .header("Authorization", format!("Bearer {key}"))
        .header("Content-Type", "application/json");
    let mut answer =
        if body.is_null() { agent.run(request.body(())?)? } else { agent.run(request.body(body.to_string())?)? };
    let text = answer.body_mut().read_to_string()?;
    Ok((answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default()))
}

// --- the writers

/// What a brief must be: its title at a version, or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Is { version: i64, title: String },
    Gone,
}

#[derive(Debug, Default)]
struct Writer {
    /// What was answered 2xx, in order.
    answered: Vec<(String, State)>,
    /// What was sent and not answered: it may be so or not.
    unanswered: Option<(String, State)>,
}

struct Work<'a> {
    base: &'a str,
    key: &'a str,
    round: u32,
    stop: AtomicBool,
    number: AtomicU64,
}

impl Work<'_> {
    /// Creates briefs, changes some and deletes some, until the server dies.
    fn write(&self, writer: u64) -> Writer {
        let agent = agent();
        let mut done = Writer::default();
        let mut living: Vec<(String, i64)> = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let (method, slug, title, version) = match (number % 5, living.last().cloned()) {
                (3, Some((slug, version))) => ("PATCH", slug, format!("Changed by {writer} as {number}"), version + 1),
                (4, Some((slug, _))) => ("DELETE", slug, String::new(), 0),
                _ => ("PUT", format!("brief-{}-{writer}-{number}", self.round), format!("Made as {number}"), 1),
            };
            let body = match method {
                "PATCH" => json!({"title": title}),
                "DELETE" => Value::Null,
                _ => whole_brief(&slug, &title),
            };
            let state = if method == "DELETE" { State::Gone } else { State::Is { version, title } };
            match send(&agent, self.base, self.key, method, &format!("/v1/briefs/{slug}"), &body) {
                Ok((200..=299, _)) => {
                    living.retain(|(other, _)| *other != slug);
                    if state != State::Gone {
                        living.push((slug.clone(), version));
                    }
                    done.answered.push((slug, state));
                }
                Ok(_) | Err(_) => {
                    done.unanswered = Some((slug, state));
                    return done;
                }
            }
        }
        done
    }
}

fn whole_brief(slug: &str, title: &str) -> Value {
    let trends: Vec<Value> = (0..PARTS)
        .map(|part| json!({"statement": format!("Part {part}."), "slug": format!("{slug}-t{part}"), "direction": "stable", "actors": ["actor-1"]}))
        .collect();
    let events: Vec<Value> = (0..PARTS)
        .map(|part| {
            json!({
                "slug": format!("{slug}-e{part}"), "title": "It happened", "kind": "meeting", "occurred": "2017-07-25",
                "participants": [{"actor": format!("actor-{part}")}],
            })
        })
        .collect();
    json!({
        "title": title, "category": "security", "language": "en", "state": "published",
        "published_at": "2017-07-31T10:00:00Z", "trends": trends, "events": events,
    })
}

// --- what must be so afterwards

/// What every brief that was ever written may be.
#[derive(Default)]
struct Ledger(HashMap<String, Vec<State>>);

impl Ledger {
    fn enter(&mut self, writer: Writer) {
        for (slug, state) in writer.answered {
            self.0.insert(slug, vec![state]);
        }
        if let Some((slug, state)) = writer.unanswered {
            let states = self.0.entry(slug).or_insert_with(|| vec![State::Gone]);
            states.push(state);
        }
    }

    /// Reads every brief. What was open is settled by what is found.
    fn hold_against(&mut self, server: &Server, key: &str) -> Outcome<Vec<String>> {
        let mut faults = Vec::new();
        for (slug, states) in &mut self.0 {
            // What was settled in an earlier round is looked at again only now and then.
            if states.len() == 1 && !slug.len().is_multiple_of(3) {
                continue;
            }
            let found = match server.get(key, &format!("/v1/briefs/{slug}"))? {
                (404 | 410, _) => State::Gone,
                (200, brief) => {
                    for list in ["trends", "events"] {
                        let parts = brief.get(list).and_then(Value::as_array).map_or(0, Vec::len);
                        if parts != PARTS {
                            faults.push(format!("{slug} is half written: it has {parts} {list}"));
                        }
                    }
                    State::Is {
                        version: brief.get("version").and_then(Value::as_i64).unwrap_or_default(),
                        title: brief.get("title").and_then(Value::as_str).unwrap_or_default().to_owned(),
                    }
                }
                (status, body) => return Err(format!("reading {slug} was answered {status}: {body}").into()),
            };
            if states.contains(&found) {
                *states = vec![found];
            } else {
                faults.push(format!("{slug} is {found:?}, but was answered to be {states:?}"));
            }
        }
        Ok(faults)
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Where the journal and the tables say different things.
fn contradictions(location: &Location) -> Outcome<Vec<String>> {
    let mut faults = Vec::new();
    for (kind, table) in
        [("brief", "briefs"), ("event", "events"), ("trend", "trends"), ("actor", "actors"), ("category", "categories")]
    {
        let checks = [
            (
                "a version that the journal does not know",
                format!(
                    "SELECT count(*) AS number FROM {table} AS v WHERE NOT EXISTS (SELECT 1 FROM journal AS j
                    WHERE j.resource_id = v.id AND j.version = v.version AND j.since = v.since AND j.via_id IS NULL)"
                ),
            ),
            (
                "an entry of the journal without its version",
                format!(
                    "SELECT count(*) AS number FROM journal AS j WHERE j.kind = '{kind}' AND j.via_id IS NULL
                    AND j.change <> 'removed' AND NOT EXISTS (SELECT 1 FROM {table} AS v
                    WHERE v.id = j.resource_id AND v.version = j.version AND v.since = j.since)"
                ),
            ),
            (
                "something deleted that lives",
                format!(
                    "SELECT count(*) AS number FROM {table} AS v JOIN tombstones AS t ON t.id = v.id WHERE v.until IS NULL"
                ),
            ),
            (
                "a version that ends where no other begins and nothing was deleted",
                format!(
                    "SELECT count(*) AS number FROM {table} AS v WHERE v.until IS NOT NULL
                    AND NOT EXISTS (SELECT 1 FROM {table} AS n WHERE n.id = v.id AND n.since = v.until)
                    AND NOT EXISTS (SELECT 1 FROM tombstones AS t WHERE t.id = v.id AND t.since = v.until)"
                ),
            ),
        ];
        for (what, query) in checks {
            let found = count(location, &query)?;
            if found > 0 {
                faults.push(format!("{kind}: {what}, {found} times"));
            }
        }
    }
    let heads = count(
        location,
        "SELECT count(*) AS number FROM heads WHERE position > (SELECT coalesce(max(position), 0) FROM journal)",
    )?;
    if heads > 0 {
        faults.push(format!("{heads} heads lie before the journal"));
    }
    let behind = count(
        location,
        "SELECT count(*) AS number FROM heads AS h WHERE h.position <
        (SELECT max(j.position) FROM journal AS j WHERE (j.audience & CAST(1 << h.class AS smallint)) <> 0)",
    )?;
    if behind > 0 {
        faults.push(format!("{behind} heads lie behind what their classes see"));
    }
    if matches!(location, Location::Sqlite(_)) {
        let mut connection = db::connect(location)?;
        if let Connection::Sqlite(sqlite) = &mut connection {
            let checked: Vec<Line> =
                diesel::sql_query("SELECT integrity_check AS line FROM pragma_integrity_check").load(sqlite)?;
            faults.extend(checked.into_iter().map(|line| line.line).filter(|line| line != "ok"));
        }
    }
    Ok(faults)
}

fn count(location: &Location, query: &str) -> Outcome<i64> {
    let query = diesel::sql_query(query);
    let rows: Vec<Number> = match db::connect(location)? {
        Connection::Sqlite(mut sqlite) => query.load(&mut sqlite)?,
        Connection::Postgres(mut postgres) => query.load(&mut postgres)?,
    };
    Ok(rows.first().map_or(0, |row| row.number))
}

// --- a PostgreSQL server of our own, with every sync in place

struct Postgres {
    url: String,
    port: u16,
    binaries: PathBuf,
    directory: PathBuf,
    process: Child,
}

impl Postgres {
    fn start() -> Outcome<Self> {
        let binaries = newest_binaries().ok_or("PostgreSQL's server binaries are not on this machine")?;
        let made = ordinary("mktemp").args(["-d", "/tmp/briefwire-crash-XXXXXX"]).output()?;
        let directory = PathBuf::from(String::from_utf8(made.stdout)?.trim());
        let data = directory.join("data");
        let initialised = ordinary(&binaries.join("initdb").display().to_string())
            .args(["--username=briefwire", "--auth=trust", "--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()?;
        if !initialised.success() {
            return Err("initdb failed".into());
        }
        let port = free_port()?;
        let process = serve(&binaries, &data, port)?;
        let url = format!("postgres://briefwire@127.0.0.1:{port}/postgres");
        let postgres = Self { url, port, binaries, directory, process };
        postgres.wait()?;
        Ok(postgres)
    }

    fn kill(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }

    /// The backends of a killed server notice within moments; until they are gone, a new one does not start.
    fn restart(&mut self) -> Outcome<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.process = serve(&self.binaries, &self.directory.join("data"), self.port)?;
            if self.wait().is_ok() {
                return Ok(());
            }
            self.kill();
            if Instant::now() > deadline {
                return Err("PostgreSQL does not start again".into());
            }
        }
    }

    fn wait(&self) -> Outcome<()> {
        let location: Location = self.url.parse()?;
        let deadline = Instant::now() + Duration::from_secs(8);
        while db::connect(&location).is_err() {
            if Instant::now() > deadline {
                return Err("PostgreSQL does not answer".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

fn serve(binaries: &Path, data: &Path, port: u16) -> Outcome<Child> {
    Ok(ordinary(&binaries.join("postgres").display().to_string())
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", "", "-c", "max_connections=100"])
        .current_dir("/")
        .process_group(0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?)
}

/// PostgreSQL refuses to run as root; its packages bring a user of their own. `setpriv` becomes the program, so that the
/// process that is killed is the program itself.
fn ordinary(program: &str) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--", program]);
    command
}

fn newest_binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin"))))
        .filter(|(_, path)| path.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}
