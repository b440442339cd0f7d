//! The endpoints of history, the same for every kind of resource.

use actix_web::HttpResponse;
use actix_web::web::Data;
use deserr::{Deserr, ValuePointerRef};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::erasure::erase;
use super::revisions::{RevisionsOf, difference, revision};
use crate::access::Caller;
use crate::app::AppState;
use crate::db::types::Timestamp;
use crate::http::answer::{self, SingleQuery};
use crate::http::body::{Fault, Invalid, Json, UpTo, checked};
use crate::http::conditional::Precondition;
use crate::http::page;
use crate::http::query::{ListQuery, ListView, Unfiltered, VersionNumber};
use crate::journal::Write;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource::Resource;
use crate::scalars::Prose;

/// Which versions to compare.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct DifferenceQuery {
    /// The earlier version; the one before `to` unless given.
    #[deserr(default)]
    #[param(value_type = Option<i32>, minimum = 1, example = 1)]
    pub from: Option<VersionNumber>,
    /// The later version; the latest unless given.
    #[deserr(default)]
    #[param(value_type = Option<i32>, minimum = 1, example = 2)]
    pub to: Option<VersionNumber>,
    /// Versions that were written later than this are left aside.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2099-01-01T00:00:00Z")]
    pub as_of: Option<Timestamp>,
}

/// Why something is erased, and how much of it.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields, validate = EraseInput::check -> Invalid)]
pub struct EraseInput {
    /// Why; whoever could once see it is told so.
    #[schema(value_type = String, min_length = 1, example = "A court ordered it.")]
    pub reason: Prose,
    /// Only these versions, none of which may be the one that stands; everything unless given.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<i32>>, min_items = 1, max_items = 1000, example = json!(null))]
    pub versions: Option<UpTo<1000, i32>>,
}

impl EraseInput {
    fn check(self, location: ValuePointerRef<'_>) -> Result<Self, Invalid> {
        let mut faults = Vec::new();
        if self.reason.as_str().trim().is_empty() {
            faults.push(Fault::at("/reason", "must not be empty"));
        }
        if self.versions.as_ref().is_some_and(|UpTo(versions)| versions.is_empty()) {
            faults.push(Fault::at("/versions", "must not be empty"));
        }
        checked(self, location, faults)
    }
}

async fn answer_erase<R: Resource>(
    state: &Data<AppState>,
    request: &actix_web::HttpRequest,
    caller: &Caller,
    id: &str,
    input: EraseInput,
) -> Result<HttpResponse, Problem> {
    let precondition = Precondition::of(request, state)?;
    let reference = Reference::from_text(id);
    let work = move |write: &mut Write<'_>| {
        let versions = input.versions.as_ref().map(|UpTo(versions)| versions.as_slice());
        erase::<R>(write, &reference, &input.reason, versions, &precondition)
    };
    let answer = state.write_once(request, *caller, work, |(), position| Ok(answer::deleted(position))).await?;
    state.db.purge().await?;
    Ok(answer)
}

async fn answer_revisions<R: Resource>(
    state: &Data<AppState>,
    request: &actix_web::HttpRequest,
    caller: &Caller,
    id: &str,
    view: ListView,
) -> Result<HttpResponse, Problem> {
    let filter = RevisionsOf::<R>::new(Reference::from_text(id));
    page::list(state, request, caller, ListQuery { filter, view, rest: Unfiltered }).await
}

async fn answer_revision<R: Resource>(
    state: &AppState,
    request: &actix_web::HttpRequest,
    caller: &Caller,
    (id, version): &(String, String),
    query: &SingleQuery,
) -> Result<HttpResponse, Problem> {
    let reference = Reference::from_text(id);
    let VersionNumber(number) = version.parse().map_err(|_| Problem::not_found("version of it"))?;
    let (head, view) = state
        .ask(request, caller, query.as_of, move |connection, sight| {
            revision::<R>(connection, sight, &reference, number)
        })
        .await?;
    answer::single(request, caller, query, head, number, &view)
}

async fn answer_difference<R: Resource>(
    state: &AppState,
    request: &actix_web::HttpRequest,
    caller: &Caller,
    id: &str,
    query: DifferenceQuery,
) -> Result<HttpResponse, Problem> {
    let reference = Reference::from_text(id);
    let number = |version: Option<VersionNumber>| version.map(|VersionNumber(number)| number);
    let (from, to) = (number(query.from), number(query.to));
    let (head, view) = state
        .ask(request, caller, query.as_of, move |connection, sight| {
            difference::<R>(connection, sight, &reference, from, to)
        })
        .await?;
    answer::document(request, caller, head, &view)
}

