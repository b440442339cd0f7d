//! The briefs' writes, and what other slices ask of briefs.
//!
//! A brief is written with all that belongs to it: its row, its trends, its events and its links are saved in one write,
//! and then what follows from them is brought up to date, namely who may see its events and by whom it is found.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::input::{self, BriefInput};
use super::links;
use super::meant::{Before, events_meant, related_meant, translations_meant, trends_meant};
use super::model::{BriefRow, BriefView, NOT_YET_PUBLISHED};
use super::views;
use super::workflow;
use crate::access::{Audience, Caller, Moment, Sight};
use crate::actors::model::ActorRow;
use crate::categories::model::{CategoryRow, CategoryStatus};
use crate::db::schema::{brief_actors, brief_events, brief_related, brief_translations, briefs};
use crate::db::types::{Id, Json, Timestamp};
use crate::db::{Connection, MultiBackend, among, in_chunks};
use crate::events;
use crate::history::erasure::{self, Stored, Stretch};
use crate::http::body::{Fault, UpTo};
use crate::journal::{self, Write};
use crate::markdown;
use crate::natively;
use crate::problem::Problem;
use crate::reference::{self, Reference};
use crate::removal::Removal;
use crate::resource::{self, Named, Place, Resource, must_lead_to};
use crate::scalars::{CommonMark, CountryCode, HttpUrl, LanguageCode, Line, Prose, Slug};
use crate::sources::Source;
use crate::trends;
use crate::trends::plan::Plan;
use crate::vocabulary::{Assessment, BriefState, Change, Kind, Marking, Role};
use crate::{by_slugs, destroy_rows, end_versions, insert_row, look_up, slugs, taken_slugs};

pub use super::views::links;

impl Resource for BriefRow {
    const KIND: Kind = Kind::Brief;
    const COLLECTION: &'static str = "briefs";
    type View = BriefView;
    type Input = BriefInput;
    const NAMES: &'static [Place] = &[
        Place::new("/category", must_lead_to::<CategoryRow>),
        Place::new("/events/*", input::look_at_event),
        Place::new("/trends/*/actors/*", must_lead_to::<ActorRow>),
        Place::new("/trends/*/evidence/*", input::look_at_evidence),
        Place::new("/related/*", must_lead_to::<Self>),
        Place::new("/translations/*", must_lead_to::<Self>),
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

    fn wanted_slug(input: &mut BriefInput) -> &mut Option<Slug> {
        &mut input.slug
    }

    fn derived_slug(input: &BriefInput) -> Slug {
        Slug::derive(input.title.as_str(), &date_of(input).map(|day| day.to_string()).unwrap_or_default())
    }

    fn name_parts(input: &mut BriefInput, brief: &Slug) {
        input.keeps_what_is_absent = true;
        for (number, trend) in (1..).zip(input.trends.iter_mut().flat_map(|UpTo(list)| list)) {
            trend.slug.get_or_insert_with(|| brief.extended(&format!("trend-{number}")));
        }
        for item in input.events.iter_mut().flat_map(|UpTo(list)| list) {
            item.name();
        }
    }

    fn look_up(connection: &mut Connection, sight: Sight, reference: &Reference) -> Result<Option<Self>, Problem> {
        look_up!(connection, sight, reference, briefs, |part| part.sees(
            briefs::id,
            briefs::since,
            briefs::until,
            briefs::audience
        ))
    }

    fn taken_slugs(connection: &mut Connection, slugs: &[&str]) -> Result<Vec<String>, Problem> {
        taken_slugs!(connection, slugs, briefs)
    }

    fn stored(connection: &mut Connection, id: Id) -> Result<Vec<Stored>, Problem> {
        Ok(natively!(connection, |native| briefs::table
            .filter(briefs::id.eq(id))
            .order(briefs::version)
            .select((briefs::version, briefs::since, briefs::until, briefs::audience, briefs::slug))
            .load(native))?)
    }

    fn destroy(write: &mut Write<'_>, id: Id, stretch: Stretch) -> Result<(), Problem> {
        destroy_rows!(write.connection, briefs, id, id, stretch);
        destroy_rows!(write.connection, brief_events, brief_id, id, stretch);
        destroy_rows!(write.connection, brief_actors, brief_id, id, stretch);
        destroy_rows!(write.connection, brief_related, brief_id, id, stretch);
        destroy_rows!(write.connection, brief_translations, brief_id, id, stretch);
        Ok(())
    }

