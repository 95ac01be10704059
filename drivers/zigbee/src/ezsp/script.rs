//! What takes more than one command, as data: lines that are worked through in order, each with what its answer means.

use std::collections::VecDeque;
use std::time::Duration;

use super::fields::{Field as F, Fields};
use super::procedures;
use super::session::CallError;
use super::status::Status;
use super::table::Command;
use crate::address::Ieee;
use crate::coordinator::CoordinatorError;
use crate::engine::{self, Step};

/// A command with its fields, and a callback with its own.
type Call = (Command, Fields);

/// A command, and what comes of it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) command: Command,
    pub(super) fields: Fields,
    pub(super) then: Then,
}

/// What the answer of a line means.
#[derive(Debug, Clone)]
pub(super) enum Then {
    /// Nothing, also if the stick refuses: what is asked for is an improvement.
    Ignore,
    /// It must be OK.
    Require,
    /// It must be OK, and is kept.
    Keep,
    /// It is kept if it is OK.
    KeepIfOk,
    /// A configuration value is raised to this one if it is less.
    Grow(u16),
    /// It must be OK, and is over only when this callback comes. Callbacks until then are kept.
    Until(Awaited),
    /// If it is OK it is over only when this callback comes; else there is nothing to wait for.
    UntilIfOk(Awaited),
    /// The present address of a device: the destination of all lines behind.
    Destination(Ieee),
    /// If it is OK, the device is known to the stick, and gets an extended timeout; else it is written into this line of the
    /// address table, with one.
    ExtendedTimeout(u8),
    /// How many link keys there may be: each is read by this command.
    LinkKeys(Command),
    /// A link key: the present address of its device is looked up.
    LinkKey,
    /// The index of a link key, which is forgotten, or 0xFF.
    EraseKey,
    /// A token that may be there to write the stick's own address into; else one of these. Its network is forgotten then.
    OwnAddress(OwnAddress, &'static [u32]),
    /// The manufacturing token of the stick's own address, which can be written once.
    OwnAddressOnce(OwnAddress),
    /// The token with the network's update id, which becomes this one.
    UpdateId(u8),
}

/// The address that a stick is to have from now on.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnAddress {
    pub(super) ieee: Ieee,
    /// It may be written where it can never be changed again.
    pub(super) burn: bool,
}

/// A callback that ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Awaited {
    command: Command,
    /// What identifies it: a field and its number.
    is: Option<(F, u64)>,
    within: Duration,
}

impl Awaited {
    /// The stack tells this status.
    pub(super) fn stack(status: Status) -> Self {
        let within = Duration::from_secs(15);
        Self { command: Command::StackStatusHandler, is: Some((F::Status, status.0.into())), within }
    }

    /// A scan is over.
    pub(super) fn scan() -> Self {
        Self { command: Command::ScanCompleteHandler, is: None, within: Duration::from_secs(30) }
    }

    /// A message has been sent. A sleeping device fetches it late, and the stick repeats it some times.
    pub(super) fn sent(tag: u8) -> Self {
        let is = Some((F::Tag, tag.into()));
        Self { command: Command::MessageSentHandler, is, within: Duration::from_secs(60) }
    }

    fn is(&self, command: Command, fields: &Fields) -> bool {
        self.command == command && self.is.is_none_or(|(field, number)| fields.number(field) == number)
    }
}

/// A part of a script.
#[derive(Debug, Clone)]
enum Part {
    Line(Box<Line>),
    Restart,
}

/// Lines under way, and what was kept of the answers.
#[derive(Debug, Default)]
pub(super) struct Script {
    parts: VecDeque<Part>,
    /// The line that was called.
    called: Option<Box<Line>>,
    awaited: Option<Awaited>,
    kept: Vec<Kept>,
}

/// An answer or callback.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) command: Command,
    /// What was asked; nothing of a callback.
    pub(super) asked: Fields,
    pub(super) fields: Fields,
}

impl Script {
    /// Appends a line.
    pub(super) fn line(mut self, command: Command, fields: Fields, then: Then) -> Self {
        self.parts.push_back(Part::Line(Box::new(Line { command, fields, then })));
        self
    }

