//! What a read sees: who looks, and at which moment of the archive.
//!
//! Every query of what has versions passes through [`Moment::stands`] or [`Sight::sees`]. At the head that is `until IS
//! NULL`, said literally so that the living rows' indexes serve it. In the past a row stands from `since` up to, and
//! without, `until`, and its content is shown to those only who could see it then and may see it now: the moment
//! chooses content, never permission.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, SmallInt};

use super::{Audience, Caller};
use crate::db::types::Timestamp;

/// A moment of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The present: what lives.
    Head,
    /// After the write that drew a position of the journal, and before the next.
    At {
        /// The position.
        position: i64,
        /// The time that was asked for, or at which it was written.
        time: Timestamp,
    },
    /// Of what stood at such a moment, what lives still.
    StillAt {
        /// The position.
        position: i64,
        /// The time that was asked for, or at which it was written.
        time: Timestamp,
    },
    /// Of what stood at such a moment, what has ended since.
    EndedSince {
        /// The position.
        position: i64,
        /// The time that was asked for, or at which it was written.
        time: Timestamp,
    },
}

impl Moment {
    /// That a row with these columns stands at this moment.
    pub fn stands<S, U>(self, since: S, until: U) -> Stands<S, U> {
        Stands { moment: self, since, until }
    }

    /// The last position that this moment knows of.
    #[must_use]
    pub fn upper_bound(self) -> i64 {
        self.position().unwrap_or(i64::MAX)
    }

    /// The position, if it is one of the past.
    #[must_use]
    pub fn position(self) -> Option<i64> {
        match self {
            Self::Head => None,
            Self::At { position, .. } | Self::StillAt { position, .. } | Self::EndedSince { position, .. } => {
                Some(position)
            }
        }
    }

    /// The time, if it is one of the past.
    #[must_use]
    pub fn time(self) -> Option<Timestamp> {
        match self {
            Self::Head => None,
            Self::At { time, .. } | Self::StillAt { time, .. } | Self::EndedSince { time, .. } => Some(time),
        }
    }
}

/// Who looks, and at which moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Who looks.
    pub caller: Caller,
    /// At what.
    pub moment: Moment,
}

impl Sight {
    /// What a caller sees of the present.
    #[must_use]
    pub fn now(caller: &Caller) -> Self {
        Self { caller: *caller, moment: Moment::Head }
    }

    /// Whether this is the present.
    #[must_use]
    pub fn is_now(self) -> bool {
        self.moment == Moment::Head
    }

    /// The sights that see together what this one does, each along indexes of its own: of the past, what lives still is read
    /// along the indexes of what lives, and what has ended along those of what has ended.
    pub fn parts(self) -> impl Iterator<Item = Self> {
        let parts = match self.moment {
            Moment::At { position, time } => {
                [Some(Moment::StillAt { position, time }), Some(Moment::EndedSince { position, time })]
            }
            other => [Some(other), None],
        };
        parts.into_iter().flatten().map(move |moment| Self { moment, ..self })
    }

    /// That a row with these columns stands at this moment.
    pub fn stands<S, U>(self, since: S, until: U) -> Stands<S, U> {
        self.moment.stands(since, until)
    }

    /// That a row with these columns stands and is seen; `id` is the resource that it belongs to.
    pub fn sees<I, S, U, A>(self, id: I, since: S, until: U, audience: A) -> Sees<I, S, U, A> {
        Sees { stands: self.moment.stands(since, until), id, audience, class: class_bit(&self.caller) }
    }

    /// That what a resource says, beyond that it is there, may be seen now.
    pub fn may_read<I>(self, id: I) -> MayRead<I> {
        MayRead { id, class: class_bit(&self.caller) }
    }
}

fn class_bit(caller: &Caller) -> i16 {
    1 << Audience::class_of(caller)
}

/// The condition of [`Moment::stands`].
#[derive(Debug, Clone, Copy)]
pub struct Stands<S, U> {
    moment: Moment,
    since: S,
    until: U,
}

/// The condition of [`Sight::sees`].
#[derive(Debug, Clone, Copy)]
pub struct Sees<I, S, U, A> {
    stands: Stands<S, U>,
    id: I,
    audience: A,
    class: i16,
}

/// The condition of [`Sight::may_read`].
#[derive(Debug, Clone, Copy)]
pub struct MayRead<I> {
    id: I,
    class: i16,
}

