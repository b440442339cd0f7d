//! The file, and where in it everything lies.
//!
//! Everything is written behind what was written before, and never changed. What is taken off is forgotten, and its room is
//! free when its whole volume is: of two volumes the older one goes when the younger one is full.
//!
//! Every request looks here, so nobody keeps the others from it for long: the file is written to, large volumes are given up, and many
//! things are forgotten while they can look.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Form;
use super::changes::Changes;
use crate::access::CLASSES;
use crate::briefs::similar::strands::{Reach, Strand};
use crate::db::types::Id;
use crate::journal::Head;

/// What lies between two that are wanted is read along with them rather than passed over, up to so many bytes: to ask the
/// system once more takes longer.
const LARGEST_GAP: u64 = 4096;
/// How many bytes of a file an item counts for at least: its slot in memory takes a part of that.
const SMALLEST: u64 = 512;
/// How many resources are forgotten while nobody else can look.
const FORGOTTEN_AT_ONCE: usize = 64;

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
    /// The digest of the slug by which it is found too.
    pub(super) name: Option<u128>,
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
    /// How many commits of this process have been looked at, for those who wait.
    followed: watch::Sender<u64>,
}

struct Stock {
    /// None until the journal has been looked at, and while what it tells is being heeded.
    standing: Option<Standing>,
    /// For what is not forgotten though it may have changed.
    changes: Changes,
    young: Volume,
    old: Option<Volume>,
}

struct Volume {
    file: Arc<File>,
    end: u64,
    slots: FxHashMap<Key, Slot>,
    /// The ids of briefs by the digests of their slugs.
    names: FxHashMap<u128, Id>,
}

/// Where something lies in the file of its volume.
#[derive(Clone, Copy)]
struct Slot {
    offset: u64,
    length: u32,
    /// The end of the snapshot from which it was made.
    position: i64,
}

/// Something that is kept. What is written once stays as it is, so it can be read whatever is put and forgotten meanwhile.
pub(super) struct Found {
    file: Arc<File>,
    offset: u64,
    length: usize,
    position: i64,
}

/// What was found and read, in the order in which it was found.
pub(super) struct Bodies {
    bytes: Vec<u8>,
    /// Where in these bytes each of them is, if it could be read.
    ranges: Vec<Option<Range<usize>>>,
}

impl Shelf {
    pub(super) fn in_directory(directory: &Path, bytes: u64) -> io::Result<Self> {
        let stock = Stock { standing: None, changes: Changes::since(0), young: Volume::new(directory)?, old: None };
        let (followed, _) = watch::channel(0);
        Ok(Self { directory: directory.to_owned(), largest: bytes / 2, stock: RwLock::new(stock), followed })
    }

    /// Tells those who wait that so many commits of this process have been looked at.
    pub(super) fn tell(&self, commits: u64) {
        self.followed.send_replace(commits);
    }

    /// Whether it stands where this class of callers has seen this head last.
    pub(super) fn is_at(&self, class: u8, head: Head) -> bool {
        self.reading().is_at(class, head)
    }

    /// Waits until so many commits of this process have been looked at, or until the time is up.
    pub(super) async fn wait_until_followed(&self, commits: u64, patience: Duration) {
        if *self.followed.borrow() < commits {
            let mut followed = self.followed.subscribe();
            // Whether they have or the time is up: whoever waits looks for himself.
            drop(timeout(patience, followed.wait_for(|followed| *followed >= commits)).await);
        }
    }

    /// What is kept under these keys, if what this class of callers sees is at this head.
    pub(super) fn find(&self, class: u8, head: Head, keys: impl Iterator<Item = Key>) -> Vec<Option<Found>> {
        let stock = self.reading();
        let is_at = stock.is_at(class, head);
        keys.map(|key| stock.volumes().filter(|_| is_at).find_map(|volume| volume.find(key))).collect()
    }

    /// Whether what was found still is as it was made, if it follows from what happens within these reaches.
    pub(super) fn stands(&self, found: &Found, reaches: impl Iterator<Item = Reach>) -> bool {
        self.reading().changes.leave_alone(found.position, reaches)
    }

    pub(super) fn named(&self, name: u128) -> Option<Id> {
        self.reading().volumes().find_map(|volume| volume.names.get(&name).copied())
    }

