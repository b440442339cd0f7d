//! A document as the index takes it: value by value, from the memory that it was made in. The index lets ten thousand of them wait
//! for its writers, and a copy of each with its words in every field would be a good part of what an import needs.

use std::iter;
use std::sync::Arc;
use std::vec;

use tantivy::Term;
use tantivy::schema::Field;
use tantivy::schema::document::{self, ReferenceValue, ReferenceValueLeaf};

use super::document::{Document, Fields};

/// A document with the fields that it fills.
pub struct Filled {
    fields: Arc<Fields>,
    document: Document,
    terms: Vec<Term>,
}

impl Filled {
    /// It with all that it is found by.
    #[must_use]
    pub fn new(fields: &Arc<Fields>, document: Document) -> Self {
        Self { fields: Arc::clone(fields), terms: fields.terms(&document), document }
    }
}

impl tantivy::Document for Filled {
    type Value<'d> = Value<'d>;
    type FieldsValuesIter<'d> = vec::IntoIter<(Field, Value<'d>)>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        self.fields.values(&self.document, &self.terms).into_iter()
    }
}

/// What stands in a field of a document.
#[derive(Debug, Clone, Copy)]
pub enum Value<'d> {
    /// Words, or a text taken as it is.
    Text(&'d str),
    /// An identity, or a term.
    Bytes(&'d [u8]),
    /// A number to be read of what is found.
    Number(i64),
}

impl<'d> document::Value<'d> for Value<'d> {
    type ArrayIter = iter::Empty<Self>;
    type ObjectIter = iter::Empty<(&'d str, Self)>;

    fn as_value(&self) -> ReferenceValue<'d, Self> {
        ReferenceValue::Leaf(match *self {
            Self::Text(text) => ReferenceValueLeaf::Str(text),
            Self::Bytes(bytes) => ReferenceValueLeaf::Bytes(bytes),
            Self::Number(number) => ReferenceValueLeaf::I64(number),
        })
    }
}
