//! The trends' queries and writes.
//!
//! The trends of a brief are saved together ([`save_all`]), whether the whole brief is written or one of its trends: so
//! there is one way in which they get their order, their audience and their period.

use std::collections::HashMap;

use diesel::prelude::*;

use super::input::TrendInput;
use super::model::{EvidenceRow, Stored, TrendActorRow, TrendRow, TrendView};
use super::plan::{Plan, Which, plan};
use super::views;
use crate::access::{Audience, Moment, Sight};
use crate::actors::model::ActorRow;
use crate::briefs::model::BriefRow;
use crate::db::schema::{resources, trend_actors, trend_evidence, trends};
use crate::db::types::Id;
use crate::db::{Connection, among, grouped, in_chunks};
use crate::events::model::EventRow;
use crate::history::erasure::{self, Stored as StoredVersion, Stretch};
use crate::http::body::Fault;
use crate::journal::{self, Write};
use crate::natively;
use crate::problem::Problem;
use crate::reference::{self, Reference};
use crate::removal::Removal;
use crate::resource::{self, Place, Resource, must_lead_to};
use crate::scalars::{Prose, Slug};
use crate::vocabulary::{Change, Kind, Role};
use crate::{actors, briefs, destroy_rows, end_versions, insert_rows, look_up, taken_slugs};

impl Resource for TrendRow {
    const KIND: Kind = Kind::Trend;
    const COLLECTION: &'static str = "trends";
    type View = TrendView;
    type Input = TrendInput;
    const NAMES: &'static [Place] = &[
        Place::new("/brief", must_lead_to::<BriefRow>),
        Place::new("/actors/*", must_lead_to::<ActorRow>),
        Place::new("/evidence/*", must_lead_to::<EventRow>),
    ];

    fn id(&self) -> Id {
        self.id
    }

    fn slug(&self) -> &str {
        &self.slug
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn wanted_slug(input: &mut TrendInput) -> &mut Option<Slug> {
        &mut input.slug
    }

    fn derived_slug(input: &TrendInput) -> Slug {
        // With the end of its brief's slug, where the date is: statements recur from week to week.
        let brief = input.brief.as_ref().map(ToString::to_string).unwrap_or_default();
        let end: Vec<char> = brief.chars().rev().take(30).collect();
        Slug::derive(
            input.heading().as_str(),
            &Slug::derive(&end.into_iter().rev().collect::<String>(), "").into_string(),
        )
    }

    fn look_up(connection: &mut Connection, sight: Sight, reference: &Reference) -> Result<Option<Self>, Problem> {
        look_up!(connection, sight, reference, trends, |part| part.sees(
            trends::id,
            trends::since,
            trends::until,
            trends::audience
        ))
    }

    fn taken_slugs(connection: &mut Connection, slugs: &[&str]) -> Result<Vec<String>, Problem> {
        taken_slugs!(connection, slugs, trends)
    }

    fn stored(connection: &mut Connection, id: Id) -> Result<Vec<StoredVersion>, Problem> {
        Ok(natively!(connection, |native| trends::table
            .filter(trends::id.eq(id))
            .order(trends::version)
            .select((trends::version, trends::since, trends::until, trends::audience, trends::slug))
            .load(native))?)
    }

    fn destroy(write: &mut Write<'_>, id: Id, stretch: Stretch) -> Result<(), Problem> {
        destroy_rows!(write.connection, trends, id, id, stretch);
        destroy_rows!(write.connection, trend_actors, trend_id, id, stretch);
        destroy_rows!(write.connection, trend_evidence, trend_id, id, stretch);
        Ok(())
    }

    fn view(connection: &mut Connection, sight: Sight, row: Self) -> Result<TrendView, Problem> {
        views::views(connection, sight, vec![row])?.pop().ok_or_else(|| Problem::internal("a trend has no view"))
    }

    fn create(write: &mut Write<'_>, id: Id, input: TrendInput) -> Result<Self, Problem> {
        let brief = brief_for(write, input.brief.as_ref())?;
        let place = input.position;
        let mut planned = Plan::of_stored(of_brief(write.connection, brief.id)?);
        let mut faults = Vec::new();
        let plan = plan(write, &brief, Which::New(id), input, &[], "", &mut faults)?;
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        insert_at(&mut planned, place, plan);
        briefs::store::save_trends(write, brief, planned)?;
        reread(write, id)
    }

    fn update(write: &mut Write<'_>, existing: Self, input: TrendInput) -> Result<Self, Problem> {
        let brief = brief_for(write, Some(&Reference::from_id(existing.brief_id)))?;
        let mut faults = Vec::new();
        if let Some(other) = &input.brief
            && resource::meant::<BriefRow>(write, other, "/brief", &mut faults)?.is_some_and(|(id, _)| id != brief.id)
        {
            faults.push(Fault::at("/brief", "a trend stays with its brief"));
        }
        let place = input.position;
        let stored = of_brief(write.connection, brief.id)?;
        let mine = stored.iter().find(|stored| stored.row.id == existing.id).cloned();
        let which = mine.as_ref().map_or(Which::New(existing.id), Which::Stored);
        let plan = plan(write, &brief, which, input, &[], "", &mut faults)?;
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let old_place = stored.iter().position(|stored| stored.row.id == existing.id);
        let mut planned = Plan::of_stored(stored);
        planned.retain(|other| other.id != existing.id);
        let place = place.or_else(|| old_place.and_then(|index| u16::try_from(index + 1).ok()));
        insert_at(&mut planned, place, plan);
        briefs::store::save_trends(write, brief, planned)?;
        reread(write, existing.id)
    }

    fn remove(write: &mut Write<'_>, existing: Self, removal: Removal) -> Result<(), Problem> {
        let brief = brief_for(write, Some(&Reference::from_id(existing.brief_id)))?;
        let mut planned = Plan::of_stored(of_brief(write.connection, brief.id)?);
        planned.retain(|other| other.id != existing.id);
        briefs::store::save_trends(write, brief, planned)?;
        let seen_by = erasure::ever_seen_by::<TrendRow>(write.connection, existing.id)?;
        reference::amend_tombstone(write, existing.id, removal, seen_by)
    }
}