    /// Keeps what was made from what this class of callers saw at this head, in a snapshot that ends at a position, unless there is
    /// something later.
    pub(super) fn put(&self, class: u8, head: Head, snapshot: i64, items: &[Item]) {
        if items.is_empty() {
            return;
        }
        let bytes = items.iter().map(|item| item.body.as_slice()).collect::<Vec<_>>().concat();
        let stands = |stock: &Stock| {
            stock.is_at(class, head) && stock.standing.is_some_and(|standing| snapshot >= standing.position)
        };
        let written = self.reserve(bytes.len() as u64, items.len(), stands).and_then(|reserved| {
            let Some((file, offset)) = reserved else { return Ok(()) };
            file.write_all_at(&bytes, offset)?;
            let mut stock = self.writing();
            // The journal may have been followed meanwhile, and other volumes begun.
            let there = if stands(&stock) { stock.volume_of(&file) } else { None };
            there.map_or(Ok(()), |volume| volume.take_in(items, offset, snapshot))
        });
        if let Err(error) = written {
            tracing::warn!(%error, "what was made ready cannot be kept");
        }
    }

    /// Room for so many bytes, unless there is none or nothing may be put.
    fn reserve(
        &self,
        bytes: u64,
        items: usize,
        may_be_put: impl FnOnce(&Stock) -> bool,
    ) -> io::Result<Option<(Arc<File>, u64)>> {
        let mut stock = self.writing();
        if !may_be_put(&stock) || bytes > self.largest {
            return Ok(None);
        }
        let mut gone = None;
        if !stock.young.has_room(bytes, items, self.largest) {
            let full = std::mem::replace(&mut stock.young, Volume::new(&self.directory)?);
            gone = stock.old.replace(full);
        }
        let (file, offset) = (Arc::clone(&stock.young.file), stock.young.end);
        stock.young.end += bytes;
        drop(stock);
        // Only now: it takes long to give back so much.
        drop(gone);
        Ok(Some((file, offset)))
    }

    /// Up to where the journal has been followed, and whether there is anything that it may concern.
    pub(super) fn standing(&self) -> (Option<Standing>, bool) {
        let stock = self.reading();
        (stock.standing, stock.volumes().any(|volume| !volume.slots.is_empty()))
    }

    /// Forgets what these resources show, notes at which places something changed if that was told, and stands from now on where the
    /// journal has been followed to. Meanwhile it stands nowhere.
    pub(super) fn forget(&self, concerned: &HashSet<Id>, touched: Option<&[(Strand, i64)]>, standing: Standing) {
        let concerned: Vec<Id> = concerned.iter().copied().collect();
        for some in concerned.chunks(FORGOTTEN_AT_ONCE) {
            let mut stock = self.writing();
            stock.standing = None;
            for id in some {
                stock.forget(*id);
            }
        }
        let mut stock = self.writing();
        let given_up = stock.changes.note(touched, standing.position);
        stock.standing = Some(standing);
        drop(stock);
        drop(given_up);
    }

