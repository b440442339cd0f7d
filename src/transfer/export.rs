//! Export: every resource that the caller may see, in the form that import reads: read-only members left out, references
//! as slugs, categories and actors before the events and briefs that name them.

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use crate::access::{Caller, Moment, Sight, visible};
use crate::actors::model::ActorRow;
use crate::briefs;
use crate::briefs::model::BriefRow;
use crate::categories::model::CategoryRow;
use crate::db::Connection;
use crate::db::schema::{actors, briefs as brief_table, categories, events};
use crate::db::types::Id;
use crate::events::model::EventRow;
use crate::http::page::Extras;
use crate::problem::Problem;
use crate::resource::Resource;
use crate::vocabulary::Kind;

/// How many resources are read at a time.
const CHUNK: i64 = 200;

/// Where an export goes on.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    kind: Kind,
    after: Option<Id>,
}

impl Place {
    /// The beginning.
    pub const START: Self = Self { kind: Kind::Category, after: None };
}

/// The next lines, and where the export goes on after them, if it does.
///
/// # Errors
/// When a query fails.
pub fn chunk(connection: &mut Connection, caller: &Caller, place: Place) -> Result<(Vec<u8>, Option<Place>), Problem> {
    let documents = match place.kind {
        Kind::Category => categories_after(connection, caller, place.after)?,
        Kind::Actor => actors_after(connection, caller, place.after)?,
        Kind::Event => events_after(connection, caller, place.after)?,
        // Trends are exported inside of their briefs.
        Kind::Brief | Kind::Trend => briefs_after(connection, caller, place.after)?,
    };
    let last = documents.last().map(|(id, _)| *id);
    let full = i64::try_from(documents.len()).unwrap_or(i64::MAX) >= CHUNK;
    let next = match place.kind {
        kind if full => Some(Place { kind, after: last }),
        Kind::Category => Some(Place { kind: Kind::Actor, after: None }),
        Kind::Actor => Some(Place { kind: Kind::Event, after: None }),
        Kind::Event => Some(Place { kind: Kind::Brief, after: None }),
        Kind::Brief | Kind::Trend => None,
    };
    let mut lines = Vec::new();
    for (_, document) in documents {
        serde_json::to_writer(&mut lines, &document).map_err(Problem::internal)?;
        lines.push(b'\n');
    }
    Ok((lines, next))
}

type Documents = Vec<(Id, Value)>;

fn categories_after(connection: &mut Connection, caller: &Caller, after: Option<Id>) -> Result<Documents, Problem> {
    let mut query = categories::table.filter(categories::until.is_null()).into_boxed();
    if let Some(after) = after {
        query = query.filter(categories::id.gt(after));
    }
    let rows: Vec<CategoryRow> =
        query.order(categories::id).limit(CHUNK).select(CategoryRow::as_select()).load(connection)?;
    rows.into_iter()
        .map(|row| {
            let id = row.id;
            let mut document = document(Kind::Category, &CategoryRow::view(connection, Sight::now(caller), row)?)?;
            remove(&mut document, &["version", "created_at", "updated_at", "status"]);
            Ok((id, Value::Object(document)))
        })
        .collect()
}

fn actors_after(connection: &mut Connection, _: &Caller, after: Option<Id>) -> Result<Documents, Problem> {
    let mut query = actors::table.filter(actors::until.is_null()).into_boxed();
    if let Some(after) = after {
        query = query.filter(actors::id.gt(after));
    }
    let rows: Vec<ActorRow> = query.order(actors::id).limit(CHUNK).select(ActorRow::as_select()).load(connection)?;
    crate::actors::store::views(connection, Moment::Head, rows)?
        .iter()
        .map(|view| {
            let mut document = document(Kind::Actor, view)?;
            remove(&mut document, &["version", "created_at", "updated_at"]);
            refer(document.get_mut("parent"));
            for position in items(document.get_mut("positions")) {
                refer(position.get_mut("organisation"));
            }
            Ok((view.id, Value::Object(document)))
        })
        .collect()
}

