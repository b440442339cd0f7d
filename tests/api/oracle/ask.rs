//! What the lists can be asked.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::archive::{Archive, MARKINGS};
use super::generate::{ACTORS, CATEGORIES, COUNTRIES, KINDS, LANGUAGES, SERIES, a_day};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Briefs,
    Events,
    Trends,
}

/// A request to a list. It has values for every parameter, and asks for a few of them.
#[derive(Debug, Clone)]
pub struct Ask {
    pub list: List,
    asked: Vec<&'static str>,
    pub actor: Vec<Name>,
    pub all_actors: Vec<Name>,
    pub category: Vec<usize>,
    pub country: Vec<&'static str>,
    pub language: Vec<&'static str>,
    pub from: When,
    pub to: When,
    pub on: NaiveDate,
    pub kind: Vec<&'static str>,
    pub direction: Vec<&'static str>,
    pub assessment: Vec<&'static str>,
    pub category_status: Vec<&'static str>,
    pub series: Vec<&'static str>,
    pub state: Vec<&'static str>,
    pub marking: Vec<usize>,
    /// Places in the list of words, each required or, the last of several, excluded.
    words: Vec<usize>,
    excludes: bool,
    sort: u8,
    pub limit: usize,
}

/// A way to name an actor, or several.
#[derive(Debug, Clone)]
pub enum Name {
    Id(usize),
    Slug(usize),
    Own(usize),
    Shouted(usize),
    Alias(usize),
    Several(Vec<Name>),
}

#[derive(Debug, Clone, Copy)]
pub enum When {
    Day(NaiveDate),
    Moment(DateTime<Utc>),
}

const OF_BRIEFS: &[&str] = &[
    "actor",
    "all_actors",
    "category",
    "country",
    "language",
    "from",
    "to",
    "on",
    "kind",
    "direction",
    "assessment",
    "category_status",
    "series",
    "state",
    "marking",
    "q",
];
const OF_EVENTS: &[&str] =
    &["actor", "all_actors", "category", "country", "from", "to", "on", "kind", "state", "marking", "q"];
const OF_TRENDS: &[&str] = &[
    "actor",
    "all_actors",
    "category",
    "country",
    "language",
    "from",
    "to",
    "on",
    "direction",
    "assessment",
    "category_status",
    "series",
    "state",
    "marking",
    "q",
];

/// Words as they are asked for, and as texts have them.
const WORDS: &[(&str, &str)] = &[
    ("appointment", "appointments"),
    ("OFFICERS", "officer"),
    ("граница", "границы"),
    ("lukasenka", "Łukašenka"),
    ("сям'я", "сям’я"),
    ("vehic", "vehicles"),
];

/// The word that the title of something has, by its slug.
pub fn title_word(slug: &str) -> &'static str {
    WORDS[sum_of(slug) % WORDS.len()].1
}

/// The word that its text has.
pub fn text_word(slug: &str) -> &'static str {
    WORDS[sum_of(slug) / WORDS.len() % WORDS.len()].1
}

fn sum_of(slug: &str) -> usize {
    slug.bytes().fold(7, |sum, byte| (sum * 31 + usize::from(byte)) % 1_000_003)
}

impl List {
    pub fn path(self) -> &'static str {
        match self {
            Self::Briefs => "/v1/briefs",
            Self::Events => "/v1/events",
            Self::Trends => "/v1/trends",
        }
    }

    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Briefs => OF_BRIEFS,
            Self::Events => OF_EVENTS,
            Self::Trends => OF_TRENDS,
        }
    }

    /// The default first.
    fn sorts(self) -> [&'static str; 4] {
        match self {
            Self::Briefs => ["-published_at", "published_at", "updated_at", "-updated_at"],
            Self::Events => ["-occurred_from", "occurred_from", "updated_at", "-updated_at"],
            Self::Trends => ["-period.to", "period.to", "updated_at", "-updated_at"],
        }
    }
}

impl Ask {
    pub fn asks_for(&self, parameter: &str) -> bool {
        self.asked.contains(&parameter)
    }

