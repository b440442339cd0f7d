//! Webhooks, as the partner at their other end knows them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use standardwebhooks::Webhook;
use ureq::http::{HeaderMap, HeaderName};

use crate::support::make::{With, brief, category, public_event, published};
use crate::support::{Client, Endpoint, Received, TestApp, wait_until, writers};

on_both!(
    every_change_is_delivered_in_order_as_the_change_feed_shows_it,
    a_message_is_verified_by_the_library_of_the_standard,
    a_webhook_begins_where_it_is_told,
    only_what_the_key_may_know_of_is_delivered,
    a_delivery_that_fails_holds_back_those_that_follow,
    what_is_sent_again_is_what_may_be_seen_then,
    an_endpoint_that_is_gone_is_switched_off_and_goes_on_when_enabled,
    an_endpoint_that_fails_for_too_long_is_switched_off,
    a_slow_endpoint_is_given_up,
    an_endpoint_is_tried_again_when_it_wants_to_be,
    redirects_are_not_followed,
    private_addresses_are_refused,
    a_webhook_is_narrowed_by_kind_and_by_what_happened,
    a_webhook_is_narrowed_by_category_actor_and_marking,
    who_got_the_original_gets_what_becomes_of_it,
    a_filter_outlives_those_that_it_names,
    secrets_change_without_a_gap,
    one_delivery_is_sent_again,
    everything_since_a_time_is_sent_again,
    a_test_says_what_came_of_it,
    the_log_is_read_in_pages_and_holds_no_content,
    a_revoked_key_is_told_nothing_more,
    a_key_manages_its_own_webhooks_alone,
    a_change_of_a_webhook_may_demand_its_version,
    a_webhook_is_made_once_with_one_idempotency_key,
    wrong_webhooks_are_refused_with_every_fault,
    two_servers_deliver_each_message_once_and_one_takes_over,
    a_partner_ends_with_what_is_public_whatever_twenty_writers_do,
);

/// Makes a webhook to an endpoint; returns it as the answer shows it, with its secret.
#[track_caller]
fn subscribe(client: &Client, endpoint: &Endpoint, members: Value) -> Value {
    client.post("/v1/webhooks", json!({"url": endpoint.url}).with(members)).expect(201).json()
}

fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())
}

fn types(messages: &[Received]) -> Vec<String> {
    messages.iter().map(|message| message.json()["type"].as_str().unwrap().to_owned()).collect()
}

/// Whether the official library takes a message for one that was signed with this secret.
fn is_signed(message: &Received, secret: &Value) -> bool {
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Webhook::new(secret.as_str().unwrap()).unwrap().verify(&message.body, &headers).is_ok()
}

/// An endpoint that fails until it is told to work.
fn broken(status: &'static str) -> (Endpoint, Arc<AtomicBool>) {
    let works = Arc::new(AtomicBool::new(false));
    let working = Arc::clone(&works);
    let answer = move |_: &Received| if working.load(Ordering::Relaxed) { "200 OK" } else { status }.to_owned();
    (Endpoint::answering(answer), works)
}

fn every_change_is_delivered_in_order_as_the_change_feed_shows_it(app: &TestApp) {
    let (endpoint, client) = (Endpoint::new(), app.publisher());
    let webhook = subscribe(&client, &endpoint, json!({}));
    app.with_category();
    client.create("briefs", published("page", "2017-07-31"));
    client.post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "x"})).expect(201);
    client.post("/v1/briefs/page/retract", json!({"reason": "forged"})).expect(200);
    client.delete("/v1/briefs/page").expect(204);
    // What has happened to the brief since, each message tells already; only the order is that of the journal.
    let last = client.get("/v1/changes?limit=100").expect(200).rows().pop().unwrap();
    wait_until(|| client.get(&path(&webhook)).expect(200).json()["position"] == last["position"]);
    let messages = endpoint.so_far();
    let positions: Vec<i64> =
        messages.iter().map(|message| message.json()["data"]["position"].as_i64().unwrap()).collect();
    assert!(positions.is_sorted_by(|one, next| one < next), "{positions:?}");
    let first = messages.first().unwrap();
    assert_eq!(first.json()["type"], "category.created");
    assert_eq!(first.header("content-type"), "application/json");
    let told = messages.last().unwrap().json();
    assert_eq!(told, json!({"type": "brief.removed", "timestamp": last["at"], "data": last}));
}

