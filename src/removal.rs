//! What a deletion says of itself.

use deserr::Deserr;
use utoipa::IntoParams;

use crate::http::body::Invalid;
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
