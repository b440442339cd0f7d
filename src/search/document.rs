//! What the index holds: documents, and the fields that they are made of.
//!
//! A document is one resource as one set of callers sees it. Where all who see a brief see the same of it, the brief is one
//! document; where some see less (an event in it is hidden from them, or it is retracted), they have a document of their own
//! with just what they see. Where some know of a later change than others, they have one each too. So no count, no filter and
//! no word of a document says anything that its callers may not know, and every caller meets each resource once.
//!
//! Of what some saw and see no more, they have a notice: a document without words that only feeds ask for.

use std::collections::BTreeSet;
use std::iter;

use chrono::{Datelike, NaiveDate};
use tantivy::Term;
use tantivy::schema::{
    BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};

use super::filled::Value;
use crate::access::Audience;
use crate::db::types::{Id, Timestamp};
use crate::vocabulary::Kind;

/// Raised when documents come to hold something else, so that older indexes are built anew.
pub const VERSION: u32 = 3;

/// The names under which [`super::words`] is known to the index.
pub const STEMMED: &str = "stemmed";
pub const FOLDED: &str = "folded";

/// A resource as one set of callers sees it.
#[derive(Debug, Clone)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// The resource's identity.
    pub id: Id,
    /// Who sees it so.
    pub audience: Audience,
    /// Its readable name in paths.
    pub slug: String,
    /// What it is called.
    pub title: String,
    /// Everything else that it says.
    pub text: String,
    /// Where it stands in the order of its list: a moment for briefs, a day for events and trends.
    pub place: i64,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// The position of the last change of it, or of what it shows, that they know of; 0 for what has no feed.
    pub changed: i64,
    /// Whether it is a notice to those who see it no more.
    pub gone: bool,
    /// The days that dates ask for; None for what has no date.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// The day that it is counted under; None for what is not counted by date.
    pub counted: Option<NaiveDate>,
    /// The actors and categories by which it is found.
    pub actors: Vec<Id>,
    pub categories: Vec<Id>,
    /// The words of closed lists, and other texts taken as they are.
    pub tags: Vec<(Tag, String)>,
    /// By what its names are found in whatever spelling.
    pub keys: BTreeSet<String>,
    /// How probable it is thought to be, in percent.
    pub probability: Option<i16>,
}

crate::vocabulary::vocabulary! {
    /// What documents are found and counted by, taken as it is.
    Tag {
        Country = "country",
        Language = "language",
        EventKind = "event_kind",
        ActorKind = "actor_kind",
        Direction = "direction",
        Assessment = "assessment",
        CategoryStatus = "category_status",
        Series = "series",
        State = "state",
        Marking = "marking",
        Likelihood = "likelihood",
        Outcome = "outcome",
        Author = "author",
        Trend = "trend",
    }
}

crate::vocabulary::vocabulary! {
    /// What documents name by its identity.
    Naming { Actor = "actor", Category = "category" }
}

/// The fields of the index.
#[derive(Debug, Clone)]
pub struct Fields {
    /// All of them.
    pub schema: Schema,
    /// The identity, to find by.
    pub id: Field,
    /// The keys of names.
    pub key: Field,
    /// Everything else that documents of a kind are found by: see [`Fields::term`].
    term: Field,
    texts: Vec<TextFields>,
    namings: Vec<Field>,
    tags: Vec<Field>,
    columns: Vec<(Column, Field)>,
}

/// The words of one kind of documents. Each kind has fields of its own, so that a search among briefs does not wade through
/// what events say; but title and text share theirs, so that where a word is needs one look.
#[derive(Debug, Clone, Copy)]
pub struct TextFields {
    /// The stems, those of the title so many times: [`TITLE_WEIGHT`].
    pub stems: Field,
    /// The words as they are written, for beginnings.
    pub words: Field,
}

/// How often a word in the title counts as one that is said.
const TITLE_WEIGHT: usize = 4;

crate::vocabulary::vocabulary! {
    /// Numbers that are read of each document found.
    Column {
        Audience = "audience",
        Kind = "kind_number",
        IdHigh = "id_high",
        IdLow = "id_low",
        Place = "place",
        UpdatedAt = "updated_at",
        Changed = "changed",
        FirstDay = "first_day",
        LastDay = "last_day",
        Counted = "counted",
        Probability = "probability",
    }
}

/// Stands in a column of days where there is none.
pub const NO_DAY: i64 = 0;

