//! A webhook as it is written.

use std::str::FromStr;
use std::time::Duration;

use deserr::{DeserializeError, Deserr, IntoValue, Value, ValuePointerRef};
use url::{Host, Url};
use utoipa::{IntoParams, ToSchema};

use super::addresses::is_public;
use super::filter::WebhookFilter;
use super::log::DeliveryOutcome;
use super::model::MessageType;
use crate::access::Sight;
use crate::actors::names::bearers;
use crate::categories::model::CategoryRow;
use crate::db::Connection;
use crate::db::types::{Id, Timestamp};
use crate::http::body::{Fault, Invalid, ReadOnly, UpTo, from_text, refuse};
use crate::http::query::Limit;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;
use crate::scalars::Line;
use crate::vocabulary::{Kind, Marking};

/// A webhook to make, or to put in the place of another.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[schema(as = WebhookInput)]
pub struct WebhookInput {
    /// Where its messages go: `https`, or `http`, to a public address.
    #[schema(value_type = String, format = "uri", min_length = 1, max_length = 2000, example = "https://partner.example/briefwire")]
    pub url: Endpoint,
    /// The types of the messages that it sends; all unless given.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<MessageType>>, max_items = 100, example = json!(["brief.published", "brief.corrected", "brief.retracted", "brief.removed"]))]
    pub events: Option<UpTo<100, MessageType>>,
    /// What it is narrowed to; nothing unless given.
    #[deserr(default)]
    pub filter: Option<FilterInput>,
    /// Whether it delivers; it does unless told otherwise. Enabled again, it goes on where it stopped.
    #[deserr(default)]
    #[schema(example = true)]
    pub enabled: Option<bool>,
    /// Only of a new one: the position of the journal after which it begins, such as the `Briefwire-Position` of an export; now
    /// unless given.
    #[deserr(default)]
    #[schema(minimum = 0, example = json!(null))]
    pub since: Option<i64>,
    #[deserr(default)]
    #[schema(ignore)]
    pub id: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub switched_off: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub position: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub failures: ReadOnly,
    #[deserr(default)]
    #[schema(ignore)]
    pub next_attempt_at: ReadOnly,
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

/// What a webhook is to be narrowed to. Its members narrow one another; several values of one widen it.
#[derive(Debug, Clone, Default, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[schema(as = WebhookFilterInput)]
pub struct FilterInput {
    /// Only resources of these kinds.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<Kind>>, max_items = 10, example = json!(["brief"]))]
    pub kind: Option<UpTo<10, Kind>>,
    /// Only what stands in these categories, by id or slug, and they themselves.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 100, example = json!([]))]
    pub category: Option<UpTo<MOST_NAMES, Reference>>,
    /// Only what any of these actors takes part in, by id, slug or any known name, and they themselves.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 100, example = json!([]))]
    pub actor: Option<UpTo<MOST_NAMES, Line>>,
    /// Only what is marked so.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<Marking>>, max_items = 10, example = json!([]))]
    pub marking: Option<UpTo<10, Marking>>,
}

/// How many actors, and how many categories, a filter names at most.
const MOST_NAMES: usize = 100;

/// The address of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl FromStr for Endpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| "is no address such as https://partner.example/briefwire")?;
        if text.len() > 2000 {
            Err("is longer than 2000 bytes")
        } else if !matches!(url.scheme(), "https" | "http") {
            Err("is neither https nor http")
        } else if !url.username().is_empty() || url.password().is_some() {
            Err("holds a name or a password; messages are signed, check that")
        } else {
            Ok(Self(url))
        }
    }
}

from_text!(Endpoint);

