//! What a list asks of the index: its filters, and the words that are searched for. A slice says its filter once more in
//! these terms, and the index answers with exactly the resources that the database would, which the tests compare.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;
use tantivy::Term;
use tantivy::query::{BooleanQuery, ConstScoreQuery, Occur, PhraseQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::all_of::AllOf;
use super::beginning::Beginning;
use super::document::{Fields, Naming, Tag, TextFields, day_number};
use super::patient::Patient;
use super::segments::Segments;
use super::wanted::{Clause, Wanted};
use crate::db::types::{Id, Timestamp};
use crate::vocabulary::Kind;

/// What is asked for. Conditions narrow one another.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    kinds: Vec<Kind>,
    wanted: Option<Wanted>,
    conditions: Vec<Vec<Condition>>,
    pub(super) first_day: Option<NaiveDate>,
    pub(super) last_day: Option<NaiveDate>,
    pub(super) first_moment: Option<Timestamp>,
    pub(super) last_moment: Option<Timestamp>,
    pub(super) among: Option<Arc<HashSet<Id>>>,
}

#[derive(Debug, Clone)]
enum Condition {
    Tagged(Tag, String),
    Names(Naming, Id),
    IsGone,
}

impl Ask {
    /// Everything of these kinds.
    #[must_use]
    pub fn of(kinds: &[Kind]) -> Self {
        Self { kinds: kinds.to_vec(), ..Self::default() }
    }

    /// What is left of those of a kind that are no more, and those with one of these tags.
    #[must_use]
    pub fn notices(kind: Kind, tags: &[(Tag, &str)]) -> Self {
        let tagged = tags.iter().map(|(tag, value)| Condition::Tagged(*tag, (*value).to_owned()));
        Self::of(&[kind]).with(tagged.chain([Condition::IsGone]).collect())
    }

    /// That this is found in it.
    #[must_use]
    pub fn wanting(mut self, wanted: Option<Wanted>) -> Self {
        self.wanted = wanted;
        self
    }

    /// That it has one of these values; any, if there are none.
    #[must_use]
    pub fn tagged(self, tag: Tag, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with(values.into_iter().map(|value| Condition::Tagged(tag, value.into())).collect())
    }

    /// That it names one of these; any, if there are none.
    #[must_use]
    pub fn naming(self, naming: Naming, ids: impl IntoIterator<Item = Id>) -> Self {
        self.with(ids.into_iter().map(|id| Condition::Names(naming, id)).collect())
    }

    /// That it names one of each of these sets.
    #[must_use]
    pub fn naming_each(self, naming: Naming, sets: Vec<Vec<Id>>) -> Self {
        sets.into_iter().fold(self, |ask, ids| ask.naming(naming, ids))
    }

    fn with(mut self, any_of: Vec<Condition>) -> Self {
        if !any_of.is_empty() {
            self.conditions.push(any_of);
        }
        self
    }

    /// That one of its days lies between these, both included.
    #[must_use]
    pub fn between_days(mut self, first: Option<NaiveDate>, last: Option<NaiveDate>) -> Self {
        (self.first_day, self.last_day) = (first, last);
        self
    }

    /// That its place in its list, which is a moment, lies between these, both included.
    #[must_use]
    pub fn between_moments(mut self, first: Option<Timestamp>, last: Option<Timestamp>) -> Self {
        (self.first_moment, self.last_moment) = (first, last);
        self
    }

    /// That it is one of these, if there are some to choose from.
    #[must_use]
    pub fn among(mut self, ids: Option<Vec<Id>>) -> Self {
        if let Some(ids) = ids {
            let before = self.among.take();
            let left = ids.into_iter().filter(|id| before.as_ref().is_none_or(|before| before.contains(id)));
            self.among = Some(Arc::new(left.collect()));
        }
        self
    }

    /// Whether words are searched for of which none is a word.
    #[must_use]
    pub(super) fn finds_nothing(&self) -> bool {
        self.wanted.as_ref().is_some_and(Wanted::is_empty)
    }

