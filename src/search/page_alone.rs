//! Gathers a page, and looks at nothing that cannot be on it any more.

use std::collections::BinaryHeap;
use std::mem;
use std::ops::Range;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::index::SegmentReader;
use tantivy::query::{Scorer, Weight};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, Score};

use super::gather::{Gather, Gathered, SegmentGather};
use super::ranking::{Best, Ranked};
use super::zones::Zone;

/// How many documents are gone through at least as fast as their zones are.
const FEW: u32 = 1000;

/// A gathering whose wish is for a page alone.
pub(super) struct PageAlone<'a> {
    gather: Gather<'a>,
    /// The best of the segments that have been gone through.
    best: BinaryHeap<Ranked>,
}

impl<'a> PageAlone<'a> {
    pub(super) fn of(gather: Gather<'a>) -> Self {
        Self { gather, best: BinaryHeap::new() }
    }

    /// Goes through what is found in a segment.
    pub(super) fn go_through(&mut self, weight: &dyn Weight, segment: &SegmentReader) -> tantivy::Result<()> {
        let mut gather = self.gather.of_segment(segment, mem::take(&mut self.best))?;
        if gather.best().is_some_and(Best::may_grow) {
            if self.gather.requires_scoring() {
                collect_best(&mut gather, weight, segment)?;
            } else {
                collect_promising(&mut gather, weight, segment)?;
            }
        }
        self.best = gather.into_best();
        Ok(())
    }

    /// The page.
    pub(super) fn harvest(self) -> tantivy::Result<Gathered> {
        let page = self.best.into_iter().map(Ranked::key).collect();
        self.gather.merge_fruits(vec![Gathered { page, ..Gathered::default() }])
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

/// Where much is found, by zones, the most promising first, until no other zone has anything that can be on the page. It takes more of them
/// each time, since to begin anew takes long where words have many forms.
fn collect_promising(gather: &mut SegmentGather, weight: &dyn Weight, segment: &SegmentReader) -> tantivy::Result<()> {
    let mut found = weight.scorer(segment, 1.0)?;
    let zones = gather.best().and_then(Best::zones).filter(|_| found.size_hint() > FEW);
    let Some(zones) = zones else {
        collect_of(gather, found.as_mut(), segment, std::iter::once(0..segment.max_doc()));
        return Ok(());
    };
    let (mut left, mut count, mut is_fresh) = (zones.highest_first(), 1, true);
    while let (Some(first), Some(best)) = (left.first(), gather.best()) {
        let (_, highest) = zones.bounds(*first);
        if best.is_too_late(highest) {
            break;
        }
        let (batch, others) = left.split_at(count.min(left.len()));
        let promises = |zone: &&Zone| {
            let (lowest, highest) = zones.bounds(**zone);
            !best.is_passed(lowest) && !best.is_too_late(highest) && gather.may_take_of(**zone)
        };
        let mut batch: Vec<Range<DocId>> = batch.iter().filter(promises).map(|zone| zone.documents()).collect();
        batch.sort_unstable_by_key(|documents| documents.start);
        if !batch.is_empty() {
            if !mem::take(&mut is_fresh) {
                found = weight.scorer(segment, 1.0)?;
            }
            collect_of(gather, found.as_mut(), segment, batch.into_iter());
        }
        (left, count) = (others, count * 2);
    }
    Ok(())
}

/// What is found among these documents, which are in order.
fn collect_of(
    gather: &mut SegmentGather,
    found: &mut dyn Scorer,
    segment: &SegmentReader,
    among: impl Iterator<Item = Range<DocId>>,
) {
    let (alive, mut block) = (segment.alive_bitset(), Vec::with_capacity(COLLECT_BLOCK_BUFFER_LEN));
    let mut document = found.doc();
    for documents in among {
        if document < documents.start {
            document = found.seek(documents.start);
        }
        while document < documents.end {
            if alive.is_none_or(|alive| alive.is_alive(document)) {
                block.push(document);
            }
            if block.len() == COLLECT_BLOCK_BUFFER_LEN {
                gather.collect_block(&block);
                block.clear();
            }
            document = found.advance();
        }
    }
    gather.collect_block(&block);
}
