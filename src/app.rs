//! The application: its state, and the one builder that the server and the tests both use.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer, web};

use crate::access::{Caller, authenticate};
use crate::config::Config;
use crate::db::{Connection, Db};
use crate::http::middleware;
use crate::journal::{self, Write};
use crate::problem::Problem;
use crate::routes::{self, RouteTable};

/// What every handler may reach.
pub struct AppState {
    /// The archive.
    pub db: Db,
    /// The settings.
    pub config: Config,
    /// Which path knows which methods.
    pub routes: RouteTable,
    /// The spec, as it is served.
    pub openapi: String,
}

impl AppState {
    /// Runs one write of the archive in a transaction; answers after its commit, with the journal's position.
    ///
    /// # Errors
    /// What `work` returns (and then nothing is kept), or 503.
    pub async fn write<T: Send + 'static>(
        &self,
        caller: Caller,
        work: impl FnOnce(&mut Write<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<(T, i64), Problem> {
        self.db.write(move |connection: &mut Connection| journal::write(connection, &caller, work)).await
    }
}

/// Starts the server on a socket that already listens. It runs when it is awaited, and stops gracefully when told.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve(listener: TcpListener, db: Db, config: Config, workers: Option<usize>) -> std::io::Result<Server> {
    let document = routes::document()?;
    let openapi = serde_json::to_string(&document).map_err(std::io::Error::other)?;
    let state = web::Data::new(AppState { db, config, routes: RouteTable::of(&document), openapi });
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(routes::mount)
            .default_service(web::to(middleware::unrouted))
            .wrap(from_fn(authenticate))
            .wrap(from_fn(middleware::place_problems))
            .wrap(Compress::default())
            .wrap(cors())
            // Once more, for what is refused before it comes so far inside: a preflight.
            .wrap(from_fn(middleware::place_problems))
            .wrap(from_fn(middleware::observe))
    });
    if let Some(workers) = workers {
        server = server.workers(workers);
    }
    let server = server
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2))
        .keep_alive(Duration::from_secs(75))
        .shutdown_timeout(10)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(server)
}

/// Binds the address; port 0 takes any free one.
///
/// # Errors
/// When the address is taken or not this machine's.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address)
}

/// Any page on the web may read and, with a key of its own, write: there are no cookies that a foreign page could ride on.
fn cors() -> Cors {
    Cors::default()
        .allow_any_origin()
        .send_wildcard()
        .allow_any_header()
        .allow_any_method()
        .expose_headers([
            header::ETAG.as_str(),
            header::LINK.as_str(),
            header::LOCATION.as_str(),
            header::LAST_MODIFIED.as_str(),
            header::ALLOW.as_str(),
            header::RETRY_AFTER.as_str(),
            "x-request-id",
            crate::http::answer::POSITION,
        ])
        .disable_vary_header()
        .max_age(86_400)
}
