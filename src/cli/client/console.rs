//! What the person at the terminal sees and answers.

use std::fmt::Display;
use std::io::{BufRead, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::table::Table;
use super::trouble::Trouble;

/// Where words come from and go to.
pub(in crate::cli) struct Console {
    /// The answer.
    out: Box<dyn Write>,
    /// Notes and questions, which are not part of the answer.
    notes: Box<dyn Write>,
    input: Box<dyn BufRead>,
    /// How wide the terminal is; `None`: the answer goes elsewhere, and nothing is cut.
    width: Option<usize>,
    /// Whether somebody is there who can answer a question.
    attended: bool,
}

impl Console {
    /// The process's own.
    pub(in crate::cli) fn of_this_process() -> Self {
        let (out, input) = (std::io::stdout(), std::io::stdin());
        let width = out.is_terminal().then(|| terminal_size::terminal_size_of(&out)).flatten();
        Self {
            attended: input.is_terminal() && std::io::stderr().is_terminal(),
            width: width.map(|(terminal_size::Width(columns), _)| usize::from(columns)),
            out: Box::new(out),
            notes: Box::new(std::io::stderr()),
            input: Box::new(input.lock()),
        }
    }

    /// One or more lines of the answer.
    ///
    /// # Errors
    /// [`Trouble::Unread`] when the reader went away (`| head`).
    pub(in crate::cli) fn say(&mut self, lines: impl Display) -> Result<(), Trouble> {
        self.write(&harmless(&lines.to_string()))
    }

    /// The hub's own JSON, on a line.
    pub(super) fn json(&mut self, json: &str) -> Result<(), Trouble> {
        self.write(json.trim_end())
    }

    fn write(&mut self, lines: &str) -> Result<(), Trouble> {
        writeln!(self.out, "{lines}").and_then(|()| self.out.flush()).map_err(|_| Trouble::Unread)
    }

    /// A table, or the sentence that says why there is none.
    pub(super) fn table(&mut self, table: &Table, empty: &str) -> Result<(), Trouble> {
        if table.is_empty() {
            self.note(empty);
            return Ok(());
        }
        let (lines, without_ids) = table.lines(self.width);
        self.say(lines.join("\n"))?;
        if without_ids {
            self.note("The ids have no room here: `| cat` shows them.");
        }
        Ok(())
    }

    /// Something to know beside the answer. Nobody to tell when stderr is gone as well.
    pub(in crate::cli) fn note(&mut self, line: impl Display) {
        let _ = writeln!(self.notes, "{}", harmless(&line.to_string()));
    }

    /// Asks before something is done that can't be undone. Who is not at a terminal must have said `--yes`.
    pub(in crate::cli) fn confirm(&mut self, question: &str, yes: bool) -> Result<(), Trouble> {
        if yes {
            return Ok(());
        }
        if !self.attended {
            return Err(Trouble::Usage(format!("{question} Nobody is at a terminal to be asked: say --yes")));
        }
        let _ = write!(self.notes, "{} [y/N] ", harmless(question)).and_then(|()| self.notes.flush());
        let mut answer = String::new();
        let _ = self.input.read_line(&mut answer);
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Trouble::Failed("nothing was changed".to_owned())),
        }
    }

    /// A line from stdin, such as a PIN that must not be seen among the arguments.
    pub(super) fn read_line(&mut self, prompt: &str) -> Result<Zeroizing<String>, Trouble> {
        if self.attended {
            let _ = write!(self.notes, "{prompt}: ").and_then(|()| self.notes.flush());
        }
        let mut line = Zeroizing::new(String::new());
        self.input.read_line(&mut line).map_err(|error| Trouble::Usage(format!("stdin: {error}")))?;
        Ok(Zeroizing::new(line.trim().to_owned()))
    }

    /// A secret from stdin; at a terminal, nobody who looks at it sees what is typed.
    pub(in crate::cli) fn read_secret(&mut self, prompt: &str) -> Result<Zeroizing<String>, Trouble> {
        let hidden = self.attended.then(Hidden::begin).flatten();
        let secret = self.read_line(prompt);
        if hidden.is_some() {
            // The key that ended the line was not shown either.
            let _ = writeln!(self.notes);
        }
        secret
    }

    /// A new secret: at a terminal it is typed twice.
    pub(in crate::cli) fn read_new_secret(&mut self, prompt: &str) -> Result<Zeroizing<String>, Trouble> {
        let secret = self.read_secret(prompt)?;
        if self.attended && *self.read_secret("Once more")? != *secret {
            return Err(Trouble::Usage("these are two different ones: nothing was done".to_owned()));
        }
        Ok(secret)
    }

    /// All of stdin, such as a request that a program wrote.
    pub(super) fn read_all(&mut self) -> Result<Zeroizing<String>, Trouble> {
        let mut text = Zeroizing::new(String::new());
        self.input.read_to_string(&mut text).map_err(|error| Trouble::Usage(format!("stdin: {error}")))?;
        Ok(text)
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    /// `None`: stdin is no terminal.
    fn begin() -> Option<Self> {
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing else can be done about a terminal that is gone.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Names come from guests and locks: no character of theirs gives the terminal an order.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Cursor;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written; a clone reads the same.
    #[derive(Clone, Default)]
    pub(in crate::cli::client) struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        pub(in crate::cli::client) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A console in memory, with what it writes: the answer, and the notes. `Some`: somebody is there and types this.
    pub(in crate::cli::client) fn console(typed: Option<&str>) -> (Console, Paper, Paper) {
        let (out, notes) = (Paper::default(), Paper::default());
        let console = Console {
            out: Box::new(out.clone()),
            notes: Box::new(notes.clone()),
            input: Box::new(Cursor::new(typed.unwrap_or_default().to_owned())),
            width: None,
            attended: typed.is_some(),
        };
        (console, out, notes)
    }

    #[test]
    fn somebody_at_a_terminal_is_asked_and_only_a_yes_is_one() {
        for (typed, expected) in [("y\n", true), ("Yes\n", true), ("\n", false), ("no\n", false), ("", false)] {
            let (mut console, _, notes) = console(Some(typed));
            assert_eq!(console.confirm("Delete it?", false).is_ok(), expected, "{typed:?}");
            assert_eq!(notes.text(), "Delete it? [y/N] ");
        }
    }

    #[test]
    fn nobody_at_a_terminal_is_not_asked_and_must_have_said_yes() {
        let (mut console, _, notes) = console(None);
        assert!(console.confirm("Delete it?", true).is_ok());
        let refused = console.confirm("Delete it?", false).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        assert!(refused.to_string().contains("--yes"), "{refused}");
        assert_eq!(notes.text(), "");
    }

    #[test]
    fn a_name_gives_the_terminal_no_order() {
        let (mut console, out, _) = console(None);
        console.say("Jane\u{1b}[2J\u{9b}31m Doe\nnext").unwrap();
        assert_eq!(out.text(), "Jane\u{fffd}[2J\u{fffd}31m Doe\nnext\n");
    }
}
