//! From a name in any spelling, or a post and a day, to the actors that may be meant: ranked, each with a reason. What is
//! ambiguous stays so.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::model::{ActorSummary, PositionRow};
use super::names;
use super::positions::{Certainty, Tenure};
use super::spelling::{Fit, Name, Reason, Wanted};
use super::store::{Summaries, names_of, summaries};
use crate::access::{Caller, Sight};
use crate::app::AppState;
use crate::db::schema::actor_positions;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks};
use crate::http::body::Invalid;
use crate::http::query::Limit;
use crate::journal;
use crate::problem::Problem;
use crate::scalars::{Day, Line};
use crate::search::{Finder, LITTLE_PATIENCE, stems_of};
use crate::vocabulary::ActorKind;

/// How many actors are compared by their names, first and in all, and how many bodies are looked at for posts.
const COMPARED_FIRST: usize = 20;
const COMPARED: usize = 60;
const BODIES: usize = 10;
/// How many posts are compared: more than any body has, and a bound all the same.
const MOST_POSTS: i64 = 5000;
/// How many candidates there are unless told otherwise, and how many are suggested for a name that nobody bears.
const DEFAULT_LIMIT: usize = 10;
const SUGGESTED: usize = 5;
/// Candidates of scores so close cannot be told apart.
const TIE: f64 = 0.02;
/// What joins a post to its body, and is of neither.
const JOINING: [&str; 6] = ["of", "the", "at", "in", "for", "to"];
/// How well a post that is named wholly scores, one that is named just well enough, and one held on uncertain dates.
const BEST_POST: f64 = 0.9;
const WORST_POST: f64 = 0.7;
const UNCERTAINTY: f64 = 0.03;

/// Whom somebody means.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct ResolveQuery {
    /// A name in any spelling or alphabet, or a post.
    #[param(value_type = String, min_length = 1, max_length = 500, example = "Лукашенко")]
    pub name: Line,
    /// The day on which a post was held.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = Date, example = "2017-08-01")]
    pub on: Option<Day>,
    /// How many candidates there are at most.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 10, example = 10)]
    pub limit: Option<Limit>,
}

/// Who may be meant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Resolution {
    /// The best first.
    pub candidates: Vec<Candidate>,
    /// Whether the first of several cannot be told apart.
    #[schema(example = false)]
    pub ambiguous: bool,
}

/// One who may be meant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Candidate {
    /// Who.
    pub actor: ActorSummary,
    /// How well it fits, from 0 to 1.
    #[schema(minimum = 0.0, maximum = 1.0, example = 0.97)]
    pub score: f64,
    /// The name, or the post, that fits.
    #[schema(example = "Аляксандр Лукашэнка")]
    pub matched: String,
    /// How it fits.
    #[schema(example = "The name sounds the same in another spelling or alphabet.")]
    pub reason: String,
}

/// Leads a name to those who may be meant.
///
/// # Errors
/// When the index or the database cannot be read.
pub fn resolve(
    connection: &mut Connection,
    sight: Sight,
    finder: &Arc<Finder>,
    text: &str,
    on: Option<NaiveDate>,
    limit: Option<usize>,
) -> Result<Resolution, Problem> {
    let bearers = by_name(connection, sight, finder, text)?;
    let mut ids: Vec<Id> = bearers.iter().map(|bearer| bearer.actor).collect();
    let mut known = summaries(connection, sight.moment, &ids)?;
    let holders = by_post(connection, sight, &bearers, &known, text, on)?;
    ids.clear();
    ids.extend(holders.iter().map(|holder| holder.actor).filter(|id| !known.contains_key(id)));
    known.extend(summaries(connection, sight.moment, &ids)?);
    let mut found = bearers;
    found.retain(|bearer| bearer.reason.is_none_or(|reason| reason < Reason::Shared));
    found.extend(holders);
    Ok(ranked(found, &known, limit.unwrap_or(DEFAULT_LIMIT)))
}

