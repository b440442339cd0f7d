//! For those who run the server: is it alive, and can it answer?

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::Caller;
use crate::app::AppState;
use crate::journal;
use crate::problem::Problem;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(live).service(ready);
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`; anything else is a problem instead.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Is the process alive?
#[utoipa::path(
    tag = "operations", operation_id = "getLive",
    responses((status = 200, description = "It is", body = Health))
)]
#[get("/health/live")]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// Can it answer?
///
/// Reads from the database to find out.
#[utoipa::path(
    tag = "operations", operation_id = "getReady",
    responses((status = 200, description = "It can", body = Health))
)]
#[get("/health/ready")]
pub async fn ready(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    state.db.read(|connection| journal::last_seen(connection, &Caller::ANYONE)).await?;
    Ok(HttpResponse::Ok().json(Health { status: "ok" }))
}
