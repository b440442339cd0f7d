//! The editors' work: steps from draft to publication and on, and corrections.

use serde_json::json;

use crate::support::make::{With, brief, event, published, trend};
use crate::support::{TestApp, wait_until};

on_both!(
    a_brief_goes_from_draft_over_review_to_publication,
    a_step_that_is_not_legal_is_refused_with_those_that_are,
    what_is_scheduled_is_published_when_its_time_comes,
    a_time_that_has_passed_is_no_schedule,
    a_retracted_brief_keeps_its_page_and_loses_its_content,
    a_correction_is_shown_with_its_date_and_never_lost,
    steps_are_for_those_who_may_take_them,
    a_step_holds_to_the_version_that_was_read,
);

fn a_brief_goes_from_draft_over_review_to_publication(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page").with(json!({"events": [event("meeting", "2017")]})));
    let submitted = app.editor().post_empty("/v1/briefs/page/submit").expect(200).json();
    assert_eq!((&submitted["state"], &submitted["version"]), (&json!("in_review"), &json!(2)));
    app.get("/v1/briefs/page").problem(404, "not-found");
    let public = app.publisher().post_empty("/v1/briefs/page/publish").expect(200).json();
    assert_eq!((&public["state"], &public["version"]), (&json!("published"), &json!(3)));
    assert_eq!(app.get("/v1/briefs/page").expect(200).json()["events"][0]["state"], "published");
}

fn a_step_that_is_not_legal_is_refused_with_those_that_are(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    publisher.create("briefs", brief("draft"));
    publisher.create("briefs", published("public", "2017-07-31"));
    let refused =
        publisher.post("/v1/briefs/draft/retract", json!({"reason": "It was wrong."})).problem(409, "conflict");
    assert_eq!(refused["legal"], json!(["submit", "schedule", "publish"]));
    let refused = publisher.post_empty("/v1/briefs/public/publish").problem(409, "conflict");
    assert_eq!(refused["legal"], json!(["retract", "corrections"]));
    publisher.post_empty("/v1/briefs/public/submit").problem(409, "conflict");
    publisher.post("/v1/briefs/public/schedule", json!({"at": "2099-01-01T00:00:00Z"})).problem(409, "conflict");
    publisher.post("/v1/briefs/draft/corrections", json!({"severity": "minor", "note": "x"})).problem(409, "conflict");
    publisher.post("/v1/briefs/public/retract", json!({"reason": "It was wrong."})).expect(200);
    publisher.post_empty("/v1/briefs/public/publish").problem(409, "conflict");
}

fn what_is_scheduled_is_published_when_its_time_comes(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page").with(json!({"trends": [trend("up", "increasing")]})));
    let others = [app.beside(), app.beside()];
    let at = (chrono::Utc::now() + chrono::TimeDelta::seconds(2)).to_rfc3339();
    let scheduled = app.publisher().post("/v1/briefs/page/schedule", json!({"at": at})).expect(200).json();
    assert_eq!(scheduled["state"], "scheduled");
    app.get("/v1/briefs/page").problem(404, "not-found");
    wait_until(|| app.get("/v1/briefs/page").status == 200);
    let page = app.get("/v1/briefs/page").json();
    assert_eq!((&page["state"], &page["scheduled_for"]), (&json!("published"), &json!(null)));
    app.get("/v1/trends/up").expect(200);
    // Every server over the archive looks at the clock, and one of them did it.
    for server in others.iter().chain([app]) {
        let changes = server.publisher().get("/v1/briefs/page/revisions").expect(200).each("change");
        assert_eq!(changes, ["published", "updated", "created"]);
    }
}

fn a_time_that_has_passed_is_no_schedule(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page"));
    let past = json!({"at": "2017-07-31T10:00:00Z"});
    assert_eq!(app.publisher().post("/v1/briefs/page/schedule", past).expect(422).faults(), ["/at"]);
    assert_eq!(app.publisher().post("/v1/briefs/page/schedule", json!({})).expect(422).faults(), ["/at"]);
}

