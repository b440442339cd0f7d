//! The endpoints of actors.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};

use super::input::{ActorFilter, ActorInput};
use super::model::{ActorRow, ActorView};
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

/// List actors
///
/// Persons, bodies, states and groups, by country, kind and what they belong to.
#[utoipa::path(
    tag = "actors", operation_id = "listActors", params(ActorFilter, Finding, ListView),
    responses((status = 200, description = "A page of actors", body = PageOf<ActorView>))
)]
#[get("/v1/actors")]
pub async fn list(
    state: Data<AppState>,
    caller: Reader,
    query: ListQuery<ActorFilter, Finding>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    lists::list(&state, &request, &caller, query).await
}

/// Create an actor
///
/// It is public from its creation: nothing secret belongs here.
#[utoipa::path(
    tag = "actors", operation_id = "createActor", request_body = ActorInput,
    responses((status = 201, description = "The actor as it now reads", body = ActorView))
)]
#[post("/v1/actors")]
pub async fn create(
    state: Data<AppState>,
    caller: Editor,
    request: HttpRequest,
    Input(input): Input<ActorRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_post::<ActorRow>(&state, &request, &caller, input).await
}

/// Read an actor
///
/// With its aliases, the body that it belongs to, and its positions.
#[utoipa::path(
    tag = "actors", operation_id = "getActor", params(SingleQuery),
    responses((status = 200, description = "The actor", body = ActorView))
)]
#[get("/v1/actors/{id}")]
pub async fn get(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    Query(query): Query<SingleQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    resource::answer_get::<ActorRow>(&state, &request, &caller, &id, &query).await
}

/// Create or replace an actor
///
/// What is absent in the body becomes null or empty.
#[utoipa::path(
    tag = "actors", operation_id = "putActor", request_body = ActorInput,
    responses(
        (status = 200, description = "The actor as it now reads", body = ActorView),
        (status = 201, description = "The new actor", body = ActorView),
    )
)]
#[put("/v1/actors/{id}")]
pub async fn replace(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    Input(input): Input<ActorRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_put::<ActorRow>(&state, &request, &caller, &id, input).await
}

/// Change an actor by merge patch
///
/// The patch is merged into the actor as this caller reads it, and the result is checked as a replacement is.
#[utoipa::path(
    tag = "actors", operation_id = "patchActor",
    request_body(content((ActorInput = "application/merge-patch+json"), (ActorInput = "application/json"))),
    responses((status = 200, description = "The actor as it now reads", body = ActorView))
)]
#[patch("/v1/actors/{id}")]
pub async fn patch(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    MergePatch(changes): MergePatch,
) -> Result<HttpResponse, Problem> {
    resource::answer_patch::<ActorRow>(&state, &request, &caller, &id, changes).await
}

/// Delete an actor
///
/// Refused with 409 while events, trends or other actors name it. Afterwards it answers 410 with its tombstone.
#[utoipa::path(
    tag = "actors", operation_id = "deleteActor", params(Merger),
    responses((status = 204, description = "It is deleted"))
)]
#[delete("/v1/actors/{id}")]
pub async fn delete(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    Query(merger): Query<Merger>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    resource::answer_delete::<ActorRow>(&state, &request, &caller, &id, merger.removal(), merger.target()).await
}
