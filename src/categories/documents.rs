//! Categories as the index holds them: by their name in every language.

use diesel::prelude::*;

use super::model::CategoryRow;
use crate::access::{Audience, Moment};
use crate::db::schema::categories;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks};
use crate::natively;
use crate::problem::Problem;
use crate::search::document::{Document, joined};
use crate::search::permits::Permits;
use crate::vocabulary::Kind;

/// The documents of these categories.
///
/// # Errors
/// When a query fails.
pub fn of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Vec<Document>, Problem> {
    let rows = in_chunks::<_, CategoryRow, Problem>(ids, |ids| {
        natively!(connection, |native| categories::table
            .filter(moment.stands(categories::since, categories::until))
            .filter(among(categories::id, ids))
            .select(CategoryRow::as_select())
            .load(native))
    })?;
    let permits = Permits::of(connection, moment, ids)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let audience = Audience::EVERYONE & permits.to_see(row.id);
            let mut document = Document::new(Kind::Category, row.id, audience, row.slug, row.name, row.updated_at);
            let names = row.names.0.values().map(|name| Some(name.as_str()));
            document.text = joined(names.chain([row.description.as_deref()]));
            document
        })
        .collect())
}
