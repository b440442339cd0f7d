//! A brief as HTML. Whatever an author wrote is text here, escaped; only the body, cleaned when it was stored, has markup.

use maud::{Markup, PreEscaped, html};

use super::labels::{self, Labels, sign};
use super::page_url;
use crate::briefs::model::{BriefView, Image};
use crate::config::Config;
use crate::events::model::EventView;
use crate::reference::Link;
use crate::sources::Source;
use crate::trends::model::TrendView;
use crate::vocabulary::Assessment;

/// A brief whole, to be put into a page.
#[must_use]
pub fn fragment(config: &Config, brief: &BriefView) -> Markup {
    let status = brief.category_status.map(Assessment::as_str);
    html! {
        article lang=(brief.language) data-briefwire-id=(brief.id) data-category-status=[status] {
            h1 { (brief.title) }
            p {
                (brief.category.name)
                @if let Some(status) = brief.category_status {
                    " · " (Labels::of(&brief.language).assessment(status))
                }
                @if let Some(at) = brief.published_at {
                    " · " time datetime=(at) { (at.datetime().date_naive()) }
                }
            }
            (content(config, brief))
        }
    }
}

/// What stands below the title.
#[must_use]
pub fn content(config: &Config, brief: &BriefView) -> Markup {
    let labels = Labels::of(&brief.language);
    html! {
        (notices(brief, labels))
        @if let Some(image) = &brief.image { (picture(image)) }
        @if let Some(summary) = &brief.summary { p { (summary) } }
        @if let Some(trends) = brief.trends.as_ref().filter(|trends| !trends.is_empty()) {
            h2 { (labels.trends) }
            (list_of_trends(trends, labels))
        }
        @if let Some(body) = brief.body_html.as_ref().and_then(Option::as_ref) {
            h2 { (labels.analysis) }
            (PreEscaped(body))
        }
        @let events: Vec<&EventView> = brief.events.iter().flatten().filter_map(Link::living).collect();
        @if !events.is_empty() {
            h2 { (labels.events) }
            ul { @for one in events { (event(one)) } }
        }
        @if !brief.sources.is_empty() {
            h2 { (labels.sources) }
            ul { @for one in &brief.sources { li { (source(one)) } } }
        }
        p {
            @for author in &brief.authors { (author) " · " }
            @if let Some(license) = &brief.license { (license) " · " }
            a href=(page_url(config, &brief.slug, brief.canonical_url.as_deref())) rel="canonical" { (labels.original) }
        }
    }
}

/// What happened to a brief after it was published.
#[must_use]
pub fn notices(brief: &BriefView, labels: &'static Labels) -> Markup {
    html! {
        @for notice in labels::notices(brief, labels) {
            p role="note" {
                strong { (notice.what) } ", "
                time datetime=(notice.at) { (notice.at.datetime().date_naive()) } ": " (notice.text)
            }
        }
    }
}

/// A picture with whom it is owed to.
#[must_use]
pub fn picture(image: &Image) -> Markup {
    html! {
        figure {
            img src=(image.url) alt=(image.alt.as_deref().unwrap_or_default());
            @if let Some(credit) = &image.credit { figcaption { (credit) } }
        }
    }
}

/// Judgements, as a list.
#[must_use]
pub fn list_of_trends(trends: &[TrendView], labels: &Labels) -> Markup {
    html! { ul { @for one in trends { (trend(one, labels)) } } }
}

/// A judgement, as an item of a list.
fn trend(trend: &TrendView, labels: &Labels) -> Markup {
    let assessment = trend.assessment.map(Assessment::as_str);
    html! {
        li data-direction=(trend.direction) data-assessment=[assessment] {
            (sign(trend.direction)) " " (trend.statement)
            @if let Some(limits) = &trend.limits { " " em { (labels.limits) ": " (limits) } }
        }
    }
}

/// What happened, as an item of a list.
#[must_use]
pub fn event(event: &EventView) -> Markup {
    html! {
        li {
            time datetime=(event.occurred_from) { (event.occurred) } " " strong { (event.title) }
            @if let Some(description) = &event.description { " " (description) }
        }
    }
}

/// Where something is from.
#[must_use]
pub fn source(source: &Source) -> Markup {
    html! {
        @match &source.url {
            Some(url) => a href=(url) { (source.name()) },
            None => (source.name()),
        }
    }
}
