//! A program that a test started: its output is kept, and it ends with the test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::{now, wait_until};

/// Lines of output of the programs that write into it, in order.
#[derive(Clone, Default)]
pub struct Output(Arc<Mutex<Vec<String>>>);

impl Output {
    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().expect("a reader panicked").clone()
    }

    /// Whether a line holds `text`.
    pub fn contains(&self, text: &str) -> bool {
        self.0.lock().expect("a reader panicked").iter().any(|line| line.contains(text))
    }

    fn read(&self, from: impl Read + Send + 'static) {
        let lines = self.0.clone();
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                lines.lock().expect("a reader panicked").push(text);
                line.clear();
            }
        });
    }
}

/// Ways to end a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What systemd sends.
    Terminate,
    /// The power is gone.
    Kill,
}

/// A running program.
pub struct Process {
    name: String,
    child: Child,
    output: Output,
}

impl Process {
    /// Starts a program; what it writes to both outputs is added to `output`.
    pub fn start(name: &str, command: &mut Command, output: &Output) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("can't start {name} ({command:?}): {error}"));
        output.read(child.stdout.take().expect("stdout is piped"));
        output.read(child.stderr.take().expect("stderr is piped"));
        Self { name: name.to_owned(), child, output: output.clone() }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("can't ask for the process").is_some()
    }

    /// Sends it a signal.
    pub fn signal(&mut self, signal: Signal) {
        let name = match signal {
            Signal::Interrupt => "INT",
            Signal::Terminate => "TERM",
            Signal::Kill => "KILL",
        };
        let order = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &order]).status().expect("no shell");
        assert!(sent.success(), "{} was not there any more to be sent {name}", self.name);
    }

    /// Waits until it has ended; panics when it does not.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let what = format!("{} has ended", self.name);
        wait_until(&what, within, || self.child.try_wait().expect("can't ask for the process"))
    }

    /// Sends a signal and tells how long it took to end.
    pub fn end(&mut self, signal: Signal, within: Duration) -> (Duration, ExitStatus) {
        let asked_at = now();
        self.signal(signal);
        let status = self.wait(within);
        (now() - asked_at, status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after this.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let lines = self.output.lines();
            let shown = &lines[lines.len().saturating_sub(60)..];
            println!("--- last lines of {} ---\n{}\n", self.name, shown.join("\n"));
        }
    }
}
