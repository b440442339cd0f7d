//! Lists: keyset pages, and the one way from a list's query to its answer.
//!
//! A page asks for the rows after the last one of the page before, by the sort's key and then by id: so it costs the
//! same wherever it stands, and no row is skipped or repeated while others write. A [`Cursor`] is that last row's key.

use std::fmt::Display;
use std::str::FromStr;

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use diesel::QueryResult;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Caller, Sight};
use crate::actors::resolve;
use crate::app::AppState;
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, Needs, once_there};
use crate::http::answer::{self, Format, as_json};
use crate::http::fields::{Known, Selection};
use crate::http::query::{Limit, ListQuery, ListView};
use crate::http::tabular;
use crate::journal;
use crate::problem::Problem;
use crate::projections::Ready;
use crate::search::counts::Facets;
use crate::search::lists::Match;

/// How many rows a page has unless told otherwise.
pub const DEFAULT_LIMIT: u32 = 20;
/// How many rows are fetched at a time while a whole list is streamed.
const STREAM_CHUNK: u32 = 500;

/// What a slice says of its list: the filter type knows how to fetch a page of what it filters.
pub trait Listed: Clone + Send + 'static {
    /// A row as it is served.
    type View: Serialize + ToSchema + Send + 'static;

    /// The members that a row has only when they are asked for by `include` or `fields`.
    const EXTRAS: &'static [&'static str];

    /// The members that only a single resource has.
    const SINGLE_ONLY: &'static [&'static str] = &[];

    /// Whether it may have rows ready as JSON.
    const IS_KEPT: bool = false;

    /// The extras that `include` names.
    fn included(&self) -> Vec<&'static str>;

    /// The rows of one page that are seen.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist, and for a cursor of another sort.
    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        window: &Window,
    ) -> Result<Rows<Self::View>, Problem>;

    /// The same rows as JSON, of which a list may have some ready.
    ///
    /// # Errors
    /// As [`Listed::page`].
    fn json(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        window: &Window,
        _: &mut Ready,
    ) -> Result<JsonRows, Problem> {
        self.page(connection, sight, extras, window)?.in_json(|rows| JsonPage::of(&rows))
    }

    /// How many rows there are on all pages.
    ///
    /// # Errors
    /// As [`Listed::page`].
    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem>;

    /// How often values occur on all pages, if that was asked.
    ///
    /// # Errors
    /// As [`Listed::page`].
    fn facets(&self, _: &mut Connection, _: Sight) -> Result<Option<Facets>, Problem> {
        Ok(None)
    }

    /// The position of the journal up to which its answers know everything.
    fn fresh_to(&self) -> i64 {
        i64::MAX
    }

    /// Whether a page takes long, and must not hold a worker.
    fn is_long(&self) -> bool {
        false
    }
}

