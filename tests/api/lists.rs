//! Lists: what they can be asked, how they are paged, and the forms they come in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::make::{With, actor, brief, category, event, public_event, published, trend};
use crate::support::{Client, TestApp, sorted};

on_both![
    each_parameter_of_the_brief_list_narrows_it,
    each_parameter_of_the_event_list_narrows_it,
    each_parameter_of_the_trend_list_narrows_it,
    each_parameter_of_the_actor_list_narrows_it,
    parameters_narrow_one_another,
    trend_parameters_of_a_brief_mean_one_trend,
    updated_since_follows_what_a_row_shows,
    every_sort_puts_rows_in_its_order,
    pages_neither_skip_nor_repeat,
    pages_hold_while_others_write,
    a_count_is_of_all_pages,
    a_link_leads_to_the_next_page,
    fields_choose_members,
    include_adds_what_rows_leave_out,
    rows_leave_out_what_is_long,
    a_table_has_a_column_for_each_scalar,
    a_table_and_lines_follow_accept_too,
    streams_have_every_row,
    an_unknown_parameter_is_refused_with_the_nearest_known_one,
    every_bad_parameter_is_named,
    a_cursor_belongs_to_its_list,
];

// --- what can be asked

fn each_parameter_of_the_brief_list_narrows_it(app: &TestApp) {
    fill(app);
    let cases: &[(&str, &[&str])] = &[
        ("", &["china-deal", "drill", "economy", "po-russki"]),
        ("actor=china", &["china-deal", "economy"]),
        ("all_actors=belarus,china", &["china-deal"]),
        ("category=security", &["china-deal", "drill", "po-russki"]),
        ("category=economy", &["economy"]),
        ("category=economy,security", &["china-deal", "drill", "economy", "po-russki"]),
        ("country=BY", &["china-deal", "po-russki"]),
        ("country=BLR,RU", &["china-deal", "drill", "po-russki"]),
        ("language=ru", &["po-russki"]),
        ("language=EN", &["china-deal", "drill", "economy"]),
        ("from=2017-07-31", &["china-deal", "drill", "po-russki"]),
        ("from=2017-07-31T10:00:01Z", &["drill", "po-russki"]),
        ("to=2017-07-31", &["china-deal", "economy"]),
        ("to=2017-07-31T09:59:59Z", &["economy"]),
        ("on=2017-07-31", &["china-deal"]),
        ("from=2017-07-25&to=2017-08-01", &["china-deal", "po-russki"]),
        ("kind=agreement", &["china-deal"]),
        ("kind=agreement,exercise", &["china-deal", "drill"]),
        ("direction=increasing", &["china-deal"]),
        ("direction=stable", &["china-deal", "economy"]),
        ("assessment=regress", &["drill"]),
        ("category_status=progress", &["china-deal", "po-russki"]),
        ("category_status=progress,regress", &["china-deal", "drill", "po-russki"]),
        ("series=army-influence", &["china-deal", "drill"]),
        ("state=published", &["china-deal", "drill", "economy", "po-russki"]),
        ("state=draft", &[]),
        ("marking=TLP:CLEAR", &["china-deal", "drill", "economy", "po-russki"]),
        ("marking=TLP:RED", &[]),
        ("updated_since=2917-01-01T00:00:00Z", &[]),
        ("updated_since=2017-01-01T00:00:00Z", &["china-deal", "drill", "economy", "po-russki"]),
    ];
    check(app, "briefs", cases);
    let of_editors: &[(&str, &[&str])] = &[
        ("state=draft", &["draft"]),
        ("marking=TLP:RED", &["secret"]),
        ("state=draft&marking=TLP:CLEAR", &["draft"]),
        ("from=2017-01-01&state=draft", &[]),
    ];
    check(&app.editor(), "briefs", of_editors);
}

fn each_parameter_of_the_event_list_narrows_it(app: &TestApp) {
    fill(app);
    let cases: &[(&str, &[&str])] = &[
        ("", &["exercise", "loan", "protocol"]),
        ("actor=china", &["loan", "protocol"]),
        ("all_actors=belarus,china", &["protocol"]),
        ("category=security", &["exercise", "protocol"]),
        ("category=economy", &["loan"]),
        ("country=CN", &["protocol"]),
        ("country=BY,CN", &["exercise", "protocol"]),
        ("from=2017-07-26", &["exercise"]),
        ("to=2017-07-24", &["loan"]),
        ("on=2017-07-25", &["protocol"]),
        ("kind=agreement", &["protocol"]),
        ("kind=agreement,aid", &["loan", "protocol"]),
        ("state=published", &["exercise", "loan", "protocol"]),
        ("state=draft", &[]),
        ("marking=TLP:RED", &[]),
        ("updated_since=2917-01-01T00:00:00Z", &[]),
    ];
    check(app, "events", cases);
    check(&app.editor(), "events", &[("state=draft", &["planned"]), ("marking=TLP:RED", &["secret-meeting"])]);
}

