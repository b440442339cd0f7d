//! The caller, and the types that a handler demands of it.

use std::ops::Deref;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use futures_util::future::{Ready, ready};

use super::keys::{self, Quota};
use super::limits::Allowance;
use crate::app::AppState;
use crate::db::types::Id;
use crate::problem::{Problem, ProblemType};
use crate::vocabulary::{Marking, Role};

/// Who calls: a key with its role and clearance, or nobody in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The key, if one was given.
    pub key: Option<Id>,
    /// What it may do.
    pub role: Role,
    /// The highest marking that it may see.
    pub clearance: Marking,
}

impl Caller {
    /// A caller without a key.
    pub const ANYONE: Self = Self { key: None, role: Role::Reader, clearance: Marking::Clear };
    /// The operator at the command line, who has the database file anyway.
    pub const OPERATOR: Self = Self { key: None, role: Role::Admin, clearance: Marking::Red };

    /// Whether it may see drafts and write.
    #[must_use]
    pub fn is_editor(&self) -> bool {
        self.role >= Role::Editor
    }

    /// Whether it may change what is published.
    #[must_use]
    pub fn is_publisher(&self) -> bool {
        self.role >= Role::Publisher
    }
}

/// A caller of at least one role: naming it in a handler's signature is the check.
macro_rules! at_least {
    ($(#[$meta:meta])* $name:ident = $role:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub Caller);

        impl Deref for $name {
            type Target = Caller;

            fn deref(&self) -> &Caller {
                &self.0
            }
        }

        impl FromRequest for $name {
            type Error = Problem;
            type Future = Ready<Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let caller = request.extensions().get::<Caller>().copied();
                ready(demand($role, caller.unwrap_or(Caller::ANYONE)).map(Self))
            }
        }
    };
}

at_least! {
    /// Anyone; a key widens what is seen.
    Reader = Role::Reader
}
at_least! {
    /// Writes drafts.
    Editor = Role::Editor
}
at_least! {
    /// Publishes, and changes what is published.
    Publisher = Role::Publisher
}
at_least! {
    /// Manages keys.
    Admin = Role::Admin
}

/// Anyone with a key, whatever its role.
#[derive(Debug, Clone, Copy)]
pub struct KeyHolder {
    /// Who calls.
    pub caller: Caller,
    /// The key.
    pub key: Id,
}

impl FromRequest for KeyHolder {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().copied().unwrap_or(Caller::ANYONE);
        let holder = caller.key.map(|key| Self { caller, key });
        ready(holder.ok_or_else(|| Problem::unauthenticated("This needs an API key, of any role.")))
    }
}

/// What is wrong with who calls.
struct Refusal(Problem);

/// Finds out who calls, and counts the request, before anything is done for it. What is wrong with that is said further inside
/// ([`turn_away`]), where the answer gets what every answer has.
///
/// # Errors
/// None of its own.
pub async fn admit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if !is_preflight(&request) {
        let admitted = look_at(&request).await;
        let mut extensions = request.extensions_mut();
        match admitted {
            Ok((caller, allowance)) => {
                extensions.insert(caller);
                if let Some(allowance) = allowance {
                    extensions.insert(allowance);
                }
            }
            Err(problem) => drop(extensions.insert(Refusal(problem))),
        }
    }
    next.call(request).await
}

/// Refuses a caller before anything of the request is read, so that who may not do a thing learns that first, whatever the
/// body says. A key that is not a good one is refused everywhere.
///
/// # Errors
/// None of its own: a refusal is a response.
pub async fn turn_away<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let refusal = request.extensions_mut().remove::<Refusal>();
    match refusal {
        None => Ok(next.call(request).await?.map_into_left_body()),
        Some(Refusal(problem)) => {
            let (request, _) = request.into_parts();
            Ok(ServiceResponse::from_err(problem, request).map_into_right_body())
        }
    }
}

/// Whether a browser asks if it may ask. It does so without a key, and the question is not counted.
fn is_preflight(request: &ServiceRequest) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Finds out who calls, and counts the request. Those who look whether the server is well are not counted.
async fn look_at(request: &ServiceRequest) -> Result<(Caller, Option<Allowance>), Problem> {
    let state =
        request.app_data::<web::Data<AppState>>().ok_or_else(|| Problem::internal("the application has no state"))?;
    let address = state.limits.address_of(request);
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        let allowance =
            if request.path().starts_with("/health/") { None } else { state.limits.count(address, None)? };
        return Ok((Caller::ANYONE, allowance));
    };
    state.limits.may_try_a_key(address)?;
    let (caller, quota) = identify(state, header).await.inspect_err(|problem| {
        if problem.kind() == ProblemType::UNAUTHENTICATED {
            state.limits.tried_a_wrong_key(address);
        }
    })?;
    let allowance = state.limits.count(address, caller.key.map(|key| (key, quota)))?;
    Ok((caller, allowance))
}

async fn identify(state: &AppState, header: &HeaderValue) -> Result<(Caller, Option<Quota>), Problem> {
    let token = header
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim().to_owned())
        .ok_or_else(|| Problem::unauthenticated("`Authorization` must be `Bearer` and an API key."))?;
    state
        .db
        .read(move |connection| keys::find(connection, &token))
        .await?
        .ok_or_else(|| Problem::unauthenticated("The API key is unknown or revoked."))
}

fn demand(role: Role, caller: Caller) -> Result<Caller, Problem> {
    if caller.role >= role {
        Ok(caller)
    } else if caller.key.is_none() {
        Err(Problem::unauthenticated(format!("This needs an API key with role `{role}` or higher.")))
    } else {
        Err(Problem::needs_role(role))
    }
}
