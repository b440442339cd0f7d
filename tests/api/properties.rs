//! The server against the model in [`oracle`](crate::oracle): over random archives, every caller is answered what the
//! model answers, in lists, counts, streams and single resources. `PROPTEST_CASES` makes it look further.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, SecondsFormat, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use crate::oracle::{Archive, Ask, Brief, Caller, Event, List, MARKINGS, Trend, archive, asks, deeds, load};
use crate::support::{Client, TestApp};

on_both![
    lists_answer_as_the_model_does,
    single_resources_show_what_the_model_does,
    the_past_is_as_the_model_was_less_what_is_hidden_now,
    a_feed_is_its_list_by_what_changed_last_and_notices,
];

/// How many archives are tried on each database, and how many requests to lists on each archive.
const CASES: u32 = 12;
const ASKS: usize = 60;

fn lists_answer_as_the_model_does(app: &TestApp) {
    for_all(&(archive(), deeds(), asks(ASKS)), |(mut archive, deeds, asks)| {
        let app = app.another();
        let callers = Callers::of(&app);
        load(&app.admin(), &mut archive);
        archive.apply_all(&app.admin(), &deeds);
        archive.learn(&app.admin());
        for (ask, caller) in asks.iter().zip(callers.0.keys().cycle()) {
            compare_list(&archive, ask, *caller, callers.client(*caller), None);
        }
    });
}

fn single_resources_show_what_the_model_does(app: &TestApp) {
    for_all(&(archive(), deeds()), |(mut archive, deeds)| {
        let app = app.another();
        let callers = Callers::of(&app);
        load(&app.admin(), &mut archive);
        archive.apply_all(&app.admin(), &deeds);
        archive.learn(&app.admin());
        for (caller, client) in &callers.0 {
            let comparison = Comparison { archive: &archive, caller: *caller, client, as_of: None };
            comparison.briefs();
            comparison.events();
            comparison.trends();
            comparison.categories();
        }
    });
}

fn the_past_is_as_the_model_was_less_what_is_hidden_now(app: &TestApp) {
    for_all(&(archive(), deeds(), deeds(), asks(ASKS / 2)), |(mut archive, first, second, asks)| {
        let app = app.another();
        let callers = Callers::of(&app);
        load(&app.admin(), &mut archive);
        archive.apply_all(&app.admin(), &first);
        archive.learn(&app.admin());
        let (then, past) = (Utc::now(), archive.clone());
        archive.apply_all(&app.admin(), &second);
        let past = past.seen_from(&archive);
        let time = then.to_rfc3339_opts(SecondsFormat::Micros, true);
        for (ask, caller) in asks.iter().zip(callers.0.keys().cycle()) {
            compare_list(&past, ask, *caller, callers.client(*caller), Some(&time));
        }
        for (caller, client) in &callers.0 {
            let comparison = Comparison { archive: &past, caller: *caller, client, as_of: Some(&time) };
            comparison.briefs();
            comparison.events();
            comparison.trends();
            comparison.categories();
        }
    });
}

fn a_feed_is_its_list_by_what_changed_last_and_notices(app: &TestApp) {
    for_all(&(archive(), deeds(), deeds(), asks(ASKS / 2)), |(mut archive, first, second, asks)| {
        let app = app.another();
        let callers = Callers::of(&app);
        load(&app.admin(), &mut archive);
        archive.apply_all(&app.admin(), &first);
        // The index has come so far, and may not have come to what follows.
        app.get("/v1/search?q=anything").expect(200);
        archive.apply_all(&app.admin(), &second);
        let changes: BTreeMap<Caller, Changes> =
            callers.0.iter().map(|(caller, client)| (*caller, Changes::known_to(client))).collect();
        for (ask, caller) in asks.iter().zip(callers.0.keys().cycle()) {
            if !ask.is_turned_round() {
                compare_feed(&archive, ask, callers.client(*caller), &changes[caller]);
            }
        }
    });
}

