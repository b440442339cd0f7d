//! Erasure, which destroys, and merging, which moves.

use serde_json::json;

use crate::support::make::{With, actor, brief, category, event, public_event, published, trend};
use crate::support::{TestApp, slugs_in, wait_until};

on_both!(
    what_is_erased_is_gone_at_every_time,
    some_versions_are_erased_and_the_others_stay,
    a_trend_that_stood_in_other_versions_keeps_those,
    a_deleted_resource_can_still_be_erased,
    a_merged_duplicate_can_still_be_erased,
    an_erased_actor_leaves_no_name_behind,
    erasing_needs_an_admin_and_a_reason,
    duplicates_of_actors_are_merged,
    categories_are_merged,
    what_is_in_use_is_not_deleted,
);

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// Nothing of a word is left in the files of the database, at the latest when nobody reads any more what was there before.
/// PostgreSQL's belong to its server.
fn assert_destroyed(app: &TestApp, word: &str) {
    let Some(file) = app.database().url().strip_prefix("sqlite://").map(ToOwned::to_owned) else { return };
    let is_in = |suffix: &str| {
        let bytes = std::fs::read(format!("{file}{suffix}")).unwrap_or_default();
        bytes.windows(word.len()).any(|window| window == word.as_bytes())
    };
    assert!(!is_in(""), "`{word}` is still in the database");
    wait_until(|| !is_in("-wal"));
}

fn what_is_erased_is_gone_at_every_time(app: &TestApp) {
    app.with_category();
    let page = published("page", "2017-07-31").with(json!({
        "title": "Zanzibarquux", "body": "Zanzibarquux did it.", "slug": "zanzibarquux-page",
        "trends": [{"statement": "Zanzibarquux goes on.", "slug": "zanzibarquux-trend", "direction": "stable"}],
    }));
    let once = app.publisher().with("Idempotency-Key", "one");
    let id = once.create("briefs", page)["id"].as_str().unwrap().to_owned();
    let then = now();
    app.publisher().patch("/v1/briefs/zanzibarquux-page", json!({"summary": "Zanzibarquux again."})).expect(200);
    app.publisher().create("briefs", published("other", "2017-08-01").with(json!({"related": [&id]})));
    app.publisher().create("briefs", brief("draft"));
    let erased = app.admin().post("/v1/briefs/zanzibarquux-page/erase", json!({"reason": "A court ordered it."}));
    assert!(erased.expect(204).body.is_empty());
    for path in [
        "/v1/briefs/zanzibarquux-page".to_owned(),
        format!("/v1/briefs/{id}"),
        format!("/v1/briefs/zanzibarquux-page?as_of={then}"),
        format!("/v1/briefs/{id}?as_of={then}"),
        format!("/v1/briefs/{id}/revisions"),
        format!("/v1/briefs/{id}/revisions/1"),
        format!("/v1/briefs/{id}/diff"),
        "/v1/trends/zanzibarquux-trend".to_owned(),
        format!("/v1/trends/zanzibarquux-trend?as_of={then}"),
    ] {
        let gone = app.get(&path).problem(410, "gone");
        assert!(!gone.to_string().replace(gone["instance"].as_str().unwrap(), "").contains("anzibarquux"), "{gone}");
    }
    assert_eq!(app.get("/v1/briefs/zanzibarquux-page").json()["reason"], "A court ordered it.");
    assert_eq!(app.get(&format!("/v1/briefs?as_of={then}")).slugs(), [""; 0]);
    assert_eq!(app.get("/v1/briefs/other").json()["related"], json!([{"id": id, "deleted": true}]));
    assert_destroyed(app, "anzibarquux");
    app.admin().post("/v1/briefs/zanzibarquux-page/erase", json!({"reason": "Again."})).problem(410, "gone");
    // The answer that was kept is gone too, and the slug is free.
    let page = published("zanzibarquux-page", "2017-07-31");
    app.publisher().with("Idempotency-Key", "one").create("briefs", page);
    app.get("/v1/briefs/zanzibarquux-page").expect(200);
}

fn some_versions_are_erased_and_the_others_stay(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"title": "First"})));
    let page = json!({"title": "Zanzibarquux", "trends": [trend("zanzibarquux", "stable")]});
    app.publisher().patch("/v1/briefs/page", page).expect(200);
    let then = now();
    app.publisher().patch("/v1/briefs/page", json!({"title": "Third", "trends": []})).expect(200);
    let erase = |versions: serde_json::Value| {
        app.admin().post("/v1/briefs/page/erase", json!({"reason": "It named a child.", "versions": versions}))
    };
    erase(json!([3])).problem(409, "conflict");
    assert_eq!(erase(json!([2, 9])).expect(422).faults(), ["/versions/1"]);
    assert_eq!(erase(json!([])).expect(422).faults(), ["/versions"]);
    erase(json!([2])).expect(204);
    assert_eq!(app.get("/v1/briefs/page").expect(200).json()["version"], 3);
    assert_eq!(app.get("/v1/briefs/page/revisions/1").expect(200).json()["title"], "First");
    app.get("/v1/briefs/page/revisions/2").problem(410, "gone");
    app.get(&format!("/v1/briefs/page?as_of={then}")).problem(410, "gone");
    assert_eq!(app.get(&format!("/v1/briefs?as_of={then}")).slugs(), [""; 0]);
    assert_destroyed(app, "anzibarquux");
}

