//! Answers: formats, validators, and the headers that every answer of the archive carries.

use std::borrow::Cow;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use actix_web::http::header::{self, Header, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use deserr::Deserr;
use futures_util::Stream;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use xxhash_rust::xxh3::xxh3_64;

use crate::access::{Audience, Caller};
use crate::app::AppState;
use crate::config::Config;
use crate::db::types::Timestamp;
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

/// Whether a request says from which position on it has to be answered.
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
        let preferences = lines(request.headers(), HeaderName::from_static("prefer")).unwrap_or_default();
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
        None => serde_json::to_vec(view),
        Some(fields) => serde_json::to_vec(&Selection::parse(fields, &Known::of::<T>())?.apply(view)?),
    }
    .map_err(Problem::internal)?;
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
    tagged(request, caller, head, &tag, media_type, body)
}

/// Answers a representation with this entity tag, or 304 when the client has it.
#[must_use]
pub fn tagged(
    request: &HttpRequest,
    caller: &Caller,
    head: Head,
    tag: &str,
    media_type: &'static str,
    body: Vec<u8>,
) -> HttpResponse {
    unchanged(request, caller, head, tag).unwrap_or_else(|| {
        let response = validated(request, caller, head, tag).content_type(media_type).body(body);
        valid(response, head, tag)
    })
}

/// The 304 of one who has what has this entity tag.
#[must_use]
pub fn unchanged(request: &HttpRequest, caller: &Caller, head: Head, tag: &str) -> Option<HttpResponse> {
    let known = not_modified(request.headers(), head, tag)?;
    let mut response = validated(request, caller, head, tag);
    let response = response.insert_header((header::ETAG, known)).status(StatusCode::NOT_MODIFIED).finish();
    Some(valid(response, head, tag))
}

/// What an answer follows from beside the request, left in it for [`crate::http::memory`].
#[derive(Debug, Clone)]
pub struct Validity {
    /// How far the journal had come for the class of the caller.
    pub head: Head,
    /// The entity tag, without its quotes.
    pub tag: String,
}

fn valid(mut response: HttpResponse, head: Head, tag: &str) -> HttpResponse {
    response.extensions_mut().insert(Validity { head, tag: tag.to_owned() });
    response
}

/// Marks an answer as one that the same request must not get again: it came of waiting.
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
    link: Option<(header::HeaderName, String)>,
) -> HttpResponse {
    let mut response = tagged(request, caller, head, &digest(&body), format.media_type(), body);
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
    let body = serde_json::to_vec(document).map_err(Problem::internal)?;
    Ok(list(request, caller, head, Format::Json, body, None))
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
        let body = serde_json::to_vec(document).map_err(Problem::internal)?;
        let mut reply = Self::new(status, Vec::new(), body);
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

fn validated(request: &HttpRequest, caller: &Caller, head: Head, tag: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, cache_control(caller)))
        .insert_header((header::ETAG, format!("\"{tag}\"")))
        .insert_header((header::LAST_MODIFIED, httpdate::fmt_http_date(last_modified(head))));
    if *request.method() == Method::HEAD {
        response.no_chunking(0);
    }
    response
}

fn cache_control(caller: &Caller) -> &'static str {
    if caller.key.is_some() { "private, no-cache" } else { "public, no-cache" }
}

/// The entity tag of what the client has, if it has this representation. RFC 9110: `If-None-Match` decides where it is given,
/// and `If-Modified-Since` only where it is not.
#[must_use]
pub fn not_modified(request: &HeaderMap, head: Head, tag: &str) -> Option<String> {
    let own = || format!("\"{tag}\"");
    if let Some(known) = lines(request, header::IF_NONE_MATCH) {
        if known.trim() == "*" {
            return Some(own());
        }
        // The one that the client sent is the one by which it, and every cache on the way, finds what it has.
        let known =
            known.split(',').map(|known| known.trim().trim_start_matches("W/")).find(|known| bare(known) == tag);
        return known.map(ToOwned::to_owned);
    }
    let since = request.get(header::IF_MODIFIED_SINCE)?.to_str().ok()?;
    let since = httpdate::parse_http_date(since).ok()?;
    (settled(head) && SystemTime::from(head.at.datetime()) < since + SECOND).then(own)
}

