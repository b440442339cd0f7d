//! The change feed as server-sent events.

use std::time::Duration;

use actix_web::http::header::{self, CONTENT_ENCODING, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;

use super::handlers::next_changes;
use super::rows::ChangeRow;
use crate::access::Caller;
use crate::app::AppState;
use crate::http::middleware::is_head;
use crate::http::query::Position;
use crate::problem::{Problem, ProblemType};

/// How many changes are sent at a time.
const CHUNK: usize = 100;
/// How long nothing is sent at most: proxies close what is silent.
const SILENCE: Duration = Duration::from_secs(15);

/// The position of the last event that a client got, by which it goes on after an interruption.
///
/// # Errors
/// 400 when the header is no position.
pub fn last_event(request: &HttpRequest) -> Result<Option<Position>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else {
        return Ok(None);
    };
    let position = value.to_str().ok().and_then(|text| text.parse().ok());
    position.map(Some).ok_or_else(|| Problem::parameter("Last-Event-ID", "is no position of the journal"))
}

/// Answers with what comes after a position, for as long as the client listens and its key is good.
#[must_use]
pub fn answer(state: Data<AppState>, request: &HttpRequest, caller: Caller, since: i64) -> HttpResponse {
    let events = stream::unfold(Some((state, caller, since)), |listening| async move {
        let (state, caller, since) = listening?;
        match next_events(&state, &caller, since).await {
            Ok((events, next)) => Some((Ok::<_, Problem>(events), Some((state, caller, next)))),
            Err(problem) if problem.kind() == ProblemType::UNAUTHENTICATED => None,
            // The client comes again with the last event that it got.
            Err(problem) => Some((Err(problem), None)),
        }
    });
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A compressor would hold events back until it has enough of them.
        .insert_header((CONTENT_ENCODING, HeaderValue::from_static("identity")))
        .content_type("text/event-stream");
    if is_head(request) { response.finish() } else { response.streaming(Box::pin(events)) }
}

async fn next_events(state: &AppState, caller: &Caller, since: i64) -> Result<(Bytes, i64), Problem> {
    let changes = next_changes(state, caller, since, CHUNK, SILENCE).await?;
    let mut events = Vec::new();
    for row in &changes.rows {
        write_event(&mut events, row).map_err(Problem::internal)?;
    }
    if events.is_empty() {
        events.extend_from_slice(b":\n\n");
    }
    Ok((Bytes::from(events), changes.next))
}

/// An event of one change. JSON has no line breaks of its own.
fn write_event(events: &mut Vec<u8>, row: &ChangeRow) -> serde_json::Result<()> {
    events.extend_from_slice(format!("id: {}\nevent: {}\ndata: ", row.position, row.change).as_bytes());
    serde_json::to_writer(&mut *events, row)?;
    events.extend_from_slice(b"\n\n");
    Ok(())
}
