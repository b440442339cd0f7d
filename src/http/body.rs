//! JSON bodies: read whole, checked whole, refused with every fault at once.
//!
//! A body becomes its type through `deserr`, which goes on after a fault and knows where it stands; so a client learns
//! of all its mistakes in one answer, each with a JSON pointer.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use deserr::{DeserializeError, Deserr, ErrorKind, IntoValue, Map, MergeWithError, Value, ValueKind, ValuePointerRef};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::db::types::Id;
use crate::http::idempotency;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::scalars::Line;
use crate::vocabulary::Kind;

/// The largest body of a single resource, in bytes.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// Where in the body, as a JSON pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/trends/0/probability")]
    pub pointer: Option<String>,
    /// Which parameter of the query or which header, if the fault is not in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "limit")]
    pub parameter: Option<String>,
    /// What is wrong and what would be right.
    #[schema(example = "70 lies outside of the band of `very_likely`, 80 to 95")]
    pub detail: String,
    /// What a reference at this place means but could not be found, for an import that may find it later.
    #[serde(skip)]
    #[schema(ignore)]
    pub missing: Option<(Kind, Reference)>,
}

impl Fault {
    /// A fault in a body.
    #[must_use]
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), parameter: None, detail: detail.into(), missing: None }
    }

    /// A fault in the query or a header.
    #[must_use]
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.into()), detail: detail.into(), missing: None }
    }

    /// A reference that leads nowhere.
    #[must_use]
    pub fn missing(kind: Kind, reference: &Reference, pointer: &str) -> Self {
        let missing = Some((kind, reference.clone()));
        Self { missing, ..Self::at(pointer, format!("there is no {kind} `{reference}`")) }
    }

    /// The same fault, seen from a body that holds this one at `prefix`.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Self {
        self.pointer = self.pointer.map(|pointer| format!("{prefix}{pointer}"));
        self
    }
}

/// Everything that is wrong with a body.
#[derive(Debug, Default)]
pub struct Invalid(pub Vec<Fault>);

impl MergeWithError<Self> for Invalid {
    fn merge(earlier: Option<Self>, mut other: Self, _: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let mut all = earlier.unwrap_or_default();
        all.0.append(&mut other.0);
        ControlFlow::Continue(all)
    }
}

impl DeserializeError for Invalid {
    fn error<V: IntoValue>(
        earlier: Option<Self>,
        error: ErrorKind<'_, V>,
        location: ValuePointerRef<'_>,
    ) -> ControlFlow<Self, Self> {
        let here = pointer(&location);
        let fault = match error {
            ErrorKind::IncorrectValueKind { actual, accepted } => {
                Fault::at(here, format!("must be {}, not {}", any_of(accepted), kind_name(actual.kind())))
            }
            ErrorKind::MissingField { field } => Fault::at(format!("{here}/{field}"), "is required"),
            ErrorKind::UnknownKey { key, accepted } => {
                Fault::at(format!("{here}/{}", escape(key)), unknown_name("member", key, accepted))
            }
            ErrorKind::UnknownValue { value, accepted } => {
                Fault::at(here, format!("`{value}` is not one of: {}", accepted.join(", ")))
            }
            ErrorKind::BadSequenceLen { expected, .. } => Fault::at(here, format!("must have {expected} items")),
            ErrorKind::Unexpected { msg } => Fault::at(here, msg),
        };
        Self::merge(earlier, Self(vec![fault]), location)
    }
}

/// Says that a name is unknown, and which known one it comes nearest to.
#[must_use]
pub fn unknown_name(what: &str, given: &str, known: &[&str]) -> String {
    let comparable = if given.len() <= 100 { known } else { &[] };
    let nearest = comparable
        .iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(given, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.4);
    match nearest {
        Some((_, name)) => format!("is not a known {what}; did you mean `{name}`?"),
        None => format!("is not a known {what}; known are: {}", known.join(", ")),
    }
}

fn pointer(location: &ValuePointerRef<'_>) -> String {
    match location {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => format!("{}/{}", pointer(prev), escape(key)),
        ValuePointerRef::Index { index, prev } => format!("{}/{index}", pointer(prev)),
    }
}

