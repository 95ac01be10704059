//! What the keeper of the stick wants done, done; and what came of it.

use std::time::Instant;

use keyway_lock::{CommandId, NetworkError, Output, StickCommand, StickState};

use super::ZwaveRadio;
use crate::memory::{KeeperAsk, KeeperOutput};
use crate::serial_api::session::{Completed, SendFailure, Ticket};

impl ZwaveRadio {
    /// Takes up what is asked of the stick itself.
    pub(super) fn take_up(&mut self, now: Instant, id: CommandId, command: &StickCommand) {
        let idle = !self.network.is_busy();
        self.keeper.handle_command(now, id, command, self.session.stick(), idle);
    }

    /// Why nothing may be asked of the network now, if so.
    pub(super) fn withheld(&self) -> Option<NetworkError> {
        if self.keeper.is_foreign() && self.session.stick().is_some() {
            return Some(NetworkError::ForeignStick);
        }
        self.keeper.is_working().then_some(NetworkError::Busy)
    }

    /// Does what the keeper wants. False: nothing.
    pub(super) fn drain_keeper(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while let Some(output) = self.keeper.poll() {
            moved = true;
            match output {
                KeeperOutput::Keep(record, tell) => {
                    let id = self.persist(record);
                    if tell {
                        self.keeping = Some(id);
                    }
                }
                KeeperOutput::Event(event) => self.outputs.push_back(Output::Event(event)),
                KeeperOutput::Withdraw => self.give_up(),
                KeeperOutput::Identify => self.session.identify_again(now),
            }
        }
        moved
    }

    /// Hands the stick the keeper's next command, once it is idle.
    pub(super) fn feed_keeper(&mut self, now: Instant) -> bool {
        match self.keeper.next(now) {
            Some(KeeperAsk::Command(command)) => self.keeper_ticket = Some(self.session.submit(now, command)),
            Some(KeeperAsk::Restart) => self.session.restart(now),
            // It may have come to an end.
            None => return self.keeper.has_output(),
        }
        true
    }

    /// A command has ended. False: it was not the keeper's.
    pub(super) fn keeper_answered(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: &Result<Completed, SendFailure>,
    ) -> bool {
        let its = self.keeper_ticket.take_if(|kept| *kept == ticket).is_some();
        if its {
            self.keeper.handle_answer(now, result);
        }
        its
    }

    /// The stick is gone or restarted by itself, and with it whatever was under way.
    pub(super) fn stick_lost(&mut self) {
        self.keeper_ticket = None;
        self.keeper.handle_lost();
        self.give_up();
    }

    /// The stick is known, and is another one than before: it is left alone.
    pub(super) fn left_alone(&mut self, foreign: StickState) {
        tracing::warn!("this is another stick than before, with another network: it is left alone");
        self.give_up();
        self.secured = None;
        self.stick(foreign);
    }
}
