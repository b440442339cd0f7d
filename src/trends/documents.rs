//! Trends as the index holds them, with what their brief is.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::TrendRow;
use super::store::actors_of;
use crate::access::Moment;
use crate::db::schema::{briefs, trends};
use crate::db::types::{Id, Json};
use crate::db::{Connection, among, in_chunks};
use crate::natively;
use crate::problem::Problem;
use crate::search::document::{Document, Tag, day_number, joined};
use crate::search::permits::Permits;
use crate::vocabulary::{Assessment, BriefState, Direction, Kind, Likelihood, Marking, Outcome};

/// What a trend says of which way things move: one trend must have all that a list asks of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Which way.
    pub direction: Direction,
    /// What that means.
    pub assessment: Option<Assessment>,
    /// The line that it continues.
    pub series: Option<String>,
}

impl Judgement {
    fn aspects(&self) -> [Option<&str>; 3] {
        [Some(self.direction.as_str()), self.assessment.map(Assessment::as_str), self.series.as_deref()]
    }
}

const TAGS: [Tag; 3] = [Tag::Direction, Tag::Assessment, Tag::Series];

/// Tags a document with a judgement: with each aspect of it, and with each combination of several.
pub fn tag_with(document: &mut Document, judgement: &Judgement) {
    let aspects = judgement.aspects();
    for (tag, aspect) in TAGS.into_iter().zip(aspects) {
        document.tag(tag, aspect);
    }
    for chosen in [[true, true, false], [true, false, true], [false, true, true], [true, true, true]] {
        let combined = aspects.into_iter().zip(chosen).map(|(aspect, chosen)| if chosen { aspect } else { Some("") });
        if let Some(combined) = combined.collect::<Option<Vec<_>>>() {
            document.tag(Tag::Trend, [combined.join("|")]);
        }
    }
}

/// The tag of documents with a trend that has one of the values asked for in each aspect, and its values; nothing if
/// nothing is asked.
#[must_use]
pub fn tags_asked(asked: [&[String]; 3]) -> Option<(Tag, Vec<String>)> {
    let mut aspects = TAGS.into_iter().zip(asked).filter(|(_, values)| !values.is_empty());
    match (aspects.next(), aspects.next()) {
        (None, _) => None,
        (Some((tag, values)), None) => Some((tag, values.to_vec())),
        _ => {
            let of = |values: &[String]| if values.is_empty() { vec![String::new()] } else { values.to_vec() };
            let [directions, assessments, series] = asked.map(of);
            let combined = directions.iter().flat_map(|direction| {
                let series = &series;
                assessments.iter().flat_map(move |assessment| {
                    series.iter().map(move |series| format!("{direction}|{assessment}|{series}"))
                })
            });
            Some((Tag::Trend, combined.collect()))
        }
    }
}

#[derive(Queryable)]
struct OfBrief {
    id: Id,
    category_id: Id,
    category_status: Option<Assessment>,
    language: String,
    country: Option<String>,
    state: BriefState,
    marking: Marking,
    authors: Json<Vec<String>>,
}

/// The documents of these trends.
///
/// # Errors
/// When a query fails.
pub fn of(connection: &mut Connection, moment: Moment, ids: &[Id]) -> Result<Vec<Document>, Problem> {
    let rows = in_chunks::<_, TrendRow, Problem>(ids, |ids| {
        natively!(connection, |native| trends::table
            .filter(moment.stands(trends::since, trends::until))
            .filter(among(trends::id, ids))
            .select(TrendRow::as_select())
            .load(native))
    })?;
    let permits = Permits::of(connection, moment, ids)?;
    let mut actors = actors_of(connection, moment, ids)?;
    let briefs = briefs_of(connection, moment, &rows)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let audience = row.audience & permits.to_see(row.id);
            let brief = briefs.get(&row.brief_id)?;
            let mut document = Document::new(Kind::Trend, row.id, audience, row.slug, row.statement, row.updated_at);
            document.text = joined([row.limits.as_deref(), row.outcome_note.as_deref()]);
            document.place = day_number(row.period_to);
            document.actors = actors.remove(&row.id).unwrap_or_default();
            document.probability = row.probability;
            document.tag(Tag::Likelihood, row.likelihood.map(Likelihood::as_str));
            document.tag(Tag::Outcome, [Outcome::as_str(row.outcome)]);
            let judgement = Judgement { direction: row.direction, assessment: row.assessment, series: row.series };
            tag_with(&mut document, &judgement);
            brief.tag(&mut document);
            // Counted under the day by which it is ordered.
            Some(document.on((row.period_from, row.period_to), row.period_to))
        })
        .collect())
}

impl OfBrief {
    fn tag(&self, document: &mut Document) {
        document.categories = vec![self.category_id];
        document.tag(Tag::CategoryStatus, self.category_status.map(Assessment::as_str));
        document.tag(Tag::Language, [self.language.as_str()]);
        document.tag(Tag::Country, self.country.as_deref());
        document.tag(Tag::State, [self.state.as_str()]);
        document.tag(Tag::Marking, [self.marking.as_str()]);
        document.tag(Tag::Author, self.authors.0.iter().map(String::as_str));
    }
}

fn briefs_of(connection: &mut Connection, moment: Moment, rows: &[TrendRow]) -> Result<HashMap<Id, OfBrief>, Problem> {
    let mut ids: Vec<Id> = rows.iter().map(|row| row.brief_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = in_chunks::<_, OfBrief, Problem>(&ids, |ids| {
        natively!(connection, |native| briefs::table
            .filter(moment.stands(briefs::since, briefs::until))
            .filter(among(briefs::id, ids))
            .select((
                briefs::id,
                briefs::category_id,
                briefs::category_status,
                briefs::language,
                briefs::country,
                briefs::state,
                briefs::marking,
                briefs::authors,
            ))
            .load(native))
    })?;
    Ok(found.into_iter().map(|brief| (brief.id, brief)).collect())
}
