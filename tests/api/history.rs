//! The past: versions, differences, and reads as of a time.

use serde_json::{Value, json};

use crate::support::make::{With, actor, brief, category, event, public_event, published, trend, weekly_page};
use crate::support::{Client, TestApp, slugs_in};

on_both!(
    every_version_is_kept_whole_with_who_and_when,
    readers_see_the_versions_that_they_could_see,
    a_version_shows_what_it_showed_then,
    two_versions_are_compared_member_by_member,
    an_old_version_is_restored_by_writing_it_back,
    a_version_from_before_publication_is_restored_without_taking_the_page_back,
    the_history_of_what_was_deleted_stays,
    a_single_resource_is_read_as_of_a_time,
    lists_are_answered_as_of_a_time,
    names_in_filters_mean_what_they_meant_then,
    the_past_shows_nothing_that_is_hidden_now,
    a_retracted_brief_is_withheld_at_every_time,
    what_was_deleted_is_no_more_public_than_the_brief_that_showed_it,
    the_future_cannot_be_read,
    the_same_time_gives_the_same_bytes,
    a_category_stood_otherwise_then,
    versions_come_in_pages,
);

/// The time now, which a read as of it stands for.
fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

fn as_of(client: &Client, path: &str, time: &str) -> crate::support::Answer {
    let sign = if path.contains('?') { '&' } else { '?' };
    client.get(&format!("{path}{sign}as_of={time}"))
}

fn versions(list: &crate::support::Answer) -> Vec<i64> {
    list.rows().iter().map(|row| row["version"].as_i64().unwrap()).collect()
}

fn every_version_is_kept_whole_with_who_and_when(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page"));
    app.editor().patch("/v1/briefs/page", json!({"title": "Second"})).expect(200);
    app.publisher().post_empty("/v1/briefs/page/publish").expect(200);
    app.publisher().post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "x"})).expect(201);
    let revisions = app.editor().get("/v1/briefs/page/revisions").expect(200);
    assert_eq!(versions(&revisions), [4, 3, 2, 1]);
    let changes: Vec<Value> = revisions.rows().iter().map(|row| row["change"].clone()).collect();
    assert_eq!(changes, ["corrected", "published", "updated", "created"]);
    for row in revisions.rows() {
        assert_eq!(row["by"]["name"], "a test");
        assert_eq!(row["current"], row["version"] == 4);
        assert!(row["at"].is_string());
    }
    for (version, title) in [(1, "About page"), (2, "Second"), (3, "Second")] {
        let old = app.editor().get(&format!("/v1/briefs/page/revisions/{version}")).expect(200);
        assert_eq!((&old.json()["version"], &old.json()["title"]), (&json!(version), &json!(title)));
        assert!(old.header("etag").starts_with(&format!("\"{version}-")));
    }
    for path in ["/v1/briefs/page/revisions/5", "/v1/briefs/page/revisions/0", "/v1/briefs/none/revisions"] {
        app.editor().get(path).problem(404, "not-found");
    }
    for collection in ["actors", "categories", "events", "trends"] {
        let resource = match collection {
            "actors" => actor("a", "A"),
            "categories" => category("c", "C"),
            "events" => event("e", "2017"),
            _ => trend("t", "stable").with(json!({"brief": "page"})),
        };
        let slug = app.publisher().create(collection, resource)["slug"].as_str().unwrap().to_owned();
        assert_eq!(versions(&app.editor().get(&format!("/v1/{collection}/{slug}/revisions")).expect(200)), [1]);
        app.editor().get(&format!("/v1/{collection}/{slug}/revisions/1")).expect(200);
        app.editor().get(&format!("/v1/{collection}/{slug}/diff")).expect(200);
    }
}

fn readers_see_the_versions_that_they_could_see(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page").with(json!({"summary": "Not yet."})));
    app.publisher().post_empty("/v1/briefs/page/publish").expect(200);
    app.publisher().patch("/v1/briefs/page", json!({"marking": "TLP:RED", "summary": "Secret."})).expect(200);
    app.get("/v1/briefs/page/revisions").problem(404, "not-found");
    app.publisher().patch("/v1/briefs/page", json!({"marking": "TLP:CLEAR", "summary": "Open."})).expect(200);
    let revisions = app.get("/v1/briefs/page/revisions").expect(200);
    assert_eq!(versions(&revisions), [4, 2]);
    assert!(revisions.rows().iter().all(|row| row["by"].is_null()), "who wrote it is for editors");
    app.get("/v1/briefs/page/revisions/1").problem(404, "not-found");
    app.get("/v1/briefs/page/revisions/3").problem(404, "not-found");
    app.get("/v1/briefs/page/diff?from=3&to=4").problem(404, "not-found");
    let difference = app.get("/v1/briefs/page/diff").expect(200).json();
    assert_eq!((&difference["from"], &difference["to"]), (&json!(2), &json!(4)));
    assert_eq!(versions(&app.editor().get("/v1/briefs/page/revisions")), [4, 3, 2, 1]);
}

