//! Trend statements: judgements in an order, each part of a brief.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::make::{With, actor, brief, event, published, trend};

on_both![
    writing_a_trend_raises_its_briefs_version,
    a_trend_is_created_by_a_put_under_its_slug,
    a_trend_takes_the_place_that_it_asks_for,
    a_likelihood_may_be_said_by_its_synonym,
    a_probability_lies_in_the_band_of_its_term,
    a_trend_is_seen_by_those_who_see_its_brief,
    a_trend_stays_with_its_brief,
    only_a_publisher_changes_a_trend_of_a_published_brief,
    a_trend_is_dated_by_its_briefs_period,
    everything_that_a_trend_says_is_read_back,
    a_brief_has_as_many_trends_about_as_many_as_it_may,
];

fn writing_a_trend_raises_its_briefs_version(app: &TestApp) {
    app.with_category();
    let editor = app.editor();
    editor.create("briefs", brief("page"));
    let version = || editor.get("/v1/briefs/page").expect(200).json()["version"].as_i64().unwrap();

    let made = editor.create("trends", trend("t", "stable").with(json!({"brief": "page"})));
    assert_eq!((&made["version"], &made["position"], &made["brief"]["slug"]), (&json!(1), &json!(1), &json!("page")));
    assert_eq!(version(), 2);
    let patched = editor.patch("/v1/trends/t", json!({"direction": "increasing"})).expect(200).json();
    assert_eq!((&patched["version"], &patched["direction"]), (&json!(2), &json!("increasing")));
    assert_eq!(version(), 3);
    editor.patch("/v1/trends/t", json!({"direction": "increasing"})).expect(200);
    assert_eq!(version(), 3, "nothing changed");
    editor.delete("/v1/trends/t?reason=Wrong").expect(204);
    assert_eq!(version(), 4);
    assert_eq!(editor.get("/v1/trends/t").problem(410, "gone")["reason"], "Wrong");
    assert_eq!(editor.get("/v1/briefs/page").expect(200).json()["trends"], json!([]));
}

fn a_brief_has_as_many_trends_about_as_many_as_it_may(app: &TestApp) {
    app.with_category();
    let names: Vec<String> = (0..50).map(|number| format!("a{number}")).collect();
    for name in &names {
        app.editor().create("actors", actor(name, name));
    }
    let about_all = |number| trend(&format!("t{number}"), "stable").with(json!({"actors": names}));
    let trends: Vec<Value> = (0..200).map(about_all).collect();
    app.editor().create("briefs", brief("page").with(json!({"trends": trends})));
    let page = app.editor().get("/v1/briefs/page").expect(200).json();
    let counts = page["trends"].as_array().unwrap().iter().map(|trend| trend["actors"].as_array().unwrap().len());
    assert_eq!(counts.collect::<Vec<_>>(), [50; 200]);
}

fn a_trend_is_created_by_a_put_under_its_slug(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page"));
    let unnamed = json!({"statement": "It grows.", "direction": "stable", "brief": "page"});
    assert_eq!(app.editor().put("/v1/trends/named", &unnamed).expect(201).json()["slug"], "named");
    assert_eq!(app.editor().put("/v1/trends/named", &unnamed).expect(200).json()["version"], 1);
    let derived = app.editor().create("trends", unnamed.with(json!({"statement": "Рост продолжается"})));
    assert!(derived["slug"].as_str().unwrap().starts_with("rost-prodolzhaetsia"), "{derived}");
    app.editor().post("/v1/trends", trend("named", "stable").with(json!({"brief": "page"}))).problem(409, "conflict");
}