fn each_parameter_of_the_trend_list_narrows_it(app: &TestApp) {
    fill(app);
    let cases: &[(&str, &[&str])] = &[
        ("", &["army", "drills", "friendship", "loans"]),
        ("actor=china", &["friendship", "loans"]),
        ("all_actors=belarus,china", &["friendship"]),
        ("category=economy", &["loans"]),
        ("country=BY", &["army", "friendship"]),
        ("language=en", &["army", "drills", "friendship", "loans"]),
        ("language=ru", &[]),
        ("from=2017-07-31", &["drills"]),
        ("to=2017-07-23", &["loans"]),
        ("on=2017-07-27", &["army", "friendship"]),
        ("direction=stable", &["friendship", "loans"]),
        ("assessment=progress,regress", &["army", "drills"]),
        ("category_status=regress", &["drills"]),
        ("series=army-influence", &["army", "drills"]),
        ("series=no-such-series", &[]),
        ("state=published", &["army", "drills", "friendship", "loans"]),
        ("marking=TLP:RED", &[]),
        ("updated_since=2917-01-01T00:00:00Z", &[]),
    ];
    check(app, "trends", cases);
    check(&app.editor(), "trends", &[("state=draft", &["drafted"]), ("marking=TLP:RED", &["secret-trend"])]);
}

fn each_parameter_of_the_actor_list_narrows_it(app: &TestApp) {
    fill(app);
    let cases: &[(&str, &[&str])] = &[
        ("", &["belarus", "china", "general"]),
        ("kind=state", &["belarus", "china"]),
        ("kind=person,group", &["general"]),
        ("country=BY", &["belarus", "general"]),
        ("country=BY&kind=person", &["general"]),
        ("country=CHN", &["china"]),
        ("updated_since=2917-01-01T00:00:00Z", &[]),
    ];
    check(app, "actors", cases);
    check(app, "categories", &[("", &["economy", "security"]), ("updated_since=2917-01-01T00:00:00Z", &[])]);
}

/// Whatever two parameters find alone, together they find what both find.
fn parameters_narrow_one_another(app: &TestApp) {
    fill(app);
    let editor = app.editor();
    let briefs = [
        "actor=china",
        "all_actors=belarus",
        "category=security",
        "country=BY",
        "language=en",
        "from=2017-07-31",
        "to=2017-08-05",
        "on=2017-07-31",
        "kind=agreement",
        "direction=stable",
        "category_status=progress",
        "state=published",
        "marking=TLP:CLEAR",
        "updated_since=2017-01-01T00:00:00Z",
    ];
    let events = [
        "actor=china",
        "all_actors=belarus",
        "category=security",
        "country=CN",
        "from=2017-07-25",
        "to=2017-07-25",
        "on=2017-07-25",
        "kind=agreement,aid",
        "state=published",
        "marking=TLP:CLEAR",
        "updated_since=2017-01-01T00:00:00Z",
    ];
    let trends = [
        "actor=china",
        "all_actors=belarus",
        "category=security",
        "country=BY",
        "language=en",
        "from=2017-07-24",
        "to=2017-07-30",
        "on=2017-07-27",
        "direction=stable",
        "assessment=progress",
        "category_status=progress",
        "series=army-influence",
        "state=published",
        "marking=TLP:CLEAR",
        "updated_since=2017-01-01T00:00:00Z",
    ];
    for (list, parameters) in [("briefs", &briefs[..]), ("events", &events[..]), ("trends", &trends[..])] {
        let found = |query: &str| -> BTreeSet<String> {
            editor.get(&format!("/v1/{list}?{query}")).expect(200).slugs().into_iter().collect()
        };
        let alone: Vec<BTreeSet<String>> = parameters.iter().map(|parameter| found(parameter)).collect();
        for (one, found_by_one) in parameters.iter().zip(&alone) {
            assert!(!found_by_one.is_empty(), "{list}?{one} shows nothing, so that this test shows nothing");
            for (other, found_by_other) in parameters.iter().zip(&alone).filter(|(other, _)| *other > one) {
                let both: BTreeSet<String> = found_by_one & found_by_other;
                assert_eq!(found(&format!("{one}&{other}")), both, "{list}?{one}&{other}");
                let ascending = if list == "trends" {
                    "period.to"
                } else if list == "events" {
                    "occurred_from"
                } else {
                    "published_at"
                };
                assert_eq!(found(&format!("{one}&{other}&sort={ascending}")), both, "{list}?{one}&{other} ascending");
            }
        }
    }
}

