//! Feeds, as the sites that copy them read them: each format through the parser of a library that knows nothing of Briefwire.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use atom_syndication::Feed;
use rss::Channel;
use serde_json::{Value, json};

use crate::support::make::{With, actor, brief, category, public_event, published, weekly_page};
use crate::support::{Client, Endpoint, TestApp, sorted, wait_until, writers};

on_both!(
    the_last_changed_comes_first_in_every_format,
    a_page_is_in_a_feed_with_all_that_it_says,
    pages_lead_back_to_the_start,
    a_brief_comes_up_again_when_its_event_changes,
    what_is_withdrawn_leaves_a_notice,
    the_hidden_is_in_no_feed,
    filters_are_those_of_the_list,
    words_are_searched_in_feeds_as_in_lists,
    trends_and_events_have_feeds_too,
    an_unchanged_feed_is_not_sent_again,
    a_write_elsewhere_is_seen_within_a_second,
    odd_letters_make_no_broken_xml,
    a_person_who_opens_a_feed_sees_a_page,
    a_hub_is_announced_and_told_of_changes,
    a_follower_of_the_feed_ends_with_what_is_public,
);

fn atom(client: &Client, path: &str) -> Feed {
    let answer = client.get(path).expect(200);
    assert_eq!(answer.header("content-type"), "application/atom+xml; charset=utf-8");
    Feed::read_from(&answer.body[..]).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

fn rss(client: &Client, path: &str) -> Channel {
    let answer = client.get(path).expect(200);
    assert_eq!(answer.header("content-type"), "application/rss+xml; charset=utf-8");
    Channel::read_from(&answer.body[..]).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

fn json_feed(client: &Client, path: &str) -> Value {
    let answer = client.get(path).expect(200);
    assert_eq!(answer.header("content-type"), "application/feed+json; charset=utf-8");
    let feed = answer.json();
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    for item in feed["items"].as_array().unwrap() {
        assert!(
            item["id"].is_string() && (item["content_html"].is_string() || item["content_text"].is_string()),
            "{item}"
        );
        assert!(item.as_object().unwrap().values().all(|value| !value.is_null()), "{item}");
    }
    feed
}

/// The titles of a feed in each format.
fn titles(client: &Client, what: &str, query: &str) -> [Vec<String>; 3] {
    let json = json_feed(client, &format!("/feeds/{what}.json{query}"));
    [
        atom(client, &format!("/feeds/{what}.atom{query}"))
            .entries
            .iter()
            .map(|entry| entry.title.to_string())
            .collect(),
        rss(client, &format!("/feeds/{what}.rss{query}"))
            .items
            .iter()
            .map(|item| item.title.clone().unwrap())
            .collect(),
        json["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect(),
    ]
}

fn the_last_changed_comes_first_in_every_format(app: &TestApp) {
    app.with_category();
    for slug in ["one", "two", "three"] {
        app.publisher().create("briefs", published(slug, "2017-07-31"));
    }
    assert_eq!(titles(app, "briefs", ""), [["About three", "About two", "About one"]; 3].map(Vec::from));
    app.publisher()
        .post("/v1/briefs/one/corrections", json!({"severity": "minor", "note": "It was Tuesday."}))
        .expect(201);
    assert_eq!(titles(app, "briefs", ""), [["About one", "About three", "About two"]; 3].map(Vec::from));
    assert_eq!(titles(app, "briefs", "?limit=1"), [["About one"]; 3].map(Vec::from));
    assert!(
        atom(app, "/feeds/briefs.atom").entries[0]
            .content
            .as_ref()
            .unwrap()
            .value
            .as_ref()
            .unwrap()
            .contains("It was Tuesday.")
    );
}

fn a_page_is_in_a_feed_with_all_that_it_says(app: &TestApp) {
    app.with_cast();
    let page = weekly_page("page").with(json!({
        "state": "published", "published_at": "2017-07-31T10:12:00Z", "license": "CC-BY-4.0",
        "canonical_url": "https://www.example.org/page", "authors": ["The desk"], "summary": "In short.",
        "image": {"url": "https://images.example.org/a.png", "alt": "Flags", "credit": "People's Daily"},
    }));
    let page = app.publisher().create("briefs", page);
    let id = format!("urn:uuid:{}", page["id"].as_str().unwrap());
    let statement = page["trends"][0]["statement"].as_str().unwrap();

    let feed = atom(app, "/feeds/briefs.atom");
    let entry = &feed.entries[0];
    assert_eq!((entry.id.as_str(), entry.title.as_str()), (id.as_str(), "The army gains weight"));
    assert_eq!(entry.published.unwrap().to_rfc3339(), "2017-07-31T10:12:00+00:00");
    assert_eq!(entry.title.lang.as_deref(), Some("en"));
    assert_eq!(entry.authors[0].name, "The desk");
    assert_eq!(entry.rights.as_ref().unwrap().as_str(), "CC-BY-4.0");
    assert_eq!(entry.summary.as_ref().unwrap().as_str(), "In short.");
    assert!(entry.content.as_ref().unwrap().value.as_ref().unwrap().contains(statement));
    let link = |rel: &str| entry.links.iter().find(|link| link.rel == rel).unwrap();
    assert_eq!(link("alternate").href, "https://www.example.org/page");
    assert_eq!(link("alternate").mime_type.as_deref(), Some("text/html"));
    let enclosure = link("enclosure");
    assert_eq!(
        (enclosure.href.as_str(), enclosure.mime_type.as_deref(), enclosure.title.as_deref()),
        ("https://images.example.org/a.png", Some("image/png"), Some("People's Daily"))
    );
    let terms: Vec<&str> = entry.categories.iter().map(|category| category.term.as_str()).collect();
    assert_eq!(terms, ["security", "progress", "BY", "belarus", "china", "lukashenka"]);

    let channel = rss(app, "/feeds/briefs.rss");
    assert_eq!(channel.language.as_deref(), Some("en"));
    let item = &channel.items[0];
    let guid = item.guid.as_ref().unwrap();
    assert_eq!((guid.value.as_str(), guid.permalink), (id.as_str(), false));
    assert_eq!(item.pub_date.as_deref(), Some("Mon, 31 Jul 2017 10:12:00 +0000"));
    assert!(item.content.as_ref().unwrap().contains(statement));
    let core = item.dublin_core_ext.as_ref().unwrap();
    assert_eq!((&core.creators[..], &core.languages[..]), (&["The desk".to_owned()][..], &["en".to_owned()][..]));
    let picture = &item.extensions["media"]["content"][0];
    assert_eq!(picture.attrs["url"], "https://images.example.org/a.png");
    assert_eq!(picture.children["credit"][0].value.as_deref(), Some("People's Daily"));

    let feed = json_feed(app, "/feeds/briefs.json");
    let item = &feed["items"][0];
    assert_eq!((&item["id"], &item["date_published"]), (&json!(id), &page["published_at"]));
    assert_eq!((&item["image"], &item["language"]), (&page["image"]["url"], &json!("en")));
    assert_eq!(item["authors"], json!([{"name": "The desk"}]));
    for member in ["category", "category_status", "period", "trends", "events", "actors", "image"] {
        assert_eq!(item["_briefwire"][member], page[member], "{member}");
    }
}

fn pages_lead_back_to_the_start(app: &TestApp) {
    app.with_category();
    let mut slugs: Vec<String> = (0..25).map(|number| format!("page-{number}")).collect();
    for slug in &slugs {
        app.publisher().create("briefs", published(slug, "2017-07-31"));
    }
    slugs.reverse();
    let titles: Vec<String> = slugs.iter().map(|slug| format!("About {slug}")).collect();
    let (mut found, mut path) = (Vec::new(), Some("/feeds/briefs.atom?limit=10&category=security".to_owned()));
    while let Some(this) = path {
        let feed = atom(app, &this);
        found.extend(feed.entries.iter().map(|entry| entry.title.to_string()));
        let next = feed.links.iter().find(|link| link.rel == "next");
        path = next.map(|link| link.href.strip_prefix(app.url()).unwrap().to_owned());
        let first = feed.links.iter().find(|link| link.rel == "first").unwrap();
        assert!(!first.href.contains("cursor") && first.href.contains("category=security"));
    }
    assert_eq!(found, titles);
    let (mut found, mut path) = (0, Some("/feeds/briefs.json?limit=10".to_owned()));
    while let Some(this) = path {
        let feed = json_feed(app, &this);
        found += feed["items"].as_array().unwrap().len();
        path = feed["next_url"].as_str().map(|url| url.strip_prefix(app.url()).unwrap().to_owned());
    }
    assert_eq!(found, 25);
}

fn a_brief_comes_up_again_when_its_event_changes(app: &TestApp) {
    app.with_category();
    app.publisher().create("events", public_event("meeting", "2017-07-25"));
    app.publisher().create("briefs", published("shows", "2017-07-31").with(json!({"events": ["meeting"]})));
    app.publisher().create("briefs", published("other", "2017-07-31"));
    app.publisher().patch("/v1/events/meeting", json!({"title": "They met"})).expect(200);
    let feed = json_feed(app, "/feeds/briefs.json");
    assert_eq!(feed["items"][0]["title"], "About shows");
    assert!(feed["items"][0]["content_html"].as_str().unwrap().contains("They met"));
}

fn what_is_withdrawn_leaves_a_notice(app: &TestApp) {
    app.with_category();
    let mut ids = Vec::new();
    for slug in ["retracted", "deleted", "hidden"] {
        let page =
            published(slug, "2017-07-31").with(json!({"body": "secret words", "title": format!("secret {slug}")}));
        ids.push(format!("urn:uuid:{}", app.publisher().create("briefs", page)["id"].as_str().unwrap()));
    }
    app.publisher().patch("/v1/briefs/retracted", json!({"title": "The page"})).expect(200);
    app.publisher().post("/v1/briefs/retracted/retract", json!({"reason": "It was forged."})).expect(200);
    app.publisher().delete("/v1/briefs/deleted?reason=secret").expect(204);
    app.publisher().patch("/v1/briefs/hidden", json!({"marking": "TLP:RED"})).expect(200);
    for format in ["atom", "rss", "json"] {
        let text = app.get(&format!("/feeds/briefs.{format}")).expect(200).text();
        assert!(!text.contains("secret"), "{text}");
        assert!(ids.iter().all(|id| text.contains(id)) && text.contains("It was forged."), "{text}");
        // A page that is narrowed to what they were in, or were not in, has the notices too.
        let narrowed = app.get(&format!("/feeds/briefs.{format}?direction=stable&state=published")).expect(200).text();
        assert!(ids.iter().all(|id| narrowed.contains(id)), "{narrowed}");
    }
    let feed = atom(app, "/feeds/briefs.atom");
    assert!(feed.entries.is_empty());
    let graves = &feed.extensions["at"]["deleted-entry"];
    let graves: Vec<&String> = graves.iter().map(|grave| &grave.attrs["ref"]).collect();
    assert_eq!(graves, [&ids[2], &ids[1], &ids[0]]);
    let feed = json_feed(app, "/feeds/briefs.json");
    let statuses: Vec<&Value> =
        feed["items"].as_array().unwrap().iter().map(|item| &item["_briefwire"]["status"]).collect();
    assert_eq!(statuses, ["removed", "removed", "retracted"]);
}

fn the_hidden_is_in_no_feed(app: &TestApp) {
    app.with_category();
    app.editor().create("briefs", brief("draft"));
    app.publisher().create("briefs", published("amber", "2017-07-31").with(json!({"marking": "TLP:AMBER"})));
    let later = json!({"embargo_until": "2099-01-01T00:00:00Z"});
    app.publisher().create("briefs", published("embargoed", "2017-07-31").with(later));
    assert_eq!(titles(app, "briefs", ""), [const { Vec::<String>::new() }; 3]);
    let text = app.get("/feeds/briefs.atom").expect(200).text();
    assert!(!text.contains("deleted-entry"), "{text}");
    assert_eq!(titles(&app.cleared("reader", "TLP:AMBER"), "briefs", "")[0].len(), 2);
}

fn filters_are_those_of_the_list(app: &TestApp) {
    app.with_category();
    app.publisher().create("categories", category("economy", "Economy"));
    app.publisher().create("actors", actor("minsk", "Minsk"));
    let trends = json!({"trends": [{"statement": "x", "direction": "stable", "actors": ["minsk"]}]});
    app.publisher().create("briefs", published("one", "2017-07-31").with(trends));
    app.publisher()
        .create("briefs", published("two", "2018-07-31").with(json!({"category": "economy", "language": "ru"})));
    for (query, found) in [
        ("?category=economy", "About two"),
        ("?language=en", "About one"),
        ("?actor=Minsk", "About one"),
        ("?from=2018-01-01", "About two"),
        ("?direction=stable", "About one"),
        ("?on=2017-07-31", "About one"),
    ] {
        assert_eq!(
            titles(app, "briefs", query),
            [[found]; 3].map(|titles| titles.map(str::to_owned).to_vec()),
            "{query}"
        );
    }
    app.get("/feeds/briefs.atom?actor=Nobody").problem(400, "invalid-parameter");
    app.get("/feeds/briefs.atom?sort=-published_at").problem(400, "invalid-parameter");
    app.get("/feeds/briefs.atom?cursor=x").problem(400, "invalid-parameter");
    app.get("/feeds/briefs.xml").problem(404, "not-found");
    app.with("Accept", "image/png").get("/feeds/briefs.atom").expect(200);
}

fn words_are_searched_in_feeds_as_in_lists(app: &TestApp) {
    app.with_category();
    for (slug, body) in [("border", "A border committee."), ("army", "The army."), ("both", "The army at the border.")]
    {
        app.publisher().create("briefs", published(slug, "2017-07-31").with(json!({"body": body})));
    }
    app.publisher().create("briefs", published("withdrawn", "2017-07-31"));
    app.publisher().post("/v1/briefs/withdrawn/retract", json!({"reason": "x"})).expect(200);
    let titles = |query: &str| -> Vec<String> {
        let feed = json_feed(app, &format!("/feeds/briefs.json?{query}"));
        let items = feed["items"].as_array().unwrap().iter();
        let current = items.filter(|item| item["_briefwire"]["status"] == "current");
        sorted(current.map(|item| item["title"].as_str().unwrap().to_owned()).collect())
    };
    for query in ["q=border", "q=army+-border", "q=armies", "q=border&language=en", "q=border&language=ru", "q=nothing"]
    {
        assert_eq!(titles(query), sorted(app.get(&format!("/v1/briefs?{query}")).expect(200).each("title")), "{query}");
    }
    assert_eq!(titles("q=border").len(), 2);
    let notices = json_feed(app, "/feeds/briefs.json?q=army")["items"].as_array().unwrap().len();
    assert_eq!(notices, 3, "a notice is told of whatever is searched for");
    let tag = app.get("/feeds/briefs.atom?q=border").expect(200).header("etag");
    app.with("If-None-Match", tag.as_str()).get("/feeds/briefs.atom?q=border").expect(304);
    app.publisher().patch("/v1/briefs/army", json!({"body": "Now at the border."})).expect(200);
    assert_eq!(titles("q=border").len(), 3);
    app.with("If-None-Match", tag).get("/feeds/briefs.atom?q=border").expect(200);
}

fn trends_and_events_have_feeds_too(app: &TestApp) {
    app.with_cast();
    let page = app.publisher().create("briefs", weekly_page("page").with(json!({"state": "published"})));
    let statements = titles(app, "trends", "");
    assert_eq!(statements[0].len(), page["trends"].as_array().unwrap().len());
    assert!(statements[0].contains(&page["trends"][0]["statement"].as_str().unwrap().to_owned()));
    let events = titles(app, "events", "");
    let links = atom(app, "/feeds/events.atom").entries.remove(0).links;
    let alternate: Vec<_> = links.iter().filter(|link| link.rel == "alternate").collect();
    assert!(alternate.len() == 1 && alternate[0].mime_type.is_none(), "readers take the only link: {alternate:?}");
    assert_eq!(events[0].len(), page["events"].as_array().unwrap().len());
    assert!(
        statements.iter().all(|titles| *titles == statements[0]) && events.iter().all(|titles| *titles == events[0])
    );
    app.publisher().post("/v1/briefs/page/retract", json!({"reason": "forged"})).expect(200);
    assert!(atom(app, "/feeds/trends.atom").entries.is_empty());
    for item in json_feed(app, "/feeds/trends.json")["items"].as_array().unwrap() {
        assert_eq!(item["_briefwire"]["status"], "removed");
    }
}

fn an_unchanged_feed_is_not_sent_again(app: &TestApp) {
    app.with_category();
    app.publisher().create("briefs", published("one", "2017-07-31"));
    for format in ["atom", "rss", "json"] {
        let path = format!("/feeds/briefs.{format}");
        let tag = app.get(&path).expect(200).header("etag").to_owned();
        let known = app.with("If-None-Match", &tag);
        assert_eq!(known.get(&path).expect(304).body, b"");
        app.editor().create("briefs", brief(&format!("draft-{format}")));
        known.get(&path).expect(304);
        known.get(&format!("{path}?limit=5")).expect(200);
        let member = app.cleared("reader", "TLP:GREEN").with("If-None-Match", &tag);
        let hidden = published(&format!("hidden-{format}"), "2017-07-31").with(json!({"marking": "TLP:GREEN"}));
        app.publisher().create("briefs", hidden);
        member.get(&path).expect(200);
        known.get(&path).expect(304);
        app.publisher().patch("/v1/briefs/one", json!({"summary": format.to_owned()})).expect(200);
        known.get(&path).expect(200);
    }
}

fn a_write_elsewhere_is_seen_within_a_second(app: &TestApp) {
    app.with_category();
    let other = app.beside();
    let known = app.with("If-None-Match", app.get("/feeds/briefs.json").expect(200).header("etag"));
    other.publisher().create("briefs", published("one", "2017-07-31"));
    let written = Instant::now();
    wait_until(|| {
        let asked = written.elapsed();
        let is_fresh = known.get("/feeds/briefs.json").status == 200;
        assert!(is_fresh || asked < Duration::from_secs(1), "asked after {asked:?}, it did not know yet");
        is_fresh
    });
}

fn odd_letters_make_no_broken_xml(app: &TestApp) {
    app.with_category();
    let odd = "a\u{FFFF}b ]]> & < \u{202E}x \u{1F1E7}\u{1F1FE}";
    let page = published("one", "2017-07-31").with(json!({"title": odd, "summary": odd, "body": odd, "license": odd}));
    app.publisher().create("briefs", page);
    let description = rss(app, "/feeds/briefs.rss").items[0].description.clone().unwrap();
    assert!(description.contains("&lt;") && !description.contains('<'), "{description}");
    let plain = odd.replace('\u{FFFF}', "");
    let [atom, rss, json] = titles(app, "briefs", "");
    assert_eq!((atom[0].trim(), rss[0].trim(), json[0].as_str()), (plain.trim(), plain.trim(), odd.trim()));
}

fn a_person_who_opens_a_feed_sees_a_page(app: &TestApp) {
    for format in ["atom", "rss"] {
        let text = app.get(&format!("/feeds/briefs.{format}")).expect(200).text();
        let browser = app.with("Sec-Fetch-Dest", "document").get(&format!("/feeds/briefs.{format}")).expect(200);
        assert_eq!(browser.header("content-type"), "application/xml; charset=utf-8");
        assert!(browser.header("vary").contains("Sec-Fetch-Dest") && browser.text() == text);
        assert!(text.contains("<?xml-stylesheet type=\"text/css\" href=\"/feeds/style.css\"?>"), "{text}");
    }
    assert_eq!(app.get("/feeds/style.css").expect(200).header("content-type"), "text/css; charset=utf-8");
}

fn a_hub_is_announced_and_told_of_changes(app: &TestApp) {
    let mut is_busy = true;
    let endpoint =
        Endpoint::answering(
            move |_| {
                if std::mem::take(&mut is_busy) { "503 Busy".into() } else { "202 Accepted".into() }
            },
        );
    let hub = endpoint.url.clone();
    let app = app.another_configured(|config| config.websub_hub = Some(hub.parse().unwrap()));
    app.with_category();
    let answer = app.get("/feeds/briefs.atom").expect(200);
    let links = answer.header("link");
    assert!(links.contains(&format!("<{hub}>; rel=\"hub\"")) && links.contains("rel=\"self\""), "{links}");
    assert!(atom(&app, "/feeds/briefs.atom").links.iter().any(|link| link.rel == "hub" && link.href == hub));
    assert_eq!(json_feed(&app, "/feeds/briefs.json")["hubs"], json!([{"type": "WebSub", "url": hub}]));
    assert!(app.get("/feeds/briefs.rss").expect(200).text().contains("rel=\"hub\""));
    for narrowed in ["/feeds/briefs.atom?language=en", "/feeds/briefs.atom?cursor=5"] {
        assert!(!app.get(narrowed).expect(200).text().contains("rel=\"hub\""));
    }
    let refused = endpoint.next().body;
    assert_eq!(endpoint.next().body, refused, "it is told again when it refuses");
    app.editor().create("briefs", brief("draft"));
    app.publisher().create("briefs", published("one", "2017-07-31"));
    let form = endpoint.next().body;
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&form).into_owned().collect();
    assert!(form.contains(&("hub.mode".into(), "publish".into())), "{form:?}");
    assert!(form.contains(&("hub.url".into(), format!("{}/feeds/briefs.atom", app.url()))), "{form:?}");
}

fn a_follower_of_the_feed_ends_with_what_is_public(app: &TestApp) {
    for seed in writers::seeds() {
        let app = &app.another();
        writers::set_the_stage(app);
        let (mut copy, mut seen, mut rounds) = (BTreeMap::new(), 0, 0);
        writers::while_twenty_write(app, seed, || {
            rounds += 1;
            // Every third round the follower dies before it has noted how far it came.
            let newest = follow(app, &mut copy, seen);
            seen = if rounds % 3 == 0 { seen } else { newest };
        });
        follow(app, &mut copy, seen);
        let mut public = BTreeMap::new();
        for row in app.get("/v1/briefs?limit=100&fields=id,title,state").expect(200).rows() {
            if row["state"] == "published" {
                public.insert(format!("urn:uuid:{}", row["id"].as_str().unwrap()), row["title"].clone());
            }
        }
        assert!(!public.is_empty(), "seed {seed}");
        assert_eq!(copy, public, "seed {seed}");
    }
}

/// Reads page after page until what was seen the last time, and keeps what stands.
fn follow(app: &TestApp, copy: &mut BTreeMap<String, Value>, seen: i64) -> i64 {
    let (mut newest, mut path) = (seen, Some("/feeds/briefs.json?limit=3".to_owned()));
    while let Some(this) = path {
        let feed = json_feed(app, &this);
        let mut is_news = true;
        for item in feed["items"].as_array().unwrap() {
            let (id, details) = (item["id"].as_str().unwrap().to_owned(), &item["_briefwire"]);
            let position = details["position"].as_i64().unwrap();
            newest = newest.max(position);
            is_news &= position > seen;
            match details["status"].as_str().unwrap() {
                "current" => drop(copy.insert(id, item["title"].clone())),
                _ => drop(copy.remove(&id)),
            }
        }
        path = feed["next_url"].as_str().filter(|_| is_news).map(|url| url.strip_prefix(app.url()).unwrap().to_owned());
    }
    newest
}
