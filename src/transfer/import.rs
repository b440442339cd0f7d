//! Import: lines become resources, upserted by slug, in any order of dependency.
//!
//! Lines are written in batches, each line in a savepoint of its own, so that a bad one takes nothing with it. A line
//! that refers to what is not there yet is set aside on disk and tried again when the input has ended, as long as that
//! gets any further. What is left then either refers to each other in a circle (two briefs that are translations of each
//! other) or to nothing: circles are written in one transaction that promises all of them first, and the rest fails.

use std::collections::HashSet;
use std::io;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::spool::{Line, Lines, Spool};
use crate::access::Caller;
use crate::actors::model::ActorRow;
use crate::briefs::model::BriefRow;
use crate::categories::model::CategoryRow;
use crate::db::types::Id;
use crate::db::{Db, dialect};
use crate::events::model::EventRow;
use crate::http::body::{self, Fault};
use crate::journal::{self, Write};
use crate::problem::Problem;
use crate::reference::{self, Reference};
use crate::resource::{Outcome, Resource};
use crate::trends::model::TrendRow;
use crate::vocabulary::Kind;

/// How many lines are under way at a time.
const BATCH: usize = 512;
/// How many verdicts are kept; the count goes on.
const VERDICTS: usize = 1000;
/// From how many lines on the planners' statistics are gathered anew.
const MANY: u64 = 1000;

/// What an import did.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Report {
    /// How many resources are new.
    #[schema(example = 2)]
    pub created: u64,
    /// How many have a new version.
    #[schema(example = 0)]
    pub updated: u64,
    /// How many were so already.
    #[schema(example = 0)]
    pub unchanged: u64,
    /// How many lines were refused.
    #[schema(example = 0)]
    pub failed: u64,
    /// Why, line by line; at most 1,000 of them.
    pub errors: Vec<Verdict>,
}

/// Why a line was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verdict {
    /// Which line, from 1.
    #[schema(example = 12)]
    pub line: u64,
    /// Where in it, as a JSON pointer; empty for the whole line.
    #[schema(example = "/trends/0/probability")]
    pub pointer: String,
    /// What is wrong.
    #[schema(example = "70 lies outside of the band of `very_likely`, 80 to 95")]
    pub detail: String,
}

/// How one line fared.
enum Fate {
    Written(Outcome),
    /// It refers to these, which are not there yet.
    Waiting(Vec<Fault>),
    Refused(Vec<Fault>),
}

impl Fate {
    /// # Errors
    /// What is not the line's fault: then the import ends.
    fn of(outcome: Result<Outcome, Problem>) -> Result<Self, Problem> {
        match outcome {
            Ok(outcome) => Ok(Self::Written(outcome)),
            Err(problem) if problem.kind().status >= 500 => Err(problem),
            Err(problem) => {
                let faults = faults_of(&problem);
                let waits = faults.iter().all(|fault| fault.missing.is_some());
                Ok(if waits { Self::Waiting(faults) } else { Self::Refused(faults) })
            }
        }
    }
}

/// Imports every line of an input, and calls `progress` with how many lines are done.
///
/// # Errors
/// When the input or the disk cannot be read, or the database is lost; what was written until then stays.
pub fn run(
    db: &Db,
    caller: Caller,
    lines: impl Iterator<Item = io::Result<Line>>,
    mut progress: impl FnMut(u64),
) -> Result<Report, Problem> {
    let mut import = Import { db, caller, report: Report::default(), done: 0 };
    let mut waiting = import.pass(lines, &mut progress)?;
    while waiting.count() > 0 {
        let before = waiting.count();
        waiting = import.pass(waiting.into_lines().map_err(Problem::internal)?, &mut progress)?;
        if waiting.count() == before {
            import.untangle(waiting)?;
            break;
        }
    }
    if import.report.created + import.report.updated >= MANY {
        db.write_blocking(|connection| Ok::<_, Problem>(dialect::analyze(connection)?))?;
    }
    import.report.errors.sort_by_key(|verdict| verdict.line);
    Ok(import.report)
}

/// The lines of an input.
pub fn lines(input: impl io::Read) -> impl Iterator<Item = io::Result<Line>> {
    Lines::of(io::BufReader::new(input))
}

struct Import<'a> {
    db: &'a Db,
    caller: Caller,
    report: Report,
    done: u64,
}

