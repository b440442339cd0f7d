//! What a webhook is narrowed to.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::failures::broken;
use super::{Subscription, slugs, types};
use crate::support::make::{With, actor, category, public_event, published};
use crate::support::{Endpoint, TestApp};

on_both!(
    a_webhook_is_narrowed_by_kind_and_by_what_happened,
    a_webhook_is_narrowed_by_category_actor_and_marking,
    who_got_the_original_gets_what_becomes_of_it,
    who_may_have_got_the_original_gets_what_becomes_of_it,
    a_filter_that_is_narrowed_later_knows_what_was_told,
    a_filter_outlives_those_that_it_names,
    a_name_that_too_many_bear_is_refused,
);

fn a_webhook_is_narrowed_by_kind_and_by_what_happened(app: &TestApp) {
    let (kinds, happenings) = (Endpoint::new(), Endpoint::new());
    let by_kind = Subscription::new(app.reader(), &kinds, json!({"filter": {"kind": ["actor", "event"]}}));
    let by_type = Subscription::new(app.reader(), &happenings, json!({"events": ["brief.corrected", "actor.created"]}));
    app.with_category().with_actors(&["china"]);
    app.publisher().create("events", public_event("meeting", "2017-07-25"));
    app.publisher().create("briefs", published("page", "2017-07-31"));
    app.publisher().post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "x"})).expect(201);
    by_kind.catch_up();
    by_type.catch_up();
    assert_eq!(types(&kinds.so_far()), ["actor.created", "event.published"]);
    assert_eq!(types(&happenings.so_far()), ["actor.created", "brief.corrected"]);
}

fn a_webhook_is_narrowed_by_category_actor_and_marking(app: &TestApp) {
    app.with_category().with_actors(&["china", "belarus"]);
    app.publisher().create("categories", category("economy", "Economy"));
    let told = |filter: Value| {
        let endpoint = Endpoint::new();
        let webhook = Subscription::new(app.cleared("reader", "TLP:AMBER"), &endpoint, json!({"filter": filter}));
        (webhook, endpoint)
    };
    let by_category = told(json!({"kind": ["brief", "category"], "category": ["economy"]}));
    let by_actor = told(json!({"actor": ["China"]}));
    let by_marking = told(json!({"marking": ["TLP:AMBER"]}));
    let by_all = told(json!({
        "kind": ["brief"], "category": ["economy"], "actor": ["china"], "marking": ["TLP:CLEAR"],
    }));
    let china = app.get("/v1/actors/china").expect(200).json()["id"].clone();
    assert_eq!(by_actor.0.made["filter"]["actor"], json!([china]));
    let part = json!({"participants": [{"actor": "china", "role": "host"}]});
    app.publisher().create("events", public_event("visit", "2017-07-25").with(part));
    for (slug, members) in [
        ("neither", json!({})),
        ("economy", json!({"category": "economy"})),
        ("china", json!({"events": ["visit"]})),
        ("amber", json!({"marking": "TLP:AMBER"})),
        ("both", json!({"category": "economy", "events": ["visit"]})),
    ] {
        app.publisher().create("briefs", published(slug, "2017-07-31").with(members));
    }
    app.publisher().patch("/v1/actors/china", json!({"name": "People's Republic of China"})).expect(200);
    app.publisher().patch("/v1/categories/economy", json!({"name": "Economics"})).expect(200);
    for ((webhook, endpoint), expected) in [
        (by_category, &["economy", "both", "economy"][..]),
        (by_actor, &["visit", "china", "both", "china"]),
        (by_marking, &["amber"]),
        (by_all, &["both"]),
    ] {
        webhook.catch_up();
        assert_eq!(slugs(&endpoint.so_far()), expected, "{}", webhook.made["filter"]);
    }
}

