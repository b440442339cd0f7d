//! The tables.

use std::time::Duration;

use crate::load::Measure;
use crate::{Compared, machine};

/// What was measured on one corpus.
pub struct Figures {
    /// How many briefs it has.
    pub briefs: u64,
    /// On which database.
    pub database: &'static str,
    /// How long each measurement took.
    pub time: Duration,
    /// How many rounds there were.
    pub rounds: usize,
    /// Its import, unless it was there already.
    pub import: Option<Import>,
    /// How long the server took to be ready.
    pub started_in: Duration,
    /// How many mebibytes it has resident when it has answered a little and then nothing.
    pub idle: u64,
    /// The reads.
    pub rows: Vec<Row>,
    /// The writes.
    pub writes: Writes,
}

/// An import.
pub struct Import {
    /// How many lines there were.
    pub lines: u64,
    /// How many rows its tables then had on SQLite.
    pub rows: Option<i64>,
    /// How long it took.
    pub time: Duration,
    /// How many mebibytes it had resident at most.
    pub resident: u64,
}

/// Briefs written a second.
pub struct Writes {
    /// Through the server, by many clients who are answered with the whole brief; none where they came to nothing.
    pub created: Option<Measure>,
    /// The same, answered with `Prefer: return=minimal`.
    pub minimal: Option<Measure>,
    /// How many of the hot set of briefs were read a second, while a client created one after another with pauses; none where it came to
    /// create nothing.
    pub read_meanwhile: Option<Measure>,
    /// In a loop on SQLite, each in a transaction of its own.
    pub one_commit_each: Option<f64>,
}

/// A kind of request.
#[derive(Default)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// What is wanted, in hundredths of nginx: cold and hot.
    pub wanted: (u32, u32),
    /// With no answer in memory.
    pub cold: Option<Compared>,
    /// With those in memory that are asked for often.
    pub hot: Option<Compared>,
    /// How often a second the same is answered by SQL alone.
    pub bare: Option<f64>,
    /// How often a second the same is answered by Datasette.
    pub datasette: Option<f64>,
}

/// The whole document, with a section in the place of the one of the same corpus and database.
pub fn document(earlier: &str, section: String) -> String {
    let mut text = format!(
        "# Performance\n\n\
         Made by `cargo bench --bench speed -- --write docs/performance.md` (`--help` says how to measure other corpora, PostgreSQL and\n\
         Datasette), which takes every ratio in one run: machines are noisy, and only what was measured side by side can be compared.\n\
         Nothing here is to be edited by hand.\n\n\
         {}, wrk, one core for the server and one for the load, 32 connections, medians of the rounds. `%` is that of\n\
         nginx with the same bytes in files (for what is unchanged: nginx answering 304). *Cold* is without answers in memory,\n\
         when up to 20,000 different requests have been made once (*first time*, within a minute): what they made ready on disk\n\
         is there. *Hot* repeats 500 requests, some much more often than others. p99 is taken at four fifths of the rate reached.\n\
         *Bare SQL* is the same questions in a loop on SQLite, and to `pgbench` over one connection on PostgreSQL; `x` is how many\n\
         times that, or what Datasette answers, the server answers cold. SQL finds a name only as it is spelled, and full text by\n\
         FTS5 in a table of its own.\n",
        machine::version("nginx", "-v"),
    );
    let mut sections: Vec<&str> =
        earlier.split("\n## ").skip(1).filter(|old| place(old) != place(&section[3..])).collect();
    sections.push(&section[3..]);
    sections.sort_by_key(|section| place(section));
    for section in sections {
        text.push_str("\n## ");
        text.push_str(section.trim_end());
        text.push('\n');
    }
    text
}

/// Where a section stands: SQLite first, and the small ones before the large.
fn place(section: &str) -> (bool, u64) {
    let heading = section.lines().next().unwrap_or_default();
    let digits: String = heading.chars().filter(char::is_ascii_digit).collect();
    (heading.ends_with("PostgreSQL"), digits.parse().unwrap_or_default())
}

/// The part of one corpus.
pub fn section(figures: &Figures) -> String {
    let mut text = format!("## {} briefs on {}\n\n", thousands(figures.briefs as f64), figures.database);
    let now = chrono::Utc::now().format("%Y-%m-%d %H:%M UTC");
    let (rounds, seconds) = (figures.rounds, figures.time.as_secs());
    text.push_str(&format!("Taken on {now}, {rounds} rounds of {seconds} s: {}.\n\n", machine::described()));
    text.push_str(
        "| workload | first time, a second | cold, a second | % | wanted | p99 | hot, a second | % | wanted | p99 | bare SQL, a second | x | Datasette, a second | x |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for row in &figures.rows {
        text.push_str(&line(row));
        text.push('\n');
    }
    text.push_str("\n| also | |\n|---|---|\n");
    let Writes { created, minimal, read_meanwhile, one_commit_each } = figures.writes;
    let mut also = |what: &str, figure: String| text.push_str(&format!("| {what} | {figure} |\n"));
    let with_p99 = |it: Option<Measure>| match it {
        Some(Measure { rate, p99 }) => format!("{} (p99 {:.0} ms)", thousands(rate), p99.as_secs_f64() * 1e3),
        None => "nothing could be created".to_owned(),
    };
    also("briefs created a second, 32 clients, answered whole", with_p99(created));
    also("the same with `Prefer: return=minimal`", with_p99(minimal));
    also("hot briefs read a second while some ten a second are created", with_p99(read_meanwhile));
    if let Some(one_commit_each) = one_commit_each {
        let times = |it: Option<Measure>| {
            it.map_or("-".to_owned(), |Measure { rate, .. }| format!("{:.2}", rate / one_commit_each))
        };
        let figure = format!("{} ({} and {} times)", thousands(one_commit_each), times(created), times(minimal));
        also(
            "a row, eight links and an index in a bare loop, one commit each (the above is so many times that)",
            figure,
        );
    }
    if let Some(Import { lines, rows, time, resident }) = &figures.import {
        let rate = |count: f64| thousands(count / time.as_secs_f64());
        let and_rows = rows.map_or_else(String::new, |rows| format!(", {} rows of tables", rate(rows as f64)));
        let figure = format!("{} lines{and_rows} ({resident} MiB resident at most)", rate(*lines as f64));
        also("imported a second, index included", figure);
    }
    also("ready in", format!("{} ms", figures.started_in.as_millis()));
    also("resident when idle", format!("{} MiB", figures.idle));
    text
}

/// One line of the table.
pub fn line(row: &Row) -> String {
    let wanted = |percent: u32| if percent == 0 { "-".to_owned() } else { format!("{percent} %") };
    let side = |compared: Option<Compared>, percent: u32| match compared {
        None => "- | - | - | -".to_owned(),
        Some(Compared { rate, nginx, p99, .. }) => {
            let (rate, share, p99) = (thousands(rate), rate / nginx * 100.0, p99.as_secs_f64() * 1e3);
            format!("{rate} | {share:.1} % | {} | {p99:.1} ms", wanted(percent))
        }
    };
    let beside = |other: Option<f64>| match (other, row.cold) {
        (Some(other), Some(cold)) => format!("{} | {:.1}", thousands(other), cold.rate / other),
        _ => "- | -".to_owned(),
    };
    let first = row.cold.map_or("-".to_owned(), |cold| thousands(cold.first));
    let (cold, hot) = (side(row.cold, row.wanted.0), side(row.hot, row.wanted.1));
    format!("| {} | {first} | {cold} | {hot} | {} | {} |", row.name, beside(row.bare), beside(row.datasette))
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
