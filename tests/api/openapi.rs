//! The spec: it is the one of the code, and it says everything.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::command::run;

on_both![the_served_document_is_the_generated_one, a_body_may_be_what_its_example_shows];

#[test]
fn the_file_is_the_generated_document() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == generated(),
        "openapi/openapi.json is not what the code says. Make it anew with:\n\n    cargo run -- openapi > target/openapi.json && mv target/openapi.json openapi/\n"
    );
}

fn the_served_document_is_the_generated_one(app: &TestApp) {
    let served = app.get("/openapi.json").expect(200);
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.json(), document());
    assert_eq!(served.json()["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
}

#[test]
fn every_operation_says_what_it_does() {
    let document = document();
    let mut identities = HashSet::new();
    for (name, operation) in operations(&document) {
        for member in ["summary", "description", "operationId"] {
            assert!(operation[member].as_str().is_some_and(|text| !text.trim().is_empty()), "{name} has no {member}");
        }
        assert!(identities.insert(operation["operationId"].clone()), "{name} shares its operationId");
        assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{name} has no tag");
        assert!(operation["security"].is_array(), "{name} does not say who may call");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = resolved(&document, parameter);
            let has = |member: &str| parameter.get(member).or(parameter["schema"].get(member)).is_some();
            assert!(has("description"), "{} of {name} has no description", parameter["name"]);
            assert!(
                has("example") || has("examples") || has("enum") || has("default"),
                "{} of {name} has no example",
                parameter["name"]
            );
        }
    }
    assert!(identities.len() > 25);
}

#[test]
fn every_body_has_an_example() {
    let document = document();
    for (name, operation) in operations(&document) {
        let request = operation.get("requestBody").map(|body| ("its request".to_owned(), body));
        let responses = operation["responses"].as_object().expect("responses");
        let answers = responses.iter().map(|(status, response)| (status.clone(), resolved(&document, response)));
        for (place, body) in answers.chain(request) {
            if place != "its request" {
                assert!(
                    body["description"].as_str().is_some_and(|text| !text.is_empty()),
                    "{place} of {name} has no description"
                );
            }
            for (media_type, content) in body["content"].as_object().into_iter().flatten() {
                let examples = content.get("example").is_some()
                    || content["examples"].as_object().is_some_and(|all| !all.is_empty());
                assert!(examples, "{media_type} of {place} of {name} has no example");
                assert!(content["schema"].is_object(), "{media_type} of {place} of {name} has no schema");
            }
            for (header, described) in body["headers"].as_object().into_iter().flatten() {
                let described = resolved(&document, described);
                assert!(
                    described["description"].is_string() && described["schema"].is_object(),
                    "{header} of {place} of {name}"
                );
            }
        }
    }
}

#[test]
fn every_operation_tells_what_can_go_wrong() {
    let document = document();
    for (name, operation) in operations(&document) {
        let statuses: Vec<&str> =
            operation["responses"].as_object().expect("responses").keys().map(String::as_str).collect();
        let demanded: &[&str] = match name.split_once(' ').expect("a method") {
            ("GET" | "PATCH", path) if path.starts_with("/v1/webhooks/") => &["200", "400", "401", "404", "500", "503"],
            ("GET", path) if path.starts_with("/v1/") && path.ends_with("{id}") => {
                &["200", "304", "400", "401", "404", "406", "410", "500", "503"]
            }
            ("GET", path) if path.starts_with("/v1/") => &["200", "400", "401", "500", "503"],
            ("POST", path) if path.starts_with("/v1/") => {
                &["400", "401", "403", "409", "413", "415", "422", "500", "503"]
            }
            ("PUT" | "PATCH", _) => {
                &["200", "400", "401", "403", "404", "409", "410", "412", "413", "415", "422", "428", "500", "503"]
            }
            ("DELETE", _) => &["204", "400", "401", "403", "404", "500", "503"],
            _ => &["200"],
        };
        for status in demanded {
            assert!(statuses.contains(status), "{name} does not tell of {status}: {statuses:?}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(document: &Value, here: &Value) {
        match here {
            Value::Object(members) => {
                if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                    let pointer = target.strip_prefix('#').expect("a local reference");
                    assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
                }
                members.values().for_each(|member| check(document, member));
            }
            Value::Array(items) => items.iter().for_each(|item| check(document, item)),
            _ => {}
        }
    }
    let document = document();
    check(&document, &document);
}

/// What the spec shows as a body is taken as one: what it refers to may be missing, but nothing else is wrong with it.
fn a_body_may_be_what_its_example_shows(app: &TestApp) {
    let document = document();
    for collection in ["categories", "actors", "events", "briefs", "trends", "keys"] {
        let pointer = format!("/paths/~1v1~1{collection}/post/requestBody/content/application~1json/example");
        let example = document.pointer(&pointer).unwrap_or_else(|| panic!("{collection} has no example"));
        let answer = app.admin().post(&format!("/v1/{collection}"), example);
        if answer.status != 201 {
            let problem = answer.problem(422, "validation-failed");
            for fault in problem["errors"].as_array().expect("faults") {
                let detail = fault["detail"].as_str().expect("a detail");
                assert!(detail.starts_with("there is no "), "the example of {collection} is refused: {fault}");
            }
        }
    }
    let lines = document
        .pointer("/paths/~1v1~1import/post/requestBody/content/application~1x-ndjson/example")
        .expect("an example");
    let lines = lines.as_str().expect("text").as_bytes();
    let report = app
        .admin()
        .with("Content-Type", "application/x-ndjson")
        .send("POST", "/v1/import", Some(lines))
        .expect(200)
        .json();
    assert_eq!(report["failed"], json!(0), "{report}");
}

fn generated() -> String {
    run("sqlite://unused.db", &["openapi"]).expect(0).stdout
}

fn document() -> Value {
    serde_json::from_str(&generated()).expect("JSON")
}

/// Every operation, named like `GET /v1/briefs`.
fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("operations");
        methods.iter().map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    })
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere")),
        None => value,
    }
}

/// Two types of one name would silently become one schema.
#[test]
fn every_schema_is_of_one_type() {
    let mut names: Vec<(String, String)> = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                names.extend(schemas_of(&text).into_iter().map(|name| (name, path.display().to_string())));
            }
        }
    }
    assert!(names.len() > 80, "only {} schemas were found", names.len());
    names.sort();
    for pair in names.windows(2) {
        assert_ne!(pair[0].0, pair[1].0, "{} and {}", pair[0].1, pair[1].1);
    }
}

/// The names of the schemas that a source defines, by derivation or as a vocabulary.
fn schemas_of(source: &str) -> Vec<String> {
    let (mut names, mut renamed, mut derived, mut in_vocabulary) = (Vec::new(), None, false, false);
    for line in source.lines().map(str::trim) {
        derived |= line.starts_with("#[derive(") && line.contains("ToSchema");
        in_vocabulary |= line.ends_with("vocabulary! {");
        if let Some((_, name)) = line.split_once("schema(as = ") {
            renamed = name.split(')').next().map(ToOwned::to_owned);
        }
        let words: Vec<&str> = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        let own = match words.as_slice() {
            ["pub", "struct" | "enum", name, ..] | ["struct" | "enum", name, ..] if derived => Some(*name),
            [name, ..] if in_vocabulary && line.ends_with(['{', '}']) && name.starts_with(char::is_uppercase) => {
                Some(*name)
            }
            _ => None,
        };
        if let Some(own) = own {
            names.push(renamed.take().unwrap_or_else(|| own.to_owned()));
            (derived, in_vocabulary) = (false, false);
        }
    }
    names
}
