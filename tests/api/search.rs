//! Full text: what is found, in which order, and what it gives away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::make::{With, actor, brief, category, public_event, published, trend};
use crate::support::{Client, TestApp, sorted, wait_until};

on_both![
    words_are_found_by_their_stems_in_any_alphabet,
    the_last_word_may_be_a_beginning,
    phrases_and_exclusions_are_understood,
    the_title_counts_more_than_the_text,
    no_query_fails,
    extracts_are_safe_to_put_into_a_page,
    filters_counts_and_facets_go_with_words,
    what_is_written_is_found_at_once,
    pages_by_relevance_have_every_row_once,
    the_best_are_the_same_whether_the_rest_is_looked_at_or_not,
    a_page_by_time_is_the_same_with_a_word_that_all_have,
    every_kind_is_searched_at_once,
    the_past_is_searched_as_it_was,
    nothing_hidden_is_found_counted_or_changes_a_score,
    a_retracted_brief_is_found_by_its_title_alone,
    an_index_that_is_missing_or_of_another_archive_is_built_anew,
    the_index_of_an_older_version_is_swept_away,
    two_servers_share_an_index,
    an_index_of_another_archive_is_not_read_while_another_server_writes_it,
    what_is_erased_is_in_no_file_of_the_index,
    an_answer_may_be_asked_for_from_a_position_on,
    what_an_index_cannot_do_is_refused,
];

fn words_are_found_by_their_stems_in_any_alphabet(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    let page = |slug: &str, language: &str, title: &str, body: &str| {
        publisher.create(
            "briefs",
            published(slug, "2017-07-31").with(json!({"language": language, "title": title, "body": body})),
        );
    };
    page("english", "en", "Appointments of officers", "The army’s **influence** grew.");
    page("russian", "ru", "Назначения офицеров", "Влияние армии растёт.");
    page("belarusian", "be", "Прызначэнні афіцэраў", "Сям’я і ўплыў войска.");
    page("latin", "be-tarask", "Łukašenka pryznačyŭ", "Novaja pasada");
    for (query, found) in [
        ("appointment", vec!["english"]),
        ("OFFICER armies", vec!["english"]),
        ("назначение", vec!["russian"]),
        ("офицеру", vec!["russian"]),
        ("растет ", vec!["russian"]),
        ("СЯМ'Я", vec!["belarusian"]),
        ("уплыў", vec!["belarusian"]),
        ("lukasenka", vec!["latin"]),
        ("influence назначение", vec![]),
    ] {
        assert_eq!(found_in(app, "briefs", query), found, "{query}");
    }
}

fn the_last_word_may_be_a_beginning(app: &TestApp) {
    let publisher = app.publisher();
    publisher.create("actors", actor("committee", "State Border Committee"));
    publisher.create("actors", actor("council", "Security Council"));
    assert_eq!(found_in(app, "actors", "border comm"), ["committee"]);
    assert_eq!(found_in(app, "actors", "border comm "), Vec::<String>::new());
    assert_eq!(sorted(found_in(app, "actors", "co")), ["committee", "council"]);
    assert_eq!(found_in(app, "actors", "bord committee"), Vec::<String>::new(), "it is not the last");
}

fn phrases_and_exclusions_are_understood(app: &TestApp) {
    let publisher = app.publisher();
    for (slug, title) in [
        ("protocol", "Ministries of public security sign a counter-terrorism protocol"),
        ("reversed", "Security of the public, after a protocol"),
    ] {
        publisher.create("events", public_event(slug, "2017-07-25").with(json!({"title": title})));
    }
    let mut both = found_in(app, "events", "public security protocol");
    both.sort();
    assert_eq!(both, ["protocol", "reversed"]);
    assert_eq!(found_in(app, "events", "\"public security\""), ["protocol"]);
    assert_eq!(found_in(app, "events", "«public security» protocol"), ["protocol"]);
    assert_eq!(found_in(app, "events", "security -ministry"), ["reversed"]);
    assert_eq!(found_in(app, "events", "security -\"public security\""), ["reversed"]);
    assert_eq!(found_in(app, "events", "counter-terrorism"), ["protocol"]);
    assert_eq!(found_in(app, "events", "-protocol"), Vec::<String>::new());
}