/// Somebody with what fits of him.
struct Found {
    actor: Id,
    score: f64,
    matched: String,
    /// Why his name fits; a post says so itself.
    reason: Option<Reason>,
    sentence: String,
}

impl Found {
    fn by_name(actor: Id, name: String, Fit { score, reason }: Fit) -> Self {
        Self { actor, score, matched: name, reason: Some(reason), sentence: reason.sentence().to_owned() }
    }
}

fn ranked(found: Vec<Found>, known: &Summaries, limit: usize) -> Resolution {
    let mut best: HashMap<Id, Found> = HashMap::new();
    for one in found {
        match best.get(&one.actor) {
            Some(other) if other.score >= one.score => {}
            _ => drop(best.insert(one.actor, one)),
        }
    }
    let mut candidates: Vec<Candidate> = best
        .into_values()
        .filter_map(|Found { actor, score, matched, sentence, .. }| {
            let actor = known.get(&actor)?.clone();
            Some(Candidate { actor, score: (score * 1000.0).round() / 1000.0, matched, reason: sentence })
        })
        .collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.actor.slug.cmp(&b.actor.slug)));
    let ambiguous = matches!(candidates.as_slice(), [first, second, ..] if first.score - second.score < TIE);
    candidates.truncate(limit);
    Resolution { candidates, ambiguous }
}

/// Everybody whose names come near, each by the name that comes nearest. If the name is spelled out in one of the first, the
/// others are not looked at: they share less of its keys, and would only fit worse.
fn by_name(connection: &mut Connection, sight: Sight, finder: &Arc<Finder>, text: &str) -> Result<Vec<Found>, Problem> {
    let wanted = Wanted::new(text);
    let probes = wanted.probes().into_iter().map(|key| {
        let weight = wanted.weigh(&key);
        (key, weight)
    });
    let near = finder.by_keys(&sight.caller, probes, COMPARED)?;
    let (first, others) = near.split_at(near.len().min(COMPARED_FIRST));
    let mut ids = names::bearers(connection, sight, text)?;
    ids.extend(first.iter().filter(|id| !ids.contains(id)).copied().collect::<Vec<_>>());
    let mut found = fitting(connection, sight, &wanted, &ids)?;
    if !found.iter().any(|one| one.reason.is_some_and(|reason| reason <= Reason::Spelling)) {
        let others: Vec<Id> = others.iter().filter(|id| !ids.contains(id)).copied().collect();
        found.append(&mut fitting(connection, sight, &wanted, &others)?);
    }
    Ok(found)
}

fn fitting(connection: &mut Connection, sight: Sight, wanted: &Wanted, ids: &[Id]) -> Result<Vec<Found>, Problem> {
    let mut best: HashMap<Id, (Fit, String)> = HashMap::new();
    for row in names_of(connection, sight.moment, ids)? {
        let Some(fit) = wanted.fit(&Name::new(&row.name)) else { continue };
        if best.get(&row.actor_id).is_none_or(|(other, _)| fit.score > other.score) {
            best.insert(row.actor_id, (fit, row.name));
        }
    }
    Ok(best.into_iter().map(|(actor, (fit, name))| Found::by_name(actor, name, fit)).collect())
}

