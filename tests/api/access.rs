//! Who may see and do what.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::make::{With, actor, brief, event, public_event, published, trend};
use crate::support::{Client, TestApp, slugs_in, sorted, wait_until};

on_both![
    every_write_needs_a_key_of_enough_standing,
    a_wrong_key_is_refused_even_for_reading,
    everyone_sees_what_he_is_cleared_for_and_nothing_else,
    what_is_hidden_cannot_be_written_and_is_not_admitted,
    nothing_is_written_above_ones_own_clearance,
    an_editor_does_not_change_what_is_published,
    a_hidden_write_changes_no_validator,
    a_tombstone_is_for_those_who_could_once_see_it,
    a_deleted_slug_is_free_again,
    a_former_slug_leads_on_until_one_sees_what_has_it_now,
    a_deletion_is_also_met_under_the_id,
    keys_are_made_and_revoked_by_admins,
    a_narrowed_marking_hides_at_once,
];

fn every_write_needs_a_key_of_enough_standing(app: &TestApp) {
    let mut checked = 0;
    for (method, path) in operations(app) {
        let is_of_a_key = ["/v1/keys", "/v1/webhooks"].iter().any(|part| path.starts_with(part));
        let is_read = method == "GET" && !is_of_a_key;
        if is_read || !path.starts_with("/v1/") {
            continue;
        }
        let path = path.replace("{id}", "anything");
        let call = |client: &Client| {
            client.send(&method, &path, (method != "GET" && method != "DELETE").then_some(b"{}".as_slice()))
        };
        let without_key = call(&app.with("Content-Type", "application/json"));
        assert_eq!(without_key.header("www-authenticate"), "Bearer", "{method} {path}");
        without_key.problem(401, "unauthenticated");
        checked += 1;
        if path.starts_with("/v1/webhooks") {
            let any_key = call(&app.reader().with("Content-Type", "application/json"));
            assert!(![401, 403].contains(&any_key.status), "{method} {path}: {}", any_key.whole());
            continue;
        }
        for highest in ["TLP:CLEAR", "TLP:RED"] {
            let reader = app.cleared("reader", highest).with("Content-Type", "application/json");
            call(&reader).problem(403, "forbidden");
        }
        let at_least = if path.starts_with("/v1/keys") || path.ends_with("/erase") {
            "admin"
        } else if ["/publish", "/schedule", "/retract", "/corrections"].iter().any(|step| path.ends_with(step)) {
            "publisher"
        } else {
            "editor"
        };
        let below = ["reader", "editor", "publisher"].into_iter().take_while(|role| *role != at_least);
        for role in below {
            call(&app.as_(&app.key(role, None)).with("Content-Type", "application/json")).problem(403, "forbidden");
        }
        let allowed = call(&app.as_(&app.key(at_least, None)).with("Content-Type", "application/json"));
        assert!(![401, 403].contains(&allowed.status), "{method} {path}: {}", allowed.whole());
    }
    assert!(checked >= 20, "only {checked} writes are in the spec");
}

fn a_wrong_key_is_refused_even_for_reading(app: &TestApp) {
    let good = app.key("editor", None);
    let (id, secret) = good.split_at(good.len() - 4);
    let wrong = [
        format!("Bearer {id}AAAA"),
        format!("Bearer {good}A"),
        format!("Bearer bw_0190f2f47d3c7a538b0a3f1d6f6a0b1c_{secret}"),
        "Bearer ".to_owned(),
        "Bearer".to_owned(),
        "Bearer bw__".to_owned(),
        format!("Basic {good}"),
        good.clone(),
        String::new(),
    ];
    for (method, path) in
        operations(app).into_iter().filter(|(method, path)| method == "GET" && path.starts_with("/v1/"))
    {
        let path = path.replace("{id}", "anything");
        let refused = app.with("Authorization", &wrong[0]).send(&method, &path, None);
        refused.problem(401, "unauthenticated");
    }
    for wrong in wrong {
        let refused = app.with("Authorization", &wrong).get("/v1/briefs");
        assert_eq!(refused.header("www-authenticate"), "Bearer", "{wrong:?}");
        refused.problem(401, "unauthenticated");
    }
    app.with("Authorization", format!("bearer {good}")).get("/v1/briefs?state=draft").expect(200);
}

