//! Filters and orders that are put together at run time, in words that both databases understand.
//!
//! Diesel's own way, a query boxed for [`super::MultiBackend`], cannot be run by [`crate::natively!`]; a query with a filter and an
//! order of these can, and is one type whatever the filter says.

use std::marker::PhantomData;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, BoolOrNullableBool, Untyped};
use diesel::sqlite::Sqlite;

/// What both databases understand.
pub(super) trait Understood: QueryFragment<Sqlite> + QueryFragment<Pg> {}

impl<Q: QueryFragment<Sqlite> + QueryFragment<Pg>> Understood for Q {}

/// Conditions on the rows of a table, which must all hold.
pub struct All<'q, T> {
    conditions: Vec<Box<dyn Understood + 'q>>,
    table: PhantomData<T>,
}

impl<'q, T> All<'q, T> {
    /// None yet.
    #[must_use]
    pub fn of(_: T) -> Self {
        Self { conditions: Vec::new(), table: PhantomData }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// These and one more.
    #[must_use]
    pub fn and<C>(mut self, condition: C) -> Self
    where
        C: AppearsOnTable<T> + QueryFragment<Sqlite> + QueryFragment<Pg> + 'q,
        C::SqlType: BoolOrNullableBool,
    {
        self.conditions.push(Box::new(condition));
        self
    }
}

/// What rows are ordered by.
pub struct Ordered<'q>(Box<dyn Understood + 'q>);

impl<'q> Ordered<'q> {
    /// By this, or by these one after the other.
    pub fn by(order: impl QueryFragment<Sqlite> + QueryFragment<Pg> + 'q) -> Self {
        Self(Box::new(order))
    }
}

macro_rules! expression {
    ($type:ty, $sql_type:ty $(, $parameter:ident)?) => {
        impl<$($parameter)?> Expression for $type {
            type SqlType = $sql_type;
        }
        impl<$($parameter)?> QueryId for $type {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
        impl<GroupBy $(, $parameter)?> ValidGrouping<GroupBy> for $type {
            type IsAggregate = is_aggregate::No;
        }
        impl<QS $(, $parameter)?> AppearsOnTable<QS> for $type {}
        impl<QS $(, $parameter)?> SelectableExpression<QS> for $type {}
    };
}

expression!(All<'_, T>, Bool, T);
expression!(Ordered<'_>, Untyped);

macro_rules! understood_by {
    ($backend:ty) => {
        impl<T> QueryFragment<$backend> for All<'_, T> {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                pass.push_sql("(1 = 1");
                for condition in &self.conditions {
                    pass.push_sql(" AND ");
                    QueryFragment::<$backend>::walk_ast(&**condition, pass.reborrow())?;
                }
                pass.push_sql(")");
                Ok(())
            }
        }

        impl QueryFragment<$backend> for Ordered<'_> {
            fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                QueryFragment::<$backend>::walk_ast(&*self.0, pass)
            }
        }
    };
}

understood_by!(Sqlite);
understood_by!(Pg);
