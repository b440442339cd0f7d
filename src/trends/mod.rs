//! Trends: the one-sentence judgements of a brief. Each belongs to its brief, is seen by whom the brief is seen, and
//! raises the brief's version when it changes; through its series it goes on from week to week.

pub mod calibration;
pub mod documents;
pub mod filter;
pub mod handlers;
pub mod input;
pub mod model;
pub mod plan;
pub mod series;
pub mod sought;
pub mod store;
pub mod views;

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::middleware::unrouted;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(handlers::list)
        .service(handlers::count_in_time)
        // No other method of it is one of something that is called so.
        .route("/v1/trends/timeline", web::route().to(unrouted))
        .service(series::list)
        .service(series::get)
        .service(calibration::get)
        .service(handlers::create)
        .service(handlers::get)
        .service(handlers::replace)
        .service(handlers::patch)
        .service(handlers::delete);
}
