//! The card: one page without scripts, which shows a retraction wherever it was put.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::access::Reader;
use crate::app::AppState;
use crate::briefs::formats::html::{list_of_trends, notices, picture};
use crate::briefs::formats::labels::Labels;
use crate::briefs::formats::page_url;
use crate::briefs::model::{BriefRow, BriefView};
use crate::briefs::views;
use crate::config::Config;
use crate::http::answer;
use crate::http::page::Extras;
use crate::problem::{Problem, ProblemType};
use crate::reference::Reference;
use crate::resource;

/// Any page may show the card; the card itself loads pictures and nothing else.
const POLICY: &str = "default-src 'none'; img-src https: http:; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors *";

/// Show a brief as a card
///
/// A small page for an iframe, without scripts: title, status, picture, trends, and a link to the brief. What was retracted shows its
/// notice, and what was removed says so, wherever the card was put.
#[utoipa::path(
    tag = "syndication", operation_id = "getBriefCard",
    responses(
        (status = 200, description = "The card", content_type = "text/html", body = String, example = json!("<!doctype html>")),
        (status = 404, description = "A page that says that there is no such brief", content_type = "text/html", body = String, example = json!("<!doctype html>")),
        (status = 410, description = "A page that says that the brief was removed", content_type = "text/html", body = String, example = json!("<!doctype html>")),
    )
)]
#[get("/embed/briefs/{id}")]
pub async fn embed(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let reference = Reference::from_text(&id);
    let read = state.ask(&request, &caller, None, move |connection, sight| {
        let row: BriefRow = resource::behind(connection, sight, &reference)?;
        views::rows(connection, sight, vec![row], &Extras::all(&["trends"]))
    });
    let (head, brief) = match read.await {
        Ok((head, mut found)) => (head, found.pop().ok_or_else(|| Problem::not_found("brief"))?),
        Err(problem) if [ProblemType::GONE, ProblemType::NOT_FOUND].contains(&problem.kind()) => {
            return Ok(missing(problem.kind()));
        }
        Err(problem) => return Err(problem),
    };
    let body = card(&state.config, &brief).into_string().into_bytes();
    let mut response = answer::representation(&request, &caller, head, "text/html; charset=utf-8", body);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(POLICY));
    Ok(response)
}

fn missing(kind: ProblemType) -> HttpResponse {
    let text = if kind == ProblemType::GONE { "This brief has been removed." } else { "There is no such brief." };
    let page = framed("en", text, html! {}, html! { article { p role="note" { (text) } } });
    let status = StatusCode::from_u16(kind.status).unwrap_or(StatusCode::NOT_FOUND);
    HttpResponse::build(status)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .content_type("text/html; charset=utf-8")
        .body(page.into_string())
}

fn card(config: &Config, brief: &BriefView) -> Markup {
    let labels = Labels::of(&brief.language);
    let url = page_url(config, &brief.slug, brief.canonical_url.as_deref());
    let links = html! {
        link rel="canonical" href=(url);
        link rel="alternate" type="application/atom+xml" title="Briefs" href=(format!("{}/feeds/briefs.atom", config.public_url));
        link rel="alternate" type="application/json+oembed" href=(oembed_url(config, &brief.slug));
    };
    let body = html! {
        article data-status=[brief.category_status.map(crate::vocabulary::Assessment::as_str)] {
            p.meta {
                (brief.category.name)
                @if let Some(status) = brief.category_status { " · " b { (labels.assessment(status)) } }
                @if let Some(at) = brief.published_at { " · " time datetime=(at) { (at.datetime().date_naive()) } }
            }
            h1 { a href=(url) target="_blank" rel="noopener" { (brief.title) } }
            (notices(brief, labels))
            @if let Some(image) = &brief.image { (picture(image)) }
            @if let Some(summary) = &brief.summary { p { (summary) } }
            @if let Some(trends) = brief.trends.as_ref().filter(|trends| !trends.is_empty()) {
                (list_of_trends(trends, labels))
            }
            footer { a href=(url) target="_blank" rel="noopener" { (labels.original) } }
        }
    };
    framed(&brief.language, &brief.title, links, body)
}

fn framed(language: &str, title: &str, links: Markup, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) }
                (links)
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { (body) }
        }
    }
}

fn oembed_url(config: &Config, slug: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("url", &super::url(&config.public_url, slug))
        .finish();
    format!("{}/oembed?{query}", config.public_url)
}
