//! A brief as it is stored and as it is served.

use chrono::NaiveDate;
use diesel::dsl::AsExprOf;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Audience;
use crate::actors::model::ActorSummary;
use crate::categories::model::CategoryLink;
use crate::db::schema::briefs;
use crate::db::types::{Id, Json, Timestamp};
use crate::events::model::EventView;
use crate::reference::Link;
use crate::sources::Source;
use crate::trends::model::TrendView;
use crate::vocabulary::{Assessment, BriefState, Marking, Severity};

/// Where briefs that are not published yet stand in the order of publication: before all others when the latest come
/// first.
pub const NOT_YET_PUBLISHED: i64 = 253_402_300_799_000_000;

/// The last moment at which something published can be listed: everything unpublished comes after it.
#[must_use]
pub fn last_published() -> Timestamp {
    Timestamp::from_micros(NOT_YET_PUBLISHED - 1)
}

/// One version of a brief.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = briefs, treat_none_as_default_value = false)]
pub struct BriefRow {
    pub id: Id,
    pub since: i64,
    pub until: Option<i64>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub audience: Audience,
    pub slug: String,
    pub title: String,
    pub category_id: Id,
    pub category_status: Option<Assessment>,
    pub language: String,
    pub country: Option<String>,
    pub period_from: Option<NaiveDate>,
    pub period_to: Option<NaiveDate>,
    pub summary: Option<String>,
    pub body: Option<String>,
    pub body_html: Option<String>,
    pub image: Option<Json<Image>>,
    pub authors: Json<Vec<String>>,
    pub sources: Json<Vec<Source>>,
    pub marking: Marking,
    pub license: Option<String>,
    pub canonical_url: Option<String>,
    pub state: BriefState,
    pub published_at: Option<Timestamp>,
    /// When it was published, or [`NOT_YET_PUBLISHED`].
    pub listed_at: Timestamp,
    pub embargo_until: Option<Timestamp>,
    pub scheduled_for: Option<Timestamp>,
    pub corrections: Json<Vec<Correction>>,
    pub retraction: Option<Json<Retraction>>,
}

/// The columns of a [`BriefRow`] without its texts, which are longer than all the rest.
#[must_use]
#[diesel::dsl::auto_type(no_type_alias)]
pub fn without_texts() -> _ {
    let no_text: AsExprOf<Option<String>, Nullable<Text>> = None::<String>.into_sql::<Nullable<Text>>();
    let no_html: AsExprOf<Option<String>, Nullable<Text>> = None::<String>.into_sql::<Nullable<Text>>();
    (
        briefs::id,
        briefs::since,
        briefs::until,
        briefs::version,
        briefs::created_at,
        briefs::updated_at,
        briefs::audience,
        briefs::slug,
        briefs::title,
        briefs::category_id,
        briefs::category_status,
        briefs::language,
        briefs::country,
        briefs::period_from,
        briefs::period_to,
        briefs::summary,
        no_text,
        no_html,
        briefs::image,
        briefs::authors,
        briefs::sources,
        briefs::marking,
        briefs::license,
        briefs::canonical_url,
        briefs::state,
        briefs::published_at,
        briefs::listed_at,
        briefs::embargo_until,
        briefs::scheduled_for,
        briefs::corrections,
        briefs::retraction,
    )
}

/// A picture with whom it is owed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// Where it is.
    #[schema(format = "uri", example = "https://images.example.org/minsk.jpg")]
    pub url: String,
    /// What it shows, for those who do not see it.
    #[schema(example = "Flags of Belarus and China")]
    pub alt: Option<String>,
    /// Whom it is owed to.
    #[schema(example = "People's Daily, China")]
    pub credit: Option<String>,
}

/// The days that a brief covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Period {
    /// The first day.
    #[schema(example = "2017-07-24")]
    pub from: NaiveDate,
    /// The last day.
    #[schema(example = "2017-07-30")]
    pub to: NaiveDate,
}

/// A correction that was made to a brief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2017-08-01T09:00:00Z")]
    pub at: Timestamp,
    /// How weighty it is.
    pub severity: Severity,
    /// What was wrong, and what is right.
    #[schema(example = "The rank was given as Colonel; it is Major-General.")]
    pub note: String,
}

/// Why a brief was withdrawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Retraction {
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2017-08-01T09:00:00Z")]
    pub at: Timestamp,
    /// Why.
    #[schema(example = "The source was forged.")]
    pub reason: String,
    /// What to read instead: an id, a slug or a URL.
    #[schema(example = json!(null))]
    pub replacement: Option<String>,
}