fn a_version_shows_what_it_showed_then(app: &TestApp) {
    app.with_cast();
    app.publisher().create("briefs", weekly_page("page").with(json!({"state": "published"})));
    let first = app.get("/v1/briefs/page").json();
    app.publisher().patch("/v1/actors/china", json!({"name": "PRC"})).expect(200);
    app.publisher().patch("/v1/categories/security", json!({"name": "Safety"})).expect(200);
    app.publisher().patch("/v1/events/page-protocol", json!({"title": "Another title"})).expect(200);
    app.publisher().patch("/v1/trends/page-army", json!({"statement": "Another statement."})).expect(200);
    let old = app.get("/v1/briefs/page/revisions/1").expect(200).json();
    assert_eq!(old, first.with(json!({"similar": []})));
    assert_eq!(app.get("/v1/briefs/page/revisions/2").json()["trends"][0]["statement"], "Another statement.");
}

fn two_versions_are_compared_member_by_member(app: &TestApp) {
    app.with_cast();
    app.publisher().create("briefs", weekly_page("page").with(json!({"state": "published"})));
    let mut page = app.publisher().get("/v1/briefs/page").json();
    page["title"] = json!("Another title");
    page["body"] = json!("Minsk and Beijing **initialled** a protocol.");
    page["trends"].as_array_mut().unwrap().reverse();
    page["trends"][0]["direction"] = json!("increasing");
    page["authors"] = json!(["Another Desk"]);
    app.publisher().put("/v1/briefs/page", page).expect(200);
    let difference = app.get("/v1/briefs/page/diff?from=1&to=2").expect(200).json();
    let pointers: Vec<&str> =
        difference["changes"].as_array().unwrap().iter().map(|change| change["pointer"].as_str().unwrap()).collect();
    assert!(
        pointers.contains(&"/title") && pointers.contains(&"/authors") && pointers.contains(&"/body"),
        "{difference}"
    );
    assert!(pointers.contains(&"/trends/0/direction") && pointers.contains(&"/trends"), "{difference}");
    assert!(
        !pointers.iter().any(|pointer| ["/version", "/updated_at", "/body_html"].contains(pointer)),
        "{difference}"
    );
    let back = app.get("/v1/briefs/page/diff?from=2&to=1").expect(200).json();
    let title = |document: &Value| {
        let changes = document["changes"].as_array().unwrap();
        changes.iter().find(|change| change["pointer"] == "/title").cloned().unwrap()
    };
    assert_eq!(title(&difference)["was"], title(&back)["is"]);
    assert_eq!(app.get("/v1/briefs/page/diff?from=2&to=2").json()["changes"], json!([]));
    app.get("/v1/briefs/page/diff?from=one").problem(400, "invalid-parameter");
}

fn an_old_version_is_restored_by_writing_it_back(app: &TestApp) {
    app.with_cast();
    app.publisher().create("briefs", weekly_page("page").with(json!({"state": "published"})));
    let nothing = brief("page").with(json!({"title": "All gone"}));
    app.publisher().put("/v1/briefs/page", nothing).expect(200);
    app.publisher().post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "x"})).expect(201);
    let old = app.publisher().get("/v1/briefs/page/revisions/1").json();
    let restored = app.publisher().put("/v1/briefs/page", &old).expect(200).json();
    assert_eq!(restored["version"], 4);
    for member in ["title", "summary", "body", "sources", "image", "period"] {
        assert_eq!(restored[member], old[member], "{member}");
    }
    assert_eq!(slugs_in(&restored["events"]), slugs_in(&old["events"]));
    assert_eq!(restored["trends"].as_array().unwrap().len(), 2);
    assert_eq!(restored["corrections"].as_array().unwrap().len(), 1, "a correction is never lost");
}

fn a_version_from_before_publication_is_restored_without_taking_the_page_back(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page").with(json!({"title": "First"})));
    app.publisher().post_empty("/v1/briefs/page/publish").expect(200);
    app.publisher().patch("/v1/briefs/page", json!({"title": "Second"})).expect(200);
    let draft = app.editor().get("/v1/briefs/page/revisions/1").expect(200).json();
    assert_eq!(draft["state"], "draft");
    let restored = app.publisher().put("/v1/briefs/page", &draft).expect(200).json();
    assert_eq!((&restored["title"], &restored["state"]), (&json!("First"), &json!("published")));
    let present = app.publisher().get("/v1/briefs/page").json().with(json!({"state": "draft"}));
    let refused = app.publisher().put("/v1/briefs/page", present).problem(409, "conflict");
    assert_eq!(refused["legal"], json!(["retract", "corrections"]));
}

