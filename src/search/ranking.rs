//! Pages of what is found: their orders, and the first so many of what goes by.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use tantivy::index::SegmentReader;
use tantivy::{DocId, Score};
use uuid::Uuid;

use super::document::Column;
use super::segments::{Columns, Numbers, Segments};
use super::zones::Zones;
use crate::db::types::Id;

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
    /// The column that it goes by; None where it is the score that counts.
    fn column(self) -> Option<Column> {
        match self {
            Self::Relevance => None,
            Self::Place { .. } => Some(Column::Place),
            Self::Update { .. } => Some(Column::UpdatedAt),
            Self::Change => Some(Column::Changed),
        }
    }

    pub(super) fn descends(self) -> bool {
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

/// Who the documents of a segment are.
pub(super) struct Identities {
    high: Numbers,
    low: Numbers,
}

impl Identities {
    pub(super) fn of(columns: Columns<'_>) -> tantivy::Result<Self> {
        Ok(Self { high: columns.numbers(Column::IdHigh)?, low: columns.numbers(Column::IdLow)? })
    }

    pub(super) fn get(&self, document: DocId) -> Id {
        let (high, low) = (self.high.get(document), self.low.get(document));
        Id(Uuid::from_u64_pair(high.cast_unsigned(), low.cast_unsigned()))
    }
}

/// A key that comes the earlier the smaller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ranked {
    Rising(Key),
    Falling(Reverse<Key>),
}

impl Ranked {
    pub(super) fn of(key: Key, descends: bool) -> Self {
        if descends { Self::Falling(Reverse(key)) } else { Self::Rising(key) }
    }

    pub(super) fn key(self) -> Key {
        match self {
            Self::Rising(key) | Self::Falling(Reverse(key)) => key,
        }
    }
}

/// The best of what has gone by, all of it of one segment at a time.
pub(super) struct Best {
    /// None where it is the score that counts.
    values: Option<Numbers>,
    /// None where the score counts, and where values rise: zones are known by their highest numbers only.
    zones: Option<Arc<Zones>>,
    identities: Identities,
    descends: bool,
    after: Option<Ranked>,
    limit: usize,
    ranked: BinaryHeap<Ranked>,
    /// What scores no more than this cannot be on the page any more.
    floor: Score,
}

impl Best {
    /// Of a segment, together with the best of other segments.
    pub(super) fn of(columns: Columns<'_>, page: Page, ranked: BinaryHeap<Ranked>) -> tantivy::Result<Self> {
        let descends = page.order.descends();
        let column = page.order.column();
        let mut all = Self {
            values: column.map(|column| columns.numbers(column)).transpose()?,
            zones: column.filter(|_| descends).map(|column| columns.zones(column)).transpose()?,
            identities: Identities::of(columns)?,
            descends,
            after: page.after.map(|key| Ranked::of(key, descends)),
            limit: page.limit,
            ranked,
            floor: Score::MIN,
        };
        all.raise_floor();
        Ok(all)
    }

    pub(super) fn collect(&mut self, document: DocId, score: Score) {
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
            self.ranked.push(ranked);
            if self.ranked.len() > self.limit {
                self.ranked.pop();
                self.raise_floor();
            }
        }
    }

    /// By a hundredth less than the last score on the page, so that nothing that is rounded to the same is passed over.
    fn raise_floor(&mut self) {
        if self.values.is_none()
            && self.ranked.len() >= self.limit
            && let Some(last) = self.ranked.peek()
        {
            #[expect(clippy::cast_precision_loss, reason = "scores are small")]
            let last = last.key().value as Score;
            self.floor = self.floor.max((last - 1.0) / 100.0);
        }
    }

    /// What scores no more than this cannot be on the page any more.
    pub(super) fn floor(&self) -> Score {
        self.floor
    }

    /// Whether something of this value comes too late to be on the page, whoever it is.
    pub(super) fn is_too_late(&self, value: i64) -> bool {
        let Some(last) = self.ranked.peek().filter(|_| self.ranked.len() >= self.limit) else {
            return false;
        };
        comes_before(last.key().value, value, self.descends)
    }

    /// Whether something of this value comes too early to be on the page, whoever it is: a page before has it.
    pub(super) fn is_passed(&self, value: i64) -> bool {
        self.after.is_some_and(|after| comes_before(value, after.key().value, self.descends))
    }

    /// Whether anything of the segment can be on the page, as far as its values say that all together.
    pub(super) fn may_grow(&self) -> bool {
        let Some(values) = &self.values else {
            return true;
        };
        let (first, last) = ends_of(values, self.descends);
        !self.is_passed(last) && !self.is_too_late(first)
    }

    /// The zones of the segment, for a page whose values fall; a rising one looks at everything.
    pub(super) fn zones(&self) -> Option<Arc<Zones>> {
        self.zones.clone()
    }

    pub(super) fn into_ranked(self) -> BinaryHeap<Ranked> {
        self.ranked
    }
}

/// Whether one value comes before another.
fn comes_before(one: i64, other: i64, descends: bool) -> bool {
    if descends { one > other } else { one < other }
}

/// The value that comes before all others, and the one that comes after them.
fn ends_of(values: &Numbers, descends: bool) -> (i64, i64) {
    if descends { (values.highest(), values.lowest()) } else { (values.lowest(), values.highest()) }
}

/// A page in order.
pub(super) fn in_order(ranked: impl IntoIterator<Item = Ranked>, limit: usize) -> Vec<Key> {
    let mut ranked: Vec<Ranked> = ranked.into_iter().collect();
    ranked.sort_unstable();
    ranked.truncate(limit);
    ranked.into_iter().map(Ranked::key).collect()
}

/// Segments in the order in which a page of this order is full soonest.
pub(super) fn promising_first<'s>(
    order: Order,
    segments: Vec<&'s SegmentReader>,
    known: &Segments,
) -> tantivy::Result<Vec<&'s SegmentReader>> {
    let Some(column) = order.column() else {
        return Ok(segments);
    };
    let mut by_first = Vec::with_capacity(segments.len());
    for segment in segments {
        let (first, _) = ends_of(&known.numbers(segment, column)?, order.descends());
        by_first.push((first, segment));
    }
    by_first.sort_by(|(one, _), (other, _)| if order.descends() { other.cmp(one) } else { one.cmp(other) });
    Ok(by_first.into_iter().map(|(_, segment)| segment).collect())
}
