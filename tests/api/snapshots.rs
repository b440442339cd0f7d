//! What clients see, letter by letter, but for identities and the times of writing.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::TestApp;

on_both!(the_model_brief_is_served_whole, a_list_and_a_problem_read_as_they_did);

const DEMO: &str = include_str!("../../src/demo.ndjson");

fn with_demo(app: &TestApp) {
    let importer = app.admin().with("Content-Type", "application/x-ndjson");
    let report = importer.send("POST", "/v1/import", Some(DEMO.as_bytes())).expect(200).json();
    assert_eq!(report["failed"], 0, "{report}");
}

/// The same document with what differs from run to run blotted out.
fn blotted(mut document: Value) -> Value {
    blot(&mut document);
    document
}

fn blot(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(blot),
        Value::Object(members) => {
            for (name, member) in members {
                if ["id", "created_at", "updated_at"].contains(&name.as_str()) {
                    *member = json!(format!("[{name}]"));
                } else {
                    blot(member);
                }
            }
        }
        _ => {}
    }
}

fn the_model_brief_is_served_whole(app: &TestApp) {
    with_demo(app);
    assert_json_snapshot!("model_brief", blotted(app.get("/v1/briefs/security-2017-07-31").expect(200).json()));
}

fn a_list_and_a_problem_read_as_they_did(app: &TestApp) {
    with_demo(app);
    let list = app.get("/v1/events?actor=lukashenko&from=2017-07-01&to=2017-07-31&count=true").expect(200);
    assert_json_snapshot!("events_by_actor_and_dates", blotted(list.json()));
    let body =
        json!({"title": "", "category": "security", "trends": [{"statement": "x", "direction": "up"}], "evnts": []});
    assert_json_snapshot!(
        "problem_of_a_brief",
        app.editor().post("/v1/briefs", body).problem(422, "validation-failed")
    );
}
