//! The editors' work on a brief: which state follows on which, who may take a step, and what happens by time.

use diesel::prelude::*;

use super::input::{CorrectionInput, RetractionInput};
use super::model::{BriefRow, Correction, Retraction};
use super::store;
use crate::access::{Audience, Caller, visible};
use crate::db::Connection;
use crate::db::schema::briefs;
use crate::db::types::{Json, Timestamp};
use crate::http::body::{Fault, GivenVersion};
use crate::journal::Write;
use crate::problem::Problem;
use crate::vocabulary::{BriefState, Change, Marking, Role, Severity};

/// How many briefs one tick of the clock changes; the next one goes on.
const AT_ONCE: i64 = 200;

/// Who may see a brief: those cleared for its marking; before it is published the editors among them, and under embargo
/// not the public.
pub(super) fn audience_of(state: BriefState, marking: Marking, embargoed: bool) -> Audience {
    let cleared = Audience::cleared_for(marking);
    match state {
        BriefState::Published | BriefState::Retracted if embargoed => cleared.under_embargo(),
        BriefState::Published | BriefState::Retracted => cleared,
        BriefState::Draft | BriefState::InReview | BriefState::Scheduled => cleared.editors(),
    }
}

/// The state that a brief gets. What is absent stays. An editor moves it between draft and review; what is published, or
/// is going to be, is a publisher's word.
pub(super) fn state_of(
    caller: &Caller,
    existing: Option<&BriefRow>,
    wanted: Option<BriefState>,
    read_from: GivenVersion,
) -> Result<BriefState, Problem> {
    use BriefState::{Draft, InReview, Published, Retracted, Scheduled};
    let present = existing.map(|existing| existing.state);
    let Some(wanted) = wanted.or(present) else {
        return Ok(Draft);
    };
    match (present, wanted) {
        (Some(present), wanted) if present == wanted => Ok(wanted),
        (None | Some(Draft | InReview), Draft | InReview) => Ok(wanted),
        (None, Published | Scheduled | Retracted) | (Some(Draft | InReview | Scheduled), Published) => {
            if caller.is_publisher() { Ok(wanted) } else { Err(Problem::needs_role(Role::Publisher)) }
        }
        (Some(present), _) if is_older(read_from, existing) => Ok(present),
        (Some(present), _) => {
            let fault = Fault::at("/state", format!("does not follow on `{present}`"));
            let detail = format!("A brief that is `{present}` does not become `{wanted}` by being written.");
            Err(Problem::conflict(detail).with_errors(vec![fault]).with_member("legal", legal_steps(present)))
        }
    }
}

pub(super) fn published_at_of(
    now: Timestamp,
    state: BriefState,
    existing: Option<&BriefRow>,
    wanted: Option<Timestamp>,
    faults: &mut Vec<Fault>,
) -> Option<Timestamp> {
    if !matches!(state, BriefState::Published | BriefState::Retracted) {
        if wanted.is_some() {
            faults.push(Fault::at("/published_at", "is for a brief whose `state` is `published`"));
        }
        return None;
    }
    if wanted.is_some_and(|wanted| wanted > now) {
        faults.push(Fault::at("/published_at", "lies in the future"));
    }
    wanted.or_else(|| existing.and_then(|existing| existing.published_at)).or(Some(now))
}

/// When a brief is going to be published: said of a scheduled one, and forgotten when it becomes another.
pub(super) fn scheduled_for_of(
    state: BriefState,
    existing: Option<&BriefRow>,
    wanted: Option<Timestamp>,
    faults: &mut Vec<Fault>,
) -> Option<Timestamp> {
    let before = existing.and_then(|existing| existing.scheduled_for);
    match (state, wanted) {
        (BriefState::Scheduled, None) => {
            faults.push(Fault::at("/scheduled_for", "is required of a scheduled brief"));
            None
        }
        (BriefState::Scheduled, wanted) => wanted,
        (_, wanted) => {
            if wanted.is_some() && wanted != before {
                faults.push(Fault::at("/scheduled_for", "is for a brief whose `state` is `scheduled`"));
            }
            None
        }
    }
}

pub(super) fn retraction_of(
    state: BriefState,
    existing: Option<&BriefRow>,
    given: Option<RetractionInput>,
    faults: &mut Vec<Fault>,
) -> Option<Retraction> {
    if state != BriefState::Retracted {
        if given.is_some() {
            faults.push(Fault::at("/retraction", "is for a brief whose `state` is `retracted`"));
        }
        return None;
    }
    let retraction = given
        .map(Retraction::from)
        .or_else(|| existing.and_then(|existing| existing.retraction.clone()).map(|Json(retraction)| retraction));
    if retraction.is_none() {
        faults.push(Fault::at("/retraction", "is required of a retracted brief"));
    }
    retraction
}

/// Whether a body is an old version that is put back: what it says is restored, where it stood in the editors' work is not.
fn is_older(read_from: GivenVersion, existing: Option<&BriefRow>) -> bool {
    existing.is_some_and(|existing| read_from.0.is_some_and(|version| version < existing.version))
}

/// The corrections of a brief in their order: a correction that was made stays, whatever is written, and others join it.
pub(super) fn corrections_of(existing: Option<&BriefRow>, given: Vec<CorrectionInput>) -> Vec<Correction> {
    let mut corrections = existing.map(|existing| existing.corrections.0.clone()).unwrap_or_default();
    let given = given.into_iter().map(Correction::from);
    let new: Vec<Correction> = given.filter(|given| !corrections.contains(given)).collect();
    corrections.extend(new);
    corrections.sort_by_key(|correction| correction.at);
    corrections
}

