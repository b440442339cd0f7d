//! References: a resource is named by its id or its slug, in paths, queries and bodies alike.

use std::collections::HashMap;
use std::hash::BuildHasher;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deserr::{DeserializeError, Deserr, IntoValue, Map, Value, ValueKind, ValuePointerRef};
use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::access::{Audience, Caller, Moment, Sight, visible};
use crate::db::schema::{erasures, redirects, resources, tombstones};
use crate::db::types::{Id, Timestamp};
use crate::db::{All, Connection, among, in_chunks};
use crate::http::body::{refuse, unknown_name, wrong_kind};
use crate::journal::Write;
use crate::natively;
use crate::problem::Problem;
use crate::removal::Removal;
use crate::scalars::{Line, Prose};
use crate::vocabulary::Kind;

/// What a reference shows when it is read, and so what may stand in one that is written back; only `id` and `slug` count.
const SHOWN: &[&str] = &[
    "id",
    "slug",
    "name",
    "names",
    "kind",
    "country",
    "title",
    "language",
    "published_at",
    "image",
    "occurred",
    "deleted",
];

/// How many of those that had a slug before are looked at.
const FOLLOWED: i64 = 20;

/// The name by which something is meant: its id, its slug, or both as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The identity, if it was given.
    pub id: Option<Id>,
    /// The slug, if it was given; any text that is no id counts as one.
    pub slug: Option<String>,
    /// Whether it was read as a reference to what is no more: it stays where it was, and is nothing anywhere else.
    pub deleted: bool,
}

impl Reference {
    /// Reads the segment of a path, or a text in a body.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        match Id::parse(text) {
            Some(id) => Self::from_id(id),
            // What no database can hold is the name of nothing.
            None => Self { id: None, slug: (!text.contains('\0')).then(|| text.to_owned()), deleted: false },
        }
    }

    /// A reference to what is known by its id.
    #[must_use]
    pub fn from_id(id: Id) -> Self {
        Self { id: Some(id), slug: None, deleted: false }
    }

    /// A reference to what has a slug.
    #[must_use]
    pub fn from_slug(slug: &str) -> Self {
        Self { id: None, slug: Some(slug.to_owned()), deleted: false }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.slug, &self.id) {
            (Some(slug), _) => write!(f, "{}", slug.escape_debug()),
            (None, Some(id)) => id.fmt(f),
            (None, None) => Ok(()),
        }
    }
}

impl<E: DeserializeError> Deserr<E> for Reference {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, E> {
        match value {
            Value::String(text) => usable_text(&text).map(Self::from_text).map_err(|error| refuse(location, error)),
            Value::Map(members) => read_object(members, location),
            other => Err(wrong_kind(other, &[ValueKind::String, ValueKind::Map], location)),
        }
    }
}

fn usable_text(text: &str) -> Result<&str, &'static str> {
    if (1..=120).contains(&text.len()) && !text.contains('\0') { Ok(text) } else { Err("is neither an id nor a slug") }
}

fn read_object<M: Map, E: DeserializeError>(members: M, location: ValuePointerRef<'_>) -> Result<Reference, E> {
    let mut reference = Reference { id: None, slug: None, deleted: false };
    for (name, member) in members.into_iter() {
        let here = location.push_key(&name);
        match (name.as_str(), member.into_value()) {
            ("id", Value::String(text)) => {
                let id = Id::parse(&text).ok_or_else(|| refuse(here, "is not a UUID"))?;
                reference.id = Some(id);
            }
            ("slug", Value::String(text)) => {
                usable_text(&text).map_err(|error| refuse(here, error))?;
                reference.slug = Some(text);
            }
            ("id" | "slug", other) => return Err(wrong_kind(other, &[ValueKind::String], here)),
            ("deleted", Value::Boolean(deleted)) => reference.deleted = deleted,
            (name, _) if SHOWN.contains(&name) => {}
            (name, _) => return Err(refuse(here, unknown_name("member", name, SHOWN))),
        }
    }
    if reference.id.is_none() && reference.slug.is_none() {
        return Err(refuse(location, "must have an `id` or a `slug`"));
    }
    Ok(reference)
}

