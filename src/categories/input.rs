//! A category as it is written, and what a list of them can be asked.

use deserr::Deserr;
use utoipa::{IntoParams, ToSchema};

use crate::db::types::Timestamp;
use crate::http::body::{Invalid, LinesBy, ReadOnly};
use crate::scalars::{LanguageCode, Line, Prose, Slug};

/// A category to create, or to put in the place of another.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[schema(as = CategoryInput)]
pub struct CategoryInput {
    /// Its readable name in paths; made of the name unless given.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9-]{1,120}$", example = "security")]
    pub slug: Option<Slug>,
    /// Its name in the archive's own language.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "Security")]
    pub name: Line,
    /// Its name by language (BCP 47).
    #[deserr(default)]
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"ru": "Безопасность"}))]
    pub names: Option<LinesBy<LanguageCode>>,
    /// What belongs into it.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "Army, police, border service and intelligence")]
    pub description: Option<Prose>,
    /// Where it stands among the categories; 0 unless given.
    #[deserr(default)]
    #[schema(minimum = 0, example = 3)]
    pub position: Option<u16>,
    #[deserr(default)]
    #[schema(ignore)]
    pub id: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub version: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub created_at: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub updated_at: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub status: ReadOnly,
}

/// What a list of categories can be asked.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct CategoryFilter {
    /// Only what changed at this moment or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2017-07-01T00:00:00Z")]
    pub updated_since: Option<Timestamp>,
    /// The order; a leading hyphen turns it round.
    #[deserr(default)]
    #[param(inline)]
    pub sort: Option<CategorySort>,
}

crate::vocabulary::vocabulary! {
    /// The orders of a list of categories.
    CategorySort {
        Relevance = "relevance",
        Slug = "slug",
        SlugDescending = "-slug",
        Position = "position",
        PositionDescending = "-position",
        UpdatedAt = "updated_at",
        UpdatedAtDescending = "-updated_at",
    }
}
