//! What every endpoint shares: reading bodies and queries, pages, conditional answers, formats and middleware.

pub mod answer;
pub mod body;
pub mod conditional;
pub mod dates;
pub mod fields;
pub mod idempotency;
pub mod memory;
pub mod middleware;
pub mod page;
pub mod patch;
pub mod query;
pub mod question;
pub mod revalidation;
pub mod tabular;
