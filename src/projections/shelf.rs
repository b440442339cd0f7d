//! The file, and where in it everything lies.
//!
//! Everything is written behind what was written before, and never changed. What is taken off is forgotten, and its place is
//! free when its whole volume is: of two volumes the older one goes when the younger one is full.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustc_hash::FxHashMap;

use super::Form;
use crate::access::CLASSES;
use crate::db::types::Id;
use crate::journal::Head;

/// What lies between two that are wanted is read along with them rather than passed over, up to so many bytes: to ask the
/// system once more takes longer.
const LARGEST_GAP: u64 = 4096;

/// What something is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) id: Id,
    pub(super) form: Form,
    pub(super) class: u8,
}

/// Something to be kept.
pub(super) struct Item {
    pub(super) key: Key,
    pub(super) body: Vec<u8>,
}

/// Up to where the journal has been followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Everything up to this position has been heeded.
    pub(super) position: i64,
    /// What each class of callers has seen last by then.
    pub(super) heads: [Head; CLASSES],
}

/// What is kept, and where.
pub(super) struct Shelf {
    directory: PathBuf,
    /// How large one volume may become.
    largest: u64,
    stock: RwLock<Stock>,
}

struct Stock {
    /// None until the journal has been looked at.
    standing: Option<Standing>,
    places: FxHashMap<Key, Place>,
    /// The ids of briefs by the digests of their slugs.
    names: FxHashMap<u128, Id>,
    young: Arc<Volume>,
    old: Option<Arc<Volume>>,
    end: u64,
}

#[derive(Clone, Copy)]
struct Place {
    volume: u32,
    length: u32,
    offset: u64,
    /// The head at which it was made: what is fleeting does not outlive it.
    position: i64,
}

pub(super) struct Volume {
    number: u32,
    file: File,
}

/// Something that is kept. What is written once stays as it is, so it can be read whatever is put and forgotten meanwhile.
pub(super) struct Found {
    volume: Arc<Volume>,
    offset: u64,
    length: usize,
}

/// What was found and read, in the order in which it was found.
pub(super) struct Bodies {
    bytes: Vec<u8>,
    places: Vec<Option<Range<usize>>>,
}

impl Shelf {
    pub(super) fn in_directory(directory: &Path, bytes: u64) -> io::Result<Self> {
        let young = Volume::new(directory, 0)?;
        Ok(Self {
            directory: directory.to_owned(),
            largest: bytes / 2,
            stock: RwLock::new(Stock {
                standing: None,
                places: FxHashMap::default(),
                names: FxHashMap::default(),
                young: Arc::new(young),
                old: None,
                end: 0,
            }),
        })
    }

    /// What is kept under these keys, if what this class of callers sees is at this head.
    pub(super) fn find(&self, class: u8, head: Head, keys: impl Iterator<Item = Key>) -> Vec<Option<Found>> {
        let stock = self.reading();
        let is_at = stock.is_at(class, head);
        let place =
            |key: Key| stock.places.get(&key).copied().filter(|place| is_at && place.stands_for(key.form, head));
        keys.map(|key| place(key).and_then(|place| stock.at(place))).collect()
    }

    pub(super) fn named(&self, name: u128) -> Option<Id> {
        self.reading().names.get(&name).copied()
    }

    pub(super) fn name(&self, name: u128, id: Id) {
        self.writing().names.insert(name, id);
    }

    /// Keeps what was made from what this class of callers saw at this head, in a snapshot that ends at a position, unless there is
    /// something later.
    pub(super) fn put(&self, class: u8, head: Head, snapshot: i64, items: &[Item]) {
        if items.is_empty() {
            return;
        }
        let mut stock = self.writing();
        let is_older = stock.standing.is_none_or(|standing| snapshot < standing.position);
        if is_older || !stock.is_at(class, head) {
            return;
        }
        if let Err(error) = self.append(&mut stock, head, items) {
            tracing::warn!(%error, "what was made ready cannot be kept");
        }
    }

    fn append(&self, stock: &mut Stock, head: Head, items: &[Item]) -> io::Result<()> {
        let bodies: Vec<&[u8]> = items.iter().map(|item| item.body.as_slice()).collect();
        let bytes = bodies.concat();
        if stock.end + bytes.len() as u64 > self.largest {
            if bytes.len() as u64 > self.largest {
                return Ok(());
            }
            self.turn_over(stock)?;
        }
        let (volume, mut offset) = (stock.young.number, stock.end);
        stock.young.file.write_all_at(&bytes, offset)?;
        stock.end += bytes.len() as u64;
        for Item { key, body } in items {
            let length = u32::try_from(body.len()).map_err(io::Error::other)?;
            stock.places.insert(*key, Place { volume, length, offset, position: head.position });
            offset += u64::from(length);
        }
        Ok(())
    }

