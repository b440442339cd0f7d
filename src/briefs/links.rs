//! What leads from a brief to other things: its events, the related briefs, its translations, and, derived from its
//! events and trends, the actors by whom it is found. Links are versioned as everything is, and rewritten only where they
//! change.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::SmallInt;

use super::model::BriefRow;
use crate::access::{Audience, Moment, Sight};
use crate::db::schema::{
    brief_actors, brief_events, brief_related, brief_translations, briefs, event_participants, events, trend_actors,
    trends,
};
use crate::db::types::{Id, Timestamp, sql::Identifier};
use crate::db::{Connection, UnionAll, among, grouped, in_chunks, update};
use crate::journal::Write;
use crate::natively;
use crate::problem::Problem;
use crate::reference::deleted_among;
use crate::vocabulary::{BriefState, Kind, Role};
use crate::{end_versions, insert_rows};

#[derive(Insertable)]
#[diesel(table_name = brief_events, treat_none_as_default_value = false)]
struct EventLinkRow {
    brief_id: Id,
    ordinal: i32,
    since: i64,
    event_id: Id,
}

#[derive(Insertable)]
#[diesel(table_name = brief_related, treat_none_as_default_value = false)]
struct RelatedRow {
    brief_id: Id,
    ordinal: i32,
    since: i64,
    other_id: Id,
}

#[derive(Insertable)]
#[diesel(table_name = brief_translations, treat_none_as_default_value = false)]
struct TranslationRow {
    brief_id: Id,
    since: i64,
    group_id: Id,
}

#[derive(Insertable)]
#[diesel(table_name = brief_actors, treat_none_as_default_value = false)]
struct ActorRow {
    actor_id: Id,
    listed_at: Timestamp,
    brief_id: Id,
    since: i64,
    audience: Audience,
}

/// The events of these briefs, in their order, whoever may see them.
///
/// # Errors
/// When the query fails.
pub fn events_of(connection: &mut Connection, moment: Moment, briefs: &[Id]) -> Result<HashMap<Id, Vec<Id>>, Problem> {
    let rows = in_chunks::<_, (Id, Id), Problem>(briefs, |briefs| {
        natively!(connection, |native| brief_events::table
            .filter(moment.stands(brief_events::since, brief_events::until))
            .filter(among(brief_events::brief_id, briefs))
            .order((brief_events::brief_id, brief_events::ordinal))
            .select((brief_events::brief_id, brief_events::event_id))
            .load(native))
    })?;
    Ok(grouped(rows))
}

/// The briefs that an editor chose to go with these, in their order, whoever may see them.
///
/// # Errors
/// When the query fails.
pub fn related_of(connection: &mut Connection, moment: Moment, briefs: &[Id]) -> Result<HashMap<Id, Vec<Id>>, Problem> {
    let rows = in_chunks::<_, (Id, Id), Problem>(briefs, |briefs| {
        natively!(connection, |native| brief_related::table
            .filter(moment.stands(brief_related::since, brief_related::until))
            .filter(among(brief_related::brief_id, briefs))
            .order((brief_related::brief_id, brief_related::ordinal))
            .select((brief_related::brief_id, brief_related::other_id))
            .load(native))
    })?;
    Ok(grouped(rows))
}

/// The living briefs that show an event.
///
/// # Errors
/// When the query fails.
pub fn briefs_showing(connection: &mut Connection, event: Id) -> Result<Vec<BriefRow>, Problem> {
    Ok(natively!(connection, |native| brief_events::table
        .inner_join(briefs::table.on(briefs::id.eq(brief_events::brief_id).and(briefs::until.is_null())))
        .filter(brief_events::until.is_null())
        .filter(brief_events::event_id.eq(event))
        .order(briefs::id)
        .select(BriefRow::as_select())
        .load(native))?)
}

