//! How far each webhook has come: which ones deliver, and what an attempt leads to.

use std::collections::HashSet;
use std::time::Duration;

use diesel::prelude::*;

use super::log;
use super::message::Subject;
use super::model::{SwitchedOff, WebhookRow};
use super::sender::Attempt;
use crate::db::schema::{keys, webhook_told, webhooks};
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, among};
use crate::insert_rows;
use crate::problem::Problem;

/// A webhook that delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Running {
    pub id: Id,
    pub key: Id,
    /// What its owner has written last.
    pub version: i32,
}

/// The webhooks that deliver. There are as many as the holders of keys made, so many each.
///
/// # Errors
/// When the query fails.
pub fn running(connection: &mut Connection) -> Result<Vec<Running>, Problem> {
    let running = webhooks::table.inner_join(keys::table).filter(webhooks::enabled).filter(keys::revoked_at.is_null());
    Ok(running.select((webhooks::id, webhooks::key_id, webhooks::version)).load(connection)?)
}

/// Notes an attempt at the next message, and what follows: the webhook moves past it when it was delivered, and is held back when
/// not.
///
/// # Errors
/// When a statement fails.
pub fn record(
    connection: &mut Connection,
    webhook: &WebhookRow,
    subject: Subject,
    attempt: &Attempt,
    retries: &[Duration],
) -> Result<(), Problem> {
    // It may have been deleted meanwhile.
    if webhooks::table.find(webhook.id).count().get_result::<i64>(connection)? == 0 {
        return Ok(());
    }
    log::note(connection, webhook.id, attempt)?;
    if attempt.was_delivered() {
        pass(connection, webhook, subject.position)
    } else {
        hold_back(connection, webhook, attempt, retries)
    }
}

/// Moves a webhook on to a position, unless its owner has changed it or set it to another place meanwhile.
///
/// # Errors
/// When the statement fails.
pub fn pass(connection: &mut Connection, webhook: &WebhookRow, position: i64) -> Result<(), Problem> {
    let passed =
        (webhooks::position.eq(position), webhooks::failures.eq(0), webhooks::next_attempt_at.eq(None::<Timestamp>));
    diesel::update(unchanged(webhook)).set(passed).execute(connection)?;
    Ok(())
}

/// Whether a narrowed webhook has told of a resource, or tried to: its endpoint may have taken what nobody knows of.
///
/// # Errors
/// When the query fails.
pub fn has_told(connection: &mut Connection, webhook: Id, resource: Id) -> Result<bool, Problem> {
    Ok(webhook_told::table.find((webhook, resource)).count().get_result::<i64>(connection)? > 0)
}

/// Notes that a webhook tells of a resource.
///
/// # Errors
/// When a statement fails.
pub fn note_told(connection: &mut Connection, webhook: Id, resource: Id) -> Result<(), Problem> {
    let is_known = webhooks::table.find(webhook).count().get_result::<i64>(connection)? > 0;
    if is_known && !has_told(connection, webhook, resource)? {
        let row = (webhook_told::webhook_id.eq(webhook), webhook_told::resource_id.eq(resource));
        diesel::insert_into(webhook_told::table).values(row).execute(connection)?;
    }
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = webhook_told, treat_none_as_default_value = false)]
struct ToldRow {
    webhook_id: Id,
    resource_id: Id,
}

/// Notes that a webhook has told of many resources.
///
/// # Errors
/// When a statement fails.
pub fn note_all_told(connection: &mut Connection, webhook: Id, mut resources: Vec<Id>) -> Result<(), Problem> {
    let own = webhook_told::table.filter(webhook_told::webhook_id.eq(webhook));
    let known: HashSet<Id> = own.select(webhook_told::resource_id).load(connection)?.into_iter().collect();
    resources.retain(|resource| !known.contains(resource));
    for resources in resources.chunks(1000) {
        let rows: Vec<ToldRow> =
            resources.iter().map(|resource| ToldRow { webhook_id: webhook, resource_id: *resource }).collect();
        insert_rows!(connection, webhook_told::table, &rows)?;
    }
    Ok(())
}

/// Deletes a lot of what a webhook is noted to have told of; returns whether there was any.
///
/// # Errors
/// When a statement fails.
pub fn delete_some_told(connection: &mut Connection, webhook: Id) -> Result<bool, Problem> {
    let own = webhook_told::table.filter(webhook_told::webhook_id.eq(webhook));
    let resources: Vec<Id> = own.select(webhook_told::resource_id).limit(1000).load(connection)?;
    let some = own.filter(among(webhook_told::resource_id, &resources));
    diesel::delete(some).execute(connection)?;
    Ok(!resources.is_empty())
}

/// Sets the time of the next attempt, or switches the webhook off; unless its owner has changed it meanwhile.
fn hold_back(
    connection: &mut Connection,
    webhook: &WebhookRow,
    attempt: &Attempt,
    retries: &[Duration],
) -> Result<(), Problem> {
    let pause = usize::try_from(webhook.failures).ok().and_then(|failures| retries.get(failures));
    let (switched_off, next) = match pause {
        _ if attempt.says_gone() => (Some(SwitchedOff::Gone), None),
        None => (Some(SwitchedOff::Failing), None),
        Some(pause) => (None, Some(attempt.next_after(*pause))),
    };
    let (id, status, error) = (webhook.id, attempt.status.map(|status| status.as_u16()), attempt.error.as_deref());
    match switched_off {
        Some(reason) => tracing::warn!(webhook = %id, %reason, status, error, "a webhook is switched off"),
        None if webhook.failures == 0 => {
            tracing::warn!(webhook = %id, status, error, "a delivery to a webhook failed and will be tried again");
        }
        None => {}
    }
    let failed = (
        webhooks::failures.eq(webhook.failures + 1),
        webhooks::next_attempt_at.eq(next),
        webhooks::enabled.eq(switched_off.is_none()),
        webhooks::switched_off.eq(switched_off),
    );
    diesel::update(unchanged(webhook)).set(failed).execute(connection)?;
    Ok(())
}

/// The webhook, if it stands where it stood and is as its owner had written it.
#[diesel::dsl::auto_type(no_type_alias)]
fn unchanged<'w>(webhook: &'w WebhookRow) -> _ {
    let (id, position, version): (Id, i64, i32) = (webhook.id, webhook.position, webhook.version);
    webhooks::table.find(id).filter(webhooks::position.eq(position)).filter(webhooks::version.eq(version))
}
