//! Documentation that the binary carries: the spec, the interactive page, and a page for each kind of problem.

use actix_web::http::header;
use actix_web::web::{self, Path};
use actix_web::{HttpResponse, get, guard};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem::{Problem, ProblemType};

/// The OpenAPI document as it is served. It is what the code says ([`crate::routes::document`], which a test holds it against); to make
/// that anew would take twenty times the memory that it has itself, and a third of the time that a start takes.
pub const OPENAPI: &str = include_str!("../openapi/openapi.json");

/// The documented routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(openapi_json).service(problem_page);
}

/// The interactive page, from assets inside of the binary.
pub fn page(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(["/", "/docs"]).guard(guard::Get()).to(to_the_page))
        .service(web::resource(["/docs/", "/docs/index.html"]).guard(guard::Get()).to(interactive_page))
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json")));
}

/// The page around Swagger UI, with the addresses by which a feed reader finds the feeds.
async fn interactive_page() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .content_type("text/html; charset=utf-8")
        .body(include_str!("docs.html"))
}

async fn to_the_page() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// The OpenAPI document
#[utoipa::path(
    tag = "operations", operation_id = "getOpenApi",
    responses((status = 200, description = "This document, OpenAPI 3.1", content_type = "application/json", body = Object, example = json!({"openapi": "3.1.0"})))
)]
#[get("/openapi.json")]
pub async fn openapi_json() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .content_type("application/json")
        .body(OPENAPI)
}

/// What a kind of problem means
///
/// The page behind the `type` of every error.
#[utoipa::path(
    tag = "operations", operation_id = "getProblem",
    responses((status = 200, description = "A page for people", content_type = "text/html", body = String, example = json!("<!doctype html>")))
)]
#[get("/problems/{name}")]
pub async fn problem_page(name: Path<String>) -> Result<HttpResponse, Problem> {
    let kind = ProblemType::ALL
        .iter()
        .find(|kind| kind.name == name.as_str())
        .ok_or_else(|| Problem::not_found("kind of problem"))?;
    let ProblemType { name, status, title, explanation } = kind;
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:40rem;\
         margin:4rem auto;padding:0 1rem}}code{{font-size:.95em}}</style>\
         <h1>{title}</h1><p>{}</p><p>Status <code>{status}</code>, type <code>/problems/{name}</code>.</p>\
         <p><a href=\"/docs/\">The API's documentation</a></p></html>",
        with_code(explanation)
    );
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .content_type("text/html; charset=utf-8")
        .body(page))
}

/// Turns the back-quotes of an explanation into code elements.
fn with_code(explanation: &str) -> String {
    let mut html = String::new();
    for (index, part) in explanation.split('`').enumerate() {
        if index % 2 == 1 {
            html.extend(["<code>", part, "</code>"]);
        } else {
            html.push_str(part);
        }
    }
    html
}
