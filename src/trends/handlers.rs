//! The endpoints of trends.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};

use super::filter::TrendFilter;
use super::input::TrendInput;
use super::model::{TrendRow, TrendView};
use crate::access::{Editor, Reader};
use crate::app::AppState;
use crate::http::answer::SingleQuery;
use crate::http::body::MergePatch;
use crate::http::query::{Both, FilterOnly, ListQuery, ListView, Query};
use crate::openapi::PageOf;
use crate::problem::Problem;
use crate::removal::Removal;
use crate::resource::{self, Input};
use crate::search::lists::{self, Finding};
use crate::search::timeline::{self, Timeline, TimelineQuery};

/// List trends
///
/// The judgements of all briefs, those of the latest period first.
#[utoipa::path(
    tag = "trends", operation_id = "listTrends", params(TrendFilter, Finding, ListView),
    responses((status = 200, description = "A page of trends", body = PageOf<TrendView>))
)]
#[get("/v1/trends")]
pub async fn list(
    state: Data<AppState>,
    caller: Reader,
    query: ListQuery<TrendFilter, Finding>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    lists::list(&state, &request, &caller, query).await
}

/// Count trends in time
///
/// Each statement is counted once, on the last day of its period, and within `from` and `to`.
#[utoipa::path(
    tag = "trends", operation_id = "countTimelineOfTrends", params(FilterOnly<TrendFilter>, TimelineQuery),
    responses((status = 200, description = "The counts", body = Timeline))
)]
#[get("/v1/trends/timeline")]
pub async fn count_in_time(
    state: Data<AppState>,
    caller: Reader,
    Both(FilterOnly(filter), query): Both<FilterOnly<TrendFilter>, TimelineQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    timeline::timeline(&state, &request, &caller, filter, query).await
}

/// Create a trend
///
/// It is added at the end of its brief unless `position` says otherwise, and raises the version of the brief.
#[utoipa::path(
    tag = "trends", operation_id = "createTrend", request_body = TrendInput,
    responses((status = 201, description = "The trend as it now reads", body = TrendView))
)]
#[post("/v1/trends")]
pub async fn create(
    state: Data<AppState>,
    caller: Editor,
    request: HttpRequest,
    Input(input): Input<TrendRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_post::<TrendRow>(&state, &request, &caller, input).await
}

/// Read a trend
///
/// With its actors, its evidence and what became of it.
#[utoipa::path(
    tag = "trends", operation_id = "getTrend", params(SingleQuery),
    responses((status = 200, description = "The trend", body = TrendView))
)]
#[get("/v1/trends/{id}")]
pub async fn get(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    Query(query): Query<SingleQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    resource::answer_get::<TrendRow>(&state, &request, &caller, &id, &query).await
}

/// Create or replace a trend
///
/// What is absent in the body becomes null or empty. The version of its brief rises with it.
#[utoipa::path(
    tag = "trends", operation_id = "putTrend", request_body = TrendInput,
    responses(
        (status = 200, description = "The trend as it now reads", body = TrendView),
        (status = 201, description = "The new trend", body = TrendView),
    )
)]
#[put("/v1/trends/{id}")]
pub async fn replace(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    Input(input): Input<TrendRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_put::<TrendRow>(&state, &request, &caller, &id, input).await
}

/// Change a trend by merge patch
///
/// The patch is merged into the trend as this caller reads it, and the result is checked as a replacement is.
#[utoipa::path(
    tag = "trends", operation_id = "patchTrend",
    request_body(content((TrendInput = "application/merge-patch+json"), (TrendInput = "application/json"))),
    responses((status = 200, description = "The trend as it now reads", body = TrendView))
)]
#[patch("/v1/trends/{id}")]
pub async fn patch(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    MergePatch(changes): MergePatch,
) -> Result<HttpResponse, Problem> {
    resource::answer_patch::<TrendRow>(&state, &request, &caller, &id, changes).await
}

/// Delete a trend
///
/// The version of its brief rises with it. Afterwards it answers 410 with its tombstone.
#[utoipa::path(
    tag = "trends", operation_id = "deleteTrend", params(Removal),
    responses((status = 204, description = "It is deleted"))
)]
#[delete("/v1/trends/{id}")]
pub async fn delete(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    Query(removal): Query<Removal>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    resource::answer_delete::<TrendRow>(&state, &request, &caller, &id, removal, None).await
}
