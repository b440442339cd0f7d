//! Counts as they are served: how often each value occurs, with what it is called.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::document::{Naming, Tag};
use super::tally::{Counts, Facet, Interval, Value};
use crate::access::Moment;
use crate::db::Connection;
use crate::db::types::Id;
use crate::problem::Problem;
use crate::vocabulary::Kind;
use crate::{actors, categories};

crate::vocabulary::vocabulary! {
    /// What lists can be counted by.
    FacetName {
        Type = "type",
        Category = "category",
        Country = "country",
        Kind = "kind",
        Actor = "actor",
        Direction = "direction",
        Assessment = "assessment",
        CategoryStatus = "category_status",
        Series = "series",
        Likelihood = "likelihood",
        Outcome = "outcome",
        State = "state",
        Marking = "marking",
        Language = "language",
        Year = "year",
        Month = "month",
    }
}

impl FacetName {
    /// What of a document it means; the kinds of actors are others than those of events.
    #[must_use]
    pub fn facet(self, of_actors: bool) -> Facet {
        match self {
            Self::Type => Facet::Kind,
            Self::Category => Facet::Naming(Naming::Category),
            Self::Country => Facet::Tag(Tag::Country),
            Self::Kind if of_actors => Facet::Tag(Tag::ActorKind),
            Self::Kind => Facet::Tag(Tag::EventKind),
            Self::Actor => Facet::Naming(Naming::Actor),
            Self::Direction => Facet::Tag(Tag::Direction),
            Self::Assessment => Facet::Tag(Tag::Assessment),
            Self::CategoryStatus => Facet::Tag(Tag::CategoryStatus),
            Self::Series => Facet::Tag(Tag::Series),
            Self::Likelihood => Facet::Tag(Tag::Likelihood),
            Self::Outcome => Facet::Tag(Tag::Outcome),
            Self::State => Facet::Tag(Tag::State),
            Self::Marking => Facet::Tag(Tag::Marking),
            Self::Language => Facet::Tag(Tag::Language),
            Self::Year => Facet::Calendar(Interval::Year),
            Self::Month => Facet::Calendar(Interval::Month),
        }
    }
}

/// How often the values of each facet occur.
pub type Facets = BTreeMap<FacetName, Vec<FacetCount>>;

/// How often a value occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FacetCount {
    /// The value, as the parameter of the same name takes it.
    #[schema(example = "security")]
    pub value: String,
    /// What it is called, if it is a resource.
    #[schema(example = "Security")]
    pub name: Option<String>,
    /// How many of the resources that match have it.
    #[schema(example = 3)]
    pub count: u64,
}

/// The most frequent values first, as many as are wanted, with their names.
///
/// # Errors
/// When a query fails.
pub fn ranked(
    connection: &mut Connection,
    moment: Moment,
    facet: Facet,
    counts: Counts,
    limit: usize,
) -> Result<Vec<FacetCount>, Problem> {
    let counts = most_frequent(counts, limit);
    let labels = labels(connection, moment, facet, counts.iter().map(|(value, _)| value))?;
    let mut ranked: Vec<FacetCount> = counts
        .into_iter()
        .filter_map(|(value, count)| {
            let Label { value, name } = labels.get(&value)?.clone();
            Some(FacetCount { value, name, count })
        })
        .collect();
    ranked.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    Ok(ranked)
}

/// The values that occur most often; of those that occur alike, the smaller.
#[must_use]
pub fn most_frequent(mut counts: Counts, limit: usize) -> Counts {
    let order = |a: &(Value, u64), b: &(Value, u64)| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0));
    if limit < counts.len() {
        counts.select_nth_unstable_by(limit, order);
        counts.truncate(limit);
    }
    counts.sort_unstable_by(order);
    counts
}

/// What a value is in an answer.
#[derive(Debug, Clone)]
pub struct Label {
    /// As a parameter takes it.
    pub value: String,
    /// What it is called, if it is a resource.
    pub name: Option<String>,
}

/// The labels of a facet's values.
///
/// # Errors
/// When a query fails.
pub fn labels<'v>(
    connection: &mut Connection,
    moment: Moment,
    facet: Facet,
    values: impl Iterator<Item = &'v Value>,
) -> Result<HashMap<Value, Label>, Problem> {
    let values: Vec<&Value> = values.collect();
    let ids: Vec<Id> =
        values.iter().filter_map(|value| if let Value::Id(id) = value { Some(*id) } else { None }).collect();
    let named = match facet {
        Facet::Naming(naming) => names(connection, moment, naming, &ids)?,
        _ => HashMap::new(),
    };
    let label = |value: &Value| match value {
        Value::Text(text) => Some(Label { value: text.clone(), name: None }),
        Value::Id(id) => named.get(id).cloned(),
        Value::Number(number) => Some(Label { value: numbered(facet, *number), name: None }),
    };
    Ok(values.into_iter().filter_map(|value| Some((value.clone(), label(value)?))).collect())
}

fn names(
    connection: &mut Connection,
    moment: Moment,
    naming: Naming,
    ids: &[Id],
) -> Result<HashMap<Id, Label>, Problem> {
    Ok(match naming {
        Naming::Actor => actors::store::summaries(connection, moment, ids)?
            .into_iter()
            .map(|(id, actor)| (id, Label { value: actor.slug, name: Some(actor.name) }))
            .collect(),
        Naming::Category => categories::store::links(connection, moment, ids)?
            .into_iter()
            .map(|(id, category)| (id, Label { value: category.slug, name: Some(category.name) }))
            .collect(),
    })
}

fn numbered(facet: Facet, number: i64) -> String {
    match facet {
        Facet::Kind => {
            let kind = usize::try_from(number).ok().and_then(|place| Kind::TERMS.get(place));
            kind.copied().unwrap_or_default().to_owned()
        }
        Facet::Calendar(Interval::Month) => interval_name(Interval::Month, number, 7),
        Facet::Calendar(Interval::Year) => interval_name(Interval::Year, number, 4),
        Facet::Calendar(interval) => interval_name(interval, number, 10),
        Facet::Tag(_) | Facet::Naming(_) | Facet::Probability => number.to_string(),
    }
}

/// The beginning of its first day: `2017`, `2017-07`.
fn interval_name(interval: Interval, number: i64, length: usize) -> String {
    interval.bounds(number).0.to_string().chars().take(length).collect()
}
