//! Briefs like a given one: those that an editor chose, then those that share actors, lines of judgement or the category.

use std::collections::HashMap;

use diesel::prelude::*;

use super::links;
use super::model::{BriefLink, BriefRow, BriefView};
use super::views;
use crate::access::Sight;
use crate::db::Connection;
use crate::db::schema::{brief_actors, briefs, trends};
use crate::db::types::Id;
use crate::problem::Problem;
use crate::reference::Link;
use crate::vocabulary::BriefState;

/// How many are shown.
const SHOWN: usize = 6;
/// How many actors and lines of judgement are followed, and how many briefs along each: the cost is bounded however
/// popular an actor is.
const FOLLOWED: usize = 8;
const ALONG_EACH: i64 = 12;

const SHARED_SERIES: f64 = 3.0;
const SHARED_ACTOR: f64 = 2.0;
const SHARED_CATEGORY: f64 = 1.0;

/// The briefs like this one that the caller may see, the likest first; neither itself nor its translations, and in its
/// language, since one brief of each group of translations is enough.
///
/// # Errors
/// When a query fails.
pub fn to(
    connection: &mut Connection,
    sight: Sight,
    row: &BriefRow,
    view: &BriefView,
) -> Result<Vec<BriefLink>, Problem> {
    let chosen: Vec<BriefLink> = view
        .related
        .iter()
        .filter_map(|link| match link {
            Link::Living(link) => Some(link.clone()),
            Link::Deleted(_) => None,
        })
        .collect();
    if !sight.is_now() {
        // What was like it then follows from all that could be seen then: only what an editor chose is kept.
        return Ok(chosen);
    }
    let mut scores: HashMap<Id, f64> = HashMap::new();
    for actor in view.actors.iter().flatten().take(FOLLOWED) {
        score(&mut scores, along_actor(connection, sight, row, actor.id)?, SHARED_ACTOR);
    }
    let series = view.trends.iter().flatten().filter_map(|trend| trend.series.clone());
    for series in series.take(FOLLOWED) {
        score(&mut scores, along_series(connection, sight, row, &series)?, SHARED_SERIES);
    }
    score(&mut scores, along_category(connection, sight, row)?, SHARED_CATEGORY);
    let translations = links::translations_of(connection, sight.moment, row.id)?;
    scores.retain(|id, _| *id != row.id && !translations.contains(id) && chosen.iter().all(|link| link.id != *id));
    let mut found: Vec<BriefLink> = {
        let ids: Vec<Id> = scores.keys().copied().collect();
        views::links(connection, sight, &ids)?.into_values().collect()
    };
    found.retain(|link| link.published_at.is_some());
    found.sort_by(|a, b| {
        let rank = |link: &BriefLink| scores.get(&link.id).copied().unwrap_or_default();
        rank(b).total_cmp(&rank(a)).then(b.published_at.cmp(&a.published_at)).then(b.id.cmp(&a.id))
    });
    Ok(chosen.into_iter().chain(found).take(SHOWN).collect())
}

fn score(scores: &mut HashMap<Id, f64>, ids: Vec<Id>, weight: f64) {
    for id in ids {
        *scores.entry(id).or_default() += weight;
    }
}

fn along_actor(connection: &mut Connection, sight: Sight, row: &BriefRow, actor: Id) -> Result<Vec<Id>, Problem> {
    Ok(brief_actors::table
        .inner_join(briefs::table.on(briefs::id.eq(brief_actors::brief_id)))
        .filter(sight.stands(briefs::since, briefs::until))
        .filter(briefs::language.eq(&row.language))
        .filter(brief_actors::actor_id.eq(actor))
        .filter(sight.sees(brief_actors::brief_id, brief_actors::since, brief_actors::until, brief_actors::audience))
        .filter(brief_actors::brief_id.ne(row.id))
        .order((brief_actors::listed_at.desc(), brief_actors::brief_id.desc()))
        .limit(ALONG_EACH)
        .select(brief_actors::brief_id)
        .load(connection)?)
}

fn along_series(connection: &mut Connection, sight: Sight, row: &BriefRow, series: &str) -> Result<Vec<Id>, Problem> {
    let mut ids: Vec<Id> = trends::table
        .inner_join(briefs::table.on(briefs::id.eq(trends::brief_id)))
        .filter(sight.stands(briefs::since, briefs::until))
        .filter(briefs::language.eq(&row.language))
        .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
        .filter(trends::series.eq(series))
        .filter(trends::brief_id.ne(row.id))
        .order((trends::period_to.desc(), trends::id.desc()))
        .limit(ALONG_EACH)
        .select(trends::brief_id)
        .load(connection)?;
    ids.dedup();
    Ok(ids)
}

fn along_category(connection: &mut Connection, sight: Sight, row: &BriefRow) -> Result<Vec<Id>, Problem> {
    Ok(briefs::table
        .filter(sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience))
        .filter(briefs::category_id.eq(row.category_id))
        .filter(briefs::language.eq(&row.language))
        .filter(briefs::state.eq(BriefState::Published))
        .filter(briefs::id.ne(row.id))
        .order((briefs::listed_at.desc(), briefs::id.desc()))
        .limit(ALONG_EACH)
        .select(briefs::id)
        .load(connection)?)
}