/// A step of the editors' work on a brief.
#[derive(Debug, Clone)]
pub enum Step {
    /// From draft to review.
    Submit,
    /// To be published by itself at a time.
    Schedule(Timestamp),
    /// Public from now on.
    Publish,
    /// Withdrawn: its page stays, with a notice.
    Retract { reason: String, replacement: Option<String> },
    /// Noted to have been corrected.
    Correct { severity: Severity, note: String },
}

/// The steps that lead on from each state, by the last word of their paths.
fn legal_steps(state: BriefState) -> &'static [&'static str] {
    match state {
        BriefState::Draft => &["submit", "schedule", "publish"],
        BriefState::InReview | BriefState::Scheduled => &["schedule", "publish"],
        BriefState::Published => &["retract", "corrections"],
        BriefState::Retracted => &["corrections"],
    }
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Schedule(_) => "schedule",
            Self::Publish => "publish",
            Self::Retract { .. } => "retract",
            Self::Correct { .. } => "corrections",
        }
    }
}

/// Takes a step.
///
/// # Errors
/// 409 that names the legal steps, and 422 for a time of publication that has passed.
pub fn take(write: &mut Write<'_>, existing: BriefRow, step: Step) -> Result<BriefRow, Problem> {
    let legal = legal_steps(existing.state);
    if !legal.contains(&step.name()) {
        let detail = format!(
            "A brief that is `{}` does not take the step `{}`; it takes: {}.",
            existing.state,
            step.name(),
            legal.join(", ")
        );
        return Err(Problem::conflict(detail).with_member("legal", legal));
    }
    let mut row = store::next_version(write, &existing);
    let mut change = None;
    match step {
        Step::Submit => row.state = BriefState::InReview,
        Step::Schedule(at) => {
            if at <= write.at() {
                return Err(Problem::invalid_at("/at", "lies in the past"));
            }
            row.state = BriefState::Scheduled;
            row.scheduled_for = Some(at);
        }
        Step::Publish => publish(write, &mut row),
        Step::Retract { reason, replacement } => {
            row.state = BriefState::Retracted;
            row.retraction = Some(Json(Retraction { at: write.at(), reason, replacement }));
            change = Some(Change::Retracted);
        }
        Step::Correct { severity, note } => {
            row.corrections.0.push(Correction { at: write.at(), severity, note });
            change = Some(Change::Corrected);
        }
    }
    store::put_in_place(write, &existing, &row, change)?;
    Ok(row)
}

fn publish(write: &Write<'_>, row: &mut BriefRow) {
    let embargoed = row.embargo_until.is_some_and(|until| until > write.at());
    row.state = BriefState::Published;
    row.audience = audience_of(BriefState::Published, row.marking, embargoed);
    row.published_at = Some(write.at());
    row.listed_at = write.at();
    row.scheduled_for = None;
}

/// Whether the time has come of any embargo's end or any scheduled publication.
///
/// # Errors
/// When a query fails.
pub fn anything_due(connection: &mut Connection) -> Result<bool, Problem> {
    let now = Timestamp::now();
    Ok(!due_embargoes(connection, now)?.is_empty() || !due_publications(connection, now)?.is_empty())
}

/// Does what is due: publishes what was scheduled for now or earlier, and lifts the embargoes that have ended. Returns how
/// many briefs that changed.
///
/// # Errors
/// When a statement fails.
pub fn do_what_is_due(write: &mut Write<'_>) -> Result<usize, Problem> {
    let (scheduled, embargoed) =
        (due_publications(write.connection, write.at())?, due_embargoes(write.connection, write.at())?);
    for existing in &scheduled {
        let mut row = store::next_version(write, existing);
        publish(write, &mut row);
        store::put_in_place(write, existing, &row, None)?;
    }
    for existing in &embargoed {
        let audience = audience_of(existing.state, existing.marking, false);
        let row = BriefRow { audience, ..store::next_version(write, existing) };
        store::put_in_place(write, existing, &row, None)?;
    }
    Ok(scheduled.len() + embargoed.len())
}

fn due_publications(connection: &mut Connection, now: Timestamp) -> Result<Vec<BriefRow>, Problem> {
    Ok(briefs::table
        .filter(briefs::until.is_null())
        .filter(briefs::state.eq(BriefState::Scheduled))
        .filter(briefs::scheduled_for.le(now))
        .order(briefs::id)
        .limit(AT_ONCE)
        .select(BriefRow::as_select())
        .load(connection)?)
}

/// The published briefs that are still kept from the public although their embargo has ended.
fn due_embargoes(connection: &mut Connection, now: Timestamp) -> Result<Vec<BriefRow>, Problem> {
    Ok(briefs::table
        .filter(briefs::until.is_null())
        .filter(briefs::embargo_until.le(now))
        .filter(briefs::marking.eq(Marking::Clear))
        .filter(briefs::state.eq_any([BriefState::Published, BriefState::Retracted]))
        .filter(diesel::dsl::not(visible(briefs::audience, &Caller::ANYONE)))
        .order(briefs::id)
        .limit(AT_ONCE)
        .select(BriefRow::as_select())
        .load(connection)?)
}
