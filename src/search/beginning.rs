//! The documents with a word, or with one that begins with its letters: what somebody means who is still typing.

use tantivy::index::SegmentReader;
use tantivy::query::{BitSetDocSet, EnableScoring, Explanation, Query, Scorer, TermQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, Score, TantivyError};

use super::words::{Stems, may_have_stem};

/// What it counts that a word begins with the letters that were typed: less than that it is the word. However many begin so,
/// it counts once.
pub(super) const BEGINNING_SCORE: Score = 0.5;

/// A word that may be the beginning of one.
#[derive(Debug, Clone)]
pub(super) struct Beginning {
    /// The letters as a whole word.
    pub(super) word: TermQuery,
    /// Where the folded words are.
    pub(super) words: Field,
    pub(super) letters: String,
    /// The stem of the letters: what has it is found as the word.
    pub(super) stem: String,
}

impl Query for Beginning {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.prepared(scoring)?))
    }
}

impl Beginning {
    pub(super) fn prepared(&self, scoring: EnableScoring<'_>) -> tantivy::Result<BeginningWeight> {
        let Self { word, words, letters, stem } = self.clone();
        let word = word.weight(scoring)?;
        Ok(BeginningWeight { word, words, letters, stem, stems: Stems::default() })
    }
}

pub(super) struct BeginningWeight {
    pub(super) word: Box<dyn Weight>,
    words: Field,
    letters: String,
    stem: String,
    stems: Stems,
}

impl BeginningWeight {
    /// The documents with longer words; None if there is no such word.
    pub(super) fn longer(&self, segment: &SegmentReader) -> tantivy::Result<Option<BitSet>> {
        let index = segment.inverted_index(self.words)?;
        let mut words = index.terms().range().ge(&self.letters).into_stream()?;
        let mut documents = None;
        while let Some((word, place)) = words.next() {
            let Some(word) = std::str::from_utf8(word).ok().filter(|word| word.starts_with(&self.letters)) else {
                break;
            };
            if may_have_stem(word, &self.stem) && self.stems.stem(word) == self.stem {
                continue;
            }
            let documents = documents.get_or_insert_with(|| BitSet::with_max_value(segment.max_doc()));
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

impl Weight for BeginningWeight {
    /// Where no longer word is, that of the word itself, for which there are short ways.
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let word = self.word.scorer(segment, boost)?;
        Ok(match self.longer(segment)? {
            None => word,
            Some(longer) => {
                Box::new(BeginningScorer { word, longer: BitSetDocSet::from(longer), score: BEGINNING_SCORE * boost })
            }
        })
    }

    fn explain(&self, segment: &SegmentReader, document: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(segment, 1.0)?;
        if scorer.seek(document) == document {
            Ok(Explanation::new("has the word or begins so", scorer.score()))
        } else {
            Err(TantivyError::InvalidArgument("no word of it begins so".to_owned()))
        }
    }
}

/// Goes through those with the word and those with a longer one side by side.
struct BeginningScorer {
    word: Box<dyn Scorer>,
    longer: BitSetDocSet,
    score: Score,
}

impl DocSet for BeginningScorer {
    fn advance(&mut self) -> DocId {
        let document = self.doc();
        if self.word.doc() == document {
            self.word.advance();
        }
        if self.longer.doc() == document {
            self.longer.advance();
        }
        self.doc()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.word.doc() < target {
            self.word.seek(target);
        }
        if self.longer.doc() < target {
            self.longer.seek(target);
        }
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.word.doc().min(self.longer.doc())
    }

    fn size_hint(&self) -> u32 {
        self.word.size_hint().saturating_add(self.longer.size_hint())
    }
}

impl Scorer for BeginningScorer {
    fn score(&mut self) -> Score {
        let document = self.doc();
        let as_word = if self.word.doc() == document { self.word.score() } else { 0.0 };
        as_word + if self.longer.doc() == document { self.score } else { 0.0 }
    }
}
