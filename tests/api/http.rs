//! HTTP itself: problems, preconditions, validators, negotiation, and requests that no honest client would send.

use serde_json::{Value, json};

use crate::support::make::{With, actor, brief, category, event, published, trend, weekly_page};
use crate::support::{Answer, TestApp, wait_until};

on_both![
    a_body_that_is_no_json_is_unreadable,
    a_body_of_the_wrong_shape_is_invalid,
    a_wrong_type_anywhere_is_named_and_never_breaks_the_server,
    control_characters_are_refused_everywhere,
    numbers_out_of_every_range_are_refused,
    a_body_too_large_is_refused,
    a_body_of_another_media_type_is_refused,
    an_answer_that_is_not_accepted_is_refused,
    a_path_that_does_not_exist_is_not_found,
    odd_paths_and_queries_are_answered_as_problems,
    a_method_that_a_path_does_not_know_is_answered_with_those_that_it_knows,
    broken_requests_leave_the_server_standing,
    every_type_of_problem_has_its_page,
    head_is_get_without_its_body,
    an_entity_tag_spares_what_is_known,
    a_date_spares_what_is_known,
    a_change_is_made_only_to_the_version_that_was_read,
    a_server_may_demand_if_match,
    a_change_of_what_is_shown_changes_the_entity_tag_alone,
    answers_are_compressed_as_asked,
    any_page_of_the_web_may_call,
    every_answer_has_its_request_id,
    a_renamed_resource_is_found_under_its_new_name,
    answers_say_how_long_they_keep,
    a_write_tells_its_position,
    who_prefers_little_is_told_which_it_is,
];

// --- bodies

fn a_body_that_is_no_json_is_unreadable(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page"));
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    let deep_member = format!("{{\"title\": {}1{}}}", "{\"a\":".repeat(200), "}".repeat(200)).into_bytes();
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b" ".to_vec(),
        b"{".to_vec(),
        b"nul".to_vec(),
        b"{'title': 'x'}".to_vec(),
        b"{\"title\": \"x\",}".to_vec(),
        b"{\"title\": \"x\"} trailing".to_vec(),
        b"{\"title\": \"\\ud800\"}".to_vec(),
        b"{\"title\": \"\\udc00 lone\"}".to_vec(),
        b"{\"title\": \"\xff\xfe\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{\"title\": \"raw\ncontrol\"}".to_vec(),
        b"{\"position\": 1e999}".to_vec(),
        b"{\"title\": NaN}".to_vec(),
        deep(129),
        deep(100_000),
        deep_member,
    ];
    let editor = app.editor().with("Content-Type", "application/json");
    for body in bodies {
        for (method, path) in
            [("POST", "/v1/briefs"), ("PUT", "/v1/briefs/page"), ("PATCH", "/v1/briefs/page"), ("POST", "/v1/actors")]
        {
            let refused = editor.send(method, path, Some(&body));
            assert_eq!(
                refused.status,
                400,
                "{method} {path} {:?}: {}",
                String::from_utf8_lossy(&body[..body.len().min(60)]),
                refused.whole()
            );
            refused.problem(400, "bad-request");
        }
    }
}

fn a_body_of_the_wrong_shape_is_invalid(app: &TestApp) {
    for body in [json!([]), json!(null), json!(1), json!("x"), json!([{}])] {
        for collection in ["briefs", "events", "actors", "trends", "categories"] {
            let refused = app.editor().post(&format!("/v1/{collection}"), &body);
            assert_eq!(refused.faults(), [""], "{body}");
            refused.problem(422, "validation-failed");
        }
    }
    let required = [
        ("briefs", vec!["/category", "/language", "/title"]),
        ("events", vec!["/kind", "/occurred", "/title"]),
        ("actors", vec!["/kind", "/name"]),
        ("trends", vec!["/direction", "/statement"]),
        ("categories", vec!["/name"]),
    ];
    for (collection, members) in required {
        let refused = app.editor().post(&format!("/v1/{collection}"), json!({}));
        assert_eq!(refused.faults(), members, "{collection}");
        let problem = refused.problem(422, "validation-failed");
        assert_eq!(problem["instance"], format!("/v1/{collection}"));
        assert_eq!(
            problem["detail"],
            format!("The body has {} fault{}.", members.len(), if members.len() == 1 { "" } else { "s" })
        );
    }
    let escaped = app.editor().post("/v1/actors", actor("a", "A").with(json!({"a/b~c": 1})));
    assert_eq!(escaped.faults(), ["/a~1b~0c"], "pointers are escaped as RFC 6901 says");
    app.with_category();
    let doubled = br#"{"slug":"doubled","title":"First","title":"Last","category":"security","language":"en"}"#;
    let doubled = app.editor().with("Content-Type", "application/json").send("POST", "/v1/briefs", Some(doubled));
    assert!([201, 400, 422].contains(&doubled.status), "{}", doubled.whole());
}

