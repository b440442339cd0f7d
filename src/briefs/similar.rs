//! Briefs like a given one, and why: those that an editor chose, then those that share actors, lines of judgement, events, the
//! category or telling words, the closer in time the better.

use std::collections::{BTreeSet, HashMap, HashSet};

use deserr::Deserr;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::links;
use super::model::{BriefLink, BriefRow, BriefView, Image, last_published};
use super::views;
use crate::access::{Sees, Sight};
use crate::actors::model::ActorLink;
use crate::actors::store::summaries;
use crate::db::schema::{brief_actors, brief_events, brief_related, briefs, trends};
use crate::db::types::sql::Identifier;
use crate::db::types::{Id, Json, Timestamp};
use crate::db::{Connection, UnionAll, among, grouped, in_chunks};
use crate::http::body::Invalid;
use crate::http::query::Limit;
use crate::natively;
use crate::problem::Problem;
use crate::search::telling_words;
use crate::trends::model::EventLink;
use crate::trends::views::event_links;
use crate::vocabulary::BriefState;

/// How many a brief shows.
const SHOWN: usize = 6;
/// How many actors, lines of judgement and events are followed, and how many briefs along each before and after this one:
/// the cost is bounded however popular an actor is.
const FOLLOWED: usize = 6;
const ALONG_EACH: i64 = 5;
/// How many are compared closely for each one that is given.
const COMPARED_FOR_EACH: usize = 2;

const SHARED_EVENT: f64 = 4.0;
const SHARED_SERIES: f64 = 3.0;
const SHARED_ACTOR: f64 = 2.0;
const SHARED_CATEGORY: f64 = 1.0;
const SHARED_TERM: f64 = 0.4;
const MOST_TERMS: usize = 8;
/// What is far away in time counts this much of what is near, and how many days make a difference.
const FAR: f64 = 0.6;
const DAYS: f64 = 60.0;
/// A sum of so much scores 0.63.
const SCALE: f64 = 8.0;

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

/// The briefs like this one, for its own page.
///
/// # Errors
/// When a query fails.
pub fn links_to(
    connection: &mut Connection,
    sight: Sight,
    row: &BriefRow,
    view: &BriefView,
) -> Result<Vec<BriefLink>, Problem> {
    if !views::withheld(connection, sight, std::slice::from_ref(row))?.is_empty() {
        return Ok(Vec::new());
    }
    let chosen: Vec<Id> = view.related.iter().filter_map(|other| other.living().map(|other| other.id)).collect();
    let translations: Vec<Id> = view.translations.iter().map(|other| other.id).collect();
    let likest = Own::shown(row, view).likest(connection, sight, &chosen, &translations, SHOWN)?;
    Ok(likest.into_iter().map(|compared| compared.link).collect())
}

/// The same where nothing else is known of it.
///
/// # Errors
/// When a query fails.
pub fn links(connection: &mut Connection, sight: Sight, row: &BriefRow) -> Result<Vec<BriefLink>, Problem> {
    Ok(likest(connection, sight, row, SHOWN)?.into_iter().map(|compared| compared.link).collect())
}

/// The briefs like this one that the caller may see, the likest first; neither itself nor its translations, and in its
/// language, since one brief of each group of translations is enough. What was like it in the past follows from all that
/// could be seen then: of that only what an editor chose is kept.
///
/// # Errors
/// When a query fails.
pub fn found(connection: &mut Connection, sight: Sight, row: &BriefRow, limit: usize) -> Result<Vec<Similar>, Problem> {
    let likest = likest(connection, sight, row, limit)?;
    explained(connection, sight, likest)
}

