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
    /// Makes one request's path.
    ask: fn(Corpus, &Popular, &mut Rng) -> String,
    /// Makes the parameters of the same question in SQL.
    parameters: fn(Corpus, &Popular, &mut Rng) -> Vec<String>,
    /// What is wanted of it, in hundredths of nginx: cold and hot; 0 where nothing is.
    pub wanted: (u32, u32),
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
        let path = |parameters: Vec<String>| {
            let parameters: Vec<String> =
                (1..).zip(parameters).map(|(place, value)| format!("&p{place}={value}")).collect();
            format!("/briefwire/{}.json?_shape=array{}", self.id(), parameters.concat())
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
pub const WORKLOADS: [Workload; 10] = [
    Workload {
        name: WHOLE_BRIEF,
        ask: |corpus, _, rng| format!("/v1/briefs/{}", brief_slug(rng.u64(..corpus.briefs))),
        parameters: |corpus, _, rng| vec![brief_slug(rng.u64(..corpus.briefs))],
        wanted: (25, 60),
    },
    Workload {
        name: "latest 20 briefs",
        ask: |_, _, _| "/v1/briefs?limit=20".to_owned(),
        parameters: |_, _, _| Vec::new(),
        wanted: (25, 60),
    },
    Workload {
        name: "20 briefs by actor and dates",
        ask: |corpus, popular, rng| format!("/v1/briefs?{}&limit=20", actor_and_dates(corpus, popular, rng)),
        parameters: actor_and_year,
        wanted: (15, 60),
    },
    Workload {
        name: "50 events by actor and dates",
        ask: |corpus, popular, rng| format!("/v1/events?{}&limit=50", actor_and_dates(corpus, popular, rng)),
        parameters: actor_and_year,
        wanted: (8, 60),
    },
    Workload {
        name: "full text, best 20",
        ask: |_, popular, rng| {
            let word = |rng: &mut Rng| word(20 + popular.words.draw(rng) as u64);
            format!("/v1/briefs?q={}+{}&limit=20", word(rng), word(rng))
        },
        parameters: |_, _, _| Vec::new(),
        wanted: (4, 60),
    },
    Workload {
        name: DEEP_PAGE,
        ask: |_, _, _| String::new(),
        parameters: |corpus, _, rng| {
            vec![corpus.day(corpus.briefs.saturating_sub(20_000) + rng.u64(..1000)).to_string()]
        },
        wanted: (15, 0),
    },
    Workload {
        name: "resolve a name",
        ask: |_, popular, rng| {
            let name = actor_name(popular.actors.draw(rng) as u64).replace(' ', "%20");
            format!("/v1/actors/resolve?name={name}")
        },
        parameters: |_, _, _| Vec::new(),
        wanted: (0, 0),
    },
    Workload {
        name: "facets of a year",
        ask: |corpus, _, rng| format!("/v1/briefs?{}&facets=actor,category&limit=1", year(corpus, rng)),
        parameters: |_, _, _| Vec::new(),
        wanted: (0, 0),
    },
    Workload {
        name: "an actor's timeline",
        ask: |corpus, popular, rng| {
            format!("/v1/events/timeline?{}&interval=month", actor_and_dates(corpus, popular, rng))
        },
        parameters: |_, _, _| Vec::new(),
        wanted: (0, 0),
    },
    Workload {
        name: "feed",
        ask: |_, popular, rng| format!("/feeds/briefs.atom?actor={}", actor_slug(popular.actors.draw(rng) as u64)),
        parameters: |_, _, _| Vec::new(),
        wanted: (0, 0),
    },
];

/// The name of the workload of single briefs.
pub const WHOLE_BRIEF: &str = "brief by slug, whole";

/// The name of the one workload whose requests follow from answers: they carry cursors.
pub const DEEP_PAGE: &str = "page 1,000";

/// What is asked for again by those who have it, and which workloads these answers are of.
pub const UNCHANGED: [(&str, &str); 3] =
    [("brief", WHOLE_BRIEF), ("list", "20 briefs by actor and dates"), ("feed", "feed")];

fn actor_and_year(corpus: Corpus, popular: &Popular, rng: &mut Rng) -> Vec<String> {
    let actor = actor_slug(popular.actors.draw(rng) as u64);
    let from = corpus.day(rng.u64(..corpus.briefs));
    vec![actor, from.to_string(), (from + Days::new(365)).to_string()]
}

fn actor_and_dates(corpus: Corpus, popular: &Popular, rng: &mut Rng) -> String {
    let [actor, from, to] = actor_and_year(corpus, popular, rng).try_into().unwrap_or_default();
    format!("actor={actor}&from={from}&to={to}")
}

fn year(corpus: Corpus, rng: &mut Rng) -> String {
    let from = corpus.day(rng.u64(..corpus.briefs));
    format!("from={from}&to={}", from + Days::new(365))
}
