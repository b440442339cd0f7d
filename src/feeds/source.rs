//! Where the entries of a feed come from: the journal backwards, each resource at its last row.
//!
//! The last rows are looked through one by one, which is all that most feeds take. Where a filter lets little of them pass, the
//! index tells the rest: it knows where everything has its last row, and what some saw and see no more. While it has not come to
//! what the caller knows of, the journal is looked through further instead.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::prelude::*;
use uuid::Uuid;

use super::format::{FeedFormat, Written};
use super::item::{self, Entry, Withdrawn};
use crate::access::{Caller, Sight, visible};
use crate::briefs::filter::BriefFilter;
use crate::briefs::views::EXTRAS;
use crate::changes::last_rows;
use crate::config::Config;
use crate::db::Connection;
use crate::db::schema::journal;
use crate::db::types::{Id, Timestamp};
use crate::events::filter::EventFilter;
use crate::http::page::Extras;
use crate::http::query::Many;
use crate::journal::{Head, entry_at};
use crate::natively;
use crate::problem::Problem;
use crate::projections::{Form, Ready};
use crate::search::Finder;
use crate::search::ask::Ask;
use crate::search::document::Tag;
use crate::search::gather::Wish;
use crate::search::lists::Searched;
use crate::search::ranking::{Key, Order, Page};
use crate::search::wanted::Wanted;
use crate::trends::filter::TrendFilter;
use crate::vocabulary::BriefState;

/// A list that there is a feed of.
pub trait Fed: Searched + Default {
    /// What it is called.
    const TITLE: &'static str;

    /// Which of these pass its filter and are seen.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist.
    fn among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem>;

    /// By what the index finds those that were withdrawn, though they are seen: of them there is a notice, whatever the filter.
    /// What they said, and could pass it by, is hidden.
    const WITHDRAWN: &'static [(Tag, &'static str)] = &[];

    /// Which of these were withdrawn so.
    ///
    /// # Errors
    /// When the query fails.
    fn withdrawn(_: &mut Connection, _: Sight, _: &[Id]) -> Result<HashSet<Id>, Problem> {
        Ok(HashSet::new())
    }

    /// The time since which all of it has to have changed, if the filter says one.
    fn changed_since(&self) -> Option<Timestamp>;

    /// As what its entries in a format are kept ready, if they are: what a write may have changed in them is known.
    fn kept_as(_: FeedFormat) -> Option<Form> {
        None
    }

    /// The entry of one of its rows, with the row's identity.
    fn entry(config: &Config, view: Self::View) -> (Id, Entry);
}

impl Fed for BriefFilter {
    const TITLE: &'static str = "Briefs";
    const WITHDRAWN: &'static [(Tag, &'static str)] = &[(Tag::State, BriefState::Retracted.as_str())];

    fn among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        self.ids_among(connection, sight, ids)
    }

    fn changed_since(&self) -> Option<Timestamp> {
        self.updated_since
    }

    fn kept_as(format: FeedFormat) -> Option<Form> {
        Some(match format {
            FeedFormat::Atom => Form::BriefInAtom,
            FeedFormat::Rss => Form::BriefInRss,
            FeedFormat::Json => Form::BriefInJson,
        })
    }

    fn entry(config: &Config, view: Self::View) -> (Id, Entry) {
        (view.id, item::of_brief(config, view))
    }

    fn withdrawn(connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        Self { state: Many(vec![BriefState::Retracted]), ..Self::default() }.ids_among(connection, sight, ids)
    }
}

impl Fed for TrendFilter {
    const TITLE: &'static str = "Trends";

    fn among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        self.ids_among(connection, sight, ids)
    }

    fn changed_since(&self) -> Option<Timestamp> {
        self.updated_since
    }

    fn entry(config: &Config, view: Self::View) -> (Id, Entry) {
        (view.id, item::of_trend(config, view))
    }
}

impl Fed for EventFilter {
    const TITLE: &'static str = "Events";

    fn among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        self.ids_among(connection, sight, ids)
    }

    fn changed_since(&self) -> Option<Timestamp> {
        self.updated_since
    }

    fn entry(config: &Config, view: Self::View) -> (Id, Entry) {
        (view.id, item::of_event(config, view))
    }
}

/// An entry with its place.
pub struct Placed {
    pub position: i64,
    /// When it last changed.
    pub at: Timestamp,
    pub entry: Entry,
}

/// What a page of a feed is asked for by.
pub struct Subscription<L> {
    pub config: Config,
    pub filter: L,
    pub format: FeedFormat,
    pub indexed: Option<Indexed>,
    /// The position before which the page begins, unless it is the first.
    pub before: Option<i64>,
    /// How many entries it has at most.
    pub limit: usize,
}

