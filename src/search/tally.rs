//! How often what goes by has each of the values that it is counted by.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use rustc_hash::FxHashMap;
use tantivy::DocId;
use tantivy::columnar::{Column as Values, Dictionary};
use uuid::Uuid;

use super::document::{Column, NO_DAY, Naming, Tag};
use super::segments::{Columns, Numbers};
use crate::db::types::Id;
use crate::edtf::OPEN_END;

/// What documents are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Facet {
    /// A tag's values.
    Tag(Tag),
    /// Those whom they name.
    Naming(Naming),
    /// What they are.
    Kind,
    /// When.
    Calendar(Interval),
    /// How probable, in percent; 0 for what does not say.
    Probability,
}

crate::vocabulary::vocabulary! {
    /// The lengths of time that things are counted in.
    Interval { Day = "day", Week = "week", Month = "month", Year = "year" }
}

/// A value that documents were counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// A text.
    Text(String),
    /// Somebody.
    Id(Id),
    /// A number: of a kind, of an interval, or in percent.
    Number(i64),
}

impl Interval {
    /// The number of the interval that a day, counted from 0001-01-01 as 1, lies in.
    #[must_use]
    pub fn number(self, day: i64) -> i64 {
        let date = || i32::try_from(day).ok().and_then(NaiveDate::from_num_days_from_ce_opt).unwrap_or_default();
        match self {
            Self::Day => day,
            // 0001-01-01 was a Monday.
            Self::Week => (day - 1).div_euclid(7),
            Self::Month => i64::from(date().year()) * 12 + i64::from(date().month0()),
            Self::Year => date().year().into(),
        }
    }

    /// Its first and its last day.
    #[must_use]
    pub fn bounds(self, number: i64) -> (NaiveDate, NaiveDate) {
        let first = self.first_day(number);
        let last = self.first_day(number + 1).pred_opt().unwrap_or(first);
        (first, last.min(OPEN_END))
    }

    fn first_day(self, number: i64) -> NaiveDate {
        let day = |day: i64| i32::try_from(day).ok().and_then(NaiveDate::from_num_days_from_ce_opt);
        let date =
            |year: i64, month: i64| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, u32::try_from(month).ok()?, 1);
        match self {
            Self::Day => day(number),
            Self::Week => day(number * 7 + 1),
            Self::Month => date(number.div_euclid(12), number.rem_euclid(12) + 1),
            Self::Year => date(number, 1),
        }
        .unwrap_or(NaiveDate::MAX)
    }
}

/// How often values occur, in the order of the values.
pub type Counts = Vec<(Value, u64)>;

/// The sums of two counts, value by value, in order.
pub(super) fn added(one: Counts, other: Counts) -> Counts {
    let mut sums = Counts::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    loop {
        let order = match (one.peek(), other.peek()) {
            (Some((a, _)), Some((b, _))) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return sums,
        };
        match order {
            Ordering::Less => sums.extend(one.next()),
            Ordering::Greater => sums.extend(other.next()),
            Ordering::Equal => {
                let more = other.next().map_or(0, |(_, count)| count);
                sums.extend(one.next().map(|(value, count)| (value, count + more)));
            }
        }
    }
}

/// Counts what a lens reads.
pub(super) struct Counter {
    lens: Lens,
    tally: Tally,
}

/// How often each key was met.
#[derive(Default)]
struct Tally {
    /// Counts from a first key on, as many as commonly lie close together: made when there is something to count.
    first: u64,
    dense: Vec<u32>,
    /// What lies outside of that.
    sparse: FxHashMap<u64, u32>,
}

impl Counter {
    pub(super) fn of(lens: Lens) -> Self {
        Self { lens, tally: Tally::default() }
    }

    pub(super) fn collect(&mut self, document: DocId) {
        let Self { lens, tally } = self;
        lens.each(document, |key| tally.add(lens, key));
    }

    pub(super) fn collect_block(&mut self, documents: &[DocId]) {
        let Self { lens, tally } = self;
        lens.each_of(documents, |key| tally.add(lens, key));
    }

