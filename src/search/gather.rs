//! What is gathered while the documents that match go by: a page of them, and counts.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use rustc_hash::FxHashMap;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column as Values, ColumnValues, StrColumn};
use tantivy::index::SegmentReader;
use tantivy::{DocId, Score};
use uuid::Uuid;

use super::ask::Ask;
use super::document::{Column, NO_DAY, Naming, Tag, half_names};
use crate::access::{Audience, Caller};
use crate::db::types::Id;

/// Lets through only what the caller sees and the rest of the question, which no postings answer, allows.
pub struct Seen<C> {
    inner: C,
    class: i64,
    kinds: Vec<i64>,
    days: (i64, i64),
    places: (i64, i64),
    among: Option<Arc<HashSet<Id>>>,
}

impl<C> Seen<C> {
    /// What this caller sees of what is asked for.
    pub fn by(caller: &Caller, ask: &Ask, inner: C) -> Self {
        let micros = |moment: crate::db::types::Timestamp| moment.micros();
        Self {
            inner,
            class: Audience::only(caller).bits().into(),
            kinds: ask.kinds().iter().map(|kind| *kind as i64).collect(),
            days: ask.days(),
            places: (ask.first_moment.map_or(i64::MIN, micros), ask.last_moment.map_or(i64::MAX, micros)),
            among: ask.among.clone(),
        }
    }
}

impl<C: Collector> Collector for Seen<C> {
    type Fruit = C::Fruit;
    type Child = SeenSegment<C::Child>;

    fn for_segment(&self, number: u32, segment: &SegmentReader) -> tantivy::Result<Self::Child> {
        let bounded = |(first, last): (i64, i64)| first != i64::MIN || last != i64::MAX;
        let any_days = bounded(self.days);
        Ok(SeenSegment {
            inner: self.inner.for_segment(number, segment)?,
            class: self.class,
            audience: column(segment, Column::Audience)?,
            kinds: some(!self.kinds.is_empty(), || Ok((self.kinds.clone(), column(segment, Column::Kind)?)))?,
            days: some(any_days, || {
                Ok((self.days, column(segment, Column::FirstDay)?, column(segment, Column::LastDay)?))
            })?,
            places: some(bounded(self.places), || Ok((self.places, column(segment, Column::Place)?)))?,
            among: match &self.among {
                Some(among) => Some((Arc::clone(among), Identities::of(segment)?)),
                None => None,
            },
        })
    }

    fn requires_scoring(&self) -> bool {
        self.inner.requires_scoring()
    }

    fn merge_fruits(&self, fruits: Vec<<Self::Child as SegmentCollector>::Fruit>) -> tantivy::Result<Self::Fruit> {
        self.inner.merge_fruits(fruits)
    }
}

type Numbers = Arc<dyn ColumnValues<i64>>;

/// A segment's part of [`Seen`].
pub struct SeenSegment<C> {
    inner: C,
    class: i64,
    audience: Numbers,
    kinds: Option<(Vec<i64>, Numbers)>,
    days: Option<((i64, i64), Numbers, Numbers)>,
    places: Option<((i64, i64), Numbers)>,
    among: Option<(Arc<HashSet<Id>>, Identities)>,
}

impl<C> SeenSegment<C> {
    fn lets_through(&self, document: DocId) -> bool {
        self.audience.get_val(document) & self.class != 0
            && self.kinds.as_ref().is_none_or(|(kinds, kind)| kinds.contains(&kind.get_val(document)))
            && self.days.as_ref().is_none_or(|((first, last), begins, ends)| {
                let ends = ends.get_val(document);
                ends != NO_DAY && ends >= *first && begins.get_val(document) <= *last
            })
            && self.places.as_ref().is_none_or(|((first, last), place)| {
                let place = place.get_val(document);
                place >= *first && place <= *last
            })
            && self.among.as_ref().is_none_or(|(among, identities)| among.contains(&identities.get(document)))
    }
}

impl<C: SegmentCollector> SegmentCollector for SeenSegment<C> {
    type Fruit = C::Fruit;

