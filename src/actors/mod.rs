//! Actors: persons, bodies, states and groups, with every name they go by and the posts they held.

pub mod documents;
pub mod handlers;
pub mod input;
pub mod merge;
pub mod model;
pub mod names;
pub mod sought;
pub mod store;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(handlers::list)
        .service(handlers::create)
        .service(handlers::get)
        .service(handlers::replace)
        .service(handlers::patch)
        .service(handlers::delete);
}
