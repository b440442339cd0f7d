//! Rate limits: each key and each address has so many requests, and is told how many are left.

use std::num::NonZeroU32;

use briefwire::access::LimitSettings;
use briefwire::config::Config;
use serde_json::json;

use crate::support::TestApp;
use crate::support::make::actor;

on_both!(
    an_address_has_so_many_requests,
    a_key_has_more_or_a_quota_of_its_own,
    keys_that_are_not_good_are_limited_harder,
    an_address_is_believed_only_from_a_trusted_proxy,
    nothing_is_limited_where_limits_are_off,
);

fn limited(app: &TestApp, per_address: u32, per_key: u32, proxies: &[&str]) -> TestApp {
    let size = |size| NonZeroU32::new(size).unwrap();
    app.another_configured(|config: &mut Config| {
        config.limits = Some(LimitSettings { per_address: size(per_address), per_key: size(per_key) });
        config.trusted_proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
    })
}

fn an_address_has_so_many_requests(app: &TestApp) {
    let app = limited(app, 3, 100, &[]);
    let first = app.get("/v1/actors").expect(200);
    assert_eq!(first.header("ratelimit-policy"), "\"burst\";q=3;w=60");
    assert_eq!(first.header("ratelimit"), "\"burst\";r=2;t=20");
    let missing = app.get("/v1/actors/nobody");
    assert!(missing.header("ratelimit").starts_with("\"burst\";r=1;t="), "{}", missing.whole());
    missing.problem(404, "not-found");
    app.get("/v1/actors").expect(200);
    let refused = app.get("/v1/actors");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    assert!(refused.header("ratelimit").starts_with("\"burst\";r=0;t="), "{}", refused.whole());
    let problem = refused.problem(429, "quota-exceeded");
    assert_eq!(problem["violated-policies"], json!(["burst"]));
    app.get("/health/ready").expect(200);
    app.editor().get("/v1/actors").expect(200);
}

fn a_key_has_more_or_a_quota_of_its_own(app: &TestApp) {
    let app = limited(app, 100, 5, &[]);
    let small = json!({"name": "Small", "role": "editor", "quota": 2});
    let made = app.admin().post("/v1/keys", small).expect(201).json();
    assert_eq!(made["quota"], 2);
    let small = app.as_(made["key"].as_str().unwrap());
    assert_eq!(small.get("/v1/actors").expect(200).header("ratelimit-policy"), "\"burst\";q=2;w=60");
    small.post("/v1/actors", actor("a", "A")).expect(201);
    small.post("/v1/actors", actor("b", "B")).problem(429, "quota-exceeded");
    assert_eq!(app.editor().get("/v1/actors").expect(200).header("ratelimit-policy"), "\"burst\";q=5;w=60");
    for quota in [json!(0), json!(-1), json!(1_000_001), json!("many")] {
        let refused = app.publisher().post("/v1/keys", json!({"name": "x", "role": "reader", "quota": quota}));
        assert!([403, 429].contains(&refused.status), "only admins make keys: {}", refused.whole());
    }
}

fn keys_that_are_not_good_are_limited_harder(app: &TestApp) {
    let app = limited(app, 1000, 1000, &[]);
    let wrong = app.as_("bw_0190f2f47d3c7a538b0a3f1d6f6a0b1c_wrong");
    let tries: Vec<u16> = (0..25).map(|_| wrong.get("/v1/actors").status).collect();
    assert_eq!(tries[..20], [401; 20]);
    assert_eq!(tries[24], 429);
    wrong.get("/v1/actors").problem(429, "quota-exceeded");
    app.get("/v1/actors").expect(200);
}

fn an_address_is_believed_only_from_a_trusted_proxy(app: &TestApp) {
    let strange = limited(app, 1, 100, &["10.0.0.0/8"]);
    strange.with("X-Forwarded-For", "192.0.2.1").get("/v1/actors").expect(200);
    strange.with("X-Forwarded-For", "192.0.2.2").get("/v1/actors").problem(429, "quota-exceeded");
    let trusting = limited(app, 1, 100, &["127.0.0.1/32", "10.0.0.0/8"]);
    trusting.with("X-Forwarded-For", "192.0.2.1").get("/v1/actors").expect(200);
    trusting.with("X-Forwarded-For", "192.0.2.2, 10.1.1.1").get("/v1/actors").expect(200);
    let with_port = trusting.with("X-Forwarded-For", "192.0.2.2:4711, [::ffff:10.1.1.1]:443");
    with_port.get("/v1/actors").problem(429, "quota-exceeded");
    // What stands left of the first stranger, the stranger said.
    trusting.with("X-Forwarded-For", "198.51.100.9, 192.0.2.1").get("/v1/actors").problem(429, "quota-exceeded");
}

fn nothing_is_limited_where_limits_are_off(app: &TestApp) {
    let answer = app.get("/v1/actors").expect(200);
    assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (String::new(), String::new()));
}