    fn collect(&mut self, document: DocId, score: Score) {
        if self.lets_through(document) {
            self.inner.collect(document, score);
        }
    }

    fn harvest(self) -> C::Fruit {
        self.inner.harvest()
    }
}

fn some<T>(wanted: bool, make: impl FnOnce() -> tantivy::Result<T>) -> tantivy::Result<Option<T>> {
    if wanted { make().map(Some) } else { Ok(None) }
}

fn column(segment: &SegmentReader, column: Column) -> tantivy::Result<Numbers> {
    segment.fast_fields().column_first_or_default(column.as_str())
}

/// Who the documents of a segment are.
struct Identities {
    high: Numbers,
    low: Numbers,
}

impl Identities {
    fn of(segment: &SegmentReader) -> tantivy::Result<Self> {
        Ok(Self { high: column(segment, Column::IdHigh)?, low: column(segment, Column::IdLow)? })
    }

    fn get(&self, document: DocId) -> Id {
        let (high, low) = (self.high.get_val(document), self.low.get_val(document));
        Id(Uuid::from_u64_pair(high.cast_unsigned(), low.cast_unsigned()))
    }
}

/// In which order a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The best first.
    Relevance,
    /// By the place in the list.
    Place {
        /// The last first.
        descending: bool,
    },
    /// By the last change.
    Update {
        /// The latest first.
        descending: bool,
    },
}

impl Order {
    fn descends(self) -> bool {
        match self {
            Self::Relevance => true,
            Self::Place { descending } | Self::Update { descending } => descending,
        }
    }
}

/// What a document found is ordered by. Scores are in hundredths: finer differences mean nothing, and rounding takes away
/// what follows from the order of additions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The score, day or moment.
    pub value: i64,
    /// Who it is.
    pub id: Id,
}

/// A page: the first so many after a key.
pub struct Page {
    /// The order.
    pub order: Order,
    /// Where the page before ended.
    pub after: Option<Key>,
    /// How many.
    pub limit: usize,
}

impl Collector for Page {
    type Fruit = Vec<Key>;
    type Child = PageSegment;

    fn for_segment(&self, _: u32, segment: &SegmentReader) -> tantivy::Result<PageSegment> {
        let values = match self.order {
            Order::Relevance => None,
            Order::Place { .. } => Some(column(segment, Column::Place)?),
            Order::Update { .. } => Some(column(segment, Column::UpdatedAt)?),
        };
        let descends = self.order.descends();
        let after = self.after.map(|key| Ranked::of(key, descends));
        let best = BinaryHeap::with_capacity(self.limit + 1);
        Ok(PageSegment { values, identities: Identities::of(segment)?, descends, after, limit: self.limit, best })
    }

    fn requires_scoring(&self) -> bool {
        self.order == Order::Relevance
    }

    fn merge_fruits(&self, fruits: Vec<Vec<Key>>) -> tantivy::Result<Vec<Key>> {
        let mut keys: Vec<Key> = fruits.into_iter().flatten().collect();
        keys.sort_by_key(|key| Ranked::of(*key, self.order.descends()));
        keys.truncate(self.limit);
        Ok(keys)
    }
}

/// A key that comes the earlier the smaller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ranked {
    Rising(Key),
    Falling(Reverse<Key>),
}

impl Ranked {
    fn of(key: Key, descends: bool) -> Self {
        if descends { Self::Falling(Reverse(key)) } else { Self::Rising(key) }
    }

    fn key(self) -> Key {
        match self {
            Self::Rising(key) | Self::Falling(Reverse(key)) => key,
        }
    }
}

/// A segment's part of [`Page`].
pub struct PageSegment {
    values: Option<Numbers>,
    identities: Identities,
    descends: bool,
    after: Option<Ranked>,
    limit: usize,
    best: BinaryHeap<Ranked>,
}

impl PageSegment {
    /// Whether something of this value comes too late to be on the page, whoever it is.
    fn is_too_late(&self, value: i64) -> bool {
        let Some(last) = self.best.peek().filter(|_| self.best.len() >= self.limit) else {
            return false;
        };
        let last = last.key().value;
        if self.descends { value < last } else { value > last }
    }
}

