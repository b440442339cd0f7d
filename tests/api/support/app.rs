//! The real server on a port of its own.

use std::ops::Deref;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use briefwire::access::keys;
use briefwire::app;
use briefwire::config::{Config, WebhookSettings};
use briefwire::db::Db;
use briefwire::vocabulary::{Marking, Role};

use tempfile::TempDir;

use super::{Client, Database};

/// A running server over a fresh database. Used as a [`Client`], it is one without a key.
pub struct TestApp {
    anyone: Client,
    keys: [String; 4],
    #[expect(dead_code, reason = "it is there to be dropped")]
    running: Running,
    db: Db,
    // Dropped last: the server must have let go of them.
    database: Database,
    #[expect(dead_code, reason = "it is there to be dropped")]
    index: TempDir,
}

impl TestApp {
    pub fn on_sqlite() -> Self {
        Self::over(Database::on_sqlite())
    }

    /// None where there is no PostgreSQL.
    pub fn on_postgres() -> Option<Self> {
        Database::on_postgres().map(Self::over)
    }

    /// A server over a database that may hold something already.
    pub fn over(database: Database) -> Self {
        Self::configured(database, |_| {})
    }

    /// The same with other settings.
    pub fn configured(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let db = database.open();
        let listener = app::listen(([127, 0, 0, 1], 0).into()).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let index = TempDir::new().expect("a temporary directory");
        let mut config = Config {
            index_dir: index.path().to_owned(),
            public_url: url.clone(),
            answer_memory: 64 << 20,
            projections: 64 << 20,
            require_if_match: false,
            limits: None,
            trusted_proxies: Vec::new(),
            websub_hub: None,
            webhooks: WebhookSettings {
                allow_private: true,
                retries: vec![Duration::from_millis(50); 100],
                timeout: Duration::from_secs(15),
            },
        };
        change(&mut config);
        let running = Running::start(listener, db.clone(), config);
        let keys = [Role::Reader, Role::Editor, Role::Publisher, Role::Admin].map(|role| create_key(&db, role, None));
        Self { anyone: Client::new(&url), keys, running, db, database, index }
    }

    /// Another server over a fresh database of the same kind.
    pub fn another(&self) -> Self {
        Self::over(self.database.another())
    }

    /// The same with other settings.
    pub fn another_configured(&self, change: impl FnOnce(&mut Config)) -> Self {
        Self::configured(self.database.another(), change)
    }

    /// Another server over this very database.
    pub fn beside(&self) -> Self {
        Self::over(self.database.same())
    }

    /// The same with other settings.
    pub fn beside_configured(&self, change: impl FnOnce(&mut Config)) -> Self {
        Self::configured(self.database.same(), change)
    }

    /// A caller with a key of role reader, cleared for `TLP:CLEAR`.
    pub fn reader(&self) -> Client {
        self.as_(&self.keys[0])
    }

    /// A caller with a key of role editor, cleared for `TLP:RED`.
    pub fn editor(&self) -> Client {
        self.as_(&self.keys[1])
    }

    /// A caller with a key of role publisher, cleared for `TLP:RED`.
    pub fn publisher(&self) -> Client {
        self.as_(&self.keys[2])
    }

    /// A caller with a key of role admin, cleared for `TLP:RED`.
    pub fn admin(&self) -> Client {
        self.as_(&self.keys[3])
    }

    /// A caller with a new key of this role and clearance (such as `editor`, `TLP:GREEN`).
    pub fn cleared(&self, role: &str, clearance: &str) -> Client {
        self.as_(&self.key(role, Some(clearance)))
    }

    /// A new key.
    pub fn key(&self, role: &str, clearance: Option<&str>) -> String {
        let role: Role = role.parse().expect("a role");
        let clearance: Option<Marking> = clearance.map(|marking| marking.parse().expect("a marking"));
        create_key(&self.db, role, clearance)
    }

    /// A caller with this key.
    pub fn as_(&self, key: &str) -> Client {
        self.anyone.with("Authorization", format!("Bearer {key}"))
    }

    /// A caller without a key.
    pub fn anyone(&self) -> &Client {
        &self.anyone
    }

    pub fn database(&self) -> &Database {
        &self.database
    }
}

impl Deref for TestApp {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.anyone
    }
}

fn create_key(db: &Db, role: Role, clearance: Option<Marking>) -> String {
    let (_, key) = db
        .write_blocking(move |connection| keys::create(connection, "a test", role, clearance, None))
        .expect("a key is made");
    key
}

/// The server's thread; stops with its value.
struct Running {
    handle: app::Handle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(listener: std::net::TcpListener, db: Db, config: Config) -> Self {
        let (started, start) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let clock = actix_web::rt::spawn(briefwire::clock::run(db.clone()));
                let server = app::serve(listener, db, config, Some(2)).expect("the server starts");
                started.send(server.handle()).expect("the test waits");
                server.run().await.expect("the server ends well");
                clock.abort();
            });
        });
        Self { handle: start.recv().expect("the server starts"), thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The command is sent by the call; what it returns only waits.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the server panicked");
        }
    }
}