fn the_title_counts_more_than_the_text(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    let page = |slug: &str, members: Value| {
        publisher.create("briefs", published(slug, "2017-07-31").with(members));
    };
    page("in-text", json!({"title": "Something else", "body": "The army."}));
    page("in-title", json!({"title": "The army", "body": "Something else."}));
    page("in-trend", json!({"title": "A third", "trends": [{"statement": "Of the army.", "direction": "stable"}]}));
    let page = app.get("/v1/briefs?q=army").expect(200).json();
    assert_eq!(page["data"][0]["slug"], "in-title", "{page}");
    let scores: Vec<f64> =
        page["matches"].as_array().unwrap().iter().map(|found| found["score"].as_f64().unwrap()).collect();
    assert_eq!(scores.len(), 3);
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores[0] > scores[1], "{scores:?}");
    let ids = |rows: &Value| rows.as_array().unwrap().iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&page["matches"]), ids(&page["data"]));
    assert_eq!(page["matches"][0]["title"], "The <mark>army</mark>");
    let by_date = app.get("/v1/briefs?q=army&sort=published_at").expect(200).slugs();
    assert_eq!(by_date, ["in-text", "in-title", "in-trend"]);
}

fn no_query_fails(app: &TestApp) {
    app.publisher().create("actors", actor("someone", "Someone"));
    let long = "word ".repeat(199);
    for text in [
        "",
        " ",
        "\"",
        "-",
        "--",
        "*",
        "AND OR NOT",
        "a:b",
        "title:[a TO b]",
        "(((",
        "\\",
        "~2 ^3",
        "\u{0}",
        "\u{202e}",
        "💥",
        "e\u{301}\u{301}",
        "%",
        "'",
        "-\"",
        "someone -",
        "习近平",
        &long,
    ] {
        for list in ["briefs", "events", "trends", "actors", "categories", "search"] {
            let answer = app.get(&format!("/v1/{list}?q={}", encoded(text)));
            assert!(answer.status == 200, "{text:?} fails: {}", answer.whole());
        }
    }
    assert_eq!(found_in(app, "actors", "**"), Vec::<String>::new(), "of no words nothing is found");
    assert_eq!(app.get(&format!("/v1/actors?q={}", "x".repeat(1001))).faults(), ["q"]);
}

fn extracts_are_safe_to_put_into_a_page(app: &TestApp) {
    app.with_category();
    app.publisher().create(
        "briefs",
        published("page", "2017-07-31").with(json!({
            "title": "<script>alert('army')</script> & \"army\"",
            "body": "<img src=x onerror=alert(1)> the *army* & [a link](https://example.org/army?a=1&b=2)",
        })),
    );
    let found = app.get("/v1/briefs?q=army").expect(200).json()["matches"][0].take();
    let title = "&lt;script&gt;alert(&#39;<mark>army</mark>&#39;)&lt;/script&gt; &amp; &quot;<mark>army</mark>&quot;";
    assert_eq!(found["title"], title);
    let snippet = found["snippet"].as_str().unwrap();
    assert!(snippet.contains("the <mark>army</mark> &amp; a link"), "{snippet}");
    assert!(!snippet.replace("<mark>", "").replace("</mark>", "").contains('<'), "{snippet}");
}

