//! Texts with a rule: each type can only hold what it says, and its `FromStr` is the one place that checks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::db::types::Id;
use crate::edtf::Edtf;

/// Path words that could be taken for a slug.
const RESERVED_SLUGS: &[&str] =
    &["timeline", "resolve", "search", "network", "history", "revisions", "diff", "similar", "import", "export"];

/// A text without a rule broken; the wrapped text is private so that nothing else can be put in.
macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        crate::http::body::from_text!($name);
    };
}

text_type! {
    /// The readable name of a resource in a path: `[a-z0-9-]{1,120}`, neither a UUID nor a reserved path word.
    Slug
}

impl FromStr for Slug {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = (1..=120).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fits {
            Err("is not a slug: 1 to 120 of a-z, 0-9 and hyphens".into())
        } else if Id::parse(text).is_some() || uuid::Uuid::try_parse(text).is_ok() {
            Err("is not a slug: it has the form of a UUID".into())
        } else if RESERVED_SLUGS.contains(&text) {
            Err("is not a slug: it is a reserved path word".into())
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl Slug {
    /// Makes a slug of a title and what else tells it apart: transliterated, lower case, hyphens between words.
    #[must_use]
    pub fn derive(title: &str, suffix: &str) -> Self {
        let mut words = String::new();
        for character in deunicode::deunicode(title).chars() {
            if character.is_ascii_alphanumeric() {
                words.push(character.to_ascii_lowercase());
            } else if !words.ends_with('-') && !words.is_empty() && character != '\'' {
                words.push('-');
            }
        }
        // Room is left for the suffix and for a number.
        let room = 90_usize.saturating_sub(suffix.len());
        words.truncate(room);
        let words = words.trim_matches('-');
        let joined = match (words.is_empty(), suffix.is_empty()) {
            (true, true) => "untitled".to_owned(),
            (true, false) => format!("untitled-{suffix}"),
            (false, true) => words.to_owned(),
            (false, false) => format!("{words}-{suffix}"),
        };
        joined.parse().unwrap_or_else(|_| Self(format!("the-{joined}")))
    }

    /// The slug of a part: this one, cut at its beginning if it is too long, and what tells the part apart.
    #[must_use]
    pub fn extended(&self, part: &str) -> Self {
        let room = 119_usize.saturating_sub(part.len());
        let start = self.0.len().saturating_sub(room);
        Self(format!("{}-{part}", self.0.get(start..).unwrap_or_default().trim_start_matches('-')))
    }

    /// The same slug, numbered, for when it is taken.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        Self(format!("{}-{number}", self.0))
    }
}

text_type! {
    /// One line of text: 1 to 500 characters, not only spaces, no control characters.
    Line
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let length = text.chars().take(501).count();
        if text.trim().is_empty() {
            Err("must not be empty".into())
        } else if length > 500 {
            Err("is longer than 500 characters".into())
        } else if text.chars().any(char::is_control) {
            Err("must be one line without control characters".into())
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl Line {
    /// What stands where there is nothing to say.
    #[must_use]
    pub fn untitled() -> Self {
        Self("untitled".to_owned())
    }
}

text_type! {
    /// Text of any length up to 200,000 characters, with line breaks and tabs, without other control characters.
    Prose
}

impl FromStr for Prose {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.chars().take(200_001).count() > 200_000 {
            Err("is longer than 200,000 characters".into())
        } else if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
            Err("must not contain control characters but line breaks and tabs".into())
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

text_type! {
    /// CommonMark: prose that does not nest deeper than any writer means to.
    CommonMark
}

impl FromStr for CommonMark {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Prose(text) = text.parse()?;
        if crate::markdown::nests_too_deeply(&text) {
            Err("nests quotations, lists or tags too deeply".into())
        } else {
            Ok(Self(text))
        }
    }
}

text_type! {
    /// An absolute http or https URL of up to 2,000 characters, kept as given.
    HttpUrl
}

impl FromStr for HttpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let acceptable = text.len() <= 2000
            && text.chars().all(may_stand_in_an_address)
            && has_whole_escapes(text)
            && text.matches('#').count() <= 1
            && has_host(text)
            && url::Url::parse(text).is_ok();
        if acceptable { Ok(Self(text.to_owned())) } else { Err("is not an absolute http or https URL".into()) }
    }
}

/// The letters of RFC 3987. Browsers mend others, and feeds must not hold them.
fn may_stand_in_an_address(letter: char) -> bool {
    let is_spare = letter.is_ascii() && "\"<>\\^`{|}".contains(letter);
    let is_invisible =
        matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !(letter.is_control() || letter.is_whitespace() || is_spare || is_invisible)
}

fn has_whole_escapes(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|rest| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

fn has_host(text: &str) -> bool {
    let after_scheme = text
        .split_once("://")
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"));
    after_scheme.is_some_and(|(_, rest)| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':', '@']))
}

