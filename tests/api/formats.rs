//! A brief in the formats that other sites read.

use serde_json::{Value, json};

use crate::oracle::{archive, deeds, load};
use crate::properties::for_all;
use crate::support::TestApp;
use crate::support::make::{With, published, weekly_page};

on_both!(
    a_brief_comes_in_the_format_that_is_asked_for,
    json_ld_says_everything_that_schema_org_knows,
    ninjs_has_the_members_that_its_standard_knows,
    ninjs_says_how_long_a_brief_is_embargoed,
    ninjs_of_random_briefs_has_the_members_that_its_standard_knows,
    ninjs_says_when_a_brief_is_withdrawn,
    markdown_has_front_matter_that_is_yaml_and_json,
    the_words_of_a_page_are_those_of_its_language,
    a_retracted_brief_is_withheld_in_every_format,
    a_deleted_brief_is_gone_in_every_format,
    what_the_client_has_is_not_sent_again,
    markup_in_what_authors_write_is_text,
    no_script_comes_through_a_body,
);

const FORMATS: [(&str, &str); 5] = [
    ("json", "application/json"),
    ("jsonld", "application/ld+json"),
    ("ninjs", "application/ninjs+json"),
    ("markdown", "text/markdown; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
];

fn with_page(app: &TestApp) -> Value {
    app.with_cast();
    app.publisher().create("briefs", weekly_page("page").with(json!({"state": "published"})))
}

fn a_brief_comes_in_the_format_that_is_asked_for(app: &TestApp) {
    with_page(app);
    for (format, media_type) in FORMATS {
        let by_parameter =
            app.with("Accept", "application/json").get(&format!("/v1/briefs/page?format={format}")).expect(200);
        assert_eq!(by_parameter.header("content-type"), media_type);
        assert!(by_parameter.text().contains("The army gains weight"), "{}", by_parameter.text());
        let accept = media_type.split(';').next().unwrap();
        let by_header = app.with("Accept", accept).get("/v1/briefs/page").expect(200);
        assert_eq!((by_header.header("content-type"), by_header.text()), (media_type.to_owned(), by_parameter.text()));
    }
    app.with("Accept", "image/png").get("/v1/briefs/page").problem(406, "not-acceptable");
    app.get("/v1/briefs/page?format=csv").problem(400, "invalid-parameter");
    app.get("/v1/briefs/page?format=markdown&fields=title").problem(400, "invalid-parameter");
}

fn json_ld_says_everything_that_schema_org_knows(app: &TestApp) {
    let page = with_page(app);
    app.publisher()
        .post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "It was Tuesday."}))
        .expect(201);
    let aliases = json!({"aliases": [{"name": "Лукашенко", "language": "ru"}]});
    app.publisher().patch("/v1/actors/lukashenka", aliases).expect(200);
    let article = app.get("/v1/briefs/page?format=jsonld").expect(200).json();
    assert_eq!(article["@context"], "https://schema.org");
    assert_eq!(article["@type"], "AnalysisNewsArticle");
    assert_eq!(article["@id"], format!("urn:uuid:{}", page["id"].as_str().unwrap()));
    assert_eq!(article["headline"], page["title"]);
    assert_eq!(article["articleSection"], page["category"]["name"]);
    assert_eq!(article["keywords"][0]["name"], "progress");
    assert_eq!(article["inLanguage"], "en");
    assert_eq!(article["datePublished"], page["published_at"]);
    assert_eq!(article["image"]["creditText"], page["image"]["credit"]);
    assert_eq!(article["correction"][0]["text"], "It was Tuesday.");
    let mentioned = article["mentions"].as_array().unwrap();
    assert_eq!(mentioned.len(), page["actors"].as_array().unwrap().len());
    assert_eq!(mentioned.last().unwrap()["alternateName"], json!(["Лукашенко"]));
    assert!(article.as_object().unwrap().values().all(|value| !value.is_null()), "{article}");
}

