//! Dates as analysts write them: EDTF (ISO 8601-2) level 0, and from level 1 the
//! qualifiers, the unspecified digits and the open intervals.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};

/// The first day meant by an interval whose start is open: 0001-01-01.
pub const OPEN_START: NaiveDate = match NaiveDate::from_ymd_opt(1, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// The last day meant by an interval whose end is open: 9999-12-31.
pub const OPEN_END: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// A date or an interval, kept as it was written, with the days it can mean.
///
/// `?` (uncertain), `~` (approximate) and `%` (both) do not widen those days: they say
/// how far the date can be trusted, not how long it lasts.
///
/// Two dates are equal when they are written alike: `2017` and `2017-XX` mean the same
/// days, yet differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edtf {
    text: String,
    from: NaiveDate,
    to: NaiveDate,
}

impl Edtf {
    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it says of itself that it cannot be trusted wholly, with `?`, `~` or `%`.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.text.contains(['?', '~', '%'])
    }

    /// The first day this can mean; [`OPEN_START`] when the start is open.
    #[must_use]
    pub fn earliest(&self) -> NaiveDate {
        self.from
    }

    /// The last day this can mean; [`OPEN_END`] when the end is open.
    #[must_use]
    pub fn latest(&self) -> NaiveDate {
        self.to
    }
}

impl FromStr for Edtf {
    type Err = InvalidEdtf;

    fn from_str(text: &str) -> Result<Self, InvalidEdtf> {
        refuse_common_slips(text)?;
        let (from, to) = match text.split_once('/') {
            Some((start, end)) => interval(start, end)?,
            None => date(text)?,
        };
        let text = text.to_owned();
        Ok(Self { text, from, to })
    }
}

impl fmt::Display for Edtf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Why a text is no date: what is wrong with it, and an example of what is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidEdtf {
    wrong: &'static str,
    right: &'static str,
}

impl fmt::Display for InvalidEdtf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; write it like {}", self.wrong, self.right)
    }
}

impl Error for InvalidEdtf {}

/// The first and the last day a date can mean.
type Span = (NaiveDate, NaiveDate);

fn refuse<T>(wrong: &'static str, right: &'static str) -> Result<T, InvalidEdtf> {
    Err(InvalidEdtf { wrong, right })
}

/// The grammar below would refuse these too, but could not name the mistake.
fn refuse_common_slips(text: &str) -> Result<(), InvalidEdtf> {
    if text.contains(char::is_whitespace) {
        return refuse("there is whitespace in the date", "2017-07-24/2017-07-30");
    }
    if !text.is_ascii() {
        return refuse("the date is not all ASCII", "2017-07-25");
    }
    if text.contains(['T', ':']) {
        return refuse("a time of day has no place in a date", "2017-07-25");
    }
    Ok(())
}

fn interval(start: &str, end: &str) -> Result<Span, InvalidEdtf> {
    if end.contains('/') {
        return refuse("the interval has too many /", "2017-07-24/2017-07-30");
    }
    if start == ".." && end == ".." {
        return refuse("both sides of the interval are open", "2017-07-07/..");
    }
    let (start_first, start_last) = side(start, OPEN_START)?;
    let (_, end_last) = side(end, OPEN_END)?;
    if end_last < start_first {
        return refuse("the interval ends before it begins", "2017-07/2017-08");
    }
    // The end may lie within the start, as in 2017/2017-03.
    Ok((start_first, end_last.max(start_last)))
}

fn side(text: &str, when_open: NaiveDate) -> Result<Span, InvalidEdtf> {
    match text {
        "" => refuse("a side of the interval is empty", "2017-07-07/.."),
        ".." => Ok((when_open, when_open)),
        _ => date(text),
    }
}

