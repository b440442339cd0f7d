//! The change feed, as those who keep a copy use it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::make::{With, brief, public_event, published};
use crate::support::{Client, TestApp, writers};

on_both!(
    every_change_comes_once_and_in_order,
    a_reader_learns_only_of_what_readers_see,
    what_is_hidden_comes_once_as_removed,
    a_retracted_brief_comes_without_its_text,
    a_brief_changes_through_its_events,
    who_waits_sleeps_though_the_rest_of_a_write_is_hidden,
    a_write_that_changes_nothing_names_a_position_to_go_on_from,
    the_headers_of_a_stream_come_alone,
    the_end_of_an_embargo_is_a_publication,
    who_waits_is_answered_as_soon_as_another_server_writes,
    who_waits_in_vain_is_told_so,
    changes_come_as_server_sent_events,
    a_stream_ends_with_its_key,
    a_copy_starts_from_an_export,
    a_position_that_was_never_reached_is_refused,
    wrong_questions_are_refused,
    a_follower_ends_with_what_is_public_whatever_twenty_writers_do,
);

fn changes(client: &Client, since: i64) -> Vec<Value> {
    client.get(&format!("/v1/changes?limit=100&since={since}")).expect(200).rows()
}

/// What was said of a resource, in order.
fn said(rows: &[Value], id: &Value) -> Vec<String> {
    rows.iter().filter(|row| row["id"] == *id).map(|row| row["change"].as_str().unwrap().to_owned()).collect()
}

fn every_change_comes_once_and_in_order(app: &TestApp) {
    app.with_category();
    let page = app.editor().create("briefs", brief("page"));
    app.editor().patch("/v1/briefs/page", json!({"title": "Second"})).expect(200);
    app.publisher().post_empty("/v1/briefs/page/publish").expect(200);
    app.publisher().post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "x"})).expect(201);
    app.publisher().post("/v1/briefs/page/retract", json!({"reason": "forged"})).expect(200);
    let all = changes(&app.editor(), 0);
    assert_eq!(said(&all, &page["id"]), ["created", "updated", "published", "corrected", "retracted"]);
    let positions: Vec<i64> = all.iter().map(|row| row["position"].as_i64().unwrap()).collect();
    assert!(positions.is_sorted_by(|one, next| one < next), "{positions:?}");
    let (mut since, mut paged) = (0, Vec::new());
    loop {
        let answer = app.editor().get(&format!("/v1/changes?limit=2&since={since}")).expect(200).json();
        let next = answer["page"]["next"].as_i64().unwrap();
        let rows = answer["data"].as_array().unwrap();
        if rows.is_empty() {
            assert_eq!(next, since);
            break;
        }
        paged.extend(rows.iter().cloned());
        since = next;
    }
    assert_eq!(paged, all);
    let last = all.iter().rfind(|row| row["id"] == page["id"]).unwrap();
    assert_eq!((&last["resource"], &last["slug"], &last["version"]), (&json!("brief"), &json!("page"), &json!(5)));
    let mut now = app.editor().get("/v1/briefs/page").expect(200).json();
    now.as_object_mut().unwrap().remove("similar");
    assert_eq!(last["current"], now);
}

fn a_reader_learns_only_of_what_readers_see(app: &TestApp) {
    app.with_category();
    let draft = app.editor().create("briefs", brief("draft"));
    let green =
        app.publisher().create("briefs", published("green", "2017-07-31").with(json!({"marking": "TLP:GREEN"})));
    let before = app.get("/v1/changes").expect(200).json()["page"]["next"].as_i64().unwrap();
    app.editor().patch("/v1/briefs/draft", json!({"title": "Second"})).expect(200);
    for client in [app.anyone(), &app.reader()] {
        assert_eq!(said(&changes(client, 0), &draft["id"]), Vec::<String>::new());
        assert_eq!(said(&changes(client, 0), &green["id"]), Vec::<String>::new());
        assert_eq!(client.get("/v1/changes").expect(200).json()["page"]["next"], before);
    }
    let cleared = changes(&app.cleared("reader", "TLP:GREEN"), 0);
    assert_eq!(said(&cleared, &green["id"]), ["published"]);
    app.publisher().patch("/v1/briefs/green", json!({"marking": "TLP:CLEAR"})).expect(200);
    assert_eq!(said(&changes(app, 0), &green["id"]), ["published"]);
}

