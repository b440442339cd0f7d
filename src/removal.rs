//! What a deletion says of itself.

use deserr::Deserr;
use utoipa::IntoParams;

use crate::http::body::Invalid;
use crate::http::query::NameOrSlug;
use crate::reference::Reference;
use crate::scalars::{Line, Prose};

/// Why something is deleted, and what to read instead.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct Removal {
    /// Why; the tombstone says it to everyone who could see the resource.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "Published twice")]
    pub reason: Option<Prose>,
    /// What to read instead: an id, a slug or a URL.
    #[deserr(default)]
    #[param(value_type = Option<String>, max_length = 500, example = "security-2017-07-31")]
    pub replacement: Option<Line>,
}

/// Why something is deleted that others may name, and what takes its place wherever it is named.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct Merger {
    /// Why; the tombstone says it to everyone who could see the resource.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "Published twice")]
    pub reason: Option<Prose>,
    /// What to read instead: an id, a slug or a URL.
    #[deserr(default)]
    #[param(value_type = Option<String>, max_length = 500, example = "security-2017-07-31")]
    pub replacement: Option<Line>,
    /// Another of its kind, by id or slug, that takes its place wherever it is named, and to which its slug leads from now on.
    #[deserr(default)]
    #[param(value_type = Option<String>, min_length = 1, example = "alyaksandr-lukashenka")]
    pub replace_with: Option<NameOrSlug>,
}

impl Merger {
    /// What the deletion says of itself.
    #[must_use]
    pub fn removal(&self) -> Removal {
        Removal { reason: self.reason.clone(), replacement: self.replacement.clone() }
    }

    /// What takes its place.
    #[must_use]
    pub fn target(self) -> Option<Reference> {
        self.replace_with.map(|NameOrSlug(reference)| reference)
    }
}