fn a_message_is_verified_by_the_library_of_the_standard(app: &TestApp) {
    let endpoint = Endpoint::new();
    let webhook = subscribe(&app.reader(), &endpoint, json!({}));
    app.with_category();
    let message = endpoint.next();
    assert!(is_signed(&message, &webhook["secret"]));
    let other = subscribe(&app.reader(), &endpoint, json!({}));
    assert!(!is_signed(&message, &other["secret"]));
    let mut forged = message.clone();
    forged.body.push(b' ');
    assert!(!is_signed(&forged, &webhook["secret"]));
    let mut moved = message;
    moved.headers.insert("webhook-id".into(), "another".into());
    assert!(!is_signed(&moved, &webhook["secret"]));
}

fn a_webhook_begins_where_it_is_told(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("old", "2017-07-31"));
    let position = app.get("/v1/export").expect(200).header("briefwire-position");
    app.publisher().create("briefs", published("new", "2017-07-31"));
    let (from_start, from_export) = (Endpoint::new(), Endpoint::new());
    subscribe(&app.reader(), &from_start, json!({"since": 0}));
    subscribe(&app.reader(), &from_export, json!({"since": position.parse::<i64>().unwrap()}));
    assert_eq!(types(&from_start.next_of(3)), ["category.created", "brief.published", "brief.published"]);
    assert_eq!(from_export.next().json()["data"]["slug"], "new");
    let ahead = app.reader().post("/v1/webhooks", json!({"url": from_start.url, "since": 1_000_000}));
    assert_eq!(ahead.problem(422, "validation-failed")["errors"][0]["pointer"], "/since");
}

fn only_what_the_key_may_know_of_is_delivered(app: &TestApp) {
    app.with_category();
    let (clear, green) = (Endpoint::new(), Endpoint::new());
    subscribe(&app.reader(), &clear, json!({}));
    subscribe(&app.cleared("reader", "TLP:GREEN"), &green, json!({}));
    app.editor().create("briefs", brief("draft"));
    app.publisher().create("briefs", published("green", "2017-07-31").with(json!({"marking": "TLP:GREEN"})));
    app.publisher().create("briefs", published("clear", "2017-07-31"));
    assert_eq!(clear.next().json()["data"]["slug"], "clear");
    let slugs: Vec<Value> = green.next_of(2).iter().map(|message| message.json()["data"]["slug"].clone()).collect();
    assert_eq!(slugs, ["green", "clear"]);
    assert!(clear.so_far().is_empty());
}

fn a_delivery_that_fails_holds_back_those_that_follow(app: &TestApp) {
    let (endpoint, works) = broken("500 Oh");
    let client = app.reader();
    let webhook = subscribe(&client, &endpoint, json!({}));
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    let failed = endpoint.next_of(3);
    let held_back = client.get(&path(&webhook)).expect(200).json();
    assert!(held_back["failures"].as_i64().unwrap() >= 2 && held_back["next_attempt_at"].is_string(), "{held_back}");
    assert_eq!(held_back["position"], 0);
    works.store(true, Ordering::Relaxed);
    wait_until(|| client.get(&path(&webhook)).expect(200).json()["position"] == 2);
    let all: Vec<Received> = failed.into_iter().chain(endpoint.so_far()).collect();
    let (last, before) = all.split_last().unwrap();
    assert_eq!(last.json()["type"], "brief.published");
    assert!(before.iter().all(|message| message.json()["type"] == "category.created"), "{:?}", types(&all));
    assert!(before.iter().all(|message| message.header("webhook-id") == before[0].header("webhook-id")));
    assert_ne!(last.header("webhook-id"), before[0].header("webhook-id"));
    let log = client.get(&format!("{}/deliveries", path(&webhook))).expect(200).rows();
    let attempts = i64::try_from(before.len()).unwrap();
    let category = &log[1];
    assert_eq!(category["id"], before[0].header("webhook-id"));
    assert_eq!(
        (&category["attempts"], &category["status"], &category["outcome"]),
        (&json!(attempts), &json!(200), &json!("delivered"))
    );
}

