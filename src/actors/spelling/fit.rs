//! How well a name fits what somebody asked for, and why.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use strsim::osa_distance;

use super::keys::{best_first, core, sign, weighted};
use super::letters::{Word, is_vowel, words};

/// Sounds of so few letters say little.
const SHORT: usize = 3;
const LOOKS_ALIKE: f64 = 0.5;
const LOOKS_ALIKE_JOINED: f64 = 0.8;
const MOST_WORDS_TO_JOIN: usize = 5;

/// Why a name fits, from the best reason to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The same text.
    Same,
    /// The same but for case, accents, spaces and punctuation.
    Look,
    /// Sounds the same in another spelling or alphabet.
    Spelling,
    /// The same words in another order.
    Order,
    /// Some words are initials, or are missing where initials are.
    Initials,
    /// One is a part of the other.
    Part,
    /// The same but for a slip of the pen.
    Typo,
    /// A part of it, but for a slip of the pen.
    TypoInPart,
    /// A telling word in common, with more on both sides.
    Shared,
}

impl Reason {
    /// Says the reason to a user.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Same => "This is exactly the name.",
            Self::Look => "The name is the same but for capitals, accents, spaces or punctuation.",
            Self::Spelling => "The name sounds the same in another spelling or alphabet.",
            Self::Order => "The words are the same in another order.",
            Self::Initials => "The surname is the same and the initials fit.",
            Self::Part => "One name is a part of the other.",
            Self::Typo => "The name is the same but for what may be a typing error.",
            Self::TypoInPart => "A part of the name is the same but for what may be a typing error.",
            Self::Shared => "The names have a word in common.",
        }
    }

    /// The scores of one reason lie apart from those of every other, so a better reason always ranks higher.
    fn scores(self) -> (f64, f64) {
        match self {
            Self::Same => (1.0, 1.0),
            Self::Look => (0.97, 0.97),
            Self::Spelling => (0.88, 0.94),
            Self::Order => (0.80, 0.85),
            Self::Initials => (0.70, 0.77),
            Self::Part => (0.50, 0.67),
            Self::Typo => (0.32, 0.47),
            Self::TypoInPart => (0.18, 0.29),
            Self::Shared => (0.05, 0.15),
        }
    }
}

/// How well a name fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// From 0 to 1; only comparable between names that fit the same wanted one.
    pub score: f64,
    /// Why.
    pub reason: Reason,
}

impl Fit {
    /// A fit within the scores of its reason, by how close (0 to 1) the names are.
    fn new(reason: Reason, closeness: f64) -> Self {
        let (least, most) = reason.scores();
        Self { score: least + (most - least) * closeness.clamp(0.0, 1.0), reason }
    }
}

/// A stored name, prepared for comparison.
#[derive(Clone, Debug)]
pub struct Name {
    text: String,
    titles: Vec<String>,
    /// All words as one, folded.
    whole: String,
    /// The words but for titles.
    words: Vec<Word>,
}

impl Name {
    /// Prepares a stored name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let all = words(text);
        let words = core(&all);
        let titles = all.iter().filter(|word| word.is_title).map(|word| word.folded.clone()).collect();
        let whole = all.iter().map(|word| word.folded.as_str()).collect();
        Self { text: text.trim().to_owned(), titles, whole, words }
    }
}

/// The words of a name with two neighbours written as one, for each two.
fn with_two_joined(words: &[Word]) -> Vec<Vec<Word>> {
    let joints = if words.len() <= MOST_WORDS_TO_JOIN { words.len().saturating_sub(1) } else { 0 };
    let joined = (0..joints).map(|joint| {
        let (before, rest) = words.split_at(joint);
        let (pair, after) = rest.split_at(2);
        before.iter().cloned().chain([Word::joined(pair)]).chain(after.iter().cloned()).collect()
    });
    joined.collect()
}

/// A name that somebody asks for, prepared once.
#[derive(Clone, Debug)]
pub struct Wanted {
    name: Name,
    joined: Vec<Vec<Word>>,
    weights: BTreeMap<String, f64>,
}

