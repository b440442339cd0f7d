//! The secrets of a webhook. They are kept as they are, since whoever signs needs them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;

use crate::db::Connection;
use crate::db::schema::webhook_secrets;
use crate::db::types::{Id, Timestamp};
use crate::problem::Problem;

/// How many secrets of a webhook are valid at a time at most, so that the header stays short.
const MOST: i64 = 5;

/// What messages are signed with.
#[derive(Clone)]
pub struct Secret(pub Vec<u8>);

impl Secret {
    /// The secret as the libraries of Standard Webhooks take it.
    #[must_use]
    pub fn as_text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }
}

/// Makes a new secret, of 256 random bits.
///
/// # Errors
/// When the system has no randomness, or the statement fails.
pub fn add(connection: &mut Connection, webhook: Id) -> Result<Secret, Problem> {
    let mut bytes = vec![0_u8; 32];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    let row = (
        webhook_secrets::webhook_id.eq(webhook),
        webhook_secrets::created_at.eq(Timestamp::now()),
        webhook_secrets::secret.eq(&bytes),
    );
    diesel::insert_into(webhook_secrets::table).values(row).execute(connection)?;
    Ok(Secret(bytes))
}

/// Makes a new secret. The last ones of before are valid beside it for a while, but no longer than they would have
/// been without it.
///
/// # Errors
/// As [`add`].
pub fn rotate(connection: &mut Connection, webhook: Id, overlap: Duration) -> Result<Secret, Problem> {
    let expires_at = Timestamp::now().plus(overlap);
    let longer = webhook_secrets::table
        .filter(webhook_secrets::webhook_id.eq(webhook))
        .filter(webhook_secrets::expires_at.is_null().or(webhook_secrets::expires_at.gt(expires_at)));
    diesel::update(longer).set(webhook_secrets::expires_at.eq(expires_at)).execute(connection)?;
    let newest_first = webhook_secrets::table
        .filter(webhook_secrets::webhook_id.eq(webhook))
        .order(webhook_secrets::created_at.desc())
        .select(webhook_secrets::created_at);
    let superseded: Vec<Timestamp> = newest_first.offset(MOST - 1).limit(MOST).load(connection)?;
    for created_at in superseded {
        diesel::delete(webhook_secrets::table.find((webhook, created_at))).execute(connection)?;
    }
    add(connection, webhook)
}

/// The valid secrets, the newest first.
///
/// # Errors
/// When the query fails.
pub fn valid(connection: &mut Connection, webhook: Id) -> Result<Vec<Secret>, Problem> {
    let secrets: Vec<Vec<u8>> = webhook_secrets::table
        .filter(webhook_secrets::webhook_id.eq(webhook))
        .filter(webhook_secrets::expires_at.is_null().or(webhook_secrets::expires_at.gt(Timestamp::now())))
        .order(webhook_secrets::created_at.desc())
        .select(webhook_secrets::secret)
        .load(connection)?;
    Ok(secrets.into_iter().map(Secret).collect())
}

/// Forgets the secrets that are valid no more.
///
/// # Errors
/// When the statement fails.
pub fn forget_expired(connection: &mut Connection) -> Result<(), Problem> {
    diesel::delete(webhook_secrets::table.filter(webhook_secrets::expires_at.lt(Timestamp::now())))
        .execute(connection)?;
    Ok(())
}
