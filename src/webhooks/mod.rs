//! Webhooks: an endpoint of a partner is told of every change that its key may know of, in order, at least once, signed as
//! Standard Webhooks says.
//!
//! There is no queue. A webhook is a place in the journal; the next message is the first row after it that is wanted, and it
//! is made at each attempt anew, with the rights that the key has at that moment. [`dispatcher`] follows the journal for each
//! of them; of all servers on one database, one does so.

mod addresses;
mod dispatcher;
mod filter;
mod handlers;
pub mod input;
mod log;
mod message;
mod model;
mod next;
mod progress;
mod secrets;
mod sender;
mod signature;
mod store;

pub use dispatcher::Dispatcher;
pub use handlers::routes;
pub use message::{Envelope, TestEnvelope};
pub use sender::Sender;

use crate::db::Connection;
use crate::problem::Problem;

/// Forgets a lot of what is of no use any more: old deliveries, secrets that are not valid, webhooks of revoked keys.
///
/// # Errors
/// When a statement fails.
pub fn forget_old(connection: &mut Connection) -> Result<(), Problem> {
    log::forget_old(connection)?;
    secrets::forget_expired(connection)?;
    store::forget_orphans(connection)
}
