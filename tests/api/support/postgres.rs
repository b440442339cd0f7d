//! The PostgreSQL server of the tests: one for all tests of a process, started from the binaries on this machine.

use std::env;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use briefwire::db::{self, Location};
use diesel::connection::SimpleConnection;
use url::Url;

/// A server of one's own choice, as `postgres://USER:PASSWORD@HOST/DATABASE`; its user must be able to create databases.
const GIVEN: &str = "BRIEFWIRE_TEST_POSTGRES_URL";
/// Makes a missing server a failure.
const REQUIRED: &str = "BRIEFWIRE_REQUIRE_POSTGRES";

const TEMPLATE: &str = "briefwire_template";

const STARTING_TIME: Duration = Duration::from_secs(60);

/// Makes a data directory, serves it, and cleans up when its standard input ends, which it does with the process of the
/// tests, however that ends. `$1` is the directory of the binaries, `$2` the port.
const SERVE_UNTIL_STDIN_ENDS: &str = r#"
    set -eu
    directory=$(mktemp -d)
    cd "$directory"
    "$1/initdb" --pgdata=data --username=briefwire --auth=trust --encoding=UTF8 --locale=C --no-sync >log 2>&1 || {
        cat log >&2
        rm -rf "$directory"
        exit 1
    }
    "$1/postgres" -D "$directory/data" -p "$2" -h 127.0.0.1 -k "" \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400 >>log 2>&1 &
    server=$!
    cat >/dev/null
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" || true
    rm -rf "$directory"
"#;

/// A running server.
pub struct Server {
    url: Url,
    /// While this pipe is open, the server runs.
    alive: Option<ChildStdin>,
}

static SERVER: LazyLock<Option<Server>> = LazyLock::new(Server::find);

/// The server of this process, started if there is a way to; else says that what needs it was left out.
///
/// # Panics
/// When there is none and `BRIEFWIRE_REQUIRE_POSTGRES=1`.
pub fn server() -> Option<&'static Server> {
    required(SERVER.as_ref())
}

/// What was found of a server; if nothing was, says so.
///
/// # Panics
/// When there is none and `BRIEFWIRE_REQUIRE_POSTGRES=1`.
pub fn required<T>(found: Option<T>) -> Option<T> {
    if found.is_none() {
        assert!(
            !env::var(REQUIRED).is_ok_and(|value| value == "1"),
            "PostgreSQL is required ({REQUIRED}=1), but neither are its server's binaries on this machine nor is {GIVEN} set"
        );
        eprintln!("LEFT OUT: no PostgreSQL server binaries on this machine, and {GIVEN} is not set");
    }
    found
}

impl Server {
    fn find() -> Option<Self> {
        let url = match env::var(GIVEN) {
            Ok(url) => return Some(Self { url: Url::parse(&url).expect(GIVEN), alive: None }),
            Err(_) => binaries()?,
        };
        // Another process may take the port between its choice and its use.
        let server = (0..5).find_map(|_| Self::start(&url)).expect("PostgreSQL does not start");
        Some(server.prepared())
    }

    fn start(binaries: &Path) -> Option<Self> {
        let port = free_port();
        let url = Url::parse(&format!("postgres://briefwire@127.0.0.1:{port}/postgres")).expect("a URL");
        let mut process = as_ordinary_user("sh")
            .args(["-c", SERVE_UNTIL_STDIN_ENDS, "sh"])
            .arg(binaries)
            .arg(port.to_string())
            .current_dir("/")
            .process_group(0) // an interrupt from the terminal must not kill it before it has cleaned up
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let alive = process.stdin.take();
        wait_until_it_answers(&mut process, &url).then_some(Self { url, alive })
    }

    /// Makes a database to copy for every test, so that the schema is made once.
    fn prepared(self) -> Self {
        self.execute(&format!("CREATE DATABASE {TEMPLATE}"));
        db::migrate(&self.location_of(TEMPLATE)).expect("the migrations run");
        self
    }

    /// Makes a database with the schema in place. On a server that was given, nothing is left behind to copy from.
    pub fn create_database(&self, name: &str) {
        if self.alive.is_some() {
            self.execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"));
        } else {
            self.execute(&format!("CREATE DATABASE {name}"));
            db::migrate(&self.location_of(name)).expect("the migrations run");
        }
    }

    pub fn drop_database(&self, name: &str) {
        self.execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }

    pub fn url_of(&self, database: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(database);
        url.into()
    }

    fn location_of(&self, database: &str) -> Location {
        self.url_of(database).parse().expect("a PostgreSQL URL")
    }

    fn execute(&self, statement: &str) {
        let location: Location = self.url.as_str().parse().expect("a PostgreSQL URL");
        let mut connection = db::connect(&location).expect("the PostgreSQL server answers");
        connection.batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

fn wait_until_it_answers(process: &mut Child, url: &Url) -> bool {
    let location: Location = url.as_str().parse().expect("a PostgreSQL URL");
    let deadline = Instant::now() + STARTING_TIME;
    while Instant::now() < deadline {
        if db::connect(&location).is_ok() {
            return true;
        }
        if process.try_wait().expect("a child").is_some() {
            let mut complaint = String::new();
            if let Some(stderr) = &mut process.stderr {
                stderr.read_to_string(&mut complaint).ok();
            }
            eprintln!("PostgreSQL ended at once: {complaint}");
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// PostgreSQL refuses to run as root; its packages bring a user of their own.
pub fn as_ordinary_user(program: &str) -> Command {
    let id = Command::new("id").arg("-u").output().expect("id");
    if id.stdout.trim_ascii() != b"0" {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--", program]);
    command
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// The directory of the newest server binaries.
pub fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut packaged: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin"))))
        .collect();
    packaged.sort();
    let packaged = packaged.into_iter().rev().map(|(_, path)| path);
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = env::split_paths(&path).collect();
    packaged.chain(on_path).find(|directory| ["initdb", "postgres"].iter().all(|name| directory.join(name).exists()))
}
