//! Publication.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, post};

use super::model::{BriefRow, BriefView};
use super::store;
use crate::access::Publisher;
use crate::app::AppState;
use crate::http::answer::{self, Precondition};
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;

/// Publish a brief
///
/// It is public from now on, as far as its marking and embargo allow, and its draft events with it.
#[utoipa::path(
    tag = "briefs", operation_id = "publishBrief",
    responses((status = 200, description = "The brief as it now reads", body = BriefView))
)]
#[post("/v1/briefs/{id}/publish")]
pub async fn publish(
    state: Data<AppState>,
    caller: Publisher,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let precondition = Precondition::of(&request, &state)?;
    let reference = Reference::from_text(&id);
    let (written, position) = state
        .write(*caller, move |write| {
            let caller = write.caller();
            let existing: BriefRow = resource::find(write.connection, &caller, &reference)?;
            precondition.check(Some(existing.version))?;
            let published = store::publish(write, existing)?;
            resource::written(write, published, resource::Outcome::Updated)
        })
        .await?;
    answer::written(&state.config, &written, position)
}
