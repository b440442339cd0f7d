//! History: every version of every resource, whole, with who and when, and what changed between two of them.
//!
//! Nothing is kept for this but the versions themselves: a revision is the resource as it is read at the position of the
//! journal from which it stands, and a difference compares two of these reads. A caller is shown the versions that it
//! could see then and may see now.

mod difference;
pub mod erasure;
pub mod handlers;
mod revisions;

pub use handlers::routes;
pub use revisions::Version;
