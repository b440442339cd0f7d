//! The thread that keeps the index at the journal's head.
//!
//! It reads what the journal names since the position of the index, makes anew the documents of that and of all that shows
//! it, and commits them together with the new position. The index is never the truth: if there is none, if it is of another
//! archive or made by another version of the program, it is built from the tables.

use std::ffi::OsStr;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use serde::{Deserialize, Serialize};
use tantivy::directory::error::LockError;
use tantivy::directory::{Directory, DirectoryLock, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::index::{Index, SegmentId, SegmentReader};
use tantivy::indexer::IndexWriterOptions;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyError, Term};
use tokio::sync::watch;

use super::document::{Document, Fields, VERSION};
use super::filled::Filled;
use super::finder::{self, Finder};
use super::merging::Merging;
use super::segments::Segments;
use super::source;
use crate::db::Db;
use crate::db::types::{Id, Timestamp};
use crate::journal;
use crate::problem::Problem;
use crate::vocabulary::Kind;

/// How often the journal is looked at when nobody asks. Whoever asks is not made to wait for it; and where much is written and
/// little asked, each look leaves a segment to be merged.
const TICK: Duration = Duration::from_secs(1);
/// How often is looked at what another process has done of it.
const TICK_BESIDE_ANOTHER: Duration = Duration::from_millis(250);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(2);
/// How long whoever needs the index to himself waits for another who writes it to end, and how often he looks.
const END_OF_ANOTHER: Duration = Duration::from_secs(5);
const LOOK_FOR_END: Duration = Duration::from_millis(20);
/// How often is looked for segments in which something is deleted that was erased.
const PURGES: usize = 4;
/// How many rows of the journal, and how many resources, are taken at a time.
const ROWS: i64 = 1000;
/// How long one commit gathers at most while the index is far behind.
const LONGEST_GATHERING: Duration = Duration::from_secs(2);
/// From how much in memory on the writer makes a segment of it, all its threads together. With half of it, an import's index took half as
/// long again, for there were more segments to be made and merged.
const MEMORY: usize = 64_000_000;

/// What went wrong.
#[derive(Debug)]
pub enum Trouble {
    /// The database could not be read.
    Archive(Problem),
    /// The index could not be read or written.
    Index(TantivyError),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Archive(problem) => write!(f, "the archive cannot be read: {problem}"),
            Self::Index(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Archive(problem)
    }
}

impl From<TantivyError> for Trouble {
    fn from(error: TantivyError) -> Self {
        Self::Index(error)
    }
}

/// What a commit says of itself: up to where it follows which journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Mark {
    version: u32,
    position: i64,
    /// The resource and the time at that position tell this archive from others, and from an older copy of it.
    resource: Option<Id>,
    micros: i64,
}

/// The index and its place in the journal.
pub struct Follower {
    db: Db,
    index: Index,
    fields: Arc<Fields>,
    reader: IndexReader,
    segments: Arc<Segments>,
    /// Where it is, and the indexes of other versions.
    parent: PathBuf,
    /// How many threads write.
    threads: usize,
    /// While it is this process that writes.
    writing: Option<Writing>,
}

/// The writer, and where it is in the journal.
struct Writing {
    writer: IndexWriter<Filled>,
    mark: Mark,
}

impl Follower {
    /// Opens the index in a directory, or makes one there. So many threads will write it.
    ///
    /// # Errors
    /// [`Trouble::Index`] when the directory cannot be used.
    pub fn open(db: Db, directory: &Path, threads: usize) -> Result<Self, Trouble> {
        let fields = Arc::new(Fields::default());
        let index = open_or_make(directory, &fields)?;
        sweep(directory);
        finder::register_words(&index);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let parent = directory.to_owned();
        Ok(Self { db, index, fields, reader, segments: Arc::default(), parent, threads, writing: None })
    }

