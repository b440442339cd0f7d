//! Reading from streaming replicas: who wrote is answered as if there were none, whatever becomes of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use briefwire::config::Config;
use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::make::published;
use crate::support::{Client, TestApp, command, wait_until};

const WRITES: usize = 120;
/// What is older than this may be shown to nobody.
const PROMISED: Duration = Duration::from_secs(1);

/// What was answered to the writer, and when.
#[derive(Default)]
struct Written {
    answered: Mutex<Vec<Instant>>,
    is_over: AtomicBool,
}

impl Written {
    /// How many writes had been answered by then.
    fn by(&self, time: Instant) -> usize {
        self.answered.lock().unwrap().iter().filter(|at| **at <= time).count()
    }
}

/// Tells the readers that no more is written.
struct Over<'w>(&'w Written);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

fn unremembering(config: &mut Config) {
    config.answer_memory = 0;
}

fn write_of(client: &Client, path: &str) -> usize {
    let brief = client.get(path).expect(200).json();
    let brief = brief.get("data").map_or(&brief, |rows| &rows[0]);
    brief["title"].as_str().unwrap().strip_prefix("Write ").unwrap().parse().unwrap()
}

#[test]
fn nobody_is_answered_from_too_long_ago_while_replicas_lag_and_end_and_hang() {
    let Some(cluster) = Cluster::start() else { return };
    let writing = &TestApp::configured(cluster.database(), unremembering);
    let beside = &TestApp::configured(cluster.database(), unremembering);
    let remembering = &TestApp::configured(cluster.database(), |_| {});
    writing.with_category();
    writing.publisher().create("briefs", published("one", "2017-07-31"));
    writing.publisher().patch("/v1/briefs/one", json!({"title": "Write 0"})).expect(200);
    for replica in 0..2 {
        let before = cluster.reads(replica);
        wait_until(|| {
            write_of(writing, "/v1/briefs/one");
            write_of(beside, "/v1/briefs?limit=1");
            cluster.reads(replica) > before
        });
    }

    let written = &Written::default();
    thread::scope(|scope| {
        for path in ["/v1/briefs/one", "/v1/briefs?limit=1"] {
            scope.spawn(move || {
                while_written(written, || {
                    let least = written.by(Instant::now());
                    let shown = write_of(writing, path);
                    assert!(shown >= least, "{path} shows write {shown} of {least} where they were written");
                })
            });
            for other in [beside, remembering] {
                scope.spawn(move || {
                    while_written(written, || {
                        let least = Instant::now().checked_sub(PROMISED).map_or(0, |then| written.by(then));
                        let shown = write_of(other, path);
                        assert!(shown >= least, "{path} shows write {shown}, a second after write {least}");
                    })
                });
            }
        }
        // Also if something is not as it should be: nobody would end otherwise.
        let _over = Over(written);
        for write in 1..=WRITES {
            match write {
                _ if write == WRITES / 4 => cluster.hold_back(0),
                _ if write == WRITES / 2 => cluster.kill(0),
                _ if write == WRITES * 3 / 4 => cluster.freeze(1),
                _ => {}
            }
            let patched = writing.publisher().patch("/v1/briefs/one", json!({"title": format!("Write {write}")}));
            let position = patched.expect(200).header("briefwire-position");
            written.answered.lock().unwrap().push(Instant::now());
            assert_eq!(write_of(writing, "/v1/briefs/one"), write);
            assert_eq!(write_of(&beside.with("Briefwire-At-Least", position), "/v1/briefs?limit=1"), write);
        }
    });

    cluster.thaw(1);
    let before = cluster.reads(1);
    wait_until(|| {
        assert_eq!(write_of(writing, "/v1/briefs/one"), WRITES);
        cluster.reads(1) > before
    });
}

fn while_written(written: &Written, mut read: impl FnMut()) {
    while !written.is_over.load(Ordering::SeqCst) {
        read();
    }
}

#[test]
fn a_file_has_no_replicas() {
    let app = TestApp::on_sqlite();
    let outcome = command::run(app.database().url(), &["serve", "--read-url", "postgres://nobody@127.0.0.1/nothing"]);
    assert!(outcome.expect(1).stderr.contains("a read URL is for a streaming replica of a PostgreSQL database"));
}
