//! Answers that are given again from memory: as fresh as the archive, and each class of callers has its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use briefwire::access::{Audience, Caller};
use briefwire::db::types::Id;
use briefwire::journal::{self, Write};
use briefwire::problem::Problem;
use briefwire::vocabulary::{Change, Kind, Marking};
use serde_json::{Value, json};

use crate::support::command;
use crate::support::make::{With, published};
use crate::support::{Answer, Client, TestApp, sorted, wait_until};

on_both!(
    what_is_asked_again_is_answered_the_same,
    one_who_has_an_answer_is_told_so_from_memory,
    every_answer_stood_at_a_moment_of_the_journal_while_it_was_asked_for,
    what_others_see_is_not_given_to_one_who_may_not_see_it,
    a_write_that_is_hidden_from_a_class_leaves_its_answers_alone,
    what_is_committed_together_is_news_to_those_alone_who_see_it,
    each_class_has_come_to_the_end_of_the_last_write_that_it_sees_anything_of,
    the_grave_of_what_was_hidden_is_found_where_it_is_named,
    who_waits_for_changes_waits_again,
    what_is_accepted_in_several_lines_is_not_given_to_others,
    what_the_command_line_imports_is_seen_within_a_second,
    what_another_server_writes_is_seen_within_a_second,
    without_memory_everything_is_answered_all_the_same,
);

const PAGES: [&str; 8] = [
    "/v1/briefs/one",
    "/v1/briefs?include=trends,actors",
    "/v1/briefs?format=csv&limit=20",
    "/v1/briefs?q=one&facets=category",
    "/feeds/briefs.atom",
    "/feeds/briefs.json",
    "/v1/changes?since=0",
    "/embed/briefs/one",
];

fn what_is_asked_again_is_answered_the_same(app: &TestApp) {
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    // Within the second of the last change its time is not told exactly.
    let date = || app.get(PAGES[0]).expect(200).header("last-modified");
    wait_until(|| app.with("If-Modified-Since", date()).get(PAGES[0]).status == 304);
    for page in PAGES {
        for client in [app.anyone(), &app.with("Origin", "https://www.example.org"), &app.editor(), &app.reader()] {
            for coding in ["identity", "gzip", "br"] {
                let client = client.with("Accept-Encoding", coding);
                let (first, again) = (client.get(page).expect(200), client.get(page).expect(200));
                let head = client.head(page).expect(200);
                assert_eq!(first.body, again.body, "{page} {coding}");
                assert_eq!(lasting_headers(&first), lasting_headers(&again), "{page} {coding}");
                assert_eq!(lasting_headers(&first), lasting_headers(&head), "{page} {coding}");
                assert!(head.body.is_empty(), "{page} {coding}");
                assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
            }
        }
    }
}

/// The headers of an answer that do not belong to its request alone.
fn lasting_headers(answer: &Answer) -> Vec<(String, String)> {
    let own = ["x-request-id", "date", "content-length", "transfer-encoding"];
    let lasting = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut lasting: Vec<_> =
        lasting.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    lasting.sort();
    // The names in this one have no order.
    lasting.retain(|(name, _)| name != "access-control-expose-headers");
    lasting
}

fn one_who_has_an_answer_is_told_so_from_memory(app: &TestApp) {
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    for page in PAGES {
        for coding in ["identity", "gzip"] {
            let client = app.with("Accept-Encoding", coding);
            let tag = client.get(page).expect(200).header("etag");
            let known = client.with("If-None-Match", &tag);
            for _ in 0..2 {
                let told = known.get(page).expect(304);
                assert_eq!(told.header("etag"), tag);
                assert!(told.headers.get("content-type").is_none() && told.body.is_empty(), "{page}");
            }
            assert_eq!(client.with("If-None-Match", "\"another\"").get(page).expect(200).header("etag"), tag);
            client.with("If-None-Match", "*").get(page).expect(304);
        }
    }
    // Also where only that has been answered so far, and so no more is known.
    let fields = "/v1/briefs/one?fields=slug";
    let tag = app.editor().get(fields).expect(200).header("etag");
    for _ in 0..2 {
        app.reader().with("If-None-Match", &tag).get(fields).expect(304);
    }
    assert_eq!(app.reader().get(fields).expect(200).json(), json!({"slug": "one"}));
}