/// Everybody who held a post that the text names, in one of the bodies that it names.
fn by_post(
    connection: &mut Connection,
    sight: Sight,
    named: &[Found],
    known: &Summaries,
    text: &str,
    on: Option<NaiveDate>,
) -> Result<Vec<Found>, Problem> {
    let is_body = |found: &&Found| {
        found.reason.is_some_and(|reason| reason <= Reason::Part)
            && known.get(&found.actor).is_some_and(|actor| actor.kind != ActorKind::Person)
    };
    let mut bodies: Vec<&Found> = named.iter().filter(is_body).collect();
    bodies.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.actor.cmp(&b.actor)));
    bodies.truncate(BODIES);
    let wanted = stems_of(text);
    let ids: Vec<Id> = bodies.iter().map(|body| body.actor).collect();
    let posts = posts_in(connection, sight, &ids)?;
    let found = posts.into_iter().filter_map(|post| {
        let body = bodies.iter().find(|body| body.actor == post.organisation_id)?;
        let of_body = stems_of(&body.matched);
        let is_telling = |stem: &&String| !JOINING.contains(&stem.as_str());
        let asked: HashSet<&String> = wanted.difference(&of_body).filter(is_telling).collect();
        let likeness = likeness(&asked, &stems_of(&post.title))?;
        let (uncertain, when) = held(&post, on)?;
        let score = WORST_POST + (BEST_POST - WORST_POST) * likeness - if uncertain { UNCERTAINTY } else { 0.0 };
        let organisation = known.get(&body.actor)?;
        let sentence = format!("{when} at {}.", organisation.name);
        Some(Found { actor: post.actor_id, score, matched: post.title, reason: None, sentence })
    });
    Ok(found.collect())
}

fn posts_in(connection: &mut Connection, sight: Sight, bodies: &[Id]) -> Result<Vec<PositionRow>, Problem> {
    in_chunks(bodies, |bodies| {
        actor_positions::table
            .filter(sight.stands(actor_positions::since, actor_positions::until))
            .filter(among(actor_positions::organisation_id, bodies))
            .order((actor_positions::actor_id, actor_positions::ordinal))
            .limit(MOST_POSTS)
            .select(PositionRow::as_select())
            .load(connection)
    })
}

/// How much of the words that were asked are the title's and the other way round, from 0 to 1; None if it is too little.
fn likeness(asked: &HashSet<&String>, title: &HashSet<String>) -> Option<f64> {
    let common = title.iter().filter(|stem| asked.contains(stem)).count();
    let count = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
    let likeness = 2.0 * count(common) / count((asked.len() + title.len()).max(1));
    (common > 0 && likeness >= 0.5).then_some((likeness - 0.5) * 2.0)
}

/// Whether a post was held only perhaps, and how that is said; None if it was not held on that day.
fn held(post: &PositionRow, on: Option<NaiveDate>) -> Option<(bool, String)> {
    let title = &post.title;
    let Some(day) = on else {
        return Some((false, format!("Holds or held the post `{title}`")));
    };
    match Tenure::of(post).on(day)? {
        Certainty::Certain => Some((false, format!("Held the post `{title}` on {day}"))),
        Certainty::Possible => {
            Some((true, format!("May have held the post `{title}` on {day}, whose dates are uncertain,")))
        }
    }
}

/// A problem that says who may be meant, if it is one of a name that nobody bears.
pub async fn with_candidates(state: &AppState, caller: &Caller, problem: Problem) -> Problem {
    let Some((parameter, name)) = problem.names_nobody() else {
        return problem;
    };
    let (parameter, name, caller) = (parameter.to_owned(), name.to_owned(), *caller);
    match suggested(state, caller, name.clone()).await {
        Ok(candidates) => {
            let detail = match candidates.first() {
                Some(first) => format!("no actor is called `{name}`; did you mean `{}`?", first.actor.name),
                None => format!("no actor is called `{name}`"),
            };
            let candidates: Vec<_> = candidates
                .iter()
                .map(|candidate| serde_json::json!({"slug": candidate.actor.slug, "name": candidate.actor.name}))
                .collect();
            Problem::parameter(&parameter, detail).with_member("candidates", candidates)
        }
        // What was asked is wrong all the same.
        Err(error) => {
            tracing::warn!(?error, "nobody can be suggested");
            problem
        }
    }
}

async fn suggested(state: &AppState, caller: Caller, name: String) -> Result<Vec<Candidate>, Problem> {
    let head = state.db.read(|connection| journal::head(connection).map_err(Problem::from)).await?;
    let finder = state.search.at(head.position, 0, LITTLE_PATIENCE).await?;
    let resolution = state
        .db
        .read(move |connection| resolve(connection, Sight::now(&caller), &finder, &name, None, Some(SUGGESTED)))
        .await?;
    Ok(resolution.candidates)
}
