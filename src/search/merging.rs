//! Which segments of the index become one.

use std::collections::HashMap;

use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::indexer::{LogMergePolicy, MergeCandidate, MergePolicy};

/// So many segments of like size become one: a question goes to each of them.
const SEGMENTS_TO_MERGE: usize = 4;
/// All segments of fewer documents are of like size. With many writers there are some each second, and one that is much larger must
/// not be written anew with them each time.
const FEW_DOCUMENTS: u32 = 500;
/// A segment of more documents stays as it is.
const MANY_DOCUMENTS: usize = 100_000;
/// So many documents are merged at a time at most. They are mapped meanwhile, some 340 bytes for each; and an import leaves hundreds
/// of segments at once.
const MOST_AT_A_TIME: u32 = 300_000;

/// Merges segments of like size, in portions.
#[derive(Debug)]
pub(super) struct Merging(LogMergePolicy);

impl Default for Merging {
    fn default() -> Self {
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(SEGMENTS_TO_MERGE);
        policy.set_min_layer_size(FEW_DOCUMENTS);
        policy.set_max_docs_before_merge(MANY_DOCUMENTS);
        Self(policy)
    }
}

impl MergePolicy for Merging {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let sizes: HashMap<SegmentId, u32> =
            segments.iter().map(|segment| (segment.id(), segment.num_docs())).collect();
        let candidates = self.0.compute_merge_candidates(segments).into_iter();
        candidates.flat_map(|MergeCandidate(ids)| in_portions(ids, &sizes)).map(MergeCandidate).collect()
    }
}

fn in_portions(ids: Vec<SegmentId>, sizes: &HashMap<SegmentId, u32>) -> Vec<Vec<SegmentId>> {
    let is_alone = ids.len() == 1;
    let mut portions: Vec<Vec<SegmentId>> = Vec::new();
    let mut documents = 0;
    for id in ids {
        let size = sizes.get(&id).copied().unwrap_or_default();
        match portions.last_mut().filter(|_| documents + size <= MOST_AT_A_TIME) {
            Some(portion) => {
                portion.push(id);
                documents += size;
            }
            None => {
                portions.push(vec![id]);
                documents = size;
            }
        }
    }
    // One that is left over would only be written as it is, again and again.
    portions.retain(|portion| portion.len() > 1 || is_alone);
    portions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portions_of(sizes: &[u32]) -> Vec<Vec<u32>> {
        let id = |number: usize| SegmentId::from_uuid_string(&format!("{number:032x}")).unwrap();
        let ids: Vec<SegmentId> = (0..sizes.len()).map(id).collect();
        let sizes: HashMap<SegmentId, u32> = ids.iter().copied().zip(sizes.iter().copied()).collect();
        let portions = in_portions(ids, &sizes);
        portions.into_iter().map(|portion| portion.iter().map(|id| sizes[id]).collect()).collect()
    }

    #[test]
    fn many_segments_are_merged_in_portions() {
        assert_eq!(portions_of(&[500; 4]), [vec![500; 4]]);
        assert_eq!(portions_of(&[100_000; 8]), [vec![100_000; 3], vec![100_000; 3], vec![100_000; 2]]);
    }

    #[test]
    fn a_segment_that_is_left_over_is_left_alone() {
        assert_eq!(portions_of(&[100_000; 4]), [vec![100_000; 3]]);
        // Unless the policy wants it alone, for what is deleted in it.
        assert_eq!(portions_of(&[900_000]), [vec![900_000]]);
    }
}