fn what_is_sent_again_is_what_may_be_seen_then(app: &TestApp) {
    app.with_category();
    let (endpoint, works) = broken("503 Busy");
    subscribe(&app.reader(), &endpoint, json!({}));
    app.publisher().create("briefs", published("page", "2017-07-31"));
    assert_eq!(endpoint.next().json()["data"]["current"]["slug"], "page");
    app.publisher().patch("/v1/briefs/page", json!({"marking": "TLP:RED"})).expect(200);
    works.store(true, Ordering::Relaxed);
    let removed = loop {
        let message = endpoint.next().json();
        if message["type"] != "brief.published" {
            break message;
        }
    };
    assert_eq!(removed["type"], "brief.removed");
    assert_eq!((&removed["data"]["slug"], &removed["data"]["current"]), (&Value::Null, &Value::Null));
}

fn an_endpoint_that_is_gone_is_switched_off_and_goes_on_when_enabled(app: &TestApp) {
    let (endpoint, works) = broken("410 Gone");
    let client = app.reader();
    let webhook = subscribe(&client, &endpoint, json!({}));
    app.with_category();
    wait_until(|| client.get(&path(&webhook)).expect(200).json()["switched_off"] == "gone");
    assert_eq!(client.get(&path(&webhook)).expect(200).json()["enabled"], false);
    app.publisher().create("briefs", published("page", "2017-07-31"));
    assert_eq!(
        endpoint.next_of(1).len() + endpoint.so_far().len(),
        1,
        "it was asked again after it said that it is gone"
    );
    works.store(true, Ordering::Relaxed);
    let enabled = client.patch(&path(&webhook), json!({"enabled": true})).expect(200).json();
    assert_eq!((&enabled["enabled"], &enabled["switched_off"]), (&json!(true), &Value::Null));
    assert_eq!(types(&endpoint.next_of(2)), ["category.created", "brief.published"]);
}

fn an_endpoint_that_fails_for_too_long_is_switched_off(app: &TestApp) {
    let app = app.another_configured(|config| config.webhooks.retries = vec![Duration::from_millis(10); 3]);
    let endpoint = Endpoint::answering(|_| "500 Oh".into());
    let client = app.reader();
    let webhook = subscribe(&client, &endpoint, json!({}));
    app.with_category();
    wait_until(|| client.get(&path(&webhook)).expect(200).json()["switched_off"] == "failing");
    assert_eq!(endpoint.so_far().len(), 4);
}

fn a_slow_endpoint_is_given_up(app: &TestApp) {
    let app = app.another_configured(|config| config.webhooks.timeout = Duration::from_millis(200));
    // It takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let webhook = app.reader().post("/v1/webhooks", json!({"url": url})).expect(201).json();
    let tried = app.reader().post_empty(&format!("{}/test", path(&webhook))).expect(200).json();
    assert_eq!((&tried["outcome"], &tried["status"]), (&json!("failed"), &Value::Null));
    assert_eq!(tried["error"], "did not answer within 0.2 s");
}

fn an_endpoint_is_tried_again_when_it_wants_to_be(app: &TestApp) {
    let endpoint = Endpoint::answering(|_| "429 Slow\r\nRetry-After: 3600".into());
    let client = app.reader();
    let webhook = subscribe(&client, &endpoint, json!({}));
    app.with_category();
    endpoint.next();
    wait_until(|| client.get(&path(&webhook)).expect(200).json()["failures"] == 1);
    let waiting = client.get(&path(&webhook)).expect(200).json();
    let log = client.get(&format!("{}/deliveries", path(&webhook))).expect(200).rows();
    let time = |text: &Value| chrono::DateTime::parse_from_rfc3339(text.as_str().unwrap()).unwrap();
    let pause = time(&waiting["next_attempt_at"]) - time(&log[0]["last_attempt_at"]);
    assert!((3600..3620).contains(&pause.num_seconds()), "{pause}");
}

