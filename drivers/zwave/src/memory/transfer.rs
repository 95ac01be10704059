//! Reading or writing a whole memory, one command after the other. The receiver is off meanwhile, so that nothing which
//! comes in changes the memory half-way.

use keyway_lock::NetworkError;
use zeroize::Zeroizing;

use super::image::{Image, Series};
use crate::serial_api::command::Command;
use crate::serial_api::function;
use crate::serial_api::memory::{Access, Answered};
use crate::serial_api::session::{Completed, SendFailure};
use crate::serial_api::startup::Stick;

/// Bytes in one command …
const CHUNK: u8 = 128;
/// … and for sticks that don't take so many.
const SMALL_CHUNK: u8 = 48;
/// Times a command that was lost on its way is sent.
const TRIES: u8 = 4;
/// Larger than any stick's memory.
const LARGEST: usize = 16 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    ReceiverOff,
    Open,
    Move,
    Close,
    ReceiverOn,
    Done,
}

/// What is moved.
enum Cargo {
    /// What was read so far.
    In(Zeroizing<Vec<u8>>),
    /// What is to be written.
    Out(Image),
}

/// One reading or writing.
pub(super) struct Transfer {
    access: Access,
    home_id: u32,
    has_receiver: bool,
    cargo: Cargo,
    step: Step,
    tries: u8,
    chunk: u8,
    size: usize,
    at: usize,
    error: Option<NetworkError>,
}

impl Transfer {
    /// Reads the memory of this stick.
    ///
    /// # Errors
    /// It has no such function.
    pub(super) fn read(stick: &Stick) -> Result<Self, NetworkError> {
        Self::new(stick, Cargo::In(Zeroizing::default()))
    }

    /// Writes to this stick.
    ///
    /// # Errors
    /// It has no such function, or another kind of memory.
    pub(super) fn write(stick: &Stick, image: &Image) -> Result<Self, NetworkError> {
        let transfer = Self::new(stick, Cargo::Out(image.clone()))?;
        if Series::of(transfer.access) == image.series { Ok(transfer) } else { Err(NetworkError::OtherKind) }
    }

    fn new(stick: &Stick, cargo: Cargo) -> Result<Self, NetworkError> {
        let access = Access::of(stick).ok_or(NetworkError::NotSupported("its memory can't be read from here"))?;
        Ok(Self {
            access,
            home_id: stick.home_id,
            has_receiver: stick.has(function::SET_RECEIVE_MODE),
            cargo,
            step: Step::ReceiverOff,
            tries: 0,
            chunk: CHUNK,
            size: 0,
            at: 0,
            error: None,
        })
    }

    pub(super) fn is_writing(&self) -> bool {
        matches!(self.cargo, Cargo::Out(_))
    }

    /// How far it is.
    pub(super) fn percent(&self) -> u8 {
        let percent = (self.at * 100).checked_div(self.size).unwrap_or(0);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }

    /// The next command; `None`: it is over.
    pub(super) fn command(&mut self) -> Option<Command> {
        loop {
            let command = match self.step {
                Step::ReceiverOff => self.receiver(false),
                Step::Open => Some(self.access.open()),
                Step::Move => match &self.cargo {
                    Cargo::In(_) => {
                        let left = u8::try_from(self.size - self.at).unwrap_or(u8::MAX);
                        Some(self.access.read(self.at, self.chunk.min(left)))
                    }
                    Cargo::Out(image) => Some(self.access.write(self.at, self.next_bytes(image))),
                },
                Step::Close => self.access.close(),
                Step::ReceiverOn => self.receiver(true),
                Step::Done => return None,
            };
            if command.is_some() {
                return command;
            }
            self.advance();
        }
    }

    /// The answer to the last command.
    pub(super) fn handle_answer(&mut self, result: &Result<Completed, SendFailure>) {
        let Ok(Completed::Response(payload)) = result else {
            self.tries += 1;
            if self.tries >= TRIES {
                self.fail(NetworkError::StickFailed);
            }
            return;
        };
        self.tries = 0;
        match self.step {
            Step::Open => match self.access.opened(payload) {
                Ok(Answered { done: true, size: Some(size), .. }) => self.opened(size),
                _ => self.fail(NetworkError::StickFailed),
            },
            Step::Move => {
                let answered = match self.cargo {
                    Cargo::In(_) => self.access.was_read(payload),
                    Cargo::Out(_) => self.access.was_done(payload),
                };
                self.moved(answered.ok().filter(|answered| answered.done));
            }
            // Whether it is closed, or its receiver works again, is of no importance to what was read; a restart follows
            // what was written.
            _ => self.advance(),
        }
    }

    /// What was read; nothing of what was written.
    pub(super) fn into_result(self) -> Result<Option<Image>, NetworkError> {
        match (self.error, self.cargo) {
            (Some(error), _) => Err(error),
            (None, Cargo::Out(_)) => Ok(None),
            (None, Cargo::In(bytes)) => {
                Ok(Some(Image { series: Series::of(self.access), home_id: self.home_id, bytes }))
            }
        }
    }

    fn opened(&mut self, size: usize) {
        let fits = match &self.cargo {
            Cargo::In(_) => (1..=LARGEST).contains(&size),
            Cargo::Out(image) => image.bytes.len() == size,
        };
        if !fits {
            return self.fail(NetworkError::OtherKind);
        }
        self.size = size;
        self.advance();
    }

    fn moved(&mut self, answered: Option<Answered>) {
        let count = match (&mut self.cargo, &answered) {
            (_, None) => 0,
            (Cargo::In(bytes), Some(answered)) => {
                let room = self.size - self.at;
                let read = answered.bytes.get(..answered.bytes.len().min(room)).unwrap_or_default();
                bytes.extend_from_slice(read);
                read.len()
            }
            (Cargo::Out(image), Some(_)) => usize::from(self.chunk).min(image.bytes.len() - self.at),
        };
        self.at += count;
        let ended = answered.is_some_and(|answered| answered.end);
        if self.at == self.size {
            self.advance();
        } else if count == 0 && self.chunk > SMALL_CHUNK {
            // Some don't take so many bytes at once, and say so with none.
            self.chunk = SMALL_CHUNK;
        } else if count == 0 || ended {
            self.fail(NetworkError::StickFailed);
        }
    }

    /// What was opened is closed, and the receiver works again, also if it did not work.
    fn fail(&mut self, error: NetworkError) {
        self.tries = 0;
        self.error.get_or_insert(error);
        self.step = match self.step {
            Step::ReceiverOff | Step::Open | Step::Close => Step::ReceiverOn,
            Step::Move => Step::Close,
            Step::ReceiverOn | Step::Done => Step::Done,
        };
    }

    fn advance(&mut self) {
        self.tries = 0;
        self.step = match self.step {
            Step::ReceiverOff => Step::Open,
            Step::Open => Step::Move,
            Step::Move => Step::Close,
            // The restart that follows a writing turns it on as well; another frame in between could only do harm.
            Step::Close if self.is_writing() && self.error.is_none() => Step::Done,
            Step::Close => Step::ReceiverOn,
            Step::ReceiverOn | Step::Done => Step::Done,
        };
    }

    fn next_bytes<'i>(&self, image: &'i Image) -> &'i [u8] {
        let left = image.bytes.get(self.at..).unwrap_or_default();
        left.get(..usize::from(self.chunk).min(left.len())).unwrap_or_default()
    }

    fn receiver(&self, on: bool) -> Option<Command> {
        self.has_receiver.then(|| Command::query(function::SET_RECEIVE_MODE, &[on.into()]))
    }
}
