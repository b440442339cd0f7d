//! Events: what happened, when as far as is known, and who took part in which role.

pub mod documents;
pub mod filter;
pub mod handlers;
pub mod input;
pub mod model;
pub mod sought;
pub mod store;

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::middleware::unrouted;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(handlers::list)
        .service(handlers::count_in_time)
        // No other method of it is one of something that is called so.
        .route("/v1/events/timeline", web::route().to(unrouted))
        .service(handlers::create)
        .service(handlers::get)
        .service(handlers::replace)
        .service(handlers::patch)
        .service(handlers::delete);
}