fn the_history_of_what_was_deleted_stays(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"body": "At length."})));
    app.publisher().create("briefs", brief("secret"));
    let then = now();
    app.publisher().delete("/v1/briefs/page?reason=wrong").expect(204);
    app.publisher().delete("/v1/briefs/secret").expect(204);
    app.get("/v1/briefs/page").problem(410, "gone");
    let revisions = app.get("/v1/briefs/page/revisions").expect(200);
    assert_eq!(versions(&revisions), [2, 1]);
    assert_eq!(revisions.rows()[0]["change"], "removed");
    assert!(revisions.rows().iter().all(|row| row["current"] == false));
    assert_eq!(app.get("/v1/briefs/page/revisions/1").expect(200).json()["body"], "At length.");
    app.get("/v1/briefs/page/revisions/2").problem(410, "gone");
    assert_eq!(as_of(app, "/v1/briefs/page", &then).expect(200).json()["body"], "At length.");
    assert_eq!(as_of(app, "/v1/briefs", &then).slugs(), ["page"]);
    app.get("/v1/briefs/secret/revisions").problem(404, "not-found");
    as_of(app, "/v1/briefs/secret", &then).problem(404, "not-found");
}

fn a_single_resource_is_read_as_of_a_time(app: &TestApp) {
    let before = now();
    app.with_cast();
    app.publisher().create("briefs", weekly_page("page").with(json!({"state": "published"})));
    let first = now();
    let whole = app.get("/v1/briefs/page").json();
    app.publisher().patch("/v1/events/page-meeting", json!({"participants": [{"actor": "china"}]})).expect(200);
    app.publisher()
        .patch("/v1/actors/lukashenka", json!({"name": "Another", "aliases": [{"name": "Alias"}]}))
        .expect(200);
    let second = now();
    app.publisher().patch("/v1/briefs/page", json!({"title": "Another", "slug": "renamed", "trends": []})).expect(200);
    assert_eq!(as_of(app, "/v1/briefs/page", &first).expect(200).json(), whole.with(json!({"similar": []})));
    let between = as_of(app, "/v1/briefs/page", &second).expect(200).json();
    assert_eq!(between["events"][1]["participants"][0]["actor"]["slug"], "china");
    assert_eq!(between["trends"][0]["actors"][0]["name"], "Another");
    assert_eq!(as_of(app, "/v1/actors/lukashenka", &first).json()["name"], "lukashenka");
    assert_eq!(as_of(app, "/v1/actors/lukashenka", &second).json()["aliases"][0]["name"], "Alias");
    as_of(app, "/v1/briefs/page", &before).problem(404, "not-found");
    as_of(app, "/v1/briefs/renamed", &first).problem(404, "not-found");
    assert_eq!(as_of(app, "/v1/briefs/renamed", &now()).json()["title"], "Another");
    assert_eq!(as_of(app, "/v1/trends/page-army", &first).json()["brief"]["slug"], "page");
    app.get("/v1/trends/page-army").problem(410, "gone");
}

