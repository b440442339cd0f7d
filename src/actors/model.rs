//! An actor as it is stored and as it is served.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::schema::{actor_names, actor_positions, actors};
use crate::db::types::{Id, Json, Timestamp};
use crate::reference::Link;
use crate::vocabulary::ActorKind;

/// Identifiers of an actor elsewhere, by the name of the register.
pub type Identifiers = BTreeMap<String, String>;

/// One version of an actor.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = actors, treat_none_as_default_value = false)]
pub struct ActorRow {
    pub id: Id,
    pub since: i64,
    pub until: Option<i64>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub slug: String,
    pub name: String,
    pub kind: ActorKind,
    pub country: Option<String>,
    pub description: Option<String>,
    pub parent_id: Option<Id>,
    pub identifiers: Json<Identifiers>,
}

/// A name that an actor goes by; the one of ordinal 0 is its own.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = actor_names, treat_none_as_default_value = false)]
pub struct NameRow {
    pub actor_id: Id,
    pub ordinal: i32,
    pub since: i64,
    pub until: Option<i64>,
    pub folded: String,
    pub name: String,
    pub language: Option<String>,
}

/// A post that an actor holds or held.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = actor_positions, treat_none_as_default_value = false)]
pub struct PositionRow {
    pub actor_id: Id,
    pub ordinal: i32,
    pub since: i64,
    pub until: Option<i64>,
    pub organisation_id: Id,
    pub title: String,
    pub held_from: Option<String>,
    pub held_to: Option<String>,
}

/// Who or what acts.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Actor)]
pub struct ActorView {
    /// The actor's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "sergey-novikov")]
    pub slug: String,
    /// One more at each change.
    #[schema(example = 1)]
    pub version: i32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub updated_at: Timestamp,
    /// The name that the archive calls it by.
    #[schema(example = "Sergey Novikov")]
    pub name: String,
    /// What sort of actor it is.
    pub kind: ActorKind,
    /// Its country, ISO 3166-1 alpha-2.
    #[schema(example = "BY")]
    pub country: Option<String>,
    /// Who it is.
    #[schema(example = "Major-General, Deputy Chairman of the State Border Committee")]
    pub description: Option<String>,
    /// Its other names, in other languages and spellings.
    pub aliases: Vec<AliasView>,
    /// The body that it belongs to.
    pub parent: Option<Link<ActorLink>>,
    /// The posts that it holds or held.
    pub positions: Vec<PositionView>,
    /// Its identifiers elsewhere, by register.
    #[schema(example = json!({"wikidata": "Q2895"}))]
    pub identifiers: BTreeMap<String, String>,
}

/// Another name of an actor.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Alias)]
pub struct AliasView {
    /// The name.
    #[schema(example = "Сергей Новиков")]
    pub name: String,
    /// Its language (BCP 47).
    #[schema(example = "ru")]
    pub language: Option<String>,
}

/// A post.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Position)]
pub struct PositionView {
    /// Where.
    pub organisation: Link<ActorLink>,
    /// As what.
    #[schema(example = "Deputy Chairman")]
    pub title: String,
    /// Since when, an EDTF date.
    #[schema(example = "2017-07-07")]
    pub from: Option<String>,
    /// Until when, an EDTF date.
    #[schema(example = json!(null))]
    pub to: Option<String>,
}

/// An actor as events and other actors name it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ActorLink {
    /// The actor's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "sergey-novikov")]
    pub slug: String,
    /// The name that the archive calls it by.
    #[schema(example = "Sergey Novikov")]
    pub name: String,
    /// What sort of actor it is.
    pub kind: ActorKind,
}

/// An actor as briefs and trends list it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema, Queryable)]
pub struct ActorSummary {
    /// The actor's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "sergey-novikov")]
    pub slug: String,
    /// The name that the archive calls it by.
    #[schema(example = "Sergey Novikov")]
    pub name: String,
    /// What sort of actor it is.
    pub kind: ActorKind,
    /// Its country, ISO 3166-1 alpha-2.
    #[schema(example = "BY")]
    pub country: Option<String>,
}

impl From<ActorSummary> for ActorLink {
    fn from(ActorSummary { id, slug, name, kind, country: _ }: ActorSummary) -> Self {
        Self { id, slug, name, kind }
    }
}

impl ActorRow {
    /// Whether two versions say the same.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let (since, until, version, updated_at) = (self.since, self.until, self.version, self.updated_at);
        *self == Self { since, until, version, updated_at, ..other.clone() }
    }
}