    pub fn sort(&self) -> &'static str {
        self.list.sorts()[usize::from(self.sort % 4)]
    }

    pub fn is_descending(&self) -> bool {
        self.sort().starts_with('-')
    }

    pub fn is_by_update(&self) -> bool {
        self.sort().ends_with("updated_at")
    }

    /// What it asks for as a query.
    pub fn filter(&self, archive: &Archive) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for parameter in &self.asked {
            query.extend_pairs(self.values(parameter, archive).iter().map(|value| (parameter, value)));
        }
        query.finish()
    }

    /// The same with the order, but without the limit.
    pub fn query(&self, archive: &Archive) -> String {
        let mut query = url::form_urlencoded::Serializer::new(self.filter(archive));
        // What is searched is by relevance unless it is said otherwise, and the model knows nothing of that.
        if self.sort > 3 || self.sort() != self.list.sorts()[0] || self.asks_for("q") {
            query.append_pair("sort", self.sort());
        }
        query.finish()
    }

    fn values(&self, parameter: &str, archive: &Archive) -> Vec<String> {
        let one = |value: &dyn fmt::Display| vec![value.to_string()];
        let listed = |values: &[&str]| vec![values.join(",")];
        match parameter {
            "actor" => self.actor.iter().map(|name| name.text(archive)).collect(),
            "all_actors" => self.all_actors.iter().map(|name| name.text(archive)).collect(),
            "category" => self.category.iter().map(|place| archive.categories[*place].slug.to_owned()).collect(),
            "country" => listed(&self.country),
            "language" => listed(&self.language),
            "from" => one(&self.from),
            "to" => one(&self.to),
            "on" => one(&self.on),
            "kind" => self.kind.iter().map(ToString::to_string).collect(),
            "direction" => listed(&self.direction),
            "assessment" => listed(&self.assessment),
            "category_status" => listed(&self.category_status),
            "series" => listed(&self.series),
            "state" => listed(&self.state),
            "marking" => self.marking.iter().map(|marking| MARKINGS[*marking].to_owned()).collect(),
            "q" => vec![self.text()],
            other => panic!("no parameter {other}"),
        }
    }

    fn text(&self) -> String {
        let (required, excluded) = self.parts();
        let required = required.iter().map(|place| WORDS[*place].0.to_owned());
        let excluded = excluded.iter().map(|place| format!("-{}", WORDS[*place].1));
        excluded.chain(required).collect::<Vec<_>>().join(" ")
    }

    fn parts(&self) -> (&[usize], &[usize]) {
        self.words.split_at(if self.excludes && self.words.len() > 1 { self.words.len() - 1 } else { self.words.len() })
    }

    /// Whether these words are what `q` asks for.
    pub fn is_found_in(&self, words: &[&str]) -> bool {
        let (required, excluded) = self.parts();
        let has = |place: &usize| words.contains(&WORDS[*place].1);
        !self.asks_for("q") || (required.iter().all(has) && !excluded.iter().any(has))
    }

    /// Whether words are searched for.
    pub fn searches(&self) -> bool {
        self.asks_for("q")
    }

    /// Whether its span ends before it begins, which is refused.
    pub fn is_turned_round(&self) -> bool {
        self.asks_for("from") && self.asks_for("to") && self.to.latest() < self.from.earliest()
    }
}

impl Name {
    pub fn text(&self, archive: &Archive) -> String {
        match self {
            Self::Id(place) => archive.actors[*place].facts.id.clone(),
            Self::Slug(place) => archive.actors[*place].slug.to_owned(),
            Self::Own(place) => archive.actors[*place].name.to_owned(),
            Self::Shouted(place) => archive.actors[*place].name.to_uppercase(),
            Self::Alias(place) => archive.actors[*place].aliases.last().map_or("", |alias| alias).to_owned(),
            Self::Several(names) => names.iter().map(|name| name.text(archive)).collect::<Vec<_>>().join(", "),
        }
    }
}

