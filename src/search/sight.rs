//! Which documents a class of callers sees.

use tantivy::DocId;
use tantivy::columnar::ColumnValues as _;
use tantivy::index::SegmentReader;

use super::document::Column;

/// The documents of a segment that one class sees, as bits.
pub struct Sighted {
    bits: Vec<u64>,
    all: bool,
}

impl Sighted {
    /// What a class sees of a segment.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn of(segment: &SegmentReader, class: i16) -> tantivy::Result<Self> {
        let audience = segment.fast_fields().column_first_or_default::<i64>(Column::Audience.as_str())?;
        let mut bits = vec![0_u64; segment.max_doc().div_ceil(64) as usize];
        let mut all = true;
        for document in 0..segment.max_doc() {
            let seen = audience.get_val(document) & i64::from(class) != 0;
            all &= seen;
            if let Some(word) = bits.get_mut(document as usize / 64).filter(|_| seen) {
                *word |= 1 << (document % 64);
            }
        }
        Ok(Self { bits, all })
    }

    /// Whether this document is seen.
    #[must_use]
    pub fn has(&self, document: DocId) -> bool {
        self.all || self.bits.get(document as usize / 64).is_some_and(|word| word & (1 << (document % 64)) != 0)
    }

    /// Whether every document is.
    #[must_use]
    pub fn has_all(&self) -> bool {
        self.all
    }

    /// How many of the documents that still count are seen.
    #[must_use]
    pub fn count(&self, segment: &SegmentReader) -> u64 {
        match segment.alive_bitset() {
            None => self.bits.iter().map(|word| u64::from(word.count_ones())).sum(),
            Some(_) if self.all => segment.num_docs().into(),
            Some(_) => segment.doc_ids_alive().filter(|document| self.has(*document)).count() as u64,
        }
    }
}
