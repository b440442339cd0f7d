//! The log of deliveries: each message with its last attempt. It is kept for a month, and holds nothing of what was delivered.

use std::time::Duration;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::message::Subject;
use super::sender::Attempt;
use crate::db::schema::webhook_deliveries;
use crate::db::types::{Id, Timestamp};
use crate::db::{All, Connection, among};
use crate::http::page::{Rows, Window};
use crate::in_order;
use crate::natively;
use crate::problem::Problem;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// What came of the last attempt.
    DeliveryOutcome { Delivered = "delivered", Failed = "failed" }
}

/// A message that was sent, with its last attempt.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhook_deliveries, treat_none_as_default_value = false)]
#[diesel(treat_none_as_null = true)]
#[schema(as = Delivery)]
pub struct Delivery {
    /// Its identity, the header `webhook-id`: the same at each attempt.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-8a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    #[serde(skip)]
    pub webhook_id: Id,
    /// What it told when it was sent last.
    #[serde(rename = "type")]
    #[schema(example = "brief.published")]
    pub message_type: String,
    /// The position of the journal that it tells of; null if it was a test.
    #[schema(example = 17)]
    pub position: Option<i64>,
    /// The resource that it tells of; null if it was a test.
    #[schema(value_type = Option<uuid::Uuid>, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub resource_id: Option<Id>,
    /// What came of the last attempt.
    pub outcome: DeliveryOutcome,
    /// How often it was sent.
    #[schema(minimum = 1, example = 1)]
    pub attempts: i32,
    /// When it was sent first.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub first_attempt_at: Timestamp,
    /// When it was sent last.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub last_attempt_at: Timestamp,
    /// The status of the last answer; null if there was none.
    #[schema(minimum = 100, maximum = 999, example = 204)]
    pub status: Option<i16>,
    /// What went wrong the last time, beyond the status.
    #[schema(example = json!(null))]
    pub error: Option<String>,
    /// How long the last attempt took, in milliseconds.
    #[schema(minimum = 0, example = 35)]
    pub duration_ms: i32,
}

impl Delivery {
    /// What it tells of, unless it is a test.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        Some(Subject { position: self.position?, resource: self.resource_id? })
    }
}

/// How long it is kept: 30 days.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many rows one write deletes.
const LOT: i64 = 5000;
/// The one order of the log.
const ORDER: &str = "-last_attempt_at";

/// Notes an attempt; returns what the log now says of the message.
///
/// # Errors
/// When a statement fails.
pub fn note(connection: &mut Connection, webhook: Id, attempt: &Attempt) -> Result<Delivery, Problem> {
    let message = &attempt.message;
    let before: Option<Delivery> =
        webhook_deliveries::table.find(message.id).select(Delivery::as_select()).first(connection).optional()?;
    let delivery = Delivery {
        id: message.id,
        webhook_id: webhook,
        message_type: message.type_name.to_owned(),
        position: message.subject.map(|subject| subject.position),
        resource_id: message.subject.map(|subject| subject.resource),
        outcome: if attempt.was_delivered() { DeliveryOutcome::Delivered } else { DeliveryOutcome::Failed },
        attempts: before.as_ref().map_or(1, |before| before.attempts + 1),
        first_attempt_at: before.as_ref().map_or(attempt.at, |before| before.first_attempt_at),
        last_attempt_at: attempt.at,
        status: attempt.status.and_then(|status| i16::try_from(status.as_u16()).ok()),
        error: attempt.error.clone(),
        duration_ms: i32::try_from(attempt.duration.as_millis()).unwrap_or(i32::MAX),
    };
    if before.is_some() {
        diesel::update(webhook_deliveries::table.find(delivery.id)).set(&delivery).execute(connection)?;
    } else {
        diesel::insert_into(webhook_deliveries::table).values(&delivery).execute(connection)?;
    }
    Ok(delivery)
}

/// A page of the log of a webhook, the last attempt first.
///
/// # Errors
/// 400 for a cursor of another list.
pub fn page(
    connection: &mut Connection,
    webhook: Id,
    outcome: Option<DeliveryOutcome>,
    window: &Window,
) -> Result<Rows<Delivery>, Problem> {
    use webhook_deliveries::{id, last_attempt_at, outcome as outcome_is, webhook_id};
    let mut all = All::of(webhook_deliveries::table).and(webhook_id.eq(webhook));
    if let Some(outcome) = outcome {
        all = all.and(outcome_is.eq(outcome));
    }
    let (all, order) = in_order!(all, desc, last_attempt_at, id, window, ORDER, Timestamp);
    let page = webhook_deliveries::table.filter(all).order_by(order).limit(window.fetch());
    let rows: Vec<Delivery> = natively!(connection, |native| page.select(Delivery::as_select()).load(native))?;
    Ok(window.cut(ORDER, rows, |delivery| (delivery.last_attempt_at, delivery.id)))
}

/// A delivery of a webhook.
///
/// # Errors
/// When the query fails.
pub fn find(connection: &mut Connection, webhook: Id, delivery: Id) -> Result<Option<Delivery>, Problem> {
    let known = webhook_deliveries::table.find(delivery).filter(webhook_deliveries::webhook_id.eq(webhook));
    Ok(known.select(Delivery::as_select()).first(connection).optional()?)
}

/// Forgets a lot of what is old enough.
///
/// # Errors
/// When the statement fails.
pub fn forget_old(connection: &mut Connection) -> Result<(), Problem> {
    let oldest = Timestamp::now().minus(KEPT);
    let old = webhook_deliveries::table.filter(webhook_deliveries::last_attempt_at.lt(oldest));
    let ids: Vec<Id> = old.select(webhook_deliveries::id).limit(LOT).load(connection)?;
    delete(connection, &ids)
}

/// Deletes a lot of the log of a webhook; returns whether there was any.
///
/// # Errors
/// When a statement fails.
pub fn delete_some(connection: &mut Connection, webhook: Id) -> Result<bool, Problem> {
    let own = webhook_deliveries::table.filter(webhook_deliveries::webhook_id.eq(webhook));
    let ids: Vec<Id> = own.select(webhook_deliveries::id).limit(LOT).load(connection)?;
    delete(connection, &ids)?;
    Ok(!ids.is_empty())
}

/// Everything that a webhook has told of, as far as the log goes back.
///
/// # Errors
/// When the query fails.
pub fn resources(connection: &mut Connection, webhook: Id) -> Result<Vec<Id>, Problem> {
    let told = webhook_deliveries::table
        .filter(webhook_deliveries::webhook_id.eq(webhook))
        .filter(webhook_deliveries::resource_id.is_not_null())
        .select(webhook_deliveries::resource_id.assume_not_null())
        .distinct();
    Ok(told.load(connection)?)
}

fn delete(connection: &mut Connection, ids: &[Id]) -> Result<(), Problem> {
    for ids in ids.chunks(1000) {
        diesel::delete(webhook_deliveries::table.filter(among(webhook_deliveries::id, ids))).execute(connection)?;
    }
    Ok(())
}
