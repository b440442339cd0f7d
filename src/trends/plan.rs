//! From what a writer says of a trend to what is going to be stored: its names led to what they mean, its rules checked.

use super::input::TrendInput;
use super::model::{Stored, TrendRow};
use super::views::event_links;
use crate::access::Audience;
use crate::actors;
use crate::briefs::links::with_hidden;
use crate::briefs::model::BriefRow;
use crate::db::types::Id;
use crate::events::model::EventRow;
use crate::http::body::{Fault, UpTo};
use crate::journal::Write;
use crate::problem::Problem;
use crate::resource::{self, Resource};
use crate::scalars::{Day, Prose, Slug};
use crate::slugs;
use crate::vocabulary::Outcome;

/// A trend as it is going to be: what its writer says, without what follows from its brief and its place.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) id: Id,
    pub(super) existing: Option<Stored>,
    pub(super) row: TrendRow,
    pub(super) actors: Vec<Id>,
    pub(super) evidence: Vec<Id>,
}

impl Plan {
    /// What is stored, as a plan to leave it as it is.
    #[must_use]
    pub fn of_stored(stored: Vec<Stored>) -> Vec<Self> {
        stored
            .into_iter()
            .map(|stored| Self {
                id: stored.row.id,
                row: stored.row.clone(),
                actors: stored.actors.clone(),
                evidence: stored.evidence.clone(),
                existing: Some(stored),
            })
            .collect()
    }

    /// Which trend it is.
    #[must_use]
    pub fn id(&self) -> Id {
        self.id
    }

    /// The slug that it has or is going to have.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.row.slug
    }
}

/// Which trend a plan is for.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// One that is going to have this identity.
    New(Id),
    /// One that is there.
    Stored(&'a Stored),
}

/// Turns an input into a plan, with a slug that none of its `siblings` has: every reference led to what it means, every rule checked, every fault noted.
///
/// # Errors
/// When a query fails.
pub fn plan(
    write: &mut Write<'_>,
    brief: &BriefRow,
    which: Which<'_>,
    input: TrendInput,
    siblings: &[&str],
    pointer: &str,
    faults: &mut Vec<Fault>,
) -> Result<Plan, Problem> {
    let (id, existing) = match which {
        Which::New(id) => (id, None),
        Which::Stored(stored) => (stored.row.id, Some(stored)),
    };
    let mut actor_ids = Vec::new();
    for (index, actor) in input.actors.iter().flat_map(|UpTo(list)| list).enumerate() {
        if let Some(actor) = actors::store::meant(write, actor, &format!("{pointer}/actors/{index}"), faults)?
            && !actor_ids.contains(&actor)
        {
            actor_ids.push(actor);
        }
    }
    let evidence = evidence_of_input(write, &input, existing, pointer, faults)?;
    let hidden = hidden_evidence(write, existing)?;
    let before = existing.map(|stored| stored.evidence.as_slice()).unwrap_or_default();
    let evidence = with_hidden(evidence, before, &hidden);
    let (period_from, period_to) = brief.period_of_trends();
    let heading = input.heading();
    let slug = match (&input.slug, existing) {
        (Some(slug), _) => slug.as_str().to_owned(),
        (None, Some(stored)) => stored.row.slug.clone(),
        (None, None) => slugs::choose(
            None,
            || Slug::derive(heading.as_str(), &period_to.to_string()),
            |slugs| {
                let mut taken = TrendRow::taken_slugs(write.connection, slugs)?;
                taken.extend(siblings.iter().filter(|slug| slugs.contains(slug)).map(ToString::to_string));
                Ok(taken)
            },
        )?,
    };
    let row = TrendRow {
        id,
        since: write.since(),
        until: None,
        version: 1,
        created_at: write.at(),
        updated_at: write.at(),
        audience: Audience::NOBODY,
        slug,
        brief_id: brief.id,
        position: 0,
        statement: input.statement.into_string(),
        direction: input.direction,
        assessment: input.assessment,
        series: input.series.map(Slug::into_string),
        likelihood: input.likelihood,
        probability: input.probability.map(i16::from),
        confidence: input.confidence,
        limits: input.limits.map(Prose::into_string),
        horizon: input.horizon.map(|Day(day)| day),
        outcome: input.outcome.unwrap_or(Outcome::Pending),
        outcome_note: input.outcome_note.map(Prose::into_string),
        period_from,
        period_to,
    };
    Ok(Plan { id, existing: existing.cloned(), row, actors: actor_ids, evidence })
}

/// The events that the input names. One that was deleted meanwhile stays, if it was there before.
fn evidence_of_input(
    write: &mut Write<'_>,
    input: &TrendInput,
    existing: Option<&Stored>,
    pointer: &str,
    faults: &mut Vec<Fault>,
) -> Result<Vec<Id>, Problem> {
    let mut evidence = Vec::new();
    for (index, reference) in input.evidence.iter().flat_map(|UpTo(list)| list).enumerate() {
        let already = reference.id.filter(|id| existing.is_some_and(|stored| stored.evidence.contains(id)));
        let meant = match already {
            Some(id) => Some(id),
            None => resource::meant::<EventRow>(write, reference, &format!("{pointer}/evidence/{index}"), faults)?
                .map(|(id, _)| id),
        };
        evidence.extend(meant.filter(|id| !evidence.contains(id)));
    }
    Ok(evidence)
}

/// The evidence that the writer may not see, and so can neither keep nor drop.
fn hidden_evidence(write: &mut Write<'_>, existing: Option<&Stored>) -> Result<Vec<Id>, Problem> {
    let Some(existing) = existing.filter(|stored| !stored.evidence.is_empty()) else {
        return Ok(Vec::new());
    };
    let sight = write.sight();
    let seen = event_links(write.connection, sight, &existing.evidence)?;
    Ok(existing.evidence.iter().copied().filter(|id| !seen.contains_key(id)).collect())
}
