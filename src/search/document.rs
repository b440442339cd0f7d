//! What the index holds: documents, and the fields that they are made of.
//!
//! A document is one resource as one set of callers sees it. Where all who see a brief see the same of it, the brief is one
//! document; where some see less (an event in it is hidden from them, or it is retracted), they have a document of their own
//! with just what they see. So no count, no filter and no word of a document says anything that its callers may not know,
//! and every caller meets each resource once.

use chrono::{Datelike, NaiveDate};
use tantivy::TantivyDocument;
use tantivy::schema::{
    BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};

use crate::access::Audience;
use crate::db::types::{Id, Timestamp};
use crate::vocabulary::Kind;

/// Raised when documents come to hold something else, so that older indexes are built anew.
pub const VERSION: u32 = 1;

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
    /// The days that dates ask for; None for what has no date.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// The day that it is counted under; None for what is not counted by date.
    pub counted: Option<NaiveDate>,
    /// The actors, categories and events by which it is found.
    pub actors: Vec<Id>,
    pub categories: Vec<Id>,
    pub events: Vec<Id>,
    /// The words of closed lists, and other texts taken as they are.
    pub tags: Vec<(Tag, String)>,
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
    Naming { Actor = "actor", Category = "category", Event = "event" }
}

/// The fields of the index.
#[derive(Debug, Clone)]
pub struct Fields {
    /// All of them.
    pub schema: Schema,
    /// The stems of the title.
    pub title: Field,
    /// The stems of everything else.
    pub text: Field,
    /// The words of both as they are written, for beginnings.
    pub words: Field,
    /// The kind, to find by.
    pub kind: Field,
    /// The identity, to find by.
    pub id: Field,
    namings: Vec<NamingFields>,
    tags: Vec<Field>,
    columns: Vec<(Column, Field)>,
}

crate::vocabulary::vocabulary! {
    /// Numbers that are read of each document found.
    Column {
        Audience = "audience",
        Kind = "kind_number",
        IdHigh = "id_high",
        IdLow = "id_low",
        Place = "place",
        UpdatedAt = "updated_at",
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
        let stemmed = text_field(STEMMED, IndexRecordOption::WithFreqsAndPositions, true);
        let title = schema.add_text_field("title", stemmed.clone());
        let text = schema.add_text_field("text", stemmed);
        let words = schema.add_text_field("words", text_field(FOLDED, IndexRecordOption::Basic, false));
        let kind = schema.add_u64_field("kind", NumericOptions::default().set_indexed());
        let id = schema.add_bytes_field("id", BytesOptions::default().set_indexed());
        let namings = Naming::ALL.iter().map(|naming| NamingFields::add(&mut schema, *naming)).collect();
        let tag = text_field("raw", IndexRecordOption::Basic, false).set_fast("raw");
        let tags = Tag::ALL.iter().map(|name| schema.add_text_field(name.as_str(), tag.clone())).collect();
        let fast = || NumericOptions::default().set_fast();
        let columns =
            Column::ALL.iter().map(|column| (*column, schema.add_i64_field(column.as_str(), fast()))).collect();
        Self { schema: schema.build(), title, text, words, kind, id, namings, tags, columns }
    }
}

fn text_field(tokenizer: &str, record: IndexRecordOption, norms: bool) -> TextOptions {
    let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(record).set_fieldnorms(norms);
    TextOptions::default().set_indexing_options(indexing)
}

/// The fields of what is named: one to find by, and two columns that hold the identities, which are longer than a number.
#[derive(Debug, Clone, Copy)]
struct NamingFields {
    term: Field,
    high: Field,
    low: Field,
}

impl NamingFields {
    fn add(schema: &mut SchemaBuilder, naming: Naming) -> Self {
        let [high, low] = half_names(naming);
        let fast = || NumericOptions::default().set_fast();
        Self {
            term: schema.add_bytes_field(naming.as_str(), BytesOptions::default().set_indexed()),
            high: schema.add_u64_field(&high, fast()),
            low: schema.add_u64_field(&low, fast()),
        }
    }
}

/// The names of the two columns that hold the identities of what is named, the upper and the lower half.
#[must_use]
pub fn half_names(naming: Naming) -> [String; 2] {
    [format!("{naming}_high"), format!("{naming}_low")]
}

/// An identity in two halves.
#[must_use]
pub fn halves(id: Id) -> (u64, u64) {
    id.0.as_u64_pair()
}

impl Fields {
    /// The field of a tag.
    #[must_use]
    pub fn tag(&self, tag: Tag) -> Field {
        self.tags.get(tag as usize).copied().unwrap_or(self.id)
    }

    /// The field of what is named.
    #[must_use]
    pub fn naming(&self, naming: Naming) -> Field {
        self.namings.get(naming as usize).map_or(self.id, |fields| fields.term)
    }

    /// A document as the index takes it.
    #[must_use]
    pub fn fill(&self, document: &Document) -> TantivyDocument {
        let mut filled = TantivyDocument::new();
        filled.add_text(self.title, &document.title);
        filled.add_text(self.text, &document.text);
        filled.add_text(self.words, &document.title);
        filled.add_text(self.words, &document.text);
        filled.add_u64(self.kind, document.kind as u64);
        filled.add_bytes(self.id, document.id.0.as_bytes());
        let named = [&document.actors, &document.categories, &document.events];
        for (ids, NamingFields { term, high, low }) in named.into_iter().zip(&self.namings) {
            for id in ids {
                let (upper, lower) = halves(*id);
                filled.add_bytes(*term, id.0.as_bytes());
                filled.add_u64(*high, upper);
                filled.add_u64(*low, lower);
            }
        }
        for (tag, value) in &document.tags {
            filled.add_text(self.tag(*tag), value);
        }
        for (column, field) in &self.columns {
            if let Some(number) = document.number(*column) {
                filled.add_i64(*field, number);
            }
        }
        filled
    }
}

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
            days: None,
            counted: None,
            actors: Vec::new(),
            categories: Vec::new(),
            events: Vec::new(),
            tags: Vec::new(),
            probability: None,
        }
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

    fn number(&self, column: Column) -> Option<i64> {
        let (high, low) = halves(self.id);
        match column {
            Column::Audience => Some(self.audience.bits().into()),
            Column::Kind => Some(self.kind as i64),
            Column::IdHigh => Some(high.cast_signed()),
            Column::IdLow => Some(low.cast_signed()),
            Column::Place => Some(self.place),
            Column::UpdatedAt => Some(self.updated_at.micros()),
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
