//! A client that holds what still stands is told so without a look at the archive.
//!
//! A page of a list, a feed, and whatever else is no single resource follows from the question, from the class of the caller, from the
//! archive as this class sees it, and from the day. All of that is known before anything is looked up, so the entity tag of such an answer
//! ends in a fingerprint of it: `"<digest of what it says>.<fingerprint>"`. While the fingerprint is the same, so is the answer, on every
//! server of the same settings. Once it is another, the digest still tells whether what is said has changed.

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest};
use url::Url;
use xxhash_rust::xxh3::Xxh3Default;

use crate::access::{Audience, Caller};
use crate::app::AppState;
use crate::config::Config;
use crate::http::answer;
use crate::http::conditional::{self, Validity};
use crate::journal::Head;

/// The request headers that an answer depends on, beside who asks.
pub const VARYING: [HeaderName; 3] =
    [header::ACCEPT, header::ACCEPT_ENCODING, HeaderName::from_static("sec-fetch-dest")];

/// Whether a request says what it accepts in several lines, which count together, and here would have to be read so.
#[must_use]
pub fn is_in_several_lines(headers: &HeaderMap) -> bool {
    VARYING.iter().any(|name| headers.get_all(name).nth(1).is_some())
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
    let day = today();
    if may_be_told_at_once(&request)
        && let Ok(head) = state.heads.of(&caller).await
        && let fingerprint = fingerprint(request.request(), &caller, head, day, &state.config)
        && let Some(held) = conditional::held_tag_with(request.headers(), &fingerprint)
    {
        let response = answer::not_modified(&caller, head, held);
        return Ok(request.into_response(response).map_into_right_body());
    }
    let mut response = next.call(request).await?;
    sign(&mut response, &caller, day, &state.config);
    Ok(response.map_into_left_body())
}

fn may_be_told_at_once(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    request.method() == Method::GET
        && headers.contains_key(header::IF_NONE_MATCH)
        && !is_in_several_lines(headers)
        && !answer::asks_at_least(headers)
}

/// Writes its fingerprint into the tag of an answer that is no single resource.
fn sign<B>(response: &mut ServiceResponse<B>, caller: &Caller, day: u64, config: &Config) {
    let Some(mut validity) = response.response_mut().extensions_mut().remove::<Validity>() else {
        return;
    };
    if !validity.is_single && !is_in_several_lines(response.request().headers()) {
        let unsigned = conditional::quoted(&validity.tag);
        let fingerprint = fingerprint(response.request(), caller, validity.head, day, config);
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
fn fingerprint(request: &HttpRequest, caller: &Caller, head: Head, day: u64, config: &Config) -> String {
    let asked = request.uri().path_and_query().map_or("", |uri| uri.as_str());
    let hub = config.websub_hub.as_ref().map_or("", Url::as_str);
    let mut all = Xxh3Default::new();
    all.update(&Audience::class_of(caller).to_le_bytes());
    all.update(&[u8::from(caller.key.is_some())]);
    all.update(&head.position.to_le_bytes());
    all.update(&head.at.micros().to_le_bytes());
    all.update(&day.to_le_bytes());
    for text in [env!("CARGO_PKG_VERSION"), config.public_url.as_str(), hub, asked] {
        all.update(text.as_bytes());
        all.update(b"\n");
    }
    // A client that does not say what it accepts accepts all, but no coding.
    for (name, by_itself) in VARYING.into_iter().zip(["*/*", "", ""]) {
        all.update(request.headers().get(name).map_or(by_itself.as_bytes(), HeaderValue::as_bytes));
        all.update(b"\n");
    }
    format!("{:016x}", all.digest())
}