fn redirects_are_not_followed(app: &TestApp) {
    let inside = Endpoint::new();
    let elsewhere = format!("307 Elsewhere\r\nLocation: {}", inside.url);
    let endpoint = Endpoint::answering(move |_| elsewhere.clone());
    let webhook = subscribe(&app.reader(), &endpoint, json!({}));
    let tried = app.reader().post_empty(&format!("{}/test", path(&webhook))).expect(200).json();
    assert_eq!((&tried["outcome"], &tried["status"]), (&json!("failed"), &json!(307)));
    assert_eq!(tried["error"], "redirects are not followed");
    assert!(inside.so_far().is_empty());
}

fn private_addresses_are_refused(app: &TestApp) {
    let (endpoint, key) = (Endpoint::new(), app.key("reader", None));
    let webhook = subscribe(&app.as_(&key), &endpoint, json!({"enabled": false}));
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
        let problem = refused.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], "/url", "{url}");
    }
    strict.reader().post("/v1/webhooks", json!({"url": "https://8.8.8.8/in", "enabled": false})).expect(201);
    // What a name leads to is looked at when it is used: this one was made where private addresses are allowed.
    let tried = strict.as_(&key).post_empty(&format!("{}/test", path(&webhook))).expect(200).json();
    assert_eq!((&tried["outcome"], &tried["error"]), (&json!("failed"), &json!("its name leads to no public address")));
    assert!(endpoint.so_far().is_empty());
    app.as_(&key).post_empty(&format!("{}/test", path(&webhook))).expect(200);
    assert_eq!(endpoint.next().json()["type"], "webhook.test");
}

fn a_webhook_is_narrowed_by_kind_and_by_what_happened(app: &TestApp) {
    let (kinds, happenings) = (Endpoint::new(), Endpoint::new());
    subscribe(&app.reader(), &kinds, json!({"filter": {"kind": ["actor", "event"]}}));
    subscribe(&app.reader(), &happenings, json!({"events": ["brief.corrected", "actor.created"]}));
    app.with_category().with_actors(&["china"]);
    app.publisher().create("events", public_event("meeting", "2017-07-25"));
    app.publisher().create("briefs", published("page", "2017-07-31"));
    app.publisher().post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "x"})).expect(201);
    assert_eq!(types(&kinds.next_of(2)), ["actor.created", "event.published"]);
    assert_eq!(types(&happenings.next_of(2)), ["actor.created", "brief.corrected"]);
    assert!(kinds.so_far().is_empty());
}

fn a_webhook_is_narrowed_by_category_actor_and_marking(app: &TestApp) {
    app.with_category().with_actors(&["china", "belarus"]);
    app.publisher().create("categories", category("economy", "Economy"));
    let client = app.cleared("reader", "TLP:AMBER");
    let narrowed = ["category", "actor", "marking", "all"].map(|_| Endpoint::new());
    let [by_category, by_actor, by_marking, by_all] = &narrowed;
    subscribe(&client, by_category, json!({"filter": {"kind": ["brief", "category"], "category": ["economy"]}}));
    let webhook = subscribe(&client, by_actor, json!({"filter": {"actor": ["China"]}}));
    subscribe(&client, by_marking, json!({"filter": {"marking": ["TLP:AMBER"]}}));
    subscribe(
        &client,
        by_all,
        json!({"filter": {"kind": ["brief"], "category": ["economy"], "actor": ["china"], "marking": ["TLP:CLEAR"]}}),
    );
    let china = app.get("/v1/actors/china").expect(200).json()["id"].clone();
    assert_eq!(webhook["filter"]["actor"], json!([china]));
    let part = json!({"participants": [{"actor": "china", "role": "host"}]});
    app.publisher().create("events", public_event("visit", "2017-07-25").with(part));
    let write =
        |slug: &str, members: Value| app.publisher().create("briefs", published(slug, "2017-07-31").with(members));
    write("neither", json!({}));
    write("economy", json!({"category": "economy"}));
    write("china", json!({"events": ["visit"]}));
    write("amber", json!({"marking": "TLP:AMBER"}));
    write("both", json!({"category": "economy", "events": ["visit"]}));
    app.publisher().patch("/v1/actors/china", json!({"name": "People's Republic of China"})).expect(200);
    app.publisher().patch("/v1/categories/economy", json!({"name": "Economics"})).expect(200);
    let slugs = |endpoint: &Endpoint, count: usize| -> Vec<Value> {
        endpoint.next_of(count).iter().map(|message| message.json()["data"]["slug"].clone()).collect()
    };
    assert_eq!(slugs(by_category, 3), ["economy", "both", "economy"]);
    assert_eq!(slugs(by_actor, 4), ["visit", "china", "both", "china"]);
    assert_eq!(slugs(by_marking, 1), ["amber"]);
    assert_eq!(slugs(by_all, 1), ["both"]);
    assert!(narrowed.iter().all(|endpoint| endpoint.so_far().is_empty()));
}

