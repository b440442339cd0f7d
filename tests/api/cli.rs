//! The command line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::support::command::{Started, briefwire, run, run_with_input};
use crate::support::make::{With, actor, brief, category, published};
use crate::support::{Client, Database, TestApp, wait_until};

on_both![
    a_key_is_printed_alone_and_works_at_once,
    keys_are_listed_without_their_secrets_and_revoked,
    an_import_with_a_bad_line_keeps_the_good_ones_and_fails,
    what_was_exported_is_imported_again_without_a_change,
    an_import_reads_from_a_pipe_too,
    a_server_writes_while_another_process_imports,
    an_export_prints_what_the_api_exports,
    the_demo_says_where_to_look_first,
    a_server_finishes_what_is_under_way_before_it_stops,
    migrations_run_once,
];

fn a_key_is_printed_alone_and_works_at_once(app: &TestApp) {
    let url = app.database().url();
    let create = |arguments: &[&str]| run(url, &[&["keys", "create", "--name", "A desk"], arguments].concat());
    let printed = create(&["--role", "editor"]).expect(0).stdout;
    let key = printed.strip_suffix('\n').expect("one line");
    assert!(
        key.starts_with("bw_") && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)),
        "{printed:?}"
    );
    app.as_(key).create("actors", actor("a", "A"));

    let partner = create(&["--role", "reader", "--clearance", "TLP:AMBER+STRICT"]).expect(0).stdout;
    app.as_(partner.trim()).get("/v1/briefs").expect(200);
    for wrong in [&["--role", "owner"][..], &["--role", "editor", "--clearance", "RED"], &[]] {
        let refused = create(wrong).expect(2);
        assert!(refused.stdout.is_empty() && !refused.stderr.is_empty());
    }
}

fn keys_are_listed_without_their_secrets_and_revoked(app: &TestApp) {
    let url = app.database().url();
    let key =
        run(url, &["keys", "create", "--role", "publisher", "--name", "Soon gone"]).expect(0).stdout.trim().to_owned();
    let list = run(url, &["keys", "list"]).expect(0).stdout;
    let line = list.lines().find(|line| line.contains("Soon gone")).expect("the key is listed");
    let secret = key.splitn(3, '_').nth(2).expect("a secret");
    assert!(line.contains("publisher") && line.contains("TLP:RED") && !list.contains(secret), "{list}");

    let id = line.split_whitespace().next().expect("an id");
    run(url, &["keys", "revoke", id]).expect(0);
    app.as_(&key).get("/v1/briefs").problem(401, "unauthenticated");
    assert!(run(url, &["keys", "list"]).stdout.contains("revoked"));
    run(url, &["keys", "revoke", "nonsense"]).expect(1);
    run(url, &["keys", "revoke", "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c"]).expect(1);
}

fn an_import_with_a_bad_line_keeps_the_good_ones_and_fails(app: &TestApp) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("lines.ndjson");
    let lines = [
        r#"{"type":"category","slug":"good","name":"Good"}"#,
        r#"{"type":"actor","slug":"bad","name":"Bad","kind":"company"}"#,
        "nonsense",
    ];
    std::fs::write(&file, lines.join("\n")).expect("the file is written");
    let path = file.to_str().expect("a path");
    let outcome = run(app.database().url(), &["import", path]).expect(1);
    assert_eq!(outcome.stdout.trim(), "1 created, 0 updated, 0 unchanged, 2 failed");
    let verdicts: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("line ")).collect();
    assert!(verdicts[0].starts_with("line 2: /kind: ") && verdicts[1].starts_with("line 3: "), "{verdicts:?}");
    assert_eq!(app.get("/v1/categories").expect(200).slugs(), ["good"]);

    std::fs::write(&file, lines[0]).expect("the file is written");
    let again = run(app.database().url(), &["import", path]).expect(0);
    assert_eq!(again.stdout.trim(), "0 created, 0 updated, 1 unchanged, 0 failed");
    let missing = run(app.database().url(), &["import", "no-such-file.ndjson"]).expect(1);
    assert!(missing.stderr.contains("no-such-file.ndjson"), "{}", missing.stderr);
}