impl Wanted {
    /// Prepares a name that somebody asks for.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let name = Name::new(text);
        let weights = if name.words.is_empty() { BTreeMap::from([(sign(text), 1.0)]) } else { weighted(&name.words) };
        Self { joined: with_two_joined(&name.words), name, weights }
    }

    /// The keys to look up, at most 60, the most telling first.
    #[must_use]
    pub fn probes(&self) -> Vec<String> {
        best_first(&self.weights)
    }

    /// What it says of a stored name that it has this key; the names with the greatest sums are worth comparing.
    #[must_use]
    pub fn weigh(&self, key: &str) -> f64 {
        self.weights.get(key).copied().unwrap_or_default()
    }

    /// How well one stored name fits, or `None` if it does not at all.
    #[must_use]
    pub fn fit(&self, name: &Name) -> Option<Fit> {
        let wanted = &self.name;
        if wanted.text == name.text {
            return Some(Fit::new(Reason::Same, 1.0));
        }
        if wanted.words.is_empty() || name.words.is_empty() {
            return None;
        }
        if wanted.whole == name.whole {
            return Some(Fit::new(Reason::Look, 1.0));
        }
        let fits = fit_whole(wanted, name).into_iter().chain(self.fit_words(name));
        fits.max_by(|one, other| one.score.total_cmp(&other.score))
    }

    /// Compares word by word in whatever order; a name of fewer words may have two of the other's written as one.
    fn fit_words(&self, name: &Name) -> Vec<Fit> {
        let wanted = &self.name;
        let titles_differ = wanted.titles != name.titles;
        let fit = |wanted: &[Word], name: &[Word]| Pairing::of(wanted, name).fit(titles_differ);
        let fits = match wanted.words.len().cmp(&name.words.len()) {
            Ordering::Less => {
                with_two_joined(&name.words).iter().filter_map(|joined| fit(&wanted.words, joined)).collect()
            }
            Ordering::Equal => Vec::new(),
            Ordering::Greater => self.joined.iter().filter_map(|joined| fit(joined, &name.words)).collect(),
        };
        fits.into_iter().chain(fit(&wanted.words, &name.words)).collect()
    }
}

/// Compares the names as if each were one word, which forgives a slip in a short word or between two words.
fn fit_whole(wanted: &Name, name: &Name) -> Option<Fit> {
    let slips = slips_of_text(&wanted.whole, &name.whole).filter(|slips| *slips == 1)?;
    Some(Fit::new(Reason::Typo, 1.0 - ratio(slips, wanted.whole.chars().count())))
}

/// Which words of two names belong together.
struct Pairing<'a> {
    pairs: Vec<Pair<'a>>,
    left: Vec<&'a Word>,
    missing: Vec<&'a Word>,
}

struct Pair<'a> {
    likeness: Likeness,
    places: (usize, usize),
    words: (&'a Word, &'a Word),
}

impl Pair<'_> {
    fn is_full(&self) -> bool {
        self.likeness != Likeness::Initial && !self.words.0.is_initial
    }

    fn closeness(&self) -> f64 {
        let (one, other) = self.words;
        match self.likeness {
            Likeness::Initial if one.folded.chars().next() != other.folded.chars().next() => 0.0,
            Likeness::Initial => 1.0,
            _ => similarity(one, other),
        }
    }
}

impl<'a> Pairing<'a> {
    /// Pairs the words that are most alike first.
    fn of(wanted: &'a [Word], name: &'a [Word]) -> Self {
        let mut candidates = candidates(wanted, name);
        candidates.sort_by_key(|pair| (pair.likeness, pair.places.0.abs_diff(pair.places.1)));
        let mut pairs = Vec::<Pair>::new();
        for pair in candidates {
            if pairs.iter().all(|taken| taken.places.0 != pair.places.0 && taken.places.1 != pair.places.1) {
                pairs.push(pair);
            }
        }
        pairs.sort_by_key(|pair| pair.places);
        let left = unpaired(wanted, &pairs.iter().map(|pair| pair.places.0).collect::<Vec<_>>());
        let missing = unpaired(name, &pairs.iter().map(|pair| pair.places.1).collect::<Vec<_>>());
        Self { pairs, left, missing }
    }