/// The brief that a trend is written to, if the writer may change it.
fn brief_for(write: &mut Write<'_>, reference: Option<&Reference>) -> Result<BriefRow, Problem> {
    let caller = write.caller();
    let Some(reference) = reference else {
        return Err(Problem::invalid_at("/brief", "is required"));
    };
    let sight = write.sight();
    let Some(brief) = resource::lead::<BriefRow>(write.connection, sight, reference)? else {
        return Err(Problem::invalid(vec![Fault::missing(Kind::Brief, reference, "/brief")]));
    };
    if brief.is_decided() && !caller.is_publisher() {
        return Err(Problem::needs_role(Role::Publisher));
    }
    Ok(brief)
}

fn reread(write: &mut Write<'_>, id: Id) -> Result<TrendRow, Problem> {
    Ok(natively!(write.connection, |native| trends::table
        .filter(trends::until.is_null())
        .filter(trends::id.eq(id))
        .select(TrendRow::as_select())
        .first(native))?)
}

fn insert_at(planned: &mut Vec<Plan>, place: Option<u16>, plan: Plan) {
    let index = place.map_or(planned.len(), |place| usize::from(place).saturating_sub(1).min(planned.len()));
    planned.insert(index, plan);
}

/// Saves the trends of a brief in this order, with the audience and the period that follow from the brief; whatever
/// stood there before and is not planned any more is removed. Returns whether anything changed.
///
/// # Errors
/// 409 when a slug is taken, and when a statement fails.
pub fn save_all(
    write: &mut Write<'_>,
    brief: &BriefRow,
    stored: Vec<Stored>,
    planned: &[Plan],
) -> Result<bool, Problem> {
    let mut changed = false;
    for gone in stored.iter().filter(|stored| planned.iter().all(|plan| plan.id != stored.row.id)) {
        close(write, gone.row.id)?;
        write.record(
            Kind::Trend,
            gone.row.id,
            write.version_after(gone.row.version, gone.row.since),
            Change::Removed,
            gone.row.audience,
        );
        let seen_by = erasure::ever_seen_by::<TrendRow>(write.connection, gone.row.id)?;
        reference::bury(write, Kind::Trend, gone.row.id, gone.row.slug.clone(), Removal::default(), seen_by)?;
        changed = true;
    }
    let (period_from, period_to) = brief.period_of_trends();
    let (mut rows, mut plans) = (Vec::new(), Vec::new());
    for (position, plan) in (1..).zip(planned) {
        let earlier = plan.existing.as_ref();
        let row = TrendRow {
            since: write.since(),
            until: None,
            version: earlier.map_or(1, |earlier| write.version_after(earlier.row.version, earlier.row.since)),
            created_at: earlier.map_or(write.at(), |earlier| earlier.row.created_at),
            updated_at: write.at(),
            audience: brief.audience_of_content(),
            position,
            period_from,
            period_to,
            ..plan.row.clone()
        };
        if let Some(earlier) = earlier
            && earlier.row.same_content(&row)
            && earlier.actors == plan.actors
            && earlier.evidence == plan.evidence
        {
            continue;
        }
        rows.push(row);
        plans.push(plan);
    }
    if rows.is_empty() {
        return Ok(changed);
    }
    // All end before any begins, so that two trends can take each other's slug.
    for earlier in plans.iter().filter_map(|plan| plan.existing.as_ref()) {
        close(write, earlier.row.id)?;
    }
    let new: Vec<Id> = plans.iter().filter(|plan| plan.existing.is_none()).map(|plan| plan.id).collect();
    write.identify_all(Kind::Trend, &new, brief.audience_of_content(), brief.audience_of_content())?;
    demand_free_slugs(write.connection, &rows)?;
    insert(write, &rows, &plans)?;
    for (row, plan) in rows.iter().zip(plans) {
        let before = plan.existing.as_ref().map(|earlier| earlier.row.audience);
        if let Some(earlier) = &plan.existing {
            if earlier.row.audience != row.audience {
                write.permit(row.id, row.audience, row.audience)?;
            }
            if earlier.row.slug != row.slug {
                reference::redirect(write, Kind::Trend, &earlier.row.slug, row.id)?;
            }
        }
        let seen_by = before.unwrap_or(Audience::NOBODY) | row.audience;
        write.record(Kind::Trend, row.id, row.version, journal::change(before, row.audience), seen_by);
    }
    Ok(true)
}