fn trend_parameters_of_a_brief_mean_one_trend(app: &TestApp) {
    fill(app);
    let found = |query: &str| sorted(app.get(&format!("/v1/briefs?{query}")).expect(200).slugs());
    assert_eq!(found("direction=increasing&series=army-influence"), ["china-deal"]);
    assert_eq!(
        found("direction=stable&series=army-influence"),
        Vec::<String>::new(),
        "the stable trend is of no series"
    );
    assert_eq!(found("direction=increasing&assessment=progress&series=army-influence"), ["china-deal"]);
}

fn updated_since_follows_what_a_row_shows(app: &TestApp) {
    fill(app);
    let before = briefwire::db::types::Timestamp::now().to_string();
    app.publisher().patch("/v1/events/protocol", json!({"title": "Renamed"})).expect(200);
    let changed = |list: &str| app.get(&format!("/v1/{list}?updated_since={before}")).expect(200).slugs();
    assert_eq!(changed("events"), ["protocol"]);
    assert_eq!(changed("briefs"), ["china-deal"], "a brief follows its events");
    assert_eq!(changed("trends"), Vec::<String>::new());
    app.publisher().patch("/v1/trends/drills", json!({"limits": "Weather"})).expect(200);
    assert_eq!(changed("trends"), ["drills"]);
    assert_eq!(sorted(changed("briefs")), ["china-deal", "drill"]);
    app.publisher().patch("/v1/briefs/secret", json!({"title": "Still secret"})).expect(200);
    assert_eq!(sorted(changed("briefs")), ["china-deal", "drill"], "what is not seen does not show by its change");
}

// --- order and pages

const SORTS: &[(&str, &str)] = &[
    ("briefs", "published_at"),
    ("briefs", "updated_at"),
    ("events", "occurred_from"),
    ("events", "updated_at"),
    ("trends", "period.to"),
    ("trends", "updated_at"),
    ("actors", "slug"),
    ("actors", "name"),
    ("actors", "updated_at"),
    ("categories", "slug"),
    ("categories", "position"),
    ("categories", "updated_at"),
];

fn every_sort_puts_rows_in_its_order(app: &TestApp) {
    fill(app);
    let editor = app.editor();
    for (list, sort) in SORTS {
        let rows = editor.get(&format!("/v1/{list}?sort={sort}&limit=100")).expect(200).rows();
        // A trend does not show its brief's period; a draft, which has no publication yet, comes as the very latest.
        if *sort != "period.to" {
            let key = |row: &Value| {
                (row[sort].as_str().unwrap_or("9999").to_owned(), row[sort].as_i64(), row["id"].to_string())
            };
            assert!(rows.is_sorted_by_key(key), "{list} by {sort}");
        }
        let mut backwards = editor.get(&format!("/v1/{list}?sort=-{sort}&limit=100")).expect(200).rows();
        backwards.reverse();
        assert_eq!(backwards, rows, "{list} by {sort}, there and back");
    }
    for (list, default) in [
        ("briefs", "-published_at"),
        ("events", "-occurred_from"),
        ("trends", "-period.to"),
        ("actors", "slug"),
        ("categories", "slug"),
    ] {
        let explicit = editor.get(&format!("/v1/{list}?sort={default}")).expect(200).slugs();
        assert_eq!(editor.get(&format!("/v1/{list}")).expect(200).slugs(), explicit, "{list}");
    }
}

