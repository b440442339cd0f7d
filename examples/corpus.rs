//! Prints a corpus for measurements, as lines that `briefwire import` and `POST /v1/import` read:
//!
//! ```text
//! cargo run --release --example corpus -- --briefs 100000 > corpus.ndjson
//! cargo run --release -- import corpus.ndjson
//! ```
//!
//! For N briefs there are 3 N events with one to four participants each, 4 N trends inside of the briefs, N/20 actors
//! (50 at least) and 10 categories. A few actors are in nearly everything and most in hardly anything, as in real
//! archives (Zipf's law); briefs run through twenty years in order, so that every line refers only to lines above it.
//! Now and then something is a draft, retracted, marked, a translation, or shares an event of the brief before it.
//!
//! The same N always gives the same bytes. Lines are written as they are made: memory holds the actors alone.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a generator whose tables and places are its own"
)]
#![allow(clippy::pedantic, reason = "a tool for developers, and nobody's interface")]

use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use chrono::{DateTime, Days, NaiveDate};
use serde_json::{Value, json};

const USAGE: &str = "usage: corpus [--briefs N]   (N is 1000 unless given)";
const CATEGORIES: &[&str] = &[
    "Ruling elite",
    "Society and political parties",
    "Security",
    "Belarus-West relations",
    "Belarus-Russia relations",
    "Economy",
    "Energy",
    "Media and information",
    "Courts and rights",
    "Regions",
];
const COUNTRIES: &[&str] = &["BY", "RU", "UA", "PL", "LT", "LV", "DE", "US", "CN", "KZ"];
const STATES: &[&str] = &[
    "Belarus",
    "Russia",
    "Ukraine",
    "Poland",
    "Lithuania",
    "Latvia",
    "Germany",
    "United States",
    "China",
    "Kazakhstan",
];
const GIVEN_NAMES: &[&str] = &[
    "Sergey", "Andrei", "Natallia", "Viktar", "Iryna", "Oleg", "Volha", "Mikhail", "Alena", "Pavel", "Tatsiana",
    "Yury", "Maryna", "Dzmitry", "Hanna", "Ihar", "Svetlana", "Aleh", "Kate", "Jan",
];
const FAMILY_NAMES: &[&str] = &[
    "Novikov",
    "Karpenka",
    "Makei",
    "Zaitsau",
    "Kavalenka",
    "Ravkov",
    "Dziadok",
    "Shulman",
    "Petrova",
    "Stankevich",
    "Lysenka",
    "Barysau",
    "Hrynko",
    "Sidarenka",
    "Klimovich",
    "Antonova",
    "Bialiatski",
    "Vaitsiakhouskaya",
    "Zhuk",
    "Mazur",
    "Nowak",
    "Fischer",
    "Smith",
    "Li",
    "Bondarenko",
];
const BODIES: &[&str] = &[
    "Ministry of Defence",
    "Ministry of the Interior",
    "State Border Committee",
    "Security Council",
    "National Bank",
    "Investigative Committee",
    "Foreign Ministry",
    "General Staff",
    "Supreme Court",
    "Customs Committee",
    "State Television",
    "Federation of Trade Unions",
    "Academy of Public Administration",
    "Union of Industrialists",
];
const EVENT_KINDS: &[(&str, &str)] = &[
    ("agreement", "sign an agreement on"),
    ("appointment", "announce an appointment in charge of"),
    ("dismissal", "explain a dismissal over"),
    ("meeting", "meet to discuss"),
    ("visit", "make a working visit devoted to"),
    ("statement", "comment on"),
    ("legislation", "put forward a bill on"),
    ("exercise", "begin an exercise centred on"),
    ("sanction", "extend restrictions connected with"),
    ("protest", "protest against plans for"),
    ("trial", "appear in court in a case about"),
    ("incident", "report an incident in the field of"),
];
const SUBJECTS: &[&str] = &[
    "border protection",
    "exchange of information",
    "the defence budget",
    "freight along the southern corridor",
    "counter-terrorism cooperation",
    "the leadership of the security agencies",
    "visa rules",
    "gas prices",
    "conscription",
    "industrial parks",
    "the status of the language",
    "local elections",
    "air defence",
    "the integration programme",
    "control of the internet",
    "prison conditions",
    "currency reserves",
    "training of officers",
    "the investigation of last year's unrest",
    "joint patrols",
];
const CLAUSES: &[&str] = &[
    "The step had been prepared for months and met little resistance inside of the administration.",
    "Officials avoided dates and figures, which suggests that the details are still disputed.",
    "Independent observers were not admitted, and the published account leaves out what was decided on financing.",
    "The timing matters more than the text: it comes shortly before talks that both sides call decisive.",
    "Nothing of this changes the balance between the agencies, but it shows who is heard at present.",
    "Comparable announcements in earlier years were followed by little; this time money has been set aside.",
    "The opposition called the decision hasty, and two parties asked for a hearing.",
    "For neighbouring countries the practical consequences begin only when the rules of procedure are known.",
];
const STATEMENTS: &[(&str, &str, &str)] = &[
    ("gains influence on", "increasing", "progress"),
    ("loses ground in matters of", "decreasing", "regress"),
    ("keeps its line on", "stable", "no_change"),
    ("has not settled its dispute about", "unresolved", "mixed"),
];
const LIKELIHOODS: &[(&str, u64, u64)] = &[
    ("very_unlikely", 5, 20),
    ("unlikely", 20, 45),
    ("roughly_even_chance", 45, 55),
    ("likely", 55, 80),
    ("very_likely", 80, 95),
];
const ROLES: &[&str] = &["initiator", "recipient", "signatory", "host", "participant", "target"];
/// Five hundred lines of judgement, fifty to a category.
const SERIES_OF_CATEGORY: u64 = 50;
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2005, 1, 3).expect("is a day");
const YEARS_IN_SECONDS: u64 = 20 * 365 * 24 * 60 * 60;

