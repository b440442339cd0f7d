//! Every URL. The API's routes stand in their slices and document themselves; what is not part of the API stands below.

use actix_web::dev::ResourceDef;
use actix_web::{App, web};
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{access, actors, briefs, categories, docs, events, openapi, ops, transfer, trends};

/// The documented API.
fn api(config: &mut ServiceConfig<'_>) {
    config
        .configure(briefs::routes) //      /v1/briefs, /v1/briefs/{id}, /v1/briefs/{id}/publish
        .configure(events::routes) //      /v1/events, /v1/events/{id}
        .configure(actors::routes) //      /v1/actors, /v1/actors/{id}
        .configure(trends::routes) //      /v1/trends, /v1/trends/{id}
        .configure(categories::routes) //  /v1/categories, /v1/categories/{id}
        .configure(transfer::routes) //    /v1/import, /v1/export
        .configure(access::routes) //      /v1/keys, /v1/keys/{id}
        .configure(ops::routes) //         /health/live, /health/ready
        .configure(docs::routes); //       /openapi.json, /problems/{name}
}

/// Everything that is served: the API, and the interactive page at /docs.
pub fn mount(config: &mut web::ServiceConfig) {
    api(&mut ServiceConfig::new(config));
    config.configure(docs::page);
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

/// Which path knows which methods, for `OPTIONS` and for `Allow`.
pub struct RouteTable(Vec<(ResourceDef, String)>);

impl RouteTable {
    /// The table of a document.
    #[must_use]
    pub fn of(document: &Value) -> Self {
        let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
        let mut table: Vec<(ResourceDef, String)> = paths
            .map(|(path, operations)| {
                let mut methods: Vec<String> =
                    operations.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase()).collect();
                if methods.iter().any(|method| method == "GET") {
                    methods.push("HEAD".into());
                }
                methods.push("OPTIONS".into());
                methods.sort();
                (ResourceDef::new(path.as_str()), methods.join(", "))
            })
            .collect();
        table.push((ResourceDef::new("/docs"), "GET, HEAD, OPTIONS".into()));
        Self(table)
    }

    /// The methods that a path knows, if there is such a path.
    #[must_use]
    pub fn methods(&self, path: &str) -> Option<String> {
        self.0.iter().find(|(resource, _)| resource.is_match(path)).map(|(_, methods)| methods.clone())
    }
}