fn pages_neither_skip_nor_repeat(app: &TestApp) {
    fill(app);
    fill_with_ties(app);
    let editor = app.editor();
    let sorts = SORTS.iter().flat_map(|(list, sort)| [(list, (*sort).to_owned()), (list, format!("-{sort}"))]);
    for (list, sort) in sorts {
        let by_actor = if ["briefs", "events", "trends"].contains(list) {
            &["", "&actor=china", "&actor=china,belarus"][..]
        } else {
            &[""]
        };
        for filter in by_actor {
            let query = format!("/v1/{list}?sort={sort}{filter}");
            let whole = editor.get(&format!("{query}&limit=100")).expect(200).slugs();
            assert!(whole.len() > 1, "{query} is too short to be paged");
            for limit in [1, 3, whole.len()] {
                assert_eq!(pages(&editor, &format!("{query}&limit={limit}"), limit), whole, "{query}&limit={limit}");
            }
        }
    }
}

fn pages_hold_while_others_write(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    for day in 11..=20 {
        publisher.create("briefs", published(&format!("b{day}"), &format!("2017-07-{day}")));
    }
    let mut seen = Vec::new();
    let mut next = String::from("/v1/briefs?limit=3");
    for round in 0.. {
        let page = app.get(&next).expect(200);
        seen.extend(page.slugs());
        let Some(cursor) = page.json()["page"]["next"].as_str().map(ToOwned::to_owned) else {
            break;
        };
        next = format!("/v1/briefs?limit=3&cursor={cursor}");
        // Before the cursor, at its day, and what was just shown is deleted or changed.
        publisher.create("briefs", published(&format!("new{round}"), "2017-07-30"));
        publisher.delete(&format!("/v1/briefs/{}", seen.last().unwrap())).expect(204);
        publisher.patch("/v1/briefs/b11", json!({"title": format!("Changed {round}")})).expect(200);
    }
    let expected: Vec<String> = (11..=20).rev().map(|day| format!("b{day}")).collect();
    assert_eq!(seen, expected);
}

fn a_count_is_of_all_pages(app: &TestApp) {
    fill(app);
    let total =
        |client: &Client, query: &str| client.get(&format!("/v1/{query}")).expect(200).json()["page"]["total"].clone();
    assert_eq!(total(app, "briefs?count=true&limit=1"), 4);
    assert_eq!(total(&app.editor(), "briefs?count=true&limit=1"), 6);
    assert_eq!(total(app, "briefs?count=true&actor=china"), 2);
    assert_eq!(total(app, "events?count=true"), 3);
    assert_eq!(total(app, "trends?count=true&series=army-influence"), 2);
    assert_eq!(total(app, "actors?count=true&kind=state"), 2);
    assert_eq!(total(app, "categories?count=true"), 2);
    assert_eq!(total(app, "briefs?count=false"), Value::Null);
    assert!(app.get("/v1/briefs").json()["page"].get("total").is_none());
}

fn a_link_leads_to_the_next_page(app: &TestApp) {
    fill(app);
    let first =
        app.with("Host", "evil.example.org").get("/v1/briefs?category=security&limit=2&fields=slug").expect(200);
    let link = first.header("link");
    let target = link
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
        .unwrap_or_else(|| panic!("{link}"));
    let path = target.strip_prefix(app.url()).unwrap_or_else(|| panic!("{target} is elsewhere"));
    let second = app.get(path).expect(200);
    assert_eq!([first.slugs(), second.slugs()].concat(), ["drill", "po-russki", "china-deal"]);
    assert_eq!(second.rows()[0], json!({"slug": "china-deal"}), "the other parameters go along");
    assert!(!second.headers.contains_key("link"));
    assert_eq!(second.json()["page"], json!({"limit": 2, "next": null}));
}

// --- what a row has

fn fields_choose_members(app: &TestApp) {
    fill(app);
    let first =
        |query: &str| app.get(&format!("/v1/briefs?limit=1&actor=belarus&{query}")).expect(200).rows().remove(0);
    assert_eq!(first("fields=slug,category.slug"), json!({"slug": "china-deal", "category": {"slug": "security"}}));
    let nested = first("fields=events.title,events.participants.actor.slug,trends.statement");
    let participants = json!([{"actor": {"slug": "belarus"}}, {"actor": {"slug": "china"}}]);
    assert_eq!(nested["events"], json!([{"title": "What happened: protocol", "participants": participants}]));
    assert_eq!(nested["trends"].as_array().unwrap().len(), 2);
    assert_eq!(nested["trends"][0].as_object().unwrap().len(), 1);
    assert_eq!(nested.as_object().unwrap().len(), 2, "{nested}");

    let single = app.get("/v1/briefs/china-deal?fields=title,similar.slug").expect(200).json();
    assert_eq!(single.as_object().unwrap().keys().collect::<Vec<_>>(), ["title", "similar"]);
    assert_eq!(
        app.get("/v1/events/protocol?fields=participants.role").expect(200).json()["participants"][0],
        json!({"role": "participant"})
    );
    assert_eq!(
        app.get("/v1/actors?fields=slug,aliases.name&limit=1").expect(200).rows()[0],
        json!({"slug": "belarus", "aliases": []})
    );

    let refused = app.get("/v1/briefs?fields=titel,events.titel,title");
    assert_eq!(refused.faults(), ["fields", "fields"]);
    let problem = refused.problem(400, "invalid-parameter");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("`title`"), "{problem}");
    app.get("/v1/briefs?fields=").problem(400, "invalid-parameter");
    app.get("/v1/briefs/china-deal?fields=,").problem(400, "invalid-parameter");
}