    pub(super) fn harvest(self) -> Counts {
        let counts = self.tally.harvest();
        let keys: Vec<u64> = counts.iter().map(|(key, _)| *key).collect();
        // Values are in the order of their keys, and several days may mean one interval.
        let mut meant = Counts::with_capacity(counts.len());
        for (value, (_, count)) in self.lens.values(&keys).into_iter().zip(counts) {
            match meant.last_mut().filter(|(last, _)| *last == value) {
                Some((_, sum)) => *sum += u64::from(count),
                None => meant.push((value, count.into())),
            }
        }
        meant
    }
}

impl Tally {
    fn add(&mut self, lens: &Lens, key: u64) {
        if self.dense.is_empty() {
            let (first, length) = lens.window(key);
            self.first = first;
            self.dense.resize(length, 0);
        }
        let place = key.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        match place.and_then(|place| self.dense.get_mut(place)) {
            Some(count) => *count += 1,
            None => *self.sparse.entry(key).or_default() += 1,
        }
    }

    /// The keys in order, with their counts.
    fn harvest(self) -> Vec<(u64, u32)> {
        let dense = (self.first..).zip(self.dense).filter(|(_, count)| *count > 0);
        let mut counts: Vec<(u64, u32)> = dense.collect();
        if !self.sparse.is_empty() {
            counts.extend(self.sparse);
            counts.sort_unstable();
        }
        counts
    }
}

/// Counts the combinations of what several lenses read; of none, nothing.
pub(super) struct Cross {
    lenses: Vec<Lens>,
    counts: FxHashMap<[u64; MOST_LENSES], u64>,
}

const MOST_LENSES: usize = 3;

impl Cross {
    pub(super) fn of(lenses: Vec<Lens>) -> Self {
        Self { lenses, counts: FxHashMap::default() }
    }

    pub(super) fn collect(&mut self, document: DocId) {
        if !self.lenses.is_empty() {
            combine(&self.lenses, document, [0; MOST_LENSES], 0, &mut self.counts);
        }
    }

    pub(super) fn harvest(self) -> FxHashMap<Vec<Value>, u64> {
        let mut meanings: Vec<FxHashMap<u64, Value>> = Vec::with_capacity(self.lenses.len());
        for (place, lens) in self.lenses.iter().enumerate() {
            let mut keys: Vec<u64> = self.counts.keys().filter_map(|keys| keys.get(place).copied()).collect();
            keys.sort_unstable();
            keys.dedup();
            let values = lens.values(&keys);
            meanings.push(keys.into_iter().zip(values).collect());
        }
        let mut meant: FxHashMap<Vec<Value>, u64> = FxHashMap::default();
        for (keys, count) in self.counts {
            let values = meanings.iter().zip(keys).map(|(meaning, key)| meaning.get(&key).cloned());
            if let Some(values) = values.collect::<Option<Vec<_>>>() {
                *meant.entry(values).or_default() += count;
            }
        }
        meant
    }
}

fn combine(
    lenses: &[Lens],
    document: DocId,
    keys: [u64; MOST_LENSES],
    place: usize,
    counts: &mut FxHashMap<[u64; MOST_LENSES], u64>,
) {
    let Some((lens, rest)) = lenses.split_first() else {
        *counts.entry(keys).or_default() += 1;
        return;
    };
    lens.each(document, |key| {
        let mut keys = keys;
        if let Some(slot) = keys.get_mut(place) {
            *slot = key;
        }
        combine(rest, document, keys, place + 1, counts);
    });
}

/// Reads of each document what it is counted by, as keys that mean something within one segment.
pub(super) enum Lens {
    Nothing,
    Words { numbers: Values<u64>, dictionary: Arc<Dictionary>, are_ids: bool },
    Kind(Numbers),
    Calendar { counted: Numbers, interval: Interval, days: (i64, i64) },
    Number(Values<i64>),
}

impl Lens {
    pub(super) fn of(columns: Columns<'_>, facet: Facet, days: (i64, i64)) -> tantivy::Result<Self> {
        let words = columns.segment.fast_fields();
        Ok(match facet {
            Facet::Tag(tag) => words.str(tag.as_str())?.map_or(Self::Nothing, |column| {
                let (dictionary, numbers) = column.into_parts();
                Self::Words { numbers, dictionary, are_ids: false }
            }),
            Facet::Naming(naming) => words.bytes(naming.as_str())?.map_or(Self::Nothing, |column| {
                let (dictionary, numbers) = tantivy::columnar::StrColumn::wrap(column).into_parts();
                Self::Words { numbers, dictionary, are_ids: true }
            }),
            Facet::Kind => Self::Kind(columns.numbers(Column::Kind)?),
            Facet::Calendar(interval) => Self::Calendar { counted: columns.numbers(Column::Counted)?, interval, days },
            Facet::Probability => words.column_opt(Column::Probability.as_str())?.map_or(Self::Nothing, Self::Number),
        })
    }

