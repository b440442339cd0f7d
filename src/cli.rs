//! The command line.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use crate::access::{Caller, keys};
use crate::app;
use crate::config::{DatabaseArgs, IndexArgs, ServeArgs, reachable};
use crate::db::types::Id;
use crate::db::{self, Db, Location};
use crate::demo;
use crate::journal;
use crate::problem::Problem;
use crate::routes;
use crate::scalars::Line;
use crate::search;
use crate::transfer::{export, import};
use crate::vocabulary::{Marking, Role};

/// Security-analysis briefs as linked, dated, sourced and versioned data.
#[derive(Debug, Parser)]
#[command(
    name = "briefwire",
    version,
    about,
    after_help = "The log goes to standard error; BRIEFWIRE_LOG says how much (error, warn, info, debug; info unless set)."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API
    Serve(Box<ServeArgs>),
    /// Bring the database's schema up to date
    Migrate(DatabaseArgs),
    /// Import resources, one JSON object a line
    Import(ImportArgs),
    /// Export every resource as import reads it back, to standard output
    Export(DatabaseArgs),
    /// Print the OpenAPI document
    Openapi,
    /// Make, list and revoke API keys
    Keys(KeysArgs),
    /// Ask a running server whether it is ready; for container health checks
    Health(HealthArgs),
}

#[derive(Debug, Args)]
struct ImportArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    index: IndexArgs,
    /// The file, or - for standard input
    file: PathBuf,
}

#[derive(Debug, Args)]
struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key, and print it alone: it is never shown again
    Create {
        /// Where the keys are
        #[command(flatten)]
        database: DatabaseArgs,
        /// reader, editor, publisher or admin
        #[arg(long)]
        role: Role,
        /// Whom or what it is for
        #[arg(long)]
        name: String,
        /// The highest marking that it may see [default: TLP:CLEAR for a reader, TLP:RED for others]
        #[arg(long)]
        clearance: Option<Marking>,
        /// How many requests it has a minute [default: what the server gives to every key]
        #[arg(long)]
        quota: Option<keys::Quota>,
    },
    /// List the keys
    List(DatabaseArgs),
    /// Revoke a key at once
    Revoke {
        /// Where the keys are
        #[command(flatten)]
        database: DatabaseArgs,
        /// Its id, as `keys list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
struct HealthArgs {
    /// Where the server listens
    #[arg(long, env = "BRIEFWIRE_LISTEN", default_value = "127.0.0.1:8080")]
    listen: std::net::SocketAddr,
}

type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// What kept it from being done, for standard error.
    pub fn run(self) -> Outcome {
        match self.command {
            Command::Serve(arguments) => serve(&arguments),
            Command::Migrate(database) => migrate(&database),
            Command::Import(arguments) => import_file(&arguments),
            Command::Export(database) => export_all(&database),
            Command::Openapi => print_openapi(),
            Command::Keys(arguments) => manage_keys(arguments),
            Command::Health(arguments) => Ok(ask_health(arguments.listen)),
        }
    }
}

/// Migrates and opens the database.
fn open(database: &DatabaseArgs, readers: usize) -> Result<Db, Box<dyn std::error::Error>> {
    let location = database.location()?;
    db::migrate(&location)?;
    Ok(Db::open(&location, readers, journal::move_heads)?)
}

