//! What is gathered while the documents that match go by, all of it in one pass: a page of them, and counts.

use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::index::SegmentReader;
use tantivy::schema::Field;
use tantivy::{DocId, Score, SegmentOrdinal};

use super::ask::Ask;
use super::document::{Column, NO_DAY};
use super::ranking::{Best, Identities, Key, Order, Page, Ranked, in_order, promising_first};
use super::segments::{Columns, Numbers, Segments};
use super::sight::Sighted;
use super::tally::{Counter, Counts, Cross, Facet, Lens, Value, added};
use super::zones::{Zone, Zones};
use crate::db::types::{Id, Timestamp};

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

    /// How often combinations occur, alone.
    #[must_use]
    pub fn cross(facets: Vec<Facet>) -> Self {
        Self { cross: facets, ..Self::default() }
    }

    /// Whether it is for a page, and for nothing that needs a look at all that match.
    pub(super) fn is_for_a_page_alone(&self) -> bool {
        self.page.is_some() && self.facets.is_empty() && self.cross.is_empty()
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
    /// How many documents there are in all, unless a page was all that was wanted.
    pub total: u64,
}

/// Gathers what one class of callers sees of what matches, and of that only what the rest of the question allows, which
/// no postings answer.
pub(super) struct Gather<'a> {
    pub wish: Wish,
    pub ask: &'a Ask,
    pub segments: &'a Segments,
    pub class: i16,
    /// Where segments that have no term in this field are passed over: all that is asked for is found by it, and few have one.
    pub found_in: Option<Field>,
}

impl Gather<'_> {
    /// The segments in which there may be something of what is asked for, in the order in which to go through them.
    pub(super) fn segments_of<'s>(&self, all: &'s [SegmentReader]) -> tantivy::Result<Vec<&'s SegmentReader>> {
        let (bounds, mut segments) = (Bounds::of(self.ask), Vec::with_capacity(all.len()));
        for segment in all {
            if bounds.may_hold(segment, self.segments)? && self.may_find_in(segment)? {
                segments.push(segment);
            }
        }
        match self.wish.page {
            Some(page) => promising_first(page.order, segments, self.segments),
            None => Ok(segments),
        }
    }

    fn may_find_in(&self, segment: &SegmentReader) -> tantivy::Result<bool> {
        match self.found_in {
            Some(field) => Ok(segment.inverted_index(field)?.terms().num_terms() > 0),
            None => Ok(true),
        }
    }

    /// What is gathered of a segment, of which a page goes on from the best of others.
    pub(super) fn of_segment(
        &self,
        segment: &SegmentReader,
        best: BinaryHeap<Ranked>,
    ) -> tantivy::Result<SegmentGather> {
        let days = self.ask.days();
        let columns = Columns { segment, segments: self.segments };
        let lenses = |facets: &[Facet]| facets.iter().map(|facet| Lens::of(columns, *facet, days)).collect();
        let counters: tantivy::Result<Vec<Lens>> = lenses(&self.wish.facets);
        let cross: tantivy::Result<Vec<Lens>> = lenses(&self.wish.cross);
        Ok(SegmentGather {
            sighted: self.segments.sighted(segment, self.class)?,
            gate: Gate::of(columns, self.ask)?,
            page: self.wish.page.map(|page| Best::of(columns, page, best)).transpose()?,
            counters: counters?.into_iter().map(Counter::of).collect(),
            cross: Cross::of(cross?),
            total: 0,
            block: Vec::new(),
        })
    }
}

impl Collector for Gather<'_> {
    type Fruit = Gathered;
    type Child = SegmentGather;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentGather> {
        self.of_segment(segment, BinaryHeap::new())
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
            let ranked = all.page.iter().map(|key| Ranked::of(*key, page.order.descends()));
            all.page = in_order(ranked, page.limit);
        }
        Ok(all)
    }
}

/// What is gathered of one segment.
pub(super) struct SegmentGather {
    sighted: Arc<Sighted>,
    gate: Gate,
    page: Option<Best>,
    counters: Vec<Counter>,
    cross: Cross,
    total: u64,
    /// What is left of the block at hand, kept for its memory.
    block: Vec<DocId>,
}

impl SegmentGather {
    /// The best so far, if a page is wanted.
    pub(super) fn best(&self) -> Option<&Best> {
        self.page.as_ref()
    }

    /// Whether anything of a zone may be let through.
    pub(super) fn may_take_of(&self, zone: Zone) -> bool {
        self.gate.may_let_through_of(zone)
    }

    /// The best of it, and of what it went on from.
    pub(super) fn into_best(self) -> BinaryHeap<Ranked> {
        self.page.map(Best::into_ranked).unwrap_or_default()
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
            page: self.page.map(|page| page.into_ranked().into_iter().map(Ranked::key).collect()).unwrap_or_default(),
            facets: self.counters.into_iter().map(Counter::harvest).collect(),
            cross: self.cross.harvest(),
            total: self.total,
        }
    }
}

