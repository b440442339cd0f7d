//! `fields`: which members of a resource are wanted, checked against the schema that the spec shows.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use dashmap::DashMap;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::body::unknown_name;
use crate::problem::Problem;

/// How many steps a schema is followed, references and choices counted: more than any has, so that one that held itself
/// would end.
const DEPTH: usize = 32;

/// The members that a served type has, by its schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    members: Vec<(String, Self)>,
    list: bool,
}

impl Known {
    /// The members of a type, in the order in which they are served. They are read once.
    #[must_use]
    pub fn of<T: ToSchema + 'static>() -> Arc<Self> {
        static READ: LazyLock<DashMap<TypeId, Arc<Known>>> = LazyLock::new(DashMap::new);
        Arc::clone(&READ.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(Self::read_of::<T>())))
    }

    fn read_of<T: ToSchema>() -> Self {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        let components: BTreeMap<String, Value> = schemas
            .into_iter()
            .filter_map(|(name, schema)| serde_json::to_value(schema).ok().map(|schema| (name, schema)))
            .collect();
        let root = serde_json::to_value(T::schema()).unwrap_or_default();
        Self::read(&root, &components, DEPTH)
    }

    fn read(schema: &Value, components: &BTreeMap<String, Value>, depth: usize) -> Self {
        if depth == 0 {
            return Self::default();
        }
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
            return components.get(name).map(|found| Self::read(found, components, depth - 1)).unwrap_or_default();
        }
        if let Some(items) = schema.get("items") {
            return Self { list: true, ..Self::read(items, components, depth - 1) };
        }
        if let Some(Value::Object(properties)) = schema.get("properties") {
            let members = properties
                .iter()
                .map(|(name, member)| (name.clone(), Self::read(member, components, depth - 1)))
                .collect();
            return Self { members, list: false };
        }
        ["oneOf", "anyOf", "allOf"]
            .iter()
            .filter_map(|choice| schema.get(choice).and_then(Value::as_array))
            .flatten()
            .map(|option| Self::read(option, components, depth - 1))
            .find(|found| *found != Self::default())
            .unwrap_or_default()
    }

    /// The same type less some of its members.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        let members = self.members.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        Self { members: members.cloned().collect(), list: self.list }
    }

    /// The members, in order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.members.iter().map(|(name, member)| (name.as_str(), member))
    }

    /// Whether it has members of its own that can be a row's columns.
    #[must_use]
    pub fn is_object(&self) -> bool {
        !self.list && !self.members.is_empty()
    }

    fn member(&self, name: &str) -> Option<&Self> {
        self.members().find_map(|(known, member)| (known == name).then_some(member))
    }
}

/// The chosen members; one without members of its own is wanted whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection(BTreeMap<String, Self>);

impl Selection {
    /// Reads `title,events.title`.
    ///
    /// # Errors
    /// 400 that names every member that does not exist.
    pub fn parse(text: &str, known: &Known) -> Result<Self, Problem> {
        let mut selection = Self::default();
        let mut faults = Vec::new();
        for path in text.split(',').map(str::trim).filter(|path| !path.is_empty()) {
            if let Err(detail) = selection.add(path, known) {
                faults.push(crate::http::body::Fault::parameter("fields", detail));
            }
        }
        if !faults.is_empty() {
            Err(Problem::parameters(faults))
        } else if selection.0.is_empty() {
            Err(Problem::parameter("fields", "names no member"))
        } else {
            Ok(selection)
        }
    }

    fn add(&mut self, path: &str, known: &Known) -> Result<(), String> {
        let mut known = known;
        let mut here = self;
        for name in path.split('.') {
            let names: Vec<&str> = known.members().map(|(name, _)| name).collect();
            known = known
                .member(name)
                .ok_or_else(|| format!("`{}` {}", name.escape_debug(), unknown_name("member", name, &names)))?;
            here = here.0.entry(name.to_owned()).or_default();
        }
        Ok(())
    }

    /// Whether this member, or something in it, is wanted.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether a column of this path is wanted.
    #[must_use]
    pub fn has_path(&self, path: &[&str]) -> bool {
        let mut here = self;
        for name in path {
            match here.0.get(*name) {
                None => return false,
                Some(below) if below.0.is_empty() => return true,
                Some(below) => here = below,
            }
        }
        true
    }

    /// Keeps the chosen members of a resource.
    ///
    /// # Errors
    /// 500 when the resource cannot be serialised, which no resource should.
    pub fn apply<T: Serialize>(&self, resource: &T) -> Result<Value, Problem> {
        serde_json::to_value(resource).map(|value| self.prune(value)).map_err(Problem::internal)
    }

    fn prune(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.prune(item)).collect(),
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .filter_map(|(name, member)| self.0.get(&name).map(|below| (name, below.prune(member))))
                    .collect::<Map<_, _>>(),
            ),
            other => other,
        }
    }
}
