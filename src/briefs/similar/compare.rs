//! What briefs that were found have in common with one, and how much that is.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::{Own, SHARED_ACTOR, SHARED_CATEGORY, SHARED_EVENT, SHARED_SERIES, terms_of};
use crate::access::Sight;
use crate::briefs::links;
use crate::briefs::model::{BriefLink, Image};
use crate::briefs::views;
use crate::db::schema::{brief_actors, briefs, trends};
use crate::db::types::{Id, Json, Timestamp};
use crate::db::{Connection, among, grouped, in_chunks};
use crate::natively;
use crate::problem::Problem;
use crate::vocabulary::BriefState;

const SHARED_TERM: f64 = 0.4;
const MOST_TERMS: usize = 8;
/// What is far away in time counts this much of what is near, and how many days make a difference.
const FAR: f64 = 0.6;
const DAYS: f64 = 60.0;
/// A sum of so much scores 0.63.
const SCALE: f64 = 8.0;

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
pub(super) struct Compared {
    pub(super) link: BriefLink,
    /// Its place among those that an editor chose.
    pub(super) place: Option<usize>,
    pub(super) actors: Vec<Id>,
    pub(super) series: Vec<String>,
    pub(super) events: Vec<Id>,
    pub(super) same_category: bool,
    pub(super) terms: Vec<String>,
    pub(super) days_apart: Option<i64>,
}

impl Compared {
    pub(super) fn score(&self) -> f64 {
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

impl Own<'_> {
    /// What these have in common with it, as far as the caller sees them.
    pub(super) fn compared(
        &self,
        connection: &mut Connection,
        sight: Sight,
        ids: &[Id],
    ) -> Result<Vec<Compared>, Problem> {
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

fn days_between(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<i64> {
    let day = |time: Timestamp| time.datetime().date_naive();
    Some((day(one?) - day(other?)).num_days().abs())
}
