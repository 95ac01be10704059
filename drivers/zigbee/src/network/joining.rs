//! A device is let in: from the open network to a device that was heard, and is known to be a lock or not.

use std::time::{Duration, Instant};

use keyway_lock::{CommandId, Include, LockId, NetworkError, NetworkOutcome, NetworkStep};

use super::install_code::link_key;
use super::{Network, NetworkOutput, Process};
use crate::address::{Ieee, Nwk};
use crate::coordinator::Request;
use crate::key::Key;
use crate::zdo::Zdo;

/// For how long the network is opened at once (Zigbee R22 section 2.4.3.3.7).
const OPEN: u8 = 254;
/// It is opened again a little before that.
const OPEN_AGAIN: Duration = Duration::from_secs(240);
/// How long somebody has to put a device into its mode for joining.
const PRESS: Duration = Duration::from_secs(600);
/// How long a device that joined may take to be heard.
const HEARD: Duration = Duration::from_secs(30);
/// How long one that was heard may take to say what it is, before it is taken for a lock.
const DESCRIBED: Duration = Duration::from_secs(60);

/// How far it is.
enum Stage {
    /// The stick is told to open the network.
    Opening,
    /// It is open.
    Open { again: Instant },
    /// A device joined: it is to be heard, then to say what it is.
    Settling { device: Ieee, nwk: Nwk, heard: bool, until: Instant },
}

/// A joining under way.
pub(super) struct Joining {
    pub(super) id: CommandId,
    wanted: Include,
    /// The only device that may join, and its key.
    only: Option<(Ieee, Key)>,
    /// The lock in whose place it comes.
    replaces: Option<(Ieee, Nwk)>,
    stage: Stage,
    told: bool,
    until: Instant,
}

impl Joining {
    pub(super) fn new(
        now: Instant,
        id: CommandId,
        wanted: Include,
        replaces: Option<(Ieee, Nwk)>,
    ) -> Result<Self, NetworkError> {
        let only = match &wanted.install_code {
            Some(code) => Some((Ieee(code.device()), link_key(code).ok_or(NetworkError::WrongInstallCode)?)),
            None => None,
        };
        Ok(Self { id, wanted, only, replaces, stage: Stage::Opening, told: false, until: now + PRESS })
    }

    /// The device that joined.
    pub(super) fn device(&self) -> Option<Ieee> {
        match self.stage {
            Stage::Settling { device, .. } => Some(device),
            Stage::Opening | Stage::Open { .. } => None,
        }
    }

    /// The network is open. True: for the first time.
    pub(super) fn opened(&mut self, now: Instant) -> bool {
        if self.device().is_none() {
            self.stage = Stage::Open { again: now + OPEN_AGAIN };
        }
        self.device().is_none() && !std::mem::replace(&mut self.told, true)
    }

    pub(super) fn timeout(&self) -> Instant {
        match self.stage {
            Stage::Opening => self.until,
            Stage::Open { again } => again.min(self.until),
            Stage::Settling { until, .. } => until,
        }
    }
}

impl Network {
    pub(super) fn join(&mut self, joining: Joining) {
        let only = joining.only.clone();
        self.process = Some(Process::Joining(Box::new(joining)));
        match only {
            Some((ieee, key)) => self.out.stick(Request::AddTransientLinkKey { ieee, key }),
            None => self.open(),
        }
    }

    /// Everybody who carries frames lets devices in. Where one with an install code is awaited, the stick has no key for others.
    pub(super) fn open(&mut self) {
        let own_keys_only = matches!(&self.process, Some(Process::Joining(joining)) if joining.only.is_some());
        self.out.stick(Request::PermitJoin { seconds: OPEN, own_keys_only });
        self.out.push(NetworkOutput::Routers(Zdo::PermitJoiningRequest(OPEN)));
    }

    /// Nobody does any more.
    pub(super) fn close(&mut self) {
        self.out.stick(Request::PermitJoin { seconds: 0, own_keys_only: false });
        self.out.push(NetworkOutput::Routers(Zdo::PermitJoiningRequest(0)));
    }