fn filters_counts_and_facets_go_with_words(app: &TestApp) {
    app.with_category().with_actors(&["china"]);
    let publisher = app.publisher();
    publisher.create("categories", category("economy", "Economy"));
    let event = public_event("deal", "2017-07-25")
        .with(json!({"kind": "agreement", "participants": [{"actor": "china", "role": "signatory"}]}));
    for (slug, day, members) in [
        ("one", "2017-07-10", json!({"country": "BY", "events": [event]})),
        ("two", "2017-08-10", json!({"country": "BY", "category": "economy"})),
        ("three", "2018-07-10", json!({"country": "UA"})),
    ] {
        publisher.create("briefs", published(slug, day).with(json!({"summary": "A deal."})).with(members));
    }
    publisher.create("briefs", published("other", "2017-07-10"));
    let page = app
        .get("/v1/briefs?q=deal&facets=category,country,kind,actor,year,month&count=true&sort=published_at")
        .expect(200)
        .json();
    assert_eq!(page["page"]["total"], 3);
    let pairs = |facet: &str| -> Vec<(String, u64)> {
        let counts = page["facets"][facet].as_array().unwrap_or_else(|| panic!("{facet} of {page}"));
        counts.iter().map(|row| (row["value"].as_str().unwrap().into(), row["count"].as_u64().unwrap())).collect()
    };
    assert_eq!(pairs("category"), [("security".into(), 2), ("economy".into(), 1)]);
    assert_eq!(pairs("country"), [("BY".into(), 2), ("UA".into(), 1)]);
    assert_eq!(pairs("kind"), [("agreement".into(), 1)]);
    assert_eq!(page["facets"]["actor"], json!([{"value": "china", "name": "china", "count": 1}]));
    assert_eq!(pairs("year"), [("2017".into(), 2), ("2018".into(), 1)]);
    assert_eq!(pairs("month"), [("2017-07".into(), 1), ("2017-08".into(), 1), ("2018-07".into(), 1)]);
    for (filter, found) in [
        ("country=UA", vec!["three"]),
        ("actor=china", vec!["one"]),
        ("category=economy", vec!["two"]),
        ("from=2017-08-01&to=2017-12-31", vec!["two"]),
        ("kind=agreement", vec!["one"]),
        ("kind=visit", vec![]),
    ] {
        let slugs = app.get(&format!("/v1/briefs?q=deal&{filter}")).expect(200).slugs();
        assert_eq!(slugs, found, "{filter}");
    }
    publisher.patch("/v1/briefs/one", json!({"category_status": "progress"})).expect(200);
    let statuses = app.get("/v1/categories?facets=category_status&q=security").expect(200).json()["facets"].take();
    assert_eq!(statuses, json!({"category_status": [{"value": "progress", "name": null, "count": 1}]}));
    let csv = app.get("/v1/briefs?q=deal&format=csv&fields=slug&sort=published_at").expect(200).text();
    assert_eq!(csv.lines().collect::<Vec<_>>(), ["slug", "one", "two", "three"]);
    let top = app.get("/v1/briefs?facets=country&facet_limit=1").expect(200).json()["facets"].take();
    assert_eq!(top, json!({"country": [{"value": "BY", "name": null, "count": 2}]}));
}

fn what_is_written_is_found_at_once(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    for round in 0..5 {
        let slug = format!("brief-{round}");
        publisher.create("briefs", published(&slug, "2017-07-31").with(json!({"title": format!("Round{round}")})));
        assert_eq!(found_in(app, "briefs", &format!("round{round}")), [slug.as_str()]);
        publisher.patch(&format!("/v1/briefs/{slug}"), json!({"title": format!("Changed{round}")})).expect(200);
        assert_eq!(found_in(app, "briefs", &format!("round{round}")), Vec::<String>::new());
        assert_eq!(found_in(app, "briefs", &format!("changed{round}")), [slug.as_str()]);
        publisher.delete(&format!("/v1/briefs/{slug}?reason=Wrong")).expect(204);
        assert_eq!(found_in(app, "briefs", &format!("changed{round}")), Vec::<String>::new());
    }
}