    /// The days that whatever is found is counted in.
    #[must_use]
    pub(super) fn days(&self) -> (i64, i64) {
        (self.first_day.map_or(i64::MIN, day_number), self.last_day.map_or(i64::MAX, day_number))
    }

    /// The part of it that is answered along postings, for each kind by itself. Only words give scores.
    pub(super) fn queries(&self, fields: &Fields, segments: &Arc<Segments>) -> Vec<Box<dyn Query>> {
        let kinds = if self.kinds.is_empty() { Kind::ALL } else { &self.kinds };
        let mut kinds = kinds.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.into_iter().map(|kind| self.query_of(kind, fields, segments)).collect()
    }

    fn query_of(&self, kind: Kind, fields: &Fields, segments: &Arc<Segments>) -> Box<dyn Query> {
        let texts = fields.texts(kind);
        if let Some(all_of) = self.words_alone(texts, segments) {
            return Box::new(all_of);
        }
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for clause in self.wanted.iter().flat_map(|wanted| &wanted.required) {
            clauses.push((Occur::Must, found(clause, texts)));
        }
        for any_of in &self.conditions {
            let terms = any_of.iter().map(|condition| basic(condition.term(kind, fields))).collect();
            clauses.push((Occur::Must, silent(any(terms))));
        }
        if clauses.is_empty() {
            clauses.push((Occur::Must, silent(basic(fields.every(kind)))));
        }
        for clause in self.wanted.iter().flat_map(|wanted| &wanted.excluded) {
            clauses.push((Occur::MustNot, silent(Box::new(Patient(found(clause, texts))))));
        }
        match (clauses.len(), clauses.pop()) {
            (1, Some((_, only))) => only,
            (_, last) => Box::new(BooleanQuery::new(clauses.into_iter().chain(last).collect())),
        }
    }
}

impl Ask {
    /// The words that are searched for, if nothing else is asked.
    fn words_alone(&self, texts: TextFields, segments: &Arc<Segments>) -> Option<AllOf> {
        let wanted = self.wanted.as_ref().filter(|wanted| self.conditions.is_empty() && wanted.excluded.is_empty())?;
        let mut all_of =
            AllOf { field: texts.stems, words: Vec::new(), beginning: None, segments: Arc::clone(segments) };
        for clause in &wanted.required {
            match clause {
                Clause::Word(stem) => all_of.words.push(word(texts.stems, stem)),
                Clause::Beginning { stem, letters } => all_of.beginning = Some(beginning(texts, stem, letters)),
                Clause::Phrase(_) => return None,
            }
        }
        (!wanted.required.is_empty()).then_some(all_of)
    }
}

impl Condition {
    fn term(&self, kind: Kind, fields: &Fields) -> Term {
        match self {
            Self::Tagged(tag, value) => fields.tagged(kind, *tag, value),
            Self::Names(naming, id) => fields.naming(kind, *naming, *id),
            Self::IsGone => fields.gone(kind),
        }
    }
}

fn found(clause: &Clause, texts: TextFields) -> Box<dyn Query> {
    match clause {
        Clause::Word(stem) => Box::new(word(texts.stems, stem)),
        Clause::Phrase(stems) => Box::new(PhraseQuery::new(stems.iter().map(|stem| term(texts.stems, stem)).collect())),
        Clause::Beginning { stem, letters } => Box::new(beginning(texts, stem, letters)),
    }
}

fn beginning(texts: TextFields, stem: &str, letters: &str) -> Beginning {
    Beginning { word: word(texts.stems, stem), words: texts.words, letters: letters.into(), stem: stem.into() }
}

fn word(field: Field, stem: &str) -> TermQuery {
    TermQuery::new(term(field, stem), IndexRecordOption::WithFreqs)
}

fn term(field: Field, stem: &str) -> Term {
    Term::from_field_text(field, stem)
}

fn basic(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

fn any(mut queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    match (queries.len(), queries.pop()) {
        (1, Some(only)) => only,
        (_, last) => Box::new(BooleanQuery::union(queries.into_iter().chain(last).collect())),
    }
}

fn silent(query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, 0.0))
}