/// The extras of a list that were asked for.
#[derive(Debug, Clone, Default)]
pub struct Extras(Vec<&'static str>);

impl Extras {
    /// Every extra: how a single resource is shown.
    #[must_use]
    pub fn all(names: &[&'static str]) -> Self {
        Self(names.to_vec())
    }

    /// Whether none was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this one was asked for.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

/// The part of a list that is wanted: how many rows, after which one.
#[derive(Debug, Clone)]
pub struct Window {
    limit: u32,
    after: Option<Cursor>,
}

/// The rows of a page, and the key of the last one if there are more.
pub struct Rows<T> {
    /// In order.
    pub rows: Vec<T>,
    /// Where the next page goes on.
    pub next: Option<Cursor>,
    /// How they match what was searched for, if something was.
    pub matches: Option<Vec<Match>>,
}

/// The rows of a page as JSON.
pub struct JsonRows {
    /// In order.
    pub page: JsonPage,
    /// Where the next page goes on.
    pub next: Option<Cursor>,
    /// How they match what was searched for, if something was.
    pub matches: Option<Vec<Match>>,
}

/// The place of a row in a sorted list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(String, String, Id);

impl Cursor {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Result<Self, Problem> {
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| Problem::parameter("cursor", "is not the `page.next` of any page"))
    }
}

impl Window {
    /// The first page.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    /// The page that a query asks for.
    ///
    /// # Errors
    /// 400 for a cursor that is none.
    pub fn of(limit: Option<Limit>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.map_or(DEFAULT_LIMIT, |limit| limit.0);
        Ok(Self { limit, after: cursor.map(Cursor::decode).transpose()? })
    }

    /// How many rows it has at most.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// How many rows to fetch: one more than are shown, to learn whether there are more.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The key and id after which the page starts, for this sort.
    ///
    /// # Errors
    /// 400 when the cursor is of another sort, or was tampered with.
    pub fn after<K: FromStr>(&self, sort: &str) -> Result<Option<(K, Id)>, Problem> {
        let Some(Cursor(of, key, id)) = &self.after else {
            return Ok(None);
        };
        if of != sort {
            return Err(Problem::parameter("cursor", format!("belongs to the sort `{of}`, not to `{sort}`")));
        }
        let key = Some(key)
            .filter(|key| !key.contains('\0'))
            .and_then(|key| key.parse().ok())
            .ok_or_else(|| Problem::parameter("cursor", "is not the `page.next` of any page"))?;
        Ok(Some((key, *id)))
    }

    /// Cuts what was fetched, in one part or several, to the size of the page, and finds the cursor of the next one.
    #[must_use]
    pub fn cut<T, K: Display + Ord>(&self, sort: &str, mut rows: Vec<T>, key: impl Fn(&T) -> (K, Id)) -> Rows<T> {
        rows.sort_by_cached_key(&key);
        if sort.starts_with('-') {
            rows.reverse();
        }
        self.cut_sorted(sort, rows, key)
    }

    /// The same for what is in order already.
    #[must_use]
    pub fn cut_sorted<T, K: Display>(&self, sort: &str, mut rows: Vec<T>, key: impl Fn(&T) -> (K, Id)) -> Rows<T> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| {
            let (key, id) = key(last);
            Cursor(sort.to_owned(), key.to_string(), id)
        });
        Rows { rows, next, matches: None }
    }
}

impl<T> Rows<T> {
    /// The `cursor` of the next page, if there is one.
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        self.next.as_ref().map(Cursor::encode)
    }

    /// The same page of something made from its rows.
    ///
    /// # Errors
    /// What `make` returns.
    pub fn map<U, E>(self, make: impl FnOnce(Vec<T>) -> Result<Vec<U>, E>) -> Result<Rows<U>, E> {
        Ok(Rows { rows: make(self.rows)?, next: self.next, matches: self.matches })
    }

    /// The same page as JSON.
    ///
    /// # Errors
    /// What `make` returns.
    pub fn in_json<E>(self, make: impl FnOnce(Vec<T>) -> Result<JsonPage, E>) -> Result<JsonRows, E> {
        Ok(JsonRows { page: make(self.rows)?, next: self.next, matches: self.matches })
    }
}

/// What a row is ordered by, where the lists of a kind are ordered by different things.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// A day.
    Day(NaiveDate),
    /// A moment.
    Time(Timestamp),
    /// A text, by its bytes.
    Text(String),
    /// A number.
    Number(i32),
}

impl Display for SortKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Time(time) => time.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// The rows after the window's cursor and their order: by a column and then by id. The first comparison lets the database
/// start inside of an index on the column; the second drops the few rows that share the cursor's key.
#[macro_export]
macro_rules! in_order {
    ($conditions:expr, $direction:ident, $column:expr, $id:expr, $window:expr, $sort:expr, $key:ty) => {{
        let mut conditions = $conditions;
        if let Some((last_key, last_id)) = $window.after::<$key>($sort)? {
            conditions = $crate::in_order!(@after $direction, conditions, $column, $id, last_key, last_id);
        }
        (conditions, $crate::db::Ordered::by(($column.$direction(), $id.$direction())))
    }};
    (@after desc, $conditions:ident, $column:expr, $id:expr, $key:ident, $last:ident) => {
        $conditions.and($column.le($key.clone())).and($column.lt($key).or($id.lt($last)))
    };
    (@after asc, $conditions:ident, $column:expr, $id:expr, $key:ident, $last:ident) => {
        $conditions.and($column.ge($key.clone())).and($column.gt($key).or($id.gt($last)))
    };
}

