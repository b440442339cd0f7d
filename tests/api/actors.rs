//! Actors, and how they are found by what they are called.

use serde_json::json;

use crate::support::make::{With, actor, brief, event, public_event, published, trend};
use crate::support::{TestApp, sorted};

on_both![
    an_actor_is_found_by_any_of_its_names,
    a_name_that_several_share_means_all_of_them,
    several_actors_mean_any_or_all_of_them,
    an_unknown_name_is_refused_with_candidates,
    a_name_that_was_dropped_is_forgotten,
    an_actor_in_use_cannot_be_deleted,
    an_actor_belongs_to_a_body_and_holds_positions,
    an_actor_is_public_from_its_creation,
    faults_of_an_actor_are_all_named,
];

fn an_actor_is_found_by_any_of_its_names(app: &TestApp) {
    let president = actor("alyaksandr-lukashenka", "Alyaksandr Łukašenka").with(json!({"aliases": [
        {"name": "Аляксандр Лукашэнка", "language": "be"},
        {"name": "Александр Лукашенко", "language": "ru"},
        {"name": "Lukashenko, Alexander"},
        {"name": "卢卡申科", "language": "zh"},
    ]}));
    let made = app.publisher().create("actors", president);
    app.with_category().with_actors(&["somebody-else"]);
    let participants = json!({"participants": [{"actor": "alyaksandr-lukashenka"}]});
    app.publisher().create("events", public_event("met", "2017-07-07").with(participants));
    app.publisher().create(
        "events",
        public_event("other", "2017-07-08").with(json!({"participants": [{"actor": "somebody-else"}]})),
    );
    let trends = json!({"trends": [trend("t", "stable").with(json!({"actors": ["alyaksandr-lukashenka"]}))]});
    app.publisher().create("briefs", published("page", "2017-07-31").with(trends));
    app.publisher().create("briefs", published("another", "2017-07-31"));

    for name in [
        "alyaksandr-lukashenka",
        made["id"].as_str().unwrap(),
        "Alyaksandr Łukašenka",
        "ALYAKSANDR LUKASENKA",
        "  alyaksandr   lukašenka ",
        "Аляксандр Лукашэнка",
        "АЛЕКСАНДР ЛУКАШЕНКО",
        "Lukashenko, Alexander",
        "lukashenko alexander",
        "卢卡申科",
    ] {
        for parameter in ["actor", "all_actors"] {
            let query = format!("{parameter}={}", encoded(name));
            assert_eq!(app.get(&format!("/v1/events?{query}")).expect(200).slugs(), ["met"], "{name}");
            assert_eq!(app.get(&format!("/v1/briefs?{query}")).expect(200).slugs(), ["page"], "{name}");
            assert_eq!(app.get(&format!("/v1/trends?{query}")).expect(200).slugs(), ["t"], "{name}");
        }
    }
}

fn a_name_that_several_share_means_all_of_them(app: &TestApp) {
    for slug in ["ivanov-the-minister", "ivanov-the-general"] {
        app.publisher().create("actors", actor(slug, "Ivan Ivanov"));
        app.publisher().create(
            "events",
            public_event(&format!("of-{slug}"), "2017").with(json!({"participants": [{"actor": slug}]})),
        );
    }
    let found = sorted(app.get("/v1/events?actor=ivan%20ivanov").expect(200).slugs());
    assert_eq!(found, ["of-ivanov-the-general", "of-ivanov-the-minister"]);
    assert_eq!(app.get("/v1/events?all_actors=ivan%20ivanov").expect(200).rows().len(), 2, "either bearer will do");
    assert_eq!(app.get("/v1/events?actor=ivanov-the-general").expect(200).slugs(), ["of-ivanov-the-general"]);
}

