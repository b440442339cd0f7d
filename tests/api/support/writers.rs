//! Twenty writers at once, for those who keep a copy meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::thread;

use serde_json::{Value, json};

use super::TestApp;
use super::make::{With, actor, brief, public_event, published};

/// The seeds of the random runs: one, or as many as `BRIEFWIRE_TEST_RUNS` says.
pub fn seeds() -> Range<u64> {
    let runs = std::env::var("BRIEFWIRE_TEST_RUNS").ok();
    0..runs.map_or(1, |runs| runs.parse().expect("BRIEFWIRE_TEST_RUNS is a number"))
}

/// Creates what the writers write about.
pub fn set_the_stage(app: &TestApp) {
    app.with_category();
    for name in ["a", "b", "c"] {
        app.publisher().create("actors", actor(name, name));
        let participants = json!({"participants": [{"actor": name, "role": "host"}]});
        app.publisher().create("events", public_event(&format!("event-{name}"), "2017-07-25").with(participants));
    }
}

/// Does something again and again while twenty writers write; they write as the seed decides.
pub fn while_twenty_write(app: &TestApp, seed: u64, mut meanwhile: impl FnMut()) {
    thread::scope(|scope| {
        let writers: Vec<_> = (0..20).map(|writer| scope.spawn(move || write_at_random(app, seed, writer))).collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            meanwhile();
        }
    });
}

/// Compares a copy, by the ids of its resources, with everything that is public.
pub fn compare_with_what_is_public(app: &TestApp, mut copy: BTreeMap<String, Value>, seed: u64) {
    let mut public = BTreeMap::new();
    for collection in ["briefs", "events", "actors", "trends", "categories"] {
        for row in app.get(&format!("/v1/{collection}?format=ndjson&fields=id")).expect(200).lines() {
            let id = row["id"].as_str().unwrap().to_owned();
            public.insert(id.clone(), app.get(&format!("/v1/{collection}/{id}")).expect(200).json());
        }
    }
    for resource in copy.values_mut().chain(public.values_mut()) {
        // What follows from others is no change of it, and has rows of its own.
        for member in ["similar", "status", "brief"] {
            resource.as_object_mut().unwrap().remove(member);
        }
    }
    assert!(public.len() > 10, "seed {seed}: too little is left to compare");
    let ids: BTreeSet<&String> = copy.keys().chain(public.keys()).collect();
    for id in ids {
        assert_eq!(copy.get(id), public.get(id), "seed {seed}: {id}");
    }
}

/// Writes, publishes, hides, corrects, retracts and deletes, in an order that the seed and the writer's number decide.
fn write_at_random(app: &TestApp, seed: u64, writer: u64) {
    let mut state = (seed * 20 + writer).wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let (client, slug) = (app.publisher(), format!("page-{writer}"));
    for step in 0..12 {
        let path = format!("/v1/briefs/{slug}");
        let event = ["a", "b", "c"][next(3) as usize];
        // What comes too late, after a deletion or a retraction, is refused, and that is as good.
        let answer = match next(8) {
            0 | 1 => client.put(
                &path,
                published(&slug, "2017-07-31").with(json!({
                    "title": format!("Step {step}"), "events": [format!("event-{event}")],
                    "trends": [{"statement": format!("Step {step}"), "direction": "stable"}],
                })),
            ),
            2 => client.put(&path, brief(&slug)),
            3 => client.patch(&path, json!({"marking": "TLP:AMBER"})),
            4 => client.patch(&path, json!({"marking": "TLP:CLEAR", "title": format!("Step {step}")})),
            5 => client.post(&format!("{path}/corrections"), json!({"severity": "minor", "note": "x"})),
            6 => client.patch(&format!("/v1/events/event-{event}"), json!({"title": format!("{writer} {step}")})),
            _ if next(2) == 0 => client.post(&format!("{path}/retract"), json!({"reason": "x"})),
            _ => client.delete(&path),
        };
        assert!(answer.status < 500, "{}", answer.text());
    }
}
