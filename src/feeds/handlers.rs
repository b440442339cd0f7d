//! The endpoints of feeds.

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use deserr::Deserr;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::format::FeedFormat;
use super::item::Frame;
use super::source::{Fed, FeedPage, Indexed, Subscription, page};
use super::websub::TOPICS;
use crate::access::{Caller, Reader, Sight};
use crate::actors::resolve;
use crate::app::AppState;
use crate::briefs::filter::BriefFilter;
use crate::events::filter::EventFilter;
use crate::http::answer;
use crate::http::body::Invalid;
use crate::http::conditional;
use crate::http::page::{DEFAULT_LIMIT, address};
use crate::http::query::{Both, FilterOnly, Limit, Position, SearchText};
use crate::http::question::SEC_FETCH_DEST;
use crate::journal;
use crate::problem::Problem;
use crate::projections::Ready;
use crate::search::wanted::Wanted;
use crate::trends::filter::TrendFilter;

/// The routes of feeds.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(briefs).service(trends).service(events);
}

/// How much of a feed to show.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// Only where these words are found, as in the list.
    #[deserr(default)]
    #[param(value_type = Option<String>, max_length = 1000, example = "border committ")]
    pub q: Option<SearchText>,
    /// How many entries a page has at most.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20, example = 20)]
    pub limit: Option<Limit>,
    /// Where to go on: as the link to the next page says.
    #[deserr(default)]
    #[param(value_type = Option<i64>, minimum = 0, example = 1000)]
    pub cursor: Option<Position>,
}

/// Subscribe to briefs
///
/// The last changed first, whole, with every filter of the list. What was retracted or removed stays as a notice. Pages lead back to the start.
#[utoipa::path(
    tag = "syndication", operation_id = "getBriefsFeed", params(FilterOnly<BriefFilter>, FeedQuery, ("format" = FeedFormat, Path, description = "The format: `atom`, `rss` or `json`", example = "atom")),
    responses((status = 200, description = "The feed", content(
        (String = "application/atom+xml", example = json!("<feed xmlns=\"http://www.w3.org/2005/Atom\"></feed>")),
        (String = "application/rss+xml", example = json!("<rss version=\"2.0\"></rss>")),
        (Object = "application/feed+json", example = json!({"version": "https://jsonfeed.org/version/1.1", "title": "Briefs", "items": []})),
    )))
)]
#[get("/feeds/briefs.{format}")]
pub async fn briefs(
    state: Data<AppState>,
    caller: Reader,
    format: Path<String>,
    Both(filter, view): Both<FilterOnly<BriefFilter>, FeedQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer_feed(&state, &request, &caller, &format, filter, &view).await
}

/// Subscribe to trends
///
/// The last changed first, with every filter of the list.
#[utoipa::path(
    tag = "syndication", operation_id = "getTrendsFeed", params(FilterOnly<TrendFilter>, FeedQuery, ("format" = FeedFormat, Path, description = "The format: `atom`, `rss` or `json`", example = "atom")),
    responses((status = 200, description = "The feed", content(
        (String = "application/atom+xml", example = json!("<feed xmlns=\"http://www.w3.org/2005/Atom\"></feed>")),
        (String = "application/rss+xml", example = json!("<rss version=\"2.0\"></rss>")),
        (Object = "application/feed+json", example = json!({"version": "https://jsonfeed.org/version/1.1", "title": "Trends", "items": []})),
    )))
)]
#[get("/feeds/trends.{format}")]
pub async fn trends(
    state: Data<AppState>,
    caller: Reader,
    format: Path<String>,
    Both(filter, view): Both<FilterOnly<TrendFilter>, FeedQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer_feed(&state, &request, &caller, &format, filter, &view).await
}

/// Subscribe to events
///
/// The last changed first, with every filter of the list.
#[utoipa::path(
    tag = "syndication", operation_id = "getEventsFeed", params(FilterOnly<EventFilter>, FeedQuery, ("format" = FeedFormat, Path, description = "The format: `atom`, `rss` or `json`", example = "atom")),
    responses((status = 200, description = "The feed", content(
        (String = "application/atom+xml", example = json!("<feed xmlns=\"http://www.w3.org/2005/Atom\"></feed>")),
        (String = "application/rss+xml", example = json!("<rss version=\"2.0\"></rss>")),
        (Object = "application/feed+json", example = json!({"version": "https://jsonfeed.org/version/1.1", "title": "Events", "items": []})),
    )))
)]
#[get("/feeds/events.{format}")]
pub async fn events(
    state: Data<AppState>,
    caller: Reader,
    format: Path<String>,
    Both(filter, view): Both<FilterOnly<EventFilter>, FeedQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer_feed(&state, &request, &caller, &format, filter, &view).await
}

