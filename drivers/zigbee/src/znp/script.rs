//! What takes more than one request, as data: lines that are worked through in order, each with what its answer means.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use zeroize::Zeroizing;

use super::command::{AF_DATA_CONFIRM, SYS_NV_INIT, SYS_NV_READ, SYS_NV_WRITE, SYS_TABLE_READ, SYS_TABLE_WRITE};
use super::mt::{Command, Frame, Kind};
use super::nv::{self, Nib};
use super::session::CallError;
use crate::coordinator::{CoordinatorError, NetworkParameters};
use crate::engine::{self, Step};

/// Its memory settles some seconds after a network is formed (zigpy-znp and zigbee-herdsman wait for it too).
const SETTLE: Duration = Duration::from_secs(2);
/// Most link keys that are not made from the seed, so that the item that names their owners is written at once.
const MOST_KEYS: usize = 40;
/// The system of the stick's memory that is Z-Stack's own.
const ZSTACK: u8 = 1;

/// A request, what it does in words, and what comes of it.
#[derive(Debug, Clone)]
struct Line {
    what: &'static str,
    frame: Frame,
    then: Then,
}

/// What the answer of a line means.
#[derive(Debug, Clone)]
pub(super) enum Then {
    /// Nothing, also if the stick refuses.
    Ignore,
    /// Its status must be one of these.
    Require(&'static [u8]),
    /// It is kept.
    Keep,
    /// It is kept, if the stick knows the request.
    KeepIfKnown,
    /// It must be OK, and is over only when this is told. What is told is kept.
    Until(Awaited),
    /// It is over only when this is told.
    Await(Awaited),
    /// An item of the memory, which is kept if it is there.
    Item(u16),
    /// It begins with as many bytes as were kept of it before.
    Same(usize),
    /// An item that is, or is not there, as it was before.
    SameItem(u16),
    /// An item that must hold this.
    Ensure(u16, Zeroizing<Vec<u8>>),
    /// The line of a table, which is kept; the one behind it is read next, until there is none.
    TableLine(u16, u16),
    /// The network information base; read again so often until it knows its network.
    Settle(u8),
    /// The item that names the owners of link keys that are not made from the seed: as many get theirs as it has room for.
    OwnKeys(Vec<OwnKey>),
    /// The network information base, which gets another network.
    Rename(Box<NetworkParameters>, u8),
}

/// A link key that is not made from the seed.
#[derive(Debug, Clone)]
pub(super) struct OwnKey {
    /// The line of its owner in the table of addresses.
    pub(super) address_line: u16,
    /// The line of the table of link keys.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Awaited {
    pub(super) command: Command,
    /// The byte at this place is this one.
    pub(super) is: Option<(usize, u8)>,
    pub(super) within: Duration,
}

impl Awaited {
    fn is(&self, command: Command, data: &[u8]) -> bool {
        self.command == command && self.is.is_none_or(|(at, byte)| data.get(at) == Some(&byte))
    }
}

#[derive(Debug, Clone)]
enum Part {
    Line(Box<Line>),
    Pause(Duration),
}

/// Lines under way, and what was kept of the answers.
#[derive(Debug, Default)]
pub(super) struct Script {
    parts: VecDeque<Part>,
    called: Option<Box<Line>>,
    awaited: Option<(Awaited, &'static str)>,
    kept: Vec<(Command, Zeroizing<Vec<u8>>)>,
    items: BTreeMap<u16, Zeroizing<Vec<u8>>>,
    tables: BTreeMap<(u16, u16), Zeroizing<Vec<u8>>>,
}

impl Script {
    /// Appends a request.
    pub(super) fn line(mut self, what: &'static str, command: Command, data: &[u8], then: Then) -> Self {
        let frame = Frame::new(Kind::Request, command, data);
        self.parts.push_back(Part::Line(Box::new(Line { what, frame, then })));
        self
    }

    /// Appends what is only told, until something is told in turn.
    pub(super) fn tell(mut self, what: &'static str, command: Command, data: &[u8], awaited: Awaited) -> Self {
        let frame = Frame::new(Kind::Tell, command, data);
        self.parts.push_back(Part::Line(Box::new(Line { what, frame, then: Then::Await(awaited) })));
        self
    }

    /// Appends the reading of an item.
    pub(super) fn read_item(self, id: u16, then: Then) -> Self {
        self.line("reading its memory", SYS_NV_READ, &read_item(id), then)
    }

