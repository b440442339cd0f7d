//! What happens by time is written to the journal when it happens, so that time never changes an answer behind the
//! validators' back. That is the publication of what was scheduled, and the end of an embargo.

use std::time::Duration;

use crate::access::Caller;
use crate::briefs;
use crate::db::{Connection, Db};
use crate::journal;
use crate::problem::Problem;

const TICK: Duration = Duration::from_secs(1);

/// Does what is due, every second, until it is aborted.
pub async fn run(db: Db) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match tick(&db).await {
            Ok(0) => {}
            Ok(briefs) => tracing::info!(briefs, "published or freed from embargo, as was due"),
            Err(error) => tracing::error!(%error, "the clock could not do what is due"),
        }
    }
}

async fn tick(db: &Db) -> Result<usize, Problem> {
    if !db.read(briefs::store::anything_due).await? {
        return Ok(0);
    }
    let (changed, _) = db
        .write(|connection: &mut Connection| {
            journal::write(connection, &Caller::OPERATOR, briefs::store::do_what_is_due)
        })
        .await?;
    Ok(changed)
}
