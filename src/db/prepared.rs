//! Statements that are prepared once though Diesel would prepare them anew each time they are run.
//!
//! Diesel keeps a statement by its words unless a part of it says that there would be too many forms of it. Its own `UPDATE` always
//! says so, since what is set may be various, and so do words that are given as text. Here they do not: to be used where there are
//! few forms of one.

use diesel::backend::Backend;
use diesel::connection::Connection;
use diesel::expression::AppearsOnTable;
use diesel::prelude::*;
use diesel::query_builder::{AsChangeset, AstPass, QueryFragment, QueryId};
use diesel::sql_types::Bool;

/// Words that are a whole statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub(super) &'static str);

impl<DB: Backend> QueryFragment<DB> for Words {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql(self.0);
        Ok(())
    }
}

impl QueryId for Words {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C: Connection> RunQueryDsl<C> for Words {}

/// Changes rows of a table.
pub fn update<T, W, S>(table: T, rows: W, set: S) -> Update<T, W, S::Changeset>
where
    W: Expression<SqlType = Bool> + AppearsOnTable<T>,
    S: AsChangeset<Target = T>,
{
    Update { table, rows, set: set.as_changeset() }
}

/// The statement of [`update`].
#[derive(Debug, Clone, Copy)]
pub struct Update<T, W, S> {
    table: T,
    rows: W,
    set: S,
}

impl<T, W, S, DB> QueryFragment<DB> for Update<T, W, S>
where
    DB: Backend,
    T: QueryFragment<DB>,
    W: QueryFragment<DB>,
    S: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("UPDATE ");
        self.table.walk_ast(pass.reborrow())?;
        pass.push_sql(" SET ");
        self.set.walk_ast(pass.reborrow())?;
        pass.push_sql(" WHERE ");
        self.rows.walk_ast(pass.reborrow())
    }
}

impl<T, W, S> QueryId for Update<T, W, S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, W, S, C: Connection> RunQueryDsl<C> for Update<T, W, S> {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use diesel::connection::{Connection as _, InstrumentationEvent, SimpleConnection};

    use super::*;
    use crate::db::schema::heads;

    #[test]
    fn what_is_run_again_is_not_prepared_again() {
        let mut sqlite = SqliteConnection::establish(":memory:").unwrap();
        sqlite.batch_execute("CREATE TABLE heads (class INTEGER, position INTEGER, at INTEGER)").unwrap();
        let kept = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&kept);
        sqlite.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        for position in 1_i64..4 {
            Words("BEGIN").execute(&mut sqlite).unwrap();
            update(heads::table, heads::class.eq(1), heads::position.eq(position)).execute(&mut sqlite).unwrap();
            Words("ROLLBACK").execute(&mut sqlite).unwrap();
        }
        assert_eq!(kept.load(Ordering::Relaxed), 3);
    }
}
