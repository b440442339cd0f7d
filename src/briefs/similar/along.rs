//! The search for briefs like one, along all that it may have in common with others.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::dsl::{exists, max};
use diesel::prelude::*;
use diesel::sql_types::{Date, Integer};

use super::strands::{Reach, Strand, place_of_day, place_of_time};
use super::{Own, SHARED_ACTOR, SHARED_CATEGORY, SHARED_EVENT, SHARED_SERIES};
use crate::access::{Sees, Sight};
use crate::briefs::model::last_published;
use crate::db::schema::{brief_actors, brief_events, briefs, trends};
use crate::db::types::sql::{Identifier, Instant};
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, UnionAll, among};
use crate::natively;
use crate::problem::Problem;
use crate::vocabulary::BriefState;

/// How many actors, lines of judgement and events are followed, and how many briefs along each before and after this one:
/// the cost is bounded however popular an actor is.
const FOLLOWED: usize = 6;
const ALONG_EACH: usize = 5;
/// All events are followed together, the latest briefs first: that costs as much as there are briefs that show one of them.
const ALONG_EVENTS: usize = 2 * ALONG_EACH;

/// Queries for briefs: the number of the way that leads to each, the brief, and its place on it.
type Listed<'q> = UnionAll<'q, (Integer, Identifier, Instant)>;
/// The same for briefs that are found by their judgements.
type Judged<'q> = UnionAll<'q, (Integer, Identifier, Date)>;

/// A way on which briefs are looked for.
struct Way {
    strands: Vec<Strand>,
    /// How much it counts to be found on it.
    weight: f64,
    side: Side,
    /// How many are taken.
    most: usize,
}

/// On which side of the brief it looks: from its place, where it has one.
#[derive(Clone, Copy)]
enum Side {
    Before(i64),
    After(i64),
    Both,
}

impl Way {
    /// How far it was gone, when these places were found on it.
    fn reaches(&self, places: &[i64]) -> impl Iterator<Item = Reach> {
        let is_full = places.len() >= self.most;
        let earliest = places.iter().copied().min().filter(|_| is_full).unwrap_or(i64::MIN);
        let latest = places.iter().copied().max().filter(|_| is_full).unwrap_or(i64::MAX);
        let (first, last) = match self.side {
            Side::Before(place) => (earliest, place),
            Side::After(place) => (place, latest),
            Side::Both => (earliest, i64::MAX),
        };
        self.strands.iter().map(move |strand| Reach { strand: *strand, first, last })
    }
}

/// The ways, by their numbers.
#[derive(Default)]
struct Ways(Vec<Way>);

impl Ways {
    fn add(&mut self, strands: impl IntoIterator<Item = Strand>, weight: f64, side: Side, most: usize) -> i32 {
        self.0.push(Way { strands: strands.into_iter().collect(), weight, side, most });
        i32::try_from(self.0.len() - 1).unwrap_or(i32::MAX)
    }

    fn each_side(&mut self, strand: Strand, weight: f64, place: i64) -> [i32; 2] {
        [Side::Before(place), Side::After(place)].map(|side| self.add([strand], weight, side, ALONG_EACH))
    }
}

