//! Bulk in and bulk out over HTTP.

use serde_json::{Value, json};

use crate::support::TestApp;

on_both!(
    an_export_is_read_back_equal,
    circles_are_imported_in_any_order,
    the_demo_is_imported_twice_and_changes_once,
    the_real_actors_answer_by_every_name,
    an_import_needs_an_editor_and_the_right_media_type,
);

const DEMO: &str = include_str!("../../src/demo.ndjson");

fn import(app: &TestApp, lines: &str) -> Value {
    let importer = app.admin().with("Content-Type", "application/x-ndjson");
    importer.send("POST", "/v1/import", Some(lines.as_bytes())).expect(200).json()
}

fn an_export_is_read_back_equal(app: &TestApp) {
    assert_eq!(import(app, DEMO)["failed"], 0);
    let exported = app.admin().get("/v1/export").expect(200);
    assert!(exported.header("briefwire-position").parse::<i64>().unwrap() > 0);
    let copy = app.another();
    let mut lines: Vec<String> = exported.text().lines().map(ToOwned::to_owned).collect();
    lines.reverse();
    assert_eq!(import(&copy, &lines.join("\n"))["failed"], 0);
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(copy.admin().get("/v1/export").text()), sorted(exported.text()));
}

fn circles_are_imported_in_any_order(app: &TestApp) {
    let lines = [
        json!({"type": "trend", "slug": "t", "brief": "a", "statement": "It grows.", "direction": "increasing", "evidence": ["e"]}),
        json!({"type": "brief", "slug": "a", "title": "A", "category": "c", "language": "en", "translations": ["b"], "related": ["b"], "events": ["e"], "state": "published"}),
        json!({"type": "brief", "slug": "b", "title": "B", "category": "c", "language": "ru", "translations": ["a"], "related": ["a"], "state": "published"}),
        json!({"type": "event", "slug": "e", "title": "E", "kind": "visit", "occurred": "2017", "participants": [{"actor": "p"}]}),
        json!({"type": "actor", "slug": "p", "name": "P", "kind": "person", "positions": [{"organisation": "o", "title": "Head"}]}),
        json!({"type": "actor", "slug": "o", "name": "O", "kind": "organisation", "parent": "q"}),
        json!({"type": "actor", "slug": "q", "name": "Q", "kind": "organisation", "positions": [{"organisation": "o", "title": "Owner"}]}),
        json!({"type": "category", "slug": "c", "name": "C"}),
        json!({"type": "brief", "slug": "lost", "title": "Lost", "category": "nowhere", "language": "en"}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let report = import(app, &text);
    assert_eq!((&report["created"], &report["failed"]), (&json!(8), &json!(1)), "{report}");
    assert_eq!(
        report["errors"],
        json!([{"line": 9, "pointer": "/category", "detail": "there is no category `nowhere`"}])
    );
    let page = app.get("/v1/briefs/a").expect(200).json();
    assert_eq!(page["translations"][0]["slug"], "b");
    assert_eq!(page["events"][0]["state"], "published");
    assert_eq!(page["actors"][0]["slug"], "p");
    assert_eq!(page["trends"][0]["slug"], "t");
    let again = import(app, &text);
    assert_eq!((&again["unchanged"], &again["failed"]), (&json!(8), &json!(1)), "{again}");
}

fn the_demo_is_imported_twice_and_changes_once(app: &TestApp) {
    let lines = DEMO.lines().count();
    let first = import(app, DEMO);
    assert_eq!((&first["created"], &first["failed"]), (&json!(lines), &json!(0)), "{first}");
    let second = import(app, DEMO);
    assert_eq!((&second["unchanged"], &second["updated"]), (&json!(lines), &json!(0)), "{second}");
}

fn the_real_actors_answer_by_every_name(app: &TestApp) {
    let actors = real_actors();
    let lines: String = actors.iter().map(|(_, line)| format!("{line}\n")).collect();
    let report = import(app, &lines);
    assert_eq!((&report["created"], &report["failed"]), (&json!(actors.len()), &json!(0)), "{report}");
    for (slug, line) in actors.iter().step_by(7) {
        let aliases = line["aliases"].as_array().unwrap().iter().map(|alias| &alias["name"]);
        for name in std::iter::once(&line["name"]).chain(aliases) {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("actor", name.as_str().unwrap())
                .finish();
            let answer = app.get(&format!("/v1/events?{query}"));
            assert_eq!(answer.status, 200, "{slug} is not found as {name}");
        }
    }
}

/// The actors of an open dictionary, messy as they are, as lines of an import; where the file is not at hand, a few that
/// are as messy.
fn real_actors() -> Vec<(String, Value)> {
    let path = std::env::var("BRIEFWIRE_ACTORS").unwrap_or_else(|_| "../shared/data/actors/actors.ndjson".to_owned());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| {
        println!("{path} is not here: a few made-up actors stand in for it");
        include_str!("fixtures/actors.ndjson").to_owned()
    });
    text.lines()
        .enumerate()
        .map(|(number, line)| {
            let actor: Value = serde_json::from_str(line).unwrap();
            let slug = format!("actor-{number}");
            let aliases = actor["aliases"].as_array().into_iter().flatten().map(|name| json!({"name": name}));
            let line = json!({
                "type": "actor", "slug": slug, "name": actor["name"], "kind": "person", "country": actor["country"],
                "aliases": aliases.collect::<Vec<_>>(),
            });
            (slug, line)
        })
        .collect()
}

fn an_import_needs_an_editor_and_the_right_media_type(app: &TestApp) {
    let line = json!({"type": "category", "slug": "c", "name": "C"}).to_string();
    let send = |client: &crate::support::Client, media_type: &str| {
        client.with("Content-Type", media_type).send("POST", "/v1/import", Some(line.as_bytes()))
    };
    send(app.anyone(), "application/x-ndjson").problem(401, "unauthenticated");
    send(&app.reader(), "application/x-ndjson").problem(403, "forbidden");
    send(&app.editor(), "text/csv").problem(415, "unsupported-media-type");
    app.get("/v1/categories/c").problem(404, "not-found");
    send(&app.editor(), "application/x-ndjson").expect(200);
    app.get("/v1/categories/c").expect(200);
}
