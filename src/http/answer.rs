//! Answers: formats, and the headers that every answer of the archive carries.

use std::pin::Pin;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, Header, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use deserr::Deserr;
use futures_util::Stream;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::access::Caller;
use crate::config::Config;
use crate::db::types::Timestamp;
use crate::http::conditional::{self, Validity};
use crate::http::fields::{Known, Selection};
use crate::http::query::ListFormat;
use crate::journal::Head;
use crate::problem::Problem;
use crate::resource::{Outcome, Resource, Shown, Written};

/// The header that names the journal's position after a write or of an export.
pub const POSITION: &str = "briefwire-position";

/// The header by which a request says from which position of the journal on it has to be answered.
const AT_LEAST: &str = "briefwire-at-least";

/// The position that a request has to be answered from, or a later one; 0 if it does not matter.
///
/// # Errors
/// 400 when the header is no position.
pub fn at_least(request: &HttpRequest) -> Result<i64, Problem> {
    let Some(value) = request.headers().get(AT_LEAST) else {
        return Ok(0);
    };
    let position = value.to_str().ok().and_then(|text| text.parse::<i64>().ok()).filter(|position| *position >= 0);
    position.ok_or_else(|| Problem::parameter("Briefwire-At-Least", "is no position of the journal"))
}

/// Whether a request says from which position on it has to be answered. That may be one that another server has written, so this one has
/// to look for itself, whatever it remembers.
#[must_use]
pub fn asks_at_least(headers: &HeaderMap) -> bool {
    headers.contains_key(AT_LEAST)
}

/// The header that says which preference of a request was heeded (RFC 7240).
pub const PREFERENCE_APPLIED: &str = "preference-applied";

/// What a writer wants to be answered with (RFC 7240, `Prefer: return=…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// What was written, as it now reads.
    Representation,
    /// Only which it is: who writes much saves himself the reading.
    Minimal,
}

impl Return {
    /// What a request prefers; what it says twice counts as it is said first, and what it says of anything else is left aside.
    #[must_use]
    pub fn wanted_by(request: &HttpRequest) -> Self {
        let preferences = conditional::lines(request.headers(), HeaderName::from_static("prefer")).unwrap_or_default();
        let wanted = preferences.split(',').find_map(|preference| {
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            name.trim().eq_ignore_ascii_case("return").then(|| value.trim().trim_matches('"'))
        });
        if wanted == Some("minimal") { Self::Minimal } else { Self::Representation }
    }
}

/// The form of a list's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One page, `application/json`.
    Json,
    /// `text/csv`.
    Csv,
    /// `application/x-ndjson`.
    Ndjson,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

impl From<ListFormat> for Format {
    fn from(format: ListFormat) -> Self {
        match format {
            ListFormat::Json => Self::Json,
            ListFormat::Csv => Self::Csv,
            ListFormat::Ndjson => Self::Ndjson,
        }
    }
}

/// What of a single resource to show.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SingleQuery {
    /// The members to show, with dots for members of members; everything else is left out.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "slug,title")]
    pub fields: Option<String>,
    /// The time as of which to answer, not later than now: how the archive stood then, as far as the caller could see it then
    /// and may see it now.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2017-08-31T00:00:00Z")]
    pub as_of: Option<Timestamp>,
    /// The format, which is otherwise the one that `Accept` asks for.
    #[deserr(default)]
    #[param(inline)]
    pub format: Option<SingleFormat>,
}

crate::vocabulary::vocabulary! {
    /// The formats of a single resource.
    SingleFormat { Json = "json" }
}

/// The formats of a list, the first where a client says nothing.
const LIST_FORMATS: &[(&str, Format)] =
    &[("application/json", Format::Json), ("text/csv", Format::Csv), ("application/x-ndjson", Format::Ndjson)];

/// The format of a list: what `format` says, else the best of what `Accept` names.
///
/// # Errors
/// 406 when `Accept` names none of them.
pub fn negotiate_list(request: &HttpRequest, format: Option<ListFormat>) -> Result<Format, Problem> {
    if let Some(format) = format {
        return Ok(format.into());
    }
    accepted(request, LIST_FORMATS)
        .ok_or_else(|| Problem::not_acceptable("application/json, text/csv, application/x-ndjson"))
}

/// Refuses a request that does not accept JSON.
///
/// # Errors
/// 406.
pub fn accept_json(request: &HttpRequest) -> Result<(), Problem> {
    accepted(request, &[("application/json", ())]).ok_or_else(|| Problem::not_acceptable("application/json"))
}