/// Puts a value of every wrong kind in the place of every member of a full resource.
fn a_wrong_type_anywhere_is_named_and_never_breaks_the_server(app: &TestApp) {
    app.with_cast();
    app.editor().create("briefs", brief("page"));
    let full_trend = weekly_page("x")["trends"][0].clone().with(json!({"slug": null, "brief": "page", "evidence": []}));
    let mut full_brief = weekly_page("x").with(json!({"slug": null, "trends": [], "related": ["page"]}));
    full_brief["events"] = json!([full_brief["events"][0].clone().with(json!({"slug": null}))]);
    let full_event = full_brief["events"][0].clone();
    full_brief["trends"] = json!([full_trend.clone().with(json!({"brief": null}))]);
    let full_actor = json!({
        "name": "A", "kind": "person", "country": "BY", "description": "x", "aliases": [{"name": "B", "language": "en"}],
        "parent": "belarus", "positions": [{"organisation": "china", "title": "C", "from": "2017", "to": "2018"}],
        "identifiers": {"wikidata": "Q1"},
    });
    let full_category = json!({"name": "C", "names": {"en": "C"}, "description": "x", "position": 1});
    let values = [
        json!(7),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(true),
        json!("?"),
        json!(""),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!({"slug": 7}),
        json!({"id": "x"}),
        json!(["?", 7]),
        json!("x".repeat(600)),
        json!("\u{0}"),
    ];
    let publisher = app.publisher();
    for (collection, full) in [
        ("briefs", &full_brief),
        ("events", &full_event),
        ("actors", &full_actor),
        ("trends", &full_trend),
        ("categories", &full_category),
    ] {
        publisher.post(&format!("/v1/{collection}"), full).expect(201);
        let mut refusals = 0;
        for pointer in pointers(full) {
            for value in &values {
                let mut odd = full.clone();
                *odd.pointer_mut(&pointer).expect("a member") = value.clone();
                let answer = publisher.post(&format!("/v1/{collection}"), &odd);
                let context = || format!("{collection} {pointer} = {value}: {}", answer.whole());
                assert!([201, 403, 409, 422].contains(&answer.status), "{}", context());
                if answer.status == 422 {
                    refusals += 1;
                    let member = pointer.split('/').nth(1).unwrap();
                    let names_it = answer.faults().iter().any(|fault| fault.split('/').nth(1) == Some(member));
                    assert!(names_it, "another place is named: {}", context());
                }
            }
        }
        assert!(refusals > 50, "{collection} refused only {refusals}");
    }
    app.get("/health/ready").expect(200);
}

fn pointers(value: &Value) -> Vec<String> {
    let below = |name: String, member: &Value| {
        let deeper = pointers(member).into_iter().map(|pointer| format!("/{name}{pointer}")).collect::<Vec<_>>();
        [vec![format!("/{name}")], deeper].concat()
    };
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, member)| below(name.clone(), member)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| below(index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    }
}

fn control_characters_are_refused_everywhere(app: &TestApp) {
    app.with_category();
    for odd in ["nul \u{0}", "bell \u{7}", "escape \u{1b}[31m", "delete \u{7f}", "next line \u{85}"] {
        let page = brief("page").with(json!({
            "title": odd, "summary": odd, "body": odd, "authors": [odd], "license": odd,
            "image": {"url": "https://example.org/", "alt": odd, "credit": odd},
            "trends": [{"statement": odd, "direction": "stable", "limits": odd}],
        }));
        let refused = app.editor().post("/v1/briefs", page);
        let expected = [
            "/authors/0",
            "/body",
            "/image/alt",
            "/image/credit",
            "/license",
            "/summary",
            "/title",
            "/trends/0/limits",
            "/trends/0/statement",
        ];
        assert_eq!(refused.faults(), expected, "{odd:?}");
        refused.problem(422, "validation-failed");
    }
    for collection in ["categories", "actors"] {
        let refused = app.editor().post(
            &format!("/v1/{collection}"),
            json!({"name": "a\u{0}b", "slug": "x\u{0}", "description": "\u{0}", "kind": "person\u{0}"}),
        );
        assert!(refused.faults().len() >= 3, "{}", refused.whole());
        refused.problem(422, "validation-failed");
    }
    let reference = app
        .editor()
        .post("/v1/briefs", brief("page").with(json!({"category": "\u{0}", "related": [{"slug": "\u{0}"}]})));
    assert_eq!(reference.faults(), ["/category", "/related/0/slug"]);
    let lines = app.editor().create(
        "briefs",
        brief("page").with(json!({"body": "tabs\tand\r\nlines\n", "title": "Emoji 🪖 and \u{202e}marks"})),
    );
    assert_eq!(lines["body"], "tabs\tand\r\nlines\n");
}