    /// Begins a new volume, and forgets what is in the one before the last.
    fn turn_over(&self, stock: &mut Stock) -> io::Result<()> {
        let next = Volume::new(&self.directory, stock.young.number.wrapping_add(1))?;
        let last = std::mem::replace(&mut stock.young, Arc::new(next));
        let stays = last.number;
        stock.old = Some(last);
        stock.end = 0;
        stock.places.retain(|_, place| place.volume == stays);
        let pages: HashSet<Id> =
            stock.places.keys().filter(|key| key.form == Form::BriefPage).map(|key| key.id).collect();
        stock.names.retain(|_, id| pages.contains(id));
        Ok(())
    }

    /// Up to where the journal has been followed, and whether there is anything that it may concern.
    pub(super) fn standing(&self) -> (Option<Standing>, bool) {
        let stock = self.reading();
        (stock.standing, !stock.places.is_empty())
    }

    /// Forgets what these resources show, and stands from now on where the journal has been followed to.
    pub(super) fn forget(&self, concerned: &HashSet<Id>, standing: Standing) {
        let mut stock = self.writing();
        for id in concerned {
            for form in Form::ALL {
                for class in 0..CLASSES {
                    let class = u8::try_from(class).unwrap_or(u8::MAX);
                    stock.places.remove(&Key { id: *id, form, class });
                }
            }
        }
        stock.standing = Some(standing);
    }

    /// Forgets everything, and gives back the place that it took.
    pub(super) fn clear(&self, standing: Standing) {
        let mut stock = self.writing();
        stock.standing = None;
        stock.places.clear();
        stock.names.clear();
        if stock.end == 0 && stock.old.is_none() {
            stock.standing = Some(standing);
            return;
        }
        match Volume::new(&self.directory, stock.young.number.wrapping_add(1)) {
            Ok(volume) => {
                (stock.young, stock.old, stock.end) = (Arc::new(volume), None, 0);
                stock.standing = Some(standing);
            }
            // It stands nowhere then, and nothing is taken from it or put into it.
            Err(error) => tracing::error!(%error, "the file of what is kept ready cannot be made anew"),
        }
    }

    // Nothing panics while it holds the lock, and should it, the standing is set last.
    fn reading(&self) -> RwLockReadGuard<'_, Stock> {
        self.stock.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> RwLockWriteGuard<'_, Stock> {
        self.stock.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stock {
    fn is_at(&self, class: u8, head: Head) -> bool {
        self.standing.is_some_and(|standing| standing.heads.get(usize::from(class)) == Some(&head))
    }

    fn at(&self, place: Place) -> Option<Found> {
        let volumes = [Some(&self.young), self.old.as_ref()];
        let volume = volumes.into_iter().flatten().find(|volume| volume.number == place.volume)?;
        let length = usize::try_from(place.length).ok()?;
        Some(Found { volume: Arc::clone(volume), offset: place.offset, length })
    }
}

impl Place {
    fn stands_for(&self, form: Form, head: Head) -> bool {
        !form.is_fleeting() || self.position == head.position
    }
}

impl Volume {
    /// A file without a name: it is gone with the process, however that ends.
    fn new(directory: &Path, number: u32) -> io::Result<Self> {
        Ok(Self { number, file: tempfile::tempfile_in(directory)? })
    }
}

impl Found {
    fn end(&self) -> u64 {
        self.offset + self.length as u64
    }

    fn is_near(&self, before: &Self) -> bool {
        before.volume.number == self.volume.number && self.offset.saturating_sub(before.end()) <= LARGEST_GAP
    }
}

impl Bodies {
    /// Reads what was found. What was put together lies together, and is read in one go.
    pub(super) fn of(found: &[Option<Found>]) -> Self {
        let mut wanted: Vec<(usize, &Found)> =
            found.iter().enumerate().filter_map(|(number, found)| Some((number, found.as_ref()?))).collect();
        wanted.sort_unstable_by_key(|(_, found)| (found.volume.number, found.offset, found.length));
        let length = wanted.iter().map(|(_, found)| found.length).sum();
        let mut bodies = Self { bytes: Vec::with_capacity(length), places: vec![None; found.len()] };
        for run in wanted.chunk_by(|(_, before), (_, found)| found.is_near(before)) {
            if let Err(error) = bodies.read(run) {
                tracing::warn!(%error, "what was kept ready cannot be read");
            }
        }
        bodies
    }

    fn read(&mut self, run: &[(usize, &Found)]) -> io::Result<()> {
        let (Some((_, first)), Some((_, last))) = (run.first(), run.last()) else { return Ok(()) };
        let start = self.bytes.len();
        let length = usize::try_from(last.end() - first.offset).map_err(io::Error::other)?;
        self.bytes.resize(start + length, 0);
        let (_, room) = self.bytes.split_at_mut(start);
        first.volume.file.read_exact_at(room, first.offset)?;
        for (number, found) in run {
            let from = start + usize::try_from(found.offset - first.offset).map_err(io::Error::other)?;
            if let Some(place) = self.places.get_mut(*number) {
                *place = Some(from..from + found.length);
            }
        }
        Ok(())
    }

    /// What was found as this one of all, if it was and could be read.
    pub(super) fn get(&self, number: usize) -> Option<&[u8]> {
        self.bytes.get(self.places.get(number)?.clone()?)
    }

