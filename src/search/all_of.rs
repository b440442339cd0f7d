//! The documents with all of some words, of which the best are found without a look at the rest.
//!
//! The index says of each hundred or so documents with a word how well it may match in any of them. So whoever wants a page of the best
//! passes over whatever cannot be on it any more. The scorers of tantivy do that for whole words; here it is done too where the last word
//! may be the beginning of one, and exactly although what the index says is a little off.

use std::sync::Arc;

use tantivy::index::SegmentReader;
use tantivy::query::{
    BitSetDocSet, Bm25Weight, BooleanQuery, EnableScoring, Explanation, Occur, Query, Scorer, TermQuery, Weight,
};
use tantivy::schema::Field;
use tantivy::{BitSet, DocId, DocSet, Score, TERMINATED};

use super::beginning::{BEGINNING_SCORE, Beginning, BeginningWeight};
use super::segments::Segments;

/// All of some words, the last of which may be a beginning.
#[derive(Clone)]
pub(super) struct AllOf {
    /// Where the words are.
    pub(super) field: Field,
    pub(super) words: Vec<TermQuery>,
    pub(super) beginning: Option<Beginning>,
    pub(super) segments: Arc<Segments>,
}

impl std::fmt::Debug for AllOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AllOf").field(&self.words).field(&self.beginning).finish()
    }
}

impl Query for AllOf {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let Self { field, words, beginning, segments } = self;
        let words = || words.iter().cloned().map(boxed);
        let (plain, open) = match beginning {
            None => (all(words()).weight(scoring)?, None),
            Some(beginning) => {
                let whole = all(words().chain([boxed(beginning.word.clone())])).weight(scoring)?;
                let others = (!self.words.is_empty()).then(|| all(words()).weight(scoring)).transpose()?;
                let (most, beginning_alone) = (self.most_of_words(scoring)?, beginning.prepared(scoring)?);
                let open = Open { whole, others, most, beginning: beginning_alone };
                (all(words().chain([boxed(beginning.clone())])).weight(scoring)?, Some(open))
            }
        };
        Ok(Box::new(AllOfWeight { plain, open, field: *field, segments: Arc::clone(segments) }))
    }
}

impl AllOf {
    /// The most that the words without the beginning may score together.
    fn most_of_words(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Score> {
        let EnableScoring::Enabled { statistics_provider, .. } = scoring else { return Ok(0.0) };
        let most = |word: &TermQuery| {
            Ok(Bm25Weight::for_terms(statistics_provider, std::slice::from_ref(word.term()))?.max_score())
        };
        self.words.iter().map(most).sum()
    }
}

fn boxed(query: impl Query) -> Box<dyn Query> {
    Box::new(query)
}

fn all(queries: impl Iterator<Item = Box<dyn Query>>) -> Box<dyn Query> {
    let mut queries: Vec<_> = queries.collect();
    match (queries.len(), queries.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            Box::new(BooleanQuery::new(queries.into_iter().chain(last).map(|query| (Occur::Must, query)).collect()))
        }
    }
}

struct AllOfWeight {
    /// Answers whatever else is asked than for the best.
    plain: Box<dyn Weight>,
    /// None if there is no beginning, since all is whole then.
    open: Option<Open>,
    field: Field,
    segments: Arc<Segments>,
}

/// What is asked for where the last word may be a beginning.
struct Open {
    /// What has the beginning as a whole word.
    whole: Box<dyn Weight>,
    /// The other words, if there are any, and the most that they may score.
    others: Option<Box<dyn Weight>>,
    most: Score,
    beginning: BeginningWeight,
}

impl Weight for AllOfWeight {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        self.plain.scorer(segment, boost)
    }

    fn explain(&self, segment: &SegmentReader, document: DocId) -> tantivy::Result<Explanation> {
        self.plain.explain(segment, document)
    }

    fn count(&self, segment: &SegmentReader) -> tantivy::Result<u32> {
        self.plain.count(segment)
    }

    fn for_each(&self, segment: &SegmentReader, found: &mut dyn FnMut(DocId, Score)) -> tantivy::Result<()> {
        self.plain.for_each(segment, found)
    }

    fn for_each_no_score(&self, segment: &SegmentReader, found: &mut dyn FnMut(&[DocId])) -> tantivy::Result<()> {
        self.plain.for_each_no_score(segment, found)
    }

    fn for_each_pruning(
        &self,
        threshold: Score,
        segment: &SegmentReader,
        found: &mut dyn FnMut(DocId, Score) -> Score,
    ) -> tantivy::Result<()> {
        let spread = self.segments.spread(segment, self.field)?;
        let whole = self.open.as_ref().map_or(&self.plain, |open| &open.whole);
        let longer = self.open.as_ref().map(|open| open.beginning.longer(segment)).transpose()?.flatten();
        let (Some(open), Some(longer)) = (&self.open, longer) else {
            return whole.for_each_pruning(lowered(threshold, spread), segment, &mut |document, score| {
                lowered(found(document, score), spread)
            });
        };
        let mut floor = threshold;
        // What has a longer word too counts more than the word alone tells.
        let threshold = |floor: Score| lowered(floor - BEGINNING_SCORE, spread);
        whole.for_each_pruning(threshold(floor), segment, &mut |document, score| {
            let score = if longer.contains(document) { score + BEGINNING_SCORE } else { score };
            if score > floor {
                floor = found(document, score);
            }
            threshold(floor)
        })?;
        if open.most + BEGINNING_SCORE > floor {
            open.longer_alone(segment, longer, floor, found)?;
        }
        Ok(())
    }
}

impl Open {
    /// Finds what has a longer word and not the word itself.
    fn longer_alone(
        &self,
        segment: &SegmentReader,
        longer: BitSet,
        mut floor: Score,
        found: &mut dyn FnMut(DocId, Score) -> Score,
    ) -> tantivy::Result<()> {
        let mut word = self.beginning.word.scorer(segment, 1.0)?;
        let mut is_whole =
            |document| (if word.doc() < document { word.seek(document) } else { word.doc() }) == document;
        let mut meet = |document: DocId, score: Score| {
            if score > floor && !is_whole(document) {
                floor = found(document, score);
            }
        };
        let Some(others) = &self.others else {
            each_in(longer, |document| meet(document, BEGINNING_SCORE));
            return Ok(());
        };
        let mut others = others.scorer(segment, 1.0)?;
        // Along the fewer of both.
        if (others.size_hint() as usize) < longer.len() {
            while others.doc() != TERMINATED {
                if longer.contains(others.doc()) {
                    meet(others.doc(), others.score() + BEGINNING_SCORE);
                }
                others.advance();
            }
        } else {
            each_in(longer, |document| {
                if others.doc() < document {
                    others.seek(document);
                }
                if others.doc() == document {
                    meet(document, others.score() + BEGINNING_SCORE);
                }
            });
        }
        Ok(())
    }
}

fn each_in(documents: BitSet, mut visit: impl FnMut(DocId)) {
    let mut documents = BitSetDocSet::from(documents);
    while documents.doc() != TERMINATED {
        visit(documents.doc());
        documents.advance();
    }
}

/// What a score has to reach by the bounds of the index to reach the threshold in truth.
fn lowered(threshold: Score, spread: Score) -> Score {
    if threshold > 0.0 { threshold / spread } else { threshold }
}
