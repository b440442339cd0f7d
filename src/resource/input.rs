//! A body on its way to an input, refused with every fault at once: those that it shows by itself, and those that only
//! the archive knows, namely names that lead nowhere.
//!
//! A body that is in order by itself is not looked up here: the store leads its names to what they mean as it writes,
//! and notes the same faults. Here they are looked up only for a body that is going to be refused anyway.

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::{Resource, lead};
use crate::access::{Caller, Sight};
use crate::app::AppState;
use crate::db::Connection;
use crate::http::body::{self, Fault};
use crate::problem::Problem;
use crate::reference::Reference;

/// How many names of a refused body are looked up: more than any page has, and a bound on what one body can set in motion.
const LOOKED_UP: usize = 2000;

/// Extracts a JSON body as the input of a resource.
pub struct Input<R: Resource>(pub R::Input);

impl<R: Resource> FromRequest for Input<R> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let text = body::text(request, payload, body::JSON);
        let caller = request.extensions().get::<Caller>().copied().unwrap_or(Caller::ANYONE);
        let state = request.app_data::<Data<AppState>>().cloned();
        Box::pin(async move {
            let text = text.await?;
            let faults = match deserr::deserialize(body::document(&text)?) {
                Ok(input) => return Ok(Self(input)),
                Err(body::Invalid(faults)) => faults,
            };
            let state = state.ok_or_else(|| Problem::internal("the application has no state"))?;
            let problem = state.db.read(move |connection| {
                all_faults::<R>(connection, &caller, &body::document(&text)?, faults).map(Problem::invalid)
            });
            Err(problem.await?)
        })
    }
}

/// Reads a document that stands inside of a write.
///
/// # Errors
/// 422 with every fault, or when a query fails.
pub fn parse<R: Resource>(connection: &mut Connection, caller: &Caller, document: Value) -> Result<R::Input, Problem> {
    match deserr::deserialize(document.clone()) {
        Ok(input) => Ok(input),
        Err(body::Invalid(faults)) => Err(Problem::invalid(all_faults::<R>(connection, caller, &document, faults)?)),
    }
}

/// What a document shows to be wrong by itself, and the names in it that lead nowhere.
///
/// # Errors
/// When a query fails.
pub fn all_faults<R: Resource>(
    connection: &mut Connection,
    caller: &Caller,
    document: &Value,
    faults: Vec<Fault>,
) -> Result<Vec<Fault>, Problem> {
    let mut search = Search { connection, caller, document, faults, left: LOOKED_UP };
    for place in R::NAMES {
        search.look_at(document, place.path, String::new(), place.look)?;
    }
    Ok(search.faults)
}

/// A place where a body names something else, and how to look whether it leads anywhere.
pub struct Place {
    path: &'static str,
    look: Look,
}

/// Looks at a value at a pointer, and notes in the search what is wrong with it.
pub type Look = fn(&mut Search<'_>, &Value, &str) -> Result<(), Problem>;

impl Place {
    /// The places of a path such as `/trends/*/actors/*`, where a star stands for each item of a list.
    #[must_use]
    pub const fn new(path: &'static str, look: Look) -> Self {
        Self { path, look }
    }
}

/// A search for names that lead nowhere.
pub struct Search<'a> {
    /// The archive.
    pub connection: &'a mut Connection,
    /// Who names them: what it may not see cannot be meant.
    pub caller: &'a Caller,
    /// The whole body.
    pub document: &'a Value,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    left: usize,
}

impl Search<'_> {
    fn look_at(&mut self, value: &Value, path: &str, pointer: String, look: Look) -> Result<(), Problem> {
        let Some((step, rest)) = path.strip_prefix('/').map(|path| path.split_once('/').unwrap_or((path, ""))) else {
            self.left = self.left.saturating_sub(1);
            return if self.left > 0 { look(self, value, &pointer) } else { Ok(()) };
        };
        let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
        if step == "*" {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                self.look_at(item, &rest, format!("{pointer}/{index}"), look)?;
            }
        } else if let Some(member) = value.get(step) {
            self.look_at(member, &rest, format!("{pointer}/{step}"), look)?;
        }
        Ok(())
    }
}

/// The look for a name that must be one of this kind. What is no name at all has its fault already, and what was deleted
/// may stay where it was.
///
/// # Errors
/// When a query fails.
pub fn must_lead_to<R: Resource>(search: &mut Search<'_>, value: &Value, pointer: &str) -> Result<(), Problem> {
    let Ok(reference) = body::parse::<Reference>(value.clone()) else {
        return Ok(());
    };
    if !reference.deleted && lead::<R>(search.connection, Sight::now(search.caller), &reference)?.is_none() {
        search.faults.push(Fault::missing(R::KIND, &reference, pointer));
    }
    Ok(())
}
