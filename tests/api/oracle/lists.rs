//! What the lists answer.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, Utc};

use super::archive::Facts;
use super::ask::{Ask, List, Name, text_word, title_word};
use super::{Archive, Brief, Caller, Event, Trend};

impl Archive {
    /// The slugs that a list answers, in order.
    pub fn answer(&self, caller: Caller, ask: &Ask) -> Vec<&str> {
        match ask.list {
            List::Briefs => {
                let rows = self.matching_briefs(caller, ask).into_iter();
                sorted(ask, rows, |brief| &brief.facts, |brief| brief.published_at.unwrap_or(DateTime::<Utc>::MAX_UTC))
                    .map(|brief| brief.slug.as_str())
                    .collect()
            }
            List::Events => {
                let rows = self.matching_events(caller, ask).into_iter();
                sorted(ask, rows, |event| &event.facts, |event| event.occurred.from)
                    .map(|event| event.slug.as_str())
                    .collect()
            }
            List::Trends => {
                let rows = self.matching_trends(caller, ask).into_iter();
                sorted(ask, rows, |(_, trend)| &trend.facts, |(brief, _)| brief.days_of_trends().1)
                    .map(|(_, trend)| trend.slug.as_str())
                    .collect()
            }
        }
    }

    pub fn matching_briefs(&self, caller: Caller, ask: &Ask) -> Vec<&Brief> {
        self.briefs.iter().filter(|brief| self.brief_matches(caller, ask, brief)).collect()
    }

    pub fn matching_events(&self, caller: Caller, ask: &Ask) -> Vec<&Event> {
        self.events.iter().filter(|event| self.event_matches(caller, ask, event)).collect()
    }

    /// Each with its brief.
    pub fn matching_trends(&self, caller: Caller, ask: &Ask) -> Vec<(&Brief, &Trend)> {
        let all = self.briefs.iter().flat_map(|brief| brief.trends.iter().map(move |trend| (brief, trend)));
        all.filter(|(brief, trend)| self.trend_matches(caller, ask, brief, trend)).collect()
    }

    fn brief_matches(&self, caller: Caller, ask: &Ask, brief: &Brief) -> bool {
        let actors = self.visible_actors(caller, brief);
        let kind = || self.visible_events(caller, brief).iter().any(|event| ask.kind.contains(&event.kind));
        let of_trends = ["direction", "assessment", "series"].iter().any(|parameter| ask.asks_for(parameter));
        let trend = || self.visible_trends(caller, brief).iter().any(|trend| says(ask, trend));
        caller.sees_brief(brief)
            && of_brief(ask, brief)
            && self.by_actors(ask, &actors)
            && in_span(ask, brief.published_at)
            && (!ask.asks_for("category_status") || caller.sees_content(brief))
            && (!ask.asks_for("kind") || kind())
            && (!of_trends || trend())
            && ask.is_found_in(&self.words_of_brief(caller, brief))
    }

    fn event_matches(&self, caller: Caller, ask: &Ask, event: &Event) -> bool {
        let actors: Vec<usize> = event.participants.iter().map(|(actor, _)| *actor).collect();
        let in_category = || {
            let mut briefs = self.briefs.iter().filter(|brief| ask.category.contains(&brief.category));
            briefs.any(|brief| self.visible_events(caller, brief).iter().any(|shown| shown.slug == event.slug))
        };
        let state = if event.state == Some("published") || event.released { "published" } else { "draft" };
        caller.sees_event(self, event)
            && self.by_actors(ask, &actors)
            && overlaps(ask, event.occurred.from, event.occurred.to)
            && (!ask.asks_for("category") || in_category())
            && (!ask.asks_for("country") || event.country.is_some_and(|country| ask.country.contains(&country)))
            && (!ask.asks_for("kind") || ask.kind.contains(&event.kind))
            && (!ask.asks_for("state") || ask.state.contains(&state))
            && (!ask.asks_for("marking") || ask.marking.contains(&event.marking))
            && ask.is_found_in(&[title_word(&event.slug), text_word(&event.slug)])
    }

    fn trend_matches(&self, caller: Caller, ask: &Ask, brief: &Brief, trend: &Trend) -> bool {
        let (from, to) = brief.days_of_trends();
        caller.sees_trend(brief, trend)
            && of_brief(ask, brief)
            && self.by_actors(ask, &trend.actors)
            && overlaps(ask, from, to)
            && says(ask, trend)
            && ask.is_found_in(&[title_word(&trend.slug)])
    }

