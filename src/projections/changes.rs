//! Where something changed lately.

use std::collections::BTreeMap;

use crate::briefs::similar::strands::{Reach, Strand};

/// How many places a generation remembers; each takes some forty bytes. A write of a brief changes some twenty.
const MOST: usize = 1 << 14;

/// Places along strands, and by which position of the journal something had changed there last.
type Places = BTreeMap<(Strand, i64), i64>;

/// The places along strands at which something changed, since a position of the journal. When the younger of two generations is
/// full the older one is given up: only what was made before it is made anew.
pub(super) struct Changes {
    old: Places,
    young: Places,
    /// What comes after this is known.
    since: i64,
    /// What comes after this is in the younger generation.
    young_since: i64,
    /// What comes up to this has been noted.
    until: i64,
}

impl Changes {
    /// Those that come after a position.
    pub(super) fn since(position: i64) -> Self {
        let (old, young) = (Places::new(), Places::new());
        Self { old, young, since: position, young_since: position, until: position }
    }

    /// Notes what has been heeded by a position; None where so much changed that it is not told.
    pub(super) fn note(&mut self, touched: Option<&[(Strand, i64)]>, position: i64) {
        let Some(touched) = touched.filter(|touched| touched.len() <= MOST) else {
            *self = Self::since(position);
            return;
        };
        if self.young.len() + touched.len() > MOST {
            self.old = std::mem::take(&mut self.young);
            self.since = std::mem::replace(&mut self.young_since, self.until);
        }
        self.young.extend(touched.iter().map(|place| (*place, position)));
        self.until = position;
    }

    /// Whether what was made from a snapshot at a position stands, if it follows from what happens within these reaches.
    pub(super) fn leave_alone(&self, position: i64, mut reaches: impl Iterator<Item = Reach>) -> bool {
        let is_touched = |Reach { strand, first, last }| {
            let within = |places: &Places| {
                places.range((strand, first)..=(strand, last)).any(|(_, changed_by)| *changed_by > position)
            };
            within(&self.young) || within(&self.old)
        };
        position >= self.since && !reaches.any(is_touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::types::Id;

    fn stands(changes: &Changes, position: i64, strand: Strand, last: i64) -> bool {
        changes.leave_alone(position, [Reach { strand, first: 10, last }].into_iter())
    }

    #[test]
    fn what_is_reached_stands_until_something_changes_within_it() {
        let (actor, other) = (Strand::of_actor(Id::new()), Strand::of_actor(Id::new()));
        let mut changes = Changes::since(5);
        let stands = |changes: &Changes, position, last| stands(changes, position, actor, last);
        assert!(stands(&changes, 5, 20) && !stands(&changes, 4, 20));
        changes.note(Some(&[(other, 15), (actor, 21)]), 6);
        assert!(stands(&changes, 5, 20) && !stands(&changes, 5, 21) && stands(&changes, 6, 21));
        changes.note(Some(&[(actor, 10)]), 7);
        assert!(!stands(&changes, 6, 20) && stands(&changes, 7, 20));
        changes.note(None, 8);
        assert!(!stands(&changes, 7, 20) && stands(&changes, 8, 20));
    }

    #[test]
    fn what_was_made_lately_stands_when_much_has_changed_elsewhere() {
        let (mut changes, here, elsewhere) =
            (Changes::since(0), Strand::of_actor(Id::new()), Strand::of_actor(Id::new()));
        let quarter = i64::try_from(MOST / 4).expect("it is small");
        for position in 1..40 {
            let touched: Vec<_> = (0..quarter).map(|place| (elsewhere, position * quarter + place)).collect();
            changes.note(Some(&touched), position);
            assert!(changes.young.len() + changes.old.len() <= 2 * MOST);
            assert!(stands(&changes, (position - 3).max(0), here, 20), "{position}");
        }
        assert!(!stands(&changes, 1, here, 20), "nobody knows any more");
        changes.note(Some(&[(here, 15)]), 40);
        assert!(!stands(&changes, 39, here, 20) && stands(&changes, 40, here, 20));
        changes.note(Some(&vec![(elsewhere, 0); MOST + 1]), 41);
        assert!(!stands(&changes, 40, here, 20) && stands(&changes, 41, here, 20));
    }
}
