//! How well judgements were calibrated: of what was called likely, how much came true.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::filter::TrendFilter;
use crate::access::Reader;
use crate::app::AppState;
use crate::db::types::Timestamp;
use crate::http::answer;
use crate::http::body::Invalid;
use crate::http::query::{Both, FilterOnly, Repeated};
use crate::problem::Problem;
use crate::search::document::Tag;
use crate::search::gather::Wish;
use crate::search::lists::{Searched, asked};
use crate::search::tally::{Facet, Value};
use crate::vocabulary::{Likelihood, Outcome};

/// Whose judgements, and as of when.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Invalid)]
#[into_params(parameter_in = Query)]
pub struct CalibrationQuery {
    /// Of briefs by this author, as it is written there; any of several.
    #[deserr(default)]
    #[param(value_type = Option<Vec<String>>, example = json!(["Ihar Kavalenka"]))]
    pub author: Repeated,
    /// The time as of which to answer, not later than now.
    #[deserr(default)]
    #[param(value_type = Option<String>, format = DateTime, example = "2099-01-01T00:00:00Z")]
    pub as_of: Option<Timestamp>,
}

/// How well judgements were calibrated.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Calibration {
    /// Each term of likelihood, from the least to the most likely.
    pub terms: Vec<CalibrationOfTerm>,
    /// All of them together.
    pub overall: Score,
}

/// How well the judgements of one term were calibrated.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CalibrationOfTerm {
    /// The term.
    pub likelihood: Likelihood,
    /// The band that it means, in percent.
    pub band: Band,
    /// What became of the judgements.
    #[serde(flatten)]
    pub score: Score,
}

/// The band of a term in percent, both ends included.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Band {
    /// The lower end.
    #[schema(example = 55)]
    pub from: i16,
    /// The upper end.
    #[schema(example = 80)]
    pub to: i16,
}

/// What became of judgements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Score {
    /// How many have an outcome: those confirmed, refuted and mixed.
    #[schema(example = 10)]
    pub judged: u64,
    /// How many came true.
    #[schema(example = 7)]
    pub confirmed: u64,
    /// How many did not.
    #[schema(example = 2)]
    pub refuted: u64,
    /// How many came true in part. They are in none of the figures below.
    #[schema(example = 1)]
    pub mixed: u64,
    /// The share that came true of those confirmed or refuted; null if there are none.
    #[schema(example = 0.7778)]
    pub came_true: Option<f64>,
    /// The mean probability that was given to them: the percentage that was written, or the middle of the term's band.
    #[schema(example = 0.68)]
    pub forecast: Option<f64>,
    /// The Brier score: the mean squared distance between that probability and what happened, from 0, perfect, to 1; always saying
    /// 50 % gives 0.25.
    #[schema(example = 0.18)]
    pub brier: Option<f64>,
}

/// Read how well judgements were calibrated
///
/// How many judgements of each likelihood have an outcome, how many came true, and the Brier score, by every filter of trends and by
/// author.
#[utoipa::path(
    tag = "trends", operation_id = "getCalibration", params(FilterOnly<TrendFilter>, CalibrationQuery),
    responses((status = 200, description = "The scores", body = Calibration))
)]
#[get("/v1/calibration")]
pub async fn get(
    state: Data<AppState>,
    caller: Reader,
    Both(FilterOnly(filter), query): Both<FilterOnly<TrendFilter>, CalibrationQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (head, calibration) = asked(&state, &request, &caller, query.as_of, move |connection, sight, standing| {
        let finder = standing.finder(connection, sight, &filter, false)?;
        let ask = filter.ask(connection, sight)?.tagged(Tag::Author, query.author.0);
        let gathered = |facets: Vec<Facet>| finder.gather(&sight.caller, &ask, Wish::cross(facets));
        let (percent, outcome) = (Facet::Probability, Facet::Tag(Tag::Outcome));
        let terms = gathered(vec![Facet::Tag(Tag::Likelihood), percent, outcome])?.cross;
        let percents = gathered(vec![percent, outcome])?.cross;
        Ok(Calibration::of(terms.iter(), percents.iter()))
    })
    .await?;
    answer::document(&request, &caller, head, &calibration)
}

impl Calibration {
    /// Of judgements by likelihood, probability and outcome, and of all by probability and outcome, among which are those that
    /// have a probability alone.
    fn of<'j>(
        terms: impl Iterator<Item = (&'j Vec<Value>, &'j u64)>,
        percents: impl Iterator<Item = (&'j Vec<Value>, &'j u64)>,
    ) -> Self {
        let by_term: Vec<Forecast> = terms.filter_map(Forecast::of_term).collect();
        let by_percent: Vec<Forecast> = percents.filter_map(Forecast::of_percent).collect();
        let terms = Likelihood::ALL.iter().map(|likelihood| {
            let (from, to) = likelihood.band();
            let score = Score::of(by_term.iter().filter(|forecast| forecast.likelihood == Some(*likelihood)));
            CalibrationOfTerm { likelihood: *likelihood, band: Band { from, to }, score }
        });
        let by_band = by_term.iter().filter(|forecast| forecast.is_by_band);
        Self { terms: terms.collect(), overall: Score::of(by_percent.iter().chain(by_band)) }
    }
}