/// The three endpoints of one kind. The attributes that document them take nothing but literals, so that a function
/// generic in the kind will not do.
macro_rules! history {
    (
        $slice:ident, $row:ty, $view:ty, $tag:tt,
        $revisions:tt $revisions_id:tt, $revision:tt $revision_id:tt, $difference:tt $difference_id:tt,
        $erase:tt $erase_id:tt
    ) => {
        mod $slice {
            use actix_web::web::{Data, Path};
            use actix_web::{HttpRequest, HttpResponse, get, post};

            use super::*;
            use crate::access::{Admin, Reader};
            use crate::history::revisions::{DifferenceView, Revision};
            use crate::http::query::Query;
            use crate::openapi::PageOf;

            /// List the versions
            ///
            /// Those that the caller could see then and may see now, the latest first. A gap in the numbers may stand for
            /// one that is hidden. The history of what was deleted stays.
            #[utoipa::path(
                                tag = $tag, operation_id = $revisions_id, params(ListView),
                                responses((status = 200, description = "A page of versions", body = PageOf<Revision>))
                            )]
            #[get($revisions)]
            pub async fn revisions(
                state: Data<AppState>,
                caller: Reader,
                id: Path<String>,
                query: ListQuery<Unfiltered>,
                request: HttpRequest,
            ) -> Result<HttpResponse, Problem> {
                answer_revisions::<$row>(&state, &request, &caller, &id, query.view).await
            }

            /// Read a version
            ///
            /// Whole, with everything that it showed when it was written.
            #[utoipa::path(
                                tag = $tag, operation_id = $revision_id, params(SingleQuery),
                                responses((status = 200, description = "The version", body = $view))
                            )]
            #[get($revision)]
            pub async fn revision(
                state: Data<AppState>,
                caller: Reader,
                path: Path<(String, String)>,
                Query(query): Query<SingleQuery>,
                request: HttpRequest,
            ) -> Result<HttpResponse, Problem> {
                answer_revision::<$row>(&state, &request, &caller, &path, &query).await
            }

            /// Compare two versions
            ///
            /// What changed, member by member; items of lists are matched by what they are, and long text comes with its
            /// changes marked.
            #[utoipa::path(
                                tag = $tag, operation_id = $difference_id, params(DifferenceQuery),
                                responses((status = 200, description = "What changed", body = DifferenceView))
                            )]
            #[get($difference)]
            pub async fn difference(
                state: Data<AppState>,
                caller: Reader,
                id: Path<String>,
                Query(query): Query<DifferenceQuery>,
                request: HttpRequest,
            ) -> Result<HttpResponse, Problem> {
                answer_difference::<$row>(&state, &request, &caller, &id, query).await
            }

            /// Erase it for good
            ///
            /// Destroys the content of every version, or of some, in the archive and in whatever was kept of it elsewhere. It
            /// cannot be undone. Reading it answers 410 from now on, at whatever time it is read as of; the journal keeps that
            /// there was something.
            #[utoipa::path(
                tag = $tag, operation_id = $erase_id, request_body = EraseInput,
                responses((status = 204, description = "It is erased"))
            )]
            #[post($erase)]
            pub async fn erase(
                state: Data<AppState>,
                caller: Admin,
                id: Path<String>,
                request: HttpRequest,
                Json(input): Json<EraseInput>,
            ) -> Result<HttpResponse, Problem> {
                answer_erase::<$row>(&state, &request, &caller, &id, input).await
            }
        }
    };
}

history! {
    briefs, crate::briefs::model::BriefRow, crate::briefs::model::BriefView, "briefs",
    "/v1/briefs/{id}/revisions" "listBriefRevisions",
    "/v1/briefs/{id}/revisions/{version}" "getBriefRevision",
    "/v1/briefs/{id}/diff" "diffBrief",
    "/v1/briefs/{id}/erase" "eraseBrief"
}
history! {
    events, crate::events::model::EventRow, crate::events::model::EventView, "events",
    "/v1/events/{id}/revisions" "listEventRevisions",
    "/v1/events/{id}/revisions/{version}" "getEventRevision",
    "/v1/events/{id}/diff" "diffEvent",
    "/v1/events/{id}/erase" "eraseEvent"
}
history! {
    actors, crate::actors::model::ActorRow, crate::actors::model::ActorView, "actors",
    "/v1/actors/{id}/revisions" "listActorRevisions",
    "/v1/actors/{id}/revisions/{version}" "getActorRevision",
    "/v1/actors/{id}/diff" "diffActor",
    "/v1/actors/{id}/erase" "eraseActor"
}
history! {
    trends, crate::trends::model::TrendRow, crate::trends::model::TrendView, "trends",
    "/v1/trends/{id}/revisions" "listTrendRevisions",
    "/v1/trends/{id}/revisions/{version}" "getTrendRevision",
    "/v1/trends/{id}/diff" "diffTrend",
    "/v1/trends/{id}/erase" "eraseTrend"
}
history! {
    categories, crate::categories::model::CategoryRow, crate::categories::model::CategoryView, "categories",
    "/v1/categories/{id}/revisions" "listCategoryRevisions",
    "/v1/categories/{id}/revisions/{version}" "getCategoryRevision",
    "/v1/categories/{id}/diff" "diffCategory",
    "/v1/categories/{id}/erase" "eraseCategory"
}

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(briefs::revisions)
        .service(briefs::revision)
        .service(briefs::difference)
        .service(briefs::erase)
        .service(events::revisions)
        .service(events::revision)
        .service(events::difference)
        .service(events::erase)
        .service(actors::revisions)
        .service(actors::revision)
        .service(actors::difference)
        .service(actors::erase)
        .service(trends::revisions)
        .service(trends::revision)
        .service(trends::difference)
        .service(trends::erase)
        .service(categories::revisions)
        .service(categories::revision)
        .service(categories::difference)
        .service(categories::erase);
}