fn pages_by_relevance_have_every_row_once(app: &TestApp) {
    let publisher = app.publisher();
    for place in 0..23 {
        let title = format!("{} of armies", "army ".repeat(place % 4));
        publisher.create("events", public_event(&format!("event-{place}"), "2017-07-25").with(json!({"title": title})));
    }
    let (mut slugs, mut scores, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/events?q=army&limit=5&count=true{cursor}")).expect(200);
        slugs.extend(page.slugs());
        let page = page.json();
        assert_eq!(page["page"]["total"], 23);
        scores.extend(page["matches"].as_array().unwrap().iter().map(|found| found["score"].as_f64().unwrap()));
        let Some(next) = page["page"]["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let all = sorted(slugs.clone());
    slugs.sort();
    slugs.dedup();
    assert_eq!((slugs.len(), all.len()), (23, 23));
    app.get(&format!("/v1/events?q=army&sort=occurred_from{cursor}")).problem(400, "invalid-parameter");
}

/// With facets all that is found is looked at; without, only what may be on the page. There are words that others begin with, texts of
/// all lengths, and more with each word than the index treats at once.
fn the_best_are_the_same_whether_the_rest_is_looked_at_or_not(app: &TestApp) {
    const VOCABULARY: [&str; 9] = ["bord", "border", "borders", "borderline", "army", "arms", "arm", "talks", "drill"];
    app.with_category();
    let mut rng = fastrand::Rng::with_seed(20_170_731);
    let words = |rng: &mut fastrand::Rng, most: usize| -> String {
        // A power law, as lengths and words of texts have it.
        let length = (most as f64).powf(rng.f64()) as usize;
        let word = |rng: &mut fastrand::Rng| VOCABULARY[(VOCABULARY.len() as f64 * rng.f64().powi(2)) as usize];
        (0..length).map(|_| word(rng)).collect::<Vec<_>>().join(" ")
    };
    for part in 0..3 {
        let brief = |place: usize| {
            let (title, body) = (words(&mut rng, 6), words(&mut rng, 600));
            let marking = if place.is_multiple_of(7) { "TLP:RED" } else { "TLP:CLEAR" };
            let slug = format!("brief-{part}-{place}");
            published(&slug, "2017-07-31")
                .with(json!({"type": "brief", "title": format!("A {title}"), "body": body, "marking": marking}))
        };
        let briefs: Vec<Value> = (0..400).map(brief).collect();
        assert_eq!(app.publisher().import(&briefs)["created"], 400);
        // What was written since the last look is a part of the index of its own.
        found_in(app, "briefs", "nothing");
    }
    for query in
        ["bord", "border ", "arm", "ar", "border army ", "border arm", "army bord", "talks drill arm bord", "drill bo"]
    {
        for client in [app.anyone(), &app.publisher()] {
            let mut cursor = String::new();
            for page in 0..4 {
                let ask = |more: &str| {
                    let path = format!("/v1/briefs?q={}&limit=9&fields=slug{cursor}{more}", encoded(query));
                    client.get(&path).expect(200).json()
                };
                let (every, best) = (ask("&facets=category"), ask(""));
                assert!(page > 0 || !every["data"].as_array().unwrap().is_empty(), "{query} finds nothing");
                for member in ["data", "matches", "page"] {
                    assert_eq!(every[member], best[member], "{member} of page {page} of {query}");
                }
                let Some(next) = every["page"]["next"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
        }
    }
}

/// Without words the database answers; with them the index, which looks at what is latest first and ends where nothing else can be on the
/// page. Days come in no order, some things change later, and there are more of them than are looked at in one go.
fn a_page_by_time_is_the_same_with_a_word_that_all_have(app: &TestApp) {
    let mut rng = fastrand::Rng::with_seed(20_170_731);
    let day = |rng: &mut fastrand::Rng| format!("201{}-{:02}-{:02}", rng.u8(..10), rng.u8(1..13), rng.u8(1..29));
    for (part, count) in [2_000, 300, 200].into_iter().enumerate() {
        let event = |place: usize| {
            let marking = if place.is_multiple_of(7) { "TLP:RED" } else { "TLP:CLEAR" };
            let event = public_event(&format!("event-{part}-{place}"), &day(&mut rng));
            event.with(json!({"type": "event", "title": "An army moves", "marking": marking}))
        };
        let events: Vec<Value> = (0..count).map(event).collect();
        assert_eq!(app.publisher().import(&events)["created"], count);
        // What was written since the last look is a part of the index of its own.
        found_in(app, "events", "nothing");
    }
    for place in (3..2_000).step_by(70) {
        let path = format!("/v1/events/event-0-{place}");
        app.publisher().patch(&path, json!({"occurred": day(&mut rng)})).expect(200);
    }
    let pages = |client: &Client, asked: &str| {
        let (mut slugs, mut cursor) = (Vec::new(), String::new());
        for _ in 0..5 {
            let page = client.get(&format!("/v1/events?{asked}&limit=37&fields=slug{cursor}")).expect(200);
            slugs.extend(page.slugs());
            let Some(next) = page.json()["page"]["next"].as_str().map(ToOwned::to_owned) else { break };
            cursor = format!("&cursor={next}");
        }
        slugs
    };
    for client in [app.anyone(), &app.publisher()] {
        for sort in ["occurred_from", "-occurred_from", "updated_at", "-updated_at"] {
            for span in ["", "&from=2014-03-01&to=2014-09-30", "&from=2019-12-01", "&to=2010-02-01"] {
                let asked = format!("sort={sort}{span}");
                let (of_list, of_index) = (pages(client, &asked), pages(client, &format!("{asked}&q=army")));
                assert!(!of_list.is_empty(), "{asked} shows nothing");
                assert_eq!(of_list, of_index, "{asked}");
            }
        }
        for limit in [5, 60] {
            let items = |more: &str| {
                let feed = client.get(&format!("/feeds/events.json?limit={limit}{more}")).expect(200).json();
                feed["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
            };
            assert_eq!(items(""), items("&q=army"));
        }
    }
}

fn every_kind_is_searched_at_once(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    publisher.create("actors", actor("council", "Security Council"));
    publisher.create(
        "briefs",
        published("page", "2017-07-31").with(json!({
            "title": "Security in July", "country": "BY",
            "events": [public_event("talk", "2017-07-25").with(json!({
                "title": "Talks on security", "participants": [{"actor": "council", "role": "host"}],
            }))],
            "trends": [trend("grows", "increasing").with(json!({"statement": "Security grows."}))],
        })),
    );
    let page = app.get("/v1/search?q=security&facets=type&count=true").expect(200);
    let hits = page.rows();
    let mut types: Vec<(String, String)> = hits
        .iter()
        .map(|hit| (hit["type"].as_str().unwrap().to_owned(), hit["slug"].as_str().unwrap().to_owned()))
        .collect();
    types.sort();
    let expected =
        [("actor", "council"), ("brief", "page"), ("category", "security"), ("event", "talk"), ("trend", "grows")];
    assert_eq!(types, expected.map(|(kind, slug)| (kind.to_owned(), slug.to_owned())));
    assert_eq!(page.json()["page"]["total"], 5);
    assert_eq!(page.json()["facets"]["type"].as_array().unwrap().len(), 5);
    let event = hits.iter().find(|hit| hit["type"] == "event").unwrap();
    assert_eq!(event["date"], "2017-07-25");
    assert_eq!(event["title_html"], "Talks on <mark>security</mark>");
    for (filter, found) in [
        ("type=event", vec!["talk"]),
        ("type=event,trend", vec!["grows", "talk"]),
        ("actor=council", vec!["page", "talk"]),
        ("country=BY", vec!["grows", "page"]),
        ("language=en&type=brief", vec!["page"]),
        ("from=2017-07-26&type=event", vec![]),
        ("on=2017-07-25&type=event", vec!["talk"]),
        ("category=security", vec!["grows", "page", "talk"]),
    ] {
        assert_eq!(sorted(app.get(&format!("/v1/search?q=security&{filter}")).expect(200).slugs()), found, "{filter}");
    }
    assert_eq!(app.get("/v1/search").faults(), ["q"]);
    assert_eq!(app.get("/v1/search?q=x&as_of=2017-07-31T00:00:00Z").faults(), ["as_of"]);
}

fn the_past_is_searched_as_it_was(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    publisher.create("briefs", published("page", "2017-07-31").with(json!({"title": "The army", "country": "BY"})));
    publisher.create("briefs", published("gone", "2017-07-30").with(json!({"title": "The army, too"})));
    let then = now();
    publisher.patch("/v1/briefs/page", json!({"title": "The navy", "country": "UA"})).expect(200);
    publisher.delete("/v1/briefs/gone").expect(204);
    publisher.create("briefs", published("new", "2017-08-01").with(json!({"title": "A new army"})));
    assert_eq!(found_in(app, "briefs", "army"), ["new"]);
    let past = app.get(&format!("/v1/briefs?q=army&facets=country&count=true&as_of={then}")).expect(200);
    assert_eq!(sorted(past.slugs()), ["gone", "page"]);
    assert_eq!(past.json()["facets"]["country"], json!([{"value": "BY", "name": null, "count": 1}]));
    assert_eq!(past.json()["page"]["total"], 2);
    assert_eq!(past.json()["matches"][0]["title"], "The <mark>army</mark>");
    assert_eq!(app.get(&format!("/v1/briefs?q=navy&as_of={then}")).expect(200).slugs(), Vec::<String>::new());
}

/// The same bytes before and after: no count, no score, no order.
fn nothing_hidden_is_found_counted_or_changes_a_score(app: &TestApp) {
    app.with_category().with_actors(&["china"]);
    let publisher = app.publisher();
    for place in 0..4 {
        let members = json!({"title": format!("Army {}", "and army ".repeat(place)), "body": "A border. Rare."});
        publisher.create("briefs", published(&format!("open-{place}"), "2017-07-31").with(members));
        publisher.create("events", public_event(&format!("seen-{place}"), "2017-07-25"));
    }
    let paths = [
        "/v1/briefs?q=army+bord&facets=category,actor,year,country&count=true",
        "/v1/briefs?q=rare",
        "/v1/search?q=army&facets=type,year&count=true",
        "/v1/search?q=happened",
        "/v1/events?q=what&facets=kind,actor,month",
        "/v1/events/timeline?interval=day&group_by=kind",
        "/v1/trends/timeline",
        "/v1/series",
        "/v1/calibration?author=Somebody",
        "/v1/categories/security/history",
        "/v1/actors/china/network",
        "/v1/actors/china/timeline",
        "/v1/briefs/open-0/similar",
    ];
    let read = |client: &Client| paths.map(|path| client.get(path).expect(200).text());
    let before = read(app.anyone());
    let hidden = json!({
        "title": "Army army border rare", "marking": "TLP:AMBER", "category_status": "regress", "authors": ["X"],
        "events": [public_event("hidden", "2017-07-25").with(json!({
            "marking": "TLP:AMBER", "participants": [{"actor": "china", "role": "host"}]}))],
        "trends": [trend("secret", "stable").with(json!({"series": "money", "likelihood": "likely",
            "outcome": "confirmed", "actors": ["china"]}))],
    });
    for place in 0..5 {
        let mut page = published(&format!("closed-{place}"), "2017-07-31").with(hidden.clone());
        page["events"][0]["slug"] = format!("hidden-{place}").into();
        page["trends"][0]["slug"] = format!("secret-{place}").into();
        publisher.create("briefs", page);
        publisher.create("briefs", brief(&format!("draft-{place}")).with(json!({"title": "Army", "body": "rare"})));
    }
    publisher.delete("/v1/briefs/closed-0?reason=Wrong").expect(204);
    assert_eq!(read(app.anyone()), before);
    let closed = app.cleared("reader", "TLP:AMBER");
    assert_eq!(closed.get("/v1/briefs?q=rare&count=true").expect(200).json()["page"]["total"], 8);
    let network = closed.get("/v1/actors/china/network").expect(200).json();
    assert_eq!(network["nodes"][0]["slug"], "china");
    assert_ne!(read(&closed)[7], before[7], "the line is there for those who are cleared");
}

fn a_retracted_brief_is_found_by_its_title_alone(app: &TestApp) {
    app.with_category().with_actors(&["china"]);
    let publisher = app.publisher();
    publisher.create(
        "briefs",
        published("page", "2017-07-31").with(json!({
            "title": "The army", "body": "At the border.", "category_status": "progress",
            "trends": [trend("t", "stable").with(json!({"statement": "It lasts.", "actors": ["china"]}))],
        })),
    );
    publisher.post("/v1/briefs/page/retract", json!({"reason": "Wrong."})).expect(200);
    for (query, reader, editor) in [("army", 1, 1), ("border", 0, 1), ("lasts", 0, 1)] {
        assert_eq!(found_in(app, "briefs", query).len(), reader, "{query}");
        assert_eq!(found_in(&app.editor(), "briefs", query).len(), editor, "{query}");
    }
    let facets = app.get("/v1/briefs?q=army&facets=actor,direction,category_status,category").expect(200).json();
    assert_eq!(
        facets["facets"],
        json!({"category": [{"value": "security", "name": "Security", "count": 1}], "actor": [], "direction": [],
            "category_status": []})
    );
    assert_eq!(facets["matches"][0]["snippet"], Value::Null);
}

fn an_index_that_is_missing_or_of_another_archive_is_built_anew(app: &TestApp) {
    app.publisher().create("actors", actor("council", "Security Council"));
    let (other, directory) = (app.another(), TempDir::new().unwrap());
    other.publisher().create("actors", actor("ministry", "Ministry of Defence"));
    let over = |app: &TestApp| app.beside_configured(|config| config.index_dir = directory.path().to_owned());
    assert_eq!(found_in(&over(app), "actors", "council"), ["council"]);
    {
        let moved = over(&other);
        assert_eq!(found_in(&moved, "actors", "council"), Vec::<String>::new());
        assert_eq!(found_in(&moved, "actors", "defence"), ["ministry"]);
    }
    for file in files_of_index(&directory) {
        std::fs::write(file, b"not an index").unwrap();
    }
    assert_eq!(found_in(&over(&other), "actors", "defence"), ["ministry"]);
}

/// An older version of Briefwire had an index of its own, in which is what was erased since.
fn the_index_of_an_older_version_is_swept_away(app: &TestApp) {
    let directory = TempDir::new().unwrap();
    let older = directory.path().join("search-1");
    std::fs::create_dir(&older).unwrap();
    std::fs::write(older.join("words.idx"), b"erased").unwrap();
    let kept = directory.path().join("search-notes");
    std::fs::create_dir(&kept).unwrap();
    let app = app.beside_configured(|config| config.index_dir = directory.path().to_owned());
    app.get("/v1/search?q=anything").expect(200);
    assert!(!older.exists() && kept.exists());
}

/// The files of the one index in a directory.
fn files_of_index(directory: &TempDir) -> Vec<PathBuf> {
    let paths = |place: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let [index] = &paths(directory.path())[..] else { panic!("not one index") };
    paths(index)
}

fn two_servers_share_an_index(app: &TestApp) {
    let directory = TempDir::new().unwrap();
    let beside = || app.beside_configured(|config| config.index_dir = directory.path().to_owned());
    let (first, second) = (beside(), beside());
    for (place, (writer, reader)) in [(&first, &second), (&second, &first), (&first, &first)].into_iter().enumerate() {
        writer.publisher().create("actors", actor(&format!("actor-{place}"), &format!("Number{place}")));
        assert_eq!(found_in(reader, "actors", &format!("number{place}")), [format!("actor-{place}")]);
        assert_eq!(found_in(writer, "actors", &format!("number{place}")), [format!("actor-{place}")]);
    }
    drop(first);
    second.publisher().create("actors", actor("last", "Last"));
    assert_eq!(found_in(&second, "actors", "last"), ["last"]);
}

fn an_index_of_another_archive_is_not_read_while_another_server_writes_it(app: &TestApp) {
    let directory = TempDir::new().unwrap();
    let (other, there) = (app.another(), directory.path().to_owned());
    app.publisher().create("actors", actor("council", "Security Council"));
    let writing = app.beside_configured(|config| config.index_dir = there.clone());
    assert_eq!(found_in(&writing, "actors", "council"), ["council"]);
    other.publisher().create("actors", actor("ministry", "Ministry of Defence"));
    let reading = other.beside_configured(|config| config.index_dir = there.clone());
    reading.get("/v1/actors?q=council").problem(503, "unavailable");
    drop(writing);
    wait_until(|| reading.get("/v1/actors?q=defence").status == 200);
    assert_eq!(found_in(&reading, "actors", "defence"), ["ministry"]);
    assert_eq!(found_in(&reading, "actors", "council"), Vec::<String>::new());
}

fn what_is_erased_is_in_no_file_of_the_index(app: &TestApp) {
    app.with_category();
    let directory = TempDir::new().unwrap();
    let app = app.beside_configured(|config| config.index_dir = directory.path().to_owned());
    let publisher = app.publisher();
    // Files are never changed: those that hold a word must be gone.
    let files = || -> BTreeSet<String> {
        let all = files_of_index(&directory);
        let names = all.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned());
        names.filter(|name| !name.contains("meta") && !name.starts_with('.')).collect()
    };
    assert_eq!(found_in(&app, "categories", "security"), ["security"]);
    let earlier = files();
    // Both come into the index together, and so into the same files.
    let event = public_event("kept", "2017-07-25").with(json!({"description": "Zanzibarquux stays."}));
    let page = published("page", "2017-07-31").with(json!({"body": "Xylophonequux must go.", "events": [event]}));
    publisher.create("briefs", page);
    assert_eq!(found_in(&app, "briefs", "xylophonequux"), ["page"]);
    let holding: BTreeSet<String> = files().difference(&earlier).cloned().collect();
    assert!(!holding.is_empty(), "the test knows the files by their names");
    app.admin().post("/v1/briefs/page/erase", json!({"reason": "A court."})).expect(204);
    assert_eq!(found_in(&app, "briefs", "xylophonequux"), Vec::<String>::new());
    wait_until(|| files().is_disjoint(&holding));
    assert_eq!(found_in(&app, "events", "zanzibarquux"), ["kept"]);
}

fn an_answer_may_be_asked_for_from_a_position_on(app: &TestApp) {
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    app.publisher().create("actors", actor("council", "Council"));
    let made = app.publisher().patch("/v1/actors/council", json!({"name": "Security Council"})).expect(200);
    let position = made.header("briefwire-position");
    let card = format!("/oembed?url={}/v1/briefs/one", app.url());
    let at = |position: &str| app.anyone().with("Briefwire-At-Least", position);
    assert_eq!(found_in(&at(&position), "actors", "council"), ["council"]);
    for path in [
        "/v1/actors?q=council",
        "/v1/actors",
        "/v1/actors/council",
        "/v1/briefs?limit=1",
        "/v1/actors?format=csv",
        "/v1/actors/resolve?name=council",
        "/v1/actors/council/positions",
        "/v1/actors/council/timeline",
        "/v1/actors/council/network",
        "/v1/actors/council/revisions",
        "/v1/actors/council/revisions/1",
        "/v1/actors/council/diff",
        "/v1/briefs/one",
        "/v1/briefs/one?fields=slug",
        "/v1/briefs/one?format=markdown",
        "/v1/briefs/one/similar",
        "/v1/events/timeline",
        "/v1/calibration?author=Somebody",
        "/v1/search?q=council",
        "/v1/changes",
        "/v1/export",
        "/feeds/briefs.atom",
        "/embed/briefs/one",
        &card,
    ] {
        at(&position).get(path).expect(200);
        for wrong in ["soon", "-1", "999999999"] {
            assert_eq!(at(wrong).get(path).faults(), ["Briefwire-At-Least"], "{path} from {wrong}");
        }
    }
}

fn what_an_index_cannot_do_is_refused(app: &TestApp) {
    for (path, parameter) in [
        ("/v1/briefs?sort=relevance", "sort"),
        ("/v1/actors?q=x&sort=name", "sort"),
        ("/v1/events?facets=language", "facets"),
        ("/v1/categories?facets=country", "facets"),
        ("/v1/briefs?facets=colour", "facets"),
        ("/v1/briefs?facets=country&facet_limit=0", "facet_limit"),
        ("/v1/events/timeline?interval=hour", "interval"),
        ("/v1/events/timeline?group_by=month", "group_by"),
        ("/v1/events/timeline?sort=occurred_from", "sort"),
        ("/v1/events/timeline?limit=5", "limit"),
        ("/v1/search?q=x&facets=series", "facets"),
    ] {
        assert_eq!(app.get(path).faults(), [parameter], "{path}");
    }
}

fn found_in(client: &Client, list: &str, query: &str) -> Vec<String> {
    client.get(&format!("/v1/{list}?q={}", encoded(query))).expect(200).slugs()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
