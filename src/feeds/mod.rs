//! Feeds of briefs, trends and events, for sites that copy them: Atom, RSS and JSON Feed, ordered by the last change, with
//! everything that a reader of the page sees, and with notices of what was retracted or removed.
//!
//! A feed is the journal read backwards: each resource stands at the last row that the caller may know of. One that has not changed costs
//! no query ([`crate::http::revalidation`]).

mod atom;
mod format;
mod handlers;
mod item;
mod json;
mod rss;
mod source;
pub mod websub;
mod xml;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web;
pub use format::FeedFormat;
pub use handlers::routes;

/// What makes of a feed a page for a person who opens one.
pub fn style(config: &mut web::ServiceConfig) {
    config.route("/feeds/style.css", web::get().to(stylesheet));
}

async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .content_type("text/css; charset=utf-8")
        .body(include_str!("style.css"))
}