fn numbers_out_of_every_range_are_refused(app: &TestApp) {
    app.with_category();
    let editor = app.editor().with("Content-Type", "application/json");
    for number in
        ["-1", "1.5", "65536", "99999999999999999999", "-99999999999999999999", "1e30", "18446744073709551616"]
    {
        let body = format!("{{\"name\": \"C\", \"position\": {number}}}");
        let refused = editor.send("POST", "/v1/categories", Some(body.as_bytes()));
        assert_eq!(refused.faults(), ["/position"], "{number}");
        refused.problem(422, "validation-failed");
    }
    editor.send("POST", "/v1/categories", Some(b"{\"name\": \"C\", \"position\": 65535}")).expect(201);
    for day in ["10000-01-01", "-0001-01-01", "0000-01-01", "2017-02-29", "2017-00-10", "99999999999-01-01"] {
        let page = brief("page").with(json!({"period": {"from": day, "to": day}}));
        assert_eq!(app.editor().post("/v1/briefs", page).faults(), ["/period/from", "/period/to"], "{day}");
    }
    for moment in [
        "10000-01-01T00:00:00Z",
        "2017-07-31T25:00:00Z",
        "2017-07-31T10:00:00",
        "2017-07-31",
        "-2017-07-31T10:00:00Z",
        "0000-01-01T00:00:00Z",
    ] {
        let page = brief("page").with(json!({"embargo_until": moment}));
        assert_eq!(app.editor().post("/v1/briefs", page).faults(), ["/embargo_until"], "{moment}");
        assert_eq!(
            app.get(&format!("/v1/briefs?updated_since={}", moment.replace('+', "%2B"))).faults(),
            ["updated_since"],
            "{moment}"
        );
    }
}

fn a_body_too_large_is_refused(app: &TestApp) {
    app.with_category();
    let large = brief("large").with(json!({"body": "x".repeat(3 * 1024 * 1024)}));
    for (method, path) in [("POST", "/v1/briefs"), ("PUT", "/v1/briefs/large"), ("PATCH", "/v1/briefs/large")] {
        app.editor().send_json(method, path, &large).problem(413, "payload-too-large");
    }
    let long = app.editor().post("/v1/briefs", brief("large").with(json!({"body": "x".repeat(200_001)})));
    assert_eq!(long.faults(), ["/body"]);
    app.editor().post("/v1/briefs", brief("large").with(json!({"body": "x".repeat(200_000)}))).expect(201);
    let report = json!({"type": "brief", "body": "x".repeat(3 * 1024 * 1024)}).to_string() + "\n";
    let import =
        app.editor().with("Content-Type", "application/x-ndjson").send("POST", "/v1/import", Some(report.as_bytes()));
    assert_eq!(import.expect(200).json()["failed"], 1);
}

fn a_body_of_another_media_type_is_refused(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("page"));
    let text = brief("other").to_string();
    for media_type in
        ["text/plain", "application/xml", "application/jsonp", "multipart/form-data; boundary=x", "json", ""]
    {
        let editor = app.editor().with("Content-Type", media_type);
        for (method, path) in
            [("POST", "/v1/briefs"), ("PUT", "/v1/briefs/page"), ("PATCH", "/v1/briefs/page"), ("POST", "/v1/import")]
        {
            editor.send(method, path, Some(text.as_bytes())).problem(415, "unsupported-media-type");
        }
    }
    let problem = app.editor().with("Content-Type", "text/plain").send("POST", "/v1/briefs", Some(b"{}")).json();
    assert!(problem["detail"].as_str().unwrap().contains("application/json"), "{problem}");
    app.editor()
        .with("Content-Type", "application/merge-patch+json")
        .post("/v1/briefs", brief("other"))
        .problem(415, "unsupported-media-type");
    app.editor()
        .with("Content-Type", "application/json")
        .send("POST", "/v1/import", Some(b""))
        .problem(415, "unsupported-media-type");
    app.editor().with("Content-Type", "Application/JSON; charset=UTF-8").post("/v1/briefs", brief("other")).expect(201);
}

