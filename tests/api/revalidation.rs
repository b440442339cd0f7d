//! Entity tags of what is no single resource carry a fingerprint of what it follows from: whoever holds what stands is told so without
//! a look at it. Tags of single resources have none, and are remembered.

use serde_json::json;

use crate::support::TestApp;
use crate::support::make::{With, brief, public_event, published};

on_both!(
    whoever_holds_what_stands_is_told_so_without_a_look,
    another_server_of_the_archive_tells_it_as_well,
    a_fingerprint_ends_with_what_its_class_sees_and_with_nothing_else,
    what_says_the_same_under_another_fingerprint_is_known_by_its_digest,
    a_fingerprint_is_of_one_question_of_one_class,
    a_page_of_another_site_is_told_that_it_may_read,
    what_a_program_holds_of_a_feed_is_not_what_a_person_is_shown,
    single_resources_have_their_version_and_digest_alone,
    single_resources_stand_until_their_readers_would_see_something_else,
    what_is_held_compressed_is_not_confirmed_to_who_accepts_no_coding,
);

const PAGES: [&str; 6] = [
    "/v1/briefs?include=trends,actors",
    "/v1/briefs?format=csv&limit=20",
    "/v1/briefs?q=one&facets=category",
    "/v1/events/timeline?interval=year",
    "/feeds/briefs.atom",
    "/embed/briefs/one",
];

/// A server that keeps no answers, with one published brief.
fn without_memory(app: &TestApp) -> TestApp {
    let app = app.another_configured(|config| config.answer_memory = 0);
    app.with_category().publisher().create("briefs", published("one", "2017-07-31"));
    app
}

/// The tag of what was never sent, with the fingerprint of what was: only without a look is it taken for true.
fn never_sent(tag: &str) -> String {
    let (_, fingerprint) = tag.trim_matches('"').split_once('.').expect("a fingerprint");
    format!("\"0000000000000000.{fingerprint}\"")
}

fn whoever_holds_what_stands_is_told_so_without_a_look(app: &TestApp) {
    let app = without_memory(app);
    for page in PAGES {
        for coding in ["identity", "gzip"] {
            let client = app.with("Accept-Encoding", coding);
            let whole = client.get(page).expect(200);
            let forged = never_sent(&whole.header("etag"));
            for known in [whole.header("etag"), forged.clone(), format!("\"other\", W/{forged}")] {
                let told = client.with("If-None-Match", &known).get(page).expect(304);
                assert!(known.contains(&told.header("etag")), "{page}");
                for name in ["cache-control", "vary"] {
                    assert_eq!(told.header(name), whole.header(name), "{name} of {page}");
                }
                assert!(told.header("last-modified").ends_with(" GMT"), "{page}");
                assert!(told.headers.get("content-type").is_none() && told.body.is_empty(), "{page}");
            }
            client.with("If-None-Match", "\"0000000000000000.0000000000000000\"").get(page).expect(200);
        }
    }
}

fn another_server_of_the_archive_tells_it_as_well(app: &TestApp) {
    let app = without_memory(app);
    let beside = app.beside_configured(|config| config.public_url = app.url().to_owned());
    let forged = never_sent(&app.get(PAGES[0]).expect(200).header("etag"));
    beside.with("If-None-Match", forged).get(PAGES[0]).expect(304);
}

fn a_fingerprint_ends_with_what_its_class_sees_and_with_nothing_else(app: &TestApp) {
    let app = without_memory(app);
    let forged = |page| app.with("If-None-Match", never_sent(&app.get(page).expect(200).header("etag")));
    let known = PAGES.map(|page| (page, forged(page)));
    app.editor().create("briefs", brief("draft"));
    for (page, known) in &known {
        known.get(page).expect(304);
    }
    app.publisher().create("briefs", published("two", "2017-08-31"));
    for (page, known) in &known {
        known.get(page).expect(200);
    }
}

fn what_says_the_same_under_another_fingerprint_is_known_by_its_digest(app: &TestApp) {
    let app = without_memory(app);
    let page = "/v1/briefs?to=2017-07-31";
    let tag = app.get(page).expect(200).header("etag");
    app.publisher().create("briefs", published("two", "2017-08-31"));
    assert_eq!(app.with("If-None-Match", &tag).get(page).expect(304).header("etag"), tag);
    app.with("If-None-Match", never_sent(&tag)).get(page).expect(200);
    let (before, after) = (tag, app.get(page).expect(200).header("etag"));
    assert!(before != after && before.split('.').next() == after.split('.').next(), "{before} and {after}");
}