fn what_is_hidden_comes_once_as_removed(app: &TestApp) {
    app.with_category();
    let kept = app.publisher().create("briefs", published("kept", "2017-07-31"));
    let hidden = app.publisher().create("briefs", published("hidden", "2017-07-31"));
    let deleted = app.publisher().create("briefs", published("deleted", "2017-07-31"));
    let draft = app.publisher().create("briefs", brief("draft"));
    app.publisher().patch("/v1/briefs/hidden", json!({"title": "Second"})).expect(200);
    app.publisher().patch("/v1/briefs/hidden", json!({"marking": "TLP:RED"})).expect(200);
    app.publisher().patch("/v1/briefs/hidden", json!({"title": "Third"})).expect(200);
    app.publisher().delete("/v1/briefs/deleted?reason=old").expect(204);
    app.publisher().delete("/v1/briefs/draft").expect(204);
    let rows = changes(app, 0);
    assert_eq!(said(&rows, &kept["id"]), ["published"]);
    assert_eq!(said(&rows, &draft["id"]), Vec::<String>::new());
    for gone in [&hidden, &deleted] {
        assert_eq!(said(&rows, &gone["id"]), ["removed"]);
        let row = rows.iter().find(|row| row["id"] == gone["id"]).unwrap();
        for member in ["slug", "version", "via", "current"] {
            assert_eq!(row[member], Value::Null, "{row}");
        }
    }
    assert_eq!(said(&changes(&app.editor(), 0), &draft["id"]), ["removed"]);
    app.publisher().patch("/v1/briefs/hidden", json!({"marking": "TLP:CLEAR"})).expect(200);
    let back = said(&changes(app, 0), &hidden["id"]);
    assert_eq!(back.last().map(String::as_str), Some("published"));
    assert!(!back.contains(&"removed".to_owned()), "{back:?}");
}

fn a_retracted_brief_comes_without_its_text(app: &TestApp) {
    app.with_category();
    let page = published("page", "2017-07-31").with(json!({
        "summary": "secret words", "body": "secret words",
        "trends": [{"statement": "secret words", "direction": "stable"}],
    }));
    let page = app.publisher().create("briefs", page);
    app.publisher().post("/v1/briefs/page/retract", json!({"reason": "forged"})).expect(200);
    let answer = app.get("/v1/changes?limit=100").expect(200);
    assert!(!answer.text().contains("secret words"), "{}", answer.text());
    let rows = answer.rows();
    let last = rows.iter().rfind(|row| row["id"] == page["id"]).unwrap();
    assert_eq!((&last["change"], &last["current"]["retraction"]["reason"]), (&json!("retracted"), &json!("forged")));
    assert_eq!(said(&rows, &page["trends"][0]["id"]), ["removed"]);
}

fn a_brief_changes_through_its_events(app: &TestApp) {
    app.with_category();
    let event = app.publisher().create("events", public_event("meeting", "2017-07-25"));
    let page = app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"events": ["meeting"]})));
    let since = app.get("/v1/changes?limit=100").expect(200).json()["page"]["next"].as_i64().unwrap();
    app.publisher().patch("/v1/events/meeting", json!({"title": "They met"})).expect(200);
    let rows = changes(app, since);
    let through: Vec<&Value> = rows.iter().filter(|row| row["id"] == page["id"]).collect();
    let [through] = through[..] else { panic!("one row: {rows:?}") };
    assert_eq!(through["via"], json!({"resource": "event", "id": event["id"]}));
    assert_eq!((&through["change"], &through["version"]), (&json!("updated"), &page["version"]));
    assert_eq!(through["current"]["events"][0]["title"], "They met");
}

