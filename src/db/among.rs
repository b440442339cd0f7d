//! `IN` over ids or texts, in so few forms that each is prepared once.
//!
//! SQLite has a parameter for each value, so Diesel's own `eq_any` is another statement for each number of values, and is
//! prepared anew each time: as much work as many of these queries are. Here the list is filled up to a power of two with its
//! last value, which changes nothing but the number of forms. PostgreSQL takes the list as one array.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, Bool, HasSqlType, SingleValue};
use diesel::sqlite::Sqlite;

use super::MultiBackend;
use super::types::Id;

/// That a column has one of these values.
pub fn among<C, V: Clone>(column: C, values: &[V]) -> Among<C, V> {
    let mut values = values.to_vec();
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    Among { column, values }
}

/// The condition of [`among`].
#[derive(Debug, Clone)]
pub struct Among<C, V = Id> {
    column: C,
    values: Vec<V>,
}

impl<C, V> Expression for Among<C, V> {
    type SqlType = Bool;
}

impl<C, V> QueryId for Among<C, V> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, V, GroupBy> ValidGrouping<GroupBy> for Among<C, V> {
    type IsAggregate = is_aggregate::No;
}

impl<C: AppearsOnTable<QS>, V, QS> AppearsOnTable<QS> for Among<C, V> {}
impl<C: SelectableExpression<QS>, V, QS> SelectableExpression<QS> for Among<C, V> {}

impl<C, V> QueryFragment<Sqlite> for Among<C, V>
where
    C: QueryFragment<Sqlite> + Expression,
    C::SqlType: SingleValue,
    Sqlite: HasSqlType<C::SqlType>,
    V: ToSql<C::SqlType, Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(pass.reborrow())?;
        pass.push_sql(" IN (");
        for (place, value) in self.values.iter().enumerate() {
            if place > 0 {
                pass.push_sql(", ");
            }
            pass.push_bind_param::<C::SqlType, _>(value)?;
        }
        pass.push_sql(")");
        Ok(())
    }
}

impl<C, V> QueryFragment<Pg> for Among<C, V>
where
    C: QueryFragment<Pg> + Expression,
    C::SqlType: SingleValue,
    Pg: HasSqlType<Array<C::SqlType>>,
    Vec<V>: ToSql<Array<C::SqlType>, Pg>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(pass.reborrow())?;
        pass.push_sql(" = ANY(");
        pass.push_bind_param::<Array<C::SqlType>, _>(&self.values)?;
        pass.push_sql(")");
        Ok(())
    }
}

impl<C, V> QueryFragment<MultiBackend> for Among<C, V>
where
    Self: QueryFragment<Pg> + QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        MultiBackend::walk_variant_ast(self, pass)
    }
}
