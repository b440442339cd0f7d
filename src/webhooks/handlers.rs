//! The endpoints of webhooks. Whoever has a key manages those of this key, and no others.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, rt};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::input::{DeliveriesQuery, RedeliveryInput, RotationInput, WebhookInput};
use super::log::{self, Delivery};
use super::message::{self, Message};
use super::model::{WebhookRow, WebhookView};
use super::sender::Sender;
use super::signature::Secret;
use super::{progress, store};
use crate::access::KeyHolder;
use crate::app::AppState;
use crate::db::Connection;
use crate::db::types::Id;
use crate::http::answer::{self, Precondition, Reply};
use crate::http::body::{self, Json, MergePatch};
use crate::http::idempotency::Once;
use crate::http::page::{PageInfo, Window};
use crate::http::patch::merge;
use crate::http::query::Query;
use crate::problem::Problem;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(delete)
        .service(rotate)
        .service(test)
        .service(deliveries)
        .service(redeliver);
}

/// A new webhook, or one with a new secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewWebhook {
    #[serde(flatten)]
    view: WebhookView,
    /// What its messages are signed with, as the libraries of Standard Webhooks take it.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

/// The webhooks of a key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhooks {
    /// The oldest first.
    data: Vec<WebhookView>,
}

/// A part of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deliveries {
    /// The last attempt first.
    data: Vec<Delivery>,
    /// Where the page stands in the log.
    page: PageInfo,
}

/// List the webhooks
///
/// Those of the key that asks, without their secrets.
#[utoipa::path(
    tag = "webhooks", operation_id = "listWebhooks",
    responses((status = 200, description = "The webhooks of the key", body = Webhooks))
)]
#[get("/v1/webhooks")]
async fn list(state: Data<AppState>, holder: KeyHolder, request: HttpRequest) -> Result<HttpResponse, Problem> {
    answer::accept_json(&request)?;
    let rows = state.db.read(move |connection| store::list(connection, holder.key)).await?;
    let data = rows.into_iter().map(WebhookView::from).collect();
    Ok(Reply::json(StatusCode::OK, &Webhooks { data })?.into())
}

/// Make a webhook
///
/// From now on its endpoint is told of every change that the key may know of and the filter lets pass: a `POST` of a
/// `WebhookMessage`, signed as Standard Webhooks says. The answer is the only one that shows the secret.
#[utoipa::path(
    tag = "webhooks", operation_id = "createWebhook", request_body = WebhookInput,
    responses((status = 201, description = "The webhook with its secret", body = NewWebhook))
)]
#[post("/v1/webhooks")]
async fn create(
    state: Data<AppState>,
    holder: KeyHolder,
    request: HttpRequest,
    Json(input): Json<WebhookInput>,
) -> Result<HttpResponse, Problem> {
    check(&state, &input)?;
    let make = move |connection: &mut Connection| store::create(connection, &holder.caller, holder.key, input);
    let (row, secret) = secretly(&state, &request, holder, make).await?;
    let location = format!("{}/v1/webhooks/{}", state.config.public_url, row.id);
    let mut reply = with_secret(StatusCode::CREATED, row, &secret)?;
    reply.add(header::LOCATION.as_str(), location);
    Ok(reply.into())
}

/// Read a webhook
///
/// How far it has come, and whether it is being held back.
#[utoipa::path(
    tag = "webhooks", operation_id = "getWebhook",
    responses((status = 200, description = "The webhook", body = WebhookView))
)]
#[get("/v1/webhooks/{id}")]
async fn get(
    state: Data<AppState>,
    holder: KeyHolder,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer::accept_json(&request)?;
    let id = identity(&id)?;
    let row = state.db.read(move |connection| store::find(connection, holder.key, id)).await?;
    Ok(shown(StatusCode::OK, row)?.into())
}