fn likest(connection: &mut Connection, sight: Sight, row: &BriefRow, limit: usize) -> Result<Vec<Compared>, Problem> {
    if !views::withheld(connection, sight, std::slice::from_ref(row))?.is_empty() {
        return Ok(Vec::new());
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

/// Queries for briefs, each for a reason of its own: the number of the reason, and the brief.
type Along<'q> = UnionAll<'q, (Integer, Identifier)>;

/// What is read of another brief.
#[derive(Queryable)]
struct Columns {
    id: Id,
    slug: String,
    title: String,
    language: String,
    published_at: Option<Timestamp>,
    image: Option<Json<Image>>,
    category_id: Id,
    summary: Option<String>,
    state: BriefState,
}

/// Another brief, and what of a brief's own it has too.
struct Compared {
    link: BriefLink,
    /// Its place among those that an editor chose.
    place: Option<usize>,
    actors: Vec<Id>,
    series: Vec<String>,
    events: Vec<Id>,
    same_category: bool,
    terms: Vec<String>,
    days_apart: Option<i64>,
}

impl Compared {
    fn score(&self) -> f64 {
        let count = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
        let shared = SHARED_EVENT * count(self.events.len())
            + SHARED_SERIES * count(self.series.len())
            + SHARED_ACTOR * count(self.actors.len())
            + SHARED_TERM * count(self.terms.len())
            + if self.same_category { SHARED_CATEGORY } else { 0.0 };
        let days = self.days_apart.and_then(|days| i32::try_from(days).ok()).map_or(f64::MAX, f64::from);
        let closeness = FAR + (1.0 - FAR) * (-days / DAYS).exp();
        ((1.0 - (-shared * closeness / SCALE).exp()) * 1000.0).round() / 1000.0
    }
}

impl<'r> Own<'r> {
    fn of(connection: &mut Connection, sight: Sight, row: &'r BriefRow) -> Result<Self, Problem> {
        let actors = natively!(connection, |native| brief_actors::table
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

    /// Those that an editor chose, in their order, and then those that have the most in common with it.
    fn likest(
        &self,
        connection: &mut Connection,
        sight: Sight,
        chosen: &[Id],
        translations: &[Id],
        limit: usize,
    ) -> Result<Vec<Compared>, Problem> {
        let mut ids: Vec<Id> = if sight.is_now() { self.nearest(connection, sight)? } else { Vec::new() };
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
        Ok(likest)
    }

    /// The briefs that are found along anything of its own, those found along the most first.
    fn nearest(&self, connection: &mut Connection, sight: Sight) -> Result<Vec<Id>, Problem> {
        let mut along = Along::default();
        let mut weights = Vec::new();
        for is_before in [true, false] {
            for actor in self.actors.iter().take(FOLLOWED) {
                self.along_actor(&mut along, number(&mut weights, SHARED_ACTOR), sight, *actor, is_before);
            }
            for series in self.series.iter().take(FOLLOWED) {
                self.along_series(&mut along, number(&mut weights, SHARED_SERIES), sight, series, is_before);
            }
            self.along_category(&mut along, number(&mut weights, SHARED_CATEGORY), sight, is_before);
        }
        if !self.events.is_empty() {
            self.along_events(&mut along, number(&mut weights, SHARED_EVENT), sight);
        }
        // A brief has several trends of a line of judgement at times.
        let found: HashSet<(i32, Id)> = natively!(connection, |native| along.load(native))?.into_iter().collect();
        let mut scores: HashMap<Id, f64> = HashMap::new();
        for (number, id) in found {
            let weight = usize::try_from(number).ok().and_then(|number| weights.get(number)).copied();
            *scores.entry(id).or_default() += weight.unwrap_or_default();
        }
        let mut ids: Vec<Id> = scores.keys().copied().collect();
        ids.sort_by(|a, b| {
            let rank = |id: &Id| scores.get(id).copied().unwrap_or_default();
            rank(b).total_cmp(&rank(a)).then(b.cmp(a))
        });
        Ok(ids)
    }

    fn fits(&self, sight: Sight) -> Fits {
        fits(sight, self.row.id, self.row.language.clone())
    }

    /// Whether a brief fits is asked of each brief along the way, and not joined: a database that has no statistics yet would
    /// begin with all briefs of the language. What is not published fits never, and is not gone through.
    fn along_actor<'q>(&'q self, along: &mut Along<'q>, number: i32, sight: Sight, actor: Id, is_before: bool) {
        use brief_actors::{actor_id, audience, brief_id, listed_at, since, until};
        let fitting = briefs::table.filter(briefs::id.eq(brief_id)).filter(self.fits(sight));
        let query = brief_actors::table
            .filter(actor_id.eq(actor))
            .filter(sight.sees(brief_id, since, until, audience))
            .filter(exists(fitting))
            .limit(ALONG_EACH)
            .select((number.into_sql::<Integer>(), brief_id));
        if is_before {
            let last = self.row.listed_at.min(last_published());
            along.add(query.filter(listed_at.le(last)).order((listed_at.desc(), brief_id.desc())));
        } else {
            let within = listed_at.gt(self.row.listed_at).and(listed_at.le(last_published()));
            along.add(query.filter(within).order((listed_at, brief_id)));
        }
    }

    fn along_series<'q>(&'q self, along: &mut Along<'q>, number: i32, sight: Sight, series: &'q str, is_before: bool) {
        let day = self.row.period_of_trends().1;
        let fitting = briefs::table.filter(briefs::id.eq(trends::brief_id)).filter(self.fits(sight));
        let query = trends::table
            .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
            .filter(trends::series.eq(series))
            .filter(exists(fitting))
            .limit(ALONG_EACH)
            .select((number.into_sql::<Integer>(), trends::brief_id));
        if is_before {
            along.add(query.filter(trends::period_to.le(day)).order((trends::period_to.desc(), trends::id.desc())));
        } else {
            along.add(query.filter(trends::period_to.gt(day)).order((trends::period_to, trends::id)));
        }
    }

    fn along_category<'q>(&'q self, along: &mut Along<'q>, number: i32, sight: Sight, is_before: bool) {
        use briefs::{category_id, id, listed_at};
        let query = briefs::table
            .filter(category_id.eq(self.row.category_id))
            .filter(self.fits(sight))
            .limit(ALONG_EACH)
            .select((number.into_sql::<Integer>(), id));
        if is_before {
            let last = self.row.listed_at.min(last_published());
            along.add(query.filter(listed_at.le(last)).order((listed_at.desc(), id.desc())));
        } else {
            let within = listed_at.gt(self.row.listed_at).and(listed_at.le(last_published()));
            along.add(query.filter(within).order((listed_at, id)));
        }
    }

    fn along_events<'q>(&'q self, along: &mut Along<'q>, number: i32, sight: Sight) {
        let events: Vec<Id> = self.events.iter().copied().take(FOLLOWED).collect();
        let query = brief_events::table
            .inner_join(briefs::table.on(briefs::id.eq(brief_events::brief_id)))
            .filter(brief_events::until.is_null())
            .filter(among(brief_events::event_id, &events))
            .filter(self.fits(sight))
            .order((briefs::listed_at.desc(), briefs::id.desc()))
            .limit(2 * ALONG_EACH)
            .select((number.into_sql::<Integer>(), brief_events::brief_id));
        along.add(query);
    }

    /// What these have in common with it, as far as the caller sees them.
    fn compared(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<Vec<Compared>, Problem> {
        let others = in_chunks::<_, Columns, Problem>(ids, |ids| {
            natively!(connection, |native| briefs::table
                .filter(sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience))
                .filter(among(briefs::id, ids))
                .select((
                    briefs::id,
                    briefs::slug,
                    briefs::title,
                    briefs::language,
                    briefs::published_at,
                    briefs::image,
                    briefs::category_id,
                    briefs::summary,
                    briefs::state,
                ))
                .load(native))
        })?;
        let states: Vec<(Id, BriefState)> = others.iter().map(|other| (other.id, other.state)).collect();
        let withheld = views::withheld_of(connection, sight, &states)?;
        let mut actors = self.shared_actors(connection, sight, ids)?;
        let mut series = self.shared_series(connection, sight, ids)?;
        let mut events = links::events_of(connection, sight.moment, ids)?;
        Ok(others
            .into_iter()
            .map(|Columns { id, slug, title, language, published_at, image, category_id, summary, .. }| {
                let link = BriefLink { id, slug, title, language, published_at, image: image.map(|Json(image)| image) };
                // A retracted one has nothing in common with others but its name.
                let is_open = !withheld.contains(&id);
                let theirs: HashSet<Id> =
                    if is_open { events.remove(&id) } else { None }.into_iter().flatten().collect();
                let words = terms_of(&link.title, summary.as_deref().filter(|_| is_open));
                Compared {
                    place: None,
                    actors: if is_open { actors.remove(&id) } else { None }.unwrap_or_default(),
                    series: if is_open { series.remove(&id) } else { None }.unwrap_or_default(),
                    events: self.events.iter().copied().filter(|event| theirs.contains(event)).collect(),
                    same_category: category_id == self.row.category_id,
                    terms: self.terms.intersection(&words).take(MOST_TERMS).cloned().collect(),
                    days_apart: days_between(self.row.published_at, link.published_at),
                    link,
                }
            })
            .collect())
    }

    fn shared_actors(
        &self,
        connection: &mut Connection,
        sight: Sight,
        ids: &[Id],
    ) -> Result<HashMap<Id, Vec<Id>>, Problem> {
        use brief_actors::{actor_id, audience, brief_id, since, until};
        if !sight.is_now() {
            // What is derived holds for the present: some of what linked them then may be hidden now.
            return Ok(HashMap::new());
        }
        let rows = in_chunks::<_, (Id, Id), Problem>(ids, |ids| {
            natively!(connection, |native| brief_actors::table
                .filter(sight.sees(brief_id, since, until, audience))
                .filter(among(brief_id, ids))
                .order((brief_id, actor_id))
                .select((brief_id, actor_id))
                .load(native))
        })?;
        let own: HashSet<&Id> = self.actors.iter().collect();
        Ok(grouped(rows.into_iter().filter(|(_, actor)| own.contains(actor))))
    }

    fn shared_series(
        &self,
        connection: &mut Connection,
        sight: Sight,
        ids: &[Id],
    ) -> Result<HashMap<Id, Vec<String>>, Problem> {
        if self.series.is_empty() || ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = in_chunks::<_, (Id, Option<String>), Problem>(ids, |ids| {
            natively!(connection, |native| trends::table
                .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
                .filter(among(trends::brief_id, ids))
                .order((trends::brief_id, trends::position))
                .select((trends::brief_id, trends::series))
                .load(native))
        })?;
        let mut shared: HashMap<Id, Vec<String>> = HashMap::new();
        for (brief, series) in rows {
            let of_brief = shared.entry(brief).or_default();
            of_brief.extend(series.filter(|series| self.series.contains(series) && !of_brief.contains(series)));
        }
        Ok(shared)
    }
}

/// What can be like a brief: other published ones in its language that the caller sees. What is hidden must not take a place,
/// or it would be felt.
#[diesel::dsl::auto_type(type_name = "Fits")]
fn fits(sight: Sight, other_than: Id, language: String) -> _ {
    let seen: Sees<briefs::id, briefs::since, briefs::until, briefs::audience> =
        sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience);
    let published: BriefState = BriefState::Published;
    briefs::id.ne(other_than).and(briefs::language.eq(language)).and(briefs::state.eq(published)).and(seen)
}

/// The number of the next query of several, of which each finds briefs for a reason of this weight.
fn number(weights: &mut Vec<f64>, weight: f64) -> i32 {
    weights.push(weight);
    i32::try_from(weights.len() - 1).unwrap_or(i32::MAX)
}

fn terms_of(title: &str, summary: Option<&str>) -> BTreeSet<String> {
    telling_words([title, summary.unwrap_or_default()])
}

fn days_between(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<i64> {
    let day = |time: Timestamp| time.datetime().date_naive();
    Some((day(one?) - day(other?)).num_days().abs())
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