/// Tries random cases, always the same ones.
pub fn for_all<S: Strategy>(strategy: &S, test: impl Fn(S::Value)) {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(strategy, |value| {
        test(value);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// A client for each of several classes of callers: readers of every clearance, and editors of the least and the highest.
struct Callers(BTreeMap<Caller, Client>);

impl Callers {
    fn of(app: &TestApp) -> Self {
        let chosen = Caller::all().filter(|caller| !caller.editor || [0, 4].contains(&caller.clearance));
        Self(chosen.map(|caller| (caller, Self::make(app, caller))).collect())
    }

    fn make(app: &TestApp, caller: Caller) -> Client {
        match (caller.editor, caller.clearance) {
            (false, 0) => app.anyone().clone(),
            (false, clearance) => app.cleared("reader", MARKINGS[clearance]),
            (true, clearance) => app.cleared("editor", MARKINGS[clearance]),
        }
    }

    fn client(&self, caller: Caller) -> &Client {
        &self.0[&caller]
    }
}

// --- lists

fn compare_list(archive: &Archive, ask: &Ask, caller: Caller, client: &Client, as_of: Option<&str>) {
    let query = ask.query(archive);
    let time = as_of.map(|time| format!("&as_of={time}")).unwrap_or_default();
    let path = format!("{}?{query}{time}", ask.list.path());
    if ask.is_turned_round() {
        client.get(&path).problem(400, "invalid-parameter");
        return;
    }
    let expected = archive.answer(caller, ask);
    let pages = slugs_of_pages(client, &path, ask.limit, expected.len());
    assert_eq!(pages, expected, "the pages of {path} for {caller:?}");
    let ndjson = client.get(&format!("{path}&format=ndjson")).expect(200).lines();
    let streamed: Vec<&str> = ndjson.iter().map(|row| text(&row["slug"])).collect();
    assert_eq!(streamed, expected, "the NDJSON of {path} for {caller:?}");
    let csv = slugs_of_csv(&client.get(&format!("{path}&format=csv")).expect(200).body);
    assert_eq!(csv, expected, "the CSV of {path} for {caller:?}");
    compare_counts(archive, ask, caller, client, &path, &time);
    if ask.list == List::Briefs {
        let rows = client.get(&format!("{path}&limit=5&include=body,events,actors,trends")).expect(200).rows();
        let comparison = Comparison { archive, caller, client, as_of };
        for row in rows {
            let brief = archive.briefs.iter().find(|brief| brief.slug == text(&row["slug"])).expect("a known brief");
            comparison.brief_shows(&row, brief);
        }
    }
}

/// The last change of everything that a caller knows of, the last first.
struct Changes(Vec<Value>);

impl Changes {
    fn known_to(client: &Client) -> Self {
        let (mut last, mut since) = (BTreeMap::new(), 0);
        loop {
            let page = client.get(&format!("/v1/changes?limit=100&since={since}")).expect(200).json();
            for row in items(&page["data"]) {
                last.insert(text(&row["id"]).to_owned(), row.clone());
            }
            if items(&page["data"]).is_empty() {
                let mut rows: Vec<Value> = last.into_values().collect();
                rows.sort_by_key(|row| -row["position"].as_i64().expect("a position"));
                return Self(rows);
            }
            since = page["page"]["next"].as_i64().expect("a position");
        }
    }
}

/// A feed has what its list has, and a notice of all that was withdrawn, whatever it was.
fn compare_feed(archive: &Archive, ask: &Ask, client: &Client, changes: &Changes) {
    let filter = ask.filter(archive);
    let list = client.get(&format!("{}?{filter}&format=ndjson&fields=id", ask.list.path())).expect(200).lines();
    let listed: Vec<&str> = list.iter().map(|row| text(&row["id"])).collect();
    let (kind, feed) = match ask.list {
        List::Briefs => ("brief", "/feeds/briefs.json"),
        List::Events => ("event", "/feeds/events.json"),
        List::Trends => ("trend", "/feeds/trends.json"),
    };
    let is_withdrawn = |row: &Value| {
        row["change"] == "removed" || (ask.list == List::Briefs && row["current"]["state"] == "retracted")
    };
    let rows = changes.0.iter().filter(|row| row["resource"] == kind);
    let shown = rows.filter(|row| is_withdrawn(row) || listed.contains(&text(&row["id"])));
    let expected: Vec<String> = shown.map(|row| format!("urn:uuid:{}", text(&row["id"]))).collect();

    let (mut found, mut path) = (Vec::new(), Some(format!("{feed}?{filter}&limit={}", ask.limit)));
    while let Some(this) = path {
        let page = client.get(&this).expect(200).json();
        let entries = items(&page["items"]).iter().map(|item| text(&item["id"]).to_owned());
        let before = found.len();
        found.extend(entries);
        path = page["next_url"].as_str().map(|url| url.strip_prefix(client.url()).expect("our address").to_owned());
        assert!(path.is_none() || found.len() - before == ask.limit, "a page before the last is not full: {this}");
        assert!(found.len() <= expected.len(), "{this} has no end: {found:?}, not {expected:?}");
    }
    assert_eq!(found, expected, "the entries of {feed}?{filter}");
}

/// Facets and timelines of a list.
fn compare_counts(archive: &Archive, ask: &Ask, caller: Caller, client: &Client, path: &str, time: &str) {
    let facets = ask.list.facets();
    let found = client.get(&format!("{path}&facets={}&facet_limit=100&limit=1", facets.join(","))).expect(200).json();
    for (facet, expected) in archive.facets(caller, ask) {
        let counts = found["facets"][facet].as_array().expect("a facet").iter();
        let counted: BTreeMap<String, u64> =
            counts.map(|row| (text(&row["value"]).to_owned(), row["count"].as_u64().expect("a count"))).collect();
        assert_eq!(counted, expected, "the facet {facet} of {path} for {caller:?}");
    }
    if ask.list == List::Briefs || ask.searches() {
        return;
    }
    let filter = ask.filter(archive);
    for (interval, group) in [("day", None), ("week", Some("actor")), ("month", Some("state")), ("year", None)] {
        let grouped = group.map(|group| format!("&group_by={group}&group_limit=100")).unwrap_or_default();
        let path = format!("{}/timeline?{filter}&interval={interval}{grouped}{time}", ask.list.path());
        let timeline = client.get(&path).expect(200).json();
        let mut expected: BTreeMap<(NaiveDate, Option<String>), u64> = BTreeMap::new();
        for ((day, group), count) in archive.days(caller, ask, group) {
            *expected.entry((first_day_of(interval, day), group)).or_default() += count;
        }
        compare_timeline(&timeline, interval, &expected, &path);
    }
}

fn compare_timeline(
    timeline: &Value,
    interval: &str,
    expected: &BTreeMap<(NaiveDate, Option<String>), u64>,
    path: &str,
) {
    let day = |value: &Value| -> NaiveDate { text(value).parse().expect("a day") };
    let rows = timeline["data"].as_array().expect("rows");
    let mut counted = BTreeMap::new();
    for row in rows {
        let group = row["group"].as_str().map(ToOwned::to_owned);
        let count = row["count"].as_u64().expect("a count");
        let before = counted.insert((day(&row["from"]), group), count);
        assert_eq!(before, None, "{path} says a thing twice");
        assert_eq!(first_day_of(interval, day(&row["to"])), day(&row["from"]), "an interval of {path}");
    }
    let filled: BTreeMap<_, _> = counted.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(&filled, expected, "the counts of {path}");
    let mut starts: Vec<NaiveDate> = rows.iter().map(|row| day(&row["from"])).collect();
    starts.dedup();
    for pair in starts.windows(2) {
        assert_eq!(first_day_of(interval, pair[1].pred_opt().expect("a day")), pair[0], "{path} has a gap");
    }
    let (first, last) = (expected.keys().next().map(|key| key.0), expected.keys().last().map(|key| key.0));
    assert_eq!((starts.first().copied(), starts.last().copied()), (first, last), "the ends of {path}");
}

fn first_day_of(interval: &str, day: NaiveDate) -> NaiveDate {
    match interval {
        "day" => day,
        "week" => day.week(chrono::Weekday::Mon).first_day(),
        "month" => day.with_day(1).expect("a first day"),
        _ => day.with_ordinal(1).expect("a first day"),
    }
}

/// Follows the pages to the last one, each of which must be full but the last.
fn slugs_of_pages(client: &Client, path: &str, limit: usize, total: usize) -> Vec<String> {
    let mut slugs = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = client.get(&format!("{path}&count=true&limit={limit}{cursor}")).expect(200);
        let page = answer.json();
        assert_eq!(page["page"]["total"], total, "the total of {path}: {}", answer.whole());
        slugs.extend(answer.slugs());
        match page["page"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return slugs,
        }
        assert_eq!(answer.rows().len(), limit, "a page before the last is not full: {}", answer.whole());
        assert!(slugs.len() <= total, "{path} has no end: {slugs:?}");
    }
}

fn slugs_of_csv(body: &[u8]) -> Vec<String> {
    let mut table = csv::Reader::from_reader(body);
    let place = table.headers().expect("headings").iter().position(|heading| heading == "slug").expect("slugs");
    table.records().map(|row| row.expect("a row")[place].to_owned()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

// --- single resources

/// One caller's view of an archive.
struct Comparison<'a> {
    archive: &'a Archive,
    caller: Caller,
    client: &'a Client,
    as_of: Option<&'a str>,
}

impl Comparison<'_> {
    fn briefs(&self) {
        for brief in &self.archive.briefs {
            let once_seen = brief.once_seen.contains(&self.caller);
            let seen = self.caller.sees_brief(brief);
            if let Some(view) = self.read("briefs", &brief.slug, &brief.facts.id, seen, brief.deleted && once_seen) {
                self.brief_shows(&view, brief);
                self.similar_is_allowed(&view, brief);
            }
        }
    }

    fn events(&self) {
        for event in &self.archive.events {
            let once_seen = event.once_seen.contains(&self.caller);
            let seen = self.caller.sees_event(self.archive, event);
            if let Some(view) = self.read("events", &event.slug, &event.facts.id, seen, event.deleted && once_seen) {
                self.event_shows(&view, event);
            }
        }
    }

    fn trends(&self) {
        for brief in &self.archive.briefs {
            for trend in &brief.trends {
                let seen = self.caller.sees_trend(brief, trend);
                if let Some(view) = self.read("trends", &trend.slug, &trend.facts.id, seen, false) {
                    assert_eq!(view["brief"]["slug"], brief.slug.as_str(), "{view}");
                    self.trend_shows(&view, trend);
                }
            }
        }
        for (_, trend) in &self.archive.gone_trends {
            self.read("trends", &trend.slug, &trend.facts.id, false, trend.once_seen.contains(&self.caller));
        }
    }

    fn categories(&self) {
        for (place, category) in self.archive.categories.iter().enumerate() {
            let view = self.client.get(&format!("/v1/categories/{}{}", category.slug, self.time())).expect(200).json();
            match self.archive.status_of(self.caller, place) {
                None => assert!(view["status"].is_null(), "{:?} sees {view}", self.caller),
                Some(brief) => {
                    assert_eq!(view["status"]["brief"]["slug"], brief.slug.as_str(), "{:?} sees {view}", self.caller);
                    assert_eq!(view["status"]["value"], brief.category_status.unwrap_or_default());
                }
            }
        }
    }

    /// Reads it by slug and by id, with the status that it must have; the view, if there is one.
    fn read(&self, collection: &str, slug: &str, id: &str, seen: bool, gone: bool) -> Option<Value> {
        let status = match (seen, gone) {
            (true, _) => 200,
            (false, true) => 410,
            (false, false) => 404,
        };
        let time = self.time();
        let answer = self.client.get(&format!("/v1/{collection}/{slug}{time}"));
        assert_eq!(answer.status, status, "{:?} asks for {slug}: {}", self.caller, answer.whole());
        let by_id = self.client.get(&format!("/v1/{collection}/{id}{time}"));
        assert_eq!(by_id.status, status, "{:?} asks for {slug} by id: {}", self.caller, by_id.whole());
        seen.then(|| {
            assert_eq!(by_id.body, answer.body, "{:?} asks for {slug}", self.caller);
            answer.json()
        })
    }

    fn time(&self) -> String {
        self.as_of.map(|time| format!("?as_of={time}")).unwrap_or_default()
    }

    fn brief_shows(&self, view: &Value, brief: &Brief) {
        let context = || format!("{:?} sees {} as {view:#}", self.caller, brief.slug);
        let content = self.caller.sees_content(brief);
        // Whoever may not read it any more is told so, whatever it was then.
        assert_eq!(view["state"], brief.state, "{}", context());
        assert_eq!(view["summary"].is_string(), content, "{}", context());
        assert_eq!(view["body"].is_string(), content, "{}", context());
        assert_eq!(view["body_html"].is_string(), content, "{}", context());

        let trends = self.archive.visible_trends(self.caller, brief);
        assert_eq!(
            slugs(&view["trends"]),
            trends.iter().map(|trend| trend.slug.clone()).collect::<Vec<_>>(),
            "{}",
            context()
        );
        for (view, trend) in items(&view["trends"]).iter().zip(trends) {
            self.trend_shows(view, trend);
        }
        let shown = if content { self.event_names(&brief.events) } else { Vec::new() };
        assert_eq!(slugs(&view["events"]), shown, "{}", context());
        let living = items(&view["events"]).iter().filter(|view| view["slug"].is_string());
        for (view, event) in living.zip(self.archive.visible_events(self.caller, brief)) {
            self.event_shows(view, event);
        }
        let actors = self.archive.visible_actors(self.caller, brief);
        let actors: Vec<&str> = actors.into_iter().map(|actor| self.archive.actors[actor].slug).collect();
        assert_eq!(slugs(&view["actors"]), actors, "{}", context());

        assert_eq!(slugs(&view["related"]), self.names_of_related(brief), "{}", context());
        assert_eq!(slugs(&view["translations"]), self.names_of_translations(brief), "{}", context());
    }

    fn event_shows(&self, view: &Value, event: &Event) {
        let participants: Vec<(&str, &str)> = items(&view["participants"])
            .iter()
            .map(|participant| (text(&participant["actor"]["slug"]), text(&participant["role"])))
            .collect();
        let expected: Vec<(&str, &str)> =
            event.participants.iter().map(|(actor, role)| (self.archive.actors[*actor].slug, *role)).collect();
        assert_eq!(participants, expected, "{view}");
        assert_eq!(text(&view["occurred"]), event.occurred.text, "{view}");
        assert_eq!(text(&view["occurred_from"]), event.occurred.from.to_string(), "{view}");
        assert_eq!(text(&view["occurred_to"]), event.occurred.to.to_string(), "{view}");
        assert_eq!(text(&view["marking"]), MARKINGS[event.marking], "{view}");
    }

    fn trend_shows(&self, view: &Value, trend: &Trend) {
        let actors: Vec<&str> = trend.actors.iter().map(|actor| self.archive.actors[*actor].slug).collect();
        assert_eq!(slugs(&view["actors"]), actors, "{view}");
        assert_eq!(slugs(&view["evidence"]), self.event_names(&trend.evidence), "{:?} sees {view}", self.caller);
    }

    /// The events that this caller is shown: by slug, or as deleted if it could once see them.
    fn event_names(&self, events: &[usize]) -> Vec<String> {
        let events = events.iter().map(|place| &self.archive.events[*place]);
        events
            .filter_map(|event| match event.deleted {
                true => event.once_seen.contains(&self.caller).then(|| format!("deleted {}", event.facts.id)),
                false => self.caller.sees_event(self.archive, event).then(|| event.slug.clone()),
            })
            .collect()
    }

    fn names_of_related(&self, brief: &Brief) -> Vec<String> {
        if !self.caller.sees_content(brief) {
            return Vec::new();
        }
        let related = brief.related.iter().map(|place| &self.archive.briefs[*place]);
        related
            .filter_map(|brief| match brief.deleted {
                true => brief.once_seen.contains(&self.caller).then(|| format!("deleted {}", brief.facts.id)),
                false => self.caller.sees_brief(brief).then(|| brief.slug.clone()),
            })
            .collect()
    }

    fn names_of_translations(&self, brief: &Brief) -> Vec<String> {
        let place = self.archive.briefs.iter().position(|other| other.slug == brief.slug).expect("it is there");
        let others = self.archive.translations_of(place).into_iter().map(|place| &self.archive.briefs[place]);
        let mut others: Vec<&Brief> = others.filter(|other| self.caller.sees_brief(other)).collect();
        others.sort_by_key(|other| (other.language, other.facts.id.clone()));
        others.into_iter().map(|other| other.slug.clone()).collect()
    }

    /// What is computed is not modelled, but must keep to the rules: the related ones first, nothing hidden, not itself.
    fn similar_is_allowed(&self, view: &Value, brief: &Brief) {
        let mut related = self.names_of_related(brief);
        related.retain(|name| !name.starts_with("deleted"));
        let similar = slugs(&view["similar"]);
        assert!(similar.starts_with(&related), "{:?} sees {view:#}", self.caller);
        let translations = self.names_of_translations(brief);
        for slug in &similar[related.len()..] {
            let other = self.archive.briefs.iter().find(|other| other.slug == *slug).expect("a known brief");
            let allowed = self.as_of.is_none()
                && self.caller.sees_content(other)
                && *slug != brief.slug
                && !translations.contains(slug);
            assert!(allowed, "{:?} sees {slug} in {view:#}", self.caller);
        }
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().unwrap_or_else(|| panic!("no list: {list}"))
}

/// The slugs in a list of links; of what was deleted, its id.
fn slugs(list: &Value) -> Vec<String> {
    items(list)
        .iter()
        .map(|item| match item["deleted"] == true {
            true => format!("deleted {}", text(&item["id"])),
            false => text(&item["slug"]).to_owned(),
        })
        .collect()
}