const BRIEFS: usize = 3;
const WRITES: usize = 40;

/// What a brief is after so many writes: every third time it is hidden from those who have no clearance.
fn state_of(write: usize) -> Value {
    json!({"title": format!("Write {write}"), "marking": if write % 3 == 2 { "TLP:RED" } else { "TLP:CLEAR" }})
}

fn is_hidden_after(write: usize) -> bool {
    state_of(write)["marking"] == "TLP:RED"
}

/// How far the writing has come: how many writes of each brief were sent, and the last position that was answered.
#[derive(Default)]
struct Progress {
    sent: [AtomicUsize; BRIEFS],
    answered: AtomicI64,
    is_over: AtomicBool,
}

/// What one answer said, and when it was asked for.
struct Seen {
    page: String,
    /// The position of the last write that was answered before.
    earliest: i64,
    /// How many writes of each brief had been sent at its end.
    sent: [usize; BRIEFS],
    /// The title that each brief has in it; None of those that the page is not about.
    titles: [Option<Option<Value>>; BRIEFS],
}

fn every_answer_stood_at_a_moment_of_the_journal_while_it_was_asked_for(app: &TestApp) {
    app.with_category();
    for brief in 0..BRIEFS {
        app.publisher().create("briefs", published(&format!("brief-{brief}"), "2017-07-31").with(state_of(0)));
    }
    let progress = &Progress::default();
    let seen: Vec<(bool, Vec<Seen>)> = thread::scope(|scope| {
        let writers: Vec<_> =
            (0..BRIEFS).map(|brief| scope.spawn(move || write_again_and_again(app, brief, progress))).collect();
        let readers = [false, true, false, true].map(|sees_all| {
            let client = if sees_all { app.publisher() } else { app.anyone().clone() };
            scope.spawn(move || (sees_all, read_until_it_is_over(&client, progress)))
        });
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        progress.is_over.store(true, Ordering::SeqCst);
        assert!(ended.iter().all(Result::is_ok), "a writer failed");
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    let journal = writes_in_the_journal(app);
    assert_eq!(journal.len(), BRIEFS * (WRITES + 1));
    for (sees_all, answers) in seen {
        assert!(!answers.is_empty());
        for answer in answers {
            assert_stood(&journal, &answer, sees_all);
        }
    }
}

fn write_again_and_again(app: &TestApp, brief: usize, progress: &Progress) {
    for write in 1..=WRITES {
        progress.sent[brief].store(write, Ordering::SeqCst);
        let answer = app.publisher().patch(&format!("/v1/briefs/brief-{brief}"), state_of(write)).expect(200);
        let position = answer.header("briefwire-position").parse().unwrap();
        progress.answered.fetch_max(position, Ordering::SeqCst);
    }
}

/// Reads single briefs, a list and a feed in turn, and asks only for what has changed.
fn read_until_it_is_over(client: &Client, progress: &Progress) -> Vec<Seen> {
    let mut had: HashMap<&str, (String, Value)> = HashMap::new();
    let singles: Vec<String> = (0..BRIEFS).map(|brief| format!("/v1/briefs/brief-{brief}")).collect();
    let mut seen = Vec::new();
    while !progress.is_over.load(Ordering::SeqCst) {
        for page in singles.iter().map(String::as_str).chain(["/v1/briefs", "/feeds/briefs.json"]) {
            let earliest = progress.answered.load(Ordering::SeqCst);
            let answer = match had.get(page) {
                Some((tag, _)) => client.with("If-None-Match", tag).get(page),
                None => client.get(page),
            };
            let sent = progress.sent.each_ref().map(|sent| sent.load(Ordering::SeqCst));
            let body = match answer.status {
                304 => had[page].1.clone(),
                200 => answer.json(),
                404 => Value::Null,
                _ => panic!("{}", answer.whole()),
            };
            let titles = std::array::from_fn(|brief| {
                let slug = format!("brief-{brief}");
                let is_about = !page.starts_with("/v1/briefs/") || page.ends_with(&slug);
                is_about.then(|| title_in(&body, &slug).cloned())
            });
            if answer.status == 200 {
                had.insert(page, (answer.header("etag"), body));
            }
            seen.push(Seen { page: page.to_owned(), earliest, sent, titles });
        }
    }
    seen
}

/// Every write of a brief by its position: which brief, and the number of its write.
fn writes_in_the_journal(app: &TestApp) -> Vec<(i64, usize, usize)> {
    let publisher = app.publisher();
    let after = |since: i64| publisher.get(&format!("/v1/changes?limit=100&since={since}")).expect(200).rows();
    let mut rows = after(0);
    while let Some(last) = rows.last().map(|row| row["position"].as_i64().unwrap()) {
        let more = after(last);
        if more.is_empty() {
            break;
        }
        rows.extend(more);
    }
    let of_briefs = rows.iter().filter(|row| row["resource"] == "brief");
    of_briefs
        .map(|row| {
            let slug = row["slug"].as_str().unwrap();
            let brief = slug.strip_prefix("brief-").unwrap().parse().unwrap();
            let write = usize::try_from(row["version"].as_u64().unwrap()).unwrap() - 1;
            (row["position"].as_i64().unwrap(), brief, write)
        })
        .collect()
}

/// There is one position, no earlier than what was answered before and no later than what was sent by the end, at which all that an
/// answer says stood at once.
fn assert_stood(journal: &[(i64, usize, usize)], seen: &Seen, sees_all: bool) {
    let Seen { page, earliest, sent, titles } = seen;
    let mut last = [0; BRIEFS];
    let mut agrees = false;
    for (place, (_, brief, write)) in journal.iter().enumerate() {
        last[*brief] = *write;
        let is_before = journal.get(place + 1).is_some_and(|(next, ..)| next <= earliest);
        let is_after = last.iter().zip(sent).any(|(write, sent)| write > sent);
        if is_before || is_after {
            continue;
        }
        agrees |= titles.iter().zip(last).all(|(title, write)| {
            title.as_ref().is_none_or(|title| match title {
                Some(title) => *title == state_of(write)["title"] && (sees_all || !is_hidden_after(write)),
                None => !sees_all && is_hidden_after(write),
            })
        });
    }
    assert!(agrees, "{page}: {titles:?} stood at no moment between position {earliest} and the writes {sent:?}");
}

/// The title of a brief in an answer, wherever it stands there.
fn title_in<'a>(body: &'a Value, slug: &str) -> Option<&'a Value> {
    let rows = body["data"].as_array().or(body["items"].as_array()).map_or(std::slice::from_ref(body), Vec::as_slice);
    let row = rows.iter().find(|row| row["slug"] == slug || row["_briefwire"]["slug"] == slug)?;
    row.get("title").filter(|title| title.as_str().is_some_and(|title| title.starts_with("Write")))
}