async fn answer_feed<L: Fed>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    format: &str,
    FilterOnly(filter): FilterOnly<L>,
    view: &FeedQuery,
) -> Result<HttpResponse, Problem> {
    let format: FeedFormat = format.parse().map_err(|_| Problem::not_found("feed of this format"))?;
    let head = state.head(request, caller).await?;
    let indexed = match &view.q {
        None => state.search.now().map(|finder| Indexed { finder, words: None }),
        Some(q) => Some(Indexed { finder: state.finder(request).await?, words: Some(Wanted::read(&q.0)) }),
    };
    if L::kept_as(format).is_some() {
        state.projections.wait_until_current(caller, Some(head)).await;
    }
    let (projections, reader) = (state.projections.clone(), *caller);
    let (before, limit) = (view.cursor.map(|cursor| cursor.0), view.limit.map_or(DEFAULT_LIMIT, |it| it.0) as usize);
    let subscription = Subscription { config: state.config.clone(), filter, format, indexed, before, limit };
    let read = state.db.scan(move |connection| {
        let seen = journal::last_seen(connection, &reader)?;
        // Under heavy writing the index may not know what is newest: then an answer from it alone claims no more.
        let head = match subscription.searched() {
            Some(finder) => journal::last_seen_up_to(connection, &reader, seen, finder.position.min(head.position))?,
            None => head,
        };
        // What it found may have moved since, and is not to be kept at the place where it stood.
        let is_behind = subscription.searched().is_some_and(|finder| finder.position < seen.position);
        let mut ready = if is_behind { Ready::nothing() } else { projections.at(&reader, seen) };
        let page = page(connection, Sight::now(&reader), seen, &subscription, &mut ready)?;
        Ok::<_, Problem>((head, page))
    });
    let (head, FeedPage { entries, next, is_cut_short }) = match read.await {
        Ok(page) => page,
        Err(problem) => return Err(resolve::with_candidates(state, caller, problem).await),
    };
    let address = |cursor: Option<i64>| {
        let cursor = cursor.map(|cursor| cursor.to_string());
        address(&state.config.public_url, request, cursor.as_deref())
    };
    let frame = Frame {
        title: L::TITLE.to_owned(),
        description: format!("{}, the last changed first", L::TITLE),
        home: format!("{}/docs/", state.config.public_url),
        first: address(None),
        this: address(before),
        next: next.map(|next| address(Some(next))),
        hub: hub_of(state, request, caller),
        updated: head.at,
    };
    let body = format.document(&frame, &entries)?;
    let is_shown = is_opened_by_a_person(request) && format != FeedFormat::Json;
    let media_type = if is_shown { "application/xml; charset=utf-8" } else { format.media_type() };
    let mut response = answer::representation(request, caller, head, media_type, body);
    if is_cut_short {
        answer::for_once(&mut response);
    }
    if let Some(hub) = frame.hub {
        let links = format!("<{hub}>; rel=\"hub\", <{}>; rel=\"self\"", frame.this);
        response.headers_mut().insert(header::LINK, HeaderValue::from_str(&links).map_err(Problem::internal)?);
    }
    Ok(response)
}

/// The hub of this very feed: one that everyone sees, and that is not narrowed.
fn hub_of(state: &AppState, request: &HttpRequest, caller: &Caller) -> Option<String> {
    let is_topic = caller.key.is_none() && request.query_string().is_empty() && TOPICS.contains(&request.path());
    state.config.websub_hub.as_ref().filter(|_| is_topic).map(ToString::to_string)
}

/// Whether a browser shows it as a page. It would show the media types of feeds as bare text, without their style.
fn is_opened_by_a_person(request: &HttpRequest) -> bool {
    conditional::lines(request.headers(), SEC_FETCH_DEST).is_some_and(|what| what == "document")
}