fn what_was_exported_is_imported_again_without_a_change(app: &TestApp) {
    app.with_cast();
    for (slug, language) in [("page", "en"), ("stranitsa", "ru"), ("staronka", "be")] {
        let translations = if slug == "page" { json!([]) } else { json!(["page"]) };
        app.publisher().create(
            "briefs",
            published(slug, "2017-07-31").with(json!({"language": language, "translations": translations})),
        );
    }
    let exported = run(app.database().url(), &["export"]).expect(0).stdout;
    let copy = app.database().another();
    let import = || run_with_input(copy.url(), &["import", "-"], exported.as_bytes()).expect(0).stdout;
    let count = exported.lines().count();
    assert_eq!(import().trim(), format!("{count} created, 0 updated, 0 unchanged, 0 failed"));
    assert_eq!(import().trim(), format!("0 created, 0 updated, {count} unchanged, 0 failed"));
    assert_eq!(run(copy.url(), &["export"]).expect(0).stdout.lines().count(), count);
}

fn an_import_reads_from_a_pipe_too(app: &TestApp) {
    let line = b"{\"type\":\"category\",\"slug\":\"piped\",\"name\":\"Piped\"}\n";
    run_with_input(app.database().url(), &["import", "-"], line).expect(0);
    assert_eq!(app.get("/v1/categories").expect(200).slugs(), ["piped"]);
}

fn a_server_writes_while_another_process_imports(app: &TestApp) {
    app.with_category().editor().create("briefs", brief("page"));
    let event = |number| {
        let slug = format!("e-{number}");
        json!({"type": "event", "slug": slug, "title": "They met", "kind": "meeting", "occurred": "2017-07-25"})
    };
    let lines: String = (0..4_000).map(|number| format!("{}\n", event(number))).collect();
    let importing = AtomicBool::new(true);
    let written = thread::scope(|scope| {
        scope.spawn(|| {
            let report = run_with_input(app.database().url(), &["import", "-"], lines.as_bytes());
            importing.store(false, Ordering::Relaxed);
            report.expect(0)
        });
        let mut written = 0;
        while importing.load(Ordering::Relaxed) {
            written += 1;
            let change = json!({"title": format!("Title {written}")});
            app.editor().patch("/v1/briefs/page", change).expect(200);
        }
        written
    });
    assert!(written >= 10, "{written} writes came to their turn beside the import");
}

fn an_export_prints_what_the_api_exports(app: &TestApp) {
    app.with_cast();
    app.publisher().create("briefs", crate::support::make::weekly_page("page"));
    let printed = run(app.database().url(), &["export"]).expect(0).stdout;
    assert_eq!(printed, app.admin().get("/v1/export").expect(200).text());
    assert!(printed.contains("page-protocol"));
}

fn the_demo_says_where_to_look_first(app: &TestApp) {
    let database = app.database().another();
    let mut server = serve(&database, &["--demo"]);
    let said = server.printed_until("key");
    let first_page =
        said.split_whitespace().find(|word| word.starts_with("http")).unwrap_or_else(|| panic!("no URL in {said}"));
    let key =
        said.split_whitespace().find(|word| word.starts_with("bw_")).unwrap_or_else(|| panic!("no key in {said}"));

    let path = first_page.strip_prefix(server.client.url()).unwrap_or_else(|| panic!("{first_page} is elsewhere"));
    let page = server.client.get(path).expect(200).json();
    assert_eq!(page["category"]["slug"], "security");
    let publisher = server.client.with("Authorization", format!("Bearer {key}"));
    publisher.create("categories", category("new", "New"));
    publisher.post("/v1/keys", json!({"name": "x", "role": "reader"})).problem(403, "forbidden");
    server.stops_with(0);

    let mut again = serve(&database, &["--demo"]);
    assert!(again.printed_until("demo").contains("not empty"));
    again.stops_with(0);
}