const MARKINGS: [&str; 5] = ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"];

/// Each marking, published and as a draft, by every class of caller and on every way that leads to it.
fn everyone_sees_what_he_is_cleared_for_and_nothing_else(app: &TestApp) {
    app.with_category().with_actors(&["china", "hub-actor"]);
    let admin = app.admin();
    let mut all: Vec<(String, usize, bool)> = Vec::new();
    for (rank, marking) in MARKINGS.into_iter().enumerate() {
        for is_public in [true, false] {
            let slug = format!("{}-{rank}", if is_public { "public" } else { "draft" });
            let participants = json!({"slug": format!("event-{slug}"), "participants": [{"actor": "china"}]});
            let belongings = json!({
                "marking": marking,
                "events": [event("", "2017-07-25").with(participants)],
                "trends": [trend(&format!("trend-{slug}"), "stable").with(json!({"actors": ["china"], "series": "hidden-or-not"}))],
            });
            let page = if is_public { published(&slug, "2017-07-31") } else { brief(&slug) };
            admin.create("briefs", page.with(belongings));
            all.push((slug, rank, is_public));
        }
    }
    let slugs: Vec<&str> = all.iter().map(|(slug, ..)| slug.as_str()).collect();
    let events: Vec<String> = slugs.iter().map(|slug| format!("event-{slug}")).collect();
    let hub = published("hub", "2017-07-30").with(json!({
        "related": slugs,
        "translations": slugs,
        "trends": [trend("hub-trend", "stable").with(json!({"evidence": events, "actors": ["hub-actor"]}))],
    }));
    admin.create("briefs", hub);

    let callers = MARKINGS.into_iter().enumerate().flat_map(|(clearance, marking)| {
        [("reader", false), ("editor", true)]
            .map(|(role, is_editor)| (app.cleared(role, marking), clearance, is_editor))
    });
    for (caller, clearance, is_editor) in callers.chain([(app.anyone().clone(), 0, false), (app.reader(), 0, false)]) {
        let seen: Vec<&str> = all
            .iter()
            .filter(|(_, rank, is_public)| *rank <= clearance && (*is_public || is_editor))
            .map(|(slug, ..)| slug.as_str())
            .collect();
        sees_exactly(&caller, &seen, &slugs);
    }
}