fn serve(arguments: &ServeArgs) -> Outcome {
    let location = arguments.database.location()?;
    db::migrate(&location)?;
    let db = Db::open_with_replicas(
        &location,
        arguments.database_connections.into(),
        &arguments.replicas()?,
        journal::move_heads,
    )?;
    let config = arguments.config(&location);
    let listener = app::listen(arguments.listen)
        .map_err(|error| format!("cannot listen on {}: {error}; --listen takes another port", arguments.listen))?;
    let address = listener.local_addr()?;
    if arguments.demo {
        fill_demo(&db, &config.public_url)?;
    }
    let archive = db.clone();
    actix_web::rt::System::new().block_on(async move {
        let server = app::serve(listener, archive.clone(), config, arguments.workers.map(usize::from))?;
        let handle = server.handle();
        let clock = actix_web::rt::spawn(crate::clock::run(archive));
        let stop = stop_signal()?;
        tracing::info!("listening on http://{address}, documentation at http://{address}/docs/");
        actix_web::rt::spawn(async move {
            stop.await;
            tracing::info!("stopping: finishing what is under way");
            handle.stop(true).await;
        });
        let outcome = server.run().await;
        clock.abort();
        outcome
    })?;
    db.checkpoint()?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn fill_demo(db: &Db, public_url: &str) -> Result<(), Problem> {
    match demo::fill(db)? {
        Some(key) => {
            println!("The demo is in place. Open first: {public_url}{}", demo::FIRST_PAGE);
            println!("A publisher key, shown this once: {key}");
        }
        None => println!("The database is not empty: the demo was left out."),
    }
    Ok(())
}

/// Becomes ready when the process is told to stop. The signals are caught from the call on, not only from the first wait.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Becomes ready when the process is told to stop.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

fn migrate(database: &DatabaseArgs) -> Outcome {
    let ran = db::migrate(&database.location()?)?;
    println!("{ran} migrations applied");
    Ok(ExitCode::SUCCESS)
}

fn import_file(arguments: &ImportArgs) -> Outcome {
    let location = arguments.database.location()?;
    db::migrate(&location)?;
    let db = Db::open_for_bulk(&location, journal::move_heads)?;
    let (input, size) = open_input(&arguments.file)?;
    let progress = progress_bar(size);
    let lines = import::lines(progress.wrap_read(input));
    let report = import::run(&db, Caller::OPERATOR, lines, usize::MAX, |done| {
        progress.set_message(format!("{done} lines"));
    })?;
    progress.finish_and_clear();
    for verdict in &report.errors {
        eprintln!("line {}: {}: {}", verdict.line, shown(&verdict.pointer), verdict.detail);
    }
    println!(
        "{} created, {} updated, {} unchanged, {} failed",
        report.created, report.updated, report.unchanged, report.failed
    );
    // What was kept in memory to write with makes room for what the index takes.
    drop(db);
    let directory = arguments.index.directory(&location);
    let indexed = Db::open_for_bulk(&location, journal::move_heads)
        .map_err(|error| error.to_string())
        .and_then(|db| search::bring_up_to_date(db, &directory).map_err(|trouble| trouble.to_string()));
    indexed.map_err(|trouble| {
        let directory = directory.display();
        format!(
            "all this is in the archive, but not in the search index at {directory}: {trouble}; `serve` tries again"
        )
    })?;
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn open_input(path: &Path) -> io::Result<(Box<dyn Read>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(named)?;
    let size = file.metadata().map_err(named)?.len();
    Ok((Box::new(file), Some(size)))
}

/// A bar on a terminal, and nothing where nobody watches.
fn progress_bar(size: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match size {
        Some(size) => {
            let bar = ProgressBar::new(size);
            if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}% {msg} {eta} left") {
                bar.set_style(style);
            }
            bar
        }
        None => ProgressBar::new_spinner(),
    }
}

fn shown(pointer: &str) -> &str {
    if pointer.is_empty() { "the line" } else { pointer }
}

fn export_all(database: &DatabaseArgs) -> Outcome {
    let location = database.location()?;
    if let Location::Sqlite(path) = &location
        && !Path::new(path).exists()
    {
        return Err(format!("there is no database at {path}").into());
    }
    db::migrate(&location)?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    db::read_once(&location, |connection| {
        let mut place = Some(export::Place::START);
        while let Some(here) = place {
            let (lines, next) = export::chunk(connection, &Caller::OPERATOR, here)?;
            output.write_all(&lines).map_err(Problem::internal)?;
            place = next;
        }
        output.flush().map_err(Problem::internal)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn print_openapi() -> Outcome {
    let mut document = serde_json::to_vec_pretty(&routes::document()?)?;
    document.push(b'\n');
    io::stdout().write_all(&document)?;
    Ok(ExitCode::SUCCESS)
}

fn manage_keys(arguments: KeysArgs) -> Outcome {
    match arguments.command {
        KeysCommand::Create { database, role, name, clearance, quota } => {
            let name: Line = name.parse().map_err(|error| format!("--name {error}"))?;
            let db = open(&database, 1)?;
            let (_, key) =
                db.write_blocking(move |connection| keys::create(connection, name.as_str(), role, clearance, quota))?;
            println!("{key}");
        }
        KeysCommand::List(database) => {
            for key in open(&database, 1)?.write_blocking(keys::list)? {
                let revoked = key.revoked_at.map_or(String::new(), |at| format!("  revoked {at}"));
                println!("{}  {:9}  {:16}  {}  {}{revoked}", key.id, key.role, key.clearance, key.created_at, key.name);
            }
        }
        KeysCommand::Revoke { database, id } => {
            let id = Uuid::try_parse(&id).map(Id).map_err(|_| format!("`{id}` is not the id of a key"))?;
            open(&database, 1)?.write_blocking(move |connection| keys::revoke(connection, id))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks as any client would.
fn ask_health(address: std::net::SocketAddr) -> ExitCode {
    let address = reachable(address);
    let ready = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        BufReader::new(stream).read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    match ready() {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => eprintln!("briefwire: the server at {address} is not ready"),
        Err(error) => eprintln!("briefwire: no answer from {address}: {error}"),
    }
    ExitCode::FAILURE
}
