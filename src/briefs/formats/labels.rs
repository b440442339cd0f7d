//! The few words that a page needs beside those of the brief, in the brief's language.

use crate::briefs::model::BriefView;
use crate::db::types::Timestamp;
use crate::vocabulary::{Assessment, Direction};

/// The words of one language.
pub struct Labels {
    pub trends: &'static str,
    pub analysis: &'static str,
    pub events: &'static str,
    pub sources: &'static str,
    corrected: &'static str,
    retracted: &'static str,
    pub limits: &'static str,
    pub original: &'static str,
    progress: &'static str,
    regress: &'static str,
    no_change: &'static str,
    mixed: &'static str,
}

const ENGLISH: Labels = Labels {
    trends: "Trends",
    analysis: "Analysis",
    events: "Events",
    sources: "Sources",
    corrected: "Corrected",
    retracted: "Retracted",
    limits: "Limits",
    original: "Original",
    progress: "progress",
    regress: "regress",
    no_change: "no change",
    mixed: "mixed",
};

const RUSSIAN: Labels = Labels {
    trends: "Тенденции",
    analysis: "Анализ",
    events: "События",
    sources: "Источники",
    corrected: "Исправлено",
    retracted: "Отозвано",
    limits: "Ограничения",
    original: "Оригинал",
    progress: "прогресс",
    regress: "регресс",
    no_change: "без изменений",
    mixed: "неоднозначно",
};

const BELARUSIAN: Labels = Labels {
    trends: "Тэндэнцыі",
    analysis: "Аналіз",
    events: "Падзеі",
    sources: "Крыніцы",
    corrected: "Выпраўлена",
    retracted: "Адклікана",
    limits: "Абмежаванні",
    original: "Арыгінал",
    progress: "прагрэс",
    regress: "рэгрэс",
    no_change: "без змен",
    mixed: "неадназначна",
};

impl Labels {
    /// Those of a BCP 47 language, or English ones.
    #[must_use]
    pub fn of(language: &str) -> &'static Self {
        match language.split('-').next() {
            Some("ru") => &RUSSIAN,
            Some("be") => &BELARUSIAN,
            _ => &ENGLISH,
        }
    }

    /// How things stand.
    #[must_use]
    pub fn assessment(&self, assessment: Assessment) -> &'static str {
        match assessment {
            Assessment::Progress => self.progress,
            Assessment::Regress => self.regress,
            Assessment::NoChange => self.no_change,
            Assessment::Mixed => self.mixed,
        }
    }
}

/// The sign of a direction, which needs no language.
#[must_use]
pub fn sign(direction: Direction) -> &'static str {
    match direction {
        Direction::Increasing => "↗",
        Direction::Decreasing => "↘",
        Direction::Stable => "→",
        Direction::Unresolved => "?",
    }
}

/// What happened to a brief after it was published.
pub struct Notice<'a> {
    /// In a word.
    pub what: &'static str,
    /// When.
    pub at: Timestamp,
    /// Why, or what is right now.
    pub text: &'a str,
}

/// That a brief was retracted, and what was corrected in it.
pub fn notices<'a>(brief: &'a BriefView, labels: &'static Labels) -> impl Iterator<Item = Notice<'a>> {
    let retraction = brief.retraction.iter();
    let retraction = retraction.map(|it| Notice { what: labels.retracted, at: it.at, text: &it.reason });
    let corrections = brief.corrections.iter();
    retraction.chain(corrections.map(|it| Notice { what: labels.corrected, at: it.at, text: &it.note }))
}