fn what_others_see_is_not_given_to_one_who_may_not_see_it(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("open", "2017-07-31"));
    app.publisher().create("briefs", published("closed", "2017-07-31").with(json!({"marking": "TLP:AMBER"})));
    for _ in 0..2 {
        assert_eq!(app.publisher().get("/v1/briefs").expect(200).slugs().len(), 2);
        assert_eq!(app.cleared("reader", "TLP:AMBER").get("/v1/briefs").expect(200).slugs().len(), 2);
        assert_eq!(app.cleared("reader", "TLP:GREEN").get("/v1/briefs").expect(200).slugs(), ["open"]);
        assert_eq!(app.get("/v1/briefs").expect(200).slugs(), ["open"]);
        app.publisher().get("/v1/briefs/closed").expect(200);
        app.get("/v1/briefs/closed").expect(404);
    }
    // What a key is answered is not for caches that others share.
    assert_eq!(app.reader().get("/v1/briefs").expect(200).header("cache-control"), "private, no-cache");
    assert_eq!(app.get("/v1/briefs").expect(200).header("cache-control"), "public, no-cache");
}

fn a_write_that_is_hidden_from_a_class_leaves_its_answers_alone(app: &TestApp) {
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    let before = app.get("/v1/briefs").expect(200);
    app.editor().patch("/v1/briefs/one", json!({"title": "Hidden?"})).problem(403, "forbidden");
    app.publisher().create("briefs", published("closed", "2017-07-31").with(json!({"marking": "TLP:RED"})));
    let after = app.get("/v1/briefs").expect(200);
    assert_eq!((before.body.clone(), lasting_headers(&before)), (after.body.clone(), lasting_headers(&after)));
    app.publisher().patch("/v1/briefs/one", json!({"title": "Seen"})).expect(200);
    assert_eq!(app.get("/v1/briefs").expect(200).json()["data"][0]["title"], "Seen");
}

