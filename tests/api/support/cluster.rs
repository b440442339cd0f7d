//! A PostgreSQL server with two streaming replicas, of one test alone: it ends them and makes them hang.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use briefwire::db::{self, Location};
use diesel::QueryableByName;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::{Database, postgres};

/// Makes and starts them, says where they are, and cleans up when its standard input ends. `$1` is the directory of the
/// binaries, the ports follow: of the primary, and of each replica.
const SERVE_UNTIL_STDIN_ENDS: &str = r#"
    set -eu
    bin=$1
    primary=$2
    shift
    directory=$(mktemp -d)
    cd "$directory"
    "$bin/initdb" --pgdata="$primary" --username=briefwire --auth=trust --encoding=UTF8 --locale=C --no-sync >log 2>&1
    for port in "$@"; do
        if [ "$port" != "$primary" ]; then
            "$bin/pg_basebackup" -h 127.0.0.1 -p "$primary" -U briefwire -D "$port" -R -X stream -c fast --no-sync >>log 2>&1
        fi
        "$bin/pg_ctl" -D "$port" -w -l "log-$port" start \
            -o "-p $port -h 127.0.0.1 -k '' -c fsync=off -c max_connections=200" >>log 2>&1
    done
    echo "$directory"
    cat >/dev/null
    for port in "$@"; do "$bin/pg_ctl" -D "$port" -m immediate -t 5 stop >>log 2>&1 || true; done
    rm -rf "$directory"
"#;

/// The servers.
pub struct Cluster {
    directory: PathBuf,
    ports: [u16; 3],
    /// While its standard input is open, the servers run.
    process: Child,
}

impl Cluster {
    /// None where there is no PostgreSQL.
    pub fn start() -> Option<Self> {
        let binaries = postgres::required(postgres::binaries())?;
        let ports = [0; 3].map(|_| postgres::free_port());
        let mut process = postgres::as_ordinary_user("sh")
            .args(["-c", SERVE_UNTIL_STDIN_ENDS, "sh"])
            .arg(binaries)
            .args(ports.map(|port| port.to_string()))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut directory = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut directory).expect("UTF-8");
        assert!(!directory.is_empty(), "PostgreSQL and its replicas do not start");
        let cluster = Self { directory: directory.trim_end().into(), ports, process };
        db::migrate(&cluster.location(cluster.ports[0])).expect("the migrations run");
        Some(cluster)
    }

    /// The database of the primary, read from the replicas too.
    pub fn database(&self) -> Database {
        let [primary, replicas @ ..] = self.ports.map(url);
        Database::replicated(primary, replicas.map(|url| url.parse().expect("a PostgreSQL URL")).into())
    }

    /// How often a replica has looked at briefs.
    pub fn reads(&self, replica: usize) -> i64 {
        #[derive(QueryableByName)]
        struct Reads {
            #[diesel(sql_type = BigInt)]
            reads: i64,
        }
        let statement = "SELECT coalesce(sum(idx_scan + seq_scan), 0)::bigint AS reads \
            FROM pg_stat_user_tables WHERE relname = 'briefs'";
        let mut connection = db::connect(&self.location(self.ports[1 + replica])).expect("the replica answers");
        diesel::sql_query(statement).get_result::<Reads>(&mut connection).expect("its statistics").reads
    }

    /// Lets a replica fall behind.
    pub fn hold_back(&self, replica: usize) {
        let mut connection = db::connect(&self.location(self.ports[1 + replica])).expect("the replica answers");
        connection.batch_execute("SELECT pg_wal_replay_pause()").expect("it stops to follow");
    }

    /// Ends a replica at once.
    pub fn kill(&self, replica: usize) {
        self.signal(replica, "-QUIT");
    }

    /// Makes a replica hang, with all of its connections.
    pub fn freeze(&self, replica: usize) {
        self.signal(replica, "-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self, replica: usize) {
        self.signal(replica, "-CONT");
    }

    fn signal(&self, replica: usize, signal: &str) {
        let file = self.directory.join(self.ports[1 + replica].to_string()).join("postmaster.pid");
        let contents = std::fs::read_to_string(file).expect("it runs");
        let server = contents.lines().next().expect("its process");
        let children = Command::new("pgrep").args(["-P", server]).output().expect("pgrep").stdout;
        let children = String::from_utf8(children).expect("UTF-8");
        let processes = [server].into_iter().chain(children.lines().filter(|_| signal != "-QUIT"));
        // A connection may have ended in the meantime.
        drop(Command::new("kill").arg(signal).args(processes).output().expect("kill"));
    }

    fn location(&self, port: u16) -> Location {
        url(port).parse().expect("a PostgreSQL URL")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // What hangs cannot end.
        for replica in 0..2 {
            if self.directory.join(self.ports[1 + replica].to_string()).join("postmaster.pid").exists() {
                self.thaw(replica);
            }
        }
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

fn url(port: u16) -> String {
    format!("postgres://briefwire@127.0.0.1:{port}/postgres")
}
