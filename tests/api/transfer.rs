//! Bulk in and bulk out.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::command::run;
use crate::support::make::{With, actor, brief, category, event, public_event, published, trend, weekly_page};
use crate::support::{TestApp, slugs_in};

on_both![
    lines_may_come_in_any_order,
    lines_may_name_each_other_in_circles,
    the_lines_of_an_export_may_be_reversed,
    the_demo_is_imported_twice_and_changes_once,
    a_second_import_changes_nothing,
    a_changed_line_is_an_update,
    a_bad_line_has_its_verdict_and_takes_nothing_with_it,
    what_hangs_on_a_bad_line_fails_with_it,
    an_import_is_bound_by_the_rights_of_its_key,
    an_export_comes_back_byte_for_byte,
    an_export_has_what_its_reader_may_see,
    an_import_keeps_identities,
    real_actors_answer_to_all_their_names,
];

const DEMO: &str = include_str!("../../src/demo.ndjson");

fn lines_may_come_in_any_order(app: &TestApp) {
    let lines = [
        a("brief", weekly_page("page").with(json!({"events": ["e"], "trends": [trend("t", "stable").with(json!({"evidence": ["e"], "actors": ["lukashenka"]}))]}))),
        a("trend", trend("u", "stable").with(json!({"brief": "page", "actors": ["china"]}))),
        a("event", event("e", "2017-07-25").with(json!({"participants": [{"actor": "lukashenka"}, {"actor": "china"}]}))),
        a("actor", actor("lukashenka", "Lukashenka").with(json!({"positions": [{"organisation": "belarus", "title": "President"}], "parent": "belarus"}))),
        a("actor", actor("belarus", "Belarus")),
        a("actor", actor("china", "China")),
        a("category", category("security", "Security")),
    ];
    assert_eq!(counts(&app.publisher().import(&lines)), [7, 0, 0, 0]);
    let page = app.editor().get("/v1/briefs/page").expect(200).json();
    assert_eq!(slugs_in(&page["trends"]), ["t", "u"]);
    assert_eq!(slugs_in(&page["actors"]), ["china", "lukashenka"]);
    assert_eq!(page["events"][0]["participants"][0]["actor"]["name"], "Lukashenka");
}

fn lines_may_name_each_other_in_circles(app: &TestApp) {
    app.with_category();
    let lines = [
        a("brief", published("en", "2017-07-31").with(json!({"translations": ["ru"], "related": ["other"]}))),
        a(
            "brief",
            published("ru", "2017-07-31").with(json!({"language": "ru", "translations": ["en"], "related": ["other"]})),
        ),
        a("brief", published("other", "2017-07-30").with(json!({"related": ["en", "ru"]}))),
        a("actor", actor("chicken", "Chicken").with(json!({"parent": "egg"}))),
        a("actor", actor("egg", "Egg").with(json!({"parent": "chicken"}))),
        a("brief", published("lost", "2017-07-30").with(json!({"related": ["en", "nothing"]}))),
    ];
    let report = app.publisher().import(&lines);
    assert_eq!(counts(&report), [5, 0, 0, 1]);
    assert_eq!((&report["errors"][0]["line"], &report["errors"][0]["pointer"]), (&json!(6), &json!("/related/1")));
    let read = |slug: &str| app.get(&format!("/v1/briefs/{slug}")).expect(200).json();
    assert_eq!(slugs_in(&read("en")["translations"]), ["ru"]);
    assert_eq!(slugs_in(&read("ru")["translations"]), ["en"]);
    assert_eq!(slugs_in(&read("other")["related"]), ["en", "ru"]);
    assert_eq!(app.get("/v1/actors/egg").expect(200).json()["parent"]["slug"], "chicken");
    assert_eq!(counts(&app.publisher().import(&lines)), [0, 0, 5, 1]);
}

fn the_lines_of_an_export_may_be_reversed(app: &TestApp) {
    app.admin().import_text(DEMO).expect(200);
    let exported = app.admin().get("/v1/export").expect(200).text();
    let copy = app.another();
    let reversed: Vec<&str> = exported.lines().rev().collect();
    let report = copy.admin().import_text(&reversed.join("\n")).expect(200).json();
    assert_eq!(counts(&report), [reversed.len(), 0, 0, 0]);
    let lines_of = |text: &str| crate::support::sorted(text.lines().map(ToOwned::to_owned).collect());
    assert_eq!(lines_of(&copy.admin().get("/v1/export").expect(200).text()), lines_of(&exported));
}

fn the_demo_is_imported_twice_and_changes_once(app: &TestApp) {
    let lines = DEMO.lines().count();
    assert_eq!(counts(&app.admin().import_text(DEMO).expect(200).json()), [lines, 0, 0, 0]);
    assert_eq!(counts(&app.admin().import_text(DEMO).expect(200).json()), [0, 0, lines, 0]);
}

