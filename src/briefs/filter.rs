//! What a list of briefs can be asked, and the queries that answer it. A list by actor is read from `brief_actors`, every
//! other from `briefs`, both along an index.

use std::collections::HashSet;

use deserr::Deserr;
use diesel::dsl::exists;
use diesel::prelude::*;
use utoipa::IntoParams;

use super::model::{BriefView, NOT_YET_PUBLISHED, last_published};
use super::views;
use crate::access::{Sees, Sight};
use crate::actors::names;
use crate::categories;
use crate::db::schema::{brief_actors, brief_events, briefs, event_participants, events, trend_actors, trends};
use crate::db::types::{Id, Timestamp};
use crate::db::{All, Among, Connection, among};
use crate::http::body::Invalid;
use crate::http::dates::{Span, When};
use crate::http::page::{self, Extras, JsonRows, Listed, Rows, Window, merge_ordered};
use crate::http::query::{Many, NameOrSlug, Repeated};
use crate::journal::changed_since;
use crate::natively;
use crate::problem::Problem;
use crate::projections::Ready;
use crate::scalars::{CountryCode, Day, LanguageCode, Slug};
use crate::search::lists::Searched;
use crate::vocabulary::{Assessment, BriefState, Direction, EventKind, Kind, Marking};
use crate::{in_order, one_of};

/// What a list of briefs can be asked. Parameters narrow one another; several values of one widen it.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct BriefFilter {
    /// In whose events or trends any of these takes part: an id, a slug or any known name of an actor.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, example = json!(["alyaksandr-lukashenka"]))]
    pub actor: Repeated,
    /// In whose events or trends all of these take part.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, example = json!(["belarus", "china"]))]
    pub all_actors: Repeated,
    /// The rubric, by id or slug; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["security"]))]
    pub category: Many<NameOrSlug>,
    /// The country that it is about, ISO 3166-1; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["BY"]))]
    pub country: Many<CountryCode>,
    /// The language, BCP 47; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["en"]))]
    pub language: Many<LanguageCode>,
    /// Published on this day (or at this moment) or later.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-07-01")]
    pub from: Option<When>,
    /// Published on this day (or at this moment) or earlier.
    #[deserr(default)]
    #[param(value_type = Option<String>, example = "2017-10-31")]
    pub to: Option<When>,
    /// Published on this day.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = Date, example = "2017-07-31")]
    pub on: Option<Day>,
    /// With an event of this kind; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<EventKind>>, style = Form, explode = false, example = json!(["agreement"]))]
    pub kind: Many<EventKind>,
    /// With a trend of this direction; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Direction>>, style = Form, explode = false, example = json!(["stable"]))]
    pub direction: Many<Direction>,
    /// With a trend of this assessment; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Assessment>>, style = Form, explode = false, example = json!(["progress"]))]
    pub assessment: Many<Assessment>,
    /// The status of its category; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Assessment>>, style = Form, explode = false, example = json!(["progress"]))]
    pub category_status: Many<Assessment>,
    /// With a trend of this line of judgement; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false, example = json!(["army-influence"]))]
    pub series: Many<Slug>,
    /// Where it stands in the editors' work; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<BriefState>>, style = Form, explode = false, example = json!(["published"]))]
    pub state: Many<BriefState>,
    /// How far it may travel; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Marking>>, style = Form, explode = false, example = json!(["TLP:CLEAR"]))]
    pub marking: Many<Marking>,
    /// Only what changed at this moment or later, itself or in what it shows.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2017-07-01T00:00:00Z")]
    pub updated_since: Option<Timestamp>,
    /// The order; a leading hyphen turns it round. The latest publication first unless given, and drafts before it.
    #[deserr(default)]
    #[param(inline)]
    pub sort: Option<BriefSort>,
    /// What rows leave out otherwise; any of several, with commas.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Include>>, style = Form, explode = false, example = json!(["trends", "actors"]))]
    pub include: Many<Include>,
}

crate::vocabulary::vocabulary! {
    /// The orders of a list of briefs.
    BriefSort {
        Relevance = "relevance",
        PublishedAt = "published_at",
        PublishedAtDescending = "-published_at",
        UpdatedAt = "updated_at",
        UpdatedAtDescending = "-updated_at",
    }
}

crate::vocabulary::vocabulary! {
    /// What a list of briefs leaves out unless it is asked for.
    Include { Body = "body", Events = "events", Actors = "actors", Trends = "trends" }
}