impl SegmentCollector for PageSegment {
    type Fruit = Vec<Key>;

    fn collect(&mut self, document: DocId, score: Score) {
        #[expect(clippy::cast_possible_truncation, reason = "scores are small, and rounded is what they shall be")]
        let value =
            self.values.as_ref().map_or_else(|| (score * 100.0).round() as i64, |values| values.get_val(document));
        if self.is_too_late(value) {
            return;
        }
        let ranked = Ranked::of(Key { value, id: self.identities.get(document) }, self.descends);
        if self.after.is_none_or(|after| ranked > after) {
            self.best.push(ranked);
            if self.best.len() > self.limit {
                self.best.pop();
            }
        }
    }

    fn harvest(self) -> Vec<Key> {
        self.best.into_iter().map(Ranked::key).collect()
    }
}

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
    /// An interval, by its number.
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
        (first, self.first_day(number + 1).pred_opt().unwrap_or(first))
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

/// How often each value of a facet goes by.
pub struct Counts {
    facet: Facet,
    days: (i64, i64),
}

impl Counts {
    /// By this facet; what lies in time is counted within the days that are asked for.
    #[must_use]
    pub fn by(facet: Facet, ask: &Ask) -> Self {
        Self { facet, days: ask.days() }
    }
}

impl Collector for Counts {
    type Fruit = HashMap<Value, u64>;
    type Child = CountsSegment;