impl<L> Subscription<L> {
    /// The index, if words are to be found: then it alone says what is in the feed.
    pub fn searched(&self) -> Option<&Finder> {
        self.indexed.as_ref().filter(|indexed| indexed.words.is_some()).map(|indexed| indexed.finder.as_ref())
    }
}

/// A page of a feed.
pub struct FeedPage {
    pub(super) entries: Vec<Written>,
    /// The position before which the next page goes on, if there is one.
    pub next: Option<i64>,
    /// Whether it ends where the looking was given up: the index, which would have told the rest, did not know of all yet.
    pub is_cut_short: bool,
}

/// The index, and what is searched for in it.
pub struct Indexed {
    pub finder: Arc<Finder>,
    /// Words to find. Only the index has them, so that nothing is known of what it has not come to.
    pub words: Option<Wanted>,
}

/// How many rows of the journal are looked through for one page at most, where the index does not know better.
const MOST_ROWS: i64 = 4000;

/// The entries that changed last before a position. A page is shorter than asked for where little passes the filter and the index
/// is behind; then it has a next one all the same.
///
/// # Errors
/// 400 for a filter that names what does not exist.
pub fn page<L: Fed>(
    connection: &mut Connection,
    sight: Sight,
    seen: Head,
    subscription: &Subscription<L>,
    ready: &mut Ready,
) -> Result<FeedPage, Problem> {
    let Subscription { filter, indexed, before, limit, .. } = subscription;
    let mut found = match indexed {
        Some(Indexed { finder, words: Some(words) }) => {
            let ask = filter.ask(connection, sight)?.wanting(Some(words.clone()));
            Found { places: places_of::<L>(finder, &sight.caller, &ask, *before, limit + 1)?, unread_before: None }
        }
        _ => look_through(connection, sight, seen, subscription)?,
    };
    let mut next = found.unread_before;
    let is_cut_short = next.is_some();
    if found.places.len() > *limit {
        found.places.truncate(*limit);
        next = found.places.last().map(|(position, _)| *position);
    }
    let entries = entries(connection, sight, subscription, ready, &found.places)?;
    Ok(FeedPage { entries, next, is_cut_short })
}

/// The position of the last row of something, and what it is.
type Place = (i64, Id);

/// What is found, the last first: one more than wanted, if there is a next page.
#[derive(Default)]
struct Found {
    places: Vec<Place>,
    /// Where looking ended, if it ended before the page was full and there may be more.
    unread_before: Option<i64>,
}

/// Looks through the last rows of the journal before a position, and asks the index for the rest if it has come to all that the
/// caller knows of; if not, looks on.
fn look_through<L: Fed>(
    connection: &mut Connection,
    sight: Sight,
    seen: Head,
    Subscription { filter, indexed, before, limit, .. }: &Subscription<L>,
) -> Result<Found, Problem> {
    let (mut before, limit) = (*before, *limit);
    // What has been changed since a time is not in the index, which would have to be told each of it.
    let mut finder = indexed.as_ref().map(|indexed| &indexed.finder).filter(|_| filter.changed_since().is_none());
    let mut found = Found::default();
    let (mut looked_through, mut count) = (0, i64::try_from(limit + 1).unwrap_or(MOST_ROWS));
    loop {
        let rows = rows_before::<L>(connection, &sight.caller, before, count)?;
        let is_end = i64::try_from(rows.len()).unwrap_or(count) < count;
        before = rows.last().map_or(before, |(position, _)| Some(*position));
        found.places.append(&mut passing(connection, sight, filter, rows)?);
        looked_through += count;
        count *= 4;
        if is_end || found.places.len() > limit {
            return Ok(found);
        }
        if let Some(finder) = finder.take()
            && finder.position >= seen.position
        {
            let ask = filter.ask(connection, sight)?;
            let left = limit + 1 - found.places.len();
            found.places.append(&mut places_of::<L>(finder, &sight.caller, &ask, before, left)?);
            return Ok(found);
        }
        if looked_through >= MOST_ROWS {
            found.unread_before = before;
            return Ok(found);
        }
    }
}