fn lists_are_answered_as_of_a_time(app: &TestApp) {
    app.with_cast();
    app.publisher().create("briefs", weekly_page("page").with(json!({"state": "published"})));
    app.publisher()
        .create("events", public_event("other", "2017-08").with(json!({"participants": [{"actor": "china"}]})));
    let paths = [
        "/v1/briefs?actor=china",
        "/v1/briefs?kind=agreement",
        "/v1/briefs?direction=increasing&series=army-influence",
        "/v1/briefs?category=security&country=BY",
        "/v1/briefs?sort=updated_at",
        "/v1/briefs?all_actors=china&actor=belarus",
        "/v1/briefs?include=body,events,trends,actors",
        "/v1/events?actor=china",
        "/v1/events?category=security",
        "/v1/events?from=2017-07-01&to=2017-07-31",
        "/v1/events?sort=-updated_at&count=true",
        "/v1/trends?actor=lukashenka",
        "/v1/trends?category_status=progress",
        "/v1/trends?on=2017-07-26",
        "/v1/actors?kind=person",
        "/v1/actors?sort=-name",
        "/v1/categories",
        "/v1/briefs?updated_since=2017-01-01T00:00:00Z",
        "/v1/events?format=csv",
        "/v1/briefs?format=ndjson",
    ];
    let answers: Vec<String> = paths.iter().map(|path| app.get(path).expect(200).text()).collect();
    assert!(answers.iter().all(|answer| answer.len() > 60), "every question has an answer: {answers:?}");
    let then = now();
    // What a brief does not show any more is hidden with that, and so would be hidden then: it goes on to show both.
    app.publisher().delete("/v1/events/page-protocol").expect(204);
    let both = app.get("/v1/briefs/page").json()["events"].clone();
    let page = published("page", "2017-08-15").with(json!({"language": "ru", "events": both}));
    app.publisher().put("/v1/briefs/page", page).expect(200);
    app.publisher().patch("/v1/events/other", json!({"participants": [], "kind": "visit"})).expect(200);
    app.publisher().patch("/v1/categories/security", json!({"slug": "safety", "name": "Safety"})).expect(200);
    for slug in ["china", "lukashenka"] {
        app.publisher().patch(&format!("/v1/actors/{slug}"), json!({"kind": "state", "name": "Z"})).expect(200);
    }
    app.publisher().create("briefs", published("later", "2017-09-01").with(json!({"category": "safety"})));
    for (path, answer) in paths.iter().zip(&answers) {
        assert_eq!(&as_of(app, path, &then).expect(200).text(), answer, "{path}");
        assert_ne!(
            &app.get(&path.replace("category=security", "category=safety")).text(),
            answer,
            "{path} has changed"
        );
    }
}

fn names_in_filters_mean_what_they_meant_then(app: &TestApp) {
    app.with_category().with_actors(&["a", "b"]);
    for slug in ["a", "b"] {
        let meeting = public_event(&format!("of-{slug}"), "2017").with(json!({"participants": [{"actor": slug}]}));
        app.publisher().create("events", meeting);
    }
    app.publisher().patch("/v1/actors/a", json!({"name": "The Chief"})).expect(200);
    let then = now();
    app.publisher().patch("/v1/actors/a", json!({"name": "The Former Chief"})).expect(200);
    app.publisher().patch("/v1/actors/b", json!({"name": "The Chief"})).expect(200);
    assert_eq!(app.get("/v1/events?actor=The%20Chief").slugs(), ["of-b"]);
    assert_eq!(as_of(app, "/v1/events?actor=The%20Chief", &then).slugs(), ["of-a"]);
    as_of(app, "/v1/events?actor=The%20Former%20Chief", &then).problem(400, "invalid-parameter");
}

fn the_past_shows_nothing_that_is_hidden_now(app: &TestApp) {
    app.with_category().with_actors(&["spy"]);
    let secret = event("secret", "2017").with(json!({"participants": [{"actor": "spy"}], "title": "Nobody may know"}));
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"events": [secret]})));
    app.publisher().create("briefs", published("whole", "2017-07-30").with(json!({"trends": [trend("up", "stable")]})));
    let then = now();
    assert_eq!(app.get("/v1/briefs?actor=spy").slugs(), ["page"]);
    app.publisher().patch("/v1/events/secret", json!({"marking": "TLP:RED"})).expect(200);
    app.publisher().patch("/v1/briefs/whole", json!({"marking": "TLP:AMBER"})).expect(200);
    let page = as_of(app, "/v1/briefs/page", &then).expect(200);
    assert_eq!((&page.json()["events"], &page.json()["actors"]), (&json!([]), &json!([])));
    assert_eq!(as_of(app, "/v1/briefs?actor=spy", &then).slugs(), [""; 0]);
    assert_eq!(as_of(app, "/v1/briefs?kind=meeting", &then).slugs(), [""; 0]);
    assert_eq!(as_of(app, "/v1/briefs?count=true", &then).json()["page"]["total"], 1);
    assert_eq!(as_of(app, "/v1/events?actor=spy", &then).slugs(), [""; 0]);
    for path in ["/v1/events/secret", "/v1/briefs/whole", "/v1/trends/up", "/v1/briefs/whole/revisions/1"] {
        as_of(app, path, &then).problem(404, "not-found");
    }
    let cleared = app.cleared("reader", "TLP:AMBER");
    assert_eq!(as_of(&cleared, "/v1/briefs?actor=spy", &then).slugs(), [""; 0]);
    as_of(&cleared, "/v1/trends/up", &then).expect(200);
    assert_eq!(as_of(&app.editor(), "/v1/briefs?actor=spy", &then).slugs(), ["page"]);
    // To be seen again now is to be seen again then.
    app.publisher().patch("/v1/events/secret", json!({"marking": "TLP:CLEAR"})).expect(200);
    assert_eq!(as_of(app, "/v1/briefs?actor=spy", &then).slugs(), ["page"]);
}

