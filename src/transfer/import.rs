//! Import: lines become resources, upserted by slug, in any order of dependency.
//!
//! Lines are written in batches, each line in a savepoint of its own, so that a bad one takes nothing with it. A line
//! that refers to what is not there yet is set aside on disk and tried again when the input has ended, as long as that
//! gets any further. What is left then either refers to each other in a circle (two briefs that are translations of each
//! other) or to nothing: each circle is written in one transaction that promises all of it first, and the rest fails.
//! Trends that have lines of their own come last of all, in the order in which they stand in their briefs.

use std::collections::{HashMap, HashSet};
use std::io;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::spool::{Drawer, Line, Lines, Place, Spool};
use crate::access::Caller;
use crate::actors::model::ActorRow;
use crate::briefs::model::BriefRow;
use crate::categories::model::CategoryRow;
use crate::db::types::Id;
use crate::db::{Db, DbError, WritesUnderWay, dialect};
use crate::events::model::EventRow;
use crate::http::body::{self, Fault};
use crate::journal::{self, Write};
use crate::problem::Problem;
use crate::reference::{self, Reference};
use crate::resource::{Outcome, Resource};
use crate::scalars::Slug;
use crate::slugs;
use crate::trends::model::TrendRow;
use crate::vocabulary::Kind;

/// How many lines are read, and then written, at a time.
const BATCH: usize = 256;
/// From how many resources on the planners' statistics are gathered anew, and then whenever these have doubled.
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
    /// Why, line by line; over HTTP at most 1,000 of them.
    pub errors: Vec<Verdict>,
    /// How many more there are.
    #[schema(example = 0)]
    pub errors_left_out: u64,
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
    /// It refers to what is not there yet, whatever else is wrong with it.
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
                let waits = faults.iter().any(|fault| fault.missing.is_some());
                Ok(if waits { Self::Waiting(faults) } else { Self::Refused(faults) })
            }
        }
    }
}

/// Lines that are being written.
struct Batch {
    lines: Vec<Line>,
    outcomes: WritesUnderWay<Outcome, Problem>,
}

impl Batch {
    fn wait(self) -> Result<Vec<(Line, Fate)>, Problem> {
        let outcomes = self.outcomes.wait()?;
        self.lines.into_iter().zip(outcomes).map(|(line, outcome)| Ok((line, Fate::of(outcome)?))).collect()
    }
}

/// Imports every line of an input, and calls `progress` with how many lines are done. At most so many `verdicts` are kept.
///
/// # Errors
/// When the input or the disk cannot be read, or the database is lost; what was written until then stays.
pub fn run(
    db: &Db,
    caller: Caller,
    lines: impl Iterator<Item = io::Result<Line>>,
    verdicts: usize,
    progress: impl FnMut(u64),
) -> Result<Report, Problem> {
    let trends = Trends { spool: Spool::new().map_err(Problem::internal)?, places: Vec::new() };
    let mut import = Import {
        db,
        caller,
        verdicts,
        progress,
        trends: Some(trends),
        report: Report::default(),
        done: 0,
        gathered_at: 0,
    };
    let mut waiting = import.pass(lines)?;
    let trends = import.trends.take();
    while waiting.count() > 0 {
        let before = waiting.count();
        waiting = import.pass(waiting.into_lines().map_err(Problem::internal)?)?;
        if waiting.count() == before {
            import.untangle(waiting)?;
            break;
        }
    }
    if let Some(trends) = trends {
        let lost = import.pass(trends.in_order().map_err(Problem::internal)?)?;
        import.judge(lost.into_lines().map_err(Problem::internal)?)?;
    }
    if import.written() >= MANY.max(import.gathered_at + 1) {
        import.gather_statistics()?;
    }
    import.report.errors.sort_by_key(|verdict| verdict.line);
    Ok(import.report)
}

/// The lines of an input.
pub fn lines(input: impl io::Read) -> impl Iterator<Item = io::Result<Line>> {
    Lines::of(io::BufReader::new(input))
}

struct Import<'a, P> {
    db: &'a Db,
    caller: Caller,
    verdicts: usize,
    progress: P,
    /// While the input is read: where its trends are set aside.
    trends: Option<Trends>,
    report: Report,
    done: u64,
    /// How many resources it had written when the planners' statistics were gathered last.
    gathered_at: u64,
}

/// The lines that are trends of their own, which come when all briefs are there, and each brief's in their order.
struct Trends {
    spool: Spool,
    places: Vec<(u64, Place)>,
}

impl Trends {
    fn keep(&mut self, line: &Line, document: &Value) -> io::Result<()> {
        let position = document.get("position").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let place = self.spool.push(line.number, line.text.as_deref().unwrap_or_default())?;
        self.places.push((position, place));
        Ok(())
    }

