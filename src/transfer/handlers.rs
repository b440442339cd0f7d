//! The endpoints of import and export.

use std::io::{Seek, Write};
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::rt::task::spawn_blocking;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::export::{Place, chunk};
use super::import::{Report, lines, run};
use crate::access::{Editor, Reader};
use crate::app::AppState;
use crate::db::{Db, once_there};
use crate::http::answer::{self, POSITION, Reply};
use crate::http::body::{BODY_TIME, check_media_type};
use crate::http::idempotency::{self, Once};
use crate::journal;
use crate::problem::Problem;

/// How many verdicts an answer has.
const VERDICTS: usize = 1000;
/// The largest body of an import.
const IMPORT_LIMIT: u64 = 4 * 1024 * 1024 * 1024;

/// Import resources
///
/// One JSON object a line, `{"type": "category"|"actor"|"event"|"brief"|"trend", …the resource…}`, upserted by slug, in any
/// order of dependency. Good lines are kept; `errors` says of each bad one where and why. To import the same again
/// changes nothing.
#[utoipa::path(
    tag = "transfer", operation_id = "importResources",
    request_body(content = String, content_type = "application/x-ndjson", description = "One resource a line", example = json!("{\"type\":\"category\",\"slug\":\"security\",\"name\":\"Security\"}\n")),
    responses((status = 200, description = "What became of the lines", body = Report))
)]
#[post("/v1/import")]
pub async fn import(
    state: Data<AppState>,
    caller: Editor,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    check_media_type(&request, &["application/x-ndjson", "application/ndjson", "application/jsonl"])?;
    let file = spool(&request, payload).await?;
    let (db, caller) = (state.db.clone(), *caller);
    let once = Once::of(&request, &caller, &state.under_way)?.map(Arc::new);
    if let Some(asked) = once.clone()
        && let Some(reply) = state.db.read(move |connection| asked.recall(connection)).await?
    {
        return Ok(reply.into());
    }
    let report = spawn_blocking(move || run(&db, caller, lines(file), VERDICTS, |_| {}));
    let report = report.await.map_err(Problem::internal)??;
    let head = state.db.read(move |connection| journal::last_seen(connection, &caller)).await?;
    let mut reply = Reply::json(StatusCode::OK, &report)?;
    reply.add(POSITION, head.position.to_string());
    if let Some(once) = once {
        // An import is many writes. One that was broken off is done again, which changes nothing of what it had done.
        let kept = reply.clone();
        state.db.write(move |connection| once.keep(connection, &kept)).await?;
    }
    Ok(reply.into())
}

/// A body on its way to disk: the import needs it whole, and memory does not.
async fn spool(request: &HttpRequest, mut payload: Payload) -> Result<std::fs::File, Problem> {
    let mut file = tempfile::tempfile().map_err(Problem::internal)?;
    let mut length = 0_u64;
    let mut digest = Sha256::new();
    while let Some(chunk) = timeout(BODY_TIME, payload.next()).await.map_err(|_| Problem::too_slow())? {
        let chunk = chunk.map_err(|error| Problem::bad_request(format!("The body could not be read: {error}.")))?;
        length += chunk.len() as u64;
        if length > IMPORT_LIMIT {
            return Err(Problem::new(
                crate::problem::ProblemType::PAYLOAD_TOO_LARGE,
                format!("An import may have {IMPORT_LIMIT} bytes; send it in parts."),
            ));
        }
        file.write_all(&chunk).map_err(Problem::internal)?;
        digest.update(&chunk);
    }
    idempotency::note_body(request, || digest.finalize().to_vec());
    file.rewind().map_err(Problem::internal)?;
    Ok(file)
}

/// Export everything
///
/// Every resource that the caller may see, one JSON object a line, as import reads it back. `Briefwire-Position` is the
/// position of the journal that it starts from.
#[utoipa::path(
    tag = "transfer", operation_id = "exportResources",
    responses((
        status = 200, description = "One resource a line", body = String, content_type = "application/x-ndjson",
        example = json!("{\"type\":\"category\",\"slug\":\"security\",\"name\":\"Security\"}\n"),
    ))
)]
#[get("/v1/export")]
pub async fn export(state: Data<AppState>, caller: Reader, request: HttpRequest) -> Result<HttpResponse, Problem> {
    answer::accept_ndjson(&request)?;
    let (reader, at_least) = (*caller, answer::at_least(&request)?);
    let look = once_there(at_least, move |connection| journal::last_seen(connection, &reader));
    let head = state.db.read(look).await?;
    let lines = stream::unfold((state.db.clone(), Some(Place::START)), move |(db, place)| async move {
        let place = place?;
        match next_chunk(&db, reader, place).await {
            Ok((lines, next)) => Some((Ok(lines), (db, next))),
            Err(problem) => Some((Err(problem), (db, None))),
        }
    });
    Ok(answer::stream(&caller, head, answer::Format::Ndjson, Box::pin(lines)))
}

async fn next_chunk(db: &Db, caller: crate::access::Caller, place: Place) -> Result<(Bytes, Option<Place>), Problem> {
    let (lines, next) = db.scan(move |connection| chunk(connection, &caller, place)).await?;
    Ok((Bytes::from(lines), next))
}