/// What a page of a list has beside its rows.
#[derive(Debug, Serialize)]
struct Beside {
    page: PageInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<Facets>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<Vec<Match>>,
}

/// Where a page stands in its list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PageInfo {
    /// How many rows a page has at most.
    #[schema(example = 20)]
    pub limit: u32,
    /// The `cursor` of the next page; null on the last one.
    #[schema(example = json!(null))]
    pub next: Option<String>,
    /// How many rows there are on all pages, if `count=true` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 42)]
    pub total: Option<i64>,
}

/// Answers a list: one page as JSON, or all of it as a stream of CSV or NDJSON.
///
/// # Errors
/// 400 for parameters that are wrong, 406 when no format is acceptable.
pub async fn list<L: Listed>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    query: ListQuery<L>,
) -> Result<HttpResponse, Problem> {
    match answered(state, request, caller, query).await {
        Ok(response) => Ok(response),
        Err(problem) => Err(resolve::with_candidates(state, caller, problem).await),
    }
}

async fn answered<L: Listed>(
    state: &Data<AppState>,
    request: &HttpRequest,
    caller: &Caller,
    ListQuery { filter, view, .. }: ListQuery<L>,
) -> Result<HttpResponse, Problem> {
    let format = answer::negotiate_list(request, view.format)?;
    let selection = view.fields.as_deref().map(|fields| Selection::parse(fields, &members::<L>())).transpose()?;
    let mut extras = filter.included();
    extras.extend(L::EXTRAS.iter().filter(|extra| selection.as_ref().is_some_and(|chosen| chosen.has(extra))));
    let settled_at = state.settle(view.as_of).await?;
    let listing = Listing { caller: *caller, as_of: view.as_of, settled_at, filter, extras: Extras(extras), selection };
    if format == Format::Json || view.limit.is_some() {
        listing.one_page(state, request, &view, format).await
    } else {
        listing.everything(state, request, &view, format).await
    }
}

/// A page as views, which can be made into anything, or as JSON already.
enum Page<V> {
    Views(Rows<V>),
    Json(JsonRows),
}

impl<V> Page<V> {
    fn next(&self) -> Option<&Cursor> {
        match self {
            Self::Views(rows) => rows.next.as_ref(),
            Self::Json(rows) => rows.next.as_ref(),
        }
    }
}

struct Listing<L> {
    caller: Caller,
    as_of: Option<Timestamp>,
    /// The position that a read as of then has to come after.
    settled_at: i64,
    filter: L,
    extras: Extras,
    selection: Option<Selection>,
}

/// The members that a row of a list has.
fn members<L: Listed>() -> Known {
    Known::of::<L::View>().without(L::SINGLE_ONLY)
}

