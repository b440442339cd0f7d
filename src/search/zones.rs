//! What the numbers of a segment lie between, some documents at a time.
//!
//! Archives grow by time, and so does an index: what lies close together in it is mostly of about the same time. So a glance at the
//! bounds of a zone often says of all its documents whether they are wanted.

use std::cmp::Reverse;
use std::ops::Range;

use tantivy::DocId;

use super::segments::Numbers;

/// How many documents a zone has.
const ZONE: DocId = 512;

/// The bounds of a column of a segment, zone by zone.
pub struct Zones {
    /// The lowest and the highest number of each.
    each: Vec<(i64, i64)>,
    /// Which they are, those with the highest numbers first.
    highest_first: Vec<DocId>,
}

impl Zones {
    /// Of the numbers of so many documents.
    pub(super) fn of(numbers: &Numbers, documents: DocId) -> Self {
        let bounds = |first: DocId| {
            let zone = (first..documents.min(first + ZONE)).map(|document| numbers.get(document));
            zone.fold((i64::MAX, i64::MIN), |(low, high), number| (low.min(number), high.max(number)))
        };
        let each: Vec<(i64, i64)> = (0..documents).step_by(ZONE as usize).map(bounds).collect();
        let mut highest_first: Vec<DocId> = (0..).take(each.len()).collect();
        highest_first.sort_by_key(|zone| Reverse(each.get(*zone as usize).map(|(_, high)| *high)));
        Self { each, highest_first }
    }

    /// What the number of a document lies between, together with those of its zone.
    pub(super) fn around(&self, document: DocId) -> (i64, i64) {
        self.each.get((document / ZONE) as usize).copied().unwrap_or((i64::MIN, i64::MAX))
    }

    /// The documents of each zone with the highest of their numbers, the highest first.
    pub(super) fn highest_first(&self) -> impl Iterator<Item = (Range<DocId>, i64)> {
        self.highest_first.iter().map(|zone| {
            let first = zone * ZONE;
            (first..first + ZONE, self.around(first).1)
        })
    }
}
