//! A trend as it is written, alone or inside of its brief.

use deserr::{Deserr, ValuePointerRef};
use utoipa::ToSchema;

use crate::http::body::{Fault, GivenId, Invalid, ReadOnly, UpTo, checked};
use crate::reference::Reference;
use crate::scalars::{Day, Line, Prose, Slug};
use crate::vocabulary::{Assessment, Confidence, Direction, Likelihood, Outcome};

/// A trend to create, or to put in the place of another.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields, validate = TrendInput::check -> Invalid)]
pub struct TrendInput {
    /// Inside of a brief: which of its trends this is, if it is not new.
    #[deserr(default)]
    #[schema(value_type = Option<uuid::Uuid>, example = json!(null))]
    pub id: GivenId,
    /// Its readable name in paths; made of the statement and the period unless given.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9-]{1,120}$", example = "army-influence-2017-07-30")]
    pub slug: Option<Slug>,
    /// The brief that it belongs to; needed for a new one that is not written inside of a brief, and never changed.
    #[deserr(default)]
    pub brief: Option<Reference>,
    /// Where it stands in its brief, from 1; at the end unless given. Inside of a brief the order of the list counts.
    #[deserr(default)]
    #[schema(minimum = 1, example = 1)]
    pub position: Option<u16>,
    /// The judgement, in a sentence.
    #[schema(value_type = String, min_length = 1, example = "The army's influence grows through appointments.")]
    pub statement: Prose,
    /// Which way things move.
    pub direction: Direction,
    /// What that means.
    #[deserr(default)]
    pub assessment: Option<Assessment>,
    /// The line of judgement that it continues.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9-]{1,120}$", example = "army-influence")]
    pub series: Option<Slug>,
    /// How likely it is, by ICD 203; synonyms are accepted.
    #[deserr(default)]
    pub likelihood: Option<Likelihood>,
    /// The same in percent, inside of the term's band.
    #[deserr(default)]
    #[schema(minimum = 1, maximum = 99, example = 70)]
    pub probability: Option<u8>,
    /// How much the analyst trusts the ground of it.
    #[deserr(default)]
    pub confidence: Option<Confidence>,
    /// What bounds the judgement.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "The president wants to depend on neither.")]
    pub limits: Option<Prose>,
    /// By when it can be judged.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = Date, example = "2017-12-31")]
    pub horizon: Option<Day>,
    /// What became of it; `pending` unless given.
    #[deserr(default)]
    pub outcome: Option<Outcome>,
    /// What is to be said of that.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = json!(null))]
    pub outcome_note: Option<Prose>,
    /// Whom it is about.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<Reference>>, max_items = 200)]
    pub actors: Option<UpTo<200, Reference>>,
    /// The events that it rests on.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<Reference>>, max_items = 200, example = json!([]))]
    pub evidence: Option<UpTo<200, Reference>>,
    #[deserr(default)]
    #[schema(ignore)]
    pub version: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub created_at: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub updated_at: ReadOnly,
}

impl TrendInput {
    fn check(self, location: ValuePointerRef<'_>) -> Result<Self, Invalid> {
        let mut faults = Vec::new();
        if self.statement.as_str().trim().is_empty() {
            faults.push(Fault::at("/statement", "must not be empty"));
        }
        let (low, high) = self.likelihood.map_or((1, 99), Likelihood::band);
        if let Some(probability) = self.probability.map(i16::from)
            && !(low..=high).contains(&probability)
        {
            let of = self.likelihood.map_or("a probability".to_owned(), |term| format!("`{term}`"));
            let detail = format!("{probability} lies outside of the band of {of}, {low} to {high}");
            faults.push(Fault::at("/probability", detail));
        }
        checked(self, location, faults)
    }

    /// The start of the statement, which its slug is made of.
    pub(super) fn heading(&self) -> Line {
        let start: String =
            self.statement.as_str().chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
        start.parse().unwrap_or_else(|_| Line::untitled())
    }
}
