//! A brief as it is written.

use deserr::{DeserializeError, Deserr, IntoValue, ValueKind, ValuePointerRef};
use serde_json::Value;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::model::{Correction, Image, Retraction};
use crate::access::Sight;
use crate::db::types::{Id, Timestamp};
use crate::events::input::EventInput;
use crate::events::model::EventRow;
use crate::http::body::{self, Fault, GivenVersion, Invalid, ReadOnly, UpTo, checked, wrong_kind};
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource::input::Search;
use crate::resource::{self, Resource, must_lead_to};
use crate::scalars::{CommonMark, CountryCode, Day, HttpUrl, LanguageCode, Line, Prose, Slug};
use crate::sources::SourceInput;
use crate::trends::input::TrendInput;
use crate::vocabulary::{Assessment, BriefState, Marking, Severity};

/// A brief to create, or to put in the place of another.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct BriefInput {
    /// Its readable name in paths; made of the title and the date unless given.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9-]{1,120}$", example = "security-2017-07-31")]
    pub slug: Option<Slug>,
    /// Its headline.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "The army gains weight")]
    pub title: Line,
    /// The rubric that it stands in.
    pub category: Reference,
    /// How things stand there.
    #[deserr(default)]
    pub category_status: Option<Assessment>,
    /// Its language (BCP 47).
    #[schema(value_type = String, example = "en")]
    pub language: LanguageCode,
    /// The country that it is about, ISO 3166-1 alpha-2 or alpha-3.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 2, max_length = 3, example = "BY")]
    pub country: Option<CountryCode>,
    /// The days that it covers.
    #[deserr(default)]
    pub period: Option<PeriodInput>,
    /// What it says, in short.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "The army's influence grew; a protocol with China was signed.")]
    pub summary: Option<Prose>,
    /// What it says, in CommonMark.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "Belarus and China **signed** a protocol.")]
    pub body: Option<CommonMark>,
    /// Its picture.
    #[deserr(default)]
    pub image: Option<ImageInput>,
    /// Who wrote it.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 100, example = json!(["Belarus Security Desk"]))]
    pub authors: Option<UpTo<100, Line>>,
    /// Where it has it from.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<SourceInput>>, max_items = 200)]
    pub sources: Option<UpTo<200, SourceInput>>,
    /// How far it may travel; `TLP:CLEAR` unless given.
    #[deserr(default)]
    pub marking: Option<Marking>,
    /// Under which licence it may be copied.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = "CC-BY-4.0")]
    pub license: Option<Line>,
    /// Where its original stands; http or https.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = "uri", example = "https://www.example.org/briefs/security-2017-07-31")]
    pub canonical_url: Option<HttpUrl>,
    /// Where it stands in the editors' work. A publisher may create it as already published.
    #[deserr(default)]
    pub state: Option<BriefState>,
    /// When it was published, in the past; now unless given.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    pub published_at: Option<Timestamp>,
    /// Until when it is only for readers cleared for TLP:GREEN or more.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    pub embargo_until: Option<Timestamp>,
    /// When it is going to be published, if it is scheduled.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    pub scheduled_for: Option<Timestamp>,
    /// The judgements, in order. One with the `id` or `slug` of a trend of this brief stays that trend, others are new,
    /// and those that are left out are removed.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<TrendInput>>, max_items = 200)]
    pub trends: Option<UpTo<200, TrendInput>>,
    /// Whether absent trends and translations are those that it has, as in an import, where lines of their own or of others
    /// may have said them.
    #[deserr(skip)]
    #[schema(ignore)]
    pub keeps_what_is_absent: bool,
    /// The events that it reports: references, or whole events to create with it.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<EventItem>>, max_items = 500)]
    pub events: Option<UpTo<500, EventItem>>,
    /// The same brief in other languages.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<Reference>>, max_items = 100)]
    pub translations: Option<UpTo<100, Reference>>,
    /// What was corrected in it, and when; stays as it is when it is absent.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<CorrectionInput>>, max_items = 500)]
    pub corrections: Option<UpTo<500, CorrectionInput>>,
    /// Why it was withdrawn: needed to import a retracted brief.
    #[deserr(default)]
    pub retraction: Option<RetractionInput>,
    /// The briefs that an editor chose to go with it.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<Reference>>, max_items = 100)]
    pub related: Option<UpTo<100, Reference>>,
    #[deserr(default)]
    #[schema(ignore)]
    pub id: ReadOnly,
    /// Which version the body was read from: one that is older than the present is put back, and leaves the state as it is.
    #[deserr(default)]
    #[schema(ignore)]
    pub version: GivenVersion,
    #[deserr(default)]
    #[schema(ignore)]
    pub created_at: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub updated_at: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub body_html: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub actors: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub similar: ReadOnly,
}

