//! The corpus: an archive of any size, the same for everyone. Its actors and words are as unevenly popular as real ones are
//! (Zipf), so that a few actors have most of the history.

use std::io::{self, Write};

use chrono::{Days, NaiveDate};
use fastrand::Rng;
use serde_json::{Value, json};

const SEED: u64 = 20_170_731;
const CATEGORIES: u64 = 5;
const EVENTS_PER_BRIEF: u64 = 3;
const SERIES_PER_CATEGORY: u64 = 40;
const WORDS: usize = 20_000;
/// The days over which the briefs are spread.
const DAYS: u64 = 20 * 365;

/// An archive of so many briefs.
#[derive(Debug, Clone, Copy)]
pub struct Corpus {
    /// How many briefs it has.
    pub briefs: u64,
}

impl Corpus {
    /// How many actors it has.
    pub fn actors(self) -> u64 {
        (self.briefs / 20).clamp(200, 50_000)
    }

    /// The day on which a brief is published: the archive grows evenly.
    pub fn day(self, brief: u64) -> NaiveDate {
        start() + Days::new(brief * DAYS / self.briefs)
    }

    /// Writes it as lines to import; returns how many.
    pub fn write(self, to: &mut impl Write) -> io::Result<u64> {
        let mut maker = Maker::of(self);
        let mut lines = 0;
        let mut line = |to: &mut _, value: &Value| {
            lines += 1;
            write_line(to, value)
        };
        for number in 0..CATEGORIES {
            line(to, &category(number))?;
        }
        for number in 0..self.actors() {
            line(to, &maker.actor(number))?;
        }
        for number in 0..self.briefs {
            for part in 0..EVENTS_PER_BRIEF {
                line(to, &maker.event(number, part))?;
            }
            line(to, &maker.brief(number))?;
        }
        Ok(lines)
    }
}

fn write_line(to: &mut impl Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}

fn start() -> NaiveDate {
    NaiveDate::from_ymd_opt(2005, 1, 3).unwrap_or_default()
}

/// The slug of a brief.
pub fn brief_slug(number: u64) -> String {
    format!("brief-{number:07}")
}

/// The slug of an actor.
pub fn actor_slug(number: u64) -> String {
    format!("actor-{number:05}")
}

/// The slug of a category.
pub fn category_slug(number: u64) -> String {
    format!("category-{number}")
}

fn event_slug(brief: u64, part: u64) -> String {
    format!("event-{brief:07}-{part}")
}

fn category(number: u64) -> Value {
    json!({
        "type": "category", "slug": category_slug(number), "name": format!("Category {number}"), "position": number,
    })
}

/// Makes what a corpus is made of, always in the same order.
struct Maker {
    corpus: Corpus,
    rng: Rng,
    actors: Zipf,
    words: Zipf,
    vocabulary: Vec<String>,
}

impl Maker {
    fn of(corpus: Corpus) -> Self {
        Self {
            corpus,
            rng: Rng::with_seed(SEED),
            actors: Zipf::of(usize::try_from(corpus.actors()).unwrap_or(usize::MAX)),
            words: Zipf::of(WORDS),
            vocabulary: vocabulary(),
        }
    }

    fn actor(&mut self, number: u64) -> Value {
        let kind = *self.one_of(&["person", "organisation", "state", "group", "international"]);
        let country = *self.one_of(&["BY", "RU", "UA", "PL", "LT", "LV", "CN", "US", "DE", "FR"]);
        json!({
            "type": "actor", "slug": actor_slug(number), "name": actor_name(number), "kind": kind, "country": country,
            "description": self.text(12),
            "aliases": [{"name": format!("{} {number}", self.text(1)), "language": "en"}],
        })
    }

    fn event(&mut self, brief: u64, part: u64) -> Value {
        let day = self.corpus.day(brief) - Days::new(self.rng.u64(1..8));
        let kind = *self.one_of(&["meeting", "statement", "visit", "agreement", "appointment", "exercise", "incident"]);
        let country = *self.one_of(&["BY", "RU", "UA", "PL", "LT"]);
        let roles = ["initiator", "recipient", "participant"];
        let count = self.rng.usize(1..4);
        let participants: Vec<Value> = (self.some_actors(count).into_iter().zip(roles))
            .map(|(actor, role)| json!({"actor": actor, "role": role}))
            .collect();
        json!({
            "type": "event", "slug": event_slug(brief, part), "title": self.text(7), "description": self.text(35),
            "kind": kind, "occurred": day, "country": country, "participants": participants,
            "sources": [{
                "url": format!("https://news.example.org/{brief}/{part}"), "title": self.text(6),
                "publisher": "Example Wire", "published_on": day, "reliability": "B", "credibility": "2",
            }],
            "marking": "TLP:CLEAR", "state": "published",
        })
    }

