//! A person at a terminal: programs run behind a pseudo-terminal, and what is on its screen is kept.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::{CommandLine, SOON, wait_until};

/// Commands at a terminal, one after the other, and all that is shown and typed.
pub struct Terminal {
    cli: CommandLine,
    screen: Arc<Mutex<String>>,
    running: Option<(Child, File)>,
}

impl Terminal {
    /// Where nothing has been typed yet.
    pub fn new(cli: CommandLine) -> Self {
        Self { cli, screen: Arc::default(), running: None }
    }

    /// Types a command, and leaves it running.
    pub fn begin(&mut self, line: &str) {
        assert!(self.running.is_none(), "a command runs at this terminal already");
        self.write(&format!("$ {line}\n"));
        let words = words(line);
        assert_eq!(words.first().map(String::as_str), Some("keyway"), "{line}");
        let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("no pseudo-terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("no pseudo-terminal");
        let name = ptsname(&master, Vec::new()).expect("no pseudo-terminal").into_string().expect("a path in ASCII");
        let side = || OpenOptions::new().read(true).write(true).open(&name).expect("can't open the pseudo-terminal");
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(side(), size).expect("a terminal has a size");
        let mut command = self.cli.command(&words);
        command.stdin(Stdio::from(side())).stdout(Stdio::from(side())).stderr(Stdio::from(side()));
        let child = command.spawn().expect("can't start keyway");
        // The command holds the terminal's own ends no longer than its child does.
        drop(command);
        let keyboard = File::from(master);
        self.show(keyboard.try_clone().expect("a file can be cloned"));
        self.running = Some((child, keyboard));
    }

    /// Waits until this is on the screen, behind what was there before the command.
    pub fn wait_for(&self, text: &str) {
        self.wait_at_most(SOON, text);
    }

    /// The same, for what takes long.
    pub fn wait_at_most(&self, within: Duration, text: &str) {
        let shown = || self.shown();
        let since = shown().rfind("\n$ ").map_or(0, |at| at + 1);
        wait_until(&format!("the screen shows {text:?}"), within, || {
            let shown = shown();
            shown.get(since..).is_some_and(|shown| shown.contains(text)).then_some(())
        });
    }

    /// Types a line at the command that runs.
    pub fn type_line(&mut self, line: &str) {
        let (_, keyboard) = self.running.as_mut().expect("a command that runs");
        keyboard.write_all(format!("{line}\n").as_bytes()).expect("can't type");
    }

    /// What somebody does meanwhile, told in the margin.
    pub fn aside(&self, remark: &str) {
        self.write(&format!("    ({remark})\n"));
    }

    /// Waits until the command has ended; its exit code.
    pub fn end(&mut self) -> i32 {
        let (mut child, keyboard) = self.running.take().expect("a command that runs");
        let status = wait_until("the command has ended", SOON * 5, || child.try_wait().expect("can't ask for keyway"));
        // Once nobody holds the other end, the reader comes to its end, and drops its copy.
        wait_until("all is on the screen", SOON, || (Arc::strong_count(&self.screen) == 1).then_some(()));
        drop(keyboard);
        status.code().expect("a command is not killed")
    }

    /// Types a command that must work, and waits for it.
    pub fn run(&mut self, line: &str) {
        self.begin(line);
        let code = self.end();
        assert_eq!(code, 0, "{line}: {}", self.shown());
    }

    /// All that was shown, but for what differs from one run and one day to the next.
    pub fn transcript(&self) -> String {
        steady(&self.shown())
    }

    /// All that is on the screen.
    pub fn shown(&self) -> String {
        self.screen.lock().expect("a reader panicked").clone()
    }

    fn write(&self, text: &str) {
        self.screen.lock().expect("a reader panicked").push_str(text);
    }

    fn show(&self, mut from: File) {
        let screen = Arc::clone(&self.screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            // An error tells that nobody holds the other end any more.
            while let Ok(length) =
                from.read(&mut buffer).map_err(drop).and_then(|n| if n > 0 { Ok(n) } else { Err(()) })
            {
                let text = String::from_utf8_lossy(&buffer[..length]).replace('\r', "");
                screen.lock().expect("a test panicked").push_str(&text);
            }
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.running {
            // It may have ended by itself; either way it is gone after this.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            println!("--- the terminal ---\n{}", self.shown());
        }
    }
}

/// The words of a command line; double quotes keep several together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in line.split('"').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// An id that stands for all others, and the days that stand for those that are shown, in their order.
const ID: &str = "01a21314-9a4a-7b99-a3ed-3003dfa2e39a";
const DAYS: [&str; 2] = ["Thu 2026-11-26", "Fri 2026-11-27"];

fn steady(text: &str) -> String {
    let mut days: Vec<String> = Vec::new();
    let steady = with_each_like(ID, text, |_| ID);
    with_each_like(DAYS[0], &steady, |day| {
        let place = days.iter().position(|known| known == day).unwrap_or_else(|| {
            days.push(day.to_owned());
            days.len() - 1
        });
        DAYS.get(place).expect("so many days are shown")
    })
}

/// The text, with something else in the place of each part that looks like this one.
fn with_each_like(like: &str, text: &str, mut other: impl FnMut(&str) -> &'static str) -> String {
    let (mut steady, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        match rest.get(..like.len()).filter(|part| is_like(part, like)) {
            Some(part) => {
                steady.push_str(other(part));
                rest = &rest[like.len()..];
            }
            None => {
                steady.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    steady
}

/// Whether a text has the shape of another: hexadecimal digits where those are, letters, and the same signs between.
fn is_like(text: &str, like: &str) -> bool {
    text.bytes().zip(like.bytes()).all(|(a, b)| match b {
        b'0'..=b'9' | b'a'..=b'f' if like == ID => a.is_ascii_hexdigit(),
        b'0'..=b'9' => a.is_ascii_digit(),
        b'A'..=b'Z' | b'a'..=b'z' => a.is_ascii_alphabetic(),
        sign => a == sign,
    })
}