/// The days that a brief covers.
#[derive(Debug, Clone, Copy, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields, validate = PeriodInput::check -> Invalid)]
pub struct PeriodInput {
    /// The first day.
    #[schema(value_type = String, format = Date, example = "2017-07-24")]
    pub from: Day,
    /// The last day.
    #[schema(value_type = String, format = Date, example = "2017-07-30")]
    pub to: Day,
}

impl PeriodInput {
    fn check(self, location: ValuePointerRef<'_>) -> Result<Self, Invalid> {
        let faults = if self.to < self.from { vec![Fault::at("/to", "lies before `from`")] } else { Vec::new() };
        checked(self, location, faults)
    }
}

/// A picture with whom it is owed to.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct ImageInput {
    /// Where it is; http or https.
    #[schema(value_type = String, format = "uri", example = "https://images.example.org/minsk.jpg")]
    pub url: HttpUrl,
    /// What it shows, for those who do not see it.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "Flags of Belarus and China")]
    pub alt: Option<Prose>,
    /// Whom it is owed to.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = "People's Daily, China")]
    pub credit: Option<Line>,
}

/// A correction that was made elsewhere.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct CorrectionInput {
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2017-08-01T09:00:00Z")]
    pub at: Timestamp,
    /// How weighty it is.
    pub severity: Severity,
    /// What was wrong, and what is right.
    #[schema(value_type = String, example = "The rank was given as Colonel; it is Major-General.")]
    pub note: Prose,
}

/// Why a brief was withdrawn elsewhere.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct RetractionInput {
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2017-08-01T09:00:00Z")]
    pub at: Timestamp,
    /// Why.
    #[schema(value_type = String, example = "The source was forged.")]
    pub reason: Prose,
    /// What to read instead: an id, a slug or a URL.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = json!(null))]
    pub replacement: Option<Line>,
}

/// An event in a brief's body: a reference, or an event to create. Which of the two an object is depends on whether an
/// event of its id or slug exists, so it is kept as it came until that is known.
#[derive(Debug, Clone, PartialEq)]
pub enum EventItem {
    /// An id or a slug.
    Reference(Reference),
    /// An object.
    Object(Value),
}

impl<E: DeserializeError> Deserr<E> for EventItem {
    fn deserialize_from_value<V: IntoValue>(value: deserr::Value<V>, location: ValuePointerRef<'_>) -> Result<Self, E> {
        match value {
            deserr::Value::String(_) => Reference::deserialize_from_value(value, location).map(Self::Reference),
            deserr::Value::Map(_) => Value::deserialize_from_value(value, location).map(Self::Object),
            other => Err(wrong_kind(other, &[ValueKind::String, ValueKind::Map], location)),
        }
    }
}

impl EventItem {
    /// Gives an event that has no name the slug that it would get by itself.
    pub(super) fn name(&mut self) {
        if self.reference().is_none()
            && let Self::Object(object) = self
            && let Ok(input) = body::parse::<EventInput>(object.clone())
            && let Some(members) = object.as_object_mut()
        {
            members.insert("slug".into(), EventRow::derived_slug(&input).as_str().into());
        }
    }

