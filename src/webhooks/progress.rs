//! How far each webhook has come: which ones deliver, and what an attempt leads to.

use std::time::Duration;

use diesel::prelude::*;

use super::log;
use super::message::Message;
use super::model::{SwitchedOff, WebhookRow};
use super::sender::Attempt;
use super::signature::Secret;
use crate::db::Connection;
use crate::db::schema::{keys, webhook_carried, webhook_secrets, webhooks};
use crate::db::types::{Id, Timestamp};
use crate::problem::Problem;

/// The webhooks that deliver. There are as many as the holders of keys made, so many each.
///
/// # Errors
/// When the query fails.
pub fn running(connection: &mut Connection) -> Result<Vec<Id>, Problem> {
    let running = webhooks::table.inner_join(keys::table).filter(webhooks::enabled).filter(keys::revoked_at.is_null());
    Ok(running.select(webhooks::id).load(connection)?)
}

/// The secrets that are still good, the newest first.
///
/// # Errors
/// When the query fails.
pub fn good_secrets(connection: &mut Connection, webhook: Id) -> Result<Vec<Secret>, Problem> {
    let secrets: Vec<Vec<u8>> = webhook_secrets::table
        .filter(webhook_secrets::webhook_id.eq(webhook))
        .filter(webhook_secrets::expires_at.is_null().or(webhook_secrets::expires_at.gt(Timestamp::now())))
        .order(webhook_secrets::created_at.desc())
        .select(webhook_secrets::secret)
        .load(connection)?;
    Ok(secrets.into_iter().map(Secret).collect())
}

/// Notes an attempt, and moves the webhook on by it: past the message when it was delivered, to the time of the next attempt
/// when not. Where the owner has set the webhook to another place meanwhile, it stays there.
///
/// # Errors
/// When a statement fails.
pub fn record(
    connection: &mut Connection,
    webhook: &WebhookRow,
    message: &Message,
    attempt: &Attempt,
    retries: &[Duration],
) -> Result<(), Problem> {
    // It may have been deleted meanwhile.
    if webhooks::table.find(webhook.id).count().get_result::<i64>(connection)? == 0 {
        return Ok(());
    }
    log::note(connection, webhook.id, message, attempt)?;
    match message.subject {
        Some((position, resource)) if attempt.was_delivered() => {
            if webhook.filter.0.is_narrow() {
                carry(connection, webhook.id, resource)?;
            }
            pass(connection, webhook, position)
        }
        _ => hold_back(connection, webhook, attempt, retries),
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

/// Notes that a webhook has told of a resource.
fn carry(connection: &mut Connection, webhook: Id, resource: Id) -> Result<(), Problem> {
    let carried = webhook_carried::table.find((webhook, resource));
    if carried.count().get_result::<i64>(connection)? == 0 {
        let row = (webhook_carried::webhook_id.eq(webhook), webhook_carried::resource_id.eq(resource));
        diesel::insert_into(webhook_carried::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// Sets the time of the next attempt, or switches the webhook off; unless its owner has changed it meanwhile.
fn hold_back(
    connection: &mut Connection,
    webhook: &WebhookRow,
    attempt: &Attempt,
    retries: &[Duration],
) -> Result<(), Problem> {
    let failures = webhook.failures + 1;
    let pause = usize::try_from(webhook.failures).ok().and_then(|failures| retries.get(failures));
    let (switched_off, next) = match pause {
        _ if attempt.says_gone() => (Some(SwitchedOff::Gone), None),
        None => (Some(SwitchedOff::Failing), None),
        Some(pause) => (None, Some(attempt.next_after(*pause))),
    };
    if let Some(reason) = switched_off {
        tracing::warn!(webhook = %webhook.id, %reason, "a webhook is switched off");
    }
    let failed = (
        webhooks::failures.eq(failures),
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
