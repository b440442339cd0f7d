//! The categories' queries and writes.

use std::collections::HashMap;

use diesel::prelude::*;

use super::input::{CategoryFilter, CategoryInput, CategorySort};
use super::model::{CategoryLink, CategoryRow, CategoryView};
use crate::access::{Audience, Moment, Sight};
use crate::briefs;
use crate::db::schema::categories;
use crate::db::types::{Id, Json, Timestamp};
use crate::db::{All, Connection, among};
use crate::history::erasure::{Stored, Stretch};
use crate::http::body;
use crate::http::page::{self, Extras, Listed, Rows, SortKey, Window};
use crate::http::query::NameOrSlug;
use crate::in_order;
use crate::journal::{Write, changed_since};
use crate::natively;
use crate::problem::Problem;
use crate::reference::{self, Reference};
use crate::removal::Removal;
use crate::resource::{self, Resource};
use crate::scalars::{Prose, Slug};
use crate::vocabulary::{Change, Kind};
use crate::{destroy_rows, end_versions, insert_row, look_up, slugs, taken_slugs};

/// How briefs show these categories.
///
/// # Errors
/// When the query fails.
pub fn links(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<HashMap<Id, CategoryLink>, Problem> {
    let rows: Vec<(Id, String, String, Json<super::model::Names>)> = natively!(connection, |native| categories::table
        .filter(moment.stands(categories::since, categories::until))
        .filter(among(categories::id, ids))
        .select((categories::id, categories::slug, categories::name, categories::names))
        .load(native))?;
    Ok(rows.into_iter().map(|(id, slug, name, names)| (id, CategoryLink { slug, name, names: names.0 })).collect())
}

impl Resource for CategoryRow {
    const KIND: Kind = Kind::Category;
    const COLLECTION: &'static str = "categories";
    type View = CategoryView;
    type Input = CategoryInput;

    fn id(&self) -> Id {
        self.id
    }

    fn slug(&self) -> &str {
        &self.slug
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn wanted_slug(input: &mut CategoryInput) -> &mut Option<Slug> {
        &mut input.slug
    }

    fn derived_slug(input: &CategoryInput) -> Slug {
        Slug::derive(input.name.as_str(), "")
    }

    fn look_up(connection: &mut Connection, sight: Sight, reference: &Reference) -> Result<Option<Self>, Problem> {
        look_up!(connection, sight, reference, categories, |part| part.stands(categories::since, categories::until))
    }

    fn taken_slugs(connection: &mut Connection, slugs: &[&str]) -> Result<Vec<String>, Problem> {
        taken_slugs!(connection, slugs, categories)
    }

    fn stored(connection: &mut Connection, id: Id) -> Result<Vec<Stored>, Problem> {
        let versions = natively!(connection, |native| categories::table
            .filter(categories::id.eq(id))
            .order(categories::version)
            .select((categories::version, categories::since, categories::until, categories::slug))
            .load(native))?;
        Ok(Stored::public(versions))
    }

    fn destroy(write: &mut Write<'_>, id: Id, stretch: Stretch) -> Result<(), Problem> {
        destroy_rows!(write.connection, categories, id, id, stretch);
        Ok(())
    }

    fn view(connection: &mut Connection, sight: Sight, row: Self) -> Result<CategoryView, Problem> {
        let status = briefs::store::latest_status(connection, sight, row.id)?;
        Ok(row.into_view(status))
    }

    fn create(write: &mut Write<'_>, id: Id, input: CategoryInput) -> Result<Self, Problem> {
        let slug = slugs::choose(
            input.slug.clone(),
            || Self::derived_slug(&input),
            |slugs| Self::taken_slugs(write.connection, slugs),
        )?;
        write.identify(Kind::Category, id, Audience::EVERYONE, Audience::EVERYONE)?;
        let row = row_of(input, id, slug, write, None);
        insert(write, &row, Change::Created)?;
        Ok(row)
    }

    fn update(write: &mut Write<'_>, existing: Self, input: CategoryInput) -> Result<Self, Problem> {
        let slug = input.slug.clone().map_or_else(|| existing.slug.clone(), Slug::into_string);
        let row = row_of(input, existing.id, slug, write, Some(&existing));
        if row.same_content(&existing) {
            return Ok(existing);
        }
        close(write, row.id)?;
        insert(write, &row, Change::Updated)?;
        Ok(row)
    }

    fn demand_unused(write: &mut Write<'_>, existing: &Self) -> Result<(), Problem> {
        briefs::store::still_in_category(write, existing.id)?.map_or(Ok(()), Err)
    }

    fn merge(write: &mut Write<'_>, existing: &Self, target: &Self) -> Result<(), Problem> {
        briefs::store::move_category(write, existing.id, target.id)
    }

    fn remove(write: &mut Write<'_>, existing: Self, removal: Removal) -> Result<(), Problem> {
        close(write, existing.id)?;
        write.record(
            Kind::Category,
            existing.id,
            write.version_after(existing.version, existing.since),
            Change::Removed,
            Audience::EVERYONE,
        );
        reference::bury(write, Kind::Category, existing.id, existing.slug, removal, Audience::EVERYONE)
    }
}

fn row_of(input: CategoryInput, id: Id, slug: String, write: &Write<'_>, earlier: Option<&CategoryRow>) -> CategoryRow {
    let CategoryInput { name, names, description, position, .. } = input;
    CategoryRow {
        id,
        since: write.since(),
        until: None,
        version: earlier.map_or(1, |earlier| write.version_after(earlier.version, earlier.since)),
        created_at: earlier.map_or(write.at(), |earlier| earlier.created_at),
        updated_at: write.at(),
        slug,
        name: name.into_string(),
        names: Json(names.map(|names| names.lines).unwrap_or_default()),
        description: description.map(Prose::into_string),
        position: position.unwrap_or_default().into(),
    }
}

fn insert(write: &mut Write<'_>, row: &CategoryRow, change: Change) -> Result<(), Problem> {
    insert_row!(write.connection, categories::table, row)?;
    write.record(Kind::Category, row.id, row.version, change, Audience::EVERYONE);
    Ok(())
}

fn close(write: &mut Write<'_>, id: Id) -> Result<(), Problem> {
    end_versions!(write, categories, id, id);
    Ok(())
}

impl CategoryFilter {
    pub(super) fn conditions(&self, part: Sight, sight: Sight) -> All<'_, categories::table> {
        let all = All::of(categories::table).and(part.stands(categories::since, categories::until));
        match self.updated_since {
            Some(time) => all.and(categories::id.eq_any(changed_since(sight, Kind::Category, time))),
            None => all,
        }
    }
}

impl Listed for CategoryFilter {
    type View = CategoryView;
    const EXTRAS: &'static [&'static str] = &[];

    fn included(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        _: &Extras,
        window: &Window,
    ) -> Result<Rows<CategoryView>, Problem> {
        use categories::{id, position, slug, updated_at};
        let sort = self.sort.unwrap_or(CategorySort::Slug);
        let name = sort.as_str();
        let mut rows: Vec<CategoryRow> = Vec::new();
        for part in sight.parts() {
            let (all, order) = match sort {
                CategorySort::Relevance => return Err(page::relevance_needs_words()),
                CategorySort::Slug => in_order!(self.conditions(part, sight), asc, slug, id, window, name, String),
                CategorySort::SlugDescending => {
                    in_order!(self.conditions(part, sight), desc, slug, id, window, name, String)
                }
                CategorySort::Position => in_order!(self.conditions(part, sight), asc, position, id, window, name, i32),
                CategorySort::PositionDescending => {
                    in_order!(self.conditions(part, sight), desc, position, id, window, name, i32)
                }
                CategorySort::UpdatedAt => {
                    in_order!(self.conditions(part, sight), asc, updated_at, id, window, name, Timestamp)
                }
                CategorySort::UpdatedAtDescending => {
                    in_order!(self.conditions(part, sight), desc, updated_at, id, window, name, Timestamp)
                }
            };
            let page = categories::table.filter(all).order_by(order).limit(window.fetch());
            rows.append(&mut natively!(connection, |native| page.select(CategoryRow::as_select()).load(native))?);
        }
        let rows = window.cut(name, rows, |row| {
            let key = match sort {
                CategorySort::Slug | CategorySort::SlugDescending => SortKey::Text(row.slug.clone()),
                CategorySort::Position | CategorySort::PositionDescending => SortKey::Number(row.position),
                CategorySort::UpdatedAt | CategorySort::UpdatedAtDescending | CategorySort::Relevance => {
                    SortKey::Time(row.updated_at)
                }
            };
            (key, row.id)
        });
        rows.map(|rows| rows.into_iter().map(|row| CategoryRow::view(connection, sight, row)).collect())
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        page::sum(sight.parts(), |part| {
            let rows = categories::table.filter(self.conditions(part, sight)).count();
            natively!(connection, |native| rows.get_result(native))
        })
    }
}

/// The categories that a parameter's values mean.
///
/// # Errors
/// 400 that names the first unknown one.
pub fn meant_by(connection: &mut Connection, sight: Sight, values: &[NameOrSlug]) -> Result<Vec<Id>, Problem> {
    values
        .iter()
        .map(|NameOrSlug(reference)| {
            resource::lead::<CategoryRow>(connection, sight, reference)?
                .map(|row| row.id)
                .map_or_else(|| Err(unknown(connection, sight, reference)?), Ok)
        })
        .collect()
}

fn unknown(connection: &mut Connection, sight: Sight, reference: &Reference) -> Result<Problem, Problem> {
    let slugs: Vec<String> = natively!(connection, |native| categories::table
        .filter(sight.stands(categories::since, categories::until))
        .select(categories::slug)
        .order(categories::slug)
        .limit(1000)
        .load(native))?;
    let known: Vec<&str> = slugs.iter().map(String::as_str).collect();
    let detail = body::unknown_name("category", &reference.to_string(), &known);
    Ok(Problem::parameter("category", format!("`{reference}` {detail}")))
}
