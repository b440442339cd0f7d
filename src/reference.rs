//! References: a resource is named by its id or its slug, in paths, queries and bodies alike.

use deserr::{DeserializeError, Deserr, IntoValue, Map, Value, ValueKind, ValuePointerRef};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::access::{Audience, Caller, visible};
use crate::db::schema::{redirects, resources, tombstones};
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, in_chunks};
use crate::http::body::{refuse, unknown_name, wrong_kind};
use crate::journal::Write;
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

/// The name by which something is meant: its id, its slug, or both as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The identity, if it was given.
    pub id: Option<Id>,
    /// The slug, if it was given; any text that is no id counts as one.
    pub slug: Option<String>,
}

impl Reference {
    /// Reads the segment of a path, or a text in a body.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        match Id::parse(text) {
            Some(id) => Self { id: Some(id), slug: None },
            // What no database can hold is the name of nothing.
            None => Self { id: None, slug: (!text.contains('\0')).then(|| text.to_owned()) },
        }
    }

    /// A reference to what is known by its id.
    #[must_use]
    pub fn from_id(id: Id) -> Self {
        Self { id: Some(id), slug: None }
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
    let mut reference = Reference { id: None, slug: None };
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
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = tombstones)]
struct TombstoneRow {
    id: Id,
    kind: Kind,
    slug: String,
    deleted_at: Timestamp,
    reason: Option<String>,
    replacement: Option<String>,
    audience: Audience,
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
    };
    diesel::insert_into(tombstones::table).values(&row).execute(write.connection)?;
    Ok(())
}

/// Adds to a tombstone that this write has left what the client says of it.
///
/// # Errors
/// When the statement fails.
pub fn amend_tombstone(write: &mut Write<'_>, id: Id, removal: Removal, audience: Audience) -> Result<(), Problem> {
    diesel::update(tombstones::table.find(id))
        .set((
            tombstones::reason.eq(removal.reason.map(Prose::into_string)),
            tombstones::replacement.eq(removal.replacement.map(Line::into_string)),
            tombstones::audience.eq(audience),
        ))
        .execute(write.connection)?;
    Ok(())
}

/// Whether any resource, living or not, has the identity.
///
/// # Errors
/// When the query fails.
pub fn is_known(connection: &mut Connection, id: Id) -> Result<bool, Problem> {
    Ok(resources::table.find(id).count().get_result::<i64>(connection)? > 0)
}

/// Of these, those that were deleted and that this caller could once see.
///
/// # Errors
/// When the query fails.
pub fn deleted_among(connection: &mut Connection, caller: &Caller, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    in_chunks(ids, |ids| {
        tombstones::table
            .filter(tombstones::id.eq_any(ids))
            .filter(visible(tombstones::audience, caller))
            .select(tombstones::id)
            .load(connection)
    })
}

/// Lets a slug that a resource had lead to it from now on.
///
/// # Errors
/// When a statement fails.
pub fn redirect(connection: &mut Connection, kind: Kind, slug: &str, to: Id) -> Result<(), Problem> {
    diesel::delete(redirects::table.find((kind, slug))).execute(connection)?;
    diesel::insert_into(redirects::table)
        .values((redirects::kind.eq(kind), redirects::slug.eq(slug), redirects::resource_id.eq(to)))
        .execute(connection)?;
    Ok(())
}

/// Where a slug leads that a resource had before.
///
/// # Errors
/// When the query fails.
pub fn redirected(connection: &mut Connection, kind: Kind, reference: &Reference) -> Result<Option<Id>, Problem> {
    let Some(slug) = &reference.slug else {
        return Ok(None);
    };
    Ok(redirects::table.find((kind, slug)).select(redirects::resource_id).first(connection).optional()?)
}

/// The problem of a reference that leads nowhere: 410 with the tombstone for those who could once see it, else 404.
pub fn missing(connection: &mut Connection, caller: &Caller, kind: Kind, reference: &Reference) -> Problem {
    let graves =
        tombstones::table.filter(tombstones::kind.eq(kind)).filter(visible(tombstones::audience, caller)).into_boxed();
    let graves = match (&reference.id, &reference.slug) {
        (Some(id), _) => graves.filter(tombstones::id.eq(*id)),
        (None, slug) => graves.filter(tombstones::slug.eq(slug.clone().unwrap_or_default())),
    };
    let found = graves
        .order(tombstones::deleted_at.desc())
        .select(TombstoneRow::as_select())
        .first::<TombstoneRow>(connection)
        .optional();
    match found {
        Ok(Some(grave)) => Problem::gone(kind.as_str())
            .with_member("deleted_at", grave.deleted_at.to_string())
            .with_member("reason", grave.reason)
            .with_member("replacement", grave.replacement),
        Ok(None) => Problem::not_found(kind.as_str()),
        Err(error) => error.into(),
    }
}