impl PartialSchema for Reference {
    fn schema() -> RefOr<Schema> {
        let text = || {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(120))
                .description(Some("An id or a slug."))
                .examples([serde_json::json!("security-2017-07-31")])
        };
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("A reference as it is read; only `id` and `slug` count."))
            .property(
                "id",
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))),
            )
            .property("slug", text())
            .examples([serde_json::json!({"slug": "security-2017-07-31"})]);
        OneOfBuilder::new()
            .item(text())
            .item(object)
            .description(Some("What is meant, by its id or slug."))
            .examples([serde_json::json!("security-2017-07-31")])
            .into()
    }
}

impl ToSchema for Reference {}

/// A reference as it is read: what it leads to, or that this was deleted.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Link<T: ToSchema> {
    /// What is there.
    Living(T),
    /// What was there once.
    Deleted(DeletedLink),
}

/// A reference to what was deleted.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeletedLink {
    /// Its identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Always true.
    #[schema(example = true)]
    pub deleted: bool,
}

impl<T: ToSchema> Link<T> {
    /// A link to what is no more.
    #[must_use]
    pub fn deleted(id: Id) -> Self {
        Self::Deleted(DeletedLink { id, deleted: true })
    }

    /// What it leads to, if that is still there.
    #[must_use]
    pub fn living(&self) -> Option<&T> {
        match self {
            Self::Living(link) => Some(link),
            Self::Deleted(_) => None,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = tombstones, treat_none_as_default_value = false)]
struct TombstoneRow {
    id: Id,
    kind: Kind,
    slug: String,
    deleted_at: Timestamp,
    reason: Option<String>,
    replacement: Option<String>,
    audience: Audience,
    since: i64,
    erased: bool,
}

/// Leaves a tombstone for what this write deletes. `audience` is all who could once see it.
///
/// # Errors
/// When the statement fails.
pub fn bury(
    write: &mut Write<'_>,
    kind: Kind,
    id: Id,
    slug: String,
    removal: Removal,
    audience: Audience,
) -> Result<(), Problem> {
    let row = TombstoneRow {
        id,
        kind,
        slug,
        deleted_at: write.at(),
        reason: removal.reason.map(Prose::into_string),
        replacement: removal.replacement.map(Line::into_string),
        audience,
        since: write.since(),
        erased: false,
    };
    natively!(write.connection, |native| diesel::insert_into(tombstones::table).values(&row).execute(native))?;
    // What was hidden before it was deleted is found as deleted now, also where it is named.
    write.leave_to(audience);
    Ok(())
}

/// Adds to a tombstone that this write has left what the client says of it.
///
/// # Errors
/// When the statement fails.
pub fn amend_tombstone(write: &mut Write<'_>, id: Id, removal: Removal, audience: Audience) -> Result<(), Problem> {
    natively!(write.connection, |native| diesel::update(tombstones::table.find(id))
        .set((
            tombstones::reason.eq(removal.reason.map(Prose::into_string)),
            tombstones::replacement.eq(removal.replacement.map(Line::into_string)),
            tombstones::audience.eq(audience),
        ))
        .execute(native))?;
    write.leave_to(audience);
    Ok(())
}

/// Whether any resource, living or not, has the identity.
///
/// # Errors
/// When the query fails.
pub fn is_known(connection: &mut Connection, id: Id) -> Result<bool, Problem> {
    Ok(natively!(connection, |native| resources::table.find(id).count().get_result::<i64>(native))? > 0)
}

/// The graves of this moment that this caller could once see; what was erased was gone whenever it could be seen.
fn graves(sight: Sight) -> All<'static, tombstones::table> {
    let graves = All::of(tombstones::table).and(visible(tombstones::audience, &sight.caller));
    match sight.moment.position() {
        None => graves,
        Some(position) => {
            let erased_then = erasures::table
                .filter(erasures::resource_id.eq(tombstones::id))
                .filter(erasures::since.le(position))
                .filter(erasures::until.gt(position).or(erasures::until.is_null()))
                .filter(visible(erasures::audience, &sight.caller));
            graves.and(tombstones::since.le(position).or(diesel::dsl::exists(erased_then)))
        }
    }
}

