//! WebSub: a hub is told when a feed has changed, and tells those who subscribed there.
//!
//! It is told once when the server starts, since nobody knows what was written while it did not run, and then within seconds of
//! each change that everyone may see. Each server of several tells it; a hub looks at the feed itself and takes no harm.

use std::time::Duration;

use actix_web::web::Data;
use tokio::time::sleep;
use ureq::Agent;

use crate::access::Caller;
use crate::app::AppState;
use crate::problem::Problem;

/// The feeds that a hub knows: those without a filter.
pub const TOPICS: [&str; 9] = [
    "/feeds/briefs.atom",
    "/feeds/briefs.rss",
    "/feeds/briefs.json",
    "/feeds/trends.atom",
    "/feeds/trends.rss",
    "/feeds/trends.json",
    "/feeds/events.atom",
    "/feeds/events.rss",
    "/feeds/events.json",
];

/// How long changes gather before the hub is told of them.
const GATHERING: Duration = Duration::from_secs(1);
/// How long to wait for the next change before looking again.
const PATIENCE: Duration = Duration::from_secs(3600);
/// How long a hub may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The pauses after failures grow from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Tells the hub of every change, for as long as the server runs.
pub async fn announce(state: Data<AppState>, hub: String) {
    let mut told = i64::MIN;
    let mut pause = FIRST_PAUSE;
    loop {
        state.heads.wait_beyond(&Caller::ANYONE, told, PATIENCE).await;
        sleep(GATHERING).await;
        match announce_news(&state, &hub, told).await {
            Ok(position) => (told, pause) = (position, FIRST_PAUSE),
            Err(error) => {
                tracing::warn!(%hub, %error, "the hub was not told of a change; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Tells the hub if there is something new; returns the position up to which it has been told.
async fn announce_news(state: &AppState, hub: &str, told: i64) -> Result<i64, Problem> {
    let head = state.heads.of(&Caller::ANYONE).await?.position;
    if head > told {
        let (hub, public_url) = (hub.to_owned(), state.config.public_url.clone());
        let telling = actix_web::rt::task::spawn_blocking(move || tell(&hub, &public_url));
        telling.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    }
    Ok(head)
}

fn tell(hub: &str, public_url: &str) -> Result<(), ureq::Error> {
    let agent: Agent = Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0).build().into();
    let topics = TOPICS.map(|path| ("hub.url", format!("{public_url}{path}")));
    let form = std::iter::once(("hub.mode", "publish".to_owned())).chain(topics);
    agent.post(hub).send_form(form).map(drop)
}
