//! Briefs like a given one, and why: those that an editor chose, then those that share actors, lines of judgement, events, the
//! category or telling words, the closer in time the better.

mod along;
mod compare;
pub mod strands;

use std::collections::BTreeSet;

use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::links;
use super::model::{BriefLink, BriefRow, BriefView};
use super::views;
use crate::access::Sight;
use crate::actors::model::ActorLink;
use crate::actors::store::summaries;
use crate::db::Connection;
use crate::db::schema::{brief_actors, brief_related, trends};
use crate::db::types::{Id, Timestamp};
use crate::http::body::Invalid;
use crate::http::query::Limit;
use crate::natively;
use crate::problem::Problem;
use crate::search::telling_words;
use crate::trends::model::EventLink;
use crate::trends::views::event_links;
use compare::Compared;
use strands::Reach;

/// How many a brief shows.
const SHOWN: usize = 6;
/// How many are compared closely for each one that is given.
const COMPARED_FOR_EACH: usize = 2;

const SHARED_EVENT: f64 = 4.0;
const SHARED_SERIES: f64 = 3.0;
const SHARED_ACTOR: f64 = 2.0;
const SHARED_CATEGORY: f64 = 1.0;

/// How many are given unless told otherwise.
pub const DEFAULT_LIMIT: usize = 10;

/// How many of the briefs like one to give.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct SimilarQuery {
    /// How many at most.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 10, example = 10)]
    pub limit: Option<Limit>,
    /// The time as of which to answer, not later than now.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2099-01-01T00:00:00Z")]
    pub as_of: Option<Timestamp>,
}

/// Briefs like another.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SimilarBriefs {
    /// The likest first.
    pub data: Vec<Similar>,
}

/// A brief like another.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Similar {
    /// Which.
    pub brief: BriefLink,
    /// How much alike, from 0 to 1; 1 for those that an editor chose.
    #[schema(minimum = 0.0, maximum = 1.0, example = 0.71)]
    pub score: f64,
    /// In what.
    pub why: Why,
}

/// What two briefs have in common.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Why {
    /// Whether an editor chose it.
    #[schema(example = false)]
    pub chosen: bool,
    /// The actors of both.
    pub actors: Vec<ActorLink>,
    /// The lines of judgement of both.
    #[schema(example = json!(["army-influence"]))]
    pub series: Vec<String>,
    /// The events of both.
    pub events: Vec<EventLink>,
    /// Whether they are of one category.
    #[schema(example = true)]
    pub same_category: bool,
    /// Telling words in the titles and summaries of both.
    #[schema(example = json!(["minsk", "officers"]))]
    pub terms: Vec<String>,
    /// How many days lie between their publications.
    #[schema(example = 63)]
    pub days_apart: Option<i64>,
}

/// The briefs like one as its page shows them, and how far they were looked for.
#[derive(Default)]
pub struct Neighbours {
    /// The likest first.
    pub links: Vec<BriefLink>,
    /// Beside the brief itself, those that an editor chose and its translations, it is what happens here that changes them.
    pub reaches: Vec<Reach>,
}

impl Neighbours {
    fn of((likest, reaches): (Vec<Compared>, Vec<Reach>)) -> Self {
        Self { links: likest.into_iter().map(|compared| compared.link).collect(), reaches }
    }
}

/// The briefs like this one, for its own page.
///
/// # Errors
/// When a query fails.
pub fn neighbours_beside(
    connection: &mut Connection,
    sight: Sight,
    row: &BriefRow,
    view: &BriefView,
) -> Result<Neighbours, Problem> {
    if !views::withheld(connection, sight, std::slice::from_ref(row))?.is_empty() {
        return Ok(Neighbours::default());
    }
    let chosen: Vec<Id> = view.related.iter().filter_map(|other| other.living().map(|other| other.id)).collect();
    let translations: Vec<Id> = view.translations.iter().map(|other| other.id).collect();
    Own::shown(row, view).likest(connection, sight, &chosen, &translations, SHOWN).map(Neighbours::of)
}

/// The same where nothing else is known of it.
///
/// # Errors
/// When a query fails.
pub fn neighbours(connection: &mut Connection, sight: Sight, row: &BriefRow) -> Result<Neighbours, Problem> {
    likest(connection, sight, row, SHOWN).map(Neighbours::of)
}

/// The briefs like this one that the caller may see, the likest first; neither itself nor its translations, and in its
/// language, since one brief of each group of translations is enough. What was like it in the past follows from all that
/// could be seen then: of that only what an editor chose is kept.
///
/// # Errors
/// When a query fails.
pub fn found(connection: &mut Connection, sight: Sight, row: &BriefRow, limit: usize) -> Result<Vec<Similar>, Problem> {
    let (likest, _) = likest(connection, sight, row, limit)?;
    explained(connection, sight, likest)
}

fn likest(
    connection: &mut Connection,
    sight: Sight,
    row: &BriefRow,
    limit: usize,
) -> Result<(Vec<Compared>, Vec<Reach>), Problem> {
    if !views::withheld(connection, sight, std::slice::from_ref(row))?.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let chosen = chosen(connection, sight, row)?;
    let translations = links::translations_of(connection, sight.moment, row.id)?;
    Own::of(connection, sight, row)?.likest(connection, sight, &chosen, &translations, limit)
}

