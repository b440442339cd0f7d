//! oEmbed 1.0: what to put into a page for the address of a brief.

use std::str::FromStr;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use deserr::Deserr;
use serde::Serialize;
use url::Url;
use utoipa::{IntoParams, ToSchema};

use crate::access::Reader;
use crate::app::AppState;
use crate::briefs::model::BriefRow;
use crate::http::answer::{self, as_json};
use crate::http::body::{Invalid, from_text};
use crate::http::query::{Query, whole_number};
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;

/// What to embed, and how large it may be.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct OembedQuery {
    /// The address of a brief on this server: `/embed/briefs/…` or `/v1/briefs/…`.
    #[param(value_type = String, format = "uri", example = "https://briefs.example.org/embed/briefs/security-2017-07-31")]
    pub url: String,
    /// The width that there is, in pixels.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, example = 600)]
    pub maxwidth: Option<Pixels>,
    /// The height that there is, in pixels.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, example = 480)]
    pub maxheight: Option<Pixels>,
    /// The format of the answer.
    #[deserr(default)]
    #[param(inline)]
    #[expect(dead_code, reason = "there is one format, and another is refused when this is read")]
    pub format: Option<OembedFormat>,
}

crate::vocabulary::vocabulary! {
    /// The formats of an oEmbed answer.
    OembedFormat { Json = "json" }
}

/// A number of pixels, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixels(pub u32);

impl FromStr for Pixels {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        whole_number(text).filter(|pixels| *pixels > 0).map(Self).ok_or("must be a whole number from 1")
    }
}

from_text!(Pixels);

const WIDTH: u32 = 600;
const HEIGHT: u32 = 480;

/// What to put into a page.
#[derive(Debug, Serialize, ToSchema)]
pub struct Oembed {
    /// The version of oEmbed.
    #[schema(example = "1.0")]
    version: &'static str,
    /// The kind of answer.
    #[schema(example = "rich")]
    r#type: &'static str,
    /// The brief's headline.
    #[schema(example = "The army gains weight; Minsk and Beijing draw closer on security")]
    title: String,
    /// Who wrote it.
    #[schema(example = "Belarus Security Desk")]
    author_name: Option<String>,
    /// What serves it.
    #[schema(example = "Briefwire")]
    provider_name: &'static str,
    /// Where that is.
    #[schema(format = "uri", example = "https://briefs.example.org")]
    provider_url: String,
    /// How many seconds the answer may be kept. The card itself is always of now.
    #[schema(example = 300)]
    cache_age: u32,
    /// What to put into the page.
    #[schema(example = "<iframe src=\"https://briefs.example.org/embed/briefs/security-2017-07-31\"></iframe>")]
    html: String,
    /// Its width in pixels.
    #[schema(example = 600)]
    width: u32,
    /// Its height in pixels.
    #[schema(example = 480)]
    height: u32,
}

/// Embed a brief
///
/// oEmbed for the address of a brief: an iframe of its card.
#[utoipa::path(
    tag = "syndication", operation_id = "getOembed", params(OembedQuery),
    responses((status = 200, description = "What to put into the page", body = Oembed))
)]
#[get("/oembed")]
pub async fn oembed(
    state: Data<AppState>,
    caller: Reader,
    Query(query): Query<OembedQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let public_url = state.config.public_url.clone();
    let reference = brief_behind(&public_url, &query.url)
        .ok_or_else(|| Problem::parameter("url", "is the address of no brief on this server"))?;
    let find = |row: BriefRow| (row.slug, row.title, row.authors.0);
    let (head, (slug, title, authors)) = state
        .ask(&request, &caller, None, move |connection, sight| {
            resource::behind(connection, sight, &reference).map(find)
        })
        .await?;
    let width = query.maxwidth.map_or(WIDTH, |most| most.0.min(WIDTH));
    let height = query.maxheight.map_or(HEIGHT, |most| most.0.min(HEIGHT));
    let src = super::url(&public_url, &slug);
    let frame = maud::html! {
        iframe src=(src) title=(title) width=(width) height=(height) loading="lazy" sandbox="allow-popups allow-popups-to-escape-sandbox"
            style="border:0" {}
    };
    let embed = Oembed {
        version: "1.0",
        r#type: "rich",
        title,
        author_name: (!authors.is_empty()).then(|| authors.join(", ")),
        provider_name: "Briefwire",
        provider_url: public_url,
        cache_age: 300,
        html: frame.into_string(),
        width,
        height,
    };
    Ok(answer::representation(&request, &caller, head, "application/json", as_json(&embed)?))
}

/// The brief that an address of this server stands for.
fn brief_behind(public_url: &str, address: &str) -> Option<Reference> {
    let address = Url::parse(address).ok()?;
    let base = Url::parse(public_url).ok()?;
    let path = address.path().strip_prefix(base.path().trim_end_matches('/'))?;
    let slug = path.strip_prefix("/embed/briefs/").or_else(|| path.strip_prefix("/v1/briefs/"))?;
    let is_here = address.host() == base.host() && address.port_or_known_default() == base.port_or_known_default();
    (is_here && !slug.is_empty() && !slug.contains('/')).then(|| Reference::from_text(slug))
}