impl When {
    pub fn day(self) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Moment(moment) => moment.date_naive(),
        }
    }

    pub fn earliest(self) -> DateTime<Utc> {
        match self {
            Self::Day(day) => day.and_hms_opt(0, 0, 0).expect("midnight").and_utc(),
            Self::Moment(moment) => moment,
        }
    }

    pub fn latest(self) -> DateTime<Utc> {
        match self {
            Self::Day(day) => day.and_hms_micro_opt(23, 59, 59, 999_999).expect("the last moment").and_utc(),
            Self::Moment(moment) => moment,
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Moment(moment) => f.write_str(&moment.to_rfc3339()),
        }
    }
}

/// Many random requests to all lists.
pub fn asks(count: usize) -> impl Strategy<Value = Vec<Ask>> {
    prop::collection::vec(select(vec![List::Briefs, List::Events, List::Trends]).prop_flat_map(ask), count)
}

fn ask(list: List) -> impl Strategy<Value = Ask> {
    let asked = subsequence(list.parameters(), 0..=3);
    let dates = (when(), when(), a_day());
    let of_briefs = (some_of(CATEGORIES), some_of(LANGUAGES), some_of(ASSESSMENTS), some_of(states_of(list)));
    let of_trends = (some_of(DIRECTIONS), some_of(ASSESSMENTS), some_of(SERIES));
    let of_both = (some_of(COUNTRIES), some_of(KINDS), some_of(&[0, 1, 2, 3, 4]));
    let places: Vec<usize> = (0..WORDS.len()).collect();
    let words = (subsequence(places, 1..=2), any::<bool>());
    let page = (0..8_u8, 1..8_usize);
    (asked, (names(), names()), dates, of_briefs, of_trends, of_both, words, page).prop_map(
        move |(asked, (actor, all_actors), dates, of_briefs, of_trends, of_both, (words, excludes), (sort, limit))| {
            let ((from, to, on), (category, language, category_status, state)) = (dates, of_briefs);
            let ((direction, assessment, series), (country, kind, marking)) = (of_trends, of_both);
            let category = category
                .into_iter()
                .map(|slug| CATEGORIES.iter().position(|other| *other == slug).expect("it is there"))
                .collect();
            Ask {
                list,
                asked,
                actor,
                all_actors,
                category,
                country,
                language,
                from,
                to,
                on,
                kind,
                direction,
                assessment,
                category_status,
                series,
                state,
                marking,
                words,
                excludes,
                sort,
                limit,
            }
        },
    )
}

pub const DIRECTIONS: &[&str] = &["increasing", "decreasing", "stable", "unresolved"];
pub const ASSESSMENTS: &[&str] = &["progress", "regress", "no_change", "mixed"];

fn states_of(list: List) -> &'static [&'static str] {
    match list {
        List::Events => &["draft", "published"],
        List::Briefs | List::Trends => &["draft", "in_review", "scheduled", "published", "retracted"],
    }
}

/// One or two of them.
fn some_of<T: Copy + fmt::Debug + 'static>(list: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    subsequence(list, 1..=2)
}

fn when() -> impl Strategy<Value = When> {
    let day = a_day();
    let moment = (a_day(), 0..24_u32).prop_map(|(day, hour)| day.and_hms_opt(hour, 0, 0).expect("an hour").and_utc());
    prop_oneof![2 => day.prop_map(When::Day), 1 => moment.prop_map(When::Moment)]
}

fn names() -> impl Strategy<Value = Vec<Name>> {
    let several = prop::collection::vec(name(), 2).prop_map(Name::Several);
    prop::collection::vec(prop_oneof![3 => name(), 1 => several], 1..=2)
}

fn name() -> impl Strategy<Value = Name> {
    (0..ACTORS.len(), 0..5_u8).prop_map(|(place, form)| match form {
        0 => Name::Id(place),
        1 => Name::Slug(place),
        2 => Name::Own(place),
        3 => Name::Shouted(place),
        _ => Name::Alias(place),
    })
}