/// The members of each closed object of ninjs 3.0.1 that a brief may have. `!` marks those that must be there.
fn known_to_ninjs(place: &str) -> &'static [&'static str] {
    match place {
        "" => &[
            "uri!",
            "type",
            "representationType",
            "profile",
            "version",
            "firstCreated",
            "versionCreated",
            "contentCreated",
            "embargoedUntil",
            "pubStatus",
            "urgency",
            "copyrightHolder",
            "copyrightNotice",
            "usageTerms",
            "edNote",
            "language",
            "descriptions",
            "bodies",
            "headlines",
            "people",
            "organisations",
            "places",
            "subjects",
            "events",
            "objects",
            "infoSources",
            "title",
            "by",
            "slugline",
            "located",
            "renditions",
            "associations",
            "altIds",
            "trustIndicators",
            "standard",
            "genres",
            "expires",
            "rightsInfo",
            "eventDetails",
            "plannedCoverage",
        ],
        "standard" => &["name", "version", "schema"],
        "headlines" | "descriptions" => &["role", "contentType", "value!"],
        "bodies" => &["role", "contentType", "charCount", "wordCount", "value!"],
        "people" => &["name", "rel", "uri", "literal", "contactInfo"],
        "organisations" => &["name", "rel", "uri", "literal", "symbols", "contactInfo"],
        "places" => &["name", "rel", "uri", "literal", "contactInfo", "geoJSON"],
        "subjects" => &["name", "rel", "uri", "literal", "creator", "relevance", "confidence"],
        "events" => &["id", "name", "rel", "uri", "literal"],
        "infoSources" => &["name", "role", "uri", "literal", "contactInfo"],
        "renditions" => &["name!", "href", "contentType", "title", "height", "width"],
        other => panic!("{other} is not looked at"),
    }
}

fn check_ninjs(place: &str, object: &Value) {
    let members = object.as_object().unwrap_or_else(|| panic!("{place}: {object}"));
    let known = known_to_ninjs(if place == "associations" { "" } else { place });
    for (name, member) in members {
        let is_of_association = place == "associations" && ["name", "rel"].contains(&name.as_str());
        assert!(
            is_of_association || known.iter().any(|it| it.trim_end_matches('!') == name),
            "{place}/{name} is not in ninjs"
        );
        match member {
            Value::Array(items) => items.iter().for_each(|item| check_ninjs(name, item)),
            Value::Object(_) => check_ninjs(name, member),
            other => assert!(other.is_string(), "{place}/{name}: {other}"),
        }
        let terms: &[&str] = match (name.as_str(), place) {
            ("type", "" | "associations") => &["text", "picture"],
            ("pubStatus", _) => &["usable", "withheld", "canceled"],
            ("representationType", _) => &["full", "partial"],
            _ => &[],
        };
        assert!(terms.is_empty() || terms.iter().any(|term| member == term), "{place}/{name}: {member}");
        if ["firstCreated", "versionCreated", "embargoedUntil"].contains(&name.as_str()) {
            chrono::DateTime::parse_from_rfc3339(member.as_str().unwrap())
                .unwrap_or_else(|error| panic!("{place}/{name}: {error}"));
        }
        if ["uri", "href", "schema"].contains(&name.as_str()) {
            url::Url::parse(member.as_str().unwrap()).unwrap_or_else(|error| panic!("{place}/{name}: {error}"));
        }
    }
    for needed in known.iter().filter_map(|name| name.strip_suffix('!')) {
        assert!(members.contains_key(needed), "{place} has no {needed}");
    }
    assert!(place != "associations" || members.contains_key("name"), "{object}");
}

fn ninjs_has_the_members_that_its_standard_knows(app: &TestApp) {
    let page = with_page(app);
    app.publisher().create("briefs", published("like", "2017-08-07"));
    app.publisher()
        .patch("/v1/briefs/page", json!({"related": ["like"], "authors": ["The desk"], "license": "CC-BY-4.0"}))
        .expect(200);
    let ninjs = app.get("/v1/briefs/page?format=ninjs").expect(200).json();
    check_ninjs("", &ninjs);
    assert_eq!(ninjs["uri"], format!("urn:uuid:{}", page["id"].as_str().unwrap()));
    assert_eq!(ninjs["headlines"][0]["value"], page["title"]);
    assert_eq!(
        (&ninjs["pubStatus"], &ninjs["version"], &ninjs["by"]),
        (&json!("usable"), &json!("2"), &json!("The desk"))
    );
    assert_eq!(
        (&ninjs["subjects"][0]["literal"], &ninjs["subjects"][1]["rel"]),
        (&json!("security"), &json!("status"))
    );
    let roles: Vec<&Value> = ninjs["bodies"].as_array().unwrap().iter().map(|body| &body["role"]).collect();
    assert!(roles.contains(&&json!("trends")), "{roles:?}");
    let association = ninjs["associations"].as_array().unwrap().iter().find(|it| it["type"] == "text").unwrap();
    assert_eq!(association["name"], "About like");
    check_ninjs("", &app.get("/v1/briefs/like?format=ninjs").expect(200).json());
}