fn an_answer_that_is_not_accepted_is_refused(app: &TestApp) {
    app.with_category();
    for (path, accept) in [
        ("/v1/categories/security", "text/html"),
        ("/v1/categories/security", "application/xml, text/csv"),
        ("/v1/categories/security", "application/json;q=0, text/*"),
        ("/v1/categories", "image/png"),
        ("/v1/categories", "application/json;q=0, text/csv;q=0, application/x-ndjson;q=0, */*"),
        ("/v1/export", "application/json"),
    ] {
        let problem = app.with("Accept", accept).get(path).problem(406, "not-acceptable");
        assert!(problem["detail"].as_str().unwrap().contains("application/"), "{problem}");
    }
    for accept in [
        "*/*",
        "application/*",
        "application/json",
        "text/html, application/json;q=0.1",
        "application/json; charset=utf-8",
    ] {
        let answer = app.with("Accept", accept).get("/v1/categories/security").expect(200);
        assert_eq!(answer.header("content-type"), "application/json", "{accept}");
    }
    app.with("Accept", "text/html").get("/v1/categories/security?format=json").expect(200);
}

// --- paths and methods

fn a_path_that_does_not_exist_is_not_found(app: &TestApp) {
    for path in [
        "/nothing",
        "/v1",
        "/v1/",
        "/v1/briefs/",
        "/v1/nothing",
        "/v2/briefs",
        "//v1/briefs",
        "/v1/briefs/a/b/c",
        "/problems/nothing",
    ] {
        app.get(path).problem(404, "not-found");
    }
    for path in ["/v1/briefs/nothing", "/v1/events/nothing", "/v1/actors/0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c"] {
        assert_eq!(app.get(path).problem(404, "not-found")["instance"], path);
    }
    app.editor().post("/v1/nothing", json!({})).problem(404, "not-found");
}

fn odd_paths_and_queries_are_answered_as_problems(app: &TestApp) {
    let long = "a".repeat(5000);
    for segment in [
        "%00",
        "%FF",
        "%E2%98%83",
        "a%2Fb",
        "..",
        "%2e%2e",
        "%20",
        "A",
        "'%20OR%201=1--",
        "0190F2F4-7D3C-7A53-8B0A-3F1D6F6A0B1C",
        &long,
    ] {
        for collection in ["briefs", "events", "actors", "trends", "categories"] {
            let answer = app.get(&format!("/v1/{collection}/{segment}"));
            assert!([400, 404].contains(&answer.status), "{collection}/{segment}: {}", answer.whole());
            assert_eq!(answer.header("content-type"), "application/problem+json", "{segment}");
        }
        let answer = app.editor().put(&format!("/v1/categories/{segment}"), json!({"name": "C"}));
        assert!([400, 404, 405, 422].contains(&answer.status), "PUT {segment}: {}", answer.whole());
    }
    for query in [
        "limit=%FF",
        "%FF=1",
        "limit",
        "=",
        "&&",
        "limit=1&&",
        "actor=%ZZ",
        "fields=%00",
        "sort=%00",
        "from=%00",
        "country=%00",
        "marking=%2B",
    ] {
        let answer = app.get(&format!("/v1/briefs?{query}"));
        assert!(answer.status < 500, "{query}: {}", answer.whole());
        if answer.status != 200 {
            answer.problem(400, "invalid-parameter");
        }
    }
}

fn a_method_that_a_path_does_not_know_is_answered_with_those_that_it_knows(app: &TestApp) {
    let document = app.get("/openapi.json").expect(200).json();
    let mut refused = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let mut known: Vec<String> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        known.push("OPTIONS".to_owned());
        if known.contains(&"GET".to_owned()) {
            known.push("HEAD".to_owned());
        }
        let known = crate::support::sorted(known).join(", ");
        let path = path.replace("{id}", "x").replace("{name}", "not-found");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if !known.split(", ").any(|other| other == method) {
                let answer = app.admin().send(method, &path, None);
                assert_eq!(sorted_header(&answer, "allow"), known, "{method} {path}");
                answer.problem(405, "method-not-allowed");
                refused += 1;
            }
        }
        let options = app.options(&path).expect(204);
        assert_eq!(sorted_header(&options, "allow"), known, "OPTIONS {path}");
        assert!(options.body.is_empty());
    }
    assert!(refused > 20, "only {refused}");
    app.options("/nothing").expect(404);
}

fn sorted_header(answer: &Answer, name: &str) -> String {
    crate::support::sorted(answer.header(name).split(", ").map(ToOwned::to_owned).collect()).join(", ")
}