/// Of these rows, those that are in the feed: each the last of something that passes the filter, was withdrawn, or is seen no more.
fn passing<L: Fed>(
    connection: &mut Connection,
    sight: Sight,
    filter: &L,
    mut rows: Vec<Place>,
) -> Result<Vec<Place>, Problem> {
    let ids: HashSet<Id> = rows.iter().map(|(_, id)| *id).collect();
    let ids: Vec<Id> = ids.into_iter().collect();
    let seen = L::default().among(connection, sight, &ids)?;
    let mut shown = filter.among(connection, sight, &ids)?;
    shown.extend(L::withdrawn(connection, sight, &ids)?);
    shown.extend(ids.iter().filter(|id| !seen.contains(id)));
    rows.retain(|(_, id)| shown.contains(id));
    let last = last_rows(connection, &sight.caller, &shown.into_iter().collect::<Vec<_>>())?;
    rows.retain(|(position, id)| last.get(id) == Some(position));
    Ok(rows)
}

/// The places before a position of what the index finds, and of what was withdrawn or is gone: so many of them.
fn places_of<L: Fed>(
    finder: &Finder,
    caller: &Caller,
    ask: &Ask,
    before: Option<i64>,
    count: usize,
) -> Result<Vec<Place>, Problem> {
    let after = before.map(|position| Key { value: position, id: Id(Uuid::nil()) });
    let page = || Wish::page(Page { order: Order::Change, after, limit: count });
    let mut keys = finder.gather(caller, ask, page())?.page;
    keys.extend(finder.gather(caller, &Ask::notices(L::KIND, L::WITHDRAWN), page())?.page);
    keys.sort_unstable_by(|one, other| other.cmp(one));
    keys.dedup();
    keys.truncate(count);
    // What the journal tells this caller nothing of has no place in it.
    Ok(keys.into_iter().filter(|key| key.value > 0).map(|key| (key.value, key.id)).collect())
}

/// What stands at these places, as it is kept ready or made.
fn entries<L: Fed>(
    connection: &mut Connection,
    sight: Sight,
    subscription: &Subscription<L>,
    ready: &mut Ready,
    places: &[Place],
) -> Result<Vec<Written>, Problem> {
    let ids: Vec<Id> = places.iter().map(|(_, id)| *id).collect();
    let write = |connection: &mut Connection, ids: &[Id]| -> Result<Vec<(Id, Vec<u8>)>, Problem> {
        let wanted: HashSet<Id> = ids.iter().copied().collect();
        let places: Vec<Place> = places.iter().filter(|(_, id)| wanted.contains(id)).copied().collect();
        let found = placed(connection, sight, subscription, &places)?;
        found.into_iter().map(|(id, it)| Ok((id, subscription.format.write(&it)?.into_kept()))).collect()
    };
    let written = match L::kept_as(subscription.format) {
        Some(form) => ready.each(connection, form, &ids, write)?,
        None => write(connection, &ids)?.into_iter().map(|(_, written)| written).collect(),
    };
    Ok(written.into_iter().map(Written::of_kept).collect())
}

/// What stands at these places. What is not seen has been removed.
fn placed<L: Fed>(
    connection: &mut Connection,
    sight: Sight,
    Subscription { config, filter, .. }: &Subscription<L>,
    places: &[Place],
) -> Result<Vec<(Id, Placed)>, Problem> {
    let positions: Vec<i64> = places.iter().map(|(position, _)| *position).collect();
    let times: Vec<(i64, Timestamp)> = natively!(connection, |native| journal::table
        .filter(journal::position.eq_any(positions))
        .select((journal::position, journal::at))
        .load(native))?;
    let times: HashMap<i64, Timestamp> = times.into_iter().collect();
    let ids: Vec<Id> = places.iter().map(|(_, id)| *id).collect();
    let views = filter.rows(connection, sight, &Extras::all(EXTRAS), &ids)?;
    let mut entries: HashMap<Id, Entry> = views.into_iter().map(|view| L::entry(config, view)).collect();
    let put = |(position, id): &Place| {
        let entry = entries.remove(id).unwrap_or_else(|| Entry::Withdrawn(Withdrawn::removed(*id)));
        Some((*id, Placed { position: *position, at: *times.get(position)?, entry }))
    };
    Ok(places.iter().filter_map(put).collect())
}

/// The last rows of the journal of this kind before a position. Their times are in the order of their positions, and the index
/// of a kind is by time.
fn rows_before<L: Fed>(
    connection: &mut Connection,
    caller: &Caller,
    before: Option<i64>,
    count: i64,
) -> Result<Vec<Place>, Problem> {
    let mut query =
        journal::table.filter(journal::kind.eq(L::KIND)).filter(visible(journal::audience, caller)).into_boxed();
    if let Some(before) = before {
        query = query.filter(journal::position.lt(before));
        if let Some((_, time)) = entry_at(connection, before)? {
            query = query.filter(journal::at.le(time));
        }
    }
    let rows = query.order((journal::at.desc(), journal::position.desc())).limit(count);
    Ok(rows.select((journal::position, journal::resource_id)).load(connection)?)
}
