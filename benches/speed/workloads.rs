//! What is asked, and the same question in SQL.

use std::iter;

use chrono::Days;
use fastrand::Rng;

use crate::corpus::{Corpus, Zipf, actor_name, actor_slug, brief_slug, word};

/// How many different requests a workload has.
const VARIETY: usize = 20_000;
/// How many of them a hot set has.
const HOT: usize = 500;

/// One kind of request.
#[derive(Clone, Copy)]
pub struct Workload {
    /// What it is called in the tables.
    pub name: &'static str,
    /// Which page of the list of briefs it asks for, if that is what it asks: such requests follow from answers, since they carry cursors.
    pub page: Option<usize>,
    /// Makes one request's path.
    ask: fn(Corpus, &Popular, &mut Rng) -> String,
    /// Makes the parameters of the same question in SQL.
    parameters: fn(Corpus, &Popular, &mut Rng) -> Vec<String>,
    /// The same question in SQL.
    pub sql: Sql,
    /// What is wanted of it, in hundredths of nginx: cold and hot; 0 where nothing is.
    pub wanted: (u32, u32),
}

/// The database of the texts, and its table.
pub const TEXTS: &str = "texts";

/// A question in SQL.
#[derive(Clone, Copy)]
pub enum Sql {
    /// To the archive. The first statement takes the parameters, each other the id that the first row of the first begins with.
    OfArchive(&'static [&'static str]),
    /// To the texts of its briefs, indexed for full text by SQLite.
    OfTexts(&'static str),
}

/// Who and what is asked for how often.
pub struct Popular {
    actors: Zipf,
    words: Zipf,
}

impl Popular {
    /// In a corpus.
    pub fn of(corpus: Corpus) -> Self {
        let ranks = |count: u64| Zipf::of(usize::try_from(count).unwrap_or(usize::MAX));
        Self { actors: ranks(corpus.actors()), words: ranks(2_000) }
    }
}

impl Workload {
    /// Its name as it stands in paths.
    pub fn id(&self) -> String {
        self.name.chars().filter(char::is_ascii_alphanumeric).collect()
    }

    /// The same questions to Datasette.
    pub fn datasette_paths(&self, corpus: Corpus) -> Vec<String> {
        let database = match self.sql {
            Sql::OfArchive(_) => "briefwire",
            Sql::OfTexts(_) => TEXTS,
        };
        let path = |parameters: Vec<String>| {
            let parameters: Vec<String> = (1..)
                .zip(parameters)
                .map(|(place, value)| format!("&p{place}={}", value.replace(' ', "%20")))
                .collect();
            format!("/{database}/{}.json?_shape=array{}", self.id(), parameters.concat())
        };
        self.questions(corpus).take(VARIETY).map(path).collect()
    }

    /// The parameters of the same questions in SQL, without an end.
    pub fn questions(&self, corpus: Corpus) -> impl Iterator<Item = Vec<String>> + use<> {
        let (parameters, popular, mut rng) = (self.parameters, Popular::of(corpus), Rng::with_seed(7));
        iter::repeat_with(move || parameters(corpus, &popular, &mut rng))
    }

    /// Its requests, each another.
    pub fn paths(&self, corpus: Corpus) -> Vec<String> {
        let (popular, mut rng) = (Popular::of(corpus), Rng::with_seed(7));
        (0..VARIETY).map(|_| (self.ask)(corpus, &popular, &mut rng)).collect()
    }

    /// The requests of a hot set: few different ones, some much more often than others.
    pub fn hot_paths(&self, corpus: Corpus) -> Vec<String> {
        let different: Vec<String> = self.paths(corpus).into_iter().take(HOT).collect();
        let (often, mut rng) = (Zipf::of(different.len()), Rng::with_seed(11));
        (0..VARIETY).map(|_| different[often.draw(&mut rng)].clone()).collect()
    }
}