    fn for_segment(&self, _: u32, segment: &SegmentReader) -> tantivy::Result<CountsSegment> {
        Ok(CountsSegment { lens: Lens::of(segment, self.facet, self.days)?, counts: FxHashMap::default() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, fruits: Vec<Vec<(Value, u64)>>) -> tantivy::Result<Self::Fruit> {
        let mut counts = HashMap::new();
        for (value, count) in fruits.into_iter().flatten() {
            *counts.entry(value).or_default() += count;
        }
        Ok(counts)
    }
}

/// A segment's part of [`Counts`].
pub struct CountsSegment {
    lens: Lens,
    counts: FxHashMap<u128, u64>,
}

impl SegmentCollector for CountsSegment {
    type Fruit = Vec<(Value, u64)>;

    fn collect(&mut self, document: DocId, _: Score) {
        let counts = &mut self.counts;
        self.lens.each(document, |key| *counts.entry(key).or_default() += 1);
    }

    fn harvest(self) -> Vec<(Value, u64)> {
        let values = self.lens.values(self.counts.keys().copied());
        self.counts.into_iter().filter_map(|(key, count)| Some((values.get(&key)?.clone(), count))).collect()
    }
}

/// How often each interval goes by, by itself or for each value of a facet.
pub struct Grid {
    interval: Interval,
    group: Option<Facet>,
    days: (i64, i64),
}

impl Grid {
    /// By this interval and, if wished, this facet.
    #[must_use]
    pub fn by(interval: Interval, group: Option<Facet>, ask: &Ask) -> Self {
        Self { interval, group, days: ask.days() }
    }
}

impl Collector for Grid {
    type Fruit = HashMap<(i64, Option<Value>), u64>;
    type Child = GridSegment;

    fn for_segment(&self, _: u32, segment: &SegmentReader) -> tantivy::Result<GridSegment> {
        let calendar = Lens::of(segment, Facet::Calendar(self.interval), self.days)?;
        let group = self.group.map(|facet| Lens::of(segment, facet, self.days)).transpose()?;
        Ok(GridSegment { calendar, group, counts: FxHashMap::default() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, fruits: Vec<Vec<((i64, Option<Value>), u64)>>) -> tantivy::Result<Self::Fruit> {
        let mut counts = HashMap::new();
        for (cell, count) in fruits.into_iter().flatten() {
            *counts.entry(cell).or_default() += count;
        }
        Ok(counts)
    }
}

/// A segment's part of [`Grid`].
pub struct GridSegment {
    calendar: Lens,
    group: Option<Lens>,
    counts: FxHashMap<(u128, Option<u128>), u64>,
}

impl SegmentCollector for GridSegment {
    type Fruit = Vec<((i64, Option<Value>), u64)>;

    fn collect(&mut self, document: DocId, _: Score) {
        let (counts, group) = (&mut self.counts, &self.group);
        self.calendar.each(document, |interval| match group {
            None => *counts.entry((interval, None)).or_default() += 1,
            Some(group) => group.each(document, |key| *counts.entry((interval, Some(key))).or_default() += 1),
        });
    }

    fn harvest(self) -> Self::Fruit {
        let values = self.group.map(|group| group.values(self.counts.keys().filter_map(|(_, key)| *key)));
        let value = |key: u128| values.as_ref().and_then(|values| values.get(&key)).cloned();
        self.counts
            .into_iter()
            .map(|((interval, key), count)| ((number(interval), key.and_then(value)), count))
            .collect()
    }
}

/// Reads of each document what it is counted by, as keys that mean something within one segment.
enum Lens {
    Nothing,
    Tags(StrColumn),
    Names { high: Values<u64>, low: Values<u64> },
    Kind(Numbers),
    Calendar { counted: Numbers, interval: Interval, days: (i64, i64) },
}

impl Lens {
    fn of(segment: &SegmentReader, facet: Facet, days: (i64, i64)) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(match facet {
            Facet::Tag(tag) => columns.str(tag.as_str())?.map_or(Self::Nothing, Self::Tags),
            Facet::Naming(naming) => {
                let [high, low] = half_names(naming);
                match (columns.column_opt(&high)?, columns.column_opt(&low)?) {
                    (Some(high), Some(low)) => Self::Names { high, low },
                    _ => Self::Nothing,
                }
            }
            Facet::Kind => Self::Kind(column(segment, Column::Kind)?),
            Facet::Calendar(interval) => Self::Calendar { counted: column(segment, Column::Counted)?, interval, days },
        })
    }

    fn each(&self, document: DocId, mut found: impl FnMut(u128)) {
        match self {
            Self::Nothing => {}
            Self::Tags(column) => column.term_ords(document).for_each(|ordinal| found(ordinal.into())),
            Self::Names { high, low } => {
                for (high, low) in high.values_for_doc(document).zip(low.values_for_doc(document)) {
                    found(u128::from(high) << 64 | u128::from(low));
                }
            }
            Self::Kind(kind) => found(kind.get_val(document).cast_unsigned().into()),
            Self::Calendar { counted, interval, days: (first, last) } => {
                let day = counted.get_val(document);
                if day != NO_DAY {
                    let day = day.max(*first).min(*last);
                    found(interval.number(day).cast_unsigned().into());
                }
            }
        }
    }

    /// What the keys mean.
    fn values(&self, keys: impl Iterator<Item = u128>) -> HashMap<u128, Value> {
        match self {
            Self::Nothing => HashMap::new(),
            Self::Tags(column) => texts(column, keys),
            Self::Names { .. } => keys.map(|key| (key, Value::Id(Id(Uuid::from_u128(key))))).collect(),
            Self::Kind(_) | Self::Calendar { .. } => keys.map(|key| (key, Value::Number(number(key)))).collect(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was made of an i64")]
fn number(key: u128) -> i64 {
    (key as u64).cast_signed()
}

fn texts(column: &StrColumn, keys: impl Iterator<Item = u128>) -> HashMap<u128, Value> {
    let mut ordinals: Vec<u64> = keys.filter_map(|key| u64::try_from(key).ok()).collect();
    ordinals.sort_unstable();
    ordinals.dedup();
    let mut left = ordinals.iter();
    let mut values = HashMap::with_capacity(ordinals.len());
    // A dictionary that cannot be read leaves its values out; the log says so.
    let read = column.dictionary().sorted_ords_to_term_cb(&ordinals, |text| {
        if let Some(ordinal) = left.next() {
            values.insert(u128::from(*ordinal), Value::Text(String::from_utf8_lossy(text).into_owned()));
        }
    });
    if let Err(error) = read {
        tracing::error!(%error, "a dictionary of the index cannot be read");
    }
    values
}
