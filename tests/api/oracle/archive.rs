//! What the model holds. Things name each other by their places in the vectors.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::Caller;
use super::ask::{text_word, title_word};

/// From the widest to the narrowest circle; a marking is a place in this list.
pub const MARKINGS: [&str; 5] = ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"];

#[derive(Clone)]
pub struct Archive {
    pub categories: Vec<Category>,
    pub actors: Vec<Actor>,
    pub events: Vec<Event>,
    pub briefs: Vec<Brief>,
    /// Trends that were deleted, or whose brief was, with the place of that brief.
    pub gone_trends: Vec<(usize, Trend)>,
    /// As many of the briefs are imported, all lines at once; the others are then written one by one.
    pub imported: usize,
    /// Whether those that are imported may refer to each other in circles.
    pub circles: bool,
    /// In which order the lines of the import come.
    pub shuffle: Vec<u16>,
}

/// As the documents that are written: what a failure needs, and little more.
impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "an archive, {} briefs of which are imported:", self.imported)?;
        for (place, event) in self.events.iter().enumerate() {
            writeln!(f, "{} {:?} {}", event.slug, event.state, self.event_document(place))?;
        }
        (0..self.briefs.len()).try_for_each(|place| writeln!(f, "{}", self.new_brief_document(place, |_| true)))
    }
}

/// Who may see a thing now, at whatever time it is read: as long as it lives, who sees it; then, who saw it last.
#[derive(Debug, Clone, Default)]
pub struct Permit {
    pub seen_by: BTreeSet<Caller>,
    /// Of a brief: who may see what it says.
    pub read_by: BTreeSet<Caller>,
    /// Whether this is the past, seen from a present of these permits.
    pub veils: bool,
}

impl Permit {
    pub fn lets_see(&self, caller: Caller) -> bool {
        !self.veils || self.seen_by.contains(&caller)
    }

    pub fn lets_read(&self, caller: Caller) -> bool {
        !self.veils || self.read_by.contains(&caller)
    }

    fn veil(&self) -> Self {
        Self { veils: true, ..self.clone() }
    }
}

/// What the server decides.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub id: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Category {
    pub slug: &'static str,
    pub position: usize,
    pub facts: Facts,
}

#[derive(Debug, Clone)]
pub struct Actor {
    pub slug: &'static str,
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub kind: &'static str,
    pub country: Option<&'static str>,
    pub facts: Facts,
}

#[derive(Debug, Clone)]
pub struct Event {
    pub slug: String,
    pub kind: &'static str,
    pub occurred: Occurred,
    pub country: Option<&'static str>,
    pub marking: usize,
    /// The state that its writer gave it.
    pub state: Option<&'static str>,
    /// Whether a published brief shows it now, and did so when it was deleted.
    pub released: bool,
    pub was_released: bool,
    pub participants: Vec<(usize, &'static str)>,
    /// The brief that it is written inside of.
    pub inside_of: Option<usize>,
    /// Whether it is imported rather than written by itself.
    pub imported: bool,
    pub deleted: bool,
    pub once_seen: BTreeSet<Caller>,
    pub permit: Permit,
    pub facts: Facts,
}

/// An EDTF date with the days that it can mean.
#[derive(Debug, Clone)]
pub struct Occurred {
    pub text: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
}

#[derive(Debug, Clone)]
pub struct Brief {
    pub slug: String,
    pub category: usize,
    pub category_status: Option<&'static str>,
    pub language: &'static str,
    pub country: Option<&'static str>,
    pub period: Option<(NaiveDate, NaiveDate)>,
    pub marking: usize,
    pub state: &'static str,
    pub published_at: Option<DateTime<Utc>>,
    pub embargo: Embargo,
    pub trends: Vec<Trend>,
    pub events: Vec<usize>,
    /// Briefs of one group are translations of each other.
    pub group: Option<usize>,
    pub related: Vec<usize>,
    pub deleted: bool,
    pub once_seen: BTreeSet<Caller>,
    pub permit: Permit,
    pub facts: Facts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embargo {
    None,
    Over,
    Lasting,
}

#[derive(Debug, Clone)]
pub struct Trend {
    pub slug: String,
    pub direction: &'static str,
    pub assessment: Option<&'static str>,
    pub series: Option<&'static str>,
    pub actors: Vec<usize>,
    pub evidence: Vec<usize>,
    pub once_seen: BTreeSet<Caller>,
    pub permit: Permit,
    pub facts: Facts,
}

impl Brief {
    pub fn is_published(&self) -> bool {
        self.state == "published"
    }

    /// Whether it is or was public.
    pub fn was_published(&self) -> bool {
        ["published", "retracted"].contains(&self.state)
    }

    /// The days that its trends are found by and ordered by.
    pub fn days_of_trends(&self) -> (NaiveDate, NaiveDate) {
        self.period.unwrap_or_else(|| {
            let day = self.published_at.unwrap_or(self.facts.created_at).date_naive();
            (day, day)
        })
    }
}

impl Archive {
    /// This archive as a past one, seen from a later present.
    pub fn seen_from(&self, present: &Self) -> Self {
        let mut past = self.clone();
        for (event, now) in past.events.iter_mut().zip(&present.events) {
            event.permit = now.permit.veil();
        }
        let gone = present.gone_trends.iter().map(|(_, trend)| trend);
        let trends: Vec<&Trend> = present.briefs.iter().flat_map(|brief| &brief.trends).chain(gone).collect();
        for (brief, now) in past.briefs.iter_mut().zip(&present.briefs) {
            brief.permit = now.permit.veil();
            for trend in &mut brief.trends {
                let now = trends.iter().find(|now| now.slug == trend.slug).expect("it is nowhere lost");
                trend.permit = now.permit.veil();
            }
        }
        past
    }
}

/// The documents that say all this to the server.
impl Archive {
    pub fn category_document(&self, place: usize) -> Value {
        let category = &self.categories[place];
        json!({"slug": category.slug, "name": category.slug, "position": category.position})
    }