/// Of these, those that are deleted and that this caller could once see.
///
/// # Errors
/// When the query fails.
pub fn deleted_among(connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    in_chunks(ids, |ids| {
        let graves = tombstones::table.filter(graves(sight).and(among(tombstones::id, ids)));
        natively!(connection, |native| graves.select(tombstones::id).load(native))
    })
}

/// The same of those that have not been found living.
///
/// # Errors
/// When the query fails.
pub fn deleted_beside<T, S: BuildHasher>(
    connection: &mut Connection,
    sight: Sight,
    ids: &[Id],
    living: &HashMap<Id, T, S>,
) -> Result<Vec<Id>, Problem> {
    let missing: Vec<Id> = ids.iter().copied().filter(|id| !living.contains_key(id)).collect();
    deleted_among(connection, sight, &missing)
}

/// Whose grave this caller finds under a reference.
///
/// # Errors
/// When the query fails.
pub fn buried(
    connection: &mut Connection,
    caller: &Caller,
    kind: Kind,
    reference: &Reference,
) -> Result<Option<Id>, Problem> {
    let graves = grave_of(Sight::now(caller), kind, reference).and(tombstones::erased.eq(false));
    let latest = tombstones::table.filter(graves).order(tombstones::deleted_at.desc()).select(tombstones::id);
    Ok(natively!(connection, |native| latest.first(native)).optional()?)
}

/// Lets everything that led to a resource which is no more, its id included, lead to another from this write on.
///
/// # Errors
/// When a statement fails.
pub fn redirect_all(write: &mut Write<'_>, kind: Kind, from: Id, slug: &str, to: Id) -> Result<(), Problem> {
    let earlier: Vec<String> = natively!(write.connection, |native| redirects::table
        .filter(redirects::kind.eq(kind))
        .filter(redirects::resource_id.eq(from))
        .select(redirects::slug)
        .distinct()
        .load(native))?;
    for slug in earlier.iter().map(String::as_str).chain([slug, &from.to_string()]) {
        redirect(write, kind, slug, to)?;
    }
    Ok(())
}

/// Puts a digest in the place of a name that led somewhere.
///
/// # Errors
/// When the statement fails.
pub fn veil_redirect(write: &mut Write<'_>, kind: Kind, slug: &str) -> Result<(), Problem> {
    let named = redirects::table.filter(redirects::kind.eq(kind)).filter(redirects::slug.eq(slug));
    natively!(write.connection, |native| diesel::update(named).set(redirects::slug.eq(veiled(slug))).execute(native))?;
    Ok(())
}

/// What stays of a name whose bearer was erased. The colon keeps it apart from every slug.
#[must_use]
pub fn veiled(slug: &str) -> String {
    if slug.contains(':') {
        return slug.to_owned();
    }
    let digest = Sha256::digest(slug.as_bytes());
    format!("sha256:{}", URL_SAFE_NO_PAD.encode(digest))
}

/// Lets a slug that led elsewhere lead to the resource that has it now, also when that is gone one day.
///
/// # Errors
/// When a statement fails.
pub fn claim(write: &mut Write<'_>, kind: Kind, slug: &str, by: Id) -> Result<(), Problem> {
    match redirected(write.connection, Moment::Head, kind, &Reference::from_slug(slug))?.first() {
        Some(other) if *other != by => redirect(write, kind, slug, by),
        _ => Ok(()),
    }
}

/// Lets a slug that a resource had lead to another, or to what it is called now, from this write on.
///
/// # Errors
/// When a statement fails.
pub fn redirect(write: &mut Write<'_>, kind: Kind, slug: &str, to: Id) -> Result<(), Problem> {
    let redone = redirects::table.find((kind, slug, write.since()));
    natively!(write.connection, |native| diesel::delete(redone).execute(native))?;
    let row = (
        redirects::kind.eq(kind),
        redirects::slug.eq(slug),
        redirects::since.eq(write.since()),
        redirects::resource_id.eq(to),
    );
    natively!(write.connection, |native| diesel::insert_into(redirects::table).values(row).execute(native))?;
    Ok(())
}

