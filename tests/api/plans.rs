//! Lists by actor, date and whatever else narrows them are read along an index on both databases, and a brief with all that it shows
//! is: the real statements are captured while these are answered, and each database is asked how it runs them.

use std::sync::{Arc, Mutex};

use briefwire::access::{Caller, Moment, Sight};
use briefwire::briefs::filter::BriefFilter;
use briefwire::briefs::model::BriefRow;
use briefwire::briefs::views;
use briefwire::db::types::Timestamp;
use briefwire::db::{Connection, dialect};
use briefwire::events::filter::EventFilter;
use briefwire::http::page::{Extras, Listed, Window};
use briefwire::reference::Reference;
use briefwire::resource;
use diesel::connection::{Connection as _, InstrumentationEvent};
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl};
use serde_json::{Value, json};

use crate::support::TestApp;

on_both![every_list_is_read_along_an_index, a_whole_brief_is_read_without_going_through_others];

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    detail: String,
}

const LARGE_TABLES: [&str; 5] = ["events", "briefs", "brief_events", "event_participants", "brief_actors"];

fn every_list_is_read_along_an_index(app: &TestApp) {
    fill(app);
    let mut connection = app.database().connect();
    for query in [
        json!({"actor": "actor-7"}),
        json!({"actor": "actor-7", "from": "2015-01-01", "to": "2015-02-01"}),
        json!({"all_actors": ["actor-7", "actor-8"], "kind": "visit"}),
        json!({"actor": "actor-7", "country": "BY", "category": "cat"}),
        json!({"from": "2015-01-01", "to": "2015-01-10"}),
        json!({"country": "CN"}),
        json!({}),
    ] {
        let past = Moment::At { position: 2000, time: Timestamp::now() };
        // PostgreSQL guesses how many versions stood at a moment, and may rather scan for what narrows by much at once.
        let narrows_by_much = query.get("all_actors").or(query.get("category")).is_some();
        let moments = if narrows_by_much { vec![Moment::Head] } else { vec![Moment::Head, past] };
        for (events, moment) in moments.into_iter().flat_map(|moment| [(true, moment), (false, moment)]) {
            let statements = statements_of_list(&mut connection, &query, events, moment);
            for statement in statements {
                let plan = plan_of(&mut connection, &statement);
                let scanned = LARGE_TABLES.into_iter().find(|table| scans(&plan, table));
                assert_eq!(scanned, None, "{query} at {moment:?} scans:\n{statement}\n{}", plan.join("\n"));
                // What an actor alone narrows lies in its order: a page is all that is read. PostgreSQL may rather sort the few that
                // there are here.
                if query.get("actor").is_some() && !narrows_by_much && statement.contains("LIMIT") {
                    let is_sorted = plan.iter().any(|step| step.contains("TEMP B-TREE"));
                    assert!(!is_sorted, "{query} at {moment:?} sorts:\n{statement}\n{}", plan.join("\n"));
                }
            }
        }
    }
}

fn a_whole_brief_is_read_without_going_through_others(app: &TestApp) {
    fill(app);
    let mut connection = app.database().connect();
    let sight = Sight::now(&Caller::ANYONE);
    let statements = statements_of(&mut connection, |connection| {
        let brief: BriefRow = resource::find(connection, sight, &Reference::from_slug("brief-700")).unwrap();
        let view = views::whole(connection, sight, brief).unwrap();
        assert!(!view.similar.unwrap().is_empty(), "nothing is like it");
    });
    for statement in statements {
        let plan = plan_of(&mut connection, &statement);
        let scanned = LARGE_TABLES.into_iter().find(|table| scans(&plan, table) || goes_through(&plan, table));
        assert_eq!(scanned, None, "a whole brief scans:\n{statement}\n{}", plan.join("\n"));
    }
}

