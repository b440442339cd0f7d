//! Categories, as lists search them.

use diesel::prelude::*;

use super::input::{CategoryFilter, CategorySort};
use super::model::{CategoryRow, CategoryView};
use crate::access::Sight;
use crate::db::schema::categories;
use crate::db::types::Id;
use crate::db::{Connection, in_chunks, in_order_of};
use crate::http::page::Extras;
use crate::journal;
use crate::problem::Problem;
use crate::resource::Resource;
use crate::search::ask::Ask;
use crate::search::counts::FacetName;
use crate::search::gather::Order;
use crate::search::lists::Searched;
use crate::vocabulary::Kind;

impl Searched for CategoryFilter {
    const KIND: Kind = Kind::Category;
    const FACETS: &'static [FacetName] = &[];

    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem> {
        let changed = journal::changed_ids(connection, sight, Kind::Category, self.updated_since)?;
        Ok(Ask::of(&[Kind::Category]).among(changed))
    }

    fn order(&self) -> Result<Option<(&'static str, Order)>, Problem> {
        self.sort
            .map(|sort| match sort {
                CategorySort::Relevance => Ok((sort.as_str(), Order::Relevance)),
                CategorySort::UpdatedAt => Ok((sort.as_str(), Order::Update { descending: false })),
                CategorySort::UpdatedAtDescending => Ok((sort.as_str(), Order::Update { descending: true })),
                CategorySort::Slug
                | CategorySort::SlugDescending
                | CategorySort::Position
                | CategorySort::PositionDescending => {
                    Err(Problem::parameter("sort", "with `q` is one of: relevance, updated_at, -updated_at"))
                }
            })
            .transpose()
    }

    fn ids(&self, connection: &mut Connection, sight: Sight) -> Result<Vec<Id>, Problem> {
        let mut ids = Vec::new();
        for part in sight.parts() {
            ids.append(&mut self.query(part, sight).select(categories::id).load(connection)?);
        }
        Ok(ids)
    }

    fn rows(
        &self,
        connection: &mut Connection,
        sight: Sight,
        _: &Extras,
        ids: &[Id],
    ) -> Result<Vec<CategoryView>, Problem> {
        let rows = in_chunks::<_, CategoryRow, Problem>(ids, |ids| {
            categories::table
                .filter(sight.stands(categories::since, categories::until))
                .filter(categories::id.eq_any(ids))
                .select(CategoryRow::as_select())
                .load(connection)
        })?;
        let rows = in_order_of(ids, rows, |row| row.id).into_iter();
        rows.map(|row| CategoryRow::view(connection, sight, row)).collect()
    }
}
