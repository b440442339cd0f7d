//! What is delivered, and how it is signed.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::failures::broken;
use super::{Subscription, assert_has, ids, is_signed, slugs, types};
use crate::support::make::{With, brief, published};
use crate::support::{Endpoint, TestApp};

on_both!(
    changes_are_delivered_in_order_as_the_change_feed_shows_them,
    a_message_is_verified_by_the_library_of_the_standard,
    a_webhook_begins_where_it_is_told,
    only_what_the_key_may_know_of_is_delivered,
    what_is_sent_again_is_what_may_be_seen_then,
    secrets_change_without_a_gap,
    one_delivery_is_sent_again,
    everything_since_a_time_is_sent_again,
    a_test_says_what_came_of_it,
);

fn changes_are_delivered_in_order_as_the_change_feed_shows_them(app: &TestApp) {
    let (endpoint, client) = (Endpoint::new(), app.publisher());
    let webhook = Subscription::new(client.clone(), &endpoint, json!({}));
    app.with_category();
    webhook.catch_up();
    client.create("briefs", published("page", "2017-07-31"));
    webhook.catch_up();
    client.post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "x"})).expect(201);
    webhook.catch_up();
    client.post("/v1/briefs/page/retract", json!({"reason": "forged"})).expect(200);
    webhook.catch_up();
    let messages = endpoint.so_far();
    assert_eq!(types(&messages), ["category.created", "brief.published", "brief.corrected", "brief.retracted"]);
    assert_eq!(messages[0].header("content-type"), "application/json");
    let rows = client.get("/v1/changes").expect(200).rows();
    for (message, row) in messages.iter().zip(&rows) {
        let told = message.json();
        assert_eq!((&told["timestamp"], &told["data"]["position"]), (&row["at"], &row["position"]));
    }
    // Nothing has changed since the last one was sent, and so it says what the change feed does.
    assert_eq!(messages[3].json()["data"], rows[3]);
}

fn a_message_is_verified_by_the_library_of_the_standard(app: &TestApp) {
    let endpoint = Endpoint::new();
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    app.with_category();
    let message = endpoint.next();
    assert!(is_signed(&message, webhook.secret()));
    let other = Subscription::new(app.reader(), &endpoint, json!({}));
    assert!(!is_signed(&message, other.secret()));
    let mut forged = message.clone();
    forged.body.push(b' ');
    assert!(!is_signed(&forged, webhook.secret()));
    let mut moved = message;
    moved.headers.insert("webhook-id".into(), "another".into());
    assert!(!is_signed(&moved, webhook.secret()));
}

fn a_webhook_begins_where_it_is_told(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("old", "2017-07-31"));
    let position = app.get("/v1/export").expect(200).header("briefwire-position");
    app.publisher().create("briefs", published("new", "2017-07-31"));
    let (from_start, from_export) = (Endpoint::new(), Endpoint::new());
    Subscription::new(app.reader(), &from_start, json!({"since": 0}));
    Subscription::new(app.reader(), &from_export, json!({"since": position.parse::<i64>().unwrap()}));
    assert_eq!(types(&from_start.next_of(3)), ["category.created", "brief.published", "brief.published"]);
    assert_eq!(from_export.next().json()["data"]["slug"], "new");
    let ahead = app.reader().post("/v1/webhooks", json!({"url": from_start.url, "since": 1_000_000}));
    assert_eq!(ahead.problem(422, "validation-failed")["errors"][0]["pointer"], "/since");
}

fn only_what_the_key_may_know_of_is_delivered(app: &TestApp) {
    app.with_category();
    let (clear, green) = (Endpoint::new(), Endpoint::new());
    let uncleared = Subscription::new(app.reader(), &clear, json!({}));
    Subscription::new(app.cleared("reader", "TLP:GREEN"), &green, json!({}));
    app.editor().create("briefs", brief("draft"));
    app.publisher().create("briefs", published("green", "2017-07-31").with(json!({"marking": "TLP:GREEN"})));
    app.publisher().create("briefs", published("clear", "2017-07-31"));
    app.publisher().create("briefs", published("red", "2017-07-31").with(json!({"marking": "TLP:RED"})));
    assert_eq!(slugs(&green.next_of(2)), ["green", "clear"]);
    uncleared.catch_up();
    assert_eq!(slugs(&clear.so_far()), ["clear"]);
}

