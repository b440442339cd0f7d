//! A state of the index, and questions to it.

use std::sync::Arc;

use dashmap::DashMap;
use tantivy::collector::Collector;
use tantivy::index::{Index, IndexSettings, SegmentId, SegmentReader};
use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::store::Compressor;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocSet, Opstamp, Searcher, TERMINATED, Term};

use super::ask::Ask;
use super::document::{Column, Document, FOLDED, Fields, STEMMED};
use super::gather::Seen;
use super::words::{Folded, Stemmed};
use crate::access::{Audience, Caller};
use crate::problem::Problem;

/// How long texts are taken to be on average, in words. It is the same for everyone: the true average would tell of texts
/// that the caller may not see.
const WORDS_OF_A_TITLE: u64 = 10;
const WORDS_OF_A_TEXT: u64 = 200;

/// How much memory an index made for one question may take before it is finished.
const PASSING_MEMORY: usize = 50_000_000;

/// The index as it stood at a position of the journal, or later.
pub struct Finder {
    /// Everything up to this position is in it.
    pub position: i64,
    searcher: Searcher,
    fields: Arc<Fields>,
    totals: Arc<Totals>,
}

/// How many documents of a segment each class sees, once counted.
#[derive(Default)]
pub(super) struct Totals(DashMap<(SegmentId, Option<Opstamp>, i64), u64>);

/// More are not kept: segments come and go.
const MOST_TOTALS: usize = 2000;

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
    pub(super) fn new(position: i64, searcher: Searcher, fields: Arc<Fields>, totals: Arc<Totals>) -> Self {
        Self { position, searcher, fields, totals }
    }

    /// An index of these documents alone, in memory: how the past is searched.
    ///
    /// # Errors
    /// 500 when it cannot be made.
    pub fn passing(documents: impl Iterator<Item = Document>) -> Result<Self, Problem> {
        let make = || {
            let fields = Fields::default();
            let index = Index::builder().schema(fields.schema.clone()).settings(settings()).create_in_ram()?;
            register_words(&index);
            let mut writer = index.writer_with_num_threads(1, PASSING_MEMORY)?;
            for document in documents {
                writer.add_document(fields.fill(&document))?;
            }
            writer.commit()?;
            let searcher = index.reader()?.searcher();
            Ok::<_, tantivy::TantivyError>(Self::new(0, searcher, Arc::new(fields), Arc::default()))
        };
        make().map_err(Problem::internal)
    }

    /// Gathers what the caller sees of what is asked for.
    ///
    /// # Errors
    /// 500 when the index cannot be read.
    pub fn gather<C: Collector>(&self, caller: &Caller, ask: &Ask, collector: C) -> Result<C::Fruit, Problem> {
        let seen = Seen::by(caller, ask, collector);
        if ask.finds_nothing() {
            return seen.merge_fruits(Vec::new()).map_err(Problem::internal);
        }
        let query = ask.query(&self.fields);
        let statistics = Statistics { finder: self, class: Audience::only(caller).bits().into() };
        self.searcher.search_with_statistics_provider(query.as_ref(), &seen, &statistics).map_err(Problem::internal)
    }

    /// How many documents with this term in a text the caller sees.
    ///
    /// # Errors
    /// 500 when the index cannot be read.
    pub fn frequency(&self, caller: &Caller, stem: &str) -> Result<(u64, u64), Problem> {
        let statistics = Statistics { finder: self, class: Audience::only(caller).bits().into() };
        let count = || {
            let term = Term::from_field_text(self.fields.text, stem);
            Ok::<_, tantivy::TantivyError>((statistics.doc_freq(&term)?, statistics.total_num_docs()?))
        };
        count().map_err(Problem::internal)
    }
}

/// How common words are among what one class of callers sees. What others write that this class may not see changes no
/// score of it; nor does the order in which the index was written.
struct Statistics<'f> {
    finder: &'f Finder,
    class: i64,
}

impl Statistics<'_> {
    fn seen_in(&self, segment: &SegmentReader) -> tantivy::Result<u64> {
        let key = (segment.segment_id(), segment.delete_opstamp(), self.class);
        if let Some(known) = self.finder.totals.0.get(&key) {
            return Ok(*known);
        }
        let audience = segment.fast_fields().column_first_or_default::<i64>(Column::Audience.as_str())?;
        let seen =
            segment.doc_ids_alive().filter(|document| audience.get_val(*document) & self.class != 0).count() as u64;
        if self.finder.totals.0.len() > MOST_TOTALS {
            self.finder.totals.0.clear();
        }
        self.finder.totals.0.insert(key, seen);
        Ok(seen)
    }

    fn having_in(&self, segment: &SegmentReader, term: &Term) -> tantivy::Result<u64> {
        let Some(mut postings) = segment.inverted_index(term.field())?.read_postings(term, IndexRecordOption::Basic)?
        else {
            return Ok(0);
        };
        let audience = segment.fast_fields().column_first_or_default::<i64>(Column::Audience.as_str())?;
        let mut count = 0;
        let mut document = postings.doc();
        while document != TERMINATED {
            if !segment.is_deleted(document) && audience.get_val(document) & self.class != 0 {
                count += 1;
            }
            document = postings.advance();
        }
        Ok(count)
    }
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        let each = if field == self.finder.fields.title { WORDS_OF_A_TITLE } else { WORDS_OF_A_TEXT };
        Ok(self.total_num_docs()? * each)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        let mut seen = 1;
        for segment in self.finder.searcher.segment_readers() {
            seen += self.seen_in(segment)?;
        }
        Ok(seen)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let mut having = 0;
        for segment in self.finder.searcher.segment_readers() {
            having += self.having_in(segment, term)?;
        }
        Ok(having)
    }
}
