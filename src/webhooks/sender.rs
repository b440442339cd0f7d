//! Sending a message to an endpoint, to a public address unless the operator allows others.

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use ureq::config::Config as AgentConfig;
use ureq::http::{StatusCode, Uri, header};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::addresses::is_public;
use super::message::Message;
use super::secrets::Secret;
use super::signature::signatures;
use crate::config::{LONGEST_RETRY_AFTER, WebhookSettings};
use crate::db::types::Timestamp;
use crate::problem::Problem;

/// How much of an answer is read: enough to use the connection again. Nothing of it is kept.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// What is said alike of a name that leads nowhere and of one that leads to a private address.
const UNREACHABLE: &str = "its name leads to no public address";

/// Where messages go, and what they are signed with.
pub struct Destination {
    pub url: String,
    pub secrets: Vec<Secret>,
}

/// An attempt to deliver a message, and what came of it.
pub struct Attempt {
    pub message: Message,
    pub at: Timestamp,
    pub duration: Duration,
    /// The status of the answer, if there was one.
    pub status: Option<StatusCode>,
    /// Why it is no delivery, beyond what the status says.
    pub error: Option<String>,
    retry_after: Option<Duration>,
}

impl Attempt {
    /// Whether the endpoint has taken the message.
    #[must_use]
    pub fn was_delivered(&self) -> bool {
        self.error.is_none() && self.status.is_some_and(|status| status.is_success())
    }

    /// Whether the endpoint wants no message ever again.
    #[must_use]
    pub fn says_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE)
    }

    /// When to try again after a pause: a tenth more or less, so that many do not come together; and not before the endpoint
    /// wants it.
    #[must_use]
    pub fn next_after(&self, pause: Duration) -> Timestamp {
        let jitter = 0.9 + 0.2 * f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        let pause = pause.mul_f64(jitter).max(self.retry_after.unwrap_or_default());
        self.at.plus(self.duration).plus(pause)
    }
}

/// Sends messages, and keeps connections for the next.
#[derive(Clone)]
pub struct Sender {
    agent: Agent,
    timeout: Duration,
}

impl Sender {
    /// A sender by these settings. Redirects are answers like any other, and proxies are not used: either would lead where
    /// nobody has looked at the address.
    #[must_use]
    pub fn new(settings: &WebhookSettings) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(concat!("Briefwire/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = if settings.allow_private {
            Agent::new_with_config(config)
        } else {
            Agent::with_parts(config, DefaultConnector::default(), PublicOnly(DefaultResolver::default()))
        };
        Self { agent, timeout: settings.timeout }
    }

    /// Sends a message and waits for the answer.
    ///
    /// # Errors
    /// When it cannot be signed, which every one can; what goes wrong with the endpoint stands in the attempt.
    pub async fn send(&self, destination: Destination, message: Message) -> Result<Attempt, Problem> {
        let (sender, (answer, answered)) = (self.clone(), oneshot::channel());
        // A thread that nobody waits for at the end, as the pool's are: an endpoint must not hold a server that stops.
        let sending = move || drop(answer.send(sender.send_blocking(&destination, message)));
        thread::Builder::new().name("webhook".into()).spawn(sending).map_err(Problem::internal)?;
        answered.await.map_err(Problem::internal)?
    }

    fn send_blocking(&self, destination: &Destination, message: Message) -> Result<Attempt, Problem> {
        let (at, started, id) = (Timestamp::now(), Instant::now(), message.id.to_string());
        let seconds = at.datetime().timestamp();
        let request = self
            .agent
            .post(&destination.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signatures(&destination.secrets, &id, seconds, &message.body)?);
        let answered = request.send(&message.body[..]);
        let mut attempt =
            Attempt { message, at, duration: Duration::ZERO, status: None, error: None, retry_after: None };
        match answered {
            Ok(mut answer) => {
                attempt.status = Some(answer.status());
                attempt.error = answer.status().is_redirection().then(|| "redirects are not followed".to_owned());
                let wait = answer.headers().get(header::RETRY_AFTER);
                attempt.retry_after = wait.and_then(|wait| retry_after(wait.to_str().ok()?));
                // Whatever it says, and whether or not it can be read.
                drop(answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec());
            }
            Err(error) => attempt.error = Some(self.explain(&error)),
        }
        attempt.duration = started.elapsed();
        Ok(attempt)
    }

    /// What went wrong, in words that tell nothing of the server's own network.
    fn explain(&self, error: &Error) -> String {
        match error {
            Error::Timeout(_) => format!("did not answer within {} s", self.timeout.as_secs_f64()),
            Error::HostNotFound => UNREACHABLE.into(),
            Error::Tls(_) | Error::NativeTls(_) => format!("no secure connection: {error}"),
            // A name that is not found is an error of the resolver, not of the system.
            Error::Io(error) if error.raw_os_error().is_none() && error.kind() != ErrorKind::UnexpectedEof => {
                UNREACHABLE.into()
            }
            Error::Io(error) => format!("no connection: {}", error.kind()),
            Error::Protocol(_) | Error::Http(_) => "does not answer as HTTP says".into(),
            _ => "no connection".into(),
        }
    }
}

/// How long `Retry-After` asks to wait, in seconds or up to a date.
fn retry_after(value: &str) -> Option<Duration> {
    let seconds = || value.trim().parse().ok().map(Duration::from_secs);
    let until = || httpdate::parse_http_date(value).ok()?.duration_since(std::time::SystemTime::now()).ok();
    seconds().or_else(until).map(|wait| wait.min(LONGEST_RETRY_AFTER))
}

/// Finds public addresses only. The connection goes to what was found and looked at here, so that a name which changes its
/// address in between gains nothing.
#[derive(Debug)]
struct PublicOnly(DefaultResolver);

impl Resolver for PublicOnly {
    fn resolve(&self, uri: &Uri, config: &AgentConfig, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut public = self.empty();
        for address in self.0.resolve(uri, config, timeout)?.iter().filter(|address| is_public(address.ip())) {
            public.push(*address);
        }
        if public.is_empty() { Err(Error::HostNotFound) } else { Ok(public) }
    }
}