    fn fit(&self, titles_differ: bool) -> Option<Fit> {
        if !self.pairs.iter().any(Pair::is_full) || self.is_bare_given_name() {
            return None;
        }
        if !self.left.is_empty() && !self.missing.is_empty() {
            return self.is_telling().then(|| Fit::new(Reason::Shared, self.coverage()));
        }
        let reason = self.reason(titles_differ);
        let likeness = mean(self.pairs.iter().map(Pair::closeness));
        Some(Fit::new(reason, 0.8 * self.coverage() + 0.2 * likeness))
    }

    fn reason(&self, titles_differ: bool) -> Reason {
        let mut unpaired = self.left.iter().chain(&self.missing);
        let has_initials = unpaired.clone().next().is_some() || self.has(|likeness| likeness == Likeness::Initial);
        let is_part = titles_differ || unpaired.any(|word| !word.is_initial);
        match self.has(|likeness| matches!(likeness, Likeness::Slips(_))) {
            true if is_part || has_initials => Reason::TypoInPart,
            true => Reason::Typo,
            false if is_part => Reason::Part,
            false if has_initials => Reason::Initials,
            false if self.is_in_order() => Reason::Spelling,
            false => Reason::Order,
        }
    }

    fn has(&self, is_wanted: fn(Likeness) -> bool) -> bool {
        self.pairs.iter().any(|pair| is_wanted(pair.likeness))
    }

    fn is_in_order(&self) -> bool {
        self.pairs.is_sorted_by_key(|pair| pair.places.1)
    }

    /// Whether somebody was asked for by more than the one given name that is in common.
    fn is_bare_given_name(&self) -> bool {
        matches!(self.pairs.as_slice(), [pair] if pair.words.0.given.is_some()) && !self.left.is_empty()
    }

    /// Whether there is more in common than a given name.
    fn is_telling(&self) -> bool {
        let is_telling = |pair: &Pair| pair.likeness <= Likeness::Spelling && pair.words.0.given.is_none();
        self.pairs.iter().any(|pair| pair.is_full() && is_telling(pair))
    }

    /// The part of the words that are paired; a given name alone is no great part of a name.
    fn coverage(&self) -> f64 {
        let paired = self.pairs.iter().map(|pair| if pair.words.0.given.is_some() { 0.9 } else { 1.0 });
        mean(paired.chain(self.left.iter().chain(&self.missing).map(|_| 0.0)))
    }
}

fn candidates<'a>(wanted: &'a [Word], name: &'a [Word]) -> Vec<Pair<'a>> {
    let places = wanted.iter().enumerate().flat_map(|one| name.iter().enumerate().map(move |other| (one, other)));
    let pair = |((place, word), (other_place, other)): ((usize, &'a Word), (usize, &'a Word))| {
        let likeness = likeness(word, other)?;
        Some(Pair { likeness, places: (place, other_place), words: (word, other) })
    };
    places.filter_map(pair).collect()
}

fn unpaired<'a>(words: &'a [Word], paired: &[usize]) -> Vec<&'a Word> {
    words.iter().enumerate().filter(|(place, _)| !paired.contains(place)).map(|(_, word)| word).collect()
}

/// How much two words are alike, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Same,
    Spelling,
    Initial,
    Slips(usize),
}

fn likeness(one: &Word, other: &Word) -> Option<Likeness> {
    if one.folded == other.folded {
        return Some(Likeness::Same);
    }
    if one.is_initial || other.is_initial {
        let fits = !one.is_joined && !other.is_joined && !initials(one).is_disjoint(&initials(other));
        return fits.then_some(Likeness::Initial);
    }
    if sounds_alike(one, other) {
        return Some(Likeness::Spelling);
    }
    slips(one, other).map(Likeness::Slips)
}

