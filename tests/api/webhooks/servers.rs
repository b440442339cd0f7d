//! Several servers on one database, and partners that die.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use briefwire::config::Config;
use serde_json::{Value, json};

use super::{Subscription, ids};
use crate::support::make::published;
use crate::support::{Endpoint, TestApp, writers};

on_both!(
    two_servers_deliver_each_message_once_and_one_takes_over,
    a_partner_ends_with_what_is_public_whatever_twenty_writers_do,
);

fn two_servers_deliver_each_message_once_and_one_takes_over(app: &TestApp) {
    let database = app.database().another();
    let (first, second) = (TestApp::over(database.same()), TestApp::over(database.same()));
    first.with_category();
    let endpoint = Endpoint::new();
    Subscription::new(second.reader(), &endpoint, json!({}));
    let write = |server: &TestApp, slug: &str| drop(server.publisher().create("briefs", published(slug, "2017-07-31")));
    for number in 0..20 {
        write(if number % 2 == 0 { &first } else { &second }, &format!("page-{number}"));
    }
    let mut messages = endpoint.next_of(20);
    // Whichever of them delivers, the other goes on: it ends, and another comes.
    drop(first);
    write(&second, "page-20");
    messages.extend(endpoint.next_of(1));
    let third = TestApp::over(database.same());
    drop(second);
    write(&third, "page-21");
    messages.extend(endpoint.next_of(1));
    assert_eq!(ids(&messages).into_iter().collect::<BTreeSet<_>>().len(), 22, "something came twice");
}

fn a_partner_ends_with_what_is_public_whatever_twenty_writers_do(app: &TestApp) {
    for seed in writers::seeds() {
        // Two servers: the first delivers until it ends, in the midst of it.
        let database = app.database().another();
        let impatient = |config: &mut Config| config.webhooks.retries = vec![Duration::from_millis(5); 100];
        let mut delivering = Some(TestApp::configured(database.same(), impatient));
        let app = &TestApp::configured(database.same(), impatient);
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
        let webhook = Subscription::new(app.reader(), &endpoint, json!({"since": 0}));
        writers::while_twenty_write(app, seed, || {
            if webhook.now()["position"].as_u64() > Some(40 + seed % 50) {
                delivering = None;
            }
        });
        webhook.catch_up();
        writers::compare_with_what_is_public(app, copy.lock().unwrap().clone(), seed);
    }
}
