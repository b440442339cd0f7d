//! Briefs with all that belongs to them.

use serde_json::{Value, json};

use crate::support::make::{With, actor, brief, category, event, public_event, published, trend, weekly_page};
use crate::support::{TestApp, slugs_in, sorted, wait_until};

on_both![
    a_whole_page_is_one_get,
    what_is_absent_is_null_or_empty,
    a_title_makes_the_slug,
    a_taken_slug_is_refused,
    a_put_creates_under_the_slug_and_then_replaces,
    a_replacement_keeps_state_publication_and_corrections,
    a_trend_stays_the_same_by_its_id_or_slug,
    a_patch_changes_what_it_names_and_nothing_else,
    what_was_read_can_be_written_back,
    what_the_writer_cannot_see_survives_a_replacement,
    publishing_makes_the_draft_events_public,
    an_event_above_the_briefs_marking_stays_hidden_when_it_is_published,
    only_a_publisher_publishes,
    a_publisher_imports_what_was_published_before,
    an_embargo_keeps_the_public_out_until_it_ends,
    a_retracted_brief_shows_its_notice_alone,
    translations_are_mutual,
    similar_briefs_are_others,
    however_many_events_two_briefs_share_a_third_is_found_by_one,
    a_deleted_event_is_read_as_deleted_and_can_be_written_back,
    a_brief_with_one_bad_trend_stores_nothing,
    a_refused_replacement_changes_nothing,
    an_inline_event_takes_its_briefs_marking,
    an_inline_event_that_exists_is_a_reference,
    texts_come_back_in_their_usual_form,
    html_is_made_safe,
    only_web_addresses_are_urls,
    a_page_may_be_long,
];

fn a_whole_page_is_one_get(app: &TestApp) {
    app.with_cast();
    app.publisher().create("briefs", published("earlier", "2017-07-24"));
    let page = weekly_page("page").with(json!({"state": "published", "published_at": "2017-07-31T13:12:00+03:00"}));
    let answer = app.publisher().post("/v1/briefs", page).expect(201);
    assert_eq!(answer.header("location"), format!("{}/v1/briefs/page", app.url()));

    let page = app.get("/v1/briefs/page").expect(200).json();
    assert_eq!(page["published_at"], "2017-07-31T10:12:00Z");
    assert_eq!(page["category"], json!({"slug": "security", "name": "Security", "names": {}}));
    assert_eq!(page["image"]["credit"], "People's Daily, China");
    assert_eq!(page["period"], json!({"from": "2017-07-24", "to": "2017-07-30"}));
    assert_eq!(
        page["body_html"].as_str().map(str::trim),
        Some("<p>Minsk and Beijing <strong>signed</strong> a protocol.</p>")
    );
    assert_eq!(page["sources"][0]["reliability"], "B");

    let signatory = &page["events"][0]["participants"][1];
    assert_eq!(signatory["role"], "signatory");
    assert_eq!((&signatory["actor"]["slug"], &signatory["actor"]["name"]), (&json!("china"), &json!("china")));
    assert_eq!(page["events"][0]["plover"], json!({"root": "CONSULT", "mode": "visit"}));
    assert_eq!(page["events"][1]["occurred_from"], "2017-07-07");

    let army = &page["trends"][0];
    assert_eq!((&army["position"], &army["probability"], &army["outcome"]), (&json!(1), &json!(70), &json!("pending")));
    assert_eq!(army["actors"][0]["name"], "lukashenka");
    assert_eq!(army["evidence"][0]["title"], "The president meets the Security Council");
    assert_eq!(page["trends"][1]["position"], 2);

    assert_eq!(slugs_in(&page["actors"]), ["belarus", "china", "lukashenka"]);
    assert_eq!(slugs_in(&page["similar"]), ["earlier"]);
    assert_eq!(page["version"], 1);
}

fn what_is_absent_is_null_or_empty(app: &TestApp) {
    app.with_category();
    let page = app.editor().create("briefs", brief("least"));
    for member in [
        "category_status",
        "country",
        "period",
        "summary",
        "body",
        "body_html",
        "image",
        "license",
        "canonical_url",
        "published_at",
        "embargo_until",
        "scheduled_for",
        "retraction",
    ] {
        assert_eq!(page.get(member), Some(&Value::Null), "{member}");
    }
    for member in
        ["authors", "sources", "trends", "events", "actors", "translations", "corrections", "related", "similar"]
    {
        assert_eq!(page.get(member), Some(&json!([])), "{member}");
    }
    assert_eq!((&page["marking"], &page["state"]), (&json!("TLP:CLEAR"), &json!("draft")));
}

fn a_title_makes_the_slug(app: &TestApp) {
    app.with_category();
    let untitled = json!({"title": "Мінск — what’s new?", "category": "security", "language": "be"});
    let dated = untitled.clone().with(json!({"period": {"from": "2017-07-24", "to": "2017-07-30"}}));
    let editor = app.editor();
    assert_eq!(editor.create("briefs", dated.clone())["slug"], "minsk-whats-new-2017-07-30");
    assert_eq!(editor.create("briefs", dated)["slug"], "minsk-whats-new-2017-07-30-2");
    let undated = editor.create("briefs", untitled);
    let day = undated["created_at"].as_str().unwrap().split('T').next().unwrap();
    assert_eq!(undated["slug"], format!("minsk-whats-new-{day}"));
}

