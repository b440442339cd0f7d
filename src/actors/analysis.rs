//! The endpoints that say more of actors than what they are: who is meant, who was what, and who acts with whom.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};

use super::network::{Network, NetworkQuery, network_around};
use super::positions::{Positions, PositionsQuery, held_by};
use super::resolve::{self, Resolution, ResolveQuery};
use super::timeline::{TimelineEntry, TimelineFilter, TimelineOf};
use crate::access::Reader;
use crate::app::AppState;
use crate::http::answer;
use crate::http::page;
use crate::http::query::{ListQuery, ListView, Query};
use crate::openapi::PageOf;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::scalars::Day;
use crate::search::lists;

/// Resolve a name
///
/// Who may be meant by a name in any spelling or alphabet, with typing errors, initials or the words in another order; or by a
/// post, such as `deputy chairman of the State Border Committee`, and the day on which it was held.
#[utoipa::path(
    tag = "actors", operation_id = "resolveActor", params(ResolveQuery),
    responses((status = 200, description = "Who may be meant, the best first", body = Resolution))
)]
#[get("/v1/actors/resolve")]
pub async fn resolve_name(
    state: Data<AppState>,
    caller: Reader,
    Query(query): Query<ResolveQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (head, resolution) = lists::asked(&state, &request, &caller, None, move |connection, sight, standing| {
        let finder = standing.of_now().ok_or_else(|| Problem::internal("names are resolved in the index of now"))?;
        let limit = query.limit.map(|limit| limit.0 as usize);
        resolve::resolve(connection, sight, finder, query.name.as_str(), query.on.map(|Day(day)| day), limit)
    })
    .await?;
    answer::document(&request, &caller, head, &resolution)
}

/// Read an actor's posts
///
/// All of them, or those held on a day: certainly, or possibly where their dates are uncertain.
#[utoipa::path(
    tag = "actors", operation_id = "getActorPositions", params(PositionsQuery),
    responses((status = 200, description = "The posts", body = Positions))
)]
#[get("/v1/actors/{id}/positions")]
pub async fn positions(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    Query(query): Query<PositionsQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let reference = Reference::from_text(&id);
    let (head, positions) = state
        .ask(&request, &caller, query.as_of, move |connection, sight| {
            held_by(connection, sight, &reference, query.on.map(|Day(day)| day))
        })
        .await?;
    answer::document(&request, &caller, head, &positions)
}

/// Read an actor's timeline
///
/// Its events, its posts and the statements on it in one dated list.
#[utoipa::path(
    tag = "actors", operation_id = "getActorTimeline", params(TimelineFilter, ListView),
    responses((status = 200, description = "A page of the timeline", body = PageOf<TimelineEntry>))
)]
#[get("/v1/actors/{id}/timeline")]
pub async fn timeline(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    ListQuery { filter, view, rest }: ListQuery<TimelineFilter>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let filter = TimelineOf::new(Reference::from_text(&id), filter);
    page::list(&state, &request, &caller, ListQuery { filter, view, rest }).await
}

/// Read an actor's network
///
/// Whom it acts with: actors, and how many events each two of them share.
#[utoipa::path(
    tag = "actors", operation_id = "getActorNetwork", params(NetworkQuery),
    responses((status = 200, description = "Nodes and weighted edges", body = Network))
)]
#[get("/v1/actors/{id}/network")]
pub async fn network(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    Query(query): Query<NetworkQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (reference, as_of) = (Reference::from_text(&id), query.as_of);
    let (head, network) = lists::asked(&state, &request, &caller, as_of, move |connection, sight, standing| {
        network_around(connection, sight, &standing, &reference, &query)
    })
    .await?;
    answer::document(&request, &caller, head, &network)
}
