//! The messages: which one comes next, and what it says. A message is made when it is sent, and again when it is sent again.

use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{MessageType, WebhookRow};
use super::progress;
use super::signature::Secret;
use crate::access::{Caller, Sight, keys};
use crate::changes::{ChangeRow, Changes, changes_after, last_rows};
use crate::db::Connection;
use crate::db::schema::webhooks;
use crate::db::types::{Id, Timestamp};
use crate::problem::Problem;

/// The body of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookMessage)]
pub struct Envelope<'a> {
    /// What happened.
    #[schema(example = "brief.published")]
    r#type: MessageType,
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
    /// That it is one.
    #[schema(example = "webhook.test")]
    r#type: MessageType,
    /// When it was sent.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    timestamp: Timestamp,
    /// What is tested.
    data: TestData,
}

/// What is tested.
#[derive(Debug, Serialize, ToSchema)]
struct TestData {
    /// The webhook's identity.
    #[schema(value_type = Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    webhook: Id,
}

/// A message, ready to be signed.
pub struct Message {
    /// By which a receiver knows that it had it before: the same at each attempt.
    pub id: Id,
    pub kind: MessageType,
    /// The row of the journal, and the resource, that it tells of; a test tells of none.
    pub subject: Option<(i64, Id)>,
    pub body: Vec<u8>,
}

impl Message {
    /// The message of a change to a webhook.
    ///
    /// # Errors
    /// When it cannot be serialised, which every one can.
    pub fn of(webhook: Id, row: &ChangeRow) -> Result<Self, Problem> {
        let kind = MessageType::of(row.resource, row.change);
        let body = serde_json::to_vec(&Envelope { r#type: kind, timestamp: row.at, data: row });
        let body = body.map_err(Problem::internal)?;
        Ok(Self { id: identity(webhook, row.position), kind, subject: Some((row.position, row.id)), body })
    }

    /// A test.
    ///
    /// # Errors
    /// When it cannot be serialised, which every one can.
    pub fn test(webhook: Id) -> Result<Self, Problem> {
        let (kind, data) = (MessageType::Test, TestData { webhook });
        let body = serde_json::to_vec(&TestEnvelope { r#type: kind, timestamp: Timestamp::now(), data });
        Ok(Self { id: Id::new(), kind, subject: None, body: body.map_err(Problem::internal)? })
    }
}

/// The same whoever works it out, and whenever: an attempt of which nothing was noted is known again by it.
fn identity(webhook: Id, position: i64) -> Id {
    let digest = Sha256::new().chain_update(webhook.0).chain_update(position.to_be_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, digested)| *byte = digested);
    Id(Uuid::new_v8(bytes))
}

/// What is to be done for a webhook.
pub enum Next {
    /// Nothing any more: it is deleted or switched off, or its key is revoked.
    Over,
    /// Nothing before this time, since the last attempt failed.
    NotBefore(Timestamp),
    /// Nothing that is wanted was found after the place where it stands, up to this position.
    Nothing { webhook: Box<WebhookRow>, caller: Caller, looked_at: i64 },
    /// This is to be sent.
    Due(Box<Due>),
}

/// A message that is to be sent.
pub struct Due {
    pub webhook: WebhookRow,
    pub secrets: Vec<Secret>,
    pub message: Message,
}

/// How many rows one look takes at first and at most, and how many it goes through before it lets others have their turn.
const FIRST_LOOK: usize = 1;
const LONGEST_LOOK: usize = 100;
const PATIENCE: usize = 1000;

/// What is to be done for a webhook now.
///
/// # Errors
/// When a query fails.
pub fn next(connection: &mut Connection, id: Id) -> Result<Next, Problem> {
    let webhook = webhooks::table.find(id).filter(webhooks::enabled).select(WebhookRow::as_select());
    let Some(webhook) = webhook.first::<WebhookRow>(connection).optional()? else {
        return Ok(Next::Over);
    };
    let Some(caller) = keys::caller(connection, webhook.key_id)? else {
        return Ok(Next::Over);
    };
    if let Some(time) = webhook.next_attempt_at.filter(|time| *time > Timestamp::now()) {
        return Ok(Next::NotBefore(time));
    }
    let (mut looked_at, mut size, mut gone_through) = (webhook.position, FIRST_LOOK, 0);
    loop {
        let Changes { rows, next, more } = changes_after(connection, &caller, looked_at, size)?;
        if let Some(row) = first_wanted(connection, &caller, &webhook, &rows)? {
            let message = Message::of(webhook.id, row)?;
            let secrets = progress::good_secrets(connection, webhook.id)?;
            return Ok(Next::Due(Box::new(Due { webhook, secrets, message })));
        }
        looked_at = next;
        gone_through += size;
        if !more || gone_through > PATIENCE {
            return Ok(Next::Nothing { webhook: Box::new(webhook), caller, looked_at });
        }
        size = (size * 2).min(LONGEST_LOOK);
    }
}

fn first_wanted<'r>(
    connection: &mut Connection,
    caller: &Caller,
    webhook: &WebhookRow,
    rows: &'r [ChangeRow],
) -> Result<Option<&'r ChangeRow>, Problem> {
    let (events, filter) = (&webhook.events.0, &webhook.filter.0);
    let is_asked_for = |row: &ChangeRow| {
        filter.takes(row.resource) && (events.is_empty() || events.contains(&MessageType::of(row.resource, row.change)))
    };
    if !rows.iter().any(is_asked_for) {
        return Ok(None);
    }
    let passing = filter.among(connection, Sight::now(caller), webhook.id, rows)?;
    Ok(rows.iter().find(|row| is_asked_for(row) && passing.contains(&row.id)))
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
    (position, resource): (i64, Id),
) -> Result<Message, Problem> {
    let last = last_rows(connection, caller, &[resource])?.get(&resource).copied();
    for place in [Some(position), last].into_iter().flatten() {
        let rows = changes_after(connection, caller, place - 1, 1)?.rows;
        if let Some(row) = rows.iter().find(|row| row.position == place) {
            return Message::of(webhook, row);
        }
    }
    Err(Problem::conflict("Nothing may be told of this resource any more."))
}
