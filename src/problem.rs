//! Everything that can go wrong, as one table of RFC 9457 problem types, and the error type of every handler.
//!
//! A row of [`ProblemType`] is the name in the `type` URI, the status, the title and the page that explains it. What a
//! client may know stands in [`Problem::detail`] and `errors`; what it may not (the cause of a 5xx) is only logged.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::db::DbError;
use crate::http::answer::Reply;
use crate::http::body::Fault;
use crate::vocabulary::Role;

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A kind of problem: one row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemType {
    /// The last part of the `type` URI, `/problems/<name>`.
    pub name: &'static str,
    /// The HTTP status it comes with.
    pub status: u16,
    /// A short summary, the same for every occurrence.
    pub title: &'static str,
    /// What it means and what to do, for the page behind the `type` URI.
    pub explanation: &'static str,
}

macro_rules! problem_types {
    ($($constant:ident = $status:literal $name:literal $title:literal : $explanation:literal),+ $(,)?) => {
        impl ProblemType {
            $(#[doc = $title] pub const $constant: Self =
                Self { name: $name, status: $status, title: $title, explanation: $explanation };)+

            /// The whole table.
            pub const ALL: &'static [Self] = &[$(Self::$constant),+];
        }
    };
}

problem_types! {
    MOVED = 308 "moved" "It has another slug now":
        "The resource was renamed. `Location` says where it is; send the same request there.",
    BAD_REQUEST = 400 "bad-request" "The request cannot be read":
        "The body is not JSON, or the request is broken in another way. `detail` says where reading stopped.",
    INVALID_PARAMETER = 400 "invalid-parameter" "A parameter is not valid":
        "A parameter of the query or a header is unknown or has a value that it cannot have. `errors` names each, with the nearest known name.",
    UNAUTHENTICATED = 401 "unauthenticated" "A valid API key is needed":
        "Writing needs an API key in `Authorization: Bearer …`, and a key that is given must be a valid one.",
    FORBIDDEN = 403 "forbidden" "The key may not do this":
        "The key's role or clearance is too low. `detail` names the role that is needed.",
    NOT_FOUND = 404 "not-found" "There is nothing here":
        "No such path, or no resource of this id or slug that this caller may see.",
    METHOD_NOT_ALLOWED = 405 "method-not-allowed" "The path does not know this method":
        "The `Allow` header lists the methods that the path knows.",
    NOT_ACCEPTABLE = 406 "not-acceptable" "No acceptable format":
        "None of the formats that this path can give is in the `Accept` header. `detail` lists them.",
    CONFLICT = 409 "conflict" "The archive says otherwise":
        "The request is in order but contradicts what is stored: a slug is taken, a resource is in use, a step is not allowed from the present state.",
    GONE = 410 "gone" "It was deleted":
        "The resource was deleted. `deleted_at`, `reason` and `replacement` are its tombstone.",
    PRECONDITION_FAILED = 412 "precondition-failed" "It has changed meanwhile":
        "The resource is not at the version that `If-Match` names, or exists although `If-None-Match: *` was sent. Read it again and repeat the change.",
    PAYLOAD_TOO_LARGE = 413 "payload-too-large" "The body is too large":
        "A single resource may have 2 MiB. Send many resources as NDJSON to `/v1/import`.",
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported-media-type" "The body's media type is not accepted":
        "`detail` lists the media types that this path accepts.",
    VALIDATION_FAILED = 422 "validation-failed" "The body is not valid":
        "The body is JSON but breaks the rules of the resource. `errors` lists every fault with a JSON pointer.",
    QUOTA_EXCEEDED = 429 "quota-exceeded" "Too many requests":
        "The key or the address has used up its requests for now. `Retry-After` says after how many seconds to go on; `violated-policies` names the limit, and the `RateLimit` headers of every answer say how much is left.",
    PRECONDITION_REQUIRED = 428 "precondition-required" "If-Match is required":
        "This server is set to accept changes only with `If-Match`, so that nobody overwrites what he has not read.",
    INTERNAL = 500 "internal" "The server failed":
        "Something went wrong that is not the client's fault. The server's log has the cause under the request id.",
    UNAVAILABLE = 503 "unavailable" "The archive cannot be reached":
        "The database cannot be reached or is busy. Try again after the seconds in `Retry-After`.",
}