    /// How many bytes they have in all.
    pub(super) fn length(&self) -> usize {
        self.places.iter().flatten().map(Range::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::types::Timestamp;

    const CLASS: u8 = 0;

    fn head(position: i64) -> Head {
        Head { position, at: Timestamp::from_micros(position) }
    }

    fn standing(position: i64) -> Standing {
        Standing { position, heads: [head(position); CLASSES] }
    }

    fn key(form: Form) -> Key {
        Key { id: Id::new(), form, class: CLASS }
    }

    fn shelf(bytes: u64) -> Shelf {
        let shelf = Shelf::in_directory(&std::env::temp_dir(), bytes).expect("a file");
        shelf.clear(standing(1));
        shelf
    }

    fn taken(shelf: &Shelf, position: i64, key: Key) -> Option<Vec<u8>> {
        let bodies = Bodies::of(&shelf.find(CLASS, head(position), [key].into_iter()));
        bodies.get(0).map(<[u8]>::to_vec)
    }

    #[test]
    fn what_is_put_is_taken_until_it_is_concerned() {
        let shelf = shelf(1 << 20);
        let [changed, other] = [key(Form::BriefRow), key(Form::BriefRow)];
        shelf.put(
            CLASS,
            head(1),
            1,
            &[Item { key: changed, body: b"one".into() }, Item { key: other, body: b"two".into() }],
        );
        assert_eq!(taken(&shelf, 1, changed).as_deref(), Some(&b"one"[..]));
        shelf.forget(&HashSet::from([changed.id]), standing(2));
        assert_eq!(taken(&shelf, 2, changed), None);
        assert_eq!(taken(&shelf, 2, other).as_deref(), Some(&b"two"[..]));
    }

    #[test]
    fn nothing_is_taken_or_put_at_another_head() {
        let shelf = shelf(1 << 20);
        let key = key(Form::EventRow);
        shelf.put(CLASS, head(2), 2, &[Item { key, body: b"early".into() }]);
        shelf.forget(&HashSet::new(), standing(2));
        assert_eq!(taken(&shelf, 2, key), None, "it was put before the shelf had come so far");
        shelf.put(CLASS, head(2), 1, &[Item { key, body: b"of an older snapshot".into() }]);
        assert_eq!(taken(&shelf, 2, key), None);
        shelf.put(CLASS, head(2), 2, &[Item { key, body: b"right".into() }]);
        assert_eq!(taken(&shelf, 1, key), None);
        assert_eq!(taken(&shelf, 3, key), None);
        assert_eq!(taken(&shelf, 2, key).as_deref(), Some(&b"right"[..]));
    }

    #[test]
    fn what_is_like_a_brief_ends_with_any_write() {
        let shelf = shelf(1 << 20);
        let [page, similar] = [key(Form::BriefPage), key(Form::BriefSimilar)];
        shelf.put(
            CLASS,
            head(1),
            1,
            &[Item { key: page, body: b"{".into() }, Item { key: similar, body: b"[]".into() }],
        );
        assert!(taken(&shelf, 1, similar).is_some());
        shelf.forget(&HashSet::new(), standing(2));
        assert_eq!(taken(&shelf, 2, similar), None);
        assert!(taken(&shelf, 2, page).is_some());
    }

    #[test]
    fn everything_is_read_wherever_it_lies() {
        let shelf = shelf(1 << 20);
        let keys: Vec<Key> = (0..9).map(|_| key(Form::BriefRow)).collect();
        let lengths = [10, 5000, 1, 9000, 0, 700, 4096, 4097, 3];
        let body = |number: usize| vec![u8::try_from(number).unwrap(); lengths[number]];
        for (number, key) in keys.iter().enumerate() {
            shelf.put(CLASS, head(1), 1, &[Item { key: *key, body: body(number) }]);
        }
        for wanted in [vec![8, 0, 2], vec![0, 1, 2, 3, 4, 5, 6, 7, 8], vec![7, 5, 3, 1], vec![4], vec![]] {
            let found = shelf.find(CLASS, head(1), wanted.iter().map(|number| keys[*number]));
            let bodies = Bodies::of(&found);
            for (place, number) in wanted.iter().enumerate() {
                assert_eq!(bodies.get(place), Some(&body(*number)[..]), "{number} of {wanted:?}");
            }
        }
    }

    #[test]
    fn it_takes_no_more_place_than_it_may() {
        let (shelf, mut keys) = (shelf(20_000), Vec::new());
        for number in 0..100_u8 {
            let key = key(Form::BriefPage);
            shelf.name(number.into(), key.id);
            shelf.put(CLASS, head(1), 1, &[Item { key, body: vec![number; 1000] }]);
            keys.push(key);
            let stock = shelf.reading();
            assert!(stock.end <= 10_000);
            assert!(stock.places.len() <= 20);
            assert!(stock.names.len() <= 21);
        }
        let kept = keys.iter().filter(|key| taken(&shelf, 1, **key).is_some()).count();
        assert!(kept >= 10, "only {kept} are left");
        assert_eq!(taken(&shelf, 1, keys[99]), Some(vec![99; 1000]));
    }
}
