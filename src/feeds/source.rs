//! Where the entries of a feed come from: the journal backwards, each resource at its last row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::prelude::*;

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
use crate::problem::Problem;
use crate::search::Finder;
use crate::search::ask::Ask;
use crate::search::gather::{Order, Page, Wish};
use crate::search::lists::Searched;
use crate::search::wanted::Wanted;
use crate::trends::filter::TrendFilter;
use crate::vocabulary::{BriefState, Kind};

/// A list that there is a feed of.
pub trait Fed: Searched + Default {
    /// What it is called.
    const TITLE: &'static str;

    /// Which of these pass its filter and are seen.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist.
    fn among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem>;

    /// Which of these were withdrawn, though they are seen: of them there is a notice, whatever the filter. What they said,
    /// and could pass it by, is hidden.
    ///
    /// # Errors
    /// When the query fails.
    fn withdrawn(_: &mut Connection, _: Sight, _: &[Id]) -> Result<HashSet<Id>, Problem> {
        Ok(HashSet::new())
    }

    /// The entry of one of its rows, with the row's identity.
    fn entry(config: &Config, view: Self::View) -> (Id, Entry);
}

impl Fed for BriefFilter {
    const TITLE: &'static str = "Briefs";

    fn among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        self.ids_among(connection, sight, ids)
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

    fn entry(config: &Config, view: Self::View) -> (Id, Entry) {
        (view.id, item::of_trend(config, view))
    }
}

impl Fed for EventFilter {
    const TITLE: &'static str = "Events";

    fn among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        self.ids_among(connection, sight, ids)
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

/// A page of a feed.
pub struct FeedPage {
    pub entries: Vec<Placed>,
    /// The position before which the next page goes on, if there is one.
    pub next: Option<i64>,
}

/// Words that are searched for, in an index.
pub struct Words {
    pub wanted: Wanted,
    pub finder: Arc<Finder>,
}

impl Words {
    /// In which of these they are found.
    fn among(&self, caller: &Caller, kind: Kind, ids: HashSet<Id>) -> Result<HashSet<Id>, Problem> {
        let everything = Page { order: Order::Update { descending: true }, after: None, limit: ids.len() };
        let ask = Ask::of(&[kind]).wanting(Some(self.wanted.clone())).among(Some(ids.into_iter().collect()));
        let found = self.finder.gather(caller, &ask, Wish::page(everything))?;
        Ok(found.page.into_iter().map(|key| key.id).collect())
    }
}

/// How many rows of the journal are looked through for one page, first and at most.
const FIRST_ROWS: i64 = 50;
const MOST_ROWS: i64 = 4000;

/// The entries that changed last before a position. A page is shorter than asked for where little passes the filter; then it
/// has a next one all the same.
///
/// # Errors
/// 400 for a filter that names what does not exist.
pub fn page<L: Fed>(
    connection: &mut Connection,
    sight: Sight,
    config: &Config,
    filter: &L,
    words: Option<&Words>,
    before: Option<i64>,
    limit: usize,
) -> Result<FeedPage, Problem> {
    let (mut kept, mut before) = (Vec::new(), before);
    let (mut more, mut looked_through, mut count) = (true, 0, FIRST_ROWS);
    while more && kept.len() < limit && looked_through < MOST_ROWS {
        let rows = rows_before::<L>(connection, &sight.caller, before, count)?;
        more = i64::try_from(rows.len()).unwrap_or(count) >= count;
        looked_through += count;
        count *= 4;
        let ids: HashSet<Id> = rows.iter().map(|(_, _, id)| *id).collect();
        let ids: Vec<Id> = ids.into_iter().collect();
        let last = last_rows(connection, &sight.caller, &ids)?;
        let seen = L::default().among(connection, sight, &ids)?;
        let mut wanted = filter.among(connection, sight, &ids)?;
        if let Some(words) = words {
            wanted = words.among(&sight.caller, L::KIND, wanted)?;
        }
        wanted.extend(L::withdrawn(connection, sight, &ids)?);
        for (position, at, id) in rows {
            if last.get(&id) == Some(&position) && (wanted.contains(&id) || !seen.contains(&id)) {
                if kept.len() == limit {
                    more = true;
                    break;
                }
                kept.push((position, at, id));
            }
            before = Some(position);
        }
    }
    let ids: Vec<Id> = kept.iter().map(|(_, _, id)| *id).collect();
    let views = filter.rows(connection, sight, &Extras::all(EXTRAS), &ids)?;
    let mut entries: HashMap<Id, Entry> = views.into_iter().map(|view| L::entry(config, view)).collect();
    let put = |(position, at, id): Row| {
        let entry = entries.remove(&id).unwrap_or_else(|| Entry::Withdrawn(Withdrawn::removed(id)));
        Placed { position, at, entry }
    };
    Ok(FeedPage { entries: kept.into_iter().map(put).collect(), next: before.filter(|_| more) })
}

type Row = (i64, Timestamp, Id);

/// The last rows of the journal of this kind before a position. Their times are in the order of their positions, and the index
/// of a kind is by time.
fn rows_before<L: Fed>(
    connection: &mut Connection,
    caller: &Caller,
    before: Option<i64>,
    count: i64,
) -> Result<Vec<Row>, Problem> {
    let mut query =
        journal::table.filter(journal::kind.eq(L::KIND)).filter(visible(journal::audience, caller)).into_boxed();
    if let Some(before) = before {
        query = query.filter(journal::position.lt(before));
        let time: Option<Timestamp> = journal::table.find(before).select(journal::at).first(connection).optional()?;
        if let Some(time) = time {
            query = query.filter(journal::at.le(time));
        }
    }
    let rows = query.order((journal::at.desc(), journal::position.desc())).limit(count);
    Ok(rows.select((journal::position, journal::at, journal::resource_id)).load(connection)?)
}
