//! The endpoints of webhooks. Whoever has a key manages those of this key, and no others.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::input::{DeliveriesQuery, Redelivery, RedeliveryInput, RotationInput, WebhookInput};
use super::log::{self, Delivery};
use super::message::Message;
use super::model::{WebhookRow, WebhookView};
use super::secrets::{self, Secret};
use super::sender::Destination;
use super::{progress, store};
use crate::access::KeyHolder;
use crate::app::AppState;
use crate::db::Connection;
use crate::db::types::{Id, Timestamp};
use crate::http::answer::{self, Reply};
use crate::http::body::{self, Json, MergePatch};
use crate::http::conditional::Precondition;
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
    demand_allowed_address(&state, &input)?;
    let make = move |connection: &mut Connection| store::create(connection, holder, input);
    let (row, secret) = state.make_secret_once(&request, &holder.caller, make).await?;
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
    let id = webhook_id(&id)?;
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
    let (id, precondition) = (webhook_id(&id)?, Precondition::of(&request, &state)?);
    let writing = state.clone();
    let work = move |connection: &mut Connection| {
        let before = store::find(connection, holder.key, id)?;
        let mut document = serde_json::to_value(WebhookView::from(before.clone())).map_err(Problem::internal)?;
        merge(&mut document, changes);
        let input: WebhookInput = body::parse(document)?;
        if input.enabled != Some(false) || input.url.as_str() != before.url {
            demand_allowed_address(&writing, &input)?;
        }
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
    let (id, precondition) = (webhook_id(&id)?, Precondition::of(&request, &state)?);
    state.db.write(move |connection| store::retire(connection, holder.key, id, &precondition)).await?;
    while state.db.write(move |connection| store::delete_some(connection, id)).await? {}
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
    let (id, overlap) = (webhook_id(&id)?, input.overlap_hours.unwrap_or_default());
    let make = move |connection: &mut Connection| store::rotate(connection, holder.key, id, overlap);
    let (row, secret) = state.make_secret_once(&request, &holder.caller, make).await?;
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
    send_now(&state, &request, holder, webhook_id(&id)?, |_, webhook| Message::test(webhook.id)).await
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
    let (id, window) = (webhook_id(&id)?, Window::of(query.limit, query.cursor.as_deref())?);
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
    Json(redelivery): Json<Redelivery>,
) -> Result<HttpResponse, Problem> {
    let id = webhook_id(&id)?;
    match redelivery {
        Redelivery::One(delivery) => {
            let again = move |connection: &mut Connection, webhook: &WebhookRow| {
                let known = log::find(connection, webhook.id, delivery)?;
                let known =
                    known.ok_or_else(|| Problem::invalid_at("/delivery", "is not in the log of this webhook"))?;
                match known.subject() {
                    Some(subject) => Message::again(connection, &holder.caller, webhook.id, subject),
                    None => Message::test(webhook.id),
                }
            };
            send_now(&state, &request, holder, id, again).await
        }
        Redelivery::Since(time) => rewind(&state, &request, holder, id, time).await,
    }
}

/// Sets a webhook to a time, and answers with it.
async fn rewind(
    state: &AppState,
    request: &HttpRequest,
    holder: KeyHolder,
    id: Id,
    time: Timestamp,
) -> Result<HttpResponse, Problem> {
    let position = state.db.scan(move |connection| store::place_before(connection, &holder.caller, time)).await?;
    let set = move |connection: &mut Connection| store::rewind(connection, holder.key, id, position);
    state.do_once(request, &holder.caller, set, |row| shown(StatusCode::ACCEPTED, row.clone())).await
}

/// How long a message waits for others that are sent beside the order.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a request to send something now leads to.
enum Prepared {
    /// It was answered before.
    Answered(Reply),
    /// It is to be sent.
    Ready(Destination, Message),
}

/// Sends a message beside all others, and answers with what came of it.
async fn send_now(
    state: &Data<AppState>,
    request: &HttpRequest,
    holder: KeyHolder,
    id: Id,
    make: impl FnOnce(&mut Connection, &WebhookRow) -> Result<Message, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let once = Once::of(request, &holder.caller, &state.under_way)?.map(Arc::new);
    // A slow endpoint holds a thread: one for each webhook, and so many in all. The message is made when its turn has come.
    let busy =
        || Problem::conflict("Another message is being sent to this webhook, or to many others: try again soon.");
    let _mark = state.under_way.begin(holder.key, &format!("sending to {id}")).ok_or_else(busy)?;
    let turn = tokio::time::timeout(PATIENCE, state.sending.acquire()).await.map_err(|_| busy())?;
    let turn = turn.map_err(Problem::internal)?;
    let before = once.clone();
    let prepare = move |connection: &mut Connection| {
        if let Some(reply) = before.map(|once| once.recall(connection)).transpose()?.flatten() {
            return Ok(Prepared::Answered(reply));
        }
        let webhook = store::find(connection, holder.key, id)?;
        let message = make(connection, &webhook)?;
        let secrets = secrets::valid(connection, id)?;
        Ok::<_, Problem>(Prepared::Ready(Destination { url: webhook.url, secrets }, message))
    };
    let (destination, message) = match state.db.scan(prepare).await? {
        Prepared::Answered(reply) => return Ok(reply.into()),
        Prepared::Ready(destination, message) => (destination, message),
    };
    let attempt = state.sender.send(destination, message).await?;
    drop(turn);
    let note = move |connection: &mut Connection| {
        // Another server may have answered the same request meanwhile, and the webhook may have been deleted.
        if let Some(reply) = once.as_ref().map(|once| once.recall(connection)).transpose()?.flatten() {
            return Ok(reply);
        }
        let webhook = store::find(connection, holder.key, id)?;
        if let Some(subject) = attempt.message.subject.filter(|_| webhook.filter.0.is_narrow()) {
            progress::note_told(connection, id, subject.resource)?;
        }
        let reply = Reply::json(StatusCode::OK, &log::note(connection, id, &attempt)?)?;
        once.map(|once| once.keep(connection, &reply)).transpose()?;
        Ok::<_, Problem>(reply)
    };
    Ok(state.db.write(note).await?.into())
}

fn demand_allowed_address(state: &AppState, input: &WebhookInput) -> Result<(), Problem> {
    if state.config.webhooks.allow_private { Ok(()) } else { input.url.demand_public() }
}

fn webhook_id(text: &str) -> Result<Id, Problem> {
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
