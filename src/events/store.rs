//! The events' queries and writes.
//!
//! An event is public in its own right, when a publisher said so, or as far as published briefs show it. The second
//! follows the briefs: [`release`] is called by them whenever what they show, or to whom, has changed.

use std::collections::HashMap;

use diesel::prelude::*;

use super::input::EventInput;
use super::model::{EventRow, EventView, Participant, ParticipantRow};
use crate::access::{Audience, Caller, Moment, Sight};
use crate::actors;
use crate::actors::model::ActorRow;
use crate::actors::store::Summaries;
use crate::briefs;
use crate::db::schema::{event_participants, events, tombstones};
use crate::db::types::{Id, Json};
use crate::db::{Connection, among, in_chunks};
use crate::history::erasure::{self, Stored, Stretch};
use crate::http::body::{Fault, UpTo};
use crate::journal::{self, Write};
use crate::natively;
use crate::problem::Problem;
use crate::reference::{self, Reference};
use crate::removal::Removal;
use crate::resource::{self, Named, Place, Resource, must_lead_to};
use crate::scalars::{CountryCode, Prose, Slug};
use crate::sources::Source;
use crate::vocabulary::{Change, EventState, Kind, Marking, ParticipantRole, Role};
use crate::{by_slugs, destroy_rows, end_versions, insert_row, insert_rows, look_up, slugs, taken_slugs};

impl Resource for EventRow {
    const KIND: Kind = Kind::Event;
    const COLLECTION: &'static str = "events";
    type View = EventView;
    type Input = EventInput;
    const NAMES: &'static [Place] = &[Place::new("/participants/*/actor", must_lead_to::<ActorRow>)];

    fn id(&self) -> Id {
        self.id
    }

    fn slug(&self) -> &str {
        &self.slug
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn wanted_slug(input: &mut EventInput) -> &mut Option<Slug> {
        &mut input.slug
    }

    fn derived_slug(input: &EventInput) -> Slug {
        Slug::derive(input.title.as_str(), &input.occurred.earliest().to_string())
    }

    fn look_up(connection: &mut Connection, sight: Sight, reference: &Reference) -> Result<Option<Self>, Problem> {
        look_up!(connection, sight, reference, events, |part| part.sees(
            events::id,
            events::since,
            events::until,
            events::audience
        ))
    }

    fn taken_slugs(connection: &mut Connection, slugs: &[&str]) -> Result<Vec<String>, Problem> {
        taken_slugs!(connection, slugs, events)
    }

    fn stored(connection: &mut Connection, id: Id) -> Result<Vec<Stored>, Problem> {
        Ok(natively!(connection, |native| events::table
            .filter(events::id.eq(id))
            .order(events::version)
            .select((events::version, events::since, events::until, events::audience, events::slug))
            .load(native))?)
    }

    fn destroy(write: &mut Write<'_>, id: Id, stretch: Stretch) -> Result<(), Problem> {
        destroy_rows!(write.connection, events, id, id, stretch);
        destroy_rows!(write.connection, event_participants, event_id, id, stretch);
        Ok(())
    }

    fn view(connection: &mut Connection, sight: Sight, row: Self) -> Result<EventView, Problem> {
        views(connection, sight.moment, vec![row])?.pop().ok_or_else(|| Problem::internal("an event has no view"))
    }

    fn create(write: &mut Write<'_>, id: Id, input: EventInput) -> Result<Self, Problem> {
        create(write, id, input, &Context::default())
    }

    fn update(write: &mut Write<'_>, existing: Self, input: EventInput) -> Result<Self, Problem> {
        let caller = write.caller();
        if existing.state == EventState::Published && !caller.is_publisher() {
            return Err(Problem::needs_role(Role::Publisher));
        }
        let slug = input.slug.clone().map_or_else(|| existing.slug.clone(), Slug::into_string);
        let whole = resolve(write, existing.id, slug, Some(&existing), input, &Context::default())?;
        let before = participants_of(write.connection, Moment::Head, &[existing.id])?;
        if whole.row.same_content(&existing) && whole.same_participants(&before) {
            return Ok(existing);
        }
        replace(write, &existing, &whole)?;
        Ok(whole.row)
    }

    fn remove(write: &mut Write<'_>, existing: Self, removal: Removal) -> Result<(), Problem> {
        let caller = write.caller();
        if existing.state == EventState::Published && !caller.is_publisher() {
            return Err(Problem::needs_role(Role::Publisher));
        }
        close(write, existing.id)?;
        let seen_by = erasure::ever_seen_by::<EventRow>(write.connection, existing.id)?;
        write.record(
            Kind::Event,
            existing.id,
            write.version_after(existing.version, existing.since),
            Change::Removed,
            existing.audience,
        );
        reference::bury(write, Kind::Event, existing.id, existing.slug, removal, seen_by)?;
        briefs::store::event_changed(write, existing.id, existing.audience)
    }
}

impl Named for EventRow {
    fn by_slugs(connection: &mut Connection, sight: Sight, slugs: &[&str]) -> Result<Vec<(String, Id)>, Problem> {
        by_slugs!(connection, slugs, events, sight.sees(events::id, events::since, events::until, events::audience))
    }
}

/// What an event inherits from the brief that it is written inside of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context {
    /// The marking that it has unless it says its own.
    pub marking: Option<Marking>,
    /// If the brief is published: those who may see what the brief shows.
    pub released_to: Option<Audience>,
}

