//! The thread that takes from the shelf what a write may have changed.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::concerned::{self, Concerned};
use super::shelf::{Shelf, Standing};
use crate::db::Db;
use crate::journal;
use crate::problem::Problem;

/// How often is looked at what others write, another instance or the command line.
const TICK: Duration = Duration::from_millis(200);
/// How much time lies between two looks while much is written: what comes close together is heeded together. What comes alone is heeded
/// at once, since readers wait for it.
const PACE: Duration = Duration::from_millis(5);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(2);

/// Follows the journal as long as there is the shelf.
///
/// # Errors
/// When no thread can be started.
pub(super) fn start(db: Db, shelf: &Arc<Shelf>) -> io::Result<()> {
    let (committed, commits) = bounded(1);
    actix_web::rt::spawn(tell_of_commits(db.clone(), committed));
    let shelf = Arc::downgrade(shelf);
    thread::Builder::new().name("projections".into()).spawn(move || follow(&db, &shelf, &commits))?;
    Ok(())
}

async fn tell_of_commits(db: Db, committed: Sender<()>) {
    let mut commits = db.commits();
    drop(db);
    while commits.changed().await.is_ok() {
        if committed.try_send(()).is_err_and(|error| error.is_disconnected()) {
            return;
        }
    }
}

fn follow(db: &Db, shelf: &Weak<Shelf>, commits: &Receiver<()>) {
    while let Some(shelf) = shelf.upgrade() {
        let committed = *db.commits().borrow();
        let outcome = catch_unwind(AssertUnwindSafe(|| catch_up(db, &shelf)));
        // Whatever came of it: nobody waits for what has failed.
        shelf.tell(committed);
        drop(shelf);
        match outcome {
            Ok(Ok(())) => wait_for_more(commits),
            Ok(Err(problem)) => {
                tracing::error!(%problem, "what is kept ready cannot follow the journal");
                thread::sleep(PAUSE);
            }
            Err(_) => {
                tracing::error!("following the journal panicked");
                thread::sleep(PAUSE);
            }
        }
    }
}

fn wait_for_more(commits: &Receiver<()>) {
    let looked = Instant::now();
    match commits.recv_timeout(TICK) {
        Ok(()) => thread::sleep(PACE.saturating_sub(looked.elapsed())),
        Err(RecvTimeoutError::Timeout) => {}
        // Nothing is told any more, but others may write.
        Err(RecvTimeoutError::Disconnected) => thread::sleep(TICK),
    }
}

/// Heeds what was written since the shelf was here last.
fn catch_up(db: &Db, shelf: &Shelf) -> Result<(), Problem> {
    let (before, is_stocked) = shelf.standing();
    let news = db.read_blocking(move |connection| {
        let position = journal::head(connection)?.position;
        let standing = Standing { position, heads: journal::heads(connection)? };
        let Some(before) = before.filter(|before| before.position <= standing.position) else {
            // Nothing is known of it, or it is another archive now.
            return Ok::<_, Problem>(Some((Concerned::Everything, standing)));
        };
        if before == standing {
            return Ok(None);
        }
        // Something may come to an empty shelf by the time this is read: then all of that goes again.
        let concerned = if is_stocked { concerned::after(connection, before.position)? } else { Concerned::Everything };
        Ok(Some((concerned, standing)))
    })?;
    match news {
        None => {}
        Some((Concerned::These { ids, touched }, standing)) => shelf.forget(&ids, touched.as_deref(), standing),
        Some((Concerned::Everything, standing)) => shelf.clear(standing),
    }
    Ok(())
}
