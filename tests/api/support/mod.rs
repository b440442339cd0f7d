//! What the tests stand on: a server over a fresh database ([`TestApp`]), a client for it ([`Client`]), and resources
//! to send to it ([`make`]).

use std::time::{Duration, Instant};

use serde_json::Value;

mod app;
mod client;
pub mod cluster;
pub mod command;
mod database;
mod endpoint;
pub mod make;
mod postgres;
pub mod writers;

pub use app::TestApp;
pub use client::{Answer, Client};
pub use database::Database;
pub use endpoint::{Endpoint, Received};

/// The slugs of a list of links, in its order; what has none is left out.
#[track_caller]
pub fn slugs_in(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    list.iter().filter_map(|item| item["slug"].as_str()).map(ToOwned::to_owned).collect()
}

pub fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

/// For what the server does in its own time.
#[track_caller]
pub fn wait_until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs each of these functions as a test on SQLite, and as another on PostgreSQL.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn on_sqlite() {
                super::$name(&crate::support::TestApp::on_sqlite());
            }

            #[test]
            fn on_postgres() {
                if let Some(app) = crate::support::TestApp::on_postgres() {
                    super::$name(&app);
                }
            }
        }
    )+};
}
