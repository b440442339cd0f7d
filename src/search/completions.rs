//! The documents with a word that begins so, each counted once: what somebody means who is still typing.

use tantivy::index::SegmentReader;
use tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, Score, TantivyError};

use super::words::{Stems, may_have_stem};

/// A beginning of words, without those that are found by their stem already.
#[derive(Debug, Clone)]
pub(super) struct Completions {
    /// Where the folded words are.
    pub(super) field: Field,
    pub(super) letters: String,
    /// The stem of the letters, should they be a whole word.
    pub(super) stem: String,
}

impl Query for Completions {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(CompletionsWeight(self.clone(), Stems::default())))
    }
}

struct CompletionsWeight(Completions, Stems);

impl CompletionsWeight {
    fn documents(&self, segment: &SegmentReader) -> tantivy::Result<BitSet> {
        let Self(Completions { field, letters, stem }, stems) = self;
        let mut documents = BitSet::with_max_value(segment.max_doc());
        let index = segment.inverted_index(*field)?;
        let mut words = index.terms().range().ge(letters).into_stream()?;
        while let Some((word, place)) = words.next() {
            let Some(word) = std::str::from_utf8(word).ok().filter(|word| word.starts_with(letters.as_str())) else {
                break;
            };
            if may_have_stem(word, stem) && stems.stem(word) == *stem {
                continue;
            }
            let mut having = index.read_block_postings_from_terminfo(place, IndexRecordOption::Basic)?;
            while !having.docs().is_empty() {
                for document in having.docs() {
                    documents.insert(*document);
                }
                having.advance();
            }
        }
        Ok(documents)
    }
}

impl Weight for CompletionsWeight {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(self.documents(segment)?), boost)))
    }

    fn explain(&self, segment: &SegmentReader, document: DocId) -> tantivy::Result<Explanation> {
        if self.scorer(segment, 1.0)?.seek(document) == document {
            Ok(Explanation::new("begins so", 1.0))
        } else {
            Err(TantivyError::InvalidArgument("no word of it begins so".to_owned()))
        }
    }
}
