//! Who may see what.

use std::collections::BTreeSet;

use super::archive::{Archive, Embargo, Trend};
use super::{Brief, Event};

/// Callers of one class see the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    pub editor: bool,
    /// The highest marking that it may see.
    pub clearance: usize,
}

impl Caller {
    pub fn all() -> impl Iterator<Item = Self> {
        [false, true].into_iter().flat_map(|editor| (0..5).map(move |clearance| Self { editor, clearance }))
    }

    fn is_cleared_for(self, marking: usize) -> bool {
        marking <= self.clearance
    }

    /// A brief before its publication is for editors; one under embargo is not for the public.
    pub fn sees_brief(self, brief: &Brief) -> bool {
        let open = match (brief.was_published(), brief.embargo) {
            (false, _) => false,
            (true, Embargo::Lasting) => self.clearance > 0,
            (true, Embargo::None | Embargo::Over) => true,
        };
        !brief.deleted && self.is_cleared_for(brief.marking) && (open || self.editor) && brief.permit.lets_see(self)
    }

    /// Of a retracted brief, the content is for editors.
    pub fn sees_content(self, brief: &Brief) -> bool {
        self.sees_brief(brief) && (brief.state != "retracted" || self.editor) && brief.permit.lets_read(self)
    }

    /// A trend is as its brief's content.
    pub fn sees_trend(self, brief: &Brief, trend: &Trend) -> bool {
        self.sees_content(brief) && trend.permit.lets_see(self)
    }

    pub fn sees_event(self, archive: &Archive, event: &Event) -> bool {
        !event.deleted && self.would_see(archive, event)
    }

    /// An event is public in its own right, or as far as published briefs show it; gone, it is so in the past.
    fn would_see(self, archive: &Archive, event: &Event) -> bool {
        let shown = || {
            let mut showing = archive.briefs.iter().filter(|brief| {
                brief.is_published() && brief.events.iter().any(|place| archive.events[*place].slug == event.slug)
            });
            showing.any(|brief| self.sees_brief(brief))
        };
        let open = event.state == Some("published") || self.editor || shown();
        self.is_cleared_for(event.marking) && open && event.permit.lets_see(self)
    }
}

impl Archive {
    /// The events of a brief that the caller may see there.
    pub fn visible_events(&self, caller: Caller, brief: &Brief) -> Vec<&Event> {
        let events = brief.events.iter().map(|place| &self.events[*place]);
        events.filter(|event| caller.sees_content(brief) && caller.sees_event(self, event)).collect()
    }

    /// The trends of a brief that the caller may see.
    pub fn visible_trends<'a>(&'a self, caller: Caller, brief: &'a Brief) -> Vec<&'a Trend> {
        brief.trends.iter().filter(|trend| caller.sees_trend(brief, trend)).collect()
    }

    /// The actors by whom the caller finds a brief: those in what it may see of it.
    pub fn visible_actors(&self, caller: Caller, brief: &Brief) -> Vec<usize> {
        let of_events = self.visible_events(caller, brief).into_iter().flat_map(|event| &event.participants);
        let of_trends = self.visible_trends(caller, brief).into_iter().flat_map(|trend| &trend.actors);
        let mut actors: Vec<usize> = of_events.map(|(actor, _)| *actor).chain(of_trends.copied()).collect();
        actors.sort_by_key(|actor| self.actors[*actor].slug);
        actors.dedup();
        actors
    }

    /// Notes who may see what now, for the day when it is gone; and what published briefs show.
    pub fn remember(&mut self) {
        let now = self.clone();
        for (event, was) in self.events.iter_mut().zip(&now.events) {
            let shown = |brief: &Brief| brief.events.iter().any(|place| now.events[*place].slug == was.slug);
            event.released = now.briefs.iter().any(|brief| brief.is_published() && !brief.deleted && shown(brief));
            let seen_by: BTreeSet<Caller> = Caller::all().filter(|caller| caller.sees_event(&now, was)).collect();
            event.once_seen.extend(&seen_by);
            if !event.deleted || (event.was_released && event.state != Some("published")) {
                event.permit.seen_by = Caller::all().filter(|caller| caller.would_see(&now, was)).collect();
            }
            if !event.deleted {
                event.was_released = event.released;
            }
        }
        for (brief, was) in self.briefs.iter_mut().zip(&now.briefs) {
            let seen_by: BTreeSet<Caller> = Caller::all().filter(|caller| caller.sees_brief(was)).collect();
            let read_by: BTreeSet<Caller> = Caller::all().filter(|caller| caller.sees_content(was)).collect();
            for trend in &mut brief.trends {
                trend.once_seen.extend(&read_by);
                trend.permit.seen_by.clone_from(&read_by);
            }
            brief.once_seen.extend(&seen_by);
            if !brief.deleted {
                brief.permit.seen_by = seen_by;
                brief.permit.read_by = read_by;
            }
        }
        // A trend that is gone goes on to be hidden and shown with its brief.
        for (place, trend) in &mut self.gone_trends {
            let brief = &self.briefs[*place];
            if !brief.deleted {
                trend.permit.seen_by.clone_from(&brief.permit.read_by);
            }
        }
    }
}
