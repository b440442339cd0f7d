//! Briefwire, an API server for security-analysis briefs.
//!
//! A tour: read [`journal`] first, which says how nothing is ever overwritten, and [`access`] next, which says who sees
//! what; every other module leans on these two. Then take any slice, say [`events`]: its `model` is what is stored and
//! served, `input` what is accepted, `filter` what a list can be asked, `sought` and `documents` the
//! same for the index, `store` the writes, `handlers` the endpoints.
//!
//! - The slices of the domain: [`briefs`], [`events`], [`actors`], [`trends`], [`categories`]; what they do alike is in
//!   [`resource`]; how they name one another in [`reference`](mod@reference) and [`slugs`].
//! - Words, counts and names in any spelling, from an index that follows the journal: [`search`].
//! - Rows and pages that are ready to be sent, kept by those who made them: [`projections`].
//! - Every version of everything: [`history`]. What changed, for those who keep a copy: [`changes`], [`feeds`], [`embed`]. Bulk in and out: [`transfer`].
//! - The words of the domain: [`vocabulary`], [`edtf`], [`scalars`], [`sources`], [`markdown`].
//! - HTTP: [`http`], [`problem`], [`routes`], [`openapi`], [`docs`], [`ops`].
//! - The ground: [`db`], [`config`], [`app`], [`clock`], [`cli`], [`demo`].

pub mod access;
pub mod actors;
pub mod app;
pub mod briefs;
pub mod categories;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod demo;
pub mod docs;
pub mod edtf;
pub mod embed;
pub mod events;
pub mod feeds;
pub mod history;
pub mod http;
pub mod journal;
pub mod markdown;
pub mod openapi;
pub mod ops;
pub mod problem;
pub mod projections;
pub mod reference;
pub mod removal;
pub mod resource;
pub mod routes;
pub mod scalars;
pub mod search;
pub mod slugs;
pub mod sources;
pub mod transfer;
pub mod trends;
pub mod vocabulary;
pub mod webhooks;