    /// Something is due.
    pub(super) fn join_on(&mut self, now: Instant) {
        let Some(Process::Joining(joining)) = &mut self.process else { return };
        match joining.stage {
            Stage::Settling { device, heard: true, until, .. } if until <= now => self.joined(device),
            Stage::Settling { device, nwk, until, .. } if until <= now => {
                self.out.stick(Request::RemoveDevice { ieee: device, nwk });
                self.out.push(NetworkOutput::Left(device));
                self.finish(Err(NetworkError::DeviceGone));
            }
            Stage::Settling { .. } => {}
            Stage::Opening | Stage::Open { .. } if joining.until <= now => self.finish(Err(NetworkError::NobodyCame)),
            Stage::Open { again } if again <= now => {
                joining.stage = Stage::Opening;
                self.open();
            }
            Stage::Opening | Stage::Open { .. } => {}
        }
    }

    /// A device that was not in the network joined. False: nobody waits for one, or for another.
    pub fn handle_joined(&mut self, now: Instant, device: Ieee, nwk: Nwk) -> bool {
        let Some(Process::Joining(joining)) = &mut self.process else { return false };
        if joining.device().is_some() {
            return false;
        }
        if joining.only.as_ref().is_some_and(|(only, _)| *only != device) {
            self.out.stick(Request::RemoveDevice { ieee: device, nwk });
            self.finish(Err(NetworkError::WrongDevice));
            return true;
        }
        joining.stage = Stage::Settling { device, nwk, heard: false, until: now + HEARD };
        let name = joining.wanted.name.clone();
        self.out.step(NetworkStep::Found);
        self.out.step(NetworkStep::Joined(LockId(device.0)));
        self.out.push(NetworkOutput::Joined(device, nwk, name));
        // One was wanted: nobody else comes in meanwhile.
        self.close();
        true
    }

    /// A device was heard.
    pub fn handle_heard(&mut self, now: Instant, device: Ieee) {
        let Some(Process::Joining(joining)) = &mut self.process else { return };
        if let Stage::Settling { device: joined, heard, until, .. } = &mut joining.stage
            && *joined == device
            && !*heard
        {
            (*heard, *until) = (true, now + DESCRIBED);
            self.out.step(NetworkStep::Securing);
        }
    }

    /// It is known what a device is.
    pub fn handle_described(&mut self, device: Ieee, is_lock: bool, is_router: bool) {
        let Some(Process::Joining(joining)) = &self.process else { return };
        let Stage::Settling { device: joined, nwk, .. } = joining.stage else { return };
        if joined != device {
            return;
        }
        if is_lock {
            return self.joined(device);
        }
        if is_router {
            let kept = "it is no lock; it stays in the network and carries the frames of others";
            return self.finish(Err(NetworkError::NotSupported(kept)));
        }
        self.out.stick(Request::RemoveDevice { ieee: device, nwk });
        self.out.push(NetworkOutput::Left(device));
        self.finish(Err(NetworkError::NotSupported("it is no lock, and was taken out again")));
    }

    fn joined(&mut self, device: Ieee) {
        let Some(Process::Joining(joining)) = &self.process else { return };
        if let Some((old, nwk)) = joining.replaces.filter(|(old, _)| *old != device) {
            self.out.stick(Request::RemoveDevice { ieee: old, nwk });
            self.out.push(NetworkOutput::Left(old));
        }
        self.out.push(NetworkOutput::Announce(device));
        self.finish(Ok(NetworkOutcome::Included(LockId(device.0), [].into())));
    }

    /// The host does not want it any more: what has joined is taken out again.
    pub(super) fn cancel_joining(&mut self) {
        if let Some(Process::Joining(joining)) = &self.process
            && let Stage::Settling { device, nwk, .. } = joining.stage
        {
            self.out.step(NetworkStep::CleaningUp(LockId(device.0)));
            self.out.stick(Request::RemoveDevice { ieee: device, nwk });
            self.out.push(NetworkOutput::Left(device));
        }
        self.finish(Err(NetworkError::Cancelled));
    }
}
