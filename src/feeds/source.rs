//! Where the entries of a feed come from: the journal backwards, each resource at its last row.

use std::collections::HashSet;

use diesel::prelude::*;

use super::item::{self, Entry, Withdrawn};
use crate::access::{Sight, visible};
use crate::briefs::filter::BriefFilter;
use crate::briefs::views::EXTRAS;
use crate::changes::last_rows;
use crate::config::Config;
use crate::db::schema::journal;
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, grouped};
use crate::events::filter::EventFilter;
use crate::http::page::Extras;
use crate::problem::Problem;
use crate::search::lists::Searched;
use crate::trends::filter::TrendFilter;

/// A list that there is a feed of.
pub trait Fed: Searched + Default {
    /// What it is called.
    const TITLE: &'static str;

    /// Which of these pass its filter and are seen.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist.
    fn among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem>;

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

/// How many rows of the journal are looked through at a time, and how often for one page.
const ROWS: i64 = 200;
const ROUNDS: usize = 20;

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
    before: Option<i64>,
    limit: usize,
) -> Result<FeedPage, Problem> {
    let (mut kept, mut before) = (Vec::new(), before.unwrap_or(i64::MAX));
    let mut more = true;
    for _ in 0..ROUNDS {
        let rows: Vec<(i64, Timestamp, Id)> = journal::table
            .filter(journal::kind.eq(L::KIND))
            .filter(journal::position.lt(before))
            .filter(visible(journal::audience, &sight.caller))
            .order(journal::position.desc())
            .limit(ROWS)
            .select((journal::position, journal::at, journal::resource_id))
            .load(connection)?;
        more = i64::try_from(rows.len()).unwrap_or(ROWS) >= ROWS;
        let ids: HashSet<Id> = rows.iter().map(|(_, _, id)| *id).collect();
        let ids: Vec<Id> = ids.into_iter().collect();
        let last = last_rows(connection, &sight.caller, &ids)?;
        let seen = L::default().among(connection, sight, &ids)?;
        let wanted = filter.among(connection, sight, &ids)?;
        for (position, at, id) in rows {
            if last.get(&id) == Some(&position) && (wanted.contains(&id) || !seen.contains(&id)) {
                if kept.len() == limit {
                    more = true;
                    break;
                }
                kept.push((position, at, id));
            }
            before = position;
        }
        if kept.len() >= limit || !more {
            break;
        }
    }
    let ids: Vec<Id> = kept.iter().map(|(_, _, id)| *id).collect();
    let views = filter.rows(connection, sight, &Extras::all(EXTRAS), &ids)?;
    let mut entries = grouped(views.into_iter().map(|view| L::entry(config, view)));
    let put = |(position, at, id): (i64, Timestamp, Id)| {
        let entry = entries.remove(&id).and_then(|mut found| found.pop());
        Placed { position, at, entry: entry.unwrap_or_else(|| Entry::Withdrawn(Withdrawn::removed(id))) }
    };
    Ok(FeedPage { entries: kept.into_iter().map(put).collect(), next: more.then_some(before) })
}
