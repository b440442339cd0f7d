//! The endpoints of API keys.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use deserr::Deserr;
use serde::Serialize;
use utoipa::ToSchema;

use super::Admin;
use super::keys::{self, KeyView, Quota};
use crate::app::AppState;
use crate::db::Connection;
use crate::db::types::Id;
use crate::http::answer::Reply;
use crate::http::body::{Invalid, Json};
use crate::problem::Problem;
use crate::scalars::Line;
use crate::vocabulary::{Marking, Role};

/// A key to make.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct KeyInput {
    /// Whom or what it is for.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "Newsroom CMS")]
    pub name: Line,
    /// What it may do.
    pub role: Role,
    /// The highest marking that it may see; `TLP:CLEAR` for a reader and `TLP:RED` for others unless given.
    #[deserr(default)]
    pub clearance: Option<Marking>,
    /// How many requests it has a minute; what the server gives to every key unless given.
    #[deserr(default)]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1_000_000, example = json!(null))]
    pub quota: Option<Quota>,
}

/// A new key with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewKey {
    #[serde(flatten)]
    view: KeyView,
    /// What goes into `Authorization: Bearer`.
    #[schema(example = "bw_0190f2f47d3c7a538b0a3f1d6f6a0b1c_c2VjcmV0")]
    key: String,
}

/// Every key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Keys {
    /// Oldest first.
    data: Vec<KeyView>,
}

/// List the keys
///
/// Without their secrets, which nobody has any more.
#[utoipa::path(
    tag = "keys", operation_id = "listKeys",
    responses((status = 200, description = "Every key", body = Keys))
)]
#[get("/v1/keys")]
pub async fn list(state: Data<AppState>, _caller: Admin) -> Result<HttpResponse, Problem> {
    let data = state.db.read(keys::list).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Keys { data }))
}

/// Make a key
///
/// The answer is the only one that shows it.
#[utoipa::path(
    tag = "keys", operation_id = "createKey", request_body = KeyInput,
    responses((status = 201, description = "The key", body = NewKey))
)]
#[post("/v1/keys")]
pub async fn create(
    state: Data<AppState>,
    caller: Admin,
    request: HttpRequest,
    Json(input): Json<KeyInput>,
) -> Result<HttpResponse, Problem> {
    if input.clearance.unwrap_or_else(|| keys::default_clearance(input.role)) > caller.clearance {
        return Err(Problem::forbidden("A key does not make another that may see more than itself."));
    }
    let make = move |connection: &mut Connection| {
        keys::create(connection, input.name.as_str(), input.role, input.clearance, input.quota)
    };
    let (view, key) = state.make_secret_once(&request, &caller, make).await?;
    Ok(Reply::json(StatusCode::CREATED, &NewKey { view, key })?.into())
}

/// Revoke a key
///
/// It is refused from now on. To revoke it again changes nothing.
#[utoipa::path(
    tag = "keys", operation_id = "revokeKey",
    responses((status = 204, description = "It is revoked"))
)]
#[delete("/v1/keys/{id}")]
pub async fn revoke(state: Data<AppState>, _caller: Admin, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = Id::parse(&id).ok_or_else(|| Problem::not_found("key"))?;
    state.db.write(move |connection| keys::revoke(connection, id)).await?;
    Ok(Reply::new(StatusCode::NO_CONTENT, Vec::new(), Vec::new()).into())
}
