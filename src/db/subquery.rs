//! `EXISTS` and `IN` over a query that was put together at run time. Diesel's own demand that a subquery be known to each
//! database by itself, which a query boxed for [`MultiBackend`] is not.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Bool;

use super::MultiBackend;

/// Whether the query has a row. It may name columns of the query around it.
#[derive(Debug, Clone, Copy)]
pub struct HasRow<Q>(pub Q);

/// Whether the expression is among the values of the query.
#[derive(Debug, Clone, Copy)]
pub struct IsAmong<E, Q>(pub E, pub Q);

macro_rules! condition {
    ($name:ident < $($parameter:ident),+ >) => {
        impl<$($parameter),+> Expression for $name<$($parameter),+> {
            type SqlType = Bool;
        }
        impl<$($parameter),+> QueryId for $name<$($parameter),+> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
        impl<$($parameter,)+ GroupBy> ValidGrouping<GroupBy> for $name<$($parameter),+> {
            type IsAggregate = is_aggregate::No;
        }
        impl<$($parameter,)+ QS> AppearsOnTable<QS> for $name<$($parameter),+> {}
        impl<$($parameter,)+ QS> SelectableExpression<QS> for $name<$($parameter),+> {}
    };
}

/// Whether two columns are equal, one of them being of the query around this one.
#[derive(Debug, Clone, Copy)]
pub struct Same<A, B>(pub A, pub B);

condition!(HasRow<Q>);
condition!(IsAmong<E, Q>);
condition!(Same<A, B>);

impl<A, B> QueryFragment<MultiBackend> for Same<A, B>
where
    A: QueryFragment<MultiBackend>,
    B: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(pass.reborrow())?;
        pass.push_sql(" = ");
        self.1.walk_ast(pass.reborrow())
    }
}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for HasRow<Q> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        pass.push_sql("EXISTS (");
        self.0.walk_ast(pass.reborrow())?;
        pass.push_sql(")");
        Ok(())
    }
}

impl<E, Q> QueryFragment<MultiBackend> for IsAmong<E, Q>
where
    E: QueryFragment<MultiBackend>,
    Q: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(pass.reborrow())?;
        pass.push_sql(" IN (");
        self.1.walk_ast(pass.reborrow())?;
        pass.push_sql(")");
        Ok(())
    }
}
