//! Actors: persons, bodies, states and groups, with every name they go by and the posts they held.

pub mod analysis;
pub mod documents;
pub mod handlers;
pub mod input;
pub mod merge;
pub mod model;
pub mod names;
pub mod network;
pub mod positions;
pub mod resolve;
pub mod sought;
pub mod spelling;
pub mod store;
pub mod timeline;

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::middleware::unrouted;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(handlers::list)
        .service(analysis::resolve_name)
        // No other method of it is one of something that is called so.
        .route("/v1/actors/resolve", web::route().to(unrouted))
        .service(analysis::positions)
        .service(analysis::timeline)
        .service(analysis::network)
        .service(handlers::create)
        .service(handlers::get)
        .service(handlers::replace)
        .service(handlers::patch)
        .service(handlers::delete);
}
