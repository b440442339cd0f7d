//! The endpoints of briefs.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};

use super::filter::BriefFilter;
use super::formats::{self, BriefQuery};
use super::input::BriefInput;
use super::model::{BriefRow, BriefView};
use super::similar::{DEFAULT_LIMIT, SimilarBriefs, SimilarQuery, found};
use crate::access::{Editor, Reader};
use crate::app::AppState;
use crate::http::answer;
use crate::http::body::MergePatch;
use crate::http::query::{ListQuery, ListView, Query};
use crate::openapi::PageOf;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::removal::Removal;
use crate::resource::{self, Input};
use crate::search::lists::{self, Finding};

/// List briefs
///
/// The archive, the latest publication first. Rows leave out what is long or embedded unless `include` asks for it.
#[utoipa::path(
    tag = "briefs", operation_id = "listBriefs", params(BriefFilter, Finding, ListView),
    responses((status = 200, description = "A page of briefs", body = PageOf<BriefView>))
)]
#[get("/v1/briefs")]
pub async fn list(
    state: Data<AppState>,
    caller: Reader,
    query: ListQuery<BriefFilter, Finding>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    lists::list(&state, &request, &caller, query).await
}

/// Create a brief
///
/// A draft, with its trends, and with its events by reference or inline. A publisher may create it as already published, with its past `published_at`.
#[utoipa::path(
    tag = "briefs", operation_id = "createBrief", request_body = BriefInput,
    responses((status = 201, description = "The brief as it now reads", body = BriefView))
)]
#[post("/v1/briefs")]
pub async fn create(
    state: Data<AppState>,
    caller: Editor,
    request: HttpRequest,
    Input(input): Input<BriefRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_post::<BriefRow>(&state, &request, &caller, input).await
}

/// Read a brief
///
/// Everything that its page shows: trends, events with those who took part, image, translations, and similar briefs. As schema.org
/// JSON-LD a retracted brief is 410.
#[utoipa::path(
    tag = "briefs", operation_id = "getBrief", params(BriefQuery),
    responses((status = 200, description = "The brief", content(
        (BriefView = "application/json"),
        (Object = "application/ld+json", example = json!({"@context": "https://schema.org", "@type": "AnalysisNewsArticle"})),
        (Object = "application/ninjs+json", example = json!({"uri": "urn:uuid:0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c", "type": "text"})),
        (String = "text/markdown", example = json!("---\nslug: \"security-2017-07-31\"\n---\n\n# The army gains weight\n")),
        (String = "text/html", example = json!("<article lang=\"en\"><h1>The army gains weight</h1></article>")),
    )))
)]
#[get("/v1/briefs/{id}")]
pub async fn get(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    Query(query): Query<BriefQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    formats::answer_get(&state, &request, &caller, &id, query).await
}

/// Read briefs like a brief
///
/// Those that an editor chose, then those that have the most in common with it and are the closest in time, each with why. As of a time
/// in the past only those that an editor had chosen.
#[utoipa::path(
    tag = "briefs", operation_id = "getSimilarBriefs", params(SimilarQuery),
    responses((status = 200, description = "The briefs, the likest first", body = SimilarBriefs))
)]
#[get("/v1/briefs/{id}/similar")]
pub async fn similar(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    Query(query): Query<SimilarQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let reference = Reference::from_text(&id);
    let limit = query.limit.map_or(DEFAULT_LIMIT, |limit| limit.0 as usize);
    let (head, data) = state
        .ask(&request, &caller, query.as_of, move |connection, sight| {
            let brief: BriefRow = resource::behind(connection, sight, &reference)?;
            found(connection, sight, &brief, limit)
        })
        .await?;
    answer::document(&request, &caller, head, &SimilarBriefs { data })
}

/// Create or replace a brief
///
/// What is absent in the body becomes null or empty. `state`, `corrections` and `published_at` stay as they are when they are absent, and so does what the caller may not see. A published brief is changed by publishers.
#[utoipa::path(
    tag = "briefs", operation_id = "putBrief", request_body = BriefInput,
    responses(
        (status = 200, description = "The brief as it now reads", body = BriefView),
        (status = 201, description = "The new brief", body = BriefView),
    )
)]
#[put("/v1/briefs/{id}")]
pub async fn replace(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    Input(input): Input<BriefRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_put::<BriefRow>(&state, &request, &caller, &id, input).await
}

/// Change a brief by merge patch
///
/// The patch is merged into the brief as this caller reads it, and the result is checked as a replacement is.
#[utoipa::path(
    tag = "briefs", operation_id = "patchBrief",
    request_body(content((BriefInput = "application/merge-patch+json"), (BriefInput = "application/json"))),
    responses((status = 200, description = "The brief as it now reads", body = BriefView))
)]
#[patch("/v1/briefs/{id}")]
pub async fn patch(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    MergePatch(changes): MergePatch,
) -> Result<HttpResponse, Problem> {
    resource::answer_patch::<BriefRow>(&state, &request, &caller, &id, changes).await
}

/// Delete a brief
///
/// Its trends go with it. Afterwards it answers 410 with its tombstone, to those who could once see it.
#[utoipa::path(
    tag = "briefs", operation_id = "deleteBrief", params(Removal),
    responses((status = 204, description = "It is deleted"))
)]
#[delete("/v1/briefs/{id}")]
pub async fn delete(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    Query(removal): Query<Removal>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    resource::answer_delete::<BriefRow>(&state, &request, &caller, &id, removal, None).await
}
