//! Webhooks: an endpoint of a partner is told of every change that its key may know of, in order, at least once, signed as
//! Standard Webhooks says.
//!
//! There is no queue. A webhook is a place in the journal; the next message is the first row after it that is wanted, and it
//! is made at each attempt anew, with the rights that the key has at that moment. [`deliver`] follows the journal for each of
//! them; of all servers on one database, one does so.

mod addresses;
mod deliver;
mod filter;
mod handlers;
pub mod input;
pub mod log;
mod message;
mod model;
mod progress;
mod sender;
mod signature;
mod store;

pub use deliver::Deliveries;
pub use filter::WebhookFilter;
pub use handlers::routes;
pub use message::{Envelope, TestEnvelope};
pub use model::MessageType;
