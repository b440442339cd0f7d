//! The application: its state, and the one builder that the server and the tests both use.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};

use actix_cors::Cors;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use crate::access::{Caller, Limits, Sight, admit, turn_away};
use crate::config::Config;
use crate::db::types::Timestamp;
use crate::db::{Connection, Db, Needs, once_there};
use crate::docs;
use crate::feeds::websub;
use crate::http::answer::{self, Reply};
use crate::http::idempotency::{Once, UnderWay};
use crate::http::memory::{self, Memory};
use crate::http::middleware;
use crate::http::revalidation::{self, Tags};
use crate::journal::{self, Head, Heads, Write};
use crate::problem::Problem;
use crate::projections::Projections;
use crate::routes::{self, RouteTable};
use crate::search::{self, Finder, Search};
use crate::webhooks::{Dispatcher, Sender};

/// What every handler may reach.
pub struct AppState {
    /// The archive.
    pub db: Db,
    /// The index, which follows the archive.
    pub search: Search,
    /// How far the journal has come, for each class of callers.
    pub heads: Heads,
    /// The answers that stand.
    pub memory: Memory,
    /// The entity tags that single resources had when they were told last.
    pub tags: Tags,
    /// The rows and pages that are ready.
    pub projections: Projections,
    /// The settings.
    pub config: Config,
    /// Which path knows which methods.
    pub routes: RouteTable,
    /// The requests that are to be done once and are being done.
    pub under_way: UnderWay,
    /// How many requests each caller has left.
    pub limits: Limits,
    /// What sends messages to the endpoints of webhooks.
    pub sender: Sender,
    /// Who may send one beside the order of deliveries at the same time.
    pub sending: Semaphore,
    /// Who may work out something of the past, which takes long, at the same time.
    past: Semaphore,
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

    /// The same for a request whose answer is to be kept if it carries an `Idempotency-Key`, and is then given again.
    ///
    /// # Errors
    /// As [`AppState::write`], 409 while the first request with the key is under way, and 422 when it was another request.
    pub async fn write_once<T: Send + 'static>(
        &self,
        request: &HttpRequest,
        caller: Caller,
        work: impl FnOnce(&mut Write<'_>) -> Result<T, Problem> + Send + 'static,
        render: impl FnOnce(&T, i64) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let work = move |connection: &mut Connection| journal::write(connection, &caller, work);
        self.do_once(request, &caller, work, |(done, position)| render(done, *position)).await
    }

    /// The same for a write that is none of the archive.
    ///
    /// # Errors
    /// As [`AppState::write_once`].
    pub async fn do_once<T: Send + 'static>(
        &self,
        request: &HttpRequest,
        caller: &Caller,
        work: impl FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
        render: impl FnOnce(&T) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let Some(once) = Once::of(request, caller, &self.under_way)? else {
            let done = self.db.write(work).await?;
            return Ok(render(&done)?.into());
        };
        Ok(self.db.write(move |connection| once.run(connection, work, render)).await?.into())
    }

    /// The same for what makes a secret: its answer is not kept, but that it was made.
    ///
    /// # Errors
    /// What `work` returns (and then nothing is kept), and 409 when it was done before.
    pub async fn make_secret_once<T: Send + 'static>(
        &self,
        request: &HttpRequest,
        caller: &Caller,
        work: impl FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let once = Once::of(request, caller, &self.under_way)?;
        let work = move |connection: &mut Connection| match &once {
            None => work(connection),
            Some(once) => once.run_secretly(connection, work),
        };
        self.db.write(work).await
    }

    /// Asks the archive one question, as of a time or now, and tells how fresh the answer is.
    ///
    /// # Errors
    /// What `question` returns, and 400 for a time to come or a position that the journal has not come to (`Briefwire-At-Least`).
    pub async fn ask<T: Send + 'static>(
        &self,
        request: &HttpRequest,
        caller: &Caller,
        as_of: Option<Timestamp>,
        question: impl FnOnce(&mut Connection, Sight) -> Result<T, Problem> + Clone + Send + 'static,
    ) -> Result<(Head, T), Problem> {
        let at_least = answer::at_least(request)?;
        let settled_at = self.settle(as_of).await?;
        let caller = *caller;
        let work = move |connection: &mut Connection| {
            let sight = journal::sight(connection, &caller, as_of)?;
            let answer = question(connection, sight)?;
            Ok::<_, Problem>((journal::last_seen(connection, &caller)?, answer))
        };
        self.db.read_anywhere(Needs { at_least, known: settled_at, is_long: false }, work).await
    }

    /// A turn for what an index is made of for one question alone, if a question is of the past: it takes long.
    ///
    /// # Errors
    /// None, as long as the application runs.
    pub async fn turn(&self, is_of_the_past: bool) -> Result<Option<SemaphorePermit<'_>>, Problem> {
        if is_of_the_past { self.past.acquire().await.map(Some).map_err(Problem::internal) } else { Ok(None) }
    }

    /// The index with everything that is in the archive now, or as much of it as there is while much is being written: all the
    /// same everything that the request has to be answered from (`Briefwire-At-Least`).
    ///
    /// # Errors
    /// 400 when the header is no position of the journal, 503 while the index is being built.
    pub async fn finder(&self, request: &HttpRequest) -> Result<Arc<Finder>, Problem> {
        let at_least = answer::at_least(request)?;
        let head = once_there(at_least, |connection| journal::head(connection).map_err(Problem::from));
        let head = self.db.read(head).await?;
        self.search.at(head.position, at_least, search::PATIENCE).await
    }

    /// How far the journal has come for this class of callers: from memory, unless the request has to be answered from a
    /// position that another server may have written (`Briefwire-At-Least`).
    ///
    /// # Errors
    /// 400 when the header is no position that the journal has come to, 503 when the database does not answer.
    pub async fn head(&self, request: &HttpRequest, caller: &Caller) -> Result<Head, Problem> {
        let at_least = answer::at_least(request)?;
        if at_least == 0 {
            return self.heads.of(caller).await;
        }
        let caller = *caller;
        self.db.read(once_there(at_least, move |connection| journal::last_seen(connection, &caller))).await
    }

    /// Waits until nothing can be written any more that a read as of this time would show; answers the position that such a read has
    /// to come after, 0 if every database that is read has long come to it.
    ///
    /// # Errors
    /// 400 when the time has not come yet, 503 when the writer does not answer.
    pub async fn settle(&self, as_of: Option<Timestamp>) -> Result<i64, Problem> {
        let Some(time) = as_of else {
            return Ok(0);
        };
        let now = Timestamp::now();
        if time > now {
            return Err(Problem::parameter("as_of", format!("lies in the future: it is {now} now")));
        }
        if time.plus(UNDER_WAY) < now {
            return Ok(0);
        }
        // A write that is under way took its time before; one that comes after this takes a later one.
        self.db.write(|connection| Ok(journal::head(connection)?.position)).await
    }
}

