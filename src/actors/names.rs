//! Finding actors by what they are called, for the `actor` parameter of every list.

use diesel::prelude::*;

use super::resolve::{self, Candidate};
use crate::access::{Caller, Sight};
use crate::actors::model::ActorRow;
use crate::app::AppState;
use crate::db::Connection;
use crate::db::schema::actor_names;
use crate::db::types::Id;
use crate::http::query::{MANY_LIMIT, Repeated};
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;
use crate::scalars::fold_name;

/// How many actors bear one name at most, and how many are suggested for a name that nobody bears.
const BEARERS: i64 = 500;
const SUGGESTED: usize = 5;

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
        let named: Vec<Id> = actor_names::table
            .filter(part.stands(actor_names::since, actor_names::until))
            .filter(actor_names::folded.eq(&folded))
            .select(actor_names::actor_id)
            .distinct()
            .order(actor_names::actor_id)
            .limit(BEARERS)
            .load(connection)?;
        bearers.extend(named);
    }
    bearers.extend(named.map(|actor| actor.id));
    bearers.sort_unstable();
    bearers.dedup();
    Ok(bearers)
}

/// A problem that says who may be meant, if it is one of a name that nobody bears.
pub async fn with_candidates(state: &AppState, caller: &Caller, problem: Problem) -> Problem {
    let Some((parameter, name)) = problem.names_nobody() else {
        return problem;
    };
    let (parameter, name, caller) = (parameter.to_owned(), name.to_owned(), *caller);
    match candidates(state, caller, name.clone()).await {
        Ok(candidates) => {
            let detail = match candidates.first() {
                Some(first) => format!("no actor is called `{name}`; did you mean `{}`?", first.actor.name),
                None => format!("no actor is called `{name}`"),
            };
            let candidates: Vec<_> = candidates
                .iter()
                .map(|candidate| serde_json::json!({"slug": candidate.actor.slug, "name": candidate.actor.name}))
                .collect();
            Problem::parameter(&parameter, detail).with_member("candidates", candidates)
        }
        // What was asked is wrong all the same.
        Err(error) => {
            tracing::warn!(?error, "nobody can be suggested");
            problem
        }
    }
}

async fn candidates(state: &AppState, caller: Caller, name: String) -> Result<Vec<Candidate>, Problem> {
    let finder = state.finder().await?;
    let resolution = state
        .db
        .read(move |connection| {
            resolve::candidates(connection, Sight::now(&caller), &finder, &name, None, Some(SUGGESTED))
        })
        .await?;
    Ok(resolution.candidates)
}