fn a_taken_slug_is_refused(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("taken"));
    let again = app.editor().post("/v1/briefs", brief("taken"));
    assert_eq!(again.faults(), ["/slug"]);
    again.problem(409, "conflict");

    app.editor().create("briefs", brief("other"));
    app.editor().patch("/v1/briefs/other", json!({"slug": "taken"})).problem(409, "conflict");
    for slug in ["With Capitals", "", "timeline", "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c", &"a".repeat(121)] {
        let refused = app.editor().post("/v1/briefs", brief(slug));
        assert_eq!(refused.faults(), ["/slug"], "{slug}");
        refused.expect(422);
    }
}

fn a_put_creates_under_the_slug_and_then_replaces(app: &TestApp) {
    app.with_category();
    let editor = app.editor();
    let unnamed = json!({"title": "First", "summary": "Gone later", "category": "security", "language": "en"});
    let made = editor.put("/v1/briefs/under-this", &unnamed).expect(201);
    assert_eq!(made.header("location"), format!("{}/v1/briefs/under-this", app.url()));
    assert_eq!(made.json()["slug"], "under-this");

    let replaced =
        editor.put("/v1/briefs/under-this", json!({"title": "Second", "category": "security", "language": "en"}));
    let replaced = replaced.expect(200).json();
    assert_eq!((&replaced["title"], &replaced["summary"]), (&json!("Second"), &Value::Null));
    assert_eq!((&replaced["id"], &replaced["version"]), (&made.json()["id"], &json!(2)));
    assert_eq!(replaced["created_at"], made.json()["created_at"]);

    let by_id = format!("/v1/briefs/{}", made.json()["id"].as_str().unwrap());
    editor.put(&by_id, &unnamed).expect(200);
    let contradicting = editor.put("/v1/briefs/another", unnamed.clone().with(json!({"slug": "yet-another"})));
    assert_eq!(contradicting.faults(), ["/slug"]);
    contradicting.expect(422);
    editor.put("/v1/briefs/0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c", &unnamed).problem(404, "not-found");
    editor.put("/v1/briefs/No_Slug", &unnamed).expect(400);
}

fn a_replacement_keeps_state_publication_and_corrections(app: &TestApp) {
    app.with_category();
    let correction = json!({"at": "2017-08-01T09:00:00Z", "severity": "minor", "note": "A rank was wrong."});
    let publisher = app.publisher();
    publisher.create("briefs", published("kept", "2017-07-31").with(json!({"corrections": [correction]})));
    let replaced = publisher.put("/v1/briefs/kept", brief("kept").with(json!({"title": "New"}))).expect(200).json();
    assert_eq!(replaced["title"], "New");
    assert_eq!(replaced["state"], "published");
    assert_eq!(replaced["published_at"], "2017-07-31T10:00:00Z");
    assert_eq!(replaced["corrections"][0]["note"], "A rank was wrong.");
}

fn a_trend_stays_the_same_by_its_id_or_slug(app: &TestApp) {
    app.with_category();
    let editor = app.editor();
    let page =
        brief("page").with(json!({"trends": [trend("a", "stable"), trend("b", "stable"), trend("c", "stable")]}));
    let before = editor.create("briefs", page);
    let id_of = |page: &Value, slug: &str| {
        let trends = page["trends"].as_array().unwrap();
        trends.iter().find(|trend| trend["slug"] == slug).map(|trend| trend["id"].clone())
    };

    let by_id = json!({"id": id_of(&before, "c"), "statement": "Said anew", "direction": "increasing"});
    let by_slug = trend("a", "stable");
    let after = brief("page").with(json!({"trends": [by_id, by_slug, trend("d", "decreasing")]}));
    let after = editor.put("/v1/briefs/page", after).expect(200).json();
    assert_eq!(slugs_in(&after["trends"]), ["c", "a", "d"]);
    assert_eq!(id_of(&after, "a"), id_of(&before, "a"));
    assert_eq!(id_of(&after, "c"), id_of(&before, "c"));
    assert_eq!(after["trends"][0]["statement"], "Said anew");
    assert_eq!(after["trends"][0]["version"], 2);
    assert_eq!(after["version"], 2);
    editor.get("/v1/trends/b").problem(410, "gone");

    let none = editor.put("/v1/briefs/page", brief("page")).expect(200).json();
    assert_eq!(none["trends"], json!([]));
    assert!(editor.get("/v1/trends").rows().is_empty());
}