    /// Appends what is to be said twice alike, as far as its first `length` bytes, unless the stick does not know it.
    pub(super) fn asked_twice(self, what: &'static str, command: Command, length: usize) -> Self {
        self.line(what, command, &[], Then::KeepIfKnown).line(what, command, &[], Then::Same(length))
    }

    /// Appends an item that is to be read twice alike.
    pub(super) fn read_item_twice(self, id: u16) -> Self {
        self.read_item(id, Then::Item(id)).read_item(id, Then::SameItem(id))
    }

    /// Appends the writing of an item, whether there is one or not.
    pub(super) fn write_item(self, id: u16, value: &[u8]) -> Self {
        // 9: it was made.
        self.line(WRITING, SYS_NV_INIT, &make_item(id, value), Then::Require(&[0, 9])).line(
            WRITING,
            SYS_NV_WRITE,
            &write_item(id, value),
            Then::Require(&[0]),
        )
    }

    /// Appends an item that must hold this.
    pub(super) fn ensure(self, id: u16, value: &[u8]) -> Self {
        self.read_item(id, Then::Ensure(id, Zeroizing::new(value.to_vec())))
    }

    /// Appends the reading of a table.
    pub(super) fn read_table(self, table: u16) -> Self {
        self.line("reading its memory", SYS_TABLE_READ, &read_line(table, 0), Then::TableLine(table, 0))
    }

    /// The first that was kept of a command.
    pub(super) fn kept(&self, command: Command) -> &[u8] {
        let mut kept = self.kept.iter().filter(|(kept, _)| *kept == command);
        kept.next().map_or(&[], |(_, data)| data)
    }

    /// An item that was read.
    pub(super) fn item(&self, id: u16) -> Option<&[u8]> {
        self.items.get(&id).map(|bytes| bytes.as_slice())
    }

    /// The lines of a table that were read, with their numbers.
    pub(super) fn lines_of(&self, table: u16) -> impl Iterator<Item = (u16, &[u8])> {
        self.tables.range((table, 0)..=(table, u16::MAX)).map(|((_, line), bytes)| (*line, bytes.as_slice()))
    }

    /// `length`: of the item that names their owners, where there is one: it can't be made longer.
    fn write_own_keys(&mut self, keys: &[OwnKey], length: Option<usize>) {
        const AUTHENTICATED: u8 = 0x01;
        const COUNT: usize = 2;
        const OWNER: usize = 6;
        let room = length.map_or(keys.len(), |length| length.saturating_sub(COUNT) / OWNER).min(MOST_KEYS);
        let (written, left_out) = keys.split_at(room.min(keys.len()));
        if !left_out.is_empty() {
            let devices = left_out.len();
            tracing::warn!(
                devices,
                "the stick has no room for all link keys: a device without one that loses the network's key must be added again"
            );
        }
        let mut owners = (written.len() as u16).to_le_bytes().to_vec();
        for (line, key) in (0_u16..).zip(written) {
            owners.extend([&key.address_line.to_le_bytes()[..], &line.to_le_bytes(), &[AUTHENTICATED, 0]].concat());
        }
        owners.resize(length.unwrap_or_default().max(owners.len()), 0);
        // Each goes before those that were inserted before it.
        self.insert(WRITING, SYS_NV_WRITE, &write_item(nv::id::APS_LINK_KEY_TABLE, &owners), Then::Require(&[0]));
        self.insert(WRITING, SYS_NV_INIT, &make_item(nv::id::APS_LINK_KEY_TABLE, &owners), Then::Require(&[0, 9]));
        for (line, key) in written.iter().enumerate().rev() {
            let bytes = write_line(nv::table::KEYS, line as u16, &key.bytes);
            self.insert(WRITING, SYS_TABLE_WRITE, &bytes, Then::Require(&[0]));
        }
    }

    fn insert(&mut self, what: &'static str, command: Command, data: &[u8], then: Then) {
        let frame = Frame::new(Kind::Request, command, data);
        self.parts.push_front(Part::Line(Box::new(Line { what, frame, then })));
    }
}

impl engine::Script for Script {
    type Call = Frame;
    type Answer = Result<Zeroizing<Vec<u8>>, CallError>;
    type Told = (Command, Zeroizing<Vec<u8>>);