    fn members(connection: &mut Connection, id: Id) -> Result<Vec<Id>, Problem> {
        trends::store::ever_of_brief(connection, id)
    }

    fn destroy_member(write: &mut Write<'_>, member: Id, stretch: Stretch, reason: &Prose) -> Result<(), Problem> {
        trends::store::erase_within(write, member, stretch, reason)
    }

    fn view(connection: &mut Connection, sight: Sight, row: Self) -> Result<BriefView, Problem> {
        views::whole(connection, sight, row)
    }

    fn create(write: &mut Write<'_>, id: Id, input: BriefInput) -> Result<Self, Problem> {
        let slug = slugs::choose(
            input.slug.clone(),
            || {
                let day = date_of(&input).unwrap_or_else(|| Timestamp::now().datetime().date_naive());
                Slug::derive(input.title.as_str(), &day.to_string())
            },
            |slugs| Self::taken_slugs(write.connection, slugs),
        )?;
        save(write, id, slug, None, input)
    }

    fn update(write: &mut Write<'_>, existing: Self, input: BriefInput) -> Result<Self, Problem> {
        demand_writer(&write.caller(), &existing)?;
        let slug = input.slug.clone().map_or_else(|| existing.slug.clone(), Slug::into_string);
        save(write, existing.id, slug, Some(existing), input)
    }

    fn remove(write: &mut Write<'_>, existing: Self, removal: Removal) -> Result<(), Problem> {
        demand_writer(&write.caller(), &existing)?;
        let stored = trends::store::of_brief(write.connection, existing.id)?;
        trends::store::save_all(write, &existing, stored, &[])?;
        let events =
            links::events_of(write.connection, Moment::Head, &[existing.id])?.remove(&existing.id).unwrap_or_default();
        let related = links::related_of(write.connection, Moment::Head, &[existing.id])?;
        links::set_events(write, existing.id, &events, &[])?;
        links::set_related(write, existing.id, related.get(&existing.id).map_or(&[], Vec::as_slice), &[])?;
        links::unlink_actors(write, existing.id)?;
        links::leave_translations(write, &existing)?;
        close(write, existing.id)?;
        let seen_by = erasure::ever_seen_by::<BriefRow>(write.connection, existing.id)?;
        write.record(
            Kind::Brief,
            existing.id,
            write.version_after(existing.version, existing.since),
            Change::Removed,
            existing.audience,
        );
        reference::bury(write, Kind::Brief, existing.id, existing.slug, removal, seen_by)?;
        events::store::release(write, &events)?;
        events::store::permit_former(write, &events)
    }
}

impl Named for BriefRow {
    fn by_slugs(connection: &mut Connection, sight: Sight, slugs: &[&str]) -> Result<Vec<(String, Id)>, Problem> {
        by_slugs!(connection, slugs, briefs, sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience))
    }
}

/// The day that a brief says to be of: that of its publication, or the last of its period.
fn date_of(input: &BriefInput) -> Option<NaiveDate> {
    input.published_at.map(|time| time.datetime().date_naive()).or(input.period.map(|period| period.to.0))
}

/// What is published, or is going to be, is a publisher's word.
fn demand_writer(caller: &Caller, existing: &BriefRow) -> Result<(), Problem> {
    if existing.is_decided() && !caller.is_publisher() { Err(Problem::needs_role(Role::Publisher)) } else { Ok(()) }
}

