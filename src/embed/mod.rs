//! Cards of briefs for other people's pages: a small page for an iframe, and the oEmbed answer that leads to it.

mod oembed;
mod page;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(page::embed).service(oembed::oembed);
}

/// The address of a brief's card.
#[must_use]
pub fn url(public_url: &str, slug: &str) -> String {
    format!("{public_url}/embed/briefs/{slug}")
}