    fn next(&mut self) -> Step<Frame> {
        match self.parts.pop_front() {
            Some(Part::Pause(pause)) => Step::Wait(pause),
            Some(Part::Line(line)) => {
                let frame = line.frame.clone();
                self.called = Some(line);
                Step::Call(frame)
            }
            None => Step::End(Ok(())),
        }
    }

    fn handle_answer(&mut self, result: Self::Answer) -> Step<Frame> {
        let Some(line) = self.called.take() else { return self.next() };
        let (what, command) = (line.what, line.frame.command);
        let data = match (result, &line.then) {
            (Ok(data), _) => data,
            (Err(_), Then::Ignore) => return self.next(),
            // There is no such item, table or function. (Of what is not answered nobody can know whether there is.)
            (Err(CallError::Unknown), Then::KeepIfKnown | Then::Item(_) | Then::Ensure(..) | Then::TableLine(..)) => {
                return self.next();
            }
            // Nor was there before.
            (Err(CallError::Unknown), Then::Same(_)) if self.kept(command).is_empty() => return self.next(),
            (Err(CallError::Unknown), Then::SameItem(id)) if self.item(*id).is_none() => return self.next(),
            (Err(CallError::Unknown), _) => return Step::End(Err(CoordinatorError::NotSupported(what))),
            (Err(CallError::NoAnswer), _) => return Step::End(Err(CoordinatorError::NoSense(what))),
        };
        let status = data.first().copied().unwrap_or_default();
        match line.then {
            Then::Require(among) if !among.contains(&status) => return Step::End(Err(refused(what, status))),
            Then::Until(_) if status != 0 => return Step::End(Err(refused(what, status))),
            Then::Until(awaited) | Then::Await(awaited) => {
                self.awaited = Some((awaited, what));
                return Step::Wait(awaited.within);
            }
            Then::Keep | Then::KeepIfKnown => self.kept.push((command, data)),
            Then::Item(id) => {
                self.items.extend(item(&data).map(|bytes| (id, bytes)));
            }
            Then::Same(length) if data.get(..length) != self.kept(command).get(..length) => {
                return Step::End(Err(CoordinatorError::NoSense(what)));
            }
            Then::SameItem(id) if item(&data).as_deref().map(Vec::as_slice) != self.item(id) => {
                return Step::End(Err(CoordinatorError::NoSense(what)));
            }
            Then::Ensure(id, value) => {
                if item(&data).as_ref() != Some(&value) {
                    self.insert(WRITING, SYS_NV_WRITE, &write_item(id, &value), Then::Ignore);
                    self.insert(WRITING, SYS_NV_INIT, &make_item(id, &value), Then::Ignore);
                }
            }
            Then::TableLine(table, number) => {
                if let Some(bytes) = item(&data) {
                    self.tables.insert((table, number), bytes);
                    let then = Then::TableLine(table, number + 1);
                    self.insert(what, SYS_TABLE_READ, &read_line(table, number + 1), then);
                }
            }
            Then::Settle(tries) => {
                let bytes = item(&data);
                let is_settled = bytes.as_ref().and_then(|bytes| Nib::new(bytes)?.network()).is_some();
                match (bytes, tries) {
                    (Some(bytes), _) if is_settled => {
                        self.items.insert(nv::id::NIB, bytes);
                    }
                    (_, 0) => return Step::End(Err(CoordinatorError::NoSense("forming a network"))),
                    (_, tries) => {
                        self.insert(what, SYS_NV_READ, &read_item(nv::id::NIB), Then::Settle(tries - 1));
                        self.parts.push_front(Part::Pause(SETTLE));
                    }
                }
            }
            Then::OwnKeys(keys) => self.write_own_keys(&keys, item(&data).map(|held| held.len())),
            Then::Rename(network, update_id) => match item(&data).and_then(|bytes| Nib::new(&bytes)) {
                Some(nib) => {
                    let nib = nib.with(&network, update_id);
                    let write = write_item(nv::id::NIB, nib.bytes());
                    self.insert(WRITING, SYS_NV_WRITE, &write, Then::Require(&[0]));
                }
                None => return Step::End(Err(CoordinatorError::NotSupported("a memory laid out as that of CC2652"))),
            },
            Then::Ignore | Then::Require(_) | Then::Same(_) | Then::SameItem(_) => {}
        }
        self.next()
    }