/// An event's row with those who took part.
struct Whole {
    row: EventRow,
    participants: Vec<ParticipantRow>,
}

impl Whole {
    fn same_participants(&self, others: &[ParticipantRow]) -> bool {
        let said = |row: &ParticipantRow| (row.actor_id, row.role, row.audience, row.occurred_from, row.occurred_to);
        self.participants.iter().map(said).eq(others.iter().map(said))
    }
}

/// Writes the first version of an event, alone or inside of a brief.
///
/// # Errors
/// 403 and 422.
pub fn create(write: &mut Write<'_>, id: Id, input: EventInput, context: &Context) -> Result<EventRow, Problem> {
    let slug = slugs::choose(
        input.slug.clone(),
        || EventRow::derived_slug(&input),
        |slugs| EventRow::taken_slugs(write.connection, slugs),
    )?;
    let whole = resolve(write, id, slug, None, input, context)?;
    write.identify(Kind::Event, id, whole.row.audience, whole.row.audience)?;
    insert(write, &whole.row, &whole.participants)?;
    let change = journal::change(None, whole.row.audience);
    write.record(Kind::Event, id, 1, change, whole.row.audience);
    Ok(whole.row)
}

/// Of these events, the one that an event without a name is: of the same title and date. So a brief that is written twice
/// with an event inside has it once.
///
/// # Errors
/// When the query fails.
pub fn same_among(write: &mut Write<'_>, input: &EventInput, events_of_brief: &[Id]) -> Result<Option<Id>, Problem> {
    if events_of_brief.is_empty() {
        return Ok(None);
    }
    let sight = write.sight();
    Ok(natively!(write.connection, |native| events::table
        .filter(sight.sees(events::id, events::since, events::until, events::audience))
        .filter(among(events::id, events_of_brief))
        .filter(events::title.eq(input.title.as_str()))
        .filter(events::occurred.eq(input.occurred.to_string()))
        .order(events::id)
        .select(events::id)
        .first(native))
    .optional()?)
}