/// Writes a brief, new or in the place of its present version, with everything that belongs to it.
fn save(
    write: &mut Write<'_>,
    id: Id,
    slug: String,
    existing: Option<BriefRow>,
    mut input: BriefInput,
) -> Result<BriefRow, Problem> {
    let mut faults = Vec::new();
    let category = resource::meant::<CategoryRow>(write, &input.category, "/category", &mut faults)?;
    let keeps_what_is_absent = input.keeps_what_is_absent;
    let trend_inputs = match input.trends.take() {
        None if keeps_what_is_absent => None,
        given => Some(given.map(|UpTo(list)| list).unwrap_or_default()),
    };
    let event_items = input.events.take().map(|UpTo(list)| list).unwrap_or_default();
    let related = input.related.take().map(|UpTo(list)| list).unwrap_or_default();
    let translations = match input.translations.take() {
        None if keeps_what_is_absent => None,
        given => Some(given.map(|UpTo(list)| list).unwrap_or_default()),
    };
    let category_id = category.map_or(id, |(category, _)| category);
    let row = row_of(write, id, slug, category_id, existing.as_ref(), input, &mut faults)?;

    let before = Before::of(write, existing.as_ref())?;
    let events = events_meant(write, &row, &event_items, &before, &mut faults)?;
    let related = related_meant(write, &related, &before.related, &mut faults)?;
    let translations = translations_meant(write, translations, &before.translations, &mut faults)?;
    for (list, pointer) in [(Some(&related), "/related"), (translations.as_ref(), "/translations")] {
        if list.is_some_and(|list| list.contains(&id)) {
            faults.push(Fault::at(pointer, "names the brief itself"));
        }
    }
    let planned = match trend_inputs {
        None => Plan::of_stored(before.trends.clone()),
        Some(inputs) => trends_meant(write, &row, inputs, &before.trends, &mut faults)?,
    };
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }

    if existing.is_none() {
        write.identify(Kind::Brief, id, row.audience, row.audience_of_content())?;
    }
    let changed_trends = trends::store::save_all(write, &row, before.trends, &planned)?;
    let regrouping = match &translations {
        Some(others) => links::regrouping(write, id, &before.translations, others)?,
        None => None,
    };
    if let Some(existing) = &existing
        && row.same_content(existing)
        && !changed_trends
        && events == before.events
        && related == before.related
        && regrouping.is_none()
    {
        return Ok(existing.clone());
    }
    replace_row(write, existing.as_ref(), &row, None)?;
    if events != before.events {
        links::set_events(write, id, &before.events, &events)?;
    }
    if related != before.related {
        links::set_related(write, id, &before.related, &related)?;
    }
    if let Some(change) = &regrouping {
        links::regroup(write, id, change)?;
    }
    // Before its events are released: each that changes has the briefs that show it linked anew.
    match existing {
        Some(_) => links::relink_actors(write, &row)?,
        None => links::link_actors(write, &row)?,
    }
    let mut concerned = before.events.clone();
    concerned.extend(events.iter().filter(|event| !before.events.contains(event)));
    events::store::release(write, &concerned)?;
    events::store::permit_former(write, &before.events)?;
    Ok(row)
}

/// Turns the scalar members of an input into a row, with every rule checked.
fn row_of(
    write: &mut Write<'_>,
    id: Id,
    slug: String,
    category_id: Id,
    existing: Option<&BriefRow>,
    input: BriefInput,
    faults: &mut Vec<Fault>,
) -> Result<BriefRow, Problem> {
    let caller = write.caller();
    let marking = input.marking.unwrap_or(Marking::Clear);
    if marking > caller.clearance {
        return Err(Problem::forbidden(format!("Writing {marking} is above this key's clearance.")));
    }
    let state = workflow::state_of(&caller, existing, input.state, input.version)?;
    let published_at = workflow::published_at_of(write.at(), state, existing, input.published_at, faults);
    let retraction = workflow::retraction_of(state, existing, input.retraction, faults);
    let scheduled_for = workflow::scheduled_for_of(state, existing, input.scheduled_for, faults);
    for (index, correction) in input.corrections.iter().flat_map(|UpTo(list)| list).enumerate() {
        if correction.at > write.at() {
            faults.push(Fault::at(format!("/corrections/{index}/at"), "lies in the future"));
        }
    }
    let corrections = workflow::corrections_of(existing, input.corrections.map(|UpTo(list)| list).unwrap_or_default());
    let body = input.body.map(CommonMark::into_string);
    let embargoed = input.embargo_until.is_some_and(|until| until > write.at());
    Ok(BriefRow {
        id,
        since: write.since(),
        until: None,
        version: existing.map_or(1, |existing| write.version_after(existing.version, existing.since)),
        created_at: existing.map_or(write.at(), |existing| existing.created_at),
        updated_at: write.at(),
        audience: workflow::audience_of(state, marking, embargoed),
        slug,
        title: input.title.into_string(),
        category_id,
        category_status: input.category_status,
        language: LanguageCode::into_string(input.language),
        country: input.country.map(CountryCode::into_string),
        period_from: input.period.map(|period| period.from.0),
        period_to: input.period.map(|period| period.to.0),
        summary: input.summary.map(Prose::into_string),
        body_html: body.as_deref().map(markdown::to_safe_html),
        body,
        image: input.image.map(|image| Json(image.into())),
        authors: Json(
            input.authors.map(|UpTo(list)| list).unwrap_or_default().into_iter().map(Line::into_string).collect(),
        ),
        sources: Json(input.sources.map(|UpTo(list)| list).unwrap_or_default().into_iter().map(Source::from).collect()),
        marking,
        license: input.license.map(Line::into_string),
        canonical_url: input.canonical_url.map(HttpUrl::into_string),
        state,
        published_at,
        listed_at: published_at.unwrap_or(Timestamp::from_micros(NOT_YET_PUBLISHED)),
        embargo_until: input.embargo_until,
        scheduled_for,
        corrections: Json(corrections),
        retraction: retraction.map(Json),
    })
}