fn a_trend_takes_the_place_that_it_asks_for(app: &TestApp) {
    app.with_category();
    let editor = app.editor();
    editor.create("briefs", brief("page").with(json!({"trends": [trend("a", "stable"), trend("b", "stable")]})));
    editor.create("trends", trend("first", "stable").with(json!({"brief": "page", "position": 1})));
    editor.create("trends", trend("last", "stable").with(json!({"brief": "page"})));
    let order = || {
        let page = editor.get("/v1/briefs/page").expect(200).json();
        let trends = page["trends"].as_array().unwrap().clone();
        assert!(trends.iter().zip(1..).all(|(trend, place)| trend["position"] == place), "{trends:?}");
        trends.iter().map(|trend| trend["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order(), ["first", "a", "b", "last"]);
    editor.patch("/v1/trends/first", json!({"position": 3})).expect(200);
    assert_eq!(order(), ["a", "b", "first", "last"]);
    editor.delete("/v1/trends/a").expect(204);
    assert_eq!(order(), ["b", "first", "last"]);
}

fn a_likelihood_may_be_said_by_its_synonym(app: &TestApp) {
    app.with_category();
    let editor = app.editor();
    editor.create("briefs", brief("page").with(json!({"trends": [trend("t", "stable")]})));
    for (synonym, term) in [
        ("remote", "almost_no_chance"),
        ("highly_improbable", "very_unlikely"),
        ("improbable", "unlikely"),
        ("roughly_even_odds", "roughly_even_chance"),
        ("probable", "likely"),
        ("highly_probable", "very_likely"),
        ("nearly_certain", "almost_certain"),
    ] {
        for given in [synonym, term] {
            let read = editor.patch("/v1/trends/t", json!({"likelihood": given})).expect(200).json();
            assert_eq!(read["likelihood"], term, "{given}");
        }
    }
    assert_eq!(editor.patch("/v1/trends/t", json!({"likelihood": "Likely"})).faults(), ["/likelihood"]);
    let confident = editor.get("/v1/trends/t").expect(200).json();
    assert_eq!(confident["confidence"], Value::Null, "confidence is a judgement of its own");
}

fn a_probability_lies_in_the_band_of_its_term(app: &TestApp) {
    app.with_category();
    let editor = app.editor();
    editor.create("briefs", brief("page").with(json!({"trends": [trend("t", "stable")]})));
    let judge = |likelihood: Value, probability: Value| {
        editor.patch("/v1/trends/t", json!({"likelihood": likelihood, "probability": probability}))
    };
    let bands = [
        ("almost_no_chance", 1, 5),
        ("very_unlikely", 5, 20),
        ("unlikely", 20, 45),
        ("roughly_even_chance", 45, 55),
        ("likely", 55, 80),
        ("very_likely", 80, 95),
        ("almost_certain", 95, 99),
    ];
    for (term, low, high) in bands {
        for within in [low, high] {
            assert_eq!(judge(json!(term), json!(within)).expect(200).json()["probability"], within, "{term}");
        }
        for outside in [low - 1, high + 1] {
            let refused = judge(json!(term), json!(outside));
            assert_eq!(refused.faults(), ["/probability"], "{term} {outside}");
            refused.problem(422, "validation-failed");
        }
    }
    for anything in [1, 50, 99] {
        judge(Value::Null, json!(anything)).expect(200);
    }
    for nothing in [json!(0), json!(100), json!(-1), json!(50.5), json!("50"), json!(1e9), json!(true)] {
        assert_eq!(judge(Value::Null, nothing.clone()).faults(), ["/probability"], "{nothing}");
    }
}

fn a_trend_is_seen_by_those_who_see_its_brief(app: &TestApp) {
    app.with_category().with_actors(&["china"]);
    let publisher = app.publisher();
    let trends = |slug: &str| json!({"trends": [trend(slug, "stable").with(json!({"actors": ["china"]}))]});
    publisher.create("briefs", brief("draft").with(trends("of-draft")));
    publisher.create(
        "briefs",
        published("amber", "2017-07-31").with(json!({"marking": "TLP:AMBER"})).with(trends("of-amber")),
    );
    publisher.create("briefs", published("open", "2017-07-30").with(trends("of-open")));

    let seen_by = |client: &crate::support::Client| {
        let list = crate::support::sorted(client.get("/v1/trends").expect(200).slugs());
        assert_eq!(crate::support::sorted(client.get("/v1/trends?actor=china").expect(200).slugs()), list);
        assert_eq!(client.get("/v1/trends?count=true").expect(200).json()["page"]["total"], list.len());
        for slug in ["of-draft", "of-amber", "of-open"] {
            let expected = if list.iter().any(|seen| seen == slug) { 200 } else { 404 };
            client.get(&format!("/v1/trends/{slug}")).expect(expected);
        }
        list
    };
    assert_eq!(seen_by(app), ["of-open"]);
    assert_eq!(seen_by(&app.cleared("reader", "TLP:AMBER")), ["of-amber", "of-open"]);
    assert_eq!(seen_by(&app.cleared("editor", "TLP:GREEN")), ["of-draft", "of-open"]);
    assert_eq!(seen_by(&app.editor()), ["of-amber", "of-draft", "of-open"]);

    publisher.post_empty("/v1/briefs/draft/publish").expect(200);
    assert_eq!(seen_by(app), ["of-draft", "of-open"]);
    publisher.patch("/v1/briefs/open", json!({"marking": "TLP:RED"})).expect(200);
    assert_eq!(seen_by(app), ["of-draft"]);
}

fn a_trend_stays_with_its_brief(app: &TestApp) {
    app.with_category();
    let editor = app.editor();
    editor.create("briefs", brief("one").with(json!({"trends": [trend("t", "stable")]})));
    editor.create("briefs", brief("two"));
    for (body, fault) in [
        (trend("x", "stable"), "/brief"),
        (trend("x", "stable").with(json!({"brief": "nothing"})), "/brief"),
        (trend("x", "stable").with(json!({"brief": "one", "actors": ["nobody"]})), "/actors/0"),
        (trend("x", "stable").with(json!({"brief": "one", "evidence": ["nothing"]})), "/evidence/0"),
        (trend("x", "sideways").with(json!({"brief": "one"})), "/direction"),
        (trend("x", "stable").with(json!({"brief": "one", "statement": " "})), "/statement"),
        (trend("x", "stable").with(json!({"brief": "one", "series": "Army Influence"})), "/series"),
        (trend("x", "stable").with(json!({"brief": "one", "horizon": "soon"})), "/horizon"),
    ] {
        let refused = editor.post("/v1/trends", &body);
        assert_eq!(refused.faults(), [fault], "{body}");
        refused.problem(422, "validation-failed");
    }
    assert_eq!(editor.patch("/v1/trends/t", json!({"brief": "two"})).faults(), ["/brief"]);
    editor.get("/v1/trends/x").expect(404);
    assert_eq!(editor.get("/v1/briefs/one").expect(200).json()["version"], 1);

    editor.delete("/v1/briefs/one").expect(204);
    editor.get("/v1/trends/t").problem(410, "gone");
}

fn only_a_publisher_changes_a_trend_of_a_published_brief(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"trends": [trend("t", "stable")]})));
    app.editor().patch("/v1/trends/t", json!({"direction": "increasing"})).problem(403, "forbidden");
    app.editor().delete("/v1/trends/t").problem(403, "forbidden");
    app.editor().post("/v1/trends", trend("u", "stable").with(json!({"brief": "page"}))).problem(403, "forbidden");
    let judged = json!({"outcome": "confirmed", "outcome_note": "He was promoted."});
    assert_eq!(app.publisher().patch("/v1/trends/t", judged).expect(200).json()["outcome"], "confirmed");
}

