//! The set of callers who may see something, as a set of classes.
//!
//! What a caller may see depends on two things only: whether it is an editor or better (five roles' worth of distinctions
//! collapse to that), and its clearance. That makes ten classes, so an audience is ten bits. To be shown inside of
//! another thing is the intersection of both audiences; to be reachable on several ways is their union; and a query
//! asks whether the caller's own bit is set.

use std::ops::{BitAnd, BitOr};

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::SmallInt;

use super::Caller;
use crate::vocabulary::Marking;

const CLEARANCES: i16 = 5;
/// How many classes of callers there are.
pub const CLASSES: usize = 10;
const READERS: i16 = 0b11111;
const EDITORS: i16 = READERS << CLEARANCES;

/// Which classes of callers may see a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SmallInt)]
pub struct Audience(i16);

impl Audience {
    /// Everybody, keyless callers included.
    pub const EVERYONE: Self = Self(READERS | EDITORS);
    /// Nobody.
    pub const NOBODY: Self = Self(0);

    /// Everybody cleared for the marking.
    #[must_use]
    pub fn cleared_for(marking: Marking) -> Self {
        let clearances = READERS & (READERS << rank(marking));
        Self(clearances | (clearances << CLEARANCES))
    }

    /// Of these, the editors.
    #[must_use]
    pub fn editors(self) -> Self {
        Self(self.0 & EDITORS)
    }

    /// Of these, those who are no editors.
    #[must_use]
    pub fn readers(self) -> Self {
        Self(self.0 & READERS)
    }

    /// Of these, those who are not of the others.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The set as bits, one for each class.
    #[must_use]
    pub fn bits(self) -> i16 {
        self.0
    }

    /// Of these, all but readers cleared for `TLP:CLEAR` alone: who may see what is under embargo.
    #[must_use]
    pub fn under_embargo(self) -> Self {
        Self(self.0 & !1)
    }

    /// The class of a caller.
    #[must_use]
    pub fn class_of(caller: &Caller) -> i16 {
        rank(caller.clearance) + if caller.is_editor() { CLEARANCES } else { 0 }
    }

    /// The audience of one caller and those like it.
    #[must_use]
    pub fn only(caller: &Caller) -> Self {
        Self(1 << Self::class_of(caller))
    }

    /// Whether the two have a class in common.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

fn rank(marking: Marking) -> i16 {
    match marking {
        Marking::Clear => 0,
        Marking::Green => 1,
        Marking::Amber => 2,
        Marking::AmberStrict => 3,
        Marking::Red => 4,
    }
}

impl BitAnd for Audience {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Audience {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl<DB> ToSql<SmallInt, DB> for Audience
where
    DB: diesel::backend::Backend,
    i16: ToSql<SmallInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> FromSql<SmallInt, DB> for Audience
where
    DB: diesel::backend::Backend,
    i16: FromSql<SmallInt, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i16::from_sql(raw).map(Self)
    }
}

diesel::infix_operator!(Shares, " & ", SmallInt);

/// The filter that every query of what has an audience passes through: is the caller in the audience of the row?
pub fn visible<C>(audience: C, caller: &Caller) -> Visible<C>
where
    C: Expression<SqlType = SmallInt>,
{
    Shares::new(audience, AsExpression::<SmallInt>::as_expression(1_i16 << Audience::class_of(caller))).ne(0)
}

/// The type of [`visible`]'s condition.
pub type Visible<C> = diesel::dsl::NotEq<Shares<C, diesel::dsl::AsExprOf<i16, SmallInt>>, i16>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Role;

    fn caller(role: Role, clearance: Marking) -> Caller {
        Caller { key: None, role, clearance }
    }

    #[test]
    fn a_marking_is_seen_from_its_clearance_upwards() {
        let amber = Audience::cleared_for(Marking::Amber);
        assert!(!amber.meets(Audience::only(&caller(Role::Reader, Marking::Green))));
        assert!(amber.meets(Audience::only(&caller(Role::Reader, Marking::Amber))));
        assert!(amber.meets(Audience::only(&caller(Role::Editor, Marking::Red))));
        assert!(!amber.meets(Audience::only(&caller(Role::Admin, Marking::Clear))));
    }

    #[test]
    fn a_draft_is_for_editors_and_an_embargo_excludes_the_public() {
        let draft = Audience::EVERYONE.editors();
        assert!(!draft.meets(Audience::only(&caller(Role::Reader, Marking::Red))));
        assert!(draft.meets(Audience::only(&caller(Role::Editor, Marking::Clear))));
        let embargoed = Audience::EVERYONE.under_embargo();
        assert!(!embargoed.meets(Audience::only(&Caller::ANYONE)));
        assert!(embargoed.meets(Audience::only(&caller(Role::Reader, Marking::Green))));
        assert!(embargoed.meets(Audience::only(&caller(Role::Editor, Marking::Clear))));
    }
}
