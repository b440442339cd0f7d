//! What the holder of a key does with its webhooks.

use diesel::prelude::*;

use super::filter::WebhookFilter;
use super::input::{FilterInput, WebhookInput};
use super::model::WebhookRow;
use super::signature::Secret;
use crate::access::{Caller, Sight, visible};
use crate::db::Connection;
use crate::db::schema::{journal, webhook_carried, webhook_deliveries, webhook_secrets, webhooks};
use crate::db::types::{Id, Json, Timestamp};
use crate::http::answer::Precondition;
use crate::http::body::UpTo;
use crate::journal::last_seen;
use crate::problem::Problem;

/// How many webhooks a key has at most.
const MOST: i64 = 100;

/// Makes a webhook; returns it with its secret, which is shown once.
///
/// # Errors
/// 409 when the key has enough of them, 422 for names that lead nowhere, 400 for a position ahead of the journal.
pub fn create(
    connection: &mut Connection,
    caller: &Caller,
    key: Id,
    input: WebhookInput,
) -> Result<(WebhookRow, Secret), Problem> {
    let has: i64 = webhooks::table.filter(webhooks::key_id.eq(key)).count().get_result(connection)?;
    if has >= MOST {
        return Err(Problem::conflict(format!("A key has {MOST} webhooks at most.")));
    }
    let head = last_seen(connection, caller)?.position;
    if input.since.is_some_and(|since| !(0..=head).contains(&since)) {
        return Err(Problem::invalid_at("/since", "is no position that the journal has come to"));
    }
    let now = Timestamp::now();
    let row = WebhookRow {
        id: Id::new(),
        key_id: key,
        version: 1,
        created_at: now,
        updated_at: now,
        url: input.url.as_str().to_owned(),
        events: Json(input.events.map_or_else(Vec::new, |UpTo(events)| events)),
        filter: Json(resolved(connection, caller, input.filter, &WebhookFilter::default())?),
        enabled: input.enabled.unwrap_or(true),
        switched_off: None,
        position: input.since.unwrap_or(head),
        failures: 0,
        next_attempt_at: None,
    };
    diesel::insert_into(webhooks::table).values(&row).execute(connection)?;
    let secret = add_secret(connection, row.id, now)?;
    Ok((row, secret))
}

/// The webhooks of a key, the oldest first.
///
/// # Errors
/// When the query fails.
pub fn list(connection: &mut Connection, key: Id) -> Result<Vec<WebhookRow>, Problem> {
    let own = webhooks::table.filter(webhooks::key_id.eq(key)).order(webhooks::id).limit(MOST);
    Ok(own.select(WebhookRow::as_select()).load(connection)?)
}

/// A webhook of a key.
///
/// # Errors
/// 404 when there is none, or it is another's.
pub fn find(connection: &mut Connection, key: Id, id: Id) -> Result<WebhookRow, Problem> {
    let own = webhooks::table.find(id).filter(webhooks::key_id.eq(key)).select(WebhookRow::as_select());
    own.first(connection).optional()?.ok_or_else(|| Problem::not_found("webhook"))
}

/// Puts what is written in the place of what a webhook was. Whatever held it back is forgotten: it tries again at once.
///
/// # Errors
/// 404, 412, and 422 for names that lead nowhere.
pub fn replace(
    connection: &mut Connection,
    caller: &Caller,
    before: WebhookRow,
    input: WebhookInput,
    precondition: &Precondition,
) -> Result<WebhookRow, Problem> {
    precondition.check(Some(before.version))?;
    if input.since.is_some() {
        return Err(Problem::invalid_at("/since", "is only for a new webhook; `…/redeliver` leads one back"));
    }
    let row = WebhookRow {
        version: before.version + 1,
        updated_at: Timestamp::now(),
        url: input.url.as_str().to_owned(),
        events: Json(input.events.map_or_else(Vec::new, |UpTo(events)| events)),
        filter: Json(resolved(connection, caller, input.filter, &before.filter.0)?),
        enabled: input.enabled.unwrap_or(true),
        switched_off: None,
        failures: 0,
        next_attempt_at: None,
        ..before
    };
    diesel::update(webhooks::table.find(row.id)).set(&row).execute(connection)?;
    Ok(row)
}

/// Deletes a webhook with its secrets and its log.
///
/// # Errors
/// 404, 412.
pub fn delete(connection: &mut Connection, key: Id, id: Id, precondition: &Precondition) -> Result<(), Problem> {
    precondition.check(Some(find(connection, key, id)?.version))?;
    diesel::delete(webhook_carried::table.filter(webhook_carried::webhook_id.eq(id))).execute(connection)?;
    diesel::delete(webhook_deliveries::table.filter(webhook_deliveries::webhook_id.eq(id))).execute(connection)?;
    diesel::delete(webhook_secrets::table.filter(webhook_secrets::webhook_id.eq(id))).execute(connection)?;
    diesel::delete(webhooks::table.find(id)).execute(connection)?;
    Ok(())
}

/// Makes a new secret. Those of before sign beside it for some hours, but no longer than they would have without it.
///
/// # Errors
/// 404.
pub fn rotate(connection: &mut Connection, key: Id, id: Id, overlap_hours: u32) -> Result<Secret, Problem> {
    find(connection, key, id)?;
    let now = Timestamp::now();
    let expires_at = Timestamp::from_micros(now.micros() + i64::from(overlap_hours) * 3_600_000_000);
    let longer = webhook_secrets::table
        .filter(webhook_secrets::webhook_id.eq(id))
        .filter(webhook_secrets::expires_at.is_null().or(webhook_secrets::expires_at.gt(expires_at)));
    diesel::update(longer).set(webhook_secrets::expires_at.eq(expires_at)).execute(connection)?;
    add_secret(connection, id, now)
}

/// Sets a webhook to a time: what follows is delivered, whether or not it was delivered before.
///
/// # Errors
/// 404.
pub fn go_to(
    connection: &mut Connection,
    caller: &Caller,
    key: Id,
    id: Id,
    time: Timestamp,
) -> Result<WebhookRow, Problem> {
    let before = find(connection, key, id)?;
    let place: Option<i64> = journal::table
        .filter(journal::at.lt(time))
        .filter(visible(journal::audience, caller))
        .order((journal::at.desc(), journal::position.desc()))
        .select(journal::position)
        .first(connection)
        .optional()?;
    let position = place.unwrap_or_default();
    let row = WebhookRow { version: before.version + 1, position, failures: 0, next_attempt_at: None, ..before };
    diesel::update(webhooks::table.find(id)).set(&row).execute(connection)?;
    Ok(row)
}

fn resolved(
    connection: &mut Connection,
    caller: &Caller,
    filter: Option<FilterInput>,
    before: &WebhookFilter,
) -> Result<WebhookFilter, Problem> {
    filter.unwrap_or_default().resolve(connection, Sight::now(caller), before)
}

fn add_secret(connection: &mut Connection, webhook: Id, now: Timestamp) -> Result<Secret, Problem> {
    let secret = Secret::new()?;
    let row = (
        webhook_secrets::webhook_id.eq(webhook),
        webhook_secrets::created_at.eq(now),
        webhook_secrets::secret.eq(&secret.0),
    );
    diesel::insert_into(webhook_secrets::table).values(row).execute(connection)?;
    Ok(secret)
}
