//! Whom an actor acts with, by the events that they share.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::model::{ActorRow, ActorSummary};
use super::store::summaries;
use crate::access::Sight;
use crate::db::Connection;
use crate::db::types::{Id, Timestamp};
use crate::events::filter::EventFilter;
use crate::http::body::Invalid;
use crate::http::dates::{Span, When};
use crate::http::query::{Limit, Repeated};
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;
use crate::search::ask::Ask;
use crate::search::counts::most_frequent;
use crate::search::document::Naming;
use crate::search::lists::Standing;
use crate::search::tally::{Facet, Value};
use crate::vocabulary::Kind;

/// How many partners of each actor are followed unless told otherwise.
const DEFAULT_LIMIT: usize = 20;

/// So many more are looked at, in case that some were erased.
const SPARE: usize = 20;

/// How far to look.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct NetworkQuery {
    /// By events that may have happened on this day or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-07-01")]
    pub from: Option<When>,
    /// By events that may have happened on this day or earlier.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-10-31")]
    pub to: Option<When>,
    /// 1 for the actor's partners, 2 for theirs too; 1 unless given.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 2, default = 1, example = 2)]
    pub depth: Option<Depth>,
    /// How many partners of each actor are followed, those with whom it shares the most events.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20, example = 20)]
    pub limit: Option<Limit>,
    /// The time as of which to answer, not later than now.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2099-01-01T00:00:00Z")]
    pub as_of: Option<Timestamp>,
}

/// How many steps, 1 or 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth(u32);

impl std::str::FromStr for Depth {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1" => Ok(Self(1)),
            "2" => Ok(Self(2)),
            _ => Err("must be 1 or 2"),
        }
    }
}

crate::http::body::from_text!(Depth);

/// Actors and what they share.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Network {
    /// The actor, its partners and, at depth 2, theirs; the nearest first.
    pub nodes: Vec<Node>,
    /// Who shares events with whom, the most first, each pair once.
    pub edges: Vec<Edge>,
}

/// An actor in a network.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Node {
    /// Who.
    #[serde(flatten)]
    pub actor: ActorSummary,
    /// How many steps from the actor that was asked for.
    #[schema(minimum = 0, maximum = 2, example = 1)]
    pub distance: u32,
}

/// Two actors that share events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Edge {
    /// The one.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c")]
    pub source: Id,
    /// The other.
    #[schema(value_type = uuid::Uuid, example = "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1d")]
    pub target: Id,
    /// How many events both take part in.
    #[schema(example = 3)]
    pub weight: u64,
}

/// The network of an actor.
///
/// # Errors
/// 404 or 410 for the actor, 400 for a span that ends before it begins.
pub fn network_around(
    connection: &mut Connection,
    sight: Sight,
    standing: &Standing,
    reference: &Reference,
    query: &NetworkQuery,
) -> Result<Network, Problem> {
    let actor: ActorRow = resource::behind(connection, sight, reference)?;
    let limit = query.limit.map_or(DEFAULT_LIMIT, |limit| limit.0 as usize);
    let mut distances: HashMap<Id, u32> = HashMap::from([(actor.id, 0)]);
    let mut weights: BTreeMap<(Id, Id), u64> = BTreeMap::new();
    let mut ring = vec![actor.id];
    for distance in 1..=query.depth.map_or(1, |depth| depth.0) {
        let mut next = Vec::new();
        for (one, other, weight) in partners(connection, sight, standing, &ring, query, limit)? {
            weights.insert((one.min(other), one.max(other)), weight);
            if distances.insert(other, distances.get(&other).copied().unwrap_or(distance)).is_none() {
                next.push(other);
            }
        }
        ring = next;
    }
    drawn(connection, sight, distances, weights)
}

/// With whom each of these shares the most events.
fn partners(
    connection: &mut Connection,
    sight: Sight,
    standing: &Standing,
    ring: &[Id],
    query: &NetworkQuery,
    limit: usize,
) -> Result<Vec<(Id, Id, u64)>, Problem> {
    let mut found = Vec::new();
    let span = Span::of(query.from, query.to, None)?;
    for one in ring {
        let events = EventFilter {
            actor: Repeated(vec![one.to_string()]),
            from: query.from,
            to: query.to,
            ..EventFilter::default()
        };
        let of_past = || Standing::past().finder(connection, sight, &events, false);
        let finder = standing.of_now().map_or_else(of_past, |finder| Ok(Arc::clone(finder)))?;
        let ask = Ask::of(&[Kind::Event]).naming(Naming::Actor, [*one]).between_days(span.first_day(), span.last_day());
        let mut counts = finder.count(&sight.caller, &ask, Facet::Naming(Naming::Actor))?;
        counts.retain(|(value, _)| *value != Value::Id(*one));
        // Those who were erased are nobody any more, and take nobody's place.
        let most: Vec<(Id, u64)> = most_frequent(counts, limit + SPARE)
            .into_iter()
            .filter_map(|(value, weight)| Some((of_id(&value)?, weight)))
            .collect();
        let known = summaries(connection, sight.moment, &most.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
        let partners = most.into_iter().filter(|(id, _)| known.contains_key(id)).take(limit);
        found.extend(partners.map(|(other, weight)| (*one, other, weight)));
    }
    Ok(found)
}

fn of_id(value: &Value) -> Option<Id> {
    if let Value::Id(id) = value { Some(*id) } else { None }
}

fn drawn(
    connection: &mut Connection,
    sight: Sight,
    distances: HashMap<Id, u32>,
    weights: BTreeMap<(Id, Id), u64>,
) -> Result<Network, Problem> {
    let ids: Vec<Id> = distances.keys().copied().collect();
    let mut known = summaries(connection, sight.moment, &ids)?;
    let is_known = |id: &Id| known.contains_key(id);
    let mut edges: Vec<Edge> = weights
        .into_iter()
        .filter(|((one, other), _)| is_known(one) && is_known(other))
        .map(|((source, target), weight)| Edge { source, target, weight })
        .collect();
    edges.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| (a.source, a.target).cmp(&(b.source, b.target))));
    let mut nodes: Vec<Node> =
        distances.into_iter().filter_map(|(id, distance)| Some(Node { actor: known.remove(&id)?, distance })).collect();
    nodes.sort_by(|a, b| (a.distance, &a.actor.slug).cmp(&(b.distance, &b.actor.slug)));
    Ok(Network { nodes, edges })
}