/// Saves changed trends of a brief by themselves, with a new version of the brief.
///
/// # Errors
/// When a statement fails.
pub fn save_trends(write: &mut Write<'_>, brief: BriefRow, planned: Vec<Plan>) -> Result<(), Problem> {
    let stored = trends::store::of_brief(write.connection, brief.id)?;
    if !trends::store::save_all(write, &brief, stored, &planned)? {
        return Ok(());
    }
    let row = next_version(write, &brief);
    replace_row(write, Some(&brief), &row, None)?;
    links::relink_actors(write, &row)
}

/// The next version of a brief, which says the same until something is changed in it.
#[must_use]
pub fn next_version(write: &Write<'_>, existing: &BriefRow) -> BriefRow {
    BriefRow {
        since: write.since(),
        version: write.version_after(existing.version, existing.since),
        updated_at: write.at(),
        ..existing.clone()
    }
}

/// Puts a version in the place of the present one, and brings its trends, its events and its actors up to date with what it
/// now is. `change` is what the journal says of it, if that does not follow from who may see it.
///
/// # Errors
/// When a statement fails.
pub fn put_in_place(
    write: &mut Write<'_>,
    existing: &BriefRow,
    row: &BriefRow,
    change: Option<Change>,
) -> Result<(), Problem> {
    let stored = trends::store::of_brief(write.connection, row.id)?;
    let planned = Plan::of_stored(stored.clone());
    trends::store::save_all(write, row, stored, &planned)?;
    replace_row(write, Some(existing), row, change)?;
    let events = links::events_of(write.connection, Moment::Head, &[row.id])?.remove(&row.id).unwrap_or_default();
    links::relink_actors(write, row)?;
    events::store::release(write, &events)?;
    events::store::permit_former(write, &events)
}

fn replace_row(
    write: &mut Write<'_>,
    existing: Option<&BriefRow>,
    row: &BriefRow,
    change: Option<Change>,
) -> Result<(), Problem> {
    if let Some(existing) = existing {
        close(write, row.id)?;
        if (existing.audience, existing.audience_of_content()) != (row.audience, row.audience_of_content()) {
            write.permit(row.id, row.audience, row.audience_of_content())?;
            trends::store::permit_former(write, row.id, row.audience_of_content())?;
        }
    }
    insert_row!(write.connection, briefs::table, row)?;
    let before = existing.map(|existing| existing.audience);
    let seen_by = before.unwrap_or(Audience::NOBODY) | row.audience;
    let change = change.unwrap_or_else(|| journal::change(before, row.audience));
    write.record(Kind::Brief, row.id, row.version, change, seen_by);
    Ok(())
}

fn close(write: &mut Write<'_>, id: Id) -> Result<(), Problem> {
    end_versions!(write, briefs, id, id);
    Ok(())
}

/// A living brief that the writer is going to change, whether it sees it or not.
///
/// # Errors
/// 403 when it is decided on and the writer no publisher.
pub fn to_write(write: &mut Write<'_>, id: Id) -> Result<BriefRow, Problem> {
    let living = briefs::table.filter(briefs::until.is_null()).filter(briefs::id.eq(id));
    let brief: BriefRow = natively!(write.connection, |native| living.select(BriefRow::as_select()).first(native))?;
    demand_writer(&write.caller(), &brief)?;
    Ok(brief)
}

/// Puts one category in the place of another in every brief.
///
/// # Errors
/// 403 when one of the briefs is published and the writer no publisher.
pub fn move_category(write: &mut Write<'_>, from: Id, to: Id) -> Result<(), Problem> {
    let living = briefs::table.filter(briefs::until.is_null()).filter(briefs::category_id.eq(from));
    let concerned: Vec<Id> =
        natively!(write.connection, |native| living.order(briefs::id).select(briefs::id).load(native))?;
    for id in concerned {
        let existing = to_write(write, id)?;
        let row = BriefRow { category_id: to, ..next_version(write, &existing) };
        replace_row(write, Some(&existing), &row, None)?;
    }
    Ok(())
}