fn broken_requests_leave_the_server_standing(app: &TestApp) {
    for request in [
        "GARBAGE\r\n\r\n",
        "GET /v1/briefs HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET /v1/briefs\r\n\r\n",
        "POST /v1/briefs HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\nConnection: close\r\n\r\n",
        "POST /v1/briefs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
        "GET /v1/briefs HTTP/1.1\r\nHost: x\r\nBroken header\r\nConnection: close\r\n\r\n",
    ] {
        let answer = app.send_raw(request.as_bytes());
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.0 4"),
            "{request:?}: {answer}"
        );
    }
    let with_zero = "GET /v1/briefs HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"\u{e9}\"\r\nX-Request-Id: \u{e9}\r\nAccept: \u{e9}\r\nConnection: close\r\n\r\n";
    let answer = app.send_raw(with_zero.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let chunked = "POST /v1/actors HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n";
    let answer = app.send_raw(chunked.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    app.get("/v1/briefs").expect(200);
}

fn every_type_of_problem_has_its_page(app: &TestApp) {
    for name in [
        "bad-request",
        "invalid-parameter",
        "unauthenticated",
        "forbidden",
        "not-found",
        "method-not-allowed",
        "not-acceptable",
        "conflict",
        "gone",
        "precondition-failed",
        "payload-too-large",
        "unsupported-media-type",
        "validation-failed",
        "precondition-required",
        "internal",
        "unavailable",
        "moved",
    ] {
        let page = app.with("Accept", "text/html").get(&format!("/problems/{name}")).expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.text().contains(&format!("/problems/{name}")), "{name}");
    }
    let problem = app.get("/v1/briefs/nothing").json();
    app.get(problem["type"].as_str().unwrap()).expect(200);
    app.get("/docs/").expect(200);
    assert_eq!(app.options("/docs/").expect(204).header("allow"), "GET, HEAD, OPTIONS");
}

// --- conditional requests

