//! What is found out once of each segment of the index and then remembered, since segments never change.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use tantivy::columnar::{ColumnValues, MonotonicallyMappableToU64};
use tantivy::index::{SegmentId, SegmentReader};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId};

use super::document::Column;
use super::sight::Sighted;

/// What is known of the segments at hand.
#[derive(Default)]
pub struct Segments {
    sighted: DashMap<(SegmentId, i16), Arc<Sighted>>,
    numbers: DashMap<(SegmentId, Column), Numbers>,
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

    /// Forgets the segments that are no more.
    pub fn keep(&self, segments: &[SegmentReader]) {
        let is_there = |id: SegmentId| segments.iter().any(|segment| segment.segment_id() == id);
        self.sighted.retain(|(id, _), _| is_there(*id));
        self.numbers.retain(|(id, _), _| is_there(*id));
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