fn a_retracted_brief_is_withheld_at_every_time(app: &TestApp) {
    app.with_category();
    let page = published("page", "2017-07-31").with(json!({"body": "Wrong.", "trends": [trend("up", "stable")]}));
    app.publisher().create("briefs", page);
    let then = now();
    app.publisher().post("/v1/briefs/page/retract", json!({"reason": "It was wrong."})).expect(200);
    for path in ["/v1/briefs/page/revisions/1".to_owned(), format!("/v1/briefs/page?as_of={then}")] {
        let seen = app.get(&path).expect(200).json();
        assert_eq!((&seen["body"], &seen["trends"]), (&json!(null), &json!([])), "{path}");
        assert_eq!(app.editor().get(&path).json()["body"], "Wrong.", "{path}");
    }
    assert_eq!(as_of(app, "/v1/briefs?direction=stable", &then).slugs(), [""; 0]);
    assert!(!as_of(app, "/v1/briefs?format=ndjson&include=body,trends", &then).text().contains("Wrong."));
    assert!(!app.get("/v1/briefs/page/diff").text().contains("Wrong."));
}

fn what_was_deleted_is_no_more_public_than_the_brief_that_showed_it(app: &TestApp) {
    app.with_category();
    app.publisher().create("events", event("meeting", "2017-07-20"));
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"events": ["meeting"]})));
    let then = now();
    app.publisher().delete("/v1/events/meeting").expect(204);
    as_of(app.anyone(), "/v1/events/meeting", &then).expect(200);
    app.publisher().patch("/v1/briefs/page", json!({"marking": "TLP:RED"})).expect(200);
    as_of(app.anyone(), "/v1/events/meeting", &then).problem(404, "not-found");
    app.get("/v1/events/meeting/revisions/1").problem(410, "gone");
    assert_eq!(as_of(app.anyone(), "/v1/events", &then).slugs(), [""; 0]);
    as_of(&app.cleared("editor", "TLP:RED"), "/v1/events/meeting", &then).expect(200);
}

fn the_future_cannot_be_read(app: &TestApp) {
    for path in ["/v1/briefs", "/v1/actors/nobody", "/v1/briefs/none/revisions"] {
        let refused = as_of(app, path, "2099-01-01T00:00:00Z");
        assert_eq!(refused.faults(), ["as_of"], "{path}");
        refused.problem(400, "invalid-parameter");
        assert_eq!(as_of(app, path, "yesterday").faults(), ["as_of"], "{path}");
    }
}

fn the_same_time_gives_the_same_bytes(app: &TestApp) {
    app.with_category();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                scope.spawn(move || {
                    for number in 0..25 {
                        app.publisher().create("briefs", published(&format!("page-{writer}-{number}"), "2017-07-31"));
                    }
                })
            })
            .collect();
        let mut seen = Vec::new();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let time = now();
            seen.push((time.clone(), as_of(app, "/v1/briefs?limit=100", &time).expect(200).body));
        }
        for writer in writers {
            writer.join().unwrap();
        }
        assert!(seen.len() > 3);
        for (time, body) in seen {
            assert_eq!(as_of(app, "/v1/briefs?limit=100", &time).body, body, "as of {time}");
        }
    });
}

fn a_category_stood_otherwise_then(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("first", "2017-07-01").with(json!({"category_status": "progress"})));
    let then = now();
    app.publisher().create("briefs", published("second", "2017-07-08").with(json!({"category_status": "regress"})));
    assert_eq!(app.get("/v1/categories/security").json()["status"]["value"], "regress");
    assert_eq!(as_of(app, "/v1/categories/security", &then).json()["status"]["value"], "progress");
}

fn versions_come_in_pages(app: &TestApp) {
    app.publisher().create("actors", actor("a", "Name 1"));
    for number in 2..=7 {
        app.publisher().patch("/v1/actors/a", json!({"name": format!("Name {number}")})).expect(200);
    }
    let first = app.get("/v1/actors/a/revisions?limit=3&count=true").expect(200);
    assert_eq!(versions(&first), [7, 6, 5]);
    assert_eq!(first.json()["page"]["total"], 7);
    let next = first.json()["page"]["next"].as_str().unwrap().to_owned();
    let second = app.get(&format!("/v1/actors/a/revisions?limit=3&cursor={next}")).expect(200);
    assert_eq!(versions(&second), [4, 3, 2]);
    assert_eq!(app.get("/v1/actors/a/revisions?format=ndjson").expect(200).lines().len(), 7);
}
