//! The servers that are measured: Briefwire, and nginx with the same bytes in files.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;

use crate::machine::SERVER_CORE;

/// A server on the servers' core, ended with its value.
pub struct Server {
    /// Where it is reached.
    pub url: String,
    /// How long it took until it was ready.
    pub started_in: Duration,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Briefwire over this database, with so many mebibytes for answers.
    pub fn briefwire(database: &str, index: &Path, answer_memory: u32) -> io::Result<Self> {
        let port = free_port()?;
        let mut command = pinned(env!("CARGO_BIN_EXE_briefwire"));
        command
            .args(["serve", "--workers", "1", "--rate-limit", "off"])
            .args(["--database-url", database, "--listen", &format!("127.0.0.1:{port}")])
            .args(["--answer-memory", &answer_memory.to_string()])
            .arg("--index-dir")
            .arg(index)
            // nginx writes no log either.
            .env("BRIEFWIRE_LOG", "warn");
        Self::start(command, port, "/health/ready")
    }

    /// nginx with the files of a directory.
    pub fn nginx(directory: &Path) -> io::Result<Self> {
        let port = free_port()?;
        let configuration = directory.with_extension("conf");
        let (root, place) = (directory.display(), directory.with_extension("nginx"));
        fs::create_dir_all(&place)?;
        fs::write(directory.join("ready"), "ready")?;
        let place = place.display();
        let text = format!(
            "user root; master_process off; daemon off; pid {place}/pid; error_log {place}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=10000;\n\
             client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;\n\
             uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;\n\
             server {{ listen 127.0.0.1:{port}; root {root}; }} }}\n"
        );
        fs::write(&configuration, text)?;
        let mut command = pinned("nginx");
        command.arg("-c").arg(&configuration);
        Self::start(command, port, "/ready")
    }

    /// Datasette over an SQLite file, with a query for each of these names.
    pub fn datasette(
        program: &str,
        database: &Path,
        directory: &Path,
        queries: &[(String, String)],
    ) -> io::Result<Self> {
        let port = free_port()?;
        let queries: serde_json::Map<String, Value> =
            queries.iter().map(|(name, sql)| (name.clone(), json!({"sql": sql}))).collect();
        let stem = database.file_stem().unwrap_or_default().to_string_lossy();
        let metadata = directory.join("datasette.json");
        fs::write(&metadata, json!({"databases": {stem: {"queries": queries}}}).to_string())?;
        let mut command = pinned(program);
        command.arg("serve").arg(database).arg("--metadata").arg(&metadata);
        command.args(["--port", &port.to_string(), "--setting", "sql_time_limit_ms", "30000"]);
        command.stderr(Stdio::null());
        Self::start(command, port, "/-/versions.json")
    }

    fn start(mut command: Command, port: u16, ready: &str) -> io::Result<Self> {
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut server = Self { url: format!("http://127.0.0.1:{port}"), started_in: Duration::ZERO, child };
        while server.get(ready).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(io::Error::other(format!("{command:?} ended: {status}")));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        server.started_in = started.elapsed();
        Ok(server)
    }

    /// The process, or what started it.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The body and the entity tag of a page.
    pub fn get(&self, path: &str) -> io::Result<(Vec<u8>, String)> {
        let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build();
        let mut answer = config.new_agent().get(format!("{}{path}", self.url)).call().map_err(io::Error::other)?;
        let tag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec().map_err(io::Error::other)?;
        Ok((body, tag))
    }
}

/// A command on the servers' core. `taskset` becomes the program that it starts.
fn pinned(program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", SERVER_CORE, program]);
    command
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Runs a command of Briefwire to its end.
pub fn run(arguments: &[&str], database: &str) -> io::Result<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_briefwire"));
    let output = command.args(arguments).env("DATABASE_URL", database).env("BRIEFWIRE_LOG", "warn").output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

/// A file of requests for [`crate::load`].
pub fn requests(directory: &Path, name: &str, lines: &[String]) -> io::Result<PathBuf> {
    let path = directory.join(name);
    fs::write(&path, lines.join("\n") + "\n")?;
    Ok(path)
}