    /// Appends lines.
    pub(super) fn lines(self, lines: impl IntoIterator<Item = Line>) -> Self {
        lines.into_iter().fold(self, |script, line| script.line(line.command, line.fields, line.then))
    }

    /// Appends a restart of the stick.
    pub(super) fn restart(mut self) -> Self {
        self.parts.push_back(Part::Restart);
        self
    }

    /// What was kept of a command.
    pub(super) fn kept(&self, command: Command) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(move |kept| kept.command == command)
    }

    /// The fields of the first answer that was kept of a command; no fields where there is none.
    pub(super) fn answer(&self, command: Command) -> Fields {
        self.kept(command).next().map(|kept| kept.fields.clone()).unwrap_or_default()
    }

    fn insert(&mut self, command: Command, fields: Fields, then: Then) {
        self.parts.push_front(Part::Line(Box::new(Line { command, fields, then })));
    }

    fn insert_all<const N: usize>(&mut self, lines: [Line; N]) {
        lines.into_iter().rev().for_each(|line| self.insert(line.command, line.fields, line.then));
    }

    fn destine(&mut self, nwk: u16) {
        for part in &mut self.parts {
            if let Part::Line(line) = part {
                let fields = std::mem::take(&mut line.fields);
                line.fields = fields.with(F::Destination, nwk).with(F::Nwk, nwk);
            }
        }
    }
}

impl engine::Script for Script {
    type Call = Call;
    type Answer = Result<Fields, CallError>;
    type Told = Call;

    fn next(&mut self) -> Step<Call> {
        match self.parts.pop_front() {
            Some(Part::Restart) => Step::Restart,
            Some(Part::Line(line)) => {
                let step = Step::Call((line.command, line.fields.clone()));
                self.called = Some(line);
                step
            }
            None => Step::End(Ok(())),
        }
    }