fn events_after(connection: &mut Connection, caller: &Caller, after: Option<Id>) -> Result<Documents, Problem> {
    let mut query =
        events::table.filter(events::until.is_null()).filter(visible(events::audience, caller)).into_boxed();
    if let Some(after) = after {
        query = query.filter(events::id.gt(after));
    }
    let rows: Vec<EventRow> = query.order(events::id).limit(CHUNK).select(EventRow::as_select()).load(connection)?;
    let released: Vec<Id> = rows.iter().filter(|row| row.released_by_brief).map(|row| row.id).collect();
    crate::events::store::views(connection, Moment::Head, rows)?
        .iter()
        .map(|view| {
            let mut document = document(Kind::Event, view)?;
            remove(&mut document, &["version", "created_at", "updated_at", "occurred_from", "occurred_to"]);
            if released.contains(&view.id) {
                // Its briefs make it as public as they are. Said here, it would be public in its own right.
                remove(&mut document, &["state"]);
            }
            for participant in items(document.get_mut("participants")) {
                refer(participant.get_mut("actor"));
            }
            Ok((view.id, Value::Object(document)))
        })
        .collect()
}

/// Whoever names one of a group is in it, so each names those before it, and no line waits for another. The first names none, and
/// must not say that it has none: that would leave the group.
fn name_translations_before(document: &mut Map<String, Value>, brief: Id) {
    let Some(Value::Array(translations)) = document.get_mut("translations") else { return };
    let is_in_a_group = !translations.is_empty();
    translations.retain(|link| {
        let id = link.get("id").and_then(Value::as_str).and_then(Id::parse);
        id.is_some_and(|id| id < brief)
    });
    if is_in_a_group && translations.is_empty() {
        remove(document, &["translations"]);
    }
}

fn briefs_after(connection: &mut Connection, caller: &Caller, after: Option<Id>) -> Result<Documents, Problem> {
    let mut query = brief_table::table
        .filter(brief_table::until.is_null())
        .filter(visible(brief_table::audience, caller))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(brief_table::id.gt(after));
    }
    let rows: Vec<BriefRow> =
        query.order(brief_table::id).limit(CHUNK).select(BriefRow::as_select()).load(connection)?;
    let extras = Extras::all(&["body", "trends", "events"]);
    briefs::views::rows(connection, Sight::now(caller), rows, &extras)?
        .iter()
        .map(|view| {
            let mut document = document(Kind::Brief, view)?;
            remove(&mut document, &["version", "created_at", "updated_at"]);
            refer(document.get_mut("category"));
            name_translations_before(&mut document, view.id);
            for name in ["events", "translations", "related"] {
                refer_each(document.get_mut(name));
            }
            for trend in items(document.get_mut("trends")) {
                if let Some(trend) = trend.as_object_mut() {
                    remove(trend, &["id", "version", "created_at", "updated_at", "position"]);
                    refer_each(trend.get_mut("actors"));
                    refer_each(trend.get_mut("evidence"));
                }
            }
            Ok((view.id, Value::Object(document)))
        })
        .collect()
}

fn document(kind: Kind, view: &impl serde::Serialize) -> Result<Map<String, Value>, Problem> {
    let mut document = Map::new();
    document.insert("type".into(), json!(kind));
    if let Value::Object(members) = serde_json::to_value(view).map_err(Problem::internal)? {
        document.extend(members);
    }
    Ok(document)
}

fn remove(document: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        document.shift_remove(*name);
    }
}

fn items(list: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

/// Puts the slug in the place of what a reference shows.
fn refer(link: Option<&mut Value>) {
    if let Some(link) = link
        && let Some(slug) = link.get("slug")
    {
        *link = slug.clone();
    }
}

/// The same for a list. What was deleted stays the link that it is.
fn refer_each(list: Option<&mut Value>) {
    if let Some(Value::Array(links)) = list {
        for link in links {
            refer(Some(link));
        }
    }
}
