//! Events: when they happened, who took part, and what kind of thing they were.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::make::{With, event, public_event};

on_both![
    a_date_means_every_day_that_it_can,
    a_list_finds_every_event_that_can_have_happened_then,
    what_is_no_date_is_refused,
    participants_have_roles,
    participants_must_be_known_and_named_once_in_a_role,
    plover_codes_fit_their_root,
    a_place_is_on_the_globe,
    everything_that_is_missing_is_said_at_once,
    a_publisher_makes_an_event_public,
    sources_are_graded,
];

fn a_date_means_every_day_that_it_can(app: &TestApp) {
    let meanings = [
        ("2017-07-25", "2017-07-25", "2017-07-25"),
        ("2017-07-25?", "2017-07-25", "2017-07-25"),
        ("2017-07", "2017-07-01", "2017-07-31"),
        ("2017-07-XX~", "2017-07-01", "2017-07-31"),
        ("2016-02", "2016-02-01", "2016-02-29"),
        ("2017%", "2017-01-01", "2017-12-31"),
        ("201X", "2010-01-01", "2019-12-31"),
        ("2017-07-24/2017-07-30", "2017-07-24", "2017-07-30"),
        ("2017-07-07/..", "2017-07-07", "9999-12-31"),
        ("../2017-07", "0001-01-01", "2017-07-31"),
        ("0001-01-01", "0001-01-01", "0001-01-01"),
        ("9999", "9999-01-01", "9999-12-31"),
    ];
    for (number, (occurred, from, to)) in meanings.into_iter().enumerate() {
        let slug = format!("e{number}");
        app.editor().create("events", event(&slug, occurred));
        let read = app.editor().get(&format!("/v1/events/{slug}")).expect(200).json();
        assert_eq!(
            (&read["occurred"], &read["occurred_from"], &read["occurred_to"]),
            (&json!(occurred), &json!(from), &json!(to))
        );
    }
}

fn a_list_finds_every_event_that_can_have_happened_then(app: &TestApp) {
    let publisher = app.publisher();
    for (slug, occurred) in [
        ("day", "2017-07-25"),
        ("month", "2017-07"),
        ("year", "2017~"),
        ("week", "2017-07-24/2017-07-30"),
        ("decade", "201X"),
        ("since", "2017-07-28/.."),
        ("until", "../2017-07-23"),
        ("next-day", "2017-07-26"),
    ] {
        publisher.create("events", public_event(slug, occurred));
    }
    let cases: &[(&str, &[&str])] = &[
        ("on=2017-07-25", &["day", "decade", "month", "week", "year"]),
        ("on=2017-07-28", &["decade", "month", "since", "week", "year"]),
        ("on=2017-07-01", &["decade", "month", "until", "year"]),
        ("from=2017-07-31", &["decade", "month", "since", "year"]),
        ("from=2018-01-01", &["decade", "since"]),
        ("from=2020-01-01", &["since"]),
        ("to=2009-12-31", &["until"]),
        ("to=2017-06-30", &["decade", "until", "year"]),
        ("from=2017-07-26&to=2017-07-26", &["decade", "month", "next-day", "week", "year"]),
        ("from=2017-07-25T23:00:00Z&to=2017-07-25T23:30:00Z", &["day", "decade", "month", "week", "year"]),
        ("from=2017-07-24&on=2017-07-23", &["decade", "month", "year"]),
    ];
    for (query, expected) in cases {
        let found = crate::support::sorted(app.get(&format!("/v1/events?{query}")).expect(200).slugs());
        assert_eq!(&found, expected, "{query}");
        let total = app.get(&format!("/v1/events?{query}&count=true&limit=1")).expect(200).json();
        assert_eq!(total["page"]["total"], expected.len(), "{query}");
    }
    let latest_first = app.get("/v1/events").expect(200).slugs();
    assert_eq!(latest_first, ["since", "next-day", "day", "week", "month", "year", "decade", "until"]);
    let earliest_first: Vec<String> = latest_first.into_iter().rev().collect();
    assert_eq!(app.get("/v1/events?sort=occurred_from").expect(200).slugs(), earliest_first);
}

