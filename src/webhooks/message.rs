//! The messages. A message is made when it is sent, and again when it is sent again.

use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::MessageType;
use crate::access::Caller;
use crate::changes::{ChangeRow, changes_after, last_rows};
use crate::db::Connection;
use crate::db::types::{Id, Timestamp};
use crate::problem::Problem;

/// The body of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookMessage)]
pub struct Envelope<'a> {
    /// What happened.
    #[schema(example = "brief.published")]
    #[serde(rename = "type")]
    message_type: MessageType,
    /// When it happened.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    timestamp: Timestamp,
    /// The change, as `/v1/changes` shows it.
    data: &'a ChangeRow,
}

/// The body of a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTest)]
pub struct TestEnvelope {
    /// That it is one: `webhook.test`.
    #[schema(example = "webhook.test")]
    #[serde(rename = "type")]
    message_type: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    timestamp: Timestamp,
    /// What is tested.
    data: TestData,
}

/// What is tested.
#[derive(Debug, Serialize, ToSchema)]
struct TestData {
    /// The webhook's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    webhook: Id,
}

const TEST: &str = "webhook.test";

/// A message, ready to be signed.
pub struct Message {
    /// By which a receiver knows that it had it before: the same at each attempt.
    pub id: Id,
    pub type_name: &'static str,
    /// What it tells of; a test tells of nothing.
    pub subject: Option<Subject>,
    pub body: Vec<u8>,
}

/// What a message tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The row of the journal.
    pub position: i64,
    pub resource: Id,
}

impl Subject {
    /// What the message of a change tells of.
    #[must_use]
    pub fn of(row: &ChangeRow) -> Self {
        Self { position: row.position, resource: row.id }
    }
}

impl Message {
    /// The message of a change to a webhook.
    ///
    /// # Errors
    /// When it cannot be serialised, which every one can.
    pub fn of(webhook: Id, row: &ChangeRow) -> Result<Self, Problem> {
        let message_type = MessageType::of(row.resource, row.change);
        let body = serde_json::to_vec(&Envelope { message_type, timestamp: row.at, data: row });
        Ok(Self {
            id: message_id(webhook, row.position),
            type_name: message_type.as_str(),
            subject: Some(Subject::of(row)),
            body: body.map_err(Problem::internal)?,
        })
    }

    /// A test of a webhook.
    ///
    /// # Errors
    /// When it cannot be serialised, which every one can.
    pub fn test(webhook: Id) -> Result<Self, Problem> {
        let envelope = TestEnvelope { message_type: TEST, timestamp: Timestamp::now(), data: TestData { webhook } };
        let body = serde_json::to_vec(&envelope).map_err(Problem::internal)?;
        Ok(Self { id: Id::new(), type_name: TEST, subject: None, body })
    }

    /// The message of a row of the journal as it is now, or of the last row of the same resource, if that is all there is to be
    /// told.
    ///
    /// # Errors
    /// 409 when nothing may be told of it, and when a query fails.
    pub fn again(
        connection: &mut Connection,
        caller: &Caller,
        webhook: Id,
        Subject { position, resource }: Subject,
    ) -> Result<Self, Problem> {
        let last = last_rows(connection, caller, &[resource])?.get(&resource).copied();
        for place in [Some(position), last].into_iter().flatten() {
            let rows = changes_after(connection, caller, place - 1, 1)?.rows;
            if let Some(row) = rows.iter().find(|row| row.position == place) {
                return Self::of(webhook, row);
            }
        }
        Err(Problem::conflict("Nothing may be told of this resource any more."))
    }
}

/// The same whoever works it out, and whenever: an attempt of which nothing was noted is known again by it.
fn message_id(webhook: Id, position: i64) -> Id {
    let digest = Sha256::new().chain_update(webhook.0).chain_update(position.to_be_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, digested)| *byte = digested);
    Id(Uuid::new_v8(bytes))
}
