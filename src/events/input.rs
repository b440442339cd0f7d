//! An event as it is written.

use deserr::{Deserr, ValuePointerRef};
use utoipa::ToSchema;

use super::model::{Location, Plover};
use crate::edtf::Edtf;
use crate::http::body::{Fault, Invalid, ReadOnly, UpTo, checked};
use crate::reference::Reference;
use crate::scalars::{CountryCode, Line, Prose, Slug};
use crate::sources::SourceInput;
use crate::vocabulary::{EventKind, EventState, Marking, ParticipantRole, PloverRoot};

/// An event to create, or to put in the place of another.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields, validate = EventInput::check -> Invalid)]
pub struct EventInput {
    /// Its readable name in paths; made of the title and the date unless given.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9-]{1,120}$", example = "counter-terrorism-protocol-2017-07-25")]
    pub slug: Option<Slug>,
    /// What happened, in a line.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "Belarus and China sign a protocol on counter-terrorism")]
    pub title: Line,
    /// What happened, in full.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "It provides for exchange of information and joint operations.")]
    pub description: Option<Prose>,
    /// What sort of thing happened.
    pub kind: EventKind,
    /// Machine coding.
    #[deserr(default)]
    pub plover: Option<PloverInput>,
    /// When, as an EDTF date of level 0 or 1.
    #[schema(value_type = String, example = "2017-07-25")]
    pub occurred: Edtf,
    /// Where, ISO 3166-1 alpha-2 or alpha-3.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 2, max_length = 3, example = "BY")]
    pub country: Option<CountryCode>,
    /// Where exactly.
    #[deserr(default)]
    pub location: Option<LocationInput>,
    /// Who took part.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<ParticipantInput>>, max_items = 500)]
    pub participants: Option<UpTo<500, ParticipantInput>>,
    /// Where this is known from.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<SourceInput>>, max_items = 200)]
    pub sources: Option<UpTo<200, SourceInput>>,
    /// How far it may travel. `TLP:CLEAR` unless given; inside of a brief, the brief's.
    #[deserr(default)]
    pub marking: Option<Marking>,
    /// Whether it is public: a publisher may say so.
    #[deserr(default)]
    pub state: Option<EventState>,
    #[deserr(default)]
    #[schema(ignore)]
    pub id: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub version: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub created_at: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub updated_at: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub occurred_from: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub occurred_to: ReadOnly,
}

/// Machine coding of an event by PLOVER.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields, validate = PloverInput::check -> Invalid)]
pub struct PloverInput {
    /// The root code.
    pub root: PloverRoot,
    /// What narrows it, if the root has modes.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = json!(null))]
    pub mode: Option<Line>,
}

/// Where it happened.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields, validate = LocationInput::check -> Invalid)]
pub struct LocationInput {
    /// The name of the place.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = "Minsk")]
    pub name: Option<Line>,
    /// Degrees north, WGS 84.
    #[deserr(default)]
    #[schema(minimum = -90, maximum = 90, example = 53.9)]
    pub lat: Option<f64>,
    /// Degrees east, WGS 84.
    #[deserr(default)]
    #[schema(minimum = -180, maximum = 180, example = 27.57)]
    pub lon: Option<f64>,
}

/// Who took part in an event, and how.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct ParticipantInput {
    /// Who.
    pub actor: Reference,
    /// In which role; `participant` unless given.
    #[deserr(default)]
    pub role: Option<ParticipantRole>,
}

impl EventInput {
    fn check(self, location: ValuePointerRef<'_>) -> Result<Self, Invalid> {
        let mut faults = Vec::new();
        let mut participants = self.participants.iter().flat_map(|UpTo(list)| list);
        if let Some(plover) = &self.plover
            && plover.root.needs_recipient()
            && !participants.any(|participant| participant.role == Some(ParticipantRole::Recipient))
        {
            let detail = format!("{} needs a participant with role `recipient`", plover.root);
            faults.push(Fault::at("/plover/root", detail));
        }
        checked(self, location, faults)
    }
}

impl PloverInput {
    fn check(self, location: ValuePointerRef<'_>) -> Result<Self, Invalid> {
        let mut faults = Vec::new();
        let modes = self.root.modes();
        if let Some(mode) = &self.mode
            && !modes.contains(&mode.as_str())
        {
            let known = if modes.is_empty() { "none".to_owned() } else { modes.join(", ") };
            faults.push(Fault::at("/mode", format!("is no mode of {}, which has: {known}", self.root)));
        }
        checked(self, location, faults)
    }
}

impl LocationInput {
    fn check(self, location: ValuePointerRef<'_>) -> Result<Self, Invalid> {
        let mut faults = Vec::new();
        for (member, degrees, most) in [("lat", self.lat, 90.0), ("lon", self.lon, 180.0)] {
            if degrees.is_some_and(|degrees| !(-most..=most).contains(&degrees)) {
                faults.push(Fault::at(format!("/{member}"), format!("lies outside of -{most} to {most}")));
            }
        }
        if self.lat.is_some() != self.lon.is_some() {
            faults.push(Fault::at("", "needs both `lat` and `lon`, or neither"));
        } else if self.lat.is_none() && self.name.is_none() {
            faults.push(Fault::at("", "needs a `name`, or `lat` and `lon`"));
        }
        checked(self, location, faults)
    }
}

impl From<PloverInput> for Plover {
    fn from(input: PloverInput) -> Self {
        Self { root: input.root, mode: input.mode.map(Line::into_string) }
    }
}

impl From<LocationInput> for Location {
    fn from(input: LocationInput) -> Self {
        Self { name: input.name.map(Line::into_string), lat: input.lat, lon: input.lon }
    }
}
