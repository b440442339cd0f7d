//! The briefs' writes, and what other slices ask of briefs.
//!
//! A brief is written with all that belongs to it: its row, its trends, its events and its links are saved in one write,
//! and then what follows from them is brought up to date, namely who may see its events and by whom it is found.

use diesel::prelude::*;

use super::input::{self, BriefInput, EventItem, RetractionInput};
use super::links;
use super::model::{BriefRow, BriefView, Correction, NOT_YET_PUBLISHED, Retraction};
use super::views;
use crate::access::{Audience, Caller, visible};
use crate::actors::model::ActorRow;
use crate::categories::model::{CategoryRow, CategoryStatus};
use crate::db::Connection;
use crate::db::schema::{brief_events, briefs};
use crate::db::types::{Id, Json, Timestamp};
use crate::events;
use crate::events::model::EventRow;
use crate::http::body::{Fault, UpTo};
use crate::journal::{self, Write};
use crate::markdown;
use crate::problem::Problem;
use crate::reference::{self, Reference};
use crate::removal::Removal;
use crate::resource::{self, Place, Resource, must_lead_to};
use crate::scalars::{CommonMark, CountryCode, HttpUrl, LanguageCode, Line, Prose, Slug};
use crate::sources::Source;
use crate::trends;
use crate::trends::store::{Plan, Which};
use crate::vocabulary::{Assessment, BriefState, Change, Kind, Marking, Role};
use crate::{end_versions, slugs};

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
        let date = match (input.published_at, input.period) {
            (Some(published_at), _) => published_at.datetime().date_naive().to_string(),
            (None, Some(period)) => period.to.0.to_string(),
            (None, None) => Timestamp::now().datetime().date_naive().to_string(),
        };
        Slug::derive(input.title.as_str(), &date)
    }

    fn name_parts(input: &mut BriefInput, brief: &Slug) {
        input.keeps_trends = input.trends.is_none();
        for (number, trend) in (1..).zip(input.trends.iter_mut().flat_map(|UpTo(list)| list)) {
            trend.slug.get_or_insert_with(|| Slug::derive(brief.as_str(), &format!("trend-{number}")));
        }
        for item in input.events.iter_mut().flat_map(|UpTo(list)| list) {
            item.name();
        }
    }

    fn living(connection: &mut Connection, caller: &Caller, reference: &Reference) -> Result<Option<Self>, Problem> {
        let living = || {
            briefs::table
                .filter(briefs::until.is_null())
                .filter(visible(briefs::audience, caller))
                .select(Self::as_select())
        };
        if let Some(id) = reference.id
            && let Some(found) = living().filter(briefs::id.eq(id)).first(connection).optional()?
        {
            return Ok(Some(found));
        }
        match &reference.slug {
            Some(slug) => Ok(living().filter(briefs::slug.eq(slug)).first(connection).optional()?),
            None => Ok(None),
        }
    }

    fn slug_is_taken(connection: &mut Connection, slug: &str) -> Result<bool, Problem> {
        let same = briefs::table.filter(briefs::until.is_null()).filter(briefs::slug.eq(slug));
        Ok(same.count().get_result::<i64>(connection)? > 0)
    }

    fn view(connection: &mut Connection, caller: &Caller, row: Self) -> Result<BriefView, Problem> {
        views::whole(connection, caller, row)
    }

    fn create(write: &mut Write<'_>, id: Id, input: BriefInput) -> Result<Self, Problem> {
        let slug = slugs::choose(
            input.slug.clone(),
            || Self::derived_slug(&input),
            |slug| Self::slug_is_taken(write.connection, slug),
        )?;
        write.identify(Kind::Brief, id)?;
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
        let events = links::events_of(write.connection, &[existing.id])?.remove(&existing.id).unwrap_or_default();
        links::set_events(write, existing.id, &[])?;
        links::set_related(write, existing.id, &[])?;
        links::unlink_actors(write, existing.id)?;
        links::leave_translations(write, existing.id)?;
        close(write, existing.id)?;
        let seen_by = ever_seen_by(write.connection, existing.id)?;
        write.record(
            Kind::Brief,
            existing.id,
            write.version_after(existing.version, existing.since),
            Change::Removed,
            existing.audience,
        );
        reference::bury(write, Kind::Brief, existing.id, existing.slug, removal, seen_by)?;
        events::store::release(write, &events)
    }
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
    let keeps_trends = input.keeps_trends;
    let trend_inputs = input.trends.take().map(|UpTo(list)| list).unwrap_or_default();
    let event_items = input.events.take().map(|UpTo(list)| list).unwrap_or_default();
    let related = input.related.take().map(|UpTo(list)| list).unwrap_or_default();
    let translations = input.translations.take().map(|UpTo(list)| list).unwrap_or_default();
    let category_id = category.map_or(id, |(category, _)| category);
    let row = row_of(write, id, slug, category_id, existing.as_ref(), input, &mut faults)?;

    let before = Before::of(write, existing.as_ref())?;
    let events = events_meant(write, &row, &event_items, &before, &mut faults)?;
    let related = briefs_meant(write, &related, &before.related, "/related", &mut faults)?;
    let translations = briefs_meant(write, &translations, &before.translations, "/translations", &mut faults)?;
    for (list, pointer) in [(&related, "/related"), (&translations, "/translations")] {
        if list.contains(&id) {
            faults.push(Fault::at(pointer, "names the brief itself"));
        }
    }
    let planned = if keeps_trends {
        Plan::of_stored(before.trends.clone())
    } else {
        trends_meant(write, &row, trend_inputs, &before.trends, &mut faults)?
    };
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }

    let changed_trends = trends::store::save_all(write, &row, before.trends, &planned)?;
    let same_translations = same_members(&translations, &before.translations);
    if let Some(existing) = &existing
        && row.same_content(existing)
        && !changed_trends
        && events == before.events
        && related == before.related
        && same_translations
    {
        return Ok(existing.clone());
    }
    replace_row(write, existing.as_ref(), &row)?;
    if events != before.events {
        links::set_events(write, id, &events)?;
    }
    if related != before.related {
        links::set_related(write, id, &related)?;
    }
    if !same_translations {
        links::set_translations(write, id, &before.translations, &translations)?;
    }
    let mut concerned = before.events;
    concerned.extend(events.iter().filter(|event| !concerned.contains(event)).copied().collect::<Vec<_>>());
    events::store::release(write, &concerned)?;
    links::relink_actors(write, &row)?;
    Ok(row)
}

