//! Conditional requests (RFC 9110, 13): entity tags, times of the last change, and preconditions.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use actix_web::HttpRequest;
use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, Encoding, HeaderMap, HeaderName};

use crate::app::AppState;
use crate::journal::Head;
use crate::problem::{Problem, ProblemType};

const SECOND: Duration = Duration::from_secs(1);

/// What an answer follows from beside the request, left in it for [`crate::http::revalidation`] and [`crate::http::memory`].
#[derive(Debug, Clone)]
pub struct Validity {
    /// How far the journal had come for the class of the caller.
    pub head: Head,
    /// The entity tag, without its quotes.
    pub tag: String,
    /// Whether it is a single resource, whose tag is its version and the digest of what is shown.
    pub is_single: bool,
}

/// The entity tag, in its quotes, by which the client holds a representation, if it does. `If-None-Match` decides where it is given, and
/// `If-Modified-Since` only where it is not.
#[must_use]
pub fn held_tag(request: &HeaderMap, head: Head, tag: &str) -> Option<String> {
    if let Some(held) = lines(request, header::IF_NONE_MATCH) {
        if held.trim() == "*" {
            return Some(quoted(tag));
        }
        // The one that the client sent is the one by which it, and every cache on the way, finds what it has.
        return tags(&held).find(|held| bare(held) == bare(tag) && is_accepted(held, request)).map(ToOwned::to_owned);
    }
    let since = request.get(header::IF_MODIFIED_SINCE)?.to_str().ok()?;
    let since = httpdate::parse_http_date(since).ok()?;
    (settled(head) && SystemTime::from(head.at.datetime()) < since + SECOND).then(|| quoted(tag))
}

/// Whether the client holds something by a tag that may have a fingerprint.
#[must_use]
pub fn may_hold_fingerprints(request: &HeaderMap) -> bool {
    lines(request, header::IF_NONE_MATCH).is_some_and(|held| held.contains('.'))
}

/// The entity tag, in its quotes, by which the client holds what has this fingerprint, if it does.
#[must_use]
pub fn held_tag_with(request: &HeaderMap, fingerprint: &str) -> Option<String> {
    let held = lines(request, header::IF_NONE_MATCH)?;
    let has_it = |held: &&str| suffixes(held).any(|suffix| suffix == fingerprint);
    tags(&held).find(|held| has_it(held) && is_accepted(held, request)).map(ToOwned::to_owned)
}

/// An entity tag as it stands in headers.
#[must_use]
pub fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

/// The entity tags of a header, without the `W/` that proxies add.
fn tags(header: &str) -> impl Iterator<Item = &str> {
    header.split(',').map(|tag| tag.trim().trim_start_matches("W/"))
}

/// What follows the first part of an entity tag: its fingerprint, its content coding.
fn suffixes(tag: &str) -> impl Iterator<Item = &str> {
    tag.trim_matches('"').split('.').skip(1)
}

/// Whether the client accepts the content coding of what it holds by this tag: a cache may hold it for others who do (RFC 9111, 4.3.2).
fn is_accepted(tag: &str, request: &HeaderMap) -> bool {
    let accepts = |coding: ContentEncoding| {
        let accepted = lines(request, header::ACCEPT_ENCODING).unwrap_or_default();
        let accepted = AcceptEncoding(accepted.split(',').filter_map(|coding| coding.trim().parse().ok()).collect());
        let coding = Encoding::Known(coding);
        accepted.negotiate([&coding].into_iter()).as_ref() == Some(&coding)
    };
    suffixes(tag).filter_map(|suffix| suffix.parse().ok()).all(accepts)
}

/// An entity tag without its quotes and its suffixes.
fn bare(tag: &str) -> &str {
    let tag = tag.trim_matches('"');
    tag.split_once('.').map_or(tag, |(tag, _)| tag)
}

/// The lines of a header as one, if it is there. Bytes that are no text become a character that is in no tag.
#[must_use]
pub fn lines(headers: &HeaderMap, name: HeaderName) -> Option<Cow<'_, str>> {
    let lines = headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    lines.reduce(|before, line| format!("{before},{line}").into())
}

/// Whether the second of the last change is over. Until then the same `Last-Modified` may come to stand for another state,
/// and so proves nothing (RFC 9110, 8.8.2.2).
#[must_use]
pub fn settled(head: Head) -> bool {
    SystemTime::now() > SystemTime::from(head.at.datetime()) + SECOND
}

/// When what a caller sees last changed. While more may come within that second, the one before: who asks by it later is then
/// not told that nothing has changed.
#[must_use]
pub fn last_modified(head: Head) -> SystemTime {
    let at = SystemTime::from(head.at.datetime());
    if settled(head) { at } else { at.checked_sub(SECOND).unwrap_or(SystemTime::UNIX_EPOCH) }
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
                ProblemType::PRECONDITION_REQUIRED,
                "Send the `ETag` of what you read as `If-Match`.",
            ));
        }
        let must_exist = if_match.is_some();
        let versions = if_match.filter(|given| given.trim() != "*").map(|given| {
            tags(&given).filter_map(|tag| bare(tag).split('-').next().and_then(|it| it.parse().ok())).collect()
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