/// Events and briefs of many days with many actors, so that the planners have something to choose by, and know it.
fn fill(app: &TestApp) {
    let mut lines = vec![json!({"type": "category", "slug": "cat", "name": "C"})];
    lines.extend((0..40).map(|number| json!({"type": "actor", "slug": format!("actor-{number}"), "name": format!("Actor {number}"), "kind": "person"})));
    for number in 0..1500 {
        let day = chrono::NaiveDate::from_ymd_opt(2012, 1, 1).unwrap() + chrono::Days::new(number * 2);
        let slug = format!("event-{number}");
        let kind = if number % 3 == 0 { "visit" } else { "meeting" };
        lines.push(json!({
            "type": "event", "slug": slug, "title": "E", "kind": kind, "occurred": day.to_string(),
            "country": if number % 50 == 0 { "CN" } else { "BY" }, "state": "published",
            "participants": [{"actor": format!("actor-{}", number % 40)}, {"actor": format!("actor-{}", (number + 1) % 40)}],
        }));
        lines.push(json!({
            "type": "brief", "slug": format!("brief-{number}"), "title": "B", "category": "cat", "language": "en",
            "country": if number % 50 == 0 { "CN" } else { "BY" },
            "state": "published", "published_at": format!("{day}T10:00:00Z"), "events": [slug],
        }));
    }
    let report = app.admin().import(&lines);
    assert_eq!(report["failed"], 0, "{report}");
    app.database()
        .open()
        .write_blocking(|connection| dialect::analyze(connection).map_err(briefwire::db::DbError::from))
        .unwrap();
}

/// The statements that answer a list.
fn statements_of_list(connection: &mut Connection, query: &Value, events: bool, moment: Moment) -> Vec<String> {
    let (sight, extras, window) = (Sight { caller: Caller::ANYONE, moment }, Extras::default(), Window::first(20));
    statements_of(connection, |connection| {
        if events {
            let filter: EventFilter = briefwire::http::body::parse(query.clone()).unwrap();
            filter.page(connection, sight, &extras, &window).map(drop).unwrap();
        } else {
            let filter: BriefFilter = briefwire::http::body::parse(query.clone()).unwrap();
            filter.page(connection, sight, &extras, &window).map(drop).unwrap();
        }
    })
}

/// The statements that read something: there are some.
fn statements_of(connection: &mut Connection, read: impl FnOnce(&mut Connection)) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            log.lock().unwrap().push(query.to_string());
        }
    });
    read(connection);
    connection.set_instrumentation(|_: InstrumentationEvent<'_>| {});
    let statements = std::mem::take(&mut *seen.lock().unwrap());
    let read: Vec<String> = statements.into_iter().filter(|statement| statement.starts_with("SELECT")).collect();
    assert!(!read.is_empty(), "nothing was read");
    read
}

/// How the database runs a statement, a step a line. Its values do not matter to SQLite; PostgreSQL is given nulls for
/// them in a plan that is made for any values.
fn plan_of(connection: &mut Connection, statement: &str) -> Vec<String> {
    let statement = statement.split(" -- binds").next().unwrap();
    match connection {
        Connection::Sqlite(sqlite) => {
            let steps: Vec<SqliteStep> =
                diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(sqlite).unwrap();
            steps.into_iter().map(|step| step.detail).collect()
        }
        Connection::Postgres(postgres) => {
            let values = (1..).take_while(|number| statement.contains(&format!("${number}"))).count();
            let given = if values == 0 { String::new() } else { format!("({})", vec!["null"; values].join(", ")) };
            let run =
                |postgres: &mut diesel::PgConnection, sql: String| diesel::sql_query(sql).execute(postgres).unwrap();
            run(postgres, "SET plan_cache_mode = force_generic_plan".into());
            run(postgres, format!("PREPARE explained AS {statement}"));
            let steps: Vec<PostgresStep> =
                diesel::sql_query(format!("EXPLAIN EXECUTE explained{given}")).load(postgres).unwrap();
            run(postgres, "DEALLOCATE explained".into());
            steps.into_iter().map(|step| step.detail).collect()
        }
    }
}

/// Whether a plan reads a whole table without an index.
fn scans(plan: &[String], table: &str) -> bool {
    plan.iter().any(|step| {
        let step = step.trim();
        step == format!("SCAN {table}")
            || step.contains(&format!("Seq Scan on {table} "))
            || step.ends_with(&format!("Seq Scan on {table}"))
    })
}

/// Whether a plan goes through a whole table along an index, row by row.
fn goes_through(plan: &[String], table: &str) -> bool {
    plan.iter().zip(plan.iter().skip(1).map(String::as_str).chain([""])).any(|(step, next)| {
        let on_sqlite = step.starts_with(&format!("SCAN {table} "));
        let on_postgres = step.contains("Index") && step.contains(&format!(" on {table} "));
        on_sqlite || (on_postgres && !next.trim().starts_with("Index Cond"))
    })
}
