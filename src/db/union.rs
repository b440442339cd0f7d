//! Several queries as one statement.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;

use super::conditions::Understood;

/// The rows of several queries, each with an order and a limit of its own; the rows of one query come together, in its order.
/// To be run by [`crate::natively!`].
pub struct UnionAll<'q, ST> {
    parts: Vec<Box<dyn Understood + 'q>>,
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
        Q: Query<SqlType = ST> + QueryFragment<Sqlite> + QueryFragment<Pg> + 'q,
    {
        self.parts.push(Box::new(query));
    }
}

macro_rules! understood_by {
    ($backend:ty, $connection:ty) => {
        impl<ST> QueryFragment<$backend> for UnionAll<'_, ST> {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                for (place, part) in self.parts.iter().enumerate() {
                    pass.push_sql(if place == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
                    QueryFragment::<$backend>::walk_ast(&**part, pass.reborrow())?;
                    pass.push_sql(") AS part");
                }
                Ok(())
            }
        }

        impl<ST> RunQueryDsl<$connection> for UnionAll<'_, ST> {}
    };
}

understood_by!(Sqlite, SqliteConnection);
understood_by!(Pg, PgConnection);

impl<ST> QueryId for UnionAll<'_, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for UnionAll<'_, ST> {
    type SqlType = ST;
}