fn a_second_import_changes_nothing(app: &TestApp) {
    app.with_cast();
    let lines = [
        a("brief", weekly_page("page").with(json!({"state": "published", "published_at": "2017-07-31T10:12:00Z"}))),
        a("brief", weekly_page("draft").with(json!({"slug": "draft"}))),
        a("event", public_event("e", "2017~").with(json!({"participants": [{"actor": "china"}]}))),
        a("trend", trend("t", "stable").with(json!({"brief": "draft", "series": "x"}))),
        a("actor", json!({"name": "Без слага", "kind": "person", "aliases": [{"name": "No slug"}]})),
        a("category", category("c", "C").with(json!({"names": {"ru": "Ц"}}))),
    ];
    assert_eq!(counts(&app.publisher().import(&lines)), [6, 0, 0, 0]);
    let (tag, position) = (app.editor().get("/v1/briefs/page").header("etag"), position(app));
    let again = app.publisher().import(&lines);
    // The second brief's line says nothing of the trend that a later line adds to it, and so takes it away again.
    assert_eq!(again["failed"], 0, "{again}");
    let untouched: Vec<Value> = lines
        .iter()
        .filter(|line| !["draft", "t"].contains(&line["slug"].as_str().unwrap_or_default()))
        .cloned()
        .collect();
    assert_eq!(counts(&app.publisher().import(&untouched)), [0, 0, 4, 0]);
    assert_eq!(app.editor().get("/v1/briefs/page").header("etag"), tag);
    assert!(self::position(app) >= position);

    let exported = app.admin().get("/v1/export").expect(200).text();
    let position = self::position(app);
    let report = app.admin().import_text(&exported).expect(200).json();
    assert_eq!(counts(&report), [0, 0, exported.lines().count(), 0]);
    assert_eq!(self::position(app), position, "nothing was written");
}

fn a_changed_line_is_an_update(app: &TestApp) {
    app.publisher().import(&[a("actor", actor("a", "A"))]);
    assert_eq!(
        counts(&app.publisher().import(&[a("actor", actor("a", "B")), a("actor", actor("c", "C"))])),
        [1, 1, 0, 0]
    );
    let read = app.get("/v1/actors/a").expect(200).json();
    assert_eq!((&read["name"], &read["version"]), (&json!("B"), &json!(2)));
}

fn a_bad_line_has_its_verdict_and_takes_nothing_with_it(app: &TestApp) {
    let text = [
        a("category", category("good", "Good")).to_string(),
        "{\"type\": \"category\"".to_owned(),
        String::new(),
        json!({"slug": "x", "name": "X"}).to_string(),
        json!({"type": "company", "name": "X"}).to_string(),
        a("actor", actor("bad", "B").with(json!({"kind": "company", "aliases": [{}]}))).to_string(),
        "[1, 2]".to_owned(),
        "\u{feff}{}".to_owned(),
        a(
            "brief",
            brief("half").with(
                json!({"category": "good", "events": [event("never", "2017")], "trends": [trend("t", "sideways")]}),
            ),
        )
        .to_string(),
        a("category", category("timeline", "Reserved")).to_string(),
        a("category", category("nul", "a\u{0}b")).to_string(),
        a("category", category("also-good", "Also good")).to_string(),
    ]
    .join("\n");
    let report = app.publisher().import_text(&text).expect(200).json();
    assert_eq!(counts(&report), [2, 0, 0, 9]);
    let verdicts: Vec<(u64, &str)> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| (verdict["line"].as_u64().unwrap(), verdict["pointer"].as_str().unwrap()))
        .collect();
    let expected = [
        (2, ""),
        (4, "/type"),
        (5, "/type"),
        (6, "/aliases/0/name"),
        (6, "/kind"),
        (7, ""),
        (8, ""),
        (9, "/trends/0/direction"),
        (10, "/slug"),
        (11, "/name"),
    ];
    let mut sorted = verdicts.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert!(verdicts.is_sorted_by_key(|(line, _)| *line));
    assert_eq!(app.get("/v1/categories").expect(200).slugs(), ["also-good", "good"]);
    app.editor().get("/v1/events/never").expect(404);

    assert_eq!(counts(&app.publisher().import_text("").expect(200).json()), [0, 0, 0, 0]);
    assert_eq!(counts(&app.publisher().import_text("\n\n").expect(200).json()), [0, 0, 0, 0]);
    let no_utf_8 =
        app.publisher().with("Content-Type", "application/x-ndjson").send("POST", "/v1/import", Some(b"\xff\xfe\n"));
    assert_eq!(counts(&no_utf_8.expect(200).json()), [0, 0, 0, 1]);
}

