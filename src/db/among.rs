//! `IN` over ids, in so few forms that each is prepared once.
//!
//! SQLite has a parameter for each value, so Diesel's own `eq_any` is another statement for each number of values, and is
//! prepared anew each time: as much work as many of these queries are. Here the list is filled up to a power of two with its
//! last value, which changes nothing but the number of forms. PostgreSQL takes the list as one array.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, Bool};
use diesel::sqlite::Sqlite;

use super::MultiBackend;
use super::types::{Id, sql::Identifier};

/// That a column has one of these ids.
pub fn among<C>(column: C, ids: &[Id]) -> Among<C> {
    let mut ids = ids.to_vec();
    if let Some(last) = ids.last().copied() {
        ids.resize(ids.len().next_power_of_two(), last);
    }
    Among { column, ids }
}

/// The condition of [`among`].
#[derive(Debug, Clone)]
pub struct Among<C> {
    column: C,
    ids: Vec<Id>,
}

impl<C> Expression for Among<C> {
    type SqlType = Bool;
}

impl<C> QueryId for Among<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, GroupBy> ValidGrouping<GroupBy> for Among<C> {
    type IsAggregate = is_aggregate::No;
}

impl<C: AppearsOnTable<QS>, QS> AppearsOnTable<QS> for Among<C> {}
impl<C: SelectableExpression<QS>, QS> SelectableExpression<QS> for Among<C> {}

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Among<C> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(pass.reborrow())?;
        pass.push_sql(" IN (");
        for (place, id) in self.ids.iter().enumerate() {
            if place > 0 {
                pass.push_sql(", ");
            }
            pass.push_bind_param::<Identifier, _>(id)?;
        }
        pass.push_sql(")");
        Ok(())
    }
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Among<C> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(pass.reborrow())?;
        pass.push_sql(" = ANY(");
        pass.push_bind_param::<Array<Identifier>, _>(&self.ids)?;
        pass.push_sql(")");
        Ok(())
    }
}

impl<C> QueryFragment<MultiBackend> for Among<C>
where
    C: QueryFragment<Pg> + QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        MultiBackend::walk_variant_ast(self, pass)
    }
}