impl<L: Listed> Listing<L> {
    async fn one_page(
        self,
        state: &Data<AppState>,
        request: &HttpRequest,
        view: &ListView,
        format: Format,
    ) -> Result<HttpResponse, Problem> {
        let window = Window::of(view.limit, view.cursor.as_deref())?;
        let limit = window.limit();
        let count = view.count.is_some_and(|count| count.0);
        let Self { caller, as_of, settled_at, filter, extras, selection } = self;
        let left_out = without(L::EXTRAS, &extras);
        let is_long = filter.is_long();
        let at_least = answer::at_least(request)?;
        // What the index has found has to be there to be read.
        let found_at = if filter.fresh_to() == i64::MAX { settled_at } else { filter.fresh_to() };
        let in_json = format == Format::Json && selection.is_none();
        let state_there = state.clone();
        let work = move |connection: &mut Connection| {
            let sight = journal::sight(connection, &caller, as_of)?;
            let seen = journal::last_seen(connection, &caller)?;
            // Before anything is made ready, which is planned otherwise.
            let total = count.then(|| filter.count(connection, sight)).transpose()?;
            let facets = filter.facets(connection, sight)?;
            let page = if in_json {
                let mut ready =
                    if sight.is_now() { state_there.projections.at(&caller, seen) } else { Ready::nothing() };
                Page::Json(filter.json(connection, sight, &extras, &window, &mut ready)?)
            } else {
                Page::Views(filter.page(connection, sight, &extras, &window)?)
            };
            let head = journal::last_seen_up_to(connection, &caller, seen, filter.fresh_to())?;
            Ok::<_, Problem>((head, page, total, facets))
        };
        if L::IS_KEPT && in_json && as_of.is_none() {
            state.projections.wait_until_current(&caller, state.heads.known(&caller)).await;
        }
        let is_of_the_past = is_long && as_of.is_some();
        let _turn = state.turn(is_of_the_past).await?;
        let (head, page, total, facets) = if is_of_the_past {
            // What is made for it alone is made once, so it is asked of one database only.
            state.db.scan(once_there(at_least, work)).await?
        } else {
            state.db.read_anywhere(Needs { at_least, known: found_at, is_long }, work).await?
        };
        let next = page.next().map(Cursor::encode);
        let link = next.as_ref().map(|next| next_link(&state.config.public_url, request, next));
        let info = PageInfo { limit, next, total };
        let body = match (page, format) {
            (Page::Json(rows), _) => rows.page.end(&Beside { page: info, facets, matches: rows.matches })?,
            (Page::Views(rows), Format::Json) => {
                let page = match &selection {
                    Some(selection) => {
                        let chosen = rows.rows.iter().map(|row| selection.apply(row)).collect::<Result<Vec<_>, _>>()?;
                        JsonPage::of(&chosen)?
                    }
                    None => JsonPage::of(&rows.rows)?,
                };
                page.end(&Beside { page: info, facets, matches: rows.matches })?
            }
            (Page::Views(rows), Format::Csv) => {
                let columns = tabular::Columns::of(&members::<L>(), &left_out, selection.as_ref());
                columns.csv(&rows.rows, selection.as_ref(), true)?
            }
            (Page::Views(rows), Format::Ndjson) => tabular::ndjson(&rows.rows, selection.as_ref())?,
        };
        Ok(answer::list(request, &caller, head, format, body, link))
    }

    async fn everything(
        self,
        state: &Data<AppState>,
        request: &HttpRequest,
        view: &ListView,
        format: Format,
    ) -> Result<HttpResponse, Problem> {
        let at_least = answer::at_least(request)?;
        let after = view.cursor.as_deref().map(Cursor::decode).transpose()?;
        let (caller, as_of) = (self.caller, self.as_of);
        let (head, sight) = state
            .db
            .read(once_there(at_least, move |connection| {
                Ok::<_, Problem>((
                    journal::last_seen(connection, &caller)?,
                    journal::sight(connection, &caller, as_of)?,
                ))
            }))
            .await?;
        let left_out = without(L::EXTRAS, &self.extras);
        let columns = tabular::Columns::of(&members::<L>(), &left_out, self.selection.as_ref());
        let mut stream = RowStream { state: state.clone(), sight, listing: self, columns, format, after, more: true };
        // The first chunk comes before the status, so that a filter that is refused is still a problem.
        let first = stream.chunk(true).await?;
        let rest = stream::unfold(stream, |mut stream| async move {
            if !stream.more {
                return None;
            }
            let chunk = stream.chunk(false).await;
            stream.more &= chunk.is_ok();
            Some((chunk, stream))
        });
        let body = futures_util::StreamExt::chain(stream::iter([Ok::<_, Problem>(first)]), rest);
        Ok(answer::stream(&caller, head, format, Box::pin(body)))
    }
}

