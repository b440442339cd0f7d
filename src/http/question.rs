//! What was asked, as far as an answer depends on it beside the archive and the day.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use xxhash_rust::xxh3::Xxh3Default;

use crate::access::{Audience, Caller};
use crate::http::{answer, conditional};

/// What a browser wants something for.
pub const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// How many of them an answer depends on.
const HEADERS: usize = 3;

/// The request headers that an answer depends on, beside who asks, and what a client means that does not send them: it accepts
/// everything, but no coding.
const VARYING: [(HeaderName, &str); HEADERS] =
    [(header::ACCEPT, "*/*"), (header::ACCEPT_ENCODING, ""), (SEC_FETCH_DEST, "")];

/// A question, and which class of caller asks it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question<'a> {
    /// The number of the class.
    pub class: i16,
    /// Whether a key was sent: what it is answered is not for shared caches.
    pub with_key: bool,
    /// The path and the query.
    pub uri: Cow<'a, str>,
    /// What the headers say that answers depend on.
    pub varying: [Cow<'a, str>; HEADERS],
}

impl<'a> Question<'a> {
    /// What a request asks.
    #[must_use]
    pub fn of(request: &'a HttpRequest, caller: &Caller) -> Self {
        let value = |(name, by_itself)| conditional::lines(request.headers(), name).unwrap_or(Cow::Borrowed(by_itself));
        Self {
            class: Audience::class_of(caller),
            with_key: caller.key.is_some(),
            uri: request.uri().path_and_query().map_or("", |uri| uri.as_str()).into(),
            varying: VARYING.map(value),
        }
    }

    /// The same, to be kept.
    #[must_use]
    pub fn into_owned(self) -> Question<'static> {
        let Self { class, with_key, uri, varying } = self;
        Question {
            class,
            with_key,
            uri: uri.into_owned().into(),
            varying: varying.map(|value| value.into_owned().into()),
        }
    }

    /// So many bits of it that no two have the same, on every server.
    #[must_use]
    pub fn digest(&self) -> u128 {
        let mut all = Xxh3Default::new();
        all.update(&self.class.to_le_bytes());
        all.update(&[u8::from(self.with_key)]);
        for text in std::iter::once(&self.uri).chain(&self.varying) {
            all.update(text.as_bytes());
            all.update(b"\n");
        }
        all.digest128()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.uri.len() + self.varying.iter().map(|value| value.len()).sum::<usize>()
    }
}

/// Whether the answer to a request follows from the question and from the archive as this server knows it. That is not so where it says
/// from which position on it has to be answered: another server may have written that.
#[must_use]
pub fn is_all_that_counts(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::GET && !answer::asks_at_least(headers)
}