/// Change a webhook by merge patch
///
/// It then tries at once what it was held back by. One that is enabled again goes on where it stopped.
#[utoipa::path(
    tag = "webhooks", operation_id = "patchWebhook",
    request_body(content((WebhookInput = "application/merge-patch+json"), (WebhookInput = "application/json"))),
    responses((status = 200, description = "The webhook as it now reads", body = WebhookView))
)]
#[patch("/v1/webhooks/{id}")]
async fn change(
    state: Data<AppState>,
    holder: KeyHolder,
    id: Path<String>,
    request: HttpRequest,
    MergePatch(changes): MergePatch,
) -> Result<HttpResponse, Problem> {
    let (id, precondition) = (identity(&id)?, Precondition::of(&request, &state)?);
    let writing = state.clone();
    let work = move |connection: &mut Connection| {
        let before = store::find(connection, holder.key, id)?;
        let mut document = serde_json::to_value(WebhookView::from(before.clone())).map_err(Problem::internal)?;
        merge(&mut document, changes);
        let input: WebhookInput = body::parse(document)?;
        check(&writing, &input)?;
        store::replace(connection, &holder.caller, before, input, &precondition)
    };
    Ok(shown(StatusCode::OK, state.db.write(work).await?)?.into())
}

/// Delete a webhook
///
/// With its secrets and its log.
#[utoipa::path(
    tag = "webhooks", operation_id = "deleteWebhook",
    responses((status = 204, description = "It is deleted"))
)]
#[delete("/v1/webhooks/{id}")]
async fn delete(
    state: Data<AppState>,
    holder: KeyHolder,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, precondition) = (identity(&id)?, Precondition::of(&request, &state)?);
    state.db.write(move |connection| store::delete(connection, holder.key, id, &precondition)).await?;
    Ok(Reply::new(StatusCode::NO_CONTENT, Vec::new(), Vec::new()).into())
}

/// Change the secret
///
/// For a while, messages carry a signature by each of the secrets, so that a receiver can change over without a gap.
#[utoipa::path(
    tag = "webhooks", operation_id = "rotateWebhookSecret", request_body = RotationInput,
    responses((status = 200, description = "The webhook with its new secret", body = NewWebhook))
)]
#[post("/v1/webhooks/{id}/rotate")]
async fn rotate(
    state: Data<AppState>,
    holder: KeyHolder,
    id: Path<String>,
    request: HttpRequest,
    Json(input): Json<RotationInput>,
) -> Result<HttpResponse, Problem> {
    let (id, overlap) = (identity(&id)?, input.overlap_hours.unwrap_or(24));
    let make = move |connection: &mut Connection| {
        let secret = store::rotate(connection, holder.key, id, overlap)?;
        Ok((store::find(connection, holder.key, id)?, secret))
    };
    let (row, secret) = secretly(&state, &request, holder, make).await?;
    Ok(with_secret(StatusCode::OK, row, &secret)?.into())
}

/// Send a test
///
/// A `WebhookTest` is sent at once, whether or not the webhook is enabled. The answer says what came of it.
#[utoipa::path(
    tag = "webhooks", operation_id = "testWebhook",
    responses((status = 200, description = "What came of it", body = Delivery))
)]
#[post("/v1/webhooks/{id}/test")]
async fn test(
    state: Data<AppState>,
    holder: KeyHolder,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = identity(&id)?;
    let make = move |connection: &mut Connection| {
        store::find(connection, holder.key, id)?;
        Message::test(id)
    };
    send_now(&state, &request, holder, id, make).await
}

/// List the deliveries
///
/// Each message with its last attempt, for a month. What was delivered is not kept.
#[utoipa::path(
    tag = "webhooks", operation_id = "listDeliveries", params(DeliveriesQuery),
    responses((status = 200, description = "A page of the log", body = Deliveries))
)]
#[get("/v1/webhooks/{id}/deliveries")]
async fn deliveries(
    state: Data<AppState>,
    holder: KeyHolder,
    id: Path<String>,
    Query(query): Query<DeliveriesQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer::accept_json(&request)?;
    let (id, window) = (identity(&id)?, Window::of(query.limit, query.cursor.as_deref())?);
    let limit = window.limit();
    let work = move |connection: &mut Connection| {
        store::find(connection, holder.key, id)?;
        log::page(connection, id, query.outcome, &window)
    };
    let rows = state.db.read(work).await?;
    let page = PageInfo { limit, next: rows.cursor(), total: None };
    Ok(Reply::json(StatusCode::OK, &Deliveries { data: rows.rows, page })?.into())
}