    /// The words by which a caller finds a brief: of one that is withheld, those of its title.
    fn words_of_brief(&self, caller: Caller, brief: &Brief) -> Vec<&'static str> {
        let mut words = vec![title_word(&brief.slug)];
        if caller.sees_content(brief) {
            words.push(text_word(&brief.slug));
            words.extend(self.visible_trends(caller, brief).iter().map(|trend| title_word(&trend.slug)));
        }
        words
    }

    /// Any of `actor`, and each of `all_actors`.
    fn by_actors(&self, ask: &Ask, actors: &[usize]) -> bool {
        let is_there = |bearers: &Vec<usize>| bearers.iter().any(|bearer| actors.contains(bearer));
        (!ask.asks_for("actor") || self.meant_by(&ask.actor).iter().any(is_there))
            && (!ask.asks_for("all_actors") || self.meant_by(&ask.all_actors).iter().all(is_there))
    }

    /// For each name its bearers; what is nobody's name as a whole is a list.
    fn meant_by(&self, names: &[Name]) -> Vec<Vec<usize>> {
        let mut meant = Vec::new();
        for name in names {
            let text = name.text(self);
            let whole = self.bearers(&text);
            if whole.is_empty() {
                meant.extend(text.split(',').map(|part| self.bearers(part.trim())).filter(|found| !found.is_empty()));
            } else {
                meant.push(whole);
            }
        }
        meant
    }

    fn bearers(&self, text: &str) -> Vec<usize> {
        if let Some(actor) = self.actors.iter().position(|actor| actor.facts.id == text) {
            return vec![actor];
        }
        (0..self.actors.len())
            .filter(|place| {
                let actor = &self.actors[*place];
                let mut names = actor.aliases.iter().chain([&actor.name]);
                actor.slug == text || names.any(|name| words(name) == words(text))
            })
            .collect()
    }

    /// How a category stands for a caller: by the latest brief that says so.
    pub fn status_of(&self, caller: Caller, category: usize) -> Option<&Brief> {
        let says = |brief: &&Brief| {
            brief.category == category
                && brief.is_published()
                && brief.category_status.is_some()
                && caller.sees_content(brief)
        };
        self.briefs.iter().filter(says).max_by_key(|brief| (brief.published_at, brief.facts.id.clone()))
    }
}

fn words(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}

/// What is asked of a brief itself, in its own list and in that of its trends.
fn of_brief(ask: &Ask, brief: &Brief) -> bool {
    (!ask.asks_for("category") || ask.category.contains(&brief.category))
        && (!ask.asks_for("country") || brief.country.is_some_and(|country| ask.country.contains(&country)))
        && (!ask.asks_for("language") || ask.language.contains(&brief.language))
        && (!ask.asks_for("category_status")
            || brief.category_status.is_some_and(|status| ask.category_status.contains(&status)))
        && (!ask.asks_for("state") || ask.state.contains(&brief.state))
        && (!ask.asks_for("marking") || ask.marking.contains(&brief.marking))
}

fn says(ask: &Ask, trend: &Trend) -> bool {
    (!ask.asks_for("direction") || ask.direction.contains(&trend.direction))
        && (!ask.asks_for("assessment")
            || trend.assessment.is_some_and(|assessment| ask.assessment.contains(&assessment)))
        && (!ask.asks_for("series") || trend.series.is_some_and(|series| ask.series.contains(&series)))
}

/// Publication: what was never published has no date, and so is at none.
fn in_span(ask: &Ask, published_at: Option<DateTime<Utc>>) -> bool {
    let asks_for_dates = ["from", "to", "on"].iter().any(|parameter| ask.asks_for(parameter));
    match published_at {
        None => !asks_for_dates,
        Some(moment) => {
            (!ask.asks_for("from") || moment >= ask.from.earliest())
                && (!ask.asks_for("to") || moment <= ask.to.latest())
                && (!ask.asks_for("on") || moment.date_naive() == ask.on)
        }
    }
}

/// Occurrence, and the periods of trends: days that overlap what is asked for.
fn overlaps(ask: &Ask, from: NaiveDate, to: NaiveDate) -> bool {
    (!ask.asks_for("from") || to >= ask.from.day())
        && (!ask.asks_for("to") || from <= ask.to.day())
        && (!ask.asks_for("on") || (from..=to).contains(&ask.on))
}

/// The rows in the order that is asked for: by the list's own key or by update, and always by id then.
fn sorted<'a, T, K: Ord>(
    ask: &Ask,
    rows: impl Iterator<Item = T>,
    facts: impl Fn(&T) -> &'a Facts,
    key: impl Fn(&T) -> K,
) -> impl Iterator<Item = T> {
    let mut rows: Vec<T> = rows.collect();
    rows.sort_by(|a, b| {
        let by_key: Ordering =
            if ask.is_by_update() { facts(a).updated_at.cmp(&facts(b).updated_at) } else { key(a).cmp(&key(b)) };
        by_key.then_with(|| facts(a).id.cmp(&facts(b).id))
    });
    if ask.is_descending() {
        rows.reverse();
    }
    rows.into_iter()
}
