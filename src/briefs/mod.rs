//! Briefs: the weekly pages, each with its trends, its events and those who took part, in one document.

pub mod documents;
pub mod filter;
pub mod formats;
pub mod handlers;
pub mod input;
pub mod links;
mod meant;
pub mod model;
mod pages;
pub mod similar;
pub mod sought;
pub mod steps;
pub mod store;
pub mod views;
pub mod workflow;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(handlers::list)
        .service(handlers::create)
        .service(handlers::get)
        .service(handlers::similar)
        .service(handlers::replace)
        .service(handlers::patch)
        .service(handlers::delete)
        .service(steps::submit)
        .service(steps::schedule)
        .service(steps::publish)
        .service(steps::retract)
        .service(steps::correct);
}
