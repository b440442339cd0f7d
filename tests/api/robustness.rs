//! Clients that are slow, many, or ask for too much do not keep others from being served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use briefwire::db::DbError;
use serde_json::json;

use crate::support::make::actor;
use crate::support::{Client, TestApp};

on_both!(
    slow_clients_keep_nobody_waiting,
    idle_connections_keep_nobody_waiting,
    what_is_larger_than_any_request_is_refused,
    a_revoked_key_is_refused_at_once_on_every_server,
    writers_without_a_precondition_lose_no_version,
    writes_that_wait_share_a_commit,
);

fn connect(client: &Client) -> TcpStream {
    let stream = TcpStream::connect(client.url().trim_start_matches("http://")).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream
}

fn is_quick(client: &Client) {
    let started = Instant::now();
    client.get("/v1/actors").expect(200);
    assert!(started.elapsed() < Duration::from_secs(2), "it took {:?}", started.elapsed());
}

fn slow_clients_keep_nobody_waiting(app: &TestApp) {
    let key = app.key("editor", None);
    let bodies: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = connect(app);
            let head = format!(
                "POST /v1/actors HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
                 Content-Length: 100\r\n\r\n{{"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let mut heads: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = connect(app);
            stream.write_all(b"GET /v1/actors HTTP/1.1\r\nHost: x\r\nX-Slow").unwrap();
            stream
        })
        .collect();
    is_quick(app);
    app.editor().post("/v1/actors", actor("a", "A")).expect(201);
    // A head that does not end is not waited for without end.
    let mut answer = Vec::new();
    heads[0].read_to_end(&mut answer).expect("the server closes");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    drop(bodies);
}

fn idle_connections_keep_nobody_waiting(app: &TestApp) {
    let idle: Vec<TcpStream> = (0..500).map(|_| connect(app)).collect();
    is_quick(app);
    drop(idle);
}

fn what_is_larger_than_any_request_is_refused(app: &TestApp) {
    let line = format!("GET /v1/actors?kind={} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(300_000));
    let many: String = (0..5000).map(|number| format!("X-{number}: {}\r\n", "y".repeat(100))).collect();
    for request in [line, format!("GET /v1/actors HTTP/1.1\r\nHost: x\r\n{many}\r\n")] {
        let mut stream = connect(app);
        // The server may stop listening before it has heard all, and then the rest cannot be sent.
        stream.write_all(request.as_bytes()).ok();
        stream.shutdown(std::net::Shutdown::Write).ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{}", &answer[..answer.len().min(200)]);
    }
    is_quick(app);
}

fn a_revoked_key_is_refused_at_once_on_every_server(app: &TestApp) {
    let other = app.beside();
    let made = app.admin().post("/v1/keys", json!({"name": "x", "role": "editor"})).expect(201).json();
    let key = made["key"].as_str().unwrap();
    app.as_(key).get("/v1/actors").expect(200);
    other.as_(key).get("/v1/actors").expect(200);
    app.admin().delete(&format!("/v1/keys/{}", made["id"].as_str().unwrap())).expect(204);
    app.as_(key).get("/v1/actors").problem(401, "unauthenticated");
    other.as_(key).get("/v1/actors").problem(401, "unauthenticated");
}

fn writers_without_a_precondition_lose_no_version(app: &TestApp) {
    app.editor().create("actors", actor("a", "Name"));
    let (writers, each) = (6, 5);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            scope.spawn(move || {
                for number in 0..each {
                    let name = json!({"name": format!("Name by {writer} as {number}")});
                    app.editor().patch("/v1/actors/a", name).expect(200);
                }
            });
        }
    });
    let versions = app.editor().get("/v1/actors/a/revisions?limit=100").expect(200).rows();
    assert_eq!(versions.len(), 1 + writers * each);
    let mut names: Vec<String> = (1..=versions.len())
        .map(|version| app.get(&format!("/v1/actors/a/revisions/{version}?fields=name")).expect(200).text())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 1 + writers * each, "each version says what its writer said");
}

/// How long a server's group goes on while others wait.
const SHORTEST_FULL_GROUP: Duration = Duration::from_millis(20);

fn writes_that_wait_share_a_commit(app: &TestApp) {
    let db = app.database().open();
    let before = *db.commits().borrow();
    let all_wait = Arc::new(Barrier::new(2));
    let first_waits = Arc::clone(&all_wait);
    let writes = db.begin_writing_each(0..200, move |_, number| {
        if number == 0 {
            first_waits.wait();
        }
        if number % 10 == 9 { Err(DbError::Unavailable("this one fails".into())) } else { Ok(number) }
    });
    let begun = Instant::now();
    all_wait.wait();
    let outcomes = writes.unwrap().wait().unwrap();
    let groups = begun.elapsed().as_millis() / SHORTEST_FULL_GROUP.as_millis();
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_ok(), number % 10 != 9, "write {number}");
    }
    // That of the first, one for all others, and one more for each time that a group may have ended while others waited.
    let commits = *db.commits().borrow() - before;
    assert!(u128::from(commits) <= 2 + groups, "200 writes took {commits} commits");
}
