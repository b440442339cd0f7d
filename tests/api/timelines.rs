//! What adds up over time: timelines, networks, lines of judgement, calibration, and briefs like others.

use serde_json::{Value, json};

use crate::support::make::{With, actor, public_event, published, trend};
use crate::support::{TestApp, slugs_in};

on_both![
    events_are_counted_in_intervals_without_gaps,
    a_timeline_is_refused_when_it_has_too_many_rows,
    trends_are_counted_by_the_end_of_their_period,
    an_actors_timeline_has_events_posts_and_statements,
    an_actors_network_weighs_shared_events,
    a_categorys_history_has_its_turning_points,
    a_line_of_judgement_is_read_from_its_first_statement,
    editors_set_outcomes_and_calibration_follows,
    similar_briefs_say_why,
    nothing_withheld_or_hidden_makes_briefs_similar,
    what_lies_below_a_former_slug_is_answered,
];

fn events_are_counted_in_intervals_without_gaps(app: &TestApp) {
    let publisher = app.publisher();
    for (slug, occurred, kind) in [
        ("a", "2017-07-24", "meeting"),
        ("b", "2017-07-30", "meeting"),
        ("c", "2017-08-20/2017-09-02", "visit"),
        ("d", "../2017-08-01", "meeting"),
        ("e", "2017-10", "visit"),
    ] {
        publisher.create("events", public_event(slug, occurred).with(json!({"kind": kind})));
    }
    assert_eq!(
        timeline(app, "events", "interval=month"),
        [
            ("2017-07-01", "2017-07-31", 2),
            ("2017-08-01", "2017-08-31", 2),
            ("2017-09-01", "2017-09-30", 0),
            ("2017-10-01", "2017-10-31", 1)
        ]
        .map(|(from, to, count)| (from.to_owned(), to.to_owned(), count, None))
    );
    let weeks = timeline(app, "events", "interval=week&to=2017-07-31");
    assert_eq!(
        weeks,
        [
            ("2017-07-24".to_owned(), "2017-07-30".to_owned(), 2, None),
            ("2017-07-31".to_owned(), "2017-08-06".to_owned(), 1, None)
        ]
    );
    let reaching_in = timeline(app, "events", "interval=day&from=2017-09-01&to=2017-09-30");
    assert_eq!(reaching_in, [("2017-09-01".to_owned(), "2017-09-01".to_owned(), 1, None)]);
    let grouped = timeline(app, "events", "interval=year&group_by=kind");
    let year = |count, group: &str| ("2017-01-01".to_owned(), "2017-12-31".to_owned(), count, Some(group.to_owned()));
    assert_eq!(grouped, [year(3, "meeting"), year(2, "visit")]);
    assert_eq!(timeline(app, "events", "interval=year&group_by=kind&group_limit=1"), [year(3, "meeting")]);
    assert_eq!(timeline(app, "events", "kind=visit&interval=year").len(), 1);
    assert_eq!(timeline(app, "events", "kind=trial"), []);
    assert_eq!(timeline(app, "events", "q=happened&kind=visit&interval=year").len(), 1);
    assert_eq!(timeline(app, "events", "q=nothing"), []);
    assert_eq!(app.get("/v1/events/timeline").expect(200).json()["interval"], "month");
}

fn a_timeline_is_refused_when_it_has_too_many_rows(app: &TestApp) {
    app.publisher().create("events", public_event("old", "0900"));
    app.publisher().create("events", public_event("new", "2017-07-25"));
    assert_eq!(app.get("/v1/events/timeline?interval=day").faults(), ["interval"]);
    assert_eq!(timeline(app, "events", "interval=year").len(), 1118);
    assert_eq!(timeline(app, "events", "interval=day&from=2017-01-01&to=2017-12-31").len(), 1);
}

