//! Answers that stand are given again from memory.
//!
//! An answer follows from what was asked, from the class of the caller, and from the archive as this class sees it. So it
//! stands as long as the head of the journal for the class does ([`crate::journal::Heads`], which is never more than a moment
//! behind), and a write of which the class sees nothing does not touch it. It also ends with the day (UTC): a post that nobody has
//! left is held until today.
//!
//! A handler says that its answer is of this kind by making it by way of [`answer`], which leaves a [`Validity`] in it.
//! What is kept is the whole answer, compressed if it was, and with the headers that the layers further inside added; those
//! that are each request's own come from the layer outside of this one. Whoever asks for a change only ("not modified") is
//! answered from memory too, even when only the validator is kept, since that is all that such an answer had.
//!
//! The memory is bounded by its size. What is asked for often stays in it longest.

use std::sync::Arc;

use actix_web::body::{self, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorInternalServerError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse, HttpResponseBuilder};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use crate::access::Caller;
use crate::app::AppState;
use crate::http::conditional::{self, Validity};
use crate::http::question::{self, Question};
use crate::http::revalidation::today;
use crate::journal::Head;

/// The headers that say what a body is and where it goes on, and so are not sent without one.
const DESCRIBING: [HeaderName; 4] = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ETAG, header::LINK];
/// What the headers begin with that say what a page of another site may read. Who is none learns them with a body, which a cache may
/// give to such a page.
const FOR_PAGES: &str = "access-control-";
/// What a kept answer weighs beside its body and what was asked: its headers and its place.
const FRAME: u64 = 1024;
/// How much an answer may weigh that is kept, as a part of the whole memory.
const LARGEST: u64 = 32;

/// The answers that are kept.
pub struct Memory {
    answers: Cache<Key, Arc<Kept>, Weight>,
    largest: u64,
}

impl Memory {
    /// A memory of so many bytes; of none, it keeps nothing.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        let items = usize::try_from(bytes / (8 * FRAME)).unwrap_or(usize::MAX);
        Self { answers: Cache::with_weighter(items, bytes, Weight), largest: bytes / LARGEST }
    }

    fn find(&self, asked: &Asked<'_>, head: Head) -> Option<Arc<Kept>> {
        self.answers.get(asked).filter(|kept| kept.stands_at(head))
    }
}

/// A question as it is asked.
#[derive(PartialEq, Eq, Hash)]
struct Asked<'a> {
    question: Question<'a>,
    /// Whether a page of another site asks, which is told that it may.
    from_page: bool,
}

/// The same as it is kept. A type of its own, so that it can be looked for by what is only borrowed.
#[derive(PartialEq, Eq, Hash)]
struct Key(Asked<'static>);

impl<'a> Asked<'a> {
    fn of(request: &'a ServiceRequest, caller: &Caller) -> Self {
        let from_page = request.headers().contains_key(header::ORIGIN);
        Self { question: Question::of(request.request(), caller), from_page }
    }

    fn kept(self) -> Key {
        Key(Asked { question: self.question.into_owned(), from_page: self.from_page })
    }
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, Key(kept): &Key) -> bool {
        self == kept
    }
}

/// An answer as it is given again.
struct Kept {
    validity: Validity,
    day: u64,
    /// Whether the second of the last change was over when it was made: what it says of that may be more exact after.
    was_settled: bool,
    /// The headers that "not modified" has too.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, with the headers that describe it; None if so far only "not modified" was answered.
    body: Option<(Vec<(HeaderName, HeaderValue)>, Bytes)>,
}

impl Kept {
    fn stands_at(&self, head: Head) -> bool {
        self.validity.head == head && self.day == today() && (self.was_settled || !conditional::settled(head))
    }

    /// The answer to a request, unless what is kept does not say enough for that.
    fn answer(&self, request: &HeaderMap) -> Option<HttpResponse> {
        let Validity { head, tag, .. } = &self.validity;
        if let Some(held) = conditional::held_tag(request, *head, tag) {
            let mut response = answered(HttpResponse::NotModified(), &self.headers);
            return Some(response.insert_header((header::ETAG, held)).finish());
        }
        let (describing, body) = self.body.as_ref()?;
        let response = answered(HttpResponse::Ok(), &self.headers);
        Some(answered(response, describing).body(body.clone()))
    }
}