    /// What it means if an event of this name exists.
    pub(super) fn reference(&self) -> Option<Reference> {
        match self {
            Self::Reference(reference) => Some(reference.clone()),
            Self::Object(object) => {
                let text = |name| object.get(name).and_then(Value::as_str);
                let slug = text("slug").and_then(|slug| Reference::from_text(slug).slug);
                let deleted = object.get("deleted").and_then(Value::as_bool).unwrap_or_default();
                let reference = Reference { id: text("id").and_then(Id::parse), slug, deleted };
                (reference.id.is_some() || reference.slug.is_some()).then_some(reference)
            }
        }
    }

    /// The event to create if none of its name exists; nothing else than a name is a reference that leads nowhere.
    pub(super) fn to_create(&self) -> Option<&Value> {
        match self {
            Self::Object(object) if !names_only(object) => Some(object),
            _ => None,
        }
    }
}

/// The look at an item of a refused brief's events: a name must lead to an event, and an event that is written here is
/// looked through as one that is written by itself.
///
/// # Errors
/// When a query fails.
pub(super) fn look_at_event(search: &mut Search<'_>, value: &Value, pointer: &str) -> Result<(), Problem> {
    let Ok(item) = body::parse::<EventItem>(value.clone()) else {
        return Ok(());
    };
    if let Some(reference) = item.reference()
        && resource::lead::<EventRow>(search.connection, Sight::now(search.caller), &reference)?.is_some()
    {
        return Ok(());
    }
    let Some(document) = item.to_create() else {
        return must_lead_to::<EventRow>(search, value, pointer);
    };
    let by_itself = body::parse::<EventInput>(document.clone()).err();
    let by_itself = by_itself.map(|problem| problem.errors().to_vec()).unwrap_or_default();
    let faults = resource::input::all_faults::<EventRow>(search.connection, search.caller, document, by_itself)?;
    search.faults.extend(faults.into_iter().map(|fault| fault.below(pointer)));
    Ok(())
}

/// The look at a trend's evidence, which may be an event that the same body creates.
///
/// # Errors
/// When a query fails.
pub(super) fn look_at_evidence(search: &mut Search<'_>, value: &Value, pointer: &str) -> Result<(), Problem> {
    let created = search.document.get("events").and_then(Value::as_array).into_iter().flatten();
    let named_here = |event: &Value| event.get("slug").is_some_and(|slug| slug == value.get("slug").unwrap_or(value));
    if created.into_iter().any(named_here) { Ok(()) } else { must_lead_to::<EventRow>(search, value, pointer) }
}

fn names_only(object: &Value) -> bool {
    object.as_object().is_some_and(|members| {
        !members.is_empty() && members.keys().all(|name| ["id", "slug", "deleted"].contains(&name.as_str()))
    })
}

impl PartialSchema for EventItem {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(Reference::schema())
            .item(Ref::from_schema_name("EventInput"))
            .description(Some("An event by its id or slug, or a whole event to create with the brief."))
            .examples([serde_json::json!("counter-terrorism-protocol-2017-07-25")])
            .into()
    }
}

impl ToSchema for EventItem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("EventInput".into(), EventInput::schema()));
        EventInput::schemas(schemas);
    }
}

impl From<ImageInput> for Image {
    fn from(input: ImageInput) -> Self {
        Self {
            url: input.url.into_string(),
            alt: input.alt.map(Prose::into_string),
            credit: input.credit.map(Line::into_string),
        }
    }
}

impl From<CorrectionInput> for Correction {
    fn from(input: CorrectionInput) -> Self {
        Self { at: input.at, severity: input.severity, note: input.note.into_string() }
    }
}

impl From<RetractionInput> for Retraction {
    fn from(input: RetractionInput) -> Self {
        Self { at: input.at, reason: input.reason.into_string(), replacement: input.replacement.map(Line::into_string) }
    }
}
