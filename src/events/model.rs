//! An event as it is stored and as it is served.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Audience;
use crate::actors::model::ActorLink;
use crate::db::schema::{event_participants, events};
use crate::db::types::{Id, Json, Timestamp};
use crate::reference::Link;
use crate::sources::Source;
use crate::vocabulary::{EventKind, EventState, Marking, ParticipantRole, PloverRoot};

/// One version of an event.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct EventRow {
    pub id: Id,
    pub since: i64,
    pub until: Option<i64>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub audience: Audience,
    pub slug: String,
    pub title: String,
    pub description: Option<String>,
    pub kind: EventKind,
    pub plover: Option<Json<Plover>>,
    pub occurred: String,
    pub occurred_from: NaiveDate,
    pub occurred_to: NaiveDate,
    pub country: Option<String>,
    pub location: Option<Json<Location>>,
    pub sources: Json<Vec<Source>>,
    pub marking: Marking,
    pub state: EventState,
    /// Whether it is public only as far as a published brief shows it, and not in its own right.
    pub released_by_brief: bool,
}

/// Who took part, as which role; carries what a page of an actor's events is ordered and filtered by.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = event_participants, treat_none_as_default_value = false)]
pub struct ParticipantRow {
    pub actor_id: Id,
    pub occurred_from: NaiveDate,
    pub event_id: Id,
    pub ordinal: i32,
    pub since: i64,
    pub until: Option<i64>,
    pub audience: Audience,
    pub occurred_to: NaiveDate,
    pub role: ParticipantRole,
}

/// Machine coding of an event by PLOVER.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plover {
    /// The root code.
    pub root: PloverRoot,
    /// What narrows it.
    #[schema(example = json!(null))]
    pub mode: Option<String>,
}

/// Where it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Location {
    /// The name of the place.
    #[schema(example = "Minsk")]
    pub name: Option<String>,
    /// Degrees north, WGS 84.
    #[schema(example = 53.9)]
    pub lat: Option<f64>,
    /// Degrees east, WGS 84.
    #[schema(example = 27.57)]
    pub lon: Option<f64>,
}

/// What happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// The event's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "counter-terrorism-protocol-2017-07-25")]
    pub slug: String,
    /// One more at each change.
    #[schema(example = 1)]
    pub version: i32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub updated_at: Timestamp,
    /// What happened, in a line.
    #[schema(example = "Belarus and China sign a protocol on counter-terrorism")]
    pub title: String,
    /// What happened, in full.
    #[schema(example = "It provides for exchange of information and joint operations.")]
    pub description: Option<String>,
    /// What sort of thing happened.
    pub kind: EventKind,
    /// Machine coding, if there is one.
    pub plover: Option<Plover>,
    /// When, as the analyst wrote it: an EDTF date.
    #[schema(example = "2017-07-25")]
    pub occurred: String,
    /// The first day that this can mean.
    #[schema(example = "2017-07-25")]
    pub occurred_from: NaiveDate,
    /// The last day that this can mean; 9999-12-31 for an open end.
    #[schema(example = "2017-07-25")]
    pub occurred_to: NaiveDate,
    /// Where, ISO 3166-1 alpha-2.
    #[schema(example = "BY")]
    pub country: Option<String>,
    /// Where exactly.
    pub location: Option<Location>,
    /// Who took part, in the order in which they were given.
    pub participants: Vec<Participant>,
    /// Where this is known from.
    pub sources: Vec<Source>,
    /// How far it may travel.
    pub marking: Marking,
    /// Whether it is public.
    pub state: EventState,
}

/// Who took part in an event, and how.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Participant {
    /// Who.
    pub actor: Link<ActorLink>,
    /// In which role.
    pub role: ParticipantRole,
}

impl EventRow {
    /// Whether two versions say the same.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let (since, until, version, updated_at) = (self.since, self.until, self.version, self.updated_at);
        *self == Self { since, until, version, updated_at, ..other.clone() }
    }

    /// The event as it is served.
    #[must_use]
    pub fn into_view(self, participants: Vec<Participant>) -> EventView {
        EventView {
            id: self.id,
            slug: self.slug,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            title: self.title,
            description: self.description,
            kind: self.kind,
            plover: self.plover.map(|Json(plover)| plover),
            occurred: self.occurred,
            occurred_from: self.occurred_from,
            occurred_to: self.occurred_to,
            country: self.country,
            location: self.location.map(|Json(location)| location),
            participants,
            sources: self.sources.0,
            marking: self.marking,
            state: self.state,
        }
    }
}
