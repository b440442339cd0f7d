//! The `briefwire` command, as an operator runs it.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

/// The command with these arguments, without any setting of the surroundings.
pub fn briefwire(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_briefwire"));
    let settings = std::env::vars_os().map(|(name, _)| name);
    for name in settings.filter(|name| name == "DATABASE_URL" || name.to_string_lossy().starts_with("BRIEFWIRE_")) {
        command.env_remove(name);
    }
    // What it makes in the directory where it is run is no part of the checkout.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What came of a command.
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Outcome {
    /// This outcome, if the command ended with the code.
    ///
    /// # Panics
    /// With all that it printed, if it ended otherwise.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        let Self { code: given, stdout, stderr } = &self;
        assert!(*given == Some(code), "expected exit code {code}, but got {given:?}\n{stdout}\n{stderr}");
        self
    }
}

/// Runs the command to its end on this database.
pub fn run(database_url: &str, arguments: &[&str]) -> Outcome {
    briefwire(arguments).env("DATABASE_URL", database_url).output().expect("the command runs").into()
}

/// The same with something on its standard input.
pub fn run_with_input(database_url: &str, arguments: &[&str], input: &[u8]) -> Outcome {
    let mut command = briefwire(arguments);
    command.env("DATABASE_URL", database_url).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let outcome = child.wait_with_output().expect("the command ends").into();
    drop(writer.join());
    outcome
}

/// A started command, killed at the end of its test if it still runs.
pub struct Started(pub Child);

impl Started {
    /// Asks it to stop, as a service manager does.
    pub fn terminate(&self) {
        let id = self.0.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status().expect("kill");
        assert!(killed.success());
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
