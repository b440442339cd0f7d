//! Gathers a page, and looks at nothing that cannot be on it any more.

use std::collections::BinaryHeap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::index::SegmentReader;
use tantivy::query::Weight;
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, Score, SegmentOrdinal};

use super::gather::{Gather, Gathered, SegmentGather};
use super::ranking::{Best, Ranked};

/// A gathering whose wish is for a page alone.
pub(super) struct PageAlone<'a> {
    gather: Gather<'a>,
    /// The best of the segments that have been gone through.
    best: Mutex<BinaryHeap<Ranked>>,
}

impl<'a> PageAlone<'a> {
    pub(super) fn of(gather: Gather<'a>) -> Self {
        Self { gather, best: Mutex::default() }
    }

    fn best(&self) -> MutexGuard<'_, BinaryHeap<Ranked>> {
        self.best.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for PageAlone<'_> {
    type Fruit = Gathered;
    type Child = SegmentGather;

    fn for_segment(&self, ordinal: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentGather> {
        self.gather.for_segment(ordinal, segment)
    }

    fn requires_scoring(&self) -> bool {
        self.gather.requires_scoring()
    }

    fn merge_fruits(&self, _: Vec<Gathered>) -> tantivy::Result<Gathered> {
        let page = mem::take(&mut *self.best()).into_iter().map(Ranked::key).collect();
        self.gather.merge_fruits(vec![Gathered { page, ..Gathered::default() }])
    }

    fn collect_segment(
        &self,
        weight: &dyn Weight,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<Gathered> {
        let mut best = self.best();
        let mut gather = self.gather.of_segment(segment, mem::take(&mut *best))?;
        if gather.best().is_some_and(Best::may_grow) {
            if self.requires_scoring() {
                collect_best(&mut gather, weight, segment)?;
            } else {
                collect_all(&mut gather, weight, segment)?;
            }
        }
        *best = gather.into_best();
        Ok(Gathered::default())
    }
}

fn collect_best(gather: &mut SegmentGather, weight: &dyn Weight, segment: &SegmentReader) -> tantivy::Result<()> {
    let alive = segment.alive_bitset();
    let floor = |gather: &SegmentGather| gather.best().map_or(Score::MIN, Best::floor);
    weight.for_each_pruning(floor(gather), segment, &mut |document, score| {
        if alive.is_none_or(|alive| alive.is_alive(document)) {
            gather.collect(document, score);
        }
        floor(gather)
    })
}

fn collect_all(gather: &mut SegmentGather, weight: &dyn Weight, segment: &SegmentReader) -> tantivy::Result<()> {
    let Some(alive) = segment.alive_bitset() else {
        return weight.for_each_no_score(segment, &mut |documents| gather.collect_block(documents));
    };
    let mut living: Vec<DocId> = Vec::with_capacity(COLLECT_BLOCK_BUFFER_LEN);
    weight.for_each_no_score(segment, &mut |documents| {
        living.clear();
        living.extend(documents.iter().copied().filter(|document| alive.is_alive(*document)));
        gather.collect_block(&living);
    })
}
