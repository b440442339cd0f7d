//! The query of a request: what is asked for, refused with every fault at once.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use dashmap::DashMap;
use deserr::{DeserializeError, Deserr, IntoValue, Sequence, Value, ValueKind, ValuePointerRef};
use futures_util::future::{Ready, ready};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::db::types::Timestamp;
use crate::http::body::{Fault, Invalid, from_text, refuse, unknown_name, wrong_kind};
use crate::problem::Problem;
use crate::reference::Reference;

/// How many values one parameter may list: enough for any page, too few to make a statement explode.
pub const MANY_LIMIT: usize = 50;

/// Extracts the query as `T`, whose documented parameters are the only ones that are accepted.
pub struct Query<T>(pub T);

impl<T: Deserr<Invalid> + IntoParams + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut pairs = pairs(request.query_string());
        let known = names::<T>();
        let mut faults = unknown(&pairs, &known);
        let value = take::<T>(&mut pairs, &known, &mut faults);
        ready(match (value, faults.is_empty()) {
            (Some(value), true) => Ok(Self(value)),
            _ => Err(Problem::parameters(faults)),
        })
    }
}

/// Extracts the query of a list: what to filter by, which each list says for itself, how to show it, and what else it can be
/// asked.
pub struct ListQuery<F, R = Unfiltered> {
    /// What the list asks for.
    pub filter: F,
    /// How much of it to show, and in which form.
    pub view: ListView,
    /// The rest.
    pub rest: R,
}

impl<F, R> FromRequest for ListQuery<F, R>
where
    F: Deserr<Invalid> + IntoParams + 'static,
    R: Deserr<Invalid> + IntoParams + 'static,
{
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut pairs = pairs(request.query_string());
        let (filters, views, others) = (names::<F>(), names::<ListView>(), names::<R>());
        let known: Vec<String> = filters.iter().chain(&*views).chain(&*others).cloned().collect();
        let mut faults = unknown(&pairs, &known);
        let filter = take::<F>(&mut pairs, &filters, &mut faults);
        let view = take::<ListView>(&mut pairs, &views, &mut faults);
        let rest = take::<R>(&mut pairs, &others, &mut faults);
        ready(match (filter, view, rest, faults.is_empty()) {
            (Some(filter), Some(view), Some(rest), true) => Ok(Self { filter, view, rest }),
            _ => Err(Problem::parameters(faults)),
        })
    }
}

/// The filter of a list without what orders and shows its rows, for what has none.
#[derive(Debug, Clone, Default)]
pub struct FilterOnly<F>(pub F);

const OF_ROWS: [&str; 2] = ["sort", "include"];

impl<F: IntoParams> IntoParams for FilterOnly<F> {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        F::into_params(place).into_iter().filter(|parameter| !OF_ROWS.contains(&parameter.name.as_str())).collect()
    }
}

impl<E: DeserializeError, F: Deserr<E>> Deserr<E> for FilterOnly<F> {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, E> {
        F::deserialize_from_value(value, location).map(Self)
    }
}

/// Extracts two sets of parameters from one query.
pub struct Both<A, B>(pub A, pub B);

impl<A, B> FromRequest for Both<A, B>
where
    A: Deserr<Invalid> + IntoParams + 'static,
    B: Deserr<Invalid> + IntoParams + 'static,
{
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut pairs = pairs(request.query_string());
        let (first, second) = (names::<A>(), names::<B>());
        let known: Vec<String> = first.iter().chain(&*second).cloned().collect();
        let mut faults = unknown(&pairs, &known);
        let values = (take::<A>(&mut pairs, &first, &mut faults), take::<B>(&mut pairs, &second, &mut faults));
        ready(match (values, faults.is_empty()) {
            ((Some(first), Some(second)), true) => Ok(Self(first, second)),
            _ => Err(Problem::parameters(faults)),
        })
    }
}

/// How a list is shown: the parameters that every list has.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListView {
    /// How many rows a page has. Without it, `csv` and `ndjson` have every row.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20, example = 20)]
    pub limit: Option<Limit>,
    /// Where to go on: the `page.next` of the page before, with the same sort.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "WyItcHVibGlzaGVkX2F0IiwiMjAxNy0wNy0zMVQxMDoxMjowMFoiLCIwMTkwZjJmNC03ZDNjLTdhNTMtOGIwYS0zZjFkNmY2YTBiMWMiXQ")]
    pub cursor: Option<String>,
    /// The members to show, with dots for members of members; everything else is left out.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "slug,title")]
    pub fields: Option<String>,
    /// The time as of which to answer, not later than now: how the archive stood then, as far as the caller could see it then
    /// and may see it now.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2017-08-31T00:00:00Z")]
    pub as_of: Option<Timestamp>,
    /// Whether to count every row that matches, as `page.total`.
    #[deserr(default)]
    #[param(value_type = Option<bool>, example = true)]
    pub count: Option<Switch>,
    /// The format, which is otherwise the one that `Accept` asks for.
    #[deserr(default)]
    #[param(inline)]
    pub format: Option<ListFormat>,
}

crate::vocabulary::vocabulary! {
    /// The formats of a list. `csv` and `ndjson` stream every row unless `limit` is given.
    ListFormat { Json = "json", Csv = "csv", Ndjson = "ndjson" }
}