fn what_hangs_on_a_bad_line_fails_with_it(app: &TestApp) {
    app.with_category();
    let lines = [
        a("brief", brief("b").with(json!({"events": ["e"]}))),
        a("event", event("e", "2017").with(json!({"participants": [{"actor": "x"}]}))),
        a("actor", actor("x", "X").with(json!({"parent": "y"}))),
        a("actor", actor("y", "Y").with(json!({"kind": "company"}))),
        a("actor", actor("z", "Z")),
    ];
    let report = app.publisher().import(&lines);
    assert_eq!(counts(&report), [1, 0, 0, 4]);
    let pointers: Vec<&str> =
        report["errors"].as_array().unwrap().iter().map(|verdict| verdict["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/events/0", "/participants/0/actor", "/parent", "/kind"]);
}

fn an_import_is_bound_by_the_rights_of_its_key(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("there", "2017-07-31"));
    app.publisher().create("briefs", brief("secret").with(json!({"marking": "TLP:RED"})));
    let lines = [
        a("brief", published("new", "2017-07-31")),
        a("brief", brief("there").with(json!({"title": "Changed"}))),
        a("event", public_event("e", "2017")),
        a("brief", brief("secret").with(json!({"title": "Taken over"}))),
        a("brief", brief("mine")),
        a("event", event("own", "2017").with(json!({"marking": "TLP:RED"}))),
    ];
    let report = app.cleared("editor", "TLP:GREEN").import(&lines);
    assert_eq!(counts(&report), [1, 0, 0, 5]);
    let failed: Vec<&Value> = report["errors"].as_array().unwrap().iter().map(|verdict| &verdict["line"]).collect();
    assert_eq!(failed, [1, 2, 3, 4, 6]);
    assert_eq!(app.admin().get("/v1/briefs/secret").expect(200).json()["version"], 1);
    assert_eq!(app.editor().get("/v1/briefs?state=draft&marking=TLP:CLEAR").expect(200).slugs(), ["mine"]);
}

fn an_export_comes_back_byte_for_byte(app: &TestApp) {
    fill(app);
    let first = app.admin().get("/v1/export").expect(200);
    assert_eq!(first.header("content-type"), "application/x-ndjson");
    let other = app.another();
    let report = other.admin().import_text(&first.text()).expect(200).json();
    assert_eq!(counts(&report), [first.lines().len(), 0, 0, 0], "{report}");
    assert_eq!(other.admin().get("/v1/export").expect(200).text(), first.text());

    // What is read is the same too, but for the times and versions of the writing.
    for path in [
        "briefs/page",
        "briefs/draft",
        "briefs/withdrawn",
        "briefs/secret",
        "events/page-protocol",
        "actors/lukashenka",
        "categories/security",
        "trends/page-army",
    ] {
        let read = |from: &TestApp| without_times(from.admin().get(&format!("/v1/{path}")).expect(200).json());
        assert_eq!(read(&other), read(app), "{path}");
    }
    for client in [app.anyone(), other.anyone()] {
        assert_eq!(client.get("/v1/briefs").expect(200).slugs(), ["page", "withdrawn", "po-russki"]);
    }
}

fn an_export_has_what_its_reader_may_see(app: &TestApp) {
    fill(app);
    let lines = app.get("/v1/export").expect(200).lines();
    let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert!(
        kinds.is_sorted_by_key(|kind| ["category", "actor", "event", "brief"].iter().position(|other| other == kind)),
        "{kinds:?}"
    );
    let text = app.get("/v1/export").expect(200).text();
    for hidden in ["secret", "draft-protocol", "withdrawn-army"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let page = lines.iter().find(|line| line["slug"] == "page").expect("the page");
    assert_eq!(page["category"], "security");
    assert_eq!(page["events"], json!(["page-protocol", "page-meeting"]));
    assert_eq!(page["trends"][0]["actors"], json!(["lukashenka"]));
    for read_only in ["version", "created_at", "updated_at", "body_html", "similar", "actors"] {
        assert!(page.get(read_only).is_none(), "{read_only}");
    }
}

fn an_import_keeps_identities(app: &TestApp) {
    let id = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c";
    app.publisher().import(&[a("actor", actor("a", "A").with(json!({"id": id})))]);
    assert_eq!(app.get(&format!("/v1/actors/{id}")).expect(200).json()["slug"], "a");
    // An identity is given once: for another slug it is made anew.
    app.publisher().import(&[a("actor", actor("b", "B").with(json!({"id": id})))]);
    assert_eq!(app.get(&format!("/v1/actors/{id}")).expect(200).json()["slug"], "a");
    assert_ne!(app.get("/v1/actors/b").expect(200).json()["id"], id);
}

/// The actors of a real data set, in the way an operator brings them in.
fn real_actors_answer_to_all_their_names(app: &TestApp) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("actors.ndjson");
    let records = actor_records();
    let lines: Vec<String> =
        records.iter().enumerate().map(|(number, record)| as_import_line(number, record)).collect();
    std::fs::write(&file, lines.join("\n")).expect("the file is written");
    let outcome = run(app.database().url(), &["import", file.to_str().expect("a path")]).expect(0);
    assert_eq!(outcome.stdout.trim(), format!("{} created, 0 updated, 0 unchanged, 0 failed", records.len()));

    let mut names = 0;
    for (number, record) in records.iter().enumerate() {
        let slug = slug_of(number);
        app.editor()
            .post("/v1/events", event(&format!("of-{slug}"), "2017").with(json!({"participants": [{"actor": slug}]})))
            .expect(201);
        for name in names_of(record) {
            let query: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let found =
                app.editor().get(&format!("/v1/events?actor={query}&fields=slug&limit=100")).expect(200).slugs();
            assert!(found.contains(&format!("of-{slug}")), "{name} is not {slug} but {found:?}");
            names += 1;
        }
    }
    assert!(names >= records.len());
}

