//! Full text, facets and timelines: one index beside the database, the same on both kinds of it.
//!
//! The index holds a [`document`](document) for each resource as each set of callers sees it. It follows the journal
//! ([`follower`]): what a write changed is in it a moment after the commit, and whoever asks waits for that moment, so an
//! answer is never older than the archive. It is never the truth: it stores nothing, what is served comes from the
//! database, and it is built anew from there when it is missing or strange.
//!
//! A list says its filter as an [`ask`](ask::Ask), and [`gather`] says what is wanted of what is found: a page of it, how
//! often each value of a facet occurs, or how much there is in each month. Each question goes by the caller's class, and
//! so does how rare a word counts as: nothing that a caller may not see changes a score.
//!
//! The past is in no index. What a list shows as of a time is selected by the database, and a passing index of just that
//! answers the rest.

pub mod across;
mod all_of;
pub mod ask;
mod beginning;
pub mod counts;
pub mod document;
mod filled;
pub mod finder;
mod follower;
pub mod gather;
pub mod lists;
mod merging;
mod page_alone;
mod patient;
pub mod permits;
pub mod ranking;
mod segments;
mod sight;
pub mod snippet;
mod source;
pub mod tally;
pub mod timeline;
pub mod wanted;
mod words;
mod zones;

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use crossbeam_channel::Sender;
use tokio::sync::watch;

use crate::db::Db;
use crate::problem::{Problem, ProblemType};

pub use across::routes;
pub use finder::Finder;
pub use follower::Trouble;
pub use source::documents;
pub use words::{stems_of, telling_words};

/// How long a request waits for the index to be where the archive is: much longer than any write takes to come into it.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The same for what only helps: a suggestion.
pub const LITTLE_PATIENCE: Duration = Duration::from_secs(1);

/// The index of a running server.
pub struct Search {
    states: watch::Receiver<Option<Arc<Finder>>>,
    asked: Sender<()>,
}

impl Search {
    /// Opens the index in a directory, makes one there if need be, and lets it follow the archive from now on.
    ///
    /// # Errors
    /// [`Trouble`] when the directory cannot be used or no thread can be started.
    pub fn start(db: Db, directory: &Path) -> Result<Self, Trouble> {
        let follower = follower::Follower::open(db, directory, 1)?;
        let (asked, asking) = crossbeam_channel::bounded(1);
        let (states, receiver) = watch::channel(None);
        thread::Builder::new()
            .name("index".into())
            .spawn(move || follower.follow(&asking, &states))
            .map_err(tantivy::TantivyError::from)?;
        Ok(Self { states: receiver, asked })
    }

    /// The index as far as it has come; None while it is built.
    #[must_use]
    pub fn now(&self) -> Option<Arc<Finder>> {
        self.states.borrow().clone().filter(|finder| finder.position > 0)
    }

    /// The index with everything up to a position of the journal. If it does not get there in time, since much is being written, it
    /// is the index as it is, unless it has to have everything up to `at_least`.
    ///
    /// # Errors
    /// 503 while the index is built, or when it does not come to what it has to have.
    pub async fn at(&self, position: i64, at_least: i64, patience: Duration) -> Result<Arc<Finder>, Problem> {
        let reached = |state: &Option<Arc<Finder>>| state.as_ref().is_some_and(|finder| finder.position >= position);
        let mut states = self.states.clone();
        let now = states.borrow_and_update().clone();
        if let Some(finder) = now.filter(|finder| finder.position >= position) {
            return Ok(finder);
        }
        // Full means that it has been asked to already.
        let _ = self.asked.try_send(());
        let waited = tokio::time::timeout(patience, states.wait_for(reached)).await;
        let finder = match waited {
            Ok(state) => state.ok().and_then(|state| state.clone()),
            Err(_) => self.states.borrow().clone().filter(|finder| finder.position > 0 && finder.position >= at_least),
        };
        finder.ok_or_else(|| {
            Problem::new(ProblemType::UNAVAILABLE, "The search index is being brought up to date. Try again soon.")
                .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
        })
    }
}

/// How many threads write the index where nobody else wants the processor.
const THREADS: usize = 2;

/// Brings the index in a directory up to date, unless a running server does.
///
/// # Errors
/// [`Trouble`] when the archive or the index fails.
pub fn bring_up_to_date(db: Db, directory: &Path) -> Result<(), Trouble> {
    let mut follower = follower::Follower::open(db, directory, THREADS)?;
    follower.catch_up(drop)?;
    follower.settle()
}
