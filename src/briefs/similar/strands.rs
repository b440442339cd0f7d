//! Where lists of similar briefs come from, so that a list can be kept until something changes there.
//!
//! Briefs are found along strands: those of an actor, of a line of judgement, of an event, of a category, each in the order of time.
//! Of each a list has looked at a reach: up to the last brief that it took, or to the end where it would have taken more. What a
//! write changes stands at places along strands. What was found along them is the same afterwards for a list that has not reached any of
//! these places. Whom an editor chose, and translations, are in no reach: whoever keeps a list has to look after these by themselves.

use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::db::schema::{brief_actors, brief_events, briefs, trends};
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, among, grouped, in_chunks};
use crate::natively;
use crate::problem::Problem;
use crate::vocabulary::BriefState;

/// Briefs that have something in common. Two kinds may share a number, and then more is taken for changed than was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Strand(u64);

impl Strand {
    /// The briefs in which an actor takes part.
    #[must_use]
    pub fn of_actor(actor: Id) -> Self {
        Self(xxh3_64_with_seed(actor.0.as_bytes(), 0))
    }

    /// The briefs with a judgement of a line.
    #[must_use]
    pub fn of_series(series: &str) -> Self {
        Self(xxh3_64_with_seed(series.as_bytes(), 1))
    }

    /// The briefs that show an event.
    #[must_use]
    pub fn of_event(event: Id) -> Self {
        Self(xxh3_64_with_seed(event.0.as_bytes(), 2))
    }

    /// The briefs of a category.
    #[must_use]
    pub fn of_category(category: Id) -> Self {
        Self(xxh3_64_with_seed(category.0.as_bytes(), 3))
    }
}

/// How far along a strand briefs were looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Which strand.
    pub strand: Strand,
    /// From which place.
    pub first: i64,
    /// To which, itself included.
    pub last: i64,
}

impl Reach {
    const BYTES: usize = 24;

    /// Reaches as they are kept, in front of something else.
    #[must_use]
    pub fn before(reaches: &[Self], rest: &[u8]) -> Vec<u8> {
        let mut all = Vec::with_capacity(2 + reaches.len() * Self::BYTES + rest.len());
        all.extend(u16::try_from(reaches.len()).unwrap_or_default().to_le_bytes());
        for Self { strand: Strand(strand), first, last } in reaches {
            all.extend([strand.to_le_bytes(), first.to_le_bytes(), last.to_le_bytes()].as_flattened());
        }
        all.extend(rest);
        all
    }

    /// Reaches that were kept, and what stands behind them.
    #[must_use]
    pub fn parted(kept: &[u8]) -> Option<(impl Iterator<Item = Self>, &[u8])> {
        let (count, rest) = kept.split_first_chunk()?;
        let (reaches, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*count)) * Self::BYTES)?;
        let (numbers, _) = reaches.as_chunks::<8>();
        let reaches = numbers.as_chunks::<3>().0.iter().map(|[strand, first, last]| Self {
            strand: Strand(u64::from_le_bytes(*strand)),
            first: i64::from_le_bytes(*first),
            last: i64::from_le_bytes(*last),
        });
        Some((reaches, rest))
    }
}

/// The place of a brief along most strands.
#[must_use]
pub fn place_of_time(listed_at: Timestamp) -> i64 {
    listed_at.micros()
}

/// The place of a judgement along its line.
#[must_use]
pub fn place_of_day(period_to: NaiveDate) -> i64 {
    period_to.num_days_from_ce().into()
}

/// Where these briefs stand along strands, and where they stood after a position of the journal; each place once. A brief
/// that was published in none of these versions is found along nothing, and stands nowhere.
///
/// # Errors
/// When a query fails.
pub fn places(connection: &mut Connection, ids: &[Id], position: i64) -> Result<Vec<(Strand, i64)>, Problem> {
    let versions = in_chunks::<_, (Id, Id, Timestamp), Problem>(ids, |ids| {
        natively!(connection, |native| briefs::table
            .filter(among(briefs::id, ids))
            .filter(briefs::until.is_null().or(briefs::until.gt(position)))
            .filter(briefs::state.eq(BriefState::Published))
            .select((briefs::id, briefs::category_id, briefs::listed_at))
            .load(native))
    })?;
    let mut ids: Vec<Id> = versions.iter().map(|(id, _, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let actors = in_chunks::<_, (Id, Timestamp), Problem>(&ids, |ids| {
        natively!(connection, |native| brief_actors::table
            .filter(among(brief_actors::brief_id, ids))
            .filter(brief_actors::until.is_null().or(brief_actors::until.gt(position)))
            .select((brief_actors::actor_id, brief_actors::listed_at))
            .load(native))
    })?;
    let judgements = in_chunks::<_, (Option<String>, NaiveDate), Problem>(&ids, |ids| {
        natively!(connection, |native| trends::table
            .filter(among(trends::brief_id, ids))
            .filter(trends::until.is_null().or(trends::until.gt(position)))
            .select((trends::series, trends::period_to))
            .load(native))
    })?;
    let events = in_chunks::<_, (Id, Id), Problem>(&ids, |ids| {
        natively!(connection, |native| brief_events::table
            .filter(among(brief_events::brief_id, ids))
            .filter(brief_events::until.is_null().or(brief_events::until.gt(position)))
            .select((brief_events::brief_id, brief_events::event_id))
            .load(native))
    })?;
    let events = grouped(events);
    let mut places = Vec::new();
    for (brief, category, listed_at) in versions {
        let of_events = events.get(&brief).into_iter().flatten().map(|event| Strand::of_event(*event));
        let strands = of_events.chain([Strand::of_category(category)]);
        places.extend(strands.map(|strand| (strand, place_of_time(listed_at))));
    }
    places.extend(actors.into_iter().map(|(actor, at)| (Strand::of_actor(actor), place_of_time(at))));
    let lines =
        judgements.into_iter().filter_map(|(series, day)| Some((Strand::of_series(&series?), place_of_day(day))));
    places.extend(lines);
    // Most of it is the same in each version.
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaches_are_kept_in_front_of_what_they_are_of() {
        let actor = Strand::of_actor(Id::new());
        let reaches =
            [Reach { strand: actor, first: i64::MIN, last: 7 }, Reach { strand: Strand(3), first: -2, last: i64::MAX }];
        let kept = Reach::before(&reaches, b"[]");
        let (parted, rest) = Reach::parted(&kept).expect("it was kept so");
        assert_eq!((parted.collect::<Vec<_>>().as_slice(), rest), (&reaches[..], &b"[]"[..]));
        assert!(Reach::parted(&kept[..20]).is_none());
    }
}
