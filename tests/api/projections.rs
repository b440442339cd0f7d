//! Rows and pages that are kept ready: whoever is shown one is shown what would be made anew.

use std::cell::{Cell, RefCell};

use briefwire::config::Config;
use diesel::connection::SimpleConnection;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::make::{With, actor, brief, public_event, published};
use crate::support::writers::seeds;
use crate::support::{Client, TestApp, wait_until};

on_both!(
    what_was_made_ready_is_given_until_it_changes,
    what_is_like_a_brief_is_given_until_something_changes_near_it,
    whatever_is_written_all_are_shown_what_would_be_made_anew,
    nothing_that_was_erased_is_given,
    without_them_everything_is_answered_all_the_same,
);

const PAGES: [&str; 10] = [
    "/v1/briefs/page-1",
    "/v1/briefs/page-2",
    "/v1/briefs/page-8",
    "/v1/briefs?limit=5",
    "/v1/briefs?actor=a&from=2017-01-01&to=2017-12-31",
    "/v1/briefs?q=page&sort=-published_at",
    "/v1/events?actor=a",
    "/v1/events",
    "/feeds/briefs.json?actor=a",
    "/feeds/briefs.json?category=security&limit=2",
];

/// A server that makes ready what it can, and gives nothing again from memory.
fn making_ready(app: &TestApp) -> TestApp {
    app.beside_configured(with_nothing_in_memory)
}

/// One over the same database, and of the same name, that makes everything anew.
fn making_anew(app: &TestApp) -> TestApp {
    app.beside_configured(|config| {
        with_nothing_in_memory(config);
        config.projections = 0;
    })
}

fn with_nothing_in_memory(config: &mut Config) {
    config.answer_memory = 0;
    "https://briefs.example".clone_into(&mut config.public_url);
}

fn what_was_made_ready_is_given_until_it_changes(app: &TestApp) {
    let app = &making_ready(app);
    app.with_category();
    app.publisher().create("events", public_event("one", "2017-07-25"));
    app.publisher().create("briefs", published("one", "2017-07-31").with(json!({"events": ["one"]})));
    let mut tables = app.database().connect();
    let mut call_both = |title: &str| {
        tables
            .batch_execute(&format!("UPDATE briefs SET title = '{title}'; UPDATE events SET title = '{title}'"))
            .unwrap();
    };
    for path in ["/v1/briefs/one", "/v1/briefs", "/v1/events", "/v1/briefs?q=one"] {
        let title = || {
            let answer = app.get(path).expect(200).json();
            answer.get("data").map_or(&answer, |rows| &rows[0])["title"].clone()
        };
        // What is changed beneath the server is not in its journal, and so it does not look.
        wait_until(|| {
            call_both("Beneath");
            let before = title();
            call_both("Further beneath");
            title() == before
        });
    }
    app.publisher().patch("/v1/briefs/one", json!({"title": "Changed"})).expect(200);
    app.publisher().patch("/v1/events/one", json!({"title": "Changed too"})).expect(200);
    for _ in 0..2 {
        let whole = app.get("/v1/briefs/one").expect(200).json();
        assert_eq!((&whole["title"], &whole["events"][0]["title"]), (&json!("Changed"), &json!("Changed too")));
        assert_eq!(app.get("/v1/briefs").expect(200).each("title"), ["Changed"]);
        assert_eq!(app.get("/v1/events").expect(200).each("title"), ["Changed too"]);
    }
}

fn what_is_like_a_brief_is_given_until_something_changes_near_it(app: &TestApp) {
    let app = &making_ready(app);
    set_the_stage(app);
    app.publisher().create("briefs", published("far", "2018-01-31").with(json!({"category": "economy"})));
    let (tables, times) = (RefCell::new(app.database().connect()), Cell::new(0));
    let get = |slug: &str| app.get(&format!("/v1/briefs/{slug}")).expect(200).json();
    let titles = || -> Vec<Value> {
        get("page-1")["similar"].as_array().unwrap().iter().map(|link| link["title"].clone()).collect()
    };
    // What is changed beneath the server is not in its journal, and so it does not look where it has what was asked for.
    let wait_until_it_is_kept = |slug: &str| {
        wait_until(|| {
            let before = get(slug);
            times.set(times.get() + 1);
            let statement = format!("UPDATE briefs SET title = 'Beneath {}' WHERE slug <> 'far'", times.get());
            tables.borrow_mut().batch_execute(&statement).unwrap();
            get(slug) == before
        });
    };
    wait_until_it_is_kept("page-1");
    let kept = titles();
    assert_eq!(kept.len(), 6);
    for title in ["Far", "Further"] {
        app.publisher().patch("/v1/briefs/far", json!({"title": title})).expect(200);
        // Nobody asks for the one before it has been seen that this was far away from it.
        wait_until_it_is_kept("page-9");
        assert_eq!(titles(), kept);
    }
    app.publisher().patch("/v1/briefs/page-3", json!({"title": "Near"})).expect(200);
    for _ in 0..2 {
        assert!(titles().iter().any(|title| title == "Near"), "{:?}", titles());
    }
}

