//! What the hub asks of the network and of the stick, taken up.

use std::time::Instant;

use keyway_lock::{
    CommandId, Include, LockId, NetworkCommand, NetworkError, NetworkOutcome, NetworkStep, RadioEvent, StickCommand,
    StickState,
};

use super::joining::Joining;
use super::kept::{Kept, identity, identity_held};
use super::{LEAVE, Network, NetworkOutput, Process, Purpose, Stage};
use crate::address::{Ieee, Nwk};
use crate::coordinator::{Answer, CoordinatorError, Request};

impl Network {
    /// The hub asks something of the network. `nwk`: where the device is that it is about, if it is one of ours.
    pub fn handle_command(&mut self, now: Instant, id: CommandId, command: NetworkCommand, nwk: Option<Nwk>) {
        let not_supported = |what| Err(NetworkError::NotSupported(what));
        match (self.stage, command) {
            (Stage::Foreign, _) => self.answer(id, Err(NetworkError::ForeignStick)),
            (Stage::Away | Stage::Starting | Stage::Refused(_), _) => self.answer(id, Err(NetworkError::StickGone)),
            (Stage::Up(_), NetworkCommand::Grant(_) | NetworkCommand::Confirm(_)) => {
                self.answer(id, Err(NetworkError::NotAsked));
            }
            (Stage::Up(_), NetworkCommand::Cancel) => self.cancel(id),
            (Stage::Up(_), NetworkCommand::Await(_) | NetworkCommand::Forget(_)) => {
                self.answer(id, not_supported("a Zigbee device does not join by itself: include it"));
            }
            (Stage::Up(_), NetworkCommand::TakeKeys(_)) => {
                self.answer(id, not_supported("a Zigbee network's key is in its stick, and comes with it"));
            }
            (Stage::Up(_), NetworkCommand::RebuildRoutes(_)) => {
                self.answer(id, not_supported(
                        "Zigbee finds its routes by itself, and a lock its parent: put a router near it, and take its batteries \
                         out and back so that it looks for a better one",
                    ));
            }
            (Stage::Up(_), NetworkCommand::Leave { .. }) => {
                self.answer(
                    id,
                    not_supported("a Zigbee stick is the coordinator of its network, and never a guest in another"),
                );
            }
            (Stage::Up(_), _) if self.process.is_some() => self.answer(id, Err(NetworkError::Busy)),
            (Stage::Up(_), NetworkCommand::Include(wanted)) if wanted.label.is_some() => {
                self.answer(id, not_supported("a Zigbee device has an install code, and no such label"));
            }
            (
                Stage::Up(_),
                NetworkCommand::Include(Include { install_code: None, .. })
                | NetworkCommand::ReplaceFailed(_, Include { install_code: None, .. }),
            ) if self.install_codes_only => {
                self.answer(id, Err(NetworkError::InstallCodeNeeded));
            }
            (Stage::Up(_), NetworkCommand::Include(wanted)) => match Joining::new(now, id, wanted, None) {
                Ok(joining) => self.join(joining),
                Err(error) => self.answer(id, Err(error)),
            },
            (Stage::Up(_), NetworkCommand::ReplaceFailed(lock, wanted)) => {
                let joining = nwk.ok_or(NetworkError::NoSuchDevice);
                match joining.and_then(|nwk| Joining::new(now, id, wanted, Some((Ieee(lock.0), nwk)))) {
                    Ok(joining) => self.join(joining),
                    Err(error) => self.answer(id, Err(error)),
                }
            }
            (Stage::Up(_), NetworkCommand::Exclude) => {
                self.process = Some(Process::Leaving(id, now + LEAVE));
                self.out.step(NetworkStep::Ready);
            }
            (Stage::Up(_), NetworkCommand::RemoveFailed(lock)) => match nwk {
                Some(nwk) => {
                    let ieee = Ieee(lock.0);
                    self.process = Some(Process::Removing(id, ieee));
                    self.out.stick(Request::RemoveDevice { ieee, nwk });
                }
                None => self.answer(id, Err(NetworkError::NoSuchDevice)),
            },
            (Stage::Up(info), NetworkCommand::Reset { network }) => {
                if network != identity(info.extended_pan) {
                    return self.answer(id, Err(NetworkError::WrongNetwork));
                }
                self.process = Some(Process::Resetting(id));
                self.out.stick(Request::LeaveNetwork);
            }
        }
    }