fn date(text: &str) -> Result<Span, InvalidEdtf> {
    let unqualified = text.strip_suffix(['?', '~', '%']).unwrap_or(text);
    if unqualified.contains(['?', '~', '%']) {
        return refuse("one of ? ~ % may end a date, and no more", "2017-07~");
    }
    // A fourth part is one too many, whatever follows it.
    let parts: Vec<&str> = unqualified.splitn(4, '-').collect();
    match *parts.as_slice() {
        [""] => refuse("the date is empty", "2017-07-25"),
        [".."] => refuse("an open .. is one whole side of an interval", "2017/.."),
        ["", ..] => refuse("the year is negative or missing", "2017"),
        [year] => years(year),
        [year, "XX"] | [year, "XX", "XX"] => whole_year(known_year(year)?),
        [_, "XX", _] => refuse("the day is known but its month is not", "2017-XX-XX"),
        [year, month] | [year, month, "XX"] => whole_month(known_year(year)?, known_month(month)?),
        [year, month, day] => one_day(known_year(year)?, known_month(month)?, day),
        _ => refuse("there is more than a year, month and day", "2017-07-25"),
    }
}

/// A year on its own, the only place where its last digits may be unspecified.
fn years(text: &str) -> Result<Span, InvalidEdtf> {
    let (first, last) = if let Some(century) = text.strip_suffix("XX") {
        (format!("{century}00"), format!("{century}99"))
    } else if let Some(decade) = text.strip_suffix('X') {
        (format!("{decade}0"), format!("{decade}9"))
    } else {
        return whole_year(known_year(text)?);
    };
    let (first_day, _) = whole_year(known_year(&first)?)?;
    let (_, last_day) = whole_year(known_year(&last)?)?;
    Ok((first_day, last_day))
}

fn whole_year(year: i32) -> Result<Span, InvalidEdtf> {
    Ok((calendar_day(year, 1, 1)?, calendar_day(year, 12, 31)?))
}

fn whole_month(year: i32, month: u32) -> Result<Span, InvalidEdtf> {
    let first = calendar_day(year, month, 1)?;
    let last = calendar_day(year, month, first.num_days_in_month().into())?;
    Ok((first, last))
}

fn one_day(year: i32, month: u32, day: &str) -> Result<Span, InvalidEdtf> {
    let Some(day) = number(day, 2) else {
        return refuse("the day is not two digits or XX", "2017-07-05");
    };
    let day = calendar_day(year, month, day)?;
    Ok((day, day))
}

fn calendar_day(year: i32, month: u32, day: u32) -> Result<NaiveDate, InvalidEdtf> {
    let day = NaiveDate::from_ymd_opt(year, month, day);
    day.map_or_else(|| refuse("that month has no such day", "2017-02-28"), Ok)
}

fn known_year(text: &str) -> Result<i32, InvalidEdtf> {
    match number(text, 4) {
        Some(year @ 1..) => Ok(year),
        _ if text.contains('X') => refuse("only the end of a lone year may be X", "201X or 20XX"),
        _ => refuse("the year is not four digits, 0001 to 9999", "2017"),
    }
}

fn known_month(text: &str) -> Result<u32, InvalidEdtf> {
    match number(text, 2) {
        Some(month @ 1..=12) => Ok(month),
        // ISO 8601-2 numbers the seasons, quarters and other parts of a year so.
        Some(21..=41) => refuse("a season or quarter is not a month", "2017-03/2017-05"),
        _ => refuse("the month is not 01 to 12 or XX", "2017-07"),
    }
}

