//! A person at the command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{Http, Output, Process};

/// The program as a client of a hub, in UTC, with nobody at a terminal.
pub struct CommandLine {
    keyway: String,
    environment: Vec<(&'static str, String)>,
    folder: Option<PathBuf>,
}

/// What a command wrote, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// To stdout.
    pub out: String,
    /// To stderr.
    pub notes: String,
    /// The exit code.
    pub code: i32,
}

impl CommandLine {
    /// With address and key from the environment. `keyway` is the path of the program.
    pub fn new(keyway: &str, http: &Http) -> Self {
        let endpoint = format!("http://{}", http.address());
        let environment = vec![("KEYWAY_ENDPOINT", endpoint), ("KEYWAY_API_KEY", http.key().to_owned())];
        Self { keyway: keyway.to_owned(), environment, folder: None }
    }

    /// The same in a folder.
    pub fn within(self, folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), ..self }
    }

    /// Carries out a command.
    pub fn run(&self, line: &[&str]) -> Said {
        self.run_with(line, "")
    }

    /// Carries out a command that reads this from stdin.
    pub fn run_with(&self, line: &[&str], stdin: &str) -> Said {
        let mut command = self.command(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child: Child = command.spawn().expect("can't start keyway");
        // It may end without reading.
        let _ = child.stdin.take().expect("stdin is piped").write_all(stdin.as_bytes());
        let output = child.wait_with_output().expect("can't wait for keyway");
        let text = |bytes| String::from_utf8(bytes).expect("a command writes text");
        let code = output.status.code().expect("a command is not killed");
        Said { out: text(output.stdout), notes: text(output.stderr), code }
    }

    /// Carries out a command that must work; what it answered.
    pub fn answer(&self, line: &[&str]) -> String {
        let said = self.run(line);
        assert_eq!(said.code, 0, "{line:?}: {said:?}");
        said.out
    }

    /// Carries out a command with `--json` that must work.
    pub fn json(&self, line: &[&str]) -> Value {
        let out = self.answer(&[line, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{line:?}: {error}: {out}"))
    }

    /// Starts a command that goes on; its lines are added to `output`.
    pub fn start(&self, line: &[&str], output: &Output) -> Process {
        Process::start("keyway", &mut self.command(line), output)
    }

    pub(crate) fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(&self.keyway);
        command.args(line).envs(self.environment.iter().cloned()).env("TZ", "UTC");
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}
