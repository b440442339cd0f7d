//! The endpoints of the editors' work: submit, schedule, publish, retract, correct.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, post};
use deserr::{Deserr, ValuePointerRef};
use utoipa::ToSchema;

use super::model::{BriefRow, BriefView};
use super::workflow::{self, Step};
use crate::access::{Caller, Editor, Publisher};
use crate::app::AppState;
use crate::db::types::Timestamp;
use crate::http::body::{Fault, Invalid, Json, checked};
use crate::http::conditional::Precondition;
use crate::journal::Write;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource::{self, Outcome, Saved};
use crate::scalars::{Line, Prose};
use crate::vocabulary::Severity;

/// When to publish.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct ScheduleInput {
    /// In the future; it is published within about a second of that.
    #[schema(value_type = String, format = DateTime, example = "2099-08-07T10:00:00Z")]
    pub at: Timestamp,
}

/// Why a brief is withdrawn.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields, validate = RetractInput::check -> Invalid)]
pub struct RetractInput {
    /// Why; the page says it from now on.
    #[schema(value_type = String, min_length = 1, example = "The source was forged.")]
    pub reason: Prose,
    /// What to read instead: an id, a slug or a URL.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = json!(null))]
    pub replacement: Option<Line>,
}

/// What was corrected in a brief.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields, validate = CorrectInput::check -> Invalid)]
pub struct CorrectInput {
    /// How weighty it is.
    pub severity: Severity,
    /// What was wrong, and what is right.
    #[schema(value_type = String, min_length = 1, example = "The rank was given as Colonel; it is Major-General.")]
    pub note: Prose,
}

impl RetractInput {
    fn check(self, location: ValuePointerRef<'_>) -> Result<Self, Invalid> {
        let faults = unsaid("/reason", &self.reason);
        checked(self, location, faults)
    }
}

impl CorrectInput {
    fn check(self, location: ValuePointerRef<'_>) -> Result<Self, Invalid> {
        let faults = unsaid("/note", &self.note);
        checked(self, location, faults)
    }
}

/// The fault of a text that must say something.
fn unsaid(pointer: &str, text: &Prose) -> Vec<Fault> {
    if text.as_str().trim().is_empty() { vec![Fault::at(pointer, "must not be empty")] } else { Vec::new() }
}

/// Submit a brief for review
///
/// From `draft` to `in_review`.
#[utoipa::path(
    tag = "briefs", operation_id = "submitBrief",
    responses((status = 200, description = "The brief as it now reads", body = BriefView))
)]
#[post("/v1/briefs/{id}/submit")]
pub async fn submit(
    state: Data<AppState>,
    caller: Editor,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    take(&state, &request, &caller, &id, Step::Submit).await
}

/// Schedule a brief
///
/// It is published by itself when the time comes. To schedule it again moves the time.
#[utoipa::path(
    tag = "briefs", operation_id = "scheduleBrief", request_body = ScheduleInput,
    responses((status = 200, description = "The brief as it now reads", body = BriefView))
)]
#[post("/v1/briefs/{id}/schedule")]
pub async fn schedule(
    state: Data<AppState>,
    caller: Publisher,
    id: Path<String>,
    request: HttpRequest,
    Json(input): Json<ScheduleInput>,
) -> Result<HttpResponse, Problem> {
    take(&state, &request, &caller, &id, Step::Schedule(input.at)).await
}

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
    take(&state, &request, &caller, &id, Step::Publish).await
}

/// Retract a brief
///
/// Its page stays, with the notice. Readers then see its title, dates, picture and the notice, and nothing else of it.
#[utoipa::path(
    tag = "briefs", operation_id = "retractBrief", request_body = RetractInput,
    responses((status = 200, description = "The brief as it now reads", body = BriefView))
)]
#[post("/v1/briefs/{id}/retract")]
pub async fn retract(
    state: Data<AppState>,
    caller: Publisher,
    id: Path<String>,
    request: HttpRequest,
    Json(input): Json<RetractInput>,
) -> Result<HttpResponse, Problem> {
    let (reason, replacement) = (input.reason.into_string(), input.replacement.map(Line::into_string));
    take(&state, &request, &caller, &id, Step::Retract { reason, replacement }).await
}

/// Note a correction
///
/// For a published brief: the note is shown on it from now on, with its date. It does not change the text by itself.
#[utoipa::path(
    tag = "briefs", operation_id = "correctBrief", request_body = CorrectInput,
    responses((status = 201, description = "The brief as it now reads", body = BriefView))
)]
#[post("/v1/briefs/{id}/corrections")]
pub async fn correct(
    state: Data<AppState>,
    caller: Publisher,
    id: Path<String>,
    request: HttpRequest,
    Json(input): Json<CorrectInput>,
) -> Result<HttpResponse, Problem> {
    let step = Step::Correct { severity: input.severity, note: input.note.into_string() };
    take(&state, &request, &caller, &id, step).await
}

async fn take(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    id: &str,
    step: Step,
) -> Result<HttpResponse, Problem> {
    let precondition = Precondition::of(request, state)?;
    let reference = Reference::from_text(id);
    let outcome = if matches!(step, Step::Correct { .. }) { Outcome::Created } else { Outcome::Updated };
    let work = move |write: &mut Write<'_>| {
        let sight = write.sight();
        let existing: BriefRow = resource::find(write.connection, sight, &reference)?;
        precondition.check(Some(existing.version))?;
        let row = workflow::take(write, existing, step)?;
        Ok(Saved { row, outcome })
    };
    resource::answer_write_once(state, request, caller, work).await
}
