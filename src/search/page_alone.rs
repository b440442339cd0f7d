//! Gathers a page of the best, and looks at nothing that cannot be on it.

use std::sync::{Mutex, PoisonError};

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::index::SegmentReader;
use tantivy::query::Weight;
use tantivy::{Score, SegmentOrdinal};

use super::gather::{Gather, Gathered, SegmentGather};

/// A gathering whose wish is for the best alone.
pub(super) struct Best<'a> {
    gather: Gather<'a>,
    /// What the last of a page scores at least, as far as segments have been gone through.
    floor: Mutex<Score>,
}

impl<'a> Best<'a> {
    pub(super) fn of(gather: Gather<'a>) -> Self {
        Self { gather, floor: Mutex::new(Score::MIN) }
    }
}

impl Collector for Best<'_> {
    type Fruit = Gathered;
    type Child = SegmentGather;

    fn for_segment(&self, ordinal: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentGather> {
        self.gather.for_segment(ordinal, segment)
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, fruits: Vec<Gathered>) -> tantivy::Result<Gathered> {
        self.gather.merge_fruits(fruits)
    }

    fn collect_segment(
        &self,
        weight: &dyn Weight,
        ordinal: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<Gathered> {
        let mut gather = self.for_segment(ordinal, segment)?;
        let mut floor = self.floor.lock().unwrap_or_else(PoisonError::into_inner);
        gather.raise_floor(*floor);
        let alive = segment.alive_bitset();
        weight.for_each_pruning(*floor, segment, &mut |document, score| {
            if alive.is_none_or(|alive| alive.is_alive(document)) {
                gather.collect(document, score);
            }
            gather.floor()
        })?;
        *floor = gather.floor();
        drop(floor);
        Ok(gather.harvest())
    }
}
