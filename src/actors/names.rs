//! Finding actors by what they are called, for the `actor` parameter of every list.

use diesel::prelude::*;

use crate::access::Sight;
use crate::actors::model::ActorRow;
use crate::db::Connection;
use crate::db::schema::actor_names;
use crate::db::types::Id;
use crate::http::query::{MANY_LIMIT, Repeated};
use crate::natively;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;
use crate::scalars::fold_name;

/// How many actors bear one name at most.
const BEARERS: i64 = 500;

/// The actors that a parameter's values mean, one set for each value: by id, slug or any known name. A value is tried
/// whole first, since names have commas too, and then as a list.
///
/// # Errors
/// 400 for a name that nobody bears.
pub fn meant_by(
    connection: &mut Connection,
    sight: Sight,
    parameter: &str,
    values: &Repeated,
) -> Result<Vec<Vec<Id>>, Problem> {
    let mut meant = Vec::new();
    for value in &values.0 {
        let whole = bearers(connection, sight, value)?;
        if !whole.is_empty() {
            meant.push(whole);
            continue;
        }
        let parts: Vec<&str> = value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Err(Problem::parameter(parameter, format!("`{value}` names nobody")));
        }
        if meant.len() + parts.len() > MANY_LIMIT {
            return Err(Problem::parameter(parameter, format!("lists more than {MANY_LIMIT} values")));
        }
        for part in parts {
            let found = bearers(connection, sight, part)?;
            if found.is_empty() {
                return Err(Problem::unknown_actor(parameter, part));
            }
            meant.push(found);
        }
    }
    Ok(meant)
}

/// Every actor with this id, slug or name. A slug that an actor had before leads to it too.
///
/// # Errors
/// When a query fails.
pub fn bearers(connection: &mut Connection, sight: Sight, text: &str) -> Result<Vec<Id>, Problem> {
    let reference = Reference::from_text(text);
    let named: Option<ActorRow> = resource::lead(connection, sight, &reference)?;
    if reference.id.is_some() {
        return Ok(named.map(|actor| actor.id).into_iter().collect());
    }
    let folded = fold_name(text);
    if folded.is_empty() {
        return Ok(Vec::new());
    }
    let mut bearers: Vec<Id> = Vec::new();
    for part in sight.parts() {
        let named: Vec<Id> = natively!(connection, |native| actor_names::table
            .filter(part.stands(actor_names::since, actor_names::until))
            .filter(actor_names::folded.eq(&folded))
            .select(actor_names::actor_id)
            .distinct()
            .order(actor_names::actor_id)
            .limit(BEARERS)
            .load(native))?;
        bearers.extend(named);
    }
    bearers.extend(named.map(|actor| actor.id));
    bearers.sort_unstable();
    bearers.dedup();
    Ok(bearers)
}
