//! How a category's status went over time: one entry for each stretch in which it stayed the same.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::model::CategoryRow;
use crate::access::{Reader, Sight};
use crate::app::AppState;
use crate::briefs;
use crate::briefs::model::BriefLink;
use crate::db::schema::briefs as brief_table;
use crate::db::types::{Id, Timestamp};
use crate::db::{Connection, MultiBackend};
use crate::http::body::Invalid;
use crate::http::dates::{Span, When};
use crate::http::page::{self, Extras, Listed, Rows, Window};
use crate::http::query::{ListQuery, ListView};
use crate::openapi::PageOf;
use crate::problem::Problem;
use crate::reference::Reference;
use crate::resource;
use crate::vocabulary::{Assessment, BriefState};

/// Which part of a category's history.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct HistoryFilter {
    /// By briefs published on this day (or at this moment) or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-07-01")]
    pub from: Option<When>,
    /// By briefs published on this day (or at this moment) or earlier.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-10-31")]
    pub to: Option<When>,
}

/// A time in which a category's status stayed the same.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StatusPeriod {
    /// The status.
    pub status: Assessment,
    /// What it was before, where this is a turning point; null at the beginning.
    pub before: Option<Assessment>,
    /// When the brief that turned it was published.
    #[schema(value_type = String, format = DateTime, example = "2017-07-31T10:12:00Z")]
    pub since: Timestamp,
    /// When the next turning point came; null while it lasts.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    pub until: Option<Timestamp>,
    /// How many briefs say so.
    #[schema(example = 4)]
    pub briefs: u64,
    /// The brief that turned it.
    pub brief: Option<BriefLink>,
}

/// Read a category's history
///
/// Its status over time, the latest first. Each entry begins at a turning point and says what the status was before.
#[utoipa::path(
    tag = "categories", operation_id = "getCategoryHistory", params(HistoryFilter, ListView),
    responses((status = 200, description = "A page of the history", body = PageOf<StatusPeriod>))
)]
#[get("/v1/categories/{id}/history")]
pub async fn get(
    state: Data<AppState>,
    caller: Reader,
    id: Path<String>,
    ListQuery { filter, view, rest }: ListQuery<HistoryFilter>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let filter = HistoryOf { category: Reference::from_text(&id), filter };
    page::list(&state, &request, &caller, ListQuery { filter, view, rest }).await
}

/// The history of one category.
#[derive(Clone)]
struct HistoryOf {
    category: Reference,
    filter: HistoryFilter,
}

/// A brief with a status.
type Said = (Timestamp, Id, Assessment);

/// Briefs that say the same one after the other.
struct Run {
    status: Assessment,
    /// The first of them, which turned it.
    turned: (Timestamp, Id),
    briefs: u64,
}

/// How many briefs are read at a time.
const CHUNK: usize = 1000;

const LATEST_FIRST: &str = "-since";

impl HistoryOf {
    /// The runs of briefs before a moment, the latest first: as many as are wanted, and one more that tells what was before.
    fn runs(
        &self,
        connection: &mut Connection,
        sight: Sight,
        mut before: Option<(Timestamp, Id)>,
        wanted: usize,
    ) -> Result<Vec<Run>, Problem> {
        let category: CategoryRow = resource::behind(connection, sight, &self.category)?;
        let mut runs: Vec<Run> = Vec::new();
        loop {
            let said = self.said(connection, sight, category.id, before)?;
            let is_last = said.len() < CHUNK;
            for (at, id, status) in said {
                before = Some((at, id));
                let enough = runs.len() > wanted;
                match runs.last_mut().filter(|run| run.status == status) {
                    Some(run) => {
                        run.turned = (at, id);
                        run.briefs += 1;
                    }
                    None if enough => return Ok(runs),
                    None => runs.push(Run { status, turned: (at, id), briefs: 1 }),
                }
            }
            if is_last {
                return Ok(runs);
            }
        }
    }

    /// The next so many briefs with a status before one, the latest first.
    fn said(
        &self,
        connection: &mut Connection,
        sight: Sight,
        category: Id,
        before: Option<(Timestamp, Id)>,
    ) -> Result<Vec<Said>, Problem> {
        use brief_table::{audience, category_id, category_status, id, listed_at, since, state, until};
        let span = Span::of(self.filter.from, self.filter.to, None)?;
        let mut said: Vec<(Timestamp, Id, Option<Assessment>)> = Vec::new();
        for part in sight.parts() {
            let mut query = brief_table::table
                .filter(part.sees(id, since, until, audience))
                .filter(category_id.eq(category))
                .filter(category_status.is_not_null())
                .filter(state.eq(BriefState::Published))
                .order((listed_at.desc(), id.desc()))
                .limit(i64::try_from(CHUNK).unwrap_or(i64::MAX))
                .select((listed_at, id, category_status))
                .into_boxed::<MultiBackend>();
            if !sight.is_now() {
                query = query.filter(sight.may_read(id));
            }
            if let Some((at, brief)) = before {
                query = query.filter(listed_at.le(at)).filter(listed_at.lt(at).or(id.lt(brief)));
            }
            if let Some(moment) = span.first_moment() {
                query = query.filter(listed_at.ge(moment));
            }
            if let Some(moment) = span.last_moment() {
                query = query.filter(listed_at.le(moment));
            }
            said.append(&mut query.load(connection)?);
        }
        said.sort_unstable_by_key(|(at, brief, _)| std::cmp::Reverse((*at, *brief)));
        said.truncate(CHUNK);
        Ok(said.into_iter().filter_map(|(at, brief, status)| Some((at, brief, status?))).collect())
    }
}

impl Listed for HistoryOf {
    type View = StatusPeriod;
    const EXTRAS: &'static [&'static str] = &[];

    fn included(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        _: &Extras,
        window: &Window,
    ) -> Result<Rows<StatusPeriod>, Problem> {
        let after = window.after::<Timestamp>(LATEST_FIRST)?;
        let wanted = usize::try_from(window.fetch()).unwrap_or_default();
        let runs = self.runs(connection, sight, after, wanted)?;
        let turned: Vec<Id> = runs.iter().map(|run| run.turned.1).collect();
        let mut links = briefs::store::links(connection, sight, &turned)?;
        let befores: Vec<Option<Assessment>> = runs.iter().skip(1).map(|run| Some(run.status)).chain([None]).collect();
        let mut until = after.map(|(at, _)| at);
        let stretches: Vec<(StatusPeriod, Id)> = runs
            .into_iter()
            .zip(befores)
            .map(|(Run { status, turned: (since, id), briefs }, before)| {
                let stretch = StatusPeriod { status, before, since, until, briefs, brief: links.remove(&id) };
                until = Some(since);
                (stretch, id)
            })
            .take(wanted)
            .collect();
        let page = window.cut_sorted(LATEST_FIRST, stretches, |(stretch, id)| (stretch.since, *id));
        page.map(|rows| Ok(rows.into_iter().map(|(stretch, _)| stretch).collect()))
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        Ok(i64::try_from(self.runs(connection, sight, None, usize::MAX)?.len()).unwrap_or(i64::MAX))
    }
}
