//! The document that the binary serves is the one that is checked in, and it says what it should of each operation.

use serde_json::Value;

use crate::support::TestApp;

on_both!(the_served_document_is_the_generated_one);

fn the_served_document_is_the_generated_one(app: &TestApp) {
    assert_eq!(app.get("/openapi.json").expect(200).json(), generated());
}

fn generated() -> Value {
    briefwire::routes::document().unwrap()
}

#[test]
fn the_checked_in_document_has_not_drifted() {
    let checked_in: Value = serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap();
    let message = "openapi/openapi.json has drifted: cargo run -- openapi > openapi/openapi.json";
    assert!(checked_in == generated(), "{message}");
}

#[test]
fn every_operation_is_described_with_examples() {
    let document = generated();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            let place = format!("{method} {path}");
            for member in ["summary", "description", "operationId"] {
                assert!(operation[member].as_str().is_some_and(|text| !text.is_empty()), "{place} has no {member}");
            }
            let bodies = operation["requestBody"]["content"].as_object().into_iter();
            let answers =
                operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
            for content in bodies.chain(answers.filter_map(|(_, answer)| answer["content"].as_object())) {
                for (media_type, media) in content {
                    assert!(!media["example"].is_null(), "{place} has no example of {media_type}");
                }
            }
            for parameter in
                operation["parameters"].as_array().into_iter().flatten().filter(|one| one["$ref"].is_null())
            {
                assert!(parameter["description"].is_string(), "{place} does not describe {}", parameter["name"]);
            }
        }
    }
    assert!(operations > 30, "{operations}");
}
