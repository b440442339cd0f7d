//! The deliveries: one task for each webhook, on the one server of several that has the duty.
//!
//! A task looks for the next message, sends it, and notes what came of it before it looks for the one after; so messages come
//! in order, and one that fails holds back those that follow. What was sent and not noted, since the server died in between, is
//! sent again under the same identity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt;
use actix_web::web::Data;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::message::{self, Due, Next};
use super::progress;
use super::sender::{Attempt, Sender};
use crate::app::AppState;
use crate::db::Duty;
use crate::db::types::{Id, Timestamp};
use crate::problem::Problem;

/// How often is looked for new webhooks, for the duty, and for what owners changed.
const TICK: Duration = Duration::from_secs(1);

/// How long is waited at the end for what is under way. What is not noted by then is sent again later.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// The deliveries of a server.
pub struct Deliveries {
    stop: watch::Sender<bool>,
    office: JoinHandle<()>,
}

impl Deliveries {
    /// Delivers what there is to deliver, until it is stopped.
    #[must_use]
    pub fn start(state: Data<AppState>) -> Self {
        let (stop, is_stopped) = watch::channel(false);
        Self { stop, office: rt::spawn(run(state, is_stopped)) }
    }

    /// Stops after the attempts that are under way.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        drop(tokio::time::timeout(LAST_PATIENCE, self.office).await);
    }
}

async fn run(state: Data<AppState>, mut is_stopped: watch::Receiver<bool>) {
    let office = Arc::new(Office {
        sender: Sender::new(&state.config.webhooks),
        duty: Mutex::new(state.db.duty()),
        is_held: watch::channel(false).0,
    });
    let mut tasks: HashMap<Id, JoinHandle<()>> = HashMap::new();
    while !*is_stopped.borrow() {
        match running(&state, &office).await {
            Ok(webhooks) => {
                tasks.retain(|_, task| !task.is_finished());
                for webhook in webhooks {
                    let start = || rt::spawn(serve(state.clone(), Arc::clone(&office), webhook));
                    tasks.entry(webhook).or_insert_with(start);
                }
            }
            Err(error) => tracing::warn!(%error, "which webhooks there are cannot be read"),
        }
        // Told to stop, or not: that is looked at above.
        drop(tokio::time::timeout(TICK, is_stopped.changed()).await);
    }
    office.is_held.send_replace(false);
    for task in tasks.into_values() {
        drop(task.await);
    }
}

/// The webhooks that this server has to serve: none while another has the duty.
async fn running(state: &AppState, office: &Arc<Office>) -> Result<Vec<Id>, Problem> {
    let attending = Arc::clone(office);
    let is_held = rt::task::spawn_blocking(move || attending.attend()).await.map_err(Problem::internal)?;
    office.is_held.send_replace(is_held);
    if is_held { state.db.read(progress::running).await } else { Ok(Vec::new()) }
}

/// What all tasks share.
struct Office {
    sender: Sender,
    duty: Mutex<Duty>,
    is_held: watch::Sender<bool>,
}

impl Office {
    /// Whether this server has the duty; it takes it when nobody has it.
    fn attend(&self) -> bool {
        let attended = self.duty.lock().unwrap_or_else(PoisonError::into_inner).attend();
        if let Err(error) = &attended {
            tracing::warn!(%error, "whether this server is to deliver to webhooks cannot be found out");
        }
        matches!(attended, Ok(true))
    }

    /// Waits for something, but no longer than this server has the duty.
    async fn wait(&self, something: impl Future<Output = ()>) {
        let mut is_held = self.is_held.subscribe();
        tokio::select! {
            () = something => {}
            _ = is_held.wait_for(|is_held| !is_held) => {}
        }
    }

    /// Sends a message, unless another server has the duty now.
    fn send(&self, due: &Due) -> Result<Option<Attempt>, Problem> {
        if !self.attend() {
            self.is_held.send_replace(false);
            return Ok(None);
        }
        self.sender.send(&due.webhook.url, &due.secrets, &due.message).map(Some)
    }
}

/// Delivers to one webhook, until there is nothing to deliver to it any more or another server does.
async fn serve(state: Data<AppState>, office: Arc<Office>, webhook: Id) {
    while *office.is_held.borrow() {
        let next = state.db.scan(move |connection| message::next(connection, webhook)).await;
        let done = match next {
            Ok(Next::Over) => return,
            Ok(Next::NotBefore(time)) => {
                let micros = u64::try_from(time.micros() - Timestamp::now().micros()).unwrap_or_default();
                office.wait(sleep(Duration::from_micros(micros).min(TICK))).await;
                Ok(())
            }
            Ok(Next::Nothing { webhook, looked_at, .. }) if looked_at > webhook.position => {
                state.db.write(move |connection| progress::pass(connection, &webhook, looked_at)).await
            }
            Ok(Next::Nothing { caller, looked_at, .. }) => {
                office.wait(state.heads.past(&caller, looked_at, TICK)).await;
                Ok(())
            }
            Ok(Next::Due(due)) => deliver(&state, &office, *due).await,
            Err(problem) => Err(problem),
        };
        if let Err(error) = done {
            tracing::error!(%webhook, %error, "a delivery could not be made ready, or not be noted");
            sleep(TICK).await;
        }
    }
}

/// Makes an attempt at a delivery and notes it.
async fn deliver(state: &AppState, office: &Arc<Office>, due: Due) -> Result<(), Problem> {
    let sending = Arc::clone(office);
    let sent = rt::task::spawn_blocking(move || sending.send(&due).map(|attempt| (due, attempt))).await;
    let (due, attempt) = sent.map_err(Problem::internal)??;
    let Some(attempt) = attempt else {
        return Ok(());
    };
    let retries = state.config.webhooks.retries.clone();
    state.db.write(move |connection| progress::record(connection, &due.webhook, &due.message, &attempt, &retries)).await
}
