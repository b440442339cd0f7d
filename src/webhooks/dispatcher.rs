//! The dispatcher: one task for each webhook, on the one server of several that leads.
//!
//! A task looks for the next message, sends it, and notes what came of it before it looks for the one after; so messages come
//! in order, and one that fails holds back those that follow. What was sent and not noted, since the server died in between, is
//! sent again under the same identity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::rt;
use actix_web::web::Data;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::next::{Due, Known, Next, next};
use super::progress::{self, Running};
use crate::app::AppState;
use crate::db::Leadership;
use crate::db::types::Id;
use crate::problem::Problem;

/// How often to look for new webhooks, for the leadership, and for what owners changed.
const TICK: Duration = Duration::from_secs(1);
/// How long a task waits at most before it looks again, whatever it was told.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many webhooks are served at a time, and how many of one key: a slow endpoint holds a thread, and must not hold them all.
const TURNS: usize = 64;
const TURNS_OF_A_KEY: usize = 8;
/// How long a stopping server waits at most for attempts that are under way. What is not noted by then is sent again later.
const LAST_PATIENCE: Duration = Duration::from_secs(8);

/// What delivers messages, for as long as the server runs.
pub struct Dispatcher {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Dispatcher {
    /// Delivers what there is to deliver, until it is stopped.
    #[must_use]
    pub fn start(state: Data<AppState>) -> Self {
        let (stop, is_stopped) = watch::channel(false);
        Self { stop, task: rt::spawn(run(state, is_stopped)) }
    }

    /// By which it is told to stop.
    #[must_use]
    pub fn stopper(&self) -> watch::Sender<bool> {
        self.stop.clone()
    }

    /// Stops, after the attempts that are under way.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        drop(tokio::time::timeout(LAST_PATIENCE, self.task).await);
    }
}

/// A task, and how it learns what its owner has written.
struct Task {
    version: watch::Sender<i32>,
    handle: JoinHandle<()>,
}

async fn run(state: Data<AppState>, mut is_stopped: watch::Receiver<bool>) {
    let lead = Arc::new(Lead {
        leadership: Mutex::new(state.db.leadership()),
        is_held: watch::channel(false).0,
        is_stopped: is_stopped.clone(),
        turns: Semaphore::new(TURNS),
    });
    let (mut tasks, mut turns): (HashMap<Id, Task>, HashMap<Id, Arc<Semaphore>>) = (HashMap::new(), HashMap::new());
    while !*is_stopped.borrow() {
        match webhooks_to_serve(&state, &lead).await {
            Ok(webhooks) => {
                tasks.retain(|_, task| !task.handle.is_finished());
                for Running { id, key, version } in webhooks {
                    let task = tasks.entry(id).or_insert_with(|| {
                        let of_key = turns.entry(key).or_insert_with(|| Arc::new(Semaphore::new(TURNS_OF_A_KEY)));
                        let (sender, receiver) = watch::channel(version);
                        let work = serve(state.clone(), Arc::clone(&lead), id, Arc::clone(of_key), receiver);
                        Task { version: sender, handle: rt::spawn(work) }
                    });
                    task.version.send_if_modified(|known| std::mem::replace(known, version) != version);
                }
            }
            Err(error) => tracing::warn!(%error, "which webhooks there are cannot be read"),
        }
        if let Ok(Err(_)) = tokio::time::timeout(TICK, is_stopped.changed()).await {
            break;
        }
    }
    lead.is_held.send_replace(false);
    for task in tasks.into_values() {
        drop(task.handle.await);
    }
}

/// The webhooks that this server has to serve: none while another leads.
async fn webhooks_to_serve(state: &AppState, lead: &Arc<Lead>) -> Result<Vec<Running>, Problem> {
    if lead.hold().await? { state.db.read(progress::running).await } else { Ok(Vec::new()) }
}

/// What all tasks share: whether this server leads, and whose turn it is.
struct Lead {
    leadership: Mutex<Leadership>,
    is_held: watch::Sender<bool>,
    is_stopped: watch::Receiver<bool>,
    turns: Semaphore,
}