/// Refuses a request that does not accept NDJSON.
///
/// # Errors
/// 406.
pub fn accept_ndjson(request: &HttpRequest) -> Result<(), Problem> {
    accepted(request, &[("application/x-ndjson", ())]).ok_or_else(|| Problem::not_acceptable("application/x-ndjson"))
}

/// The best of what is offered by what `Accept` names; the first where a client says nothing.
#[must_use]
pub fn accepted<T: Copy>(request: &HttpRequest, offers: &[(&str, T)]) -> Option<T> {
    let first = offers.first().map(|(_, offer)| *offer);
    if !request.headers().contains_key(header::ACCEPT) {
        return first;
    }
    let Ok(accept) = header::Accept::parse(request) else {
        return first;
    };
    let quality_of =
        |wanted: &str| accept.0.iter().find(|item| item.item.essence_str() == wanted).map(|item| item.quality);
    let refused = |media_type: &str| quality_of(media_type) == Some(header::Quality::ZERO);
    let is_wanted = |wanted: &str| quality_of(wanted) != Some(header::Quality::ZERO);
    accept.ranked().iter().filter(|wanted| is_wanted(wanted.essence_str())).find_map(|wanted| {
        offers
            .iter()
            .filter(|(media_type, _)| !refused(media_type))
            .find(|(media_type, _)| matches(wanted.essence_str(), media_type))
            .map(|(_, offer)| *offer)
    })
}

fn matches(wanted: &str, media_type: &str) -> bool {
    wanted == "*/*"
        || wanted == media_type
        || wanted.strip_suffix("/*").is_some_and(|class| media_type.split('/').next() == Some(class))
}

/// Something as JSON.
///
/// # Errors
/// 500 when it cannot be serialised, which nothing that is served should.
pub fn as_json(document: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(document).map_err(Problem::internal)
}

/// The digest of a representation, as it stands in entity tags.
fn digest(body: &[u8]) -> String {
    format!("{:016x}", xxh3_64(body))
}

/// Answers a single resource, or 304 when the client has it.
///
/// # Errors
/// 400 for unknown `fields`, 406 when JSON is not accepted.
pub fn single<T: Serialize + ToSchema + 'static>(
    request: &HttpRequest,
    caller: &Caller,
    query: &SingleQuery,
    head: Head,
    version: i32,
    view: &T,
) -> Result<HttpResponse, Problem> {
    if query.format.is_none() {
        accept_json(request)?;
    }
    let body = match &query.fields {
        None => as_json(view)?,
        Some(fields) => as_json(&Selection::parse(fields, &Known::of::<T>())?.apply(view)?)?,
    };
    Ok(rendered(request, caller, head, version, "application/json", body))
}

/// Answers one version of a resource in a form that was made of it, or 304 when the client has it.
#[must_use]
pub fn rendered(
    request: &HttpRequest,
    caller: &Caller,
    head: Head,
    version: i32,
    media_type: &'static str,
    body: Vec<u8>,
) -> HttpResponse {
    let tag = format!("{version}-{}", digest(&body));
    let validity = Validity { head, tag, is_single: true };
    tagged(request, caller, validity, media_type, body)
}

/// Answers what is no single resource, or 304 when the client has it.
#[must_use]
pub fn representation(
    request: &HttpRequest,
    caller: &Caller,
    head: Head,
    media_type: &'static str,
    body: Vec<u8>,
) -> HttpResponse {
    // A feed has one media type for programs and another for people.
    let tag = format!("{:016x}", xxh3_64_with_seed(&body, xxh3_64(media_type.as_bytes())));
    let validity = Validity { head, tag, is_single: false };
    tagged(request, caller, validity, media_type, body)
}

/// Answers a representation with its entity tag, or 304 when the client has it.
fn tagged(
    request: &HttpRequest,
    caller: &Caller,
    validity: Validity,
    media_type: &'static str,
    body: Vec<u8>,
) -> HttpResponse {
    let Validity { head, tag, .. } = &validity;
    let mut response = match conditional::held_tag(request.headers(), *head, tag) {
        Some(held) => not_modified(caller, *head, held),
        None => validated(caller, *head, conditional::quoted(tag)).content_type(media_type).body(body),
    };
    response.extensions_mut().insert(validity);
    response
}

/// The 304 for a client that holds the representation with this entity tag, given in its quotes.
#[must_use]
pub fn not_modified(caller: &Caller, head: Head, tag: String) -> HttpResponse {
    validated(caller, head, tag).status(StatusCode::NOT_MODIFIED).finish()
}

