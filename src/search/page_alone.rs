//! Gathers a page, and looks at nothing that cannot be on it any more.

use std::collections::BinaryHeap;
use std::mem;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::index::SegmentReader;
use tantivy::query::{Scorer, Weight};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, DocSet, Score, SegmentOrdinal};

use super::gather::{Gather, Gathered, SegmentGather};
use super::ranking::{Best, Ranked};

/// How many documents are gone through at least as fast as their zones are.
const FEW: u32 = 1000;

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
                collect_promising(&mut gather, weight, segment)?;
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

/// Where much is found, zone by zone, the most promising first, until no other zone has anything that can be on the page.
fn collect_promising(gather: &mut SegmentGather, weight: &dyn Weight, segment: &SegmentReader) -> tantivy::Result<()> {
    let found = weight.scorer(segment, 1.0)?;
    let zones = gather.best().and_then(Best::zones).filter(|_| found.size_hint() > FEW);
    let Some(zones) = zones else {
        collect_between(gather, found, segment, 0..segment.max_doc());
        return Ok(());
    };
    for (documents, highest) in zones.highest_first() {
        if gather.best().is_none_or(|best| best.is_too_late(highest)) {
            break;
        }
        let mut found = weight.scorer(segment, 1.0)?;
        if found.doc() < documents.start {
            found.seek(documents.start);
        }
        collect_between(gather, found, segment, documents);
    }
    Ok(())
}

fn collect_between(
    gather: &mut SegmentGather,
    mut found: Box<dyn Scorer>,
    segment: &SegmentReader,
    documents: Range<DocId>,
) {
    let (alive, mut block, mut living) = (segment.alive_bitset(), [0; COLLECT_BLOCK_BUFFER_LEN], Vec::new());
    loop {
        let filled = found.fill_buffer(&mut block);
        let within = block.iter().take(filled).copied().take_while(|document| *document < documents.end);
        living.clear();
        living.extend(within.filter(|document| alive.is_none_or(|alive| alive.is_alive(*document))));
        gather.collect_block(&living);
        if filled < block.len() || block.last().is_some_and(|last| *last >= documents.end) {
            return;
        }
    }
}