/// From the first of these to the last.
#[derive(Clone, Copy)]
struct Times {
    first: i64,
    last: i64,
}

impl Times {
    /// Whether something lies in them, at least with a part, that begins and ends then.
    fn meet(self, begin: i64, end: i64) -> bool {
        end >= self.first && begin <= self.last
    }
}

/// The times that a question is bounded to, beyond what postings answer.
struct Bounds {
    days: Option<Times>,
    places: Option<Times>,
}

impl Bounds {
    fn of(ask: &Ask) -> Self {
        let bounded =
            |(first, last): (i64, i64)| (first != i64::MIN || last != i64::MAX).then_some(Times { first, last });
        let (first, last) = (ask.first_moment, ask.last_moment);
        let places = (first.map_or(i64::MIN, Timestamp::micros), last.map_or(i64::MAX, Timestamp::micros));
        Self { days: bounded(ask.days()), places: bounded(places) }
    }

    /// Whether there may be something of these times in a segment.
    fn may_hold(&self, segment: &SegmentReader, segments: &Segments) -> tantivy::Result<bool> {
        let may_lie = |times: Option<Times>, begin: Column, end: Column| -> tantivy::Result<bool> {
            let Some(times) = times else { return Ok(true) };
            Ok(times.meet(segments.numbers(segment, begin)?.lowest(), segments.numbers(segment, end)?.highest()))
        };
        Ok(may_lie(self.days, Column::FirstDay, Column::LastDay)?
            && may_lie(self.places, Column::Place, Column::Place)?)
    }
}

/// What a question asks beyond what postings answer.
struct Gate {
    days: Option<Span>,
    places: Option<Span>,
    among: Option<(Arc<HashSet<Id>>, Identities)>,
}

impl Gate {
    fn of(columns: Columns<'_>, ask: &Ask) -> tantivy::Result<Self> {
        let Bounds { days, places } = Bounds::of(ask);
        Ok(Self {
            days: days.map(|days| Span::of_days(columns, days)).transpose()?,
            places: places.map(|places| Span::of_places(columns, places)).transpose()?,
            among: match &ask.among {
                Some(among) => Some((Arc::clone(among), Identities::of(columns)?)),
                None => None,
            },
        })
    }

    fn spans(&self) -> impl Iterator<Item = &Span> {
        [&self.days, &self.places].into_iter().flatten()
    }

    fn may_let_through_of(&self, zone: Zone) -> bool {
        self.spans().all(|span| span.whereabouts(zone) != Whereabouts::Outside)
    }

    fn lets_through(&self, document: DocId) -> bool {
        self.spans().all(|span| span.has(document))
            && self.among.as_ref().is_none_or(|(among, identities)| among.contains(&identities.get(document)))
    }
}

/// The times that a question is bounded to, and those of the documents of a segment.
struct Span {
    times: Times,
    /// What stands where a document has no time.
    none: i64,
    begins: Numbers,
    ends: Numbers,
    begin_zones: Arc<Zones>,
    end_zones: Arc<Zones>,
}

impl Span {
    fn of_days(columns: Columns<'_>, days: Times) -> tantivy::Result<Self> {
        Self::of(columns, days, NO_DAY, [Column::FirstDay, Column::LastDay])
    }

    /// Everything has a place.
    fn of_places(columns: Columns<'_>, places: Times) -> tantivy::Result<Self> {
        Self::of(columns, places, i64::MIN, [Column::Place, Column::Place])
    }

    fn of(columns: Columns<'_>, times: Times, none: i64, [begin, end]: [Column; 2]) -> tantivy::Result<Self> {
        Ok(Self {
            times,
            none,
            begins: columns.numbers(begin)?,
            ends: columns.numbers(end)?,
            begin_zones: columns.zones(begin)?,
            end_zones: columns.zones(end)?,
        })
    }

    /// Where the documents of a zone lie.
    fn whereabouts(&self, zone: Zone) -> Whereabouts {
        let (earliest_end, latest_end) = self.end_zones.bounds(zone);
        let (earliest_begin, latest_begin) = self.begin_zones.bounds(zone);
        if !self.times.meet(earliest_begin, latest_end) {
            Whereabouts::Outside
        } else if earliest_end > self.none && self.times.meet(latest_begin, earliest_end) {
            Whereabouts::Inside
        } else {
            Whereabouts::Partly
        }
    }

    fn has(&self, document: DocId) -> bool {
        match self.whereabouts(Zone::of(document)) {
            Whereabouts::Outside => false,
            Whereabouts::Inside => true,
            Whereabouts::Partly => {
                let end = self.ends.get(document);
                end != self.none && self.times.meet(self.begins.get(document), end)
            }
        }
    }
}

/// Where the documents of a zone lie, seen from a span.
#[derive(PartialEq, Eq)]
enum Whereabouts {
    Outside,
    Inside,
    Partly,
}