/// A filter whose names have been led to what they mean.
pub(super) struct Resolved<'a> {
    filter: &'a BriefFilter,
    sight: Sight,
    pub(super) any_of: Vec<Id>,
    pub(super) all_of: Vec<Vec<Id>>,
    pub(super) categories: Vec<Id>,
    span: Span,
}

impl BriefFilter {
    /// Which of these pass the filter and are seen.
    ///
    /// # Errors
    /// 400 for a filter that names what does not exist.
    pub fn ids_among(&self, connection: &mut Connection, sight: Sight, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let these = resolved.conditions(sight).and(among(briefs::id, ids));
        let found = briefs::table.filter(these).select(briefs::id);
        Ok(natively!(connection, |native| found.load(native))?.into_iter().collect())
    }

    fn ids_of_page(&self, connection: &mut Connection, sight: Sight, window: &Window) -> Result<Rows<Id>, Problem> {
        use briefs::{id, listed_at, updated_at};
        let resolved = self.resolve(connection, sight)?;
        let sort = self.sort.unwrap_or(BriefSort::PublishedAtDescending);
        let name = sort.as_str();
        let by_publication = matches!(sort, BriefSort::PublishedAt | BriefSort::PublishedAtDescending);
        if by_publication && !resolved.driving_actors().is_empty() {
            return resolved.page_by_actor(connection, sort == BriefSort::PublishedAtDescending, window, name);
        }
        let mut keys: Vec<(Timestamp, Id)> = Vec::new();
        for part in sight.parts() {
            let all = resolved.conditions(part);
            let (all, order) = match sort {
                BriefSort::Relevance => return Err(page::relevance_needs_words()),
                BriefSort::PublishedAt => in_order!(all, asc, listed_at, id, window, name, Timestamp),
                BriefSort::PublishedAtDescending => in_order!(all, desc, listed_at, id, window, name, Timestamp),
                BriefSort::UpdatedAt => in_order!(all, asc, updated_at, id, window, name, Timestamp),
                BriefSort::UpdatedAtDescending => in_order!(all, desc, updated_at, id, window, name, Timestamp),
            };
            let page = briefs::table.filter(all).order_by(order).limit(window.fetch());
            keys.append(&mut if by_publication {
                natively!(connection, |native| page.select((listed_at, id)).load(native))?
            } else {
                natively!(connection, |native| page.select((updated_at, id)).load(native))?
            });
        }
        window.cut(name, keys, |key| *key).map(|keys| Ok(keys.into_iter().map(|(_, brief)| brief).collect()))
    }

    pub(super) fn resolve(&self, connection: &mut Connection, sight: Sight) -> Result<Resolved<'_>, Problem> {
        Ok(Resolved {
            filter: self,
            sight,
            any_of: names::meant_by(connection, sight, "actor", &self.actor)?.into_iter().flatten().collect(),
            all_of: names::meant_by(connection, sight, "all_actors", &self.all_actors)?,
            categories: categories::store::meant_by(connection, sight, &self.category.0)?,
            span: Span::of(self.from, self.to, self.on)?,
        })
    }
}