fn main() -> ExitCode {
    match briefs_wanted().map(|briefs| print_corpus(briefs, BufWriter::with_capacity(1 << 20, io::stdout().lock()))) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => fail(&error.to_string()),
        None => fail(USAGE),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

fn briefs_wanted() -> Option<u64> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Some(1000),
        ["--briefs", number] => number.parse().ok().filter(|number| *number > 0),
        _ => None,
    }
}

fn print_corpus(briefs: u64, mut output: impl Write) -> Result<(), Box<dyn Error>> {
    let mut print = |line: &Value| -> Result<(), Box<dyn Error>> {
        serde_json::to_writer(&mut output, line)?;
        Ok(output.write_all(b"\n")?)
    };
    for number in 0..CATEGORIES.len() {
        print(&category(number))?;
    }
    let mut chance = Chance::new(briefs);
    let cast = Cast::of((briefs / 20).max(50), &mut chance);
    for number in 0..cast.names.len() {
        print(&cast.actor(number, &mut chance))?;
    }
    let mut before = Vec::new();
    for number in 0..briefs {
        let mut week = Week::of(number, briefs, &cast, &mut chance);
        for event in &week.events {
            print(event)?;
        }
        print(&week.brief(&before))?;
        before = week.event_slugs();
    }
    Ok(output.flush()?)
}

// --- chance

/// A small generator of random numbers (xorshift64*): the same seed, the same corpus, on every machine.
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }

    fn place_in(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.place_in(list.len())]
    }
}

// --- categories and actors

fn category(number: usize) -> Value {
    let name = CATEGORIES[number];
    json!({
        "type": "category", "slug": slug_of(name), "name": name, "names": {"en": name}, "position": number,
        "description": format!("What the weekly briefs report under the heading of {}.", name.to_lowercase()),
    })
}