fn a_server_finishes_what_is_under_way_before_it_stops(app: &TestApp) {
    app.with_category();
    let key = app.key("editor", None);
    let mut server = serve(app.database(), &[]);
    let body = brief("under-way").to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let mut stream = TcpStream::connect(server.client.url().trim_start_matches("http://")).expect("the server listens");
    write!(
        stream,
        "POST /v1/briefs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n{first}",
        body.len()
    )
    .expect("the server reads");
    // A request is under way when a worker has it, not when it has been sent.
    let mut begun = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut begun).expect("the server has begun");
    assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.started.terminate();
    wait_until(|| TcpStream::connect(server.client.url().trim_start_matches("http://")).is_err());
    stream.write_all(second.as_bytes()).expect("the server still reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server still answers");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    server.stops_with(0);
    app.editor().get("/v1/briefs/under-way").expect(200);
}

fn migrations_run_once(app: &TestApp) {
    let again = run(app.database().url(), &["migrate"]).expect(0);
    assert_eq!(again.stdout.trim(), "0 migrations applied");
}

#[test]
fn an_unknown_database_is_refused_and_never_guessed() {
    let directory = tempfile::tempdir().expect("a directory");
    for url in [
        "mysql://user:secret@localhost/briefwire",
        "briefwire.db",
        "SQLITE:briefwire.db",
        "sqlite://",
        "file:briefwire.db",
        "",
    ] {
        for command in [&["migrate"][..], &["serve"], &["export"], &["keys", "list"]] {
            let mut command = briefwire(command);
            let outcome: crate::support::command::Outcome = command
                .env("DATABASE_URL", url)
                .current_dir(directory.path())
                .output()
                .expect("the command runs")
                .into();
            let outcome = outcome.expect(1);
            assert!(outcome.stderr.contains("names no database"), "{url}: {}", outcome.stderr);
            assert!(!outcome.stderr.contains("secret") && !outcome.stderr.contains("panicked"), "{}", outcome.stderr);
        }
    }
    assert_eq!(std::fs::read_dir(directory.path()).expect("the directory").count(), 0, "nothing is made");
    let flag = briefwire(&["migrate", "--database-url", "oracle://x"]).output().expect("the command runs");
    assert_eq!(flag.status.code(), Some(1));
}

#[test]
fn a_health_check_tells_by_its_exit_code() {
    let database = Database::on_sqlite();
    let mut server = serve(&database, &[]);
    let listen = server.client.url().trim_start_matches("http://").to_owned();
    run(database.url(), &["health", "--listen", &listen]).expect(0);
    server.stops_with(0);
    run(database.url(), &["health", "--listen", &listen]).expect(1);
}

#[test]
fn a_taken_port_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let outcome = run(Database::on_sqlite().url(), &["serve", "--listen", &address]).expect(1);
    assert!(outcome.stderr.contains("in use"), "{}", outcome.stderr);
}

/// A server as an operator starts it.
struct Server {
    started: Started,
    client: Client,
    printed: BufReader<std::process::ChildStdout>,
}

fn serve(database: &Database, arguments: &[&str]) -> Server {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let listen = format!("127.0.0.1:{port}");
    let mut command = briefwire(&[&["serve", "--workers", "1", "--listen", &listen], arguments].concat());
    command.env("DATABASE_URL", database.url()).env("BRIEFWIRE_LOG", "warn").stdout(Stdio::piped());
    let mut child = command.spawn().expect("the server starts");
    let printed = BufReader::new(child.stdout.take().expect("a pipe"));
    let server = Server { started: Started(child), client: Client::new(&format!("http://{listen}")), printed };
    wait_until(|| TcpStream::connect(&listen).is_ok());
    server.client.get("/health/live").expect(200);
    server
}

impl Server {
    /// Its lines on standard output, up to the one with this word.
    fn printed_until(&mut self, word: &str) -> String {
        let mut said = String::new();
        while !said.to_lowercase().contains(word) {
            let read = self.printed.read_line(&mut said).expect("the server prints");
            assert!(read > 0, "the server never said {word}: {said}");
        }
        said
    }

    fn stops_with(&mut self, code: i32) {
        if self.started.0.try_wait().expect("a child").is_none() {
            self.started.terminate();
        }
        let mut status = None;
        wait_until(|| {
            status = self.started.0.try_wait().expect("a child");
            status.is_some()
        });
        assert_eq!(status.and_then(|status| status.code()), Some(code));
    }
}
