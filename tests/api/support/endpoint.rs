//! A server that takes what is sent to it, as a partner's endpoint or a hub does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// An endpoint on a port of its own. Its thread ends with the process.
pub struct Endpoint {
    pub url: String,
    received: mpsc::Receiver<Received>,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// By lower-case names.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// How an endpoint answers: the status line without `HTTP/1.1`, and further headers after it if there are any.
type Answering = Arc<Mutex<dyn FnMut(&Received) -> String + Send>>;

impl Endpoint {
    /// One that takes everything.
    pub fn new() -> Self {
        Self::answering(|_| "204 No Content".into())
    }

    pub fn answering(answer: impl FnMut(&Received) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/in", listener.local_addr().expect("an address"));
        let (sender, received) = mpsc::channel();
        let answer: Answering = Arc::new(Mutex::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, answer) = (sender.clone(), Arc::clone(&answer));
                thread::spawn(move || talk(BufReader::new(stream), &sender, &answer));
            }
        });
        Self { url, received }
    }

    /// The next request, which must come soon.
    #[track_caller]
    pub fn next(&self) -> Received {
        self.received.recv_timeout(Duration::from_secs(20)).expect("a request")
    }

    /// The next requests.
    #[track_caller]
    pub fn next_of(&self, count: usize) -> Vec<Received> {
        (0..count).map(|_| self.next()).collect()
    }

    /// Everything that has come meanwhile.
    pub fn so_far(&self) -> Vec<Received> {
        self.received.try_iter().collect()
    }
}

fn talk(mut stream: BufReader<TcpStream>, sender: &mpsc::Sender<Received>, answer: &Answering) {
    while let Some(received) = read(&mut stream) {
        let status = (answer.lock().expect("no answer panicked"))(&received);
        if sender.send(received).is_err() {
            return;
        }
        if write!(stream.get_mut(), "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let (mut line, mut headers) = (String::new(), BTreeMap::new());
    while stream.read_line(&mut line).ok()? > 2 {
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        line.clear();
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some(Received { headers, body })
}