text_type! {
    /// An ISO 3166-1 alpha-2 country code; alpha-3 is accepted and stored as alpha-2.
    CountryCode
}

impl FromStr for CountryCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let country = match upper.len() {
            2 => celes::Country::from_alpha2(&upper).ok(),
            3 => celes::Country::from_alpha3(&upper).ok(),
            _ => None,
        };
        country
            .map(|country| Self(country.alpha2.to_owned()))
            .ok_or_else(|| "is not an ISO 3166-1 country code such as BY".into())
    }
}

text_type! {
    /// A BCP 47 language tag in its usual case, such as `en`, `be-tarask` or `sr-Latn`.
    LanguageCode
}

impl FromStr for LanguageCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let language = oxilangtag::LanguageTag::parse_and_normalize(text).ok().filter(|_| text.len() <= 35);
        language
            .map(|language| Self(language.into_inner()))
            .ok_or_else(|| "is not a BCP 47 language tag such as en or be-tarask".into())
    }
}

/// A calendar day of the years 0001 to 9999, `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub chrono::NaiveDate);

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|day| shaped && chrono::Datelike::year(day) >= 1)
            .map(Self)
            .ok_or_else(|| "is not a day such as 2017-07-31".into())
    }
}

crate::http::body::from_text!(Day);
crate::http::body::from_text!(Edtf);
crate::http::body::from_text!(crate::db::types::Timestamp);

/// How names are compared: compatibility forms, case and accents folded, and everything but letters and digits one
/// space. `Łukašenka` and `LUKAŠENKA` meet; other alphabets stay themselves.
#[must_use]
pub fn fold_name(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    use unicode_normalization::char::is_combining_mark;

    let mut folded = String::with_capacity(name.len());
    for character in name.nfkd().filter(|character| !is_combining_mark(*character)).flat_map(char::to_lowercase) {
        match character {
            'ł' => folded.push('l'),
            'ø' => folded.push('o'),
            'đ' => folded.push('d'),
            '\'' | '’' | 'ʼ' => {}
            _ if character.is_alphanumeric() => folded.push(character),
            _ if !folded.is_empty() && !folded.ends_with(' ') => folded.push(' '),
            _ => {}
        }
    }
    folded.truncate(folded.trim_end().len());
    // A name without letters and digits is compared as it is.
    if folded.is_empty() { name.trim().to_lowercase() } else { folded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_derived_from_any_alphabet() {
        assert_eq!(Slug::derive("Лукашенко встретился", "2017-07-07").as_str(), "lukashenko-vstretilsia-2017-07-07");
        assert_eq!(Slug::derive("  What's — new?  ", "").as_str(), "whats-new");
        assert_eq!(Slug::derive("!!!", "").as_str(), "untitled");
        assert_eq!(Slug::derive("Timeline", "").as_str(), "the-timeline");
        assert!(Slug::derive(&"long ".repeat(100), "2017-07-07").as_str().len() <= 120);
    }

    #[test]
    fn a_slug_that_could_be_an_id_or_a_path_is_refused() {
        for text in ["", "A", "a_b", "timeline", "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c", &"a".repeat(121)] {
            assert!(text.parse::<Slug>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_meet_whatever_their_case_and_accents() {
        assert_eq!(fold_name(" Łukašenka,  A. "), "lukasenka a");
        assert_eq!(fold_name("ЛУКАШЭНКА"), fold_name("Лукашэнка"));
        assert_eq!(fold_name("Mar'ya"), "marya");
    }

    #[test]
    fn a_country_is_known_by_either_code() {
        assert_eq!("BLR".parse::<CountryCode>().map(CountryCode::into_string), Ok("BY".into()));
        assert!("XX".parse::<CountryCode>().is_err());
    }
}