    pub fn actor_document(&self, place: usize) -> Value {
        let actor = &self.actors[place];
        let aliases: Vec<Value> = actor.aliases.iter().map(|name| json!({"name": name})).collect();
        json!({
            "slug": actor.slug, "name": actor.name, "kind": actor.kind, "country": actor.country, "aliases": aliases,
        })
    }

    /// The event as its writer says it: inside of a brief without the marking that it takes from there.
    pub fn event_document(&self, place: usize) -> Value {
        let event = &self.events[place];
        let participants: Vec<Value> = event
            .participants
            .iter()
            .map(|(actor, role)| json!({"actor": self.actors[*actor].slug, "role": role}))
            .collect();
        let mut document = json!({
            "slug": event.slug, "title": format!("About {} and {}", event.slug, title_word(&event.slug)),
            "description": format!("There is {} in it.", text_word(&event.slug)), "kind": event.kind,
            "occurred": event.occurred.text, "country": event.country, "marking": MARKINGS[event.marking],
            "participants": participants,
        });
        if event.inside_of.is_some_and(|brief| self.briefs[brief].marking == event.marking) {
            document["marking"] = Value::Null;
        }
        document
    }

    /// The brief as it is first written: with the events that are its own, and of translations and related briefs those
    /// that `exist` by then.
    pub fn new_brief_document(&self, place: usize, exist: impl Fn(usize) -> bool) -> Value {
        let brief = &self.briefs[place];
        let mut document = self.brief_document(place);
        document["state"] = brief.state.into();
        if let Some(published_at) = brief.published_at {
            document["published_at"] = published_at.to_rfc3339().into();
        }
        if brief.state == "retracted" {
            document["retraction"] = json!({"at": "2017-09-30T00:00:00Z", "reason": "It was wrong."});
        }
        document["events"] = brief.events.iter().map(|event| self.event_of_new_brief(place, *event)).collect();
        let earlier = (0..place).filter(|other| brief.group.is_some() && self.briefs[*other].group == brief.group);
        document["translations"] = earlier.map(|other| self.briefs[other].slug.as_str()).collect();
        let related = brief.related.iter().filter(|other| exist(**other));
        document["related"] = related.map(|other| self.briefs[*other].slug.as_str()).collect();
        document
    }

    fn event_of_new_brief(&self, brief: usize, event: usize) -> Value {
        if self.events[event].inside_of != Some(brief) {
            return self.events[event].slug.as_str().into();
        }
        let mut document = self.event_document(event);
        document["state"] = self.events[event].state.into();
        document
    }

    /// The brief as it is written again, without what a `PUT` keeps.
    pub fn brief_document(&self, place: usize) -> Value {
        let brief = &self.briefs[place];
        let slugs_of_events = |events: &[usize]| -> Value {
            let living = events.iter().filter(|event| !self.events[**event].deleted);
            living.map(|event| self.events[*event].slug.as_str()).collect()
        };
        let trends: Vec<Value> = brief
            .trends
            .iter()
            .map(|trend| {
                json!({
                    "slug": trend.slug, "statement": format!("It is so: {}, {}", trend.slug, title_word(&trend.slug)),
                    "direction": trend.direction,
                    "assessment": trend.assessment, "series": trend.series,
                    "actors": trend.actors.iter().map(|actor| self.actors[*actor].slug).collect::<Vec<_>>(),
                    "evidence": slugs_of_events(&trend.evidence),
                })
            })
            .collect();
        let mut document = json!({
            "slug": brief.slug, "title": format!("About {} and {}", brief.slug, title_word(&brief.slug)),
            "summary": "In short.", "body": format!("At *length*, on **{}**.", text_word(&brief.slug)),
            "category": self.categories[brief.category].slug, "category_status": brief.category_status,
            "language": brief.language, "country": brief.country, "marking": MARKINGS[brief.marking],
            "period": brief.period.map(|(from, to)| json!({"from": from, "to": to})),
            "trends": trends, "events": slugs_of_events(&brief.events),
            "related": self.living_briefs(&brief.related),
            "translations": self.living_briefs(&self.translations_of(place)),
            "embargo_until": match brief.embargo {
                Embargo::None => None,
                Embargo::Over => Some("2017-08-15T00:00:00Z"),
                Embargo::Lasting => Some("2099-01-01T00:00:00Z"),
            },
        });
        if brief.state == "scheduled" {
            document["scheduled_for"] = "2099-01-01T00:00:00Z".into();
        }
        document
    }

    fn living_briefs(&self, places: &[usize]) -> Vec<&str> {
        let living = places.iter().map(|place| &self.briefs[*place]).filter(|brief| !brief.deleted);
        living.map(|brief| brief.slug.as_str()).collect()
    }

    /// The other briefs of a brief's group.
    pub fn translations_of(&self, place: usize) -> Vec<usize> {
        let group = self.briefs[place].group;
        (0..self.briefs.len())
            .filter(|other| *other != place && group.is_some() && self.briefs[*other].group == group)
            .collect()
    }
}