fn ninjs_says_how_long_a_brief_is_embargoed(app: &TestApp) {
    app.with_category();
    let end = "2099-01-01T00:00:00Z";
    app.publisher().create("briefs", published("later", "2017-07-31").with(json!({"embargo_until": end})));
    let ninjs = app.publisher().get("/v1/briefs/later?format=ninjs").expect(200).json();
    check_ninjs("", &ninjs);
    assert_eq!(ninjs["embargoedUntil"], end);
}

fn ninjs_of_random_briefs_has_the_members_that_its_standard_knows(app: &TestApp) {
    for_all(&(archive(), deeds()), |(mut archive, deeds)| {
        let app = app.another();
        load(&app.admin(), &mut archive);
        archive.apply_all(&app.admin(), &deeds);
        for client in [&app.admin(), app.anyone()] {
            for row in client.get("/v1/briefs?format=ndjson&fields=id").expect(200).lines() {
                let path = format!("/v1/briefs/{}?format=ninjs", row["id"].as_str().unwrap());
                check_ninjs("", &client.get(&path).expect(200).json());
            }
        }
    });
}

fn ninjs_says_when_a_brief_is_withdrawn(app: &TestApp) {
    with_page(app);
    app.publisher()
        .post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": "It was Tuesday."}))
        .expect(201);
    let corrected = app.get("/v1/briefs/page?format=ninjs").expect(200).json();
    assert!(corrected["edNote"].as_str().unwrap().contains("It was Tuesday."), "{corrected}");
    app.publisher().post("/v1/briefs/page/retract", json!({"reason": "It was forged."})).expect(200);
    let retracted = app.get("/v1/briefs/page?format=ninjs").expect(200).json();
    check_ninjs("", &retracted);
    assert_eq!((&retracted["pubStatus"], retracted.get("bodies")), (&json!("canceled"), None));
    assert!(retracted["edNote"].as_str().unwrap().contains("It was forged."), "{retracted}");
}

fn markdown_has_front_matter_that_is_yaml_and_json(app: &TestApp) {
    let page = with_page(app);
    let text = app.get("/v1/briefs/page?format=markdown").expect(200).text();
    let (front, rest) = text.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap();
    let front: serde_json::Map<String, Value> = front
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), serde_json::from_str(value).unwrap())
        })
        .collect();
    for name in ["id", "slug", "version", "title", "language", "country", "period", "published_at", "image", "state"] {
        assert_eq!(front[name], page[name], "{name}");
    }
    assert!(rest.starts_with("\n# The army gains weight\n"), "{rest}");
    for trend in page["trends"].as_array().unwrap() {
        assert!(rest.contains(trend["statement"].as_str().unwrap()), "{rest}");
    }
}

fn the_words_of_a_page_are_those_of_its_language(app: &TestApp) {
    app.with_category();
    for (language, word) in [("en", "Trends"), ("ru", "Тенденции"), ("be-tarask", "Тэндэнцыі"), ("pl", "Trends")]
    {
        let trends = json!({"language": language, "trends": [{"statement": "It goes on", "direction": "stable"}]});
        app.publisher().create("briefs", published(language, "2017-07-31").with(trends));
        for format in ["markdown", "html"] {
            let text = app.get(&format!("/v1/briefs/{language}?format={format}")).expect(200).text();
            assert!(text.contains(word), "{text}");
        }
    }
}

