//! Categories, and how things stand in each.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::make::{With, brief, category, published};

on_both![
    the_status_is_that_of_the_latest_brief_that_is_seen,
    a_name_is_told_in_many_languages,
    a_category_with_briefs_cannot_be_deleted,
    a_renamed_category_is_read_anew_in_its_briefs,
    categories_are_listed_by_slug_or_position,
];

fn the_status_is_that_of_the_latest_brief_that_is_seen(app: &TestApp) {
    app.with_category();
    let status_for =
        |client: &crate::support::Client| client.get("/v1/categories/security").expect(200).json()["status"].clone();
    assert_eq!(status_for(app), Value::Null);

    let publisher = app.publisher();
    let with_status =
        |slug: &str, day: &str, status: &str| published(slug, day).with(json!({"category_status": status}));
    publisher.create("briefs", with_status("older", "2017-07-24", "regress"));
    publisher.create("briefs", with_status("newer", "2017-07-31", "progress"));
    publisher.create("briefs", with_status("secret", "2017-08-07", "mixed").with(json!({"marking": "TLP:RED"})));
    publisher.create("briefs", brief("draft").with(json!({"category_status": "no_change"})));
    publisher.create("briefs", published("silent", "2017-08-14"));

    let status = status_for(app);
    assert_eq!(
        (&status["value"], &status["since"], &status["brief"]["slug"]),
        (&json!("progress"), &json!("2017-07-31T10:00:00Z"), &json!("newer"))
    );
    assert_eq!(app.get("/v1/categories").expect(200).rows()[0]["status"], status);
    assert_eq!(status_for(&publisher)["brief"]["slug"], "secret");

    publisher.delete("/v1/briefs/newer").expect(204);
    assert_eq!(status_for(app)["value"], "regress");
    publisher.patch("/v1/briefs/older", json!({"category_status": null})).expect(200);
    assert_eq!(status_for(app), Value::Null);
}

fn a_name_is_told_in_many_languages(app: &TestApp) {
    let names = json!({"ru": "Безопасность", "be-tarask": "Бясьпека"});
    let made = app
        .editor()
        .create("categories", category("security", "Security").with(json!({"names": names, "position": 3})));
    assert_eq!((&made["names"], &made["position"]), (&names, &json!(3)));
    app.editor().create("briefs", brief("page"));
    assert_eq!(app.editor().get("/v1/briefs/page").expect(200).json()["category"]["names"], names);

    let patched = app.editor().patch("/v1/categories/security", json!({"names": {"ru": null, "de": "Sicherheit"}}));
    assert_eq!(patched.expect(200).json()["names"], json!({"be-tarask": "Бясьпека", "de": "Sicherheit"}));
    let refused =
        app.editor().patch("/v1/categories/security", json!({"names": {"no language": "x", "fr": ""}, "position": -1}));
    assert_eq!(refused.faults(), ["/names/fr", "/names/no language", "/position"]);
}

fn a_category_with_briefs_cannot_be_deleted(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", brief("page").with(json!({"marking": "TLP:RED"})));
    let problem = app.publisher().delete("/v1/categories/security").problem(409, "conflict");
    assert_eq!(problem["users"][0]["slug"], "page");
    let problem = app.cleared("editor", "TLP:CLEAR").delete("/v1/categories/security").problem(409, "conflict");
    assert_eq!(problem["users"], json!([]), "what the caller cannot see is not named");

    app.publisher().delete("/v1/briefs/page").expect(204);
    app.publisher().delete("/v1/categories/security").expect(204);
    app.get("/v1/categories/security").problem(410, "gone");
    assert_eq!(app.publisher().post("/v1/briefs", brief("page")).faults(), ["/category"]);
}

fn a_renamed_category_is_read_anew_in_its_briefs(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    let tag = app.get("/v1/briefs/page").header("etag");
    app.publisher()
        .patch("/v1/categories/security", json!({"slug": "army-and-police", "name": "Army and police"}))
        .expect(200);
    let page = app.get("/v1/briefs/page").expect(200);
    assert_eq!((&page.json()["category"]["slug"], &page.json()["version"]), (&json!("army-and-police"), &json!(1)));
    assert_ne!(page.header("etag"), tag);
    assert_eq!(app.get("/v1/briefs?category=army-and-police").expect(200).slugs(), ["page"]);
}

fn categories_are_listed_by_slug_or_position(app: &TestApp) {
    for (slug, position) in [("b", 1), ("c", 3), ("a", 2)] {
        app.editor().create("categories", category(slug, slug).with(json!({"position": position})));
    }
    let listed = |query: &str| app.get(&format!("/v1/categories{query}")).expect(200).slugs();
    assert_eq!(listed(""), ["a", "b", "c"]);
    assert_eq!(listed("?sort=-slug"), ["c", "b", "a"]);
    assert_eq!(listed("?sort=position"), ["b", "a", "c"]);
    assert_eq!(listed("?sort=-position"), ["c", "a", "b"]);
}