fn actor_records() -> Vec<Value> {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("BRIEFWIRE_ACTORS").map(PathBuf::from);
    let real = given.unwrap_or_else(|| project.join("../shared/data/actors/actors.ndjson"));
    let text = std::fs::read_to_string(&real).unwrap_or_else(|_| {
        eprintln!("{} is not there (BRIEFWIRE_ACTORS may name it): a small sample stands in for it", real.display());
        include_str!("fixtures/actors.ndjson").to_owned()
    });
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

fn as_import_line(number: usize, record: &Value) -> String {
    let aliases: Vec<Value> = names_of(record).skip(1).map(|name| json!({"name": name})).collect();
    json!({
        "type": "actor", "slug": slug_of(number), "name": record["name"], "kind": "person",
        "country": record["country"], "aliases": aliases,
    })
    .to_string()
}

fn slug_of(number: usize) -> String {
    format!("actor-{number}")
}

fn names_of(record: &Value) -> impl Iterator<Item = &str> {
    let aliases = record["aliases"].as_array().into_iter().flatten();
    std::iter::once(&record["name"]).chain(aliases).map(|name| name.as_str().expect("a name"))
}

// --- an archive to carry about

fn fill(app: &TestApp) {
    app.with_cast();
    let publisher = app.publisher();
    let aliases = json!({"aliases": [{"name": "Лукашэнка", "language": "be"}], "parent": "belarus", "identifiers": {"wikidata": "Q2866"},
        "positions": [{"organisation": "belarus", "title": "President", "from": "1994-07-20"}]});
    publisher.patch("/v1/actors/lukashenka", aliases).expect(200);
    publisher.create("briefs", published("po-russki", "2017-07-30").with(json!({"language": "ru"})));
    publisher.create("briefs", weekly_page("page").with(json!({
        "state": "published", "published_at": "2017-07-31T10:12:00.123456Z", "translations": ["po-russki"], "related": ["po-russki"],
        "corrections": [{"at": "2017-08-01T09:00:00Z", "severity": "major", "note": "It was a protocol."}],
    })));
    publisher.create("briefs", weekly_page("draft"));
    publisher.create(
        "briefs",
        weekly_page("withdrawn").with(json!({
            "state": "retracted", "published_at": "2017-07-31T10:00:00Z",
            "retraction": {"at": "2017-08-01T09:00:00Z", "reason": "Forged.", "replacement": "page"},
        })),
    );
    publisher.create(
        "briefs",
        published("secret", "2017-08-07")
            .with(json!({"marking": "TLP:RED", "events": ["page-protocol"], "related": ["draft"]})),
    );
    publisher.create("events", event("secret-event", "2017-XX").with(json!({"marking": "TLP:AMBER+STRICT"})));
}

fn a(kind: &str, resource: Value) -> Value {
    json!({"type": kind}).with(resource)
}

/// How many lines were created, updated, unchanged and failed.
#[track_caller]
fn counts(report: &Value) -> [usize; 4] {
    let count =
        |name: &str| usize::try_from(report[name].as_u64().unwrap_or_else(|| panic!("{name} of {report}"))).unwrap();
    let counts = [count("created"), count("updated"), count("unchanged"), count("failed")];
    if counts[3] > 0 {
        eprintln!("{}", report["errors"]);
    }
    counts
}

fn position(app: &TestApp) -> i64 {
    app.admin().get("/v1/export").expect(200).header("briefwire-position").parse().expect("a position")
}

fn without_times(mut document: Value) -> Value {
    match &mut document {
        Value::Object(members) => {
            for name in ["version", "created_at", "updated_at"] {
                members.remove(name);
            }
            // Trends are exported inside of their briefs, without an identity of their own.
            if members.contains_key("statement") {
                members.remove("id");
            }
            for member in members.values_mut() {
                *member = without_times(member.take());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_times(item.take())),
        _ => {}
    }
    document
}
