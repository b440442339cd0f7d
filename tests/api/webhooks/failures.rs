//! Endpoints that fail, and addresses that are not to be called.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use super::{Subscription, assert_has, ids, types};
use crate::support::make::published;
use crate::support::{Endpoint, Received, TestApp, wait_until};

on_both!(
    a_delivery_that_fails_holds_back_those_that_follow,
    an_endpoint_that_is_gone_is_switched_off_and_goes_on_when_enabled,
    an_endpoint_that_fails_for_too_long_is_switched_off,
    a_slow_endpoint_is_given_up,
    an_endpoint_is_tried_again_when_it_wants_to_be,
    redirects_are_not_followed,
    private_addresses_are_refused,
);

/// An endpoint that fails until it is told to work.
pub fn broken(status: &'static str) -> (Endpoint, Arc<AtomicBool>) {
    let works = Arc::new(AtomicBool::new(false));
    let working = Arc::clone(&works);
    let answer = move |_: &Received| if working.load(Ordering::Relaxed) { "200 OK" } else { status }.to_owned();
    (Endpoint::answering(answer), works)
}

fn a_delivery_that_fails_holds_back_those_that_follow(app: &TestApp) {
    let (endpoint, works) = broken("500 Oh");
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    let mut all = endpoint.next_of(3);
    wait_until(|| webhook.now()["failures"].as_i64() >= Some(2));
    let held_back = webhook.now();
    assert!(held_back["position"] == 0 && held_back["next_attempt_at"].is_string(), "{held_back}");
    works.store(true, Ordering::Relaxed);
    webhook.catch_up();
    assert_has(&webhook.now(), json!({"failures": 0, "next_attempt_at": null}));
    all.extend(endpoint.so_far());
    let (last, before) = all.split_last().unwrap();
    assert_eq!(last.json()["type"], "brief.published");
    assert!(types(before).iter().all(|told| told == "category.created"), "{:?}", types(&all));
    assert!(ids(before).iter().all(|id| *id == before[0].header("webhook-id")));
    assert_ne!(last.header("webhook-id"), before[0].header("webhook-id"));
    let log = webhook.log();
    assert_has(
        &log[1],
        json!({"id": before[0].header("webhook-id"), "attempts": before.len(), "status": 200, "outcome": "delivered"}),
    );
}

fn an_endpoint_that_is_gone_is_switched_off_and_goes_on_when_enabled(app: &TestApp) {
    let (endpoint, works) = broken("410 Gone");
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    let elsewhere = Endpoint::new();
    let other = Subscription::new(app.reader(), &elsewhere, json!({}));
    app.with_category();
    webhook.wait_for("switched_off", "gone");
    assert_has(&webhook.now(), json!({"enabled": false, "position": 0}));
    app.publisher().create("briefs", published("page", "2017-07-31"));
    other.catch_up();
    endpoint.next();
    assert!(endpoint.so_far().is_empty(), "it was called again after it said that it is gone");
    assert_has(&webhook.change(json!({"events": []})).expect(200).json(), json!({"switched_off": "gone"}));
    works.store(true, Ordering::Relaxed);
    let enabled = webhook.change(json!({"enabled": true})).expect(200).json();
    assert_has(&enabled, json!({"enabled": true, "switched_off": null}));
    assert_eq!(types(&endpoint.next_of(2)), ["category.created", "brief.published"]);
}

fn an_endpoint_that_fails_for_too_long_is_switched_off(app: &TestApp) {
    let app = app.another_configured(|config| config.webhooks.retries = vec![Duration::from_millis(10); 3]);
    let endpoint = Endpoint::answering(|_| "500 Oh".into());
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    app.with_category();
    webhook.wait_for("switched_off", "failing");
    assert_eq!(endpoint.so_far().len(), 4);
    assert_has(&webhook.log()[0], json!({"outcome": "failed", "attempts": 4, "status": 500}));
}

fn a_slow_endpoint_is_given_up(app: &TestApp) {
    let app = app.another_configured(|config| config.webhooks.timeout = Duration::from_millis(200));
    // It takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let webhook = Subscription::to(app.reader(), &format!("http://{}/", silent.local_addr().unwrap()), json!({}));
    assert_has(&webhook.test(), json!({"outcome": "failed", "status": null, "error": "did not answer within 0.2 s"}));
}

fn an_endpoint_is_tried_again_when_it_wants_to_be(app: &TestApp) {
    let endpoint = Endpoint::answering(|_| "429 Slow\r\nRetry-After: 3600".into());
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    app.with_category();
    webhook.wait_for("failures", 1);
    let time = |text: &Value| DateTime::parse_from_rfc3339(text.as_str().unwrap()).unwrap();
    let pause = time(&webhook.now()["next_attempt_at"]) - time(&webhook.log()[0]["last_attempt_at"]);
    assert!((3600..3620).contains(&pause.num_seconds()), "{pause}");
}

fn redirects_are_not_followed(app: &TestApp) {
    let inside = Endpoint::new();
    let elsewhere = format!("307 Elsewhere\r\nLocation: {}", inside.url);
    let endpoint = Endpoint::answering(move |_| elsewhere.clone());
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    assert_has(&webhook.test(), json!({"outcome": "failed", "status": 307, "error": "redirects are not followed"}));
    assert!(inside.so_far().is_empty());
}

fn private_addresses_are_refused(app: &TestApp) {
    let (endpoint, key) = (Endpoint::new(), app.key("reader", None));
    let webhook = Subscription::new(app.as_(&key), &endpoint, json!({"enabled": false}));
    let strict = app.beside_configured(|config| config.webhooks.allow_private = false);
    for url in [
        "http://127.0.0.1/",
        "http://localhost:8080/",
        "https://LOCALHOST./x",
        "http://a.localhost/",
        "http://[::1]/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:192.168.0.1]/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://0/",
        "http://[fd00::1]/",
    ] {
        let refused = strict.reader().post("/v1/webhooks", json!({"url": url}));
        assert_eq!(refused.problem(422, "validation-failed")["errors"][0]["pointer"], "/url", "{url}");
    }
    strict.reader().post("/v1/webhooks", json!({"url": "https://8.8.8.8/in", "enabled": false})).expect(201);
    // What a name leads to is looked at when it is called: this one was made where private addresses are allowed.
    let tried = strict.as_(&key).post_empty(&format!("{}/test", webhook.path)).expect(200).json();
    assert_has(&tried, json!({"outcome": "failed", "error": "its name leads to no public address"}));
    assert!(endpoint.so_far().is_empty());
    // It can be switched off all the same, but not on again.
    strict.as_(&key).patch(&webhook.path, json!({"enabled": false})).expect(200);
    strict.as_(&key).patch(&webhook.path, json!({"enabled": true})).problem(422, "validation-failed");
    assert_has(&webhook.test(), json!({"outcome": "delivered"}));
}
