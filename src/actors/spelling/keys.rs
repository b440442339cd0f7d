//! The keys by which a name is found in the index, and what finding one of them is worth.
//!
//! A stored name and a wanted one are cut into the same keys, so one query finds whatever shares any of them.
//! The first letter of a key tells its sort:
//!
//! * `n`: the whole name as it sounds, in one word ("Xi Jin-ping" and "Xijinping"),
//! * `p`: the bones of two neighbouring words, in either order,
//! * `i`: the bones of a word and the initial of a neighbour,
//! * `s`: a word as it sounds,
//! * `b`: the bones of a word, whole and with each of them left out, which finds names with a slip of the pen.
//!
//! The bones of a word are its consonants, with all hisses made one; they are the same in almost every spelling.

use std::collections::{BTreeMap, BTreeSet};

use super::letters::{Word, is_vowel, words};

const MOST_KEYS: usize = 60;
const MOST_WORDS: usize = 8;
const MOST_LETTERS_OF_A_KEY: usize = 40;
const MOST_BONES: usize = 12;
const NEIGHBOURHOOD: usize = 3;

/// The keys by which a stored name is found; at most 60, and about 20 for a name of two words.
#[must_use]
pub fn keys_of(name: &str) -> BTreeSet<String> {
    let words = words(name);
    if words.is_empty() { BTreeSet::from([sign(name)]) } else { best_first(&weighted(&words)).into_iter().collect() }
}

/// The key of a name without letters and digits.
pub(crate) fn sign(name: &str) -> String {
    format!("n{}", name.trim().chars().filter(|character| !character.is_control()).take(MOST_BONES).collect::<String>())
}

/// The keys worth most, best first.
pub(crate) fn best_first(weights: &BTreeMap<String, f64>) -> Vec<String> {
    let mut keys: Vec<_> = weights.iter().collect();
    keys.sort_by(|one, other| other.1.total_cmp(one.1));
    keys.into_iter().take(MOST_KEYS).map(|(key, _)| key.clone()).collect()
}

/// Every key of a name, and what it says that another name shares it.
pub(crate) fn weighted(words: &[Word]) -> BTreeMap<String, f64> {
    let words = core(words);
    let mut keys = Keys::default();
    keys.add_whole(&words);
    words.iter().filter(|word| !word.is_initial).for_each(|word| keys.add_word(word));
    for (place, word) in words.iter().enumerate() {
        words.iter().skip(place + 1).take(NEIGHBOURHOOD).for_each(|neighbour| keys.add_pair(word, neighbour));
    }
    if let [word] = words.as_slice() {
        for sound in &canonical(word) {
            keys.add_slips('s', sound);
        }
    }
    if words.len() > 2 {
        words.windows(2).for_each(|pair| keys.add_bones(&Word::joined(pair)));
    }
    keys.0
}

/// The words without titles, unless there is nothing else.
pub(crate) fn core(words: &[Word]) -> Vec<Word> {
    let core: Vec<_> = words.iter().filter(|word| !word.is_title).take(MOST_WORDS).cloned().collect();
    if core.is_empty() { words.iter().take(MOST_WORDS).cloned().collect() } else { core }
}

#[derive(Default)]
struct Keys(BTreeMap<String, f64>);

impl Keys {
    fn add_whole(&mut self, words: &[Word]) {
        Word::joined(words).sounds.iter().for_each(|sound| self.add('n', sound, 20.0));
    }

    fn add_word(&mut self, word: &Word) {
        let weight = if word.given.is_some() { 0.6 } else { 3.0 };
        self.add_all('s', &canonical(word), weight);
        self.add_bones(word);
        if word.given.is_none() {
            for bones in &bones(word) {
                self.add_slips('b', bones);
            }
        }
    }

    fn add_bones(&mut self, word: &Word) {
        let weight = if word.given.is_some() { 0.6 } else { 3.0 };
        self.add_all('b', &bones(word), weight);
    }

    /// The more ways there are to read a word, the less it says that one agrees.
    fn add_all(&mut self, sort: char, texts: &BTreeSet<String>, weight: f64) {
        let share = 1.0 / f64::from(u32::try_from(texts.len().max(1)).unwrap_or(u32::MAX));
        for text in texts {
            self.add(sort, text, weight * rarity(text) * share);
        }
    }

    fn add_slips(&mut self, sort: char, text: &str) {
        for slip in &slips(text) {
            self.add(sort, slip, 2.0 * rarity(text));
        }
    }

    fn add_pair(&mut self, word: &Word, neighbour: &Word) {
        for one in bones(word).iter().filter(|_| !word.is_initial && !neighbour.is_initial) {
            for other in &bones(neighbour) {
                self.add_both(one, other, 5.0 + 5.0 * rarity(one));
            }
        }
        self.add_companion(word, neighbour);
        self.add_companion(neighbour, word);
    }