    fn in_order(mut self) -> io::Result<impl Iterator<Item = io::Result<Line>>> {
        self.places.sort_by_key(|(position, _)| *position);
        let mut drawer = self.spool.into_drawer()?;
        Ok(self.places.into_iter().map(move |(_, place)| drawer.line(place)))
    }
}

impl<P: FnMut(u64)> Import<'_, P> {
    /// Writes what can be written, and returns what refers to things that are not there yet.
    fn pass(&mut self, lines: impl Iterator<Item = io::Result<Line>>) -> Result<Spool, Problem> {
        let mut waiting = Spool::new().map_err(Problem::internal)?;
        self.in_batches(lines, |import, line, fate| match (fate, &line.text) {
            (Fate::Waiting(_), Some(text)) => waiting.push(line.number, text).map(drop).map_err(Problem::internal),
            (fate, _) => {
                import.note(line.number, fate);
                Ok(())
            }
        })?;
        Ok(waiting)
    }

    /// Writes what can be written, and refuses the rest.
    fn judge(&mut self, lines: impl Iterator<Item = io::Result<Line>>) -> Result<(), Problem> {
        self.in_batches(lines, |import, line, fate| {
            import.note(line.number, fate);
            Ok(())
        })
    }

    fn in_batches(
        &mut self,
        lines: impl Iterator<Item = io::Result<Line>>,
        mut take: impl FnMut(&mut Self, Line, Fate) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut lines = lines.peekable();
        let mut under_way: Option<Batch> = None;
        // While one batch is written the next is read.
        while lines.peek().is_some() || under_way.is_some() {
            let next = self.begin_batch(&mut lines);
            if let Some(batch) = under_way.take() {
                for (line, fate) in batch.wait()? {
                    take(self, line, fate)?;
                }
                (self.progress)(self.done);
                if self.written() >= MANY.max(self.gathered_at * 2) {
                    self.gather_statistics()?;
                }
            }
            under_way = next?;
        }
        Ok(())
    }

    fn begin_batch(&mut self, lines: impl Iterator<Item = io::Result<Line>>) -> Result<Option<Batch>, Problem> {
        let caller = self.caller;
        let batch = lines.take(BATCH).collect::<io::Result<Vec<Line>>>().map_err(Problem::internal)?;
        if batch.is_empty() {
            return Ok(None);
        }
        let mut lines = Vec::new();
        let mut upserts: Vec<Result<Upsert, Problem>> = Vec::new();
        for line in batch {
            let document = read(line.text.as_deref());
            match (&mut self.trends, &document) {
                (Some(trends), Ok(document)) if document.get("type").is_some_and(|kind| kind == "trend") => {
                    trends.keep(&line, document).map_err(Problem::internal)?;
                }
                _ => {
                    lines.push(line);
                    upserts.push(document.and_then(prepared));
                }
            }
        }
        let outcomes = self.db.begin_writing_each(upserts, move |connection, upsert| {
            journal::write(connection, &caller, upsert?).map(|(outcome, _)| outcome)
        })?;
        Ok(Some(Batch { lines, outcomes }))
    }

    /// How many resources it has written.
    fn written(&self) -> u64 {
        self.report.created + self.report.updated
    }

    /// A plan for few rows is a slow one for many.
    fn gather_statistics(&mut self) -> Result<(), Problem> {
        self.gathered_at = self.written();
        self.db.write_blocking(|connection| Ok::<_, Problem>(dialect::analyze(connection)?))
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
                    if self.report.errors.len() < self.verdicts {
                        let pointer = fault.pointer.unwrap_or_default();
                        self.report.errors.push(Verdict { line, pointer, detail: fault.detail });
                    } else {
                        self.report.errors_left_out += 1;
                    }
                }
            }
        }
    }

    /// Writes the circles among the lines that are left, each by itself, and refuses the others.
    fn untangle(&mut self, waiting: Spool) -> Result<(), Problem> {
        let mut spool = Spool::new().map_err(Problem::internal)?;
        let mut tangled = Vec::new();
        self.in_batches(waiting.into_lines().map_err(Problem::internal)?, |import, line, fate| {
            match (fate, &line.text) {
                (Fate::Waiting(faults), Some(text)) => {
                    let place = spool.push(line.number, text).map_err(Problem::internal)?;
                    tangled.extend(Tangled::of(&line, place, faults));
                }
                (fate, _) => import.note(line.number, fate),
            }
            Ok(())
        })?;
        let mut drawer = spool.into_drawer().map_err(Problem::internal)?;
        let mut hopeless = take_hopeless(&mut tangled);
        let mut circles = circles_of(tangled);
        while let Some(mut circle) = circles.pop() {
            // What is named comes before what names it: an event before the briefs that show it.
            circle.sort_by_key(|line| (rank(line.kind), line.number));
            match self.write_circle(&circle, &mut drawer)? {
                Ok(outcomes) => {
                    for (line, outcome) in circle.iter().zip(outcomes) {
                        self.note(line.number, Fate::Written(outcome));
                    }
                }
                Err(refusal) => {
                    let refused = circle.remove(refusal.index);
                    self.note(refused.number, Fate::Refused(faults_of(&refusal.problem)));
                    hopeless.append(&mut take_hopeless(&mut circle));
                    circles.append(&mut circles_of(circle));
                }
            }
            (self.progress)(self.done);
        }
        // Judged last, so that a verdict names only what is missing for good.
        self.judge(hopeless.into_iter().map(move |line| drawer.line(line.place)))
    }

    /// Writes lines that refer to each other in one transaction. If one is refused, nothing is written.
    fn write_circle(&self, circle: &[Tangled], drawer: &mut Drawer) -> Result<Result<Vec<Outcome>, Refusal>, Problem> {
        let caller = self.caller;
        let mut documents = Vec::new();
        for line in circle {
            let text = drawer.line(line.place).map_err(Problem::internal)?.text;
            documents.push((line.kind, line.slug.clone(), read(text.as_deref())?));
        }
        let written = self.db.write_blocking(move |connection| {
            journal::write(connection, &caller, |write| {
                for (kind, slug, document) in &documents {
                    promise(write, *kind, slug, document)?;
                }
                let documents = documents.into_iter().map(|(_, _, document)| document).enumerate();
                let mut upserted = |document| prepared(document).and_then(|upsert| upsert(write));
                documents
                    .map(|(index, document)| upserted(document).map_err(|problem| Refusal { index, problem }))
                    .collect::<Result<Vec<Outcome>, Refusal>>()
            })
        });
        match written {
            Ok((outcomes, _)) => Ok(Ok(outcomes)),
            Err(refusal) if refusal.problem.kind().status >= 500 => Err(refusal.problem),
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}

/// Why a circle was not written, and which of its lines is to blame.
struct Refusal {
    index: usize,
    problem: Problem,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { index: 0, problem }
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Problem::from(error).into()
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

/// A line that waits for others: what it is going to be, and what it waits for. Its text stays on disk.
struct Tangled {
    number: u64,
    place: Place,
    kind: Kind,
    slug: String,
    /// What it refers to; nothing for a fault that no other line can mend.
    missing: Vec<Option<(Kind, String)>>,
}

impl Tangled {
    fn of(line: &Line, place: Place, faults: Vec<Fault>) -> Option<Self> {
        let document: Value = serde_json::from_slice(line.text.as_deref()?).ok()?;
        let kind = document.get("type")?.as_str()?.parse().ok()?;
        let slug = document.get("slug").and_then(Value::as_str).unwrap_or_default().to_owned();
        let missing = faults.into_iter().map(|fault| fault.missing.and_then(|(kind, it)| Some((kind, it.slug?))));
        Some(Self { number: line.number, place, kind, slug, missing: missing.collect() })
    }

    fn name(&self) -> (Kind, String) {
        (self.kind, self.slug.clone())
    }
}

/// Takes out the lines that refer to what no other line is going to be, and those that refer to these, and so on.
fn take_hopeless(tangled: &mut Vec<Tangled>) -> Vec<Tangled> {
    let mut hopeless = Vec::new();
    loop {
        let promised: HashSet<(Kind, String)> = tangled.iter().map(Tangled::name).collect();
        let keeps_its_word =
            |missing: &Option<(Kind, String)>| missing.as_ref().is_some_and(|it| promised.contains(it));
        let (hopeful, lost): (Vec<Tangled>, Vec<Tangled>) =
            tangled.drain(..).partition(|line| line.missing.iter().all(keeps_its_word));
        *tangled = hopeful;
        if lost.is_empty() {
            return hopeless;
        }
        hopeless.extend(lost);
    }
}

/// Parts lines into those that hang together.
fn circles_of(tangled: Vec<Tangled>) -> Vec<Vec<Tangled>> {
    let places: HashMap<(Kind, String), usize> =
        tangled.iter().enumerate().map(|(place, line)| (line.name(), place)).collect();
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); tangled.len()];
    for (place, line) in tangled.iter().enumerate() {
        for other in line.missing.iter().flatten().filter_map(|name| places.get(name)) {
            for (one, another) in [(place, *other), (*other, place)] {
                if let Some(list) = neighbours.get_mut(one) {
                    list.push(another);
                }
            }
        }
    }
    let mut circle_of: Vec<Option<usize>> = vec![None; tangled.len()];
    let mut count = 0;
    for start in 0..tangled.len() {
        let mut reached = vec![start];
        let mut is_new = false;
        while let Some(place) = reached.pop() {
            if let Some(circle @ None) = circle_of.get_mut(place) {
                *circle = Some(count);
                is_new = true;
                reached.extend(neighbours.get(place).into_iter().flatten());
            }
        }
        count += usize::from(is_new);
    }
    let mut circles: Vec<Vec<Tangled>> = (0..count).map(|_| Vec::new()).collect();
    for (line, circle) in tangled.into_iter().zip(circle_of) {
        if let Some(circle) = circle.and_then(|number| circles.get_mut(number)) {
            circle.push(line);
        }
    }
    circles
}

