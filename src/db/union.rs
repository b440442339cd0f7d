//! Several queries as one statement.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

use super::{Connection, MultiBackend};

/// The rows of several queries, each with an order and a limit of its own; the rows of one query come together, in its order.
pub struct UnionAll<'q, ST> {
    parts: Vec<Box<dyn QueryFragment<MultiBackend> + 'q>>,
    rows: PhantomData<ST>,
}

impl<ST> Default for UnionAll<'_, ST> {
    fn default() -> Self {
        Self { parts: Vec::new(), rows: PhantomData }
    }
}

impl<'q, ST> UnionAll<'q, ST> {
    /// Adds the rows of a query.
    pub fn add<Q>(&mut self, query: Q)
    where
        Q: Query<SqlType = ST> + QueryFragment<MultiBackend> + 'q,
    {
        self.parts.push(Box::new(query));
    }
}

impl<ST> QueryFragment<MultiBackend> for UnionAll<'_, ST> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        for (place, part) in self.parts.iter().enumerate() {
            pass.push_sql(if place == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            part.walk_ast(pass.reborrow())?;
            pass.push_sql(") AS part");
        }
        Ok(())
    }
}

impl<ST> QueryId for UnionAll<'_, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for UnionAll<'_, ST> {
    type SqlType = ST;
}

impl<ST> RunQueryDsl<Connection> for UnionAll<'_, ST> {}