fn answered(mut response: HttpResponseBuilder, headers: &[(HeaderName, HeaderValue)]) -> HttpResponseBuilder {
    for header in headers {
        response.append_header(header.clone());
    }
    response
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Arc<Kept>> for Weight {
    fn weight(&self, Key(asked): &Key, kept: &Arc<Kept>) -> u64 {
        let body = kept.body.as_ref().map_or(0, |(_, body)| body.len());
        FRAME + (asked.question.bytes() + body) as u64
    }
}

/// Answers from memory, or keeps what is answered.
///
/// # Errors
/// None of its own.
pub async fn recall<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let Some(state) = request.app_data::<Data<AppState>>().filter(|state| state.memory.largest > 0).cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let caller = request.extensions().get::<Caller>().copied();
    let Some(caller) = caller.filter(|_| question::is_all_that_counts(request.method(), request.headers())) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let asked = Asked::of(&request, &caller);
    if let Some(head) = state.heads.known(&caller)
        && let Some(kept) = state.memory.find(&asked, head)
        && let Some(response) = kept.answer(request.headers())
    {
        return Ok(request.into_response(response).map_into_right_body());
    }
    let (key, day) = (asked.kept(), today());
    keep(&state.memory, key, day, next.call(request).await?).await
}

/// Keeps an answer if it stands.
async fn keep<B: MessageBody + 'static>(
    memory: &Memory,
    key: Key,
    day: u64,
    mut response: ServiceResponse<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let Some(validity) = response.response_mut().extensions_mut().remove::<Validity>() else {
        return Ok(response.map_into_left_body());
    };
    let was_settled = conditional::settled(validity.head);
    let goes_with_a_body =
        |name: &HeaderName| DESCRIBING.contains(name) || !key.0.from_page && name.as_str().starts_with(FOR_PAGES);
    let (describing, headers) = (response.headers().iter())
        .map(|(name, value)| (name.clone(), value.clone()))
        .partition(|(name, _)| goes_with_a_body(name));
    let mut kept = Kept { validity, day, was_settled, headers, body: None };
    if response.status() == StatusCode::NOT_MODIFIED {
        memory.answers.insert(key, Arc::new(kept));
        return Ok(response.map_into_left_body());
    }
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let body = body::to_bytes(body).await.map_err(|error| ErrorInternalServerError(error.into()))?;
    if body.len() as u64 <= memory.largest {
        kept.body = Some((describing, body.clone()));
        memory.answers.insert(key, Arc::new(kept));
    }
    Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(body))).map_into_right_body())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::CLASSES;

    fn remember(memory: &Memory, number: u64, accept: usize, body: usize) {
        let class = i16::try_from(number % CLASSES as u64).unwrap_or_default();
        let uri = format!("/v1/briefs/{number}").into();
        let varying = ["*".repeat(accept).into(), "br".into(), "".into()];
        let key = Key(Asked { question: Question { class, with_key: false, uri, varying }, from_page: false });
        let validity = Validity { head: Head::start(), tag: number.to_string(), is_single: true };
        let body = Some((Vec::new(), Bytes::from(vec![0; body])));
        let kept = Kept { validity, day: today(), was_settled: true, headers: Vec::new(), body };
        memory.answers.insert(key, Arc::new(kept));
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let memory = Memory::of(1 << 20);
        for number in 0..5_000 {
            remember(&memory, number, 3, 2_000);
            assert!(memory.answers.weight() <= 1 << 20);
        }
        assert!(memory.answers.weight() > 1 << 19, "it hardly holds anything");
    }

    #[test]
    fn what_was_asked_counts_as_what_was_answered_does() {
        let memory = Memory::of(1 << 20);
        for number in 0..100 {
            remember(&memory, number, 60_000, 10);
        }
        assert!(memory.answers.len() <= (1 << 20) / 60_000, "it holds {} long requests", memory.answers.len());
    }
}