macro_rules! condition {
    ($name:ident < $($column:ident),+ >) => {
        impl<$($column),+> Expression for $name<$($column),+> {
            type SqlType = Bool;
        }
        // What it says depends on the moment, so a statement is told apart by its words.
        impl<$($column),+> QueryId for $name<$($column),+> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
        impl<$($column,)+ GroupBy> ValidGrouping<GroupBy> for $name<$($column),+> {
            type IsAggregate = is_aggregate::No;
        }
        impl<$($column,)+ QS> AppearsOnTable<QS> for $name<$($column),+> where $($column: AppearsOnTable<QS>),+ {}
        impl<$($column,)+ QS> SelectableExpression<QS> for $name<$($column),+> where Self: AppearsOnTable<QS> {}
    };
}

condition!(Stands<S, U>);
condition!(Sees<I, S, U, A>);
condition!(MayRead<I>);

impl<S, U, DB> QueryFragment<DB> for Stands<S, U>
where
    DB: Backend + HasSqlType<BigInt>,
    i64: ToSql<BigInt, DB>,
    S: QueryFragment<DB>,
    U: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        match &self.moment {
            Moment::Head => {
                self.until.walk_ast(pass.reborrow())?;
                pass.push_sql(" IS NULL");
            }
            Moment::At { position, .. } => {
                pass.push_sql("(");
                self.since.walk_ast(pass.reborrow())?;
                pass.push_sql(" <= ");
                pass.push_bind_param::<BigInt, _>(position)?;
                pass.push_sql(" AND coalesce(");
                self.until.walk_ast(pass.reborrow())?;
                pass.push_sql(", 9223372036854775807) > ");
                pass.push_bind_param::<BigInt, _>(position)?;
                pass.push_sql(")");
            }
            Moment::StillAt { position, .. } => {
                pass.push_sql("(");
                self.until.walk_ast(pass.reborrow())?;
                pass.push_sql(" IS NULL AND ");
                self.since.walk_ast(pass.reborrow())?;
                pass.push_sql(" <= ");
                pass.push_bind_param::<BigInt, _>(position)?;
                pass.push_sql(")");
            }
            Moment::EndedSince { position, .. } => {
                pass.push_sql("(");
                self.until.walk_ast(pass.reborrow())?;
                pass.push_sql(" IS NOT NULL AND ");
                self.until.walk_ast(pass.reborrow())?;
                pass.push_sql(" > ");
                pass.push_bind_param::<BigInt, _>(position)?;
                pass.push_sql(" AND ");
                self.since.walk_ast(pass.reborrow())?;
                pass.push_sql(" <= ");
                pass.push_bind_param::<BigInt, _>(position)?;
                pass.push_sql(")");
            }
        }
        Ok(())
    }
}

impl<I, S, U, A, DB> QueryFragment<DB> for Sees<I, S, U, A>
where
    DB: Backend + HasSqlType<SmallInt>,
    i16: ToSql<SmallInt, DB>,
    Stands<S, U>: QueryFragment<DB>,
    I: QueryFragment<DB>,
    A: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("(");
        self.stands.walk_ast(pass.reborrow())?;
        pass.push_sql(" AND (");
        self.audience.walk_ast(pass.reborrow())?;
        pass.push_sql(" & ");
        pass.push_bind_param::<SmallInt, _>(&self.class)?;
        pass.push_sql(") <> 0");
        if self.stands.moment != Moment::Head {
            pass.push_sql(" AND EXISTS (SELECT 1 FROM resources WHERE resources.id = ");
            self.id.walk_ast(pass.reborrow())?;
            pass.push_sql(" AND (resources.audience & ");
            pass.push_bind_param::<SmallInt, _>(&self.class)?;
            pass.push_sql(") <> 0)");
        }
        pass.push_sql(")");
        Ok(())
    }
}

impl<I, DB> QueryFragment<DB> for MayRead<I>
where
    DB: Backend + HasSqlType<SmallInt>,
    i16: ToSql<SmallInt, DB>,
    I: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("EXISTS (SELECT 1 FROM resources WHERE resources.id = ");
        self.id.walk_ast(pass.reborrow())?;
        pass.push_sql(" AND (resources.content & ");
        pass.push_bind_param::<SmallInt, _>(&self.class)?;
        pass.push_sql(") <> 0)");
        Ok(())
    }
}