/// The lines of a header as one. Bytes that are no text become a character that is in no tag.
fn lines(headers: &HeaderMap, name: header::HeaderName) -> Option<Cow<'_, str>> {
    let lines = headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    lines.reduce(|before, line| format!("{before},{line}").into())
}

/// Whether the second of the last change is over. Until then the same `Last-Modified` may come to stand for another state,
/// and so proves nothing (RFC 9110, 8.8.2.2).
#[must_use]
pub fn settled(head: Head) -> bool {
    SystemTime::now() > SystemTime::from(head.at.datetime()) + SECOND
}

const SECOND: Duration = Duration::from_secs(1);

/// When what a caller sees last changed. While more may come within that second, the one before: who asks by it later is then
/// not told that nothing has changed.
fn last_modified(head: Head) -> SystemTime {
    let at = SystemTime::from(head.at.datetime());
    if settled(head) { at } else { at.checked_sub(SECOND).unwrap_or(SystemTime::UNIX_EPOCH) }
}

/// The entity tag of what follows from the head of the journal for a class of callers, from the address that is asked and
/// from the program.
#[must_use]
pub fn tag_of(head: Head, caller: &Caller, request: &HttpRequest, config: &Config) -> String {
    let class = Audience::class_of(caller);
    let asked = format!("{class} {} {} {}", env!("CARGO_PKG_VERSION"), config.public_url, request.uri());
    format!("{}-{:016x}", head.at.micros(), xxh3_64(asked.as_bytes()))
}

/// An entity tag without its quotes, the `W/` that proxies add, and the suffix that tells encodings apart.
fn bare(tag: &str) -> &str {
    let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
    tag.split_once('.').map_or(tag, |(tag, _)| tag)
}

/// What a write demands of the version that it replaces.
#[derive(Debug, Clone, Default)]
pub struct Precondition {
    versions: Option<Vec<i32>>,
    must_not_exist: bool,
    must_exist: bool,
}

impl Precondition {
    /// Reads `If-Match` and `If-None-Match: *`.
    ///
    /// # Errors
    /// 428 when the server requires `If-Match` and there is neither.
    pub fn of(request: &HttpRequest, state: &AppState) -> Result<Self, Problem> {
        let if_match = lines(request.headers(), header::IF_MATCH);
        let if_none_match = lines(request.headers(), header::IF_NONE_MATCH);
        if state.config.require_if_match && if_match.is_none() && if_none_match.is_none() {
            return Err(Problem::new(
                crate::problem::ProblemType::PRECONDITION_REQUIRED,
                "Send the `ETag` of what you read as `If-Match`.",
            ));
        }
        let must_exist = if_match.is_some();
        let versions = if_match.filter(|given| given.trim() != "*").map(|given| {
            given.split(',').filter_map(|tag| bare(tag).split('-').next().and_then(|it| it.parse().ok())).collect()
        });
        let must_not_exist = if_none_match.is_some_and(|given| given.trim() == "*");
        Ok(Self { versions, must_not_exist, must_exist })
    }

    /// Holds the demand against what there is.
    ///
    /// # Errors
    /// 412.
    pub fn check(&self, version: Option<i32>) -> Result<(), Problem> {
        match version {
            None if self.must_exist => Err(Problem::precondition_failed("There is no such resource.")),
            Some(_) if self.must_not_exist => Err(Problem::precondition_failed("The resource exists.")),
            Some(version) if self.versions.as_ref().is_some_and(|wanted| !wanted.contains(&version)) => {
                Err(Problem::precondition_failed(format!("The resource is at version {version}.")))
            }
            _ => Ok(()),
        }
    }
}