impl Import<'_> {
    /// Writes what can be written, and returns what refers to things that are not there yet.
    fn pass(
        &mut self,
        lines: impl Iterator<Item = io::Result<Line>>,
        progress: &mut impl FnMut(u64),
    ) -> Result<Spool, Problem> {
        let mut waiting = Spool::new().map_err(Problem::internal)?;
        let mut lines = lines.peekable();
        while lines.peek().is_some() {
            let batch = lines
                .by_ref()
                .take(BATCH)
                .collect::<io::Result<Vec<Line>>>()
                .map_err(|error| Problem::bad_request(format!("the input cannot be read: {error}")))?;
            for (line, fate) in self.write_batch(batch)? {
                if let (Fate::Waiting(_), Some(text)) = (&fate, &line.text) {
                    waiting.push(line.number, text).map_err(Problem::internal)?;
                } else {
                    self.note(line.number, fate);
                }
            }
            progress(self.done);
        }
        Ok(waiting)
    }

    fn write_batch(&self, batch: Vec<Line>) -> Result<Vec<(Line, Fate)>, Problem> {
        let caller = self.caller;
        let documents: Vec<Result<Value, Problem>> = batch.iter().map(|line| read(line.text.as_deref())).collect();
        let outcomes = self.db.write_each_blocking(documents, move |connection, document| {
            let document = document?;
            journal::write(connection, &caller, |write| upsert(write, document)).map(|(outcome, _)| outcome)
        })?;
        batch.into_iter().zip(outcomes).map(|(line, outcome)| Ok((line, Fate::of(outcome)?))).collect()
    }

    fn note(&mut self, line: u64, fate: Fate) {
        self.done += 1;
        match fate {
            Fate::Written(Outcome::Created) => self.report.created += 1,
            Fate::Written(Outcome::Updated) => self.report.updated += 1,
            Fate::Written(Outcome::Unchanged) => self.report.unchanged += 1,
            Fate::Waiting(faults) | Fate::Refused(faults) => {
                self.report.failed += 1;
                for fault in faults {
                    if self.report.errors.len() < VERDICTS {
                        let pointer = fault.pointer.unwrap_or_default();
                        self.report.errors.push(Verdict { line, pointer, detail: fault.detail });
                    }
                }
            }
        }
    }

    /// Writes the circles among the lines that are left, and refuses the others.
    fn untangle(&mut self, waiting: Spool) -> Result<(), Problem> {
        let lines: Vec<Line> = waiting.into_lines().and_then(Iterator::collect).map_err(Problem::internal)?;
        let mut tangled: Vec<Tangled> = self
            .write_batch(lines)?
            .into_iter()
            .filter_map(|(line, fate)| match fate {
                Fate::Waiting(faults) => Tangled::of(line, faults),
                fate => {
                    self.note(line.number, fate);
                    None
                }
            })
            .collect();
        // What is named comes before what names it: an event before the briefs that show it, a brief before its trends.
        tangled.sort_by_key(|line| (rank(line.kind), line.line.number));
        let mut hopeless = Vec::new();
        loop {
            hopeless.extend(take_hopeless(&mut tangled).into_iter().map(|line| line.line));
            if tangled.is_empty() {
                break;
            }
            match self.write_circle(&tangled)? {
                Ok(outcomes) => {
                    for (tangled, outcome) in tangled.iter().zip(outcomes) {
                        self.note(tangled.line.number, Fate::Written(outcome));
                    }
                    break;
                }
                Err((index, faults)) => {
                    let refused = tangled.remove(index);
                    self.note(refused.line.number, Fate::Refused(faults));
                }
            }
        }
        // Judged last, so that a verdict names only what is missing for good.
        for (line, fate) in self.write_batch(hopeless)? {
            self.note(line.number, fate);
        }
        Ok(())
    }

    /// Writes lines that refer to each other in one transaction. One that is refused is named, and nothing is written.
    #[expect(clippy::type_complexity, reason = "either every line's outcome, or the line that is refused and why")]
    fn write_circle(&self, circle: &[Tangled]) -> Result<Result<Vec<Outcome>, (usize, Vec<Fault>)>, Problem> {
        let caller = self.caller;
        let documents: Vec<(Kind, String, Value)> =
            circle.iter().map(|line| (line.kind, line.slug.clone(), line.document.clone())).collect();
        let mut refused = None;
        let refusal = std::sync::Arc::new(std::sync::Mutex::new(None));
        let report = refusal.clone();
        let written = self.db.write_blocking(move |connection| {
            let (outcomes, _) = journal::write(connection, &caller, |write| {
                for (kind, slug, document) in &documents {
                    promise(write, *kind, slug, document)?;
                }
                documents
                    .into_iter()
                    .enumerate()
                    .map(|(index, (_, _, document))| {
                        upsert(write, document).inspect_err(|problem| {
                            if let Ok(mut refusal) = report.lock() {
                                *refusal = Some((index, faults_of(problem)));
                            }
                        })
                    })
                    .collect::<Result<Vec<Outcome>, Problem>>()
            })?;
            Ok::<_, Problem>(outcomes)
        });
        if let Ok(mut refusal) = refusal.lock() {
            refused = refusal.take();
        }
        match (written, refused) {
            (Ok(outcomes), _) => Ok(Ok(outcomes)),
            (Err(problem), Some(refused)) if problem.kind().status < 500 => Ok(Err(refused)),
            (Err(problem), _) => Err(problem),
        }
    }
}

/// The order in which the kinds of a circle are written.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Category => 0,
        Kind::Actor => 1,
        Kind::Event => 2,
        Kind::Brief => 3,
        Kind::Trend => 4,
    }
}

/// A line that waits for others.
struct Tangled {
    line: Line,
    kind: Kind,
    slug: String,
    document: Value,
    missing: Vec<Fault>,
}

