//! Settings: flags and environment in, typed values out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

use crate::access::LimitSettings;
use crate::db::{DbError, Location};

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// The database: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(long, env = "DATABASE_URL", default_value = "sqlite://briefwire.db", hide_env_values = true)]
    pub database_url: String,
}

impl DatabaseArgs {
    /// The location that the URL names.
    ///
    /// # Errors
    /// [`DbError::UnknownScheme`]: a scheme is never guessed.
    pub fn location(&self) -> Result<Location, DbError> {
        self.database_url.parse()
    }
}

/// Where the search index is.
#[derive(Debug, Clone, Args)]
pub struct IndexArgs {
    /// The directory of the search index, made when it is missing [default: beside the SQLite file, its name and `-index`;
    /// with PostgreSQL, briefwire-index- and a digest of its URL]
    #[arg(long, env = "BRIEFWIRE_INDEX_DIR")]
    pub index_dir: Option<PathBuf>,
}

impl IndexArgs {
    /// The directory that is meant for the index of an archive.
    #[must_use]
    pub fn directory(&self, archive: &Location) -> PathBuf {
        self.index_dir.clone().unwrap_or_else(|| match archive {
            Location::Sqlite(path) => PathBuf::from(format!("{path}-index")),
            // Each archive has one of its own, wherever servers of several are started from.
            Location::Postgres(url) => PathBuf::from(format!("briefwire-index-{:016x}", xxh3_64(url.as_bytes()))),
        })
    }
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where the data is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Where the search index is
    #[command(flatten)]
    pub index: IndexArgs,
    /// The address and port to listen on
    #[arg(long, env = "BRIEFWIRE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The base of absolute links, without a slash at its end [default: http:// and the listen address]
    #[arg(long, env = "BRIEFWIRE_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// How many threads serve [default: one for each core]
    #[arg(long, env = "BRIEFWIRE_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// How many mebibytes of answers are kept in memory; 0 keeps none
    #[arg(long, env = "BRIEFWIRE_ANSWER_MEMORY", default_value_t = 64, value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub answer_memory: u32,
    /// How many mebibytes of rows and pages are kept ready on disk, in the directory of the index; 0 keeps none
    #[arg(long, env = "BRIEFWIRE_PROJECTIONS", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub projections: u32,
    /// A streaming replica of the PostgreSQL database to read from too; repeatable
    #[arg(long, env = "BRIEFWIRE_READ_URL", value_delimiter = ' ', hide_env_values = true)]
    pub read_url: Vec<String>,
    /// How many connections read from PostgreSQL, and from each replica
    #[arg(long, env = "BRIEFWIRE_DATABASE_CONNECTIONS", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub database_connections: u16,
    /// Accept changes only with If-Match
    #[arg(long, env = "BRIEFWIRE_REQUIRE_IF_MATCH", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub require_if_match: bool,
    /// How many requests an address without a key has a minute; `off` switches all limits off
    #[arg(long, env = "BRIEFWIRE_RATE_LIMIT", default_value = "1200", value_parser = rate_limit)]
    pub rate_limit: RateLimit,
    /// How many requests a key has a minute, unless it has a quota of its own
    #[arg(long, env = "BRIEFWIRE_KEY_RATE_LIMIT", default_value = "6000")]
    pub key_rate_limit: NonZeroU32,
    /// The proxies whose `X-Forwarded-For` is believed: addresses or networks, with commas
    #[arg(long, env = "BRIEFWIRE_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// The WebSub hub that is told of changes in the feeds
    #[arg(long, env = "BRIEFWIRE_WEBSUB_HUB", value_parser = web_address)]
    pub websub_hub: Option<Url>,
    /// Let webhooks lead to loopback and private addresses
    #[arg(long, env = "BRIEFWIRE_WEBHOOK_ALLOW_PRIVATE", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub webhook_allow_private: bool,
    /// After how many seconds each a delivery to a webhook is tried again, with commas; after the last the webhook is switched off
    #[arg(long, env = "BRIEFWIRE_WEBHOOK_RETRIES", value_delimiter = ',', default_value = "5,300,1800,7200,18000,36000,50400,72000,86400", value_parser = seconds)]
    pub webhook_retries: Vec<Duration>,
    /// How many seconds the endpoint of a webhook may take to answer
    #[arg(long, env = "BRIEFWIRE_WEBHOOK_TIMEOUT", default_value = "15", value_parser = seconds)]
    pub webhook_timeout: Duration,
    /// Fill an empty database with the demo, and print a publisher key
    #[arg(long)]
    pub demo: bool,
}

