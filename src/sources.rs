//! Sources: where a brief or an event has it from, graded by the Admiralty code.

use chrono::NaiveDate;
use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::body::Invalid;
use crate::scalars::{Day, HttpUrl, Line};
use crate::vocabulary::{Credibility, Reliability};

/// A source as it is written.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = Invalid, deny_unknown_fields)]
pub struct SourceInput {
    /// Where it can be read; http or https.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = "uri", example = "https://news.example.org/protocol")]
    pub url: Option<HttpUrl>,
    /// What it is called.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = "Protocol signed in Minsk")]
    pub title: Option<Line>,
    /// Who published it.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = "Example News")]
    pub publisher: Option<Line>,
    /// When it was published.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = Date, example = "2017-07-25")]
    pub published_on: Option<Day>,
    /// How reliable the source is.
    #[deserr(default)]
    pub reliability: Option<Reliability>,
    /// How credible the information is.
    #[deserr(default)]
    pub credibility: Option<Credibility>,
}

/// A source as it is kept and served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Where it can be read.
    #[schema(format = "uri", example = "https://news.example.org/protocol")]
    pub url: Option<String>,
    /// What it is called.
    #[schema(example = "Protocol signed in Minsk")]
    pub title: Option<String>,
    /// Who published it.
    #[schema(example = "Example News")]
    pub publisher: Option<String>,
    /// When it was published.
    #[schema(example = "2017-07-25")]
    pub published_on: Option<NaiveDate>,
    /// How reliable the source is, by the Admiralty code.
    pub reliability: Option<Reliability>,
    /// How credible the information is, by the Admiralty code.
    pub credibility: Option<Credibility>,
}

impl Source {
    /// What to call it: its title, or else who published it, or else where it is.
    #[must_use]
    pub fn name(&self) -> &str {
        [&self.title, &self.publisher, &self.url].into_iter().flatten().next().map_or("", String::as_str)
    }
}

impl From<SourceInput> for Source {
    fn from(input: SourceInput) -> Self {
        Self {
            url: input.url.map(HttpUrl::into_string),
            title: input.title.map(Line::into_string),
            publisher: input.publisher.map(Line::into_string),
            published_on: input.published_on.map(|Day(day)| day),
            reliability: input.reliability,
            credibility: input.credibility,
        }
    }
}