fn a_trend_that_stood_in_other_versions_keeps_those(app: &TestApp) {
    app.with_category();
    let stays = trend("stays", "stable");
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"trends": [&stays]})));
    let first = now();
    app.publisher().patch("/v1/briefs/page", json!({"summary": "Zanzibarquux."})).expect(200);
    let second = now();
    app.publisher().patch("/v1/briefs/page", json!({"summary": "Third."})).expect(200);
    let body = json!({"reason": "It named a child.", "versions": [2]});
    app.admin().post("/v1/briefs/page/erase", body).expect(204);
    for (time, status) in [(&first, 200), (&second, 410)] {
        app.get(&format!("/v1/briefs/page?as_of={time}")).expect(status);
    }
    assert_eq!(slugs_in(&app.get("/v1/briefs/page").json()["trends"]), ["stays"]);
    assert_eq!(slugs_in(&app.get("/v1/briefs/page/revisions/1").json()["trends"]), ["stays"]);
    app.get("/v1/trends/stays").expect(200);
    app.get(&format!("/v1/trends/stays?as_of={first}")).expect(200);
}

fn a_merged_duplicate_can_still_be_erased(app: &TestApp) {
    app.publisher().create("actors", actor("real", "The Real One"));
    for name in ["by-slug", "by-id"] {
        let id = app.publisher().create("actors", actor(name, "Zanzibarquux"))["id"].as_str().unwrap().to_owned();
        let then = now();
        app.publisher().delete(&format!("/v1/actors/{name}?replace_with=real")).expect(204);
        let meant = if name == "by-id" { &id } else { name };
        app.admin().post(&format!("/v1/actors/{meant}/erase"), json!({"reason": "The law."})).expect(204);
        for erased in [name, &id] {
            app.get(&format!("/v1/actors/{erased}?as_of={then}")).problem(410, "gone");
            app.get(&format!("/v1/actors/{erased}")).problem(308, "moved");
        }
    }
    // The name was given to the one that took its place, and is erased there by itself.
    let last = app.publisher().patch("/v1/actors/real", json!({"aliases": []})).expect(200).json()["version"].clone();
    let earlier: Vec<i64> = (1..last.as_i64().unwrap()).collect();
    app.admin().post("/v1/actors/real/erase", json!({"reason": "The law.", "versions": earlier})).expect(204);
    assert_destroyed(app, "Zanzibarquux");
}

fn a_deleted_resource_can_still_be_erased(app: &TestApp) {
    app.publisher().create("events", public_event("meeting", "2017").with(json!({"title": "Zanzibarquux"})));
    app.publisher().delete("/v1/events/meeting?reason=Zanzibarquux").expect(204);
    app.get("/v1/events/meeting/revisions/1").expect(200);
    app.admin().post("/v1/events/meeting/erase", json!({"reason": "A court ordered it."})).expect(204);
    let gone = app.get("/v1/events/meeting").problem(410, "gone");
    assert_eq!(gone["reason"], "A court ordered it.");
    app.get("/v1/events/meeting/revisions").problem(410, "gone");
    assert_destroyed(app, "Zanzibarquux");
}

fn an_erased_actor_leaves_no_name_behind(app: &TestApp) {
    app.with_category();
    let person = actor("zanzibarquux", "Zanzibarquux").with(json!({"aliases": [{"name": "Zanzibarquux the Second"}]}));
    let id = app.publisher().create("actors", person)["id"].clone();
    app.publisher().patch("/v1/actors/zanzibarquux", json!({"slug": "zanzibarquux-ii"})).expect(200);
    let meeting = public_event("meeting", "2017").with(json!({"participants": [{"actor": "zanzibarquux-ii"}]}));
    app.publisher().with("Idempotency-Key", "two").create("events", meeting);
    app.admin().post("/v1/actors/zanzibarquux-ii/erase", json!({"reason": "The law."})).expect(204);
    let participants = app.get("/v1/events/meeting").json()["participants"].clone();
    assert_eq!(participants[0]["actor"], json!({"id": id, "deleted": true}));
    app.get("/v1/actors/zanzibarquux-ii").problem(410, "gone");
    app.get("/v1/actors/zanzibarquux").problem(410, "gone");
    assert_destroyed(app, "anzibarquux");
}

