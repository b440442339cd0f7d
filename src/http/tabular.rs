//! Rows for scripts: CSV, with a column for each scalar of a resource, and NDJSON.

use serde::Serialize;
use serde_json::Value;

use crate::http::fields::{Known, Selection};
use crate::problem::Problem;

/// The columns of a CSV: the paths of a resource's members, objects opened (`category.slug`), lists kept in one cell.
pub struct Columns(Vec<Vec<String>>);

impl Columns {
    /// The columns of a type, less what its rows leave out and what was not chosen.
    #[must_use]
    pub fn of(known: &Known, left_out: &[&str], selection: Option<&Selection>) -> Self {
        let mut columns = Vec::new();
        for (name, member) in known.members().filter(|(name, _)| !left_out.contains(name)) {
            collect(&[name], member, selection, &mut columns);
        }
        Self(columns)
    }

    /// The rows, after a line of headings if wanted.
    ///
    /// # Errors
    /// 500 when a row cannot be serialised, which no row should.
    pub fn csv<T: Serialize>(
        &self,
        rows: &[T],
        selection: Option<&Selection>,
        headings: bool,
    ) -> Result<Vec<u8>, Problem> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if headings {
            writer.write_record(self.0.iter().map(|path| path.join("."))).map_err(Problem::internal)?;
        }
        for row in rows {
            let row = match selection {
                None => serde_json::to_value(row).map_err(Problem::internal)?,
                Some(selection) => selection.apply(row)?,
            };
            writer.write_record(self.0.iter().map(|path| cell(&row, path))).map_err(Problem::internal)?;
        }
        writer.into_inner().map_err(Problem::internal)
    }
}

fn collect(path: &[&str], known: &Known, selection: Option<&Selection>, columns: &mut Vec<Vec<String>>) {
    if known.is_object() {
        for (name, member) in known.members() {
            collect(&[path, &[name]].concat(), member, selection, columns);
        }
    } else if selection.is_none_or(|selection| selection.has_path(path)) {
        columns.push(path.iter().map(ToString::to_string).collect());
    }
}

fn cell(row: &Value, path: &[String]) -> String {
    let mut here = row;
    for name in path {
        here = here.get(name).unwrap_or(&Value::Null);
    }
    text(here)
}

/// A scalar as it is, a list of scalars with `; ` between them, anything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(text).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

/// One JSON object a line.
///
/// # Errors
/// 500 when a row cannot be serialised, which no row should.
pub fn ndjson<T: Serialize>(rows: &[T], selection: Option<&Selection>) -> Result<Vec<u8>, Problem> {
    let mut lines = Vec::new();
    for row in rows {
        match selection {
            None => serde_json::to_writer(&mut lines, row),
            Some(selection) => serde_json::to_writer(&mut lines, &selection.apply(row)?),
        }
        .map_err(Problem::internal)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
