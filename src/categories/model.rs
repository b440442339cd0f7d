//! A category as it is stored and as it is served.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::briefs::model::BriefLink;
use crate::db::schema::categories;
use crate::db::types::{Id, Json, Timestamp};
use crate::vocabulary::Assessment;

/// The name of a category by language.
pub type Names = BTreeMap<String, String>;

/// One version of a category.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = categories, treat_none_as_default_value = false)]
pub struct CategoryRow {
    pub id: Id,
    pub since: i64,
    pub until: Option<i64>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub slug: String,
    pub name: String,
    pub names: Json<Names>,
    pub description: Option<String>,
    pub position: i32,
}

/// A rubric of the archive.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Category)]
pub struct CategoryView {
    /// The category's identity.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub id: Id,
    /// Its readable name in paths.
    #[schema(example = "security")]
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
    /// Its name in the archive's own language.
    #[schema(example = "Security")]
    pub name: String,
    /// Its name by language (BCP 47).
    #[schema(example = json!({"ru": "Безопасность"}))]
    pub names: BTreeMap<String, String>,
    /// What belongs into it.
    #[schema(example = "Army, police, border service and intelligence")]
    pub description: Option<String>,
    /// Where it stands among the categories.
    #[schema(example = 3)]
    pub position: i32,
    /// How it stands, by its latest brief with a status that this caller may see.
    pub status: Option<CategoryStatus>,
}

/// How a category stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CategoryStatus {
    /// The status: green for progress, red for regress.
    pub value: Assessment,
    /// When the brief that says so was published.
    #[schema(value_type = Option<String>, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub since: Option<Timestamp>,
    /// The brief that says so.
    pub brief: BriefLink,
}

/// A category as its briefs show it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CategoryLink {
    /// Its readable name in paths.
    #[schema(example = "security")]
    pub slug: String,
    /// Its name in the archive's own language.
    #[schema(example = "Security")]
    pub name: String,
    /// Its name by language (BCP 47).
    #[schema(example = json!({"ru": "Безопасность"}))]
    pub names: BTreeMap<String, String>,
}

impl CategoryRow {
    /// Whether two versions say the same.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let Self { slug, name, names, description, position, .. } = other;
        (&self.slug, &self.name, &self.names, &self.description, &self.position)
            == (slug, name, names, description, position)
    }

    /// The category as it is served.
    #[must_use]
    pub fn into_view(self, status: Option<CategoryStatus>) -> CategoryView {
        CategoryView {
            id: self.id,
            slug: self.slug,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            name: self.name,
            names: self.names.0,
            description: self.description,
            position: self.position,
            status,
        }
    }
}