fn read(text: Option<&[u8]>) -> Result<Value, Problem> {
    let text = text.ok_or_else(|| Problem::invalid_at("", "is longer than 32 MiB"))?;
    serde_json::from_slice(text).map_err(|error| Problem::invalid_at("", format!("is not JSON: {error}")))
}

fn faults_of(problem: &Problem) -> Vec<Fault> {
    if problem.errors().is_empty() { vec![Fault::at("", problem.detail())] } else { problem.errors().to_vec() }
}

/// What is left to do of a line when everything was done that needs no database: to write its resource under its slug.
type Upsert = Box<dyn FnOnce(&mut Write<'_>) -> Result<Outcome, Problem> + Send>;

/// Reads one line's resource, which is done while others are written.
fn prepared(mut document: Value) -> Result<Upsert, Problem> {
    let Some(members) = document.as_object_mut() else {
        return Err(Problem::invalid_at("", "must be an object with a `type`"));
    };
    let kind = members.shift_remove("type");
    let kind = kind.as_ref().and_then(Value::as_str).ok_or_else(|| Problem::invalid_at("/type", "is required"))?;
    match kind.parse().map_err(|error| Problem::invalid_at("/type", format!("{error}")))? {
        Kind::Category => prepared_as::<CategoryRow>(document),
        Kind::Actor => prepared_as::<ActorRow>(document),
        Kind::Event => prepared_as::<EventRow>(document),
        Kind::Brief => prepared_as::<BriefRow>(document),
        Kind::Trend => prepared_as::<TrendRow>(document),
    }
}

fn prepared_as<R: Resource>(document: Value) -> Result<Upsert, Problem> {
    let given_id = document.get("id").and_then(Value::as_str).and_then(Id::parse);
    let mut input: R::Input = body::parse(document)?;
    let derived = R::derived_slug(&input);
    let slug = R::wanted_slug(&mut input).get_or_insert(derived).clone();
    R::name_parts(&mut input, &slug);
    Ok(Box::new(move |write| write_under::<R>(write, slug, given_id, input)))
}

/// Writes a resource under its slug, with the identity that it was given if it is new.
fn write_under<R: Resource>(
    write: &mut Write<'_>,
    slug: Slug,
    given_id: Option<Id>,
    input: R::Input,
) -> Result<Outcome, Problem> {
    let sight = write.sight();
    let reference = Reference::from_slug(slug.as_str());
    // Most of what is imported is new, and then this is all that is asked.
    let is_taken = R::slug_is_taken(write.connection, slug.as_str())?;
    let existing = if is_taken { R::look_up(write.connection, sight, &reference)? } else { None };
    match existing {
        Some(existing) => {
            let version = existing.version();
            let row = R::update(write, existing, input)?;
            Ok(if row.version() == version { Outcome::Unchanged } else { Outcome::Updated })
        }
        None => {
            slugs::demand_free(&slug, is_taken)?;
            let id = match write.promised(R::KIND, &reference) {
                Some(promised) => promised,
                None => identity(write, given_id)?,
            };
            let row = R::create(write, id, input)?;
            reference::claim(write, R::KIND, row.slug(), id)?;
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
    let (sight, reference) = (write.sight(), Reference::from_slug(slug));
    let connection = &mut *write.connection;
    let is_living = match kind {
        Kind::Category => CategoryRow::look_up(connection, sight, &reference)?.is_some(),
        Kind::Actor => ActorRow::look_up(connection, sight, &reference)?.is_some(),
        Kind::Event => EventRow::look_up(connection, sight, &reference)?.is_some(),
        Kind::Brief => BriefRow::look_up(connection, sight, &reference)?.is_some(),
        Kind::Trend => TrendRow::look_up(connection, sight, &reference)?.is_some(),
    };
    if is_living || slug.is_empty() {
        return Ok(());
    }
    let id = identity(write, document.get("id").and_then(Value::as_str).and_then(Id::parse))?;
    write.promise(kind, slug, id)
}
