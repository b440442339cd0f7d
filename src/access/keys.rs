//! API keys: `bw_<id>_<secret>`. The id finds the row, the secret is compared in constant time as a hash; the secret
//! itself has 256 random bits, is shown once and kept nowhere.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deserr::{DeserializeError, Deserr, IntoValue, Value, ValuePointerRef};
use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::Caller;
use crate::db::Connection;
use crate::db::schema::keys;
use crate::db::types::{Id, Timestamp};
use crate::http::body::refuse;
use crate::natively;
use crate::problem::Problem;
use crate::vocabulary::{Marking, Role};

/// A key as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = keys, treat_none_as_default_value = false)]
struct KeyRow {
    id: Id,
    name: String,
    role: Role,
    clearance: Marking,
    secret_hash: Vec<u8>,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
    quota: Option<i32>,
}

impl KeyRow {
    /// The caller that it makes, unless it is revoked.
    fn caller(&self) -> Option<Caller> {
        let caller = Caller { key: Some(self.id), role: self.role, clearance: self.clearance };
        self.revoked_at.is_none().then_some(caller)
    }
}

/// How many requests a key has a minute: 1 to a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota(pub i32);

impl std::str::FromStr for Quota {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().and_then(Self::of).ok_or(QUOTA_RULE)
    }
}

const QUOTA_RULE: &str = "must be a whole number from 1 to 1000000";

impl Quota {
    fn of(requests: i32) -> Option<Self> {
        (1..=1_000_000).contains(&requests).then_some(Self(requests))
    }
}

impl<E: DeserializeError> Deserr<E> for Quota {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, E> {
        i32::deserialize_from_value(value, location)
            .and_then(|requests| Self::of(requests).ok_or_else(|| refuse(location, QUOTA_RULE)))
    }
}

/// A key as it is listed: without its secret, which nobody has any more.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Key)]
pub struct KeyView {
    /// The key's identity.
    #[schema(value_type = Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Whom or what it is for.
    #[schema(example = "Newsroom CMS")]
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The highest marking that it may see.
    pub clearance: Marking,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub created_at: Timestamp,
    /// When it was revoked, or null while it is good.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    pub revoked_at: Option<Timestamp>,
    /// How many requests it has a minute, if it has a quota of its own.
    #[schema(example = json!(null))]
    pub quota: Option<i32>,
}

impl From<KeyRow> for KeyView {
    fn from(row: KeyRow) -> Self {
        let KeyRow { id, name, role, clearance, created_at, revoked_at, quota, secret_hash: _ } = row;
        Self { id, name, role, clearance, created_at, revoked_at, quota }
    }
}

/// The clearance that a role has unless told otherwise.
#[must_use]
pub fn default_clearance(role: Role) -> Marking {
    if role == Role::Reader { Marking::Clear } else { Marking::Red }
}

/// Makes a key; returns it with its secret, which is never to be had again.
///
/// # Errors
/// When the system has no randomness, or the database refuses.
pub fn create(
    connection: &mut Connection,
    name: &str,
    role: Role,
    clearance: Option<Marking>,
    quota: Option<Quota>,
) -> Result<(KeyView, String), Problem> {
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret).map_err(Problem::internal)?;
    let secret = URL_SAFE_NO_PAD.encode(secret);
    let row = KeyRow {
        id: Id::new(),
        name: name.to_owned(),
        role,
        clearance: clearance.unwrap_or_else(|| default_clearance(role)),
        secret_hash: hash(&secret),
        created_at: Timestamp::now(),
        revoked_at: None,
        quota: quota.map(|Quota(requests)| requests),
    };
    natively!(connection, |native| diesel::insert_into(keys::table).values(&row).execute(native))?;
    let token = format!("bw_{}_{secret}", row.id.0.simple());
    Ok((row.into(), token))
}

/// Every key, oldest first. There are few: whoever may list them made them one by one.
///
/// # Errors
/// When the query fails.
pub fn list(connection: &mut Connection) -> Result<Vec<KeyView>, Problem> {
    let rows: Vec<KeyRow> = natively!(connection, |native| keys::table
        .order(keys::id)
        .limit(10_000)
        .select(KeyRow::as_select())
        .load(native))?;
    Ok(rows.into_iter().map(KeyView::from).collect())
}

/// Revokes a key at once. To revoke it again changes nothing.
///
/// # Errors
/// 404 when there is no such key.
pub fn revoke(connection: &mut Connection, id: Id) -> Result<(), Problem> {
    let known = natively!(connection, |native| keys::table.find(id).count().get_result::<i64>(native))?;
    if known == 0 {
        return Err(Problem::not_found("key"));
    }
    natively!(connection, |native| diesel::update(keys::table.find(id).filter(keys::revoked_at.is_null()))
        .set(keys::revoked_at.eq(Timestamp::now()))
        .execute(native))?;
    Ok(())
}

/// The caller that a token stands for, if it is a good one.
///
/// # Errors
/// When the query fails.
pub fn find(connection: &mut Connection, token: &str) -> Result<Option<(Caller, Option<Quota>)>, Problem> {
    let Some((id, secret)) = split(token) else {
        return Ok(None);
    };
    let row: Option<KeyRow> =
        natively!(connection, |native| keys::table.find(id).select(KeyRow::as_select()).first(native)).optional()?;
    let given = hash(secret);
    // An unknown id costs the same comparison as a known one.
    let stored = row.as_ref().map_or_else(|| vec![0; given.len()], |row| row.secret_hash.clone());
    let same = bool::from(stored.ct_eq(&given));
    Ok(row.filter(|_| same).and_then(|row| Some((row.caller()?, row.quota.map(Quota)))))
}

/// The caller that a key makes, while it is a good one.
///
/// # Errors
/// When the query fails.
pub fn caller(connection: &mut Connection, id: Id) -> Result<Option<Caller>, Problem> {
    let row: Option<KeyRow> =
        natively!(connection, |native| keys::table.find(id).select(KeyRow::as_select()).first(native)).optional()?;
    Ok(row.and_then(|row| row.caller()))
}

/// Refuses a caller whose key has been revoked since it was told who calls.
///
/// # Errors
/// 401, or when the query fails.
pub fn demand_valid(connection: &mut Connection, known: &Caller) -> Result<(), Problem> {
    match known.key {
        Some(key) if caller(connection, key)?.as_ref() != Some(known) => {
            Err(Problem::unauthenticated("The API key has been revoked."))
        }
        _ => Ok(()),
    }
}

fn split(token: &str) -> Option<(Id, &str)> {
    let (id, secret) = token.strip_prefix("bw_")?.split_once('_')?;
    let id = Uuid::try_parse(id).ok().filter(|_| id.len() == 32)?;
    Some((Id(id), secret))
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
