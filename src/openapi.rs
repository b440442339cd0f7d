//! The OpenAPI 3.1 document. The routes document themselves; here stands what is the same for all of them, added to each
//! operation by rule: the problems, the headers, the formats, who may call, and examples made of the schemas' own.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{OpenApi, ToSchema};

use crate::briefs::filter::Include;
use crate::feeds::FeedFormat;
use crate::http::body::Fault;
use crate::http::page::PageInfo;
use crate::problem::{ProblemDocument, ProblemType};
use crate::search::counts::{FacetCount, FacetName, Facets};
use crate::search::lists::Match;
use crate::webhooks::{Envelope, TestEnvelope};

/// The frame that the routes are put into.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Briefwire",
        description = "Security-analysis briefs as linked, dated, sourced and versioned data.\n\n\
            Reading what is published and marked `TLP:CLEAR` needs no key. Wherever a path or a reference takes an id, it \
            takes a slug too. Lists are pages: follow `page.next`. Errors are RFC 9457 problems that name every fault. Whoever \
            reads after a write, from whichever server, sends its `Briefwire-Position` as `Briefwire-At-Least`.",
        contact(name = "Briefwire"),
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "briefs", description = "The weekly pages of analysis"),
        (name = "events", description = "What happened, when, and who took part"),
        (name = "actors", description = "Persons, bodies, states and groups, by any of their names"),
        (name = "trends", description = "One-sentence judgements of which way things move"),
        (name = "categories", description = "The rubrics of the archive, with their status"),
        (name = "search", description = "Everything at once, by its words"),
        (name = "syndication", description = "For those who copy the archive, and keep their copy right"),
        (name = "webhooks", description = "For those who want to be told of what changes"),
        (name = "transfer", description = "Bulk in and bulk out"),
        (name = "keys", description = "API keys"),
        (name = "operations", description = "For those who run the server"),
    ),
    components(schemas(ProblemDocument, Fault, Include, FacetName, FeedFormat, Envelope, TestEnvelope))
)]
pub struct Frame;

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct PageOf<T: ToSchema> {
    /// The rows, in order.
    data: Vec<T>,
    /// Where the page stands in its list.
    page: PageInfo,
    /// How often values occur on all pages, the most frequent first, if `facets` asked for it.
    #[schema(value_type = Option<BTreeMap<String, Vec<FacetCount>>>)]
    facets: Option<Facets>,
    /// How each row matches, in the order of the rows, if `q` searched for something.
    matches: Option<Vec<Match>>,
}

/// Members that are served only when they are asked for, or that do not apply: every other member is always there.
const SOMETIMES: &[&str] = &[
    "facets",
    "matches",
    "body",
    "body_html",
    "trends",
    "events",
    "actors",
    "similar",
    "brief",
    "total",
    "pointer",
    "parameter",
    "errors",
];

/// The rows that `fields` chooses members of.
const RESOURCES: &[&str] =
    &["Brief", "Event", "Actor", "Trend", "Category", "Revision", "Hit", "Series", "StatusPeriod", "TimelineEntry"];

/// How deep an example goes: deeper than any schema, so that one that held itself would end.
const EXAMPLE_DEPTH: usize = 24;

/// Completes the document that the routes have written.
///
/// # Errors
/// When it cannot be serialised, which it always can.
pub fn complete(document: &utoipa::openapi::OpenApi) -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(document)?;
    complete_schemas(&mut document);
    describe_patches(&mut document);
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    if let Some(Value::Object(paths)) = document.get_mut("paths") {
        for (path, operations) in paths {
            for (method, operation) in operations.as_object_mut().into_iter().flatten() {
                Operation { path, method, schemas: &schemas, it: operation }.complete();
            }
        }
    }
    let messages = webhooks(&schemas);
    if let Some(document) = document.as_object_mut() {
        document.insert("webhooks".into(), messages);
    }
    if let Some(Value::Object(components)) = document.get_mut("components") {
        components.insert("responses".into(), problem_responses());
        components.insert("headers".into(), headers());
        components.insert("parameters".into(), parameters());
        components.insert("securitySchemes".into(), json!({"api_key": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, made by `briefwire keys create`. It carries a role (reader, editor, publisher, \
                admin) and a TLP clearance."
        }}));
    }
    Ok(document)
}

