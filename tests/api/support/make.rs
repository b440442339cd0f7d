//! Resources to send: each function gives the least that is valid, and [`With::with`] adds what the test is about.

use serde_json::{Value, json};

use super::{Answer, Client, TestApp};

/// Adds members to an object.
pub trait With {
    /// The same object with these members added or replaced.
    #[must_use]
    fn with(self, members: Value) -> Value;
}

impl With for Value {
    fn with(mut self, members: Value) -> Value {
        let (Some(object), Value::Object(members)) = (self.as_object_mut(), members) else {
            panic!("only objects have members");
        };
        object.extend(members);
        self
    }
}

/// A brief in the category `security`, which must be there.
pub fn brief(slug: &str) -> Value {
    json!({"slug": slug, "title": format!("About {slug}"), "category": "security", "language": "en"})
}

/// A brief that is published, on this day (such as `2017-07-31`).
pub fn published(slug: &str, day: &str) -> Value {
    brief(slug).with(json!({"state": "published", "published_at": format!("{day}T10:00:00Z")}))
}

pub fn event(slug: &str, occurred: &str) -> Value {
    json!({"slug": slug, "title": format!("What happened: {slug}"), "kind": "meeting", "occurred": occurred})
}

/// An event that everyone may see.
pub fn public_event(slug: &str, occurred: &str) -> Value {
    event(slug, occurred).with(json!({"state": "published"}))
}

pub fn actor(slug: &str, name: &str) -> Value {
    json!({"slug": slug, "name": name, "kind": "person"})
}

pub fn trend(slug: &str, direction: &str) -> Value {
    json!({"slug": slug, "statement": format!("It goes on: {slug}"), "direction": direction})
}

pub fn category(slug: &str, name: &str) -> Value {
    json!({"slug": slug, "name": name})
}

/// A page like the one that Briefwire is modelled on, as a draft. Needs [`TestApp::with_cast`].
pub fn weekly_page(slug: &str) -> Value {
    brief(slug).with(json!({
        "title": "The army gains weight",
        "category_status": "progress",
        "country": "BY",
        "period": {"from": "2017-07-24", "to": "2017-07-30"},
        "summary": "A protocol was signed.",
        "body": "Minsk and Beijing **signed** a protocol.",
        "image": {"url": "https://images.example.org/minsk.jpg", "alt": "Two flags", "credit": "People's Daily, China"},
        "authors": ["Belarus Security Desk"],
        "sources": [{"url": "https://news.example.org/1", "title": "News", "reliability": "B", "credibility": "2"}],
        "license": "CC-BY-4.0",
        "canonical_url": "https://www.example.org/briefs/1",
        "events": [
            {
                "slug": format!("{slug}-protocol"),
                "title": "A protocol is signed",
                "description": "On counter-terrorism.",
                "kind": "agreement",
                "plover": {"root": "CONSULT", "mode": "visit"},
                "occurred": "2017-07-25",
                "country": "CN",
                "location": {"name": "Minsk", "lat": 53.9, "lon": 27.57},
                "participants": [
                    {"actor": "belarus", "role": "signatory"},
                    {"actor": "china", "role": "signatory"},
                ],
                "sources": [{"publisher": "Example News", "published_on": "2017-07-25"}],
            },
            {
                "slug": format!("{slug}-meeting"),
                "title": "The president meets the Security Council",
                "kind": "meeting",
                "occurred": "2017-07-07",
                "participants": [{"actor": "lukashenka", "role": "host"}],
            },
        ],
        "trends": [
            {
                "slug": format!("{slug}-army"),
                "statement": "The army's influence grew through appointments.",
                "direction": "increasing",
                "assessment": "progress",
                "series": "army-influence",
                "likelihood": "likely",
                "probability": 70,
                "confidence": "moderate",
                "limits": "The president wants to depend on neither.",
                "horizon": "2017-12-31",
                "actors": ["lukashenka"],
                "evidence": [format!("{slug}-meeting")],
            },
            {
                "slug": format!("{slug}-china"),
                "statement": "Belarus and China expanded security cooperation.",
                "direction": "stable",
                "actors": ["belarus", "china"],
                "evidence": [format!("{slug}-protocol")],
            },
        ],
    }))
}

impl Client {
    /// Creates it in this collection (such as `briefs`), and returns it as it is read.
    #[track_caller]
    pub fn create(&self, collection: &str, body: Value) -> Value {
        self.post(&format!("/v1/{collection}"), body).expect(201).json()
    }

    /// Imports these lines, and returns the report.
    #[track_caller]
    pub fn import(&self, lines: &[Value]) -> Value {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.import_text(&text).expect(200).json()
    }

    /// Sends this to be imported.
    pub fn import_text(&self, text: &str) -> Answer {
        self.with("Content-Type", "application/x-ndjson").send("POST", "/v1/import", Some(text.as_bytes()))
    }
}

impl TestApp {
    /// Creates the category of [`brief`].
    #[track_caller]
    pub fn with_category(&self) -> &Self {
        self.publisher().create("categories", category("security", "Security"));
        self
    }

    /// Creates the category and the actors of [`weekly_page`].
    #[track_caller]
    pub fn with_cast(&self) -> &Self {
        self.with_category().with_actors(&["belarus", "china", "lukashenka"])
    }

    /// Creates actors of these slugs, named like them.
    #[track_caller]
    pub fn with_actors(&self, slugs: &[&str]) -> &Self {
        for slug in slugs {
            self.publisher().create("actors", actor(slug, slug));
        }
        self
    }
}
