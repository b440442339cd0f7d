//! What is gathered while the documents that match go by, all of it in one pass: a page of them, and counts.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use rustc_hash::FxHashMap;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column as Values, Dictionary};
use tantivy::index::SegmentReader;
use tantivy::{DocId, Score};
use uuid::Uuid;

use super::ask::Ask;
use super::document::{Column, NO_DAY, Naming, Tag};
use super::segments::{Numbers, Segments};
use super::sight::Sighted;
use crate::db::types::{Id, Timestamp};
use crate::edtf::OPEN_END;

/// What is wanted of what matches.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// A page of it.
    pub page: Option<Page>,
    /// How often each value of these facets occurs.
    pub facets: Vec<Facet>,
    /// How often each combination of values of these facets occurs: three at most.
    pub cross: Vec<Facet>,
}

impl Wish {
    /// A page alone.
    #[must_use]
    pub fn page(page: Page) -> Self {
        Self { page: Some(page), ..Self::default() }
    }

    /// Whether it is for a page of the best, and for nothing that needs a look at all that match.
    pub(super) fn is_for_the_best_alone(&self) -> bool {
        let is_by_relevance = self.page.is_some_and(|page| page.order == Order::Relevance);
        is_by_relevance && self.facets.is_empty() && self.cross.is_empty()
    }

    /// How often combinations occur, alone.
    #[must_use]
    pub fn cross(facets: Vec<Facet>) -> Self {
        Self { cross: facets, ..Self::default() }
    }
}

/// What was gathered.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The page, in order.
    pub page: Vec<Key>,
    /// The counts of each facet.
    pub facets: Vec<Counts>,
    /// The counts of combinations.
    pub cross: FxHashMap<Vec<Value>, u64>,
    /// How many documents there are in all, unless a page of the best was all that was wanted.
    pub total: u64,
}

/// How often values occur, in the order of the values.
pub type Counts = Vec<(Value, u64)>;

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
    /// By the position of the last change, of itself or of what it shows, the last first.
    Change,
}

impl Order {
    fn descends(self) -> bool {
        match self {
            Self::Relevance | Self::Change => true,
            Self::Place { descending } | Self::Update { descending } => descending,
        }
    }
}

/// What a document found is ordered by. Scores are in hundredths: finer differences mean nothing, and rounding takes away
/// what follows from the order of additions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The score, day, moment or position.
    pub value: i64,
    /// Who it is.
    pub id: Id,
}

/// A page: the first so many after a key.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The order.
    pub order: Order,
    /// Where the page before ended.
    pub after: Option<Key>,
    /// How many.
    pub limit: usize,
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

/// Gathers what one class of callers sees of what matches, and of that only what the rest of the question allows, which
/// no postings answer.
pub(super) struct Gather<'a> {
    pub wish: Wish,
    pub ask: &'a Ask,
    pub segments: &'a Segments,
    pub class: i16,
}

