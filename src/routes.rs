//! Every URL. The API's routes stand in their slices and document themselves; what is not part of the API stands below.

use std::collections::BTreeMap;
use std::io;

use actix_web::http::Method;
use actix_web::{App, web};
use matchit::Router;
use serde::Deserialize;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    access, actors, briefs, categories, changes, docs, embed, events, feeds, history, openapi, ops, search, transfer,
    trends, webhooks,
};

/// The documented API.
fn api(config: &mut ServiceConfig<'_>) {
    // The router looks through them in this order: what is polled all the time comes first.
    config
        .configure(feeds::routes) //       /feeds/briefs.{format}, /feeds/trends.{format}, /feeds/events.{format}
        .configure(briefs::routes) //      /v1/briefs, /v1/briefs/{id}, …/similar, …/submit, …/schedule, …/publish, …/retract, …/corrections
        .configure(events::routes) //      /v1/events, /v1/events/timeline, /v1/events/{id}
        .configure(actors::routes) //      /v1/actors, /v1/actors/resolve, /v1/actors/{id}, …/positions, …/timeline, …/network
        .configure(trends::routes) //      /v1/trends, /v1/trends/timeline, /v1/trends/{id}, /v1/series, /v1/series/{slug}, /v1/calibration
        .configure(categories::routes) //  /v1/categories, /v1/categories/{id}, …/history
        .configure(history::routes) //     /v1/…/{id}/revisions, /v1/…/{id}/revisions/{version}, /v1/…/{id}/diff
        .configure(search::routes) //      /v1/search
        .configure(changes::routes) //     /v1/changes
        .configure(webhooks::routes) //    /v1/webhooks, /v1/webhooks/{id}, …/rotate, …/test, …/deliveries, …/redeliver
        .configure(embed::routes) //       /embed/briefs/{id}, /oembed
        .configure(transfer::routes) //    /v1/import, /v1/export
        .configure(access::routes) //      /v1/keys, /v1/keys/{id}
        .configure(ops::routes) //         /health/live, /health/ready
        .configure(docs::routes); //       /openapi.json, /problems/{name}
}

/// Everything that is served: the API, and the interactive page at /docs.
pub fn mount(config: &mut web::ServiceConfig) {
    api(&mut ServiceConfig::new(config));
    config.configure(docs::page).configure(feeds::style);
}

/// The OpenAPI document of the routes.
///
/// # Errors
/// When it cannot be serialised, which it always can.
pub fn document() -> serde_json::Result<Value> {
    let (_, document) =
        App::new().into_utoipa_app().openapi(openapi::Frame::openapi()).configure(api).split_for_parts();
    openapi::complete(&document)
}

/// What each path knows, by the document: its methods, for `OPTIONS` and for `Allow`, and which of them take parameters.
pub struct RouteTable(Router<Route>);

struct Route {
    methods: String,
    /// The methods that take no parameter in the query.
    without_query: Vec<Method>,
}

/// What the document says of its paths, as far as the table needs it.
#[derive(Deserialize)]
struct Paths {
    paths: BTreeMap<String, BTreeMap<String, Operation>>,
}

#[derive(Deserialize)]
struct Operation {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    /// Where it stands; None for one that is described elsewhere, which none of the query is.
    r#in: Option<String>,
}

impl RouteTable {
    /// The table of a document.
    ///
    /// # Errors
    /// When it is none, or two of its paths cannot be told apart.
    pub fn of(document: &str) -> io::Result<Self> {
        let Paths { paths } = serde_json::from_str(document)?;
        let documented = paths.iter().map(|(path, operations)| (path.as_str(), Route::of(operations)));
        let pages = ["/", "/docs", "/docs/", "/docs/{*rest}"].map(|page| (page, Route::of_page()));
        let mut table = Router::new();
        for (path, route) in documented.chain(pages) {
            table.insert(path, route).map_err(io::Error::other)?;
        }
        Ok(Self(table))
    }

    /// The methods that a path knows, if there is such a path.
    #[must_use]
    pub fn methods(&self, path: &str) -> Option<String> {
        self.find(path).map(|route| route.methods.clone())
    }

    /// Whether the path takes parameters in the query with this method; where there is no such path, nobody can say.
    #[must_use]
    pub fn takes_query(&self, path: &str, method: &Method) -> bool {
        self.find(path).is_none_or(|route| !route.without_query.contains(method))
    }

    fn find(&self, path: &str) -> Option<&Route> {
        self.0.at(path).ok().map(|found| found.value)
    }
}

impl Route {
    fn of(operations: &BTreeMap<String, Operation>) -> Self {
        let (mut methods, mut without_query) = (Vec::new(), Vec::new());
        for (method, Operation { parameters }) in operations {
            let method = method.to_uppercase();
            if !parameters.iter().any(|parameter| parameter.r#in.as_deref() == Some("query")) {
                without_query.extend(method.parse::<Method>());
            }
            methods.push(method);
        }
        if methods.iter().any(|method| method == "GET") {
            methods.push("HEAD".into());
        }
        methods.push("OPTIONS".into());
        methods.sort();
        Self { methods: methods.join(", "), without_query }
    }

    fn of_page() -> Self {
        Self { methods: "GET, HEAD, OPTIONS".to_owned(), without_query: Vec::new() }
    }
}
