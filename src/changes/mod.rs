//! The change feed: everything that was written and the caller may know of, in the order of the journal, for those who keep
//! a copy.

mod handlers;
mod rows;
mod stream;

pub use rows::{ChangeRow, Changes, Current, Via, changes_after, last_rows};
use utoipa_actix_web::service_config::ServiceConfig;

/// The route of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(handlers::follow);
}
