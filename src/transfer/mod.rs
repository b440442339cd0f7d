//! Bulk in and bulk out: NDJSON lines, each a resource with its `type`.

pub mod export;
pub mod handlers;
pub mod import;
mod spool;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(handlers::import).service(handlers::export);
}