    /// Follows the journal until nobody can ask any more. Each new state of the index is sent.
    pub fn follow(mut self, asked: &Receiver<()>, states: &watch::Sender<Option<Arc<Finder>>>) {
        loop {
            let publish = |finder| drop(states.send_replace(Some(Arc::new(finder))));
            let pause = match catch_unwind(AssertUnwindSafe(|| self.catch_up(publish))) {
                Ok(Ok(())) if self.writing.is_some() => TICK,
                Ok(Ok(())) => TICK_BESIDE_ANOTHER,
                Ok(Err(trouble)) => {
                    tracing::error!(%trouble, "the index cannot follow the journal");
                    self.writing = None;
                    PAUSE
                }
                Err(_) => {
                    tracing::error!("following the journal panicked");
                    self.writing = None;
                    PAUSE
                }
            };
            match asked.recv_timeout(pause) {
                Ok(()) => while asked.try_recv().is_ok() {},
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Brings the index to the journal's head, or takes over what another process has done of that.
    ///
    /// # Errors
    /// When the archive or the index fails.
    pub fn catch_up(&mut self, mut publish: impl FnMut(Finder)) -> Result<(), Trouble> {
        let head = self.db.read_blocking(|connection| journal::head(connection).map_err(Problem::from))?;
        if let Some(mark) = self.writing.as_ref().map(|writing| writing.mark)
            && mark.position > 0
            && mark != mark_at(&self.db, mark.position)?
        {
            tracing::warn!("the archive is another one now, or an older copy");
            self.writing = None;
        }
        if self.writing.is_none() {
            self.writing = self.start_writing()?;
            // The mark first: what is read then is at least as new.
            let mark = self.written()?;
            self.reader.reload()?;
            // What another process writes for another archive is nobody's answer here.
            if self.writing.is_some() || mark == mark_at(&self.db, mark.position)? {
                publish(self.state(mark.position));
            }
        }
        while let Some(writing) = self.writing.as_mut().filter(|writing| writing.mark.position < head.position) {
            let (mark, erases) = match writing.mark.position {
                0 => (build(&self.db, &self.fields, &writing.writer, head.position)?, false),
                position => advance(&self.db, &self.fields, &writing.writer, position, head.position)?,
            };
            writing.commit(mark)?;
            self.reader.reload()?;
            publish(self.state(mark.position));
            if erases {
                self.purge(&mut publish)?;
            }
        }
        Ok(())
    }

    /// Ends the writing when the segments are merged that belong together: whoever asks next has to ask each.
    ///
    /// # Errors
    /// [`Trouble::Index`] when a merge fails.
    pub fn settle(self) -> Result<(), Trouble> {
        let Self { writing, reader, .. } = self;
        // It would hold mapped all that is merged away, and so all of the index in the end.
        drop(reader);
        writing.map_or(Ok(()), |Writing { writer, .. }| Ok(writer.wait_merging_threads()?))
    }

    /// Writes anew the segments in which something is deleted, so that nothing is left of what was erased. One that is being merged
    /// already is left to that; but what began before the deletion brings it along, and is written anew itself then.
    fn purge(&mut self, mut publish: impl FnMut(Finder)) -> Result<(), Trouble> {
        sweep(&self.parent);
        let Some(writing) = &mut self.writing else { return Ok(()) };
        for _ in 0..PURGES {
            let searcher = self.reader.searcher();
            let with_deletes = searcher.segment_readers().iter().filter(|segment| segment.has_deletes());
            let segments: Vec<SegmentId> = with_deletes.map(SegmentReader::segment_id).collect();
            drop(searcher);
            if segments.is_empty() {
                break;
            }
            for segment in segments {
                if let Err(error) = writing.writer.merge(&[segment]).wait() {
                    tracing::warn!(%error, "a segment was not written anew");
                }
            }
            self.reader.reload()?;
        }
        let position = writing.mark.position;
        publish(self.state(position));
        if let Some(writing) = &self.writing {
            writing.writer.garbage_collect_files().wait()?;
        }
        Ok(())
    }

    fn state(&self, position: i64) -> Finder {
        Finder::new(position, self.reader.searcher(), Arc::clone(&self.fields), Arc::clone(&self.segments))
    }

    /// What the last commit says, whichever process made it.
    fn written(&self) -> Result<Mark, Trouble> {
        let payload = self.index.load_metas()?.payload;
        Ok(payload.and_then(|payload| serde_json::from_str(&payload).ok()).unwrap_or_default())
    }

    /// Becomes the one that writes, unless another process is.
    fn start_writing(&self) -> Result<Option<Writing>, Trouble> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(self.threads)
            .memory_budget_per_thread(MEMORY / self.threads)
            .num_merge_threads(1)
            .build();
        let writer: IndexWriter<Filled> = match self.index.writer_with_options(options) {
            Ok(writer) => writer,
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        writer.set_merge_policy(Box::new(Merging::within(directory_in(&self.parent))));
        let mark = self.written()?;
        if mark == mark_at(&self.db, mark.position)? {
            return Ok(Some(Writing { writer, mark }));
        }
        if mark.position > 0 {
            tracing::warn!("the index is of another archive or version: it is built anew");
        }
        writer.delete_all_documents()?;
        let mut writing = Writing { writer, mark: Mark::default() };
        writing.commit(Mark { version: VERSION, ..Mark::default() })?;
        Ok(Some(writing))
    }
}

impl Writing {
    fn commit(&mut self, mark: Mark) -> Result<(), Trouble> {
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&serde_json::to_string(&mark).unwrap_or_default());
        commit.commit()?;
        self.mark = mark;
        Ok(())
    }
}

/// Makes every document from the tables. What is written meanwhile is made again by what follows.
fn build(db: &Db, fields: &Arc<Fields>, writer: &IndexWriter<Filled>, head: i64) -> Result<Mark, Trouble> {
    for kind in Kind::ALL {
        let mut after = None;
        loop {
            let (next, documents) =
                db.read_blocking(move |connection| source::chunk(connection, *kind, after, ROWS))?;
            add(fields, writer, documents)?;
            after = next;
            if after.is_none() {
                break;
            }
        }
    }
    mark_at(db, head)
}

/// Makes anew the documents of what the journal names after a position, as far as one commit shall go.
/// Says also whether something was erased.
fn advance(
    db: &Db,
    fields: &Arc<Fields>,
    writer: &IndexWriter<Filled>,
    mut position: i64,
    head: i64,
) -> Result<(Mark, bool), Trouble> {
    let (begun, mut erases) = (Instant::now(), false);
    while position < head && begun.elapsed() < LONGEST_GATHERING {
        let change = db.read_blocking(move |connection| source::changed_after(connection, position, ROWS))?;
        let Some(last) = change.last else { break };
        for id in &change.concerned {
            writer.delete_term(Term::from_field_bytes(fields.id, id.0.as_bytes()));
        }
        add(fields, writer, change.documents)?;
        erases |= change.erases;
        position = last;
    }
    Ok((mark_at(db, position)?, erases))
}

fn add(fields: &Arc<Fields>, writer: &IndexWriter<Filled>, documents: Vec<Document>) -> Result<(), Trouble> {
    for document in documents {
        writer.add_document(Filled::new(fields, document))?;
    }
    Ok(())
}

/// The mark of an index that follows this journal up to a position.
fn mark_at(db: &Db, position: i64) -> Result<Mark, Trouble> {
    let there = db.read_blocking(move |connection| journal::entry_at(connection, position))?;
    let (resource, at) = there.unzip();
    Ok(Mark { version: VERSION, position, resource, micros: at.map_or(0, Timestamp::micros) })
}

/// Takes away the indexes that older versions have left here, unless one of these still runs: nobody brings them up to date,
/// and what was erased since is in them.
fn sweep(parent: &Path) {
    let is_older = |name: &OsStr| {
        let version = name.to_str().and_then(|name| name.strip_prefix("search-")?.parse::<u32>().ok());
        version.is_some_and(|version| version < VERSION)
    };
    let older = fs::read_dir(parent).into_iter().flatten().flatten().filter(|entry| is_older(&entry.file_name()));
    for directory in older.map(|entry| entry.path()) {
        let lock = MmapDirectory::open(&directory).ok().and_then(|older| older.acquire_lock(&INDEX_WRITER_LOCK).ok());
        if lock.is_some()
            && let Err(error) = fs::remove_dir_all(&directory)
        {
            tracing::warn!(%error, "what an older version left beside the index cannot be taken away");
        }
    }
}

/// The index has a directory of its own inside of the one that it is given, for each version, so that nothing else is swept away with it.
fn directory_in(parent: &Path) -> PathBuf {
    parent.join(format!("search-{VERSION}"))
}

/// An index that is broken makes way for a new one, unless another process writes it.
fn open_or_make(parent: &Path, fields: &Fields) -> Result<Index, Trouble> {
    let directory = &directory_in(parent);
    fs::create_dir_all(directory).map_err(TantivyError::from)?;
    let files = || MmapDirectory::open(directory).map_err(TantivyError::from);
    let open = || Index::builder().schema(fields.schema.clone()).settings(finder::settings()).open_or_create(files()?);
    match open() {
        Ok(index) => Ok(index),
        Err(error @ (TantivyError::IoError(_) | TantivyError::OpenDirectoryError(_))) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "the index is broken: it is built anew");
            let lock = lock_of_writer(&files()?).map_err(|error| TantivyError::LockFailure(error, None))?;
            fs::remove_dir_all(directory).map_err(TantivyError::from)?;
            fs::create_dir_all(directory).map_err(TantivyError::from)?;
            drop(lock);
            Ok(open()?)
        }
    }
}

/// The lock of whoever writes the index: one that has it may be about to end.
fn lock_of_writer(files: &MmapDirectory) -> Result<DirectoryLock, LockError> {
    let begun = Instant::now();
    loop {
        match files.acquire_lock(&INDEX_WRITER_LOCK) {
            Err(LockError::LockBusy) if begun.elapsed() < END_OF_ANOTHER => thread::sleep(LOOK_FOR_END),
            outcome => return outcome,
        }
    }
}
