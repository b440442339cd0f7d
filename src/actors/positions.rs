//! Who held which post on a day. Dates of posts may be uncertain, and so is the answer then.

use std::str::FromStr;

use chrono::NaiveDate;
use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::model::{ActorRow, PositionRow, PositionView};
use super::store::{self, positions_of, summaries};
use crate::access::Sight;
use crate::db::schema::actor_positions;
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, among, in_chunks};
use crate::edtf::{Edtf, OPEN_END, OPEN_START};
use crate::http::body::Invalid;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;
use crate::scalars::Day;

/// Which of an actor's posts.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct PositionsQuery {
    /// Those that were held, or may have been held, on this day; all of them unless given.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = Date, example = "2017-08-01")]
    pub on: Option<Day>,
    /// The time as of which to answer, not later than now.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2099-01-01T00:00:00Z")]
    pub as_of: Option<Timestamp>,
}

crate::vocabulary::vocabulary! {
    /// Whether a post was held on a day.
    Certainty { Certain = "certain", Possible = "possible" }
}

/// An actor's posts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Positions {
    /// In the order in which the actor lists them.
    pub data: Vec<PositionHeld>,
}

/// A post, and whether it was held on the day that was asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PositionHeld {
    /// Where, as what, since when, until when.
    #[serde(flatten)]
    pub position: PositionView,
    /// Whether that is certain or, by the doubt in its dates, only possible; null if no day was asked for.
    pub held: Option<Certainty>,
}

/// When a post was held. Without an end it still is; without a beginning nobody knows since when.
#[derive(Debug, Clone)]
pub struct Tenure {
    from: Option<Edtf>,
    to: Option<Edtf>,
}

impl Tenure {
    /// That of a post, by its dates as they are stored.
    #[must_use]
    pub fn of(row: &PositionRow) -> Self {
        let read = |date: &Option<String>| date.as_deref().and_then(|date| Edtf::from_str(date).ok());
        Self { from: read(&row.held_from), to: read(&row.held_to) }
    }

    /// The first and the last day that it can have been held on.
    #[must_use]
    pub fn days(&self) -> (NaiveDate, NaiveDate) {
        let first = self.from.as_ref().map_or(OPEN_START, Edtf::earliest);
        (first, self.to.as_ref().map_or(OPEN_END, Edtf::latest))
    }

    /// Whether the post was held on a day; None if it was not.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Option<Certainty> {
        let begun_perhaps = self.from.as_ref().is_none_or(|from| from.earliest() <= day);
        let lasts_perhaps = self.to.as_ref().is_none_or(|to| day <= to.latest());
        let begun = self.from.as_ref().is_some_and(|from| from.latest() <= day && !from.is_doubtful());
        // Nobody knows what is yet to come.
        let today = Timestamp::now().datetime().date_naive();
        let lasts = match &self.to {
            Some(to) => day <= to.earliest() && !to.is_doubtful(),
            None => day <= today,
        };
        match (begun_perhaps && lasts_perhaps, begun && lasts) {
            (false, _) => None,
            (true, true) => Some(Certainty::Certain),
            (true, false) => Some(Certainty::Possible),
        }
    }
}

/// The posts of an actor.
///
/// # Errors
/// 404 or 410 for the actor.
pub fn held_by(
    connection: &mut Connection,
    sight: Sight,
    reference: &Reference,
    on: Option<NaiveDate>,
) -> Result<Positions, Problem> {
    let actor: ActorRow = resource::behind(connection, sight, reference)?;
    let rows = positions_of(connection, sight.moment, &[actor.id])?;
    let bodies: Vec<Id> = rows.iter().map(|row| row.organisation_id).collect();
    let bodies = summaries(connection, sight.moment, &bodies)?;
    let held = |row: PositionRow| {
        let held = match on {
            Some(day) => Some(Tenure::of(&row).on(day)?),
            None => None,
        };
        Some(PositionHeld { position: store::position_view(&bodies, row), held })
    };
    Ok(Positions { data: rows.into_iter().filter_map(held).collect() })
}

/// Everybody who held, or may have held, a post in one of these bodies, on a day or ever.
///
/// # Errors
/// When the query fails.
pub fn holders(
    connection: &mut Connection,
    sight: Sight,
    bodies: &[Id],
    on: Option<NaiveDate>,
) -> Result<Vec<Id>, Problem> {
    let rows = in_chunks::<_, PositionRow, Problem>(bodies, |bodies| {
        actor_positions::table
            .filter(sight.stands(actor_positions::since, actor_positions::until))
            .filter(among(actor_positions::organisation_id, bodies))
            .select(PositionRow::as_select())
            .load(connection)
    })?;
    let held = rows.iter().filter(|row| on.is_none_or(|day| Tenure::of(row).on(day).is_some()));
    let mut holders: Vec<Id> = held.map(|row| row.actor_id).collect();
    holders.sort_unstable();
    holders.dedup();
    Ok(holders)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(from: Option<&str>, to: Option<&str>, day: &str) -> Option<Certainty> {
        let read = |date: Option<&str>| date.map(|date| date.parse().unwrap());
        Tenure { from: read(from), to: read(to) }.on(day.parse().unwrap())
    }

    #[test]
    fn a_post_is_held_from_its_first_day_to_its_last() {
        let (from, to) = (Some("2017-07-07"), Some("2019-03-01"));
        assert_eq!(held(from, to, "2017-07-06"), None);
        assert_eq!(held(from, to, "2017-07-07"), Some(Certainty::Certain));
        assert_eq!(held(from, to, "2019-03-01"), Some(Certainty::Certain));
        assert_eq!(held(from, to, "2019-03-02"), None);
        assert_eq!(held(from, None, "2026-01-01"), Some(Certainty::Certain));
        assert_eq!(held(from, None, "2999-01-01"), Some(Certainty::Possible));
    }

    #[test]
    fn doubt_in_a_date_leaves_it_possible() {
        assert_eq!(held(Some("2017"), Some("2019"), "2017-05-05"), Some(Certainty::Possible));
        assert_eq!(held(Some("2017"), Some("2019"), "2018-05-05"), Some(Certainty::Certain));
        assert_eq!(held(Some("2017-07-07?"), None, "2018-05-05"), Some(Certainty::Possible));
        assert_eq!(held(None, Some("2019-03-01"), "2018-05-05"), Some(Certainty::Possible));
        assert_eq!(held(None, None, "2018-05-05"), Some(Certainty::Possible));
        assert_eq!(held(None, Some("2019-03-01"), "2019-03-02"), None);
    }
}
