//! What happens by time is written to the journal when it happens, so that time never changes an answer behind the
//! validators' back. That is the publication of what was scheduled, and the end of an embargo.

use std::time::{Duration, Instant};

use crate::access::Caller;
use crate::briefs;
use crate::db::{Connection, Db};
use crate::http::idempotency;
use crate::journal;
use crate::problem::Problem;
use crate::webhooks;

const TICK: Duration = Duration::from_secs(1);
/// How often what is kept for a while is looked through.
const TIDYING: Duration = Duration::from_secs(600);

/// Does what is due, every second, until it is aborted.
pub async fn run(db: Db) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut tidied: Option<Instant> = None;
    loop {
        ticks.tick().await;
        if tidied.is_none_or(|then| then.elapsed() > TIDYING) {
            tidied = Some(Instant::now());
            for forget_old in [idempotency::forget_old, webhooks::forget_old] {
                if let Err(error) = db.write(forget_old).await {
                    tracing::error!(%error, "the clock could not forget what is old");
                }
            }
        }
        if db.is_to_purge()
            && let Err(error) = db.purge().await
        {
            tracing::error!(%error, "the clock could not purge what was deleted");
        }
        match tick(&db).await {
            Ok(0) => {}
            Ok(briefs) => tracing::info!(briefs, "published or freed from embargo, as was due"),
            Err(error) => tracing::error!(%error, "the clock could not do what is due"),
        }
    }
}

async fn tick(db: &Db) -> Result<usize, Problem> {
    if !db.read(briefs::workflow::anything_due).await? {
        return Ok(0);
    }
    let (changed, _) = db
        .write(|connection: &mut Connection| {
            journal::write(connection, &Caller::OPERATOR, briefs::workflow::do_what_is_due)
        })
        .await?;
    Ok(changed)
}