/// The name of a member as a segment of a JSON pointer (RFC 6901).
#[must_use]
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn any_of(kinds: &[ValueKind]) -> String {
    kinds.iter().map(|kind| kind_name(*kind)).collect::<Vec<_>>().join(" or ")
}

fn kind_name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Null => "null",
        ValueKind::Boolean => "a boolean",
        ValueKind::Integer => "a non-negative integer",
        ValueKind::NegativeInteger => "a negative integer",
        ValueKind::Float => "a number",
        ValueKind::String => "a string",
        ValueKind::Sequence => "a list",
        ValueKind::Map => "an object",
    }
}

/// Reads a type that has one way to parse a text out of a JSON string.
///
/// # Errors
/// When the value is no string, or its text is refused.
pub fn parse_text<T, V, E>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<T, E>
where
    T: FromStr,
    T::Err: Display,
    V: IntoValue,
    E: DeserializeError,
{
    match value {
        Value::String(text) => text.parse().map_err(|error: T::Err| refuse(location, &error)),
        other => Err(wrong_kind(other, &[ValueKind::String], location)),
    }
}

/// Notes what is wrong with a value that was put together at this place: for rules between its members, so that they are
/// reported along with everything else that is wrong with the body.
///
/// # Errors
/// The faults, if there are any.
pub fn checked<T>(value: T, location: ValuePointerRef<'_>, faults: Vec<Fault>) -> Result<T, Invalid> {
    if faults.is_empty() {
        return Ok(value);
    }
    let here = pointer(&location);
    Err(Invalid(faults.into_iter().map(|fault| fault.below(&here)).collect()))
}

/// Says that the value at this place is refused, and why.
pub fn refuse<E: DeserializeError>(location: ValuePointerRef<'_>, why: impl Display) -> E {
    deserr::take_cf_content(E::error::<std::convert::Infallible>(
        None,
        ErrorKind::Unexpected { msg: why.to_string() },
        location,
    ))
}

/// Says that the value at this place is of the wrong type.
pub fn wrong_kind<V: IntoValue, E: DeserializeError>(
    actual: Value<V>,
    accepted: &[ValueKind],
    location: ValuePointerRef<'_>,
) -> E {
    deserr::take_cf_content(E::error(None, ErrorKind::IncorrectValueKind { actual, accepted }, location))
}

/// Gives a type that parses from text its place in bodies and queries.
macro_rules! from_text {
    ($name:ty) => {
        impl<E: deserr::DeserializeError> deserr::Deserr<E> for $name {
            fn deserialize_from_value<V: deserr::IntoValue>(
                value: deserr::Value<V>,
                location: deserr::ValuePointerRef<'_>,
            ) -> Result<Self, E> {
                $crate::http::body::parse_text(value, location)
            }
        }
    };
}
pub(crate) use from_text;

/// A member that is read but never written: whatever is given is accepted and ignored, so that what was read can be
/// written back.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOnly;

impl<E: DeserializeError> Deserr<E> for ReadOnly {
    fn deserialize_from_value<V: IntoValue>(_: Value<V>, _: ValuePointerRef<'_>) -> Result<Self, E> {
        Ok(Self)
    }
}

/// Reads a JSON value as `T`.
///
/// # Errors
/// A 422 problem that names every fault.
pub fn parse<T: Deserr<Invalid>>(value: serde_json::Value) -> Result<T, Problem> {
    deserr::deserialize(value).map_err(|Invalid(faults)| Problem::invalid(faults))
}

/// The media type of a resource's body.
pub const JSON: &[&str] = &["application/json"];

/// Extracts a JSON body as `T`: 415 for another media type, 413 when too large, 400 when it is no JSON, 422 with every
/// fault when it is not a `T`.
pub struct Json<T>(pub T);

impl<T: Deserr<Invalid> + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let text = text(request, payload, JSON);
        Box::pin(async move { parse(document(&text.await?)?).map(Self) })
    }
}

/// Extracts a JSON merge patch (RFC 7396), which may call itself plain JSON too.
pub struct MergePatch(pub serde_json::Value);

impl FromRequest for MergePatch {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let text = text(request, payload, &["application/merge-patch+json", "application/json"]);
        Box::pin(async move {
            let patch = document(&text.await?)?;
            if patch.is_object() {
                Ok(Self(patch))
            } else {
                Err(Problem::invalid_at("", "a merge patch of a resource must be an object"))
            }
        })
    }
}