fn what_is_committed_together_is_news_to_those_alone_who_see_it(app: &TestApp) {
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    let list = |client: &Client| client.get("/v1/briefs").expect(200);
    let (before, known_to_all) = (list(app.anyone()), list(&app.publisher()));
    import_together(app, &[("closed-1", "TLP:RED"), ("closed-2", "TLP:AMBER")]);
    let after = list(app.anyone());
    assert_eq!((before.body.clone(), lasting_headers(&before)), (after.body.clone(), lasting_headers(&after)));
    assert_ne!(list(&app.publisher()).header("etag"), known_to_all.header("etag"));
    import_together(app, &[("closed-3", "TLP:RED"), ("open", "TLP:CLEAR"), ("closed-4", "TLP:AMBER+STRICT")]);
    assert_eq!(list(app.anyone()).slugs(), ["open", "one"]);
    assert_eq!(sorted(list(&app.cleared("reader", "TLP:AMBER")).slugs()), ["closed-2", "one", "open"]);
    assert_eq!(list(&app.publisher()).slugs().len(), 6);
}

/// Briefs with these markings, in one import.
fn import_together(app: &TestApp, briefs: &[(&str, &str)]) {
    let line = |(slug, marking): &(&str, &str)| {
        published(slug, "2017-07-31").with(json!({"type": "brief", "marking": marking}))
    };
    let report = app.publisher().import(&briefs.iter().map(line).collect::<Vec<_>>());
    assert_eq!(report["created"], briefs.len(), "{report}");
}

fn each_class_has_come_to_the_end_of_the_last_write_that_it_sees_anything_of(app: &TestApp) {
    let db = app.with_category().database().open();
    let heads_now = || db.read_blocking(|connection| journal::heads(connection).map_err(Problem::from)).unwrap();
    let before = heads_now();
    let [amber, red] = [Marking::Amber, Marking::Red].map(Audience::cleared_for);
    let writes = vec![
        vec![Audience::EVERYONE, red],
        vec![amber, red.editors()],
        vec![],
        vec![red.editors(), red],
        vec![Audience::EVERYONE.editors()],
    ];
    let rows_of = writes.clone();
    let ends = db.write_blocking(move |connection| {
        let mut ends = Vec::new();
        for rows in &rows_of {
            ends.push(journal::write(connection, &Caller::OPERATOR, |write| note(write, rows))?.1);
        }
        Ok::<_, Problem>(ends)
    });
    let ends = ends.unwrap();
    assert_eq!(ends[2], ends[1], "who writes nothing is told where those before him in the group have come to");
    for (class, (before, now)) in before.iter().zip(heads_now()).enumerate() {
        let sees = |rows: &[Audience]| rows.iter().any(|row| row.bits() & 1 << class != 0);
        let last = writes.iter().zip(&ends).rev().find(|(rows, _)| sees(rows));
        assert_eq!(now.position, last.map_or(before.position, |(_, end)| *end), "class {class}");
    }
}