impl Collector for Gather<'_> {
    type Fruit = Gathered;
    type Child = SegmentGather;

    fn for_segment(&self, _: u32, segment: &SegmentReader) -> tantivy::Result<SegmentGather> {
        let days = self.ask.days();
        let columns = Columns { segment, segments: self.segments };
        let lenses = |facets: &[Facet]| facets.iter().map(|facet| Lens::of(columns, *facet, days)).collect();
        let counters: tantivy::Result<Vec<Lens>> = lenses(&self.wish.facets);
        let cross: tantivy::Result<Vec<Lens>> = lenses(&self.wish.cross);
        Ok(SegmentGather {
            sighted: self.segments.sighted(segment, self.class)?,
            gate: Gate::of(columns, self.ask)?,
            page: self.wish.page.map(|page| PageSegment::of(columns, page)).transpose()?,
            counters: counters?.into_iter().map(Counter::of).collect(),
            cross: Cross { lenses: cross?, counts: FxHashMap::default() },
            total: 0,
            block: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.wish.page.is_some_and(|page| page.order == Order::Relevance)
    }

    fn merge_fruits(&self, fruits: Vec<Gathered>) -> tantivy::Result<Gathered> {
        let mut all = Gathered { facets: vec![Counts::new(); self.wish.facets.len()], ..Gathered::default() };
        for Gathered { mut page, facets, cross, total } in fruits {
            all.page.append(&mut page);
            all.total += total;
            for (sum, part) in all.facets.iter_mut().zip(facets) {
                *sum = added(std::mem::take(sum), part);
            }
            for (values, count) in cross {
                *all.cross.entry(values).or_default() += count;
            }
        }
        if let Some(page) = self.wish.page {
            all.page.sort_by_key(|key| Ranked::of(*key, page.order.descends()));
            all.page.truncate(page.limit);
        }
        Ok(all)
    }
}

/// The sums of two counts, value by value, in order.
fn added(one: Counts, other: Counts) -> Counts {
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

/// What is gathered of one segment.
pub(super) struct SegmentGather {
    sighted: Arc<Sighted>,
    gate: Gate,
    page: Option<PageSegment>,
    counters: Vec<Counter>,
    cross: Cross,
    total: u64,
    /// What is left of the block at hand, kept for its memory.
    block: Vec<DocId>,
}

impl SegmentGather {
    /// What scores no more than this cannot be on the page any more.
    pub(super) fn floor(&self) -> Score {
        self.page.as_ref().map_or(Score::MIN, |page| page.floor)
    }

    /// Takes what is known from elsewhere of what a page's last has to score.
    pub(super) fn raise_floor(&mut self, floor: Score) {
        if let Some(page) = &mut self.page {
            page.floor = page.floor.max(floor);
        }
    }
}

impl SegmentCollector for SegmentGather {
    type Fruit = Gathered;

    fn collect(&mut self, document: DocId, score: Score) {
        if self.sighted.has(document) && self.gate.lets_through(document) {
            self.total += 1;
            if let Some(page) = &mut self.page {
                page.collect(document, score);
            }
            for counter in &mut self.counters {
                counter.collect(document);
            }
            self.cross.collect(document);
        }
    }

    /// Many at once, where no score is asked for: column by column, so that each is read in one go.
    fn collect_block(&mut self, documents: &[DocId]) {
        let Self { sighted, gate, page, counters, cross, total, block } = self;
        block.clear();
        let shown = |document: &DocId| sighted.has(*document) && gate.lets_through(*document);
        block.extend(documents.iter().copied().filter(shown));
        *total += block.len() as u64;
        if let Some(page) = page {
            for document in block.iter() {
                page.collect(*document, 0.0);
            }
        }
        for counter in counters {
            counter.collect_block(block);
        }
        for document in block.iter() {
            cross.collect(*document);
        }
    }

    fn harvest(self) -> Gathered {
        Gathered {
            page: self.page.map(PageSegment::harvest).unwrap_or_default(),
            facets: self.counters.into_iter().map(Counter::harvest).collect(),
            cross: self.cross.harvest(),
            total: self.total,
        }
    }
}

/// The columns of a segment.
#[derive(Clone, Copy)]
struct Columns<'a> {
    segment: &'a SegmentReader,
    segments: &'a Segments,
}

impl Columns<'_> {
    fn numbers(self, column: Column) -> tantivy::Result<Numbers> {
        self.segments.numbers(self.segment, column)
    }
}

/// What a question asks beyond what postings answer.
struct Gate {
    days: Option<((i64, i64), Numbers, Numbers)>,
    places: Option<((i64, i64), Numbers)>,
    among: Option<(Arc<HashSet<Id>>, Identities)>,
}

impl Gate {
    fn of(columns: Columns<'_>, ask: &Ask) -> tantivy::Result<Self> {
        let bounded = |(first, last): (i64, i64)| first != i64::MIN || last != i64::MAX;
        let days = ask.days();
        let places =
            (ask.first_moment.map_or(i64::MIN, Timestamp::micros), ask.last_moment.map_or(i64::MAX, Timestamp::micros));
        Ok(Self {
            days: if bounded(days) {
                Some((days, columns.numbers(Column::FirstDay)?, columns.numbers(Column::LastDay)?))
            } else {
                None
            },
            places: if bounded(places) { Some((places, columns.numbers(Column::Place)?)) } else { None },
            among: match &ask.among {
                Some(among) => Some((Arc::clone(among), Identities::of(columns)?)),
                None => None,
            },
        })
    }

    fn lets_through(&self, document: DocId) -> bool {
        self.days.as_ref().is_none_or(|((first, last), begins, ends)| {
            let end = ends.get(document);
            end != NO_DAY && end >= *first && begins.get(document) <= *last
        }) && self.places.as_ref().is_none_or(|((first, last), place)| {
            let place = place.get(document);
            place >= *first && place <= *last
        }) && self.among.as_ref().is_none_or(|(among, identities)| among.contains(&identities.get(document)))
    }
}

