//! Where something changed lately.

use std::collections::BTreeMap;

use crate::briefs::similar::strands::{Reach, Strand};

/// How many places a generation remembers; each takes some forty bytes. A write of a brief changes some twenty.
const MOST: usize = 1 << 14;

/// Places along strands, and by which position of the journal something had changed there last.
pub(super) type Places = BTreeMap<(Strand, i64), i64>;

/// The places along strands at which something changed, since a position of the journal. When the younger of two generations is
/// full the older one is given up, and what was made before the younger one began is made anew.
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

    /// Notes what has been heeded by a position; None where so much changed that it is not told. Returns what is given up for that.
    #[must_use = "to give it back takes a while: drop it where nobody waits for that"]
    pub(super) fn note(&mut self, touched: Option<&[(Strand, i64)]>, position: i64) -> [Places; 2] {
        let Some(touched) = touched.filter(|touched| touched.len() <= MOST) else {
            return self.begin_anew(position);
        };
        let mut given_up = Places::new();
        if self.young.len() + touched.len() > MOST {
            given_up = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.since = std::mem::replace(&mut self.young_since, self.until);
        }
        self.young.extend(touched.iter().map(|place| (*place, position)));
        self.until = position;
        [given_up, Places::new()]
    }

    /// Forgets all that came up to a position. Returns what is given up.
    #[must_use = "to give it back takes a while: drop it where nobody waits for that"]
    pub(super) fn begin_anew(&mut self, position: i64) -> [Places; 2] {
        let Self { old, young, .. } = std::mem::replace(self, Self::since(position));
        [old, young]
    }

    /// Whether what was made from a snapshot at a position stands, if it follows from what happens within these reaches.
    pub(super) fn leave_alone(&self, position: i64, mut reaches: impl Iterator<Item = Reach>) -> bool {
        let is_touched = |Reach { strand, first, last }| {
            let within = |places: &Places| {
                places.range((strand, first)..=(strand, last)).any(|(_, changed_by)| *changed_by > position)
            };
            // There is no such reach, and no range either.
            first > last || within(&self.young) || position < self.young_since && within(&self.old)
        };
        position >= self.until || position >= self.since && !reaches.any(is_touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::types::Id;

    fn note(changes: &mut Changes, touched: Option<&[(Strand, i64)]>, position: i64) {
        drop(changes.note(touched, position));
    }

    fn stands_along(strand: Strand, changes: &Changes, position: i64, last: i64) -> bool {
        changes.leave_alone(position, [Reach { strand, first: 10, last }].into_iter())
    }

    #[test]
    fn what_is_reached_stands_until_something_changes_within_it() {
        let (actor, other) = (Strand::of_actor(Id::new()), Strand::of_actor(Id::new()));
        let mut changes = Changes::since(5);
        let stands = |changes: &Changes, position, last| stands_along(actor, changes, position, last);
        assert!(stands(&changes, 5, 20) && !stands(&changes, 4, 20));
        note(&mut changes, Some(&[(other, 15), (actor, 21)]), 6);
        assert!(stands(&changes, 5, 20) && !stands(&changes, 5, 21) && stands(&changes, 6, 21));
        note(&mut changes, Some(&[(actor, 10)]), 7);
        assert!(!stands(&changes, 6, 20) && stands(&changes, 7, 20));
        note(&mut changes, None, 8);
        assert!(!stands(&changes, 7, 20) && stands(&changes, 8, 20));
    }

    #[test]
    fn what_was_made_lately_stands_when_much_has_changed_elsewhere() {
        let (here, elsewhere) = (Strand::of_actor(Id::new()), Strand::of_actor(Id::new()));
        let mut changes = Changes::since(0);
        let stands = |changes: &Changes, position| stands_along(here, changes, position, 20);
        for position in 1..40 {
            note(&mut changes, Some(&a_quarter_of(elsewhere, position)), position);
            assert!(changes.young.len() + changes.old.len() <= 2 * MOST);
            assert!(stands(&changes, (position - 3).max(0)), "{position}");
        }
        assert!(!stands(&changes, 1), "nobody knows any more");
        note(&mut changes, Some(&vec![(elsewhere, 0); MOST + 1]), 41);
        assert!(!stands(&changes, 40) && stands(&changes, 41));
    }

    #[test]
    fn what_changed_is_remembered_beyond_a_generation() {
        let (here, elsewhere) = (Strand::of_actor(Id::new()), Strand::of_actor(Id::new()));
        let mut changes = Changes::since(0);
        let stands = |changes: &Changes, position| stands_along(here, changes, position, 20);
        note(&mut changes, Some(&[(here, 15)]), 1);
        for position in 2..6 {
            note(&mut changes, Some(&a_quarter_of(elsewhere, position)), position);
        }
        assert!(changes.old.contains_key(&(here, 15)));
        assert!(!stands(&changes, 0) && stands(&changes, 1));
        note(&mut changes, Some(&[(here, 15)]), 6);
        assert!(!stands(&changes, 5) && stands(&changes, 6));
    }

    /// A quarter of the places that a generation remembers, others for each number.
    fn a_quarter_of(strand: Strand, number: i64) -> Vec<(Strand, i64)> {
        let quarter = i64::try_from(MOST / 4).expect("it is small");
        (0..quarter).map(|place| (strand, number * quarter + place)).collect()
    }
}
