//! From a stick that says what it is to a network that is up.

use std::time::Instant;

use keyway_lock::{NetworkError, NetworkOutcome, RadioEvent, StickInfo, StickState, WallTime};

use super::kept::{Kept, identity_held};
use super::{AGAIN, Network, NetworkOutput, Process, Stage, Then};
use crate::address::Ieee;
use crate::coordinator::{Answer, CoordinatorError, CoordinatorInfo, Family, NetworkInfo, Request};

impl Network {
    /// The stick is known.
    pub fn handle_identified(&mut self, info: CoordinatorInfo) {
        self.stick = Some(info);
        self.start();
    }

    /// Has it hold the network that it has to hold.
    pub(super) fn start(&mut self) {
        let Some(stick) = &self.stick else { return };
        self.stage = Stage::Starting;
        let holds = stick.network.map(|network| network.extended_pan);
        if self.is_to_be_written(&identity_held(stick.network)) {
            return self.write_as_ordered();
        }
        match (&self.kept, holds) {
            (Some(kept), Some(holds)) if kept.extended_pan == holds.0 => self.out.stick(Request::Resume),
            // It was not formed to the end, or there is nobody in it who would miss it.
            (Some(kept), None) if !kept.formed && kept.form().is_some() => self.form(),
            (Some(_), None) if self.has_devices => self.leave_alone(),
            (_, None) => self.out.stick(Request::EnergyScan),
            (_, Some(_)) => self.leave_alone(),
        }
    }

    fn leave_alone(&mut self) {
        tracing::warn!("the stick holds another network than the one that is looked for: it is left alone");
        self.stage = Stage::Foreign;
        let expected = self.kept.as_ref().map(Kept::identity).unwrap_or_default();
        if let Some(info) = self.stick_info() {
            self.out.event(RadioEvent::Stick(StickState::Foreign { info, expected, kept: self.has_memory() }));
        }
        self.out.push(NetworkOutput::Withdraw);
        if matches!(self.process, Some(Process::Restarting(_))) {
            self.finish(Ok(NetworkOutcome::Done));
        }
    }

    /// It was listened how busy the channels are.
    pub(super) fn scanned(&mut self, result: &Result<Answer, CoordinatorError>) {
        let energy = match result {
            Ok(Answer::Energy(energy)) => energy.as_slice(),
            // It will be identified again.
            Err(CoordinatorError::StickGone | CoordinatorError::Restarted) => return,
            _ => &[],
        };
        let kept = Kept::new(&mut self.random, energy);
        self.out.push(NetworkOutput::Keep(kept.record(), Some(Then::Form)));
        self.kept = Some(kept);
    }

    /// Its record is kept: the network is formed.
    pub(super) fn form(&mut self) {
        if self.stage != Stage::Starting {
            return;
        }
        if let Some(form) = self.kept.as_ref().and_then(Kept::form) {
            self.out.stick(form);
        }
    }

    /// The network is up.
    pub fn handle_up(&mut self, network: NetworkInfo) {
        let Some(stick) = &mut self.stick else { return };
        stick.network = Some(network);
        if self.stage == Stage::Starting {
            self.stage = Stage::Up(network);
        }
    }

    /// What was to bring it up has been done.
    pub(super) fn started(&mut self, now: Instant, clock: Option<WallTime>) {
        if !matches!(self.stage, Stage::Up(_)) {
            // It says that it did it, and not that its network is up.
            return self.refused(now, &CoordinatorError::NoSense("bringing its network up"));
        }
        self.memory_written(clock);
        if let Some(kept) = self.kept.as_mut().filter(|kept| !kept.formed) {
            kept.formed = true;
            self.out.push(NetworkOutput::Keep(kept.record(), None));
        }
        if let Some(info) = self.stick_info() {
            self.out.event(RadioEvent::Stick(StickState::Ready(info)));
        }
        self.out.push(NetworkOutput::Up);
        match self.process {
            Some(Process::Resetting(_)) => self.finish(Ok(NetworkOutcome::Reset)),
            Some(Process::Adopting(_)) => {
                self.look_for_devices();
                self.finish(Ok(NetworkOutcome::Done));
            }
            Some(Process::Restarting(_)) => self.finish(Ok(NetworkOutcome::Done)),
            _ => {}
        }
    }

    /// The stick did not do it.
    pub(super) fn refused(&mut self, now: Instant, error: &CoordinatorError) {
        if matches!(error, CoordinatorError::StickGone | CoordinatorError::Restarted) {
            return;
        }
        if *error == CoordinatorError::OnlyOnce {
            return self.not_written();
        }
        let sentence = format!("its network does not come up: {error}; it is tried again");
        tracing::warn!("{sentence}");
        self.stage = Stage::Refused(now + AGAIN);
        self.writes_as_ordered = false;
        self.out.event(RadioEvent::Stick(StickState::Failed(sentence)));
        self.out.push(NetworkOutput::Withdraw);
        self.finish(Err(NetworkError::StickFailed));
    }

    /// It forgot its network: there is to be a new one.
    pub(super) fn left_network(&mut self) {
        if let Some(stick) = &mut self.stick {
            stick.network = None;
        }
        self.begin_anew();
        self.stage = Stage::Starting;
        self.out.stick(Request::EnergyScan);
    }

    /// The network is down, by itself: it is brought up again.
    pub fn handle_down(&mut self) {
        if matches!(self.stage, Stage::Up(_)) {
            tracing::warn!("the network is down: the stick is told to bring it up again");
            self.stage = Stage::Starting;
            self.out.stick(Request::Resume);
        }
    }

    /// The stick is gone or restarted, and with it what was under way.
    pub fn handle_lost(&mut self) {
        (self.stage, self.stick, self.writes_as_ordered) = (Stage::Away, None, false);
        self.asked.clear();
        self.out.forget_requests();
        // One that was told to restart does as it was told.
        if !matches!(self.process, Some(Process::Restarting(_))) {
            self.finish(Err(NetworkError::StickGone));
        }
        self.out.forget_requests();
    }

    /// The port is gone: nothing goes on by itself.
    pub fn handle_gone(&mut self) {
        self.handle_lost();
        self.finish(Err(NetworkError::StickGone));
        self.out.forget_requests();
    }

    /// What the hub is told of the stick.
    pub(super) fn stick_info(&self) -> Option<StickInfo> {
        let stick = self.stick.as_ref()?;
        let family = match stick.family {
            Family::Ezsp => "EZSP",
            Family::Znp => "ZNP",
        };
        Some(StickInfo {
            network: identity_held(stick.network),
            firmware: stick.firmware.clone(),
            model: if stick.model.is_empty() { family.to_owned() } else { format!("{} ({family})", stick.model) },
            region: None,
            power: None,
        })
    }

    /// The coordinator's own address.
    pub fn own(&self) -> Option<Ieee> {
        self.stick.as_ref().map(|stick| stick.ieee)
    }
}