/// The letters that a word may begin with; all vowels are one ("E." may be Yevgeny).
fn initials(word: &Word) -> BTreeSet<char> {
    let first = word.sounds.iter().filter_map(|sound| sound.chars().next());
    first.map(|letter| if is_vowel(letter) { 'a' } else { letter }).collect()
}

/// Whether two words are spellings of one; short ones like "Gao" and "He" are only if they look alike, too.
fn sounds_alike(one: &Word, other: &Word) -> bool {
    let is_given = one.given.is_some() && one.given == other.given;
    let shared = one.sounds.intersection(&other.sounds).map(|sound| sound.chars().count()).max();
    is_given || shared.is_some_and(|letters| similarity(one, other) >= least_similarity(one, other, letters))
}

fn least_similarity(one: &Word, other: &Word, letters: usize) -> f64 {
    match one.folded.is_ascii() == other.folded.is_ascii() {
        true if one.is_joined || other.is_joined => LOOKS_ALIKE_JOINED,
        true if letters <= SHORT => LOOKS_ALIKE,
        _ => 0.0,
    }
}

/// The number of slips of the pen between two words, if they are few enough; a sound forgives enough as it is.
fn slips(one: &Word, other: &Word) -> Option<usize> {
    let sounds = one.sounds.iter().flat_map(|sound| other.sounds.iter().map(move |heard| (sound, heard)));
    let heard = || sounds.filter_map(|(sound, heard)| slips_of_text(sound, heard)).find(|slips| *slips <= 1);
    slips_of_text(&one.folded, &other.folded).or_else(heard)
}

fn slips_of_text(one: &str, other: &str) -> Option<usize> {
    let (length, other_length) = (one.chars().count(), other.chars().count());
    let most = match length.max(other_length) {
        0..4 => return None,
        4..8 => 1,
        _ => 2,
    };
    if length.abs_diff(other_length) > most {
        return None;
    }
    Some(osa_distance(one, other)).filter(|slips| *slips <= most)
}

/// How much two words look alike, from 0 to 1.
fn similarity(one: &Word, other: &Word) -> f64 {
    let longer = one.spelled.chars().count().max(other.spelled.chars().count());
    1.0 - ratio(osa_distance(&one.spelled, &other.spelled), longer)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count.max(1))
}