impl Endpoint {
    /// Refuses an address that shows by itself not to be public. Where a name leads is looked at when a message is sent.
    ///
    /// # Errors
    /// 422.
    pub fn demand_public(&self) -> Result<(), Problem> {
        let is_local = |name: &str| {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        };
        let may_be_public = match self.0.host() {
            Some(Host::Domain(name)) => !is_local(name),
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            None => false,
        };
        let detail = "leads to a private address; the operator can allow that (BRIEFWIRE_WEBHOOK_ALLOW_PRIVATE)";
        if may_be_public { Ok(()) } else { Err(Problem::invalid_at("/url", detail)) }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FilterInput {
    /// Leads its names to what they mean. What stood in the filter before may stay there, whatever has become of it.
    ///
    /// # Errors
    /// 422 with every name that leads nowhere.
    pub fn resolve(
        self,
        connection: &mut Connection,
        sight: Sight,
        before: &WebhookFilter,
    ) -> Result<WebhookFilter, Problem> {
        let mut faults = Vec::new();
        let mut filter = WebhookFilter {
            kind: self.kind.map_or_else(Vec::new, |UpTo(kinds)| kinds),
            marking: self.marking.map_or_else(Vec::new, |UpTo(markings)| markings),
            ..WebhookFilter::default()
        };
        for (index, name) in self.actor.iter().flat_map(|UpTo(names)| names).enumerate() {
            let known = Id::parse(name.as_str()).filter(|id| before.actor.contains(id));
            let meant = known.map_or_else(|| bearers(connection, sight, name.as_str()), |id| Ok(vec![id]))?;
            if meant.is_empty() {
                faults.push(Fault::at(format!("/filter/actor/{index}"), format!("there is no actor `{name}`")));
            }
            filter.actor.extend(meant);
        }
        filter.actor.sort_unstable();
        filter.actor.dedup();
        if filter.actor.len() > MOST_NAMES {
            let detail = format!("means {} actors, and {MOST_NAMES} are the most; name them by id", filter.actor.len());
            faults.push(Fault::at("/filter/actor", detail));
        }
        for (index, reference) in self.category.iter().flat_map(|UpTo(references)| references).enumerate() {
            let row: Option<CategoryRow> = resource::lead(connection, sight, reference)?;
            let known = reference.id.filter(|id| before.category.contains(id));
            match known.or(row.map(|row| row.id)) {
                Some(id) => filter.category.push(id),
                None => faults.push(Fault::missing(Kind::Category, reference, &format!("/filter/category/{index}"))),
            }
        }
        if faults.is_empty() { Ok(filter) } else { Err(Problem::invalid(faults)) }
    }
}

/// How to change the secret.
#[derive(Debug, Clone, Default, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[schema(as = WebhookRotationInput)]
pub struct RotationInput {
    /// For how many hours the secrets of before are valid beside the new one; 24 unless given, and 0 where one has leaked.
    #[deserr(default)]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 168, default = 24, example = 24)]
    pub overlap_hours: Option<Overlap>,
}

/// For how long a secret is valid beside the one that replaces it: up to a week, in hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap(pub Duration);

impl Overlap {
    const MOST_HOURS: u32 = 168;
}

impl Default for Overlap {
    fn default() -> Self {
        Self(Duration::from_secs(24 * 3600))
    }
}

impl<E: DeserializeError> Deserr<E> for Overlap {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, E> {
        let hours = u32::deserialize_from_value(value, location)?;
        if hours > Self::MOST_HOURS {
            return Err(refuse(location, format!("must be from 0 to {}", Self::MOST_HOURS)));
        }
        Ok(Self(Duration::from_secs(u64::from(hours) * 3600)))
    }
}

/// What to deliver again: one delivery, or everything since a time.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[schema(as = RedeliveryInput)]
pub struct RedeliveryInput {
    /// The delivery, by its id: it is sent now, once, beside all others.
    #[deserr(default)]
    #[schema(value_type = Option<uuid::Uuid>, example = json!(null))]
    delivery: Option<DeliveryId>,
    /// The time: the webhook goes back, or forward, to it and delivers what follows in order.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2017-07-31T10:12:00Z")]
    since: Option<Timestamp>,
}

/// The same, read.
#[derive(Debug, Clone, Copy, Deserr)]
#[deserr(error = Invalid, try_from(RedeliveryInput) = Redelivery::of -> Invalid)]
pub enum Redelivery {
    /// One delivery.
    One(Id),
    /// Everything since a time.
    Since(Timestamp),
}

impl Redelivery {
    fn of(input: RedeliveryInput) -> Result<Self, Invalid> {
        match (input.delivery, input.since) {
            (Some(delivery), None) => Ok(Self::One(delivery.0)),
            (None, Some(time)) => Ok(Self::Since(time)),
            _ => Err(Invalid(vec![Fault::at("", "must give either `delivery` or `since`")])),
        }
    }
}

/// The id of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryId(pub Id);

impl FromStr for DeliveryId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Id::parse(text).map(Self).ok_or("is not a UUID")
    }
}

from_text!(DeliveryId);

/// Which part of the log to show.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// Only those whose last attempt came out so.
    #[deserr(default)]
    #[param(inline)]
    pub outcome: Option<DeliveryOutcome>,
    /// How many rows a page has at most.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20, example = 20)]
    pub limit: Option<Limit>,
    /// The `page.next` of the page before.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "WyItbGFzdF9hdHRlbXB0X2F0IiwiMjAxNy0wNy0zMVQxMDoxMjowMFoiLCIwMTkwZjJmNC03ZDNjLThhNTMtOGIwYS0zZjFkNmY2YTBiMWMiXQ")]
    pub cursor: Option<String>,
}