/// So many judgements of one probability that came out one way.
struct Forecast {
    likelihood: Option<Likelihood>,
    /// In half percents, since the middle of a band may lie between two.
    probability: u64,
    /// Whether it is the middle of the term's band, since no percentage was written.
    is_by_band: bool,
    outcome: Outcome,
    count: u64,
}

impl Forecast {
    fn of_term((values, count): (&Vec<Value>, &u64)) -> Option<Self> {
        let [Value::Text(likelihood), Value::Number(percent), Value::Text(outcome)] = values.as_slice() else {
            return None;
        };
        let likelihood: Likelihood = likelihood.parse().ok()?;
        let ((from, to), is_by_band) = (likelihood.band(), *percent == 0);
        let half_percents = if is_by_band { i64::from(from + to) } else { percent * 2 };
        let (probability, outcome) = (u64::try_from(half_percents).ok()?, outcome.parse().ok()?);
        Some(Self { likelihood: Some(likelihood), probability, is_by_band, outcome, count: *count })
    }

    fn of_percent((values, count): (&Vec<Value>, &u64)) -> Option<Self> {
        let [Value::Number(percent), Value::Text(outcome)] = values.as_slice() else {
            return None;
        };
        let probability = u64::try_from(percent * 2).ok().filter(|probability| *probability > 0)?;
        Some(Self { likelihood: None, probability, is_by_band: false, outcome: outcome.parse().ok()?, count: *count })
    }
}

/// How many half percents are all.
const WHOLE: u64 = 200;

impl Score {
    /// Sums of whole numbers, so that their order does not matter.
    fn of<'j>(forecasts: impl Iterator<Item = &'j Forecast>) -> Self {
        let (mut confirmed, mut refuted, mut mixed, mut sum, mut squares) = (0, 0, 0, 0, 0);
        for Forecast { probability, outcome, count, .. } in forecasts {
            let happened = match outcome {
                Outcome::Pending => continue,
                Outcome::Mixed => {
                    mixed += count;
                    continue;
                }
                Outcome::Confirmed => {
                    confirmed += count;
                    WHOLE
                }
                Outcome::Refuted => {
                    refuted += count;
                    0
                }
            };
            sum += probability * count;
            squares += probability.abs_diff(happened).pow(2) * count;
        }
        let decided = confirmed + refuted;
        let mean = |total: u64, unit: u64| (decided > 0).then(|| ratio(total, decided * unit));
        Self {
            judged: decided + mixed,
            confirmed,
            refuted,
            mixed,
            came_true: mean(confirmed, 1),
            forecast: mean(sum, WHOLE),
            brier: mean(squares, WHOLE.pow(2)),
        }
    }
}

/// To four places.
#[expect(clippy::cast_precision_loss, reason = "counts are far below the 53 bits that are exact")]
fn ratio(part: u64, whole: u64) -> f64 {
    (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(likelihood: Likelihood, percent: i64, outcome: Outcome) -> Vec<Value> {
        let text = |text: &str| Value::Text(text.to_owned());
        vec![text(likelihood.as_str()), Value::Number(percent), text(outcome.as_str())]
    }

    #[test]
    fn the_brier_score_is_the_mean_squared_distance() {
        let counts = [
            (judged(Likelihood::Likely, 70, Outcome::Confirmed), 3),
            (judged(Likelihood::Likely, 0, Outcome::Refuted), 1),
            (judged(Likelihood::Likely, 60, Outcome::Mixed), 2),
            (judged(Likelihood::Unlikely, 30, Outcome::Pending), 9),
        ];
        let percents = [
            (vec![Value::Number(70), Value::Text("confirmed".into())], 3),
            (vec![Value::Number(0), Value::Text("refuted".into())], 1),
            (vec![Value::Number(60), Value::Text("mixed".into())], 2),
        ];
        let terms = counts.iter().map(|(values, count)| (values, count));
        let percents = percents.iter().map(|(values, count)| (values, count));
        let Calibration { terms, overall } = Calibration::of(terms, percents);
        // 0.3² three times, and 0.675² once.
        assert_eq!(overall.brier, Some(0.1814));
        assert_eq!((overall.judged, overall.confirmed, overall.refuted, overall.mixed), (6, 3, 1, 2));
        assert_eq!((overall.came_true, overall.forecast), (Some(0.75), Some(0.6938)));
        assert_eq!(terms.len(), 7);
        let unlikely = &terms[2];
        assert_eq!((unlikely.likelihood, unlikely.score.judged, unlikely.score.brier), (Likelihood::Unlikely, 0, None));
    }
}
