//! What is to be done for a webhook next.

use std::time::Duration;

use diesel::prelude::*;

use super::message::{Message, Subject};
use super::model::{MessageType, WebhookRow};
use super::sender::Destination;
use super::{progress, secrets};
use crate::access::{Caller, Sight, keys};
use crate::changes::{ChangeRow, Changes, changes_after};
use crate::db::Connection;
use crate::db::schema::webhooks;
use crate::db::types::{Id, Timestamp};
use crate::problem::Problem;

/// What is to be done.
pub enum Next {
    /// Nothing any more: it is deleted or switched off, or its key is revoked.
    Over,
    /// Nothing before this time, since the last attempt failed.
    NotBefore(Timestamp),
    /// To wait for what comes after a position: everything up to it is delivered, or was not wanted.
    UpToDate { webhook: Box<WebhookRow>, caller: Caller, position: i64 },
    /// To send a message.
    Due(Box<Due>),
}

/// A message that is to be sent.
pub struct Due {
    pub webhook: WebhookRow,
    pub destination: Destination,
    pub message: Message,
    pub subject: Subject,
    /// Whether the webhook, which is narrowed, has never told of it: that is to be noted first, whatever comes of the attempt.
    pub is_news: bool,
}

/// What is known of a webhook from the look before: as it stood then, nothing is wanted up to a position.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    place: i64,
    version: i32,
    position: i64,
}

impl Known {
    /// That there is nothing up to a position.
    #[must_use]
    pub fn of(webhook: &WebhookRow, position: i64) -> Self {
        Self { place: webhook.position, version: webhook.version, position }
    }

    fn of_now(self, webhook: &WebhookRow) -> Option<i64> {
        (self.place == webhook.position && self.version == webhook.version).then_some(self.position)
    }
}

/// How many rows are looked at first. Most webhooks want the next one.
const FIRST_ROWS: usize = 1;
/// How many rows are looked at together at most: as many as a page of changes has.
const MOST_ROWS: usize = 100;
/// After how many rows that are not wanted others have their turn.
const ROWS_PER_TURN: usize = 1000;

/// What is to be done for a webhook now. A time further off than the longest pause comes from a clock that was wrong.
///
/// # Errors
/// When a query fails.
pub fn next(
    connection: &mut Connection,
    id: Id,
    known: Option<Known>,
    longest_pause: Duration,
) -> Result<Next, Problem> {
    let webhook = webhooks::table.find(id).filter(webhooks::enabled).select(WebhookRow::as_select());
    let Some(webhook) = webhook.first::<WebhookRow>(connection).optional()? else {
        return Ok(Next::Over);
    };
    let Some(caller) = keys::caller(connection, webhook.key_id)? else {
        return Ok(Next::Over);
    };
    let now = Timestamp::now();
    if let Some(time) = webhook.next_attempt_at.filter(|time| (now..now.plus(longest_pause)).contains(time)) {
        return Ok(Next::NotBefore(time));
    }
    let mut position = known.and_then(|known| known.of_now(&webhook)).unwrap_or(webhook.position);
    let (mut size, mut looked_at) = (FIRST_ROWS, 0);
    loop {
        let Changes { rows, next, more } = changes_after(connection, &caller, position, size)?;
        if let Some(row) = first_wanted(connection, &caller, &webhook, &rows)? {
            return due(connection, webhook, row).map(Next::Due);
        }
        position = next;
        looked_at += size;
        if !more || looked_at > ROWS_PER_TURN {
            break;
        }
        size = (size * 2).min(MOST_ROWS);
    }
    Ok(Next::UpToDate { webhook: Box::new(webhook), caller, position })
}

fn first_wanted<'r>(
    connection: &mut Connection,
    caller: &Caller,
    webhook: &WebhookRow,
    rows: &'r [ChangeRow],
) -> Result<Option<&'r ChangeRow>, Problem> {
    let (types, filter) = (&webhook.events.0, &webhook.filter.0);
    let is_asked_for = |row: &ChangeRow| {
        filter.takes(row.resource) && (types.is_empty() || types.contains(&MessageType::of(row.resource, row.change)))
    };
    if !rows.iter().any(is_asked_for) {
        return Ok(None);
    }
    let passing = filter.passing(connection, Sight::now(caller), webhook.id, rows)?;
    Ok(rows.iter().find(|row| is_asked_for(row) && passing.contains(&row.id)))
}

fn due(connection: &mut Connection, webhook: WebhookRow, row: &ChangeRow) -> Result<Box<Due>, Problem> {
    let destination = Destination { url: webhook.url.clone(), secrets: secrets::valid(connection, webhook.id)? };
    let (message, subject) = (Message::of(webhook.id, row)?, Subject::of(row));
    let is_news = webhook.filter.0.is_narrow() && !progress::has_told(connection, webhook.id, row.id)?;
    Ok(Box::new(Due { webhook, destination, message, subject, is_news }))
}