fn head_is_get_without_its_body(app: &TestApp) {
    app.with_cast();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    for path in [
        "/v1/briefs",
        "/v1/briefs/page",
        "/v1/briefs?limit=1&format=csv",
        "/v1/actors?limit=1",
        "/v1/briefs/nothing",
        "/v1/briefs?limit=x",
        "/openapi.json",
        "/health/live",
        "/problems/gone",
    ] {
        let (get, head) = (app.get(path), app.head(path));
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        for name in ["etag", "last-modified", "content-type", "cache-control", "vary", "link", "x-content-type-options"]
        {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
        let length = head.header("content-length");
        assert!(
            length.is_empty() || length == get.body.len().to_string(),
            "{path}: {length} instead of {}",
            get.body.len()
        );
    }
    let raw = app.send_raw(b"HEAD /v1/briefs/page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(raw.starts_with("HTTP/1.1 200") && raw.ends_with("\r\n\r\n"), "{raw}");
}

fn an_entity_tag_spares_what_is_known(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    for path in ["/v1/briefs/page", "/v1/briefs", "/v1/briefs/page?fields=title", "/v1/categories?format=csv&limit=5"] {
        let tag = app.get(path).expect(200).header("etag");
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let spared = app.with("If-None-Match", &known).get(path).expect(304);
            assert!(spared.body.is_empty(), "{path}");
            assert_eq!(spared.header("etag"), tag, "{path}");
            app.with("If-None-Match", &known).head(path).expect(304);
        }
        let unquoted = tag.trim_matches('"');
        for other in ["\"other\"".to_owned(), format!("\"x{unquoted}\""), String::new()] {
            app.with("If-None-Match", other).get(path).expect(200);
        }
    }
    let single = app.get("/v1/briefs/page").header("etag");
    assert!(single.starts_with("\"1-") && single.len() > 8, "{single}");
    assert_ne!(
        app.get("/v1/briefs/page?fields=title").header("etag"),
        single,
        "another representation has another tag"
    );

    let written = app.publisher().patch("/v1/briefs/page", json!({"title": "New"})).expect(200);
    assert!(written.header("etag").starts_with("\"2-"));
    assert_eq!(app.publisher().get("/v1/briefs/page").header("etag"), written.header("etag"));
    app.with("If-None-Match", single).get("/v1/briefs/page").expect(200);
}

fn a_date_spares_what_is_known(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    for path in ["/v1/briefs/page", "/v1/briefs"] {
        // Within the second of the change no date proves anything: another change may come in it.
        wait_until(|| app.with("If-Modified-Since", app.get(path).header("last-modified")).get(path).status == 304);
        let answer = app.get(path).expect(200);
        let date = answer.header("last-modified");
        assert!(date.ends_with(" GMT"), "{date}");
        app.with("If-Modified-Since", "Mon, 31 Jul 2017 10:12:00 GMT").get(path).expect(200);
        app.with("If-Modified-Since", "nonsense").get(path).expect(200);
        app.with("If-Modified-Since", &date).with("If-None-Match", "\"other\"").get(path).expect(200);
        app.with("If-Modified-Since", "Mon, 31 Jul 2017 10:12:00 GMT")
            .with("If-None-Match", answer.header("etag"))
            .get(path)
            .expect(304);
    }
}

fn a_change_is_made_only_to_the_version_that_was_read(app: &TestApp) {
    app.with_category();
    let editor = app.editor();
    editor.create("briefs", brief("page"));
    let first = editor.get("/v1/briefs/page").header("etag");
    editor.with("If-Match", &first).patch("/v1/briefs/page", json!({"title": "Second"})).expect(200);
    for stale in
        [first.clone(), "\"7-x\"".to_owned(), "\"nonsense\"".to_owned(), "nonsense".to_owned(), "\"\"".to_owned()]
    {
        let stale = editor.with("If-Match", stale);
        stale.patch("/v1/briefs/page", json!({"title": "Third"})).problem(412, "precondition-failed");
        stale.put("/v1/briefs/page", brief("page")).problem(412, "precondition-failed");
        stale.delete("/v1/briefs/page").problem(412, "precondition-failed");
        app.publisher()
            .with("If-Match", &first)
            .post_empty("/v1/briefs/page/publish")
            .problem(412, "precondition-failed");
    }
    assert_eq!(editor.get("/v1/briefs/page").expect(200).json()["title"], "Second");

    // The version part is compared, whichever representation the tag was of.
    let of_selection = editor.get("/v1/briefs/page?fields=title").header("etag");
    for good in [of_selection, "\"2-whatever\"".to_owned(), "\"1-x\", \"2-y\"".to_owned(), "*".to_owned()] {
        editor.with("If-Match", good).patch("/v1/briefs/page", json!({"title": "Second"})).expect(200);
    }
    editor.with("If-Match", "*").put("/v1/briefs/new", brief("new")).problem(412, "precondition-failed");
    editor.with("If-Match", "\"1-x\"").put("/v1/briefs/new", brief("new")).problem(412, "precondition-failed");
    editor.with("If-None-Match", "*").put("/v1/briefs/page", brief("page")).problem(412, "precondition-failed");
    editor.with("If-None-Match", "*").put("/v1/briefs/new", brief("new")).expect(201);
    editor.with("If-Match", editor.get("/v1/briefs/new").header("etag")).delete("/v1/briefs/new").expect(204);
}

fn a_server_may_demand_if_match(app: &TestApp) {
    let strict = TestApp::configured(app.database().another(), |config| config.require_if_match = true);
    strict.with_category();
    let editor = strict.editor();
    editor.create("briefs", brief("page"));
    editor.patch("/v1/briefs/page", json!({})).problem(428, "precondition-required");
    editor.put("/v1/briefs/page", brief("page")).problem(428, "precondition-required");
    editor.delete("/v1/briefs/page").problem(428, "precondition-required");
    editor.with("If-Match", "\"1-x\"").patch("/v1/briefs/page", json!({"title": "New"})).expect(200);
    editor.with("If-None-Match", "*").put("/v1/briefs/new", brief("new")).expect(201);
    editor.with("If-Match", "*").delete("/v1/briefs/page").expect(204);
}

fn a_change_of_what_is_shown_changes_the_entity_tag_alone(app: &TestApp) {
    app.with_cast();
    let page = weekly_page("page").with(json!({"state": "published", "published_at": "2017-07-31T10:12:00Z"}));
    app.publisher().create("briefs", page);
    let mut known = app.get("/v1/briefs/page").header("etag");
    for (path, patch) in [
        ("/v1/events/page-protocol", json!({"title": "Renamed"})),
        ("/v1/actors/china", json!({"name": "China"})),
        ("/v1/categories/security", json!({"name": "Army and police"})),
    ] {
        app.publisher().patch(path, patch).expect(200);
        let page = app.with("If-None-Match", &known).get("/v1/briefs/page").expect(200);
        assert_eq!(page.json()["version"], 1, "{path}");
        assert_ne!(page.header("etag"), known, "{path}");
        known = page.header("etag");
    }
    app.publisher().patch("/v1/trends/page-army", json!({"limits": "None"})).expect(200);
    assert!(app.get("/v1/briefs/page").header("etag").starts_with("\"2-"));
}

// --- what goes around the answer

fn answers_are_compressed_as_asked(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"body": "again and ".repeat(500)})));
    let path = "/v1/briefs/page";
    let plain = app.get(path).expect(200);
    assert!(!plain.headers.contains_key("content-encoding"));
    for (encoding, magic) in [("gzip", &[0x1f, 0x8b][..]), ("zstd", &[0x28, 0xb5, 0x2f, 0xfd]), ("br", &[])] {
        let answer = app.with("Accept-Encoding", encoding).get(path).expect(200);
        assert_eq!(answer.header("content-encoding"), encoding);
        assert!(answer.body.len() < plain.body.len() / 4 && answer.body.starts_with(magic), "{encoding}");
        assert!(answer.header("vary").contains("Accept-Encoding"));
        assert_ne!(answer.header("etag"), plain.header("etag"), "other bytes, another strong tag");
        let again = app.with("Accept-Encoding", encoding).with("If-None-Match", answer.header("etag"));
        again.get(path).expect(304);
        app.publisher().with("If-Match", answer.header("etag")).patch(path, json!({})).expect(200);
        let lines = app.with("Accept-Encoding", encoding).get("/v1/briefs?format=ndjson&include=body").expect(200);
        assert_eq!(lines.header("content-encoding"), encoding);
    }
    let problem = app.with("Accept-Encoding", "gzip").get("/v1/briefs/nothing").expect(404);
    assert_eq!(problem.header("content-type"), "application/problem+json");
    let identity = app.with("Accept-Encoding", "identity").get(path).expect(200);
    assert_eq!((identity.header("content-encoding"), identity.body), (String::new(), plain.body));
}