/// Deliver again
///
/// One delivery, which is sent at once, as it is now: the answer says what came of it. Or everything since a time: the webhook
/// goes back to it, and delivers what follows in order; the answer is the webhook.
#[utoipa::path(
    tag = "webhooks", operation_id = "redeliver", request_body = RedeliveryInput,
    responses(
        (status = 200, description = "What came of the one", body = Delivery),
        (status = 202, description = "The webhook, which begins to deliver", body = WebhookView),
    )
)]
#[post("/v1/webhooks/{id}/redeliver")]
async fn redeliver(
    state: Data<AppState>,
    holder: KeyHolder,
    id: Path<String>,
    request: HttpRequest,
    Json(input): Json<RedeliveryInput>,
) -> Result<HttpResponse, Problem> {
    let id = identity(&id)?;
    if let Some(time) = input.since {
        let once = Once::of(&request, &holder.caller, &state.under_way)?;
        let set = move |connection: &mut Connection| store::go_to(connection, &holder.caller, holder.key, id, time);
        let reply = state.db.write(move |connection| match once {
            None => shown(StatusCode::ACCEPTED, set(connection)?),
            Some(once) => once.run(connection, set, |row| shown(StatusCode::ACCEPTED, row.clone())),
        });
        return Ok(reply.await?.into());
    }
    let make = move |connection: &mut Connection| {
        store::find(connection, holder.key, id)?;
        let delivery = input.delivery.map(|delivery| log::find(connection, id, delivery.0)).transpose()?.flatten();
        let delivery = delivery.ok_or_else(|| Problem::invalid_at("/delivery", "is not in the log of this webhook"))?;
        match delivery.subject() {
            Some(subject) => message::again(connection, &holder.caller, id, subject),
            None => Message::test(id),
        }
    };
    send_now(&state, &request, holder, id, make).await
}

/// Sends a message beside all others, and answers with what came of it.
async fn send_now(
    state: &Data<AppState>,
    request: &HttpRequest,
    holder: KeyHolder,
    webhook: Id,
    make: impl FnOnce(&mut Connection) -> Result<Message, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let once = Once::of(request, &holder.caller, &state.under_way)?;
    let prepare = move |connection: &mut Connection| {
        if let Some(reply) = once.as_ref().map(|once| once.recall(connection)).transpose()?.flatten() {
            return Ok((Err(reply), once));
        }
        let row = store::find(connection, holder.key, webhook)?;
        Ok::<_, Problem>((Ok((row, progress::good_secrets(connection, webhook)?, make(connection)?)), once))
    };
    let (prepared, once) = state.db.scan(prepare).await?;
    let (row, secrets, message) = match prepared {
        Ok(prepared) => prepared,
        Err(reply) => return Ok(reply.into()),
    };
    let sender = Sender::new(&state.config.webhooks);
    let sending =
        rt::task::spawn_blocking(move || sender.send(&row.url, &secrets, &message).map(|attempt| (message, attempt)));
    let (message, attempt) = sending.await.map_err(Problem::internal)??;
    let note = move |connection: &mut Connection| {
        // It may have been deleted meanwhile.
        store::find(connection, holder.key, webhook)?;
        let reply = Reply::json(StatusCode::OK, &log::note(connection, webhook, &message, &attempt)?)?;
        once.map(|once| once.keep(connection, &reply)).transpose()?;
        Ok::<_, Problem>(reply)
    };
    Ok(state.db.write(note).await?.into())
}

/// Makes something with a secret, once if the request says so.
async fn secretly<T: Send + 'static>(
    state: &Data<AppState>,
    request: &HttpRequest,
    holder: KeyHolder,
    make: impl FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let once = Once::of(request, &holder.caller, &state.under_way)?;
    let work = move |connection: &mut Connection| match &once {
        None => make(connection),
        Some(once) => once.run_secretly(connection, make),
    };
    state.db.write(work).await
}

fn check(state: &AppState, input: &WebhookInput) -> Result<(), Problem> {
    if state.config.webhooks.allow_private { Ok(()) } else { input.url.demand_public() }
}

fn identity(text: &str) -> Result<Id, Problem> {
    Id::parse(text).ok_or_else(|| Problem::not_found("webhook"))
}

fn shown(status: StatusCode, row: WebhookRow) -> Result<Reply, Problem> {
    let version = row.version;
    let reply = Reply::json(status, &WebhookView::from(row))?;
    Ok(reply.tagged(version))
}

fn with_secret(status: StatusCode, row: WebhookRow, secret: &Secret) -> Result<Reply, Problem> {
    let (version, secret) = (row.version, secret.as_text());
    Ok(Reply::json(status, &NewWebhook { view: row.into(), secret })?.tagged(version))
}
