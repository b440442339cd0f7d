//! Random archives, small and dense: few days, actors, countries and series, so that things meet.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::archive::{Actor, Archive, Brief, Category, Embargo, Event, Facts, Occurred, Permit, Trend};
use super::ask::{ASSESSMENTS, DIRECTIONS};

pub const CATEGORIES: &[&str] = &["security", "economy", "west"];
pub const COUNTRIES: &[&str] = &["BY", "UA", "CN"];
pub const LANGUAGES: &[&str] = &["en", "ru", "be"];
pub const KINDS: &[&str] = &["agreement", "appointment", "meeting", "statement"];
pub const SERIES: &[&str] = &["army-influence", "money", "china"];
const ROLES: &[&str] = &["initiator", "recipient", "host", "participant"];

/// Slug, name, other names, kind, country. Names are shared, have commas, and are parts or slugs of other names.
/// Slug, name, aliases, kind and country.
type Portrait = (&'static str, &'static str, &'static [&'static str], &'static str, Option<&'static str>);

pub const ACTORS: &[Portrait] = &[
    ("defence", "Ministry of Defence", &["МО", "the ministry"], "organisation", Some("BY")),
    ("interior", "Ministry of the Interior", &["MVD", "The Ministry"], "organisation", Some("BY")),
    ("novikov-sergey", "Novikov, Sergey", &["Сергей Новиков", "Новиков"], "person", Some("BY")),
    ("sergey", "Sergey", &["Новиков"], "person", Some("UA")),
    ("novikov", "Novikov", &["Сяргей"], "group", None),
    ("belarus", "Belarus", &["Беларусь", "Minsk"], "state", Some("BY")),
    ("belarus-potash", "Belarus", &["minsk"], "organisation", Some("BY")),
    ("china", "China", &["PRC", "中国"], "state", Some("CN")),
    ("lukashenka", "Łukašenka", &["Lukashenka, A.", "Лукашэнка"], "person", Some("BY")),
];

const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2017, 7, 1).expect("a day");
const DAYS: u64 = 60;

pub fn a_day() -> impl Strategy<Value = NaiveDate> + Clone {
    (0..DAYS).prop_map(|days| FIRST_DAY + Days::new(days))
}

/// A random archive, nothing of which is written yet.
pub fn archive() -> impl Strategy<Value = Archive> {
    let events = prop::collection::vec(event(), 18..28);
    let briefs = prop::collection::vec(brief(), 11..17);
    let shuffle = prop::collection::vec(any::<u16>(), 48);
    (events, briefs, 0..17_usize, any::<bool>(), shuffle).prop_map(|(events, briefs, imported, circles, shuffle)| {
        let (categories, actors, imported) = (categories(), actors(), imported.min(briefs.len()));
        let gone_trends = Vec::new();
        let mut archive = Archive { categories, actors, events, briefs, gone_trends, imported, circles, shuffle };
        archive.tidy();
        archive
    })
}

fn categories() -> Vec<Category> {
    let make = |(place, slug): (usize, &&'static str)| Category { slug, position: 7 - place, facts: Facts::default() };
    CATEGORIES.iter().enumerate().map(make).collect()
}

fn actors() -> Vec<Actor> {
    ACTORS
        .iter()
        .map(|(slug, name, aliases, kind, country)| Actor {
            slug,
            name,
            aliases,
            kind,
            country: *country,
            facts: Facts::default(),
        })
        .collect()
}

fn marking() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0), 2 => Just(1), 1 => Just(2), 1 => Just(3), 2 => Just(4)]
}

fn event() -> impl Strategy<Value = Event> {
    let says = (select(KINDS), occurred(), option::of(select(COUNTRIES)), marking());
    let state = prop_oneof![2 => Just(None), 1 => Just(Some("draft")), 2 => Just(Some("published"))];
    let participants = prop::collection::vec((0..ACTORS.len(), select(ROLES)), 0..4);
    (says, state, participants, option::weighted(0.4, 0..100_usize), any::<bool>()).prop_map(
        |((kind, occurred, country, marking), state, participants, inside_of, imported)| Event {
            slug: String::new(),
            kind,
            occurred,
            country,
            marking,
            state,
            released: false,
            was_released: false,
            participants: each_once(participants),
            inside_of,
            imported,
            deleted: false,
            once_seen: BTreeSet::new(),
            permit: Permit::default(),
            facts: Facts::default(),
        },
    )
}

/// EDTF dates of all sorts.
fn occurred() -> impl Strategy<Value = Occurred> {
    (a_day(), 0..10_u64, 0..14_u8, select(vec!["", "", "?", "~", "%"])).prop_map(|(day, more, form, doubt)| {
        let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let (month, later) = (day.format("%Y-%m").to_string(), day + Days::new(more));
        let last_of_month = date(&format!("{month}-31"));
        let (text, from, to) = match form {
            0 => (format!("{month}{doubt}"), date(&format!("{month}-01")), last_of_month),
            1 => (format!("{month}-XX"), date(&format!("{month}-01")), last_of_month),
            2 => (format!("2017{doubt}"), date("2017-01-01"), date("2017-12-31")),
            3 => ("201X".to_owned(), date("2010-01-01"), date("2019-12-31")),
            4 => (format!("{day}/.."), day, date("9999-12-31")),
            5 => (format!("../{day}"), date("0001-01-01"), day),
            6 | 7 => (format!("{day}{doubt}/{later}"), day, later),
            _ => (format!("{day}{doubt}"), day, day),
        };
        Occurred { text, from, to }
    })
}