impl Default for Fields {
    fn default() -> Self {
        let mut schema = Schema::builder();
        let found = || BytesOptions::default().set_indexed();
        let (id, term) = (schema.add_bytes_field("id", found()), schema.add_bytes_field("term", found()));
        let key = schema.add_text_field("key", text_options("raw", IndexRecordOption::Basic, false));
        let texts = Kind::ALL.iter().map(|kind| TextFields::add(&mut schema, *kind)).collect();
        let by_name = || BytesOptions::default().set_fast();
        let namings = Naming::ALL.iter().map(|name| schema.add_bytes_field(name.as_str(), by_name())).collect();
        let counted = TextOptions::default().set_fast("raw");
        let tags = Tag::ALL.iter().map(|name| schema.add_text_field(name.as_str(), counted.clone())).collect();
        let fast = || NumericOptions::default().set_fast();
        let columns =
            Column::ALL.iter().map(|column| (*column, schema.add_i64_field(column.as_str(), fast()))).collect();
        Self { schema: schema.build(), id, key, term, texts, namings, tags, columns }
    }
}

impl TextFields {
    fn add(schema: &mut SchemaBuilder, kind: Kind) -> Self {
        let stemmed = text_options(STEMMED, IndexRecordOption::WithFreqsAndPositions, true);
        Self {
            stems: schema.add_text_field(&format!("{kind}_stems"), stemmed),
            words: schema
                .add_text_field(&format!("{kind}_words"), text_options(FOLDED, IndexRecordOption::Basic, false)),
        }
    }
}

fn text_options(tokenizer: &str, record: IndexRecordOption, norms: bool) -> TextOptions {
    let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(record).set_fieldnorms(norms);
    TextOptions::default().set_indexing_options(indexing)
}

/// An identity in two halves.
#[must_use]
pub fn halves(id: Id) -> (u64, u64) {
    id.0.as_u64_pair()
}

impl Fields {
    /// The fields of a kind's words.
    #[must_use]
    pub fn texts(&self, kind: Kind) -> TextFields {
        self.texts.get(kind as usize).copied().unwrap_or(TextFields { stems: self.id, words: self.id })
    }

    /// What every document of a kind is found by.
    #[must_use]
    pub fn every(&self, kind: Kind) -> Term {
        self.term_of(kind, u8::MAX, &[])
    }

    /// What the notices of a kind are found by, and nothing else finds them.
    #[must_use]
    pub fn gone(&self, kind: Kind) -> Term {
        self.term_of(kind, u8::MAX - 1, &[])
    }

    /// What the documents of a kind with a tag of this value are found by.
    #[must_use]
    pub fn tagged(&self, kind: Kind, tag: Tag, value: &str) -> Term {
        self.term_of(kind, tag as u8, value.as_bytes())
    }

    /// What the documents of a kind that name this resource are found by.
    #[must_use]
    pub fn naming(&self, kind: Kind, naming: Naming, id: Id) -> Term {
        self.term_of(kind, NAMINGS_FROM + naming as u8, id.0.as_bytes())
    }

    /// The kind is a part of each term, so that postings hold one kind alone.
    fn term_of(&self, kind: Kind, what: u8, value: &[u8]) -> Term {
        Term::from_field_bytes(self.term, &[&[kind as u8, what], value].concat())
    }

    /// What a document is found by, beside its identity and its words.
    #[must_use]
    pub fn terms(&self, document: &Document) -> Vec<Term> {
        let kind = document.kind;
        let mut terms = vec![if document.gone { self.gone(kind) } else { self.every(kind) }];
        for naming in Naming::ALL {
            terms.extend(document.named(*naming).iter().map(|id| self.naming(kind, *naming, *id)));
        }
        terms.extend(document.tags.iter().map(|(tag, value)| self.tagged(kind, *tag, value)));
        terms
    }

    /// What stands in the fields of a document that is found by these terms.
    #[must_use]
    pub fn values<'d>(&self, document: &'d Document, terms: &'d [Term]) -> Vec<(Field, Value<'d>)> {
        let mut values = vec![(self.id, Value::Bytes(document.id.0.as_bytes()))];
        let texts = self.texts(document.kind);
        for (text, weight) in [(&document.title, TITLE_WEIGHT), (&document.text, 1)] {
            if !text.is_empty() {
                values.push((texts.words, Value::Text(text)));
                values.extend(iter::repeat_n((texts.stems, Value::Text(text)), weight));
            }
        }
        values.extend(terms.iter().map(|term| (self.term, Value::Bytes(term.serialized_value_bytes()))));
        for (naming, field) in Naming::ALL.iter().zip(&self.namings) {
            values.extend(document.named(*naming).iter().map(|id| (*field, Value::Bytes(id.0.as_bytes()))));
        }
        let tagged = |(tag, value): &'d (Tag, String)| Some((*self.tags.get(*tag as usize)?, Value::Text(value)));
        values.extend(document.tags.iter().filter_map(tagged));
        values.extend(document.keys.iter().map(|key| (self.key, Value::Text(key))));
        let number = |(column, field): &(Column, Field)| Some((*field, Value::Number(document.number(*column)?)));
        values.extend(self.columns.iter().filter_map(number));
        values
    }
}

/// Where the numbers of what is named begin, after those of tags.
const NAMINGS_FROM: u8 = 128;