fn complete_schemas(document: &mut Value) {
    let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") else {
        return;
    };
    let views = schemas.clone();
    for (name, schema) in schemas.iter_mut() {
        if let Some(view) = name.strip_suffix("Input") {
            accept_what_is_read(schema, views.get(view));
        } else {
            demand_what_is_always_there(schema);
        }
        // The example goes with that of `probability`.
        if let (true, Some(schema)) = (name == "Likelihood", schema.as_object_mut()) {
            schema.insert("example".into(), json!("likely"));
        }
        // A generic schema holds its argument whole; a page names it instead.
        if let (Some(resource), Some(items)) =
            (name.strip_prefix("PageOf_"), schema.pointer_mut("/properties/data/items"))
        {
            *items = json!({"$ref": format!("#/components/schemas/{resource}")});
            allow_selection(items);
        }
    }
    for resource in RESOURCES {
        if let Some(view) = views.get(*resource) {
            schemas.insert(format!("{resource}Selection"), selection_of(resource, view));
        }
    }
}

/// A merge patch has only the members that change: its schema is that of the whole, and demands none of them.
fn describe_patches(document: &mut Value) {
    let mut patches = Map::new();
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    for (_, operations) in document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten() {
        let media = operations.pointer_mut("/patch/requestBody/content").and_then(Value::as_object_mut);
        for (_, media) in media.into_iter().flatten() {
            let Some(Value::String(whole)) = media.pointer_mut("/schema/$ref") else { continue };
            let Some(input) = whole.rsplit('/').next().map(ToOwned::to_owned) else { continue };
            let Some((resource, schema)) = input.strip_suffix("Input").zip(schemas.get(&input)) else { continue };
            let (name, mut patch) = (format!("{resource}Patch"), schema.clone());
            if let Some(patch) = patch.as_object_mut() {
                let description =
                    format!("A merge patch of a {resource} (RFC 7396): the members that change; null empties one.");
                patch.remove("required");
                patch.insert("description".into(), description.into());
            }
            *whole = format!("#/components/schemas/{name}");
            patches.insert(name, patch);
        }
    }
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        schemas.extend(patches);
    }
}

/// Puts in the place of a resource the choice between it and a selection of it.
fn allow_selection(schema: &mut Value) {
    let Some(whole) = schema.get("$ref").and_then(Value::as_str) else { return };
    if let Some(resource) = whole.rsplit('/').next().filter(|name| RESOURCES.contains(name)) {
        let selection = format!("#/components/schemas/{resource}Selection");
        *schema = json!({"anyOf": [{"$ref": whole}, {"$ref": selection}]});
    }
}

/// What `fields` leaves of a resource: the chosen members. Scalars are what they are; a member with members of its own
/// may have lost some of them.
fn selection_of(resource: &str, view: &Value) -> Value {
    let members = view.get("properties").and_then(Value::as_object).into_iter().flatten();
    let chosen: Map<String, Value> = members
        .map(|(name, member)| {
            let is_scalar =
                member.get("type").is_some() && member.get("items").is_none() && member.get("$ref").is_none();
            let whole = json!({"description": "As in the whole resource, or a part of it."});
            (name.clone(), if is_scalar { member.clone() } else { whole })
        })
        .collect();
    json!({
        "type": "object",
        "description": format!("The members of a {resource} that `fields` chose, or that a minimal answer has."),
        "properties": chosen,
        "additionalProperties": false,
        "minProperties": 1,
    })
}

/// An input takes no unknown member, but the read-only ones of what is read: they are accepted and ignored.
fn accept_what_is_read(input: &mut Value, view: Option<&Value>) {
    let Some(input) = input.as_object_mut() else { return };
    input.insert("additionalProperties".into(), json!(false));
    let read = view.and_then(|view| view.get("properties")).and_then(Value::as_object);
    if let Some(Value::Object(members)) = input.get_mut("properties") {
        // Only the import of a retracted brief says why; the example is a new one.
        if let Some(retraction) = members.get_mut("retraction").and_then(Value::as_object_mut) {
            retraction.insert("example".into(), Value::Null);
        }
        for (name, _) in read.into_iter().flatten() {
            members.entry(name.clone()).or_insert_with(|| {
                json!({"readOnly": true, "description": "Accepted and ignored, so that what was read can be written back."})
            });
        }
    }
}

