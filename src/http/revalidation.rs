//! A client that holds what still stands is told so without a look at the archive.
//!
//! A page of a list, a feed, and whatever else is no single resource follows from the question, from the class of the caller, from the
//! archive as this class sees it, and from the day. All of that is known before anything is looked up, so the entity tag of such an answer
//! ends in a fingerprint of it: `"<digest of what it says>.<fingerprint>"`. While the fingerprint is the same, so is the answer, on every
//! server of the same settings. Once it is another, the digest still tells whether what is said has changed.
//!
//! The tag of a single resource is its version and the digest of what is shown, and nothing beside. So those that were told last are
//! remembered, longer than the answers themselves, since they are small.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use quick_cache::sync::Cache;
use url::Url;
use xxhash_rust::xxh3::Xxh3Default;

use crate::access::Caller;
use crate::app::AppState;
use crate::config::Config;
use crate::http::answer;
use crate::http::conditional::{self, Validity};
use crate::http::question::{self, Question};
use crate::journal::Head;

/// How many tags of single resources are remembered; each takes some hundred bytes.
const REMEMBERED: usize = 1 << 15;

/// The tags that single resources had when they were told last.
///
/// They are found by the digests of the questions.
pub struct Tags(Cache<u128, Arc<Told>>);

/// The tag of what a question is answered at a head, on a day.
struct Told {
    head: Head,
    day: u64,
    tag: String,
}

impl Default for Tags {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Tags {
    fn find(&self, asked: u128, head: Head, day: u64) -> Option<Arc<Told>> {
        self.0.get(&asked).filter(|told| told.head == head && told.day == day)
    }

    fn remember(&self, asked: u128, head: Head, day: u64, tag: String) {
        self.0.insert(asked, Arc::new(Told { head, day, tag }));
    }
}

/// The days since 1970 (UTC), for answers that speak of today: to be asked for before an answer is begun, since one that is begun before
/// midnight speaks of the day that ends.
#[must_use]
pub fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400)
}

/// Answers 304 to whoever holds what stands, and writes the fingerprints of other answers into their tags.
///
/// # Errors
/// None of its own.
pub async fn revalidate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let caller = request.extensions().get::<Caller>().copied();
    let Some((state, caller)) = request.app_data::<Data<AppState>>().cloned().zip(caller) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let (day, asked) = (today(), Question::of(request.request(), &caller).digest());
    if question::is_all_that_counts(request.method(), request.headers())
        && request.headers().contains_key(header::IF_NONE_MATCH)
        && let Ok(head) = state.heads.of(&caller).await
        && let Some(held) = held(&state, request.headers(), asked, head, day)
    {
        let response = answer::not_modified(&caller, head, held);
        return Ok(request.into_response(response).map_into_right_body());
    }
    let mut response = next.call(request).await?;
    sign(&mut response, asked, day, &state);
    Ok(response.map_into_left_body())
}

/// The entity tag, in its quotes, by which the client holds what stands, as far as that is known.
fn held(state: &AppState, headers: &HeaderMap, asked: u128, head: Head, day: u64) -> Option<String> {
    let by_fingerprint = if conditional::may_hold_fingerprints(headers) {
        conditional::held_tag_with(headers, &fingerprint(asked, head, day, &state.config))
    } else {
        None
    };
    by_fingerprint.or_else(|| conditional::held_tag(headers, head, &state.tags.find(asked, head, day)?.tag))
}

/// Writes its fingerprint into the tag of an answer that is no single resource, and remembers that of one that is.
fn sign<B>(response: &mut ServiceResponse<B>, asked: u128, day: u64, state: &AppState) {
    let Some(mut validity) = response.response_mut().extensions_mut().remove::<Validity>() else {
        return;
    };
    if validity.is_single {
        state.tags.remember(asked, validity.head, day, validity.tag.clone());
    } else {
        let unsigned = conditional::quoted(&validity.tag);
        let fingerprint = fingerprint(asked, validity.head, day, &state.config);
        validity.tag = format!("{}.{fingerprint}", validity.tag);
        // A client that holds it under an older fingerprint was told by that one.
        let is_unsigned = response.headers().get(header::ETAG).is_some_and(|shown| *shown == unsigned);
        if is_unsigned && let Ok(signed) = HeaderValue::from_str(&conditional::quoted(&validity.tag)) {
            response.headers_mut().insert(header::ETAG, signed);
        }
    }
    response.response_mut().extensions_mut().insert(validity);
}

/// The fingerprint of what an answer follows from. Feeds name the hub, and to those without a key only.
fn fingerprint(asked: u128, head: Head, day: u64, config: &Config) -> String {
    let hub = config.websub_hub.as_ref().map_or("", Url::as_str);
    let mut all = Xxh3Default::new();
    all.update(&asked.to_le_bytes());
    all.update(&head.position.to_le_bytes());
    all.update(&head.at.micros().to_le_bytes());
    all.update(&day.to_le_bytes());
    for text in [env!("CARGO_PKG_VERSION"), config.public_url.as_str(), hub] {
        all.update(text.as_bytes());
        all.update(b"\n");
    }
    format!("{:016x}", all.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(class: i16, uri: &'static str) -> Question<'static> {
        Question { class, with_key: false, uri: uri.into(), varying: ["*/*".into(), "".into(), "".into()] }
    }

    #[test]
    fn a_tag_is_remembered_for_one_question_at_one_head_on_one_day() {
        let (tags, head, asked) = (Tags::default(), Head::start(), question(0, "/v1/briefs/one"));
        let find = |asked: &Question<'_>, head, day| tags.find(asked.digest(), head, day).map(|told| told.tag.clone());
        tags.remember(asked.digest(), head, 1, "1-abc".to_owned());
        assert_eq!(find(&asked, head, 1).as_deref(), Some("1-abc"));
        let later = Head { position: head.position + 1, ..head };
        assert_eq!(find(&asked, later, 1), None);
        assert_eq!(find(&asked, head, 2), None);
        assert_eq!(find(&question(1, "/v1/briefs/one"), head, 1), None);
        assert_eq!(find(&question(0, "/v1/briefs/two"), head, 1), None);
        assert_eq!(find(&Question { with_key: true, ..asked }, head, 1), None);
    }
}