impl Document {
    /// A document that has no more than a name.
    #[must_use]
    pub fn new(kind: Kind, id: Id, audience: Audience, slug: String, title: String, updated_at: Timestamp) -> Self {
        Self {
            kind,
            id,
            audience,
            slug,
            title,
            text: String::new(),
            place: 0,
            updated_at,
            changed: 0,
            gone: false,
            days: None,
            counted: None,
            actors: Vec::new(),
            categories: Vec::new(),
            tags: Vec::new(),
            keys: BTreeSet::new(),
            probability: None,
        }
    }

    /// The notice to those who saw a resource that they see no more.
    #[must_use]
    pub fn notice(kind: Kind, id: Id, audience: Audience) -> Self {
        let nameless = Self::new(kind, id, audience, String::new(), String::new(), Timestamp::from_micros(0));
        Self { gone: true, ..nameless }
    }

    /// It with the last of these changes, which are in their order, that its audience knows of: several documents, where not all of
    /// them know of the same.
    pub fn split_by_last_change(self, changes: &[(i64, Audience)]) -> impl Iterator<Item = Self> {
        let (mut left, mut parts) = (self.audience, Vec::new());
        for (changed, known_to) in changes.iter().rev() {
            let part = left & *known_to;
            if part != Audience::NOBODY {
                parts.push((part, *changed));
                left = left.without(part);
            }
        }
        if left != Audience::NOBODY {
            parts.push((left, 0));
        }
        parts.into_iter().map(move |(audience, changed)| Self { audience, changed, ..self.clone() })
    }

    /// The same with these days, and the one of them that it is counted under.
    #[must_use]
    pub fn on(self, days: (NaiveDate, NaiveDate), counted: NaiveDate) -> Self {
        Self { days: Some(days), counted: Some(counted), ..self }
    }

    /// The same for counting alone.
    #[must_use]
    pub fn without_texts(self) -> Self {
        Self { title: String::new(), text: String::new(), ..self }
    }

    /// Tags it with each value, once.
    pub fn tag(&mut self, tag: Tag, values: impl IntoIterator<Item = impl Into<String>>) {
        for value in values {
            let entry = (tag, value.into());
            if !self.tags.contains(&entry) {
                self.tags.push(entry);
            }
        }
    }

    fn named(&self, naming: Naming) -> &[Id] {
        match naming {
            Naming::Actor => &self.actors,
            Naming::Category => &self.categories,
        }
    }

    fn number(&self, column: Column) -> Option<i64> {
        let (high, low) = halves(self.id);
        match column {
            Column::Audience => Some(self.audience.bits().into()),
            Column::Kind => Some(self.kind as i64),
            Column::IdHigh => Some(high.cast_signed()),
            Column::IdLow => Some(low.cast_signed()),
            Column::Place => Some(self.place),
            Column::UpdatedAt => Some(self.updated_at.micros()),
            Column::Changed => Some(self.changed),
            Column::FirstDay => Some(self.days.map_or(NO_DAY, |(first, _)| day_number(first))),
            Column::LastDay => Some(self.days.map_or(NO_DAY, |(_, last)| day_number(last))),
            Column::Counted => Some(self.counted.map_or(NO_DAY, day_number)),
            Column::Probability => self.probability.map(i64::from),
        }
    }
}

/// A day as the columns of days have it: counted from 0001-01-01, which is 1.
#[must_use]
pub fn day_number(day: NaiveDate) -> i64 {
    day.num_days_from_ce().into()
}

/// The day of a number.
#[must_use]
pub fn day_of_number(number: i64) -> Option<NaiveDate> {
    i32::try_from(number).ok().and_then(NaiveDate::from_num_days_from_ce_opt)
}

/// Texts as one, those that are there.
#[must_use]
pub fn joined<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> String {
    texts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The sets into which those who see a thing fall, by which of its parts they see.
#[must_use]
pub fn ways_seen(audience: Audience, parts: &[Audience]) -> Vec<Audience> {
    let mut ways = vec![audience];
    for part in parts {
        ways = ways
            .into_iter()
            .flat_map(|way| [way & *part, way.without(*part)])
            .filter(|way| *way != Audience::NOBODY)
            .collect();
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Marking;

    #[test]
    fn those_who_see_the_same_share_a_document() {
        let everyone = Audience::EVERYONE;
        let cleared = Audience::cleared_for(Marking::Amber);
        assert_eq!(ways_seen(everyone, &[everyone, everyone]), [everyone]);
        assert_eq!(ways_seen(everyone, &[cleared, cleared]), [cleared, everyone.without(cleared)]);
        assert_eq!(ways_seen(Audience::NOBODY, &[cleared]), []);
        assert_eq!(ways_seen(everyone.editors(), &[everyone.readers()]), [everyone.editors()]);
    }
}