fn demand_what_is_always_there(schema: &mut Value) {
    let Some(members) = schema.get("properties").and_then(Value::as_object) else { return };
    let always: Vec<Value> =
        members.keys().filter(|name| !SOMETIMES.contains(&name.as_str())).map(|name| json!(name)).collect();
    if let (Some(schema), false) = (schema.as_object_mut(), always.is_empty()) {
        schema.insert("required".into(), always.into());
    }
}

/// One operation on its way to completeness.
struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    schemas: &'a Value,
    it: &'a mut Value,
}

impl Operation<'_> {
    fn complete(mut self) {
        self.describe();
        self.name_path_parameters();
        self.add_formats();
        self.open_lines();
        self.add_examples();
        self.add_headers();
        // After all that asks which resource is answered: it puts a choice in its place.
        self.allow_selections();
        self.add_problems();
        self.add_security();
    }

    fn is_read(&self) -> bool {
        self.method == "get"
    }

    fn is_archive(&self) -> bool {
        ["/v1/", "/feeds/", "/embed/", "/oembed"].iter().any(|part| self.path.starts_with(part))
    }

    fn is_single(&self) -> bool {
        self.path.starts_with("/v1/") && self.path.contains("{id}")
    }

    /// Whether it is about what belongs to a key and not to the archive: no journal, no readers, nothing for caches.
    fn is_of_a_key(&self) -> bool {
        ["/v1/keys", "/v1/webhooks"].iter().any(|part| self.path.starts_with(part))
    }

    /// Whether it may demand a version of what it changes.
    fn takes_precondition(&self) -> bool {
        self.is_single() && !self.is_read() && !(self.is_of_a_key() && self.method == "post")
    }

    /// Whether it writes a resource and answers with it.
    fn returns_what_is_written(&self) -> bool {
        let schema = |status| {
            let place = format!("/responses/{status}/content/application~1json/schema/$ref");
            self.it.pointer(&place).and_then(Value::as_str).and_then(|path| path.rsplit('/').next())
        };
        let is_resource = |name: Option<&str>| name.is_some_and(|name| RESOURCES.contains(&name));
        !self.is_read() && (is_resource(schema(200)) || is_resource(schema(201)))
    }

    fn is_list(&self) -> bool {
        let schema = self.it.pointer("/responses/200/content/application~1json/schema/$ref").and_then(Value::as_str);
        self.is_read() && schema.is_some_and(|schema| schema.contains("/PageOf_"))
    }

    fn member(&mut self, name: &str, empty: Value) -> Option<&mut Value> {
        Some(self.it.as_object_mut()?.entry(name).or_insert(empty))
    }

    /// An operation with nothing more to say repeats its summary.
    fn describe(&mut self) {
        let summary = self.it.get("summary").cloned().unwrap_or_default();
        if let Some(description) = self.member("description", summary.clone())
            && description.as_str().is_none_or(str::is_empty)
        {
            *description = summary;
        }
    }

    fn name_path_parameters(&mut self) {
        let names: Vec<String> = self
            .path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .map(ToOwned::to_owned)
            .collect();
        let (takes_precondition, is_post) = (self.takes_precondition(), self.method == "post");
        let returns_what_is_written = self.returns_what_is_written();
        if let Some(Value::Array(list)) = self.member("parameters", json!([])) {
            let is_named_below = |parameter: &Value| {
                let name = parameter.get("name").and_then(Value::as_str);
                parameter.get("in") == Some(&json!("path")) && names.iter().any(|known| Some(known.as_str()) == name)
            };
            list.retain(|parameter| !is_named_below(parameter));
            list.extend(names.iter().map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
            if takes_precondition {
                list.push(json!({"$ref": "#/components/parameters/IfMatch"}));
            }
            if returns_what_is_written {
                list.push(json!({"$ref": "#/components/parameters/Prefer"}));
            }
            if is_post {
                list.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
            }
            if list.is_empty()
                && let Some(operation) = self.it.as_object_mut()
            {
                operation.remove("parameters");
            }
        }
    }

    /// A list comes as CSV and NDJSON too.
    fn add_formats(&mut self) {
        if !self.is_list() {
            return;
        }
        if let Some(Value::Object(content)) = self.it.pointer_mut("/responses/200/content") {
            let text = json!({"type": "string"});
            content.insert("text/csv".into(), json!({"schema": text, "example": "slug,version\nsecurity,1\n"}));
            content
                .insert("application/x-ndjson".into(), json!({"schema": text, "example": "{\"slug\":\"security\"}\n"}));
        }
    }

    /// Lines are checked one by one, each with a verdict of its own: as a whole, no body of NDJSON is invalid.
    fn open_lines(&mut self) {
        let media = self.it.pointer_mut("/requestBody/content/application~1x-ndjson");
        if let Some(media) = media.and_then(Value::as_object_mut) {
            media.insert("schema".into(), json!({"description": "One resource a line, with its `type`."}));
        }
    }

    fn add_examples(&mut self) {
        let schemas = self.schemas;
        let places =
            ["/requestBody/content", "/responses/200/content", "/responses/201/content", "/responses/202/content"];
        for place in places {
            for media in self.it.pointer_mut(place).and_then(Value::as_object_mut).into_iter().flatten() {
                if let Some(media) = media.1.as_object_mut()
                    && !media.contains_key("example")
                    && let Some(schema) = media.get("schema")
                {
                    let example = example_of(schema, schemas, EXAMPLE_DEPTH);
                    media.insert("example".into(), example);
                }
            }
        }
    }

    /// Where `fields` can be asked for, or a minimal answer preferred, the answer may be a selection.
    fn allow_selections(&mut self) {
        if !self.is_read() && !self.returns_what_is_written() {
            return;
        }
        for status in [200, 201] {
            let place = format!("/responses/{status}/content/application~1json/schema");
            if let Some(schema) = self.it.pointer_mut(&place) {
                allow_selection(schema);
            }
        }
    }

    fn add_headers(&mut self) {
        let returns_what_is_written = self.returns_what_is_written();
        let (read, archive, is_list) = (self.is_read(), self.is_archive() && !self.is_of_a_key(), self.is_list());
        let Some(Value::Object(responses)) = self.it.get_mut("responses") else { return };
        for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
            let mut names = vec!["X-Request-Id"];
            if !self.path.starts_with("/health/") {
                names.extend(["RateLimit", "RateLimit-Policy"]);
            }
            if archive && read {
                names.extend(["ETag", "Last-Modified", "Cache-Control"]);
            } else if archive {
                names.push("Briefwire-Position");
                if returns_what_is_written {
                    names.push("Preference-Applied");
                }
                if status != "204" && !self.path.ends_with("/import") {
                    names.push("ETag");
                }
            }
            if status == "201" && !self.path.starts_with("/v1/keys") {
                names.push("Location");
            }
            if is_list {
                names.push("Link");
            }
            if let Some(response) = response.as_object_mut() {
                let headers: Map<String, Value> = names
                    .into_iter()
                    .map(|name| (name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")})))
                    .collect();
                response.insert("headers".into(), headers.into());
            }
        }
    }

    fn add_problems(&mut self) {
        let mut statuses = vec!["400", "405", "500"];
        if !self.path.starts_with("/health/") {
            statuses.push("429");
        }
        if self.is_archive() {
            statuses.extend(["401", "503"]);
            if self.is_read() && !self.is_of_a_key() {
                statuses.push("304");
            }
            if self.is_read() && self.path.starts_with("/v1/") && !self.path.starts_with("/v1/keys") {
                statuses.push("406");
            }
            if !self.path.starts_with("/v1/") {
                statuses.push("404");
            }
            if self.path == "/oembed" {
                statuses.push("410");
            }
            if self.is_single() {
                statuses.push("404");
                if !self.is_of_a_key() {
                    statuses.extend(["308", "410"]);
                }
            }
            if self.path.contains("{slug}") {
                statuses.push("404");
            }
            if !self.is_read() {
                statuses.extend(["403", "409", "413", "415", "422"]);
                if self.takes_precondition() {
                    statuses.extend(["412", "428"]);
                }
            } else if self.path.starts_with("/v1/keys") {
                statuses.push("403");
            }
        } else if self.path.contains('{') {
            statuses.push("404");
        } else if self.path == "/health/ready" {
            statuses.push("503");
        }
        if let Some(Value::Object(responses)) = self.it.get_mut("responses") {
            for status in statuses {
                responses
                    .entry(status)
                    .or_insert_with(|| json!({"$ref": format!("#/components/responses/{}", response_name(status))}));
            }
            responses.sort_keys();
        }
    }

    /// Reads need no key; everything else does, and so does what belongs to keys.
    fn add_security(&mut self) {
        let security =
            if self.is_read() && !self.is_of_a_key() { json!([{}, {"api_key": []}]) } else { json!([{"api_key": []}]) };
        if let Some(operation) = self.it.as_object_mut() {
            operation.insert("security".into(), security);
        }
    }
}

/// What a server sends to the endpoints of webhooks.
fn webhooks(schemas: &Value) -> Value {
    let message = |id: &str, summary: &str, schema: &str| {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        let header = |name: &str, description: &str, example: &str| {
            json!({
                "name": name, "in": "header", "required": true, "description": description,
                "schema": {"type": "string"}, "example": example,
            })
        };
        json!({"post": {
            "tags": ["webhooks"],
            "operationId": id,
            "summary": summary,
            "description": "Sent to the endpoint of a webhook, signed as Standard Webhooks says.",
            "security": [],
            "parameters": [
                header("webhook-id", "The message's identity: the same at each attempt.", "0190f2f4-7d3c-8a53-8b0a-3f1d6f6a0b1c"),
                header("webhook-timestamp", "When it is sent, in seconds since 1970.", "1501495920"),
                header("webhook-signature", "One signature for each secret that is good, with spaces between.", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ],
            "requestBody": {"required": true, "content": {"application/json": {
                "example": example_of(&schema, schemas, EXAMPLE_DEPTH), "schema": schema,
            }}},
            "responses": {
                "2XX": {"description": "It is taken; anything else is a failure, and it comes again."},
                "410": {"description": "The endpoint is gone: the webhook is switched off."},
            },
        }})
    };
    json!({
        "change": message("receiveChange", "A change", "WebhookMessage"),
        "test": message("receiveTest", "A test", "WebhookTest"),
    })
}

fn response_name(status: &str) -> String {
    if status == "304" { "NotModified".into() } else { format!("Problem{status}") }
}

fn problem_responses() -> Value {
    let mut responses = Map::new();
    responses.insert("NotModified".into(), json!({"description": "The client has it already, by its validator."}));
    for kind in ProblemType::ALL {
        let name = response_name(&kind.status.to_string());
        let response = responses.entry(name).or_insert_with(|| {
            json!({
                "description": kind.explanation,
                "content": {"application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {},
                }},
            })
        });
        if let Some(Value::Object(examples)) = response.pointer_mut("/content/application~1problem+json/examples") {
            examples.insert(
                kind.name.into(),
                json!({"value": {
                    "type": format!("/problems/{}", kind.name),
                    "title": kind.title,
                    "status": kind.status,
                    "detail": kind.explanation,
                    "instance": "/v1/briefs/security-2017-07-31",
                }}),
            );
        }
    }
    responses.into()
}

fn headers() -> Value {
    let text = |description: &str, example: &str| json!({"description": description, "schema": {"type": "string"}, "example": example});
    json!({
        "ETag": text("Of a single resource its version, for `If-Match`, and a digest of this representation, for `If-None-Match`. Of anything else the digest and a fingerprint of what it follows from, such as `\"8f14e45fceea167a.0f2b6c1d9e3a4857\"`.", "\"3-8f14e45fceea167a\""),
        "Last-Modified": text("When something that this caller may see last changed.", "Mon, 31 Jul 2017 10:12:00 GMT"),
        "Cache-Control": text("Always to be revalidated; private where a key was given.", "public, no-cache"),
        "Preference-Applied": text("Which preference was heeded (RFC 7240): that the answer be minimal.", "return=minimal"),
        "Briefwire-Position": text("The position of the journal that this write made, or that this export was read from.", "17"),
        "Location": text("Where the new resource is.", "/v1/briefs/security-2017-07-31"),
        "Link": text("The next page, `rel=\"next\"`; absent on the last one.", "</v1/briefs?cursor=WyJ4Il0>; rel=\"next\""),
        "RateLimit": text("What is left of the requests, and after how many seconds all are there again; absent where nothing is limited.", "\"burst\";r=1199;t=1"),
        "RateLimit-Policy": text("How many requests there are in how many seconds.", "\"burst\";q=1200;w=60"),
        "X-Request-Id": text("Under which the server's log has this request; the client's own if it sent one.", "0190f2f4-7d3c-7a53-8b0a-3f1d6f6a0b1c"),
    })
}

fn parameters() -> Value {
    json!({
        "id": {
            "name": "id", "in": "path", "required": true,
            "description": "The id or the slug.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 120},
            "example": "security-2017-07-31",
        },
        "name": {
            "name": "name", "in": "path", "required": true,
            "description": "The last part of a problem's `type`.",
            "schema": {"type": "string", "minLength": 1},
            "example": "validation-failed",
        },
        "slug": {
            "name": "slug", "in": "path", "required": true,
            "description": "The name of the line of judgement.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 120},
            "example": "army-influence",
        },
        "version": {
            "name": "version", "in": "path", "required": true,
            "description": "The number of a version.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 2_147_483_647},
            "example": 1,
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header",
            "description": "Makes it safe to send the request again: with the same key it is done once, and answered as the first time.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
        },
        "Prefer": {
            "name": "Prefer", "in": "header",
            "description": "What to be answered with (RFC 7240): what was written as it now reads or, with `return=minimal`, only its `id`, `slug` and `version`, which takes less time.",
            "schema": {"type": "string"},
            "example": "return=minimal",
        },
        "IfMatch": {
            "name": "If-Match", "in": "header",
            "description": "The `ETag` of what was read; 412 if the resource has another version now.",
            "schema": {"type": "string"},
            "example": "*",
        },
    })
}

/// An example of a schema, made of the examples of its members.
fn example_of(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if let Some(example) = schema.get("example").or_else(|| schema.pointer("/examples/0")) {
        return example.clone();
    }
    if depth == 0 {
        return Value::Null;
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return schemas.get(name).map_or(Value::Null, |found| example_of(found, schemas, depth - 1));
    }
    if let Some(first) = schema.pointer("/enum/0") {
        return first.clone();
    }
    if let Some(Value::Object(members)) = schema.get("properties") {
        let writable = members.iter().filter(|(_, member)| member.get("readOnly").is_none());
        return writable
            .map(|(name, member)| (name.clone(), example_of(member, schemas, depth - 1)))
            .collect::<Map<_, _>>()
            .into();
    }
    if let Some(items) = schema.get("items") {
        return json!([example_of(items, schemas, depth - 1)]);
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let parts = parts.iter().map(|part| example_of(part, schemas, depth - 1));
        return parts.filter_map(|part| part.as_object().cloned()).flatten().collect::<Map<_, _>>().into();
    }
    for choice in ["oneOf", "anyOf"] {
        let options = schema.get(choice).and_then(Value::as_array).into_iter().flatten();
        if let Some(option) = options.into_iter().find(|option| option.get("type") != Some(&json!("null"))) {
            return example_of(option, schemas, depth - 1);
        }
    }
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "string" => json!("text"),
        Some(Value::String(kind)) if kind == "integer" => json!(1),
        Some(Value::String(kind)) if kind == "boolean" => json!(true),
        Some(Value::String(kind)) if kind == "object" => json!({}),
        _ => Value::Null,
    }
}