fn slug_of(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

/// All actors, and how popular each of them is.
struct Cast {
    names: Vec<String>,
    slugs: Vec<String>,
    /// How much popularity there is up to each actor: the n-th has 1/n.
    popularity: Vec<u64>,
}

impl Cast {
    fn of(count: u64, chance: &mut Chance) -> Self {
        let (mut names, mut slugs, mut popularity, mut sum) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for number in 0..count {
            let name = Self::name(names.len(), chance);
            slugs.push(format!("{}-{number}", slug_of(&name)));
            names.push(name);
            sum += 1_000_000_000 / (number + 1);
            popularity.push(sum);
        }
        Self { names, slugs, popularity }
    }

    fn name(number: usize, chance: &mut Chance) -> String {
        match (STATES.get(number), number % 4) {
            (Some(state), _) => (*state).to_owned(),
            (None, 0) => format!("{} of {}", chance.pick(BODIES), chance.pick(STATES)),
            (None, _) => format!("{} {}", chance.pick(GIVEN_NAMES), chance.pick(FAMILY_NAMES)),
        }
    }

    fn is_body(number: usize) -> bool {
        number >= STATES.len() && number.is_multiple_of(4)
    }

    fn actor(&self, number: usize, chance: &mut Chance) -> Value {
        let (name, state) = (&self.names[number], chance.place_in(STATES.len()));
        let mut actor = json!({
            "type": "actor", "slug": self.slugs[number], "name": name, "kind": "person", "country": COUNTRIES[state],
            "description": format!("{name}, as the briefs name this actor."),
            "aliases": [{"name": format!("{name} ({})", COUNTRIES[state]), "language": "en"}],
            "identifiers": {"wikidata": format!("Q{}", 1_000_000 + number)},
        });
        if number < STATES.len() {
            actor["kind"] = "state".into();
            actor["country"] = COUNTRIES[number].into();
        } else if Self::is_body(number) {
            actor["kind"] = "organisation".into();
            actor["parent"] = self.slugs[state].as_str().into();
        } else {
            let initial: String = name.chars().take(1).collect();
            let family = name.rsplit(' ').next().unwrap_or(name);
            actor["aliases"] = json!([{"name": format!("{initial}. {family}"), "language": "en"}]);
            if number > 12 && chance.one_in(3) {
                // The last body before this person: every fourth actor is one.
                let body = &self.slugs[(number - 1) / 4 * 4];
                actor["positions"] =
                    json!([{"organisation": body, "title": "Deputy head", "from": "2010", "to": null}]);
            }
        }
        actor
    }

    /// Some actors, each once, the popular ones more often.
    fn some(&self, count: u64, chance: &mut Chance) -> Vec<usize> {
        let mut chosen = Vec::new();
        for _ in 0..count {
            let mark = chance.below(*self.popularity.last().unwrap_or(&1));
            let actor = self.popularity.partition_point(|sum| *sum <= mark);
            if !chosen.contains(&actor) {
                chosen.push(actor);
            }
        }
        chosen
    }
}

// --- briefs with their events and trends

/// A brief in the making, with the events of its week.
struct Week<'a> {
    number: u64,
    cast: &'a Cast,
    chance: &'a mut Chance,
    category: usize,
    country: &'static str,
    /// Seconds since 1970.
    published_at: i64,
    marking: &'static str,
    /// Each with those who took part.
    actors: Vec<Vec<usize>>,
    events: Vec<Value>,
}

impl<'a> Week<'a> {
    fn of(number: u64, briefs: u64, cast: &'a Cast, chance: &'a mut Chance) -> Self {
        let seconds = i64::try_from(YEARS_IN_SECONDS / briefs * number).unwrap_or_default();
        let published_at = FIRST_DAY.and_hms_opt(10, 0, 0).map_or(0, |day| day.and_utc().timestamp()) + seconds;
        let marking = match chance.below(100) {
            0 => "TLP:RED",
            1..4 => "TLP:AMBER",
            4..10 => "TLP:GREEN",
            _ => "TLP:CLEAR",
        };
        let (category, country) = (chance.place_in(CATEGORIES.len()), *chance.pick(COUNTRIES));
        let (actors, events) = (Vec::new(), Vec::new());
        let mut week = Self { number, cast, chance, category, country, published_at, marking, actors, events };
        for place in 0..3 {
            let event = week.event(place);
            week.events.push(event);
        }
        week
    }

    fn day(&self) -> NaiveDate {
        DateTime::from_timestamp(self.published_at, 0).map_or(FIRST_DAY, |moment| moment.date_naive())
    }

    fn event(&mut self, place: u64) -> Value {
        let count = 1 + self.chance.below(4);
        let actors = self.cast.some(count, self.chance);
        let ((kind, does), subject) = (*self.chance.pick(EVENT_KINDS), *self.chance.pick(SUBJECTS));
        let day = self.day() - Days::new(1 + self.chance.below(7));
        let occurred = match self.chance.below(20) {
            0 => day.format("%Y-%m").to_string(),
            1 => format!("{day}/{}", day + Days::new(2)),
            2 => format!("{day}~"),
            _ => day.to_string(),
        };
        let participants: Vec<Value> = actors
            .iter()
            .map(|actor| json!({"actor": self.cast.slugs[*actor], "role": self.chance.pick(ROLES)}))
            .collect();
        let who = self.cast.names[actors[0]].clone();
        let (first, second) = (*self.chance.pick(CLAUSES), *self.chance.pick(CLAUSES));
        let event = json!({
            "type": "event", "slug": format!("event-{}-{place}", self.number), "title": format!("{who}: {does} {subject}"),
            "description": format!("{who} and others {does} {subject}. {first} {second}"), "kind": kind,
            "occurred": occurred, "country": self.country, "participants": participants, "marking": self.marking,
            "state": "published",
            "sources": [{"url": format!("https://news.example.org/{}/{place}", self.number), "publisher": "Example News",
                "published_on": day, "reliability": "B", "credibility": "2"}],
        });
        self.actors.push(actors);
        event
    }

