//! The wall between what a caller may see and what it may not. Every `GET` of the spec is asked, by every class of callers,
//! for everything there is, seen or hidden; a new endpoint is asked by being in the spec.
//!
//! Three things are held against each answer: it names nothing that is hidden from the caller; an answer about what is hidden
//! is to the byte that about what never was; and what is counted is what the model counts. And the other way round: what is
//! hidden may be written and changed, and no answer to the public changes with it.

use std::collections::BTreeMap;

use chrono::{SecondsFormat, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::oracle::{Archive, Caller, MARKINGS, archive, deeds, load};
use crate::support::make::{With, brief, event, published, trend, weekly_page};
use crate::support::{Answer, Client, TestApp, wait_until};

on_both![no_answer_tells_of_what_is_hidden, hidden_writes_change_no_answer_to_the_public];

/// How many archives are tried on each database.
const CASES: u32 = 2;

fn no_answer_tells_of_what_is_hidden(app: &TestApp) {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&(archive(), deeds(), deeds()), |(mut archive, first, second)| {
        let app = app.another();
        load(&app.admin(), &mut archive);
        archive.apply_all(&app.admin(), &first);
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        archive.apply_all(&app.admin(), &second);
        let wall = Wall { archive: &archive, spec: app.get("/openapi.json").json(), time: &time };
        let driven: usize = Caller::all().map(|caller| wall.hold(caller, &client_of(&app, caller))).sum();
        println!("{driven} requests of 10 classes of callers were answered");
        prop_assert!(driven > 5000, "only {driven} requests were made");
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

fn client_of(app: &TestApp, caller: Caller) -> Client {
    match (caller.editor, caller.clearance) {
        (false, 0) => app.anyone().clone(),
        (false, clearance) => app.cleared("reader", MARKINGS[clearance]),
        (true, clearance) => app.cleared("editor", MARKINGS[clearance]),
    }
}

struct Wall<'a> {
    archive: &'a Archive,
    spec: Value,
    time: &'a str,
}

/// A thing as a path names it, and whether it is there for the caller.
struct Target {
    slug: String,
    id: String,
    is_hidden: bool,
}

impl Target {
    /// Each name that it has, beside one of the same form that nothing has.
    fn names(&self) -> [(&Self, &str, String); 2] {
        let nobody = "x".repeat(self.slug.len());
        [(self, &self.slug, nobody), (self, &self.id, "ffffffff-ffff-4fff-8fff-ffffffffffff".to_owned())]
    }
}

impl Wall<'_> {
    /// Asks everything as one caller; returns how often it asked.
    fn hold(&self, caller: Caller, client: &Client) -> usize {
        let kinds = ["actors", "briefs", "categories", "events", "trends"];
        let targets: BTreeMap<&str, Vec<Target>> =
            kinds.into_iter().map(|kind| (kind, self.targets(kind, caller))).collect();
        let hidden: Vec<&Target> = targets.values().flatten().filter(|target| target.is_hidden).collect();
        let mut asked = 0;
        for (template, operation) in reads(&self.spec) {
            let kind = template.split('/').nth(2).unwrap_or_default();
            let of_kind = targets.get(kind).map(Vec::as_slice).unwrap_or_default();
            for query in queries(&operation, self.time) {
                if !template.contains("{id}") {
                    let path = format!("{}{query}", filled(&template, ""));
                    let answer = client.get(&path);
                    tells_nothing(&answer, &path, caller, &hidden);
                    self.counts_what_is_seen(&answer, &path, kind, &targets);
                    asked += 1;
                }
                let names = of_kind.iter().filter(|_| template.contains("{id}")).flat_map(Target::names);
                for (target, name, nothing) in names {
                    let path = format!("{}{query}", filled(&template, name));
                    let answer = client.get(&path);
                    asked += 1;
                    if target.is_hidden {
                        let twin = client.get(&format!("{}{query}", filled(&template, &nothing)));
                        same(&answer, &twin, &path, caller);
                    } else {
                        tells_nothing(&answer, &path, caller, &hidden);
                    }
                }
            }
        }
        asked
    }

    /// What there is of a kind. What is deleted is not hidden from those who could once see it.
    fn targets(&self, kind: &str, caller: Caller) -> Vec<Target> {
        let archive = self.archive;
        let target = |slug: &str, id: &str, seen: bool, gone: bool| Target {
            slug: slug.to_owned(),
            id: id.to_owned(),
            is_hidden: !seen && !gone,
        };
        match kind {
            "actors" => archive.actors.iter().map(|it| target(it.slug, &it.facts.id, true, false)).collect(),
            "categories" => archive.categories.iter().map(|it| target(it.slug, &it.facts.id, true, false)).collect(),
            "briefs" => archive
                .briefs
                .iter()
                .map(|it| {
                    let gone = it.deleted && it.once_seen.contains(&caller);
                    target(&it.slug, &it.facts.id, caller.sees_brief(it), gone)
                })
                .collect(),
            "events" => archive
                .events
                .iter()
                .map(|it| {
                    let gone = it.deleted && it.once_seen.contains(&caller);
                    target(&it.slug, &it.facts.id, caller.sees_event(archive, it), gone)
                })
                .collect(),
            _ => {
                let living = archive.briefs.iter().flat_map(|brief| brief.trends.iter().map(move |it| (brief, it)));
                let living =
                    living.map(|(brief, it)| target(&it.slug, &it.facts.id, caller.sees_trend(brief, it), false));
                let gone = archive
                    .gone_trends
                    .iter()
                    .map(|(_, it)| target(&it.slug, &it.facts.id, false, it.once_seen.contains(&caller)));
                living.chain(gone).collect()
            }
        }
    }

    /// The total of a whole list is the number of what the caller sees.
    fn counts_what_is_seen(&self, answer: &Answer, path: &str, kind: &str, targets: &BTreeMap<&str, Vec<Target>>) {
        if path != format!("/v1/{kind}?count=true") {
            return;
        }
        let Some(of_kind) = targets.get(kind) else { return };
        let gone = |target: &&Target| match kind {
            "briefs" => self.archive.briefs.iter().any(|it| it.slug == target.slug && it.deleted),
            "events" => self.archive.events.iter().any(|it| it.slug == target.slug && it.deleted),
            "actors" | "categories" => false,
            _ => self.archive.gone_trends.iter().any(|(_, it)| it.slug == target.slug),
        };
        let seen = of_kind.iter().filter(|target| !target.is_hidden).filter(|target| !gone(target)).count();
        assert_eq!(answer.json()["page"]["total"], seen, "{path}: {}", answer.whole());
    }
}

/// The operations that read the archive, with their paths.
fn reads(spec: &Value) -> Vec<(String, Value)> {
    let paths = spec["paths"].as_object().expect("paths");
    let reads = paths.iter().filter(|(path, _)| path.starts_with("/v1/") && !path.starts_with("/v1/keys"));
    reads.filter_map(|(path, item)| item.get("get").map(|operation| (path.clone(), operation.clone()))).collect()
}

/// The queries that an operation is asked with, of those that it knows.
fn queries(operation: &Value, time: &str) -> Vec<String> {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let knows = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
    let mut queries = vec![String::new()];
    for (needs, query) in [
        ("count", "?count=true".to_owned()),
        ("as_of", format!("?as_of={time}")),
        ("include", "?include=body,trends,events,actors&limit=100".to_owned()),
        ("updated_since", "?updated_since=2017-01-01T00:00:00Z&limit=100".to_owned()),
        ("cursor", "?format=ndjson".to_owned()),
        ("cursor", "?format=csv".to_owned()),
    ] {
        if knows(needs) {
            queries.push(query);
        }
    }
    queries
}

fn filled(template: &str, id: &str) -> String {
    template.replace("{id}", id).replace("{version}", "1").replace("{slug}", id).replace("{name}", "not-found")
}

/// An answer that names nothing hidden, in its body or in its headers.
fn tells_nothing(answer: &Answer, path: &str, caller: Caller, hidden: &[&Target]) {
    let text = answer.whole();
    let text = text.split_once('\n').map_or("", |(_, rest)| rest);
    for target in hidden {
        for name in [&target.slug, &target.id] {
            assert!(!has_word(text, name), "{caller:?} learns of {name} from {path}: {text}");
        }
    }
    assert!(caller.editor || !text.contains("\"a test\""), "{caller:?} learns who wrote it from {path}: {text}");
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !word.is_empty()
        && text
            .match_indices(word)
            .any(|(place, _)| !text[..place].ends_with(is_part) && !text[place + word.len()..].starts_with(is_part))
}

/// Two answers that cannot be told apart, but for the path that each was asked under.
fn same(answer: &Answer, twin: &Answer, path: &str, caller: Caller) {
    assert_eq!(answer.status, twin.status, "{caller:?} asks for {path}: {}", answer.whole());
    assert_eq!(headers(answer), headers(twin), "{caller:?} asks for {path}");
    let body = |answer: &Answer| answer.json().with(json!({"instance": null}));
    assert_eq!(body(answer), body(twin), "{caller:?} asks for {path}");
}

/// The headers that belong to the answer.
fn headers(answer: &Answer) -> Vec<(String, String)> {
    let its_own = ["date", "x-request-id", "ratelimit", "ratelimit-policy"];
    let headers = answer.headers.iter().filter(|(name, _)| !its_own.contains(&name.as_str()));
    let mut headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    headers
}

fn hidden_writes_change_no_answer_to_the_public(app: &TestApp) {
    app.with_cast();
    app.publisher().create("briefs", weekly_page("page").with(json!({"state": "published"})));
    app.publisher()
        .create("events", event("dark", "2017-07-08").with(json!({"marking": "TLP:RED", "state": "published"})));
    let with_dark =
        published("shows-dark", "2017-07-30").with(json!({"events": ["dark"], "trends": [trend("seen", "stable")]}));
    app.publisher().create("briefs", with_dark);
    app.publisher().create("briefs", published("withdrawn", "2017-07-29"));
    app.publisher().post("/v1/briefs/withdrawn/retract", json!({"reason": "It was wrong."})).expect(200);
    app.publisher().create("briefs", published("gone", "2017-07-28"));
    app.publisher().delete("/v1/briefs/gone").expect(204);
    let paths = public_paths(app);
    assert!(paths.len() > 100, "only {} paths", paths.len());
    // The date of a change is told a second earlier while its second lasts.
    wait_until(|| {
        app.with("If-Modified-Since", app.get("/v1/actors").header("last-modified")).get("/v1/actors").status == 304
    });
    let before = crawl(app, &paths);
    write_hidden_things(app);
    for ((path, before), after) in paths.iter().zip(before).zip(crawl(app, &paths)) {
        assert_eq!(after, before, "{path}");
    }
}

/// Every read of the spec for everything public, in every way that it knows.
fn public_paths(app: &TestApp) -> Vec<String> {
    let spec = app.get("/openapi.json").json();
    let time = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut paths = Vec::new();
    for (template, operation) in reads(&spec) {
        let kind = template.split('/').nth(2).unwrap_or_default().to_owned();
        let mut targets = vec![String::new()];
        if kind == "webhooks" {
            targets = vec!["nothing".to_owned()];
        } else if template.contains("{id}") {
            targets = app.get(&format!("/v1/{kind}?limit=100")).expect(200).slugs();
            targets.extend(["gone", "nothing", "draft", "red", "embargoed"].map(ToOwned::to_owned));
        }
        for query in queries(&operation, &time) {
            paths.extend(targets.iter().map(|target| format!("{}{query}", filled(&template, target))));
        }
    }
    for actor in ["belarus", "china", "lukashenka"] {
        paths.extend(["briefs", "events", "trends"].map(|list| format!("/v1/{list}?actor={actor}&count=true")));
    }
    paths
}

/// All of an answer that must not change: its status, its headers and its bytes.
type Seen = (u16, Vec<(String, String)>, Vec<u8>);

fn crawl(app: &TestApp, paths: &[String]) -> Vec<Seen> {
    let answers = paths.iter().map(|path| app.get(path));
    answers.map(|answer| (answer.status, headers(&answer), answer.body)).collect()
}

/// Everything that an editor can do out of the public's sight.
fn write_hidden_things(app: &TestApp) {
    let publisher = app.publisher();
    let draft = weekly_page("draft").with(json!({"related": ["page"], "translations": ["page"], "language": "ru"}));
    app.editor().create("briefs", draft);
    app.editor().patch("/v1/briefs/draft", json!({"title": "Another title"})).expect(200);
    app.editor().post_empty("/v1/briefs/draft/submit").expect(200);
    publisher.post("/v1/briefs/draft/schedule", json!({"at": "2099-01-01T00:00:00Z"})).expect(200);
    publisher.create("briefs", weekly_page("red").with(json!({"state": "published", "marking": "TLP:RED"})));
    publisher.post("/v1/briefs/red/corrections", json!({"severity": "major", "note": "x"})).expect(201);
    publisher.create("trends", trend("more", "stable").with(json!({"brief": "red", "series": "army-influence"})));
    publisher.post("/v1/briefs/red/retract", json!({"reason": "x"})).expect(200);
    let embargoed =
        weekly_page("embargoed").with(json!({"state": "published", "embargo_until": "2099-01-01T00:00:00Z"}));
    publisher.create("briefs", embargoed);
    publisher.patch("/v1/events/dark", json!({"title": "Darker", "participants": [{"actor": "china"}]})).expect(200);
    app.editor().create("events", event("sketch", "2017-07-09").with(json!({"participants": [{"actor": "belarus"}]})));
    app.editor().delete("/v1/events/sketch").expect(204);
    app.editor().create("briefs", brief("second").with(json!({"trends": [trend("t", "stable")]})));
    app.editor().delete("/v1/briefs/second?reason=x").expect(204);
    app.editor().create("events", event("mistake", "2017"));
    app.admin().post("/v1/events/mistake/erase", json!({"reason": "x"})).expect(204);
    let line = format!("{}\n", brief("imported").with(json!({"type": "brief", "marking": "TLP:AMBER"})));
    let importer = publisher.with("Content-Type", "application/x-ndjson");
    importer.send("POST", "/v1/import", Some(line.as_bytes())).expect(200);
    app.admin().post("/v1/keys", json!({"name": "Another", "role": "editor"})).expect(201);
    app.editor().put("/v1/briefs/page", brief("page")).problem(403, "forbidden");
}
