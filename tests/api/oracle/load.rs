//! Writing an archive to a server, and changing both alike.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Archive;
use super::archive::{Facts, MARKINGS, Trend};
use super::generate::{ACTORS, each_once};
use crate::support::Client;

/// Writes everything: some by an import with its lines in any order, the rest one by one.
pub fn load(admin: &Client, archive: &mut Archive) {
    let lines = (0..archive.categories.len()).map(|place| line("category", archive.category_document(place)));
    let actors = (0..archive.actors.len()).map(|place| line("actor", archive.actor_document(place)));
    import(admin, lines.chain(actors).collect());
    for (place, event) in archive.events.iter().enumerate() {
        if event.inside_of.is_none() && !event.imported {
            admin.create("events", standalone(archive, place));
        }
    }
    import(admin, shuffled_lines(archive));
    for place in archive.imported..archive.briefs.len() {
        let document = new_brief(archive, place);
        if place % 2 == 0 {
            admin.create("briefs", document);
        } else {
            admin.put(&format!("/v1/briefs/{}", archive.briefs[place].slug), document).expect(201);
        }
    }
    for place in 0..archive.briefs.len() {
        let brief = &archive.briefs[place];
        if brief.related.iter().any(|other| !archive.is_written_before(*other, place)) {
            let related: Vec<&str> = brief.related.iter().map(|other| archive.briefs[*other].slug.as_str()).collect();
            admin.patch(&format!("/v1/briefs/{}", brief.slug), json!({"related": related})).expect(200);
        }
    }
    archive.remember();
    archive.learn(admin);
}

fn new_brief(archive: &Archive, place: usize) -> Value {
    archive.new_brief_document(place, |other| archive.is_written_before(other, place))
}

fn standalone(archive: &Archive, place: usize) -> Value {
    let mut document = archive.event_document(place);
    document["state"] = archive.events[place].state.into();
    document
}

fn shuffled_lines(archive: &Archive) -> Vec<Value> {
    let events = archive.events.iter().enumerate();
    let events = events.filter(|(_, event)| event.inside_of.is_none() && event.imported);
    let events = events.map(|(place, _)| line("event", standalone(archive, place)));
    let briefs = (0..archive.imported).map(|place| line("brief", new_brief(archive, place)));
    let mut lines: Vec<(u16, Value)> = archive.shuffle.iter().copied().cycle().zip(events.chain(briefs)).collect();
    lines.sort_by_key(|(number, _)| *number);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn line(kind: &str, mut document: Value) -> Value {
    document["type"] = kind.into();
    document
}

fn import(admin: &Client, lines: Vec<Value>) {
    let report = admin.import(&lines);
    assert_eq!((&report["created"], &report["failed"]), (&json!(lines.len()), &json!(0)), "{report}");
}

impl Archive {
    /// Whether a brief can be named when another one is first written.
    fn is_written_before(&self, other: usize, place: usize) -> bool {
        other < place || (self.circles && other < self.imported && place < self.imported)
    }

    /// Asks the server for what only it decides.
    pub fn learn(&mut self, admin: &Client) {
        for category in &mut self.categories {
            category.facts = facts(admin, "categories", category.slug);
        }
        for actor in &mut self.actors {
            actor.facts = facts(admin, "actors", actor.slug);
        }
        for event in self.events.iter_mut().filter(|event| !event.deleted) {
            event.facts = facts(admin, "events", &event.slug);
        }
        for brief in self.briefs.iter_mut().filter(|brief| !brief.deleted) {
            brief.facts = facts(admin, "briefs", &brief.slug);
            for trend in &mut brief.trends {
                trend.facts = facts(admin, "trends", &trend.slug);
            }
        }
    }
}

fn facts(admin: &Client, collection: &str, slug: &str) -> Facts {
    let read = admin.get(&format!("/v1/{collection}/{slug}?fields=id,created_at,updated_at")).expect(200).json();
    let text = |member: &str| read[member].as_str().unwrap_or_else(|| panic!("{member} of {slug}: {read}")).to_owned();
    let moment = |member: &str| text(member).parse().expect("a timestamp");
    Facts { id: text("id"), created_at: moment("created_at"), updated_at: moment("updated_at") }
}

/// A change to the archive. Numbers are taken modulo what there is; what cannot be done is passed over.
#[derive(Debug, Clone)]
pub enum Deed {
    PublishBrief(usize),
    RetractBrief(usize),
    DeleteBrief(usize),
    DeleteEvent(usize),
    DeleteTrend(usize),
    MarkBrief(usize, usize),
    MarkEvent(usize, usize),
    /// Puts other events into a brief.
    RewriteBrief(usize, Vec<usize>),
    /// Gives an event other participants.
    RecastEvent(usize, Vec<usize>),
}

pub fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = (0..9_u8, 0..100_usize, 0..5_usize, prop::collection::vec(0..100_usize, 0..4)).prop_map(
        |(deed, which, marking, others)| match deed {
            0 => Deed::PublishBrief(which),
            1 => Deed::DeleteBrief(which),
            2 => Deed::DeleteEvent(which),
            3 => Deed::DeleteTrend(which),
            4 => Deed::MarkBrief(which, marking),
            5 => Deed::MarkEvent(which, marking),
            6 => Deed::RewriteBrief(which, others),
            7 => Deed::RetractBrief(which),
            _ => Deed::RecastEvent(which, others),
        },
    );
    prop::collection::vec(deed, 0..10)
}