/// Checks the digits first, since parsing alone would let `+7` through.
fn number<N: FromStr>(text: &str, width: usize) -> Option<N> {
    let all_digits = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn means(text: &str, earliest: &str, latest: &str) {
        let edtf: Edtf = text.parse().unwrap();
        assert_eq!(edtf.earliest().to_string(), earliest, "earliest of {text}");
        assert_eq!(edtf.latest().to_string(), latest, "latest of {text}");
        assert_eq!((edtf.as_str(), edtf.to_string().as_str()), (text, text));
    }

    /// Takes several texts, with `|` between them.
    #[track_caller]
    fn refused(texts: &str, wrong: &str) {
        for text in texts.split('|') {
            let refusal = text.parse::<Edtf>().expect_err(text);
            assert!(refusal.wrong.contains(wrong), "{text:?}: {refusal}");
        }
    }

    #[test]
    fn a_date_means_every_day_of_its_precision() {
        means("2017-07-25", "2017-07-25", "2017-07-25");
        means("2016-02", "2016-02-01", "2016-02-29");
        means("0001", "0001-01-01", "0001-12-31");
        means("9999-12", "9999-12-01", "9999-12-31");
    }

    #[test]
    fn unspecified_digits_mean_every_day_they_could_be() {
        means("2017-07-XX", "2017-07-01", "2017-07-31");
        means("2017-XX", "2017-01-01", "2017-12-31");
        means("2017-XX-XX", "2017-01-01", "2017-12-31");
        means("201X", "2010-01-01", "2019-12-31");
        means("20XX", "2000-01-01", "2099-12-31");
    }

    #[test]
    fn qualifiers_do_not_widen_a_date() {
        means("2017-07-25?", "2017-07-25", "2017-07-25");
        means("201X%", "2010-01-01", "2019-12-31");
        means("2017-07~/2017-08-02?", "2017-07-01", "2017-08-02");
    }

    #[test]
    fn an_interval_runs_from_its_first_possible_day_to_its_last() {
        means("2017-07-24/2017-07-30", "2017-07-24", "2017-07-30");
        means("2017-07-24/2017-07-24", "2017-07-24", "2017-07-24");
        means("2017-07-24/2017-07", "2017-07-24", "2017-07-31");
        means("2017/2017-03", "2017-01-01", "2017-12-31");
    }

    #[test]
    fn an_open_side_reaches_as_far_as_dates_do() {
        means("2017-07-07/..", "2017-07-07", "9999-12-31");
        means("../2017-07", "0001-01-01", "2017-07-31");
    }

    #[test]
    fn intervals_that_make_no_sense_are_refused() {
        refused("2018/2017|2017-07-30/2017-07-24", "ends before it begins");
        refused("../..", "both sides");
        refused("2017/|/2017|/", "a side of the interval is empty");
        refused("2016/2017/2018", "too many /");
        refused("..|..?|2017/..~", "an open .. is one whole side");
    }

    #[test]
    fn days_months_and_years_outside_the_calendar_are_refused() {
        refused("2017-02-30|2017-02-29|2017-07-00", "no such day");
        refused("2017-07-5|2017-07-1X|2017-07-", "the day is not");
        refused("2017-13|2017-00|2017-7|2017-+7", "the month is not");
        refused("2017-21|2017-33", "a season");
        refused("0000|000X|00XX|10000|201|Y17000|+201", "four digits");
        refused("-0044|-044-03-15", "negative");
    }

    #[test]
    fn unspecified_digits_elsewhere_are_refused() {
        refused("2017-XX-05", "its month is not");
        refused("2XXX|XXXX|2X17|201X-05|201X-XX", "may be X");
        refused("201x|20X", "four digits");
    }

    #[test]
    fn what_is_no_date_at_all_is_refused() {
        refused("", "the date is empty");
        refused(" 2017|2017\n|2017 / 2018", "whitespace");
        refused("２０１７|2017–07", "not all ASCII");
        refused("2017-07-25T10:00:00Z|2017-07-25T10", "a time of day");
        refused("2017?~|2017?-07|?2017", "one of ? ~ %");
        refused("2017-07-25-01", "more than a year, month and day");
        refused("yesterday|20170725", "four digits");
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_what_is_right() {
        let refusal = "2017-13".parse::<Edtf>().unwrap_err().to_string();
        let sentence = "the month is not 01 to 12 or XX; write it like 2017-07";
        assert_eq!(refusal, sentence);
    }
}