/// One occurrence of a problem: the error of every handler.
#[derive(Debug)]
pub struct Problem(Box<Occurrence>);

#[derive(Debug)]
struct Occurrence {
    kind: ProblemType,
    detail: String,
    errors: Vec<Fault>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
    /// The parameter and the name of it that nobody bears.
    unknown_actor: Option<(String, String)>,
}

/// The body of every error, RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// A stable URI of the kind of problem; a page there explains it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/validation-failed")]
    kind: String,
    /// A short summary of the kind.
    #[schema(example = "The body is not valid")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What happened this time.
    #[schema(example = "The body has 1 fault.")]
    detail: String,
    /// The path of the request.
    #[schema(example = "/v1/briefs")]
    instance: String,
    /// Every fault, where there are several or where a place can be named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<Fault>,
    /// More about this kind: a tombstone's members, the users of a resource, candidates for a name.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    members: Map<String, Value>,
}

impl Problem {
    /// A problem of any kind.
    #[must_use]
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self(Box::new(Occurrence {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
            cause: None,
            unknown_actor: None,
        }))
    }

    /// 400: the request cannot be read.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ProblemType::BAD_REQUEST, detail)
    }

    /// 400: the body is no JSON.
    #[must_use]
    pub fn unreadable(error: &serde_json::Error) -> Self {
        Self::bad_request(format!("The body is not JSON: {error}."))
    }

    /// 400: parameters are unknown or wrong.
    #[must_use]
    pub fn parameters(faults: Vec<Fault>) -> Self {
        Self::new(ProblemType::INVALID_PARAMETER, counted("The request", faults.len())).with_errors(faults)
    }

    /// 400: one parameter is wrong.
    #[must_use]
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::parameters(vec![Fault::parameter(name, detail)])
    }

    /// 401: no key, or not a valid one.
    #[must_use]
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(ProblemType::UNAUTHENTICATED, detail)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: the role is too low.
    #[must_use]
    pub fn needs_role(role: Role) -> Self {
        Self::new(ProblemType::FORBIDDEN, format!("This needs a key with role `{role}` or higher."))
    }

    /// 403 for another reason.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(ProblemType::FORBIDDEN, detail)
    }

    /// 404.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ProblemType::NOT_FOUND, format!("There is no {what} here."))
    }

    /// 405, with the methods that the path knows.
    #[must_use]
    pub fn method_not_allowed(allowed: &str) -> Self {
        let allow = HeaderValue::from_str(allowed).unwrap_or(HeaderValue::from_static("GET"));
        Self::new(ProblemType::METHOD_NOT_ALLOWED, format!("This path knows: {allowed}."))
            .with_header(header::ALLOW, allow)
    }

    /// 406, with the formats that the path can give.
    #[must_use]
    pub fn not_acceptable(formats: &str) -> Self {
        Self::new(ProblemType::NOT_ACCEPTABLE, format!("This path can give: {formats}."))
    }

    /// 409.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(ProblemType::CONFLICT, detail)
    }

    /// 308, for a slug that a resource had before.
    #[must_use]
    pub fn moved(location: &str) -> Self {
        let value = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
        Self::new(ProblemType::MOVED, format!("It is at {location} now.")).with_header(header::LOCATION, value)
    }

    /// 410, and how it went: its tombstone goes in by [`Problem::with_member`].
    #[must_use]
    pub fn gone(what: &str, how: &str) -> Self {
        Self::new(ProblemType::GONE, format!("This {what} was {how}."))
    }

    /// 412.
    #[must_use]
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(ProblemType::PRECONDITION_FAILED, detail)
    }

    /// 413.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::new(ProblemType::PAYLOAD_TOO_LARGE, format!("The body is larger than {limit} bytes."))
    }

    /// 400: the body did not come in time.
    #[must_use]
    pub fn too_slow() -> Self {
        Self::bad_request("The body did not come in time.")
    }

    /// 415.
    #[must_use]
    pub fn unsupported_media_type(given: &str, accepted: &[&str]) -> Self {
        let given = if given.is_empty() { "no media type" } else { given };
        Self::new(
            ProblemType::UNSUPPORTED_MEDIA_TYPE,
            format!("The body has {given}; accepted: {}.", accepted.join(", ")),
        )
    }

    /// 422 with every fault.
    #[must_use]
    pub fn invalid(faults: Vec<Fault>) -> Self {
        Self::new(ProblemType::VALIDATION_FAILED, counted("The body", faults.len())).with_errors(faults)
    }

    /// 422 with one fault.
    #[must_use]
    pub fn invalid_at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![Fault::at(pointer, detail)])
    }

    /// 500: the cause goes to the log, never to the client.
    #[must_use]
    pub fn internal(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(
            ProblemType::INTERNAL,
            "The server failed to answer. Its log has the cause under the request id.",
        );
        problem.0.cause = Some(cause.to_string());
        problem
    }

    fn unavailable(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(ProblemType::UNAVAILABLE, "The archive cannot be reached now. Try again soon.")
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("2"));
        problem.0.cause = Some(cause.to_string());
        problem
    }

    /// 400: a parameter names an actor of whom nobody has heard. Whoever answers may add who may be meant.
    #[must_use]
    pub fn unknown_actor(parameter: &str, name: &str) -> Self {
        let mut problem = Self::parameter(parameter, format!("no actor is called `{name}`"));
        problem.0.unknown_actor = Some((parameter.to_owned(), name.to_owned()));
        problem
    }

    /// The parameter and the name, if it is such a problem.
    #[must_use]
    pub fn names_nobody(&self) -> Option<(&str, &str)> {
        self.0.unknown_actor.as_ref().map(|(parameter, name)| (parameter.as_str(), name.as_str()))
    }

    /// The same problem with faults.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.0.errors = errors;
        self
    }

    /// The same problem with one more member.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// The same problem with one more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> ProblemType {
        self.0.kind
    }

    /// The faults, for those who report them in another form.
    #[must_use]
    pub fn errors(&self) -> &[Fault] {
        &self.0.errors
    }

    /// What happened, in a sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What the log should know and the client should not.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The response for a request of this path.
    #[must_use]
    pub fn respond(&self, instance: &str) -> HttpResponse {
        self.reply(instance).into()
    }

    /// The same in a form that can be kept.
    #[must_use]
    pub fn reply(&self, instance: &str) -> Reply {
        let document = ProblemDocument {
            kind: format!("/problems/{}", self.0.kind.name),
            title: self.0.kind.title,
            status: self.0.kind.status,
            detail: self.0.detail.clone(),
            instance: instance.to_owned(),
            errors: self.0.errors.clone(),
            members: self.0.members.clone(),
        };
        let own = |(name, value): &(HeaderName, HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = self.0.headers.iter().map(own).collect();
        let mut reply = Reply::new(self.status_code(), headers, serde_json::to_vec(&document).unwrap_or_default());
        reply.add(header::CONTENT_TYPE.as_str(), PROBLEM_JSON);
        reply
    }
}

fn counted(what: &str, faults: usize) -> String {
    let plural = if faults == 1 { "" } else { "s" };
    format!("{what} has {faults} fault{plural}.")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.title, self.0.detail)?;
        for fault in &self.0.errors {
            let place = fault.pointer.as_ref().or(fault.parameter.as_ref());
            write!(f, " [{}: {}]", place.map_or("", String::as_str), fault.detail)?;
        }
        if let Some(cause) = &self.0.cause {
            write!(f, " ({cause})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.respond("")
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(cause) => Self::unavailable(cause),
            DbError::NotThere => {
                Self::parameter("Briefwire-At-Least", "is a position that the journal has not come to")
            }
            other => Self::internal(other),
        }
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}