fn a_trend_is_dated_by_its_briefs_period(app: &TestApp) {
    app.with_category();
    let of_period = |slug: &str, period: Value| {
        brief(slug).with(json!({"period": period, "trends": [trend(&format!("of-{slug}"), "stable")]}))
    };
    let editor = app.editor();
    editor.create("briefs", of_period("first", json!({"from": "2017-07-17", "to": "2017-07-23"})));
    editor.create("briefs", of_period("second", json!({"from": "2017-07-24", "to": "2017-07-30"})));
    let found = |query: &str| editor.get(&format!("/v1/trends?{query}")).expect(200).slugs();
    assert_eq!(found("on=2017-07-20"), ["of-first"]);
    assert_eq!(found("from=2017-07-23&to=2017-07-24"), ["of-second", "of-first"]);
    assert_eq!(found("from=2017-07-24"), ["of-second"]);
    assert_eq!(found("to=2017-07-23"), ["of-first"]);
    assert_eq!(found("sort=period.to"), ["of-first", "of-second"]);

    editor.patch("/v1/briefs/first", json!({"period": {"from": "2017-07-31", "to": "2017-08-06"}})).expect(200);
    assert_eq!(found("on=2017-07-20"), Vec::<String>::new());
    assert_eq!(found("on=2017-08-01"), ["of-first"]);
}

fn everything_that_a_trend_says_is_read_back(app: &TestApp) {
    app.with_category().with_actors(&["army", "president"]);
    app.editor().create("events", event("promotion", "2017-07-07"));
    app.editor().create("briefs", brief("page"));
    let said = json!({
        "slug": "t", "statement": "The army's\ninfluence grows.", "direction": "increasing", "assessment": "mixed",
        "series": "army-influence", "likelihood": "very_likely", "probability": 90, "confidence": "low",
        "limits": "Neither", "horizon": "2018-01-31", "outcome": "refuted", "outcome_note": "No",
    });
    let links = json!({"brief": "page", "actors": ["president", "army", "president"], "evidence": ["promotion"]});
    app.editor().create("trends", said.clone().with(links));
    let read = app.editor().get("/v1/trends/t").expect(200).json();
    for (member, value) in said.as_object().unwrap() {
        assert_eq!(&read[member], value, "{member}");
    }
    assert_eq!(crate::support::slugs_in(&read["actors"]), ["president", "army"]);
    let evidence = &read["evidence"][0];
    assert_eq!((&evidence["slug"], &evidence["occurred"]), (&json!("promotion"), &json!("2017-07-07")));
}
