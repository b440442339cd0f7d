//! Categories, as lists search them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use diesel::prelude::*;

use super::input::{CategoryFilter, CategorySort};
use super::model::{CategoryRow, CategoryView};
use crate::access::Sight;
use crate::briefs;
use crate::db::schema::categories;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks, in_order_of};
use crate::http::page::Extras;
use crate::journal;
use crate::natively;
use crate::problem::Problem;
use crate::resource::Resource;
use crate::search::Finder;
use crate::search::ask::Ask;
use crate::search::counts::{FacetCount, FacetName, Facets};
use crate::search::gather::Wish;
use crate::search::lists::Searched;
use crate::search::ranking::{Order, Page};
use crate::vocabulary::Kind;

impl Searched for CategoryFilter {
    const KIND: Kind = Kind::Category;
    const FACETS: &'static [FacetName] = &[FacetName::CategoryStatus];

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
            let found = categories::table.filter(self.conditions(part, sight)).select(categories::id);
            ids.append(&mut natively!(connection, |native| found.load(native))?);
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
            natively!(connection, |native| categories::table
                .filter(sight.stands(categories::since, categories::until))
                .filter(among(categories::id, ids))
                .select(CategoryRow::as_select())
                .load(native))
        })?;
        let rows = in_order_of(ids, rows, |row| row.id).into_iter();
        rows.map(|row| CategoryRow::view(connection, sight, row)).collect()
    }

    /// How categories stand follows from their latest briefs, and changes with them: it is in no document of the index. They are few.
    fn counted(
        connection: &mut Connection,
        sight: Sight,
        finder: &Finder,
        ask: &Ask,
        names: &[FacetName],
        limit: usize,
    ) -> Result<Facets, Problem> {
        let page = Page { order: Order::Relevance, after: None, limit: usize::MAX };
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for key in finder.gather(&sight.caller, ask, Wish::page(page))?.page {
            if let Some(status) = briefs::store::latest_status(connection, sight, key.id)? {
                *counts.entry(status.value.as_str()).or_default() += 1;
            }
        }
        let counts = counts.into_iter().map(|(value, count)| FacetCount { value: value.to_owned(), name: None, count });
        let mut counts: Vec<FacetCount> = counts.collect();
        counts.sort_by_key(|counted| Reverse(counted.count));
        counts.truncate(limit);
        Ok(names.iter().map(|name| (*name, counts.clone())).collect())
    }
}