fn without(extras: &[&'static str], wanted: &Extras) -> Vec<&'static str> {
    extras.iter().copied().filter(|extra| !wanted.has(extra)).collect()
}

/// A list on its way to the client, a chunk at a time.
struct RowStream<L> {
    state: Data<AppState>,
    sight: Sight,
    listing: Listing<L>,
    columns: tabular::Columns,
    format: Format,
    after: Option<Cursor>,
    more: bool,
}

impl<L: Listed> RowStream<L> {
    async fn chunk(&mut self, first: bool) -> Result<Bytes, Problem> {
        let window = Window { limit: STREAM_CHUNK, after: self.after.take() };
        let (sight, filter, extras) = (self.sight, self.listing.filter.clone(), self.listing.extras.clone());
        let _turn = self.state.turn(self.listing.as_of.is_some() && filter.is_long()).await?;
        let rows = self.state.db.scan(move |connection| filter.page(connection, sight, &extras, &window)).await?;
        self.more = rows.next.is_some();
        self.after = rows.next;
        match self.format {
            Format::Csv => self.columns.csv(&rows.rows, self.listing.selection.as_ref(), first),
            Format::Json | Format::Ndjson => tabular::ndjson(&rows.rows, self.listing.selection.as_ref()),
        }
        .map(Bytes::from)
    }
}

/// A page of a list as JSON, as far as its rows.
pub struct JsonPage(Vec<u8>);

impl JsonPage {
    const OPENING: &[u8] = b"{\"data\":[";

    /// One for rows of so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut page = Vec::with_capacity(bytes + FRAME);
        page.extend_from_slice(Self::OPENING);
        Self(page)
    }

    /// One of these rows.
    ///
    /// # Errors
    /// 500 when one cannot be serialised, which no row should.
    pub fn of<T: Serialize>(rows: &[T]) -> Result<Self, Problem> {
        let mut page = Self::with_capacity(0);
        for row in rows {
            page.separate();
            serde_json::to_writer(&mut page.0, row).map_err(Problem::internal)?;
        }
        Ok(page)
    }

    /// Adds a row that is JSON already.
    pub fn push(&mut self, row: &[u8]) {
        self.separate();
        self.0.extend_from_slice(row);
    }

    fn separate(&mut self) {
        if self.0.len() > Self::OPENING.len() {
            self.0.push(b',');
        }
    }

    fn end(mut self, beside: &Beside) -> Result<Vec<u8>, Problem> {
        self.0.extend_from_slice(b"],");
        // The members of an object, without its opening.
        self.0.extend(as_json(beside)?.into_iter().skip(1));
        Ok(self.0)
    }
}

/// What stands around the rows of a page, and between twenty of them.
const FRAME: usize = 256;

/// The next page's link, RFC 8288, built from the public URL and never from what the client calls the host.
fn next_link(public_url: &str, request: &HttpRequest, cursor: &str) -> (header::HeaderName, String) {
    (header::LINK, format!("<{}>; rel=\"next\"", address(public_url, request, Some(cursor))))
}

/// The address of a page of what is asked for: the first, or the one at a cursor.
#[must_use]
pub fn address(public_url: &str, request: &HttpRequest, cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        if name != "cursor" {
            query.append_pair(&name, &value);
        }
    }
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    let (path, query) = (request.path(), query.finish());
    if query.is_empty() { format!("{public_url}{path}") } else { format!("{public_url}{path}?{query}") }
}

/// The problem of a list that is to be in the order of relevance while nothing is searched for.
#[must_use]
pub fn relevance_needs_words() -> Problem {
    Problem::parameter("sort", "is `relevance`, which needs something to be relevant to: give `q`")
}

/// Adds up what is counted in each part.
///
/// # Errors
/// When a query fails.
pub fn sum<P>(parts: impl Iterator<Item = P>, mut count: impl FnMut(P) -> QueryResult<i64>) -> Result<i64, Problem> {
    let mut total = 0;
    for part in parts {
        total += count(part)?;
    }
    Ok(total)
}

/// Merges ordered keys of several sources into one order, each key once.
#[must_use]
pub fn merge_ordered<K: Ord>(sources: Vec<Vec<K>>, descending: bool) -> Vec<K> {
    let mut keys: Vec<K> = sources.into_iter().flatten().collect();
    keys.sort();
    keys.dedup();
    if descending {
        keys.reverse();
    }
    keys
}

/// Narrows conditions to rows whose column has one of these values. One value is said as an equation, which lets both
/// databases read along an index in order.
#[macro_export]
macro_rules! one_of {
    ($conditions:expr, $column:expr, $values:expr) => {{
        let conditions = $conditions;
        let mut values: Vec<_> = $values.collect();
        match values.len() {
            0 => conditions,
            1 => match values.pop() {
                Some(value) => conditions.and($column.eq(value)),
                None => conditions,
            },
            _ => conditions.and($column.eq_any(values)),
        }
    }};
}