    /// The hub asks something of the stick itself.
    pub fn handle_stick(&mut self, id: CommandId, command: &StickCommand) {
        let Some(stick) = self.stick.as_ref().filter(|_| self.process.is_none()) else {
            let error = if self.stick.is_none() { NetworkError::StickGone } else { NetworkError::Busy };
            return self.answer(id, Err(error));
        };
        match command {
            StickCommand::Adopt { network } => {
                let holds = stick.network;
                if self.stage != Stage::Foreign {
                    return self.answer(id, Err(NetworkError::NotAsked));
                }
                if *network != identity_held(holds) {
                    return self.answer(id, Err(NetworkError::WrongNetwork));
                }
                self.process = Some(Process::Adopting(id));
                self.begin_anew();
                if let Some(holds) = holds {
                    let kept = Kept::adopted(&holds);
                    self.out.push(NetworkOutput::Keep(kept.record(), None));
                    self.kept = Some(kept);
                }
                self.out.event(RadioEvent::Stick(StickState::Starting));
                self.start();
            }
            StickCommand::Restart => {
                self.process = Some(Process::Restarting(id));
                self.out.stick(Request::Restart);
            }
            StickCommand::KeepMemory => self.keep_memory(id),
            StickCommand::RestoreMemory { over, burn_address } => self.restore_memory(id, over, *burn_address),
            StickCommand::TakeOver { backup, over, burn_address } => self.take_over(id, backup, over, *burn_address),
            StickCommand::SetRegion { .. } => {
                self.answer(id, Err(NetworkError::NotSupported("Zigbee has the same frequencies everywhere")));
            }
        }
    }

    /// The network that was kept is forgotten, and its devices with it.
    pub(super) fn begin_anew(&mut self) {
        self.kept = None;
        self.has_devices = false;
        self.out.push(NetworkOutput::AllLeft);
    }

    fn cancel(&mut self, id: CommandId) {
        match &self.process {
            None => return self.answer(id, Err(NetworkError::NotAsked)),
            Some(Process::Joining(_)) => self.cancel_joining(),
            Some(Process::Leaving(..)) => self.finish(Err(NetworkError::Cancelled)),
            // These end by themselves, soon.
            Some(
                Process::Removing(..)
                | Process::Resetting(_)
                | Process::Adopting(_)
                | Process::Restarting(_)
                | Process::Reading(_)
                | Process::Writing(..),
            ) => {}
        }
        self.answer(id, Ok(NetworkOutcome::Done));
    }

    /// The stick let devices join, or took a device's key; or did not.
    pub(super) fn permitted(&mut self, now: Instant, purpose: Purpose, result: &Result<Answer, CoordinatorError>) {
        let Some(Process::Joining(joining)) = &mut self.process else { return };
        match (purpose, result) {
            (Purpose::LinkKey, Ok(_)) => self.open(),
            (_, Ok(_)) => {
                if joining.opened(now) {
                    self.out.step(NetworkStep::Ready);
                }
            }
            (_, Err(CoordinatorError::StickGone | CoordinatorError::Restarted)) => {}
            (_, Err(_)) => self.finish(Err(NetworkError::StickFailed)),
        }
    }

    /// The stick told a device to leave; or could not.
    pub(super) fn removed(&mut self, device: Ieee, result: &Result<Answer, CoordinatorError>) {
        let ours = matches!(self.process, Some(Process::Removing(_, removing)) if removing == device);
        if !ours {
            return;
        }
        match result {
            Err(CoordinatorError::StickGone | CoordinatorError::Restarted | CoordinatorError::NoNetwork) => {
                self.finish(Err(NetworkError::StickFailed));
            }
            // Whether it heard that is not known, and of no importance: it may not come back without being let in.
            _ => {
                self.out.push(NetworkOutput::Left(device));
                self.finish(Ok(NetworkOutcome::Excluded(Some(LockId(device.0)))));
            }
        }
    }

    /// A device that was taken out is told so again.
    pub fn turn_away(&mut self, ieee: Ieee, nwk: Nwk) {
        self.out.stick(Request::RemoveDevice { ieee, nwk });
    }

    /// A device left by itself. True: somebody waited for that, and it is forgotten.
    pub fn handle_left(&mut self, device: Ieee, ours: bool) -> bool {
        match &self.process {
            Some(Process::Leaving(..)) => {
                if ours {
                    self.out.push(NetworkOutput::Left(device));
                }
                self.finish(Ok(NetworkOutcome::Excluded(ours.then_some(LockId(device.0)))));
                true
            }
            Some(Process::Joining(joining)) if joining.device() == Some(device) => {
                self.out.push(NetworkOutput::Left(device));
                self.finish(Err(NetworkError::DeviceGone));
                true
            }
            Some(Process::Removing(_, removing)) => *removing == device,
            _ => false,
        }
    }
}
