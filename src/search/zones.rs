//! What the numbers of a segment lie between, some documents at a time.
//!
//! Archives grow by time, and so does an index: what lies close together in it is mostly of about the same time. So a glance at the
//! bounds of a zone often says of all its documents whether they are wanted.

use std::cmp::Reverse;
use std::ops::Range;

use tantivy::DocId;

use super::segments::Numbers;

/// How many documents a zone has.
const LENGTH: DocId = 512;

/// So many documents of a segment, by its number among such.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zone(DocId);

impl Zone {
    /// The one of a document.
    pub(super) fn of(document: DocId) -> Self {
        Self(document / LENGTH)
    }

    pub(super) fn documents(self) -> Range<DocId> {
        let first = self.0 * LENGTH;
        first..first + LENGTH
    }
}

/// The bounds of a column of a segment, zone by zone.
pub struct Zones {
    /// The lowest and the highest number of each.
    bounds: Vec<(i64, i64)>,
    highest_first: Vec<Zone>,
}

impl Zones {
    /// Of the numbers of so many documents.
    pub(super) fn of(numbers: &Numbers, documents: DocId) -> Self {
        let between = |first: DocId| {
            let zone = (first..documents.min(first + LENGTH)).map(|document| numbers.get(document));
            zone.fold((i64::MAX, i64::MIN), |(low, high), number| (low.min(number), high.max(number)))
        };
        let bounds: Vec<(i64, i64)> = (0..documents).step_by(LENGTH as usize).map(between).collect();
        let mut highest_first: Vec<(i64, Zone)> =
            (0..).map(Zone).zip(&bounds).map(|(zone, (_, high))| (*high, zone)).collect();
        highest_first.sort_by_key(|(high, _)| Reverse(*high));
        Self { bounds, highest_first: highest_first.into_iter().map(|(_, zone)| zone).collect() }
    }

    /// What the numbers of a zone lie between.
    pub(super) fn bounds(&self, Zone(number): Zone) -> (i64, i64) {
        self.bounds.get(number as usize).copied().unwrap_or((i64::MIN, i64::MAX))
    }

    /// The zones, those with the highest numbers first.
    pub(super) fn highest_first(&self) -> &[Zone] {
        &self.highest_first
    }
}
