//! Any alphabet to one: how the words of a name sound, whoever wrote them down.
//!
//! A word is first spelled in Latin letters, and then read aloud as an English, a Slavic, a French, a German and a
//! Chinese reader would. Two words are the same name in another spelling if any of their readings agree.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

const MOST_CHARACTERS: usize = 400;
const MOST_WORDS: usize = 24;
const MOST_LETTERS: usize = 32;

/// What a cluster of letters sounds like to everybody; single letters are in `sound_of_letter`.
const EVERYBODY: &str = "schtsch=xq shch=xq tsch=q tch=q sch=x dzh=j dz=d dž=j dj=j sh=x ch=q zh=j čž=j kh=g gh=g \
    ck=k ph=f qu=kv ts=c tz=c ţz=c ce=sa ci=sy cy=sy au=av eu=av ou=av x=ks";
/// What single readers hear otherwise.
const ENGLISH: &str = "th=t";
const SLAVIC: &str = "szcz=xq krz=kx prz=px trz=tx cz=q sz=x rz=j ch=g ck=ck c=c j=y";
const FRENCH: &str = "chtch=xq tch=q ch=x gue=ga gui=gy qu=k ou=u";
const GERMAN: &str = "sa=za se=za si=zy so=za su=zu sn=zn z=c ch=g j=y";
const CHINESE: &str = "ong=un ng=n zh=j x=s q=c j=c z=c c=c wu=u";

/// Given names that differ by more than their spelling from one language to the next, or that many people bear.
const GIVEN_NAMES: &str = "vladimir uladzimir volodymyr, aleksandr alexander aleksandar aleksander oleksandr, \
    aleksey aliaksei alyaksey oleksiy alexis, sergey siarhei serhiy sergiy, nikolay mikalai mykola nicholas, \
    mikhail mikhaylo mykhailo mihail michael, dmitry dzmitry dmytro dimitri, yevgeny yauhen yevhen eugene evgueni, \
    andrey andriy andrzej andrew, viktor viktar victor, anatoly anatol, vasily vasil vasyl, \
    grigory ryhor hryhoriy gregory, konstantin kanstantsin kostyantyn, svetlana sviatlana svitlana, igor ihar ihor, \
    oleg aleh, valery valer, vitaly vital, gennady henadz hennadiy guennadi, pavel paval pavlo paul, \
    pyotr petr piotr petro piatro peter, vyacheslav viachaslau viacheslav, georgy heorhiy giorgi george, \
    yelena elena alena olena helena, tatyana tatsiana tetiana, irina iryna irena, anna hanna ann, olga volha olha, \
    denis dzianis denys, fyodor fiodar fedir, stepan stsiapan, iosif joseph jazep yosyp josef, david davit, \
    boris barys, maksim maxim, ivan, leonid, yuri, roman, stanislav, valentin, ruslan, yulia julia, natalia natallia";

/// Words that people put around a name, folded.
const TITLES: &str = "president pres prime premier minister general gen mr mrs ms dr sir prof professor secretary \
    chairman deputy vice colonel col lieutenant lt captain capt marshal king queen prince speaker senator ambassador \
    chancellor governor mayor leader comrade former acting foreign the of and \
    президент президента премьер министр генерал председатель депутат полковник господин прэзідэнт міністр прем";

static READERS: LazyLock<[Reader; 5]> =
    LazyLock::new(|| [ENGLISH, SLAVIC, FRENCH, GERMAN, CHINESE].map(Reader::taught));
static FRENCH_READER: LazyLock<Reader> = LazyLock::new(|| Reader::taught(FRENCH));
static GIVEN: LazyLock<FxHashMap<String, String>> = LazyLock::new(|| GIVEN_NAMES.split(", ").flat_map(same).collect());
static TITLE: LazyLock<FxHashSet<&str>> = LazyLock::new(|| TITLES.split(' ').collect());

/// Every way to say one of these given names, with the one that stands for them all.
fn same(row: &str) -> Vec<(String, String)> {
    let Some(first) = row.split(' ').find_map(|name| readings(name).into_iter().next()) else { return Vec::new() };
    row.split(' ').flat_map(readings).map(|sound| (sound, first.clone())).collect()
}

/// One word of a name.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    /// In its own alphabet, without case and accents.
    pub folded: String,
    /// In Latin letters; a few with a hook, where the plain one would be ambiguous.
    pub spelled: String,
    /// Every way to read it aloud.
    pub sounds: BTreeSet<String>,
    /// The sound of the given name that it is a form of.
    pub given: Option<String>,
    pub is_initial: bool,
    pub is_title: bool,
    /// Several words written as one.
    pub is_joined: bool,
}