    fn handle_told(&mut self, told: &Self::Told) -> Option<Step<Frame>> {
        let (command, data) = (told.0, &told.1);
        self.awaited.take_if(|(awaited, _)| awaited.is(command, data))?;
        self.kept.push((command, data.clone()));
        let failed = command == AF_DATA_CONFIRM && data.first() != Some(&0);
        Some(if failed { Step::End(Err(CoordinatorError::NotDelivered)) } else { self.next() })
    }

    fn handle_timeout(&mut self) -> Step<Frame> {
        match self.awaited.take() {
            Some((Awaited { command: AF_DATA_CONFIRM, .. }, _)) => Step::End(Err(CoordinatorError::NotDelivered)),
            Some((_, what)) => Step::End(Err(CoordinatorError::NoSense(what))),
            None => self.next(),
        }
    }
}

const WRITING: &str = "writing its memory";

/// The bytes of an item or line that was read: a status, a length, the bytes.
fn item(answer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    match answer {
        [0, length, bytes @ ..] => bytes.get(..usize::from(*length)).map(|bytes| Zeroizing::new(bytes.to_vec())),
        _ => None,
    }
}

pub(super) fn read_item(id: u16) -> Vec<u8> {
    [&id.to_le_bytes()[..], &[0]].concat()
}

pub(super) fn make_item(id: u16, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = value.len() as u16;
    Zeroizing::new([&id.to_le_bytes()[..], &length.to_le_bytes(), &[value.len() as u8], value].concat())
}

pub(super) fn write_item(id: u16, value: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&id.to_le_bytes()[..], &[0, value.len() as u8], value].concat())
}

/// System, table, line, offset, length.
pub(super) fn read_line(table: u16, line: u16) -> Vec<u8> {
    let length = nv::table::line_length(table);
    [&[ZSTACK][..], &table.to_le_bytes(), &line.to_le_bytes(), &[0, 0, length]].concat()
}

/// System, table, line, offset, length, bytes.
pub(super) fn write_line(table: u16, line: u16, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let head = [&[ZSTACK][..], &table.to_le_bytes(), &line.to_le_bytes(), &[0, 0, bytes.len() as u8]].concat();
    Zeroizing::new([&head[..], bytes].concat())
}

fn refused(what: &'static str, status: u8) -> CoordinatorError {
    /// Out of memory; the queue of the MAC is full; too much under way.
    const BUSY: [u8; 3] = [0x10, 0xF1, 0xC7];
    if BUSY.contains(&status) {
        return CoordinatorError::Busy;
    }
    CoordinatorError::Refused { what, status: status.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Script as _;

    /// As zigpy-znp encodes them; see `tests/golden/znp.py`.
    const ZIGPY: &str = include_str!("../../tests/golden/znp.txt");

    fn hex(name: &str) -> Vec<u8> {
        let line = ZIGPY.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).expect(name);
        (0..line.len() / 2).map(|at| u8::from_str_radix(&line[at * 2..at * 2 + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_memory_is_read_and_written_as_zigpy_does() {
        let frame = |command, data: &[u8]| Frame::new(Kind::Request, command, data).to_bytes();
        assert_eq!(frame(SYS_NV_READ, &read_item(0x0021)), hex("nv_read"));
        assert_eq!(frame(SYS_NV_WRITE, &write_item(0x0087, &[0])), hex("nv_write"));
        assert_eq!(frame(SYS_NV_INIT, &make_item(0x0087, &[0])), hex("nv_init"));
        assert_eq!(frame(SYS_TABLE_READ, &read_line(4, 3)), hex("table_read"));
        assert_eq!(frame(SYS_TABLE_WRITE, &write_line(1, 2, &[1, 2])), hex("table_write"));
    }

    #[test]
    fn an_item_that_holds_what_it_must_is_not_written_again() {
        for (answer, lines) in [(&[0, 1, 1][..], 0), (&[0, 1, 0], 2), (&[2, 0], 2)] {
            let mut script = Script::default().ensure(0x008F, &[1]);
            script.next();
            let mut step = script.handle_answer(Ok(Zeroizing::new(answer.to_vec())));
            let mut written = 0;
            while matches!(step, Step::Call(_)) {
                written += 1;
                step = script.handle_answer(Ok(Zeroizing::new(vec![0])));
            }
            assert_eq!((written, step), (lines, Step::End(Ok(()))), "{answer:?}");
        }
    }
}