fn who_waits_sleeps_though_the_rest_of_a_write_is_hidden(app: &TestApp) {
    app.with_category();
    app.publisher().create("events", public_event("meeting", "2017-07-25"));
    let green = json!({"events": ["meeting"], "marking": "TLP:GREEN"});
    app.publisher().create("briefs", published("green", "2017-07-31").with(green));
    app.publisher().patch("/v1/events/meeting", json!({"title": "They met"})).expect(200);
    let next = app.get("/v1/changes?limit=100").expect(200).json()["page"]["next"].as_i64().unwrap();
    let export = app.get("/v1/export").expect(200).header("briefwire-position").to_owned();
    assert_eq!(next.to_string(), export, "a head that no row leads to would wake for nothing");
    let row = changes(app, 0).into_iter().rfind(|row| row["slug"] == "meeting").unwrap();
    assert!(row["position"].as_i64().unwrap() < next);
}

fn a_write_that_changes_nothing_names_a_position_to_go_on_from(app: &TestApp) {
    app.with_category();
    let editor = app.cleared("editor", "TLP:CLEAR");
    editor.create("briefs", brief("page"));
    app.publisher().create("briefs", published("red", "2017-07-31").with(json!({"marking": "TLP:RED"})));
    let answer = editor.patch("/v1/briefs/page", json!({})).expect(200);
    let position = answer.header("briefwire-position").to_owned();
    editor.get(&format!("/v1/changes?since={position}")).expect(200);
}

fn the_headers_of_a_stream_come_alone(app: &TestApp) {
    app.with("Accept", "text/event-stream").head("/v1/changes").expect(200);
    app.get("/v1/changes").expect(200);
}

fn the_end_of_an_embargo_is_a_publication(app: &TestApp) {
    app.with_category();
    let soon = (chrono::Utc::now() + chrono::TimeDelta::seconds(4)).to_rfc3339();
    let page = app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"embargo_until": soon})));
    let since = app.get("/v1/changes?limit=100").expect(200).json()["page"]["next"].as_i64().unwrap();
    let rows = app.get(&format!("/v1/changes?since={since}&wait=30")).expect(200).rows();
    assert_eq!(said(&rows, &page["id"]), ["published"]);
}

fn who_waits_is_answered_as_soon_as_another_server_writes(app: &TestApp) {
    app.with_category();
    let other = app.beside();
    let since = app.get("/v1/changes").expect(200).json()["page"]["next"].clone();
    let waiting = app.anyone().clone();
    let started = Instant::now();
    let answer = thread::spawn(move || waiting.get(&format!("/v1/changes?since={since}&wait=60")).expect(200).rows());
    other.publisher().create("briefs", published("page", "2017-07-31"));
    let rows = answer.join().unwrap();
    assert_eq!(rows[0]["slug"], "page");
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
}

fn who_waits_in_vain_is_told_so(app: &TestApp) {
    app.with_category();
    let since = app.get("/v1/changes").expect(200).json()["page"]["next"].clone();
    app.editor().create("briefs", brief("hidden"));
    let started = Instant::now();
    let answer = app.get(&format!("/v1/changes?since={since}&wait=1")).expect(200).json();
    assert_eq!(answer, json!({"data": [], "page": {"next": since}}));
    assert!(started.elapsed() >= Duration::from_secs(1));
}

/// Reads events of a stream until there are so many.
fn events(app: &TestApp, headers: &str, count: usize) -> Vec<BTreeMap<String, String>> {
    let mut stream = listen(app, headers);
    let mut events = vec![BTreeMap::new()];
    let mut line = String::new();
    while events.len() <= count {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the stream ended early: {events:?}");
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            events.last_mut().unwrap().insert(name.to_owned(), value.to_owned());
        } else if line.trim_end().is_empty() && !events.last().unwrap().is_empty() {
            events.push(BTreeMap::new());
        }
    }
    events.pop();
    events
}

/// The lines after the headers of an answer to one who asks for events.
fn listen(app: &TestApp, headers: &str) -> BufReader<TcpStream> {
    let address = app.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let request = format!("GET /v1/changes HTTP/1.0\r\nHost: {address}\r\nAccept: text/event-stream\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).unwrap() > 0, "no headers: {head}");
    }
    assert!(head.starts_with("HTTP/1.0 200") && head.contains("text/event-stream"), "{head}");
    stream
}