impl Archive {
    /// Does these to both sides, in their order.
    pub fn apply_all(&mut self, admin: &Client, deeds: &[Deed]) {
        for deed in deeds {
            self.apply(admin, deed);
        }
    }

    fn apply(&mut self, admin: &Client, deed: &Deed) {
        match deed {
            Deed::PublishBrief(which) => self.publish(admin, which % self.briefs.len()),
            Deed::RetractBrief(which) => self.retract(admin, which % self.briefs.len()),
            Deed::DeleteBrief(which) => self.delete_brief(admin, which % self.briefs.len()),
            Deed::DeleteEvent(which) => self.delete_event(admin, which % self.events.len()),
            Deed::DeleteTrend(which) => self.delete_trend(admin, which % self.briefs.len()),
            Deed::MarkBrief(which, marking) => self.mark_brief(admin, which % self.briefs.len(), *marking),
            Deed::MarkEvent(which, marking) => self.mark_event(admin, which % self.events.len(), *marking),
            Deed::RewriteBrief(which, events) => self.rewrite(admin, which % self.briefs.len(), events),
            Deed::RecastEvent(which, actors) => self.recast(admin, which % self.events.len(), actors),
        }
        self.remember();
    }

    fn publish(&mut self, admin: &Client, place: usize) {
        let brief = &mut self.briefs[place];
        if brief.deleted || brief.was_published() {
            return;
        }
        let published = admin.post_empty(&format!("/v1/briefs/{}/publish", brief.slug)).expect(200).json();
        brief.state = "published";
        brief.published_at = published["published_at"].as_str().map(|text| text.parse().expect("a timestamp"));
        assert!(brief.published_at.is_some(), "{published}");
    }

    fn retract(&mut self, admin: &Client, place: usize) {
        let brief = &mut self.briefs[place];
        if !brief.deleted && brief.is_published() {
            admin.post(&format!("/v1/briefs/{}/retract", brief.slug), json!({"reason": "It was wrong."})).expect(200);
            brief.state = "retracted";
        }
    }

    fn delete_brief(&mut self, admin: &Client, place: usize) {
        let brief = &mut self.briefs[place];
        if !brief.deleted {
            admin.delete(&format!("/v1/briefs/{}?reason=wrong", brief.slug)).expect(204);
            brief.deleted = true;
            self.gone_trends.extend(brief.trends.drain(..).map(|trend| (place, trend)));
        }
    }

    fn delete_event(&mut self, admin: &Client, place: usize) {
        let event = &mut self.events[place];
        if !event.deleted {
            admin.delete(&format!("/v1/events/{}", event.slug)).expect(204);
            event.deleted = true;
        }
    }

    fn delete_trend(&mut self, admin: &Client, place: usize) {
        let gone: Option<Trend> = self.briefs[place].trends.pop();
        if let Some(trend) = gone {
            admin.delete(&format!("/v1/trends/{}", trend.slug)).expect(204);
            self.gone_trends.push((place, trend));
        }
    }

    fn mark_brief(&mut self, admin: &Client, place: usize, marking: usize) {
        let brief = &mut self.briefs[place];
        if !brief.deleted {
            let marking_of_brief = json!({"marking": MARKINGS[marking]});
            admin.patch(&format!("/v1/briefs/{}", brief.slug), marking_of_brief).expect(200);
            brief.marking = marking;
        }
    }

    fn mark_event(&mut self, admin: &Client, place: usize, marking: usize) {
        if !self.events[place].deleted {
            self.events[place].marking = marking;
            self.events[place].inside_of = None;
            self.put_event(admin, place);
        }
    }

    fn recast(&mut self, admin: &Client, place: usize, actors: &[usize]) {
        if !self.events[place].deleted {
            let actors = each_once(actors.iter().map(|actor| actor % ACTORS.len()).collect());
            self.events[place].participants = actors.into_iter().map(|actor| (actor, "participant")).collect();
            self.events[place].inside_of = None;
            self.put_event(admin, place);
        }
    }

    /// Replaces an event as the model has it now; its state stays, since it is not said.
    fn put_event(&mut self, admin: &Client, place: usize) {
        let path = format!("/v1/events/{}", self.events[place].slug);
        admin.put(&path, self.event_document(place)).expect(200);
    }

    fn rewrite(&mut self, admin: &Client, place: usize, events: &[usize]) {
        if self.briefs[place].deleted {
            return;
        }
        let living = events.iter().map(|event| event % self.events.len()).filter(|event| !self.events[*event].deleted);
        let events = each_once(living.collect());
        self.briefs[place].events = events;
        let is_deleted: Vec<bool> = self.events.iter().map(|event| event.deleted).collect();
        for trend in &mut self.briefs[place].trends {
            trend.evidence.retain(|event| !is_deleted[*event]);
        }
        let deleted: Vec<bool> = self.briefs.iter().map(|brief| brief.deleted).collect();
        self.briefs[place].related.retain(|other| !deleted[*other]);
        admin.put(&format!("/v1/briefs/{}", self.briefs[place].slug), self.brief_document(place)).expect(200);
    }
}
