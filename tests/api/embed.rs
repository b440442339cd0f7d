//! Cards on other people's pages.

use serde_json::json;

use crate::support::TestApp;
use crate::support::make::{With, brief, published, weekly_page};

on_both!(
    a_card_shows_what_matters_and_leads_back,
    a_retraction_shows_in_every_card,
    a_removed_brief_says_so_in_its_card,
    a_card_needs_no_script_and_may_be_framed,
    markup_of_authors_is_text_in_a_card,
    an_unchanged_card_is_not_sent_again,
    oembed_leads_to_the_card,
    oembed_knows_this_server_alone,
);

fn a_card_shows_what_matters_and_leads_back(app: &TestApp) {
    app.with_cast();
    let page = weekly_page("page").with(json!({"state": "published", "canonical_url": "https://www.example.org/page"}));
    let page = app.publisher().create("briefs", page);
    let card = app.get("/embed/briefs/page").expect(200);
    assert_eq!(card.header("content-type"), "text/html; charset=utf-8");
    let text = card.text();
    for shown in
        ["The army gains weight", "data-status=\"progress\"", "https://www.example.org/page", "application/json+oembed"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    for trend in page["trends"].as_array().unwrap() {
        assert!(text.contains(trend["statement"].as_str().unwrap()), "{text}");
    }
    assert!(text.contains(&format!("{}/feeds/briefs.atom", app.url())), "{text}");
}

fn a_retraction_shows_in_every_card(app: &TestApp) {
    app.with_cast();
    let page = app.publisher().create("briefs", weekly_page("page").with(json!({"state": "published"})));
    app.publisher().post("/v1/briefs/page/retract", json!({"reason": "It was forged."})).expect(200);
    let text = app.get("/embed/briefs/page").expect(200).text();
    assert!(text.contains("Retracted") && text.contains("It was forged."), "{text}");
    assert!(!text.contains(page["trends"][0]["statement"].as_str().unwrap()), "{text}");
}

fn a_removed_brief_says_so_in_its_card(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    app.editor().create("briefs", brief("draft"));
    app.publisher().delete("/v1/briefs/page").expect(204);
    assert!(app.get("/embed/briefs/page").expect(410).text().contains("has been removed"));
    assert!(app.get("/embed/briefs/draft").expect(404).text().contains("no such brief"));
    assert_eq!(app.get("/embed/briefs/draft").body, app.get("/embed/briefs/never").body);
}

fn a_card_needs_no_script_and_may_be_framed(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    for path in ["/embed/briefs/page", "/embed/briefs/none"] {
        let card = app.get(path);
        let policy = card.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors *"), "{policy}");
        assert!(!card.text().contains("<script") && card.headers.get("x-frame-options").is_none());
    }
}

fn markup_of_authors_is_text_in_a_card(app: &TestApp) {
    app.with_category();
    let hostile = "\"'><script>alert(1)</script>";
    app.publisher().create(
        "briefs",
        published("page", "2017-07-31").with(json!({
            "title": hostile, "summary": hostile, "trends": [{"statement": hostile, "direction": "stable"}],
            "image": {"url": "https://images.example.org/a.jpg", "alt": hostile, "credit": hostile},
        })),
    );
    assert!(!app.get("/embed/briefs/page").expect(200).text().contains("<script"));
    let url = format!("/oembed?url={}/embed/briefs/page", app.url());
    assert!(!app.get(&url).expect(200).json()["html"].as_str().unwrap().contains("<script"));
}

fn an_unchanged_card_is_not_sent_again(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    let known = app.with("If-None-Match", app.get("/embed/briefs/page").expect(200).header("etag"));
    known.get("/embed/briefs/page").expect(304);
    app.publisher().post("/v1/briefs/page/retract", json!({"reason": "forged"})).expect(200);
    known.get("/embed/briefs/page").expect(200);
}

fn oembed_leads_to_the_card(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31").with(json!({"authors": ["The desk"]})));
    for path in ["/embed/briefs/page", "/v1/briefs/page", "/v1/briefs/page?format=html"] {
        let embed = app.get(&format!("/oembed?url={}{path}&maxwidth=400", app.url())).expect(200).json();
        assert_eq!(
            (&embed["version"], &embed["type"], &embed["title"]),
            (&json!("1.0"), &json!("rich"), &json!("About page"))
        );
        assert_eq!((&embed["width"], &embed["author_name"]), (&json!(400), &json!("The desk")));
        assert!(embed["html"].as_str().unwrap().contains(&format!("src=\"{}/embed/briefs/page\"", app.url())));
    }
}

fn oembed_knows_this_server_alone(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    for url in [
        "https://www.example.org/embed/briefs/page",
        "page",
        "/embed/briefs/page",
        "http://127.0.0.1:1/embed/briefs/page",
    ] {
        app.get(&format!("/oembed?url={url}")).problem(400, "invalid-parameter");
    }
    app.get(&format!("/oembed?url={}/embed/briefs/none", app.url())).problem(404, "not-found");
    app.get(&format!("/oembed?url={}/embed/briefs/page&format=xml", app.url())).problem(400, "invalid-parameter");
    app.get("/oembed").problem(400, "invalid-parameter");
}