/// Turns an input into rows, with every reference in it led to its actor and every rule checked.
fn resolve(
    write: &mut Write<'_>,
    id: Id,
    slug: String,
    earlier: Option<&EventRow>,
    input: EventInput,
    context: &Context,
) -> Result<Whole, Problem> {
    let caller = write.caller();
    let marking = input.marking.or(context.marking).unwrap_or(Marking::Clear);
    if marking > caller.clearance {
        return Err(Problem::forbidden(format!("Writing {marking} is above this key's clearance.")));
    }
    let (state, released_by_brief) = state_of(&caller, earlier, input.state, context)?;
    if let Some(earlier) =
        earlier.filter(|earlier| earlier.state == EventState::Published && state == EventState::Draft)
    {
        demand_unshown(write.connection, earlier.id)?;
    }
    let mut faults = Vec::new();
    let given = input.participants.map(|UpTo(list)| list).unwrap_or_default();
    resource::foresee::<ActorRow>(write, given.iter().map(|participant| &participant.actor))?;
    let mut participants: Vec<(Id, ParticipantRole)> = Vec::new();
    for (index, participant) in given.iter().enumerate() {
        let pointer = format!("/participants/{index}/actor");
        let role = participant.role.unwrap_or(ParticipantRole::Participant);
        if let Some(actor) = actors::store::meant(write, &participant.actor, &pointer, &mut faults)? {
            if participants.contains(&(actor, role)) {
                faults.push(Fault::at(pointer, "takes part in this role already"));
            }
            participants.push((actor, role));
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let released_to = match (released_by_brief, context.released_to) {
        (false, _) => Audience::NOBODY,
        (true, Some(released_to)) => released_to,
        (true, None) => briefs::store::audience_of_event(write.connection, id)?,
    };
    let row = EventRow {
        id,
        since: write.since(),
        until: None,
        version: earlier.map_or(1, |earlier| write.version_after(earlier.version, earlier.since)),
        created_at: earlier.map_or(write.at(), |earlier| earlier.created_at),
        updated_at: write.at(),
        audience: audience_of(marking, state, released_by_brief, released_to),
        slug,
        title: input.title.into_string(),
        description: input.description.map(Prose::into_string),
        kind: input.kind,
        plover: input.plover.map(|plover| Json(plover.into())),
        occurred_from: input.occurred.earliest(),
        occurred_to: input.occurred.latest(),
        occurred: input.occurred.to_string(),
        country: input.country.map(CountryCode::into_string),
        location: input.location.map(|location| Json(location.into())),
        sources: Json(input.sources.map(|UpTo(list)| list).unwrap_or_default().into_iter().map(Source::from).collect()),
        marking,
        state,
        released_by_brief,
    };
    let participants = participant_rows(&row, participants);
    Ok(Whole { row, participants })
}

/// The state that an event gets, and whether it is public only through its briefs. What is absent stays; what is set is
/// set by a publisher, and makes the event public in its own right.
fn state_of(
    caller: &Caller,
    earlier: Option<&EventRow>,
    wanted: Option<EventState>,
    context: &Context,
) -> Result<(EventState, bool), Problem> {
    let present = earlier.map_or((EventState::Draft, false), |earlier| (earlier.state, earlier.released_by_brief));
    match wanted {
        Some(state) if state != present.0 => {
            if caller.is_publisher() {
                Ok((state, false))
            } else {
                Err(Problem::needs_role(Role::Publisher))
            }
        }
        _ if context.released_to.is_some() && present.0 == EventState::Draft => Ok((EventState::Published, true)),
        _ => Ok(present),
    }
}

/// Refuses to make a draft of what a published brief shows: the brief would make it public again.
fn demand_unshown(connection: &mut Connection, event: Id) -> Result<(), Problem> {
    if briefs::store::audience_of_event(connection, event)? == Audience::NOBODY {
        return Ok(());
    }
    let fault = Fault::at("/state", "a published brief shows it");
    Err(Problem::conflict("An event that a published brief shows is public with it.").with_errors(vec![fault]))
}

fn audience_of(marking: Marking, state: EventState, released_by_brief: bool, released_to: Audience) -> Audience {
    let cleared = Audience::cleared_for(marking);
    match (state, released_by_brief) {
        (EventState::Draft, _) => cleared.editors(),
        (EventState::Published, false) => cleared,
        (EventState::Published, true) => (cleared & released_to) | cleared.editors(),
    }
}

fn participant_rows(event: &EventRow, participants: Vec<(Id, ParticipantRole)>) -> Vec<ParticipantRow> {
    (0..)
        .zip(participants)
        .map(|(ordinal, (actor_id, role))| ParticipantRow {
            actor_id,
            occurred_from: event.occurred_from,
            event_id: event.id,
            ordinal,
            since: event.since,
            until: None,
            audience: event.audience,
            occurred_to: event.occurred_to,
            role,
        })
        .collect()
}

fn replace(write: &mut Write<'_>, existing: &EventRow, whole: &Whole) -> Result<(), Problem> {
    close(write, existing.id)?;
    if whole.row.audience != existing.audience {
        write.permit(existing.id, whole.row.audience, whole.row.audience)?;
    }
    insert(write, &whole.row, &whole.participants)?;
    let change = journal::change(Some(existing.audience), whole.row.audience);
    let seen_by = existing.audience | whole.row.audience;
    write.record(Kind::Event, existing.id, whole.row.version, change, seen_by);
    briefs::store::event_changed(write, existing.id, seen_by)
}

fn insert(write: &mut Write<'_>, row: &EventRow, participants: &[ParticipantRow]) -> Result<(), Problem> {
    insert_row!(write.connection, events::table, row)?;
    insert_rows!(write.connection, event_participants::table, participants)?;
    Ok(())
}

fn close(write: &mut Write<'_>, id: Id) -> Result<(), Problem> {
    end_versions!(write, events, id, id);
    end_versions!(write, event_participants, event_id, id);
    Ok(())
}

/// Puts one actor in the place of another in every event.
///
/// # Errors
/// 403 when one of the events is published and the writer no publisher.
pub fn move_actor(write: &mut Write<'_>, from: Id, to: Id) -> Result<(), Problem> {
    let concerned: Vec<Id> = natively!(write.connection, |native| event_participants::table
        .filter(event_participants::actor_id.eq(from))
        .filter(event_participants::until.is_null())
        .select(event_participants::event_id)
        .distinct()
        .load(native))?;
    for id in concerned {
        let living = events::table.filter(events::until.is_null()).filter(events::id.eq(id));
        let existing: EventRow =
            natively!(write.connection, |native| living.select(EventRow::as_select()).first(native))?;
        if existing.state == EventState::Published && !write.caller().is_publisher() {
            return Err(Problem::needs_role(Role::Publisher));
        }
        let mut participants: Vec<(Id, ParticipantRole)> = Vec::new();
        for row in participants_of(write.connection, Moment::Head, &[id])? {
            let participant = (if row.actor_id == from { to } else { row.actor_id }, row.role);
            if !participants.contains(&participant) {
                participants.push(participant);
            }
        }
        let row = next_version(write, &existing);
        let participants = participant_rows(&row, participants);
        replace(write, &existing, &Whole { row, participants })?;
    }
    Ok(())
}

fn next_version(write: &Write<'_>, existing: &EventRow) -> EventRow {
    EventRow {
        since: write.since(),
        version: write.version_after(existing.version, existing.since),
        updated_at: write.at(),
        ..existing.clone()
    }
}

/// Makes the events of briefs that have changed as public as the briefs that show them now are: drafts of a published
/// brief become public with it, and what only a retracted, deleted or changed brief showed is a draft again.
///
/// # Errors
/// When a statement fails.
pub fn release(write: &mut Write<'_>, ids: &[Id]) -> Result<(), Problem> {
    let rows = in_chunks::<_, EventRow, Problem>(ids, |ids| {
        natively!(write.connection, |native| events::table
            .filter(events::until.is_null())
            .filter(among(events::id, ids))
            .filter(events::state.eq(EventState::Draft).or(events::released_by_brief.eq(true)))
            .select(EventRow::as_select())
            .load(native))
    })?;
    let drafts_and_released: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let shown_to = briefs::store::audiences_of_events(write.connection, &drafts_and_released)?;
    for existing in rows {
        let released_to = shown_to.get(&existing.id).copied().unwrap_or(Audience::NOBODY);
        let released = released_to != Audience::NOBODY;
        let state = if released { EventState::Published } else { EventState::Draft };
        let audience = audience_of(existing.marking, state, released, released_to);
        if existing.state == state && existing.audience == audience {
            continue;
        }
        let row = EventRow { state, released_by_brief: released, audience, ..next_version(write, &existing) };
        let participants = participants_of(write.connection, Moment::Head, &[row.id])?;
        let participants =
            participant_rows(&row, participants.into_iter().map(|row| (row.actor_id, row.role)).collect());
        replace(write, &existing, &Whole { row, participants })?;
    }
    Ok(())
}

/// Lets those see the past of the deleted ones among these events who may see what shows them now: an event that was public only
/// through briefs is, gone or not, no more public than they are.
///
/// # Errors
/// When a statement fails.
pub fn permit_former(write: &mut Write<'_>, ids: &[Id]) -> Result<(), Problem> {
    let deleted = in_chunks::<_, Id, Problem>(ids, |ids| {
        natively!(write.connection, |native| tombstones::table
            .filter(among(tombstones::id, ids))
            .filter(tombstones::erased.eq(false))
            .select(tombstones::id)
            .load(native))
    })?;
    for id in deleted {
        let last: Option<(Marking, bool)> = natively!(write.connection, |native| events::table
            .filter(events::id.eq(id))
            .order(events::since.desc())
            .select((events::marking, events::released_by_brief))
            .first(native))
        .optional()?;
        if let Some((marking, true)) = last {
            let released_to = briefs::store::audience_of_event(write.connection, id)?;
            let audience = audience_of(marking, EventState::Published, true, released_to);
            write.permit(id, audience, audience)?;
        }
    }
    Ok(())
}

fn participants_of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Vec<ParticipantRow>, Problem> {
    in_chunks(ids, |ids| {
        natively!(connection, |native| event_participants::table
            .filter(moment.stands(event_participants::since, event_participants::until))
            .filter(among(event_participants::event_id, ids))
            .order((event_participants::event_id, event_participants::ordinal))
            .select(ParticipantRow::as_select())
            .load(native))
    })
}

/// These events as they are served, in this order; they have been found visible.
///
/// # Errors
/// When a query fails.
pub fn views_of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Vec<EventView>, Problem> {
    let rows = in_chunks::<_, EventRow, Problem>(ids, |ids| {
        natively!(connection, |native| events::table
            .filter(moment.stands(events::since, events::until))
            .filter(among(events::id, ids))
            .select(EventRow::as_select())
            .load(native))
    })?;
    let mut rows: HashMap<Id, EventRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    views(connection, moment, ids.iter().filter_map(|id| rows.remove(id)).collect())
}

/// These rows as they are served, with two queries however many they are.
///
/// # Errors
/// When a query fails.
pub fn views(connection: &mut Connection, moment: Moment, rows: Vec<EventRow>) -> Result<Vec<EventView>, Problem> {
    views_among(connection, moment, rows, &mut Summaries::new())
}

/// The same where some of the actors are known already, and are not looked up again.
///
/// # Errors
/// When a query fails.
pub fn views_among(
    connection: &mut Connection,
    moment: Moment,
    rows: Vec<EventRow>,
    known: &mut Summaries,
) -> Result<Vec<EventView>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let participants = participants_of(connection, moment, &ids)?;
    actors::store::learn(connection, moment, known, participants.iter().map(|participant| participant.actor_id))?;
    let mut by_event: HashMap<Id, Vec<Participant>> = HashMap::new();
    for ParticipantRow { event_id, actor_id, role, .. } in participants {
        let actor = actors::store::link(known, actor_id);
        by_event.entry(event_id).or_default().push(Participant { actor, role });
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let participants = by_event.remove(&row.id).unwrap_or_default();
            row.into_view(participants)
        })
        .collect())
}

/// What a conflict says of these events to a caller: those that it may see, by name.
///
/// # Errors
/// When the query fails.
pub fn named(connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<Vec<serde_json::Value>, Problem> {
    let rows: Vec<(Id, String)> = natively!(connection, |native| events::table
        .filter(sight.sees(events::id, events::since, events::until, events::audience))
        .filter(among(events::id, ids))
        .select((events::id, events::slug))
        .load(native))?;
    Ok(rows.into_iter().map(|(id, slug)| serde_json::json!({"type": "event", "id": id, "slug": slug})).collect())
}