fn a_patch_changes_what_it_names_and_nothing_else(app: &TestApp) {
    app.with_cast();
    let editor = app.editor();
    let before = editor.create("briefs", weekly_page("page"));
    let patch = json!({"title": "Another", "summary": null, "image": {"credit": "РФРМ", "alt": null}, "trends": []});
    let patched = editor.with("Content-Type", "application/merge-patch+json").patch("/v1/briefs/page", patch);
    let after = patched.expect(200).json();
    assert_eq!((&after["title"], &after["summary"]), (&json!("Another"), &Value::Null));
    let image = json!({"url": "https://images.example.org/minsk.jpg", "alt": null, "credit": "РФРМ"});
    assert_eq!(after["image"], image);
    assert_eq!(after["trends"], json!([]));
    for member in ["slug", "body", "events", "period", "sources", "authors", "category", "country"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert_eq!(after["version"], 2);

    let same = editor.patch("/v1/briefs/page", json!({})).expect(200).json();
    assert_eq!(same["version"], 2);
    let required = editor.patch("/v1/briefs/page", json!({"title": null, "language": null}));
    assert_eq!(required.faults(), ["/language", "/title"]);
    required.expect(422);
    let no_object = editor.patch("/v1/briefs/page", json!([1]));
    no_object.problem(422, "validation-failed");
}

fn what_was_read_can_be_written_back(app: &TestApp) {
    app.with_cast();
    let publisher = app.publisher();
    publisher.create("actors", a_full_actor());
    publisher.create("briefs", published("other", "2017-07-24"));
    publisher.create("briefs", published("po-russki", "2017-07-31").with(json!({"language": "ru"})));
    let page = weekly_page("page").with(json!({
        "state": "published", "published_at": "2017-07-31T10:12:00Z",
        "related": ["other"], "translations": ["po-russki"],
    }));
    publisher.create("briefs", page);
    publisher.create("briefs", weekly_page("draft"));
    publisher.create("briefs", retracted("withdrawn"));

    for path in [
        "briefs/page",
        "briefs/draft",
        "briefs/withdrawn",
        "briefs/other",
        "events/page-protocol",
        "events/draft-meeting",
        "actors/full",
        "actors/china",
        "trends/page-army",
        "trends/draft-china",
        "categories/security",
    ] {
        let path = format!("/v1/{path}");
        let read = publisher.get(&path).expect(200);
        let written = publisher.put(&path, read.json()).expect(200);
        assert_eq!(written.json(), read.json(), "{path}");
        assert_eq!(written.header("etag"), read.header("etag"), "{path}");
        publisher.patch(&path, read.json()).expect(200);
        assert_eq!(publisher.get(&path).expect(200).json(), read.json(), "{path}");
    }
}

fn what_the_writer_cannot_see_survives_a_replacement(app: &TestApp) {
    app.with_category();
    let admin = app.admin();
    let secret = json!({"marking": "TLP:RED", "state": "published"});
    admin.create("events", event("open-event", "2017-07-25").with(json!({"state": "published"})));
    admin.create("events", event("secret-event", "2017-07-25").with(secret.clone()));
    admin.create("briefs", brief("secret-brief").with(secret));
    let page = published("page", "2017-07-31").with(json!({
        "events": ["open-event", "secret-event"],
        "related": ["secret-brief"],
        "translations": ["secret-brief"],
        "trends": [trend("t", "stable").with(json!({"evidence": ["secret-event", "open-event"]}))],
    }));
    admin.create("briefs", page);

    let cleared_for_little = app.cleared("publisher", "TLP:CLEAR");
    let read = cleared_for_little.get("/v1/briefs/page").expect(200).json();
    assert_eq!(slugs_in(&read["events"]), ["open-event"]);
    assert_eq!((&read["related"], &read["translations"]), (&json!([]), &json!([])));
    assert_eq!(slugs_in(&read["trends"][0]["evidence"]), ["open-event"]);
    cleared_for_little.put("/v1/briefs/page", read.with(json!({"title": "New"}))).expect(200);
    cleared_for_little.patch("/v1/trends/t", json!({"statement": "New"})).expect(200);

    let after = admin.get("/v1/briefs/page").expect(200).json();
    assert_eq!(after["title"], "New");
    assert_eq!(sorted(slugs_in(&after["events"])), ["open-event", "secret-event"]);
    assert_eq!(slugs_in(&after["related"]), ["secret-brief"]);
    assert_eq!(slugs_in(&after["translations"]), ["secret-brief"]);
    assert_eq!(after["trends"][0]["statement"], "New");
    assert_eq!(sorted(slugs_in(&after["trends"][0]["evidence"])), ["open-event", "secret-event"]);

    // Left out of a replacement, what is seen goes and what is not seen stays.
    cleared_for_little.put("/v1/briefs/page", brief("page")).expect(200);
    let bare = admin.get("/v1/briefs/page").expect(200).json();
    assert_eq!(slugs_in(&bare["events"]), ["secret-event"]);
    assert_eq!(slugs_in(&bare["related"]), ["secret-brief"]);
}

fn publishing_makes_the_draft_events_public(app: &TestApp) {
    app.with_cast();
    app.editor().create("events", event("referenced", "2017-07-25"));
    app.editor().create("events", event("apart", "2017-07-25"));
    let page = app.editor().create("briefs", weekly_page("page"));
    app.editor().patch("/v1/briefs/page", json!({"events": page["events"].as_array().unwrap().iter().cloned().chain([json!("referenced")]).collect::<Vec<_>>()})).expect(200);
    for hidden in ["/v1/briefs/page", "/v1/events/page-protocol", "/v1/events/referenced", "/v1/trends/page-army"] {
        app.get(hidden).problem(404, "not-found");
    }

    let answer = app.publisher().post_empty("/v1/briefs/page/publish").expect(200).json();
    assert_eq!(answer["state"], "published");
    assert_eq!(answer["version"], 3);
    let page = app.get("/v1/briefs/page").expect(200).json();
    assert_eq!(slugs_in(&page["events"]), ["page-protocol", "page-meeting", "referenced"]);
    assert!(page["published_at"].is_string());
    for shown in ["page-protocol", "page-meeting", "referenced"] {
        assert_eq!(app.get(&format!("/v1/events/{shown}")).expect(200).json()["state"], "published");
    }
    app.get("/v1/trends/page-army").expect(200);
    app.get("/v1/events/apart").expect(404);
}

fn an_event_above_the_briefs_marking_stays_hidden_when_it_is_published(app: &TestApp) {
    app.with_category();
    app.editor().create("events", event("amber", "2017-07-25").with(json!({"marking": "TLP:AMBER"})));
    app.editor().create("briefs", brief("page").with(json!({"events": ["amber"]})));
    app.publisher().post_empty("/v1/briefs/page/publish").expect(200);
    assert_eq!(app.get("/v1/briefs/page").expect(200).json()["events"], json!([]));
    app.get("/v1/events/amber").expect(404);
    app.cleared("reader", "TLP:GREEN").get("/v1/events/amber").expect(404);
    let cleared = app.cleared("reader", "TLP:AMBER");
    cleared.get("/v1/events/amber").expect(200);
    assert_eq!(slugs_in(&cleared.get("/v1/briefs/page").expect(200).json()["events"]), ["amber"]);
}

fn only_a_publisher_publishes(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page"));
    app.editor().post_empty("/v1/briefs/page/publish").problem(403, "forbidden");
    app.editor().patch("/v1/briefs/page", json!({"state": "published"})).problem(403, "forbidden");
    app.editor().post("/v1/briefs", published("other", "2017-07-31")).problem(403, "forbidden");
    app.editor().patch("/v1/briefs/page", json!({"state": "in_review"})).expect(200);
    app.publisher().post_empty("/v1/briefs/page/publish").expect(200);
    app.publisher().post_empty("/v1/briefs/page/publish").problem(409, "conflict");
    app.publisher().post_empty("/v1/briefs/nothing/publish").problem(404, "not-found");
    app.publisher().patch("/v1/briefs/page", json!({"state": "draft"})).expect(409);
}

fn a_publisher_imports_what_was_published_before(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    let made = publisher.create("briefs", published("past", "2017-07-31"));
    assert_eq!(made["published_at"], "2017-07-31T10:00:00Z");
    assert_eq!(publisher.create("briefs", brief("now").with(json!({"state": "published"})))["state"], "published");

    let future = publisher.post("/v1/briefs", published("future", "2917-07-31"));
    assert_eq!(future.faults(), ["/published_at"]);
    future.expect(422);
    let dated_draft =
        publisher.post("/v1/briefs", brief("draft").with(json!({"published_at": "2017-07-31T10:00:00Z"})));
    assert_eq!(dated_draft.faults(), ["/published_at"]);
    dated_draft.expect(422);
}

fn an_embargo_keeps_the_public_out_until_it_ends(app: &TestApp) {
    app.with_cast();
    let soon =
        briefwire::db::types::Timestamp::from_micros(briefwire::db::types::Timestamp::now().micros() + 4_000_000);
    let page = weekly_page("page").with(json!({"state": "published", "embargo_until": soon.to_string()}));
    app.publisher().create("briefs", page);
    let early = app.cleared("reader", "TLP:GREEN");
    let everything = ["/v1/briefs/page", "/v1/events/page-meeting", "/v1/trends/page-army"];
    for path in everything {
        app.get(path).expect(404);
        app.reader().get(path).expect(404);
        early.get(path).expect(200);
    }
    assert!(app.get("/v1/briefs?actor=china").expect(200).rows().is_empty());
    let tag = app.get("/v1/briefs").header("etag");

    wait_until(|| app.get("/v1/briefs/page").status == 200);
    for path in everything {
        app.get(path).expect(200);
    }
    assert_eq!(app.get("/v1/briefs?actor=china").expect(200).slugs(), ["page"]);
    assert_ne!(app.get("/v1/briefs").header("etag"), tag);
}

fn a_retracted_brief_shows_its_notice_alone(app: &TestApp) {
    app.with_cast();
    app.publisher().create("briefs", retracted("page"));
    let notice = app.get("/v1/briefs/page").expect(200).json();
    assert_eq!(notice["retraction"]["reason"], "The source was forged.");
    assert_eq!(notice["title"], "The army gains weight");
    assert_eq!(notice["image"]["credit"], "People's Daily, China");
    for member in ["summary", "body", "body_html"] {
        assert_eq!(notice[member], Value::Null, "{member}");
    }
    for member in ["trends", "events", "actors"] {
        assert_eq!(notice[member], json!([]), "{member}");
    }
    let row = app.get("/v1/briefs?include=body,trends,events,actors").expect(200).rows().remove(0);
    assert_eq!((&row["summary"], &row["trends"], &row["body"]), (&Value::Null, &json!([]), &Value::Null));
    for nothing in [
        "/v1/trends",
        "/v1/events",
        "/v1/briefs?actor=china",
        "/v1/briefs?series=army-influence",
        "/v1/briefs?kind=agreement",
        "/v1/briefs?direction=stable",
    ] {
        assert!(app.get(nothing).expect(200).rows().is_empty(), "{nothing}");
    }
    for format in ["csv", "ndjson"] {
        let text = app.get(&format!("/v1/briefs?include=body,trends,events&format={format}")).expect(200).text();
        assert!(!text.contains("protocol"), "{text}");
    }

    let whole = app.editor().get("/v1/briefs/page").expect(200).json();
    assert_eq!((whole["trends"].as_array().unwrap().len(), whole["events"].as_array().unwrap().len()), (2, 2));
    let unexplained = app.publisher().post("/v1/briefs", brief("no-reason").with(json!({"state": "retracted"})));
    assert_eq!(unexplained.faults(), ["/retraction"]);
}

fn translations_are_mutual(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    let in_language = |slug, language| published(slug, "2017-07-31").with(json!({"language": language}));
    publisher.create("briefs", in_language("en", "en"));
    publisher.create("briefs", in_language("ru", "ru").with(json!({"translations": ["en"]})));
    publisher.create("briefs", in_language("be", "be").with(json!({"translations": ["ru"]})));
    let of = |slug: &str| slugs_in(&app.get(&format!("/v1/briefs/{slug}")).expect(200).json()["translations"]);
    assert_eq!(of("en"), ["be", "ru"]);
    assert_eq!(of("ru"), ["be", "en"]);
    assert_eq!(of("be"), ["en", "ru"]);

    publisher.patch("/v1/briefs/be", json!({"translations": []})).expect(200);
    assert_eq!(of("en"), ["ru"]);
    assert_eq!(of("be"), Vec::<String>::new());
    publisher.delete("/v1/briefs/ru").expect(204);
    assert_eq!(of("en"), Vec::<String>::new());
    let itself = publisher.patch("/v1/briefs/en", json!({"translations": ["en"]}));
    assert_eq!(itself.faults(), ["/translations"]);
}

fn similar_briefs_are_others(app: &TestApp) {
    app.with_cast();
    let publisher = app.publisher();
    publisher.create("categories", category("economy", "Economy"));
    let about_china =
        json!({"category": "economy", "trends": [trend("loans", "stable").with(json!({"actors": ["china"]}))]});
    let elsewhere = json!({"category": "economy"});
    publisher.create("briefs", published("chosen", "2016-01-01").with(elsewhere.clone()));
    publisher.create("briefs", published("unlike", "2017-07-01").with(elsewhere));
    publisher.create("briefs", published("shares-actor", "2017-06-01").with(about_china));
    publisher.create("briefs", published("shares-category", "2017-05-01"));
    publisher.create("briefs", published("in-russian", "2017-07-31").with(json!({"language": "ru"})));
    publisher.create("briefs", brief("a-draft"));
    let page = weekly_page("page")
        .with(json!({"state": "published", "published_at": "2017-07-31T10:12:00Z", "related": ["chosen"], "translations": ["in-russian"]}));
    publisher.create("briefs", page);

    let page = publisher.get("/v1/briefs/page").expect(200).json();
    assert_eq!(slugs_in(&page["related"]), ["chosen"]);
    assert_eq!(slugs_in(&page["similar"]), ["chosen", "shares-actor", "shares-category"]);
    let link = &page["similar"][1];
    assert_eq!((&link["title"], &link["published_at"]), (&json!("About shares-actor"), &json!("2017-06-01T10:00:00Z")));

    publisher.delete("/v1/briefs/chosen").expect(204);
    let page = app.get("/v1/briefs/page").expect(200).json();
    assert_eq!(page["related"][0]["deleted"], true);
    assert_eq!(slugs_in(&page["similar"]), ["shares-actor", "shares-category"]);
}

fn however_many_events_two_briefs_share_a_third_is_found_by_one(app: &TestApp) {
    let publisher = app.publisher();
    let events: Vec<String> = (1..=6).map(|number| format!("event-{number}")).collect();
    for event in &events {
        publisher.create("events", public_event(event, "2017-07-01"));
    }
    let create = |slug: &str, day: &str, events: &[String]| {
        // Nothing but events is common to any two of them.
        publisher.create("categories", category(slug, slug));
        publisher.create("briefs", published(slug, day).with(json!({"category": slug, "events": events})));
    };
    create("one", "2017-07-10", &events[..1]);
    create("all", "2017-07-17", &events);
    create("all-too", "2017-07-24", &events);
    create("page", "2017-07-31", &events);

    let page = app.get("/v1/briefs/page").expect(200).json();
    assert_eq!(slugs_in(&page["similar"]), ["all-too", "all", "one"]);
}

fn a_deleted_event_is_read_as_deleted_and_can_be_written_back(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    let gone = publisher.create("events", public_event("gone", "2017-07-25"));
    publisher.create("events", public_event("there", "2017-07-26"));
    let evidence = trend("t", "stable").with(json!({"evidence": ["gone"]}));
    publisher.create(
        "briefs",
        published("page", "2017-07-31").with(json!({"events": ["gone", "there"], "trends": [evidence]})),
    );
    publisher.delete("/v1/events/gone").expect(204);

    let page = publisher.get("/v1/briefs/page").expect(200).json();
    let link = json!({"id": gone["id"], "deleted": true});
    assert_eq!(page["events"][0], link);
    assert_eq!(page["trends"][0]["evidence"][0], link);
    let again = publisher.put("/v1/briefs/page", &page).expect(200).json();
    assert_eq!(again, page);
    assert_eq!(
        publisher.put("/v1/briefs/page", page.with(json!({"title": "New"}))).expect(200).json()["events"][0],
        link
    );
}

fn a_brief_with_one_bad_trend_stores_nothing(app: &TestApp) {
    app.with_cast();
    let mut unlikely = weekly_page("page");
    unlikely["trends"][1]["likelihood"] = json!("very_likely");
    unlikely["trends"][1]["probability"] = json!(70);
    let mut unknown = weekly_page("page");
    unknown["trends"][0]["actors"] = json!(["belarus", "nobody"]);
    unknown["trends"][0]["evidence"] = json!([]);
    unknown["events"][1]["participants"][0]["actor"] = json!("nobody");
    let cases = [
        (unlikely, vec!["/trends/1/probability"]),
        (unknown, vec!["/events/1/participants/0/actor", "/trends/0/actors/1"]),
    ];
    let ways = [("POST", "/v1/briefs"), ("PUT", "/v1/briefs/page")];
    for ((page, faults), (method, path)) in cases.iter().flat_map(|case| ways.map(|way| (case, way))) {
        let refused = app.admin().send_json(method, path, page);
        assert_eq!(refused.faults(), *faults);
        refused.problem(422, "validation-failed");
        for list in ["briefs", "events", "trends"] {
            assert!(app.admin().get(&format!("/v1/{list}")).expect(200).rows().is_empty(), "{list}");
        }
    }
}

fn a_refused_replacement_changes_nothing(app: &TestApp) {
    app.with_cast();
    let admin = app.admin();
    let before = admin.create("briefs", weekly_page("page"));
    let tag = admin.get("/v1/briefs").header("etag");
    let new_event = event("new-event", "2017-07-25");
    let bad = weekly_page("page").with(json!({
        "title": "New", "events": [new_event], "related": ["nothing"],
        "trends": [trend("new-trend", "stable"), trend("other", "sideways")],
    }));
    admin.put("/v1/briefs/page", bad).expect(422);
    assert_eq!(admin.get("/v1/briefs/page").expect(200).json(), before);
    admin.get("/v1/events/new-event").expect(404);
    admin.get("/v1/trends/new-trend").expect(404);
    assert_eq!(admin.get("/v1/briefs").header("etag"), tag);
}

fn an_inline_event_takes_its_briefs_marking(app: &TestApp) {
    app.with_cast();
    let mut page = weekly_page("page").with(json!({"marking": "TLP:AMBER"}));
    page["events"][1]["marking"] = json!("TLP:GREEN");
    let made = app.editor().create("briefs", page);
    assert_eq!(made["events"][0]["marking"], "TLP:AMBER");
    assert_eq!(made["events"][1]["marking"], "TLP:GREEN");
}

fn an_inline_event_that_exists_is_a_reference(app: &TestApp) {
    app.with_category();
    let there = app.editor().create("events", event("there", "2017-07-25"));
    let inline = event("there", "1999").with(json!({"title": "Another title"}));
    let by_slug = app.editor().create("briefs", brief("one").with(json!({"events": [inline]})));
    assert_eq!(by_slug["events"][0], there);
    let by_id = json!({"id": there["id"], "title": "x", "kind": "other", "occurred": "1999"});
    let by_id = app.editor().create("briefs", brief("two").with(json!({"events": [by_id]})));
    assert_eq!(by_id["events"][0], there);
    let twice = app.editor().post("/v1/briefs", brief("three").with(json!({"events": ["there", there["id"]]})));
    assert_eq!(twice.faults(), ["/events/1"]);
    let missing =
        app.editor().post("/v1/briefs", brief("four").with(json!({"events": ["nothing", {"slug": "nothing"}]})));
    assert_eq!(missing.faults(), ["/events/0", "/events/1"]);
    missing.expect(422);
}

fn texts_come_back_in_their_usual_form(app: &TestApp) {
    app.with_category();
    let made = app.editor().create("briefs", brief("one").with(json!({"country": "BLR", "language": "BE-TARASK"})));
    assert_eq!((&made["country"], &made["language"]), (&json!("BY"), &json!("be-tarask")));
    for (member, bad) in [("country", "XX"), ("country", "Belarus"), ("language", "no such language"), ("language", "")]
    {
        let refused = app.editor().post("/v1/briefs", brief("two").with(json!({member: bad})));
        assert_eq!(refused.faults(), [format!("/{member}")], "{bad}");
        refused.expect(422);
    }
    let backwards = app
        .editor()
        .post("/v1/briefs", brief("two").with(json!({"period": {"from": "2017-07-30", "to": "2017-07-24"}})));
    assert_eq!(backwards.faults(), ["/period/to"]);
}

fn html_is_made_safe(app: &TestApp) {
    app.with_category();
    let body = "Hello <script>alert(1)</script><img src=x onerror=alert(1)>\n\n[click](javascript:alert(1)) [fine](https://example.org/)";
    let made = app.editor().create("briefs", brief("one").with(json!({"body": body})));
    let html = made["body_html"].as_str().unwrap();
    assert!(html.contains("Hello") && html.contains("https://example.org/"), "{html}");
    for danger in ["script", "onerror", "javascript:", "alert(1)"] {
        assert!(!html.contains(danger), "{danger} in {html}");
    }
    assert_eq!(made["body"], body);
}

fn only_web_addresses_are_urls(app: &TestApp) {
    app.with_category();
    for url in [
        "javascript:alert(1)",
        "ftp://example.org/",
        "/relative",
        "http://",
        "https:// example.org",
        "data:text/html,x",
        "http:example.org/x",
        "https:///example.org/x",
        r"https:\\example.org\x",
        "https://example.org/a|b",
        "https://example.org/<b>",
        "https://example.org/%zz",
        "https://example.org/#a#b",
        "https://example.org/\u{202e}fdp",
    ] {
        let page = brief("one").with(json!({
            "canonical_url": url, "image": {"url": url}, "sources": [{"url": "https://example.org/"}, {"url": url}],
        }));
        let refused = app.editor().post("/v1/briefs", page);
        assert_eq!(refused.faults(), ["/canonical_url", "/image/url", "/sources/1/url"], "{url}");
        refused.expect(422);
    }
}

fn a_page_may_be_long(app: &TestApp) {
    app.with_category();
    app.with_actors(&["china"]);
    let trends: Vec<Value> =
        (0..200).map(|number| trend(&format!("t{number}"), "stable").with(json!({"actors": ["china"]}))).collect();
    let events: Vec<Value> = (0..300)
        .map(|number| event(&format!("e{number}"), "2017-07-25").with(json!({"participants": [{"actor": "china"}]})))
        .collect();
    let body = "слово ".repeat(30_000);
    let made =
        app.editor().create("briefs", brief("long").with(json!({"trends": trends, "events": events, "body": body})));
    assert_eq!((made["trends"].as_array().unwrap().len(), made["events"].as_array().unwrap().len()), (200, 300));
    assert_eq!(made["trends"][199]["position"], 200);
    assert_eq!(made["body"], body);
    let too_many: Vec<Value> = (0..201).map(|number| trend(&format!("x{number}"), "stable")).collect();
    let refused = app.editor().post("/v1/briefs", brief("longer").with(json!({"trends": too_many})));
    assert_eq!(refused.faults(), ["/trends"]);
    refused.expect(422);
}

fn a_full_actor() -> Value {
    actor("full", "Sergey Novikov").with(json!({
        "country": "BY",
        "description": "A general",
        "aliases": [{"name": "Сергей Новиков", "language": "ru"}, {"name": "S. Novikov"}],
        "parent": "belarus",
        "positions": [
            {"organisation": "belarus", "title": "Deputy Chairman", "from": "2017-07-07"},
            {"organisation": "china", "title": "Guest", "from": "2016~", "to": "2017-07"},
        ],
        "identifiers": {"wikidata": "Q2895", "isni": "0000 0001"},
    }))
}

fn retracted(slug: &str) -> Value {
    weekly_page(slug).with(json!({
        "state": "retracted",
        "published_at": "2017-07-31T10:12:00Z",
        "retraction": {"at": "2017-08-01T09:00:00Z", "reason": "The source was forged."},
    }))
}

on_both!(
    an_editor_does_not_move_a_schedule,
    an_event_that_a_published_brief_shows_is_no_draft,
    an_event_is_as_public_after_an_export_as_before,
    anyone_leaves_a_group_of_translations,
    a_text_that_nests_without_end_is_refused,
);

fn an_editor_does_not_move_a_schedule(app: &TestApp) {
    app.with_category();
    let later = json!({"state": "scheduled", "scheduled_for": "2099-01-01T00:00:00Z"});
    app.publisher().create("briefs", brief("page").with(later));
    let sooner = json!({"scheduled_for": "2020-01-01T00:00:00Z"});
    app.editor().patch("/v1/briefs/page", &sooner).problem(403, "forbidden");
    app.editor().create("briefs", brief("draft"));
    assert_eq!(app.editor().patch("/v1/briefs/draft", &sooner).faults(), ["/scheduled_for"]);
    let published = app.publisher().patch("/v1/briefs/page", json!({"state": "published"})).expect(200).json();
    assert_eq!(published["scheduled_for"], json!(null));
}

fn an_event_that_a_published_brief_shows_is_no_draft(app: &TestApp) {
    app.with_category();
    let inline = json!({"slug": "e", "title": "E", "kind": "visit", "occurred": "2017"});
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"events": [inline]})));
    app.publisher().patch("/v1/events/e", json!({"state": "draft"})).problem(409, "conflict");
    app.get("/v1/events/e").expect(200);
    app.publisher().delete("/v1/briefs/page").expect(204);
    app.get("/v1/events/e").problem(404, "not-found");
    assert_eq!(app.editor().get("/v1/events/e").expect(200).json()["state"], "draft");
    app.publisher().patch("/v1/events/e", json!({"state": "published"})).expect(200);
    app.get("/v1/events/e").expect(200);
}