fn whatever_is_written_all_are_shown_what_would_be_made_anew(app: &TestApp) {
    for seed in seeds() {
        let archive = app.another();
        let ready = &making_ready(&archive);
        let anew = &making_anew(&archive);
        set_the_stage(ready);
        let callers = callers_of(ready, anew);
        let mut random = Rng::with_seed(seed);
        for step in 0..60 {
            let deeds: Vec<String> = (0..random.usize(1..4))
                .map(|_| write_something(&ready.publisher(), &ready.admin(), &mut random, step))
                .collect();
            for (asking, judging) in &callers {
                for path in PAGES {
                    let expected = judging.get(path);
                    for _ in 0..2 {
                        let shown = asking.get(path);
                        assert_eq!(
                            (shown.status, shown.text()),
                            (expected.status, expected.text()),
                            "seed {seed}, step {step}: {path} after {deeds:?}"
                        );
                    }
                }
            }
        }
    }
}

/// Callers of several classes, each at both servers.
fn callers_of(ready: &TestApp, anew: &TestApp) -> [(Client, Client); 4] {
    [
        (ready.anyone().clone(), anew.anyone().clone()),
        (ready.cleared("reader", "TLP:AMBER"), anew.cleared("reader", "TLP:AMBER")),
        (ready.cleared("editor", "TLP:CLEAR"), anew.cleared("editor", "TLP:CLEAR")),
        (ready.publisher(), anew.publisher()),
    ]
}

const ACTORS: [&str; 3] = ["a", "b", "c"];
/// Actors that do not stay.
const PASSING: [&str; 7] = ["p", "q", "r", "s", "t", "u", "v"];
const PUBLISHED: usize = 14;

fn set_the_stage(app: &TestApp) {
    app.with_category();
    app.publisher().create("categories", json!({"slug": "economy", "name": "Economy"}));
    for name in ACTORS {
        app.publisher().create("actors", actor(name, name));
        app.publisher().create("events", public_event(&format!("event-{name}"), "2017-07-25"));
    }
    for name in PASSING {
        app.publisher().create("actors", actor(name, name));
    }
    // More than are looked at along any of what they have in common.
    for number in 0..PUBLISHED {
        let (page, name, passing) = (format!("page-{number}"), ACTORS[number % 2], PASSING[number % PASSING.len()]);
        let whole = published(&page, &format!("2017-07-{}", 10 + number)).with(json!({
            "events": [format!("event-{name}")],
            "trends": [{"statement": page, "direction": "stable", "series": "line", "actors": [name, passing]}],
        }));
        app.publisher().create("briefs", whole);
    }
}

