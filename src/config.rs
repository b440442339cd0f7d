//! Settings: flags and environment in, typed values out.

use std::net::SocketAddr;

use clap::Args;

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

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where the data is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The address and port to listen on
    #[arg(long, env = "BRIEFWIRE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The base of absolute links, without a slash at its end [default: http:// and the listen address]
    #[arg(long, env = "BRIEFWIRE_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// How many threads serve [default: one for each core]
    #[arg(long, env = "BRIEFWIRE_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// How many connections read from PostgreSQL
    #[arg(long, env = "BRIEFWIRE_DATABASE_CONNECTIONS", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub database_connections: u16,
    /// Accept changes only with If-Match
    #[arg(long, env = "BRIEFWIRE_REQUIRE_IF_MATCH", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub require_if_match: bool,
    /// Fill an empty database with the demo, and print a publisher key
    #[arg(long)]
    pub demo: bool,
}

/// What the running application needs to know of its settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The base of absolute links, without a slash at its end.
    pub public_url: String,
    /// Whether a change without `If-Match` is refused.
    pub require_if_match: bool,
}

impl ServeArgs {
    /// The settings that outlive the start.
    #[must_use]
    pub fn config(&self) -> Config {
        let public_url = self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen));
        Config { public_url: public_url.trim_end_matches('/').to_owned(), require_if_match: self.require_if_match }
    }
}