/// What the running application needs to know of its settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of the search index, and of what is kept ready.
    pub index_dir: PathBuf,
    /// The base of absolute links, without a slash at its end.
    pub public_url: String,
    /// How many bytes of answers are kept in memory.
    pub answer_memory: u64,
    /// How many bytes of rows and pages are kept ready on disk.
    pub projections: u64,
    /// Whether a change without `If-Match` is refused.
    pub require_if_match: bool,
    /// How many requests callers have, if that is limited.
    pub limits: Option<LimitSettings>,
    /// The proxies whose word on the client's address is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The WebSub hub that feeds announce.
    pub websub_hub: Option<Url>,
    /// How webhooks are delivered.
    pub webhooks: WebhookSettings,
}

/// How webhooks are delivered.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Whether endpoints may be loopback or private addresses.
    pub allow_private: bool,
    /// The pauses between the attempts at one delivery.
    pub retries: Vec<Duration>,
    /// How long an endpoint may take.
    pub timeout: Duration,
}

impl WebhookSettings {
    /// The longest time between two attempts at one delivery, whatever the endpoint asks for.
    #[must_use]
    pub fn longest_pause(&self) -> Duration {
        let longest = self.retries.iter().max().copied().unwrap_or_default();
        longest.max(LONGEST_RETRY_AFTER).mul_f64(1.1) + self.timeout
    }
}

/// The longest wait that the endpoint of a webhook may ask for.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// How many requests an address has a minute, if that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(pub Option<NonZeroU32>);

fn rate_limit(text: &str) -> Result<RateLimit, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(RateLimit(None));
    }
    text.parse().map(|limit| RateLimit(Some(limit))).map_err(|_| "is neither `off` nor a number from 1".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.trim().parse().ok().filter(|seconds| *seconds > 0.0 && *seconds <= 2_592_000.0);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "is no number of seconds up to 30 days".to_owned())
}

fn web_address(text: &str) -> Result<Url, String> {
    let address = Url::parse(text).ok().filter(|address| matches!(address.scheme(), "http" | "https"));
    address.ok_or_else(|| "is no http or https address".to_owned())
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| address())
        .map_err(|_| "is neither an address nor a network such as 10.0.0.0/8".to_owned())
}

impl ServeArgs {
    /// The replicas to read from.
    ///
    /// # Errors
    /// [`DbError::UnknownScheme`], and [`DbError::NoReplica`] where one of them, or the database itself, is not PostgreSQL's.
    pub fn replicas(&self) -> Result<Vec<Location>, DbError> {
        let replicas = self.read_url.iter().map(|url| url.parse()).collect::<Result<Vec<Location>, _>>()?;
        let primary = self.database.location()?;
        let can_have_replicas = |location: &Location| matches!(location, Location::Postgres(_));
        if replicas.is_empty() || replicas.iter().chain([&primary]).all(can_have_replicas) {
            Ok(replicas)
        } else {
            Err(DbError::NoReplica)
        }
    }

    /// The settings that outlive the start.
    #[must_use]
    pub fn config(&self, archive: &Location) -> Config {
        let public_url = self.public_url.clone().unwrap_or_else(|| format!("http://{}", reachable(self.listen)));
        let limits = self.rate_limit.0.map(|per_address| LimitSettings { per_address, per_key: self.key_rate_limit });
        Config {
            index_dir: self.index.directory(archive),
            public_url: public_url.trim_end_matches('/').to_owned(),
            answer_memory: u64::from(self.answer_memory) << 20,
            projections: u64::from(self.projections) << 20,
            require_if_match: self.require_if_match,
            limits,
            trusted_proxies: self.trusted_proxies.clone(),
            websub_hub: self.websub_hub.clone(),
            webhooks: WebhookSettings {
                allow_private: self.webhook_allow_private,
                retries: self.webhook_retries.clone(),
                timeout: self.webhook_timeout,
            },
        }
    }
}

/// A server that listens on every address is reached on this machine by its loopback.
#[must_use]
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