fn include_adds_what_rows_leave_out(app: &TestApp) {
    fill(app);
    let whole = app.get("/v1/briefs/china-deal").expect(200).json();
    let row = app.get("/v1/briefs?on=2017-07-31&include=body,events,actors,trends").expect(200).rows().remove(0);
    for member in ["body", "body_html", "events", "actors", "trends"] {
        assert_eq!(row[member], whole[member], "{member}");
        assert!(!row[member].is_null(), "{member}");
    }
    let row = app.get("/v1/briefs?on=2017-07-31&include=actors&include=trends").expect(200).rows().remove(0);
    assert!(row.get("events").is_none() && row.get("actors").is_some() && row.get("trends").is_some());
    assert_eq!(app.get("/v1/briefs?include=similar").faults(), ["include"]);
}

fn rows_leave_out_what_is_long(app: &TestApp) {
    fill(app);
    let row = app.get("/v1/briefs?on=2017-07-31").expect(200).rows().remove(0);
    let mut whole = app.get("/v1/briefs/china-deal").expect(200).json();
    for member in ["body", "body_html", "trends", "events", "actors", "similar"] {
        whole.as_object_mut().unwrap().remove(member);
    }
    assert_eq!(row, whole);
    for (list, slug) in [("events", "protocol"), ("actors", "china"), ("trends", "army"), ("categories", "economy")] {
        let whole = app.get(&format!("/v1/{list}/{slug}")).expect(200).json();
        let rows = app.get(&format!("/v1/{list}")).expect(200).rows();
        assert!(rows.contains(&whole), "{slug} in {rows:?}");
    }
}

// --- other forms

fn a_table_has_a_column_for_each_scalar(app: &TestApp) {
    fill(app);
    let answer = app.get("/v1/briefs?format=csv&sort=published_at").expect(200);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    let (headings, rows) = table(&answer.body);
    for heading in ["id", "slug", "title", "category.slug", "period.from", "image.credit", "published_at", "authors"] {
        assert!(headings.contains(&heading.to_owned()), "{heading} is not among {headings:?}");
    }
    for absent in ["body", "trends", "events", "similar"] {
        assert!(!headings.iter().any(|heading| heading.starts_with(absent)), "{absent} is among {headings:?}");
    }
    let column = |name: &str| headings.iter().position(|heading| heading == name).unwrap();
    let slugs: Vec<&str> = rows.iter().map(|row| row[column("slug")].as_str()).collect();
    assert_eq!(slugs, ["economy", "china-deal", "po-russki", "drill"]);
    assert_eq!(rows[1][column("title")], "Says \"yes\", signs;\u{a0}– and more");
    assert_eq!(rows[1][column("authors")], "First; Second");
    assert_eq!(rows[0][column("country")], "");

    let chosen = app.get("/v1/briefs?format=csv&fields=slug,category.slug,body&limit=1").expect(200);
    let (headings, rows) = table(&chosen.body);
    assert_eq!((headings.len(), rows.len()), (3, 1), "{headings:?}");
    for list in ["events", "actors", "trends", "categories"] {
        let (headings, rows) = table(&app.get(&format!("/v1/{list}?format=csv")).expect(200).body);
        assert!(headings.contains(&"slug".to_owned()) && !rows.is_empty(), "{list}: {headings:?}");
    }
    let (headings, rows) = table(&app.get("/v1/briefs?format=csv&state=draft").expect(200).body);
    assert!(!headings.is_empty() && rows.is_empty(), "an empty table has its headings");
}