fn a_retracted_brief_is_withheld_in_every_format(app: &TestApp) {
    let page = with_page(app);
    let retraction = json!({"reason": "The source was forged.", "replacement": "better"});
    app.publisher().post("/v1/briefs/page/retract", retraction).expect(200);
    for format in ["json", "ninjs", "markdown", "html"] {
        let text = app.get(&format!("/v1/briefs/page?format={format}")).expect(200).text();
        assert!(text.contains("The army gains weight") && text.contains("The source was forged."), "{text}");
        for trend in page["trends"].as_array().unwrap() {
            assert!(!text.contains(trend["statement"].as_str().unwrap()), "{text}");
        }
    }
    let gone = app.get("/v1/briefs/page?format=jsonld").problem(410, "gone");
    assert_eq!((&gone["reason"], &gone["replacement"]), (&json!("The source was forged."), &json!("better")));
    assert_eq!(gone["detail"], "This brief was retracted.");
}

fn a_deleted_brief_is_gone_in_every_format(app: &TestApp) {
    with_page(app);
    app.publisher().delete("/v1/briefs/page?reason=old").expect(204);
    for (format, _) in FORMATS {
        let gone = app.get(&format!("/v1/briefs/page?format={format}")).problem(410, "gone");
        assert_eq!(gone["reason"], "old");
    }
}

fn what_the_client_has_is_not_sent_again(app: &TestApp) {
    with_page(app);
    for (format, _) in FORMATS {
        let path = format!("/v1/briefs/page?format={format}");
        let tag = app.get(&path).expect(200).header("etag").to_owned();
        app.with("If-None-Match", &tag).get(&path).expect(304);
        app.publisher().patch("/v1/briefs/page", json!({"summary": format!("After {format}")})).expect(200);
        app.with("If-None-Match", &tag).get(&path).expect(200);
    }
}

fn markup_in_what_authors_write_is_text(app: &TestApp) {
    app.with_category();
    let hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    app.publisher().create("events", json!({
        "slug": "event", "title": hostile, "description": hostile, "kind": "other", "occurred": "2017", "state": "published",
    }));
    let page = published("page", "2017-07-31").with(json!({
        "title": hostile, "summary": hostile, "authors": [hostile], "license": hostile,
        "image": {"url": "https://images.example.org/a.jpg", "alt": hostile, "credit": hostile},
        "trends": [{"statement": hostile, "direction": "stable", "limits": hostile}],
        "events": ["event"], "sources": [{"url": "https://example.org/?a='&b", "title": hostile}],
    }));
    app.publisher().create("briefs", page);
    app.publisher().post("/v1/briefs/page/corrections", json!({"severity": "minor", "note": hostile})).expect(201);
    let html = app.get("/v1/briefs/page?format=html").expect(200).text();
    assert!(!html.contains("<script") && !html.contains("<img src=x"), "{html}");
    let markdown = app.get("/v1/briefs/page?format=markdown").expect(200).text();
    let (_, text) = markdown.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap();
    assert!(!text.replace("\\<script", "").contains("<script"), "{text}");
}

