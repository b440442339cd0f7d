//! The thread that keeps the index at the journal's head.
//!
//! It reads what the journal names since the position of the index, makes anew the documents of that and of all that shows
//! it, and commits them together with the new position. The index is never the truth: if there is none, if it is of another
//! archive or made by another version of the program, it is built from the tables.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::directory::error::LockError;
use tantivy::index::Index;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyError, Term};
use tokio::sync::watch;

use super::document::{Document, Fields, VERSION};
use super::finder::{self, Finder};
use super::sight::Sights;
use super::source;
use crate::db::Db;
use crate::db::types::{Id, Timestamp};
use crate::journal;
use crate::problem::Problem;
use crate::vocabulary::Kind;

/// How often the journal is looked at when nobody asks.
const TICK: Duration = Duration::from_millis(250);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(2);
/// How many rows of the journal, and how many resources, are taken at a time.
const ROWS: i64 = 1000;
/// How long one commit gathers at most while the index is far behind.
const LONGEST_GATHERING: Duration = Duration::from_secs(20);
/// So many segments of like size become one: a question goes to each of them.
const SEGMENTS_TO_MERGE: usize = 4;
/// How much the writer holds in memory.
const MEMORY: usize = 32_000_000;

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
            Self::Archive(problem) => write!(f, "{problem:?}"),
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
    sights: Arc<Sights>,
    /// While it is this process that writes.
    writing: Option<Writing>,
}

/// The writer, and where it is in the journal.
struct Writing {
    writer: IndexWriter,
    mark: Mark,
}

impl Follower {
    /// Opens the index in a directory, or makes one there.
    ///
    /// # Errors
    /// [`Trouble::Index`] when the directory cannot be used.
    pub fn open(db: Db, directory: &Path) -> Result<Self, Trouble> {
        let fields = Arc::new(Fields::default());
        let index = open_or_make(directory, &fields)?;
        finder::register_words(&index);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { db, index, fields, reader, sights: Arc::default(), writing: None })
    }

    /// Follows the journal until nobody can ask any more. Each new state of the index is sent.
    pub fn follow(mut self, asked: &Receiver<()>, states: &watch::Sender<Option<Arc<Finder>>>) {
        loop {
            let pause = match self.catch_up(|finder| drop(states.send_replace(Some(Arc::new(finder))))) {
                Ok(()) => TICK,
                Err(trouble) => {
                    tracing::error!(%trouble, "the index cannot follow the journal");
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
        if self.writing.is_none() {
            self.writing = self.start_writing()?;
            self.reader.reload()?;
            let position = self.writing.as_ref().map_or_else(|| self.written(), |writing| Ok(writing.mark))?.position;
            publish(self.state(position));
        }
        while let Some(writing) = self.writing.as_mut().filter(|writing| writing.mark.position < head.position) {
            writing.mark = match writing.mark.position {
                0 => build(&self.db, &self.fields, &writing.writer, head.position)?,
                position => advance(&self.db, &self.fields, &writing.writer, position, head.position)?,
            };
            let mut commit = writing.writer.prepare_commit()?;
            commit.set_payload(&serde_json::to_string(&writing.mark).unwrap_or_default());
            commit.commit()?;
            let position = writing.mark.position;
            self.reader.reload()?;
            publish(self.state(position));
        }
        Ok(())
    }

    fn state(&self, position: i64) -> Finder {
        Finder::new(position, self.reader.searcher(), Arc::clone(&self.fields), Arc::clone(&self.sights))
    }

    /// What the last commit says, whichever process made it.
    fn written(&self) -> Result<Mark, Trouble> {
        let payload = self.index.load_metas()?.payload;
        Ok(payload.and_then(|payload| serde_json::from_str(&payload).ok()).unwrap_or_default())
    }

    /// Becomes the one that writes, unless another process is.
    fn start_writing(&self) -> Result<Option<Writing>, Trouble> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .memory_budget_per_thread(MEMORY)
            .num_merge_threads(1)
            .build();
        let writer: IndexWriter = match self.index.writer_with_options(options) {
            Ok(writer) => writer,
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut few = LogMergePolicy::default();
        few.set_min_num_segments(SEGMENTS_TO_MERGE);
        writer.set_merge_policy(Box::new(few));
        let mark = self.written()?;
        if mark == mark_at(&self.db, mark.position)? {
            return Ok(Some(Writing { writer, mark }));
        }
        if mark.position > 0 {
            tracing::warn!("the index is of another archive or version: it is built anew");
        }
        writer.delete_all_documents()?;
        Ok(Some(Writing { writer, mark: Mark::default() }))
    }
}

/// Makes every document from the tables. What is written meanwhile is made again by what follows.
fn build(db: &Db, fields: &Fields, writer: &IndexWriter, head: i64) -> Result<Mark, Trouble> {
    for kind in Kind::ALL {
        let mut after = None;
        loop {
            let (next, documents) =
                db.read_blocking(move |connection| source::chunk(connection, *kind, after, ROWS))?;
            add(fields, writer, &documents)?;
            after = next;
            if after.is_none() {
                break;
            }
        }
    }
    mark_at(db, head)
}

/// Makes anew the documents of what the journal names after a position, as far as one commit shall go.
fn advance(db: &Db, fields: &Fields, writer: &IndexWriter, mut position: i64, head: i64) -> Result<Mark, Trouble> {
    let begun = Instant::now();
    while position < head && begun.elapsed() < LONGEST_GATHERING {
        let change = db.read_blocking(move |connection| source::changed_after(connection, position, ROWS))?;
        let Some(last) = change.last else { break };
        for id in &change.concerned {
            writer.delete_term(Term::from_field_bytes(fields.id, id.0.as_bytes()));
        }
        add(fields, writer, &change.documents)?;
        position = last;
    }
    mark_at(db, position)
}

fn add(fields: &Fields, writer: &IndexWriter, documents: &[Document]) -> Result<(), Trouble> {
    for document in documents {
        writer.add_document(fields.fill(document))?;
    }
    Ok(())
}

/// The mark of an index that follows this journal up to a position.
fn mark_at(db: &Db, position: i64) -> Result<Mark, Trouble> {
    let there = db.read_blocking(move |connection| journal::entry_at(connection, position))?;
    let (resource, at) = there.unzip();
    Ok(Mark { version: VERSION, position, resource, micros: at.map_or(0, Timestamp::micros) })
}

/// An index that cannot be opened, or has other fields than this version knows, makes way for a new one. It has a directory
/// of its own inside of the one that it is given, so that nothing else can be swept away with it.
fn open_or_make(parent: &Path, fields: &Fields) -> Result<Index, Trouble> {
    let directory = &parent.join("search");
    fs::create_dir_all(directory).map_err(TantivyError::from)?;
    let open = || {
        let files = MmapDirectory::open(directory).map_err(TantivyError::from)?;
        Index::builder().schema(fields.schema.clone()).settings(finder::settings()).open_or_create(files)
    };
    match open() {
        Ok(index) => Ok(index),
        Err(error) => {
            tracing::warn!(%error, "the index cannot be opened: it is built anew");
            fs::remove_dir_all(directory).map_err(TantivyError::from)?;
            fs::create_dir_all(directory).map_err(TantivyError::from)?;
            Ok(open()?)
        }
    }
}
