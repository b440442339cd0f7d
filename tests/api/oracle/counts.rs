//! What facets and timelines count.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};

use super::archive::MARKINGS;
use super::ask::{Ask, List};
use super::{Archive, Brief, Caller, Event, Trend};

/// How often each value of each facet occurs.
pub type Counts = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// What one row is counted by: the values of each facet, and the day.
struct Counted {
    values: Vec<(&'static str, BTreeSet<String>)>,
    day: Option<NaiveDate>,
}

impl List {
    /// By what it is counted.
    pub fn facets(self) -> &'static [&'static str] {
        match self {
            Self::Briefs => &[
                "category",
                "country",
                "kind",
                "actor",
                "direction",
                "assessment",
                "category_status",
                "series",
                "state",
                "marking",
                "language",
                "year",
                "month",
            ],
            Self::Events => &["category", "country", "kind", "actor", "state", "marking", "year", "month"],
            Self::Trends => &[
                "category",
                "country",
                "actor",
                "direction",
                "assessment",
                "category_status",
                "series",
                "state",
                "marking",
                "language",
                "year",
                "month",
            ],
        }
    }
}

impl Archive {
    /// How often the values of every facet occur in what a list answers.
    pub fn facets(&self, caller: Caller, ask: &Ask) -> Counts {
        let mut counts: Counts = ask.list.facets().iter().map(|facet| (*facet, BTreeMap::new())).collect();
        for Counted { mut values, day } in self.counted(caller, ask) {
            values.push(("year", day.map(|day| format!("{:04}", day.year())).into_iter().collect()));
            values
                .push(("month", day.map(|day| format!("{:04}-{:02}", day.year(), day.month())).into_iter().collect()));
            for (facet, values) in values {
                for value in values {
                    *counts.get_mut(facet).expect("a known facet").entry(value).or_default() += 1;
                }
            }
        }
        counts
    }

    /// How much there is on each day, by the values of a facet if there is one.
    pub fn days(&self, caller: Caller, ask: &Ask, group: Option<&str>) -> BTreeMap<(NaiveDate, Option<String>), u64> {
        let mut days = BTreeMap::new();
        for Counted { values, day } in self.counted(caller, ask) {
            let Some(day) = day else { continue };
            let groups: Vec<Option<String>> = match group {
                None => vec![None],
                Some(group) => {
                    let (_, values) = values.into_iter().find(|(facet, _)| *facet == group).expect("a known facet");
                    values.into_iter().map(Some).collect()
                }
            };
            for group in groups {
                *days.entry((day, group)).or_default() += 1;
            }
        }
        days
    }

    fn counted(&self, caller: Caller, ask: &Ask) -> Vec<Counted> {
        match ask.list {
            List::Briefs => {
                self.matching_briefs(caller, ask).into_iter().map(|brief| self.counted_brief(caller, brief)).collect()
            }
            List::Events => {
                let events = self.matching_events(caller, ask).into_iter();
                events.map(|event| self.counted_event(caller, ask, event)).collect()
            }
            List::Trends => {
                let trends = self.matching_trends(caller, ask).into_iter();
                trends.map(|(brief, trend)| self.counted_trend(ask, brief, trend)).collect()
            }
        }
    }

    fn counted_brief(&self, caller: Caller, brief: &Brief) -> Counted {
        let (events, trends) = (self.visible_events(caller, brief), self.visible_trends(caller, brief));
        let status = brief.category_status.filter(|_| caller.sees_content(brief));
        let actors = self.visible_actors(caller, brief).into_iter().map(|actor| self.actors[actor].slug);
        let mut values = self.of_brief(brief);
        values.push(("category_status", some(status)));
        values.push(("kind", all(events.iter().map(|event| event.kind))));
        values.push(("actor", all(actors)));
        values.push(("direction", all(trends.iter().map(|trend| trend.direction))));
        values.push(("assessment", all(trends.iter().filter_map(|trend| trend.assessment))));
        values.push(("series", all(trends.iter().filter_map(|trend| trend.series))));
        Counted { values, day: brief.published_at.map(|at| at.date_naive()) }
    }

    fn of_brief(&self, brief: &Brief) -> Vec<(&'static str, BTreeSet<String>)> {
        vec![
            ("category", all([self.categories[brief.category].slug])),
            ("country", some(brief.country)),
            ("state", all([brief.state])),
            ("marking", all([MARKINGS[brief.marking]])),
            ("language", all([brief.language])),
        ]
    }

    fn counted_event(&self, caller: Caller, ask: &Ask, event: &Event) -> Counted {
        let shows = |brief: &&Brief| self.visible_events(caller, brief).iter().any(|shown| shown.slug == event.slug);
        let categories = self.briefs.iter().filter(shows).map(|brief| self.categories[brief.category].slug);
        let state = if event.state == Some("published") || event.released { "published" } else { "draft" };
        let values = vec![
            ("category", all(categories)),
            ("country", some(event.country)),
            ("kind", all([event.kind])),
            ("actor", all(event.participants.iter().map(|(actor, _)| self.actors[*actor].slug))),
            ("state", all([state])),
            ("marking", all([MARKINGS[event.marking]])),
        ];
        let is_open = event.occurred.from.year() == 1;
        let day = if is_open { event.occurred.to } else { event.occurred.from };
        Counted { values, day: Some(within(ask, day)) }
    }

    fn counted_trend(&self, ask: &Ask, brief: &Brief, trend: &Trend) -> Counted {
        let mut values = self.of_brief(brief);
        values.push(("category_status", some(brief.category_status)));
        values.push(("actor", all(trend.actors.iter().map(|actor| self.actors[*actor].slug))));
        values.push(("direction", all([trend.direction])));
        values.push(("assessment", some(trend.assessment)));
        values.push(("series", some(trend.series)));
        Counted { values, day: Some(within(ask, brief.days_of_trends().1)) }
    }
}

/// What lies outside of the days that are asked for, and reaches into them, is counted in the nearest of them.
fn within(ask: &Ask, day: NaiveDate) -> NaiveDate {
    let mut day = day;
    if ask.asks_for("to") {
        day = day.min(ask.to.day());
    }
    if ask.asks_for("from") {
        day = day.max(ask.from.day());
    }
    if ask.asks_for("on") { ask.on } else { day }
}

fn all<'a>(values: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    values.into_iter().map(ToOwned::to_owned).collect()
}

fn some(value: Option<&str>) -> BTreeSet<String> {
    all(value)
}
