//! Which segments of the index become one.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::indexer::{LogMergePolicy, MergeCandidate, MergePolicy};

/// As soon as so many segments are of like size, they are merged: a question goes to each of them.
const SEGMENTS_TO_MERGE: usize = 4;
/// All segments of fewer documents are of like size. With many writers there are some each second, and one that is much larger must
/// not be written anew with them each time.
const FEW_DOCUMENTS: u32 = 500;
/// A segment of more documents stays as it is.
const MANY_DOCUMENTS: usize = 100_000;
/// So many bytes become one segment at most, and what has more than half of that stays as it is: whoever merges has mapped all of it,
/// and an import, which leaves many segments at once, has to do with little memory.
const MOST_BYTES: u64 = 56_000_000;

/// Merges segments of like size, in portions.
#[derive(Debug)]
pub(super) struct Merging {
    policy: LogMergePolicy,
    /// Where the segments are.
    directory: PathBuf,
}

impl Merging {
    /// Of the segments in a directory.
    pub(super) fn within(directory: PathBuf) -> Self {
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(SEGMENTS_TO_MERGE);
        policy.set_min_layer_size(FEW_DOCUMENTS);
        policy.set_max_docs_before_merge(MANY_DOCUMENTS);
        Self { policy, directory }
    }

    /// How many bytes each segment has on disk, by the name that its files share.
    fn sizes(&self) -> HashMap<String, u64> {
        let mut sizes: HashMap<String, u64> = HashMap::new();
        for file in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            if let Some((segment, _)) = file.file_name().to_string_lossy().split_once('.') {
                let size = file.metadata().map_or(MOST_BYTES, |file| file.len());
                *sizes.entry(segment.to_owned()).or_default() += size;
            }
        }
        sizes
    }
}

impl MergePolicy for Merging {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let sizes = self.sizes();
        let size = |id: &SegmentId| sizes.get(&id.uuid_string()).copied().unwrap_or(MOST_BYTES);
        let is_large = |segment: &SegmentMeta| size(&segment.id()) > MOST_BYTES / 2;
        let (large, others): (Vec<SegmentMeta>, Vec<SegmentMeta>) = segments.iter().cloned().partition(is_large);
        let alike = self.policy.compute_merge_candidates(&others);
        let together = alike.into_iter().flat_map(|MergeCandidate(ids)| in_portions(ids, size));
        // What stays as it is, is written anew by itself when most of it is deleted.
        let mostly_gone = large.iter().filter(|segment| segment.num_deleted_docs() > segment.max_doc() / 2);
        together.chain(mostly_gone.map(|segment| vec![segment.id()])).map(MergeCandidate).collect()
    }
}

fn in_portions(ids: Vec<SegmentId>, size: impl Fn(&SegmentId) -> u64) -> Vec<Vec<SegmentId>> {
    let mut portions: Vec<Vec<SegmentId>> = Vec::new();
    let mut bytes = 0;
    for id in ids {
        bytes += size(&id);
        match portions.last_mut().filter(|_| bytes <= MOST_BYTES) {
            Some(portion) => portion.push(id),
            None => {
                bytes = size(&id);
                portions.push(vec![id]);
            }
        }
    }
    // One that is left over would only be written as it is, again and again.
    portions.retain(|portion| portion.len() > 1);
    portions
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tantivy::index::Index;
    use tantivy::schema::{Field, STRING, Schema};
    use tantivy::{IndexWriter, Term, doc};

    use super::*;

    const MEGABYTE: u64 = 1_000_000;

    fn portions_of(sizes: &[u64]) -> Vec<Vec<u64>> {
        let id = |number: usize| SegmentId::from_uuid_string(&format!("{number:032x}")).unwrap();
        let ids: Vec<SegmentId> = (0..sizes.len()).map(id).collect();
        let sizes: HashMap<SegmentId, u64> =
            ids.iter().copied().zip(sizes.iter().map(|size| size * MEGABYTE)).collect();
        let portions = in_portions(ids, |id| sizes[id]);
        portions.into_iter().map(|portion| portion.iter().map(|id| sizes[id] / MEGABYTE).collect()).collect()
    }

    #[test]
    fn many_segments_are_merged_in_portions() {
        assert_eq!(portions_of(&[1; 4]), [vec![1; 4]]);
        assert_eq!(portions_of(&[16; 8]), [vec![16; 3], vec![16; 3], vec![16; 2]]);
    }

    #[test]
    fn a_segment_that_is_left_over_is_left_alone() {
        assert_eq!(portions_of(&[16; 4]), [vec![16; 3]]);
    }

    /// An index of one segment in which each of these words is a document.
    fn index_of(words: &[&str], directory: &Path) -> (Index, IndexWriter, Field) {
        let mut schema = Schema::builder();
        let text = schema.add_text_field("text", STRING);
        let index = Index::create_in_dir(directory, schema.build()).unwrap();
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
        for word in words {
            writer.add_document(doc!(text => *word)).unwrap();
        }
        writer.commit().unwrap();
        (index, writer, text)
    }

    #[test]
    fn a_segment_is_as_large_as_all_of_its_files() {
        let directory = tempfile::tempdir().unwrap();
        let (index, ..) = index_of(&["word"], directory.path());

        let [segment] = index.searchable_segment_ids().unwrap()[..] else { panic!("one commit left several segments") };
        let name = segment.uuid_string();
        let files = fs::read_dir(directory.path()).unwrap().map(Result::unwrap);
        let its_files = files.filter(|file| file.file_name().to_string_lossy().starts_with(&name));
        let expected: u64 = its_files.map(|file| file.metadata().unwrap().len()).sum();
        assert!(expected > 0);
        assert_eq!(Merging::within(directory.path().to_owned()).sizes()[&name], expected);
    }

    #[test]
    fn a_large_segment_is_written_anew_when_most_of_it_is_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let (index, mut writer, text) = index_of(&["one", "two", "three"], directory.path());
        let [segment] = index.searchable_segment_ids().unwrap()[..] else { panic!("one commit left several segments") };
        let padding = fs::File::create(directory.path().join(format!("{}.padding", segment.uuid_string()))).unwrap();
        padding.set_len(MOST_BYTES).unwrap();
        let merging = Merging::within(directory.path().to_owned());
        let merged = || merging.compute_merge_candidates(&index.searchable_segment_metas().unwrap());

        writer.delete_term(Term::from_field_text(text, "one"));
        writer.commit().unwrap();
        assert!(merged().is_empty());
        writer.delete_term(Term::from_field_text(text, "two"));
        writer.commit().unwrap();
        let [MergeCandidate(alone)] = &merged()[..] else { panic!("not one merge alone") };
        assert_eq!(alone[..], [segment]);
    }
}