fn who_got_the_original_gets_what_becomes_of_it(app: &TestApp) {
    app.with_category();
    app.publisher().create("categories", category("economy", "Economy"));
    let endpoint = Endpoint::new();
    subscribe(&app.reader(), &endpoint, json!({"filter": {"kind": ["brief"], "category": ["economy"]}}));
    for slug in ["moved", "retracted", "removed"] {
        app.publisher().create("briefs", published(slug, "2017-07-31").with(json!({"category": "economy"})));
    }
    endpoint.next_of(3);
    app.publisher().patch("/v1/briefs/moved", json!({"category": "security"})).expect(200);
    app.publisher().post("/v1/briefs/moved/corrections", json!({"severity": "minor", "note": "x"})).expect(201);
    app.publisher().post("/v1/briefs/retracted/retract", json!({"reason": "forged"})).expect(200);
    app.publisher().delete("/v1/briefs/removed").expect(204);
    let messages = endpoint.next_of(4);
    assert_eq!(types(&messages), ["brief.updated", "brief.corrected", "brief.retracted", "brief.removed"]);
    assert_eq!(messages[0].json()["data"]["current"]["category"]["slug"], "security");
}

fn a_filter_outlives_those_that_it_names(app: &TestApp) {
    app.with_category().with_actors(&["china", "belarus"]);
    let (endpoint, client) = (Endpoint::new(), app.reader());
    let webhook = subscribe(&client, &endpoint, json!({"filter": {"actor": ["china"]}}));
    app.publisher().delete("/v1/actors/china").expect(204);
    assert_eq!(endpoint.next().json()["type"], "actor.removed");
    let changed = client.patch(&path(&webhook), json!({"events": ["event.published"]})).expect(200).json();
    assert_eq!(changed["filter"], webhook["filter"]);
    let part = json!({"participants": [{"actor": "belarus", "role": "host"}]});
    app.publisher().create("events", public_event("visit", "2017-07-25").with(part));
    let last = app.get("/v1/changes?limit=100").expect(200).rows().pop().unwrap();
    wait_until(|| client.get(&path(&webhook)).expect(200).json()["position"] == last["position"]);
    assert!(endpoint.so_far().is_empty(), "who is narrowed to nobody is told of somebody");
}

fn secrets_change_without_a_gap(app: &TestApp) {
    let (endpoint, client) = (Endpoint::new(), app.reader());
    let webhook = subscribe(&client, &endpoint, json!({}));
    let rotate = |hours: Value| {
        let rotated = client.post(&format!("{}/rotate", path(&webhook)), json!({"overlap_hours": hours}));
        rotated.expect(200).json()["secret"].clone()
    };
    let test = || {
        client.post_empty(&format!("{}/test", path(&webhook))).expect(200);
        endpoint.next()
    };
    let second = rotate(Value::Null);
    let message = test();
    assert!(is_signed(&message, &webhook["secret"]) && is_signed(&message, &second));
    let third = rotate(json!(0));
    let message = test();
    assert!(is_signed(&message, &third) && !is_signed(&message, &webhook["secret"]) && !is_signed(&message, &second));
    assert!(client.get(&path(&webhook)).expect(200).json().get("secret").is_none());
    let long = client.post(&format!("{}/rotate", path(&webhook)), json!({"overlap_hours": 169}));
    assert_eq!(long.problem(422, "validation-failed")["errors"][0]["pointer"], "/overlap_hours");
}

