//! The machine, and what runs on which of its cores.

use std::fs;
use std::io;
use std::process::{Command, Stdio};

/// Where the servers run.
pub const SERVER_CORE: &str = "0";
/// Where the load comes from.
pub const LOAD_CORE: &str = "1";

/// Where the program itself runs from now on, and whatever it starts without saying where.
pub fn stay_on(core: &str) -> io::Result<()> {
    let this = std::process::id().to_string();
    let status = Command::new("taskset").args(["--cpu-list", "--pid", core, &this]).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("taskset: {status}"))) }
}

/// What the figures were taken on, in a line.
pub fn described() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    // All of them: this process keeps to one.
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    let cpu = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cpu = cpu.trim_start_matches([' ', '\t', ':']);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cpu}, {cores} cores, Linux {}", kernel.trim())
}

/// The first line of what a program says of its version.
pub fn version(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let said = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned()
}

/// How much memory a process has resident, in mebibytes.
pub fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}
