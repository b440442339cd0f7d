//! Categories: the rubrics that briefs stand in, each with the status of its latest brief.

pub mod documents;
pub mod handlers;
pub mod history;
pub mod input;
pub mod model;
pub mod sought;
pub mod store;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(handlers::list)
        .service(history::get)
        .service(handlers::create)
        .service(handlers::get)
        .service(handlers::replace)
        .service(handlers::patch)
        .service(handlers::delete);
}