/// Puts these events in the place of a brief's present ones.
///
/// # Errors
/// When a statement fails.
pub fn set_events(write: &mut Write<'_>, brief: Id, before: &[Id], events: &[Id]) -> Result<(), Problem> {
    let since = write.since();
    if !before.is_empty() {
        end_versions!(write, brief_events, brief_id, brief);
    }
    let rows: Vec<EventLinkRow> = (0..)
        .zip(events)
        .map(|(ordinal, event_id)| EventLinkRow { brief_id: brief, ordinal, since, event_id: *event_id })
        .collect();
    insert_rows!(write.connection, brief_events::table, &rows)?;
    Ok(())
}

/// Puts these briefs in the place of those that went with a brief.
///
/// # Errors
/// When a statement fails.
pub fn set_related(write: &mut Write<'_>, brief: Id, before: &[Id], related: &[Id]) -> Result<(), Problem> {
    let since = write.since();
    if !before.is_empty() {
        end_versions!(write, brief_related, brief_id, brief);
    }
    let rows: Vec<RelatedRow> = (0..)
        .zip(related)
        .map(|(ordinal, other_id)| RelatedRow { brief_id: brief, ordinal, since, other_id: *other_id })
        .collect();
    insert_rows!(write.connection, brief_related::table, &rows)?;
    Ok(())
}

/// The living briefs that show these events, whoever may see them.
///
/// # Errors
/// When the query fails.
pub fn showing(connection: &mut Connection, events: &[Id]) -> Result<Vec<Id>, Problem> {
    in_chunks(events, |events| {
        natively!(connection, |native| brief_events::table
            .filter(brief_events::until.is_null())
            .filter(among(brief_events::event_id, events))
            .select(brief_events::brief_id)
            .load(native))
    })
}

/// The group of translations that each of these briefs belongs to. A brief that was never joined to another is a group
/// of its own, under its own id, so that a translation joins it without changing it.
///
/// # Errors
/// When the query fails.
pub fn groups_of(connection: &mut Connection, moment: Moment, briefs: &[Id]) -> Result<HashMap<Id, Id>, Problem> {
    let joined = in_chunks::<_, (Id, Id), Problem>(briefs, |briefs| {
        natively!(connection, |native| brief_translations::table
            .filter(moment.stands(brief_translations::since, brief_translations::until))
            .filter(among(brief_translations::brief_id, briefs))
            .select((brief_translations::brief_id, brief_translations::group_id))
            .load(native))
    })?;
    let mut groups: HashMap<Id, Id> = briefs.iter().map(|brief| (*brief, *brief)).collect();
    groups.extend(joined);
    Ok(groups)
}

/// Whether none of these briefs has translations: most briefs have none, and then this is all that has to be asked.
///
/// # Errors
/// When the query fails.
pub fn stand_alone(connection: &mut Connection, moment: Moment, briefs: &[Id]) -> Result<bool, Problem> {
    let joined = in_chunks::<_, Id, Problem>(briefs, |briefs| {
        let concerned = among(brief_translations::brief_id, briefs).or(among(brief_translations::group_id, briefs));
        natively!(connection, |native| brief_translations::table
            .filter(moment.stands(brief_translations::since, brief_translations::until))
            .filter(concerned)
            .select(brief_translations::brief_id)
            .limit(1)
            .load(native))
    })?;
    Ok(joined.is_empty())
}

/// The briefs of these groups, whoever may see them.
///
/// # Errors
/// When a query fails.
pub fn members_of(connection: &mut Connection, moment: Moment, groups: &[Id]) -> Result<HashMap<Id, Vec<Id>>, Problem> {
    let joined = in_chunks::<_, (Id, Id), Problem>(groups, |groups| {
        natively!(connection, |native| brief_translations::table
            .filter(moment.stands(brief_translations::since, brief_translations::until))
            .filter(among(brief_translations::group_id, groups))
            .select((brief_translations::group_id, brief_translations::brief_id))
            .load(native))
    })?;
    let mut members = grouped(joined);
    let founders = in_chunks::<_, Id, Problem>(groups, |groups| {
        natively!(connection, |native| briefs::table
            .filter(moment.stands(briefs::since, briefs::until))
            .filter(among(briefs::id, groups))
            .select(briefs::id)
            .load(native))
    })?;
    for (founder, group) in groups_of(connection, moment, groups)? {
        if founder == group && founders.contains(&founder) {
            let group = members.entry(group).or_default();
            if !group.contains(&founder) {
                group.push(founder);
            }
        }
    }
    Ok(members)
}