fn ratio(part: usize, whole: usize) -> f64 {
    let number = |number| u32::try_from(number).map_or(f64::MAX, f64::from);
    number(part) / number(whole.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(wanted: &str, name: &str) -> Option<Fit> {
        Wanted::new(wanted).fit(&Name::new(name))
    }

    fn reason(wanted: &str, name: &str) -> Option<Reason> {
        fit(wanted, name).map(|fit| fit.reason)
    }

    #[test]
    fn every_reason_is_recognised() {
        for (wanted, name, expected) in [
            ("Alyaksandr Lukashenka", "Alyaksandr Lukashenka", Reason::Same),
            ("alyaksandr LUKASHENKA", "Alyaksandr Lukashenka", Reason::Look),
            ("Xi Jin-ping", "Xi Jinping", Reason::Look),
            ("Александр Лукашенко", "Alyaksandr Lukashenka", Reason::Spelling),
            ("Alexandre Loukachenko", "Alyaksandr Lukashenka", Reason::Spelling),
            ("习近平", "Xi Jinping", Reason::Spelling),
            ("Си Цзиньпин", "Xi Jinping", Reason::Spelling),
            ("Lukashenka, Alyaksandr", "Alyaksandr Lukashenka", Reason::Order),
            ("Jin Ping Xi", "Xi Jinping", Reason::Order),
            ("A. Lukashenka", "Alyaksandr Lukashenka", Reason::Initials),
            ("Lukashenka A. R.", "Alyaksandr Lukashenka", Reason::Initials),
            ("S. Novikov", "Siarhei Novikau", Reason::Initials),
            ("Ю. Тимошенко", "Yulia Timoshenko", Reason::Initials),
            ("Lukašenka", "Alyaksandr Lukashenka", Reason::Part),
            ("President Lukashenka", "Alyaksandr Lukashenka", Reason::Part),
            ("Alyaksandr Ryhoravich Lukashenka", "Alyaksandr Lukashenka", Reason::Part),
            ("Alyaksandr Lukahsenka", "Alyaksandr Lukashenka", Reason::Typo),
            ("Ki Keqiang", "Li Keqiang", Reason::Typo),
            ("A. Lukashnka", "Alyaksandr Lukashenka", Reason::TypoInPart),
            ("Chancellor Krzysztof Lukashenka", "Alyaksandr Lukashenka", Reason::Shared),
        ] {
            assert_eq!(reason(wanted, name), Some(expected), "{wanted} and {name}");
        }
    }

    #[test]
    fn different_people_do_not_fit() {
        for (wanted, name) in [
            ("Vladimir Putin", "Vladimir Zhirinovsky"),
            ("Gao Li", "He Liu"),
            ("President", "President Hu Jintao Of China"),
            ("", "Xi Jinping"),
            ("A. B.", "Anna Belova"),
        ] {
            assert_ne!(reason(wanted, name).map(|reason| reason < Reason::Part), Some(true), "{wanted} and {name}");
        }
        assert_eq!(fit("Vladimir Putin", "Vladimir Zhirinovsky"), None);
        assert_eq!(fit("Vladimir Putin", "Vladimir"), None);
        assert_eq!(reason("Vladimir", "Vladimir Putin"), Some(Reason::Part));
        assert!(fit("V. Lukashenka", "Alyaksandr Lukashenka").is_none_or(|fit| fit.reason == Reason::Shared));
    }

    #[test]
    fn a_better_reason_always_scores_higher() {
        let reasons = [
            Reason::Same,
            Reason::Look,
            Reason::Spelling,
            Reason::Order,
            Reason::Initials,
            Reason::Part,
            Reason::Typo,
            Reason::TypoInPart,
            Reason::Shared,
        ];
        for pair in reasons.windows(2) {
            assert!(Fit::new(pair[0], 0.0).score > Fit::new(pair[1], 1.0).score + 0.019, "{pair:?}");
            assert_ne!(pair[0].sentence(), pair[1].sentence());
        }
    }

    #[test]
    fn the_right_name_shares_a_telling_probe() {
        for (wanted, name) in [("Зеленский", "Volodymyr Zelenskyy"), ("Vladimir Putyn", "Vladimir Putin")] {
            let (wanted, keys) = (Wanted::new(wanted), crate::actors::spelling::keys_of(name));
            assert!(
                wanted.probes().iter().filter(|key| keys.contains(*key)).map(|key| wanted.weigh(key)).sum::<f64>()
                    > 2.0
            );
        }
    }

    #[test]
    fn no_input_makes_it_panic() {
        let long = ["я".repeat(10_000), "a b ".repeat(10_000), "\u{301}".repeat(10_000), "习".repeat(10_000)];
        let odd = ["", " ", "...", "😀", "\0", "\u{202e}שלום", "محمد", "e\u{301}\u{301}", "½ ﷺ ß", "ь", "'", "𒀀𒀁", "A"];
        let all: Vec<_> = odd.into_iter().chain(long.iter().map(String::as_str)).collect();
        for wanted in &all {
            assert!(crate::actors::spelling::keys_of(wanted).len() <= 60 && Wanted::new(wanted).probes().len() <= 60);
            assert!(crate::actors::spelling::keys_of(wanted).iter().all(|key| key.len() <= 200 && !key.contains('\0')));
            assert_eq!(reason(wanted, wanted), Some(Reason::Same));
            for name in &all {
                assert!(fit(wanted, name).is_none_or(|fit| (0.0..=1.0).contains(&fit.score)));
            }
        }
    }
}