    fn brief(&mut self, number: u64) -> Value {
        let day = self.corpus.day(number);
        let category = self.rng.u64(0..CATEGORIES);
        let status = *self.one_of(&["progress", "regress", "no_change", "mixed"]);
        let country = *self.one_of(&["BY", "RU", "UA", "PL", "LT"]);
        let trends: Vec<Value> = (0..self.rng.u64(1..4)).map(|place| self.trend(number, place, category)).collect();
        let events: Vec<String> = (0..EVENTS_PER_BRIEF).map(|part| event_slug(number, part)).collect();
        let body = [self.text(70), self.text(70), self.text(60)].join("\n\n");
        json!({
            "type": "brief", "slug": brief_slug(number), "title": self.text(9), "category": category_slug(category),
            "category_status": status, "language": "en", "country": country,
            "period": {"from": day - Days::new(7), "to": day - Days::new(1)},
            "summary": self.text(30), "body": body,
            "image": {
                "url": format!("https://images.example.org/{number}.jpg"), "alt": self.text(5), "credit": "Example Wire",
            },
            "authors": ["Example Desk"], "marking": "TLP:CLEAR", "license": "CC-BY-4.0", "state": "published",
            "published_at": format!("{day}T{:02}:{:02}:{:02}Z", 6 + number % 12, number % 60, number * 7 % 60),
            "trends": trends, "events": events,
        })
    }

    fn trend(&mut self, brief: u64, place: u64, category: u64) -> Value {
        let series = format!("series-{category}-{}", self.rng.u64(0..SERIES_PER_CATEGORY));
        let direction = *self.one_of(&["increasing", "decreasing", "stable", "unresolved"]);
        let assessment = *self.one_of(&["progress", "regress", "no_change", "mixed"]);
        let (likelihood, probability) = *self.one_of(&[("likely", 65), ("unlikely", 30), ("very_likely", 85)]);
        let outcome = *self.one_of(&["pending", "confirmed", "refuted"]);
        let count = self.rng.usize(1..3);
        json!({
            "slug": format!("trend-{brief:07}-{place}"), "statement": self.text(16), "direction": direction,
            "assessment": assessment, "series": series, "likelihood": likelihood, "probability": probability,
            "confidence": "moderate", "outcome": outcome, "actors": self.some_actors(count),
            "evidence": [event_slug(brief, place)],
        })
    }

    fn one_of<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.rng.usize(..values.len())]
    }

    fn some_actors(&mut self, count: usize) -> Vec<String> {
        let mut chosen: Vec<usize> = (0..count).map(|_| self.actors.draw(&mut self.rng)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen.into_iter().map(|number| actor_slug(number as u64)).collect()
    }

    fn text(&mut self, words: usize) -> String {
        let mut text = String::with_capacity(words * 8);
        for place in 0..words {
            let word = &self.vocabulary[self.words.draw(&mut self.rng)];
            if place == 0 {
                text.extend(word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)));
            } else {
                text.push(' ');
                text.push_str(word);
            }
        }
        text.push('.');
        text
    }
}

/// The name of an actor: the more popular it is, the shorter.
pub fn actor_name(number: u64) -> String {
    format!("{} {}", syllables(number + 7), syllables(number * 31 + 11))
}

/// The word of a rank, the most frequent first.
pub fn word(rank: u64) -> String {
    syllables(rank * 17 + 3)
}

fn vocabulary() -> Vec<String> {
    (0..WORDS as u64).map(word).collect()
}

fn syllables(number: u64) -> String {
    const SYLLABLES: [&str; 32] = [
        "ba", "ve", "gi", "do", "zhu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "fo", "khu", "tsa", "che",
        "shi", "yo", "bran", "vest", "grin", "drom", "zul", "kast", "lem", "mirn", "nov", "prut", "rast", "sten",
        "tork",
    ];
    let mut rest = number;
    let mut word = String::new();
    loop {
        word.push_str(SYLLABLES[usize::try_from(rest % 32).unwrap_or_default()]);
        rest /= 32;
        if rest == 0 {
            return word;
        }
    }
}

/// Ranks of which the second is half as likely as the first, the third a third as likely, and so on.
pub struct Zipf {
    /// How likely each rank or a lower one is, times the last.
    sums: Vec<f64>,
}

impl Zipf {
    /// So many ranks.
    pub fn of(ranks: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=ranks).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self { sums: sums.collect() }
    }

    /// One of them.
    pub fn draw(&self, rng: &mut Rng) -> usize {
        let point = rng.f64() * self.sums.last().copied().unwrap_or_default();
        self.sums.partition_point(|sum| *sum < point).min(self.sums.len() - 1)
    }
}
