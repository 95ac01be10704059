//! The stick leaves the network of another controller, in which it is no primary one (host API, ZW_SetLearnMode). It has a
//! new network of its own then.

use std::time::{Duration, Instant};

use keyway_lock::{NetworkError, NetworkStep};

use super::output::Outputs;
use crate::serial_api::command::Command;
use crate::serial_api::network::{LearnStatus, NetworkCallback};

/// How long somebody has to begin at the other controller.
const BEGIN: Duration = Duration::from_secs(180);
/// How long the other controller may take then.
const END: Duration = Duration::from_secs(60);

/// How it ended.
pub(super) type Left = Result<(), NetworkError>;

/// A leaving under way.
pub(super) struct Learning {
    callback: u8,
    until: Instant,
    begun: bool,
}

impl Learning {
    pub(super) fn new(now: Instant, callback: u8, out: &mut Outputs) -> Self {
        out.stick(Command::leave_network(callback));
        out.step(NetworkStep::Ready);
        Self { callback, until: now + BEGIN, begun: false }
    }

    /// Whether the stick is being taken out, so that nothing else may be sent.
    pub(super) fn is_exclusive(&self) -> bool {
        self.begun
    }

    pub(super) fn timeout(&self) -> Instant {
        self.until
    }

    /// The host does not want it any more. What was begun goes to its end.
    pub(super) fn cancel(&self, out: &mut Outputs) -> Option<Left> {
        (!self.begun).then(|| give_up(NetworkError::Cancelled, out))
    }

    /// The instant of [`Learning::timeout`] has come.
    pub(super) fn handle_timeout(&self, now: Instant, out: &mut Outputs) -> Option<Left> {
        let error = if self.begun { NetworkError::StickFailed } else { NetworkError::NobodyCame };
        (self.until <= now).then(|| give_up(error, out))
    }

    /// What the stick tells.
    pub(super) fn handle_callback(
        &mut self,
        now: Instant,
        callback: &NetworkCallback,
        out: &mut Outputs,
    ) -> Option<Left> {
        let NetworkCallback::Learn(id, status) = callback else { return None };
        match status {
            _ if *id != self.callback => None,
            LearnStatus::Started if !self.begun => {
                (self.begun, self.until) = (true, now + END);
                out.step(NetworkStep::Found);
                None
            }
            LearnStatus::Started | LearnStatus::Between => None,
            LearnStatus::Done => Some(Ok(())),
            LearnStatus::Failed => Some(give_up(NetworkError::StickFailed, out)),
        }
    }
}

fn give_up(error: NetworkError, out: &mut Outputs) -> Left {
    out.stick(Command::leave_network_stop(0));
    Err(error)
}