impl Word {
    fn new(folded: String, spelled: String, is_initial: bool) -> Self {
        // An alphabet that nobody can read still equals itself.
        let spelled = if spelled.is_empty() { folded.clone() } else { spelled };
        let sounds = readings(&spelled);
        let given = sounds.iter().find_map(|sound| GIVEN.get(sound)).filter(|_| !is_initial).cloned();
        let is_title = TITLE.contains(folded.as_str());
        Self { is_initial: is_initial && !is_title, folded, spelled, sounds, given, is_title, is_joined: false }
    }

    /// The words written as one, as Chinese names are.
    pub fn joined(words: &[Self]) -> Self {
        let (folded, spelled) = words.iter().map(|word| (word.folded.as_str(), word.spelled.as_str())).unzip();
        Self { is_joined: true, ..Self::new(folded, spelled, false) }
    }
}

/// The words of a name: what stands between spaces, hyphens and points, and every Chinese character.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut draft = Draft::default();
    for character in text.nfkc().take(MOST_CHARACTERS).flat_map(char::to_lowercase) {
        match character {
            '\'' | '’' | 'ʼ' | '`' | 'ь' | 'ъ' => draft.fold(character),
            _ if is_combining_mark(character) => {}
            _ if !character.is_alphanumeric() => words.extend(draft.finish(character == '.')),
            _ if draft.add(character).is_complete() => words.extend(draft.finish(false)),
            _ => {}
        }
    }
    words.extend(draft.finish(false));
    words.truncate(MOST_WORDS);
    words
}

/// A word that is being read.
#[derive(Default)]
struct Draft {
    folded: String,
    spelled: String,
    letters: usize,
}

impl Draft {
    fn add(&mut self, character: char) -> &mut Self {
        self.letters += 1;
        if self.letters <= MOST_LETTERS {
            self.fold(character);
            spell(character, &mut self.spelled);
        }
        self
    }

    fn fold(&mut self, character: char) {
        if character.is_ascii_alphanumeric() {
            return self.folded.push(character);
        }
        let plain = character.nfkd().filter(|part| part.is_alphanumeric() && !is_combining_mark(*part));
        self.folded.extend(plain.map(|part| match part {
            'ł' => 'l',
            'ø' => 'o',
            'đ' => 'd',
            _ => part,
        }));
    }

    /// Chinese characters are words of their own.
    fn is_complete(&self) -> bool {
        self.spelled.ends_with(' ')
    }

    /// The word, if there is one; an initial is one letter, or a few before a point ("Yu. Luzhkov").
    fn finish(&mut self, before_point: bool) -> Option<Word> {
        let Self { folded, spelled, letters } = std::mem::take(self);
        let is_initial = !spelled.ends_with(' ') && (letters == 1 || letters == 2 && before_point);
        (!folded.is_empty()).then(|| Word::new(folded, spelled.trim_end().to_owned(), is_initial))
    }
}

/// Spells one letter in Latin ones, such that every reader reads it as it was meant.
fn spell(character: char, spelled: &mut String) {
    spelled.push_str(match character {
        'ж' | 'ż' => "ž",
        'ш' | 'ş' | 'ș' => "š",
        'ч' | 'ћ' | 'ć' | 'ç' => "č",
        'щ' => "šč",
        'ц' | 'ț' => "ţ",
        'х' | 'ხ' => "ħ",
        'ў' => "ŭ",
        'й' | 'ј' | 'і' | 'ы' | 'η' => "y",
        'э' => "e",
        'ю' => "yu",
        'я' => "ya",
        'џ' => "dž",
        'љ' => "l",
        'њ' => "n",
        'ž' | 'š' | 'č' | 'ţ' | 'ħ' | 'ŭ' | 'a'..='z' | '0'..='9' => return spelled.push(character),
        _ => return spell_by_table(character, spelled),
    });
}

fn spell_by_table(character: char, spelled: &mut String) {
    let letters = deunicode::deunicode_char(character).unwrap_or_default();
    spelled.extend(letters.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()));
    if letters.ends_with(' ') {
        spelled.push(' ');
    }
}

/// Every way to read a spelled word aloud.
fn readings(spelled: &str) -> BTreeSet<String> {
    let without_silent_e = spelled.strip_suffix('e').map(|rest| FRENCH_READER.read(rest));
    READERS.iter().map(|reader| reader.read(spelled)).chain(without_silent_e).collect()
}

