//! What happens to every request: an id, `HEAD` as a `GET` without its body, problems with their place, and the log.

use std::time::Instant;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};

use crate::access::Allowance;
use crate::app::AppState;
use crate::http::body::Fault;
use crate::problem::{Problem, ProblemType};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const VARY: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding, Authorization");
/// Feeds are pages to browsers that open them.
const VARY_OF_FEEDS: HeaderValue = HeaderValue::from_static("Accept-Encoding, Authorization, Sec-Fetch-Dest");

/// The id under which the log has a request.
#[derive(Clone)]
struct RequestId(String);

/// That a request is for the headers alone, though handlers answer it as a `GET`.
#[derive(Clone, Copy)]
struct HeadersOnly;

/// Whether only the headers are wanted. A body that never ends must not be begun then.
#[must_use]
pub fn is_head(request: &HttpRequest) -> bool {
    request.extensions().get::<HeadersOnly>().is_some()
}

/// Wraps every request; the outermost of all.
///
/// # Errors
/// None of its own: a handler that fails has become a response by now.
pub async fn observe<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let started = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    if method == Method::HEAD {
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(HeadersOnly);
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.call(request).await?;
    tag_encoding(&mut response);
    let is_feed = response.request().path().starts_with("/feeds/");
    let allowance = response.request().extensions().get::<Allowance>().copied();
    let headers = response.headers_mut();
    headers.insert(header::VARY, if is_feed { VARY_OF_FEEDS } else { VARY });
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(allowance) = allowance {
        allowance.tell(headers);
    }
    tracing::info!(
        %method,
        path = response.request().path(),
        status = response.status().as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        request_id = %id,
        "answered"
    );
    Ok(response)
}

/// Gives each problem its place; inside of all that looks at a body (compression, say), so that it sees the final one.
///
/// # Errors
/// None of its own.
pub async fn place_problems<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let response = next.call(request).await?;
    let Some(error) = response.response().error() else {
        return Ok(response.map_into_left_body());
    };
    let request = response.request().clone();
    let id = request.extensions().get::<RequestId>().map(|RequestId(id)| id.clone()).unwrap_or_default();
    let mut rendered = render(error, request.path(), &id);
    if rendered.status() == StatusCode::PERMANENT_REDIRECT {
        keep_the_rest(&request, &mut rendered);
    }
    Ok(ServiceResponse::new(request, rendered).map_into_right_body())
}

/// The client's own id if it is a plain one, so that it can find its request in the log; else a new one.
fn request_id(request: &ServiceRequest) -> String {
    request
        .headers()
        .get(REQUEST_ID)
        .and_then(|given| given.to_str().ok())
        .filter(|given| {
            (1..=64).contains(&given.len())
                && given.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), ToOwned::to_owned)
}

/// A renamed resource moves with everything below its path, and with the query.
fn keep_the_rest(request: &HttpRequest, response: &mut HttpResponse) {
    let below: String = request.path().split('/').skip(4).flat_map(|segment| ["/", segment]).collect();
    let query = request.query_string();
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Ok(location) = HeaderValue::from_str(&format!("{location}{below}{query}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
}

/// The problem of an error; those of the framework (a broken path, a request too large) become rows of the table too.
fn render(error: &Error, path: &str, id: &str) -> HttpResponse {
    if let Some(problem) = error.as_error::<Problem>() {
        if let Some(cause) = problem.cause() {
            tracing::error!(request_id = id, path, cause, "failed");
        }
        return problem.respond(path);
    }
    let status = error.as_response_error().status_code();
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::not_found("such path"),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(crate::http::body::BODY_LIMIT),
        status if status.is_client_error() => Problem::bad_request(error.to_string()),
        _ => {
            tracing::error!(request_id = id, path, cause = %error, "failed");
            Problem::internal(error)
        }
    };
    problem.respond(path)
}

/// A strong entity tag belongs to one sequence of bytes, and each content coding is another: so a compressed answer's
/// tag says which one it is.
fn tag_encoding<B>(response: &mut ServiceResponse<B>) {
    let encoding = response.headers().get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let tag = response.headers().get(header::ETAG).and_then(|value| value.to_str().ok());
    if let (Some(encoding), Some(tag)) = (encoding, tag)
        && let Some(bare) = tag.strip_suffix('"')
        && let Ok(tagged) = HeaderValue::from_str(&format!("{bare}.{encoding}\""))
    {
        response.headers_mut().insert(header::ETAG, tagged);
    }
}

/// Refuses parameters where none is known. Where some are, the extractor of the query says which.
///
/// # Errors
/// None of its own: a refusal is a response.
pub async fn refuse_parameters<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let takes_query = |state: &web::Data<AppState>| state.routes.takes_query(request.path(), request.method());
    if request.query_string().is_empty() || request.app_data().is_none_or(takes_query) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let given = url::form_urlencoded::parse(request.query_string().as_bytes());
    let faults = given.map(|(name, _)| Fault::parameter(name, "is not a known parameter; there is none here"));
    let problem = Problem::parameters(faults.collect());
    let (request, _) = request.into_parts();
    Ok(ServiceResponse::from_err(problem, request).map_into_right_body())
}

/// Answers what no route took: `OPTIONS`, a method that the path does not know, and paths that do not exist.
///
/// # Errors
/// 404 or 405.
pub async fn unrouted(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    let allowed = state.routes.methods(request.path());
    match (allowed, request.method()) {
        (None, _) => Err(Problem::new(ProblemType::NOT_FOUND, "There is no such path; /docs shows those that exist.")),
        (Some(allowed), &Method::OPTIONS) => {
            Ok(HttpResponse::NoContent().insert_header((header::ALLOW, allowed)).finish())
        }
        (Some(allowed), _) => Err(Problem::method_not_allowed(&allowed)),
    }
}