/// All of them, in the order of the tables.
pub const WORKLOADS: [Workload; 11] = [
    Workload {
        name: WHOLE_BRIEF,
        page: None,
        ask: |corpus, _, rng| format!("/v1/briefs/{}", brief_slug(rng.u64(..corpus.briefs))),
        parameters: |corpus, _, rng| vec![brief_slug(rng.u64(..corpus.briefs))],
        sql: Sql::OfArchive(&[
            "SELECT * FROM briefs WHERE slug = ?1 AND until IS NULL AND (audience & 1) <> 0",
            "SELECT e.* FROM brief_events AS l JOIN events AS e ON e.id = l.event_id AND e.until IS NULL
             WHERE l.brief_id = ?1 AND l.until IS NULL ORDER BY l.ordinal",
            "SELECT p.event_id, p.role, a.id, a.slug, a.name, a.kind FROM brief_events AS l
             JOIN event_participants AS p ON p.event_id = l.event_id AND p.until IS NULL
             JOIN actors AS a ON a.id = p.actor_id AND a.until IS NULL WHERE l.brief_id = ?1 AND l.until IS NULL",
            "SELECT * FROM trends WHERE brief_id = ?1 AND until IS NULL ORDER BY position",
            "SELECT t.id, a.id, a.slug, a.name, a.kind, a.country FROM trends AS t
             JOIN trend_actors AS l ON l.trend_id = t.id AND l.until IS NULL
             JOIN actors AS a ON a.id = l.actor_id AND a.until IS NULL WHERE t.brief_id = ?1 AND t.until IS NULL",
            "SELECT t.id, e.id, e.slug, e.title, e.occurred FROM trends AS t
             JOIN trend_evidence AS l ON l.trend_id = t.id AND l.until IS NULL
             JOIN events AS e ON e.id = l.event_id AND e.until IS NULL WHERE t.brief_id = ?1 AND t.until IS NULL",
            "SELECT a.id, a.slug, a.name, a.kind, a.country FROM brief_actors AS l
             JOIN actors AS a ON a.id = l.actor_id AND a.until IS NULL WHERE l.brief_id = ?1 AND l.until IS NULL",
        ]),
        wanted: (25, 60),
    },
    Workload {
        name: "latest 20 briefs",
        page: None,
        ask: |_, _, _| "/v1/briefs?limit=20".to_owned(),
        parameters: |_, _, _| Vec::new(),
        sql: Sql::OfArchive(&["SELECT * FROM briefs WHERE until IS NULL AND (audience & 1) <> 0
             ORDER BY listed_at DESC, id DESC LIMIT 20"]),
        wanted: (25, 60),
    },
    Workload {
        name: "20 briefs by actor and dates",
        page: None,
        ask: |corpus, popular, rng| format!("/v1/briefs?{}&limit=20", actor_and_dates(corpus, popular, rng)),
        parameters: actor_and_year,
        sql: Sql::OfArchive(&["SELECT b.* FROM brief_actors AS l
             JOIN briefs AS b ON b.id = l.brief_id AND b.until IS NULL
             WHERE l.actor_id = (SELECT id FROM actors WHERE slug = ?1 AND until IS NULL)
             AND l.listed_at BETWEEN unixepoch(?2) * 1000000 AND unixepoch(?3) * 1000000
             AND l.until IS NULL AND (l.audience & 1) <> 0 ORDER BY l.listed_at DESC, l.brief_id DESC LIMIT 20"]),
        wanted: (15, 60),
    },
    Workload {
        name: "50 events by actor and dates",
        page: None,
        ask: |corpus, popular, rng| format!("/v1/events?{}&limit=50", actor_and_dates(corpus, popular, rng)),
        parameters: actor_and_year,
        sql: Sql::OfArchive(&["SELECT e.* FROM event_participants AS p
             JOIN events AS e ON e.id = p.event_id AND e.until IS NULL
             WHERE p.actor_id = (SELECT id FROM actors WHERE slug = ?1 AND until IS NULL)
             AND p.occurred_from <= ?3 AND p.occurred_to >= ?2
             AND p.until IS NULL AND (p.audience & 1) <> 0 ORDER BY p.occurred_from DESC, p.event_id DESC LIMIT 50"]),
        wanted: (8, 60),
    },
    Workload {
        name: "full text, best 20",
        page: None,
        ask: |_, popular, rng| format!("/v1/briefs?q={}&limit=20", two_words(popular, rng).replace(' ', "+")),
        parameters: |_, popular, rng| vec![two_words(popular, rng)],
        sql: Sql::OfTexts("SELECT slug, title FROM texts WHERE texts MATCH ?1 ORDER BY rank LIMIT 20"),
        wanted: (4, 60),
    },
    page::<1_000>("page 1,000"),
    page::<10_000>("page 10,000"),
    Workload {
        name: "resolve a name",
        page: None,
        ask: |_, popular, rng| format!("/v1/actors/resolve?name={}", a_name(popular, rng).replace(' ', "%20")),
        parameters: |_, popular, rng| vec![a_name(popular, rng)],
        sql: Sql::OfArchive(&[
            "SELECT a.id, a.slug, a.name, a.kind, a.country FROM actor_names AS n
             JOIN actors AS a ON a.id = n.actor_id AND a.until IS NULL WHERE n.folded = lower(?1) AND n.until IS NULL",
        ]),
        wanted: (0, 0),
    },
    Workload {
        name: "facets of a year",
        page: None,
        ask: |corpus, _, rng| {
            let [from, to] = year(corpus, rng);
            format!("/v1/briefs?from={from}&to={to}&facets=actor,category&limit=1")
        },
        parameters: |corpus, _, rng| year(corpus, rng).into(),
        sql: Sql::OfArchive(&["SELECT * FROM (SELECT l.actor_id, count(*) FROM brief_actors AS l
             WHERE l.listed_at BETWEEN unixepoch(?1) * 1000000 AND unixepoch(?2) * 1000000
             AND l.until IS NULL AND (l.audience & 1) <> 0 GROUP BY 1 ORDER BY 2 DESC LIMIT 20) AS actors
             UNION ALL SELECT * FROM (SELECT b.category_id, count(*) FROM briefs AS b
             WHERE b.listed_at BETWEEN unixepoch(?1) * 1000000 AND unixepoch(?2) * 1000000
             AND b.until IS NULL AND (b.audience & 1) <> 0 GROUP BY 1 ORDER BY 2 DESC LIMIT 20) AS categories"]),
        wanted: (0, 0),
    },
    Workload {
        name: "an actor's timeline",
        page: None,
        ask: |corpus, popular, rng| {
            format!("/v1/events/timeline?{}&interval=month", actor_and_dates(corpus, popular, rng))
        },
        parameters: actor_and_year,
        sql: Sql::OfArchive(&["SELECT substr(CAST(p.occurred_from AS TEXT), 1, 7), count(DISTINCT p.event_id)
             FROM event_participants AS p
             WHERE p.actor_id = (SELECT id FROM actors WHERE slug = ?1 AND until IS NULL)
             AND p.occurred_from <= ?3 AND p.occurred_to >= ?2
             AND p.until IS NULL AND (p.audience & 1) <> 0 GROUP BY 1 ORDER BY 1"]),
        wanted: (0, 0),
    },
    Workload {
        name: "feed",
        page: None,
        ask: |_, popular, rng| format!("/feeds/briefs.atom?actor={}", an_actor(popular, rng)),
        parameters: |_, popular, rng| vec![an_actor(popular, rng)],
        sql: Sql::OfArchive(&[
            "SELECT b.* FROM brief_actors AS l JOIN briefs AS b ON b.id = l.brief_id AND b.until IS NULL
             WHERE l.actor_id = (SELECT id FROM actors WHERE slug = ?1 AND until IS NULL)
             AND l.until IS NULL AND (l.audience & 1) <> 0 ORDER BY b.updated_at DESC, b.id DESC LIMIT 20",
        ]),
        wanted: (0, 0),
    },
];

/// A page of all briefs that can only be come to page by page.
const fn page<const NUMBER: usize>(name: &'static str) -> Workload {
    Workload {
        name,
        page: Some(NUMBER),
        ask: |_, _, _| String::new(),
        // From somewhere as far down.
        parameters: deep::<NUMBER>,
        sql: Sql::OfArchive(&["SELECT * FROM briefs WHERE until IS NULL AND (audience & 1) <> 0
             AND (listed_at, id) < (unixepoch(?1) * 1000000, x'ff') ORDER BY listed_at DESC, id DESC LIMIT 20"]),
        wanted: (15, 0),
    }
}

fn deep<const NUMBER: usize>(corpus: Corpus, _: &Popular, rng: &mut Rng) -> Vec<String> {
    vec![corpus.day(corpus.briefs.saturating_sub(20 * NUMBER as u64) + rng.u64(..1000)).to_string()]
}

/// The name of the workload of single briefs.
pub const WHOLE_BRIEF: &str = "brief by slug, whole";

/// What is asked for again by those who have it, and which workloads these answers are of.
pub const UNCHANGED: [(&str, &str); 3] =
    [("brief", WHOLE_BRIEF), ("list", "20 briefs by actor and dates"), ("feed", "feed")];

fn actor_and_year(corpus: Corpus, popular: &Popular, rng: &mut Rng) -> Vec<String> {
    let actor = an_actor(popular, rng);
    let from = corpus.day(rng.u64(..corpus.briefs));
    vec![actor, from.to_string(), (from + Days::new(365)).to_string()]
}

fn actor_and_dates(corpus: Corpus, popular: &Popular, rng: &mut Rng) -> String {
    let [actor, from, to] = actor_and_year(corpus, popular, rng).try_into().unwrap_or_default();
    format!("actor={actor}&from={from}&to={to}")
}

fn year(corpus: Corpus, rng: &mut Rng) -> [String; 2] {
    let from = corpus.day(rng.u64(..corpus.briefs));
    [from.to_string(), (from + Days::new(365)).to_string()]
}

fn an_actor(popular: &Popular, rng: &mut Rng) -> String {
    actor_slug(popular.actors.draw(rng) as u64)
}

fn a_name(popular: &Popular, rng: &mut Rng) -> String {
    actor_name(popular.actors.draw(rng) as u64)
}

fn two_words(popular: &Popular, rng: &mut Rng) -> String {
    let word = |rng: &mut Rng| word(20 + popular.words.draw(rng) as u64);
    format!("{} {}", word(rng), word(rng))
}