/// Writes something that may change what others show, and says what. What comes too late is refused, and that is as good.
fn write_something(publisher: &Client, admin: &Client, random: &mut Rng, step: usize) -> String {
    let one_of = |random: &mut Rng, names: &[&str]| names[random.usize(..names.len())].to_owned();
    let (name, other, passing) = (one_of(random, &ACTORS), one_of(random, &ACTORS), one_of(random, &PASSING));
    let (number, another) = (random.usize(..PUBLISHED), random.usize(..PUBLISHED));
    let (page, beside) = (format!("page-{number}"), format!("page-{another}"));
    let (path, event) = (format!("/v1/briefs/{page}"), format!("/v1/events/event-{name}"));
    let marking = one_of(random, &["TLP:CLEAR", "TLP:AMBER", "TLP:RED"]);
    let title = format!("Step {step}");
    let (kind, answer) = match random.usize(..24) {
        0..3 => {
            let whole = published(&page, &format!("2017-07-{}", 10 + random.usize(..15))).with(json!({
                "title": title, "events": [format!("event-{name}"), format!("event-{other}")],
                "category": one_of(random, &["security", "economy"]), "related": [beside], "marking": marking,
                "trends": [{"statement": title, "direction": "stable", "series": "line",
                    "actors": if random.bool() { vec![&other] } else { vec![&other, &passing] },
                    "evidence": [format!("event-{name}")]}],
            }));
            ("putting", publisher.put(&path, whole))
        }
        3 => {
            let third = format!("page-{}", random.usize(..PUBLISHED));
            ("translating", publisher.patch(&path, json!({"language": "ru", "translations": [beside, third]})))
        }
        4 => ("parting", publisher.patch(&path, json!({"translations": [], "related": []}))),
        5 => ("marking", publisher.patch(&path, json!({"marking": marking}))),
        6 => ("embargoing", publisher.patch(&path, json!({"embargo_until": "2099-01-01T00:00:00Z"}))),
        7 => {
            ("correcting", publisher.post(&format!("{path}/corrections"), json!({"severity": "minor", "note": title})))
        }
        8 => ("retracting", publisher.post(&format!("{path}/retract"), json!({"reason": title}))),
        9 => ("deleting", publisher.delete(&path)),
        10 => ("renaming an actor", publisher.patch(&format!("/v1/actors/{name}"), json!({"name": title}))),
        11 => ("renaming a category", publisher.patch("/v1/categories/security", json!({"name": title}))),
        12 => {
            let participants: Value = json!([{"actor": name}, {"actor": other, "role": "host"}]);
            ("taking part", publisher.patch(&event, json!({"title": title, "participants": participants})))
        }
        13 => ("marking an event", publisher.patch(&event, json!({"marking": marking}))),
        14 => ("moving", publisher.patch(&path, json!({"slug": format!("page-{}", random.usize(..PUBLISHED))}))),
        15 => ("erasing", admin.post(&format!("{path}/erase"), json!({"reason": title}))),
        16 => ("making a draft of", publisher.put(&path, brief(&page))),
        17 => ("deleting an event of", publisher.delete(&event)),
        18 => ("erasing an actor of", admin.post(&format!("/v1/actors/{passing}/erase"), json!({"reason": title}))),
        19 => ("merging an actor of", publisher.delete(&format!("/v1/actors/{passing}?replace_with={other}"))),
        20 => ("merging a category of", publisher.delete("/v1/categories/economy?replace_with=security")),
        21 => {
            let judgement = json!({"slug": "single", "brief": page, "statement": title, "direction": "increasing",
                "series": "line", "actors": [other]});
            ("judging in", publisher.put("/v1/trends/single", judgement))
        }
        22 => ("judging no more in", publisher.delete("/v1/trends/single")),
        _ => {
            let draft = brief(&format!("page-{}", PUBLISHED + random.usize(..1000)))
                .with(json!({"events": [format!("event-{name}")]}));
            ("drafting", publisher.post("/v1/briefs", draft))
        }
    };
    assert!(answer.status < 500, "{}", answer.whole());
    format!("{kind} {page}, {name}, {other}, {passing}: {}", answer.status)
}

fn nothing_that_was_erased_is_given(app: &TestApp) {
    let app = &making_ready(app);
    app.with_category();
    for slug in ["kept", "secret"] {
        app.publisher().create("briefs", published(slug, "2017-07-31"));
    }
    for _ in 0..3 {
        assert_eq!(app.get("/v1/briefs").expect(200).slugs().len(), 2);
        app.get("/v1/briefs/secret").expect(200);
        app.get("/v1/briefs/kept").expect(200);
    }
    app.admin().post("/v1/briefs/secret/erase", json!({"reason": "A court ordered it."})).expect(204);
    for _ in 0..3 {
        assert_eq!(app.get("/v1/briefs").expect(200).slugs(), ["kept"]);
        app.get("/v1/briefs/secret").problem(410, "gone");
        assert!(!app.get("/v1/briefs/kept").expect(200).text().contains("secret"));
    }
}

fn without_them_everything_is_answered_all_the_same(app: &TestApp) {
    let app = &making_anew(app);
    set_the_stage(app);
    for page in PAGES {
        let tag = app.get(page).expect(200).header("etag");
        app.with("If-None-Match", tag).get(page).expect(304);
    }
}