fn an_event_is_as_public_after_an_export_as_before(app: &TestApp) {
    app.with_category();
    let inline = |slug: &str| json!([{"slug": slug, "title": "E", "kind": "visit", "occurred": "2017"}]);
    let kept = published("kept", "2017-07-31")
        .with(json!({"embargo_until": "2099-01-01T00:00:00Z", "events": inline("kept-event")}));
    app.publisher().create("briefs", kept);
    app.publisher().create("briefs", published("shown", "2017-07-31").with(json!({"events": inline("shown-event")})));
    app.publisher().create("briefs", published("gone", "2017-07-31").with(json!({"events": inline("gone-event")})));
    app.publisher().delete("/v1/briefs/gone").expect(204);
    let copy = app.another();
    let lines = app.admin().get("/v1/export").expect(200).text();
    for _ in 0..2 {
        let importer = copy.admin().with("Content-Type", "application/x-ndjson");
        let report = importer.send("POST", "/v1/import", Some(lines.as_bytes())).expect(200).json();
        assert_eq!((&report["failed"], &report["updated"]), (&json!(0), &json!(0)), "{report}");
    }
    for archive in [app, &copy] {
        assert_eq!(archive.get("/v1/events").expect(200).slugs(), ["shown-event"]);
        let cleared = archive.cleared("reader", "TLP:GREEN").get("/v1/events?sort=updated_at").expect(200).slugs();
        assert_eq!(sorted(cleared), ["kept-event", "shown-event"]);
        assert_eq!(archive.editor().get("/v1/events/gone-event").expect(200).json()["state"], "draft");
    }
}

