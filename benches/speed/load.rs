//! The load: `wrk` on a core of its own.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

use crate::machine::LOAD_CORE;
use crate::median;

/// What `wrk` runs: every line of a file is a path, and after a tab the entity tag that is known of it.
const SCRIPT: &str = r#"
local requests, place, pause = {}, 0, tonumber(os.getenv("PAUSE"))
init = function()
  for line in io.lines(os.getenv("REQUESTS")) do
    local path, tag = line:match("^(%S+)\t?(.*)$")
    local headers = tag ~= "" and {["If-None-Match"] = tag} or nil
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end
request = function() place = place % #requests + 1; return requests[place] end
-- Each time another pause, or all connections that began together would ask together for ever.
if pause > 0 then delay = function() return math.random(0, 2 * pause) end end
"#;

/// How a script says at its end what came of it.
pub const REPORT: &str = r#"
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99), failed))
end
"#;

/// What came of a load.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Requests a second.
    pub rate: f64,
    /// How long all but a hundredth of them took at most.
    pub p99: Duration,
}

impl Measure {
    /// The medians of several.
    pub fn median(all: &[Self]) -> Self {
        let p99 = median(all.iter().map(|one| one.p99.as_secs_f64()).collect());
        Self { rate: median(all.iter().map(|one| one.rate).collect()), p99: Duration::from_secs_f64(p99) }
    }
}

/// Sends these requests in turn, again and again, as fast as they are answered.
pub fn full(url: &str, requests: &Path, connections: u32, time: Duration) -> io::Result<Measure> {
    run(url, requests, connections, time, 0)
}

/// Sends each different one of these requests once, as long as there is time; returns how many a second were answered.
pub fn once(url: &str, requests: &Path, time: Duration) -> io::Result<f64> {
    let lines = std::fs::read_to_string(requests)?;
    let different: HashSet<&str> = lines.lines().filter_map(|line| line.split('\t').next()).collect();
    let (different, next): (Vec<&str>, _) = (different.into_iter().collect(), AtomicUsize::new(0));
    let started = Instant::now();
    let ask = || {
        // As wrk asks, which says nothing of what it accepts: what is kept in memory is kept for who asks so.
        let config = Agent::config_builder().http_status_as_error(false).accept("").accept_encoding("");
        let config = config.timeout_global(Some(Duration::from_secs(60)));
        let (agent, mut answered) = (config.build().new_agent(), 0_u32);
        while started.elapsed() < time
            && let Some(path) = different.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let mut answer = agent.get(format!("{url}{path}")).call().map_err(io::Error::other)?;
            io::copy(&mut answer.body_mut().as_reader(), &mut io::sink())?;
            answered += 1;
        }
        Ok::<_, io::Error>(answered)
    };
    let answered = thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        clients
            .into_iter()
            .map(|client| client.join().map_err(|_| io::Error::other("a client panicked"))?)
            .sum::<io::Result<u32>>()
    })?;
    Ok(f64::from(answered) / started.elapsed().as_secs_f64())
}

/// Sends so many of these requests a second.
pub fn paced(url: &str, requests: &Path, rate: f64, time: Duration) -> io::Result<Measure> {
    // Each connection waits for so many milliseconds between two requests, on average. wrk goes through all that wait at each step:
    // many connections with long pauses would fill its core.
    const PAUSE: u32 = 2;
    let connections = (rate * f64::from(PAUSE) / 1000.0).ceil().clamp(1.0, 2_000.0);
    run(url, requests, connections as u32, time, PAUSE)
}

fn run(url: &str, requests: &Path, connections: u32, time: Duration, pause: u32) -> io::Result<Measure> {
    let script = requests.with_file_name("load.lua");
    std::fs::write(&script, [SCRIPT, REPORT].concat())?;
    let (requests, pause) = (requests.to_string_lossy(), pause.to_string());
    wrk(url, &script, connections, time, &[("REQUESTS", &requests), ("PAUSE", &pause)])
}

/// Runs a script, which has to end with [`REPORT`].
pub fn wrk(
    url: &str,
    script: &Path,
    connections: u32,
    time: Duration,
    environment: &[(&str, &str)],
) -> io::Result<Measure> {
    let output = Command::new("taskset")
        .args(["-c", LOAD_CORE, "wrk", "--latency", "--threads", "1", "--timeout", "10s"])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs().max(1))])
        .arg("--script")
        .arg(script)
        .arg(url)
        .envs(environment.iter().copied())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let result = said.lines().find_map(|line| line.strip_prefix("RESULT "));
    let numbers: Vec<u64> =
        result.into_iter().flat_map(str::split_whitespace).filter_map(|it| it.parse().ok()).collect();
    match numbers[..] {
        [requests, micros, p99, 0] if requests > 0 => {
            let rate = requests as f64 * 1e6 / micros as f64;
            Ok(Measure { rate, p99: Duration::from_micros(p99) })
        }
        [0, _, _, 0] => Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was answered in that time")),
        _ => Err(io::Error::other(format!("wrk: {said}{}", String::from_utf8_lossy(&output.stderr)))),
    }
}