fn trends_are_counted_by_the_end_of_their_period(app: &TestApp) {
    app.with_category().with_actors(&["china"]);
    for (slug, from, to, direction) in
        [("one", "2017-07-24", "2017-07-30", "stable"), ("two", "2017-07-31", "2017-08-06", "increasing")]
    {
        app.publisher().create(
            "briefs",
            published(slug, "2017-08-07").with(json!({
                "period": {"from": from, "to": to},
                "trends": [trend(&format!("{slug}-t"), direction).with(json!({"actors": ["china"]}))],
            })),
        );
    }
    let days = timeline(app, "trends", "interval=month&group_by=direction");
    let row =
        |from: &str, to: &str, count, group: &str| (from.to_owned(), to.to_owned(), count, Some(group.to_owned()));
    assert_eq!(
        days,
        [
            row("2017-07-01", "2017-07-31", 0, "increasing"),
            row("2017-07-01", "2017-07-31", 1, "stable"),
            row("2017-08-01", "2017-08-31", 1, "increasing"),
            row("2017-08-01", "2017-08-31", 0, "stable"),
        ]
    );
    let within = timeline(app, "trends", "interval=day&actor=china&to=2017-08-01");
    assert_eq!(
        within.iter().map(|row| (row.0.as_str(), row.2)).collect::<Vec<_>>(),
        [("2017-07-30", 1), ("2017-07-31", 0), ("2017-08-01", 1)]
    );
}

fn an_actors_timeline_has_events_posts_and_statements(app: &TestApp) {
    app.with_category().with_actors(&["committee"]);
    let publisher = app.publisher();
    publisher.create(
        "actors",
        actor("novikov", "Sergey Novikov").with(json!({"positions": [
            {"organisation": "committee", "title": "Deputy Chairman", "from": "2017-07-07"},
            {"organisation": "committee", "title": "Unknown"},
        ]})),
    );
    publisher.create(
        "briefs",
        published("page", "2017-07-31").with(json!({
            "period": {"from": "2017-07-24", "to": "2017-07-30"},
            "events": [
                public_event("appointed", "2017-07-07").with(json!({"participants": [{"actor": "novikov", "role": "appointee"}]})),
                public_event("later", "2017-09").with(json!({"participants": [{"actor": "novikov", "role": "host"}]})),
            ],
            "trends": [trend("rises", "increasing").with(json!({"actors": ["novikov"]}))],
        })),
    );
    let read = |query: &str| -> Vec<(String, Value)> {
        let rows = app.get(&format!("/v1/actors/novikov/timeline?{query}")).expect(200).rows();
        rows.iter().map(|row| (row["type"].as_str().unwrap().to_owned(), row["date"].clone())).collect()
    };
    let entry = |kind: &str, date: &str| (kind.to_owned(), json!(date));
    let unknown = ("position".to_owned(), json!(null));
    let all = [
        entry("event", "2017-09-01"),
        entry("trend", "2017-07-30"),
        entry("event", "2017-07-07"),
        entry("position", "2017-07-07"),
        unknown.clone(),
    ];
    assert_eq!(read(""), all);
    let mut turned = all.to_vec();
    turned.reverse();
    assert_eq!(read("sort=date"), turned);
    assert_eq!(read("from=2017-08-01&to=2017-08-31"), [entry("position", "2017-07-07"), unknown.clone()], "they last");
    assert_eq!(read("to=2017-07-10"), [entry("event", "2017-07-07"), entry("position", "2017-07-07"), unknown]);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/actors/novikov/timeline?limit=2&count=true{cursor}")).expect(200).json();
        assert_eq!(page["page"]["total"], 5);
        seen.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| (row["type"].as_str().unwrap().to_owned(), row["date"].clone())),
        );
        let Some(next) = page["page"]["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, all);
    let first = app.get("/v1/actors/novikov/timeline?limit=1").expect(200).rows();
    assert_eq!(
        (&first[0]["event"]["slug"], &first[0]["trend"], &first[0]["position"]),
        (&json!("later"), &json!(null), &json!(null))
    );
    assert_eq!(app.get("/v1/actors/novikov/timeline?format=ndjson").expect(200).lines().len(), 5);
    app.get("/v1/actors/nobody/timeline").problem(404, "not-found");
}

/// Actors with their distances, and pairs of them with what they share.
type Drawn = (Vec<(String, u64)>, Vec<(String, String, u64)>);

