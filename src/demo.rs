//! The demo: a small archive to look at, made of the weekly page that Briefwire is modelled on.

use crate::access::{Caller, keys};
use crate::db::schema::resources;
use crate::db::{Connection, Db};
use crate::problem::Problem;
use crate::transfer::import;
use crate::vocabulary::Role;

/// The page to look at first.
pub const FIRST_PAGE: &str = "/v1/briefs/security-2017-07-31";

const LINES: &str = include_str!("demo.ndjson");

/// Fills an empty database, and returns a new publisher key. A database that holds anything is left alone.
///
/// # Errors
/// When the database refuses a write.
pub fn fill(db: &Db) -> Result<Option<String>, Problem> {
    if !db.write_blocking(is_empty)? {
        return Ok(None);
    }
    let report = import::run(db, Caller::OPERATOR, import::lines(LINES.as_bytes()), 1, |_| {})?;
    if let Some(verdict) = report.errors.first() {
        return Err(Problem::internal(format!("demo line {}: {} {}", verdict.line, verdict.pointer, verdict.detail)));
    }
    let (_, key) = db.write_blocking(|connection| keys::create(connection, "Demo", Role::Publisher, None, None))?;
    Ok(Some(key))
}

fn is_empty(connection: &mut Connection) -> Result<bool, Problem> {
    use diesel::prelude::*;
    Ok(resources::table.select(resources::id).first::<crate::db::types::Id>(connection).optional()?.is_none())
}