/// Somebody who reads a name as if it were one of his own language.
struct Reader {
    /// By their first letter, the longest first.
    clusters: FxHashMap<char, Vec<(&'static str, &'static str)>>,
}

impl Reader {
    fn taught(habits: &'static str) -> Self {
        let mut clusters: FxHashMap<char, Vec<_>> = FxHashMap::default();
        let all = habits.split(' ').chain(EVERYBODY.split(' '));
        for (letters, heard) in all.filter_map(|habit| habit.split_once('=')) {
            clusters.entry(letters.chars().next().unwrap_or_default()).or_default().push((letters, heard));
        }
        for some in clusters.values_mut() {
            some.sort_by_key(|(letters, _)| Reverse(letters.len()));
        }
        Self { clusters }
    }

    /// Vowels become a, u or y, every consonant one letter.
    fn read(&self, spelled: &str) -> String {
        let mut sound = String::with_capacity(spelled.len());
        let mut rest = spelled;
        while let Some(first) = rest.chars().next() {
            let cluster = self.clusters.get(&first).and_then(|some| some.iter().find(|(it, _)| rest.starts_with(it)));
            match cluster {
                Some((_, heard)) => heard.chars().for_each(|letter| hear(&mut sound, letter)),
                None => hear(&mut sound, sound_of_letter(first)),
            }
            let length = cluster.map_or(first.len_utf8(), |(letters, _)| letters.len());
            rest = rest.get(length..).unwrap_or_default();
        }
        if sound.ends_with('f') {
            sound.pop();
            sound.push('v');
        }
        sound
    }
}

/// Adds a letter, such that doubled ones and runs of vowels ("ie", "ya", "iy") are heard as one.
fn hear(sound: &mut String, letter: char) {
    match sound.pop() {
        Some(last) if is_vowel(last) && is_vowel(letter) => sound.push(last.min(letter)),
        Some(last) if last == letter => sound.push(last),
        last => sound.extend(last.into_iter().chain([letter])),
    }
}

fn sound_of_letter(letter: char) -> char {
    match letter {
        'e' | 'o' => 'a',
        'i' => 'y',
        'w' | 'ŭ' => 'v',
        'q' | 'c' => 'k',
        'h' | 'ħ' => 'g',
        'š' => 'x',
        'č' => 'q',
        'ž' => 'j',
        'ţ' => 'c',
        _ => letter,
    }
}

pub(crate) fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'u' | 'y')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(names: &str) {
        let words = words(names);
        for one in &words {
            for other in &words {
                let given = one.given.is_some() && one.given == other.given;
                assert!(given || !one.sounds.is_disjoint(&other.sounds), "{} and {}", one.folded, other.folded);
            }
        }
    }

    #[test]
    fn spellings_of_a_surname_sound_alike() {
        meet("Лукашенко Лукашэнка Lukašenka Lukashenko Łukašenka Lukashenka Loukachenko Lukaschenko");
        meet("Khrushchev Chruščov Hruščev Хрущёв Хрущов Khrouchtchev Chruschtschow");
        meet("Zelensky Zelenskyy Zielenski Зеленский Зеленський Selenskyj");
        meet("Kuznetsov Kuznyatsou Кузнецов Кузняцоў Kusnezow");
        meet("Putin Poutine Путин");
    }

    #[test]
    fn forms_of_a_given_name_sound_alike() {
        meet("Аляксандр Александр Aleksandr Alyaksandr Aliaksandr Alexander Alexandre");
        meet("Sergey Sergei Siarhei Сергей Сяргей Serhiy Сергій");
        meet("Yuri Juri Iouri Юрий Юрый");
        meet("Uladzimir Vladimir Volodymyr Уладзімір Владимир Володимир Wladimir");
    }

    #[test]
    fn other_alphabets_are_read() {
        meet("მარგველაშვილი Margvelashvili Маргвелашвили");
        meet("Τσίπρας Tsipras Ципрас");
        meet("Սարգսյան Sargsyan Саргсян");
    }

    #[test]
    fn words_end_at_hyphens_and_points() {
        let folded = |text| words(text).into_iter().map(|word| word.folded).collect::<Vec<_>>();
        assert_eq!(folded(" Łukašenka,  A.R."), ["lukasenka", "a", "r"]);
        assert_eq!(folded("Xi Jin-ping"), ["xi", "jin", "ping"]);
        assert_eq!(folded("Mar'ya O’Neil"), ["marya", "oneil"]);
        assert_eq!(words("习近平").iter().map(|word| word.spelled.as_str()).collect::<Vec<_>>(), ["xi", "jin", "ping"]);
    }
}