/// The other briefs of a brief's group, whoever may see them.
///
/// # Errors
/// When a query fails.
pub fn translations_of(connection: &mut Connection, moment: Moment, brief: Id) -> Result<Vec<Id>, Problem> {
    if stand_alone(connection, moment, &[brief])? {
        return Ok(Vec::new());
    }
    let group = groups_of(connection, moment, &[brief])?.remove(&brief).unwrap_or(brief);
    let mut members = members_of(connection, moment, &[group])?.remove(&group).unwrap_or_default();
    members.retain(|member| *member != brief);
    Ok(members)
}

/// How groups of translations are going to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regrouping {
    /// The group that is joined.
    group: Id,
    /// Who joins it: the brief itself, others that it names, and those that its writer may not see and so cannot part with.
    joining: Vec<Id>,
    /// Whose lists of translations change, beside those of the joined group.
    left: Vec<Id>,
}

/// What it takes that a brief and these others are translations of each other; nothing if they are already. Whoever is
/// in the group of one of them stays in it, named or not. Naming nobody is to leave.
///
/// # Errors
/// 403 when another published brief would have to move to another group, which only a publisher lets it.
pub fn regrouping(
    write: &mut Write<'_>,
    brief: Id,
    before: &[Id],
    others: &[Id],
) -> Result<Option<Regrouping>, Problem> {
    let sight = write.sight();
    let hidden = hidden_briefs(write.connection, sight, before)?;
    let (group, mut joining) = match others.first() {
        None if before.len() == hidden.len() => return Ok(None),
        // Its own id may be the name of the group that it leaves.
        None => (Id::new(), vec![brief]),
        Some(first) => {
            let groups = groups_of(write.connection, Moment::Head, &[others, &[brief]].concat())?;
            // The group that it is in already, if it names anyone of it; else that of a published one, which then need not move.
            let own = groups.get(&brief).filter(|own| others.iter().any(|other| groups.get(other) == Some(own)));
            let settled = published_among(write.connection, others)?;
            let chosen = others.iter().find(|other| settled.contains(other)).unwrap_or(first);
            let group = own.or_else(|| groups.get(chosen)).copied().unwrap_or(*chosen);
            let joining = others.iter().chain([&brief]).filter(|id| groups.get(*id) != Some(&group)).copied().collect();
            (group, joining)
        }
    };
    if joining.is_empty() {
        return Ok(None);
    }
    for other in joining.iter().filter(|other| **other != brief) {
        demand_publisher_for(write, *other)?;
    }
    if joining.contains(&brief) {
        joining.extend(hidden);
    }
    Ok(Some(Regrouping { group, joining, left: before.to_vec() }))
}

fn published_among(connection: &mut Connection, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    in_chunks(ids, |ids| {
        natively!(connection, |native| briefs::table
            .filter(briefs::until.is_null())
            .filter(among(briefs::id, ids))
            .filter(briefs::state.eq_any([BriefState::Published, BriefState::Retracted]))
            .select(briefs::id)
            .load(native))
    })
}

/// Carries it out.
///
/// # Errors
/// When a statement fails.
pub fn regroup(write: &mut Write<'_>, brief: Id, change: &Regrouping) -> Result<(), Problem> {
    let seen_by = audiences_of(write, &change.joining)?;
    for member in &change.joining {
        join(write, *member, change.group)?;
    }
    let mut concerned = translations_of(write.connection, Moment::Head, brief)?;
    concerned.extend(&change.left);
    note_changed_lists(write, &concerned, seen_by)
}