impl<'a> Resolved<'a> {
    /// The conditions of every filter on a part of what is seen, but for the actors that a page is read along.
    fn conditions_beside_actors(&self, part: Sight) -> All<'a, briefs::table> {
        let mut all = All::of(briefs::table).and(part.sees(briefs::id, briefs::since, briefs::until, briefs::audience));
        if let Some(time) = self.sight.moment.time() {
            // Nothing was published later than that: newer briefs are passed over in the index.
            let unpublished = Timestamp::from_micros(NOT_YET_PUBLISHED);
            all = all.and(briefs::listed_at.le(time).or(briefs::listed_at.eq(unpublished)));
        }
        let (first, last) = self.listed_within();
        if let Some(moment) = first {
            all = all.and(briefs::listed_at.ge(moment));
        }
        if let Some(moment) = last {
            all = all.and(briefs::listed_at.le(moment));
        }
        self.narrowed(all)
    }

    /// Between which moments it has to be listed. What is not published yet is after every date, but not published after any. There
    /// is one end only: SQLite begins at one of several, and not at the nearest.
    pub(super) fn listed_within(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let (first, last) = (self.span.first_moment(), self.span.last_moment());
        let published = first.map(|_| last_published());
        (first, last.into_iter().chain(published).min())
    }

    /// And the conditions of the filters by anything but the time and the actors that a page is read along.
    fn narrowed(&self, mut all: All<'a, briefs::table>) -> All<'a, briefs::table> {
        let sight = self.sight;
        all = one_of!(all, briefs::category_id, self.categories.iter().copied());
        if !self.filter.category_status.0.is_empty() {
            all = one_of!(all, briefs::category_status, self.filter.category_status.0.iter().copied());
            all = self.without_withheld(all);
        }
        all = one_of!(all, briefs::country, self.filter.country.0.iter().map(|code| code.as_str().to_owned()));
        all = one_of!(all, briefs::language, self.filter.language.0.iter().map(|code| code.as_str().to_owned()));
        all = one_of!(all, briefs::state, self.filter.state.0.iter().copied());
        all = one_of!(all, briefs::marking, self.filter.marking.0.iter().copied());
        if !self.all_of.is_empty() && !self.any_of.is_empty() {
            all = self.found_by(all, &self.any_of);
        }
        for bearers in self.all_of.iter().skip(1) {
            all = self.found_by(all, bearers);
        }
        all = self.by_trends(all);
        if !self.filter.kind.0.is_empty() {
            all = all.and(exists(
                brief_events::table
                    .inner_join(events::table.on(events::id.eq(brief_events::event_id)))
                    .filter(brief_events::brief_id.eq(briefs::id))
                    .filter(sight.stands(brief_events::since, brief_events::until))
                    .filter(sight.sees(events::id, events::since, events::until, events::audience))
                    .filter(events::kind.eq_any(self.filter.kind.0.clone())),
            ));
            all = self.without_withheld(all);
        }
        if let Some(time) = self.filter.updated_since {
            all = all.and(briefs::id.eq_any(changed_since(sight, Kind::Brief, time)));
        }
        all
    }

    /// The conditions of every filter.
    pub(super) fn conditions(&self, part: Sight) -> All<'a, briefs::table> {
        let all = self.conditions_beside_actors(part);
        let driving = self.driving_actors();
        if driving.is_empty() { all } else { self.found_by(all, driving) }
    }

    /// And that the caller finds them by any of these actors. What is derived for that from a brief's events and
    /// trends holds for the present; in the past, some of these may have been hidden since, so they are looked at themselves.
    fn found_by(&self, all: All<'a, briefs::table>, actors: &[Id]) -> All<'a, briefs::table> {
        let all = all.and(exists(linked_to(self.sight, actors.to_vec())));
        if self.sight.is_now() { all } else { self.with_content_about(all, actors) }
    }

    fn with_content_about(&self, all: All<'a, briefs::table>, actors: &[Id]) -> All<'a, briefs::table> {
        let sight = self.sight;
        let event = brief_events::table
            .inner_join(events::table.on(events::id.eq(brief_events::event_id)))
            .inner_join(event_participants::table.on(event_participants::event_id.eq(events::id)))
            .filter(brief_events::brief_id.eq(briefs::id))
            .filter(sight.stands(brief_events::since, brief_events::until))
            .filter(sight.sees(events::id, events::since, events::until, events::audience))
            .filter(sight.stands(event_participants::since, event_participants::until))
            .filter(among(event_participants::actor_id, actors));
        let trend = trends::table
            .inner_join(trend_actors::table.on(trend_actors::trend_id.eq(trends::id)))
            .filter(trends::brief_id.eq(briefs::id))
            .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
            .filter(sight.stands(trend_actors::since, trend_actors::until))
            .filter(among(trend_actors::actor_id, actors));
        all.and(sight.may_read(briefs::id)).and(exists(event).or(exists(trend)))
    }

    /// Readers do not see the content of a retracted brief, and so do not find it by that.
    fn without_withheld(&self, all: All<'a, briefs::table>) -> All<'a, briefs::table> {
        if self.sight.caller.is_editor() {
            all
        } else if self.sight.is_now() {
            all.and(briefs::state.eq(BriefState::Published))
        } else {
            all.and(self.sight.may_read(briefs::id))
        }
    }

    /// One trend must have all that is asked of trends: a direction and a series mean a trend of both.
    fn by_trends(&self, all: All<'a, briefs::table>) -> All<'a, briefs::table> {
        let BriefFilter { direction, assessment, series, .. } = self.filter;
        if direction.0.is_empty() && assessment.0.is_empty() && series.0.is_empty() {
            return all;
        }
        let mut having =
            All::of(trends::table).and(self.sight.sees(trends::id, trends::since, trends::until, trends::audience));
        having = one_of!(having, trends::direction, direction.0.iter().copied());
        having = one_of!(having, trends::assessment, assessment.0.iter().copied());
        having = one_of!(having, trends::series, series.0.iter().map(|series| series.as_str().to_owned()));
        if series.0.is_empty() {
            // Directions and assessments are common: look at each brief's own trends.
            all.and(exists(trends::table.filter(having).filter(trends::brief_id.eq(briefs::id))))
        } else {
            // A series is rare: start from its trends.
            all.and(briefs::id.eq_any(trends::table.filter(having).select(trends::brief_id)))
        }
    }

    fn driving_actors(&self) -> &[Id] {
        self.all_of.first().unwrap_or(&self.any_of)
    }

    /// The keys of a page of one actor's briefs, along the index that has just these rows in order.
    fn keys_of(
        &self,
        connection: &mut Connection,
        actor: Id,
        descending: bool,
        window: &Window,
        sort: &str,
    ) -> Result<Vec<(Timestamp, Id)>, Problem> {
        use brief_actors::{actor_id, audience, brief_id, listed_at, since, until};
        let mut all =
            All::of(brief_actors::table).and(actor_id.eq(actor)).and(self.sight.sees(brief_id, since, until, audience));
        // When a brief is listed, and who finds it by the actor now, the link says by itself.
        if !self.sight.is_now() || !self.narrowed(All::of(briefs::table)).is_empty() {
            let mut beside = self.conditions_beside_actors(self.sight);
            if !self.sight.is_now() {
                beside = self.with_content_about(beside, &[actor]);
            }
            all = all.and(exists(briefs::table.filter(beside).filter(briefs::id.eq(brief_id))));
        }
        let (first, last) = self.listed_within();
        if let Some(moment) = first {
            all = all.and(listed_at.ge(moment));
        }
        if let Some(moment) = last {
            all = all.and(listed_at.le(moment));
        }
        let (all, order) = if descending {
            in_order!(all, desc, listed_at, brief_id, window, sort, Timestamp)
        } else {
            in_order!(all, asc, listed_at, brief_id, window, sort, Timestamp)
        };
        let keys = brief_actors::table.filter(all).select((listed_at, brief_id));
        Ok(natively!(connection, |native| keys.order_by(order).limit(window.fetch()).load(native))?)
    }

    fn page_by_actor(
        &self,
        connection: &mut Connection,
        descending: bool,
        window: &Window,
        sort: &str,
    ) -> Result<Rows<Id>, Problem> {
        let mut keys = Vec::new();
        for actor in self.driving_actors() {
            keys.push(self.keys_of(connection, *actor, descending, window, sort)?);
        }
        let keys = window.cut(sort, merge_ordered(keys, descending), |key| *key);
        keys.map(|keys| Ok(keys.into_iter().map(|(_, id)| id).collect()))
    }
}

/// The links of the brief at hand to any of these actors, by the key of the table.
#[diesel::dsl::auto_type(no_type_alias)]
fn linked_to(sight: Sight, actors: Vec<Id>) -> _ {
    let of_these: Among<brief_actors::actor_id> = among(brief_actors::actor_id, &actors);
    let seen: Sees<brief_actors::brief_id, brief_actors::since, brief_actors::until, brief_actors::audience> =
        sight.sees(brief_actors::brief_id, brief_actors::since, brief_actors::until, brief_actors::audience);
    brief_actors::table
        .filter(of_these)
        .filter(brief_actors::listed_at.eq(briefs::listed_at))
        .filter(brief_actors::brief_id.eq(briefs::id))
        .filter(seen)
}

impl Listed for BriefFilter {
    type View = BriefView;
    const EXTRAS: &'static [&'static str] = views::EXTRAS;
    const SINGLE_ONLY: &'static [&'static str] = &["similar"];
    const IS_KEPT: bool = true;

    fn included(&self) -> Vec<&'static str> {
        let mut included: Vec<&'static str> = self.include.0.iter().map(|include| include.as_str()).collect();
        if self.include.0.contains(&Include::Body) {
            included.push("body_html");
        }
        included
    }

    fn page(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        window: &Window,
    ) -> Result<Rows<BriefView>, Problem> {
        self.ids_of_page(connection, sight, window)?.map(|ids| self.rows(connection, sight, extras, &ids))
    }

    fn json(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        window: &Window,
        ready: &mut Ready,
    ) -> Result<JsonRows, Problem> {
        self.ids_of_page(connection, sight, window)?
            .in_json(|ids| self.rows_as_json(connection, sight, extras, &ids, ready))
    }

    fn count(&self, connection: &mut Connection, sight: Sight) -> Result<i64, Problem> {
        let resolved = self.resolve(connection, sight)?;
        page::sum(sight.parts(), |part| {
            let rows = briefs::table.filter(resolved.conditions(part)).count();
            natively!(connection, |native| rows.get_result(native))
        })
    }
}
