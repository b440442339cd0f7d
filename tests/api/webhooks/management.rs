//! Webhooks in the hands of those who make them.

use serde_json::json;

use super::{Subscription, ids};
use crate::support::make::{With, published};
use crate::support::{Endpoint, TestApp};

on_both!(
    the_log_is_read_in_pages_and_holds_no_content,
    a_revoked_key_is_told_nothing_more,
    a_key_manages_its_own_webhooks_alone,
    a_change_of_a_webhook_may_demand_its_version,
    a_webhook_is_made_once_with_one_idempotency_key,
    wrong_webhooks_are_refused_with_every_fault,
);

fn the_log_is_read_in_pages_and_holds_no_content(app: &TestApp) {
    app.with_category();
    let endpoint = Endpoint::new();
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    for number in 0..5 {
        let page = published(&format!("page-{number}"), "2017-07-31").with(json!({"title": "Remarkable"}));
        app.publisher().create("briefs", page);
    }
    webhook.catch_up();
    let log = format!("{}/deliveries", webhook.path);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = webhook.client.get(&format!("{log}?limit=2{cursor}")).expect(200);
        assert!(!page.text().contains("Remarkable") && !page.text().contains("page-"));
        seen.extend(page.each("id"));
        match page.json()["page"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut sent = endpoint.so_far();
    sent.reverse();
    assert_eq!(seen, ids(&sent));
    assert!(webhook.client.get(&format!("{log}?outcome=failed")).expect(200).rows().is_empty());
    webhook.client.get(&format!("{log}?cursor=x")).problem(400, "invalid-parameter");
    webhook.client.get(&format!("{log}?outcome=lost")).problem(400, "invalid-parameter");
}

fn a_revoked_key_is_told_nothing_more(app: &TestApp) {
    app.with_category();
    let (gone, elsewhere, key) = (Endpoint::new(), Endpoint::new(), app.key("reader", None));
    let revoked = Subscription::new(app.as_(&key), &gone, json!({}));
    let other = Subscription::new(app.reader(), &elsewhere, json!({}));
    app.publisher().create("briefs", published("before", "2017-07-31"));
    revoked.catch_up();
    gone.next();
    let id = uuid::Uuid::parse_str(key.split('_').nth(1).unwrap()).unwrap();
    app.admin().delete(&format!("/v1/keys/{id}")).expect(204);
    app.publisher().create("briefs", published("after", "2017-07-31"));
    other.catch_up();
    assert!(gone.so_far().is_empty());
    app.as_(&key).get("/v1/webhooks").problem(401, "unauthenticated");
}

fn a_key_manages_its_own_webhooks_alone(app: &TestApp) {
    let endpoint = Endpoint::new();
    let webhook = Subscription::new(app.reader(), &endpoint, json!({}));
    let mut shown = webhook.made.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(app.reader().get("/v1/webhooks").expect(200).rows(), [shown.clone()]);
    assert_eq!(webhook.now(), shown);
    let other = Subscription { client: app.admin(), path: webhook.path.clone(), made: shown };
    assert!(other.client.get("/v1/webhooks").expect(200).rows().is_empty());
    other.client.get(&other.path).problem(404, "not-found");
    other.client.get(&format!("{}/deliveries", other.path)).problem(404, "not-found");
    other.client.post_empty(&format!("{}/test", other.path)).problem(404, "not-found");
    other.change(json!({"enabled": false})).problem(404, "not-found");
    other.rotate(json!(0)).problem(404, "not-found");
    other.redeliver(json!({"since": "2017-01-01T00:00:00Z"})).problem(404, "not-found");
    other.client.delete(&other.path).problem(404, "not-found");
    app.get("/v1/webhooks").problem(401, "unauthenticated");
    app.post("/v1/webhooks", json!({"url": endpoint.url})).problem(401, "unauthenticated");
    app.reader().delete(&webhook.path).expect(204);
    app.reader().get(&webhook.path).problem(404, "not-found");
    app.reader().get("/v1/webhooks/x").problem(404, "not-found");
}

fn a_change_of_a_webhook_may_demand_its_version(app: &TestApp) {
    let webhook = Subscription::new(app.reader(), &Endpoint::new(), json!({}));
    let tag = webhook.client.get(&webhook.path).expect(200).header("etag");
    let demanding = app.reader().with("If-Match", tag);
    let same = demanding.patch(&webhook.path, json!({"enabled": true, "position": 5})).expect(200).json();
    assert_eq!(same, webhook.now(), "what changes nothing makes a version");
    demanding.patch(&webhook.path, json!({"enabled": false})).expect(200);
    demanding.patch(&webhook.path, json!({"enabled": true})).problem(412, "precondition-failed");
    demanding.delete(&webhook.path).problem(412, "precondition-failed");
    assert_eq!(webhook.now()["enabled"], false);
}

fn a_webhook_is_made_once_with_one_idempotency_key(app: &TestApp) {
    let endpoint = Endpoint::new();
    let webhook = Subscription::new(app.reader().with("Idempotency-Key", "one"), &endpoint, json!({}));
    webhook.client.post("/v1/webhooks", json!({"url": endpoint.url})).problem(409, "conflict");
    assert_eq!(app.reader().get("/v1/webhooks").expect(200).rows().len(), 1);
    let tester = app.reader().with("Idempotency-Key", "two");
    let tested = || tester.post_empty(&format!("{}/test", webhook.path)).expect(200).json();
    assert_eq!(tested(), tested());
    endpoint.next();
    assert!(endpoint.so_far().is_empty());
}

fn wrong_webhooks_are_refused_with_every_fault(app: &TestApp) {
    let faults = |body: serde_json::Value| app.reader().post("/v1/webhooks", body).expect(422).faults();
    let wrong = json!({
        "url": "ftp://example.org/", "events": ["brief.lost", "webhook.test"], "enabled": 1, "colour": "red",
        "filter": {"kind": ["page"], "marking": ["TLP:BLACK"], "country": ["BY"]},
    });
    assert_eq!(
        faults(wrong),
        [
            "/colour",
            "/enabled",
            "/events/0",
            "/events/1",
            "/filter/country",
            "/filter/kind/0",
            "/filter/marking/0",
            "/url"
        ]
    );
    for url in ["", "partner", "https://", "https://user:secret@partner.example/", "javascript:alert(1)"] {
        assert_eq!(faults(json!({"url": url})), ["/url"], "{url}");
    }
    let unknown = json!({"url": "http://127.0.0.1/", "filter": {"actor": ["nobody"], "category": ["nowhere"]}});
    assert_eq!(faults(unknown), ["/filter/actor/0", "/filter/category/0"]);
    assert_eq!(faults(json!({})), ["/url"]);
}