impl Tangled {
    fn of(line: Line, missing: Vec<Fault>) -> Option<Self> {
        let document: Value = serde_json::from_slice(line.text.as_deref()?).ok()?;
        let kind = document.get("type")?.as_str()?.parse().ok()?;
        let slug = document.get("slug").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { line, kind, slug, document, missing })
    }
}

/// Takes out the lines that refer to what no other line is going to be, and those that refer to these, and so on.
fn take_hopeless(tangled: &mut Vec<Tangled>) -> Vec<Tangled> {
    let mut hopeless = Vec::new();
    loop {
        let promised: HashSet<(Kind, String)> = tangled.iter().map(|line| (line.kind, line.slug.clone())).collect();
        let keeps_its_word = |fault: &Fault| {
            fault.missing.as_ref().is_some_and(|(kind, reference)| {
                reference.slug.as_ref().is_some_and(|slug| promised.contains(&(*kind, slug.clone())))
            })
        };
        let (hopeful, lost): (Vec<Tangled>, Vec<Tangled>) =
            tangled.drain(..).partition(|line| line.missing.iter().all(keeps_its_word));
        *tangled = hopeful;
        if lost.is_empty() {
            return hopeless;
        }
        hopeless.extend(lost);
    }
}

fn read(text: Option<&[u8]>) -> Result<Value, Problem> {
    let text = text.ok_or_else(|| Problem::invalid_at("", "is longer than 2 MiB"))?;
    serde_json::from_slice(text).map_err(|error| Problem::invalid_at("", format!("is not JSON: {error}")))
}

fn faults_of(problem: &Problem) -> Vec<Fault> {
    if problem.errors().is_empty() { vec![Fault::at("", problem.detail())] } else { problem.errors().to_vec() }
}

/// Writes one line's resource under its slug.
fn upsert(write: &mut Write<'_>, mut document: Value) -> Result<Outcome, Problem> {
    let Some(members) = document.as_object_mut() else {
        return Err(Problem::invalid_at("", "must be an object with a `type`"));
    };
    let kind = members.shift_remove("type");
    let kind = kind.as_ref().and_then(Value::as_str).ok_or_else(|| Problem::invalid_at("/type", "is required"))?;
    match kind.parse().map_err(|error| Problem::invalid_at("/type", format!("{error}")))? {
        Kind::Category => upsert_as::<CategoryRow>(write, document),
        Kind::Actor => upsert_as::<ActorRow>(write, document),
        Kind::Event => upsert_as::<EventRow>(write, document),
        Kind::Brief => upsert_as::<BriefRow>(write, document),
        Kind::Trend => upsert_as::<TrendRow>(write, document),
    }
}

fn upsert_as<R: Resource>(write: &mut Write<'_>, document: Value) -> Result<Outcome, Problem> {
    let given_id = document.get("id").and_then(Value::as_str).and_then(Id::parse);
    let mut input: R::Input = body::parse(document)?;
    let derived = R::derived_slug(&input);
    let slug = R::wanted_slug(&mut input).get_or_insert(derived).clone();
    R::name_parts(&mut input, &slug);
    let caller = write.caller();
    let reference = Reference { id: None, slug: Some(slug.as_str().to_owned()) };
    match R::living(write.connection, &caller, &reference)? {
        Some(existing) => {
            let version = existing.version();
            let row = R::update(write, existing, input)?;
            Ok(if row.version() == version { Outcome::Unchanged } else { Outcome::Updated })
        }
        None => {
            crate::slugs::demand_free(&slug, R::slug_is_taken(write.connection, slug.as_str())?)?;
            let id = match write.promised(R::KIND, &reference) {
                Some(promised) => promised,
                None => identity(write, given_id)?,
            };
            R::create(write, id, input)?;
            Ok(Outcome::Created)
        }
    }
}

/// The identity that a resource had where it was exported, unless something here has it.
fn identity(write: &mut Write<'_>, given: Option<Id>) -> Result<Id, Problem> {
    match given {
        Some(id) if !reference::is_known(write.connection, id)? => Ok(id),
        _ => Ok(Id::new()),
    }
}

fn promise(write: &mut Write<'_>, kind: Kind, slug: &str, document: &Value) -> Result<(), Problem> {
    let (caller, reference) = (write.caller(), Reference { id: None, slug: Some(slug.to_owned()) });
    let connection = &mut *write.connection;
    let is_living = match kind {
        Kind::Category => CategoryRow::living(connection, &caller, &reference)?.is_some(),
        Kind::Actor => ActorRow::living(connection, &caller, &reference)?.is_some(),
        Kind::Event => EventRow::living(connection, &caller, &reference)?.is_some(),
        Kind::Brief => BriefRow::living(connection, &caller, &reference)?.is_some(),
        Kind::Trend => TrendRow::living(connection, &caller, &reference)?.is_some(),
    };
    if is_living || slug.is_empty() {
        return Ok(());
    }
    let id = identity(write, document.get("id").and_then(Value::as_str).and_then(Id::parse))?;
    write.promise(kind, slug, id)
}