/// Who may see an event because a published brief shows it.
///
/// # Errors
/// When the query fails.
pub fn audience_of_event(connection: &mut Connection, event: Id) -> Result<Audience, Problem> {
    let audience = audiences_of_events(connection, &[event])?.remove(&event);
    Ok(audience.unwrap_or(Audience::NOBODY))
}

/// The same of several; those that none shows are left out.
///
/// # Errors
/// When the query fails.
pub fn audiences_of_events(connection: &mut Connection, events: &[Id]) -> Result<HashMap<Id, Audience>, Problem> {
    let shown = in_chunks::<_, (Id, Audience), Problem>(events, |events| {
        natively!(connection, |native| brief_events::table
            .inner_join(briefs::table.on(briefs::id.eq(brief_events::brief_id).and(briefs::until.is_null())))
            .filter(brief_events::until.is_null())
            .filter(among(brief_events::event_id, events))
            .filter(briefs::state.eq(BriefState::Published))
            .select((brief_events::event_id, briefs::audience))
            .distinct()
            .load(native))
    })?;
    let mut audiences: HashMap<Id, Audience> = HashMap::new();
    for (event, audience) in shown {
        let all = audiences.entry(event).or_insert(Audience::NOBODY);
        *all = *all | audience;
    }
    Ok(audiences)
}

/// Brings the briefs that show a changed event up to date: they are found by those who now take part in it, and the
/// published ones are noted in the journal as changed through it.
///
/// # Errors
/// When a statement fails.
pub fn event_changed(write: &mut Write<'_>, event: Id, seen_by: Audience) -> Result<(), Problem> {
    for brief in links::briefs_showing(write.connection, event)? {
        links::relink_actors(write, &brief)?;
        if brief.state == BriefState::Published {
            write.record_via(Kind::Brief, brief.id, brief.version, event, brief.audience & seen_by);
        }
    }
    Ok(())
}

/// How a category stands: by the latest published brief in it that has a status and that this caller may see.
///
/// # Errors
/// When the query fails.
pub fn latest_status(
    connection: &mut Connection,
    sight: Sight,
    category: Id,
) -> Result<Option<CategoryStatus>, Problem> {
    let seen = briefs::table
        .filter(sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience))
        .into_boxed::<MultiBackend>();
    // The status is a part of what a retracted brief says, whichever version is read.
    let seen = if sight.is_now() { seen } else { seen.filter(sight.may_read(briefs::id)) };
    let latest: Option<BriefRow> = seen
        .filter(briefs::category_id.eq(category))
        .filter(briefs::state.eq(BriefState::Published))
        .filter(briefs::category_status.is_not_null())
        .order((briefs::listed_at.desc(), briefs::id.desc()))
        .select(BriefRow::as_select())
        .first(connection)
        .optional()?;
    Ok(latest.and_then(|brief| status_of(&brief)))
}

fn status_of(brief: &BriefRow) -> Option<CategoryStatus> {
    let value: Assessment = brief.category_status?;
    Some(CategoryStatus { value, since: brief.published_at, brief: brief.link() })
}

/// Why a category cannot be deleted: the latest briefs that stand in it, if any do. What the caller may not see keeps it
/// too, but is not named.
///
/// # Errors
/// When a query fails.
pub fn still_in_category(write: &mut Write<'_>, category: Id) -> Result<Option<Problem>, Problem> {
    let sight = write.sight();
    let connection = &mut *write.connection;
    let ids: Vec<Id> = natively!(connection, |native| briefs::table
        .filter(briefs::until.is_null())
        .filter(briefs::category_id.eq(category))
        .order((briefs::listed_at.desc(), briefs::id.desc()))
        .limit(10)
        .select(briefs::id)
        .load(native))?;
    if ids.is_empty() {
        return Ok(None);
    }
    let users: Vec<_> = links(connection, sight, &ids)?
        .into_values()
        .map(|link| serde_json::json!({"type": "brief", "id": link.id, "slug": link.slug}))
        .collect();
    Ok(Some(Problem::conflict("Briefs stand in this category.").with_member("users", users)))
}
