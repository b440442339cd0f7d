//! A client that takes every answer as it comes.

use std::borrow::Borrow;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

/// Calls one server, always with the same headers.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    url: String,
    headers: Vec<(String, String)>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    asked: String,
}

impl Client {
    pub fn new(url: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .accept(ureq::config::AutoHeaderValue::None)
            .build()
            .new_agent();
        Self { agent, url: url.to_owned(), headers: Vec::new() }
    }

    /// Where the server is, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same client with one header more.
    pub fn with(&self, name: &str, value: impl Into<String>) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        client.headers.push((name.to_owned(), value.into()));
        client
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    pub fn head(&self, path: &str) -> Answer {
        self.send("HEAD", path, None)
    }

    pub fn options(&self, path: &str) -> Answer {
        self.send("OPTIONS", path, None)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    pub fn post(&self, path: &str, body: impl Borrow<Value>) -> Answer {
        self.send_json("POST", path, body.borrow())
    }

    pub fn put(&self, path: &str, body: impl Borrow<Value>) -> Answer {
        self.send_json("PUT", path, body.borrow())
    }

    pub fn patch(&self, path: &str, body: impl Borrow<Value>) -> Answer {
        self.send_json("PATCH", path, body.borrow())
    }

    /// `POST` with nothing in it.
    pub fn post_empty(&self, path: &str) -> Answer {
        self.send("POST", path, Some(b""))
    }

    pub fn send_json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let client = if self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            self.clone()
        } else {
            self.with("Content-Type", "application/json")
        };
        client.send(method, path, Some(body.to_string().as_bytes()))
    }

    /// Any method with any body, or none.
    pub fn send(&self, method: &str, path: &str, body: Option<&[u8]>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let asked = format!("{method} {path}");
        let answer = match body {
            Some(body) => self.agent.run(request.body(body).unwrap_or_else(|error| panic!("{asked}: {error}"))),
            None => self.agent.run(request.body(()).unwrap_or_else(|error| panic!("{asked}: {error}"))),
        };
        let (parts, body) = answer.unwrap_or_else(|error| panic!("{asked}: {error}")).into_parts();
        let body = body.into_with_config().limit(u64::MAX).read_to_vec();
        let body = body.unwrap_or_else(|error| panic!("{asked}: the body breaks off: {error}"));
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, asked }
    }

    /// Sends exactly these bytes, and returns all that comes back before the server closes (so ask it to).
    pub fn send_raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(request).expect("the server reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the server answers and closes");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Answer {
    /// This answer, if it has the status.
    ///
    /// # Panics
    /// With the whole answer, if it has another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert!(self.status == status, "expected {status}, but got {}", self.whole());
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap_or_else(|_| panic!("no UTF-8: {}", self.whole()))
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.whole()))
    }

    /// The objects of an NDJSON body.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end: {}", self.whole());
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// The rows of a list.
    #[track_caller]
    pub fn rows(&self) -> Vec<Value> {
        match self.json()["data"].take() {
            Value::Array(rows) => rows,
            _ => panic!("no list: {}", self.whole()),
        }
    }

    /// One member of every row of a list, which must be text.
    #[track_caller]
    pub fn each(&self, member: &str) -> Vec<String> {
        self.rows()
            .iter()
            .map(|row| row[member].as_str().unwrap_or_else(|| panic!("{member} of {row}")).to_owned())
            .collect()
    }

    /// The slugs of a list, in its order.
    #[track_caller]
    pub fn slugs(&self) -> Vec<String> {
        self.each("slug")
    }

    /// A header's value; empty when it is not there.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
    }

    /// The problem that this is.
    ///
    /// # Panics
    /// When it has another status, or is none.
    #[track_caller]
    pub fn problem(self, status: u16, name: &str) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.whole());
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{}", answer.whole());
        let kind = problem["type"].as_str().unwrap_or_default();
        assert!(kind.ends_with(&format!("/problems/{name}")), "another type than {name}: {}", answer.whole());
        problem
    }

    /// Where the faults of a problem are: their pointers and parameters, sorted.
    #[track_caller]
    pub fn faults(&self) -> Vec<String> {
        let problem = self.json();
        let faults = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors: {}", self.whole()));
        let place = |fault: &Value| fault["pointer"].as_str().or(fault["parameter"].as_str()).map(ToOwned::to_owned);
        let mut places: Vec<String> =
            faults.iter().map(|fault| place(fault).unwrap_or_else(|| panic!("nowhere: {fault}"))).collect();
        places.sort();
        places
    }

    /// All of it, to be shown when it is not what it should be.
    pub fn whole(&self) -> String {
        let headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let body = String::from_utf8_lossy(&self.body);
        format!("{} to {}\n{}\n\n{body}\n", self.status, self.asked, headers.join("\n"))
    }
}
