//! The formats of feeds: how each writes an entry, and a document of entries that were written before.

use super::item::Frame;
use super::source::Placed;
use super::{atom, json, rss};
use crate::problem::Problem;

crate::vocabulary::vocabulary! {
    /// The formats of feeds.
    FeedFormat { Atom = "atom", Rss = "rss", Json = "json" }
}

impl FeedFormat {
    /// What a document in it is called.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Json => "application/feed+json; charset=utf-8",
        }
    }

    /// Writes an entry as it stands in a document.
    ///
    /// # Errors
    /// 500 when the library fails to write it.
    pub(super) fn write(self, placed: &Placed) -> Result<Written, Problem> {
        match self {
            Self::Atom => atom::entry(placed),
            Self::Rss => rss::entry(placed),
            Self::Json => Ok(json::entry(placed)),
        }
    }

    /// Writes a document of these entries.
    ///
    /// # Errors
    /// 500 when the library fails to write it.
    pub(super) fn document(self, frame: &Frame, entries: &[Written]) -> Result<Vec<u8>, Problem> {
        match self {
            Self::Atom => atom::document(frame, entries),
            Self::Rss => rss::document(frame, entries),
            Self::Json => json::document(frame, entries),
        }
    }
}

/// An entry as it stands in a document of its format, behind a line with its language, of which some documents tell by themselves.
pub(super) struct Written(Vec<u8>);

impl Written {
    /// One in a language, if it says one.
    pub(super) fn new(language: Option<&str>, text: &str) -> Self {
        Self([language.unwrap_or_default(), "\n", text].concat().into_bytes())
    }

    /// One that was kept.
    pub(super) fn of_kept(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// It as it is to be kept.
    pub(super) fn into_kept(self) -> Vec<u8> {
        self.0
    }

    /// Its language, if it says one.
    pub(super) fn language(&self) -> Option<&str> {
        std::str::from_utf8(self.halves().0).ok().filter(|language| !language.is_empty())
    }

    /// It itself.
    pub(super) fn text(&self) -> &[u8] {
        self.halves().1
    }

    fn halves(&self) -> (&[u8], &[u8]) {
        let end = self.0.iter().position(|byte| *byte == b'\n').unwrap_or_default();
        let (language, text) = self.0.split_at(end);
        (language, text.get(1..).unwrap_or_default())
    }
}
