//! A webhook as it is stored and as it is shown.

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::filter::WebhookFilter;
use crate::db::schema::webhooks;
use crate::db::types::{Id, Json, Timestamp};
use crate::vocabulary::{Change, Kind, vocabulary};

vocabulary! {
    /// What a message tells: a change of a kind of resource.
    MessageType {
        BriefCreated = "brief.created",
        BriefUpdated = "brief.updated",
        BriefPublished = "brief.published",
        BriefCorrected = "brief.corrected",
        BriefRetracted = "brief.retracted",
        BriefRemoved = "brief.removed",
        EventCreated = "event.created",
        EventUpdated = "event.updated",
        EventPublished = "event.published",
        EventRemoved = "event.removed",
        ActorCreated = "actor.created",
        ActorUpdated = "actor.updated",
        ActorRemoved = "actor.removed",
        TrendCreated = "trend.created",
        TrendUpdated = "trend.updated",
        TrendPublished = "trend.published",
        TrendRemoved = "trend.removed",
        CategoryCreated = "category.created",
        CategoryUpdated = "category.updated",
        CategoryRemoved = "category.removed",
    }
}

impl MessageType {
    /// The type of the message of a change. Briefs alone are corrected and retracted, and actors and categories are public from
    /// their creation.
    #[must_use]
    pub const fn of(kind: Kind, change: Change) -> Self {
        match (kind, change) {
            (Kind::Brief, Change::Created) => Self::BriefCreated,
            (Kind::Brief, Change::Updated) => Self::BriefUpdated,
            (Kind::Brief, Change::Published) => Self::BriefPublished,
            (Kind::Brief, Change::Corrected) => Self::BriefCorrected,
            (Kind::Brief, Change::Retracted) => Self::BriefRetracted,
            (Kind::Brief, Change::Removed) => Self::BriefRemoved,
            (Kind::Event, Change::Created) => Self::EventCreated,
            (Kind::Event, Change::Updated | Change::Corrected | Change::Retracted) => Self::EventUpdated,
            (Kind::Event, Change::Published) => Self::EventPublished,
            (Kind::Event, Change::Removed) => Self::EventRemoved,
            (Kind::Actor, Change::Created) => Self::ActorCreated,
            (Kind::Actor, Change::Updated | Change::Published | Change::Corrected | Change::Retracted) => {
                Self::ActorUpdated
            }
            (Kind::Actor, Change::Removed) => Self::ActorRemoved,
            (Kind::Trend, Change::Created) => Self::TrendCreated,
            (Kind::Trend, Change::Updated | Change::Corrected | Change::Retracted) => Self::TrendUpdated,
            (Kind::Trend, Change::Published) => Self::TrendPublished,
            (Kind::Trend, Change::Removed) => Self::TrendRemoved,
            (Kind::Category, Change::Created) => Self::CategoryCreated,
            (Kind::Category, Change::Updated | Change::Published | Change::Corrected | Change::Retracted) => {
                Self::CategoryUpdated
            }
            (Kind::Category, Change::Removed) => Self::CategoryRemoved,
        }
    }
}

vocabulary! {
    /// Why the server switched a webhook off: its endpoint answered that it is gone, or failed for three days.
    SwitchedOff { Gone = "gone", Failing = "failing" }
}

/// A webhook as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false)]
#[diesel(treat_none_as_null = true)]
pub struct WebhookRow {
    pub id: Id,
    pub key_id: Id,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub url: String,
    pub events: Json<Vec<MessageType>>,
    pub filter: Json<WebhookFilter>,
    pub enabled: bool,
    pub switched_off: Option<SwitchedOff>,
    pub position: i64,
    pub failures: i32,
    pub next_attempt_at: Option<Timestamp>,
}

/// A webhook as it is shown: without its secret, which was shown once.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookView {
    /// Its identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Where its messages go.
    #[schema(format = "uri", example = "https://partner.example/briefwire")]
    pub url: String,
    /// The types of the messages that it sends; empty means all.
    pub events: Vec<MessageType>,
    /// What it is narrowed to.
    pub filter: WebhookFilter,
    /// Whether it delivers.
    #[schema(example = true)]
    pub enabled: bool,
    /// Why the server switched it off, if it did. Enabled again, it goes on where it stopped.
    pub switched_off: Option<SwitchedOff>,
    /// The position of the journal up to which everything is delivered, or was not wanted.
    #[schema(example = 17)]
    pub position: i64,
    /// How often the delivery that comes next has failed.
    #[schema(minimum = 0, example = 0)]
    pub failures: i32,
    /// When it is tried again; null if nothing has failed.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    pub next_attempt_at: Option<Timestamp>,
    /// How often its owner has written it, for `If-Match`.
    #[schema(minimum = 1, example = 1)]
    pub version: i32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub created_at: Timestamp,
    /// When its owner last changed it.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub updated_at: Timestamp,
}

impl From<WebhookRow> for WebhookView {
    fn from(row: WebhookRow) -> Self {
        let WebhookRow {
            id,
            key_id: _,
            version,
            created_at,
            updated_at,
            url,
            events: Json(events),
            filter: Json(filter),
            enabled,
            switched_off,
            position,
            failures,
            next_attempt_at,
        } = row;
        Self {
            id,
            url,
            events,
            filter,
            enabled,
            switched_off,
            position,
            failures,
            next_attempt_at,
            version,
            created_at,
            updated_at,
        }
    }
}