fn one_delivery_is_sent_again(app: &TestApp) {
    app.with_category();
    let (endpoint, client) = (Endpoint::new(), app.reader());
    let webhook = subscribe(&client, &endpoint, json!({}));
    app.publisher().create("briefs", published("page", "2017-07-31"));
    let first = endpoint.next();
    app.publisher().patch("/v1/briefs/page", json!({"title": "Later"})).expect(200);
    endpoint.next();
    let again = |delivery: &str| client.post(&format!("{}/redeliver", path(&webhook)), json!({"delivery": delivery}));
    wait_until(|| client.get(&format!("{}/deliveries", path(&webhook))).expect(200).rows().len() == 2);
    let delivery = again(first.header("webhook-id")).expect(200).json();
    assert_eq!((&delivery["outcome"], &delivery["attempts"]), (&json!("delivered"), &json!(2)));
    let second = endpoint.next();
    assert_eq!(second.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(second.json()["data"]["current"]["title"], "Later", "it is as it was then");
    app.publisher().delete("/v1/briefs/page").expect(204);
    endpoint.next();
    again(first.header("webhook-id")).expect(200);
    assert_eq!(endpoint.next().json()["type"], "brief.removed");
    let unknown = again("0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c").problem(422, "validation-failed");
    assert_eq!(unknown["errors"][0]["pointer"], "/delivery");
    for wrong in [json!({}), json!({"delivery": first.header("webhook-id"), "since": "2017-01-01T00:00:00Z"})] {
        client.post(&format!("{}/redeliver", path(&webhook)), wrong).problem(422, "validation-failed");
    }
}

fn everything_since_a_time_is_sent_again(app: &TestApp) {
    let (endpoint, client) = (Endpoint::new(), app.reader());
    let webhook = subscribe(&client, &endpoint, json!({}));
    app.with_category();
    app.publisher().create("briefs", published("one", "2017-07-31"));
    app.publisher().create("briefs", published("two", "2017-07-31"));
    let messages = endpoint.next_of(3);
    let since = messages[1].json()["timestamp"].clone();
    wait_until(|| client.get(&path(&webhook)).expect(200).json()["position"] == 3);
    let set = client.post(&format!("{}/redeliver", path(&webhook)), json!({"since": since})).expect(202).json();
    assert_eq!(set["position"], 1);
    let again = endpoint.next_of(2);
    let ids = |messages: &[Received]| -> Vec<String> {
        messages.iter().map(|message| message.header("webhook-id").to_owned()).collect()
    };
    assert_eq!(ids(&again), ids(&messages[1..]));
    app.publisher().create("briefs", published("three", "2017-07-31"));
    assert_eq!(endpoint.next().json()["data"]["slug"], "three");
}

fn a_test_says_what_came_of_it(app: &TestApp) {
    let endpoint = Endpoint::answering(|_| "418 Teapot".into());
    let client = app.reader();
    let webhook = subscribe(&client, &endpoint, json!({"enabled": false}));
    let delivery = client.post_empty(&format!("{}/test", path(&webhook))).expect(200).json();
    assert_eq!(
        (&delivery["type"], &delivery["outcome"], &delivery["status"]),
        (&json!("webhook.test"), &json!("failed"), &json!(418))
    );
    let message = endpoint.next();
    assert!(is_signed(&message, &webhook["secret"]));
    assert_eq!(message.json()["data"], json!({"webhook": webhook["id"]}));
    assert_eq!(message.header("webhook-id"), delivery["id"]);
    let nobody = format!("http://{}/", {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap()
    });
    client.patch(&path(&webhook), json!({"url": nobody})).expect(200);
    let delivery = client.post_empty(&format!("{}/test", path(&webhook))).expect(200).json();
    assert_eq!((&delivery["status"], &delivery["error"]), (&Value::Null, &json!("no connection: connection refused")));
}

fn the_log_is_read_in_pages_and_holds_no_content(app: &TestApp) {
    app.with_category();
    let (endpoint, client) = (Endpoint::new(), app.reader());
    let webhook = subscribe(&client, &endpoint, json!({}));
    for number in 0..5 {
        app.publisher()
            .create("briefs", published(&format!("page-{number}"), "2017-07-31").with(json!({"title": "Remarkable"})));
    }
    let sent = endpoint.next_of(5);
    let log = format!("{}/deliveries", path(&webhook));
    wait_until(|| client.get(&log).expect(200).rows().len() == 5);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{log}?limit=2{cursor}")).expect(200);
        assert!(!page.text().contains("Remarkable") && !page.text().contains("page-"));
        seen.extend(page.each("id"));
        match page.json()["page"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let newest_first: Vec<String> = sent.iter().rev().map(|message| message.header("webhook-id").to_owned()).collect();
    assert_eq!(seen, newest_first);
    assert!(client.get(&format!("{log}?outcome=failed")).expect(200).rows().is_empty());
    client.get(&format!("{log}?cursor=x")).problem(400, "invalid-parameter");
    client.get(&format!("{log}?outcome=lost")).problem(400, "invalid-parameter");
}

fn a_revoked_key_is_told_nothing_more(app: &TestApp) {
    app.with_category();
    let (gone, stays) = (Endpoint::new(), Endpoint::new());
    let key = app.key("reader", None);
    subscribe(&app.as_(&key), &gone, json!({}));
    subscribe(&app.reader(), &stays, json!({}));
    app.publisher().create("briefs", published("before", "2017-07-31"));
    gone.next();
    let id = uuid::Uuid::parse_str(key.split('_').nth(1).unwrap()).unwrap();
    app.admin().delete(&format!("/v1/keys/{id}")).expect(204);
    app.publisher().create("briefs", published("after", "2017-07-31"));
    assert_eq!(stays.next_of(2)[1].json()["data"]["slug"], "after");
    assert!(gone.so_far().is_empty());
}

fn a_key_manages_its_own_webhooks_alone(app: &TestApp) {
    let endpoint = Endpoint::new();
    let webhook = subscribe(&app.reader(), &endpoint, json!({}));
    let mut shown = webhook.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(app.reader().get("/v1/webhooks").expect(200).rows(), [shown.clone()]);
    assert_eq!(app.reader().get(&path(&webhook)).expect(200).json(), shown);
    assert!(app.admin().get("/v1/webhooks").expect(200).rows().is_empty());
    let other = app.admin();
    other.get(&path(&webhook)).problem(404, "not-found");
    other.get(&format!("{}/deliveries", path(&webhook))).problem(404, "not-found");
    other.patch(&path(&webhook), json!({"enabled": false})).problem(404, "not-found");
    other.delete(&path(&webhook)).problem(404, "not-found");
    for step in ["test", "rotate", "redeliver"] {
        other
            .post(
                &format!("{}/{step}", path(&webhook)),
                if step == "redeliver" { json!({"since": "2017-01-01T00:00:00Z"}) } else { json!({}) },
            )
            .problem(404, "not-found");
    }
    app.get("/v1/webhooks").problem(401, "unauthenticated");
    app.post("/v1/webhooks", json!({"url": endpoint.url})).problem(401, "unauthenticated");
    app.reader().delete(&path(&webhook)).expect(204);
    app.reader().get(&path(&webhook)).problem(404, "not-found");
    app.reader().get("/v1/webhooks/x").problem(404, "not-found");
}

fn a_change_of_a_webhook_may_demand_its_version(app: &TestApp) {
    let (endpoint, client) = (Endpoint::new(), app.reader());
    let webhook = subscribe(&client, &endpoint, json!({}));
    let tag = client.get(&path(&webhook)).expect(200).header("etag");
    client.with("If-Match", tag.as_str()).patch(&path(&webhook), json!({"enabled": false})).expect(200);
    client
        .with("If-Match", tag.as_str())
        .patch(&path(&webhook), json!({"enabled": true}))
        .problem(412, "precondition-failed");
    client.with("If-Match", tag.as_str()).delete(&path(&webhook)).problem(412, "precondition-failed");
    assert_eq!(client.get(&path(&webhook)).expect(200).json()["enabled"], false);
}

fn a_webhook_is_made_once_with_one_idempotency_key(app: &TestApp) {
    let endpoint = Endpoint::new();
    let client = app.reader().with("Idempotency-Key", "one");
    let webhook = subscribe(&client, &endpoint, json!({}));
    client.post("/v1/webhooks", json!({"url": endpoint.url})).problem(409, "conflict");
    assert_eq!(app.reader().get("/v1/webhooks").expect(200).rows().len(), 1);
    let tester = app.reader().with("Idempotency-Key", "two");
    let first = tester.post_empty(&format!("{}/test", path(&webhook))).expect(200).json();
    assert_eq!(tester.post_empty(&format!("{}/test", path(&webhook))).expect(200).json(), first);
    endpoint.next();
    assert!(endpoint.so_far().is_empty());
}

fn wrong_webhooks_are_refused_with_every_fault(app: &TestApp) {
    let wrong = json!({
        "url": "ftp://example.org/", "events": ["brief.lost"], "enabled": 1, "colour": "red",
        "filter": {"kind": ["page"], "marking": ["TLP:BLACK"], "country": ["BY"]},
    });
    let answer = app.reader().post("/v1/webhooks", wrong).expect(422);
    assert_eq!(
        answer.faults(),
        ["/colour", "/enabled", "/events/0", "/filter/country", "/filter/kind/0", "/filter/marking/0", "/url"]
    );
    for url in ["", "partner", "https://", "https://user:secret@partner.example/", "javascript:alert(1)"] {
        let answer = app.reader().post("/v1/webhooks", json!({"url": url})).expect(422);
        assert_eq!(answer.faults(), ["/url"], "{url}");
    }
    let unknown = json!({"url": "http://127.0.0.1/", "filter": {"actor": ["nobody"], "category": ["nowhere"]}});
    let answer = app.reader().post("/v1/webhooks", unknown).expect(422);
    assert_eq!(answer.faults(), ["/filter/actor/0", "/filter/category/0"]);
    app.reader().post("/v1/webhooks", json!({})).problem(422, "validation-failed");
}

fn two_servers_deliver_each_message_once_and_one_takes_over(app: &TestApp) {
    let database = app.database().another();
    let (first, second) = (TestApp::over(database.same()), TestApp::over(database.same()));
    first.with_category();
    let endpoint = Endpoint::new();
    subscribe(&second.reader(), &endpoint, json!({}));
    let write = |server: &TestApp, slug: &str| drop(server.publisher().create("briefs", published(slug, "2017-07-31")));
    for number in 0..20 {
        write(if number % 2 == 0 { &first } else { &second }, &format!("page-{number}"));
    }
    let mut ids: Vec<String> = endpoint.next_of(20).iter().map(|it| it.header("webhook-id").to_owned()).collect();
    drop(first);
    for number in 20..30 {
        write(&second, &format!("page-{number}"));
    }
    ids.extend(endpoint.next_of(10).iter().map(|it| it.header("webhook-id").to_owned()));
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "something came twice");
}

fn a_partner_ends_with_what_is_public_whatever_twenty_writers_do(app: &TestApp) {
    for seed in writers::seeds() {
        // Two servers: the first delivers until it ends, in the midst of it.
        let database = app.database().another();
        let mut delivering = Some(TestApp::over(database.same()));
        let app = &TestApp::over(database.same());
        writers::set_the_stage(app);
        // The partner keeps what it is told of, and at times dies before it says so.
        let copy = Arc::new(Mutex::new(BTreeMap::new()));
        let (kept, mut calls) = (Arc::clone(&copy), seed);
        let endpoint = Endpoint::answering(move |message| {
            let row = message.json()["data"].take();
            let id = row["id"].as_str().unwrap().to_owned();
            match &row["current"] {
                Value::Null => drop(kept.lock().unwrap().remove(&id)),
                current => drop(kept.lock().unwrap().insert(id, current.clone())),
            }
            calls += 1;
            if calls % 7 == 3 { "502 Down".into() } else { "200 OK".into() }
        });
        let webhook = subscribe(&app.reader(), &endpoint, json!({"since": 0}));
        let position = || app.reader().get(&path(&webhook)).expect(200).json()["position"].as_i64().unwrap();
        writers::while_twenty_write(app, seed, || {
            if position() > 40 + i64::try_from(seed).unwrap() % 50 {
                delivering = None;
            }
        });
        wait_until(|| position() == head(app));
        writers::compare_with_what_is_public(app, copy.lock().unwrap().clone(), seed);
    }
}

/// Where the changes end that everyone may know of.
fn head(app: &TestApp) -> i64 {
    let mut since = 0;
    loop {
        let page = app.get(&format!("/v1/changes?limit=100&since={since}")).expect(200).json();
        match page["page"]["next"].as_i64().unwrap() {
            next if next == since => return since,
            next => since = next,
        }
    }
}
