//! What is found out once of each segment of the index and then remembered, since segments never change.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use tantivy::columnar::{ColumnValues, MonotonicallyMappableToU64};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::{SegmentId, SegmentReader};
use tantivy::schema::Field;
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, Score};

use super::document::Column;
use super::finder::WORDS;
use super::sight::Sighted;
use super::zones::Zones;

/// What is known of the segments at hand.
#[derive(Default)]
pub struct Segments {
    sighted: DashMap<(SegmentId, i16), Arc<Sighted>>,
    numbers: DashMap<(SegmentId, Column), Numbers>,
    spreads: DashMap<(SegmentId, Field), Score>,
    zones: DashMap<(SegmentId, Column), Arc<Zones>>,
}

impl Segments {
    /// What a class sees of a segment.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn sighted(&self, segment: &SegmentReader, class: i16) -> tantivy::Result<Arc<Sighted>> {
        let find = || Sighted::of(segment, class).map(Arc::new);
        known(&self.sighted, (segment.segment_id(), class), find)
    }

    /// A column of a segment.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn numbers(&self, segment: &SegmentReader, column: Column) -> tantivy::Result<Numbers> {
        known(&self.numbers, (segment.segment_id(), column), || Numbers::of(segment, column))
    }

    /// How far what a segment says of the best that a word may score in a field can be from the truth; see [`spread_of`].
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn spread(&self, segment: &SegmentReader, field: Field) -> tantivy::Result<Score> {
        known(&self.spreads, (segment.segment_id(), field), || spread_of(segment, field))
    }

    /// What a column of a segment lies between, zone by zone.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn zones(&self, segment: &SegmentReader, column: Column) -> tantivy::Result<Arc<Zones>> {
        let find = || Ok(Arc::new(Zones::of(&self.numbers(segment, column)?, segment.max_doc())));
        known(&self.zones, (segment.segment_id(), column), find)
    }

    /// Forgets the segments that are no more.
    pub fn retain(&self, segments: &[SegmentReader]) {
        let is_there = |id: SegmentId| segments.iter().any(|segment| segment.segment_id() == id);
        self.sighted.retain(|(id, _), _| is_there(*id));
        self.numbers.retain(|(id, _), _| is_there(*id));
        self.spreads.retain(|(id, _), _| is_there(*id));
        self.zones.retain(|(id, _), _| is_there(*id));
    }
}

/// What is known under a key, found out if it is not yet: without holding a lock meanwhile, for which others would wait.
fn known<K: Copy + Eq + Hash, V: Clone>(
    all: &DashMap<K, V>,
    key: K,
    find: impl FnOnce() -> tantivy::Result<V>,
) -> tantivy::Result<V> {
    if let Some(known) = all.get(&key) {
        return Ok(known.clone());
    }
    let found = find()?;
    all.insert(key, found.clone());
    Ok(found)
}

/// How much of a score goes by the length of the text: BM25's `b`, as tantivy has it.
const BY_LENGTH: Score = 0.75;
/// What is lost where numbers are rounded.
const ROUNDING: Score = 1.001;

/// How many times higher a word may score in documents than their block of them says.
///
/// What a block says follows from the document that scored best when the segment was written, with its texts' average length. Scores
/// are by another length, which is the same for everyone ([`WORDS`]), and then another document may be the best one. How much a word
/// counts in a document falls with `n(d)` = `1 - b + b × length / average`, and with `g` as the ratio of both `n`, none scores higher than
/// the one that the block knows by more than the largest `g` of all documents over the smallest.
fn spread_of(segment: &SegmentReader, field: Field) -> tantivy::Result<Score> {
    let norms = segment.get_fieldnorms_reader(field)?;
    // Lengths are kept rounded, as numbers in the same order. One of zero has no text, and so no word.
    let lengths = (0..segment.max_doc()).map(|document| norms.fieldnorm_id(document)).filter(|length| *length > 0);
    let Some((shortest, longest)) = lengths.fold(None, |range: Option<(u8, u8)>, length| {
        let (shortest, longest) = range.unwrap_or((length, length));
        Some((shortest.min(length), longest.max(length)))
    }) else {
        return Ok(ROUNDING);
    };
    #[expect(clippy::cast_precision_loss, reason = "it is an average")]
    let average = segment.inverted_index(field)?.total_num_tokens() as Score / norms.num_docs() as Score;
    #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
    let ratio = |length: u8| {
        let length = FieldNormReader::id_to_fieldnorm(length) as Score;
        let by = |average: Score| 1.0 - BY_LENGTH + BY_LENGTH * length / average;
        by(average) / by(WORDS as Score)
    };
    // It rises with the length, or falls with it.
    let (one, other) = (ratio(shortest), ratio(longest));
    Ok(one.max(other) / one.min(other) * ROUNDING)
}

/// The columns of a segment.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    /// The segment.
    pub segment: &'a SegmentReader,
    /// What is known of it.
    pub segments: &'a Segments,
}

impl Columns<'_> {
    /// One of them.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn numbers(self, column: Column) -> tantivy::Result<Numbers> {
        self.segments.numbers(self.segment, column)
    }

    /// Its zones.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn zones(self, column: Column) -> tantivy::Result<Arc<Zones>> {
        self.segments.zones(self.segment, column)
    }
}

/// Numbers of the documents of a segment, one each.
#[derive(Clone)]
pub struct Numbers(Arc<dyn ColumnValues<u64>>);

impl Numbers {
    fn of(segment: &SegmentReader, column: Column) -> tantivy::Result<Self> {
        let name = column.as_str();
        let Some((values, _)) = segment.fast_fields().u64_lenient(name)? else {
            return Err(tantivy::TantivyError::FieldNotFound(name.to_owned()));
        };
        // Every document has one; then the values lie in the order of the documents.
        let full = values.get_cardinality().is_full();
        Ok(Self(if full { values.values } else { values.first_or_default_col(i64::to_u64(0)) }))
    }

    /// That of a document.
    #[must_use]
    pub fn get(&self, document: DocId) -> i64 {
        i64::from_u64(self.0.get_val(document))
    }

    /// What none of them is less than.
    #[must_use]
    pub fn lowest(&self) -> i64 {
        i64::from_u64(self.0.min_value())
    }

    /// What none of them is more than.
    #[must_use]
    pub fn highest(&self) -> i64 {
        i64::from_u64(self.0.max_value())
    }

    /// Those of several, each in its turn.
    pub fn each_of(&self, documents: &[DocId], mut found: impl FnMut(i64)) {
        let mut read = [0; COLLECT_BLOCK_BUFFER_LEN];
        for documents in documents.chunks(read.len()) {
            let (read, _) = read.split_at_mut(documents.len());
            self.0.get_vals(documents, read);
            for value in read {
                found(i64::from_u64(*value));
            }
        }
    }
}
