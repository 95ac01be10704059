//! A stick of Texas Instruments as a [`crate::coordinator::Coordinator`]: how it is asked, and what its answers and what it tells mean.

mod outcome;
mod telling;

use std::collections::BTreeMap;
use std::time::Instant;

use zeroize::Zeroizing;

use super::mt::Command;
use super::procedures;
use super::script::Script;
use super::session::Session;
use crate::address::{Ieee, Nwk};
use crate::coordinator::{Answer, CoordinatorError, CoordinatorInfo, Family, Request};
use crate::engine::{Desk, Dialect, Engine, Reaction, run_by_engine};
use crate::key::Key;

/// A stick of Texas Instruments.
pub struct ZnpCoordinator(Engine<Znp>);

impl ZnpCoordinator {
    /// `spare`: random; names and locks the network that is formed on the way to a restored one, and makes link keys should
    /// the backup come without a seed for them.
    pub fn new(spare: Key) -> Self {
        let dialect = Znp { next_transaction: 0, known: BTreeMap::new(), spare };
        Self(Engine::new(dialect, Session::default()))
    }
}

run_by_engine!(ZnpCoordinator);

/// What is remembered beside what every coordinator remembers.
struct Znp {
    next_transaction: u8,
    /// Addresses by network address.
    known: BTreeMap<Nwk, Ieee>,
    spare: Key,
}

impl Dialect for Znp {
    const FAMILY: Family = Family::Znp;
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
        _session: &Session,
        desk: &Desk,
        request: &Request,
    ) -> Result<Option<Script>, CoordinatorError> {
        self.next_transaction = self.next_transaction.wrapping_add(1);
        let transaction = self.next_transaction;
        Ok(Some(match request {
            Request::Form { network, link_key_seed } => procedures::form(network, link_key_seed),
            Request::Resume if desk.network().is_none() => return Err(CoordinatorError::NoNetwork),
            Request::Resume if desk.resumed => procedures::look(),
            Request::Resume => procedures::resume(),
            Request::Restart => return Ok(None),
            Request::EnergyScan if desk.resumed => procedures::energy_scan(),
            Request::EnergyScan if desk.network().is_some() => {
                return Err(CoordinatorError::NotSupported("listening to channels before its network is taken up"));
            }
            Request::EnergyScan => procedures::energy_scan_without_a_network(&self.spare),
            Request::Send(_) if !desk.resumed => return Err(CoordinatorError::NoNetwork),
            Request::Send(outgoing) => procedures::send(outgoing, transaction),
            Request::PermitJoin { seconds, own_keys_only } => procedures::permit_join(*seconds, *own_keys_only),
            Request::AddTransientLinkKey { ieee, key } => procedures::add_transient_key(*ieee, key),
            Request::RemoveDevice { ieee, nwk } => procedures::remove_device(*ieee, *nwk, transaction),
            Request::ReadBackup => procedures::read_backup(),
            Request::WriteBackup { backup, .. } => {
                let backup = backup.moved_forward();
                let seed = backup.seed_of(Family::Znp).unwrap_or(&self.spare);
                procedures::write_backup(&backup, seed, &self.spare)
            }
            Request::LeaveNetwork => procedures::leave(),
        }))
    }

    fn info(&self, _session: &Session, script: &Script) -> Result<CoordinatorInfo, String> {
        outcome::info(script)
    }

    fn looked(&mut self, desk: &mut Desk, script: &Script) {
        if let Err(error) = outcome::network_up(desk, script) {
            tracing::debug!(%error, "the stick does not tell its network");
        }
    }

    fn outcome(
        &mut self,
        _session: &Session,
        desk: &mut Desk,
        _now: Instant,
        request: &Request,
        script: &Script,
    ) -> Result<Answer, CoordinatorError> {
        outcome::of(desk, request, script)
    }

    fn told(&mut self, desk: &mut Desk, (command, data): &(Command, Zeroizing<Vec<u8>>)) -> Reaction {
        self.handle_told(desk, *command, data)
    }

    fn restarted(&mut self) {}

    fn due(&self) -> Option<Instant> {
        None
    }

    fn handle_due(&mut self, _session: &Session, _now: Instant) -> Option<Script> {
        None
    }
}

#[cfg(test)]
mod tests;
