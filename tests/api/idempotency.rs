//! `Idempotency-Key`: a request that is sent again is done once.

use serde_json::json;

use crate::support::TestApp;
use crate::support::make::{With, actor, brief, published};

on_both!(
    the_first_answer_is_given_again,
    another_request_with_the_key_is_refused,
    a_refusal_is_given_again_too,
    keys_of_different_callers_do_not_meet,
    an_import_is_done_once,
    a_secret_is_not_kept,
    many_at_once_make_one,
    the_answer_outlives_the_server,
    a_key_must_be_one,
);

fn the_first_answer_is_given_again(app: &TestApp) {
    app.with_category();
    let once = app.publisher().with("Idempotency-Key", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"");
    let first = once.post("/v1/briefs", brief("page")).expect(201);
    let again = once.post("/v1/briefs", brief("page")).expect(201);
    assert_eq!(again.body, first.body);
    for name in ["location", "etag", "briefwire-position", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    let once = app.publisher().with("Idempotency-Key", "publish");
    let first = once.post_empty("/v1/briefs/page/publish").expect(200);
    assert_eq!(once.post_empty("/v1/briefs/page/publish").expect(200).body, first.body);
    app.publisher().post_empty("/v1/briefs/page/publish").problem(409, "conflict");
}

fn another_request_with_the_key_is_refused(app: &TestApp) {
    app.with_category();
    let once = app.publisher().with("Idempotency-Key", "one");
    once.post("/v1/briefs", brief("page")).expect(201);
    once.post("/v1/briefs", brief("other")).problem(422, "validation-failed");
    once.post("/v1/actors", brief("page")).expect(422);
    app.publisher().get("/v1/briefs/other").problem(404, "not-found");
}

fn a_refusal_is_given_again_too(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", brief("page"));
    let once = app.publisher().with("Idempotency-Key", "one");
    let first = once.post("/v1/briefs", brief("page"));
    app.publisher().delete("/v1/briefs/page").expect(204);
    assert_eq!(once.post("/v1/briefs", brief("page")).body, first.body);
    first.problem(409, "conflict");
    app.publisher().get("/v1/briefs/page").problem(410, "gone");
}

fn keys_of_different_callers_do_not_meet(app: &TestApp) {
    let (one, another) = (app.editor(), app.publisher());
    one.with("Idempotency-Key", "same").post("/v1/actors", actor("a", "A")).expect(201);
    another.with("Idempotency-Key", "same").post("/v1/actors", actor("b", "B")).expect(201);
}

fn an_import_is_done_once(app: &TestApp) {
    let lines = |name: &str| format!("{}\n", actor("a", name).with(json!({"type": "actor"})));
    let once = app.editor().with("Content-Type", "application/x-ndjson").with("Idempotency-Key", "one");
    let first = once.send("POST", "/v1/import", Some(lines("A").as_bytes())).expect(200);
    assert_eq!(first.json()["created"], 1);
    let again = once.send("POST", "/v1/import", Some(lines("A").as_bytes())).expect(200);
    assert_eq!(again.body, first.body, "the first answer, not that nothing changed");
    once.send("POST", "/v1/import", Some(lines("B").as_bytes())).problem(422, "validation-failed");
}

fn a_secret_is_not_kept(app: &TestApp) {
    let once = app.admin().with("Idempotency-Key", "one");
    let made = once.post("/v1/keys", json!({"name": "Newsroom", "role": "editor"})).expect(201).json();
    assert!(made["key"].is_string());
    once.post("/v1/keys", json!({"name": "Newsroom", "role": "editor"})).problem(409, "conflict");
    let listed = app.admin().get("/v1/keys").json()["data"].clone();
    let named = listed.as_array().unwrap().iter().filter(|key| key["name"] == "Newsroom");
    assert_eq!(named.count(), 1);
}

fn many_at_once_make_one(app: &TestApp) {
    let once = app.editor().with("Idempotency-Key", "one");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| once.post("/v1/actors", json!({"name": "Twin", "kind": "person"})).status))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&201), "{statuses:?}");
    assert_eq!(app.get("/v1/actors").slugs(), ["twin"]);
}

fn the_answer_outlives_the_server(app: &TestApp) {
    app.with_category();
    let key = app.key("publisher", None);
    let first = app.as_(&key).with("Idempotency-Key", "one").post("/v1/briefs", published("page", "2017-07-31"));
    let restarted = app.beside();
    let again = restarted.as_(&key).with("Idempotency-Key", "one").post("/v1/briefs", published("page", "2017-07-31"));
    assert_eq!(again.expect(201).body, first.expect(201).body);
}

fn a_key_must_be_one(app: &TestApp) {
    for key in ["", "\"\"", "two words", &"x".repeat(256)] {
        let refused = app.editor().with("Idempotency-Key", key).post("/v1/actors", actor("a", "A"));
        assert_eq!(refused.faults(), ["Idempotency-Key"], "{key}");
        refused.problem(400, "invalid-parameter");
    }
    app.get("/v1/actors/a").problem(404, "not-found");
}