/// Refuses slugs that living trends have.
fn demand_free_slugs(connection: &mut Connection, rows: &[TrendRow]) -> Result<(), Problem> {
    let wanted: Vec<&str> = rows.iter().map(|row| row.slug.as_str()).collect();
    let taken = TrendRow::taken_slugs(connection, &wanted)?;
    match rows.iter().find(|row| taken.contains(&row.slug)) {
        Some(row) => {
            let fault = Fault::at(format!("/trends/{}/slug", row.position - 1), format!("`{}` is taken", row.slug));
            Err(Problem::conflict("Another trend has the slug.").with_errors(vec![fault]))
        }
        None => Ok(()),
    }
}

fn insert(write: &mut Write<'_>, rows: &[TrendRow], plans: &[&Plan]) -> Result<(), Problem> {
    insert_rows!(write.connection, trends::table, rows)?;
    let mut actors = Vec::new();
    let mut evidence = Vec::new();
    for (row, plan) in rows.iter().zip(plans) {
        actors.extend((0..).zip(&plan.actors).map(|(ordinal, actor_id)| TrendActorRow {
            actor_id: *actor_id,
            period_to: row.period_to,
            trend_id: row.id,
            ordinal,
            since: row.since,
            until: None,
            audience: row.audience,
            period_from: row.period_from,
        }));
        evidence.extend((0..).zip(&plan.evidence).map(|(ordinal, event_id)| EvidenceRow {
            trend_id: row.id,
            ordinal,
            since: row.since,
            until: None,
            event_id: *event_id,
        }));
    }
    insert_rows!(write.connection, trend_actors::table, &actors)?;
    insert_rows!(write.connection, trend_evidence::table, &evidence)?;
    Ok(())
}

fn close(write: &mut Write<'_>, id: Id) -> Result<(), Problem> {
    end_versions!(write, trends, id, id);
    end_versions!(write, trend_actors, trend_id, id);
    end_versions!(write, trend_evidence, trend_id, id);
    Ok(())
}

/// Every trend that ever belonged to a brief.
///
/// # Errors
/// When the query fails.
pub fn ever_of_brief(connection: &mut Connection, brief: Id) -> Result<Vec<Id>, Problem> {
    Ok(natively!(connection, |native| trends::table
        .filter(trends::brief_id.eq(brief))
        .select(trends::id)
        .distinct()
        .load(native))?)
}

/// Says who may see the trends that a brief had once: those who may see what it says now.
///
/// # Errors
/// When a statement fails.
pub fn permit_former(write: &mut Write<'_>, brief: Id, audience: Audience) -> Result<(), Problem> {
    let living = of_brief_ids(write.connection, brief)?;
    for trend in ever_of_brief(write.connection, brief)?.into_iter().filter(|trend| !living.contains(trend)) {
        let present: Audience = natively!(write.connection, |native| resources::table
            .find(trend)
            .select(resources::audience)
            .first(native))?;
        // Nobody is let see again what was erased.
        if present != Audience::NOBODY {
            write.permit(trend, audience, audience)?;
        }
    }
    Ok(())
}

fn of_brief_ids(connection: &mut Connection, brief: Id) -> Result<Vec<Id>, Problem> {
    let living = trends::table.filter(trends::until.is_null()).filter(trends::brief_id.eq(brief));
    Ok(natively!(connection, |native| living.select(trends::id).load(native))?)
}

/// Erases what a trend said within a stretch of the journal, as a part of its brief.
///
/// # Errors
/// When a statement fails.
pub fn erase_within(write: &mut Write<'_>, trend: Id, stretch: Stretch, reason: &Prose) -> Result<(), Problem> {
    let mut gone = TrendRow::stored(write.connection, trend)?;
    gone.retain(|version| {
        version.since >= stretch.since
            && stretch.until.is_none_or(|end| version.until.is_some_and(|until| until <= end))
    });
    if gone.is_empty() {
        return Ok(());
    }
    TrendRow::destroy(write, trend, stretch)?;
    erasure::leave_notes(write, trend, &gone, reason)?;
    if TrendRow::stored(write.connection, trend)?.is_empty() {
        erasure::bury_deeper(write, Kind::Trend, trend, reason)?;
    }
    Ok(())
}