/// A whole number written in digits alone.
#[must_use]
pub fn whole_number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The size of a page, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub u32);

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limit = whole_number(text).filter(|limit| (1..=100).contains(limit));
        limit.map(Self).ok_or("must be a whole number from 1 to 100")
    }
}

from_text!(Limit);

/// What is searched for, of bounded length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(pub String);

impl FromStr for SearchText {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().count() > 1000 { Err("is longer than 1000 characters") } else { Ok(Self(text.to_owned())) }
    }
}

from_text!(SearchText);

/// A position of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position(pub i64);

impl FromStr for Position {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        whole_number(text).map(Self).ok_or("must be a position of the journal, a whole number from 0")
    }
}

from_text!(Position);

/// The number of a version, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionNumber(pub i32);

impl FromStr for VersionNumber {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        whole_number(text).filter(|number| *number > 0).map(Self).ok_or("must be the number of a version, from 1")
    }
}

from_text!(VersionNumber);

/// What a list can be asked that is not filtered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unfiltered;

impl<E: DeserializeError> Deserr<E> for Unfiltered {
    fn deserialize_from_value<V: IntoValue>(_: Value<V>, _: ValuePointerRef<'_>) -> Result<Self, E> {
        Ok(Self)
    }
}

impl IntoParams for Unfiltered {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

/// `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch(pub bool);

impl FromStr for Switch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| "must be true or false")
    }
}

from_text!(Switch);

/// Several values: the parameter repeated, or one with commas. Any of them matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Many<T>(pub Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, E> Deserr<E> for Many<T>
where
    T: FromStr,
    T::Err: fmt::Display,
    E: DeserializeError,
{
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, E> {
        let texts = texts(value, location)?;
        let parts: Vec<&str> = texts.iter().flat_map(|text| text.split(',')).map(str::trim).collect();
        if parts.len() > MANY_LIMIT {
            return Err(refuse(location, format!("lists more than {MANY_LIMIT} values")));
        }
        parts
            .into_iter()
            .map(|part| part.parse().map_err(|error: T::Err| refuse(location, error)))
            .collect::<Result<_, E>>()
            .map(Self)
    }
}

/// The id or slug of something, in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameOrSlug(pub Reference);

impl FromStr for NameOrSlug {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.contains('\0') {
            Err("must be an id or a slug")
        } else {
            Ok(Self(Reference::from_text(text)))
        }
    }
}

from_text!(NameOrSlug);

/// Several values that are not split at commas, since the values themselves may have some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repeated(pub Vec<String>);

impl<E: DeserializeError> Deserr<E> for Repeated {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, E> {
        let texts = texts(value, location)?;
        if texts.len() > MANY_LIMIT {
            return Err(refuse(location, format!("is given more than {MANY_LIMIT} times")));
        }
        if texts.iter().any(|text| text.trim().is_empty() || text.contains('\0')) {
            return Err(refuse(location, "must not be empty"));
        }
        Ok(Self(texts))
    }
}

fn texts<V: IntoValue, E: DeserializeError>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Vec<String>, E> {
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Sequence(items) => items
            .into_iter()
            .map(|item| match item.into_value() {
                Value::String(text) => Ok(text),
                other => Err(wrong_kind(other, &[ValueKind::String], location)),
            })
            .collect(),
        other => Err(wrong_kind(other, &[ValueKind::String, ValueKind::Sequence], location)),
    }
}

type Pairs = BTreeMap<String, Vec<String>>;

fn pairs(query: &str) -> Pairs {
    let mut pairs = Pairs::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        pairs.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    pairs
}

/// The names of the documented parameters. They are worked out once for each set: to describe parameters takes longer than to
/// answer many a request.
fn names<T: IntoParams + 'static>() -> Arc<[String]> {
    static KNOWN: LazyLock<DashMap<TypeId, Arc<[String]>>> = LazyLock::new(DashMap::new);
    let worked_out = || T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
    if let Some(known) = KNOWN.get(&TypeId::of::<T>()) {
        return Arc::clone(&known);
    }
    Arc::clone(&KNOWN.entry(TypeId::of::<T>()).or_insert_with(worked_out))
}

fn unknown(pairs: &Pairs, known: &[String]) -> Vec<Fault> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    pairs
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| Fault::parameter(name, unknown_name("parameter", name, &known)))
        .collect()
}

fn take<T: Deserr<Invalid>>(pairs: &mut Pairs, known: &[String], faults: &mut Vec<Fault>) -> Option<T> {
    let mut values = serde_json::Map::new();
    for name in known {
        if let Some(mut given) = pairs.remove(name) {
            let value = if given.len() == 1 { given.pop().into() } else { given.into() };
            values.insert(name.clone(), value);
        }
    }
    match deserr::deserialize::<T, _, Invalid>(serde_json::Value::Object(values)) {
        Ok(value) => Some(value),
        Err(Invalid(found)) => {
            faults.extend(found.into_iter().map(as_parameter));
            None
        }
    }
}

fn as_parameter(fault: Fault) -> Fault {
    let place = fault.pointer.unwrap_or_default();
    let name = place.trim_start_matches('/').split('/').next().unwrap_or_default();
    Fault::parameter(name, fault.detail)
}
