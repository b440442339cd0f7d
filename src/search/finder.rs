//! A state of the index, and questions to it.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use tantivy::collector::Collector;
use tantivy::index::{Index, IndexSettings, SegmentReader};
use tantivy::query::{Bm25StatisticsProvider, BooleanQuery, ConstScoreQuery, EnableScoring, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::store::Compressor;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocSet, Searcher, TERMINATED, Term};

use super::ask::Ask;
use super::document::{Document, FOLDED, Fields, STEMMED};
use super::filled::Filled;
use super::gather::{Gather, Gathered, Wish};
use super::page_alone::PageAlone;
use super::ranking::{Order, Page};
use super::segments::Segments;
use super::tally::{Counts, Facet};
use super::words::{Folded, Stemmed};
use crate::access::{Audience, Caller};
use crate::db::types::Id;
use crate::problem::Problem;
use crate::vocabulary::Kind;

/// How long a title and a text are taken to be on average, in words as they count. It is the same for everyone: the true
/// average would tell of texts that the caller may not see.
pub(super) const WORDS: u64 = 240;

/// How much memory an index made for one question may take before it is finished.
const PASSING_MEMORY: usize = 50_000_000;

/// The index as it stood at a position of the journal, or later.
pub struct Finder {
    /// Everything up to this position is in it.
    pub position: i64,
    searcher: Searcher,
    fields: Arc<Fields>,
    segments: Arc<Segments>,
}

/// How an index is set up: nothing is stored in it, since what is served comes from the database.
pub(super) fn settings() -> IndexSettings {
    IndexSettings {
        docstore_compression: Compressor::None,
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    }
}

/// Tells an index how texts are cut.
pub(super) fn register_words(index: &Index) {
    index.tokenizers().register(STEMMED, TextAnalyzer::from(Stemmed::default()));
    index.tokenizers().register(FOLDED, TextAnalyzer::from(Folded));
}

impl Finder {
    pub(super) fn new(position: i64, searcher: Searcher, fields: Arc<Fields>, segments: Arc<Segments>) -> Self {
        segments.retain(searcher.segment_readers());
        Self { position, searcher, fields, segments }
    }

    /// An index of these documents alone, in memory: how the past is searched.
    ///
    /// # Errors
    /// 500 when it cannot be made.
    pub fn passing(documents: impl Iterator<Item = Document>) -> Result<Self, Problem> {
        let make = || {
            let fields = Arc::new(Fields::default());
            let index = Index::builder().schema(fields.schema.clone()).settings(settings()).create_in_ram()?;
            register_words(&index);
            let mut writer = index.writer_with_num_threads(1, PASSING_MEMORY)?;
            for document in documents {
                writer.add_document(Filled::new(&fields, document))?;
            }
            writer.commit()?;
            let searcher = index.reader()?.searcher();
            Ok::<_, tantivy::TantivyError>(Self::new(0, searcher, fields, Arc::default()))
        };
        make().map_err(Problem::internal)
    }

    /// Gathers what the caller sees of what is asked for.
    ///
    /// # Errors
    /// 500 when the index cannot be read.
    pub fn gather(&self, caller: &Caller, ask: &Ask, wish: Wish) -> Result<Gathered, Problem> {
        if ask.finds_nothing() {
            let facets = vec![Counts::new(); wish.facets.len()];
            return Ok(Gathered { facets, ..Gathered::default() });
        }
        self.gather_by(caller, &ask.queries(&self.fields, &self.segments), ask, wish, None)
    }

    fn gather_by(
        &self,
        caller: &Caller,
        queries: &[Box<dyn Query>],
        ask: &Ask,
        wish: Wish,
        found_in: Option<Field>,
    ) -> Result<Gathered, Problem> {
        let class = Audience::only(caller).bits();
        let gather = Gather { wish, ask, segments: &self.segments, class, found_in };
        let statistics = Statistics { finder: self, class, total: OnceCell::new(), known: RefCell::default() };
        self.gather_each(queries, gather, &statistics).map_err(Problem::internal)
    }

    /// Gathers what is found by each of these queries, of which no two find the same.
    fn gather_each(
        &self,
        queries: &[Box<dyn Query>],
        gather: Gather<'_>,
        statistics: &Statistics<'_>,
    ) -> tantivy::Result<Gathered> {
        let scoring = if gather.requires_scoring() {
            EnableScoring::enabled_from_statistics_provider(statistics, &self.searcher)
        } else {
            EnableScoring::disabled_from_searcher(&self.searcher)
        };
        let weights = queries.iter().map(|query| query.weight(scoring)).collect::<tantivy::Result<Vec<_>>>()?;
        let segments = gather.segments_of(self.searcher.segment_readers())?;
        let each =
            segments.into_iter().flat_map(|segment| weights.iter().map(move |weight| (segment, weight.as_ref())));
        if gather.wish.is_for_a_page_alone() {
            let mut page = PageAlone::of(gather);
            for (segment, weight) in each {
                page.go_through(weight, segment)?;
            }
            return page.harvest();
        }
        let gathered =
            (0..).zip(each).map(|(number, (segment, weight))| gather.collect_segment(weight, number, segment));
        gather.merge_fruits(gathered.collect::<tantivy::Result<Vec<_>>>()?)
    }

    /// How often each value of a facet occurs in what is asked for.
    ///
    /// # Errors
    /// 500 when the index cannot be read.
    pub fn count(&self, caller: &Caller, ask: &Ask, facet: Facet) -> Result<Counts, Problem> {
        let wish = Wish { facets: vec![facet], ..Wish::default() };
        Ok(self.gather(caller, ask, wish)?.facets.pop().unwrap_or_default())
    }