fn erasing_needs_an_admin_and_a_reason(app: &TestApp) {
    app.publisher().create("actors", actor("a", "A"));
    app.publisher().post("/v1/actors/a/erase", json!({"reason": "x"})).problem(403, "forbidden");
    assert_eq!(app.admin().post("/v1/actors/a/erase", json!({"reason": " "})).expect(422).faults(), ["/reason"]);
    assert_eq!(app.admin().post("/v1/actors/a/erase", json!({})).expect(422).faults(), ["/reason"]);
    app.admin().post("/v1/actors/nobody/erase", json!({"reason": "x"})).problem(404, "not-found");
    app.admin()
        .with("If-Match", "\"7-x\"")
        .post("/v1/actors/a/erase", json!({"reason": "x"}))
        .problem(412, "precondition-failed");
    app.get("/v1/actors/a").expect(200);
}

fn duplicates_of_actors_are_merged(app: &TestApp) {
    app.with_category().with_actors(&["body"]);
    let double = actor("double", "The Double").with(json!({"aliases": [{"name": "Двойник", "language": "ru"}]}));
    let id = app.publisher().create("actors", double)["id"].as_str().unwrap().to_owned();
    app.publisher().create("actors", actor("real", "The Real One"));
    let child = actor("child", "Child")
        .with(json!({"parent": "double", "positions": [{"organisation": "double", "title": "Clerk"}]}));
    app.publisher().create("actors", child);
    let both = json!({"participants": [{"actor": "double", "role": "host"}, {"actor": "real", "role": "host"}]});
    app.publisher().create("events", public_event("meeting", "2017").with(both));
    let of_double = trend("up", "stable").with(json!({"actors": ["double"]}));
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"trends": [of_double]})));
    let then = now();

    app.editor().delete("/v1/actors/double?replace_with=real").problem(403, "forbidden");
    app.publisher().delete("/v1/actors/double?replace_with=double").problem(400, "invalid-parameter");
    app.publisher().delete("/v1/actors/double?replace_with=nobody").problem(400, "invalid-parameter");
    app.publisher().delete("/v1/actors/double").problem(409, "conflict");
    app.publisher().delete("/v1/actors/double?replace_with=real").expect(204);

    for path in ["/v1/actors/double".to_owned(), format!("/v1/actors/{id}")] {
        let moved = app.get(&path);
        assert_eq!(moved.header("location"), "/v1/actors/real", "{path}");
        moved.problem(308, "moved");
    }
    let real = app.get("/v1/actors/real").json();
    let names: Vec<&str> =
        real["aliases"].as_array().unwrap().iter().map(|alias| alias["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["The Double", "Двойник"]);
    let participants = app.get("/v1/events/meeting").json()["participants"].clone();
    assert_eq!(participants.as_array().unwrap().len(), 1);
    assert_eq!(participants[0]["actor"]["slug"], "real");
    assert_eq!(slugs_in(&app.get("/v1/trends/up").json()["actors"]), ["real"]);
    let child = app.get("/v1/actors/child").json();
    assert_eq!(
        (&child["parent"]["slug"], &child["positions"][0]["organisation"]["slug"]),
        (&json!("real"), &json!("real"))
    );
    for name in ["double", "The%20Double", "real", &id] {
        assert_eq!(app.get(&format!("/v1/events?actor={name}")).slugs(), ["meeting"], "{name}");
        assert_eq!(app.get(&format!("/v1/briefs?actor={name}")).slugs(), ["page"], "{name}");
    }
    // What named the duplicate names the other from now on, in bodies too; what it was then, it stays then.
    app.publisher().patch("/v1/events/meeting", json!({"participants": [{"actor": "double"}]})).expect(200);
    let old = app.get(&format!("/v1/events/meeting?as_of={then}")).json();
    assert_eq!(old["participants"][0]["actor"]["name"], "The Double");
}

fn categories_are_merged(app: &TestApp) {
    app.with_category();
    app.publisher().create("categories", category("defence", "Defence"));
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"category": "defence"})));
    app.publisher().delete("/v1/categories/defence").problem(409, "conflict");
    app.publisher().delete("/v1/categories/defence?replace_with=security").expect(204);
    assert_eq!(app.get("/v1/briefs/page").json()["category"]["slug"], "security");
    assert_eq!(app.get("/v1/briefs?category=defence").slugs(), ["page"]);
    app.get("/v1/categories/defence").problem(308, "moved");
    app.publisher().delete("/v1/briefs/page?replace_with=other").problem(400, "invalid-parameter");
}

fn what_is_in_use_is_not_deleted(app: &TestApp) {
    app.with_category().with_actors(&["a"]);
    app.editor().create("events", event("meeting", "2017").with(json!({"participants": [{"actor": "a"}]})));
    let refused = app.editor().delete("/v1/actors/a").problem(409, "conflict");
    assert_eq!(refused["users"][0]["slug"], "meeting");
    app.editor().delete("/v1/events/meeting").expect(204);
    app.editor().delete("/v1/actors/a").expect(204);
}