fn anyone_leaves_a_group_of_translations(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    publisher.create("briefs", published("founder", "2017-07-31"));
    publisher.create("briefs", published("joined", "2017-07-31").with(json!({"translations": ["founder"]})));
    let shown = |slug: &str| slugs_in(&app.get(&format!("/v1/briefs/{slug}")).expect(200).json()["translations"]);
    assert_eq!((shown("founder"), shown("joined")), (vec!["joined".to_owned()], vec!["founder".to_owned()]));
    let left = publisher.patch("/v1/briefs/founder", json!({"translations": []})).expect(200).json();
    assert_eq!((shown("founder"), shown("joined")), (vec![], vec![]));
    let again = publisher.patch("/v1/briefs/founder", json!({"translations": []})).expect(200).json();
    assert_eq!(again["version"], left["version"]);
    publisher.patch("/v1/briefs/founder", json!({"translations": ["joined"]})).expect(200);
    publisher.delete("/v1/briefs/founder").expect(204);
    assert_eq!(shown("joined"), Vec::<String>::new());
    let version = publisher.get("/v1/briefs/joined").json()["version"].clone();
    assert_eq!(publisher.patch("/v1/briefs/joined", json!({})).expect(200).json()["version"], version);
}

fn a_text_that_nests_without_end_is_refused(app: &TestApp) {
    app.with_category();
    for body in [">".repeat(100_000), "<div>".repeat(20_000)] {
        assert_eq!(app.editor().post("/v1/briefs", brief("page").with(json!({"body": body}))).faults(), ["/body"]);
    }
}