    /// Where keys like this one lie: from which on, and how many.
    fn window(&self, key: u64) -> (u64, usize) {
        match self {
            Self::Nothing => (0, 0),
            Self::Words { dictionary, .. } => (0, dictionary.num_terms()),
            Self::Kind(_) | Self::Number(_) => (0, 128),
            // Some decades around the first day that is met.
            Self::Calendar { .. } => (key.saturating_sub(10_000), 20_000),
        }
    }

    fn each(&self, document: DocId, mut found: impl FnMut(u64)) {
        match self {
            Self::Nothing => {}
            Self::Words { numbers, .. } => numbers.values_for_doc(document).for_each(found),
            Self::Kind(kind) => found(kind.get(document).cast_unsigned()),
            Self::Calendar { counted, days, .. } => {
                if let Some(day) = counted_on(counted.get(document), *days) {
                    found(day);
                }
            }
            Self::Number(numbers) => found(numbers.first(document).unwrap_or_default().cast_unsigned()),
        }
    }

    fn each_of(&self, documents: &[DocId], mut found: impl FnMut(u64)) {
        match self {
            Self::Kind(kind) => kind.each_of(documents, |kind| found(kind.cast_unsigned())),
            Self::Calendar { counted, days, .. } => counted.each_of(documents, |day| {
                if let Some(day) = counted_on(day, *days) {
                    found(day);
                }
            }),
            Self::Nothing | Self::Words { .. } | Self::Number(_) => {
                for document in documents {
                    self.each(*document, &mut found);
                }
            }
        }
    }

    /// What the keys, which are in order, mean.
    fn values(&self, keys: &[u64]) -> Vec<Value> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Words { dictionary, are_ids, .. } => words(dictionary, keys, *are_ids),
            Self::Calendar { interval, .. } => {
                keys.iter().map(|key| Value::Number(interval.number(key.cast_signed()))).collect()
            }
            Self::Kind(_) | Self::Number(_) => keys.iter().map(|key| Value::Number(key.cast_signed())).collect(),
        }
    }
}

/// The day to count something on that has this day, among the days asked for: what began before them counts on the first.
fn counted_on(day: i64, (first, last): (i64, i64)) -> Option<u64> {
    (day != NO_DAY).then(|| day.max(first).min(last).cast_unsigned())
}

/// Words by their numbers in a dictionary.
fn words(dictionary: &Dictionary, numbers: &[u64], are_ids: bool) -> Vec<Value> {
    let mut values = Vec::with_capacity(numbers.len());
    // A dictionary that cannot be read leaves its words out; the log says so.
    let read = dictionary.sorted_ords_to_term_cb(numbers, |word| {
        values.push(if are_ids {
            Value::Id(Id(Uuid::from_slice(word).unwrap_or_default()))
        } else {
            Value::Text(String::from_utf8_lossy(word).into_owned())
        });
    });
    if let Err(error) = read {
        tracing::error!(%error, "a dictionary of the index cannot be read");
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_lies_in_its_interval() {
        for text in ["0001-01-01", "1999-12-31", "2017-07-30", "2017-07-31", "2020-02-29", "9999-12-30"] {
            let day: NaiveDate = text.parse().unwrap();
            for interval in Interval::ALL {
                let (first, last) = interval.bounds(interval.number(day.num_days_from_ce().into()));
                assert!(first <= day && day <= last, "{interval} of {day} is {first} to {last}");
            }
        }
        let tuesday = NaiveDate::from_ymd_opt(2017, 7, 25).unwrap();
        let (monday, sunday) = Interval::Week.bounds(Interval::Week.number(tuesday.num_days_from_ce().into()));
        assert_eq!((monday.to_string(), sunday.to_string()), ("2017-07-24".into(), "2017-07-30".into()));
    }
}