/// What stands beside the row of the present version.
#[derive(Default)]
struct Before {
    trends: Vec<trends::model::Stored>,
    events: Vec<Id>,
    related: Vec<Id>,
    translations: Vec<Id>,
}

impl Before {
    fn of(write: &mut Write<'_>, existing: Option<&BriefRow>) -> Result<Self, Problem> {
        let Some(BriefRow { id, .. }) = existing else {
            return Ok(Self::default());
        };
        let connection = &mut *write.connection;
        Ok(Self {
            trends: trends::store::of_brief(connection, *id)?,
            events: links::events_of(connection, &[*id])?.remove(id).unwrap_or_default(),
            related: links::related_of(connection, &[*id])?.remove(id).unwrap_or_default(),
            translations: links::translations_of(connection, *id)?,
        })
    }
}

fn same_members(a: &[Id], b: &[Id]) -> bool {
    a.len() == b.len() && a.iter().all(|id| b.contains(id))
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
    let state = state_of(&caller, existing, input.state)?;
    let published_at = published_at_of(write.at(), state, existing, input.published_at, faults);
    let retraction = retraction_of(state, existing, input.retraction, faults);
    let scheduled_for = scheduled_for_of(state, existing, input.scheduled_for, faults);
    let corrections = match input.corrections {
        Some(UpTo(corrections)) => corrections.into_iter().map(Correction::from).collect(),
        None => existing.map(|existing| existing.corrections.0.clone()).unwrap_or_default(),
    };
    let body = input.body.map(CommonMark::into_string);
    let embargoed = input.embargo_until.is_some_and(|until| until > write.at());
    Ok(BriefRow {
        id,
        since: write.since(),
        until: None,
        version: existing.map_or(1, |existing| write.version_after(existing.version, existing.since)),
        created_at: existing.map_or(write.at(), |existing| existing.created_at),
        updated_at: write.at(),
        audience: audience_of(state, marking, embargoed),
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

/// Who may see a brief: those cleared for its marking; before it is published the editors among them, and under embargo
/// not the public.
fn audience_of(state: BriefState, marking: Marking, embargoed: bool) -> Audience {
    let cleared = Audience::cleared_for(marking);
    match state {
        BriefState::Published | BriefState::Retracted if embargoed => cleared.under_embargo(),
        BriefState::Published | BriefState::Retracted => cleared,
        BriefState::Draft | BriefState::InReview | BriefState::Scheduled => cleared.editors(),
    }
}

/// The state that a brief gets. What is absent stays. An editor moves it between draft and review; what is published, or
/// is going to be, is a publisher's word.
fn state_of(caller: &Caller, existing: Option<&BriefRow>, wanted: Option<BriefState>) -> Result<BriefState, Problem> {
    use BriefState::{Draft, InReview, Published, Retracted, Scheduled};
    let present = existing.map(|existing| existing.state);
    let Some(wanted) = wanted.or(present) else {
        return Ok(Draft);
    };
    match (present, wanted) {
        (Some(present), wanted) if present == wanted => Ok(wanted),
        (None | Some(Draft | InReview), Draft | InReview) => Ok(wanted),
        (None, Published | Scheduled | Retracted) | (Some(Draft | InReview | Scheduled), Published) => {
            if caller.is_publisher() { Ok(wanted) } else { Err(Problem::needs_role(Role::Publisher)) }
        }
        (Some(present), _) => {
            let fault = Fault::at("/state", format!("does not follow on `{present}`"));
            let detail = format!("A brief that is `{present}` does not become `{wanted}` by being written.");
            Err(Problem::conflict(detail).with_errors(vec![fault]))
        }
    }
}

fn published_at_of(
    now: Timestamp,
    state: BriefState,
    existing: Option<&BriefRow>,
    wanted: Option<Timestamp>,
    faults: &mut Vec<Fault>,
) -> Option<Timestamp> {
    if !matches!(state, BriefState::Published | BriefState::Retracted) {
        if wanted.is_some() {
            faults.push(Fault::at("/published_at", "is for a brief whose `state` is `published`"));
        }
        return None;
    }
    if wanted.is_some_and(|wanted| wanted > now) {
        faults.push(Fault::at("/published_at", "lies in the future"));
    }
    wanted.or_else(|| existing.and_then(|existing| existing.published_at)).or(Some(now))
}

/// When a brief is going to be published: said of a scheduled one, and forgotten when it becomes another.
fn scheduled_for_of(
    state: BriefState,
    existing: Option<&BriefRow>,
    wanted: Option<Timestamp>,
    faults: &mut Vec<Fault>,
) -> Option<Timestamp> {
    let before = existing.and_then(|existing| existing.scheduled_for);
    match (state, wanted) {
        (BriefState::Scheduled, None) => {
            faults.push(Fault::at("/scheduled_for", "is required of a scheduled brief"));
            None
        }
        (BriefState::Scheduled, wanted) => wanted,
        (_, wanted) => {
            if wanted.is_some() && wanted != before {
                faults.push(Fault::at("/scheduled_for", "is for a brief whose `state` is `scheduled`"));
            }
            None
        }
    }
}

fn retraction_of(
    state: BriefState,
    existing: Option<&BriefRow>,
    given: Option<RetractionInput>,
    faults: &mut Vec<Fault>,
) -> Option<Retraction> {
    if state != BriefState::Retracted {
        if given.is_some() {
            faults.push(Fault::at("/retraction", "is for a brief whose `state` is `retracted`"));
        }
        return None;
    }
    let retraction = given
        .map(Retraction::from)
        .or_else(|| existing.and_then(|existing| existing.retraction.clone()).map(|Json(retraction)| retraction));
    if retraction.is_none() {
        faults.push(Fault::at("/retraction", "is required of a retracted brief"));
    }
    retraction
}

/// The events of the brief: those that are meant, with the new ones created, and then those that the writer may not see.
fn events_meant(
    write: &mut Write<'_>,
    brief: &BriefRow,
    items: &[EventItem],
    before: &Before,
    faults: &mut Vec<Fault>,
) -> Result<Vec<Id>, Problem> {
    let mut meant = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let pointer = format!("/events/{index}");
        if let Some(event) = event_meant(write, brief, item, before, &pointer, faults)? {
            if meant.contains(&event) {
                faults.push(Fault::at(pointer, "is in the list already"));
            } else {
                meant.push(event);
            }
        }
    }
    let caller = write.caller();
    let hidden = links::hidden_events(write.connection, &caller, &before.events)?;
    Ok(links::with_hidden(meant, &before.events, &hidden))
}

fn event_meant(
    write: &mut Write<'_>,
    brief: &BriefRow,
    item: &EventItem,
    before: &Before,
    pointer: &str,
    faults: &mut Vec<Fault>,
) -> Result<Option<Id>, Problem> {
    let mut unknown = Vec::new();
    if let Some(reference) = item.reference() {
        if let Some(id) = reference.id.filter(|id| before.events.contains(id)) {
            return Ok(Some(id));
        }
        if let Some((id, _)) = resource::meant::<EventRow>(write, &reference, pointer, &mut unknown)? {
            return Ok(Some(id));
        }
    }
    let Some(document) = item.to_create() else {
        faults.append(&mut unknown);
        return Ok(None);
    };
    let context = events::store::Context {
        marking: Some(brief.marking),
        released_to: (brief.state == BriefState::Published).then_some(brief.audience),
    };
    let caller = write.caller();
    let input = resource::input::parse::<EventRow>(write.connection, &caller, document.clone());
    let created = input.and_then(|mut input| {
        if let Some(slug) = EventRow::wanted_slug(&mut input) {
            slugs::demand_free(slug, EventRow::slug_is_taken(write.connection, slug.as_str())?)?;
        }
        events::store::create(write, Id::new(), input, &context)
    });
    match created {
        Ok(event) => Ok(Some(event.id)),
        Err(problem) if !problem.errors().is_empty() => {
            faults.extend(problem.errors().iter().cloned().map(|fault| fault.below(pointer)));
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

/// The briefs that are meant by references, and then those of the present ones that the writer may not see.
fn briefs_meant(
    write: &mut Write<'_>,
    references: &[Reference],
    before: &[Id],
    pointer: &str,
    faults: &mut Vec<Fault>,
) -> Result<Vec<Id>, Problem> {
    let mut meant = Vec::new();
    for (index, reference) in references.iter().enumerate() {
        let already = reference.id.filter(|id| before.contains(id));
        let found = match already {
            Some(id) => Some(id),
            None => {
                resource::meant::<BriefRow>(write, reference, &format!("{pointer}/{index}"), faults)?.map(|(id, _)| id)
            }
        };
        meant.extend(found.filter(|id| !meant.contains(id)));
    }
    let caller = write.caller();
    let hidden = links::hidden_briefs(write.connection, &caller, before)?;
    Ok(links::with_hidden(meant, before, &hidden))
}

/// The trends of the brief: one that names a trend of this brief stays that trend, every other is new.
fn trends_meant(
    write: &mut Write<'_>,
    brief: &BriefRow,
    inputs: Vec<trends::input::TrendInput>,
    stored: &[trends::model::Stored],
    faults: &mut Vec<Fault>,
) -> Result<Vec<Plan>, Problem> {
    let given: Vec<String> = inputs.iter().filter_map(|input| input.slug.as_ref()).map(ToString::to_string).collect();
    let mut planned: Vec<Plan> = Vec::new();
    for (index, input) in inputs.into_iter().enumerate() {
        let pointer = format!("/trends/{index}");
        let slug = input.slug.as_ref().map(Slug::as_str);
        let existing = stored
            .iter()
            .find(|stored| input.id.0 == Some(stored.row.id))
            .or_else(|| stored.iter().find(|stored| slug == Some(stored.row.slug.as_str())))
            .filter(|stored| planned.iter().all(|plan| plan.id() != stored.row.id));
        let which = existing.map_or_else(|| Which::New(Id::new()), Which::Stored);
        let siblings: Vec<&str> = given.iter().map(String::as_str).chain(planned.iter().map(Plan::slug)).collect();
        let plan = trends::store::plan(write, brief, which, input, &siblings, &pointer, faults)?;
        if planned.iter().any(|other| other.slug() == plan.slug()) {
            faults.push(Fault::at(format!("{pointer}/slug"), format!("`{}` is in the list already", plan.slug())));
        }
        planned.push(plan);
    }
    Ok(planned)
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
    replace_row(write, Some(&brief), &row)?;
    links::relink_actors(write, &row)
}

/// Publishes a brief now.
///
/// # Errors
/// 409 when it is published already, or retracted.
pub fn publish(write: &mut Write<'_>, existing: BriefRow) -> Result<BriefRow, Problem> {
    if existing.is_public() {
        let detail = format!("A brief that is `{}` cannot be published.", existing.state);
        return Err(Problem::conflict(detail));
    }
    let embargoed = existing.embargo_until.is_some_and(|until| until > write.at());
    let row = BriefRow {
        state: BriefState::Published,
        audience: audience_of(BriefState::Published, existing.marking, embargoed),
        published_at: Some(write.at()),
        listed_at: write.at(),
        scheduled_for: None,
        ..next_version(write, &existing)
    };
    let stored = trends::store::of_brief(write.connection, row.id)?;
    let planned = Plan::of_stored(stored.clone());
    trends::store::save_all(write, &row, stored, &planned)?;
    replace_row(write, Some(&existing), &row)?;
    release_events(write, &row)?;
    Ok(row)
}

/// Whether the time has come of any embargo's end or any scheduled publication.
///
/// # Errors
/// When a query fails.
pub fn anything_due(connection: &mut Connection) -> Result<bool, Problem> {
    let now = Timestamp::now();
    Ok(!due_embargoes(connection, now)?.is_empty() || !due_publications(connection, now)?.is_empty())
}

/// Does what is due: publishes what was scheduled for now or earlier, and lifts the embargoes that have ended. Returns how
/// many briefs that changed.
///
/// # Errors
/// When a statement fails.
pub fn do_what_is_due(write: &mut Write<'_>) -> Result<usize, Problem> {
    let scheduled = due_publications(write.connection, write.at())?;
    let published = scheduled.len();
    for brief in scheduled {
        publish(write, brief)?;
    }
    Ok(published + lift_embargoes(write)?)
}

fn due_publications(connection: &mut Connection, now: Timestamp) -> Result<Vec<BriefRow>, Problem> {
    Ok(briefs::table
        .filter(briefs::until.is_null())
        .filter(briefs::state.eq(BriefState::Scheduled))
        .filter(briefs::scheduled_for.le(now))
        .select(BriefRow::as_select())
        .load(connection)?)
}

/// The published briefs that are still kept from the public although their embargo has ended.
fn due_embargoes(connection: &mut Connection, now: Timestamp) -> Result<Vec<BriefRow>, Problem> {
    Ok(briefs::table
        .filter(briefs::until.is_null())
        .filter(briefs::embargo_until.le(now))
        .filter(briefs::marking.eq(Marking::Clear))
        .filter(briefs::state.eq_any([BriefState::Published, BriefState::Retracted]))
        .filter(diesel::dsl::not(visible(briefs::audience, &Caller::ANYONE)))
        .select(BriefRow::as_select())
        .load(connection)?)
}

fn lift_embargoes(write: &mut Write<'_>) -> Result<usize, Problem> {
    let due = due_embargoes(write.connection, write.at())?;
    for existing in &due {
        let audience = audience_of(existing.state, existing.marking, false);
        let row = BriefRow { audience, ..next_version(write, existing) };
        let stored = trends::store::of_brief(write.connection, row.id)?;
        let planned = Plan::of_stored(stored.clone());
        trends::store::save_all(write, &row, stored, &planned)?;
        replace_row(write, Some(existing), &row)?;
        release_events(write, &row)?;
    }
    Ok(due.len())
}

fn next_version(write: &Write<'_>, existing: &BriefRow) -> BriefRow {
    BriefRow {
        since: write.since(),
        version: write.version_after(existing.version, existing.since),
        updated_at: write.at(),
        ..existing.clone()
    }
}

fn release_events(write: &mut Write<'_>, brief: &BriefRow) -> Result<(), Problem> {
    let events = links::events_of(write.connection, &[brief.id])?.remove(&brief.id).unwrap_or_default();
    events::store::release(write, &events)?;
    links::relink_actors(write, brief)
}

fn replace_row(write: &mut Write<'_>, existing: Option<&BriefRow>, row: &BriefRow) -> Result<(), Problem> {
    if existing.is_some() {
        close(write, row.id)?;
    }
    diesel::insert_into(briefs::table).values(row).execute(write.connection)?;
    let before = existing.map(|existing| existing.audience);
    let seen_by = before.unwrap_or(Audience::NOBODY) | row.audience;
    write.record(Kind::Brief, row.id, row.version, journal::change(before, row.audience), seen_by);
    Ok(())
}

fn close(write: &mut Write<'_>, id: Id) -> Result<(), Problem> {
    end_versions!(write, briefs, id, id);
    Ok(())
}

fn ever_seen_by(connection: &mut Connection, id: Id) -> Result<Audience, Problem> {
    let audiences: Vec<Audience> =
        briefs::table.filter(briefs::id.eq(id)).select(briefs::audience).distinct().load(connection)?;
    Ok(audiences.into_iter().fold(Audience::NOBODY, |all, audience| all | audience))
}

/// Who may see an event because a published brief shows it.
///
/// # Errors
/// When the query fails.
pub fn audience_of_event(connection: &mut Connection, event: Id) -> Result<Audience, Problem> {
    let audiences: Vec<Audience> = brief_events::table
        .inner_join(briefs::table.on(briefs::id.eq(brief_events::brief_id).and(briefs::until.is_null())))
        .filter(brief_events::until.is_null())
        .filter(brief_events::event_id.eq(event))
        .filter(briefs::state.eq(BriefState::Published))
        .select(briefs::audience)
        .distinct()
        .load(connection)?;
    Ok(audiences.into_iter().fold(Audience::NOBODY, |all, audience| all | audience))
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
    caller: &Caller,
    category: Id,
) -> Result<Option<CategoryStatus>, Problem> {
    let latest: Option<BriefRow> = briefs::table
        .filter(briefs::until.is_null())
        .filter(briefs::category_id.eq(category))
        .filter(visible(briefs::audience, caller))
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
pub fn still_in_category(
    connection: &mut Connection,
    caller: &Caller,
    category: Id,
) -> Result<Option<Problem>, Problem> {
    let ids: Vec<Id> = briefs::table
        .filter(briefs::until.is_null())
        .filter(briefs::category_id.eq(category))
        .order((briefs::listed_at.desc(), briefs::id.desc()))
        .limit(10)
        .select(briefs::id)
        .load(connection)?;
    if ids.is_empty() {
        return Ok(None);
    }
    let users: Vec<_> = links(connection, caller, &ids)?
        .into_values()
        .map(|link| serde_json::json!({"type": "brief", "id": link.id, "slug": link.slug}))
        .collect();
    Ok(Some(Problem::conflict("Briefs stand in this category.").with_member("users", users)))
}