/// How long a write may be under way.
const UNDER_WAY: Duration = Duration::from_secs(600);

/// By which a running server is told to stop.
#[derive(Clone)]
pub struct Handle {
    server: ServerHandle,
    dispatcher: watch::Sender<bool>,
}

impl Handle {
    /// Tells it to stop; ready when it no longer answers. A graceful stop lets requests end.
    pub fn stop(&self, graceful: bool) -> impl Future<Output = ()> + use<> {
        self.dispatcher.send_replace(true);
        self.server.stop(graceful)
    }
}

/// A server that is ready to run, with what it does beside answering.
pub struct Serving {
    server: Server,
    dispatcher: Dispatcher,
}

impl Serving {
    /// By which it is told to stop.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { server: self.server.handle(), dispatcher: self.dispatcher.stopper() }
    }

    /// Runs until it is told to stop; then it finishes what is under way.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        let ended = self.server.await;
        self.dispatcher.stop().await;
        ended
    }
}

/// Starts the server on a socket that already listens.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve(listener: TcpListener, db: Db, config: Config, workers: Option<usize>) -> std::io::Result<Serving> {
    let routes = RouteTable::of(docs::OPENAPI)?;
    let under_way = UnderWay::default();
    let limits = Limits::new(config.limits.clone(), config.trusted_proxies.clone());
    let directory = config.index_dir.display();
    let search = Search::start(db.clone(), &config.index_dir).map_err(|trouble| {
        let detail = format!("no search index at {directory}: {trouble}; --index-dir takes another directory");
        std::io::Error::other(detail)
    })?;
    let heads = Heads::follow(db.clone()).map_err(std::io::Error::other)?;
    let projections = Projections::start(db.clone(), &config.index_dir, config.projections)?;
    let state = web::Data::new(AppState {
        db,
        search,
        heads,
        memory: Memory::of(config.answer_memory),
        tags: Tags::default(),
        projections,
        sender: Sender::new(&config.webhooks),
        config,
        routes,
        under_way,
        limits,
        past: Semaphore::new(2),
        sending: Semaphore::new(16),
    });
    if let Some(hub) = state.config.websub_hub.clone() {
        actix_web::rt::spawn(websub::announce(state.clone(), hub.into()));
    }
    let dispatcher = Dispatcher::start(state.clone());
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(routes::mount)
            .default_service(web::to(middleware::unrouted))
            .wrap(from_fn(middleware::refuse_parameters))
            .wrap(from_fn(turn_away))
            .wrap(from_fn(middleware::place_problems))
            .wrap(from_fn(revalidation::revalidate))
            .wrap(Compress::default())
            .wrap(cors())
            // Once more, for what is refused before it comes so far inside: a preflight.
            .wrap(from_fn(middleware::place_problems))
            .wrap(from_fn(memory::recall))
            .wrap(from_fn(admit))
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
    Ok(Serving { server, dispatcher })
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
            "ratelimit",
            "ratelimit-policy",
            answer::POSITION,
            answer::PREFERENCE_APPLIED,
        ])
        .disable_vary_header()
        .max_age(86_400)
}
