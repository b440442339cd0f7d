//! What the holder of a key does with its webhooks.

use diesel::prelude::*;

use super::filter::WebhookFilter;
use super::input::{FilterInput, Overlap, WebhookInput};
use super::model::WebhookRow;
use super::secrets::{self, Secret};
use super::{log, progress};
use crate::access::{Caller, KeyHolder, Sight, visible};
use crate::db::Connection;
use crate::db::schema::{journal, keys, webhook_secrets, webhooks};
use crate::db::types::{Id, Json, Timestamp};
use crate::http::body::UpTo;
use crate::http::conditional::Precondition;
use crate::journal::last_seen;
use crate::problem::Problem;

/// How many webhooks a key has at most.
const MOST: i64 = 100;

/// Makes a webhook; returns it with its secret, which is shown once.
///
/// # Errors
/// 409 when the key has enough of them, 422 for names that lead nowhere and for a position ahead of the journal.
pub fn create(
    connection: &mut Connection,
    holder: KeyHolder,
    input: WebhookInput,
) -> Result<(WebhookRow, Secret), Problem> {
    let has: i64 = webhooks::table.filter(webhooks::key_id.eq(holder.key)).count().get_result(connection)?;
    if has >= MOST {
        return Err(Problem::conflict(format!("A key has {MOST} webhooks at most.")));
    }
    let head = last_seen(connection, &holder.caller)?.position;
    if input.since.is_some_and(|since| !(0..=head).contains(&since)) {
        return Err(Problem::invalid_at("/since", "is no position that the journal has come to"));
    }
    let now = Timestamp::now();
    let row = WebhookRow {
        id: Id::new(),
        key_id: holder.key,
        version: 1,
        created_at: now,
        updated_at: now,
        url: input.url.as_str().to_owned(),
        events: Json(input.events.map_or_else(Vec::new, |UpTo(events)| events)),
        filter: Json(resolved(connection, &holder.caller, input.filter, &WebhookFilter::default())?),
        enabled: input.enabled.unwrap_or(true),
        switched_off: None,
        position: input.since.unwrap_or(head),
        failures: 0,
        next_attempt_at: None,
    };
    diesel::insert_into(webhooks::table).values(&row).execute(connection)?;
    let secret = secrets::add(connection, row.id)?;
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

/// Puts what is written in the place of what a webhook was. Whatever held it back is forgotten: it tries again at once. What
/// changes nothing makes no version.
///
/// # Errors
/// 412, and 422 for names that lead nowhere and for a position.
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
    let enabled = input.enabled.unwrap_or(true);
    let filter = resolved(connection, caller, input.filter, &before.filter.0)?;
    if filter.is_narrow() && !before.filter.0.is_narrow() {
        let resources = log::resources(connection, before.id)?;
        progress::note_all_told(connection, before.id, resources)?;
    }
    let events = input.events.map_or_else(Vec::new, |UpTo(events)| events);
    let is_same = input.url.as_str() == before.url
        && events == before.events.0
        && filter == before.filter.0
        && enabled == before.enabled;
    if is_same && before.failures == 0 {
        return Ok(before);
    }
    let row = WebhookRow {
        version: before.version + 1,
        updated_at: Timestamp::now(),
        url: input.url.as_str().to_owned(),
        events: Json(events),
        filter: Json(filter),
        enabled,
        switched_off: before.switched_off.filter(|_| !enabled),
        failures: 0,
        next_attempt_at: None,
        ..before
    };
    diesel::update(webhooks::table.find(row.id)).set(&row).execute(connection)?;
    Ok(row)
}

/// Switches off a webhook that is going to be deleted.
///
/// # Errors
/// 404, 412.
pub fn retire(connection: &mut Connection, key: Id, id: Id, precondition: &Precondition) -> Result<(), Problem> {
    precondition.check(Some(find(connection, key, id)?.version))?;
    diesel::update(webhooks::table.find(id)).set(webhooks::enabled.eq(false)).execute(connection)?;
    Ok(())
}

/// Deletes a lot of what belongs to a webhook, and in the end the webhook; returns whether something is left. A long log is
/// deleted in many writes, so that others have their turn in between.
///
/// # Errors
/// When a statement fails.
pub fn delete_some(connection: &mut Connection, id: Id) -> Result<bool, Problem> {
    if log::delete_some(connection, id)? || progress::delete_some_told(connection, id)? {
        return Ok(true);
    }
    diesel::delete(webhook_secrets::table.filter(webhook_secrets::webhook_id.eq(id))).execute(connection)?;
    diesel::delete(webhooks::table.find(id)).execute(connection)?;
    Ok(false)
}

/// Deletes a lot of what belongs to a webhook whose key is revoked: nobody can reach it any more.
///
/// # Errors
/// When a statement fails.
pub fn forget_orphans(connection: &mut Connection) -> Result<(), Problem> {
    let orphans = webhooks::table.inner_join(keys::table).filter(keys::revoked_at.is_not_null());
    let orphan: Option<Id> = orphans.select(webhooks::id).first(connection).optional()?;
    orphan.map(|id| delete_some(connection, id)).transpose()?;
    Ok(())
}

/// Makes a new secret of a webhook.
///
/// # Errors
/// 404.
pub fn rotate(
    connection: &mut Connection,
    key: Id,
    id: Id,
    Overlap(overlap): Overlap,
) -> Result<(WebhookRow, Secret), Problem> {
    let row = find(connection, key, id)?;
    let secret = secrets::rotate(connection, id, overlap)?;
    Ok((row, secret))
}

/// The last position before a time that a caller may know of.
///
/// # Errors
/// When the query fails.
pub fn place_before(connection: &mut Connection, caller: &Caller, time: Timestamp) -> Result<i64, Problem> {
    let place: Option<i64> = journal::table
        .filter(journal::at.lt(time))
        .filter(visible(journal::audience, caller))
        .order((journal::at.desc(), journal::position.desc()))
        .select(journal::position)
        .first(connection)
        .optional()?;
    Ok(place.unwrap_or_default())
}

/// Sets a webhook to a position: what follows is delivered, whether or not it was delivered before.
///
/// # Errors
/// 404.
pub fn rewind(connection: &mut Connection, key: Id, id: Id, position: i64) -> Result<WebhookRow, Problem> {
    let before = find(connection, key, id)?;
    let row = WebhookRow {
        version: before.version + 1,
        updated_at: Timestamp::now(),
        position,
        failures: 0,
        next_attempt_at: None,
        ..before
    };
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