/// The bytes of a body of one of these media types.
///
/// # Errors
/// 415 for another, 413 when it is too large, 400 when it does not come in time.
pub fn text(
    request: &HttpRequest,
    payload: &mut Payload,
    accepted: &[&str],
) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    let checked = check_media_type(request, accepted);
    let payload = payload.take();
    let request = request.clone();
    async move {
        checked?;
        let text = read_limited(payload, BODY_LIMIT).await?;
        idempotency::note_body(&request, || Sha256::digest(&text).to_vec());
        Ok(text)
    }
}

/// The JSON that a body holds.
///
/// # Errors
/// 400 when it is none.
pub fn document(text: &[u8]) -> Result<serde_json::Value, Problem> {
    serde_json::from_slice(text).map_err(|error| Problem::unreadable(&error))
}

/// Refuses a body whose media type is none of `accepted`.
///
/// # Errors
/// A 415 problem that lists what is accepted.
pub fn check_media_type(request: &HttpRequest, accepted: &[&str]) -> Result<(), Problem> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if accepted.contains(&essence.as_str()) { Ok(()) } else { Err(Problem::unsupported_media_type(given, accepted)) }
}

/// How long a client may take to send a body, and how long nothing of an import's may come.
pub const BODY_TIME: Duration = Duration::from_secs(30);

async fn read_limited(payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    tokio::time::timeout(BODY_TIME, read_whole(payload, limit)).await.unwrap_or_else(|_| Err(Problem::too_slow()))
}

async fn read_whole(mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::bad_request(format!("the body could not be read: {error}")))?;
        if body.len() + chunk.len() > limit {
            return Err(Problem::too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A list of at most `N` items: enough for any page, and a bound on what one body can set in motion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpTo<const N: usize, T>(pub Vec<T>);

impl<const N: usize, T, E> Deserr<E> for UpTo<N, T>
where
    T: Deserr<E>,
    E: DeserializeError,
{
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, E> {
        if let Value::Sequence(items) = &value
            && deserr::Sequence::len(items) > N
        {
            return Err(refuse(location, format!("has more than {N} items")));
        }
        Vec::deserialize_from_value(value, location).map(Self)
    }
}

/// An object of lines of text, each under a key of this kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinesBy<K> {
    /// The lines by their keys, both as they are stored.
    pub lines: BTreeMap<String, String>,
    kind: PhantomData<K>,
}

impl<K, E> Deserr<E> for LinesBy<K>
where
    K: FromStr + Display,
    K::Err: Display,
    E: DeserializeError,
{
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, E> {
        let Value::Map(members) = value else {
            return Err(wrong_kind(value, &[ValueKind::Map], location));
        };
        let mut lines = BTreeMap::new();
        let mut error = None;
        for (key, value) in members.into_iter() {
            let here = location.push_key(&key);
            let line = key
                .parse()
                .map_err(|why: K::Err| refuse(here, why))
                .and_then(|key: K| Line::deserialize_from_value(value.into_value(), here).map(|line| (key, line)));
            match line {
                Ok((key, line)) => {
                    lines.insert(key.to_string(), line.into_string());
                }
                Err(fault) => error = Some(deserr::take_cf_content(E::merge(error, fault, here))),
            }
        }
        error.map_or(Ok(Self { lines, kind: PhantomData }), Err)
    }
}

/// The id of a member of a list, if one was given. Where the id says nothing, anything is accepted and ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GivenId(pub Option<Id>);

impl<E: DeserializeError> Deserr<E> for GivenId {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, _: ValuePointerRef<'_>) -> Result<Self, E> {
        match value {
            Value::String(text) => Ok(Self(Id::parse(&text))),
            _ => Ok(Self(None)),
        }
    }
}

/// The version that a body was read from, if it says one. Where it says nothing, anything is accepted and ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GivenVersion(pub Option<i32>);

impl<E: DeserializeError> Deserr<E> for GivenVersion {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, _: ValuePointerRef<'_>) -> Result<Self, E> {
        match value {
            Value::Integer(number) => Ok(Self(i32::try_from(number).ok())),
            _ => Ok(Self(None)),
        }
    }
}