fn an_actors_network_weighs_shared_events(app: &TestApp) {
    app.with_actors(&["a", "b", "c", "d", "alone"]);
    for (slug, occurred, actors) in [
        ("one", "2017-07-01", vec!["a", "b"]),
        ("two", "2017-07-02", vec!["a", "b", "c"]),
        ("three", "2017-08-01", vec!["c", "d"]),
        ("twice", "2017-08-02", vec!["d", "d"]),
    ] {
        let participants: Vec<Value> = actors
            .iter()
            .zip(["host", "target", "recipient"])
            .map(|(actor, role)| json!({"actor": actor, "role": role}))
            .collect();
        app.publisher().create("events", public_event(slug, occurred).with(json!({"participants": participants})));
    }
    let network = |actor: &str, query: &str| -> Drawn {
        let network = app.get(&format!("/v1/actors/{actor}/network?{query}")).expect(200).json();
        let nodes = network["nodes"].as_array().unwrap().clone();
        let slug =
            |id: &Value| nodes.iter().find(|node| node["id"] == *id).unwrap()["slug"].as_str().unwrap().to_owned();
        let mut edges: Vec<(String, String, u64)> = network["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| {
                let (one, other) = (slug(&edge["source"]), slug(&edge["target"]));
                (one.clone().min(other.clone()), one.max(other), edge["weight"].as_u64().unwrap())
            })
            .collect();
        edges.sort();
        (
            nodes
                .iter()
                .map(|node| (node["slug"].as_str().unwrap().to_owned(), node["distance"].as_u64().unwrap()))
                .collect(),
            edges,
        )
    };
    let node = |slug: &str, distance| (slug.to_owned(), distance);
    let edge = |one: &str, other: &str, weight| (one.to_owned(), other.to_owned(), weight);
    assert_eq!(
        network("a", ""),
        (vec![node("a", 0), node("b", 1), node("c", 1)], vec![edge("a", "b", 2), edge("a", "c", 1)])
    );
    assert_eq!(
        network("a", "depth=2"),
        (
            vec![node("a", 0), node("b", 1), node("c", 1), node("d", 2)],
            vec![edge("a", "b", 2), edge("a", "c", 1), edge("b", "c", 1), edge("c", "d", 1)]
        )
    );
    assert_eq!(network("a", "limit=1"), (vec![node("a", 0), node("b", 1)], vec![edge("a", "b", 2)]));
    assert_eq!(network("a", "to=2017-07-01"), (vec![node("a", 0), node("b", 1)], vec![edge("a", "b", 1)]));
    assert_eq!(network("d", "from=2017-08-02"), (vec![node("d", 0)], vec![]));
    assert_eq!(network("alone", "depth=2"), (vec![node("alone", 0)], vec![]));
    assert_eq!(app.get("/v1/actors/a/network?depth=3").faults(), ["depth"]);
    let then = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    app.publisher().delete("/v1/events/three").expect(204);
    app.publisher().create(
        "events",
        public_event("new", "2017-07-03")
            .with(json!({"participants": [{"actor": "a", "role": "host"}, {"actor": "d", "role": "target"}]})),
    );
    let past = network("a", &format!("depth=2&as_of={then}")).1;
    assert_eq!(past, [edge("a", "b", 2), edge("a", "c", 1), edge("b", "c", 1), edge("c", "d", 1)]);
    let now = network("a", "depth=2").1;
    assert_eq!(now, [edge("a", "b", 2), edge("a", "c", 1), edge("a", "d", 1), edge("b", "c", 1)]);
}

