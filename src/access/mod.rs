//! Who may see and do what.
//!
//! Two questions, two types. *May this caller do it?* is answered by the type in a handler's signature: [`Reader`],
//! [`Editor`], [`Publisher`] or [`Admin`]. *May this caller see it?* is answered by [`visible`], the one filter that
//! every query passes through: each stored version carries its [`Audience`], and each caller belongs to one class of it.

mod audience;
mod caller;
pub mod handlers;
pub mod keys;

use utoipa_actix_web::service_config::ServiceConfig;

pub use audience::{Audience, visible};
pub use caller::{Admin, Caller, Editor, Publisher, Reader, authenticate};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(handlers::list).service(handlers::create).service(handlers::revoke);
}