fn audiences_of(write: &mut Write<'_>, ids: &[Id]) -> Result<Audience, Problem> {
    let audiences = in_chunks::<_, Audience, Problem>(ids, |ids| {
        natively!(write.connection, |native| briefs::table
            .filter(briefs::until.is_null())
            .filter(among(briefs::id, ids))
            .select(briefs::audience)
            .load(native))
    })?;
    Ok(audiences.into_iter().fold(Audience::NOBODY, |all, audience| all | audience))
}

/// Notes in the journal that other briefs show other translations than before, for those who may see both these and whose
/// coming or going it is.
fn note_changed_lists(write: &mut Write<'_>, others: &[Id], seen_by: Audience) -> Result<(), Problem> {
    let shown = in_chunks::<_, (Id, i32, Audience), Problem>(others, |others| {
        natively!(write.connection, |native| briefs::table
            .filter(briefs::until.is_null())
            .filter(among(briefs::id, others))
            .filter(briefs::state.eq(BriefState::Published))
            .select((briefs::id, briefs::version, briefs::audience))
            .load(native))
    })?;
    for (brief, version, audience) in shown {
        write.record_via(Kind::Brief, brief, version, brief, audience & seen_by);
    }
    Ok(())
}

/// Ends a deleted brief's place in its group, and its founding of one.
///
/// # Errors
/// When a statement fails.
pub fn leave_translations(write: &mut Write<'_>, brief: &BriefRow) -> Result<(), Problem> {
    let others = translations_of(write.connection, Moment::Head, brief.id)?;
    end_versions!(write, brief_translations, brief_id, brief.id);
    note_changed_lists(write, &others, brief.audience)
}

fn demand_publisher_for(write: &mut Write<'_>, brief: Id) -> Result<(), Problem> {
    let published = !published_among(write.connection, &[brief])?.is_empty();
    if published && !write.caller().is_publisher() { Err(Problem::needs_role(Role::Publisher)) } else { Ok(()) }
}

fn join(write: &mut Write<'_>, brief: Id, group: Id) -> Result<(), Problem> {
    let since = write.since();
    end_versions!(write, brief_translations, brief_id, brief);
    let row = TranslationRow { brief_id: brief, since, group_id: group };
    natively!(write.connection, |native| diesel::insert_into(brief_translations::table).values(&row).execute(native))?;
    Ok(())
}

/// A list as it is meant, with what the writer may not see put back where it stood: after whatever kept member it followed.
#[must_use]
pub fn with_hidden(mut meant: Vec<Id>, before: &[Id], hidden: &[Id]) -> Vec<Id> {
    let mut after = None;
    for id in before {
        if hidden.contains(id) && !meant.contains(id) {
            let place = after.map_or(0, |place: usize| place + 1);
            meant.insert(place.min(meant.len()), *id);
        }
        after = meant.iter().position(|kept| kept == id).or(after);
    }
    meant
}

/// Of these events, those that the writer neither sees nor could once see, and so can neither keep nor drop.
///
/// # Errors
/// When a query fails.
pub fn hidden_events(connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    let mut seen = in_chunks::<_, Id, Problem>(ids, |ids| {
        natively!(connection, |native| events::table
            .filter(sight.sees(events::id, events::since, events::until, events::audience))
            .filter(among(events::id, ids))
            .select(events::id)
            .load(native))
    })?;
    seen.extend(deleted_among(connection, sight, ids)?);
    Ok(ids.iter().copied().filter(|id| !seen.contains(id)).collect())
}

/// The same for briefs.
///
/// # Errors
/// When a query fails.
pub fn hidden_briefs(connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    let mut seen = in_chunks::<_, Id, Problem>(ids, |ids| {
        natively!(connection, |native| briefs::table
            .filter(sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience))
            .filter(among(briefs::id, ids))
            .select(briefs::id)
            .load(native))
    })?;
    seen.extend(deleted_among(connection, sight, ids)?);
    Ok(ids.iter().copied().filter(|id| !seen.contains(id)).collect())
}

