//! Dates in queries: `from`, `to` and `on`, inclusive, in UTC.

use std::str::FromStr;

use chrono::{Days, NaiveDate, NaiveTime};

use crate::db::types::Timestamp;
use crate::http::body::from_text;
use crate::problem::Problem;
use crate::scalars::Day;

/// A day, or a moment in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A whole day in UTC.
    Day(NaiveDate),
    /// A moment.
    Moment(Timestamp),
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(Day(day)) = text.parse() {
            return Ok(Self::Day(day));
        }
        text.parse().map(Self::Moment).map_err(
            |_: String| "is neither a day such as 2017-07-31 nor an RFC 3339 timestamp such as 2017-07-31T10:12:00Z",
        )
    }
}

from_text!(When);

impl When {
    fn day(self) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Moment(moment) => moment.datetime().date_naive(),
        }
    }

    fn earliest(self) -> Timestamp {
        match self {
            Self::Day(day) => midnight(day),
            Self::Moment(moment) => moment,
        }
    }

    fn latest(self) -> Timestamp {
        match self {
            Self::Day(day) => {
                let next = midnight(day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX));
                Timestamp::from_micros(next.micros() - 1)
            }
            Self::Moment(moment) => moment,
        }
    }
}

fn midnight(day: NaiveDate) -> Timestamp {
    Timestamp::from_datetime(day.and_time(NaiveTime::MIN).and_utc())
}

/// The span that a query asks for; an absent end is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    from: Option<When>,
    to: Option<When>,
    on: Option<NaiveDate>,
}

impl Span {
    /// The span of `from`, `to` and `on` together.
    ///
    /// # Errors
    /// 400 when it ends before it begins.
    pub fn of(from: Option<When>, to: Option<When>, on: Option<Day>) -> Result<Self, Problem> {
        if let (Some(from), Some(to)) = (from, to)
            && to.latest() < from.earliest()
        {
            return Err(Problem::parameter("to", "lies before `from`"));
        }
        Ok(Self { from, to, on: on.map(|Day(day)| day) })
    }

    /// The first day of it.
    #[must_use]
    pub fn first_day(&self) -> Option<NaiveDate> {
        self.from.map(When::day).into_iter().chain(self.on).max()
    }

    /// The last day of it.
    #[must_use]
    pub fn last_day(&self) -> Option<NaiveDate> {
        self.to.map(When::day).into_iter().chain(self.on).min()
    }

    /// The first moment of it.
    #[must_use]
    pub fn first_moment(&self) -> Option<Timestamp> {
        self.from.map(When::earliest).into_iter().chain(self.on.map(midnight)).max()
    }

    /// The last moment of it.
    #[must_use]
    pub fn last_moment(&self) -> Option<Timestamp> {
        self.to.map(When::latest).into_iter().chain(self.on.map(|day| When::Day(day).latest())).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_all_its_moments() {
        let span = Span::of(Some(When::Day(NaiveDate::MIN)), "2017-07-31".parse().ok(), None).unwrap();
        assert_eq!(span.last_moment().unwrap().to_string(), "2017-07-31T23:59:59.999999Z");
        assert_eq!(span.last_day().unwrap().to_string(), "2017-07-31");
    }

    #[test]
    fn a_span_does_not_end_before_it_begins() {
        assert!(Span::of("2017-08-01".parse().ok(), "2017-07-31".parse().ok(), None).is_err());
        assert!(Span::of("2017-07-31T10:00:00Z".parse().ok(), "2017-07-31".parse().ok(), None).is_ok());
    }
}