/// Who the documents of a segment are.
struct Identities {
    high: Numbers,
    low: Numbers,
}

impl Identities {
    fn of(columns: Columns<'_>) -> tantivy::Result<Self> {
        Ok(Self { high: columns.numbers(Column::IdHigh)?, low: columns.numbers(Column::IdLow)? })
    }

    fn get(&self, document: DocId) -> Id {
        let (high, low) = (self.high.get(document), self.low.get(document));
        Id(Uuid::from_u64_pair(high.cast_unsigned(), low.cast_unsigned()))
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

/// The best of a segment.
struct PageSegment {
    /// None where it is the score that counts.
    values: Option<Numbers>,
    identities: Identities,
    descends: bool,
    after: Option<Ranked>,
    limit: usize,
    best: BinaryHeap<Ranked>,
    /// What scores less cannot be on the page any more.
    floor: Score,
}

impl PageSegment {
    fn of(columns: Columns<'_>, page: Page) -> tantivy::Result<Self> {
        let values = match page.order {
            Order::Relevance => None,
            Order::Place { .. } => Some(columns.numbers(Column::Place)?),
            Order::Update { .. } => Some(columns.numbers(Column::UpdatedAt)?),
            Order::Change => Some(columns.numbers(Column::Changed)?),
        };
        let descends = page.order.descends();
        Ok(Self {
            values,
            identities: Identities::of(columns)?,
            descends,
            after: page.after.map(|key| Ranked::of(key, descends)),
            limit: page.limit,
            best: BinaryHeap::new(),
            floor: Score::MIN,
        })
    }

    fn collect(&mut self, document: DocId, score: Score) {
        if score < self.floor {
            return;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "scores are small and not negative, and rounded is what they shall be"
        )]
        let value = self.values.as_ref().map_or_else(|| (score * 100.0).round() as i64, |values| values.get(document));
        if self.is_too_late(value) {
            return;
        }
        let ranked = Ranked::of(Key { value, id: self.identities.get(document) }, self.descends);
        if self.after.is_none_or(|after| ranked > after) {
            self.best.push(ranked);
            if self.best.len() > self.limit {
                self.best.pop();
                self.raise_floor();
            }
        }
    }

    /// By a hundredth less than the last score on the page, so that nothing that is rounded to the same is passed over.
    fn raise_floor(&mut self) {
        if self.values.is_none()
            && let Some(last) = self.best.peek()
        {
            #[expect(clippy::cast_precision_loss, reason = "scores are small")]
            let last = last.key().value as Score;
            self.floor = self.floor.max((last - 1.0) / 100.0);
        }
    }

    /// Whether something of this value comes too late to be on the page, whoever it is.
    fn is_too_late(&self, value: i64) -> bool {
        let Some(last) = self.best.peek().filter(|_| self.best.len() >= self.limit) else {
            return false;
        };
        let last = last.key().value;
        if self.descends { value < last } else { value > last }
    }

    fn harvest(self) -> Vec<Key> {
        self.best.into_iter().map(Ranked::key).collect()
    }
}

/// Counts what a lens reads.
struct Counter {
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
    fn of(lens: Lens) -> Self {
        Self { lens, tally: Tally::default() }
    }

    fn collect(&mut self, document: DocId) {
        let Self { lens, tally } = self;
        lens.each(document, |key| tally.add(lens, key));
    }

    fn collect_block(&mut self, documents: &[DocId]) {
        let Self { lens, tally } = self;
        lens.each_of(documents, |key| tally.add(lens, key));
    }

    fn harvest(self) -> Counts {
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
struct Cross {
    lenses: Vec<Lens>,
    counts: FxHashMap<[u64; MOST_LENSES], u64>,
}

const MOST_LENSES: usize = 3;

impl Cross {
    fn collect(&mut self, document: DocId) {
        if !self.lenses.is_empty() {
            combine(&self.lenses, document, [0; MOST_LENSES], 0, &mut self.counts);
        }
    }

    fn harvest(self) -> FxHashMap<Vec<Value>, u64> {
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
enum Lens {
    Nothing,
    Words { numbers: Values<u64>, dictionary: Arc<Dictionary>, are_ids: bool },
    Kind(Numbers),
    Calendar { counted: Numbers, interval: Interval, days: (i64, i64) },
    Number(Values<i64>),
}

impl Lens {
    fn of(columns: Columns<'_>, facet: Facet, days: (i64, i64)) -> tantivy::Result<Self> {
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