fn several_actors_mean_any_or_all_of_them(app: &TestApp) {
    app.with_category().with_actors(&["belarus", "china", "russia"]);
    let publisher = app.publisher();
    for (slug, actors) in [("alone", vec!["belarus"]), ("both", vec!["belarus", "china"]), ("other", vec!["russia"])] {
        let participants: Vec<_> = actors.iter().map(|actor| json!({"actor": actor})).collect();
        publisher.create("events", public_event(slug, "2017").with(json!({"participants": participants})));
        publisher.create("briefs", published(slug, "2017-07-31").with(json!({"events": [slug]})));
        let trend = trend(&format!("trend-{slug}"), "stable").with(json!({"actors": actors}));
        publisher.patch(&format!("/v1/briefs/{slug}"), json!({"trends": [trend]})).expect(200);
    }
    let cases: &[(&str, &[&str])] = &[
        ("actor=belarus,china", &["alone", "both"]),
        ("actor=china&actor=russia", &["both", "other"]),
        ("actor=china,%20russia", &["both", "other"]),
        ("actor=belarus", &["alone", "both"]),
        ("all_actors=belarus,china", &["both"]),
        ("all_actors=belarus&all_actors=china", &["both"]),
        ("all_actors=belarus,russia", &[]),
        ("actor=china&all_actors=belarus", &["both"]),
        ("actor=russia&all_actors=belarus", &[]),
        ("actor=russia,china&all_actors=belarus", &["both"]),
    ];
    for (query, expected) in cases {
        assert_eq!(sorted(app.get(&format!("/v1/events?{query}")).expect(200).slugs()), *expected, "events {query}");
        assert_eq!(sorted(app.get(&format!("/v1/briefs?{query}")).expect(200).slugs()), *expected, "briefs {query}");
        let trends: Vec<String> = expected.iter().map(|slug| format!("trend-{slug}")).collect();
        assert_eq!(sorted(app.get(&format!("/v1/trends?{query}")).expect(200).slugs()), trends, "trends {query}");
        let total = app.get(&format!("/v1/events?{query}&count=true")).expect(200).json();
        assert_eq!(total["page"]["total"], expected.len(), "{query}");
    }
}

fn an_unknown_name_is_refused_with_candidates(app: &TestApp) {
    app.publisher().create("actors", actor("sergey-novikov", "Sergey Novikov"));
    for list in ["events", "briefs", "trends"] {
        for parameter in ["actor", "all_actors"] {
            let refused = app.get(&format!("/v1/{list}?{parameter}=Sergei%20Novikov"));
            assert_eq!(refused.faults(), [parameter]);
            let problem = refused.problem(400, "invalid-parameter");
            assert_eq!(problem["candidates"][0], json!({"slug": "sergey-novikov", "name": "Sergey Novikov"}));
        }
    }
    let nobody = app.get("/v1/events?actor=%E2%98%83").problem(400, "invalid-parameter");
    assert_eq!(nobody["candidates"], json!([]));
    app.get("/v1/events?actor=").problem(400, "invalid-parameter");
    app.get("/v1/events?actor=sergey-novikov,nobody").problem(400, "invalid-parameter");
}

fn a_name_that_was_dropped_is_forgotten(app: &TestApp) {
    app.publisher().create("actors", actor("kgb", "KGB").with(json!({"aliases": [{"name": "КДБ"}]})));
    app.get("/v1/events?actor=%D0%9A%D0%94%D0%91").expect(200);
    app.publisher().patch("/v1/actors/kgb", json!({"aliases": [{"name": "КГБ"}]})).expect(200);
    app.get("/v1/events?actor=%D0%9A%D0%94%D0%91").expect(400);
    app.get("/v1/events?actor=%D0%9A%D0%93%D0%91").expect(200);
    app.publisher().delete("/v1/actors/kgb").expect(204);
    app.get("/v1/events?actor=kgb").expect(400);
}