on_both!(
    trends_that_begin_alike_get_slugs_of_their_own,
    trends_swap_their_slugs_and_leave_redirects,
    what_the_writer_cannot_see_keeps_its_place,
);

fn trends_that_begin_alike_get_slugs_of_their_own(app: &TestApp) {
    app.with_category();
    let statement = "The army's influence in the security agencies has grown in the course of this week, by";
    let alike = |end: &str| json!({"statement": format!("{statement} {end}"), "direction": "stable"});
    let page = brief("page").with(json!({"trends": [alike("appointments"), alike("exercises")]}));
    let slugs = slugs_in(&app.editor().create("briefs", page)["trends"]);
    assert_ne!(slugs[0], slugs[1]);
}

fn trends_swap_their_slugs_and_leave_redirects(app: &TestApp) {
    app.with_category();
    let trends = json!([
        {"slug": "a", "statement": "A", "direction": "stable"},
        {"slug": "b", "statement": "B", "direction": "stable"},
    ]);
    let mut page = app.editor().create("briefs", brief("page").with(json!({"trends": trends})));
    page["trends"][0]["slug"] = json!("b");
    page["trends"][1]["slug"] = json!("a");
    let swapped = app.editor().put("/v1/briefs/page", &page).expect(200).json();
    assert_eq!(slugs_in(&swapped["trends"]), ["b", "a"]);
    page["trends"][0]["slug"] = json!("c");
    app.editor().put("/v1/briefs/page", &page).expect(200);
    let moved = app.editor().get("/v1/trends/b").problem(308, "moved");
    assert_eq!(moved["status"], 308);
}

