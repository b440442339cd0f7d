//! A trend as it is stored and as it is served.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Audience;
use crate::actors::model::ActorSummary;
use crate::briefs::model::BriefLink;
use crate::db::schema::{trend_actors, trend_evidence, trends};
use crate::db::types::{Id, Timestamp};
use crate::reference::Link;
use crate::vocabulary::{Assessment, Confidence, Direction, Likelihood, Outcome};

/// One version of a trend.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = trends, treat_none_as_default_value = false)]
pub struct TrendRow {
    pub id: Id,
    pub since: i64,
    pub until: Option<i64>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub audience: Audience,
    pub slug: String,
    pub brief_id: Id,
    pub position: i32,
    pub statement: String,
    pub direction: Direction,
    pub assessment: Option<Assessment>,
    pub series: Option<String>,
    pub likelihood: Option<Likelihood>,
    pub probability: Option<i16>,
    pub confidence: Option<Confidence>,
    pub limits: Option<String>,
    pub horizon: Option<NaiveDate>,
    pub outcome: Outcome,
    pub outcome_note: Option<String>,
    /// The period of the brief, or the day of its publication: what lists of trends are ordered by.
    pub period_from: NaiveDate,
    pub period_to: NaiveDate,
}

/// Whom a trend is about; carries what a page of an actor's trends is ordered and filtered by.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = trend_actors, treat_none_as_default_value = false)]
pub struct TrendActorRow {
    pub actor_id: Id,
    pub period_to: NaiveDate,
    pub trend_id: Id,
    pub ordinal: i32,
    pub since: i64,
    pub until: Option<i64>,
    pub audience: Audience,
    pub period_from: NaiveDate,
}

/// What a trend rests on.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = trend_evidence, treat_none_as_default_value = false)]
pub struct EvidenceRow {
    pub trend_id: Id,
    pub ordinal: i32,
    pub since: i64,
    pub until: Option<i64>,
    pub event_id: Id,
}

/// A living trend with what stands in tables beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub row: TrendRow,
    pub actors: Vec<Id>,
    pub evidence: Vec<Id>,
}

/// A judgement of which way things move.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Trend)]
pub struct TrendView {
    /// The trend's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "army-influence-2017-07-30")]
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
    /// The brief that it belongs to; left out inside of that brief.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brief: Option<BriefLink>,
    /// Where it stands in its brief, from 1.
    #[schema(example = 1)]
    pub position: i32,
    /// The judgement, in a sentence.
    #[schema(example = "The army's influence grows through appointments.")]
    pub statement: String,
    /// Which way things move.
    pub direction: Direction,
    /// What that means.
    pub assessment: Option<Assessment>,
    /// The line of judgement that it continues from week to week.
    #[schema(example = "army-influence")]
    pub series: Option<String>,
    /// How likely it is, by ICD 203.
    pub likelihood: Option<Likelihood>,
    /// The same in percent, inside of the term's band.
    #[schema(minimum = 1, maximum = 99, example = 70)]
    pub probability: Option<i16>,
    /// How much the analyst trusts the ground of it.
    pub confidence: Option<Confidence>,
    /// What bounds the judgement.
    #[schema(example = "The president wants to depend on neither.")]
    pub limits: Option<String>,
    /// By when it can be judged.
    #[schema(example = "2017-12-31")]
    pub horizon: Option<NaiveDate>,
    /// What became of it.
    pub outcome: Outcome,
    /// What is to be said of that.
    #[schema(example = json!(null))]
    pub outcome_note: Option<String>,
    /// Whom it is about.
    pub actors: Vec<Link<ActorSummary>>,
    /// The events that it rests on.
    pub evidence: Vec<Link<EventLink>>,
}

/// An event as trends name it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema, Queryable)]
pub struct EventLink {
    /// The event's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "counter-terrorism-protocol-2017-07-25")]
    pub slug: String,
    /// What happened, in a line.
    #[schema(example = "Belarus and China sign a protocol on counter-terrorism")]
    pub title: String,
    /// When, an EDTF date.
    #[schema(example = "2017-07-25")]
    pub occurred: String,
}

impl TrendRow {
    /// Whether two versions say the same.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let (since, until, version, updated_at) = (self.since, self.until, self.version, self.updated_at);
        *self == Self { since, until, version, updated_at, ..other.clone() }
    }
}
