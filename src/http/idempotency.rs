//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a `POST` that is sent again with the same key is
//! answered as it was the first time, and done once.
//!
//! The answer is kept in the transaction that it answers for, so that neither is there without the other, whatever dies.
//! Answers that refuse are kept too, unless the server was at fault. They are kept for a day and a little more.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest};
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::access::Caller;
use crate::db::Connection;
use crate::db::schema::idempotency;
use crate::db::types::{Id, Json, Timestamp};
use crate::http::answer::Reply;
use crate::problem::{Problem, ProblemType};

const HEADER: &str = "idempotency-key";
/// How long answers are kept.
const KEPT: Duration = Duration::from_secs(26 * 3600);

/// The digest of a request's body, for requests that carry a key.
struct BodyDigest(Vec<u8>);

/// Notes what a body was, if anyone is going to ask.
pub fn note_body(request: &HttpRequest, digest: impl FnOnce() -> Vec<u8>) {
    if request.headers().contains_key(HEADER) {
        request.extensions_mut().insert(BodyDigest(digest()));
    }
}

/// The requests with a key that are under way in this process.
#[derive(Debug, Clone, Default)]
pub struct UnderWay(Arc<Mutex<HashSet<(Id, String)>>>);

/// A request that is to be done once.
pub struct Once {
    key_id: Id,
    key: String,
    fingerprint: Vec<u8>,
    path: String,
    #[expect(dead_code, reason = "while it is there, the request is under way")]
    mark: Mark,
}

/// The mark of a request that is under way; goes with its value.
pub struct Mark {
    under_way: UnderWay,
    name: (Id, String),
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency, treat_none_as_default_value = false)]
struct Row {
    key_id: Id,
    idempotency_key: String,
    fingerprint: Vec<u8>,
    created_at: Timestamp,
    status: i16,
    headers: Json<Vec<(String, String)>>,
    body: Vec<u8>,
}

impl Once {
    /// What a request demands; nothing if it carries no key.
    ///
    /// # Errors
    /// 400 for a key that is none, 409 while the first request with it is under way.
    pub fn of(request: &HttpRequest, caller: &Caller, under_way: &UnderWay) -> Result<Option<Self>, Problem> {
        let (Some(given), Some(key_id), &Method::POST) = (request.headers().get(HEADER), caller.key, request.method())
        else {
            return Ok(None);
        };
        let key = given.to_str().unwrap_or_default().trim().trim_matches('"').to_owned();
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Problem::parameter("Idempotency-Key", "must be 1 to 255 visible ASCII characters"));
        }
        let mut digest = Sha256::new();
        digest.update(request.path());
        digest.update([0]);
        digest.update(request.query_string());
        digest.update([0]);
        if let Some(BodyDigest(body)) = request.extensions().get::<BodyDigest>() {
            digest.update(body);
        }
        let mark = under_way.begin(key_id, &key).ok_or_else(|| {
            Problem::conflict("The first request with this `Idempotency-Key` is still being answered.")
        })?;
        Ok(Some(Self { key_id, key, fingerprint: digest.finalize().to_vec(), path: request.path().to_owned(), mark }))
    }

    /// The first answer, if there was one.
    ///
    /// # Errors
    /// 422 when it answered another request.
    pub fn recall(&self, connection: &mut Connection) -> Result<Option<Reply>, Problem> {
        let kept = idempotency::table.find((self.key_id, &self.key)).select(Row::as_select());
        let Some(row) = kept.first::<Row>(connection).optional()? else {
            return Ok(None);
        };
        if row.fingerprint != self.fingerprint {
            let detail = "This `Idempotency-Key` was sent before with another request.";
            return Err(Problem::new(ProblemType::VALIDATION_FAILED, detail));
        }
        let status = u16::try_from(row.status).unwrap_or_default();
        Ok(Some(Reply { status, headers: row.headers.0, body: row.body }))
    }

    /// Keeps the answer. To be called in the transaction that it answers for.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn keep(&self, connection: &mut Connection, reply: &Reply) -> Result<(), Problem> {
        let row = Row {
            key_id: self.key_id,
            idempotency_key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            created_at: Timestamp::now(),
            status: i16::try_from(reply.status).unwrap_or_default(),
            headers: Json(reply.headers.clone()),
            body: reply.body.clone(),
        };
        diesel::insert_into(idempotency::table).values(&row).execute(connection)?;
        Ok(())
    }

    /// Does it, unless it was done, and keeps the answer.
    ///
    /// # Errors
    /// What `work` returns with a status of 500 or more, and then nothing is kept.
    pub fn run<T>(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&mut Connection) -> Result<T, Problem>,
        render: impl FnOnce(&T) -> Result<Reply, Problem>,
    ) -> Result<Reply, Problem> {
        if let Some(reply) = self.recall(connection)? {
            return Ok(reply);
        }
        // In a savepoint, so that of what is refused nothing stays but the refusal.
        let outcome = diesel::Connection::transaction::<_, Problem, _>(connection, work);
        let reply = match outcome {
            Ok(done) => render(&done)?,
            Err(problem) if problem.kind().status < 500 => problem.reply(&self.path),
            Err(problem) => return Err(problem),
        };
        self.keep(connection, &reply)?;
        Ok(reply)
    }
}

impl Once {
    /// The same for what must not be kept, since it is a secret that is shown once: that it was made is kept, and who asks
    /// again learns that.
    ///
    /// # Errors
    /// What `work` returns; 409 when it was done before.
    pub fn run_secretly<T>(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&mut Connection) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if self.recall(connection)?.is_some() {
            let detail = "This was done before, and its answer held a secret that nobody has any more.";
            return Err(Problem::conflict(detail));
        }
        let done = work(connection)?;
        self.keep(connection, &Reply::new(StatusCode::CREATED, Vec::new(), Vec::new()))?;
        Ok(done)
    }
}

impl UnderWay {
    /// Marks something of a key as under way, unless it is already. A name that is no `Idempotency-Key`, with spaces, marks what is
    /// to be done once at a time.
    #[must_use]
    pub fn begin(&self, key_id: Id, key: &str) -> Option<Mark> {
        let name = (key_id, key.to_owned());
        let is_first = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        is_first.then(|| Mark { under_way: self.clone(), name })
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.under_way.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// Forgets the answers that are old enough.
///
/// # Errors
/// When the statement fails.
pub fn forget_old(connection: &mut Connection) -> Result<(), Problem> {
    let oldest = Timestamp::now().minus(KEPT);
    diesel::delete(idempotency::table.filter(idempotency::created_at.lt(oldest))).execute(connection)?;
    Ok(())
}

/// Forgets the answers that have any of these words in them, the names of what is being erased.
///
/// # Errors
/// When a statement fails.
pub fn forget_about(connection: &mut Connection, names: &[String]) -> Result<(), Problem> {
    let kept: Vec<(Id, String)> =
        idempotency::table.select((idempotency::key_id, idempotency::idempotency_key)).load(connection)?;
    for (key_id, key) in kept {
        let row = idempotency::table.find((key_id, key));
        let body: Vec<u8> = row.clone().select(idempotency::body).first(connection)?;
        let body = String::from_utf8_lossy(&body);
        if names.iter().any(|name| body.contains(name.as_str())) {
            diesel::delete(row).execute(connection)?;
        }
    }
    Ok(())
}