    /// A word with what is left of its neighbour: the initial, or, beside a given name, the bones but for one.
    fn add_companion(&mut self, word: &Word, neighbour: &Word) {
        let others = bones(neighbour);
        let weight = if word.given.is_some() { 0.8 } else { 5.0 };
        for bones in bones(word).iter().filter(|_| !word.is_initial) {
            for initial in others.iter().filter_map(|other| other.chars().next()) {
                self.add('i', &format!("{bones} {initial}"), weight * rarity(bones));
            }
            for slip in others
                .iter()
                .flat_map(|other| slips(other))
                .filter(|_| word.given.is_some() && neighbour.given.is_none())
            {
                self.add_both(bones, &slip, 4.0);
            }
        }
    }

    fn add_both(&mut self, one: &str, other: &str, weight: f64) {
        self.add('p', &format!("{} {}", one.min(other), one.max(other)), weight);
    }

    fn add(&mut self, sort: char, text: &str, weight: f64) {
        if !text.is_empty() {
            let key = [sort].into_iter().chain(text.chars().take(MOST_LETTERS_OF_A_KEY)).collect();
            let known = self.0.entry(key).or_default();
            *known = known.max(weight);
        }
    }
}

/// A text with each of its letters left out; what is left of very short ones says nothing.
fn slips(text: &str) -> BTreeSet<String> {
    let places = text.char_indices().filter(|_| text.len() > 2);
    let without = |place| text.char_indices().filter(|(other, _)| *other != place).map(|(_, letter)| letter).collect();
    places.map(|(place, _)| without(place)).collect()
}

/// Long words are rarer than short ones.
fn rarity(bones: &str) -> f64 {
    match bones.len() {
        0 | 1 => 0.3,
        2 => 0.5,
        3 => 0.8,
        4 => 1.0,
        _ => 1.1,
    }
}

/// A word as it sounds, or as the given name that it is a form of.
fn canonical(word: &Word) -> BTreeSet<String> {
    word.given.clone().map_or_else(|| word.sounds.clone(), |given| BTreeSet::from([given]))
}

fn bones(word: &Word) -> BTreeSet<String> {
    canonical(word).iter().map(|sound| bones_of_sound(sound)).collect()
}

/// The consonants of a sound, and its first vowel if it starts with one.
fn bones_of_sound(sound: &str) -> String {
    let mut bones = String::new();
    let mut before = None;
    for bone in sound.chars().map(bone) {
        if before != Some(bone) && (before.is_none() || bone != 'a') && bones.len() < MOST_BONES {
            bones.push(bone);
        }
        before = Some(bone);
    }
    bones
}

fn bone(letter: char) -> char {
    match letter {
        vowel if is_vowel(vowel) => 'a',
        'c' | 'j' | 'q' | 'x' | 'z' => 's',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(one: &str, other: &str, sort: char) -> bool {
        keys_of(one).intersection(&keys_of(other)).any(|key| key.starts_with(sort))
    }

    #[test]
    fn spellings_of_a_name_share_the_key_of_the_pair() {
        for name in ["Аляксандр Лукашэнка", "Александр Лукашенко", "Alexandre Loukachenko", "Lukaschenko Alexander"]
        {
            assert!(share(name, "Alyaksandr Lukashenka", 'p'), "{name}");
        }
    }

    #[test]
    fn a_chinese_name_is_found_joined_and_split() {
        for name in ["Xi Jin-ping", "Xijinping", "习近平", "Си Цзиньпин"] {
            assert!(share(name, "Xi Jinping", 'n'), "{name}");
        }
    }

    #[test]
    fn initials_and_titles_do_not_hide_a_name() {
        assert!(share("Gen. A. Lukashenka", "Alyaksandr Lukashenka", 'i'));
        assert!(share("President Hu Jintao", "Hu Jintao", 'n'));
    }

    #[test]
    fn a_slip_of_the_pen_leaves_a_key() {
        for name in ["Lukahsenka", "Lukashnka", "Likashenka", "ukashenka", "Lukasnenka"] {
            assert!(share(name, "Alyaksandr Lukashenka", 'b'), "{name}");
        }
    }

    #[test]
    fn the_keys_of_a_name_are_few() {
        assert!(keys_of("Alyaksandr Lukashenka").len() <= 25);
        assert!(keys_of("Standing Committee Of The National Peoples Congress").len() <= MOST_KEYS);
        assert_eq!(keys_of("!?"), BTreeSet::from(["n!?".to_owned()]));
    }
}