fn a_categorys_history_has_its_turning_points(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    for (slug, day, status) in [
        ("one", "2017-07-03", json!("progress")),
        ("two", "2017-07-10", json!("progress")),
        ("silent", "2017-07-17", json!(null)),
        ("three", "2017-07-24", json!("regress")),
        ("four", "2017-07-31", json!("progress")),
    ] {
        publisher.create("briefs", published(slug, day).with(json!({"category_status": status})));
    }
    let read = |query: &str| -> Vec<(String, Value, String, Value, u64)> {
        let rows = app.get(&format!("/v1/categories/security/history?{query}")).expect(200).rows();
        rows.iter()
            .map(|row| {
                let slug = row["brief"]["slug"].as_str().unwrap().to_owned();
                (
                    row["status"].as_str().unwrap().to_owned(),
                    row["before"].clone(),
                    slug,
                    row["until"].clone(),
                    row["briefs"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    let at = |day: &str| json!(format!("{day}T10:00:00Z"));
    let all = [
        ("progress".to_owned(), json!("regress"), "four".to_owned(), json!(null), 1),
        ("regress".to_owned(), json!("progress"), "three".to_owned(), at("2017-07-31"), 1),
        ("progress".to_owned(), json!(null), "one".to_owned(), at("2017-07-24"), 2),
    ];
    assert_eq!(read(""), all);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/categories/security/history?limit=1&count=true{cursor}")).expect(200).json();
        assert_eq!(page["page"]["total"], 3);
        seen.push(page["data"][0].clone());
        let Some(next) = page["page"]["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(json!(seen), app.get("/v1/categories/security/history").expect(200).json()["data"]);
    assert_eq!(read("from=2017-07-20&to=2017-07-30").len(), 1);
    publisher.post("/v1/briefs/three/retract", json!({"reason": "Wrong."})).expect(200);
    assert_eq!(read(""), [("progress".to_owned(), json!(null), "one".to_owned(), json!(null), 3)]);
    app.get("/v1/categories/nothing/history").problem(404, "not-found");
}

fn a_line_of_judgement_is_read_from_its_first_statement(app: &TestApp) {
    app.with_category();
    let week = |slug: &str, day: &str, to: &str, members: Value| {
        let statement = trend(&format!("{slug}-t"), "stable").with(json!({"series": "army-influence"})).with(members);
        let page = published(slug, day).with(json!({"period": {"from": to, "to": to}, "trends": [statement]}));
        app.publisher().create("briefs", page);
    };
    week(
        "two",
        "2017-07-17",
        "2017-07-16",
        json!({"likelihood": "likely", "outcome": "confirmed", "direction": "increasing"}),
    );
    week("one", "2017-07-10", "2017-07-09", json!({"outcome": "refuted"}));
    week("three", "2017-07-24", "2017-07-23", json!({}));
    week("other", "2017-07-24", "2017-07-23", json!({"series": "money"}));
    let statements = app.get("/v1/series/army-influence").expect(200);
    assert_eq!(statements.slugs(), ["one-t", "two-t", "three-t"]);
    let second = statements.rows()[1].clone();
    assert_eq!(
        (&second["likelihood"], &second["outcome"], &second["brief"]["slug"]),
        (&json!("likely"), &json!("confirmed"), &json!("two"))
    );
    assert_eq!(app.get("/v1/series/army-influence?format=ndjson").expect(200).lines().len(), 3);

    let lines = app.get("/v1/series?count=true").expect(200);
    assert_eq!(lines.slugs(), ["army-influence", "money"]);
    assert_eq!(lines.json()["page"]["total"], 2);
    let army = lines.rows()[0].clone();
    assert_eq!(
        (&army["statements"], &army["first"], &army["last"]),
        (&json!(3), &json!("2017-07-09"), &json!("2017-07-23"))
    );
    assert_eq!(army["outcomes"], json!({"pending": 1, "confirmed": 1, "refuted": 1, "mixed": 0}));
    assert_eq!(army["latest"]["slug"], "three-t");
    let first = app.get("/v1/series?limit=1").expect(200).json();
    let next = first["page"]["next"].as_str().unwrap();
    assert_eq!(app.get(&format!("/v1/series?limit=1&cursor={next}")).expect(200).slugs(), ["money"]);
    let early = app.get("/v1/series?to=2017-07-16").expect(200).rows();
    assert_eq!((early.len(), &early[0]["statements"]), (1, &json!(2)));
    let then = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    app.publisher().patch("/v1/trends/three-t", json!({"series": "money"})).expect(200);
    assert_eq!(app.get(&format!("/v1/series?as_of={then}")).expect(200).json()["data"][0]["statements"], 3);
    assert_eq!(app.get("/v1/series").expect(200).json()["data"][0]["statements"], 2);
    app.get("/v1/series/nothing").problem(404, "not-found");
    app.get("/v1/series/NOT%20A%20SLUG").problem(404, "not-found");
}

fn editors_set_outcomes_and_calibration_follows(app: &TestApp) {
    app.with_category();
    let judged = |slug: &str, likelihood: &str, probability: Value| {
        trend(slug, "stable").with(json!({"likelihood": likelihood, "probability": probability}))
    };
    app.publisher().create(
        "briefs",
        published("page", "2017-07-31").with(json!({"authors": ["Anna"], "trends": [
            judged("yes", "likely", json!(70)), judged("no", "likely", json!(null)),
            judged("half", "unlikely", json!(30)), judged("open", "likely", json!(60)),
        ]})),
    );
    app.publisher().create(
        "briefs",
        published("other", "2018-07-31")
            .with(json!({"authors": ["Boris"], "trends": [judged("late", "very_likely", json!(90))]})),
    );
    let term = |calibration: &Value, likelihood: &str| -> Value {
        let terms = calibration["terms"].as_array().unwrap();
        terms.iter().find(|term| term["likelihood"] == likelihood).unwrap().clone()
    };
    let before = app.get("/v1/calibration").expect(200).json();
    assert_eq!(
        before["overall"],
        json!({"judged": 0, "confirmed": 0, "refuted": 0, "mixed": 0, "came_true": null, "forecast": null, "brier": null})
    );
    for (slug, outcome) in [("yes", "confirmed"), ("no", "refuted"), ("half", "mixed"), ("late", "confirmed")] {
        app.publisher().patch(&format!("/v1/trends/{slug}"), json!({"outcome": outcome})).expect(200);
    }
    let after = app.get("/v1/calibration").expect(200).json();
    let likely = term(&after, "likely");
    // (0.7 - 1)² and (0.675 - 0)², the middle of 55 to 80.
    assert_eq!(
        (&likely["judged"], &likely["confirmed"], &likely["came_true"], &likely["brier"]),
        (&json!(2), &json!(1), &json!(0.5), &json!(0.2728))
    );
    assert_eq!(likely["band"], json!({"from": 55, "to": 80}));
    assert_eq!((&term(&after, "unlikely")["judged"], &term(&after, "unlikely")["brier"]), (&json!(1), &json!(null)));
    assert_eq!((&after["overall"]["judged"], &after["overall"]["mixed"]), (&json!(4), &json!(1)));
    let overall =
        |query: &str| app.get(&format!("/v1/calibration?{query}")).expect(200).json()["overall"]["judged"].clone();
    app.publisher().create("trends", trend("bare", "stable").with(json!({"brief": "other", "probability": 40})));
    app.publisher().patch("/v1/trends/bare", json!({"outcome": "refuted"})).expect(200);
    assert_eq!(overall("author=Boris"), 2, "a probability alone is a judgement of no term");
    app.publisher().delete("/v1/trends/bare").expect(204);
    assert_eq!(overall("author=Anna"), 3);
    assert_eq!(overall("author=Anna&author=Boris"), 4);
    assert_eq!(overall("author=Nobody"), 0);
    assert_eq!(overall("from=2018-01-01"), 1);
    assert_eq!(overall("category=security&to=2017-12-31"), 3);
    assert_eq!(app.get("/v1/calibration?likelihood=likely").faults(), ["likelihood"]);
}

fn similar_briefs_say_why(app: &TestApp) {
    app.with_category().with_actors(&["china"]);
    let publisher = app.publisher();
    publisher.create("categories", json!({"slug": "economy", "name": "Economy"}));
    let line = |slug: &str, series: Value| trend(slug, "stable").with(json!({"series": series, "actors": ["china"]}));
    publisher.create("events", public_event("deal", "2017-07-25"));
    publisher.create("briefs", published("far", "2010-07-24").with(json!({"title": "Something of economy"})));
    publisher.create("briefs", published("unlike", "2017-07-24").with(json!({"category": "economy"})));
    publisher.create("briefs", published("russian", "2017-07-31").with(json!({"language": "ru"})));
    publisher.create(
        "briefs",
        published("near", "2017-07-24").with(json!({
            "title": "Minsk counts officers", "trends": [line("n", json!("army"))], "events": ["deal"],
        })),
    );
    publisher
        .create("briefs", published("hidden", "2017-07-24").with(json!({"marking": "TLP:RED", "events": ["deal"]})));
    publisher.create("briefs", published("chosen", "2012-07-24").with(json!({"category": "economy"})));
    publisher.create(
        "briefs",
        published("page", "2017-07-31").with(json!({
            "title": "Officers go to Minsk", "trends": [line("p", json!("army"))], "events": ["deal"],
            "related": ["chosen"], "translations": ["russian"],
        })),
    );
    let similar = app.get("/v1/briefs/page/similar").expect(200).rows();
    let order: Vec<&str> = similar.iter().map(|row| row["brief"]["slug"].as_str().unwrap()).collect();
    assert_eq!(order, ["chosen", "near", "far"]);
    assert_eq!((&similar[0]["why"]["chosen"], &similar[0]["score"]), (&json!(true), &json!(1.0)));
    let why = &similar[1]["why"];
    assert_eq!(slugs_in(&why["actors"]), ["china"]);
    assert_eq!(slugs_in(&why["events"]), ["deal"]);
    assert_eq!(
        (&why["series"], &why["same_category"], &why["terms"], &why["days_apart"], &why["chosen"]),
        (&json!(["army"]), &json!(true), &json!(["minsk", "officers"]), &json!(7), &json!(false))
    );
    assert_eq!(similar[2]["why"]["series"], json!([]));
    let score = |place: usize| similar[place]["score"].as_f64().unwrap();
    assert!(score(1) > score(2) && score(2) > 0.0, "{similar:?}");
    let page = app.get("/v1/briefs/page").expect(200).json();
    assert_eq!(slugs_in(&page["similar"]), order, "the page has the same links");
    assert_eq!(app.get("/v1/briefs/page/similar?limit=1").expect(200).rows().len(), 1);
    app.get("/v1/briefs/nothing/similar").problem(404, "not-found");
    app.get("/v1/briefs/hidden/similar").problem(404, "not-found");
}

fn nothing_withheld_or_hidden_makes_briefs_similar(app: &TestApp) {
    app.with_category().with_actors(&["china"]);
    let publisher = app.publisher();
    publisher.create("events", public_event("deal", "2017-07-25"));
    let page = |slug: &str, members: Value| {
        publisher.create("briefs", published(slug, "2017-07-31").with(members));
    };
    page("retracted", json!({"title": "Gone", "summary": "Secretly about submarines.", "events": ["deal"]}));
    page("like", json!({"title": "Something", "events": ["deal"]}));
    page("page", json!({"title": "Submarines", "related": ["retracted"], "events": ["deal"]}));
    let then = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    publisher.post("/v1/briefs/retracted/retract", json!({"reason": "Wrong."})).expect(200);
    for query in [String::new(), format!("?as_of={then}")] {
        let similar = app.get(&format!("/v1/briefs/page/similar{query}")).expect(200).rows();
        assert_eq!(similar[0]["brief"]["slug"], "retracted");
        assert_eq!((&similar[0]["why"]["terms"], &similar[0]["why"]["events"]), (&json!([]), &json!([])), "{query}");
    }
    assert_eq!(
        app.editor().get("/v1/briefs/page/similar").expect(200).rows()[0]["why"]["terms"],
        json!(["submarines"])
    );
    let before = app.get("/v1/briefs/page/similar").expect(200).text();
    for place in 0..30 {
        let draft = published(&format!("hidden-{place}"), "2017-07-31");
        publisher.create("briefs", draft.with(json!({"marking": "TLP:RED", "events": ["deal"]})));
    }
    assert_eq!(app.get("/v1/briefs/page/similar").expect(200).text(), before);
}

fn what_lies_below_a_former_slug_is_answered(app: &TestApp) {
    app.with_actors(&["old"]);
    app.publisher().patch("/v1/actors/old", json!({"slug": "new"})).expect(200);
    app.get("/v1/actors/old").expect(308);
    for path in ["positions", "timeline", "network"] {
        app.get(&format!("/v1/actors/old/{path}")).expect(200);
    }
    app.publisher().delete("/v1/actors/new?reason=Twice").expect(204);
    for path in ["positions", "timeline", "network"] {
        assert_eq!(app.get(&format!("/v1/actors/new/{path}")).problem(410, "gone")["reason"], "Twice");
    }
}

/// The rows of a timeline: from, to, count, and the group if there is one.
fn timeline(app: &TestApp, list: &str, query: &str) -> Vec<(String, String, u64, Option<String>)> {
    let rows = app.get(&format!("/v1/{list}/timeline?{query}")).expect(200).rows();
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    rows.iter()
        .map(|row| {
            (
                text(&row["from"]).unwrap(),
                text(&row["to"]).unwrap(),
                row["count"].as_u64().unwrap(),
                text(&row["group"]),
            )
        })
        .collect()
}