fn who_got_the_original_gets_what_becomes_of_it(app: &TestApp) {
    app.with_category();
    app.publisher().create("categories", category("economy", "Economy"));
    let endpoint = Endpoint::new();
    let webhook =
        Subscription::new(app.reader(), &endpoint, json!({"filter": {"kind": ["brief"], "category": ["economy"]}}));
    for slug in ["moved", "retracted", "removed"] {
        app.publisher().create("briefs", published(slug, "2017-07-31").with(json!({"category": "economy"})));
    }
    webhook.catch_up();
    assert_eq!(endpoint.so_far().len(), 3);
    app.publisher().patch("/v1/briefs/moved", json!({"category": "security"})).expect(200);
    app.publisher().post("/v1/briefs/moved/corrections", json!({"severity": "minor", "note": "x"})).expect(201);
    app.publisher().post("/v1/briefs/retracted/retract", json!({"reason": "forged"})).expect(200);
    app.publisher().delete("/v1/briefs/removed").expect(204);
    webhook.catch_up();
    let messages = endpoint.so_far();
    assert_eq!(types(&messages), ["brief.updated", "brief.corrected", "brief.retracted", "brief.removed"]);
    assert_eq!(messages[0].json()["data"]["current"]["category"]["slug"], "security");
}

/// An endpoint may have taken a message, and the server not know of it.
fn who_may_have_got_the_original_gets_what_becomes_of_it(app: &TestApp) {
    app.with_category();
    app.publisher().create("categories", category("economy", "Economy"));
    let (endpoint, works) = broken("500 Oh");
    let webhook = Subscription::new(app.reader(), &endpoint, json!({"filter": {"category": ["economy"]}}));
    app.publisher().create("briefs", published("moved", "2017-07-31").with(json!({"category": "economy"})));
    endpoint.next();
    app.publisher().patch("/v1/briefs/moved", json!({"category": "security"})).expect(200);
    works.store(true, Ordering::Relaxed);
    webhook.catch_up();
    let last = endpoint.so_far().pop().unwrap().json();
    assert_eq!(
        (&last["type"], &last["data"]["current"]["category"]["slug"]),
        (&json!("brief.updated"), &json!("security"))
    );
}

fn a_filter_that_is_narrowed_later_knows_what_was_told(app: &TestApp) {
    app.with_category();
    app.publisher().create("categories", category("economy", "Economy"));
    let endpoint = Endpoint::new();
    let webhook = Subscription::new(app.reader(), &endpoint, json!({"filter": {"kind": ["brief"]}}));
    app.publisher().create("briefs", published("told", "2017-07-31"));
    webhook.catch_up();
    webhook.change(json!({"filter": {"category": ["economy"]}})).expect(200);
    app.publisher().create("briefs", published("untold", "2017-07-31"));
    app.publisher().patch("/v1/briefs/told", json!({"title": "Another"})).expect(200);
    webhook.catch_up();
    assert_eq!(slugs(&endpoint.so_far()), ["told", "told"]);
}

fn a_name_that_too_many_bear_is_refused(app: &TestApp) {
    for number in 0..101 {
        app.publisher().create("actors", actor(&format!("ivan-{number}"), "Ivan"));
    }
    let refused = app.reader().post("/v1/webhooks", json!({"url": "http://127.0.0.1/", "filter": {"actor": ["Ivan"]}}));
    assert_eq!(refused.expect(422).faults(), ["/filter/actor"]);
}

fn a_filter_outlives_those_that_it_names(app: &TestApp) {
    app.with_category().with_actors(&["china", "belarus"]);
    let endpoint = Endpoint::new();
    let webhook = Subscription::new(app.reader(), &endpoint, json!({"filter": {"actor": ["china"]}}));
    app.publisher().delete("/v1/actors/china").expect(204);
    assert_eq!(endpoint.next().json()["type"], "actor.removed");
    let changed = webhook.change(json!({"events": ["event.published"]})).expect(200).json();
    assert_eq!(changed["filter"], webhook.made["filter"]);
    let part = json!({"participants": [{"actor": "belarus", "role": "host"}]});
    app.publisher().create("events", public_event("visit", "2017-07-25").with(part));
    webhook.catch_up();
    assert!(endpoint.so_far().is_empty(), "who is narrowed to nobody is told of somebody");
}
