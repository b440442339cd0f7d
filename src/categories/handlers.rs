//! The endpoints of categories.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};

use super::input::{CategoryFilter, CategoryInput};
use super::model::{CategoryRow, CategoryView};
use crate::access::{Editor, Reader};
use crate::app::AppState;
use crate::http::answer::SingleQuery;
use crate::http::body::MergePatch;
use crate::http::query::{ListQuery, ListView, Query};
use crate::openapi::PageOf;
use crate::problem::Problem;
use crate::removal::Merger;
use crate::resource::{self, Input};
use crate::search::lists::{self, Finding};

/// List categories
///
/// Every rubric of the archive with the status of its latest brief.
#[utoipa::path(
    tag = "categories", operation_id = "listCategories", params(CategoryFilter, Finding, ListView),
    responses((status = 200, description = "A page of categories", body = PageOf<CategoryView>))
)]
#[get("/v1/categories")]
pub async fn list(
    state: Data<AppState>,
    caller: Reader,
    query: ListQuery<CategoryFilter, Finding>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    lists::list(&state, &request, &caller, query).await
}

/// Create a category
///
/// It is public from its creation.
#[utoipa::path(
    tag = "categories", operation_id = "createCategory", request_body = CategoryInput,
    responses((status = 201, description = "The category as it now reads", body = CategoryView))
)]
#[post("/v1/categories")]
pub async fn create(
    state: Data<AppState>,
    caller: Editor,
    request: HttpRequest,
    Input(input): Input<CategoryRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_post::<CategoryRow>(&state, &request, &caller, input).await
}

/// Read a category
///
/// With the status of its latest brief that this caller may see.
#[utoipa::path(
    tag = "categories", operation_id = "getCategory", params(SingleQuery),
    responses((status = 200, description = "The category", body = CategoryView))
)]
#[get("/v1/categories/{id}")]
pub async fn get(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    Query(query): Query<SingleQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    resource::answer_get::<CategoryRow>(&state, &request, &caller, &id, &query).await
}

/// Create or replace a category
///
/// What is absent in the body becomes null or empty.
#[utoipa::path(
    tag = "categories", operation_id = "putCategory", request_body = CategoryInput,
    responses(
        (status = 200, description = "The category as it now reads", body = CategoryView),
        (status = 201, description = "The new category", body = CategoryView),
    )
)]
#[put("/v1/categories/{id}")]
pub async fn replace(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    Input(input): Input<CategoryRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_put::<CategoryRow>(&state, &request, &caller, &id, input).await
}

/// Change a category by merge patch
///
/// The patch is merged into the category as this caller reads it, and the result is checked as a replacement is.
#[utoipa::path(
    tag = "categories", operation_id = "patchCategory",
    request_body(content((CategoryInput = "application/merge-patch+json"), (CategoryInput = "application/json"))),
    responses((status = 200, description = "The category as it now reads", body = CategoryView))
)]
#[patch("/v1/categories/{id}")]
pub async fn patch(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    MergePatch(changes): MergePatch,
) -> Result<HttpResponse, Problem> {
    resource::answer_patch::<CategoryRow>(&state, &request, &caller, &id, changes).await
}

/// Delete a category
///
/// Refused with 409 while briefs stand in it. Afterwards it answers 410 with its tombstone.
#[utoipa::path(
    tag = "categories", operation_id = "deleteCategory", params(Merger),
    responses((status = 204, description = "It is deleted"))
)]
#[delete("/v1/categories/{id}")]
pub async fn delete(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    Query(merger): Query<Merger>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    resource::answer_delete::<CategoryRow>(&state, &request, &caller, &id, merger.removal(), merger.target()).await
}
