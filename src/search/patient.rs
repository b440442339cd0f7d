//! A query that is never sought backwards.
//!
//! What is excluded is asked for each document at hand, also for those before its first match. The scorers of phrases do not
//! bear that: they take it that whoever seeks goes forward. This one stays where it is instead.

use tantivy::index::SegmentReader;
use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score};

/// The same documents, sought with patience.
#[derive(Debug)]
pub struct Patient(pub Box<dyn Query>);

impl Clone for Patient {
    fn clone(&self) -> Self {
        Self(self.0.box_clone())
    }
}

impl Query for Patient {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(PatientWeight(self.0.weight(scoring)?)))
    }
}

struct PatientWeight(Box<dyn Weight>);

impl Weight for PatientWeight {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(Box::new(PatientScorer(self.0.scorer(segment, boost)?)))
    }

    fn explain(&self, segment: &SegmentReader, document: DocId) -> tantivy::Result<Explanation> {
        self.0.explain(segment, document)
    }
}

/// Takes what every set of documents does unless told otherwise: seek only if it is before the target.
struct PatientScorer(Box<dyn Scorer>);

impl DocSet for PatientScorer {
    fn advance(&mut self) -> DocId {
        self.0.advance()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.0.seek(target)
    }

    fn doc(&self) -> DocId {
        self.0.doc()
    }

    fn size_hint(&self) -> u32 {
        self.0.size_hint()
    }
}

impl Scorer for PatientScorer {
    fn score(&mut self) -> Score {
        self.0.score()
    }
}
