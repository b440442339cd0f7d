//! Timelines: how much there is in each day, week, month or year, by every filter of a list.

use std::collections::{BTreeSet, HashMap};

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Finder;
use super::ask::Ask;
use super::counts::{self, FacetName, Label};
use super::gather::Wish;
use super::lists::{DEFAULT_FACET_LIMIT, Searched, asked};
use super::tally::{Counts, Facet, Interval, Value};
use super::wanted::Wanted;
use crate::access::{Caller, Sight};
use crate::app::AppState;
use crate::db::Connection;
use crate::db::types::Timestamp;
use crate::http::answer;
use crate::http::body::Invalid;
use crate::http::query::{Limit, SearchText};
use crate::problem::Problem;
use crate::vocabulary::Kind;

/// How many rows a timeline has at most.
const MOST_ROWS: usize = 10_000;

/// How to count.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct TimelineQuery {
    /// Words to find, as in lists.
    #[deserr(default)]
    #[param(value_type = Option<String>, max_length = 1000, example = "border committ")]
    pub q: Option<SearchText>,
    /// How long each interval is; weeks begin on Monday. A month unless given.
    #[deserr(default)]
    #[param(inline, example = "week")]
    pub interval: Option<Interval>,
    /// What to count apart, as facets do.
    #[deserr(default)]
    #[param(inline)]
    pub group_by: Option<FacetName>,
    /// How many groups there are at most, the most frequent ones.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20, example = 20)]
    pub group_limit: Option<Limit>,
    /// The time as of which to answer, not later than now.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2099-01-01T00:00:00Z")]
    pub as_of: Option<Timestamp>,
}

/// Counts in time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Timeline {
    /// The intervals in order, from the first in which there is something to the last; in each, every group in its order.
    pub data: Vec<TimelineCount>,
    /// How long each interval is.
    #[schema(example = "week")]
    pub interval: Interval,
}

/// How much there is in an interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TimelineCount {
    /// The first day.
    #[schema(example = "2017-07-24")]
    pub from: NaiveDate,
    /// The last day.
    #[schema(example = "2017-07-30")]
    pub to: NaiveDate,
    /// How many.
    #[schema(example = 3)]
    pub count: u64,
    /// The group, if `group_by` asked for some.
    #[schema(example = "agreement")]
    pub group: Option<String>,
    /// What the group is called, if it is a resource.
    #[schema(example = json!(null))]
    pub group_name: Option<String>,
}

/// Answers the timeline of a list.
///
/// # Errors
/// 400 for parameters that are wrong, 503 while the index is being built.
pub async fn timeline<L: Searched>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    filter: L,
    query: TimelineQuery,
) -> Result<HttpResponse, Problem> {
    if let Some(group) = query.group_by.filter(|group| !is_group::<L>(*group)) {
        let known: Vec<&str> =
            L::FACETS.iter().filter(|known| is_group::<L>(**known)).map(|known| known.as_str()).collect();
        let detail = format!("is `{group}`, by which this is not counted apart; it knows: {}", known.join(", "));
        return Err(Problem::parameter("group_by", detail));
    }
    let as_of = query.as_of;
    let (head, timeline) = asked(state, request, caller, as_of, move |connection, sight, standing| {
        let wanted = query.q.as_ref().map(|q| Wanted::read(&q.0));
        let finder = standing.finder(connection, sight, &filter, wanted.is_some())?;
        let ask = filter.ask(connection, sight)?.wanting(wanted);
        count::<L>(connection, sight, &finder, &ask, &query)
    })
    .await?;
    answer::document(request, caller, head, &timeline)
}

fn is_group<L: Searched>(name: FacetName) -> bool {
    L::FACETS.contains(&name) && !matches!(name, FacetName::Year | FacetName::Month)
}

