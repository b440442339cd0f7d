//! The endpoints of events.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};

use super::filter::EventFilter;
use super::input::EventInput;
use super::model::{EventRow, EventView};
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

/// List events
///
/// What happened, the latest first; dates match every event that may have happened on them.
#[utoipa::path(
    tag = "events", operation_id = "listEvents", params(EventFilter, Finding, ListView),
    responses((status = 200, description = "A page of events", body = PageOf<EventView>))
)]
#[get("/v1/events")]
pub async fn list(
    state: Data<AppState>,
    caller: Reader,
    query: ListQuery<EventFilter, Finding>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    lists::list(&state, &request, &caller, query).await
}

/// Count events in time
///
/// Each event is counted once, on the first day that its date can mean (on the last, where the beginning is open), and within `from` and `to`.
#[utoipa::path(
    tag = "events", operation_id = "countTimelineOfEvents", params(FilterOnly<EventFilter>, TimelineQuery),
    responses((status = 200, description = "The counts", body = Timeline))
)]
#[get("/v1/events/timeline")]
pub async fn count_in_time(
    state: Data<AppState>,
    caller: Reader,
    Both(FilterOnly(filter), query): Both<FilterOnly<EventFilter>, TimelineQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    timeline::timeline(&state, &request, &caller, filter, query).await
}

/// Create an event
///
/// It is a draft unless a publisher says otherwise.
#[utoipa::path(
    tag = "events", operation_id = "createEvent", request_body = EventInput,
    responses((status = 201, description = "The event as it now reads", body = EventView))
)]
#[post("/v1/events")]
pub async fn create(
    state: Data<AppState>,
    caller: Editor,
    request: HttpRequest,
    Input(input): Input<EventRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_post::<EventRow>(&state, &request, &caller, input).await
}

/// Read an event
///
/// With those who took part in it, and its sources.
#[utoipa::path(
    tag = "events", operation_id = "getEvent", params(SingleQuery),
    responses((status = 200, description = "The event", body = EventView))
)]
#[get("/v1/events/{id}")]
pub async fn get(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    Query(query): Query<SingleQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    resource::answer_get::<EventRow>(&state, &request, &caller, &id, &query).await
}

/// Create or replace an event
///
/// What is absent in the body becomes null or empty. `state` stays as it is when it is absent. A published event is changed by publishers.
#[utoipa::path(
    tag = "events", operation_id = "putEvent", request_body = EventInput,
    responses(
        (status = 200, description = "The event as it now reads", body = EventView),
        (status = 201, description = "The new event", body = EventView),
    )
)]
#[put("/v1/events/{id}")]
pub async fn replace(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    Input(input): Input<EventRow>,
) -> Result<HttpResponse, Problem> {
    resource::answer_put::<EventRow>(&state, &request, &caller, &id, input).await
}

/// Change an event by merge patch
///
/// The patch is merged into the event as this caller reads it, and the result is checked as a replacement is.
#[utoipa::path(
    tag = "events", operation_id = "patchEvent",
    request_body(content((EventInput = "application/merge-patch+json"), (EventInput = "application/json"))),
    responses((status = 200, description = "The event as it now reads", body = EventView))
)]
#[patch("/v1/events/{id}")]
pub async fn patch(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
    MergePatch(changes): MergePatch,
) -> Result<HttpResponse, Problem> {
    resource::answer_patch::<EventRow>(&state, &request, &caller, &id, changes).await
}

/// Delete an event
///
/// Briefs and trends that show it go on to name it, as deleted. Afterwards it answers 410 with its tombstone.
#[utoipa::path(
    tag = "events", operation_id = "deleteEvent", params(Removal),
    responses((status = 204, description = "It is deleted"))
)]
#[delete("/v1/events/{id}")]
pub async fn delete(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    Query(removal): Query<Removal>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    resource::answer_delete::<EventRow>(&state, &request, &caller, &id, removal, None).await
}
