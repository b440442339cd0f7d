//! How fast Briefwire is, as ratios that anyone can take again: `cargo bench --bench speed`.
//!
//! A corpus is made and imported, the server runs on one core and the load (`wrk`) on another, and every figure is the median
//! of several rounds in which nginx, with the same bytes in files, takes its turn on the server's core. Read
//! [`workloads`] for what is asked, and [`corpus`] for what there is to be asked for.

#![allow(clippy::pedantic, clippy::indexing_slicing, reason = "figures are made here, and nobody's interface")]

mod bare;
mod corpus;
mod load;
mod machine;
mod report;
mod servers;
mod workloads;
mod writes;

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Parser;
use serde_json::Value;

use crate::corpus::Corpus;
use crate::report::{Figures, Row};
use crate::servers::Server;
use crate::workloads::{Sql, TEXTS, UNCHANGED, WHOLE_BRIEF, WORKLOADS, Workload};

/// How many answers nginx has as files for each workload.
const FILES: usize = 300;
const CONNECTIONS: u32 = 32;
/// How long it may take to ask for everything once.
const LONGEST_ONCE: Duration = Duration::from_secs(60);

/// Measures how fast Briefwire is.
#[derive(Parser)]
struct Options {
    /// How many briefs the corpora have
    #[arg(long, value_delimiter = ',', default_value = "1000,100000")]
    briefs: Vec<u64>,
    /// How many seconds each measurement takes
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// How many rounds there are, of which the medians are taken
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// An empty PostgreSQL database to measure instead of SQLite
    #[arg(long)]
    postgres: Option<String>,
    /// The program Datasette, to be measured on the same SQLite file
    #[arg(long)]
    datasette: Option<String>,
    /// Where corpora and databases are made and kept
    #[arg(long, default_value = "target/speed")]
    directory: PathBuf,
    /// The file to write the tables to; those in it of other corpora and databases stay
    #[arg(long)]
    write: Option<PathBuf>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    machine::stay_on(machine::LOAD_CORE)?;
    for briefs in &options.briefs {
        let section = report::section(&Bench::of(&options, Corpus { briefs: *briefs })?.run()?);
        println!("{section}");
        if let Some(file) = &options.write {
            let earlier = fs::read_to_string(file).unwrap_or_default();
            fs::write(file, report::document(&earlier, section))?;
        }
    }
    Ok(())
}

/// The measurements on one corpus.
struct Bench<'o> {
    options: &'o Options,
    corpus: Corpus,
    /// Absolute, since servers are started elsewhere.
    directory: PathBuf,
    database: String,
    file: Option<PathBuf>,
}