fn chosen(connection: &mut Connection, sight: Sight, row: &BriefRow) -> Result<Vec<Id>, Problem> {
    Ok(natively!(connection, |native| brief_related::table
        .filter(sight.stands(brief_related::since, brief_related::until))
        .filter(brief_related::brief_id.eq(row.id))
        .order(brief_related::ordinal)
        .select(brief_related::other_id)
        .load(native))?)
}

/// What a brief may have in common with others.
struct Own<'r> {
    row: &'r BriefRow,
    actors: Vec<Id>,
    series: Vec<String>,
    events: Vec<Id>,
    terms: BTreeSet<String>,
}

impl<'r> Own<'r> {
    fn of(connection: &mut Connection, sight: Sight, row: &'r BriefRow) -> Result<Self, Problem> {
        let mut actors: Vec<Id> = natively!(connection, |native| brief_actors::table
            .filter(brief_actors::brief_id.eq(row.id))
            .filter(sight.sees(
                brief_actors::brief_id,
                brief_actors::since,
                brief_actors::until,
                brief_actors::audience,
            ))
            .select(brief_actors::actor_id)
            .order(brief_actors::actor_id)
            .load(native))?;
        // Who was erased is named by rows that stand.
        let living = summaries(connection, sight.moment, &actors)?;
        actors.retain(|actor| living.contains_key(actor));
        let series: Vec<Option<String>> = natively!(connection, |native| trends::table
            .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
            .filter(trends::brief_id.eq(row.id))
            .filter(trends::series.is_not_null())
            .order(trends::position)
            .select(trends::series)
            .load(native))?;
        let mut series: Vec<String> = series.into_iter().flatten().collect();
        series.dedup();
        let events = links::events_of(connection, sight.moment, &[row.id])?.remove(&row.id).unwrap_or_default();
        let seen = event_links(connection, sight, &events)?;
        let is_there = |event: &Id| seen.get(event).is_some_and(|link| link.living().is_some());
        let events = events.into_iter().filter(is_there).collect();
        let terms = terms_of(&row.title, row.summary.as_deref());
        Ok(Self { row, actors, series, events, terms })
    }

    /// The same, as far as the page of the brief shows it.
    fn shown(row: &'r BriefRow, view: &BriefView) -> Self {
        let mut actors: Vec<Id> = view.actors.iter().flatten().map(|actor| actor.id).collect();
        actors.sort_unstable();
        let mut series: Vec<String> = view.trends.iter().flatten().filter_map(|trend| trend.series.clone()).collect();
        series.dedup();
        let events = view.events.iter().flatten().filter_map(|event| event.living().map(|event| event.id)).collect();
        let terms = terms_of(&row.title, row.summary.as_deref());
        Self { row, actors, series, events, terms }
    }

    /// Those that an editor chose, in their order, and then those that have the most in common with it; and how far these were looked
    /// for.
    fn likest(
        &self,
        connection: &mut Connection,
        sight: Sight,
        chosen: &[Id],
        translations: &[Id],
        limit: usize,
    ) -> Result<(Vec<Compared>, Vec<Reach>), Problem> {
        let (mut ids, reaches) =
            if sight.is_now() { self.nearest(connection, sight)? } else { (Vec::new(), Vec::new()) };
        ids.retain(|id| *id != self.row.id && !translations.contains(id) && !chosen.contains(id));
        ids.truncate(limit * COMPARED_FOR_EACH);
        let all = [chosen, &ids].concat();
        let place = |id: Id| chosen.iter().position(|other| *other == id);
        let mut likest = self.compared(connection, sight, &all)?;
        for one in &mut likest {
            one.place = place(one.link.id);
        }
        likest.sort_by(|a, b| {
            let published = |one: &Compared| (one.link.published_at, one.link.id);
            let place = |one: &Compared| one.place.unwrap_or(usize::MAX);
            place(a)
                .cmp(&place(b))
                .then_with(|| b.score().total_cmp(&a.score()))
                .then_with(|| published(b).cmp(&published(a)))
        });
        likest.truncate(limit);
        Ok((likest, reaches))
    }
}

fn terms_of(title: &str, summary: Option<&str>) -> BTreeSet<String> {
    telling_words([title, summary.unwrap_or_default()])
}

/// The same with names.
fn explained(connection: &mut Connection, sight: Sight, compared: Vec<Compared>) -> Result<Vec<Similar>, Problem> {
    let actors: Vec<Id> = compared.iter().flat_map(|one| one.actors.iter().copied()).collect();
    let actors = summaries(connection, sight.moment, &actors)?;
    let events: Vec<Id> = compared.iter().flat_map(|one| one.events.iter().copied()).collect();
    let events = event_links(connection, sight, &events)?;
    Ok(compared
        .into_iter()
        .map(|one| {
            let chosen = one.place.is_some();
            let score = if chosen { 1.0 } else { one.score() };
            let why = Why {
                chosen,
                actors: one.actors.iter().filter_map(|id| actors.get(id).cloned()).map(ActorLink::from).collect(),
                series: one.series,
                events: one.events.iter().filter_map(|id| events.get(id)?.living().cloned()).collect(),
                same_category: one.same_category,
                terms: one.terms,
                days_apart: one.days_apart,
            };
            Similar { brief: one.link, score, why }
        })
        .collect())
}
