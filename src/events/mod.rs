//! Events: what happened, when as far as is known, and who took part in which role.

pub mod documents;
pub mod filter;
pub mod handlers;
pub mod input;
pub mod model;
pub mod sought;
pub mod store;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(handlers::list)
        .service(handlers::count_in_time)
        .service(handlers::create)
        .service(handlers::get)
        .service(handlers::replace)
        .service(handlers::patch)
        .service(handlers::delete);
}