impl<'o> Bench<'o> {
    fn of(options: &'o Options, corpus: Corpus) -> io::Result<Self> {
        let place = if options.postgres.is_some() { "postgres-" } else { "" };
        let directory = options.directory.join(format!("{place}{}", corpus.briefs));
        fs::create_dir_all(&directory)?;
        let directory = directory.canonicalize()?;
        let file = options.postgres.is_none().then(|| directory.join("briefwire.db"));
        let database = match (&options.postgres, &file) {
            (Some(url), _) => url.clone(),
            (None, Some(file)) => format!("sqlite://{}", file.display()),
            (None, None) => String::new(),
        };
        Ok(Self { options, corpus, directory, database, file })
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.options.seconds)
    }

    fn run(&self) -> io::Result<Figures> {
        let import = self.import()?;
        let (started_in, idle) = self.at_rest()?;
        let mut rows = self.reads()?;
        self.unchanged(&mut rows)?;
        let (time, rounds, directory) = (self.time(), self.options.rounds, &self.directory);
        let briefs = WORKLOADS.iter().find(|known| known.name == WHOLE_BRIEF).ok_or(io::ErrorKind::NotFound)?;
        let hot = self.requests("hot", &briefs.hot_paths(self.corpus))?;
        let writes = match &self.file {
            Some(file) => writes::in_copy(file, directory, &hot, time, rounds)?,
            None => writes::in_archive(&self.database, directory, &hot, time, rounds)?,
        };
        let database = if self.file.is_some() { "SQLite" } else { "PostgreSQL" };
        Ok(Figures { briefs: self.corpus.briefs, database, time, rounds, import, started_in, idle, rows, writes })
    }

    /// How long a server takes to be ready, and how many mebibytes it has resident when it has answered a little and then nothing.
    fn at_rest(&self) -> io::Result<(Duration, u64)> {
        let server = self.server(64)?;
        for _ in 0..3 {
            server.get("/v1/briefs?limit=20")?;
            thread::sleep(Duration::from_secs(1));
        }
        Ok((server.started_in, machine::resident(server.process())))
    }

    fn server(&self, answer_memory: u32) -> io::Result<Server> {
        Server::briefwire(&self.database, &self.directory.join("index"), answer_memory)
    }

    /// Makes the corpus, and imports it unless that was done in an earlier run.
    fn import(&self) -> io::Result<Option<report::Import>> {
        if self.directory.join("imported").exists() {
            return Ok(None);
        }
        let lines_file = self.directory.join("corpus.ndjson");
        let lines = self.corpus.write(&mut BufWriter::new(File::create(&lines_file)?))?;
        if let Some(file) = &self.file {
            for ending in ["", "-wal", "-shm"] {
                drop(fs::remove_file(format!("{}{ending}", file.display())));
            }
        }
        drop(fs::remove_file(self.directory.join(TEXTS).with_extension("db")));
        let import = writes::import(&self.database, &self.directory.join("index"), &lines_file, lines)?;
        fs::write(self.directory.join("imported"), "")?;
        fs::remove_file(lines_file)?;
        Ok(Some(import))
    }

    fn reads(&self) -> io::Result<Vec<Row>> {
        let mut rows = Vec::new();
        let is_there = |workload: &&Workload| workload.page.is_none_or(|page| self.corpus.briefs >= 20 * page as u64);
        for workload in WORKLOADS.iter().filter(is_there) {
            let cold_server = self.server(0)?;
            let paths = self.paths(&cold_server, workload)?;
            let (nginx, files) = self.copied(&cold_server, &paths)?;
            let cold = self.against(&nginx, &files, &cold_server, &self.requests("cold", &paths)?)?;
            drop(cold_server);
            let hot = match workload.page {
                Some(_) => None,
                None => {
                    let server = self.server(64)?;
                    Some(self.against(
                        &nginx,
                        &files,
                        &server,
                        &self.requests("hot", &workload.hot_paths(self.corpus))?,
                    )?)
                }
            };
            let bare = match &self.file {
                None => bare::pgbench(&self.database, &self.directory, self.corpus, workload, self.time())?,
                Some(file) => Some(bare::rate(file, self.corpus, workload, self.time()).map_err(io::Error::other)?),
            };
            let (name, wanted, datasette) = (workload.name.to_owned(), workload.wanted, self.datasette(workload)?);
            let row = Row { name, wanted, cold: Some(cold), hot, bare, datasette };
            eprintln!("{}", report::line(&row));
            rows.push(row);
        }
        Ok(rows)
    }

    /// How often a second Datasette answers the same.
    fn datasette(&self, workload: &Workload) -> io::Result<Option<f64>> {
        let (Some(program), Some(file)) = (&self.options.datasette, &self.file) else { return Ok(None) };
        let Some(sql) = bare::for_datasette(workload) else { return Ok(None) };
        let file = match workload.sql {
            Sql::OfArchive(_) => file.clone(),
            Sql::OfTexts(_) => bare::texts(file).map_err(io::Error::other)?,
        };
        let server = Server::datasette(program, &file, &self.directory, &[(workload.id(), sql)])?;
        let requests = self.requests("datasette", &workload.datasette_paths(self.corpus))?;
        // Some of it takes it longer than a second, and some of a large archive so long that nothing is answered at all.
        let time = self.time().max(Duration::from_secs(5));
        let rounds = 0..=self.options.rounds;
        let measured =
            rounds.map(|_| load::full(&server.url, &requests, CONNECTIONS, time)).collect::<io::Result<Vec<_>>>();
        // The first round is for warming up.
        Ok(measured.ok().map(|rounds| median(rounds.iter().skip(1).map(|measure| measure.rate).collect())))
    }

    /// What has not changed, asked for by those who have it: with no answer in memory, and with all of them.
    fn unchanged(&self, rows: &mut Vec<Row>) -> io::Result<()> {
        for (name, workload) in UNCHANGED {
            let workload = WORKLOADS.iter().find(|known| known.name == workload).ok_or(io::ErrorKind::NotFound)?;
            let paths: Vec<String> = workload.paths(self.corpus).into_iter().take(FILES).collect();
            let known = |server: &Server, paths: &[String]| -> io::Result<Vec<String>> {
                paths.iter().map(|path| Ok(format!("{path}\t{}", server.get(path)?.1))).collect()
            };
            let cold_server = self.server(0)?;
            let (nginx, files) = self.copied(&cold_server, &paths)?;
            let theirs = self.requests("their-unchanged", &known(&nginx, &files)?)?;
            let ours = self.requests("unchanged", &known(&cold_server, &paths)?)?;
            let cold = Some(self.compared(&nginx, &theirs, &cold_server, &ours)?);
            drop(cold_server);
            // What a feed says begins with where its server is, so another server has other tags.
            let hot_server = self.server(64)?;
            let ours = self.requests("unchanged", &known(&hot_server, &paths)?)?;
            let hot = Some(self.compared(&nginx, &theirs, &hot_server, &ours)?);
            let row = Row { name: format!("unchanged {name}"), wanted: (80, 80), cold, hot, ..Row::default() };
            eprintln!("{}", report::line(&row));
            rows.push(row);
        }
        Ok(())
    }

    fn paths(&self, server: &Server, workload: &Workload) -> io::Result<Vec<String>> {
        let Some(last) = workload.page else { return Ok(workload.paths(self.corpus)) };
        let (mut pages, mut next) = (Vec::new(), "/v1/briefs?limit=20".to_owned());
        while pages.len() < last {
            let page: Value = serde_json::from_slice(&server.get(&next)?.0)?;
            pages.push(next);
            let Some(cursor) = page["page"]["next"].as_str() else { break };
            next = format!("/v1/briefs?limit=20&cursor={cursor}");
        }
        Ok(pages.split_off(pages.len().saturating_sub(50)))
    }

    fn requests(&self, name: &str, lines: &[String]) -> io::Result<PathBuf> {
        servers::requests(&self.directory, name, lines)
    }

    /// nginx with the answers to some of these requests, and the paths of its files.
    fn copied(&self, server: &Server, paths: &[String]) -> io::Result<(Server, Vec<String>)> {
        let directory = self.directory.join("files");
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory)?;
        let mut files = Vec::new();
        for (number, path) in paths.iter().take(FILES).enumerate() {
            fs::write(directory.join(number.to_string()), server.get(path)?.0)?;
            files.push(format!("/{number}"));
        }
        Ok((Server::nginx(&directory)?, files))
    }

    fn against(&self, nginx: &Server, files: &[String], server: &Server, requests: &Path) -> io::Result<Compared> {
        let files = self.requests("files.txt", files)?;
        self.compared(nginx, &files, server, requests)
    }

    /// Alternates between nginx and a server, and sends the server four fifths of what it has reached each time.
    fn compared(&self, nginx: &Server, files: &Path, server: &Server, requests: &Path) -> io::Result<Compared> {
        let first = load::once(&server.url, requests, LONGEST_ONCE)?;
        load::full(&server.url, requests, CONNECTIONS, self.time())?;
        let (mut ours, mut theirs, mut p99) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.options.rounds {
            theirs.push(load::full(&nginx.url, files, CONNECTIONS, self.time())?.rate);
            let rate = load::full(&server.url, requests, CONNECTIONS, self.time())?.rate;
            ours.push(rate);
            p99.push(load::paced(&server.url, requests, rate * 0.8, self.time())?.p99.as_secs_f64());
        }
        let p99 = Duration::from_secs_f64(median(p99));
        Ok(Compared { first, rate: median(ours), nginx: median(theirs), p99 })
    }
}

/// A server beside nginx.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    /// Its requests a second while each was asked for the first time.
    pub first: f64,
    /// Its requests a second when all had been asked for once.
    pub rate: f64,
    /// Those of nginx.
    pub nginx: f64,
    /// How long all but a hundredth took at most, at four fifths of its rate.
    pub p99: Duration,
}

/// The one in the middle, or what lies between the two that are.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.get(middle) {
        None => 0.0,
        Some(value) if values.len() % 2 == 1 => *value,
        Some(value) => value.midpoint(values[middle - 1]),
    }
}
