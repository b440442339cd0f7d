//! What the lists of a brief's body mean: its events, trends, related briefs and translations, led to what is there or is created
//! with it, and with what the writer may not see kept in its place.

use super::input::EventItem;
use super::links;
use super::model::BriefRow;
use crate::access::Moment;
use crate::actors::model::ActorRow;
use crate::db::types::Id;
use crate::events;
use crate::events::model::EventRow;
use crate::http::body::{Fault, UpTo};
use crate::journal::Write;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource::{self, Resource};
use crate::scalars::Slug;
use crate::slugs;
use crate::trends;
use crate::trends::input::TrendInput;
use crate::trends::plan::{self, Plan, Which};
use crate::vocabulary::BriefState;

/// What stands beside the row of the present version.
#[derive(Default)]
pub(super) struct Before {
    pub trends: Vec<trends::model::Stored>,
    pub events: Vec<Id>,
    pub related: Vec<Id>,
    pub translations: Vec<Id>,
}

impl Before {
    /// # Errors
    /// When a query fails.
    pub fn of(write: &mut Write<'_>, existing: Option<&BriefRow>) -> Result<Self, Problem> {
        let Some(BriefRow { id, .. }) = existing else {
            return Ok(Self::default());
        };
        let connection = &mut *write.connection;
        Ok(Self {
            trends: trends::store::of_brief(connection, *id)?,
            events: links::events_of(connection, Moment::Head, &[*id])?.remove(id).unwrap_or_default(),
            related: links::related_of(connection, Moment::Head, &[*id])?.remove(id).unwrap_or_default(),
            translations: links::translations_of(connection, Moment::Head, *id)?,
        })
    }
}

/// The events of the brief: those that are meant, with the new ones created, and then those that the writer may not see.
///
/// # Errors
/// When a query fails.
pub(super) fn events_meant(
    write: &mut Write<'_>,
    brief: &BriefRow,
    items: &[EventItem],
    before: &Before,
    faults: &mut Vec<Fault>,
) -> Result<Vec<Id>, Problem> {
    let named: Vec<Reference> = items.iter().filter_map(EventItem::reference).collect();
    resource::foresee::<EventRow>(write, &named)?;
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
    let sight = write.sight();
    let hidden = links::hidden_events(write.connection, sight, &before.events)?;
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
    let created = create_event(write, brief, document.clone(), item.reference().is_none(), before);
    match created {
        Ok(event) => Ok(Some(event)),
        Err(problem) if !problem.errors().is_empty() => {
            faults.extend(problem.errors().iter().cloned().map(|fault| fault.below(pointer)));
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

/// Creates an event that is written inside of a brief. One without a name that the brief has already is that event.
fn create_event(
    write: &mut Write<'_>,
    brief: &BriefRow,
    document: serde_json::Value,
    is_nameless: bool,
    before: &Before,
) -> Result<Id, Problem> {
    let caller = write.caller();
    let mut input = resource::input::parse::<EventRow>(write.connection, &caller, document)?;
    if is_nameless && let Some(id) = events::store::same_among(write, &input, &before.events)? {
        return Ok(id);
    }
    if let Some(slug) = EventRow::wanted_slug(&mut input) {
        slugs::demand_free(slug, EventRow::slug_is_taken(write.connection, slug.as_str())?)?;
    }
    let context = events::store::Context {
        marking: Some(brief.marking),
        released_to: (brief.state == BriefState::Published).then_some(brief.audience),
    };
    events::store::create(write, Id::new(), input, &context).map(|event| event.id)
}

/// The briefs that go with this one: those that are meant, with those that the writer may not see in their places.
///
/// # Errors
/// When a query fails.
pub(super) fn related_meant(
    write: &mut Write<'_>,
    references: &[Reference],
    before: &[Id],
    faults: &mut Vec<Fault>,
) -> Result<Vec<Id>, Problem> {
    let meant = briefs_meant(write, references, before, "/related", faults)?;
    let sight = write.sight();
    let hidden = links::hidden_briefs(write.connection, sight, before)?;
    Ok(links::with_hidden(meant, before, &hidden))
}

/// The translations that are named, or nothing where they stay as they are.
///
/// # Errors
/// When a query fails.
pub(super) fn translations_meant(
    write: &mut Write<'_>,
    references: Option<Vec<Reference>>,
    before: &[Id],
    faults: &mut Vec<Fault>,
) -> Result<Option<Vec<Id>>, Problem> {
    references.map(|references| briefs_meant(write, &references, before, "/translations", faults)).transpose()
}

fn briefs_meant(
    write: &mut Write<'_>,
    references: &[Reference],
    before: &[Id],
    pointer: &str,
    faults: &mut Vec<Fault>,
) -> Result<Vec<Id>, Problem> {
    resource::foresee::<BriefRow>(write, references)?;
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
    Ok(meant)
}

/// The trends of the brief: one that names a trend of this brief stays that trend, every other is new.
///
/// # Errors
/// When a query fails.
pub(super) fn trends_meant(
    write: &mut Write<'_>,
    brief: &BriefRow,
    inputs: Vec<TrendInput>,
    stored: &[trends::model::Stored],
    faults: &mut Vec<Fault>,
) -> Result<Vec<Plan>, Problem> {
    resource::foresee::<ActorRow>(write, inputs.iter().flat_map(|input| &input.actors).flat_map(|UpTo(list)| list))?;
    resource::foresee::<EventRow>(write, inputs.iter().flat_map(|input| &input.evidence).flat_map(|UpTo(list)| list))?;
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
        let plan = plan::plan(write, brief, which, input, &siblings, &pointer, faults)?;
        if planned.iter().any(|other| other.slug() == plan.slug()) {
            faults.push(Fault::at(format!("{pointer}/slug"), format!("`{}` is in the list already", plan.slug())));
        }
        planned.push(plan);
    }
    Ok(planned)
}