fn count<L: Searched>(
    connection: &mut Connection,
    sight: Sight,
    finder: &Finder,
    ask: &Ask,
    query: &TimelineQuery,
) -> Result<Timeline, Problem> {
    let interval = query.interval.unwrap_or(Interval::Month);
    let facet = query.group_by.map(|group| group.facet(L::KIND == Kind::Actor));
    let cells = cells(finder, sight, ask, Facet::Calendar(interval), facet)?;
    let groups = match facet {
        None => vec![(None, Label { value: String::new(), name: None })],
        Some(facet) => groups(connection, sight, facet, &cells, query)?,
    };
    let data = filled(interval, &cells, &groups)?;
    Ok(Timeline { data, interval })
}

type Cells = HashMap<(i64, Option<Value>), u64>;
type Groups = Vec<(Option<Value>, Label)>;

fn cells(finder: &Finder, sight: Sight, ask: &Ask, calendar: Facet, group: Option<Facet>) -> Result<Cells, Problem> {
    let cell = |(interval, group): (Value, Option<Value>), count| match interval {
        Value::Number(interval) => Some(((interval, group), count)),
        Value::Text(_) | Value::Id(_) => None,
    };
    let Some(group) = group else {
        let counts = finder.count(&sight.caller, ask, calendar)?;
        return Ok(counts.into_iter().filter_map(|(interval, count)| cell((interval, None), count)).collect());
    };
    let counts = finder.gather(&sight.caller, ask, Wish::cross(vec![calendar, group]))?.cross;
    let pairs = counts.into_iter().filter_map(|(values, count)| {
        let mut values = values.into_iter();
        cell((values.next()?, values.next()), count)
    });
    Ok(pairs.collect())
}

/// The most frequent groups, the most frequent first.
fn groups(
    connection: &mut Connection,
    sight: Sight,
    facet: Facet,
    cells: &Cells,
    query: &TimelineQuery,
) -> Result<Groups, Problem> {
    let mut totals: HashMap<&Value, u64> = HashMap::new();
    for ((_, value), count) in cells {
        if let Some(value) = value {
            *totals.entry(value).or_default() += count;
        }
    }
    let totals: Counts = totals.into_iter().map(|(value, count)| (value.clone(), count)).collect();
    let limit = query.group_limit.map_or(DEFAULT_FACET_LIMIT, |limit| limit.0 as usize);
    let chosen = counts::most_frequent(totals, limit);
    let mut labels = counts::labels(connection, sight.moment, facet, chosen.iter().map(|(value, _)| value))?;
    let mut named: Vec<(u64, Value, Label)> = chosen
        .into_iter()
        .filter_map(|(value, count)| labels.remove(&value).map(|label| (count, value, label)))
        .collect();
    named.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.value.cmp(&b.2.value)));
    Ok(named.into_iter().map(|(_, value, label)| (Some(value), label)).collect())
}

/// Every interval between the first and the last in which there is something, also those without.
fn filled(interval: Interval, cells: &Cells, groups: &Groups) -> Result<Vec<TimelineCount>, Problem> {
    let is_shown = |value: &Option<Value>| groups.iter().any(|(group, _)| group == value);
    let shown: BTreeSet<i64> = cells.keys().filter(|(_, value)| is_shown(value)).map(|(number, _)| *number).collect();
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
        return Ok(Vec::new());
    };
    let rows = usize::try_from(last - first + 1).unwrap_or(usize::MAX).saturating_mul(groups.len());
    if rows > MOST_ROWS {
        let detail = format!(
            "would give {rows} rows, and there are at most {MOST_ROWS}: take a longer one, or narrow the time with `from` and `to`"
        );
        return Err(Problem::parameter("interval", detail));
    }
    Ok((*first..=*last)
        .flat_map(|number| {
            let (from, to) = interval.bounds(number);
            groups.iter().map(move |(value, label)| TimelineCount {
                from,
                to,
                count: cells.get(&(number, value.clone())).copied().unwrap_or_default(),
                group: value.as_ref().map(|_| label.value.clone()),
                group_name: label.name.clone(),
            })
        })
        .collect())
}