/// Brings the actors by whom a brief is found up to date with its events and trends. A caller finds it by an actor only
/// through what it may see of the brief.
///
/// # Errors
/// When a statement fails.
pub fn relink_actors(write: &mut Write<'_>, brief: &BriefRow) -> Result<(), Problem> {
    let present: Vec<Found> = natively!(write.connection, |native| brief_actors::table
        .filter(brief_actors::brief_id.eq(brief.id))
        .filter(brief_actors::until.is_null())
        .select((brief_actors::actor_id, brief_actors::listed_at, brief_actors::audience, brief_actors::since))
        .load(native))?;
    put_links(write, brief, &present)
}

/// The same for a brief that is new, and so is found by nobody yet.
///
/// # Errors
/// When a statement fails.
pub fn link_actors(write: &mut Write<'_>, brief: &BriefRow) -> Result<(), Problem> {
    put_links(write, brief, &[])
}

/// By whom a brief is found, when it is listed, by which callers, and since which position.
type Found = (Id, Timestamp, Audience, i64);

fn put_links(write: &mut Write<'_>, brief: &BriefRow, present: &[Found]) -> Result<(), Problem> {
    let wanted = actors_found_in(write.connection, brief)?;
    let since = write.since();
    let stays =
        |(actor, listed_at, audience, _): &&Found| *listed_at == brief.listed_at && wanted.get(actor) == Some(audience);
    for (actor, listed_at, _, made) in present.iter().filter(|row| !stays(row)) {
        let link = brief_actors::actor_id
            .eq(*actor)
            .and(brief_actors::listed_at.eq(*listed_at))
            .and(brief_actors::brief_id.eq(brief.id))
            .and(brief_actors::until.is_null());
        if *made == since {
            let undone = brief_actors::table.filter(link);
            natively!(write.connection, |native| diesel::delete(undone).execute(native))?;
        } else {
            let ended = update(brief_actors::table, link, brief_actors::until.eq(since));
            natively!(write.connection, |native| ended.execute(native))?;
        }
    }
    let kept: Vec<Id> = present.iter().filter(stays).map(|row| row.0).collect();
    let mut rows: Vec<ActorRow> = wanted
        .into_iter()
        .filter(|(actor, _)| !kept.contains(actor))
        .map(|(actor_id, audience)| ActorRow {
            actor_id,
            listed_at: brief.listed_at,
            brief_id: brief.id,
            since,
            audience,
        })
        .collect();
    rows.sort_unstable_by_key(|row| row.actor_id);
    insert_rows!(write.connection, brief_actors::table, &rows)?;
    Ok(())
}

/// Ends the links by which a brief is found.
///
/// # Errors
/// When the statement fails.
pub fn unlink_actors(write: &mut Write<'_>, brief: Id) -> Result<(), Problem> {
    end_versions!(write, brief_actors, brief_id, brief);
    Ok(())
}

fn actors_found_in(connection: &mut Connection, brief: &BriefRow) -> Result<HashMap<Id, Audience>, Problem> {
    let mut named: UnionAll<'_, (Identifier, SmallInt)> = UnionAll::default();
    let through_events = brief_events::table
        .inner_join(event_participants::table.on(event_participants::event_id.eq(brief_events::event_id)))
        .filter(brief_events::until.is_null())
        .filter(event_participants::until.is_null())
        .filter(brief_events::brief_id.eq(brief.id));
    named.add(through_events.select((event_participants::actor_id, event_participants::audience)));
    let through_trends = trends::table
        .inner_join(trend_actors::table.on(trend_actors::trend_id.eq(trends::id)))
        .filter(trends::until.is_null())
        .filter(trend_actors::until.is_null())
        .filter(trends::brief_id.eq(brief.id));
    named.add(through_trends.select((trend_actors::actor_id, trend_actors::audience)));
    let named: Vec<(Id, Audience)> = natively!(connection, |native| named.load(native))?;
    let mut found: HashMap<Id, Audience> = HashMap::new();
    for (actor, audience) in named {
        let seen_by = found.entry(actor).or_insert(Audience::NOBODY);
        *seen_by = *seen_by | (audience & brief.audience_of_content());
    }
    Ok(found)
}
