//! The API as its users meet it: over HTTP, on a real port, on both databases.
//!
//! Every test starts a server of its own over a fresh database, and each test function runs on SQLite and on
//! PostgreSQL; see [`support`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is a failed test"
)]
#![allow(clippy::pedantic, reason = "tests are read as sentences, and are nobody's interface")]

#[macro_use]
mod support;

mod access;
mod actors;
mod briefs;
mod categories;
mod changes;
mod cli;
mod embed;
mod erasure;
mod events;
mod feeds;
mod formats;
mod history;
mod http;
mod idempotency;
mod limits;
mod lists;
mod memory;
mod migrations;
mod names;
mod openapi;
mod oracle;
mod partner;
mod plans;
mod projections;
mod properties;
mod replicas;
mod revalidation;
mod robustness;
mod search;
mod snapshots;
mod timelines;
mod transfer;
mod trends;
mod wall;
mod webhooks;
mod workflow;
