//! Names in any spelling, and who was what on a day.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::make::{With, actor};

on_both![
    a_name_is_resolved_in_any_spelling,
    what_is_ambiguous_stays_so,
    a_post_and_a_day_lead_to_its_holder,
    posts_are_listed_as_of_a_day,
    every_name_of_a_dictionary_is_resolved,
    names_with_a_typing_error_are_resolved,
];

fn a_name_is_resolved_in_any_spelling(app: &TestApp) {
    let publisher = app.publisher();
    publisher.create("actors", actor("lukashenka", "Alyaksandr Lukashenka"));
    publisher.create("actors", actor("novikov", "Sergey Novikov"));
    publisher.create("actors", actor("xi", "Xi Jinping").with(json!({"country": "CN"})));
    for (name, slug) in [
        ("Alyaksandr Lukashenka", "lukashenka"),
        ("ALYAKSANDR LUKASHENKA", "lukashenka"),
        ("Александр Лукашенко", "lukashenka"),
        ("Аляксандр Лукашэнка", "lukashenka"),
        ("Лукашенко", "lukashenka"),
        ("Lukašenka", "lukashenka"),
        ("Łukašenka", "lukashenka"),
        ("Lukashenko", "lukashenka"),
        ("Loukachenko", "lukashenka"),
        ("Lukashenka, A.", "lukashenka"),
        ("A. R. Lukashenka", "lukashenka"),
        ("President Lukashenko", "lukashenka"),
        ("Lukahsenka", "lukashenka"),
        ("Novikov Sergey", "novikov"),
        ("S. Novikau", "novikov"),
        ("Сергей Новиков", "novikov"),
        ("习近平", "xi"),
        ("Xi Jin-ping", "xi"),
    ] {
        let resolution = resolve(app, name, "");
        let first = &resolution["candidates"][0];
        assert_eq!(first["actor"]["slug"], slug, "{name}: {resolution}");
        assert_eq!(resolution["ambiguous"], false, "{name}: {resolution}");
        let score = first["score"].as_f64().unwrap();
        assert!(score > 0.1 && score <= 1.0 && !first["reason"].as_str().unwrap().is_empty(), "{name}: {resolution}");
    }
    let exact = resolve(app, "Xi Jinping", "");
    assert_eq!(
        exact["candidates"][0]["actor"],
        json!({"id": exact["candidates"][0]["actor"]["id"], "slug": "xi", "name": "Xi Jinping", "kind": "person",
            "country": "CN"})
    );
    assert_eq!(
        (&exact["candidates"][0]["score"], &exact["candidates"][0]["matched"]),
        (&json!(1.0), &json!("Xi Jinping"))
    );
    for nobody in ["☃", "Qwrtz Pfgh", "!!!"] {
        assert_eq!(resolve(app, nobody, ""), json!({"candidates": [], "ambiguous": false}), "{nobody}");
    }
    assert_eq!(app.get("/v1/actors/resolve").faults(), ["name"]);
    assert_eq!(app.get("/v1/actors/resolve?name=x&on=yesterday").faults(), ["on"]);
}

fn what_is_ambiguous_stays_so(app: &TestApp) {
    let publisher = app.publisher();
    publisher.create("actors", actor("father", "Alyaksandr Lukashenka"));
    publisher.create("actors", actor("son", "Viktar Lukashenka"));
    let surname = resolve(app, "Лукашенко", "");
    assert_eq!(surname["ambiguous"], true, "{surname}");
    assert_eq!(surname["candidates"].as_array().unwrap().len(), 2);
    let whole = resolve(app, "Виктор Лукашенко", "");
    assert_eq!((&whole["ambiguous"], &whole["candidates"][0]["actor"]["slug"]), (&json!(false), &json!("son")));
    publisher.create("actors", actor("namesake", "Viktar Lukashenka"));
    assert_eq!(resolve(app, "Viktar Lukashenka", "")["ambiguous"], true);
    assert_eq!(resolve(app, "Лукашенко", "&limit=1")["candidates"].as_array().unwrap().len(), 1);
}