fn what_the_writer_cannot_see_keeps_its_place(app: &TestApp) {
    app.with_category();
    for (slug, marking) in [("h1", "TLP:RED"), ("h2", "TLP:CLEAR"), ("h3", "TLP:RED"), ("h4", "TLP:CLEAR")] {
        app.admin().create("events", event(slug, "2017").with(json!({"marking": marking})));
    }
    app.admin().create("briefs", brief("page").with(json!({"events": ["h1", "h2", "h3", "h4"]})));
    let version =
        app.cleared("editor", "TLP:AMBER").patch("/v1/briefs/page", json!({})).expect(200).json()["version"].clone();
    assert_eq!(version, 1);
    app.cleared("editor", "TLP:AMBER").patch("/v1/briefs/page", json!({"events": ["h4", "h2"]})).expect(200);
    let events = slugs_in(&app.admin().get("/v1/briefs/page").json()["events"]);
    assert_eq!(events, ["h1", "h4", "h2", "h3"]);
}

on_both!(faults_of_form_and_names_that_lead_nowhere_come_at_once, what_a_refused_body_creates_can_be_named_in_it);

fn faults_of_form_and_names_that_lead_nowhere_come_at_once(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page"));
    let wrong = json!({
        "title": "", "category": "nowhere", "language": "en", "related": ["nobody", "page"],
        "trends": [
            {"statement": "It is so.", "direction": "sideways", "actors": ["nobody"], "evidence": [{"slug": "nothing"}]},
        ],
        "events": [
            "nothing",
            {"title": "It happened", "occurred": "yesterday", "kind": "meeting", "participants": [{"actor": "nobody"}]},
        ],
    });
    let everything = [
        "/category",
        "/events/0",
        "/events/1/occurred",
        "/events/1/participants/0/actor",
        "/related/0",
        "/title",
        "/trends/0/actors/0",
        "/trends/0/direction",
        "/trends/0/evidence/0",
    ];
    assert_eq!(app.editor().post("/v1/briefs", &wrong).expect(422).faults(), everything);
    assert_eq!(app.editor().put("/v1/briefs/page", &wrong).expect(422).faults(), everything);
    assert_eq!(app.editor().patch("/v1/briefs/page", &wrong).expect(422).faults(), everything);
}

fn what_a_refused_body_creates_can_be_named_in_it(app: &TestApp) {
    app.with_category();
    let page = brief("page").with(json!({
        "body": 7,
        "events": [event("meeting", "2017")],
        "trends": [{"statement": "It is so.", "direction": "stable", "evidence": ["meeting", {"slug": "meeting"}]}],
    }));
    assert_eq!(app.editor().post("/v1/briefs", page).expect(422).faults(), ["/body"]);
}