impl Lead {
    /// Takes the leadership, or looks whether it is still held. Who stops lets nothing begin.
    async fn hold(self: &Arc<Self>) -> Result<bool, Problem> {
        let lead = Arc::clone(self);
        let holding = rt::task::spawn_blocking(move || {
            let held = lead.leadership.lock().unwrap_or_else(PoisonError::into_inner).hold();
            let is_held = matches!(held, Ok(true)) && !*lead.is_stopped.borrow();
            lead.is_held.send_replace(is_held);
            held.map(|_| is_held)
        });
        Ok(holding.await.map_err(Problem::internal)??)
    }

    /// Waits for something, but no longer than this server leads.
    async fn wait(&self, something: impl Future<Output = ()>) {
        let mut is_held = self.is_held.subscribe();
        tokio::select! {
            () = something => {}
            _ = is_held.wait_for(|is_held| !is_held) => {}
        }
    }
}

/// Delivers to one webhook, until there is nothing to deliver to it any more or another server leads.
async fn serve(
    state: Data<AppState>,
    lead: Arc<Lead>,
    webhook: Id,
    turns_of_key: Arc<Semaphore>,
    mut version: watch::Receiver<i32>,
) {
    let longest_pause = state.config.webhooks.longest_pause();
    let (mut known, mut noted_at): (Option<Known>, Option<Instant>) = (None, None);
    while *lead.is_held.borrow() {
        version.mark_unchanged();
        // The turn of its key first, so that those of one key do not wait in the places of all.
        let (Ok(of_key), Ok(of_all)) = (turns_of_key.acquire().await, lead.turns.acquire().await) else { return };
        let found = state.db.scan(move |connection| next(connection, webhook, known, longest_pause)).await;
        let done = match found {
            Ok(Next::Over) => return,
            Ok(Next::Due(due)) => deliver(&state, &lead, *due).await,
            Ok(Next::NotBefore(time)) => {
                drop((of_key, of_all));
                lead.wait(until_changed(&mut version, sleep(time.from_now().min(PATIENCE)))).await;
                Ok(())
            }
            Ok(Next::UpToDate { webhook, caller, position }) => {
                drop((of_key, of_all));
                known = Some(Known::of(&webhook, position));
                let is_unnoted = position > webhook.position;
                if is_unnoted && noted_at.is_none_or(|at| at.elapsed() >= TICK) {
                    noted_at = Some(Instant::now());
                    state.db.write(move |connection| progress::pass(connection, &webhook, position)).await
                } else {
                    let patience = if is_unnoted { TICK } else { PATIENCE };
                    lead.wait(until_changed(&mut version, state.heads.wait_beyond(&caller, position, patience))).await;
                    Ok(())
                }
            }
            Err(problem) => Err(problem),
        };
        if let Err(error) = done {
            tracing::error!(%webhook, %error, "a delivery could not be made ready, or its place not be noted");
            lead.wait(sleep(TICK)).await;
        }
    }
}

/// Waits for something, or until the owner has written.
async fn until_changed(version: &mut watch::Receiver<i32>, something: impl Future<Output = ()>) {
    tokio::select! {
        () = something => {}
        changed = version.changed() => {
            if changed.is_err() {
                sleep(TICK).await;
            }
        }
    }
}

/// Makes an attempt at a delivery and notes it, unless another server leads now.
async fn deliver(state: &Data<AppState>, lead: &Arc<Lead>, due: Due) -> Result<(), Problem> {
    if !lead.hold().await? {
        return Ok(());
    }
    let Due { webhook, destination, message, subject, is_news } = due;
    if is_news {
        let id = webhook.id;
        state.db.write(move |connection| progress::note_told(connection, id, subject.resource)).await?;
    }
    let id = webhook.id;
    let sent = Arc::new((webhook, state.sender.send(destination, message).await?));
    let mut pause = Duration::from_millis(100);
    loop {
        let (sent, settings) = (Arc::clone(&sent), state.clone());
        let record = move |connection: &mut _| {
            let (webhook, attempt) = &*sent;
            progress::record(connection, webhook, subject, attempt, &settings.config.webhooks.retries)
        };
        // What was sent and cannot be noted is not sent again while this server is there to remember it.
        match state.db.write(record).await {
            Ok(()) => return Ok(()),
            Err(error) if *lead.is_held.borrow() => {
                tracing::error!(webhook = %id, %error, "a delivery cannot be noted");
            }
            Err(error) => return Err(error),
        }
        lead.wait(sleep(pause)).await;
        pause = (pause * 2).min(PATIENCE);
    }
}