    fn handle_answer(&mut self, result: Result<Fields, CallError>) -> Step<Call> {
        let Some(line) = self.called.take() else { return self.next() };
        let command = line.command;
        // What was refused, and how.
        let (fields, refusal) = match result {
            Ok(fields) if fields.status().is_ok() => (fields, None),
            Ok(fields) => {
                let status = fields.status();
                (fields, Some(refused(command, status)))
            }
            Err(CallError::Invalid(_) | CallError::NotInVersion) => {
                (Fields::new(), Some(CoordinatorError::NotSupported(command.words())))
            }
            Err(CallError::Unreadable(_)) => (Fields::new(), Some(CoordinatorError::NoSense(command.words()))),
        };
        if let Some(refusal) = &refusal {
            tracing::debug!(?command, %refusal, "refused");
        }
        match (line.then, refusal) {
            (Then::Require | Then::Keep | Then::Until(_) | Then::LinkKeys(_), Some(refusal)) => {
                return Step::End(Err(refusal));
            }
            (Then::Destination(ieee), refusal) => {
                let nwk = fields.nwk(F::Nwk);
                if refusal.is_some() || !nwk.is_unicast() {
                    return Step::End(Err(CoordinatorError::UnknownDevice(ieee)));
                }
                self.destine(nwk.0);
            }
            (Then::Until(awaited) | Then::UntilIfOk(awaited), None) => {
                self.awaited = Some(awaited);
                return Step::Wait(awaited.within);
            }
            (Then::Keep | Then::KeepIfOk, None) => self.kept.push(Kept { command, asked: line.fields, fields }),
            (Then::Grow(value), None) if fields.u16(F::Value) < value => {
                let fields = Fields::new().with(F::Id, line.fields.number(F::Id)).with(F::Value, value);
                self.insert(Command::SetConfigurationValue, fields, Then::Ignore);
            }
            (Then::ExtendedTimeout(index), refusal) => {
                let known = refusal.is_none() && fields.nwk(F::Nwk).is_unicast();
                let command = if known { Command::SetExtendedTimeout } else { Command::ReplaceAddressTableEntry };
                let fields = line.fields.with(F::Index, index).with(F::ExtendedTimeout, 1_u8);
                self.insert(command, fields, Then::Ignore);
            }
            (Then::LinkKeys(command), None) => {
                for index in (0..fields.u16(F::Value).min(u8::MAX.into())).rev() {
                    self.insert(command, Fields::new().with(F::Index, index), Then::LinkKey);
                }
            }
            (Then::LinkKey, None) if fields.ieee(F::Ieee).is_real() => {
                let lookup = Fields::new().with_ieee(F::Ieee, fields.ieee(F::Ieee));
                self.insert(Command::LookupNodeIdByEui64, lookup, Then::KeepIfOk);
                self.kept.push(Kept { command, asked: line.fields, fields });
            }
            (Then::EraseKey, None) if fields.u8(F::Index) != 0xFF => {
                let index = Fields::new().with(F::Index, fields.number(F::Index));
                self.insert(Command::EraseKeyTableEntry, index, Then::Ignore);
            }
            (Then::OwnAddress(address, _), None) => {
                let token = line.fields.with_bytes(F::Value, &address.ieee.to_bytes());
                self.insert(Command::SetTokenData, token, Then::Require);
                self.insert_all(procedures::forget_network());
            }
            (Then::OwnAddress(address, others), Some(_)) => match others.split_first() {
                Some((token, others)) => {
                    self.insert(command, Fields::new().with(F::Token, *token), Then::OwnAddress(address, others));
                }
                None => self.insert(
                    Command::GetMfgToken,
                    Fields::new().with(F::Token, super::ids::mfg_token::CUSTOM_EUI_64),
                    Then::OwnAddressOnce(address),
                ),
            },
            (Then::OwnAddressOnce(OwnAddress { ieee, burn }), None) if fields.bytes(F::Value) == [0xFF; 8] => {
                if !burn {
                    return Step::End(Err(CoordinatorError::OnlyOnce));
                }
                tracing::warn!(%ieee, "the address of the old stick is burnt into this one; it can be done once");
                let token = line.fields.with_bytes(F::Value, &ieee.to_bytes());
                self.insert(Command::SetMfgToken, token, Then::Require);
                self.insert_all(procedures::forget_network());
            }
            (Then::OwnAddressOnce(_), _) => {
                return Step::End(Err(CoordinatorError::NotSupported("taking the address of another stick")));
            }
            (Then::UpdateId(id), None) => {
                // Channel mask, network manager, update id, a byte of padding.
                const UPDATE_ID: usize = 6;
                let mut token = fields.bytes(F::Value).to_vec();
                if let Some(byte) = token.get_mut(UPDATE_ID) {
                    *byte = id;
                    self.insert(Command::SetTokenData, line.fields.with_bytes(F::Value, &token), Then::Ignore);
                }
            }
            _ => {}
        }
        self.next()
    }

    fn handle_told(&mut self, told: &Call) -> Option<Step<Call>> {
        let (command, fields) = (told.0, &told.1);
        let awaited = self.awaited?;
        if command == Command::EnergyScanResultHandler && awaited.command == Command::ScanCompleteHandler {
            self.kept.push(Kept { command, asked: Fields::new(), fields: fields.clone() });
        }
        if !awaited.is(command, fields) {
            return None;
        }
        self.awaited = None;
        let status = fields.status();
        match command {
            // The status is what was awaited.
            Command::StackStatusHandler => Some(self.next()),
            Command::MessageSentHandler if !status.is_ok() => Some(Step::End(Err(CoordinatorError::NotDelivered))),
            _ if !status.is_ok() => Some(Step::End(Err(refused(command, status)))),
            _ => Some(self.next()),
        }
    }

    fn handle_timeout(&mut self) -> Step<Call> {
        match self.awaited.take() {
            Some(Awaited { command: Command::MessageSentHandler, .. }) => {
                Step::End(Err(CoordinatorError::NotDelivered))
            }
            Some(awaited) => Step::End(Err(CoordinatorError::NoSense(awaited.command.words()))),
            None => self.next(),
        }
    }
}

fn refused(command: Command, status: Status) -> CoordinatorError {
    if status.is_busy() {
        return CoordinatorError::Busy;
    }
    if status == Status::NOT_JOINED {
        return CoordinatorError::NoNetwork;
    }
    CoordinatorError::Refused { what: command.words(), status: status.code() }
}
