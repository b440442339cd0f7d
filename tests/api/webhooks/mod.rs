//! Webhooks, as the partner at their other end knows them.

mod deliveries;
mod failures;
mod filters;
mod management;
mod servers;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use standardwebhooks::Webhook;
use ureq::http::{HeaderMap, HeaderName};

use crate::support::make::With;
use crate::support::{Answer, Client, Endpoint, Received, wait_until};

/// A webhook, in the hands of its owner.
struct Subscription {
    client: Client,
    path: String,
    /// As the answer showed it that made it.
    made: Value,
}

impl Subscription {
    /// Makes a webhook to an endpoint.
    #[track_caller]
    fn new(client: Client, endpoint: &Endpoint, members: Value) -> Self {
        Self::to(client, &endpoint.url, members)
    }

    #[track_caller]
    fn to(client: Client, url: &str, members: Value) -> Self {
        let made = client.post("/v1/webhooks", json!({"url": url}).with(members)).expect(201).json();
        let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
        Self { client, path, made }
    }

    fn secret(&self) -> &str {
        self.made["secret"].as_str().unwrap()
    }

    /// As it is now.
    #[track_caller]
    fn now(&self) -> Value {
        self.client.get(&self.path).expect(200).json()
    }

    fn change(&self, members: Value) -> Answer {
        self.client.patch(&self.path, members)
    }

    /// Its log, the last attempt first.
    #[track_caller]
    fn log(&self) -> Vec<Value> {
        self.client.get(&format!("{}/deliveries", self.path)).expect(200).rows()
    }

    /// Sends a test, and returns what came of it.
    #[track_caller]
    fn test(&self) -> Value {
        self.client.post_empty(&format!("{}/test", self.path)).expect(200).json()
    }

    fn rotate(&self, hours: Value) -> Answer {
        self.client.post(&format!("{}/rotate", self.path), json!({"overlap_hours": hours}))
    }

    fn redeliver(&self, what: Value) -> Answer {
        self.client.post(&format!("{}/redeliver", self.path), what)
    }

    #[track_caller]
    fn wait_for(&self, member: &str, value: impl Into<Value>) {
        let value = value.into();
        wait_until(|| self.now()[member] == value);
    }

    /// Waits until it has told of everything that its key may know of.
    #[track_caller]
    fn catch_up(&self) {
        // Much may have been written, and each message is a call and a commit.
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.now()["position"] != head(&self.client) {
            assert!(Instant::now() < deadline, "it stays behind: {}, its log: {:?}", self.now(), self.log().first());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Where the changes end that a caller may know of.
#[track_caller]
fn head(client: &Client) -> i64 {
    let mut since = 0;
    loop {
        let page = client.get(&format!("/v1/changes?limit=100&since={since}")).expect(200).json();
        match page["page"]["next"].as_i64().unwrap() {
            next if next == since => return since,
            next => since = next,
        }
    }
}

fn types(messages: &[Received]) -> Vec<String> {
    messages.iter().map(|message| message.json()["type"].as_str().unwrap().to_owned()).collect()
}

fn slugs(messages: &[Received]) -> Vec<Value> {
    messages.iter().map(|message| message.json()["data"]["slug"].clone()).collect()
}

fn ids(messages: &[Received]) -> Vec<&str> {
    messages.iter().map(|message| message.header("webhook-id")).collect()
}

/// Whether the official library takes a message for one that was signed with this secret.
fn is_signed(message: &Received, secret: &str) -> bool {
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Webhook::new(secret).unwrap().verify(&message.body, &headers).is_ok()
}

/// Compares some members of an object.
#[track_caller]
fn assert_has(object: &Value, members: Value) {
    for (name, value) in members.as_object().unwrap() {
        assert_eq!(&object[name], value, "{name} of {object}");
    }
}