impl Own<'_> {
    /// The briefs that are found along anything of its own, those found along the most first, and how far it was looked for them.
    pub(super) fn nearest(&self, connection: &mut Connection, sight: Sight) -> Result<(Vec<Id>, Vec<Reach>), Problem> {
        let mut ways = Ways::default();
        let (mut listed, mut judged) = (Listed::default(), Judged::default());
        let (place, day) = (place_of_time(self.listed_at()), self.row.period_of_trends().1);
        for actor in self.actors.iter().take(FOLLOWED) {
            let [before, after] = ways.each_side(Strand::of_actor(*actor), SHARED_ACTOR, place);
            self.along_actor(&mut listed, before, sight, *actor, true);
            self.along_actor(&mut listed, after, sight, *actor, false);
        }
        let [before, after] = ways.each_side(Strand::of_category(self.row.category_id), SHARED_CATEGORY, place);
        self.along_category(&mut listed, before, sight, true);
        self.along_category(&mut listed, after, sight, false);
        let events: Vec<Id> = self.events.iter().copied().take(FOLLOWED).collect();
        if !events.is_empty() {
            let strands = events.iter().copied().map(Strand::of_event);
            let number = ways.add(strands, SHARED_EVENT, Side::Both, ALONG_EVENTS);
            self.along_events(&mut listed, number, sight, &events);
        }
        for series in self.series.iter().take(FOLLOWED) {
            let [before, after] = ways.each_side(Strand::of_series(series), SHARED_SERIES, place_of_day(day));
            self.along_series(&mut judged, before, sight, series, true);
            self.along_series(&mut judged, after, sight, series, false);
        }
        let listed: Vec<(i32, Id, Timestamp)> = natively!(connection, |native| listed.load(native))?;
        let mut found: Vec<(i32, Id, i64)> =
            listed.into_iter().map(|(number, id, at)| (number, id, place_of_time(at))).collect();
        if !self.series.is_empty() {
            let judged: Vec<(i32, Id, NaiveDate)> = natively!(connection, |native| judged.load(native))?;
            found.extend(judged.into_iter().map(|(number, id, day)| (number, id, place_of_day(day))));
        }
        Ok(ranked(&ways, &found))
    }

    /// Where it stands among those that can be like it: an unpublished one behind all of them.
    fn listed_at(&self) -> Timestamp {
        self.row.listed_at.min(last_published())
    }

    fn fits(&self, sight: Sight) -> Fits {
        fits(sight, self.row.id, self.row.language.clone())
    }

    /// Whether a brief fits is asked of each brief along the way, and not joined: a database that has no statistics yet would
    /// begin with all briefs of the language. What is not published fits never, and is not gone through.
    fn along_actor<'q>(&'q self, along: &mut Listed<'q>, number: i32, sight: Sight, actor: Id, is_before: bool) {
        use brief_actors::{actor_id, audience, brief_id, listed_at, since, until};
        let fitting = briefs::table.filter(briefs::id.eq(brief_id)).filter(self.fits(sight));
        let query = brief_actors::table
            .filter(actor_id.eq(actor))
            .filter(sight.sees(brief_id, since, until, audience))
            .filter(exists(fitting))
            .limit(limit(ALONG_EACH))
            .select((number.into_sql::<Integer>(), brief_id, listed_at));
        if is_before {
            along.add(query.filter(listed_at.le(self.listed_at())).order((listed_at.desc(), brief_id.desc())));
        } else {
            let within = listed_at.gt(self.row.listed_at).and(listed_at.le(last_published()));
            along.add(query.filter(within).order((listed_at, brief_id)));
        }
    }

    fn along_series<'q>(&'q self, along: &mut Judged<'q>, number: i32, sight: Sight, series: &'q str, is_before: bool) {
        let day = self.row.period_of_trends().1;
        let fitting = briefs::table.filter(briefs::id.eq(trends::brief_id)).filter(self.fits(sight));
        let query = trends::table
            .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
            .filter(trends::series.eq(series))
            .filter(exists(fitting))
            .limit(limit(ALONG_EACH))
            .select((number.into_sql::<Integer>(), trends::brief_id, trends::period_to));
        if is_before {
            along.add(query.filter(trends::period_to.le(day)).order((trends::period_to.desc(), trends::id.desc())));
        } else {
            along.add(query.filter(trends::period_to.gt(day)).order((trends::period_to, trends::id)));
        }
    }

    fn along_category<'q>(&'q self, along: &mut Listed<'q>, number: i32, sight: Sight, is_before: bool) {
        use briefs::{category_id, id, listed_at};
        let query = briefs::table
            .filter(category_id.eq(self.row.category_id))
            .filter(self.fits(sight))
            .limit(limit(ALONG_EACH))
            .select((number.into_sql::<Integer>(), id, listed_at));
        if is_before {
            along.add(query.filter(listed_at.le(self.listed_at())).order((listed_at.desc(), id.desc())));
        } else {
            let within = listed_at.gt(self.row.listed_at).and(listed_at.le(last_published()));
            along.add(query.filter(within).order((listed_at, id)));
        }
    }

    /// Each brief once, however many of the events it shows. They are ordered by an aggregate on purpose, which no index serves: by the
    /// column itself PostgreSQL, whose plan is made for any limit, goes through all briefs in that order until enough of them show
    /// one of the events.
    fn along_events<'q>(&'q self, along: &mut Listed<'q>, number: i32, sight: Sight, events: &[Id]) {
        let listed_at = max(briefs::listed_at);
        let query = brief_events::table
            .inner_join(briefs::table.on(briefs::id.eq(brief_events::brief_id)))
            .filter(brief_events::until.is_null())
            .filter(among(brief_events::event_id, events))
            .filter(self.fits(sight))
            .group_by(brief_events::brief_id)
            .order((listed_at.desc(), brief_events::brief_id.desc()))
            .limit(limit(ALONG_EVENTS))
            .select((number.into_sql::<Integer>(), brief_events::brief_id, listed_at.assume_not_null()));
        along.add(query);
    }
}

/// What was found on these ways, what leads the most of them first, and how far they were gone.
fn ranked(ways: &Ways, found: &[(i32, Id, i64)]) -> (Vec<Id>, Vec<Reach>) {
    let mut scores: HashMap<Id, f64> = HashMap::new();
    let mut reaches = Vec::new();
    for (number, way) in (0..).zip(&ways.0) {
        let on_it = || found.iter().filter(|(of, _, _)| *of == number);
        reaches.extend(way.reaches(&on_it().map(|(_, _, place)| *place).collect::<Vec<i64>>()));
        // A brief has several judgements of a line at times.
        for id in on_it().map(|(_, id, _)| *id).collect::<HashSet<Id>>() {
            *scores.entry(id).or_default() += way.weight;
        }
    }
    let mut ids: Vec<Id> = scores.keys().copied().collect();
    ids.sort_by(|a, b| {
        let rank = |id: &Id| scores.get(id).copied().unwrap_or_default();
        rank(b).total_cmp(&rank(a)).then(b.cmp(a))
    });
    (ids, reaches)
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

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