#[track_caller]
fn sees_exactly(caller: &Client, seen: &[&str], all: &[&str]) {
    let expected = |prefix: &str| sorted(seen.iter().map(|slug| format!("{prefix}{slug}")).collect());
    let with_hub = |prefix: &str, hub: &str| sorted([expected(prefix), vec![hub.to_owned()]].concat());
    for slug in all {
        let status = if seen.contains(slug) { 200 } else { 404 };
        for path in [format!("briefs/{slug}"), format!("events/event-{slug}"), format!("trends/trend-{slug}")] {
            let answer = caller.get(&format!("/v1/{path}"));
            if status == 404 { drop(answer.problem(404, "not-found")) } else { drop(answer.expect(200)) }
        }
    }
    let lists = [
        ("briefs?limit=100", with_hub("", "hub")),
        ("briefs?limit=100&sort=updated_at", with_hub("", "hub")),
        ("briefs?actor=china", expected("")),
        ("briefs?all_actors=china&sort=updated_at", expected("")),
        ("briefs?kind=meeting", expected("")),
        ("briefs?series=hidden-or-not", expected("")),
        ("briefs?direction=stable", with_hub("", "hub")),
        ("briefs?category=security", with_hub("", "hub")),
        ("events?limit=100", expected("event-")),
        ("events?actor=china", expected("event-")),
        ("events?actor=china&sort=updated_at", expected("event-")),
        ("events?category=security", expected("event-")),
        ("trends?limit=100", with_hub("trend-", "hub-trend")),
        ("trends?actor=china", expected("trend-")),
        ("trends?series=hidden-or-not", expected("trend-")),
        ("trends?category=security&actor=china", expected("trend-")),
    ];
    for (query, expected) in lists {
        let list = caller.get(&format!("/v1/{query}&count=true")).expect(200);
        assert_eq!(list.json()["page"]["total"], expected.len(), "{query}");
        assert_eq!(sorted(list.slugs()), expected, "{query}");
        let lines = caller.get(&format!("/v1/{query}&format=ndjson")).expect(200).lines();
        assert_eq!(lines.len(), expected.len(), "{query} in lines");
    }

    let hub = caller.get("/v1/briefs/hub").expect(200).json();
    assert_eq!(sorted(slugs_in(&hub["related"])), expected(""));
    assert_eq!(sorted(slugs_in(&hub["translations"])), expected(""));
    assert_eq!(sorted(slugs_in(&hub["trends"][0]["evidence"])), expected("event-"));
    assert_eq!(slugs_in(&hub["actors"]), ["hub-actor"]);
    assert!(slugs_in(&hub["similar"]).iter().all(|slug| seen.contains(&slug.as_str())), "{hub}");
    let row = caller.get("/v1/briefs?actor=hub-actor&include=trends").expect(200).rows().remove(0);
    assert_eq!(row["trends"], hub["trends"]);

    let exported = caller.get("/v1/export").expect(200).lines();
    let of_kind = |kind: &str| -> BTreeSet<String> {
        exported
            .iter()
            .filter(|line| line["type"] == kind)
            .map(|line| line["slug"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(of_kind("brief").into_iter().collect::<Vec<_>>(), with_hub("", "hub"));
    assert_eq!(of_kind("event").into_iter().collect::<Vec<_>>(), expected("event-"));
    let text = caller.get("/v1/export").expect(200).text();
    for hidden in all.iter().filter(|slug| !seen.contains(slug)) {
        assert!(
            !text.contains(&format!("\"{hidden}\"")) && !text.contains(&format!("-{hidden}\"")),
            "{hidden} is in the export"
        );
    }
}

fn what_is_hidden_cannot_be_written_and_is_not_admitted(app: &TestApp) {
    app.with_category();
    let red = json!({"marking": "TLP:RED"});
    let page = app
        .admin()
        .create("briefs", brief("secret").with(red.clone()).with(json!({"trends": [trend("secret-trend", "stable")]})));
    app.admin().create("events", event("secret-event", "2017").with(red));
    let green = app.cleared("publisher", "TLP:GREEN");
    for path in ["briefs/secret", "events/secret-event", "trends/secret-trend"] {
        let path = format!("/v1/{path}");
        green.get(&path).problem(404, "not-found");
        green.patch(&path, json!({})).problem(404, "not-found");
        green.delete(&path).problem(404, "not-found");
        green.with("If-Match", "\"1-0\"").delete(&path).problem(404, "not-found");
    }
    green.post_empty("/v1/briefs/secret/publish").problem(404, "not-found");
    green.get(&format!("/v1/briefs/{}", page["id"].as_str().unwrap())).problem(404, "not-found");

    // To name what is hidden is to name nothing.
    for members in [
        json!({"events": ["secret-event"]}),
        json!({"related": ["secret"]}),
        json!({"translations": ["secret"]}),
        json!({"related": [page["id"]]}),
    ] {
        let hidden = green.post("/v1/briefs", brief("own").with(members.clone()));
        let made_up = members
            .to_string()
            .replace("secret", "made-up")
            .replace(page["id"].as_str().unwrap(), "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c");
        let nothing = green.post("/v1/briefs", brief("own").with(serde_json::from_str(&made_up).unwrap()));
        assert_eq!((hidden.status, hidden.faults()), (422, nothing.faults()), "{members}");
    }
    let trend = trend("own", "stable").with(json!({"brief": "secret"}));
    assert_eq!(green.post("/v1/trends", trend).faults(), ["/brief"]);
    assert_eq!(app.admin().get("/v1/briefs/secret").expect(200).json()["version"], 1);
}

fn nothing_is_written_above_ones_own_clearance(app: &TestApp) {
    app.with_category();
    let green = app.cleared("publisher", "TLP:GREEN");
    let red = json!({"marking": "TLP:RED"});
    green.post("/v1/briefs", brief("b").with(red.clone())).problem(403, "forbidden");
    green.put("/v1/briefs/b", brief("b").with(red.clone())).problem(403, "forbidden");
    green.post("/v1/events", event("e", "2017").with(red.clone())).problem(403, "forbidden");
    green
        .post("/v1/briefs", brief("b").with(json!({"events": [event("e", "2017").with(red.clone())]})))
        .problem(403, "forbidden");
    assert!(app.admin().get("/v1/events").rows().is_empty());
    green.create("briefs", brief("b").with(json!({"marking": "TLP:GREEN"})));
    green.patch("/v1/briefs/b", &red).problem(403, "forbidden");
    let report = green.with("Content-Type", "application/x-ndjson").send(
        "POST",
        "/v1/import",
        Some(event("e", "2017").with(red).with(json!({"type": "event"})).to_string().as_bytes()),
    );
    assert_eq!(report.expect(200).json()["failed"], 1);
}

fn an_editor_does_not_change_what_is_published(app: &TestApp) {
    app.with_category();
    app.publisher()
        .create("briefs", published("page", "2017-07-31").with(json!({"events": [event("e", "2017-07-25")]})));
    let before = app.get("/v1/briefs/page").expect(200).json();
    let editor = app.editor();
    editor.patch("/v1/briefs/page", json!({"title": "New"})).problem(403, "forbidden");
    editor.put("/v1/briefs/page", brief("page")).problem(403, "forbidden");
    editor.delete("/v1/briefs/page").problem(403, "forbidden");
    editor.patch("/v1/events/e", json!({"title": "New"})).problem(403, "forbidden");
    assert_eq!(app.get("/v1/briefs/page").expect(200).json(), before);
    app.publisher().patch("/v1/briefs/page", json!({"title": "New"})).expect(200);
}

fn a_hidden_write_changes_no_validator(app: &TestApp) {
    app.with_category().with_actors(&["china"]);
    for day in 1..=3 {
        app.publisher().create("briefs", published(&format!("b{day}"), &format!("2017-07-0{day}")));
    }
    app.publisher().create("events", public_event("e", "2017").with(json!({"participants": [{"actor": "china"}]})));
    let paths = [
        "/v1/briefs?limit=1",
        "/v1/briefs/b1",
        "/v1/events?actor=china",
        "/v1/trends",
        "/v1/categories/security",
        "/v1/actors/china",
    ];
    let look = |client: &Client| {
        paths.map(|path| {
            let answer = client.get(path).expect(200);
            (answer.header("etag"), answer.header("last-modified"), answer.text())
        })
    };
    let callers = [app.anyone().clone(), app.cleared("reader", "TLP:AMBER"), app.cleared("editor", "TLP:GREEN")];
    // Within the second of the last change its time is not told exactly.
    for caller in &callers {
        let date = || caller.get("/v1/briefs").expect(200).header("last-modified");
        wait_until(|| caller.with("If-Modified-Since", date()).get("/v1/briefs").status == 304);
    }
    let before = callers.each_ref().map(look);

    let admin = app.admin();
    let secret = json!({"marking": "TLP:RED", "category_status": "regress", "events": [event("s", "2017").with(json!({"participants": [{"actor": "china"}]}))]});
    admin.create("briefs", published("secret", "2017-07-31").with(secret));
    admin
        .patch(
            "/v1/briefs/secret",
            json!({"title": "New", "trends": [trend("t", "stable").with(json!({"actors": ["china"]}))]}),
        )
        .expect(200);
    admin.patch("/v1/events/s", json!({"title": "New"})).expect(200);
    admin.delete("/v1/briefs/secret").expect(204);
    assert_eq!(callers.each_ref().map(look), before);

    admin.patch("/v1/briefs/b3", json!({"title": "New"})).expect(200);
    for (caller, before) in callers.iter().zip(&before) {
        assert_ne!(look(caller)[0], before[0]);
    }
}

fn a_tombstone_is_for_those_who_could_once_see_it(app: &TestApp) {
    app.with_category();
    let publisher = app.publisher();
    publisher.create("briefs", published("public", "2017-07-31"));
    publisher.create("briefs", published("amber", "2017-07-31").with(json!({"marking": "TLP:AMBER"})));
    publisher.create("briefs", published("narrowed", "2017-07-31"));
    publisher.patch("/v1/briefs/narrowed", json!({"marking": "TLP:RED"})).expect(200);
    publisher.create("briefs", brief("draft"));
    for slug in ["public", "amber", "narrowed", "draft"] {
        let gone =
            publisher.delete(&format!("/v1/briefs/{slug}?reason=Published%20twice&replacement=other")).expect(204);
        assert!(gone.body.is_empty());
        assert!(!gone.header("briefwire-position").is_empty());
    }

    let met_by = |client: &Client| {
        ["public", "amber", "narrowed", "draft"].map(|slug| client.get(&format!("/v1/briefs/{slug}")).status)
    };
    assert_eq!(met_by(app), [410, 404, 410, 404]);
    assert_eq!(met_by(&app.cleared("reader", "TLP:AMBER")), [410, 410, 410, 404]);
    assert_eq!(met_by(&app.cleared("editor", "TLP:CLEAR")), [410, 404, 410, 410]);
    assert_eq!(met_by(&publisher), [410; 4]);

    let tombstone = app.get("/v1/briefs/public").problem(410, "gone");
    assert_eq!((&tombstone["reason"], &tombstone["replacement"]), (&json!("Published twice"), &json!("other")));
    assert!(tombstone["deleted_at"].is_string(), "{tombstone}");
    for method in ["PATCH", "DELETE"] {
        publisher.send_json(method, "/v1/briefs/public", &json!({})).problem(410, "gone");
    }
    publisher.post_empty("/v1/briefs/public/publish").problem(410, "gone");
    assert!(publisher.get("/v1/briefs").rows().is_empty());
}

fn a_former_slug_leads_on_until_one_sees_what_has_it_now(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("page", "2017-07-31"));
    app.publisher().patch("/v1/briefs/page", json!({"slug": "renamed"})).expect(200);
    let draft = app.editor().create("briefs", brief("page"));
    let moved = app.get("/v1/briefs/page");
    assert_eq!(moved.header("location"), "/v1/briefs/renamed");
    moved.problem(308, "moved");
    assert_eq!(app.editor().get("/v1/briefs/page").expect(200).json()["id"], draft["id"]);
    app.publisher().post_empty("/v1/briefs/page/publish").expect(200);
    assert_eq!(app.get("/v1/briefs/page").expect(200).json()["id"], draft["id"]);
}

fn a_deleted_slug_is_free_again(app: &TestApp) {
    app.with_category();
    let first = app.publisher().create("briefs", published("page", "2017-07-31"));
    app.publisher().delete("/v1/briefs/page").expect(204);
    let second = app.publisher().put("/v1/briefs/page", published("page", "2017-08-07")).expect(201).json();
    assert_ne!(second["id"], first["id"]);
    assert_eq!(second["version"], 1);
    assert_eq!(app.get("/v1/briefs/page").expect(200).json()["id"], second["id"]);
    app.get(&format!("/v1/briefs/{}", first["id"].as_str().unwrap())).problem(410, "gone");

    app.publisher().create("events", event("e", "2017"));
    app.publisher().delete("/v1/events/e").expect(204);
    app.publisher().create("events", event("e", "2018"));
    app.publisher().create("actors", actor("a", "A"));
    app.publisher().delete("/v1/actors/a").expect(204);
    app.publisher().create("actors", actor("a", "A"));
}

fn a_deletion_is_also_met_under_the_id(app: &TestApp) {
    let made = app.publisher().create("actors", actor("a", "A"));
    app.publisher().delete(&format!("/v1/actors/{}", made["id"].as_str().unwrap())).expect(204);
    app.get("/v1/actors/a").problem(410, "gone");
    app.get(&format!("/v1/actors/{}", made["id"].as_str().unwrap())).problem(410, "gone");
    app.get("/v1/briefs/a").problem(404, "not-found");
}

fn keys_are_made_and_revoked_by_admins(app: &TestApp) {
    let admin = app.admin();
    let made = admin.post("/v1/keys", json!({"name": "Newsroom", "role": "editor"})).expect(201).json();
    assert_eq!(
        (&made["clearance"], &made["role"], &made["name"]),
        (&json!("TLP:RED"), &json!("editor"), &json!("Newsroom"))
    );
    let reader = admin.post("/v1/keys", json!({"name": "Partner", "role": "reader"})).expect(201).json();
    assert_eq!(reader["clearance"], "TLP:CLEAR");
    let newsroom = app.as_(made["key"].as_str().unwrap());
    newsroom.create("actors", actor("a", "A"));
    newsroom.get("/v1/keys").problem(403, "forbidden");
    app.publisher().get("/v1/keys").problem(403, "forbidden");

    let listed = admin.get("/v1/keys").expect(200);
    assert!(!listed.text().contains(made["key"].as_str().unwrap()));
    let row = listed.rows().into_iter().find(|row| row["id"] == made["id"]).expect("the key is listed");
    assert!(row.get("key").is_none() && row["revoked_at"].is_null(), "{row}");

    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    admin.delete(&path).expect(204);
    admin.delete(&path).expect(204);
    newsroom.get("/v1/actors").problem(401, "unauthenticated");
    newsroom.post("/v1/actors", actor("b", "B")).problem(401, "unauthenticated");
    admin.delete("/v1/keys/0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c").problem(404, "not-found");
    admin.delete("/v1/keys/nonsense").problem(404, "not-found");
    let refused = admin.post("/v1/keys", json!({"role": "owner", "clearance": "RED", "nmae": "x"}));
    assert_eq!(refused.faults(), ["/clearance", "/name", "/nmae", "/role"]);
}

fn a_narrowed_marking_hides_at_once(app: &TestApp) {
    app.with_category().with_actors(&["china"]);
    let belongings = json!({
        "events": [event("e", "2017-07-25").with(json!({"participants": [{"actor": "china"}]}))],
        "trends": [trend("t", "stable").with(json!({"actors": ["china"]}))],
    });
    app.publisher().create("briefs", published("page", "2017-07-31").with(belongings));
    let paths = ["/v1/briefs/page", "/v1/events/e", "/v1/trends/t"];
    for path in paths {
        app.get(path).expect(200);
    }
    app.publisher().patch("/v1/briefs/page", json!({"marking": "TLP:GREEN"})).expect(200);
    for path in paths {
        app.get(path).problem(404, "not-found");
        app.cleared("reader", "TLP:GREEN").get(path).expect(200);
    }
    for list in ["briefs", "events", "trends"] {
        assert!(app.get(&format!("/v1/{list}?actor=china")).expect(200).rows().is_empty(), "{list}");
    }
    app.publisher().patch("/v1/briefs/page", json!({"marking": "TLP:CLEAR"})).expect(200);
    for path in paths {
        app.get(path).expect(200);
    }
}

/// Every method and path of the spec.
fn operations(app: &TestApp) -> Vec<(String, String)> {
    let document = app.get("/openapi.json").expect(200).json();
    let paths = document["paths"].as_object().expect("paths").clone();
    let methods = |item: &Value| {
        item.as_object().expect("operations").keys().map(|method| method.to_uppercase()).collect::<Vec<_>>()
    };
    paths
        .into_iter()
        .flat_map(|(path, item)| methods(&item).into_iter().map(move |method| (method, path.clone())))
        .collect()
}
