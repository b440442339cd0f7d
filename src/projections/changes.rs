//! Where something changed lately.

use rustc_hash::FxHashMap;

use crate::briefs::similar::strands::{Reach, Strand};

/// How many places are remembered; each takes some hundred bytes at most. A write of a brief changes some twenty.
const MOST: usize = 1 << 15;

/// The places along strands at which something changed, since a position of the journal.
pub(super) struct Changes {
    since: i64,
    places: FxHashMap<Strand, Vec<Change>>,
    count: usize,
}

struct Change {
    place: i64,
    /// By which it had been heeded.
    position: i64,
}

impl Changes {
    /// Those that come after a position.
    pub(super) fn since(position: i64) -> Self {
        Self { since: position, places: FxHashMap::default(), count: 0 }
    }

    /// Notes what has been heeded by a position; None where so much changed that it is not told.
    pub(super) fn note(&mut self, touched: Option<&[(Strand, i64)]>, position: i64) {
        let Some(touched) = touched.filter(|touched| self.count + touched.len() <= MOST) else {
            *self = Self::since(position);
            return;
        };
        for (strand, place) in touched {
            self.places.entry(*strand).or_default().push(Change { place: *place, position });
        }
        self.count += touched.len();
    }

    /// Whether what was made from a snapshot at a position stands, if it follows from what happens within these reaches.
    pub(super) fn leave_alone(&self, position: i64, mut reaches: impl Iterator<Item = Reach>) -> bool {
        let is_touched = |reach: Reach| {
            let changes = self.places.get(&reach.strand).into_iter().flatten();
            // The latest last.
            changes.rev().take_while(|change| change.position > position).any(|change| reach.has(change.place))
        };
        position >= self.since && !reaches.any(is_touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::types::Id;

    #[test]
    fn what_is_reached_stands_until_something_changes_within_it() {
        let (actor, other) = (Strand::of_actor(Id::new()), Strand::of_actor(Id::new()));
        let stands = |changes: &Changes, position, last| {
            changes.leave_alone(position, [Reach { strand: actor, first: 10, last }].into_iter())
        };
        let mut changes = Changes::since(5);
        assert!(stands(&changes, 5, 20) && !stands(&changes, 4, 20));
        changes.note(Some(&[(other, 15), (actor, 21)]), 6);
        assert!(stands(&changes, 5, 20) && !stands(&changes, 5, 21) && stands(&changes, 6, 21));
        changes.note(Some(&[(actor, 10)]), 7);
        assert!(!stands(&changes, 6, 20) && stands(&changes, 7, 20));
        changes.note(None, 8);
        assert!(!stands(&changes, 7, 20) && stands(&changes, 8, 20));
    }

    #[test]
    fn no_more_is_remembered_than_may_be() {
        let (mut changes, strand) = (Changes::since(0), Strand::of_actor(Id::new()));
        for position in 1..20 {
            changes.note(Some(&vec![(strand, 0); MOST / 8]), position);
            assert!(changes.count <= MOST);
        }
        assert!(changes.since > 0);
    }
}