fn a_table_and_lines_follow_accept_too(app: &TestApp) {
    fill(app);
    let media_type = |accept: &str, path: &str| app.with("Accept", accept).get(path).expect(200).header("content-type");
    assert_eq!(media_type("text/csv", "/v1/events"), "text/csv; charset=utf-8");
    assert_eq!(media_type("application/x-ndjson", "/v1/events"), "application/x-ndjson");
    assert_eq!(media_type("text/csv;q=0.5, application/json;q=0.9", "/v1/events"), "application/json");
    assert_eq!(media_type("text/*", "/v1/events"), "text/csv; charset=utf-8");
    assert_eq!(media_type("*/*", "/v1/events"), "application/json");
    assert_eq!(media_type("text/csv", "/v1/events?format=ndjson"), "application/x-ndjson", "`format` beats `Accept`");
    app.with("Accept", "text/html").get("/v1/events").problem(406, "not-acceptable");
    app.with("Accept", "application/json;q=0").get("/v1/events/protocol").problem(406, "not-acceptable");
    app.with("Accept", "text/csv").get("/v1/events/protocol").problem(406, "not-acceptable");
    app.with("Accept", "text/csv").get("/v1/events/protocol?format=json").expect(200);
    app.get("/v1/events?format=xml").problem(400, "invalid-parameter");
}