fn a_retracted_brief_keeps_its_page_and_loses_its_content(app: &TestApp) {
    app.with_category();
    let page = published("page", "2017-07-31").with(json!({
        "summary": "In short.", "body": "At length.", "category_status": "progress", "authors": ["A. Nalyst"],
        "trends": [trend("up", "increasing")], "events": [event("meeting", "2017")],
    }));
    app.publisher().create("briefs", page);
    app.publisher().post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "A comma."})).expect(201);
    let empty = json!({"reason": "  "});
    assert_eq!(app.publisher().post("/v1/briefs/page/retract", empty).expect(422).faults(), ["/reason"]);
    let notice = json!({"reason": "The source was forged.", "replacement": "another"});
    app.publisher().post("/v1/briefs/page/retract", notice).expect(200);
    let seen = app.get("/v1/briefs/page").expect(200).json();
    assert_eq!(seen["title"], "About page");
    assert_eq!(seen["retraction"]["reason"], "The source was forged.");
    assert_eq!(seen["retraction"]["replacement"], "another");
    for nothing in ["summary", "body", "body_html", "category_status"] {
        assert!(seen[nothing].is_null(), "{nothing} of {seen}");
    }
    for empty in ["trends", "events", "actors", "authors", "corrections", "similar", "related"] {
        assert_eq!(seen[empty], json!([]), "{empty} of {seen}");
    }
    app.get("/v1/trends/up").problem(404, "not-found");
    app.get("/v1/events/meeting").problem(404, "not-found");
    assert_eq!(app.get("/v1/briefs?category_status=progress").slugs(), [""; 0]);
    assert_eq!(app.editor().get("/v1/briefs/page").json()["body"], "At length.");
}

fn a_correction_is_shown_with_its_date_and_never_lost(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    let note = json!({"severity": "major", "note": "The rank was Major-General."});
    let corrected = app.publisher().post("/v1/briefs/page/corrections", &note).expect(201);
    assert!(corrected.header("location").ends_with("/v1/briefs/page"));
    let corrections = app.get("/v1/briefs/page").json()["corrections"].clone();
    assert_eq!(corrections[0]["note"], note["note"]);
    assert_eq!(corrections[0]["severity"], "major");
    assert!(corrections[0]["at"].is_string());
    // Whatever is written afterwards, the note stays as it was.
    for replacement in [json!([]), json!([{"at": "2017-08-01T00:00:00Z", "severity": "minor", "note": "Another."}])] {
        let page = brief("page").with(json!({"corrections": replacement}));
        let kept = app.publisher().put("/v1/briefs/page", page).expect(200).json();
        assert!(kept["corrections"].as_array().unwrap().contains(&corrections[0]), "{kept}");
    }
    assert_eq!(
        app.publisher().post("/v1/briefs/page/corrections", json!({"severity": "huge"})).faults(),
        ["/note", "/severity"]
    );
}

fn steps_are_for_those_who_may_take_them(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page"));
    app.reader().post_empty("/v1/briefs/page/submit").problem(403, "forbidden");
    app.editor().post_empty("/v1/briefs/page/submit").expect(200);
    app.editor().post("/v1/briefs/page/schedule", json!({"at": "2099-01-01T00:00:00Z"})).problem(403, "forbidden");
    app.publisher().post_empty("/v1/briefs/page/publish").expect(200);
    app.editor().post("/v1/briefs/page/retract", json!({"reason": "x"})).problem(403, "forbidden");
    app.editor()
        .post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "x"}))
        .problem(403, "forbidden");
    app.cleared("publisher", "TLP:CLEAR").post_empty("/v1/briefs/nothing/publish").problem(404, "not-found");
}

fn a_step_holds_to_the_version_that_was_read(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page"));
    let read = app.editor().get("/v1/briefs/page").header("etag");
    app.editor().patch("/v1/briefs/page", json!({"title": "Another"})).expect(200);
    app.publisher().with("If-Match", &read).post_empty("/v1/briefs/page/publish").problem(412, "precondition-failed");
    let read = app.editor().get("/v1/briefs/page").header("etag");
    app.publisher().with("If-Match", &read).post_empty("/v1/briefs/page/publish").expect(200);
}