    /// The actors that have the weightiest of these keys of names.
    ///
    /// # Errors
    /// 500 when the index cannot be read.
    pub fn by_keys(
        &self,
        caller: &Caller,
        keys: impl Iterator<Item = (String, f64)>,
        limit: usize,
    ) -> Result<Vec<Id>, Problem> {
        #[expect(clippy::cast_possible_truncation, reason = "weights are small numbers")]
        let weighed = |(key, weight): (String, f64)| -> Box<dyn Query> {
            let term = Term::from_field_text(self.fields.key, &key);
            let having = TermQuery::new(term, IndexRecordOption::Basic);
            Box::new(ConstScoreQuery::new(Box::new(having), weight as f32))
        };
        let query: Box<dyn Query> = Box::new(BooleanQuery::union(keys.map(weighed).collect()));
        let page = Page { order: Order::Relevance, after: None, limit };
        let (actors, keys) = (Ask::of(&[Kind::Actor]), Some(self.fields.key));
        let found = self.gather_by(caller, &[query], &actors, Wish::page(page), keys)?;
        Ok(found.page.into_iter().map(|key| key.id).collect())
    }
}

/// How common words are among what one class of callers sees. What others write that this class may not see changes no
/// score of it; nor does the order in which the index was written.
struct Statistics<'f> {
    finder: &'f Finder,
    class: i16,
    total: OnceCell<u64>,
    known: RefCell<HashMap<Term, u64>>,
}

impl Statistics<'_> {
    fn having_in(&self, segment: &SegmentReader, term: &Term) -> tantivy::Result<u64> {
        let index = segment.inverted_index(term.field())?;
        let sighted = self.finder.segments.sighted(segment, self.class)?;
        if sighted.has_all() && !segment.has_deletes() {
            return Ok(index.doc_freq(term)?.into());
        }
        let Some(mut postings) = index.read_postings(term, IndexRecordOption::Basic)? else {
            return Ok(0);
        };
        let alive = segment.alive_bitset();
        let mut count = 0;
        let mut document = postings.doc();
        while document != TERMINATED {
            count += u64::from(sighted.has(document) && alive.is_none_or(|alive| alive.is_alive(document)));
            document = postings.advance();
        }
        Ok(count)
    }
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, _: Field) -> tantivy::Result<u64> {
        Ok(self.total_num_docs()? * WORDS)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        if let Some(total) = self.total.get() {
            return Ok(*total);
        }
        // One more, so that there is never none.
        let mut total = 1;
        for segment in self.finder.searcher.segment_readers() {
            total += self.finder.segments.sighted(segment, self.class)?.count(segment);
            for kind in Kind::ALL {
                total -= self.having_in(segment, &self.finder.fields.gone(*kind))?;
            }
        }
        Ok(*self.total.get_or_init(|| total))
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        if let Some(known) = self.known.borrow().get(term) {
            return Ok(*known);
        }
        let mut having = 0;
        for segment in self.finder.searcher.segment_readers() {
            having += self.having_in(segment, term)?;
        }
        self.known.borrow_mut().insert(term.clone(), having);
        Ok(having)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;
    use crate::db::types::Timestamp;
    use crate::search::ranking::Key;

    const DOCUMENTS: u64 = 6_000;

    /// An index of many events in one segment, at places and with changes that come in no order.
    fn many() -> Finder {
        let mut rng = fastrand::Rng::with_seed(20_170_731);
        let first = NaiveDate::from_ymd_opt(2017, 1, 1).expect("a day");
        let event = |number: u64, rng: &mut fastrand::Rng| {
            let audience = if number.is_multiple_of(7) { Audience::NOBODY } else { Audience::EVERYONE };
            let (slug, title) = (format!("event-{number}"), "An army moves".to_owned());
            let moment = Timestamp::from_micros(rng.i64(0..2_000));
            let begin = first + Days::new(rng.u64(0..1_000));
            let mut document = Document::new(Kind::Event, Id::new(), audience, slug, title, moment);
            // Mostly in order, as archives are.
            document.place = number.cast_signed() / 10 + rng.i64(0..50);
            document.changed = number.cast_signed() + rng.i64(0..1_000);
            document.days = (!number.is_multiple_of(11)).then(|| (begin, begin + Days::new(rng.u64(0..9))));
            document
        };
        Finder::passing((0..DOCUMENTS).map(|number| event(number, &mut rng))).expect("an index")
    }

    /// Where something is counted as well, all that is found is looked at.
    #[test]
    fn a_page_is_the_same_whether_the_rest_is_looked_at_or_not() {
        let finder = many();
        let day = |number: u64| NaiveDate::from_ymd_opt(2017, 1, 1).map(|first| first + Days::new(number));
        let everything = Ask::of(&[Kind::Event]);
        let orders = [true, false]
            .into_iter()
            .flat_map(|descending| [Order::Place { descending }, Order::Update { descending }]);
        for order in orders.chain([Order::Change]) {
            for ask in [
                everything.clone(),
                everything.clone().between_days(day(300), day(320)),
                everything.clone().between_days(None, day(3)),
                everything.clone().between_days(day(996), None),
            ] {
                let mut after: Option<Key> = None;
                for number in 0..30 {
                    let page = Page { order, after, limit: 40 };
                    let gather = |wish| finder.gather(&Caller::ANYONE, &ask, wish).expect("a page").page;
                    let whole = gather(Wish { facets: vec![Facet::Kind], ..Wish::page(page) });
                    assert!(number > 0 || !whole.is_empty(), "{order:?} of {ask:?} finds nothing");
                    assert_eq!(gather(Wish::page(page)), whole, "page {number} by {order:?} of {ask:?}");
                    let Some(last) = whole.last() else { break };
                    after = Some(*last);
                }
            }
        }
    }
}
