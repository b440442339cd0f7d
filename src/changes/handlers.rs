//! The endpoint of the change feed.

use std::str::FromStr;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::rows::{ChangeRow, Changes, changes_after};
use super::stream;
use crate::access::{Caller, Reader, keys};
use crate::app::AppState;
use crate::db::Connection;
use crate::http::answer::{self, as_json};
use crate::http::body::{Invalid, from_text};
use crate::http::page::DEFAULT_LIMIT;
use crate::http::query::{Limit, Position, Query, whole_number};
use crate::journal::{self, Head};
use crate::problem::Problem;

/// Where to go on, and how long to wait.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// The position after which to go on: the `page.next` of the answer before, or the `Briefwire-Position` of an export or a
    /// write. 0 is the beginning. It never expires.
    #[deserr(default)]
    #[param(value_type = Option<i64>, minimum = 0, default = 0, example = 0)]
    pub since: Option<Position>,
    /// How many rows there are at most.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20, example = 20)]
    pub limit: Option<Limit>,
    /// How many seconds to wait for the next change if there is none yet.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 0, maximum = 60, default = 0, example = 0)]
    pub wait: Option<Wait>,
}

/// Seconds to wait, 0 to 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl FromStr for Wait {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = whole_number(text).filter(|seconds| *seconds <= 60);
        seconds.map(|seconds| Self(Duration::from_secs(seconds))).ok_or("must be a whole number from 0 to 60")
    }
}

from_text!(Wait);

/// Changes, in the order of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangePage {
    /// The changes, the earliest first.
    pub data: Vec<ChangeRow>,
    /// Where to go on.
    pub page: ChangePageInfo,
}

/// Where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangePageInfo {
    /// What to give as `since` the next time.
    #[schema(example = 17)]
    pub next: i64,
}

/// Follow the changes
///
/// Everything that was created, changed, published, corrected, retracted or removed, in the order in which it was written, each change once.
/// What the caller may no longer see comes as one `removed` row with its id alone. How a resource names others (the brief of a trend,
/// actors, the category and its status) follows from the rows of these; only a brief changes with the events that it shows, `via` them. Ask again with `since` = `page.next`; with
/// `wait` the answer comes as soon as there is something. Asked for `text/event-stream`, it is a stream of server-sent events
/// that goes on by itself, and after an interruption by `Last-Event-ID`.
#[utoipa::path(
    tag = "syndication", operation_id = "getChanges", params(ChangesQuery),
    responses((status = 200, description = "The next changes", content(
        (ChangePage = "application/json"),
        (String = "text/event-stream", example = json!("id: 17\nevent: published\ndata: {}\n\n")),
    )))
)]
#[get("/v1/changes")]
pub async fn follow(
    state: Data<AppState>,
    caller: Reader,
    Query(query): Query<ChangesQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let forms = [("application/json", false), ("text/event-stream", true)];
    let as_stream = answer::accepted(&request, &forms)
        .ok_or_else(|| Problem::not_acceptable("application/json, text/event-stream"))?;
    let since = match stream::last_event(&request)?.filter(|_| as_stream) {
        Some(since) => since.0,
        None => query.since.map_or(0, |since| since.0),
    };
    let limit = query.limit.map_or(DEFAULT_LIMIT, |limit| limit.0) as usize;
    // Before the rows are read: what is written in between is news to whoever asks with this as a validator.
    let head = demand_reached(&state, &request, &caller, since).await?;
    if as_stream {
        return Ok(stream::answer(state, &request, *caller, since));
    }
    let patience = query.wait.map_or(Duration::ZERO, |wait| wait.0);
    let Changes { rows: data, next, .. } = next_changes(&state, &caller, since, limit, patience).await?;
    let page = ChangePage { data, page: ChangePageInfo { next } };
    let mut response = answer::representation(&request, &caller, head, "application/json", as_json(&page)?);
    if !patience.is_zero() {
        answer::for_once(&mut response);
    }
    Ok(response)
}

/// Refuses a position that lies ahead of everything: it comes from another archive, or from before this one was set back to
/// an older copy, and who goes on from it would miss what comes.
async fn demand_reached(state: &AppState, request: &HttpRequest, caller: &Caller, since: i64) -> Result<Head, Problem> {
    let known = state.head(request, caller).await?;
    if since <= known.position {
        return Ok(known);
    }
    // A commit can be read a moment before it is known here.
    let reader = *caller;
    let head = state.db.read(move |connection| journal::last_seen(connection, &reader)).await?;
    if since <= head.position {
        return Ok(head);
    }
    let detail = "is a position that the journal has not come to, as far as you may know of it; start anew, from 0 or \
        from an export";
    Err(Problem::parameter("since", detail))
}

/// What comes after a position, as soon as there is something or the time is up.
///
/// # Errors
/// 401 when the key has been revoked meanwhile, and when a query fails.
pub async fn next_changes(
    state: &AppState,
    caller: &Caller,
    since: i64,
    limit: usize,
    patience: Duration,
) -> Result<Changes, Problem> {
    let deadline = Instant::now() + patience;
    let (reader, mut next) = (*caller, since);
    loop {
        let look = move |connection: &mut Connection| {
            // It may have waited for long.
            keys::demand_valid(connection, &reader)?;
            changes_after(connection, &reader, next, limit)
        };
        let changes = state.db.scan(look).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        if !changes.rows.is_empty() || left.is_zero() {
            return Ok(changes);
        }
        next = changes.next;
        if !changes.more {
            state.heads.wait_beyond(caller, next, left).await;
        }
    }
}