/// Where a slug leads that resources had before this moment, the latest to have it first. What was merged into another is led
/// there by its id too.
///
/// # Errors
/// When the query fails.
pub fn redirected(
    connection: &mut Connection,
    moment: Moment,
    kind: Kind,
    reference: &Reference,
) -> Result<Vec<Id>, Problem> {
    let Some(name) = reference.slug.clone().or_else(|| reference.id.map(|id| id.to_string())) else {
        return Ok(Vec::new());
    };
    let mut led_to: Vec<Id> = natively!(connection, |native| redirects::table
        .filter(redirects::kind.eq(kind))
        .filter(redirects::slug.eq(veiled(&name)).or(redirects::slug.eq(name)))
        .filter(redirects::since.le(moment.upper_bound()))
        .order(redirects::since.desc())
        .limit(FOLLOWED)
        .select(redirects::resource_id)
        .load(native))?;
    led_to.dedup();
    Ok(led_to)
}

/// What a slug ever led to, whatever it is called now.
///
/// # Errors
/// When a query fails.
pub fn ever_led_to(connection: &mut Connection, kind: Kind, reference: &Reference) -> Result<Vec<Id>, Problem> {
    let mut led_to = redirected(connection, Moment::Head, kind, reference)?;
    if let Some(slug) = &reference.slug {
        let buried: Vec<Id> = natively!(connection, |native| tombstones::table
            .filter(tombstones::kind.eq(kind))
            .filter(tombstones::slug.eq(veiled(slug)).or(tombstones::slug.eq(slug)))
            .limit(FOLLOWED)
            .select(tombstones::id)
            .load(native))?;
        led_to.extend(buried);
    }
    Ok(led_to)
}

/// The row that a reference leads to: by its id if it has one and that leads anywhere, else by its slug.
///
/// # Errors
/// When a query fails.
pub fn first<T>(
    connection: &mut Connection,
    sight: Sight,
    reference: &Reference,
    mut by_id: impl FnMut(&mut Connection, Sight, Id) -> QueryResult<T>,
    mut by_slug: impl FnMut(&mut Connection, Sight, &str) -> QueryResult<T>,
) -> Result<Option<T>, Problem> {
    if let Some(id) = reference.id {
        for part in sight.parts() {
            if let Some(found) = by_id(connection, part, id).optional()? {
                return Ok(Some(found));
            }
        }
    }
    if let Some(slug) = &reference.slug {
        for part in sight.parts() {
            if let Some(found) = by_slug(connection, part, slug).optional()? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// The graves under a reference.
fn grave_of(sight: Sight, kind: Kind, reference: &Reference) -> All<'static, tombstones::table> {
    let graves = graves(sight).and(tombstones::kind.eq(kind));
    match (&reference.id, &reference.slug) {
        (Some(id), _) => graves.and(tombstones::id.eq(*id)),
        (None, slug) => {
            let slug = slug.clone().unwrap_or_default();
            graves.and(tombstones::slug.eq(veiled(&slug)).or(tombstones::slug.eq(slug)))
        }
    }
}

/// The problem of a reference that leads nowhere: 410 with the tombstone for those who could once see it, else 404.
pub fn missing(connection: &mut Connection, sight: Sight, kind: Kind, reference: &Reference) -> Problem {
    let latest = tombstones::table.filter(grave_of(sight, kind, reference)).order(tombstones::deleted_at.desc());
    let found = natively!(connection, |native| latest.select(TombstoneRow::as_select()).first(native)).optional();
    match found {
        Ok(Some(grave)) => gone(kind, grave.deleted_at, grave.reason, grave.replacement),
        Ok(None) => Problem::not_found(kind.as_str()),
        Err(error) => error.into(),
    }
}

/// The problem of what is no more, with what its tombstone says.
#[must_use]
pub fn gone(kind: Kind, at: Timestamp, reason: Option<String>, replacement: Option<String>) -> Problem {
    Problem::gone(kind.as_str(), "deleted")
        .with_member("deleted_at", at.to_string())
        .with_member("reason", reason)
        .with_member("replacement", replacement)
}