fn streams_have_every_row(app: &TestApp) {
    app.with_actors(&["china"]);
    let line = |number: usize| {
        let day = number % 28 + 1;
        let event = event(&format!("e{number}"), &format!("2017-07-{day:02}"));
        event.with(json!({"type": "event", "state": "published", "participants": [{"actor": "china"}]})).to_string()
            + "\n"
    };
    let lines: String = (0..1234).map(line).collect();
    let import = app.publisher().with("Content-Type", "application/x-ndjson");
    let report = import.send("POST", "/v1/import", Some(lines.as_bytes())).expect(200).json();
    assert_eq!((&report["created"], &report["failed"]), (&json!(1234), &json!(0)));

    let paged = pages(app, "/v1/events?limit=100&fields=slug", 100);
    assert_eq!(paged.len(), 1234);
    let streamed = |query: &str| -> Vec<String> {
        let lines = app.get(&format!("/v1/events?format=ndjson{query}")).expect(200).lines();
        lines.iter().map(|line| line["slug"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(streamed(""), paged);
    assert_eq!(streamed("&actor=china"), paged);
    assert_eq!(streamed("&fields=slug&kind=meeting"), paged);
    assert_eq!(streamed("&limit=3"), paged[..3]);
    let (headings, rows) = table(&app.get("/v1/events?format=csv").expect(200).body);
    let slug = headings.iter().position(|heading| heading == "slug").unwrap();
    assert_eq!(rows.iter().map(|row| row[slug].clone()).collect::<Vec<_>>(), paged);

    let some = app.get("/v1/events?format=ndjson&limit=3").expect(200);
    assert!(some.header("link").contains("cursor="), "a page of lines links to the next: {}", some.whole());
    app.get("/v1/events?format=ndjson&actor=nobody").problem(400, "invalid-parameter");
    let export = app.get("/v1/export").expect(200);
    assert_eq!(export.lines().len(), 1235);
}

// --- what is refused

fn an_unknown_parameter_is_refused_with_the_nearest_known_one(app: &TestApp) {
    for (path, given, meant) in [
        ("/v1/briefs", "limt", "limit"),
        ("/v1/briefs", "catgory", "category"),
        ("/v1/events", "actors", "actor"),
        ("/v1/trends", "diretcion", "direction"),
        ("/v1/actors", "contry", "country"),
        ("/v1/categories", "update_since", "updated_since"),
        ("/v1/briefs/any", "field", "fields"),
    ] {
        let refused = app.get(&format!("{path}?{given}=x"));
        assert_eq!(refused.faults(), [given]);
        let problem = refused.problem(400, "invalid-parameter");
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("`{meant}`")), "{given}: {detail}");
    }
    let nowhere_near = app.get("/v1/briefs?zzz=1").problem(400, "invalid-parameter");
    assert!(
        nowhere_near["errors"][0]["detail"].as_str().unwrap().contains("category_status"),
        "the known ones are listed"
    );
    // What other lists know is unknown where it means nothing.
    for path in [
        "/v1/events?language=en",
        "/v1/actors?actor=x",
        "/v1/categories?country=BY",
        "/v1/trends?kind=meeting",
        "/v1/events?include=body",
    ] {
        app.get(path).problem(400, "invalid-parameter");
    }
    app.editor().delete("/v1/briefs/any?because=x").problem(400, "invalid-parameter");
}

fn every_bad_parameter_is_named(app: &TestApp) {
    let query = "limit=0&count=yes&sort=title&from=yesterday&country=XX&kind=war&marking=red&state=new&wrong=1&updated_since=2017-07-31&include=all";
    let refused = app.get(&format!("/v1/briefs?{query}"));
    let expected =
        ["count", "country", "from", "include", "kind", "limit", "marking", "sort", "state", "updated_since", "wrong"];
    assert_eq!(refused.faults(), expected);
    refused.problem(400, "invalid-parameter");
    for limit in ["0", "101", "-1", "1.5", "ten", "", "99999999999999999999", "+5"] {
        assert_eq!(app.get(&format!("/v1/briefs?limit={limit}")).faults(), ["limit"], "{limit}");
    }
    for limit in ["1", "100"] {
        app.get(&format!("/v1/briefs?limit={limit}")).expect(200);
    }
    assert_eq!(app.get("/v1/briefs?limit=1&limit=2").faults(), ["limit"]);
    assert_eq!(app.get("/v1/briefs?category=nothing").faults(), ["category"]);
    assert_eq!(app.get("/v1/briefs?category=%00").faults(), ["category"]);
    assert_eq!(app.get("/v1/briefs?actor=%00").faults(), ["actor"]);
    assert_eq!(app.get("/v1/briefs?series=%00").faults(), ["series"]);
    let many = vec!["BY"; 51].join(",");
    assert_eq!(app.get(&format!("/v1/briefs?country={many}")).faults(), ["country"]);
}

fn a_cursor_belongs_to_its_list(app: &TestApp) {
    fill(app);
    let cursor = |path: &str| app.get(path).expect(200).json()["page"]["next"].as_str().unwrap().to_owned();
    let of_briefs = cursor("/v1/briefs?limit=1");
    let of_events = cursor("/v1/events?limit=1");
    app.get(&format!("/v1/briefs?limit=1&cursor={of_briefs}")).expect(200);
    for (path, wrong) in [
        ("/v1/briefs", "abc"),
        ("/v1/briefs", "%00"),
        ("/v1/briefs", ""),
        ("/v1/briefs", "bnVsbA"),
        ("/v1/briefs", of_events.as_str()),
        ("/v1/events", of_briefs.as_str()),
        ("/v1/briefs?sort=published_at", of_briefs.as_str()),
        ("/v1/briefs?sort=updated_at", of_briefs.as_str()),
        ("/v1/briefs?format=ndjson", of_events.as_str()),
    ] {
        let separator = if path.contains('?') { '&' } else { '?' };
        let refused = app.get(&format!("{path}{separator}cursor={wrong}"));
        assert_eq!(refused.faults(), ["cursor"], "{path} {wrong}");
        refused.problem(400, "invalid-parameter");
    }
}

// --- an archive to ask

fn fill(app: &TestApp) {
    let publisher = app.publisher();
    publisher.create("categories", category("security", "Security").with(json!({"position": 2})));
    publisher.create("categories", category("economy", "Economy").with(json!({"position": 1})));
    publisher.create("actors", actor("belarus", "Republic of Belarus").with(json!({"kind": "state", "country": "BY"})));
    publisher.create("actors", actor("china", "China").with(json!({"kind": "state", "country": "CN"})));
    publisher.create("actors", actor("general", "A general").with(json!({"country": "BY"})));
    let by = |actors: &[&str]| json!(actors.iter().map(|actor| json!({"actor": actor})).collect::<Vec<_>>());
    let happened =
        |slug: &str, occurred: &str, more: Value| publisher.create("events", public_event(slug, occurred).with(more));
    happened(
        "protocol",
        "2017-07-25",
        json!({"kind": "agreement", "country": "CN", "participants": by(&["belarus", "china"])}),
    );
    happened(
        "exercise",
        "2017-08-01/2017-08-03",
        json!({"kind": "exercise", "country": "BY", "participants": by(&["general"])}),
    );
    happened("loan", "2017-07-20", json!({"kind": "aid", "participants": by(&["china"])}));
    happened("secret-meeting", "2017-07-25", json!({"marking": "TLP:RED", "participants": by(&["china"])}));
    publisher.create("events", event("planned", "2017-07-25").with(json!({"participants": by(&["belarus"])})));

    let week = |from: &str, to: &str| json!({"from": from, "to": to});
    publisher.create("briefs", published("china-deal", "2017-07-31").with(json!({
        "title": "Says \"yes\", signs;\u{a0}– and more",
        "country": "BY", "category_status": "progress", "period": week("2017-07-24", "2017-07-30"), "body": "Long **text**.",
        "authors": ["First", "Second"], "events": ["protocol"],
        "trends": [
            trend("army", "increasing").with(json!({"assessment": "progress", "series": "army-influence", "actors": ["general"]})),
            trend("friendship", "stable").with(json!({"actors": ["belarus", "china"]})),
        ],
    })));
    publisher.create("briefs", published("drill", "2017-08-07").with(json!({
        "country": "RU", "category_status": "regress", "period": week("2017-07-31", "2017-08-06"), "events": ["exercise"],
        "trends": [trend("drills", "decreasing").with(json!({"assessment": "regress", "series": "army-influence"}))],
    })));
    publisher.create(
        "briefs",
        published("economy", "2017-07-24").with(json!({
            "category": "economy", "period": week("2017-07-17", "2017-07-23"), "events": ["loan"],
            "trends": [trend("loans", "stable").with(json!({"actors": ["china"]}))],
        })),
    );
    publisher.create(
        "briefs",
        published("po-russki", "2017-08-01").with(json!({
            "language": "ru", "country": "BY", "category_status": "progress", "translations": ["china-deal"],
        })),
    );
    publisher.create(
        "briefs",
        brief("draft").with(json!({"events": ["planned"], "trends": [trend("drafted", "unresolved")]})),
    );
    publisher.create(
        "briefs",
        published("secret", "2017-08-02").with(json!({
            "marking": "TLP:RED", "events": ["secret-meeting"], "trends": [trend("secret-trend", "unresolved")],
        })),
    );
}

/// More rows, many of which share the key that they are sorted by.
fn fill_with_ties(app: &TestApp) {
    let publisher = app.publisher();
    for number in 0..8 {
        let participants = json!({"participants": [{"actor": "china"}, {"actor": "belarus"}]});
        let event = format!("tied-event-{number}");
        publisher.create("events", public_event(&event, "2017-07-25").with(participants));
        let trend = trend(&format!("tied-trend-{number}"), "stable").with(json!({"actors": ["belarus", "china"]}));
        let page =
            published(&format!("tied-{number}"), "2017-07-31").with(json!({"events": [event], "trends": [trend]}));
        publisher.create("briefs", page);
        publisher.create("actors", actor(&format!("namesake-{number}"), "Ivan Ivanov"));
        publisher.create("categories", category(&format!("tied-{number}"), "Tied"));
    }
}

#[track_caller]
fn check(client: &Client, list: &str, cases: &[(&str, &[&str])]) {
    for (query, expected) in cases {
        let found = sorted(client.get(&format!("/v1/{list}?{query}")).expect(200).slugs());
        assert_eq!(&found, expected, "{list}?{query}");
        let counted = client.get(&format!("/v1/{list}?{query}&count=true&limit=1")).expect(200).json();
        assert_eq!(counted["page"]["total"], expected.len(), "{list}?{query}, counted");
    }
}

/// The slugs of all pages, from cursor to cursor.
#[track_caller]
fn pages(client: &Client, query: &str, limit: usize) -> Vec<String> {
    let mut slugs = Vec::new();
    let mut next = query.to_owned();
    loop {
        let page = client.get(&next).expect(200);
        let found = page.slugs();
        assert!(found.len() <= limit, "{next}");
        slugs.extend(found);
        match page.json()["page"]["next"].as_str() {
            Some(cursor) => next = format!("{query}&cursor={cursor}"),
            None => return slugs,
        }
        assert!(slugs.len() < 10_000, "the pages of {query} never end");
    }
}

fn table(csv: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(csv);
    let headings = reader.headers().expect("headings").iter().map(ToOwned::to_owned).collect();
    let rows = reader.records().map(|row| row.expect("a row").iter().map(ToOwned::to_owned).collect()).collect();
    (headings, rows)
}

on_both!(a_value_lists_no_more_names_than_a_query_can_bear);

fn a_value_lists_no_more_names_than_a_query_can_bear(app: &TestApp) {
    app.with_actors(&["belarus"]);
    let names = vec!["belarus"; 1500].join(",");
    for parameter in ["actor", "all_actors"] {
        for list in ["briefs", "events", "trends"] {
            app.get(&format!("/v1/{list}?{parameter}={names}")).problem(400, "invalid-parameter");
        }
    }
}