/// A weekly page of analysis. Lists leave out `body`, `body_html`, `trends`, `events`, `actors` and `similar` unless asked.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Brief)]
pub struct BriefView {
    /// The brief's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "security-2017-07-31")]
    pub slug: String,
    /// One more at each change of it or of its trends.
    #[schema(example = 1)]
    pub version: i32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub updated_at: Timestamp,
    /// Its headline.
    #[schema(example = "The army gains weight; Minsk and Beijing draw closer on security")]
    pub title: String,
    /// The rubric that it stands in.
    pub category: CategoryLink,
    /// How things stand there: the colour of the page.
    pub category_status: Option<Assessment>,
    /// Its language (BCP 47).
    #[schema(example = "en")]
    pub language: String,
    /// The country that it is about, ISO 3166-1 alpha-2.
    #[schema(example = "BY")]
    pub country: Option<String>,
    /// The days that it covers.
    pub period: Option<Period>,
    /// What it says, in short.
    #[schema(example = "The army's influence grew; a protocol with China was signed.")]
    pub summary: Option<String>,
    /// What it says, in CommonMark.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "Belarus and China **signed** a protocol.")]
    pub body: Option<Option<String>>,
    /// The same as sanitised HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "<p>Belarus and China <strong>signed</strong> a protocol.</p>")]
    pub body_html: Option<Option<String>>,
    /// Its picture.
    pub image: Option<Image>,
    /// Who wrote it.
    #[schema(example = json!(["Belarus Security Desk"]))]
    pub authors: Vec<String>,
    /// Where it has it from.
    pub sources: Vec<Source>,
    /// How far it may travel.
    pub marking: Marking,
    /// Under which licence it may be copied.
    #[schema(example = "CC-BY-4.0")]
    pub license: Option<String>,
    /// Where its original stands.
    #[schema(format = "uri", example = "https://www.example.org/briefs/security-2017-07-31")]
    pub canonical_url: Option<String>,
    /// Where it stands in the editors' work.
    pub state: BriefState,
    /// When it was published.
    #[schema(value_type = Option<String>, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub published_at: Option<Timestamp>,
    /// Until when it is only for readers cleared for TLP:GREEN or more.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    pub embargo_until: Option<Timestamp>,
    /// When it is going to be published.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    pub scheduled_for: Option<Timestamp>,
    /// The judgements, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trends: Option<Vec<TrendView>>,
    /// The events that it reports, each with those who took part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Link<EventView>>>,
    /// All who take part in its events or trends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actors: Option<Vec<ActorSummary>>,
    /// The same brief in other languages.
    pub translations: Vec<Translation>,
    /// What was corrected in it, and when.
    pub corrections: Vec<Correction>,
    /// Why it was withdrawn, if it was.
    pub retraction: Option<Retraction>,
    /// The briefs that an editor chose to go with it.
    pub related: Vec<Link<BriefLink>>,
    /// Briefs like this one: the chosen ones first, then those that share actors, lines of judgement or the category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similar: Option<Vec<BriefLink>>,
}

/// A brief as others name it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BriefLink {
    /// The brief's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "security-2017-10-02")]
    pub slug: String,
    /// Its headline.
    #[schema(example = "Minsk and Kyiv: defence ministries in a spiral of confrontation")]
    pub title: String,
    /// Its language (BCP 47).
    #[schema(example = "en")]
    pub language: String,
    /// When it was published.
    #[schema(value_type = Option<String>, format = DateTime, example = "2017-10-02T08:57:00Z")]
    pub published_at: Option<Timestamp>,
    /// Its picture.
    pub image: Option<Image>,
}

/// The same brief in another language.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Translation {
    /// Its language (BCP 47).
    #[schema(example = "ru")]
    pub language: String,
    /// The translation's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "bezopasnost-2017-07-31")]
    pub slug: String,
}

impl Image {
    /// Its media type, as its address lets one guess.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        match path.rsplit('.').next() {
            Some("png") => "image/png",
            Some("gif") => "image/gif",
            Some("webp") => "image/webp",
            Some("svg") => "image/svg+xml",
            Some("avif") => "image/avif",
            _ => "image/jpeg",
        }
    }
}

impl BriefRow {
    /// Whether it has been published, even if it was retracted since.
    #[must_use]
    pub fn is_public(&self) -> bool {
        matches!(self.state, BriefState::Published | BriefState::Retracted)
    }

    /// Whether a publisher has decided on it: it has been published, or is going to be.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.is_public() || self.state == BriefState::Scheduled
    }

    /// Who may see its trends and events: of a retracted brief, the editors alone.
    #[must_use]
    pub fn audience_of_content(&self) -> Audience {
        if self.state == BriefState::Retracted { self.audience.editors() } else { self.audience }
    }

    /// The days that its trends are ordered and found by: its period, or the day of its publication or creation.
    #[must_use]
    pub fn period_of_trends(&self) -> (NaiveDate, NaiveDate) {
        match (self.period_from, self.period_to) {
            (Some(from), Some(to)) => (from, to),
            _ => {
                let day = self.published_at.unwrap_or(self.created_at).datetime().date_naive();
                (day, day)
            }
        }
    }

    /// Whether two versions say the same.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let (since, until, version, updated_at) = (self.since, self.until, self.version, self.updated_at);
        *self == Self { since, until, version, updated_at, ..other.clone() }
    }

    /// What others show of it.
    #[must_use]
    pub fn link(&self) -> BriefLink {
        BriefLink {
            id: self.id,
            slug: self.slug.clone(),
            title: self.title.clone(),
            language: self.language.clone(),
            published_at: self.published_at,
            image: self.image.clone().map(|Json(image)| image),
        }
    }
}