    /// Forgets everything, and gives back the room that it took.
    pub(super) fn clear(&self, standing: Standing) {
        let mut stock = self.writing();
        stock.standing = None;
        // Until the end of this, which comes after that of the lock.
        let _given_up = stock.changes.begin_anew(standing.position);
        if stock.young.end == 0 && stock.old.is_none() {
            stock.standing = Some(standing);
            drop(stock);
            return;
        }
        match Volume::new(&self.directory) {
            Ok(volume) => {
                let gone = (std::mem::replace(&mut stock.young, volume), stock.old.take());
                stock.standing = Some(standing);
                drop(stock);
                drop(gone);
            }
            Err(error) => {
                // It stands nowhere then, and nothing is taken from it or put into it.
                drop(stock);
                tracing::error!(%error, "the file of what is kept ready cannot be made anew");
            }
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

    fn volumes(&self) -> impl Iterator<Item = &Volume> {
        std::iter::once(&self.young).chain(&self.old)
    }

    fn volume_of(&mut self, file: &Arc<File>) -> Option<&mut Volume> {
        std::iter::once(&mut self.young).chain(&mut self.old).find(|volume| Arc::ptr_eq(&volume.file, file))
    }

    fn forget(&mut self, id: Id) {
        for volume in std::iter::once(&mut self.young).chain(&mut self.old) {
            for form in Form::ALL {
                for class in 0..CLASSES {
                    let class = u8::try_from(class).unwrap_or(u8::MAX);
                    volume.slots.remove(&Key { id, form, class });
                }
            }
        }
    }
}

impl Volume {
    /// A file without a name: it is gone with the process, however that ends.
    fn new(directory: &Path) -> io::Result<Self> {
        let file = Arc::new(tempfile::tempfile_in(directory)?);
        Ok(Self { file, end: 0, slots: FxHashMap::default(), names: FxHashMap::default() })
    }

    /// Whether so many bytes of so many items go into it too. Its slots in memory are bounded with the file.
    fn has_room(&self, bytes: u64, items: usize, largest: u64) -> bool {
        self.end + bytes <= largest && (self.slots.len() + items) as u64 <= largest / SMALLEST
    }

    fn find(&self, key: Key) -> Option<Found> {
        let Slot { offset, length, position } = *self.slots.get(&key)?;
        Some(Found { file: Arc::clone(&self.file), offset, length: usize::try_from(length).ok()?, position })
    }

    /// Notes where these are that were written one behind the other.
    fn take_in(&mut self, items: &[Item], mut offset: u64, position: i64) -> io::Result<()> {
        for Item { key, name, body } in items {
            let length = u32::try_from(body.len()).map_err(io::Error::other)?;
            self.slots.insert(*key, Slot { offset, length, position });
            self.names.extend(name.map(|name| (name, key.id)));
            offset += u64::from(length);
        }
        Ok(())
    }
}

impl Found {
    fn end(&self) -> u64 {
        self.offset + self.length as u64
    }

    fn is_near(&self, before: &Self) -> bool {
        Arc::ptr_eq(&before.file, &self.file) && self.offset.saturating_sub(before.end()) <= LARGEST_GAP
    }
}

impl Bodies {
    /// Reads what was found. What was put together lies together, and is read in one go.
    pub(super) fn of(found: &[Option<Found>]) -> Self {
        let mut wanted: Vec<(usize, &Found)> =
            found.iter().enumerate().filter_map(|(number, found)| Some((number, found.as_ref()?))).collect();
        wanted.sort_unstable_by_key(|(_, found)| (Arc::as_ptr(&found.file), found.offset, found.length));
        let length = wanted.iter().map(|(_, found)| found.length).sum();
        let mut bodies = Self { bytes: Vec::with_capacity(length), ranges: vec![None; found.len()] };
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
        first.file.read_exact_at(room, first.offset)?;
        for (number, found) in run {
            let from = start + usize::try_from(found.offset - first.offset).map_err(io::Error::other)?;
            if let Some(range) = self.ranges.get_mut(*number) {
                *range = Some(from..from + found.length);
            }
        }
        Ok(())
    }

    /// What was found as this one of all, if it was and could be read.
    pub(super) fn get(&self, number: usize) -> Option<&[u8]> {
        self.bytes.get(self.ranges.get(number)?.clone()?)
    }

    /// How many bytes they have in all.
    pub(super) fn length(&self) -> usize {
        self.ranges.iter().flatten().map(Range::len).sum()
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

    fn item(key: Key, body: impl Into<Vec<u8>>) -> Item {
        Item { key, name: None, body: body.into() }
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
        shelf.put(CLASS, head(1), 1, &[item(changed, b"one"), item(other, b"two")]);
        assert_eq!(taken(&shelf, 1, changed).as_deref(), Some(&b"one"[..]));
        shelf.forget(&HashSet::from([changed.id]), None, standing(2));
        assert_eq!(taken(&shelf, 2, changed), None);
        assert_eq!(taken(&shelf, 2, other).as_deref(), Some(&b"two"[..]));
    }

    #[test]
    fn nothing_is_taken_or_put_at_another_head() {
        let shelf = shelf(1 << 20);
        let key = key(Form::EventRow);
        shelf.put(CLASS, head(2), 2, &[item(key, b"early")]);
        shelf.forget(&HashSet::new(), None, standing(2));
        assert_eq!(taken(&shelf, 2, key), None, "it was put before the shelf had come so far");
        shelf.put(CLASS, head(2), 1, &[item(key, b"of an older snapshot")]);
        assert_eq!(taken(&shelf, 2, key), None);
        shelf.put(CLASS, head(2), 2, &[item(key, b"right")]);
        assert_eq!(taken(&shelf, 1, key), None);
        assert_eq!(taken(&shelf, 3, key), None);
        assert_eq!(taken(&shelf, 2, key).as_deref(), Some(&b"right"[..]));
    }

    #[test]
    fn what_is_like_a_brief_stands_until_something_changes_where_it_was_looked_for() {
        let shelf = shelf(1 << 20);
        let (similar, strand) = (key(Form::BriefSimilar), Strand::of_actor(Id::new()));
        let stands = |position: i64| {
            let found = shelf.find(CLASS, head(position), [similar].into_iter()).remove(0).expect("it is kept");
            shelf.stands(&found, [Reach { strand, first: 0, last: 10 }].into_iter())
        };
        shelf.put(CLASS, head(1), 1, &[item(similar, b"[]")]);
        assert!(stands(1));
        shelf.forget(&HashSet::new(), Some(&[(strand, 11)]), standing(2));
        assert!(stands(2));
        shelf.forget(&HashSet::new(), Some(&[(strand, 10)]), standing(3));
        assert!(!stands(3));
        shelf.put(CLASS, head(3), 3, &[item(similar, b"[]")]);
        assert!(stands(3), "it was made anew");
        shelf.forget(&HashSet::new(), None, standing(4));
        assert!(!stands(4), "so much has changed that nobody knows where");
    }

    #[test]
    fn everything_is_read_wherever_it_lies() {
        let shelf = shelf(1 << 20);
        let keys: Vec<Key> = (0..9).map(|_| key(Form::BriefRow)).collect();
        let lengths = [10, 5000, 1, 9000, 0, 700, 4096, 4097, 3];
        let body = |number: usize| vec![u8::try_from(number).unwrap(); lengths[number]];
        for (number, key) in keys.iter().enumerate() {
            shelf.put(CLASS, head(1), 1, &[item(*key, body(number))]);
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
    fn it_takes_no_more_room_than_it_may() {
        let (shelf, mut keys) = (shelf(20_000), Vec::new());
        for number in 0..100_u8 {
            let key = key(Form::BriefPage);
            let body = vec![number; 1000];
            shelf.put(CLASS, head(1), 1, &[Item { key, name: Some(number.into()), body }]);
            keys.push(key);
            let stock = shelf.reading();
            assert!(stock.volumes().all(|volume| volume.end <= 10_000));
            assert!(stock.volumes().all(|volume| volume.slots.len() <= 10 && volume.names.len() <= 10));
        }
        let kept = keys.iter().filter(|key| taken(&shelf, 1, **key).is_some()).count();
        assert!(kept >= 10, "only {kept} are left");
        assert_eq!(taken(&shelf, 1, keys[99]), Some(vec![99; 1000]));
    }

    #[test]
    fn what_is_small_takes_no_more_memory_than_it_may() {
        let (shelf, last) = (shelf(20 * SMALLEST), key(Form::BriefRow));
        for _ in 0..100 {
            shelf.put(CLASS, head(1), 1, &[item(key(Form::BriefRow), b"small")]);
        }
        shelf.put(CLASS, head(1), 1, &[item(last, b"last")]);
        assert!(shelf.reading().volumes().map(|volume| volume.slots.len()).sum::<usize>() <= 20);
        assert_eq!(taken(&shelf, 1, last).as_deref(), Some(&b"last"[..]));
    }

    #[test]
    fn many_are_forgotten_as_one_is() {
        let shelf = shelf(1 << 20);
        let keys: Vec<Key> = (0..3 * FORGOTTEN_AT_ONCE).map(|_| key(Form::BriefRow)).collect();
        for key in &keys {
            shelf.put(CLASS, head(1), 1, &[item(*key, b"kept")]);
        }
        let (stays, gone) = keys.split_first().expect("some");
        shelf.forget(&gone.iter().map(|key| key.id).collect(), None, standing(2));
        assert!(gone.iter().all(|key| taken(&shelf, 2, *key).is_none()));
        assert_eq!(taken(&shelf, 2, *stays).as_deref(), Some(&b"kept"[..]));
    }
}