/// Puts one actor in the place of another in every trend, and the briefs of these trends in new versions.
///
/// # Errors
/// 403 when one of the briefs is published and the writer no publisher.
pub fn move_actor(write: &mut Write<'_>, from: Id, to: Id) -> Result<(), Problem> {
    let concerned: Vec<Id> = natively!(write.connection, |native| trend_actors::table
        .inner_join(trends::table.on(trends::id.eq(trend_actors::trend_id).and(trends::until.is_null())))
        .filter(trend_actors::actor_id.eq(from))
        .filter(trend_actors::until.is_null())
        .select(trends::brief_id)
        .distinct()
        .load(native))?;
    for brief in concerned {
        let brief = briefs::store::to_write(write, brief)?;
        let mut planned = Plan::of_stored(of_brief(write.connection, brief.id)?);
        for plan in &mut planned {
            plan.actors = actors::merge::moved(&plan.actors, from, to);
        }
        briefs::store::save_trends(write, brief, planned)?;
    }
    Ok(())
}

/// The trends of a brief in their order, with whom they are about and what they rest on.
///
/// # Errors
/// When a query fails.
pub fn of_brief(connection: &mut Connection, brief: Id) -> Result<Vec<Stored>, Problem> {
    let rows: Vec<TrendRow> = natively!(connection, |native| trends::table
        .filter(trends::until.is_null())
        .filter(trends::brief_id.eq(brief))
        .order(trends::position)
        .select(TrendRow::as_select())
        .load(native))?;
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let (mut actors, mut evidence) =
        (actors_of(connection, Moment::Head, &ids)?, evidence_of(connection, Moment::Head, &ids)?);
    Ok(rows
        .into_iter()
        .map(|row| Stored {
            actors: actors.remove(&row.id).unwrap_or_default(),
            evidence: evidence.remove(&row.id).unwrap_or_default(),
            row,
        })
        .collect())
}

/// The rows of several briefs' trends that this caller may see, in their order.
///
/// # Errors
/// When the query fails.
pub fn rows_of_briefs(connection: &mut Connection, sight: Sight, briefs: &[Id]) -> Result<Vec<TrendRow>, Problem> {
    in_chunks(briefs, |briefs| {
        natively!(connection, |native| trends::table
            .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
            .filter(among(trends::brief_id, briefs))
            .order((trends::brief_id, trends::position))
            .select(TrendRow::as_select())
            .load(native))
    })
}

/// Whom these trends are about, each list in its order.
///
/// # Errors
/// When the query fails.
pub(super) fn actors_of(
    connection: &mut Connection,
    moment: Moment,
    ids: &[Id],
) -> Result<HashMap<Id, Vec<Id>>, Problem> {
    let rows = in_chunks::<_, (Id, Id), Problem>(ids, |ids| {
        natively!(connection, |native| trend_actors::table
            .filter(moment.stands(trend_actors::since, trend_actors::until))
            .filter(among(trend_actors::trend_id, ids))
            .order((trend_actors::trend_id, trend_actors::ordinal))
            .select((trend_actors::trend_id, trend_actors::actor_id))
            .load(native))
    })?;
    Ok(grouped(rows))
}

/// What these trends rest on, each list in its order.
///
/// # Errors
/// When the query fails.
pub(super) fn evidence_of(
    connection: &mut Connection,
    moment: Moment,
    ids: &[Id],
) -> Result<HashMap<Id, Vec<Id>>, Problem> {
    let rows = in_chunks::<_, (Id, Id), Problem>(ids, |ids| {
        natively!(connection, |native| trend_evidence::table
            .filter(moment.stands(trend_evidence::since, trend_evidence::until))
            .filter(among(trend_evidence::trend_id, ids))
            .order((trend_evidence::trend_id, trend_evidence::ordinal))
            .select((trend_evidence::trend_id, trend_evidence::event_id))
            .load(native))
    })?;
    Ok(grouped(rows))
}

/// What a conflict says of these trends to a caller: those that it may see, by name.
///
/// # Errors
/// When the query fails.
pub fn named(connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<Vec<serde_json::Value>, Problem> {
    let rows: Vec<(Id, String)> = natively!(connection, |native| trends::table
        .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
        .filter(among(trends::id, ids))
        .select((trends::id, trends::slug))
        .load(native))?;
    Ok(rows.into_iter().map(|(id, slug)| serde_json::json!({"type": "trend", "id": id, "slug": slug})).collect())
}