fn changes_come_as_server_sent_events(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("one", "2017-07-31"));
    let known = changes(app, 0);
    let events_of_past = events(app, "Accept-Encoding: gzip\r\n", known.len());
    let data: Vec<Value> = events_of_past.iter().map(|event| serde_json::from_str(&event["data"]).unwrap()).collect();
    assert_eq!(data, known);
    let last = events_of_past.last().unwrap();
    assert_eq!(last["id"], known.last().unwrap()["position"].to_string());
    assert_eq!(last["event"], "published");
    let writer = app.publisher();
    let writing = thread::spawn(move || writer.create("briefs", published("two", "2017-07-31")));
    let next = events(app, &format!("Last-Event-ID: {}\r\n", last["id"]), 1);
    assert_eq!(serde_json::from_str::<Value>(&next[0]["data"]).unwrap()["slug"], "two");
    writing.join().unwrap();
}

fn a_stream_ends_with_its_key(app: &TestApp) {
    app.with_category();
    let key = app.key("reader", None);
    let mut stream = listen(app, &format!("Authorization: Bearer {key}\r\n"));
    let keys = app.admin().get("/v1/keys").expect(200).rows();
    let made = keys.last().unwrap()["id"].as_str().unwrap().to_owned();
    app.admin().delete(&format!("/v1/keys/{made}")).expect(204);
    app.publisher().create("briefs", published("one", "2017-07-31"));
    app.publisher().create("briefs", published("two", "2017-07-31"));
    let mut rest = String::new();
    while stream.read_line(&mut rest).unwrap() > 0 {}
    assert!(!rest.contains("\"one\""), "{rest}");
}

fn a_copy_starts_from_an_export(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("one", "2017-07-31"));
    let export = app.get("/v1/export").expect(200);
    let position = export.header("briefwire-position").to_owned();
    assert_eq!(changes(app, position.parse().unwrap()), Vec::<Value>::new());
    app.publisher().create("briefs", published("two", "2017-07-31"));
    let rows = changes(app, position.parse().unwrap());
    assert_eq!(rows.iter().map(|row| row["slug"].clone()).collect::<Vec<_>>(), ["two"]);
}

fn a_position_that_was_never_reached_is_refused(app: &TestApp) {
    let problem = app.get("/v1/changes?since=1000000").problem(400, "invalid-parameter");
    assert_eq!(problem["errors"][0]["parameter"], "since");
}

fn wrong_questions_are_refused(app: &TestApp) {
    for (query, parameter) in [
        ("since=-1", "since"),
        ("since=x", "since"),
        ("wait=61", "wait"),
        ("wait=1.5", "wait"),
        ("limit=0", "limit"),
        ("sinse=1", "sinse"),
    ] {
        let problem = app.get(&format!("/v1/changes?{query}")).problem(400, "invalid-parameter");
        assert_eq!(problem["errors"][0]["parameter"], parameter);
    }
    app.with("Accept", "text/html").get("/v1/changes").problem(406, "not-acceptable");
    app.with("Accept", "text/event-stream")
        .with("Last-Event-ID", "x")
        .get("/v1/changes")
        .problem(400, "invalid-parameter");
}

/// What a copy has after it went on from a position: the last that was said of each resource.
fn follow(client: &Client, copy: &mut BTreeMap<String, Value>, since: i64, limit: usize) -> i64 {
    let answer = client.get(&format!("/v1/changes?limit={limit}&since={since}")).expect(200).json();
    for row in answer["data"].as_array().unwrap() {
        let id = row["id"].as_str().unwrap().to_owned();
        match &row["current"] {
            Value::Null => drop(copy.remove(&id)),
            current => drop(copy.insert(id, current.clone())),
        }
    }
    answer["page"]["next"].as_i64().unwrap()
}

fn a_follower_ends_with_what_is_public_whatever_twenty_writers_do(app: &TestApp) {
    for seed in writers::seeds() {
        let app = &app.another();
        writers::set_the_stage(app);
        let (mut copy, mut since, mut rounds) = (BTreeMap::new(), 0, 0);
        writers::while_twenty_write(app, seed, || {
            rounds += 1;
            // Every third round the follower dies before it has noted how far it came.
            let next = follow(app, &mut copy, since, 1 + rounds % 7);
            since = if rounds % 3 == 0 { since } else { next };
        });
        loop {
            let next = follow(app, &mut copy, since, 100);
            if next == since {
                break;
            }
            since = next;
        }
        writers::compare_with_what_is_public(app, copy, seed);
    }
}