fn an_actor_in_use_cannot_be_deleted(app: &TestApp) {
    app.with_category().with_actors(&["in-event", "in-trend", "in-parent", "in-office"]);
    let publisher = app.publisher();
    publisher.create("events", public_event("e", "2017").with(json!({"participants": [{"actor": "in-event"}]})));
    let secret = event("s", "2017").with(json!({"marking": "TLP:RED", "participants": [{"actor": "in-event"}]}));
    publisher.create("events", secret);
    publisher.create(
        "briefs",
        brief("b").with(json!({"trends": [trend("t", "stable").with(json!({"actors": ["in-trend"]}))]})),
    );
    publisher.create("actors", actor("child", "Child").with(json!({"parent": "in-parent"})));
    publisher.create(
        "actors",
        actor("officer", "Officer").with(json!({"positions": [{"organisation": "in-office", "title": "Chief"}]})),
    );

    for (used, user) in [
        ("in-event", ("event", "e")),
        ("in-trend", ("trend", "t")),
        ("in-parent", ("actor", "child")),
        ("in-office", ("actor", "officer")),
    ] {
        let problem =
            app.cleared("publisher", "TLP:CLEAR").delete(&format!("/v1/actors/{used}")).problem(409, "conflict");
        let users = problem["users"].as_array().unwrap();
        assert_eq!(users.len(), 1, "the hidden event is not named: {problem}");
        assert_eq!((users[0]["type"].as_str(), users[0]["slug"].as_str()), (Some(user.0), Some(user.1)));
    }

    publisher.delete("/v1/events/e").expect(204);
    publisher.delete("/v1/events/s").expect(204);
    publisher.patch("/v1/briefs/b", json!({"trends": []})).expect(200);
    publisher.patch("/v1/actors/child", json!({"parent": null})).expect(200);
    publisher.delete("/v1/actors/officer").expect(204);
    for unused in ["in-event", "in-trend", "in-parent", "in-office"] {
        publisher.delete(&format!("/v1/actors/{unused}?reason=Mistake")).expect(204);
        assert_eq!(app.get(&format!("/v1/actors/{unused}")).problem(410, "gone")["reason"], "Mistake");
    }
}

fn an_actor_belongs_to_a_body_and_holds_positions(app: &TestApp) {
    app.with_actors(&["committee"]);
    let general = json!({
        "parent": "committee",
        "country": "BLR",
        "positions": [{"organisation": "committee", "title": "Deputy Chairman", "from": "2017-07-07", "to": "2019~"}],
        "identifiers": {"wikidata": "Q2895"},
    });
    let made = app.editor().create("actors", actor("general", "General").with(general));
    assert_eq!(made["parent"]["name"], "committee");
    assert_eq!(made["positions"][0]["organisation"]["slug"], "committee");
    assert_eq!((&made["positions"][0]["from"], &made["positions"][0]["to"]), (&json!("2017-07-07"), &json!("2019~")));
    assert_eq!((&made["identifiers"], &made["country"]), (&json!({"wikidata": "Q2895"}), &json!("BY")));
    assert_eq!(app.editor().patch("/v1/actors/general", json!({"parent": "general"})).faults(), ["/parent"]);
}

fn an_actor_is_public_from_its_creation(app: &TestApp) {
    app.editor().create("actors", actor("someone", "Someone"));
    app.get("/v1/actors/someone").expect(200);
    assert_eq!(app.get("/v1/actors").expect(200).slugs(), ["someone"]);
}

fn faults_of_an_actor_are_all_named(app: &TestApp) {
    let refused = app.editor().post(
        "/v1/actors",
        json!({
            "name": "  ",
            "kind": "company",
            "country": "Belarus",
            "aliases": [{"language": "en"}, {"name": "A", "language": "??"}, "B"],
            "positions": [{"title": "Chief"}, {"organisation": "x", "title": "y", "from": "soon"}],
            "identifiers": {"wikidata": 7},
        }),
    );
    let faults = [
        "/aliases/0/name",
        "/aliases/1/language",
        "/aliases/2",
        "/country",
        "/identifiers/wikidata",
        "/kind",
        "/name",
        "/positions/0/organisation",
        "/positions/1/from",
        "/positions/1/organisation",
    ];
    assert_eq!(refused.faults(), faults);
    refused.problem(422, "validation-failed");
    let refused = app.editor().post(
        "/v1/actors",
        actor("a", "A").with(json!({
            "parent": "nobody",
            "positions": [{"organisation": "nobody", "title": "y", "from": "2017", "to": "2018"}],
        })),
    );
    assert_eq!(refused.faults(), ["/parent", "/positions/0/organisation"]);
    let backwards = json!([{"organisation": "nobody", "title": "y", "from": "2018", "to": "2017"}]);
    let refused =
        app.editor().post("/v1/actors", actor("a", "A").with(json!({"country": "?", "positions": backwards})));
    assert_eq!(refused.faults(), ["/country", "/positions/0/organisation", "/positions/0/to"]);
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