fn brief() -> impl Strategy<Value = Brief> {
    let state = prop_oneof![
        8 => Just("published"), 3 => Just("retracted"), 2 => Just("draft"), 1 => Just("in_review"), 1 => Just("scheduled"),
    ];
    let says = (0..CATEGORIES.len(), option::of(select(ASSESSMENTS)), select(LANGUAGES), option::of(select(COUNTRIES)));
    let embargo = prop_oneof![4 => Just(Embargo::None), 1 => Just(Embargo::Over), 1 => Just(Embargo::Lasting)];
    let dates = (option::weighted(0.7, (a_day(), 0..10_u64)), published_at());
    let trends = prop::collection::vec(trend(), 0..4);
    let events = prop::collection::vec(0..100_usize, 0..5);
    let links = (option::weighted(0.4, 0..3_usize), prop::collection::vec(0..100_usize, 0..3));
    (says, marking(), state, embargo, dates, trends, events, links).prop_map(
        |((category, category_status, language, country), marking, state, embargo, dates, trends, events, links)| {
            let ((period, published_at), (group, related)) = (dates, links);
            let was_published = ["published", "retracted"].contains(&state);
            Brief {
                slug: String::new(),
                category,
                category_status,
                language,
                country,
                period: period.map(|(from, days)| (from, from + Days::new(days))),
                marking,
                state,
                published_at: was_published.then_some(published_at),
                embargo,
                trends,
                events,
                group,
                related,
                deleted: false,
                once_seen: BTreeSet::new(),
                permit: Permit::default(),
                facts: Facts::default(),
            }
        },
    )
}

/// Few moments, at the edges of days, so that some are published at the same one.
fn published_at() -> impl Strategy<Value = DateTime<Utc>> {
    let times = vec![(0, 0, 0), (10, 12, 0), (23, 59, 59)];
    (0..12_u64, select(times)).prop_map(|(days, (hour, minute, second))| {
        let day = FIRST_DAY + Days::new(days * 5);
        day.and_hms_opt(hour, minute, second).expect("a time").and_utc()
    })
}

fn trend() -> impl Strategy<Value = Trend> {
    let says = (select(DIRECTIONS), option::of(select(ASSESSMENTS)), option::of(select(SERIES)));
    let actors = prop::collection::vec(0..ACTORS.len(), 0..3);
    (says, actors, prop::collection::vec(0..100_usize, 0..3)).prop_map(
        |((direction, assessment, series), actors, evidence)| Trend {
            slug: String::new(),
            direction,
            assessment,
            series,
            actors: each_once(actors),
            evidence,
            once_seen: BTreeSet::new(),
            permit: Permit::default(),
            facts: Facts::default(),
        },
    )
}

/// The list without repetitions, in its order.
pub fn each_once<T: PartialEq>(list: Vec<T>) -> Vec<T> {
    let mut once = Vec::new();
    for item in list {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    once
}

impl Archive {
    /// Makes random numbers places, and sees to it that all can be written: an event is written inside of the first
    /// brief that shows it, and no trend rests on one that is written later than itself. Where briefs are imported in
    /// circles, what several of them mention is written by itself.
    fn tidy(&mut self) {
        let (events, briefs) = (self.events.len(), self.briefs.len());
        for (number, event) in self.events.iter_mut().enumerate() {
            event.slug = format!("event-{number}");
        }
        for (number, brief) in self.briefs.iter_mut().enumerate() {
            brief.slug = format!("brief-{number}");
            brief.events = each_once(brief.events.iter().map(|place| place % events).collect());
            brief.related = each_once(brief.related.iter().map(|place| place % briefs).collect());
            brief.related.retain(|other| *other != number);
        }
        for place in 0..events {
            if let Some(wanted) = self.events[place].inside_of {
                self.put_inside(place, wanted % briefs);
            }
        }
        for (number, brief) in self.briefs.iter_mut().enumerate() {
            for (position, trend) in brief.trends.iter_mut().enumerate() {
                trend.slug = format!("trend-{number}-{position}");
                trend.evidence = each_once(trend.evidence.iter().map(|place| place % events).collect());
            }
        }
        if self.circles {
            self.put_shared_outside();
        }
        let inside_of: Vec<Option<usize>> = self.events.iter().map(|event| event.inside_of).collect();
        for (number, brief) in self.briefs.iter_mut().enumerate() {
            for trend in &mut brief.trends {
                trend.evidence.retain(|event| inside_of[*event].is_none_or(|brief| brief <= number));
            }
        }
    }

    fn put_inside(&mut self, event: usize, wanted: usize) {
        let first = self.briefs.iter().position(|brief| brief.events.contains(&event));
        let brief = first.unwrap_or(wanted);
        if first.is_none() {
            self.briefs[brief].events.push(event);
        }
        self.events[event].inside_of = Some(brief);
        self.events[event].imported = brief < self.imported;
    }

    fn put_shared_outside(&mut self) {
        for place in 0..self.events.len() {
            let mentions = |brief: &Brief| {
                brief.events.contains(&place) || brief.trends.iter().any(|trend| trend.evidence.contains(&place))
            };
            if self.briefs.iter().filter(|brief| mentions(brief)).count() > 1 {
                self.events[place].inside_of = None;
            }
        }
    }
}
