//! A stick of Silicon Labs as a [`crate::coordinator::Coordinator`]: how it is asked, and what its answers and callbacks mean.

mod outcome;
mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::fields::{Field as F, Fields};
use super::procedures;
use super::script::Script;
use super::session::Session;
use super::table::Command;
use crate::address::{Ieee, Nwk};
use crate::coordinator::{Answer, CoordinatorError, CoordinatorInfo, Destination, Family, Request};
use crate::engine::{Desk, Dialect, Engine, Reaction, run_by_engine};
use crate::key::Key;

/// Devices whose addresses are remembered, to tell the stick of those that sleep.
const MOST_KNOWN: usize = 256;

/// A stick of Silicon Labs.
pub struct EzspCoordinator(Engine<Ezsp>);

impl EzspCoordinator {
    /// `spare_seed`: random; the devices' own link keys are made from it should a network be restored that comes without
    /// such a seed, or with that of another maker.
    pub fn new(spare_seed: Key) -> Self {
        let dialect = Ezsp {
            closes_at: None,
            next_tag: 0,
            known: BTreeMap::new(),
            sleepy: BTreeSet::new(),
            next_line: 0,
            spare_seed,
        };
        Self(Engine::new(dialect, Session::default()))
    }
}

run_by_engine!(EzspCoordinator);

/// What is remembered beside what every coordinator remembers.
struct Ezsp {
    /// When nobody may join any more.
    closes_at: Option<Instant>,
    next_tag: u8,
    /// Addresses by network address.
    known: BTreeMap<Nwk, Ieee>,
    /// Sleeping devices that the stick knows as such, and the next line of its address table.
    sleepy: BTreeSet<Ieee>,
    next_line: u8,
    /// The seed for a network whose backup has none that this stick can use.
    spare_seed: Key,
}

impl Dialect for Ezsp {
    const FAMILY: Family = Family::Ezsp;
    type Script = Script;
    type Session = Session;

    fn identify(&mut self) -> Script {
        procedures::identify()
    }

    fn look(&mut self) -> Script {
        procedures::look()
    }

    fn ping(&mut self) -> Script {
        procedures::ping()
    }

    fn script(
        &mut self,
        session: &Session,
        desk: &Desk,
        request: &Request,
    ) -> Result<Option<Script>, CoordinatorError> {
        let version = session.version().unwrap_or_default();
        Ok(Some(match request {
            Request::Form { network, link_key_seed } => procedures::form(network, link_key_seed),
            Request::Resume if desk.network().is_none() => return Err(CoordinatorError::NoNetwork),
            Request::Resume => procedures::resume(),
            Request::Restart => return Ok(None),
            Request::EnergyScan => procedures::energy_scan(),
            Request::Send(outgoing) => {
                let sleepy = outgoing.is_sleepy.then(|| self.new_sleeper(outgoing.destination)).flatten();
                self.next_tag = self.next_tag.wrapping_add(1);
                let line = self.next_line;
                if sleepy.is_some() {
                    self.next_line = (line + 1) % procedures::ADDRESSES as u8;
                }
                procedures::send(outgoing, sleepy, self.next_tag, line)
            }
            Request::PermitJoin { seconds, own_keys_only } => {
                procedures::permit_join(version, *seconds, *own_keys_only)
            }
            Request::AddTransientLinkKey { ieee, key } => procedures::add_transient_key(version, *ieee, key),
            Request::RemoveDevice { ieee, nwk } => procedures::remove_device(*ieee, nwk.0),
            Request::ReadBackup => procedures::read_backup(version),
            Request::WriteBackup { backup, burn_address } => {
                let own = desk.info.as_ref().map_or(Ieee::NONE, |info| info.ieee);
                let backup = backup.moved_forward();
                let seed = backup.seed_of(Family::Ezsp).unwrap_or(&self.spare_seed);
                procedures::write_backup(version, own, &backup, seed, *burn_address)
            }
            Request::LeaveNetwork => procedures::leave(),
        }))
    }

    fn info(&self, session: &Session, script: &Script) -> Result<CoordinatorInfo, String> {
        Ok(outcome::info(session.version().unwrap_or_default(), script))
    }

    fn looked(&mut self, desk: &mut Desk, script: &Script) {
        outcome::network_up(desk, script);
    }

    fn outcome(
        &mut self,
        session: &Session,
        desk: &mut Desk,
        now: Instant,
        request: &Request,
        script: &Script,
    ) -> Result<Answer, CoordinatorError> {
        if let Request::PermitJoin { seconds, .. } = request {
            self.closes_at = (*seconds > 0).then(|| now + Duration::from_secs((*seconds).into()));
        }
        outcome::of(session.version().unwrap_or_default(), desk, request, script)
    }

    fn told(&mut self, desk: &mut Desk, (command, fields): &(Command, Fields)) -> Reaction {
        self.handle_callback(desk, *command, fields)
    }

    fn restarted(&mut self) {
        self.sleepy.clear();
        self.closes_at = None;
    }

    fn due(&self) -> Option<Instant> {
        self.closes_at
    }

    fn handle_due(&mut self, session: &Session, now: Instant) -> Option<Script> {
        self.closes_at.take_if(|at| *at <= now)?;
        Some(procedures::permit_join(session.version().unwrap_or_default(), 0, false))
    }
}

impl Ezsp {
    /// A sleeping device that the stick was not told of yet.
    fn new_sleeper(&mut self, destination: Destination) -> Option<Ieee> {
        let ieee = match destination {
            Destination::Nwk(nwk) => *self.known.get(&nwk)?,
            Destination::Ieee(ieee) => ieee,
            Destination::Broadcast(_) => return None,
        };
        self.sleepy.insert(ieee).then_some(ieee)
    }

    /// Remembers who has which address.
    fn remember(&mut self, nwk: Nwk, ieee: Ieee) {
        if ieee.is_real() && nwk.is_unicast() {
            self.known.retain(|old, other| *other != ieee || *old == nwk);
            if self.known.len() >= MOST_KNOWN {
                self.known.pop_first();
            }
            self.known.insert(nwk, ieee);
        }
    }
}

/// The address of a field, where it is one.
fn real(fields: &Fields) -> Option<Ieee> {
    Some(fields.ieee(F::Ieee)).filter(|ieee| ieee.is_real())
}

#[cfg(test)]
mod tests;