fn any_page_of_the_web_may_call(app: &TestApp) {
    let page = app.with("Origin", "https://partner.example.org");
    let preflight = page
        .with("Access-Control-Request-Method", "PATCH")
        .with("Access-Control-Request-Headers", "authorization, content-type, if-match")
        .options("/v1/briefs/any");
    assert!([200, 204].contains(&preflight.status), "{}", preflight.whole());
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert!(!preflight.headers.contains_key("access-control-allow-credentials"));
    let allowed = preflight.header("access-control-allow-methods");
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(allowed.contains(method), "{allowed}");
    }
    let headers = preflight.header("access-control-allow-headers").to_lowercase();
    for header in ["authorization", "content-type", "if-match"] {
        assert!(headers.contains(header), "{headers}");
    }
    for path in ["/v1/briefs", "/v1/briefs/nothing", "/v1/briefs?limit=x", "/nothing"] {
        let answer = page.get(path);
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        let exposed = answer.header("access-control-expose-headers").to_lowercase();
        for header in ["etag", "link", "location", "last-modified", "x-request-id", "briefwire-position"] {
            assert!(exposed.contains(header), "{header} is not among {exposed}");
        }
    }
    let refused = page.post("/v1/briefs", json!({}));
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    refused.problem(401, "unauthenticated");
}

fn every_answer_has_its_request_id(app: &TestApp) {
    let own = |id: &str, path: &str| app.with("X-Request-Id", id).get(path).header("x-request-id");
    for path in ["/v1/briefs", "/v1/briefs/nothing", "/nothing", "/v1/briefs?limit=x", "/openapi.json"] {
        assert_eq!(own("my-id_1.2", path), "my-id_1.2", "{path}");
        assert_ne!(app.get(path).header("x-request-id"), app.get(path).header("x-request-id"));
        assert!(app.get(path).header("x-request-id").len() >= 32);
    }
    for odd in ["with space", "<script>", "", &"a".repeat(65)] {
        assert_ne!(own(odd, "/v1/briefs"), odd);
    }
}

fn a_renamed_resource_is_found_under_its_new_name(app: &TestApp) {
    app.with_cast();
    let publisher = app.publisher();
    publisher.create("briefs", published("old", "2017-07-31").with(json!({"trends": [trend("old-trend", "stable")]})));
    publisher.create("events", event("old-event", "2017"));
    let renamed = [
        ("briefs", "old", "new"),
        ("trends", "old-trend", "new-trend"),
        ("events", "old-event", "new-event"),
        ("actors", "china", "prc"),
        ("categories", "security", "safety"),
    ];
    for (collection, old, new) in renamed {
        publisher.patch(&format!("/v1/{collection}/{old}"), json!({"slug": new})).expect(200);
        let moved = publisher.get(&format!("/v1/{collection}/{old}"));
        let location = moved.header("location");
        moved.expect(308);
        assert!(location.ends_with(&format!("/v1/{collection}/{new}")), "{location}");
        let found = publisher.get(location.strip_prefix(app.url()).unwrap_or(&location)).expect(200).json();
        assert_eq!(found["slug"], new);
        publisher.patch(&format!("/v1/{collection}/{old}"), json!({})).expect(308);
        publisher.delete(&format!("/v1/{collection}/{old}")).expect(308);
    }
    // A body may still use the old name, and a new resource may take it.
    let page = brief("next").with(json!({"category": "security", "related": ["old"], "events": ["old-event"]}));
    let next = publisher.create("briefs", page);
    assert_eq!((&next["related"][0]["slug"], &next["events"][0]["slug"]), (&json!("new"), &json!("new-event")));
    publisher.create("categories", category("security", "Another"));
    assert_eq!(publisher.get("/v1/categories/security").expect(200).json()["name"], "Another");
    // Only to those who see what it leads to.
    publisher.create("briefs", brief("draft"));
    publisher.patch("/v1/briefs/draft", json!({"slug": "renamed-draft"})).expect(200);
    app.get("/v1/briefs/draft").problem(404, "not-found");
    publisher.delete("/v1/briefs/new").expect(204);
    app.get("/v1/briefs/old").expect(410);
}