/// Marks an answer as one that the same request must not get again: it came of waiting, or of what was not known yet.
pub fn for_once(response: &mut HttpResponse) {
    response.extensions_mut().remove::<Validity>();
}

/// Answers a page of a list, or 304 when the client has it.
#[must_use]
pub fn list(
    request: &HttpRequest,
    caller: &Caller,
    head: Head,
    format: Format,
    body: Vec<u8>,
    link: Option<(HeaderName, String)>,
) -> HttpResponse {
    let mut response = representation(request, caller, head, format.media_type(), body);
    if response.status() == StatusCode::NOT_MODIFIED {
        return response;
    }
    if let Some((name, link)) = link.and_then(|(name, link)| Some((name, HeaderValue::from_str(&link).ok()?))) {
        response.headers_mut().insert(name, link);
    }
    response
}

/// Answers a document that is no resource, or 304 when the client has it.
///
/// # Errors
/// 406 when JSON is not accepted.
pub fn document(
    request: &HttpRequest,
    caller: &Caller,
    head: Head,
    document: &impl Serialize,
) -> Result<HttpResponse, Problem> {
    accept_json(request)?;
    Ok(representation(request, caller, head, "application/json", as_json(document)?))
}

/// Answers a stream of rows.
#[must_use]
pub fn stream(
    caller: &Caller,
    head: Head,
    format: Format,
    body: Pin<Box<dyn Stream<Item = Result<Bytes, Problem>>>>,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, cache_control(caller)))
        .insert_header((POSITION, head.position.to_string()))
        .content_type(format.media_type());
    response.streaming(body)
}

/// An answer to a write, in a form that can be kept and given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to the answer itself, by their lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A reply with these headers beside those that every reply to a write has.
    #[must_use]
    pub fn new(status: StatusCode, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        let mut reply = Self { status: status.as_u16(), headers, body };
        reply.add(header::CACHE_CONTROL.as_str(), "no-store");
        reply
    }

    /// A JSON document.
    ///
    /// # Errors
    /// 500 when it cannot be serialised, which no document should.
    pub fn json(status: StatusCode, document: &impl Serialize) -> Result<Self, Problem> {
        let mut reply = Self::new(status, Vec::new(), as_json(document)?);
        reply.add(header::CONTENT_TYPE.as_str(), "application/json");
        Ok(reply)
    }

    /// The same with the entity tag of its body, as one of this version.
    #[must_use]
    pub fn tagged(mut self, version: i32) -> Self {
        let tag = format!("\"{version}-{}\"", digest(&self.body));
        self.add(header::ETAG.as_str(), tag);
        self
    }

    /// Adds a header.
    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }
}

impl From<Reply> for HttpResponse {
    fn from(reply: Reply) -> Self {
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponseBuilder::new(status);
        for header in reply.headers {
            response.insert_header(header);
        }
        if status == StatusCode::NO_CONTENT { response.finish() } else { response.body(reply.body) }
    }
}

/// Answers a write of a resource: 201 with its `Location` when it is new, else 200; and with it as its writer now reads it, or as
/// little of it as he prefers.
///
/// # Errors
/// 500 when the resource cannot be serialised, which no resource should.
pub fn written<R: Resource>(config: &Config, written: &Written<R>, position: i64) -> Result<Reply, Problem> {
    let is_new = written.outcome == Outcome::Created;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut reply = Reply::json(status, &written.shown)?.tagged(written.version);
    if is_new {
        let location = format!("{}/v1/{}/{}", config.public_url, R::COLLECTION, written.slug);
        reply.add(header::LOCATION.as_str(), location);
    }
    if matches!(written.shown, Shown::Minimal { .. }) {
        reply.add(PREFERENCE_APPLIED, "return=minimal");
    }
    reply.add(POSITION, position.to_string());
    Ok(reply)
}

/// Answers a deletion.
#[must_use]
pub fn deleted(position: i64) -> Reply {
    Reply::new(StatusCode::NO_CONTENT, vec![(POSITION.to_owned(), position.to_string())], Vec::new())
}

fn validated(caller: &Caller, head: Head, tag: String) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, cache_control(caller)))
        .insert_header((header::ETAG, tag))
        .insert_header((header::LAST_MODIFIED, httpdate::fmt_http_date(conditional::last_modified(head))));
    response
}

fn cache_control(caller: &Caller) -> &'static str {
    if caller.key.is_some() { "private, no-cache" } else { "public, no-cache" }
}