/// What may run a script, in several hundred combinations of a vehicle and a disguise.
fn vectors() -> Vec<String> {
    let payloads = ["alert(1)", "eval(String.fromCharCode(97,108,101,114,116,40,49,41))", "top['al'+'ert'](1)"];
    let addresses = [
        "javascript:{}",
        "JaVaScRiPt:{}",
        "java\tscript:{}",
        "java\nscript:{}",
        " javascript:{}",
        "&#106;avascript:{}",
        "&#x6A;avascript:{}",
        "javascript&colon;{}",
        "data:text/html,<script>{}</script>",
        "vbscript:{}",
    ];
    let vehicles = [
        "<a href=\"{}\">x</a>",
        "[x]({})",
        "[x](<{}>)",
        "![x]({})",
        "<img src=\"{}\">",
        "<iframe src=\"{}\"></iframe>",
        "<form action=\"{}\"><button>x</button></form>",
        "<object data=\"{}\"></object>",
        "<embed src=\"{}\">",
        "<svg><a xlink:href=\"{}\"><text>x</text></a></svg>",
        "<math><mtext href=\"{}\">x</mtext></math>",
        "<base href=\"{}\">",
        "<link rel=stylesheet href=\"{}\">",
        "<meta http-equiv=refresh content=\"0;url={}\">",
    ];
    let whole = [
        "<script>{}</script>",
        "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
        "<img src=x onerror={}>",
        "<img src=x OnErRoR=\"{}\">",
        "<svg onload={}>",
        "<body onload={}>",
        "<details open ontoggle={}>x</details>",
        "<input autofocus onfocus={}>",
        "<video><source onerror={}></video>",
        "<style>@import 'javascript:{}';</style>",
        "<div style=\"background:url(javascript:{})\">x</div>",
        "<p onmouseover={}>x</p>",
        "<a href=x onclick={}>x</a>",
        "<scr<script>ipt>{}</scr</script>ipt>",
        "<<script>{}//<</script>",
        "<img \"\"\"><script>{}</script>\">",
        "<svg><script>{}</script></svg>",
        "<math><style><img src=x onerror={}></style></math>",
        "<noscript><p title=\"</noscript><img src=x onerror={}>\"></noscript>",
        "<template><script>{}</script></template>",
        "<!--><script>{}</script-->",
        "<svg></p><style><a id=\"</style><img src=1 onerror={}>\">",
        "<isindex type=image src=1 onerror={}>",
        "`<script>{}</script>",
        "<plaintext><script>{}</script>",
        "<marquee onstart={}>x</marquee>",
    ];
    let mut vectors = Vec::new();
    for payload in payloads {
        vectors.extend(whole.iter().map(|vector| vector.replace("{}", payload)));
    }
    for vehicle in vehicles {
        vectors.extend(addresses.iter().map(|address| vehicle.replace("{}", &address.replace("{}", "alert(1)"))));
    }
    vectors
}

/// What of an HTML text would run: elements that load or run something, attributes that handle events, addresses that are
/// programs. What stands in a text is none of it.
fn live(html: &str) -> Vec<String> {
    let mut live = Vec::new();
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let tag = tag.to_ascii_lowercase();
        let name: String = tag.chars().take_while(|letter| letter.is_ascii_alphanumeric()).collect();
        let allowed = [
            "a",
            "abbr",
            "b",
            "bdi",
            "bdo",
            "blockquote",
            "br",
            "center",
            "cite",
            "code",
            "dd",
            "del",
            "details",
            "dfn",
            "div",
            "dl",
            "dt",
            "em",
            "figcaption",
            "figure",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "i",
            "img",
            "ins",
            "kbd",
            "li",
            "mark",
            "ol",
            "p",
            "pre",
            "q",
            "s",
            "samp",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "summary",
            "sup",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "time",
            "tr",
            "tt",
            "u",
            "ul",
            "var",
            "wbr",
            "article",
            "",
        ];
        let handles =
            tag.split_whitespace().skip(1).any(|attribute| attribute.starts_with("on") && attribute.contains('='));
        let dense: String = tag.chars().filter(|letter| !letter.is_whitespace() && !letter.is_control()).collect();
        let runs = ["=\"javascript:", "=\"vbscript:", "=\"data:", "style="].iter().any(|word| dense.contains(word));
        if !allowed.contains(&name.as_str()) || handles || runs {
            live.push(tag);
        }
    }
    live
}

fn no_script_comes_through_a_body(app: &TestApp) {
    app.with_category();
    let vectors = vectors();
    assert!(vectors.len() >= 200, "{}", vectors.len());
    assert_eq!(live("<p>x</p><a href=\"javascript:alert(1)\">y</a><img src=x onerror=\"z\"><svg>").len(), 3);
    for (number, chunk) in vectors.chunks(20).enumerate() {
        // Each by itself, and all of them one after the other.
        let body = chunk.iter().map(|vector| format!("{vector}\n\n")).collect::<String>();
        for (single, vector) in chunk.iter().enumerate() {
            let slug = format!("page-{number}-{single}");
            app.publisher().create("briefs", published(&slug, "2017-07-31").with(json!({"body": vector})));
            let html = app.get(&format!("/v1/briefs/{slug}?format=html")).expect(200).text();
            assert_eq!(live(&html), Vec::<String>::new(), "{vector}");
        }
        let slug = format!("all-{number}");
        app.publisher().create("briefs", published(&slug, "2017-07-31").with(json!({"body": body})));
        let html = app.get(&format!("/v1/briefs/{slug}?format=html")).expect(200).text();
        assert_eq!(live(&html), Vec::<String>::new());
    }
}