fn answers_say_how_long_they_keep(app: &TestApp) {
    app.with_category();
    for path in ["/v1/briefs", "/v1/categories/security", "/v1/briefs?format=csv", "/v1/export"] {
        assert_eq!(app.get(path).header("cache-control"), "public, no-cache", "{path}");
        assert_eq!(app.reader().get(path).header("cache-control"), "private, no-cache", "{path}");
    }
    for path in ["/v1/briefs", "/v1/briefs/nothing", "/v1/briefs?limit=x"] {
        assert_eq!(app.get(path).header("vary"), "Accept, Accept-Encoding, Authorization", "{path}");
        assert_eq!(app.get(path).header("x-content-type-options"), "nosniff", "{path}");
    }
    assert_eq!(app.admin().get("/v1/keys").header("cache-control"), "no-store");
    assert_eq!(app.get("/v1/briefs/nothing").header("cache-control"), "no-store");
}

fn a_write_tells_its_position(app: &TestApp) {
    let position = |answer: Answer| answer.header("briefwire-position").parse::<i64>().expect("a position");
    let editor = app.editor();
    let first = position(editor.post("/v1/actors", actor("a", "A")).expect(201));
    let second = position(editor.patch("/v1/actors/a", json!({"name": "B"})).expect(200));
    let nothing = position(editor.patch("/v1/actors/a", json!({"name": "B"})).expect(200));
    let gone = position(editor.delete("/v1/actors/a").expect(204));
    assert!(first < second && second == nothing && nothing < gone, "{first} {second} {nothing} {gone}");
    assert_eq!(position(app.get("/v1/export").expect(200)), gone);
}

on_both!(what_is_refused_by_quality_is_not_sent, a_preflight_is_answered_or_refused_as_a_problem);

fn what_is_refused_by_quality_is_not_sent(app: &TestApp) {
    app.with("Accept", "*/*;q=0").get("/v1/briefs").problem(406, "not-acceptable");
    app.with("Accept", "application/json;q=0, */*").get("/v1/briefs").expect(200);
}

fn a_preflight_is_answered_or_refused_as_a_problem(app: &TestApp) {
    let asking = app.with("Origin", "https://page.example.org");
    let preflight = asking.with("Access-Control-Request-Method", "PUT").options("/v1/briefs").expect(200);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    asking.with("Access-Control-Request-Method", "FOO").options("/v1/briefs").problem(400, "bad-request");
}

fn who_prefers_little_is_told_which_it_is(app: &TestApp) {
    app.with_category();
    let little = app.publisher().with("Prefer", "respond-async, return=minimal; x=1");
    let created = little.post("/v1/briefs", published("one", "2017-07-31")).expect(201);
    let id = app.get("/v1/briefs/one").expect(200).json()["id"].clone();
    assert_eq!(created.json(), json!({"id": id, "slug": "one", "version": 1}));
    assert_eq!(created.header("preference-applied"), "return=minimal");
    assert!(created.header("location").ends_with("/v1/briefs/one"));
    let tag = created.header("etag");
    let changed = little.with("If-Match", tag).patch("/v1/briefs/one", json!({"title": "Another"})).expect(200);
    assert_eq!(changed.json()["version"], 2);
    assert_eq!(little.put("/v1/actors/mia", actor("mia", "Mia")).expect(201).json()["slug"], "mia");
    let correction = json!({"severity": "minor", "note": "A name was misspelt."});
    assert_eq!(little.post("/v1/briefs/one/corrections", correction).expect(201).json()["version"], 3);
    for other in ["return=representation", "return=representation, return=minimal", "handling=strict", "minimal"] {
        let whole = app.publisher().with("Prefer", other).patch("/v1/briefs/one", json!({})).expect(200);
        assert_eq!(whole.json()["title"], "Another", "{other}");
        assert!(!whole.headers.contains_key("preference-applied"), "{other}");
    }
}