fn what_is_sent_again_is_what_may_be_seen_then(app: &TestApp) {
    app.with_category();
    let (endpoint, works) = broken("503 Busy");
    Subscription::new(app.reader(), &endpoint, json!({}));
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
    assert_has(&removed["data"], json!({"slug": null, "current": null}));
}

fn secrets_change_without_a_gap(app: &TestApp) {
    let endpoint = Endpoint::new();
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    let rotate = |hours: Value| webhook.rotate(hours).expect(200).json()["secret"].as_str().unwrap().to_owned();
    let tested = || {
        webhook.test();
        endpoint.next()
    };
    let second = rotate(Value::Null);
    let message = tested();
    assert!(is_signed(&message, webhook.secret()) && is_signed(&message, &second));
    let third = rotate(json!(0));
    let message = tested();
    assert!(is_signed(&message, &third) && !is_signed(&message, webhook.secret()) && !is_signed(&message, &second));
    assert!(webhook.now().get("secret").is_none());
    for _ in 0..10 {
        rotate(json!(168));
    }
    assert_eq!(tested().header("webhook-signature").split(' ').count(), 5, "the header grows without end");
    let long = webhook.rotate(json!(169)).problem(422, "validation-failed");
    assert_eq!(long["errors"][0]["pointer"], "/overlap_hours");
}

fn one_delivery_is_sent_again(app: &TestApp) {
    app.with_category();
    let endpoint = Endpoint::new();
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    app.publisher().create("briefs", published("page", "2017-07-31"));
    webhook.catch_up();
    app.publisher().patch("/v1/briefs/page", json!({"title": "Later"})).expect(200);
    webhook.catch_up();
    let first = endpoint.so_far().remove(0);
    let again = || webhook.redeliver(json!({"delivery": first.header("webhook-id")}));
    assert_has(&again().expect(200).json(), json!({"outcome": "delivered", "attempts": 2}));
    let second = endpoint.next();
    assert_eq!(second.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(second.json()["data"]["current"]["title"], "Later", "it is as it was then");
    app.publisher().delete("/v1/briefs/page").expect(204);
    webhook.catch_up();
    endpoint.next();
    again().expect(200);
    assert_eq!(endpoint.next().json()["type"], "brief.removed");
    let unknown = webhook.redeliver(json!({"delivery": "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c"}));
    assert_eq!(unknown.problem(422, "validation-failed")["errors"][0]["pointer"], "/delivery");
    for wrong in [json!({}), json!({"delivery": first.header("webhook-id"), "since": "2017-01-01T00:00:00Z"})] {
        webhook.redeliver(wrong).problem(422, "validation-failed");
    }
}

fn everything_since_a_time_is_sent_again(app: &TestApp) {
    let endpoint = Endpoint::new();
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    app.with_category();
    app.publisher().create("briefs", published("one", "2017-07-31"));
    app.publisher().create("briefs", published("two", "2017-07-31"));
    webhook.catch_up();
    let messages = endpoint.so_far();
    let since = messages[1].json()["timestamp"].clone();
    assert_has(&webhook.redeliver(json!({"since": since})).expect(202).json(), json!({"position": 1}));
    assert_eq!(ids(&endpoint.next_of(2)), ids(&messages[1..]));
    app.publisher().create("briefs", published("three", "2017-07-31"));
    assert_eq!(endpoint.next().json()["data"]["slug"], "three");
}

fn a_test_says_what_came_of_it(app: &TestApp) {
    let endpoint = Endpoint::answering(|_| "418 Teapot".into());
    let webhook = Subscription::new(app.reader(), &endpoint, json!({"enabled": false}));
    let delivery = webhook.test();
    assert_has(&delivery, json!({"type": "webhook.test", "outcome": "failed", "status": 418, "position": null}));
    let message = endpoint.next();
    assert!(is_signed(&message, webhook.secret()));
    assert_has(&message.json(), json!({"type": "webhook.test", "data": {"webhook": webhook.made["id"]}}));
    assert_eq!(message.header("webhook-id"), delivery["id"]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    webhook.change(json!({"url": format!("http://{nobody}/")})).expect(200);
    assert_has(&webhook.test(), json!({"status": null, "error": "no connection: connection refused"}));
}