/// A body, and those who held a post in it.
fn cast(app: &TestApp) {
    let publisher = app.publisher();
    let body = |slug: &str, name: &str| {
        publisher.create("actors", actor(slug, name).with(json!({"kind": "organisation"})));
    };
    body("border-committee", "State Border Committee");
    body("council", "Security Council");
    let holder = |slug: &str, name: &str, posts: Value| {
        publisher.create("actors", actor(slug, name).with(json!({"positions": posts})));
    };
    let post = |organisation: &str, title: &str, from: Value, to: Value| json!({"organisation": organisation, "title": title, "from": from, "to": to});
    holder(
        "novikov",
        "Sergey Novikov",
        json!([post("border-committee", "Deputy Chairman", json!("2017-07-07"), json!(null))]),
    );
    holder(
        "predecessor",
        "Ihar Butkevich",
        json!([
            post("border-committee", "Deputy Chairman", json!("2013"), json!("2017-06")),
            post("council", "Adviser", json!("2017-07~"), json!("2018-01")),
        ]),
    );
    holder(
        "chairman",
        "Leanid Maltsau",
        json!([post("border-committee", "Chairman", json!("2013-11-12"), json!("2016-12-29"))]),
    );
}

fn a_post_and_a_day_lead_to_its_holder(app: &TestApp) {
    cast(app);
    let asked = "deputy chairman of the State Border Committee";
    let now = resolve(app, asked, "&on=2017-08-01");
    assert_eq!(now["candidates"][0]["actor"]["slug"], "novikov", "{now}");
    assert_eq!(now["candidates"][0]["matched"], "Deputy Chairman");
    let reason = now["candidates"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("2017-08-01") && reason.contains("State Border Committee"), "{reason}");
    let slugs = |resolution: &Value| -> Vec<String> {
        let candidates = resolution["candidates"].as_array().unwrap().iter();
        candidates.map(|candidate| candidate["actor"]["slug"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!slugs(&now).contains(&"predecessor".to_owned()), "{now}");
    assert_eq!(slugs(&resolve(app, asked, "&on=2015-08-01"))[..2], ["predecessor", "chairman"]);
    let uncertain = resolve(app, "adviser, Security Council", "&on=2018-01-15");
    assert_eq!(slugs(&uncertain)[0], "predecessor");
    assert!(uncertain["candidates"][0]["reason"].as_str().unwrap().starts_with("May have"), "{uncertain}");
    let ever = resolve(app, asked, "");
    assert_eq!(ever["ambiguous"], true, "two held it: {ever}");
}

fn posts_are_listed_as_of_a_day(app: &TestApp) {
    cast(app);
    let held = |slug: &str, query: &str| -> Vec<(String, Value)> {
        let posts = app.get(&format!("/v1/actors/{slug}/positions{query}")).expect(200).rows();
        posts.iter().map(|post| (post["title"].as_str().unwrap().to_owned(), post["held"].clone())).collect()
    };
    assert_eq!(held("predecessor", ""), [("Deputy Chairman".into(), json!(null)), ("Adviser".into(), json!(null))]);
    assert_eq!(held("predecessor", "?on=2015-01-01"), [("Deputy Chairman".into(), json!("certain"))]);
    assert_eq!(held("predecessor", "?on=2013-05-01"), [("Deputy Chairman".into(), json!("possible"))]);
    assert_eq!(held("predecessor", "?on=2017-08-01"), [("Adviser".into(), json!("possible"))]);
    assert_eq!(held("predecessor", "?on=2012-12-31"), []);
    app.get("/v1/actors/nobody/positions").problem(404, "not-found");

    let holders = |query: &str| app.get(&format!("/v1/actors?{query}")).expect(200).slugs();
    assert_eq!(holders("position_at=border-committee"), ["chairman", "novikov", "predecessor"]);
    assert_eq!(holders("position_at=border-committee&on=2017-08-01"), ["novikov"]);
    assert_eq!(holders("position_at=State%20Border%20Committee&on=2015-01-01"), ["chairman", "predecessor"]);
    assert_eq!(holders("position_at=border-committee&on=2017-06-15"), ["predecessor"]);
    assert_eq!(holders("position_at=border-committee&on=2017-07-01"), Vec::<String>::new());
    assert_eq!(holders("position_at=council&kind=organisation"), Vec::<String>::new());
    assert_eq!(app.get("/v1/actors?position_at=nobody").faults(), ["position_at"]);
    assert_eq!(app.get("/v1/actors?on=2017-08-01").faults(), ["on"]);
    let facets = app.get("/v1/actors?position_at=border-committee&facets=kind").expect(200).json()["facets"].take();
    assert_eq!(facets, json!({"kind": [{"value": "person", "name": null, "count": 3}]}));
}

/// Every name of the dictionary, with the actors that bear it.
fn dictionary(app: &TestApp) -> BTreeMap<String, BTreeSet<String>> {
    let mut bearers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut lines = String::new();
    for (place, line) in include_str!("fixtures/phoenix.ndjson").lines().enumerate() {
        let known: Value = serde_json::from_str(line).expect("a line of the dictionary");
        let slug = format!("actor-{place}");
        let names = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let (name, mut aliases) = (known["name"].as_str().unwrap(), names(&known["aliases"]));
        aliases.truncate(200);
        for name in aliases.iter().map(String::as_str).chain([name]) {
            bearers.entry(name.to_owned()).or_default().insert(slug.clone());
        }
        let others: Vec<Value> = aliases.iter().map(|alias| json!({"name": alias})).collect();
        let document = actor(&slug, name).with(json!({"aliases": others, "type": "actor"}));
        lines.push_str(&document.to_string());
        lines.push('\n');
    }
    let report =
        app.admin().with("Content-Type", "application/x-ndjson").send("POST", "/v1/import", Some(lines.as_bytes()));
    let report = report.expect(200).json();
    assert_eq!(report["failed"], 0, "{report}");
    bearers
}

fn every_name_of_a_dictionary_is_resolved(app: &TestApp) {
    for (name, bearers) in dictionary(app) {
        let resolution = resolve(app, &name, "&limit=100");
        let found = places(&resolution);
        let is_first = found.first().is_some_and(|slug| bearers.contains(slug));
        let is_among = resolution["ambiguous"] == true && bearers.iter().any(|slug| found.contains(slug));
        assert!(is_first || is_among, "{name} of {bearers:?}: {resolution}");
    }
}

fn names_with_a_typing_error_are_resolved(app: &TestApp) {
    let names: Vec<(String, BTreeSet<String>)> = dictionary(app).into_iter().collect();
    let count = names.len();
    let slips = (0..count, any::<prop::sample::Index>(), 0..4_u8, prop::char::range('a', 'z'));
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (mut asked, mut found) = (0_u32, 0_u32);
    while asked < 500 {
        let (place, at, kind, letter) = slips.new_tree(&mut runner).expect("a slip").current();
        let (name, bearers) = &names[place];
        let Some(wrong) = with_slip(name, at, kind, letter) else { continue };
        asked += 1;
        let first = places(&resolve(app, &wrong, "&limit=3"));
        found += u32::from(first.iter().any(|slug| bearers.contains(slug)));
    }
    assert!(f64::from(found) >= 0.95 * f64::from(asked), "{found} of {asked} are among the first three");
}

/// One letter inserted, left out, replaced, or changed for the next, in a name of more than a few letters.
fn with_slip(name: &str, at: prop::sample::Index, kind: u8, letter: char) -> Option<String> {
    let mut letters: Vec<char> = name.chars().collect();
    let places: Vec<usize> = (0..letters.len()).filter(|place| letters[*place].is_alphabetic()).collect();
    if places.len() < 6 {
        return None;
    }
    let place = *at.get(&places);
    match kind {
        0 => letters.insert(place, letter),
        1 => drop(letters.remove(place)),
        2 => letters[place] = letter,
        _ if place + 1 < letters.len() => letters.swap(place, place + 1),
        _ => return None,
    }
    Some(letters.into_iter().collect())
}

fn places(resolution: &Value) -> Vec<String> {
    let candidates = resolution["candidates"].as_array().expect("candidates").iter();
    candidates.map(|candidate| candidate["actor"]["slug"].as_str().expect("a slug").to_owned()).collect()
}

fn resolve(app: &TestApp, name: &str, more: &str) -> Value {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    app.get(&format!("/v1/actors/resolve?name={name}{more}")).expect(200).json()
}