/// A row of the journal for each of these audiences.
fn note(write: &mut Write<'_>, rows: &[Audience]) -> Result<(), Problem> {
    for audience in rows {
        let id = Id::new();
        write.identify(Kind::Brief, id, *audience, *audience)?;
        write.record(Kind::Brief, id, 1, Change::Created, *audience);
    }
    Ok(())
}

fn the_grave_of_what_was_hidden_is_found_where_it_is_named(app: &TestApp) {
    app.with_category().publisher().create("briefs", published("other", "2017-07-30"));
    app.publisher().create("briefs", published("one", "2017-07-31").with(json!({"related": ["other"]})));
    let related = || app.get("/v1/briefs/one").expect(200).json()["related"].clone();
    assert_eq!(related()[0]["slug"], "other");
    app.publisher().patch("/v1/briefs/other", json!({"marking": "TLP:RED"})).expect(200);
    assert_eq!(related(), json!([]));
    app.publisher().delete("/v1/briefs/other").expect(204);
    assert_eq!(related()[0]["deleted"], true);
}

fn who_waits_for_changes_waits_again(app: &TestApp) {
    let position = app.with_category().get("/v1/changes").expect(200).json()["page"]["next"].as_i64().unwrap();
    for _ in 0..2 {
        let started = Instant::now();
        let changes = app.get(&format!("/v1/changes?since={position}&wait=1")).expect(200).json();
        assert_eq!(changes["data"], json!([]));
        assert!(started.elapsed() >= Duration::from_millis(900), "it came after {:?}", started.elapsed());
    }
}

fn what_the_command_line_imports_is_seen_within_a_second(app: &TestApp) {
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    let line = published("one", "2017-07-31").with(json!({"type": "brief", "title": "Imported"})).to_string();
    seen_within_a_second(app, "Imported", || {
        command::run_with_input(app.database().url(), &["import", "-"], line.as_bytes()).expect(0);
    });
}

fn what_another_server_writes_is_seen_within_a_second(app: &TestApp) {
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    let other = app.beside();
    for title in ["First", "Second", "Third"] {
        seen_within_a_second(app, title, || {
            other.publisher().patch("/v1/briefs/one", json!({"title": title})).expect(200);
        });
    }
}

/// Checks that a server, which has its answer in memory, gives the new one to whoever asks a second after the write or later.
fn seen_within_a_second(app: &TestApp, title: &str, write: impl FnOnce()) {
    let title_now = || app.get("/v1/briefs/one").expect(200).json()["title"].clone();
    assert_ne!(title_now(), title);
    write();
    let written = Instant::now();
    wait_until(|| {
        let asked = written.elapsed();
        let is_fresh = title_now() == title;
        assert!(is_fresh || asked < Duration::from_secs(1), "asked after {asked:?}, it did not know yet");
        is_fresh
    });
}

fn what_is_accepted_in_several_lines_is_not_given_to_others(app: &TestApp) {
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    let ask = |lines: &str| {
        app.send_raw(format!("GET /v1/briefs HTTP/1.1\r\nHost: x\r\n{lines}Connection: close\r\n\r\n").as_bytes())
    };
    ask("Accept-Encoding:\r\nAccept-Encoding: gzip\r\nAccept: application/json\r\nAccept: text/csv\r\n");
    ask("Accept: */*\r\nAccept: text/csv\r\n");
    for lines in ["", "Accept: */*\r\n", "Accept: application/json\r\n"] {
        let answer = ask(lines);
        assert!(answer.contains("content-type: application/json"), "{answer}");
        assert!(!answer.contains("content-encoding"), "{answer}");
    }
}

fn without_memory_everything_is_answered_all_the_same(app: &TestApp) {
    let app = app.another_configured(|config| config.answer_memory = 0);
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    for page in PAGES {
        let tag = app.get(page).expect(200).header("etag");
        app.with("If-None-Match", tag).get(page).expect(304);
    }
}
