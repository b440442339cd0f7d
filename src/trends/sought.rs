//! Trends, as lists search and count them.

use diesel::prelude::*;

use super::documents::tags_asked;
use super::filter::{TrendFilter, TrendSort};
use super::model::{TrendRow, TrendView};
use super::views;
use crate::access::Sight;
use crate::db::schema::trends;
use crate::db::types::Id;
use crate::db::{Connection, among, in_chunks, in_order_of};
use crate::http::page::Extras;
use crate::journal;
use crate::natively;
use crate::problem::Problem;
use crate::search::ask::Ask;
use crate::search::counts::FacetName;
use crate::search::document::{Naming, Tag};
use crate::search::lists::Searched;
use crate::search::ranking::Order;
use crate::vocabulary::Kind;

impl Searched for TrendFilter {
    const KIND: Kind = Kind::Trend;
    const FACETS: &'static [FacetName] = &[
        FacetName::Category,
        FacetName::Country,
        FacetName::Actor,
        FacetName::Direction,
        FacetName::Assessment,
        FacetName::CategoryStatus,
        FacetName::Series,
        FacetName::Likelihood,
        FacetName::Outcome,
        FacetName::State,
        FacetName::Marking,
        FacetName::Language,
        FacetName::Year,
        FacetName::Month,
    ];

    fn ask(&self, connection: &mut Connection, sight: Sight) -> Result<Ask, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let directions: Vec<String> = self.direction.0.iter().map(ToString::to_string).collect();
        let assessments: Vec<String> = self.assessment.0.iter().map(ToString::to_string).collect();
        let series: Vec<String> = self.series.0.iter().map(|series| series.as_str().to_owned()).collect();
        let (tag, judged) =
            tags_asked([&directions, &assessments, &series]).unwrap_or_else(|| (Tag::Trend, Vec::new()));
        let changed = journal::changed_ids(connection, sight, Kind::Trend, self.updated_since)?;
        Ok(Ask::of(&[Kind::Trend])
            .naming(Naming::Actor, resolved.any_of)
            .naming(Naming::Category, resolved.categories)
            .tagged(Tag::CategoryStatus, self.category_status.0.iter().map(|status| status.as_str()))
            .tagged(Tag::Country, self.country.0.iter().map(super::super::scalars::CountryCode::as_str))
            .tagged(Tag::Language, self.language.0.iter().map(super::super::scalars::LanguageCode::as_str))
            .tagged(Tag::State, self.state.0.iter().map(|state| state.as_str()))
            .tagged(Tag::Marking, self.marking.0.iter().map(|marking| marking.as_str()))
            .tagged(tag, judged)
            .between_days(resolved.span.first_day(), resolved.span.last_day())
            .naming_each(Naming::Actor, resolved.all_of)
            .among(changed))
    }

    fn order(&self) -> Result<Option<(&'static str, Order)>, Problem> {
        Ok(self.sort.map(|sort| {
            let order = match sort {
                TrendSort::Relevance => Order::Relevance,
                TrendSort::PeriodTo => Order::Place { descending: false },
                TrendSort::PeriodToDescending => Order::Place { descending: true },
                TrendSort::UpdatedAt => Order::Update { descending: false },
                TrendSort::UpdatedAtDescending => Order::Update { descending: true },
            };
            (sort.as_str(), order)
        }))
    }

    fn ids(&self, connection: &mut Connection, sight: Sight) -> Result<Vec<Id>, Problem> {
        let resolved = self.resolve(connection, sight)?;
        let mut ids = Vec::new();
        for part in sight.parts() {
            let found = trends::table.filter(resolved.conditions(part)).select(trends::id);
            ids.append(&mut natively!(connection, |native| found.load(native))?);
        }
        Ok(ids)
    }

    fn rows(
        &self,
        connection: &mut Connection,
        sight: Sight,
        _: &Extras,
        ids: &[Id],
    ) -> Result<Vec<TrendView>, Problem> {
        let rows = in_chunks::<_, TrendRow, Problem>(ids, |ids| {
            natively!(connection, |native| trends::table
                .filter(sight.sees(trends::id, trends::since, trends::until, trends::audience))
                .filter(among(trends::id, ids))
                .select(TrendRow::as_select())
                .load(native))
        })?;
        views::views(connection, sight, in_order_of(ids, rows, |row| row.id))
    }
}
