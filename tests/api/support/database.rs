//! A fresh database, gone at the end of its test.

use std::sync::atomic::{AtomicU32, Ordering};

use briefwire::db::{self, Connection, Db, Location};
use briefwire::journal;
use tempfile::TempDir;

use super::postgres;

/// A fresh database with the schema in place.
pub struct Database {
    url: String,
    replicas: Vec<Location>,
    place: Place,
}

enum Place {
    File(#[expect(dead_code, reason = "it is there to be dropped")] TempDir),
    Server {
        name: String,
        server: &'static postgres::Server,
    },
    /// Somebody else's to drop.
    Elsewhere,
}

impl Database {
    pub fn on_sqlite() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let url = format!("sqlite://{}", directory.path().join("briefwire.db").display());
        let database = Self { url, replicas: Vec::new(), place: Place::File(directory) };
        db::migrate(&database.location()).expect("the migrations run");
        database
    }

    /// None where there is no PostgreSQL.
    pub fn on_postgres() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = postgres::server()?;
        let name = format!("briefwire_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        server.create_database(&name);
        Some(Self { url: server.url_of(&name), replicas: Vec::new(), place: Place::Server { name, server } })
    }

    /// Another fresh one, of the same kind.
    pub fn another(&self) -> Self {
        match self.place {
            Place::File(_) => Self::on_sqlite(),
            Place::Server { .. } => Self::on_postgres().expect("the server that serves this one"),
            Place::Elsewhere => panic!("ask the one that it is of"),
        }
    }

    /// This one once more. It goes with the one that it is of.
    pub fn same(&self) -> Self {
        Self { url: self.url.clone(), replicas: self.replicas.clone(), place: Place::Elsewhere }
    }

    /// Somebody else's, with replicas to read from.
    pub fn replicated(url: String, replicas: Vec<Location>) -> Self {
        Self { url, replicas, place: Place::Elsewhere }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn location(&self) -> Location {
        self.url.parse().expect("a database URL")
    }

    pub fn open(&self) -> Db {
        Db::open_with_replicas(&self.location(), 2, &self.replicas, journal::move_heads).expect("the database opens")
    }

    /// A connection past the server, to look at the tables themselves.
    pub fn connect(&self) -> Connection {
        db::connect(&self.location()).expect("the database answers")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Place::Server { name, server } = &self.place {
            server.drop_database(name);
        }
    }
}