    fn event_slugs(&self) -> Vec<String> {
        (0..self.events.len()).map(|place| format!("event-{}-{place}", self.number)).collect()
    }

    fn slug(&self, number: u64) -> String {
        format!("brief-{number}")
    }

    /// The brief; `before` are the events of the one before it, whose last one it may show too.
    fn brief(&mut self, before: &[String]) -> Value {
        let trends: Vec<Value> = (1..=4).map(|position| self.trend(position)).collect();
        let mut events = self.event_slugs();
        events.extend(before.last().filter(|_| self.chance.one_in(10)).cloned());
        let (day, subject) = (self.day(), *self.chance.pick(SUBJECTS));
        let title = format!("{}: week of {day}, {subject}", CATEGORIES[self.category]);
        let status = *self.chance.pick(&["progress", "regress", "no_change", "mixed"]);
        let body = [self.paragraph(4), self.paragraph(5), self.paragraph(4)].join("\n\n");
        let mut brief = json!({
            "type": "brief", "slug": self.slug(self.number), "title": title, "category": slug_of(CATEGORIES[self.category]),
            "category_status": status, "language": "en", "country": self.country,
            "period": {"from": day - Days::new(7), "to": day - Days::new(1)}, "summary": self.paragraph(2),
            "body": body,
            "image": {"url": format!("https://images.example.org/{}.jpg", self.number), "alt": title, "credit": "Example Agency"},
            "authors": ["Security Desk"], "marking": self.marking, "license": "CC-BY-4.0",
            "trends": trends, "events": events,
        });
        if self.number > 0 && self.chance.one_in(20) {
            brief["language"] = "ru".into();
            brief["translations"] = json!([self.slug(self.number - 1)]);
        }
        self.set_state(&mut brief);
        brief
    }

    fn set_state(&mut self, brief: &mut Value) {
        let state = match self.chance.below(200) {
            0..2 => "draft",
            2 => "retracted",
            _ => "published",
        };
        brief["state"] = state.into();
        if state != "draft" {
            brief["published_at"] = timestamp(self.published_at).into();
        }
        if state == "retracted" {
            let at = timestamp(self.published_at + 86_400);
            brief["retraction"] = json!({"at": at, "reason": "The main source withdrew its account."});
        }
    }

    fn trend(&mut self, position: usize) -> Value {
        let count = 1 + self.chance.below(2);
        let actors = self.cast.some(count, self.chance);
        let ((does, direction, assessment), subject) = (*self.chance.pick(STATEMENTS), *self.chance.pick(SUBJECTS));
        let (likelihood, low, high) = *self.chance.pick(LIKELIHOODS);
        let probability = low + self.chance.below(high - low + 1);
        let statement = format!("{} {does} {subject}.", self.cast.names[actors[0]]);
        let series = format!("{}-{}", slug_of(CATEGORIES[self.category]), self.chance.below(SERIES_OF_CATEGORY));
        let evidence = self.event_slugs().swap_remove(position % self.events.len());
        json!({
            "slug": format!("trend-{}-{position}", self.number), "statement": statement, "direction": direction,
            "assessment": assessment, "series": series, "likelihood": likelihood, "probability": probability,
            "confidence": self.chance.pick(&["low", "moderate", "high"]), "limits": self.chance.pick(CLAUSES),
            "horizon": self.day() + Days::new(90), "outcome": self.chance.pick(&["pending", "confirmed", "refuted", "mixed"]),
            "actors": actors.iter().map(|actor| &self.cast.slugs[*actor]).collect::<Vec<_>>(), "evidence": [evidence],
        })
    }

    fn paragraph(&mut self, sentences: u64) -> String {
        let who = *self.chance.pick(&self.actors.concat());
        let opening = format!(
            "**{}** stood in the middle of the debate on {}.",
            self.cast.names[who],
            self.chance.pick(SUBJECTS)
        );
        let rest = (0..sentences).map(|_| *self.chance.pick(CLAUSES));
        std::iter::once(opening.as_str()).chain(rest).collect::<Vec<_>>().join(" ")
    }
}

fn timestamp(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