fn a_fingerprint_is_of_one_question_of_one_class(app: &TestApp) {
    let app = without_memory(app);
    let forged = never_sent(&app.get("/v1/briefs").expect(200).header("etag"));
    let known = app.with("If-None-Match", &forged);
    known.get("/v1/briefs").expect(304);
    for page in ["/v1/briefs?limit=20", "/v1/events", "/feeds/briefs.atom"] {
        known.get(page).expect(200);
    }
    known.with("Accept", "text/csv").get("/v1/briefs").expect(200);
    known.with("Accept", "*/*").get("/v1/briefs").expect(304);
    known.with("Accept-Encoding", "gzip").get("/v1/briefs").expect(200);
    // The class of who has no key is that of a reader; but feeds name the hub to him alone.
    for other in [app.reader(), app.editor(), app.cleared("reader", "TLP:GREEN")] {
        other.with("If-None-Match", &forged).get("/v1/briefs").expect(200);
    }
    app.with("Briefwire-At-Least", "1").with("If-None-Match", &forged).get("/v1/briefs").expect(200);
}

fn a_page_of_another_site_is_told_that_it_may_read(app: &TestApp) {
    let app = without_memory(app);
    for page in PAGES {
        let site = app.with("Origin", "https://www.example.org");
        let tag = never_sent(&site.get(page).expect(200).header("etag"));
        let told = site.with("If-None-Match", tag).get(page).expect(304);
        assert_eq!(told.header("access-control-allow-origin"), "*", "{page}");
    }
}

fn what_a_program_holds_of_a_feed_is_not_what_a_person_is_shown(app: &TestApp) {
    let app = without_memory(app);
    let person = app.with("Sec-Fetch-Dest", "document");
    let [of_program, of_person] =
        [app.anyone(), &person].map(|it| it.get("/feeds/briefs.atom").expect(200).header("etag"));
    app.with("If-None-Match", &of_program).get("/feeds/briefs.atom").expect(304);
    app.with("If-None-Match", &of_person).get("/feeds/briefs.atom").expect(200);
    person.with("If-None-Match", &of_program).get("/feeds/briefs.atom").expect(200);
}

fn single_resources_have_their_version_and_digest_alone(app: &TestApp) {
    let app = without_memory(app);
    let paths =
        ["/v1/briefs/one", "/v1/briefs/one?format=markdown", "/v1/categories/security", "/v1/briefs/one/revisions/1"];
    for (number, path) in paths.into_iter().enumerate() {
        let tag = app.get(path).expect(200).header("etag");
        app.publisher().create("events", public_event(&format!("elsewhere-{number}"), "2017"));
        assert!(tag.starts_with("\"1-") && !tag.contains('.'), "{path}: {tag}");
        assert_eq!(app.get(path).expect(200).header("etag"), tag, "{path}");
    }
}

fn single_resources_stand_until_their_readers_would_see_something_else(app: &TestApp) {
    let app = without_memory(app);
    let inner = published("inner", "2017-07-31").with(json!({"marking": "TLP:AMBER"}));
    app.cleared("publisher", "TLP:AMBER").create("briefs", inner);
    let insider = app.cleared("reader", "TLP:AMBER");
    let known =
        ["/v1/briefs/one", "/v1/briefs/one?fields=title", "/v1/briefs/one?format=markdown", "/v1/categories/security"]
            .map(|path| (path, app.get(path).expect(200).header("etag")));
    let inner = insider.get("/v1/briefs/inner").expect(200).header("etag");
    app.with("If-None-Match", &inner).get("/v1/briefs/inner").expect(404);
    for _ in 0..2 {
        for (path, tag) in &known {
            assert_eq!(app.with("If-None-Match", tag).get(path).expect(304).header("etag"), *tag);
        }
        insider.with("If-None-Match", &inner).get("/v1/briefs/inner").expect(304);
        app.editor().create("briefs", brief("draft"));
        app.editor().delete("/v1/briefs/draft").expect(204);
    }
    app.publisher().patch("/v1/briefs/one", json!({"title": "Another"})).expect(200);
    for (path, tag) in &known[..3] {
        app.with("If-None-Match", tag).get(path).expect(200);
    }
    app.publisher().delete("/v1/briefs/one").expect(204);
    app.with("If-None-Match", &known[0].1).get("/v1/briefs/one").expect(410);
}

fn what_is_held_compressed_is_not_confirmed_to_who_accepts_no_coding(app: &TestApp) {
    let app = without_memory(app);
    for (page, plain) in PAGES.iter().map(|page| (*page, "identity")).chain([("/v1/briefs/one", "gzip;q=0")]) {
        let held = app.with("Accept-Encoding", "gzip").get(page).expect(200).header("etag");
        assert!(held.ends_with(".gzip\""), "{held} of {page}");
        let holder = app.with("If-None-Match", &held);
        assert_eq!(holder.with("Accept-Encoding", "br, gzip").get(page).expect(304).header("etag"), held, "{page}");
        holder.with("Accept-Encoding", plain).get(page).expect(200);
        let both = format!("{held}, {}", app.get(page).expect(200).header("etag"));
        assert_ne!(app.with("If-None-Match", both).get(page).expect(304).header("etag"), held, "{page}");
    }
}
