//! Finding actors by what they are called, for the `actor` parameter of every list.

use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::access::Sight;
use crate::actors::model::ActorRow;
use crate::db::schema::{actor_names, actors};
use crate::db::types::{Id, sql::Identifier};
use crate::db::{Connection, UnionAll};
use crate::http::query::{MANY_LIMIT, Repeated};
use crate::natively;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;
use crate::scalars::fold_name;

/// How often one name is borne at most.
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
    let Some(slug) = reference.slug.as_deref() else {
        let named: Option<ActorRow> = resource::lead(connection, sight, &reference)?;
        return Ok(named.map(|actor| actor.id).into_iter().collect());
    };
    let folded = fold_name(text);
    if folded.is_empty() {
        return Ok(Vec::new());
    }
    let mut ways: UnionAll<'_, (Bool, Identifier)> = UnionAll::default();
    for part in sight.parts() {
        let by_slug = actors::table.filter(part.stands(actors::since, actors::until)).filter(actors::slug.eq(slug));
        ways.add(by_slug.select((true.into_sql::<Bool>(), actors::id)));
        let by_name = actor_names::table
            .filter(part.stands(actor_names::since, actor_names::until))
            .filter(actor_names::folded.eq(&folded));
        // Along the index of names, so that nothing is sorted; an actor may bear a name twice.
        let by_name = by_name.order(actor_names::actor_id).limit(BEARERS);
        ways.add(by_name.select((false.into_sql::<Bool>(), actor_names::actor_id)));
    }
    let found: Vec<(bool, Id)> = natively!(connection, |native| ways.load(native))?;
    let has_slug = found.iter().any(|(by_slug, _)| *by_slug);
    let mut bearers: Vec<Id> = found.into_iter().map(|(_, id)| id).collect();
    if !has_slug {
        let renamed: Option<ActorRow> = resource::lead(connection, sight, &reference)?;
        bearers.extend(renamed.map(|actor| actor.id));
    }
    bearers.sort_unstable();
    bearers.dedup();
    Ok(bearers)
}
