//! Who may see and do what.
//!
//! Two questions, two types. *May this caller do it?* is answered by the type in a handler's signature: [`Reader`],
//! [`Editor`], [`Publisher`] or [`Admin`]. *May this caller see it?* is answered by [`visible`], the one filter that
//! every query passes through: each stored version carries its [`Audience`], and each caller belongs to one class of it. A
//! [`Sight`] is a caller who looks at a moment, the present one or another.

mod audience;
mod caller;
pub mod handlers;
pub mod keys;
mod limits;
mod sight;

use utoipa_actix_web::service_config::ServiceConfig;

pub use audience::{Audience, CLASSES, Visible, visible};
pub use caller::{Admin, Caller, Editor, KeyHolder, Publisher, Reader, admit, turn_away};
pub use limits::{Allowance, LimitSettings, Limits};
pub use sight::{Moment, Sees, Sight, Stands};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(handlers::list).service(handlers::create).service(handlers::revoke);
}