fn what_is_no_date_is_refused(app: &TestApp) {
    for occurred in [
        "",
        "yesterday",
        "2017-02-30",
        "2017-13",
        "25.07.2017",
        "2017-07-25T10:00:00Z",
        "../..",
        "2018/2017",
        "0000",
        "2017-7-5",
    ] {
        let refused = app.editor().post("/v1/events", event("e", occurred));
        assert_eq!(refused.faults(), ["/occurred"], "{occurred}");
        refused.problem(422, "validation-failed");
    }
    for on in ["2017-07", "2017-02-30", "", "today"] {
        let refused = app.get(&format!("/v1/events?on={on}"));
        assert_eq!(refused.faults(), ["on"], "{on}");
        refused.problem(400, "invalid-parameter");
    }
    assert_eq!(app.get("/v1/events?from=2017-07-31&to=2017-07-30").faults(), ["to"]);
}

fn participants_have_roles(app: &TestApp) {
    app.with_actors(&["belarus", "china"]);
    let made = app.editor().create(
        "events",
        event("e", "2017").with(json!({"participants": [
            {"actor": "china", "role": "signatory"},
            {"actor": "belarus"},
            {"actor": "china", "role": "host"},
        ]})),
    );
    let seen: Vec<(&Value, &Value)> = made["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|participant| (&participant["actor"]["slug"], &participant["role"]))
        .collect();
    let (china, belarus) = (json!("china"), json!("belarus"));
    let roles = [json!("signatory"), json!("participant"), json!("host")];
    assert_eq!(seen, [(&china, &roles[0]), (&belarus, &roles[1]), (&china, &roles[2])]);
    assert_eq!(made["participants"][0]["actor"]["kind"], "person");
    assert_eq!(app.editor().get("/v1/events?actor=china").expect(200).slugs(), ["e"]);

    app.publisher().patch("/v1/actors/china", json!({"name": "People's Republic of China"})).expect(200);
    let renamed = app.editor().get("/v1/events/e").expect(200).json();
    assert_eq!(renamed["participants"][0]["actor"]["name"], "People's Republic of China");
    assert_eq!(renamed["version"], 1);
}

fn participants_must_be_known_and_named_once_in_a_role(app: &TestApp) {
    app.with_actors(&["china"]);
    let refused = app.editor().post(
        "/v1/events",
        event("e", "2017").with(json!({"participants": [
            {"actor": "china", "role": "host"},
            {"actor": "nobody"},
            {"actor": {"slug": "china"}, "role": "host"},
            {"actor": "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c"},
        ]})),
    );
    assert_eq!(refused.faults(), ["/participants/1/actor", "/participants/2/actor", "/participants/3/actor"]);
    refused.problem(422, "validation-failed");
    let refused = app.editor().post("/v1/events", event("e", "2017").with(json!({"participants": [
        {"role": "host"}, {"actor": "china", "role": "guest"}, {"actor": 7}, {"actor": {}}, {"actor": "china", "since": "2017"},
    ]})));
    let faults = [
        "/participants/0/actor",
        "/participants/1/role",
        "/participants/2/actor",
        "/participants/3/actor",
        "/participants/4/since",
    ];
    assert_eq!(refused.faults(), faults);
    assert!(app.editor().get("/v1/events").rows().is_empty());
}

fn plover_codes_fit_their_root(app: &TestApp) {
    app.with_actors(&["china"]);
    let coded = |plover: Value, role: &str| {
        event("coded", "2017").with(json!({"plover": plover, "participants": [{"actor": "china", "role": role}]}))
    };
    let good = [
        (json!({"root": "CONSULT", "mode": "phone"}), "host"),
        (json!({"root": "AGREE"}), "host"),
        (json!({"root": "AGREE", "mode": null}), "host"),
        (json!({"root": "SANCTION", "mode": "expel"}), "recipient"),
        (json!({"root": "COOPERATE"}), "recipient"),
        (json!({"root": "AID"}), "recipient"),
        (json!({"root": "ASSAULT", "mode": "suicide-attack"}), "target"),
    ];
    for (plover, role) in good {
        app.editor().put("/v1/events/coded", coded(plover.clone(), role)).json();
        let read = app.editor().get("/v1/events/coded").expect(200).json();
        assert_eq!(read["plover"]["root"], plover["root"]);
        assert_eq!(read["plover"]["mode"], plover["mode"]);
    }
    let bad = [
        (json!({"root": "CONSULT", "mode": "demo"}), "host", "/plover/mode"),
        (json!({"root": "AGREE", "mode": "visit"}), "host", "/plover/mode"),
        (json!({"root": "SANCTION"}), "target", "/plover/root"),
        (json!({"root": "COOPERATE"}), "host", "/plover/root"),
        (json!({"root": "AID"}), "participant", "/plover/root"),
        (json!({"root": "agree"}), "host", "/plover/root"),
        (json!({"mode": "visit"}), "host", "/plover/root"),
        (json!("AGREE"), "host", "/plover"),
    ];
    for (plover, role, pointer) in bad {
        let refused = app.editor().put("/v1/events/coded", coded(plover.clone(), role));
        assert_eq!(refused.faults(), [pointer], "{plover}");
        refused.expect(422);
    }
}

fn a_place_is_on_the_globe(app: &TestApp) {
    let placed = |location: Value| {
        app.editor().put("/v1/events/placed", event("placed", "2017").with(json!({"location": location})))
    };
    for location in [
        json!({"name": "Minsk", "lat": 53.9, "lon": 27.57}),
        json!({"name": "Somewhere", "lat": null, "lon": null}),
        json!({"name": null, "lat": -90.0, "lon": 180.0}),
    ] {
        let made = placed(location.clone());
        assert!(made.status < 300, "{}", made.whole());
        assert_eq!(made.json()["location"], location);
    }
    for (location, pointer) in [
        (json!({"lat": 90.1, "lon": 0.0}), "/location/lat"),
        (json!({"lat": 0.0, "lon": -180.5}), "/location/lon"),
        (json!({"lat": 10.0}), "/location"),
        (json!({"lat": "53", "lon": 1.0}), "/location/lat"),
        (json!({"latitude": 53.0}), "/location/latitude"),
    ] {
        let refused = placed(location.clone());
        assert_eq!(refused.faults(), [pointer], "{location}");
        refused.expect(422);
    }
    assert_eq!(
        placed(json!({"lat": 1, "lon": 2})).expect(200).json()["location"]["lat"],
        1.0,
        "whole degrees are numbers too"
    );
}

fn everything_that_is_missing_is_said_at_once(app: &TestApp) {
    let refused = app.editor().post("/v1/events", json!({"descripton": "x", "state": "public", "marking": "tlp:red"}));
    assert_eq!(refused.faults(), ["/descripton", "/kind", "/marking", "/occurred", "/state", "/title"]);
    let problem = refused.problem(422, "validation-failed");
    let typo = problem["errors"].as_array().unwrap().iter().find(|fault| fault["pointer"] == "/descripton").unwrap();
    assert!(typo["detail"].as_str().unwrap().contains("`description`"), "{typo}");
}

fn a_publisher_makes_an_event_public(app: &TestApp) {
    app.editor().create("events", event("e", "2017"));
    app.get("/v1/events/e").expect(404);
    app.editor().patch("/v1/events/e", json!({"state": "published"})).problem(403, "forbidden");
    app.editor().post("/v1/events", public_event("other", "2017")).problem(403, "forbidden");
    app.publisher().patch("/v1/events/e", json!({"state": "published"})).expect(200);
    assert_eq!(app.get("/v1/events/e").expect(200).json()["state"], "published");
    app.editor().patch("/v1/events/e", json!({"title": "New"})).problem(403, "forbidden");
    app.editor().delete("/v1/events/e").problem(403, "forbidden");
    let kept = app.publisher().put("/v1/events/e", event("e", "2018")).expect(200).json();
    assert_eq!(kept["state"], "published", "a replacement that says nothing of the state keeps it");
    app.publisher().patch("/v1/events/e", json!({"state": "draft"})).expect(200);
    app.get("/v1/events/e").expect(404);
}

fn sources_are_graded(app: &TestApp) {
    let source = json!({
        "url": "https://news.example.org/1", "title": "News", "publisher": "Example", "published_on": "2017-07-25",
        "reliability": "F", "credibility": "6",
    });
    let made = app.editor().create("events", event("e", "2017").with(json!({"sources": [source, {}]})));
    assert_eq!(made["sources"][0], source);
    let refused = app.editor().post(
        "/v1/events",
        event("f", "2017").with(json!({"sources": [
            {"reliability": "G"}, {"credibility": 1}, {"published_on": "2017-07"}, "https://news.example.org/",
        ]})),
    );
    let faults = ["/sources/0/reliability", "/sources/1/credibility", "/sources/2/published_on", "/sources/3"];
    assert_eq!(refused.faults(), faults);
}
