//! Actors as the index holds them: by every name.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::model::ActorRow;
use super::spelling::keys_of;
use super::store::{names_of, positions_of};
use crate::access::{Audience, Moment};
use crate::db::schema::actors;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks};
use crate::natively;
use crate::problem::Problem;
use crate::search::document::{Document, Tag, joined};
use crate::search::permits::Permits;
use crate::vocabulary::Kind;

/// The documents of these actors.
///
/// # Errors
/// When a query fails.
pub fn of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Vec<Document>, Problem> {
    let rows = in_chunks::<_, ActorRow, Problem>(ids, |ids| {
        natively!(connection, |native| actors::table
            .filter(moment.stands(actors::since, actors::until))
            .filter(among(actors::id, ids))
            .select(ActorRow::as_select())
            .load(native))
    })?;
    let permits = Permits::of(connection, moment, ids)?;
    let mut others: HashMap<Id, Vec<String>> = HashMap::new();
    let mut keys: HashMap<Id, BTreeSet<String>> = HashMap::new();
    for name in names_of(connection, moment, ids)? {
        keys.entry(name.actor_id).or_default().extend(keys_of(&name.name));
        if name.ordinal > 0 {
            others.entry(name.actor_id).or_default().push(name.name);
        }
    }
    for position in positions_of(connection, moment, ids)? {
        others.entry(position.actor_id).or_default().push(position.title);
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let audience = Audience::EVERYONE & permits.to_see(row.id);
            let mut document = Document::new(Kind::Actor, row.id, audience, row.slug, row.name, row.updated_at);
            let others = others.remove(&row.id).unwrap_or_default();
            document.text = joined(others.iter().map(|other| Some(other.as_str())).chain([row.description.as_deref()]));
            document.tag(Tag::Country, row.country.as_deref());
            document.tag(Tag::ActorKind, [row.kind.as_str()]);
            document.keys = keys.remove(&row.id).unwrap_or_default();
            document
        })
        .collect())
}
