//! What the numbers of a segment lie between, some documents at a time.
//!
//! Archives grow by time, and so does an index: what lies close together in it is mostly of about the same time. So a glance at the
//! bounds of a zone often says of all its documents whether they are wanted.

use tantivy::DocId;

use super::segments::Numbers;

/// How many documents a zone has.
pub(super) const ZONE: DocId = 512;

/// The bounds of a column of a segment, zone by zone.
pub struct Zones {
    /// The lowest and the highest number of each.
    each: Vec<(i64, i64)>,
    /// The highest number of each and of all before it.
    highest_up_to: Vec<i64>,
}

impl Zones {
    /// Of the numbers of so many documents.
    pub(super) fn of(numbers: &Numbers, documents: DocId) -> Self {
        let bounds = |first: DocId| {
            let zone = (first..documents.min(first + ZONE)).map(|document| numbers.get(document));
            zone.fold((i64::MAX, i64::MIN), |(low, high), number| (low.min(number), high.max(number)))
        };
        let each: Vec<(i64, i64)> = (0..documents).step_by(ZONE as usize).map(bounds).collect();
        let highest_up_to = each.iter().scan(i64::MIN, |highest, (_, high)| {
            *highest = (*highest).max(*high);
            Some(*highest)
        });
        Self { highest_up_to: highest_up_to.collect(), each }
    }

    /// What the number of a document lies between, together with those of its zone.
    pub(super) fn around(&self, document: DocId) -> (i64, i64) {
        self.each.get((document / ZONE) as usize).copied().unwrap_or((i64::MIN, i64::MAX))
    }

    /// What no document before this one, nor any other of their zones, has a higher number than.
    pub(super) fn highest_before(&self, document: DocId) -> i64 {
        let zones = document.div_ceil(ZONE) as usize;
        zones.checked_sub(1).and_then(|last| self.highest_up_to.get(last)).copied().unwrap_or(i64::MIN)
    }
}
