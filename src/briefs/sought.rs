//! Briefs, as lists search and count them.

use diesel::prelude::*;

use super::documents;
use super::filter::{BriefFilter, BriefSort};
use super::model::{BriefRow, BriefView, without_texts};
use super::views;
use crate::access::Sight;
use crate::db::schema::briefs;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks, in_order_of};
use crate::http::answer::as_json;
use crate::http::page::{Extras, JsonPage};
use crate::journal;
use crate::natively;
use crate::problem::Problem;
use crate::projections::{Form, Ready};
use crate::search::ask::Ask;
use crate::search::counts::FacetName;
use crate::search::document::{Naming, Tag};
use crate::search::lists::{Searchable, Searched};
use crate::search::ranking::Order;
use crate::trends::documents::tags_asked;
use crate::vocabulary::Kind;

impl Searched for BriefFilter {
    const KIND: Kind = Kind::Brief;
    const FACETS: &'static [FacetName] = &[
        FacetName::Category,
        FacetName::Country,
        FacetName::Kind,
        FacetName::Actor,
        FacetName::Direction,
        FacetName::Assessment,
        FacetName::CategoryStatus,
        FacetName::Series,
        FacetName::State,
        FacetName::Marking,
        FacetName::Language,
        FacetName::Year,
        FacetName::Month,
    ];

    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let directions = texts(self.direction.0.iter().map(|direction| direction.as_str()));
        let assessments = texts(self.assessment.0.iter().map(|assessment| assessment.as_str()));
        let series = texts(self.series.0.iter().map(super::super::scalars::Slug::as_str));
        let (tag, judged) =
            tags_asked([&directions, &assessments, &series]).unwrap_or_else(|| (Tag::Trend, Vec::new()));
        let (first, last) = resolved.listed_within();
        let changed = journal::changed_ids(connection, sight, Kind::Brief, self.updated_since)?;
        Ok(Ask::of(&[Kind::Brief])
            .naming(Naming::Actor, resolved.any_of)
            .naming(Naming::Category, resolved.categories)
            .tagged(Tag::CategoryStatus, self.category_status.0.iter().map(|status| status.as_str()))
            .tagged(Tag::Country, self.country.0.iter().map(super::super::scalars::CountryCode::as_str))
            .tagged(Tag::Language, self.language.0.iter().map(super::super::scalars::LanguageCode::as_str))
            .tagged(Tag::State, self.state.0.iter().map(|state| state.as_str()))
            .tagged(Tag::Marking, self.marking.0.iter().map(|marking| marking.as_str()))
            .tagged(Tag::EventKind, self.kind.0.iter().map(|kind| kind.as_str()))
            .tagged(tag, judged)
            .between_moments(first, last)
            .naming_each(Naming::Actor, resolved.all_of)
            .among(changed))
    }

    fn order(&self) -> Result<Option<(&'static str, Order)>, Problem> {
        Ok(self.sort.map(|sort| {
            let order = match sort {
                BriefSort::Relevance => Order::Relevance,
                BriefSort::PublishedAt => Order::Place { descending: false },
                BriefSort::PublishedAtDescending => Order::Place { descending: true },
                BriefSort::UpdatedAt => Order::Update { descending: false },
                BriefSort::UpdatedAtDescending => Order::Update { descending: true },
            };
            (sort.as_str(), order)
        }))
    }

    fn ids(&self, connection: &mut Connection, sight: Sight) -> Result<Vec<Id>, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let mut ids = Vec::new();
        for part in sight.parts() {
            let found = briefs::table.filter(resolved.conditions(part)).select(briefs::id);
            ids.append(&mut natively!(connection, |native| found.load(native))?);
        }
        Ok(ids)
    }

    fn rows(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        ids: &[Id],
    ) -> Result<Vec<BriefView>, Problem> {
        let with_texts = extras.has("body") || extras.has("body_html");
        let rows = seen(connection, sight, ids, with_texts)?;
        views::rows(connection, sight, rows, extras)
    }

    fn rows_as_json(
        &self,
        connection: &mut Connection,
        sight: Sight,
        extras: &Extras,
        ids: &[Id],
        ready: &mut Ready,
    ) -> Result<JsonPage, Problem> {
        if !extras.is_empty() {
            return JsonPage::of(&self.rows(connection, sight, extras, ids)?);
        }
        ready.page(connection, Form::BriefRow, ids, |connection, ids| {
            let rows = self.rows(connection, sight, extras, ids)?;
            rows.iter().map(|row| Ok((row.id, as_json(row)?))).collect()
        })
    }

    fn texts(
        connection: &mut Connection,
        sight: Sight,
        ids: &[Id],
        ready: &mut Ready,
    ) -> Result<Vec<Searchable>, Problem> {
        let texts = ready.each(connection, Form::BriefText, ids, |connection, ids| {
            let rows = seen(connection, sight, ids, true)?;
            let texts = documents::texts(connection, sight, &rows)?;
            Ok(texts.iter().map(|text| (text.id, text.to_bytes())).collect())
        })?;
        texts.iter().map(|bytes| Searchable::of_bytes(bytes)).collect()
    }
}

/// These briefs, as far as they are seen, in this order.
fn seen(connection: &mut Connection, sight: Sight, ids: &[Id], with_texts: bool) -> Result<Vec<BriefRow>, Problem> {
    let rows = in_chunks::<_, BriefRow, Problem>(ids, |ids| {
        let these = briefs::table
            .filter(sight.sees(briefs::id, briefs::since, briefs::until, briefs::audience))
            .filter(among(briefs::id, ids));
        if with_texts {
            natively!(connection, |native| these.select(BriefRow::as_select()).load(native))
        } else {
            natively!(connection, |native| these.select(without_texts()).load(native))
        }
    })?;
    Ok(in_order_of(ids, rows, |row| row.id))
}

fn texts<'t>(terms: impl Iterator<Item = &'t str>) -> Vec<String> {
    terms.map(ToOwned::to_owned).collect()
}
